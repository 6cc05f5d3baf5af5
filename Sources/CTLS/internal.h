// What the files of the shim share.
#ifndef CTLS_INTERNAL_H
#define CTLS_INTERNAL_H

#include "CTLS.h"

#include <openssl/ssl.h>

struct CTLS_context {
    SSL_CTX *shared;
};

// The first error of this thread's queue in words; the queue is emptied.
void CTLS_take_reason(char reason[CTLS_reason_bytes]);
// Reads bytes as they lie. To be freed with BIO_free.
BIO *CTLS_reader(const void *bytes, size_t count);
// Never asks a terminal.
int CTLS_no_password(char *buffer, int size, int is_writing, void *context);

#endif

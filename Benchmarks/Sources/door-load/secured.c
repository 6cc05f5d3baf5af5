// The load over TLS, by the same library as the server's: requests are sealed as they are sent, answers opened as they come.

#include "load.h"

#include <CTLS.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct secured {
    CTLS_session *session;
    uint8_t *sealed;
    size_t sealed_room;
    uint8_t *cipher;
};

enum { cipher_bytes = 64 << 10 };

static CTLS_context *trusted(const char *path) {
    static CTLS_context *context;
    if (context != NULL) return context;
    char text[64 << 10];
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path);
    const size_t count = fread(text, 1, sizeof text, file);
    fclose(file);
    context = CTLS_client(text, count);
    errno = 0;
    if (context == NULL) fail("the certificates to trust");
    return context;
}

struct secured *secure(int file, const struct options *options) {
    if (options->authority == NULL) return NULL;
    struct secured *secured = reserve(sizeof *secured);
    static const uint8_t protocols[] = "\x08http/1.1";
    secured->session = CTLS_connect(trusted(options->authority), "127.0.0.1", protocols, sizeof protocols - 1);
    errno = 0;
    if (secured->session == NULL) fail("a session of TLS");
    secured->sealed_room = 0;
    secured->sealed = NULL;
    secured->cipher = reserve(cipher_bytes);
    uint8_t said[1], answer[16 << 10];
    size_t count = 0;
    do {
        CTLS_step step = {.input = secured->cipher, .input_count = count, .opened = said, .opened_room = sizeof said, .sealed = answer,
                          .sealed_room = sizeof answer};
        if (CTLS_open(secured->session, &step) == CTLS_failed) fail("shaking hands");
        if (step.sealed_count > 0 && send(file, answer, step.sealed_count, 0) != (ssize_t)step.sealed_count) fail("send");
        if (CTLS_is_established(secured->session)) break;
        const ssize_t more = recv(file, secured->cipher, cipher_bytes, 0);
        if (more <= 0) fail("shaking hands");
        count = (size_t)more;
    } while (1);
    return secured;
}

struct bytes seal(struct secured *secured, struct bytes request) {
    const size_t room = CTLS_room_to_seal(request.length);
    if (secured->sealed_room < room) {
        secured->sealed = realloc(secured->sealed, room);
        secured->sealed_room = room;
        if (secured->sealed == NULL) fail("memory for a request");
    }
    CTLS_step step = {.sealed = secured->sealed, .sealed_room = room};
    errno = 0;
    if (CTLS_seal(secured->session, request.start, request.length, &step) != (long)request.length) fail("a request cannot be sealed");
    return (struct bytes){(char *)secured->sealed, step.sealed_count};
}

char *cipher_room(struct secured *secured, size_t *room) {
    // What comes is opened whole: that it fits is seen to here.
    const size_t held = CTLS_room_to_open(secured->session, 0);
    const size_t most = *room > held ? *room - held : 1;
    *room = most < cipher_bytes ? most : cipher_bytes;
    return (char *)secured->cipher;
}

size_t open_some(struct secured *secured, size_t count, char *opened, size_t room) {
    uint8_t answer[1024];
    CTLS_step step = {.input = secured->cipher, .input_count = count, .opened = (uint8_t *)opened, .opened_room = room, .sealed = answer,
                      .sealed_room = sizeof answer};
    errno = 0;
    if (CTLS_open(secured->session, &step) != CTLS_wants_input) fail("the server ended TLS");
    return step.opened_count;
}

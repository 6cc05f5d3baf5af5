// What connections share: a server's certificate and key, a client's authorities, and what versions and ciphers are let.

#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

void CTLS_take_reason(char reason[CTLS_reason_bytes]) {
    const unsigned long code = ERR_get_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    if (text == NULL) text = "no reason is known";
    strncpy(reason, text, CTLS_reason_bytes - 1);
    reason[CTLS_reason_bytes - 1] = 0;
    ERR_clear_error();
}

BIO *CTLS_reader(const void *bytes, size_t count) { return count > INT_MAX ? NULL : BIO_new_mem_buf(bytes, (int)count); }

int CTLS_no_password(char *buffer, int size, int is_writing, void *context) {
    (void)buffer, (void)size, (void)is_writing, (void)context;
    return 0;
}

// HTTP/2 before HTTP/1.1; with neither the hands are not shaken (RFC 7301, section 3.2).
static int choose_protocol(
    SSL *ssl, const unsigned char **chosen, unsigned char *count, const unsigned char *offered, unsigned int offered_count,
    void *context) {
    (void)ssl, (void)context;
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *found = NULL;
    if (SSL_select_next_proto(&found, count, ours, sizeof ours - 1, offered, offered_count) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_shared(const SSL_METHOD *method) {
    SSL_CTX *shared = SSL_CTX_new(method);
    if (shared == NULL) return NULL;
    SSL_CTX_set_options(shared, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Idle connections keep no buffers.
    SSL_CTX_set_mode(shared, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(shared, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_min_proto_version(shared, TLS1_2_VERSION) != 1 ||
        // For TLS 1.2, those with forward secrecy and authenticated encryption (RFC 9325, section 4.2); all of TLS 1.3's are such.
        SSL_CTX_set_cipher_list(shared, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        SSL_CTX_free(shared);
        return NULL;
    }
    return shared;
}

static CTLS_context *wrap(SSL_CTX *shared) {
    CTLS_context *context = OPENSSL_zalloc(sizeof *context);
    if (context == NULL) {
        SSL_CTX_free(shared);
        return NULL;
    }
    context->shared = shared;
    return context;
}

void CTLS_context_destroy(CTLS_context *context) {
    if (context == NULL) return;
    SSL_CTX_free(context->shared);
    OPENSSL_free(context);
}

// MARK: A server

static int64_t end_of(const X509 *certificate) {
    struct tm parts;
    memset(&parts, 0, sizeof parts);
    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

// The first certificate is the server's, the others vouch for it.
static enum CTLS_fault use_chain(SSL_CTX *shared, const void *chain, size_t count, int64_t *expires) {
    BIO *reader = CTLS_reader(chain, count);
    if (reader == NULL) return CTLS_no_memory;
    X509 *own = PEM_read_bio_X509_AUX(reader, NULL, CTLS_no_password, NULL);
    if (own == NULL) {
        BIO_free(reader);
        return CTLS_bad_certificate;
    }
    *expires = end_of(own);
    enum CTLS_fault fault = SSL_CTX_use_certificate(shared, own) == 1 ? CTLS_no_fault : CTLS_refused;
    X509_free(own);
    X509 *next;
    while (fault == CTLS_no_fault && (next = PEM_read_bio_X509(reader, NULL, CTLS_no_password, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(shared, next) != 1) {
            X509_free(next);
            fault = CTLS_refused;
        }
    }
    BIO_free(reader);
    if (fault != CTLS_no_fault) return fault;
    // That there is no further one is the end; anything else is damage.
    const unsigned long last = ERR_peek_last_error();
    if (ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE) ERR_clear_error();
    return ERR_peek_error() == 0 ? CTLS_no_fault : CTLS_bad_certificate;
}

static enum CTLS_fault use_key(SSL_CTX *shared, const void *key, size_t count) {
    BIO *reader = CTLS_reader(key, count);
    if (reader == NULL) return CTLS_no_memory;
    EVP_PKEY *own = PEM_read_bio_PrivateKey(reader, NULL, CTLS_no_password, NULL);
    BIO_free(reader);
    if (own == NULL) return CTLS_bad_key;
    X509 *certificate = SSL_CTX_get0_certificate(shared);
    enum CTLS_fault fault = CTLS_no_fault;
    if (X509_check_private_key(certificate, own) != 1) {
        fault = CTLS_other_key;
    } else if (SSL_CTX_use_PrivateKey(shared, own) != 1) {
        fault = CTLS_refused;
    }
    EVP_PKEY_free(own);
    return fault;
}

CTLS_context *CTLS_server(
    const void *chain, size_t chain_count, const void *key, size_t key_count, int64_t *expires, enum CTLS_fault *fault,
    char reason[CTLS_reason_bytes]) {
    ERR_clear_error();
    reason[0] = 0;
    SSL_CTX *shared = make_shared(TLS_server_method());
    if (shared == NULL) {
        *fault = CTLS_no_memory;
        return NULL;
    }
    SSL_CTX_set_alpn_select_cb(shared, choose_protocol, NULL);
    SSL_CTX_set_num_tickets(shared, 1);
    *fault = use_chain(shared, chain, chain_count, expires);
    if (*fault == CTLS_no_fault) *fault = use_key(shared, key, key_count);
    if (*fault == CTLS_no_fault) return wrap(shared);
    CTLS_take_reason(reason);
    SSL_CTX_free(shared);
    return NULL;
}

// MARK: A client

static int trust(SSL_CTX *shared, const void *authorities, size_t count) {
    BIO *reader = CTLS_reader(authorities, count);
    if (reader == NULL) return 0;
    int trusted = 0;
    X509 *next;
    while ((next = PEM_read_bio_X509(reader, NULL, CTLS_no_password, NULL)) != NULL) {
        trusted += X509_STORE_add_cert(SSL_CTX_get_cert_store(shared), next) == 1;
        X509_free(next);
    }
    BIO_free(reader);
    ERR_clear_error();
    return trusted;
}

CTLS_context *CTLS_client(const void *authorities, size_t count) {
    SSL_CTX *shared = make_shared(TLS_client_method());
    if (shared == NULL) return NULL;
    if (authorities != NULL) {
        if (trust(shared, authorities, count) == 0) {
            SSL_CTX_free(shared);
            return NULL;
        }
        SSL_CTX_set_verify(shared, SSL_VERIFY_PEER, NULL);
    }
    return wrap(shared);
}

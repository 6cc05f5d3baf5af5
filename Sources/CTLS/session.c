// One side of a TLS connection between bytes in the caller's memory: a BIO that reads from and writes to the step under way.

#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

struct CTLS_session {
    SSL *ssl;
    // Only during a call.
    CTLS_step *step;
    // Bytes of the peer that the library holds and has not opened.
    size_t held;
    char reason[CTLS_reason_bytes];
};

// MARK: The BIO

static int take_input(BIO *bio, char *buffer, int room) {
    CTLS_session *session = BIO_get_data(bio);
    CTLS_step *step = session->step;
    BIO_clear_retry_flags(bio);
    const size_t left = step->input_count - step->input_used;
    if (room <= 0) return 0;
    if (left == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const size_t count = left < (size_t)room ? left : (size_t)room;
    memcpy(buffer, step->input + step->input_used, count);
    step->input_used += count;
    session->held += count;
    return (int)count;
}

static int give_output(BIO *bio, const char *bytes, int count) {
    CTLS_session *session = BIO_get_data(bio);
    CTLS_step *step = session->step;
    BIO_clear_retry_flags(bio);
    const size_t room = step->sealed_room - step->sealed_count;
    if (count <= 0) return 0;
    if (room == 0) {
        BIO_set_retry_write(bio);
        return -1;
    }
    const size_t taken = room < (size_t)count ? room : (size_t)count;
    memcpy(step->sealed + step->sealed_count, bytes, taken);
    step->sealed_count += taken;
    return (int)taken;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method(void) {
    static BIO_METHOD *made;
    BIO_METHOD *known = __atomic_load_n(&made, __ATOMIC_ACQUIRE);
    if (known != NULL) return known;
    BIO_METHOD *fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "step");
    if (fresh == NULL) return NULL;
    BIO_meth_set_read(fresh, take_input);
    BIO_meth_set_write(fresh, give_output);
    BIO_meth_set_ctrl(fresh, control);
    if (__atomic_compare_exchange_n(&made, &known, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return fresh;
    BIO_meth_free(fresh);
    return known;
}

// MARK: Making

static CTLS_session *make(CTLS_context *context) {
    BIO_METHOD *kind = method();
    CTLS_session *session = OPENSSL_zalloc(sizeof *session);
    if (kind == NULL || session == NULL) {
        OPENSSL_free(session);
        return NULL;
    }
    session->ssl = SSL_new(context->shared);
    BIO *bio = session->ssl == NULL ? NULL : BIO_new(kind);
    if (bio == NULL) {
        CTLS_session_destroy(session);
        return NULL;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    return session;
}

CTLS_session *CTLS_accept(CTLS_context *context) {
    CTLS_session *session = make(context);
    if (session != NULL) SSL_set_accept_state(session->ssl);
    return session;
}

static int expect(SSL *ssl, const char *host) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1) return 1;
    ERR_clear_error();
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

CTLS_session *CTLS_connect(CTLS_context *context, const char *host, const uint8_t *protocols, unsigned int protocols_count) {
    CTLS_session *session = make(context);
    if (session == NULL) return NULL;
    SSL_set_connect_state(session->ssl);
    if ((host != NULL && !expect(session->ssl, host)) ||
        (protocols_count > 0 && SSL_set_alpn_protos(session->ssl, protocols, protocols_count) != 0)) {
        CTLS_session_destroy(session);
        return NULL;
    }
    return session;
}

void CTLS_session_destroy(CTLS_session *session) {
    if (session == NULL) return;
    SSL_free(session->ssl);
    OPENSSL_free(session);
}

// MARK: Steps

static enum CTLS_state fail(CTLS_session *session) {
    if (session->reason[0] == 0) CTLS_take_reason(session->reason);
    ERR_clear_error();
    return CTLS_failed;
}

enum CTLS_state CTLS_open(CTLS_session *session, CTLS_step *step) {
    session->step = step;
    // What an earlier call of this thread left would be taken for this one's.
    ERR_clear_error();
    enum CTLS_state state = CTLS_wants_output;
    for (;;) {
        const size_t room = step->opened_room - step->opened_count;
        if (room == 0) break;
        size_t count = 0;
        const int result = SSL_read_ex(session->ssl, step->opened + step->opened_count, room, &count);
        if (result == 1) {
            step->opened_count += count;
            if (SSL_pending(session->ssl) == 0) session->held = 0;
            continue;
        }
        switch (SSL_get_error(session->ssl, result)) {
        case SSL_ERROR_WANT_READ: state = CTLS_wants_input; break;
        case SSL_ERROR_WANT_WRITE: state = CTLS_wants_output; break;
        case SSL_ERROR_ZERO_RETURN: state = CTLS_ended; break;
        default: state = fail(session); break;
        }
        break;
    }
    session->step = NULL;
    return state;
}

size_t CTLS_room_to_open(const CTLS_session *session, size_t input_count) { return session->held + input_count + 1; }

long CTLS_seal(CTLS_session *session, const void *plain, size_t count, CTLS_step *step) {
    session->step = step;
    ERR_clear_error();
    size_t taken = 0, part = 0;
    while (taken < count && SSL_write_ex(session->ssl, (const uint8_t *)plain + taken, count - taken, &part) == 1) taken += part;
    if (taken < count && SSL_get_error(session->ssl, 0) != SSL_ERROR_WANT_WRITE) {
        fail(session);
        session->step = NULL;
        return -1;
    }
    session->step = NULL;
    return (long)taken;
}

// A record of 16 KiB has at most 64 bytes around it in the ciphers that are let; a kilobyte for what the protocol itself has to say.
size_t CTLS_room_to_seal(size_t count) { return count + 64 * (count / SSL3_RT_MAX_PLAIN_LENGTH + 1) + 1024; }

void CTLS_end(CTLS_session *session, CTLS_step *step) {
    session->step = step;
    ERR_clear_error();
    SSL_shutdown(session->ssl);
    ERR_clear_error();
    session->step = NULL;
}

int CTLS_is_established(const CTLS_session *session) { return SSL_is_init_finished(session->ssl); }

unsigned int CTLS_protocol(const CTLS_session *session, const char **name) {
    const unsigned char *bytes = NULL;
    unsigned int count = 0;
    SSL_get0_alpn_selected(session->ssl, &bytes, &count);
    *name = (const char *)bytes;
    return count;
}

const char *CTLS_version(const CTLS_session *session) { return SSL_get_version(session->ssl); }

void CTLS_reason(const CTLS_session *session, char reason[CTLS_reason_bytes]) {
    memcpy(reason, session->reason, CTLS_reason_bytes);
}

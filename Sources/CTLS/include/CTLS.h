// OpenSSL's libssl behind prefixed symbols: TLS between bytes in the caller's memory, and certificates for a node that was given none.
#ifndef CTLS_H
#define CTLS_H

#include <stddef.h>
#include <stdint.h>

/// Text of what went wrong, in OpenSSL's words.
enum { CTLS_reason_bytes = 256 };

// MARK: Certificates and keys

/// A certificate, its key and all that connections share. It may be used by many threads.
typedef struct CTLS_context CTLS_context;

enum CTLS_fault {
    CTLS_no_fault,
    /// The certificate file holds no certificate in PEM, or one that cannot be read.
    CTLS_bad_certificate,
    /// The key file holds no private key in PEM, or one that is encrypted.
    CTLS_bad_key,
    /// The key is not that of the first certificate.
    CTLS_other_key,
    /// OpenSSL's rules refuse them: too short a key, for one.
    CTLS_refused,
    CTLS_no_memory,
};

/// What a server answers with: `chain` is PEM, its own certificate first, then those that vouch for it; `key` is PEM too. NULL with a fault.
/// `expires` becomes the end of the first certificate, in seconds since 1970 UTC.
CTLS_context *CTLS_server(
    const void *chain, size_t chain_count, const void *key, size_t key_count, int64_t *expires, enum CTLS_fault *fault,
    char reason[CTLS_reason_bytes]);
/// What a client trusts: certificates in PEM. With a NULL all are taken, which is for measurements and tests. NULL when they cannot be read.
CTLS_context *CTLS_client(const void *authorities, size_t count);
void CTLS_context_destroy(CTLS_context *context);

/// PEM in memory of the library; to be freed with `CTLS_text_free`.
typedef struct {
    char *text;
    size_t count;
} CTLS_text;
void CTLS_text_free(CTLS_text text);

/// A certificate and its key in PEM.
typedef struct {
    CTLS_text certificate;
    CTLS_text key;
} CTLS_pair;

/// Makes an authority of one's own, of P-256. 0 when memory or random bits are short.
int CTLS_make_authority(const char *name, int64_t now, int days, CTLS_pair *made);
/// Makes a certificate that an authority vouches for. `names` are `DNS:name` and `IP:address`, with commas between. 0 when it cannot be made.
int CTLS_make_leaf(
    const void *authority, size_t authority_count, const void *authority_key, size_t authority_key_count, const char *names, int64_t now,
    int days, CTLS_pair *made);
/// Whether the first certificate holds one of the names, `DNS:name` or `IP:address`.
int CTLS_has_name(const void *certificate, size_t count, const char *name);

// MARK: Connections

/// One side of one connection. Not for two threads at once.
typedef struct CTLS_session CTLS_session;

/// A session of a server. NULL when memory is short. It keeps what it needs of the context.
CTLS_session *CTLS_accept(CTLS_context *context);
/// A session of a client. `host` is the name or address that the certificate must hold, NULL for any; `protocols` are ALPN's in its wire form.
CTLS_session *CTLS_connect(CTLS_context *context, const char *host, const uint8_t *protocols, unsigned int protocols_count);
void CTLS_session_destroy(CTLS_session *session);

enum CTLS_state {
    /// More bytes of the peer are needed.
    CTLS_wants_input,
    /// The output was too small: call again with more, and with what is left of the input.
    CTLS_wants_output,
    /// The peer has ended its half.
    CTLS_ended,
    /// Nothing goes on; what is in `sealed` tells the peer why.
    CTLS_failed,
};

/// What one step has to work with, and what it did with it.
typedef struct {
    /// What came from the peer.
    const uint8_t *input;
    size_t input_count, input_used;
    /// Room for what the peer said.
    uint8_t *opened;
    size_t opened_room, opened_count;
    /// Room for what the peer must be sent.
    uint8_t *sealed;
    size_t sealed_room, sealed_count;
} CTLS_step;

/// Takes bytes of the peer: shakes hands, and opens what it said. Ends when the input is used up, or some room is.
enum CTLS_state CTLS_open(CTLS_session *session, CTLS_step *step);
/// Bytes of `opened_room` that are always enough for an input of so many.
size_t CTLS_room_to_open(const CTLS_session *session, size_t input_count);
/// Seals plaintext; `CTLS_room_to_seal` bytes of room are enough. Returns how many bytes it took; -1 when nothing goes on.
long CTLS_seal(CTLS_session *session, const void *plain, size_t count, CTLS_step *step);
size_t CTLS_room_to_seal(size_t count);
/// Says that nothing more will be said.
void CTLS_end(CTLS_session *session, CTLS_step *step);

/// Whether hands were shaken.
int CTLS_is_established(const CTLS_session *session);
/// The protocol that ALPN chose, such as `h2`; its length, 0 for none.
unsigned int CTLS_protocol(const CTLS_session *session, const char **name);
/// Such as `TLSv1.3`.
const char *CTLS_version(const CTLS_session *session);
/// Why nothing goes on.
void CTLS_reason(const CTLS_session *session, char reason[CTLS_reason_bytes]);

#endif

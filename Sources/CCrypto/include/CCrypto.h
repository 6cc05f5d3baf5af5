// OpenSSL's libcrypto behind prefixed symbols: MD5, SHA-256, authenticated encryption and key derivation.
#ifndef CCRYPTO_H
#define CCRYPTO_H

#include <stddef.h>
#include <stdint.h>

enum {
    CCrypto_key_bytes = 32,
    CCrypto_nonce_bytes = 12,
    CCrypto_tag_bytes = 16,
    CCrypto_digest_bytes = 32,
};

/// MD5 (RFC 1321), with its context on the stack. Nothing secret may hang on it.
void CCrypto_md5(const void *bytes, size_t count, uint8_t digest[16]);

/// SHA-256 (FIPS 180-4), with its context on the stack.
void CCrypto_sha256(const void *bytes, size_t count, uint8_t digest[CCrypto_digest_bytes]);

/// HMAC with SHA-256 (RFC 2104).
void CCrypto_hmac_sha256(
    const void *key, size_t key_count, const void *bytes, size_t count, uint8_t code[CCrypto_digest_bytes]);

/// Whether two blocks are equal, in a time that tells nothing of where they differ.
int CCrypto_equal(const void *left, const void *right, size_t count);

/// Fills bytes that nobody can foretell. 1, or 0 when the system gives none.
int CCrypto_random(void *bytes, size_t count);

/// HKDF with SHA-256 and no salt (RFC 5869). 1, or 0 when memory is short or `count` is over 8160.
int CCrypto_hkdf_sha256(
    const void *secret, size_t secret_count, const void *info, size_t info_count, void *bytes, size_t count);

/// AES-256-GCM (NIST SP 800-38D): `output` has the room of `input`. A nonce must not be used twice with one key. 1, or 0 when memory
/// is short.
int CCrypto_seal(
    const uint8_t key[CCrypto_key_bytes], const uint8_t nonce[CCrypto_nonce_bytes], const void *purpose, size_t purpose_count,
    const void *input, size_t count, void *output, uint8_t tag[CCrypto_tag_bytes]);

/// Opens what `CCrypto_seal` sealed with the same key, nonce and purpose; 0 when anything differs, and `output` is of no use then.
int CCrypto_open(
    const uint8_t key[CCrypto_key_bytes], const uint8_t nonce[CCrypto_nonce_bytes], const void *purpose, size_t purpose_count,
    const void *input, size_t count, void *output, const uint8_t tag[CCrypto_tag_bytes]);

#endif

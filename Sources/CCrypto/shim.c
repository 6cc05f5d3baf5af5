// OpenSSL's libcrypto behind prefixed symbols: MD5, SHA-256, authenticated encryption and key derivation.
// For digests: the newer way to them makes a context on the heap for each, which takes longer than a short digest.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "CCrypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/md5.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

void CCrypto_md5(const void *bytes, size_t count, uint8_t digest[16]) {
    MD5_CTX context;
    MD5_Init(&context);
    MD5_Update(&context, bytes, count);
    MD5_Final(digest, &context);
}

void CCrypto_sha256(const void *bytes, size_t count, uint8_t digest[CCrypto_digest_bytes]) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
}

void CCrypto_hmac_sha256(
    const void *key, size_t key_count, const void *bytes, size_t count, uint8_t code[CCrypto_digest_bytes]) {
    uint8_t block[SHA256_CBLOCK] = {0};
    if (key_count > sizeof block) {
        CCrypto_sha256(key, key_count, block);
    } else if (key_count > 0) {
        memcpy(block, key, key_count);
    }
    SHA256_CTX context;
    for (size_t index = 0; index < sizeof block; index++) block[index] ^= 0x36;
    SHA256_Init(&context);
    SHA256_Update(&context, block, sizeof block);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(code, &context);
    for (size_t index = 0; index < sizeof block; index++) block[index] ^= 0x36 ^ 0x5c;
    SHA256_Init(&context);
    SHA256_Update(&context, block, sizeof block);
    SHA256_Update(&context, code, CCrypto_digest_bytes);
    SHA256_Final(code, &context);
    OPENSSL_cleanse(block, sizeof block);
}

int CCrypto_equal(const void *left, const void *right, size_t count) { return CRYPTO_memcmp(left, right, count) == 0; }

int CCrypto_random(void *bytes, size_t count) {
    return count <= INT_MAX && RAND_bytes(bytes, (int)count) == 1;
}

int CCrypto_hkdf_sha256(
    const void *secret, size_t secret_count, const void *info, size_t info_count, void *bytes, size_t count) {
    EVP_KDF *function = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = function == NULL ? NULL : EVP_KDF_CTX_new(function);
    EVP_KDF_free(function);
    if (context == NULL) return 0;
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_count),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_count),
        OSSL_PARAM_construct_end(),
    };
    int result = EVP_KDF_derive(context, bytes, count, parameters);
    EVP_KDF_CTX_free(context);
    return result == 1;
}

// Both directions of AES-256-GCM; `tag` is written or checked.
static int transform(
    int is_sealing, const uint8_t *key, const uint8_t *nonce, const void *purpose, size_t purpose_count, const void *input,
    size_t count, void *output, uint8_t *tag) {
    if (count > INT_MAX || purpose_count > INT_MAX) return 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL) return 0;
    uint8_t none[1];
    int written = 0;
    int result = EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, is_sealing) == 1 &&
                 EVP_CipherUpdate(context, NULL, &written, purpose, (int)purpose_count) == 1 &&
                 (count == 0 || EVP_CipherUpdate(context, output, &written, input, (int)count) == 1) &&
                 (is_sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, CCrypto_tag_bytes, tag) == 1) &&
                 EVP_CipherFinal_ex(context, none, &written) == 1 &&
                 (!is_sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, CCrypto_tag_bytes, tag) == 1);
    EVP_CIPHER_CTX_free(context);
    return result;
}

int CCrypto_seal(
    const uint8_t key[CCrypto_key_bytes], const uint8_t nonce[CCrypto_nonce_bytes], const void *purpose, size_t purpose_count,
    const void *input, size_t count, void *output, uint8_t tag[CCrypto_tag_bytes]) {
    return transform(1, key, nonce, purpose, purpose_count, input, count, output, tag);
}

int CCrypto_open(
    const uint8_t key[CCrypto_key_bytes], const uint8_t nonce[CCrypto_nonce_bytes], const void *purpose, size_t purpose_count,
    const void *input, size_t count, void *output, const uint8_t tag[CCrypto_tag_bytes]) {
    return transform(0, key, nonce, purpose, purpose_count, input, count, output, (uint8_t *)tag);
}

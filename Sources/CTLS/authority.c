// Certificates for a node that was given none: an authority of its own, and what that vouches for (X.509, RFC 5280).

#include "internal.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

void CTLS_text_free(CTLS_text text) { OPENSSL_clear_free(text.text, text.count); }

// What a writer has been given, as text.
static int take_text(BIO *writer, CTLS_text *text) {
    char *bytes = NULL;
    const long count = BIO_get_mem_data(writer, &bytes);
    text->text = count > 0 ? OPENSSL_memdup(bytes, (size_t)count) : NULL;
    text->count = text->text == NULL ? 0 : (size_t)count;
    return text->text != NULL;
}

static int write_pair(X509 *certificate, EVP_PKEY *key, CTLS_pair *pair) {
    memset(pair, 0, sizeof *pair);
    BIO *first = BIO_new(BIO_s_mem()), *second = BIO_new(BIO_s_secmem());
    const int result = first != NULL && second != NULL && PEM_write_bio_X509(first, certificate) == 1 &&
                       PEM_write_bio_PKCS8PrivateKey(second, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                       take_text(first, &pair->certificate) && take_text(second, &pair->key);
    BIO_free(first);
    BIO_free(second);
    if (!result) {
        CTLS_text_free(pair->certificate);
        CTLS_text_free(pair->key);
        memset(pair, 0, sizeof *pair);
    }
    return result;
}

static int extend(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    const int result = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return result;
}

// 127 random bits: positive, and unique without a memory of those before (RFC 5280, section 4.1.2.2).
static int number(X509 *certificate) {
    BIGNUM *serial = BN_new();
    const int result = serial != NULL && BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                       BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL;
    BN_free(serial);
    return result;
}

// A certificate of the key without extensions and signature. An hour is left for clocks that are slow.
static X509 *draft(EVP_PKEY *key, const char *name, int64_t now, int days) {
    X509 *certificate = X509_new();
    X509_NAME *subject = certificate == NULL ? NULL : X509_get_subject_name(certificate);
    const time_t begin = (time_t)now - 3600, end = (time_t)now + (time_t)days * 86400;
    if (subject != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 && number(certificate) &&
        ASN1_TIME_set(X509_getm_notBefore(certificate), begin) != NULL &&
        ASN1_TIME_set(X509_getm_notAfter(certificate), end) != NULL &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Millrace", -1, -1, 0) == 1 &&
        X509_set_pubkey(certificate, key) == 1)
        return certificate;
    X509_free(certificate);
    return NULL;
}

int CTLS_make_authority(const char *name, int64_t now, int days, CTLS_pair *made) {
    ERR_clear_error();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key == NULL ? NULL : draft(key, name, now, days);
    const int result = certificate != NULL && X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
                       extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                       extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                       extend(certificate, certificate, NID_subject_key_identifier, "hash") &&
                       extend(certificate, certificate, NID_authority_key_identifier, "keyid:always") &&
                       X509_sign(certificate, key, EVP_sha256()) > 0 && write_pair(certificate, key, made);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return result;
}

static X509 *read_certificate(const void *bytes, size_t count) {
    BIO *reader = CTLS_reader(bytes, count);
    X509 *certificate = reader == NULL ? NULL : PEM_read_bio_X509(reader, NULL, CTLS_no_password, NULL);
    BIO_free(reader);
    return certificate;
}

int CTLS_make_leaf(
    const void *authority, size_t authority_count, const void *authority_key, size_t authority_key_count, const char *names, int64_t now,
    int days, CTLS_pair *made) {
    ERR_clear_error();
    X509 *issuer = read_certificate(authority, authority_count);
    BIO *reader = CTLS_reader(authority_key, authority_key_count);
    EVP_PKEY *issuer_key = reader == NULL ? NULL : PEM_read_bio_PrivateKey(reader, NULL, CTLS_no_password, NULL);
    BIO_free(reader);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = NULL;
    if (issuer != NULL && issuer_key != NULL && key != NULL && X509_check_private_key(issuer, issuer_key) == 1)
        certificate = draft(key, "Millrace node", now, days);
    const int result = certificate != NULL && X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
                       extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                       extend(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
                       extend(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
                       extend(certificate, issuer, NID_subject_alt_name, names) &&
                       extend(certificate, issuer, NID_subject_key_identifier, "hash") &&
                       extend(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
                       X509_sign(certificate, issuer_key, EVP_sha256()) > 0 && write_pair(certificate, key, made);
    X509_free(certificate);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return result;
}

int CTLS_has_name(const void *certificate, size_t count, const char *name) {
    X509 *own = read_certificate(certificate, count);
    int result = 0;
    if (own != NULL && strncmp(name, "DNS:", 4) == 0) result = X509_check_host(own, name + 4, 0, 0, NULL) == 1;
    if (own != NULL && strncmp(name, "IP:", 3) == 0) result = X509_check_ip_asc(own, name + 3, 0) == 1;
    X509_free(own);
    ERR_clear_error();
    return result;
}

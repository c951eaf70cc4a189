/* X.509 with libcrypto, behind certificate.h. See there. All but the check of files is of bytes
 * in memory. */
#include "base/certificate.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/limits.h"

#define PEM_BYTES_MAX      (16u * 1024u)
#define SERIAL_BYTES       16
#define NAME_BYTES_MAX     64u /* RFC 5280 appendix A: ub-common-name */
#define DAYS_MAX           36500u
#define SKEW_SECONDS       3600
#define SECONDS_PER_DAY    86400
#define X509_VERSION_THREE 2 /* as X.509 numbers it */

struct extension {
    int nid;
    const char *value;
};

static const struct extension authority_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
    {0, NULL},
};

static const struct extension agency_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"}, {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth,clientAuth"}, {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid"},      {0, NULL},
};

void certificate_pair_init(struct certificate_pair *pair)
{
    assert(pair != NULL);
    buf_init(&pair->key, PEM_BYTES_MAX);
    buf_init(&pair->certificate, PEM_BYTES_MAX);
}

void certificate_pair_free(struct certificate_pair *pair)
{
    if (pair == NULL) {
        return;
    }
    if (pair->key.data != NULL) {
        crypto_wipe(pair->key.data, pair->key.cap);
    }
    buf_free(&pair->key);
    buf_free(&pair->certificate);
}

/* The oldest reason of libcrypto; its queue belongs to the thread and is emptied. */
static enum err refuse_library(const char *what, struct fault *fault)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    fault_set(fault, "certificate.failed", "", "cannot %s: %s", what,
              reason == NULL ? "unsuitable, or no memory" : reason);
    ERR_clear_error();
    return ERR_INVALID;
}

static enum err check_request(const struct certificate_request *request, struct fault *fault)
{
    assert(request != NULL);
    assert(request->name != NULL);
    size_t len = strlen(request->name);
    if (len == 0 || len > NAME_BYTES_MAX || !utf8_valid(span_text(request->name))) {
        fault_set(fault, "certificate.name", "", "a name has 1 to %u bytes of UTF-8",
                  NAME_BYTES_MAX);
        return ERR_INVALID;
    }
    if (request->days == 0 || request->days > DAYS_MAX) {
        fault_set(fault, "certificate.days", "", "%u days; expected 1 to %u", request->days,
                  DAYS_MAX);
        return ERR_INVALID;
    }
    return OK;
}

/* An agency's id is a DNS label here, and goes into a text that libcrypto parses. */
static bool is_agency_id(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return name[len] == '\0' && len > 0 && len < LIMIT_AGENCY_ID_BYTES && name[0] != '-';
}

static bool set_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_BYTES];
    crypto_random(bytes, sizeof(bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x7Fu) | 0x40u); /* positive, always of the same length */
    BIGNUM *number = BN_bin2bn(bytes, SERIAL_BYTES, NULL);
    bool done =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static bool set_name_and_times(X509 *certificate, const struct certificate_request *request)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    time_t from = (time_t)(request->now_ms / 1000) - SKEW_SECONDS;
    time_t until = (time_t)(request->now_ms / 1000) + (time_t)request->days * SECONDS_PER_DAY;
    const unsigned char *text = (const unsigned char *)request->name;
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), from) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), until) != NULL;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* Everything but the signature. The issuer is the certificate itself for an authority. */
static bool fill_certificate(X509 *certificate, EVP_PKEY *key, X509 *issuer,
                             const struct certificate_request *request)
{
    bool own = issuer == certificate;
    const struct extension *extensions = own ? authority_extensions : agency_extensions;
    bool done = X509_set_version(certificate, X509_VERSION_THREE) == 1 && set_serial(certificate) &&
                set_name_and_times(certificate, request) &&
                X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
                X509_set_pubkey(certificate, key) == 1;
    for (size_t i = 0; done && extensions[i].value != NULL; i++) {
        done = add_extension(certificate, issuer, extensions[i].nid, extensions[i].value);
    }
    if (done && !own) {
        char names[2 * LIMIT_AGENCY_ID_BYTES + 64];
        (void)snprintf(names, sizeof(names), "DNS:%s,DNS:localhost,IP:127.0.0.1", request->name);
        done = add_extension(certificate, issuer, NID_subject_alt_name, names);
    }
    return done;
}

static enum err append_bio(BIO *bio, struct buf *out)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    return len <= 0 ? ERR_MEMORY : buf_append(out, data, (size_t)len);
}

/* Both as PEM; the key passes through memory that libcrypto wipes. */
static enum err write_pair(EVP_PKEY *key, X509 *certificate, struct certificate_pair *ret_pair)
{
    BIO *key_bio = BIO_new(BIO_s_secmem());
    BIO *certificate_bio = BIO_new(BIO_s_mem());
    enum err error = ERR_MEMORY;
    if (key_bio != NULL && certificate_bio != NULL &&
        PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_X509(certificate_bio, certificate) == 1) {
        error = append_bio(key_bio, &ret_pair->key);
        if (error == OK) {
            error = append_bio(certificate_bio, &ret_pair->certificate);
        }
    }
    BIO_free(key_bio);
    BIO_free(certificate_bio);
    return error;
}

/* Makes a key and its certificate, signed by the issuer's key; NULL issuer: by itself. */
static enum err make_pair(const struct certificate_request *request, X509 *issuer,
                          EVP_PKEY *issuer_key, struct certificate_pair *ret_pair,
                          struct fault *fault)
{
    assert(ret_pair->key.len == 0);
    assert(ret_pair->certificate.len == 0);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    enum err error = OK;
    if (key == NULL || certificate == NULL ||
        !fill_certificate(certificate, key, issuer == NULL ? certificate : issuer, request) ||
        X509_sign(certificate, issuer_key == NULL ? key : issuer_key, EVP_sha256()) == 0) {
        error = refuse_library("make the certificate", fault);
    } else {
        error = write_pair(key, certificate, ret_pair);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return error;
}

enum err certificate_authority_new(const struct certificate_request *request,
                                   struct certificate_pair *ret_pair, struct fault *fault)
{
    assert(ret_pair != NULL);
    enum err error = check_request(request, fault);
    return error == OK ? make_pair(request, NULL, NULL, ret_pair, fault) : error;
}

/* Keys of ours have no passphrase: libcrypto must never ask for one on a terminal. */
static int no_passphrase(char *text, int size, int writing, void *context)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static X509 *read_certificate(struct span pem)
{
    BIO *bio = pem.len > PEM_BYTES_MAX ? NULL : BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(struct span pem)
{
    BIO *bio = pem.len > PEM_BYTES_MAX ? NULL : BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return key;
}

enum err certificate_issue(const struct certificate_pair *authority,
                           const struct certificate_request *request,
                           struct certificate_pair *ret_pair, struct fault *fault)
{
    assert(authority != NULL);
    assert(ret_pair != NULL);
    enum err error = check_request(request, fault);
    if (error == OK && !is_agency_id(request->name)) {
        fault_set(fault, "certificate.name", "", "an agency's id is 1 to %u of a-z, 0-9 and \"-\"",
                  LIMIT_AGENCY_ID_BYTES - 1);
        error = ERR_INVALID;
    }
    if (error != OK) {
        return error;
    }
    X509 *issuer = read_certificate(span_buf(&authority->certificate));
    EVP_PKEY *issuer_key = read_key(span_buf(&authority->key));
    if (issuer == NULL || issuer_key == NULL || X509_check_private_key(issuer, issuer_key) != 1 ||
        X509_check_ca(issuer) == 0) {
        error = refuse_library("use the authority's key and certificate", fault);
    } else {
        error = make_pair(request, issuer, issuer_key, ret_pair, fault);
    }
    EVP_PKEY_free(issuer_key);
    X509_free(issuer);
    return error;
}

enum err certificate_expiry_ms(const char *name, struct span pem, uint64_t *ret_ms,
                               struct fault *fault)
{
    assert(name != NULL);
    assert(ret_ms != NULL);
    X509 *certificate = read_certificate(pem);
    struct tm until = {0};
    bool read =
        certificate != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1;
    X509_free(certificate);
    ERR_clear_error();
    time_t seconds = read ? timegm(&until) : -1;
    if (seconds < 0) {
        fault_set(fault, "certificate.unreadable", name, "no readable certificate in PEM form");
        return ERR_INVALID;
    }
    *ret_ms = (uint64_t)seconds * 1000;
    return OK;
}

/* False: it is not readable. */
static bool list_end(const X509_CRL *list, uint64_t *end_ms)
{
    const ASN1_TIME *until = X509_CRL_get0_nextUpdate(list);
    struct tm parts = {0};
    time_t seconds;

    if (until == NULL) {
        return true;
    }
    seconds = ASN1_TIME_to_tm(until, &parts) == 1 ? timegm(&parts) : -1;
    if (seconds >= 0 && (uint64_t)seconds * 1000 < *end_ms) {
        *end_ms = (uint64_t)seconds * 1000;
    }
    return seconds >= 0;
}

enum err revocations_expiry_ms(const char *name, struct span pem, uint64_t *ret_ms,
                               struct fault *fault)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    uint64_t end_ms = UINT64_MAX;
    bool good = bio != NULL;
    size_t count = 0;
    X509_CRL *list;

    assert(name != NULL && ret_ms != NULL && pem.len <= INT_MAX);
    while (good && (list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        good = list_end(list, &end_ms);
        X509_CRL_free(list);
        count++;
    }
    BIO_free(bio);
    ERR_clear_error();
    if (!good || count == 0) {
        fault_set(fault, "certificate.unreadable", name, "no readable revocation list in PEM form");
        fault_hint(fault, "take the list from the authority again; `openssl crl -in FILE -text` "
                          "shows one");
        return ERR_INVALID;
    }
    *ret_ms = end_ms;
    return OK;
}

static enum err check_files(const struct certificate_files *files, struct span certificate_pem,
                            struct span key_pem, struct fault *fault)
{
    X509 *certificate = read_certificate(certificate_pem);
    EVP_PKEY *key = read_key(key_pem);
    enum err error = ERR_INVALID;

    if (certificate == NULL) {
        fault_set(fault, "certificate.unreadable", files->certificate,
                  "no readable certificate in PEM form");
    } else if (key == NULL) {
        fault_set(fault, "certificate.key-unreadable", files->key,
                  "no readable private key in PEM form without a passphrase");
    } else if (X509_check_private_key(certificate, key) != 1) {
        fault_set(fault, "certificate.key-differs", files->key,
                  "is not the key of the certificate %s", files->certificate);
        fault_hint(fault, "take the pair that was made together: nobody could connect with these");
    } else {
        error = OK;
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    ERR_clear_error();
    return error;
}

enum err certificate_files_check(const struct certificate_files *files, uint64_t *ret_ms,
                                 struct fault *fault)
{
    struct certificate_pair pair;
    enum err error;

    assert(files->certificate != NULL);
    assert(files->key != NULL);
    certificate_pair_init(&pair);
    error = file_read(files->certificate, &pair.certificate, fault);
    if (error == OK) {
        error = file_read(files->key, &pair.key, fault);
    }
    if (error == OK) {
        error = check_files(files, span_buf(&pair.certificate), span_buf(&pair.key), fault);
    }
    if (error == OK) {
        error =
            certificate_expiry_ms(files->certificate, span_buf(&pair.certificate), ret_ms, fault);
    }
    certificate_pair_free(&pair);
    return error;
}

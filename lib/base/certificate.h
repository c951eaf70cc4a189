/* Certificates for the links between agencies: a laboratory authority, certificates that it
 * issues, and the expiry of any certificate. P-256 with SHA-256, which both mbedTLS 2.28 and 3.6
 * and OpenSSL load. The only home of libcrypto's X.509. A city with an authority of its own uses
 * that one; identity is the signature on each request, never the certificate alone.
 *
 * Called by `referralctl keys init` and by the daemons' start-up checks, which have the files read
 * here. Nothing is written to disk; any thread that may block. */
#ifndef REFERRAL_BASE_CERTIFICATE_H
#define REFERRAL_BASE_CERTIFICATE_H

#include "base/bytes.h"

struct certificate_pair {
    struct buf key;         /* owned, secret: PKCS #8 in PEM */
    struct buf certificate; /* owned: X.509 in PEM */
};

struct certificate_request {
    const char *name; /* borrowed: the authority's name, or the agency's id */
    uint64_t now_ms;  /* UTC; valid from an hour before, for clocks that differ */
    unsigned days;    /* 1 to 36500 */
};

void certificate_pair_init(struct certificate_pair *pair);
void certificate_pair_free(struct certificate_pair *pair); /* wipes the key; NULL allowed */

/* A self-signed authority that may sign certificates of agencies, not of other authorities. Its
 * name is 1 to 64 bytes of UTF-8. `ret_pair` is initialised and empty. */
enum err certificate_authority_new(const struct certificate_request *request,
                                   struct certificate_pair *ret_pair,
                                   struct fault *fault) MUST_CHECK;
/* A certificate for server and client: common name and DNS name are the agency's id (1 to 31 of
 * a-z, 0-9, "-"), besides "localhost" and 127.0.0.1. ERR_INVALID when the authority's PEM is not a
 * key and its certificate. */
enum err certificate_issue(const struct certificate_pair *authority,
                           const struct certificate_request *request,
                           struct certificate_pair *ret_pair, struct fault *fault) MUST_CHECK;

/* The end of validity of the first certificate of a PEM text, UTC milliseconds. `name` is the file
 * for the fault. */
enum err certificate_expiry_ms(const char *name, struct span pem, uint64_t *ret_ms,
                               struct fault *fault) MUST_CHECK;

/* The same of revocation lists: when the first of them ends; after that it refuses everybody. A
 * list without an end is answered with UINT64_MAX. */
enum err revocations_expiry_ms(const char *name, struct span pem, uint64_t *ret_ms,
                               struct fault *fault) MUST_CHECK;

#define CERTIFICATE_WARN_DAYS 30u /* before its end: time for an authority to issue the next */

struct certificate_files { /* paths, borrowed */
    const char *certificate;
    const char *key;
};
/* Do both files hold a certificate and its key? TLS takes any two and then lets nobody in. Answers
 * the end of validity, UTC milliseconds. ERR_INVALID and the errors of file_read; the fault names
 * the file that does not fit. */
enum err certificate_files_check(const struct certificate_files *files, uint64_t *ret_ms,
                                 struct fault *fault) MUST_CHECK;

#endif

/* Tests of base/certificate.h: the certificates as libcrypto's own verifier judges them, and what
 * is refused. */
#include "base/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/crypto.h"
#include "unit/suite.h"

#define NOW_MS      1798761600000ull /* 2027-01-01T00:00:00Z */
#define DAY_SECONDS 86400

static struct certificate_pair authority;
static struct certificate_pair agency;

static void make(void)
{
    ck_assert_int_eq(crypto_init(), OK);
    struct fault fault = {.message = ""};
    certificate_pair_init(&authority);
    certificate_pair_init(&agency);
    struct certificate_request request = {.name = "实验 CA", .now_ms = NOW_MS, .days = 3650};
    ck_assert_msg(certificate_authority_new(&request, &authority, &fault) == OK, "%s",
                  fault.message);
    request = (struct certificate_request){.name = "women", .now_ms = NOW_MS, .days = 365};
    ck_assert_msg(certificate_issue(&authority, &request, &agency, &fault) == OK, "%s",
                  fault.message);
}

static void drop(void)
{
    certificate_pair_free(&authority);
    certificate_pair_free(&agency);
}

static X509 *parse(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ck_assert_ptr_nonnull(certificate);
    return certificate;
}

/* libcrypto's verdict, strict, at a time, for a purpose. */
static int verdict(const struct buf *anchor, const struct buf *leaf, int purpose, time_t when)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *trusted = parse(anchor);
    X509 *judged = parse(leaf);
    ck_assert_int_eq(X509_STORE_add_cert(store, trusted), 1);
    ck_assert_int_eq(X509_STORE_CTX_init(context, store, judged, NULL), 1);
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    ck_assert_int_eq(X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT), 1);
    ck_assert_int_eq(X509_VERIFY_PARAM_set_purpose(parameters, purpose), 1);
    X509_VERIFY_PARAM_set_time(parameters, when);
    (void)X509_verify_cert(context);
    int error = X509_STORE_CTX_get_error(context);
    X509_free(judged);
    X509_free(trusted);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return error;
}

START_TEST(an_issued_certificate_verifies_for_both_ends_of_a_link)
{
    const time_t now = (time_t)(NOW_MS / 1000);
    static const int purposes[] = {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT};
    for (size_t i = 0; i < COUNT_OF(purposes); i++) {
        const struct buf *anchor = &authority.certificate;
        ck_assert_int_eq(verdict(anchor, &agency.certificate, purposes[i], now), X509_V_OK);
        ck_assert_int_eq(verdict(anchor, &agency.certificate, purposes[i], now - 3599), X509_V_OK);
        ck_assert_int_eq(verdict(anchor, &agency.certificate, purposes[i], now - 3601),
                         X509_V_ERR_CERT_NOT_YET_VALID);
        ck_assert_int_eq(
            verdict(anchor, &agency.certificate, purposes[i], now + 365 * DAY_SECONDS + 1),
            X509_V_ERR_CERT_HAS_EXPIRED);
    }
}
END_TEST

START_TEST(another_authority_of_the_same_name_does_not_verify)
{
    struct certificate_pair other;
    certificate_pair_init(&other);
    const struct certificate_request request = {.name = "实验 CA", .now_ms = NOW_MS, .days = 1};
    ck_assert_int_eq(certificate_authority_new(&request, &other, NULL), OK);
    ck_assert_int_ne(verdict(&other.certificate, &agency.certificate, X509_PURPOSE_SSL_CLIENT,
                             (time_t)(NOW_MS / 1000)),
                     X509_V_OK);
    certificate_pair_free(&other);
}
END_TEST

START_TEST(names_key_and_form_are_those_that_links_need)
{
    X509 *certificate = parse(&agency.certificate);
    char name[64];
    ck_assert_int_eq(X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                               name, sizeof(name)),
                     5);
    ck_assert_str_eq(name, "women");
    ck_assert_int_eq(X509_check_host(certificate, "women", 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_host(certificate, "police", 0, 0, NULL), 0);
    ck_assert_int_eq(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(certificate, "127.0.0.2", 0), 0);
    ck_assert_int_eq(X509_check_ca(certificate), 0);
    ck_assert_int_eq(X509_get_signature_nid(certificate), NID_ecdsa_with_SHA256);
    char curve[32];
    ck_assert_int_eq(
        EVP_PKEY_get_group_name(X509_get0_pubkey(certificate), curve, sizeof(curve), NULL), 1);
    ck_assert_str_eq(curve, "prime256v1");
    BIO *bio = BIO_new_mem_buf(agency.key.data, (int)agency.key.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    ck_assert_int_eq(X509_check_private_key(certificate, key), 1);
    EVP_PKEY_free(key);
    BIO_free(bio);
    X509_free(certificate);
}
END_TEST

START_TEST(expiry_is_read)
{
    uint64_t expiry_ms = 5;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(
        certificate_expiry_ms("a.pem", span_buf(&agency.certificate), &expiry_ms, &fault), OK);
    ck_assert_uint_eq(expiry_ms, NOW_MS + 365ull * DAY_SECONDS * 1000);
    ck_assert_int_eq(certificate_expiry_ms("a.pem", span_buf(&agency.key), &expiry_ms, &fault),
                     ERR_INVALID);
    ck_assert_str_eq(fault.place, "a.pem");
    ck_assert_int_eq(certificate_expiry_ms("a.pem", span_of(NULL, 0), &expiry_ms, &fault),
                     ERR_INVALID);
    ck_assert_int_eq(
        certificate_expiry_ms("a.pem", span_of(agency.certificate.data, agency.certificate.len / 2),
                              &expiry_ms, &fault),
        ERR_INVALID);
    ck_assert_uint_eq(expiry_ms, NOW_MS + 365ull * DAY_SECONDS * 1000);
}
END_TEST

/* A list of the authority's that ends so many days on; 0: it has no end. */
static void list_add(struct buf *pem, int days)
{
    X509_CRL *list = X509_CRL_new();
    X509 *issuer = parse(&authority.certificate);
    BIO *key_bio = BIO_new_mem_buf(authority.key.data, (int)authority.key.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    BIO *out = BIO_new(BIO_s_mem());
    ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)(NOW_MS / 1000));
    char *text;

    ck_assert_int_eq(X509_CRL_set_version(list, 1), 1);
    ck_assert_int_eq(X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer)), 1);
    ck_assert_int_eq(X509_CRL_set1_lastUpdate(list, at), 1);
    if (days != 0) {
        ck_assert_ptr_nonnull(ASN1_TIME_adj(at, (time_t)(NOW_MS / 1000), days, 0));
        ck_assert_int_eq(X509_CRL_set1_nextUpdate(list, at), 1);
    }
    ck_assert_int_gt(X509_CRL_sign(list, key, EVP_sha256()), 0);
    ck_assert_int_eq(PEM_write_bio_X509_CRL(out, list), 1);
    long len = BIO_get_mem_data(out, &text);
    ck_assert_int_eq(buf_append(pem, text, (size_t)len), OK);
    ASN1_TIME_free(at);
    BIO_free(out);
    BIO_free(key_bio);
    EVP_PKEY_free(key);
    X509_free(issuer);
    X509_CRL_free(list);
}

START_TEST(the_first_list_that_ends_counts)
{
    static const int lists[][3] = {{30, 0, 0}, {30, 7, 90}, {0, 0, 0}};
    static const uint64_t ends[] = {30, 7, UINT64_MAX};
    struct fault fault = {.code = ""};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        uint64_t expiry_ms = 0;
        struct buf pem;

        buf_init(&pem, 65536);
        for (size_t k = 0; k < 3; k++) {
            list_add(&pem, lists[i][k]);
        }
        ck_assert_int_eq(revocations_expiry_ms("r.pem", span_buf(&pem), &expiry_ms, &fault), OK);
        ck_assert_uint_eq(expiry_ms, ends[i] == UINT64_MAX ? UINT64_MAX
                                                           : NOW_MS + ends[i] * DAY_SECONDS * 1000);
        buf_free(&pem);
    }
    uint64_t kept = 5;
    ck_assert_int_eq(revocations_expiry_ms("r.pem", span_buf(&agency.certificate), &kept, &fault),
                     ERR_INVALID);
    ck_assert_str_eq(fault.place, "r.pem");
    ck_assert_uint_eq(kept, 5);
}
END_TEST

START_TEST(wrong_requests_are_refused)
{
    static const struct certificate_request wrong[] = {
        {.name = "", .now_ms = NOW_MS, .days = 1},
        {.name = "Women", .now_ms = NOW_MS, .days = 1},
        {.name = "a,DNS:police", .now_ms = NOW_MS, .days = 1},
        {.name = "-a", .now_ms = NOW_MS, .days = 1},
        {.name = "妇联", .now_ms = NOW_MS, .days = 1},
        {.name = "a-name-of-thirty-two-characters-", .now_ms = NOW_MS, .days = 1},
        {.name = "women", .now_ms = NOW_MS, .days = 0},
        {.name = "women", .now_ms = NOW_MS, .days = 36501},
    };
    struct certificate_pair pair;
    struct fault fault = {.code = ""};
    certificate_pair_init(&pair);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_assert_msg(certificate_issue(&authority, &wrong[i], &pair, &fault) == ERR_INVALID,
                      "taken: %s, %u days", wrong[i].name, wrong[i].days);
        ck_assert_uint_eq(pair.key.len + pair.certificate.len, 0);
    }
    ck_assert_int_eq(certificate_authority_new(&wrong[0], &pair, &fault), ERR_INVALID);
    certificate_pair_free(&pair);
    certificate_pair_free(NULL);
}
END_TEST

START_TEST(only_an_authority_issues)
{
    const struct certificate_request request = {.name = "police", .now_ms = NOW_MS, .days = 1};
    struct certificate_pair pair;
    struct fault fault = {.code = ""};
    certificate_pair_init(&pair);
    ck_assert_int_eq(certificate_issue(&agency, &request, &pair, &fault), ERR_INVALID);
    const struct certificate_pair mixed = {.key = agency.key, .certificate = authority.certificate};
    ck_assert_int_eq(certificate_issue(&mixed, &request, &pair, &fault), ERR_INVALID);
    const struct certificate_pair none = {.key = {0}};
    ck_assert_int_eq(certificate_issue(&none, &request, &pair, &fault), ERR_INVALID);
    ck_assert_uint_eq(pair.key.len + pair.certificate.len, 0);
    certificate_pair_free(&pair);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("certificate");
    TCase *cases = tcase_create("certificate");
    tcase_add_checked_fixture(cases, make, drop);
    tcase_add_test(cases, an_issued_certificate_verifies_for_both_ends_of_a_link);
    tcase_add_test(cases, another_authority_of_the_same_name_does_not_verify);
    tcase_add_test(cases, names_key_and_form_are_those_that_links_need);
    tcase_add_test(cases, expiry_is_read);
    tcase_add_test(cases, the_first_list_that_ends_counts);
    tcase_add_test(cases, wrong_requests_are_refused);
    tcase_add_test(cases, only_an_authority_issues);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

/* TLS by our own engine: who gets in and who is told to be whom, what changes without a connection
 * less, and what becomes of peers that say nothing. test_link.c has what both engines do. */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/nng_compat.h"
#include "io/tls_deadline.h"
#include "link_support.h"

static const char *const tls[] = {"tls+tcp"};

struct place { /* a server with its certificates, and one client's options */
    struct bench bench;
    struct tls_paths own, client;
    struct link_tls files; /* the server's */
    char crl[PATH_BYTES];
};

static void place_listen(struct place *place)
{
    struct link_server_options options = bench_options(&place->bench);

    options.laboratory = false;
    options.context_count = 256;
    options.tls = place->files;
    bench_listen(&place->bench, &options, tls, 1);
}

static void place_new(struct place *place)
{
    bench_new(&place->bench);
    authority_make(place->bench.folder, "city");
    certificate_make(place->bench.folder, "city", "broker");
    certificate_make(place->bench.folder, "city", "education");
    place->files = tls_of(&place->own, place->bench.folder, "broker", "city", NULL);
    place->crl[0] = '\0';
}

static struct link_client *dial(struct place *place, const char *name)
{
    struct fault fault = {.code = ""};
    struct link_client *client = NULL;
    struct link_client_options options = {
        .url = bench_url(&place->bench, 0),
        .tls = tls_of(&place->client, place->bench.folder, name, "city", "broker"),
        .context_count = 64};

    enum err error = link_client_open(place->bench.loop, &options, &fault, &client);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    return client;
}

/* What the server knows of a client with that certificate; "" when it is not let in. */
static void who(struct place *place, const char *name, uint64_t wait_ms, char out[128])
{
    struct link_client *client = dial(place, name);
    struct answer answer = ask(&place->bench, client, "who", wait_ms);

    (void)snprintf(out, 128, "%s", answer.result == OK ? answer.text : "");
    client_free(client);
}

/* --- who is who --- */

START_TEST(a_request_names_the_agency_of_its_certificate)
{
    struct place place;
    char name[128];

    place_new(&place);
    place_listen(&place);
    who(&place, "education", 5000, name);
    ck_assert_str_eq(name, "education");
    /* An id has 31 bytes at the most: a longer name is nobody's. */
    certificate_make(place.bench.folder, "city", "a-name-that-is-longer-than-any-agencys-id");
    who(&place, "a-name-that-is-longer-than-any-agencys-id", 5000, name);
    ck_assert_str_eq(name, "");
    bench_free(&place.bench);
}
END_TEST

/* "" is no way to have any server believed. */
START_TEST(an_empty_name_asks_for_the_host)
{
    struct place place;
    struct fault fault = {.code = ""};
    struct link_client *client = NULL;

    place_new(&place);
    place_listen(&place);
    struct link_client_options options = {
        .url = bench_url(&place.bench, 0), /* by its address, which the certificate has not */
        .tls = tls_of(&place.client, place.bench.folder, "education", "city", ""),
        .context_count = 1};
    ck_assert_int_eq(link_client_open(place.bench.loop, &options, &fault, &client), OK);
    ck_assert_int_ne(ask(&place.bench, client, "who", 1000).result, OK);
    client_free(client);
    bench_free(&place.bench);
}
END_TEST

START_TEST(ed25519_certificates_serve_as_well)
{
    struct place place;
    char name[128];

    place_new(&place);
    openssl_run(place.bench.folder,
                (const char *const[]){"openssl", "req", "-newkey", "ed25519", "-nodes", "-keyout",
                                      "health.key", "-out", "health.csr", "-subj", "/CN=health",
                                      NULL});
    openssl_run(place.bench.folder,
                (const char *const[]){"openssl", "x509", "-req", "-in", "health.csr", "-CA",
                                      "city-ca.pem", "-CAkey", "city-ca.key", "-CAcreateserial",
                                      "-out", "health.pem", "-days", "2", NULL});
    place_listen(&place);
    who(&place, "health", 5000, name);
    ck_assert_str_eq(name, "health");
    bench_free(&place.bench);
}
END_TEST

START_TEST(openssl_is_what_is_used_without_a_choice)
{
    struct place place;

    place_new(&place);
    place_listen(&place);
    ck_assert_ptr_nonnull(strstr(link_engine_name(), "OpenSSL"));
    bench_free(&place.bench);
}
END_TEST

/* A handshake by hand; what came of it. */
static bool handshakes(struct place *place, int version, bool certificate)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    int fd = raw_tcp(link_server_port(place->bench.server, 0));
    uint8_t byte;
    bool good = SSL_set_min_proto_version(ssl, version) == 1 &&
                SSL_set_max_proto_version(ssl, version) == 1 && SSL_set_fd(ssl, fd) == 1;

    ck_assert(good);
    if (certificate) {
        struct tls_paths paths;
        struct link_tls files = tls_of(&paths, place->bench.folder, "education", "city", NULL);

        ck_assert_int_eq(SSL_use_certificate_file(ssl, files.cert_file, SSL_FILETYPE_PEM), 1);
        ck_assert_int_eq(SSL_use_PrivateKey_file(ssl, files.key_file, SSL_FILETYPE_PEM), 1);
    }
    /* In TLS 1.3 the refusal of a certificate comes behind the client's own end: read for it. */
    good = SSL_connect(ssl) == 1 && SSL_write(ssl, "\0SP\0\0\x30\0\0", 8) == 8 &&
           SSL_read(ssl, &byte, 1) == 1;
    SSL_free(ssl);
    SSL_CTX_free(context);
    ck_assert_int_eq(close(fd), 0);
    return good;
}

START_TEST(tls_1_3_with_a_certificate_and_nothing_less)
{
    struct place place;

    place_new(&place);
    place_listen(&place);
    ck_assert(handshakes(&place, TLS1_3_VERSION, true));
    ck_assert(!handshakes(&place, TLS1_3_VERSION, false));
    ck_assert(!handshakes(&place, TLS1_2_VERSION, true));
    bench_free(&place.bench);
}
END_TEST

/* --- what changes --- */

static void list_make(struct place *place, const char *name)
{
    char pem[64], path[PATH_BYTES];

    path_in(path, place->bench.folder, "ca.cnf");
    file_write_text(path, "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ndefault_md=sha256\n"
                          "default_crl_days=1\nunique_subject=no\n");
    path_in(path, place->bench.folder, "index.txt");
    if (access(path, F_OK) != 0) {
        file_write_text(path, "");
    }
    if (name != NULL) {
        (void)snprintf(pem, sizeof(pem), "%s.pem", name);
        openssl_run(place->bench.folder,
                    (const char *const[]){"openssl", "ca", "-config", "ca.cnf", "-keyfile",
                                          "city-ca.key", "-cert", "city-ca.pem", "-revoke", pem,
                                          NULL});
    }
    openssl_run(place->bench.folder,
                (const char *const[]){"openssl", "ca", "-config", "ca.cnf", "-keyfile",
                                      "city-ca.key", "-cert", "city-ca.pem", "-gencrl", "-out",
                                      "city.crl", NULL});
    path_in(place->crl, place->bench.folder, "city.crl");
    place->files.crl_file = place->crl;
}

static bool is_disconnected(void *client)
{
    return !link_client_connected(client);
}

static bool is_connected(void *client)
{
    return link_client_connected(client);
}

static bool was_closed(void *server)
{
    struct link_server_counts counts;

    link_server_count(server, &counts);
    return counts.connections == 1;
}

START_TEST(a_revoked_certificate_loses_its_connection_and_gets_none)
{
    struct place place;
    struct link_server_counts counts;
    struct fault fault = {.code = ""};
    char name[128];

    place_new(&place);
    certificate_make(place.bench.folder, "city", "health");
    list_make(&place, NULL); /* a list from the start, in which nobody is */
    place_listen(&place);
    struct link_client *education = dial(&place, "education"), *health = dial(&place, "health");
    ck_assert_str_eq(ask(&place.bench, education, "who", 5000).text, "education");
    ck_assert_str_eq(ask(&place.bench, health, "who", 5000).text, "health");
    list_make(&place, "education");
    ck_assert_int_eq(link_server_reload_tls(place.bench.server, &place.files, &fault), OK);
    ck_assert(loop_until(place.bench.loop, is_disconnected, education, 5000));
    ck_assert(loop_until(place.bench.loop, was_closed, place.bench.server, 5000));
    link_server_count(place.bench.server, &counts);
    ck_assert_uint_eq(counts.untrusted_closed, 1);
    ck_assert(loop_until(place.bench.loop, is_connected, health, 5000));
    ck_assert_str_eq(ask(&place.bench, health, "who", 5000).text, "health");
    who(&place, "education", 1500, name);
    ck_assert_str_eq(name, "");
    client_free(education);
    client_free(health);
    bench_free(&place.bench);
}
END_TEST

START_TEST(files_that_do_not_fit_change_nothing)
{
    struct place place;
    struct fault fault = {.code = ""};
    struct tls_paths other;
    char name[128];

    place_new(&place);
    place_listen(&place);
    struct link_tls mixed = tls_of(&other, place.bench.folder, "education", "city", NULL);
    mixed.cert_file = place.files.cert_file; /* another's key */
    ck_assert_int_eq(link_server_reload_tls(place.bench.server, &mixed, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "link.tls-file");
    mixed = place.files;
    mixed.crl_file = place.files.ca_file; /* no list at all */
    ck_assert_int_eq(link_server_reload_tls(place.bench.server, &mixed, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, place.files.ca_file);
    ck_assert_ptr_nonnull(strstr(fault.message, "revoked"));
    who(&place, "education", 5000, name);
    ck_assert_str_eq(name, "education");
    bench_free(&place.bench);
}
END_TEST

/* Of two lists the second is the newer one: a copy that was cut within it must not pass for a file
 * with the older list. The same for authorities, and for those above our own certificate. */
START_TEST(a_file_that_is_cut_is_refused)
{
    static const char *const names[] = {"city.crl", "city-ca.pem", "broker.pem"};
    struct place place;
    struct fault fault = {.code = ""};
    char path[PATH_BYTES];

    place_new(&place);
    list_make(&place, NULL);
    place_listen(&place);
    ck_assert_int_eq(link_server_reload_tls(place.bench.server, &place.files, &fault), OK);
    path_in(path, place.bench.folder, names[_i]);
    FILE *file = fopen(path, "ae");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(
        fprintf(file, "-----BEGIN %s-----\nMIIB\n", _i == 0 ? "X509 CRL" : "CERTIFICATE"), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(link_server_reload_tls(place.bench.server, &place.files, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "link.tls-file");
    ck_assert_str_eq(fault.place, path);
    bench_free(&place.bench);
}
END_TEST

#define FLIGHT 64u

struct flight { /* requests that are always on their way */
    struct link_client *client;
    size_t sent, good, wanted;
};

static void flown_cb(void *ctx, enum err result, struct span reply)
{
    struct flight *flight = ctx;

    flight->good += result == OK && reply.len == 5;
    if (flight->sent < flight->wanted) {
        flight->sent++;
        ck_assert_int_eq(
            link_client_request(flight->client, span_text("aloft"), 10000, flown_cb, flight), OK);
    }
}

static bool flown(void *ctx)
{
    const struct flight *flight = ctx;
    return flight->good == flight->wanted;
}

static bool half_flown(void *ctx)
{
    const struct flight *flight = ctx;
    return flight->good >= flight->wanted / 2;
}

START_TEST(new_files_under_traffic_disturb_no_request)
{
    const bool is_long = getenv("REFERRAL_LONG") != NULL;
    struct place place;
    struct fault fault = {.code = ""};
    struct flight flight = {.wanted = is_long ? 20000 : 2000};

    place_new(&place);
    place_listen(&place);
    flight.client = dial(&place, "education");
    ck_assert_str_eq(ask(&place.bench, flight.client, "who", 5000).text, "education");
    for (size_t i = 0; i < FLIGHT; i++) {
        flight.sent++;
        ck_assert_int_eq(
            link_client_request(flight.client, span_text("aloft"), 10000, flown_cb, &flight), OK);
    }
    ck_assert(loop_until(place.bench.loop, half_flown, &flight, 60000));
    authority_make(place.bench.folder, "other");
    certificate_make(place.bench.folder, "city", "renamed");
    place.files = tls_of(&place.own, place.bench.folder, "renamed", "city", NULL);
    struct tls_paths next;
    struct link_tls files = tls_of(&next, place.bench.folder, "education", "other", "broker");
    ck_assert_int_eq(link_server_reload_tls(place.bench.server, &place.files, &fault), OK);
    ck_assert_int_eq(link_client_reload_tls(flight.client, &files, &fault), OK);
    ck_assert(loop_until(place.bench.loop, flown, &flight, 60000));
    ck_assert(loop_until(place.bench.loop, is_connected, flight.client, 5000));
    ck_assert_uint_eq(place.bench.gone_count, 0);
    client_free(flight.client);
    bench_free(&place.bench);
}
END_TEST

/* --- bytes --- */

static void same_cb(void *ctx, enum err result, struct span reply)
{
    struct buf *sent = ctx;

    ck_assert_int_eq(result, OK);
    ck_assert(span_equal(reply, span_buf(sent)));
    buf_clear(sent);
}

static bool is_empty(void *ctx)
{
    return ((const struct buf *)ctx)->len == 0;
}

START_TEST(messages_of_any_size_come_back_whole)
{
    static const size_t sizes[] = {1,     7,     1000,   16371, 16372,  16373,
                                   16384, 32768, 100000, 65536, 1000000};
    struct place place;
    struct buf bytes;

    place_new(&place);
    place_listen(&place);
    struct link_client *client = dial(&place, "education");
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *to = NULL;

        ck_assert_int_eq(buf_extend(&bytes, sizes[i], &to), OK);
        for (size_t k = 0; k < sizes[i]; k++) {
            to[k] = (uint8_t)(k * 31 + k / 251);
        }
        to[0] = DO_ANSWER;
        ck_assert_int_eq(link_client_request(client, span_buf(&bytes), 20000, same_cb, &bytes), OK);
        ck_assert_msg(loop_until(place.bench.loop, is_empty, &bytes, 25000), "%zu", sizes[i]);
    }
    buf_free(&bytes);
    client_free(client);
    bench_free(&place.bench);
}
END_TEST

/* --- peers that are not in order --- */

START_TEST(who_says_nothing_or_half_of_it_is_cut)
{
    static const uint8_t half[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
    struct place place;
    struct fault fault = {.code = ""};
    struct link_server_counts counts;
    char name[128];
    int fds[40];

    ck_assert_int_eq(link_check(&fault), OK); /* both interposers are in force */
    tls_deadline_set_for_test(300);
    place_new(&place);
    place_listen(&place);
    for (size_t i = 0; i < 40; i++) {
        fds[i] = raw_tcp(link_server_port(place.bench.server, 0));
        raw_write(fds[i], half, i % 2 == 0 ? 0 : sizeof(half));
    }
    who(&place, "education", 5000, name); /* and keeps nobody out meanwhile */
    ck_assert_str_eq(name, "education");
    for (size_t i = 0; i < 40; i++) {
        ck_assert_msg(raw_closed(fds[i], 15000), "peer %zu", i);
        ck_assert_int_eq(close(fds[i]), 0);
    }
    link_server_count(place.bench.server, &counts);
    ck_assert_uint_ge(counts.silent_closed, 40);
    bench_free(&place.bench);
}
END_TEST

/* Those that are in order outlive the time that a negotiation may take. */
START_TEST(who_has_said_hello_is_not_cut)
{
    struct place place;

    tls_deadline_set_for_test(300);
    place_new(&place);
    place_listen(&place);
    struct link_client *client = dial(&place, "education");
    ck_assert_str_eq(ask(&place.bench, client, "who", 5000).text, "education");
    ck_assert(!loop_until(place.bench.loop, is_disconnected, client, 2500));
    ck_assert_str_eq(ask(&place.bench, client, "who", 5000).text, "education");
    client_free(client);
    bench_free(&place.bench);
}
END_TEST

/* A client learns of its refusal after its own end of the handshake: its dialer must not hang
 * then, and comes in when it may. */
START_TEST(a_refused_client_tries_again_and_comes_in)
{
    const int rounds = getenv("REFERRAL_LONG") != NULL ? 200 : 10;
    struct place place;
    struct fault fault = {.code = ""};
    struct tls_paths paths;
    char name[128];

    place_new(&place);
    authority_make(place.bench.folder, "stranger");
    certificate_make(place.bench.folder, "stranger", "health");
    place_listen(&place);
    for (int i = 0; i < rounds; i++) {
        who(&place, "health", 200, name);
        ck_assert_str_eq(name, "");
    }
    struct link_client *client = dial(&place, "health");
    ck_assert_int_ne(ask(&place.bench, client, "who", 1000).result, OK);
    struct link_tls files = place.files; /* its authority is taken in */
    struct link_tls theirs = tls_of(&paths, place.bench.folder, "health", "stranger", NULL);
    files.ca_file = theirs.ca_file;
    ck_assert_int_eq(link_server_reload_tls(place.bench.server, &files, &fault), OK);
    ck_assert_str_eq(ask(&place.bench, client, "who", 20000).text, "health");
    client_free(client);
    bench_free(&place.bench);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.link_tls");
    TCase *tests = tcase_create("tls");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, a_request_names_the_agency_of_its_certificate);
    tcase_add_test(tests, an_empty_name_asks_for_the_host);
    tcase_add_test(tests, ed25519_certificates_serve_as_well);
    tcase_add_test(tests, openssl_is_what_is_used_without_a_choice);
    tcase_add_test(tests, tls_1_3_with_a_certificate_and_nothing_less);
    tcase_add_test(tests, a_revoked_certificate_loses_its_connection_and_gets_none);
    tcase_add_test(tests, files_that_do_not_fit_change_nothing);
    tcase_add_loop_test(tests, a_file_that_is_cut_is_refused, 0, 3);
    tcase_add_test(tests, new_files_under_traffic_disturb_no_request);
    tcase_add_test(tests, messages_of_any_size_come_back_whole);
    tcase_add_test(tests, who_says_nothing_or_half_of_it_is_cut);
    tcase_add_test(tests, who_has_said_hello_is_not_cut);
    tcase_add_test(tests, a_refused_client_tries_again_and_comes_in);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}

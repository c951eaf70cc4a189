/* nng's own TLS engine, which has to be asked for. A program of its own: the choice is for the life
 * of a process. */
#include <string.h>

#include "link_support.h"

static const char *const tls[] = {"tls+tcp"};

/* It lets in, and does not know whom. */
START_TEST(mbedtls_is_an_explicit_choice)
{
    struct bench bench;
    struct tls_paths paths, theirs;
    struct fault fault = {.code = ""};
    struct link_client *client = NULL;

    ck_assert_int_eq(link_engine_choose(LINK_ENGINE_MBEDTLS, &fault), OK);
    ck_assert_ptr_null(strstr(link_engine_name(), "OpenSSL"));
    ck_assert_int_eq(link_engine_choose(LINK_ENGINE_OPENSSL, &fault), ERR_REFUSED);
    ck_assert_str_eq(fault.code, "link.engine");
    bench_new(&bench);
    authority_make(bench.folder, "city");
    certificate_make(bench.folder, "city", "broker");
    certificate_make(bench.folder, "city", "education");
    struct link_server_options options = bench_options(&bench);
    options.laboratory = false;
    options.tls = tls_of(&paths, bench.folder, "broker", "city", NULL);
    bench_listen(&bench, &options, tls, 1);
    const struct link_client_options dial = {
        .url = bench_url(&bench, 0),
        .tls = tls_of(&theirs, bench.folder, "education", "city", "broker"),
        .context_count = 1};
    ck_assert_int_eq(link_client_open(bench.loop, &dial, &fault, &client), OK);
    ck_assert_str_eq(ask(&bench, client, "who", 5000).text, "-");
    ck_assert_int_eq(link_server_reload_tls(bench.server, &options.tls, &fault), OK);
    ck_assert_str_eq(ask(&bench, client, "who", 10000).text, "-"); /* it dials anew */
    client_free(client);
    bench_free(&bench);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.link_mbedtls");
    TCase *tests = tcase_create("mbedtls");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, mbedtls_is_an_explicit_choice);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}

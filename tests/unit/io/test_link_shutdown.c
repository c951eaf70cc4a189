/* Ending a loaded server, ten times over TLS: nng hangs or aborts when this is done in another
 * order, so the order is what is tested. And the load itself: every request is answered once. */
#include <stdlib.h>
#include <string.h>

#include "link_support.h"

#define CONTEXTS 32

static const char *const tls[] = {"tls+tcp"};

/* A client that asks again from each answer until told to stop. */
struct load {
    struct link_client *client;
    int answered;
    int failed;
    int open;
    bool stop;
};

static void load_cb(void *ctx, enum err result, struct span reply);

static void load_ask(struct load *load)
{
    /* Half are answered on nng's threads, half by the loop. */
    const char *text = (load->answered + load->open) % 2 == 0 ? "answered" : "looped";
    if (link_client_request(load->client, span_text(text), 30000, load_cb, load) == OK) {
        load->open++;
    }
}

static void load_cb(void *ctx, enum err result, struct span reply)
{
    struct load *load = ctx;
    load->open--;
    if (result == OK) {
        load->answered++;
        ck_assert(span_equal(reply, span_text("answered")) ||
                  span_equal(reply, span_text("looped")));
    } else {
        load->failed++;
    }
    if (!load->stop && result == OK) {
        load_ask(load);
    }
}

static bool load_flows(void *ctx)
{
    const struct load *load = ctx;
    return load->answered >= 2000;
}

START_TEST(server_ends_in_time_under_load)
{
    struct bench bench;
    struct tls_paths paths;
    struct tls_paths client_paths;
    struct fault fault = {.code = ""};
    struct load load = {.client = NULL};
    bench_new(&bench);
    authority_make(bench.folder, "city");
    certificate_make(bench.folder, "city", "broker");
    struct link_server_options options = bench_options(&bench);
    options.context_count = 64;
    options.tls = tls_of(&paths, bench.folder, "broker", "city", NULL);
    bench_listen(&bench, &options, tls, 1);
    struct link_client_options dial = {
        .url = bench_url(&bench, 0),
        .tls = tls_of(&client_paths, bench.folder, "broker", "city", "broker"),
        .context_count = CONTEXTS};
    ck_assert_int_eq(link_client_open(bench.loop, &dial, &fault, &load.client), OK);
    for (int i = 0; i < CONTEXTS; i++) {
        load_ask(&load);
    }
    ck_assert(loop_until(bench.loop, load_flows, &load, 60000));
    uint64_t start_ms = now_ms();
    link_server_drain(bench.server);
    loop_run_posted(bench.loop);
    link_server_settle(bench.server);
    ck_assert_int_eq(link_server_close(bench.server), OK);
    ck_assert_uint_lt(now_ms() - start_ms, 5000);
    bench.server = NULL;
    load.stop = true;
    client_free(load.client);
    ck_assert_int_eq(load.open, 0);
    bench_free(&bench);
}
END_TEST

START_TEST(client_ends_in_time_under_load)
{
    struct bench bench;
    struct load load = {.client = NULL};
    const char *const tcp[] = {"tcp"};
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    load.client = client_new(&bench, 0, CONTEXTS);
    for (int i = 0; i < CONTEXTS; i++) {
        load_ask(&load);
    }
    ck_assert(loop_until(bench.loop, load_flows, &load, 60000));
    load.stop = true;
    client_free(load.client); /* with 32 requests open */
    ck_assert_int_eq(load.open, 0);
    bench_free(&bench);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.link_shutdown");
    TCase *tests = tcase_create("shutdown");
    tcase_set_timeout(tests, 90);
    tcase_add_loop_test(tests, server_ends_in_time_under_load, 0, 10);
    tcase_add_loop_test(tests, client_ends_in_time_under_load, 0, 5);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}

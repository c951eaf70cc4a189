/* How long a new calendar takes: a store full of open windows, a local day off inside all of them,
 * SIGHUP to a real referral-broker, and the time until every window has its new date, its leaf and
 * its two notices, while an agency goes on submitting and an administrator goes on asking.
 *
 * The store is filled through lib/store with what lib/model packs. Judged before anything is
 * printed: as many windows re-dated as there were, each told to two agencies. One JSON line. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "base/key_file.h"
#include "base/log.h"
#include "bench_load.h"
#include "bench_options.h"
#include "io/calendar_folder.h"
#include "io/local.h"
#include "model/policy.h"
#include "model/referral.h"
#include "store/due.h"
#include "store/queue.h"

#define WINDOWS_DEFAULT  100000u
#define SUBMISSIONS      4096u /* of one agency, one after the other, while it lasts */
#define FILL_COUNT       1000u /* referrals a transaction */
#define MAP_BYTES        ((uint64_t)8192 * 1024 * 1024)
#define DAYS_AGO         2
#define DAYS_OFF         5 /* the new day off is the 5th working day from now */
#define STATUS_TIMEOUT   15000u
#define FOLDER_MODE      0700u
#define LATENCY_PARTS(l) latency_ms(l, 0.5), latency_ms(l, 0.99), latency_ms(l, 1.0)

static const char doc[] =
    "Seconds from SIGHUP until all open windows have a new calendar's dates and both sides are "
    "told.\v"
    "Examples:\n"
    "  bench_redate\n"
    "  bench_redate --messages 20000";

struct bench {
    struct city city;
    struct load load;
    struct policy *policy;
    struct calendar *calendar;
    uint64_t now_ms;
    unsigned windows;
    struct load_latency submits, asks;
    double seconds;
    uint64_t redated, notices, waiting;
};

struct path {
    char text[4 * CITY_PATH_BYTES];
};

static struct path path_of(const struct bench *bench, const char *tail)
{
    struct path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/%s", bench->city.folder, tail);
    return path;
}

static void need(struct bench *bench, enum err error, const struct fault *fault)
{
    if (error != OK) {
        log_error("%s: %s", fault->place, fault->message);
        city_abandon(&bench->city, EXIT_FAILURE);
    }
}

/* --- a configuration of its own, whose calendar may change --- */

static void copy(struct bench *bench, const char *from, const char *to)
{
    struct fault fault = {.code = ""};
    struct buf bytes;
    buf_init(&bytes, LIMIT_CONFIG_BYTES);
    need(bench, file_read(from, &bytes, &fault), &fault);
    need(bench, file_write(to, span_buf(&bytes), 0600, &fault), &fault);
    buf_free(&bytes);
}

static void copy_named(struct bench *bench, const char *folder, const char *name)
{
    char from[2 * CITY_PATH_BYTES], tail[2 * CITY_PATH_BYTES];
    (void)snprintf(from, sizeof(from), "%s%s%s", bench->city.config, folder, name);
    (void)snprintf(tail, sizeof(tail), "config%s%s", folder, name);
    copy(bench, from, path_of(bench, tail).text);
}

static void copy_configuration(struct bench *bench)
{
    struct fault fault = {.code = ""};
    char folder[2 * CITY_PATH_BYTES];
    (void)snprintf(folder, sizeof(folder), "%s/calendars", bench->city.config);
    need(bench, folder_make(path_of(bench, "config/calendars").text, FOLDER_MODE, &fault), &fault);
    copy_named(bench, "/", "agencies.yaml");
    copy_named(bench, "/", "policy.yaml");
    DIR *files = opendir(folder);
    const struct dirent *entry = NULL;
    if (files == NULL) {
        log_error("%s: cannot be read", folder);
        city_abandon(&bench->city, EXIT_FAILURE);
    }
    while ((entry = readdir(files)) != NULL) {
        if (entry->d_name[0] != '.') {
            copy_named(bench, "/calendars/", entry->d_name);
        }
    }
    (void)closedir(files);
    text_copy(bench->city.config, sizeof(bench->city.config), path_of(bench, "config").text);
}

static void read_rules(struct bench *bench)
{
    struct fault fault = {.code = ""};
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    need(bench, file_read(path_of(bench, "config/policy.yaml").text, &text, &fault), &fault);
    need(bench,
         policy_read("policy.yaml", span_buf(&text), bench->city.registry, &bench->policy, &fault),
         &fault);
    need(bench,
         calendar_folder_load(path_of(bench, "config/calendars").text, &bench->calendar, &fault),
         &fault);
    buf_free(&text);
}

/* --- the store --- */

static const struct agency *procuratorate(const struct bench *bench)
{
    for (size_t i = 0; i < bench->city.agency_count; i++) {
        if (bench->city.agencies[i].agency->class == CLASS_PROCURATORATE) {
            return bench->city.agencies[i].agency;
        }
    }
    return bench->city.agencies[0].agency;
}

/* A referral that was delivered two days ago and signed for; its window is open. */
static void make_referral(const struct bench *bench, unsigned number, struct referral *referral)
{
    const struct agency *sender = procuratorate(bench);
    const struct agency *receiver = sender;
    uint64_t start_ms = bench->now_ms - DAYS_AGO * CIVIL_DAY_MS + number % 1000;
    uint8_t random[10];
    struct referral_rung next;
    for (size_t i = number; receiver->class != CLASS_SOCIAL; i++) {
        receiver = bench->city.agencies[i % bench->city.agency_count].agency;
    }
    memset(referral, 0, sizeof(*referral));
    crypto_random(random, sizeof(random));
    referral->case_id = uuid_v7(start_ms, random);
    crypto_random(random, sizeof(random));
    referral->referral_id = uuid_v7(start_ms, random);
    referral->message_id = referral->referral_id;
    (void)snprintf(referral->case_number, sizeof(referral->case_number), "%.4s-2026-%06u",
                   sender->prefix, number);
    (void)snprintf(referral->number, sizeof(referral->number), "%.4s-2026-%06u-01", sender->prefix,
                   number);
    referral->kind = MESSAGE_OUTBOUND_REFERRAL;
    referral->sender = sender->number;
    referral->receiver = receiver->number;
    referral->lane = QUEUE_LANES - 1;
    referral->state = REFERRAL_DELIVERED;
    referral->marks = MARK_SIGNED;
    referral->person_count = 1;
    referral->submitted_ms = referral->delivered_ms = referral->signed_ms = start_ms;
    referral->window_number = 1;
    text_copy(referral->calendar_version, sizeof(referral->calendar_version),
              calendar_version(bench->calendar));
    window_open(&bench->policy->ladder, bench->calendar, CLOCK_FEEDBACK_OUTBOUND, start_ms,
                &referral->clocks[REFERRAL_CLOCK_FEEDBACK]);
    referral->last_leaf = REFERRAL_NO_LEAF;
    if (referral_next_rung(referral, &bench->policy->ladder, bench->calendar, &next)) {
        referral->next_due_ms = next.due_ms;
    }
}

static void put_referral(struct bench *bench, struct store_txn *txn, unsigned number)
{
    struct referral referral;
    uint8_t packed[REFERRAL_PACKED_MAX];
    make_referral(bench, number, &referral);
    struct case_key key = {.case_id = referral.case_id, .referral_id = referral.referral_id};
    city_need(&bench->city, cases_put(txn, &key, span_of(packed, referral_pack(&referral, packed))),
              "referral");
    city_need(&bench->city, due_move(txn, &key, 0, referral.next_due_ms), "due");
    city_need(&bench->city, number_put(txn, referral.number, &key), "number");
}

static void fill(struct bench *bench)
{
    struct store_options options = {.kind = STORE_BROKER, .map_bytes = MAP_BYTES, .create = true};
    struct fault fault = {.code = ""};
    struct store *store = NULL;
    need(bench,
         key_file_read(path_of(bench, "store.key").text, KEY_FILE_STORE, options.mac_key.bytes,
                       &fault),
         &fault);
    need(bench, store_open(path_of(bench, "store").text, &options, &store, &fault), &fault);
    for (unsigned at = 0; at < bench->windows; at += FILL_COUNT) {
        struct store_txn *txn = NULL;
        city_need(&bench->city, store_begin(store, &txn), "fill");
        for (unsigned i = at; i < bench->windows && i < at + FILL_COUNT; i++) {
            put_referral(bench, txn, i);
        }
        city_need(&bench->city, store_commit(txn), "fill");
    }
    store_close(store);
}

/* --- asking --- */

/* The answer's text and its parsed form; both end with ask_end. */
struct ask {
    struct buf reply;
    struct json *json;
    struct json_value root;
};

static void ask(struct bench *bench, const char *line, struct ask *ret_ask)
{
    struct fault fault = {.code = ""};
    double start = bench_seconds();
    buf_init(&ret_ask->reply, LIMIT_LOCAL_LINE_BYTES);
    city_need(&bench->city,
              local_call(path_of(bench, "status.sock").text, span_text(line), STATUS_TIMEOUT,
                         &ret_ask->reply),
              "status");
    latency_add(&bench->asks, bench_seconds() - start);
    need(bench, json_open("status", span_buf(&ret_ask->reply), &ret_ask->json, &fault), &fault);
    ret_ask->root = json_root(ret_ask->json);
}

static void ask_end(struct ask *done)
{
    json_free(done->json);
    buf_free(&done->reply);
}

static uint64_t number_of(struct bench *bench, const struct json_value *object, const char *name)
{
    struct json_value value = json_member(object, name);
    uint64_t number = 0;
    city_need(&bench->city, json_get_u64(&value, 0, INT64_MAX, &number, NULL), name);
    return number;
}

static bool redating(struct bench *bench)
{
    struct ask answer;
    bool yes = false;
    ask(bench, "{\"cmd\":\"calendar\"}", &answer);
    struct json_value value = json_member(&answer.root, "redating");
    city_need(&bench->city, json_get_bool(&value, &yes, NULL), "redating");
    bench->redated = number_of(bench, &answer.root, "redated");
    ask_end(&answer);
    return yes;
}

static void count_notices(struct bench *bench)
{
    struct ask answer;
    ask(bench, "{\"cmd\":\"status\"}", &answer);
    struct json_value counts = json_member(&answer.root, "counts");
    bench->notices = number_of(bench, &counts, "notices");
    ask_end(&answer);
    ask(bench, "{\"cmd\":\"agencies\"}", &answer);
    struct json_value agencies = json_member(&answer.root, "agencies");
    for (size_t i = 0; i < json_count(&agencies); i++) {
        struct json_value agency = json_item(&agencies, i);
        bench->waiting += number_of(bench, &agency, "waiting");
    }
    ask_end(&answer);
}

/* --- the measurement --- */

/* One message of the first agency, with its receipt judged. */
static void submit(struct bench *bench, size_t at)
{
    struct load_request request = {.agency = &bench->city.agencies[0],
                                   .messages = &bench->load.messages[at],
                                   .message_count = 1};
    load_submission(&bench->load, &request);
    load_send(&request, bench->city.agencies[0].link);
    while (bench->load.open > 0) {
        city_turn(&bench->city);
    }
    latency_add(&bench->submits, request.answered_at - request.sent_at);
    load_judge(&bench->load, &request);
    load_request_free(&request);
}

static void install_day_off(struct bench *bench)
{
    char day[CIVIL_TEXT_BYTES], text[256];
    struct fault fault = {.code = ""};
    int32_t off = calendar_add_working_days(bench->calendar, civil_day_at(bench->now_ms), DAYS_OFF);
    civil_format(off, day);
    (void)snprintf(text, sizeof(text),
                   "{\"year\":%.4s,\"local\":true,\"papers\":[\"bench\"],\"notice\":\"1\","
                   "\"days\":[{\"name\":\"bench\",\"date\":\"%s\",\"isOffDay\":true}]}",
                   day, day);
    need(bench,
         file_write(path_of(bench, "config/calendars/local-bench.json").text, span_text(text), 0600,
                    &fault),
         &fault);
}

static void measure(struct bench *bench)
{
    size_t sent = 0;
    while (redating(bench)) { /* the start's own walk, which moves nothing */
    }
    submit(bench, sent++);
    bench->submits.count = 0;
    bench->asks.count = 0;
    install_day_off(bench);
    double start = bench_seconds();
    (void)kill(bench->city.process, SIGHUP);
    do {
        if (sent < bench->load.message_count) {
            submit(bench, sent++);
        }
    } while (redating(bench) || bench->redated < bench->windows);
    bench->seconds = bench_seconds() - start;
    count_notices(bench);
    if (bench->redated != bench->windows || bench->notices != 2ull * bench->windows ||
        bench->waiting != bench->notices + sent) {
        log_error("%llu windows re-dated, %llu notices, %llu messages wait after %zu submissions",
                  (unsigned long long)bench->redated, (unsigned long long)bench->notices,
                  (unsigned long long)bench->waiting, sent);
        city_abandon(&bench->city, EXIT_FAILURE);
    }
}

static void report(struct bench *bench, const struct city_usage *before,
                   const struct city_usage *after)
{
    (void)printf("{\"bench\":\"redate\",\"windows\":%u,\"seconds\":%.3f,\"notices\":%llu,"
                 "\"broker_cpu_seconds\":%.3f,\"submissions\":%zu,",
                 bench->windows, bench->seconds, (unsigned long long)bench->notices,
                 after->cpu_seconds - before->cpu_seconds, bench->submits.count);
    (void)printf("\"submit_p50_ms\":%.1f,\"submit_p99_ms\":%.1f,\"submit_max_ms\":%.1f,",
                 LATENCY_PARTS(&bench->submits));
    (void)printf("\"status_p50_ms\":%.1f,\"status_p99_ms\":%.1f,\"status_max_ms\":%.1f}\n",
                 LATENCY_PARTS(&bench->asks));
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct city_usage before, after;
    static struct bench bench;
    bench_options_read(argc, argv, doc, WINDOWS_DEFAULT, &options);
    bench.windows = options.messages;
    bench.load.city = &bench.city;
    bench.now_ms = (uint64_t)time(NULL) * 1000u;
    city_open(&options.city, &bench.city);
    copy_configuration(&bench);
    read_rules(&bench);
    (void)fprintf(stderr, "filling a store with %u open windows\n", bench.windows);
    load_prepare(&bench.load, &bench.city.agencies[0], SUBMISSIONS);
    fill(&bench);
    city_start(&bench.city, options.transports[0], 1);
    load_greet(&bench.load);
    city_measure(&bench.city, &before);
    measure(&bench);
    city_measure(&bench.city, &after);
    report(&bench, &before, &after);
    latency_free(&bench.submits);
    latency_free(&bench.asks);
    city_stop(&bench.city);
    load_free(&bench.load);
    calendar_free(bench.calendar);
    policy_free(bench.policy);
    city_close(&bench.city);
    return 0;
}

/* How much the store takes: what one message writes (log entry, queue row, dedupe row, referral,
 * due row, number), some messages a transaction, each transaction signed, sealed and synced, and
 * the receipts read back. One JSON line a case on standard output.
 *
 *     bench_store [FOLDER] [SECONDS]     (default: a new folder under /var/tmp, 2 s a case)
 *
 * Not a test: nothing is judged here but that every call answers OK. One thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/audit.h"
#include "store/dedupe.h"
#include "store/due.h"
#include "store/queue.h"

#define RECORD_BYTES   260u
#define ENVELOPE_BYTES 1700u /* header, facts, a body of class 1 and its proof */
#define REFERRAL_BYTES 600u
#define AGENCIES       11u
#define MAP_BYTES      ((uint64_t)8 * 1024 * 1024 * 1024)

enum phase { PHASE_WRITE, PHASE_SIGN, PHASE_SEAL, PHASE_COMMIT, PHASE_RECEIPTS, PHASE_COUNT };

struct bench {
    struct store *store;
    struct sign_key key;
    uint64_t messages;
    uint64_t time_ms; /* of the ids: they are ordered by time */
    double spent[PHASE_COUNT];
};

static double now_seconds(clockid_t clock)
{
    struct timespec at;
    (void)clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void need(enum err error, const char *what)
{
    if (error != OK) {
        (void)fprintf(stderr, "bench_store: %s: %s\n", what, err_text(error));
        exit(EXIT_FAILURE);
    }
}

static struct uuid new_id(struct bench *bench)
{
    uint8_t random[10] = {0}; /* agencies make the ids: their randomness costs the store nothing */
    be64_put(random, bench->time_ms * 0x9E3779B97F4A7C15u);
    return uuid_v7(++bench->time_ms, random);
}

/* The rows of one message, as the broker writes them. */
static void write_message(struct bench *bench, struct store_txn *txn, uint64_t number)
{
    static const uint8_t filler[4096];
    struct uuid id = new_id(bench);
    struct case_key key = {.case_id = new_id(bench), .referral_id = new_id(bench)};
    uint16_t sender = (uint16_t)(1 + number % AGENCIES);
    struct queue_stream stream = {.recipient = (uint16_t)(1 + (number + 3) % AGENCIES),
                                  .lane = (uint8_t)(number / AGENCIES % QUEUE_LANES)};
    struct dedupe_row row;
    struct span none;
    struct queue_state state;
    if (dedupe_find(txn, sender, &id, &row) != ERR_NOT_FOUND ||
        cases_get(txn, &key, &none) != ERR_NOT_FOUND) {
        need(ERR_EXISTS, "fresh ids");
    }
    need(queue_state(txn, stream, &state), "stream");
    struct audit_leaf leaf = {.record = span_of(filler, RECORD_BYTES),
                              .envelope = span_of(filler, ENVELOPE_BYTES),
                              .trail = AUDIT_NONE};
    crypto_random(leaf.salt, sizeof(leaf.salt));
    struct digest hash;
    uint64_t index = 0;
    need(audit_append(txn, &leaf, &index, &hash), "leaf");
    struct queue_item item = {.stream = stream,
                              .seq = state.next_seq,
                              .leaf = index,
                              .message_id = id,
                              .queued_ms = bench->time_ms};
    need(queue_put(txn, &item, &hash), "queue");
    row = (struct dedupe_row){.digest = hash, .leaf = index};
    need(dedupe_add(txn, sender, &id, &row), "dedupe");
    need(cases_put(txn, &key, span_of(filler, REFERRAL_BYTES)), "referral");
    need(due_move(txn, &key, 0, bench->time_ms / 1000 * 1000 + 86400000), "due");
    char text[LIMIT_NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "A%u-2026-%08llu", sender, (unsigned long long)number);
    need(number_put(txn, text, &key), "number");
}

static void sign_and_seal(struct bench *bench, struct store_txn *txn, double *at)
{
    struct digest root;
    uint8_t note[260] = {0};
    uint8_t signature[SIGNATURE_BYTES];
    need(audit_root(txn, &root), "root");
    crypto_sign_message(&bench->key, span_of(root.bytes, sizeof(root.bytes)), signature);
    memcpy(note, signature, sizeof(signature));
    double signed_at = now_seconds(CLOCK_MONOTONIC);
    bench->spent[PHASE_SIGN] += signed_at - *at;
    need(audit_seal_commit(txn, span_of(note, sizeof(note))), "seal");
    *at = now_seconds(CLOCK_MONOTONIC);
    bench->spent[PHASE_SEAL] += *at - signed_at;
}

static void turn(struct bench *bench, unsigned batch)
{
    struct store_txn *txn = NULL;
    double start = now_seconds(CLOCK_MONOTONIC);
    need(store_begin(bench->store, &txn), "begin");
    for (unsigned i = 0; i < batch; i++) {
        write_message(bench, txn, bench->messages + i);
    }
    double at = now_seconds(CLOCK_MONOTONIC);
    bench->spent[PHASE_WRITE] += at - start;
    sign_and_seal(bench, txn, &at);
    need(store_commit(txn), "commit");
    double committed = now_seconds(CLOCK_MONOTONIC);
    bench->spent[PHASE_COMMIT] += committed - at;
    need(store_read_begin(bench->store, &txn), "read");
    for (unsigned i = 0; i < batch; i++) {
        struct audit_receipt receipt;
        need(audit_receipt(txn, bench->messages + i, &receipt), "receipt");
    }
    store_read_end(txn);
    bench->spent[PHASE_RECEIPTS] += now_seconds(CLOCK_MONOTONIC) - committed;
    bench->messages += batch;
}

static void report(const struct bench *bench, unsigned batch, uint64_t done, const double took[2])
{
    static const char *const names[PHASE_COUNT] = {"write", "sign", "seal", "commit", "receipts"};
    (void)printf("{\"bench\":\"store\",\"batch\":%u,\"messages\":%llu,\"seconds\":%.3f,"
                 "\"messages_per_second\":%.0f,\"cpu_us_per_message\":%.2f",
                 batch, (unsigned long long)done, took[0], (double)done / took[0],
                 took[1] * 1e6 / (double)done);
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        (void)printf(",\"%s_us_per_message\":%.2f", names[i], bench->spent[i] * 1e6 / (double)done);
    }
    (void)printf(",\"log_leaves\":%llu,\"used_percent\":%u}\n", (unsigned long long)bench->messages,
                 store_used_percent(bench->store));
    (void)fflush(stdout);
}

static void run_case(struct bench *bench, unsigned batch, double seconds)
{
    memset(bench->spent, 0, sizeof(bench->spent));
    uint64_t before = bench->messages;
    double start[2] = {now_seconds(CLOCK_MONOTONIC), now_seconds(CLOCK_PROCESS_CPUTIME_ID)};
    double took[2] = {0, 0};
    while (took[0] < seconds && store_accepts(bench->store)) {
        turn(bench, batch);
        took[0] = now_seconds(CLOCK_MONOTONIC) - start[0];
    }
    took[1] = now_seconds(CLOCK_PROCESS_CPUTIME_ID) - start[1];
    report(bench, batch, bench->messages - before, took);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"/data.mdb", "/lock.mdb", "/owner.lock", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        if (remove(path) != 0 && errno != ENOENT) {
            perror(path);
        }
    }
}

int main(int argc, char **argv)
{
    static const unsigned batches[] = {1, 8, 64, 256};
    char made[] = "/var/tmp/bench-store-XXXXXX";
    const char *folder = argc > 1 ? argv[1] : mkdtemp(made);
    double seconds = 2;
    if (folder == NULL || (argc > 2 && sscanf(argv[2], "%lf", &seconds) != 1)) {
        (void)fprintf(stderr, "usage: bench_store [FOLDER] [SECONDS]\n");
        return 2;
    }
    need(crypto_init(), "crypto");
    struct bench bench = {.time_ms = 1780000000000u};
    struct store_options options = {.kind = STORE_BROKER, .map_bytes = MAP_BYTES, .create = true};
    struct fault fault = {.code = ""};
    sign_key_new(&bench.key);
    if (store_open(folder, &options, &bench.store, &fault) != OK) {
        (void)fprintf(stderr, "bench_store: %s: %s\n", fault.place, fault.message);
        return 1;
    }
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        run_case(&bench, batches[i], seconds);
    }
    store_close(bench.store);
    if (argc <= 1) {
        remove_folder(folder);
    }
    return 0;
}

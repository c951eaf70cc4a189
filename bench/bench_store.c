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

#include "bench_rows.h"

enum phase { PHASE_WRITE, PHASE_SIGN, PHASE_SEAL, PHASE_COMMIT, PHASE_RECEIPTS, PHASE_COUNT };

struct bench {
    struct rows rows;
    double spent[PHASE_COUNT];
};

static double now_seconds(clockid_t clock)
{
    struct timespec at;
    (void)clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void sign_and_seal(struct bench *bench, struct store_txn *txn, double *at)
{
    double signed_at = 0;
    rows_seal(&bench->rows, txn, &signed_at);
    bench->spent[PHASE_SIGN] += signed_at - *at;
    *at = now_seconds(CLOCK_MONOTONIC);
    bench->spent[PHASE_SEAL] += *at - signed_at;
}

static void turn(struct bench *bench, unsigned batch)
{
    struct store_txn *txn = NULL;
    double start = now_seconds(CLOCK_MONOTONIC);
    rows_need(store_begin(bench->rows.store, &txn), "begin");
    for (unsigned i = 0; i < batch; i++) {
        rows_write(&bench->rows, txn, bench->rows.messages + i);
    }
    double at = now_seconds(CLOCK_MONOTONIC);
    bench->spent[PHASE_WRITE] += at - start;
    sign_and_seal(bench, txn, &at);
    rows_need(store_commit(txn), "commit");
    double committed = now_seconds(CLOCK_MONOTONIC);
    bench->spent[PHASE_COMMIT] += committed - at;
    rows_need(store_read_begin(bench->rows.store, &txn), "read");
    for (unsigned i = 0; i < batch; i++) {
        struct audit_receipt receipt;
        rows_need(audit_receipt(txn, bench->rows.messages + i, &receipt), "receipt");
    }
    store_read_end(txn);
    bench->spent[PHASE_RECEIPTS] += now_seconds(CLOCK_MONOTONIC) - committed;
    bench->rows.messages += batch;
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
    (void)printf(",\"log_leaves\":%llu,\"used_percent\":%u}\n",
                 (unsigned long long)bench->rows.messages, store_used_percent(bench->rows.store));
    (void)fflush(stdout);
}

static void run_case(struct bench *bench, unsigned batch, double seconds)
{
    memset(bench->spent, 0, sizeof(bench->spent));
    uint64_t before = bench->rows.messages;
    double start[2] = {now_seconds(CLOCK_MONOTONIC), now_seconds(CLOCK_PROCESS_CPUTIME_ID)};
    double took[2] = {0, 0};
    while (took[0] < seconds && store_accepts(bench->rows.store)) {
        turn(bench, batch);
        took[0] = now_seconds(CLOCK_MONOTONIC) - start[0];
    }
    took[1] = now_seconds(CLOCK_PROCESS_CPUTIME_ID) - start[1];
    report(bench, batch, bench->rows.messages - before, took);
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
    struct bench bench = {.spent = {0}};
    rows_open(&bench.rows, folder);
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        run_case(&bench, batches[i], seconds);
    }
    store_close(bench.rows.store);
    if (argc <= 1) {
        remove_folder(folder);
    }
    return 0;
}

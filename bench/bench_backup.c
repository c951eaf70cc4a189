/* Backup and restore of a large store: how long, how large, and what a backup costs who writes
 * meanwhile. One JSON line a case on standard output.
 *
 *     bench_backup [MESSAGES] [FOLDER]     (default: 1000000, a new folder under /var/tmp)
 *
 * The store's rows are those of bench_store; envelopes are random, as sealed bodies are. Two
 * threads in the hot case, as in a broker. Not a test: every call must answer OK, no more. */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_rows.h"
#include "store/backup.h"

#define MADE_BATCH  256u
#define LOAD_BATCH  16u
#define LOAD_GAP_US 5000u /* between two transactions: a busy city, not the machine's limit */
#define LOAD_MAX    100000u
#define BASE_S      10.0
#define MIB         (1024.0 * 1024.0)

struct bench {
    struct rows rows;
    struct seal_key recovery;
    char folder[512];
    struct backup_made made;
    atomic_bool done;
    double seconds;
};

static const char *below(const struct bench *bench, const char *name)
{
    static char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", bench->folder, name);
    return path;
}

static double data_mib(const struct bench *bench)
{
    struct stat info;
    return stat(below(bench, "store/data.mdb"), &info) == 0 ? (double)info.st_size / MIB : 0;
}

static void *backup_run(void *arg)
{
    struct bench *bench = arg;
    struct backup_options options = {.folder = bench->folder,
                                     .owner = "bench/broker",
                                     .software = "bench",
                                     .recovery = bench->recovery.public_key,
                                     .signer = &bench->rows.key,
                                     .now_ms = 1780000000000u + bench->rows.messages};
    struct fault fault = {.code = ""};
    double start = rows_seconds();
    if (backup_make(bench->rows.store, &options, &bench->made, &fault) != OK) {
        (void)fprintf(stderr, "bench_backup: %s: %s\n", fault.place, fault.message);
        exit(EXIT_FAILURE);
    }
    bench->seconds = rows_seconds() - start;
    atomic_store(&bench->done, true);
    return NULL;
}

static void say_backup(const struct bench *bench, const char *name)
{
    const struct backup_info *info = &bench->made.info;
    (void)printf("{\"bench\":\"%s\",\"messages\":%llu,\"rows\":%llu,\"content_mib\":%.0f,"
                 "\"file_mib\":%.0f,\"seconds\":%.1f,\"mib_per_second\":%.0f}\n",
                 name, (unsigned long long)info->log_size, (unsigned long long)info->rows,
                 (double)info->content_bytes / MIB, (double)info->file_bytes / MIB, bench->seconds,
                 (double)info->content_bytes / MIB / bench->seconds);
    (void)fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* Transactions until `bench->done`, or for some seconds. */
static void load(struct bench *bench, const char *name, double seconds)
{
    double *took = calloc(LOAD_MAX, sizeof(*took));
    size_t count = 0;
    double start = rows_seconds();
    double before = data_mib(bench);
    if (took == NULL) {
        perror("bench_backup");
        exit(EXIT_FAILURE);
    }
    while (count < LOAD_MAX &&
           (seconds > 0 ? rows_seconds() - start < seconds : !atomic_load(&bench->done))) {
        double at = rows_seconds();
        rows_turn(&bench->rows, LOAD_BATCH);
        took[count++] = rows_seconds() - at;
        (void)usleep(LOAD_GAP_US);
    }
    double all = rows_seconds() - start;
    qsort(took, count, sizeof(*took), by_size);
    (void)printf("{\"bench\":\"%s\",\"transactions\":%zu,\"messages_per_second\":%.0f,"
                 "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"data_grew_mib\":%.0f}\n",
                 name, count, (double)count * LOAD_BATCH / all, took[count / 2] * 1e3,
                 took[count * 99 / 100] * 1e3, took[count - 1] * 1e3, data_mib(bench) - before);
    (void)fflush(stdout);
    free(took);
}

static void hot(struct bench *bench)
{
    pthread_t thread;
    load(bench, "load", BASE_S);
    atomic_store(&bench->done, false);
    rows_need(pthread_create(&thread, NULL, backup_run, bench) == 0 ? OK : ERR_MEMORY, "thread");
    load(bench, "load-during-backup", 0);
    (void)pthread_join(thread, NULL);
    say_backup(bench, "backup-under-load");
}

static void read_back(struct bench *bench, bool restore)
{
    char to[600];
    struct restore_options options = {.to = to};
    const struct verify_options verify = {.attachments = NULL};
    struct backup_reader *reader = NULL;
    struct fault fault = {.code = ""};
    double start = rows_seconds();
    (void)snprintf(to, sizeof(to), "%s/restored", bench->folder);
    enum err error = backup_open(bench->made.path, &reader, &fault);
    if (error == OK) {
        error = restore ? backup_restore(reader, bench->recovery.secret, &options, &fault)
                        : backup_verify(reader, bench->recovery.secret, &verify, &fault);
    }
    backup_close(reader);
    if (error != OK) {
        (void)fprintf(stderr, "bench_backup: %s: %s\n", fault.place, fault.message);
        exit(EXIT_FAILURE);
    }
    (void)printf("{\"bench\":\"%s\",\"messages\":%llu,\"seconds\":%.1f}\n",
                 restore ? "restore" : "verify", (unsigned long long)bench->made.info.log_size,
                 rows_seconds() - start);
    (void)fflush(stdout);
}

static int remove_cb(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

int main(int argc, char **argv)
{
    char made[] = "/var/tmp/bench-backup-XXXXXX";
    const char *folder = argc > 2 ? argv[2] : mkdtemp(made);
    unsigned long messages = 1000000;
    static struct bench bench;
    if (folder == NULL || (argc > 1 && sscanf(argv[1], "%lu", &messages) != 1)) {
        (void)fprintf(stderr, "usage: bench_backup [MESSAGES] [FOLDER]\n");
        return 2;
    }
    (void)snprintf(bench.folder, sizeof(bench.folder), "%s", folder);
    double start = rows_seconds();
    rows_open(&bench.rows, below(&bench, "store"));
    seal_key_new(&bench.recovery);
    while (bench.rows.messages < messages) {
        rows_turn(&bench.rows, MADE_BATCH);
    }
    (void)printf("{\"bench\":\"make\",\"messages\":%llu,\"data_mib\":%.0f,\"seconds\":%.1f}\n",
                 (unsigned long long)bench.rows.messages, data_mib(&bench), rows_seconds() - start);
    (void)fflush(stdout);
    (void)backup_run(&bench);
    say_backup(&bench, "backup");
    hot(&bench);
    store_close(bench.rows.store);
    read_back(&bench, false);
    read_back(&bench, true);
    if (argc <= 2 && nftw(folder, remove_cb, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        perror(folder);
    }
    return 0;
}

/* How: the files are those that `referralctl keys init` writes, the broker is started and ended as
 * a service manager would, and its CPU time is read from its own CPU clock. */
#include "bench_city.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/key_file.h"
#include "base/log.h"
#include "io/local.h"
#include "io/loop.h"

#define ORIGIN       "bench.example/broker"
#define STORE_MIB    8192u
#define DAYS         2u
#define STOP_SECONDS 20
#define CALL_MS      20000u

double bench_seconds(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int remove_cb(const char *path, const struct stat *what, int kind, struct FTW *at)
{
    (void)what;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *path)
{
    if (nftw(path, remove_cb, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) {
        perror(path);
    }
}

void city_abandon(struct city *city, int status)
{
    if (city->process > 0) {
        (void)kill(city->process, SIGKILL);
        (void)waitpid(city->process, NULL, 0);
    }
    if (city->folder[0] != '\0') {
        remove_tree(city->folder);
    }
    _exit(status); /* nng's threads are not asked */
}

void city_need(struct city *city, enum err error, const char *what)
{
    if (error != OK) {
        log_error("%s: %s", what, err_text(error));
        city_abandon(city, EXIT_FAILURE);
    }
}

void *city_memory(struct city *city, size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL) {
        log_error("out of memory");
        city_abandon(city, EXIT_FAILURE);
    }
    return memory;
}

static void need_fault(struct city *city, enum err error, const struct fault *fault)
{
    if (error != OK) {
        log_error("%s: %s", fault->place, fault->message);
        city_abandon(city, EXIT_FAILURE);
    }
}

/* --- files --- */

struct city_path {
    char text[2 * CITY_PATH_BYTES];
};

static struct city_path path_in(const struct city *city, const char *name, const char *ending)
{
    struct city_path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/%s%s", city->folder, name, ending);
    return path;
}

static void write_file(struct city *city, struct city_path path, struct span bytes)
{
    struct fault fault = {.code = ""};
    need_fault(city, file_write(path.text, bytes, 0600, &fault), &fault);
}

static void write_pair(struct city *city, const char *name, const struct certificate_pair *pair)
{
    write_file(city, path_in(city, name, ".key"), span_buf(&pair->key));
    write_file(city, path_in(city, name, ".crt"), span_buf(&pair->certificate));
}

static void make_certificates(struct city *city)
{
    struct certificate_request request = {
        .name = "bench authority", .now_ms = (uint64_t)time(NULL) * 1000u, .days = DAYS};
    struct certificate_pair authority;
    struct fault fault = {.code = ""};
    certificate_pair_init(&authority);
    need_fault(city, certificate_authority_new(&request, &authority, &fault), &fault);
    write_pair(city, "authority", &authority);
    for (size_t i = 0; i <= city->agency_count; i++) {
        struct certificate_pair pair;
        certificate_pair_init(&pair);
        request.name = i < city->agency_count ? city->agencies[i].agency->id : BROKER_ID;
        need_fault(city, certificate_issue(&authority, &request, &pair, &fault), &fault);
        write_pair(city, request.name, &pair);
        certificate_pair_free(&pair);
    }
    certificate_pair_free(&authority);
}

static void add_entry(struct key_entry *entry, const char *owner, enum key_use use,
                      const uint8_t public_key[32])
{
    *entry = (struct key_entry){.use = use, .to_ms = UINT64_MAX};
    text_copy(entry->owner, sizeof(entry->owner), owner);
    memcpy(entry->public_key, public_key, 32);
}

static void make_keys(struct city *city)
{
    struct key_entry *entries = city_memory(city, 2 * city->agency_count + 1, sizeof(*entries));
    struct sign_key broker;
    uint8_t store_key[KEY_FILE_SECRET_BYTES];
    struct fault fault = {.code = ""};
    struct buf text;
    for (size_t i = 0; i < city->agency_count; i++) {
        struct city_agency *own = &city->agencies[i];
        sign_key_new(&own->sign);
        seal_key_new(&own->seal);
        add_entry(&entries[2 * i], own->agency->id, KEY_SIGN, own->sign.public_key);
        add_entry(&entries[2 * i + 1], own->agency->id, KEY_SEAL, own->seal.public_key);
    }
    sign_key_new(&broker);
    crypto_random(store_key, sizeof(store_key));
    add_entry(&entries[2 * city->agency_count], BROKER_ID, KEY_SIGN, broker.public_key);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    city_need(city, keyring_write(ORIGIN, entries, 2 * city->agency_count + 1, &text), "keys");
    need_fault(city, keyring_load_text("keys", span_buf(&text), &city->keyring, &fault), &fault);
    write_file(city, path_in(city, "public-keys", ".yaml"), span_buf(&text));
    need_fault(
        city,
        key_file_write(path_in(city, "sign", ".key").text, KEY_FILE_SIGN, broker.seed, &fault),
        &fault);
    need_fault(
        city,
        key_file_write(path_in(city, "store", ".key").text, KEY_FILE_STORE, store_key, &fault),
        &fault);
    buf_free(&text);
    free(entries);
}

/* --- open --- */

static void interrupt_cb(void *ctx, int number)
{
    (void)number;
    ((struct city *)ctx)->interrupted = true;
}

void city_use(struct city *city, const char *broker)
{
    char self[CITY_PATH_BYTES - 32];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (broker != NULL) {
        text_copy(city->broker, sizeof(city->broker), broker);
    } else if (len > 0) {
        self[len] = '\0';
        *strrchr(self, '/') = '\0';
        (void)snprintf(city->broker, sizeof(city->broker), "%s/referral-broker", self);
    }
    if (access(city->broker, X_OK) != 0) {
        log_error("%s: not an executable; build referral-broker or give --broker PATH",
                  city->broker);
        city_abandon(city, EXIT_FAILURE);
    }
}

static void read_registry(struct city *city)
{
    struct fault fault = {.code = ""};
    struct city_path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/agencies.yaml", city->config);
    buf_init(&city->registry_text, LIMIT_CONFIG_BYTES);
    need_fault(city, file_read(path.text, &city->registry_text, &fault), &fault);
    need_fault(city,
               registry_read(path.text, span_buf(&city->registry_text), &city->registry, &fault),
               &fault);
    city->agency_count = registry_count(city->registry);
    city->agencies = city_memory(city, city->agency_count, sizeof(*city->agencies));
    for (size_t i = 0; i < city->agency_count; i++) {
        city->agencies[i].agency = registry_at(city->registry, i);
    }
}

void city_open(const struct city_options *options, struct city *ret_city)
{
    memset(ret_city, 0, sizeof(*ret_city));
    log_init("bench", LOG_INFO_LEVEL, NULL);
    city_need(ret_city, crypto_init(), "libsodium");
    city_need(ret_city, crypto_choose(options->sm ? SUITE_SM : SUITE_INTL), "suite");
    city_use(ret_city, options->broker);
    struct fault fault = {.code = ""};
    ret_city->mbedtls = options->mbedtls;
    need_fault(
        ret_city,
        link_engine_choose(options->mbedtls ? LINK_ENGINE_MBEDTLS : LINK_ENGINE_OPENSSL, &fault),
        &fault);
    char config[PATH_MAX];
    if (realpath(options->config, config) == NULL || strlen(config) >= sizeof(ret_city->config)) {
        log_error("%s: no such folder; give --config FOLDER", options->config);
        city_abandon(ret_city, EXIT_FAILURE);
    }
    text_copy(ret_city->config, sizeof(ret_city->config), config);
    char made[CITY_PATH_BYTES];
    (void)snprintf(made, sizeof(made), "%s/referral-bench-XXXXXX", options->folder);
    if (mkdtemp(made) == NULL) {
        log_error("%s: %s", made, strerror(errno));
        city_abandon(ret_city, EXIT_FAILURE);
    }
    memcpy(ret_city->folder, made, sizeof(made));
    read_registry(ret_city);
    make_keys(ret_city);
    make_certificates(ret_city);
    city_need(ret_city, loop_new(&ret_city->loop), "loop");
    city_need(ret_city, loop_on_signal(ret_city->loop, SIGINT, interrupt_cb, ret_city), "signal");
    city_need(ret_city, loop_on_signal(ret_city->loop, SIGTERM, interrupt_cb, ret_city), "signal");
}

void city_close(struct city *city)
{
    loop_free(city->loop);
    remove_tree(city->folder);
    keyring_free(city->keyring);
    registry_free(city->registry);
    buf_free(&city->registry_text);
    free(city->agencies);
}

void city_turn(struct city *city)
{
    loop_turn(city->loop, 1000);
    if (city->interrupted) {
        (void)fprintf(stderr, "bench: interrupted\n");
        city_abandon(city, 130);
    }
}

/* --- the broker --- */

/* A port that nobody uses now. */
static unsigned free_port(struct city *city)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0 || bind(probe, (struct sockaddr *)&at, len) != 0 ||
        getsockname(probe, (struct sockaddr *)&at, &len) != 0) {
        log_error("no free port: %s", strerror(errno));
        city_abandon(city, EXIT_FAILURE);
    }
    (void)close(probe);
    return ntohs(at.sin_port);
}

static void choose_url(struct city *city, const char *transport)
{
    if (strcmp(transport, "ipc") == 0) {
        (void)snprintf(city->url, sizeof(city->url), "ipc://%s/broker.ipc", city->folder);
    } else {
        (void)snprintf(city->url, sizeof(city->url), "%s://127.0.0.1:%u",
                       strcmp(transport, "tls") == 0 ? "tls+tcp" : "tcp", free_port(city));
    }
}

static struct city_path write_configuration(struct city *city)
{
    struct city_path path = path_in(city, "broker", ".yaml");
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    city_need(
        city,
        buf_printf(&text,
                   "listen:\n  - %s\ntls-certificate: broker.crt\ntls-key: broker.key\n"
                   "tls-authority: authority.crt\nsign-key: sign.key\nstore-key: store.key\n"
                   "public-keys: public-keys.yaml\nregistry: %s/agencies.yaml\n"
                   "policy: %s/policy.yaml\ncalendars: %s/calendars\nstore: store\n"
                   "store-mib: %u\nstatus-socket: status.sock\nlaboratory: true\nsuite: %s\n%s",
                   city->url, city->config, city->config, city->config, STORE_MIB,
                   crypto_suite_name(crypto_suite()), city->mbedtls ? "tls-engine: mbedtls\n" : ""),
        "configuration");
    write_file(city, path, span_buf(&text));
    buf_free(&text);
    return path;
}

static void start_process(struct city *city)
{
    struct city_path configuration = write_configuration(city);
    struct city_path log = path_in(city, "broker", ".log");
    char option[] = "--config";
    char *arguments[] = {city->broker, option, configuration.text, NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.text,
                                           O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int failed = posix_spawn(&city->process, city->broker, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        city->process = 0;
        log_error("%s: %s", city->broker, strerror(failed));
        city_abandon(city, EXIT_FAILURE);
    }
}

static void open_link(struct city *city, struct city_agency *own, size_t requests)
{
    struct city_path certificate = path_in(city, own->agency->id, ".crt");
    struct city_path key = path_in(city, own->agency->id, ".key");
    struct city_path authority = path_in(city, "authority", ".crt");
    struct link_client_options options = {.url = city->url,
                                          .tls = {.cert_file = certificate.text,
                                                  .key_file = key.text,
                                                  .ca_file = authority.text,
                                                  .server_name = "localhost"},
                                          .laboratory = true,
                                          .context_count = requests,
                                          .reply_bytes_max = 2 * LIMIT_REQUEST_BYTES};
    struct fault fault = {.code = ""};
    need_fault(city, link_client_open(city->loop, &options, &fault, &own->link), &fault);
}

void city_start(struct city *city, const char *transport, size_t requests_each)
{
    choose_url(city, transport);
    start_process(city);
    for (size_t i = 0; i < city->agency_count; i++) {
        open_link(city, &city->agencies[i], requests_each);
    }
}

void city_stop(struct city *city)
{
    int status = 0;
    for (size_t i = 0; i < city->agency_count; i++) {
        city_need(city, link_client_close(city->agencies[i].link), "links");
        city->agencies[i].link = NULL;
    }
    (void)kill(city->process, SIGTERM);
    for (double until = bench_seconds() + STOP_SECONDS;;) {
        pid_t ended = waitpid(city->process, &status, WNOHANG);
        if (ended == city->process) {
            break;
        }
        if (bench_seconds() > until) {
            log_error("the broker did not stop");
            city_abandon(city, EXIT_FAILURE);
        }
        usleep(2000);
    }
    city->process = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        log_error("the broker did not stop well (status %d)", status);
        city_abandon(city, EXIT_FAILURE);
    }
    remove_tree(path_in(city, "store", "").text);
}

static unsigned long count_commits(struct city *city)
{
    static const char name[] = "\"commits\":";
    unsigned long commits = 0;
    struct buf line;
    buf_init(&line, LIMIT_LOCAL_LINE_BYTES);
    city_need(city,
              local_call(path_in(city, "status", ".sock").text, span_text("{\"cmd\":\"status\"}"),
                         CALL_MS, &line),
              "status socket");
    city_need(city, buf_append(&line, "", 1), "status socket");
    const char *at = strstr((const char *)line.data, name);
    if (at == NULL || sscanf(at + sizeof(name) - 1, "%lu", &commits) != 1) {
        log_error("the status socket does not tell the commits");
        city_abandon(city, EXIT_FAILURE);
    }
    buf_free(&line);
    return commits;
}

void city_measure(struct city *city, struct city_usage *ret_usage)
{
    char path[64], stat[1024] = "";
    clockid_t clock;
    struct timespec used = {.tv_sec = 0};
    unsigned long user = 0, kernel = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)city->process);
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(stat, sizeof(stat), file) == NULL || strrchr(stat, ')') == NULL ||
        sscanf(strrchr(stat, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &kernel) != 2 ||
        clock_getcpuclockid(city->process, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        log_error("the broker is gone");
        city_abandon(city, EXIT_FAILURE);
    }
    (void)fclose(file);
    ret_usage->commits = count_commits(city);
    ret_usage->cpu_seconds = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    ret_usage->system_seconds = (double)kernel / (double)sysconf(_SC_CLK_TCK);
}

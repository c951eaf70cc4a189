/* Checks of what lies on the host of either daemon: its socket, files, keys, certificates, disk.
 * See doctor.h. */
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/call.h"
#include "cli/doctor.h"
#include "cli/program.h"
#include "io/calendar_folder.h"
#include "wire/key_expiry.h"

#define CONFIGURATION_WRONG 78     /* the daemons' exit status for it */
#define CHECK_MS            20000u /* for the daemon's own --check */
#define CONNECT_MS          2000
#define DISK_BAD            95u
#define STORE_WARN          80u
#define CERTIFICATE_BYTES   (256u * 1024u)

static bool is_credential(const struct doctor *doctor, const char *option)
{
    const char *text = host_config_text(&doctor->config, option);

    return strncmp(text, YAML_CREDENTIAL, strlen(YAML_CREDENTIAL)) == 0;
}

/* A path option; one that the service manager hands over is the file that it takes it from, where
 * this host has its folder (host_config_credentials). */
static bool path_of(const struct doctor *doctor, const char *option, char out[HOST_PATH_BYTES])
{
    return (!is_credential(doctor, option) || getenv("CREDENTIALS_DIRECTORY") != NULL) &&
           host_config_path(&doctor->config, option, out);
}

static const char *next_of(const struct fault *fault)
{
    return fault->hint[0] != '\0' ? fault->hint : "correct this file, or put the right one back";
}

/* --- reach --- */

void check_reach(const struct doctor *doctor, struct findings *findings)
{
    const char *unit = doctor->agent ? "referral-agent@ID" : "referral-broker";
    char next[NEXT_BYTES];
    struct json_value root;

    if (doctor->status != NULL) {
        root = json_root(doctor->status);
        doctor_found(findings, LIGHT_GOOD, NULL, "%s answers: %s", doctor->socket,
                     value_text(&root, "software"));
        return;
    }
    if (doctor->refusal.message[0] != '\0') {
        doctor_found(findings, LIGHT_BAD, next_of(&doctor->refusal), "%s: %s", doctor->socket,
                     doctor->refusal.message);
        return;
    }
    (void)snprintf(next, sizeof(next),
                   doctor->reached == ERR_REFUSED
                       ? "ask as root, or as a member of the socket's group"
                   : doctor->reached == ERR_TIMEOUT
                       ? "its watchdog restarts it; else `systemctl restart %s`; "
                         "`journalctl -u %s -n 50` has what it said last"
                       : "`systemctl start %s`; `journalctl -u %s -n 50` has what it said last",
                   unit, unit);
    doctor_found(findings, LIGHT_BAD, next, "%s: no answer: %s", doctor->socket,
                 call_silence(doctor->socket, doctor->reached));
}

/* --- configuration --- */

/* The first mistake that the daemon's --check named, and how many there are. */
static void tell_mistakes(const struct doctor *doctor, struct span output,
                          struct findings *findings)
{
    struct json *json = NULL;
    struct json_value root, errors, first;

    if (json_open("check", output, &json, NULL) != OK) {
        doctor_found(findings, LIGHT_BAD, "run it with --check to see all", "%s is refused",
                     doctor->config.path);
        return;
    }
    root = json_root(json);
    errors = json_member(&root, "errors");
    for (size_t i = 0; i < json_count(&errors); i++) {
        first = json_item(&errors, i);
        doctor_found(findings, LIGHT_BAD,
                     value_text(&first, "hint")[0] != '\0' ? value_text(&first, "hint")
                                                           : "correct this line",
                     "%s: %s", value_text(&first, "place"), value_text(&first, "message"));
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_BAD, "run it with --check to see why", "%s is refused",
                     doctor->config.path);
    }
    json_free(json);
}

void check_configuration(const struct doctor *doctor, struct findings *findings)
{
    const char *program = doctor->agent ? "referral-agent" : "referral-broker";
    const char *words[PROGRAM_WORDS_MAX] = {program, "--config", doctor->config.path, "--check",
                                            "--json"};
    struct buf output;
    int status;

    if (doctor->config.yaml == NULL) {
        doctor_found(findings, LIGHT_BAD,
                     doctor->config_fault.hint[0] != '\0' ? doctor->config_fault.hint
                                                          : "name the file: --config FILE",
                     "%s: %s", doctor->config_fault.place, doctor->config_fault.message);
        return;
    }
    buf_init(&output, LIMIT_JSON_BYTES);
    status = program_run(words, CHECK_MS, &output);
    if (status == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "%s is right", doctor->config.path);
    } else if (status == CONFIGURATION_WRONG) {
        tell_mistakes(doctor, span_buf(&output), findings);
    } else {
        doctor_found(findings, LIGHT_UNKNOWN, "run this where the daemon is installed",
                     "%s: not known: %s --check cannot be run here", doctor->config.path, program);
    }
    buf_free(&output);
}

/* --- rights --- */

static const char *const secret_options[] = {"sign-key", "seal-key", "store-key",
                                             "tls-key",  "web-key",  "web-proxy-secret"};
static const char *const public_options[] = {"registry",  "policy",          "public-keys",
                                             "calendars", "tls-certificate", "tls-authority",
                                             "tls-crl",   "web-certificate"};

/* Who the daemon runs as, by what it wrote. */
static bool owner_of_store(const struct doctor *doctor, uid_t *ret_owner)
{
    char store[HOST_PATH_BYTES];
    struct stat found;

    if (!host_config_path(&doctor->config, "store", store) || stat(store, &found) != 0) {
        return false;
    }
    *ret_owner = found.st_uid;
    return true;
}

static void check_secret(const struct doctor *doctor, const char *option, struct findings *findings)
{
    char path[HOST_PATH_BYTES], next[NEXT_BYTES];
    uid_t owner = 0;
    struct stat found;

    if (!path_of(doctor, option, path)) {
        return;
    }
    if (stat(path, &found) != 0 && errno == EACCES) {
        doctor_found(findings, LIGHT_UNKNOWN, "ask as root",
                     "%s: not known: %.300s is out of reach", option, path);
        return;
    }
    if (stat(path, &found) != 0) {
        doctor_found(findings, LIGHT_BAD, "put it back from where the key ceremony keeps it",
                     "%s: %.300s: is not there", option, path);
        return;
    }
    if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)snprintf(next, sizeof(next),
                       "chmod 600 %.200s; whoever could read it may have it: "
                       "think of a new key",
                       path);
        doctor_found(findings, LIGHT_BAD, next,
                     "%s: %.300s has mode %04o: a secret is for its "
                     "owner only",
                     option, path, (unsigned)(found.st_mode & 07777));
    }
    if (is_credential(doctor, option)) {
        return; /* the service manager's, which is root */
    }
    if (owner_of_store(doctor, &owner) && owner != found.st_uid) {
        (void)snprintf(next, sizeof(next), "chown %u %.200s", (unsigned)owner, path);
        doctor_found(findings, LIGHT_BAD, next, "%s: %.300s belongs to uid %u, the store to uid %u",
                     option, path, (unsigned)found.st_uid, (unsigned)owner);
    }
}

static void check_public(const char *path, struct findings *findings)
{
    char next[NEXT_BYTES];
    struct stat found;

    if (stat(path, &found) != 0) {
        return; /* whether it must be there says the configuration's check */
    }
    if ((found.st_mode & S_IWOTH) != 0) {
        (void)snprintf(next, sizeof(next), "chmod o-w %.200s; look at what it says", path);
        doctor_found(findings, LIGHT_BAD, next, "%.300s has mode %04o: everybody may change it",
                     path, (unsigned)(found.st_mode & 07777));
    }
}

static void check_folder_of(const char *path, struct findings *findings)
{
    char folder[HOST_PATH_BYTES];
    char *slash;

    text_copy(folder, sizeof(folder), path);
    slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        check_public(folder, findings);
    }
}

void check_rights(const struct doctor *doctor, struct findings *findings)
{
    char path[HOST_PATH_BYTES];

    for (size_t i = 0; i < sizeof(secret_options) / sizeof(secret_options[0]); i++) {
        check_secret(doctor, secret_options[i], findings);
    }
    check_public(doctor->config.path, findings);
    check_folder_of(doctor->config.path, findings);
    for (size_t i = 0; i < sizeof(public_options) / sizeof(public_options[0]); i++) {
        if (path_of(doctor, public_options[i], path)) {
            check_public(path, findings);
        }
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL,
                     "secrets are for their owner only, the rest is not writable by everybody");
    }
}

/* --- certificates and keys --- */

/* 30, 14, 7 working days: a notice, a hurry, bad. */
static void judge_expiry(const struct doctor *doctor, const char *what, uint64_t until_ms,
                         const char *next, struct findings *findings)
{
    uint64_t days = doctor_working_days(doctor, until_ms);
    char until[INSTANT_TEXT_BYTES];

    output_instant(until_ms - 1, until); /* a key ends with the midnight behind its last day */
    if (until_ms <= doctor->wall_ms) {
        doctor_found(findings, LIGHT_BAD, next, "%.250s ended %.10s: nobody takes it any more",
                     what, until);
    } else if (days <= KEY_EXPIRY_NOTICE) {
        doctor_found(findings, days <= KEY_EXPIRY_BAD ? LIGHT_BAD : LIGHT_WARN, next,
                     "%.250s ends %.10s: %" PRIu64 " working days%s", what, until, days,
                     days <= KEY_EXPIRY_HURRY ? ": hurry" : "");
    } else {
        doctor_found(findings, LIGHT_GOOD, NULL, "%.250s until %.10s: %" PRIu64 " working days",
                     what, until, days);
    }
}

typedef enum err (*expiry_fn)(const char *name, struct span pem, uint64_t *ret_ms,
                              struct fault *fault);

static void check_pem(const struct doctor *doctor, const char *option, expiry_fn expiry,
                      struct findings *findings)
{
    char path[HOST_PATH_BYTES];
    struct fault fault = {.code = ""};
    uint64_t until_ms = 0;
    struct buf pem;
    enum err error;

    if (!path_of(doctor, option, path)) {
        return;
    }
    buf_init(&pem, CERTIFICATE_BYTES);
    error = file_read(path, &pem, &fault);
    if (error == OK) {
        error = expiry(path, span_buf(&pem), &until_ms, &fault);
    }
    buf_free(&pem);
    if (error != OK) {
        doctor_found(findings, LIGHT_BAD, next_of(&fault), "%s: %s: %s", option, fault.place,
                     fault.message);
        return;
    }
    if (until_ms != UINT64_MAX) {
        judge_expiry(doctor, path, until_ms,
                     "have the authority issue the next one, install it, reload the daemon",
                     findings);
    }
}

static void check_pair(const struct doctor *doctor, const char *certificate_option,
                       const char *key_option, struct findings *findings)
{
    char certificate[HOST_PATH_BYTES], key[HOST_PATH_BYTES];
    const struct certificate_files files = {certificate, key};
    struct fault fault = {.code = ""};
    uint64_t until_ms = 0;

    if (path_of(doctor, certificate_option, certificate) && path_of(doctor, key_option, key) &&
        access(key, R_OK) == 0 && access(certificate, R_OK) == 0 &&
        certificate_files_check(&files, &until_ms, &fault) == ERR_INVALID) {
        doctor_found(findings, LIGHT_BAD,
                     "the certificate must be issued for this key: install both of one pair",
                     "%s: %s", fault.place, fault.message);
    }
}

void check_certificates(const struct doctor *doctor, struct findings *findings)
{
    check_pem(doctor, "tls-certificate", certificate_expiry_ms, findings);
    check_pem(doctor, "tls-authority", certificate_expiry_ms, findings);
    check_pem(doctor, "web-certificate", certificate_expiry_ms, findings);
    check_pem(doctor, "tls-crl", revocations_expiry_ms, findings);
    check_pair(doctor, "tls-certificate", "tls-key", findings);
    check_pair(doctor, "web-certificate", "web-key", findings);
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "none is configured");
    }
}

static const char *const use_words[KEY_USE_COUNT] = {"signing", "sealing", "TLS", "root"};

static void judge_keys(const struct doctor *doctor, const struct keyring *keyring,
                       struct findings *findings)
{
    const char *self = host_config_text(&doctor->config, "agency");
    size_t known = 0;

    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *key = keyring_entry(keyring, i);
        char what[128];

        known++;
        if (!key_is_last(keyring, key) || (doctor->agent && strcmp(key->owner, self) != 0) ||
            doctor_working_days(doctor, key->to_ms) > KEY_EXPIRY_NOTICE) {
            continue;
        }
        (void)snprintf(what, sizeof(what), "the %s key of %s", use_words[key->use], key->owner);
        judge_expiry(doctor, what, key->to_ms,
                     "make its next key, have the registry signed with it, publish that", findings);
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL,
                     "%zu public keys; none ends within %u working days", known, KEY_EXPIRY_NOTICE);
    }
}

void check_keys(const struct doctor *doctor, struct findings *findings)
{
    char path[HOST_PATH_BYTES];
    struct keyring *keyring = NULL;
    struct fault fault = {.code = ""};

    if (!host_config_path(&doctor->config, "public-keys", path)) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: no public-keys is configured");
        return;
    }
    if (keyring_load(path, &keyring, &fault) != OK) {
        doctor_found(findings, LIGHT_BAD, next_of(&fault), "%s: %s", fault.place, fault.message);
        return;
    }
    judge_keys(doctor, keyring, findings);
    keyring_free(keyring);
}

/* --- disk and store --- */

/* The nearest folder above that is there: a store may not be made yet. */
static bool nearest_folder(char path[HOST_PATH_BYTES])
{
    while (access(path, F_OK) != 0) { /* as often as the path has folders */
        char *slash = strrchr(path, '/');

        if (slash == NULL || slash == path) {
            return false;
        }
        *slash = '\0';
    }
    return true;
}

static void check_disk_of(const struct doctor *doctor, const char *path, struct findings *findings)
{
    struct statvfs disk;
    uint64_t all, used_percent, free_mib;

    if (statvfs(path, &disk) != 0) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: %.300s", path);
        return;
    }
    all = disk.f_blocks - disk.f_bfree + disk.f_bavail;
    used_percent = all > 0 ? 100 - disk.f_bavail * 100 / all : 0;
    free_mib = disk.f_bavail * disk.f_frsize / (1024 * 1024);
    if (used_percent >= doctor->disk_percent) {
        doctor_found(findings, used_percent >= DISK_BAD ? LIGHT_BAD : LIGHT_WARN,
                     "make room: docs/operations.md, \"A disk or the store is full\"",
                     "the disk of %.250s is %" PRIu64 " %% full, %" PRIu64 " MiB are free", path,
                     used_percent, free_mib);
    } else if (disk.f_files > 0 && disk.f_favail * 100 / disk.f_files < 100 - DISK_BAD) {
        doctor_found(findings, LIGHT_WARN, "remove files of others from this disk",
                     "the disk of %.250s has no more than %" PRIu64 " free inodes", path,
                     (uint64_t)disk.f_favail);
    } else {
        doctor_found(findings, LIGHT_GOOD, NULL,
                     "the disk of %.250s is %" PRIu64 " %% full, %" PRIu64 " MiB are free", path,
                     used_percent, free_mib);
    }
}

void check_disk(const struct doctor *doctor, struct findings *findings)
{
    char store[HOST_PATH_BYTES], attachments[HOST_PATH_BYTES];
    struct stat one, other;

    if (!host_config_path(&doctor->config, "store", store) || !nearest_folder(store)) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: no store is configured");
        return;
    }
    check_disk_of(doctor, store, findings);
    if (host_config_path(&doctor->config, "attachments", attachments) &&
        nearest_folder(attachments) && stat(store, &one) == 0 && stat(attachments, &other) == 0 &&
        one.st_dev != other.st_dev) {
        check_disk_of(doctor, attachments, findings);
    }
}

void check_store(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = json_root(doctor->status), accepts = json_member(&root, "accepts");
    uint64_t percent = value_u64(&root, "store_percent");
    bool full =
        json_absent(&accepts) ? percent >= LIMIT_STORE_PERCENT : !value_bool(&root, "accepts");
    const char *next = "give it a larger `store-mib` and restart";

    if (full && percent < LIMIT_STORE_PERCENT) {
        doctor_found(findings, LIGHT_BAD, "free space on its disk",
                     "the store has no room on its disk: new messages are refused");
    } else if (full) {
        doctor_found(findings, LIGHT_BAD, next,
                     "the store is full (%" PRIu64 " %%): new messages are refused", percent);
    } else if (percent >= STORE_WARN) {
        doctor_found(findings, LIGHT_WARN, next,
                     "the store is %" PRIu64 " %% full; above %u %% new messages are refused",
                     percent, LIMIT_STORE_PERCENT);
    } else {
        doctor_found(findings, LIGHT_GOOD, NULL, "the store is %" PRIu64 " %% full", percent);
    }
}

/* --- calendar --- */

void check_calendar_files(const struct doctor *doctor, struct findings *findings)
{
    char folder[HOST_PATH_BYTES], next[NEXT_BYTES];
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    int32_t today = civil_day_at(doctor_now_ms(doctor)), missing;

    if (!host_config_path(&doctor->config, "calendars", folder)) {
        return;
    }
    if (calendar_folder_load(folder, &calendar, &fault) != OK) {
        doctor_found(findings, LIGHT_BAD, next_of(&fault), "%s: %s", fault.place, fault.message);
        return;
    }
    missing = calendar_missing_year(calendar, today);
    if (missing != 0) {
        (void)snprintf(next, sizeof(next),
                       "`referralctl calendar import %" PRId32 ".json`, then "
                       "reload the broker and all agents",
                       missing);
        doctor_found(findings, missing == civil_date_of(today).year ? LIGHT_BAD : LIGHT_WARN, next,
                     "the holiday notice of %" PRId32 " is missing in %.200s", missing, folder);
    } else {
        doctor_found(findings, LIGHT_GOOD, NULL, "%s in %.200s misses no notice",
                     calendar_version(calendar), folder);
    }
    calendar_free(calendar);
}

/* --- addresses --- */

static enum err connect_to(const struct addrinfo *found)
{
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t len = sizeof(failure);
    enum err error = OK;

    if (fd < 0) {
        return ERR_IO;
    }
    if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        error = poll(&ready, 1, CONNECT_MS) != 1 ? ERR_TIMEOUT
                : getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0 || failure != 0
                    ? ERR_UNREACHABLE
                    : OK;
    }
    (void)close(fd);
    return error;
}

enum err doctor_connect(const char *url)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    const char *host = strstr(url, "://"), *port = strrchr(url, ':');
    char name[256];
    struct addrinfo *found = NULL;
    enum err error;

    if (host == NULL || port == NULL || port <= host + 3 || port - host - 3 >= 256) {
        return ERR_INVALID;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)(port - host - 3), host + 3);
    if (name[0] == '[') { /* [::1] */
        memmove(name, name + 1, strlen(name));
        name[strcspn(name, "]")] = '\0';
    }
    if (strcmp(name, "0.0.0.0") == 0 || strcmp(name, "::") == 0) { /* all of this host's */
        text_copy(name, sizeof(name), name[0] == '0' ? "127.0.0.1" : "::1");
    }
    if (getaddrinfo(name, port + 1, &wanted, &found) != 0) {
        return ERR_NOT_FOUND;
    }
    error = connect_to(found);
    freeaddrinfo(found);
    return error;
}

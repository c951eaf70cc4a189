/* Checks of a broker by what it answers, and the table of all its checks. See doctor.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#include "cli/call.h"
#include "cli/doctor.h"

#define LISTENERS_MAX 4u
#define HOUR_MS       (UINT64_C(3600) * 1000)
#define DAY_MS        (24 * HOUR_MS)
#define WITNESS_WARN  DAY_MS /* an agent countersigns each minute that it is up */
#define WITNESS_BAD   (7 * DAY_MS)
#define QUEUE_WARN    DAY_MS
#define QUEUE_BAD     (3 * DAY_MS)
#define BACKUP_WARN   (36 * HOUR_MS) /* a night's backup was left out */
#define BACKUP_BAD    (72 * HOUR_MS)
#define STANDBY_WARN  (UINT64_C(60) * 1000)
#define STANDBY_BAD   HOUR_MS

static uint64_t age_of(uint64_t since_ms, uint64_t now_ms)
{
    return now_ms > since_ms ? now_ms - since_ms : 0;
}

static enum light light_of(uint64_t age_ms, uint64_t warn_ms, uint64_t bad_ms)
{
    return age_ms >= bad_ms ? LIGHT_BAD : age_ms >= warn_ms ? LIGHT_WARN : LIGHT_GOOD;
}

/* Says so where nothing was found. */
static void found_nothing(struct findings *findings, const char *good)
{
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "%s", good);
    }
}

/* --- port --- */

static void check_listener(const struct doctor *doctor, const char *url, struct findings *findings)
{
    enum err error = doctor_connect(url);
    bool open = error == OK, up = doctor->status != NULL;

    if (open && up) {
        doctor_found(findings, LIGHT_GOOD, NULL, "%.250s takes connections", url);
    } else if (open) {
        doctor_found(findings, LIGHT_BAD, "`ss -ltnp` names it: end it, or listen elsewhere",
                     "%.250s is held by another program", url);
    } else if (error == ERR_TIMEOUT) {
        doctor_found(findings, LIGHT_BAD, "look at the firewall of this host",
                     "%.250s does not answer", url);
    } else if (error == ERR_NOT_FOUND) {
        doctor_found(findings, LIGHT_BAD, "correct `listen` in the configuration",
                     "%.250s: there is no such address", url);
    } else {
        doctor_found(findings, LIGHT_BAD,
                     up ? "it was changed since the broker started: restart it"
                        : "it opens when the broker starts: see `reach`",
                     "nobody listens at %.250s", url);
    }
}

static void check_port(const struct doctor *doctor, struct findings *findings)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        const char *url = host_config_item(&doctor->config, "listen", i);

        if (strstr(url, "tcp://") != NULL) {
            check_listener(doctor, url, findings);
        }
    }
    found_nothing(findings, "no address of the network is configured");
}

/* --- calendar, clock --- */

static void check_calendar(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root;
    uint64_t missing;

    check_calendar_files(doctor, findings);
    if (doctor->status == NULL) {
        if (findings->count == 0) {
            doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: neither broker nor folder");
        }
        return;
    }
    root = json_root(doctor->status);
    missing = value_u64(&root, "calendar_missing");
    if (doctor->calendar != NULL &&
        strcmp(value_text(&root, "calendar"), calendar_version(doctor->calendar)) != 0) {
        doctor_found(findings, LIGHT_WARN, "reload the broker: it takes the folder anew",
                     "the broker counts by %s, the folder has %s", value_text(&root, "calendar"),
                     calendar_version(doctor->calendar));
    } else if (doctor->calendar == NULL && missing != 0) {
        doctor_found(findings, LIGHT_WARN, "`referralctl calendar import FILE.json`, then reload",
                     "the holiday notice of %" PRIu64 " is missing", missing);
    }
    if (value_bool(&root, "redating")) {
        doctor_found(findings, LIGHT_GOOD, NULL, "windows are being dated anew");
    }
    found_nothing(findings, "the broker misses no holiday notice");
}

static const struct {
    const char *held;
    enum light light;
    const char *evidence, *next;
} holds[] = {
    {"none", LIGHT_GOOD, "confirmed; rungs are raised in time", NULL},
    {"wait", LIGHT_GOOD, "confirmed; rungs begin ten minutes after the start, by themselves", NULL},
    {"start", LIGHT_WARN, "held since the start: rungs wait until three agencies' times agree",
     "compare `date` with a clock that is right, then `referralctl clock confirm`"},
    {"jump", LIGHT_BAD, "held: the wall clock jumped, rungs wait",
     "compare `date` with a clock that is right, correct it, then `referralctl clock confirm`"},
    {"ahead", LIGHT_BAD, "held: broker time is ahead of the wall clock, rungs wait",
     "if the wall clock is right: `referralctl clock reset`"},
};

/* Whether a time service steers this machine's clock, as far as the kernel knows. */
static const char *synchronised(void)
{
    struct timex kernel = {.modes = 0};

    return adjtimex(&kernel) == TIME_ERROR || (kernel.status & STA_UNSYNC) != 0
               ? "; no time service steers this host's clock"
               : "";
}

static void check_clock(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = json_root(doctor->status), clock = json_member(&root, "clock");
    const char *held = value_text(&clock, "held");

    for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
        if (strcmp(held, holds[i].held) == 0) {
            doctor_found(findings, holds[i].light, holds[i].next, "%s%s", holds[i].evidence,
                         synchronised());
            return;
        }
    }
    doctor_found(findings, LIGHT_BAD, "`referralctl clock show`", "held: %s", held);
}

/* --- agencies, witnesses, queues --- */

static struct json_value rows_of(struct json *json, const char *name)
{
    struct json_value root = {.node = NULL};

    if (json == NULL) {
        return root;
    }
    root = json_root(json);
    return json_member(&root, name);
}

static void check_agencies(const struct doctor *doctor, struct findings *findings)
{
    struct json_value rows = rows_of(doctor->agencies, "agencies");
    char words[LIGHT_WORDS_BYTES], next[NEXT_BYTES];

    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        enum light light = light_agency(&row, doctor_now_ms(doctor), words);

        if (light == LIGHT_GOOD) {
            continue;
        }
        (void)snprintf(next, sizeof(next),
                       strcmp(words, "suspended") == 0
                           ? "`referralctl agency resume %s --reason TEXT` when it is time"
                           : "on its host: `referralctl agent doctor`; `referralctl ping %s`",
                       value_text(&row, "id"));
        doctor_found(findings, light, next, "%s %s: %s", value_text(&row, "id"),
                     value_text(&row, "name_zh"), words);
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "%zu agencies, all up", json_count(&rows));
    }
}

static void judge_witness(const struct json_value *row, uint64_t log_size, uint64_t now_ms,
                          struct findings *findings)
{
    uint64_t size = value_u64(row, "witnessed_size"), at_ms = value_u64(row, "witnessed_ms");
    uint64_t behind = log_size > size ? log_size - size : 0;
    enum light light = light_of(age_of(at_ms, now_ms), WITNESS_WARN, WITNESS_BAD);
    char age[LIGHT_AGE_BYTES];

    if (size == 0) {
        doctor_found(findings, LIGHT_WARN, "it does when its agent runs and is connected",
                     "%s has never confirmed a checkpoint", value_text(row, "id"));
    } else if (behind > 0 && light != LIGHT_GOOD) {
        light_age(age_of(at_ms, now_ms), age);
        doctor_found(findings, light, "on its host: `referralctl agent doctor --only trust`",
                     "%s confirmed %" PRIu64 " leaves last, of %s ago: %" PRIu64 " behind",
                     value_text(row, "id"), size, age, behind);
    }
}

static void check_witnesses(const struct doctor *doctor, struct findings *findings)
{
    struct json_value rows = rows_of(doctor->agencies, "agencies");
    struct json_value root = json_root(doctor->status), log = json_member(&root, "log");
    uint64_t size = value_u64(&log, "size");

    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        if (strcmp(value_text(&row, "state"), "left") != 0) {
            judge_witness(&row, size, doctor_now_ms(doctor), findings);
        }
    }
    if (findings->count == 0) {
        doctor_found(
            findings, LIGHT_GOOD, NULL,
            "every agency confirmed a checkpoint of the last day, or all %" PRIu64 " leaves", size);
    }
}

static void check_queues(const struct doctor *doctor, struct findings *findings)
{
    struct json_value rows = rows_of(doctor->agencies, "agencies");
    uint64_t now_ms = doctor_now_ms(doctor), waiting = 0;

    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        uint64_t age_ms = age_of(value_u64(&row, "oldest_ms"), now_ms);
        enum light light =
            value_u64(&row, "waiting") > 0 ? light_of(age_ms, QUEUE_WARN, QUEUE_BAD) : LIGHT_GOOD;
        char age[LIGHT_AGE_BYTES];

        waiting += value_u64(&row, "waiting");
        if (light != LIGHT_GOOD) {
            light_age(age_ms, age);
            doctor_found(findings, light, "see `agencies`; `referralctl queue` has the ages",
                         "%" PRIu64 " messages wait for %s, the oldest for %s",
                         value_u64(&row, "waiting"), value_text(&row, "id"), age);
        }
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "%" PRIu64 " messages wait, none for a day",
                     waiting);
    }
}

static void check_dead(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = json_root(doctor->status);
    uint64_t dead = value_u64(&root, "dead");

    if (dead > 0) {
        doctor_found(findings, LIGHT_WARN, "`referralctl dead ls`; each has its own next step",
                     "%" PRIu64 " messages will not reach their receiver by themselves", dead);
    }
    found_nothing(findings, "no message is a dead letter");
}

/* --- backup, standby --- */

/* `how`: the command that makes one. */
static void judge_backup(const struct json_value *backup, const char *how, uint64_t now_ms,
                         struct findings *findings)
{
    struct json_value last = json_member(backup, "last"), failure = json_member(backup, "failure");
    uint64_t made_ms = value_u64(&last, "made_ms");
    enum light light = light_of(age_of(made_ms, now_ms), BACKUP_WARN, BACKUP_BAD);
    char age[LIGHT_AGE_BYTES], next[NEXT_BYTES];

    light_age(age_of(made_ms, now_ms), age);
    (void)snprintf(next, sizeof(next), "`referralctl %s`, and its timer each night", how);
    if (made_ms == 0) {
        doctor_found(findings, LIGHT_WARN, next, "there is no backup yet in %s",
                     value_text(backup, "folder"));
    } else {
        doctor_found(findings, light, light != LIGHT_GOOD ? next : NULL,
                     "the last one is %s old: %s", age, value_text(&last, "file"));
    }
    if (!json_absent(&failure)) {
        doctor_found(findings, LIGHT_BAD,
                     value_text(&failure, "hint")[0] != '\0' ? value_text(&failure, "hint") : next,
                     "%" PRIu64 " tries failed: %s: %s", value_u64(backup, "failures"),
                     value_text(&failure, "place"), value_text(&failure, "message"));
    }
}

void check_backup(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = json_root(doctor->status), backup = json_member(&root, "backup");
    bool of_agent = strcmp(value_text(&root, "daemon"), "agent") == 0;

    if (json_absent(&backup) || value_text(&backup, "folder")[0] == '\0') {
        doctor_found(findings, value_bool(&root, "laboratory") ? LIGHT_GOOD : LIGHT_WARN,
                     value_bool(&root, "laboratory") ? NULL
                                                     : "set `backup-folder` and `recovery-key`",
                     "no folder for backups is configured");
        return;
    }
    judge_backup(&backup, of_agent ? "agent backup" : "backup", doctor->wall_ms, findings);
}

/* As the broker sees it that is followed. */
static void judge_followed(const struct json_value *standby, struct findings *findings)
{
    const char *state = value_text(standby, "state");
    uint64_t behind_ms = value_u64(standby, "behind_ms");
    enum light light = light_of(behind_ms, STANDBY_WARN, STANDBY_BAD);
    char age[LIGHT_AGE_BYTES];

    light_age(behind_ms, age);
    if (strcmp(state, "never") == 0 || strcmp(state, "away") == 0) {
        doctor_found(findings, LIGHT_BAD,
                     "on its host: `referralctl doctor --only standby`; is its way here open?",
                     "the standby is not there (%s)", state);
    } else {
        doctor_found(findings, light,
                     light != LIGHT_GOOD ? "on its host: `referralctl doctor --only standby`"
                                         : NULL,
                     "%s: %" PRIu64 " transactions behind, since %s", state,
                     value_u64(standby, "behind_transactions"), age);
    }
}

/* As it says itself, on its own host. */
static void judge_standby(const struct doctor *doctor, const struct json_value *standby,
                          struct findings *findings)
{
    uint64_t behind = value_u64(standby, "behind_leaves");
    uint64_t age_ms = age_of(value_u64(standby, "level_ms"), doctor->wall_ms);
    enum light light = behind > 0 ? light_of(age_ms, STANDBY_WARN, STANDBY_BAD) : LIGHT_GOOD;
    const char *hint = value_text(standby, "hint");
    char age[LIGHT_AGE_BYTES];

    if (value_text(standby, "code")[0] != '\0') {
        doctor_found(findings, LIGHT_BAD,
                     hint[0] != '\0' ? hint : "is the way to the broker's socket open?",
                     "%s: %.350s", value_text(standby, "state"), value_text(standby, "message"));
        return;
    }
    light_age(age_ms, age);
    doctor_found(findings, light,
                 light != LIGHT_GOOD ? "is the broker up, and the way to its socket open?" : NULL,
                 "%s: the copy is %" PRIu64 " leaves behind, level %s ago",
                 value_text(standby, "state"), behind, age);
}

static void check_standby(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = json_root(doctor->status), standby = json_member(&root, "standby");

    if (json_absent(&standby)) {
        doctor_found(findings, LIGHT_GOOD, NULL, "none is configured");
    } else if (strcmp(value_text(&root, "daemon"), "standby") == 0) {
        judge_standby(doctor, &standby, findings);
    } else {
        judge_followed(&standby, findings);
    }
}

const struct check broker_checks[] = {
    {"reach", "the broker answers on its socket", NEEDS_NOTHING, check_reach},
    {"configuration", "the file and all that it names", NEEDS_NOTHING, check_configuration},
    {"port", "the addresses that it listens on", NEEDS_CONFIG, check_port},
    {"rights", "who may read secrets, and change files", NEEDS_CONFIG, check_rights},
    {"keys", "public keys that end", NEEDS_CONFIG, check_keys},
    {"certificates", "certificates that end", NEEDS_CONFIG, check_certificates},
    {"calendar", "holiday notices, and which calendar counts", NEEDS_NOTHING, check_calendar},
    {"clock", "whether rungs wait for it", NEEDS_BROKER, check_clock},
    {"disk", "room on the disks of store and attachments", NEEDS_CONFIG, check_disk},
    {"store", "room in the store", NEEDS_BROKER, check_store},
    {"agencies", "agencies that are silent or suspended", NEEDS_BROKER, check_agencies},
    {"witnesses", "the last checkpoint that each agency confirmed", NEEDS_BROKER, check_witnesses},
    {"queues", "messages that wait for days", NEEDS_BROKER, check_queues},
    {"dead", "messages that will not arrive", NEEDS_BROKER, check_dead},
    {"backup", "the age of the last backup", NEEDS_BROKER, check_backup},
    {"standby", "how far its copy is behind", NEEDS_DAEMON, check_standby},
    {.name = NULL},
};

/* Checks of an agency's agent by what it answers, and the table of all its checks. See doctor.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/doctor.h"
#include "model/instant_text.h"

#define OFFSET_WARN_MS (UINT64_C(60) * 1000)
#define OFFSET_BAD_MS  (UINT64_C(300) * 1000) /* the broker holds its clock from there on */

static struct json_value root_of(const struct doctor *doctor)
{
    return json_root(doctor->status);
}

static void check_connection(const struct doctor *doctor, struct findings *findings)
{
    const struct json_value none = {.node = NULL};
    struct json_value root = doctor->status != NULL ? root_of(doctor) : none;
    const char *url = host_config_text(&doctor->config, "broker");
    enum err error;

    if (value_bool(&root, "connected")) {
        doctor_found(findings, LIGHT_GOOD, NULL, "connected to %.250s",
                     value_text(&root, "broker_url"));
        return;
    }
    if (value_text(&root, "broker_url")[0] != '\0') {
        url = value_text(&root, "broker_url");
        doctor_found(
            findings, LIGHT_BAD,
            "docs/operations.md, \"The agent does not connect\": what openssl s_client says",
            "not connected since %s; messages wait here and leave later",
            value_text(&root, "not_connected_since"));
    }
    if (strstr(url, "tcp://") == NULL) {
        return;
    }
    error = doctor_connect(url);
    doctor_found(findings, error == OK ? LIGHT_GOOD : LIGHT_BAD,
                 error == OK ? NULL
                 : error == ERR_NOT_FOUND
                     ? "correct `broker` in the configuration, or the names of this host"
                     : "is it the right address; is the broker up (`referralctl doctor` there); "
                       "a firewall between?",
                 error == OK              ? "%.250s takes connections from here"
                 : error == ERR_NOT_FOUND ? "%.250s: there is no such address"
                 : error == ERR_TIMEOUT   ? "%.250s does not answer"
                                          : "nobody listens at %.250s",
                 url);
}

static void check_connection_known(const struct doctor *doctor, struct findings *findings)
{
    check_connection(doctor, findings);
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: the agent is not reached");
    }
}

static void check_trust(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = root_of(doctor);
    const char *alarm = value_text(&root, "alarm"), *evidence = value_text(&root, "evidence");
    struct json_value distrust = json_member(&root, "distrust");

    if (alarm[0] != '\0') {
        doctor_found(findings, LIGHT_BAD,
                     value_bool(&distrust, "lasts")
                         ? "tell the broker's administrators and the other agencies; keep this "
                           "store; nothing goes on until `referralctl agent distrust clear`"
                         : "tell the broker's administrators and the other agencies; keep this "
                           "store",
                     "ALARM: %.350s", alarm);
    }
    if (evidence[0] != '\0') {
        doctor_found(
            findings, LIGHT_WARN,
            "`referralctl evidence verify FILE` says what it proves; when it was dealt with, "
            "move it away and restart the agent",
            "the broker was caught, and this is kept: %.350s", evidence);
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "the broker's log extends all that was seen here");
    }
}

static void check_registry(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = root_of(doctor);

    if (!value_bool(&root, "connected")) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: not connected");
    } else if (value_bool(&root, "registry_matches")) {
        doctor_found(findings, LIGHT_GOOD, NULL, "the broker uses the same registry");
    } else {
        doctor_found(findings, LIGHT_BAD, "install the city's agencies.yaml here, then restart",
                     "the broker uses another registry");
    }
}

/* Agencies are switched off at night; those that are up confirm each other within minutes. */
static void check_quorum(const struct json_value *root, struct findings *findings)
{
    struct json_value confirmed = json_member(root, "confirmed");
    uint64_t needed = value_u64(&confirmed, "needed"), size = value_u64(&confirmed, "size");

    if (needed > 0 && value_bool(&confirmed, "late")) {
        doctor_found(findings, LIGHT_WARN,
                     "compare the checkpoint of `referralctl agent status` with other agencies by "
                     "telephone",
                     "since %s less than %" PRIu64 " agencies confirm the log seen here: %" PRIu64
                     " have countersigned, %" PRIu64 " leaves are confirmed",
                     value_text(&confirmed, "awaited_since"), needed,
                     value_u64(&confirmed, "agencies"), size);
    } else if (needed > 0) {
        doctor_found(findings, LIGHT_GOOD, NULL,
                     "%" PRIu64 " leaves are confirmed by %" PRIu64 " agencies", size, needed);
    }
}

static void check_witness(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = root_of(doctor), checkpoint = json_member(&root, "checkpoint");
    uint64_t size = value_u64(&checkpoint, "size"), witnessed = value_u64(&root, "witnessed");

    if (size == 0) {
        doctor_found(findings, LIGHT_WARN, "it comes with the first connection",
                     "no checkpoint of the broker was seen yet");
    } else {
        doctor_found(findings, LIGHT_GOOD, NULL,
                     "the newest checkpoint seen has %" PRIu64 " leaves, of %s; %" PRIu64
                     " are countersigned",
                     size, value_text(&checkpoint, "time"), witnessed);
    }
    check_quorum(&root, findings);
}

static void check_calendar(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root;

    check_calendar_files(doctor, findings);
    if (doctor->status != NULL) {
        root = root_of(doctor);
        if (value_text(&root, "calendar_fault")[0] != '\0') {
            doctor_found(findings, LIGHT_BAD, "mend it, then `referralctl agent reload`",
                         "the agent did not take the folder: %.300s",
                         value_text(&root, "calendar_fault"));
        }
        if (strcmp(value_text(&root, "calendar_state"), "behind") == 0) {
            doctor_found(findings, LIGHT_WARN, "install its files, then `referralctl agent reload`",
                         "the broker counts by %s, which is not here",
                         value_text(&root, "broker_calendar"));
        }
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: neither agent nor folder");
    }
}

static void check_clock(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = root_of(doctor);
    uint64_t own_ms = 0, broker_ms = 0, offset_ms;

    if (!value_bool(&root, "connected") ||
        instant_parse(value_text(&root, "time"), &own_ms) != OK ||
        instant_parse(value_text(&root, "broker_time"), &broker_ms) != OK) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL,
                     "not known: the broker's time did not come yet");
        return;
    }
    /* The broker's word is up to a long poll old; a difference beyond that is one of the clocks. */
    offset_ms = own_ms > broker_ms ? own_ms - broker_ms : broker_ms - own_ms;
    if (offset_ms >= OFFSET_WARN_MS) {
        doctor_found(findings, offset_ms >= OFFSET_BAD_MS ? LIGHT_BAD : LIGHT_WARN,
                     "compare `date` on both hosts with a clock that is right; correct the other",
                     "this host's clock differs from the broker's by %" PRIu64 " s",
                     offset_ms / 1000);
    } else if (value_bool(&root, "clock_held")) {
        doctor_found(findings, LIGHT_WARN, "the broker's administrators: `referralctl clock show`",
                     "the broker's clock is held: reminders and escalations wait");
    } else {
        doctor_found(findings, LIGHT_GOOD, NULL, "within a minute of the broker's");
    }
}

/* --- notices and outbox --- */

static void judge_channel(const struct json_value *channel, struct findings *findings)
{
    const char *name = value_text(channel, "channel");
    uint64_t failures = value_u64(channel, "failures"), dead = value_u64(channel, "dead");
    const char *last = value_text(channel, "last_ok");
    char next[NEXT_BYTES];

    if (failures > 0) {
        (void)snprintf(next, sizeof(next), "`referralctl agent notify test %.64s`", name);
        doctor_found(findings, LIGHT_WARN, next,
                     "%.64s: %" PRIu64 " failures in a row, %" PRIu64 " wait: %.200s", name,
                     failures, value_u64(channel, "waiting"), value_text(channel, "reason"));
    }
    if (dead > 0) {
        doctor_found(findings, LIGHT_WARN, "`referralctl agent notify dead`",
                     "%.64s: %" PRIu64 " notices were given up", name, dead);
    }
    if (failures == 0 && dead == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "%.64s: last success %s", name,
                     last[0] != '\0' ? last : "none yet");
    }
}

static void check_notices(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = root_of(doctor), channels = json_member(&root, "channels");

    for (size_t i = 0; i < json_count(&channels); i++) {
        struct json_value channel = json_item(&channels, i);

        judge_channel(&channel, findings);
    }
    if (findings->count == 0) {
        doctor_found(findings, LIGHT_GOOD, NULL, "no channel is configured: officers must look");
    }
}

static void check_outbox(const struct doctor *doctor, struct findings *findings)
{
    struct json_value root = root_of(doctor), outbox = json_member(&root, "outbox");
    uint64_t waiting = value_u64(&outbox, "waiting");
    bool stuck = waiting > 0 && value_bool(&root, "connected");

    doctor_found(findings, stuck ? LIGHT_WARN : LIGHT_GOOD,
                 stuck ? "`referralctl agent outbox` says why each waits" : NULL,
                 "%" PRIu64 " messages wait to leave%s", waiting,
                 stuck ? ", though the broker is there" : "");
}

const struct check agent_checks[] = {
    {"reach", "the agent answers on its socket", NEEDS_NOTHING, check_reach},
    {"configuration", "the file and all that it names", NEEDS_NOTHING, check_configuration},
    {"connection", "the way to the broker", NEEDS_NOTHING, check_connection_known},
    {"trust", "whether the broker's log is believed", NEEDS_DAEMON, check_trust},
    {"registry", "the same agencies as at the broker", NEEDS_DAEMON, check_registry},
    {"rights", "who may read secrets, and change files", NEEDS_CONFIG, check_rights},
    {"keys", "own public keys that end", NEEDS_CONFIG, check_keys},
    {"certificates", "certificates that end", NEEDS_CONFIG, check_certificates},
    {"calendar", "holiday notices, and which calendar counts", NEEDS_NOTHING, check_calendar},
    {"clock", "the difference from the broker's", NEEDS_DAEMON, check_clock},
    {"disk", "room on the disks of store and attachments", NEEDS_CONFIG, check_disk},
    {"store", "room in the store", NEEDS_DAEMON, check_store},
    {"witness", "the newest checkpoint seen and countersigned", NEEDS_DAEMON, check_witness},
    {"notices", "channels that fail", NEEDS_DAEMON, check_notices},
    {"backup", "the age of the last backup", NEEDS_DAEMON, check_backup},
    {"outbox", "messages that wait though the broker is there", NEEDS_DAEMON, check_outbox},
    {.name = NULL},
};

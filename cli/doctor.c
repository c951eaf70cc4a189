/* Runs the tables of checks and says what they found. See doctor.h. */
#include "cli/doctor.h"

#include <assert.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "cli/call.h"
#include "cli/input.h"
#include "cli/screen.h"
#include "io/calendar_folder.h"
#include "io/clock.h"
#include "io/local.h"

#define ASK_MS        4000u
#define CHECKS_MAX    32u
#define DISK_PERCENT  85u
#define WEEK_DAYS     7u
#define WORKING_DAYS  5u
#define DAY_MS        UINT64_C(86400000)
#define BROKER_CONFIG "/etc/referral/broker.yaml"
#define AGENT_CONFIG  "/etc/referral/agent.yaml"
#define AGENT_CONFIGS "/etc/referral/agent-*.yaml"

void doctor_found(struct findings *findings, enum light light, const char *next, const char *fmt,
                  ...)
{
    struct finding *row = &findings->rows[findings->count];
    va_list args;

    if (findings->count == FINDINGS_MAX) {
        findings->left_out++;
        return;
    }
    row->light = light;
    va_start(args, fmt);
    (void)vsnprintf(row->evidence, sizeof(row->evidence), fmt, args);
    va_end(args);
    text_copy(row->next, sizeof(row->next), next != NULL ? next : "");
    findings->count++;
}

enum light doctor_light(const struct findings *findings)
{
    enum light gravest = LIGHT_GOOD;

    for (size_t i = 0; i < findings->count; i++) {
        gravest = findings->rows[i].light > gravest ? findings->rows[i].light : gravest;
    }
    return gravest;
}

uint64_t doctor_now_ms(const struct doctor *doctor)
{
    struct json_value root, clock;

    if (doctor->status == NULL || doctor->agent) {
        return doctor->wall_ms;
    }
    root = json_root(doctor->status);
    clock = json_member(&root, "clock");
    return value_u64(&clock, "broker_ms") != 0 ? value_u64(&clock, "broker_ms") : doctor->wall_ms;
}

uint64_t doctor_working_days(const struct doctor *doctor, uint64_t until_ms)
{
    if (until_ms <= doctor->wall_ms) {
        return 0;
    }
    if (doctor->calendar == NULL) {
        return (until_ms - doctor->wall_ms) / DAY_MS * WORKING_DAYS / WEEK_DAYS;
    }
    return calendar_count_working_days(doctor->calendar, civil_day_at(doctor->wall_ms),
                                       civil_day_at(until_ms));
}

/* --- what the checks look at --- */

/* An agency's file has its id in its name: taken when it is the only one. */
static void find_agent_config(char out[HOST_PATH_BYTES])
{
    glob_t found;

    text_copy(out, HOST_PATH_BYTES, AGENT_CONFIG);
    if (access(AGENT_CONFIG, F_OK) != 0 && glob(AGENT_CONFIGS, 0, NULL, &found) == 0) {
        if (found.gl_pathc == 1) {
            text_copy(out, HOST_PATH_BYTES, found.gl_pathv[0]);
        }
        globfree(&found);
    }
}

static int open_config(struct doctor *doctor)
{
    const char *given = doctor->invocation->value[OPTION_CONFIG];
    char path[HOST_PATH_BYTES] = "";
    int status = EXIT_OK;

    if (given != NULL) {
        text_copy(path, sizeof(path), given);
    } else if (!doctor->agent && !invocation_has(doctor->invocation, OPTION_SOCKET)) {
        status = context_find(doctor->invocation, CONTEXT_CONFIG, path);
    }
    if (status != EXIT_OK) {
        return status;
    }
    if (path[0] == '\0' && doctor->agent) {
        find_agent_config(path);
    } else if (path[0] == '\0') {
        text_copy(path, sizeof(path), BROKER_CONFIG);
    }
    if (host_config_open(path, &doctor->config, &doctor->config_fault) != OK) {
        assert(doctor->config.yaml == NULL);
    }
    host_config_credentials(&doctor->config, doctor->agent);
    return EXIT_OK;
}

/* The socket that is named, or the context's; else what the file says; else the usual one. */
static int find_socket(struct doctor *doctor)
{
    const char *usual = doctor->agent ? AGENT_SOCKET : BROKER_SOCKET;
    char path[HOST_PATH_BYTES];
    int status = call_socket_named(doctor->invocation, usual, doctor->socket);

    if (status != EXIT_OK || doctor->socket[0] != '\0') {
        return status;
    }
    if (host_config_path(&doctor->config, doctor->agent ? "socket" : "status-socket", path) &&
        strlen(path) < sizeof(doctor->socket)) {
        text_copy(doctor->socket, sizeof(doctor->socket), path);
        return EXIT_OK;
    }
    return call_socket(doctor->invocation, usual, doctor->socket);
}

/* NULL: no answer, or a refusal, which `refusal` then has. */
static struct json *ask(struct doctor *doctor, const char *cmd, enum err *ret_error)
{
    struct json *json = NULL;
    struct json_value root;
    struct buf line;
    char question[64];

    (void)snprintf(question, sizeof(question), "{\"cmd\":\"%s\"}", cmd);
    buf_init(&line, LIMIT_LOCAL_LINE_BYTES);
    *ret_error = local_call(doctor->socket, span_text(question), ASK_MS, &line);
    if (*ret_error == OK) {
        *ret_error = json_open(doctor->socket, span_buf(&line), &json, &doctor->refusal);
    }
    buf_free(&line);
    if (*ret_error != OK) {
        return NULL;
    }
    root = json_root(json);
    if (value_bool(&root, "ok")) {
        return json;
    }
    fault_set(&doctor->refusal, value_text(&root, "code"), doctor->socket, "%s",
              value_text(&root, "message"));
    fault_hint(&doctor->refusal, "%s", value_text(&root, "hint"));
    json_free(json);
    *ret_error = ERR_REFUSED;
    return NULL;
}

/* Both daemons, and a standby, know `status`. */
static bool is_other(const struct doctor *doctor)
{
    struct json_value root = json_root(doctor->status);
    const char *daemon = value_text(&root, "daemon");

    return daemon[0] != '\0' && (strcmp(daemon, "agent") == 0) != doctor->agent;
}

static bool is_standby(const struct doctor *doctor)
{
    struct json_value root = json_root(doctor->status);

    return strcmp(value_text(&root, "daemon"), "standby") == 0;
}

/* What is hashed here is compared with what the daemon says, which works by this suite. */
static int use_suite(const struct doctor *doctor)
{
    struct fault fault = {.code = ""};
    const char *name = host_config_text(&doctor->config, "suite");

    if (strcmp(name, crypto_suite_name(SUITE_SM)) != 0 ||
        crypto_claim(SUITE_SM, doctor->config.path, &fault) == OK) {
        return EXIT_OK; /* another word is a mistake in the file, and told as such */
    }
    return output_fault(doctor->invocation, EXIT_REFUSED, &fault);
}

static void gather(struct doctor *doctor)
{
    char calendars[HOST_PATH_BYTES];
    enum err error;

    doctor->status = ask(doctor, "status", &doctor->reached);
    if (doctor->status != NULL && is_other(doctor)) {
        fault_set(&doctor->refusal, "socket.other-daemon", doctor->socket,
                  "this is the socket of %s", doctor->agent ? "a broker" : "an agent");
        fault_hint(&doctor->refusal, doctor->agent ? "a broker is examined by `referralctl doctor`"
                                                   : "an agent is examined by `referralctl agent "
                                                     "doctor`");
        json_free(doctor->status);
        doctor->status = NULL;
        doctor->reached = ERR_REFUSED;
    }
    if (doctor->status != NULL && !doctor->agent) {
        doctor->agencies = ask(doctor, "agencies", &error); /* NULL: the check says so */
        doctor->queue = ask(doctor, "queue", &error);
    }
    if (host_config_path(&doctor->config, "calendars", calendars) &&
        calendar_folder_load(calendars, &doctor->calendar, NULL) != OK) {
        doctor->calendar = NULL; /* check_calendar says why */
    }
}

static int prepare(const struct invocation *invocation, bool agent, struct doctor *ret_doctor)
{
    const struct input_range range = {.min = 1, .max = 100, .otherwise = DISK_PERCENT};
    struct clock clock;
    int status;

    memset(ret_doctor, 0, sizeof(*ret_doctor));
    ret_doctor->invocation = invocation;
    ret_doctor->agent = agent;
    clock_init(&clock, false);
    ret_doctor->wall_ms = clock_wall_ms(&clock);
    status = input_number(invocation, OPTION_DISK_PERCENT, range, &ret_doctor->disk_percent);
    if (status == EXIT_OK) {
        status = open_config(ret_doctor);
    }
    if (status == EXIT_OK) {
        status = use_suite(ret_doctor);
    }
    if (status == EXIT_OK) {
        status = find_socket(ret_doctor);
    }
    if (status == EXIT_OK) {
        gather(ret_doctor);
    }
    return status;
}

static void doctor_free(struct doctor *doctor)
{
    json_free(doctor->status);
    json_free(doctor->agencies);
    json_free(doctor->queue);
    calendar_free(doctor->calendar);
    host_config_close(&doctor->config);
}

/* --- running --- */

static void run_check(const struct doctor *doctor, const struct check *check,
                      struct findings *findings)
{
    findings->count = 0;
    findings->left_out = 0;
    if (check->needs >= NEEDS_DAEMON && doctor->status == NULL) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: the %s is not reached",
                     doctor->agent ? "agent" : "broker");
    } else if (check->needs == NEEDS_BROKER && is_standby(doctor)) {
        doctor_found(findings, LIGHT_GOOD, NULL, "of no concern: this is a standby");
    } else if (check->needs == NEEDS_CONFIG && doctor->config.yaml == NULL) {
        doctor_found(findings, LIGHT_UNKNOWN, NULL, "not known: no configuration file was read");
    } else {
        check->run(doctor, findings);
    }
    assert(findings->count > 0);
}

struct report {
    const struct check *checks[CHECKS_MAX];
    struct findings *findings; /* owned: of each */
    size_t count;
};

static int choose(const struct invocation *invocation, const struct check *table,
                  struct report *report)
{
    const char *only = invocation->value[OPTION_ONLY];
    const char *names[CHECKS_MAX + 1] = {NULL};
    struct fault fault = {.code = ""};
    char list[256];
    size_t i = 0;

    for (; table[i].name != NULL; i++) {
        assert(i < CHECKS_MAX);
        names[i] = table[i].name;
        if (only == NULL || strcmp(only, table[i].name) == 0) {
            report->checks[report->count] = &table[i];
            report->count++;
        }
    }
    if (report->count > 0) {
        return EXIT_OK;
    }
    nearest_list(names, list, sizeof(list));
    fault_set(&fault, "usage.value", "--only", "there is no such check; expected one of: %s", list);
    nearest_hint(&fault, only, names);
    return output_fault(invocation, EXIT_USAGE, &fault);
}

static enum light gravest_of(const struct report *report)
{
    enum light gravest = LIGHT_GOOD;

    for (size_t i = 0; i < report->count; i++) {
        enum light light = doctor_light(&report->findings[i]);

        gravest = light > gravest ? light : gravest;
    }
    return gravest;
}

/* Not reached counts before all else, where anything that was asked needs the daemon. */
static int status_of(const struct doctor *doctor, const struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        bool asks =
            report->checks[i]->needs == NEEDS_DAEMON || report->checks[i]->run == check_reach;

        if (asks && doctor->status == NULL) {
            return doctor->reached == ERR_REFUSED ? EXIT_REFUSED : EXIT_UNREACHABLE;
        }
    }
    return gravest_of(report) > LIGHT_UNKNOWN ? EXIT_WARNING : EXIT_OK;
}

/* --- saying --- */

/* The next step is written once where several findings in a row have the same. */
static void draw_finding(const char *name, const struct finding *finding, bool last,
                         struct frame *frame)
{
    frame_put(frame, light_style(finding->light), "%-7s", light_id(finding->light));
    frame_put(frame, STYLE_STRONG, " %-14s", name);
    frame_put(frame, STYLE_PLAIN, " %s", finding->evidence);
    frame_end_line(frame);
    if (last && finding->next[0] != '\0') {
        frame_put(frame, STYLE_PLAIN, "%23s> %s", "", finding->next);
        frame_end_line(frame);
    }
}

static void draw_check(const char *name, const struct findings *findings, struct frame *frame)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *row = &findings->rows[i];
        bool last = i + 1 == findings->count || strcmp(row->next, row[1].next) != 0;

        draw_finding(i == 0 ? name : "", row, last, frame);
    }
    if (findings->left_out > 0) {
        frame_put(frame, STYLE_FAINT, "%23sand %zu more", "", findings->left_out);
        frame_end_line(frame);
    }
}

static int draw(const struct report *report)
{
    size_t attention = 0, unknown = 0;
    struct frame frame;
    enum err error;

    frame_begin(&frame, FRAME_COLUMNS_MAX, screen_colour());
    for (size_t i = 0; i < report->count; i++) {
        draw_check(report->checks[i]->name, &report->findings[i], &frame);
        attention += doctor_light(&report->findings[i]) > LIGHT_UNKNOWN;
        unknown += doctor_light(&report->findings[i]) == LIGHT_UNKNOWN;
    }
    frame_put(&frame, light_style(gravest_of(report)), "%zu of %zu checks need attention",
              attention, report->count);
    if (unknown > 0) {
        frame_put(&frame, STYLE_PLAIN, ", %zu are not known", unknown);
    }
    frame_end_line(&frame);
    error = frame.error;
    if (error == OK) {
        (void)fwrite(frame.text.data, 1, frame.text.len, stdout); /* main asks ferror */
    } else {
        fprintf(stderr, "referralctl: no memory for the report\n");
    }
    frame_free(&frame);
    return error == OK ? EXIT_OK : EXIT_FAILED;
}

static void write_check(const struct check *check, const struct findings *findings,
                        struct answer *answer)
{
    json_object_begin(&answer->json);
    answer_text(answer, "name", check->name);
    answer_text(answer, "light", light_id(doctor_light(findings)));
    answer_u64(answer, "left_out", findings->left_out);
    json_name(&answer->json, "findings");
    json_array_begin(&answer->json);
    for (size_t i = 0; i < findings->count; i++) {
        json_object_begin(&answer->json);
        answer_text(answer, "light", light_id(findings->rows[i].light));
        answer_text(answer, "evidence", findings->rows[i].evidence);
        answer_text(answer, "next", findings->rows[i].next);
        json_object_end(&answer->json);
    }
    json_array_end(&answer->json);
    json_object_end(&answer->json);
}

static int answer_report(const struct doctor *doctor, const struct report *report, int status)
{
    struct answer answer;

    answer_begin(&answer, true);
    answer_text(&answer, "light", light_id(gravest_of(report)));
    answer_bool(&answer, "reached", doctor->status != NULL);
    answer_text(&answer, "socket", doctor->socket);
    answer_text(&answer, "config", doctor->config.path);
    json_name(&answer.json, "checks");
    json_array_begin(&answer.json);
    for (size_t i = 0; i < report->count; i++) {
        write_check(report->checks[i], &report->findings[i], &answer);
    }
    json_array_end(&answer.json);
    return answer_end(&answer, status);
}

static int run_all(const struct doctor *doctor, struct report *report)
{
    int status;

    for (size_t i = 0; i < report->count; i++) {
        run_check(doctor, report->checks[i], &report->findings[i]);
    }
    status = status_of(doctor, report);
    if (invocation_has(doctor->invocation, OPTION_JSON)) {
        return answer_report(doctor, report, status);
    }
    return draw(report) == EXIT_OK ? status : EXIT_FAILED;
}

static int examine(const struct invocation *invocation, bool agent)
{
    struct report report = {.findings = calloc(CHECKS_MAX, sizeof(struct findings))};
    struct doctor *doctor = malloc(sizeof(*doctor));
    int status = EXIT_FAILED;

    if (report.findings == NULL || doctor == NULL) {
        fprintf(stderr, "referralctl: no memory for the checks\n");
    } else {
        status = choose(invocation, agent ? agent_checks : broker_checks, &report);
    }
    if (report.count > 0) {
        status = prepare(invocation, agent, doctor);
        if (status == EXIT_OK) {
            status = run_all(doctor, &report);
        }
        doctor_free(doctor);
    }
    free(report.findings);
    free(doctor);
    return status;
}

int doctor_run(const struct invocation *invocation)
{
    return examine(invocation, false);
}

int agent_doctor_run(const struct invocation *invocation)
{
    return examine(invocation, true);
}

/* The command `statistics`: asks a broker for its referrals and duties page by page, counts them
 * with lib/model/statistics and shows them. The broker counts nothing itself, so that it is never
 * held up, and lib/model has the only rules of counting. */
#include "cli/statistics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/call.h"
#include "cli/days.h"
#include "cli/output.h"

#define PAGE_ROWS      500u
#define NEXT_KEY_BYTES 65u
#define PAGES_MAX      100000u /* more is a broker that goes round in circles */

struct asking {
    const struct invocation *invocation;
    struct gathered gathered;
    char next[NEXT_KEY_BYTES]; /* of the page before; "" at first and at the end */
    bool progress;             /* somebody looks at standard error */
};

/* --- options --- */

static int read_day(const struct invocation *invocation, enum option_id option, int32_t *ret_day)
{
    const char *text = invocation->value[option];

    if (text != NULL && civil_parse(text, ret_day) != OK) {
        return output_misused(invocation, option,
                              days_shaped(text) ? "there is no such day in 1970 to 9999"
                                                : "expected a date: YYYY-MM-DD");
    }
    return EXIT_OK;
}

/* What is not given: up to today, from the first day of that year. Today is the broker's. */
static int read_period(const struct invocation *invocation, uint64_t as_of_ms,
                       struct statistics_period *ret_period)
{
    struct statistics_period period = {.last_day = civil_day_at(as_of_ms), .as_of_ms = as_of_ms};
    struct civil_date first;
    int status = read_day(invocation, OPTION_TO, &period.last_day);

    first = civil_date_of(period.last_day);
    first.month = 1;
    first.day = 1;
    if (status == EXIT_OK && civil_day_of(first, &period.first_day) == OK) {
        status = read_day(invocation, OPTION_FROM, &period.first_day);
    }
    if (status == EXIT_OK && period.first_day > period.last_day) {
        status = output_misused(invocation, OPTION_FROM, "expected a day that is not after --to");
    }
    *ret_period = period;
    return status;
}

/* --- rows --- */

static bool is_agency(const struct gathered *gathered, size_t index, const char *id)
{
    struct json_value row = json_item(&gathered->agencies, index);

    return strcmp(value_text(&row, "id"), id) == 0;
}

/* 0: there is none of this id. */
static uint16_t agency_number(const struct gathered *gathered, const char *id)
{
    for (size_t i = 0; i < gathered->agency_count; i++) {
        if (is_agency(gathered, i, id)) {
            return (uint16_t)(i + 1);
        }
    }
    return 0;
}

static uint32_t value_below(const struct json_value *object, const char *name, uint32_t end)
{
    struct json_value value = json_member(object, name);
    uint64_t number = 0;

    return json_get_u64(&value, 0, end - 1, &number, NULL) == OK ? (uint32_t)number : 0;
}

static enum err read_referral(const struct gathered *gathered, const struct json_value *row,
                              struct statistics_referral *ret_row)
{
    struct json_value raised = json_member(row, "raised");

    *ret_row = (struct statistics_referral){
        .sender = agency_number(gathered, value_text(row, "from")),
        .receiver = agency_number(gathered, value_text(row, "to")),
        .inbound = value_bool(row, "inbound"),
        .state = (enum referral_state)value_below(row, "state", REFERRAL_STATE_COUNT),
        .is_signed = value_bool(row, "signed"),
        .late = value_bool(row, "late"),
        .minor = value_bool(row, "minor"),
        .urgent = value_bool(row, "urgent"),
        .life_danger = value_bool(row, "life_danger"),
        .submitted_ms = value_u64(row, "submitted_ms"),
        .delivered_ms = value_u64(row, "delivered_ms"),
        .due_before_ms = value_u64(row, "due_before_ms"),
        .answers = value_below(row, "answers", UINT32_MAX),
        .late_answers = value_below(row, "late_answers", UINT32_MAX),
        .final = value_bool(row, "final"),
        .window_days = value_below(row, "window_days", UINT32_MAX),
        .whole_days = value_below(row, "whole_days", UINT32_MAX),
        .outcome = (enum feedback_outcome)value_below(row, "outcome", OUTCOME_COUNT),
        .lead_channel = value_below(row, "lead_channel", UINT32_MAX),
        .priority_groups = value_u64(row, "priority_groups"),
        .granted = value_u64(row, "granted"),
        .delivered = value_u64(row, "measures_delivered"),
        .open_documents = value_below(row, "open_documents", UINT32_MAX),
    };
    if (ret_row->state == REFERRAL_SUBMITTED || json_count(&raised) != RUNG_STEP_COUNT) {
        return ERR_INVALID;
    }
    for (size_t step = 0; step < RUNG_STEP_COUNT; step++) {
        struct json_value count = json_item(&raised, step);
        uint64_t number = 0;
        enum err error = json_get_u64(&count, 0, UINT32_MAX, &number, NULL);

        if (error != OK) {
            return error;
        }
        ret_row->raised[step] = (uint32_t)number;
    }
    return OK;
}

static enum err read_duty(const struct gathered *gathered, const struct json_value *row,
                          struct statistics_duty *ret_row)
{
    const char *name = value_text(row, "duty");
    int kind = DUTY_INFORMATION;

    while (kind < DUTY_KIND_END &&
           strcmp(statistics_duty_word((enum duty_kind)kind)->id, name) != 0) {
        kind++;
    }
    *ret_row = (struct statistics_duty){
        .holder = agency_number(gathered, value_text(row, "holder")),
        .kind = (enum duty_kind)kind,
        .due_before_ms = value_u64(row, "due_before_ms"),
        .stopped_ms = value_u64(row, "stopped_ms"),
        .cancelled = value_bool(row, "cancelled"),
    };
    return civil_parse(value_text(row, "due"), &ret_row->due_day);
}

static enum err add_rows(struct gathered *gathered, const struct json_value *root)
{
    struct json_value referrals = json_member(root, "referrals");
    struct json_value duties = json_member(root, "duties");
    size_t referral_count = json_count(&referrals), duty_count = json_count(&duties);
    enum err error = OK;

    for (size_t i = 0; error == OK && i < referral_count; i++) {
        struct json_value value = json_item(&referrals, i);
        struct statistics_referral row;

        error = read_referral(gathered, &value, &row);
        if (error == OK) {
            error = statistics_add_referral(gathered->statistics, &row);
        }
    }
    for (size_t i = 0; error == OK && i < duty_count; i++) {
        struct json_value value = json_item(&duties, i);
        struct statistics_duty row;

        error = read_duty(gathered, &value, &row);
        if (error == OK) {
            error = statistics_add_duty(gathered->statistics, &row);
        }
    }
    gathered->records += referral_count + duty_count;
    return error;
}

/* --- pages --- */

static void tell_progress(const struct asking *asking, bool done)
{
    if (asking->progress && done) {
        fprintf(stderr, "\r\033[K");
    } else if (asking->progress) {
        fprintf(stderr, "\r%" PRIu64 " records", asking->gathered.records);
    }
}

static int bad_page(const struct asking *asking, enum err error)
{
    struct fault fault = {.code = ""};

    tell_progress(asking, true);
    if (error == ERR_MEMORY) {
        fault_set(&fault, "statistics.memory", "", "no memory to count");
        return output_fault(asking->invocation, EXIT_FAILED, &fault);
    }
    fault_set(&fault, "socket.answer", "", "a row of the answer is not what is expected");
    fault_hint(&fault, "are broker and referralctl of one version?");
    return output_fault(asking->invocation, EXIT_REFUSED, &fault);
}

/* The first page says what time it is, and with it what the period is. */
static int begin_table(struct asking *asking, const struct json_value *root)
{
    struct gathered *gathered = &asking->gathered;
    int status = read_period(asking->invocation, value_u64(root, "as_of_ms"), &gathered->period);

    text_copy(gathered->calendar, sizeof(gathered->calendar), value_text(root, "calendar"));
    if (status == EXIT_OK &&
        statistics_new(gathered->agency_count, gathered->period, &gathered->statistics) != OK) {
        status = bad_page(asking, ERR_MEMORY);
    }
    return status;
}

static int read_page(struct asking *asking)
{
    struct call call;
    enum err error;
    int status;

    call_begin(&call, "referrals");
    call_u64(&call, "count", PAGE_ROWS);
    if (asking->next[0] != '\0') {
        call_text(&call, "after", asking->next);
    }
    status = call_end(&call, asking->invocation, BROKER_SOCKET);
    if (status == EXIT_OK && asking->gathered.statistics == NULL) {
        status = begin_table(asking, &call.root);
    }
    if (status == EXIT_OK) {
        error = add_rows(&asking->gathered, &call.root);
        status = error == OK ? EXIT_OK : bad_page(asking, error);
    }
    if (status == EXIT_OK) {
        text_copy(asking->next, sizeof(asking->next), value_text(&call.root, "next"));
        tell_progress(asking, asking->next[0] == '\0');
    }
    call_free(&call);
    return status;
}

static int read_pages(struct asking *asking)
{
    int status = read_page(asking);

    for (unsigned i = 0; status == EXIT_OK && asking->next[0] != '\0'; i++) {
        status = i < PAGES_MAX ? read_page(asking) : bad_page(asking, ERR_INVALID);
    }
    return status;
}

/* --- the command --- */

static int show(const struct asking *asking)
{
    const struct invocation *invocation = asking->invocation;
    const char *csv = invocation->value[OPTION_CSV];
    int status = EXIT_OK;

    if (csv != NULL) {
        status = statistics_csv(&asking->gathered, invocation, csv);
    }
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        status = statistics_json(&asking->gathered);
    } else if (status == EXIT_OK && csv == NULL) {
        status = statistics_draw(&asking->gathered);
    }
    return status;
}

static int gather(struct asking *asking)
{
    const char *only = asking->invocation->value[OPTION_AGENCY];
    struct gathered *gathered = &asking->gathered;

    if (only != NULL) {
        gathered->only = agency_number(gathered, only);
        if (gathered->only == 0) {
            return output_misused(asking->invocation, OPTION_AGENCY,
                                  "no such agency: `referralctl agency ls` lists them");
        }
    }
    int status = read_pages(asking);
    return status == EXIT_OK ? show(asking) : status;
}

int stats_run(const struct invocation *invocation)
{
    const char *csv = invocation->value[OPTION_CSV];
    struct asking asking = {.invocation = invocation, .progress = isatty(STDERR_FILENO) == 1};
    struct statistics_period period;
    struct call call; /* the agencies, borrowed until the end */
    int status = read_period(invocation, UINT64_MAX, &period); /* today is not known yet */

    asking.gathered.english = invocation_has(invocation, OPTION_ENGLISH);
    if (status == EXIT_OK && csv != NULL && strcmp(csv, "-") == 0 &&
        invocation_has(invocation, OPTION_JSON)) {
        status = output_misused(invocation, OPTION_CSV, "standard output is for --json here");
    }
    if (status != EXIT_OK) {
        return status;
    }
    call_begin(&call, "agencies");
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK) {
        asking.gathered.agencies = json_member(&call.root, "agencies");
        asking.gathered.agency_count = json_count(&asking.gathered.agencies);
        status = gather(&asking);
    }
    statistics_free(asking.gathered.statistics);
    call_free(&call);
    return status;
}

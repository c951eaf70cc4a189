/* The commands `calendar due`, `show`, `check` and `ics`: working days counted here, from the files
 * of a folder, without a daemon. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/calendars.h"
#include "cli/days.h"
#include "cli/input.h"
#include "cli/output.h"
#include "io/clock.h"
#include "model/calendar_ics.h"

#define YEAR_LEN 4u
#define ICS_MODE 0644

/* --- due --- */

static int due_json(const struct calendars *loaded, const struct due_date *due, uint64_t n)
{
    char instant[INSTANT_TEXT_BYTES];
    struct answer answer;

    output_instant(due->due_before_ms, instant);
    answer_begin(&answer, true);
    answer_day(&answer, "from", due->day_0);
    answer_u64(&answer, "working_days", n);
    answer_day(&answer, "day_1", calendar_next_working_day(loaded->calendar, due->day_0));
    answer_day(&answer, "due", due->day_n);
    answer_text(&answer, "due_before", instant);
    answer_bool(&answer, "provisional", due->provisional);
    answer_text(&answer, "calendar", calendar_version(loaded->calendar));
    answer_text(&answer, "folder", loaded->folder);
    answer_days(&answer, loaded->calendar, due->day_0 + 1, due->day_n);
    return answer_end(&answer, EXIT_OK);
}

static void draw_day(struct table *table, int32_t day, const char *what, const char *name)
{
    char date[CIVIL_TEXT_BYTES];

    civil_format(day, date);
    days_row(table, date, what, name);
}

/* Day N is the last date that is printed. */
static int due_draw(const struct calendars *loaded, const struct due_date *due, uint64_t n)
{
    char instant[INSTANT_TEXT_BYTES], last[48];
    struct table table;

    output_instant(due->due_before_ms, instant);
    printf("%" PRIu64 " working days, due before %s%s\ncalendar %s (%s)\n", n, instant,
           due->provisional ? ", provisional (暂定): it depends on a notice that is not out yet"
                            : "",
           calendar_version(loaded->calendar), loaded->folder);
    days_begin(&table);
    draw_day(&table, due->day_0, "day 0: arrival, not counted", "");
    for (int32_t day = due->day_0 + 1; day <= due->day_n; day++) {
        struct calendar_day is = calendar_day_reason(loaded->calendar, day);

        if (is.reason != DAY_WORKING) {
            draw_day(&table, day, calendars_reason(is.reason), is.name);
        }
    }
    (void)snprintf(last, sizeof(last), "day %" PRIu64 ": the last", n);
    draw_day(&table, due->day_n, last, "");
    return table_end(&table, "");
}

int calendar_due_run(const struct invocation *invocation)
{
    const struct input_range range = {.min = 1, .max = CALENDAR_COUNT_MAX};
    struct due_date due;
    struct calendars loaded;
    int32_t from = 0;
    uint64_t n;
    int status = input_number(invocation, OPTION_DAYS, range, &n);

    if (status != EXIT_OK) {
        return status;
    }
    if (civil_parse(invocation->value[OPTION_FROM], &from) != OK) {
        return output_misused(invocation, OPTION_FROM,
                              days_shaped(invocation->value[OPTION_FROM])
                                  ? "there is no such day in 1970 to 9999"
                                  : "expected a date of 1970 to 9999 as YYYY-MM-DD, such as "
                                    "2026-09-24");
    }
    status = calendars_load(invocation, &loaded);
    if (status == EXIT_OK) {
        calendar_due(loaded.calendar, civil_start_ms(from), (uint32_t)n, &due);
        status = invocation_has(invocation, OPTION_JSON) ? due_json(&loaded, &due, n)
                                                         : due_draw(&loaded, &due, n);
    }
    calendar_free(loaded.calendar);
    return status;
}

/* --- show --- */

struct year {
    int32_t number;
    int32_t first, last; /* its days */
};

static enum err parse_year(const char *text, struct year *ret_year)
{
    char date[CIVIL_TEXT_BYTES];

    if (strlen(text) != YEAR_LEN) {
        return ERR_INVALID;
    }
    (void)snprintf(date, sizeof(date), "%.4s-01-01", text);
    if (civil_parse(date, &ret_year->first) != OK) {
        return ERR_INVALID;
    }
    ret_year->number = civil_date_of(ret_year->first).year;
    (void)snprintf(date, sizeof(date), "%.4s-12-31", text);
    return civil_parse(date, &ret_year->last);
}

/* Day `first - 1` does not exist for 1970. */
static uint32_t working_days(const struct calendar *calendar, const struct year *year)
{
    uint32_t first = calendar_is_working_day(calendar, year->first) ? 1 : 0;

    return first + calendar_count_working_days(calendar, year->first, year->last);
}

static int show_json(const struct calendars *loaded, const struct year *year)
{
    struct answer answer;

    answer_begin(&answer, true);
    answer_u64(&answer, "year", (uint64_t)year->number);
    answer_bool(&answer, "notice", calendar_has_notice(loaded->calendar, year->number));
    answer_text(&answer, "source", calendar_source(loaded->calendar, year->number));
    answer_u64(&answer, "working_days", working_days(loaded->calendar, year));
    answer_text(&answer, "calendar", calendar_version(loaded->calendar));
    answer_text(&answer, "folder", loaded->folder);
    answer_days(&answer, loaded->calendar, year->first, year->last);
    return answer_end(&answer, EXIT_OK);
}

/* What is of the year's own file needs no source beside it: the head has it. */
static void draw_row(struct table *table, const struct calendar_day *day)
{
    char name[CALENDAR_NAME_BYTES + CALENDAR_NOTICE_BYTES + CALENDAR_SOURCE_BYTES + 16];

    (void)snprintf(name, sizeof(name), day->layer == CALENDAR_LOCAL ? "%s (%s: %s, %s)" : "%s",
                   day->name, calendar_layer_name(day->layer), day->notice, day->source);
    draw_day(table, day->day, calendars_reason(day->reason), name);
}

/* Weekends are known without a table: only what the notice changes is drawn. */
static int show_draw(const struct calendars *loaded, const struct year *year)
{
    struct table table;

    printf("%" PRId32 ": %" PRIu32 " working days%s\nsource %s\ncalendar %s (%s)\n", year->number,
           working_days(loaded->calendar, year),
           calendar_has_notice(loaded->calendar, year->number)
               ? ""
               : ", provisional (暂定): the notice is not there, only the days off by law",
           calendar_source(loaded->calendar, year->number), calendar_version(loaded->calendar),
           loaded->folder);
    days_begin(&table);
    for (int32_t day = year->first; day <= year->last; day++) {
        struct calendar_day is = calendar_day_reason(loaded->calendar, day);

        if (is.by_row) {
            draw_row(&table, &is);
        }
    }
    return table_end(&table, "no holidays");
}

static int no_such_year(const struct invocation *invocation, const struct calendars *loaded,
                        const char *year)
{
    struct fault fault = {.code = ""};
    int32_t first = 0, last = 0;

    (void)calendar_years(loaded->calendar, &first, &last);
    fault_set(&fault, "calendar.year", loaded->folder,
              "no file for the year %s; there are %" PRId32 " to %" PRId32, year, first, last);
    fault_hint(&fault, "add the State Council's notice as %s.json", year);
    return output_fault(invocation, EXIT_REFUSED, &fault);
}

int calendar_show_run(const struct invocation *invocation)
{
    struct fault fault = {.code = ""};
    struct calendars loaded;
    struct year year;
    int status;

    if (parse_year(invocation->arguments[0], &year) != OK) {
        fault_set(&fault, "usage.value", invocation->arguments[0],
                  "expected a year of four digits, 1970 to 9999");
        fault_hint(&fault, "`referralctl calendar show 2026`");
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    status = calendars_load(invocation, &loaded);
    if (status == EXIT_OK && calendar_source(loaded.calendar, year.number)[0] == '\0') {
        status = no_such_year(invocation, &loaded, invocation->arguments[0]);
    } else if (status == EXIT_OK) {
        status = invocation_has(invocation, OPTION_JSON) ? show_json(&loaded, &year)
                                                         : show_draw(&loaded, &year);
    }
    calendar_free(loaded.calendar);
    return status;
}

/* --- check --- */

struct check {
    const struct calendars *loaded;
    int32_t first, last; /* years */
    bool gap;            /* a year between them has no file */
    bool today;          /* today's kind depends on a notice that is not there */
};

static const char *year_state(const struct calendar *calendar, int32_t year)
{
    if (calendar_has_notice(calendar, year)) {
        return "notice";
    }
    return calendar_source(calendar, year)[0] != '\0' ? "provisional" : "missing";
}

static int check_json(const struct check *check, int status)
{
    const struct calendar *calendar = check->loaded->calendar;
    struct answer answer;

    answer_begin(&answer, true);
    answer_text(&answer, "calendar", calendar_version(calendar));
    answer_text(&answer, "folder", check->loaded->folder);
    answer_bool(&answer, "today_provisional", check->today);
    json_name(&answer.json, "years");
    json_array_begin(&answer.json);
    for (int32_t year = check->first; year <= check->last; year++) {
        json_object_begin(&answer.json);
        answer_u64(&answer, "year", (uint64_t)year);
        answer_text(&answer, "state", year_state(calendar, year));
        answer_text(&answer, "source", calendar_source(calendar, year));
        json_object_end(&answer.json);
    }
    json_array_end(&answer.json);
    return answer_end(&answer, status);
}

static int check_draw(const struct check *check, int status)
{
    static const char *const heads[] = {"YEAR", "STATE", "SOURCE"};
    const struct calendar *calendar = check->loaded->calendar;
    struct table table;
    int drawn;

    printf("calendar %s (%s) is well formed\n", calendar_version(calendar), check->loaded->folder);
    table_begin(&table, heads, "lll");
    for (int32_t year = check->first; year <= check->last; year++) {
        table_cellf(&table, "%" PRId32, year);
        table_cell(&table, year_state(calendar, year));
        table_cell(&table, calendar_source(calendar, year));
    }
    drawn = table_end(&table, "no years");
    return drawn == EXIT_OK ? status : drawn;
}

static int check_warn(const struct check *check)
{
    int status = EXIT_OK;

    if (check->gap) {
        status = output_warn("%s: years between %" PRId32 " and %" PRId32 " have no file",
                             check->loaded->folder, check->first, check->last);
    }
    if (check->today) {
        status = output_warn("%s: today depends on a notice that is not there; add it as YEAR.json",
                             check->loaded->folder);
    }
    return status;
}

int calendar_check_run(const struct invocation *invocation)
{
    struct calendars loaded;
    struct check check = {.loaded = &loaded};
    struct clock clock;
    int status = calendars_load(invocation, &loaded);

    if (status == EXIT_OK) {
        clock_init(&clock, false);
        check.today = calendar_is_provisional(loaded.calendar, civil_day_at(clock_wall_ms(&clock)));
        (void)calendar_years(loaded.calendar, &check.first, &check.last); /* a file was loaded */
        for (int32_t year = check.first; year <= check.last; year++) {
            check.gap = check.gap || calendar_source(loaded.calendar, year)[0] == '\0';
        }
        status = check_warn(&check);
        status = invocation_has(invocation, OPTION_JSON) ? check_json(&check, status)
                                                         : check_draw(&check, status);
    }
    calendar_free(loaded.calendar);
    return status;
}

/* --- ics --- */

static int ics_write(const struct invocation *invocation, const struct buf *text)
{
    const char *path = invocation->value[OPTION_OUT];
    struct fault fault = {.code = ""};
    struct answer answer;

    if (file_write(path, span_buf(text), ICS_MODE, &fault) != OK) {
        return output_fault(invocation, EXIT_FAILED, &fault);
    }
    if (invocation_has(invocation, OPTION_JSON)) {
        answer_begin(&answer, true);
        answer_text(&answer, "out", path);
        answer_u64(&answer, "bytes", text->len);
        return answer_end(&answer, EXIT_OK);
    }
    printf("%s: %zu bytes\n", path, text->len);
    return EXIT_OK;
}

int calendar_ics_run(const struct invocation *invocation)
{
    struct calendars loaded;
    struct clock clock;
    struct year year;
    struct buf text;
    int status;

    if (parse_year(invocation->value[OPTION_YEAR], &year) != OK) {
        return output_misused(invocation, OPTION_YEAR, "expected a year: 1970 to 9999");
    }
    buf_init(&text, LIMIT_CONFIG_BYTES);
    clock_init(&clock, false);
    status = calendars_load(invocation, &loaded);
    if (status == EXIT_OK && calendar_source(loaded.calendar, year.number)[0] == '\0') {
        status = no_such_year(invocation, &loaded, invocation->value[OPTION_YEAR]);
    } else if (status == EXIT_OK) {
        enum err error =
            calendar_ics_write(loaded.calendar, year.number, clock_wall_ms(&clock), &text);

        status = error == OK ? ics_write(invocation, &text) : EXIT_FAILED;
    }
    calendar_free(loaded.calendar);
    buf_free(&text);
    return status;
}

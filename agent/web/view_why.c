/* Why a date is what it is: the days of a window as a calendar, and the count in sentences. The
 * computation is lib/model's window_trace; here is only how it is drawn. */
#include <stdio.h>
#include <string.h>

#include "agent/web/web_parts.h"

#define WEEKS_MAX 90 /* N = 400 */

struct drawing { /* the days from the arrival's week to the end's */
    struct page *page;
    const struct window_trace *trace;
    uint32_t counted; /* working days so far */
};

static void draw_day(struct drawing *drawing, int32_t day)
{
    struct page *page = drawing->page;
    const struct window_trace *trace = drawing->trace;
    const struct calendar_day what = calendar_day_reason(page->agent->setup.calendar, day);
    const struct civil_date date = civil_date_of(day);
    const bool works = what.reason == DAY_WORKING || what.reason == DAY_MAKE_UP;
    const bool inside = day > trace->day_0 && day <= trace->due_day;
    const char *class = "";
    char label[32], text[CALENDAR_NAME_BYTES + 48] = "";

    drawing->counted += inside && works ? 1 : 0;
    if (date.day == 1 || day == trace->day_0) {
        (void)snprintf(label, sizeof(label), "%d/%d", date.month, date.day);
    } else {
        (void)snprintf(label, sizeof(label), "%d", date.day);
    }
    if (day == trace->day_0) {
        class = "arr";
        text_copy(text, sizeof(text), tr(page, N_("送达 不计")));
    } else if (inside && works) {
        const char *format = day == trace->due_day        ? tr(page, N_("第 %u 日 届满"))
                             : what.reason == DAY_MAKE_UP ? tr(page, N_("班 第 %u 日"))
                                                          : tr(page, N_("第 %u 日"));
        const char *number = strchr(format, '%');

        class = day == trace->due_day ? "end" : what.reason == DAY_MAKE_UP ? "mk" : "";
        (void)snprintf(text, sizeof(text), "%.*s%u%s", (int)(number - format), format,
                       drawing->counted, number + 2);
    } else if (day == trace->due_day) { /* people chose a day of rest */
        class = "end";
        text_copy(text, sizeof(text), tr(page, N_("届满")));
    } else if (what.reason == DAY_WEEKEND) {
        class = "off";
        text_copy(text, sizeof(text), tr(page, N_("周末")));
    } else if (what.reason == DAY_HOLIDAY) {
        class = "hol";
        text_copy(text, sizeof(text), what.name);
    }
    json_object_begin(&page->view);
    named_text(&page->view, "class", class);
    named_text(&page->view, "day", label);
    named_text(&page->view, "text", text);
    json_object_end(&page->view);
}

static void draw_weeks(struct page *page, const struct window_trace *trace)
{
    struct drawing drawing = {.page = page, .trace = trace};
    int32_t monday = trace->day_0 - (civil_weekday(trace->day_0) - 1);
    int weeks = 0;

    json_name(&page->view, "weeks");
    json_array_begin(&page->view);
    for (; monday <= trace->due_day && weeks < WEEKS_MAX; monday += 7, weeks++) {
        json_object_begin(&page->view);
        json_name(&page->view, "days");
        json_array_begin(&page->view);
        for (int32_t day = monday; day < monday + 7; day++) {
            draw_day(&drawing, day);
        }
        json_array_end(&page->view);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

/* --- the count in sentences --- */

static void add_sentence(struct page *page, const char *what, const char *result)
{
    json_object_begin(&page->view);
    named_text(&page->view, "what", what);
    named_text(&page->view, "result", result);
    json_object_end(&page->view);
}

struct skipping { /* runs of days of one reason and name */
    enum day_reason reason;
    const char *name;
    int32_t first, last;
    uint32_t days;
};

static void say_run(struct page *page, const struct skipping *run)
{
    char first[PAGE_DAY_BYTES], last[PAGE_DAY_BYTES], what[256], result[32];
    const char *verb =
        run->reason == DAY_MAKE_UP ? tr(page, N_("计入 调休上班")) : tr(page, N_("跳过"));
    const char *name = run->reason == DAY_WEEKEND ? tr(page, N_("周末")) : run->name;

    page_day_text(page, run->first, false, first);
    page_day_text(page, run->last, false, last);
    if (run->first == run->last) {
        (void)snprintf(what, sizeof(what), "%s %s %s", verb, run->reason == DAY_MAKE_UP ? "" : name,
                       first);
    } else {
        (void)snprintf(what, sizeof(what), "%s %s %s %s %s", verb, name, first, tr(page, N_("至")),
                       last);
    }
    (void)snprintf(result, sizeof(result), "%u %s", run->days, tr(page, N_("天")));
    add_sentence(page, what, result);
}

static bool continues(const struct skipping *run, const struct calendar_day *day)
{
    return run->days > 0 && run->reason == day->reason && strcmp(run->name, day->name) == 0 &&
           day->day == run->last + 1;
}

static void say_runs(struct page *page, const struct window_trace *trace)
{
    struct skipping run = {.days = 0};

    for (size_t i = 0; i < trace->day_count; i++) {
        const struct calendar_day *day = &trace->days[i];

        if (continues(&run, day)) {
            run.last = day->day;
            run.days++;
            continue;
        }
        if (run.days > 0) {
            say_run(page, &run);
        }
        run = (struct skipping){.reason = day->reason,
                                .name = day->name,
                                .first = day->day,
                                .last = day->day,
                                .days = 1};
    }
    if (run.days > 0) {
        say_run(page, &run);
    }
}

static void say_count(struct page *page, const struct window_trace *trace)
{
    char instant[PAGE_DAY_BYTES], day[PAGE_DAY_BYTES], what[256], result[64];

    json_name(&page->view, "sentences");
    json_array_begin(&page->view);
    page_instant_text(page, trace->start_ms, instant);
    page_day_text(page, trace->day_1, false, day);
    (void)snprintf(what, sizeof(what), "%s %s", instant,
                   tr(page, N_("起算，当日不计，次一工作日为第 1 日")));
    add_sentence(page, what, day);
    say_runs(page, trace);
    (void)snprintf(what, sizeof(what), "%s %d %s", tr(page, N_("核对：共")),
                   trace->due_day - trace->day_0, tr(page, N_("天，其中工作日")));
    (void)snprintf(
        result, sizeof(result), "%u %s",
        calendar_count_working_days(page->agent->setup.calendar, trace->day_0, trace->due_day),
        tr(page, N_("个工作日")));
    add_sentence(page, what, result);
    page_day_text(page, trace->due_day, false, day);
    add_sentence(page, tr(page, N_("届满（第九条、第十一条、第二十一条），当日 24 时止")), day);
    json_array_end(&page->view);
}

static const char *basis_text(const struct page *page, enum window_basis basis)
{
    switch (basis) {
    case BASIS_FLOOR:
        return tr(page, N_("放假安排调整后，期限不早于调整后第 2 个工作日。"));
    case BASIS_KEPT:
        return tr(page, N_("放假安排调整后，原期限不变。"));
    case BASIS_GIVEN:
        return tr(page, N_("由移送或召集单位指定的日期。"));
    case BASIS_CALENDAR:
        break;
    }
    return "";
}

/* A window that is told may hold any numbers; whole weeks around both ends must lie in time. */
static bool can_be_drawn(const struct window *window)
{
    const int32_t first = civil_day_at(window->start_ms);

    return window->n > 0 && window->n <= CALENDAR_COUNT_MAX && window->due_before_ms != 0 &&
           first >= 7 && first <= window->due_day && window->due_day <= CIVIL_DAY_MAX - 7;
}

void view_why(struct page *page, const char *of_whom, const struct window *window)
{
    struct window_trace trace;
    const struct calendar *calendar = page->agent->setup.calendar;
    char due[PAGE_DAY_BYTES];

    if (!can_be_drawn(window)) {
        return;
    }
    window_trace(calendar, window, &trace);
    if (window->basis == BASIS_CALENDAR && trace.day_n != trace.due_day) {
        return; /* it was counted by another calendar than the one that is here */
    }
    page_day_text(page, trace.due_day, false, due);
    json_name(&page->view, "why");
    json_object_begin(&page->view);
    named_text(&page->view, "whom", of_whom);
    named_text(&page->view, "date", due);
    draw_weeks(page, &trace);
    say_count(page, &trace);
    named_text(&page->view, "basis", basis_text(page, trace.basis));
    named_text(&page->view, "source", calendar_source(calendar, civil_date_of(trace.due_day).year));
    named_text(&page->view, "version", trace.version);
    named_bool(&page->view, "provisional", trace.provisional);
    json_object_end(&page->view);
}

/* The agency's own figures for a time of whole months, as tables, bars and a CSV file. How each is
 * counted stands in docs/statistics.md; what was counted is kept until a copy changes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/web/counted.h"
#include "agent/web/web_parts.h"

#define BAR_WIDTH       480.0
#define SEGMENT_LEAST   15.0 /* room for a digit */
#define MONTH_BYTES     8
#define COUNTS_FRESH_MS 60000u /* what is open grows late by itself */

/* --- the time --- */

struct asked { /* the period, as it stands in the address */
    char from[MONTH_BYTES], until[MONTH_BYTES];
    struct statistics_period period;
};

static void month_text(int months, char out[MONTH_BYTES])
{
    const unsigned all = (unsigned)months;

    (void)snprintf(out, MONTH_BYTES, "%04u-%02u", all / 12 % 10000, all % 12 + 1);
}

/* Left out: this year until now. False: no such months. */
static bool read_period(const struct page *page, struct asked *asked)
{
    const struct civil_date today = civil_date_of(civil_day_at(page->now_ms));
    const char *from = http_query(page->request, "from");
    const char *until = http_query(page->request, "until");
    const bool bad_from = from != NULL && strlen(from) >= MONTH_BYTES;
    const bool bad_until = until != NULL && strlen(until) >= MONTH_BYTES;

    memset(asked, 0, sizeof(*asked));
    month_text(today.year * 12, asked->from);
    month_text(today.year * 12 + today.month - 1, asked->until);
    if (bad_from || bad_until) {
        return false;
    }
    if (from != NULL && from[0] != '\0') {
        text_copy(asked->from, sizeof(asked->from), from);
    }
    if (until != NULL && until[0] != '\0') {
        text_copy(asked->until, sizeof(asked->until), until);
    }
    asked->period.as_of_ms = page->now_ms;
    return counted_months(asked->from, asked->until, &asked->period) == OK;
}

static void add_choice(struct page *page, const struct asked *asked, const char *text,
                       const int months[2])
{
    char from[MONTH_BYTES], until[MONTH_BYTES];

    month_text(months[0], from);
    month_text(months[1], until);
    json_object_begin(&page->view);
    named_text(&page->view, "text", tr(page, text));
    named_text(&page->view, "from", from);
    named_text(&page->view, "until", until);
    named_bool(&page->view, "here",
               strcmp(from, asked->from) == 0 && strcmp(until, asked->until) == 0);
    json_object_end(&page->view);
}

/* What is mostly asked for. */
static void view_choices(struct page *page, const struct asked *asked)
{
    const struct civil_date today = civil_date_of(civil_day_at(page->now_ms));
    const int now = today.year * 12 + today.month - 1;
    const int quarter = now - now % 3, year = now - now % 12;

    json_name(&page->view, "choices");
    json_array_begin(&page->view);
    add_choice(page, asked, N_("本月"), (const int[]){now, now});
    add_choice(page, asked, N_("本季度"), (const int[]){quarter, quarter + 2});
    add_choice(page, asked, N_("上季度"), (const int[]){quarter - 3, quarter - 1});
    add_choice(page, asked, N_("本年至今"), (const int[]){year, now});
    add_choice(page, asked, N_("上年"), (const int[]){year - 12, year - 1});
    json_array_end(&page->view);
    named_text(&page->view, "from", asked->from);
    named_text(&page->view, "until", asked->until);
}

/* --- counting --- */

static bool is_fresh(const struct counted *counted, const struct asked *asked, uint64_t generation)
{
    return counted != NULL && counted->generation == generation &&
           counted->period.first_day == asked->period.first_day &&
           counted->period.last_day == asked->period.last_day &&
           asked->period.as_of_ms >= counted->period.as_of_ms &&
           asked->period.as_of_ms - counted->period.as_of_ms < COUNTS_FRESH_MS;
}

static enum err count(struct page *page, const struct asked *asked, struct counted **ret_counted)
{
    struct web *web = page->web;
    struct work_counts counts;
    struct counted *counted;
    enum err error;

    worklist_counts(web->worklist, page->now_ms, &counts);
    if (is_fresh(web->counted, asked, counts.generation)) {
        *ret_counted = web->counted;
        return OK;
    }
    error =
        counted_new(page->agent->setup.registry, page->agent->setup.self, asked->period, &counted);
    if (error != OK) {
        return error;
    }
    counted->generation = counts.generation;
    error = worklist_each_figures(web->worklist, counted_add, counted);
    if (error != OK) {
        counted_free(counted);
        return error;
    }
    counted_free(web->counted);
    web->counted = counted;
    *ret_counted = counted;
    return OK;
}

/* --- words and numbers --- */

static const char *word_text(const struct page *page, const struct word *word)
{
    return page->language == LANGUAGE_EN ? word->en : word->zh;
}

/* "93.4%"; "-" where there is none. */
static void named_rate(struct page *page, const char *name, int64_t permille)
{
    char text[32] = "-";

    if (permille >= 0) {
        (void)snprintf(text, sizeof(text), "%" PRId64 ".%" PRId64 "%%", permille / 10,
                       permille % 10);
    }
    named_text(&page->view, name, text);
}

static void named_days(struct page *page, const char *name, int64_t days)
{
    char text[32] = "-";

    if (days >= 0) {
        (void)snprintf(text, sizeof(text), "%" PRId64, days);
    }
    named_text(&page->view, name, text);
}

/* --- one side in one direction --- */

struct block {
    struct page *page;
    struct counted *counted;
    enum counted_side side;
    enum statistics_direction direction;
};

static uint64_t figure_of(const struct block *block, size_t agency, enum statistics_figure figure)
{
    return statistics_figure(block->counted->sides[block->side],
                             (struct statistics_line){agency, block->direction}, figure);
}

static const enum statistics_figure segments[] = {FIGURE_IN_TIME, FIGURE_LATE, FIGURE_OPEN,
                                                  FIGURE_OVERDUE};
#define SEGMENTS (sizeof(segments) / sizeof(segments[0]))

static uint64_t bar_sum(const struct block *block, size_t agency)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < SEGMENTS; i++) {
        sum += figure_of(block, agency, segments[i]);
    }
    return sum;
}

static void view_segment(struct page *page, size_t segment, uint64_t value, const double place[2])
{
    static const char *const classes[SEGMENTS] = {"b1", "b2", "b3", "b4"};
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    json_object_begin(&page->view);
    named_text(&page->view, "class", classes[segment]);
    named_bool(&page->view, "hatched", segment == SEGMENTS - 1);
    named_bool(&page->view, "dotted", segment == 1);
    named_bool(&page->view, "dark", segment == 2);
    json_name(&page->view, "x");
    json_milli(&page->view, place[0]);
    json_name(&page->view, "width");
    json_milli(&page->view, place[1] - 1);
    json_name(&page->view, "middle");
    json_milli(&page->view, place[0] + (place[1] - 1) / 2);
    named_text(&page->view, "text", place[1] >= 7.5 * (double)strlen(digits) + 4 ? digits : "");
    json_object_end(&page->view);
}

/* Parts are never too narrow to see; the widest bar of the block has the whole width. */
static void view_bar(const struct block *block, size_t agency, uint64_t widest)
{
    struct page *page = block->page;
    double at = 0;

    json_name(&page->view, "bar");
    json_array_begin(&page->view);
    for (size_t i = 0; i < SEGMENTS; i++) {
        const uint64_t value = figure_of(block, agency, segments[i]);
        const size_t others = SEGMENTS - 1;
        const double whole = BAR_WIDTH - (double)others * SEGMENT_LEAST;
        const double exact = whole * (double)value / (double)widest;
        const double width = exact > SEGMENT_LEAST ? exact : SEGMENT_LEAST;

        if (value > 0) {
            view_segment(page, i, value, (const double[]){at, width});
            at += width;
        }
    }
    json_array_end(&page->view);
}

static void view_numbers(const struct block *block, size_t agency)
{
    struct page *page = block->page;
    struct statistics *statistics = block->counted->sides[block->side];
    const struct statistics_line line = {agency, block->direction};

    named_u64(&page->view, "received", figure_of(block, agency, FIGURE_RECEIVED));
    named_u64(&page->view, "signed", figure_of(block, agency, FIGURE_SIGNED));
    named_u64(&page->view, "in_time", figure_of(block, agency, FIGURE_IN_TIME));
    named_u64(&page->view, "late", figure_of(block, agency, FIGURE_LATE));
    named_u64(&page->view, "running", figure_of(block, agency, FIGURE_OPEN));
    named_u64(&page->view, "overdue", figure_of(block, agency, FIGURE_OVERDUE));
    named_u64(&page->view, "procedure", figure_of(block, agency, FIGURE_PROCEDURE));
    named_u64(&page->view, "undelivered", figure_of(block, agency, FIGURE_UNDELIVERED));
    named_u64(&page->view, "withdrawn", figure_of(block, agency, FIGURE_WITHDRAWN));
    named_u64(&page->view, "returned", figure_of(block, agency, FIGURE_RETURNED));
    named_rate(page, "rate", statistics_on_time(statistics, line));
    named_days(page, "median", statistics_quantile(statistics, line, DAYS_WINDOW, 50));
    named_days(page, "p90", statistics_quantile(statistics, line, DAYS_WINDOW, 90));
    named_days(page, "whole_median", statistics_quantile(statistics, line, DAYS_WHOLE, 50));
    named_days(page, "whole_p90", statistics_quantile(statistics, line, DAYS_WHOLE, 90));
}

static void view_rows(const struct block *block)
{
    struct page *page = block->page;
    const struct registry *registry = block->counted->registry;
    uint64_t widest = 1;

    for (size_t place = 1; place <= registry_count(registry); place++) {
        const uint64_t sum = bar_sum(block, place);

        widest = sum > widest ? sum : widest;
    }
    json_name(&page->view, "rows");
    json_array_begin(&page->view);
    for (size_t place = 1; place <= registry_count(registry); place++) {
        if (figure_of(block, place, FIGURE_RECEIVED) > 0) {
            json_object_begin(&page->view);
            named_text(&page->view, "agency",
                       page_agency(page, registry_at(registry, place - 1)->number));
            view_numbers(block, place);
            view_bar(block, place, widest);
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
    json_name(&page->view, "total");
    json_object_begin(&page->view);
    view_numbers(block, 0);
    json_object_end(&page->view);
}

/* Words that none has are left out. */
static void view_set(const struct block *block, enum statistics_set set)
{
    struct page *page = block->page;
    const struct statistics *statistics = block->counted->sides[block->side];
    const struct statistics_line all = {0, block->direction};
    size_t count;
    const struct word *words = statistics_set_words(set, &count);
    bool any = false;

    json_object_begin(&page->view);
    named_text(&page->view, "title", word_text(page, statistics_set_word(set)));
    json_name(&page->view, "words");
    json_array_begin(&page->view);
    for (size_t i = 0; i < count; i++) {
        const uint64_t number = statistics_member(statistics, all, set, words[i].value);

        if (number > 0) {
            json_object_begin(&page->view);
            named_text(&page->view, "word", word_text(page, &words[i]));
            named_u64(&page->view, "count", number);
            json_object_end(&page->view);
            any = true;
        }
    }
    json_array_end(&page->view);
    named_bool(&page->view, "any", any);
    json_object_end(&page->view);
}

/* Marks of referrals, as a set of their own. */
static void view_marks(const struct block *block)
{
    static const enum statistics_figure marks[] = {FIGURE_MINORS, FIGURE_URGENT,
                                                   FIGURE_LIFE_DANGER};
    struct page *page = block->page;
    bool any = false;

    json_object_begin(&page->view);
    named_text(&page->view, "title", tr(page, N_("优先办理")));
    json_name(&page->view, "words");
    json_array_begin(&page->view);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const uint64_t number = figure_of(block, 0, marks[i]);

        if (number > 0) {
            json_object_begin(&page->view);
            named_text(&page->view, "word", word_text(page, statistics_figure_word(marks[i])));
            named_u64(&page->view, "count", number);
            json_object_end(&page->view);
            any = true;
        }
    }
    json_array_end(&page->view);
    named_bool(&page->view, "any", any);
    json_object_end(&page->view);
}

static void view_sets(const struct block *block)
{
    static const enum statistics_set sets[] = {SET_OUTCOMES, SET_GRANTED, SET_DELIVERED, SET_GROUPS,
                                               SET_CHANNELS};
    struct page *page = block->page;

    json_name(&page->view, "sets");
    json_array_begin(&page->view);
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        view_set(block, sets[i]);
    }
    view_marks(block);
    json_array_end(&page->view);
}

static const char *block_title(const struct block *block)
{
    static const char *const titles[COUNTED_SIDES][STATISTICS_DIRECTIONS] = {
        [COUNTED_RECEIVED] = {[STATISTICS_OUTBOUND] = N_("收到的社会救助线索"),
                              [STATISTICS_INBOUND] = N_("收到的司法救助线索")},
        [COUNTED_SENT] = {[STATISTICS_OUTBOUND] = N_("移送的社会救助线索"),
                          [STATISTICS_INBOUND] = N_("移送的司法救助线索")},
    };

    return tr(block->page, titles[block->side][block->direction]);
}

static void view_block(const struct block *block)
{
    struct page *page = block->page;
    const struct ladder *ladder = &page->agent->setup.policy->ladder;
    const struct statistics *earlier = block->counted->earlier[block->side];
    const struct statistics_line all = {0, block->direction};
    const int64_t earlier_rate = statistics_on_time(earlier, all);
    char id[16];

    (void)snprintf(id, sizeof(id), "b-%d-%d", (int)block->side, (int)block->direction);
    json_object_begin(&page->view);
    named_text(&page->view, "id", id);
    named_text(&page->view, "title", block_title(block));
    named_bool(&page->view, "by_receiver", block->side == COUNTED_SENT);
    named_u64(&page->view, "days",
              ladder->days[block->direction == STATISTICS_INBOUND ? CLOCK_FEEDBACK_INBOUND
                                                                  : CLOCK_FEEDBACK_OUTBOUND]);
    view_rows(block);
    view_sets(block);
    named_u64(&page->view, "earlier", statistics_figure(earlier, all, FIGURE_RECEIVED));
    named_bool(&page->view, "compared", earlier_rate >= 0);
    named_rate(page, "earlier_rate", earlier_rate);
    json_object_end(&page->view);
}

static bool block_empty(const struct block *block)
{
    return figure_of(block, 0, FIGURE_RECEIVED) == 0;
}

static void view_blocks(struct page *page, struct counted *counted)
{
    struct block block = {.page = page, .counted = counted};
    bool any = false;

    json_name(&page->view, "blocks");
    json_array_begin(&page->view);
    for (int side = 0; side < COUNTED_SIDES; side++) {
        for (int direction = 0; direction < STATISTICS_DIRECTIONS; direction++) {
            block.side = (enum counted_side)side;
            block.direction = (enum statistics_direction)direction;
            if (!block_empty(&block)) {
                view_block(&block);
                any = true;
            }
        }
    }
    json_array_end(&page->view);
    named_bool(&page->view, "nothing", !any);
}

/* --- duties --- */

static void view_duties_of(struct page *page, const struct counted *counted,
                           enum counted_holder holder)
{
    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        if (statistics_duty(counted->duties, holder, (enum duty_kind)kind, DUTY_FIGURE_DUE) == 0) {
            continue;
        }
        json_object_begin(&page->view);
        named_text(&page->view, "duty",
                   word_text(page, statistics_duty_word((enum duty_kind)kind)));
        named_bool(&page->view, "ours", holder == COUNTED_OWN);
        json_name(&page->view, "numbers");
        json_array_begin(&page->view);
        for (int figure = 0; figure < DUTY_FIGURE_COUNT; figure++) {
            json_u64(&page->view, statistics_duty(counted->duties, holder, (enum duty_kind)kind,
                                                  (enum duty_figure)figure));
        }
        json_array_end(&page->view);
        json_object_end(&page->view);
    }
}

static void view_duties(struct page *page, const struct counted *counted)
{
    uint64_t any = 0;

    json_name(&page->view, "duty_words");
    json_array_begin(&page->view);
    for (int figure = 0; figure < DUTY_FIGURE_COUNT; figure++) {
        json_text(&page->view,
                  word_text(page, statistics_duty_figure_word((enum duty_figure)figure)));
    }
    json_array_end(&page->view);
    json_name(&page->view, "duties");
    json_array_begin(&page->view);
    view_duties_of(page, counted, COUNTED_OWN);
    view_duties_of(page, counted, COUNTED_OTHERS);
    json_array_end(&page->view);
    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        any += statistics_duty(counted->duties, 0, (enum duty_kind)kind, DUTY_FIGURE_DUE);
    }
    named_bool(&page->view, "duties_shown", any > 0);
}

static void view_overdue(struct page *page, const struct counted *counted)
{
    json_name(&page->view, "overdue_rows");
    json_array_begin(&page->view);
    for (size_t i = 0; i < counted->overdue_count; i++) {
        const struct counted_overdue *row = &counted->overdue[i];
        struct lamp lamp = {.due_before_ms = row->due_before_ms,
                            .due_day = civil_day_at(row->due_before_ms - 1)};
        char href[64];

        (void)snprintf(href, sizeof(href), "/case/%s", row->number);
        json_object_begin(&page->view);
        named_text(&page->view, "number", row->number);
        named_text(&page->view, "href", href);
        named_text(&page->view, "agency", page_agency(page, row->responsible));
        named_bool(&page->view, "minor", row->minor);
        named_bool(&page->view, "urgent", row->urgent);
        view_lamp(page, &lamp);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
    if (counted->overdue_total > 0) {
        named_u64(&page->view, "overdue_total", counted->overdue_total);
    }
    if (counted->overdue_total > counted->overdue_count) {
        named_u64(&page->view, "overdue_left", counted->overdue_total - counted->overdue_count);
    }
}

/* --- the page --- */

static bool ready(struct page *page, struct asked *asked, struct counted **ret_counted)
{
    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return false;
    }
    if (!read_period(page, asked)) {
        page_refuse(page, 400, N_("统计期间有误：请填年和月，起始月份不晚于截止月份。"));
        return false;
    }
    if (count(page, asked, ret_counted) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return false;
    }
    return true;
}

void page_statistics(struct page *page)
{
    struct counted *counted;
    struct asked asked;

    if (!ready(page, &asked, &counted)) {
        return;
    }
    page_begin(page, "statistics", N_("统计"));
    named_text(&page->view, "body", "p-wide");
    if (worklist_progress(page->web->worklist) < 100) {
        named_u64(&page->view, "filling", worklist_progress(page->web->worklist));
    }
    view_choices(page, &asked);
    view_day(page, "first_day", asked.period.first_day);
    view_day(page, "last_day", asked.period.last_day);
    view_instant(page, "as_of", counted->period.as_of_ms);
    named_bool(&page->view, "office", page->agent->setup.self->joint_meeting_office);
    view_blocks(page, counted);
    view_duties(page, counted);
    view_overdue(page, counted);
    page_show(page, 200, "statistics");
}

/* --- the file --- */

static const enum statistics_figure csv_figures[] = {
    FIGURE_RECEIVED,     FIGURE_IN_TIME,   FIGURE_LATE,        FIGURE_OPEN,
    FIGURE_OVERDUE,      FIGURE_PROCEDURE, FIGURE_UNDELIVERED, FIGURE_WITHDRAWN,
    FIGURE_RETURNED,     FIGURE_DELIVERED, FIGURE_SIGNED,      FIGURE_ANSWERS,
    FIGURE_LATE_ANSWERS, FIGURE_MINORS,    FIGURE_URGENT,      FIGURE_LIFE_DANGER};
#define CSV_FIGURES (sizeof(csv_figures) / sizeof(csv_figures[0]))

static const struct {
    enum statistics_days days;
    unsigned percent;
} csv_days[] = {{DAYS_WINDOW, 50}, {DAYS_WINDOW, 90}, {DAYS_WHOLE, 50}, {DAYS_WHOLE, 90}};

/* Quoted; what a spreadsheet would take for a formula gets an apostrophe. */
static void csv_text(struct buf *out, const char *text)
{
    (void)!buf_append_text(out, "\"");
    if (text[0] != '\0' && strchr("=+-@\t", text[0]) != NULL) {
        (void)!buf_append_text(out, "'");
    }
    for (const char *at = text; *at != '\0'; at++) {
        (void)!buf_append(out, at, 1);
        if (*at == '"') {
            (void)!buf_append(out, at, 1);
        }
    }
    (void)!buf_append_text(out, "\"");
}

static void csv_set_words(const struct page *page, struct buf *out, enum statistics_set set)
{
    size_t count;
    const struct word *words = statistics_set_words(set, &count);
    char text[160];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof(text), "%s: %s", word_text(page, statistics_set_word(set)),
                       word_text(page, &words[i]));
        (void)!buf_append_text(out, ",");
        csv_text(out, text);
    }
}

static const enum statistics_set csv_sets[] = {SET_OUTCOMES, SET_GRANTED, SET_DELIVERED, SET_GROUPS,
                                               SET_CHANNELS};
#define CSV_SETS (sizeof(csv_sets) / sizeof(csv_sets[0]))

static void csv_head(const struct page *page, struct buf *out)
{
    csv_text(out, tr(page, N_("线索")));
    (void)!buf_append_text(out, ",");
    csv_text(out, tr(page, N_("对方单位")));
    for (size_t i = 0; i < CSV_FIGURES; i++) {
        (void)!buf_append_text(out, ",");
        csv_text(out, word_text(page, statistics_figure_word(csv_figures[i])));
    }
    (void)!buf_append_text(out, ",");
    csv_text(out, word_text(page, statistics_rate_word()));
    for (size_t i = 0; i < sizeof(csv_days) / sizeof(csv_days[0]); i++) {
        (void)!buf_append_text(out, ",");
        csv_text(out, word_text(page, statistics_days_word(csv_days[i].days, csv_days[i].percent)));
    }
    for (size_t i = 0; i < CSV_SETS; i++) {
        csv_set_words(page, out, csv_sets[i]);
    }
    (void)!buf_append_text(out, "\r\n");
}

static void csv_number(struct buf *out, int64_t number)
{
    (void)!buf_append_text(out, ",");
    if (number >= 0) {
        (void)!buf_printf(out, "%" PRId64, number);
    }
}

static void csv_line(const struct block *block, size_t agency, const char *name, struct buf *out)
{
    struct statistics *statistics = block->counted->sides[block->side];
    const struct statistics_line line = {agency, block->direction};

    csv_text(out, block_title(block));
    (void)!buf_append_text(out, ",");
    csv_text(out, name);
    for (size_t i = 0; i < CSV_FIGURES; i++) {
        csv_number(out, (int64_t)statistics_figure(statistics, line, csv_figures[i]));
    }
    csv_number(out, statistics_on_time(statistics, line));
    for (size_t i = 0; i < sizeof(csv_days) / sizeof(csv_days[0]); i++) {
        csv_number(out,
                   statistics_quantile(statistics, line, csv_days[i].days, csv_days[i].percent));
    }
    for (size_t i = 0; i < CSV_SETS; i++) {
        size_t count;
        const struct word *words = statistics_set_words(csv_sets[i], &count);

        for (size_t at = 0; at < count; at++) {
            csv_number(out,
                       (int64_t)statistics_member(statistics, line, csv_sets[i], words[at].value));
        }
    }
    (void)!buf_append_text(out, "\r\n");
}

static void csv_block(const struct block *block, struct buf *out)
{
    const struct registry *registry = block->counted->registry;

    if (block_empty(block)) {
        return;
    }
    for (size_t place = 1; place <= registry_count(registry); place++) {
        if (figure_of(block, place, FIGURE_RECEIVED) > 0) {
            csv_line(block, place,
                     page_agency(block->page, registry_at(registry, place - 1)->number), out);
        }
    }
    csv_line(block, 0, tr(block->page, N_("合计")), out);
}

static void csv_duties(const struct page *page, const struct counted *counted, struct buf *out)
{
    (void)!buf_append_text(out, "\r\n");
    csv_text(out, tr(page, N_("事项")));
    (void)!buf_append_text(out, ",");
    csv_text(out, tr(page, N_("责任单位")));
    for (int figure = 0; figure < DUTY_FIGURE_COUNT; figure++) {
        (void)!buf_append_text(out, ",");
        csv_text(out, word_text(page, statistics_duty_figure_word((enum duty_figure)figure)));
    }
    (void)!buf_append_text(out, "\r\n");
    for (int holder = COUNTED_OWN; holder <= COUNTED_OTHERS; holder++) {
        for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
            csv_text(out, word_text(page, statistics_duty_word((enum duty_kind)kind)));
            (void)!buf_append_text(out, ",");
            csv_text(out, tr(page, holder == COUNTED_OWN ? N_("本单位") : N_("其他单位")));
            for (int figure = 0; figure < DUTY_FIGURE_COUNT; figure++) {
                csv_number(out, (int64_t)statistics_duty(counted->duties, (size_t)holder,
                                                         (enum duty_kind)kind,
                                                         (enum duty_figure)figure));
            }
            (void)!buf_append_text(out, "\r\n");
        }
    }
}

void page_statistics_csv(struct page *page)
{
    struct block block = {.page = page};
    struct asked asked;
    struct buf out;
    char name[64];

    if (!ready(page, &asked, &block.counted)) {
        return;
    }
    buf_init(&out, WEB_VIEW_BYTES);
    (void)!buf_append_text(&out, "\xef\xbb\xbf");
    csv_head(page, &out);
    for (int side = 0; side < COUNTED_SIDES; side++) {
        for (int direction = 0; direction < STATISTICS_DIRECTIONS; direction++) {
            block.side = (enum counted_side)side;
            block.direction = (enum statistics_direction)direction;
            csv_block(&block, &out);
        }
    }
    csv_duties(page, block.counted, &out);
    (void)snprintf(name, sizeof(name), "%s %s %s.csv", tr(page, N_("统计")), asked.from,
                   asked.until);
    page_download(page, "text/csv; charset=utf-8", name, span_buf(&out));
    buf_free(&out);
}

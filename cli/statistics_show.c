/* The three forms of the statistics. All walk the same lines and the same tables of figures, so
 * that a figure is added in lib/model/statistics alone. Lines and counts of nothing are left out on
 * the terminal and in JSON; the CSV has every column, so that two files can be laid side by side.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/call.h"
#include "cli/output.h"
#include "cli/statistics.h"
#include "cli/table.h"

#define CSV_BYTES (64u * 1024u * 1024u)

static const unsigned percents[] = {50, 90};

#define PERCENT_COUNT (sizeof(percents) / sizeof(percents[0]))

/* --- lines and words --- */

static const char *said(const struct gathered *gathered, const struct word *word)
{
    return gathered->english ? word->en : word->zh;
}

static const char *agency_text(const struct gathered *gathered, size_t agency, const char *name)
{
    struct json_value row = json_item(&gathered->agencies, agency - 1);

    return value_text(&row, name);
}

static const char *agency_id(const struct gathered *gathered, size_t agency)
{
    return agency == 0 ? "all" : agency_text(gathered, agency, "id");
}

static const char *agency_name(const struct gathered *gathered, size_t agency)
{
    if (agency == 0) {
        return gathered->english ? "all" : "合计";
    }
    return agency_text(gathered, agency, gathered->english ? "name_en" : "name_zh");
}

static bool is_shown(const struct gathered *gathered, size_t agency)
{
    return gathered->only == 0 || gathered->only == agency;
}

/* The next line that is shown, from `line` on. */
static bool next_line(const struct gathered *gathered, struct statistics_line *line)
{
    while (line->agency <= gathered->agency_count) {
        if (is_shown(gathered, line->agency) && !statistics_empty(gathered->statistics, *line)) {
            return true;
        }
        line->direction = (enum statistics_direction)(line->direction + 1);
        if (line->direction == STATISTICS_DIRECTIONS) {
            line->direction = STATISTICS_OUTBOUND;
            line->agency++;
        }
    }
    return false;
}

static void step_line(struct statistics_line *line)
{
    bool last = line->direction + 1 == STATISTICS_DIRECTIONS;

    line->agency += last ? 1 : 0;
    line->direction = last ? STATISTICS_OUTBOUND : (enum statistics_direction)(line->direction + 1);
}

/* --- JSON --- */

static void json_number(struct answer *answer, const char *name, int64_t value)
{
    json_name(&answer->json, name);
    if (value < 0) {
        json_text(&answer->json, NULL);
    } else {
        json_i64(&answer->json, value);
    }
}

static void json_set(const struct gathered *gathered, struct statistics_line line,
                     enum statistics_set set, struct answer *answer)
{
    size_t count = 0;
    const struct word *words = statistics_set_words(set, &count);

    json_name(&answer->json, statistics_set_word(set)->id);
    json_object_begin(&answer->json);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = statistics_member(gathered->statistics, line, set, words[i].value);

        if (number != 0) {
            answer_u64(answer, words[i].id, number);
        }
    }
    json_object_end(&answer->json);
}

static void json_line(const struct gathered *gathered, struct statistics_line line,
                      struct answer *answer)
{
    json_object_begin(&answer->json);
    answer_text(answer, "agency", agency_id(gathered, line.agency));
    answer_text(answer, "direction", statistics_direction_word(line.direction)->id);
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        enum statistics_figure figure = (enum statistics_figure)i;

        answer_u64(answer, statistics_figure_word(figure)->id,
                   statistics_figure(gathered->statistics, line, figure));
    }
    for (unsigned i = 0; i < DAYS_COUNT * PERCENT_COUNT; i++) {
        enum statistics_days days = (enum statistics_days)(i / PERCENT_COUNT);
        unsigned percent = percents[i % PERCENT_COUNT];

        json_number(answer, statistics_days_word(days, percent)->id,
                    statistics_quantile(gathered->statistics, line, days, percent));
    }
    json_number(answer, statistics_rate_word()->id, statistics_on_time(gathered->statistics, line));
    for (unsigned set = 0; set < SET_COUNT; set++) {
        json_set(gathered, line, (enum statistics_set)set, answer);
    }
    json_object_end(&answer->json);
}

static void json_duty(const struct gathered *gathered, size_t agency, enum duty_kind kind,
                      struct answer *answer)
{
    if (statistics_duty(gathered->statistics, agency, kind, DUTY_FIGURE_DUE) == 0) {
        return;
    }
    json_object_begin(&answer->json);
    answer_text(answer, "agency", agency_id(gathered, agency));
    answer_text(answer, "duty", statistics_duty_word(kind)->id);
    for (unsigned i = 0; i < DUTY_FIGURE_COUNT; i++) {
        enum duty_figure figure = (enum duty_figure)i;

        answer_u64(answer, statistics_duty_figure_word(figure)->id,
                   statistics_duty(gathered->statistics, agency, kind, figure));
    }
    json_object_end(&answer->json);
}

static void json_duties(const struct gathered *gathered, struct answer *answer)
{
    json_name(&answer->json, "duties");
    json_array_begin(&answer->json);
    for (size_t agency = 0; agency <= gathered->agency_count; agency++) {
        for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
            if (is_shown(gathered, agency)) {
                json_duty(gathered, agency, (enum duty_kind)kind, answer);
            }
        }
    }
    json_array_end(&answer->json);
}

int statistics_json(const struct gathered *gathered)
{
    struct statistics_line line = {0, STATISTICS_OUTBOUND};
    char from[CIVIL_TEXT_BYTES], to[CIVIL_TEXT_BYTES];
    struct answer answer;

    civil_format(gathered->period.first_day, from);
    civil_format(gathered->period.last_day, to);
    answer_begin(&answer, true);
    answer_text(&answer, "from", from);
    answer_text(&answer, "to", to);
    answer_u64(&answer, "as_of_ms", gathered->period.as_of_ms);
    answer_text(&answer, "calendar", gathered->calendar);
    json_name(&answer.json, "lines");
    json_array_begin(&answer.json);
    for (; next_line(gathered, &line); step_line(&line)) {
        json_line(gathered, line, &answer);
    }
    json_array_end(&answer.json);
    json_duties(gathered, &answer);
    return answer_end(&answer, EXIT_OK);
}

/* --- the terminal --- */

static const enum statistics_figure drawn_figures[] = {
    FIGURE_SENT,        FIGURE_RECEIVED,  FIGURE_SIGNED,  FIGURE_IN_TIME,
    FIGURE_LATE,        FIGURE_OPEN,      FIGURE_OVERDUE, FIGURE_PROCEDURE,
    FIGURE_UNDELIVERED, FIGURE_WITHDRAWN, FIGURE_RETURNED};

#define DRAWN_COUNT (sizeof(drawn_figures) / sizeof(drawn_figures[0]))

_Static_assert(DRAWN_COUNT + 5 <= TABLE_COLUMNS_MAX, "agency, direction, two quantiles, a rate");

static void cell_days(const struct gathered *gathered, struct statistics_line line,
                      unsigned percent, struct table *table)
{
    int64_t days = statistics_quantile(gathered->statistics, line, DAYS_WINDOW, percent);

    if (days < 0) {
        table_cell(table, "-");
    } else {
        table_cellf(table, "%" PRId64, days);
    }
}

static void draw_line(const struct gathered *gathered, struct statistics_line line,
                      struct table *table)
{
    int64_t rate = statistics_on_time(gathered->statistics, line);

    table_cell(table, agency_name(gathered, line.agency));
    table_cell(table, said(gathered, statistics_direction_word(line.direction)));
    for (size_t i = 0; i < DRAWN_COUNT; i++) {
        table_cell_u64(table, statistics_figure(gathered->statistics, line, drawn_figures[i]));
    }
    cell_days(gathered, line, percents[0], table);
    cell_days(gathered, line, percents[1], table);
    if (rate < 0) {
        table_cell(table, "-");
    } else {
        table_cellf(table, "%" PRId64 ".%" PRId64 "%%", rate / 10, rate % 10);
    }
}

static int draw_lines(const struct gathered *gathered)
{
    const char *heads[DRAWN_COUNT + 5];
    struct statistics_line line = {0, STATISTICS_OUTBOUND};
    struct table table;

    heads[0] = gathered->english ? "agency" : "单位";
    heads[1] = gathered->english ? "direction" : "方向";
    for (size_t i = 0; i < DRAWN_COUNT; i++) {
        heads[2 + i] = said(gathered, statistics_figure_word(drawn_figures[i]));
    }
    heads[DRAWN_COUNT + 2] = gathered->english ? "median" : "中位数";
    heads[DRAWN_COUNT + 3] = gathered->english ? "90th" : "九成位";
    heads[DRAWN_COUNT + 4] = gathered->english ? "on time" : "按期率";
    table_begin(&table, heads, "llrrrrrrrrrrrrrr");
    for (; next_line(gathered, &line); step_line(&line)) {
        draw_line(gathered, line, &table);
    }
    return table_end(&table, gathered->english ? "no referrals" : "无线索");
}

struct counted { /* a row of the second table */
    const char *group, *name;
    uint64_t counts[STATISTICS_DIRECTIONS];
};

static void draw_counted(const struct counted *counted, struct table *table)
{
    if (counted->counts[0] == 0 && counted->counts[1] == 0) {
        return;
    }
    table_cell(table, counted->group);
    table_cell(table, counted->name);
    table_cell_u64(table, counted->counts[STATISTICS_OUTBOUND]);
    table_cell_u64(table, counted->counts[STATISTICS_INBOUND]);
}

static void draw_set(const struct gathered *gathered, enum statistics_set set, struct table *table)
{
    size_t count = 0;
    const struct word *words = statistics_set_words(set, &count);

    for (size_t i = 0; i < count; i++) {
        struct counted counted = {.group = said(gathered, statistics_set_word(set)),
                                  .name = said(gathered, &words[i])};

        for (unsigned k = 0; k < STATISTICS_DIRECTIONS; k++) {
            struct statistics_line line = {gathered->only, (enum statistics_direction)k};

            counted.counts[k] = statistics_member(gathered->statistics, line, set, words[i].value);
        }
        draw_counted(&counted, table);
    }
}

/* What the first table has no column for, of all agencies or the one that is asked for. */
static int draw_counts(const struct gathered *gathered)
{
    const char *heads[] = {gathered->english ? "count" : "类别", gathered->english ? "of" : "项目",
                           said(gathered, statistics_direction_word(STATISTICS_OUTBOUND)),
                           said(gathered, statistics_direction_word(STATISTICS_INBOUND))};
    struct table table;

    table_begin(&table, heads, "llrr");
    for (unsigned i = FIGURE_DELIVERED; i < FIGURE_COUNT; i++) {
        enum statistics_figure figure = (enum statistics_figure)i;
        struct counted counted = {.group = gathered->english ? "referrals" : "线索",
                                  .name = said(gathered, statistics_figure_word(figure))};

        for (unsigned k = 0; k < STATISTICS_DIRECTIONS && figure != FIGURE_SIGNED; k++) {
            struct statistics_line line = {gathered->only, (enum statistics_direction)k};

            counted.counts[k] = statistics_figure(gathered->statistics, line, figure);
        }
        draw_counted(&counted, &table);
    }
    for (unsigned set = 0; set < SET_COUNT; set++) {
        draw_set(gathered, (enum statistics_set)set, &table);
    }
    return table_end(&table, gathered->english ? "nothing to count" : "无");
}

static void draw_duty(const struct gathered *gathered, size_t agency, enum duty_kind kind,
                      struct table *table)
{
    if (statistics_duty(gathered->statistics, agency, kind, DUTY_FIGURE_DUE) == 0) {
        return;
    }
    table_cell(table, agency_name(gathered, agency));
    table_cell(table, said(gathered, statistics_duty_word(kind)));
    for (unsigned i = 0; i < DUTY_FIGURE_COUNT; i++) {
        table_cell_u64(table,
                       statistics_duty(gathered->statistics, agency, kind, (enum duty_figure)i));
    }
}

static int draw_duties(const struct gathered *gathered)
{
    const char *heads[2 + DUTY_FIGURE_COUNT];
    struct table table;

    heads[0] = gathered->english ? "agency" : "单位";
    heads[1] = gathered->english ? "duty" : "事项";
    for (unsigned i = 0; i < DUTY_FIGURE_COUNT; i++) {
        heads[2 + i] = said(gathered, statistics_duty_figure_word((enum duty_figure)i));
    }
    table_begin(&table, heads, "llrrrrrr");
    for (size_t agency = 0; agency <= gathered->agency_count; agency++) {
        for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
            if (is_shown(gathered, agency)) {
                draw_duty(gathered, agency, (enum duty_kind)kind, &table);
            }
        }
    }
    return table_end(&table, gathered->english ? "no duty falls due" : "无到期事项");
}

int statistics_draw(const struct gathered *gathered)
{
    char from[CIVIL_TEXT_BYTES], to[CIVIL_TEXT_BYTES], as_of[INSTANT_TEXT_BYTES];
    int status;

    civil_format(gathered->period.first_day, from);
    civil_format(gathered->period.last_day, to);
    output_instant(gathered->period.as_of_ms, as_of);
    printf(gathered->english ? "%s to %s, as of %s, calendar %s\n\n"
                             : "%s 至 %s，截至 %s，日历 %s\n\n",
           from, to, as_of, gathered->calendar);
    status = draw_lines(gathered);
    printf("\n");
    status = status == EXIT_OK ? draw_counts(gathered) : status;
    printf("\n");
    return status == EXIT_OK ? draw_duties(gathered) : status;
}

/* --- CSV (RFC 4180, with the byte order mark that spreadsheets want) --- */

struct csv {
    struct buf text; /* owned */
    enum err error;  /* sticks */
    bool comma;
};

static void csv_append(struct csv *csv, const char *text)
{
    if (csv->error == OK) {
        csv->error = buf_append_text(&csv->text, text);
    }
}

/* A cell that a spreadsheet would take for a formula begins with an apostrophe instead. */
static void csv_cell(struct csv *csv, const char *text)
{
    csv_append(csv, csv->comma ? ",\"" : "\"");
    csv_append(csv, text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL ? "'" : "");
    for (const char *at = text; *at != '\0'; at++) {
        char piece[3] = {*at, *at == '"' ? '"' : '\0', '\0'};

        csv_append(csv, piece);
    }
    csv_append(csv, "\"");
    csv->comma = true;
}

/* Nothing for what is negative: there is no such figure. */
static void csv_number(struct csv *csv, int64_t value)
{
    char text[24] = "";

    if (value >= 0) {
        (void)snprintf(text, sizeof(text), "%" PRId64, value);
    }
    csv_append(csv, csv->comma ? "," : "");
    csv_append(csv, text);
    csv->comma = true;
}

static void csv_end(struct csv *csv)
{
    csv_append(csv, "\r\n");
    csv->comma = false;
}

/* A head that is two words: the group, then what is counted of it. */
static void csv_head(struct csv *csv, const char *group, const char *name)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "%s：%s", group, name);
    csv_cell(csv, text);
}

static void csv_set_heads(const struct gathered *gathered, enum statistics_set set, struct csv *csv)
{
    size_t count = 0;
    const struct word *words = statistics_set_words(set, &count);

    for (size_t i = 0; i < count; i++) {
        csv_head(csv, said(gathered, statistics_set_word(set)), said(gathered, &words[i]));
    }
}

static void csv_heads(const struct gathered *gathered, struct csv *csv)
{
    csv_cell(csv, gathered->english ? "id" : "单位代码");
    csv_cell(csv, gathered->english ? "agency" : "单位");
    csv_cell(csv, gathered->english ? "direction" : "方向");
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        csv_cell(csv, said(gathered, statistics_figure_word((enum statistics_figure)i)));
    }
    for (unsigned i = 0; i < DAYS_COUNT * PERCENT_COUNT; i++) {
        csv_cell(csv, said(gathered, statistics_days_word((enum statistics_days)(i / PERCENT_COUNT),
                                                          percents[i % PERCENT_COUNT])));
    }
    csv_cell(csv, said(gathered, statistics_rate_word()));
    for (unsigned set = 0; set < SET_COUNT; set++) {
        csv_set_heads(gathered, (enum statistics_set)set, csv);
    }
    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        for (unsigned i = 0; i < DUTY_FIGURE_COUNT; i++) {
            csv_head(csv, said(gathered, statistics_duty_word((enum duty_kind)kind)),
                     said(gathered, statistics_duty_figure_word((enum duty_figure)i)));
        }
    }
    csv_end(csv);
}

static void csv_line(const struct gathered *gathered, struct statistics_line line, struct csv *csv)
{
    struct statistics *statistics = gathered->statistics;

    csv_cell(csv, agency_id(gathered, line.agency));
    csv_cell(csv, agency_name(gathered, line.agency));
    csv_cell(csv, said(gathered, statistics_direction_word(line.direction)));
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        csv_number(csv, (int64_t)statistics_figure(statistics, line, (enum statistics_figure)i));
    }
    for (unsigned i = 0; i < DAYS_COUNT * PERCENT_COUNT; i++) {
        csv_number(csv,
                   statistics_quantile(statistics, line, (enum statistics_days)(i / PERCENT_COUNT),
                                       percents[i % PERCENT_COUNT]));
    }
    csv_number(csv, statistics_on_time(statistics, line));
    for (unsigned set = 0; set < SET_COUNT; set++) {
        size_t count = 0;
        const struct word *words = statistics_set_words((enum statistics_set)set, &count);

        for (size_t i = 0; i < count; i++) {
            csv_number(csv, (int64_t)statistics_member(statistics, line, (enum statistics_set)set,
                                                       words[i].value));
        }
    }
    for (unsigned i = 0; i < STATISTICS_DUTY_KINDS * DUTY_FIGURE_COUNT; i++) {
        csv_number(csv, -1); /* duties have no direction: lines of their own */
    }
    csv_end(csv);
}

static size_t figure_columns(void)
{
    size_t columns = FIGURE_COUNT + DAYS_COUNT * PERCENT_COUNT + 1;

    for (unsigned set = 0; set < SET_COUNT; set++) {
        size_t count = 0;

        (void)statistics_set_words((enum statistics_set)set, &count);
        columns += count;
    }
    return columns;
}

static void csv_duties(const struct gathered *gathered, size_t agency, struct csv *csv)
{
    size_t columns = figure_columns();
    uint64_t due = 0;

    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        due += statistics_duty(gathered->statistics, agency, (enum duty_kind)kind, DUTY_FIGURE_DUE);
    }
    if (due == 0 || !is_shown(gathered, agency)) {
        return;
    }
    csv_cell(csv, agency_id(gathered, agency));
    csv_cell(csv, agency_name(gathered, agency));
    csv_cell(csv, gathered->english ? "duties" : "事项");
    for (size_t i = 0; i < columns; i++) {
        csv_number(csv, -1);
    }
    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        for (unsigned i = 0; i < DUTY_FIGURE_COUNT; i++) {
            csv_number(csv, (int64_t)statistics_duty(gathered->statistics, agency,
                                                     (enum duty_kind)kind, (enum duty_figure)i));
        }
    }
    csv_end(csv);
}

static int csv_write(const struct csv *csv, const struct invocation *invocation, const char *path)
{
    struct fault fault = {.code = ""};

    if (csv->error != OK) {
        fault_set(&fault, "statistics.csv", path, "cannot write the table: %s",
                  err_text(csv->error));
        return output_fault(invocation, EXIT_FAILED, &fault);
    }
    if (strcmp(path, "-") == 0) {
        (void)fwrite(csv->text.data, 1, csv->text.len, stdout); /* main asks ferror */
        return EXIT_OK;
    }
    return file_write(path, span_buf(&csv->text), 0640, &fault) == OK
               ? EXIT_OK
               : output_fault(invocation, EXIT_FAILED, &fault);
}

int statistics_csv(const struct gathered *gathered, const struct invocation *invocation,
                   const char *path)
{
    struct statistics_line line = {0, STATISTICS_OUTBOUND};
    struct csv csv = {.error = OK};
    int status;

    buf_init(&csv.text, CSV_BYTES);
    csv_append(&csv, "\xEF\xBB\xBF");
    csv_heads(gathered, &csv);
    for (; next_line(gathered, &line); step_line(&line)) {
        csv_line(gathered, line, &csv);
    }
    for (size_t agency = 0; agency <= gathered->agency_count; agency++) {
        csv_duties(gathered, agency, &csv);
    }
    status = csv_write(&csv, invocation, path);
    buf_free(&csv.text);
    return status;
}

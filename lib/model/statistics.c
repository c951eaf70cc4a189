/* How: one cell of counters for each agency and direction; a row adds to the sender's, the
 * receiver's and the two of all. Days are kept one by one and sorted when a quantile is asked for,
 * so that quantiles are exact whatever the numbers are. */
#include "model/statistics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 64u /* places of one set: bits of a word, or a small number */

_Static_assert(RUNG_STEP_COUNT <= MEMBERS_MAX, "a step has its place in a set");
_Static_assert(OUTCOME_COUNT <= MEMBERS_MAX, "an outcome has its place in a set");

/* ---- names ---- */

static const struct word figure_words[FIGURE_COUNT] = {
    {FIGURE_SENT, "sent", "移送", "sent"},
    {FIGURE_RECEIVED, "received", "收到", "received"},
    {FIGURE_IN_TIME, "answered_in_time", "按期办结", "answered in time"},
    {FIGURE_LATE, "answered_late", "逾期办结", "answered late"},
    {FIGURE_OPEN, "open", "期内待反馈", "open"},
    {FIGURE_OVERDUE, "overdue", "逾期未反馈", "overdue"},
    {FIGURE_PROCEDURE, "procedure", "待补材料", "papers awaited"},
    {FIGURE_UNDELIVERED, "undelivered", "未送达", "undelivered"},
    {FIGURE_WITHDRAWN, "withdrawn", "撤回", "withdrawn"},
    {FIGURE_RETURNED, "returned", "退回", "returned"},
    {FIGURE_DELIVERED, "delivered", "已送达", "delivered"},
    {FIGURE_SIGNED, "signed", "已签收", "signed"},
    {FIGURE_ANSWERS, "answers", "反馈次数", "answers"},
    {FIGURE_LATE_ANSWERS, "late_answers", "逾期反馈次数", "late answers"},
    {FIGURE_MINORS, "minors", "涉未成年人", "minors"},
    {FIGURE_URGENT, "urgent", "紧急", "urgent"},
    {FIGURE_LIFE_DANGER, "life_danger", "生命危险", "life in danger"},
    {FIGURE_DOCUMENTS, "documents", "督办单", "documents"},
    {FIGURE_RESOLVED, "resolved", "督办已解除", "resolved"},
};

static const struct word days_words[DAYS_COUNT][2] = {
    [DAYS_WINDOW] = {{50, "median_days", "办理工作日中位数", "median days"},
                     {90, "p90_days", "办理工作日九成位数", "90th percentile days"}},
    [DAYS_WHOLE] = {{50, "whole_median_days", "全程工作日中位数", "whole median days"},
                    {90, "whole_p90_days", "全程工作日九成位数", "whole 90th percentile days"}},
};

static const struct word rate_word = {0, "on_time_permille", "按期反馈率（‰）",
                                      "on time (per mille)"};

static const struct word direction_words[STATISTICS_DIRECTIONS] = {
    {STATISTICS_OUTBOUND, "outbound", "社会救助线索", "outbound"},
    {STATISTICS_INBOUND, "inbound", "司法救助线索", "inbound"},
};

static const struct word duty_words[STATISTICS_DUTY_KINDS] = {
    {DUTY_INFORMATION, "information", "提供信息", "information"},
    {DUTY_FOLLOW_UP, "follow-up", "回访", "follow-up"},
    {DUTY_PROMISE, "promise", "承诺事项", "promise"},
    {DUTY_PAYMENT, "payment", "救助金支付", "payment"},
    {DUTY_LETTER, "letter", "协作单位回函", "letter"},
    {DUTY_ATTENDANCE, "attendance", "参会答复", "attendance"},
};

static const struct word duty_figure_words[DUTY_FIGURE_COUNT] = {
    {DUTY_FIGURE_DUE, "due", "应办", "due"},
    {DUTY_FIGURE_IN_TIME, "done_in_time", "按期完成", "done in time"},
    {DUTY_FIGURE_LATE, "done_late", "逾期完成", "done late"},
    {DUTY_FIGURE_OPEN, "open", "期内待办", "open"},
    {DUTY_FIGURE_OVERDUE, "overdue", "逾期未办", "overdue"},
    {DUTY_FIGURE_CANCELLED, "cancelled", "取消", "cancelled"},
};

static const struct word set_words[SET_COUNT] = {
    {SET_OUTCOMES, "outcomes", "反馈结果", "outcomes"},
    {SET_GRANTED, "granted", "给予措施", "measures granted"},
    {SET_DELIVERED, "measures_delivered", "落实措施", "measures delivered"},
    {SET_GROUPS, "priority_groups", "重点救助对象", "priority groups"},
    {SET_CHANNELS, "lead_channels", "线索来源", "lead channels"},
    {SET_RUNGS, "rungs", "提醒与督办", "reminders and escalations"},
};

static const struct word step_words[RUNG_STEP_COUNT] = {
    {STEP_REMIND, "remind", "到期前提醒", "reminders"},
    {STEP_DUE_1, "due-1", "到期督办", "due-1"},
    {STEP_DUE_2, "due-2", "二次督办", "due-2"},
    {STEP_DUE_3, "due-3", "三次及以上督办", "due-3 and repeats"},
    {STEP_UNDELIVERED_1, "undelivered-1", "未送达督办", "undelivered-1"},
    {STEP_UNDELIVERED_2, "undelivered-2", "未送达再督办", "undelivered-2 and repeats"},
    {STEP_URGENT_1, "urgent-1", "紧急督办", "urgent-1"},
    {STEP_URGENT_2, "urgent-2", "紧急再督办", "urgent-2"},
    {STEP_UNSIGNED_1, "unsigned-1", "未签收督办", "unsigned-1"},
    {STEP_UNSIGNED_2, "unsigned-2", "未签收再督办", "unsigned-2"},
};

static const enum vocabulary set_vocabularies[SET_COUNT] = {
    [SET_OUTCOMES] = VOCABULARY_OUTCOME,      [SET_GRANTED] = VOCABULARY_MEASURE,
    [SET_DELIVERED] = VOCABULARY_MEASURE,     [SET_GROUPS] = VOCABULARY_PRIORITY_GROUP,
    [SET_CHANNELS] = VOCABULARY_LEAD_CHANNEL, [SET_RUNGS] = VOCABULARY_COUNT,
};

const struct word *statistics_figure_word(enum statistics_figure figure)
{
    assert(figure < FIGURE_COUNT);
    assert(figure_words[figure].value == (uint32_t)figure);
    return &figure_words[figure];
}

const struct word *statistics_days_word(enum statistics_days days, unsigned percent)
{
    assert(days < DAYS_COUNT);
    assert(percent == 50 || percent == 90);
    return &days_words[days][percent == 90 ? 1 : 0];
}

const struct word *statistics_rate_word(void)
{
    return &rate_word;
}

const struct word *statistics_direction_word(enum statistics_direction direction)
{
    assert(direction < STATISTICS_DIRECTIONS);
    return &direction_words[direction];
}

const struct word *statistics_duty_word(enum duty_kind kind)
{
    assert(kind >= DUTY_INFORMATION && kind < DUTY_KIND_END);
    assert(duty_words[kind - DUTY_INFORMATION].value == (uint32_t)kind);
    return &duty_words[kind - DUTY_INFORMATION];
}

const struct word *statistics_duty_figure_word(enum duty_figure figure)
{
    assert(figure < DUTY_FIGURE_COUNT);
    return &duty_figure_words[figure];
}

const struct word *statistics_set_word(enum statistics_set set)
{
    assert(set < SET_COUNT);
    return &set_words[set];
}

const struct word *statistics_set_words(enum statistics_set set, size_t *ret_count)
{
    assert(set < SET_COUNT);
    if (set == SET_RUNGS) {
        *ret_count = RUNG_STEP_COUNT;
        return step_words;
    }
    return vocabulary_words(set_vocabularies[set], ret_count);
}

/* ---- rows ---- */

void statistics_referral_of(const struct referral *referral, const struct calendar *calendar,
                            struct statistics_referral *ret_row)
{
    const struct window *window = &referral->clocks[REFERRAL_CLOCK_FEEDBACK];
    bool open = referral_clock_open(referral, REFERRAL_CLOCK_FEEDBACK);
    *ret_row = (struct statistics_referral){
        .sender = referral->sender,
        .receiver = referral->receiver,
        .inbound = referral->kind == MESSAGE_INBOUND_REFERRAL,
        .state = referral->state,
        .is_signed = (referral->marks & MARK_SIGNED) != 0,
        .late = referral->late,
        .minor = referral->minor,
        .urgent = referral->urgent,
        .life_danger = referral->life_danger,
        .submitted_ms = referral->submitted_ms,
        .delivered_ms = referral->delivered_ms,
        .due_before_ms = open ? window->due_before_ms : 0,
        .final = referral->state == REFERRAL_ANSWERED,
        .late_answers = referral->late_answers,
        .outcome = referral->outcome,
        .lead_channel = referral->lead_channel,
        .priority_groups = referral->priority_groups,
        .granted = referral->granted,
        .delivered = referral->delivered,
        .open_documents = referral->document_count,
    };
    memcpy(ret_row->raised, referral->raised, sizeof(ret_row->raised));
    ret_row->answers = referral->procedure_count + (ret_row->final ? 1 : 0);
    if (ret_row->final) {
        uint64_t at_ms = referral->claimed_ms != 0 ? referral->claimed_ms : referral->answered_ms;
        int32_t day = civil_day_at(at_ms);
        ret_row->window_days =
            calendar_count_working_days(calendar, civil_day_at(window->start_ms), day);
        ret_row->whole_days =
            calendar_count_working_days(calendar, civil_day_at(referral->delivered_ms), day);
    }
}

enum err statistics_duty_of(const struct matter *matter, uint32_t index,
                            struct statistics_duty *ret_row)
{
    if (index >= matter->duty_count) {
        return ERR_NOT_FOUND;
    }
    const struct duty *duty = &matter->duties[index];
    *ret_row = (struct statistics_duty){
        .holder = duty->holder,
        .kind = duty->kind,
        .due_day = duty->window.due_day,
        .due_before_ms = duty->window.due_before_ms,
        .stopped_ms = duty->window.stopped_ms,
        .cancelled = duty->cancelled,
    };
    return OK;
}

/* ---- the table ---- */

struct day_list {
    uint32_t *days; /* owned */
    size_t count, room;
    bool sorted;
};

struct cell {
    uint64_t figures[FIGURE_COUNT];
    uint64_t members[SET_COUNT][MEMBERS_MAX];
    struct day_list days[DAYS_COUNT];
};

struct duty_cell {
    uint64_t figures[STATISTICS_DUTY_KINDS][DUTY_FIGURE_COUNT];
};

struct statistics {
    struct statistics_period period;
    size_t agencies;
    struct cell *cells;       /* owned: (agencies + 1) times STATISTICS_DIRECTIONS */
    struct duty_cell *duties; /* owned: agencies + 1 */
};

enum err statistics_new(size_t agencies, struct statistics_period period,
                        struct statistics **ret_statistics)
{
    struct statistics *statistics = calloc(1, sizeof(*statistics));
    assert(agencies < UINT16_MAX);
    if (statistics == NULL) {
        return ERR_MEMORY;
    }
    statistics->period = period;
    statistics->agencies = agencies;
    statistics->cells = calloc((agencies + 1) * STATISTICS_DIRECTIONS, sizeof(struct cell));
    statistics->duties = calloc(agencies + 1, sizeof(struct duty_cell));
    if (statistics->cells == NULL || statistics->duties == NULL) {
        statistics_free(statistics);
        return ERR_MEMORY;
    }
    *ret_statistics = statistics;
    return OK;
}

void statistics_free(struct statistics *statistics)
{
    if (statistics == NULL) {
        return;
    }
    size_t cells =
        statistics->cells == NULL ? 0 : (statistics->agencies + 1) * STATISTICS_DIRECTIONS;
    for (size_t i = 0; i < cells * DAYS_COUNT; i++) {
        free(statistics->cells[i / DAYS_COUNT].days[i % DAYS_COUNT].days);
    }
    free(statistics->cells);
    free(statistics->duties);
    free(statistics);
}

static struct cell *cell_at(const struct statistics *statistics, struct statistics_line line)
{
    assert(line.agency <= statistics->agencies);
    assert(line.direction < STATISTICS_DIRECTIONS);
    return &statistics->cells[line.agency * STATISTICS_DIRECTIONS + line.direction];
}

static enum err add_day(struct day_list *list, uint32_t days)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 64 : 2 * list->room;
        uint32_t *larger = realloc(list->days, room * sizeof(*larger));
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        list->days = larger;
        list->room = room;
    }
    list->days[list->count++] = days;
    list->sorted = false;
    return OK;
}

/* Each state but DELIVERED and ANSWERED is a figure of its own. */
static enum statistics_figure state_figure(const struct statistics_referral *row, uint64_t as_of_ms)
{
    switch (row->state) {
    case REFERRAL_DELIVERED:
        return row->due_before_ms != 0 && as_of_ms >= row->due_before_ms ? FIGURE_OVERDUE
                                                                         : FIGURE_OPEN;
    case REFERRAL_PROCEDURE:
        return FIGURE_PROCEDURE;
    case REFERRAL_ANSWERED:
        return row->late ? FIGURE_LATE : FIGURE_IN_TIME;
    case REFERRAL_WITHDRAWN:
        return FIGURE_WITHDRAWN;
    case REFERRAL_RETURNED:
        return FIGURE_RETURNED;
    default:
        return FIGURE_UNDELIVERED;
    }
}

static void add_bits(uint64_t counts[MEMBERS_MAX], uint64_t bits)
{
    for (; bits != 0; bits &= bits - 1) {
        counts[__builtin_ctzll(bits)]++;
    }
}

/* Zero is the outcome or channel of what has none. */
static void add_number(uint64_t counts[MEMBERS_MAX], uint32_t value)
{
    if (value != 0 && value < MEMBERS_MAX) {
        counts[value]++;
    }
}

static void add_sets(struct cell *cell, const struct statistics_referral *row)
{
    uint64_t documents = 0;
    add_number(cell->members[SET_OUTCOMES], (uint32_t)row->outcome);
    add_number(cell->members[SET_CHANNELS], row->lead_channel);
    add_bits(cell->members[SET_GRANTED], row->granted);
    add_bits(cell->members[SET_DELIVERED], row->delivered);
    add_bits(cell->members[SET_GROUPS], row->priority_groups);
    for (uint32_t step = 0; step < RUNG_STEP_COUNT; step++) {
        cell->members[SET_RUNGS][step] += row->raised[step];
        documents += step == STEP_REMIND ? 0 : row->raised[step];
    }
    cell->figures[FIGURE_DOCUMENTS] += documents;
    cell->figures[FIGURE_RESOLVED] +=
        documents > row->open_documents ? documents - row->open_documents : 0;
}

static enum err add_received(struct cell *cell, const struct statistics_referral *row,
                             uint64_t as_of_ms)
{
    uint64_t *figures = cell->figures;
    enum err error = OK;
    figures[FIGURE_RECEIVED]++;
    figures[state_figure(row, as_of_ms)]++;
    figures[FIGURE_DELIVERED] += row->delivered_ms != 0 ? 1 : 0;
    figures[FIGURE_SIGNED] += row->is_signed ? 1 : 0;
    figures[FIGURE_ANSWERS] += row->answers;
    figures[FIGURE_LATE_ANSWERS] += row->late_answers;
    figures[FIGURE_MINORS] += row->minor ? 1 : 0;
    figures[FIGURE_URGENT] += row->urgent ? 1 : 0;
    figures[FIGURE_LIFE_DANGER] += row->life_danger ? 1 : 0;
    add_sets(cell, row);
    if (row->final) {
        error = add_day(&cell->days[DAYS_WINDOW], row->window_days);
    }
    if (error == OK && row->final) {
        error = add_day(&cell->days[DAYS_WHOLE], row->whole_days);
    }
    return error;
}

static bool in_period(const struct statistics *statistics, int32_t day)
{
    return day >= statistics->period.first_day && day <= statistics->period.last_day;
}

static bool is_agency(const struct statistics *statistics, uint16_t number)
{
    return number > 0 && number <= statistics->agencies;
}

enum err statistics_add_referral(struct statistics *statistics,
                                 const struct statistics_referral *row)
{
    enum statistics_direction direction = row->inbound ? STATISTICS_INBOUND : STATISTICS_OUTBOUND;
    struct statistics_line all = {0, direction}, sender = {row->sender, direction},
                           receiver = {row->receiver, direction};
    uint64_t as_of_ms = statistics->period.as_of_ms;
    if (!is_agency(statistics, row->sender) || !is_agency(statistics, row->receiver)) {
        return ERR_INVALID;
    }
    if (!in_period(statistics, civil_day_at(row->submitted_ms))) {
        return OK;
    }
    cell_at(statistics, all)->figures[FIGURE_SENT]++;
    cell_at(statistics, sender)->figures[FIGURE_SENT]++;
    enum err error = add_received(cell_at(statistics, all), row, as_of_ms);
    return error == OK ? add_received(cell_at(statistics, receiver), row, as_of_ms) : error;
}

static enum duty_figure duty_figure_of(const struct statistics_duty *row, uint64_t as_of_ms)
{
    if (row->stopped_ms == 0) {
        return as_of_ms >= row->due_before_ms ? DUTY_FIGURE_OVERDUE : DUTY_FIGURE_OPEN;
    }
    if (row->cancelled) {
        return DUTY_FIGURE_CANCELLED;
    }
    return row->stopped_ms >= row->due_before_ms ? DUTY_FIGURE_LATE : DUTY_FIGURE_IN_TIME;
}

enum err statistics_add_duty(struct statistics *statistics, const struct statistics_duty *row)
{
    bool known = row->kind >= DUTY_INFORMATION && row->kind < DUTY_KIND_END;
    if (!is_agency(statistics, row->holder) || !known) {
        return ERR_INVALID;
    }
    if (row->due_before_ms == 0 || !in_period(statistics, row->due_day)) {
        return OK; /* a duty that waits for its delivery has no date yet */
    }
    enum duty_figure figure = duty_figure_of(row, statistics->period.as_of_ms);
    size_t places[2] = {0, row->holder};
    for (size_t i = 0; i < 2; i++) {
        uint64_t *figures = statistics->duties[places[i]].figures[row->kind - DUTY_INFORMATION];
        figures[DUTY_FIGURE_DUE]++;
        figures[figure]++;
    }
    return OK;
}

/* ---- reading ---- */

bool statistics_empty(const struct statistics *statistics, struct statistics_line line)
{
    const struct cell *cell = cell_at(statistics, line);
    return cell->figures[FIGURE_SENT] == 0 && cell->figures[FIGURE_RECEIVED] == 0;
}

uint64_t statistics_figure(const struct statistics *statistics, struct statistics_line line,
                           enum statistics_figure figure)
{
    assert(figure < FIGURE_COUNT);
    return cell_at(statistics, line)->figures[figure];
}

uint64_t statistics_member(const struct statistics *statistics, struct statistics_line line,
                           enum statistics_set set, uint32_t value)
{
    assert(set < SET_COUNT);
    assert(value < MEMBERS_MAX);
    return cell_at(statistics, line)->members[set][value];
}

static int by_days(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

int64_t statistics_quantile(struct statistics *statistics, struct statistics_line line,
                            enum statistics_days days, unsigned percent)
{
    assert(days < DAYS_COUNT);
    assert(percent >= 1 && percent <= 100);
    struct day_list *list = &cell_at(statistics, line)->days[days];
    if (list->count == 0) {
        return -1;
    }
    if (!list->sorted) {
        qsort(list->days, list->count, sizeof(*list->days), by_days);
        list->sorted = true;
    }
    size_t rank = (list->count * percent + 99) / 100;
    return list->days[rank - 1];
}

int64_t statistics_on_time(const struct statistics *statistics, struct statistics_line line)
{
    const uint64_t *figures = cell_at(statistics, line)->figures;
    uint64_t ended = figures[FIGURE_ANSWERS] + figures[FIGURE_OVERDUE];
    uint64_t late = figures[FIGURE_LATE_ANSWERS];
    uint64_t in_time = figures[FIGURE_ANSWERS] > late ? figures[FIGURE_ANSWERS] - late : 0;
    return ended == 0 ? -1 : (int64_t)(1000 * in_time / ended);
}

uint64_t statistics_duty(const struct statistics *statistics, size_t agency, enum duty_kind kind,
                         enum duty_figure figure)
{
    assert(agency <= statistics->agencies);
    assert(kind >= DUTY_INFORMATION && kind < DUTY_KIND_END);
    assert(figure < DUTY_FIGURE_COUNT);
    return statistics->duties[agency].figures[kind - DUTY_INFORMATION][figure];
}

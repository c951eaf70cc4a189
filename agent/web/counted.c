/* How: each row of a referral is added with the other agency as its receiver, so that the lines of
 * model/statistics are the counterparts. */
#include "agent/web/counted.h"

#include <stdlib.h>
#include <string.h>

/* --- months --- */

/* "2026-07" */
static enum err month_read(const char *text, struct civil_date *ret_date)
{
    int digits[6];

    if (strlen(text) != 7 || text[4] != '-') {
        return ERR_INVALID;
    }
    for (size_t i = 0, at = 0; i < 7; i++) {
        if (i == 4) {
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return ERR_INVALID;
        }
        digits[at++] = text[i] - '0';
    }
    ret_date->year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    ret_date->month = digits[4] * 10 + digits[5];
    ret_date->day = 1;
    return ret_date->month >= 1 && ret_date->month <= 12 ? OK : ERR_INVALID;
}

/* The first day of the month that is so many later, or earlier. */
static enum err month_first(struct civil_date date, int later, int32_t *ret_day)
{
    const int months = date.year * 12 + date.month - 1 + later;

    return civil_day_of(
        (struct civil_date){.year = months / 12, .month = months % 12 + 1, .day = 1}, ret_day);
}

enum err counted_months(const char *from, const char *until, struct statistics_period *ret_period)
{
    struct civil_date first, last;
    enum err error = month_read(from, &first);

    if (error == OK) {
        error = month_read(until, &last);
    }
    if (error == OK) {
        error = civil_day_of(first, &ret_period->first_day);
    }
    if (error == OK) {
        error = month_first(last, 1, &ret_period->last_day);
    }
    if (error != OK || ret_period->last_day <= ret_period->first_day) {
        return ERR_INVALID;
    }
    ret_period->last_day--;
    return OK;
}

struct statistics_period counted_before(struct statistics_period period)
{
    const struct civil_date first = civil_date_of(period.first_day);
    const struct civil_date last = civil_date_of(period.last_day);
    const int months = (last.year - first.year) * 12 + last.month - first.month + 1;
    struct statistics_period before = {.last_day = period.first_day - 1,
                                       .as_of_ms = period.as_of_ms};

    if (month_first(first, -months, &before.first_day) != OK) {
        before.first_day = before.last_day;
    }
    return before;
}

/* --- the tables --- */

static enum err make_places(struct counted *counted)
{
    const struct registry *registry = counted->registry;

    counted->places = calloc(UINT16_MAX + 1u, sizeof(*counted->places));
    if (counted->places == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < registry_count(registry); i++) {
        counted->places[registry_at(registry, i)->number] = (uint16_t)(i + 1);
    }
    return OK;
}

enum err counted_new(const struct registry *registry, const struct agency *self,
                     struct statistics_period period, struct counted **ret_counted)
{
    struct counted *counted = calloc(1, sizeof(*counted));
    enum err error;

    if (counted == NULL) {
        return ERR_MEMORY;
    }
    counted->registry = registry;
    counted->self = self;
    counted->period = period;
    counted->before = counted_before(period);
    error = make_places(counted);
    for (int side = 0; error == OK && side < COUNTED_SIDES; side++) {
        error = statistics_new(registry_count(registry), period, &counted->sides[side]);
        if (error == OK) {
            error = statistics_new(1, counted->before, &counted->earlier[side]);
        }
    }
    if (error == OK) {
        error = statistics_new(COUNTED_OTHERS, period, &counted->duties);
    }
    if (error != OK) {
        counted_free(counted);
        return error;
    }
    *ret_counted = counted;
    return OK;
}

void counted_free(struct counted *counted)
{
    if (counted == NULL) {
        return;
    }
    for (int side = 0; side < COUNTED_SIDES; side++) {
        statistics_free(counted->sides[side]);
        statistics_free(counted->earlier[side]);
    }
    statistics_free(counted->duties);
    free(counted->places);
    free(counted);
}

/* The oldest are kept. */
static void add_overdue(struct counted *counted, const struct work_figures *figures)
{
    const struct statistics_referral *row = figures->referral;
    struct counted_overdue entry = {.responsible = row->receiver,
                                    .due_before_ms = row->due_before_ms,
                                    .minor = row->minor,
                                    .urgent = row->urgent || row->life_danger};
    size_t at = counted->overdue_count;

    counted->overdue_total++;
    while (at > 0 && counted->overdue[at - 1].due_before_ms > entry.due_before_ms) {
        at--;
    }
    if (at == COUNTED_OVERDUE_MAX) {
        return;
    }
    counted->overdue_count += counted->overdue_count < COUNTED_OVERDUE_MAX ? 1 : 0;
    memmove(&counted->overdue[at + 1], &counted->overdue[at],
            (counted->overdue_count - at - 1) * sizeof(entry));
    text_copy(entry.number, sizeof(entry.number), figures->item->number);
    counted->overdue[at] = entry;
}

static bool is_overdue(const struct counted *counted, const struct statistics_referral *row)
{
    const int32_t day = civil_day_at(row->submitted_ms);

    return row->state == REFERRAL_DELIVERED && row->due_before_ms != 0 &&
           counted->period.as_of_ms >= row->due_before_ms && day >= counted->period.first_day &&
           day <= counted->period.last_day;
}

static enum err add_referral(struct counted *counted, const struct work_figures *figures)
{
    const enum counted_side side = figures->item->mine ? COUNTED_SENT : COUNTED_RECEIVED;
    struct statistics_referral row = *figures->referral;
    const uint16_t other = side == COUNTED_SENT ? row.receiver : row.sender;
    enum err error;

    if (counted->places[other] == 0) {
        return OK;
    }
    if (is_overdue(counted, &row)) {
        add_overdue(counted, figures);
    }
    row.sender = counted->places[counted->self->number];
    row.receiver = counted->places[other];
    error = statistics_add_referral(counted->sides[side], &row);
    if (error == OK) {
        row.sender = 1;
        row.receiver = 1;
        error = statistics_add_referral(counted->earlier[side], &row);
    }
    return error;
}

static enum err add_duty(struct counted *counted, const struct statistics_duty *duty)
{
    struct statistics_duty row = *duty;
    const uint16_t acting =
        registry_acting(counted->registry, duty->holder, counted->period.as_of_ms);

    row.holder = acting == counted->self->number ? COUNTED_OWN : COUNTED_OTHERS;
    return statistics_add_duty(counted->duties, &row);
}

enum err counted_add(void *ctx, const struct work_figures *figures)
{
    struct counted *counted = ctx;
    enum err error = figures->referral != NULL ? add_referral(counted, figures) : OK;

    for (uint32_t i = 0; error == OK && i < figures->duty_count; i++) {
        error = add_duty(counted, &figures->duties[i]);
    }
    return error;
}

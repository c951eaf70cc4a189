/* The dates that a copy had before it was counted anew by a newer calendar.
 *
 * What the broker recorded before it took that calendar may come here later: the answer that
 * stopped a clock, whose receipt was on its way. The broker judged it by the older date, and the
 * clock stays with it. So each date that counting anew moved is kept with the time from which the
 * newer one counts, and what was recorded up to then is followed with the older dates. A clock that
 * is still open afterwards gets the newer one back; all else is settled, and no longer kept.
 *
 * STORE_INDEX: 'D' | case id | referral or matter id -> be64 until, then for each clock be16 place
 * | be64 start | older, newer: be32 day | provisional. */
#include <assert.h>
#include <string.h>

#include "agent/state.h"
#include "base/bytes.h"

#define DATES_KEY_BYTES (1u + 2u * UUID_BYTES)
#define DATE_BYTES      20u

static struct span dates_key(const struct case_key *key, uint8_t out[DATES_KEY_BYTES])
{
    out[0] = 'D';
    memcpy(out + 1, key->case_id.bytes, UUID_BYTES);
    memcpy(out + 1 + UUID_BYTES, key->referral_id.bytes, UUID_BYTES);
    return span_of(out, DATES_KEY_BYTES);
}

/* NULL: it has no such clock. */
static struct window *window_at(struct copy *copy, size_t place)
{
    if (copy->of_matter) {
        return place < copy->matter.duty_count ? &copy->matter.duties[place].window : NULL;
    }
    return place < REFERRAL_CLOCK_COUNT ? &copy->referral.clocks[place] : NULL;
}

static struct date date_of(const struct window *window)
{
    return (struct date){.day = window->due_day, .provisional = window->provisional};
}

static bool is_dated(const struct window *window, uint64_t start_ms, const struct date *date)
{
    return window->number != 0 && window->stopped_ms == 0 && window->start_ms == start_ms &&
           window->due_day == date->day && window->provisional == date->provisional;
}

static void put_date(struct window *window, const struct date *date)
{
    window->due_day = date->day;
    window->due_before_ms = civil_end_ms(date->day);
    window->provisional = date->provisional;
}

/* --- before and after counting anew --- */

void dates_take(struct copy *copy, uint64_t until_ms, struct dates *ret_dates)
{
    const struct window *window = NULL;

    ret_dates->until_ms = until_ms;
    ret_dates->count = 0;
    for (size_t place = 0; (window = window_at(copy, place)) != NULL; place++) {
        if (window->number != 0 && window->n > 0 && window->stopped_ms == 0) {
            assert(ret_dates->count < DATES_MAX);
            ret_dates->each[ret_dates->count++] = (struct dated){
                .place = place, .start_ms = window->start_ms, .older = date_of(window)};
        }
    }
}

void dates_compare(struct copy *copy, struct dates *dates)
{
    size_t kept = 0;

    for (size_t i = 0; i < dates->count; i++) {
        struct dated dated = dates->each[i];
        const struct window *window = window_at(copy, dated.place);

        dated.newer = date_of(window);
        if (!is_dated(window, dated.start_ms, &dated.older)) {
            dates->each[kept++] = dated;
        }
    }
    dates->count = kept;
}

/* --- following what was recorded before --- */

void dates_older(const struct dates *dates, struct copy *copy)
{
    for (size_t i = 0; i < dates->count; i++) {
        const struct dated *dated = &dates->each[i];
        struct window *window = window_at(copy, dated->place);

        if (window != NULL && is_dated(window, dated->start_ms, &dated->newer)) {
            put_date(window, &dated->older);
        }
    }
}

void dates_newer(struct dates *dates, struct copy *copy)
{
    size_t kept = 0;

    for (size_t i = 0; i < dates->count; i++) {
        const struct dated dated = dates->each[i];
        struct window *window = window_at(copy, dated.place);

        if (window != NULL && is_dated(window, dated.start_ms, &dated.older)) {
            put_date(window, &dated.newer);
            dates->each[kept++] = dated;
        }
    }
    dates->count = kept;
}

/* --- rows --- */

static uint8_t *pack_date(uint8_t *to, const struct date *date)
{
    be32_put(to, (uint32_t)date->day);
    to[4] = date->provisional;
    return to + 5;
}

static struct date unpack_date(const uint8_t *from)
{
    return (struct date){.day = (int32_t)be32_get(from), .provisional = from[4] != 0};
}

enum err dates_keep(struct store_txn *txn, const struct case_key *key, const struct dates *dates)
{
    uint8_t name[DATES_KEY_BYTES], row[8 + DATES_MAX * DATE_BYTES], *to = row + 8;
    struct span row_key = dates_key(key, name);

    if (dates->count == 0) {
        enum err error = store_remove(txn, STORE_INDEX, row_key);

        return error == ERR_NOT_FOUND ? OK : error;
    }
    be64_put(row, dates->until_ms);
    for (size_t i = 0; i < dates->count; i++) {
        be16_put(to, (uint16_t)dates->each[i].place);
        be64_put(to + 2, dates->each[i].start_ms);
        to = pack_date(to + 10, &dates->each[i].older);
        to = pack_date(to, &dates->each[i].newer);
    }
    return store_put(txn, STORE_INDEX, row_key, span_of(row, (size_t)(to - row)));
}

enum err dates_load(struct store_txn *txn, const struct case_key *key, struct dates *ret_dates)
{
    uint8_t name[DATES_KEY_BYTES];
    struct span row;
    enum err error = store_get(txn, STORE_INDEX, dates_key(key, name), &row);

    ret_dates->count = 0;
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (row.len < 8 || (row.len - 8) % DATE_BYTES != 0 || (row.len - 8) / DATE_BYTES > DATES_MAX) {
        return ERR_CORRUPT;
    }
    ret_dates->until_ms = be64_get(row.data);
    for (size_t at = 8; at < row.len; at += DATE_BYTES) {
        const uint8_t *from = row.data + at;

        ret_dates->each[ret_dates->count++] = (struct dated){.place = be16_get(from),
                                                             .start_ms = be64_get(from + 2),
                                                             .older = unpack_date(from + 10),
                                                             .newer = unpack_date(from + 15)};
    }
    return OK;
}

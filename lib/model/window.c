/* How: every rung counts from one of three points: day N in force (reminders and due), the day of
 * the start (undelivered, unsigned), or the instant of the start (urgent). Counting from day N in
 * force, not from the start, gives the same days, and the right ones after a re-dating whose date
 * is not the calendar's N-th day. */
#include "model/window.h"

#include <assert.h>
#include <string.h>

#define HOUR_MS    UINT64_C(3600000)
#define N_MAX      400
#define OFFSET_MAX 2000
/* Working days that an answering agency keeps at least when a re-dating shortens its window. */
#define FLOOR_WORKING_DAYS 2

_Static_assert(RUNG_COUNT <= 64, "a rung_set is one word");

static const char *const rung_ids[RUNG_COUNT] = {
    "remind-5",
    "remind-2",
    "due-1",
    "due-2",
    "due-3",
    "due-3.1",
    "due-3.2",
    "due-3.3",
    "due-3.4",
    "due-3.5",
    "due-3.6",
    "due-3.7",
    "due-3.8",
    "due-3.9",
    "due-3.10",
    "due-3.11",
    "due-3.12",
    "due-3.13",
    "due-3.14",
    "due-3.15",
    "due-3.16",
    "due-3.17",
    "due-3.18",
    "due-3.19",
    "due-3.20",
    "undelivered-1",
    "undelivered-2",
    "undelivered-2.1",
    "undelivered-2.2",
    "undelivered-2.3",
    "undelivered-2.4",
    "undelivered-2.5",
    "undelivered-2.6",
    "undelivered-2.7",
    "undelivered-2.8",
    "undelivered-2.9",
    "undelivered-2.10",
    "undelivered-2.11",
    "undelivered-2.12",
    "undelivered-2.13",
    "undelivered-2.14",
    "undelivered-2.15",
    "undelivered-2.16",
    "undelivered-2.17",
    "undelivered-2.18",
    "undelivered-2.19",
    "undelivered-2.20",
    "urgent-1",
    "urgent-2",
    "unsigned-1",
    "unsigned-2",
};

/* The rungs of a step follow one another; these are the last ones. */
static const struct {
    enum rung last;
    const char *id;
} steps[RUNG_STEP_COUNT] = {
    [STEP_REMIND] = {RUNG_REMIND_2, "remind"},
    [STEP_DUE_1] = {RUNG_DUE_1, "due-1"},
    [STEP_DUE_2] = {RUNG_DUE_2, "due-2"},
    [STEP_DUE_3] = {RUNG_DUE_3_LAST, "due-3"},
    [STEP_UNDELIVERED_1] = {RUNG_UNDELIVERED_1, "undelivered-1"},
    [STEP_UNDELIVERED_2] = {RUNG_UNDELIVERED_2_LAST, "undelivered-2"},
    [STEP_URGENT_1] = {RUNG_URGENT_1, "urgent-1"},
    [STEP_URGENT_2] = {RUNG_URGENT_2, "urgent-2"},
    [STEP_UNSIGNED_1] = {RUNG_UNSIGNED_1, "unsigned-1"},
    [STEP_UNSIGNED_2] = {RUNG_UNSIGNED_2, "unsigned-2"},
};

static const char *const clock_kind_ids[CLOCK_KIND_COUNT] = {
    [CLOCK_FEEDBACK_OUTBOUND] = "feedback-outbound",
    [CLOCK_FEEDBACK_INBOUND] = "feedback-inbound",
    [CLOCK_TELL_APPLICANT] = "tell-applicant",
    [CLOCK_PAPERS] = "papers",
    [CLOCK_INFORMATION] = "information",
    [CLOCK_UNDELIVERED] = "undelivered",
    [CLOCK_URGENT] = "urgent",
    [CLOCK_UNSIGNED] = "unsigned",
    [CLOCK_DATED] = "dated",
};

enum basis_point {
    FROM_DAY_N,       /* working days */
    FROM_START_DAY,   /* working days */
    FROM_START_HOURS, /* hours round the clock */
};

/* Which rungs a clock has, in the order of their time, and what they count from. */
struct clock_rungs {
    enum rung first;
    enum rung last;
    enum basis_point from;
};

static const struct clock_rungs *clock_rungs_of(enum clock_kind kind)
{
    static const struct clock_rungs answer = {RUNG_REMIND_5, RUNG_DUE_3_LAST, FROM_DAY_N};
    static const struct clock_rungs undelivered = {RUNG_UNDELIVERED_1, RUNG_UNDELIVERED_2_LAST,
                                                   FROM_START_DAY};
    static const struct clock_rungs urgent = {RUNG_URGENT_1, RUNG_URGENT_2, FROM_START_HOURS};
    static const struct clock_rungs not_signed = {RUNG_UNSIGNED_1, RUNG_UNSIGNED_2, FROM_START_DAY};
    static const struct clock_rungs *const table[CLOCK_KIND_COUNT] = {
        [CLOCK_FEEDBACK_OUTBOUND] = &answer,
        [CLOCK_FEEDBACK_INBOUND] = &answer,
        [CLOCK_TELL_APPLICANT] = &answer,
        [CLOCK_PAPERS] = &answer,
        [CLOCK_INFORMATION] = &answer,
        [CLOCK_UNDELIVERED] = &undelivered,
        [CLOCK_URGENT] = &urgent,
        [CLOCK_UNSIGNED] = &not_signed,
        [CLOCK_DATED] = &answer,
    };
    assert(kind < CLOCK_KIND_COUNT);
    return table[kind];
}

/* ---- the ladder of domain section 5 ---- */

#define DUE_3_TARGETS         (TARGET_LEADER | TARGET_SENDER_LEADER | TARGET_OFFICE | TARGET_AGENDA)
#define UNDELIVERED_1_TARGETS (TARGET_OFFICE | TARGET_ADMINISTRATORS | TARGET_SENDER)
#define UNDELIVERED_2_TARGETS (UNDELIVERED_1_TARGETS | TARGET_LEADER)

#define DUE_3(k)         [RUNG_DUE_3 + (k)] = {10 + 10 * (k), DUE_3_TARGETS}
#define UNDELIVERED_2(k) [RUNG_UNDELIVERED_2 + (k)] = {3 + 5 * (k), UNDELIVERED_2_TARGETS}

const struct ladder *ladder_default(void)
{
    static const struct ladder ladder = {
        .days =
            {
                [CLOCK_FEEDBACK_OUTBOUND] = 20,
                [CLOCK_FEEDBACK_INBOUND] = 10,
                [CLOCK_TELL_APPLICANT] = 5,
                [CLOCK_PAPERS] = 20,
                [CLOCK_INFORMATION] = 5,
            },
        .rungs =
            {
                [RUNG_REMIND_5] = {-5, TARGET_LIAISON},
                [RUNG_REMIND_2] = {-2, TARGET_LIAISON},
                [RUNG_DUE_1] = {0, TARGET_LIAISON | TARGET_LEADER | TARGET_SENDER},
                [RUNG_DUE_2] = {3, TARGET_LIAISON | TARGET_LEADER | TARGET_SENDER | TARGET_OFFICE},
                DUE_3(0),
                DUE_3(1),
                DUE_3(2),
                DUE_3(3),
                DUE_3(4),
                DUE_3(5),
                DUE_3(6),
                DUE_3(7),
                DUE_3(8),
                DUE_3(9),
                DUE_3(10),
                DUE_3(11),
                DUE_3(12),
                DUE_3(13),
                DUE_3(14),
                DUE_3(15),
                DUE_3(16),
                DUE_3(17),
                DUE_3(18),
                DUE_3(19),
                DUE_3(20),
                [RUNG_UNDELIVERED_1] = {1, UNDELIVERED_1_TARGETS},
                UNDELIVERED_2(0),
                UNDELIVERED_2(1),
                UNDELIVERED_2(2),
                UNDELIVERED_2(3),
                UNDELIVERED_2(4),
                UNDELIVERED_2(5),
                UNDELIVERED_2(6),
                UNDELIVERED_2(7),
                UNDELIVERED_2(8),
                UNDELIVERED_2(9),
                UNDELIVERED_2(10),
                UNDELIVERED_2(11),
                UNDELIVERED_2(12),
                UNDELIVERED_2(13),
                UNDELIVERED_2(14),
                UNDELIVERED_2(15),
                UNDELIVERED_2(16),
                UNDELIVERED_2(17),
                UNDELIVERED_2(18),
                UNDELIVERED_2(19),
                UNDELIVERED_2(20),
                [RUNG_URGENT_1] = {2, TARGET_DUTY},
                [RUNG_URGENT_2] = {6, TARGET_LEADER | TARGET_OFFICE},
                [RUNG_UNSIGNED_1] = {3, TARGET_LIAISON},
                [RUNG_UNSIGNED_2] = {5, TARGET_LEADER},
            },
    };
    return &ladder;
}

static enum err ladder_check_clock(const struct ladder *ladder, enum clock_kind kind,
                                   struct fault *fault)
{
    const struct clock_rungs *rungs = clock_rungs_of(kind);
    bool dated = kind == CLOCK_DATED; /* its N is the given date's */
    bool counts = rungs->from == FROM_DAY_N && !dated;
    if (counts && (ladder->days[kind] < 1 || ladder->days[kind] > N_MAX)) {
        fault_set(fault, "ladder.days", clock_kind_ids[kind], "%u working days: expected 1 to %d",
                  (unsigned)ladder->days[kind], N_MAX);
        return ERR_INVALID;
    }
    if (!counts && ladder->days[kind] != 0) {
        fault_set(fault, "ladder.days", clock_kind_ids[kind], "this clock has no day N");
        return ERR_INVALID;
    }
    int32_t before = counts || dated ? -N_MAX : 0;
    for (enum rung rung = rungs->first; rung <= rungs->last; rung++) {
        int32_t offset = ladder->rungs[rung].offset;
        if (offset <= before || offset > OFFSET_MAX) {
            fault_set(fault, "ladder.offset", rung_ids[rung], "%d: expected %d to %d", (int)offset,
                      (int)before + 1, OFFSET_MAX);
            fault_hint(fault, "each rung of a clock comes later than the one before it");
            return ERR_INVALID;
        }
        before = offset;
    }
    return OK;
}

enum err ladder_check(const struct ladder *ladder, struct fault *fault)
{
    for (enum clock_kind kind = 0; kind < CLOCK_KIND_COUNT; kind++) {
        enum err error = ladder_check_clock(ladder, kind, fault);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* ---- ids and sets ---- */

static enum err text_find(const char *const *table, size_t count, const char *text,
                          size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i], text) == 0) {
            *ret_index = i;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

const char *rung_id(enum rung rung)
{
    assert(rung < RUNG_COUNT);
    return rung_ids[rung];
}

enum err rung_parse(const char *id, enum rung *ret_rung)
{
    size_t index = 0;
    enum err error = text_find(rung_ids, RUNG_COUNT, id, &index);
    if (error == OK) {
        *ret_rung = (enum rung)index;
    }
    return error;
}

const char *clock_kind_id(enum clock_kind kind)
{
    assert(kind < CLOCK_KIND_COUNT);
    return clock_kind_ids[kind];
}

enum err clock_kind_parse(const char *id, enum clock_kind *ret_kind)
{
    size_t index = 0;
    enum err error = text_find(clock_kind_ids, CLOCK_KIND_COUNT, id, &index);
    if (error == OK) {
        *ret_kind = (enum clock_kind)index;
    }
    return error;
}

static const char *const basis_ids[] = {[BASIS_CALENDAR] = "calendar",
                                        [BASIS_FLOOR] = "floor",
                                        [BASIS_KEPT] = "kept",
                                        [BASIS_GIVEN] = "given"};

const char *window_basis_id(enum window_basis basis)
{
    assert(basis <= BASIS_GIVEN);
    return basis_ids[basis];
}

enum err window_basis_parse(const char *id, enum window_basis *ret_basis)
{
    size_t index = 0;
    enum err error = text_find(basis_ids, BASIS_GIVEN + 1, id, &index);
    if (error == OK) {
        *ret_basis = (enum window_basis)index;
    }
    return error;
}

static bool rung_is_reminder(enum rung rung)
{
    return rung == RUNG_REMIND_5 || rung == RUNG_REMIND_2;
}

bool rung_is_document(enum rung rung)
{
    assert(rung < RUNG_COUNT);
    return !rung_is_reminder(rung);
}

bool rung_is_of(enum rung rung, enum clock_kind kind)
{
    const struct clock_rungs *rungs = clock_rungs_of(kind);
    return rung >= rungs->first && rung <= rungs->last;
}

enum rung_step rung_step_of(enum rung rung)
{
    enum rung_step step = STEP_REMIND;
    assert(rung < RUNG_COUNT);
    while (rung > steps[step].last) {
        step++;
    }
    return step;
}

const char *rung_step_id(enum rung_step step)
{
    assert(step < RUNG_STEP_COUNT);
    return steps[step].id;
}

bool rung_set_has(struct rung_set set, enum rung rung)
{
    assert(rung < RUNG_COUNT);
    return (set.bits >> rung & 1) != 0;
}

struct rung_set rung_set_with(struct rung_set set, enum rung rung)
{
    assert(rung < RUNG_COUNT);
    set.bits |= UINT64_C(1) << rung;
    return set;
}

uint32_t rung_set_count(struct rung_set set)
{
    return (uint32_t)__builtin_popcountll(set.bits);
}

void rung_set_format(struct rung_set set, char out[RUNG_SET_TEXT_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    for (enum rung rung = 0; rung < RUNG_COUNT; rung++) {
        size_t len = strlen(rung_ids[rung]);
        if (!rung_set_has(set, rung)) {
            continue;
        }
        assert(used + len + 2 <= RUNG_SET_TEXT_BYTES);
        if (used > 0) {
            out[used++] = ' ';
        }
        memcpy(out + used, rung_ids[rung], len + 1);
        used += len;
    }
}

/* ---- windows ---- */

void window_open(const struct ladder *ladder, const struct calendar *calendar, enum clock_kind kind,
                 uint64_t start_ms, struct window *ret_window)
{
    assert(kind < CLOCK_KIND_COUNT);
    struct window window = {
        .kind = kind,
        .number = 1,
        .n = ladder->days[kind],
        .start_ms = start_ms,
        .basis = BASIS_CALENDAR,
    };
    if (window.n > 0) {
        struct due_date due;
        calendar_due(calendar, start_ms, window.n, &due);
        window.due_day = due.day_n;
        window.due_before_ms = due.due_before_ms;
        window.provisional = due.provisional;
    }
    *ret_window = window;
}

void window_open_dated(const struct calendar *calendar, uint64_t start_ms, int32_t due_day,
                       struct window *ret_window)
{
    int32_t first = civil_day_at(start_ms);
    uint32_t n = calendar_count_working_days(calendar, first, due_day);
    assert(due_day >= first);
    *ret_window = (struct window){
        .kind = CLOCK_DATED,
        .number = 1,
        .n = n > 0 ? n : 1, /* its own day at the least: the rung of that day is raised */
        .start_ms = start_ms,
        .due_day = due_day,
        .due_before_ms = civil_end_ms(due_day),
        .basis = BASIS_GIVEN,
    };
}

bool rung_due_ms(const struct ladder *ladder, const struct calendar *calendar,
                 const struct window *window, enum rung rung, uint64_t *ret_due_ms)
{
    if (!rung_is_of(rung, window->kind)) {
        return false;
    }
    int32_t offset = ladder->rungs[rung].offset;
    int32_t from = 0;
    switch (clock_rungs_of(window->kind)->from) {
    case FROM_START_HOURS:
        *ret_due_ms = window->start_ms + (uint64_t)offset * HOUR_MS;
        return true;
    case FROM_START_DAY:
        from = civil_day_at(window->start_ms);
        break;
    case FROM_DAY_N:
        if ((int32_t)window->n + offset < 1) {
            return false;
        }
        from = window->due_day;
        break;
    }
    *ret_due_ms = civil_end_ms(calendar_add_working_days(calendar, from, offset));
    return true;
}

bool rung_next(const struct ladder *ladder, const struct calendar *calendar,
               const struct window *window, enum rung *ret_rung, uint64_t *ret_due_ms)
{
    if (window->stopped_ms != 0) {
        return false;
    }
    const struct clock_rungs *rungs = clock_rungs_of(window->kind);
    for (enum rung rung = rungs->first; rung <= rungs->last; rung++) {
        if (rung_set_has(window->raised, rung) || rung_set_has(window->skipped, rung)) {
            continue;
        }
        if (rung_due_ms(ladder, calendar, window, rung, ret_due_ms)) {
            *ret_rung = rung;
            return true;
        }
    }
    return false;
}

struct lateness window_lateness(const struct calendar *calendar, uint64_t due_before_ms,
                                uint64_t answered_ms)
{
    struct lateness lateness = {.late = answered_ms >= due_before_ms};
    if (lateness.late) {
        assert(due_before_ms > 0);
        lateness.working_days = calendar_count_working_days(
            calendar, civil_day_at(due_before_ms - 1), civil_day_at(answered_ms));
    }
    return lateness;
}

/* ---- re-dating ---- */

static int32_t day_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t day_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Puts the new calendar's date into the window. */
static void window_move(const struct calendar *calendar, uint64_t now_ms, struct window *window)
{
    struct due_date fresh;
    calendar_due(calendar, window->start_ms, window->n, &fresh);
    int32_t floor = calendar_add_working_days(calendar, civil_day_at(now_ms), FLOOR_WORKING_DAYS);
    int32_t old = window->due_day;
    int32_t day = fresh.day_n >= old ? fresh.day_n : day_min(old, day_max(fresh.day_n, floor));
    if (day == fresh.day_n) {
        window->basis = BASIS_CALENDAR;
    } else if (day != old) {
        window->basis = BASIS_FLOOR;
    } else if (window->basis == BASIS_CALENDAR) {
        window->basis = day == floor ? BASIS_FLOOR : BASIS_KEPT;
    }
    window->due_day = day;
    window->due_before_ms = civil_end_ms(day);
    window->provisional = fresh.provisional || calendar_is_provisional(calendar, day);
}

void window_recount(const struct calendar *calendar, uint64_t now_ms, struct window *window)
{
    if (window->stopped_ms == 0 && window->n > 0 && window->basis != BASIS_GIVEN) {
        window_move(calendar, now_ms, window);
    }
}

/* Can a new calendar say anything about this rung? Most were not raised and stay as they are: their
 * time, hundreds of days ahead, need not be counted. */
static bool rung_is_touched(const struct window *window, enum rung rung,
                            const struct redating *redating)
{
    return rung_set_has(window->raised, rung) ||
           (redating->moved && rung_is_reminder(rung) && !rung_set_has(window->skipped, rung));
}

/* What becomes of one rung whose new time is due_ms. */
static void rung_redate(const struct window *window, enum rung rung, uint64_t due_ms,
                        uint64_t now_ms, struct redating *redating)
{
    bool raised = rung_set_has(window->raised, rung);
    if (raised && (redating->moved || due_ms > now_ms)) {
        redating->annotated = rung_set_with(redating->annotated, rung);
    }
    if (raised && due_ms > now_ms) {
        redating->resolved = rung_set_with(redating->resolved, rung);
    }
    if (!raised && due_ms < now_ms) {
        redating->skipped = rung_set_with(redating->skipped, rung);
    }
}

void window_redate(const struct ladder *ladder, const struct calendar *calendar, uint64_t now_ms,
                   struct window *window, struct redating *ret_redating)
{
    struct redating redating = {.old_due_before_ms = window->due_before_ms};
    if (window->stopped_ms != 0) {
        *ret_redating = redating;
        return;
    }
    bool provisional = window->provisional;
    window_recount(calendar, now_ms, window);
    redating.moved = window->due_before_ms != redating.old_due_before_ms;
    redating.settled = window->provisional != provisional;
    const struct clock_rungs *rungs = clock_rungs_of(window->kind);
    for (enum rung rung = rungs->first; rung <= rungs->last; rung++) {
        uint64_t due_ms = 0;
        if (rung_is_touched(window, rung, &redating) &&
            rung_due_ms(ladder, calendar, window, rung, &due_ms)) {
            rung_redate(window, rung, due_ms, now_ms, &redating);
        }
    }
    window->skipped.bits |= redating.skipped.bits;
    *ret_redating = redating;
}

/* ---- the explanation ---- */

void window_trace(const struct calendar *calendar, const struct window *window,
                  struct window_trace *ret_trace)
{
    assert(window->n > 0);
    struct due_date due = {.day_0 = civil_day_at(window->start_ms), .day_n = window->due_day};
    if (window->basis != BASIS_GIVEN) {
        calendar_due(calendar, window->start_ms, window->n, &due);
    }
    *ret_trace = (struct window_trace){
        .start_ms = window->start_ms,
        .day_0 = due.day_0,
        .day_1 = calendar_next_working_day(calendar, due.day_0),
        .day_n = due.day_n,
        .due_day = window->due_day,
        .due_before_ms = window->due_before_ms,
        .n = window->n,
        .basis = window->basis,
        .provisional = window->provisional,
        .version = calendar_version(calendar),
    };
    for (int32_t day = due.day_0 + 1; day <= due.day_n; day++) {
        if (calendar_is_working_day(calendar, day) && civil_weekday(day) <= 5) {
            continue; /* most days: their rows need not be looked for */
        }
        struct calendar_day reason = calendar_day_reason(calendar, day);
        if (ret_trace->day_count == TRACE_DAYS_MAX) {
            ret_trace->omitted++;
            continue;
        }
        ret_trace->days[ret_trace->day_count++] = reason;
    }
}

/* Windows and their rungs: when an answer is due, what is raised when, to whom, and why.
 *
 * Pure arithmetic over model/calendar.h (domain section 5; Art. 9, 10, 11). It raises nothing and
 * stores nothing: model/referral keeps the windows, the broker's scheduler asks for the next rung.
 * Any thread. Rung and clock numbers are stored in the due index: they are never renumbered. */
#ifndef REFERRAL_MODEL_WINDOW_H
#define REFERRAL_MODEL_WINDOW_H

#include "model/calendar.h"

/* What a clock runs for. */
enum clock_kind {
    CLOCK_FEEDBACK_OUTBOUND, /* 20 working days from delivery (Art. 9) */
    CLOCK_FEEDBACK_INBOUND,  /* 10 working days from delivery (Art. 11) */
    CLOCK_TELL_APPLICANT,    /* a task: tell the applicant, 5 working days */
    CLOCK_PAPERS,            /* a task: bring the papers, 20 working days */
    CLOCK_INFORMATION,       /* an information request, 5 working days */
    CLOCK_UNDELIVERED,       /* from queueing until the delivery receipt */
    CLOCK_URGENT,            /* from delivery, hours round the clock; life in danger only */
    CLOCK_UNSIGNED,          /* from delivery until the sign-for (Art. 10) */
    CLOCK_DATED,             /* until a date that people gave: follow-ups, promises, payments */
    CLOCK_KIND_COUNT
};

#define RUNG_REPEAT_COUNT 20 /* due-3.1 ... due-3.20, undelivered-2.1 ... undelivered-2.20 */

enum rung {
    RUNG_REMIND_5 = 0,
    RUNG_REMIND_2 = 1,
    RUNG_DUE_1 = 2,
    RUNG_DUE_2 = 3,
    RUNG_DUE_3 = 4,
    RUNG_DUE_3_FIRST = 5, /* due-3.1 */
    RUNG_DUE_3_LAST = 24, /* due-3.20 */
    RUNG_UNDELIVERED_1 = 25,
    RUNG_UNDELIVERED_2 = 26,
    RUNG_UNDELIVERED_2_FIRST = 27, /* undelivered-2.1 */
    RUNG_UNDELIVERED_2_LAST = 46,  /* undelivered-2.20 */
    RUNG_URGENT_1 = 47,
    RUNG_URGENT_2 = 48,
    RUNG_UNSIGNED_1 = 49,
    RUNG_UNSIGNED_2 = 50,
    RUNG_COUNT
};

#define RUNG_ID_BYTES       24
#define RUNG_SET_TEXT_BYTES 640 /* all ids at once, with blanks and the NUL */

/* "remind-5" ... "due-3.7"; stable, in leaves, documents and on the wire. Static storage. */
const char *rung_id(enum rung rung);
enum err rung_parse(const char *id, enum rung *ret_rung) MUST_CHECK; /* ERR_NOT_FOUND */
const char *clock_kind_id(enum clock_kind kind);                     /* "feedback-outbound" ... */
enum err clock_kind_parse(const char *id, enum clock_kind *ret_kind) MUST_CHECK;

/* A numbered document (督办单) that asks for a reply; else a plain notice (a reminder). */
bool rung_is_document(enum rung rung);
bool rung_is_of(enum rung rung, enum clock_kind kind); /* does this clock have this rung? */

/* The steps of all ladders, for what is counted over a life: the repeats of a rung are its step. */
enum rung_step { /* stored: never renumbered */
                 STEP_REMIND = 0,
                 STEP_DUE_1 = 1,
                 STEP_DUE_2 = 2,
                 STEP_DUE_3 = 3,
                 STEP_UNDELIVERED_1 = 4,
                 STEP_UNDELIVERED_2 = 5,
                 STEP_URGENT_1 = 6,
                 STEP_URGENT_2 = 7,
                 STEP_UNSIGNED_1 = 8,
                 STEP_UNSIGNED_2 = 9,
                 RUNG_STEP_COUNT
};
enum rung_step rung_step_of(enum rung rung);
const char *rung_step_id(enum rung_step step); /* "remind", "due-1" ... */

struct rung_set {
    uint64_t bits; /* bit r: rung r */
};
bool rung_set_has(struct rung_set set, enum rung rung);
struct rung_set rung_set_with(struct rung_set set, enum rung rung);
uint32_t rung_set_count(struct rung_set set);
/* Their ids in the order of their numbers, a blank between: "remind-2 due-1"; "" for none. */
void rung_set_format(struct rung_set set, char out[RUNG_SET_TEXT_BYTES]);

/* To whom a rung goes; "responsible" is the agency that must act. */
enum rung_target {
    TARGET_LIAISON = 1u << 0,       /* the responsible agency's liaison officer */
    TARGET_LEADER = 1u << 1,        /* the responsible agency's leader */
    TARGET_SENDER = 1u << 2,        /* the agency that waits is told */
    TARGET_SENDER_LEADER = 1u << 3, /* its leader */
    TARGET_OFFICE = 1u << 4,        /* the joint-meeting office */
    TARGET_ADMINISTRATORS = 1u << 5,
    TARGET_DUTY = 1u << 6,   /* the responsible agency's duty contact, round the clock */
    TARGET_AGENDA = 1u << 7, /* the agenda of the next joint meeting */
};

/* The table of domain section 5 as data: an administrator's policy may change every number. */
struct ladder_rung {
    int32_t offset;   /* working days from day N (remind, due) or from the start; hours: urgent */
    uint32_t targets; /* of enum rung_target */
};
struct ladder {
    uint32_t days[CLOCK_KIND_COUNT]; /* N; 0 for undelivered, urgent, unsigned */
    struct ladder_rung rungs[RUNG_COUNT];
};
const struct ladder *ladder_default(void);
/* Offsets must rise within each clock and N be 1 ... 400; the fault's place is a rung or clock id.
 */
enum err ladder_check(const struct ladder *ladder, struct fault *fault) MUST_CHECK;

/* Why the date in force is what it is. */
enum window_basis {
    BASIS_CALENDAR, /* day N of the calendar from the start */
    BASIS_FLOOR,    /* re-dated: the 2nd working day after the re-dating */
    BASIS_KEPT,     /* re-dated: the old date stays */
    BASIS_GIVEN,    /* people gave it: no calendar moves it */
};

const char *window_basis_id(enum window_basis basis); /* "calendar" ... static storage */
enum err window_basis_parse(const char *id, enum window_basis *ret_basis) MUST_CHECK;

/* One running clock. A plain value: the caller stores it. */
struct window {
    enum clock_kind kind;
    uint32_t number;        /* 1, 2 ... within its referral */
    uint32_t n;             /* working days; 0 for undelivered, urgent, unsigned */
    uint64_t start_ms;      /* delivery, queueing or opening of the task */
    int32_t due_day;        /* day N in force; unused when n is 0 */
    uint64_t due_before_ms; /* 24:00 of due_day; 0 when n is 0 */
    bool provisional;
    enum window_basis basis;
    uint64_t stopped_ms;     /* 0: open. Answered, cancelled or cause gone */
    struct rung_set raised;  /* each exactly once per window */
    struct rung_set skipped; /* reminders that a re-dating made pointless */
};

/* Opens a window at start_ms with the ladder's N for this kind. Its number is 1: a caller that
 * opens the next one sets it. */
void window_open(const struct ladder *ladder, const struct calendar *calendar, enum clock_kind kind,
                 uint64_t start_ms, struct window *ret_window);

/* Opens a CLOCK_DATED that ends at 24:00 of `due_day`; N is the number of working days after the
 * day of start_ms up to and including it, at least 1; rungs count from it. */
void window_open_dated(const struct calendar *calendar, uint64_t start_ms, int32_t due_day,
                       struct window *ret_window);

/* The instant at which a rung falls due: 24:00 of working day N + offset, or of the offset-th
 * working day after the start, or so many hours after it. False when this window has no such rung:
 * another clock's, or N + offset < 1. */
bool rung_due_ms(const struct ladder *ladder, const struct calendar *calendar,
                 const struct window *window, enum rung rung, uint64_t *ret_due_ms);

/* The earliest rung that was neither raised nor skipped, and its instant (it may be past). False
 * when there is none left, or the window is stopped. */
bool rung_next(const struct ladder *ladder, const struct calendar *calendar,
               const struct window *window, enum rung *ret_rung, uint64_t *ret_due_ms);

struct lateness {
    bool late;             /* now >= 24:00 of day N */
    uint32_t working_days; /* after day N up to and including the day of arrival; 0 and late: */
                           /* "less than one working day late" */
};
struct lateness window_lateness(const struct calendar *calendar, uint64_t due_before_ms,
                                uint64_t answered_ms);

struct redating {
    bool moved;                 /* the date in force is another */
    bool settled;               /* the mark "provisional" is another: set or taken away */
    uint64_t old_due_before_ms; /* as the window was */
    struct rung_set annotated;  /* raised before; their document gets a note */
    struct rung_set resolved;   /* raised before, new time ahead of now: `resolved` follows */
    struct rung_set skipped;    /* reminders whose new time is past, never raised now */
};

/* Applies a new calendar at `now_ms`. A stopped window is left as it is. With `fresh` = the new
 * calendar's day N from the same start, `floor` = the 2nd working day after the day of now_ms: a
 * date that is not earlier than the old one is taken; an earlier one is taken, but not before the
 * floor, and never later than the old date. Rungs are never raised again. */
void window_redate(const struct ladder *ladder, const struct calendar *calendar, uint64_t now_ms,
                   struct window *window, struct redating *ret_redating);

/* The date alone, as window_redate would set it: for a copy, which hears of rungs from the broker.
 */
void window_recount(const struct calendar *calendar, uint64_t now_ms, struct window *window);

/* The explanation of a date, for `why` and for each numbered document. */
#define TRACE_DAYS_MAX 256 /* room for N = 400 with its weekends; more are counted in `omitted` */

struct window_trace {
    uint64_t start_ms;
    int32_t day_0;
    int32_t day_1;
    int32_t day_n;          /* the calendar's; of a date that people gave: that date */
    int32_t due_day;        /* in force: differs from day_n after FLOOR or KEPT */
    uint64_t due_before_ms; /* 24:00 of due_day */
    uint32_t n;
    enum window_basis basis;
    bool provisional;
    const char *version;                      /* the calendar's; borrowed from it */
    struct calendar_day days[TRACE_DAYS_MAX]; /* skipped days and make-up workdays, in order */
    size_t day_count;
    uint32_t omitted;
};

/* window->n must not be 0. */
void window_trace(const struct calendar *calendar, const struct window *window,
                  struct window_trace *ret_trace);

#endif

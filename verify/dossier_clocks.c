/* How: a rung is missing when its clock had run to it, the policy has this agency told of it, and
 * no notice of it is here. Clocks with a date are rows (dossier_windows.c opens the windows, this
 * file the tasks and requests); those without one, until something arrives or is signed for, are
 * counted here and leave no row. Where the message that opened a clock, or the one that ended it,
 * may be with others alone, only what comes before a rung that is here is missed: the clock was
 * running then. See dossier.h; the rules are in docs/evidence-format.md. */
#include "dossier_clocks.h"

#include <string.h>

#define SLACK_MS UINT64_C(3600000) /* a broker that was down raises a rung after its start */

/* --- tasks --- */

struct running { /* the newest task of its kind */
    struct told_clock *clock;
    uint32_t number;
};

static void end_task(struct running *running, const struct told_message *by, bool answered)
{
    if (running->clock != NULL && running->clock->end_ms == 0) {
        running->clock->end_ms = running->clock->answered_ms = by->at_ms;
        running->clock->answered = answered;
    }
}

static void begin(struct dossier *dossier, struct told_clock *clock, uint64_t start_ms,
                  uint32_t working_days)
{
    clock->opened = true;
    clock->counted.start_ms = start_ms;
    clock->counted.working_days = working_days;
    clock->counted.due_before_ms = window_counted(&dossier->days, start_ms, working_days);
    clock->first_due_ms = clock->counted.due_before_ms;
    clock->provisional =
        days_are_provisional(&dossier->days, day_of(start_ms) + 1, day_of(clock->first_due_ms - 1));
}

static void begin_task(struct dossier *dossier, const struct told_message *opening,
                       const struct told_message *answer, uint32_t task, struct running *running)
{
    const struct message_header *header = &opening->message->header;
    const bool by_referrer = answer->message->feedback.outcome == OUTCOME_PROCEDURE_REQUIRED &&
                             answer->message->feedback.tell_by == TELL_BY_PROCURATORATE;
    const char *receiver = opening->record->recipient;

    end_task(running, answer, false);
    running->number++;
    running->clock = dossier_add_clock(dossier, opening, task, running->number);
    if (running->clock != NULL) {
        text_copy(running->clock->holder, sizeof running->clock->holder,
                  by_referrer ? header->sender : receiver);
        text_copy(running->clock->waiting, sizeof running->clock->waiting,
                  by_referrer ? receiver : header->sender);
        begin(dossier, running->clock, answer->at_ms,
              task == TASK_NUMBER_TELL ? dossier->ladder.tell : dossier->ladder.papers);
    }
}

void dossier_open_tasks(struct dossier *dossier, const struct told_message *opening)
{
    struct running tell = {NULL, 0}, papers = {NULL, 0};

    if (!dossier->has_ladder || dossier->days.version[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        const struct told_message *told = &dossier->messages[i];

        if (!told_is_of(told, &opening->message->header.referral_id)) {
            continue;
        }
        if (told_is_kind(told, MESSAGE_APPLICANT_INFORMED, MESSAGE_APPLICANT_INFORMED)) {
            end_task(&tell, told, true);
        } else if (told_is_kind(told, MESSAGE_PAPERS, MESSAGE_PAPERS)) {
            end_task(&papers, told, true);
        } else if (told_is_kind(told, MESSAGE_WITHDRAWAL, MESSAGE_WITHDRAWAL)) {
            end_task(&tell, told, false);
            end_task(&papers, told, false);
        } else if (told_is_kind(told, MESSAGE_OUTBOUND_FEEDBACK, MESSAGE_INBOUND_FEEDBACK)) {
            const enum feedback_outcome outcome =
                (enum feedback_outcome)told->message->feedback.outcome;

            if (outcome == OUTCOME_SUITABLE || outcome == OUTCOME_PROCEDURE_REQUIRED) {
                begin_task(dossier, opening, told, TASK_NUMBER_TELL, &tell);
            }
            if (outcome == OUTCOME_PROCEDURE_REQUIRED) {
                begin_task(dossier, opening, told, TASK_NUMBER_PAPERS, &papers);
            }
        }
    }
}

void dossier_open_request(struct dossier *dossier, struct told_message *opening)
{
    const uint64_t start_ms = dossier_delivered(dossier, opening);
    struct told_clock *clock;

    if (start_ms == 0 || !dossier->has_ladder || dossier->days.version[0] == '\0') {
        return;
    }
    clock = dossier_add_clock(dossier, opening, TASK_NUMBER_INFORMATION, 1);
    if (clock != NULL) {
        text_copy(clock->holder, sizeof clock->holder, opening->record->recipient);
        text_copy(clock->waiting, sizeof clock->waiting, opening->message->header.sender);
        begin(dossier, clock, start_ms, dossier->ladder.information);
        clock->opened = false; /* the referral that it is about may be withdrawn elsewhere */
    }
}

/* --- what is missing --- */

static uint64_t horizon_of(const struct dossier *dossier)
{
    uint64_t horizon_ms = dossier->newest.time_ms;

    for (size_t i = 0; i < dossier->message_count; i++) {
        const struct told_message *told = &dossier->messages[i];

        horizon_ms = told->head.time_ms > horizon_ms ? told->head.time_ms : horizon_ms;
    }
    return horizon_ms;
}

static unsigned roles_of(const struct dossier *dossier, const struct told_clock *clock)
{
    const struct agency *office =
        dossier->registry != NULL ? registry_office(dossier->registry) : NULL;
    const char *exporter = dossier->exporter;

    return (strcmp(clock->holder, exporter) == 0 ? (unsigned)TOLD_HOLDER : 0u) |
           (strcmp(clock->waiting, exporter) == 0 && strcmp(clock->holder, exporter) != 0
                ? (unsigned)TOLD_WAITING
                : 0u) |
           (office != NULL && strcmp(office->id, exporter) == 0 ? (unsigned)TOLD_OFFICE : 0u);
}

static bool is_rung_of(const struct told_rung *rung, const struct told_clock *clock)
{
    const struct notice_facts *facts = &rung->notice->message->notice;

    return uuid_equal(&rung->referral_id, &clock->referral_id) &&
           (uint32_t)facts->task == clock->task && facts->window == clock->window;
}

static bool is_here(const struct dossier *dossier, const struct told_clock *clock,
                    const struct step *step, int32_t repeat)
{
    for (size_t i = 0; i < dossier->rung_count; i++) {
        const struct told_rung *rung = &dossier->rungs[i];
        int32_t which = 0;

        if (is_rung_of(rung, clock) &&
            ladder_step(&dossier->ladder, rung->notice->message->notice.rung, &which) == step &&
            which == repeat) {
            return true;
        }
    }
    return false;
}

/* The newest rung of a clock that counts from there: until then it was running. */
static uint64_t last_rung(const struct dossier *dossier, const struct told_clock *clock,
                          enum counted from)
{
    uint64_t last_ms = 0;
    int32_t repeat;

    for (size_t i = 0; i < dossier->rung_count; i++) {
        const struct told_rung *rung = &dossier->rungs[i];
        const struct step *step =
            ladder_step(&dossier->ladder, rung->notice->message->notice.rung, &repeat);

        if (is_rung_of(rung, clock) && step != NULL && step->from == from &&
            rung->notice->at_ms > last_ms) {
            last_ms = rung->notice->at_ms;
        }
    }
    return last_ms;
}

struct search {
    struct dossier *dossier;
    const struct told_clock *clock;
    enum counted from;
    const char *family; /* its rungs begin so; empty: all that count from there */
    uint64_t horizon_ms;
};

static void look_for(const struct search *search, const struct step *step, int32_t repeat)
{
    const struct told_clock *clock = search->clock;
    struct dossier *dossier = search->dossier;
    char day[DAY_TEXT_BYTES];
    uint64_t due_ms = 0;

    if (!ladder_due(step, repeat, &dossier->days, &clock->counted, &due_ms) ||
        due_ms + SLACK_MS > search->horizon_ms ||
        (clock->end_ms != 0 &&
         (due_ms + SLACK_MS > clock->end_ms || due_ms >= clock->answered_ms)) ||
        is_here(dossier, clock, step, repeat)) {
        return;
    }
    day_format(day_of(due_ms - 1), day);
    dossier_lack(dossier, "missing.rung", clock->number, repeat > 0 ? "%s.%d, %s" : "%s%.0d, %s",
                 step->name, (int)repeat, day);
}

static void look(struct search *search)
{
    const struct told_clock *clock = search->clock;
    const unsigned roles = roles_of(search->dossier, clock);

    if (!clock->opened) {
        const uint64_t last_ms = last_rung(search->dossier, clock, search->from);

        search->horizon_ms = last_ms > 0 ? last_ms + SLACK_MS - 1 : 0;
    }
    for (size_t i = 0; i < STEP_COUNT; i++) {
        const struct step *step = &search->dossier->ladder.steps[i];
        const bool skipped = step->offset < 0 && clock->redated;

        if (step->from != search->from || (step->told & roles) == 0 || skipped ||
            strncmp(step->name, search->family, strlen(search->family)) != 0) {
            continue;
        }
        for (int32_t repeat = 0; repeat <= (step->every > 0 ? STEP_REPEATS : 0); repeat++) {
            look_for(search, step, repeat);
        }
    }
}

/* --- clocks without a date --- */

/* The first of these messages about it, from a time on; 0: none is here. */
static uint64_t first_of(const struct dossier *dossier, const struct told_clock *clock,
                         const enum message_kind *kinds)
{
    for (size_t i = 0; i < dossier->message_count; i++) {
        const struct told_message *told = &dossier->messages[i];

        for (size_t k = 0; kinds[k] != 0; k++) {
            if (told_is_of(told, &clock->referral_id) && told_is_kind(told, kinds[k], kinds[k]) &&
                told->at_ms >= clock->counted.start_ms) {
                return told->at_ms;
            }
        }
    }
    return 0;
}

/* A calendar that came meanwhile may have moved them, and nobody is told of that. */
static bool is_steady(const struct dossier *dossier, const struct told_clock *clock)
{
    static const enum message_kind redatings[] = {MESSAGE_REDATING, 0};

    return first_of(dossier, clock, redatings) == 0;
}

static void look_without_date(struct search *search, struct told_clock *clock, uint64_t end_ms)
{
    clock->end_ms = clock->answered_ms = end_ms;
    search->clock = clock;
    if (search->from == COUNTED_HOURS || is_steady(search->dossier, clock)) {
        look(search);
    }
}

static struct told_clock clock_of(const struct told_message *opening, uint32_t task,
                                  uint32_t window, uint64_t start_ms)
{
    struct told_clock clock = {.referral_id = opening->message->header.referral_id,
                               .task = task,
                               .window = window,
                               .counted = {.start_ms = start_ms},
                               .opened = true};

    text_copy(clock.number, sizeof clock.number, opening->message->header.referral_number);
    text_copy(clock.holder, sizeof clock.holder, opening->record->recipient);
    text_copy(clock.waiting, sizeof clock.waiting, opening->message->header.sender);
    return clock;
}

/* From its place in the log until it is delivered, withdrawn, or comes back. */
static void look_undelivered(struct search search, struct told_message *sent, uint32_t task,
                             uint32_t window)
{
    static const enum message_kind ends[] = {MESSAGE_WITHDRAWAL, MESSAGE_REJECTION,
                                             MESSAGE_RETURNED, 0};
    struct told_clock clock = clock_of(sent, task, window, sent->at_ms);
    uint64_t end_ms = dossier_delivered(search.dossier, sent);

    search.from = COUNTED_FROM_START;
    search.family = "undelivered-";
    clock.opened = task != TASK_NUMBER_INFORMATION;
    look_without_date(&search, &clock,
                      end_ms != 0 ? end_ms : first_of(search.dossier, &clock, ends));
}

/* From the delivery until it is signed for; an answer signs, too. */
static void look_unsigned(struct search search, struct told_message *opening)
{
    static const enum message_kind ends[] = {MESSAGE_SIGN_FOR, MESSAGE_OUTBOUND_FEEDBACK,
                                             MESSAGE_INBOUND_FEEDBACK, MESSAGE_WITHDRAWAL, 0};
    const uint64_t start_ms = dossier_delivered(search.dossier, opening);
    struct told_clock clock = clock_of(opening, TASK_NUMBER_FEEDBACK, 1, start_ms);

    if (start_ms == 0) {
        return;
    }
    search.from = COUNTED_FROM_START;
    search.family = "unsigned-";
    look_without_date(&search, &clock, first_of(search.dossier, &clock, ends));
    if (opening->message->referral.life_danger) {
        search.from = COUNTED_HOURS;
        search.family = "urgent-";
        look_without_date(&search, &clock, first_of(search.dossier, &clock, ends));
    }
}

/* Papers are on their way, too, unless their receiver reports them itself. */
static void look_papers(struct search search, const struct told_message *opening)
{
    uint32_t window = 1;

    for (size_t i = 0; i < search.dossier->message_count; i++) {
        struct told_message *told = &search.dossier->messages[i];

        if (told_is_of(told, &opening->message->header.referral_id) &&
            told_is_kind(told, MESSAGE_PAPERS, MESSAGE_PAPERS) &&
            strcmp(told->message->header.sender, opening->record->recipient) != 0) {
            window++;
            look_undelivered(search, told, TASK_NUMBER_FEEDBACK, window);
        }
    }
}

void dossier_find_missing(struct dossier *dossier)
{
    struct search search = {.dossier = dossier, .horizon_ms = horizon_of(dossier)};

    for (size_t i = 0; i < dossier->clock_count; i++) {
        struct search dated = search;

        dated.clock = &dossier->clocks[i];
        dated.from = COUNTED_FROM_END;
        dated.family = "";
        look(&dated);
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        struct told_message *told = &dossier->messages[i];

        if (told_is_kind(told, MESSAGE_OUTBOUND_REFERRAL, MESSAGE_INBOUND_REFERRAL)) {
            look_undelivered(search, told, TASK_NUMBER_FEEDBACK, 1);
            look_unsigned(search, told);
            look_papers(search, told);
        } else if (told_is_kind(told, MESSAGE_INFORMATION_REQUEST, MESSAGE_INFORMATION_REQUEST)) {
            look_undelivered(search, told, TASK_NUMBER_INFORMATION, 1);
        }
    }
}

/* How: windows come from deliveries and from what the broker's notices say of them; each date is
 * counted anew, each rung is placed between the start and the end of its window, and what should be
 * here and is not makes the evidence incomplete. One pass for the dates, one for the rungs, one for
 * what is missing. See dossier.h; the rules are in docs/evidence-format.md. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dossier_clocks.h"
#include "proof.h"
#include "wire/envelope.h"

#define CLOCKS_MAX 4096u
static bool same_calendar(const struct dossier *dossier, const struct notice_facts *facts)
{
    return strcmp(dossier->days.version, facts->calendar_version) == 0;
}

/* --- deliveries --- */

/* The place that the receiver signed for: the record's, or that of the log that was lost, whose
 * leaf nobody has any more. */
static bool is_place_of(const struct told_message *opening, const struct delivery_facts *facts)
{
    const struct leaf_record *record = opening->record;

    return (facts->leaf_index == opening->receipt.leaf_index &&
            digest_equal(&facts->leaf_hash, &opening->leaf)) ||
           (record->has_recovered && facts->leaf_index == record->recovered.leaf);
}

/* The delivery receipt that a notice shows: the receiver's signature over the place in the log of
 * what it got. OK: of this message; ERR_NOT_FOUND: of another; ERR_FORGED. */
static enum err open_delivery(struct dossier *dossier, const struct told_message *opening,
                              struct span envelope)
{
    struct batch_proof proof;
    struct payload payload;
    struct message message;
    struct digest digest, body;
    struct span bytes;

    if (envelope_decode(envelope, &dossier->region, &bytes, &proof, NULL) != OK ||
        payload_split(bytes, &payload, NULL) != OK ||
        message_decode(&payload, &dossier->region, &message, NULL) != OK ||
        message.header.kind != MESSAGE_DELIVERY) {
        return ERR_FORGED;
    }
    if (!uuid_equal(&message.header.refers_to, &opening->message->header.message_id)) {
        return ERR_NOT_FOUND;
    }
    if (strcmp(message.header.sender, opening->message->header.recipient) != 0 ||
        !is_place_of(opening, &message.delivery)) {
        return ERR_FORGED;
    }
    body = crypto_digest(payload.body);
    digest = proof_message(payload.header, payload.facts, &body);
    for (size_t i = 0; i < keyring_count(dossier->keyring); i++) {
        const struct key_entry *key = keyring_entry(dossier->keyring, i);

        if (key->use == KEY_SIGN && strcmp(key->owner, message.header.sender) == 0 &&
            proof_signed(&proof, &digest, key->public_key) == OK) {
            return OK;
        }
    }
    return ERR_FORGED;
}

/* What a notice of a delivery says of this message; 0: it is of another. */
static uint64_t read_notice(struct dossier *dossier, const struct told_message *opening,
                            const struct told_message *told)
{
    const struct notice_facts *facts = &told->message->notice;
    enum err error = open_delivery(dossier, opening, facts->evidence);

    if (error == ERR_FORGED) {
        dossier_fail(dossier, "delivery.signature", told->name, "%s", "");
    }
    return error != OK ? 0 : facts->arrival_ms != 0 ? facts->arrival_ms : told->at_ms;
}

static uint64_t find_delivery(struct dossier *dossier, const struct told_message *opening)
{
    const struct message_header *header = &opening->message->header;
    uint64_t at_ms = 0;

    for (size_t i = 0; i < dossier->message_count && at_ms == 0; i++) {
        const struct told_message *told = &dossier->messages[i];

        if (told_is_kind(told, MESSAGE_DELIVERY, MESSAGE_DELIVERY) &&
            uuid_equal(&told->message->header.refers_to, &header->message_id)) {
            at_ms = told->at_ms;
        } else if (told_is_kind(told, MESSAGE_DELIVERY_NOTICE, MESSAGE_DELIVERY_NOTICE) &&
                   told_is_of(told, &header->referral_id) &&
                   told->message->notice.evidence.len > 0) {
            at_ms = read_notice(dossier, opening, told);
        }
    }
    return at_ms;
}

uint64_t dossier_delivered(struct dossier *dossier, struct told_message *opening)
{
    if (!opening->sought) {
        opening->sought = true;
        opening->delivered_ms = find_delivery(dossier, opening);
    }
    return opening->delivered_ms;
}

/* --- windows --- */

struct told_clock *dossier_add_clock(struct dossier *dossier, const struct told_message *told,
                                     uint32_t task, uint32_t window)
{
    struct told_clock *clock = &dossier->clocks[dossier->clock_count];

    if (dossier->clock_count == CLOCKS_MAX) {
        return NULL;
    }
    dossier->clock_count++;
    clock->referral_id = told->message->header.referral_id;
    text_copy(clock->number, sizeof clock->number, told->message->header.referral_number);
    clock->task = task;
    clock->window = window;
    return clock;
}

static struct told_clock *find_clock(const struct dossier *dossier, const struct uuid *referral_id,
                                     uint32_t task, uint32_t window)
{
    for (size_t i = 0; i < dossier->clock_count; i++) {
        struct told_clock *clock = &dossier->clocks[i];

        if (clock->task == task && clock->window == window &&
            uuid_equal(&clock->referral_id, referral_id)) {
            return clock;
        }
    }
    return NULL;
}

/* A referral that was withdrawn or came back needs no delivery. */
static bool has_ended(const struct dossier *dossier, const struct uuid *referral_id)
{
    for (size_t i = 0; i < dossier->message_count; i++) {
        const struct told_message *told = &dossier->messages[i];

        if (told_is_of(told, referral_id) &&
            (told_is_kind(told, MESSAGE_WITHDRAWAL, MESSAGE_WITHDRAWAL) ||
             told_is_kind(told, MESSAGE_REJECTION, MESSAGE_REJECTION) ||
             told_is_kind(told, MESSAGE_RETURNED, MESSAGE_RETURNED))) {
            return true;
        }
    }
    return false;
}

/* A window that begins with the delivery of this message, whatever a notice says; papers that its
 * holder reports itself are there at once. */
static void open_window(struct dossier *dossier, const struct told_message *opening,
                        struct told_message *by, uint32_t window)
{
    bool own = strcmp(by->message->header.sender, opening->record->recipient) == 0;
    uint64_t start_ms = own ? by->at_ms : dossier_delivered(dossier, by);
    struct told_clock *clock;

    if (start_ms == 0 && has_ended(dossier, &by->message->header.referral_id)) {
        return;
    }
    if (start_ms == 0) {
        dossier_lack(dossier, "missing.delivery", by->name, "%s",
                     by->message->header.referral_number);
        return;
    }
    clock = dossier_add_clock(dossier, opening, 0, window);
    if (clock == NULL || !dossier->has_ladder || dossier->days.version[0] == '\0') {
        return;
    }
    clock->opened = true;
    text_copy(clock->holder, sizeof clock->holder, opening->record->recipient);
    text_copy(clock->waiting, sizeof clock->waiting, opening->message->header.sender);
    clock->counted.start_ms = start_ms;
    clock->counted.working_days = opening->message->header.kind == MESSAGE_OUTBOUND_REFERRAL
                                      ? dossier->ladder.outbound
                                      : dossier->ladder.inbound;
    clock->counted.due_before_ms =
        window_counted(&dossier->days, start_ms, clock->counted.working_days);
    clock->first_due_ms = clock->counted.due_before_ms;
    clock->provisional =
        days_are_provisional(&dossier->days, day_of(start_ms) + 1, day_of(clock->first_due_ms - 1));
}

/* The first window, and one more for papers that its holder got after it had asked for them. */
static void open_windows(struct dossier *dossier, struct told_message *opening)
{
    const struct uuid *referral_id = &opening->message->header.referral_id;
    uint32_t feedbacks = 0, opened = 1;
    bool asked = false;

    open_window(dossier, opening, opening, 1);
    for (size_t i = 0; i < dossier->message_count; i++) {
        struct told_message *told = &dossier->messages[i];

        if (!told_is_of(told, referral_id)) {
            continue;
        }
        if (told_is_kind(told, MESSAGE_OUTBOUND_FEEDBACK, MESSAGE_INBOUND_FEEDBACK)) {
            feedbacks++;
            asked = told->message->feedback.outcome == OUTCOME_PROCEDURE_REQUIRED;
        } else if (told_is_kind(told, MESSAGE_PAPERS, MESSAGE_PAPERS) && asked &&
                   feedbacks == opened) {
            opened++;
            open_window(dossier, opening, told, opened);
        }
    }
}

static void wrong_date(struct dossier *dossier, const struct told_message *told,
                       uint64_t expected_ms)
{
    const struct notice_facts *facts = &told->message->notice;
    char stated[DAY_TEXT_BYTES], counted[DAY_TEXT_BYTES];

    day_format(day_of(facts->due_before_ms - 1), stated);
    day_format(day_of(expected_ms - 1), counted);
    if (same_calendar(dossier, facts)) {
        dossier_fail(dossier, "window.date", told->name, "%s, %s", stated, counted);
    } else {
        dossier_lack(dossier, "calendar.other", told->name, "%s, %s, %s", facts->calendar_version,
                     stated, counted);
    }
}

/* The date of a window that this file has not shown before. */
static uint64_t first_date(const struct dossier *dossier, const struct told_message *told)
{
    const struct notice_facts *facts = &told->message->notice;
    const struct window_read before = {facts->arrival_ms, facts->working_days,
                                       facts->old_due_before_ms};

    if ((uint32_t)facts->task >= TASK_NUMBER_FIRST_DATED) { /* people gave it: N follows from it */
        uint32_t n = days_between(&dossier->days, day_of(facts->arrival_ms),
                                  day_of(facts->due_before_ms - 1));

        return facts->working_days == (n > 0 ? n : 1) ? day_end_ms(day_of(facts->due_before_ms - 1))
                                                      : facts->due_before_ms + 1;
    }
    return told->message->header.kind == MESSAGE_REDATING && facts->old_due_before_ms != 0
               ? window_redated(&dossier->days, &before, told->at_ms)
               : window_counted(&dossier->days, facts->arrival_ms, facts->working_days);
}

/* The skipped days that the notice lists are skipped, its make-up workdays are worked. */
static void check_trace(struct dossier *dossier, const struct told_message *told)
{
    const struct notice_facts *facts = &told->message->notice;

    for (size_t i = 0; i < facts->trace_count && same_calendar(dossier, facts); i++) {
        const struct trace_day *listed = &facts->trace[i];
        int32_t day = day_of_number(listed->date);
        bool works = listed->kind == TRACE_MAKE_UP;

        if ((listed->kind == TRACE_WEEKEND || listed->kind == TRACE_HOLIDAY || works) &&
            (day < 0 || days_is_working(&dossier->days, day) != works)) {
            dossier_fail(dossier, "window.trace", told->name, "%u", (unsigned)listed->date);
            return;
        }
    }
}

static void follow_date(struct dossier *dossier, const struct told_message *told,
                        struct told_clock *clock)
{
    const struct notice_facts *facts = &told->message->notice;
    bool redates = told->message->header.kind == MESSAGE_REDATING;
    uint64_t expected_ms = clock->counted.due_before_ms;

    if (facts->arrival_ms != clock->counted.start_ms ||
        facts->working_days != clock->counted.working_days) {
        dossier_fail(dossier, "window.start", told->name, "%u", (unsigned)facts->working_days);
        return;
    }
    if (redates && facts->old_due_before_ms != expected_ms) {
        dossier_fail(dossier, "window.redated", told->name, "%s", "");
    } else if (redates && (uint32_t)facts->task < TASK_NUMBER_FIRST_DATED) {
        expected_ms = window_redated(&dossier->days, &clock->counted, told->at_ms);
    }
    if (facts->due_before_ms != expected_ms) {
        wrong_date(dossier, told, expected_ms);
    }
    clock->redated = clock->redated || redates;
    clock->counted.due_before_ms = facts->due_before_ms;
    clock->provisional = facts->provisional;
}

static bool tells_of_window(const struct told_message *told)
{
    return told_is_kind(told, MESSAGE_DELIVERY_NOTICE, MESSAGE_REDATING) &&
           told->message->notice.window != 0 && told->message->notice.working_days != 0 &&
           told->message->notice.due_before_ms != 0;
}

static void follow_notice(struct dossier *dossier, const struct told_message *told)
{
    const struct notice_facts *facts = &told->message->notice;
    struct told_clock *clock = find_clock(dossier, &told->message->header.referral_id,
                                          (uint32_t)facts->task, facts->window);
    uint64_t expected_ms;

    if (facts->arrival_ms > told->at_ms) {
        dossier_fail(dossier, "window.start", told->name, "%u", (unsigned)facts->working_days);
        return;
    }
    check_trace(dossier, told);
    if (clock != NULL) {
        follow_date(dossier, told, clock);
        return;
    }
    expected_ms = first_date(dossier, told);
    if (facts->due_before_ms != expected_ms) {
        wrong_date(dossier, told, expected_ms);
    }
    clock = dossier_add_clock(dossier, told, (uint32_t)facts->task, facts->window);
    if (clock != NULL) {
        text_copy(clock->holder, sizeof clock->holder, facts->responsible);
        text_copy(clock->waiting, sizeof clock->waiting,
                  (facts->roles & ROLE_SENDER) != 0 ? dossier->exporter : "");
        clock->counted =
            (struct window_read){facts->arrival_ms, facts->working_days, facts->due_before_ms};
        clock->first_due_ms = facts->due_before_ms;
        clock->provisional = facts->provisional;
    }
}

/* --- ends --- */

/* Feedback ends the windows one after the other; telling and papers end their tasks. */
static bool ends_clock(const struct told_clock *clock, const struct told_message *told,
                       uint32_t feedbacks)
{
    switch (clock->task) {
    case 0:
        return told_is_kind(told, MESSAGE_OUTBOUND_FEEDBACK, MESSAGE_INBOUND_FEEDBACK) &&
               feedbacks + 1 == clock->window;
    case TASK_NUMBER_TELL:
        return told_is_kind(told, MESSAGE_APPLICANT_INFORMED, MESSAGE_APPLICANT_INFORMED);
    case TASK_NUMBER_PAPERS:
        return told_is_kind(told, MESSAGE_PAPERS, MESSAGE_PAPERS);
    case TASK_NUMBER_INFORMATION:
        return told_is_kind(told, MESSAGE_INFORMATION_REPLY, MESSAGE_INFORMATION_REPLY);
    default:
        return false;
    }
}

static void find_end(const struct dossier *dossier, struct told_clock *clock)
{
    uint32_t feedbacks = 0;

    for (size_t i = 0; i < dossier->message_count && clock->end_ms == 0; i++) {
        const struct told_message *told = &dossier->messages[i];

        if (!told_is_of(told, &clock->referral_id)) {
            continue;
        }
        if (told->at_ms >= clock->counted.start_ms && ends_clock(clock, told, feedbacks)) {
            clock->end_ms = told->at_ms;
            clock->answered_ms =
                told->record->claimed_ms != 0 ? told->record->claimed_ms : told->at_ms;
            clock->answered = true;
        } else if (told_is_kind(told, MESSAGE_WITHDRAWAL, MESSAGE_WITHDRAWAL)) {
            clock->end_ms = clock->answered_ms = told->at_ms;
        }
        feedbacks += told_is_kind(told, MESSAGE_OUTBOUND_FEEDBACK, MESSAGE_INBOUND_FEEDBACK);
    }
}

/* --- rungs --- */

static bool raises(const struct told_message *told)
{
    return told_is_kind(told, MESSAGE_REMINDER, MESSAGE_ESCALATION) &&
           told->message->notice.rung[0] != '\0';
}

static bool is_same_rung(const struct told_message *a, const struct told_message *b)
{
    const struct notice_facts *x = &a->message->notice, *y = &b->message->notice;

    return raises(a) && x->task == y->task && x->window == y->window &&
           strcmp(x->rung, y->rung) == 0 &&
           uuid_equal(&a->message->header.referral_id, &b->message->header.referral_id);
}

/* What a step counts from: undelivered and unsigned windows have a number of their own, and no N.
 */
static void check_rung_date(struct dossier *dossier, const struct told_message *told)
{
    const struct notice_facts *facts = &told->message->notice;
    const struct window_read window = {facts->arrival_ms, facts->working_days,
                                       facts->due_before_ms};
    int32_t repeat = 0;
    const struct step *step = ladder_step(&dossier->ladder, facts->rung, &repeat);
    char stated[DAY_TEXT_BYTES], counted[DAY_TEXT_BYTES];
    uint64_t due_ms = 0;

    if (step == NULL || !ladder_due(step, repeat, &dossier->days, &window, &due_ms)) {
        dossier_fail(dossier, "rung.unknown", told->name, "%s", facts->rung);
        return;
    }
    if (due_ms == facts->fell_due_ms) {
        return;
    }
    day_format(day_of(facts->fell_due_ms - 1), stated);
    day_format(day_of(due_ms - 1), counted);
    if (same_calendar(dossier, facts)) {
        dossier_fail(dossier, "rung.date", told->name, "%s, %s, %s", facts->rung, stated, counted);
    } else {
        dossier_lack(dossier, "calendar.other", told->name, "%s, %s, %s", facts->calendar_version,
                     stated, counted);
    }
}

static void check_rung(struct dossier *dossier, size_t index)
{
    const struct told_message *told = &dossier->messages[index];
    const struct notice_facts *facts = &told->message->notice;
    const struct told_clock *clock = facts->working_days != 0
                                         ? find_clock(dossier, &told->message->header.referral_id,
                                                      (uint32_t)facts->task, facts->window)
                                         : NULL;

    check_rung_date(dossier, told);
    if (told->at_ms < facts->fell_due_ms) {
        dossier_fail(dossier, "rung.early", told->name, "%s", facts->rung);
    }
    if (clock != NULL && clock->task == 0 && clock->end_ms != 0 && told->at_ms > clock->end_ms) {
        dossier_fail(dossier, "rung.ended", told->name, "%s", facts->rung);
    }
    for (size_t i = 0; i < index; i++) {
        if (is_same_rung(&dossier->messages[i], told)) {
            dossier_fail(dossier, "rung.twice", told->name, "%s", facts->rung);
        }
    }
    dossier->rungs[dossier->rung_count] =
        (struct told_rung){told, told->message->header.referral_id, facts->fell_due_ms};
    dossier->rung_count++;
}

void dossier_count_windows(struct dossier *dossier)
{
    dossier->clocks = calloc(CLOCKS_MAX, sizeof *dossier->clocks);
    dossier->rungs = calloc(dossier->message_count + 1, sizeof *dossier->rungs);
    if (dossier->clocks == NULL || dossier->rungs == NULL || dossier->keyring == NULL) {
        return;
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        if (told_is_kind(&dossier->messages[i], MESSAGE_OUTBOUND_REFERRAL,
                         MESSAGE_INBOUND_REFERRAL)) {
            open_windows(dossier, &dossier->messages[i]);
            dossier_open_tasks(dossier, &dossier->messages[i]);
        } else if (told_is_kind(&dossier->messages[i], MESSAGE_INFORMATION_REQUEST,
                                MESSAGE_INFORMATION_REQUEST)) {
            dossier_open_request(dossier, &dossier->messages[i]);
        }
    }
    if (!dossier->has_ladder || dossier->days.version[0] == '\0') {
        return; /* said already */
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        if (tells_of_window(&dossier->messages[i])) {
            follow_notice(dossier, &dossier->messages[i]);
        }
    }
    for (size_t i = 0; i < dossier->clock_count; i++) {
        find_end(dossier, &dossier->clocks[i]);
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        if (raises(&dossier->messages[i])) {
            check_rung(dossier, i);
        }
    }
    dossier_find_missing(dossier);
}

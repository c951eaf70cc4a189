/* Does the broker raise each rung when it is due: not before, and not never?
 *
 * Both are counted here, from this agency's own copy, calendar and policy; where the broker names
 * another calendar or policy nothing is judged. A notice carries what it was counted by, so one
 * that came too early is judged when it comes, though weeks later.
 *
 * That one is missing shows only when nothing waits any more. The broker says so in each answer to
 * FETCH, with its time and its rules, signed. The time of such a word is the horizon. When it says
 * so again, an hour later by its own time and by this machine's clock, what was due by the horizon
 * must be here: an honest broker raises it within seconds, and after an outage, a held clock or a
 * jump the horizon begins anew. Judged are the clocks of referrals whose holder, or who waits for
 * them, this agency is itself, from due-1 and undelivered-1 on; windows that began under these
 * rules, in this log and in this store (docs/security.md says what is not judged).
 *
 * STORE_VALUE "rungs": be64 from | be64 new logs | the mark of a restored store. STORE_INDEX 'U' |
 * case id | referral id | clock | be32 window | rung -> nothing: its absence was told. Loop thread.
 */
#include <inttypes.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "model/instant_text.h"
#include "model/vocabulary.h"
#include "store/backup.h"

#define RUNGS_KEY      "rungs"
#define RESTORED_BYTES 16u
#define ROW_BYTES      (16u + RESTORED_BYTES)
#define TOLD_BYTES     (1u + 2u * UUID_BYTES + 1u + 4u + 1u)
#define MARGIN_MS      UINT64_C(3600000)
#define LABORATORY_MS  UINT64_C(1500) /* of the machine's clock, where hours pass at once */
#define LOOK_COUNT     64u            /* copies of one look; the others with the next */

/* --- which rungs this agency must be told of --- */

#define TOLD_HOLDER  (TARGET_LIAISON | TARGET_LEADER | TARGET_DUTY)
#define TOLD_WAITING (TARGET_SENDER | TARGET_SENDER_LEADER)

static bool has_stayed(const struct agent *agent, uint16_t number)
{
    const struct agency *agency = registry_by_number(agent->setup.registry, number);

    return agency != NULL && !agency_has_left(agency, agent->broker_ms);
}

static bool is_told(const struct agent *agent, const struct referral *referral,
                    enum referral_clock clock, enum rung rung)
{
    const uint16_t self = agent->setup.self->number;
    const uint16_t holder = referral_responsible(referral, clock);
    const uint16_t waiting = referral_waiting(referral, clock);
    const uint32_t targets = agent->setup.policy->ladder.rungs[rung].targets;

    return has_stayed(agent, holder) && has_stayed(agent, waiting) &&
           ((holder == self && (targets & TOLD_HOLDER) != 0) ||
            (waiting == self && holder != self && (targets & TOLD_WAITING) != 0));
}

/* Reminders are not judged: a new calendar may make one pointless, which only the broker knows. */
static bool is_expected(const struct agent *agent, const struct referral *referral,
                        enum referral_clock clock, enum rung rung, uint64_t *ret_due_ms)
{
    const struct window *window = &referral->clocks[clock];

    return rung_is_of(rung, window->kind) && rung_is_document(rung) &&
           !rung_set_has(window->raised, rung) && is_told(agent, referral, clock, rung) &&
           rung_due_ms(&agent->setup.policy->ladder, agent->setup.calendar, window, rung,
                       ret_due_ms);
}

static bool is_judged(const struct referral *referral, enum referral_clock clock)
{
    return clock <= REFERRAL_CLOCK_UNDELIVERED && referral_clock_open(referral, clock);
}

uint64_t rungs_next_ms(const struct agent *agent, const struct referral *referral,
                       uint64_t after_ms)
{
    uint64_t due_ms = 0, next_ms = 0;

    for (unsigned i = 0; i < REFERRAL_CLOCK_COUNT; i++) {
        const enum referral_clock clock = (enum referral_clock)i;
        bool found = false;

        for (enum rung rung = 0; is_judged(referral, clock) && !found && rung < RUNG_COUNT;
             rung++) { /* they rise within a clock */
            found = is_expected(agent, referral, clock, rung, &due_ms) && due_ms > after_ms;
        }
        if (found && (next_ms == 0 || due_ms < next_ms)) {
            next_ms = due_ms;
        }
    }
    return next_ms;
}

/* --- an alarm --- */

struct finding {
    const struct referral *referral;
    enum referral_clock clock;
    enum rung rung;
    uint64_t due_ms;
};

enum rungs_alarm rungs_alarm(const struct agent *agent)
{
    if (agent->distrust.text[0] == '\0') {
        return RUNGS_FINE;
    }
    switch (agent->distrust.kind) {
    case DISTRUST_RUNG_EARLY:
    case DISTRUST_RUNG_DATE:
        return RUNGS_EARLY;
    case DISTRUST_RUNG_MISSING:
        return RUNGS_MISSING;
    default:
        return RUNGS_FINE;
    }
}

/* --- too early --- */

static bool same_rules(const struct agent *agent, const struct notice_facts *facts)
{
    const struct digest ours = policy_rules(agent->setup.policy, agent->setup.calendar);

    return digest_equal(&facts->rules_digest, &ours);
}

/* The clock as the notice itself describes it. */
static bool window_of(const struct notice_facts *facts, enum rung rung, struct window *ret_window)
{
    enum clock_kind kind = 0;

    while (kind < CLOCK_KIND_COUNT && !rung_is_of(rung, kind)) {
        kind++;
    }
    *ret_window = (struct window){.kind = kind,
                                  .number = facts->window,
                                  .n = facts->working_days,
                                  .start_ms = facts->arrival_ms,
                                  .due_before_ms = facts->due_before_ms};
    if (facts->due_before_ms != 0) {
        ret_window->due_day = civil_day_at(facts->due_before_ms - 1);
    }
    return kind < CLOCK_KIND_COUNT && facts->arrival_ms != 0 &&
           (facts->working_days == 0 || facts->due_before_ms != 0);
}

/* The same clock of this agency's copy; NULL: it has none that is sure. */
static const struct window *own_window(const struct agent *agent, const struct copy *copy,
                                       const struct notice_facts *facts, enum rung rung)
{
    const struct era *newest = eras_newest(agent);
    const uint16_t self = agent->setup.self->number;
    const struct referral *referral = &copy->referral;

    if (!copy->known || copy->of_matter || agent->setup.accept_gaps ||
        agent->following.past_count > 0 ||
        (referral->sender != self && referral->receiver != self) || newest == NULL ||
        newest->calendar == NULL || counting_waits(agent) ||
        strcmp(newest->version, facts->calendar_version) != 0) {
        return NULL;
    }
    for (unsigned i = 0; i < REFERRAL_CLOCK_COUNT; i++) {
        const struct window *window = &referral->clocks[i];
        bool fits = i > REFERRAL_CLOCK_PAPERS || i == (unsigned)facts->task;

        if (fits && window->number != 0 && window->number == facts->window &&
            rung_is_of(rung, window->kind) && window->start_ms >= agent->rungs.from_ms) {
            return window;
        }
    }
    return NULL;
}

struct counted {
    uint64_t said_ms; /* by what the notice says, */
    uint64_t own_ms;  /* and by what the copy says: 0 where it is not sure */
};

/* By the rules that the notice names, where they are those of this agency. What it says itself, and
 * what follows from what it says of the window: the later. */
static struct counted count(const struct agent *agent, const struct copy *copy,
                            const struct notice_facts *facts, enum rung rung)
{
    const struct ladder *ladder = &agent->setup.policy->ladder;
    struct counted counted = {.said_ms = facts->fell_due_ms};
    const struct window *own;
    struct window said;
    uint64_t due_ms = 0;

    if (!same_rules(agent, facts)) {
        return counted;
    }
    if (window_of(facts, rung, &said) &&
        rung_due_ms(ladder, agent->setup.calendar, &said, rung, &due_ms) &&
        due_ms > counted.said_ms) {
        counted.said_ms = due_ms;
    }
    own = own_window(agent, copy, facts, rung);
    if (own != NULL && rung_due_ms(ladder, agent->setup.calendar, own, rung, &due_ms)) {
        counted.own_ms = due_ms;
    }
    return counted;
}

enum err rungs_arrived(struct agent *agent, struct store_txn *txn, const struct message *notice,
                       const struct leaf_record *record)
{
    const struct message_header *header = &notice->header;
    const struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    char raised[INSTANT_TEXT_BYTES], due[INSTANT_TEXT_BYTES];
    enum rung rung = RUNG_COUNT;
    struct counted counted;
    uint64_t due_ms;
    enum err error;

    if ((header->kind != MESSAGE_REMINDER && header->kind != MESSAGE_ESCALATION) ||
        rung_parse(notice->notice.rung, &rung) != OK) {
        return OK;
    }
    error = copy_load(txn, &key, agent->copy);
    if (error != OK) {
        return error;
    }
    counted = count(agent, agent->copy, &notice->notice, rung);
    due_ms = counted.own_ms > counted.said_ms ? counted.own_ms : counted.said_ms;
    if (record->at_ms < due_ms) {
        instant_format(record->at_ms, raised);
        instant_format(due_ms, due);
        agent_alarm(agent,
                    record->at_ms < counted.said_ms ? DISTRUST_RUNG_EARLY : DISTRUST_RUNG_DATE,
                    "rung %s of %s was raised too early: at %s, and by what this agency counts it "
                    "falls due at %s",
                    rung_id(rung), header->referral_number, raised, due);
    }
    return OK;
}

/* --- since when it can be judged --- */

static enum err read_mark(struct store_txn *txn, uint8_t out[RESTORED_BYTES])
{
    struct span mark;
    enum err error = store_meta_get(txn, BACKUP_RESTORED_META, &mark);

    memset(out, 0, RESTORED_BYTES);
    if (error == OK && mark.len == RESTORED_BYTES) {
        memcpy(out, mark.data, RESTORED_BYTES);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* What it must be of, to be judged by what this store knows. */
static enum err row_of(const struct agent *agent, struct store_txn *txn, uint64_t from_ms,
                       uint8_t row[ROW_BYTES])
{
    be64_put(row, from_ms);
    be64_put(row + 8, agent->following.past_count);
    return read_mark(txn, row + 16);
}

/* A store that was restored, or has gaps, another log: what began before may have ended without
 * this agency knowing. */
static enum err follow_beginning(struct agent *agent, struct store_txn *txn, uint64_t now_ms)
{
    uint8_t row[ROW_BYTES];
    struct span kept;
    enum err error = row_of(agent, txn, now_ms, row);

    if (error == OK) {
        error = store_get(txn, STORE_VALUE, span_text(RUNGS_KEY), &kept);
    }
    if (error == OK && kept.len == ROW_BYTES && !agent->setup.accept_gaps &&
        memcmp(kept.data + 8, row + 8, ROW_BYTES - 8) == 0) {
        return OK;
    }
    if (error == OK || error == ERR_NOT_FOUND) {
        error = store_put(txn, STORE_VALUE, span_text(RUNGS_KEY), span_of(row, sizeof(row)));
    }
    if (error == OK) {
        agent->rungs.from_ms = now_ms; /* a commit that fails comes again, with a later time */
        agent->rungs.horizon_ms = 0;
    }
    return error;
}

/* A store that is new: it will know all from the beginning. */
static enum err begin(struct agent *agent)
{
    uint8_t row[ROW_BYTES];
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = row_of(agent, txn, 0, row);
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, span_text(RUNGS_KEY), span_of(row, sizeof(row)));
    }
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    agent->rungs.from_ms = 0;
    return store_commit(txn);
}

enum err rungs_load(struct agent *agent)
{
    struct store_txn *read;
    struct case_key key;
    struct span row;
    bool is_new = false;
    enum err error = store_read_begin(agent->setup.store, &read);

    agent->rungs.from_ms = UINT64_MAX;
    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(RUNGS_KEY), &row);
    if (error == OK && row.len == ROW_BYTES) {
        agent->rungs.from_ms = be64_get(row.data);
    } else if (error == ERR_NOT_FOUND) {
        error = cases_next(read, NULL, NULL, &key, &row);
        is_new = error == ERR_NOT_FOUND;
    }
    store_read_end(read);
    if (is_new) {
        return begin(agent);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- missing --- */

static struct span told_key(const struct finding *finding, uint8_t out[TOLD_BYTES])
{
    uint8_t *to = out;

    *to++ = 'U';
    memcpy(to, finding->referral->case_id.bytes, UUID_BYTES);
    memcpy(to + UUID_BYTES, finding->referral->referral_id.bytes, UUID_BYTES);
    to += 2 * UUID_BYTES;
    *to++ = (uint8_t)finding->clock;
    be32_put(to, finding->referral->clocks[finding->clock].number);
    to[4] = (uint8_t)finding->rung;
    return span_of(out, TOLD_BYTES);
}

/* Something of ours is on its way, or may be: the broker may know what ended the clock. */
static enum err waits_here(struct store_txn *txn, const struct uuid *referral_id, bool *ret_waits)
{
    struct row row = {.seq = 0};
    enum err error = OK;

    *ret_waits = false;
    while (error == OK && !*ret_waits) {
        error = row_of_referral(txn, referral_id, row.seq, &row);
        *ret_waits = error == OK && row.direction == ROW_OUT && row.state == ROW_WAITING;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err miss(struct agent *agent, struct store_txn *txn, const struct finding *finding)
{
    char due[INSTANT_TEXT_BYTES], now[INSTANT_TEXT_BYTES];
    uint8_t bytes[TOLD_BYTES];
    struct span key = told_key(finding, bytes), value;
    enum err error = store_get(txn, STORE_INDEX, key, &value);

    if (error != ERR_NOT_FOUND) {
        return error; /* OK: once is enough */
    }
    error = store_put(txn, STORE_INDEX, key, span_of(NULL, 0));
    if (error == OK && agent->distrust.text[0] == '\0') {
        instant_format(finding->due_ms, due);
        instant_format(agent->broker_ms, now);
        agent_alarm(agent, DISTRUST_RUNG_MISSING,
                    "rung %s of %s fell due at %s by what this agency counts and was not told to "
                    "it, though the broker says at %s that nothing waits",
                    rung_id(finding->rung), finding->referral->number, due, now);
    }
    return error;
}

static enum err judge(struct agent *agent, struct store_txn *txn, const struct referral *referral,
                      uint64_t from_ms)
{
    struct finding finding = {.referral = referral};
    bool waits = false;
    enum err error = waits_here(txn, &referral->referral_id, &waits);

    for (unsigned i = 0; error == OK && !waits && i < REFERRAL_CLOCK_COUNT; i++) {
        finding.clock = (enum referral_clock)i;
        for (enum rung rung = 0;
             is_judged(referral, finding.clock) && referral->clocks[i].start_ms >= from_ms &&
             error == OK && rung < RUNG_COUNT;
             rung++) {
            finding.rung = rung;
            if (is_expected(agent, referral, finding.clock, rung, &finding.due_ms) &&
                finding.due_ms <= agent->rungs.horizon_ms) {
                error = miss(agent, txn, &finding);
            }
        }
    }
    return error;
}

/* The copies of which something was due by the horizon. */
static enum err look(struct agent *agent, struct store_txn *txn, uint64_t from_ms)
{
    const uint64_t horizon_ms = agent->rungs.horizon_ms;
    struct copy *copy = agent->copy;
    struct clock_end end;
    enum err error = OK;

    for (unsigned i = 0; error == OK && i < LOOK_COUNT; i++) {
        uint64_t next_ms = 0;

        error = clocks_next_rung(txn, &end);
        if (error != OK || end.due_before_ms > horizon_ms) {
            break;
        }
        error = copy_load(txn, &end.key, copy);
        if (error == OK && copy->known && !copy->of_matter) {
            error = judge(agent, txn, &copy->referral, from_ms);
            next_ms = rungs_next_ms(agent, &copy->referral, horizon_ms);
        }
        error = error == OK ? clocks_move_rung(txn, &end, next_ms) : error;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static uint64_t machine_margin_ms(const struct agent *agent)
{
    return agent->setup.laboratory ? LABORATORY_MS : MARGIN_MS;
}

/* The horizon is where it said so; is anything due by then that is not here? */
static enum err set_horizon(struct agent *agent, struct store_txn *txn, uint64_t now_ms)
{
    struct rungs *rungs = &agent->rungs;
    struct clock_end end;
    enum err error = clocks_next_rung(txn, &end);

    rungs->horizon_ms = now_ms;
    rungs->horizon_machine_ms = agent_machine_ms(agent);
    memcpy(rungs->session, agent->session, SESSION_BYTES);
    rungs->overdue = error == OK && end.due_before_ms <= now_ms;
    return error == ERR_NOT_FOUND ? OK : error;
}

static bool is_sure(const struct agent *agent, const struct reply_head *head)
{
    return agent->rungs.policy_same && agent->registry_matches &&
           counting_state(agent) == COUNTING_SAME && !counting_waits(agent) &&
           agent->distrust.text[0] == '\0' && !agent->following.handing &&
           strcmp(head->fetch.calendar.version, calendar_version(agent->setup.calendar)) == 0;
}

static void follow_policy(struct agent *agent, const struct reply_head *head)
{
    static const struct digest none;
    bool said = !digest_equal(&head->fetch.policy_digest, &none);
    bool differs = said && !digest_equal(&head->fetch.policy_digest, &agent->setup.policy->digest);

    if (differs && !agent->rungs.policy_differs) {
        log_event(EVENT_POLICY_DIFFERS,
                  "the broker counts by another policy file than this agent: compare them; until "
                  "then this agent does not judge what is raised");
    }
    agent->rungs.policy_same = said && !differs;
    agent->rungs.policy_differs = differs;
}

enum err rungs_fetched(struct agent *agent, struct store_txn *txn, const struct reply_head *head)
{
    struct rungs *rungs = &agent->rungs;
    const uint64_t now_ms = head->time_ms;
    uint64_t from_ms;
    enum err error;

    follow_policy(agent, head);
    if (head->fetch.delivery_count > 0) {
        return OK;
    }
    memcpy(rungs->asked, agent->session, SESSION_BYTES);
    if (head->fetch.waiting > 0) { /* for a key that was revoked, or this agency is suspended */
        return OK;
    }
    error = follow_beginning(agent, txn, now_ms);
    if (error != OK) {
        return error;
    }
    if (!is_sure(agent, head) || now_ms < rungs->heard_ms ||
        memcmp(rungs->session, agent->session, SESSION_BYTES) != 0) {
        rungs->horizon_ms = 0;
    }
    rungs->heard_ms = now_ms;
    if (!is_sure(agent, head)) {
        return OK;
    }
    if (rungs->horizon_ms == 0) {
        return set_horizon(agent, txn, now_ms);
    }
    if (now_ms < rungs->horizon_ms + MARGIN_MS ||
        agent_machine_ms(agent) < rungs->horizon_machine_ms + machine_margin_ms(agent)) {
        return OK;
    }
    from_ms =
        head->fetch.policy_since_ms > rungs->from_ms ? head->fetch.policy_since_ms : rungs->from_ms;
    error = look(agent, txn, from_ms);
    return error == OK ? set_horizon(agent, txn, now_ms) : error;
}

void rungs_heard(struct agent *agent)
{
    if (agent->clock_held) {
        agent->rungs.horizon_ms = 0;
    }
}

static bool is_due(const struct agent *agent)
{
    struct store_txn *read;
    struct clock_end end;
    bool due = false;

    if (store_read_begin(agent->setup.store, &read) == OK) { /* else it is only asked later */
        due = clocks_next_rung(read, &end) == OK && end.due_before_ms <= agent->broker_ms;
        store_read_end(read);
    }
    return due;
}

/* After a greeting at once, where something is due: does it wait? And when the end of the margin is
 * near, then. */
uint32_t rungs_fetch_wait_ms(struct agent *agent)
{
    struct rungs *rungs = &agent->rungs;
    const uint64_t now_ms = agent_machine_ms(agent);
    const uint64_t until_ms = rungs->horizon_machine_ms + machine_margin_ms(agent);

    if (memcmp(rungs->asked, agent->session, SESSION_BYTES) != 0 && is_due(agent)) {
        return 0;
    }
    if (rungs->horizon_ms == 0 || !rungs->overdue || now_ms >= until_ms ||
        until_ms - now_ms > LIMIT_FETCH_WAIT_MS) {
        return LIMIT_FETCH_WAIT_MS;
    }
    return (uint32_t)(until_ms - now_ms);
}

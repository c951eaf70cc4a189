/* When it is sent. A look at a channel reads its waiting notes and takes the most urgent one that
 * may go now, or, where more are due than the channel's rate allows, all of that officer's in one
 * digest. One sending a channel at a time; how it ended is one transaction. The rate counts sends
 * within the last minute of machine time, so that no minute ever has more, and outlives a restart.
 *
 * Officers' notes wait by themselves after a failure; a hook's keep their order. */
#include "agent/notice/notify.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/notice/text.h"
#include "agent/state.h"
#include "base/log.h"
#include "model/backoff.h"

#define MINUTE_MS       60000u
#define LOOK_MS         300000u /* a look again at the latest, should the clock have been moved */
#define CLOCK_MOVED_MS  2000u
#define START_WAIT_MS   30000u
#define RETRY_MAX_MS    (4u * 3600u * 1000u)
#define MAIL_BYTES      NOTICE_TEXT_BYTES
#define ROBOT_BYTES     2048u /* what both take of one text */
#define STATE_VERSION   1u
#define STATE_BYTES_MAX (32u + 8u * NOTICE_RATE_MAX)

/* Twelve tries: half a minute, doubling up to four hours: about a day. */
static const struct backoff note_backoff = {.base_ms = 30000, .max_ms = RETRY_MAX_MS};
/* A channel that fails is asked again for others at the latest then. */
static const struct backoff channel_backoff = {.base_ms = 30000, .max_ms = 600000};

static struct channel_state *channel_of(const struct agent *agent, size_t channel)
{
    return &agent->notifier->channels[channel];
}

void notify_look(struct agent *agent, size_t channel)
{
    channel_of(agent, channel)->look_ms = 0;
}

/* --- what a channel remembers over a restart --- */

static enum err state_put(const struct agent *agent, struct store_txn *txn, size_t channel)
{
    const struct channel_state *state = channel_of(agent, channel);
    struct buf bytes;
    uint8_t number[8];
    enum err error;

    buf_init(&bytes, STATE_BYTES_MAX);
    number[0] = STATE_VERSION;
    error = buf_append(&bytes, number, 1);
    be64_put(number, state->ok_ms);
    if (error == OK) {
        error = buf_append(&bytes, number, 8);
    }
    be64_put(number, state->blocked ? state->not_before_ms : 0);
    if (error == OK) {
        error = buf_append(&bytes, number, 8);
    }
    for (size_t i = 0; error == OK && i < state->sent_count; i++) {
        be64_put(number, state->sent_ms[i]);
        error = buf_append(&bytes, number, 8);
    }
    if (error == OK) {
        error = channel_state_put(txn, agent->notifier->setup->channels[channel].name,
                                  span_buf(&bytes));
    }
    buf_free(&bytes);
    return error;
}

/* The boot clock may have begun anew: what it says of the future was just now. */
static uint64_t not_after(uint64_t at_ms, uint64_t most_ms)
{
    return at_ms < most_ms ? at_ms : most_ms;
}

static enum err state_get(const struct agent *agent, struct store_txn *txn, size_t channel)
{
    struct channel_state *state = channel_of(agent, channel);
    uint64_t now_ms = agent_machine_ms(agent);
    struct span bytes;
    enum err error = channel_state_get(txn, agent->notifier->setup->channels[channel].name, &bytes);

    if (error == ERR_NOT_FOUND) {
        return OK;
    }
    if (error != OK || bytes.len < 17 || bytes.len > 17 + 8 * NOTICE_RATE_MAX ||
        bytes.len % 8 != 1) {
        return error != OK ? error : ERR_CORRUPT;
    }
    state->ok_ms = be64_get(bytes.data + 1);
    state->not_before_ms = not_after(be64_get(bytes.data + 9), now_ms + 10 * MINUTE_MS);
    state->blocked = state->not_before_ms > now_ms;
    state->sent_count = (bytes.len - 17) / 8;
    for (size_t i = 0; i < state->sent_count; i++) {
        state->sent_ms[i] = not_after(be64_get(bytes.data + 17 + 8 * i), now_ms);
    }
    return OK;
}

/* --- the rate --- */

/* Sends that are still free in this minute; those that are over are forgotten. */
static uint64_t free_sends(struct channel_state *state, uint64_t rate, uint64_t now_ms)
{
    size_t over = 0;

    if (rate == 0) {
        return UINT64_MAX;
    }
    while (over < state->sent_count && state->sent_ms[over] + MINUTE_MS <= now_ms) {
        over++;
    }
    state->sent_count -= over;
    memmove(state->sent_ms, state->sent_ms + over, state->sent_count * sizeof(state->sent_ms[0]));
    return rate > state->sent_count ? rate - state->sent_count : 0;
}

static void count_send(struct channel_state *state, uint64_t rate, uint64_t now_ms)
{
    if (rate > 0) {
        assert(state->sent_count < NOTICE_RATE_MAX);
        state->sent_ms[state->sent_count++] = now_ms;
    }
}

/* --- what is sent next --- */

struct picking {
    struct agent *agent;
    size_t channel;
    uint64_t wall_ms, opens_ms; /* the office's hours: now when open */
    size_t due_count;           /* notes that may go now */
    struct note first;          /* the one that goes first */
    uint64_t next_ms;           /* wall: when something else may go; UINT64_MAX: nothing waits */
    size_t held_count;          /* that wait for the office's hours */
};

static bool is_hook(const struct picking *picking)
{
    return picking->agent->notifier->setup->channels[picking->channel].kind == CHANNEL_HOOK;
}

/* Wall time from which a note may go. A retry further ahead than any wait was set by another clock.
 */
static uint64_t goes_ms(const struct picking *picking, const struct note *note)
{
    uint64_t at_ms = note->retry_ms > picking->wall_ms + RETRY_MAX_MS ? 0 : note->retry_ms;

    if (!note->urgent && !is_hook(picking) && at_ms < picking->opens_ms) {
        at_ms = picking->opens_ms;
    }
    return at_ms;
}

static bool goes_before(const struct note *a, const struct note *b)
{
    if (a->urgent != b->urgent) {
        return a->urgent;
    }
    return a->tries != b->tries ? a->tries < b->tries : a->id < b->id;
}

static void consider(struct picking *picking, const struct note *note)
{
    uint64_t at_ms = goes_ms(picking, note);

    if (at_ms > picking->wall_ms) {
        picking->next_ms = not_after(at_ms, picking->next_ms);
        picking->held_count += at_ms == picking->opens_ms ? 1 : 0;
        return;
    }
    if (picking->due_count == 0 || goes_before(note, &picking->first)) {
        picking->first = *note;
    }
    picking->due_count++;
}

static enum err pick_first(struct picking *picking, struct store_txn *txn)
{
    const struct notice_channel *channel =
        &picking->agent->notifier->setup->channels[picking->channel];
    struct note_walk walk;
    struct note note;
    enum err error = note_walk_begin(txn, NOTE_WAITS, channel->name, &walk);

    while (error == OK && (error = note_walk_next(&walk, &note)) == OK) {
        consider(picking, &note);
        if (is_hook(picking)) {
            break; /* one after the other */
        }
    }
    note_walk_end(&walk);
    return error == ERR_NOT_FOUND ? OK : error;
}

static int compare_notes(const void *a, const void *b)
{
    const struct note *left = a, *right = b;
    bool left_red = strcmp(notice_light(left), NOTICE_RED) == 0;
    bool right_red = strcmp(notice_light(right), NOTICE_RED) == 0;

    if (left_red != right_red) {
        return left_red ? -1 : 1;
    }
    return left->id < right->id ? -1 : left->id > right->id ? 1 : 0;
}

/* All that may go to the same officer now, as urgent as the first; red lights before the rest. */
static enum err pick_digest(struct picking *picking, struct store_txn *txn, size_t *ret_count)
{
    struct notifier *notifier = picking->agent->notifier;
    struct note_walk walk;
    struct note note;
    size_t count = 0;
    enum err error =
        note_walk_begin(txn, NOTE_WAITS, notifier->setup->channels[picking->channel].name, &walk);

    while (error == OK && count < NOTICE_BATCH && (error = note_walk_next(&walk, &note)) == OK) {
        if (note.urgent == picking->first.urgent && note.kind != NOTE_TEST &&
            strcmp(note.officer, picking->first.officer) == 0 &&
            goes_ms(picking, &note) <= picking->wall_ms) {
            notifier->batch[count++] = note;
        }
    }
    note_walk_end(&walk);
    qsort(notifier->batch, count, sizeof(notifier->batch[0]), compare_notes);
    *ret_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}

static struct notice_bound bound_of(const struct notice_channel *channel)
{
    struct notice_bound bound = {.bytes = MAIL_BYTES, .characters = (size_t)channel->characters};

    if (channel->kind == CHANNEL_WECOM || channel->kind == CHANNEL_DINGTALK) {
        bound.bytes = ROBOT_BYTES;
    }
    return bound;
}

const char *notify_address(const struct notice_setup *setup, size_t channel, const char *officer)
{
    for (size_t i = 0; i < setup->officer_count; i++) {
        if (strcmp(setup->officers[i].id, officer) == 0) {
            return setup->officers[i].addresses[channel];
        }
    }
    return "";
}

/* Hands the batch to whoever sends. ERR_BUSY: as many as may be are on their way. */
static enum err send_batch(struct picking *picking, size_t count)
{
    struct agent *agent = picking->agent;
    const struct notice_setup *setup = agent->notifier->setup;
    const struct notice_channel *channel = &setup->channels[picking->channel];
    const struct note *notes = agent->notifier->batch;
    char subject[NOTICE_LINE_BYTES], id[UUID_TEXT_BYTES], due[NOTICE_DATE_BYTES];
    struct notice_sending sending = {.address =
                                         notify_address(setup, picking->channel, notes[0].officer),
                                     .officer = notes[0].officer,
                                     .subject = subject,
                                     .text = "",
                                     .id = id,
                                     .number = notes[0].number,
                                     .light = notice_light(&notes[0]),
                                     .due = due,
                                     .wall_ms = picking->wall_ms,
                                     .json = notes[0].json};
    struct notice_bound bound = bound_of(channel);
    struct buf text;
    enum err error;

    notice_subject(agent->setup.policy, notes, count, subject);
    notice_date(notes[0].due_date, due);
    uuid_format(&notes[0].event, id);
    buf_init(&text, 2 * NOTICE_TEXT_BYTES);
    error = notice_text(agent->setup.policy, notes, count, bound, &text);
    if (error == ERR_TOO_LARGE) { /* two parts of a short message are better than none */
        bound.characters = 0;
        error = notice_text(agent->setup.policy, notes, count, bound, &text);
    }
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    if (error == OK) {
        sending.text = (const char *)text.data;
        error = agent->setup.ops->notify(agent->setup.ctx, picking->channel, &sending);
    }
    buf_free(&text);
    return error;
}

static void note_started(struct picking *picking, size_t count)
{
    struct channel_state *state = channel_of(picking->agent, picking->channel);
    const struct notifier *notifier = picking->agent->notifier;

    for (size_t i = 0; i < count; i++) {
        state->ids[i] = notifier->batch[i].id;
        state->with_end[i] = notifier->batch[i].resolved;
    }
    state->count = count;
    state->busy = true;
    count_send(state, notifier->setup->channels[picking->channel].rate,
               agent_machine_ms(picking->agent));
}

/* Machine time of the next look at a channel that has nothing to send now. */
static void plan_look(struct picking *picking)
{
    struct channel_state *state = channel_of(picking->agent, picking->channel);
    uint64_t now_ms = agent_machine_ms(picking->agent), wait_ms = LOOK_MS;

    state->held_ms = 0;
    if (picking->due_count > 0) { /* above the rate: as soon as the oldest send is a minute ago */
        state->look_ms = state->sent_ms[0] + MINUTE_MS;
        return;
    }
    if (picking->next_ms == UINT64_MAX) {
        state->look_ms = UINT64_MAX;
        return;
    }
    if (picking->held_count > 0) {
        state->held_ms = picking->opens_ms;
    }
    wait_ms = not_after(picking->next_ms - picking->wall_ms, LOOK_MS);
    state->look_ms = now_ms + wait_ms;
}

static enum err start_in(struct picking *picking, struct store_txn *txn)
{
    struct notifier *notifier = picking->agent->notifier;
    const struct notice_channel *channel = &notifier->setup->channels[picking->channel];
    struct channel_state *state = channel_of(picking->agent, picking->channel);
    uint64_t left = free_sends(state, channel->rate, agent_machine_ms(picking->agent));
    size_t count = 1;
    enum err error = pick_first(picking, txn);

    if (error != OK || picking->due_count == 0 || left == 0) {
        if (error == OK) {
            plan_look(picking);
        }
        return error;
    }
    if (picking->due_count > left && picking->first.kind != NOTE_TEST) {
        error = pick_digest(picking, txn, &count);
    } else if (is_hook(picking)) { /* its JSON was borrowed from the walk */
        error = note_get(txn, NOTE_WAITS, channel->name, picking->first.id, notifier->batch);
    } else {
        notifier->batch[0] = picking->first;
    }
    if (error == OK) {
        error = send_batch(picking, count);
    }
    if (error == OK) {
        state->held_ms = 0;
        note_started(picking, count);
    }
    return error;
}

static enum err start_channel(struct agent *agent, size_t channel)
{
    struct picking picking = {
        .agent = agent, .channel = channel, .wall_ms = agent_wall_ms(agent), .next_ms = UINT64_MAX};
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    picking.opens_ms =
        office_hours_next(&agent->notifier->setup->hours, agent->setup.calendar, picking.wall_ms);
    error = start_in(&picking, read);
    store_read_end(read);
    return error;
}

/* --- how it ended --- */

struct settling {
    struct agent *agent;
    struct store_txn *txn;
    size_t channel;
    size_t dead; /* given up just now */
};

/* The end came while the raised rung was on its way: it is said now, by itself. */
static enum err settle_told(struct settling *settling, struct note *note, bool with_end)
{
    enum err error;

    if (note->kind == NOTE_RAISED && note->resolved && !with_end) {
        note->kind = NOTE_RESOLVED;
        note->resolved = false;
        note->tries = 0;
        note->retry_ms = 0;
        note->event = agent_new_id(settling->agent);
        return note_put(settling->txn, NOTE_WAITS, note);
    }
    if (note->kind == NOTE_RAISED && !note->resolved && note->officer[0] != '\0' &&
        rung_is_document(note->cause.rung)) {
        error = told_put(settling->txn, note);
        if (error != OK) {
            return error;
        }
    }
    return note_remove(settling->txn, NOTE_WAITS, note->channel, note->id);
}

static enum err give_up(struct settling *settling, struct note *note)
{
    enum err error = note_remove(settling->txn, NOTE_WAITS, note->channel, note->id);

    settling->dead++;
    return error == OK ? note_put(settling->txn, NOTE_DEAD, note) : error;
}

static enum err settle_failed(struct settling *settling, struct note *note,
                              const struct notice_outcome *outcome)
{
    struct agent *agent = settling->agent;
    uint32_t random;

    note->tries++;
    text_copy(note->reason, sizeof(note->reason), outcome->reason);
    if (outcome->result == NOTICE_REFUSED || note->kind == NOTE_TEST ||
        note->tries >= NOTIFY_TRIES_MAX) {
        return give_up(settling, note);
    }
    agent->setup.ops->random(agent->setup.ctx, &random, sizeof(random));
    note->retry_ms = agent_wall_ms(agent) + backoff_ms(&note_backoff, note->tries, random);
    return note_put(settling->txn, NOTE_WAITS, note);
}

static enum err settle_note(struct settling *settling, size_t index)
{
    const struct channel_state *state = channel_of(settling->agent, settling->channel);
    const char *name = settling->agent->notifier->setup->channels[settling->channel].name;
    struct buf json;
    struct note note;
    enum err error = note_get(settling->txn, NOTE_WAITS, name, state->ids[index], &note);

    if (error != OK) {
        return error;
    }
    buf_init(&json, NOTE_HOOK_BYTES);
    error = buf_append(&json, note.json.data, note.json.len);
    note.json = span_buf(&json); /* a write ends what was borrowed */
    if (error == OK) {
        error = state->outcome.result == NOTICE_SENT
                    ? settle_told(settling, &note, state->with_end[index])
                    : settle_failed(settling, &note, &state->outcome);
    }
    buf_free(&json);
    return error;
}

static enum err settle_in(struct settling *settling)
{
    const struct channel_state *state = channel_of(settling->agent, settling->channel);
    enum err error = store_begin(settling->agent->setup.store, &settling->txn);

    if (error != OK) {
        return error;
    }
    for (size_t i = 0; error == OK && state->outcome.result != NOTICE_BLOCKED && i < state->count;
         i++) {
        error = settle_note(settling, i);
    }
    if (error == OK && settling->dead > 0) {
        error = note_prune(settling->txn,
                           settling->agent->notifier->setup->channels[settling->channel].name);
    }
    if (error == OK) {
        error = state_put(settling->agent, settling->txn, settling->channel);
    }
    if (error != OK) {
        store_abort(settling->txn);
        return error;
    }
    return store_commit(settling->txn);
}

static void note_failure(struct agent *agent, size_t channel, size_t dead)
{
    struct channel_state *state = channel_of(agent, channel);
    const struct notice_channel *setup = &agent->notifier->setup->channels[channel];
    uint32_t random;

    if (state->outcome.result == NOTICE_FAILED) {
        agent->setup.ops->random(agent->setup.ctx, &random, sizeof(random));
        state->failures++;
        state->not_before_ms =
            agent_machine_ms(agent) +
            backoff_ms(setup->kind == CHANNEL_HOOK ? &note_backoff : &channel_backoff,
                       state->failures, random);
    }
    log_event(EVENT_CHANNEL_FAILED, "channel \"%s\" failed: %s%s", setup->name,
              state->outcome.reason,
              dead > 0 ? "; given up, see `referralctl agent notify dead`" : "");
}

/* Before it is written down, so that what outlives a restart is in the same transaction. */
static void apply_outcome(struct agent *agent, size_t channel)
{
    struct channel_state *state = channel_of(agent, channel);

    state->blocked = state->outcome.result == NOTICE_BLOCKED;
    if (state->blocked) {
        state->not_before_ms = agent_machine_ms(agent) + state->outcome.wait_ms;
    } else if (state->outcome.result == NOTICE_SENT) {
        state->ok_ms = agent_wall_ms(agent);
    }
}

/* What cannot be written now is tried again before the next start: an officer who was told is not
 * told again for want of room. */
static void settle(struct agent *agent, size_t channel)
{
    struct channel_state *state = channel_of(agent, channel);
    struct settling settling = {.agent = agent, .channel = channel};
    enum err error = settle_in(&settling);

    state->unsettled = error != OK;
    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
        state->look_ms = agent_machine_ms(agent) + START_WAIT_MS;
        return;
    }
    state->look_ms = 0;
    if (state->outcome.result == NOTICE_SENT) {
        state->failures = 0;
        state->not_before_ms = 0;
    } else {
        note_failure(agent, channel, settling.dead);
    }
}

void agent_notified(struct agent *agent, size_t channel, const struct notice_outcome *outcome)
{
    struct channel_state *state = channel_of(agent, channel);

    assert(state->busy);
    state->busy = false;
    state->outcome = *outcome;
    apply_outcome(agent, channel);
    settle(agent, channel);
    agent_pump(agent);
}

/* --- what is started --- */

static bool may_start(const struct agent *agent, size_t channel)
{
    const struct channel_state *state = channel_of(agent, channel);
    uint64_t now_ms = agent_machine_ms(agent);

    return !state->busy && state->look_ms <= now_ms &&
           (state->unsettled || state->not_before_ms <= now_ms);
}

/* A laboratory's clock, or the machine's, was moved: hours begin at another time. */
static void follow_clock(struct agent *agent)
{
    struct notifier *notifier = agent->notifier;
    uint64_t ahead_ms = agent_wall_ms(agent) - agent_machine_ms(agent);
    uint64_t moved_ms = ahead_ms - notifier->ahead_ms;

    if (moved_ms + CLOCK_MOVED_MS <= 2 * CLOCK_MOVED_MS) {
        return;
    }
    notifier->ahead_ms = ahead_ms;
    for (size_t i = 0; i < notifier->setup->channel_count; i++) {
        if (notifier->channels[i].look_ms != UINT64_MAX && !notifier->channels[i].unsettled) {
            notifier->channels[i].look_ms = 0;
        }
    }
}

static void start_or_wait(struct agent *agent, size_t channel)
{
    struct channel_state *state = channel_of(agent, channel);
    enum err error;

    if (state->unsettled) {
        settle(agent, channel);
    }
    if (!may_start(agent, channel) || state->unsettled) {
        return;
    }
    error = start_channel(agent, channel);
    if (error != OK && error != ERR_BUSY) {
        log_event(EVENT_CHANNEL_FAILED, "channel \"%s\" cannot be started: %s",
                  agent->notifier->setup->channels[channel].name, err_text(error));
        state->look_ms = agent_machine_ms(agent) + START_WAIT_MS;
    }
}

void notify_start(struct agent *agent)
{
    struct notifier *notifier = agent->notifier;

    if (notifier == NULL) {
        return;
    }
    follow_clock(agent);
    notifier->turn++; /* nobody is always first */
    for (size_t i = 0; i < notifier->setup->channel_count; i++) {
        size_t channel = (notifier->turn + i) % notifier->setup->channel_count;

        if (may_start(agent, channel)) {
            start_or_wait(agent, channel);
        }
    }
}

uint64_t notify_next_ms(const struct agent *agent, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    for (size_t i = 0; agent->notifier != NULL && i < agent->notifier->setup->channel_count; i++) {
        const struct channel_state *state = channel_of(agent, i);
        uint64_t at_ms = state->look_ms;

        if (state->busy || at_ms == UINT64_MAX) {
            continue;
        }
        if (!state->unsettled && at_ms < state->not_before_ms) {
            at_ms = state->not_before_ms;
        }
        if (at_ms > now_ms && at_ms < next_ms) {
            next_ms = at_ms;
        }
    }
    return next_ms;
}

/* --- life --- */

struct sweep {
    struct store_txn *txn;
    const struct notice_setup *setup;
    bool changed;
};

static enum err sweep_note(struct sweep *sweep, struct note *note, const char *reason)
{
    struct buf json;
    enum err error;

    buf_init(&json, NOTE_HOOK_BYTES);
    error = buf_append(&json, note->json.data, note->json.len);
    note->json = span_buf(&json);
    text_copy(note->reason, sizeof(note->reason), reason);
    if (error == OK) {
        error = note_remove(sweep->txn, NOTE_WAITS, note->channel, note->id);
    }
    if (error == OK) {
        error = note_put(sweep->txn, NOTE_DEAD, note);
    }
    buf_free(&json);
    sweep->changed = true;
    return error;
}

/* All of a channel that is gone, or of one that stays whoever has no address there any more. */
static enum err sweep_channel(struct sweep *sweep, const char *name, size_t channel)
{
    bool gone = channel == sweep->setup->channel_count;
    struct note_walk walk;
    struct note note;
    enum err error = note_walk_begin(sweep->txn, NOTE_WAITS, name, &walk);

    while (error == OK && (error = note_walk_next(&walk, &note)) == OK) {
        if (gone) {
            error = sweep_note(sweep, &note, "this channel is not configured any more");
        } else if (notify_address(sweep->setup, channel, note.officer)[0] == '\0') {
            error = sweep_note(sweep, &note, "this officer has no address there any more");
        }
    }
    note_walk_end(&walk);
    error = error == ERR_NOT_FOUND ? OK : error;
    return error == OK && sweep->changed ? note_prune(sweep->txn, name) : error;
}

/* What an earlier version left for its hook is for the first hook of now. */
static enum err take_old(struct agent *agent, struct sweep *sweep, const char *hook)
{
    struct note note;
    enum err error = OK;

    while (error == OK && (error = note_old(sweep->txn, &note)) == OK) {
        text_copy(note.channel, sizeof(note.channel), hook);
        note.made_ms = agent_wall_ms(agent);
        note.event = agent_new_id(agent);
        error = note_put(sweep->txn, NOTE_WAITS, &note);
        if (error == OK) {
            error = note_old_remove(sweep->txn, note.id);
        }
        sweep->changed = true;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err load_in(struct agent *agent, struct sweep *sweep)
{
    char stray[NOTICE_NAME_BYTES];
    enum err error = OK;

    while (error == OK && (error = note_stray(sweep->txn, sweep->setup, stray)) == OK) {
        error = sweep_channel(sweep, stray, sweep->setup->channel_count);
    }
    error = error == ERR_NOT_FOUND ? OK : error;
    for (size_t i = 0; error == OK && i < sweep->setup->channel_count; i++) {
        error = sweep->setup->channels[i].kind == CHANNEL_HOOK
                    ? take_old(agent, sweep, sweep->setup->channels[i].name)
                    : sweep_channel(sweep, sweep->setup->channels[i].name, i);
        if (error == OK) {
            error = state_get(agent, sweep->txn, i);
        }
    }
    return error;
}

enum err notify_new(struct agent *agent, struct notifier **ret_notifier)
{
    struct sweep sweep = {.setup = agent->setup.notices};
    struct notifier *notifier;
    enum err error;

    if (agent->setup.notices == NULL || agent->setup.notices->channel_count == 0) {
        return OK;
    }
    notifier = calloc(1, sizeof(*notifier));
    if (notifier == NULL) {
        return ERR_MEMORY;
    }
    notifier->setup = agent->setup.notices;
    notifier->batch = calloc(NOTICE_BATCH, sizeof(*notifier->batch));
    *ret_notifier = notifier;
    error = notifier->batch == NULL ? ERR_MEMORY : store_begin(agent->setup.store, &sweep.txn);
    if (error != OK) {
        return error;
    }
    error = load_in(agent, &sweep); /* the first look finds what is left, or nothing */
    if (error == OK && sweep.changed) {
        return store_commit(sweep.txn);
    }
    store_abort(sweep.txn);
    return error;
}

void notify_free(struct notifier *notifier)
{
    if (notifier != NULL) {
        free(notifier->batch);
        free(notifier);
    }
}

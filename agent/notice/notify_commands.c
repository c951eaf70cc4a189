/* The socket's commands about notices: state of the channels, a test, the dead letters. */
#include <stdio.h>
#include <string.h>

#include "agent/notice/notify.h"
#include "agent/notice/text.h"
#include "agent/state.h"
#include "model/instant_text.h"
#include "store/cases.h"

#define DEAD_ROWS_MAX 500u

static void named_text(struct json_writer *out, const char *name, const char *text)
{
    if (text[0] != '\0') {
        json_name(out, name);
        json_text(out, text);
    }
}

static void named_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

static void named_instant(struct json_writer *out, const char *name, uint64_t instant_ms)
{
    char text[INSTANT_TEXT_BYTES];

    if (instant_ms != 0) {
        instant_format(instant_ms, text);
        named_text(out, name, text);
    }
}

/* --- status --- */

static enum err count_notes(struct store_txn *read, enum note_place place, const char *channel,
                            uint64_t *ret_count)
{
    struct note_walk walk;
    struct note note;
    uint64_t count = 0;
    enum err error = note_walk_begin(read, place, channel, &walk);

    while (error == OK && (error = note_walk_next(&walk, &note)) == OK) {
        count++;
    }
    note_walk_end(&walk);
    *ret_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err write_channel(const struct agent *agent, struct store_txn *read, size_t channel,
                              struct json_writer *out)
{
    const struct notice_channel *setup = &agent->notifier->setup->channels[channel];
    const struct channel_state *state = &agent->notifier->channels[channel];
    uint64_t waiting = 0, dead = 0, now_ms = agent_machine_ms(agent);
    enum err error = count_notes(read, NOTE_WAITS, setup->name, &waiting);

    if (error == OK) {
        error = count_notes(read, NOTE_DEAD, setup->name, &dead);
    }
    json_object_begin(out);
    named_text(out, "channel", setup->name);
    named_text(out, "kind", channel_kinds[setup->kind]);
    named_u64(out, "waiting", waiting);
    named_u64(out, "dead", dead);
    named_u64(out, "failures", state->failures);
    named_instant(out, "last_ok", state->ok_ms);
    if (state->failures > 0 || state->blocked) {
        named_text(out, "reason", state->outcome.reason);
    }
    if (state->blocked && state->not_before_ms > now_ms) {
        named_instant(out, "muted_until", agent_wall_ms(agent) + state->not_before_ms - now_ms);
    } else if (waiting > 0) {
        named_instant(out, "muted_until", state->held_ms);
    }
    json_object_end(out);
    return error;
}

enum err notify_status(const struct agent *agent, struct store_txn *read, struct json_writer *out)
{
    enum err error = OK;

    if (agent->notifier == NULL) {
        return OK;
    }
    json_name(out, "channels");
    json_array_begin(out);
    for (size_t i = 0; error == OK && i < agent->notifier->setup->channel_count; i++) {
        error = write_channel(agent, read, i, out);
    }
    json_array_end(out);
    return error;
}

/* --- a test --- */

static enum err read_channel(const struct agent *agent, const struct json_value *request,
                             size_t *ret_channel, struct fault *fault)
{
    const char *names[NOTICE_CHANNELS_MAX + 1] = {NULL};
    struct json_value value = json_member(request, "channel");

    if (agent->notifier == NULL) {
        return json_refuse(request, fault, "agent.notices",
                           "this agent has no channel: `channels` of its configuration");
    }
    for (size_t i = 0; i < agent->notifier->setup->channel_count; i++) {
        names[i] = agent->notifier->setup->channels[i].name;
    }
    return json_get_choice(&value, names, ret_channel, fault);
}

struct testing {
    struct agent *agent;
    struct store_txn *txn;
    size_t channel;
    struct json_writer *out;
    size_t count;
};

static enum err add_test(struct testing *testing, const char *officer)
{
    struct agent *agent = testing->agent;
    const struct notice_channel *channel = &agent->notifier->setup->channels[testing->channel];
    struct note note = {.kind = NOTE_TEST,
                        .urgent = true,
                        .cause = {.rung = RUNG_COUNT},
                        .made_ms = agent_wall_ms(agent),
                        .event = agent_new_id(agent)};
    char json[256];
    enum err error = number_count(testing->txn, "notices", &note.id);

    text_copy(note.channel, sizeof(note.channel), channel->name);
    text_copy(note.officer, sizeof(note.officer), officer);
    if (channel->kind == CHANNEL_HOOK) {
        (void)snprintf(json, sizeof(json),
                       "{\"agency\":\"%s\",\"event\":\"test\",\"text_zh\":\"测试通知：渠道 %s "
                       "可用，无需处理。\"}",
                       agent->setup.self->id, channel->name);
        note.json = span_text(json);
    }
    if (error == OK) {
        error = note_put(testing->txn, NOTE_WAITS, &note);
    }
    json_u64(testing->out, note.id);
    testing->count++;
    return error;
}

static enum err add_tests(struct testing *testing)
{
    const struct notice_setup *setup = testing->agent->notifier->setup;
    enum err error = OK;

    if (setup->channels[testing->channel].kind == CHANNEL_HOOK) {
        return add_test(testing, "");
    }
    for (size_t i = 0; error == OK && i < setup->officer_count; i++) {
        if (setup->officers[i].addresses[testing->channel][0] != '\0') {
            error = add_test(testing, setup->officers[i].id);
        }
    }
    return error;
}

enum err notify_answer_test(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    struct testing testing = {.agent = agent, .out = out};
    enum err error = read_channel(agent, request, &testing.channel, fault);

    if (error == OK) {
        error = store_begin(agent->setup.store, &testing.txn);
    }
    if (error != OK) {
        return error;
    }
    json_name(out, "ids");
    json_array_begin(out);
    error = add_tests(&testing);
    json_array_end(out);
    if (error == OK && testing.count == 0) {
        error = json_refuse(request, fault, "agent.notices", "no officer has an address there");
        fault_hint(fault, "add the channel to `to` of an officer");
    }
    if (error != OK) {
        store_abort(testing.txn);
        return error;
    }
    error = store_commit(testing.txn);
    if (error == OK) {
        notify_look(agent, testing.channel);
        agent_pump(agent);
    }
    return error;
}

/* --- one note, by its id --- */

/* Where it lies; ERR_NOT_FOUND: nowhere, so it was sent. */
static enum err find_note(struct store_txn *txn, uint64_t id, enum note_place *ret_place,
                          struct note *ret_note)
{
    static const enum note_place places[] = {NOTE_WAITS, NOTE_DEAD};
    struct note_walk walk;
    struct note note;
    enum err error = ERR_NOT_FOUND;

    for (size_t i = 0; i < 2 && error == ERR_NOT_FOUND; i++) {
        error = note_walk_begin(txn, places[i], NULL, &walk);
        while (error == OK && (error = note_walk_next(&walk, &note)) == OK && note.id != id) {
        }
        note_walk_end(&walk);
        if (error == OK) {
            *ret_place = places[i];
            return note_get(txn, places[i], note.channel, id, ret_note);
        }
    }
    return error;
}

static enum err read_id(const struct json_value *request, uint64_t *ret_id, struct fault *fault)
{
    struct json_value value = json_member(request, "id");

    return json_get_u64(&value, 1, INT64_MAX, ret_id, fault);
}

static void write_note(const struct note *note, struct json_writer *out)
{
    named_u64(out, "id", note->id);
    named_text(out, "channel", note->channel);
    named_text(out, "officer", note->officer);
    named_text(out, "referral", note->number);
    if (note->cause.rung < RUNG_COUNT) {
        named_text(out, "rung", rung_id(note->cause.rung));
    }
    if (note->message_kind != 0) {
        named_text(out, "kind", message_kind_name(note->message_kind));
    }
    named_instant(out, "at", note->made_ms);
    named_u64(out, "tries", note->tries);
    named_text(out, "reason", note->reason);
}

enum err notify_answer_result(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    struct store_txn *read;
    enum note_place place = NOTE_WAITS;
    struct note note = {.id = 0};
    uint64_t id;
    enum err error = read_id(request, &id, fault);

    if (error == OK) {
        error = store_read_begin(agent->setup.store, &read);
    }
    if (error != OK) {
        return error;
    }
    error = find_note(read, id, &place, &note);
    json_name(out, "state");
    json_text(out, error == ERR_NOT_FOUND ? "sent" : place == NOTE_DEAD ? "dead" : "waiting");
    if (error == OK) {
        write_note(&note, out);
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- dead letters --- */

static enum err list_dead(struct store_txn *read, struct json_writer *out, bool *ret_more)
{
    struct note_walk walk;
    struct note note;
    size_t count = 0;
    enum err error = note_walk_begin(read, NOTE_DEAD, NULL, &walk);

    while (error == OK && count < DEAD_ROWS_MAX && (error = note_walk_next(&walk, &note)) == OK) {
        json_object_begin(out);
        write_note(&note, out);
        json_object_end(out);
        count++;
    }
    note_walk_end(&walk);
    *ret_more = count == DEAD_ROWS_MAX;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err notify_answer_dead(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    struct store_txn *read;
    bool more = false;
    enum err error = store_read_begin(agent->setup.store, &read);

    (void)request;
    (void)fault;
    if (error != OK) {
        return error;
    }
    json_name(out, "rows");
    json_array_begin(out);
    error = list_dead(read, out, &more);
    json_array_end(out);
    json_name(out, "more");
    json_bool(out, more);
    store_read_end(read);
    return error;
}

/* Its channel is there, and its officer has an address on it. */
static bool can_be_sent(const struct agent *agent, const struct note *note)
{
    const struct notice_setup *setup = agent->setup.notices;

    for (size_t i = 0; setup != NULL && i < setup->channel_count; i++) {
        if (strcmp(setup->channels[i].name, note->channel) == 0) {
            return setup->channels[i].kind == CHANNEL_HOOK ||
                   notify_address(setup, i, note->officer)[0] != '\0';
        }
    }
    return false;
}

static enum err revive(struct agent *agent, struct store_txn *txn, uint64_t id,
                       struct note *ret_note)
{
    enum note_place place = NOTE_WAITS;
    struct buf json;
    enum err error = find_note(txn, id, &place, ret_note);

    if (error != OK || place != NOTE_DEAD || !can_be_sent(agent, ret_note)) {
        return error == OK ? ERR_NOT_FOUND : error;
    }
    ret_note->tries = 0;
    ret_note->retry_ms = 0;
    buf_init(&json, NOTE_HOOK_BYTES);
    error = buf_append(&json, ret_note->json.data, ret_note->json.len);
    ret_note->json = span_buf(&json);
    if (error == OK) {
        error = note_remove(txn, NOTE_DEAD, ret_note->channel, id);
    }
    if (error == OK) {
        error = note_put(txn, NOTE_WAITS, ret_note);
    }
    ret_note->json = span_of(NULL, 0);
    buf_free(&json);
    return error;
}

static void look_all(struct agent *agent)
{
    for (size_t i = 0; i < agent->notifier->setup->channel_count; i++) {
        notify_look(agent, i);
    }
    agent_pump(agent);
}

enum err notify_answer_retry(struct agent *agent, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    struct store_txn *txn;
    struct note note = {.id = 0};
    uint64_t id;
    enum err error = read_id(request, &id, fault);

    if (error == OK) {
        error = store_begin(agent->setup.store, &txn);
    }
    if (error != OK) {
        return error;
    }
    error = revive(agent, txn, id, &note);
    if (error == ERR_NOT_FOUND) {
        struct json_value value = json_member(request, "id");

        error = json_refuse(&value, fault, "agent.notices",
                            "there is no dead letter of this id, or nobody to send it to");
        fault_hint(fault,
                   "`referralctl agent notify dead` lists them; its channel and officer must "
                   "be in the configuration");
    }
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    error = store_commit(txn);
    if (error == OK) {
        write_note(&note, out);
        look_all(agent);
    }
    return error;
}

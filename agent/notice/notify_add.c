/* Who is told of what: one note for each officer and channel, one for each hook. The end of a rung
 * goes to whoever was told of it, and to nobody else. */
#include <string.h>

#include "agent/notice/notify.h"
#include "agent/notice/text.h"
#include "agent/state.h"
#include "model/lanes.h"
#include "model/message_json.h"
#include "store/cases.h"

/* --- what a hook reads --- */

static void named(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

static void write_text(const struct row *row, struct json_writer *out)
{
    char line[NOTICE_LINE_BYTES];

    if (notice_message_line(row->header.kind, row->header.referral_number, line)) {
        named(out, "kind_zh", notice_kind_name(row->header.kind));
        named(out, "text_zh", line);
    }
}

/* What this city calls the rung: 黄牌. */
static void write_rung_name(const struct agent *agent, const struct notice_facts *facts,
                            struct json_writer *out)
{
    enum rung rung = RUNG_COUNT;

    if (rung_parse(facts->rung, &rung) == OK) {
        named(out, "rung_zh", agent->setup.policy->names[rung].zh);
        named(out, "rung_en", agent->setup.policy->names[rung].en);
    }
}

static void write_message(struct agent *agent, const struct row *row, const struct message *message,
                          const char *lane, struct json_writer *out)
{
    named(out, "event", row_state_name(row->state));
    named(out, "kind", message_kind_name(row->header.kind));
    named(out, "sender", row->header.sender);
    named(out, "referral", row->header.referral_number);
    named(out, "case_number", row->header.case_number);
    if (lane != NULL) {
        named(out, "lane", lane);
    }
    if (message != NULL && message_kind_from_broker(row->header.kind)) {
        json_name(out, "facts");
        message_json_write_facts(out, message);
        write_rung_name(agent, &message->notice, out);
    }
    write_text(row, out);
}

/* --- what came --- */

struct telling {
    struct agent *agent;
    struct store_txn *txn;
    const struct row *row;         /* NULL: an alarm, or */
    bool new_log;                  /* that the broker was restored */
    const struct message *message; /* NULL: it could not be read */
    const char *lane;              /* NULL: not known */
    uint32_t roles;                /* who is told; 0: those who read messages */
    struct note note;              /* but channel, officer, id */
};

static enum note_kind alarm_kind(const struct agent *agent)
{
    static const enum note_kind kinds[] = {[RUNGS_FINE] = NOTE_ALARM,
                                           [RUNGS_EARLY] = NOTE_RUNG_EARLY,
                                           [RUNGS_MISSING] = NOTE_RUNG_MISSING};

    return kinds[rungs_alarm(agent)];
}

static enum err write_hook(const struct telling *telling, struct buf *out)
{
    struct agent *agent = telling->agent;
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_object_begin(&writer);
    named(&writer, "agency", agent->setup.self->id);
    if (telling->row != NULL) {
        write_message(agent, telling->row, telling->message, telling->lane, &writer);
    } else if (telling->new_log) {
        named(&writer, "event", "new-log");
        named(&writer, "text_zh", NOTICE_NEW_LOG_TEXT);
    } else {
        named(&writer, "event", "alarm");
        named(&writer, "message", agent_alarm_text(agent));
        named(&writer, "text_zh", notice_alarm_text(alarm_kind(agent)));
    }
    json_object_end(&writer);
    return json_writer_end(&writer);
}

static bool has_role(const struct notice_setup *setup, uint32_t roles)
{
    for (size_t i = 0; i < setup->officer_count; i++) {
        if ((setup->officers[i].role & roles) != 0) {
            return true;
        }
    }
    return false;
}

/* The agency that waits is told through its liaison officer; what is for somebody whom this agency
 * has not named goes there, too. */
static uint32_t roles_of(const struct notice_setup *setup, uint32_t roles)
{
    if ((roles & ROLE_SENDER) != 0 || !has_role(setup, roles)) {
        roles |= ROLE_LIAISON;
    }
    return roles;
}

static void describe_rung(struct telling *telling, const struct notice_facts *facts)
{
    const struct calendar *calendar = telling->agent->setup.calendar;
    struct note *note = &telling->note;
    int32_t due_day, day = civil_day_at(facts->fell_due_ms > 0 ? facts->fell_due_ms - 1 : 0);

    note->cause.task = (uint32_t)facts->task;
    note->cause.window = facts->window;
    if (rung_parse(facts->rung, &note->cause.rung) != OK) {
        note->cause.rung = RUNG_COUNT;
    }
    note->due_date = facts->due_date;
    if (civil_from_yyyymmdd(facts->due_date, &due_day) == OK) {
        note->late = facts->fell_due_ms >= civil_end_ms(due_day);
        note->days = note->late ? calendar_count_working_days(calendar, due_day, day)
                                : calendar_count_working_days(calendar, day, due_day);
    }
}

static void describe_notice(struct telling *telling, const struct notice_facts *facts)
{
    struct note *note = &telling->note;

    describe_rung(telling, facts);
    telling->roles = roles_of(telling->agent->notifier->setup, facts->roles);
    if (telling->row->header.kind == MESSAGE_RESOLVED) {
        note->kind = NOTE_RESOLVED;
    } else if (telling->row->header.kind == MESSAGE_REMINDER ||
               telling->row->header.kind == MESSAGE_ESCALATION) {
        note->kind = NOTE_RAISED;
    }
    note->urgent = note->urgent || note_rung(note->cause.rung) == RUNG_URGENT_1 ||
                   note_rung(note->cause.rung) == RUNG_URGENT_2;
}

static void describe_lane(struct telling *telling)
{
    const struct case_key key = {.case_id = telling->row->header.case_id,
                                 .referral_id = telling->row->header.referral_id};
    struct copy *copy = telling->agent->copy;
    enum lane lane;

    if (copy_load(telling->txn, &key, copy) == OK && copy->known) {
        lane = (enum lane)(copy->of_matter ? copy->matter.lane : copy->referral.lane);
        telling->lane = lane_name(lane);
        telling->note.urgent = lane == LANE_LIFE_DANGER;
    }
}

static void describe(struct telling *telling)
{
    struct agent *agent = telling->agent;
    struct note *note = &telling->note;

    note->kind = NOTE_MESSAGE;
    note->cause.rung = RUNG_COUNT;
    note->made_ms = agent_wall_ms(agent);
    if (telling->row == NULL) {
        note->kind = telling->new_log ? NOTE_NEW_LOG : alarm_kind(agent);
        note->urgent = !telling->new_log;
        note->event = agent_new_id(agent);
        telling->roles = roles_of(agent->notifier->setup, ROLE_ADMINISTRATORS | ROLE_LIAISON);
        return;
    }
    note->event = telling->row->header.message_id;
    note->message_kind = telling->row->header.kind;
    note->cause.referral = telling->row->header.referral_id;
    text_copy(note->number, sizeof(note->number), telling->row->header.referral_number);
    describe_lane(telling);
    if (telling->message != NULL && message_kind_from_broker(note->message_kind)) {
        describe_notice(telling, &telling->message->notice);
    }
}

static bool wants(const struct telling *telling, const struct notice_officer *officer)
{
    const struct note *note = &telling->note;

    switch (note->kind) {
    case NOTE_RAISED:
        return (officer->role & telling->roles) != 0 && note->cause.rung < RUNG_COUNT &&
               rung_set_has(officer->rungs, note_rung(note->cause.rung));
    case NOTE_ALARM:
    case NOTE_RUNG_EARLY:
    case NOTE_RUNG_MISSING:
    case NOTE_NEW_LOG:
        return (officer->role & telling->roles) != 0;
    case NOTE_MESSAGE:
        if (telling->roles != 0) {
            return officer->messages && (officer->role & telling->roles) != 0;
        }
        return officer->messages || (note->urgent && officer->role == ROLE_DUTY_CONTACT);
    case NOTE_RESOLVED:
    case NOTE_TEST:
        break;
    }
    return false;
}

/* --- rows --- */

static enum err add_note(struct telling *telling, size_t channel, const char *officer)
{
    struct note note = telling->note;
    enum err error = number_count(telling->txn, "notices", &note.id);

    text_copy(note.channel, sizeof(note.channel),
              telling->agent->notifier->setup->channels[channel].name);
    text_copy(note.officer, sizeof(note.officer), officer);
    notify_look(telling->agent, channel);
    return error == OK ? note_put(telling->txn, NOTE_WAITS, &note) : error;
}

static bool same_cause(const struct note_cause *a, const struct note_cause *b)
{
    return uuid_equal(&a->referral, &b->referral) && a->task == b->task && a->window == b->window &&
           a->rung == b->rung;
}

/* The note that tells this officer of the rung and has not been sent; ERR_NOT_FOUND. */
static enum err find_raised(struct telling *telling, enum note_place place, const struct note *end,
                            struct note *ret_note)
{
    struct note_walk walk;
    struct note note;
    enum err error = note_walk_begin(telling->txn, place, end->channel, &walk);

    while (error == OK && (error = note_walk_next(&walk, &note)) == OK) {
        if (note.kind == NOTE_RAISED && strcmp(note.officer, end->officer) == 0 &&
            same_cause(&note.cause, &end->cause)) {
            *ret_note = note;
            ret_note->json = span_of(NULL, 0);
            break;
        }
    }
    note_walk_end(&walk);
    return error;
}

/* Not told yet, or given up: the end is said with it. */
static enum err mark_raised(struct telling *telling, const struct note *end)
{
    static const enum note_place places[] = {NOTE_WAITS, NOTE_DEAD};
    struct note note;
    enum err error = ERR_NOT_FOUND;

    for (size_t i = 0; i < 2 && error == ERR_NOT_FOUND; i++) {
        error = find_raised(telling, places[i], end, &note);
        if (error == OK) {
            note.resolved = true;
            return note_put(telling->txn, places[i], &note);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Told already: another note. */
static enum err add_end(struct telling *telling, size_t channel,
                        const struct notice_officer *officer)
{
    struct note note = telling->note;
    bool was_told = false;
    enum err error;

    text_copy(note.channel, sizeof(note.channel),
              telling->agent->notifier->setup->channels[channel].name);
    text_copy(note.officer, sizeof(note.officer), officer->id);
    error = told_remove(telling->txn, &note, &was_told);
    if (error == OK && was_told) {
        return add_note(telling, channel, officer->id);
    }
    return error == OK ? mark_raised(telling, &note) : error;
}

static enum err tell_officers(struct telling *telling, size_t channel)
{
    const struct notice_setup *setup = telling->agent->notifier->setup;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < setup->officer_count; i++) {
        const struct notice_officer *officer = &setup->officers[i];

        if (officer->addresses[channel][0] == '\0') {
            continue;
        }
        if (telling->note.kind == NOTE_RESOLVED) {
            error = add_end(telling, channel, officer);
        } else if (wants(telling, officer)) {
            error = add_note(telling, channel, officer->id);
        }
    }
    return error;
}

static enum err tell_hook(struct telling *telling, size_t channel)
{
    struct buf json;
    enum err error;

    buf_init(&json, NOTE_HOOK_BYTES);
    error = write_hook(telling, &json);
    if (error == OK) {
        telling->note.json = span_buf(&json);
        error = add_note(telling, channel, "");
        telling->note.json = span_of(NULL, 0);
    }
    buf_free(&json);
    return error;
}

static enum err tell(struct telling *telling)
{
    const struct notice_setup *setup;
    enum err error = OK;

    if (telling->agent->notifier == NULL) {
        return OK;
    }
    setup = telling->agent->notifier->setup;
    describe(telling);
    for (size_t i = 0; error == OK && i < setup->channel_count; i++) {
        error = setup->channels[i].kind == CHANNEL_HOOK ? tell_hook(telling, i)
                                                        : tell_officers(telling, i);
    }
    return error;
}

enum err notify_add(struct agent *agent, struct store_txn *txn, const struct row *row,
                    const struct message *message)
{
    struct telling telling = {.agent = agent, .txn = txn, .row = row, .message = message};

    return tell(&telling);
}

enum err notify_add_new_log(struct agent *agent, struct store_txn *txn)
{
    struct telling telling = {.agent = agent, .txn = txn, .new_log = true};

    return tell(&telling);
}

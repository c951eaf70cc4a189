/* A checkpoint that another agency sent by hand, by mail or on a stick: is it of the log that this
 * agency is shown? What the countersignatures do each few minutes (witness.c), for those who think
 * that the broker keeps them back.
 *
 * Of the same size the roots say it. Else the broker must prove that its newest log extends that
 * checkpoint, and that it extends what this agency knows, until both end in one head. It cannot, or
 * shows less: it is caught by its own signatures, and the other agency's checkpoint goes into the
 * file. One of before a new log (recovery.c) is not compared: what its broker had shown by an old
 * copy is admitted, and no lie. Kept in memory; gives up after a while. Loop thread. */
#include <string.h>

#include "agent/show_parts.h"

#define GIVE_UP_MS 15000u

static bool is_met(const struct comparing *comparing, const struct checkpoint *ours)
{
    return ours->size == comparing->head.size && digest_equal(&ours->root, &comparing->head.root);
}

bool comparing_waits(const struct agent *agent)
{
    const struct comparing *comparing = &agent->comparing;

    return comparing->active && !is_met(comparing, &agent->checkpoint) &&
           agent_machine_ms(agent) < comparing->until_ms;
}

void comparing_ask(struct agent *agent)
{
    struct comparing *comparing = &agent->comparing;
    struct request_head head = {.kind = REQUEST_PING};
    enum err error;

    comparing->asks = !comparing->ours_next;
    comparing->ours_next = false;
    error = session_ask(agent, SLOT_SESSION, &head, NULL);
    comparing->asks = false;
    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
    }
}

/* Theirs goes on in this head; the next reply but this one is about what this agency knows. */
void comparing_take(struct agent *agent, const struct reply_head *head,
                    const struct checkpoint *checkpoint)
{
    struct comparing *comparing = &agent->comparing;

    if (head->checkpoint.len > CHECKPOINT_BYTES) {
        return;
    }
    comparing->head = (struct merkle_head){.size = checkpoint->size, .root = checkpoint->root};
    memcpy(comparing->note, head->checkpoint.data, head->checkpoint.len);
    comparing->note_bytes = head->checkpoint.len;
    comparing->ours_next = true;
}

bool comparing_forks(const struct agent *agent, const struct checkpoint *checkpoint)
{
    const struct comparing *comparing = &agent->comparing;

    return comparing->active && checkpoint->size == comparing->head.size &&
           !digest_equal(&checkpoint->root, &comparing->head.root);
}

/* --- the socket --- */

static enum err read_note(struct agent *agent, const struct json_value *value,
                          struct checkpoint *ret_seen, struct span *ret_note, struct fault *fault)
{
    const struct keyring *keyring = agent->setup.keyring;
    size_t key_count;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(keyring, &key_count);
    const char *text = "";
    enum err error = json_get_text(value, CHECKPOINT_BYTES, &text, fault);

    if (error != OK) {
        return error;
    }
    *ret_note = span_text(text);
    error = checkpoint_verify_any(*ret_note, keyring_origin(keyring), keys, key_count, ret_seen);
    if (error != OK) {
        fault_set(fault, "checkpoint.forged", value->path,
                  "is no checkpoint that this city's broker signed");
        fault_hint(fault, "take what the other agency's `referralctl agent checkpoint show` "
                          "wrote, whole");
        return ERR_INVALID;
    }
    if (strcmp(ret_seen->origin, agent->following.origin) != 0) {
        fault_set(fault, "checkpoint.other-log", value->path,
                  "is of a log of the broker that this agent does not follow: %s",
                  ret_seen->origin);
        fault_hint(fault, "a broker that was restored goes on under another name: take a newer "
                          "checkpoint of that agency, once both have met the new log");
        return ERR_INVALID;
    }
    return OK;
}

static enum err begin(struct agent *agent, const struct json_value *value, struct fault *fault)
{
    struct comparing *comparing = &agent->comparing;
    struct checkpoint seen;
    struct span note;
    enum err error = read_note(agent, value, &seen, &note, fault);

    if (error == OK) {
        memset(comparing, 0, sizeof(*comparing));
        comparing->active = true;
        comparing->seen = comparing->head =
            (struct merkle_head){.size = seen.size, .root = seen.root};
        memcpy(comparing->note, note.data, note.len);
        comparing->note_bytes = note.len;
        comparing->differs = seen.size == agent->checkpoint.size &&
                             !digest_equal(&seen.root, &agent->checkpoint.root);
        comparing->until_ms = agent_machine_ms(agent) + GIVE_UP_MS;
        agent_pump(agent);
    }
    return error;
}

/* In words that the command knows. */
static const char *result_of(const struct agent *agent)
{
    const struct comparing *comparing = &agent->comparing;
    const bool connected = agent->connected && agent->greeted;

    return is_met(comparing, &agent->checkpoint) ? "one-log"
           : agent->distrust.text[0] != '\0'     ? "not-believed"
           : connected && comparing_waits(agent) ? "waiting"
           : comparing->differs                  ? "two-logs"
           : connected                           ? "not-known"
                                                 : "not-connected";
}

enum err comparing_answer(struct agent *agent, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    struct json_value note = json_member(request, "note");
    enum err error = json_absent(&note) ? OK : begin(agent, &note, fault);

    if (error == OK && !agent->comparing.active) {
        error = json_refuse(&note, fault, "agent.checkpoint", "expected a checkpoint to compare");
    }
    if (error == OK) {
        named_text(out, "result", result_of(agent));
        named_u64(out, "size", agent->comparing.seen.size);
        named_u64(out, "own_size", agent->checkpoint.size);
        some_text(out, "alarm", agent->distrust.text);
        some_text(out, "evidence", agent->distrust.evidence);
    }
    return error;
}

enum err comparing_answer_own(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    char root[DIGEST_TEXT_BYTES];
    struct buf note;
    enum err error;

    (void)request;
    if (agent->checkpoint.size == 0) {
        fault_set(fault, "checkpoint.none", "broker", "this agent has seen nothing of the log yet");
        return ERR_REFUSED;
    }
    buf_init(&note, CHECKPOINT_BYTES + 1);
    error = session_note(agent, &note);
    error = error == OK ? buf_append(&note, "", 1) : error;
    if (error == OK) {
        digest_format(&agent->checkpoint.root, root);
        named_text(out, "origin", agent->checkpoint.origin);
        named_u64(out, "size", agent->checkpoint.size);
        named_text(out, "root", root);
        named_instant(out, "time", agent->checkpoint.time_ms);
        named_text(out, "note", (const char *)note.data);
    }
    buf_free(&note);
    return error;
}

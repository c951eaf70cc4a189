/* What this agent keeps, as JSON for its socket: lists, a message with its opened body, and by
 * which name anything is found. Bodies are opened here, on demand, into memory that is wiped. */
#include <string.h>

#include "agent/bodies.h"
#include "agent/show_parts.h"
#include "model/instant_text.h"
#include "model/lanes.h"
#include "model/message_json.h"
#include "model/vocabulary.h"
#include "wire/sealing.h"
#include "store/erased.h"

#define ROWS_DEFAULT 50u
#define ROWS_MAX     500u

void named_text(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

/* Left out where there is nothing to say. */
void some_text(struct json_writer *out, const char *name, const char *text)
{
    if (text[0] != '\0') {
        named_text(out, name, text);
    }
}

void named_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

void named_bool(struct json_writer *out, const char *name, bool value)
{
    json_name(out, name);
    json_bool(out, value);
}

void named_instant(struct json_writer *out, const char *name, uint64_t instant_ms)
{
    char text[INSTANT_TEXT_BYTES];

    if (instant_ms != 0) {
        instant_format(instant_ms, text);
        named_text(out, name, text);
    }
}

void named_day(struct json_writer *out, const char *name, int32_t day)
{
    char text[CIVIL_TEXT_BYTES];

    civil_format(day, text);
    named_text(out, name, text);
}

void named_uuid(struct json_writer *out, const char *name, const struct uuid *id)
{
    char text[UUID_TEXT_BYTES];

    uuid_format(id, text);
    named_text(out, name, text);
}

/* --- rows --- */

static void write_outcome(struct json_writer *out, const struct row *row)
{
    if (row->state == ROW_REFUSED || (row->state == ROW_WAITING && row->code != REFUSAL_NONE)) {
        named_text(out, "code", refusal_name((enum refusal)row->code));
        some_text(out, "detail", row->detail);
        named_text(out, "hint", refusal_hint((enum refusal)row->code));
    }
    if (row->state == ROW_REJECTED) {
        const struct word *word = vocabulary_find(VOCABULARY_REJECTION, row->code);

        named_text(out, "reason", word != NULL ? word->id : "unknown");
        some_text(out, "detail", row->detail);
    }
}

void show_row_members(struct json_writer *writer, const struct row *row,
                      const struct row_extra *extra)
{
    named_u64(writer, "seq", row->seq);
    named_uuid(writer, "id", &row->header.message_id);
    named_text(writer, "kind", message_kind_name(row->header.kind));
    named_text(writer, "sender", row->header.sender);
    named_text(writer, "recipient", row->header.recipient);
    named_text(writer, "case_number", row->header.case_number);
    named_text(writer, "referral", row->header.referral_number);
    named_instant(writer, "at", row->at_ms);
    named_text(writer, "state", row_state_name(row->state));
    write_outcome(writer, row);
    if (extra != NULL && extra->rung[0] != '\0') {
        named_text(writer, "rung", extra->rung);
    }
    if (extra != NULL && extra->document_number[0] != '\0') {
        named_text(writer, "document_number", extra->document_number);
    }
    if (extra != NULL && extra->due_date != 0) {
        int32_t day;

        if (civil_from_yyyymmdd(extra->due_date, &day) == OK) {
            named_day(writer, "due", day);
        }
        named_bool(writer, "late", extra->late);
    }
}

void show_extra_of(const struct message *message, struct row_extra *ret_extra)
{
    memset(ret_extra, 0, sizeof(*ret_extra));
    if (message_kind_from_broker(message->header.kind)) {
        text_copy(ret_extra->rung, sizeof(ret_extra->rung), message->notice.rung);
        text_copy(ret_extra->document_number, sizeof(ret_extra->document_number),
                  message->notice.document_number);
        ret_extra->due_date = message->notice.due_date;
        ret_extra->late = message->notice.late;
    }
}

enum err show_open_row(struct store_txn *txn, const struct row *row, struct region *region,
                       struct payload *ret_payload, struct message *ret_message)
{
    struct batch_proof proof;
    struct span bytes;
    enum err error = row_payload(txn, row, &bytes);

    if (error == OK && row->direction == ROW_IN) {
        error = envelope_decode(bytes, region, &bytes, &proof, NULL);
    }
    if (error == OK) {
        error = payload_split(bytes, ret_payload, NULL);
    }
    return error == OK ? message_decode(ret_payload, region, ret_message, NULL) : error;
}

enum err show_open_body(const struct agent *agent, const struct kept_body *kept,
                        struct region *region, struct body *ret_body)
{
    uint8_t content_key[AEAD_KEY_BYTES];
    enum err error = row_content_key(kept->txn, kept->row, content_key);

    if (error == ERR_NOT_FOUND && !body_was_erased(kept->payload)) { /* none was kept */
        return body_open(kept->payload, agent->setup.seal_key, region, ret_body, NULL);
    }
    if (error == OK) {
        error = body_open_by_key(kept->payload, content_key, region, ret_body, NULL);
    }
    crypto_wipe(content_key, sizeof(content_key));
    return error;
}

/* Its own row in a list; a notice with what it is about. */
enum err show_row(struct store_txn *txn, const struct row *row, struct json_writer *out)
{
    struct row_extra extra = {.rung = ""};
    enum err error = OK;

    if (message_kind_from_broker(row->header.kind)) {
        struct message message;
        struct payload payload;
        struct region region;

        region_init(&region, AGENT_REGION_BYTES);
        error = show_open_row(txn, row, &region, &payload, &message);
        if (error == OK) {
            show_extra_of(&message, &extra);
        }
        region_free(&region);
    }
    json_object_begin(out);
    show_row_members(out, row, &extra);
    json_object_end(out);
    return error;
}

static enum err read_count(const struct json_value *request, const char *name, uint64_t max,
                           uint64_t *value, struct fault *fault)
{
    struct json_value member = json_member(request, name);

    return json_absent(&member) ? OK : json_get_u64(&member, 0, max, value, fault);
}

enum err show_rows(struct agent *agent, const struct json_value *request,
                   enum row_direction direction, struct json_writer *out, struct fault *fault)
{
    uint64_t after = 0, count = ROWS_DEFAULT;
    struct store_txn *read;
    struct row row;
    enum err error = read_count(request, "after", INT64_MAX, &after, fault);

    if (error == OK) {
        error = read_count(request, "count", ROWS_MAX, &count, fault);
    }
    if (error == OK) {
        error = store_read_begin(agent->setup.store, &read);
    }
    if (error != OK) {
        return error;
    }
    json_name(out, "rows");
    json_array_begin(out);
    row.seq = after;
    while (error == OK && count > 0) {
        error = row_next_shown(read, direction, row.seq, &row);
        if (error == OK) {
            error = show_row(read, &row, out);
            count--;
        }
    }
    json_array_end(out);
    if (error == OK) {
        error = row_next_shown(read, direction, row.seq, &row);
    }
    named_bool(out, "more", error == OK);
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- a message --- */

static enum err write_body(struct agent *agent, const struct kept_body *kept, struct region *region,
                           struct json_writer *out)
{
    struct body body;
    enum err error = show_open_body(agent, kept, region, &body);

    if (error == ERR_MEMORY) {
        return error;
    }
    if (error == OK) { /* a rejected one does not open */
        json_name(out, "body");
        message_json_write_body(out, &body);
    }
    return OK;
}

/* All who get it, where they are several. */
static void write_recipients(const struct agent *agent, const struct message *message,
                             struct json_writer *out)
{
    const struct registry *registry = agent->setup.registry;

    if (agency_set_empty(&message->copies)) {
        return;
    }
    json_name(out, "recipients");
    json_array_begin(out);
    json_text(out, message->header.recipient);
    for (size_t i = 0; i < registry_count(registry); i++) {
        if (agency_set_has(&message->copies, registry_at(registry, i)->number)) {
            json_text(out, registry_at(registry, i)->id);
        }
    }
    json_array_end(out);
}

static enum err write_content(struct agent *agent, struct store_txn *read, const struct row *row,
                              struct json_writer *out)
{
    struct message message;
    struct payload payload;
    struct region region;
    enum err error;

    region_init(&region, AGENT_REGION_BYTES);
    error = show_open_row(read, row, &region, &payload, &message);
    if (error == OK) {
        write_recipients(agent, &message, out);
        json_name(out, "facts");
        message_json_write_facts(out, &message);
    }
    if (error == OK && message.body_present) {
        error = write_body(agent, &(struct kept_body){read, row, &payload}, &region, out);
    }
    region_wipe(&region);
    return error == ERR_INVALID && row->state == ROW_REJECTED ? OK : error;
}

static enum err show_message(struct agent *agent, struct store_txn *read, const struct row *row,
                             struct json_writer *out)
{
    enum err error;

    json_name(out, "message");
    json_object_begin(out);
    show_row_members(out, row, NULL);
    named_text(out, "direction", row->direction == ROW_OUT ? "out" : "in");
    json_name(out, "header");
    message_json_write_header(out, &row->header);
    error = write_content(agent, read, row, out);
    if (row->recorded_ms != 0) {
        named_u64(out, "leaf_index", row->leaf_index);
        named_u64(out, "checkpoint_size", row->checkpoint_size);
        named_instant(out, "recorded", row->recorded_ms);
    }
    json_object_end(out);
    return error;
}

/* --- by whatever name --- */

enum err show_find(struct store_txn *txn, const char *text, const char *place,
                   struct case_key *ret_key, struct fault *fault)
{
    struct uuid id;
    struct row row;
    enum err error = number_find(txn, text, ret_key);

    if ((error == ERR_NOT_FOUND || error == ERR_INVALID) && uuid_parse(text, &id) == OK) {
        error = row_of_referral(txn, &id, 0, &row);
        if (error == OK) {
            ret_key->case_id = row.header.case_id;
            ret_key->referral_id = row.header.referral_id;
        }
    }
    if (error == ERR_NOT_FOUND || error == ERR_INVALID) {
        fault_set(fault, "agent.unknown", place, "this agency has nothing under that number or id");
        fault_hint(fault, "`referralctl agent inbox` and `agent outbox` list what it has");
        return ERR_NOT_FOUND;
    }
    return error;
}

/* The last time, where it ever was. */
static enum err write_erased(struct store_txn *read, const struct uuid *case_id,
                             struct json_writer *out)
{
    struct erased erased;
    enum err error = erased_find(read, case_id, &erased);

    if (error == OK) {
        json_name(out, "erased");
        json_object_begin(out);
        named_instant(out, "at", erased.at_ms);
        named_text(out, "order", erased.order);
        json_object_end(out);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err show_one(struct agent *agent, struct store_txn *read, const char *text,
                         struct json_writer *out, struct fault *fault)
{
    struct case_key key;
    struct uuid id;
    struct row row;
    enum err error;

    error = uuid_parse(text, &id) == OK ? row_find(read, &id, &row) : ERR_NOT_FOUND;
    if (error == OK) {
        error = show_message(agent, read, &row, out);
        return error == OK ? write_erased(read, &row.header.case_id, out) : error;
    }
    if (error == ERR_NOT_FOUND) {
        error = show_find(read, text, "id", &key, fault);
    }
    if (error == OK) {
        error = uuid_is_zero(&key.referral_id) ? show_case(agent, read, text, &key, out)
                                               : show_copy(agent, read, &key, out);
    }
    return error == OK ? write_erased(read, &key.case_id, out) : error;
}

enum err show_anything(struct agent *agent, const struct json_value *request,
                       struct json_writer *out, struct fault *fault)
{
    struct json_value value = json_member(request, "id");
    struct store_txn *read;
    const char *text;
    enum err error = json_get_text(&value, UUID_TEXT_BYTES, &text, fault);

    if (error == OK) {
        error = store_read_begin(agent->setup.store, &read);
    }
    if (error == OK) {
        error = show_one(agent, read, text, out, fault);
        store_read_end(read);
    }
    return error;
}

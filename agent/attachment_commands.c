/* Attachments on the agent's socket (docs/agent-socket.md): bytes travel in base64, some hundred
 * thousand a line. */
#include <stdlib.h>
#include <string.h>

#include "agent/attachments.h"
#include "agent/state.h"
#include "model/instant_text.h"
#include "model/vocabulary.h"

#define DATA_BYTES (384u * 1024u) /* of one line: base64 makes half a MiB of it */

static void named_text(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

static void named_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

static void write_members(struct json_writer *out, const struct attachment *attachment)
{
    const struct word *type = vocabulary_find(VOCABULARY_ATTACHMENT, attachment->type);
    char text[INSTANT_TEXT_BYTES], hex[DIGEST_TEXT_BYTES];

    digest_format(&attachment->digest, hex);
    named_text(out, "digest", hex);
    named_text(out, "name", attachment->name);
    named_text(out, "type", type != NULL ? type->id : "");
    named_u64(out, "plain_bytes", attachment->plain_bytes);
    named_u64(out, "sealed_bytes", attachment->sealed_bytes);
    named_text(out, "state", attachment_state_name(attachment->state));
    instant_format(attachment->at_ms, text);
    named_text(out, "at", text);
}

static enum err read_uuid(const struct json_value *request, const char *name, struct uuid *ret_id,
                          struct fault *fault)
{
    struct json_value value = json_member(request, name);
    const char *text;
    enum err error = json_get_text(&value, UUID_TEXT_BYTES, &text, fault);

    if (error == OK && uuid_parse(text, ret_id) != OK) {
        error = json_refuse(&value, fault, "json.id", "expected the id that `attach` answered");
    }
    return error;
}

static enum err read_u64(const struct json_value *request, const char *name, uint64_t *value,
                         struct fault *fault)
{
    struct json_value member = json_member(request, name);

    return json_absent(&member) ? OK : json_get_u64(&member, 0, INT64_MAX, value, fault);
}

/* --- attach, attach-data --- */

enum err answer_attach(struct agent *agent, const struct json_value *request,
                       struct json_writer *out, struct fault *fault)
{
    struct json_value name = json_member(request, "name");
    struct json_value type = json_member(request, "type");
    struct attachment_declared declared = {.type = 0};
    const char *words[VOCABULARY_IDS_MAX];
    char id[UUID_TEXT_BYTES];
    struct uuid upload;
    size_t index = 0;
    enum err error = json_get_text(&name, LIMIT_NAME_BYTES, &declared.name, fault);

    if (error == OK && !json_absent(&type)) {
        vocabulary_ids(VOCABULARY_ATTACHMENT, words);
        error = json_get_choice(&type, words, &index, fault);
        declared.type = vocabulary_parse(VOCABULARY_ATTACHMENT, words[index])->value;
    }
    if (error == OK) {
        error = read_u64(request, "bytes", &declared.plain_bytes, fault);
    }
    if (error == OK) {
        error = attachments_begin(agent, &declared, &upload, fault);
    }
    if (error == OK) {
        uuid_format(&upload, id);
        named_text(out, "upload", id);
        named_u64(out, "have", 0);
    }
    return error;
}

static void write_progress(struct json_writer *out, const struct attachment_progress *progress)
{
    named_u64(out, "have", progress->have);
    json_name(out, "complete");
    json_bool(out, progress->complete);
    if (progress->complete) {
        json_name(out, "attachment");
        json_object_begin(out);
        write_members(out, &progress->attachment);
        json_object_end(out);
    }
}

static enum err append(struct agent *agent, const struct json_value *request,
                       struct attachment_piece *piece, struct attachment_progress *ret_progress,
                       struct fault *fault)
{
    struct json_value data = json_member(request, "data");
    const char *text;
    struct buf bytes;
    enum err error = json_get_text(&data, LIMIT_LOCAL_LINE_BYTES, &text, fault);

    if (error == OK) {
        error = read_u64(request, "offset", &piece->offset, fault);
    }
    if (error != OK) {
        return error;
    }
    buf_init(&bytes, LIMIT_LOCAL_LINE_BYTES);
    error = base64_decode(span_text(text), &bytes);
    if (error == ERR_INVALID) {
        error = json_refuse(&data, fault, "json.base64", "expected base64");
    }
    if (error == OK) {
        piece->bytes = span_buf(&bytes);
        error = attachments_append(agent, piece, ret_progress, fault);
    }
    if (bytes.data != NULL) {
        crypto_wipe(bytes.data, bytes.cap);
    }
    buf_free(&bytes);
    return error;
}

enum err answer_attach_data(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    struct json_value data = json_member(request, "data");
    struct attachment_progress progress;
    struct attachment_piece piece = {.offset = 0};
    enum err error = read_uuid(request, "upload", &piece.upload, fault);

    if (error == OK) {
        error = json_absent(&data) ? attachments_progress(agent, &piece.upload, &progress, fault)
                                   : append(agent, request, &piece, &progress, fault);
    }
    if (error == OK) {
        write_progress(out, &progress);
    }
    return error;
}

/* --- attachments --- */

static enum err write_of_message(struct agent *agent, const struct row *row,
                                 struct json_writer *out)
{
    struct attachment *list = calloc(LIMIT_MATERIALS, sizeof(*list));
    char id[UUID_TEXT_BYTES];
    size_t count = 0;
    enum err error =
        list == NULL ? ERR_MEMORY : attachments_of(agent, &row->header.message_id, list, &count);

    uuid_format(&row->header.message_id, id);
    for (size_t i = 0; error == OK && i < count; i++) {
        json_object_begin(out);
        named_text(out, "message", id);
        named_text(out, "sender", row->header.sender);
        named_u64(out, "material", list[i].material);
        write_members(out, &list[i]);
        json_object_end(out);
    }
    free(list);
    return error;
}

static enum err write_of_referral(struct agent *agent, struct store_txn *read,
                                  const struct uuid *referral_id, struct json_writer *out)
{
    struct row row = {.seq = 0};
    enum err error = row_of_referral(read, referral_id, 0, &row);

    while (error == OK) {
        error = write_of_message(agent, &row, out);
        if (error == OK) {
            error = row_of_referral(read, referral_id, row.seq, &row);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err write_of(struct agent *agent, struct store_txn *read, const char *text,
                         struct json_writer *out, struct fault *fault)
{
    struct case_key key;
    struct uuid id;
    struct row row;
    enum err error = ERR_NOT_FOUND;

    if (uuid_parse(text, &id) == OK) {
        error = row_find(read, &id, &row);
    }
    json_name(out, "attachments");
    json_array_begin(out);
    if (error == OK) {
        error = write_of_message(agent, &row, out);
    } else if (error == ERR_NOT_FOUND) {
        error = show_find(read, text, "id", &key, fault);
        if (error == OK) {
            error = write_of_referral(agent, read, &key.referral_id, out);
        }
    }
    json_array_end(out);
    return error;
}

enum err answer_attachments(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    struct json_value value = json_member(request, "id");
    struct store_txn *read;
    const char *text;
    enum err error = json_get_text(&value, UUID_TEXT_BYTES, &text, fault);

    if (error == OK) {
        error = store_read_begin(agent->setup.store, &read);
    }
    if (error != OK) {
        return error;
    }
    error = write_of(agent, read, text, out, fault);
    store_read_end(read);
    return error;
}

/* --- attachment --- */

static enum err write_data(struct agent *agent, const struct digest *digest,
                           struct attachment_range range, struct json_writer *out,
                           struct fault *fault)
{
    struct buf plain, text;
    enum err error;

    buf_init(&plain, DATA_BYTES);
    buf_init(&text, LIMIT_LOCAL_LINE_BYTES);
    error = attachments_open_part(agent, digest, range, &plain, fault);
    if (error == OK) {
        error = base64_encode(span_buf(&plain), &text);
    }
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    if (error == OK) {
        named_text(out, "data", (const char *)text.data);
    }
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.cap);
    }
    if (text.data != NULL) {
        crypto_wipe(text.data, text.cap);
    }
    buf_free(&plain);
    buf_free(&text);
    return error;
}

enum err answer_attachment(struct agent *agent, const struct json_value *request,
                           struct json_writer *out, struct fault *fault)
{
    struct json_value value = json_member(request, "digest");
    struct attachment attachment;
    struct digest digest;
    const char *text;
    struct attachment_range range;
    uint64_t offset = 0, count = 0;
    enum err error = json_get_text(&value, DIGEST_TEXT_BYTES, &text, fault);

    if (error == OK && hex_decode(text, digest.bytes, DIGEST_BYTES) != OK) {
        error = json_refuse(&value, fault, "json.digest", "expected 64 hexadecimal digits");
    }
    if (error == OK) {
        error = read_u64(request, "offset", &offset, fault);
    }
    if (error == OK) {
        error = read_u64(request, "count", &count, fault);
    }
    if (error == OK) {
        error = attachments_find(agent, &digest, &attachment, fault);
    }
    if (error != OK) {
        return error;
    }
    write_members(out, &attachment);
    range.offset = offset;
    range.max = count < DATA_BYTES ? (size_t)count : DATA_BYTES;
    return count > 0 ? write_data(agent, &digest, range, out, fault) : OK;
}

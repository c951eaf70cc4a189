/* The foot of a backup: one JSON object that says what the file holds, readable without a key. See
 * backup_private.h. What a file says of itself is bounded here and believed nowhere: reading the
 * content compares. */
#include <string.h>

#include "base/json.h"
#include "store/backup_private.h"

static const char *const kinds[] = {"broker", "agent", NULL};

static void name_u64(struct json_writer *json, const char *name, uint64_t value)
{
    json_name(json, name);
    json_u64(json, value);
}

static void name_text(struct json_writer *json, const char *name, const char *value)
{
    json_name(json, name);
    json_text(json, value);
}

enum err backup_foot_write(const struct backup_info *info, struct buf *out)
{
    struct json_writer json;
    char root[DIGEST_TEXT_BYTES];
    digest_format(&info->log_root, root);
    json_writer_init(&json, out);
    json_object_begin(&json);
    name_u64(&json, "format", 1);
    name_u64(&json, "schema", STORE_SCHEMA_VERSION);
    name_text(&json, "kind", kinds[info->kind - STORE_BROKER]);
    name_text(&json, "owner", info->owner);
    name_text(&json, "software", info->software);
    name_u64(&json, "made_ms", info->made_ms);
    name_u64(&json, "log_size", info->log_size);
    name_text(&json, "log_root", root);
    name_text(&json, "note", info->note);
    name_u64(&json, "map_bytes", info->map_bytes);
    name_u64(&json, "rows", info->rows);
    name_u64(&json, "content_bytes", info->content_bytes);
    name_u64(&json, "attachments", info->attachments);
    name_u64(&json, "attachment_bytes", info->attachment_bytes);
    json_object_end(&json);
    return json_writer_end(&json);
}

struct foot {
    struct json_value root;
    struct fault *fault;
    enum err error; /* the first */
};

static uint64_t get_u64(struct foot *foot, const char *name)
{
    struct json_value value = json_member(&foot->root, name);
    uint64_t number = 0;
    if (foot->error == OK) {
        foot->error = json_get_u64(&value, 0, INT64_MAX, &number, foot->fault);
    }
    return number;
}

static void get_text(struct foot *foot, const char *name, char *out, size_t size)
{
    struct json_value value = json_member(&foot->root, name);
    const char *text = "";
    if (foot->error == OK) {
        foot->error = json_get_text(&value, size - 1, &text, foot->fault);
    }
    text_copy(out, size, text);
}

static void get_digest(struct foot *foot, const char *name, struct digest *out)
{
    char text[DIGEST_TEXT_BYTES];
    get_text(foot, name, text, sizeof(text));
    if (foot->error == OK && hex_decode(text, out->bytes, DIGEST_BYTES) != OK) {
        foot->error = ERR_INVALID;
    }
}

static enum store_kind get_kind(struct foot *foot)
{
    struct json_value value = json_member(&foot->root, "kind");
    size_t index = 0;
    if (foot->error == OK) {
        foot->error = json_get_choice(&value, kinds, &index, foot->fault);
    }
    return (enum store_kind)(STORE_BROKER + index);
}

static enum err refuse(const char *path, struct fault *fault)
{
    fault_set(fault, "backup.not-one", path, "a sealed file, but no backup of a store");
    return ERR_INVALID;
}

static enum err read_members(struct foot *foot, struct backup_info *info)
{
    uint64_t format = get_u64(foot, "format");
    uint64_t schema = get_u64(foot, "schema");
    info->kind = get_kind(foot);
    get_text(foot, "owner", info->owner, sizeof(info->owner));
    get_text(foot, "software", info->software, sizeof(info->software));
    info->made_ms = get_u64(foot, "made_ms");
    info->log_size = get_u64(foot, "log_size");
    get_digest(foot, "log_root", &info->log_root);
    get_text(foot, "note", info->note, sizeof(info->note));
    info->map_bytes = get_u64(foot, "map_bytes");
    info->rows = get_u64(foot, "rows");
    info->content_bytes = get_u64(foot, "content_bytes");
    info->attachments = get_u64(foot, "attachments");
    info->attachment_bytes = get_u64(foot, "attachment_bytes");
    if (foot->error == OK && (format != 1 || schema != STORE_SCHEMA_VERSION)) {
        return ERR_VERSION;
    }
    return foot->error;
}

enum err backup_foot_read(const struct sealed_info *sealed, const char *path,
                          struct backup_info *ret_info, struct fault *fault)
{
    struct json *json = NULL;
    struct backup_info info = {.kind = STORE_BROKER};
    struct fault inner = {.code = ""};
    if (!span_equal(sealed->head, span_text(BACKUP_HEAD)) ||
        json_open(path, sealed->foot, &json, &inner) != OK) {
        return refuse(path, fault);
    }
    struct foot foot = {.root = json_root(json), .fault = &inner};
    enum err error = read_members(&foot, &info);
    json_free(json);
    if (error == ERR_VERSION) {
        fault_set(fault, "backup.version", path,
                  "the store in it has a schema that this program does not know");
        fault_hint(fault, "restore it with the release that made it (%s)", info.software);
        return error;
    }
    if (error != OK) {
        return refuse(path, fault);
    }
    info.file_bytes = sealed->bytes;
    info.file_digest = sealed->digest;
    memcpy(info.signer, sealed->signer, sizeof(info.signer));
    memcpy(info.recipient, sealed->recipient, sizeof(info.recipient));
    *ret_info = info;
    return OK;
}

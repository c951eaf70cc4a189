/* Reading backups: records in, each checked against the key that the file holds, and the whole
 * against its foot. Nothing of the file is believed: lengths are bounded before they are used, the
 * order is checked, and more content than the foot speaks of ends the reading. See
 * backup_private.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/backup_private.h"

struct backup_reader {
    char path[BACKUP_PATH_BYTES];
    struct sealed_reader *sealed;
    struct backup_info info;
};

/* One pass over the records. */
struct pass {
    struct backup_reader *reader;
    const struct backup_sink *sink; /* borrowed */
    struct backup_progress *progress;
    struct store keys; /* no environment: what record_open asks for */
    struct store_txn txn;
    struct merkle_frontier tree;
    enum backup_type type; /* of the last record */
    enum store_table table;
    struct buf last_key; /* of the last row in `table` */
    char note[AUDIT_NOTE_BYTES + 1];
    uint64_t rows;
    uint64_t bytes;
    uint64_t blobs;
    uint64_t blob_bytes;
    bool ended;
    uint8_t key[STORE_KEY_BYTES_MAX];
    uint8_t *value; /* owned: BACKUP_VALUE_BYTES_MAX */
    struct span key_span;
    struct span value_span;
    struct uuid case_keys; /* zero: of before there were any */
    const char *wrong;     /* what does not fit */
};

static enum err wrong(struct pass *pass, const char *what)
{
    pass->wrong = what;
    return ERR_CORRUPT;
}

/* --- rows --- */

static enum err leaf_check(struct pass *pass)
{
    struct audit_entry entry = {.index = 0};
    struct digest completed[MERKLE_LEVELS];
    uint64_t index = pass->tree.size;
    if (pass->key_span.len != 8 || be64_get(pass->key) != index) {
        return wrong(pass, "a leaf of the log is missing, or in the wrong place");
    }
    enum err error = audit_entry_check(&pass->txn, index, pass->value_span, &entry);
    if (error != OK) {
        return error == ERR_CORRUPT ? wrong(pass, "a leaf of the log does not verify") : error;
    }
    (void)merkle_append(&pass->tree, &entry.hash, completed);
    if (entry.note.len > 0) {
        memcpy(pass->note, entry.note.data, entry.note.len);
    }
    pass->note[entry.note.len] = '\0';
    return OK;
}

/* Which case keys belong to it. */
static void note_case_keys(struct pass *pass, struct record_at place, struct span value)
{
    if (pass->keys.kind == STORE_AGENT && place.table == STORE_META &&
        span_equal(place.key, span_text("=" CASE_KEYS_META)) && value.len == UUID_BYTES) {
        memcpy(pass->case_keys.bytes, value.data, UUID_BYTES);
    }
}

static enum err row_check(struct pass *pass, struct record_at place)
{
    struct buf plain;
    struct span value;
    buf_init(&plain, BACKUP_VALUE_BYTES_MAX);
    enum err error = record_open(&pass->txn, place, pass->value_span, &plain, &value);
    if (error == OK) {
        note_case_keys(pass, place, value);
    }
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.len);
    }
    buf_free(&plain);
    return error == ERR_CORRUPT ? wrong(pass, "a record does not verify") : error;
}

static int key_compare(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* The log, then the tables by number, keys ascending: so that each is there once and can be
 * appended. */
static enum err order_check(struct pass *pass, enum store_table table)
{
    bool first = pass->type != BACKUP_ROW;
    bool later = first || (pass->table == STORE_LOG ? table != STORE_LOG : table > pass->table);
    if (later && table == STORE_LOG && !first) {
        return wrong(pass, "the log is not at the beginning");
    }
    if (!first && table == pass->table) {
        if (key_compare(span_buf(&pass->last_key), pass->key_span) >= 0) {
            return wrong(pass, "records are not in order");
        }
    } else if (!later) {
        return wrong(pass, "tables are not in order");
    }
    pass->table = table;
    buf_clear(&pass->last_key);
    return buf_append(&pass->last_key, pass->key_span.data, pass->key_span.len);
}

static enum err row_take(struct pass *pass, unsigned table)
{
    if (table >= STORE_TABLE_COUNT || table == STORE_JOURNAL ||
        !store_table_is_of((enum store_table)table, pass->reader->info.kind) ||
        pass->key_span.len == 0 || (table == STORE_META && pass->key[0] != '=')) {
        return wrong(pass, "a record is in no table of such a store");
    }
    struct record_at place = {(enum store_table)table, pass->key_span};
    enum err error = order_check(pass, place.table);
    if (error == OK) {
        error = table == STORE_LOG ? leaf_check(pass) : row_check(pass, place);
    }
    pass->rows++;
    if (pass->progress != NULL) {
        atomic_store(&pass->progress->rows, pass->rows);
    }
    return error == OK && pass->sink->row != NULL
               ? pass->sink->row(pass->sink->owner, place, pass->value_span)
               : error;
}

/* --- the others --- */

static enum err key_take(struct pass *pass)
{
    struct store *keys = &pass->keys;
    if (pass->type != 0 || pass->value_span.len != MAC_KEY_BYTES || pass->key_span.len != 0) {
        return wrong(pass, "the store's key is not where it should be");
    }
    keys->kind = pass->reader->info.kind;
    memcpy(keys->mac_key.bytes, pass->value, MAC_KEY_BYTES);
    memcpy(keys->seal_key, pass->value, AEAD_KEY_BYTES);
    return pass->sink->key != NULL ? pass->sink->key(pass->sink->owner, pass->value) : OK;
}

/* Below config/: no part of the name may leave it. */
static bool name_is_safe(struct span name)
{
    bool part_begins = true;
    if (name.len == 0 || name.len >= BACKUP_NAME_BYTES || name.data[name.len - 1] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.data[i];
        if (byte < 0x20 || byte == 0x7F || (part_begins && (byte == '.' || byte == '/'))) {
            return false;
        }
        part_begins = byte == '/';
    }
    return true;
}

static enum err file_take(struct pass *pass)
{
    char name[BACKUP_NAME_BYTES];
    if ((pass->type != BACKUP_KEY && pass->type != BACKUP_FILE) || !name_is_safe(pass->key_span) ||
        pass->value_span.len > BACKUP_FILE_BYTES_MAX) {
        return wrong(pass, "a configuration file has a name that cannot be, or is out of place");
    }
    memcpy(name, pass->key, pass->key_span.len);
    name[pass->key_span.len] = '\0';
    return pass->sink->file != NULL ? pass->sink->file(pass->sink->owner, name, pass->value_span)
                                    : OK;
}

static enum err blob_take(struct pass *pass)
{
    struct digest digest;
    if (pass->key_span.len != DIGEST_BYTES || pass->value_span.len != 8) {
        return wrong(pass, "an attachment's record has a form that cannot be");
    }
    memcpy(digest.bytes, pass->key, DIGEST_BYTES);
    uint64_t bytes = be64_get(pass->value);
    if (bytes > pass->reader->info.attachment_bytes - pass->blob_bytes) {
        return wrong(pass, "it holds more attachments than it says");
    }
    pass->blobs++;
    pass->blob_bytes += bytes;
    return pass->sink->blob != NULL ? pass->sink->blob(pass->sink->owner, &digest, bytes) : OK;
}

static enum err end_take(struct pass *pass)
{
    const struct backup_info *info = &pass->reader->info;
    struct digest foot = crypto_digest(sealed_reader_info(pass->reader->sealed)->foot);
    struct digest root = merkle_root(&pass->tree);
    pass->ended = true;
    if (pass->value_span.len != DIGEST_BYTES ||
        memcmp(pass->value, foot.bytes, DIGEST_BYTES) != 0) {
        return wrong(pass, "its foot belongs to another file");
    }
    if (pass->tree.size != info->log_size || !digest_equal(&root, &info->log_root) ||
        strcmp(pass->note, info->note) != 0) {
        return wrong(pass, "its log is not the one that it says");
    }
    if (pass->rows != info->rows || pass->bytes != info->content_bytes ||
        pass->blobs != info->attachments || pass->blob_bytes != info->attachment_bytes) {
        return wrong(pass, "it holds less than it says");
    }
    return OK;
}

/* --- the pass --- */

static enum err record_read(struct pass *pass, uint8_t head[BACKUP_RECORD_BYTES])
{
    struct sealed_reader *sealed = pass->reader->sealed;
    enum err error = sealed_reader_take(sealed, head, BACKUP_RECORD_BYTES);
    if (error != OK) {
        return error == ERR_CLOSED ? wrong(pass, "it ends before its end") : error;
    }
    size_t key_bytes = be16_get(head + 2);
    size_t value_bytes = be32_get(head + 4);
    uint64_t left = pass->reader->info.content_bytes - pass->bytes;
    if (key_bytes > STORE_KEY_BYTES_MAX || value_bytes > BACKUP_VALUE_BYTES_MAX ||
        BACKUP_RECORD_BYTES + key_bytes + value_bytes > left) {
        return wrong(pass, "a record is longer than can be, or there is more than it says");
    }
    pass->bytes += BACKUP_RECORD_BYTES + key_bytes + value_bytes;
    if (pass->progress != NULL) {
        atomic_store(&pass->progress->bytes, pass->bytes);
    }
    error = sealed_reader_take(sealed, pass->key, key_bytes);
    if (error == OK) {
        error = sealed_reader_take(sealed, pass->value, value_bytes);
    }
    pass->key_span = span_of(pass->key, key_bytes);
    pass->value_span = span_of(pass->value, value_bytes);
    return error == ERR_CLOSED ? wrong(pass, "it ends within a record") : error;
}

static enum err record_take(struct pass *pass)
{
    uint8_t head[BACKUP_RECORD_BYTES];
    enum err error = record_read(pass, head);
    enum backup_type type = (enum backup_type)head[0];
    if (error != OK) {
        return error;
    }
    if (type != BACKUP_KEY && pass->type == 0) {
        return wrong(pass, "it does not begin with the store's key");
    }
    if (type != BACKUP_ROW && head[1] != 0) {
        return wrong(pass, "a record has a form that cannot be");
    }
    if (type < pass->type) {
        return wrong(pass, "records are not in order");
    }
    switch (type) {
    case BACKUP_KEY:
        error = key_take(pass);
        break;
    case BACKUP_FILE:
        error = file_take(pass);
        break;
    case BACKUP_ROW:
        error = row_take(pass, head[1]);
        break;
    case BACKUP_BLOB:
        error = blob_take(pass);
        break;
    case BACKUP_END:
        error = end_take(pass);
        break;
    default:
        error = wrong(pass, "a record is of an unknown type");
    }
    pass->type = type;
    return error == OK && backup_cancelled(pass->progress) ? ERR_CLOSED : error;
}

static enum err pass_run(struct pass *pass)
{
    uint8_t more = 0;
    pass->value = malloc(BACKUP_VALUE_BYTES_MAX);
    enum err error = pass->value != NULL ? OK : ERR_MEMORY;
    while (error == OK && !pass->ended) { /* bounded by the foot's content_bytes */
        error = record_take(pass);
    }
    if (error == OK) {
        error = sealed_reader_take(pass->reader->sealed, &more, 1);
        error = error == ERR_CLOSED ? OK
                : error == OK       ? wrong(pass, "something follows its end")
                                    : error;
    }
    return error;
}

static void refuse(const struct pass *pass, enum err error, struct fault *fault)
{
    const char *path = pass->reader->path;
    if (fault == NULL || fault->code[0] != '\0') {
        return; /* a sink has said it */
    }
    if (error == ERR_CORRUPT || error == ERR_FORGED) {
        fault_set(fault, "backup.damaged", path,
                  "the backup cannot be what a broker or an agent "
                  "wrote: %s",
                  pass->wrong != NULL   ? pass->wrong
                  : error == ERR_FORGED ? "a part of it does not open"
                                        : "its compressed form is damaged");
        fault_hint(fault, "use an older backup; nothing was changed");
    } else if (error == ERR_CLOSED) {
        fault_set(fault, "backup.cancelled", path, "cancelled");
    } else {
        fault_set(fault, "backup.failed", path, "cannot read the backup: %s", err_text(error));
    }
}

enum err backup_read_all(struct backup_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                         const struct backup_sink *sink, struct backup_progress *progress,
                         struct fault *fault)
{
    struct fault own = {.code = ""};
    enum err error = sealed_reader_unlock(reader->sealed, secret, &own);
    struct pass *pass = error == OK ? calloc(1, sizeof(*pass)) : NULL;
    if (pass == NULL) {
        if (fault != NULL) {
            *fault = own;
        }
        return error == OK ? ERR_MEMORY : error;
    }
    pass->reader = reader;
    pass->sink = sink;
    pass->progress = progress;
    pass->txn.store = &pass->keys;
    buf_init(&pass->last_key, STORE_KEY_BYTES_MAX);
    error = pass_run(pass);
    if (error != OK) {
        refuse(pass, error, fault);
    }
    if (error == OK && sink->case_keys != NULL && !uuid_is_zero(&pass->case_keys)) {
        error = sink->case_keys(sink->owner, &pass->case_keys, store_key_bytes(&pass->keys));
    }
    if (pass->value != NULL) {
        crypto_wipe(pass->value, BACKUP_VALUE_BYTES_MAX);
    }
    free(pass->value);
    buf_free(&pass->last_key);
    crypto_wipe(pass, sizeof(*pass));
    free(pass);
    return error;
}

/* --- a file --- */

enum err backup_open(const char *path, struct backup_reader **ret_reader, struct fault *fault)
{
    assert(path != NULL && ret_reader != NULL);
    struct backup_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        fault_set(fault, "backup.failed", path, "no memory");
        return ERR_MEMORY;
    }
    text_copy(reader->path, sizeof(reader->path), path);
    enum err error = sealed_reader_open(path, &reader->sealed, fault);
    if (error == OK) {
        error = backup_foot_read(sealed_reader_info(reader->sealed), path, &reader->info, fault);
    }
    if (error != OK) {
        backup_close(reader);
        return error;
    }
    *ret_reader = reader;
    return OK;
}

const struct backup_info *backup_reader_info(const struct backup_reader *reader)
{
    return &reader->info;
}

const char *backup_reader_path(const struct backup_reader *reader)
{
    return reader->path;
}

void backup_close(struct backup_reader *reader)
{
    if (reader != NULL) {
        sealed_reader_free(reader->sealed);
        free(reader);
    }
}

struct verifying {
    const struct verify_options *options;
    const char *path;    /* of the backup; borrowed */
    struct blobs *blobs; /* owned; NULL: not looked at */
    struct fault *fault;
};

static enum err verify_blob_cb(void *owner, const struct digest *digest, uint64_t bytes)
{
    struct verifying *verifying = owner;
    struct backup_progress *progress = verifying->options->progress;
    if (verifying->blobs == NULL) {
        return OK;
    }
    enum err error = backup_blob_check(verifying->blobs, digest, bytes);
    if (error == ERR_NOT_FOUND || error == ERR_CORRUPT) {
        backup_blob_refuse(verifying->options->attachments, digest, error, verifying->fault);
    }
    if (progress != NULL) {
        atomic_fetch_add(&progress->attachments, 1);
    }
    return error;
}

/* Are they beside it, whole, and its own? */
static enum err verify_case_keys_cb(void *owner, const struct uuid *id, const uint8_t key[32])
{
    struct verifying *verifying = owner;
    char folder[BACKUP_PATH_BYTES];
    struct case_keys *keys = NULL;
    char *slash;
    text_copy(folder, sizeof(folder), verifying->path);
    slash = strrchr(folder, '/');
    if (slash == NULL) {
        memcpy(folder, ".", 2);
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    enum err error = store_case_keys_read_copy(folder, id, key, &keys, verifying->fault);
    case_keys_free(keys);
    return error;
}

enum err backup_verify(struct backup_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                       const struct verify_options *options, struct fault *fault)
{
    const struct blobs_options plain = {.refuse_percent = 0};
    struct fault own = {.code = ""};
    struct verifying verifying = {.options = options, .path = reader->path, .fault = &own};
    const struct backup_sink sink = {
        .blob = verify_blob_cb, .case_keys = verify_case_keys_cb, .owner = &verifying};
    enum err error = OK;
    if (options->attachments != NULL && reader->info.attachments > 0) {
        error = backup_blobs_there(options->attachments, &own);
        if (error == OK) {
            error = blobs_open(options->attachments, &plain, &verifying.blobs, &own);
        }
    }
    if (error == OK) {
        error = backup_read_all(reader, secret, &sink, options->progress, &own);
    }
    blobs_close(verifying.blobs);
    if (error != OK && fault != NULL) {
        *fault = own;
    }
    return error;
}

/* STORE_OFFICE: 'a' | about 16 | be64 position -> version u8 | kind u8 | at be64 | message id 16 |
 * officer, shown, reason as u8 length and bytes. The position is the time in milliseconds, or one
 * more than the last where two acts fall into one. */
#include "agent/web/act.h"

#include <string.h>

#define ACT_VERSION   1u
#define ACT_KEY_BYTES (1u + UUID_BYTES + 8u)
#define ACT_ROW_BYTES (2u + 8u + UUID_BYTES + 3u * 256u)

static void key_put(const struct uuid *about, uint64_t position, uint8_t out[ACT_KEY_BYTES])
{
    out[0] = 'a';
    memcpy(out + 1, about->bytes, UUID_BYTES);
    be64_put(out + 1 + UUID_BYTES, position);
}

static size_t text_put(uint8_t *to, const char *text)
{
    const struct span bytes = span_text(text);

    to[0] = (uint8_t)bytes.len;
    memcpy(to + 1, bytes.data, bytes.len);
    return bytes.len + 1;
}

static size_t pack(const struct act *act, uint8_t out[ACT_ROW_BYTES])
{
    size_t at = 2;

    out[0] = ACT_VERSION;
    out[1] = (uint8_t)act->kind;
    be64_put(out + at, act->at_ms);
    memcpy(out + at + 8, act->message_id.bytes, UUID_BYTES);
    at += 8 + UUID_BYTES;
    at += text_put(out + at, act->officer);
    at += text_put(out + at, act->shown);
    return at + text_put(out + at, act->reason);
}

static bool text_take(struct span *row, char *to, size_t size)
{
    size_t len = row->len > 0 ? row->data[0] : 0;

    if (row->len == 0 || row->len < 1 + len || len >= size) {
        return false;
    }
    memcpy(to, row->data + 1, len);
    to[len] = '\0';
    *row = span_of(row->data + 1 + len, row->len - 1 - len);
    return true;
}

static enum err unpack(struct span row, struct act *act)
{
    if (row.len < 2 + 8 + UUID_BYTES) {
        return ERR_CORRUPT;
    }
    if (row.data[0] != ACT_VERSION) {
        return ERR_VERSION;
    }
    act->kind = row.data[1];
    act->at_ms = be64_get(row.data + 2);
    memcpy(act->message_id.bytes, row.data + 10, UUID_BYTES);
    row = span_of(row.data + 10 + UUID_BYTES, row.len - 10 - UUID_BYTES);
    return text_take(&row, act->officer, sizeof(act->officer)) &&
                   text_take(&row, act->shown, sizeof(act->shown)) &&
                   text_take(&row, act->reason, sizeof(act->reason)) && row.len == 0
               ? OK
               : ERR_CORRUPT;
}

enum err act_add(struct store_txn *txn, const struct act *act)
{
    uint8_t key[ACT_KEY_BYTES], row[ACT_ROW_BYTES];
    size_t len = pack(act, row);
    uint64_t position = act->at_ms;
    enum err error = ERR_EXISTS;

    while (error == ERR_EXISTS) {
        key_put(&act->about, position++, key);
        error = store_add(txn, STORE_OFFICE, span_of(key, sizeof(key)), span_of(row, len));
    }
    return error;
}

enum err act_next(struct store_txn *txn, const struct uuid *about, uint64_t after,
                  uint64_t *ret_position, struct act *ret_act)
{
    struct store_cursor *cursor;
    struct span key, row;
    uint8_t from[ACT_KEY_BYTES];
    enum err error;

    key_put(about, after + 1, from);
    error = store_cursor_open(txn, STORE_OFFICE, span_of(from, 1 + UUID_BYTES), &cursor);
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(from, sizeof(from)), &key, &row);
    if (error == OK && key.len != ACT_KEY_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        *ret_position = be64_get(key.data + 1 + UUID_BYTES);
        ret_act->about = *about;
        error = unpack(row, ret_act);
    }
    store_cursor_close(cursor);
    return error;
}

enum err act_find(struct store_txn *txn, const struct uuid *about, enum act_kind kind,
                  const struct uuid *message_id, struct act *ret_act)
{
    uint64_t position = 0;
    enum err error;

    while ((error = act_next(txn, about, position, &position, ret_act)) == OK) {
        if (ret_act->kind == kind && uuid_equal(&ret_act->message_id, message_id)) {
            return OK;
        }
    }
    return error;
}

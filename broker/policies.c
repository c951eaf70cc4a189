/* How: a row "policy/" and the leaf's index in hexadecimal, so that the order of the keys is that
 * of the log. There are few: a walk finds what is wanted. */
#include "broker/policies.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX      "policy/"
#define NAME_BYTES  (sizeof(PREFIX) + 16)
#define STAMP_BYTES (16u + DIGEST_BYTES) /* leaf and time, digest; then the text */
#define WALK_MAX    10000u

static bool read_row(struct span value, struct policy_version *ret_version)
{
    if (value.len < STAMP_BYTES) {
        return false;
    }
    ret_version->leaf = be64_get(value.data);
    ret_version->at_ms = be64_get(value.data + 8);
    memcpy(ret_version->digest.bytes, value.data + 16, DIGEST_BYTES);
    ret_version->text = span_of(value.data + STAMP_BYTES, value.len - STAMP_BYTES);
    return true;
}

/* The number-th, or the one with this digest; how many there are before it. */
static enum err find(struct store_txn *txn, uint64_t number, const struct digest *digest,
                     char ret_name[NAME_BYTES])
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    enum err error = store_cursor_open(txn, STORE_META, span_text(PREFIX), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    for (uint64_t at = 1; error == OK && at <= WALK_MAX; at++) {
        struct policy_version version;

        if (key.len != NAME_BYTES - 1 || !read_row(value, &version)) {
            error = ERR_CORRUPT;
        } else if (at == number || (digest != NULL && digest_equal(digest, &version.digest))) {
            memcpy(ret_name, key.data, key.len);
            ret_name[key.len] = '\0';
            break;
        } else {
            error = store_cursor_next(cursor, &key, &value);
        }
    }
    store_cursor_close(cursor);
    return error;
}

enum err policies_keep(struct store_txn *txn, const struct policy_version *version)
{
    char name[NAME_BYTES];
    uint8_t stamp[STAMP_BYTES];
    struct buf row;
    enum err error = find(txn, 0, &version->digest, name);

    if (error != ERR_NOT_FOUND) {
        return error;
    }
    be64_put(stamp, version->leaf);
    be64_put(stamp + 8, version->at_ms);
    memcpy(stamp + 16, version->digest.bytes, DIGEST_BYTES);
    (void)snprintf(name, sizeof(name), PREFIX "%016" PRIx64, version->leaf);
    buf_init(&row, STAMP_BYTES + LIMIT_CONFIG_BYTES);
    error = buf_append(&row, stamp, sizeof(stamp));
    if (error == OK) {
        error = buf_append(&row, version->text.data, version->text.len);
    }
    if (error == OK) {
        error = store_meta_put(txn, name, span_buf(&row));
    }
    buf_free(&row);
    return error;
}

enum err policies_find(struct store_txn *txn, uint64_t number, struct policy_version *ret_version)
{
    char name[NAME_BYTES];
    struct span value;
    enum err error;

    assert(number > 0);
    error = find(txn, number, NULL, name);
    if (error == OK) {
        error = store_meta_get(txn, name, &value);
    }
    if (error == OK && !read_row(value, ret_version)) {
        error = ERR_CORRUPT;
    }
    return error;
}

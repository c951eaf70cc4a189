/* Rows of uploads. See uploads.h. STORE_BLOB:
 *
 * 'U' | digest | agency u16       -> version u8 | complete u8 | referred u8 | size u64 | touched
 * u64 'R' | digest | agency u16       -> nothing 'T' | touched u64 | digest | agency u16 -> nothing
 * 'N' | agency u16                -> how many of its 'T' rows there are, u64 */
#include "store/uploads.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define UPLOAD_VERSION 1u
#define VALUE_BYTES    19u
#define KEY_BYTES_MAX  (1u + 8u + DIGEST_BYTES + 2u)

struct upload_key {
    uint8_t bytes[KEY_BYTES_MAX];
    size_t len;
};

static struct span key_span(const struct upload_key *key)
{
    return span_of(key->bytes, key->len);
}

static struct upload_key key_of(char mark, const struct digest *digest, uint16_t agency)
{
    struct upload_key key = {.bytes = {(uint8_t)mark}, .len = 1 + DIGEST_BYTES + 2};
    memcpy(key.bytes + 1, digest->bytes, DIGEST_BYTES);
    be16_put(key.bytes + 1 + DIGEST_BYTES, agency);
    return key;
}

static struct upload_key key_of_age(const struct upload *upload)
{
    struct upload_key key = {.bytes = {'T'}, .len = KEY_BYTES_MAX};
    be64_put(key.bytes + 1, upload->touched_ms);
    memcpy(key.bytes + 9, upload->digest.bytes, DIGEST_BYTES);
    be16_put(key.bytes + 9 + DIGEST_BYTES, upload->agency);
    return key;
}

static enum err value_unpack(struct store_txn *txn, const struct upload_key *key, struct span value,
                             struct upload *upload)
{
    if (value.len != VALUE_BYTES || value.data[0] != UPLOAD_VERSION) {
        return store_corrupt(txn, STORE_BLOB, key_span(key));
    }
    upload->complete = value.data[1] != 0;
    upload->referred = value.data[2] != 0;
    upload->size = be64_get(value.data + 3);
    upload->touched_ms = be64_get(value.data + 11);
    return OK;
}

enum err upload_get(struct store_txn *txn, const struct digest *digest, uint16_t agency,
                    struct upload *ret_upload)
{
    struct upload_key key = key_of('U', digest, agency);
    struct upload upload = {.digest = *digest, .agency = agency};
    struct span value;
    enum err error = store_get(txn, STORE_BLOB, key_span(&key), &value);
    error = error == OK ? value_unpack(txn, &key, value, &upload) : error;
    if (error == OK) {
        *ret_upload = upload;
    }
    return error;
}

/* --- those that wait --- */

static struct upload_key key_of_count(uint16_t agency)
{
    struct upload_key key = {.bytes = {'N'}, .len = 3};
    be16_put(key.bytes + 1, agency);
    return key;
}

enum err upload_waiting(struct store_txn *txn, uint16_t agency, uint64_t *ret_count)
{
    struct upload_key key = key_of_count(agency);
    struct span value;
    enum err error = store_get(txn, STORE_BLOB, key_span(&key), &value);
    if (error == ERR_NOT_FOUND) {
        *ret_count = 0;
        return OK;
    }
    if (error == OK && value.len != 8) {
        return store_corrupt(txn, STORE_BLOB, key_span(&key));
    }
    if (error == OK) {
        *ret_count = be64_get(value.data);
    }
    return error;
}

static enum err count_add(struct store_txn *txn, uint16_t agency, int step)
{
    struct upload_key key = key_of_count(agency);
    uint64_t count = 0;
    uint8_t value[8];
    enum err error = upload_waiting(txn, agency, &count);
    if (error != OK) {
        return error;
    }
    assert(step > 0 || count > 0);
    be64_put(value, step > 0 ? count + 1 : count - 1);
    return store_put(txn, STORE_BLOB, key_span(&key), span_of(value, sizeof(value)));
}

static enum err age_remove(struct store_txn *txn, const struct upload *upload)
{
    struct upload_key key = key_of_age(upload);
    enum err error = store_remove(txn, STORE_BLOB, key_span(&key));
    return error == OK ? count_add(txn, upload->agency, -1) : error;
}

static enum err age_add(struct store_txn *txn, const struct upload *upload)
{
    struct upload_key key = key_of_age(upload);
    enum err error = store_add(txn, STORE_BLOB, key_span(&key), span_of(NULL, 0));
    return error == OK ? count_add(txn, upload->agency, 1) : error;
}

enum err upload_oldest(struct store_txn *txn, struct upload *ret_upload)
{
    struct store_cursor *cursor = NULL;
    struct span key;
    struct span value;
    struct digest digest;
    uint16_t agency = 0;
    enum err error = store_cursor_open(txn, STORE_BLOB, span_of("T", 1), &cursor);
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    if (error == OK && key.len != KEY_BYTES_MAX) {
        error = store_corrupt(txn, STORE_BLOB, key);
    }
    if (error == OK) {
        memcpy(digest.bytes, key.data + 9, DIGEST_BYTES);
        agency = be16_get(key.data + 9 + DIGEST_BYTES);
    }
    store_cursor_close(cursor);
    if (error != OK) {
        return error;
    }
    error = upload_get(txn, &digest, agency, ret_upload);
    return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
}

/* --- writing --- */

static enum err remove_old(struct store_txn *txn, const struct upload *upload)
{
    struct upload old;
    enum err error = upload_get(txn, &upload->digest, upload->agency, &old);
    if (error == ERR_NOT_FOUND) {
        return OK;
    }
    return error == OK && !old.referred ? age_remove(txn, &old) : error;
}

enum err upload_put(struct store_txn *txn, const struct upload *upload)
{
    assert(txn != NULL && upload != NULL);
    struct upload_key key = key_of('U', &upload->digest, upload->agency);
    uint8_t value[VALUE_BYTES] = {UPLOAD_VERSION, upload->complete, upload->referred};
    be64_put(value + 3, upload->size);
    be64_put(value + 11, upload->touched_ms);
    enum err error = remove_old(txn, upload);
    if (error == OK) {
        error = store_put(txn, STORE_BLOB, key_span(&key), span_of(value, sizeof(value)));
    }
    return error == OK && !upload->referred ? age_add(txn, upload) : error;
}

enum err upload_remove(struct store_txn *txn, const struct upload *upload)
{
    struct upload_key key = key_of('U', &upload->digest, upload->agency);
    enum err error = remove_old(txn, upload);
    return error == OK ? store_remove(txn, STORE_BLOB, key_span(&key)) : error;
}

enum err upload_allow(struct store_txn *txn, const struct digest *digest, uint16_t agency)
{
    struct upload_key key = key_of('R', digest, agency);
    return store_put(txn, STORE_BLOB, key_span(&key), span_of(NULL, 0));
}

enum err upload_allowed(struct store_txn *txn, const struct digest *digest, uint16_t agency)
{
    struct upload_key key = key_of('R', digest, agency);
    struct span value;
    return store_get(txn, STORE_BLOB, key_span(&key), &value);
}

enum err upload_any(struct store_txn *txn, const struct digest *digest)
{
    struct upload_key prefix = key_of('U', digest, 0);
    struct store_cursor *cursor = NULL;
    struct span key;
    struct span value;
    prefix.len -= 2;
    enum err error = store_cursor_open(txn, STORE_BLOB, key_span(&prefix), &cursor);
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    while (error == OK && (value.len != VALUE_BYTES || value.data[1] == 0)) {
        error = store_cursor_next(cursor, &key, &value);
    }
    store_cursor_close(cursor);
    return error;
}

enum err upload_next_complete(struct store_txn *txn, const struct digest *after,
                              struct digest *ret_digest)
{
    struct store_cursor *cursor = NULL;
    struct upload_key from = {.bytes = {'U'}, .len = 1};
    struct span key;
    struct span value;
    if (after != NULL) { /* behind all agencies' rows of that digest */
        from = key_of('U', after, UINT16_MAX);
        from.bytes[from.len++] = 0xFF;
    }
    enum err error = store_cursor_open(txn, STORE_BLOB, span_text("U"), &cursor);
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, key_span(&from), &key, &value);
    while (error == OK &&
           (key.len != 1 + DIGEST_BYTES + 2 || value.len != VALUE_BYTES || value.data[1] == 0)) {
        error = store_cursor_next(cursor, &key, &value);
    }
    if (error == OK) {
        memcpy(ret_digest->bytes, key.data + 1, DIGEST_BYTES);
    }
    store_cursor_close(cursor);
    return error;
}

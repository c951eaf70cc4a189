/* STORE_OFFICE: 'd' | officer | 0 | address -> be64 saved | JSON, sealed as a secret of the desk's;
 * of a release that did not: as it is. Old ones are removed by draft_tidy. */
#include "agent/web/draft.h"

#include <assert.h>
#include <string.h>

#include "agent/secrets.h"
#include "agent/web/officer.h"
#include "base/crypto.h"

#define DRAFT_KEPT_MS   (UINT64_C(30) * 86400000)
#define DRAFT_ROW_BYTES (8u + DRAFT_BYTES_MAX + SECRET_MORE_BYTES)
#define DRAFT_KEY_BYTES (2u + OFFICER_NAME_BYTES + DRAFT_ADDRESS_MAX)

struct draft_key {
    uint8_t bytes[DRAFT_KEY_BYTES];
    size_t prefix_len; /* those of the officer */
    size_t len;
};

static bool key_make(const char *officer, const char *address, struct draft_key *key)
{
    size_t officer_len = strlen(officer);
    size_t address_len = strlen(address);

    assert(officer_len < OFFICER_NAME_BYTES);
    if (address_len >= DRAFT_ADDRESS_MAX) {
        return false;
    }
    key->bytes[0] = 'd';
    memcpy(key->bytes + 1, officer, officer_len + 1);
    key->prefix_len = officer_len + 2;
    memcpy(key->bytes + key->prefix_len, address, address_len);
    key->len = key->prefix_len + address_len;
    return true;
}

static struct span key_span(const struct draft_key *key)
{
    return span_of(key->bytes, key->len);
}

/* Those of one officer. */
static enum err count(struct store_txn *txn, const struct draft_key *key, size_t *ret_count)
{
    struct store_cursor *cursor;
    const struct span prefix = span_of(key->bytes, key->prefix_len);
    struct span at, row;
    enum err error = store_cursor_open(txn, STORE_OFFICE, prefix, &cursor);

    *ret_count = 0;
    if (error != OK) {
        return error;
    }
    for (error = store_cursor_seek(cursor, prefix, &at, &row); error == OK;
         error = store_cursor_next(cursor, &at, &row)) {
        (*ret_count)++;
    }
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err write(struct store_txn *txn, struct span key, struct span json, uint64_t saved_ms)
{
    uint8_t saved[8];
    struct buf row;
    enum err error;

    buf_init(&row, DRAFT_ROW_BYTES);
    be64_put(saved, saved_ms);
    error = buf_append(&row, saved, sizeof(saved));
    if (error == OK) {
        error = secret_seal(store_of(txn), &(struct uuid){{0}}, key, json, &row);
    }
    if (error == OK) {
        error = store_put(txn, STORE_OFFICE, key, span_buf(&row));
    }
    buf_free(&row);
    return error;
}

/* Appends the JSON of a row. ERR_NOT_FOUND: of a backup from before an erasure, which let its key
 * go. */
static enum err read(const struct store_txn *txn, struct span key, struct span row,
                     struct buf *json)
{
    if (row.len <= 8) {
        return ERR_CORRUPT;
    }
    if (row.data[8] == '{') { /* never a secret's first byte */
        return buf_append(json, row.data + 8, row.len - 8);
    }
    return secret_open(store_of(txn), &(struct uuid){{0}}, key, span_of(row.data + 8, row.len - 8),
                       json);
}

static enum err put(struct store_txn *txn, const struct draft_key *key, struct span json,
                    uint64_t now_ms)
{
    struct span old;
    size_t there;
    enum err error = count(txn, key, &there);

    if (error == OK && there >= DRAFT_OFFICER_MAX) {
        error = store_get(txn, STORE_OFFICE, key_span(key), &old) == OK ? OK : ERR_FULL;
    }
    return error == OK ? write(txn, key_span(key), json, now_ms) : error;
}

enum err draft_put(struct store *store, const char *officer, const char *address, struct span json,
                   uint64_t now_ms)
{
    struct draft_key key;
    struct store_txn *txn;
    enum err error;

    if (json.len > DRAFT_BYTES_MAX || !key_make(officer, address, &key)) {
        return ERR_TOO_LARGE;
    }
    error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = put(txn, &key, json, now_ms);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

enum err draft_get(struct store *store, const char *officer, const char *address, struct buf *json,
                   uint64_t *ret_saved_ms)
{
    struct draft_key key;
    struct store_txn *txn;
    struct span row;
    enum err error;

    if (!key_make(officer, address, &key)) {
        return ERR_NOT_FOUND;
    }
    error = store_read_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = store_get(txn, STORE_OFFICE, key_span(&key), &row);
    if (error == OK) {
        error = read(txn, key_span(&key), row, json);
    }
    if (error == OK) {
        *ret_saved_ms = be64_get(row.data);
    }
    store_read_end(txn);
    return error;
}

enum err draft_remove(struct store *store, const char *officer, const char *address)
{
    struct draft_key key;
    struct store_txn *txn;
    enum err error;

    if (!key_make(officer, address, &key)) {
        return OK;
    }
    error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = store_remove(txn, STORE_OFFICE, key_span(&key));
    if (error != OK) {
        store_abort(txn);
        return error == ERR_NOT_FOUND ? OK : error;
    }
    return store_commit(txn);
}

/* The first that is too old. */
static enum err find_old(struct store_txn *txn, uint64_t now_ms, struct draft_key *ret_key)
{
    struct store_cursor *cursor;
    const struct span all = span_text("d");
    struct span at, row;
    enum err error = store_cursor_open(txn, STORE_OFFICE, all, &cursor);

    if (error != OK) {
        return error;
    }
    for (error = store_cursor_seek(cursor, all, &at, &row); error == OK;
         error = store_cursor_next(cursor, &at, &row)) {
        if (row.len >= 8 && at.len <= DRAFT_KEY_BYTES &&
            be64_get(row.data) + DRAFT_KEPT_MS < now_ms) {
            memcpy(ret_key->bytes, at.data, at.len);
            ret_key->len = at.len;
            break;
        }
    }
    store_cursor_close(cursor);
    return error;
}

enum err draft_tidy(struct store *store, uint64_t now_ms)
{
    struct draft_key old;
    struct store_txn *txn;
    bool any = false;
    enum err error = store_begin(store, &txn);

    if (error != OK) {
        return error;
    }
    while ((error = find_old(txn, now_ms, &old)) == OK) {
        any = true;
        error = store_remove(txn, STORE_OFFICE, key_span(&old));
        if (error != OK) {
            break;
        }
    }
    if (error != ERR_NOT_FOUND || !any) {
        store_abort(txn);
        return error == ERR_NOT_FOUND ? OK : error;
    }
    return store_commit(txn);
}

enum err draft_next(struct store *store, const char *officer, const char *after,
                    char ret_address[DRAFT_ADDRESS_MAX], uint64_t *ret_saved_ms)
{
    struct draft_key key;
    struct store_cursor *cursor = NULL;
    struct store_txn *txn;
    struct span at, row;
    enum err error;

    if (!key_make(officer, after, &key)) {
        return ERR_NOT_FOUND;
    }
    error = store_read_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = store_cursor_open(txn, STORE_OFFICE, span_of(key.bytes, key.prefix_len), &cursor);
    if (error == OK) {
        error = store_cursor_seek(cursor, key_span(&key), &at, &row);
    }
    if (error == OK && span_equal(at, key_span(&key))) {
        error = store_cursor_next(cursor, &at, &row);
    }
    if (error == OK && (row.len < 8 || at.len - key.prefix_len >= DRAFT_ADDRESS_MAX)) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(ret_address, at.data + key.prefix_len, at.len - key.prefix_len);
        ret_address[at.len - key.prefix_len] = '\0';
        *ret_saved_ms = be64_get(row.data);
    }
    store_cursor_close(cursor);
    store_read_end(txn);
    return error;
}

/* --- erasing --- */

/* The first draft at or behind `key`, which moves to it. */
static enum err walk(struct store_txn *txn, struct draft_key *key, struct span *ret_row)
{
    struct store_cursor *cursor = NULL;
    struct span at, row;
    enum err error = store_cursor_open(txn, STORE_OFFICE, span_text("d"), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, key_span(key), &at, &row);
    if (error == OK && at.len > DRAFT_KEY_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(key->bytes, at.data, at.len);
        key->len = at.len;
    }
    store_cursor_close(cursor); /* what it lent ends here */
    return error == OK ? store_get(txn, STORE_OFFICE, key_span(key), ret_row) : error;
}

/* The address comes last: what it names is in it. */
static bool names(const struct draft_key *key, const char *id)
{
    return memmem(key->bytes, key->len, id, strlen(id)) != NULL;
}

static enum err renew(struct store_txn *txn, const struct draft_key *key, struct span row)
{
    struct buf json;
    enum err error;

    buf_init(&json, DRAFT_BYTES_MAX);
    error = read(txn, key_span(key), row, &json);
    if (error == OK) {
        error = write(txn, key_span(key), span_buf(&json), be64_get(row.data));
    } else if (error == ERR_NOT_FOUND) {
        error = store_remove(txn, STORE_OFFICE, key_span(key));
    }
    if (json.data != NULL) {
        crypto_wipe(json.data, json.cap);
    }
    buf_free(&json);
    return error;
}

static enum err next_key(struct draft_key *key)
{
    if (key->len == DRAFT_KEY_BYTES) {
        return ERR_NOT_FOUND; /* no longer one can be */
    }
    key->bytes[key->len++] = 0;
    return OK;
}

enum err drafts_renew(struct store_txn *txn)
{
    struct draft_key key = {.bytes = {'d'}, .len = 1};
    struct span row;
    enum err error;

    while ((error = walk(txn, &key, &row)) == OK) {
        error = renew(txn, &key, row);
        error = error == OK ? next_key(&key) : error;
        if (error != OK) {
            break;
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err each_of(struct store_txn *txn, const char *id, bool removes, size_t *count)
{
    struct draft_key key = {.bytes = {'d'}, .len = 1};
    struct span row;
    enum err error;

    while ((error = walk(txn, &key, &row)) == OK) {
        if (names(&key, id)) {
            error = removes ? store_remove(txn, STORE_OFFICE, key_span(&key)) : OK;
            (*count)++;
        }
        error = error == OK ? next_key(&key) : error;
        if (error != OK) {
            break;
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err drafts_count_of(struct store_txn *txn, const char *id, size_t *count)
{
    return each_of(txn, id, false, count);
}

enum err drafts_remove_of(struct store_txn *txn, const char *id, size_t *count)
{
    return each_of(txn, id, true, count);
}

enum err drafts_name(struct store_txn *txn, const char *text, bool *ret_named)
{
    struct draft_key key = {.bytes = {'d'}, .len = 1};
    struct buf json;
    struct span row;
    enum err error = OK;

    *ret_named = false;
    buf_init(&json, DRAFT_BYTES_MAX);
    while (error == OK && !*ret_named && (error = walk(txn, &key, &row)) == OK) {
        buf_clear(&json);
        error = read(txn, key_span(&key), row, &json);
        *ret_named = error == OK && memmem(json.data, json.len, text, strlen(text)) != NULL;
        error = error == ERR_NOT_FOUND ? OK : error;
        error = error == OK ? next_key(&key) : error;
    }
    if (json.data != NULL) {
        crypto_wipe(json.data, json.cap);
    }
    buf_free(&json);
    return error == ERR_NOT_FOUND ? OK : error;
}

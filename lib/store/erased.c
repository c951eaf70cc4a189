/* See erased.h. STORE_META "erased/" case id 32 hex digits "/" generation 3 digits -> version u8 |
 * at u64 | order len u8 | order | reason. */
#include "store/erased.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/store_private.h"

#define PREFIX        "erased/"
#define PREFIX_BYTES  7u
#define HEX_BYTES     (2u * UUID_BYTES)
#define NAME_BYTES    (PREFIX_BYTES + HEX_BYTES + 1u + 3u + 1u)
#define ROW_VERSION   1u
#define ROW_BYTES     (1u + 8u + 1u)
#define ROW_BYTES_MAX (ROW_BYTES + ERASED_ORDER_BYTES + ERASED_REASON_BYTES)

static void name_of(const struct uuid *case_id, unsigned generation, char out[NAME_BYTES])
{
    char hex[HEX_BYTES + 1];

    hex_encode(span_of(case_id->bytes, UUID_BYTES), hex);
    (void)snprintf(out, NAME_BYTES, PREFIX "%s/%03u", hex, generation % 1000);
}

enum err erased_put(struct store_txn *txn, const struct erased *erased)
{
    const size_t order = strlen(erased->order), reason = strlen(erased->reason);
    uint8_t row[ROW_BYTES_MAX] = {ROW_VERSION};
    char name[NAME_BYTES];

    assert(order < ERASED_ORDER_BYTES && reason < ERASED_REASON_BYTES);
    be64_put(row + 1, erased->at_ms);
    row[9] = (uint8_t)order;
    memcpy(row + ROW_BYTES, erased->order, order);
    memcpy(row + ROW_BYTES + order, erased->reason, reason);
    name_of(&erased->case_id, erased->generation, name);
    return store_meta_put(txn, name, span_of(row, ROW_BYTES + order + reason));
}

static enum err read_name(struct span name, struct erased *erased)
{
    char text[NAME_BYTES];
    unsigned generation = 0;

    if (name.len != NAME_BYTES - 1 || memcmp(name.data, PREFIX, PREFIX_BYTES) != 0) {
        return ERR_CORRUPT;
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    for (size_t i = NAME_BYTES - 4; i < NAME_BYTES - 1; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return ERR_CORRUPT;
        }
        generation = generation * 10 + (unsigned)(text[i] - '0');
    }
    text[PREFIX_BYTES + HEX_BYTES] = '\0';
    if (generation > CASE_KEYS_GENERATION_MAX ||
        hex_decode(text + PREFIX_BYTES, erased->case_id.bytes, UUID_BYTES) != OK) {
        return ERR_CORRUPT;
    }
    erased->generation = (uint8_t)generation;
    return OK;
}

static enum err read_row(struct span row, struct erased *erased)
{
    const size_t order = row.len >= ROW_BYTES ? row.data[9] : 0;

    if (row.len < ROW_BYTES + order || order >= ERASED_ORDER_BYTES ||
        row.len - ROW_BYTES - order >= ERASED_REASON_BYTES) {
        return ERR_CORRUPT;
    }
    if (row.data[0] != ROW_VERSION) {
        return ERR_VERSION;
    }
    erased->at_ms = be64_get(row.data + 1);
    memcpy(erased->order, row.data + ROW_BYTES, order);
    erased->order[order] = '\0';
    memcpy(erased->reason, row.data + ROW_BYTES + order, row.len - ROW_BYTES - order);
    erased->reason[row.len - ROW_BYTES - order] = '\0';
    return OK;
}

/* The first at or behind that place. */
static enum err erased_from(struct store_txn *txn, const struct uuid *case_id, unsigned generation,
                            struct erased *erased)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    char from[NAME_BYTES + 1] = "=";
    enum err error = store_cursor_open(txn, STORE_META, span_text("=" PREFIX), &cursor);

    if (error != OK) {
        return error;
    }
    name_of(case_id, generation, from + 1);
    error = store_cursor_seek(cursor, span_text(from), &key, &value);
    if (error == OK) {
        error = read_name(span_of(key.data + 1, key.len - 1), erased);
    }
    if (error == OK) {
        error = read_row(value, erased);
    }
    store_cursor_close(cursor);
    return error;
}

enum err erased_next(struct store_txn *txn, struct erased *erased)
{
    const struct uuid case_id = erased->case_id;

    return erased_from(txn, &case_id, uuid_is_zero(&case_id) ? 0 : erased->generation + 1u, erased);
}

enum err erased_find(struct store_txn *txn, const struct uuid *case_id, struct erased *ret_erased)
{
    struct erased erased = {.generation = 0};
    bool found = false;
    enum err error = erased_from(txn, case_id, 0, &erased);

    while (error == OK && uuid_equal(&erased.case_id, case_id)) {
        *ret_erased = erased;
        found = true;
        error = erased_next(txn, &erased);
    }
    return error != OK && error != ERR_NOT_FOUND ? error : found ? OK : ERR_NOT_FOUND;
}

/* Destroys the keys of all rows in memory. */
static enum err destroy_all(struct store *store, struct store_txn *read, size_t *ret_count)
{
    struct erased erased = {.generation = 0};
    enum err error = erased_next(read, &erased);

    while (error == OK) {
        struct case_key_secret key;

        if (case_keys_past(store->case_keys, &erased.case_id, erased.generation, &key) == OK) {
            crypto_wipe(&key, sizeof(key));
            error = case_keys_destroy(store->case_keys, &erased.case_id, erased.generation);
            (*ret_count)++;
        }
        if (error == OK) {
            error = erased_next(read, &erased);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err erased_complete(struct store *store, size_t *ret_count, struct fault *fault)
{
    struct store_txn *read = NULL;
    size_t count = 0;
    enum err error = store_read_begin(store, &read);

    if (error == OK) {
        error = destroy_all(store, read, &count);
        store_read_end(read);
    }
    if (error != OK) {
        fault_set(fault, "store.erasure", "case-keys", "cannot end an erasure: %s",
                  err_text(error));
    }
    if (error == OK && count > 0) {
        error = store_case_keys_save(store, fault);
    }
    if (ret_count != NULL) {
        *ret_count = count;
    }
    return error;
}

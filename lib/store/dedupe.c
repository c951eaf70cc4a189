/* Message ids that were used. See dedupe.h.
 *
 * Decided:  message id | sender u16           -> digest | leaf u64
 * Conflict: message id | sender u16 | digest  -> digest | leaf u64
 *
 * The id comes first: ids are ordered by time, so the new ones of all senders lie on one page. */
#include "store/dedupe.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define DECIDED_KEY_BYTES  18u
#define CONFLICT_KEY_BYTES (DECIDED_KEY_BYTES + DIGEST_BYTES)
#define VALUE_BYTES        (DIGEST_BYTES + 8u)

static struct span key_pack(uint16_t sender, const struct uuid *id, const struct digest *digest,
                            uint8_t out[CONFLICT_KEY_BYTES])
{
    memcpy(out, id->bytes, UUID_BYTES);
    be16_put(out + UUID_BYTES, sender);
    if (digest == NULL) {
        return span_of(out, DECIDED_KEY_BYTES);
    }
    memcpy(out + DECIDED_KEY_BYTES, digest->bytes, DIGEST_BYTES);
    return span_of(out, CONFLICT_KEY_BYTES);
}

static enum err find(struct store_txn *txn, struct span key, struct dedupe_row *ret_row)
{
    struct span value;
    enum err error = store_get(txn, STORE_DEDUPE, key, &value);
    if (error != OK) {
        return error;
    }
    if (value.len != VALUE_BYTES) {
        return store_corrupt(txn, STORE_DEDUPE, key);
    }
    memcpy(ret_row->digest.bytes, value.data, DIGEST_BYTES);
    ret_row->leaf = be64_get(value.data + DIGEST_BYTES);
    return OK;
}

static enum err add(struct store_txn *txn, struct span key, const struct dedupe_row *row)
{
    uint8_t value[VALUE_BYTES];
    memcpy(value, row->digest.bytes, DIGEST_BYTES);
    be64_put(value + DIGEST_BYTES, row->leaf);
    return store_add(txn, STORE_DEDUPE, key, span_of(value, sizeof(value)));
}

enum err dedupe_find(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                     struct dedupe_row *ret_row)
{
    assert(message_id != NULL && ret_row != NULL);
    uint8_t key[CONFLICT_KEY_BYTES];
    return find(txn, key_pack(sender, message_id, NULL, key), ret_row);
}

enum err dedupe_add(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                    const struct dedupe_row *row)
{
    assert(message_id != NULL && row != NULL);
    uint8_t key[CONFLICT_KEY_BYTES];
    return add(txn, key_pack(sender, message_id, NULL, key), row);
}

enum err dedupe_find_conflict(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                              const struct digest *digest, uint64_t *ret_leaf)
{
    assert(message_id != NULL && digest != NULL && ret_leaf != NULL);
    uint8_t key[CONFLICT_KEY_BYTES];
    struct dedupe_row row = {.leaf = 0};
    enum err error = find(txn, key_pack(sender, message_id, digest, key), &row);
    if (error == OK) {
        *ret_leaf = row.leaf;
    }
    return error;
}

enum err dedupe_add_conflict(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                             const struct dedupe_row *row)
{
    assert(message_id != NULL && row != NULL);
    uint8_t key[CONFLICT_KEY_BYTES];
    return add(txn, key_pack(sender, message_id, &row->digest, key), row);
}

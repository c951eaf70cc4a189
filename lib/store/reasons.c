/* Reasons of commands. See reasons.h. Row: leaf u64 -> text. */
#include "store/reasons.h"

#include <assert.h>

#define REASON_KEY_BYTES 8u

enum err reason_put(struct store_txn *txn, uint64_t leaf, struct span text)
{
    assert(text.len > 0 && text.len <= REASON_BYTES_MAX);
    uint8_t key[REASON_KEY_BYTES];
    be64_put(key, leaf);
    return store_add(txn, STORE_REASON, span_of(key, sizeof(key)), text);
}

enum err reason_get(struct store_txn *txn, uint64_t leaf, struct span *ret_text)
{
    uint8_t key[REASON_KEY_BYTES];
    be64_put(key, leaf);
    return store_get(txn, STORE_REASON, span_of(key, sizeof(key)), ret_text);
}

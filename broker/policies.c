/* How: rows "policy/1", "policy/2" ... of STORE_META, in the order of the log. There are few: the
 * last is found by asking for one after the other. Since when one is in force: in_force.h. */
#include "broker/policies.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES  32u
#define STAMP_BYTES (16u + DIGEST_BYTES) /* leaf and time, digest; then the text */

static void name_of(uint64_t number, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "policy/%" PRIu64, number);
}

enum err policies_find(struct store_txn *txn, uint64_t number, struct policy_version *ret_version)
{
    char name[NAME_BYTES];
    struct span value;
    enum err error;

    assert(number > 0);
    name_of(number, name);
    error = store_meta_get(txn, name, &value);
    if (error != OK) {
        return error;
    }
    if (value.len < STAMP_BYTES) {
        return ERR_CORRUPT;
    }
    ret_version->leaf = be64_get(value.data);
    ret_version->at_ms = be64_get(value.data + 8);
    memcpy(ret_version->digest.bytes, value.data + 16, DIGEST_BYTES);
    ret_version->text = span_of(value.data + STAMP_BYTES, value.len - STAMP_BYTES);
    return OK;
}

static enum err put(struct store_txn *txn, uint64_t number, const struct policy_version *version)
{
    char name[NAME_BYTES];
    uint8_t stamp[STAMP_BYTES];
    struct buf row;
    enum err error;

    be64_put(stamp, version->leaf);
    be64_put(stamp + 8, version->at_ms);
    memcpy(stamp + 16, version->digest.bytes, DIGEST_BYTES);
    name_of(number, name);
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

enum err policies_keep(struct store_txn *txn, const struct policy_version *version)
{
    struct policy_version kept;
    uint64_t number = 1;
    enum err error = policies_find(txn, number, &kept);

    while (error == OK && !digest_equal(&kept.digest, &version->digest)) {
        number++;
        error = policies_find(txn, number, &kept);
    }
    return error == ERR_NOT_FOUND ? put(txn, number, version) : error;
}

/* Places in this agency's streams whose message is held by the broker, for its key was revoked
 * while it waited, and those that follow in its case: noted when they are shown, gone when the
 * message comes. The stream goes on behind them, and nothing can be put in their place.
 *
 * Nothing is held for longer than its key's 72 hours. But what follows in its case may have a key
 * of its own that is revoked later: with each statement about a key that this agent takes, all
 * begin anew.
 *
 * STORE_VALUE: 'h' | lane u8 | be64 seq -> leaf hash 32 | case 16 | since be64, the broker's time |
 * be32 statements. In the caller's transaction. Loop thread. */
#include "agent/held.h"

#include <string.h>

#include "wire/key_statement.h"

#define KEY_BYTES    10u
#define PREFIX_BYTES 2u
#define PLACE_BYTES  (DIGEST_BYTES + UUID_BYTES + 8u + 4u)
#define OVERDUE_MS   (REVOKED_HOLD_MS + 3600000u)

static struct span key_of(uint32_t lane, uint64_t seq, uint8_t out[KEY_BYTES])
{
    out[0] = 'h';
    out[1] = (uint8_t)lane;
    be64_put(out + PREFIX_BYTES, seq);
    return span_of(out, KEY_BYTES);
}

static enum err read_place(struct span key, struct span value, struct held_place *ret_place)
{
    if (key.len != KEY_BYTES || value.len != PLACE_BYTES) {
        return ERR_CORRUPT;
    }
    ret_place->lane = key.data[1];
    ret_place->seq = be64_get(key.data + PREFIX_BYTES);
    memcpy(ret_place->leaf_hash.bytes, value.data, DIGEST_BYTES);
    memcpy(ret_place->case_id.bytes, value.data + DIGEST_BYTES, UUID_BYTES);
    ret_place->since_ms = be64_get(value.data + DIGEST_BYTES + UUID_BYTES);
    ret_place->statements = be32_get(value.data + DIGEST_BYTES + UUID_BYTES + 8);
    return OK;
}

enum err held_find(struct store_txn *txn, uint32_t lane, uint64_t seq, struct held_place *ret_place)
{
    uint8_t bytes[KEY_BYTES];
    struct span key = key_of(lane, seq, bytes), value;
    enum err error = store_get(txn, STORE_VALUE, key, &value);

    return error == OK ? read_place(key, value, ret_place) : error;
}

enum err held_put(struct store_txn *txn, const struct held_place *place)
{
    uint8_t key[KEY_BYTES], value[PLACE_BYTES];

    memcpy(value, place->leaf_hash.bytes, DIGEST_BYTES);
    memcpy(value + DIGEST_BYTES, place->case_id.bytes, UUID_BYTES);
    be64_put(value + DIGEST_BYTES + UUID_BYTES, place->since_ms);
    be32_put(value + DIGEST_BYTES + UUID_BYTES + 8, place->statements);
    return store_put(txn, STORE_VALUE, key_of(place->lane, place->seq, key),
                     span_of(value, sizeof(value)));
}

enum err held_remove(struct store_txn *txn, uint32_t lane, uint64_t seq)
{
    uint8_t key[KEY_BYTES];

    return store_remove(txn, STORE_VALUE, key_of(lane, seq, key));
}

/* Those of a lane, in order, until `fn` answers something else than OK. */
static enum err each_of_lane(struct store_txn *txn, uint32_t lane,
                             enum err (*fn)(void *ctx, const struct held_place *place), void *ctx)
{
    uint8_t bytes[KEY_BYTES];
    const struct span prefix = span_of(key_of(lane, 0, bytes).data, PREFIX_BYTES);
    struct store_cursor *cursor;
    struct span key, value;
    enum err error = store_cursor_open(txn, STORE_VALUE, prefix, &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, prefix, &key, &value);
    while (error == OK) {
        struct held_place place;

        error = read_place(key, value, &place);
        error = error == OK ? fn(ctx, &place) : error;
        error = error == OK ? store_cursor_next(cursor, &key, &value) : error;
    }
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

struct looking {
    struct store_txn *txn;
    const struct held_place *at;
    struct held_before *before;
};

static enum err look_cb(void *ctx, const struct held_place *place)
{
    const struct looking *looking = ctx;
    const struct held_place *at = looking->at;

    if (place->seq >= at->seq) {
        return ERR_NOT_FOUND; /* no more before it */
    }
    looking->before->same_case |=
        !uuid_is_zero(&at->case_id) && uuid_equal(&place->case_id, &at->case_id);
    if (place->statements < at->statements) {
        struct held_place anew = *place;

        anew.since_ms = at->since_ms;
        anew.statements = at->statements;
        return held_put(looking->txn, &anew);
    }
    looking->before->overdue |= at->since_ms > place->since_ms + OVERDUE_MS;
    return OK;
}

enum err held_before(struct store_txn *txn, const struct held_place *at,
                     struct held_before *ret_before)
{
    struct looking looking = {.txn = txn, .at = at, .before = ret_before};

    *ret_before = (struct held_before){.same_case = false};
    return each_of_lane(txn, at->lane, look_cb, &looking);
}

static enum err forget_cb(void *ctx, const struct held_place *place)
{
    return held_remove(ctx, place->lane, place->seq);
}

enum err held_forget(struct store_txn *txn, uint32_t lane)
{
    return each_of_lane(txn, lane, forget_cb, txn);
}

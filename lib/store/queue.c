/* Streams and their rows. See queue.h.
 *
 * Row:    recipient u16 | lane u8 | seq u64  ->  leaf u64 | message id 16 | queued u64 | envelope
 *         bytes u32 | flags u8
 * Stream: recipient u16 | lane u8  ->  next seq u64 | previous 32 | count u64
 * A write transaction changes the stream rows that it touches in memory and writes each once. */
#include "store/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_private.h"

#define STREAM_KEY_BYTES   3u
#define STREAM_VALUE_BYTES 48u
#define ITEM_KEY_BYTES     11u
#define ITEM_VALUE_BYTES   37u
#define ITEM_WANTS_RECEIPT 1u
#define ITEM_HELD          2u

static uint32_t stream_id(struct queue_stream stream)
{
    assert(stream.lane < QUEUE_LANES);
    return (uint32_t)stream.recipient << 8 | stream.lane;
}

static struct span stream_key(uint32_t id, uint8_t key[STREAM_KEY_BYTES])
{
    be16_put(key, (uint16_t)(id >> 8));
    key[2] = (uint8_t)(id & 0xFFu);
    return span_of(key, STREAM_KEY_BYTES);
}

static struct span item_key(struct queue_stream stream, uint64_t seq, uint8_t key[ITEM_KEY_BYTES])
{
    (void)stream_key(stream_id(stream), key);
    be64_put(key + STREAM_KEY_BYTES, seq);
    return span_of(key, ITEM_KEY_BYTES);
}

static enum err state_load(struct store_txn *txn, uint32_t id, struct queue_state *ret_state)
{
    uint8_t bytes[STREAM_KEY_BYTES];
    struct span key = stream_key(id, bytes);
    struct span value;
    enum err error = store_get(txn, STORE_STREAM, key, &value);
    if (error == ERR_NOT_FOUND) {
        *ret_state = (struct queue_state){.next_seq = 1};
        return OK;
    }
    if (error != OK) {
        return error;
    }
    if (value.len != STREAM_VALUE_BYTES) {
        return store_corrupt(txn, STORE_STREAM, key);
    }
    struct queue_state state = {.next_seq = be64_get(value.data),
                                .count = be64_get(value.data + 8 + DIGEST_BYTES)};
    memcpy(state.previous.bytes, value.data + 8, DIGEST_BYTES);
    *ret_state = state;
    return OK;
}

static struct queue_touched *touched_find(struct queue_cache *cache, uint32_t id)
{
    for (size_t i = cache->count; i > 0; i--) { /* the newest is asked for most */
        if (cache->rows[i - 1].id == id) {
            return &cache->rows[i - 1];
        }
    }
    return NULL;
}

/* The stream's state in this write transaction; valid until the next call. */
static enum err touch(struct store_txn *txn, uint32_t id, struct queue_touched **ret_row)
{
    struct queue_cache *cache = &txn->store->streams;
    struct queue_touched *row = touched_find(cache, id);
    if (row != NULL) {
        *ret_row = row;
        return OK;
    }
    if (cache->count == cache->cap) {
        size_t cap = cache->cap == 0 ? 64 : cache->cap * 2;
        struct queue_touched *rows = reallocarray(cache->rows, cap, sizeof(*rows));
        if (rows == NULL) {
            return ERR_MEMORY;
        }
        cache->rows = rows;
        cache->cap = cap;
    }
    struct queue_touched fresh = {.id = id};
    enum err error = state_load(txn, id, &fresh.state);
    if (error != OK) {
        return error;
    }
    cache->rows[cache->count] = fresh;
    *ret_row = &cache->rows[cache->count];
    cache->count++;
    return OK;
}

enum err queue_flush(struct store_txn *txn)
{
    struct queue_cache *cache = &txn->store->streams;
    for (size_t i = 0; i < cache->count; i++) {
        const struct queue_touched *row = &cache->rows[i];
        if (!row->changed) {
            continue;
        }
        uint8_t key[STREAM_KEY_BYTES];
        uint8_t value[STREAM_VALUE_BYTES];
        be64_put(value, row->state.next_seq);
        memcpy(value + 8, row->state.previous.bytes, DIGEST_BYTES);
        be64_put(value + 8 + DIGEST_BYTES, row->state.count);
        enum err error =
            store_put(txn, STORE_STREAM, stream_key(row->id, key), span_of(value, sizeof(value)));
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

enum err queue_state(struct store_txn *txn, struct queue_stream stream,
                     struct queue_state *ret_state)
{
    assert(txn != NULL && ret_state != NULL);
    if (!txn->writes) {
        return state_load(txn, stream_id(stream), ret_state);
    }
    struct queue_touched *row = NULL;
    enum err error = touch(txn, stream_id(stream), &row);
    if (error == OK) {
        *ret_state = row->state;
    }
    return error;
}

enum err queue_put(struct store_txn *txn, const struct queue_item *item,
                   const struct digest *leaf_hash)
{
    assert(txn != NULL && txn->writes && item != NULL && leaf_hash != NULL);
    struct queue_touched *row = NULL;
    enum err error = touch(txn, stream_id(item->stream), &row);
    if (error != OK) {
        return store_failed(txn, error);
    }
    assert(item->seq == row->state.next_seq);
    uint8_t key[ITEM_KEY_BYTES];
    uint8_t value[ITEM_VALUE_BYTES];
    be64_put(value, item->leaf);
    memcpy(value + 8, item->message_id.bytes, UUID_BYTES);
    be64_put(value + 24, item->queued_ms);
    be32_put(value + 32, item->envelope_bytes);
    value[36] = item->wants_receipt ? ITEM_WANTS_RECEIPT : 0;
    error = store_add(txn, STORE_QUEUE, item_key(item->stream, item->seq, key),
                      span_of(value, sizeof(value)));
    if (error != OK) {
        /* A number that was given already: the stream's row is not the one that was written. */
        return error == ERR_EXISTS ? store_failed(txn, ERR_CORRUPT) : error;
    }
    row->state.next_seq++;
    row->state.count++;
    row->state.previous = *leaf_hash;
    row->changed = true;
    return OK;
}

static enum err item_unpack(struct store_txn *txn, struct span key, struct span value,
                            struct queue_item *ret_item)
{
    if (key.len != ITEM_KEY_BYTES || value.len != ITEM_VALUE_BYTES || key.data[2] >= QUEUE_LANES) {
        return store_corrupt(txn, STORE_QUEUE, key);
    }
    struct queue_item item = {
        .stream = {.recipient = be16_get(key.data), .lane = key.data[2]},
        .seq = be64_get(key.data + STREAM_KEY_BYTES),
        .leaf = be64_get(value.data),
        .queued_ms = be64_get(value.data + 24),
        .envelope_bytes = be32_get(value.data + 32),
        .wants_receipt = (value.data[36] & ITEM_WANTS_RECEIPT) != 0,
        .held = (value.data[36] & ITEM_HELD) != 0,
    };
    memcpy(item.message_id.bytes, value.data + 8, UUID_BYTES);
    *ret_item = item;
    return OK;
}

enum err queue_get(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                   struct queue_item *ret_item)
{
    assert(txn != NULL && ret_item != NULL);
    uint8_t bytes[ITEM_KEY_BYTES];
    struct span key = item_key(stream, seq, bytes);
    struct span value;
    enum err error = store_get(txn, STORE_QUEUE, key, &value);
    return error != OK ? error : item_unpack(txn, key, value, ret_item);
}

static enum err change_flags(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                             uint8_t clear, uint8_t set)
{
    assert(txn != NULL && txn->writes);
    uint8_t bytes[ITEM_KEY_BYTES];
    uint8_t copy[ITEM_VALUE_BYTES];
    struct span key = item_key(stream, seq, bytes);
    struct span value;
    enum err error = store_get(txn, STORE_QUEUE, key, &value);
    if (error != OK) {
        return error;
    }
    if (value.len != ITEM_VALUE_BYTES) {
        return store_corrupt(txn, STORE_QUEUE, key);
    }
    memcpy(copy, value.data, sizeof(copy));
    copy[36] = (uint8_t)((copy[36] & ~clear) | set);
    return store_put(txn, STORE_QUEUE, key, span_of(copy, sizeof(copy)));
}

enum err queue_plain(struct store_txn *txn, struct queue_stream stream, uint64_t seq)
{
    return change_flags(txn, stream, seq, ITEM_WANTS_RECEIPT, 0);
}

enum err queue_hold(struct store_txn *txn, struct queue_stream stream, uint64_t seq)
{
    return change_flags(txn, stream, seq, 0, ITEM_HELD);
}

enum err queue_remove(struct store_txn *txn, struct queue_stream stream, uint64_t seq)
{
    assert(txn != NULL && txn->writes);
    uint8_t key[ITEM_KEY_BYTES];
    struct queue_touched *row = NULL;
    enum err error = touch(txn, stream_id(stream), &row);
    if (error != OK) {
        return store_failed(txn, error);
    }
    error = store_remove(txn, STORE_QUEUE, item_key(stream, seq, key));
    if (error != OK) {
        return error;
    }
    if (row->state.count == 0) {
        return store_failed(txn, ERR_CORRUPT);
    }
    row->state.count--;
    row->changed = true;
    return OK;
}

enum err queue_after(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                     struct queue_item *ret_item)
{
    assert(txn != NULL && ret_item != NULL);
    if (seq == UINT64_MAX) {
        return ERR_NOT_FOUND;
    }
    uint8_t from[ITEM_KEY_BYTES];
    (void)item_key(stream, seq + 1, from);
    struct store_cursor *cursor = NULL;
    enum err error = store_cursor_open(txn, STORE_QUEUE, span_of(from, STREAM_KEY_BYTES), &cursor);
    if (error != OK) {
        return error;
    }
    struct span key;
    struct span value;
    error = store_cursor_seek(cursor, span_of(from, sizeof(from)), &key, &value);
    if (error == OK) {
        error = item_unpack(txn, key, value, ret_item);
    }
    store_cursor_close(cursor);
    return error;
}

enum err queue_waiting(struct store_txn *txn, uint16_t recipient, uint64_t *ret_count,
                       uint64_t *ret_oldest_ms)
{
    assert(txn != NULL && ret_count != NULL);
    uint64_t count = 0;
    uint64_t oldest_ms = 0;
    for (uint8_t lane = 0; lane < QUEUE_LANES; lane++) {
        struct queue_stream stream = {.recipient = recipient, .lane = lane};
        struct queue_state state = {.count = 0};
        enum err error = queue_state(txn, stream, &state);
        if (error != OK) {
            return error;
        }
        count += state.count;
        if (state.count == 0 || ret_oldest_ms == NULL) {
            continue;
        }
        struct queue_item item = {.queued_ms = 0};
        error = queue_after(txn, stream, 0, &item);
        if (error != OK) {
            return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
        }
        if (oldest_ms == 0 || item.queued_ms < oldest_ms) {
            oldest_ms = item.queued_ms;
        }
    }
    *ret_count = count;
    if (ret_oldest_ms != NULL) {
        *ret_oldest_ms = oldest_ms;
    }
    return OK;
}

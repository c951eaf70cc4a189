/* See handed.h. STORE_RECOVERY, by the first byte of the key:
 *
 *   I | order u64 | place u64                  -> notice u8 | receipt bytes u16 | receipt |
 * envelope G | place u64                              -> leaf hash 32 U | message id 16 | sender
 * u16             -> envelope N | referral id 16 | recipient u16 | place -> envelope P | message id
 * 16 | author u16 | recipient u16 -> lane u8 | seq u64 D | agency u16 -> u8 */
#include "store/handed.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define KEY_BYTES (1u + UUID_BYTES + 2u + 8u)

struct key {
    uint8_t bytes[KEY_BYTES];
    size_t len;
};

static struct span key_span(const struct key *key)
{
    return span_of(key->bytes, key->len);
}

static struct key key_of_place(char mark, uint64_t place)
{
    struct key key = {.bytes = {(uint8_t)mark}, .len = 9};

    be64_put(key.bytes + 1, place);
    return key;
}

static struct key key_of_id(char mark, const struct uuid *id, uint16_t number)
{
    struct key key = {.bytes = {(uint8_t)mark}, .len = 1 + UUID_BYTES + 2};

    memcpy(key.bytes + 1, id->bytes, UUID_BYTES);
    be16_put(key.bytes + 1 + UUID_BYTES, number);
    return key;
}

static struct key key_of_item(const struct handed_item *item)
{
    struct key key = key_of_place('I', item->order);

    be64_put(key.bytes + key.len, item->place);
    key.len += 8;
    return key;
}

/* The first row of the mark at or behind `from`, within its first `prefix` bytes. */
static enum err seek(struct store_txn *txn, const struct key *from, size_t prefix,
                     struct key *ret_key, struct span *ret_value)
{
    struct store_cursor *cursor = NULL;
    struct span key;
    enum err error = store_cursor_open(txn, STORE_RECOVERY, span_of(from->bytes, prefix), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, key_span(from), &key, ret_value);
    if (error == OK && key.len > KEY_BYTES) {
        error = store_corrupt(txn, STORE_RECOVERY, key);
    }
    if (error == OK) {
        memcpy(ret_key->bytes, key.data, key.len);
        ret_key->len = key.len;
        /* a cursor's value dies with it */
        error = store_get(txn, STORE_RECOVERY, key_span(ret_key), ret_value);
    }
    store_cursor_close(cursor);
    return error;
}

static enum err take_out(struct store_txn *txn, const struct key *key)
{
    return store_remove(txn, STORE_RECOVERY, key_span(key));
}

/* --- items --- */

enum err handed_put(struct store_txn *txn, const struct handed_item *item,
                    const struct digest *leaf_hash)
{
    const struct key given = key_of_place('G', item->place), key = key_of_item(item);
    struct span kept;
    struct buf value;
    uint8_t front[3];
    enum err error = store_get(txn, STORE_RECOVERY, key_span(&given), &kept);

    if (error == OK) {
        return span_equal(kept, span_of(leaf_hash->bytes, DIGEST_BYTES)) ? ERR_EXISTS : ERR_FORGED;
    }
    if (error != ERR_NOT_FOUND) {
        return error;
    }
    assert(item->receipt.len <= UINT16_MAX);
    buf_init(&value, STORE_VALUE_BYTES_MAX);
    front[0] = item->notice;
    be16_put(front + 1, (uint16_t)item->receipt.len);
    error = buf_append(&value, front, sizeof(front));
    if (error == OK) {
        error = buf_append(&value, item->receipt.data, item->receipt.len);
    }
    if (error == OK) {
        error = buf_append(&value, item->envelope.data, item->envelope.len);
    }
    if (error == OK) {
        error = store_put(txn, STORE_RECOVERY, key_span(&key), span_buf(&value));
    }
    if (error == OK) {
        error = store_put(txn, STORE_RECOVERY, key_span(&given),
                          span_of(leaf_hash->bytes, DIGEST_BYTES));
    }
    buf_free(&value);
    return error;
}

enum err handed_first(struct store_txn *txn, struct handed_item *ret_item)
{
    const struct key from = key_of_place('I', 0);
    struct key key;
    struct span value;
    size_t receipt;
    enum err error = seek(txn, &from, 1, &key, &value);

    if (error != OK) {
        return error;
    }
    receipt = value.len >= 3 ? be16_get(value.data + 1) : SIZE_MAX;
    if (key.len != 17 || value.len < 3 || receipt > value.len - 3) {
        return store_corrupt(txn, STORE_RECOVERY, key_span(&key));
    }
    ret_item->order = be64_get(key.bytes + 1);
    ret_item->place = be64_get(key.bytes + 9);
    ret_item->notice = value.data[0] != 0;
    ret_item->receipt = span_of(value.data + 3, receipt);
    ret_item->envelope = span_of(value.data + 3 + receipt, value.len - 3 - receipt);
    return OK;
}

enum err handed_remove(struct store_txn *txn, const struct handed_item *item)
{
    const struct key key = key_of_item(item);

    return take_out(txn, &key);
}

enum err handed_place(struct store_txn *txn, uint64_t from, uint64_t *ret_place)
{
    const struct key first = key_of_place('G', from);
    struct key key;
    struct span value;
    enum err error = seek(txn, &first, 1, &key, &value);

    if (error == OK && key.len != 9) {
        return store_corrupt(txn, STORE_RECOVERY, key_span(&key));
    }
    if (error == OK) {
        *ret_place = be64_get(key.bytes + 1);
    }
    return error;
}

/* --- receipts without a receipt --- */

enum err handed_receipt_put(struct store_txn *txn, const struct handed_receipt *receipt)
{
    const struct key key = key_of_id('U', &receipt->message_id, receipt->sender);

    return store_put(txn, STORE_RECOVERY, key_span(&key), receipt->envelope);
}

enum err handed_receipt_first(struct store_txn *txn, struct handed_receipt *ret_receipt)
{
    static const struct uuid none;
    const struct key from = key_of_id('U', &none, 0);
    struct key key;
    enum err error = seek(txn, &from, 1, &key, &ret_receipt->envelope);

    if (error == OK && key.len != from.len) {
        return store_corrupt(txn, STORE_RECOVERY, key_span(&key));
    }
    if (error == OK) {
        memcpy(ret_receipt->message_id.bytes, key.bytes + 1, UUID_BYTES);
        ret_receipt->sender = be16_get(key.bytes + 1 + UUID_BYTES);
    }
    return error;
}

enum err handed_receipt_remove(struct store_txn *txn, const struct handed_receipt *receipt)
{
    const struct key key = key_of_id('U', &receipt->message_id, receipt->sender);

    return take_out(txn, &key);
}

/* --- notices --- */

static struct key key_of_notice(const struct handed_notice *notice)
{
    struct key key = key_of_id('N', &notice->referral_id, notice->recipient);

    be64_put(key.bytes + key.len, notice->place);
    key.len += 8;
    return key;
}

enum err handed_notice_put(struct store_txn *txn, const struct handed_notice *notice)
{
    const struct key key = key_of_notice(notice);

    return store_put(txn, STORE_RECOVERY, key_span(&key), notice->envelope);
}

enum err handed_notice_next(struct store_txn *txn, struct handed_notice *notice)
{
    struct handed_notice behind = *notice;
    struct key from, key;
    enum err error;

    behind.place++;
    from = key_of_notice(&behind);
    error = seek(txn, &from, 1 + UUID_BYTES, &key, &notice->envelope);
    if (error == OK && key.len != from.len) {
        return store_corrupt(txn, STORE_RECOVERY, key_span(&key));
    }
    if (error == OK) {
        notice->recipient = be16_get(key.bytes + 1 + UUID_BYTES);
        notice->place = be64_get(key.bytes + 1 + UUID_BYTES + 2);
    }
    return error;
}

enum err handed_notice_remove(struct store_txn *txn, const struct handed_notice *notice)
{
    const struct key key = key_of_notice(notice);

    return take_out(txn, &key);
}

enum err handed_notice_count(struct store_txn *txn, uint64_t *ret_count)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    enum err error = store_cursor_open(txn, STORE_RECOVERY, span_text("N"), &cursor);

    *ret_count = 0;
    if (error != OK) {
        return error;
    }
    for (error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value); error == OK;
         error = store_cursor_next(cursor, &key, &value)) {
        (*ret_count)++;
    }
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- what was queued anew --- */

static struct key key_of_queued(const struct handed_queued *queued)
{
    struct key key = key_of_id('P', &queued->message_id, queued->author);

    be16_put(key.bytes + key.len, queued->recipient);
    key.len += 2;
    return key;
}

enum err handed_queued_put(struct store_txn *txn, const struct handed_queued *key,
                           struct queue_stream stream, uint64_t seq)
{
    const struct key row = key_of_queued(key);
    uint8_t value[9];

    value[0] = stream.lane;
    be64_put(value + 1, seq);
    return store_put(txn, STORE_RECOVERY, key_span(&row), span_of(value, sizeof(value)));
}

enum err handed_queued_find(struct store_txn *txn, const struct handed_queued *key,
                            struct queue_stream *ret_stream, uint64_t *ret_seq)
{
    const struct key row = key_of_queued(key);
    struct span value;
    enum err error = store_get(txn, STORE_RECOVERY, key_span(&row), &value);

    if (error == OK && (value.len != 9 || value.data[0] >= QUEUE_LANES)) {
        return store_corrupt(txn, STORE_RECOVERY, key_span(&row));
    }
    if (error == OK) {
        *ret_stream = (struct queue_stream){.recipient = key->recipient, .lane = value.data[0]};
        *ret_seq = be64_get(value.data + 1);
    }
    return error;
}

/* --- who is done --- */

static struct key key_of_agency(uint16_t agency)
{
    struct key key = {.bytes = {'D'}, .len = 3};

    be16_put(key.bytes + 1, agency);
    return key;
}

enum err handed_all_put(struct store_txn *txn, uint16_t agency, uint8_t how)
{
    const struct key key = key_of_agency(agency);

    return store_put(txn, STORE_RECOVERY, key_span(&key), span_of(&how, sizeof(how)));
}

enum err handed_all_get(struct store_txn *txn, uint16_t agency, uint8_t *ret_how)
{
    const struct key key = key_of_agency(agency);
    struct span value;
    enum err error = store_get(txn, STORE_RECOVERY, key_span(&key), &value);

    *ret_how = error == OK && value.len == 1 ? value.data[0] : 0;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err handed_all_clear(struct store_txn *txn)
{
    const struct key from = {.bytes = {'D'}, .len = 1};
    struct key key;
    struct span value;
    enum err error = OK;

    while (error == OK) {
        error = seek(txn, &from, 1, &key, &value);
        if (error == OK) {
            error = take_out(txn, &key);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

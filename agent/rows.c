/* See rows.h.
 *
 * STORE_OUTBOX, STORE_INBOX: be64 seq -> row.   STORE_VALUE: 'p' | be64 seq -> payload,
 * 'c' | be64 seq -> secret: content key, 'r' | be64 seq -> receipt, 'q' | be64 seq | be64 log ->
 * the receipt before it, 't' | state -> total. STORE_INDEX: 'M' | message id | be64 seq ->
 * direction;  'L' | referral id | be64 seq -> direction; 'O' | be64 seq of a sent one that is shown
 * -> nothing; 'S' | lane | be64 stream seq -> be64 seq;  'W' or 'A' | be64 seq -> nothing; 'H' |
 * be64 seq -> direction.
 *
 * Row: version u8 | state u8 | lane u8 | at u64 | recorded u64 | leaf u64 | checkpoint size u64 |
 *      code u32 | stream seq u64 | receipt seq u64 | leaf hash 32 | log u64 | order u64 |
 *      detail u8, bytes | header. Version 1 has no log and no order: of the first log. */
#include "agent/rows.h"

#include <assert.h>
#include <string.h>

#include "agent/bodies.h"
#include "agent/secrets.h"
#include "store/cases.h"

#define ROW_VERSION     2u
#define ROW_FIRST_BYTES (3u + 6u * 8u + 4u + DIGEST_BYTES) /* of version 1 */
#define ROW_FIXED_BYTES (ROW_FIRST_BYTES + 2u * 8u)
#define KEY_BYTES       (1u + UUID_BYTES + 8u)

static enum store_table table_of(enum row_direction direction)
{
    return direction == ROW_OUT ? STORE_OUTBOX : STORE_INBOX;
}

/* --- keys --- */

struct row_key {
    uint8_t bytes[KEY_BYTES];
    size_t len;
};

static struct span key_span(const struct row_key *key)
{
    return span_of(key->bytes, key->len);
}

static struct row_key key_of_seq(uint64_t seq)
{
    struct row_key key = {.len = 8};

    be64_put(key.bytes, seq);
    return key;
}

static struct row_key key_of_mark(char mark, uint64_t seq)
{
    struct row_key key = {.bytes = {(uint8_t)mark}, .len = 9};

    be64_put(key.bytes + 1, seq);
    return key;
}

static struct row_key key_of_id(char mark, const struct uuid *id, uint64_t seq)
{
    struct row_key key = {.bytes = {(uint8_t)mark}, .len = KEY_BYTES};

    memcpy(key.bytes + 1, id->bytes, UUID_BYTES);
    be64_put(key.bytes + 1 + UUID_BYTES, seq);
    return key;
}

static struct row_key key_of_position(struct position position)
{
    struct row_key key = {.bytes = {'S', (uint8_t)position.lane}, .len = 10};

    be64_put(key.bytes + 2, position.stream_seq);
    return key;
}

/* The first key of an index at or behind `from` that shares its first `prefix` bytes. */
static enum err index_seek(struct store_txn *txn, const struct row_key *from, size_t prefix,
                           struct row_key *ret_key, uint8_t *ret_first)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    enum err error = store_cursor_open(txn, STORE_INDEX, span_of(from->bytes, prefix), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, key_span(from), &key, &value);
    if (error == OK && key.len > sizeof(ret_key->bytes)) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(ret_key->bytes, key.data, key.len);
        ret_key->len = key.len;
        *ret_first = value.len > 0 ? value.data[0] : 0;
    }
    store_cursor_close(cursor);
    return error;
}

/* --- packing --- */

static enum err pack(const struct row *row, struct buf *out)
{
    size_t detail = strlen(row->detail);
    uint8_t *at;
    enum err error = buf_extend(out, ROW_FIXED_BYTES + 1 + detail, &at);

    if (error != OK) {
        return error;
    }
    at[0] = ROW_VERSION;
    at[1] = (uint8_t)row->state;
    at[2] = (uint8_t)row->position.lane;
    be64_put(at + 3, row->at_ms);
    be64_put(at + 11, row->recorded_ms);
    be64_put(at + 19, row->leaf_index);
    be64_put(at + 27, row->checkpoint_size);
    be32_put(at + 35, row->code);
    be64_put(at + 39, row->position.stream_seq);
    be64_put(at + 47, row->receipt_seq);
    memcpy(at + 55, row->leaf_hash.bytes, DIGEST_BYTES);
    be64_put(at + ROW_FIRST_BYTES, row->log);
    be64_put(at + ROW_FIRST_BYTES + 8, row->order);
    at[ROW_FIXED_BYTES] = (uint8_t)detail;
    memcpy(at + ROW_FIXED_BYTES + 1, row->detail, detail);
    return header_encode(&row->header, out);
}

static bool state_fits(enum row_direction direction, uint8_t state)
{
    return direction == ROW_OUT ? state >= ROW_WAITING && state <= ROW_REFUSED
                                : state == ROW_RECEIVED || state == ROW_REJECTED;
}

static void unpack_fixed(const uint8_t *at, struct row *row)
{
    row->state = (enum row_state)at[1];
    row->position = (struct position){.lane = at[2], .stream_seq = be64_get(at + 39)};
    row->at_ms = be64_get(at + 3);
    row->recorded_ms = be64_get(at + 11);
    row->leaf_index = be64_get(at + 19);
    row->checkpoint_size = be64_get(at + 27);
    row->code = be32_get(at + 35);
    row->receipt_seq = be64_get(at + 47);
    memcpy(row->leaf_hash.bytes, at + 55, DIGEST_BYTES);
    row->log = at[0] == 1 ? 0 : be64_get(at + ROW_FIRST_BYTES);
    row->order = at[0] == 1 ? row->leaf_index : be64_get(at + ROW_FIRST_BYTES + 8);
}

static enum err unpack(struct span packed, struct row *row)
{
    const uint8_t *at = packed.data;
    size_t fixed = packed.len > 0 && at[0] == 1 ? ROW_FIRST_BYTES : ROW_FIXED_BYTES;
    size_t detail = packed.len > fixed ? at[fixed] : 0;
    size_t front = fixed + 1 + detail;
    struct region region;
    enum err error;

    if (packed.len <= front || detail >= sizeof(row->detail)) {
        return ERR_CORRUPT;
    }
    if (at[0] == 0 || at[0] > ROW_VERSION) {
        return ERR_VERSION;
    }
    if (!state_fits(row->direction, at[1])) {
        return ERR_CORRUPT;
    }
    unpack_fixed(at, row);
    memcpy(row->detail, at + fixed + 1, detail);
    row->detail[detail] = '\0';
    region_init(&region, LIMIT_PARSE_BYTES(packed.len));
    error = header_decode(span_of(at + front, packed.len - front), &region, &row->header, NULL);
    region_free(&region);
    return error == OK || error == ERR_MEMORY ? error : ERR_CORRUPT;
}

static enum err write(struct store_txn *txn, const struct row *row)
{
    struct row_key key = key_of_seq(row->seq);
    struct buf packed;
    enum err error;

    buf_init(&packed, ROW_FIXED_BYTES + 1 + LIMIT_DETAIL_BYTES + LIMIT_HEADER_BYTES);
    error = pack(row, &packed);
    if (error == OK) {
        error = store_put(txn, table_of(row->direction), key_span(&key), span_buf(&packed));
    }
    buf_free(&packed);
    return error;
}

/* --- totals --- */

static struct row_key key_of_total(enum row_state state)
{
    return (struct row_key){.bytes = {'t', (uint8_t)state}, .len = 2};
}

enum err row_total(struct store_txn *txn, enum row_state state, uint64_t *ret_total)
{
    struct row_key key = key_of_total(state);
    struct span value;
    enum err error = store_get(txn, STORE_VALUE, key_span(&key), &value);

    *ret_total = error == OK && value.len == 8 ? be64_get(value.data) : 0;
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err total_add(struct store_txn *txn, enum row_state state, int step)
{
    struct row_key key = key_of_total(state);
    uint64_t total = 0;
    uint8_t bytes[8];
    enum err error = row_total(txn, state, &total);

    if (error != OK) {
        return error;
    }
    be64_put(bytes, step > 0 ? total + 1 : total - (total > 0));
    return store_put(txn, STORE_VALUE, key_span(&key), span_of(bytes, sizeof(bytes)));
}

/* --- writing --- */

enum err row_next_seq(struct store_txn *txn, uint64_t *ret_seq)
{
    return number_count(txn, "rows", ret_seq);
}

bool row_is_shown(const struct row *row)
{
    return row->header.kind != MESSAGE_DELIVERY && row->header.kind != MESSAGE_REJECTION;
}

enum row_queue row_queue_of(const struct row *row)
{
    return row_is_shown(row) ? ROW_SUBMITS : ROW_RECEIPTS;
}

static enum err put_waiting(struct store_txn *txn, const struct row *row)
{
    struct row_key key = key_of_mark((char)row_queue_of(row), row->seq);

    return store_put(txn, STORE_INDEX, key_span(&key), span_of(NULL, 0));
}

static enum err put_indices(struct store_txn *txn, const struct row *row)
{
    const uint8_t direction = (uint8_t)row->direction;
    struct row_key message = key_of_id('M', &row->header.message_id, row->seq);
    struct row_key referral = key_of_id('L', &row->header.referral_id, row->seq);
    struct row_key position = key_of_position(row->position);
    struct row_key shown = key_of_mark('O', row->seq);
    uint8_t seq[8];
    enum err error =
        store_put(txn, STORE_INDEX, key_span(&message), span_of(&direction, sizeof(direction)));

    if (error == OK) {
        error = store_put(txn, STORE_INDEX, key_span(&referral),
                          span_of(&direction, sizeof(direction)));
    }
    if (error == OK && row->direction == ROW_IN) {
        be64_put(seq, row->seq);
        error = store_put(txn, STORE_INDEX, key_span(&position), span_of(seq, sizeof(seq)));
    }
    if (error == OK && row->direction == ROW_OUT && row_is_shown(row)) {
        error = store_put(txn, STORE_INDEX, key_span(&shown), span_of(NULL, 0));
    }
    if (error == OK && row->state == ROW_WAITING) {
        error = put_waiting(txn, row);
    }
    return error;
}

enum err row_add(struct store_txn *txn, const struct row *row, struct span payload)
{
    struct row_key key = key_of_mark('p', row->seq);
    struct buf resting;
    enum err error = write(txn, row);

    assert(row->seq > 0);
    buf_init(&resting, STORE_VALUE_BYTES_MAX);
    if (error == OK) {
        error = bodies_rest(txn, row, payload, &resting);
    }
    if (error == OK) {
        error = store_add(txn, STORE_VALUE, key_span(&key), span_buf(&resting));
    }
    buf_free(&resting);
    if (error == OK) {
        error = put_indices(txn, row);
    }
    return error == OK && row_is_shown(row) ? total_add(txn, row->state, 1) : error;
}

enum err row_update(struct store_txn *txn, const struct row *row)
{
    struct row_key key = key_of_mark((char)row_queue_of(row), row->seq);
    struct row old;
    enum err error = row_get(txn, row->direction, row->seq, &old);

    if (error == OK) {
        error = write(txn, row);
    }
    if (error == OK && old.state == ROW_WAITING && row->state != ROW_WAITING) {
        error = store_remove(txn, STORE_INDEX, key_span(&key));
    }
    if (error == OK && row_is_shown(row) && old.state != row->state) {
        error = total_add(txn, old.state, -1);
        if (error == OK) {
            error = total_add(txn, row->state, 1);
        }
    }
    return error;
}

enum err row_wait_again(struct store_txn *txn, struct row *row)
{
    enum err error;

    assert(row->direction == ROW_OUT);
    row->state = ROW_WAITING;
    row->code = 0;
    row->detail[0] = '\0';
    error = row_update(txn, row);
    return error == OK ? put_waiting(txn, row) : error;
}

enum err row_put_receipt(struct store_txn *txn, uint64_t seq, struct span receipt)
{
    struct row_key key = key_of_mark('r', seq);

    return store_put(txn, STORE_VALUE, key_span(&key), receipt);
}

/* --- reading --- */

enum err row_get(struct store_txn *txn, enum row_direction direction, uint64_t seq,
                 struct row *ret_row)
{
    struct row_key key = key_of_seq(seq);
    struct span packed;
    enum err error = store_get(txn, table_of(direction), key_span(&key), &packed);

    if (error != OK) {
        return error;
    }
    ret_row->seq = seq;
    ret_row->direction = direction;
    return unpack(packed, ret_row);
}

/* The row that an index names: one that is not there is damage, and not the end of a walk. */
static enum err row_named(struct store_txn *txn, enum row_direction direction, uint64_t seq,
                          struct row *ret_row)
{
    enum err error = row_get(txn, direction, seq, ret_row);

    return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
}

enum err row_next(struct store_txn *txn, enum row_direction direction, uint64_t after,
                  struct row *ret_row)
{
    struct row_key from = key_of_seq(after + 1);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    uint64_t seq = 0;
    enum err error = store_cursor_open(txn, table_of(direction), span_of(NULL, 0), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, key_span(&from), &key, &value);
    if (error == OK) {
        seq = key.len == 8 ? be64_get(key.data) : 0;
    }
    store_cursor_close(cursor);
    return error == OK ? row_named(txn, direction, seq, ret_row) : error;
}

/* The row that an index entry of an id leads to. */
static enum err row_of_id(struct store_txn *txn, const struct row_key *from, struct row *ret_row)
{
    struct row_key key;
    uint8_t direction = 0;
    enum err error = index_seek(txn, from, 1 + UUID_BYTES, &key, &direction);

    if (error != OK) {
        return error;
    }
    if (key.len != KEY_BYTES || (direction != ROW_OUT && direction != ROW_IN)) {
        return ERR_CORRUPT;
    }
    return row_named(txn, (enum row_direction)direction, be64_get(key.bytes + 1 + UUID_BYTES),
                     ret_row);
}

enum err row_find(struct store_txn *txn, const struct uuid *message_id, struct row *ret_row)
{
    struct row_key from = key_of_id('M', message_id, 0);

    return row_of_id(txn, &from, ret_row);
}

enum err row_received_from(struct store_txn *txn, const char *sender, const struct uuid *message_id,
                           struct row *ret_row)
{
    struct row_key from = key_of_id('M', message_id, 0);
    struct row row;
    enum err error = row_of_id(txn, &from, &row);

    while (error == OK && (row.direction != ROW_IN || strcmp(row.header.sender, sender) != 0)) {
        from = key_of_id('M', message_id, row.seq + 1);
        error = row_of_id(txn, &from, &row);
    }
    if (error == OK) {
        *ret_row = row;
    }
    return error;
}

enum err row_of_referral(struct store_txn *txn, const struct uuid *referral_id, uint64_t after,
                         struct row *ret_row)
{
    struct row_key from = key_of_id('L', referral_id, after + 1);

    return row_of_id(txn, &from, ret_row);
}

enum err row_at_position(struct store_txn *txn, struct position position, struct row *ret_row)
{
    struct row_key key = key_of_position(position);
    struct span value;
    enum err error = store_get(txn, STORE_INDEX, key_span(&key), &value);

    if (error != OK) {
        return error;
    }
    return value.len == 8 ? row_named(txn, ROW_IN, be64_get(value.data), ret_row) : ERR_CORRUPT;
}

enum err row_payload(struct store_txn *txn, const struct row *row, struct span *ret_payload)
{
    struct row_key key = key_of_mark('p', row->seq);
    struct span kept;
    enum err error = store_get(txn, STORE_VALUE, key_span(&key), &kept);

    return error == OK ? bodies_wake(txn, row, kept, ret_payload) : error;
}

enum err row_body(struct store_txn *txn, const struct row *row, enum row_body *ret_body)
{
    struct row_key key = key_of_mark('p', row->seq);
    struct span kept;
    enum err error = store_get(txn, STORE_VALUE, key_span(&key), &kept);

    return error == OK ? bodies_look(txn, row, kept, ret_body) : error;
}

enum err row_rest_body(struct store_txn *txn, const struct row *row)
{
    struct row_key key = key_of_mark('p', row->seq);
    struct buf resting;
    struct span kept;
    enum err error = store_get(txn, STORE_VALUE, key_span(&key), &kept);

    buf_init(&resting, STORE_VALUE_BYTES_MAX);
    if (error == OK) {
        error = bodies_rest(txn, row, kept, &resting);
    }
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, key_span(&key), span_buf(&resting));
    }
    buf_free(&resting);
    return error;
}

enum err row_put_content_key(struct store_txn *txn, const struct row *row,
                             const uint8_t content_key[AEAD_KEY_BYTES])
{
    const struct row_key place = key_of_mark('c', row->seq);
    const struct uuid owner = secret_owner(&row->header);
    struct buf sealed;
    enum err error;

    buf_init(&sealed, AEAD_KEY_BYTES + SECRET_MORE_BYTES);
    error = secret_seal(store_of(txn), &owner, key_span(&place),
                        span_of(content_key, AEAD_KEY_BYTES), &sealed);
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, key_span(&place), span_buf(&sealed));
    }
    buf_free(&sealed);
    return error;
}

enum err row_content_key(struct store_txn *txn, const struct row *row,
                         uint8_t ret_content_key[AEAD_KEY_BYTES])
{
    const struct row_key place = key_of_mark('c', row->seq);
    const struct uuid owner = secret_owner(&row->header);
    struct span sealed;
    struct buf plain;
    enum err error = store_get(txn, STORE_VALUE, key_span(&place), &sealed);

    buf_init(&plain, AEAD_KEY_BYTES);
    if (error == OK) {
        error = secret_open(store_of(txn), &owner, key_span(&place), sealed, &plain);
    }
    if (error == OK && plain.len != AEAD_KEY_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(ret_content_key, plain.data, AEAD_KEY_BYTES);
    }
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.cap);
    }
    buf_free(&plain);
    return error;
}

enum err row_receipt(struct store_txn *txn, uint64_t seq, struct span *ret_receipt)
{
    struct row_key key = key_of_mark('r', seq);

    return store_get(txn, STORE_VALUE, key_span(&key), ret_receipt);
}

/* The first sent row that is marked so, behind `after`. */
static enum err row_marked(struct store_txn *txn, char mark, uint64_t after, struct row *ret_row)
{
    struct row_key from = key_of_mark(mark, after + 1);
    struct row_key key;
    uint8_t none;
    enum err error = index_seek(txn, &from, 1, &key, &none);

    if (error != OK) {
        return error;
    }
    return key.len == 9 ? row_named(txn, ROW_OUT, be64_get(key.bytes + 1), ret_row) : ERR_CORRUPT;
}

enum err row_waiting(struct store_txn *txn, enum row_queue queue, uint64_t after,
                     struct row *ret_row)
{
    return row_marked(txn, (char)queue, after, ret_row);
}

enum err row_next_shown(struct store_txn *txn, enum row_direction direction, uint64_t after,
                        struct row *ret_row)
{
    return direction == ROW_OUT ? row_marked(txn, 'O', after, ret_row)
                                : row_next(txn, direction, after, ret_row);
}

/* --- after the broker opened a new log --- */

enum err row_mark(struct store_txn *txn, const struct row *row)
{
    const struct row_key key = key_of_mark('H', row->seq);
    const uint8_t direction = (uint8_t)row->direction;

    return store_put(txn, STORE_INDEX, key_span(&key), span_of(&direction, sizeof(direction)));
}

enum err row_unmark(struct store_txn *txn, uint64_t seq)
{
    const struct row_key key = key_of_mark('H', seq);
    enum err error = store_remove(txn, STORE_INDEX, key_span(&key));

    return error == ERR_NOT_FOUND ? OK : error;
}

enum err row_is_marked(struct store_txn *txn, uint64_t seq, bool *ret_marked)
{
    const struct row_key key = key_of_mark('H', seq);
    struct span value;
    enum err error = store_get(txn, STORE_INDEX, key_span(&key), &value);

    *ret_marked = error == OK;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err row_next_marked(struct store_txn *txn, uint64_t after, struct row *ret_row)
{
    const struct row_key from = key_of_mark('H', after + 1);
    struct row_key key;
    uint8_t direction;
    enum err error = index_seek(txn, &from, 1, &key, &direction);

    if (error != OK) {
        return error;
    }
    if (key.len != 9 || (direction != ROW_OUT && direction != ROW_IN)) {
        return ERR_CORRUPT;
    }
    return row_named(txn, (enum row_direction)direction, be64_get(key.bytes + 1), ret_row);
}

enum err row_supersede_receipt(struct store_txn *txn, const struct row *row, struct span receipt)
{
    struct row_key key = key_of_mark('q', row->seq);
    struct span old;
    struct buf kept;
    enum err error = row_receipt(txn, row->seq, &old);

    be64_put(key.bytes + key.len, row->log);
    key.len += 8;
    buf_init(&kept, STORE_VALUE_BYTES_MAX);
    if (error == OK) {
        error = buf_append(&kept, old.data, old.len);
    }
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, key_span(&key), span_buf(&kept));
    }
    buf_free(&kept);
    return error == OK ? row_put_receipt(txn, row->seq, receipt) : error;
}

enum err row_was_superseded(struct store_txn *txn, uint64_t seq, bool *ret_was)
{
    const struct row_key prefix = key_of_mark('q', seq);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    enum err error = store_cursor_open(txn, STORE_VALUE, key_span(&prefix), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    *ret_was = error == OK;
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err row_put_position(struct store_txn *txn, const struct row *row)
{
    const struct row_key position = key_of_position(row->position);
    uint8_t seq[8];

    be64_put(seq, row->seq);
    return store_put(txn, STORE_INDEX, key_span(&position), span_of(seq, sizeof(seq)));
}

const char *row_state_name(enum row_state state)
{
    static const char *const names[] = {[ROW_WAITING] = "waiting",
                                        [ROW_ACCEPTED] = "accepted",
                                        [ROW_REFUSED] = "refused",
                                        [ROW_RECEIVED] = "received",
                                        [ROW_REJECTED] = "rejected"};

    return state >= ROW_WAITING && state <= ROW_REJECTED ? names[state] : "unknown";
}

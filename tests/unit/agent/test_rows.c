/* agent/rows: rows, indices, queues and totals against plain arrays, in a random walk; and rows
 * that are not what was stored. The seed is printed when the walk fails. */
#include <stdio.h>

#include "agent_support.h"

#define ROWS_MAX  400u
#define REFERRALS 7u

struct known { /* the model: one row */
    struct row row;
    uint8_t payload, receipt; /* what fills them; receipt 0: none */
};

static struct realm realm;
static struct desk desk;
static struct known known[ROWS_MAX]; /* by seq - 1 */
static size_t known_count;
static uint64_t stream_seqs[4];

static void realm_setup(void)
{
    realm_open(&realm);
}

static void realm_teardown(void)
{
    realm_close(&realm);
}

static void setup(void)
{
    desk_open(&desk, &realm, "procuratorate");
}

static void teardown(void)
{
    desk_close(&desk);
}

static struct uuid id_of(uint8_t kind, uint64_t number)
{
    struct uuid id = {{0x01, kind}};
    be64_put(id.bytes + 8, number);
    return id;
}

static struct row make_row(uint64_t seq)
{
    static const enum message_kind out[] = {MESSAGE_OUTBOUND_REFERRAL, MESSAGE_WITHDRAWAL,
                                            MESSAGE_DELIVERY, MESSAGE_REJECTION};
    static const enum message_kind in[] = {MESSAGE_INBOUND_REFERRAL, MESSAGE_SIGN_FOR,
                                           MESSAGE_REMINDER};
    struct row row = {.seq = seq,
                      .direction = random_of(&desk, 2) == 0 ? ROW_OUT : ROW_IN,
                      .at_ms = random_of(&desk, UINT64_MAX),
                      .header = {.version = 1, .suite = crypto_suite()}};
    bool is_out = row.direction == ROW_OUT;
    row.state = is_out ? ROW_WAITING : random_of(&desk, 3) == 0 ? ROW_REJECTED : ROW_RECEIVED;
    row.header.kind = is_out ? out[random_of(&desk, 4)] : in[random_of(&desk, 3)];
    row.header.message_id = id_of(1, seq);
    row.header.referral_id = id_of(2, random_of(&desk, REFERRALS));
    row.header.case_id = id_of(3, 1);
    row.header.created_ms = random_of(&desk, UINT64_MAX);
    text_copy(row.header.sender, LIMIT_AGENCY_ID_BYTES, is_out ? "procuratorate" : "education");
    text_copy(row.header.recipient, LIMIT_AGENCY_ID_BYTES, is_out ? "education" : "procuratorate");
    if (!is_out) {
        row.position.lane = (uint32_t)random_of(&desk, 4);
        row.position.stream_seq = ++stream_seqs[row.position.lane];
        memset(&row.leaf_hash, (int)seq, DIGEST_BYTES);
        row.receipt_seq = random_of(&desk, 100);
        row.code = (uint32_t)random_of(&desk, 5);
    }
    return row;
}

/* --- the walk --- */

static void fill(uint8_t value, uint8_t out[64])
{
    memset(out, value, 64);
}

/* A message whose body is that; what is received comes with a proof. Freed by the caller. */
static struct buf message_of(const struct row *row, struct span body)
{
    static const struct batch_proof proof = {.suite = 1, .size = 1};
    const struct payload payload = {
        .header = span_text("header"), .facts = span_text("facts"), .body = body};
    struct buf plain, envelope;
    buf_init(&plain, LIMIT_ENVELOPE_BYTES);
    buf_init(&envelope, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(payload_encode(&payload, &plain), OK);
    if (row->direction == ROW_OUT) {
        return plain;
    }
    ck_assert_int_eq(envelope_encode(span_buf(&plain), &proof, &envelope), OK);
    buf_free(&plain);
    return envelope;
}

static void add(struct store_txn *txn, bool kept)
{
    uint8_t bytes[64];
    uint64_t seq = 0;
    uint64_t streams[4];
    if (known_count == ROWS_MAX) {
        return;
    }
    memcpy(streams, stream_seqs, sizeof(streams));
    ck_assert_int_eq(row_next_seq(txn, &seq), OK);
    ck_assert_uint_eq(seq, known_count + 1);
    struct known made = {.row = make_row(seq), .payload = (uint8_t)(1 + random_of(&desk, 255))};
    fill(made.payload, bytes);
    struct buf message = message_of(&made.row, span_of(bytes, sizeof(bytes)));
    ck_assert_int_eq(row_add(txn, &made.row, span_buf(&message)), OK);
    buf_free(&message);
    if (kept) {
        known[known_count++] = made;
    } else {
        memcpy(stream_seqs, streams, sizeof(streams));
    }
}

static void answer(struct store_txn *txn, bool kept)
{
    struct known *at = &known[random_of(&desk, known_count)];
    struct known changed = *at;
    uint8_t bytes[64];
    if (at->row.direction != ROW_OUT || at->row.state != ROW_WAITING) {
        return;
    }
    changed.row.state = random_of(&desk, 3) == 0 ? ROW_REFUSED : ROW_ACCEPTED;
    changed.row.leaf_index = random_of(&desk, UINT64_MAX);
    changed.row.recorded_ms = random_of(&desk, UINT64_MAX);
    changed.row.checkpoint_size = random_of(&desk, UINT64_MAX);
    changed.receipt = (uint8_t)(1 + random_of(&desk, 255));
    memset(changed.row.detail, 'x', random_of(&desk, LIMIT_DETAIL_BYTES));
    fill(changed.receipt, bytes);
    ck_assert_int_eq(row_put_receipt(txn, at->row.seq, span_of(bytes, sizeof(bytes))), OK);
    ck_assert_int_eq(row_update(txn, &changed.row), OK);
    *at = kept ? changed : *at;
}

static void again(struct store_txn *txn, bool kept)
{
    struct known *at = &known[random_of(&desk, known_count)];
    struct row row = at->row;
    if (row.direction != ROW_OUT || row.state == ROW_WAITING || row_is_shown(&row)) {
        return;
    }
    ck_assert_int_eq(row_wait_again(txn, &row), OK);
    ck_assert_int_eq(row.state, ROW_WAITING);
    at->row = kept ? row : at->row;
}

/* --- the same, by every way --- */

static void same_row(const struct row *a, const struct row *b)
{
    ck_assert_uint_eq(a->seq, b->seq);
    ck_assert_int_eq(a->direction, b->direction);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_uint_eq(a->at_ms, b->at_ms);
    ck_assert_uint_eq(a->recorded_ms, b->recorded_ms);
    ck_assert_uint_eq(a->leaf_index, b->leaf_index);
    ck_assert_uint_eq(a->checkpoint_size, b->checkpoint_size);
    ck_assert_uint_eq(a->code, b->code);
    ck_assert_uint_eq(a->receipt_seq, b->receipt_seq);
    ck_assert_uint_eq(a->position.lane, b->position.lane);
    ck_assert_uint_eq(a->position.stream_seq, b->position.stream_seq);
    ck_assert_str_eq(a->detail, b->detail);
    ck_assert(digest_equal(&a->leaf_hash, &b->leaf_hash));
    ck_assert(uuid_equal(&a->header.message_id, &b->header.message_id));
    ck_assert(uuid_equal(&a->header.referral_id, &b->header.referral_id));
    ck_assert_int_eq(a->header.kind, b->header.kind);
    ck_assert_str_eq(a->header.sender, b->header.sender);
    ck_assert_uint_eq(a->header.created_ms, b->header.created_ms);
}

static void same_one(struct store_txn *read, const struct known *at)
{
    uint8_t bytes[64];
    struct span span;
    struct row row;
    ck_assert_int_eq(row_get(read, at->row.direction, at->row.seq, &row), OK);
    same_row(&row, &at->row);
    ck_assert_int_eq(
        row_get(read, at->row.direction == ROW_IN ? ROW_OUT : ROW_IN, at->row.seq, &row),
        ERR_NOT_FOUND);
    ck_assert_int_eq(row_find(read, &at->row.header.message_id, &row), OK);
    same_row(&row, &at->row);
    if (at->row.direction == ROW_IN) {
        ck_assert_int_eq(row_at_position(read, at->row.position, &row), OK);
        same_row(&row, &at->row);
    }
    enum err found = row_received_from(read, "education", &at->row.header.message_id, &row);
    ck_assert_int_eq(found, at->row.direction == ROW_IN ? OK : ERR_NOT_FOUND);
    ck_assert_int_eq(row_payload(read, &at->row, &span), OK);
    fill(at->payload, bytes);
    struct buf message = message_of(&at->row, span_of(bytes, sizeof(bytes)));
    ck_assert(span_equal(span, span_buf(&message)));
    buf_free(&message);
    found = row_receipt(read, at->row.seq, &span);
    ck_assert_int_eq(found, at->receipt == 0 ? ERR_NOT_FOUND : OK);
    fill(at->receipt, bytes);
    ck_assert(at->receipt == 0 || span_equal(span, span_of(bytes, sizeof(bytes))));
}

/* What a walk should meet. */
static bool by_out(const struct row *row, uint64_t unused)
{
    (void)unused;
    return row->direction == ROW_OUT;
}
static bool by_in(const struct row *row, uint64_t unused)
{
    (void)unused;
    return row->direction == ROW_IN;
}
static bool by_queue(const struct row *row, uint64_t queue)
{
    return row->direction == ROW_OUT && row->state == ROW_WAITING &&
           (uint64_t)row_queue_of(row) == queue;
}
static bool by_shown(const struct row *row, uint64_t direction)
{
    return (uint64_t)row->direction == direction && row_is_shown(row);
}
static bool by_referral(const struct row *row, uint64_t number)
{
    struct uuid id = id_of(2, number);
    return uuid_equal(&row->header.referral_id, &id);
}

static enum err next_of(struct store_txn *read, size_t way, uint64_t argument, struct row *row)
{
    struct uuid id = id_of(2, argument);
    switch (way) {
    case 0:
        return row_next(read, ROW_OUT, row->seq, row);
    case 1:
        return row_next(read, ROW_IN, row->seq, row);
    case 2:
        return row_waiting(read, (enum row_queue)argument, row->seq, row);
    case 3:
        return row_next_shown(read, (enum row_direction)argument, row->seq, row);
    default:
        return row_of_referral(read, &id, row->seq, row);
    }
}

static void same_walk(struct store_txn *read, size_t way, uint64_t argument)
{
    static bool (*const wanted[])(const struct row *, uint64_t) = {by_out, by_in, by_queue,
                                                                   by_shown, by_referral};
    struct row row = {.seq = 0};
    for (size_t i = 0; i < known_count; i++) {
        if (wanted[way](&known[i].row, argument)) {
            ck_assert_int_eq(next_of(read, way, argument, &row), OK);
            same_row(&row, &known[i].row);
        }
    }
    ck_assert_int_eq(next_of(read, way, argument, &row), ERR_NOT_FOUND);
}

static void same_totals(struct store_txn *read)
{
    for (enum row_state state = ROW_WAITING; state <= ROW_REJECTED; state++) {
        uint64_t total = 0, expected = 0;
        for (size_t i = 0; i < known_count; i++) {
            expected += known[i].row.state == state && row_is_shown(&known[i].row);
        }
        ck_assert_int_eq(row_total(read, state, &total), OK);
        ck_assert_uint_eq(total, expected);
    }
}

static void same_all(void)
{
    struct store_txn *read = NULL;
    struct uuid stranger = id_of(9, 9);
    struct row row;
    ck_assert_int_eq(store_read_begin(desk.store, &read), OK);
    for (size_t i = 0; i < known_count; i++) {
        same_one(read, &known[i]);
    }
    same_walk(read, 0, 0);
    same_walk(read, 1, 0);
    same_walk(read, 2, ROW_SUBMITS);
    same_walk(read, 2, ROW_RECEIPTS);
    same_walk(read, 3, ROW_OUT);
    same_walk(read, 3, ROW_IN);
    for (uint64_t i = 0; i < REFERRALS; i++) {
        same_walk(read, 4, i);
    }
    same_totals(read);
    ck_assert_int_eq(row_find(read, &stranger, &row), ERR_NOT_FOUND);
    ck_assert_int_eq(row_of_referral(read, &stranger, 0, &row), ERR_NOT_FOUND);
    ck_assert_int_eq(row_next(read, ROW_OUT, INT64_MAX, &row), ERR_NOT_FOUND);
    store_read_end(read);
}

START_TEST(test_random_walk)
{
    desk.seed = 7000 + (uint64_t)_i;
    (void)printf("seed %llu\n", (unsigned long long)desk.seed);
    (void)fflush(stdout);
    for (unsigned i = 0; i < 150; i++) {
        struct store_txn *txn = NULL;
        bool kept = random_of(&desk, 6) != 0;
        ck_assert_int_eq(store_begin(desk.store, &txn), OK);
        for (uint64_t k = kept ? random_of(&desk, 6) : 1; k > 0; k--) {
            uint64_t what = known_count == 0 ? 0 : random_of(&desk, 4);
            (what < 2 ? add : what == 2 ? answer : again)(txn, kept);
        }
        if (kept) {
            ck_assert_int_eq(store_commit(txn), OK);
        } else {
            store_abort(txn);
        }
        if (i % 30 == 29) {
            same_all();
        }
    }
    desk_stop(&desk);
    ck_assert_int_eq(desk_start(&desk), OK);
    same_all();
}
END_TEST

/* --- what is not what was stored --- */

static void put_raw(enum store_table table, struct span key, struct span value)
{
    struct store_txn *txn = NULL;
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    ck_assert_int_eq(store_put(txn, table, key, value), OK);
    ck_assert_int_eq(store_commit(txn), OK);
}

/* The row of these bytes; nothing is kept. */
static enum err row_of_bytes(struct span key, struct span packed, struct row *row)
{
    struct store_txn *txn = NULL;
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    ck_assert_int_eq(store_put(txn, STORE_OUTBOX, key, packed), OK);
    enum err error = row_get(txn, ROW_OUT, 1, row);
    store_abort(txn);
    return error;
}

/* The packed bytes of one row, as they lie in the store. */
static size_t packed_row(uint8_t key[8], uint8_t *out, size_t max)
{
    struct store_txn *txn = NULL;
    struct span value;
    struct row row = make_row(1);
    row.direction = ROW_OUT;
    row.state = ROW_WAITING;
    row.header.kind = MESSAGE_WITHDRAWAL;
    text_copy(row.detail, sizeof(row.detail), "facts.reason");
    be64_put(key, 1);
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    struct buf message = message_of(&row, span_text("body"));
    ck_assert_int_eq(row_add(txn, &row, span_buf(&message)), OK);
    buf_free(&message);
    ck_assert_int_eq(store_get(txn, STORE_OUTBOX, span_of(key, 8), &value), OK);
    ck_assert_uint_le(value.len, max);
    memcpy(out, value.data, value.len);
    size_t len = value.len;
    ck_assert_int_eq(store_commit(txn), OK);
    return len;
}

START_TEST(test_cut_and_changed_rows)
{
    uint8_t bytes[4096], key[8];
    size_t len = packed_row(key, bytes, sizeof(bytes));
    struct row row;
    for (size_t cut = 0; cut < len; cut++) {
        enum err error = row_of_bytes(span_of(key, 8), span_of(bytes, cut), &row);
        ck_assert_msg(error == ERR_CORRUPT || (error == OK && cut > 100), "cut at %zu: %s", cut,
                      err_text(error));
    }
    for (size_t at = 0; at < len; at++) {
        uint8_t was = bytes[at];
        bytes[at] ^= (uint8_t)(1u << (at % 8));
        enum err error = row_of_bytes(span_of(key, 8), span_of(bytes, len), &row);
        ck_assert_msg(error == OK || error == ERR_CORRUPT || error == ERR_VERSION, "byte %zu", at);
        ck_assert(error != OK || memchr(row.detail, 0, sizeof(row.detail)) != NULL);
        ck_assert(error != OK || (row.state >= ROW_WAITING && row.state <= ROW_REJECTED));
        bytes[at] = was;
    }
    for (unsigned state = 0; state < 256; state++) {
        bytes[1] = (uint8_t)state;
        ck_assert_int_eq(row_of_bytes(span_of(key, 8), span_of(bytes, len), &row),
                         state >= 1 && state <= 3 ? OK : ERR_CORRUPT);
    }
    bytes[0]++;
    ck_assert_int_eq(row_of_bytes(span_of(key, 8), span_of(bytes, len), &row), ERR_VERSION);
}
END_TEST

START_TEST(test_indices_that_lead_nowhere)
{
    uint8_t key[40] = {'W'};
    struct position position = {.lane = 1, .stream_seq = 2};
    struct uuid id = id_of(1, 77);
    struct store_txn *read = NULL;
    struct row row;
    be64_put(key + 1, 99);
    put_raw(STORE_INDEX, span_of(key, 9), span_text("")); /* no such row */
    key[0] = 'A';
    put_raw(STORE_INDEX, span_of(key, 12), span_text("")); /* too long */
    key[0] = 'M';
    memcpy(key + 1, id.bytes, UUID_BYTES);
    put_raw(STORE_INDEX, span_of(key, 25), span_text("\x07")); /* no such direction */
    key[0] = 'S';
    key[1] = (uint8_t)position.lane;
    be64_put(key + 2, position.stream_seq);
    put_raw(STORE_INDEX, span_of(key, 10), span_text("short"));
    ck_assert_int_eq(store_read_begin(desk.store, &read), OK);
    ck_assert_int_eq(row_waiting(read, ROW_SUBMITS, 0, &row), ERR_CORRUPT);
    ck_assert_int_eq(row_waiting(read, ROW_RECEIPTS, 0, &row), ERR_CORRUPT);
    ck_assert_int_eq(row_find(read, &id, &row), ERR_CORRUPT);
    ck_assert_int_eq(row_at_position(read, position, &row), ERR_CORRUPT);
    store_read_end(read);
}
END_TEST

/* A damaged row is the store's failure: the process ends, and no answer pretends that the row is
 * not there. */
START_TEST(test_a_damaged_row_is_not_hidden)
{
    uint8_t bytes[4096], key[8];
    char line[96], text[UUID_TEXT_BYTES];
    size_t len = packed_row(key, bytes, sizeof(bytes));
    struct uuid id = id_of(1, 1);
    put_raw(STORE_OUTBOX, span_of(key, 8), span_of(bytes, len / 2));
    uuid_format(&id, text);
    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}", text);
    ck_assert_str_eq(text_at(desk_ask(&desk, line), "code"), "agent.environment");
    ck_assert_int_eq(agent_failure(desk.agent), ERR_CORRUPT);
}
END_TEST

START_TEST(test_names)
{
    ck_assert_str_eq(row_state_name(ROW_WAITING), "waiting");
    ck_assert_str_eq(row_state_name(ROW_REJECTED), "rejected");
    ck_assert_str_eq(row_state_name((enum row_state)0), "unknown");
    ck_assert_str_eq(row_state_name((enum row_state)6), "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_rows");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, realm_setup, realm_teardown);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_random_walk, 0, 3);
    tcase_add_test(tcase, test_cut_and_changed_rows);
    tcase_add_test(tcase, test_indices_that_lead_nowhere);
    tcase_add_test(tcase, test_a_damaged_row_is_not_hidden);
    tcase_add_test(tcase, test_names);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

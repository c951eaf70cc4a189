/* The rows of one message, as the broker writes them. See bench_rows.h. */
#include "bench_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/dedupe.h"
#include "store/due.h"
#include "store/queue.h"

#define RECORD_BYTES   260u
#define ENVELOPE_BYTES 1700u /* header, facts, a body of class 1 and its proof */
#define REFERRAL_BYTES 600u
#define AGENCIES       11u

double rows_seconds(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

void rows_need(enum err error, const char *what)
{
    if (error != OK) {
        (void)fprintf(stderr, "bench: %s: %s\n", what, err_text(error));
        exit(EXIT_FAILURE);
    }
}

static struct uuid new_id(struct rows *rows)
{
    uint8_t random[10] = {0}; /* agencies make the ids: their randomness costs the store nothing */
    be64_put(random, rows->time_ms * 0x9E3779B97F4A7C15u);
    return uuid_v7(++rows->time_ms, random);
}

void rows_write(struct rows *rows, struct store_txn *txn, uint64_t number)
{
    static const uint8_t filler[4096];
    uint8_t envelope[ENVELOPE_BYTES]; /* a sealed body does not compress */
    struct uuid id = new_id(rows);
    struct case_key key = {.case_id = new_id(rows), .referral_id = new_id(rows)};
    uint16_t sender = (uint16_t)(1 + number % AGENCIES);
    struct queue_stream stream = {.recipient = (uint16_t)(1 + (number + 3) % AGENCIES),
                                  .lane = (uint8_t)(number / AGENCIES % QUEUE_LANES)};
    struct dedupe_row row;
    struct span none;
    struct queue_state state;
    if (dedupe_find(txn, sender, &id, &row) != ERR_NOT_FOUND ||
        cases_get(txn, &key, &none) != ERR_NOT_FOUND) {
        rows_need(ERR_EXISTS, "fresh ids");
    }
    rows_need(queue_state(txn, stream, &state), "stream");
    struct audit_leaf leaf = {.record = span_of(filler, RECORD_BYTES),
                              .envelope = span_of(envelope, ENVELOPE_BYTES),
                              .trail = AUDIT_NONE};
    crypto_random(envelope, sizeof(envelope));
    crypto_random(leaf.salt, sizeof(leaf.salt));
    struct digest hash;
    uint64_t index = 0;
    rows_need(audit_append(txn, &leaf, &index, &hash), "leaf");
    struct queue_item item = {.stream = stream,
                              .seq = state.next_seq,
                              .leaf = index,
                              .message_id = id,
                              .queued_ms = rows->time_ms};
    rows_need(queue_put(txn, &item, &hash), "queue");
    row = (struct dedupe_row){.digest = hash, .leaf = index};
    rows_need(dedupe_add(txn, sender, &id, &row), "dedupe");
    rows_need(cases_put(txn, &key, span_of(filler, REFERRAL_BYTES)), "referral");
    rows_need(due_move(txn, &key, 0, rows->time_ms / 1000 * 1000 + 86400000), "due");
    char text[LIMIT_NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "A%u-2026-%08llu", sender, (unsigned long long)number);
    rows_need(number_put(txn, text, &key), "number");
}

void rows_seal(struct rows *rows, struct store_txn *txn, double *ret_signed)
{
    struct digest root;
    char note[2 * SIGNATURE_BYTES + 1];
    uint8_t signature[SIGNATURE_BYTES];
    rows_need(audit_root(txn, &root), "root");
    crypto_sign_message(&rows->key, span_of(root.bytes, sizeof(root.bytes)), signature);
    hex_encode(span_of(signature, sizeof(signature)), note);
    *ret_signed = rows_seconds();
    rows_need(audit_seal_commit(txn, span_text(note)), "seal");
}

void rows_turn(struct rows *rows, unsigned batch)
{
    struct store_txn *txn = NULL;
    double signed_at = 0;
    rows_need(store_begin(rows->store, &txn), "begin");
    for (unsigned i = 0; i < batch; i++) {
        rows_write(rows, txn, rows->messages + i);
    }
    rows_seal(rows, txn, &signed_at);
    rows_need(store_commit(txn), "commit");
    rows->messages += batch;
}

void rows_open(struct rows *rows, const char *folder)
{
    struct store_options options = {
        .kind = STORE_BROKER, .map_bytes = ROWS_MAP_BYTES, .create = true};
    struct fault fault = {.code = ""};
    rows_need(crypto_init(), "crypto");
    *rows = (struct rows){.time_ms = 1780000000000u};
    sign_key_new(&rows->key);
    if (store_open(folder, &options, &rows->store, &fault) != OK) {
        (void)fprintf(stderr, "bench: %s: %s\n", fault.place, fault.message);
        exit(EXIT_FAILURE);
    }
}

/* How: a payload, or an envelope with its proof, is taken apart, its body exchanged, and put
 * together again. See bodies.h. */
#include "agent/bodies.h"

#include "store/case_keys.h"
#include "wire/body_rest.h"
#include "wire/envelope.h"

struct opened { /* a payload, or an envelope with its proof */
    struct region region;
    struct payload payload;
    struct batch_proof proof;
};

static enum err take_apart(const struct row *row, struct span message, struct opened *opened)
{
    struct span bytes = message;
    enum err error = OK;

    region_init(&opened->region, LIMIT_PARSE_BYTES(message.len));
    if (row->direction == ROW_IN) {
        error = envelope_decode(message, &opened->region, &bytes, &opened->proof, NULL);
    }
    return error == OK ? payload_split(bytes, &opened->payload, NULL) : error;
}

static enum err put_together(const struct row *row, const struct opened *opened, struct buf *out)
{
    struct buf payload;
    enum err error;

    if (row->direction == ROW_OUT) {
        return payload_encode(&opened->payload, out);
    }
    buf_init(&payload, LIMIT_ENVELOPE_BYTES + BODY_REST_MORE_BYTES);
    error = payload_encode(&opened->payload, &payload);
    if (error == OK) {
        error = envelope_encode(span_buf(&payload), &opened->proof, out);
    }
    buf_free(&payload);
    return error;
}

static enum err put_to_rest(struct store_txn *txn, const struct row *row, struct opened *opened,
                            struct buf *out)
{
    struct case_key_secret secret;
    struct buf body;
    enum err error =
        case_keys_current(store_case_keys(store_of(txn)), &row->header.case_id, &secret);

    buf_init(&body, LIMIT_ENVELOPE_BYTES + BODY_REST_MORE_BYTES);
    if (error == OK) {
        const struct body_rest_key key = {secret.bytes, secret.generation};

        error = body_rest_seal(&key, &opened->payload, &body);
    }
    if (error == OK) {
        opened->payload.body = span_buf(&body);
        error = put_together(row, opened, out);
    }
    crypto_wipe(&secret, sizeof(secret));
    buf_free(&body);
    return error;
}

enum err bodies_rest(struct store_txn *txn, const struct row *row, struct span message,
                     struct buf *out)
{
    struct opened opened;
    enum err error = take_apart(row, message, &opened);

    if (error == OK) {
        error = opened.payload.body.len == 0 ? buf_append(out, message.data, message.len)
                                             : put_to_rest(txn, row, &opened, out);
    }
    region_free(&opened.region);
    return error;
}

/* ERR_NOT_FOUND: the case was erased. */
static enum err wake(struct store_txn *txn, const struct row *row, struct opened *opened,
                     struct buf *out)
{
    struct case_key_secret secret;
    struct buf body;
    uint8_t generation = 0;
    enum err error = body_is_at_rest(opened->payload.body, &generation)
                         ? case_keys_past(store_case_keys(store_of(txn)), &row->header.case_id,
                                          generation, &secret)
                         : ERR_NOT_FOUND;

    if (error != OK) {
        return error;
    }
    buf_init(&body, LIMIT_ENVELOPE_BYTES);
    error =
        body_rest_open(&(struct body_rest_key){secret.bytes, generation}, &opened->payload, &body);
    if (error == OK) {
        opened->payload.body = span_buf(&body);
        error = put_together(row, opened, out);
    }
    crypto_wipe(&secret, sizeof(secret));
    buf_free(&body);
    return error == ERR_FORGED ? ERR_CORRUPT : error;
}

enum err bodies_wake(struct store_txn *txn, const struct row *row, struct span kept,
                     struct span *ret_message)
{
    struct opened opened;
    struct buf *room = NULL;
    enum err error = take_apart(row, kept, &opened);

    *ret_message = kept;
    if (error == OK && body_is_at_rest(opened.payload.body, NULL)) {
        error = store_lend(txn, kept.len, &room);
        if (error == OK) {
            error = wake(txn, row, &opened, room);
        }
        if (error == OK) {
            *ret_message = span_buf(room);
        }
    }
    region_free(&opened.region);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err bodies_look(struct store_txn *txn, const struct row *row, struct span kept,
                     enum row_body *ret_body)
{
    struct case_key_secret secret;
    struct opened opened;
    uint8_t generation = 0;
    enum err error = take_apart(row, kept, &opened);

    if (error == OK && opened.payload.body.len == 0) {
        *ret_body = ROW_BODY_NONE;
    } else if (error == OK && !body_is_at_rest(opened.payload.body, &generation)) {
        *ret_body = ROW_BODY_PLAIN;
    } else if (error == OK) {
        *ret_body = case_keys_past(store_case_keys(store_of(txn)), &row->header.case_id, generation,
                                   &secret) == OK
                        ? ROW_BODY_RESTS
                        : ROW_BODY_ERASED;
        crypto_wipe(&secret, sizeof(secret));
    }
    region_free(&opened.region);
    return error;
}

bool body_was_erased(const struct payload *payload)
{
    return body_is_at_rest(payload->body, NULL);
}

/* See secrets.h: mark u8 ('C' a case's, 'D' the desk's) | generation, or number of the desk's key
 * u32 | nonce | sealed, with what stands before it and the row's key as associated data. */
#include "agent/secrets.h"

#include <string.h>

#include "store/case_keys.h"

struct uuid secret_owner(const struct message_header *header)
{
    return !uuid_is_zero(&header->case_id) ? header->case_id : header->message_id;
}

struct key_in_use {
    uint8_t bytes[AEAD_KEY_BYTES];
    uint8_t mark;
    uint32_t number;
};

static enum err key_now(const struct store *store, const struct uuid *case_id,
                        struct key_in_use *ret_key)
{
    struct case_keys *keys = store_case_keys(store);
    struct case_key_secret of_case;
    struct desk_key_secret of_desk;
    enum err error = OK;

    if (uuid_is_zero(case_id)) {
        case_keys_desk(keys, &of_desk);
        *ret_key = (struct key_in_use){.mark = 'D', .number = of_desk.number};
        memcpy(ret_key->bytes, of_desk.bytes, AEAD_KEY_BYTES);
        crypto_wipe(&of_desk, sizeof(of_desk));
        return OK;
    }
    error = case_keys_current(keys, case_id, &of_case);
    if (error == OK) {
        *ret_key = (struct key_in_use){.mark = 'C', .number = of_case.generation};
        memcpy(ret_key->bytes, of_case.bytes, AEAD_KEY_BYTES);
        crypto_wipe(&of_case, sizeof(of_case));
    }
    return error;
}

static enum err key_then(const struct store *store, const struct uuid *case_id,
                         struct key_in_use *key)
{
    struct case_keys *keys = store_case_keys(store);
    struct case_key_secret of_case;
    struct desk_key_secret of_desk;
    enum err error;

    if (key->mark == 'D') {
        error = case_keys_desk_past(keys, key->number, &of_desk);
        if (error == OK) {
            memcpy(key->bytes, of_desk.bytes, AEAD_KEY_BYTES);
            crypto_wipe(&of_desk, sizeof(of_desk));
        }
        return error;
    }
    if (key->mark != 'C' || key->number > CASE_KEYS_GENERATION_MAX) {
        return ERR_CORRUPT;
    }
    error = case_keys_past(keys, case_id, (uint8_t)key->number, &of_case);
    if (error == OK) {
        memcpy(key->bytes, of_case.bytes, AEAD_KEY_BYTES);
        crypto_wipe(&of_case, sizeof(of_case));
    }
    return error;
}

static enum err bind(const uint8_t head[SECRET_HEAD_BYTES], struct span place, struct buf *out)
{
    enum err error = buf_append(out, head, 5); /* the nonce is bound by its use */

    return error == OK ? buf_append(out, place.data, place.len) : error;
}

enum err secret_seal(const struct store *store, const struct uuid *case_id, struct span place,
                     struct span plain, struct buf *out)
{
    const size_t start = out->len;
    uint8_t head[SECRET_HEAD_BYTES];
    struct key_in_use key;
    struct buf bound;
    enum err error = key_now(store, case_id, &key);

    if (error != OK) {
        return error;
    }
    head[0] = key.mark;
    be32_put(head + 1, key.number);
    crypto_random(head + 5, AEAD_NONCE_BYTES);
    buf_init(&bound, 5 + STORE_KEY_BYTES_MAX);
    error = bind(head, place, &bound);
    if (error == OK) {
        error = buf_append(out, head, sizeof(head));
    }
    if (error == OK) {
        error = aead_seal(key.bytes, head + 5, span_buf(&bound), plain, out);
    }
    if (error != OK) {
        out->len = start;
    }
    crypto_wipe(&key, sizeof(key));
    buf_free(&bound);
    return error;
}

enum err secret_open(const struct store *store, const struct uuid *case_id, struct span place,
                     struct span sealed, struct buf *out)
{
    struct key_in_use key;
    struct buf bound;
    enum err error;

    if (sealed.len < SECRET_MORE_BYTES) {
        return ERR_CORRUPT;
    }
    key = (struct key_in_use){.mark = sealed.data[0], .number = be32_get(sealed.data + 1)};
    error = key_then(store, case_id, &key);
    if (error != OK) {
        return error;
    }
    buf_init(&bound, 5 + STORE_KEY_BYTES_MAX);
    error = bind(sealed.data, place, &bound);
    if (error == OK) {
        error = aead_open(key.bytes, sealed.data + 5, span_buf(&bound),
                          span_of(sealed.data + SECRET_HEAD_BYTES, sealed.len - SECRET_HEAD_BYTES),
                          out);
    }
    crypto_wipe(&key, sizeof(key));
    buf_free(&bound);
    return error == ERR_FORGED ? ERR_CORRUPT : error;
}

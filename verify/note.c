/* See note.h. The form has no freedom: a note that differs in any byte is refused. */
#include "note.h"

#include <string.h>

#define DASH "\xe2\x80\x94 " /* U+2014 and a space */

/* Takes what stands before the next `end` of the text. */
static enum err take_until(struct span *rest, char end, struct span *ret)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->data, end, rest->len) : NULL;
    size_t len;

    if (at == NULL) {
        return ERR_INVALID;
    }
    len = (size_t)(at - rest->data);
    *ret = span_of(rest->data, len);
    *rest = span_of(at + 1, rest->len - len - 1);
    return OK;
}

static enum err take_text(struct span *rest, const char *text)
{
    size_t len = strlen(text);

    if (rest->len < len || memcmp(rest->data, text, len) != 0) {
        return ERR_INVALID;
    }
    *rest = span_of(rest->data + len, rest->len - len);
    return OK;
}

static enum err take_decimal(struct span *rest, uint64_t *ret)
{
    struct span line;
    uint64_t value = 0;

    if (take_until(rest, '\n', &line) != OK || line.len == 0 || line.len > 19 ||
        (line.len > 1 && line.data[0] == '0')) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') {
            return ERR_INVALID;
        }
        value = 10 * value + (uint64_t)(line.data[i] - '0');
    }
    *ret = value;
    return OK;
}

/* One line of base64 that stands for exactly `len` bytes. */
static enum err take_base64(struct span *rest, uint8_t *out, size_t len)
{
    struct span line;
    struct buf bytes;
    enum err error = ERR_INVALID;

    buf_init(&bytes, 256);
    if (take_until(rest, '\n', &line) == OK && line.len <= 128 &&
        base64_decode(line, &bytes) == OK && bytes.len == len) {
        memcpy(out, bytes.data, len);
        error = OK;
    }
    buf_free(&bytes);
    return error;
}

bool name_valid(struct span name, size_t max)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == '+') {
            return false;
        }
    }
    return name.len > 0 && name.len <= max;
}

/* C2SP signed-note: SHA-256(name || newline || type 1 || key), its first four bytes. */
static void key_hash(struct span origin, const uint8_t key[32], uint8_t out[4])
{
    struct hasher hasher;
    struct digest digest;

    hasher_init(&hasher);
    hasher_add(&hasher, origin.data, origin.len);
    hasher_add(&hasher, "\n\x01", 2);
    hasher_add(&hasher, key, 32);
    digest = hasher_end(&hasher);
    memcpy(out, digest.bytes, 4);
}

enum err note_open(struct span note, const char *origin, const uint8_t key[32],
                   struct tree_head *ret)
{
    struct span rest = note, text, name, signer;
    struct tree_head checkpoint;
    uint8_t mark[4 + SIGNATURE_BYTES], expected[4];

    if (take_until(&rest, '\n', &name) != OK || take_decimal(&rest, &checkpoint.size) != OK ||
        take_base64(&rest, checkpoint.root.bytes, DIGEST_BYTES) != OK ||
        take_text(&rest, "time ") != OK || take_decimal(&rest, &checkpoint.time_ms) != OK) {
        return ERR_INVALID;
    }
    text = span_of(note.data, note.len - rest.len);
    if (take_text(&rest, "\n" DASH) != OK || take_until(&rest, ' ', &signer) != OK ||
        take_base64(&rest, mark, sizeof mark) != OK || rest.len != 0) {
        return ERR_INVALID;
    }
    key_hash(name, key, expected);
    if (!span_equal(name, span_text(origin)) || !span_equal(signer, name) ||
        memcmp(mark, expected, sizeof expected) != 0) {
        return ERR_REFUSED;
    }
    if (crypto_verify(key, text, mark + 4) != OK) {
        return ERR_FORGED;
    }
    *ret = checkpoint;
    return OK;
}

enum err witness_open(struct span note, const char *origin, struct witness_read *ret)
{
    struct span rest = note, name, agency;
    struct witness_read witness;
    uint8_t mark[KEY_ID_BYTES + SIGNATURE_BYTES];

    memset(&witness, 0, sizeof witness);
    if (take_until(&rest, '\n', &name) != OK || take_decimal(&rest, &witness.size) != OK ||
        take_base64(&rest, witness.root.bytes, DIGEST_BYTES) != OK ||
        take_text(&rest, "\n" DASH) != OK || take_until(&rest, ' ', &agency) != OK ||
        !name_valid(agency, sizeof witness.agency - 1) ||
        take_base64(&rest, mark, sizeof mark) != OK || rest.len != 0 || witness.size == 0) {
        return ERR_INVALID;
    }
    memcpy(witness.agency, agency.data, agency.len);
    memcpy(witness.key.bytes, mark, KEY_ID_BYTES);
    memcpy(witness.signature, mark + KEY_ID_BYTES, SIGNATURE_BYTES);
    if (!origin_is_of(name, origin) || !name_valid(name, sizeof witness.origin - 1)) {
        return ERR_REFUSED;
    }
    memcpy(witness.origin, name.data, name.len);
    *ret = witness;
    return OK;
}

bool origin_is_of(struct span origin, const char *first)
{
    size_t len = strlen(first);

    return origin.len >= len && memcmp(origin.data, first, len) == 0 &&
           (origin.len == len || origin.data[len] == '/');
}

enum err witness_check(const struct witness_read *witness, const uint8_t key[32])
{
    static const char domain[] = "referral.v1.witness"; /* signed with its NUL */
    struct digest name = crypto_digest(span_text(witness->origin));
    uint8_t message[sizeof domain + DIGEST_BYTES + 8 + DIGEST_BYTES], *at = message;

    memcpy(at, domain, sizeof domain);
    at += sizeof domain;
    memcpy(at, name.bytes, DIGEST_BYTES);
    at += DIGEST_BYTES;
    be64_put(at, witness->size);
    memcpy(at + 8, witness->root.bytes, DIGEST_BYTES);
    return crypto_verify(key, span_of(message, sizeof message), witness->signature);
}

/* Signed notes by hand: a cursor over the text, each line exactly as written in
 * docs/protocol.md, "Checkpoints". */
#include "wire/checkpoint.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define NOTE_KEY_BYTES 4
#define NOTE_SIG_BYTES (NOTE_KEY_BYTES + SIGNATURE_BYTES)
#define DASH           "\xe2\x80\x94 " /* U+2014 and a space */

bool origin_valid(const char *origin)
{
    assert(origin != NULL);
    size_t len = strnlen(origin, LIMIT_ORIGIN_BYTES);
    if (len == 0 || len == LIMIT_ORIGIN_BYTES) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (origin[i] <= ' ' || origin[i] > '~' || origin[i] == '+') {
            return false;
        }
    }
    return true;
}

/* SHA-256(origin || 0x0A || 0x01 || public key), its first four bytes. */
static void note_key_hash(const char *origin, const uint8_t public_key[SIGN_PUBLIC_BYTES],
                          uint8_t out[NOTE_KEY_BYTES])
{
    const uint8_t middle[] = {0x0a, 0x01};
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_add(&hasher, origin, strlen(origin));
    hasher_add(&hasher, middle, sizeof(middle));
    hasher_add(&hasher, public_key, SIGN_PUBLIC_BYTES);
    struct digest digest = hasher_end(&hasher);
    memcpy(out, digest.bytes, NOTE_KEY_BYTES);
}

enum err checkpoint_make(const struct checkpoint *checkpoint, const struct sign_key *key,
                         struct buf *out)
{
    assert(checkpoint != NULL && key != NULL && out != NULL);
    assert(origin_valid(checkpoint->origin));
    struct buf note;
    buf_init(&note, CHECKPOINT_BYTES);
    uint8_t signature[NOTE_SIG_BYTES];
    enum err error = buf_printf(&note, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);
    error =
        error == OK ? base64_encode(span_of(checkpoint->root.bytes, DIGEST_BYTES), &note) : error;
    error = error == OK ? buf_printf(&note, "\ntime %" PRIu64 "\n", checkpoint->time_ms) : error;
    if (error == OK) {
        note_key_hash(checkpoint->origin, key->public_key, signature);
        crypto_sign_message(key, span_buf(&note), signature + NOTE_KEY_BYTES);
        error = buf_printf(&note, "\n" DASH "%s ", checkpoint->origin);
    }
    error = error == OK ? base64_encode(span_of(signature, sizeof(signature)), &note) : error;
    error = error == OK ? buf_append(&note, "\n", 1) : error;
    error = error == OK ? buf_append(out, note.data, note.len) : error;
    buf_free(&note);
    return error;
}

/* Takes a line without its end off the note; false when there is none. */
static bool line_take(struct span *rest, struct span *ret_line)
{
    if (rest->len == 0) {
        return false;
    }
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    if (end == NULL) {
        return false;
    }
    size_t len = (size_t)(end - rest->data);
    *ret_line = span_of(rest->data, len);
    *rest = span_of(end + 1, rest->len - len - 1);
    return true;
}

static bool prefix_take(struct span *line, const char *prefix)
{
    size_t len = strlen(prefix);
    if (line->len < len || memcmp(line->data, prefix, len) != 0) {
        return false;
    }
    *line = span_of(line->data + len, line->len - len);
    return true;
}

/* Decimal digits without leading zeros, below 2^64. */
static bool decimal_read(struct span text, uint64_t *ret_value)
{
    if (text.len == 0 || text.len > 20 || (text.len > 1 && text.data[0] == '0')) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

/* Base64 of exactly `len` bytes. */
static bool base64_read(struct span text, void *out, size_t len)
{
    struct buf bytes;
    buf_init(&bytes, CHECKPOINT_BYTES);
    bool whole = base64_decode(text, &bytes) == OK && bytes.len == len;
    if (whole) {
        memcpy(out, bytes.data, len);
    }
    buf_free(&bytes);
    return whole;
}

struct note {
    struct checkpoint checkpoint;
    struct span text; /* signed */
    uint8_t signature[NOTE_SIG_BYTES];
};

/* NULL, or the line that is wrong. */
static const char *note_read(struct span bytes, struct note *ret_note)
{
    struct span rest = bytes;
    struct span line;
    struct note note = {0};
    struct checkpoint *checkpoint = &note.checkpoint;
    if (bytes.len > CHECKPOINT_BYTES || !line_take(&rest, &line) ||
        line.len >= LIMIT_ORIGIN_BYTES || memchr(line.data, 0, line.len) != NULL) {
        return "origin";
    }
    memcpy(checkpoint->origin, line.data, line.len);
    if (!origin_valid(checkpoint->origin)) {
        return "origin";
    }
    if (!line_take(&rest, &line) || !decimal_read(line, &checkpoint->size)) {
        return "size";
    }
    if (!line_take(&rest, &line) || !base64_read(line, checkpoint->root.bytes, DIGEST_BYTES)) {
        return "root";
    }
    if (!line_take(&rest, &line) || !prefix_take(&line, "time ") ||
        !decimal_read(line, &checkpoint->time_ms)) {
        return "time";
    }
    note.text = span_of(bytes.data, bytes.len - rest.len);
    if (!line_take(&rest, &line) || line.len != 0 || !line_take(&rest, &line) ||
        !prefix_take(&line, DASH) || !prefix_take(&line, checkpoint->origin) ||
        !prefix_take(&line, " ") || !base64_read(line, note.signature, sizeof(note.signature)) ||
        rest.len != 0) {
        return "signature";
    }
    *ret_note = note;
    return NULL;
}

enum err checkpoint_parse(struct span bytes, struct checkpoint *ret_checkpoint, struct fault *fault)
{
    assert(ret_checkpoint != NULL);
    struct note note;
    const char *wrong = note_read(bytes, &note);
    if (wrong != NULL) {
        fault_set(fault, "checkpoint.malformed", wrong, "not a signed checkpoint");
        return ERR_INVALID;
    }
    *ret_checkpoint = note.checkpoint;
    return OK;
}

enum err checkpoint_verify(struct span bytes, const char *origin,
                           const uint8_t (*keys)[SIGN_PUBLIC_BYTES], size_t key_count,
                           struct checkpoint *ret_checkpoint)
{
    assert(origin != NULL && ret_checkpoint != NULL);
    struct note note;
    if (note_read(bytes, &note) != NULL) {
        return ERR_INVALID;
    }
    if (strcmp(note.checkpoint.origin, origin) != 0) {
        return ERR_FORGED;
    }
    for (size_t i = 0; i < key_count; i++) {
        uint8_t hash[NOTE_KEY_BYTES];
        note_key_hash(origin, keys[i], hash);
        if (memcmp(hash, note.signature, NOTE_KEY_BYTES) == 0 &&
            crypto_verify(keys[i], note.text, note.signature + NOTE_KEY_BYTES) == OK) {
            *ret_checkpoint = note.checkpoint;
            return OK;
        }
    }
    return ERR_FORGED;
}

static bool origin_is_of(const char *origin, const char *first)
{
    size_t len = strlen(first);
    if (strncmp(origin, first, len) != 0) {
        return false;
    }
    const char *rest = origin + len;
    return rest[0] == '\0' || (rest[0] == '/' && rest[1] != '\0' &&
                               strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

enum err checkpoint_verify_any(struct span bytes, const char *first,
                               const uint8_t (*keys)[SIGN_PUBLIC_BYTES], size_t key_count,
                               struct checkpoint *ret_checkpoint)
{
    struct checkpoint stated;
    enum err error = checkpoint_parse(bytes, &stated, NULL);
    if (error != OK) {
        return error;
    }
    return origin_is_of(stated.origin, first)
               ? checkpoint_verify(bytes, stated.origin, keys, key_count, ret_checkpoint)
               : ERR_FORGED;
}

#define MARK_BYTES (KEY_ID_BYTES + SIGNATURE_BYTES)

enum err cosigned_note_write(const struct cosigned_note *note, struct buf *out)
{
    assert(note != NULL && out != NULL);
    uint8_t mark[MARK_BYTES];
    memcpy(mark, note->key.bytes, KEY_ID_BYTES);
    memcpy(mark + KEY_ID_BYTES, note->signature, SIGNATURE_BYTES);
    enum err error = buf_printf(out, "%s\n%" PRIu64 "\n", note->seen.origin, note->seen.size);
    error = error == OK ? base64_encode(span_of(note->seen.root.bytes, DIGEST_BYTES), out) : error;
    error = error == OK ? buf_printf(out, "\n\n" DASH "%s ", note->agency) : error;
    error = error == OK ? base64_encode(span_of(mark, sizeof(mark)), out) : error;
    return error == OK ? buf_append_text(out, "\n") : error;
}

static bool witness_names(struct span origin, struct span agency, struct cosigned_note *note)
{
    if (origin.len >= sizeof(note->seen.origin) || agency.len == 0 ||
        agency.len >= sizeof(note->agency) || memchr(origin.data, 0, origin.len) != NULL ||
        memchr(agency.data, 0, agency.len) != NULL) {
        return false;
    }
    memcpy(note->seen.origin, origin.data, origin.len);
    memcpy(note->agency, agency.data, agency.len);
    return origin_valid(note->seen.origin);
}

enum err cosigned_note_read(struct span bytes, struct cosigned_note *ret_note)
{
    assert(ret_note != NULL);
    struct cosigned_note note = {.agency = ""};
    struct span rest = bytes, origin, line;
    uint8_t mark[MARK_BYTES];
    if (!line_take(&rest, &origin) || !line_take(&rest, &line) ||
        !decimal_read(line, &note.seen.size) || !line_take(&rest, &line) ||
        !base64_read(line, note.seen.root.bytes, DIGEST_BYTES) || !line_take(&rest, &line) ||
        line.len != 0 || !line_take(&rest, &line) || !prefix_take(&line, DASH) || rest.len != 0) {
        return ERR_INVALID;
    }
    const uint8_t *space = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
    if (space == NULL) {
        return ERR_INVALID;
    }
    size_t len = (size_t)(space - line.data);
    struct span agency = span_of(line.data, len);
    if (!witness_names(origin, agency, &note) ||
        !base64_read(span_of(space + 1, line.len - len - 1), mark, sizeof(mark))) {
        return ERR_INVALID;
    }
    memcpy(note.key.bytes, mark, KEY_ID_BYTES);
    memcpy(note.signature, mark + KEY_ID_BYTES, SIGNATURE_BYTES);
    *ret_note = note;
    return OK;
}

#define WITNESS_DOMAIN     "referral.v1.witness"
#define WITNESS_TEXT_BYTES (sizeof(WITNESS_DOMAIN) + DIGEST_BYTES + 8 + DIGEST_BYTES)

static void witness_text(const struct checkpoint *seen, uint8_t out[WITNESS_TEXT_BYTES])
{
    struct digest origin = crypto_digest(span_text(seen->origin));
    memcpy(out, WITNESS_DOMAIN, sizeof(WITNESS_DOMAIN));
    uint8_t *at = out + sizeof(WITNESS_DOMAIN);
    memcpy(at, origin.bytes, DIGEST_BYTES);
    be64_put(at + DIGEST_BYTES, seen->size);
    memcpy(at + DIGEST_BYTES + 8, seen->root.bytes, DIGEST_BYTES);
}

void witness_sign(const struct sign_key *key, const struct checkpoint *seen,
                  uint8_t out[SIGNATURE_BYTES])
{
    assert(key != NULL && seen != NULL);
    uint8_t text[WITNESS_TEXT_BYTES];
    witness_text(seen, text);
    crypto_sign_message(key, span_of(text, sizeof(text)), out);
}

enum err witness_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], const struct checkpoint *seen,
                        const uint8_t signature[SIGNATURE_BYTES])
{
    assert(seen != NULL);
    uint8_t text[WITNESS_TEXT_BYTES];
    witness_text(seen, text);
    return crypto_verify(public_key, span_of(text, sizeof(text)), signature);
}

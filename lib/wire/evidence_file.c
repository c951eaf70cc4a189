/* How: a line is taken up to its newline, its words are checked one by one, and a number must be
 * the one that its digits would be written as; so there is no second way to write a head. See
 * evidence_file.h. */
#include "wire/evidence_file.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define FORM       "referral-evidence-1\n"
#define LINE_BYTES 256u /* the longest line is a part's: 5 + 24 + 80 + 20 + 64 */

static const char *const suites[] = {[SUITE_INTL] = "intl", [SUITE_SM] = "sm"};
static const char *const abouts[EVIDENCE_ABOUT_COUNT] = {
    [EVIDENCE_CASE] = "case", [EVIDENCE_LIE] = "lie"};

const char *evidence_about_name(enum evidence_about about)
{
    assert(about < EVIDENCE_ABOUT_COUNT);
    return abouts[about];
}

static bool is_word(const char *text, bool wide)
{
    for (const char *at = text; *at != '\0'; at++) {
        bool narrow = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-';

        if (!narrow && !(wide && ((*at >= 'A' && *at <= 'Z') || *at == '.' || *at == '_'))) {
            return false;
        }
    }
    return text[0] != '\0';
}

bool evidence_is_file(struct span bytes)
{
    return bytes.len >= strlen(FORM) && memcmp(bytes.data, FORM, strlen(FORM)) == 0;
}

const struct evidence_part *evidence_find(const struct evidence *evidence, const char *kind,
                                          const char *name)
{
    for (size_t i = 0; i < evidence->part_count; i++) {
        const struct evidence_part *part = &evidence->parts[i];

        if (strcmp(part->kind, kind) == 0 && strcmp(part->name, name) == 0) {
            return part;
        }
    }
    return NULL;
}

/* Is that part the first of its kind and name? */
static bool is_first(const struct evidence *evidence, const struct evidence_part *part)
{
    return evidence_find(evidence, part->kind, part->name) == part;
}

/* --- writing --- */

static enum err part_line(const struct evidence_part *part, struct buf *out)
{
    const struct digest digest = crypto_digest(part->bytes);
    char hex[DIGEST_TEXT_BYTES];

    digest_format(&digest, hex);
    return buf_printf(out, "part %s %s %zu %s\n", part->kind, part->name, part->bytes.len, hex);
}

static enum err head_line(struct buf *out)
{
    const struct digest digest = crypto_digest(span_buf(out));
    char hex[DIGEST_TEXT_BYTES];

    digest_format(&digest, hex);
    return buf_printf(out, "head %s\n\n", hex);
}

enum err evidence_encode(const struct evidence *evidence, struct buf *out)
{
    enum err error;

    assert(out->len == 0 && evidence->part_count > 0 && evidence->about < EVIDENCE_ABOUT_COUNT);
    assert(evidence->suite == SUITE_INTL || evidence->suite == SUITE_SM);
    if (evidence->part_count > LIMIT_EVIDENCE_PARTS) {
        return ERR_TOO_LARGE;
    }
    error = buf_printf(out, FORM "suite %s\nabout %s\n", suites[evidence->suite],
                       abouts[evidence->about]);
    for (size_t i = 0; i < evidence->part_count && error == OK; i++) {
        const struct evidence_part *part = &evidence->parts[i];

        assert(is_word(part->kind, false) && is_word(part->name, true));
        assert(is_first(evidence, part));
        error = part_line(part, out);
    }
    error = error == OK ? head_line(out) : error;
    for (size_t i = 0; i < evidence->part_count && error == OK; i++) {
        error = buf_append(out, evidence->parts[i].bytes.data, evidence->parts[i].bytes.len);
    }
    return error;
}

/* --- reading --- */

struct reader {
    const char *name; /* of the file */
    struct span rest;
    unsigned line; /* the one that was taken last, from 1 */
    char text[LINE_BYTES];
    char *at; /* in it */
    struct fault *fault;
};

static enum err refuse(struct reader *reader, unsigned line, enum err error, const char *message)
{
    const char *code = error == ERR_CLOSED ? "evidence.cut" : "evidence.form";
    char place[sizeof(reader->fault->place)];
    struct buf text;

    buf_init(&text, sizeof(place) - 1);
    place[0] = '\0';
    if (buf_printf(&text, "%.200s:%u", reader->name, line) == OK) {
        memcpy(place, text.data, text.len);
        place[text.len] = '\0';
    }
    buf_free(&text);
    fault_set(reader->fault, code, place, "%s", message);
    fault_hint(reader->fault, "take the file again from whoever made it");
    return error;
}

static enum err refuse_as(struct reader *reader, unsigned line, const char *code,
                          const char *message)
{
    enum err error = refuse(reader, line, ERR_INVALID, message);

    if (reader->fault != NULL) {
        text_copy(reader->fault->code, sizeof(reader->fault->code), code);
    }
    return error;
}

static enum err take_line(struct reader *reader)
{
    const uint8_t *end =
        reader->rest.len > 0 ? memchr(reader->rest.data, '\n', reader->rest.len) : NULL;
    size_t len;

    reader->line++;
    if (end == NULL && reader->rest.len < LINE_BYTES) {
        return refuse(reader, reader->line, ERR_CLOSED, "the file ends within its head");
    }
    len = end != NULL ? (size_t)(end - reader->rest.data) : LINE_BYTES;
    if (len >= LINE_BYTES || memchr(reader->rest.data, '\0', len) != NULL) {
        return refuse(reader, reader->line, ERR_INVALID, "the line is none of a head");
    }
    memcpy(reader->text, reader->rest.data, len);
    reader->text[len] = '\0';
    reader->at = reader->text;
    reader->rest = span_of(end + 1, reader->rest.len - len - 1);
    return OK;
}

/* The next word of the line, which ends at a blank or, the last one, with the line. */
static bool take_word(struct reader *reader, bool last, bool wide, char *out, size_t size)
{
    char *end = last ? reader->at + strlen(reader->at) : strchr(reader->at, ' ');

    if (end == NULL || (size_t)(end - reader->at) >= size) {
        return false;
    }
    memcpy(out, reader->at, (size_t)(end - reader->at));
    out[end - reader->at] = '\0';
    reader->at = last ? end : end + 1;
    return is_word(out, wide);
}

static bool take_text(struct reader *reader, const char *text)
{
    size_t len = strlen(text);

    if (strncmp(reader->at, text, len) != 0) {
        return false;
    }
    reader->at += len;
    return true;
}

static bool take_size(struct reader *reader, size_t *ret)
{
    char word[16];
    size_t value = 0;

    if (!take_word(reader, false, false, word, sizeof(word)) ||
        (word[0] == '0' && word[1] != '\0')) {
        return false;
    }
    for (const char *at = word; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > LIMIT_EVIDENCE_BYTES) {
            return false;
        }
        value = 10 * value + (size_t)(*at - '0');
    }
    *ret = value;
    return value <= LIMIT_EVIDENCE_BYTES;
}

/* Sixty-four digits in lower case, to the end of the line. */
static bool take_digest(struct reader *reader, struct digest *ret)
{
    char word[DIGEST_TEXT_BYTES], again[DIGEST_TEXT_BYTES];

    if (!take_word(reader, true, false, word, sizeof(word)) ||
        hex_decode(word, ret->bytes, DIGEST_BYTES) != OK) {
        return false;
    }
    digest_format(ret, again);
    return strcmp(word, again) == 0;
}

static enum err take_choice(struct reader *reader, const char *name, const char *const *words,
                            size_t count, size_t *ret)
{
    enum err error = take_line(reader);

    if (error != OK) {
        return error;
    }
    if (take_text(reader, name)) {
        for (size_t i = 0; i < count; i++) {
            if (words[i] != NULL && strcmp(reader->at, words[i]) == 0) {
                *ret = i;
                return OK;
            }
        }
    }
    return refuse(reader, reader->line, ERR_INVALID, "the line is not what stands here in a head");
}

struct listed { /* a part, before its bytes are known */
    struct evidence_part part;
    size_t len;
    struct digest digest;
};

static enum err take_part(struct reader *reader, struct listed *listed)
{
    if (!take_word(reader, false, false, listed->part.kind, sizeof(listed->part.kind)) ||
        !take_word(reader, false, true, listed->part.name, sizeof(listed->part.name)) ||
        !take_size(reader, &listed->len) || !take_digest(reader, &listed->digest)) {
        return refuse(reader, reader->line, ERR_INVALID,
                      "expected \"part KIND NAME LENGTH DIGEST\"");
    }
    return OK;
}

/* All lines of parts, into an array of the region's, and the line behind them. */
static enum err take_parts(struct reader *reader, struct region *region, struct listed **ret_listed,
                           size_t *ret_count)
{
    size_t room = 0, count = 0;
    struct listed *listed = NULL;

    for (;;) {
        enum err error = take_line(reader);

        if (error != OK || !take_text(reader, "part ")) {
            *ret_listed = listed;
            *ret_count = count;
            return error;
        }
        if (count == LIMIT_EVIDENCE_PARTS) {
            return refuse(reader, reader->line, ERR_TOO_LARGE, "there are too many parts");
        }
        if (count == room) {
            struct listed *larger = region_take(region, (2 * room + 64) * sizeof(*listed));

            if (larger == NULL) {
                return ERR_MEMORY;
            }
            if (count > 0) {
                memcpy(larger, listed, count * sizeof(*listed));
            }
            room = 2 * room + 64;
            listed = larger;
        }
        error = take_part(reader, &listed[count]);
        if (error != OK) {
            return error;
        }
        count++;
    }
}

/* The line "head" and the empty one: the digest of all lines before it. */
static enum err take_head(struct reader *reader, struct span bytes)
{
    size_t before = (size_t)(reader->rest.data - bytes.data) - strlen(reader->text) - 1;
    const struct digest digest = crypto_digest(span_of(bytes.data, before));
    unsigned line = reader->line;
    struct digest stated;
    enum err error;

    if (!take_text(reader, "head ") || !take_digest(reader, &stated)) {
        return refuse(reader, line, ERR_INVALID, "expected a part, or \"head DIGEST\"");
    }
    if (!digest_equal(&digest, &stated)) {
        return refuse_as(reader, line, "evidence.digest",
                         "the head was changed: its digest does not match");
    }
    error = take_line(reader);
    if (error == OK && reader->text[0] != '\0') {
        error = refuse(reader, reader->line, ERR_INVALID, "expected an empty line");
    }
    return error;
}

/* Their bytes, checked one by one; `first` is the line of the first part. */
static enum err take_bytes(struct reader *reader, unsigned first, const struct listed *listed,
                           size_t count, struct evidence_part *parts)
{
    for (size_t i = 0; i < count; i++) {
        struct digest digest;

        if (reader->rest.len < listed[i].len) {
            return refuse(reader, first + (unsigned)i, ERR_CLOSED,
                          "the file ends before the end of this part");
        }
        parts[i] = listed[i].part;
        parts[i].bytes = span_of(reader->rest.data, listed[i].len);
        digest = crypto_digest(parts[i].bytes);
        if (!digest_equal(&digest, &listed[i].digest)) {
            return refuse_as(reader, first + (unsigned)i, "evidence.digest",
                             "this part was changed: its digest does not match");
        }
        reader->rest = span_of(reader->rest.data + listed[i].len, reader->rest.len - listed[i].len);
    }
    if (reader->rest.len != 0) {
        return refuse_as(reader, first, "evidence.behind", "there are bytes behind the last part");
    }
    return OK;
}

/* Everything behind the first three lines. */
static enum err decode_parts(struct reader *reader, struct span bytes, struct region *region,
                             struct evidence *evidence)
{
    struct evidence_part *parts = NULL;
    struct listed *listed = NULL;
    unsigned first = reader->line + 1;
    size_t count = 0;
    enum err error = take_parts(reader, region, &listed, &count);

    if (error == OK) {
        error = take_head(reader, bytes);
    }
    if (error == OK && count == 0) {
        error = refuse(reader, first, ERR_INVALID, "there is no part");
    }
    if (error == OK && (parts = region_take(region, count * sizeof(*parts))) == NULL) {
        error = ERR_MEMORY;
    }
    if (error == OK) {
        error = take_bytes(reader, first, listed, count, parts);
    }
    evidence->parts = parts;
    evidence->part_count = count;
    for (size_t i = 0; i < count && error == OK; i++) {
        if (!is_first(evidence, &parts[i])) {
            error = refuse(reader, first + (unsigned)i, ERR_INVALID,
                           "a part of this kind and name was there already");
        }
    }
    return error;
}

enum err evidence_decode(const char *name, struct span bytes, struct region *region,
                         struct evidence *ret_evidence, struct fault *fault)
{
    struct reader reader = {.name = name, .rest = bytes, .fault = fault};
    struct evidence evidence = {.parts = NULL};
    size_t suite = 0, about = 0;
    enum err error;

    if (bytes.len > LIMIT_EVIDENCE_BYTES) {
        return refuse(&reader, 1, ERR_TOO_LARGE, "the file is larger than any evidence");
    }
    if (!evidence_is_file(bytes)) {
        return refuse(&reader, 1, ERR_VERSION, "this is no evidence file of version 1");
    }
    error = take_line(&reader);
    if (error == OK) {
        error = take_choice(&reader, "suite ", suites, sizeof(suites) / sizeof(suites[0]), &suite);
    }
    if (error == OK) {
        error = take_choice(&reader, "about ", abouts, EVIDENCE_ABOUT_COUNT, &about);
    }
    if (error == OK) {
        error = crypto_claim((enum crypto_suite)suite, name, fault);
    }
    evidence.suite = (enum crypto_suite)suite;
    evidence.about = (enum evidence_about)about;
    if (error == OK) {
        error = decode_parts(&reader, bytes, region, &evidence);
    }
    if (error == OK) {
        *ret_evidence = evidence;
    }
    return error;
}

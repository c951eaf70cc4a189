/* See checker.h. One function a check, in the order in which a record is looked at. Called by the
 * readers of exports and of stores. */
#include "checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fields.h"
#include "proof.h"

#define STREAMS_MAX    8192u /* receivers x lanes, with room for every agency that ever was */
#define PROGRESS_EVERY 16384u
#define CLOCK_RESET    3u /* Clock.event */

struct stream {
    char recipient[32];
    uint64_t lane;
    uint64_t seq;
    struct digest last;
};

/* The record is at fault: says so once, and ends the reading. */
#define REFUSE(checker, index, ...)                                                                \
    (report_find((checker)->report, VERDICT_FAIL, (index), __VA_ARGS__), ERR_REFUSED)

enum err checker_init(struct checker *checker, struct report *report, const struct known *known,
                      struct span origin, const uint8_t key[32])
{
    const struct keys *keys = known->keys;

    memset(checker, 0, sizeof *checker);
    recount_init(&checker->recount, known->basis, report);
    checker->report = report;
    checker->keys = keys;
    if (!name_valid(origin, ORIGIN_BYTES - 1)) {
        return REFUSE(checker, NO_INDEX, "the broker's name is malformed");
    }
    memcpy(report->origin, origin.data, origin.len);
    memcpy(checker->origin, origin.data, origin.len);
    memcpy(report->key, key, sizeof report->key);
    report->key_known = true;
    report->pin_differs = keys != NULL && !keys_trust_broker(keys, report->origin, key);
    if (report->pin_differs) {
        return REFUSE(checker, NO_INDEX, "the log is not of the broker whose key was given");
    }
    report->pinned = keys != NULL;
    checker->witnesses = calloc(WITNESSES_MAX, sizeof *checker->witnesses);
    checker->streams = calloc(STREAMS_MAX, sizeof *checker->streams);
    return checker->witnesses != NULL && checker->streams != NULL ? OK : ERR_MEMORY;
}

void checker_free(struct checker *checker)
{
    free(checker->witnesses);
    free(checker->streams);
    once_free(&checker->once);
    recount_free(&checker->recount);
}

enum err checker_witness(struct checker *checker, struct span note)
{
    struct witness_read *witness = &checker->witnesses[checker->witness_count];
    struct report *report = checker->report;
    enum err error;

    if (checker->witness_count == WITNESSES_MAX ||
        witness_open(note, report->origin, witness) != OK) {
        return REFUSE(checker, NO_INDEX, "witness note %zu is malformed or of another broker",
                      checker->witness_count);
    }
    checker->witness_count++;
    error = checker->keys != NULL ? keys_check_witness(checker->keys, witness) : ERR_NOT_FOUND;
    if (error == ERR_FORGED) {
        return REFUSE(checker, NO_INDEX, "the witness note of %s is not signed with its key",
                      witness->agency);
    }
    if (error == OK) {
        report->witnessed_count++;
        report->witnessed_size =
            witness->size > report->witnessed_size ? witness->size : report->witnessed_size;
    } else {
        report->claimed_count++;
        report->claimed_size =
            witness->size > report->claimed_size ? witness->size : report->claimed_size;
    }
    return OK;
}

/* Each message id once a kind of leaf, signer and receiver, refused ones once a digest; each rung
 * once a window. */
static enum err check_once(struct checker *checker, uint64_t index, const struct fields *record)
{
    struct hasher hasher;
    struct digest what;
    struct fields rung;
    uint64_t first;
    uint8_t numbers[24];

    hasher_init(&hasher);
    be64_put(numbers, record->value[2]);
    if (record->bytes[16].len > 0) {
        if (fields_read(record->bytes[16], SHAPE_RUNG, &rung) != OK) {
            return REFUSE(checker, index, "its rung is malformed");
        }
        be64_put(numbers + 8, rung.value[1]);
        be64_put(numbers + 16, rung.value[2]);
        hasher_add(&hasher, numbers, 24);
        hasher_add(&hasher, record->bytes[8].data, record->bytes[8].len);
        hasher_add(&hasher, rung.bytes[3].data, rung.bytes[3].len);
    } else if (record->bytes[5].len == UUID_BYTES && record->bytes[6].len == DIGEST_BYTES &&
               record->bytes[15].len == 0) {
        bool refused = record->value[12] != 0;

        hasher_add(&hasher, numbers, 8);
        hasher_add(&hasher, record->bytes[5].data, UUID_BYTES);
        hasher_add(&hasher, record->bytes[6].data, refused ? DIGEST_BYTES : 0);
        hasher_add(&hasher, record->bytes[4].data, record->bytes[4].len);
        hasher_add(&hasher, "", 1);
        hasher_add(&hasher, record->bytes[10].data, record->bytes[10].len);
    } else {
        return OK;
    }
    what = hasher_end(&hasher);
    switch (once_add(&checker->once, &what, index, &first)) {
    case OK:
        return OK;
    case ERR_EXISTS:
        return REFUSE(checker, index, "what it records was recorded at %" PRIu64 " already", first);
    default:
        return ERR_MEMORY;
    }
}

static enum err check_time(struct checker *checker, uint64_t index, const struct fields *record)
{
    struct fields clock;

    if (fields_read(record->bytes[17], SHAPE_CLOCK, &clock) != OK) {
        return REFUSE(checker, index, "its clock event is malformed");
    }
    if (record->value[3] < checker->last_at_ms && clock.value[1] != CLOCK_RESET) {
        return REFUSE(checker, index, "its time lies before that of the record before it");
    }
    checker->last_at_ms = record->value[3];
    return OK;
}

static struct stream *find_stream(struct checker *checker, struct span recipient, uint64_t lane)
{
    struct stream *stream;

    for (size_t i = 0; i < checker->stream_count; i++) {
        stream = &checker->streams[i];
        if (stream->lane == lane && span_equal(span_text(stream->recipient), recipient)) {
            return stream;
        }
    }
    if (checker->stream_count == STREAMS_MAX ||
        !name_valid(recipient, sizeof stream->recipient - 1)) {
        return NULL;
    }
    stream = &checker->streams[checker->stream_count];
    checker->stream_count++;
    memcpy(stream->recipient, recipient.data, recipient.len);
    stream->lane = lane;
    return stream;
}

static enum err check_stream(struct checker *checker, const struct item *item,
                             const struct fields *record)
{
    struct fields fields;
    struct stream *stream;

    if (record->bytes[11].len == 0) {
        return OK;
    }
    if (fields_read(record->bytes[11], SHAPE_STREAM, &fields) != OK ||
        fields.bytes[3].len != DIGEST_BYTES) {
        return REFUSE(checker, item->index, "its stream position is malformed");
    }
    stream = find_stream(checker, record->bytes[10], fields.value[1]);
    if (stream == NULL) {
        return REFUSE(checker, item->index, "its stream has no proper receiver");
    }
    if (fields.value[2] != stream->seq + 1 ||
        memcmp(fields.bytes[3].data, stream->last.bytes, DIGEST_BYTES) != 0) {
        return REFUSE(checker, item->index,
                      "it does not continue the stream to %s in lane %" PRIu64 " after position"
                      " %" PRIu64,
                      stream->recipient, stream->lane, stream->seq);
    }
    stream->seq++;
    stream->last = item->hash;
    return OK;
}

/* Record fields that repeat the header, as {record, header} numbers. */
#define RECEIVER 10
static const uint8_t REPEATED[][2] = {{5, 3}, {7, 9}, {8, 11}, {RECEIVER, 6}, {20, 12}};

/* One act to several is one message: the facts name who else has it, by numbers that only the
 * registry turns into names. */
static bool goes_to_several(const struct item *item)
{
    struct span copies;

    return fields_find(item->facts, FACTS_COPIES, &copies) == OK && copies.len > 0;
}

static enum err check_shown(struct checker *checker, const struct item *item,
                            const struct fields *record)
{
    struct digest digest;
    struct fields header;

    if (!item->shown) {
        return OK;
    }
    digest = proof_message(item->header, item->facts, &item->body);
    if (!span_equal(span_of(digest.bytes, DIGEST_BYTES), record->bytes[6])) {
        return REFUSE(checker, item->index, "the message shown is not the one recorded");
    }
    checker->report->shown++;
    if (record->value[12] != 0) { /* refused: its header may be anything */
        return OK;
    }
    if (fields_read(item->header, SHAPE_HEADER, &header) != OK) {
        return REFUSE(checker, item->index, "the header shown is malformed");
    }
    for (size_t i = 0; i < sizeof REPEATED / sizeof REPEATED[0]; i++) {
        struct span recorded = record->bytes[REPEATED[i][0]];

        if (recorded.len > 0 && !span_equal(recorded, header.bytes[REPEATED[i][1]]) &&
            !(REPEATED[i][0] == RECEIVER && goes_to_several(item))) {
            return REFUSE(checker, item->index, "its field %u contradicts the header shown",
                          REPEATED[i][0]);
        }
    }
    return OK;
}

static enum err check_checkpoint(struct checker *checker, const struct item *item)
{
    struct tree_head checkpoint;
    struct digest root;
    enum err error;

    if (item->note.len == 0) {
        return OK;
    }
    error = note_open(item->note, checker->origin, checker->report->key, &checkpoint);
    if (error != OK) {
        return REFUSE(checker, item->index, "the checkpoint after it is %s",
                      error == ERR_INVALID   ? "malformed"
                      : error == ERR_REFUSED ? "of another broker or key"
                                             : "not signed by the broker");
    }
    root = tree_root(&checker->tree);
    if (checkpoint.size != checker->tree.size ||
        (checker->commit_size != 0 && checker->commit_size != checkpoint.size)) {
        return REFUSE(checker, item->index, "the checkpoint after it is over %" PRIu64 " records",
                      checkpoint.size);
    }
    if (!digest_equal(&root, &checkpoint.root)) {
        return REFUSE(checker, checker->commit_from,
                      "a record from here to %" PRIu64 " is not the one that the broker signed",
                      item->index);
    }
    if (checkpoint.time_ms < checker->last_at_ms) {
        return REFUSE(checker, item->index, "the checkpoint after it is older than the record");
    }
    checker->commit_from = checkpoint.size;
    checker->signed_root = checkpoint.root;
    checker->commit_size = 0;
    checker->report->commits++;
    checker->report->signed_size = checkpoint.size;
    return OK;
}

/* --- a log that goes on under another origin --- */

/* Ed25519 over SHA-256("referral.v1.recovery" 0 || SHA-256(statement)). */
static bool is_signed(const struct checker *checker, const struct fields *outer)
{
    static const char domain[] = "referral.v1.recovery"; /* with its NUL */
    struct digest inner = crypto_digest(outer->bytes[1]), digest;
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, domain, sizeof domain);
    hasher_add(&hasher, inner.bytes, DIGEST_BYTES);
    digest = hasher_end(&hasher);
    return outer->bytes[3].len == SIGNATURE_BYTES &&
           crypto_verify(checker->report->key, span_of(digest.bytes, DIGEST_BYTES),
                         outer->bytes[3].data) == OK;
}

/* The statement is the broker's, and its anchor the last checkpoint before it. */
static enum err check_recovery(struct checker *checker, uint64_t index, struct span bytes)
{
    struct report *report = checker->report;
    struct tree_head anchor;
    struct fields outer, inner;

    if (fields_read(bytes, SHAPE_SIGNED, &outer) != OK ||
        fields_read(outer.bytes[1], SHAPE_RECOVERY, &inner) != OK || inner.value[1] != 1 ||
        !name_valid(inner.bytes[3], ORIGIN_BYTES - 1)) {
        return REFUSE(checker, index, "its recovery is malformed");
    }
    if (!is_signed(checker, &outer) || !span_equal(inner.bytes[2], span_text(checker->origin)) ||
        !origin_is_of(inner.bytes[3], report->origin) ||
        span_equal(inner.bytes[3], span_text(checker->origin))) {
        return REFUSE(checker, index, "its recovery is not the broker's, or of another log");
    }
    if (note_open(inner.bytes[4], checker->origin, report->key, &anchor) != OK ||
        anchor.size != index || checker->commit_from != index ||
        !digest_equal(&anchor.root, &checker->signed_root)) {
        return REFUSE(checker, index, "its recovery is not anchored at the record before it");
    }
    memset(checker->origin, 0, sizeof checker->origin);
    memcpy(checker->origin, inner.bytes[3].data, inner.bytes[3].len);
    memcpy(report->last_origin, checker->origin, sizeof report->last_origin);
    report->recovered_from = index;
    report->recoveries++;
    return OK;
}

static enum err check_recovered(struct checker *checker, uint64_t index,
                                const struct fields *record)
{
    struct report *report = checker->report;
    struct fields fields;

    if (record->bytes[23].len > 0) {
        return check_recovery(checker, index, record->bytes[23]);
    }
    if (record->bytes[22].len > 0) {
        if (fields_read(record->bytes[22], SHAPE_RECOVERED, &fields) != OK ||
            report->recoveries == 0) {
            return REFUSE(checker, index, "it stands for a record of a log that was never lost");
        }
        report->recovered++;
        report->left_out += fields.value[5] != 0;
    }
    if (record->bytes[24].len > 0) {
        if (fields_read(record->bytes[24], SHAPE_GAP, &fields) != OK) {
            return REFUSE(checker, index, "its gap is malformed");
        }
        report->missing = fields.value[8];
    }
    return OK;
}

/* Adds the leaf; what the source stores about the tree must be what the tree is. */
static enum err check_leaf(struct checker *checker, const struct item *item)
{
    struct digest hash = tree_leaf(item->salt, item->record);

    if (item->index != checker->tree.size) {
        return REFUSE(checker, checker->tree.size, "it is missing: record %" PRIu64 " follows",
                      item->index);
    }
    if (!digest_equal(&hash, &item->hash)) {
        return REFUSE(checker, item->index, "it was changed: its hash is not the one in the log");
    }
    tree_add(&checker->tree, &hash);
    if (item->nodes != NULL &&
        (item->node_count != checker->tree.made_count ||
         memcmp(item->nodes, checker->tree.made, item->node_count * DIGEST_BYTES) != 0)) {
        return REFUSE(checker, item->index, "the tree hashes stored with it were changed");
    }
    if (checker->commit_size != 0 && item->commit_size != checker->commit_size) {
        return REFUSE(checker, item->index, "the size of its commit was changed");
    }
    checker->commit_size = item->commit_size;
    return OK;
}

/* Roots that agencies signed, at this size of the tree. */
static enum err check_witnesses(struct checker *checker)
{
    for (size_t i = 0; i < checker->witness_count; i++) {
        const struct witness_read *witness = &checker->witnesses[i];
        struct digest root;

        if (witness->size != checker->tree.size) {
            continue;
        }
        root = tree_root(&checker->tree);
        if (!digest_equal(&root, &witness->root)) {
            return REFUSE(checker, checker->tree.size - 1,
                          "up to here %s witnessed another log than this one", witness->agency);
        }
    }
    return OK;
}

static void show_progress(const struct checker *checker)
{
    if (checker->tree.size % PROGRESS_EVERY == 0 && isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " records ", checker->tree.size,
                checker->report->expected);
    }
}

static void copy_printable(char *to, size_t size, struct span from)
{
    size_t len = from.len < size ? from.len : size - 1;

    for (size_t i = 0; i < len; i++) {
        to[i] = '?';
        if (from.data[i] > 0x20u && from.data[i] < 0x7fu) {
            to[i] = (char)from.data[i];
        }
    }
    to[len] = '\0';
}

/* Is it the message of the letter that was asked for? An id may come again with another sender: one
 * that matches stays. */
static void check_letter(struct checker *checker, const struct item *item,
                         const struct fields *record)
{
    struct letter_report *letter = &checker->report->letter;
    struct digest digest;

    if (!letter->asked || letter->verdict == LETTER_MATCHES ||
        record->bytes[6].len != DIGEST_BYTES ||
        !span_equal(record->bytes[5], span_of(letter->code.message_id.bytes, UUID_BYTES))) {
        return;
    }
    if (record->value[12] != 0) {
        letter->refused = true;
        return;
    }
    memcpy(digest.bytes, record->bytes[6].data, DIGEST_BYTES);
    letter->verdict = letter_judge(&letter->code, &digest);
    letter->index = item->index;
    letter->at_ms = record->value[3];
    copy_printable(letter->sender, sizeof letter->sender, record->bytes[4]);
    copy_printable(letter->receiver, sizeof letter->receiver, record->bytes[10]);
    copy_printable(letter->number, sizeof letter->number, record->bytes[20]);
}

enum err checker_add(struct checker *checker, const struct item *item)
{
    struct fields record;
    enum err error = check_leaf(checker, item);

    if (error != OK) {
        return error;
    }
    checker->report->records++;
    if (fields_read(item->record, SHAPE_RECORD, &record) != OK || record.value[1] != 1) {
        return REFUSE(checker, item->index, "it is not a record of version 1");
    }
    show_progress(checker);
    check_letter(checker, item, &record);
    if ((error = check_time(checker, item->index, &record)) != OK ||
        (error = check_recovered(checker, item->index, &record)) != OK ||
        (error = check_stream(checker, item, &record)) != OK ||
        (error = check_once(checker, item->index, &record)) != OK ||
        (error = check_shown(checker, item, &record)) != OK ||
        (error = recount_add(&checker->recount, item->index, &record)) != OK ||
        (error = check_checkpoint(checker, item)) != OK) {
        return error;
    }
    return check_witnesses(checker);
}

void checker_end(struct checker *checker)
{
    struct report *report = checker->report;
    uint64_t size = checker->tree.size;

    if (report->verdict == VERDICT_PASS &&
        recount_end(&checker->recount, checker->last_at_ms) == ERR_MEMORY) {
        report_find(report, VERDICT_UNREADABLE, NO_INDEX, "out of memory");
    }
    if (report->witnessed_size > size || report->claimed_size > size) {
        report_find(report, VERDICT_INCOMPLETE, size,
                    "the end is missing: agencies witnessed a longer log");
    }
    if (report->signed_size < size) {
        report_find(report, VERDICT_INCOMPLETE, report->signed_size,
                    "no checkpoint covers the records from here on");
    }
    if (size < report->expected) {
        report_find(report, VERDICT_INCOMPLETE, size, "the end is missing");
    }
}

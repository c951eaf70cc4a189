/* verify/dossier: a small true story is made here with all keys, the broker's too, and told with
 * one lie at a time: what only a broker, or a thief of keys, can do is named as well. Then each bit
 * of each signed part is changed, and the digests of the file are made anew: none of it passes. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "crypto_start.h"
#include "model/calendar.h"
#include "unit/verify/dossier_story.h"
#include "unit/verify/judging.h"
#include "unit/wire/sample.h"
#include "verify/dossier.h"
#include "verify/tree.h"
#include "wire/envelope.h"
#include "wire/key_endorsement.h"
#include "wire/key_statement.h"

#define ORIGIN     "city.example/broker"
#define SUBMITTED  UINT64_C(1790000000000) /* 2026-09-21 */
#define DAY_MS     UINT64_C(86400000)
#define LAPSED     (SUBMITTED + UINT64_C(6400000)) /* the end of that day, +08:00 */
#define LEAVES_MAX 32u
#define PARTS_MAX  80u

struct leaf {
    struct buf record;
    uint8_t salt[SALT_BYTES];
    struct digest hash;
    uint64_t at_ms;
};

struct telling {
    const struct story *story;
    struct leaf leaves[LEAVES_MAX];
    size_t leaf_count;
    struct buf payloads[LEAVES_MAX], envelopes[LEAVES_MAX];
    char names[LEAVES_MAX][EVIDENCE_NAME_BYTES];
    struct digest digests[LEAVES_MAX];
    struct uuid ids[LEAVES_MAX];
    bool shown[LEAVES_MAX];
    struct buf parts[PARTS_MAX];
    struct evidence_part list[PARTS_MAX];
    size_t part_count;
    uint64_t end_ms; /* of the log */
    struct registry *registry;
    struct registry_document versions[2]; /* borrowed from the parts */
    size_t places[2], version_count;
};

static struct sign_key keys[WHO_COUNT];
static struct calendar *calendar;
static struct telling *telling;
static struct buf file;
static struct digest pin;

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
    for (unsigned i = 0; i < WHO_COUNT; i++) {
        keys[i] = sample_sign_key((uint8_t)(i + 1));
    }
    pin = registry_root_fingerprint(keys[ROOT].public_key);
    ck_assert_int_eq(calendar_new(&calendar), OK);
    calendar_seal(calendar);
    buf_init(&file, LIMIT_EVIDENCE_BYTES);
}

static void telling_free(void)
{
    for (size_t i = 0; telling != NULL && i < LEAVES_MAX; i++) {
        buf_free(&telling->leaves[i].record);
        buf_free(&telling->payloads[i]);
        buf_free(&telling->envelopes[i]);
    }
    for (size_t i = 0; telling != NULL && i < PARTS_MAX; i++) {
        buf_free(&telling->parts[i]);
    }
    if (telling != NULL) {
        registry_free(telling->registry);
    }
    free(telling);
    telling = NULL;
}

static void teardown(void)
{
    telling_free();
    calendar_free(calendar);
    buf_free(&file);
}

/* --- parts --- */

static struct buf *part_add(const char *kind, const char *name)
{
    struct buf *bytes = &telling->parts[telling->part_count];
    struct evidence_part *part = &telling->list[telling->part_count];

    ck_assert_uint_lt(telling->part_count, PARTS_MAX);
    buf_init(bytes, LIMIT_CONFIG_BYTES);
    text_copy(part->kind, sizeof(part->kind), kind);
    text_copy(part->name, sizeof(part->name), name);
    telling->part_count++;
    return bytes;
}

static void key_add(struct key_entry *entry, const char *owner, enum key_use use, enum who who)
{
    *entry = (struct key_entry){.use = use, .to_ms = UINT64_MAX};
    text_copy(entry->owner, sizeof(entry->owner), owner);
    memcpy(entry->public_key, keys[who].public_key, sizeof(entry->public_key));
}

static void add_keys(const struct story *story, bool second, struct buf *text)
{
    struct key_entry entries[7];
    size_t count = 0;

    key_add(&entries[count++], "broker", KEY_SIGN, BROKER);
    key_add(&entries[count++], "procuratorate", KEY_ROOT, SENDER_ROOT);
    key_add(&entries[count++], "education", KEY_ROOT, STRANGER);
    key_add(&entries[count++], "procuratorate", KEY_SIGN, SENDER);
    key_add(&entries[count++], "education", KEY_SIGN, RECEIVER);
    if (second && story->lapsed_ms != 0) {
        entries[count - 1].to_ms = story->lapsed_ms;
    }
    if (!second || !story->second_loses_key) {
        key_add(&entries[count++], "procuratorate", KEY_SIGN, SENDER_NEXT);
    }
    if (second) {
        key_add(&entries[count++], "education", KEY_SIGN, RECEIVER_NEXT);
    }
    for (size_t i = 3; i < count; i++) {
        const bool sender = strcmp(entries[i].owner, "procuratorate") == 0;

        key_endorse(&entries[i], &keys[sender ? SENDER_ROOT : STRANGER]);
    }
    buf_init(text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(keyring_write(ORIGIN, entries, count, text), OK);
}

static void add_version(const struct story *story, uint64_t number)
{
    static const char agencies[] =
        "agencies:\n"
        "  - {id: procuratorate, number: 1, class: P, prefix: JZ, name: {zh: 检, en: P},\n"
        "     office: {zh: 乙, en: B}, joint_meeting_office: true, duties: [legal-aid]}\n"
        "  - {id: education, number: 2, class: S, prefix: JY, name: {zh: 教, en: E},\n"
        "     office: {zh: 乙, en: B}, duties: [legal-aid]}\n";
    struct registry_making making = {.made_ms = SUBMITTED, .agencies = span_text(agencies)};
    struct registry_document before = telling->versions[0], *made;
    struct buf text, *part;
    char name[EVIDENCE_NAME_BYTES];

    before.version = number - 1; /* where one is left out, nobody can see which it names */
    before.digest.bytes[0] ^= story->second_forks ? 1 : 0;
    making.before = number > 1 ? &before : NULL;
    add_keys(story, number > 1, &text);
    making.keys = span_buf(&text);
    (void)snprintf(name, sizeof(name), "v%u", (unsigned)number);
    part = part_add("registry", name);
    made = &telling->versions[telling->version_count++];
    ck_assert_int_eq(registry_document_sign(&making, &keys[ROOT], part), OK);
    ck_assert_int_eq(registry_document_open("x", span_buf(part), &pin, made, NULL), OK);
    buf_free(&text);
}

static void add_registry(const struct story *story)
{
    add_version(story, 1);
    if (story->second > 0) {
        add_version(story, story->second);
    }
}

static void add_statement(const struct story *story)
{
    const enum who by = story->statement_by != BROKER ? story->statement_by : STRANGER;
    struct key_statement statement = {.owner = "education", .made_ms = SUBMITTED};
    char name[EVIDENCE_NAME_BYTES];

    memcpy(statement.key, keys[RECEIVER].public_key, sizeof(statement.key));
    (void)snprintf(name, sizeof(name), "%u", (unsigned)story->revoked_leaf);
    ck_assert_int_eq(key_statement_sign(&statement, &keys[by], part_add("statement", name)), OK);
}

static void add_city(const struct story *story)
{
    char id[UUID_TEXT_BYTES];
    const struct uuid referral = sample_uuid(0x33);

    uuid_format(&referral, id);
    ck_assert_int_eq(buf_printf(part_add("about", "case"),
                                "exporter procuratorate\nsubject referral\nid %s\nasked x\norigin "
                                "%s\nbodies no\nmade 2026-11-26T00:00:00+08:00\n",
                                id, ORIGIN),
                     OK);
    add_registry(story);
    ck_assert_int_eq(calendar_write(calendar, part_add("calendar", "days")), OK);
    ck_assert_int_eq(buf_append_text(part_add("policy", "policy.yaml"), "hop-limit: 3\n"), OK);
    if (story->revoked) {
        add_statement(story);
    }
}

/* --- messages and leaves --- */

struct saying {
    struct message *message;
    enum who by;
    uint64_t at_ms;
    const char *recipient; /* of the record */
    bool hidden;           /* in the log, not in the file */
};

static void encode(struct message *message, struct buf *payload, struct digest *ret_digest)
{
    struct payload parts = {.body = {NULL, 0}};
    struct buf header, facts;

    sample_encode(message, &header, &facts);
    parts.header = span_buf(&header);
    parts.facts = span_buf(&facts);
    buf_init(payload, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(payload_encode(&parts, payload), OK);
    *ret_digest = message_digest(&parts);
    buf_free(&header);
    buf_free(&facts);
}

static void sign(struct span payload, const struct digest *digest, enum who by, struct buf *out)
{
    struct sign_batch batch;
    struct batch_proof proof;
    struct region region;

    region_init(&region, 65536);
    buf_init(out, LIMIT_ENVELOPE_BYTES + 4096);
    ck_assert_int_eq(sign_batch_make(&keys[by], digest, 1, &region, &batch), OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 0, &region, &proof), OK);
    ck_assert_int_eq(envelope_encode(payload, &proof, out), OK);
    region_free(&region);
}

static size_t add_leaf(const struct leaf_record *record)
{
    struct leaf *leaf = &telling->leaves[telling->leaf_count];

    ck_assert_uint_lt(telling->leaf_count, LEAVES_MAX);
    buf_init(&leaf->record, 8192);
    memset(leaf->salt, (int)telling->leaf_count + 1, sizeof(leaf->salt));
    ck_assert_int_eq(leaf_record_encode(record, &leaf->record), OK);
    leaf->hash = leaf_hash(leaf->salt, span_buf(&leaf->record));
    leaf->at_ms = record->at_ms;
    return telling->leaf_count++;
}

static size_t say(const struct saying *saying)
{
    const size_t at = telling->leaf_count;
    struct message_header *header = &saying->message->header;
    struct leaf_record record = {.version = 1, .kind = LEAF_MESSAGE, .at_ms = saying->at_ms};
    char id[UUID_TEXT_BYTES];

    header->message_id = sample_uuid((uint8_t)(0x40 + at));
    header->created_ms = saying->at_ms;
    encode(saying->message, &telling->payloads[at], &telling->digests[at]);
    sign(span_buf(&telling->payloads[at]), &telling->digests[at], saying->by,
         &telling->envelopes[at]);
    text_copy(record.actor, sizeof(record.actor), header->sender);
    text_copy(record.recipient, sizeof(record.recipient), saying->recipient);
    text_copy(record.referral_number, sizeof(record.referral_number), header->referral_number);
    record.message_id = header->message_id;
    record.message_digest = telling->digests[at];
    record.case_id = header->case_id;
    record.referral_id = header->referral_id;
    record.message_kind = header->kind;
    uuid_format(&header->message_id, id);
    (void)snprintf(telling->names[at], sizeof(telling->names[at]), "%s-%s", id, header->sender);
    telling->ids[at] = header->message_id;
    telling->shown[at] = !saying->hidden;
    return add_leaf(&record);
}

static uint64_t end_of(uint64_t start_ms)
{
    struct due_date due;

    calendar_due(calendar, start_ms, 20, &due);
    return due.due_before_ms;
}

static struct message notice_of(enum message_kind kind, uint64_t arrival_ms)
{
    struct message message = {.header = sample_header(kind)};
    const uint64_t due_ms = end_of(SUBMITTED + 60000) + (uint64_t)telling->story->due_date_ms;

    text_copy(message.header.sender, sizeof(message.header.sender), "broker");
    text_copy(message.header.recipient, sizeof(message.header.recipient), "procuratorate");
    message.header.sender_key = key_id_of(keys[BROKER].public_key);
    message.notice = (struct notice_facts){.window = 1,
                                           .responsible = "education",
                                           .arrival_ms = arrival_ms,
                                           .working_days = 20,
                                           .due_before_ms = due_ms,
                                           .due_date = civil_yyyymmdd(civil_day_at(due_ms - 1)),
                                           .provisional = true};
    text_copy(message.notice.calendar_version, sizeof(message.notice.calendar_version),
              calendar_version(calendar));
    return message;
}

static void say_notice(struct message *message, uint64_t at_ms)
{
    const struct saying saying = {message, BROKER, at_ms, "procuratorate", false};

    (void)say(&saying);
}

static void say_delivery(const struct story *story, size_t referral)
{
    const enum who by = story->delivered_by != BROKER ? story->delivered_by : RECEIVER;
    struct message delivery = {.header = sample_header(MESSAGE_DELIVERY)};
    struct message notice = notice_of(MESSAGE_DELIVERY_NOTICE, SUBMITTED + 60000);
    const struct saying saying = {&delivery, by, SUBMITTED + 60000, "procuratorate", true};
    size_t leaf;

    text_copy(delivery.header.sender, sizeof(delivery.header.sender), "education");
    text_copy(delivery.header.recipient, sizeof(delivery.header.recipient), "procuratorate");
    delivery.header.sender_key = key_id_of(keys[RECEIVER].public_key);
    delivery.header.refers_to = telling->ids[referral];
    delivery.delivery = (struct delivery_facts){.lane = 1,
                                                .stream_seq = 1,
                                                .leaf_index = referral + story->delivered_leaf,
                                                .leaf_hash = telling->leaves[referral].hash,
                                                .received_ms = SUBMITTED + 60000};
    leaf = say(&saying);
    notice.notice.evidence = span_buf(&telling->envelopes[leaf]);
    say_notice(&notice, SUBMITTED + 60000);
}

static void say_rung(const struct story *story, const char *rung, uint64_t due_ms, uint64_t at_ms)
{
    struct message message = notice_of(
        MESSAGE_ESCALATION, SUBMITTED + 60000 + (story->arrival_moved ? DAY_MS : UINT64_C(0)));

    text_copy(message.notice.rung, sizeof(message.notice.rung), rung);
    message.notice.fell_due_ms = due_ms;
    text_copy(message.notice.document_number, sizeof(message.notice.document_number),
              "DB-2026-0001");
    say_notice(&message, at_ms);
}

static void say_rungs(const struct story *story)
{
    const uint64_t due_ms = end_of(SUBMITTED + 60000);
    const uint64_t at_ms = due_ms + 60000 - (uint64_t)story->due_1_early_ms;
    const char *rung = story->rung != NULL ? story->rung : "due-1";

    if (!story->without_rung) {
        say_rung(story, rung, due_ms + (uint64_t)story->due_1_fell_ms, at_ms);
    }
    if (story->rung_twice) {
        say_rung(story, rung, due_ms, at_ms + 1000);
    }
}

static void say_redating(const struct story *story)
{
    struct message message = notice_of(MESSAGE_REDATING, SUBMITTED + 60000);
    const uint64_t old_ms = message.notice.due_before_ms;

    message.notice.old_due_before_ms = old_ms;
    message.notice.due_before_ms = civil_end_ms(calendar_add_working_days(
        calendar, civil_day_at(old_ms - 1), (int32_t)story->redated_days));
    say_notice(&message, SUBMITTED + DAY_MS);
}

static void say_feedback(const struct story *story, uint64_t at_ms)
{
    const enum who by = story->feedback_by != BROKER ? story->feedback_by : RECEIVER;
    struct message feedback = {.header = sample_header(MESSAGE_OUTBOUND_FEEDBACK)};
    const struct saying saying = {&feedback, by, at_ms, "procuratorate", false};

    text_copy(feedback.header.sender, sizeof(feedback.header.sender), "education");
    text_copy(feedback.header.recipient, sizeof(feedback.header.recipient), "procuratorate");
    feedback.header.sender_key =
        key_id_of(keys[story->feedback_named_other ? STRANGER : by].public_key);
    feedback.feedback.outcome = story->outcome != OUTCOME_NONE ? story->outcome : OUTCOME_GRANTED;
    feedback.feedback.tell_by = story->tell_by;
    (void)say(&saying);
}

/* --- other clocks --- */

/* A rung of a clock that counts working days from its start, or N from there. */
static void say_other_rung(const char *rung, uint32_t task, uint64_t start_ms, uint32_t n)
{
    struct message message = notice_of(MESSAGE_ESCALATION, start_ms);
    const int32_t offset = strcmp(rung, "undelivered-1") == 0                                 ? 1
                           : strcmp(rung, "undelivered-2") == 0 || strcmp(rung, "due-2") == 0 ? 3
                                                                                              : 0;
    const int32_t due_day = calendar_add_working_days(calendar, civil_day_at(start_ms), (int32_t)n);
    const uint64_t fell_ms = civil_end_ms(calendar_add_working_days(calendar, due_day, offset));

    message.notice.task = (enum referral_task)task;
    message.notice.working_days = n;
    message.notice.roles = ROLE_SENDER | ROLE_OFFICE;
    message.notice.due_before_ms = n > 0 ? civil_end_ms(due_day) : 0;
    message.notice.due_date = n > 0 ? civil_yyyymmdd(due_day) : 0;
    message.notice.fell_due_ms = fell_ms;
    text_copy(message.notice.rung, sizeof(message.notice.rung), rung);
    text_copy(message.notice.document_number, sizeof(message.notice.document_number),
              "DB-2026-0007");
    say_notice(&message, fell_ms + 60000);
}

static void say_informed(uint64_t at_ms)
{
    struct message informed = {.header = sample_header(MESSAGE_APPLICANT_INFORMED)};
    const struct saying saying = {&informed, RECEIVER, at_ms, "procuratorate", false};

    text_copy(informed.header.sender, sizeof(informed.header.sender), "education");
    text_copy(informed.header.recipient, sizeof(informed.header.recipient), "procuratorate");
    informed.header.sender_key = key_id_of(keys[RECEIVER].public_key);
    (void)say(&saying);
}

/* --- from when on a version is in force --- */

static void say_version(const struct story *story, size_t which, uint64_t at_ms)
{
    struct leaf_record record = {
        .version = 1, .kind = LEAF_CONFIGURATION, .at_ms = at_ms, .has_configuration = true};

    if (which >= telling->version_count || telling->version_count == 1) {
        return;
    }
    text_copy(record.actor, sizeof(record.actor), BROKER_AGENCY);
    record.configuration.registry_version = telling->versions[which].version;
    record.configuration.registry_document = telling->versions[which].digest;
    record.configuration.registry_version += story->second_is_other && which == 1 ? 1 : 0;
    telling->places[which] = add_leaf(&record);
}

static void say_what_follows(const struct story *story, uint64_t answered_ms)
{
    if (story->informed_days > 0) {
        say_informed(answered_ms + story->informed_days * DAY_MS);
    }
    if (story->task_told) {
        say_other_rung("due-1", TASK_TELL_APPLICANT, answered_ms, 5);
        say_other_rung("due-2", TASK_TELL_APPLICANT, answered_ms, 5);
    }
    if (story->duty_told) {
        say_other_rung("due-2", DUTY_PROMISE, answered_ms, 4);
    }
}

/* --- the tree, by the verifier's own code: it is held against lib/model in other suites --- */

static struct digest root_of(size_t from, size_t to)
{
    struct tree tree = {.size = 0};

    for (size_t i = from; i < to; i++) {
        tree_add(&tree, &telling->leaves[i].hash);
    }
    return tree_root(&tree);
}

/* RFC 6962 section 2.1.1, from the root down, then turned round. */
static size_t path_of(size_t leaf, struct digest *path)
{
    size_t from = 0, to = telling->leaf_count, count = 0;

    while (to - from > 1) {
        size_t half = 1;

        while (2 * half < to - from) {
            half *= 2;
        }
        const bool left = leaf < from + half;

        path[count++] = left ? root_of(from + half, to) : root_of(from, from + half);
        from = left ? from : from + half;
        to = left ? from + half : to;
    }
    for (size_t i = 0; i < count / 2; i++) {
        const struct digest upper = path[i];

        path[i] = path[count - 1 - i];
        path[count - 1 - i] = upper;
    }
    return count;
}

static void note_make(enum who by, struct buf *out)
{
    struct checkpoint checkpoint = {.origin = ORIGIN,
                                    .size = telling->leaf_count,
                                    .root = root_of(0, telling->leaf_count),
                                    .time_ms = telling->end_ms};

    ck_assert_int_eq(checkpoint_make(&checkpoint, &keys[by], out), OK);
}

static void add_receipt(const char *kind, const char *name, size_t at, struct span note)
{
    struct leaf *leaf = &telling->leaves[at];
    struct digest path[64];
    struct receipt receipt = {.message_id = telling->ids[at],
                              .leaf_index = at,
                              .record = span_buf(&leaf->record),
                              .path = path,
                              .checkpoint = note};

    memcpy(receipt.salt, leaf->salt, sizeof(receipt.salt));
    receipt.path_count = path_of(at, path);
    ck_assert_int_eq(receipt_encode(&receipt, part_add(kind, name)), OK);
}

static void add_places(const struct story *story, struct span note)
{
    for (size_t i = 0; telling->version_count > 1 && i < telling->version_count; i++) {
        const size_t at = telling->places[i];
        char name[EVIDENCE_NAME_BYTES];

        if (i == 1 && story->second_unplaced) {
            continue;
        }
        telling->leaves[at].salt[0] ^= i == 1 && story->second_bent ? 1 : 0;
        (void)snprintf(name, sizeof(name), "v%u", (unsigned)telling->versions[i].version);
        add_receipt("registry-leaf", name, at, note);
    }
}

static void add_messages(const struct story *story)
{
    struct buf note, other;

    buf_init(&note, CHECKPOINT_BYTES);
    buf_init(&other, CHECKPOINT_BYTES);
    note_make(BROKER, &note);
    for (size_t i = 0; i < telling->leaf_count; i++) {
        const bool last = i + 1 == telling->leaf_count;
        struct buf *envelope;

        if (!telling->shown[i]) {
            continue;
        }
        envelope = part_add("message", telling->names[i]);
        ck_assert_int_eq(
            buf_append(envelope, telling->envelopes[i].data, telling->envelopes[i].len), OK);
        if (last && story->other_log) { /* the same place, size and broker, and another tree */
            telling->leaves[1].hash.bytes[0] ^= 1;
            note_make(BROKER, &other);
        }
        add_receipt("receipt", telling->names[i], i,
                    span_buf(last && story->other_log ? &other : &note));
    }
    add_places(story, span_buf(&note));
    note_make(story->note_by_stranger ? STRANGER : BROKER, part_add("checkpoint", "newest"));
    buf_free(&note);
    buf_free(&other);
}

static void say_all(const struct story *story, size_t referral, uint64_t recorded_ms,
                    uint64_t answered_ms)
{
    const uint64_t due_ms = end_of(SUBMITTED + 60000);

    if (story->lay_told) {
        say_other_rung("undelivered-1", TASK_FEEDBACK, recorded_ms, 0);
        say_other_rung("undelivered-2", TASK_FEEDBACK, recorded_ms, 0);
    }
    say_delivery(story, referral);
    if (!story->second_late && !story->second_first) {
        say_version(story, 1, SUBMITTED + 60000);
    }
    if (story->redated_days > 0) {
        say_redating(story);
    }
    if (story->rung_behind_end) {
        say_feedback(story, due_ms - 60000);
        say_rungs(story);
    } else {
        say_rungs(story);
        say_feedback(story, answered_ms);
    }
    if (story->second_late) {
        say_version(story, 1, answered_ms);
    }
    say_what_follows(story, answered_ms);
}

static void tell(const struct story *story)
{
    struct message referral = {.header = sample_header(MESSAGE_OUTBOUND_REFERRAL)};
    const uint64_t recorded_ms = SUBMITTED - story->lay_days * DAY_MS;
    const struct saying first = {&referral, SENDER_NEXT, recorded_ms, "education", false};
    const uint64_t due_ms = end_of(SUBMITTED + 60000);
    const uint64_t answered_ms = due_ms + UINT64_C(7200000);
    struct evidence evidence = {crypto_suite(), EVIDENCE_CASE, NULL, 0};

    telling_free();
    telling = calloc(1, sizeof(*telling));
    ck_assert_ptr_nonnull(telling);
    telling->story = story;
    telling->end_ms =
        story->late_record
            ? answered_ms - 1
            : answered_ms + (story->silent_days > 0 ? story->silent_days : 1) * DAY_MS;
    referral.header.sender_key = key_id_of(keys[SENDER].public_key); /* signed anew since */
    referral.referral.ground = 401;
    add_city(story);
    if (story->second_first) {
        say_version(story, 1, recorded_ms);
    }
    say_version(story, 0, recorded_ms);
    say_all(story, say(&first), recorded_ms, answered_ms);
    add_messages(story);
    for (size_t i = 0; i < telling->part_count; i++) {
        telling->list[i].bytes = span_buf(&telling->parts[i]);
    }
    evidence.parts = telling->list;
    evidence.part_count = telling->part_count;
    buf_clear(&file);
    ck_assert_int_eq(evidence_encode(&evidence, &file), OK);
}

/* --- judging --- */

static enum verdict judge(const char *code)
{
    return judge_file(span_buf(&file), &pin, code);
}

/* Each clock that the domain counts, where the exporter must have been told: by rows of what should
 * be here and is not. */
START_TEST(test_rungs_of_every_clock)
{
    static const struct {
        struct story story;
        const char *code; /* NULL: passes */
    } rows[] = {
        {{.lay_days = 1}, NULL}, /* a Sunday before the delivery's Monday: no working day is over */
        {{.lay_days = 9}, "missing.rung"},
        {{.lay_days = 9, .lay_told = true}, NULL},
        {{.outcome = OUTCOME_PROCEDURE_REQUIRED, .tell_by = TELL_BY_SOCIAL_AGENCY}, NULL},
        {{.outcome = OUTCOME_PROCEDURE_REQUIRED,
          .tell_by = TELL_BY_SOCIAL_AGENCY,
          .silent_days = 18},
         "missing.rung"},
        {{.outcome = OUTCOME_PROCEDURE_REQUIRED,
          .tell_by = TELL_BY_SOCIAL_AGENCY,
          .silent_days = 18,
          .task_told = true},
         NULL},
        {{.outcome = OUTCOME_PROCEDURE_REQUIRED,
          .tell_by = TELL_BY_SOCIAL_AGENCY,
          .silent_days = 18,
          .informed_days = 1},
         NULL},
        {{.outcome = OUTCOME_PROCEDURE_REQUIRED,
          .tell_by = TELL_BY_SOCIAL_AGENCY,
          .silent_days = 60,
          .informed_days = 1},
         "missing.rung"}, /* of the papers */
        {{.outcome = OUTCOME_PROCEDURE_REQUIRED,
          .tell_by = TELL_BY_PROCURATORATE,
          .silent_days = 6},
         "missing.rung"},            /* the exporter itself holds it: remind-2 */
        {{.silent_days = 60}, NULL}, /* granted: nothing runs */
        {{.silent_days = 30, .duty_told = true}, "missing.rung"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        tell(&rows[i].story);
        ck_assert_msg(judge(rows[i].code) ==
                          (rows[i].code == NULL ? VERDICT_PASS : VERDICT_INCOMPLETE),
                      "row %zu", i);
    }
}
END_TEST

/* A key is judged by the version of the registry in force where the log has the message. */
START_TEST(test_versions_of_the_registry)
{
    static const struct {
        struct story story;
        const char *code; /* NULL: passes; missing.*: is incomplete */
    } rows[] = {
        {{.second = 2}, NULL},
        {{.second = 2, .second_late = true}, NULL},
        {{.second = 2, .feedback_by = RECEIVER_NEXT}, NULL},
        {{.second = 2, .feedback_by = RECEIVER_NEXT, .second_late = true}, "key.early"},
        {{.feedback_by = RECEIVER_NEXT}, "key.unknown"},
        {{.second = 3, .feedback_by = RECEIVER_NEXT}, NULL},
        {{.second = 3, .feedback_by = RECEIVER_NEXT, .second_late = true}, /* or by version 2 */
         "missing.version"},
        {{.second = 2, .second_unplaced = true}, "missing.registry-leaf"},
        {{.second = 2, .second_unplaced = true, .feedback_by = RECEIVER_NEXT}, "missing.version"},
        {{.second = 2, .lapsed_ms = LAPSED}, "key.validity"},
        {{.second = 2, .lapsed_ms = LAPSED, .second_late = true}, NULL},
        {{.second = 2, .second_forks = true}, "registry.fork"},
        {{.second = 2, .second_loses_key = true}, "keys.lost"},
        {{.second = 2, .second_bent = true}, "registry.leaf"},
        {{.second = 2, .second_is_other = true}, "registry.leaf"},
        {{.second = 2, .second_first = true}, "registry.order"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *code = rows[i].code;
        const enum verdict verdict = code == NULL                        ? VERDICT_PASS
                                     : strncmp(code, "missing.", 8) == 0 ? VERDICT_INCOMPLETE
                                                                         : VERDICT_FAIL;

        tell(&rows[i].story);
        ck_assert_msg(judge(code) == verdict, "row %zu", i);
    }
}
END_TEST

START_TEST(test_the_truth_passes)
{
    const struct story truth = {.rung = NULL};
    const struct story before = {.revoked = true, .revoked_leaf = 1000};

    tell(&truth);
    ck_assert_int_eq(judge(NULL), VERDICT_PASS);
    tell(&before); /* the key was revoked behind all that it signed here */
    ck_assert_int_eq(judge(NULL), VERDICT_PASS);
}
END_TEST

START_TEST(test_each_lie_is_named)
{
    static const struct {
        struct story story;
        const char *code;
        enum verdict verdict;
    } rows[] = {
        {{.due_1_early_ms = 120000}, "rung.early", VERDICT_FAIL},
        {{.due_1_fell_ms = -86400000}, "rung.date", VERDICT_FAIL},
        {{.due_date_ms = -86400000}, "window.date", VERDICT_FAIL},
        {{.due_date_ms = 86400000}, "window.date", VERDICT_FAIL},
        {{.due_date_ms = 1}, "window.date", VERDICT_FAIL},
        {{.rung = "due-9"}, "rung.unknown", VERDICT_FAIL},
        {{.rung = "due-2"}, "rung.date", VERDICT_FAIL},
        {{.rung_twice = true}, "rung.twice", VERDICT_FAIL},
        {{.rung_behind_end = true}, "rung.ended", VERDICT_FAIL},
        {{.without_rung = true}, "missing.rung", VERDICT_INCOMPLETE},
        {{.arrival_moved = true}, "window.start", VERDICT_FAIL},
        {{.delivered_by = SENDER}, "delivery.signature", VERDICT_FAIL},
        {{.delivered_by = STRANGER}, "delivery.signature", VERDICT_FAIL},
        {{.delivered_leaf = 1}, "delivery.signature", VERDICT_FAIL},
        {{.feedback_by = STRANGER}, "key.unknown", VERDICT_FAIL},
        {{.feedback_by = SENDER}, "key.unknown", VERDICT_FAIL},
        {{.feedback_named_other = true}, "key.other", VERDICT_FAIL},
        {{.revoked = true, .revoked_leaf = 0}, "key.revoked", VERDICT_FAIL},
        {{.revoked = true, .revoked_leaf = 4}, "key.revoked", VERDICT_FAIL},
        {{.revoked = true, .revoked_leaf = 1000, .statement_by = SENDER_ROOT},
         "key.statement",
         VERDICT_FAIL},
        {{.other_log = true}, "log.split", VERDICT_FAIL},
        {{.note_by_stranger = true}, "checkpoint.signature", VERDICT_FAIL},
        {{.late_record = true}, "receipt.time", VERDICT_FAIL},
        {{.redated_days = 3}, "window.date", VERDICT_FAIL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        tell(&rows[i].story);
        ck_assert_msg(judge(rows[i].code) == rows[i].verdict, "row %zu, %s", i, rows[i].code);
    }
}
END_TEST

/* The feedback is the last leaf: a key revoked from the next one on signed it well. */
START_TEST(test_the_place_in_the_log_decides)
{
    struct story story = {.revoked = true};

    tell(&story);
    for (uint64_t leaf = 0; leaf < telling->leaf_count + 3; leaf++) {
        const size_t feedback = telling->leaf_count - 1;

        story.revoked_leaf = leaf;
        tell(&story);
        ck_assert_int_eq(judge(leaf <= feedback ? "key.revoked" : NULL),
                         leaf <= feedback ? VERDICT_FAIL : VERDICT_PASS);
    }
}
END_TEST

START_TEST(test_every_bit_of_the_file)
{
    const struct story truth = {.rung = NULL};
    const size_t step = getenv("REFERRAL_LONG") != NULL ? 1 : 7;

    tell(&truth);
    for (size_t bit = 0; bit < 8 * file.len; bit += step) {
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(judge(NULL) != VERDICT_PASS, "bit %zu", bit);
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < file.len; len += 101) {
        struct buf whole = file;

        file.len = len;
        ck_assert_int_ne(judge(NULL), VERDICT_PASS);
        file = whole;
    }
}
END_TEST

/* Whoever makes the digests anew cannot make the signatures. */
START_TEST(test_every_bit_of_what_is_signed)
{
    const struct story truth = {.rung = NULL};
    const size_t step = getenv("REFERRAL_LONG") != NULL ? 1 : 17;
    size_t tried = 0;

    tell(&truth);
    for (size_t i = 0; i < telling->part_count; i++) {
        struct buf *part = &telling->parts[i];
        const char *kind = telling->list[i].kind;

        if (strcmp(kind, "policy") == 0 || strcmp(kind, "about") == 0 ||
            strcmp(kind, "calendar") == 0) {
            continue; /* the exporter's word; the calendar's days are in test_second_count.c */
        }
        for (size_t bit = i % step; bit < 8 * part->len; bit += step) {
            struct evidence evidence = {crypto_suite(), EVIDENCE_CASE, telling->list,
                                        telling->part_count};

            part->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            buf_clear(&file);
            ck_assert_int_eq(evidence_encode(&evidence, &file), OK);
            ck_assert_msg(judge(NULL) != VERDICT_PASS, "%s, bit %zu", kind, bit);
            part->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            tried++;
        }
    }
    ck_assert_uint_gt(tried, 500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dossier");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 150);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_the_truth_passes);
    tcase_add_test(tests, test_rungs_of_every_clock);
    tcase_add_test(tests, test_versions_of_the_registry);
    tcase_add_test(tests, test_each_lie_is_named);
    tcase_add_test(tests, test_the_place_in_the_log_decides);
    tcase_add_test(tests, test_every_bit_of_the_file);
    tcase_add_test(tests, test_every_bit_of_what_is_signed);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

/* verify/lie: what a broker signed is held against what it had signed before and against what
 * agencies countersigned. Each contradiction is proven by the file alone; an honest reply proves
 * nothing; what the broker did not sign, or signed as the answer to something else, is refused. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "crypto_start.h"
#include "model/merkle.h"
#include "model/refusal.h"
#include "unit/verify/judging.h"
#include "unit/wire/sample.h"
#include "verify/dossier.h"
#include "wire/envelope.h"

#define ORIGIN "city.example/broker"
#define LEAVES 24u
#define NOW_MS UINT64_C(1790000000000)

enum who { BROKER, AGENCY, ROOT, STRANGER, WHO_COUNT };

struct lie {                     /* zeroed: an honest answer to WITNESS */
    uint64_t shown;              /* leaves of the checkpoint in the reply; 0: 20 */
    bool nothing_shown, refused; /* no checkpoint; a refusal of the request */
    bool shown_forked;           /* the reply's log is the other one */
    bool proof_bent;             /* of consistency from what was known */
    bool note_by_stranger, reply_by_stranger, other_request, without_request, unsigned_registry;
    bool believed_by_stranger, earlier; /* the reply is of before the believed checkpoint */
    bool at_once;                       /* it is of the same millisecond */
    bool greets, denied;                /* HELLO with the believed note; it is not known */
    uint64_t known;                     /* that the request names; 0: 12 */
    uint64_t witnessed;                 /* by the agency; 0: 10; KEPT_BACK: nobody */
    bool witness_forked, witness_bent, witness_by_stranger, witness_of_nobody;
    enum reply_kind says; /* SUBMIT: one receipt; FETCH: two messages of one lane; REGISTRY */
    bool path_bent, salt_bent, place_shifted, path_past_nodes, swapped, twice, two_lanes;
    bool own_note; /* the receipt has a checkpoint of its own, of 12 leaves */
    bool put_off;  /* it is none: the code says why */
    bool without_leaf, leaf_of_message, unsigned_answer; /* REGISTRY */
};
#define KEPT_BACK UINT64_MAX

static struct sign_key keys[WHO_COUNT];
static struct digest logs[2][8][LEAVES]; /* complete subtrees: the honest log, and the other one */
static struct buf file;
static struct digest pin;
static struct buf records[4]; /* leaves 8, 9: one lane, one behind the other; 10: of another lane;
                               * 11: it works by this version of the registry, */
static struct buf signed_registry;
static struct registry_document version; /* borrows from the text */
static const uint8_t salt[SALT_BYTES] = {5};

static enum err get_node(void *ctx, unsigned level, uint64_t index, struct digest *ret_hash)
{
    const struct digest(*nodes)[LEAVES] = ctx;

    *ret_hash = nodes[level][index];
    return OK;
}

static struct merkle_reader reader_of(bool forked)
{
    return (struct merkle_reader){get_node, logs[forked ? 1 : 0]};
}

static struct digest root_at(bool forked, uint64_t size)
{
    const struct merkle_reader reader = reader_of(forked);
    struct digest root;

    ck_assert_int_eq(merkle_root_at(&reader, size, &root), OK);
    return root;
}

static void registry_make(struct buf *text, struct buf *document)
{
    static const char agencies[] =
        "agencies:\n"
        "  - {id: procuratorate, number: 1, class: P, prefix: JZ, name: {zh: 检, en: P},\n"
        "     office: {zh: 乙, en: B}, joint_meeting_office: true, duties: [legal-aid]}\n"
        "  - {id: education, number: 2, class: S, prefix: JY, name: {zh: 教, en: E},\n"
        "     office: {zh: 乙, en: B}, duties: [legal-aid]}\n";
    struct registry_making making = {.made_ms = NOW_MS, .agencies = span_text(agencies)};
    struct key_entry entries[2] = {{.owner = "broker", .use = KEY_SIGN, .to_ms = UINT64_MAX},
                                   {.owner = "education", .use = KEY_SIGN, .to_ms = UINT64_MAX}};

    memcpy(entries[0].public_key, keys[BROKER].public_key, sizeof(entries[0].public_key));
    memcpy(entries[1].public_key, keys[AGENCY].public_key, sizeof(entries[1].public_key));
    buf_init(text, LIMIT_CONFIG_BYTES);
    buf_init(document, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(keyring_write(ORIGIN, entries, 2, text), OK);
    making.keys = span_buf(text);
    ck_assert_int_eq(registry_document_sign(&making, &keys[ROOT], document), OK);
}

static void configuration_make(void)
{
    struct leaf_record record = {.version = WIRE_VERSION,
                                 .kind = LEAF_CONFIGURATION,
                                 .at_ms = NOW_MS,
                                 .has_configuration = true};
    struct digest root = registry_root_fingerprint(keys[ROOT].public_key);
    struct buf text;

    registry_make(&text, &signed_registry);
    buf_free(&text);
    ck_assert_int_eq(registry_document_open("x", span_buf(&signed_registry), &root, &version, NULL),
                     OK);
    text_copy(record.actor, sizeof(record.actor), BROKER_AGENCY);
    record.configuration.registry_version = version.version;
    record.configuration.registry_document = version.digest;
    buf_init(&records[3], LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(leaf_record_encode(&record, &records[3]), OK);
    logs[0][0][11] = logs[1][0][11] = leaf_hash(salt, span_buf(&records[3]));
}

static void records_make(void)
{
    for (unsigned i = 0; i < 3; i++) {
        struct leaf_record record = {.version = WIRE_VERSION,
                                     .kind = LEAF_MESSAGE,
                                     .at_ms = NOW_MS,
                                     .message_id = {.bytes = {(uint8_t)(i + 1)}},
                                     .has_stream = true};

        record.stream.lane = i == 2 ? 1 : 0;
        record.stream.seq = i == 2 ? 1 : i + 7;
        text_copy(record.actor, sizeof(record.actor), "education");
        buf_init(&records[i], LIMIT_REQUEST_BYTES);
        ck_assert_int_eq(leaf_record_encode(&record, &records[i]), OK);
        logs[0][0][8 + i] = logs[1][0][8 + i] = leaf_hash(salt, span_buf(&records[i]));
    }
}

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
    for (unsigned i = 0; i < WHO_COUNT; i++) {
        keys[i] = sample_sign_key((uint8_t)(i + 1));
    }
    for (unsigned log = 0; log < 2; log++) {
        for (size_t i = 0; i < LEAVES; i++) {
            const uint8_t leaf[2] = {(uint8_t)i, i >= 6 ? (uint8_t)log : 0};

            logs[log][0][i] = merkle_leaf_hash(span_of(leaf, sizeof(leaf)));
        }
    }
    records_make();
    configuration_make();
    for (unsigned log = 0; log < 2; log++) {
        for (unsigned level = 1; level < 5; level++) {
            for (size_t i = 0; i < LEAVES >> level; i++) {
                logs[log][level][i] = merkle_node_hash(&logs[log][level - 1][2 * i],
                                                       &logs[log][level - 1][2 * i + 1]);
            }
        }
    }
    pin = registry_root_fingerprint(keys[ROOT].public_key);
    buf_init(&file, LIMIT_EVIDENCE_BYTES);
}

static void teardown(void)
{
    buf_free(&file);
    buf_free(&signed_registry);
    for (unsigned i = 0; i < COUNT_OF(records); i++) {
        buf_free(&records[i]);
    }
}

/* --- making --- */

static void note_make(bool forked, uint64_t size, uint64_t at_ms, enum who who, struct buf *out)
{
    const struct checkpoint checkpoint = {
        .origin = ORIGIN, .size = size, .root = root_at(forked, size), .time_ms = at_ms};

    buf_init(out, CHECKPOINT_BYTES);
    ck_assert_int_eq(checkpoint_make(&checkpoint, &keys[who], out), OK);
}

static void cosign(const struct lie *lie, struct cosignature *out, struct merkle_path *path)
{
    const uint64_t size = lie->witnessed != 0 ? lie->witnessed : 10;
    const uint64_t shown = lie->shown != 0 ? lie->shown : 20;
    const struct merkle_reader reader = reader_of(lie->shown_forked);
    struct checkpoint seen = {
        .origin = ORIGIN, .size = size, .root = root_at(lie->witness_forked, size)};
    const enum who who = lie->witness_by_stranger ? STRANGER : AGENCY;

    path->count = 0;
    if (size <= shown) {
        ck_assert_int_eq(merkle_consistency(&reader, size, shown, path), OK);
    }
    text_copy(out->agency, sizeof(out->agency), "education");
    out->seen = (struct witness){
        .size = size,
        .root = seen.root,
        .key = key_id_of(keys[lie->witness_of_nobody ? STRANGER : AGENCY].public_key)};
    witness_sign(&keys[who], &seen, out->seen.signature);
    out->seen.signature[3] ^= lie->witness_bent ? 1 : 0;
    out->consistency = path->hashes;
    out->consistency_count = path->count;
}

static void request_make(const struct lie *lie, struct span believed, struct buf *out)
{
    struct request_head head = {.version = WIRE_VERSION,
                                .agency = "procuratorate",
                                .broker = ORIGIN,
                                .time_ms = NOW_MS,
                                .known_size = lie->known != 0 ? lie->known : 12,
                                .kind = REQUEST_WITNESS};

    if (lie->greets) {
        head.kind = REQUEST_HELLO;
        head.hello.checkpoint = believed;
    } else {
        head.witness.size = 12;
        head.witness.root = root_at(false, lie->witnessed == KEPT_BACK && !lie->denied ? 11 : 12);
    }
    buf_init(out, 8192);
    ck_assert_int_eq(request_head_encode(&head, out), OK);
}

static void reply_sign(const struct lie *lie, struct span head, struct buf *out)
{
    const struct digest digest = reply_digest(head);
    struct batch_proof proof;
    struct sign_batch batch;
    struct region region;

    region_init(&region, 65536);
    buf_init(out, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(sign_batch_make(&keys[lie->reply_by_stranger ? STRANGER : BROKER], &digest, 1,
                                     &region, &batch),
                     OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 0, &region, &proof), OK);
    ck_assert_int_eq(reply_encode(head, &proof, out), OK);
    region_free(&region);
}

struct said { /* of places in the log, by a reply */
    struct shared_receipt receipt;
    struct delivery deliveries[2];
    struct digest nodes[2 * MERKLE_LEVELS];
    uint32_t paths[2][MERKLE_LEVELS];
    size_t node_count;
    struct buf note;
};

static size_t path_make(const struct lie *lie, struct said *said, struct merkle_place place,
                        uint32_t indices[MERKLE_LEVELS])
{
    const struct merkle_reader reader = reader_of(lie->shown_forked);
    struct merkle_path path;

    ck_assert_int_eq(merkle_inclusion(&reader, place.index, place.size, &path), OK);
    for (size_t i = 0; i < path.count; i++) {
        indices[i] = (uint32_t)said->node_count;
        said->nodes[said->node_count++] = path.hashes[i];
    }
    indices[0] = lie->path_past_nodes ? 2 * MERKLE_LEVELS : indices[0];
    return path.count;
}

static void say_receipt(const struct lie *lie, struct merkle_place place, struct said *said,
                        struct reply_head *head)
{
    struct shared_receipt *receipt = &said->receipt;

    receipt->leaf_index = place.index + (lie->place_shifted ? 1 : 0);
    receipt->code = lie->put_off ? REFUSAL_QUEUE_FULL : 0;
    receipt->record = lie->put_off ? span_of(NULL, 0) : span_buf(&records[0]);
    memcpy(receipt->salt, salt, SALT_BYTES);
    receipt->salt[0] ^= lie->salt_bent ? 1 : 0;
    if (lie->own_note) {
        note_make(lie->shown_forked, 12, NOW_MS, BROKER, &said->note);
        receipt->checkpoint = span_buf(&said->note);
        place.size = 12;
    }
    receipt->path = said->paths[0];
    receipt->path_count = path_make(lie, said, place, said->paths[0]);
    head->submit.receipts = receipt;
    head->submit.receipt_count = 1;
    head->submit.nodes = said->nodes;
    head->submit.node_count = said->node_count;
}

static void say_deliveries(const struct lie *lie, uint64_t shown, struct said *said,
                           struct reply_head *head)
{
    const size_t second = lie->twice ? 0 : lie->two_lanes ? 2 : 1;

    for (size_t i = 0; i < 2; i++) {
        const size_t which = (i == 0) == lie->swapped ? second : 0;
        struct delivery *delivery = &said->deliveries[i];

        delivery->payload = span_text("p");
        delivery->proof.suite = crypto_suite();
        delivery->proof.size = 1;
        delivery->leaf_index = 8 + which;
        delivery->record = span_buf(&records[which]);
        memcpy(delivery->salt, salt, SALT_BYTES);
        delivery->path = said->paths[i];
        delivery->path_count =
            path_make(lie, said, (struct merkle_place){8 + which, shown}, said->paths[i]);
    }
    head->fetch.deliveries = said->deliveries;
    head->fetch.delivery_count = 2;
    head->fetch.nodes = said->nodes;
    head->fetch.node_count = said->node_count;
}

static void say_registry(const struct lie *lie, uint64_t shown, struct said *said,
                         struct reply_head *head)
{
    const struct merkle_reader reader = reader_of(lie->shown_forked);
    struct registry_leaf *leaf = &head->registry.leaf;
    struct merkle_path path;

    head->registry.statement = lie->unsigned_answer ? span_of(NULL, 0) : version.statement;
    head->registry.registry = version.agencies;
    head->registry.keys = version.keys;
    head->registry.has_leaf = !lie->without_leaf;
    leaf->index = lie->leaf_of_message ? 8 : 11;
    leaf->record = span_buf(&records[lie->leaf_of_message ? 0 : 3]);
    ck_assert_int_eq(merkle_inclusion(&reader, leaf->index, shown, &path), OK);
    memcpy(said->nodes, path.hashes, path.count * sizeof(said->nodes[0]));
    memcpy(leaf->salt, salt, SALT_BYTES);
    leaf->salt[0] ^= lie->salt_bent ? 1 : 0;
    leaf->path = said->nodes;
    leaf->path_count = path.count;
    leaf->index += lie->place_shifted ? 1 : 0;
}

static void say(const struct lie *lie, uint64_t shown, struct said *said, struct reply_head *head)
{
    memset(said, 0, sizeof(*said));
    if (lie->says == REPLY_NONE) {
        return;
    }
    head->kind = lie->says;
    if (lie->says == REPLY_SUBMIT) {
        say_receipt(lie, (struct merkle_place){8, shown}, said, head);
    } else if (lie->says == REPLY_REGISTRY) {
        say_registry(lie, shown, said, head);
    } else {
        say_deliveries(lie, shown, said, head);
    }
    said->nodes[0].bytes[0] ^= lie->path_bent ? 1 : 0;
}

static void reply_make(const struct lie *lie, struct span request, struct buf *out)
{
    const uint64_t shown = lie->shown != 0 ? lie->shown : 20;
    const uint64_t known = lie->known != 0 ? lie->known : 12;
    const struct merkle_reader reader = reader_of(lie->shown_forked);
    struct merkle_path path = {.count = 0}, witness_path;
    struct cosignature cosignature;
    struct buf note, encoded;
    struct said said;
    struct reply_head head = {.version = WIRE_VERSION,
                              .code = lie->denied    ? REFUSAL_FACT_INVALID
                                      : lie->refused ? REFUSAL_QUEUE_FULL
                                                     : 0,
                              .request_digest = request_digest(request),
                              .time_ms = NOW_MS + 2000,
                              .kind = lie->refused || lie->denied ? REPLY_NONE : REPLY_WITNESS};

    note_make(lie->shown_forked, shown,
              lie->earlier   ? NOW_MS - 5000
              : lie->at_once ? NOW_MS
                             : NOW_MS + 1000,
              lie->note_by_stranger ? STRANGER : BROKER, &note);
    if (known <= shown) {
        ck_assert_int_eq(merkle_consistency(&reader, known, shown, &path), OK);
    }
    path.hashes[0].bytes[0] ^= lie->proof_bent ? 1 : 0;
    head.request_digest.bytes[0] ^= lie->other_request ? 1 : 0;
    head.checkpoint = lie->nothing_shown ? span_of(NULL, 0) : span_buf(&note);
    head.consistency = path.hashes;
    head.consistency_count = path.count;
    say(lie, shown, &said, &head);
    if (head.kind == REPLY_WITNESS && lie->witnessed != KEPT_BACK) {
        cosign(lie, &cosignature, &witness_path);
        head.witness.cosignatures = &cosignature;
        head.witness.cosignature_count = 1;
    }
    buf_init(&encoded, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(reply_head_encode(&head, &encoded), OK);
    reply_sign(lie, span_buf(&encoded), out);
    buf_free(&encoded);
    buf_free(&note);
    buf_free(&said.note);
}

static void part_add(struct evidence_part *parts, size_t *count, const char *names[2],
                     const struct buf *bytes)
{
    text_copy(parts[*count].kind, sizeof(parts[0].kind), names[0]);
    text_copy(parts[*count].name, sizeof(parts[0].name), names[1]);
    parts[*count].bytes = span_buf(bytes);
    ++*count;
}

static void tell(const struct lie *lie)
{
    struct buf registry, text, note, request, reply;
    struct evidence_part parts[5];
    struct evidence evidence = {crypto_suite(), EVIDENCE_LIE, parts, 0};

    registry_make(&text, &registry);
    note_make(false, 12, NOW_MS, lie->believed_by_stranger ? STRANGER : BROKER, &note);
    request_make(lie, span_buf(&note), &request);
    reply_make(lie, span_buf(&request), &reply);
    part_add(parts, &evidence.part_count, (const char *[]){"reply", "reply"}, &reply);
    if (!lie->without_request) {
        part_add(parts, &evidence.part_count, (const char *[]){"request", "head"}, &request);
    }
    part_add(parts, &evidence.part_count, (const char *[]){"checkpoint", "believed"}, &note);
    if (lie->unsigned_registry) {
        part_add(parts, &evidence.part_count, (const char *[]){"keys", "public-keys.yaml"}, &text);
    } else {
        part_add(parts, &evidence.part_count, (const char *[]){"registry", "registry"}, &registry);
    }
    buf_clear(&file);
    ck_assert_int_eq(evidence_encode(&evidence, &file), OK);
    buf_free(&registry);
    buf_free(&text);
    buf_free(&note);
    buf_free(&request);
    buf_free(&reply);
}

/* --- judging --- */

static enum verdict judge(const char *code)
{
    return judge_file(span_buf(&file), &pin, code);
}

START_TEST(test_what_a_file_proves)
{
    static const struct {
        struct lie lie;
        const char *code;
        enum verdict verdict;
    } rows[] = {
        {{.shown = 0}, "lie.unproven", VERDICT_INCOMPLETE},
        {{.shown = 12}, "lie.unproven", VERDICT_INCOMPLETE},
        {{.shown = 11, .witnessed = KEPT_BACK}, "lie.back", VERDICT_PASS},
        {{.shown = 11, .witnessed = KEPT_BACK, .earlier = true}, /* it had crossed another reply */
         "lie.unproven",
         VERDICT_INCOMPLETE},
        {{.shown = 11, .witnessed = KEPT_BACK, .earlier = true, .greets = true},
         "lie.back",
         VERDICT_PASS}, /* whatever its time: the question has what was believed in it */
        {{.shown = 11, .witnessed = KEPT_BACK, .at_once = true}, /* its clock was put back */
         "lie.unproven",
         VERDICT_INCOMPLETE},
        {{.denied = true}, "lie.denied", VERDICT_PASS},
        {{.refused = true}, "lie.unproven", VERDICT_INCOMPLETE},
        {{.refused = true, .proof_bent = true}, /* a refusal need not prove anything */
         "lie.unproven",
         VERDICT_INCOMPLETE},
        {{.denied = true, .greets = true, .without_request = true},
         "lie.unproven",
         VERDICT_INCOMPLETE},
        {{.nothing_shown = true, .witnessed = KEPT_BACK}, "lie.back", VERDICT_PASS},
        {{.nothing_shown = true, .refused = true}, "lie.unproven", VERDICT_INCOMPLETE},
        {{.shown_forked = true, .witnessed = KEPT_BACK}, "lie.split", VERDICT_PASS},
        {{.shown = 12, .shown_forked = true, .witnessed = KEPT_BACK}, "lie.split", VERDICT_PASS},
        {{.proof_bent = true, .witnessed = KEPT_BACK}, "lie.split", VERDICT_PASS},
        {{.proof_bent = true, .known = 10, .witnessed = KEPT_BACK}, /* known is not what is here */
         "lie.unproven",
         VERDICT_INCOMPLETE},
        {{.note_by_stranger = true}, "lie.checkpoint", VERDICT_PASS},
        {{.witnessed = 22}, "lie.longer", VERDICT_PASS},
        {{.witness_forked = true}, "lie.split", VERDICT_PASS},
        {{.witness_bent = true}, "lie.witness", VERDICT_PASS},
        {{.witness_by_stranger = true}, "lie.witness", VERDICT_PASS},
        {{.witness_of_nobody = true, .witness_bent = true}, "lie.unproven", VERDICT_INCOMPLETE},
        {{.witness_forked = true, .without_request = true}, "lie.split", VERDICT_INCOMPLETE},
        {{.witness_forked = true, .unsigned_registry = true}, "lie.split", VERDICT_INCOMPLETE},
        {{.witness_forked = true, .reply_by_stranger = true}, "lie.reply", VERDICT_FAIL},
        {{.witness_forked = true, .other_request = true}, "lie.request", VERDICT_FAIL},
        {{.shown = 11, .believed_by_stranger = true}, "checkpoint.signature", VERDICT_FAIL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        tell(&rows[i].lie);
        ck_assert_msg(judge(rows[i].code) == rows[i].verdict, "row %zu, %s", i, rows[i].code);
    }
}
END_TEST

/* Receipts and deliveries that the reply's own checkpoint does not bear out. */
START_TEST(test_places_in_the_log)
{
    static const struct {
        struct lie lie;
        const char *code;
    } rows[] = {
        {{.says = REPLY_SUBMIT}, NULL},
        {{.says = REPLY_SUBMIT, .own_note = true}, NULL},
        {{.says = REPLY_SUBMIT, .put_off = true, .path_bent = true}, NULL},
        {{.says = REPLY_SUBMIT, .path_bent = true}, "lie.receipt"},
        {{.says = REPLY_SUBMIT, .own_note = true, .path_bent = true}, "lie.receipt"},
        {{.says = REPLY_SUBMIT, .salt_bent = true}, "lie.receipt"},
        {{.says = REPLY_SUBMIT, .place_shifted = true}, "lie.receipt"},
        {{.says = REPLY_SUBMIT, .path_past_nodes = true}, "lie.receipt"},
        {{.says = REPLY_FETCH}, NULL},
        {{.says = REPLY_FETCH, .two_lanes = true}, NULL},
        {{.says = REPLY_FETCH, .two_lanes = true, .swapped = true}, NULL},
        {{.says = REPLY_FETCH, .swapped = true}, "lie.order"},
        {{.says = REPLY_FETCH, .twice = true}, "lie.order"},
        {{.says = REPLY_FETCH, .path_bent = true}, "lie.receipt"},
        {{.says = REPLY_REGISTRY}, NULL},
        {{.says = REPLY_REGISTRY, .unsigned_answer = true, .without_leaf = true}, NULL},
        {{.says = REPLY_REGISTRY, .without_leaf = true}, NULL}, /* of an older release */
        {{.says = REPLY_REGISTRY, .leaf_of_message = true}, "lie.registry"},
        {{.says = REPLY_REGISTRY, .path_bent = true}, "lie.registry"},
        {{.says = REPLY_REGISTRY, .salt_bent = true}, "lie.registry"},
        {{.says = REPLY_REGISTRY, .place_shifted = true}, "lie.registry"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *code = rows[i].code != NULL ? rows[i].code : "lie.unproven";

        tell(&rows[i].lie);
        ck_assert_msg(judge(code) == (rows[i].code != NULL ? VERDICT_PASS : VERDICT_INCOMPLETE),
                      "row %zu, %s", i, code);
    }
}
END_TEST

START_TEST(test_another_root)
{
    const struct lie lie = {.witness_forked = true};

    tell(&lie);
    pin.bytes[0] ^= 1;
    ck_assert_int_eq(judge("registry.root"), VERDICT_FAIL);
}
END_TEST

/* An honest broker cannot be accused by a file that somebody changed. */
START_TEST(test_no_changed_bit_accuses)
{
    const struct lie honest = {.shown = 0};
    struct evidence evidence;
    struct evidence_part parts[5];
    struct region region;
    struct buf original;

    tell(&honest);
    region_init(&region, 65536);
    buf_init(&original, LIMIT_EVIDENCE_BYTES);
    ck_assert_int_eq(buf_append(&original, file.data, file.len), OK);
    ck_assert_int_eq(evidence_decode("x", span_buf(&original), &region, &evidence, NULL), OK);
    for (size_t i = 0; i < evidence.part_count; i++) {
        const size_t step = strcmp(evidence.parts[i].kind, "registry") == 0 ? 61 : 5;
        const size_t from = (size_t)(evidence.parts[i].bytes.data - original.data);

        for (size_t bit = i; bit < 8 * evidence.parts[i].bytes.len; bit += step) {
            struct evidence changed = evidence;

            memcpy(parts, evidence.parts, evidence.part_count * sizeof(parts[0]));
            changed.parts = parts;
            original.data[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
            buf_clear(&file);
            ck_assert_int_eq(evidence_encode(&changed, &file), OK);
            ck_assert_msg(judge(NULL) != VERDICT_PASS, "%s, bit %zu", parts[i].kind, bit);
            original.data[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    buf_free(&original);
    region_free(&region);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lie");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_what_a_file_proves);
    tcase_add_test(tests, test_places_in_the_log);
    tcase_add_test(tests, test_another_root);
    tcase_add_test(tests, test_no_changed_bit_accuses);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

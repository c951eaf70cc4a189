/* lib/wire against tests/data/vectors.json, which tests/client/vectors.py made: a program in
 * another language, written from docs/protocol.md alone. Both sides must come to the same bytes.
 * Also: the refusal codes of that page are those of lib/model/refusal. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "model/refusal.h"
#include "wire/attachment_seal.h"
#include "wire/envelope.h"
#include "wire/receipt.h"
#include "wire/recovery.h"
#include "wire/sealing.h"
#include "sample.h"

#define ORIGIN "city.example/broker"

static struct json *json;
static struct region region; /* holds the values too */

static void setup(void)
{
    struct buf text;
    struct fault fault = {.place = ""};
    sample_setup();
    buf_init(&text, LIMIT_JSON_BYTES);
    ck_assert_msg(file_read("tests/data/vectors.json", &text, &fault) == OK, "%s", fault.message);
    ck_assert_msg(json_open("vectors.json", span_buf(&text), &json, &fault) == OK, "%s",
                  fault.message);
    buf_free(&text);
    region_init(&region, 16u << 20);
}

static void teardown(void)
{
    json_free(json);
    region_free(&region);
}

static struct span value(const char *group, const char *key)
{
    struct json_value root = json_root(json);
    struct json_value object = json_member(&root, group);
    struct json_value member = json_member(&object, key);
    struct fault fault = {.place = ""};
    const char *text = NULL;
    enum err error = json_get_text(&member, LIMIT_JSON_BYTES, &text, &fault);
    ck_assert_msg(error == OK, "%s.%s: %s", group, key, fault.message);
    size_t len = strlen(text) / 2;
    uint8_t *bytes = region_take(&region, len + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(hex_decode(text, bytes, len), OK);
    return span_of(bytes, len);
}

static struct digest digest_value(const char *group, const char *key)
{
    struct span bytes = value(group, key);
    struct digest digest;
    ck_assert_uint_eq(bytes.len, DIGEST_BYTES);
    memcpy(digest.bytes, bytes.data, DIGEST_BYTES);
    return digest;
}

static struct sign_key sign_key_value(const char *group)
{
    struct sign_key key;
    sign_key_from_seed(value(group, "seed").data, &key);
    ck_assert(span_equal(span_of(key.public_key, SIGN_PUBLIC_BYTES), value(group, "public_key")));
    return key;
}

static struct buf output(void)
{
    struct buf out;
    buf_init(&out, LIMIT_REQUEST_BYTES);
    return out;
}

static void ends_as(struct buf *out, const char *group, const char *key)
{
    ck_assert_msg(span_equal(span_buf(out), value(group, key)), "%s.%s", group, key);
    buf_free(out);
}

START_TEST(test_request)
{
    struct sign_key key = sign_key_value("request");
    struct key_id id = key_id_of(key.public_key);
    struct span head = value("request", "head");
    struct span payloads[3] = {value("request", "payload_1"), value("request", "payload_2"),
                               value("request", "payload_3")};
    struct buf out = output();
    struct request request;
    ck_assert(span_equal(span_of(id.bytes, KEY_ID_BYTES), value("request", "key_id")));
    ck_assert_int_eq(request_build(&key, head, payloads, 3, &out), OK);
    ends_as(&out, "request", "request");
    ck_assert_int_eq(request_parse(value("request", "request"), &region, &request, NULL), OK);
    ck_assert_int_eq(request_verify(&request, key.public_key), OK);
    struct digest root = digest_value("request", "root");
    struct digest got = merkle_batch_root(&request.tree);
    ck_assert(digest_equal(&root, &got));
    struct digest head_digest = digest_value("request", "head_digest");
    ck_assert(digest_equal(&head_digest, &request.head_digest));
    for (size_t i = 0; i < 3; i++) {
        char name[] = "digest_1";
        name[7] = (char)('1' + i);
        struct digest digest = digest_value("request", name);
        ck_assert(digest_equal(&digest, &request.messages[i].digest));
    }
    ck_assert_uint_eq(request.head.counter, 42);
    ck_assert_uint_eq(request.head.known_size, 7);
    ck_assert_str_eq(request.head.broker, ORIGIN);
    out = output();
    ck_assert_int_eq(request_envelope(&request, 1, &out), OK);
    ends_as(&out, "request", "envelope_2");
    out = output();
    ck_assert_int_eq(request_head_encode(&request.head, &out), OK);
    ends_as(&out, "request", "head");
}
END_TEST

START_TEST(test_message)
{
    struct payload payload;
    struct message message;
    ck_assert_int_eq(payload_split(value("request", "payload_3"), &payload, NULL), OK);
    ck_assert_int_eq(message_decode(&payload, &region, &message, NULL), OK);
    ck_assert_int_eq(message.header.kind, MESSAGE_OUTBOUND_REFERRAL);
    ck_assert_str_eq(message.header.referral_number, "JZ-2026-0031-03");
    ck_assert_uint_eq(message.header.created_ms, 1790000000003);
    ck_assert_uint_eq(message.referral.ground, 401);
    ck_assert_uint_eq(message.referral.priority_groups, UINT64_C(1) << 63);
    ck_assert_uint_eq(message.referral.material_count, 2);
    ck_assert_uint_eq(message.referral.materials[0].sealed_bytes, 123456);
    ck_assert_uint_eq(message.referral.materials[1].missing_reason, 3);
    ck_assert(message.referral.urgent && !message.referral.advance && !message.body_present);
}
END_TEST

START_TEST(test_sealing)
{
    struct seal_key receiver, sender;
    struct payload payload = {.header = value("sealing", "header"),
                              .body = value("sealing", "sealed")};
    struct body body;
    seal_key_from_secret(value("sealing", "receiver_secret").data, &receiver);
    seal_key_from_secret(value("sealing", "sender_secret").data, &sender);
    ck_assert_int_eq(body_open(&payload, &sender, &region, &body, NULL), OK);
    ck_assert_int_eq(body_open(&payload, &receiver, &region, &body, NULL), OK);
    ck_assert_str_eq(body.persons[0].name, "张三");
    struct seal_reader readers[2] = {{.agency = "education"}, {.agency = "procuratorate"}};
    memcpy(readers[0].public_key, receiver.public_key, SEAL_PUBLIC_BYTES);
    memcpy(readers[1].public_key, sender.public_key, SEAL_PUBLIC_BYTES);
    struct seal_entropy entropy = {.content_key = {0}};
    memcpy(entropy.content_key, value("sealing", "content_key").data, AEAD_KEY_BYTES);
    memcpy(entropy.nonce, value("sealing", "nonce").data, AEAD_NONCE_BYTES);
    memcpy(entropy.ephemeral[0], value("sealing", "ephemeral_1").data, SEAL_SECRET_BYTES);
    memcpy(entropy.ephemeral[1], value("sealing", "ephemeral_2").data, SEAL_SECRET_BYTES);
    struct seal_job job = {payload.header, &body, readers, 2};
    struct buf out = output();
    ck_assert_int_eq(body_encode(&body, &out), OK);
    ends_as(&out, "sealing", "plain");
    out = output();
    ck_assert_int_eq(body_seal_with(&job, &entropy, &out), OK);
    ends_as(&out, "sealing", "sealed");
}
END_TEST

static void matter_readers(struct seal_reader readers[3], struct seal_key keys[3],
                           struct seal_entropy *entropy)
{
    static const char *const ids[3] = {"education", "procuratorate", "civil-affairs"};
    for (size_t i = 0; i < 3; i++) {
        char name[] = "ephemeral_1";
        name[10] = (char)('1' + i);
        memcpy(entropy->ephemeral[i], value("matter", name).data, SEAL_SECRET_BYTES);
        char secret[] = "secret_1";
        secret[7] = name[10];
        seal_key_from_secret(value("matter", secret).data, &keys[i]);
        memset(&readers[i], 0, sizeof(readers[i]));
        memcpy(readers[i].agency, ids[i], strlen(ids[i]));
        memcpy(readers[i].public_key, keys[i].public_key, SEAL_PUBLIC_BYTES);
    }
    memcpy(entropy->content_key, value("matter", "content_key").data, AEAD_KEY_BYTES);
    memcpy(entropy->nonce, value("matter", "nonce").data, AEAD_NONCE_BYTES);
}

/* A conference with a copy: the same bytes, read by three, and by these three only. */
START_TEST(test_matter)
{
    struct seal_reader readers[3];
    struct seal_key keys[3];
    struct seal_entropy entropy;
    struct payload payload;
    struct message message;
    struct body body;
    struct registry *registry = sample_registry();
    matter_readers(readers, keys, &entropy);
    ck_assert_int_eq(payload_split(value("matter", "payload"), &payload, NULL), OK);
    struct digest digest = message_digest(&payload);
    struct digest expected = digest_value("matter", "digest");
    ck_assert(digest_equal(&digest, &expected));
    ck_assert_int_eq(message_decode(&payload, &region, &message, NULL), OK);
    ck_assert_int_eq(message.header.kind, MESSAGE_CONFERENCE);
    ck_assert_uint_eq(message.conference.promise_count, 2);
    ck_assert_str_eq(message.conference.promises[1].agency, "civil-affairs");
    ck_assert_uint_eq(message.conference.promises[1].by_date, 20261115);
    for (uint16_t number = 0; number < 8 * AGENCY_SET_BYTES; number++) {
        ck_assert_int_eq(agency_set_has(&message.copies, number), number == 3);
    }
    ck_assert_int_eq(sealed_check(payload.body, &message, registry, &region, NULL), OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(body_open(&payload, &keys[i], &region, &body, NULL), OK);
    }
    struct seal_job job = {payload.header, &body, readers, 3};
    struct buf out = output();
    ck_assert_int_eq(body_seal_with(&job, &entropy, &out), OK);
    ends_as(&out, "matter", "sealed");
    out = output();
    ck_assert_int_eq(facts_encode(&message, &out), OK);
    ends_as(&out, "matter", "facts");
    out = output();
    ck_assert_int_eq(header_encode(&message.header, &out), OK);
    ends_as(&out, "matter", "header");
    registry_free(registry);
}
END_TEST

START_TEST(test_attachment)
{
    struct attachment_cipher cipher;
    struct span plain = value("attachment", "plain");
    struct digest digest = digest_value("attachment", "digest");
    struct request_head head;
    struct body body;
    ck_assert_int_eq(attachment_cipher_init(value("attachment", "key").data, plain.len, &cipher),
                     OK);
    struct buf out = output();
    ck_assert_int_eq(attachment_seal(&cipher, plain, &out), OK);
    ends_as(&out, "attachment", "sealed");
    struct digest sealed = crypto_digest(value("attachment", "sealed"));
    ck_assert(digest_equal(&sealed, &digest));
    uint8_t *large = region_take(&region, 70000);
    ck_assert_ptr_nonnull(large);
    for (size_t i = 0; i < 70000; i++) {
        large[i] = (uint8_t)(i % 251);
    }
    ck_assert_int_eq(attachment_cipher_init(value("attachment", "large_key").data, 70000, &cipher),
                     OK);
    buf_init(&out, 1u << 20);
    ck_assert_int_eq(attachment_seal(&cipher, span_of(large, 70000), &out), OK);
    sealed = crypto_digest(span_buf(&out));
    digest = digest_value("attachment", "large_digest");
    ck_assert(digest_equal(&sealed, &digest));
    buf_free(&out);
    ck_assert_int_eq(request_head_decode(value("attachment", "put_head"), &region, &head, NULL),
                     OK);
    ck_assert_int_eq(head.kind, REQUEST_BLOB_PUT);
    ck_assert_uint_eq(head.blob_put.offset, 4096);
    ck_assert_uint_eq(head.blob_put.offset + head.blob_put.data.len, head.blob_put.size);
    out = output();
    ck_assert_int_eq(request_head_encode(&head, &out), OK);
    ends_as(&out, "attachment", "put_head");
    ck_assert_int_eq(body_decode(value("attachment", "body"), &region, &body, NULL), OK);
    ck_assert_uint_eq(body.attachment_count, 1);
    ck_assert_uint_eq(body.attachments[0].plain_bytes, plain.len);
    ck_assert_mem_eq(body.attachments[0].key, value("attachment", "key").data, AEAD_KEY_BYTES);
}
END_TEST

START_TEST(test_log)
{
    struct digest nodes[32];
    struct merkle_batch tree;
    for (size_t i = 0; i < 7; i++) {
        char name[] = "leaf_0";
        name[5] = (char)('0' + i);
        nodes[i] = digest_value("log", name);
    }
    struct digest leaf = leaf_hash(value("log", "salt_4").data, value("log", "record_4"));
    ck_assert(digest_equal(&leaf, &nodes[4]));
    struct merkle_head older = {3, digest_value("log", "root_3")};
    struct merkle_head newer = {7, digest_value("log", "root_7")};
    merkle_batch_build(nodes, 7, &tree);
    struct digest root = merkle_batch_root(&tree);
    ck_assert(digest_equal(&root, &newer.root));
    struct span bytes = value("log", "consistency_3_7");
    struct digest proof[8];
    ck_assert_uint_le(bytes.len, sizeof(proof));
    memcpy(proof, bytes.data, bytes.len);
    ck_assert_int_eq(merkle_consistency_verify(&older, &newer, proof, bytes.len / DIGEST_BYTES),
                     OK);
    proof[0].bytes[0] ^= 1;
    ck_assert_int_eq(merkle_consistency_verify(&older, &newer, proof, bytes.len / DIGEST_BYTES),
                     ERR_FORGED);
}
END_TEST

START_TEST(test_checkpoint_and_receipt)
{
    struct sign_key key = sign_key_value("log");
    struct sign_key agency = sign_key_value("request");
    struct checkpoint checkpoint = {.origin = ORIGIN,
                                    .size = 7,
                                    .root = digest_value("log", "root_7"),
                                    .time_ms = 1790000000000};
    struct buf out = output();
    uint8_t witness[SIGNATURE_BYTES];
    ck_assert_int_eq(checkpoint_make(&checkpoint, &key, &out), OK);
    ends_as(&out, "log", "checkpoint");
    witness_sign(&agency, &checkpoint, witness);
    ck_assert(span_equal(span_of(witness, sizeof(witness)), value("log", "witness")));
    struct key_entry entry = {.owner = "broker", .use = KEY_SIGN, .to_ms = UINT64_MAX};
    struct keyring *keyring = NULL;
    struct receipt receipt;
    struct receipt_facts facts;
    memcpy(entry.public_key, key.public_key, SIGN_PUBLIC_BYTES);
    out = output();
    ck_assert_int_eq(keyring_write(ORIGIN, &entry, 1, &out), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&out), &keyring, NULL), OK);
    buf_free(&out);
    ck_assert_int_eq(receipt_decode(value("log", "receipt_4"), &region, &receipt, NULL), OK);
    ck_assert_int_eq(receipt_verify(&receipt, keyring, &region, &facts, NULL), OK);
    ck_assert_uint_eq(facts.record.stream.seq, 5);
    out = output();
    ck_assert_int_eq(receipt_encode(&receipt, &out), OK);
    ends_as(&out, "log", "receipt_4");
    out = output();
    ck_assert_int_eq(leaf_record_encode(&facts.record, &out), OK);
    ends_as(&out, "log", "record_4");
    keyring_free(keyring);
}
END_TEST

START_TEST(test_recovery)
{
    struct sign_key key = sign_key_value("recovery");
    struct key_id id = key_id_of(key.public_key);
    struct recovery recovery = {.anchor = value("recovery", "anchor"),
                                .reason = digest_value("recovery", "reason"),
                                .at_ms = UINT64_C(1790000100007)};
    struct signed_recovery made;
    struct buf out = output();
    text_copy(recovery.old_origin, LIMIT_ORIGIN_BYTES, ORIGIN);
    ck_assert_int_eq(recovery_origin(ORIGIN, recovery.at_ms, recovery.new_origin), OK);
    ck_assert_int_eq(recovery_make(&recovery, &key, &out, &made), OK);
    ck_assert(span_equal(made.statement, value("recovery", "statement")));
    ck_assert(span_equal(span_of(made.signature, SIGNATURE_BYTES), value("recovery", "signature")));
    ck_assert(span_equal(span_of(made.key.bytes, KEY_ID_BYTES), value("recovery", "key_id")));
    ck_assert(span_equal(span_of(id.bytes, KEY_ID_BYTES), value("recovery", "key_id")));
    struct span text = value("recovery", "signed_text");
    ck_assert_int_eq(crypto_verify(key.public_key, text, made.signature), OK);
    buf_free(&out);
}
END_TEST

START_TEST(test_hand_back)
{
    struct request_head asked;
    struct reply_head told, answered;
    struct buf out = output();
    ck_assert_int_eq(request_head_decode(value("recovery", "asked"), &region, &asked, NULL), OK);
    ck_assert_int_eq(asked.kind, REQUEST_HAND_BACK);
    ck_assert(asked.hand_back.all && asked.hand_back.item_count == 2);
    ck_assert(span_equal(asked.hand_back.items[0].envelope, value("request", "envelope_2")));
    ck_assert(span_equal(asked.hand_back.items[0].receipt, value("log", "receipt_4")));
    ck_assert_uint_eq(asked.hand_back.items[1].receipt.len, 0);
    ck_assert_int_eq(request_head_encode(&asked, &out), OK);
    ends_as(&out, "recovery", "asked");
    ck_assert_int_eq(reply_head_decode(value("recovery", "answered"), &region, &answered, NULL),
                     OK);
    ck_assert_int_eq(answered.kind, REPLY_HAND_BACK);
    ck_assert_int_eq(answered.hand_back.phase, HAND_BACK_APPLYING);
    ck_assert_uint_eq(answered.hand_back.codes[1], REFUSAL_ALREADY);
    out = output();
    ck_assert_int_eq(reply_head_encode(&answered, &out), OK);
    ends_as(&out, "recovery", "answered");
    ck_assert_int_eq(reply_head_decode(value("recovery", "told"), &region, &told, NULL), OK);
    ck_assert_uint_eq(told.code, REFUSAL_LOG_OTHER);
    ck_assert_uint_eq(told.recovery_count, 1);
    ck_assert(span_equal(told.recoveries[0].statement, value("recovery", "statement")));
    out = output();
    ck_assert_int_eq(reply_head_encode(&told, &out), OK);
    ends_as(&out, "recovery", "told");
}
END_TEST

/* The three records of a recovery. */
START_TEST(test_recovery_leaves)
{
    static const char *const names[] = {"leaf_opened", "leaf_anew", "leaf_gap"};
    struct leaf_record records[3];
    for (size_t i = 0; i < 3; i++) {
        struct buf out = output();
        ck_assert_int_eq(
            leaf_record_decode(value("recovery", names[i]), &region, &records[i], NULL), OK);
        ck_assert_int_eq(leaf_record_encode(&records[i], &out), OK);
        ends_as(&out, "recovery", names[i]);
    }
    ck_assert_int_eq(records[0].kind, LEAF_RECOVERY);
    ck_assert(records[0].has_recovery);
    ck_assert(span_equal(records[0].recovery.statement, value("recovery", "statement")));
    ck_assert(records[1].has_recovered && records[1].recovered.late);
    ck_assert_uint_eq(records[1].recovered.log, 1790000100);
    ck_assert_int_eq(records[2].kind, LEAF_GAP);
    ck_assert(records[2].has_gap);
    ck_assert_uint_eq(records[2].gap.range_count, 4);
    ck_assert_str_eq(records[2].gap.without, "health court");
}
END_TEST

START_TEST(test_reply)
{
    struct sign_key key = sign_key_value("log");
    struct reply_check check = {&key.public_key, 1, digest_value("request", "head_digest")};
    struct reply reply;
    ck_assert_int_eq(reply_open(value("reply", "reply"), &check, &region, &reply, NULL), OK);
    ck_assert(reply.authentic);
    ck_assert_int_eq(reply.head.laboratory_offset_ms, -60000);
    ck_assert_uint_eq(reply.head.hello.next_counter, 42);
    struct digest digests[3] = {digest_value("reply", "digest_before"),
                                reply_digest(value("reply", "head")),
                                digest_value("reply", "digest_after")};
    struct digest expected = digest_value("reply", "digest");
    ck_assert(digest_equal(&digests[1], &expected));
    struct sign_batch batch;
    struct batch_proof proof;
    struct buf out = output();
    ck_assert_int_eq(sign_batch_make(&key, digests, 3, &region, &batch), OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 1, &region, &proof), OK);
    ck_assert_int_eq(reply_encode(value("reply", "head"), &proof, &out), OK);
    ends_as(&out, "reply", "reply");
    out = output();
    ck_assert_int_eq(reply_head_encode(&reply.head, &out), OK);
    ends_as(&out, "reply", "head");
}
END_TEST

/* The example of the page: a PING, byte by byte, in lines of 32 bytes. */
START_TEST(test_example)
{
    struct sign_key key = sign_key_value("request");
    struct buf page, out = output();
    struct span connection = value("ping", "connection");
    struct request request;
    char hex[65];
    ck_assert_int_eq(request_build(&key, value("ping", "head"), NULL, 0, &out), OK);
    ends_as(&out, "ping", "request");
    ck_assert_int_eq(request_parse(value("ping", "request"), &region, &request, NULL), OK);
    ck_assert_int_eq(request.head.kind, REQUEST_PING);
    ck_assert_int_eq(request_verify(&request, key.public_key), OK);
    buf_init(&page, 1u << 20);
    ck_assert_int_eq(file_read("docs/protocol.md", &page, NULL), OK);
    ck_assert_uint_gt(connection.len, 20);
    for (size_t i = 0; i < connection.len; i += 32) {
        size_t len = connection.len - i < 32 ? connection.len - i : 32;
        hex_encode(span_of(connection.data + i, len), hex);
        ck_assert_msg(memmem(page.data, page.len, hex, 2 * len) != NULL, "line %zu", i / 32);
    }
    buf_free(&page);
}
END_TEST

/* Each line of the table of docs/protocol.md, and no code without a line. */
START_TEST(test_refusals_are_documented)
{
    struct buf page;
    char row[128];
    size_t known = 0;
    buf_init(&page, 1u << 20);
    ck_assert_int_eq(file_read("docs/protocol.md", &page, NULL), OK);
    ck_assert_int_eq(buf_append(&page, "", 1), OK);
    const char *text = (const char *)page.data;
    for (unsigned code = 1; code < 200; code++) {
        const char *name = refusal_name((enum refusal)code);
        bool strange = strcmp(name, "unknown") == 0;
        (void)snprintf(row, sizeof(row), "\n| %u | `%s` |", code, name);
        ck_assert_msg((strstr(text, row) != NULL) != strange, "%u %s", code, name);
        if (strange) {
            (void)snprintf(row, sizeof(row), "\n| %u | `", code);
            ck_assert_msg(strstr(text, row) == NULL, "%u has a line and no name", code);
        }
        known += !strange;
    }
    ck_assert_uint_gt(known, 30);
    buf_free(&page);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vectors");
    TCase *tcase = tcase_create("vectors");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_request);
    tcase_add_test(tcase, test_message);
    tcase_add_test(tcase, test_sealing);
    tcase_add_test(tcase, test_matter);
    tcase_add_test(tcase, test_attachment);
    tcase_add_test(tcase, test_log);
    tcase_add_test(tcase, test_checkpoint_and_receipt);
    tcase_add_test(tcase, test_recovery);
    tcase_add_test(tcase, test_hand_back);
    tcase_add_test(tcase, test_recovery_leaves);
    tcase_add_test(tcase, test_reply);
    tcase_add_test(tcase, test_example);
    tcase_add_test(tcase, test_refusals_are_documented);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

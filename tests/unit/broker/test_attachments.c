/* broker/blobs on the real core under a simulated clock: what may be uploaded, referred to, fetched
 * and what is collected; and everything that an agency may try that it must not. */
#include <stdio.h>
#include <string.h>

#include "broker/acts.h"
#include "model/attachment.h"
#include "scenario/world.h"
#include "store/blobs.h"
#include "store/uploads.h"
#include "unit/suite.h"

#define DAY_MS UINT64_C(86400000)

static struct world world;
static struct actor *sender, *receiver, *stranger;
static uint8_t bytes[700000];
static struct digest digest;

static void setup(void)
{
    world_open(&world);
    world.wall_ms = UINT64_C(1788000000000); /* August 2026 */
    world.policy->attachments_required = true;
    world_start(&world);
    sender = world_actor(&world, "procuratorate");
    receiver = world_actor(&world, "education");
    stranger = world_actor(&world, "civil-affairs");
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i / 11);
    }
    digest = crypto_digest(span_of(bytes, sizeof(bytes)));
}

static void teardown(void)
{
    world_close(&world);
}

struct got { /* of a reply */
    enum refusal refusal;
    uint64_t have, size;
    bool complete;
    size_t data_bytes;
    bool same; /* the data is `bytes` at that place */
};

static struct got ask(struct actor *actor, struct asking *asking)
{
    struct region region;
    struct reply reply;
    struct got got = {.refusal = REFUSAL_NONE};

    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    ck_assert(actor_request(&world, actor, asking, &region, &reply));
    got.refusal = (enum refusal)reply.head.code;
    if (reply.head.kind == REPLY_BLOB_PUT) {
        got.have = reply.head.blob_put.have;
        got.complete = reply.head.blob_put.complete;
    } else if (reply.head.kind == REPLY_BLOB_GET) {
        struct span data = reply.head.blob_get.data;

        got.size = reply.head.blob_get.size;
        got.data_bytes = data.len;
        got.same =
            data.len == 0 || memcmp(data.data, bytes + asking->head.blob_get.offset, data.len) == 0;
    }
    region_free(&region);
    return got;
}

static struct got put_as(struct actor *actor, uint64_t size, uint64_t offset, struct span data)
{
    struct asking asking = {.head = {.kind = REQUEST_BLOB_PUT}};

    asking.head.blob_put.digest = digest;
    asking.head.blob_put.size = size;
    asking.head.blob_put.offset = offset;
    asking.head.blob_put.data = data;
    return ask(actor, &asking);
}

static struct got put(size_t offset, size_t len)
{
    return put_as(sender, sizeof(bytes), offset, span_of(bytes + offset, len));
}

static struct got get(struct actor *actor, uint64_t offset)
{
    struct asking asking = {.head = {.kind = REQUEST_BLOB_GET}};

    asking.head.blob_get.digest = digest;
    asking.head.blob_get.offset = offset;
    return ask(actor, &asking);
}

static void upload(void)
{
    ck_assert(!put(0, 400000).complete);
    ck_assert(put(400000, 300000).complete);
}

/* A referral of the sender's to the receiver with one material that is there. */
static enum refusal refer_as(struct actor *actor, struct actor *to, uint64_t sealed_bytes)
{
    static uint8_t counter;
    struct material materials[5];
    struct message message;
    uint8_t random[10] = {0, ++counter, 1};

    memset(&message, 0, sizeof(message));
    memset(materials, 0, sizeof(materials));
    for (uint32_t i = 0; i < 5; i++) {
        materials[i].kind = i + 1;
        materials[i].missing_reason = 7;
    }
    materials[2] = (struct material){.kind = 3, .digest = digest, .sealed_bytes = sealed_bytes};
    message.header.kind = actor == sender ? MESSAGE_OUTBOUND_REFERRAL : MESSAGE_INBOUND_REFERRAL;
    message.header.message_id = uuid_v7(world.wall_ms, random);
    random[0] = 1;
    message.header.case_id = uuid_v7(world.wall_ms, random);
    random[0] = 2;
    message.header.referral_id = uuid_v7(world.wall_ms, random);
    text_copy(message.header.sender, sizeof(message.header.sender), actor->agency->id);
    text_copy(message.header.recipient, sizeof(message.header.recipient), to->agency->id);
    (void)snprintf(message.header.case_number, LIMIT_NUMBER_BYTES, "%s-2026-%04u",
                   actor->agency->prefix, ++actor->cases);
    (void)snprintf(message.header.referral_number, LIMIT_NUMBER_BYTES, "%.24s-01",
                   message.header.case_number);
    message.body_present = true;
    message.body_fields = BODY_OFFICER | BODY_PERSONS | BODY_CIRCUMSTANCES | BODY_REASONS;
    message.referral.ground = 401;
    message.referral.person_count = 1;
    message.referral.materials = materials;
    message.referral.material_count = 5;
    ck_assert(actor_send(&world, actor, &message));
    return world.refusal;
}

static enum refusal refer(void)
{
    return refer_as(sender, receiver, sizeof(bytes));
}

START_TEST(test_upload_refer_fetch)
{
    ck_assert_int_eq(refer(), REFUSAL_ATTACHMENT);
    ck_assert_str_eq(world.detail, "facts.materials[2].digest: not uploaded by the sender, or of "
                                   "another size");
    ck_assert_uint_eq(put_as(sender, sizeof(bytes), 0, span_of(NULL, 0)).have, 0);
    ck_assert_uint_eq(put(0, 400000).have, 400000);
    ck_assert_int_eq(refer(), REFUSAL_ATTACHMENT); /* not all of it */
    ck_assert_int_eq(get(receiver, 0).refusal, REFUSAL_BLOB_UNKNOWN);
    struct got got = put(400000, 300000);
    ck_assert(got.complete && got.have == sizeof(bytes));
    ck_assert_int_eq(get(receiver, 0).refusal, REFUSAL_BLOB_UNKNOWN); /* no message yet */
    ck_assert_int_eq(get(sender, 0).refusal, REFUSAL_NONE);           /* its own */
    ck_assert_int_eq(refer(), REFUSAL_NONE);
    got = get(receiver, 0);
    ck_assert(got.refusal == REFUSAL_NONE && got.size == sizeof(bytes) && got.same);
    ck_assert_uint_eq(got.data_bytes, LIMIT_BLOB_CHUNK_BYTES);
    got = get(receiver, LIMIT_BLOB_CHUNK_BYTES);
    ck_assert(got.data_bytes == sizeof(bytes) - LIMIT_BLOB_CHUNK_BYTES && got.same);
    ck_assert_uint_eq(get(receiver, sizeof(bytes)).data_bytes, 0);
    ck_assert_uint_eq(get(receiver, UINT64_MAX).data_bytes, 0);
    ck_assert_int_eq(get(stranger, 0).refusal, REFUSAL_BLOB_UNKNOWN);
}
END_TEST

START_TEST(test_resumed)
{
    struct got got = put(0, 100000);
    ck_assert_uint_eq(got.have, 100000);
    ck_assert_uint_eq(put(0, 200000).have, 100000);      /* from before: nothing is written */
    ck_assert_uint_eq(put(50000, 100000).have, 100000);  /* overlaps */
    ck_assert_uint_eq(put(150000, 100000).have, 100000); /* leaves a gap */
    world_crash(&world);
    world_start(&world);
    got = put_as(sender, sizeof(bytes), 0, span_of(NULL, 0));
    ck_assert(got.have == 100000 && !got.complete);
    ck_assert_uint_eq(put(100000, 500000).have, 600000);
    world_crash(&world);
    world_start(&world);
    ck_assert(put(600000, 100000).complete);
    world_crash(&world);
    world_start(&world);
    ck_assert(put_as(sender, sizeof(bytes), 0, span_of(NULL, 0)).complete);
    ck_assert(put(0, 1000).complete); /* and stays so */
    ck_assert_int_eq(refer(), REFUSAL_NONE);
}
END_TEST

START_TEST(test_sizes)
{
    struct span some = span_of(bytes, 1000);
    ck_assert_int_eq(put_as(sender, 0, 0, some).refusal, REFUSAL_BLOB_SIZE);
    ck_assert_int_eq(put_as(sender, 999, 0, some).refusal, REFUSAL_BLOB_SIZE);
    ck_assert_int_eq(put_as(sender, 1500, 1000, some).refusal, REFUSAL_BLOB_SIZE);
    ck_assert_int_eq(put_as(sender, 1500, UINT64_MAX, some).refusal, REFUSAL_BLOB_SIZE);
    ck_assert_int_eq(put_as(sender, ATTACHMENT_SEALED_MAX + 1, 0, some).refusal, REFUSAL_BLOB_SIZE);
    ck_assert_int_eq(put_as(sender, 21u << 20, 0, some).refusal, REFUSAL_BLOB_SIZE);
    ck_assert_int_eq(put_as(sender, ATTACHMENT_SEALED_MAX, 0, some).refusal, REFUSAL_NONE);
    ck_assert_int_eq(put_as(sender, 5000, 0, some).refusal, REFUSAL_BLOB_SIZE); /* otherwise */
}
END_TEST

/* The message must name the size that was uploaded, and its own agency's upload. */
START_TEST(test_lies)
{
    upload();
    ck_assert_int_eq(refer_as(sender, receiver, sizeof(bytes) - 1), REFUSAL_ATTACHMENT);
    ck_assert_int_eq(refer_as(receiver, sender, sizeof(bytes)), REFUSAL_ATTACHMENT);
    ck_assert_uint_eq(put_as(receiver, sizeof(bytes), 0, span_of(NULL, 0)).have, 0);
    ck_assert_int_eq(refer_as(receiver, sender, sizeof(bytes)), REFUSAL_ATTACHMENT);
    ck_assert_int_eq(get(receiver, 0).refusal, REFUSAL_BLOB_UNKNOWN);
    ck_assert_int_eq(refer(), REFUSAL_NONE);
}
END_TEST

START_TEST(test_another_digest)
{
    bytes[5] ^= 1;
    ck_assert_uint_eq(put(0, 400000).have, 400000);
    ck_assert_int_eq(put(400000, 300000).refusal, REFUSAL_BLOB_DIGEST);
    ck_assert_int_eq(refer(), REFUSAL_ATTACHMENT);
    bytes[5] ^= 1;
    ck_assert_uint_eq(put_as(sender, sizeof(bytes), 0, span_of(NULL, 0)).have, 0);
    upload();
    ck_assert_int_eq(refer(), REFUSAL_NONE);
}
END_TEST

/* What nobody refers to goes after a week; what a message refers to stays; a started part goes too,
 * and another agency's upload of the same bytes is not lost with it. */
START_TEST(test_collected)
{
    struct digest kept = digest;
    struct act act = {
        .name = "clock-confirm", .about = "", .role = "operator", .reason = span_text("test")};
    ck_assert_int_eq(broker_clock_confirm(world.broker, &act), OK); /* else nothing is collected */
    upload();
    ck_assert_int_eq(refer(), REFUSAL_NONE);
    bytes[0] ^= 1;
    digest = crypto_digest(span_of(bytes, sizeof(bytes)));
    upload();
    ck_assert(!put_as(receiver, sizeof(bytes), 0, span_of(bytes, 400000)).complete);
    ck_assert(put_as(receiver, sizeof(bytes), 400000, span_of(bytes + 400000, 300000)).complete);
    world_pass(&world, 6 * DAY_MS);
    ck_assert(put_as(receiver, sizeof(bytes), 0, span_of(NULL, 0)).complete); /* touched */
    world_pass(&world, 2 * DAY_MS);
    ck_assert_uint_eq(put_as(sender, sizeof(bytes), 0, span_of(NULL, 0)).have, 0);
    ck_assert_int_eq(get(sender, 0).refusal, REFUSAL_BLOB_UNKNOWN);
    ck_assert(get(receiver, 0).same);
    uint64_t size = 0;
    ck_assert_int_eq(blobs_size(world.blobs, &digest, &size), OK);
    world_pass(&world, 8 * DAY_MS);
    ck_assert_int_eq(get(receiver, 0).refusal, REFUSAL_BLOB_UNKNOWN);
    ck_assert_int_eq(blobs_size(world.blobs, &digest, &size), ERR_NOT_FOUND);
    ck_assert_int_eq(blobs_size(world.blobs, &kept, &size), OK);
    bytes[0] ^= 1;
    digest = kept;
    ck_assert(get(receiver, 0).same);
    struct broker_counts counts;
    broker_count(world.broker, &counts);
    ck_assert_uint_eq(counts.blobs_collected, 2);
    ck_assert_uint_eq(counts.blob_bytes_in, 3 * sizeof(bytes));
}
END_TEST

/* The turn that wrote the first piece was given up: its bytes are there, its row is not. */
START_TEST(test_a_part_without_a_row_ended_the_broker)
{
    char part[DIGEST_TEXT_BYTES + 6], hex[DIGEST_TEXT_BYTES];

    digest_format(&digest, hex);
    (void)snprintf(part, sizeof(part), "%05u-%s", (unsigned)sender->agency->number, hex);
    ck_assert_int_eq(blobs_part_append(world.blobs, part, 0, span_of(bytes + 7, 5000)), OK);
    ck_assert_uint_eq(put(0, 400000).have, 400000);
    ck_assert(put(400000, 300000).complete);
    ck_assert(get(sender, 0).same);
}
END_TEST

/* Files that a crash left without a row are swept away by the next start. */
START_TEST(test_swept)
{
    struct digest found;
    uint64_t size = 0;
    ck_assert_uint_eq(put(0, 1000).have, 1000);
    ck_assert_int_eq(blobs_part_append(world.blobs, "stray", 0, span_of(bytes, 9)), OK);
    ck_assert_int_eq(blobs_part_finish(world.blobs, "stray", NULL, &found), OK);
    world_crash(&world);
    world_start(&world);
    ck_assert_int_eq(blobs_size(world.blobs, &found, &size), ERR_NOT_FOUND);
    ck_assert_int_eq(blobs_part_bytes(world.blobs, "stray", &size), OK);
    ck_assert_uint_eq(size, 0);
    ck_assert_uint_eq(put_as(sender, sizeof(bytes), 0, span_of(NULL, 0)).have, 1000);
}
END_TEST

START_TEST(test_too_many_wait)
{
    uint8_t piece[64] = {0};
    struct upload upload = {.agency = sender->agency->number, .size = 5000, .touched_ms = 1};
    struct store_txn *txn;
    ck_assert_int_eq(store_begin(world.store, &txn), OK);
    for (unsigned i = 4; i < LIMIT_BLOBS_WAITING; i++) {
        be32_put(upload.digest.bytes, i);
        ck_assert_int_eq(upload_put(txn, &upload), OK);
    }
    ck_assert_int_eq(store_commit(txn), OK);
    for (unsigned i = 0; i < 4; i++) {
        be32_put(digest.bytes, i);
        ck_assert_uint_eq(put_as(sender, 5000, 0, span_of(piece, 64)).have, 64);
    }
    be32_put(digest.bytes, LIMIT_BLOBS_WAITING);
    ck_assert_int_eq(put_as(sender, 5000, 0, span_of(piece, 64)).refusal, REFUSAL_UPLOADS);
    ck_assert_int_eq(put_as(receiver, 5000, 0, span_of(piece, 64)).refusal, REFUSAL_NONE);
    be32_put(digest.bytes, 3);
    ck_assert_uint_eq(put_as(sender, 5000, 64, span_of(piece, 64)).have, 128); /* goes on */
}
END_TEST

START_TEST(test_full_disk)
{
    ck_assert_uint_eq(put(0, 400000).have, 400000);
    world.blobs_percent = 1; /* no disk is that empty */
    world_crash(&world);
    world_start(&world);
    ck_assert_int_eq(put(400000, 300000).refusal, REFUSAL_STORE_FULL);
    ck_assert_uint_eq(put_as(sender, sizeof(bytes), 0, span_of(NULL, 0)).have, 400000);
    world.blobs_percent = 100;
    world_crash(&world);
    world_start(&world);
    ck_assert(put(400000, 300000).complete);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attachments");
    TCase *tests = tcase_create("attachments");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_upload_refer_fetch);
    tcase_add_test(tests, test_resumed);
    tcase_add_test(tests, test_sizes);
    tcase_add_test(tests, test_lies);
    tcase_add_test(tests, test_another_digest);
    tcase_add_test(tests, test_collected);
    tcase_add_test(tests, test_a_part_without_a_row_ended_the_broker);
    tcase_add_test(tests, test_swept);
    tcase_add_test(tests, test_too_many_wait);
    tcase_add_test(tests, test_full_disk);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

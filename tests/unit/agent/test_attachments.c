/* agent: attachments: what is added, over restarts; a message waits for its own and is not
 * overtaken; what the broker says of them; what comes is verified before it is believed. */
#include <stdio.h>
#include <unistd.h>

#include "agent/attachments.h"
#include "fake_broker.h"
#include "model/refusal.h"
#include "store/blobs.h"
#include "wire/attachment_seal.h"

static struct realm realm;
static struct desk desk;
static struct fake fake;
static uint8_t plain[700000];

static void setup(void)
{
    realm_open(&realm);
    realm.policy->attachments_required = true;
    desk_open(&desk, &realm, "procuratorate");
    fake_open(&fake, &desk);
    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = i < 5 ? (uint8_t) "%PDF-"[i] : (uint8_t)(i / 13);
    }
}

static void teardown(void)
{
    fake_close(&fake);
    desk_close(&desk);
    realm_close(&realm);
}

static struct attachment attach(size_t len)
{
    const struct attachment_declared declared = {.name = "a.pdf"};
    struct attachment attachment;
    struct fault fault = {.code = ""};
    ck_assert_msg(
        attachments_add(desk.agent, &declared, span_of(plain, len), &attachment, &fault) == OK,
        "%s %s", fault.code, fault.message);
    return attachment;
}

/* SAY_OUTBOUND with this as its first material. */
static void say_with(const struct digest *digest)
{
    const char *shipped = "'missing':'not-issued-yet'";
    const char *at = strstr(SAY_OUTBOUND, shipped);
    char message[4096], hex[DIGEST_TEXT_BYTES];
    digest_format(digest, hex);
    (void)snprintf(message, sizeof(message), "%.*s'digest':'%s'%s", (int)(at - SAY_OUTBOUND),
                   SAY_OUTBOUND, hex, at + strlen(shipped));
    desk_say(&desk, message);
}

static const struct request_head *asked(void)
{
    ck_assert(desk.asks[SLOT_BLOB].open);
    return &desk.asks[SLOT_BLOB].request.head;
}

static void answer_put(uint64_t have, bool complete)
{
    struct reply_head head = {.kind = REPLY_BLOB_PUT};
    ck_assert_int_eq(asked()->kind, REQUEST_BLOB_PUT);
    head.blob_put.have = have;
    head.blob_put.complete = complete;
    fake_answer(&fake, SLOT_BLOB, &head, NULL);
}

/* --- adding --- */

START_TEST(test_added_over_restarts)
{
    const struct attachment_declared declared = {.name = "a.pdf", .plain_bytes = sizeof(plain)};
    struct attachment_progress progress = {.have = 0};
    struct attachment_piece piece = {.offset = 0};
    struct fault fault = {.code = ""};
    struct buf back;
    ck_assert_int_eq(attachments_begin(desk.agent, &declared, &piece.upload, &fault), OK);
    while (!progress.complete) {
        size_t left = sizeof(plain) - progress.have;
        piece.offset = progress.have;
        piece.bytes = span_of(plain + piece.offset, left < 100001 ? left : 100001);
        ck_assert_int_eq(attachments_append(desk.agent, &piece, &progress, &fault), OK);
        if (!progress.complete) {
            desk_restart(&desk);
            uint64_t before = progress.have;
            ck_assert_int_eq(attachments_progress(desk.agent, &piece.upload, &progress, &fault),
                             OK);
            ck_assert_uint_eq(progress.have,
                              before / ATTACHMENT_CHUNK_BYTES * ATTACHMENT_CHUNK_BYTES);
        }
    }
    ck_assert_uint_eq(progress.attachment.sealed_bytes, attachment_sealed_bytes(sizeof(plain)));
    buf_init(&back, LIMIT_ATTACHMENT_BYTES);
    ck_assert_int_eq(attachments_open(desk.agent, &progress.attachment.digest, &back, &fault), OK);
    ck_assert_uint_eq(back.len, sizeof(plain));
    ck_assert_mem_eq(back.data, plain, back.len);
    buf_clear(&back);
    const struct attachment_range range = {.offset = 65000, .max = 70000};
    ck_assert_int_eq(
        attachments_open_part(desk.agent, &progress.attachment.digest, range, &back, &fault), OK);
    ck_assert_uint_eq(back.len, 70000);
    ck_assert_mem_eq(back.data, plain + 65000, back.len);
    buf_free(&back);
}
END_TEST

/* The answer to the last bytes was lost: whatever is asked of the upload is answered by what it
 * became, also after a restart, and nothing is attached a second time. */
START_TEST(test_the_last_answer_is_given_again)
{
    const struct attachment_declared declared = {.name = "a.pdf", .plain_bytes = 1000};
    struct attachment_progress progress, again = {.have = 0};
    struct attachment_piece piece = {.bytes = span_of(plain, 1000)};
    struct fault fault = {.code = ""};
    ck_assert_int_eq(attachments_begin(desk.agent, &declared, &piece.upload, &fault), OK);
    ck_assert_int_eq(attachments_append(desk.agent, &piece, &progress, &fault), OK);
    ck_assert(progress.complete);
    desk_restart(&desk);
    ck_assert_int_eq(attachments_append(desk.agent, &piece, &again, &fault), OK);
    ck_assert(again.complete && again.have == 1000);
    ck_assert(digest_equal(&again.attachment.digest, &progress.attachment.digest));
    again.complete = false;
    ck_assert_int_eq(attachments_progress(desk.agent, &piece.upload, &again, &fault), OK);
    ck_assert(again.complete);
    ck_assert(digest_equal(&again.attachment.digest, &progress.attachment.digest));
}
END_TEST

/* --- what nobody sends --- */

#define DAY_MS UINT64_C(86400000)

static bool is_attached(const struct digest *digest)
{
    struct attachment attachment;
    struct fault fault = {.code = ""};
    char path[200], hex[DIGEST_TEXT_BYTES];
    bool known = attachments_find(desk.agent, digest, &attachment, &fault) == OK;
    digest_format(digest, hex);
    (void)snprintf(path, sizeof(path), "%s/attachments/%.2s/%s", desk.folder, hex, hex + 2);
    ck_assert_int_eq(access(path, F_OK) == 0, known); /* the file goes with its row */
    return known;
}

static bool is_under_way(const struct uuid *upload)
{
    struct attachment_progress progress;
    struct fault fault = {.code = ""};
    return attachments_progress(desk.agent, upload, &progress, &fault) == OK;
}

/* Daily: a file that no message names is gone after 31 days, counted anew when a draft with it is
 * saved; one that a message names stays, whatever became of that; what was begun is gone after a
 * week. */
START_TEST(test_what_nobody_sends_is_swept)
{
    const struct attachment_declared declared = {.name = "a.pdf", .plain_bytes = sizeof(plain)};
    struct attachment_piece begun = {.bytes = span_of(plain, 200000)};
    struct attachment_progress progress;
    struct fault fault = {.code = ""};
    fake_begin(&fake);
    struct attachment sent = attach(1000), drafted = attach(2000), forgotten = attach(3000);
    ck_assert_int_eq(attachments_begin(desk.agent, &declared, &begun.upload, &fault), OK);
    ck_assert_int_eq(attachments_append(desk.agent, &begun, &progress, &fault), OK);
    say_with(&sent.digest);
    desk_pass(&desk, 6 * DAY_MS);
    ck_assert(is_under_way(&begun.upload));
    desk_pass(&desk, 2 * DAY_MS);
    ck_assert(!is_under_way(&begun.upload));
    ck_assert_int_eq(attachments_keep(desk.agent, &drafted.digest), OK);
    ck_assert_int_eq(attachments_keep(desk.agent, &sent.digest), OK);
    desk_pass(&desk, 22 * DAY_MS);
    ck_assert(is_attached(&forgotten.digest)); /* 30 days */
    desk_pass(&desk, 2 * DAY_MS);
    ck_assert(!is_attached(&forgotten.digest));
    ck_assert(is_attached(&drafted.digest));
    ck_assert(is_attached(&sent.digest));
    desk_pass(&desk, 8 * DAY_MS);
    ck_assert(!is_attached(&drafted.digest));
    ck_assert(is_attached(&sent.digest));
    ck_assert_int_eq(attachments_keep(desk.agent, &drafted.digest), OK); /* gone: nothing */
}
END_TEST

/* More than one sweep removes at once, all found at a start. */
START_TEST(test_many_are_swept_at_a_start)
{
    struct digest digests[40];
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        digests[i] = attach(1000 + i).digest;
    }
    desk.wall_ms += 32 * DAY_MS; /* as if it had been down */
    desk_restart(&desk);
    size_t left = 0;
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        left += is_attached(&digests[i]);
    }
    ck_assert_uint_gt(left, 0); /* each waits for the disk: some now, */
    ck_assert_uint_lt(left, COUNT_OF(digests));
    desk_pass(&desk, 2000); /* some then */
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        ck_assert(!is_attached(&digests[i]));
    }
}
END_TEST

/* --- a message waits for its attachment --- */

START_TEST(test_carried_before_its_message)
{
    fake_begin(&fake);
    struct attachment attachment = attach(sizeof(plain));
    say_with(&attachment.digest);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    ck_assert_uint_eq(asked()->blob_put.data.len, 0); /* first it asks */
    ck_assert_uint_eq(asked()->blob_put.size, attachment.sealed_bytes);
    answer_put(100000, false);
    ck_assert_uint_eq(asked()->blob_put.offset, 100000);
    ck_assert_uint_eq(asked()->blob_put.data.len, LIMIT_BLOB_CHUNK_BYTES);
    desk_fail(&desk, SLOT_BLOB, ERR_UNREACHABLE); /* the answer is lost */
    desk_pass(&desk, 20000);
    ck_assert_uint_eq(asked()->blob_put.offset, 100000);
    answer_put(100000 + LIMIT_BLOB_CHUNK_BYTES, false); /* it had come */
    ck_assert_uint_eq(asked()->blob_put.offset, 100000 + LIMIT_BLOB_CHUNK_BYTES);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    answer_put(attachment.sealed_bytes, true);
    ck_assert(desk.asks[SLOT_SUBMIT].open);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert_uint_eq(events_of(&desk, "accepted"), 1);
    say_with(&attachment.digest); /* the broker has it: no question for a day */
    ck_assert(desk.asks[SLOT_SUBMIT].open);
}
END_TEST

/* Another referral goes, one that follows in the same does not. */
START_TEST(test_not_overtaken)
{
    fake_begin(&fake);
    struct attachment attachment = attach(1000);
    say_with(&attachment.digest);
    struct json_value outbox = desk_must(&desk, "{'cmd':'outbox'}");
    char number[LIMIT_NUMBER_BYTES], line[256];
    text_copy(number, sizeof(number), text_at(outbox, "rows.0.referral"));
    (void)snprintf(line, sizeof(line),
                   "{'kind':'withdrawal','referral':'%s','facts':{'reason':'duplicate'},"
                   "'body':{'officer':'O'}}",
                   number);
    desk_say(&desk, line);
    desk_refer(&desk, "civil-affairs");
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    answer_put(attachment.sealed_bytes, true);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert_uint_eq(events_of(&desk, "accepted"), 3);
}
END_TEST

/* A restart asks the broker again, and what is refused for good does not block the outbox. */
START_TEST(test_refused_for_good)
{
    fake_begin(&fake);
    struct attachment attachment = attach(1000), after;
    struct fault fault = {.code = ""};
    say_with(&attachment.digest);
    fake_refuse(&fake, SLOT_BLOB, REFUSAL_STORE_FULL, 3000);
    ck_assert(!desk.asks[SLOT_BLOB].open && !desk.asks[SLOT_SUBMIT].open);
    desk_pass(&desk, 3000);
    fake_refuse(&fake, SLOT_BLOB, REFUSAL_BLOB_DIGEST, 0);
    ck_assert_ptr_nonnull(strstr(desk_alarm(&desk), "attach it anew"));
    ck_assert_uint_eq(events_of(&desk, "alarm"), 1);
    ck_assert(desk.asks[SLOT_SUBMIT].open); /* the broker says what it thinks of the message */
    ck_assert_int_eq(attachments_find(desk.agent, &attachment.digest, &after, &fault), OK);
    ck_assert_int_eq(after.state, ATTACHMENT_DOES_NOT_OPEN);
}
END_TEST

/* --- what comes --- */

static struct buf sealed;
static struct digest digest;

/* A lead with one material, whose sealed bytes are `sealed`. `bend`: the key is another. */
static void receive(bool bend)
{
    struct attachment_cipher cipher;
    uint8_t key[AEAD_KEY_BYTES] = {7};
    struct parcel parcel;
    struct material material = {.kind = 6};
    struct body_attachment opens = {.name = "a.pdf", .type = 1, .plain_bytes = sizeof(plain)};
    buf_init(&sealed, ATTACHMENT_SEALED_MAX);
    ck_assert_int_eq(attachment_cipher_init(key, sizeof(plain), &cipher), OK);
    ck_assert_int_eq(attachment_seal(&cipher, span_of(plain, sizeof(plain)), &sealed), OK);
    digest = crypto_digest(span_buf(&sealed));
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcel);
    material.digest = digest;
    material.sealed_bytes = sealed.len;
    parcel.message.referral.materials = &material;
    parcel.message.referral.material_count = 1;
    parcel.message.body_fields |= BODY_ATTACHMENTS;
    memcpy(opens.key, key, sizeof(key));
    opens.key[0] ^= bend;
    parcel.body.attachments = &opens;
    parcel.body.attachment_count = 1;
    fake_deliver(&fake, &parcel, 1, NULL);
    parcel_free(&parcel);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_ACK), 1); /* does not wait for it */
    ck_assert_uint_eq(events_of(&desk, "received"), 1);
}

static void answer_get(size_t max)
{
    struct reply_head head = {.kind = REPLY_BLOB_GET};
    ck_assert_int_eq(asked()->kind, REQUEST_BLOB_GET);
    size_t offset = (size_t)asked()->blob_get.offset;
    size_t left = sealed.len - offset;
    head.blob_get.size = sealed.len;
    head.blob_get.data = span_of(sealed.data + offset, left < max ? left : max);
    fake_answer(&fake, SLOT_BLOB, &head, NULL);
}

static enum attachment_state state(void)
{
    struct attachment attachment;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(attachments_find(desk.agent, &digest, &attachment, &fault), OK);
    return attachment.state;
}

START_TEST(test_fetched_over_a_restart)
{
    struct fault fault = {.code = ""};
    struct buf back;
    receive(false);
    ck_assert_int_eq(state(), ATTACHMENT_ON_THE_WAY);
    ck_assert_uint_eq(number_at(desk_must(&desk, "{'cmd':'status'}"), "attachments_on_the_way"), 1);
    answer_get(300000);
    desk_restart(&desk);
    fake_settle_session(&fake);
    ck_assert_uint_eq(asked()->blob_get.offset, 300000);
    answer_get(LIMIT_BLOB_CHUNK_BYTES);
    ck_assert_int_eq(state(), ATTACHMENT_HERE);
    ck_assert(!desk.asks[SLOT_BLOB].open);
    buf_init(&back, LIMIT_ATTACHMENT_BYTES);
    ck_assert_int_eq(attachments_open(desk.agent, &digest, &back, &fault), OK);
    ck_assert(span_equal(span_buf(&back), span_of(plain, sizeof(plain))));
    buf_free(&back);
    buf_free(&sealed);
}
END_TEST

/* Other bytes of the right length are an alarm; messages go on; ten minutes later it is asked for
 * again, and the right bytes end it. */
START_TEST(test_other_bytes)
{
    receive(false);
    sealed.data[99] ^= 1;
    answer_get(LIMIT_BLOB_CHUNK_BYTES);
    answer_get(LIMIT_BLOB_CHUNK_BYTES);
    ck_assert_int_eq(state(), ATTACHMENT_ON_THE_WAY);
    ck_assert_ptr_nonnull(strstr(desk_alarm(&desk), "another digest"));
    ck_assert_uint_eq(events_of(&desk, "alarm"), 1);
    ck_assert(!desk.asks[SLOT_BLOB].open && desk.asks[SLOT_FETCH].open);
    desk_refer(&desk, "civil-affairs");
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    sealed.data[99] ^= 1;
    desk_pass(&desk, 599000);
    ck_assert(!desk.asks[SLOT_BLOB].open);
    desk_pass(&desk, 1000);
    ck_assert_uint_eq(asked()->blob_get.offset, 0);
    answer_get(LIMIT_BLOB_CHUNK_BYTES);
    answer_get(LIMIT_BLOB_CHUNK_BYTES);
    ck_assert_int_eq(state(), ATTACHMENT_HERE);
    ck_assert_str_eq(desk_alarm(&desk), "");
    buf_free(&sealed);
}
END_TEST

START_TEST(test_another_size_and_nothing)
{
    struct reply_head head = {.kind = REPLY_BLOB_GET};
    receive(false);
    head.blob_get.size = sealed.len + 1;
    fake_answer(&fake, SLOT_BLOB, &head, NULL);
    ck_assert_ptr_nonnull(strstr(desk_alarm(&desk), "another size"));
    desk_restart(&desk);
    fake_settle_session(&fake);
    fake_refuse(&fake, SLOT_BLOB, REFUSAL_BLOB_UNKNOWN, 0);
    ck_assert_ptr_nonnull(strstr(desk_alarm(&desk), "does not have it"));
    ck_assert(!desk.asks[SLOT_BLOB].open);
    ck_assert_int_eq(state(), ATTACHMENT_ON_THE_WAY);
    buf_free(&sealed);
}
END_TEST

START_TEST(test_a_key_that_does_not_fit)
{
    struct fault fault = {.code = ""};
    struct buf back;
    receive(true);
    answer_get(LIMIT_BLOB_CHUNK_BYTES);
    answer_get(LIMIT_BLOB_CHUNK_BYTES);
    ck_assert_int_eq(state(), ATTACHMENT_DOES_NOT_OPEN);
    ck_assert_ptr_nonnull(strstr(desk_alarm(&desk), "ask its sender"));
    buf_init(&back, LIMIT_ATTACHMENT_BYTES);
    ck_assert_int_eq(attachments_open(desk.agent, &digest, &back, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "attachment.damaged");
    ck_assert_uint_eq(back.len, 0);
    buf_free(&back);
    buf_free(&sealed);
}
END_TEST

/* A file that somebody changed in this agency's own folder. */
START_TEST(test_changed_at_rest)
{
    struct fault fault = {.code = ""};
    struct attachment attachment = attach(sizeof(plain));
    char path[200], hex[DIGEST_TEXT_BYTES];
    struct buf back;
    digest_format(&attachment.digest, hex);
    (void)snprintf(path, sizeof(path), "%s/attachments/%.2s/%s", desk.folder, hex, hex + 2);
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 100000, SEEK_SET), 0);
    ck_assert_int_ne(fputs("!!!", file), EOF);
    ck_assert_int_eq(fclose(file), 0);
    buf_init(&back, LIMIT_ATTACHMENT_BYTES);
    ck_assert_int_eq(attachments_open(desk.agent, &attachment.digest, &back, &fault), ERR_FORGED);
    ck_assert_uint_eq(back.len, 0);
    buf_free(&back);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_attachments");
    TCase *tests = tcase_create("agent_attachments");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_added_over_restarts);
    tcase_add_test(tests, test_the_last_answer_is_given_again);
    tcase_add_test(tests, test_what_nobody_sends_is_swept);
    tcase_add_test(tests, test_many_are_swept_at_a_start);
    tcase_add_test(tests, test_carried_before_its_message);
    tcase_add_test(tests, test_not_overtaken);
    tcase_add_test(tests, test_refused_for_good);
    tcase_add_test(tests, test_fetched_over_a_restart);
    tcase_add_test(tests, test_other_bytes);
    tcase_add_test(tests, test_another_size_and_nothing);
    tcase_add_test(tests, test_a_key_that_does_not_fit);
    tcase_add_test(tests, test_changed_at_rest);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

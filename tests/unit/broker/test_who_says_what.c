/* Who may say what, at the real broker core: each of the eleven agencies in the name of each, every
 * kind of message, and in its own name to each other one, against a table of its own. Rows with an
 * article follow the agreement; where it is silent (receipts, letters, money, who of a class
 * answers whom) they were settled with config/policy.yaml in view, so these rows hold what is
 * shipped still and are no second opinion on it. A permitted row shows that policy lets the message
 * on, not that it is accepted: it is about nothing. With one procuratorate no row of P to P is
 * tried. And what a replay, another's message and a look at what is not one's own get. */
#include <stdio.h>
#include <string.h>

#include "scenario/world.h"
#include "store/store.h"
#include "unit/suite.h"

#define KINDS      33u /* that agencies send; the broker's own are 40 to 45 */
#define AGENCIES   11u
#define MINUTE_MS  UINT64_C(61000)
#define CODE_LATER 255u

/* --- the table: who may send what, by class; the procuratorates P, the social agencies S --- */

#define PS  1u /* from P to S */
#define SP  2u
#define SS  4u
#define PP  8u
#define ALL (PS | SP | SS | PP)

static const struct permitted {
    unsigned kind;
    unsigned ways;
    const char *why;
} table[KINDS] = {
    {1, PS, "Art. 6, 8: the procuratorate refers out"},
    {2, SP, "Art. 10: a social agency refers a lead to the procuratorate"},
    {3, PS | SP, "who received it signs for it"},
    {4, SP, "Art. 9: the social agency answers"},
    {5, PS, "Art. 11: the procuratorate answers"},
    {6, PS | SP, "Art. 9, 11: whose task it is tells the applicant"},
    {7, PS | SP, "Art. 9: papers come from either"},
    {8, PS | SP, "who referred takes it back"},
    {9, ALL, "whoever gets a message acknowledges it"},
    {10, ALL, "or returns it"},
    {11, PS | SP, "Art. 7 (6), 11: a party asks the other"},
    {12, PS | SP, "Art. 11 (2): and is answered"},
    {13, PS | SP, "Art. 5: help is reported to who referred"},
    {14, ALL, "a numbered document is replied to"},
    {15, PS | PP, "Art. 16: the procuratorate archives"},
    {16, PS | PP, "and re-opens"},
    {17, PS | PP, "Art. 16: the procuratorate visits"},
    {18, PS | PP, "Art. 16"},
    {19, ALL, "Art. 14: any member consults any"},
    {20, ALL, "Art. 14: and confers"},
    {21, ALL, "Art. 14: a promise is reported to whose conference it was"},
    {22, ALL, "Art. 13: the office invites all; wherever it is"},
    {23, ALL, "Art. 13: all answer it"},
    {24, PS | PP, "Art. 12: the procuratorate invites"},
    {25, SP | PP, "Art. 12: and is answered"},
    {26, PS | PP, "Art. 12: the opinion goes to who was there"},
    {27, ALL, "Art. 13: changes are told to the office"},
    {28, ALL, "Art. 13: which publishes the roster"},
    {29, PS | PP, "Art. 20: the procuratorate supervises the money"},
    {30, PS | PP, "Art. 20"},
    {31, PS | SP | PP, "a letter goes to or from the procuratorate"},
    {32, PS | SP | PP, "as does its answer"},
    {33, PS | SP, "a party corrects what it sent to the other"},
};

/* The members of the joint meeting: one procuratorate, ten social agencies. */
static const char *const members[AGENCIES] = {"procuratorate",        "education",
                                              "civil-affairs",        "justice",
                                              "human-resources",      "health",
                                              "rural-revitalization", "veterans-affairs",
                                              "youth-league",         "womens-federation",
                                              "disabled-federation"};

static bool is_permitted(unsigned kind, size_t from, size_t to)
{
    unsigned way = from == 0 ? PS : to == 0 ? SP : SS;
    return (table[kind - 1].ways & way) != 0;
}

/* --- asking --- */

static struct world world;
static struct actor *agencies[AGENCIES];
static uint32_t made;

static void setup(void)
{
    world_open(&world);
    world.wall_ms = UINT64_C(1788000000000);
    world_start(&world);
    ck_assert_uint_ge(world.actor_count, AGENCIES);
    for (size_t i = 0; i < AGENCIES; i++) {
        agencies[i] = world_actor(&world, members[i]);
        ck_assert_ptr_nonnull(agencies[i]);
    }
}

static void teardown(void)
{
    world_close(&world);
}

struct batch {
    struct buf payloads[LIMIT_BATCH_COUNT];
    struct span spans[LIMIT_BATCH_COUNT];
    unsigned code[LIMIT_BATCH_COUNT];
    size_t count;
};

static struct batch batch;

static void batch_clear(void)
{
    for (size_t i = 0; i < batch.count; i++) {
        buf_free(&batch.payloads[i]);
    }
    batch.count = 0;
}

static struct uuid new_id(void)
{
    uint8_t random[10] = {0};
    be32_put(random, ++made);
    return uuid_v7(world.wall_ms, random);
}

/* Numbers of the signer's own, which the broker looks at before it looks who may. */
static void number(struct message_header *header, const struct actor *signer)
{
    bool matter = header->kind == MESSAGE_INFORMATION_REQUEST ||
                  header->kind == MESSAGE_INFORMATION_REPLY ||
                  (header->kind >= MESSAGE_ARCHIVE && header->kind <= MESSAGE_LETTER_ANSWER);
    unsigned next = made % 9000 + 1000;
    if (matter) {
        (void)snprintf(header->referral_number, sizeof(header->referral_number),
                       "%.8s-SX-2026-%04u", signer->agency->prefix, next);
    } else {
        (void)snprintf(header->case_number, sizeof(header->case_number), "%.8s-2026-%04u",
                       signer->agency->prefix, next);
        (void)snprintf(header->referral_number, sizeof(header->referral_number),
                       "%.8s-2026-%04u-01", signer->agency->prefix, next);
    }
}

/* A message whose form is right; what it is about nobody knows. */
static void batch_add(unsigned kind, const struct actor *signer, const char *sender,
                      const char *recipient)
{
    struct message message;
    struct buf header, facts;
    struct payload parts;
    memset(&message, 0, sizeof(message));
    message.header.version = WIRE_VERSION;
    message.header.suite = crypto_suite();
    message.header.kind = (enum message_kind)kind;
    message.header.message_id = new_id();
    message.header.case_id = new_id();
    message.header.referral_id = new_id();
    message.header.sender_key = key_id_of(signer->sign.public_key);
    message.header.created_ms = world.wall_ms;
    number(&message.header, signer);
    text_copy(message.header.sender, sizeof(message.header.sender), sender);
    text_copy(message.header.recipient, sizeof(message.header.recipient), recipient);
    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    ck_assert_int_eq(header_encode(&message.header, &header), OK);
    ck_assert_int_eq(facts_encode(&message, &facts), OK);
    parts = (struct payload){.header = span_buf(&header), .facts = span_buf(&facts)};
    struct buf *payload = &batch.payloads[batch.count];
    buf_init(payload, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(payload_encode(&parts, payload), OK);
    batch.spans[batch.count] = span_buf(payload);
    batch.count++;
    buf_free(&header);
    buf_free(&facts);
}

static unsigned code_of(const struct shared_receipt *shared, const struct reply_nodes *nodes,
                        struct region *region)
{
    struct receipt receipt;
    struct receipt_facts facts;
    struct fault fault = {.code = ""};
    if (shared->code != REFUSAL_NONE) {
        return CODE_LATER; /* nothing was recorded: the broker is to decide each */
    }
    ck_assert_int_eq(receipt_expand(shared, nodes, region, &receipt), OK);
    ck_assert_int_eq(receipt_verify(&receipt, world.keyring, region, &facts, &fault), OK);
    return facts.record.refusal;
}

/* One request of all that was added; batch.code says what became of each. */
static void batch_send(struct actor *signer, bool acknowledging)
{
    struct asking asking = {.head = {.kind = acknowledging ? REQUEST_ACK : REQUEST_SUBMIT},
                            .payloads = batch.spans,
                            .payload_count = batch.count};
    struct region region;
    struct reply reply;
    if (acknowledging) {
        asking.head.ack.count = (uint32_t)batch.count;
    } else {
        asking.head.submit.count = (uint32_t)batch.count;
    }
    region_init(&region, LIMIT_PARSE_BYTES(4 * LIMIT_REQUEST_BYTES));
    world_pass(&world, MINUTE_MS); /* refusals of a signer are bounded by the minute */
    ck_assert(actor_request(&world, signer, &asking, &region, &reply));
    ck_assert_uint_eq(reply.head.code, REFUSAL_NONE);
    ck_assert_uint_eq(reply.head.submit.receipt_count, batch.count);
    const struct reply_nodes nodes = {.nodes = reply.head.submit.nodes,
                                      .node_count = reply.head.submit.node_count,
                                      .checkpoint = reply.head.checkpoint};
    for (size_t i = 0; i < batch.count; i++) {
        batch.code[i] = code_of(&reply.head.submit.receipts[i], &nodes, &region);
    }
    region_free(&region);
}

static bool travels_in_ack(unsigned kind)
{
    return kind == MESSAGE_DELIVERY || kind == MESSAGE_REJECTION;
}

/* --- the matrix --- */

static void speak_as_others(size_t who)
{
    struct actor *signer = agencies[who];
    static const unsigned own[] = {40, 41, 42, 43, 44, 45};
    for (size_t claimed = 0; claimed <= AGENCIES; claimed++) { /* the last: the broker's name */
        const char *name = claimed < AGENCIES ? members[claimed] : "broker";
        if (claimed == who) {
            continue;
        }
        for (unsigned pass = 0; pass < 2; pass++) {
            for (unsigned kind = 1; kind <= KINDS; kind++) {
                if (travels_in_ack(kind) == (pass == 1)) {
                    batch_add(kind, signer, name, members[(claimed + 1) % AGENCIES]);
                }
            }
            for (size_t i = 0; pass == 0 && i < COUNT_OF(own); i++) {
                batch_add(own[i], signer, name, members[(claimed + 1) % AGENCIES]);
            }
            batch_send(signer, pass == 1);
            for (size_t i = 0; i < batch.count; i++) {
                ck_assert_msg(batch.code[i] == REFUSAL_SENDER || batch.code[i] == REFUSAL_KIND ||
                                  batch.code[i] == REFUSAL_PAYLOAD,
                              "%s as %s, row %zu of %u: %u", members[who], name, i, pass,
                              batch.code[i]);
                /* Only the broker's kinds may fail by their kind or form before the name is read.
                 */
                ck_assert_msg(batch.code[i] == REFUSAL_SENDER || i >= batch.count - COUNT_OF(own),
                              "%s as %s, row %zu: %u", members[who], name, i, batch.code[i]);
            }
            batch_clear();
        }
    }
}

START_TEST(nobody_speaks_in_anothers_name)
{
    for (size_t who = 0; who < AGENCIES; who++) {
        speak_as_others(who);
    }
}
END_TEST

static void send_all(size_t who)
{
    struct actor *signer = agencies[who];
    unsigned allowed = 0, refused = 0;
    for (unsigned kind = 1; kind <= KINDS; kind++) {
        ck_assert_uint_eq(table[kind - 1].kind, kind);
        for (size_t to = 0; to < AGENCIES; to++) {
            batch_add(kind, signer, members[who], members[to]);
        }
        batch_send(signer, travels_in_ack(kind));
        for (size_t to = 0; to < AGENCIES; to++) {
            unsigned code = batch.code[to];
            const char *name = message_kind_name((enum message_kind)kind);
            ck_assert_uint_ne(code, CODE_LATER);
            if (to == who) {
                ck_assert_msg(code != REFUSAL_NONE, "%s from %s to itself", name, members[who]);
            } else if (is_permitted(kind, who, to)) {
                ck_assert_msg(code != REFUSAL_POLICY && code != REFUSAL_SENDER &&
                                  code != REFUSAL_KIND && code != REFUSAL_RECIPIENT,
                              "%s from %s to %s is refused with %u; %s", name, members[who],
                              members[to], code, table[kind - 1].why);
                allowed++;
            } else {
                ck_assert_msg(code == REFUSAL_POLICY, "%s from %s to %s: %u; %s", name,
                              members[who], members[to], code, table[kind - 1].why);
                refused++;
            }
            ck_assert_msg(code != REFUSAL_NONE, "%s of nothing was accepted", name);
        }
        batch_clear();
    }
    ck_assert_uint_gt(allowed, 100);
    ck_assert_uint_gt(refused, 10);
}

START_TEST(each_sends_what_the_agreement_lets_it)
{
    for (size_t who = 0; who < AGENCIES; who++) {
        send_all(who);
    }
}
END_TEST

START_TEST(what_only_the_broker_says_is_refused_by_its_kind)
{
    for (unsigned kind = 40; kind <= 45; kind++) {
        batch_add(kind, agencies[0], members[0], members[1]);
    }
    batch_send(agencies[0], false);
    for (size_t i = 0; i < batch.count; i++) {
        ck_assert(batch.code[i] == REFUSAL_KIND || batch.code[i] == REFUSAL_PAYLOAD);
    }
    batch_clear();
}
END_TEST

/* --- the same again --- */

static bool asked_again(enum refusal expected)
{
    return actor_replay(&world) && world.refusal == expected;
}

START_TEST(a_captured_request_is_good_once)
{
    batch_add(MESSAGE_CONSULTATION, agencies[1], members[1], members[2]);
    batch_send(agencies[1], false);
    for (int i = 0; i < 3; i++) {
        ck_assert(asked_again(REFUSAL_REPLAYED));
    }
    world_stop(&world);
    world_start(&world);
    ck_assert(asked_again(REFUSAL_SESSION)); /* the session died with the run */
    world_crash(&world);
    world_start(&world);
    ck_assert(asked_again(REFUSAL_SESSION));
    batch_clear();
}
END_TEST

/* The payload itself, by somebody else: it is not his. */
START_TEST(a_captured_message_is_nobody_elses)
{
    batch_add(MESSAGE_CONSULTATION, agencies[1], members[1], members[2]);
    for (size_t i = 0; i < AGENCIES; i++) {
        batch_send(agencies[i], false);
        ck_assert(i == 1 ? batch.code[0] != REFUSAL_SENDER : batch.code[0] == REFUSAL_SENDER);
    }
    batch_clear();
}
END_TEST

/* --- what is not there, and what is not yours --- */

struct look {
    uint64_t reads;
    struct buf head; /* without what names the request */
};

static struct digest blob_of_another;

static void look_at(struct actor *actor, const struct digest *digest, struct look *ret)
{
    struct asking asking = {.head = {.kind = REQUEST_BLOB_GET}};
    struct region region;
    struct reply reply;
    asking.head.blob_get.digest = *digest;
    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    uint64_t before = store_reads(world.store);
    ck_assert(actor_request(&world, actor, &asking, &region, &reply));
    ret->reads = store_reads(world.store) - before;
    ck_assert_uint_eq(reply.head.code, REFUSAL_BLOB_UNKNOWN);
    memset(&reply.head.request_digest, 0, sizeof(reply.head.request_digest));
    buf_init(&ret->head, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(reply_head_encode(&reply.head, &ret->head), OK);
    region_free(&region);
}

static void upload(struct actor *actor)
{
    static uint8_t bytes[5000];
    struct asking asking = {.head = {.kind = REQUEST_BLOB_PUT}};
    struct region region;
    struct reply reply;
    memset(bytes, 0x5A, sizeof(bytes));
    blob_of_another = crypto_digest(span_of(bytes, 4128));
    asking.head.blob_put.digest = blob_of_another;
    asking.head.blob_put.size = 4128;
    asking.head.blob_put.data = span_of(bytes, 4128);
    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    ck_assert(actor_request(&world, actor, &asking, &region, &reply));
    ck_assert_uint_eq(reply.head.code, REFUSAL_NONE);
    ck_assert(reply.head.blob_put.complete);
    region_free(&region);
}

START_TEST(an_attachment_of_others_is_as_one_that_is_not_there)
{
    struct digest nowhere = {{3}};
    struct look absent, foreign;
    upload(agencies[0]);
    look_at(agencies[5], &nowhere, &absent); /* once before: says HELLO */
    buf_free(&absent.head);
    look_at(agencies[5], &nowhere, &absent);
    look_at(agencies[5], &blob_of_another, &foreign);
    ck_assert_uint_gt(absent.reads, 0);
    ck_assert_uint_eq(absent.reads, foreign.reads);
    ck_assert_uint_eq(absent.head.len, foreign.head.len);
    ck_assert_mem_eq(absent.head.data, foreign.head.data, absent.head.len);
    buf_free(&absent.head);
    buf_free(&foreign.head);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("who_says_what");
    TCase *matrix = tcase_create("matrix"), *cases = tcase_create("again");
    tcase_set_timeout(matrix, 300);
    tcase_add_checked_fixture(matrix, setup, teardown);
    tcase_add_test(matrix, nobody_speaks_in_anothers_name);
    tcase_add_test(matrix, each_sends_what_the_agreement_lets_it);
    tcase_add_test(matrix, what_only_the_broker_says_is_refused_by_its_kind);
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_captured_request_is_good_once);
    tcase_add_test(cases, a_captured_message_is_nobody_elses);
    tcase_add_test(cases, an_attachment_of_others_is_as_one_that_is_not_there);
    suite_add_tcase(suite, matrix);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}

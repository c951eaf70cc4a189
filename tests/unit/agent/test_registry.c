/* agent/registry: a newer version counts when the office signed it and the log of the same reply
 * has it; what is signed and not in the log is a lie of the broker, and the old one stays. */
#include "agent/state.h"
#include "city_registry.h"
#include "wire/receipt.h"
#include "wire/registry_leaf.h"

#define VICTIM 1u

static void setup(void)
{
    city.seed = 5;
    city_open();
    settle_city();
    city_registry_begin();
}

static void teardown(void)
{
    city_registry_end();
    city_close();
}

static struct flight *flight_of_registry(void)
{
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &city.flights[i];
        if (flight->used && flight->desk == VICTIM && flight->slot == SLOT_SESSION) {
            return flight;
        }
    }
    return NULL;
}

/* --- the truth --- */

/* What this agency worked by is kept for evidence, each with the proof of its place. */
static void check_kept(size_t desk, uint64_t versions)
{
    struct registry_version version = {.number = 0};
    struct registry_document document;
    struct store_txn *read;
    uint64_t leaf = 0;
    ck_assert_int_eq(store_read_begin(city.desks[desk].agent->setup.store, &read), OK);
    for (uint64_t i = 1; i <= versions; i++) {
        struct receipt receipt;
        struct receipt_facts facts;
        struct region region;
        ck_assert_int_eq(registry_version_next(read, version.number, &version), OK);
        ck_assert_uint_eq(version.number, i);
        ck_assert_int_eq(registry_document_open("x", version.document, NULL, &document, NULL), OK);
        ck_assert_uint_eq(document.version, i);
        region_init(&region, LIMIT_PARSE_BYTES(RECEIPT_BYTES));
        ck_assert_int_eq(receipt_decode(version.receipt, &region, &receipt, NULL), OK);
        ck_assert_int_eq(receipt_verify(&receipt, city.realm.keyring, &region, &facts, NULL), OK);
        ck_assert_uint_eq(facts.record.configuration.registry_version, i);
        ck_assert_uint_gt(receipt.leaf_index, leaf);
        leaf = receipt.leaf_index;
        region_free(&region);
    }
    ck_assert_int_eq(registry_version_next(read, version.number, &version), ERR_NOT_FOUND);
    store_read_end(read);
}

START_TEST(test_each_version_is_taken)
{
    settle_city();
    for (uint64_t version = 1; version < 4; version++) {
        for (size_t i = 0; i < DESKS; i++) {
            ck_assert_uint_eq(city_registry_at(i), version);
            ck_assert_str_eq(desk_alarm(&city.desks[i]), "");
            check_kept(i, version);
        }
        city_registry_publish();
        desk_say(&city.desks[0], SAY_OUTBOUND);
        settle_city();
    }
}
END_TEST

/* Within minutes, and nobody is alarmed. */
static void all_take(uint64_t version)
{
    for (unsigned i = 0; i < 4; i++) {
        city_pass(60000);
        settle_city();
    }
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_str_eq(desk_alarm(&city.desks[i]), "");
        ck_assert_uint_eq(city_registry_at(i), version);
    }
}

/* An agent that pins the root and has never seen a checkpoint. */
START_TEST(test_first_contact)
{
    city_registry_publish();
    city_registry_publish();
    ck_assert_uint_eq(city_registry_at(VICTIM), 1);
    city.desks[VICTIM].agent->checkpoint.size = 0;
    settle_city();
    ck_assert_uint_eq(city_registry_at(VICTIM), 3);
    ck_assert_str_eq(desk_alarm(&city.desks[VICTIM]), "");
}
END_TEST

/* The row names the version's first leaf, whichever starts came after; and a new log on an old copy
 * has it, too. */
START_TEST(test_after_restarts_and_on_a_new_log)
{
    broker_restart();
    city_registry_publish();
    broker_snapshot("copy");
    broker_restart();
    broker_lose("copy");
    broker_open_new_log();
    broker_begin();
    broker_go_on_without_others();
    all_take(2);
}
END_TEST

/* The broker's row had no leaf: the one of its next start takes the place. */
START_TEST(test_a_row_of_an_older_release)
{
    struct store_txn *txn;
    struct span row;
    uint8_t old[8 + 2 * DIGEST_BYTES];
    city_registry_publish();
    ck_assert_int_eq(store_begin(city.store, &txn), OK);
    ck_assert_int_eq(store_meta_get(txn, "registry", &row), OK);
    ck_assert_uint_gt(row.len, sizeof(old));
    memcpy(old, row.data, sizeof(old));
    ck_assert_int_eq(store_meta_put(txn, "registry", span_of(old, sizeof(old))), OK);
    ck_assert_int_eq(store_commit(txn), OK);
    broker_restart();
    all_take(2);
}
END_TEST

/* --- what the record must say --- */

struct shown { /* a leaf of a tree of four, as the broker would show it */
    struct leaf_record record;
    struct registry_document document;
    struct merkle_path path;
    struct merkle_head head;
    uint64_t index;
    bool bend_salt, cut_path;
};

static void show_nothing_else(struct shown *shown)
{
    (void)shown;
}
static void is_another_kind(struct shown *shown)
{
    shown->record.kind = LEAF_START;
}
static void is_an_agencys(struct shown *shown)
{
    text_copy(shown->record.actor, sizeof(shown->record.actor), "education");
}
static void says_nothing(struct shown *shown)
{
    shown->record.has_configuration = false;
}
static void is_another_version(struct shown *shown)
{
    shown->record.configuration.registry_version++;
}
static void is_another_digest(struct shown *shown)
{
    shown->record.configuration.registry_document.bytes[31] ^= 1;
}
static void is_another_record(struct shown *shown)
{
    shown->bend_salt = true;
}
static void is_another_place(struct shown *shown)
{
    shown->index ^= 1;
}
static void is_another_log(struct shown *shown)
{
    shown->head.root.bytes[0] ^= 1;
}
static void is_no_path(struct shown *shown)
{
    shown->cut_path = true;
}
static void is_beyond(struct shown *shown)
{
    shown->index = 4;
}
static void is_of_no_log(struct shown *shown)
{
    shown->head.size = 0;
}

static void (*const bends[])(struct shown *) = {
    show_nothing_else,  is_another_kind,   is_an_agencys,     says_nothing,
    is_another_version, is_another_digest, is_another_record, is_another_place,
    is_another_log,     is_no_path,        is_beyond,         is_of_no_log,
};

static enum err judge(struct shown *shown, struct fault *fault)
{
    struct digest nodes[8] = {{{0}}};
    struct merkle_batch batch;
    struct registry_leaf leaf = {.index = shown->index, .salt = {3}};
    struct region region;
    struct buf record;
    struct digest root;
    buf_init(&record, LIMIT_HEADER_BYTES);
    region_init(&region, LIMIT_PARSE_BYTES(LIMIT_HEADER_BYTES));
    ck_assert_int_eq(leaf_record_encode(&shown->record, &record), OK);
    leaf.record = span_buf(&record);
    nodes[2] = leaf_hash(leaf.salt, leaf.record);
    merkle_batch_build(nodes, 4, &batch);
    merkle_batch_path(&batch, 2, &shown->path);
    root = merkle_batch_root(&batch);
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        shown->head.root.bytes[i] ^= root.bytes[i];
    }
    leaf.salt[1] ^= shown->bend_salt;
    leaf.path = shown->path.hashes;
    leaf.path_count = shown->path.count - shown->cut_path;
    enum err error = registry_leaf_verify(&leaf, &shown->head, &shown->document, &region, fault);
    region_free(&region);
    buf_free(&record);
    return error;
}

START_TEST(test_what_proves_a_version)
{
    struct shown shown = {.index = 2, .head = {.size = 4}};
    struct fault fault = {.code = ""};
    shown.document.version = 7;
    memset(shown.document.digest.bytes, 0x5a, DIGEST_BYTES);
    shown.record.version = 1;
    shown.record.kind = LEAF_CONFIGURATION;
    text_copy(shown.record.actor, sizeof(shown.record.actor), BROKER_AGENCY);
    shown.record.has_configuration = true;
    shown.record.configuration.registry_version = 7;
    shown.record.configuration.registry_document = shown.document.digest;
    bends[_i](&shown);
    enum err error = judge(&shown, &fault);
    ck_assert_int_eq(error, _i == 0 ? OK : ERR_FORGED);
    ck_assert_str_eq(fault.code, _i == 0 ? "" : "registry.unproven");
}
END_TEST

/* --- a broker that does not prove it --- */

/* An older release, or one that never worked by it. */
static void strip(struct reply_head *head)
{
    head->registry.has_leaf = false;
}
static void bend(struct reply_head *head)
{
    head->registry.leaf.salt[0] ^= 1;
}

static void rewrite(struct flight *flight, void (*change)(struct reply_head *head))
{
    struct reply_check check = {.request_digest =
                                    city.desks[VICTIM].agent->askings[SLOT_SESSION].request_digest};
    struct region region;
    struct reply reply;
    struct sign_batch batch;
    struct batch_proof proof;
    struct buf head, bytes;
    region_init(&region, (size_t)16 * 1024 * 1024);
    check.broker_keys = keyring_broker_keys(city.realm.keyring, &check.broker_key_count);
    ck_assert_int_eq(reply_open(span_buf(&flight->reply), &check, &region, &reply, NULL), OK);
    ck_assert_int_eq(reply.head.kind, REPLY_REGISTRY);
    ck_assert(reply.head.registry.has_leaf);
    change(&reply.head);
    buf_init(&head, LIMIT_REQUEST_BYTES);
    buf_init(&bytes, 2 * LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(reply_head_encode(&reply.head, &head), OK);
    struct digest digest = reply_digest(span_buf(&head));
    ck_assert_int_eq(sign_batch_make(&city.realm.broker, &digest, 1, &region, &batch), OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 0, &region, &proof), OK);
    ck_assert_int_eq(reply_encode(span_buf(&head), &proof, &bytes), OK);
    buf_free(&head);
    buf_free(&flight->reply);
    flight->reply = bytes;
    region_free(&region);
}

/* Until the victim has asked for the registry, and the broker has answered. */
static struct flight *asked(void)
{
    struct flight *flight = NULL;
    for (unsigned i = 0; i < 50 && flight == NULL; i++) {
        for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
            (void)hand_over(VICTIM, (enum agent_slot)slot);
        }
        broker_settle();
        if (city.desks[VICTIM].asks[SLOT_SESSION].open &&
            city.desks[VICTIM].asks[SLOT_SESSION].request.head.kind == REQUEST_REGISTRY) {
            flight = flight_of_registry();
            continue;
        }
        for (size_t j = 0; j < FLIGHTS; j++) {
            if (city.flights[j].used && city.flights[j].desk == VICTIM) {
                (void)arrive(&city.flights[j], false);
            }
        }
    }
    ck_assert_ptr_nonnull(flight);
    return flight;
}

/* Refused, and no lie: the version in force stays until a reply proves the next one. */
START_TEST(test_an_older_release_proves_nothing)
{
    struct desk *victim = &city.desks[VICTIM];
    settle_city();
    city_registry_publish();
    struct flight *flight = asked();
    rewrite(flight, strip);
    ck_assert(arrive(flight, false));
    ck_assert_str_eq(desk_alarm(victim), "");
    ck_assert_uint_eq(victim->evidence_files, 0);
    ck_assert_uint_eq(city_registry_at(VICTIM), 1);
    ck_assert_ptr_nonnull(strstr(victim->agent->registry.fault, "version 2"));
    city_pass(60000);
    settle_city();
    ck_assert_uint_eq(city_registry_at(VICTIM), 2);
    ck_assert_str_eq(victim->agent->registry.fault, "");
}
END_TEST

START_TEST(test_unproven_is_a_lie)
{
    struct desk *victim = &city.desks[VICTIM];
    settle_city();
    city_registry_publish();
    struct flight *flight = asked();
    rewrite(flight, bend);
    ck_assert(arrive(flight, false));
    ck_assert_ptr_nonnull(strstr(desk_alarm(victim), "not in its log"));
    ck_assert_uint_eq(victim->evidence_files, 1);
    ck_assert_uint_eq(city_registry_at(VICTIM), 1);
    ck_assert_str_eq(text_at(desk_must(victim, "{'cmd':'status'}"), "distrust.kind"), "registry");
    ck_assert_ptr_nonnull(strstr(victim->agent->registry.fault, "version 2"));
    for (unsigned i = 0; i < 3; i++) { /* honest again: that alone is no word */
        city_pass(60000);
        settle_city();
    }
    ck_assert_uint_eq(city_registry_at(VICTIM), 1);
    ck_assert_uint_eq(city_registry_at(0), 2);
    desk_must(victim, "{'cmd':'distrust-clear','reason':'the broker was mended'}");
    settle_city();
    ck_assert_uint_eq(city_registry_at(VICTIM), 2);
    ck_assert_str_eq(victim->agent->registry.fault, "");
}
END_TEST

/* The version of its own file is proved, too, at the first contact. */
static const struct {
    void (*bend)(struct reply_head *);
    bool proven, lie;
} answers[] = {{NULL, true, false}, {strip, false, false}, {bend, false, true}};

START_TEST(test_the_first_version)
{
    struct desk *victim = &city.desks[VICTIM];
    struct flight *flight = asked();
    ck_assert(!victim->agent->registry.proven);
    if (answers[_i].bend != NULL) {
        rewrite(flight, answers[_i].bend);
    }
    ck_assert(arrive(flight, false));
    ck_assert(victim->agent->registry.proven == answers[_i].proven);
    ck_assert_uint_eq(victim->evidence_files, answers[_i].lie ? 1 : 0);
    ck_assert((desk_alarm(victim)[0] != '\0') == answers[_i].lie);
    ck_assert_uint_eq(city_registry_at(VICTIM), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_registry");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_each_version_is_taken);
    tcase_add_test(tcase, test_first_contact);
    tcase_add_test(tcase, test_after_restarts_and_on_a_new_log);
    tcase_add_test(tcase, test_a_row_of_an_older_release);
    tcase_add_test(tcase, test_an_older_release_proves_nothing);
    tcase_add_test(tcase, test_unproven_is_a_lie);
    tcase_add_loop_test(tcase, test_the_first_version, 0, sizeof(answers) / sizeof(answers[0]));
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("pure");
    tcase_add_loop_test(tcase, test_what_proves_a_version, 0, sizeof(bends) / sizeof(bends[0]));
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

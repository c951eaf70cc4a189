/* agent/comparing: a checkpoint of another agency, brought by hand, against the log shown here. */
#include <stdio.h>

#include "fake_desk.h"
#include "wire/evidence_file.h"

static struct tree other_log;
static char line[2 * CHECKPOINT_BYTES];

#define AGAIN desk_must(&desk, "{'cmd':'checkpoint-compare'}")

/* As `agent checkpoint show` of another agency wrote it; NULL: by the broker's key. */
static void theirs(const struct tree *tree, uint64_t size, const char *origin,
                   const struct sign_key *key, char out[CHECKPOINT_BYTES])
{
    struct checkpoint seen = {
        .size = size, .root = tree_root(tree, size), .time_ms = DESK_START_MS};
    struct buf note;
    text_copy(seen.origin, sizeof(seen.origin), origin);
    buf_init(&note, CHECKPOINT_BYTES);
    ck_assert_int_eq(checkpoint_make(&seen, key != NULL ? key : &realm.broker, &note), OK);
    (void)snprintf(out, CHECKPOINT_BYTES, "%.*s", (int)note.len, (const char *)note.data);
    buf_free(&note);
}

static struct json_value compare(const char *note)
{
    struct json_writer writer;
    struct buf json;
    buf_init(&json, sizeof(line));
    json_writer_init(&writer, &json);
    json_object_begin(&writer);
    json_name(&writer, "cmd");
    json_text(&writer, "checkpoint-compare");
    json_name(&writer, "note");
    json_text(&writer, note);
    json_object_end(&writer);
    ck_assert_int_eq(json_writer_end(&writer), OK);
    (void)snprintf(line, sizeof(line), "%.*s", (int)json.len, (const char *)json.data);
    buf_free(&json);
    return desk_ask(&desk, line);
}

static struct json_value compare_size(const struct tree *tree, uint64_t size)
{
    char note[CHECKPOINT_BYTES];
    theirs(tree, size, REALM_ORIGIN, NULL, note);
    return compare(note);
}

static void fork_log(void)
{
    other_log = *fake.tree;
    for (uint64_t i = 2; i < other_log.size; i++) {
        other_log.leaves[i].bytes[0] ^= 1;
    }
}

/* Answers what is asked, which names this head. */
static void answer(uint64_t known, const struct lie *lie)
{
    struct reply_head head = {.kind = REPLY_NONE};
    ck_assert(desk.asks[SLOT_SESSION].open);
    ck_assert_int_eq(desk.asks[SLOT_SESSION].request.head.kind, REQUEST_PING);
    ck_assert_uint_eq(desk.asks[SLOT_SESSION].request.head.known_size, known);
    fake_answer(&fake, SLOT_SESSION, &head, lie);
}

/* All was countersigned, and nothing is asked in this slot. */
static void begin(void)
{
    fake_begin(&fake);
    tree_grow(fake.tree, 6);
    fake_nothing(&fake, NULL);
    desk_pass(&desk, 600000);
    fake_settle_session(&fake);
    ck_assert_uint_eq(desk.agent->checkpoint.size, 11);
    ck_assert(!desk.asks[SLOT_SESSION].open);
}

static void judge_file(uint64_t size)
{
    struct evidence evidence;
    struct region region;
    struct checkpoint note;
    struct fault fault = {.code = ""};
    region_init(&region, 16u * 1024u * 1024u);
    ck_assert_uint_eq(desk.evidence_files, 1);
    ck_assert_int_eq(evidence_decode("lie", span_buf(&desk.evidence), &region, &evidence, &fault),
                     OK);
    const struct evidence_part *part = evidence_find(&evidence, "checkpoint", "believed");
    ck_assert_ptr_nonnull(part);
    ck_assert_int_eq(checkpoint_parse(part->bytes, &note, NULL), OK);
    ck_assert_uint_eq(note.size, size);
    region_free(&region);
}

START_TEST(test_the_same_size_needs_no_broker)
{
    begin();
    agent_connected(desk.agent, false);
    ck_assert_str_eq(text_at(compare_size(fake.tree, 11), "result"), "one-log");
    fork_log();
    ck_assert_str_eq(text_at(compare_size(&other_log, 11), "result"), "two-logs");
    ck_assert_str_eq(text_at(compare_size(&other_log, 7), "result"), "not-connected");
}
END_TEST

START_TEST(test_an_older_one)
{
    begin();
    ck_assert_str_eq(text_at(compare_size(fake.tree, 7), "result"), "waiting");
    answer(7, NULL);
    ck_assert(!desk.asks[SLOT_SESSION].open);
    ck_assert_str_eq(text_at(AGAIN, "result"), "one-log");
    ck_assert_uint_eq(number_at(AGAIN, "size"), 7);
    ck_assert_uint_eq(number_at(AGAIN, "own_size"), 11);
    ck_assert_uint_eq(desk.agent->checkpoint.size, 11);
}
END_TEST

/* The log that extends theirs must be the one that extends ours: both ends are brought together,
 * while it grows. */
START_TEST(test_a_newer_one)
{
    begin();
    tree_grow(fake.tree, 4);
    ck_assert_str_eq(text_at(compare_size(fake.tree, 13), "result"), "waiting");
    answer(13, NULL);
    tree_grow(fake.tree, 2);
    ck_assert_str_eq(text_at(AGAIN, "result"), "waiting");
    answer(11, NULL); /* ours is at 17, theirs at 15 */
    ck_assert_str_eq(text_at(AGAIN, "result"), "waiting");
    answer(15, NULL);
    ck_assert_str_eq(text_at(AGAIN, "result"), "one-log");
    ck_assert_uint_eq(desk.agent->checkpoint.size, 17);
    ck_assert_uint_eq(desk.evidence_files, 0);
}
END_TEST

/* The broker answers from the log that it shows here, which does not extend theirs. */
START_TEST(test_another_log)
{
    static const uint64_t sizes[] = {7, 11};
    begin();
    fork_log();
    ck_assert_str_eq(text_at(compare_size(&other_log, sizes[_i]), "result"), "waiting");
    tree_grow(fake.tree, 1);
    answer(sizes[_i], NULL);
    ck_assert_str_eq(text_at(AGAIN, "result"), "not-believed");
    ck_assert_str_eq(text_at(desk_must(&desk, "{'cmd':'status'}"), "distrust.kind"), "log-split");
    judge_file(sizes[_i]);
}
END_TEST

/* It knows which checkpoint it is asked about, and answers from their log. */
START_TEST(test_two_logs_each_shown_where_it_fits)
{
    struct lie other = {.tree = &other_log};
    begin();
    fork_log();
    tree_grow(&other_log, 4);
    tree_grow(fake.tree, 4);
    ck_assert_str_eq(text_at(compare_size(&other_log, 13), "result"), "waiting");
    answer(13, &other);
    answer(11, NULL);
    ck_assert_str_eq(text_at(AGAIN, "result"), "not-believed");
    ck_assert_ptr_nonnull(strstr(desk_alarm(&desk), "another log of 15 records"));
    judge_file(15);
}
END_TEST

START_TEST(test_others_are_shown_more)
{
    struct lie frozen = {.size = 11};
    begin();
    tree_grow(fake.tree, 9);
    ck_assert_str_eq(text_at(compare_size(fake.tree, 18), "result"), "waiting");
    answer(18, &frozen);
    ck_assert_str_eq(text_at(AGAIN, "result"), "not-believed");
    ck_assert_str_eq(text_at(desk_must(&desk, "{'cmd':'status'}"), "distrust.kind"), "log-hidden");
    judge_file(18);
}
END_TEST

START_TEST(test_what_is_no_checkpoint)
{
    char note[CHECKPOINT_BYTES];
    begin();
    theirs(fake.tree, 7, REALM_ORIGIN, &realm.stranger, note);
    ck_assert_str_eq(text_at(compare(note), "code"), "checkpoint.forged");
    theirs(fake.tree, 7, "other.example/broker", NULL, note);
    ck_assert_str_eq(text_at(compare(note), "code"), "checkpoint.forged");
    theirs(fake.tree, 7, REALM_ORIGIN "/1792413200000", NULL, note);
    ck_assert_str_eq(text_at(compare(note), "code"), "checkpoint.other-log");
    ck_assert_str_eq(text_at(compare("x"), "code"), "checkpoint.forged");
    ck_assert_str_eq(text_at(compare(""), "code"), "checkpoint.forged");
    ck_assert_str_eq(text_at(desk_ask(&desk, "{'cmd':'checkpoint-compare'}"), "place"), "note");
    ck_assert(!desk.asks[SLOT_SESSION].open);
    ck_assert_str_eq(desk_alarm(&desk), "");
}
END_TEST

/* A broker that ran on an old copy showed two logs, and its administrators have admitted it by
 * opening a new one: a file of before that, whoever sends it, is no new lie. */
START_TEST(test_one_of_before_the_new_log)
{
    struct following *following = &desk.agent->following;
    char note[CHECKPOINT_BYTES];
    begin();
    text_copy(following->past[0].origin, LIMIT_ORIGIN_BYTES, REALM_ORIGIN);
    following->past[0].anchor = 100;
    following->past_count = 1;
    text_copy(following->origin, LIMIT_ORIGIN_BYTES, REALM_ORIGIN "/1795704000");
    fork_log();
    theirs(&other_log, 7, REALM_ORIGIN, NULL, note);
    ck_assert_str_eq(text_at(compare(note), "code"), "checkpoint.other-log");
    ck_assert(!desk.asks[SLOT_SESSION].open);
}
END_TEST

START_TEST(test_it_gives_up)
{
    begin();
    (void)compare_size(fake.tree, 7);
    desk_fail(&desk, SLOT_SESSION, ERR_TIMEOUT);
    desk_pass(&desk, 20000);
    ck_assert_str_eq(text_at(AGAIN, "result"), "not-known");
}
END_TEST

/* What one agent writes the other reads. */
START_TEST(test_ones_own)
{
    struct json_value own;
    char note[CHECKPOINT_BYTES];
    ck_assert_str_eq(text_at(desk_ask(&desk, "{'cmd':'checkpoint'}"), "code"), "checkpoint.none");
    begin();
    own = desk_must(&desk, "{'cmd':'checkpoint'}");
    ck_assert_uint_eq(number_at(own, "size"), 11);
    text_copy(note, sizeof(note), text_at(own, "note"));
    ck_assert_str_eq(text_at(compare(note), "result"), "one-log");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_comparing");
    TCase *tcase = tcase_create("all");
    desk_fixture(tcase);
    tcase_add_test(tcase, test_the_same_size_needs_no_broker);
    tcase_add_test(tcase, test_an_older_one);
    tcase_add_test(tcase, test_a_newer_one);
    tcase_add_loop_test(tcase, test_another_log, 0, 2);
    tcase_add_test(tcase, test_two_logs_each_shown_where_it_fits);
    tcase_add_test(tcase, test_others_are_shown_more);
    tcase_add_test(tcase, test_what_is_no_checkpoint);
    tcase_add_test(tcase, test_one_of_before_the_new_log);
    tcase_add_test(tcase, test_it_gives_up);
    tcase_add_test(tcase, test_ones_own);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

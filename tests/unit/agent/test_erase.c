/* agent/erase: what a case's messages say opens nowhere afterwards, what belongs to others does,
 * over restarts; drafts of the case and the files that only they named go, the rest of the desk
 * stays and opens under its new key; what waits stands against it. With the real broker core. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/attachment_rows.h"
#include "agent/attachments.h"
#include "agent/web/draft.h"
#include "city_support.h"
#include "store/case_keys.h"
#include "store/cases.h"
#include "store/erased.h"

#define ERASE "'order':'(2026) 1','reason':'order'"

static struct desk *sender, *receiver;

static void setup(void)
{
    city_open();
    sender = &city.desks[0];
    receiver = &city.desks[1];
}

static void teardown(void)
{
    city_close();
}

/* Sends one; its number, id and referral id. */
struct told {
    char number[LIMIT_NUMBER_BYTES], id[UUID_TEXT_BYTES], referral[UUID_TEXT_BYTES];
};
static struct told refer(void)
{
    struct told told;
    desk_say(sender, SAY_OUTBOUND);
    settle_city();
    struct json_value list = desk_must(receiver, "{'cmd':'inbox'}");
    struct json_value rows = json_member(&list, "rows");
    struct json_value row = json_item(&rows, json_count(&rows) - 1);
    text_copy(told.number, sizeof(told.number), text_at(row, "referral"));
    text_copy(told.id, sizeof(told.id), text_at(row, "id"));
    struct store_txn *read = NULL;
    struct case_key key;
    ck_assert_int_eq(store_read_begin(receiver->store, &read), OK);
    ck_assert_int_eq(number_find(read, told.number, &key), OK);
    store_read_end(read);
    uuid_format(&key.referral_id, told.referral);
    return told;
}

static bool opens(struct desk *desk, const char *id)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}", id);
    struct json_value shown = desk_must(desk, line);
    struct json_value message = json_member(&shown, "message");
    struct json_value body = json_member(&message, "body");
    return !json_absent(&body);
}

static struct json_value erase(struct desk *desk, const char *number)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "{'cmd':'case-erase','id':'%s'," ERASE "}", number);
    return desk_must(desk, line);
}

START_TEST(one_case_goes_and_no_other)
{
    const struct told gone = refer(), kept = refer();
    for (unsigned i = 0; i < 2; i++) {
        struct desk *desk = i == 0 ? receiver : sender;
        ck_assert(opens(desk, gone.id));
        struct json_value answer = erase(desk, gone.number);
        ck_assert_uint_eq(number_at(answer, "messages"), 1);
        ck_assert_uint_eq(number_at(answer, "kept_by_older_release"), 0);
        ck_assert(!opens(desk, gone.id));
        ck_assert(opens(desk, kept.id));
        desk_restart(desk);
        ck_assert(!opens(desk, gone.id));
        ck_assert(opens(desk, kept.id));
    }
    settle_city();
    ck_assert_str_eq(desk_alarm(sender), "");
    ck_assert_str_eq(desk_alarm(receiver), "");
}
END_TEST

static struct digest attach(struct desk *desk, uint8_t fill)
{
    const struct attachment_declared declared = {.name = "a.txt"};
    struct attachment attachment;
    struct fault fault = {.code = ""};
    uint8_t text[500];
    memset(text, fill, sizeof(text));
    ck_assert_msg(attachments_add(desk->agent, &declared, span_of(text, sizeof(text)), &attachment,
                                  &fault) == OK,
                  "%s %s", fault.code, fault.message);
    return attachment.digest;
}

static void draft(struct desk *desk, const char *address, const struct digest *digest)
{
    char hex[DIGEST_TEXT_BYTES], json[256];
    digest_format(digest, hex);
    (void)snprintf(json, sizeof(json), "{\"file\": [\"%s\"]}", hex);
    ck_assert_int_eq(draft_put(desk->store, "o", address, span_text(json), 1770000000000u), OK);
}

static enum err look(struct desk *desk, const char *address)
{
    uint64_t saved;
    struct buf json;
    buf_init(&json, DRAFT_BYTES_MAX);
    enum err error = draft_get(desk->store, "o", address, &json, &saved);
    ck_assert(error != OK || (json.len > 10 && json.data[0] == '{'));
    buf_free(&json);
    return error;
}

static enum err open_file(struct desk *desk, const struct digest *digest)
{
    struct fault fault = {.code = ""};
    struct buf plain;
    buf_init(&plain, 1000);
    enum err error = attachments_open(desk->agent, digest, &plain, &fault);
    ck_assert(error != OK || plain.len == 500);
    buf_free(&plain);
    return error;
}

START_TEST(the_desk_keeps_what_is_not_the_cases)
{
    const struct told gone = refer();
    const struct attachment_declared declared = {.name = "b.txt", .plain_bytes = 900};
    struct desk_key_secret before, after;
    struct attachment_progress progress;
    struct fault fault = {.code = ""};
    struct uuid upload;
    char address[100];
    const struct digest its = attach(receiver, 'a'), shared = attach(receiver, 'b'),
                        nobodys = attach(receiver, 'c');
    (void)snprintf(address, sizeof(address), "/send/feedback/%s", gone.referral);
    draft(receiver, address, &its);
    draft(receiver, "/send/follow-up/other", &shared);
    char line[128];
    (void)snprintf(line, sizeof(line), "{'cmd':'case-erase','id':'%s','dry_run':true}",
                   gone.number);
    ck_assert_uint_eq(number_at(desk_must(receiver, line), "drafts"), 1);
    ck_assert_int_eq(look(receiver, address), OK);
    ck_assert_int_eq(attachments_begin(receiver->agent, &declared, &upload, &fault), OK);
    case_keys_desk(store_case_keys(receiver->store), &before);
    ck_assert_uint_eq(number_at(erase(receiver, gone.number), "drafts"), 1);
    case_keys_desk(store_case_keys(receiver->store), &after);
    ck_assert_uint_ne(before.number, after.number);
    ck_assert_int_eq(case_keys_desk_past(store_case_keys(receiver->store), before.number, &before),
                     ERR_NOT_FOUND);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(look(receiver, address), ERR_NOT_FOUND);
        ck_assert_int_eq(look(receiver, "/send/follow-up/other"), OK);
        ck_assert_int_eq(open_file(receiver, &its), ERR_NOT_FOUND);
        ck_assert_int_eq(open_file(receiver, &shared), OK);
        ck_assert_int_eq(open_file(receiver, &nobodys), OK);
        ck_assert_int_eq(attachments_progress(receiver->agent, &upload, &progress, &fault), OK);
        desk_restart(receiver);
    }
}
END_TEST

/* Begun after the erasure, it speaks of the same person. */
START_TEST(a_draft_alone_can_be_erased)
{
    const struct told gone = refer();
    const struct digest file = attach(receiver, 'a');
    char address[100];
    (void)snprintf(address, sizeof(address), "/send/feedback/%s", gone.referral);
    (void)erase(receiver, gone.number);
    draft(receiver, address, &file);
    ck_assert_uint_eq(number_at(erase(receiver, gone.number), "drafts"), 1);
    ck_assert_int_eq(look(receiver, address), ERR_NOT_FOUND);
    ck_assert_int_eq(open_file(receiver, &file), ERR_NOT_FOUND);
}
END_TEST

START_TEST(what_waits_stands_against_it)
{
    const struct told gone = refer();
    char line[256];
    struct json_value answer;
    /* an answer that has not reached the broker */
    (void)snprintf(line, sizeof(line),
                   "{'cmd':'send','kind':'sign-for','referral':'%s','message':{'body':{'officer':"
                   "'O'}}}",
                   gone.number);
    (void)desk_must(receiver, line);
    (void)snprintf(line, sizeof(line), "{'cmd':'case-erase','id':'%s'," ERASE "}", gone.number);
    answer = desk_ask(receiver, line);
    ck_assert_str_eq(text_at(answer, "code"), "case.waits");
    ck_assert(opens(receiver, gone.id));
    settle_city();
    (void)erase(receiver, gone.number);
    ck_assert(!opens(receiver, gone.id));
    answer = desk_ask(receiver, line);
    ck_assert_str_eq(text_at(answer, "code"), "case.nothing-to-erase");
}
END_TEST

/* The body as it travelled, where a release without case keys kept it. */
static void keep_plainly(struct store_txn *txn, const struct row *row)
{
    uint8_t key[9] = {'p'};
    struct span plain;
    struct buf copy;
    be64_put(key + 1, row->seq);
    buf_init(&copy, STORE_VALUE_BYTES_MAX);
    ck_assert_int_eq(row_payload(txn, row, &plain), OK);
    ck_assert_int_eq(buf_append(&copy, plain.data, plain.len), OK);
    ck_assert_int_eq(store_put(txn, STORE_VALUE, span_of(key, sizeof(key)), span_buf(&copy)), OK);
    buf_free(&copy);
}

static void find_row(struct store_txn *txn, const char *id, struct row *ret_row)
{
    struct uuid message_id;
    ck_assert_int_eq(uuid_parse(id, &message_id), OK);
    ck_assert_int_eq(row_find(txn, &message_id, ret_row), OK);
}

/* A store of before there were case keys: what it kept is put under them first, for every case that
 * names a file, and the answer says that copies from then open still. */
START_TEST(what_an_older_release_kept_goes_too)
{
    const struct told gone = refer(), kept = refer();
    const struct digest digest = attach(receiver, 'd');
    struct attachment_row before, after;
    struct store_txn *txn = NULL;
    struct row row;
    ck_assert_int_eq(store_begin(receiver->store, &txn), OK);
    ck_assert_int_eq(attachment_row_get(txn, &digest, &before), OK);
    ck_assert_int_eq(attachment_row_remove(txn, &digest), OK);
    before.inline_key = true;
    before.since_ms = 0;
    ck_assert_int_eq(attachment_row_put(txn, &before), OK);
    find_row(txn, gone.id, &row);
    keep_plainly(txn, &row);
    ck_assert_int_eq(attachment_link_put(txn, row.seq, 1, &digest), OK);
    find_row(txn, kept.id, &row);
    ck_assert_int_eq(attachment_link_put(txn, row.seq, 1, &digest), OK);
    ck_assert_int_eq(store_commit(txn), OK);
    ck_assert(opens(receiver, gone.id));
    ck_assert_int_eq(open_file(receiver, &digest), OK);

    ck_assert_uint_eq(number_at(erase(receiver, gone.number), "kept_by_older_release"), 2);
    ck_assert(!opens(receiver, gone.id));
    ck_assert(opens(receiver, kept.id));
    ck_assert_int_eq(open_file(receiver, &digest), OK); /* the other case names it, too */
    ck_assert_int_eq(store_read_begin(receiver->store, &txn), OK);
    ck_assert_int_eq(attachment_row_get(txn, &digest, &after), OK);
    store_read_end(txn);
    ck_assert(!after.inline_key);
    ck_assert_mem_eq(after.key, before.key, sizeof(after.key));
    ck_assert_str_eq(after.shown.name, before.shown.name);

    ck_assert_uint_eq(number_at(erase(receiver, kept.number), "kept_by_older_release"), 0);
    ck_assert_int_eq(open_file(receiver, &digest), ERR_NOT_FOUND);
}
END_TEST

/* The new key of the desk cannot be written: what is saved meanwhile must open after a restart. */
START_TEST(an_unwritten_desk_key_is_never_used)
{
    const struct told gone = refer();
    const struct digest file = attach(receiver, 'e');
    char line[256], path[256], away[256];
    (void)snprintf(path, sizeof(path), "%s/store-case-keys.new", receiver->folder);
    (void)snprintf(away, sizeof(away), "%s/store-case-keys.new/in-the-way", receiver->folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(mkdir(away, 0700), 0);
    (void)snprintf(line, sizeof(line), "{'cmd':'case-erase','id':'%s'," ERASE "}", gone.number);
    struct json_value answer = desk_ask(receiver, line);
    ck_assert_str_eq(text_at(answer, "code"), "store.case-keys-failed");
    draft(receiver, "/send/follow-up/other", &file);
    ck_assert_int_eq(rmdir(away), 0);
    ck_assert_int_eq(rmdir(path), 0);
    desk_restart(receiver);
    ck_assert_int_eq(look(receiver, "/send/follow-up/other"), OK);
    ck_assert_int_eq(open_file(receiver, &file), OK);
    ck_assert(opens(receiver, gone.id));
    (void)erase(receiver, gone.number);
    ck_assert(!opens(receiver, gone.id));
    ck_assert_int_eq(look(receiver, "/send/follow-up/other"), OK);
}
END_TEST

/* --- a store of before, with the keys of today --- */

static const char *inside(struct desk *desk, const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", desk->folder, name);
    return path;
}

static void copy_store(struct desk *desk)
{
    struct fault fault = {.code = ""};
    ck_assert_int_eq(mkdir(inside(desk, "older"), 0700), 0);
    ck_assert_msg(store_copy(desk->store, inside(desk, "older"), &fault) == OK, "%s",
                  fault.message);
    ck_assert_int_eq(unlink(inside(desk, "older-case-keys")), 0);
}

static void put_back(struct desk *desk)
{
    desk_stop(desk);
    ck_assert_int_eq(rename(inside(desk, "older/data.mdb"), inside(desk, "store/data.mdb")), 0);
    ck_assert_int_eq(rmdir(inside(desk, "older")), 0);
    desk->accept_gaps = true;
    ck_assert_int_eq(desk_start(desk), OK);
    agent_connected(desk->agent, true);
}

/* An attachment of this message, in that state. */
static void name_attachment(struct desk *desk, const char *id, enum attachment_state state)
{
    struct attachment_row attachment = {
        .shown = {.digest = {{9}}, .state = state, .plain_bytes = 5, .sealed_bytes = 50}};
    struct store_txn *txn = NULL;
    struct row row;
    text_copy(attachment.shown.name, sizeof(attachment.shown.name), "d.txt");
    ck_assert_int_eq(store_begin(desk->store, &txn), OK);
    find_row(txn, id, &row);
    ck_assert_int_eq(attachment_row_put(txn, &attachment), OK);
    ck_assert_int_eq(attachment_secret_put(txn, &attachment, &row.header.case_id), OK);
    ck_assert_int_eq(attachment_link_put(txn, row.seq, 1, &attachment.shown.digest), OK);
    ck_assert_int_eq(store_commit(txn), OK);
}

static size_t uploads_kept(struct desk *desk, const struct uuid *id)
{
    struct attachment_progress progress;
    struct fault fault = {.code = ""};
    struct store_txn *read = NULL;
    struct adding_row row;
    ck_assert_int_eq(attachments_progress(desk->agent, id, &progress, &fault), ERR_NOT_FOUND);
    ck_assert_int_eq(store_read_begin(desk->store, &read), OK);
    const enum err error = adding_row_oldest(read, &row);
    store_read_end(read);
    return error == OK;
}

/* What such a store has of the desk and of the case opens no more; all else goes on, and a further
 * case can be erased. */
START_TEST(an_older_store_goes_on_with_newer_keys)
{
    const struct told gone = refer(), next = refer();
    const struct attachment_declared declared = {.name = "b.txt", .plain_bytes = 900};
    const struct digest file = attach(receiver, 'f');
    struct fault fault = {.code = ""};
    struct store_txn *read = NULL;
    struct uuid upload;
    uint64_t on_the_way = 0;
    draft(receiver, "/send/follow-up/other", &file);
    ck_assert_int_eq(attachments_begin(receiver->agent, &declared, &upload, &fault), OK);
    name_attachment(receiver, gone.id, ATTACHMENT_ON_THE_WAY);
    copy_store(receiver);
    name_attachment(receiver, gone.id, ATTACHMENT_HERE);
    (void)erase(receiver, gone.number);
    put_back(receiver);
    ck_assert(!opens(receiver, gone.id));
    ck_assert_int_eq(look(receiver, "/send/follow-up/other"), ERR_NOT_FOUND);
    ck_assert_int_eq(open_file(receiver, &file), ERR_NOT_FOUND);
    settle_city();
    ck_assert_int_eq(store_read_begin(receiver->store, &read), OK);
    ck_assert_int_eq(attachment_row_on_the_way(read, &on_the_way), OK);
    store_read_end(read);
    ck_assert_uint_eq(on_the_way, 0);
    ck_assert_uint_eq(uploads_kept(receiver, &upload), 1);
    city_pass(40 * DAY_MS);
    attachments_sweep(receiver->agent);
    ck_assert_uint_eq(uploads_kept(receiver, &upload), 0);
    (void)erase(receiver, next.number);
    ck_assert(!opens(receiver, next.id));
    const struct told later = refer();
    ck_assert(opens(receiver, later.id));
}
END_TEST

static bool says_erased(struct desk *desk, const char *id)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}", id);
    (void)desk_must(desk, line);
    return count_in(&desk->answer, "(2026) 1") > 0;
}

/* The older store does not know of the first order; a second one is shown all the same. */
START_TEST(an_order_behind_an_unknown_one_is_shown)
{
    const struct told gone = refer();
    struct store_txn *txn = NULL;
    struct case_key_secret key;
    struct row row;
    copy_store(receiver);
    (void)erase(receiver, gone.number);
    ck_assert(says_erased(receiver, gone.number));
    put_back(receiver);
    ck_assert_int_eq(store_begin(receiver->store, &txn), OK);
    find_row(txn, gone.id, &row);
    ck_assert_int_eq(case_keys_current(store_case_keys(receiver->store), &row.header.case_id, &key),
                     OK);
    ck_assert_uint_eq(key.generation, 1);
    struct erased erased = {.case_id = row.header.case_id, .generation = 1, .order = "(2026) 1"};
    ck_assert_int_eq(erased_put(txn, &erased), OK);
    ck_assert_int_eq(store_commit(txn), OK);
    ck_assert(says_erased(receiver, gone.number));
}
END_TEST

/* A message that waited then was sent and erased since: what is left of it is not sent. */
START_TEST(what_is_left_of_a_message_is_not_sent)
{
    const struct told gone = refer();
    char line[256];
    (void)snprintf(line, sizeof(line),
                   "{'cmd':'send','kind':'sign-for','referral':'%s','message':{'body':{'officer':"
                   "'O'}}}",
                   gone.number);
    (void)desk_must(receiver, line);
    copy_store(receiver);
    settle_city();
    (void)erase(receiver, gone.number);
    put_back(receiver);
    settle_city();
    city_pass(60000);
    settle_city();
    ck_assert_uint_eq(events_of(receiver, "refused"), 0);
    ck_assert_str_eq(desk_alarm(receiver), "");
    const struct told later = refer();
    ck_assert(opens(receiver, later.id));
}
END_TEST

/* --- an erasure that did not come through --- */

static void damage(struct desk *desk, bool damaged)
{
    struct store_txn *txn = NULL;
    ck_assert_int_eq(store_begin(desk->store, &txn), OK);
    const struct span key = span_of("do\0/x", 5);
    ck_assert_int_eq(damaged ? store_put(txn, STORE_OFFICE, key, span_text("12345"))
                             : store_remove(txn, STORE_OFFICE, key),
                     OK);
    ck_assert_int_eq(store_commit(txn), OK);
}

/* What is saved after it lies under a key that the next one lets go. */
START_TEST(the_desks_key_is_new_with_each_erasure)
{
    const struct told gone = refer();
    struct desk_key_secret between, now;
    char line[256];
    damage(receiver, true);
    (void)snprintf(line, sizeof(line), "{'cmd':'case-erase','id':'%s'," ERASE "}", gone.number);
    ck_assert(absent_at(desk_ask(receiver, line), "messages"));
    damage(receiver, false);
    case_keys_desk(store_case_keys(receiver->store), &between);
    (void)erase(receiver, gone.number);
    case_keys_desk(store_case_keys(receiver->store), &now);
    ck_assert_uint_gt(now.number, between.number);
    ck_assert_int_eq(case_keys_desk_past(store_case_keys(receiver->store), between.number, &now),
                     ERR_NOT_FOUND);
}
END_TEST

/* --- a broker that lost its log --- */

static bool anybody_hands_back(void)
{
    for (size_t i = 0; i < DESKS; i++) {
        const struct following *following = &city.desks[i].agent->following;
        if (following->handing || strcmp(following->origin, city.broker_origin) != 0) {
            return true;
        }
    }
    return false;
}

static void recover(void)
{
    struct broker_recovery recovery;
    broker_lose("copy");
    city.wall_ms += 61000;
    city.boot_ms += 61000;
    broker_open_new_log();
    broker_begin();
    broker_go_on_without_others();
    broker_recovery(city.broker, &recovery);
    text_copy(city.broker_origin, sizeof(city.broker_origin), recovery.origin);
    for (unsigned i = 0; i < 20 && anybody_hands_back(); i++) {
        settle_city();
        city_pass(30000);
    }
    ck_assert(!anybody_hands_back());
    settle_city();
}

static uint64_t marked(struct desk *desk)
{
    struct store_txn *read = NULL;
    uint64_t count = 0;
    ck_assert_int_eq(store_read_begin(desk->store, &read), OK);
    ck_assert_int_eq(hand_back_count(read, &count), OK);
    store_read_end(read);
    return count;
}

/* What one side erased the other still hands back, and nobody takes what is left of it for a
 * message: not where its sender erased it, not where its reader did, not where both did. */
START_TEST(what_was_erased_is_not_handed_back)
{
    (void)refer();
    broker_snapshot("copy");
    const struct told lost = refer(), other = refer();
    for (size_t i = 0; i < 2; i++) {
        if ((_i & (1 << i)) != 0) {
            (void)erase(&city.desks[i], lost.number);
        }
    }
    recover();
    for (size_t i = 0; i < 2; i++) {
        struct desk *desk = &city.desks[i];
        ck_assert_msg(desk_alarm(desk)[0] == '\0', "%zu: %s", i, desk_alarm(desk));
        ck_assert_uint_eq(desk->agent->following.refused, 0);
        /* where both erased it, what the broker said of its delivery is not shown again */
        ck_assert_uint_eq(marked(desk), _i == 3 && desk == sender ? 1 : 0);
        ck_assert(opens(desk, other.id));
        ck_assert_int_eq(opens(desk, lost.id), (_i & (1 << i)) == 0);
    }
    const struct told later = refer();
    ck_assert(opens(receiver, later.id));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("erase");
    TCase *tests = tcase_create("erase");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, one_case_goes_and_no_other);
    tcase_add_test(tests, the_desk_keeps_what_is_not_the_cases);
    tcase_add_test(tests, a_draft_alone_can_be_erased);
    tcase_add_test(tests, what_waits_stands_against_it);
    tcase_add_test(tests, what_an_older_release_kept_goes_too);
    tcase_add_test(tests, an_unwritten_desk_key_is_never_used);
    tcase_add_test(tests, an_older_store_goes_on_with_newer_keys);
    tcase_add_test(tests, an_order_behind_an_unknown_one_is_shown);
    tcase_add_test(tests, what_is_left_of_a_message_is_not_sent);
    tcase_add_test(tests, the_desks_key_is_new_with_each_erasure);
    tcase_add_loop_test(tests, what_was_erased_is_not_handed_back, 0, 4);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

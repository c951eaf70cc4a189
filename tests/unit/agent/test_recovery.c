/* agent, broker: a store that is lost and restored from an old copy. Agents hand back what the copy
 * lacks; the city then stands where it stood, nobody is told twice, and nothing is missing. Random
 * lives over the real cores; the seed is printed when it fails. */
#include <stdio.h>

#include "broker/recovery.h"
#include "city_lives.h"
#include "store/dedupe.h"

/* --- commits that fail --- */

enum err __real_store_commit(struct store_txn *txn);
enum err __wrap_store_commit(struct store_txn *txn);
static unsigned acceptances_fail; /* so many: the disk is full when a new log is accepted */

enum err __wrap_store_commit(struct store_txn *txn)
{
    for (size_t i = 0; acceptances_fail > 0 && i < DESKS; i++) {
        if (city.desks[i].agent != NULL && city.desks[i].agent->trial.accepted) {
            acceptances_fail--;
            store_abort(txn);
            return ERR_FULL;
        }
    }
    return __real_store_commit(txn);
}

/* --- the city that was never lost --- */

#define SAME(field)                                                                                \
    ck_assert_msg(ours->field == theirs->field, "%s: " #field " is %llu, and was %llu",            \
                  theirs->number, (unsigned long long)ours->field,                                 \
                  (unsigned long long)theirs->field)

static void same_window(const char *number, const struct window *ours, const struct window *theirs)
{
    ck_assert_msg(ours->number == theirs->number && ours->start_ms == theirs->start_ms &&
                      ours->due_before_ms == theirs->due_before_ms &&
                      ours->stopped_ms == theirs->stopped_ms && ours->n == theirs->n &&
                      ours->raised.bits == theirs->raised.bits,
                  "%s: window %u from %llu to %llu, ended %llu, rungs %llx; it was %u from %llu to "
                  "%llu, ended %llu, rungs %llx",
                  number, ours->number, (unsigned long long)ours->start_ms,
                  (unsigned long long)ours->due_before_ms, (unsigned long long)ours->stopped_ms,
                  (unsigned long long)ours->raised.bits, theirs->number,
                  (unsigned long long)theirs->start_ms, (unsigned long long)theirs->due_before_ms,
                  (unsigned long long)theirs->stopped_ms, (unsigned long long)theirs->raised.bits);
}

static void same_referral(const struct referral *ours, const struct referral *theirs)
{
    ck_assert_str_eq(ours->register_number, theirs->register_number);
    SAME(state);
    SAME(marks);
    SAME(lane);
    SAME(submitted_ms);
    SAME(delivered_ms);
    SAME(signed_ms);
    SAME(answered_ms);
    SAME(claimed_ms);
    SAME(outcome);
    SAME(procedure_count);
    SAME(window_number);
    SAME(late);
    SAME(lateness_days);
    SAME(document_count);
    SAME(next_due_ms);
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock < REFERRAL_CLOCK_COUNT;
         clock++) {
        same_window(theirs->number, &ours->clocks[clock], &theirs->clocks[clock]);
    }
    for (uint32_t i = 0; i < theirs->document_count; i++) {
        SAME(documents[i].year);
        SAME(documents[i].counter);
        SAME(documents[i].rung);
        SAME(documents[i].clock);
    }
}

static void same_lost_matter(const struct matter *ours, const struct matter *theirs)
{
    SAME(kind);
    SAME(state);
    SAME(opened_ms);
    SAME(closed_ms);
    SAME(duty_count);
    SAME(document_count);
    SAME(next_due_ms);
    for (uint32_t i = 0; i < theirs->duty_count; i++) {
        same_window(theirs->number, &ours->duties[i].window, &theirs->duties[i].window);
    }
    for (uint32_t i = 0; i < theirs->document_count; i++) {
        SAME(documents[i].year);
        SAME(documents[i].counter);
        SAME(documents[i].rung);
    }
}

/* Each record of the lost store is in the new one, as it was. */
static unsigned judge_lost(void)
{
    static struct matter our_matter, their_matter;
    struct store *lost = broker_lost_store();
    struct store_txn *theirs = NULL, *ours = NULL;
    struct case_key at, key;
    struct span packed, again;
    unsigned count = 0;
    ck_assert_int_eq(store_read_begin(lost, &theirs), OK);
    ck_assert_int_eq(store_read_begin(city.store, &ours), OK);
    while (cases_next(theirs, NULL, count > 0 ? &at : NULL, &key, &packed) == OK) {
        ck_assert_int_eq(cases_get(ours, &key, &again), OK);
        if (matter_is_packed(packed)) {
            ck_assert_int_eq(matter_unpack(packed, &their_matter), OK);
            ck_assert_int_eq(matter_unpack(again, &our_matter), OK);
            same_lost_matter(&our_matter, &their_matter);
        } else {
            struct referral our_referral, their_referral;
            ck_assert_int_eq(referral_unpack(packed, &their_referral), OK);
            ck_assert_int_eq(referral_unpack(again, &our_referral), OK);
            same_referral(&our_referral, &their_referral);
        }
        at = key;
        count++;
    }
    store_read_end(theirs);
    store_read_end(ours);
    store_close(lost);
    return count;
}

/* --- what officers see --- */

static bool same_telling(const struct row *a, const struct row *b, const struct message *ours,
                         const struct message *theirs)
{
    return a->header.kind == b->header.kind &&
           uuid_equal(&a->header.referral_id, &b->header.referral_id) &&
           ours->notice.task == theirs->notice.task &&
           ours->notice.window == theirs->notice.window &&
           strcmp(ours->notice.rung, theirs->notice.rung) == 0 &&
           strcmp(ours->notice.document_number, theirs->notice.document_number) == 0;
}

#define INBOX_MAX 4096u

/* No message and no rung stands twice in an inbox, and the new log has shown all of it. `late`: but
 * for documents that this agency alone held, which have another number now. */
static void judge_inbox(struct desk *desk, bool late)
{
    static struct row rows[INBOX_MAX];
    static struct message messages[INBOX_MAX];
    struct region region;
    struct store_txn *read = NULL;
    size_t count = 0;
    region_init(&region, (size_t)512 * 1024 * 1024);
    ck_assert_int_eq(store_read_begin(desk->store, &read), OK);
    while (row_next(read, ROW_IN, count > 0 ? rows[count - 1].seq : 0, &rows[count]) == OK) {
        const struct row *row = &rows[count];
        struct message *message = &messages[count];
        struct payload payload;
        memset(message, 0, sizeof(*message));
        bool raised =
            row->header.kind == MESSAGE_REMINDER || row->header.kind == MESSAGE_ESCALATION;
        if (raised) {
            ck_assert_int_eq(show_open_row(read, row, &region, &payload, message), OK);
        }
        for (size_t i = 0; i < count; i++) {
            ck_assert_msg(!uuid_equal(&rows[i].header.message_id, &row->header.message_id) ||
                              strcmp(rows[i].header.sender, row->header.sender) != 0,
                          "a message stands twice in an inbox");
            ck_assert_msg(!raised || !same_telling(&rows[i], row, &messages[i], message),
                          "%s of %s was told twice", message->notice.rung,
                          row->header.referral_number);
        }
        ck_assert_uint_lt(++count, INBOX_MAX);
    }
    for (struct row row = {.seq = 0}; row_next_marked(read, row.seq, &row) == OK;) {
        ck_assert_msg(late && strcmp(row.header.sender, BROKER_AGENCY) == 0,
                      "%s of %s by %s, %s at leaf %llu, is not shown",
                      message_kind_name(row.header.kind), row.header.referral_number,
                      row.header.sender, row_state_name(row.state),
                      (unsigned long long)row.leaf_index);
    }
    store_read_end(read);
    region_free(&region);
}

static void judge_recovered(void)
{
    struct broker_recovery recovery;
    broker_recovery(city.broker, &recovery);
    ck_assert_str_eq(recovery.phase, "over");
    ck_assert(!recovery.holds);
    ck_assert_uint_eq(recovery.kept, 0);
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_str_eq(desk_alarm(&city.desks[i]), "");
        judge_inbox(&city.desks[i], false);
    }
}

static void live(unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        live_step();
    }
}

static bool anybody_hands_back(void)
{
    bool handing = false;
    for (size_t i = 0; i < DESKS; i++) {
        const struct agent *agent = city.desks[i].agent;
        handing = handing ||
                  (agent->connected && (agent->following.handing ||
                                        strcmp(agent->following.origin, city.broker_origin) != 0));
    }
    return handing;
}

static bool needs_gaps(struct desk *desk)
{
    (void)desk_must(desk, "{'cmd':'status'}"); /* in `alarm`, or later than what lasts */
    return count_in(&desk->answer, "accept-gaps") > 0;
}

/* They ask again and again until all are done, and after an alarm half a minute later. */
static void settle_recovery(void)
{
    struct broker_recovery recovery;
    broker_recovery(city.broker, &recovery);
    text_copy(city.broker_origin, sizeof(city.broker_origin), recovery.origin);
    for (unsigned i = 0; i < 20 && anybody_hands_back(); i++) {
        settle_city();
        city_pass(30000);
        for (size_t j = 0; j < DESKS; j++) { /* one that is younger than the copy */
            struct desk *desk = &city.desks[j];
            if (needs_gaps(desk)) {
                desk->accept_gaps = true;
                desk_restart(desk);
                desk->accept_gaps = false;
            }
        }
    }
    ck_assert(!anybody_hands_back());
    settle_city();
}

/* Whoever restores takes a while. */
static void lose(const char *copy)
{
    broker_lose(copy);
    city.wall_ms += 61000;
    city.boot_ms += 61000;
}

static void open_new_log(void)
{
    broker_open_new_log();
    broker_begin();
    broker_go_on_without_others();
}

static void recover(const char *copy)
{
    lose(copy);
    open_new_log();
    settle_recovery();
}

/* Requests travel, are lost, and programs end, while nobody writes anything. */
static void stumble(unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        uint64_t what = chance(40);
        if (what == 0) {
            live_restart();
        } else if (what == 1) {
            broker_restart();
        } else if (what < 5) {
            city_pass(chance(3000));
        } else {
            live_travel(what % 2 == 0);
        }
    }
}

static void begin(uint64_t seed, unsigned before)
{
    city.seed = seed;
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    (void)printf("seed %llu\n", (unsigned long long)seed);
    city_open();
    live(before + (unsigned)chance(400));
}

/* They go on living in the new log. */
static void go_on(void)
{
    live(200);
    settle_city();
    judge();
    live_days(35);
    settle_city();
    judge();
    for (size_t i = 0; i < DESKS; i++) {
        judge_inbox(&city.desks[i], false);
    }
    city_close();
}

/* --- what nobody may lose --- */

/* Each message with a receipt, and each delivery receipt, is in the log of today under its id. */
static void judge_acknowledged(void)
{
    for (size_t i = 0; i < DESKS; i++) {
        struct desk *desk = &city.desks[i];
        struct store_txn *read = NULL, *brokers = NULL;
        struct row row = {.seq = 0};
        ck_assert_int_eq(store_read_begin(desk->store, &read), OK);
        ck_assert_int_eq(store_read_begin(city.store, &brokers), OK);
        while (row_next(read, ROW_OUT, row.seq, &row) == OK) {
            struct dedupe_row known;
            ck_assert_int_ne(row.state, ROW_WAITING);
            ck_assert_msg(dedupe_find(brokers, desk->agent->setup.self->number,
                                      &row.header.message_id, &known) == OK,
                          "%s of %s is not in the new log", message_kind_name(row.header.kind),
                          row.header.referral_number);
        }
        store_read_end(read);
        store_read_end(brokers);
    }
}

/* Nothing is lost, and it goes on. */
static void judge_whole(void)
{
    judge_recovered();
    judge();
    judge_acknowledged();
    go_on();
}

/* --- tests --- */

/* Everybody had fetched and acknowledged what there was. */
START_TEST(test_a_city_at_rest_stands_where_it_stood)
{
    begin(4000 + (uint64_t)_i, 100);
    broker_snapshot("copy");
    live(100 + (unsigned)chance(500));
    settle_city();
    judge();
    recover("copy");
    judge_recovered();
    unsigned records = judge_lost();
    judge();
    judge_acknowledged();
    (void)printf("%u records stand where they stood\n", records);
    go_on();
}
END_TEST

/* Requests and replies were on their way; programs end while all is handed back. */
static void in_motion(uint64_t seed)
{
    begin(seed, 100);
    broker_snapshot("copy");
    live(100 + (unsigned)chance(500));
    lose("copy");
    open_new_log();
    stumble(300);
    settle_recovery();
    judge_whole();
}

START_TEST(test_a_city_in_motion_loses_nothing)
{
    in_motion(5000 + (uint64_t)_i);
}
END_TEST

/* What an agency had not heard of yet lies before the anchor: it is older than all that was handed
 * back, though it came by the new log. Copies were followed in the wrong order. */
START_TEST(a_leaf_before_the_anchor_was_taken_for_one_of_the_new_log)
{
    in_motion(_i == 0 ? 5004 : 5025);
}
END_TEST

/* Somebody started a broker on the copy and nobody noticed at first: it signed records that the
 * lost log had otherwise. */
START_TEST(test_a_broker_had_run_on_the_copy)
{
    begin(6000 + (uint64_t)_i, 100);
    broker_snapshot("copy");
    live(100 + (unsigned)chance(300));
    settle_city();
    lose("copy");
    broker_begin();
    live(50 + (unsigned)chance(100));
    settle_city();
    broker_snapshot("fork");
    lose("fork");
    open_new_log();
    settle_recovery();
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_str_eq(desk_alarm(&city.desks[i]), "");
        judge_inbox(&city.desks[i], false);
    }
    judge_acknowledged();
    city_close();
}
END_TEST

/* And once more: of the new log, while what it lacked was handed back, there is a copy only. */
START_TEST(test_lost_again_while_it_recovers)
{
    begin(7000 + (uint64_t)_i, 100);
    broker_snapshot("copy");
    live(100 + (unsigned)chance(300));
    settle_city();
    lose("copy");
    open_new_log();
    stumble((unsigned)chance(300));
    broker_snapshot("second");
    stumble((unsigned)chance(300));
    recover("second");
    judge_whole();
}
END_TEST

/* The same copy is restored a second time: what the first recovery brought is lost as well. */
START_TEST(test_the_same_copy_twice)
{
    begin(8000 + (uint64_t)_i, 100);
    broker_snapshot("copy");
    broker_snapshot("again");
    live(100 + (unsigned)chance(300));
    settle_city();
    recover("copy");
    live((unsigned)chance(200));
    settle_city();
    recover("again");
    judge_whole();
}
END_TEST

/* One agency was away, and the administrator did not wait for it. */
START_TEST(test_late_is_not_too_late)
{
    const size_t away = (size_t)_i % DESKS;
    begin(9000 + (uint64_t)_i, 100);
    broker_snapshot("copy");
    live(100 + (unsigned)chance(300));
    settle_city();
    lose("copy");
    agent_connected(city.desks[away].agent, false);
    open_new_log();
    broker_go_on_without(realm_place(&city.realm, city_names[away]));
    settle_recovery();
    city_pass(HOUR_MS);
    agent_connected(city.desks[away].agent, true);
    settle_recovery();
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_str_eq(desk_alarm(&city.desks[i]), "");
        judge_inbox(&city.desks[i], true);
    }
    judge_acknowledged();
    city_close();
}
END_TEST

/* Without an administrator's act an old copy is caught by whoever has seen more, and the broker
 * itself says so. */
START_TEST(test_an_old_copy_is_never_silent)
{
    struct broker_recovery recovery;
    begin(10000, 100);
    broker_snapshot("copy");
    live(300);
    settle_city();
    lose("copy");
    broker_begin();
    settle_city();
    broker_recovery(city.broker, &recovery);
    ck_assert(recovery.behind);
    ck_assert(recovery.holds);
    ck_assert_str_eq(recovery.phase, "none");
    size_t alarms = 0;
    for (size_t i = 0; i < DESKS; i++) {
        alarms += desk_alarm(&city.desks[i])[0] != '\0';
    }
    ck_assert_uint_gt(alarms, 0);
    city_close();
}
END_TEST

/* What could not be kept is not followed, and the log is accepted when there is room. */
START_TEST(test_an_acceptance_that_is_not_kept_is_none)
{
    begin(14000, 100);
    broker_snapshot("copy");
    live(100);
    settle_city();
    judge();
    lose("copy");
    open_new_log();
    acceptances_fail = DESKS;
    settle_city();
    ck_assert_uint_eq(acceptances_fail, 0);
    for (size_t i = 0; i < DESKS; i++) {
        const struct agent *agent = city.desks[i].agent;
        const size_t followed = agent->following.past_count;
        ck_assert(followed == 1 || (!agent->greeted && !agent->trial.accepted));
        desk_restart(&city.desks[i]); /* what it follows is what it has kept */
        ck_assert_uint_eq(city.desks[i].agent->following.past_count, followed);
        agent_connected(city.desks[i].agent, true);
    }
    city_pass(30000);
    settle_recovery();
    judge_whole();
}
END_TEST

static size_t split_desks(void)
{
    size_t count = 0;
    for (size_t i = 0; i < DESKS; i++) {
        (void)desk_must(&city.desks[i], "{'cmd':'distrust'}");
        count += count_in(&city.desks[i].answer, "\"kind\":\"log-split\"") > 0 &&
                 desk_alarm(&city.desks[i])[0] != '\0';
    }
    return count;
}

/* A broker ran on an old copy until its log was longer than what agencies had seen: a lie that
 * lasts. Its administrators admit it by opening a new log, signed; that ends it, and nobody has to
 * clear anything at eleven agencies. */
START_TEST(test_a_new_log_ends_what_an_old_copy_began)
{
    begin(13000, 100);
    broker_snapshot("copy");
    live(100);
    settle_city();
    lose("copy");
    broker_begin();
    for (unsigned i = 0; i < 200; i++) {
        broker_restart(); /* two records each */
    }
    for (unsigned i = 0; i < 3; i++) {
        settle_city();
        city_pass(31000);
    }
    ck_assert_uint_gt(split_desks(), 0);
    broker_snapshot("fork");
    lose("fork");
    open_new_log();
    settle_recovery();
    ck_assert_uint_eq(split_desks(), 0);
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_str_eq(desk_alarm(&city.desks[i]), "");
        judge_inbox(&city.desks[i], false);
    }
    judge_acknowledged();
    city_close();
}
END_TEST

/* Which agencies countersigned, and what. */
static struct digest countersigned(void)
{
    struct store_txn *read = NULL;
    struct store_cursor *cursor = NULL;
    struct span key, value;
    struct hasher hasher;
    hasher_init(&hasher);
    ck_assert_int_eq(store_read_begin(city.store, &read), OK);
    ck_assert_int_eq(store_cursor_open(read, STORE_WITNESS, span_of(NULL, 0), &cursor), OK);
    for (enum err error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value); error == OK;
         error = store_cursor_next(cursor, &key, &value)) {
        hasher_add(&hasher, key.data, key.len);
        hasher_add(&hasher, value.data, value.len);
    }
    store_cursor_close(cursor);
    store_read_end(read);
    return hasher_end(&hasher);
}

/* It collected the countersignatures of agencies that had not seen more, for a log that others know
 * to be cut. */
START_TEST(test_an_old_store_takes_no_countersignature)
{
    struct broker_recovery recovery;
    begin(12000, 100);
    settle_city();
    desk_restart(&city.desks[2]); /* what it has asked is forgotten */
    agent_connected(city.desks[2].agent, false);
    settle_city();
    broker_snapshot("copy");
    for (unsigned i = 0; i < 3; i++) {
        desk_refer(&city.desks[0], "education");
        settle_city();
    }
    lose("copy");
    broker_begin();
    settle_city();
    broker_recovery(city.broker, &recovery);
    ck_assert(recovery.behind);
    ck_assert(recovery.holds);
    const struct digest before = countersigned();
    agent_connected(city.desks[2].agent, true);
    for (unsigned i = 0; i < 10; i++) {
        settle_city();
        city_pass(60000);
    }
    const struct digest after = countersigned();
    ck_assert_str_eq(desk_alarm(&city.desks[2]), ""); /* it saw nothing that was lost */
    ck_assert(digest_equal(&before, &after));
    city_close();
}
END_TEST

/* A broker that opens a new log on something else than a copy of what it signed is refused, and
 * nothing of it is used. */
START_TEST(test_another_log_is_refused)
{
    struct digest before[DESKS];
    begin(11000, 100);
    live(200);
    settle_city();
    lose("copy"); /* there is none: an empty store */
    broker_begin();
    for (unsigned i = 0; i < 60; i++) {
        broker_restart(); /* two records each: as large as what agencies have seen */
    }
    broker_snapshot("foreign");
    lose("foreign");
    open_new_log();
    for (size_t i = 0; i < DESKS; i++) {
        before[i] = desk_digest(&city.desks[i]);
    }
    settle_city();
    for (size_t i = 0; i < DESKS; i++) {
        const struct digest after = desk_digest(&city.desks[i]);
        ck_assert_ptr_nonnull(strstr(desk_alarm(&city.desks[i]), "extends nothing"));
        ck_assert_uint_eq(city.desks[i].agent->following.past_count, 0);
        ck_assert(digest_equal(&before[i], &after));
    }
    city_close();
}
END_TEST

int main(void)
{
    const bool longer = getenv("REFERRAL_LONG") != NULL;
    Suite *suite = suite_create("agent_recovery");
    TCase *tcase = tcase_create("lives");
    tcase_set_timeout(tcase, 120);
    city_add_lives(tcase, test_a_city_at_rest_stands_where_it_stood, 4000, longer ? 60 : 2);
    city_add_lives(tcase, test_a_city_in_motion_loses_nothing, 5000, longer ? 60 : 2);
    city_add_lives(tcase, a_leaf_before_the_anchor_was_taken_for_one_of_the_new_log, 0, 2);
    city_add_lives(tcase, test_a_broker_had_run_on_the_copy, 6000, longer ? 60 : 1);
    city_add_lives(tcase, test_lost_again_while_it_recovers, 7000, longer ? 60 : 1);
    city_add_lives(tcase, test_the_same_copy_twice, 8000, longer ? 30 : 1);
    city_add_lives(tcase, test_late_is_not_too_late, 9000, longer ? 60 : 2);
    city_add_lives(tcase, test_an_old_copy_is_never_silent, 10000, 1);
    city_add_lives(tcase, test_an_old_store_takes_no_countersignature, 12000, 1);
    city_add_lives(tcase, test_another_log_is_refused, 11000, 1);
    city_add_lives(tcase, test_an_acceptance_that_is_not_kept_is_none, 14000, 1);
    city_add_lives(tcase, test_a_new_log_ends_what_an_old_copy_began, 13000, 1);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

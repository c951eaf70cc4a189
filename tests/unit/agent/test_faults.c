/* agent: what goes wrong around it. The process ends at every commit, every request fails once, the
 * store is full, the link answers anything, the hook fails or never ends, bodies grow: nothing that
 * was acknowledged to anybody is lost, nothing is told that is not stored, and it goes on. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "fake_desk.h"
#include "model/refusal.h"

/* --- a small life, driven to its end whatever goes wrong in between --- */

#define PARCELS 5u
#define POINTS  36 /* store points that a life passes, */
#define CALLS   13 /* and requests that it makes, at the most */

struct life {
    struct desk *desk;
    struct fake *fake;
    struct parcel parcels[PARCELS];
    bool acknowledged[PARCELS];
    char sent[8][UUID_TEXT_BYTES]; /* message ids that `send` answered */
    size_t sent_count;
    size_t released; /* parcels that the broker has */
};

static void life_begin(struct life *life)
{
    memset(life, 0, sizeof(*life));
    life->desk = &desk;
    life->fake = &fake;
    for (size_t i = 0; i < PARCELS; i++) {
        fake_parcel(&fake, i == 2 ? "broker" : "education", &life->parcels[i]);
        life->parcels[i].record.stream.lane = i == 4 ? 1 : 2;
    }
}

static void life_end(struct life *life)
{
    for (size_t i = 0; i < PARCELS; i++) {
        parcel_free(&life->parcels[i]);
    }
}

static void life_say(struct life *life)
{
    char line[2048];
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%s}", SAY_OUTBOUND);
    struct json_value answer = desk_ask(life->desk, line);
    if (!absent_at(answer, "messages")) {
        text_copy(life->sent[life->sent_count++], UUID_TEXT_BYTES,
                  text_at(answer, "messages.0.id"));
    }
}

static void note_acknowledged(struct life *life, struct position position)
{
    for (size_t i = 0; i < life->released; i++) {
        const struct leaf_stream *stream = &life->parcels[i].record.stream;
        if (life->parcels[i].written && stream->lane == position.lane &&
            stream->seq == position.stream_seq) {
            life->acknowledged[i] = true;
        }
    }
}

/* An ACK is a promise: what it names is stored. */
static void note_ack(struct life *life)
{
    const struct request *request = &life->desk->asks[SLOT_ACK].request;
    for (size_t i = 0; i < request->message_count; i++) {
        struct message message;
        ck_assert_int_eq(
            message_decode(&request->messages[i].payload, &life->fake->region, &message, NULL), OK);
        ck_assert(message.header.kind == MESSAGE_DELIVERY ||
                  message.header.kind == MESSAGE_REJECTION);
        note_acknowledged(life, (struct position){.lane = message.delivery.lane,
                                                  .stream_seq = message.delivery.stream_seq});
    }
    for (size_t i = 0; i < request->head.ack.plain_count; i++) {
        note_acknowledged(life, request->head.ack.plain[i]);
    }
}

static void answer_fetch(struct life *life)
{
    struct parcel waiting[PARCELS];
    size_t places[PARCELS], count = 0;
    for (size_t i = 0; i < life->released; i++) {
        if (!life->acknowledged[i]) {
            places[count] = i;
            waiting[count++] = life->parcels[i];
        }
    }
    if (count == 0) {
        desk_pass(life->desk, 500); /* a long poll */
    }
    fake_deliver(life->fake, waiting, count, NULL);
    for (size_t i = 0; i < count; i++) {
        life->parcels[places[i]] = waiting[i];
    }
}

static bool life_is_done(struct life *life)
{
    bool done = true;
    for (size_t i = 0; i < life->released; i++) {
        done = done && life->acknowledged[i];
    }
    struct json_value status = desk_must(life->desk, "{'cmd':'status'}");
    return done && number_at(status, "outbox.waiting") == 0;
}

/* Honest answers until all is done; time passes where nothing is open. */
static void life_drive(struct life *life)
{
    struct desk *at = life->desk;
    for (unsigned step = 0; !life_is_done(life); step++) {
        ck_assert_msg(step < 400, "it never ends");
        ck_assert_int_eq(agent_failure(at->agent), OK);
        if (at->asks[SLOT_SESSION].open) {
            fake_settle_session(life->fake);
        } else if (at->asks[SLOT_ACK].open) {
            note_ack(life);
            (void)fake_accept(life->fake, SLOT_ACK);
        } else if (at->asks[SLOT_SUBMIT].open) {
            (void)fake_accept(life->fake, SLOT_SUBMIT);
        } else if (at->asks[SLOT_FETCH].open) {
            answer_fetch(life);
        } else {
            desk_pass(at, 500);
        }
        if (at->hook_runs) {
            desk_hook_end(at, true);
        }
    }
}

static void life_play(struct life *life)
{
    agent_connected(life->desk->agent, true);
    life_say(life);
    life_drive(life);
    life->released = 3;
    life_drive(life);
    life_say(life);
    life_say(life);
    life->released = PARCELS;
    life_drive(life);
}

/* Everything that was promised is there, once. */
static void life_judge(struct life *life)
{
    struct json_value status = desk_must(life->desk, "{'cmd':'status'}");
    ck_assert_uint_eq(number_at(status, "inbox.received"), PARCELS);
    ck_assert_uint_eq(number_at(status, "outbox.accepted"), life->sent_count);
    ck_assert_str_eq(desk_alarm(life->desk), "");
    for (size_t i = 0; i < life->sent_count; i++) {
        char line[96];
        (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}", life->sent[i]);
        ck_assert_str_eq(text_at(desk_must(life->desk, line), "message.state"), "accepted");
    }
}

START_TEST(test_a_life_without_faults)
{
    static struct life life;
    life_begin(&life);
    const unsigned begun = desk.points;
    life_play(&life);
    ck_assert_uint_eq(life.sent_count, 3);
    ck_assert_uint_le(desk.points - begun, POINTS); /* the tests below fail at each of them */
    ck_assert_uint_le(desk.request_calls, CALLS);
    life_judge(&life);
    life_end(&life);
}
END_TEST

/* --- the process ends at a store point --- */

struct snapshot {
    struct desk desk;
    struct fake fake;
    struct life life;
    struct tree tree;
    bool taken;
};

static struct snapshot snapshot;
static struct life *playing;
static unsigned snapshot_at;

static void copy_file(const char *from, const char *to)
{
    static uint8_t piece[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_msg(in >= 0 && out >= 0, "%s", from);
    ssize_t got = read(in, piece, sizeof(piece));
    while (got > 0) {
        ck_assert_int_eq(write(out, piece, (size_t)got), got);
        got = read(in, piece, sizeof(piece));
    }
    ck_assert_int_eq(got, 0);
    (void)close(in);
    (void)close(out);
}

/* What lies on the disk at this moment, and what the world was told by then. */
static void snapshot_cb(struct desk *at, const char *name)
{
    char from[96], to[96];
    (void)name;
    if (at->points != snapshot_at || playing == NULL) {
        return;
    }
    snapshot.taken = true;
    snapshot.desk = *at;
    snapshot.life = *playing;
    snapshot.fake = fake;
    snapshot.tree = *fake.tree;
    memcpy(snapshot.desk.folder, "/tmp/agent-test-XXXXXX", 23);
    ck_assert_ptr_nonnull(mkdtemp(snapshot.desk.folder));
    (void)snprintf(to, sizeof(to), "%s/store", snapshot.desk.folder);
    ck_assert_int_eq(mkdir(to, 0700), 0);
    (void)snprintf(from, sizeof(from), "%s/store/data.mdb", at->folder);
    (void)snprintf(to, sizeof(to), "%s/store/data.mdb", snapshot.desk.folder);
    copy_file(from, to);
    (void)snprintf(from, sizeof(from), "%s/store-case-keys", at->folder);
    (void)snprintf(to, sizeof(to), "%s/store-case-keys", snapshot.desk.folder);
    copy_file(from, to);
}

/* The agent starts again on what was on the disk, beside a broker as it was then. */
static void snapshot_open(void)
{
    struct desk *at = &snapshot.desk;
    struct tree *tree = malloc(sizeof(*tree));
    ck_assert_ptr_nonnull(tree);
    *tree = snapshot.tree;
    snapshot.fake.tree = tree;
    snapshot.fake.desk = at;
    region_init(&snapshot.fake.region, 64u * 1024u * 1024u);
    snapshot.life.desk = at;
    snapshot.life.fake = &snapshot.fake;
    at->on_point = NULL;
    at->answer_json = NULL;
    at->hook_runs = false;
    memset(at->sends, 0, sizeof(at->sends));
    const struct notice_setup *notices = at->notices; /* it closes apart from the first desk */
    at->notices = malloc(sizeof(*notices));
    ck_assert_ptr_nonnull(at->notices);
    memcpy(at->notices, notices, sizeof(*notices));
    memset(at->asks, 0, sizeof(at->asks));
    buf_init(&at->events, 64u * 1024u * 1024u);
    buf_init(&at->hooks, 64u * 1024u * 1024u);
    buf_init(&at->answer, 4 * LIMIT_LOCAL_LINE_BYTES);
    ck_assert_int_eq(desk_start(at), OK);
    agent_connected(at->agent, true);
}

/* The parcels that the broker had not written by then are written now: bytes of their own. */
static void snapshot_parcels(void)
{
    for (size_t i = 0; i < PARCELS; i++) {
        struct parcel *parcel = &snapshot.life.parcels[i];
        struct buf payload = parcel->payload, record = parcel->record_bytes;
        buf_init(&parcel->payload, LIMIT_ENVELOPE_BYTES);
        buf_init(&parcel->record_bytes, LIMIT_HEADER_BYTES);
        if (parcel->written) {
            ck_assert_int_eq(buf_append(&parcel->payload, payload.data, payload.len), OK);
            ck_assert_int_eq(buf_append(&parcel->record_bytes, record.data, record.len), OK);
        }
    }
}

START_TEST(test_the_process_ends_at_every_store_point)
{
    static struct life life;
    memset(&snapshot, 0, sizeof(snapshot));
    life_begin(&life);
    snapshot_at = desk.points + (unsigned)_i + 1; /* a new store is written to as it is made */
    playing = &life;
    desk.on_point = snapshot_cb;
    life_play(&life);
    if (snapshot.taken) {
        snapshot_parcels();
        snapshot_open();
        snapshot.life.released = PARCELS;
        life_drive(&snapshot.life);
        struct json_value status = desk_must(&snapshot.desk, "{'cmd':'status'}");
        ck_assert_uint_eq(number_at(status, "inbox.received"), PARCELS);
        ck_assert_uint_ge(number_at(status, "outbox.accepted"), snapshot.life.sent_count);
        ck_assert_uint_le(number_at(status, "outbox.accepted"), snapshot.life.sent_count + 1);
        for (size_t i = 0; i < snapshot.life.sent_count; i++) {
            char line[96];
            (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}", snapshot.life.sent[i]);
            (void)desk_must(&snapshot.desk, line);
        }
        ck_assert_str_eq(desk_alarm(&snapshot.desk), "");
        life_end(&snapshot.life);
        desk_close(&snapshot.desk);
        fake_close(&snapshot.fake);
    }
    ck_assert_msg(snapshot.taken || _i > POINTS - 4, "only %u points", desk.points);
    life_end(&life);
}
END_TEST

/* --- requests that fail --- */

static const enum err request_failures[] = {ERR_UNREACHABLE, ERR_MEMORY, ERR_BUSY, ERR_CLOSED};

START_TEST(test_every_request_fails_once)
{
    static struct life life;
    desk.request_fail_at = (unsigned)_i + 1;
    desk.request_result = request_failures[_i % 4];
    life_begin(&life);
    life_play(&life);
    life_judge(&life);
    ck_assert_msg(desk.request_calls >= desk.request_fail_at || _i > CALLS - 3, "%u calls",
                  desk.request_calls);
    life_end(&life);
}
END_TEST

/* Whatever the link says of a request: it is no failure of the store, and it is asked again. */
START_TEST(test_no_answer_of_the_link_stops_the_agent)
{
    fake_begin(&fake);
    for (enum err result = ERR_MEMORY; result < ERR_COUNT; result++) {
        desk_fail(&desk, SLOT_FETCH, result);
        ck_assert_int_eq(agent_failure(desk.agent), OK);
        ck_assert(!desk.asks[SLOT_FETCH].open);
        desk_pass(&desk, 10000);
        ck_assert(desk.asks[SLOT_FETCH].open);
    }
}
END_TEST

/* A link that comes and goes: no request is doubled, none is lost. */
START_TEST(test_a_flapping_link)
{
    static struct life life;
    life_begin(&life);
    agent_connected(desk.agent, true);
    life_say(&life);
    for (int i = 0; i < 200; i++) {
        enum agent_slot slot = (enum agent_slot)random_of(&desk, SLOT_COUNT);
        agent_connected(desk.agent, random_of(&desk, 2) == 0);
        if (desk.asks[slot].open && random_of(&desk, 2) == 0) {
            desk_fail(&desk, slot, ERR_CLOSED);
        }
        desk_pass(&desk, random_of(&desk, 300));
    }
    agent_connected(desk.agent, true);
    life_drive(&life);
    ck_assert_uint_eq(number_at(desk_must(&desk, "{'cmd':'status'}"), "outbox.accepted"), 1);
    life_end(&life);
}
END_TEST

/* --- a full store --- */

static void fill_store(size_t leave_bytes)
{
    static uint8_t bytes[65536];
    for (size_t piece = sizeof(bytes); piece >= leave_bytes; piece /= 2) {
        enum err error = OK;
        for (uint64_t i = 0; error == OK; i++) {
            struct store_txn *txn = NULL;
            uint8_t key[17] = {'~'};
            be64_put(key + 1, i);
            be64_put(key + 9, piece);
            ck_assert_int_eq(store_begin(desk.store, &txn), OK);
            error = store_put(txn, STORE_VALUE, span_of(key, sizeof(key)), span_of(bytes, piece));
            if (error == OK) {
                error = store_commit(txn);
            } else {
                store_abort(txn);
            }
        }
        ck_assert_int_eq(error, ERR_FULL);
    }
}

/* Not even the smallest change: one row of the smallest table written over, while a reader keeps
 * the pages that this frees. */
static void fill_store_wholly(void)
{
    uint8_t value = 0;
    enum err error = OK;
    fill_store(16);
    while (error == OK) {
        struct store_txn *txn = NULL;
        value++;
        ck_assert_int_eq(store_begin(desk.store, &txn), OK);
        error = store_meta_put(txn, "~", span_of(&value, 1));
        if (error == OK) {
            error = store_commit(txn);
        } else {
            store_abort(txn);
        }
    }
    ck_assert_int_eq(error, ERR_FULL);
}

static void small_store(void)
{
    fake_close(&fake);
    desk_close(&desk);
    desk.with_hook = true;
    desk.map_bytes = 1024 * 1024;
    desk_open(&desk, &realm, "procuratorate");
    fake_open(&fake, &desk);
}

/* A notice that did not fit is not acknowledged, not told, and comes again. */
START_TEST(test_what_does_not_fit_is_not_acknowledged)
{
    struct parcel parcel;
    bool brokers = _i % 2 == 0;
    small_store();
    fake_begin(&fake);
    struct store_txn *reader = NULL; /* keeps freed pages: then nothing at all fits */
    if (_i >= 6) {
        ck_assert_int_eq(store_read_begin(desk.store, &reader), OK);
    }
    fill_store((size_t)32 << (_i % 6 / 2));
    fake_parcel(&fake, brokers ? "broker" : "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    bool received = number_at(desk_must(&desk, "{'cmd':'status'}"), "inbox.received") == 1;
    ck_assert(_i < 6 || !received);
    store_read_end(reader);
    ck_assert_int_eq(agent_failure(desk.agent), OK);
    ck_assert_int_eq(desk.asks[SLOT_ACK].open, received);
    ck_assert_uint_eq(events_of(&desk, "received"), received ? 1 : 0);
    ck_assert_str_eq(desk_alarm(&desk), "");
    if (!received) {
        unsigned asked = fake_asked(&fake);
        desk_pass(&desk, 4999);
        ck_assert_uint_eq(fake_asked(&fake), asked);
        desk_stop(&desk); /* the administrator makes room */
        desk.map_bytes = 8 * 1024 * 1024;
        ck_assert_int_eq(desk_start(&desk), OK);
        agent_connected(desk.agent, true);
        fake_settle_session(&fake);
        fake_deliver(&fake, &parcel, 1, NULL);
        ck_assert_uint_eq(events_of(&desk, "received"), 1);
        ck_assert(desk.asks[SLOT_ACK].open);
    }
    parcel_free(&parcel);
}
END_TEST

START_TEST(test_at_85_percent_nothing_new_is_taken_but_all_else_goes_on)
{
    char line[2048];
    unsigned sent = 0;
    small_store();
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%s}", SAY_OUTBOUND);
    struct json_value answer = desk_ask(&desk, line);
    while (!absent_at(answer, "messages") && sent++ < 1000) {
        answer = desk_ask(&desk, line);
    }
    ck_assert_str_eq(text_at(answer, "code"), "agent.store-full");
    ck_assert_str_eq(text_at(answer, "place"), "store");
    ck_assert_uint_ge(number_at(desk_must(&desk, "{'cmd':'status'}"), "store_percent"), 85);
    struct parcel parcel;
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    ck_assert_uint_eq(events_of(&desk, "received"), 1);
    (void)fake_accept(&fake, SLOT_ACK);
    ck_assert_int_gt((int)fake_accept(&fake, SLOT_SUBMIT), 0);
    parcel_free(&parcel);
}
END_TEST

/* What an older calendar counted can then not be counted again later; that is less than to go on
 * counting by it, or not to start. */
START_TEST(a_full_store_is_no_reason_to_refuse_a_calendar)
{
    struct store_txn *reader = NULL;
    struct calendar *other = NULL;
    small_store();
    ck_assert_int_eq(calendar_new(&other), OK);
    calendar_seal(other);
    ck_assert_int_eq(store_read_begin(desk.store, &reader), OK);
    fill_store_wholly();
    ck_assert_int_eq(eras_keep_calendar(desk.agent, other), OK);
    store_read_end(reader);
    calendar_free(other);
}
END_TEST

/* The hook told an officer, and that cannot be written down: the officer is not told again. */
START_TEST(test_a_notice_that_was_told_is_not_told_again_for_want_of_room)
{
    struct parcel parcel;
    small_store();
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    ck_assert(desk.hook_runs);
    struct store_txn *reader = NULL; /* keeps freed pages: not even a removal has room */
    ck_assert_int_eq(store_read_begin(desk.store, &reader), OK);
    fill_store_wholly();
    desk_hook_end(&desk, true);
    ck_assert(desk.agent->notifier->channels[0].unsettled);
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_eq(desk.hook_starts, 1);
        desk_pass(&desk, 30000);
    }
    store_read_end(reader); /* room again */
    desk_pass(&desk, 60000);
    ck_assert(!desk.agent->notifier->channels[0].unsettled);
    ck_assert_uint_eq(desk.hook_starts, 1);
    ck_assert_uint_eq(number_at(desk_must(&desk, "{'cmd':'status'}"), "channels.0.waiting"), 0);
    parcel_free(&parcel);
}
END_TEST

/* --- what others send --- */

/* Facts of 4,000 empty materials: 8 KiB that take half a megabyte to read. The body could be such,
 * too, and only the receiver reads that. */
static void write_growing(struct parcel *parcel)
{
    static uint8_t facts[8 + 2 * 4000];
    struct buf header;
    uint8_t *at = facts;
    *at++ = 0x12; /* Facts.referral */
    *at++ = 0x80 | (8000 & 0x7f);
    *at++ = 8000 >> 7;
    for (size_t i = 0; i < 4000; i++) {
        *at++ = 0x2a; /* ReferralFacts.materials */
        *at++ = 0;
    }
    buf_init(&header, LIMIT_HEADER_BYTES);
    ck_assert_int_eq(header_encode(&parcel->message.header, &header), OK);
    struct payload payload = {span_buf(&header), span_of(facts, (size_t)(at - facts)),
                              span_text("")};
    ck_assert_int_eq(payload_encode(&payload, &parcel->payload), OK);
    buf_free(&header);
}

/* All go back, none is in the way of the others. */
START_TEST(test_messages_that_grow_do_not_close_the_inbox)
{
    static struct parcel parcels[101];
    fake_begin(&fake);
    for (size_t i = 0; i < COUNT_OF(parcels); i++) {
        fake_parcel(&fake, "education", &parcels[i]);
        if (i < 100) {
            write_growing(&parcels[i]);
        }
    }
    fake_deliver(&fake, parcels, COUNT_OF(parcels), NULL);
    ck_assert_str_eq(desk_alarm(&desk), "");
    ck_assert_uint_eq(events_of(&desk, "rejected"), 100);
    ck_assert_uint_eq(events_of(&desk, "received"), 1);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_ACK), 64); /* a batch, and the rest */
    ck_assert_uint_eq(fake_accept(&fake, SLOT_ACK), 37);
    for (size_t i = 0; i < COUNT_OF(parcels); i++) {
        parcel_free(&parcels[i]);
    }
}
END_TEST

/* The largest notice, of characters that JSON writes six times as long, reaches the hook. */
START_TEST(test_the_largest_notice_is_taken)
{
    static struct trace_day days[400];
    static char name[61];
    struct parcel parcel;
    memset(name, 1, sizeof(name) - 1);
    for (size_t i = 0; i < COUNT_OF(days); i++) {
        days[i] = (struct trace_day){.date = 20260302, .kind = TRACE_HOLIDAY, .name = name};
    }
    fake_begin(&fake);
    fake_parcel(&fake, "broker", &parcel);
    parcel.message.notice.trace = days;
    parcel.message.notice.trace_count = COUNT_OF(days);
    fake_deliver(&fake, &parcel, 1, NULL);
    ck_assert_int_eq(agent_failure(desk.agent), OK);
    ck_assert_uint_eq(events_of(&desk, "received"), 1);
    ck_assert_uint_eq(desk.hook_starts, 1);
    parcel_free(&parcel);
}
END_TEST

/* --- the hook --- */

START_TEST(test_the_hook_is_tried_twelve_times_over_about_a_day)
{
    struct parcel parcels[2];
    unsigned hours = 0;
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcels[0]);
    fake_parcel(&fake, "education", &parcels[1]);
    fake_deliver(&fake, parcels, 2, NULL);
    while (desk.hook_starts < 13) {
        while (!desk.hook_runs) {
            desk_pass(&desk, 3600000);
            ck_assert_uint_lt(++hours, 49);
        }
        unsigned starts = desk.hook_starts;
        desk_hook_end(&desk, starts == 13);
        ck_assert_msg(desk.hook_starts == starts || starts >= 13, "no wait after try %u", starts);
    }
    ck_assert_uint_ge(hours, 12);
    fake_end_hooks(&fake);
    ck_assert_uint_eq(desk.hook_starts, 13); /* twelve for the first notice, one for the second */
    ck_assert_uint_eq(count_in(&desk.hooks, parcels[0].message.header.referral_number), 12 * 2);
    parcel_free(&parcels[0]);
    parcel_free(&parcels[1]);
}
END_TEST

/* One that never ends keeps nothing else from going on; after a restart it is told again. */
START_TEST(test_a_hook_that_never_ends)
{
    struct parcel parcels[2];
    fake_begin(&fake);
    for (size_t i = 0; i < 2; i++) {
        fake_parcel(&fake, "education", &parcels[i]);
        fake_deliver(&fake, &parcels[i], 1, NULL);
        (void)fake_accept(&fake, SLOT_ACK);
        desk_pass(&desk, 60000);
        fake_settle_session(&fake);
    }
    ck_assert_uint_eq(desk.hook_starts, 1);
    ck_assert_uint_eq(events_of(&desk, "received"), 2);
    desk_restart(&desk); /* while it runs */
    ck_assert_uint_eq(desk.hook_starts, 2);
    fake_end_hooks(&fake);
    ck_assert_uint_eq(desk.hook_starts, 3);
    ck_assert_uint_eq(number_at(desk_must(&desk, "{'cmd':'status'}"), "channels.0.waiting"), 0);
    parcel_free(&parcels[0]);
    parcel_free(&parcels[1]);
}
END_TEST

/* A store of a version that had no channels: what waited for the hook is told. */
START_TEST(test_a_notice_of_an_earlier_version)
{
    static const char value[] = "\3{\"event\":\"received\",\"referral\":\"OLD-1\"}";
    const uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 7};
    struct store_txn *txn;
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    ck_assert_int_eq(store_put(txn, STORE_NOTICE, span_of(key, 8), span_text(value)), OK);
    ck_assert_int_eq(store_commit(txn), OK);
    desk_restart(&desk);
    ck_assert(desk.hook_runs);
    ck_assert_uint_eq(count_in(&desk.hooks, "OLD-1"), 1);
    fake_end_hooks(&fake);
    desk_restart(&desk);
    ck_assert_uint_eq(desk.hook_starts, 1);
    ck_assert_uint_eq(number_at(desk_must(&desk, "{'cmd':'status'}"), "channels.0.waiting"), 0);
}
END_TEST

START_TEST(test_a_hook_that_cannot_start_costs_no_try)
{
    struct parcel parcel;
    fake_begin(&fake);
    desk.hook_result = ERR_IO;
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    for (int i = 0; i < 20; i++) {
        desk_pass(&desk, 30000);
    }
    ck_assert_uint_eq(desk.hook_starts, 0);
    ck_assert_int_eq(agent_failure(desk.agent), OK);
    desk.hook_result = OK;
    desk_pass(&desk, 30000);
    ck_assert(desk.hook_runs);
    parcel_free(&parcel);
}
END_TEST

/* --- nothing personal --- */

static size_t count_in_file(const char *path, const char *text)
{
    struct fault fault = {.code = ""};
    struct buf bytes;
    buf_init(&bytes, STORE_MAP_TEST_BYTES);
    ck_assert_msg(file_read(path, &bytes, &fault) == OK, "%s", fault.message);
    size_t count = count_in(&bytes, text);
    buf_free(&bytes);
    return count;
}

/* Names and texts are in `show` and nowhere else: not in logs, events, the hook or on the disk. */
START_TEST(test_nothing_personal_leaves_the_body)
{
    static const char *const personal[] = {"PERSON-NAME", "SECRET-TEXT"};
    static struct life life;
    struct slip slip;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/log", desk.folder);
    ck_assert_ptr_nonnull(freopen(path, "w", stderr));
    log_init("test", LOG_DEBUG_LEVEL, NULL);
    life_begin(&life);
    life.parcels[1].body.officer = NULL; /* goes back with its field */
    life_play(&life);
    desk_say(&desk, SAY_OUTBOUND);
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    slip.record.kind = LEAF_REFUSED;
    slip.record.refusal = REFUSAL_NUMBER;
    fake_receipts(&fake, SLOT_SUBMIT, &slip, 1, NULL);
    (void)desk_ask(&desk, "{'cmd':'send','message':{'kind':'outbound-referral','recipients':["
                          "'education'],'facts':{},'body':{'officer':'PERSON-NAME',"
                          "'SECRET-TEXT':1}}}");
    (void)desk_ask(&desk, "{'cmd':'send','kind':'PERSON-NAME'}");
    (void)fflush(stderr);
    for (size_t i = 0; i < COUNT_OF(personal); i++) {
        ck_assert_uint_eq(count_in(&desk.hooks, personal[i]), 0);
        ck_assert_uint_eq(count_in(&desk.events, personal[i]), 0);
        ck_assert_uint_eq(count_in_file(path, personal[i]), 0);
        (void)snprintf(path, sizeof(path), "%s/store/data.mdb", desk.folder);
        ck_assert_uint_eq(count_in_file(path, personal[i]), 0);
        (void)snprintf(path, sizeof(path), "%s/log", desk.folder);
    }
    ck_assert_uint_gt(count_in_file(path, "refused"), 0);
    life_end(&life);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_faults");
    TCase *tcase = tcase_create("faults");
    tcase_set_timeout(tcase, 60);
    desk_fixture(tcase);
    tcase_add_test(tcase, test_a_life_without_faults);
    tcase_add_loop_test(tcase, test_the_process_ends_at_every_store_point, 0, POINTS);
    tcase_add_loop_test(tcase, test_every_request_fails_once, 0, CALLS);
    tcase_add_test(tcase, test_no_answer_of_the_link_stops_the_agent);
    tcase_add_test(tcase, test_a_flapping_link);
    tcase_add_loop_test(tcase, test_what_does_not_fit_is_not_acknowledged, 0, 12);
    tcase_add_test(tcase, test_at_85_percent_nothing_new_is_taken_but_all_else_goes_on);
    tcase_add_test(tcase, test_a_notice_that_was_told_is_not_told_again_for_want_of_room);
    tcase_add_test(tcase, a_full_store_is_no_reason_to_refuse_a_calendar);
    tcase_add_test(tcase, test_messages_that_grow_do_not_close_the_inbox);
    tcase_add_test(tcase, test_the_largest_notice_is_taken);
    tcase_add_test(tcase, test_the_hook_is_tried_twelve_times_over_about_a_day);
    tcase_add_test(tcase, test_a_hook_that_never_ends);
    tcase_add_test(tcase, test_a_notice_of_an_earlier_version);
    tcase_add_test(tcase, test_a_hook_that_cannot_start_costs_no_try);
    tcase_add_test(tcase, test_nothing_personal_leaves_the_body);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

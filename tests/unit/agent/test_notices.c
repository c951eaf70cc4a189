/* agent/notice: what officers read, when it goes out, and that none is lost or told out of order.
 * The desk's clocks stand until they are moved; sendings end as the test says. */
#include <stdio.h>

#include "agent/notice/forms.h"
#include "agent/notice/mail.h"
#include "agent/notice/template.h"
#include "agent/notice/text.h"
#include "agent_support.h"
#include "model/instant_text.h"

#define MAIL       0u
#define ROBOT      1u
#define SMS        2u
#define MINUTE_MS  UINT64_C(60000)
#define HOUR_MS    UINT64_C(3600000)
#define START_DATE 20260302

static struct realm realm;
static struct desk desk;
static unsigned made; /* messages told so far */

static uint64_t instant(const char *text)
{
    uint64_t instant_ms = 0;
    char whole[INSTANT_TEXT_BYTES];
    (void)snprintf(whole, sizeof(whole), "%s:00+08:00", text);
    ck_assert_int_eq(instant_parse(whole, &instant_ms), OK);
    return instant_ms;
}

static void realm_setup(void)
{
    realm_open(&realm);
}

static void realm_teardown(void)
{
    realm_close(&realm);
}

static void add_channel(struct notice_setup *setup, const char *name, int kind, uint64_t rate)
{
    struct notice_channel *channel = &setup->channels[setup->channel_count++];
    text_copy(channel->name, sizeof(channel->name), name);
    channel->kind = kind;
    channel->rate = rate;
    channel->characters = kind == CHANNEL_HTTP ? 70 : 0;
}

static void add_officer(struct notice_setup *setup, const char *id, uint32_t role, size_t channel)
{
    struct notice_officer *officer = &setup->officers[setup->officer_count++];
    text_copy(officer->id, sizeof(officer->id), id);
    officer->role = role;
    officer->messages = role == ROLE_LIAISON;
    officer->rungs.bits = UINT64_MAX;
    text_copy(officer->addresses[channel], NOTICE_ADDRESS_BYTES, "a@b.example");
}

/* A liaison officer by mail, a leader by robot, a duty contact by short message. */
static struct notice_setup *make_setup(void)
{
    struct notice_setup *setup = calloc(1, sizeof(*setup));
    ck_assert_ptr_nonnull(setup);
    add_channel(setup, "mail", CHANNEL_SMTP, 15);
    add_channel(setup, "robot", CHANNEL_WECOM, 3);
    add_channel(setup, "sms", CHANNEL_HTTP, 15);
    add_officer(setup, "liaison", ROLE_LIAISON, MAIL);
    add_officer(setup, "leader", ROLE_LEADER, ROBOT);
    add_officer(setup, "duty", ROLE_DUTY_CONTACT, SMS);
    ck_assert_int_eq(office_hours_add(&setup->hours, "08:30-12:00"), OK);
    ck_assert_int_eq(office_hours_add(&setup->hours, "14:30-18:00"), OK);
    return setup;
}

static void setup_cb(void)
{
    made = 0;
    desk.with_hook = false;
    desk.notices = make_setup();
    desk_open(&desk, &realm, "education");
}

static void teardown_cb(void)
{
    desk_close(&desk);
}

/* --- office hours --- */

static const struct {
    const char *at, *next;
} hours_cases[] = {
    {"2026-03-02T08:29", "2026-03-02T08:30"}, {"2026-03-02T08:30", "2026-03-02T08:30"},
    {"2026-03-02T11:59", "2026-03-02T11:59"}, {"2026-03-02T12:00", "2026-03-02T14:30"},
    {"2026-03-02T18:00", "2026-03-03T08:30"}, {"2026-03-06T18:30", "2026-03-09T08:30"},
    {"2026-09-20T10:00", "2026-09-20T10:00"}, /* a Sunday that is worked */
    {"2026-09-25T10:00", "2026-09-28T08:30"}, /* Mid-Autumn */
    {"2026-09-30T18:00", "2026-10-08T08:30"}, /* National Day */
    {"2026-10-10T09:00", "2026-10-10T09:00"}, /* a Saturday that is worked */
    {"2026-10-10T18:01", "2026-10-12T08:30"}, {"2026-02-14T23:59", "2026-02-24T08:30"},
};

START_TEST(test_office_hours_follow_the_calendar)
{
    struct notice_setup *setup = desk.notices;
    uint64_t at_ms = instant(hours_cases[_i].at), next_ms = instant(hours_cases[_i].next);
    ck_assert_uint_eq(office_hours_next(&setup->hours, realm.calendar, at_ms), next_ms);
    ck_assert_int_eq(office_hours_open(&setup->hours, realm.calendar, at_ms), at_ms == next_ms);
}
END_TEST

START_TEST(test_office_hours_that_are_none)
{
    static const char *const wrong[] = {
        "8:30-12:00", "08:30-08:30", "12:00-08:30", "24:01-24:02", "08:60-12:00", "08:30 12:00",
        "",           "08:30-12:00x"};
    struct office_hours hours = {.count = 0};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_assert_msg(office_hours_add(&hours, wrong[i]) == ERR_INVALID, "%s", wrong[i]);
    }
    ck_assert_int_eq(office_hours_add(&hours, "08:00-12:00"), OK);
    ck_assert_int_eq(office_hours_add(&hours, "11:00-13:00"), ERR_INVALID);
    ck_assert_int_eq(office_hours_add(&hours, "22:00-24:00"), OK);
    hours.count = 0;
    ck_assert(office_hours_open(&hours, realm.calendar, instant("2026-10-01T03:00")));
}
END_TEST

/* --- texts --- */

static const struct {
    struct note note;
    const char *text;
} text_cases[] = {
    {{.kind = NOTE_RAISED,
      .cause = {.rung = RUNG_DUE_2},
      .number = "JZ-2026-0031-01",
      .due_date = 20261010,
      .late = true,
      .days = 3},
     "【救助衔接】JZ-2026-0031-01 红灯·黄牌（报办公室）：反馈期限 2026年10月10日，已超 3 "
     "个工作日。请登录收件箱查看。"},
    {{.kind = NOTE_RAISED,
      .cause = {.rung = RUNG_REMIND_5},
      .number = "JZ-2026-0031-01",
      .due_date = 20260930,
      .days = 5},
     "【救助衔接】JZ-2026-0031-01 绿灯·提醒：反馈期限 2026年9月30日，剩 5 "
     "个工作日。请登录收件箱查看。"},
    {{.kind = NOTE_RAISED,
      .cause = {.rung = RUNG_DUE_1, .task = TASK_PAPERS},
      .number = "JZ-2026-0031-01",
      .due_date = 20260930,
      .late = true},
     "【救助衔接】JZ-2026-0031-01 红灯·黄牌：办理期限 "
     "2026年9月30日，已到期。请登录收件箱查看。"},
    {{.kind = NOTE_RAISED,
      .resolved = true,
      .cause = {.rung = RUNG_DUE_3_FIRST},
      .number = "JZ-2026-0031-01",
      .due_date = 20260930,
      .late = true,
      .days = 20},
     "【救助衔接】JZ-2026-0031-01 红灯·红牌：反馈期限 "
     "2026年9月30日，现已解除。请登录收件箱查看。"},
    {{.kind = NOTE_RESOLVED, .cause = {.rung = RUNG_UNSIGNED_1}, .number = "JZ-2026-0031-01"},
     "【救助衔接】JZ-2026-0031-01 黄灯·签收催办：已解除。请登录收件箱查看。"},
    {{.kind = NOTE_RAISED, .cause = {.rung = RUNG_URGENT_1}, .number = "JZ-2026-0031-01"},
     "【救助衔接】JZ-2026-0031-01 红灯·紧急催办：紧急事项请立即办理。请登录收件箱查看。"},
    {{.kind = NOTE_MESSAGE,
      .message_kind = MESSAGE_OUTBOUND_REFERRAL,
      .cause = {.rung = RUNG_COUNT},
      .number = "JZ-2026-0031-01"},
     "【救助衔接】收到新的社会救助线索 JZ-2026-0031-01，请登录签收。"},
    {{.kind = NOTE_TEST, .cause = {.rung = RUNG_COUNT}, .channel = "mail"},
     "【救助衔接】测试通知：渠道 mail 可用，无需处理。"},
    {{.kind = NOTE_ALARM, .cause = {.rung = RUNG_COUNT}},
     "【救助衔接】转介平台的记录出现异常，收发已暂停，请立即联系系统管理员。"},
    {{.kind = NOTE_RUNG_EARLY, .cause = {.rung = RUNG_COUNT}},
     "【救助衔接】转介平台的督办通知早于期限发出，收发已暂停，请立即联系系统管理员。"},
    {{.kind = NOTE_RUNG_MISSING, .cause = {.rung = RUNG_COUNT}},
     "【救助衔接】期限已过而应发的督办通知未到，收发已暂停，请立即联系系统管理员，"
     "并致电对方单位核实。"},
};

START_TEST(test_what_an_officer_reads)
{
    const struct notice_bound none = {0};
    struct buf out;
    buf_init(&out, NOTICE_TEXT_BYTES);
    ck_assert_int_eq(notice_text(realm.policy, &text_cases[_i].note, 1, none, &out), OK);
    ck_assert_int_eq(buf_append(&out, "", 1), OK);
    ck_assert_str_eq((char *)out.data, text_cases[_i].text);
    buf_free(&out);
}
END_TEST

static size_t characters_of(const struct buf *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->len; i++) {
        count += (text->data[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

/* Every rung, raised, ended and both, fits into one part of a short message. */
START_TEST(test_every_rung_fits_a_short_message)
{
    const struct notice_bound sms = {.characters = 70};
    struct buf out;
    buf_init(&out, NOTICE_TEXT_BYTES);
    for (int rung = 0; rung < RUNG_COUNT; rung++) {
        for (unsigned way = 0; way < 4; way++) {
            struct note note = {.kind = way == 3 ? NOTE_RESOLVED : NOTE_RAISED,
                                .cause = {.rung = (enum rung)rung},
                                .number = "JZ-SX-2026-000731-01",
                                .due_date = 20261231,
                                .resolved = way == 2,
                                .late = way == 1,
                                .days = 120};
            ck_assert_int_eq(notice_text(realm.policy, &note, 1, sms, &out), OK);
            ck_assert_uint_le(characters_of(&out), 70);
            ck_assert_uint_eq(count_in(&out, note.number), 1);
            ck_assert_uint_eq(count_in(&out, "请登录"), 1);
        }
    }
    buf_free(&out);
}
END_TEST

START_TEST(test_a_digest_says_what_it_leaves_out)
{
    static struct note notes[100];
    const struct notice_bound robot = {.bytes = 2048}, sms = {.characters = 70}, none = {0};
    struct buf out;
    for (size_t i = 0; i < COUNT_OF(notes); i++) {
        notes[i] = text_cases[0].note;
        (void)snprintf(notes[i].number, sizeof(notes[i].number), "JZ-2026-%04zu-01", i);
    }
    buf_init(&out, NOTICE_TEXT_BYTES);
    ck_assert_int_eq(notice_text(realm.policy, notes, 3, none, &out), OK);
    ck_assert_uint_eq(count_in(&out, "红灯"), 3);
    ck_assert_uint_eq(count_in(&out, "共 3 件"), 1);
    ck_assert_uint_eq(count_in(&out, "另有"), 0);
    ck_assert_int_eq(notice_text(realm.policy, notes, 100, robot, &out), OK);
    ck_assert_uint_le(out.len, 2048);
    char rest[64];
    (void)snprintf(rest, sizeof(rest), "今日另有 %zu 件。", 100 - count_in(&out, "红灯"));
    ck_assert_uint_eq(count_in(&out, rest), 1);
    ck_assert_int_eq(notice_text(realm.policy, notes, 13, sms, &out), OK);
    ck_assert_uint_le(characters_of(&out), 70);
    ck_assert_uint_eq(count_in(&out, "今日另有 12 件。"), 1);
    ck_assert_uint_eq(count_in(&out, "请登录查看。"), 1);
    buf_free(&out);
}
END_TEST

/* --- what is sent when --- */

struct came { /* a message about to be told */
    enum message_kind kind;
    const char *rung;
    uint32_t roles;
    unsigned referral; /* its number */
    uint64_t fell_due_ms;
};

static void tell(const struct came *came)
{
    struct row row = {.direction = ROW_IN, .state = ROW_RECEIVED};
    static struct message message;
    struct store_txn *txn;
    memset(&message, 0, sizeof(message));
    row.header.kind = came->kind;
    row.header.message_id.bytes[0] = (uint8_t)++made;
    row.header.referral_id.bytes[1] = (uint8_t)came->referral;
    (void)snprintf(row.header.referral_number, LIMIT_NUMBER_BYTES, "JZ-2026-%04u-01",
                   came->referral);
    message.header = row.header;
    if (came->rung != NULL) {
        text_copy(message.notice.rung, sizeof(message.notice.rung), came->rung);
        message.notice.roles = came->roles;
        message.notice.window = 1;
        message.notice.due_date = START_DATE;
        message.notice.fell_due_ms = came->fell_due_ms;
    }
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    ck_assert_int_eq(notify_add(desk.agent, txn, &row, &message), OK);
    ck_assert_int_eq(store_commit(txn), OK);
    agent_wake(desk.agent);
}

static void raise(unsigned referral, const char *rung, uint32_t roles)
{
    tell(&(struct came){.kind = MESSAGE_ESCALATION,
                        .rung = rung,
                        .roles = roles,
                        .referral = referral,
                        .fell_due_ms = instant("2026-03-06T00:00")});
}

static void resolve(unsigned referral, const char *rung)
{
    tell(&(struct came){.kind = MESSAGE_RESOLVED,
                        .rung = rung,
                        .roles = ROLE_LIAISON | ROLE_LEADER,
                        .referral = referral});
}

static void end(size_t channel, enum notice_result result, uint64_t wait_ms)
{
    struct notice_outcome outcome = {.result = result, .wait_ms = wait_ms};
    if (result != NOTICE_SENT) {
        text_copy(outcome.reason, sizeof(outcome.reason), "no room");
    }
    desk_sent(&desk, channel, &outcome);
}

static void end_all(void)
{
    for (size_t i = 0; i < desk.notices->channel_count; i++) {
        while (desk.sends[i]) {
            end(i, NOTICE_SENT, 0);
        }
    }
}

static uint64_t figure(size_t channel, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "channels.%zu.%s", channel, name);
    return number_at(desk_must(&desk, "{'cmd':'status'}"), path);
}

/* The wall clock stands at this instant of Chinese time. */
static void at(const char *text)
{
    desk_pass(&desk, instant(text) - desk.wall_ms);
}

START_TEST(test_each_officer_is_told_of_what_is_theirs)
{
    tell(&(struct came){.kind = MESSAGE_OUTBOUND_REFERRAL, .referral = 1});
    ck_assert_uint_eq(desk.sent[MAIL], 1);
    ck_assert_uint_eq(desk.sent[ROBOT], 0);
    end_all();
    raise(2, "due-1", ROLE_LIAISON | ROLE_LEADER);
    end_all();
    ck_assert_uint_eq(desk.sent[MAIL], 2);
    ck_assert_uint_eq(desk.sent[ROBOT], 1);
    ck_assert_uint_eq(desk.sent[SMS], 0);
    raise(3, "urgent-1", ROLE_DUTY_CONTACT);
    end_all();
    ck_assert_uint_eq(desk.sent[SMS], 1);
    raise(4, "undelivered-1", ROLE_ADMINISTRATORS); /* nobody has it: the liaison officer */
    end_all();
    ck_assert_uint_eq(desk.sent[MAIL], 3);
    ck_assert_uint_eq(count_in(&desk.hooks, "mail liaison a@b.example 【救助衔接】"), 3);
    desk.notices->officers[1].rungs = rung_set_with((struct rung_set){0}, RUNG_DUE_3);
    raise(5, "due-2", ROLE_LEADER);
    raise(6, "due-3.4", ROLE_LEADER);
    end_all();
    ck_assert_uint_eq(desk.sent[ROBOT], 2);
    ck_assert_uint_eq(count_in(&desk.hooks, "JZ-2026-0006-01 红灯·红牌"), 1);
}
END_TEST

START_TEST(test_the_office_sleeps_and_life_does_not)
{
    at("2026-09-30T18:00"); /* the eve of National Day */
    raise(1, "due-1", ROLE_LIAISON);
    raise(2, "urgent-1", ROLE_DUTY_CONTACT);
    ck_assert_uint_eq(desk.sent[MAIL], 0);
    ck_assert_uint_eq(desk.sent[SMS], 1);
    end_all();
    ck_assert_str_eq(text_at(desk_must(&desk, "{'cmd':'status'}"), "channels.0.muted_until"),
                     "2026-10-08T08:30:00+08:00");
    at("2026-10-08T08:29");
    ck_assert_uint_eq(desk.sent[MAIL], 0);
    at("2026-10-08T08:30");
    ck_assert_uint_eq(desk.sent[MAIL], 1);
    end_all();
    ck_assert_uint_eq(figure(MAIL, "waiting"), 0);
    ck_assert(absent_at(desk_must(&desk, "{'cmd':'status'}"), "channels.0.muted_until"));
    at("2026-10-10T09:00"); /* a Saturday that is worked */
    raise(3, "due-1", ROLE_LIAISON);
    ck_assert_uint_eq(desk.sent[MAIL], 2);
}
END_TEST

/* A laboratory's clock jumps to the morning: nobody waits for the old one. */
START_TEST(test_a_moved_clock_is_followed)
{
    at("2026-03-02T20:00");
    raise(1, "due-1", ROLE_LIAISON);
    ck_assert_uint_eq(desk.sent[MAIL], 0);
    desk.wall_offset_ms = (int64_t)(14 * HOUR_MS);
    agent_wake(desk.agent);
    ck_assert_uint_eq(desk.sent[MAIL], 1);
}
END_TEST

START_TEST(test_no_minute_has_more_than_the_rate)
{
    uint64_t times[64];
    size_t count = 0;
    unsigned told = 0;
    for (unsigned second = 0; second < 300; second++) {
        if (second % 4 == 0) { /* five times the rate */
            raise(++told % 200, "due-1", ROLE_LEADER);
        }
        if (desk.sends[ROBOT]) {
            times[count++] = desk.machine_ms;
            end(ROBOT, NOTICE_SENT, 0);
            ck_assert(!desk.sends[ROBOT] || desk.sent[ROBOT] <= 3 * 6);
        }
        desk_pass(&desk, 1000);
    }
    for (size_t i = 3; i < count; i++) {
        ck_assert_uint_ge(times[i] - times[i - 3], MINUTE_MS - 1000);
    }
    ck_assert_uint_ge(count, 12);
    desk_pass(&desk, 2 * MINUTE_MS);
    end_all();
    ck_assert_uint_eq(figure(ROBOT, "waiting"), 0);
    ck_assert_uint_gt(count_in(&desk.hooks, "共 "), 0); /* digests */
    for (unsigned i = 1; i <= told; i++) {              /* all are in one or the other */
        char number[32];
        (void)snprintf(number, sizeof(number), "JZ-2026-%04u-01", i);
        ck_assert_uint_eq(count_in(&desk.hooks, number), 1);
    }
}
END_TEST

START_TEST(test_red_lights_come_first_in_a_digest)
{
    at("2026-03-02T20:00");
    raise(1, "undelivered-1", ROLE_LEADER);
    raise(2, "undelivered-1", ROLE_LEADER);
    raise(3, "undelivered-1", ROLE_LEADER);
    raise(4, "due-3", ROLE_LEADER);
    at("2026-03-03T08:30");
    const char *text = (const char *)desk.hooks.data;
    ck_assert_int_eq(buf_append(&desk.hooks, "", 1), OK);
    ck_assert_ptr_nonnull(strstr(text, "共 4 件"));
    ck_assert(strstr(text, "JZ-2026-0001-01") > strstr(text, "JZ-2026-0004-01"));
    ck_assert(strstr(text, "JZ-2026-0003-01") > strstr(text, "JZ-2026-0002-01"));
}
END_TEST

START_TEST(test_the_rate_outlives_a_restart)
{
    for (unsigned i = 0; i < 3; i++) {
        raise(i, "due-1", ROLE_LEADER);
        end_all();
    }
    desk_restart(&desk);
    raise(9, "due-1", ROLE_LEADER);
    raise(10, "due-1", ROLE_LEADER);
    ck_assert_uint_eq(desk.sent[ROBOT], 3);
    desk_pass(&desk, MINUTE_MS);
    ck_assert_uint_eq(desk.sent[ROBOT], 4);
    end_all();
    ck_assert_uint_eq(figure(ROBOT, "waiting"), 0);
}
END_TEST

START_TEST(test_a_channel_that_wants_to_be_left_alone)
{
    raise(1, "due-1", ROLE_LEADER);
    end(ROBOT, NOTICE_BLOCKED, 10 * MINUTE_MS);
    ck_assert_str_eq(text_at(desk_must(&desk, "{'cmd':'status'}"), "channels.1.muted_until"),
                     "2026-03-02T09:10:00+08:00");
    desk_pass(&desk, 5 * MINUTE_MS);
    desk_restart(&desk); /* it is not forgotten */
    desk_pass(&desk, 5 * MINUTE_MS - 1);
    ck_assert_uint_eq(desk.sent[ROBOT], 1);
    desk_pass(&desk, 1);
    ck_assert_uint_eq(desk.sent[ROBOT], 2);
    end_all();
    ck_assert_uint_eq(figure(ROBOT, "failures"), 0);
    ck_assert_uint_eq(figure(ROBOT, "dead"), 0);
}
END_TEST

START_TEST(test_twelve_tries_then_a_dead_letter_that_can_be_sent_again)
{
    char line[64];
    raise(1, "urgent-1", ROLE_LIAISON);
    for (unsigned i = 0; i < 12; i++) {
        for (unsigned hours = 0; !desk.sends[MAIL]; hours++) {
            ck_assert_uint_lt(hours, 10);
            desk_pass(&desk, HOUR_MS / 2);
        }
        end(MAIL, NOTICE_FAILED, 0);
    }
    desk_pass(&desk, DAY_MS);
    ck_assert_uint_eq(desk.sent[MAIL], 12);
    ck_assert_uint_eq(figure(MAIL, "dead"), 1);
    ck_assert_uint_eq(figure(MAIL, "waiting"), 0);
    struct json_value dead = desk_must(&desk, "{'cmd':'notify-dead'}");
    ck_assert_str_eq(text_at(dead, "rows.0.reason"), "no room");
    ck_assert_str_eq(text_at(dead, "rows.0.referral"), "JZ-2026-0001-01");
    ck_assert_uint_eq(number_at(dead, "rows.0.tries"), 12);
    (void)snprintf(line, sizeof(line), "{'cmd':'notify-retry','id':%u}",
                   (unsigned)number_at(dead, "rows.0.id"));
    desk_restart(&desk);
    (void)desk_must(&desk, line);
    ck_assert(desk.sends[MAIL]);
    end_all();
    ck_assert_uint_eq(figure(MAIL, "dead"), 0);
    ck_assert(!absent_at(desk_must(&desk, "{'cmd':'status'}"), "channels.0.last_ok"));
    ck_assert_str_eq(text_at(desk_ask(&desk, line), "code"), "agent.notices");
}
END_TEST

/* A channel that fails for ever filled the store with what nobody reads. */
START_TEST(test_dead_letters_of_a_channel_were_unbounded)
{
    struct note note = {.channel = "mail", .kind = NOTE_TEST};
    struct store_txn *txn;
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    for (note.id = 1; note.id <= NOTE_DEAD_MAX + 2; note.id++) {
        ck_assert_int_eq(note_put(txn, NOTE_DEAD, &note), OK);
    }
    text_copy(note.channel, sizeof(note.channel), "robot");
    ck_assert_int_eq(note_put(txn, NOTE_DEAD, &note), OK);
    ck_assert_int_eq(store_commit(txn), OK);
    raise(1, "due-1", ROLE_LIAISON);
    end(MAIL, NOTICE_REFUSED, 0);
    ck_assert_uint_eq(figure(MAIL, "dead"), NOTE_DEAD_MAX);
    ck_assert_uint_eq(figure(ROBOT, "dead"), 1); /* others are others' */
    ck_assert_int_eq(store_read_begin(desk.store, &txn), OK);
    ck_assert_int_eq(note_get(txn, NOTE_DEAD, "mail", 1, &note), ERR_NOT_FOUND);
    ck_assert_int_eq(note_get(txn, NOTE_DEAD, "mail", 4, &note), OK); /* the newest stay */
    ck_assert_int_eq(note_get(txn, NOTE_DEAD, "mail", NOTE_DEAD_MAX + 2, &note), OK);
    store_read_end(txn);
}
END_TEST

/* One address that is never taken keeps nobody else from being told. */
START_TEST(test_an_address_that_is_refused)
{
    raise(1, "due-1", ROLE_LIAISON);
    raise(2, "due-1", ROLE_LIAISON);
    end(MAIL, NOTICE_REFUSED, 0);
    ck_assert_uint_eq(desk.sent[MAIL], 2);
    end(MAIL, NOTICE_SENT, 0);
    ck_assert_uint_eq(figure(MAIL, "dead"), 1);
    ck_assert_uint_eq(figure(MAIL, "waiting"), 0);
}
END_TEST

START_TEST(test_nothing_is_lost_by_a_restart)
{
    char id[UUID_TEXT_BYTES];
    raise(1, "due-1", ROLE_LIAISON);
    text_copy(id, sizeof(id), desk.sent_id);
    desk_restart(&desk); /* while it is on its way: sent again under the same id */
    ck_assert_uint_eq(desk.sent[MAIL], 2);
    ck_assert_str_eq(desk.sent_id, id);
    end_all();
    desk_restart(&desk);
    ck_assert_uint_eq(desk.sent[MAIL], 2);
}
END_TEST

START_TEST(test_what_nobody_can_be_told_any_more_is_a_dead_letter)
{
    at("2026-03-02T20:00");
    raise(1, "due-1", ROLE_LIAISON | ROLE_LEADER);
    desk_stop(&desk);
    desk.notices->officers[0].addresses[MAIL][0] = '\0';
    text_copy(desk.notices->channels[ROBOT].name, NOTICE_NAME_BYTES, "other");
    ck_assert_int_eq(desk_start(&desk), OK);
    struct json_value dead = desk_must(&desk, "{'cmd':'notify-dead'}");
    ck_assert_str_eq(text_at(dead, "rows.0.reason"), "this officer has no address there any more");
    ck_assert_str_eq(text_at(dead, "rows.1.reason"), "this channel is not configured any more");
    ck_assert(absent_at(dead, "rows.2"));
}
END_TEST

/* --- raised and resolved --- */

START_TEST(test_whoever_was_told_of_a_rung_is_told_of_its_end)
{
    raise(1, "due-1", ROLE_LEADER);
    end_all();
    desk_restart(&desk);
    resolve(1, "due-1"); /* meant for the liaison officer, too, who heard nothing before */
    end_all();
    ck_assert_uint_eq(desk.sent[ROBOT], 2);
    ck_assert_uint_eq(desk.sent[MAIL], 0);
    ck_assert_uint_eq(count_in(&desk.hooks, "JZ-2026-0001-01 红灯·黄牌：已解除"), 1);
    resolve(1, "due-1");
    resolve(2, "due-1");
    ck_assert_uint_eq(desk.sent[ROBOT], 2);
}
END_TEST

START_TEST(test_a_rung_and_its_end_are_said_in_one)
{
    at("2026-03-02T20:00");
    raise(1, "due-1", ROLE_LEADER);
    resolve(1, "due-1");
    desk_restart(&desk);
    at("2026-03-03T08:30");
    end_all();
    ck_assert_uint_eq(desk.sent[ROBOT], 1);
    ck_assert_uint_eq(count_in(&desk.hooks, "现已解除"), 1);
    resolve(1, "due-1");
    ck_assert_uint_eq(desk.sent[ROBOT], 1);
}
END_TEST

START_TEST(test_the_end_comes_while_the_rung_is_on_its_way)
{
    raise(1, "due-1", ROLE_LEADER);
    resolve(1, "due-1");
    ck_assert_uint_eq(desk.sent[ROBOT], 1);
    if (_i == 0) { /* it arrived: its end follows */
        end(ROBOT, NOTICE_SENT, 0);
        end_all();
        ck_assert_uint_eq(desk.sent[ROBOT], 2);
        ck_assert_uint_eq(count_in(&desk.hooks, "：已解除"), 1);
    } else { /* it did not: both in one */
        end(ROBOT, NOTICE_FAILED, 0);
        desk_pass(&desk, MINUTE_MS);
        end_all();
        ck_assert_uint_eq(desk.sent[ROBOT], 2);
        ck_assert_uint_eq(count_in(&desk.hooks, "现已解除"), 1);
    }
    ck_assert_uint_eq(figure(ROBOT, "waiting"), 0);
}
END_TEST

START_TEST(test_the_end_of_what_was_in_a_digest_follows)
{
    at("2026-03-02T20:00");
    for (unsigned i = 1; i <= 50; i++) {
        raise(i, "due-1", ROLE_LEADER);
    }
    at("2026-03-03T08:30");
    ck_assert_uint_eq(desk.sent[ROBOT], 1);
    end_all();
    ck_assert_uint_eq(desk.sent[ROBOT], 1);
    ck_assert_uint_eq(count_in(&desk.hooks, "今日另有"), 1);
    resolve(50, "due-1");
    end_all();
    ck_assert_uint_eq(count_in(&desk.hooks, "JZ-2026-0050-01 红灯·黄牌：已解除"), 1);
}
END_TEST

/* --- a test of a channel --- */

START_TEST(test_a_channel_is_tried)
{
    at("2026-03-02T20:00");
    struct json_value answer = desk_must(&desk, "{'cmd':'notify-test','channel':'mail'}");
    char line[64];
    (void)snprintf(line, sizeof(line), "{'cmd':'notify-result','id':%u}",
                   (unsigned)number_at(answer, "ids.0"));
    ck_assert_uint_eq(desk.sent[MAIL], 1); /* whatever the hour */
    ck_assert_str_eq(text_at(desk_must(&desk, line), "state"), "waiting");
    end(MAIL, _i == 0 ? NOTICE_SENT : NOTICE_FAILED, 0);
    ck_assert_str_eq(text_at(desk_must(&desk, line), "state"), _i == 0 ? "sent" : "dead");
    ck_assert_str_eq(text_at(desk_ask(&desk, "{'cmd':'notify-test','channel':'mai'}"), "place"),
                     "channel");
}
END_TEST

/* --- forms --- */

static const struct notice_sending plain = {.address = "13800000000",
                                            .officer = "leader",
                                            .subject = "【救助衔接】JZ-2026-0031-01 红灯：一行很长"
                                                       "很长很长很长很长的主题",
                                            .text = "您好",
                                            .id = "0198c1f2-7c00-7a10-8000-0123456789ab",
                                            .number = "JZ-2026-0031-01",
                                            .light = "红灯",
                                            .due = "2026年10月10日",
                                            .wall_ms = DESK_START_MS};

START_TEST(test_dingtalk_signs)
{
    struct notice_channel channel = {.kind = CHANNEL_DINGTALK,
                                     .url = "https://oapi.dingtalk.com/robot/send",
                                     .token = "T+1",
                                     .key = "SEC-test-0123"};
    struct form form;
    form_init(&form);
    ck_assert_int_eq(channel_form_write(&channel, &plain, &form), OK);
    ck_assert_str_eq(
        (char *)form.url.data,
        "https://oapi.dingtalk.com/robot/send?access_token=T%2B1"
        "&timestamp=1772413200000&sign=RYNJ4lwzCL8jLCmh8mkABlqyVS8A1Vu2Pa7fQaUWt3g%3D");
    ck_assert_uint_eq(count_in(&form.body, "\"content\":\"您好 @13800000000\""), 1);
    form_free(&form);
}
END_TEST

static const struct {
    const char *text;
    enum template_place place;
    const char *out; /* NULL: refused */
} template_cases[] = {
    {"{\"m\":\"{{address}}\",\"t\":\"{{text}}\"}", TEMPLATE_JSON,
     "{\"m\":\"13800000000\",\"t\":\"您好\"}"},
    {"{{address text key | md5 | hex}}", TEMPLATE_PLAIN, "21ead41a923c49238035da856f10daf6"},
    {"{{ address|hmac-sha256|base64 }}", TEMPLATE_PLAIN,
     "WvV6bEH9mErxLA4rCJxS7kD1DlgiDz2ToxtsHO2/r5I="},
    {"{{address|hmac-sha256|base64}}", TEMPLATE_URL,
     "WvV6bEH9mErxLA4rCJxS7kD1DlgiDz2ToxtsHO2%2Fr5I%3D"},
    {"{{\"a\" timestamp \"-b \"}}", TEMPLATE_PLAIN, "a1772413200-b "},
    {"{{\"q\\\"}}", TEMPLATE_JSON, "q\\\\"},
    {"a=1&t={{text}}", TEMPLATE_URL, "a=1&t=%E6%82%A8%E5%A5%BD"},
    {"no brackets } {", TEMPLATE_PLAIN, "no brackets } {"},
    {"{{name}}", TEMPLATE_PLAIN, NULL},
    {"{{text | sha1}}", TEMPLATE_PLAIN, NULL},
    {"{{text", TEMPLATE_PLAIN, NULL},
    {"{{text}", TEMPLATE_PLAIN, NULL},
    {"{{}}", TEMPLATE_PLAIN, NULL},
    {"{{| md5}}", TEMPLATE_PLAIN, NULL},
    {"{{\"open}}", TEMPLATE_PLAIN, NULL},
};

START_TEST(test_templates)
{
    const struct notice_channel channel = {.kind = CHANNEL_HTTP, .key = "K-7"};
    char why[TEMPLATE_FAULT_BYTES] = "";
    struct buf out;
    buf_init(&out, 4096);
    if (template_cases[_i].out == NULL) {
        ck_assert_int_eq(template_check(template_cases[_i].text, why), ERR_INVALID);
        ck_assert_uint_gt(strlen(why), 10);
    } else {
        ck_assert_msg(template_check(template_cases[_i].text, why) == OK, "%s", why);
        ck_assert_int_eq(template_fill(template_cases[_i].text, template_cases[_i].place, &channel,
                                       &plain, &out),
                         OK);
        ck_assert_int_eq(buf_append(&out, "", 1), OK);
        ck_assert_str_eq((char *)out.data, template_cases[_i].out);
    }
    buf_free(&out);
}
END_TEST

START_TEST(test_a_mail_has_its_heads)
{
    const struct notice_channel channel = {.kind = CHANNEL_SMTP, .from = "jz@city.example"};
    struct notice_sending sending = plain;
    struct buf out;
    sending.address = "liaison@city.example";
    buf_init(&out, 8192);
    ck_assert_int_eq(mail_write(&channel, &sending, &out), OK);
    ck_assert_uint_eq(count_in(&out, "Date: Mon, 2 Mar 2026 09:00:00 +0800\r\n"), 1);
    ck_assert_uint_eq(count_in(&out, "To: <liaison@city.example>\r\n"), 1);
    ck_assert_uint_eq(count_in(&out, "Message-ID: <0198c1f2-7c00-7a10-8000-0123456789ab.leader"
                                     "@city.example>\r\n"),
                      1);
    ck_assert_uint_eq(count_in(&out, "Auto-Submitted: auto-generated\r\n"), 1);
    ck_assert_uint_eq(count_in(&out, "\r\n\r\n5oKo5aW9\r\n"), 1); /* 您好 */
    size_t line = 0;
    for (size_t i = 0; i < out.len; i++) {
        ck_assert_uint_lt(out.data[i], 0x80);
        line = out.data[i] == '\n' ? 0 : line + 1;
        ck_assert_uint_le(line, 77);
    }
    buf_free(&out);
}
END_TEST

static const struct {
    int kind;
    long code;
    const char *body;
    enum notice_result result;
    uint64_t wait_ms;
    const char *reason;
} judge_cases[] = {
    {CHANNEL_WECOM, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", NOTICE_SENT, 0, ""},
    {CHANNEL_WECOM, 200, "{\"errcode\":45009,\"errmsg\":\"x\"}", NOTICE_BLOCKED, 60000, "45009"},
    {CHANNEL_WECOM, 200, "{\"errcode\":93000,\"errmsg\":\"bad T-SECRET\"}", NOTICE_FAILED, 0,
     "errcode 93000: bad ***"},
    {CHANNEL_DINGTALK, 200, "{\"errcode\":130101,\"errmsg\":\"x\"}", NOTICE_BLOCKED, 600000,
     "130101"},
    {CHANNEL_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"sign\"}", NOTICE_FAILED, 0, "sign"},
    {CHANNEL_DINGTALK, 200, "<html>", NOTICE_FAILED, 0, "no JSON"},
    {CHANNEL_DINGTALK, 200, "{}", NOTICE_FAILED, 0, "errcode"},
    {CHANNEL_WECOM, 302, "{\"errcode\":0}", NOTICE_FAILED, 0, "HTTP 302"},
    {CHANNEL_HTTP, 200, "done ok", NOTICE_SENT, 0, ""},
    {CHANNEL_HTTP, 200, "done", NOTICE_FAILED, 0, "does not hold"},
    {CHANNEL_HTTP, 429, "ok", NOTICE_BLOCKED, 60000, "HTTP 429"},
    {CHANNEL_HTTP, 500, "ok", NOTICE_FAILED, 0, "HTTP 500"},
    {CHANNEL_SMTP, 250, "", NOTICE_SENT, 0, ""},
};

START_TEST(test_what_an_answer_means)
{
    const struct notice_channel channel = {
        .kind = judge_cases[_i].kind, .accept = "ok", .token = "T-SECRET"};
    struct web_answer answer = {.code = judge_cases[_i].code};
    struct notice_outcome outcome;
    text_copy(answer.body, sizeof(answer.body), judge_cases[_i].body);
    answer.len = strlen(answer.body);
    form_judge(&channel, &answer, &outcome);
    ck_assert_int_eq(outcome.result, judge_cases[_i].result);
    ck_assert_uint_eq(outcome.wait_ms, judge_cases[_i].wait_ms);
    ck_assert_msg(strstr(outcome.reason, judge_cases[_i].reason) != NULL, "%s", outcome.reason);
    ck_assert_ptr_null(strstr(outcome.reason, "SECRET"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_notices");
    TCase *tcase = tcase_create("notices");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, realm_setup, realm_teardown);
    tcase_add_checked_fixture(tcase, setup_cb, teardown_cb);
    tcase_add_loop_test(tcase, test_office_hours_follow_the_calendar, 0, COUNT_OF(hours_cases));
    tcase_add_test(tcase, test_office_hours_that_are_none);
    tcase_add_loop_test(tcase, test_what_an_officer_reads, 0, COUNT_OF(text_cases));
    tcase_add_test(tcase, test_every_rung_fits_a_short_message);
    tcase_add_test(tcase, test_a_digest_says_what_it_leaves_out);
    tcase_add_test(tcase, test_each_officer_is_told_of_what_is_theirs);
    tcase_add_test(tcase, test_the_office_sleeps_and_life_does_not);
    tcase_add_test(tcase, test_a_moved_clock_is_followed);
    tcase_add_test(tcase, test_no_minute_has_more_than_the_rate);
    tcase_add_test(tcase, test_red_lights_come_first_in_a_digest);
    tcase_add_test(tcase, test_the_rate_outlives_a_restart);
    tcase_add_test(tcase, test_a_channel_that_wants_to_be_left_alone);
    tcase_add_test(tcase, test_twelve_tries_then_a_dead_letter_that_can_be_sent_again);
    tcase_add_test(tcase, test_an_address_that_is_refused);
    tcase_add_test(tcase, test_nothing_is_lost_by_a_restart);
    tcase_add_test(tcase, test_dead_letters_of_a_channel_were_unbounded);
    tcase_add_test(tcase, test_what_nobody_can_be_told_any_more_is_a_dead_letter);
    tcase_add_test(tcase, test_whoever_was_told_of_a_rung_is_told_of_its_end);
    tcase_add_test(tcase, test_a_rung_and_its_end_are_said_in_one);
    tcase_add_loop_test(tcase, test_the_end_comes_while_the_rung_is_on_its_way, 0, 2);
    tcase_add_test(tcase, test_the_end_of_what_was_in_a_digest_follows);
    tcase_add_loop_test(tcase, test_a_channel_is_tried, 0, 2);
    tcase_add_test(tcase, test_dingtalk_signs);
    tcase_add_loop_test(tcase, test_templates, 0, COUNT_OF(template_cases));
    tcase_add_test(tcase, test_a_mail_has_its_heads);
    tcase_add_loop_test(tcase, test_what_an_answer_means, 0, COUNT_OF(judge_cases));
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

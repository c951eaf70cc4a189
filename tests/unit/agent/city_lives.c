/* Random lives: see city_lives.h. For tests only. */
#include "city_lives.h"

#include <stdio.h>

struct lives lives;
static const char *const *const names = city_names;

/* --- what officers do --- */

static const char *const sayings[] = {
    "'kind':'sign-for','message':{'body':{'officer':'o'}}",
    "'kind':'feedback','message':{'facts':{'outcome':'granted','measures':[{'measure':"
    "'student-aid','shape':'money','amount_fen':1,'unit':'term'}]},'body':{'officer':'o'}}",
    "'kind':'feedback','message':{'facts':{'outcome':'not-eligible'},'body':{'officer':'o',"
    "'reasons':'r'}}",
    "'kind':'feedback','message':{'facts':{'outcome':'procedure-required','documents':[{'kind':"
    "'application-form'}],'tell_by':'procuratorate'},'body':{'officer':'o'}}",
    "'kind':'feedback','message':{'facts':{'outcome':'procedure-required','documents':[{'kind':"
    "'application-form'}],'tell_by':'social-agency'},'body':{'officer':'o'}}",
    "'kind':'feedback','message':{'facts':{'outcome':'suitable'},'body':{'officer':'o','opinion':"
    "'p'}}",
    "'kind':'feedback','message':{'facts':{'outcome':'not-suitable'},'body':{'officer':'o',"
    "'reasons':'r'}}",
    "'kind':'applicant-informed','message':{'facts':{'task':'tell-applicant','how':'in-person'},"
    "'body':{'told_whom':'w','told_by':'b'}}",
    "'kind':'papers','message':{'facts':{'documents':['application-form'],'received':"
    "'2026-03-02T15:30:00+08:00'},'body':{'officer':'o'}}",
    "'kind':'withdrawal','message':{'facts':{'reason':'duplicate'},'body':{'officer':'o'}}",
};

void live_refer(void)
{
    char line[4096];
    size_t place = (size_t)chance(DESKS);
    const char *message = place == 0 ? SAY_OUTBOUND : SAY_INBOUND;
    if (lives.number_count == REFERRALS) {
        return;
    }
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%s}", message);
    if (place == 0 && chance(2) == 0) {
        const char *at = strstr(SAY_OUTBOUND, "education");
        (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%.*scivil-affairs%s}",
                       (int)(at - SAY_OUTBOUND), SAY_OUTBOUND, at + 9);
    }
    struct json_value answer = desk_must(&city.desks[place], line);
    lives.parties[lives.number_count][0] = place;
    lives.parties[lives.number_count][1] =
        strcmp(text_at(answer, "messages.0.recipient"), names[1]) == 0   ? 1
        : strcmp(text_at(answer, "messages.0.recipient"), names[2]) == 0 ? 2
                                                                         : 0;
    text_copy(lives.numbers[lives.number_count++], LIMIT_NUMBER_BYTES,
              text_at(answer, "messages.0.referral"));
}

/* Most of it is refused at once: not due from this party, or not now. What ends a life is rare. */
static void say(void)
{
    char line[1024];
    size_t which = (size_t)chance(COUNT_OF(sayings));
    bool ends = which == 1 || which == 2 || which == COUNT_OF(sayings) - 1;
    if (lives.number_count == 0 || (ends && chance(6) != 0)) {
        return;
    }
    size_t about = (size_t)chance(lives.number_count);
    struct desk *desk = &city.desks[lives.parties[about][chance(2)]];
    (void)snprintf(line, sizeof(line), "{'cmd':'send','referral':'%s',%s}", lives.numbers[about],
                   sayings[which]);
    struct json_value answer = desk_ask(desk, line);
    lives.taken += !absent_at(answer, "messages");
}

/* --- what they owe each other beside --- */

#define O "'body':{'officer':'o','text':'t'}"

/* %s is the number of a referral. */
static const char *const openings[] = {
    "{'kind':'information-request','about':'%s','facts':{'asked':['income','school']}," O "}",
    "{'kind':'information-request','about':'%s','facts':{'asked':['progress']}," O "}",
    "{'kind':'consultation','about':'%s','facts':{'topic':'policy'}," O "}",
    "{'kind':'case-conference','about':'%s','recipients':['education','civil-affairs'],'facts':{"
    "'topic':'plan','held':'2026-03-01T09:30:00+08:00','promises':[{'agency':'education','code':"
    "'provide','by_date':'2026-06-01'},{'agency':'civil-affairs','code':'visit','by_date':"
    "'2026-06-02'}]}," O "}",
    "{'kind':'hearing-invitation','about':'%s','recipients':['civil-affairs','education'],'facts':{"
    "'purpose':'payment','at':'2026-06-08T14:30:00+08:00','roles':['department'],'reply_by':"
    "'2026-06-04'}," O "}",
    "{'kind':'archive','about':'%s','facts':{'why':'assisted'}," O "}",
    "{'kind':'archive','about':'%s','facts':{'why':'not-assisted'}," O "}",
    "{'kind':'fund-plan','about':'%s','facts':{'custodian':'school','amount_fen':3,'payments':[{"
    "'date':'2026-06-01','amount_fen':1},{'date':'2026-07-01','amount_fen':2}]}," O "}",
};

/* %s is the number of a matter. */
static const char *const answers[] = {
    "{'kind':'information-reply','matter':'%s','facts':{'answered':['income']}," O "}",
    "{'kind':'consultation','matter':'%s','facts':{'topic':'policy'}," O "}",
    "{'kind':'promise-report','matter':'%s','facts':{'duty':1,'result':'kept'}," O "}",
    "{'kind':'promise-report','matter':'%s','facts':{'duty':2,'result':'in-part'}," O "}",
    "{'kind':'hearing-reply','matter':'%s','facts':{'attends':'deputy'},'body':{'officer':'o'}}",
    "{'kind':'hearing-opinion','matter':'%s','facts':{'opinion':'assist','promises':[{'agency':"
    "'education','code':'verify','by_date':'2026-07-01'}]},'body':{'officer':'o','opinion':'p'}}",
    "{'kind':'follow-up-report','matter':'%s','facts':{'duty':1,'hardship':'resolved','effect':"
    "'full','risk':'none'}," O "}",
    "{'kind':'follow-up-report','matter':'%s','facts':{'hardship':'worse','effect':'part','risk':"
    "'low','next_date':'2026-08-03'}," O "}",
    "{'kind':'follow-up-plan','matter':'%s','facts':{'dates':['2026-06-01','2026-09-01']}," O "}",
    "{'kind':'re-open','matter':'%s','facts':{'why':'new-fact'}," O "}",
    "{'kind':'fund-payment','matter':'%s','facts':{'duty':1,'amount_fen':1,'balance_fen':2,'date':"
    "'2026-03-02'}," O "}",
};

/* By any of the three, about anything: most is refused at once. */
static void converse(void)
{
    char line[1024];
    bool opens = lives.matter_count == 0 || (lives.matter_count < MATTERS && chance(3) == 0);
    struct desk *desk = &city.desks[chance(DESKS)];
    if (lives.number_count == 0) {
        return;
    }
    size_t used = (size_t)snprintf(line, sizeof(line), "{'cmd':'send','message':");
    if (opens) { /* in every table the number is the only %s */
        const char *text = openings[chance(COUNT_OF(openings))];
        const char *at = strstr(text, "%s");
        (void)snprintf(line + used, sizeof(line) - used, "%.*s%s%s}", (int)(at - text), text,
                       lives.numbers[chance(lives.number_count)], at + 2);
    } else {
        const char *text = answers[chance(COUNT_OF(answers))];
        const char *at = strstr(text, "%s");
        (void)snprintf(line + used, sizeof(line) - used, "%.*s%s%s}", (int)(at - text), text,
                       lives.matters[chance(lives.matter_count)], at + 2);
    }
    struct json_value answer = desk_ask(desk, line);
    lives.taken += !absent_at(answer, "messages");
    if (opens && !absent_at(answer, "messages")) {
        text_copy(lives.matters[lives.matter_count++], LIMIT_NUMBER_BYTES,
                  text_at(answer, "messages.0.referral"));
    }
}

/* An agent has another sealing key for a while: what comes meanwhile goes back. */
static void change_key(size_t place)
{
    struct seal_key *key = &city.realm.seal[city.desks[place].place];
    if (lives.wrong[place]) {
        *key = lives.right[place];
    } else {
        lives.right[place] = *key;
        seal_key_new(key);
    }
    lives.wrong[place] = !lives.wrong[place];
}

void live_restart(void)
{
    size_t place = (size_t)chance(DESKS);
    if (lives.wrong[place]) {
        change_key(place);
    }
    desk_restart(&city.desks[place]);
}

/* One of the requests, or replies, that are on their way. */
void live_travel(bool replies)
{
    size_t begin = (size_t)chance(FLIGHTS);
    for (size_t i = 0; i < FLIGHTS; i++) {
        size_t at = (begin + i) % FLIGHTS;
        size_t place = at % DESKS;
        enum agent_slot slot = (enum agent_slot)(at / DESKS % SLOT_COUNT);
        if (replies ? arrive(&city.flights[at], chance(20) == 0) : hand_over(place, slot)) {
            return;
        }
    }
}

void live_step(void)
{
    uint64_t what = chance(100);
    for (size_t i = 0; i < DESKS; i++) {
        if (lives.wrong[i] && chance(30) == 0) {
            change_key(i);
        }
    }
    if (what < 3) {
        live_refer();
    } else if (what < 35) {
        say();
    } else if (what < 45) {
        converse();
    } else if (what < 70) {
        live_travel(false);
    } else if (what < 95) {
        live_travel(true);
    } else if (what < 99) {
        city_pass(chance(4) == 0 ? chance(30 * HOUR_MS) : chance(2000));
    } else if (what == 99 && chance(3) != 0) {
        live_restart();
    } else if (chance(2) == 0) {
        broker_restart();
    } else {
        change_key((size_t)chance(DESKS));
    }
}

void live_days(unsigned days)
{
    for (unsigned day = 0; day < days; day++) {
        for (unsigned i = 0; i < 6; i++) {
            live_step();
        }
        city_pass(DAY_MS + chance(HOUR_MS));
        settle_city();
    }
}

size_t live_on(unsigned days)
{
    size_t told = 0;
    live_days(days);
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_msg(events_of(&city.desks[i], "alarm") == 0, "%s: %s", names[i],
                      desk_alarm(&city.desks[i]));
        told += count_in(&city.desks[i].events, "\"kind\":\"escalation\"");
    }
    return told;
}

/* --- judging --- */

struct case_key key_of(const char *number)
{
    struct store_txn *read = NULL;
    struct case_key key;
    ck_assert_int_eq(store_read_begin(city.store, &read), OK);
    ck_assert_int_eq(number_find(read, number, &key), OK);
    store_read_end(read);
    return key;
}

void get_copy(struct store *store, const struct case_key *key, struct referral *ret)
{
    struct store_txn *read = NULL;
    struct span packed;
    ck_assert_int_eq(store_read_begin(store, &read), OK);
    ck_assert_int_eq(cases_get(read, key, &packed), OK);
    ck_assert_int_eq(referral_unpack(packed, ret), OK);
    store_read_end(read);
}

#define SAME(field)                                                                                \
    ck_assert_msg(ours.field == theirs.field, "%s of %s: " #field " %llu, the broker %llu (%s)",   \
                  ours.number, who, (unsigned long long)ours.field,                                \
                  (unsigned long long)theirs.field, referral_state_name(theirs.state))

void same(size_t place, const struct case_key *key)
{
    const char *who = names[place];
    struct referral ours, theirs;
    get_copy(city.store, key, &theirs);
    get_copy(city.desks[place].store, key, &ours);
    ck_assert_str_eq(ours.register_number, theirs.register_number);
    SAME(state);
    SAME(marks);
    SAME(lane);
    SAME(submitted_ms);
    SAME(delivered_ms);
    SAME(signed_ms);
    SAME(answered_ms);
    SAME(outcome);
    SAME(procedure_count);
    SAME(window_number);
    SAME(late);
    SAME(lateness_days);
    SAME(late_answers);
    SAME(claimed_ms);
    SAME(tell_holder);
    SAME(papers_holder);
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock <= REFERRAL_CLOCK_PAPERS;
         clock++) {
        same_clock(who, &ours, &theirs, clock);
    }
}

/* --- matters --- */

void get_matter(struct store *store, const struct case_key *key, struct matter *ret)
{
    struct store_txn *read = NULL;
    struct span packed;
    ck_assert_int_eq(store_read_begin(store, &read), OK);
    ck_assert_int_eq(cases_get(read, key, &packed), OK);
    ck_assert(matter_is_packed(packed));
    ck_assert_int_eq(matter_unpack(packed, ret), OK);
    store_read_end(read);
}

/* But for who has it already, and for what only its holder is told: rungs and documents. An answer
 * goes to the owner: another member knows what it owes itself, and of an archive or a fund all. */
void same_matter(size_t place, const struct case_key *key)
{
    static struct matter ours, theirs;
    const char *who = names[place];
    get_matter(city.store, key, &theirs);
    get_matter(city.desks[place].store, key, &ours);
    ck_assert_str_eq(ours.number, theirs.number);
    ck_assert_str_eq(ours.case_number, theirs.case_number);
    ck_assert_int_eq(ours.kind, theirs.kind);
    ck_assert_uint_eq(ours.owner, theirs.owner);
    ck_assert_uint_eq(ours.lane, theirs.lane);
    ck_assert_uint_eq(ours.minor, theirs.minor);
    ck_assert_uint_eq(ours.opened_ms, theirs.opened_ms);
    uint16_t self = registry_find(city.realm.registry, who)->number;
    bool all = self == ours.owner || ours.kind == MATTER_ARCHIVE || ours.kind == MATTER_FUND;
    ck_assert_msg(!all || (ours.state == theirs.state && ours.closed_ms == theirs.closed_ms),
                  "%s of %s is %s, the broker's %s", ours.number, who,
                  matter_state_name(ours.state), matter_state_name(theirs.state));
    ck_assert_uint_eq(ours.reports, theirs.reports);
    ck_assert_uint_eq(ours.hardship, theirs.hardship);
    ck_assert_uint_eq(ours.risk, theirs.risk);
    ck_assert_uint_eq(ours.paid_fen, theirs.paid_fen);
    ck_assert_uint_eq(ours.balance_fen, theirs.balance_fen);
    ck_assert_uint_eq(ours.member_count, theirs.member_count);
    ck_assert_uint_eq(ours.duty_count, theirs.duty_count);
    for (uint32_t i = 0; i < ours.duty_count; i++) {
        if (all || ours.duties[i].holder == self) {
            same_duty(who, &ours, &ours.duties[i], &theirs.duties[i]);
        }
    }
}

static size_t place_of_number(uint16_t number)
{
    size_t place = 0;
    while (place < DESKS && registry_find(city.realm.registry, names[place])->number != number) {
        place++;
    }
    ck_assert_uint_lt(place, DESKS);
    return place;
}

unsigned judge(void)
{
    unsigned states = 0;
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_str_eq(desk_alarm(&city.desks[i]), "");
        struct json_value status = desk_must(&city.desks[i], "{'cmd':'status'}");
        ck_assert_uint_eq(number_at(status, "outbox.waiting"), 0);
        lives.rejected += number_at(status, "inbox.rejected");
    }
    for (size_t i = 0; i < lives.number_count; i++) {
        struct store_txn *read = NULL;
        struct case_key key;
        struct referral referral;
        ck_assert_int_eq(store_read_begin(city.store, &read), OK);
        ck_assert_msg(number_find(read, lives.numbers[i], &key) == OK, "%s", lives.numbers[i]);
        store_read_end(read);
        get_copy(city.store, &key, &referral);
        same(place_of_number(referral.sender), &key);
        same(place_of_number(referral.receiver), &key);
        states |= 1u << referral.state;
    }
    return states;
}

/* Those that the broker took. */
unsigned judge_matters(void)
{
    static struct matter matter;
    unsigned kinds = 0;
    for (size_t i = 0; i < lives.matter_count; i++) {
        struct store_txn *read = NULL;
        struct case_key key;
        ck_assert_int_eq(store_read_begin(city.store, &read), OK);
        enum err error = number_find(read, lives.matters[i], &key);
        store_read_end(read);
        if (error == ERR_NOT_FOUND) {
            continue;
        }
        ck_assert_int_eq(error, OK);
        get_matter(city.store, &key, &matter);
        same_matter(place_of_number(matter.owner), &key);
        for (uint32_t member = 0; member < matter.member_count; member++) {
            same_matter(place_of_number(matter.members[member].agency), &key);
        }
        kinds |= 1u << matter.kind;
    }
    return kinds;
}

/* --- what is late --- */

size_t judge_late(struct desk *desk)
{
    size_t held = desk_clocks_held(desk), place = (size_t)(desk - city.desks);
    if (lives.wrong[place]) {
        change_key(place);
    }
    for (int i = 0; i < 2; i++) {
        struct json_value answer = desk_must(desk, "{'cmd':'late','within':400}");
        struct json_value rows = json_member(&answer, "clocks");
        ck_assert_uint_eq(json_count(&rows), held);
        desk_forget_ends(desk);
        desk_restart(desk);
    }
    return held;
}

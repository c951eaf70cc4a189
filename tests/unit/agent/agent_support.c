/* See agent_support.h. Randomness is splitmix64 from the desk's seed; bodies and keys use the
 * kernel's, which no test depends on. */
#include "crypto_start.h"
#include "agent_support.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/notice/notice.h"
#include "base/file.h"
#include "base/log.h"
#include "io/calendar_folder.h"
#include "store/blobs.h"

const char *const SAY_OUTBOUND =
    "{'kind':'outbound-referral','recipients':['education'],'facts':{'ground':'art-18-3',"
    "'priority_groups':['minor'],'needs':['student-aid'],'materials':["
    "{'kind':'transfer-letter','missing':'not-issued-yet'},"
    "{'kind':'application-approval','missing':'not-issued-yet'},"
    "{'kind':'identity-household','missing':'not-issued-yet'},"
    "{'kind':'hardship-proof','missing':'not-issued-yet'},"
    "{'kind':'investigation-record','missing':'not-issued-yet'}],'minor_marks':['minor']},"
    "'body':{'officer':'O','persons':[{'name':'PERSON-NAME','relation':'self','minor':true,"
    "'guardian':'G','may_be_told':'yes'}],'circumstances':'SECRET-TEXT','reasons':'r'}}";
const char *const SAY_ADULT =
    "{'case_number':'JZ-2026-0001','kind':'outbound-referral','recipients':['civil-affairs'],"
    "'facts':{'ground':'art-4-1','needs':['temporary-aid'],'materials':["
    "{'kind':'transfer-letter','missing':'not-issued-yet'},"
    "{'kind':'application-approval','missing':'not-issued-yet'},"
    "{'kind':'identity-household','missing':'not-issued-yet'},"
    "{'kind':'hardship-proof','missing':'not-issued-yet'},"
    "{'kind':'investigation-record','missing':'not-issued-yet'}]},'body':{'officer':'O',"
    "'persons':[{'name':'N','relation':'self'}],'circumstances':'c','reasons':'r'}}";
const char *const SAY_INBOUND =
    "{'kind':'inbound-referral','recipients':['procuratorate'],'facts':{'ground':'art-4-1',"
    "'relation':'self'},'body':{'officer':'O','persons':[{'name':'PERSON-NAME'}],"
    "'circumstances':'SECRET-TEXT','reasons':'r'}}";

/* --- the realm --- */

static void must(enum err error, const struct fault *fault)
{
    ck_assert_msg(error == OK, "%s: %s: %s", err_text(error), fault->place, fault->message);
}

static void add_key(struct key_entry *entry, const char *owner, enum key_use use,
                    const uint8_t public_key[32])
{
    memset(entry, 0, sizeof(*entry));
    text_copy(entry->owner, sizeof(entry->owner), owner);
    entry->use = use;
    memcpy(entry->public_key, public_key, 32);
    entry->to_ms = UINT64_MAX;
}

static void make_keys(struct realm *realm)
{
    struct key_entry entries[2 * REALM_AGENCIES + 1];
    size_t count = 0;
    sign_key_new(&realm->broker);
    sign_key_new(&realm->stranger);
    add_key(&entries[count++], "broker", KEY_SIGN, realm->broker.public_key);
    for (size_t i = 0; i < registry_count(realm->registry); i++) {
        const char *id = registry_at(realm->registry, i)->id;
        sign_key_new(&realm->sign[i]);
        seal_key_new(&realm->seal[i]);
        add_key(&entries[count++], id, KEY_SIGN, realm->sign[i].public_key);
        add_key(&entries[count++], id, KEY_SEAL, realm->seal[i].public_key);
    }
    struct fault fault = {.code = ""};
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    must(keyring_write(REALM_ORIGIN, entries, count, &text), &fault);
    must(keyring_load_text("keys", span_buf(&text), &realm->keyring, &fault), &fault);
    buf_free(&text);
}

/* The line goes into the agency's row, behind its id. */
static void insert(struct buf *text, const char *agency, const char *line)
{
    char row[64];
    (void)snprintf(row, sizeof(row), "  - id: %s\n", agency);
    const char *at = memmem(text->data, text->len, row, strlen(row));
    ck_assert_ptr_nonnull(at);
    size_t before = (size_t)(at - (const char *)text->data) + strlen(row);
    struct buf edited;
    buf_init(&edited, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(buf_append(&edited, text->data, before), OK);
    ck_assert_int_eq(buf_append_text(&edited, line), OK);
    ck_assert_int_eq(buf_append(&edited, text->data + before, text->len - before), OK);
    buf_free(text);
    *text = edited;
}

void realm_open(struct realm *realm)
{
    realm_open_edited(realm, NULL, NULL);
}

void realm_open_edited(struct realm *realm, const char *agency, const char *line)
{
    struct fault fault = {.code = ""};
    struct buf policy;
    memset(realm, 0, sizeof(*realm));
    log_init("test", LOG_ERROR_LEVEL, NULL);
    must(crypto_start(), &fault);
    buf_init(&realm->registry_text, LIMIT_CONFIG_BYTES);
    buf_init(&policy, LIMIT_CONFIG_BYTES);
    must(file_read("config/agencies.yaml", &realm->registry_text, &fault), &fault);
    if (agency != NULL) {
        insert(&realm->registry_text, agency, line);
    }
    must(registry_read("agencies.yaml", span_buf(&realm->registry_text), &realm->registry, &fault),
         &fault);
    must(file_read("config/policy.yaml", &policy, &fault), &fault);
    must(policy_read("policy.yaml", span_buf(&policy), realm->registry, &realm->policy, &fault),
         &fault);
    realm->policy->attachments_required = false; /* until a suite says otherwise */
    must(calendar_folder_load("config/calendars", &realm->calendar, &fault), &fault);
    buf_free(&policy);
    ck_assert_uint_le(registry_count(realm->registry), REALM_AGENCIES);
    make_keys(realm);
}

void realm_close(struct realm *realm)
{
    keyring_free(realm->keyring);
    calendar_free(realm->calendar);
    policy_free(realm->policy);
    registry_free(realm->registry);
    buf_free(&realm->registry_text);
}

size_t realm_place(const struct realm *realm, const char *id)
{
    size_t place = 0;
    while (place < registry_count(realm->registry) &&
           strcmp(registry_at(realm->registry, place)->id, id) != 0) {
        place++;
    }
    ck_assert_msg(place < registry_count(realm->registry), "no agency %s", id);
    return place;
}

/* --- what the agent asks of the world --- */

static uint64_t op_wall_ms(void *ctx)
{
    const struct desk *desk = ctx;
    return desk->wall_ms + (uint64_t)desk->wall_offset_ms;
}

static uint64_t op_machine_ms(void *ctx)
{
    return ((struct desk *)ctx)->machine_ms;
}

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t random_of(struct desk *desk, uint64_t below)
{
    return random_next(&desk->seed) % below;
}

static void op_random(void *ctx, void *out, size_t len)
{
    uint8_t *at = out;
    for (size_t i = 0; i < len; i++) {
        at[i] = (uint8_t)(random_next(&((struct desk *)ctx)->seed) >> 56);
    }
}

static void op_wake_at(void *ctx, uint64_t machine_ms)
{
    ((struct desk *)ctx)->wake_ms = machine_ms;
}

static enum err op_request(void *ctx, enum agent_slot slot, struct span bytes, uint64_t timeout_ms)
{
    struct desk *desk = ctx;
    struct ask *ask = &desk->asks[slot];
    struct fault fault = {.code = ""};
    ck_assert_msg(!ask->open, "two requests of slot %d at once", (int)slot);
    if (++desk->request_calls == desk->request_fail_at) {
        return desk->request_result;
    }
    ck_assert_uint_le(bytes.len, LIMIT_REQUEST_BYTES);
    buf_init(&ask->bytes, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(buf_append(&ask->bytes, bytes.data, bytes.len), OK);
    region_init(&ask->region, LIMIT_PARSE_BYTES(LIMIT_REQUEST_BYTES));
    must(request_parse(span_buf(&ask->bytes), &ask->region, &ask->request, &fault), &fault);
    ck_assert_int_eq(request_verify(&ask->request, desk->realm->sign[desk->place].public_key), OK);
    ask->timeout_ms = timeout_ms;
    ask->open = true;
    desk->asked[slot]++;
    return OK;
}

static void op_follow_laboratory(void *ctx, int64_t offset_ms)
{
    (void)ctx;
    (void)offset_ms;
}

static void op_event(void *ctx, struct span line)
{
    struct desk *desk = ctx;
    ck_assert_int_eq(buf_append(&desk->events, line.data, line.len), OK);
    ck_assert_int_eq(buf_append(&desk->events, "\n", 1), OK);
}

static void op_changed(void *ctx, const struct case_key *key)
{
    struct desk *desk = ctx;
    if (desk->on_changed != NULL) {
        desk->on_changed(desk, key);
    }
}

static enum err op_watch(void *ctx, uint64_t client)
{
    (void)ctx;
    return client == 1 ? OK : ERR_FULL;
}

static enum err op_move_wall(void *ctx, int64_t offset_ms)
{
    ((struct desk *)ctx)->wall_offset_ms = offset_ms;
    return OK;
}

static enum err op_notify(void *ctx, size_t channel, const struct notice_sending *sending)
{
    struct desk *desk = ctx;
    ck_assert(!desk->sends[channel]);
    if (desk->hook_result != OK) {
        return desk->hook_result;
    }
    desk->sends[channel] = true;
    desk->sent[channel]++;
    text_copy(desk->sent_id, sizeof(desk->sent_id), sending->id);
    if (channel == 0) {
        desk->hook_starts++;
        desk->hook_runs = true;
    }
    if (desk->notices->channels[channel].kind == CHANNEL_HOOK) {
        ck_assert_int_eq(buf_append(&desk->hooks, sending->json.data, sending->json.len), OK);
    } else {
        ck_assert_int_eq(buf_printf(&desk->hooks, "%s %s %s %s",
                                    desk->notices->channels[channel].name, sending->officer,
                                    sending->address, sending->text),
                         OK);
    }
    ck_assert_int_eq(buf_append(&desk->hooks, "\n", 1), OK);
    return OK;
}

static enum err op_load_calendar(void *ctx, struct calendar **ret_calendar, struct fault *fault)
{
    return calendar_folder_load(((struct desk *)ctx)->calendars, ret_calendar, fault);
}

static enum err op_keep_evidence(void *ctx, struct span file, char ret_path[LIE_PATH_BYTES])
{
    struct desk *desk = ctx;
    if (desk->evidence_result != OK) {
        return desk->evidence_result;
    }
    buf_free(&desk->evidence);
    buf_init(&desk->evidence, LIMIT_EVIDENCE_BYTES);
    ck_assert_int_eq(buf_append(&desk->evidence, file.data, file.len), OK);
    (void)snprintf(ret_path, LIE_PATH_BYTES, "lie-%u", ++desk->evidence_files);
    return OK;
}

static const struct agent_ops ops = {.wall_ms = op_wall_ms,
                                     .machine_ms = op_machine_ms,
                                     .random = op_random,
                                     .wake_at = op_wake_at,
                                     .request = op_request,
                                     .follow_laboratory = op_follow_laboratory,
                                     .event = op_event,
                                     .changed = op_changed,
                                     .watch = op_watch,
                                     .move_wall = op_move_wall,
                                     .load_calendar = op_load_calendar,
                                     .notify = op_notify,
                                     .keep_evidence = op_keep_evidence};

static void point_cb(void *owner, const char *name)
{
    struct desk *desk = owner;
    desk->points++;
    if (desk->on_point != NULL) {
        desk->on_point(desk, name);
    }
}

/* --- life --- */

enum err desk_start(struct desk *desk)
{
    struct store_options options = {.kind = STORE_AGENT,
                                    .map_bytes = desk->map_bytes,
                                    .create = true,
                                    .pass_point = point_cb,
                                    .owner = desk};
    struct fault fault = {.code = ""};
    char path[64];
    memset(options.seal_key, 9, sizeof(options.seal_key));
    (void)snprintf(path, sizeof(path), "%s/store", desk->folder);
    must(store_open(path, &options, &desk->store, &fault), &fault);
    (void)snprintf(path, sizeof(path), "%s/attachments", desk->folder);
    must(blobs_open(path, &(struct blobs_options){.refuse_percent = 100}, &desk->blobs, &fault),
         &fault);
    const struct agent_setup setup = {.ops = &ops,
                                      .ctx = desk,
                                      .store = desk->store,
                                      .blobs = desk->blobs,
                                      .self = registry_at(desk->realm->registry, desk->place),
                                      .registry = desk->realm->registry,
                                      .policy = desk->realm->policy,
                                      .calendar = desk->calendar != NULL ? desk->calendar
                                                                         : desk->realm->calendar,
                                      .keyring = desk->realm->keyring,
                                      .sign_key = &desk->realm->sign[desk->place],
                                      .seal_key = &desk->realm->seal[desk->place],
                                      .software = "test",
                                      .notices = desk->notices,
                                      .witness_ms = 60000,
                                      .accept_gaps = desk->accept_gaps};
    return agent_new(&setup, &desk->agent, &fault);
}

static void ask_end(struct ask *ask)
{
    if (ask->open) {
        ask->open = false;
        region_free(&ask->region);
        buf_free(&ask->bytes);
    }
}

void desk_stop(struct desk *desk)
{
    agent_free(desk->agent);
    store_close(desk->store);
    blobs_close(desk->blobs);
    desk->blobs = NULL;
    desk->agent = NULL;
    desk->store = NULL;
    for (size_t slot = 0; slot < SLOT_COUNT; slot++) {
        ask_end(&desk->asks[slot]);
    }
    desk->hook_runs = false;
    memset(desk->sends, 0, sizeof(desk->sends));
    desk->wake_ms = UINT64_MAX;
}

void desk_restart(struct desk *desk)
{
    desk_stop(desk);
    ck_assert_int_eq(desk_start(desk), OK);
    agent_connected(desk->agent, true);
}

/* In memory where there is such a folder: these suites are about order, not about disks. */
void folder_new(char out[48])
{
    (void)snprintf(out, 48, "%s/agent-test-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(out));
}

void desk_open(struct desk *desk, struct realm *realm, const char *agency)
{
    struct desk fresh = {.realm = realm,
                         .place = realm_place(realm, agency),
                         .map_bytes = STORE_MAP_TEST_BYTES,
                         .with_hook = desk->with_hook,
                         .wall_ms = DESK_START_MS,
                         .machine_ms = 1000000,
                         .wake_ms = UINT64_MAX,
                         .seed = 20260302};
    if (desk->map_bytes != 0) {
        fresh.map_bytes = desk->map_bytes;
    }
    fresh.notices = desk->notices;
    if (fresh.notices == NULL && desk->with_hook) {
        fresh.notices = calloc(1, sizeof(*fresh.notices));
        ck_assert_ptr_nonnull(fresh.notices);
        fresh.notices->channels[0].kind = CHANNEL_HOOK;
        text_copy(fresh.notices->channels[0].name, NOTICE_NAME_BYTES, "hook");
        fresh.notices->channel_count = 1;
    }
    *desk = fresh;
    folder_new(desk->folder);
    buf_init(&desk->events, 64u * 1024u * 1024u);
    buf_init(&desk->hooks, 64u * 1024u * 1024u);
    buf_init(&desk->answer, 4 * LIMIT_LOCAL_LINE_BYTES);
    ck_assert_int_eq(desk_start(desk), OK);
}

static int remove_cb(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void desk_close(struct desk *desk)
{
    desk_stop(desk);
    json_free(desk->answer_json);
    buf_free(&desk->events);
    buf_free(&desk->evidence);
    buf_free(&desk->hooks);
    buf_free(&desk->answer);
    notice_setup_free(desk->notices);
    desk->notices = NULL;
    ck_assert_int_eq(nftw(desk->folder, remove_cb, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- time and answers --- */

void desk_pass(struct desk *desk, uint64_t ms)
{
    uint64_t end_ms = desk->machine_ms + ms;
    unsigned wakes = 0;
    while (desk->wake_ms <= end_ms) {
        uint64_t at_ms = desk->wake_ms > desk->machine_ms ? desk->wake_ms : desk->machine_ms;
        desk->wall_ms += at_ms - desk->machine_ms;
        desk->machine_ms = at_ms;
        desk->wake_ms = UINT64_MAX;
        agent_wake(desk->agent);
        ck_assert_msg(++wakes < 100000, "the agent never sleeps");
    }
    desk->wall_ms += end_ms - desk->machine_ms;
    desk->machine_ms = end_ms;
}

void desk_fail(struct desk *desk, enum agent_slot slot, enum err result)
{
    ck_assert(desk->asks[slot].open);
    ask_end(&desk->asks[slot]);
    agent_replied(desk->agent, slot, result, span_of(NULL, 0));
}

void desk_reply(struct desk *desk, enum agent_slot slot, struct span bytes)
{
    ck_assert(desk->asks[slot].open);
    ask_end(&desk->asks[slot]);
    agent_replied(desk->agent, slot, OK, bytes);
}

void desk_sent(struct desk *desk, size_t channel, const struct notice_outcome *outcome)
{
    ck_assert(desk->sends[channel]);
    desk->sends[channel] = false;
    desk->hook_runs = channel != 0 && desk->hook_runs;
    agent_notified(desk->agent, channel, outcome);
}

void desk_hook_end(struct desk *desk, bool told)
{
    const struct notice_outcome outcome = {.result = told ? NOTICE_SENT : NOTICE_FAILED,
                                           .reason = "status 1"};
    desk_sent(desk, 0, &outcome);
}

/* --- the socket --- */

struct json_value desk_ask(struct desk *desk, const char *line)
{
    struct fault fault = {.code = ""};
    size_t len = strlen(line);
    char *copy = malloc(len + 1);
    ck_assert_ptr_nonnull(copy);
    for (size_t i = 0; i <= len; i++) {
        copy[i] = (char)(line[i] == '\'' ? '"' : line[i]);
    }
    buf_clear(&desk->answer);
    ck_assert_int_eq(agent_answer(desk->agent, 1, span_of(copy, len), &desk->answer), OK);
    free(copy);
    json_free(desk->answer_json);
    desk->answer_json = NULL;
    must(json_open("answer", span_buf(&desk->answer), &desk->answer_json, &fault), &fault);
    return json_root(desk->answer_json);
}

struct json_value desk_must(struct desk *desk, const char *line)
{
    struct json_value answer = desk_ask(desk, line);
    struct json_value value = json_member(&answer, "ok");
    bool ok = false;
    ck_assert(json_get_bool(&value, &ok, NULL) == OK);
    ck_assert_msg(ok, "%.*s: %.*s", 80, line, (int)desk->answer.len, (char *)desk->answer.data);
    return answer;
}

void desk_say(struct desk *desk, const char *message)
{
    char line[4096 + 64]; /* with what is said around it */
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%s}", message);
    (void)desk_must(desk, line);
}

void desk_refer(struct desk *desk, const char *recipient)
{
    static const char *const shipped = "education";
    const char *at = strstr(SAY_OUTBOUND, shipped);
    char message[4096];
    (void)snprintf(message, sizeof(message), "%.*s%s%s", (int)(at - SAY_OUTBOUND), SAY_OUTBOUND,
                   recipient, at + strlen(shipped));
    desk_say(desk, message);
}

static struct json_value value_at(struct json_value value, const char *path)
{
    char word[64];
    while (*path != '\0') {
        size_t len = strcspn(path, ".");
        ck_assert_uint_lt(len, sizeof(word));
        memcpy(word, path, len);
        word[len] = '\0';
        bool digit = word[0] >= '0' && word[0] <= '9' && word[1] == '\0';
        value = digit ? json_item(&value, (size_t)(word[0] - '0')) : json_member(&value, word);
        path += len + (path[len] == '.');
    }
    return value;
}

const char *text_at(struct json_value value, const char *path)
{
    struct json_value found = value_at(value, path);
    const char *text = NULL;
    ck_assert_msg(json_get_text(&found, LIMIT_TEXT_BYTES, &text, NULL) == OK, "no text %s", path);
    return text;
}

uint64_t number_at(struct json_value value, const char *path)
{
    struct json_value found = value_at(value, path);
    uint64_t number = 0;
    ck_assert_msg(json_get_u64(&found, 0, INT64_MAX, &number, NULL) == OK, "no number %s", path);
    return number;
}

bool absent_at(struct json_value value, const char *path)
{
    struct json_value found = value_at(value, path);
    return json_absent(&found);
}

/* --- looking --- */

size_t count_in(const struct buf *buf, const char *text)
{
    size_t len = strlen(text);
    size_t count = 0;
    for (size_t at = 0; at + len <= buf->len; at++) {
        count += memcmp(buf->data + at, text, len) == 0;
    }
    return count;
}

size_t events_of(const struct desk *desk, const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "{\"event\":\"%s\"", name);
    return count_in(&desk->events, text);
}

const char *desk_alarm(struct desk *desk)
{
    struct json_value status = desk_must(desk, "{'cmd':'status'}");
    return absent_at(status, "alarm") ? "" : text_at(status, "alarm");
}

static void add_table(struct store_txn *read, enum store_table table, struct hasher *hasher)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    ck_assert_int_eq(store_cursor_open(read, table, span_of(NULL, 0), &cursor), OK);
    enum err error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    while (error == OK) {
        const bool caught = key.len > 2 && memcmp(key.data, "x/", 2) == 0;
        if (!caught && !span_equal(key, span_text("checkpoint"))) {
            hasher_add(hasher, key.data, key.len);
            hasher_add(hasher, value.data, value.len);
        }
        error = store_cursor_next(cursor, &key, &value);
    }
    ck_assert_int_eq(error, ERR_NOT_FOUND);
    store_cursor_close(cursor);
}

struct digest desk_digest(struct desk *desk)
{
    static const enum store_table tables[] = {STORE_CASE, STORE_OUTBOX, STORE_INBOX, STORE_INDEX,
                                              STORE_VALUE};
    struct store_txn *read = NULL;
    struct hasher hasher;
    hasher_init(&hasher);
    ck_assert_int_eq(store_read_begin(desk->store, &read), OK);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        add_table(read, tables[i], &hasher);
    }
    store_read_end(read);
    return hasher_end(&hasher);
}

/* --- open clocks --- */

static size_t open_with_an_end(const struct copy *copy, uint16_t holder)
{
    size_t count = 0;
    for (uint32_t i = 0; copy->of_matter && i < copy->matter.duty_count; i++) {
        const struct duty *duty = &copy->matter.duties[i];
        count +=
            matter_duty_open(duty) && duty->holder == holder && duty->window.due_before_ms != 0;
    }
    for (unsigned i = 0; !copy->of_matter && i < REFERRAL_CLOCK_COUNT; i++) {
        enum referral_clock clock = (enum referral_clock)i;
        count += referral_clock_open(&copy->referral, clock) &&
                 referral_responsible(&copy->referral, clock) == holder &&
                 copy->referral.clocks[clock].due_before_ms != 0;
    }
    return count;
}

size_t desk_clocks_held(const struct desk *desk)
{
    static struct copy copy;
    uint16_t self = desk->agent->setup.self->number;
    struct case_key at = {.case_id = {{0}}};
    struct store_txn *read = NULL;
    struct span packed;
    size_t count = 0;
    ck_assert_int_eq(store_read_begin(desk->store, &read), OK);
    while (cases_next(read, NULL, &at, &at, &packed) == OK) {
        ck_assert_int_eq(copy_unpack(packed, &copy), OK);
        count += open_with_an_end(&copy, self);
    }
    store_read_end(read);
    return count;
}

void desk_forget_ends(const struct desk *desk)
{
    struct store_txn *txn = NULL;
    struct store_cursor *cursor = NULL;
    struct span key, value;
    uint8_t bytes[64];
    ck_assert_int_eq(store_begin(desk->store, &txn), OK);
    ck_assert_int_eq(store_cursor_open(txn, STORE_INDEX, span_text("C"), &cursor), OK);
    while (store_cursor_seek(cursor, span_of(NULL, 0), &key, &value) == OK) {
        ck_assert_uint_le(key.len, sizeof(bytes));
        memcpy(bytes, key.data, key.len);
        ck_assert_int_eq(store_remove(txn, STORE_INDEX, span_of(bytes, key.len)), OK);
    }
    store_cursor_close(cursor);
    ck_assert_int_eq(store_commit(txn), OK);
}

/* --- two copies of one thing --- */

void same_clock(const char *who, const struct referral *ours, const struct referral *theirs,
                enum referral_clock clock)
{
    const struct window *a = &ours->clocks[clock], *b = &theirs->clocks[clock];
    bool same = a->number == b->number && a->due_day == b->due_day && a->start_ms == b->start_ms &&
                a->due_before_ms == b->due_before_ms && a->provisional == b->provisional &&
                referral_clock_open(ours, clock) == referral_clock_open(theirs, clock);
    ck_assert_msg(same,
                  "%s of %s, clock %d: number %u %u, start %llu %llu, due %d %d, open %d %d; state "
                  "%s",
                  ours->number, who, (int)clock, a->number, b->number,
                  (unsigned long long)a->start_ms, (unsigned long long)b->start_ms, (int)a->due_day,
                  (int)b->due_day, referral_clock_open(ours, clock),
                  referral_clock_open(theirs, clock), referral_state_name(theirs->state));
}

void same_duty(const char *who, const struct matter *matter, const struct duty *a,
               const struct duty *b)
{
    bool same = a->number == b->number && a->kind == b->kind && a->holder == b->holder &&
                a->waiting == b->waiting && a->code == b->code && a->amount_fen == b->amount_fen &&
                a->cancelled == b->cancelled && matter_duty_open(a) == matter_duty_open(b) &&
                a->window.kind == b->window.kind && a->window.start_ms == b->window.start_ms &&
                a->window.due_before_ms == b->window.due_before_ms;
    ck_assert_msg(same, "%s of %s, duty %u: due %d %d, clock %d %d, open %d %d", matter->number,
                  who, a->number, (int)a->window.due_day, (int)b->window.due_day,
                  (int)a->window.kind, (int)b->window.kind, matter_duty_open(a),
                  matter_duty_open(b));
}

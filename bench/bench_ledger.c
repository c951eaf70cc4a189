/* What a procuratorate has after years: nine referrals of ten are answered, the rest waits for
 * somebody, some of it is late; two thirds were sent, a third came. Persons are made of syllables,
 * identity numbers have their check digit. */
#include "bench_ledger.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "io/calendar_folder.h"
#include "model/lanes.h"
#include "model/vocabulary.h"
#include "wire/envelope.h"
#include "wire/sealing.h"

#define ORIGIN      "bench.example/broker"
#define BASE_MS     UINT64_C(1792022400000) /* 2026-10-15 09:20 +08:00, a Thursday */
#define DAY_MS      UINT64_C(86400000)
#define A_COMMIT    500u /* referrals */
#define MAP_BYTES   ((uint64_t)4 * 1024 * 1024 * 1024)
#define PERSONS_MAX 3u

static void need(enum err error, const struct fault *fault, const char *what)
{
    if (error != OK) {
        (void)fprintf(stderr, "bench_inbox: %s: %s %s %s\n", what, err_text(error), fault->place,
                      fault->message);
        exit(EXIT_FAILURE);
    }
}

static uint64_t chance(struct ledger *ledger, uint64_t below)
{
    uint64_t z = (ledger->seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static struct uuid new_id(uint64_t at_ms)
{
    uint8_t random[10];
    crypto_random(random, sizeof(random));
    return uuid_v7(at_ms, random);
}

/* --- the agent's world --- */

static uint64_t op_machine_ms(void *ctx)
{
    struct timespec at;
    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000u + (uint64_t)at.tv_nsec / 1000000u;
}

static uint64_t op_wall_ms(void *ctx)
{
    return ((struct ledger *)ctx)->base_ms;
}

static void op_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    crypto_random(out, len);
}

static void op_wake_at(void *ctx, uint64_t machine_ms)
{
    (void)ctx;
    (void)machine_ms;
}

static enum err op_request(void *ctx, enum agent_slot slot, struct span bytes, uint64_t timeout_ms)
{
    (void)ctx;
    (void)slot;
    (void)bytes;
    (void)timeout_ms;
    return ERR_CLOSED;
}

static void op_event(void *ctx, struct span line)
{
    (void)ctx;
    (void)line;
}

static const struct agent_ops ops = {.wall_ms = op_wall_ms,
                                     .machine_ms = op_machine_ms,
                                     .random = op_random,
                                     .wake_at = op_wake_at,
                                     .request = op_request,
                                     .event = op_event};

static void read_rules(struct ledger *ledger)
{
    struct fault fault = {.code = ""};
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    need(file_read(BENCH_CONFIG "/agencies.yaml", &text, &fault), &fault, "agencies");
    need(registry_read("agencies.yaml", span_buf(&text), &ledger->registry, &fault), &fault,
         "agencies");
    buf_clear(&text);
    need(file_read(BENCH_CONFIG "/policy.yaml", &text, &fault), &fault, "policy");
    need(policy_read("policy.yaml", span_buf(&text), ledger->registry, &ledger->policy, &fault),
         &fault, "policy");
    need(calendar_folder_load(BENCH_CONFIG "/calendars", &ledger->calendar, &fault), &fault,
         "calendars");
    buf_free(&text);
}

static void add_key(struct key_entry *entry, const char *owner, enum key_use use,
                    const uint8_t public_key[32])
{
    *entry = (struct key_entry){.use = use, .to_ms = UINT64_MAX};
    text_copy(entry->owner, sizeof(entry->owner), owner);
    memcpy(entry->public_key, public_key, 32);
}

static void make_keys(struct ledger *ledger)
{
    size_t count = registry_count(ledger->registry);
    struct key_entry *entries = calloc(2 * count + 1, sizeof(*entries));
    struct fault fault = {.code = ""};
    struct sign_key broker;
    struct buf text;
    if (entries == NULL) {
        need(ERR_MEMORY, &fault, "keys");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *id = registry_at(ledger->registry, i)->id;
        struct sign_key sign;
        struct seal_key seal;
        sign_key_new(i == 0 ? &ledger->sign : &sign);
        seal_key_new(i == 0 ? &ledger->seal : &seal);
        add_key(&entries[2 * i], id, KEY_SIGN, i == 0 ? ledger->sign.public_key : sign.public_key);
        add_key(&entries[2 * i + 1], id, KEY_SEAL,
                i == 0 ? ledger->seal.public_key : seal.public_key);
    }
    sign_key_new(&broker);
    add_key(&entries[2 * count], "broker", KEY_SIGN, broker.public_key);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    need(keyring_write(ORIGIN, entries, 2 * count + 1, &text), &fault, "keys");
    need(keyring_load_text("keys", span_buf(&text), &ledger->keyring, &fault), &fault, "keys");
    buf_free(&text);
    free(entries);
}

static void open_agent(struct ledger *ledger)
{
    struct store_options options = {.kind = STORE_AGENT, .map_bytes = MAP_BYTES, .create = true};
    struct fault fault = {.code = ""};
    char path[80];
    crypto_random(options.seal_key, sizeof(options.seal_key));
    (void)snprintf(path, sizeof(path), "%s/store", ledger->folder);
    need(store_open(path, &options, &ledger->store, &fault), &fault, "store");
    const struct agent_setup setup = {.ops = &ops,
                                      .ctx = ledger,
                                      .store = ledger->store,
                                      .self = registry_at(ledger->registry, 0),
                                      .registry = ledger->registry,
                                      .policy = ledger->policy,
                                      .calendar = ledger->calendar,
                                      .keyring = ledger->keyring,
                                      .sign_key = &ledger->sign,
                                      .seal_key = &ledger->seal,
                                      .software = "bench",
                                      .witness_ms = 60000};
    need(agent_new(&setup, &ledger->agent, &fault), &fault, "agent");
}

/* --- one referral --- */

struct making {
    struct ledger *ledger;
    struct store_txn *txn;
    unsigned index;
    bool came; /* from another agency */
    const struct agency *other;
    struct copy *copy;
    struct body_person persons[PERSONS_MAX];
    char names[PERSONS_MAX][LEDGER_NAME_BYTES];
    char numbers[PERSONS_MAX][19];
    struct uuid case_id; /* of the referral before, which may get another one */
    char case_number[LIMIT_NUMBER_BYTES];
    unsigned case_count, parts;
};

static void make_name(struct ledger *ledger, char out[LEDGER_NAME_BYTES])
{
    static const char *const first[] = {"其其", "巴特", "乌兰", "孟克", "萨仁", "高",
                                        "王",   "李",   "张",   "刘",   "陈",   "斯琴"};
    static const char *const second[] = {"格",   "尔", "图雅", "其木格", "高娃", "建国",
                                         "秀英", "伟", "敏",   "静",     "丽",   "宝音"};
    static const char *const third[] = {"", "", "", "一", "二", "三", "山", "花", "海", "云"};
    (void)snprintf(out, LEDGER_NAME_BYTES, "%s%s%s", first[chance(ledger, 12)],
                   second[chance(ledger, 12)], third[chance(ledger, 10)]);
}

/* A region of the banner, a birth date, a counter, and the check character of GB 11643. */
static void make_identity(struct ledger *ledger, char out[19])
{
    static const unsigned weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    unsigned sum = 0;
    (void)snprintf(out, 19, "1506%02u%04u%02u%02u%03u", (unsigned)(21 + chance(ledger, 7)),
                   (unsigned)(1940 + chance(ledger, 80)), (unsigned)(1 + chance(ledger, 12)),
                   (unsigned)(1 + chance(ledger, 28)), (unsigned)chance(ledger, 1000));
    for (size_t i = 0; i < 17; i++) {
        sum += weights[i] * (unsigned)(out[i] - '0');
    }
    out[17] = "10X98765432"[sum % 11];
    out[18] = '\0';
}

static size_t make_persons(struct making *making)
{
    size_t count = 1 + (size_t)chance(making->ledger, PERSONS_MAX);
    for (size_t i = 0; i < count; i++) {
        make_name(making->ledger, making->names[i]);
        make_identity(making->ledger, making->numbers[i]);
        making->persons[i] = (struct body_person){.name = making->names[i],
                                                  .identity_number = making->numbers[i],
                                                  .phone = "0477-0000000",
                                                  .address = "示例旗示例苏木",
                                                  .may_be_told = 1};
    }
    return count;
}

/* Every third referral is of the same case as the one before. */
static void make_numbers(struct making *making, uint64_t at_ms)
{
    struct referral *referral = &making->copy->referral;
    const struct agency *by =
        making->came ? making->other : registry_at(making->ledger->registry, 0);
    bool again = making->index % 3 == 2 && making->parts > 0;
    if (!again) {
        making->case_id = new_id(at_ms);
        (void)snprintf(making->case_number, sizeof(making->case_number), "%s-2026-%06u", by->prefix,
                       ++making->case_count);
        making->parts = 0;
    }
    referral->case_id = making->case_id;
    referral->referral_id = new_id(at_ms);
    referral->message_id = new_id(at_ms);
    text_copy(referral->case_number, LIMIT_NUMBER_BYTES, making->case_number);
    (void)snprintf(referral->number, LIMIT_NUMBER_BYTES, "%.24s-%02u", making->case_number,
                   ++making->parts);
}

/* A tenth is open: for half of it the time runs, or has run out; some wait for papers. */
static void make_course(struct making *making, uint64_t at_ms)
{
    struct ledger *ledger = making->ledger;
    struct referral *referral = &making->copy->referral;
    enum clock_kind kind = making->came ? CLOCK_FEEDBACK_INBOUND : CLOCK_FEEDBACK_OUTBOUND;
    struct window *window = &referral->clocks[REFERRAL_CLOCK_FEEDBACK];
    bool open = chance(ledger, 10) == 0;
    if (open) {
        at_ms = ledger->base_ms - chance(ledger, 40 * DAY_MS) - 1;
    }
    referral->submitted_ms = at_ms;
    referral->delivered_ms = at_ms + 3000;
    referral->state = REFERRAL_DELIVERED;
    referral->window_number = 1;
    window_open(&ledger->policy->ladder, ledger->calendar, kind, referral->delivered_ms, window);
    if (chance(ledger, 2) == 0 || !open) {
        referral->marks |= MARK_SIGNED;
        referral->signed_ms = at_ms + 4000;
        (void)snprintf(referral->register_number, LIMIT_NUMBER_BYTES, "JZ-DJ-2026-%06u",
                       making->index + 1);
    }
    if (open && chance(ledger, 4) != 0) {
        if (window->due_before_ms < ledger->base_ms) {
            referral->document_count = 1;
            referral->documents[0] = (struct referral_document){.clock = REFERRAL_CLOCK_FEEDBACK,
                                                                .rung = RUNG_DUE_1,
                                                                .year = 2026,
                                                                .counter = making->index + 1};
        }
        return;
    }
    referral->answered_ms = at_ms + (open ? 5000 : chance(ledger, 20 * DAY_MS));
    window->stopped_ms = referral->answered_ms;
    referral->outcome = open ? OUTCOME_PROCEDURE_REQUIRED : OUTCOME_GRANTED;
    referral->state = open ? REFERRAL_PROCEDURE : REFERRAL_ANSWERED;
    if (open) {
        referral->tell_holder = referral->sender;
        window_open(&ledger->policy->ladder, ledger->calendar, CLOCK_TELL_APPLICANT,
                    referral->answered_ms, &referral->clocks[REFERRAL_CLOCK_TELL]);
    }
}

static void make_referral(struct making *making, uint64_t at_ms)
{
    struct ledger *ledger = making->ledger;
    struct referral *referral = &making->copy->referral;
    const uint16_t self = registry_at(ledger->registry, 0)->number;
    unsigned who = (unsigned)chance(ledger, 10);
    memset(making->copy, 0, sizeof(*making->copy));
    making->copy->known = true;
    making->came = making->index % 3 == 1;
    making->other = registry_at(ledger->registry, 1 + (size_t)chance(ledger, 10));
    make_numbers(making, at_ms);
    referral->kind = making->came ? MESSAGE_INBOUND_REFERRAL : MESSAGE_OUTBOUND_REFERRAL;
    referral->sender = making->came ? making->other->number : self;
    referral->receiver = making->came ? self : making->other->number;
    referral->ground = 401;
    referral->needs = UINT64_C(1) << chance(ledger, 5);
    referral->minor = who == 0;
    referral->urgent = who == 1;
    referral->priority_groups = who == 0 ? UINT64_C(1) << 3 : who < 4 ? UINT64_C(1) << 2 : 0;
    referral->lane = who == 0 ? LANE_MINORS : who < 4 ? LANE_PRIORITY : LANE_REST;
    referral->last_leaf = making->index;
    make_course(making, at_ms);
}

/* --- its message --- */

static void make_message(const struct making *making, const struct body *body,
                         struct message *message)
{
    static const struct material materials[] = {{.kind = 1, .missing_reason = 1},
                                                {.kind = 3, .missing_reason = 1},
                                                {.kind = 4, .missing_reason = 1}};
    const struct referral *referral = &making->copy->referral;
    struct message_header *header = &message->header;
    header->version = WIRE_VERSION;
    header->suite = crypto_suite();
    header->kind = referral->kind;
    header->message_id = referral->message_id;
    header->case_id = referral->case_id;
    header->referral_id = referral->referral_id;
    header->created_ms = referral->submitted_ms;
    header->sender_key = key_id_of(making->ledger->sign.public_key);
    text_copy(header->sender, sizeof(header->sender), body->sender);
    text_copy(header->recipient, sizeof(header->recipient), body->recipient);
    text_copy(header->case_number, sizeof(header->case_number), referral->case_number);
    text_copy(header->referral_number, sizeof(header->referral_number), referral->number);
    message->body_present = true;
    message->body_fields = body_fields_of(body);
    message->referral.ground = referral->ground;
    message->referral.needs = referral->needs;
    message->referral.priority_groups = referral->priority_groups;
    message->referral.person_count = (uint32_t)body->person_count;
    message->referral.materials = materials;
    message->referral.material_count = sizeof(materials) / sizeof(materials[0]);
}

/* Of a received message the envelope is kept; who signed this one nobody asks. */
static void wrap(const struct ledger *ledger, const struct buf *payload, struct buf *out)
{
    struct fault fault = {.code = ""};
    const struct digest digest = {{0}};
    struct sign_batch batch;
    struct batch_proof proof;
    struct region region;
    region_init(&region, 4096);
    need(sign_batch_make(&ledger->sign, &digest, 1, &region, &batch), &fault, "envelope");
    need(sign_batch_proof(&batch, 0, &region, &proof), &fault, "envelope");
    need(envelope_encode(span_buf(payload), &proof, out), &fault, "envelope");
    region_free(&region);
}

/* As the agent does: what opens the body lies beside it. */
static void keep_key(struct making *making, const struct row *row, struct span bytes)
{
    uint8_t content_key[AEAD_KEY_BYTES];
    struct fault fault = {.code = ""};
    struct payload payload;
    struct region region;
    region_init(&region, LIMIT_PARSE_BYTES(bytes.len));
    need(payload_split(bytes, &payload, &fault), &fault, "payload");
    need(body_key(&payload, making->ledger->agent->setup.seal_key, &region, content_key), &fault,
         "content key");
    need(row_put_content_key(making->txn, row, content_key), &fault, "content key's row");
    region_free(&region);
}

static void write_message(struct making *making)
{
    const struct referral *referral = &making->copy->referral;
    const char *self = registry_at(making->ledger->registry, 0)->id;
    struct message message = {.body_present = false};
    struct fault fault = {.code = ""};
    struct row row = {.state = making->came ? ROW_RECEIVED : ROW_ACCEPTED};
    struct body body = {.officer = "承办检察官甲",
                        .circumstances = "受伤后不能劳动，独自抚养两名子女，无固定收入。",
                        .reasons = "基本生活急需帮助。",
                        .persons = making->persons};
    struct buf payload, envelope;
    text_copy(body.sender, sizeof(body.sender), making->came ? making->other->id : self);
    text_copy(body.recipient, sizeof(body.recipient), making->came ? self : making->other->id);
    body.message_id = referral->message_id;
    body.case_id = referral->case_id;
    body.person_count = make_persons(making);
    make_message(making, &body, &message);
    buf_init(&payload, LIMIT_ENVELOPE_BYTES);
    buf_init(&envelope, LIMIT_ENVELOPE_BYTES);
    need(compose_payload(making->ledger->agent, &message, &body, &payload, &fault), &fault,
         "message");
    if (making->came) {
        wrap(making->ledger, &payload, &envelope);
    }
    need(row_next_seq(making->txn, &row.seq), &fault, "row");
    row.direction = making->came ? ROW_IN : ROW_OUT;
    row.at_ms = referral->submitted_ms;
    row.recorded_ms = referral->submitted_ms;
    row.leaf_index = making->index;
    row.position = (struct position){.lane = referral->lane, .stream_seq = making->index + 1};
    row.header = message.header;
    need(row_add(making->txn, &row, span_buf(making->came ? &envelope : &payload)), &fault, "row");
    keep_key(making, &row, span_buf(&payload));
    buf_free(&payload);
    buf_free(&envelope);
}

static void write_copy(struct making *making)
{
    const struct referral *referral = &making->copy->referral;
    const struct case_key key = {.case_id = referral->case_id,
                                 .referral_id = referral->referral_id};
    const struct case_key whole = {.case_id = referral->case_id};
    uint8_t packed[REFERRAL_PACKED_MAX];
    struct fault fault = {.code = ""};
    need(clocks_follow(making->ledger->agent, making->txn, &key, making->copy), &fault, "clocks");
    size_t len = referral_pack(referral, packed);
    need(cases_put(making->txn, &key, span_of(packed, len)), &fault, "copy");
    need(number_put(making->txn, referral->case_number, &whole), &fault, "number");
    need(number_put(making->txn, referral->number, &key), &fault, "number");
    if (referral->register_number[0] != '\0') {
        need(number_put(making->txn, referral->register_number, &key), &fault, "number");
    }
}

static void fill(struct ledger *ledger)
{
    struct making making = {.ledger = ledger, .copy = ledger->agent->other};
    struct fault fault = {.code = ""};
    for (unsigned i = 0; i < ledger->count; i++) {
        making.index = i;
        if (i % A_COMMIT == 0) {
            need(store_begin(ledger->store, &making.txn), &fault, "begin");
        }
        make_referral(&making,
                      ledger->base_ms - (ledger->count - i) * UINT64_C(600000) - 30 * DAY_MS);
        write_message(&making);
        write_copy(&making);
        if (i == ledger->count / 2) {
            text_copy(ledger->number, sizeof(ledger->number), making.copy->referral.number);
            text_copy(ledger->name, sizeof(ledger->name), making.names[0]);
            text_copy(ledger->identity, sizeof(ledger->identity), making.numbers[0]);
        }
        if (i % A_COMMIT == A_COMMIT - 1 || i + 1 == ledger->count) {
            need(store_commit(making.txn), &fault, "commit");
        }
    }
}

/* --- life --- */

void ledger_open(struct ledger *ledger, unsigned count)
{
    struct fault fault = {.code = ""};
    *ledger = (struct ledger){.base_ms = BASE_MS, .seed = 20261015, .count = count};
    log_init("bench_inbox", LOG_ERROR_LEVEL, NULL);
    need(crypto_init(), &fault, "cryptography");
    memcpy(ledger->folder, "/var/tmp/bench-inbox-XXXXXX", 28);
    if (mkdtemp(ledger->folder) == NULL) {
        need(ERR_IO, &fault, ledger->folder);
    }
    read_rules(ledger);
    make_keys(ledger);
    open_agent(ledger);
    fill(ledger);
}

static int remove_cb(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void ledger_close(struct ledger *ledger)
{
    agent_free(ledger->agent);
    store_close(ledger->store);
    keyring_free(ledger->keyring);
    calendar_free(ledger->calendar);
    policy_free(ledger->policy);
    registry_free(ledger->registry);
    (void)nftw(ledger->folder, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
}

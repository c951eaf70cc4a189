/* The attacker, who owns a machine in the city's network: what is sent is sent over mutual TLS to
 * the broker's real port, and what comes back is judged by its signature. See demo.h.
 *
 * He holds the certificate and, for two of his attacks, the signing key of one agency; he wants to
 * answer in another one's name. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/key_file.h"
#include "cli/demo.h"
#include "io/link.h"
#include "model/refusal.h"
#include "wire/envelope.h"
#include "wire/receipt.h"

#define STOLEN        "health"       /* whose certificate and key he holds */
#define VICTIM        "youth-league" /* in whose name he answers */
#define ABOUT         "JZ-2026-0001-03"
#define COUNTER_AHEAD 1000u /* of the agency's own program, within the broker's window */
#define REPLY_WAIT_MS 10000u

struct forger {
    struct demo *demo;
    struct link_caller *caller;
    struct keyring *keyring;
    struct sign_key key;
    uint8_t session[SESSION_BYTES];
    uint64_t counter;
    uint32_t first_code; /* of the answer before the last */
    struct region region;
    struct buf request;   /* the bytes that were sent last */
    struct digest digest; /* of its head */
    struct reply reply;
    struct buf answer; /* what reply borrows from */
};

static enum err broken(struct forger *forger, const char *what, enum err error)
{
    return demo_fail(forger->demo, "demo.attack", what, "the attacker's own program failed: %s",
                     err_text(error));
}

/* --- sending --- */

static enum err send_bytes(struct forger *forger)
{
    size_t count = 0;
    struct reply_check check = {.broker_keys = keyring_broker_keys(forger->keyring, &count),
                                .request_digest = forger->digest};
    enum err error;

    check.broker_key_count = count;
    buf_clear(&forger->answer);
    error = link_call(forger->caller, span_buf(&forger->request), REPLY_WAIT_MS, &forger->answer);
    if (error != OK) {
        return broken(forger, "link", error);
    }
    error = reply_open(span_buf(&forger->answer), &check, &forger->region, &forger->reply,
                       &forger->demo->fault);
    return error == OK ? OK : broken(forger, "reply", error);
}

/* Signs a head, with one payload or none, and keeps the bytes. */
static enum err build(struct forger *forger, struct request_head *head, struct span payload)
{
    struct buf bytes;
    enum err error;

    head->version = WIRE_VERSION;
    text_copy(head->agency, sizeof(head->agency), STOLEN);
    text_copy(head->broker, sizeof(head->broker), keyring_origin(forger->keyring));
    head->counter = forger->counter;
    memcpy(head->session, forger->session, SESSION_BYTES);
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    buf_clear(&forger->request);
    error = request_head_encode(head, &bytes);
    if (error == OK) {
        forger->digest = request_digest(span_buf(&bytes));
        error = request_build(&forger->key, span_buf(&bytes), &payload, payload.len > 0 ? 1 : 0,
                              &forger->request);
    }
    buf_free(&bytes);
    return error == OK ? OK : broken(forger, "request", error);
}

static enum err greet(struct forger *forger)
{
    struct request_head head = {.kind = REQUEST_HELLO};
    enum err error;

    text_copy(head.hello.software, sizeof(head.hello.software), "attacker 1");
    error = build(forger, &head, span_of(NULL, 0));
    return error == OK ? send_bytes(forger) : error;
}

/* --- the attacks --- */

static enum err attack_wrong_key(struct forger *forger)
{
    sign_key_new(&forger->key);
    return greet(forger);
}

/* A request that was signed well, and one letter of it changed on its way. */
static enum err attack_changed_byte(struct forger *forger)
{
    struct request_head head = {.kind = REQUEST_HELLO};
    enum err error;
    uint8_t *at;

    text_copy(head.hello.software, sizeof(head.hello.software), "attacker 1");
    error = build(forger, &head, span_of(NULL, 0));
    if (error != OK) {
        return error;
    }
    at = memmem(forger->request.data, forger->request.len, "attacker 1", strlen("attacker 1"));
    assert(at != NULL);
    at[strlen("attacker 1") - 1] = '2';
    return send_bytes(forger);
}

/* A final feedback in the victim's name, signed by the stolen key. */
static enum err forged_payload(struct forger *forger, struct buf *out)
{
    struct measure measure = {.measure = 5, .shape = 5, .unit = 1};
    struct message message = {.header = {.version = WIRE_VERSION,
                                         .suite = crypto_suite(),
                                         .kind = MESSAGE_OUTBOUND_FEEDBACK,
                                         .sender = VICTIM,
                                         .recipient = "procuratorate",
                                         .referral_number = ABOUT,
                                         .sender_key = key_id_of(forger->key.public_key),
                                         .created_ms = forger->reply.head.time_ms},
                              .body_fields = BODY_OFFICER};
    struct payload payload = {.body = {.data = NULL}};
    struct buf header, facts;
    uint8_t random[10];
    enum err error;

    crypto_random(random, sizeof(random));
    message.header.message_id = uuid_v7(forger->reply.head.time_ms, random);
    message.header.referral_id = message.header.message_id;
    message.header.case_id = message.header.message_id;
    message.feedback = (struct feedback_facts){
        .outcome = OUTCOME_GRANTED, .measures = &measure, .measure_count = 1};
    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    error = header_encode(&message.header, &header);
    if (error == OK) {
        error = facts_encode(&message, &facts);
    }
    if (error == OK) {
        payload.header = span_buf(&header);
        payload.facts = span_buf(&facts);
        error = payload_encode(&payload, out);
    }
    buf_free(&header);
    buf_free(&facts);
    return error == OK ? OK : broken(forger, "message", error);
}

/* Says HELLO as the agency whose key he stole: its session, and a counter that is new. */
static enum err join(struct forger *forger)
{
    enum err error = greet(forger);

    if (error == OK && forger->reply.head.kind != REPLY_HELLO) {
        error = broken(forger, "session", ERR_REFUSED);
    }
    if (error == OK) {
        memcpy(forger->session, forger->reply.head.hello.session, SESSION_BYTES);
        forger->counter = forger->reply.head.hello.next_counter + COUNTER_AHEAD;
    }
    return error;
}

static enum err attack_foreign_sender(struct forger *forger)
{
    struct request_head head = {.kind = REQUEST_SUBMIT, .submit = {.count = 1}};
    struct buf payload;
    enum err error = join(forger);

    buf_init(&payload, LIMIT_ENVELOPE_BYTES);
    if (error == OK) {
        error = forged_payload(forger, &payload);
    }
    if (error == OK) {
        error = build(forger, &head, span_buf(&payload));
    }
    if (error == OK) {
        error = send_bytes(forger);
    }
    buf_free(&payload);
    return error;
}

/* A good request, answered; then the same bytes once more. */
static enum err attack_replay(struct forger *forger)
{
    struct request_head head = {.kind = REQUEST_REGISTRY};
    enum err error = join(forger);

    if (error == OK) {
        error = build(forger, &head, span_of(NULL, 0));
    }
    if (error == OK) {
        error = send_bytes(forger);
    }
    if (error == OK) {
        forger->first_code = forger->reply.head.code;
        error = send_bytes(forger);
    }
    return error;
}

static const struct {
    const char *name;
    enum err (*run)(struct forger *forger);
} attacks[] = {
    {"wrong-key", attack_wrong_key},
    {"changed-byte", attack_changed_byte},
    {"foreign-sender", attack_foreign_sender},
    {"replay", attack_replay},
};

#define ATTACK_COUNT (sizeof(attacks) / sizeof(attacks[0]))

/* --- what came back, as an answer for assertions --- */

/* The leaf that the receipt proves to be in the broker's log. */
static void write_leaf(struct forger *forger, struct json_writer *out)
{
    const struct reply_head *head = &forger->reply.head;
    const struct reply_nodes nodes = {.nodes = head->submit.nodes,
                                      .node_count = head->submit.node_count,
                                      .checkpoint = head->checkpoint};
    struct receipt_facts facts;
    struct receipt receipt;

    if (head->kind != REPLY_SUBMIT || head->submit.receipt_count != 1 ||
        receipt_expand(&head->submit.receipts[0], &nodes, &forger->region, &receipt) != OK ||
        receipt_verify(&receipt, forger->keyring, &forger->region, &facts, &forger->demo->fault) !=
            OK) {
        return;
    }
    json_name(out, "leaf");
    json_object_begin(out);
    json_name(out, "index");
    json_u64(out, receipt.leaf_index);
    json_name(out, "refused");
    json_bool(out, facts.record.kind == LEAF_REFUSED);
    json_name(out, "actor");
    json_text(out, facts.record.actor);
    json_name(out, "refusal");
    json_text(out, refusal_name((enum refusal)facts.record.refusal));
    json_object_end(out);
}

static enum err write_answer(struct forger *forger)
{
    struct said *said = &forger->demo->wire;
    struct json_writer out;

    buf_clear(&said->text);
    json_writer_init(&out, &said->text);
    json_object_begin(&out);
    json_name(&out, "signed");
    json_bool(&out, forger->reply.authentic);
    json_name(&out, "code");
    json_text(&out, forger->reply.head.code == 0
                        ? "none"
                        : refusal_name((enum refusal)forger->reply.head.code));
    json_name(&out, "first");
    json_text(&out,
              forger->first_code == 0 ? "taken" : refusal_name((enum refusal)forger->first_code));
    write_leaf(forger, &out);
    json_object_end(&out);
    return json_writer_end(&out) == OK ? said_read(forger->demo, "reply", said) : ERR_INVALID;
}

/* --- his tools: a certificate, a key, a connection --- */

static enum err arm(struct forger *forger)
{
    struct demo *demo = forger->demo;
    char keys[DEMO_PATH_BYTES], sign[DEMO_PATH_BYTES], certificate[DEMO_PATH_BYTES];
    char tls_key[DEMO_PATH_BYTES], authority[DEMO_PATH_BYTES], url[64];
    struct link_client_options options = {.url = url,
                                          .tls = {.cert_file = certificate,
                                                  .key_file = tls_key,
                                                  .ca_file = authority,
                                                  .server_name = BROKER_ID}};
    uint8_t seed[KEY_FILE_SECRET_BYTES];
    enum err error;

    demo_path(demo, keys, "keys/public-keys.yaml");
    demo_path(demo, sign, "keys/%s/sign.key", STOLEN);
    demo_path(demo, certificate, "keys/%s/tls.crt", STOLEN);
    demo_path(demo, tls_key, "keys/%s/tls.key", STOLEN);
    demo_path(demo, authority, "keys/ca.crt");
    (void)snprintf(url, sizeof(url), "tls+tcp://127.0.0.1:%u", demo->port);
    error = keyring_load(keys, &forger->keyring, &demo->fault);
    if (error == OK) {
        error = key_file_read(sign, KEY_FILE_SIGN, seed, &demo->fault);
    }
    if (error == OK) {
        sign_key_from_seed(seed, &forger->key);
        error = link_caller_open(&options, &demo->fault, &forger->caller);
    }
    crypto_wipe(seed, sizeof(seed));
    return error;
}

enum err forge_send(struct demo *demo, const char *attack)
{
    struct forger forger = {.demo = demo};
    size_t i = 0;
    enum err error;

    while (i < ATTACK_COUNT && strcmp(attacks[i].name, attack) != 0) {
        i++;
    }
    assert(i < ATTACK_COUNT);
    region_init(&forger.region, LIMIT_PARSE_BYTES(LIMIT_REQUEST_BYTES));
    buf_init(&forger.request, LIMIT_REQUEST_BYTES);
    buf_init(&forger.answer, LIMIT_REQUEST_BYTES);
    error = arm(&forger);
    if (error == OK) {
        error = attacks[i].run(&forger);
    }
    if (error == OK) {
        error = write_answer(&forger);
    }
    link_caller_close(forger.caller);
    keyring_free(forger.keyring);
    crypto_wipe(&forger.key, sizeof(forger.key));
    buf_free(&forger.request);
    buf_free(&forger.answer);
    region_free(&forger.region);
    return error;
}

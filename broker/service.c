/* Requests: one table from kind to handler, and what is checked before any of them: the request is
 * for this broker, of this run, and new. */
#include <string.h>

#include "broker/turn.h"
#include "store/witness.h"
#include "wire/checkpoint.h"

static enum err hello_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    const struct broker *broker = turn->broker;
    struct broker_agency *agency = &broker->agencies[agency_place(broker, intake->agency)];
    const struct session *session = &agency->session;
    struct reply_head *head = &answer->head;
    enum err error;

    memset(agency->held_to, 0, sizeof(agency->held_to)); /* its store may be an older one */

    head->kind = REPLY_HELLO;
    memcpy(head->hello.session, session->id, SESSION_BYTES);
    head->hello.next_counter = session_next(session);
    head->hello.registry_digest = *registry_digest(broker->setup.registry);
    head->hello.policy_digest = broker->setup.policy->digest;
    head->hello.calendar = in_force_calendar(broker);
    error = recovery_compare(turn, intake);
    return error == OK && intake->request.head.hello.streams
               ? recovery_streams(turn, intake, answer)
               : error;
}

static enum err registry_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    (void)intake;
    answer->head.kind = REPLY_REGISTRY;
    answer->head.registry.registry = turn->broker->setup.registry_text;
    answer->head.registry.keys = keyring_text(turn->broker->setup.keyring);
    answer->head.registry.statement = turn->broker->setup.document.statement;
    return revocation_list(turn->broker, &turn->region, &answer->head.registry.statements,
                           &answer->head.registry.statement_count);
}

static enum err ping_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    (void)answer;
    pings_answered(turn, agency_place(turn->broker, intake->agency),
                   intake->request.head.ping.word);
    return OK;
}

/* A witness signs the size and root of a checkpoint of this log: both are looked up, not believed.
 */
static enum err witness_refusal(struct turn *turn, const struct intake *intake,
                                enum refusal *ret_refusal)
{
    const struct witness *witness = &intake->request.head.witness;
    struct checkpoint seen = {.size = witness->size, .root = witness->root};
    const char *origin = turn->broker->origin;
    const struct key_entry *key;
    struct digest root;
    enum err error = turn_txn(turn);

    if (error != OK) {
        return error;
    }
    text_copy(seen.origin, sizeof(seen.origin), origin);
    *ret_refusal = REFUSAL_FACT_INVALID;
    error = audit_root_at(turn->txn, witness->size, &root);
    if (error == ERR_INVALID) {
        return OK;
    }
    if (error != OK || !digest_equal(&root, &witness->root)) {
        return error;
    }
    *ret_refusal = REFUSAL_KEY_UNKNOWN;
    if (keyring_find(turn->broker->setup.keyring, intake->agency->id, witness->key, turn->now_ms,
                     &key) != OK) {
        return OK;
    }
    *ret_refusal = witness_verify(key->public_key, &seen, witness->signature) == OK
                       ? REFUSAL_NONE
                       : REFUSAL_SIGNATURE;
    return OK;
}

static enum err witness_note(const struct turn *turn, const struct intake *intake, struct buf *out)
{
    const struct witness *witness = &intake->request.head.witness;
    struct cosigned_note note = {.seen = {.size = witness->size, .root = witness->root},
                                 .key = witness->key};

    text_copy(note.agency, sizeof(note.agency), intake->agency->id);
    text_copy(note.seen.origin, sizeof(note.seen.origin), turn->broker->origin);
    memcpy(note.signature, witness->signature, SIGNATURE_BYTES);
    return cosigned_note_write(&note, out);
}

static enum err witness_keep(struct turn *turn, const struct intake *intake)
{
    struct witness_row row = {.agency = intake->agency->number,
                              .size = intake->request.head.witness.size};
    struct witness_row old;
    struct buf note;
    enum err error = witness_get(turn->txn, row.agency, &old);

    if (error == OK && old.size >= row.size) {
        return OK; /* a later one is there */
    }
    if (error != OK && error != ERR_NOT_FOUND) {
        return error;
    }
    buf_init(&note, WITNESS_NOTE_BYTES);
    error = witness_note(turn, intake, &note);
    if (error == OK) {
        row.note = span_buf(&note);
        error = witness_put(turn->txn, &row);
    }
    buf_free(&note);
    return error;
}

static enum err witness_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    enum refusal refusal = REFUSAL_NONE;
    enum err error = witness_refusal(turn, intake, &refusal);

    answer->head.code = refusal;
    if (error != OK || refusal != REFUSAL_NONE) {
        return error;
    }
    answer->head.kind = REPLY_WITNESS; /* replies.c fills in what the others countersigned */
    answer->asks = intake->agency->number;
    return witness_keep(turn, intake);
}

static const struct {
    enum request_kind kind;
    bool session;   /* needs the session of this run and a new counter */
    bool suspended; /* of an agency that is suspended, too; SUBMIT sees to each message */
    bool waits;     /* while what was lost is handed back, */
    bool refused;   /* and where the store was shown to be an old copy */
    enum err (*handle)(struct turn *, struct intake *, struct answer *);
} services[] = {
    {REQUEST_SUBMIT, true, true, true, true, submit_handle},
    {REQUEST_ACK, true, true, true, true, ack_handle},
    {REQUEST_HELLO, false, true, false, false, hello_handle},
    {REQUEST_PING, false, true, false, false, ping_handle},
    {REQUEST_REGISTRY, true, true, false, false, registry_handle},
    {REQUEST_WITNESS, true, true, false, true, witness_handle},
    {REQUEST_BLOB_PUT, true, false, false, true, blob_put_handle},
    {REQUEST_BLOB_GET, true, false, false, true, blob_get_handle},
    {REQUEST_HAND_BACK, true, true, false, true, hand_back_handle},
};

static enum refusal check_session(struct turn *turn, const struct intake *intake)
{
    struct broker *broker = turn->broker;
    struct broker_agency *agency = &broker->agencies[agency_place(broker, intake->agency)];
    const struct request_head *head = &intake->request.head;

    if (!session_is(&agency->session, span_of(head->session, SESSION_BYTES))) {
        return REFUSAL_SESSION;
    }
    if (!session_take(&agency->session, head->counter)) {
        return REFUSAL_REPLAYED;
    }
    agency->heard_ms = turn->now_ms;
    agency->heard_boot_ms = turn->reading.boot_ms;
    if (timekeeper_heard(&broker->keeper, intake->agency->id, head->time_ms, turn->reading)) {
        broker->again = true; /* the next turn reports the confirmation */
    }
    return REFUSAL_NONE;
}

/* The answer to this request; from here on the turn's answers own its handle. */
static struct answer *answer_to(struct turn *turn, struct intake *intake)
{
    struct answer *answer = turn_answer(turn, intake->handle, &intake->request.head_digest);

    if (answer != NULL) {
        answer->known_size = intake->request.head.known_size;
        intake->handle = 0;
    }
    return answer;
}

static enum err refuse(struct turn *turn, struct intake *intake, enum refusal refusal)
{
    struct answer *answer = answer_to(turn, intake);

    if (answer == NULL) {
        return ERR_MEMORY;
    }
    answer->head.code = refusal;
    turn->broker->counts.refused++;
    return OK;
}

/* The signature is good, and the rest not: of that there is a leaf, within the signer's share. */
static enum err refuse_signer(struct turn *turn, struct intake *intake, enum refusal refusal)
{
    struct broker *broker = turn->broker;
    struct session *session = &broker->agencies[agency_place(broker, intake->agency)].session;
    struct leaf_record record;
    enum err error = OK;
    uint64_t leaf;

    if (session_may_refuse(session, turn->now_ms)) {
        ledger_record(turn, LEAF_REFUSED, intake->agency->id, &record);
        record.refusal = refusal;
        text_copy(record.detail, sizeof(record.detail), "request");
        error = ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, &leaf);
    }
    return error == OK ? refuse(turn, intake, refusal) : error;
}

/* Of another log of this broker, or of another broker. */
static enum err refuse_origin(struct turn *turn, struct intake *intake)
{
    struct answer *answer;
    uint64_t log;

    if (recovery_log(keyring_origin(turn->broker->setup.keyring), intake->request.head.broker,
                     &log) != OK) {
        return refuse(turn, intake, REFUSAL_BROKER_OTHER);
    }
    answer = answer_to(turn, intake);
    return answer != NULL ? recovery_tell(turn, answer) : ERR_MEMORY;
}

/* It was verified before the turn in which its key was revoked. */
static bool key_was_revoked(const struct turn *turn, const struct intake *intake)
{
    const struct broker *broker = turn->broker;
    const struct key_entry *key;

    return broker->statements.count > 0 &&
           keyring_find_past(broker->setup.keyring, intake->agency->id, intake->request.key,
                             turn->now_ms, &key) == OK &&
           key_is_revoked(key);
}

/* `i`: its place in the table, or behind it. */
static bool must_wait(const struct broker *broker, enum request_kind kind, size_t i)
{
    if (i == sizeof(services) / sizeof(services[0])) {
        return kind == REQUEST_FETCH && recovery_holds(broker);
    }
    return (services[i].waits && recovery_holds(broker)) ||
           (services[i].refused && broker->behind.proven);
}

enum err service_handle(struct turn *turn, struct intake *intake)
{
    const struct request_head *head = &intake->request.head;
    enum refusal refusal = REFUSAL_NONE;
    struct answer *answer;
    size_t i = 0;

    if (strcmp(head->broker, turn->broker->origin) != 0) {
        return refuse_origin(turn, intake);
    }
    if (key_was_revoked(turn, intake)) {
        return refuse(turn, intake, REFUSAL_KEY_UNKNOWN);
    }
    if (intake->certificate_differs) {
        return refuse_signer(turn, intake, REFUSAL_CERTIFICATE);
    }
    while (i < sizeof(services) / sizeof(services[0]) && services[i].kind != head->kind) {
        i++;
    }
    if (i == sizeof(services) / sizeof(services[0]) || services[i].session) {
        refusal = check_session(turn, intake);
    }
    if (refusal != REFUSAL_NONE) {
        return refuse(turn, intake, refusal);
    }
    if (must_wait(turn->broker, head->kind, i)) {
        return refuse(turn, intake, REFUSAL_RECOVERING);
    }
    if (head->kind == REQUEST_FETCH) {
        return fetch_handle(turn, intake);
    }
    if (i == sizeof(services) / sizeof(services[0])) {
        return refuse(turn, intake, REFUSAL_MALFORMED);
    }
    answer = answer_to(turn, intake);
    if (answer == NULL) {
        return ERR_MEMORY;
    }
    if (!services[i].suspended &&
        broker_suspended(turn->broker, agency_place(turn->broker, intake->agency))) {
        answer->head.code = REFUSAL_SUSPENDED;
        answer->head.retry_after_ms = SUSPENDED_RETRY_MS;
        return OK;
    }
    return services[i].handle(turn, intake, answer);
}

/* How: the list is one row, packed as in lib/wire/key_statement.h; what was signed anew is a row
 * for each message, named by sender and id, that holds the leaf with the new envelope. Nothing is
 * looked at unless some key is revoked at all. See revocation.h. */
#include "broker/revocation.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/turn.h"

#define LIST_META  "key-statements"
#define NAME_BYTES 64u

/* --- the list --- */

enum err revocation_start(struct broker *broker, struct store_txn *read)
{
    struct span packed;
    enum err error = store_meta_get(read, LIST_META, &packed);

    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = key_statements_load(&broker->statements, packed);
    if (error == OK) {
        revocation_mark(broker, broker->setup.keyring);
    }
    return error;
}

void revocation_mark(const struct broker *broker, struct keyring *keyring)
{
    key_statements_mark(&broker->statements, keyring);
}

enum err revocation_list(const struct broker *broker, struct region *region,
                         const struct recorded_statement **ret_list, size_t *ret_count)
{
    struct recorded_statement *list =
        region_take(region, (broker->statements.count + 1) * sizeof(*list));
    size_t count = 0;

    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t at = 0; key_statements_next(&broker->statements, &at, &list[count]);) {
        count++;
    }
    *ret_list = list;
    *ret_count = count;
    return OK;
}

/* --- revoking --- */

struct revoking {
    const struct key_statement *statement;
    struct recorded_statement recorded;
    size_t packed_before, count_before;
};

/* The link's threads look keys up meanwhile. */
static void mark(struct broker *broker, const struct key_statement *statement, uint64_t leaf)
{
    enum err error;
    int locked = pthread_rwlock_wrlock(&broker->intake.lock);

    assert(locked == 0);
    (void)locked;
    error = keyring_revoke(broker->setup.keyring, statement->owner, statement->id, leaf);
    assert(error == OK); /* it was judged */
    (void)error;
    (void)pthread_rwlock_unlock(&broker->intake.lock);
}

static enum err apply(struct turn *turn, void *arg)
{
    struct broker *broker = turn->broker;
    struct revoking *revoking = arg;
    struct leaf_record record;
    enum err error;

    ledger_record(turn, LEAF_KEY, revoking->statement->owner, &record);
    record.key_statement = revoking->recorded.text;
    error = ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, &revoking->recorded.leaf);
    if (error == OK) {
        error = key_statements_add(&broker->statements, &revoking->recorded);
    }
    if (error == OK) {
        error = store_meta_put(turn->txn, LIST_META, span_buf(&broker->statements.packed));
    }
    if (error == OK) {
        mark(broker, revoking->statement, revoking->recorded.leaf);
    }
    for (size_t i = 0; error == OK && i < broker->agency_count; i++) {
        broker->agencies[i].dirty = true; /* it is news for whoever waits */
    }
    return error;
}

enum err broker_key_revoke(struct broker *broker, struct act *act,
                           const struct key_statement *statement, struct span text)
{
    struct revoking revoking = {.statement = statement,
                                .recorded = {.text = text},
                                .packed_before = broker->statements.packed.len,
                                .count_before = broker->statements.count};
    enum err error;

    if (broker->statements.count == KEY_STATEMENTS_MAX) {
        return ERR_FULL;
    }
    act->apply = apply;
    act->arg = &revoking;
    error = broker_act(broker, act);
    if (error != OK) { /* nothing of the turn is there */
        broker->statements.packed.len = revoking.packed_before;
        broker->statements.count = revoking.count_before;
        mark(broker, statement, KEY_NOT_REVOKED);
    }
    return error;
}

/* --- what waits --- */

struct signer { /* of a message in the log */
    uint16_t number;
    struct key_id key;
    uint64_t revoked_leaf; /* KEY_NOT_REVOKED */
};

static const struct key_entry *entry_of(const struct keyring *keyring, struct key_id id)
{
    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (memcmp(entry->id.bytes, id.bytes, KEY_ID_BYTES) == 0) {
            return entry;
        }
    }
    return NULL;
}

static enum err signer_of(const struct broker *broker, struct store_txn *read, uint64_t leaf,
                          struct signer *ret_signer)
{
    const struct agency *agency;
    const struct key_entry *key;
    struct audit_entry entry;
    struct batch_proof proof;
    struct span payload;
    struct region region;
    enum err error = audit_read(read, leaf, &entry);

    if (error != OK) {
        return error;
    }
    region_init(&region, LIMIT_PARSE_BYTES(entry.envelope.len));
    error = envelope_decode(entry.envelope, &region, &payload, &proof, NULL);
    if (error == OK) {
        key = entry_of(broker->setup.keyring, proof.key);
        agency = key != NULL ? registry_find(broker->setup.registry, key->owner) : NULL;
        *ret_signer =
            (struct signer){.number = agency != NULL ? agency->number : 0,
                            .key = proof.key,
                            .revoked_leaf = key != NULL ? key->revoked_leaf : KEY_NOT_REVOKED};
    }
    region_free(&region);
    return error == ERR_INVALID || error == ERR_TOO_LARGE ? ERR_CORRUPT : error;
}

static void name_of(uint16_t sender, const struct uuid *id, char out[NAME_BYTES])
{
    char text[UUID_TEXT_BYTES];

    uuid_format(id, text);
    (void)snprintf(out, NAME_BYTES, "resigned/%u/%s", sender, text);
}

/* Where it was signed anew by a key that holds; AUDIT_NONE: nowhere. A key that is revoked, too,
 * takes the place of the first one in `signer`: what it signed is held anew. */
static enum err resigned_leaf(const struct broker *broker, struct store_txn *read,
                              const struct uuid *id, struct signer *signer, uint64_t *ret_leaf)
{
    char name[NAME_BYTES];
    struct span value;
    struct signer anew;
    enum err error;

    *ret_leaf = AUDIT_NONE;
    name_of(signer->number, id, name);
    error = store_meta_get(read, name, &value);
    if (error != OK || value.len != 8) {
        return error == OK ? ERR_CORRUPT : error == ERR_NOT_FOUND ? OK : error;
    }
    *ret_leaf = be64_get(value.data);
    error = signer_of(broker, read, *ret_leaf, &anew);
    if (error == OK && anew.revoked_leaf != KEY_NOT_REVOKED) {
        *signer = anew;
        *ret_leaf = AUDIT_NONE;
    }
    return error;
}

static enum err read_record(struct store_txn *read, uint64_t leaf, struct leaf_record *ret_record)
{
    struct audit_entry entry;
    struct region region;
    enum err error = audit_read(read, leaf, &entry);

    if (error != OK) {
        return error;
    }
    region_init(&region, LIMIT_PARSE_BYTES(entry.record.len));
    error = leaf_record_decode(entry.record, &region, ret_record, NULL);
    region_free(&region); /* numbers and ids are the structure's own */
    return error == ERR_MEMORY || error == OK ? error : ERR_CORRUPT;
}

enum err revocation_case_of(struct store_txn *read, uint64_t leaf, struct uuid *ret_case)
{
    struct leaf_record record;
    enum err error = read_record(read, leaf, &record);

    if (error == OK) {
        *ret_case = record.case_id;
    }
    return error;
}

enum err revocation_look(const struct broker *broker, struct store_txn *read,
                         const struct queue_item *item, struct revoked_look *ret_look)
{
    struct leaf_record revoked;
    struct signer signer;
    enum err error;

    *ret_look = (struct revoked_look){.resigned_leaf = AUDIT_NONE};
    if (broker->statements.count == 0) {
        return OK;
    }
    error = signer_of(broker, read, item->leaf, &signer);
    if (error != OK || signer.revoked_leaf == KEY_NOT_REVOKED) {
        return error;
    }
    error = resigned_leaf(broker, read, &item->message_id, &signer, &ret_look->resigned_leaf);
    if (error != OK || ret_look->resigned_leaf != AUDIT_NONE) {
        return error;
    }
    error = read_record(read, signer.revoked_leaf, &revoked);
    ret_look->held = error == OK && broker->now_ms < revoked.at_ms + REVOKED_HOLD_MS;
    return error;
}

enum err broker_key_waiting(const struct broker *broker, const struct key_statement *statement,
                            uint64_t *ret_count)
{
    struct store_txn *read;
    uint64_t count = 0;
    enum err error = store_read_begin(broker->setup.store, &read);

    if (error != OK) {
        return error;
    }
    for (size_t i = 0; error == OK && i < broker->agency_count * QUEUE_LANES; i++) {
        const struct queue_stream stream = {
            .recipient = registry_at(broker->setup.registry, i / QUEUE_LANES)->number,
            .lane = (uint8_t)(i % QUEUE_LANES)};
        struct queue_item item = {.seq = 0};

        while (error == OK) {
            struct signer signer;

            error = queue_after(read, stream, item.seq, &item);
            error = error == OK ? signer_of(broker, read, item.leaf, &signer) : error;
            if (error == OK) {
                count += memcmp(signer.key.bytes, statement->id.bytes, KEY_ID_BYTES) == 0;
            }
        }
        error = error == ERR_NOT_FOUND ? OK : error;
    }
    store_read_end(read);
    *ret_count = count;
    return error;
}

/* --- signed anew --- */

static enum err record_resigned(struct turn *turn, const struct request *request, size_t index,
                                const struct audit_entry *old)
{
    struct leaf_record record, before;
    struct region region;
    struct buf envelope;
    char name[NAME_BYTES];
    uint8_t value[8];
    uint64_t leaf;
    enum err error;

    region_init(&region, LIMIT_PARSE_BYTES(old->record.len));
    buf_init(&envelope, LIMIT_ENVELOPE_BYTES);
    error = leaf_record_decode(old->record, &region, &before, NULL);
    if (error == OK) {
        ledger_record(turn, LEAF_RESIGNED, before.actor, &record);
        record.message_id = before.message_id;
        record.message_digest = before.message_digest;
        record.case_id = before.case_id;
        record.referral_id = before.referral_id;
        record.message_kind = before.message_kind;
        text_copy(record.recipient, sizeof(record.recipient), before.recipient);
        text_copy(record.referral_number, sizeof(record.referral_number), before.referral_number);
        error = request_envelope(request, index, &envelope);
    }
    if (error == OK) {
        error = ledger_append(turn, &record, span_buf(&envelope), AUDIT_NONE, &leaf);
    }
    if (error == OK) {
        const struct agency *sender = registry_find(turn->broker->setup.registry, before.actor);

        assert(sender != NULL);
        be64_put(value, leaf);
        name_of(sender->number, &before.message_id, name);
        error = store_meta_put(turn->txn, name, span_of(value, sizeof(value)));
    }
    buf_free(&envelope);
    region_free(&region);
    return error == ERR_INVALID || error == ERR_TOO_LARGE ? ERR_CORRUPT : error;
}

enum err revocation_resign(struct turn *turn, const struct request *request, size_t index,
                           uint64_t leaf)
{
    struct broker *broker = turn->broker;
    struct audit_entry entry;
    struct signer signer;
    struct leaf_record record;
    struct region region;
    uint64_t known;
    enum err error;

    if (broker->statements.count == 0) {
        return OK;
    }
    error = audit_read(turn->txn, leaf, &entry);
    if (error != OK || entry.envelope.len == 0) {
        return error; /* a refused one has none */
    }
    error = signer_of(broker, turn->txn, leaf, &signer);
    if (error != OK || signer.revoked_leaf == KEY_NOT_REVOKED || signer.number == 0) {
        return error;
    }
    region_init(&region, LIMIT_PARSE_BYTES(entry.record.len));
    error = leaf_record_decode(entry.record, &region, &record, NULL);
    region_free(&region);
    if (error != OK || record.kind != LEAF_MESSAGE) {
        return error == OK || error == ERR_MEMORY ? error : ERR_CORRUPT;
    }
    error = resigned_leaf(broker, turn->txn, &record.message_id, &signer, &known);
    if (error != OK || known != AUDIT_NONE) {
        return error;
    }
    for (size_t i = 0; i < broker->agency_count; i++) {
        broker->agencies[i].dirty = true; /* a lane that waited for it goes on */
    }
    return record_resigned(turn, request, index, &entry);
}

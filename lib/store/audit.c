/* The log: leaves in, proofs out. See audit.h.
 *
 * An entry is value = head | hash | nodes | note | MAC | salt | record | envelope | MAC
 * (audit_entry.c). The frontier of the tree is in memory and follows the commits; other nodes are
 * read from the entries in which they lie, through a small cache that the writing thread alone
 * uses. */
#include "store/store_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/audit_entry.h"

#define SALT_AND_RECORD(entry) span_of((entry)->salt, AUDIT_SALT_BYTES + (entry)->record.len)

/* --- the cache of nodes --- */

static struct audit_slot *slot_of(struct store *store, unsigned level, uint64_t index)
{
    uint64_t mixed = (index * MERKLE_LEVELS + level) * 0x9E3779B97F4A7C15u;
    return &store->slots[(mixed >> 40) % AUDIT_CACHE_SLOTS];
}

/* A free slot is all zeros: the level is kept plus one. */
static void slot_put(struct store *store, unsigned level, uint64_t index, const struct digest *hash)
{
    struct audit_slot *slot = slot_of(store, level, index);
    slot->level = level + 1;
    slot->index = index;
    slot->hash = *hash;
}

static bool slot_get(struct store *store, unsigned level, uint64_t index, struct digest *ret_hash)
{
    const struct audit_slot *slot = slot_of(store, level, index);
    if (slot->level != level + 1 || slot->index != index) {
        return false;
    }
    *ret_hash = slot->hash;
    return true;
}

/* --- entries as they are stored --- */

/* Reads and authenticates an entry's front; record and salt are not hashed here. */
static enum err entry_open(struct store_txn *txn, uint64_t index, struct span raw,
                           struct audit_entry *ret_entry)
{
    uint8_t key[8];
    be64_put(key, index);
    struct audit_entry entry = {.index = 0};
    struct span front;
    const uint8_t *stored_mac = NULL;
    if (audit_entry_unpack(index, raw, &entry, &front, &stored_mac) != OK) {
        return store_corrupt(txn, STORE_LOG, span_of(key, sizeof(key)));
    }
    if (!txn->store->reader) {
        struct mac mac = record_mac(txn->store, STORE_LOG, span_of(key, sizeof(key)), front);
        if (!crypto_equal(mac.bytes, stored_mac, MAC_BYTES)) {
            return store_corrupt(txn, STORE_LOG, span_of(key, sizeof(key)));
        }
    }
    *ret_entry = entry;
    return OK;
}

static enum err entry_get(struct store_txn *txn, uint64_t index, struct audit_entry *ret_entry)
{
    uint8_t key[8];
    be64_put(key, index);
    struct span raw;
    enum err error = store_raw_get(txn, STORE_LOG, span_of(key, sizeof(key)), &raw);
    return error != OK ? error : entry_open(txn, index, raw, ret_entry);
}

/* The envelope's own: nodes are read often, and without it. The longer key says which of the two.
 */
static struct mac envelope_mac(const struct store *store, uint64_t index, struct span envelope)
{
    uint8_t key[9] = {[8] = 'e'};
    be64_put(key, index);
    return record_mac(store, STORE_LOG, span_of(key, sizeof(key)), envelope);
}

static bool envelope_is_whole(const struct store *store, const struct audit_entry *entry)
{
    struct mac mac;
    if (entry->envelope_mac == NULL) {
        return true;
    }
    mac = envelope_mac(store, entry->index, entry->envelope);
    return crypto_equal(mac.bytes, entry->envelope_mac, MAC_BYTES);
}

/* The leaf hash binds salt and record; a MAC the envelope. */
static enum err entry_check_hash(struct store_txn *txn, const struct audit_entry *entry)
{
    if (txn->store->reader) {
        return OK; /* the verifier hashes for itself */
    }
    struct digest hash = merkle_leaf_hash(SALT_AND_RECORD(entry));
    if (!digest_equal(&hash, &entry->hash) || !envelope_is_whole(txn->store, entry)) {
        uint8_t key[8];
        be64_put(key, entry->index);
        return store_corrupt(txn, STORE_LOG, span_of(key, sizeof(key)));
    }
    return OK;
}

enum err audit_entry_check(struct store_txn *txn, uint64_t index, struct span raw,
                           struct audit_entry *ret_entry)
{
    struct audit_entry entry = {.index = 0};
    enum err error = entry_open(txn, index, raw, &entry);
    if (error == OK) {
        error = entry_check_hash(txn, &entry);
    }
    if (error == OK) {
        *ret_entry = entry;
    }
    return error;
}

enum err audit_read(struct store_txn *txn, uint64_t index, struct audit_entry *ret_entry)
{
    assert(txn != NULL && ret_entry != NULL);
    struct audit_entry entry = {.index = 0};
    enum err error = entry_get(txn, index, &entry);
    if (error == OK) {
        error = entry_check_hash(txn, &entry);
    }
    if (error == OK) {
        *ret_entry = entry;
    }
    return error;
}

/* Node (level, index) lies in the entry of its right edge. */
static enum err node_get(void *ctx, unsigned level, uint64_t index, struct digest *ret_hash)
{
    struct store_txn *txn = ctx;
    if (txn->own_thread && slot_get(txn->store, level, index, ret_hash)) {
        return OK;
    }
    uint64_t edge = ((index + 1) << level) - 1;
    struct audit_entry entry = {.index = 0};
    enum err error = entry_get(txn, edge, &entry);
    if (error == ERR_NOT_FOUND || (error == OK && entry.node_count < level)) {
        uint8_t key[8];
        be64_put(key, edge);
        return store_corrupt(txn, STORE_LOG, span_of(key, sizeof(key))); /* a hole in the log */
    }
    if (error != OK) {
        return error;
    }
    struct digest hash = entry.hash;
    if (level > 0) {
        memcpy(hash.bytes, entry.nodes + (size_t)(level - 1) * DIGEST_BYTES, DIGEST_BYTES);
    }
    if (txn->own_thread) {
        slot_put(txn->store, level, index, &hash);
    }
    *ret_hash = hash;
    return OK;
}

static struct merkle_reader reader_of(struct store_txn *txn)
{
    return (struct merkle_reader){.get_node = node_get, .ctx = txn};
}

/* --- leaves in --- */

static void pending_begin(struct store *store)
{
    struct audit_pending *pending = &store->pending;
    if (!pending->begun) {
        pending->begun = true;
        pending->sealed = false;
        pending->first = store->tree.size;
        pending->tree = store->tree;
    }
}

static enum err pending_room(struct audit_pending *pending)
{
    if (pending->count < pending->cap) {
        return OK;
    }
    size_t cap = pending->cap == 0 ? 256 : pending->cap * 2;
    struct audit_pending_leaf *leaves = reallocarray(pending->leaves, cap, sizeof(*leaves));
    if (leaves == NULL) {
        return ERR_MEMORY;
    }
    pending->leaves = leaves;
    pending->cap = cap;
    return OK;
}

/* Copies the leaf to where it will be written from, and hashes those very bytes. */
static enum err pending_fill(struct audit_pending *pending, const struct audit_leaf *leaf,
                             struct audit_pending_leaf *at, struct digest *ret_hash)
{
    size_t salted_bytes = AUDIT_SALT_BYTES + leaf->record.len;
    size_t front_bytes = audit_entry_front_bytes(audit_entry_nodes(pending->tree.size) + 1u);
    size_t back_bytes = salted_bytes + leaf->envelope.len;
    size_t offset = pending->bytes.len;
    uint8_t *front = NULL;
    enum err error = buf_extend(&pending->bytes, front_bytes + back_bytes, &front);
    if (error != OK) {
        return error == ERR_TOO_LARGE ? ERR_FULL : error;
    }
    uint8_t *back = front + front_bytes;
    memcpy(back, leaf->salt, AUDIT_SALT_BYTES);
    memcpy(back + AUDIT_SALT_BYTES, leaf->record.data, leaf->record.len);
    if (leaf->envelope.len > 0) {
        memcpy(back + salted_bytes, leaf->envelope.data, leaf->envelope.len);
    }
    struct digest completed[MERKLE_LEVELS];
    struct digest hash = merkle_leaf_hash(span_of(back, salted_bytes));
    struct audit_entry_front fields = {
        .record_bytes = (uint16_t)leaf->record.len,
        .envelope_bytes = (uint32_t)leaf->envelope.len,
        .trail = leaf->trail,
        .nodes = completed,
        .node_count = merkle_append(&pending->tree, &hash, completed),
    };
    assert(audit_entry_front_bytes(fields.node_count) == front_bytes);
    audit_entry_pack_front(&fields, front);
    *at = (struct audit_pending_leaf){.offset = offset,
                                      .front_bytes = (uint32_t)front_bytes,
                                      .back_bytes = (uint32_t)back_bytes,
                                      .envelope_bytes = (uint32_t)leaf->envelope.len};
    *ret_hash = hash;
    return OK;
}

enum err audit_append(struct store_txn *txn, const struct audit_leaf *leaf, uint64_t *ret_index,
                      struct digest *ret_hash)
{
    assert(txn != NULL && txn->writes && leaf != NULL);
    struct store *store = txn->store;
    assert(store->kind == STORE_BROKER);
    assert(!store->pending.begun || !store->pending.sealed);
    assert(leaf->record.len > 0);
    if (leaf->record.len > AUDIT_RECORD_BYTES || leaf->envelope.len > AUDIT_ENVELOPE_BYTES) {
        return ERR_TOO_LARGE;
    }
    pending_begin(store);
    struct audit_pending *pending = &store->pending;
    assert(leaf->trail == AUDIT_NONE || leaf->trail < pending->tree.size);
    enum err error = pending_room(pending);
    struct audit_pending_leaf at;
    if (error == OK) {
        error = pending_fill(pending, leaf, &at, ret_hash);
    }
    if (error != OK) {
        return error;
    }
    pending->leaves[pending->count] = at;
    *ret_index = pending->first + pending->count;
    pending->count++;
    return OK;
}

size_t audit_pending_bytes(const struct store_txn *txn)
{
    assert(txn != NULL && txn->writes);
    return txn->store->pending.bytes.len;
}

/* The nodes that an entry carries, into the cache: the receipts of this commit want them. */
static void cache_entry(struct store *store, uint64_t index, const uint8_t *front)
{
    struct digest hash;
    size_t count = audit_entry_front_nodes(front);
    for (unsigned level = 0; level <= count; level++) {
        memcpy(hash.bytes, audit_entry_front_node(front, level), DIGEST_BYTES);
        slot_put(store, level, index >> level, &hash);
    }
}

/* Writes one entry; `note` is empty for all but the last. */
static enum err entry_write(struct store_txn *txn, uint64_t index,
                            const struct audit_pending_leaf *leaf, struct span note)
{
    struct store *store = txn->store;
    uint8_t key_bytes[8];
    be64_put(key_bytes, index);
    struct span key = span_of(key_bytes, sizeof(key_bytes));
    uint8_t *from = store->pending.bytes.data + leaf->offset;
    audit_entry_finish_front(from, store->pending.tree.size, note.len);
    uint8_t *room = NULL;
    enum err error = store_raw_reserve(
        txn, (struct record_at){STORE_LOG, key},
        leaf->front_bytes + note.len + 2 * MAC_BYTES + leaf->back_bytes, MDB_APPEND, &room);
    if (error != OK) {
        assert(error != ERR_EXISTS); /* out of order */
        return error;
    }
    memcpy(room, from, leaf->front_bytes);
    size_t front_bytes = leaf->front_bytes;
    if (note.len > 0) {
        memcpy(room + front_bytes, note.data, note.len);
        front_bytes += note.len;
    }
    struct mac mac = record_mac(store, STORE_LOG, key, span_of(room, front_bytes));
    memcpy(room + front_bytes, mac.bytes, MAC_BYTES);
    uint8_t *back = room + front_bytes + MAC_BYTES;
    memcpy(back, from + leaf->front_bytes, leaf->back_bytes);
    mac =
        envelope_mac(store, index,
                     span_of(back + leaf->back_bytes - leaf->envelope_bytes, leaf->envelope_bytes));
    memcpy(back + leaf->back_bytes, mac.bytes, MAC_BYTES);
    cache_entry(store, index, from);
    return OK;
}

enum err audit_seal_commit(struct store_txn *txn, struct span note)
{
    assert(txn != NULL && txn->writes);
    struct audit_pending *pending = &txn->store->pending;
    assert(pending->begun && !pending->sealed && pending->count > 0);
    assert(note.len > 0 && note.len <= AUDIT_NOTE_BYTES);
    pending->sealed = true;
    for (size_t i = 0; i < pending->count; i++) {
        bool last = i + 1 == pending->count;
        enum err error = entry_write(txn, pending->first + i, &pending->leaves[i],
                                     last ? note : span_of(NULL, 0));
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

void audit_publish(struct store *store)
{
    if (store->pending.count > 0) {
        assert(store->pending.sealed);
        store->tree = store->pending.tree;
        store->pending.count = 0; /* the cached nodes are right: keep them */
    }
}

void audit_forget_pending(struct store *store)
{
    struct audit_pending *pending = &store->pending;
    if (pending->count > 0) { /* not published: the cached nodes were never the log's */
        memset(store->slots, 0, AUDIT_CACHE_SLOTS * sizeof(*store->slots));
    }
    pending->begun = false;
    pending->sealed = false;
    pending->count = 0;
    buf_clear(&pending->bytes);
}

/* --- the tree --- */

/* The number behind the last key. */
static enum err last_size(struct store_txn *txn, uint64_t *ret_size)
{
    struct store_cursor *cursor = NULL;
    enum err error = store_cursor_open(txn, STORE_LOG, span_of(NULL, 0), &cursor);
    if (error != OK) {
        return error;
    }
    struct span key;
    struct span raw;
    error = store_cursor_last(cursor, &key, &raw);
    if (error == ERR_NOT_FOUND) {
        *ret_size = 0;
        error = OK;
    } else if (error == OK && (key.len != 8 || be64_get(key.data) >= (UINT64_MAX >> 1))) {
        error = store_corrupt(txn, STORE_LOG, key);
    } else if (error == OK) {
        *ret_size = be64_get(key.data) + 1;
    }
    store_cursor_close(cursor);
    return error;
}

static enum err stored_size(struct store_txn *txn, uint64_t *ret_size)
{
    assert(!txn->writes);
    if (txn->log_size == 0) {
        uint64_t size = 0;
        enum err error = last_size(txn, &size);
        if (error != OK) {
            return error;
        }
        txn->log_size = size + 1;
    }
    *ret_size = txn->log_size - 1;
    return OK;
}

enum err audit_size(struct store_txn *txn, uint64_t *ret_size)
{
    assert(txn != NULL && ret_size != NULL);
    if (txn->writes) {
        const struct store *store = txn->store;
        *ret_size = store->pending.begun ? store->pending.tree.size : store->tree.size;
        return OK;
    }
    return stored_size(txn, ret_size);
}

enum err audit_root(struct store_txn *txn, struct digest *ret_root)
{
    assert(txn != NULL && ret_root != NULL);
    if (txn->writes) {
        const struct store *store = txn->store;
        *ret_root = merkle_root(store->pending.begun ? &store->pending.tree : &store->tree);
        return OK;
    }
    uint64_t size = 0;
    enum err error = stored_size(txn, &size);
    return error != OK ? error : audit_root_at(txn, size, ret_root);
}

/* Leaves that are in the table: an unsealed transaction's are not. */
static enum err readable_size(struct store_txn *txn, uint64_t *ret_size)
{
    const struct store *store = txn->store;
    if (txn->writes && store->pending.begun && !store->pending.sealed) {
        *ret_size = store->tree.size;
        return OK;
    }
    return audit_size(txn, ret_size);
}

enum err audit_root_at(struct store_txn *txn, uint64_t size, struct digest *ret_root)
{
    uint64_t stored = 0;
    enum err error = readable_size(txn, &stored);
    if (error == OK && size > stored) {
        error = ERR_INVALID;
    }
    struct merkle_reader reader = reader_of(txn);
    return error != OK ? error : merkle_root_at(&reader, size, ret_root);
}

enum err audit_inclusion(struct store_txn *txn, uint64_t index, uint64_t size,
                         struct merkle_path *ret_path)
{
    uint64_t stored = 0;
    enum err error = readable_size(txn, &stored);
    if (error == OK && (size > stored || index >= size)) {
        error = ERR_INVALID;
    }
    struct merkle_reader reader = reader_of(txn);
    return error != OK ? error : merkle_inclusion(&reader, index, size, ret_path);
}

enum err audit_consistency(struct store_txn *txn, uint64_t old_size, uint64_t size,
                           struct merkle_path *ret_path)
{
    uint64_t stored = 0;
    enum err error = readable_size(txn, &stored);
    if (error == OK && (size > stored || old_size > size)) {
        error = ERR_INVALID;
    }
    struct merkle_reader reader = reader_of(txn);
    return error != OK ? error : merkle_consistency(&reader, old_size, size, ret_path);
}

/* --- receipts --- */

/* The checkpoint over `size` leaves lies on the last of them. */
static enum err note_get(struct store_txn *txn, uint64_t size, struct span *ret_note)
{
    if (txn->note_size == size) {
        *ret_note = txn->note;
        return OK;
    }
    struct audit_entry last = {.index = 0};
    enum err error = entry_get(txn, size - 1, &last);
    if (error == ERR_NOT_FOUND || (error == OK && last.note.len == 0)) {
        uint8_t key[8];
        be64_put(key, size - 1);
        return store_corrupt(txn, STORE_LOG, span_of(key, sizeof(key)));
    }
    if (error == OK && !txn->writes) {
        txn->note_size = size;
        txn->note = last.note;
    }
    if (error == OK) {
        *ret_note = last.note;
    }
    return error;
}

enum err audit_receipt(struct store_txn *txn, uint64_t index, struct audit_receipt *ret_receipt)
{
    assert(ret_receipt != NULL);
    struct audit_entry entry = {.index = 0};
    enum err error = audit_read(txn, index, &entry);
    if (error != OK) {
        return error;
    }
    struct span note;
    error = note_get(txn, entry.commit_size, &note);
    if (error == OK) {
        error = audit_inclusion(txn, index, entry.commit_size, &ret_receipt->path);
    }
    if (error == OK) {
        ret_receipt->entry = entry;
        ret_receipt->note = note;
    }
    return error == ERR_INVALID ? ERR_CORRUPT : error;
}

enum err audit_checkpoint(struct store_txn *txn, uint64_t *ret_size, struct span *ret_note)
{
    uint64_t size = 0;
    enum err error = readable_size(txn, &size);
    if (error == OK && size == 0) {
        error = ERR_NOT_FOUND;
    }
    struct span note;
    if (error == OK) {
        error = note_get(txn, size, &note);
    }
    if (error == OK) {
        *ret_size = size;
        *ret_note = note;
    }
    return error;
}

enum err audit_load(struct store *store, struct fault *fault)
{
    struct store_txn *txn = NULL;
    enum err error = store_read_begin(store, &txn);
    uint64_t size = 0;
    if (error == OK) {
        error = stored_size(txn, &size);
    }
    struct span note;
    if (error == OK && size > 0) {
        error = note_get(txn, size, &note);
    }
    if (error == OK) {
        struct merkle_reader reader = reader_of(txn);
        error = merkle_load(&reader, size, &store->tree);
    }
    if (error != OK) {
        fault_set(fault, "store.log-damaged", store->data_path,
                  "the audit log's tree cannot be read: %s %s", err_text(error),
                  txn != NULL ? txn->damage : "");
        fault_hint(fault, "run referral-verify on the store, and restore its last copy");
    }
    store_read_end(txn);
    return error;
}

/* --- the walk --- */

enum err audit_walk_open(struct store_txn *txn, uint64_t first, struct audit_walk *ret_walk)
{
    assert(txn != NULL && ret_walk != NULL);
    struct audit_walk walk = {.txn = txn, .next = first};
    enum err error = store_cursor_open(txn, STORE_LOG, span_of(NULL, 0), &walk.cursor);
    if (error == OK) {
        *ret_walk = walk;
    }
    return error;
}

/* The row at walk->next, or the one behind it. */
static enum err walk_row(struct audit_walk *walk, uint64_t *ret_index, struct span *ret_raw)
{
    uint8_t wanted[8];
    be64_put(wanted, walk->next);
    struct span key;
    enum err error = OK;
    if (!walk->placed) {
        error = store_cursor_seek(walk->cursor, span_of(wanted, sizeof(wanted)), &key, ret_raw);
    } else {
        error = store_cursor_next(walk->cursor, &key, ret_raw);
    }
    walk->placed = error == OK;
    if (error == OK && key.len != 8) {
        return store_corrupt(walk->txn, STORE_LOG, key);
    }
    if (error == OK) {
        *ret_index = be64_get(key.data);
    }
    return error;
}

enum err audit_walk_next(struct audit_walk *walk, struct audit_entry *ret_entry)
{
    assert(walk != NULL && walk->cursor != NULL);
    uint64_t found = 0;
    struct span raw;
    enum err error = walk_row(walk, &found, &raw);
    if (error != OK) {
        return error;
    }
    uint64_t index = walk->next++;
    if (found != index) { /* a missing one: stand here again for the next call */
        uint8_t key[8];
        be64_put(key, index);
        walk->placed = false;
        return store_corrupt(walk->txn, STORE_LOG, span_of(key, sizeof(key)));
    }
    return audit_entry_check(walk->txn, index, raw, ret_entry);
}

void audit_walk_close(struct audit_walk *walk)
{
    store_cursor_close(walk->cursor);
    walk->cursor = NULL;
}

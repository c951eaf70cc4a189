/* The row: be64 version, the digest, the root's fingerprint, be64 leaf; an older release wrote
 * none, and the leaf of the first start since then takes its place. See registry_record.h. */
#include "broker/registry_record.h"

#include <inttypes.h>
#include <string.h>

#include "store/audit.h"

#define META      "registry"
#define LEAF_AT   (8u + 2 * DIGEST_BYTES)
#define ROW_BYTES (LEAF_AT + 8u)

struct record {
    struct registry_document document; /* of it version, digest and root; version 0: none */
    uint64_t leaf;
};

static enum err read_row(struct store_txn *txn, struct record *ret_record)
{
    struct record record = {.leaf = 0};
    struct span row;
    enum err error = store_meta_get(txn, META, &row);

    if (error == OK && row.len != ROW_BYTES && row.len != LEAF_AT) { /* of an older release */
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        record.document.version = be64_get(row.data);
        memcpy(record.document.digest.bytes, row.data + 8, DIGEST_BYTES);
        memcpy(record.document.root.bytes, row.data + 8 + DIGEST_BYTES, DIGEST_BYTES);
        record.leaf = row.len == ROW_BYTES ? be64_get(row.data + LEAF_AT) : AUDIT_NONE;
    }
    *ret_record = record;
    return error == ERR_NOT_FOUND ? OK : error;
}

static bool is_same(const struct registry_document *one, const struct registry_document *other)
{
    return one->version == other->version && digest_equal(&one->digest, &other->digest);
}

enum err registry_record_keep(struct store_txn *txn, const struct registry_document *document,
                              uint64_t leaf)
{
    uint8_t row[ROW_BYTES];
    struct record before;
    enum err error = read_row(txn, &before);

    if (error != OK || document->version == 0 ||
        (is_same(&before.document, document) && before.leaf != AUDIT_NONE)) {
        return error;
    }
    be64_put(row, document->version);
    memcpy(row + 8, document->digest.bytes, DIGEST_BYTES);
    memcpy(row + 8 + DIGEST_BYTES, document->root.bytes, DIGEST_BYTES);
    be64_put(row + LEAF_AT, leaf);
    return store_meta_put(txn, META, span_of(row, sizeof(row)));
}

enum err registry_record_leaf(struct store_txn *txn, const struct registry_document *document,
                              uint64_t *ret_leaf)
{
    struct record record;
    enum err error = read_row(txn, &record);

    if (error != OK) {
        return error;
    }
    *ret_leaf = record.leaf;
    return document->version != 0 && is_same(&record.document, document) &&
                   record.leaf != AUDIT_NONE
               ? OK
               : ERR_NOT_FOUND;
}

enum err registry_record_judge(struct store *store, const struct registry_document *document,
                               struct fault *fault)
{
    struct record record;
    struct store_txn *read;
    enum err error = store_read_begin(store, &read);

    if (error != OK) {
        return error;
    }
    error = read_row(read, &record);
    store_read_end(read);
    if (error != OK) {
        return error;
    }
    if (record.document.version != 0 && document->version == 0) {
        fault_set(fault, "registry.unsigned", "registry",
                  "is not signed; version %" PRIu64 " of a signed one was in force already",
                  record.document.version);
        fault_hint(fault, "name the signed registry in `registry` and `public-keys`, and its root "
                          "in `registry-root`");
        return ERR_REFUSED;
    }
    error = registry_document_follows(&record.document, document, "registry", fault);
    return error == ERR_EXISTS ? OK : error;
}

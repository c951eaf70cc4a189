/* The row: be64 version, the digest, the root's fingerprint. See registry_record.h. */
#include "broker/registry_record.h"

#include <inttypes.h>
#include <string.h>

#define META      "registry"
#define ROW_BYTES (8 + 2 * DIGEST_BYTES)

enum err registry_record_keep(struct store_txn *txn, const struct registry_document *document)
{
    uint8_t row[ROW_BYTES];

    if (document->version == 0) {
        return OK;
    }
    be64_put(row, document->version);
    memcpy(row + 8, document->digest.bytes, DIGEST_BYTES);
    memcpy(row + 8 + DIGEST_BYTES, document->root.bytes, DIGEST_BYTES);
    return store_meta_put(txn, META, span_of(row, sizeof(row)));
}

static enum err read_row(struct store *store, struct registry_document *ret_before)
{
    struct store_txn *read;
    struct span row;
    enum err error = store_read_begin(store, &read);

    if (error != OK) {
        return error;
    }
    error = store_meta_get(read, META, &row);
    if (error == OK && row.len != ROW_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        ret_before->version = be64_get(row.data);
        memcpy(ret_before->digest.bytes, row.data + 8, DIGEST_BYTES);
        memcpy(ret_before->root.bytes, row.data + 8 + DIGEST_BYTES, DIGEST_BYTES);
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err registry_record_judge(struct store *store, const struct registry_document *document,
                               struct fault *fault)
{
    struct registry_document before = {.version = 0};
    enum err error = read_row(store, &before);

    if (error != OK) {
        return error;
    }
    if (before.version != 0 && document->version == 0) {
        fault_set(fault, "registry.unsigned", "registry",
                  "is not signed; version %" PRIu64 " of a signed one was in force already",
                  before.version);
        fault_hint(fault, "name the signed registry in `registry` and `public-keys`, and its root "
                          "in `registry-root`");
        return ERR_REFUSED;
    }
    error = registry_document_follows(&before, document, "registry", fault);
    return error == ERR_EXISTS ? OK : error;
}

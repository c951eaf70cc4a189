/* The versions of the signed registry that this agent worked by, kept for evidence: years later a
 * key is judged by the version in force when the log had the message. Each with the receipt of its
 * leaf, as soon as the broker has proved it: the version in force that has none yet is asked for
 * once more.
 *
 * STORE_VALUE: "x/registry/" | be64 version | 'd' -> the document; | 'r' -> Receipt of no message.
 * Loop thread. */
#include <string.h>

#include "agent/state.h"
#include "wire/receipt.h"

#define PREFIX       "x/registry/"
#define PREFIX_BYTES (sizeof(PREFIX) - 1)
#define NAME_BYTES   (PREFIX_BYTES + 9u)
#define DOCUMENT     'd'
#define RECEIPT      'r'

static struct span name_of(uint64_t version, char what, uint8_t name[NAME_BYTES])
{
    memcpy(name, PREFIX, PREFIX_BYTES);
    be64_put(name + PREFIX_BYTES, version);
    name[NAME_BYTES - 1] = (uint8_t)what;
    return span_of(name, NAME_BYTES);
}

static enum err write_document(struct store_txn *txn, const struct registry_document *document)
{
    const struct span pieces[] = {document->statement, document->agencies, document->keys};
    uint8_t name[NAME_BYTES];
    struct buf text;
    enum err error = OK;

    buf_init(&text, REGISTRY_DOCUMENT_BYTES);
    for (size_t i = 0; error == OK && i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        error = buf_append(&text, pieces[i].data, pieces[i].len);
    }
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, name_of(document->version, DOCUMENT, name),
                          span_buf(&text));
    }
    buf_free(&text);
    return error;
}

static enum err has(struct store_txn *txn, uint64_t version, char what, bool *ret_has)
{
    uint8_t name[NAME_BYTES];
    struct span there;
    enum err error = store_get(txn, STORE_VALUE, name_of(version, what, name), &there);

    *ret_has = error == OK;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err registry_version_keep(struct store_txn *txn, const struct registry_document *document)
{
    bool there = false;
    enum err error = has(txn, document->version, DOCUMENT, &there);

    return error == OK && !there ? write_document(txn, document) : error;
}

enum err registry_version_prove(struct store_txn *txn, const struct registry_document *document,
                                const struct reply_head *head)
{
    const struct registry_leaf *leaf = &head->registry.leaf;
    struct receipt receipt = {.leaf_index = leaf->index,
                              .record = leaf->record,
                              .path = leaf->path,
                              .path_count = leaf->path_count,
                              .checkpoint = head->checkpoint};
    uint8_t name[NAME_BYTES];
    struct buf bytes;
    enum err error = registry_version_keep(txn, document);

    memcpy(receipt.salt, leaf->salt, SALT_BYTES);
    buf_init(&bytes, RECEIPT_BYTES);
    error = error == OK ? receipt_encode(&receipt, &bytes) : error;
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, name_of(document->version, RECEIPT, name),
                          span_buf(&bytes));
    }
    buf_free(&bytes);
    return error;
}

enum err registry_versions_start(struct agent *agent)
{
    const struct registry_document *document = &agent->setup.document;
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = registry_version_keep(txn, document);
    error = error == OK ? has(txn, document->version, RECEIPT, &agent->registry.proven) : error;
    if (error == OK) {
        return store_commit(txn);
    }
    store_abort(txn);
    return error;
}

/* What a walk hands out ends with it: so only the number is taken from it. */
static enum err find_next(struct store_txn *read, uint64_t after, uint64_t *ret_number)
{
    struct store_cursor *cursor;
    uint8_t from[NAME_BYTES];
    struct span key, text;
    enum err error = store_cursor_open(read, STORE_VALUE, span_of(PREFIX, PREFIX_BYTES), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, name_of(after + 1, DOCUMENT, from), &key, &text);
    if (error == OK && key.len != NAME_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        *ret_number = be64_get(key.data + PREFIX_BYTES);
    }
    store_cursor_close(cursor);
    return error;
}

enum err registry_version_next(struct store_txn *read, uint64_t after,
                               struct registry_version *ret_version)
{
    struct registry_version version = {.receipt = {NULL, 0}};
    uint8_t name[NAME_BYTES];
    enum err error = find_next(read, after, &version.number);

    if (error == OK) {
        error = store_get(read, STORE_VALUE, name_of(version.number, DOCUMENT, name),
                          &version.document);
    }
    if (error != OK) { /* ERR_NOT_FOUND */
        return error;
    }
    error = store_get(read, STORE_VALUE, name_of(version.number, RECEIPT, name), &version.receipt);
    if (error == OK || error == ERR_NOT_FOUND) {
        *ret_version = version;
        error = OK;
    }
    return error;
}

/* A store and its file of case keys (case_keys.h): which file is whose is a row of the store, so
 * that neither is ever used with another. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/store_private.h"

const uint8_t *store_key_bytes(const struct store *store)
{
    return store->kind == STORE_BROKER ? store->mac_key.bytes : store->seal_key;
}

struct case_keys *store_case_keys(const struct store *store)
{
    return store->case_keys;
}

#define PATH_BYTES (PATH_MAX + sizeof(CASE_KEYS_ENDING))

/* Beside a store's folder. ERR_INVALID: no room for it. */
static enum err path_beside(const char *folder, char out[PATH_BYTES])
{
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/') {
        len--;
    }
    if (len >= PATH_MAX) {
        return ERR_INVALID;
    }
    (void)snprintf(out, PATH_BYTES, "%.*s" CASE_KEYS_ENDING, (int)len, folder); /* it fits */
    return OK;
}

static void path_of(const struct store *store, char out[PATH_BYTES])
{
    char folder[PATH_MAX];

    text_copy(folder, sizeof(folder), store->data_path);
    *strrchr(folder, '/') = '\0';
    (void)path_beside(folder, out); /* no longer than the data file's */
}

enum err store_case_keys_beside(struct store *store, const char *folder, struct fault *fault)
{
    char path[PATH_BYTES];

    if (path_beside(folder, path) != OK) {
        fault_set(fault, "store.copy", folder, "the path is too long");
        return ERR_INVALID;
    }
    return case_keys_write(store->case_keys, path, fault);
}

static void pass(const struct store *store, const char *name)
{
    if (store->pass_point != NULL) {
        store->pass_point(store->owner, name);
    }
}

enum err store_case_keys_save(struct store *store, struct fault *fault)
{
    char path[PATH_BYTES];
    enum err error;

    path_of(store, path);
    pass(store, "store.before-keys");
    error = case_keys_write(store->case_keys, path, fault);
    pass(store, "store.after-keys");
    return error;
}

enum err store_case_keys_copy(struct store *store, const char *folder, struct fault *fault)
{
    const struct uuid id = case_keys_id(store->case_keys);
    char name[CASE_KEYS_COPY_BYTES], path[PATH_MAX];
    int len;

    case_keys_copy_name(&id, name);
    len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        fault_set(fault, "backup.path", folder, "the path is too long");
        return ERR_INVALID;
    }
    return case_keys_write(store->case_keys, path, fault);
}

enum err store_case_keys_read_copy(const char *folder, const struct uuid *id,
                                   const uint8_t store_key[32], struct case_keys **ret_keys,
                                   struct fault *fault)
{
    char name[CASE_KEYS_COPY_BYTES], path[PATH_MAX];
    int len;
    enum err error;

    case_keys_copy_name(id, name);
    len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        fault_set(fault, "backup.path", folder, "the path is too long");
        return ERR_INVALID;
    }
    error = case_keys_read(path, store_key, ret_keys, fault);
    if (error == ERR_NOT_FOUND) {
        fault_set(fault, "backup.case-keys", path,
                  "the case keys of this backup are not beside it");
        fault_hint(fault, "copy that file, the newest there is, beside the backup: without it no "
                          "message's body opens");
    }
    if (error == OK) {
        const struct uuid found = case_keys_id(*ret_keys);

        if (!uuid_equal(&found, id)) {
            case_keys_free(*ret_keys);
            *ret_keys = NULL;
            fault_set(fault, "backup.case-keys", path, "these case keys are another store's");
            error = ERR_FORGED;
        }
    }
    return error;
}

/* ERR_NOT_FOUND: a store that never had any. */
enum err store_case_keys_known(struct store *store, struct uuid *ret_id)
{
    struct store_txn *read = NULL;
    struct span value;
    enum err error = store_read_begin(store, &read);

    if (error != OK) {
        return error;
    }
    error = store_meta_get(read, CASE_KEYS_META, &value);
    if (error == OK && value.len != UUID_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(ret_id->bytes, value.data, UUID_BYTES);
    }
    store_read_end(read);
    return error;
}

static enum err know_id(struct store *store)
{
    const struct uuid id = case_keys_id(store->case_keys);
    struct store_txn *txn = NULL;
    enum err error = store_begin(store, &txn);

    if (error == OK) {
        error = store_meta_put(txn, CASE_KEYS_META, span_of(id.bytes, UUID_BYTES));
        if (error != OK) {
            store_abort(txn);
            return error;
        }
        error = store_commit(txn);
    }
    return error;
}

/* The file comes first: a row never speaks of one that was not. One that is there already is of a
 * start that was killed. */
static enum err first_keys(struct store *store, const char *path, struct fault *fault)
{
    enum err error;

    if (access(path, F_OK) == 0) {
        error = case_keys_read(path, store_key_bytes(store), &store->case_keys, fault);
    } else {
        error = case_keys_new(store_key_bytes(store), &store->case_keys);
        if (error == OK) {
            error = case_keys_write(store->case_keys, path, fault);
        }
    }
    return error == OK ? know_id(store) : error;
}

static enum err known_keys(struct store *store, const char *path, const struct uuid *id,
                           struct fault *fault)
{
    enum err error = case_keys_read(path, store_key_bytes(store), &store->case_keys, fault);

    if (error == ERR_NOT_FOUND) {
        fault_set(fault, "store.case-keys-missing", path, "this store's file of case keys is gone");
        fault_hint(fault, "put back its newest copy, which lies beside the backups: without it "
                          "no message's body opens");
        return error;
    }
    if (error == OK) {
        const struct uuid found = case_keys_id(store->case_keys);

        if (!uuid_equal(&found, id)) {
            fault_set(fault, "store.case-keys-other", path,
                      "this file of case keys is not this store's");
            fault_hint(fault, "put back the newest copy of the right one, which lies beside the "
                              "backups");
            error = ERR_FORGED;
        }
    }
    return error;
}

enum err store_case_keys_adopt(struct store *store, struct case_keys *keys, struct fault *fault)
{
    case_keys_free(store->case_keys);
    store->case_keys = keys;
    return store_case_keys_save(store, fault);
}

enum err store_case_keys_open(struct store *store, struct fault *fault)
{
    char path[PATH_BYTES];
    struct uuid id;
    enum err error = store_case_keys_known(store, &id);

    path_of(store, path);
    if (error != OK && error != ERR_NOT_FOUND) {
        fault_set(fault, "store.failed", store->data_path,
                  "cannot read which case keys are its own: %s", err_text(error));
        return error;
    }
    error = error == OK ? known_keys(store, path, &id, fault) : first_keys(store, path, fault);
    return error == OK ? case_keys_tidy(path, fault) : error;
}

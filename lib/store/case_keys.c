/* See case_keys.h. The tree has sixteen branches a level and twelve levels: a leaf is found by the
 * first 48 bits of SHA-256(case id | generation), its seed by at most twelve derivations, and an
 * erasure leaves at most 180 seeds more. What is kept are the seeds nearest to the root of all that
 * was not erased: at first the root.
 *
 * The file: magic 20 | suite u8 | id 16 | desk count u8, of each: number u32, key 32 | seed count
 * u32, of each: depth u8, path 6, seed 32 | MAC 16 over all before it   (big-endian) */
#include "store/case_keys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAGIC          "referral case keys\n" /* 19 bytes and the NUL */
#define MAGIC_BYTES    20u
#define DEPTH_MAX      12u /* levels, a nibble each */
#define BRANCHES       16u
#define PATH_BYTES     6u
#define SEED_BYTES     32u
#define DESK_BYTES     (4u + AEAD_KEY_BYTES)
#define NODE_BYTES     (1u + PATH_BYTES + SEED_BYTES)
#define HEAD_BYTES     (MAGIC_BYTES + 1u + UUID_BYTES + 1u)
#define NODES_MAX      1000000u /* some 5,500 erasures; 39 MB */
#define FILE_BYTES_MAX (64u * 1024u * 1024u)
#define NEW_ENDING     ".new"
#define OLD_ENDING     ".old"

static const char key_label[] = "referral.v1.case-key";
static const char file_label[] = "referral.v1.case-keys-file";

struct seed_node { /* a subtree that nothing was erased from */
    uint8_t depth;
    uint8_t path[PATH_BYTES]; /* its nibbles, then zeros */
    uint8_t seed[SEED_BYTES];
};

struct case_keys {
    pthread_mutex_t lock;
    struct uuid id;
    uint8_t store_key[32];
    struct seed_node *nodes; /* owned, crypto_secret_new; by path */
    size_t node_count;
    struct desk_key_secret desks[CASE_KEYS_DESKS_MAX]; /* the oldest first */
    size_t desk_count;
};

/* --- the tree --- */

static unsigned nibble(const uint8_t path[PATH_BYTES], unsigned level)
{
    return level % 2 == 0 ? path[level / 2] >> 4 : path[level / 2] & 15u;
}

static void nibble_set(uint8_t path[PATH_BYTES], unsigned level, unsigned value)
{
    const unsigned shift = level % 2 == 0 ? 4 : 0;

    path[level / 2] = (uint8_t)((path[level / 2] & ~(15u << shift)) | value << shift);
}

static void leaf_of(const struct uuid *case_id, uint8_t generation, uint8_t out[PATH_BYTES])
{
    uint8_t text[UUID_BYTES + 1];
    struct digest digest;

    memcpy(text, case_id->bytes, UUID_BYTES);
    text[UUID_BYTES] = generation;
    digest = crypto_digest(span_of(text, sizeof(text)));
    memcpy(out, digest.bytes, PATH_BYTES);
}

static bool is_above(const struct seed_node *node, const uint8_t leaf[PATH_BYTES])
{
    for (unsigned level = 0; level < node->depth; level++) {
        if (nibble(node->path, level) != nibble(leaf, level)) {
            return false;
        }
    }
    return true;
}

/* The subtree that the leaf is in: the last one that does not begin behind it, if any. */
static const struct seed_node *node_of(const struct case_keys *keys, const uint8_t leaf[PATH_BYTES])
{
    size_t low = 0, high = keys->node_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (memcmp(keys->nodes[middle].path, leaf, PATH_BYTES) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && is_above(&keys->nodes[low - 1], leaf) ? &keys->nodes[low - 1] : NULL;
}

static void seed_below(const uint8_t seed[SEED_BYTES], unsigned branch, uint8_t out[SEED_BYTES])
{
    const uint8_t byte = (uint8_t)branch;

    crypto_derive(seed, span_of(&byte, 1), out);
}

static void key_of_seed(const struct case_keys *keys, const uint8_t seed[SEED_BYTES],
                        uint8_t out[AEAD_KEY_BYTES])
{
    uint8_t text[sizeof(key_label) + SEED_BYTES];

    memcpy(text, key_label, sizeof(key_label));
    memcpy(text + sizeof(key_label), seed, SEED_BYTES);
    crypto_derive(keys->store_key, span_of(text, sizeof(text)), out);
    crypto_wipe(text, sizeof(text));
}

/* false: it was erased. */
static bool key_find(const struct case_keys *keys, const struct uuid *case_id, uint8_t generation,
                     struct case_key_secret *ret_key)
{
    uint8_t leaf[PATH_BYTES], seed[SEED_BYTES];
    const struct seed_node *node;

    leaf_of(case_id, generation, leaf);
    node = node_of(keys, leaf);
    if (node == NULL) {
        return false;
    }
    memcpy(seed, node->seed, SEED_BYTES);
    for (unsigned level = node->depth; level < DEPTH_MAX; level++) {
        seed_below(seed, nibble(leaf, level), seed);
    }
    key_of_seed(keys, seed, ret_key->bytes);
    ret_key->generation = generation;
    crypto_wipe(seed, sizeof(seed));
    return true;
}

/* What stands beside the way from `top` to the leaf, in the order of its paths. */
static size_t nodes_beside(const struct seed_node *top, const uint8_t leaf[PATH_BYTES],
                           struct seed_node out[DEPTH_MAX * (BRANCHES - 1)])
{
    struct seed_node at = *top;
    size_t before = 0, behind = DEPTH_MAX * (BRANCHES - 1), count;

    for (unsigned level = top->depth; level < DEPTH_MAX; level++) {
        const unsigned way = nibble(leaf, level);
        struct seed_node child = {.depth = (uint8_t)(level + 1)};

        memcpy(child.path, at.path, PATH_BYTES);
        for (unsigned i = 0; i < BRANCHES; i++) {
            const unsigned branch = i < way ? i : BRANCHES - 1 - (i - way); /* outside in */

            if (branch != way) {
                nibble_set(child.path, level, branch);
                seed_below(at.seed, branch, child.seed);
                out[branch < way ? before++ : --behind] = child;
            }
        }
        nibble_set(at.path, level, way);
        seed_below(at.seed, way, at.seed);
        crypto_wipe(&child, sizeof(child));
    }
    crypto_wipe(&at, sizeof(at));
    count = DEPTH_MAX * (BRANCHES - 1) - behind;
    memmove(out + before, out + behind, count * sizeof(out[0]));
    return before + count;
}

static enum err leaf_destroy(struct case_keys *keys, const uint8_t leaf[PATH_BYTES])
{
    const struct seed_node *top = node_of(keys, leaf);
    struct seed_node beside[DEPTH_MAX * (BRANCHES - 1)];
    struct seed_node *nodes;
    size_t place, more;

    if (top == NULL) {
        return OK;
    }
    place = (size_t)(top - keys->nodes);
    more = nodes_beside(top, leaf, beside);
    if (keys->node_count - 1 + more > NODES_MAX) {
        crypto_wipe(beside, sizeof(beside));
        return ERR_FULL;
    }
    nodes = crypto_secret_new((keys->node_count + more) * sizeof(*nodes)); /* never of no bytes */
    if (nodes == NULL) {
        crypto_wipe(beside, sizeof(beside));
        return ERR_MEMORY;
    }
    memcpy(nodes, keys->nodes, place * sizeof(*nodes));
    memcpy(nodes + place, beside, more * sizeof(*nodes));
    memcpy(nodes + place + more, keys->nodes + place + 1,
           (keys->node_count - place - 1) * sizeof(*nodes));
    crypto_secret_free(keys->nodes);
    keys->nodes = nodes;
    keys->node_count += more - 1;
    crypto_wipe(beside, sizeof(beside));
    return OK;
}

/* --- life --- */

static enum err keys_alloc(const uint8_t store_key[32], size_t node_count,
                           struct case_keys **ret_keys)
{
    struct case_keys *keys = crypto_secret_new(sizeof(*keys));

    if (keys != NULL) {
        keys->nodes = crypto_secret_new((node_count > 0 ? node_count : 1) * sizeof(*keys->nodes));
    }
    if (keys == NULL || keys->nodes == NULL || pthread_mutex_init(&keys->lock, NULL) != 0) {
        if (keys != NULL) {
            crypto_secret_free(keys->nodes);
        }
        crypto_secret_free(keys);
        return ERR_MEMORY;
    }
    keys->node_count = node_count;
    memcpy(keys->store_key, store_key, sizeof(keys->store_key));
    *ret_keys = keys;
    return OK;
}

enum err case_keys_new(const uint8_t store_key[32], struct case_keys **ret_keys)
{
    enum err error = keys_alloc(store_key, 1, ret_keys);

    if (error == OK) {
        struct case_keys *keys = *ret_keys;

        crypto_random(keys->id.bytes, UUID_BYTES);
        crypto_random(keys->nodes[0].seed, SEED_BYTES);
        crypto_random(keys->desks[0].bytes, AEAD_KEY_BYTES);
        keys->desks[0].number = 1;
        keys->desk_count = 1;
    }
    return error;
}

void case_keys_free(struct case_keys *keys)
{
    if (keys != NULL) {
        (void)pthread_mutex_destroy(&keys->lock);
        crypto_secret_free(keys->nodes);
        crypto_secret_free(keys);
    }
}

struct uuid case_keys_id(const struct case_keys *keys)
{
    return keys->id; /* never changes */
}

void case_keys_copy_name(const struct uuid *id, char out[CASE_KEYS_COPY_BYTES])
{
    char hex[2 * UUID_BYTES + 1];

    hex_encode(span_of(id->bytes, UUID_BYTES), hex);
    (void)snprintf(out, CASE_KEYS_COPY_BYTES, "case-keys-%s", hex);
}

/* --- the file --- */

static struct mac file_mac(const uint8_t store_key[32], struct span bytes)
{
    struct mac_key key;
    struct mac mac;

    crypto_derive(store_key, span_of(file_label, sizeof(file_label)), key.bytes);
    mac = crypto_mac(&key, &bytes, 1);
    crypto_wipe(&key, sizeof(key));
    return mac;
}

static uint8_t *pack_desks(const struct case_keys *keys, uint8_t *at)
{
    *at++ = (uint8_t)keys->desk_count;
    for (size_t i = 0; i < keys->desk_count; i++) {
        be32_put(at, keys->desks[i].number);
        memcpy(at + 4, keys->desks[i].bytes, AEAD_KEY_BYTES);
        at += DESK_BYTES;
    }
    return at;
}

static enum err pack(const struct case_keys *keys, struct buf *out)
{
    const size_t len =
        HEAD_BYTES + keys->desk_count * DESK_BYTES + 4 + keys->node_count * NODE_BYTES + MAC_BYTES;
    struct mac mac;
    uint8_t *start, *at;
    enum err error = buf_extend(out, len, &start);

    if (error != OK) {
        return error;
    }
    at = start;
    memcpy(at, MAGIC, MAGIC_BYTES);
    at[MAGIC_BYTES] = (uint8_t)crypto_suite();
    memcpy(at + MAGIC_BYTES + 1, keys->id.bytes, UUID_BYTES);
    at = pack_desks(keys, at + HEAD_BYTES - 1);
    be32_put(at, (uint32_t)keys->node_count);
    at += 4;
    for (size_t i = 0; i < keys->node_count; i++, at += NODE_BYTES) {
        at[0] = keys->nodes[i].depth;
        memcpy(at + 1, keys->nodes[i].path, PATH_BYTES);
        memcpy(at + 1 + PATH_BYTES, keys->nodes[i].seed, SEED_BYTES);
    }
    mac = file_mac(keys->store_key, span_of(start, len - MAC_BYTES));
    memcpy(at, mac.bytes, MAC_BYTES);
    return OK;
}

static enum err refuse_file(const char *path, enum err error, const char *code, const char *message,
                            struct fault *fault)
{
    fault_set(fault, code, path, "%s", message);
    fault_hint(fault, "put back the newest copy of this store's case keys; without it what is "
                      "sealed under them does not open");
    return error;
}

/* Every part in its bounds, the seeds in order and none above another; after the MAC, so that what
 * is wrong was never written by us. */
static bool unpack_nodes(struct case_keys *keys, const uint8_t *at)
{
    for (size_t i = 0; i < keys->node_count; i++, at += NODE_BYTES) {
        struct seed_node *node = &keys->nodes[i];

        node->depth = at[0];
        memcpy(node->path, at + 1, PATH_BYTES);
        memcpy(node->seed, at + 1 + PATH_BYTES, SEED_BYTES);
        if (node->depth > DEPTH_MAX ||
            (i > 0 && (memcmp(node[-1].path, node->path, PATH_BYTES) >= 0 ||
                       is_above(&node[-1], node->path)))) {
            return false;
        }
    }
    return true;
}

/* Where the desks end and the seeds begin; NULL: lengths that do not fit each other. */
static const uint8_t *lengths_check(struct span bytes, size_t *ret_desks, size_t *ret_nodes)
{
    const size_t desks = bytes.len >= HEAD_BYTES ? bytes.data[HEAD_BYTES - 1] : 0;
    const size_t fixed = HEAD_BYTES + desks * DESK_BYTES + 4 + MAC_BYTES;

    if (desks < 1 || desks > CASE_KEYS_DESKS_MAX || bytes.len < fixed) {
        return NULL;
    }
    *ret_desks = desks;
    *ret_nodes = be32_get(bytes.data + fixed - 4 - MAC_BYTES);
    return *ret_nodes <= NODES_MAX && bytes.len == fixed + *ret_nodes * NODE_BYTES
               ? bytes.data + fixed - MAC_BYTES
               : NULL;
}

static enum err unpack(const char *place, struct span bytes, const uint8_t store_key[32],
                       struct case_keys **ret_keys, struct fault *fault)
{
    size_t desks = 0, nodes = 0;
    struct case_keys *keys = NULL;
    const uint8_t *at;
    struct mac mac;
    enum err error;

    if (bytes.len < HEAD_BYTES || memcmp(bytes.data, MAGIC, MAGIC_BYTES) != 0) {
        return refuse_file(place, ERR_INVALID, "store.case-keys", "is no file of case keys", fault);
    }
    error = bytes.data[MAGIC_BYTES] == SUITE_INTL || bytes.data[MAGIC_BYTES] == SUITE_SM
                ? crypto_claim((enum crypto_suite)bytes.data[MAGIC_BYTES], place, fault)
                : refuse_file(place, ERR_INVALID, "store.case-keys", "is of no known suite", fault);
    if (error != OK) {
        return error;
    }
    at = lengths_check(bytes, &desks, &nodes);
    mac = file_mac(store_key, span_of(bytes.data, bytes.len - MAC_BYTES));
    if (at == NULL || !crypto_equal(mac.bytes, bytes.data + bytes.len - MAC_BYTES, MAC_BYTES)) {
        return refuse_file(place, ERR_FORGED, "store.case-keys-changed",
                           "is damaged, or of another store", fault);
    }
    error = keys_alloc(store_key, nodes, &keys);
    if (error != OK) {
        return error;
    }
    memcpy(keys->id.bytes, bytes.data + MAGIC_BYTES + 1, UUID_BYTES);
    keys->desk_count = desks;
    for (size_t i = 0; i < desks; i++) {
        keys->desks[i].number = be32_get(bytes.data + HEAD_BYTES + i * DESK_BYTES);
        memcpy(keys->desks[i].bytes, bytes.data + HEAD_BYTES + i * DESK_BYTES + 4, AEAD_KEY_BYTES);
    }
    if (!unpack_nodes(keys, at)) {
        case_keys_free(keys);
        return refuse_file(place, ERR_FORGED, "store.case-keys-changed", "its seeds overlap",
                           fault);
    }
    *ret_keys = keys;
    return OK;
}

static enum err refuse_io(const char *path, const char *action, struct fault *fault)
{
    const int number = errno;

    fault_set(fault, "store.case-keys-failed", path, "cannot %s: %s", action,
              strerrordesc_np(number));
    return number == ENOSPC || number == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err beside(const char *path, const char *ending, char out[PATH_MAX],
                       struct fault *fault)
{
    const int len = snprintf(out, PATH_MAX, "%s%s", path, ending);

    if (len < 0 || len >= PATH_MAX) {
        fault_set(fault, "store.case-keys-failed", path, "the path is too long");
        return ERR_INVALID;
    }
    return OK;
}

/* Writes zeros over all of an open file. */
static bool shred(int fd, uint64_t bytes)
{
    static const uint8_t zeros[4096];

    for (uint64_t at = 0; at < bytes;) {
        const size_t want = bytes - at < sizeof(zeros) ? (size_t)(bytes - at) : sizeof(zeros);
        const ssize_t put = pwrite(fd, zeros, want, (off_t)at);

        if (put <= 0) {
            return false;
        }
        at += (uint64_t)put;
    }
    return fsync(fd) == 0;
}

/* Ends a file of seeds that are not to be: what a writer that was killed left, or the old ones. One
 * that is the file itself, under a second name, loses that name only. */
static enum err end_seeds(const char *path, const char *ending, struct fault *fault)
{
    char other[PATH_MAX];
    struct stat its, own;
    enum err error = beside(path, ending, other, fault);
    const int fd = error == OK ? open(other, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

    if (error != OK || (fd < 0 && errno == ENOENT)) {
        return error;
    }
    if (fd < 0 || fstat(fd, &its) != 0) {
        error = refuse_io(other, "open what an erasure left", fault);
    } else if ((stat(path, &own) != 0 || its.st_ino != own.st_ino) &&
               !shred(fd, (uint64_t)its.st_size)) {
        error = refuse_io(other, "write over what an erasure left", fault);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (error == OK && unlink(other) != 0) {
        error = refuse_io(other, "remove what an erasure left", fault);
    }
    return error;
}

enum err case_keys_tidy(const char *path, struct fault *fault)
{
    enum err error = end_seeds(path, NEW_ENDING, fault);

    return error == OK ? end_seeds(path, OLD_ENDING, fault) : error;
}

enum err case_keys_read(const char *path, const uint8_t store_key[32], struct case_keys **ret_keys,
                        struct fault *fault)
{
    struct buf bytes;
    enum err error;

    buf_init(&bytes, FILE_BYTES_MAX);
    error = file_read(path, &bytes, fault);
    if (error == OK) {
        error = unpack(path, span_buf(&bytes), store_key, ret_keys, fault);
    }
    if (bytes.data != NULL) {
        crypto_wipe(bytes.data, bytes.cap);
    }
    buf_free(&bytes);
    return error;
}

/* A new file, synced; its name is one that a later call finds again, if this one is killed. */
static enum err write_new(const char *path, struct span bytes, struct fault *fault)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err error = fd < 0 ? refuse_io(path, "make the file", fault) : OK;

    while (error == OK && bytes.len > 0) {
        const ssize_t put = write(fd, bytes.data, bytes.len);

        if (put <= 0) {
            error = refuse_io(path, "write the file", fault);
        } else {
            bytes = span_of(bytes.data + put, bytes.len - (size_t)put);
        }
    }
    if (error == OK && fsync(fd) != 0) {
        error = refuse_io(path, "sync the file", fault);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return error;
}

static enum err sync_folder(const char *path, struct fault *fault)
{
    char folder[PATH_MAX];
    char *slash;
    int fd;
    enum err error = beside(path, "", folder, fault);

    if (error != OK) {
        return error;
    }
    slash = strrchr(folder, '/');
    if (slash == NULL) {
        memcpy(folder, ".", 2);
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = fd >= 0 && fsync(fd) == 0 ? OK : refuse_io(path, "sync its folder", fault);
    if (fd >= 0) {
        (void)close(fd);
    }
    return error;
}

/* The old file keeps a name until it was written over: a process that is killed before that finds
 * it at its next start. */
static enum err replace(const char *path, struct span bytes, struct fault *fault)
{
    char fresh[PATH_MAX], old[PATH_MAX];
    enum err error = case_keys_tidy(path, fault);

    if (error == OK) {
        error = beside(path, NEW_ENDING, fresh, fault);
    }
    if (error == OK) {
        error = beside(path, OLD_ENDING, old, fault);
    }
    if (error == OK) {
        error = write_new(fresh, bytes, fault);
    }
    if (error == OK && link(path, old) != 0 && errno != ENOENT) {
        error = refuse_io(old, "keep the old file at hand", fault);
    }
    if (error == OK && rename(fresh, path) != 0) {
        error = refuse_io(path, "give the file its name", fault);
    }
    if (error == OK) {
        error = sync_folder(path, fault);
    }
    return error == OK ? end_seeds(path, OLD_ENDING, fault) : error;
}

enum err case_keys_write(struct case_keys *keys, const char *path, struct fault *fault)
{
    struct buf bytes;
    enum err error;

    buf_init(&bytes, FILE_BYTES_MAX);
    (void)pthread_mutex_lock(&keys->lock);
    error = pack(keys, &bytes);
    if (error == OK) {
        error = replace(path, span_buf(&bytes), fault); /* two writers of one file take turns */
    } else {
        fault_set(fault, "store.case-keys-failed", path, "cannot write it: %s", err_text(error));
    }
    (void)pthread_mutex_unlock(&keys->lock);
    if (bytes.data != NULL) {
        crypto_wipe(bytes.data, bytes.cap);
    }
    buf_free(&bytes);
    return error;
}

/* --- a case's key --- */

enum err case_keys_current(struct case_keys *keys, const struct uuid *case_id,
                           struct case_key_secret *ret_key)
{
    bool found = false;

    (void)pthread_mutex_lock(&keys->lock);
    for (unsigned i = 0; !found && i <= CASE_KEYS_GENERATION_MAX; i++) {
        found = key_find(keys, case_id, (uint8_t)i, ret_key);
    }
    (void)pthread_mutex_unlock(&keys->lock);
    return found ? OK : ERR_FULL;
}

enum err case_keys_past(struct case_keys *keys, const struct uuid *case_id, uint8_t generation,
                        struct case_key_secret *ret_key)
{
    bool found;

    (void)pthread_mutex_lock(&keys->lock);
    found = key_find(keys, case_id, generation, ret_key);
    (void)pthread_mutex_unlock(&keys->lock);
    return found ? OK : ERR_NOT_FOUND;
}

bool case_keys_have_room(struct case_keys *keys)
{
    bool room;

    (void)pthread_mutex_lock(&keys->lock);
    room = keys->node_count + DEPTH_MAX * (BRANCHES - 1) <= NODES_MAX;
    (void)pthread_mutex_unlock(&keys->lock);
    return room;
}

enum err case_keys_destroy(struct case_keys *keys, const struct uuid *case_id, uint8_t generation)
{
    enum err error = OK;

    (void)pthread_mutex_lock(&keys->lock);
    for (unsigned i = 0; error == OK && i <= generation; i++) {
        uint8_t leaf[PATH_BYTES];

        leaf_of(case_id, (uint8_t)i, leaf);
        error = leaf_destroy(keys, leaf);
    }
    (void)pthread_mutex_unlock(&keys->lock);
    return error;
}

/* --- the desk's --- */

void case_keys_desk(struct case_keys *keys, struct desk_key_secret *ret_key)
{
    (void)pthread_mutex_lock(&keys->lock);
    *ret_key = keys->desks[keys->desk_count - 1];
    (void)pthread_mutex_unlock(&keys->lock);
}

enum err case_keys_desk_past(struct case_keys *keys, uint32_t number,
                             struct desk_key_secret *ret_key)
{
    enum err error = ERR_NOT_FOUND;

    (void)pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->desk_count; i++) {
        if (keys->desks[i].number == number) {
            *ret_key = keys->desks[i];
            error = OK;
        }
    }
    (void)pthread_mutex_unlock(&keys->lock);
    return error;
}

enum err case_keys_desk_renew(struct case_keys *keys)
{
    enum err error = ERR_FULL;

    (void)pthread_mutex_lock(&keys->lock);
    if (keys->desk_count < CASE_KEYS_DESKS_MAX) {
        struct desk_key_secret *desk = &keys->desks[keys->desk_count];

        desk->number = desk[-1].number + 1;
        crypto_random(desk->bytes, sizeof(desk->bytes));
        keys->desk_count++;
        error = OK;
    }
    (void)pthread_mutex_unlock(&keys->lock);
    return error;
}

void case_keys_desk_undo(struct case_keys *keys)
{
    (void)pthread_mutex_lock(&keys->lock);
    assert(keys->desk_count > 1);
    keys->desk_count--;
    crypto_wipe(&keys->desks[keys->desk_count], sizeof(keys->desks[0]));
    (void)pthread_mutex_unlock(&keys->lock);
}

void case_keys_desk_let_go(struct case_keys *keys)
{
    (void)pthread_mutex_lock(&keys->lock);
    keys->desks[0] = keys->desks[keys->desk_count - 1];
    for (size_t i = 1; i < keys->desk_count; i++) {
        crypto_wipe(&keys->desks[i], sizeof(keys->desks[i]));
    }
    keys->desk_count = 1;
    (void)pthread_mutex_unlock(&keys->lock);
}

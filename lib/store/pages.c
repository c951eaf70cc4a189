/* A look at the data file before LMDB maps it: LMDB trusts every number in it, and a damaged one
 * would lead it outside its map. See store.h, store_open_reader.
 *
 * Knows the file format of LMDB 0.9 on a 64-bit little-endian machine: two meta pages, then B+tree
 * pages; each tree is walked from its root with a list of pages to do, each page is allowed once.
 * Values are not looked at: MACs, leaf hashes and the verifier do that. */
#include "store/store_private.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES_MIN  512u
#define PAGE_BYTES_MAX  32768u /* offsets in a page are 16 bits */
#define PAGE_HEAD_BYTES 16u
#define NODE_HEAD_BYTES 8u
#define META_BYTES      136u /* behind the page's head */
#define META_MAGIC      0xBEEFC0DEu
#define META_VERSION    1u
#define TREE_BYTES      48u
#define TREE_DEPTH_MAX  32u
#define PAGE_NONE       UINT64_MAX
#define PAGE_BRANCH     0x01u
#define PAGE_LEAF       0x02u
#define PAGE_OVERFLOW   0x04u
#define PAGE_META       0x08u
#define NODE_BIG        0x01u
#define NODE_TREE       0x02u

struct todo {
    uint64_t page;
    unsigned levels; /* to the leaves, this page included */
};

struct walk {
    const char *path; /* borrowed */
    int fd;
    uint64_t page_bytes;
    uint64_t page_count; /* that the newer meta page speaks of and the file holds */
    uint8_t *page;       /* owned: the page being looked at */
    uint8_t *head;       /* owned: a second page, for overflow heads */
    uint8_t *seen;       /* owned: a bit a page */
    struct todo *todo;   /* owned */
    size_t todo_count;
    size_t todo_cap;
    bool main_tree; /* rows may name other trees */
    uint64_t bad_page;
    const char *bad;
};

static uint16_t get16(const uint8_t *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof(value));
    return le16toh(value);
}

static uint32_t get32(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return le64toh(value);
}

static enum err bad(struct walk *walk, uint64_t page, const char *what)
{
    walk->bad_page = page;
    walk->bad = what;
    return ERR_CORRUPT;
}

static enum err read_at(int fd, uint64_t offset, uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = pread(fd, out, len, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? ERR_CORRUPT : ERR_IO;
        }
        out += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return OK;
}

/* --- meta pages --- */

static bool meta_valid(const uint8_t *page)
{
    const uint8_t *meta = page + PAGE_HEAD_BYTES;
    uint64_t page_bytes = get32(meta + 24);
    return (get16(page + 10) & PAGE_META) != 0 && get32(meta) == META_MAGIC &&
           get32(meta + 4) == META_VERSION && page_bytes >= PAGE_BYTES_MIN &&
           page_bytes <= PAGE_BYTES_MAX && (page_bytes & (page_bytes - 1)) == 0;
}

/* Both meta pages must be sound, as LMDB demands; the newer one counts. */
static enum err meta_find(int fd, uint8_t ret_meta[META_BYTES])
{
    uint8_t first[PAGE_HEAD_BYTES + META_BYTES];
    uint8_t second[PAGE_HEAD_BYTES + META_BYTES];
    enum err error = read_at(fd, 0, first, sizeof(first));
    if (error != OK || !meta_valid(first)) {
        return error != OK ? error : ERR_CORRUPT;
    }
    uint64_t page_bytes = get32(first + PAGE_HEAD_BYTES + 24);
    error = read_at(fd, page_bytes, second, sizeof(second));
    if (error != OK || !meta_valid(second)) {
        return error != OK ? error : ERR_CORRUPT;
    }
    if (get32(second + PAGE_HEAD_BYTES + 24) != page_bytes) {
        return ERR_CORRUPT;
    }
    bool newer = get64(first + PAGE_HEAD_BYTES + 128) < get64(second + PAGE_HEAD_BYTES + 128);
    memcpy(ret_meta, (newer ? second : first) + PAGE_HEAD_BYTES, META_BYTES);
    return OK;
}

static enum err refuse(struct fault *fault, const char *path, enum err error)
{
    if (error == ERR_CORRUPT) {
        fault_set(fault, "store.corrupt", path, "this is no LMDB data file, or a damaged one");
        fault_hint(fault, "restore the store from its last copy");
    } else {
        fault_set(fault, "store.failed", path, "cannot read the data file: %s",
                  strerrordesc_np(errno));
    }
    return error;
}

enum err pages_read_meta(const char *data_path, struct pages_meta *ret_meta, struct fault *fault)
{
    assert(data_path != NULL && ret_meta != NULL);
    int fd = open(data_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return refuse(fault, data_path, ERR_IO);
    }
    uint8_t meta[META_BYTES];
    struct stat info;
    enum err error = fstat(fd, &info) == 0 ? OK : ERR_IO;
    if (error == OK) {
        error = meta_find(fd, meta);
    }
    /* A map that no machine has is a damaged number, and LMDB would try it. */
    if (error == OK &&
        (get64(meta + 16) > (uint64_t)1 << 46 || get64(meta + 120) >= (uint64_t)1 << 46)) {
        error = ERR_CORRUPT;
    }
    if (error != OK) {
        error = refuse(fault, data_path, error);
    }
    (void)close(fd);
    if (error == OK) {
        *ret_meta = (struct pages_meta){
            .map_bytes = get64(meta + 16),
            .page_bytes = get32(meta + 24),
            .last_page = get64(meta + 120),
            .file_bytes = (uint64_t)info.st_size,
            .block_bytes = (uint64_t)info.st_blocks * 512,
        };
    }
    return error;
}

/* --- trees --- */

/* A page in use: inside the file, and in use once. */
static enum err page_claim(struct walk *walk, uint64_t page)
{
    if (page < 2 || page >= walk->page_count) {
        return bad(walk, page, "lies outside the file: truncated, or a damaged reference to it");
    }
    uint8_t bit = (uint8_t)(1u << (page % 8));
    if ((walk->seen[page / 8] & bit) != 0) {
        return bad(walk, page, "is referred to twice");
    }
    walk->seen[page / 8] |= bit;
    return OK;
}

static enum err todo_add(struct walk *walk, uint64_t page, unsigned levels)
{
    if (walk->todo_count == walk->todo_cap) {
        size_t cap = walk->todo_cap == 0 ? 256 : walk->todo_cap * 2;
        struct todo *list = reallocarray(walk->todo, cap, sizeof(*list));
        if (list == NULL) {
            return ERR_MEMORY;
        }
        walk->todo = list;
        walk->todo_cap = cap;
    }
    walk->todo[walk->todo_count] = (struct todo){.page = page, .levels = levels};
    walk->todo_count++;
    return page_claim(walk, page);
}

static enum err tree_add(struct walk *walk, const uint8_t *tree)
{
    uint64_t root = get64(tree + 40);
    unsigned depth = get16(tree + 6);
    if (root == PAGE_NONE) {
        return depth == 0 ? OK : bad(walk, 0, "has a damaged tree head");
    }
    if (depth == 0 || depth > TREE_DEPTH_MAX) {
        return bad(walk, root, "is the root of a tree of impossible depth");
    }
    return todo_add(walk, root, depth);
}

/* A value too large for its page: a run of pages behind a head. */
static enum err overflow_check(struct walk *walk, uint64_t first, uint64_t value_bytes)
{
    uint64_t count = (PAGE_HEAD_BYTES - 1 + value_bytes) / walk->page_bytes + 1;
    for (uint64_t i = 0; i < count; i++) {
        enum err error = page_claim(walk, first + i);
        if (error != OK) {
            return error;
        }
    }
    enum err error = read_at(walk->fd, first * walk->page_bytes, walk->head, PAGE_HEAD_BYTES);
    if (error != OK) {
        return error;
    }
    if (get64(walk->head) != first || get16(walk->head + 10) != PAGE_OVERFLOW ||
        get32(walk->head + 12) != count) {
        return bad(walk, first, "is not the head of the large value that it should be");
    }
    return OK;
}

/* A row of a leaf: `node` lies `left` bytes before the end of its page. */
static enum err leaf_node_check(struct walk *walk, uint64_t page, const uint8_t *node, size_t left)
{
    uint64_t value_bytes = get16(node) | (uint64_t)get16(node + 2) << 16;
    unsigned flags = get16(node + 4);
    size_t key_bytes = get16(node + 6);
    size_t used = NODE_HEAD_BYTES + key_bytes;
    bool big = (flags & NODE_BIG) != 0;
    if (used > left || left - used < (big ? 8u : value_bytes)) {
        return bad(walk, page, "has a row that is longer than the page");
    }
    if (key_bytes == 0 || (flags & ~(NODE_BIG | NODE_TREE)) != 0) {
        return bad(walk, page, "has a row with damaged flags or no key");
    }
    const uint8_t *value = node + used;
    if ((flags & NODE_TREE) != 0) {
        if (!walk->main_tree || big || value_bytes != TREE_BYTES) {
            return bad(walk, page, "has a damaged table head");
        }
        return tree_add(walk, value);
    }
    return big ? overflow_check(walk, get64(value), value_bytes) : OK;
}

static enum err branch_node_check(struct walk *walk, uint64_t page, const uint8_t *node,
                                  const struct todo *at, size_t left)
{
    if (NODE_HEAD_BYTES + (size_t)get16(node + 6) > left) {
        return bad(walk, page, "has a key that is longer than the page");
    }
    uint64_t child =
        get16(node) | (uint64_t)get16(node + 2) << 16 | (uint64_t)get16(node + 4) << 32;
    return todo_add(walk, child, at->levels - 1);
}

static enum err page_check(struct walk *walk, const struct todo *at)
{
    enum err error = read_at(walk->fd, at->page * walk->page_bytes, walk->page, walk->page_bytes);
    if (error != OK) {
        return error;
    }
    const uint8_t *page = walk->page;
    unsigned lower = get16(page + 12);
    unsigned upper = get16(page + 14);
    bool leaf = at->levels == 1;
    if (get64(page) != at->page || get16(page + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH)) {
        return bad(walk, at->page, "is not the page that it should be");
    }
    unsigned least = PAGE_HEAD_BYTES + (leaf ? 2u : 4u);
    if (lower < least || lower % 2 != 0 || lower > upper || upper > walk->page_bytes) {
        return bad(walk, at->page, "has damaged bounds");
    }
    for (unsigned i = PAGE_HEAD_BYTES; error == OK && i < lower; i += 2) {
        size_t offset = get16(page + i);
        if (offset < upper || offset + NODE_HEAD_BYTES > walk->page_bytes || offset % 2 != 0) {
            return bad(walk, at->page, "has a row outside the page");
        }
        size_t left = walk->page_bytes - offset;
        error = leaf ? leaf_node_check(walk, at->page, page + offset, left)
                     : branch_node_check(walk, at->page, page + offset, at, left);
    }
    return error;
}

/* Walks until nothing is to do: bounded, since no page is taken twice. */
static enum err tree_walk(struct walk *walk)
{
    enum err error = OK;
    while (error == OK && walk->todo_count > 0) {
        walk->todo_count--;
        struct todo at = walk->todo[walk->todo_count];
        error = page_check(walk, &at);
    }
    return error;
}

static enum err walk_begin(struct walk *walk, const uint8_t meta[META_BYTES])
{
    struct stat info;
    if (fstat(walk->fd, &info) != 0) {
        return ERR_IO;
    }
    walk->page_bytes = get32(meta + 24);
    uint64_t spoken = get64(meta + 120) + 1;
    uint64_t held = (uint64_t)info.st_size / walk->page_bytes;
    walk->page_count = spoken < held ? spoken : held;
    walk->page = malloc(walk->page_bytes);
    walk->head = malloc(PAGE_HEAD_BYTES);
    walk->seen = calloc((size_t)(walk->page_count / 8 + 1), 1);
    return walk->page != NULL && walk->head != NULL && walk->seen != NULL ? OK : ERR_MEMORY;
}

static enum err walk_trees(struct walk *walk, const uint8_t meta[META_BYTES])
{
    enum err error = tree_add(walk, meta + 24); /* the free list */
    if (error == OK) {
        error = tree_walk(walk);
    }
    walk->main_tree = true; /* a row that names a tree is looked for in all that follows: bounded,
                             * since no page is taken twice */
    if (error == OK) {
        error = tree_add(walk, meta + 24 + TREE_BYTES);
    }
    return error == OK ? tree_walk(walk) : error;
}

enum err pages_check(const char *data_path, struct fault *fault)
{
    struct walk walk = {.path = data_path, .fd = open(data_path, O_RDONLY | O_CLOEXEC)};
    if (walk.fd < 0) {
        return refuse(fault, data_path, ERR_IO);
    }
    uint8_t meta[META_BYTES];
    enum err error = meta_find(walk.fd, meta);
    if (error == OK) {
        error = walk_begin(&walk, meta);
    }
    if (error == OK) {
        error = walk_trees(&walk, meta);
    }
    if (error == ERR_CORRUPT && walk.bad != NULL) {
        fault_set(fault, "store.corrupt", data_path, "page %" PRIu64 " %s", walk.bad_page,
                  walk.bad);
        fault_hint(fault, "the data file is damaged or cut short: restore the store's last copy");
    } else if (error != OK) {
        error = refuse(fault, data_path, error);
    }
    (void)close(walk.fd);
    free(walk.page);
    free(walk.head);
    free(walk.seen);
    free(walk.todo);
    return error;
}

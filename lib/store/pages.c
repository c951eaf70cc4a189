/* A look at the data file without LMDB, which trusts every number in it: a damaged one would lead
 * it outside its map. For readers of a file that nobody vouches for (store.h, store_open_reader),
 * and for the scrub (scrub.h), which reads the rows on this way, too.
 *
 * Knows the file format of LMDB 0.9 on a 64-bit little-endian machine: two meta pages, then B+tree
 * pages. The trees are walked in the order of their keys, so that a key out of its place is seen,
 * and counted against what their heads say; each page is in use once, or free once. Values are the
 * caller's to judge. A walk reads with pread only: no damage can crash it. On the thread that
 * calls; nothing is written. */
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

#define TREES_MAX       64u
#define FREE_TREE_FLAGS 0x08u /* keys are numbers of this machine */
#define META_PAGES      2u

struct todo {
    uint64_t page;
    unsigned levels; /* to the leaves, this page included */
    unsigned key_bytes;
    uint8_t key[PAGES_KEY_BYTES]; /* what separates it from the page before; none: the first */
};

struct tree { /* as its head says */
    uint8_t name[PAGES_KEY_BYTES];
    size_t name_bytes;
    uint8_t head[TREE_BYTES];
};

struct counted {
    uint64_t branches;
    uint64_t leaves;
    uint64_t large; /* pages of large values */
    uint64_t rows;
};

enum role { ROLE_FREE, ROLE_TABLES, ROLE_TABLE };

struct walk {
    const struct pages_visit *visit;
    int fd;
    uint64_t page_bytes;
    uint64_t page_count; /* that the meta page speaks of */
    uint64_t held_count; /* that the file holds */
    uint64_t transaction;
    uint8_t *page;  /* owned: the page being looked at */
    uint8_t *value; /* owned: a large value, from its page's head on */
    size_t value_cap;
    uint8_t *seen;     /* owned: a bit a page */
    struct todo *todo; /* owned: the next one last */
    size_t todo_count;
    size_t todo_cap;
    struct tree *trees; /* owned: TREES_MAX */
    size_t tree_count;
    enum role role;
    struct span table; /* its name */
    struct counted counted;
    size_t last_bytes; /* the greatest key or separator so far */
    bool last_is_key;
    uint8_t last[PAGES_KEY_BYTES];
    uint64_t last_free; /* the greatest transaction in the list of free pages */
    uint64_t found;     /* damages */
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

/* Answers ERR_CORRUPT; what lies on the page, or behind it, is left out. */
static enum err bad(struct walk *walk, uint64_t page, const char *what)
{
    walk->found++;
    walk->visit->damage(walk->visit->owner, page, what);
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

struct metas {
    uint8_t page[META_PAGES][META_BYTES];
    uint64_t transaction[META_PAGES];
    unsigned newer;
};

/* Both meta pages must be sound, as LMDB demands; the newer one counts. */
static enum err metas_read(int fd, struct metas *ret)
{
    uint8_t page[PAGE_HEAD_BYTES + META_BYTES];
    uint64_t page_bytes = 0;
    for (unsigned i = 0; i < META_PAGES; i++) {
        enum err error = read_at(fd, i * page_bytes, page, sizeof(page));
        if (error != OK || !meta_valid(page)) {
            return error != OK ? error : ERR_CORRUPT;
        }
        if (i > 0 && get32(page + PAGE_HEAD_BYTES + 24) != page_bytes) {
            return ERR_CORRUPT;
        }
        page_bytes = get32(page + PAGE_HEAD_BYTES + 24);
        memcpy(ret->page[i], page + PAGE_HEAD_BYTES, META_BYTES);
        ret->transaction[i] = get64(page + PAGE_HEAD_BYTES + 128);
    }
    ret->newer = ret->transaction[0] < ret->transaction[1] ? 1 : 0;
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
    struct metas metas;
    struct stat info;
    enum err error = fstat(fd, &info) == 0 ? OK : ERR_IO;
    if (error == OK) {
        error = metas_read(fd, &metas);
    }
    const uint8_t *meta = metas.page[error == OK ? metas.newer : 0];
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

/* --- pages and keys --- */

/* A page in use, or free: there, and once. A free one at the end was perhaps never written. */
static enum err page_claim(struct walk *walk, uint64_t page, bool in_use)
{
    if (page < META_PAGES || page >= walk->page_count || (in_use && page >= walk->held_count)) {
        return bad(walk, page, "lies outside the file: truncated, or a damaged reference to it");
    }
    uint8_t bit = (uint8_t)(1u << (page % 8));
    if ((walk->seen[page / 8] & bit) != 0) {
        return bad(walk, page, "is referred to twice");
    }
    walk->seen[page / 8] |= bit;
    return OK;
}

static enum err pages_read(struct walk *walk, uint64_t first, uint8_t *out, size_t len)
{
    enum err error = read_at(walk->fd, first * walk->page_bytes, out, len);
    return error == ERR_CORRUPT ? bad(walk, first, "was cut off meanwhile") : error;
}

static int key_compare(const struct walk *walk, struct span a, struct span b)
{
    if (walk->role == ROLE_FREE && a.len == 8 && b.len == 8) {
        uint64_t left = get64(a.data), right = get64(b.data);
        return left < right ? -1 : left > right;
    }
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least > 0 ? memcmp(a.data, b.data, least) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Keys rise; what separates two pages is greater than all before it and no greater than what
 * follows: then LMDB's search finds every row. */
static bool key_in_order(struct walk *walk, struct span key, bool is_key)
{
    struct span last = span_of(walk->last, walk->last_bytes);
    if (walk->last_bytes > 0) {
        int order = key_compare(walk, key, last);
        if (order < 0 || (order == 0 && walk->last_is_key)) {
            return false;
        }
    }
    memcpy(walk->last, key.data, key.len);
    walk->last_bytes = key.len;
    walk->last_is_key = is_key;
    return true;
}

static enum err todo_add(struct walk *walk, uint64_t page, unsigned levels, struct span separator)
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
    struct todo *todo = &walk->todo[walk->todo_count];
    todo->page = page;
    todo->levels = levels;
    todo->key_bytes = (unsigned)separator.len;
    if (separator.len > 0) {
        memcpy(todo->key, separator.data, separator.len);
    }
    walk->todo_count++;
    return OK;
}

/* --- rows --- */

/* Room for a value of `bytes` behind a page's head. */
static enum err value_room(struct walk *walk, uint64_t bytes)
{
    if (bytes <= walk->value_cap) {
        return OK;
    }
    uint8_t *room = realloc(walk->value, (size_t)bytes);
    if (room == NULL) {
        return ERR_MEMORY;
    }
    walk->value = room;
    walk->value_cap = (size_t)bytes;
    return OK;
}

/* A value too large for its page: a run of pages behind a head. More of them than it needs is no
 * damage: written again shorter, it keeps them. */
static enum err large_value(struct walk *walk, uint64_t first, uint64_t value_bytes,
                            struct span *ret_value)
{
    uint64_t least = (PAGE_HEAD_BYTES - 1 + value_bytes) / walk->page_bytes + 1;
    enum err error = page_claim(walk, first, true);
    if (error == OK && least > walk->held_count - first) {
        return bad(walk, first, "begins a large value that ends outside the file");
    }
    if (error == OK) {
        error = value_room(walk, PAGE_HEAD_BYTES + value_bytes);
    }
    if (error == OK) {
        error = pages_read(walk, first, walk->value, PAGE_HEAD_BYTES + (size_t)value_bytes);
    }
    if (error != OK) {
        return error;
    }
    uint64_t count = get32(walk->value + 12);
    if (get64(walk->value) != first || get16(walk->value + 10) != PAGE_OVERFLOW || count < least) {
        return bad(walk, first, "is not the head of the large value that it should be");
    }
    for (uint64_t i = 1; error == OK && i < count; i++) {
        error = page_claim(walk, first + i, true);
    }
    walk->counted.large += count;
    *ret_value = span_of(walk->value + PAGE_HEAD_BYTES, (size_t)value_bytes);
    return error;
}

/* Pages that a transaction freed: their count, then they, each smaller than the one before. */
static enum err free_row(struct walk *walk, uint64_t page, struct span key, struct span value)
{
    if (key.len != 8 || value.len < 8 || get64(value.data) != value.len / 8 - 1 ||
        value.len % 8 != 0) {
        return bad(walk, page, "has a damaged list of free pages");
    }
    walk->last_free = get64(key.data);
    uint64_t before = UINT64_MAX;
    enum err error = OK;
    for (size_t at = 8; error == OK && at < value.len; at += 8) {
        uint64_t freed = get64(value.data + at);
        if (freed >= before) {
            return bad(walk, page, "has a list of free pages out of order");
        }
        before = freed;
        error = page_claim(walk, freed, false);
    }
    return error;
}

static enum err table_row(struct walk *walk, uint64_t page, struct span key, struct span value)
{
    if (value.len != TREE_BYTES || walk->tree_count == TREES_MAX) {
        return bad(walk, page, "has a damaged table head");
    }
    struct tree *tree = &walk->trees[walk->tree_count++];
    memcpy(tree->name, key.data, key.len);
    tree->name_bytes = key.len;
    memcpy(tree->head, value.data, TREE_BYTES);
    return OK;
}

/* A row of a leaf: `node` goes on to the end of its page. */
static enum err leaf_node(struct walk *walk, uint64_t page, struct span node, size_t *ret_used)
{
    uint64_t value_bytes = get16(node.data) | (uint64_t)get16(node.data + 2) << 16;
    unsigned flags = get16(node.data + 4);
    size_t key_bytes = get16(node.data + 6);
    size_t used = NODE_HEAD_BYTES + key_bytes;
    bool big = (flags & NODE_BIG) != 0;
    if (used > node.len || node.len - used < (big ? 8u : value_bytes)) {
        return bad(walk, page, "has a row that is longer than the page");
    }
    if (key_bytes == 0 || key_bytes > PAGES_KEY_BYTES ||
        (flags & ~NODE_BIG) != (walk->role == ROLE_TABLES ? NODE_TREE : 0)) {
        return bad(walk, page, "has a row with damaged flags or no key");
    }
    struct span key = span_of(node.data + NODE_HEAD_BYTES, key_bytes);
    struct span value = span_of(node.data + used, big ? 8 : (size_t)value_bytes);
    *ret_used = used + value.len;
    if (!key_in_order(walk, key, true)) {
        return bad(walk, page, "has a row out of its place");
    }
    walk->counted.rows++;
    enum err error = big ? large_value(walk, get64(value.data), value_bytes, &value) : OK;
    if (error != OK) {
        return error;
    }
    switch (walk->role) {
    case ROLE_FREE:
        return free_row(walk, page, key, value);
    case ROLE_TABLES:
        return table_row(walk, page, key, value);
    default:
        return walk->visit->row == NULL
                   ? OK
                   : walk->visit->row(walk->visit->owner, walk->table, key, value);
    }
}

/* The last child first: the list is worked off from its end. */
static enum err branch_node(struct walk *walk, const struct todo *at, struct span node,
                            bool is_first, size_t *ret_used)
{
    size_t key_bytes = get16(node.data + 6);
    *ret_used = NODE_HEAD_BYTES + key_bytes;
    if (*ret_used > node.len || key_bytes > PAGES_KEY_BYTES || (key_bytes == 0 && !is_first)) {
        return bad(walk, at->page, "has a key that is longer than the page, or none");
    }
    uint64_t child = get16(node.data) | (uint64_t)get16(node.data + 2) << 16 |
                     (uint64_t)get16(node.data + 4) << 32;
    return todo_add(walk, child, at->levels - 1,
                    span_of(node.data + NODE_HEAD_BYTES, is_first ? 0 : key_bytes));
}

/* --- pages --- */

static enum err page_head(struct walk *walk, const struct todo *at)
{
    const uint8_t *page = walk->page;
    unsigned lower = get16(page + 12), upper = get16(page + 14);
    bool leaf = at->levels == 1;
    if (get64(page) != at->page || get16(page + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH)) {
        return bad(walk, at->page, "is not the page that it should be");
    }
    unsigned least = PAGE_HEAD_BYTES + (leaf ? 2u : 4u);
    if (lower < least || lower % 2 != 0 || lower > upper || upper > walk->page_bytes) {
        return bad(walk, at->page, "has damaged bounds");
    }
    return OK;
}

/* The rows fill the page from `upper` to its end: none lies on another. */
static enum err page_rows(struct walk *walk, const struct todo *at)
{
    const uint8_t *page = walk->page;
    unsigned count = (get16(page + 12) - PAGE_HEAD_BYTES) / 2, upper = get16(page + 14);
    bool leaf = at->levels == 1;
    size_t filled = 0;
    enum err error = OK;
    for (unsigned n = 0; n < count && error != ERR_MEMORY && error != ERR_IO; n++) {
        unsigned i = leaf ? n : count - 1 - n;
        size_t offset = get16(page + PAGE_HEAD_BYTES + (size_t)i * 2);
        if (offset < upper || offset + NODE_HEAD_BYTES > walk->page_bytes || offset % 2 != 0) {
            return bad(walk, at->page, "has a row outside the page");
        }
        struct span node = span_of(page + offset, walk->page_bytes - offset);
        size_t used = 0;
        enum err one = leaf ? leaf_node(walk, at->page, node, &used)
                            : branch_node(walk, at, node, i == 0, &used);
        error = one != OK && error == OK ? one : error;
        filled += used + used % 2;
    }
    if (error == OK && filled != walk->page_bytes - upper) {
        return bad(walk, at->page, "has rows that lie on each other, or gaps between them");
    }
    return error;
}

static enum err page_walk(struct walk *walk, const struct todo *at)
{
    if (at->key_bytes > 0 && !key_in_order(walk, span_of(at->key, at->key_bytes), false)) {
        return bad(walk, at->page, "is not where the keys around it say");
    }
    enum err error = page_claim(walk, at->page, true);
    if (error == OK) {
        error = pages_read(walk, at->page, walk->page, walk->page_bytes);
    }
    if (error == OK) {
        error = page_head(walk, at);
    }
    if (error != OK) {
        return error;
    }
    walk->counted.leaves += at->levels == 1;
    walk->counted.branches += at->levels > 1;
    return page_rows(walk, at);
}

/* --- trees --- */

static enum err tree_counts(struct walk *walk, const uint8_t *head)
{
    const struct counted *counted = &walk->counted;
    if (get64(head + 8) != counted->branches || get64(head + 16) != counted->leaves ||
        get64(head + 24) != counted->large || get64(head + 32) != counted->rows) {
        return bad(walk, get64(head + 40),
                   "is the root of a tree that has not what its head counts");
    }
    return OK;
}

/* Walks one tree. Damage is told and walked around; what is behind it cannot be counted. */
static enum err tree_walk(struct walk *walk, enum role role, const uint8_t *head)
{
    uint64_t root = get64(head + 40);
    unsigned flags = get16(head + 4), depth = get16(head + 6);
    uint64_t found = walk->found;
    enum err error = OK;
    walk->role = role;
    walk->counted = (struct counted){.rows = 0};
    walk->last_bytes = 0;
    if (flags != (role == ROLE_FREE ? FREE_TREE_FLAGS : 0) || depth > TREE_DEPTH_MAX ||
        (depth == 0) != (root == PAGE_NONE)) {
        (void)bad(walk, root == PAGE_NONE ? 0 : root, "is the root of a tree with a damaged head");
        return OK;
    }
    if (depth > 0) {
        error = todo_add(walk, root, depth, span_of(NULL, 0));
    }
    while ((error == OK || error == ERR_CORRUPT) && walk->todo_count > 0) {
        struct todo at = walk->todo[--walk->todo_count];
        error = page_walk(walk, &at);
    }
    if (error == ERR_CORRUPT || error == OK) {
        error = walk->found == found ? tree_counts(walk, head) : OK;
        error = error == ERR_CORRUPT ? OK : error;
    }
    return error;
}

/* Pages that are in no tree and in no list of free ones: a list was cut short. */
static void nowhere_check(struct walk *walk)
{
    for (uint64_t page = META_PAGES; page < walk->page_count; page++) {
        if ((walk->seen[page / 8] & (1u << (page % 8))) == 0) {
            (void)bad(walk, page, "is neither in use nor free");
            return;
        }
    }
}

static enum err trees_walk(struct walk *walk, const uint8_t *meta)
{
    enum err error = tree_walk(walk, ROLE_FREE, meta + 24);
    if (error == OK) {
        error = tree_walk(walk, ROLE_TABLES, meta + 24 + TREE_BYTES);
    }
    for (size_t i = 0; error == OK && i < walk->tree_count; i++) {
        walk->table = span_of(walk->trees[i].name, walk->trees[i].name_bytes);
        if (walk->visit->table != NULL) {
            walk->visit->table(walk->visit->owner, walk->table);
        }
        error = tree_walk(walk, ROLE_TABLE, walk->trees[i].head);
    }
    if (error == OK && walk->found == 0) {
        nowhere_check(walk);
    }
    return error;
}

/* --- the meta pages against each other and what they point to --- */

/* Each transaction but the first frees pages, and lists them under its number: so a meta page that
 * says another number than its own is seen, which would bring an older state back. */
static void transaction_check(struct walk *walk, unsigned page)
{
    if (walk->found == 0 && walk->last_free != walk->transaction && walk->transaction > 1) {
        (void)bad(walk, page, "is a meta page of another transaction than it says");
    }
}

static void metas_check(struct walk *walk, const struct metas *metas, bool live)
{
    uint64_t first = metas->transaction[0], second = metas->transaction[1];
    uint64_t apart = first > second ? first - second : second - first;
    uint64_t sizes[META_PAGES];
    if (!live && (apart > 1 || (apart == 0 && first != 0))) {
        (void)bad(walk, 0, "and page 1 are not of one transaction and the next");
    }
    for (unsigned i = 0; i < META_PAGES; i++) {
        sizes[i] = get64(metas->page[i] + 16);
        if (metas->transaction[i] % META_PAGES != i && metas->transaction[i] != 0) {
            (void)bad(walk, i, "is the meta page of a transaction of the other one");
        }
    }
    for (unsigned i = 0; i < META_PAGES; i++) {
        uint64_t most =
            sizes[1 - i] > walk->visit->map_bytes ? sizes[1 - i] : walk->visit->map_bytes;
        if ((walk->visit->map_bytes > 0 && sizes[i] > most) ||
            sizes[i] < (get64(metas->page[i] + 120) + 1) * walk->page_bytes) {
            (void)bad(walk, i, "is a meta page with a map of another size than it was made with");
        }
    }
}

static enum err walk_begin(struct walk *walk, const uint8_t *meta)
{
    struct stat info;
    if (fstat(walk->fd, &info) != 0) {
        return ERR_IO;
    }
    walk->page_bytes = get32(meta + 24);
    walk->page_count = get64(meta + 120) + 1;
    walk->held_count = (uint64_t)info.st_size / walk->page_bytes;
    walk->transaction = get64(meta + 128);
    if (walk->page_count - 1 > UINT32_MAX) { /* 16 TiB: a damaged number */
        return ERR_CORRUPT;
    }
    walk->page = malloc(walk->page_bytes);
    walk->trees = calloc(TREES_MAX, sizeof(*walk->trees));
    walk->seen = calloc((size_t)(walk->page_count / 8 + 1), 1);
    return walk->page != NULL && walk->trees != NULL && walk->seen != NULL ? OK : ERR_MEMORY;
}

static void walk_end(struct walk *walk)
{
    free(walk->page);
    free(walk->value);
    free(walk->seen);
    free(walk->todo);
    free(walk->trees);
}

/* The older state, of which only the list of free pages is looked at: it tells its number. */
static enum err older_walk(int fd, const struct metas *metas, const struct pages_visit *visit)
{
    struct walk walk = {.visit = visit, .fd = fd};
    const uint8_t *meta = metas->page[1 - metas->newer];
    enum err error = walk_begin(&walk, meta);
    if (error == ERR_CORRUPT) {
        (void)bad(&walk, 1 - metas->newer, "is a meta page with a damaged number");
        error = OK;
    } else if (error == OK) {
        error = tree_walk(&walk, ROLE_FREE, meta + 24);
    }
    if (error == OK) {
        transaction_check(&walk, 1 - metas->newer);
    }
    walk_end(&walk);
    return error;
}

static enum err walk_file(int fd, const struct pages_snapshot *snapshot,
                          const struct pages_visit *visit)
{
    struct walk walk = {.visit = visit, .fd = fd};
    struct metas metas;
    enum err error = metas_read(fd, &metas);
    if (error != OK) {
        visit->damage(visit->owner, 0, "or page 1 is no meta page");
        return error == ERR_CORRUPT ? OK : error;
    }
    const uint8_t *meta = snapshot != NULL ? snapshot->meta : metas.page[metas.newer];
    error = walk_begin(&walk, meta);
    if (error == ERR_CORRUPT) {
        visit->damage(visit->owner, metas.newer, "is a meta page with a damaged number");
        walk_end(&walk);
        return OK;
    }
    if (error == OK) {
        metas_check(&walk, &metas, snapshot != NULL);
        error = trees_walk(&walk, meta);
    }
    if (error == OK) {
        transaction_check(&walk, metas.newer);
    }
    if (error == OK && walk.found == 0 && snapshot == NULL) {
        error = older_walk(fd, &metas, visit);
    }
    walk_end(&walk);
    return error;
}

enum err pages_walk(const char *data_path, const struct pages_snapshot *snapshot,
                    const struct pages_visit *visit, struct fault *fault)
{
    int fd = open(data_path, O_RDONLY | O_CLOEXEC);
    enum err error = fd < 0 ? ERR_IO : walk_file(fd, snapshot, visit);
    if (error == ERR_IO) {
        error = refuse(fault, data_path, error);
    } else if (error == ERR_MEMORY) {
        fault_set(fault, "store.memory", data_path, "no memory to look through the data file");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return error;
}

enum err pages_snapshot(const char *data_path, uint64_t transaction,
                        struct pages_snapshot *ret_snapshot)
{
    struct metas metas;
    int fd = open(data_path, O_RDONLY | O_CLOEXEC);
    enum err error = fd < 0 ? ERR_IO : metas_read(fd, &metas);
    unsigned at = (unsigned)(transaction % META_PAGES);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (error == OK && metas.transaction[at] != transaction) {
        return ERR_BUSY;
    }
    if (error == OK) {
        memcpy(ret_snapshot->meta, metas.page[at], META_BYTES);
    }
    return error;
}

/* --- the first damage, for who only wants to know --- */

struct first_damage {
    struct fault *fault;
    const char *path;
    bool found;
};

static void first_damage_cb(void *owner, uint64_t page, const char *what)
{
    struct first_damage *first = owner;
    if (!first->found) {
        fault_set(first->fault, "store.corrupt", first->path, "page %" PRIu64 " %s", page, what);
        fault_hint(first->fault,
                   "the data file is damaged or cut short: restore the store's last copy");
    }
    first->found = true;
}

enum err pages_check(const char *data_path, struct fault *fault)
{
    struct first_damage first = {.fault = fault, .path = data_path};
    const struct pages_visit visit = {.owner = &first, .damage = first_damage_cb};
    enum err error = pages_walk(data_path, NULL, &visit, fault);
    return error == OK && first.found ? ERR_CORRUPT : error;
}

/* How the replies are bent: what is noted on the way, another log, the lies. See lies.h. For tests
 * only. */
#include "hostile/lies.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/turn.h"
#include "model/merkle.h"
#include "store/audit.h"
#include "wire/checkpoint.h"
#include "wire/envelope.h"

#define LEAVES_MAX 65536u
#define ASKED_MAX  1024u

enum err __real_reply_head_encode(const struct reply_head *head, struct buf *out);
enum err __wrap_reply_head_encode(const struct reply_head *head, struct buf *out);
enum err __real_request_parse(struct span bytes, struct region *region, struct request *ret,
                              struct fault *fault);
enum err __wrap_request_parse(struct span bytes, struct region *region, struct request *ret,
                              struct fault *fault);
enum err __real_audit_append(struct store_txn *txn, const struct audit_leaf *leaf,
                             uint64_t *ret_index, struct digest *ret_hash);
enum err __wrap_audit_append(struct store_txn *txn, const struct audit_leaf *leaf,
                             uint64_t *ret_index, struct digest *ret_hash);
enum err __real_checkpoint_make(const struct checkpoint *checkpoint, const struct sign_key *key,
                                struct buf *out);
enum err __wrap_checkpoint_make(const struct checkpoint *checkpoint, const struct sign_key *key,
                                struct buf *out);
bool __real_referral_next_rung(const struct referral *referral, const struct ladder *ladder,
                               const struct calendar *calendar, struct referral_rung *ret_next);
bool __wrap_referral_next_rung(const struct referral *referral, const struct ladder *ladder,
                               const struct calendar *calendar, struct referral_rung *ret_next);
enum err __real_notices_add(struct turn *turn, const struct effect *effect,
                            const struct cause *cause);
enum err __wrap_notices_add(struct turn *turn, const struct effect *effect,
                            const struct cause *cause);
enum err __real_fetch_handle(struct turn *turn, struct intake *intake);
enum err __wrap_fetch_handle(struct turn *turn, struct intake *intake);
enum err __real_queue_after(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                            struct queue_item *ret_item);
enum err __wrap_queue_after(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                            struct queue_item *ret_item);

/* --- what is noted on the way --- */

struct asked {
    struct digest digest;
    char agency[LIMIT_AGENCY_ID_BYTES];
    enum request_kind kind;
    uint64_t known;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct asked asked[ASKED_MAX]; /* under the lock, as the next */
static size_t asked_next;
static struct digest leaves[LEAVES_MAX]; /* as below: of the broker's loop alone */
static const struct sign_key *broker_key;
static struct cosignature handed[LIMIT_COSIGNATURES]; /* the newest of each; without their proofs */
static size_t handed_count;
static struct {
    char lie[24], victim[LIMIT_AGENCY_ID_BYTES];
    bool keeps_back, begun;
    uint64_t fork; /* the size of the log when it began */
} now;

enum err __wrap_request_parse(struct span bytes, struct region *region, struct request *ret,
                              struct fault *fault)
{
    enum err error = __real_request_parse(bytes, region, ret, fault);
    if (error == OK) {
        (void)pthread_mutex_lock(&lock);
        struct asked *noted = &asked[asked_next++ % ASKED_MAX];
        noted->digest = ret->head_digest;
        noted->kind = ret->head.kind;
        noted->known = ret->head.known_size;
        text_copy(noted->agency, sizeof(noted->agency), ret->head.agency);
        (void)pthread_mutex_unlock(&lock);
    }
    return error;
}

static bool who_asked(const struct digest *digest, struct asked *ret)
{
    bool found = false;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < ASKED_MAX && !found; i++) {
        found = digest_equal(&asked[i].digest, digest);
        *ret = asked[i];
    }
    (void)pthread_mutex_unlock(&lock);
    return found;
}

enum err __wrap_audit_append(struct store_txn *txn, const struct audit_leaf *leaf,
                             uint64_t *ret_index, struct digest *ret_hash)
{
    struct digest hash;
    uint64_t index;
    enum err error = __real_audit_append(txn, leaf, &index, &hash);
    if (error != OK) {
        return error;
    }
    assert(index < LEAVES_MAX);
    leaves[index] = hash; /* of a turn that is given up: written over by the next */
    if (ret_index != NULL) {
        *ret_index = index;
    }
    if (ret_hash != NULL) {
        *ret_hash = hash;
    }
    return OK;
}

enum err __wrap_checkpoint_make(const struct checkpoint *checkpoint, const struct sign_key *key,
                                struct buf *out)
{
    broker_key = key;
    return __real_checkpoint_make(checkpoint, key, out);
}

/* --- another log --- */

struct view { /* of the leaves */
    bool bends;
    uint64_t bent;
    bool drops;
    uint64_t dropped;
};

static struct digest view_leaf(const struct view *view, uint64_t index)
{
    struct digest leaf = leaves[view->drops && index >= view->dropped ? index + 1 : index];
    if (view->bends && index == view->bent) {
        leaf.bytes[0] ^= 1;
    }
    return leaf;
}

static enum err node_cb(void *ctx, unsigned level, uint64_t index, struct digest *ret_hash)
{
    uint64_t count = UINT64_C(1) << level;
    struct merkle_batch batch;
    struct digest *nodes = malloc(merkle_batch_nodes(count) * sizeof(*nodes));
    assert(nodes != NULL);
    for (uint64_t i = 0; i < count; i++) {
        nodes[i] = view_leaf(ctx, index * count + i);
    }
    merkle_batch_build(nodes, count, &batch);
    *ret_hash = merkle_batch_root(&batch);
    free(nodes);
    return OK;
}

struct telling {
    struct reply_head *head;
    struct region *region;
    struct asked asked;
    struct checkpoint truth; /* of the reply */
    struct view view;
    uint64_t size; /* that is shown */
};

static void *take(struct telling *telling, size_t bytes)
{
    void *room = region_take(telling->region, bytes + 1);
    assert(room != NULL);
    return room;
}

static struct span note_of(struct telling *telling, uint64_t size)
{
    struct merkle_reader reader = {.get_node = node_cb, .ctx = &telling->view};
    struct checkpoint note = telling->truth;
    struct buf bytes;
    note.size = size;
    enum err error = merkle_root_at(&reader, size, &note.root);
    assert(error == OK);
    buf_init(&bytes, CHECKPOINT_BYTES);
    error = __real_checkpoint_make(&note, broker_key, &bytes);
    assert(error == OK);
    uint8_t *kept = take(telling, bytes.len);
    memcpy(kept, bytes.data, bytes.len);
    struct span span = span_of(kept, bytes.len);
    buf_free(&bytes);
    return span;
}

static const struct digest *proof_of(struct telling *telling, uint64_t from, size_t *ret_count)
{
    struct merkle_reader reader = {.get_node = node_cb, .ctx = &telling->view};
    struct merkle_path path = {.count = 0};
    if (from > 0 && from < telling->size) {
        enum err error = merkle_consistency(&reader, from, telling->size, &path);
        assert(error == OK);
    }
    struct digest *kept = take(telling, path.count * sizeof(*kept));
    memcpy(kept, path.hashes, path.count * sizeof(*kept));
    *ret_count = path.count;
    return kept;
}

struct nodes {
    struct digest *list;
    size_t count;
};

static const uint32_t *path_of(struct telling *telling, struct merkle_place place,
                               struct nodes *nodes, size_t *ret_count)
{
    struct merkle_reader reader = {.get_node = node_cb, .ctx = &telling->view};
    struct merkle_path path;
    enum err error = merkle_inclusion(&reader, place.index, place.size, &path);
    assert(error == OK);
    uint32_t *indices = take(telling, path.count * sizeof(*indices));
    for (size_t i = 0; i < path.count; i++) {
        indices[i] = (uint32_t)nodes->count;
        nodes->list[nodes->count++] = path.hashes[i];
    }
    *ret_count = path.count;
    return indices;
}

static struct nodes nodes_for(struct telling *telling, size_t count)
{
    return (struct nodes){.list = take(telling, count * MERKLE_LEVELS * sizeof(struct digest))};
}

static void show_receipts(struct telling *telling)
{
    struct reply_head *head = telling->head;
    size_t count = head->submit.receipt_count;
    struct shared_receipt *list = take(telling, count * sizeof(*list));
    struct nodes nodes = nodes_for(telling, count);
    for (size_t i = 0; i < count; i++) {
        struct checkpoint old = {.size = telling->size};
        list[i] = head->submit.receipts[i];
        if (list[i].record.len == 0) {
            continue;
        }
        if (list[i].checkpoint.len > 0 && checkpoint_parse(list[i].checkpoint, &old, NULL) == OK) {
            list[i].checkpoint = note_of(telling, old.size);
        }
        struct merkle_place place = {list[i].leaf_index, old.size};
        list[i].path = path_of(telling, place, &nodes, &list[i].path_count);
    }
    head->submit.receipts = list;
    head->submit.nodes = nodes.list;
    head->submit.node_count = nodes.count;
}

/* Those from `first` on; all that are shown lie in the log that is shown. */
static void show_deliveries(struct telling *telling, size_t first, bool swapped)
{
    struct reply_head *head = telling->head;
    size_t count = head->fetch.delivery_count - first;
    struct delivery *list = take(telling, count * sizeof(*list));
    struct nodes nodes = nodes_for(telling, count);
    for (size_t i = 0; i < count; i++) {
        size_t from = swapped && i < 2 && count >= 2 ? 1 - i : i;
        list[i] = head->fetch.deliveries[first + from];
        struct merkle_place place = {list[i].leaf_index, telling->size};
        list[i].path = path_of(telling, place, &nodes, &list[i].path_count);
    }
    head->fetch.deliveries = list;
    head->fetch.delivery_count = count;
    head->fetch.nodes = nodes.list;
    head->fetch.node_count = nodes.count;
}

/* A log that ends before it cannot have it. */
static void show_registry(struct telling *telling)
{
    struct registry_leaf *leaf = &telling->head->registry.leaf;
    struct merkle_reader reader = {.get_node = node_cb, .ctx = &telling->view};
    struct merkle_path path;
    if (!telling->head->registry.has_leaf || leaf->index >= telling->size) {
        return;
    }
    enum err error = merkle_inclusion(&reader, leaf->index, telling->size, &path);
    assert(error == OK);
    struct digest *kept = take(telling, path.count * sizeof(*kept));
    memcpy(kept, path.hashes, path.count * sizeof(*kept));
    leaf->path = kept;
    leaf->path_count = path.count;
}

/* The whole reply as of the log that is shown, up to its size. */
static void show_log(struct telling *telling)
{
    struct reply_head *head = telling->head;
    head->checkpoint = note_of(telling, telling->size);
    head->consistency = proof_of(telling, telling->asked.known, &head->consistency_count);
    if (head->kind == REPLY_REGISTRY) {
        show_registry(telling);
    } else if (head->kind == REPLY_SUBMIT && telling->size == telling->truth.size) {
        show_receipts(telling);
    } else if (head->kind == REPLY_FETCH && telling->size == telling->truth.size) {
        show_deliveries(telling, 0, false);
    } else if (head->kind == REPLY_FETCH) {
        head->fetch.delivery_count = 0;
        head->fetch.node_count = 0;
    }
}

/* --- countersignatures --- */

static void note_cosignatures(const struct reply_head *head)
{
    for (size_t i = 0; head->kind == REPLY_WITNESS && i < head->witness.cosignature_count; i++) {
        const struct cosignature *seen = &head->witness.cosignatures[i];
        size_t at = 0;
        while (at < handed_count && strcmp(handed[at].agency, seen->agency) != 0) {
            at++;
        }
        if (at < LIMIT_COSIGNATURES) {
            handed[at] = *seen;
            handed_count += at == handed_count;
        }
    }
}

/* The broker's honest part does not know the log that the victim countersigns. */
static void cover(struct telling *telling)
{
    struct reply_head *head = telling->head;
    struct cosignature *list = take(telling, handed_count * sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; !now.keeps_back && i < handed_count; i++) {
        if (strcmp(handed[i].agency, now.victim) != 0 && handed[i].seen.size <= telling->size) {
            list[count] = handed[i];
            list[count].consistency =
                proof_of(telling, handed[i].seen.size, &list[count].consistency_count);
            count++;
        }
    }
    head->code = 0;
    head->detail[0] = '\0';
    head->kind = REPLY_WITNESS;
    head->witness.cosignatures = list;
    head->witness.cosignature_count = count;
}

/* --- what is not raised, or not delivered: before there is a reply --- */

#define NUMBERS_MAX 64u

static char names[NUMBERS_MAX][LIMIT_AGENCY_ID_BYTES]; /* by number, of those that fetched */

static bool is_told(const char *lie)
{
    return strcmp(now.lie, lie) == 0;
}

static bool is_victim(uint16_t number)
{
    return number < NUMBERS_MAX && now.victim[0] != '\0' && strcmp(names[number], now.victim) == 0;
}

/* The first reminder comes with the window itself: for whoever must answer, and nobody else. */
bool __wrap_referral_next_rung(const struct referral *referral, const struct ladder *ladder,
                               const struct calendar *calendar, struct referral_rung *ret_next)
{
    const struct window *window = &referral->clocks[REFERRAL_CLOCK_FEEDBACK];
    if (is_told("early-rung") && is_victim(referral->receiver) &&
        referral_clock_open(referral, REFERRAL_CLOCK_FEEDBACK) &&
        !rung_set_has(window->raised, RUNG_REMIND_5)) {
        *ret_next =
            (struct referral_rung){REFERRAL_CLOCK_FEEDBACK, RUNG_REMIND_5, window->start_ms};
        return true;
    }
    return __real_referral_next_rung(referral, ladder, calendar, ret_next);
}

enum err __wrap_notices_add(struct turn *turn, const struct effect *effect,
                            const struct cause *cause)
{
    bool raised = effect->notice == MESSAGE_REMINDER || effect->notice == MESSAGE_ESCALATION;
    bool undelivered = raised && rung_is_of(effect->rung, CLOCK_UNDELIVERED);
    if ((is_told("no-rung") && raised && is_victim(effect->agency)) ||
        (is_told("starved") && undelivered)) {
        return OK;
    }
    return __real_notices_add(turn, effect, cause);
}

enum err __wrap_fetch_handle(struct turn *turn, struct intake *intake)
{
    if (intake->agency->number < NUMBERS_MAX) {
        text_copy(names[intake->agency->number], LIMIT_AGENCY_ID_BYTES, intake->agency->id);
    }
    return __real_fetch_handle(turn, intake);
}

enum err __wrap_queue_after(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                            struct queue_item *ret_item)
{
    return is_told("starved") && is_victim(stream.recipient)
               ? ERR_NOT_FOUND
               : __real_queue_after(txn, stream, seq, ret_item);
}

/* --- the lies --- */

/* What the log itself was bent for; the replies are of it. */
static void tell_nothing(struct telling *telling)
{
    (void)telling;
}

static void tell_starved(struct telling *telling)
{
    if (telling->head->kind == REPLY_FETCH) {
        telling->head->fetch.waiting = 0;
    }
}

/* One leaf behind what the victim saw is another, for its eyes only: what is its own goes on. */
static void tell_split(struct telling *telling)
{
    telling->view = (struct view){.bends = telling->truth.size > now.fork, .bent = now.fork};
    if (telling->head->code != 0) {
        cover(telling);
    }
    show_log(telling);
}

/* The same, by a broker that forgets it. */
static void tell_denied(struct telling *telling)
{
    telling->view = (struct view){.bends = telling->truth.size > now.fork, .bent = now.fork};
    show_log(telling);
}

static void tell_frozen(struct telling *telling)
{
    telling->size = now.fork;
    show_log(telling);
}

static void tell_rollback(struct telling *telling)
{
    telling->size = telling->asked.known > 4 ? telling->asked.known - 3 : telling->size;
    show_log(telling);
}

static void tell_truncated(struct telling *telling)
{
    telling->size = telling->asked.known > 1 ? telling->asked.known - 1 : telling->size;
    show_log(telling);
}

static void tell_rewritten(struct telling *telling)
{
    telling->view = (struct view){.bends = true, .bent = 1};
    show_log(telling);
}

static void tell_dropped(struct telling *telling)
{
    telling->view = (struct view){.drops = true, .dropped = 1};
    telling->size = telling->truth.size - 1;
    show_log(telling);
}

static void tell_unrecorded(struct telling *telling)
{
    struct reply_head *head = telling->head;
    if (head->kind == REPLY_SUBMIT && head->submit.receipt_count > 0) {
        show_receipts(telling);
        if (head->submit.node_count > 0) {
            struct digest *node = take(telling, head->submit.node_count * sizeof(*node));
            memcpy(node, head->submit.nodes, head->submit.node_count * sizeof(*node));
            node[0].bytes[0] ^= 1;
            head->submit.nodes = node;
        }
    }
}

static void tell_withheld(struct telling *telling)
{
    if (telling->head->kind == REPLY_FETCH && telling->head->fetch.delivery_count >= 2) {
        show_deliveries(telling, 1, false);
    }
}

static void tell_reordered(struct telling *telling)
{
    if (telling->head->kind == REPLY_FETCH && telling->head->fetch.delivery_count >= 2) {
        show_deliveries(telling, 0, true);
    }
}

/* No key was revoked. */
static void tell_held(struct telling *telling)
{
    struct reply_head *head = telling->head;
    if (head->kind == REPLY_FETCH && head->fetch.delivery_count > 0) {
        struct delivery *list = take(telling, head->fetch.delivery_count * sizeof(*list));
        memcpy(list, head->fetch.deliveries, head->fetch.delivery_count * sizeof(*list));
        list[0].hold = HOLD_HELD;
        head->fetch.deliveries = list;
    }
}

static void tell_false_witness(struct telling *telling)
{
    struct reply_head *head = telling->head;
    if (head->kind == REPLY_WITNESS && head->witness.cosignature_count > 0) {
        struct cosignature *list = take(telling, head->witness.cosignature_count * sizeof(*list));
        memcpy(list, head->witness.cosignatures, head->witness.cosignature_count * sizeof(*list));
        list[0].seen.signature[0] ^= 1;
        head->witness.cosignatures = list;
    }
}

/* The office signed it, and the record that the broker shows for it stands nowhere. */
static void tell_registry(struct telling *telling)
{
    telling->head->registry.leaf.salt[0] ^=
        telling->head->kind == REPLY_REGISTRY && telling->head->registry.has_leaf;
}

const struct lie_told lies_known[] = {
    {"split", "one agency is shown another log from here on, whole and consistent in itself"},
    {"denied", "the same, and the broker will not know it when it is countersigned"},
    {"frozen", "one agency is shown the log as it stands, for ever"},
    {"rollback", "an older copy of the log"},
    {"truncated", "the end is missing"},
    {"rewritten", "an old leaf is another"},
    {"dropped", "an old leaf is missing"},
    {"unrecorded", "a receipt of what is not in the log"},
    {"withheld", "a message acknowledged and never delivered; what follows it is"},
    {"reordered", "two messages in the wrong order"},
    {"held", "a message held back as if its key were revoked"},
    {"false-witness", "a countersignature that nobody made"},
    {"registry", "a registry that the office signed and the log does not have"},
    {"early-rung", "a reminder before its time"},
    {"no-rung", "what is overdue is never told to one agency"},
    {"starved", "nothing at all is delivered to one agency, and nobody is told of it"},
};
static void (*const tells[])(struct telling *) = {
    tell_split,     tell_denied,    tell_frozen,  tell_rollback,
    tell_truncated, tell_rewritten, tell_dropped, tell_unrecorded,
    tell_withheld,  tell_reordered, tell_held,    tell_false_witness,
    tell_registry,  tell_nothing,   tell_nothing, tell_starved,
};
const size_t lies_count = sizeof(lies_known) / sizeof(lies_known[0]);

void lies_set(const char *lie, const char *victim, bool keeps_back)
{
    memset(&now, 0, sizeof(now));
    if (lie != NULL) {
        text_copy(now.lie, sizeof(now.lie), lie);
        text_copy(now.victim, sizeof(now.victim), victim);
        now.keeps_back = keeps_back;
    }
}

/* "LIE VICTIM" or "LIE VICTIM keep-back"; an empty or missing file: the truth. */
static void read_file(void)
{
    const char *path = getenv("REFERRAL_LIE_FILE");
    char lie[24] = "", victim[32] = "", more[16] = "";
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    if (path == NULL) {
        return;
    }
    if (file != NULL) {
        if (fscanf(file, "%23s %31s %15s", lie, victim, more) < 2) {
            lie[0] = '\0';
        }
        (void)fclose(file);
    }
    if (strcmp(lie, now.lie) != 0 || strcmp(victim, now.victim) != 0) {
        lies_set(lie[0] != '\0' ? lie : NULL, victim, strcmp(more, "keep-back") == 0);
    }
}

static void bend(struct reply_head *head, struct region *region)
{
    struct telling telling = {.head = head, .region = region};
    size_t i = 0;
    note_cosignatures(head);
    if (now.lie[0] == '\0' || checkpoint_parse(head->checkpoint, &telling.truth, NULL) != OK) {
        return;
    }
    if (!now.begun) {
        now.begun = true;
        now.fork = telling.truth.size;
    }
    if (!who_asked(&head->request_digest, &telling.asked) ||
        strcmp(telling.asked.agency, now.victim) != 0 ||
        (head->code != 0 && telling.asked.kind != REQUEST_WITNESS)) {
        return;
    }
    while (i < lies_count && strcmp(lies_known[i].name, now.lie) != 0) {
        i++;
    }
    assert(i < lies_count);
    telling.size = telling.truth.size;
    if (head->kind == REPLY_WITNESS && now.keeps_back) {
        head->witness.cosignature_count = 0;
    }
    tells[i](&telling);
}

enum err __wrap_reply_head_encode(const struct reply_head *head, struct buf *out)
{
    struct reply_head shown = *head;
    struct region region;
    region_init(&region, (size_t)64 * 1024 * 1024);
    read_file();
    bend(&shown, &region);
    enum err error = __real_reply_head_encode(&shown, out);
    region_free(&region);
    return error;
}

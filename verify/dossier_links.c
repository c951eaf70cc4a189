/* How: every checkpoint of the file and of its receipts is a node, every proof that holds an edge
 * from the smaller to the larger one. What leads to the largest checkpoint of the broker's newest
 * log is of that log; the rest is not shown to be. See dossier.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dossier.h"

#define ROUNDS_MAX 8u /* an export connects in two or three; a longer chain is not climbed */

static struct told_head *find_head(const struct dossier *dossier, uint64_t size, const char *origin)
{
    for (size_t i = 0; i < dossier->head_count; i++) {
        if (dossier->heads[i].head.size == size && strcmp(dossier->heads[i].origin, origin) == 0) {
            return &dossier->heads[i];
        }
    }
    return NULL;
}

/* Two of one size are one: log.split says where they are not. */
static void add_head(struct dossier *dossier, const struct tree_head *head, const char *origin,
                     bool noted)
{
    struct told_head *told = find_head(dossier, head->size, origin);

    if (told != NULL) {
        told->noted = told->noted || noted;
        if (!digest_equal(&told->head.root, &head->root)) {
            dossier_fail(dossier, "log.split", "checkpoint", "%" PRIu64, head->size);
        }
        return;
    }
    told = &dossier->heads[dossier->head_count];
    told->head = (struct proof_head){head->size, head->root};
    text_copy(told->origin, sizeof told->origin, origin);
    told->noted = noted;
    dossier->head_count++;
}

/* By a key of that agency that was not revoked before what it saw. */
static void add_witness(struct dossier *dossier, const struct evidence_part *part)
{
    struct told_witness *told = &dossier->witnesses[dossier->witness_count];
    const struct key_entry *key;
    struct witness_read witness;
    struct tree_head head;

    if (witness_open(part->bytes, dossier->origin, &witness) != OK ||
        strcmp(witness.agency, part->name) != 0) {
        dossier_fail(dossier, "witness.form", part->kind, "%s", part->name);
        return;
    }
    key = dossier_find_key(dossier, witness.agency, witness.key);
    if (key == NULL || witness_check(&witness, key->public_key) != OK ||
        (key_is_revoked(key) && key->revoked_leaf < witness.size)) {
        dossier_fail(dossier, "witness.signature", part->kind, "%s", part->name);
        return;
    }
    head = (struct tree_head){.size = witness.size, .root = witness.root};
    add_head(dossier, &head, witness.origin, false);
    if (strcmp(witness.origin, dossier->newest_origin) == 0) {
        text_copy(told->agency, sizeof told->agency, witness.agency);
        told->size = witness.size;
        dossier->witness_count++;
    }
}

static void collect(struct dossier *dossier)
{
    if (dossier->newest.size > 0) {
        add_head(dossier, &dossier->newest, dossier->newest_origin, true);
    }
    for (size_t i = 0; i < dossier->evidence.part_count; i++) {
        const struct evidence_part *part = &dossier->evidence.parts[i];
        char origin[LIMIT_ORIGIN_BYTES] = "";
        struct tree_head head;

        if (strcmp(part->kind, "cosignature") == 0) {
            add_witness(dossier, part);
            continue;
        }
        if (strcmp(part->kind, "checkpoint") != 0 || strcmp(part->name, "newest") == 0) {
            continue;
        }
        if (dossier_open_note(dossier, part->bytes, origin, &head) == OK) {
            add_head(dossier, &head, origin, true);
        } else {
            dossier_fail(dossier, "checkpoint.signature", "checkpoint", "%s", part->name);
        }
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        add_head(dossier, &dossier->messages[i].head, dossier->messages[i].origin, true);
    }
    for (size_t i = 0; i < dossier->version_count; i++) {
        const struct told_version *version = &dossier->versions[i];

        if (version->placed) {
            add_head(dossier, &version->head, version->origin, true);
        }
    }
}

/* Up to 18 digits up to this mark. */
static bool take_number(const char **at, char mark, uint64_t *ret)
{
    size_t digits = 0;

    for (*ret = 0; **at >= '0' && **at <= '9' && digits < 18; ++*at, digits++) {
        *ret = 10 * *ret + (uint64_t)(**at - '0');
    }
    if (digits == 0 || **at != mark) {
        return false;
    }
    *at += mark != '\0' ? 1 : 0;
    return true;
}

/* The proof of a part, between the two heads that it names. NULL: it proves nothing, because one of
 * them is not here; or it is wrong, and that is said. */
static struct told_head *open_link(struct dossier *dossier, const struct evidence_part *part,
                                   const struct told_head **ret_to)
{
    struct digest hashes[64];
    const char *at = part->name;
    size_t count = part->bytes.len / DIGEST_BYTES;
    struct told_head *from;
    uint64_t sizes[2];

    if (!take_number(&at, '-', &sizes[0]) || !take_number(&at, '\0', &sizes[1]) ||
        part->bytes.len % DIGEST_BYTES != 0 || count > 63) {
        dossier_fail(dossier, "log.consistency", part->kind, "%s", part->name);
        return NULL;
    }
    from = find_head(dossier, sizes[0], dossier->newest_origin);
    for (size_t i = 0; from == NULL && i < dossier->head_count; i++) {
        if (dossier->heads[i].head.size == sizes[0]) { /* of a log before: it is the same tree */
            from = &dossier->heads[i];
        }
    }
    *ret_to = find_head(dossier, sizes[1], dossier->newest_origin);
    if (from == NULL || *ret_to == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(hashes, part->bytes.data, part->bytes.len);
    }
    if (proof_extends(&from->head, &(*ret_to)->head, hashes, count) != OK) {
        dossier_fail(dossier, "log.consistency", part->kind, "%s", part->name);
        return NULL;
    }
    return from;
}

/* True: one more head is linked. */
static bool follow_links(struct dossier *dossier)
{
    bool more = false;

    for (size_t i = 0; i < dossier->evidence.part_count; i++) {
        const struct evidence_part *part = &dossier->evidence.parts[i];
        const struct told_head *to = NULL;
        struct told_head *from;

        if (strcmp(part->kind, "consistency") != 0) {
            continue;
        }
        from = open_link(dossier, part, &to);
        if (from != NULL && to->linked && !from->linked) {
            from->linked = true;
            more = true;
        }
    }
    return more;
}

void dossier_connect(struct dossier *dossier)
{
    struct told_head *top = NULL;

    dossier->heads =
        calloc(dossier->message_count + dossier->evidence.part_count + 1, sizeof *dossier->heads);
    dossier->witnesses = calloc(dossier->evidence.part_count, sizeof *dossier->witnesses);
    if (dossier->heads == NULL || dossier->witnesses == NULL || dossier->keyring == NULL) {
        return;
    }
    collect(dossier);
    for (size_t i = 0; i < dossier->head_count; i++) {
        struct told_head *head = &dossier->heads[i];

        if (head->noted && strcmp(head->origin, dossier->newest_origin) == 0 &&
            (top == NULL || head->head.size > top->head.size)) {
            top = head;
        }
    }
    if (top == NULL) {
        return;
    }
    top->linked = true;
    dossier->top_size = top->head.size;
    for (unsigned i = 0; i < ROUNDS_MAX && dossier->verdict != VERDICT_FAIL; i++) {
        if (!follow_links(dossier)) {
            break;
        }
    }
    for (size_t i = 0; i < dossier->witness_count; i++) {
        struct told_witness *told = &dossier->witnesses[i];
        const struct told_head *head = find_head(dossier, told->size, dossier->newest_origin);

        told->linked = head != NULL && head->linked;
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        struct told_message *told = &dossier->messages[i];
        const struct told_head *head = find_head(dossier, told->head.size, told->origin);

        told->linked = head != NULL && head->linked;
    }
}

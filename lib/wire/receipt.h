/* Receipts: proof that the broker recorded a message. Canonical bytes, the shared form inside
 * replies, and their verification with public keys alone.
 *
 * The broker shares nodes between the receipts of a reply (struct node_set); agents expand them to
 * the canonical bytes, which are the same whenever the broker is asked. Pure bytes; any thread. */
#ifndef REFERRAL_WIRE_RECEIPT_H
#define REFERRAL_WIRE_RECEIPT_H

#include "wire/checkpoint.h"
#include "wire/codec.h"
#include "wire/keyring.h"

#define RECEIPT_BYTES 8192u /* of one, encoded: record, path and checkpoint at their most */

struct receipt {
    struct uuid message_id;
    uint64_t leaf_index;
    struct span record; /* LeafRecord; borrowed, as all below */
    uint8_t salt[SALT_BYTES];
    const struct digest *path;
    size_t path_count;
    struct span checkpoint;
};

/* SHA-256(0x00 || salt || record): RFC 6962's leaf hash of the salted record. */
struct digest leaf_hash(const uint8_t salt[SALT_BYTES], struct span record);

enum err receipt_encode(const struct receipt *receipt, struct buf *out) MUST_CHECK;
enum err receipt_decode(struct span bytes, struct region *region, struct receipt *ret_receipt,
                        struct fault *fault) MUST_CHECK;

/* What everything in a reply shares. */
struct reply_nodes {
    const struct digest *nodes;
    size_t node_count;
    struct span checkpoint; /* of the reply */
};
/* ERR_INVALID for an index beyond the nodes. The path is the region's, the rest borrowed. */
enum err receipt_expand(const struct shared_receipt *shared, const struct reply_nodes *nodes,
                        struct region *region, struct receipt *ret_receipt) MUST_CHECK;
/* A delivery's place in the log, as the receipt of the message delivered. */
enum err delivery_expand(const struct delivery *delivery, const struct uuid *message_id,
                         const struct reply_nodes *nodes, struct region *region,
                         struct receipt *ret_receipt) MUST_CHECK;

/* Collects the hashes of many paths, each once. Memory is the region's. */
struct node_set {
    struct digest *nodes; /* lend them to the reply */
    size_t count;
    size_t max;
    uint32_t *slots; /* open addressing; 0 is free, else index + 1 */
    size_t slot_count;
};
/* For at most `max` different hashes. */
enum err node_set_init(struct node_set *set, size_t max, struct region *region) MUST_CHECK;
/* The indices of a path's hashes (region's). ERR_FULL when max would be passed. */
enum err node_set_add(struct node_set *set, const struct digest *path, size_t path_count,
                      struct region *region, const uint32_t **ret_indices) MUST_CHECK;

struct receipt_facts {
    struct checkpoint checkpoint;
    struct leaf_record record;
    struct digest leaf_hash;
};
/* Checkpoint signature by one of the broker's keys, inclusion of the leaf, and that the record is
 * of this message id. Of whichever log of this broker: the caller looks at the checkpoint's origin.
 * ERR_FORGED otherwise, ERR_INVALID for malformed parts. */
enum err receipt_verify(const struct receipt *receipt, const struct keyring *keyring,
                        struct region *region, struct receipt_facts *ret_facts,
                        struct fault *fault) MUST_CHECK;

#endif

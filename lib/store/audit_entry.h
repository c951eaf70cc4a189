/* The bytes of one entry of the log, packed and unpacked with every length checked. Inside
 * lib/store only. Pure; any thread.
 *
 *   front: version u8 | node count u8 | record bytes u16 | note bytes u16 | envelope bytes u32 |
 *          trail u64 | commit size u64 | leaf hash 32 | nodes 32 each | note      (big-endian)
 *   MAC 16 over table, key and front
 *   salt 16 | record | envelope
 *   MAC 16 over table, key and envelope; none in entries of version 1 */
#ifndef REFERRAL_STORE_AUDIT_ENTRY_H
#define REFERRAL_STORE_AUDIT_ENTRY_H

#include "store/audit.h"

struct audit_entry_front {
    uint16_t record_bytes;
    uint32_t envelope_bytes;
    uint64_t trail;
    const struct digest *nodes; /* [0] is the leaf hash */
    size_t node_count;          /* with the leaf hash: 1 or more */
};

/* Subtrees of two leaves and more that the leaf completes: the trailing one bits of its index. */
unsigned audit_entry_nodes(uint64_t index);
/* Without the note. */
size_t audit_entry_front_bytes(size_t node_count);
/* Commit size and note length stay 0 until audit_entry_finish_front. */
void audit_entry_pack_front(const struct audit_entry_front *front, uint8_t *out);
void audit_entry_finish_front(uint8_t *front, uint64_t commit_size, size_t note_bytes);
/* Nodes above the leaf hash. */
size_t audit_entry_front_nodes(const uint8_t *front);
const uint8_t *audit_entry_front_node(const uint8_t *front, size_t level);

/* Borrowed parts of a stored value. ERR_CORRUPT unless every length fits, the nodes are as many as
 * the index demands, and the commit's size lies behind the index; a note is on the last leaf of a
 * commit and on no other. */
enum err audit_entry_unpack(uint64_t index, struct span raw, struct audit_entry *ret_entry,
                            struct span *ret_front, const uint8_t **ret_mac) MUST_CHECK;

#endif

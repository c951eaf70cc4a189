/* Packing of log entries. See audit_entry.h. */
#include "store/audit_entry.h"

#include <assert.h>
#include <string.h>

#define ENTRY_VERSION    2u
#define ENTRY_UNBOUND    1u /* written by releases that did not bind the envelope */
#define AT_NODES         1u
#define AT_RECORD        2u
#define AT_NOTE          4u
#define AT_ENVELOPE      6u
#define AT_TRAIL         10u
#define AT_COMMIT        18u
#define HEAD_BYTES       26u
#define ENTRY_NODES_MOST 62u /* an index below 2^62 completes no more */

size_t audit_entry_front_bytes(size_t node_count)
{
    return HEAD_BYTES + node_count * DIGEST_BYTES;
}

void audit_entry_pack_front(const struct audit_entry_front *front, uint8_t *out)
{
    assert(front->node_count >= 1 && front->node_count <= ENTRY_NODES_MOST + 1);
    out[0] = ENTRY_VERSION;
    out[AT_NODES] = (uint8_t)(front->node_count - 1);
    be16_put(out + AT_RECORD, front->record_bytes);
    be16_put(out + AT_NOTE, 0);
    be32_put(out + AT_ENVELOPE, front->envelope_bytes);
    be64_put(out + AT_TRAIL, front->trail);
    be64_put(out + AT_COMMIT, 0);
    for (size_t i = 0; i < front->node_count; i++) {
        memcpy(out + HEAD_BYTES + i * DIGEST_BYTES, front->nodes[i].bytes, DIGEST_BYTES);
    }
}

void audit_entry_finish_front(uint8_t *front, uint64_t commit_size, size_t note_bytes)
{
    assert(note_bytes <= AUDIT_NOTE_BYTES);
    be16_put(front + AT_NOTE, (uint16_t)note_bytes);
    be64_put(front + AT_COMMIT, commit_size);
}

size_t audit_entry_front_nodes(const uint8_t *front)
{
    return front[AT_NODES];
}

const uint8_t *audit_entry_front_node(const uint8_t *front, size_t level)
{
    assert(level <= front[AT_NODES]);
    return front + HEAD_BYTES + level * DIGEST_BYTES;
}

unsigned audit_entry_nodes(uint64_t index)
{
    unsigned count = 0;
    while ((index & 1u) != 0) {
        index >>= 1;
        count++;
    }
    return count;
}

enum err audit_entry_unpack(uint64_t index, struct span raw, struct audit_entry *ret_entry,
                            struct span *ret_front, const uint8_t **ret_mac)
{
    if (raw.len < HEAD_BYTES || (raw.data[0] != ENTRY_VERSION && raw.data[0] != ENTRY_UNBOUND)) {
        return ERR_CORRUPT;
    }
    size_t end_bytes = raw.data[0] == ENTRY_VERSION ? MAC_BYTES : 0;
    size_t node_count = raw.data[AT_NODES];
    size_t record_bytes = be16_get(raw.data + AT_RECORD);
    size_t note_bytes = be16_get(raw.data + AT_NOTE);
    size_t envelope_bytes = be32_get(raw.data + AT_ENVELOPE);
    size_t front_bytes = audit_entry_front_bytes(node_count + 1) + note_bytes;
    /* Each part is bounded by its field's width: the sum cannot wrap. */
    if (raw.len !=
        front_bytes + MAC_BYTES + AUDIT_SALT_BYTES + record_bytes + envelope_bytes + end_bytes) {
        return ERR_CORRUPT;
    }
    const uint8_t *salt = raw.data + front_bytes + MAC_BYTES;
    struct audit_entry entry = {
        .index = index,
        .trail = be64_get(raw.data + AT_TRAIL),
        .commit_size = be64_get(raw.data + AT_COMMIT),
        .salt = salt,
        .record = span_of(salt + AUDIT_SALT_BYTES, record_bytes),
        .envelope = span_of(salt + AUDIT_SALT_BYTES + record_bytes, envelope_bytes),
        .note = span_of(raw.data + front_bytes - note_bytes, note_bytes),
        .nodes = raw.data + HEAD_BYTES + DIGEST_BYTES,
        .node_count = (unsigned)node_count,
        .envelope_mac = end_bytes > 0 ? raw.data + raw.len - MAC_BYTES : NULL,
    };
    memcpy(entry.hash.bytes, raw.data + HEAD_BYTES, DIGEST_BYTES);
    bool last = entry.commit_size == index + 1;
    if (node_count != audit_entry_nodes(index) || entry.commit_size <= index || record_bytes == 0 ||
        record_bytes > AUDIT_RECORD_BYTES || envelope_bytes > AUDIT_ENVELOPE_BYTES ||
        note_bytes > AUDIT_NOTE_BYTES || last != (note_bytes > 0) ||
        (entry.trail != AUDIT_NONE && entry.trail >= index)) {
        return ERR_CORRUPT;
    }
    *ret_entry = entry;
    *ret_front = span_of(raw.data, front_bytes);
    *ret_mac = raw.data + front_bytes;
    return OK;
}

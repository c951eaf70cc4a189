/* Does a key that takes another's place stand beside it long enough? For who signs a registry. */
#include <assert.h>
#include <string.h>

#include "wire/keyring.h"

#define DAY_MS UINT64_C(86400000)

static const struct key_entry *same_key(const struct keyring *keyring,
                                        const struct key_entry *entry)
{
    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *other = keyring_entry(keyring, i);

        if (memcmp(other->public_key, entry->public_key, sizeof(other->public_key)) == 0) {
            return other;
        }
    }
    return NULL;
}

static uint64_t end_of(const struct key_entry *entry, uint64_t now_ms)
{
    return entry->retired && now_ms < entry->to_ms ? now_ms : entry->to_ms;
}

/* From when on everybody may know a key: its first day, and not before its first version. */
static uint64_t begin_of(const struct key_overlap *overlap, const struct key_entry *entry)
{
    const bool known = same_key(overlap->before, entry) != NULL;
    const uint64_t version_ms = known ? overlap->before_ms : overlap->now_ms;

    return known && entry->from_ms != 0  ? entry->from_ms
           : entry->from_ms > version_ms ? entry->from_ms
                                         : version_ms;
}

/* Does another key go on past the end of this one, and if so, since long enough before it? */
static void look_for(const struct key_overlap *overlap, const struct key_entry *ends,
                     uint64_t end_ms, bool *ret_any, bool *ret_fine)
{
    for (size_t i = 0; i < keyring_count(overlap->after); i++) {
        const struct key_entry *next = keyring_entry(overlap->after, i);

        if (next->use == ends->use && strcmp(next->owner, ends->owner) == 0 &&
            end_of(next, overlap->now_ms) > end_ms) {
            *ret_any = true;
            *ret_fine = *ret_fine || begin_of(overlap, next) + overlap->days * DAY_MS <= end_ms;
        }
    }
}

static enum err entry_check(const struct key_overlap *overlap, const struct key_entry *before,
                            const char *name, struct fault *fault)
{
    const struct key_entry *after = same_key(overlap->after, before);
    const uint64_t end_ms = after != NULL ? end_of(after, overlap->now_ms) : overlap->now_ms;
    char id[2 * KEY_ID_BYTES + 1];
    bool any = false, fine = false;

    if (before->use == KEY_ROOT || end_ms >= end_of(before, overlap->now_ms)) {
        return OK;
    }
    look_for(overlap, before, end_ms, &any, &fine);
    if (!any || fine) {
        return OK;
    }
    hex_encode(span_of(before->id.bytes, KEY_ID_BYTES), id);
    fault_set(fault, "keys.overlap", name,
              "the %s key %s of \"%s\" ends before the next one has been in force for %u days",
              key_use_name(before->use), id, before->owner, overlap->days);
    fault_hint(fault, "end it later; --overlap-days 0 where it was lost, and what it signed and "
                      "still waits shall be refused");
    return ERR_REFUSED;
}

enum err keyring_overlap_check(const struct key_overlap *overlap, const char *name,
                               struct fault *fault)
{
    enum err result = OK;
    bool go_on = overlap->days > 0;

    assert(overlap->before != NULL && overlap->after != NULL);
    for (size_t i = 0; go_on && i < keyring_count(overlap->before); i++) {
        go_on = fault_go_on(entry_check(overlap, keyring_entry(overlap->before, i), name, fault),
                            fault, &result);
    }
    return result;
}

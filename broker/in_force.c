/* How: be64 leaf | be64 time | digest of the rule. */
#include "broker/in_force.h"

#include <string.h>

#include "broker/turn.h"

#define ROW_BYTES (16u + DIGEST_BYTES)

enum err in_force_follow(struct store_txn *txn, const char *name, const struct digest *digest,
                         const struct in_force *now, struct in_force *ret_since)
{
    uint8_t row[ROW_BYTES];
    struct span kept;
    enum err error = store_meta_get(txn, name, &kept);

    if (error == OK && kept.len != ROW_BYTES) {
        return ERR_CORRUPT;
    }
    if (error == OK && memcmp(kept.data + 16, digest->bytes, DIGEST_BYTES) == 0) {
        *ret_since = (struct in_force){be64_get(kept.data), be64_get(kept.data + 8)};
        return OK;
    }
    if (error != OK && error != ERR_NOT_FOUND) {
        return error;
    }
    be64_put(row, now->leaf);
    be64_put(row + 8, now->at_ms);
    memcpy(row + 16, digest->bytes, DIGEST_BYTES);
    error = store_meta_put(txn, name, span_of(row, sizeof(row)));
    if (error == OK) {
        *ret_since = *now;
    }
    return error;
}

struct calendar_in_force in_force_calendar(const struct broker *broker)
{
    struct calendar_in_force calendar = {.leaf = broker->calendar_since.leaf,
                                         .since_ms = broker->calendar_since.at_ms};

    text_copy(calendar.version, sizeof(calendar.version), calendar_version(broker->setup.calendar));
    return calendar;
}

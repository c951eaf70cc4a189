/* What the log says, read apart from the broker's own memory. */
#include <string.h>

#include "scenario/script.h"
#include "store/audit.h"

static bool text_fits(const char *wanted, const char *is)
{
    return wanted == NULL || strcmp(wanted, is) == 0;
}

static bool fits(const struct leaf_count *count, const struct leaf_record *record)
{
    return record->kind == count->kind && text_fits(count->number, record->referral_number) &&
           text_fits(count->rung, record->rung.rung) &&
           (count->window == 0 || count->window == record->rung.window) &&
           (count->message_kind == 0 || count->message_kind == record->message_kind) &&
           text_fits(count->recipient, record->recipient);
}

static void count_one(struct leaf_count *count, struct span bytes)
{
    struct leaf_record record;
    struct region region;

    region_init(&region, LIMIT_PARSE_BYTES(bytes.len));
    if (leaf_record_decode(bytes, &region, &record, NULL) == OK && fits(count, &record)) {
        count->earliest_ms = count->found == 0 ? record.at_ms : count->earliest_ms;
        count->found++;
        text_copy(count->document, sizeof(count->document), record.rung.document_number);
    }
    region_free(&region);
}

bool script_count_leaves(const struct world *world, struct leaf_count *count)
{
    struct audit_walk walk;
    struct audit_entry entry;
    struct store_txn *read;
    enum err error = store_read_begin(world->store, &read);

    if (error != OK) {
        return false;
    }
    error = audit_walk_open(read, 0, &walk);
    while (error == OK && (error = audit_walk_next(&walk, &entry)) == OK) {
        count_one(count, entry.record);
    }
    audit_walk_close(&walk);
    store_read_end(read);
    return error == ERR_NOT_FOUND;
}

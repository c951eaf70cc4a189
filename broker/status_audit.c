/* The status command `audit-tail`: the newest leaves with their hashes, and what administrators
 * gave as reasons. For auditors: reasons are words of people. */
#include <string.h>

#include "broker/status_parts.h"
#include "store/audit.h"
#include "store/reasons.h"

#define COUNT_DEFAULT 20u
#define COUNT_MAX     200u

/* A text that the leaf's digest does not fit is none. */
static enum err write_reason(struct store_txn *read, uint64_t leaf,
                             const struct leaf_record *record, struct json_writer *out)
{
    char text[REASON_BYTES_MAX + 1];
    struct span kept = span_of(NULL, 0);
    struct digest digest;
    enum err error = reason_get(read, leaf, &kept);
    bool there = error == OK && kept.len <= REASON_BYTES_MAX;

    if (error != OK && error != ERR_NOT_FOUND && error != ERR_CORRUPT) {
        return error;
    }
    if (there) {
        digest = crypto_digest(kept);
        memcpy(text, kept.data, kept.len);
        text[kept.len] = '\0';
        there = digest_equal(&digest, &record->message_digest);
    }
    status_text(out, "reason", there ? text : NULL);
    return OK;
}

static enum err write_leaf(struct store_txn *read, uint64_t leaf, struct json_writer *out)
{
    char hash[DIGEST_TEXT_BYTES];
    struct leaf_record record;
    struct audit_entry entry;
    struct region region;
    enum err error = audit_read(read, leaf, &entry);

    if (error != OK) {
        return error;
    }
    digest_format(&entry.hash, hash);
    region_init(&region, LIMIT_PARSE_BYTES(AUDIT_RECORD_BYTES));
    error = leaf_record_decode(entry.record, &region, &record, NULL);
    if (error == OK) {
        json_object_begin(out);
        status_leaf_write(leaf, &record, out);
        status_text(out, "hash", hash);
        if (record.kind == LEAF_COMMAND) {
            error = write_reason(read, leaf, &record, out);
        }
        json_object_end(out);
    }
    region_free(&region);
    return error;
}

static enum err read_page(const struct json_value *request, uint64_t size, uint64_t *ret_before,
                          uint64_t *ret_count, struct fault *fault)
{
    struct json_value count = json_member(request, "count");
    struct json_value before = json_member(request, "before");
    enum err error = OK;

    *ret_before = size;
    *ret_count = COUNT_DEFAULT;
    if (!json_absent(&count)) {
        error = json_get_u64(&count, 1, COUNT_MAX, ret_count, fault);
    }
    if (error == OK && !json_absent(&before)) {
        error = json_get_u64(&before, 0, size, ret_before, fault);
    }
    return error;
}

enum err status_audit_tail(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault)
{
    struct store_txn *read;
    uint64_t size = 0, before = 0, count = 0, first;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    error = audit_size(read, &size);
    if (error == OK) {
        error = read_page(request, size, &before, &count, fault);
    }
    first = before > count ? before - count : 0;
    json_name(out, "leaves");
    json_array_begin(out);
    for (uint64_t leaf = before; error == OK && leaf > first; leaf--) {
        error = write_leaf(read, leaf - 1, out);
    }
    json_array_end(out);
    store_read_end(read);
    status_u64(out, "size", size);
    json_name(out, "next");
    if (first > 0) {
        json_u64(out, first);
    } else {
        json_text(out, NULL);
    }
    return error;
}

/* The status command `policy`: which policies the broker worked by, and the text of one of them. */
#include "broker/policies.h"
#include "broker/status_parts.h"

#define VERSIONS_MAX 200u /* in one answer: the newest */

static void write_version(uint64_t number, const struct policy_version *version,
                          struct json_writer *out)
{
    char digest[DIGEST_TEXT_BYTES];

    digest_format(&version->digest, digest);
    status_u64(out, "version", number);
    status_u64(out, "leaf", version->leaf);
    status_u64(out, "at_ms", version->at_ms);
    status_text(out, "digest", digest);
}

static enum err count_versions(struct store_txn *read, uint64_t *ret_count)
{
    struct policy_version version;
    enum err error = OK;

    for (*ret_count = 0; error == OK; *ret_count += error == OK) {
        error = policies_find(read, *ret_count + 1, &version);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err write_list(struct store_txn *read, struct json_writer *out)
{
    uint64_t count, first;
    enum err error = count_versions(read, &count);

    first = count > VERSIONS_MAX ? count - VERSIONS_MAX + 1 : 1;
    json_name(out, "versions");
    json_array_begin(out);
    for (uint64_t number = first; error == OK && number <= count; number++) {
        struct policy_version version;

        error = policies_find(read, number, &version);
        if (error == OK) {
            json_object_begin(out);
            write_version(number, &version, out);
            json_object_end(out);
        }
    }
    json_array_end(out);
    return error;
}

static enum err write_text(struct store_txn *read, const struct json_value *wanted,
                           struct json_writer *out, struct fault *fault)
{
    struct policy_version version;
    struct buf text;
    uint64_t number;
    enum err error = json_get_u64(wanted, 1, UINT32_MAX, &number, fault);

    if (error != OK) {
        return error;
    }
    error = policies_find(read, number, &version);
    if (error == ERR_NOT_FOUND) {
        return json_refuse(wanted, fault, "status.unknown-policy",
                           "the broker has worked by fewer policies than that");
    }
    buf_init(&text, LIMIT_CONFIG_BYTES + 1);
    if (error == OK) {
        error = buf_append(&text, version.text.data, version.text.len);
    }
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    if (error == OK) {
        write_version(number, &version, out);
        status_text(out, "text", (const char *)text.data);
    }
    buf_free(&text);
    return error;
}

/* {"version": N}: its text; without: all of them. */
enum err status_policy(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault)
{
    struct json_value wanted = json_member(request, "version");
    struct store_txn *read;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    error = json_absent(&wanted) ? write_list(read, out) : write_text(read, &wanted, out, fault);
    store_read_end(read);
    return error;
}

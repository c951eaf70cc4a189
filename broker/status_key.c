/* The status command `key-revoke`: a statement of an agency's root takes effect at its place in the
 * log. See docs/status-socket.md. */
#include "broker/revocation.h"
#include "broker/status_change.h"
#include "broker/status_parts.h"

static enum err read_statement(const struct status_context *ctx, const struct json_value *request,
                               struct span *ret_text, struct key_statement *ret_statement,
                               struct fault *fault)
{
    struct json_value value = json_member(request, "statement");
    const char *text = "";
    enum err error = json_get_text(&value, KEY_STATEMENT_BYTES, &text, fault);

    if (error != OK) {
        return error;
    }
    *ret_text = span_text(text);
    error = key_statement_open("statement", *ret_text, ret_statement, fault);
    return error == OK ? key_statement_judge("statement", ret_statement,
                                             broker_setup(ctx->broker)->keyring, fault)
                       : error;
}

enum err status_key_revoke(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault)
{
    char id[2 * KEY_ID_BYTES + 1];
    struct key_statement statement;
    struct change change;
    struct span text;
    uint64_t waiting = 0;
    enum err error = read_statement(ctx, request, &text, &statement, fault);

    if (error == OK) {
        error = change_read(ctx, request, &change, fault);
    }
    if (error == OK) {
        error = broker_key_waiting(ctx->broker, &statement, &waiting);
    }
    if (error != OK) {
        return error;
    }
    hex_encode(span_of(statement.id.bytes, KEY_ID_BYTES), id);
    change.act.about = statement.owner;
    status_text(out, "owner", statement.owner);
    status_text(out, "key", id);
    status_u64(out, "waiting", waiting);
    if (!change.dry_run) {
        error = broker_key_revoke(ctx->broker, &change.act, &statement, text);
    }
    return change_answer(&change, error, out, fault);
}

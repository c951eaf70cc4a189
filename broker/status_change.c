/* The reason, the trial and the leaf of a change. See status_change.h. */
#include "broker/status_change.h"

#include <string.h>

#include "broker/status_parts.h"
#include "store/reasons.h"

/* The marks of U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069, which turn the direction of
 * what a terminal shows. */
static bool is_turn(const unsigned char *at)
{
    if (at[0] != 0xe2 || at[1] == '\0') {
        return false;
    }
    return at[1] == 0x80   ? at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xaa && at[2] <= 0xae)
           : at[1] == 0x81 ? at[2] >= 0xa6 && at[2] <= 0xa9
                           : false;
}

/* Words that a terminal shows as they are: no control character, no turn, and more than blanks. */
static bool is_plain(const char *text)
{
    bool said = false;

    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f || is_turn(at)) {
            return false;
        }
        said = said || *at != ' ';
    }
    return said;
}

/* A trial needs none. */
static enum err read_reason(const struct json_value *request, bool dry_run, struct span *ret_reason,
                            struct fault *fault)
{
    struct json_value value = json_member(request, "reason");
    const char *text = "";
    enum err error = OK;

    if (dry_run && json_absent(&value)) {
        return OK;
    }
    if (json_is_text(&value)) {
        error = json_get_text(&value, REASON_BYTES_MAX, &text, NULL);
    }
    if (error != OK || !is_plain(text)) {
        (void)json_refuse(&value, fault, "status.reason",
                          "a change needs a reason: one line of 1 to %u bytes", REASON_BYTES_MAX);
        fault_hint(fault, "say why, in words without anybody's name, number or address: auditors "
                          "read it and the log keeps its digest");
        return ERR_INVALID;
    }
    *ret_reason = span_text(text);
    return OK;
}

static enum err read_dry_run(const struct json_value *request, bool *ret_dry, struct fault *fault)
{
    struct json_value value = json_member(request, "dry_run");

    *ret_dry = false;
    return json_absent(&value) ? OK : json_get_bool(&value, ret_dry, fault);
}

enum err change_read(const struct status_context *ctx, const struct json_value *request,
                     struct change *ret_change, struct fault *fault)
{
    struct span reason = span_text("");
    bool dry_run = false;
    enum err error = read_dry_run(request, &dry_run, fault);

    if (error == OK) {
        error = read_reason(request, dry_run, &reason, fault);
    }
    *ret_change = (struct change){.act = {.name = ctx->command,
                                          .about = "",
                                          .uid = ctx->peer->uid,
                                          .role = ctx->role,
                                          .reason = reason,
                                          .leaf = UINT64_MAX},
                                  .dry_run = dry_run};
    return error;
}

enum err change_answer(const struct change *change, enum err error, struct json_writer *out,
                       struct fault *fault)
{
    if (error == ERR_CLOSED) {
        fault_set(fault, "busy.stopping", "", "the broker is stopping: nothing was changed");
        fault_hint(fault, "do it again when the broker is back");
    }
    if (error == ERR_FULL) {
        fault_set(fault, "busy.store-full", "",
                  "the store or its disk is full: nothing was changed");
        fault_hint(fault, "free space on its disk; or, where `status` says that the store is full, "
                          "give it a larger `store-mib` and restart the broker");
    }
    if (error != OK) {
        return error;
    }
    status_bool(out, "dry_run", change->dry_run);
    json_name(out, "leaf");
    if (change->act.done) {
        json_u64(out, change->act.leaf);
    } else {
        json_text(out, NULL);
    }
    return OK;
}

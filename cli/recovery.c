/* `recovery show`: how far the broker is with getting back what its old copy lacked. The act that
 * goes on without an agency is one of the changes (broker_change.c). See docs/operations.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/table.h"

/* What an administrator is to make of it; the phase alone tells nothing. */
static int explain(const struct json_value *recovery)
{
    const char *phase = value_text(recovery, "phase");

    if (value_bool(recovery, "behind")) {
        return output_warn("this store is older than what %s has seen (%" PRIu64
                           " leaves): nothing is taken or delivered; look for a newer copy, else "
                           "open a new log (docs/operations.md, \"The broker is lost\")",
                           value_text(recovery, "behind_agency"),
                           value_u64(recovery, "behind_size"));
    }
    if (strcmp(phase, "awaiting") == 0) {
        return output_warn("agencies are awaited that have not handed back: start their agents, or "
                           "`referralctl recovery go-on AGENCY`");
    }
    if (strcmp(phase, "applying") == 0) {
        return output_warn("what was handed back is being decided anew");
    }
    if (value_u64(recovery, "kept") > 0) {
        return output_warn("%" PRIu64 " messages no longer fit, for what came before them is lost: "
                           "they were delivered; `referralctl audit tail` and the journal name "
                           "them",
                           value_u64(recovery, "kept"));
    }
    return EXIT_OK;
}

static void row_u64(struct table *table, const char *name, uint64_t value)
{
    table_cell(table, name);
    table_cellf(table, "%" PRIu64, value);
}

static int draw_counts(const struct json_value *recovery)
{
    struct table table;

    table_begin(&table, NULL, "ll");
    table_cell(&table, "phase");
    table_cell(&table, value_text(recovery, "phase"));
    table_cell(&table, "messages are taken");
    table_cell(&table, value_bool(recovery, "holds") ? "no" : "yes");
    table_cell(&table, "lost leaves");
    table_cellf(&table, "from %" PRIu64 " to below %" PRIu64, value_u64(recovery, "from"),
                value_u64(recovery, "to"));
    row_u64(&table, "handed back", value_u64(recovery, "handed_back"));
    row_u64(&table, "decided anew", value_u64(recovery, "applied"));
    row_u64(&table, "no longer fit", value_u64(recovery, "kept"));
    return table_end(&table, "");
}

static int draw_agencies(const struct json_value *root)
{
    static const char *const heads[] = {"AGENCY", "HAND-BACK"};
    struct json_value agencies = json_member(root, "agencies");
    struct table table;

    table_begin(&table, heads, "ll");
    for (size_t i = 0; i < json_count(&agencies); i++) {
        struct json_value agency = json_item(&agencies, i);

        table_cell(&table, value_text(&agency, "id"));
        table_cell(&table, value_text(&agency, "hand_back"));
    }
    return table_end(&table, "no agencies");
}

int recovery_show_run(const struct invocation *invocation)
{
    struct json_value recovery;
    struct call call;
    int status;

    call_begin(&call, "recovery-show");
    status = call_end(&call, invocation, BROKER_SOCKET);
    recovery = json_member(&call.root, "recovery");
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK && strcmp(value_text(&recovery, "phase"), "none") == 0 &&
               !value_bool(&recovery, "behind")) {
        printf("this log was never lost\n");
    } else if (status == EXIT_OK) {
        status = draw_counts(&recovery);
        printf("\n");
        status = status == EXIT_OK ? draw_agencies(&call.root) : status;
    }
    status = status == EXIT_OK ? explain(&recovery) : status;
    call_free(&call);
    return status;
}

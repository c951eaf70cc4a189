/* The status command `documents`: the numbered documents (督办单) whose cause is not gone, with or
 * without their reply, and which of them belong on the agenda of the next joint meeting. */
#include "broker/status_parts.h"
#include "model/vocabulary.h"

struct listing {
    const struct status_context *ctx;
    struct json_writer *out;
    unsigned rows;
};

/* It has reached a rung that the policy puts on the agenda. */
static bool on_agenda(const struct listing *listing, enum rung rung)
{
    const struct ladder *ladder = &broker_setup(listing->ctx->broker)->policy->ladder;

    return (ladder->rungs[rung].targets & TARGET_AGENDA) != 0;
}

static void write_document(struct listing *listing, const struct stored *stored,
                           const struct stored_document *document)
{
    struct json_writer *out = listing->out;
    const struct word *answer = vocabulary_find(VOCABULARY_ESCALATION_ANSWER, document->answer);

    json_object_begin(out);
    status_text(out, "document", document->number);
    status_text(out, "number", stored_number(stored));
    status_text(out, "case", stored_case_number(stored));
    status_text(out, "clock", document->clock.what);
    status_u64(out, "window", document->clock.window->number);
    status_text(out, "holder", status_acting_id(listing->ctx, document->clock.holder));
    stored_rung_write(listing->ctx, document->rung, out);
    status_bool(out, "replied", document->answer != 0);
    if (answer != NULL) {
        status_text(out, "answer", answer->id);
    }
    status_bool(out, "agenda", on_agenda(listing, document->rung));
    json_object_end(out);
}

static enum err visit(void *arg, const struct stored *stored, bool *ret_more)
{
    struct listing *listing = arg;
    struct stored_document document;

    for (size_t i = 0; stored_document_at(stored, i, &document); i++) {
        if (listing->rows == STATUS_ROWS_MAX) {
            listing->rows++; /* there are more */
            break;
        }
        listing->rows++;
        write_document(listing, stored, &document);
    }
    *ret_more = listing->rows <= STATUS_ROWS_MAX;
    return OK;
}

enum err status_documents(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    struct listing listing = {.ctx = ctx, .out = out};
    struct store_txn *read;
    bool cut = false;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    (void)request;
    (void)fault;
    if (error != OK) {
        return error;
    }
    json_name(out, "documents");
    json_array_begin(out);
    error = stored_walk(read, NULL, visit, &listing, &cut);
    json_array_end(out);
    if (error == OK) {
        status_bool(out, "truncated", cut || listing.rows > STATUS_ROWS_MAX);
    }
    store_read_end(read);
    return error;
}

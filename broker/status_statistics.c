/* The status command that statistics are computed from: all referrals and duties as rows of
 * lib/model/statistics, page by page in the order of their ids. Each page is one short read
 * transaction of bounded work, so that the loop is never held for long; the pages together are no
 * snapshot, and what changes between two of them shows as it is when its page is read. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "broker/status.h"
#include "model/statistics.h"
#include "store/cases.h"

#define PAGE_ROWS_MAX 500u
/* The page ends here, with room for the largest matter: LIMIT_DUTIES rows of less than 256 bytes.
 */
#define PAGE_BYTES (LIMIT_LOCAL_LINE_BYTES - 256u * LIMIT_DUTIES - 4096u)
#define KEY_BYTES  (2u * UUID_BYTES)
#define KEY_TEXT   (2u * KEY_BYTES)

struct page {
    const struct status_context *ctx;
    struct store_txn *read;
    struct json_writer *out;
    struct buf duties; /* owned: their rows, until the referrals are written */
    struct json_writer duty_rows;
    struct matter *matter; /* owned: too large for a stack */
};

static void named_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

static void named_text(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

static void named_bool(struct json_writer *out, const char *name, bool value)
{
    json_name(out, name);
    json_bool(out, value);
}

static const char *agency_id(const struct page *page, uint16_t number)
{
    const struct agency *agency =
        registry_by_number(broker_setup(page->ctx->broker)->registry, number);

    return agency != NULL ? agency->id : "";
}

/* --- rows --- */

static void write_bits(const struct statistics_referral *row, struct json_writer *out)
{
    named_u64(out, "outcome", (uint64_t)row->outcome);
    named_u64(out, "lead_channel", row->lead_channel);
    named_u64(out, "priority_groups", row->priority_groups);
    named_u64(out, "granted", row->granted);
    named_u64(out, "measures_delivered", row->delivered);
    json_name(out, "raised");
    json_array_begin(out);
    for (unsigned step = 0; step < RUNG_STEP_COUNT; step++) {
        json_u64(out, row->raised[step]);
    }
    json_array_end(out);
    named_u64(out, "open_documents", row->open_documents);
}

static void write_row(const struct page *page, const struct referral *referral)
{
    struct json_writer *out = page->out;
    struct statistics_referral row;

    statistics_referral_of(referral, broker_setup(page->ctx->broker)->calendar, &row);
    json_object_begin(out);
    named_text(out, "referral", referral->number);
    named_text(out, "from", agency_id(page, row.sender));
    named_text(out, "to", agency_id(page, row.receiver));
    named_bool(out, "inbound", row.inbound);
    named_u64(out, "state", (uint64_t)row.state);
    named_bool(out, "signed", row.is_signed);
    named_bool(out, "late", row.late);
    named_bool(out, "minor", row.minor);
    named_bool(out, "urgent", row.urgent);
    named_bool(out, "life_danger", row.life_danger);
    named_u64(out, "submitted_ms", row.submitted_ms);
    named_u64(out, "delivered_ms", row.delivered_ms);
    named_u64(out, "due_before_ms", row.due_before_ms);
    named_u64(out, "answers", row.answers);
    named_u64(out, "late_answers", row.late_answers);
    named_bool(out, "final", row.final);
    named_u64(out, "window_days", row.window_days);
    named_u64(out, "whole_days", row.whole_days);
    write_bits(&row, out);
    json_object_end(out);
}

static void write_duties(struct page *page)
{
    struct json_writer *out = &page->duty_rows;
    struct statistics_duty row;

    for (uint32_t i = 0; statistics_duty_of(page->matter, i, &row) == OK; i++) {
        char due[CIVIL_TEXT_BYTES];

        civil_format(row.due_day, due);
        json_object_begin(out);
        named_text(out, "matter", page->matter->number);
        named_text(out, "duty", statistics_duty_word(row.kind)->id);
        named_text(out, "holder", agency_id(page, row.holder));
        named_text(out, "due", due);
        named_u64(out, "due_before_ms", row.due_before_ms);
        named_u64(out, "stopped_ms", row.stopped_ms);
        named_bool(out, "cancelled", row.cancelled);
        json_object_end(out);
    }
}

static enum err write_record(struct page *page, struct span packed)
{
    struct referral referral;
    enum err error;

    if (matter_is_packed(packed)) {
        error = matter_unpack(packed, page->matter);
        if (error == OK) {
            write_duties(page);
        }
        return error;
    }
    error = referral_unpack(packed, &referral);
    if (error == OK) {
        write_row(page, &referral);
    }
    return error;
}

/* --- the page --- */

/* Answers whether a next page is there, behind `at`. */
static enum err walk(struct page *page, uint64_t count, struct case_key *at, bool *first,
                     bool *ret_more)
{
    for (uint64_t i = 0;; i++) {
        struct case_key key;
        struct span packed;
        enum err error = cases_next(page->read, NULL, *first ? NULL : at, &key, &packed);

        if (error != OK) {
            *ret_more = false;
            return error == ERR_NOT_FOUND ? OK : error;
        }
        if (i >= count || page->out->out->len + page->duties.len > PAGE_BYTES) {
            *ret_more = true;
            return OK;
        }
        error = write_record(page, packed);
        if (error != OK) {
            return error;
        }
        *at = key;
        *first = false;
    }
}

static void write_next(struct json_writer *out, const struct case_key *key, bool more)
{
    uint8_t bytes[KEY_BYTES];
    char text[KEY_TEXT + 1];

    memcpy(bytes, key->case_id.bytes, UUID_BYTES);
    memcpy(bytes + UUID_BYTES, key->referral_id.bytes, UUID_BYTES);
    hex_encode(span_of(bytes, sizeof(bytes)), text);
    named_text(out, "next", more ? text : NULL);
}

static enum err read_after(const struct json_value *request, struct case_key *ret_key,
                           bool *ret_first, struct fault *fault)
{
    struct json_value value = json_member(request, "after");
    uint8_t bytes[KEY_BYTES];
    const char *text;
    enum err error;

    *ret_first = json_absent(&value);
    if (*ret_first) {
        return OK;
    }
    error = json_get_text(&value, KEY_TEXT, &text, fault);
    if (error == OK && hex_decode(text, bytes, sizeof(bytes)) != OK) {
        error = json_refuse(&value, fault, "status.key",
                            "expected the \"next\" of the page before: %u hexadecimal digits",
                            KEY_TEXT);
    }
    if (error == OK) {
        memcpy(ret_key->case_id.bytes, bytes, UUID_BYTES);
        memcpy(ret_key->referral_id.bytes, bytes + UUID_BYTES, UUID_BYTES);
    }
    return error;
}

static enum err write_page(struct page *page, uint64_t count, struct case_key *at, bool first)
{
    struct broker_clock clock;
    bool more = false;
    enum err error;

    broker_clock(page->ctx->broker, &clock);
    named_u64(page->out, "as_of_ms", clock.broker_ms);
    named_text(page->out, "calendar", calendar_version(broker_setup(page->ctx->broker)->calendar));
    json_name(page->out, "referrals");
    json_array_begin(page->out);
    json_array_begin(&page->duty_rows);
    error = walk(page, count, at, &first, &more);
    json_array_end(page->out);
    json_array_end(&page->duty_rows);
    if (error == OK) {
        error = json_writer_end(&page->duty_rows);
    }
    if (error == OK) {
        json_name(page->out, "duties");
        json_raw(page->out, span_buf(&page->duties));
        write_next(page->out, at, more);
    }
    return error;
}

enum err status_referrals(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    struct json_value wanted = json_member(request, "count");
    struct page page = {.ctx = ctx, .out = out};
    struct case_key at;
    uint64_t count = PAGE_ROWS_MAX;
    bool first = true;
    enum err error = read_after(request, &at, &first, fault);

    if (error == OK && !json_absent(&wanted)) {
        error = json_get_u64(&wanted, 1, PAGE_ROWS_MAX, &count, fault);
    }
    if (error != OK) {
        return error;
    }
    page.matter = malloc(sizeof(*page.matter));
    if (page.matter == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&page.duties, LIMIT_LOCAL_LINE_BYTES);
    json_writer_init(&page.duty_rows, &page.duties);
    error = store_read_begin(broker_setup(ctx->broker)->store, &page.read);
    if (error == OK) {
        error = write_page(&page, count, &at, first);
        store_read_end(page.read);
    }
    buf_free(&page.duties);
    free(page.matter);
    return error;
}

/* The status command `voids`: numbers that an agency gave and that belong to nothing (domain
 * section 1): the message that brought one was refused, or no message brought it. Computed from
 * what the broker saw: the numbers that were taken, and those of the newest refusals in the log. A
 * number behind the last one seen is not known here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/status_parts.h"
#include "model/numbers.h"
#include "store/audit.h"
#include "wire/codec.h"

#define SEEN_MAX 100000u /* numbers of one agency */
#define LOG_MAX  20000u  /* leaves looked at for refusals, newest first */

struct seen { /* a number, in the order in which they are compared */
    uint32_t kind, year, counter;
    bool refused;
};

struct refused_number { /* a refused message's number, and whose it is */
    char prefix[NUMBER_PREFIX_BYTES];
    struct seen seen;
};

struct voids {
    const struct status_context *ctx;
    struct store_txn *read;
    struct json_writer *out;
    struct refused_number *refused; /* owned */
    struct seen *seen;              /* owned: of the agency at hand */
    size_t refused_count, seen_count;
    unsigned rows;
    bool cut;
};

/* Case, register and matter numbers count; a referral's is its case's with a suffix. */
static bool read_number(const char *text, struct number *ret_number)
{
    static const enum number_kind kinds[] = {NUMBER_CASE, NUMBER_REGISTER, NUMBER_MATTER,
                                             NUMBER_REFERRAL};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (number_parse(kinds[i], text, ret_number) == OK) {
            return true;
        }
    }
    return false;
}

static struct seen seen_of(const struct number *number, bool refused)
{
    enum number_kind kind = number->kind == NUMBER_REFERRAL ? NUMBER_CASE : number->kind;

    return (struct seen){(uint32_t)kind, number->year, number->counter, refused};
}

static int compare(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    const uint32_t pairs[][2] = {
        {a->kind, b->kind}, {a->year, b->year}, {a->counter, b->counter}, {a->refused, b->refused}};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (pairs[i][0] != pairs[i][1]) {
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
        }
    }
    return 0;
}

/* --- what was refused --- */

static void keep_refused(struct voids *voids, const struct leaf_record *record)
{
    const struct agency *agency =
        registry_find(broker_setup(voids->ctx->broker)->registry, record->actor);
    struct number number;

    if (record->kind == LEAF_REFUSED && agency != NULL &&
        read_number(record->referral_number, &number) &&
        strcmp(number.prefix, agency->prefix) == 0) {
        struct refused_number *kept = &voids->refused[voids->refused_count++];

        memcpy(kept->prefix, number.prefix, sizeof(kept->prefix));
        kept->seen = seen_of(&number, true);
    }
}

static enum err read_refused(struct voids *voids)
{
    uint64_t size = 0, first;
    enum err error = audit_size(voids->read, &size);

    first = size > LOG_MAX ? size - LOG_MAX : 0;
    voids->cut = first > 0;
    for (uint64_t leaf = first; error == OK && leaf < size; leaf++) {
        struct leaf_record record;
        struct audit_entry entry;
        struct region region;

        error = audit_read(voids->read, leaf, &entry);
        if (error != OK) {
            break;
        }
        region_init(&region, LIMIT_PARSE_BYTES(entry.record.len));
        error = leaf_record_decode(entry.record, &region, &record, NULL);
        if (error == OK) {
            keep_refused(voids, &record);
        }
        region_free(&region);
    }
    return error;
}

/* --- of one agency --- */

static bool keep(struct voids *voids, const struct seen *seen)
{
    if (voids->seen_count == SEEN_MAX) {
        voids->cut = true;
        return false;
    }
    voids->seen[voids->seen_count++] = *seen;
    return true;
}

static enum err gather(struct voids *voids, const struct agency *agency)
{
    char prefix[NUMBER_PREFIX_BYTES + 1], text[LIMIT_NUMBER_BYTES] = "";
    bool more = true;
    enum err error = OK;

    voids->seen_count = 0;
    (void)snprintf(prefix, sizeof(prefix), "%s-", agency->prefix);
    for (size_t i = 0; more && i < voids->refused_count; i++) {
        if (strcmp(voids->refused[i].prefix, agency->prefix) == 0) {
            more = keep(voids, &voids->refused[i].seen);
        }
    }
    while (error == OK && more) {
        char next[LIMIT_NUMBER_BYTES];
        struct number number;

        error = number_after(voids->read, prefix, text, next);
        if (error == OK) {
            text_copy(text, sizeof(text), next);
        }
        if (error == OK && read_number(text, &number) && number.kind != NUMBER_REFERRAL) {
            struct seen taken = seen_of(&number, false);

            more = keep(voids, &taken);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static void write_void(struct voids *voids, const struct agency *agency, const struct seen *seen)
{
    struct number number = {
        .kind = (enum number_kind)seen->kind, .year = seen->year, .counter = seen->counter};
    char text[LIMIT_NUMBER_BYTES];

    if (voids->rows == STATUS_ROWS_MAX) {
        voids->cut = true;
        return;
    }
    voids->rows++;
    text_copy(number.prefix, sizeof(number.prefix), agency->prefix);
    number_format(&number, text);
    json_object_begin(voids->out);
    status_text(voids->out, "agency", agency->id);
    status_text(voids->out, "number", text);
    status_text(voids->out, "why", seen->refused ? "refused" : "left-out");
    json_object_end(voids->out);
}

/* Sorted, a number that was taken stands before the same one refused: only the first counts. */
static void write_voids(struct voids *voids, const struct agency *agency)
{
    struct seen last = {UINT32_MAX, 0, 0, false};

    qsort(voids->seen, voids->seen_count, sizeof(voids->seen[0]), compare);
    for (size_t i = 0; i < voids->seen_count; i++) {
        const struct seen *seen = &voids->seen[i];
        bool same_row = seen->kind == last.kind && seen->year == last.year;
        struct seen missing = {seen->kind, seen->year, same_row ? last.counter + 1 : 1, false};

        if (same_row && seen->counter == last.counter) {
            continue;
        }
        for (; missing.counter < seen->counter && voids->rows < STATUS_ROWS_MAX;
             missing.counter++) {
            write_void(voids, agency, &missing);
        }
        voids->cut = voids->cut || missing.counter < seen->counter;
        if (seen->refused) {
            write_void(voids, agency, seen);
        }
        last = *seen;
    }
}

static enum err answer(struct voids *voids)
{
    const struct registry *registry = broker_setup(voids->ctx->broker)->registry;
    enum err error = read_refused(voids);

    json_name(voids->out, "voids");
    json_array_begin(voids->out);
    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        error = gather(voids, registry_at(registry, i));
        if (error == OK) {
            write_voids(voids, registry_at(registry, i));
        }
    }
    json_array_end(voids->out);
    if (error == OK) {
        status_bool(voids->out, "truncated", voids->cut);
    }
    return error;
}

enum err status_voids(const struct status_context *ctx, const struct json_value *request,
                      struct json_writer *out, struct fault *fault)
{
    struct voids voids = {.ctx = ctx,
                          .out = out,
                          .refused = calloc(LOG_MAX, sizeof(struct refused_number)),
                          .seen = calloc(SEEN_MAX, sizeof(struct seen))};
    enum err error = voids.refused != NULL && voids.seen != NULL
                         ? store_read_begin(broker_setup(ctx->broker)->store, &voids.read)
                         : ERR_MEMORY;

    (void)request;
    (void)fault;
    if (error == OK) {
        error = answer(&voids);
    }
    store_read_end(voids.read);
    free(voids.refused);
    free(voids.seen);
    return error;
}

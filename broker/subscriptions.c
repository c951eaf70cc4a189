/* How: each pump gives each subscriber a share of leaves, unless lines wait for it to be taken. See
 * subscriptions.h. */
#include "broker/subscriptions.h"

#include <stdlib.h>
#include <string.h>

#include "broker/status_parts.h"
#include "io/local.h"
#include "store/audit.h"

#define SHARE_LEAVES 256u
#define QUEUED_BYTES (128u * 1024u) /* that wait for a subscriber: then it reads first */
#define LINE_BYTES   (16u * 1024u)

struct subscriber {
    uint64_t handle; /* 0: a free place */
    uint64_t next;   /* leaf */
    uint64_t spoken_ms;
    bool introduced; /* the agencies' state as of `told` was said */
};

struct told { /* of one agency */
    bool up;
    const char *state; /* one of status_agency_state's */
};

struct subscriptions {
    const struct status_context *ctx;
    struct local_server *server;
    struct told told[REGISTRY_NUMBER_MAX + 1]; /* by number: a reload moves places */
    uint64_t commits; /* seen, so that the log is only looked at when there may be more */
    struct subscriber rows[SUBSCRIPTIONS_MAX];
};

enum err subscriptions_new(const struct status_context *ctx, struct local_server *server,
                           struct subscriptions **ret_subscriptions)
{
    struct subscriptions *subscriptions = calloc(1, sizeof(*subscriptions));

    if (subscriptions == NULL) {
        return ERR_MEMORY;
    }
    subscriptions->ctx = ctx;
    subscriptions->server = server;
    *ret_subscriptions = subscriptions;
    return OK;
}

void subscriptions_free(struct subscriptions *subscriptions)
{
    free(subscriptions);
}

static struct subscriber *find(struct subscriptions *subscriptions, uint64_t handle)
{
    for (size_t i = 0; i < SUBSCRIPTIONS_MAX; i++) {
        if (subscriptions->rows[i].handle == handle) {
            return &subscriptions->rows[i];
        }
    }
    return NULL;
}

static uint64_t now_ms(const struct subscriptions *subscriptions)
{
    return io_boot_ms(&broker_setup(subscriptions->ctx->broker)->io);
}

enum err subscriptions_add(struct subscriptions *subscriptions, uint64_t handle, uint64_t next)
{
    struct subscriber *free_row = find(subscriptions, 0);

    if (find(subscriptions, handle) != NULL) {
        return ERR_EXISTS;
    }
    if (free_row == NULL) {
        return ERR_FULL;
    }
    *free_row =
        (struct subscriber){.handle = handle, .next = next, .spoken_ms = now_ms(subscriptions)};
    subscriptions->commits = UINT64_MAX; /* look at the log for it */
    local_keep(subscriptions->server, handle);
    return OK;
}

void subscriptions_gone(struct subscriptions *subscriptions, uint64_t handle)
{
    struct subscriber *row = find(subscriptions, handle);

    if (row != NULL) {
        row->handle = 0;
    }
}

size_t subscriptions_count(const struct subscriptions *subscriptions)
{
    size_t count = 0;

    for (size_t i = 0; i < SUBSCRIPTIONS_MAX; i++) {
        count += subscriptions->rows[i].handle != 0;
    }
    return count;
}

/* --- lines --- */

struct line {
    struct buf bytes;
    struct json_writer out;
};

static void line_begin(struct line *line)
{
    buf_init(&line->bytes, LINE_BYTES);
    json_writer_init(&line->out, &line->bytes);
    json_object_begin(&line->out);
    status_u64(&line->out, "schema", STATUS_SCHEMA);
}

/* A client that cannot be written to is closed by the server, which tells of it: it is no
 * subscriber any more then. */
static enum err line_send(struct subscriptions *subscriptions, struct subscriber *row,
                          struct line *line)
{
    enum err error;

    json_object_end(&line->out);
    error = json_writer_end(&line->out);
    if (error == OK &&
        local_reply(subscriptions->server, row->handle, span_buf(&line->bytes)) != OK) {
        row->handle = 0;
    }
    row->spoken_ms = now_ms(subscriptions);
    buf_free(&line->bytes);
    return error;
}

static bool is_throttled(const struct subscriptions *subscriptions, const struct subscriber *row)
{
    return local_queued(subscriptions->server, row->handle) >= QUEUED_BYTES;
}

/* --- agencies --- */

static size_t agency_count(const struct subscriptions *subscriptions)
{
    return registry_count(broker_setup(subscriptions->ctx->broker)->registry);
}

static struct told *told_of(struct subscriptions *subscriptions, size_t place)
{
    const struct registry *registry = broker_setup(subscriptions->ctx->broker)->registry;

    return &subscriptions->told[registry_at(registry, place)->number];
}

static enum err send_agency(struct subscriptions *subscriptions, struct subscriber *row,
                            size_t place)
{
    const struct broker *broker = subscriptions->ctx->broker;
    const struct told *told = told_of(subscriptions, place);
    struct line line;

    line_begin(&line);
    status_text(&line.out, "event", "agency");
    status_text(&line.out, "agency", registry_at(broker_setup(broker)->registry, place)->id);
    status_bool(&line.out, "up", told->up);
    status_text(&line.out, "state", told->state);
    status_u64(&line.out, "heard_ms", broker_heard_ms(broker, place));
    return line_send(subscriptions, row, &line);
}

/* What changed of an agency, to all who know the state before; who does not take it is told all
 * anew. */
static enum err tell_changes(struct subscriptions *subscriptions)
{
    enum err error = OK;

    for (size_t place = 0; error == OK && place < agency_count(subscriptions); place++) {
        struct told *told = told_of(subscriptions, place);
        struct told is = {.up = broker_agency_up(subscriptions->ctx->broker, place),
                          .state = status_agency_state(subscriptions->ctx, place)};

        if (told->state == is.state && told->up == is.up) {
            continue;
        }
        *told = is;
        for (size_t i = 0; error == OK && i < SUBSCRIPTIONS_MAX; i++) {
            struct subscriber *row = &subscriptions->rows[i];

            if (row->handle == 0 || !row->introduced) {
                continue;
            }
            if (is_throttled(subscriptions, row)) {
                row->introduced = false;
            } else {
                error = send_agency(subscriptions, row, place);
            }
        }
    }
    return error;
}

static enum err introduce(struct subscriptions *subscriptions, struct subscriber *row)
{
    enum err error = OK;

    row->introduced = true;
    for (size_t place = 0; error == OK && row->handle != 0 && place < agency_count(subscriptions);
         place++) {
        error = send_agency(subscriptions, row, place);
    }
    return error;
}

/* --- leaves --- */

/* A leaf that cannot be read is said to be there: nothing is passed over in silence. */
static enum err send_leaf(struct subscriptions *subscriptions, struct subscriber *row,
                          const struct audit_entry *entry)
{
    struct leaf_record record;
    struct region region;
    struct line line;
    enum err error = ERR_CORRUPT;

    region_init(&region, LIMIT_PARSE_BYTES(AUDIT_RECORD_BYTES));
    if (entry != NULL) {
        error = leaf_record_decode(entry->record, &region, &record, NULL);
    }
    if (error == ERR_MEMORY) {
        region_free(&region);
        return error;
    }
    line_begin(&line);
    if (error == OK) {
        status_leaf_write(row->next, &record, &line.out);
    } else {
        status_text(&line.out, "event", "unreadable");
        status_u64(&line.out, "position", row->next);
    }
    row->next++;
    region_free(&region);
    return line_send(subscriptions, row, &line);
}

static enum err send_share(struct subscriptions *subscriptions, struct subscriber *row,
                           struct store_txn *read)
{
    struct audit_walk walk;
    enum err error = audit_walk_open(read, row->next, &walk);

    if (error != OK) {
        return error;
    }
    for (unsigned i = 0; error == OK && i < SHARE_LEAVES && row->handle != 0; i++) {
        struct audit_entry entry;

        if (is_throttled(subscriptions, row)) {
            break;
        }
        error = audit_walk_next(&walk, &entry);
        if (error == OK || error == ERR_CORRUPT) {
            error = send_leaf(subscriptions, row, error == OK ? &entry : NULL);
        }
    }
    audit_walk_close(&walk);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Each gets its share; is anybody behind who takes what is sent? */
static enum err send_leaves(struct subscriptions *subscriptions, bool *ret_more)
{
    const struct broker_setup *setup = broker_setup(subscriptions->ctx->broker);
    struct store_txn *read;
    uint64_t size = 0;
    bool behind = false;
    enum err error = store_read_begin(setup->store, &read);

    if (error != OK) {
        return error;
    }
    error = audit_size(read, &size);
    for (size_t i = 0; error == OK && i < SUBSCRIPTIONS_MAX; i++) {
        struct subscriber *row = &subscriptions->rows[i];

        if (row->handle != 0 && row->next < size) {
            error = send_share(subscriptions, row, read);
        }
        if (row->handle != 0 && row->next < size) {
            behind = true;
            *ret_more = *ret_more || !is_throttled(subscriptions, row);
        }
    }
    store_read_end(read);
    if (behind) {
        subscriptions->commits = UINT64_MAX; /* look again, whether or not more is written */
    }
    return error;
}

/* --- heartbeats --- */

/* Whoever has lines that wait for it hears enough. */
static enum err send_heartbeats(struct subscriptions *subscriptions)
{
    uint64_t boot_ms = now_ms(subscriptions);
    struct broker_clock clock;
    enum err error = OK;

    broker_clock(subscriptions->ctx->broker, &clock);
    for (size_t i = 0; error == OK && i < SUBSCRIPTIONS_MAX; i++) {
        struct subscriber *row = &subscriptions->rows[i];
        struct line line;

        if (row->handle == 0 || boot_ms - row->spoken_ms < SUBSCRIPTIONS_SILENCE_MS ||
            local_queued(subscriptions->server, row->handle) > 0) {
            continue;
        }
        line_begin(&line);
        status_text(&line.out, "event", "heartbeat");
        json_name(&line.out, "position");
        json_i64(&line.out, (int64_t)row->next - 1);
        status_u64(&line.out, "at_ms", clock.wall_ms);
        error = line_send(subscriptions, row, &line);
    }
    return error;
}

/* What cannot be read now is tried again with the next pump; whoever waits hears no heartbeat. */
bool subscriptions_pump(struct subscriptions *subscriptions)
{
    struct broker_counts counts;
    bool more = false;
    enum err error;

    if (subscriptions_count(subscriptions) == 0) {
        return false;
    }
    broker_count(subscriptions->ctx->broker, &counts);
    error = tell_changes(subscriptions);
    for (size_t i = 0; error == OK && i < SUBSCRIPTIONS_MAX; i++) {
        struct subscriber *row = &subscriptions->rows[i];

        if (row->handle != 0 && !row->introduced && !is_throttled(subscriptions, row)) {
            error = introduce(subscriptions, row);
        }
    }
    if (error == OK && subscriptions->commits != counts.commits) {
        subscriptions->commits = counts.commits;
        error = send_leaves(subscriptions, &more);
    }
    if (error == OK) {
        error = send_heartbeats(subscriptions);
    }
    return error == OK && more;
}

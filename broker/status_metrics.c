/* The status command `metrics`: the broker's figures as Prometheus text, one member `text`. Names
 * are in docs/status-socket.md; deploy/alerts.yaml and deploy/grafana-dashboard.json use them. Rows
 * are counted by the store's own counters, so that being asked every few seconds costs nothing. */
#include "base/metrics.h"
#include "broker/load.h"
#include "broker/reload.h"
#include "broker/store_check.h"
#include "broker/status_parts.h"
#include "model/timekeeper.h"
#include "store/audit.h"
#include "store/queue.h"
#include "store/witness.h"
#include "wire/key_expiry.h"

#define P             "referral_broker_"
#define METRICS_BYTES ((size_t)512 * 1024)

static void write_counts(const struct status_context *ctx, struct metrics *to)
{
    struct broker_counts counts;

    broker_count(ctx->broker, &counts);
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {P "turns_total", "Turns of the loop", counts.turns},
        {P "commits_total", "Transactions that became durable", counts.commits},
        {P "requests_total", "Verified requests of agencies", counts.requests},
        {P "messages_total", "Messages that were taken", counts.messages},
        {P "refused_total", "Messages and requests that were refused", counts.refused},
        {P "strangers_total", "Requests that nobody known signed", counts.strangers},
        {P "notices_total", "Notices of the broker's own", counts.notices},
        {P "redated_total", "Dates that a new calendar moved", counts.redated},
        {P "attachment_received_bytes_total", "Bytes of attachments that came",
         counts.blob_bytes_in},
        {P "attachment_sent_bytes_total", "Bytes of attachments that went", counts.blob_bytes_out},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        metrics_one(to, rows[i].name, "counter", rows[i].help, rows[i].value);
    }
    metrics_one(to, P "parked_fetches", "gauge", "Agencies that wait for a message", counts.parked);
}

static void write_timings(const struct status_context *ctx, struct metrics *to)
{
    const struct broker_timings *timings = broker_timings(ctx->broker);

    metrics_histogram(to, P "turn_seconds", "A turn, from its clock to its answers",
                      histogram_quick_ms, &timings->turn);
    metrics_histogram(to, P "commit_seconds", "A commit with its sync", histogram_quick_ms,
                      &timings->commit);
    metrics_histogram(to, P "request_seconds", "A request, decided", histogram_quick_ms,
                      &timings->request);
    metrics_histogram(to, P "delivery_seconds", "From taken to received by its agency",
                      histogram_slow_ms, &timings->delivery);
    metrics_histogram(to, P "rung_late_seconds", "A rung, behind the instant at which it fell due",
                      histogram_slow_ms, &timings->rung_late);
    metrics_head(to, P "rungs_total", "counter", "Escalations that were raised");
    for (unsigned rung = 0; rung < RUNG_COUNT; rung++) {
        metrics_value(to, P "rungs_total", "rung", rung_id((enum rung)rung), timings->rungs[rung]);
    }
    metrics_head(to, P "scan_late_seconds", "gauge", "How late the look at what is due is, now");
    metrics_seconds(to, P "scan_late_seconds", NULL, NULL, broker_scan_late_ms(ctx->broker));
}

static void write_clock(const struct status_context *ctx, struct metrics *to)
{
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    metrics_one(to, P "clock_held", "gauge", "1: the clock is not confirmed, escalations wait",
                clock.hold != HOLD_NOT && clock.hold != HOLD_WAIT);
    metrics_one(to, P "calendar_missing_year", "gauge",
                "The year whose holiday notice is missing; 0: none", status_missing_year(ctx));
    metrics_one(to, P "redating", "gauge", "1: dates are being counted by a new calendar",
                broker_redating(ctx->broker));
}

static void write_link(const struct status_context *ctx, struct metrics *to)
{
    struct link_server_counts counts;

    if (ctx->link == NULL) {
        return;
    }
    link_server_count(ctx->link, &counts);
    metrics_one(to, P "connections", "gauge", "Connections now", counts.connections);
    metrics_one(to, P "connections_refused_total", "counter", "Connections over the bound",
                counts.connections_refused);
    metrics_one(to, P "connections_silent_total", "counter",
                "Connections that did not finish their negotiation in time", counts.silent_closed);
    metrics_one(to, P "connections_untrusted_total", "counter",
                "Connections whose certificate a reload did not take any more",
                counts.untrusted_closed);
    metrics_one(to, P "unread_answers_total", "counter", "Answers that were not read in time",
                counts.unread);
}

static void write_files(const struct status_context *ctx, struct metrics *to)
{
    struct backup_look look = {.has_last = false};
    struct broker_clock clock;
    struct key_ends ends = {broker_setup(ctx->broker)->keyring, broker_setup(ctx->broker)->calendar,
                            NULL, 0};

    broker_clock(ctx->broker, &clock);
    ends.now_ms = clock.broker_ms;
    key_endings_write(&ends, P "key_ends_working_days", to);

    if (ctx->reload != NULL && ctx->reload->loaded->tls_expiry_ms != 0) {
        metrics_head(to, P "certificate_expiry_timestamp_seconds", "gauge",
                     "When the broker's certificate ends");
        metrics_seconds(to, P "certificate_expiry_timestamp_seconds", NULL, NULL,
                        ctx->reload->loaded->tls_expiry_ms);
    }
    if (ctx->reload != NULL) {
        metrics_one(to, P "config_refused", "gauge",
                    "1: the last reload was refused and the old configuration stays",
                    ctx->reload->refused_ms > ctx->reload->done_ms);
    }
    if (ctx->check != NULL) {
        metrics_head(to, P "store_checked_timestamp_seconds", "gauge",
                     "When the store was last looked through; 0: not since the start");
        metrics_seconds(to, P "store_checked_timestamp_seconds", NULL, NULL, ctx->check->done_ms);
        metrics_one(to, P "store_damaged", "gauge", "1: the last look found damage",
                    ctx->check->state == STORE_CHECK_DAMAGED);
    }
    if (ctx->backup == NULL) {
        return;
    }
    backups_look(ctx->backup, &look);
    metrics_head(to, P "backup_last_timestamp_seconds", "gauge",
                 "When the last good backup was made; 0: never");
    metrics_seconds(to, P "backup_last_timestamp_seconds", NULL, NULL,
                    look.has_last ? look.last.info.made_ms : 0);
    metrics_one(to, P "backup_failures", "gauge", "Backups that failed since the last good one",
                look.failures);
}

struct waiting {
    uint64_t count, oldest_ms;
};

static enum err write_agencies(const struct status_context *ctx, struct store_txn *read,
                               struct metrics *to)
{
    static const struct {
        const char *name, *help;
    } rows[] = {{P "agency_up", "1: its agent was heard lately"},
                {P "agency_suspended", "1: an administrator suspended it"},
                {P "queue_messages", "Messages that wait for an agency"},
                {P "queue_oldest_seconds", "Age of the oldest message that waits for an agency"}};
    const struct registry *registry = broker_setup(ctx->broker)->registry;
    struct broker_clock clock;
    enum err error = OK;

    broker_clock(ctx->broker, &clock);
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        metrics_head(to, rows[row].name, "gauge", rows[row].help);
        for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
            const struct agency *agency = registry_at(registry, i);
            struct waiting waiting = {0, 0};

            if (agency->class == CLASS_ASSOCIATE) {
                continue; /* it has no agent */
            }
            error = row < 2 ? OK
                            : queue_waiting(read, agency->number, &waiting.count,
                                            row == 3 ? &waiting.oldest_ms : NULL);
            const uint64_t age_ms = waiting.oldest_ms != 0 && clock.broker_ms > waiting.oldest_ms
                                        ? clock.broker_ms - waiting.oldest_ms
                                        : 0;
            if (row == 3) {
                metrics_seconds(to, rows[row].name, "agency", agency->id, age_ms);
            } else {
                metrics_value(to, rows[row].name, "agency", agency->id,
                              row == 0   ? broker_agency_up(ctx->broker, i)
                              : row == 1 ? broker_suspended(ctx->broker, i)
                                         : waiting.count);
            }
        }
    }
    return error;
}

/* How far each agency has countersigned: beside log_leaves, how far it is behind. */
static enum err write_witnesses(const struct status_context *ctx, struct store_txn *read,
                                struct metrics *to)
{
    const struct registry *registry = broker_setup(ctx->broker)->registry;
    enum err error = OK;

    metrics_head(to, P "witnessed_leaves", "gauge", "Leaves that an agency has countersigned");
    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        struct witness_row row = {.size = 0};

        if (agency->class != CLASS_ASSOCIATE) {
            error = witness_get(read, agency->number, &row);
            error = error == ERR_NOT_FOUND ? OK : error;
            metrics_value(to, P "witnessed_leaves", "agency", agency->id, row.size);
        }
    }
    return error;
}

static enum err write_store(const struct status_context *ctx, struct store_txn *read,
                            struct metrics *to)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    uint64_t size = 0, dead = 0;
    enum err error = audit_size(read, &size);

    if (error == OK) {
        error = status_dead_count(ctx, read, &dead);
    }
    metrics_one(to, P "store_used_percent", "gauge", "Of the store's map",
                store_used_percent(setup->store));
    metrics_one(to, P "store_accepts", "gauge", "1: new messages are taken",
                store_accepts(setup->store));
    metrics_one(to, P "log_leaves", "gauge", "Leaves of the audit log", size);
    metrics_one(to, P "dead_letters", "gauge", "Dead letters that nobody settled", dead);
    return error;
}

enum err status_metrics_text(const struct status_context *ctx, struct buf *out)
{
    struct metrics to = {.out = out};
    struct store_txn *read;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    metrics_head(&to, P "info", "gauge", "The program; always 1");
    metrics_value(&to, P "info", "software", broker_setup(ctx->broker)->software, 1);
    write_counts(ctx, &to);
    write_timings(ctx, &to);
    write_clock(ctx, &to);
    write_link(ctx, &to);
    write_files(ctx, &to);
    error = write_agencies(ctx, read, &to);
    if (error == OK) {
        error = write_witnesses(ctx, read, &to);
    }
    if (error == OK) {
        error = write_store(ctx, read, &to);
    }
    store_read_end(read);
    return error == OK ? to.error : error;
}

enum err status_metrics(const struct status_context *ctx, const struct json_value *request,
                        struct json_writer *out, struct fault *fault)
{
    struct buf text;
    enum err error;

    (void)request;
    (void)fault;
    buf_init(&text, METRICS_BYTES);
    error = status_metrics_text(ctx, &text);
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    if (error == OK) {
        status_text(out, "text", (const char *)text.data);
    }
    buf_free(&text);
    return error;
}

/* The socket's command `metrics`: the agent's figures as Prometheus text, one member `text`. They
 * are counts, instants and lights; nothing of a case is among them. Loop thread. */
#include "agent/state.h"
#include "base/metrics.h"
#include "wire/key_expiry.h"

#define P             "referral_agent_"
#define FIGURES_BYTES 65536u

static void write_gauges(const struct agent *agent, struct metrics *to)
{
    const struct key_ends ends = {agent->setup.keyring, agent->setup.calendar,
                                  agent->setup.self->id, agent_wall_ms(agent)};
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {P "connected", "1: the broker answers", agent->connected && agent->greeted},
        {P "alarm", "1: the broker is not believed, or a proof does not fit",
         agent_alarm_text(agent)[0] != '\0'},
        {P "clock_held", "1: the broker's clock is not confirmed", agent->clock_held},
        {P "log_confirmed_records", "Of the broker's log, countersigned by a quorum of agencies",
         agent->witnessing.confirmed_size},
        {P "log_unconfirmed", "1: for a day no quorum confirmed what this agency countersigned",
         witness_is_late(agent)},
        {P "registry_matches", "1: the broker has the same registry", agent->registry_matches},
        {P "calendar_same", "1: the broker counts by the same calendar",
         counting_state(agent) == COUNTING_SAME},
        {P "store_used_percent", "Of the store's map", store_used_percent(agent->setup.store)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        metrics_one(to, rows[i].name, "gauge", rows[i].help, rows[i].value);
    }
    metrics_head(to, P "disconnected_timestamp_seconds", "gauge",
                 "Since when the broker is not reached; 0: it is");
    metrics_seconds(to, P "disconnected_timestamp_seconds", NULL, NULL, agent->unreached_ms);
    key_endings_write(&ends, P "key_ends_working_days", to);
}

static enum err write_rows(const struct agent *agent, struct metrics *to)
{
    static const struct {
        enum row_state state;
        const char *name, *help;
    } rows[] = {{ROW_WAITING, P "outbox_waiting", "Messages that wait for the broker"},
                {ROW_REFUSED, P "outbox_refused", "Messages that the broker refused"},
                {ROW_RECEIVED, P "inbox_received", "Messages that came"}};
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    for (size_t i = 0; error == OK && i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t total = 0;

        error = row_total(read, rows[i].state, &total);
        metrics_one(to, rows[i].name, "gauge", rows[i].help, total);
    }
    store_read_end(read);
    return error;
}

static void write_channels(const struct agent *agent, struct metrics *to)
{
    const struct notice_setup *setup = agent->setup.notices;

    if (agent->notifier == NULL || setup == NULL) {
        return;
    }
    metrics_head(to, P "notice_success_timestamp_seconds", "gauge",
                 "When a notice last went by a channel; 0: never");
    for (size_t i = 0; i < setup->channel_count; i++) {
        metrics_seconds(to, P "notice_success_timestamp_seconds", "channel",
                        setup->channels[i].name, agent->notifier->channels[i].ok_ms);
    }
    metrics_head(to, P "notice_failures", "gauge", "Failures of a channel in a row");
    for (size_t i = 0; i < setup->channel_count; i++) {
        metrics_value(to, P "notice_failures", "channel", setup->channels[i].name,
                      agent->notifier->channels[i].failures);
    }
}

enum err figures_answer(struct agent *agent, const struct json_value *request,
                        struct json_writer *out, struct fault *fault)
{
    struct buf text;
    struct metrics to = {.out = &text};
    enum err error;

    (void)request;
    (void)fault;
    buf_init(&text, FIGURES_BYTES);
    write_gauges(agent, &to);
    write_channels(agent, &to);
    error = write_rows(agent, &to);
    if (error == OK) {
        error = to.error;
    }
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    if (error == OK) {
        json_name(out, "text");
        json_text(out, (const char *)text.data);
    }
    buf_free(&text);
    return error;
}

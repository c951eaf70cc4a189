/* How: seconds are written from milliseconds by whole numbers. See metrics.h. */
#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000)
#define HOUR   (UINT64_C(3600) * SECOND)

const uint64_t histogram_quick_ms[HISTOGRAM_BUCKETS] = {1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000};
const uint64_t histogram_slow_ms[HISTOGRAM_BUCKETS] = {
    SECOND,   10 * SECOND, 60 * SECOND, 600 * SECOND, HOUR,
    4 * HOUR, 12 * HOUR,   24 * HOUR,   72 * HOUR,    168 * HOUR};

void histogram_add(struct histogram *histogram, const uint64_t bounds_ms[HISTOGRAM_BUCKETS],
                   uint64_t value_ms)
{
    size_t at = 0;

    while (at < HISTOGRAM_BUCKETS && value_ms > bounds_ms[at]) {
        at++;
    }
    histogram->counts[at]++;
    histogram->sum_ms += value_ms;
}

static void put(struct metrics *metrics, const char *fmt, ...) FORMAT(2, 3);

static void put(struct metrics *metrics, const char *fmt, ...)
{
    char line[512];
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    assert(len > 0 && (size_t)len < sizeof(line));
    if (metrics->error == OK) {
        metrics->error = buf_append(metrics->out, line, (size_t)len);
    }
}

void metrics_head(struct metrics *metrics, const char *name, const char *type, const char *help)
{
    put(metrics, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_value(struct metrics *metrics, const char *name, const char *label, const char *of,
                   uint64_t value)
{
    if (label == NULL) {
        put(metrics, "%s %" PRIu64 "\n", name, value);
    } else {
        put(metrics, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, of, value);
    }
}

void metrics_seconds(struct metrics *metrics, const char *name, const char *label, const char *of,
                     uint64_t value_ms)
{
    if (label == NULL) {
        put(metrics, "%s %" PRIu64 ".%03u\n", name, value_ms / SECOND,
            (unsigned)(value_ms % SECOND));
    } else {
        put(metrics, "%s{%s=\"%s\"} %" PRIu64 ".%03u\n", name, label, of, value_ms / SECOND,
            (unsigned)(value_ms % SECOND));
    }
}

void metrics_one(struct metrics *metrics, const char *name, const char *type, const char *help,
                 uint64_t value)
{
    metrics_head(metrics, name, type, help);
    metrics_value(metrics, name, NULL, NULL, value);
}

void metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                       const uint64_t bounds_ms[HISTOGRAM_BUCKETS],
                       const struct histogram *histogram)
{
    char part[128];
    uint64_t count = 0;

    metrics_head(metrics, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        count += histogram->counts[i];
        put(metrics, "%s_bucket{le=\"%" PRIu64 ".%03u\"} %" PRIu64 "\n", name,
            bounds_ms[i] / SECOND, (unsigned)(bounds_ms[i] % SECOND), count);
    }
    count += histogram->counts[HISTOGRAM_BUCKETS];
    put(metrics, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    (void)snprintf(part, sizeof(part), "%s_sum", name);
    metrics_seconds(metrics, part, NULL, NULL, histogram->sum_ms);
    (void)snprintf(part, sizeof(part), "%s_count", name);
    metrics_value(metrics, part, NULL, NULL, count);
}

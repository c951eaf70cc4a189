/* Figures in the text form of Prometheus: counters, gauges, histograms. A histogram is counted
 * where something happens, a few additions; everything is written when somebody asks. Names are
 * checked by promtool in a test. Pure; one thread, that of the owner. */
#ifndef REFERRAL_BASE_METRICS_H
#define REFERRAL_BASE_METRICS_H

#include "base/bytes.h"

#define HISTOGRAM_BUCKETS 10u

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* not cumulative; the last is beyond all bounds */
    uint64_t sum_ms;
};
/* Upper bounds in ms, rising. */
extern const uint64_t histogram_quick_ms[HISTOGRAM_BUCKETS]; /* 1 ms to 5 s: work */
extern const uint64_t histogram_slow_ms[HISTOGRAM_BUCKETS];  /* 1 s to a week: waiting */

void histogram_add(struct histogram *histogram, const uint64_t bounds_ms[HISTOGRAM_BUCKETS],
                   uint64_t value_ms);

struct metrics {     /* being written */
    struct buf *out; /* borrowed */
    enum err error;  /* sticks */
};

/* The two lines above the values of a name; `type` is "counter", "gauge" or "histogram". */
void metrics_head(struct metrics *metrics, const char *name, const char *type, const char *help);
/* A value; `label` NULL: it has none. Labels' values are ids of ours: nothing to escape. */
void metrics_value(struct metrics *metrics, const char *name, const char *label, const char *of,
                   uint64_t value);
/* A value of milliseconds, in seconds. */
void metrics_seconds(struct metrics *metrics, const char *name, const char *label, const char *of,
                     uint64_t value_ms);
/* Head and value of a name that has one. */
void metrics_one(struct metrics *metrics, const char *name, const char *type, const char *help,
                 uint64_t value);
void metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                       const uint64_t bounds_ms[HISTOGRAM_BUCKETS],
                       const struct histogram *histogram);

#endif

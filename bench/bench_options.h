/* The command line that the broker's benchmarks share: which broker, on which disk, which cases.
 * Ends the program on --help (0) and on a wrong option (2). Main thread. */
#ifndef REFERRAL_BENCH_OPTIONS_H
#define REFERRAL_BENCH_OPTIONS_H

#include "bench_city.h"

#define BENCH_CASES_MAX      64
#define BENCH_TRANSPORTS_MAX 3

struct bench_case {
    unsigned batch;     /* messages in a request, 1 to 256 */
    unsigned in_flight; /* requests at once, 1 to 64 */
};

struct bench_options {
    struct city_options city;
    const char
        *versus; /* a second broker: each case runs on one and then on the other; NULL none */
    const char *transports[BENCH_TRANSPORTS_MAX];
    size_t transport_count;
    struct bench_case cases[BENCH_CASES_MAX];
    size_t case_count;
    unsigned messages; /* prepared; a case sends at most these */
    double seconds;    /* a case sends no longer */
    unsigned rounds;   /* all cases so many times */
};

/* `doc` says what is measured; `messages` is the default. */
void bench_options_read(int argc, char **argv, const char *doc, unsigned messages,
                        struct bench_options *ret_options);

/* All rounds of all cases, on each broker in turn. */
size_t bench_options_runs(const struct bench_options *options);
struct bench_run {
    const char *broker;
    const char *transport;
    struct bench_case what;
};
struct bench_run bench_options_run(const struct bench_options *options, size_t index);

#endif

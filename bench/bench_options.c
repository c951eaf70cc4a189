/* How: argp, with lists separated by commas. */
#include "bench_options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define IN_FLIGHT_MAX    64u
#define MESSAGES_MAX     100000u /* a queue takes 100,000 */
#define SECONDS_DEFAULT  2.0
#define TRANSPORTS_KNOWN 3

static const char *const transports[TRANSPORTS_KNOWN] = {"ipc", "tcp", "tls"};
static const char default_cases[] = "1x1,1x64,8x8,64x8,256x4";
static const char all_cases[] = "1x1,1x8,1x64,8x1,8x8,8x64,64x1,64x8,64x64,256x1,256x4,256x16";

static void read_transports(struct argp_state *state, char *list, struct bench_options *options)
{
    char *rest = list;
    options->transport_count = 0;
    for (char *word = strsep(&rest, ","); word != NULL; word = strsep(&rest, ",")) {
        size_t i = 0;
        while (i < TRANSPORTS_KNOWN && strcmp(transports[i], word) != 0) {
            i++;
        }
        if (i == TRANSPORTS_KNOWN || options->transport_count == BENCH_TRANSPORTS_MAX) {
            argp_error(state, "--transports: expected a list of ipc, tcp, tls; got \"%s\"", word);
            return;
        }
        options->transports[options->transport_count++] = transports[i];
    }
}

static void read_cases(struct argp_state *state, const char *list, struct bench_options *options)
{
    const char *at = list;
    options->case_count = 0;
    while (*at != '\0' && options->case_count < BENCH_CASES_MAX) {
        struct bench_case *found = &options->cases[options->case_count++];
        int used = 0;
        if (sscanf(at, "%ux%u%n", &found->batch, &found->in_flight, &used) != 2 ||
            found->batch < 1 || found->batch > LIMIT_BATCH_COUNT || found->in_flight < 1 ||
            found->in_flight > IN_FLIGHT_MAX || (at[used] != '\0' && at[used] != ',')) {
            argp_error(state, "--cases: expected BATCHxIN_FLIGHT, 1x1 to 256x64; got \"%s\"", at);
            return;
        }
        at += used + (at[used] == ',');
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct bench_options *options = state->input;
    switch (key) {
    case 'b':
        options->city.broker = value;
        return 0;
    case 'v':
        options->versus = value;
        return 0;
    case 'g':
        options->city.sm = true;
        return 0;
    case 'e':
        options->city.mbedtls = true;
        return 0;
    case 'c':
        options->city.config = value;
        return 0;
    case 'f':
        options->city.folder = value;
        return 0;
    case 't':
        read_transports(state, value, options);
        return 0;
    case 'x':
        read_cases(state, strcmp(value, "all") == 0 ? all_cases : value, options);
        return 0;
    case 'm':
        if (sscanf(value, "%u", &options->messages) != 1 || options->messages < 1 ||
            options->messages > MESSAGES_MAX) {
            argp_error(state, "--messages: expected 1 to %u", MESSAGES_MAX);
        }
        return 0;
    case 's':
        if (sscanf(value, "%lf", &options->seconds) != 1 || options->seconds <= 0) {
            argp_error(state, "--seconds: expected a number above 0");
        }
        return 0;
    case 'r':
        if (sscanf(value, "%u", &options->rounds) != 1 || options->rounds < 1) {
            argp_error(state, "--rounds: expected a number above 0");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option argp_options[] = {
    {"broker", 'b', "PATH", 0, "The program (default: referral-broker beside this one)", 0},
    {"versus", 'v', "PATH", 0, "A second broker: each case runs on both, one after the other", 0},
    {"sm", 'g', NULL, 0, "The suite sm: SM2, SM3, SM4", 0},
    {"mbedtls", 'e', NULL, 0, "TLS at both ends by nng's own engine, not by OpenSSL", 0},
    {"config", 'c', "FOLDER", 0, "With agencies.yaml, policy.yaml, calendars (default: the tree's)",
     0},
    {"folder", 'f', "FOLDER", 0, "Where the store is made and measured (default: /var/tmp)", 0},
    {"transports", 't', "LIST", 0, "Of ipc, tcp, tls (default: all three)", 0},
    {"cases", 'x', "LIST", 0, "BATCHxIN_FLIGHT, or \"all\" (default: 1x1,1x64,8x8,64x8,256x4)", 0},
    {"messages", 'm', "N", 0, "Prepared; a case sends at most these", 0},
    {"seconds", 's', "S", 0, "A case sends no longer (default: 2)", 0},
    {"rounds", 'r', "N", 0, "All cases so many times (default: 1)", 0},
    {0}};

void bench_options_read(int argc, char **argv, const char *doc, unsigned messages,
                        struct bench_options *ret_options)
{
    const struct argp parser = {.options = argp_options, .parser = parse_option, .doc = doc};
    struct bench_options options = {
        .city = {.config = BENCH_CONFIG, .folder = "/var/tmp"},
        .transport_count = TRANSPORTS_KNOWN,
        .messages = messages,
        .seconds = SECONDS_DEFAULT,
        .rounds = 1,
    };
    memcpy(options.transports, transports, sizeof(transports));
    read_cases(NULL, default_cases, &options);
    argp_err_exit_status = 2;
    (void)argp_parse(&parser, argc, argv, 0, NULL, &options); /* ends the program by itself */
    *ret_options = options;
}

size_t bench_options_runs(const struct bench_options *options)
{
    size_t brokers = options->versus != NULL ? 2 : 1;
    return options->rounds * options->transport_count * options->case_count * brokers;
}

struct bench_run bench_options_run(const struct bench_options *options, size_t index)
{
    size_t brokers = options->versus != NULL ? 2 : 1;
    size_t place = index / brokers;
    return (struct bench_run){
        .broker = index % brokers == 0 ? options->city.broker : options->versus,
        .transport = options->transports[place / options->case_count % options->transport_count],
        .what = options->cases[place % options->case_count]};
}

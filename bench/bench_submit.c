/* Messages a second that the broker takes: verified, decided, durable, with a receipt each.
 *
 * A real referral-broker on a new store for each case; referrals of all agencies, sealed and signed
 * before the clock runs; so many requests in flight over a link for each agency; every receipt
 * judged after it. One JSON line a case on standard output, progress on standard error. Client and
 * broker share the machine. */
#include <stdio.h>
#include <stdlib.h>

#include "bench_load.h"
#include "bench_options.h"

#define MESSAGES_DEFAULT 50000u

static const char doc[] =
    "Durable, verified, receipted messages a second by a real broker, one JSON line a case.\v"
    "Examples:\n"
    "  bench_submit\n"
    "  bench_submit --transports tls --cases 1x1,64x8 --rounds 5";

struct measurement {
    struct bench_run run;
    size_t messages;
    double seconds;
    struct city_usage before, after;
    struct load_latency latency;
};

static void report(const struct city *city, struct measurement *done)
{
    double cpu = done->after.cpu_seconds - done->before.cpu_seconds;
    double kernel = done->after.system_seconds - done->before.system_seconds;
    (void)printf("{\"bench\":\"submit\",\"broker\":\"%s\",\"transport\":\"%s\",\"batch\":%u,\"in_"
                 "flight\":%u,"
                 "\"messages\":%zu,\"refused\":0,\"seconds\":%.3f,\"messages_per_second\":%.0f,"
                 "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"broker_cpu_us_per_message\":%.2f,"
                 "\"broker_kernel_percent\":%.0f,\"messages_per_commit\":%.1f}\n",
                 city->broker, done->run.transport, done->run.what.batch, done->run.what.in_flight,
                 done->messages, done->seconds, (double)done->messages / done->seconds,
                 latency_ms(&done->latency, 0.5), latency_ms(&done->latency, 0.99),
                 cpu * 1e6 / (double)done->messages, cpu > 0 ? 100 * kernel / cpu : 0,
                 (double)done->messages / (double)(done->after.commits - done->before.commits));
    (void)fflush(stdout);
}

/* Requests of one agency after the other in turn, each with messages of that agency. */
static struct load_request *sign_all(struct load *load, unsigned batch, size_t *ret_count)
{
    size_t agencies = load->city->agency_count;
    size_t each = load->message_count / agencies;
    size_t count = (each + batch - 1) / batch * agencies;
    struct load_request *requests = city_memory(load->city, count, sizeof(*requests));
    for (size_t i = 0; i < count; i++) {
        size_t first = i / agencies * batch;
        requests[i].agency = &load->city->agencies[i % agencies];
        requests[i].messages = &load->messages[i % agencies * each + first];
        requests[i].message_count = each - first < batch ? each - first : batch;
        load_submission(load, &requests[i]);
    }
    *ret_count = count;
    return requests;
}

static void run_case(struct load *load, double seconds, struct measurement *measurement)
{
    struct city *city = load->city;
    size_t count = 0;
    city_use(city, measurement->run.broker);
    city_start(city, measurement->run.transport, measurement->run.what.in_flight);
    (void)fprintf(stderr, "submit %s %ux%u (broker %d)\n", measurement->run.transport,
                  measurement->run.what.batch, measurement->run.what.in_flight, (int)city->process);
    load_greet(load);
    struct load_request *requests = sign_all(load, measurement->run.what.batch, &count);
    measurement->seconds = seconds;
    city_measure(city, &measurement->before);
    size_t sent =
        load_run(load, requests, count, measurement->run.what.in_flight, &measurement->seconds);
    city_measure(city, &measurement->after);
    for (size_t i = 0; i < count; i++) {
        if (i < sent) {
            load_judge(load, &requests[i]);
            measurement->messages += requests[i].message_count;
            latency_add(&measurement->latency, requests[i].answered_at - requests[i].sent_at);
        }
        load_request_free(&requests[i]);
    }
    free(requests);
    city_stop(city);
    report(city, measurement);
    latency_free(&measurement->latency);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct city city;
    struct load load = {.city = &city};
    bench_options_read(argc, argv, doc, MESSAGES_DEFAULT, &options);
    city_open(&options.city, &city);
    (void)fprintf(stderr, "sealing %u messages\n", options.messages);
    for (size_t i = 0; i < city.agency_count; i++) {
        load_prepare(&load, &city.agencies[i], options.messages / city.agency_count);
    }
    for (size_t i = 0; i < bench_options_runs(&options); i++) {
        struct measurement measurement = {.run = bench_options_run(&options, i)};
        run_case(&load, options.seconds, &measurement);
    }
    load_free(&load);
    city_close(&city);
    return 0;
}

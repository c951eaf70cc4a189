/* Messages a second that reach their receivers: fetched, and acknowledged each by a signed delivery
 * receipt, which is durable, opens the window and tells the sender.
 *
 * The procuratorate's referrals wait for the ten others before the clock runs. Then so many
 * receivers at once fetch, sign and acknowledge until nothing waits; with more requests in flight
 * than receivers, each has several acknowledgements under way. Signing is inside the measured time,
 * as it needs what was fetched. One JSON line a case on standard output, progress on standard
 * error. Client and broker share the machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_load.h"
#include "bench_options.h"
#include "wire/receipt.h"

#define MESSAGES_DEFAULT 20000u
#define FILL_BATCH       64u
#define FILL_IN_FLIGHT   8u

static const char doc[] =
    "Messages a second fetched and acknowledged by signed receipts, one JSON line a case.\v"
    "Examples:\n"
    "  bench_deliver\n"
    "  bench_deliver --transports tls --cases 1x1,64x8 --rounds 5";

struct round { /* one fetch and its acknowledgements; kept until they are judged */
    struct round *next;
    struct receiver *receiver; /* borrowed */
    struct load_request fetch;
    struct load_message *receipts; /* owned */
    struct load_request *acks;     /* owned */
    size_t ack_count;
    size_t answered;
};

struct delivering {
    struct load *load; /* borrowed */
    struct bench_run run;
    size_t next_agency; /* served by no receiver yet */
    double until;
    struct round *rounds; /* owned */
    size_t messages;
    double seconds;
    struct city_usage before, after;
    struct load_latency fetches, acks;
};

struct receiver { /* drains one agency after the other */
    struct delivering *delivering;
    struct city_agency *agency;
    unsigned window; /* acknowledgements under way at once */
};

static void fetched_cb(struct load_request *request, void *ctx);

static void fetch(struct receiver *receiver)
{
    struct delivering *delivering = receiver->delivering;
    size_t most = (size_t)delivering->run.what.batch * receiver->window;
    struct request_head head = {
        .kind = REQUEST_FETCH,
        .fetch.max_count = (uint32_t)(most < LIMIT_FETCH_COUNT ? most : LIMIT_FETCH_COUNT)};
    struct round *round = city_memory(delivering->load->city, 1, sizeof(*round));
    round->receiver = receiver;
    round->next = delivering->rounds;
    delivering->rounds = round;
    round->fetch =
        (struct load_request){.agency = receiver->agency, .done = fetched_cb, .ctx = round};
    load_sign(delivering->load, &round->fetch, &head);
    load_send(&round->fetch, receiver->agency->link);
}

/* Goes on with an agency that nobody serves yet; without one, this receiver is done. */
static void next_agency(struct receiver *receiver)
{
    struct delivering *delivering = receiver->delivering;
    struct city *city = delivering->load->city;
    while (delivering->next_agency < city->agency_count &&
           city->agencies[delivering->next_agency].agency->class == CLASS_PROCURATORATE) {
        delivering->next_agency++;
    }
    if (delivering->next_agency < city->agency_count) {
        receiver->agency = &city->agencies[delivering->next_agency++];
        fetch(receiver);
    }
}

static void acknowledged_cb(struct load_request *request, void *ctx)
{
    struct round *round = ctx;
    struct receiver *receiver = round->receiver;
    (void)request;
    if (++round->answered == round->ack_count && bench_seconds() < receiver->delivering->until) {
        fetch(receiver);
    }
}

/* The signed receipt for one delivery, with the place that its leaf names. */
static void write_receipt(struct round *round, const struct delivery *delivery,
                          struct region *region, struct load_message *ret_message)
{
    struct load *load = round->receiver->delivering->load;
    struct message message = {.body_present = false};
    struct leaf_record record;
    struct payload payload;
    struct fault fault = {.code = ""};
    city_need(load->city, payload_split(delivery->payload, &payload, &fault), "payload");
    city_need(load->city, header_decode(payload.header, region, &message.header, &fault), "header");
    city_need(load->city, leaf_record_decode(delivery->record, region, &record, &fault), "record");
    load_answer_header(round->receiver->agency, &message.header);
    message.header.kind = MESSAGE_DELIVERY;
    message.delivery.lane = record.stream.lane;
    message.delivery.stream_seq = record.stream.seq;
    message.delivery.leaf_index = delivery->leaf_index;
    message.delivery.leaf_hash = leaf_hash(delivery->salt, delivery->record);
    message.delivery.received_ms = message.header.created_ms;
    load_encode(load, &message, ret_message);
}

static void acknowledge(struct round *round, size_t count)
{
    struct receiver *receiver = round->receiver;
    struct delivering *delivering = receiver->delivering;
    size_t batch = delivering->run.what.batch;
    round->ack_count = (count + batch - 1) / batch;
    round->acks = city_memory(delivering->load->city, round->ack_count, sizeof(*round->acks));
    for (size_t i = 0; i < round->ack_count; i++) {
        size_t left = count - i * batch;
        struct request_head head = {.kind = REQUEST_ACK};
        struct load_request *ack = &round->acks[i];
        ack->agency = receiver->agency;
        ack->messages = &round->receipts[i * batch];
        ack->message_count = left < batch ? left : batch;
        ack->done = acknowledged_cb;
        ack->ctx = round;
        head.ack.count = (uint32_t)ack->message_count;
        load_sign(delivering->load, ack, &head);
        load_send(ack, receiver->agency->link);
    }
}

static void fetched_cb(struct load_request *request, void *ctx)
{
    struct round *round = ctx;
    struct receiver *receiver = round->receiver;
    struct delivering *delivering = receiver->delivering;
    struct region region;
    struct reply reply;
    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    load_open(delivering->load, request, REPLY_FETCH, &region, &reply);
    size_t count = reply.head.fetch.delivery_count;
    round->receipts = city_memory(delivering->load->city, count, sizeof(*round->receipts));
    for (size_t i = 0; i < count; i++) {
        write_receipt(round, &reply.head.fetch.deliveries[i], &region, &round->receipts[i]);
    }
    region_free(&region);
    if (count == 0) {
        next_agency(receiver);
    } else {
        acknowledge(round, count);
    }
}

/* Judges and frees all rounds. */
static void judge(struct delivering *delivering)
{
    while (delivering->rounds != NULL) {
        struct round *round = delivering->rounds;
        delivering->rounds = round->next;
        load_judge_deliveries(delivering->load, &round->fetch);
        if (round->ack_count > 0) {
            latency_add(&delivering->fetches, round->fetch.answered_at - round->fetch.sent_at);
        }
        for (size_t i = 0; i < round->ack_count; i++) {
            struct load_request *ack = &round->acks[i];
            load_judge(delivering->load, ack);
            latency_add(&delivering->acks, ack->answered_at - ack->sent_at);
            for (size_t k = 0; k < ack->message_count; k++, delivering->messages++) {
                buf_free(&round->receipts[i * delivering->run.what.batch + k].payload);
            }
            load_request_free(ack);
        }
        load_request_free(&round->fetch);
        free(round->acks);
        free(round->receipts);
        free(round);
    }
}

static struct city_agency *procuratorate(const struct city *city)
{
    size_t i = 0;
    while (i + 1 < city->agency_count && city->agencies[i].agency->class != CLASS_PROCURATORATE) {
        i++;
    }
    return &city->agencies[i];
}

/* All prepared messages into the queues. */
static void fill(struct load *load)
{
    size_t count = (load->message_count + FILL_BATCH - 1) / FILL_BATCH;
    struct load_request *requests = city_memory(load->city, count, sizeof(*requests));
    double no_end = 0;
    for (size_t i = 0; i < count; i++) {
        size_t left = load->message_count - i * FILL_BATCH;
        requests[i].agency = procuratorate(load->city);
        requests[i].messages = &load->messages[i * FILL_BATCH];
        requests[i].message_count = left < FILL_BATCH ? left : FILL_BATCH;
        load_submission(load, &requests[i]);
    }
    (void)load_run(load, requests, count, FILL_IN_FLIGHT, &no_end);
    for (size_t i = 0; i < count; i++) {
        load_judge(load, &requests[i]);
        load_request_free(&requests[i]);
    }
    free(requests);
}

static void report(struct delivering *done)
{
    double cpu = done->after.cpu_seconds - done->before.cpu_seconds;
    double kernel = done->after.system_seconds - done->before.system_seconds;
    (void)printf("{\"bench\":\"deliver\",\"broker\":\"%s\",\"transport\":\"%s\",\"batch\":%u,\"in_"
                 "flight\":%u,"
                 "\"messages\":%zu,\"refused\":0,\"seconds\":%.3f,\"messages_per_second\":%.0f,"
                 "\"fetch_p50_ms\":%.3f,\"fetch_p99_ms\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
                 "\"broker_cpu_us_per_message\":%.2f,\"broker_kernel_percent\":%.0f,"
                 "\"messages_per_commit\":%.1f}\n",
                 done->load->city->broker, done->run.transport, done->run.what.batch,
                 done->run.what.in_flight, done->messages, done->seconds,
                 (double)done->messages / done->seconds, latency_ms(&done->fetches, 0.5),
                 latency_ms(&done->fetches, 0.99), latency_ms(&done->acks, 0.5),
                 latency_ms(&done->acks, 0.99), cpu * 1e6 / (double)done->messages,
                 cpu > 0 ? 100 * kernel / cpu : 0,
                 (double)done->messages / (double)(done->after.commits - done->before.commits));
    (void)fflush(stdout);
}

static void run_case(struct delivering *delivering, double seconds)
{
    struct load *load = delivering->load;
    struct city *city = load->city;
    struct receiver receivers[64];
    size_t most = city->agency_count - 1;
    size_t count = delivering->run.what.in_flight < most ? delivering->run.what.in_flight : most;
    city_use(city, delivering->run.broker);
    city_start(city, delivering->run.transport, 64);
    (void)fprintf(stderr, "deliver %s %ux%u (broker %d)\n", delivering->run.transport,
                  delivering->run.what.batch, delivering->run.what.in_flight, (int)city->process);
    load_greet(load);
    fill(load);
    city_measure(city, &delivering->before);
    double from = bench_seconds();
    delivering->until = from + seconds;
    for (size_t i = 0; i < count; i++) {
        size_t extra = i < delivering->run.what.in_flight % count ? 1 : 0;
        receivers[i] =
            (struct receiver){.delivering = delivering,
                              .window = (unsigned)(delivering->run.what.in_flight / count + extra)};
        next_agency(&receivers[i]);
    }
    while (load->open > 0) {
        city_turn(city);
    }
    delivering->seconds = bench_seconds() - from;
    city_measure(city, &delivering->after);
    judge(delivering);
    city_stop(city);
    report(delivering);
    latency_free(&delivering->fetches);
    latency_free(&delivering->acks);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct city city;
    struct load load = {.city = &city};
    bench_options_read(argc, argv, doc, MESSAGES_DEFAULT, &options);
    city_open(&options.city, &city);
    (void)fprintf(stderr, "sealing %u messages\n", options.messages);
    load_prepare(&load, procuratorate(&city), options.messages);
    for (size_t i = 0; i < bench_options_runs(&options); i++) {
        struct delivering delivering = {.load = &load, .run = bench_options_run(&options, i)};
        run_case(&delivering, options.seconds);
    }
    load_free(&load);
    city_close(&city);
    return 0;
}

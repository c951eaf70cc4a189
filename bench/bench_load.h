/* What the benchmarks send and how they judge what comes back.
 *
 * Messages are sealed and signed before the clock runs, as far as sessions allow; replies are kept
 * and judged after it has stopped: the broker's signature, one receipt for each message, its leaf
 * under the checkpoint, accepted and not refused. One thread; what fails ends the program. */
#ifndef REFERRAL_BENCH_LOAD_H
#define REFERRAL_BENCH_LOAD_H

#include "bench_city.h"
#include "model/message.h"
#include "wire/envelope.h"

struct load_message {
    struct buf payload; /* owned: encoded Payload */
    struct uuid id;
    struct digest digest;
};

/* One request on its way, and its reply. */
struct load_request {
    struct load *load;          /* borrowed */
    struct city_agency *agency; /* borrowed: who signed it */
    struct buf bytes;           /* owned */
    struct digest head_digest;
    const struct load_message *messages; /* borrowed; NULL: a fetch */
    size_t message_count;
    double sent_at, answered_at;
    struct buf reply; /* owned */
    void (*done)(struct load_request *request, void *ctx);
    void *ctx;
};

struct load_latency {
    double *seconds; /* owned */
    size_t count;
    size_t cap;
};

struct load {
    struct city *city;
    struct load_message *messages; /* owned; of each agency `each`, one after the other */
    size_t message_count;
    size_t open; /* requests on their way */
    /* the newest checkpoint that was verified: receipts of a reply share it */
    uint8_t note[512];
    size_t note_bytes;
    struct digest root;
    uint64_t root_size;
};

void load_free(struct load *load);
/* `count` referrals by this agency, to the procuratorate or (its own) to the others in turn. */
void load_prepare(struct load *load, const struct city_agency *agency, size_t count);
/* Turns the header of a message that this agency received into that of an answer to it, with a new
 * id; the kind is the caller's. */
void load_answer_header(const struct city_agency *own, struct message_header *header);
/* Header, facts and sealed body, as the message says. */
void load_encode(struct load *load, const struct message *message,
                 struct load_message *ret_message);

/* A session for each agency; after city_start. */
void load_greet(struct load *load);
/* Encodes and signs; head->kind and what belongs to it are set by the caller. */
void load_sign(struct load *load, struct load_request *request, struct request_head *head);
void load_submission(struct load *load, struct load_request *request);
/* `done` is called with the reply in the request. */
void load_send(struct load_request *request, struct link_client *link);
void load_request_free(struct load_request *request);

/* The reply's head: signed by the broker, over this request, code 0, of this kind. */
void load_open(struct load *load, const struct load_request *request, enum reply_kind kind,
               struct region *region, struct reply *ret_reply);
/* Of a SUBMIT or an ACK: each message accepted, its leaf under a checkpoint of the broker. */
void load_judge(struct load *load, const struct load_request *request);
/* Of a FETCH. */
void load_judge_deliveries(struct load *load, const struct load_request *request);

/* Sends all, at most `in_flight` at once, until they are answered or no more is to be sent after
 * `seconds` (0: no end). Answers how many were sent, and how long it took. */
size_t load_run(struct load *load, struct load_request *requests, size_t count, size_t in_flight,
                double *seconds);

void latency_add(struct load_latency *latency, double seconds);
double latency_ms(struct load_latency *latency, double part); /* 0.5: the median; sorts */
void latency_free(struct load_latency *latency);

#endif

/* Who is told what and when: the part of the agent core that the rest of it sees, and what its
 * files share. Rows first (note.h), sending later, off the loop (agent_ops.notify).
 *
 * notify_add only writes rows, in the caller's transaction; whether and when they are sent is
 * decided at the end of a turn: office hours, the rate of a channel, waits after failures. Sent at
 * least once; twice only when the process ended between sending and writing that down. Loop
 * thread. */
#ifndef REFERRAL_AGENT_NOTICE_NOTIFY_H
#define REFERRAL_AGENT_NOTICE_NOTIFY_H

#include "agent/notice/note.h"
#include "base/json.h"

struct agent;
struct row;
struct message;

#define NOTIFY_TRIES_MAX 12u /* then a dead letter; a test has one */

struct channel_state {
    bool busy;
    bool unsettled; /* how the last one ended could not be written down yet */
    struct notice_outcome outcome;
    uint64_t ids[NOTICE_BATCH];  /* what is being sent */
    bool with_end[NOTICE_BATCH]; /* the end of the rung was said with it */
    size_t count;
    uint64_t look_ms; /* machine time of the next look; UINT64_MAX: nothing waits */
    uint64_t
        not_before_ms; /* machine time: after a failure, or the channel wants to be left alone */
    bool blocked;      /* the latter */
    uint32_t failures; /* in a row */
    uint64_t ok_ms;    /* wall time of the last success; 0: none yet */
    uint64_t held_ms;  /* wall time until which what waits is held; 0: it is not */
    uint64_t sent_ms[NOTICE_RATE_MAX]; /* machine times of the last sends, oldest first */
    size_t sent_count;
};

struct notifier {
    const struct notice_setup *setup; /* borrowed */
    struct channel_state channels[NOTICE_CHANNELS_MAX];
    struct note *batch; /* owned: NOTICE_BATCH, scratch */
    size_t turn;        /* the channel that is looked at first */
    uint64_t ahead_ms;  /* wall minus machine time at the last look: clocks may be moved */
};

/* NULL in *ret where nobody is to be told. What waits for a channel or an officer that is not
 * configured any more becomes a dead letter. */
enum err notify_new(struct agent *agent, struct notifier **ret_notifier) MUST_CHECK;
void notify_free(struct notifier *notifier); /* NULL allowed */

/* Rows for whoever is told. `row` NULL: an alarm; `message` NULL: it could not be read. */
enum err notify_add(struct agent *agent, struct store_txn *txn, const struct row *row,
                    const struct message *message) MUST_CHECK;
/* The broker's log goes on under another origin. */
enum err notify_add_new_log(struct agent *agent, struct store_txn *txn) MUST_CHECK;
/* Starts what may be sent now. */
void notify_start(struct agent *agent);
/* Machine time of the next look, UINT64_MAX: none. */
uint64_t notify_next_ms(const struct agent *agent, uint64_t now_ms);
/* "" when this officer has none there. */
const char *notify_address(const struct notice_setup *setup, size_t channel, const char *officer);
/* The channel has something new. */
void notify_look(struct agent *agent, size_t channel);

/* --- the socket --- */

/* Writes the member `channels`. */
enum err notify_status(const struct agent *agent, struct store_txn *read,
                       struct json_writer *out) MUST_CHECK;
enum err notify_answer_test(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err notify_answer_result(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err notify_answer_dead(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err notify_answer_retry(struct agent *agent, const struct json_value *request,
                             struct json_writer *out, struct fault *fault) MUST_CHECK;

#endif

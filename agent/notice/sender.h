/* Sends notices off the loop: each on a thread of the pool, at most a few at once, so that slow
 * servers leave threads for the rest; a hook as a child process. Loop thread. */
#ifndef REFERRAL_AGENT_NOTICE_SENDER_H
#define REFERRAL_AGENT_NOTICE_SENDER_H

#include "agent/notice/notice.h"
#include "io/loop.h"

#define SENDER_AT_ONCE 2u /* of the four threads of the pool */

struct sender;

typedef void (*sender_done_fn)(void *ctx, size_t channel, const struct notice_outcome *outcome);

/* Before there are threads. The setup is borrowed. ERR_MEMORY, ERR_IO. */
enum err sender_new(struct loop *loop, const struct notice_setup *setup, sender_done_fn done,
                    void *ctx, struct sender **ret_sender) MUST_CHECK;
/* After OK `done` is called once, later. ERR_BUSY: enough are under way. */
enum err sender_start(struct sender *sender, size_t channel,
                      const struct notice_sending *sending) MUST_CHECK;
/* Gives up what is under way, within a second or so, and calls `done` no more. NULL allowed. */
void sender_stop(struct sender *sender);
void sender_free(struct sender *sender); /* after loop_free; NULL allowed */

#endif

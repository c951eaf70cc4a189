/* Subscriptions on the status socket: every leaf of the log as one line, in its order, and when an
 * agency is heard no more.
 *
 * The log is the buffer: a subscriber is a place in it and reads on as fast as it takes the lines,
 * so that a slow one costs nothing and misses nothing, and one that was cut off goes on behind the
 * last position it saw, over restarts too. What is of agencies is state, not history: it is said
 * anew to each that subscribes. Loop thread; nothing is durable but the log itself. */
#ifndef REFERRAL_BROKER_SUBSCRIPTIONS_H
#define REFERRAL_BROKER_SUBSCRIPTIONS_H

#include "broker/status.h"

#define SUBSCRIPTIONS_MAX        32u
#define SUBSCRIPTIONS_TICK_MS    2500u /* call subscriptions_pump at least so often */
#define SUBSCRIPTIONS_SILENCE_MS 5000u /* then a heartbeat */

struct local_server;
struct subscriptions;

/* All borrowed for its life. `ctx` is what agencies' states are read by. */
enum err subscriptions_new(const struct status_context *ctx, struct local_server *server,
                           struct subscriptions **ret_subscriptions) MUST_CHECK;
void subscriptions_free(struct subscriptions *subscriptions); /* NULL allowed */

/* The client gets the leaves from `next` on, with the next pump. ERR_FULL; ERR_EXISTS: it has a
 * subscription. */
enum err subscriptions_add(struct subscriptions *subscriptions, uint64_t handle,
                           uint64_t next) MUST_CHECK;
void subscriptions_gone(struct subscriptions *subscriptions, uint64_t handle);
size_t subscriptions_count(const struct subscriptions *subscriptions);
/* At the end of each turn of the loop. True: there is more to be sent at once. */
bool subscriptions_pump(struct subscriptions *subscriptions);

#endif

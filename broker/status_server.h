/* The status socket of the daemon: who connects, what they may, and what is answered later than
 * their question. The answers themselves are status.h; what is streamed is subscriptions.h.
 *
 * Opened before the store, so that a socket that is in use stops the start early; it answers from
 * status_server_start on. Loop thread. Nothing is durable. */
#ifndef REFERRAL_BROKER_STATUS_SERVER_H
#define REFERRAL_BROKER_STATUS_SERVER_H

#include "broker/status.h"

struct inherited;
struct local_server;
struct loop;
struct status_server;

struct status_server_options { /* all borrowed for the server's life */
    struct loop *loop;
    const struct broker_config *config;
    struct inherited *inherited;
    void (*turn)(void *ctx); /* asks for a turn of the loop */
    void *ctx;
};

struct status_door { /* where somebody stands; all borrowed */
    const struct local_server *local;
    const struct broker_config *config;
    const uint32_t *groups; /* of roles_groups */
};
/* Who asks there, and what they may. Somebody of whom the system does not say who it is has no
 * role. */
struct status_peer status_peer_of(const struct status_door *door, uint64_t handle);

enum err status_server_open(const struct status_server_options *options, struct fault *fault,
                            struct status_server **ret_server) MUST_CHECK;
/* `context`: broker, clock and link; the rest of it is the server's. ERR_MEMORY. */
enum err status_server_start(struct status_server *server,
                             const struct status_context *context) MUST_CHECK;
/* There is no broker, for this reason, which answers every question from now on. Instead of
 * status_server_start. */
void status_server_fail(struct status_server *server, const struct fault *fault);
/* At the end of each turn of the loop, after the broker's. */
void status_server_turn(struct status_server *server);
/* Says what is left to be said and closes all. The broker must live. NULL allowed. */
void status_server_close(struct status_server *server);

#endif

/* The listeners of a link server: opening, renewing with new TLS files, and the self-probe that
 * brings back one that nng has stopped serving. For link_server only; loop thread. */
#ifndef REFERRAL_IO_LINK_LISTENER_H
#define REFERRAL_IO_LINK_LISTENER_H

#include "io/link_internal.h"
#include "io/loop.h"

struct link_listener {
    struct link_url url; /* with the port that it is bound to */
    nng_listener handle;
    bool listening;
};

struct probe; /* one running probe of all listeners */

struct link_listeners {
    struct loop *loop;
    nng_socket socket;
    struct link_listener each[LINK_LISTENERS_MAX];
    size_t count;
    char *tls_files[3];         /* owned: certificate, key, authority */
    nng_tls_config *tls_config; /* owned; NULL without tls listeners */
    struct loop_timer timer;
    uint64_t probe_ms;
    struct probe *probe; /* running, or NULL */
    uint64_t probes_failed;
    uint64_t renewed;
};

enum err link_listeners_open(struct link_listeners *listeners, struct loop *loop, nng_socket socket,
                             const struct link_server_options *options,
                             struct fault *fault) MUST_CHECK;
uint16_t link_listeners_port(const struct link_listeners *listeners, size_t index);
enum err link_listeners_reload(struct link_listeners *listeners, struct fault *fault) MUST_CHECK;
/* Ends the probing and frees; the sockets close with nng's socket. Zeroed is allowed. */
void link_listeners_fini(struct link_listeners *listeners);

#endif

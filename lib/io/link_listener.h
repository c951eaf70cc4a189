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
    _Atomic uint32_t id; /* of the handle, for nng's threads */
};

#define LINK_WATCH_FILES 2
/* What a probe on the pool works with: it may outlive the listeners, and then frees this. */
struct link_watch {
    struct link_listeners *listeners; /* NULL: they are gone */
    bool busy;                        /* a probe is running; loop thread */
    atomic_bool stop;
    char *tls_files[LINK_WATCH_FILES]; /* owned: certificate, key */
    _Atomic uint64_t accepted[LINK_LISTENERS_MAX];
    struct link_url urls[LINK_LISTENERS_MAX]; /* of the running probe, with what it found */
    bool asked[LINK_LISTENERS_MAX];
    enum link_probe_result found[LINK_LISTENERS_MAX];
    _Atomic uint64_t removed; /* connections that nng has taken down */
    bool reaper_stuck;        /* the probe's own were not, in time */
};

struct link_listeners {
    struct loop *loop;
    nng_socket socket;
    struct link_listener each[LINK_LISTENERS_MAX];
    size_t count;
    struct tls_config tls; /* owned; zeroed without tls listeners */
    struct loop_timer timer;
    uint64_t probe_ms;
    struct link_watch *watch; /* owned, unless a probe outlives us */
    uint64_t probes;
    uint64_t probes_failed;
    uint64_t renewed;
    uint64_t reaps_failed;
    unsigned stuck_probes; /* one after the other */
    link_stuck_fn on_stuck;
    void *ctx;
};

enum err link_listeners_open(struct link_listeners *listeners, struct loop *loop, nng_socket socket,
                             const struct link_server_options *options,
                             struct fault *fault) MUST_CHECK;
uint16_t link_listeners_port(const struct link_listeners *listeners, size_t index);
enum err link_listeners_reload(struct link_listeners *listeners, const struct link_tls *tls,
                               struct fault *fault) MUST_CHECK;
/* Any thread: a listener handed a connection over. */
void link_listeners_accepted(struct link_listeners *listeners, nng_listener handle);
/* Any thread: a connection of any listener was taken down. */
void link_listeners_removed(struct link_listeners *listeners);
/* Ends the probing. Zeroed is allowed. */
void link_listeners_stop(struct link_listeners *listeners);
/* After nng's socket was closed, and the listeners with it. Zeroed is allowed. */
void link_listeners_fini(struct link_listeners *listeners);

#endif

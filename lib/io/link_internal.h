/* What link_server, link_client, link_caller and link_probe share. Not for other floors. */
#ifndef REFERRAL_IO_LINK_INTERNAL_H
#define REFERRAL_IO_LINK_INTERNAL_H

#include <nng/nng.h>
#include <stdatomic.h>

#include "io/link.h"
#include "io/tls_engine.h"

#define LINK_URL_BYTES  160
#define LINK_HOST_BYTES 128
/* Between the end of operations and the close of the socket. nng 1.5 loses an operation of its own
 * when a connection closes between the header and the body of a message (its close then waits for
 * ever), so what is on the way is let in first: a server then reads one request a connection and no
 * more, a client the replies that are owed. */
#define LINK_QUIET_MS 100
#define LINK_CLOSE_MS 2000u /* how long nng may take to close a socket */

enum link_scheme { LINK_TLS, LINK_TCP, LINK_IPC, LINK_SCHEME_COUNT };

struct link_url {
    enum link_scheme scheme;
    char host[LINK_HOST_BYTES]; /* without brackets; for ipc the path */
    uint16_t port;              /* 0 for ipc, or "any" */
    bool bracketed;             /* an IPv6 literal */
};

/* Bounds of the schemes and forms above; `laboratory` admits tcp and ipc, tcp on loopback only.
 * ERR_INVALID or ERR_REFUSED with a fault. */
enum err link_url_parse(const char *text, bool laboratory, struct link_url *ret_url,
                        struct fault *fault) MUST_CHECK;
void link_url_format(const struct link_url *url, char out[LINK_URL_BYTES]);

/* Reads the files. Mutual: the peer must show a certificate of `ca_file`. The caller frees it with
 * tls_config_free; it is zeroed after an error. */
enum err link_tls_config(const struct link_tls *tls, nng_tls_mode mode, const char *server_name,
                         struct fault *fault, struct tls_config *ret_config) MUST_CHECK;

/* An nng result as ours, for set-up and for operations. */
enum err link_err(int nng_code);
/* As link_err, with a fault about `url`. OK stays OK. */
enum err link_refuse(int nng_code, const char *url, const char *action, struct fault *fault);

/* A message of these bytes; NULL when there is no memory. */
nng_msg *link_message(struct span bytes);

/* Runs fn(ctx) on a thread of its own and waits for it, at most `wait_ms`. False when it did not
 * end in time: it then goes on, and ctx is lost to it. Never fails to run it. */
bool link_run_bounded(void (*fn)(void *ctx), void *ctx, uint64_t wait_ms);

/* What link_probe needs; all borrowed during the call. */
struct link_probe_target {
    struct link_url url;
    const char *cert_file; /* tls only */
    const char *key_file;
    const _Atomic uint64_t *accepted; /* connections that the listener handed over so far */
    const atomic_bool *stop;          /* true: end soon */
};

enum link_probe_result {
    LINK_PROBE_DEAD,    /* did not hand the connection over in time */
    LINK_PROBE_UNKNOWN, /* somebody is there; more cannot be said */
    LINK_PROBE_ALIVE    /* handed it over; the connection has been closed again */
};

/* Blocking, on a pool thread: connects to an own listener as a peer would. */
enum link_probe_result link_probe(const struct link_probe_target *target, uint64_t wait_ms);
/* Blocking: true when the count is another than `before` in time, or it shall end soon. */
bool link_probe_count_moves(const _Atomic uint64_t *count, uint64_t before, const atomic_bool *stop,
                            uint64_t wait_ms);

#endif

/* What link_server, link_client, link_caller and link_probe share. Not for other floors. */
#ifndef REFERRAL_IO_LINK_INTERNAL_H
#define REFERRAL_IO_LINK_INTERNAL_H

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdatomic.h>

#include "io/link.h"

#define LINK_URL_BYTES  160
#define LINK_HOST_BYTES 128
#define LINK_CLOSE_MS   2000u /* how long nng may take to close a socket */

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
 * nng_tls_config_free. */
enum err link_tls_config(const struct link_tls *tls, nng_tls_mode mode, const char *server_name,
                         struct fault *fault, nng_tls_config **ret_config) MUST_CHECK;

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

/* Blocking, on a pool thread: connects to an own listener as a peer would. False when the listener
 * did not hand the connection over within `wait_ms`. */
bool link_probe(const struct link_probe_target *target, uint64_t wait_ms);

#endif

/* Request and reply between agents and the broker: nng REQ/REP over mutual TLS.
 *
 * A server has contexts (requests that can be open at once), listeners and a cap on connections; a
 * client has one socket for its whole life. The bytes mean nothing here: identity is the signature
 * inside them, TLS only gates and encrypts. Plain tcp and ipc exist in laboratory mode only.
 * Threads: the loop thread, but for link_request_fn, which nng's threads call in parallel. Nothing
 * is durable, and a reply that was sent may never arrive: the sender repeats its request.
 *
 * At most one handle is open per context; a request that is parked (long poll) holds its context,
 * so the contexts must be more than what may be parked. A peer that does not read its answers
 * within 30 s, or 250 ms when over half of the contexts wait for such peers, is not listened to for
 * 10 s. A connection that asks nothing for long is closed. */
#ifndef REFERRAL_IO_LINK_H
#define REFERRAL_IO_LINK_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/limits.h"

struct loop;
struct loop_item;

/* The TLS library of all links of a process; OpenSSL where nothing is chosen. Once, before the
 * first link. ERR_REFUSED: another is in use already; ERR_VERSION: this nng does not take it. */
enum link_engine { LINK_ENGINE_OPENSSL, LINK_ENGINE_MBEDTLS };
enum err link_engine_choose(enum link_engine engine, struct fault *fault) MUST_CHECK;
const char *link_engine_name(void);           /* with its version, for people */
extern const char *const link_engine_names[]; /* by that number, for options; NULL behind */

/* Whose certificate a peer has shown. Only our own engine knows (OpenSSL). */
struct link_peer {
    char agency[LIMIT_AGENCY_ID_BYTES]; /* its common name; empty where that is no agency's id */
    struct digest key;                  /* SHA-256 of its public key (SubjectPublicKeyInfo) */
};

/* PEM files. P-256 or Ed25519 certificates (mbedTLS: no Ed25519). */
struct link_tls {
    const char *cert_file; /* own certificate (with chain) */
    const char *key_file;
    const char *ca_file;     /* peers are accepted when signed by one of these */
    const char *crl_file;    /* revocation lists of these; NULL or "": there are none */
    const char *server_name; /* client only: the name in the server's certificate; NULL or "": the
                              * host of the url. There is no way to ask for none */
};

/* Are the files of one end usable? ERR_INVALID with a fault, as for opening a server. */
enum err link_tls_check(const struct link_tls *tls, struct fault *fault) MUST_CHECK;
/* Checks version and interposer before any socket is made (nng_compat.h) and says why not. */
enum err link_check(struct fault *fault) MUST_CHECK;

/* --- server --- */

struct link_server;

struct link_request {
    uint64_t handle;              /* for link_reply or link_drop; never 0, never used again */
    uint32_t pipe;                /* id of the connection; never 0 */
    const struct link_peer *peer; /* borrowed as the bytes; NULL: no certificate is known */
    struct span bytes;            /* borrowed: see the verdicts */
};

enum link_verdict {
    LINK_ANSWER,    /* the answer is in `ret_answer`; the request is over */
    LINK_HAND_OVER, /* `ret_item` is posted to the loop; bytes stay lent until link_reply/link_drop
                     */
    LINK_DROP       /* no answer; the connection stays */
};

/* On an nng thread, several at once: verify here. No store, no loop but by the hand-over, no
 * blocking, no other call on the link. `ret_answer` is an empty buf (max: LIMIT_REQUEST_BYTES) that
 * the link frees. `ret_item` is the caller's, embedded in what its run function needs. */
typedef enum link_verdict (*link_request_fn)(void *ctx, const struct link_request *request,
                                             struct buf *ret_answer, struct loop_item **ret_item);
/* On the loop thread, once: nng has lost an operation and takes no connection down any more. What
 * is open goes on, but only a new process is whole again: stop soon. Old nng only. */
typedef void (*link_stuck_fn)(void *ctx);
/* On the loop thread: the connection is gone; release what is parked for it. A request of that
 * connection may still come after (it raced): its long poll ends by its own time. */
typedef void (*link_gone_fn)(void *ctx, uint32_t pipe);

struct link_server_options {
    const char *const *urls; /* tls+tcp://HOST:PORT (port 0: any); laboratory: tcp://, ipc:// too */
    size_t url_count;        /* 1 .. LINK_LISTENERS_MAX */
    struct link_tls tls;     /* needed when a url is tls+tcp */
    bool laboratory;
    size_t context_count;     /* 1 .. 65536 */
    size_t connections_max;   /* in total; the excess is closed before it can send */
    size_t request_bytes_max; /* beyond it the connection is closed; 0: LIMIT_REQUEST_BYTES */
    uint64_t idle_ms;  /* a connection without a request for so long is closed; 0: LIMIT_IDLE_MS */
    uint64_t probe_ms; /* self-probe of the listeners; 0: 30 s. Only old nng needs and does it */
    link_request_fn on_request;
    link_gone_fn on_gone;   /* may be NULL */
    link_stuck_fn on_stuck; /* may be NULL */
    void *ctx;              /* borrowed until link_server_close returns */
};

#define LINK_LISTENERS_MAX 4

struct link_server_counts {
    uint64_t connections;         /* now, without those over the cap */
    uint64_t connections_refused; /* over the cap, since start */
    uint64_t requests;            /* since start */
    uint64_t contexts_held;       /* handed over and neither answered nor dropped, now */
    uint64_t unread;              /* answers that were not read in time, since start */
    uint64_t idle_closed;         /* connections that asked nothing for long, since start */
    uint64_t probes;              /* of all listeners, since start */
    uint64_t probes_failed;       /* since start */
    uint64_t reaps_failed; /* probes whose connection nng did not take down again: it is stuck, and
                            * only a new process helps (old nng can lose an operation) */
    uint64_t listeners_renewed; /* by a failed probe, since start */
    uint64_t silent_closed;     /* connections that did not finish the negotiation in time */
    uint64_t untrusted_closed;  /* connections whose certificate a reload did not take any more */
};

/* Listening on return. ERR_INVALID (options, url, key files: the fault says which), ERR_REFUSED (a
 * plain listener outside laboratory mode), ERR_BUSY (address in use), ERR_VERSION (nng does not
 * fit), ERR_MEMORY, ERR_IO. */
enum err link_server_open(struct loop *loop, const struct link_server_options *options,
                          struct fault *fault, struct link_server **ret_server) MUST_CHECK;
/* The port that the listener of urls[index] is bound to; 0 for ipc. */
uint16_t link_server_port(const struct link_server *server, size_t index);
void link_server_count(const struct link_server *server, struct link_server_counts *ret_counts);
/* From now on handshakes go by the files as they are now; connections go on, but those whose
 * certificate is not taken any more (revoked, ended, another authority) are closed. On failure the
 * old files hold. With mbedTLS listeners are closed and opened anew (same port, 4 ms), and so are
 * their connections. */
enum err link_server_reload_tls(struct link_server *server, const struct link_tls *tls,
                                struct fault *fault) MUST_CHECK;

/* Sends the answer and empties the buf. A handle that is not open is ignored (the bytes are freed):
 * a reply may lose its race with anything. */
void link_reply(struct link_server *server, uint64_t handle, struct buf *bytes);
/* Ends the request without an answer. A handle that is not open is ignored. */
void link_drop(struct link_server *server, uint64_t handle);
/* Ends a connection, e.g. of an agency whose key was revoked. Unknown ids are ignored. */
void link_disconnect(struct link_server *server, uint32_t pipe);

/* Shutdown, in this order, which nng does not survive otherwise:
 * drain: from now on no request is taken. Then loop_run_posted, commit, link_reply what is owed.
 * settle: waits until the replies have left (at most 200 ms). Then the store may be closed.
 * close: stops all operations, closes the socket on a helper thread. OK, or ERR_TIMEOUT when nng
 * did not return within 2 s: then the process must end by _exit and touch nothing of the link. */
void link_server_drain(struct link_server *server);
void link_server_settle(struct link_server *server);
enum err link_server_close(struct link_server *server) MUST_CHECK; /* NULL allowed */

/* --- client --- */

struct link_client;

/* OK with the answer, borrowed during the call; or no answer:
 * ERR_UNREACHABLE  it never left, there was no connection in time
 * ERR_TIMEOUT      it left, and no answer came in time
 * ERR_CLOSED       the connection broke before the answer, or the client is being closed
 * In the last two cases the server may have handled it: repeat it under the same ids. */
typedef void (*link_reply_fn)(void *ctx, enum err result, struct span reply);
/* A connection came or went; the first answer over it may be told before it. */
typedef void (*link_state_fn)(void *ctx, bool connected);

struct link_client_options {
    const char *url;
    struct link_tls tls;    /* needed when the url is tls+tcp */
    bool laboratory;        /* plain tcp:// and ipc:// allowed */
    size_t context_count;   /* requests at once, 1 .. 1024 */
    size_t reply_bytes_max; /* 0: LIMIT_REQUEST_BYTES */
    uint64_t watchdog_ms;   /* no connection for so long: dial anew; 0: 15 s */
    link_state_fn on_state; /* may be NULL */
    void *ctx;              /* borrowed until link_client_close returns */
};

/* Dials in the background and again for ever (100 ms .. 2 s apart). ERR_INVALID, ERR_REFUSED,
 * ERR_VERSION, ERR_MEMORY, ERR_IO as for the server; an unreachable server is none of them. */
enum err link_client_open(struct loop *loop, const struct link_client_options *options,
                          struct fault *fault, struct link_client **ret_client) MUST_CHECK;
bool link_client_connected(const struct link_client *client);
/* The next connection goes by the files as they are now; the one that is there goes on. On failure
 * the old ones hold. */
enum err link_client_reload_tls(struct link_client *client, const struct link_tls *tls,
                                struct fault *fault) MUST_CHECK;
/* The bytes are copied. ERR_BUSY: all contexts are in use; ERR_TOO_LARGE; ERR_MEMORY. After OK `fn`
 * is called exactly once, on the loop thread, never from within this call. A request that times out
 * on a connection that gave no sign of life since it left ends that connection (a silent peer). */
enum err link_client_request(struct link_client *client, struct span bytes, uint64_t timeout_ms,
                             link_reply_fn fn, void *ctx) MUST_CHECK;
/* Open requests get ERR_CLOSED before it returns. OK or ERR_TIMEOUT as link_server_close. */
enum err link_client_close(struct link_client *client) MUST_CHECK; /* NULL allowed */

/* --- blocking calls, without a loop: command lines, tests, simple benchmarks --- */

struct link_caller;

/* `options` without context_count, watchdog, on_state. One thread uses a caller at a time. */
enum err link_caller_open(const struct link_client_options *options, struct fault *fault,
                          struct link_caller **ret_caller) MUST_CHECK;
/* Appends the answer. ERR_UNREACHABLE, ERR_TIMEOUT, ERR_CLOSED, ERR_TOO_LARGE, ERR_MEMORY. */
enum err link_call(struct link_caller *caller, struct span bytes, uint64_t timeout_ms,
                   struct buf *ret_reply) MUST_CHECK;
void link_caller_close(struct link_caller *caller); /* NULL allowed */

#endif

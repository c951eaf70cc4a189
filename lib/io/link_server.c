/* The broker's end of a link: nng REP contexts, listeners, hand-over to the loop. See link.h.
 *
 * One context with one operation object makes a slot, which goes round:
 *     RECV (nng) -> on_request (nng thread) -> HELD (loop) -> SEND (nng) -> RECV
 * Who owns a slot is never in doubt: nng while an operation is open, the nng thread within its
 * callback, the loop while `held` is the handle. The loop takes a held slot by exchanging the
 * handle for 0, so a stale or doubled reply finds nothing.
 *
 * A peer that asks and never reads its answers keeps a slot in SEND for each of them, which nng
 * would let wait for ever. So an answer waits for a while, for a moment only when slots are short;
 * one that did not leave in time makes its connection deaf, whose questions are thrown away for
 * some seconds. Answers on the spot (to strangers, mostly) may fill a quarter of the slots. The
 * connection itself is not closed: nng 1.5 does not survive that while a message is coming in. */
#include "io/link.h"

#include <assert.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/link_internal.h"
#include "io/link_listener.h"
#include "io/link_pipes.h"
#include "io/loop.h"
#include "io/tls_deadline.h"

#define SETTLE_STEP_MS 5
#define SETTLE_MS      200u
#define PAUSE_MS       100 /* after a failed receive, lest it spins */
#define CONTEXTS_MAX   65536u
/* How long an answer may wait for its peer to read the ones before it. */
#define UNREAD_MS       30000
#define UNREAD_SHORT_MS 250    /* when over half of the slots wait so */
#define DEAF_MS         10000u /* how long such a peer is not listened to */
#define IDLE_TAKE       64u    /* idle connections ended at once */

enum slot_state { SLOT_RECV, SLOT_SEND, SLOT_PAUSE };

struct slot {
    struct link_server *server;
    nng_ctx ctx;
    nng_aio *aio;
    enum slot_state state; /* of the open operation */
    nng_msg *request;      /* lent to the loop while held */
    _Atomic uint64_t held; /* the open handle, or 0 */
    uint32_t generation;
    bool on_the_spot; /* this answer counts in server->spot_sending */
    uint32_t pipe;    /* of the newest request */
};

struct link_server {
    struct loop *loop;
    struct link_server_options options; /* strings and urls are not kept */
    nng_socket socket;
    struct link_listeners listeners;
    struct slot *slots;
    size_t slot_count;    /* those with an operation object */
    atomic_bool stopping; /* no new requests */
    bool closed;          /* no new operations either; loop thread */
    _Atomic uint64_t connections_refused;
    _Atomic uint64_t requests;
    _Atomic uint64_t contexts_held;
    _Atomic uint64_t sending;
    _Atomic uint64_t spot_sending;  /* of these, answered on the spot */
    _Atomic uint64_t last_reply_ms; /* machine's boot clock */
    _Atomic uint64_t unread;        /* answers that their peers did not read in time */
    struct link_pipes pipes;
    struct loop_timer idle_timer;
    uint64_t idle_closed; /* loop thread, as the next */
    uint64_t untrusted_closed;
};

/* --- slots --- */

static void slot_receive(struct slot *slot)
{
    if (atomic_load(&slot->server->stopping)) {
        return; /* no new operation while the socket is being closed */
    }
    slot->state = SLOT_RECV;
    nng_aio_set_timeout(slot->aio, NNG_DURATION_INFINITE);
    nng_ctx_recv(slot->ctx, slot->aio);
}

static void spot_done(struct slot *slot)
{
    if (slot->on_the_spot) {
        slot->on_the_spot = false;
        atomic_fetch_sub(&slot->server->spot_sending, 1);
    }
}

/* Takes the message. */
static void slot_send(struct slot *slot, nng_msg *message)
{
    struct link_server *server = slot->server;
    bool slots_short = atomic_fetch_add(&server->sending, 1) > server->options.context_count / 2;
    atomic_store(&server->last_reply_ms, clock_machine_ms());
    slot->state = SLOT_SEND;
    nng_aio_set_timeout(slot->aio, slots_short ? UNREAD_SHORT_MS : UNREAD_MS);
    nng_aio_set_msg(slot->aio, message);
    nng_ctx_send(slot->ctx, slot->aio);
}

static void slot_answer(struct slot *slot, struct span bytes)
{
    nng_msg *message = link_message(bytes);
    if (message == NULL) {
        spot_done(slot);
        slot_receive(slot); /* no memory to answer with: the peer repeats its request */
        return;
    }
    slot_send(slot, message);
}

/* An answer that the loop has no part in: it waits for no slow reader when slots are short. */
static void slot_answer_on_the_spot(struct slot *slot, struct span bytes)
{
    struct link_server *server = slot->server;
    if (atomic_load(&server->spot_sending) > server->options.context_count / 4) {
        slot_receive(slot);
        return;
    }
    atomic_fetch_add(&server->spot_sending, 1);
    slot->on_the_spot = true;
    slot_answer(slot, bytes);
}

/* The handle is open from before the caller's function sees it: what it hands over may be answered
 * at once. Index in the low half, so a handle finds its slot; never 0. */
static uint64_t slot_hold(struct slot *slot)
{
    uint64_t index = (uint64_t)(slot - slot->server->slots) + 1;
    slot->generation++;
    return (uint64_t)slot->generation << 32 | index;
}

static void slot_request(struct slot *slot, nng_msg *message, const struct link_peer *peer)
{
    struct link_server *server = slot->server;
    struct loop_item *item = NULL;
    struct buf answer;
    struct link_request request = {
        .handle = slot_hold(slot),
        .pipe = slot->pipe,
        .peer = peer,
        .bytes = span_of(nng_msg_body(message), nng_msg_len(message)),
    };
    atomic_fetch_add(&server->requests, 1);
    buf_init(&answer, LIMIT_REQUEST_BYTES);
    enum link_verdict verdict =
        server->options.on_request(server->options.ctx, &request, &answer, &item);
    if (verdict == LINK_HAND_OVER) {
        assert(item != NULL);
        slot->request = message;
        atomic_fetch_add(&server->contexts_held, 1);
        atomic_store(&slot->held, request.handle);
        loop_post(server->loop, item); /* from here on the slot is the loop's */
        buf_free(&answer);
        return;
    }
    nng_msg_free(message);
    if (verdict == LINK_ANSWER) {
        slot_answer_on_the_spot(slot, span_buf(&answer));
    } else {
        slot_receive(slot);
    }
    buf_free(&answer);
}

static void slot_received(struct slot *slot, int result)
{
    if (result == NNG_ECLOSED || result == NNG_ECANCELED) {
        return; /* only a shutdown does that */
    }
    if (result != 0) {
        if (!atomic_load(&slot->server->stopping)) {
            slot->state = SLOT_PAUSE;
            nng_sleep_aio(PAUSE_MS, slot->aio);
        }
        return;
    }
    nng_msg *message = nng_aio_get_msg(slot->aio);
    nng_aio_set_msg(slot->aio, NULL);
    if (atomic_load(&slot->server->stopping)) {
        nng_msg_free(message);
        return;
    }
    slot->pipe = (uint32_t)nng_pipe_id(nng_msg_get_pipe(message));
    struct link_peer peer = {.agency = ""};
    bool known = false;
    if (!link_pipes_heard(&slot->server->pipes, slot->pipe, clock_machine_ms(), &peer, &known)) {
        nng_msg_free(message);
        slot_receive(slot);
        return;
    }
    slot_request(slot, message, known ? &peer : NULL);
}

static void slot_sent(struct slot *slot, int result)
{
    if (result != 0) {
        nng_msg_free(nng_aio_get_msg(slot->aio));
        nng_aio_set_msg(slot->aio, NULL);
    }
    if (result == NNG_ETIMEDOUT) {
        atomic_fetch_add(&slot->server->unread, 1);
        link_pipes_deafen(&slot->server->pipes, slot->pipe, clock_machine_ms() + DEAF_MS);
    }
    atomic_fetch_sub(&slot->server->sending, 1);
    spot_done(slot);
    slot_receive(slot);
}

static void slot_cb(void *argument)
{
    struct slot *slot = argument;
    int result = nng_aio_result(slot->aio);
    switch (slot->state) {
    case SLOT_RECV:
        slot_received(slot, result);
        break;
    case SLOT_SEND:
        slot_sent(slot, result);
        break;
    case SLOT_PAUSE:
        slot_receive(slot);
        break;
    }
}

static enum err slot_open(struct link_server *server, struct slot *slot)
{
    slot->server = server;
    atomic_init(&slot->held, 0);
    int result = nng_aio_alloc(&slot->aio, slot_cb, slot);
    if (result == 0) {
        server->slot_count++;
        result = nng_ctx_open(&slot->ctx, server->socket);
    }
    return link_err(result);
}

/* --- the loop's half --- */

/* The slot of an open handle, from now on the caller's; NULL when it is not open. */
static struct slot *slot_take(struct link_server *server, uint64_t handle)
{
    uint64_t index = handle & UINT32_MAX;
    if (index == 0 || index > server->options.context_count) {
        return NULL;
    }
    struct slot *slot = &server->slots[index - 1];
    uint64_t expected = handle;
    if (!atomic_compare_exchange_strong(&slot->held, &expected, 0)) {
        return NULL;
    }
    atomic_fetch_sub(&server->contexts_held, 1);
    nng_msg_free(slot->request);
    slot->request = NULL;
    return slot;
}

void link_reply(struct link_server *server, uint64_t handle, struct buf *bytes)
{
    struct slot *slot = slot_take(server, handle);
    if (slot != NULL && !server->closed) {
        slot_answer(slot, span_buf(bytes));
    }
    buf_free(bytes);
}

void link_drop(struct link_server *server, uint64_t handle)
{
    struct slot *slot = slot_take(server, handle);
    if (slot != NULL && !server->closed) {
        slot_receive(slot);
    }
}

void link_disconnect(struct link_server *server, uint32_t pipe)
{
    (void)server;
    (void)nng_pipe_close((nng_pipe){.id = pipe}); /* gone already: what was wanted */
}

/* --- peers that ask nothing any more --- */

static void idle_look(void *ctx)
{
    struct link_server *server = ctx;
    uint64_t now_ms = clock_machine_ms();
    uint64_t idle_ms = server->options.idle_ms;
    uint32_t ids[IDLE_TAKE];
    if (now_ms > idle_ms) {
        size_t count = link_pipes_take_idle(&server->pipes, now_ms - idle_ms, ids, IDLE_TAKE);
        for (size_t i = 0; i < count; i++) {
            server->idle_closed += nng_pipe_close((nng_pipe){.id = ids[i]}) == 0;
        }
    }
    loop_timer_after(&server->idle_timer, idle_ms / 4 + 1);
}

/* --- connections --- */

struct gone {
    struct loop_item item; /* first: the item is the object */
    struct link_server *server;
    uint32_t pipe;
};

static void gone_run(struct loop_item *item)
{
    struct gone *gone = (struct gone *)item;
    const struct link_server_options *options = &gone->server->options;
    options->on_gone(options->ctx, gone->pipe);
    free(gone);
}

/* nng's threads. Only counts, closes the excess and posts: no socket may be opened or closed here.
 * A connection that was refused is none of ours while nng takes it down, which it does in its own
 * time: it is not counted, and takes nobody's place. */
static void pipe_added_cb(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct link_server *server = argument;
    (void)event;
    link_listeners_accepted(&server->listeners, nng_pipe_listener(pipe));
    struct link_peer peer;
    bool known = tls_peer_of(pipe, &peer);
    if (!link_pipes_add(&server->pipes, (uint32_t)nng_pipe_id(pipe), clock_machine_ms(),
                        known ? &peer : NULL)) {
        atomic_fetch_add(&server->connections_refused, 1);
        (void)nng_pipe_close(pipe); /* gone already: what was wanted */
    }
}

static void pipe_removed_cb(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct link_server *server = argument;
    (void)event;
    bool known = link_pipes_remove(&server->pipes, (uint32_t)nng_pipe_id(pipe));
    link_listeners_removed(&server->listeners);
    if (!known || server->options.on_gone == NULL || atomic_load(&server->stopping)) {
        return;
    }
    struct gone *gone = calloc(1, sizeof *gone);
    if (gone == NULL) {
        return; /* what is parked for it ends by its own time */
    }
    gone->item.run = gone_run;
    gone->server = server;
    gone->pipe = (uint32_t)nng_pipe_id(pipe);
    loop_post(server->loop, &gone->item);
}

/* --- life --- */

static enum err options_check(const struct link_server_options *options, struct fault *fault)
{
    assert(options->on_request != NULL);
    if (options->url_count < 1 || options->url_count > LINK_LISTENERS_MAX) {
        fault_set(fault, "link.listeners", "listen", "expected 1 to %d addresses, found %zu",
                  LINK_LISTENERS_MAX, options->url_count);
        return ERR_INVALID;
    }
    if (options->context_count < 1 || options->context_count > CONTEXTS_MAX ||
        options->connections_max < 1) {
        fault_set(fault, "link.bounds", "listen",
                  "expected 1 to %u contexts and at least one connection", CONTEXTS_MAX);
        return ERR_INVALID;
    }
    return link_check(fault);
}

static enum err socket_open(struct link_server *server, struct fault *fault)
{
    size_t bytes_max = server->options.request_bytes_max;
    int result = nng_rep0_open(&server->socket);
    if (result != 0) {
        server->socket = (nng_socket)NNG_SOCKET_INITIALIZER;
        return link_refuse(result, "nng", "open a socket", fault);
    }
    /* Before any listener: they take it over when they are made. */
    result = nng_socket_set_size(server->socket, NNG_OPT_RECVMAXSZ,
                                 bytes_max == 0 ? LIMIT_REQUEST_BYTES : bytes_max);
    if (result == 0) {
        result = nng_pipe_notify(server->socket, NNG_PIPE_EV_ADD_PRE, pipe_added_cb, server);
    }
    if (result == 0) {
        result = nng_pipe_notify(server->socket, NNG_PIPE_EV_REM_POST, pipe_removed_cb, server);
    }
    return link_refuse(result, "nng", "set up the socket", fault);
}

static enum err slots_open(struct link_server *server)
{
    server->slots = calloc(server->options.context_count, sizeof *server->slots);
    enum err error = server->slots == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < server->options.context_count && error == OK; i++) {
        error = slot_open(server, &server->slots[i]);
    }
    for (size_t i = 0; i < server->options.context_count && error == OK; i++) {
        slot_receive(&server->slots[i]);
    }
    return error;
}

enum err link_server_open(struct loop *loop, const struct link_server_options *options,
                          struct fault *fault, struct link_server **ret_server)
{
    enum err error = options_check(options, fault);
    if (error != OK) {
        return error;
    }
    struct link_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return ERR_MEMORY;
    }
    server->loop = loop;
    server->options = *options;
    if (server->options.idle_ms == 0) {
        server->options.idle_ms = LIMIT_IDLE_MS;
    }
    loop_timer_init(loop, &server->idle_timer, idle_look, server);
    error = link_pipes_init(&server->pipes, options->connections_max);
    if (error == OK) {
        error = socket_open(server, fault);
    }
    if (error == OK) {
        error = slots_open(server);
    }
    if (error == OK) {
        error = link_listeners_open(&server->listeners, loop, server->socket, options, fault);
    }
    if (error != OK) {
        enum err closing = link_server_close(server);
        return closing == OK ? error : closing; /* without peers it closes at once */
    }
    idle_look(server);
    *ret_server = server;
    return OK;
}

uint16_t link_server_port(const struct link_server *server, size_t index)
{
    return link_listeners_port(&server->listeners, index);
}

/* Those who came by a certificate that is not taken any more. */
static void close_untrusted(struct link_server *server)
{
    uint32_t ids[IDLE_TAKE];
    size_t count, at = 0;
    do {
        count = link_pipes_list(&server->pipes, &at, ids, IDLE_TAKE);
        for (size_t i = 0; i < count; i++) {
            nng_pipe pipe = {.id = ids[i]};
            struct link_peer peer;
            if (tls_peer_of(pipe, &peer) && !tls_peer_is_trusted(pipe)) {
                server->untrusted_closed += nng_pipe_close(pipe) == 0;
            }
        }
    } while (count > 0);
}

enum err link_server_reload_tls(struct link_server *server, const struct link_tls *tls,
                                struct fault *fault)
{
    enum err error = link_listeners_reload(&server->listeners, tls, fault);
    if (error == OK) {
        close_untrusted(server);
    }
    return error;
}

void link_server_count(const struct link_server *server, struct link_server_counts *ret_counts)
{
    *ret_counts = (struct link_server_counts){
        .connections = link_pipes_count(&server->pipes),
        .connections_refused = atomic_load(&server->connections_refused),
        .requests = atomic_load(&server->requests),
        .contexts_held = atomic_load(&server->contexts_held),
        .unread = atomic_load(&server->unread),
        .idle_closed = server->idle_closed,
        .silent_closed = tls_deadline_count(),
        .untrusted_closed = server->untrusted_closed,
        .probes = server->listeners.probes,
        .probes_failed = server->listeners.probes_failed,
        .reaps_failed = server->listeners.reaps_failed,
        .listeners_renewed = server->listeners.renewed,
    };
}

void link_server_drain(struct link_server *server)
{
    atomic_store(&server->stopping, true);
}

/* nng has no linger: a send that has ended may still be in nng's hands. */
void link_server_settle(struct link_server *server)
{
    assert(atomic_load(&server->stopping));
    while (clock_machine_ms() < atomic_load(&server->last_reply_ms) + SETTLE_MS) {
        nng_msleep(SETTLE_STEP_MS);
    }
}

/* On a helper thread, before the socket closes: the other order hangs nng. */
static void operations_stop(void *argument)
{
    struct link_server *server = argument;
    for (size_t i = 0; i < server->slot_count; i++) {
        nng_aio_stop(server->slots[i].aio);
    }
}

/* On a helper thread; nothing else touches the server any more. */
static void socket_close(void *argument)
{
    struct link_server *server = argument;
    nng_msleep(LINK_QUIET_MS);
    for (size_t i = 0; i < server->slot_count; i++) {
        if (server->slots[i].request != NULL) {
            nng_msg_free(server->slots[i].request);
        }
        nng_aio_free(server->slots[i].aio);
    }
    if (nng_socket_id(server->socket) > 0) {
        (void)nng_close(server->socket); /* closed once, here */
    }
}

enum err link_server_close(struct link_server *server)
{
    if (server == NULL) {
        return OK;
    }
    atomic_store(&server->stopping, true);
    loop_timer_clear(&server->idle_timer);
    link_listeners_stop(&server->listeners);
    if (!link_run_bounded(operations_stop, server, LINK_CLOSE_MS)) {
        return ERR_TIMEOUT;
    }
    server->closed = true;
    loop_run_posted(server->loop); /* what was handed over still reads its request */
    if (!link_run_bounded(socket_close, server, LINK_CLOSE_MS)) {
        return ERR_TIMEOUT;
    }
    link_listeners_fini(&server->listeners);
    loop_run_posted(server->loop); /* connections that went before still name the server */
    link_pipes_fini(&server->pipes);
    free(server->slots);
    free(server);
    return OK;
}

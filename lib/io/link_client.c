/* The agent's end of a link: one nng REQ socket for its whole life, one context a request at once.
 * See link.h.
 *
 * A slot goes: free (loop) -> SEND (nng) -> RECV (nng) -> posted -> its function (loop) -> free.
 * nng never resends: a connection that breaks ends the request, and the agent repeats it under the
 * same ids. Sending has to wait for a connection; the time that this takes is the request's own. */
#include "io/link.h"

#include <assert.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/link_dial.h"
#include "io/link_internal.h"
#include "io/loop.h"

#define WATCHDOG_MS  15000u /* more than the 10 s that nng gives a silent server */
#define CONTEXTS_MAX 1024u

enum slot_state { SLOT_SEND, SLOT_RECV };

struct client_slot {
    struct loop_item item; /* first: the item is the slot */
    struct link_client *client;
    nng_ctx ctx;
    nng_aio *aio;
    bool busy;             /* loop: from the request to its function's call */
    enum slot_state state; /* of the open operation */
    uint64_t due_ms;       /* machine's boot clock */
    uint64_t sent_ms;      /* it left, or had to wait until due */
    enum err result;
    nng_msg *reply; /* owned until the function was called */
    link_reply_fn fn;
    void *ctx_fn;
};

struct link_client {
    struct loop *loop;
    link_state_fn on_state;
    void *ctx;
    struct link_dial dial;
    struct client_slot *slots;
    size_t slot_count;
    size_t context_count;
    struct loop_timer watchdog;
    uint64_t watchdog_ms;
    atomic_bool stopping;
    bool closed;                    /* loop thread */
    _Atomic uint64_t last_reply_ms; /* to any request */

    struct loop_item state_item;
    atomic_bool state_posted;
    _Atomic uint32_t pipe; /* nng's threads: the connection, or 0 */
    uint32_t pipe_known;   /* loop: what on_state was told */
};

/* --- a request --- */

static void slot_post(struct client_slot *slot, enum err result, nng_msg *reply)
{
    slot->result = result;
    slot->reply = reply;
    loop_post(slot->client->loop, &slot->item);
}

/* The time left, at least 1 ms: zero would mean "for ever" to nng's default. */
static nng_duration time_left(uint64_t due_ms, uint64_t now_ms)
{
    uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 1;
    return left_ms > INT32_MAX ? INT32_MAX : (nng_duration)left_ms;
}

static void slot_sent(struct client_slot *slot, int result)
{
    slot->sent_ms = clock_machine_ms();
    if (result != 0) {
        nng_msg_free(nng_aio_get_msg(slot->aio));
        nng_aio_set_msg(slot->aio, NULL);
        slot_post(slot, result == NNG_ETIMEDOUT ? ERR_UNREACHABLE : link_err(result), NULL);
        return;
    }
    if (atomic_load(&slot->client->stopping)) {
        slot_post(slot, ERR_CLOSED, NULL);
        return;
    }
    slot->state = SLOT_RECV;
    nng_aio_set_timeout(slot->aio, time_left(slot->due_ms, slot->sent_ms));
    nng_ctx_recv(slot->ctx, slot->aio);
}

static void slot_received(struct client_slot *slot, int result)
{
    nng_msg *reply = NULL;
    if (result == 0) {
        reply = nng_aio_get_msg(slot->aio);
        nng_aio_set_msg(slot->aio, NULL);
        atomic_store(&slot->client->last_reply_ms, clock_machine_ms());
    }
    slot_post(slot, link_err(result), reply);
}

static void slot_cb(void *argument)
{
    struct client_slot *slot = argument;
    int result = nng_aio_result(slot->aio);
    if (slot->state == SLOT_SEND) {
        slot_sent(slot, result);
    } else {
        slot_received(slot, result);
    }
}

/* No answer, to this or another request, since it left: the peer or the way to it is silently gone,
 * which TCP tells only after hours. Its connection is still this one, or it had been ended. */
static void silence_check(struct link_client *client, const struct client_slot *slot)
{
    if (slot->result == ERR_TIMEOUT && atomic_load(&client->last_reply_ms) < slot->sent_ms) {
        (void)nng_pipe_close((nng_pipe){.id = atomic_load(&client->pipe)}); /* gone: dials anew */
    }
}

/* The slot is free before the function is called: it may make the next request. */
static void slot_run(struct loop_item *item)
{
    struct client_slot *slot = (struct client_slot *)item;
    nng_msg *reply = slot->reply;
    struct span bytes = {.data = NULL, .len = 0};
    silence_check(slot->client, slot);
    if (reply != NULL) {
        bytes = span_of(nng_msg_body(reply), nng_msg_len(reply));
    }
    slot->reply = NULL;
    slot->busy = false;
    slot->fn(slot->ctx_fn, slot->result, bytes);
    if (reply != NULL) {
        nng_msg_free(reply);
    }
}

static struct client_slot *slot_find_free(struct link_client *client)
{
    for (size_t i = 0; i < client->slot_count; i++) {
        if (!client->slots[i].busy) {
            return &client->slots[i];
        }
    }
    return NULL;
}

enum err link_client_request(struct link_client *client, struct span bytes, uint64_t timeout_ms,
                             link_reply_fn fn, void *ctx)
{
    if (bytes.len > LIMIT_REQUEST_BYTES) {
        return ERR_TOO_LARGE;
    }
    struct client_slot *slot = client->closed ? NULL : slot_find_free(client);
    if (slot == NULL) {
        return client->closed ? ERR_CLOSED : ERR_BUSY;
    }
    nng_msg *message = link_message(bytes);
    if (message == NULL) {
        return ERR_MEMORY;
    }
    uint64_t now_ms = clock_machine_ms();
    slot->fn = fn;
    slot->ctx_fn = ctx;
    slot->due_ms = timeout_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + timeout_ms;
    slot->busy = true;
    slot->state = SLOT_SEND;
    nng_aio_set_timeout(slot->aio, time_left(slot->due_ms, now_ms));
    nng_aio_set_msg(slot->aio, message);
    nng_ctx_send(slot->ctx, slot->aio);
    return OK;
}

/* --- the connection --- */

static void state_post(struct link_client *client)
{
    if (!atomic_load(&client->stopping) && !atomic_exchange(&client->state_posted, true)) {
        loop_post(client->loop, &client->state_item);
    }
}

static void pipe_added_cb(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct link_client *client = argument;
    (void)event;
    atomic_store(&client->pipe, (uint32_t)nng_pipe_id(pipe));
    state_post(client);
}

static void pipe_removed_cb(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct link_client *client = argument;
    uint32_t expected = (uint32_t)nng_pipe_id(pipe);
    (void)event;
    if (atomic_compare_exchange_strong(&client->pipe, &expected, 0)) {
        state_post(client);
    }
}

static void state_tell(struct link_client *client, bool connected)
{
    if (client->on_state != NULL) {
        client->on_state(client->ctx, connected);
    }
}

/* Several changes may have become one: another connection means that the first one went. */
static void state_run(struct loop_item *item)
{
    struct link_client *client =
        (struct link_client *)((char *)item - offsetof(struct link_client, state_item));
    atomic_store(&client->state_posted, false);
    uint32_t pipe = atomic_load(&client->pipe);
    uint32_t known = client->pipe_known;
    if (pipe == known || client->closed) {
        return;
    }
    client->pipe_known = pipe;
    if (pipe == 0) {
        loop_timer_after(&client->watchdog, client->watchdog_ms);
    } else {
        loop_timer_clear(&client->watchdog);
    }
    if (known != 0) {
        state_tell(client, false);
    }
    if (pipe != 0) {
        state_tell(client, true);
    }
}

/* nng can lose a dialer (a receive that starts after its stream failed waits for ever), so one that
 * has been without a connection for long is replaced. */
static void watchdog_cb(void *ctx)
{
    struct link_client *client = ctx;
    link_dial_renew(&client->dial);
    loop_timer_after(&client->watchdog, client->watchdog_ms);
}

bool link_client_connected(const struct link_client *client)
{
    return atomic_load(&client->pipe) != 0;
}

enum err link_client_reload_tls(struct link_client *client, const struct link_tls *tls,
                                struct fault *fault)
{
    return link_dial_reload(&client->dial, tls, fault);
}

/* --- life --- */

static enum err slots_open(struct link_client *client)
{
    client->slots = calloc(client->context_count, sizeof *client->slots);
    enum err error = client->slots == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < client->context_count && error == OK; i++) {
        struct client_slot *slot = &client->slots[i];
        slot->client = client;
        slot->item.run = slot_run;
        int result = nng_aio_alloc(&slot->aio, slot_cb, slot);
        if (result == 0) {
            client->slot_count++;
            result = nng_ctx_open(&slot->ctx, client->dial.socket);
        }
        error = link_err(result);
    }
    return error;
}

static enum err client_set_up(struct link_client *client, const struct link_client_options *options,
                              struct fault *fault)
{
    enum err error = link_dial_open(&client->dial, options, fault);
    if (error != OK) {
        return error;
    }
    int result = nng_pipe_notify(client->dial.socket, NNG_PIPE_EV_ADD_POST, pipe_added_cb, client);
    if (result == 0) {
        result =
            nng_pipe_notify(client->dial.socket, NNG_PIPE_EV_REM_POST, pipe_removed_cb, client);
    }
    error = link_refuse(result, options->url, "set up the socket", fault);
    if (error == OK) {
        error = slots_open(client);
    }
    return error == OK ? link_dial_start(&client->dial, fault) : error;
}

enum err link_client_open(struct loop *loop, const struct link_client_options *options,
                          struct fault *fault, struct link_client **ret_client)
{
    assert(options->context_count >= 1 && options->context_count <= CONTEXTS_MAX);
    struct link_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return ERR_MEMORY;
    }
    client->loop = loop;
    client->on_state = options->on_state;
    client->ctx = options->ctx;
    client->context_count = options->context_count;
    client->state_item.run = state_run;
    client->watchdog_ms = options->watchdog_ms == 0 ? WATCHDOG_MS : options->watchdog_ms;
    loop_timer_init(loop, &client->watchdog, watchdog_cb, client);
    enum err error = client_set_up(client, options, fault);
    if (error != OK) {
        enum err closing = link_client_close(client);
        return closing == OK ? error : closing; /* without a peer it closes at once */
    }
    loop_timer_after(&client->watchdog, client->watchdog_ms);
    *ret_client = client;
    return OK;
}

/* On a helper thread, before the socket closes. */
static void operations_stop(void *argument)
{
    struct link_client *client = argument;
    for (size_t i = 0; i < client->slot_count; i++) {
        nng_aio_stop(client->slots[i].aio);
    }
}

/* On a helper thread; nothing else touches the client any more. */
static void socket_close(void *argument)
{
    struct link_client *client = argument;
    nng_msleep(LINK_QUIET_MS);
    for (size_t i = 0; i < client->slot_count; i++) {
        nng_aio_free(client->slots[i].aio);
    }
    link_dial_close(&client->dial);
}

/* A stopped operation that nng did not call back for would leave its request without an answer. */
static void slots_finish(struct link_client *client)
{
    for (size_t i = 0; i < client->slot_count; i++) {
        struct client_slot *slot = &client->slots[i];
        if (slot->busy) {
            slot->result = ERR_CLOSED;
            slot_run(&slot->item);
        }
    }
}

enum err link_client_close(struct link_client *client)
{
    if (client == NULL) {
        return OK;
    }
    atomic_store(&client->stopping, true);
    client->closed = true;
    loop_timer_clear(&client->watchdog);
    if (!link_run_bounded(operations_stop, client, LINK_CLOSE_MS)) {
        return ERR_TIMEOUT;
    }
    loop_run_posted(client->loop);
    slots_finish(client);
    if (!link_run_bounded(socket_close, client, LINK_CLOSE_MS)) {
        return ERR_TIMEOUT;
    }
    loop_run_posted(client->loop);
    free(client->slots);
    free(client);
    return OK;
}

/* Blocking requests without a loop. See link.h. One context, one operation object, waited for. */
#include "io/link.h"

#include <nng/nng.h>
#include <stdlib.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/link_dial.h"
#include "io/link_internal.h"

struct link_caller {
    struct link_dial dial;
    nng_ctx ctx;
    nng_aio *aio;
};

enum err link_caller_open(const struct link_client_options *options, struct fault *fault,
                          struct link_caller **ret_caller)
{
    struct link_caller *caller = calloc(1, sizeof *caller);
    if (caller == NULL) {
        return ERR_MEMORY;
    }
    enum err error = link_dial_open(&caller->dial, options, fault);
    if (error == OK) {
        int result = nng_aio_alloc(&caller->aio, NULL, NULL);
        if (result == 0) {
            result = nng_ctx_open(&caller->ctx, caller->dial.socket);
        }
        error = link_refuse(result, options->url, "set up the socket", fault);
    }
    if (error == OK) {
        error = link_dial_start(&caller->dial, fault);
    }
    if (error != OK) {
        link_caller_close(caller);
        return error;
    }
    *ret_caller = caller;
    return OK;
}

/* Waits for the open operation: its result. */
static int finish(struct link_caller *caller)
{
    nng_aio_wait(caller->aio);
    return nng_aio_result(caller->aio);
}

static enum err call_send(struct link_caller *caller, struct span bytes, nng_duration wait_ms)
{
    nng_msg *message = link_message(bytes);
    if (message == NULL) {
        return ERR_MEMORY;
    }
    nng_aio_set_timeout(caller->aio, wait_ms);
    nng_aio_set_msg(caller->aio, message);
    nng_ctx_send(caller->ctx, caller->aio);
    int result = finish(caller);
    if (result != 0) {
        nng_msg_free(message);
        nng_aio_set_msg(caller->aio, NULL);
    }
    return result == NNG_ETIMEDOUT ? ERR_UNREACHABLE : link_err(result);
}

static enum err call_receive(struct link_caller *caller, nng_duration wait_ms,
                             struct buf *ret_reply)
{
    nng_aio_set_timeout(caller->aio, wait_ms);
    nng_ctx_recv(caller->ctx, caller->aio);
    int result = finish(caller);
    if (result != 0) {
        return link_err(result);
    }
    nng_msg *reply = nng_aio_get_msg(caller->aio);
    enum err error = buf_append(ret_reply, nng_msg_body(reply), nng_msg_len(reply));
    nng_aio_set_msg(caller->aio, NULL);
    nng_msg_free(reply);
    return error;
}

enum err link_call(struct link_caller *caller, struct span bytes, uint64_t timeout_ms,
                   struct buf *ret_reply)
{
    uint64_t start_ms = clock_machine_ms();
    uint64_t bounded_ms = timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms;
    if (bytes.len > LIMIT_REQUEST_BYTES) {
        return ERR_TOO_LARGE;
    }
    enum err error = call_send(caller, bytes, (nng_duration)bounded_ms);
    if (error != OK) {
        return error;
    }
    uint64_t spent_ms = clock_machine_ms() - start_ms;
    uint64_t left_ms = bounded_ms > spent_ms ? bounded_ms - spent_ms : 1;
    return call_receive(caller, (nng_duration)left_ms, ret_reply);
}

static void caller_shut(void *argument)
{
    struct link_caller *caller = argument;
    if (caller->aio != NULL) {
        nng_aio_stop(caller->aio);
        nng_aio_free(caller->aio);
    }
    link_dial_close(&caller->dial);
}

void link_caller_close(struct link_caller *caller)
{
    if (caller != NULL && link_run_bounded(caller_shut, caller, LINK_CLOSE_MS)) {
        free(caller); /* otherwise nng still has it: the process is about to end */
    }
}

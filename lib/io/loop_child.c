/* Child processes of the loop: bytes in, exit status out, ended when they take too long. See
 * loop.h.
 *
 * A child leads a session and process group of its own, so that ending it ends what it began. */
#include "io/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/loop_internal.h"

#define CHILD_GRACE_MS 2000u /* between SIGTERM and SIGKILL */

struct loop_child {
    struct loop *loop;
    struct loop_child *prev, *next; /* of loop->children */
    uv_process_t process;
    uv_pipe_t input;
    uv_write_t write;
    uint8_t *bytes; /* owned; input not yet written */
    struct loop_timer timer;
    int open_handles;
    bool started;
    bool ended; /* for taking too long, or by loop_free */
    loop_child_fn done;
    void *ctx;
    struct loop_child_result result;
};

static void child_unlink(struct loop_child *child)
{
    if (child->prev != NULL) {
        child->prev->next = child->next;
    } else {
        child->loop->children = child->next;
    }
    if (child->next != NULL) {
        child->next->prev = child->prev;
    }
}

static void child_closed_cb(uv_handle_t *handle)
{
    struct loop_child *child = handle->data;
    if (--child->open_handles > 0) {
        return;
    }
    child_unlink(child);
    if (child->started) {
        child->done(child->ctx, &child->result);
    }
    free(child->bytes);
    free(child);
}

static void input_close(struct loop_child *child)
{
    uv_handle_t *handle = (uv_handle_t *)&child->input;
    if (!uv_is_closing(handle)) {
        uv_close(handle, child_closed_cb);
    }
}

static void child_exit_cb(uv_process_t *process, int64_t exit_status, int term_signal)
{
    struct loop_child *child = process->data;
    loop_timer_clear(&child->timer);
    child->result.error = child->ended ? ERR_TIMEOUT : OK;
    child->result.exit_status = (int)exit_status;
    child->result.signal = term_signal;
    input_close(child);
    uv_close((uv_handle_t *)process, child_closed_cb);
}

static void group_signal(const struct loop_child *child, int number)
{
    (void)kill(-child->process.pid, number); /* gone already: its exit is on the way */
}

static void child_late_cb(void *ctx)
{
    struct loop_child *child = ctx;
    group_signal(child, child->ended ? SIGKILL : SIGTERM);
    if (!child->ended) {
        child->ended = true;
        loop_timer_after(&child->timer, CHILD_GRACE_MS);
    }
}

void loop_children_kill(struct loop *loop)
{
    for (struct loop_child *child = loop->children; child != NULL; child = child->next) {
        if (child->started && uv_is_active((uv_handle_t *)&child->process)) {
            child->ended = true;
            group_signal(child, SIGKILL);
        }
    }
}

static void input_written_cb(uv_write_t *write, int status)
{
    struct loop_child *child = write->data;
    (void)status; /* a child that reads no input has its reasons; its exit status tells */
    input_close(child);
}

/* Copies the input and begins to write it. A child that does not read just gets no end of it. */
static enum err input_begin(struct loop_child *child, struct span input)
{
    uv_buf_t piece;
    if (input.len == 0) {
        input_close(child);
        return OK;
    }
    assert(input.len <= UINT32_MAX);
    child->bytes = malloc(input.len);
    if (child->bytes == NULL) {
        return ERR_MEMORY;
    }
    memcpy(child->bytes, input.data, input.len);
    child->write.data = child;
    piece = uv_buf_init((char *)child->bytes, (unsigned)input.len);
    return loop_err(
        uv_write(&child->write, (uv_stream_t *)&child->input, &piece, 1, input_written_cb));
}

static int child_spawn(struct loop_child *child, const struct loop_child_options *options)
{
    static const char *const plain[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    const char *const *environment = options->environment == NULL ? plain : options->environment;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&child->input},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    uv_process_options_t process = {
        .exit_cb = child_exit_cb,
        .file = options->argv[0],
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    /* libuv's interface lacks the const that exec promises; it changes neither list. */
    memcpy(&process.args, &options->argv, sizeof process.args);
    memcpy(&process.env, &environment, sizeof process.env);
    return uv_spawn(&child->loop->uv, &child->process, &process);
}

/* The pipe, then the process: the child owns open_handles of them, each closed once. */
static enum err child_open(struct loop_child *child, const struct loop_child_options *options)
{
    int result = uv_pipe_init(&child->loop->uv, &child->input, 0);
    assert(result == 0); /* only fills the handle */
    child->input.data = child;
    child->process.data = child;
    child->open_handles = 2;
    result = child_spawn(child, options);
    if (result != 0) {
        input_close(child);
        uv_close((uv_handle_t *)&child->process, child_closed_cb);
        return loop_err(result);
    }
    return OK;
}

enum err loop_child_start(struct loop *loop, const struct loop_child_options *options)
{
    assert(options->argv[0] != NULL && options->argv[0][0] == '/');
    struct loop_child *child = calloc(1, sizeof *child);
    if (child == NULL) {
        return ERR_MEMORY;
    }
    child->loop = loop;
    child->done = options->done;
    child->ctx = options->ctx;
    loop_timer_init(loop, &child->timer, child_late_cb, child);
    child->next = loop->children;
    if (child->next != NULL) {
        child->next->prev = child;
    }
    loop->children = child;
    enum err error = child_open(child, options);
    if (error != OK) {
        return error;
    }
    error = input_begin(child, options->input);
    if (error != OK) {
        group_signal(child, SIGKILL); /* it must not act on half an input */
        return error;
    }
    child->started = true;
    loop_timer_after(&child->timer, options->timeout_ms);
    return OK;
}

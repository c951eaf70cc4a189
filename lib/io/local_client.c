/* The blocking end of a local socket, for command lines. See local.h. A non-blocking descriptor and
 * poll, so that each call ends in time whatever the server does. */
#include "io/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/local_internal.h"

#define READ_BYTES 4096u

struct local_stream {
    int fd;
    struct buf unread; /* what came after the last line that was given out */
};

static uint64_t due_at(uint64_t timeout_ms)
{
    uint64_t now_ms = clock_machine_ms();
    return timeout_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + timeout_ms;
}

/* Waits until the descriptor is ready for `events`, or failed. */
static enum err wait_ready(int fd, short events, uint64_t due_ms)
{
    struct pollfd ready = {.fd = fd, .events = events};
    int count = 0;
    do {
        uint64_t now_ms = clock_machine_ms();
        if (now_ms >= due_ms) {
            return ERR_TIMEOUT;
        }
        uint64_t left_ms = due_ms - now_ms;
        count = poll(&ready, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
    } while (count == 0 || (count < 0 && errno == EINTR));
    return count < 0 ? ERR_IO : OK;
}

static enum err connect_error(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        return ERR_UNREACHABLE;
    case EACCES:
    case EPERM:
        return ERR_REFUSED;
    default:
        return ERR_IO;
    }
}

/* A unix socket connects at once or, with a full backlog, says EAGAIN: then again a little later.
 */
static enum err connect_by(int fd, const struct sockaddr_un *address, uint64_t due_ms)
{
    while (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno != EAGAIN && errno != EINTR) {
            return connect_error(errno);
        }
        if (clock_machine_ms() >= due_ms) {
            return ERR_TIMEOUT;
        }
        (void)poll(NULL, 0, 10); /* sleeps; an early end only tries again sooner */
    }
    return OK;
}

static enum err open_by(const char *path, uint64_t due_ms, struct local_stream **ret_stream)
{
    struct sockaddr_un address;
    enum err error = local_address(path, &address);
    if (error != OK) {
        return error;
    }
    struct local_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&stream->unread, LIMIT_LOCAL_LINE_BYTES + READ_BYTES);
    stream->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    error = stream->fd < 0 ? ERR_IO : connect_by(stream->fd, &address, due_ms);
    if (error != OK) {
        local_close(stream);
        return error;
    }
    *ret_stream = stream;
    return OK;
}

enum err local_open(const char *path, uint64_t timeout_ms, struct local_stream **ret_stream)
{
    return open_by(path, due_at(timeout_ms), ret_stream);
}

static enum err send_by(struct local_stream *stream, struct span bytes, uint64_t due_ms)
{
    while (bytes.len > 0) {
        ssize_t sent = send(stream->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = span_of(bytes.data + sent, bytes.len - (size_t)sent);
        } else if (errno == EAGAIN) {
            enum err error = wait_ready(stream->fd, POLLOUT, due_ms);
            if (error != OK) {
                return error;
            }
        } else if (errno != EINTR) {
            return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
        }
    }
    return OK;
}

static enum err send_line_by(struct local_stream *stream, struct span line, uint64_t due_ms)
{
    if (line.len > LIMIT_LOCAL_LINE_BYTES) {
        return ERR_TOO_LARGE;
    }
    enum err error = send_by(stream, line, due_ms);
    return error == OK ? send_by(stream, span_text("\n"), due_ms) : error;
}

enum err local_send(struct local_stream *stream, struct span line, uint64_t timeout_ms)
{
    return send_line_by(stream, line, due_at(timeout_ms));
}

/* One read into `unread`, waiting for it. */
static enum err read_by(struct local_stream *stream, uint64_t due_ms)
{
    uint8_t piece[READ_BYTES];
    ssize_t got = read(stream->fd, piece, sizeof piece);
    if (got > 0) {
        return buf_append(&stream->unread, piece, (size_t)got);
    }
    if (got == 0 || errno == ECONNRESET) {
        return ERR_CLOSED;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return wait_ready(stream->fd, POLLIN, due_ms);
    }
    return ERR_IO;
}

/* Moves the first `len` bytes and their newline out of `unread`. */
static enum err line_take(struct local_stream *stream, size_t len, struct buf *ret_line)
{
    enum err error = buf_append(ret_line, stream->unread.data, len);
    if (error == OK) {
        stream->unread.len -= len + 1;
        memmove(stream->unread.data, stream->unread.data + len + 1, stream->unread.len);
    }
    return error;
}

static enum err receive_by(struct local_stream *stream, uint64_t due_ms, struct buf *ret_line)
{
    size_t searched = 0;
    for (;;) { /* ends with the line, its largest size, the time or the stream */
        const struct buf *unread = &stream->unread;
        const uint8_t *end = unread->len == searched
                                 ? NULL
                                 : memchr(unread->data + searched, '\n', unread->len - searched);
        if (end != NULL) {
            return line_take(stream, (size_t)(end - unread->data), ret_line);
        }
        searched = unread->len;
        if (searched > LIMIT_LOCAL_LINE_BYTES) {
            return ERR_TOO_LARGE;
        }
        enum err error = read_by(stream, due_ms);
        if (error != OK) {
            return error;
        }
    }
}

enum err local_receive(struct local_stream *stream, uint64_t timeout_ms, struct buf *ret_line)
{
    return receive_by(stream, due_at(timeout_ms), ret_line);
}

int local_descriptor(const struct local_stream *stream)
{
    return stream->fd;
}

void local_close(struct local_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (stream->fd >= 0) {
        (void)close(stream->fd); /* what it sent is with the kernel */
    }
    buf_free(&stream->unread);
    free(stream);
}

enum err local_call(const char *path, struct span line, uint64_t timeout_ms, struct buf *ret_line)
{
    struct local_stream *stream = NULL;
    uint64_t due_ms = due_at(timeout_ms);
    enum err error = open_by(path, due_ms, &stream);
    if (error != OK) {
        return error;
    }
    error = send_line_by(stream, line, due_ms);
    if (error == OK || error == ERR_CLOSED) {
        /* A server that refuses may answer and close before it has read the line. */
        error = receive_by(stream, due_ms, ret_line);
    }
    local_close(stream);
    return error;
}

/* Unix stream sockets that speak lines (JSON, but the bytes mean nothing here): a server on the
 * loop for the daemons' status and command sockets, and a blocking client for command lines.
 *
 * Who may connect is the file's mode and owner; who did is local_peer. A client that does not take
 * its answers is not read from meanwhile, so each holds one line, one read and the answers to one
 * line at the most. Server functions: loop thread. Client functions: any thread that may block,
 * never the loop's. Nothing is durable. */
#ifndef REFERRAL_IO_LOCAL_H
#define REFERRAL_IO_LOCAL_H

#include <stdbool.h>

#include "base/bytes.h"

struct inherited;
struct loop;
struct local_server;

/* One line without its newline, never empty; borrowed during the call. Answer now or later, with
 * none, one or several lines, by local_reply on the handle. */
typedef void (*local_line_fn)(void *ctx, uint64_t handle, struct span line);
typedef void (*local_gone_fn)(void *ctx, uint64_t handle);

struct local_server_options {
    const char *path; /* at most 107 bytes; copied */
    /* The socket is taken over from the run before and left to the next one under that name; both
     * NULL: it begins and ends with the server. Borrowed during the call. */
    struct inherited *inherited;
    const char *inherited_name;
    unsigned mode;      /* 0: 0660 */
    size_t clients_max; /* 0: LIMIT_LOCAL_CLIENTS */
    /* Of one user. When it has so many, its client that was silent for the longest time makes room;
     * when there is no place at all, that of all users. Unless it was heard a moment ago or is
     * kept. 0: no such bound. */
    size_t clients_each;
    uint64_t silent_ms;    /* how long a client must have been silent for that; 0: 5 s */
    size_t line_max;       /* 0: LIMIT_LOCAL_LINE_BYTES */
    const char *busy_line; /* sent to a client beyond the maximum before it is closed, or NULL */
    const char *too_long_line; /* sent on a line over line_max, or NULL; then closed */
    local_line_fn on_line;
    local_gone_fn on_gone; /* may be NULL; not called for those that local_server_close closes */
    void *ctx;
};

struct local_peer {
    uint32_t uid;
    uint32_t gid;
    uint32_t pid;
};

/* Could a socket be made there? The folder must be; ERR_INVALID (path), ERR_NOT_FOUND (folder) with
 * a fault that says what to do. Makes nothing. */
enum err local_path_check(const char *path, struct fault *fault) MUST_CHECK;
/* The inherited socket, if its file is still there. A socket file that nobody answers on is
 * replaced. ERR_BUSY when a server lives there, ERR_EXISTS when the path is no socket, ERR_INVALID
 * (path), ERR_NOT_FOUND (folder), ERR_MEMORY, ERR_IO; the fault names the path. */
enum err local_server_open(struct loop *loop, const struct local_server_options *options,
                           struct fault *fault, struct local_server **ret_server) MUST_CHECK;
/* Sends what is queued as far as the peers take it at once, closes all, removes the file unless the
 * socket was left to the next run. The memory goes in a later turn or in loop_free. NULL allowed.
 */
void local_server_close(struct local_server *server);

/* Queues the line and a newline. ERR_NOT_FOUND: the client is gone; ERR_FULL: it does not read
 * (over 4 MiB wait for it) and is closed; ERR_MEMORY. */
enum err local_reply(struct local_server *server, uint64_t handle, struct span line) MUST_CHECK;
/* Closes after what is queued has been written. Unknown handles are ignored. */
void local_hang_up(struct local_server *server, uint64_t handle);
/* Credentials of the process that connected (SO_PEERCRED). ERR_NOT_FOUND. */
enum err local_peer(const struct local_server *server, uint64_t handle,
                    struct local_peer *ret_peer) MUST_CHECK;
/* Which of these groups the process that connected was in then, its supplementary ones included
 * (SO_PEERGROUPS). ERR_NOT_FOUND; ERR_IO: the system does not say. */
enum err local_peer_groups(const struct local_server *server, uint64_t handle,
                           const uint32_t *groups, size_t count, bool *ret_member) MUST_CHECK;
/* The client stays though it says nothing, or sends no more: an answer is still to come. */
void local_keep(struct local_server *server, uint64_t handle);
void local_unkeep(struct local_server *server, uint64_t handle);
/* Bytes that wait for the client to take them; 0 when it is gone. */
size_t local_queued(const struct local_server *server, uint64_t handle);
size_t local_client_count(const struct local_server *server);

/* --- blocking client --- */

struct local_stream;

/* ERR_UNREACHABLE: no such socket, or nobody answers; ERR_REFUSED: no permission; ERR_TIMEOUT. */
enum err local_open(const char *path, uint64_t timeout_ms,
                    struct local_stream **ret_stream) MUST_CHECK;
enum err local_send(struct local_stream *stream, struct span line, uint64_t timeout_ms) MUST_CHECK;
/* Appends one line without its newline. ERR_CLOSED: the server ended; ERR_TIMEOUT; ERR_TOO_LARGE.
 */
enum err local_receive(struct local_stream *stream, uint64_t timeout_ms,
                       struct buf *ret_line) MUST_CHECK;
/* To poll for reading. A whole line may be unread already: receive with 0 ms until ERR_TIMEOUT. */
int local_descriptor(const struct local_stream *stream);
void local_close(struct local_stream *stream); /* NULL allowed */

/* One line there, one line back, within `timeout_ms` altogether. Errors as above. */
enum err local_call(const char *path, struct span line, uint64_t timeout_ms,
                    struct buf *ret_line) MUST_CHECK;

#endif

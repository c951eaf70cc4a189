/* The serving end of a local socket, on the loop. See local.h.
 *
 * Clients sit in a table; a handle is the place in it and a count of its uses, so a late reply to a
 * client that went finds nobody. Memory of a client goes in libuv's close callback. */
#include "io/local.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/inherited.h"
#include "io/local_internal.h"
#include "io/loop_internal.h"

#define READ_BYTES       65536u
#define QUEUED_BYTES_MAX (4u * 1024u * 1024u)
#define BACKLOG          64
#define MODE_DEFAULT     0660u
#define PAUSE_BYTES      65536u /* that wait for a client to take them: until then it is not read */
#define SILENT_MS        5000u  /* after which a client may have to make room */
#define GROUPS_MAX       65536u /* the kernel's bound */

struct local_client {
    uv_pipe_t pipe;              /* first: a stream or handle of libuv is the client */
    struct local_server *server; /* NULL: the server is gone */
    uint64_t handle;             /* 0: of no use any more */
    struct local_peer peer;
    struct buf line; /* begun, not ended */
    struct buf held; /* read, and not looked at before the answers are taken */
    uint64_t heard_ms;
    bool paused; /* not read from */
    bool kept;
    bool ended;      /* it sends no more, and may still read */
    bool hanging_up; /* reads no more, closes when all is written */
};

struct local_server {
    uv_pipe_t pipe; /* first */
    struct local_server_options options;
    bool file_is_ours; /* to remove at the end */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct local_client **clients; /* options.clients_max places */
    size_t client_count;
    uint32_t generation;
    uint8_t read_space[READ_BYTES]; /* lent to libuv for one read at a time */
};

/* --- clients --- */

static void client_closed_cb(uv_handle_t *handle)
{
    struct local_client *client = (struct local_client *)handle;
    buf_free(&client->line);
    buf_free(&client->held);
    free(client);
}

/* Takes the client out of the table and begins to close it. Once. */
static void client_close(struct local_client *client, bool tell)
{
    struct local_server *server = client->server;
    uint64_t handle = client->handle;
    if (uv_is_closing((uv_handle_t *)&client->pipe)) {
        return;
    }
    client->handle = 0;
    client->server = NULL;
    uv_close((uv_handle_t *)&client->pipe, client_closed_cb);
    if (handle != 0 && server != NULL) {
        server->clients[(handle & UINT32_MAX) - 1] = NULL;
        server->client_count--;
        if (tell && server->options.on_gone != NULL) {
            server->options.on_gone(server->options.ctx, handle);
        }
    }
}

static struct local_client *client_find(const struct local_server *server, uint64_t handle)
{
    uint64_t place = handle & UINT32_MAX;
    if (place == 0 || place > server->options.clients_max) {
        return NULL;
    }
    struct local_client *client = server->clients[place - 1];
    return client != NULL && client->handle == handle ? client : NULL;
}

/* --- writing --- */

struct line_write {
    uv_write_t request; /* first */
    uint8_t bytes[];
};

static void client_resume(struct local_client *client);

static void written_cb(uv_write_t *request, int status)
{
    struct local_client *client = (struct local_client *)request->handle;
    bool last = client->pipe.write_queue_size == 0;
    free(request);
    if (status != 0 || (client->hanging_up && last)) {
        client_close(client, true);
    } else if (last && client->paused && client->handle != 0) {
        client_resume(client);
    }
}

/* The line and its newline in one write. */
static enum err client_write(struct local_client *client, struct span line)
{
    struct line_write *write = malloc(sizeof *write + line.len + 1);
    if (write == NULL) {
        return ERR_MEMORY;
    }
    if (line.len > 0) {
        memcpy(write->bytes, line.data, line.len);
    }
    write->bytes[line.len] = '\n';
    uv_buf_t piece = uv_buf_init((char *)write->bytes, (unsigned)line.len + 1);
    int result = uv_write(&write->request, (uv_stream_t *)&client->pipe, &piece, 1, written_cb);
    if (result != 0) {
        free(write);
    }
    return loop_err(result);
}

static void client_hang_up(struct local_client *client)
{
    (void)uv_read_stop((uv_stream_t *)&client->pipe); /* always succeeds */
    client->hanging_up = true;
    if (client->pipe.write_queue_size == 0) {
        client_close(client, true);
    }
}

/* A last line, when there is one, and the end. */
static void client_dismiss(struct local_client *client, const char *last_line)
{
    if (last_line != NULL && client_write(client, span_text(last_line)) != OK) {
        client_close(client, true);
        return;
    }
    client_hang_up(client);
}

enum err local_reply(struct local_server *server, uint64_t handle, struct span line)
{
    struct local_client *client = client_find(server, handle);
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    assert(line.len <= UINT32_MAX - 1);
    if (client->pipe.write_queue_size + line.len > QUEUED_BYTES_MAX) {
        client_close(client, true);
        return ERR_FULL;
    }
    enum err error = client_write(client, line);
    if (error != OK) {
        client_close(client, true);
    }
    return error;
}

void local_hang_up(struct local_server *server, uint64_t handle)
{
    struct local_client *client = client_find(server, handle);
    if (client != NULL) {
        client_hang_up(client);
    }
}

/* --- reading --- */

/* The end of a line came: gives it out. The client may be gone afterwards. */
static enum err line_end(struct local_client *client, struct span piece)
{
    struct local_server *server = client->server;
    struct span line = piece;
    if (client->line.len > 0) {
        enum err error = buf_append(&client->line, piece.data, piece.len);
        if (error != OK) {
            return error;
        }
        line = span_buf(&client->line);
    }
    if (line.len > server->options.line_max) {
        return ERR_TOO_LARGE;
    }
    if (line.len > 0) {
        server->options.on_line(server->options.ctx, client->handle, line);
    }
    buf_clear(&client->line);
    return OK;
}

/* Every line within the bytes; the rest is kept for the next read. Stops when the client went, or
 * the server with it, and when answers wait for the client: what is left is held then. */
static enum err lines_take(struct local_client *client, struct span bytes)
{
    enum err error = OK;
    while (bytes.len > 0 && error == OK && client->handle != 0 && !client->hanging_up) {
        if (client->pipe.write_queue_size > PAUSE_BYTES) {
            client->paused = true;
            return buf_append(&client->held, bytes.data, bytes.len);
        }
        const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
        if (end == NULL) {
            return buf_append(&client->line, bytes.data, bytes.len);
        }
        size_t len = (size_t)(end - bytes.data);
        error = line_end(client, span_of(bytes.data, len));
        bytes = span_of(end + 1, bytes.len - len - 1);
    }
    return error;
}

/* As lines_take, and what follows from what is wrong. */
static void client_take(struct local_client *client, struct span bytes)
{
    enum err error = lines_take(client, bytes);
    if (error == ERR_TOO_LARGE) {
        client_dismiss(client, client->server->options.too_long_line);
    } else if (error != OK) {
        client_close(client, true);
    }
}

/* The end of what it sends: a last line needs no newline. It gets what it asked for, and goes then;
 * one that is kept goes when somebody lets it go, or it does not take what it is sent. */
static void client_ended(struct local_client *client)
{
    if (client->paused) {
        return; /* there is more to look at first */
    }
    if (client->line.len > 0) {
        client_take(client, span_text("\n"));
    }
    if (client->handle != 0 && !client->hanging_up && !client->paused && !client->kept) {
        client_hang_up(client);
    }
}

static void space_cb(uv_handle_t *handle, size_t suggested, uv_buf_t *space)
{
    const struct local_client *client = (struct local_client *)handle;
    (void)suggested;
    *space = uv_buf_init((char *)client->server->read_space, READ_BYTES);
}

/* `client` stays valid within the call whatever on_line closes: its memory goes in a later turn.
 * The read space is the server's, and local_server_close frees that in a later turn, too. */
static void read_cb(uv_stream_t *stream, ssize_t got, const uv_buf_t *space)
{
    struct local_client *client = (struct local_client *)stream;
    if (got == UV_EOF) {
        client->ended = true;
        (void)uv_read_stop(stream); /* always succeeds */
        client_ended(client);
        return;
    }
    if (got < 0) {
        client_close(client, true);
        return;
    }
    client->heard_ms = uv_now(stream->loop);
    client_take(client, span_of(space->base, (size_t)got));
    if (client->paused && client->handle != 0) {
        (void)uv_read_stop(stream); /* always succeeds */
    }
}

/* All was taken: goes on with what was held, and reads again. */
static void client_resume(struct local_client *client)
{
    struct buf held = client->held;
    buf_init(&client->held, READ_BYTES);
    client->paused = false;
    client_take(client, span_buf(&held));
    buf_free(&held);
    if (client->handle == 0 || client->hanging_up || client->paused) {
        return;
    }
    if (client->ended) {
        client_ended(client);
    } else if (uv_read_start((uv_stream_t *)&client->pipe, space_cb, read_cb) != 0) {
        client_close(client, true);
    }
}

/* --- accepting --- */

static struct local_peer peer_of(const uv_pipe_t *pipe)
{
    struct local_peer peer = {.uid = UINT32_MAX, .gid = UINT32_MAX, .pid = 0};
    struct ucred credentials;
    socklen_t len = sizeof credentials;
    uv_os_fd_t fd = -1;
    if (uv_fileno((const uv_handle_t *)pipe, &fd) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) == 0) {
        peer.uid = (uint32_t)credentials.uid;
        peer.gid = (uint32_t)credentials.gid;
        peer.pid = (uint32_t)credentials.pid;
    }
    return peer;
}

/* The client that was silent for the longest time, of this user or (NULL) of all, may have to go.
 */
static struct local_client *silent_find(const struct local_server *server, const uint32_t *uid,
                                        size_t *ret_count)
{
    struct local_client *oldest = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < server->options.clients_max; i++) {
        struct local_client *client = server->clients[i];
        if (client == NULL || (uid != NULL && client->peer.uid != *uid)) {
            continue;
        }
        *ret_count += 1;
        if (!client->kept && (oldest == NULL || client->heard_ms < oldest->heard_ms)) {
            oldest = client;
        }
    }
    return oldest;
}

/* One place more for this user: among its own clients when it has as many as it may, else among
 * all when there is no other place. */
static bool room_make(struct local_server *server, uint32_t uid, uint64_t now_ms)
{
    size_t count = 0;
    struct local_client *oldest = silent_find(server, &uid, &count);
    if (count < server->options.clients_each) {
        if (server->client_count < server->options.clients_max) {
            return true;
        }
        oldest = silent_find(server, NULL, &count);
    }
    if (oldest == NULL || now_ms - oldest->heard_ms < server->options.silent_ms) {
        return false;
    }
    client_close(oldest, true);
    return true;
}

/* A place in the table and a handle; false when all are taken. */
static bool client_place(struct local_server *server, struct local_client *client)
{
    for (size_t i = 0; i < server->options.clients_max; i++) {
        if (server->clients[i] == NULL) {
            server->clients[i] = client;
            server->client_count++;
            server->generation++;
            client->handle = (uint64_t)server->generation << 32 | (i + 1);
            return true;
        }
    }
    return false;
}

static void connection_cb(uv_stream_t *stream, int status)
{
    struct local_server *server = (struct local_server *)stream;
    struct local_client *client = status == 0 ? calloc(1, sizeof *client) : NULL;
    if (client == NULL) {
        return; /* out of descriptors or memory: it waits in the backlog */
    }
    int result = uv_pipe_init(stream->loop, &client->pipe, 0);
    assert(result == 0); /* only fills the handle */
    client->server = server;
    client->heard_ms = uv_now(stream->loop);
    buf_init(&client->line, server->options.line_max);
    buf_init(&client->held, READ_BYTES);
    if (uv_accept(stream, (uv_stream_t *)&client->pipe) != 0) {
        client_close(client, false);
        return;
    }
    client->peer = peer_of(&client->pipe);
    if ((server->options.clients_each != 0 &&
         !room_make(server, client->peer.uid, client->heard_ms)) ||
        !client_place(server, client)) {
        client_dismiss(client, server->options.busy_line);
        return;
    }
    if (uv_read_start((uv_stream_t *)&client->pipe, space_cb, read_cb) != 0) {
        client_close(client, false);
    }
}

enum err local_peer(const struct local_server *server, uint64_t handle, struct local_peer *ret_peer)
{
    const struct local_client *client = client_find(server, handle);
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    *ret_peer = client->peer;
    return OK;
}

static enum err groups_have(int fd, const uint32_t *groups, size_t count, bool *ret_member)
{
    gid_t *members = malloc(GROUPS_MAX * sizeof *members);
    socklen_t len = GROUPS_MAX * sizeof *members;
    if (members == NULL) {
        return ERR_MEMORY;
    }
    enum err error = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, members, &len) == 0 ? OK : ERR_IO;
    for (size_t i = 0; error == OK && i < count; i++) {
        for (size_t j = 0; j < len / sizeof *members; j++) {
            ret_member[i] = ret_member[i] || (uint32_t)members[j] == groups[i];
        }
    }
    free(members);
    return error;
}

enum err local_peer_groups(const struct local_server *server, uint64_t handle,
                           const uint32_t *groups, size_t count, bool *ret_member)
{
    const struct local_client *client = client_find(server, handle);
    uv_os_fd_t fd = -1;
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    for (size_t i = 0; i < count; i++) {
        ret_member[i] = client->peer.gid == groups[i];
    }
    int result = uv_fileno((const uv_handle_t *)&client->pipe, &fd);
    return result == 0 ? groups_have(fd, groups, count, ret_member) : ERR_IO;
}

void local_keep(struct local_server *server, uint64_t handle)
{
    struct local_client *client = client_find(server, handle);
    if (client != NULL) {
        client->kept = true;
    }
}

void local_unkeep(struct local_server *server, uint64_t handle)
{
    struct local_client *client = client_find(server, handle);
    if (client != NULL) {
        client->kept = false;
        if (client->ended) {
            client_ended(client);
        }
    }
}

size_t local_queued(const struct local_server *server, uint64_t handle)
{
    const struct local_client *client = client_find(server, handle);
    return client != NULL ? client->pipe.write_queue_size : 0;
}

size_t local_client_count(const struct local_server *server)
{
    return server->client_count;
}

/* --- life --- */

/* A file of that name: nobody's leftover goes, a living server's or another kind of file stays. */
static enum err path_clear(const char *path, const struct sockaddr_un *address, struct fault *fault)
{
    struct stat found;
    if (lstat(path, &found) != 0) {
        return OK; /* none, or the bind will say what is wrong */
    }
    if (!S_ISSOCK(found.st_mode)) {
        fault_set(fault, "local.not-a-socket", path, "the path is taken by a file of another kind");
        return ERR_EXISTS;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return ERR_IO;
    }
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool dead = result != 0 && errno == ECONNREFUSED;
    (void)close(fd); /* nothing was sent */
    if (!dead) {
        fault_set(fault, "local.in-use", path, "another program answers on this socket");
        fault_hint(fault, "stop it, or configure another path");
        return ERR_BUSY;
    }
    return unlink(path) == 0 || errno == ENOENT ? OK : ERR_IO;
}

static enum err local_refuse(int uv_code, const char *path, const char *action, struct fault *fault)
{
    if (uv_code != 0) {
        fault_set(fault, "local.failed", path, "cannot %s: %s", action, uv_strerror(uv_code));
    }
    return uv_code == UV_ENOMEM ? ERR_MEMORY : uv_code == 0 ? OK : ERR_IO;
}

/* Makes the socket and its file. Our own, since libuv would remove the file with the handle. */
static enum err socket_make(struct local_server *server, const struct sockaddr_un *address,
                            int *ret_descriptor, struct fault *fault)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        enum err error = local_refuse(-errno, server->path, "make the socket", fault);
        if (fd >= 0) {
            (void)close(fd); /* nothing was sent */
        }
        return error;
    }
    server->file_is_ours = true;
    /* Until here the file has the umask's mode, which lets nobody else in who the mode would not,
     * since connecting takes the right to write. */
    if (chmod(server->path, server->options.mode) != 0) {
        enum err error = local_refuse(-errno, server->path, "set the mode of the socket", fault);
        (void)close(fd); /* nothing was sent */
        return error;
    }
    *ret_descriptor = fd;
    return OK;
}

/* The socket of the run before, or -1. Without its file nobody would find it. */
static int socket_inherit(struct local_server *server, const struct sockaddr_un *address)
{
    struct inherited *inherited = server->options.inherited;
    struct stat found;
    if (inherited == NULL) {
        return -1;
    }
    int fd =
        inherited_take(inherited, server->options.inherited_name, (const struct sockaddr *)address,
                       offsetof(struct sockaddr_un, sun_path) + strlen(server->path) + 1);
    server->file_is_ours = fd >= 0;
    if (fd >= 0 && (lstat(server->path, &found) != 0 || !S_ISSOCK(found.st_mode))) {
        (void)close(fd); /* only listens */
        return -1;
    }
    return fd;
}

static enum err server_listen(struct local_server *server, struct fault *fault)
{
    struct sockaddr_un address;
    enum err error = local_address(server->path, &address);
    int fd = error == OK ? socket_inherit(server, &address) : -1;
    if (error == OK && fd < 0) {
        error = path_clear(server->path, &address, fault);
        if (error == OK) {
            error = socket_make(server, &address, &fd, fault);
        }
    }
    if (error != OK) {
        return error;
    }
    int result = uv_pipe_open(&server->pipe, fd);
    if (result != 0) {
        (void)close(fd); /* nothing was sent */
        return local_refuse(result, server->path, "use the socket", fault);
    }
    result = uv_listen((uv_stream_t *)&server->pipe, BACKLOG, connection_cb);
    if (result == 0 && server->options.inherited != NULL &&
        inherited_keep(server->options.inherited, server->options.inherited_name, fd)) {
        server->file_is_ours = false;
    }
    server->options.inherited = NULL; /* the caller's, and this call's only */
    server->options.inherited_name = NULL;
    return local_refuse(result, server->path, "listen", fault);
}

static void server_closed_cb(uv_handle_t *handle)
{
    struct local_server *server = (struct local_server *)handle;
    free(server->clients);
    free(server);
}

static struct local_server *server_new(struct loop *loop,
                                       const struct local_server_options *options)
{
    struct local_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    server->options = *options;
    if (options->clients_max == 0) {
        server->options.clients_max = LIMIT_LOCAL_CLIENTS;
    }
    if (options->silent_ms == 0) {
        server->options.silent_ms = SILENT_MS;
    }
    if (options->line_max == 0) {
        server->options.line_max = LIMIT_LOCAL_LINE_BYTES;
    }
    if (options->mode == 0) {
        server->options.mode = MODE_DEFAULT;
    }
    memcpy(server->path, options->path, strlen(options->path));
    server->options.path = server->path;
    server->clients = calloc(server->options.clients_max, sizeof(struct local_client *));
    if (server->clients == NULL || uv_pipe_init(&loop->uv, &server->pipe, 0) != 0) {
        free(server->clients);
        free(server);
        return NULL;
    }
    return server;
}

enum err local_path_check(const char *path, struct fault *fault)
{
    struct sockaddr_un address;
    struct stat found;
    char *slash;
    enum err error = local_address(path, &address);

    if (error != OK) {
        fault_set(fault, "local.bad-path", path, "expected a path of 1 to 107 bytes");
        return error;
    }
    slash = strrchr(address.sun_path, '/');
    if (slash == NULL || slash == address.sun_path) {
        return OK; /* this folder, or the root */
    }
    *slash = '\0';
    /* A folder that may not be looked into is told by the bind, which says the same of one that is
     * not there. */
    if (stat(address.sun_path, &found) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        fault_set(fault, "local.no-folder", path, "the folder %s of the socket is not there",
                  address.sun_path);
        fault_hint(fault, "mkdir it for the daemon's user, or let the service manager make it "
                          "(RuntimeDirectory=)");
        return ERR_NOT_FOUND;
    }
    return OK;
}

enum err local_server_open(struct loop *loop, const struct local_server_options *options,
                           struct fault *fault, struct local_server **ret_server)
{
    assert(options->on_line != NULL);
    enum err error = local_path_check(options->path, fault);
    if (error != OK) {
        return error;
    }
    struct local_server *server = server_new(loop, options);
    if (server == NULL) {
        return ERR_MEMORY;
    }
    error = server_listen(server, fault);
    if (error != OK) {
        local_server_close(server);
        return error;
    }
    *ret_server = server;
    return OK;
}

void local_server_close(struct local_server *server)
{
    if (server == NULL) {
        return;
    }
    for (size_t i = 0; i < server->options.clients_max; i++) {
        if (server->clients[i] != NULL) {
            client_close(server->clients[i], false);
        }
    }
    uv_close((uv_handle_t *)&server->pipe, server_closed_cb);
    if (server->file_is_ours) {
        (void)unlink(server->path); /* a leftover is replaced by the next start */
    }
}

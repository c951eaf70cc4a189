/* Connections of the status socket: bounds for each user, roles by the kernel's word, subscriptions
 * that are fed. See status_server.h. */
#include "broker/status_server.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "broker/status_parts.h"
#include "broker/subscriptions.h"
#include "io/local.h"
#include "io/loop.h"

#define CLIENTS_EACH 16u /* of one user, of LIMIT_LOCAL_CLIENTS */
#define LINE_BYTES   65536u
#define PING_TICK_MS 100u

#define REFUSAL(code, message, hint)                                                               \
    "{\"schema\":1,\"ok\":false,\"daemon\":\"broker\",\"code\":\"" code                            \
    "\",\"place\":\"\",\"message\":\"" message "\",\"hint\":\"" hint "\"}"
#define REFUSAL_BUSY                                                                               \
    REFUSAL("status.busy", "as many clients are connected as may be",                              \
            "close some; one user may have 16 of 64")
#define REFUSAL_TOO_LONG                                                                           \
    REFUSAL("status.too-long", "a line has at most 65536 bytes", "ask for less at once")

_Static_assert(STATUS_SCHEMA == 1, "the refusals above say it, too");

struct status_server {
    struct status_server_options options;
    struct status_context context;
    struct local_server *local;
    struct subscriptions *subscriptions; /* NULL before the start */
    struct fault failed;                 /* why there is no broker; no code: there is one */
    struct loop_timer tick;
    uint32_t groups[ROLE_COUNT]; /* that have roles */
};

struct status_peer status_peer_of(const struct status_door *door, uint64_t handle)
{
    bool member[ROLE_COUNT] = {false};
    struct local_peer local;
    struct status_peer peer = {.handle = handle, .uid = UINT32_MAX};

    if (local_peer(door->local, handle, &local) == OK &&
        local_peer_groups(door->local, handle, door->groups, ROLE_COUNT, member) == OK) {
        peer = roles_of(door->config, local.uid, (uint32_t)geteuid(), member);
        peer.handle = handle;
    }
    return peer;
}

/* As long as somebody waits for what only time brings, the loop turns now and then; the end of its
 * turn does the rest. */
static void tick_cb(void *ctx)
{
    struct status_server *server = ctx;

    if (server->subscriptions == NULL) {
        return; /* no broker, nothing to wait for */
    }
    if (broker_pings_wait(server->context.broker)) {
        loop_timer_after(&server->tick, PING_TICK_MS);
    } else if (subscriptions_count(server->subscriptions) > 0) {
        loop_timer_after(&server->tick, SUBSCRIPTIONS_TICK_MS);
    }
}

static struct status_peer peer_of(const struct status_server *server, uint64_t handle)
{
    const struct status_door door = {
        .local = server->local, .config = server->options.config, .groups = server->groups};

    return status_peer_of(&door, handle);
}

/* An empty answer comes later. */
static enum err answer_line(struct status_server *server, const struct status_peer *peer,
                            struct span line, struct buf *out)
{
    struct status_context asked = server->context;

    if (server->failed.code[0] != '\0') {
        return status_refusal_write(&server->failed, ERR_CORRUPT, out);
    }
    asked.peer = peer;
    return status_answer(&asked, line, out);
}

/* Who has no role at all holds no place: after the refusal the connection ends. */
static void line_cb(void *ctx, uint64_t handle, struct span line)
{
    struct status_server *server = ctx;
    const struct status_peer peer = peer_of(server, handle);
    struct buf answer;

    buf_init(&answer, 4 * LIMIT_LOCAL_LINE_BYTES);
    if (answer_line(server, &peer, line, &answer) != OK ||
        (answer.len > 0 && local_reply(server->local, handle, span_buf(&answer)) != OK) ||
        peer.roles == 0) {
        local_hang_up(server->local, handle);
    }
    if (answer.len == 0) {
        local_keep(server->local, handle); /* its answer comes later */
    }
    buf_free(&answer);
    tick_cb(server);
}

static void gone_cb(void *ctx, uint64_t handle)
{
    struct status_server *server = ctx;

    if (server->subscriptions != NULL) {
        subscriptions_gone(server->subscriptions, handle);
    }
}

/* The members of three groups cannot be said by the mode of one file: where groups are configured,
 * everybody may connect, and who has no role is told so. */
static unsigned socket_mode(const struct broker_config *config)
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (config->status_groups[i][0] != '\0') {
            return 0666;
        }
    }
    return 0660;
}

enum err status_server_open(const struct status_server_options *options, struct fault *fault,
                            struct status_server **ret_server)
{
    struct status_server *server = calloc(1, sizeof(*server));
    struct local_server_options local = {.path = options->config->status_socket,
                                         .mode = socket_mode(options->config),
                                         .inherited = options->inherited,
                                         .inherited_name = "status",
                                         .clients_each = CLIENTS_EACH,
                                         .line_max = LINE_BYTES,
                                         .busy_line = REFUSAL_BUSY,
                                         .too_long_line = REFUSAL_TOO_LONG,
                                         .on_line = line_cb,
                                         .on_gone = gone_cb,
                                         .ctx = server};
    enum err error = server != NULL ? OK : ERR_MEMORY;

    if (error == OK) {
        server->options = *options;
        roles_groups(options->config, server->groups);
        loop_timer_init(options->loop, &server->tick, tick_cb, server);
        error = local_server_open(options->loop, &local, fault, &server->local);
    }
    if (error != OK) {
        free(server);
        return error;
    }
    *ret_server = server;
    return OK;
}

enum err status_server_start(struct status_server *server, const struct status_context *context)
{
    enum err error;

    server->context = *context;
    server->context.config = server->options.config;
    server->context.turn = server->options.turn;
    server->context.ctx = server->options.ctx;
    error = subscriptions_new(&server->context, server->local, &server->subscriptions);
    server->context.subscriptions = server->subscriptions;
    return error;
}

/* Who asked may be gone: then nobody is answered. */
static void answer_pings(struct status_server *server)
{
    struct ping_result result;

    while (broker_ping_take(server->context.broker, &result)) {
        struct buf answer;

        buf_init(&answer, LINE_BYTES);
        if (status_ping_answer(&server->context, &result, &answer) != OK ||
            local_reply(server->local, result.tag, span_buf(&answer)) == ERR_MEMORY) {
            local_hang_up(server->local, result.tag);
        }
        local_unkeep(server->local, result.tag);
        buf_free(&answer);
    }
}

void status_server_fail(struct status_server *server, const struct fault *fault)
{
    server->failed = *fault;
}

void status_server_turn(struct status_server *server)
{
    answer_pings(server);
    if (subscriptions_pump(server->subscriptions)) {
        server->options.turn(server->options.ctx);
    }
}

void status_server_close(struct status_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->subscriptions != NULL) {
        (void)subscriptions_pump(server->subscriptions); /* the stop; who is behind asks again */
    }
    loop_timer_clear(&server->tick);
    local_server_close(server->local);
    subscriptions_free(server->subscriptions);
    free(server);
}

/* Shared by the link suites. See link_support.h. */
#include "link_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What is handed over: a copy of the handle and the lent bytes. */
struct handed {
    struct loop_item item; /* first */
    struct bench *bench;
    struct link_request request;
};

static void handed_run(struct loop_item *item)
{
    struct handed *handed = (struct handed *)item;
    struct bench *bench = handed->bench;
    struct buf reply;
    if (handed->request.bytes.data[0] == DO_PARK) {
        ck_assert_uint_lt(bench->held_count, HELD_MAX);
        bench->held[bench->held_count++] =
            (struct held){handed->request.handle, handed->request.pipe};
    } else {
        buf_init(&reply, handed->request.bytes.len);
        ck_assert_int_eq(buf_append(&reply, handed->request.bytes.data, handed->request.bytes.len),
                         OK);
        link_reply(bench->server, handed->request.handle, &reply);
        ck_assert_uint_eq(reply.len, 0);
    }
    free(handed);
}

static enum link_verdict request_cb(void *ctx, const struct link_request *request,
                                    struct buf *ret_answer, struct loop_item **ret_item)
{
    struct bench *bench = ctx;
    atomic_fetch_add(&bench->on_nng_threads, 1);
    if (request->bytes.len == 0 || request->bytes.data[0] == DO_DROP) {
        return LINK_DROP;
    }
    if (request->bytes.data[0] == DO_WHO) {
        const char *agency = request->peer != NULL ? request->peer->agency : "-";
        return buf_append_text(ret_answer, agency) == OK ? LINK_ANSWER : LINK_DROP;
    }
    if (request->bytes.data[0] != DO_LOOP && request->bytes.data[0] != DO_PARK) {
        return buf_append(ret_answer, request->bytes.data, request->bytes.len) == OK ? LINK_ANSWER
                                                                                     : LINK_DROP;
    }
    struct handed *handed = calloc(1, sizeof *handed);
    if (handed == NULL) {
        return LINK_DROP;
    }
    handed->item.run = handed_run;
    handed->bench = bench;
    handed->request = *request;
    *ret_item = &handed->item;
    return LINK_HAND_OVER;
}

static void gone_cb(void *ctx, uint32_t pipe)
{
    struct bench *bench = ctx;
    if (bench->gone_count < HELD_MAX) {
        bench->gone[bench->gone_count++] = pipe;
    }
}

void bench_new(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    folder_new(bench->folder);
    ck_assert_int_eq(loop_new(&bench->loop), OK);
}

struct link_server_options bench_options(struct bench *bench)
{
    return (struct link_server_options){
        .laboratory = true,
        .context_count = 32,
        .connections_max = 64,
        .on_request = request_cb,
        .on_gone = gone_cb,
        .ctx = bench,
    };
}

void bench_listen(struct bench *bench, const struct link_server_options *options,
                  const char *const *schemes, size_t count)
{
    struct link_server_options full = *options;
    const char *urls[LINK_LISTENERS_MAX];
    struct fault fault = {.code = ""};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(schemes[i], "ipc") == 0) {
            (void)snprintf(bench->urls[i], sizeof bench->urls[i], "ipc://%s/ipc", bench->folder);
        } else {
            (void)snprintf(bench->urls[i], sizeof bench->urls[i], "%s://127.0.0.1:0", schemes[i]);
        }
        urls[i] = bench->urls[i];
    }
    full.urls = urls;
    full.url_count = count;
    enum err error = link_server_open(bench->loop, &full, &fault, &bench->server);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(schemes[i], "ipc") != 0) {
            uint16_t port = link_server_port(bench->server, i);
            ck_assert_uint_ne(port, 0);
            (void)snprintf(bench->urls[i], sizeof bench->urls[i], "%s://127.0.0.1:%u", schemes[i],
                           (unsigned)port);
        }
    }
}

const char *bench_url(struct bench *bench, size_t index)
{
    return bench->urls[index];
}

void bench_free(struct bench *bench)
{
    if (bench->server != NULL) {
        link_server_drain(bench->server);
        loop_run_posted(bench->loop);
        link_server_settle(bench->server);
        ck_assert_int_eq(link_server_close(bench->server), OK);
    }
    loop_free(bench->loop);
    folder_remove(bench->folder);
}

void answer_cb(void *ctx, enum err result, struct span reply)
{
    struct answer *answer = ctx;
    answer->counts[0]++;
    answer->result = result;
    answer->len = reply.len;
    if (reply.len < sizeof answer->text) {
        if (reply.len > 0) {
            memcpy(answer->text, reply.data, reply.len);
        }
        answer->text[reply.len] = '\0';
    }
}

static bool answer_came(void *ctx)
{
    const struct answer *answer = ctx;
    return answer->counts[0] >= answer->counts[1];
}

struct answer ask(struct bench *bench, struct link_client *client, const char *text,
                  uint64_t timeout_ms)
{
    struct answer answer = {.counts = {0, 1}};
    ck_assert_int_eq(link_client_request(client, span_text(text), timeout_ms, answer_cb, &answer),
                     OK);
    ck_assert_int_eq(answer.counts[0], 0);
    ck_assert(loop_until(bench->loop, answer_came, &answer, timeout_ms + 5000));
    ck_assert_int_eq(answer.counts[0], 1);
    return answer;
}

struct link_client *client_new(struct bench *bench, size_t index, size_t contexts)
{
    struct link_client *client = NULL;
    struct fault fault = {.code = ""};
    struct link_client_options options = {
        .url = bench_url(bench, index), .laboratory = true, .context_count = contexts};
    ck_assert_int_eq(link_client_open(bench->loop, &options, &fault, &client), OK);
    return client;
}

void client_free(struct link_client *client)
{
    ck_assert_int_eq(link_client_close(client), OK);
}

/* --- raw sockets --- */

static void raw_limits(int fd)
{
    struct timeval wait = {.tv_sec = 15};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
}

int raw_tcp(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    raw_limits(fd);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int raw_ipc(const char *url)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = url + strlen("ipc://");
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    raw_limits(fd);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        ck_assert_int_eq(close(fd), 0);
        return -1; /* a full backlog */
    }
    return fd;
}

void raw_write(int fd, const void *bytes, size_t len)
{
    ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
    (void)sent;
}

void raw_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    ck_assert_int_eq(close(fd), 0);
}

bool raw_hello(int fd)
{
    static const uint8_t req[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    static const uint8_t rep[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    uint8_t answer[8];
    raw_write(fd, req, sizeof req);
    return recv(fd, answer, sizeof answer, MSG_WAITALL) == 8 && memcmp(answer, rep, 8) == 0;
}

void raw_request(int fd, const char *text)
{
    uint8_t frame[256] = {0};
    struct span sent = span_text(text);
    ck_assert_uint_lt(sent.len, sizeof frame - 12);
    be64_put(frame, sent.len + 4);
    be32_put(frame + 8, 0x80000001);
    memcpy(frame + 12, sent.data, sent.len);
    raw_write(fd, frame, sent.len + 12);
}

bool raw_closed(int fd, uint64_t limit_ms)
{
    uint64_t end_ms = now_ms() + limit_ms;
    uint8_t dust[256];
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        uint64_t at_ms = now_ms();
        if (at_ms >= end_ms || poll(&ready, 1, (int)(end_ms - at_ms)) <= 0) {
            return false;
        }
        if (recv(fd, dust, sizeof dust, MSG_DONTWAIT) <= 0) {
            return true;
        }
    }
}

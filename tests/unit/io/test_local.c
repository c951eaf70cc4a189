/* Local sockets: lines in and out, peers that misbehave, leftovers of the socket file. The blocking
 * client runs on a thread of its own, as a command line would beside the daemon. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/local.h"
#include "io/loop.h"
#include "io_support.h"

struct desk {
    struct loop *loop;
    struct local_server *server;
    char folder[PATH_BYTES];
    char path[PATH_BYTES];
    uint64_t last;
    int lines;
    int gone;
    size_t longest;
    enum err last_reply;
};

/* "later": answered by the test; "many": three lines; "bye": one line and the end; else: echoed. */
static void line_cb(void *ctx, uint64_t handle, struct span line)
{
    struct desk *desk = ctx;
    desk->lines++;
    desk->last = handle;
    desk->longest = line.len > desk->longest ? line.len : desk->longest;
    if (span_equal(line, span_text("later"))) {
        return;
    }
    if (span_equal(line, span_text("many"))) {
        ck_assert_int_eq(local_reply(desk->server, handle, span_text("1")), OK);
        ck_assert_int_eq(local_reply(desk->server, handle, span_text("2")), OK);
    }
    desk->last_reply = local_reply(desk->server, handle, line);
    if (span_equal(line, span_text("bye"))) {
        local_hang_up(desk->server, handle);
    }
}

static void gone_cb(void *ctx, uint64_t handle)
{
    struct desk *desk = ctx;
    (void)handle;
    desk->gone++;
}

static struct local_server_options desk_options(struct desk *desk)
{
    return (struct local_server_options){
        .path = desk->path,
        .busy_line = "busy",
        .too_long_line = "too long",
        .on_line = line_cb,
        .on_gone = gone_cb,
        .ctx = desk,
    };
}

static void desk_new(struct desk *desk)
{
    memset(desk, 0, sizeof *desk);
    folder_new(desk->folder);
    path_in(desk->path, desk->folder, "socket");
    ck_assert_int_eq(loop_new(&desk->loop), OK);
}

static void desk_open(struct desk *desk, size_t clients_max)
{
    struct fault fault = {.code = ""};
    desk_new(desk);
    struct local_server_options options = desk_options(desk);
    options.clients_max = clients_max;
    ck_assert_int_eq(local_server_open(desk->loop, &options, &fault, &desk->server), OK);
}

static void desk_close(struct desk *desk)
{
    local_server_close(desk->server);
    loop_free(desk->loop);
    folder_remove(desk->folder); /* fails when the socket file was left */
}

/* A call on a thread, while the loop turns here. */
struct caller {
    const char *path;
    struct span line;
    uint64_t timeout_ms;
    enum err result;
    struct buf reply;
    _Atomic bool ended;
};

static void *caller_thread(void *argument)
{
    struct caller *caller = argument;
    caller->result = local_call(caller->path, caller->line, caller->timeout_ms, &caller->reply);
    caller->ended = true;
    return NULL;
}

static bool caller_ended(void *ctx)
{
    const struct caller *caller = ctx;
    return caller->ended;
}

static void turn_small(struct loop *loop, until_fn fn, void *ctx, uint64_t limit_ms)
{
    uint64_t end_ms = now_ms() + limit_ms;
    while (!fn(ctx) && now_ms() < end_ms) {
        loop_turn(loop, 5);
    }
    ck_assert(fn(ctx));
}

static struct caller call(struct desk *desk, struct span line, uint64_t timeout_ms)
{
    pthread_t thread;
    struct caller caller = {.path = desk->path, .line = line, .timeout_ms = timeout_ms};
    buf_init(&caller.reply, LIMIT_LOCAL_LINE_BYTES + 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, caller_thread, &caller), 0);
    turn_small(desk->loop, caller_ended, &caller, 20000);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return caller;
}

static void expect_call(struct desk *desk, const char *line, enum err result, const char *reply)
{
    struct caller caller = call(desk, span_text(line), result == ERR_TIMEOUT ? 200 : 10000);
    ck_assert_int_eq(caller.result, result);
    ck_assert(span_equal(span_buf(&caller.reply), span_text(reply)));
    buf_free(&caller.reply);
}

START_TEST(a_line_goes_there_and_one_comes_back)
{
    struct desk desk;
    desk_open(&desk, 0);
    expect_call(&desk, "hello", OK, "hello");
    expect_call(&desk, "many", OK, "1");
    expect_call(&desk, "bye", OK, "bye");
    expect_call(&desk, "later", ERR_TIMEOUT, "");
    ck_assert_int_eq(local_reply(desk.server, desk.last + (1ull << 32), span_text("x")),
                     ERR_NOT_FOUND);
    ck_assert_int_eq(local_reply(desk.server, 0, span_text("x")), ERR_NOT_FOUND);
    desk_close(&desk);
}
END_TEST

START_TEST(the_longest_line_passes_and_a_longer_one_is_told)
{
    struct desk desk;
    static char text[LIMIT_LOCAL_LINE_BYTES + 1];
    memset(text, 'x', sizeof text);
    desk_open(&desk, 0);
    struct caller caller = call(&desk, span_of(text, LIMIT_LOCAL_LINE_BYTES), 15000);
    ck_assert_int_eq(caller.result, OK);
    ck_assert(span_equal(span_buf(&caller.reply), span_of(text, LIMIT_LOCAL_LINE_BYTES)));
    buf_free(&caller.reply);
    ck_assert_uint_eq(desk.longest, LIMIT_LOCAL_LINE_BYTES);
    caller = call(&desk, span_of(text, sizeof text), 5000);
    ck_assert_int_eq(caller.result, ERR_TOO_LARGE); /* by the client itself */
    buf_free(&caller.reply);
    ck_assert_uint_eq(desk.longest, LIMIT_LOCAL_LINE_BYTES);
    desk_close(&desk);
}
END_TEST

/* --- raw peers --- */

static int raw_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static bool lines_two(void *ctx)
{
    const struct desk *desk = ctx;
    return desk->lines >= 2;
}

static bool gone_one(void *ctx)
{
    const struct desk *desk = ctx;
    return desk->gone >= 1;
}

/* What the peer gets until the end, within the space. */
static size_t raw_read_all(struct desk *desk, int fd, char *out, size_t size)
{
    size_t len = 0;
    uint64_t end_ms = now_ms() + 10000;
    while (now_ms() < end_ms) {
        ssize_t got = recv(fd, out + len, size - 1 - len, MSG_DONTWAIT);
        if (got == 0) {
            break;
        }
        len += got > 0 ? (size_t)got : 0;
        loop_turn(desk->loop, 5);
    }
    out[len] = '\0';
    return len;
}

START_TEST(lines_come_whole_however_they_are_cut)
{
    struct desk desk;
    char text[64];
    desk_open(&desk, 0);
    int fd = raw_connect(desk.path);
    static const char *const pieces[] = {"he", "llo", "\n\n\nsec", "ond\nbye\nnever read\n"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        ck_assert_int_eq(send(fd, pieces[i], strlen(pieces[i]), MSG_NOSIGNAL),
                         (ssize_t)strlen(pieces[i]));
        loop_turn(desk.loop, 50);
    }
    ck_assert_uint_gt(raw_read_all(&desk, fd, text, sizeof text), 0);
    ck_assert_str_eq(text, "hello\nsecond\nbye\n");
    ck_assert_int_eq(desk.lines, 3);
    ck_assert_int_eq(desk.gone, 1);
    ck_assert_int_eq(close(fd), 0);
    desk_close(&desk);
}
END_TEST

START_TEST(a_peer_without_line_ends_is_dismissed_at_the_bound)
{
    struct desk desk;
    char text[64];
    static char flood[65536];
    memset(flood, 'x', sizeof flood);
    desk_open(&desk, 0);
    int fd = raw_connect(desk.path);
    size_t sent = 0;
    while (sent < 4 * LIMIT_LOCAL_LINE_BYTES && desk.gone == 0) {
        ssize_t got = send(fd, flood, sizeof flood, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += got > 0 ? (size_t)got : 0;
        loop_turn(desk.loop, 1);
        if (got < 0 && desk.gone > 0) {
            break;
        }
    }
    ck_assert(loop_until(desk.loop, gone_one, &desk, 5000));
    ck_assert_uint_lt(sent, 3 * LIMIT_LOCAL_LINE_BYTES);
    (void)raw_read_all(&desk, fd, text, sizeof text);
    ck_assert_str_eq(text, "too long\n");
    ck_assert_int_eq(desk.lines, 0);
    ck_assert_int_eq(close(fd), 0);
    desk_close(&desk);
}
END_TEST

START_TEST(clients_over_the_maximum_are_told_and_places_come_back)
{
    struct desk desk;
    char text[64];
    int fds[2];
    desk_open(&desk, 2);
    for (int i = 0; i < 2; i++) {
        fds[i] = raw_connect(desk.path);
        ck_assert_int_eq(send(fds[i], "later\n", 6, MSG_NOSIGNAL), 6);
    }
    ck_assert(loop_until(desk.loop, lines_two, &desk, 5000));
    ck_assert_uint_eq(local_client_count(desk.server), 2);
    int third = raw_connect(desk.path);
    (void)raw_read_all(&desk, third, text, sizeof text);
    ck_assert_str_eq(text, "busy\n");
    ck_assert_int_eq(close(third), 0);
    ck_assert_int_eq(close(fds[0]), 0);
    ck_assert(loop_until(desk.loop, gone_one, &desk, 5000));
    expect_call(&desk, "hello", OK, "hello");
    ck_assert_int_eq(close(fds[1]), 0);
    desk_close(&desk);
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_closed_not_waited_for)
{
    struct desk desk;
    struct local_peer peer;
    static char text[LIMIT_LOCAL_LINE_BYTES];
    enum err error = OK;
    desk_open(&desk, 0);
    int fd = raw_connect(desk.path);
    ck_assert_int_eq(send(fd, "later\nlater\n", 12, MSG_NOSIGNAL), 12);
    ck_assert(loop_until(desk.loop, lines_two, &desk, 5000));
    ck_assert_int_eq(local_peer(desk.server, desk.last, &peer), OK);
    ck_assert_uint_eq(peer.uid, getuid());
    ck_assert_uint_eq(peer.pid, (uint32_t)getpid());
    memset(text, 'y', sizeof text);
    int queued = 0;
    for (; queued < 100 && error == OK; queued++) {
        error = local_reply(desk.server, desk.last, span_of(text, sizeof text));
    }
    ck_assert_int_eq(error, ERR_FULL);
    ck_assert_int_le(queued, 8);
    ck_assert_int_eq(desk.gone, 1);
    ck_assert_int_eq(local_peer(desk.server, desk.last, &peer), ERR_NOT_FOUND);
    expect_call(&desk, "hello", OK, "hello");
    ck_assert_int_eq(close(fd), 0);
    desk_close(&desk);
}
END_TEST

static bool lines_three(void *ctx)
{
    const struct desk *desk = ctx;
    return desk->lines >= 3;
}

/* The second is kept: the first, silent for longer than the third may be, goes. */
START_TEST(who_is_silent_makes_room_for_the_same_user)
{
    struct desk desk;
    char text[64];
    int fds[3];
    desk_new(&desk);
    struct local_server_options options = desk_options(&desk);
    struct fault fault = {.code = ""};
    options.clients_each = 2;
    options.silent_ms = 60;
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &desk.server), OK);
    for (int i = 0; i < 2; i++) {
        fds[i] = raw_connect(desk.path);
        ck_assert_int_eq(send(fds[i], "later\n", 6, MSG_NOSIGNAL), 6);
        uint64_t end_ms = now_ms() + 5000;
        while (desk.lines <= i && now_ms() < end_ms) {
            loop_turn(desk.loop, 5);
        }
        local_keep(desk.server, i == 1 ? desk.last : 0);
    }
    int early = raw_connect(desk.path);
    (void)raw_read_all(&desk, early, text, sizeof text);
    ck_assert_str_eq(text, "busy\n");
    ck_assert_int_eq(desk.gone, 0);
    uint64_t end_ms = now_ms() + 100;
    while (now_ms() < end_ms) {
        loop_turn(desk.loop, 20);
    }
    fds[2] = raw_connect(desk.path);
    ck_assert_int_eq(send(fds[2], "later\n", 6, MSG_NOSIGNAL), 6);
    ck_assert(loop_until(desk.loop, lines_three, &desk, 5000));
    ck_assert_int_eq(desk.gone, 1);
    ck_assert_uint_eq(raw_read_all(&desk, fds[0], text, sizeof text), 0);
    ck_assert_uint_eq(local_client_count(desk.server), 2);
    ck_assert_int_eq(close(early), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(close(fds[i]), 0);
    }
    desk_close(&desk);
}
END_TEST

/* All places are another's: what was silent for the longest time of all goes. */
START_TEST(who_is_silent_makes_room_for_others_when_all_places_are_taken)
{
    struct desk desk;
    int fds[3];
    desk_new(&desk);
    struct local_server_options options = desk_options(&desk);
    struct fault fault = {.code = ""};
    options.clients_max = 2;
    options.clients_each = 5;
    options.silent_ms = 60;
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &desk.server), OK);
    for (int i = 0; i < 2; i++) {
        fds[i] = raw_connect(desk.path);
        ck_assert_int_eq(send(fds[i], "later\n", 6, MSG_NOSIGNAL), 6);
    }
    ck_assert(loop_until(desk.loop, lines_two, &desk, 5000));
    uint64_t end_ms = now_ms() + 100;
    while (now_ms() < end_ms) {
        loop_turn(desk.loop, 20);
    }
    fds[2] = raw_connect(desk.path);
    ck_assert_int_eq(send(fds[2], "later\n", 6, MSG_NOSIGNAL), 6);
    ck_assert(loop_until(desk.loop, lines_three, &desk, 5000));
    ck_assert_uint_eq(local_client_count(desk.server), 2);
    ck_assert_int_eq(desk.gone, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(close(fds[i]), 0);
    }
    desk_close(&desk);
}
END_TEST

/* `printf 'hello\nlast' | socat`: both lines are answered, then the connection ends. */
START_TEST(who_sends_no_more_is_answered_to_the_end)
{
    struct desk desk;
    char text[64];
    desk_open(&desk, 0);
    int fd = raw_connect(desk.path);
    ck_assert_int_eq(send(fd, "hello\nlast", 10, MSG_NOSIGNAL), 10);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    (void)raw_read_all(&desk, fd, text, sizeof text);
    ck_assert_str_eq(text, "hello\nlast\n");
    ck_assert_int_eq(desk.gone, 1);
    ck_assert_int_eq(close(fd), 0);
    desk_close(&desk);
}
END_TEST

/* One whose answer comes later stays until it was let go. */
START_TEST(who_sends_no_more_waits_for_a_later_answer)
{
    struct desk desk;
    char text[64];
    desk_open(&desk, 0);
    int fd = raw_connect(desk.path);
    ck_assert_int_eq(send(fd, "later\n", 6, MSG_NOSIGNAL), 6);
    uint64_t end_ms = now_ms() + 5000;
    while (desk.lines == 0 && now_ms() < end_ms) {
        loop_turn(desk.loop, 5);
    }
    local_keep(desk.server, desk.last);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    for (int i = 0; i < 5; i++) {
        loop_turn(desk.loop, 5);
    }
    ck_assert_int_eq(desk.gone, 0);
    ck_assert_int_eq(local_reply(desk.server, desk.last, span_text("now")), OK);
    local_unkeep(desk.server, desk.last);
    (void)raw_read_all(&desk, fd, text, sizeof text);
    ck_assert_str_eq(text, "now\n");
    ck_assert_int_eq(desk.gone, 1);
    ck_assert_int_eq(close(fd), 0);
    desk_close(&desk);
}
END_TEST

#define ECHO_BYTES 8192
#define ECHO_LINES 400

/* Who does not take the answers is not read from; when they are taken, nothing is missing. */
START_TEST(answers_that_are_not_taken_stop_the_reading)
{
    struct desk desk;
    static char lines[ECHO_BYTES * ECHO_LINES], text[ECHO_BYTES * ECHO_LINES];
    size_t sent = 0, got = 0;
    desk_open(&desk, 0);
    int fd = raw_connect(desk.path);
    memset(lines, 'z', sizeof lines);
    for (size_t i = 1; i <= ECHO_LINES; i++) {
        lines[i * ECHO_BYTES - 1] = '\n';
    }
    for (uint64_t end_ms = now_ms() + 300; now_ms() < end_ms;) {
        ssize_t more = send(fd, lines + sent, sizeof lines - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += more > 0 ? (size_t)more : 0;
        loop_turn(desk.loop, 1);
    }
    ck_assert_uint_lt(sent, sizeof lines); /* it was not taken */
    ck_assert_int_lt(desk.lines, ECHO_LINES / 2);
    for (uint64_t end_ms = now_ms() + 20000; got < sizeof text && now_ms() < end_ms;) {
        if (sent == sizeof lines) {
            (void)shutdown(fd, SHUT_WR); /* all that is still held is answered, too */
        }
        ssize_t more = send(fd, lines + sent, sizeof lines - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += more > 0 ? (size_t)more : 0;
        more = recv(fd, text + got, sizeof text - got, MSG_DONTWAIT);
        got += more > 0 ? (size_t)more : 0;
        loop_turn(desk.loop, 1);
    }
    ck_assert_int_eq(desk.lines, ECHO_LINES);
    ck_assert_uint_eq(got, sizeof text);
    ck_assert_mem_eq(text, lines, sizeof text);
    ck_assert_int_eq(close(fd), 0);
    desk_close(&desk);
}
END_TEST

START_TEST(closing_with_clients_connected_is_clean)
{
    struct desk desk;
    int fds[8];
    desk_open(&desk, 0);
    for (int i = 0; i < 8; i++) {
        fds[i] = raw_connect(desk.path);
        ck_assert_int_eq(send(fds[i], "later\nhalf", 10, MSG_NOSIGNAL), 10);
    }
    ck_assert(loop_until(desk.loop, lines_two, &desk, 5000));
    int gone = desk.gone;
    desk_close(&desk);
    ck_assert_int_eq(desk.gone, gone);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(close(fds[i]), 0);
    }
}
END_TEST

/* --- the file --- */

START_TEST(a_living_server_is_not_replaced_and_a_leftover_is)
{
    struct desk desk;
    struct stat info;
    struct fault fault = {.code = ""};
    struct local_server *second = NULL;
    desk_open(&desk, 0);
    struct local_server_options options = desk_options(&desk);
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &second), ERR_BUSY);
    ck_assert_str_eq(fault.place, desk.path);
    ck_assert_int_eq(stat(desk.path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0660);
    expect_call(&desk, "hello", OK, "hello");
    local_server_close(desk.server);
    loop_turn(desk.loop, 0);
    ck_assert_int_ne(stat(desk.path, &info), 0);

    struct sockaddr_un address = {.sun_family = AF_UNIX}; /* what a killed daemon leaves */
    memcpy(address.sun_path, desk.path, strlen(desk.path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &desk.server), OK);
    expect_call(&desk, "hello", OK, "hello");
    desk_close(&desk);
}
END_TEST

START_TEST(a_path_that_does_not_serve_is_refused)
{
    struct desk desk;
    struct fault fault = {.code = ""};
    char lengthy[200];
    desk_new(&desk);
    struct local_server_options options = desk_options(&desk);
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[0] = '/';
    lengthy[sizeof lengthy - 1] = '\0';
    options.path = lengthy;
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &desk.server), ERR_INVALID);
    options.path = "";
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &desk.server), ERR_INVALID);
    options.path = "/nonexistent/folder/socket";
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &desk.server), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.code, "local.no-folder");
    file_write_text(desk.path, "mine");
    options.path = desk.path;
    ck_assert_int_eq(local_server_open(desk.loop, &options, &fault, &desk.server), ERR_EXISTS);
    ck_assert_int_eq(access(desk.path, F_OK), 0); /* another's file stays */
    ck_assert_ptr_null(desk.server);
    desk_close(&desk);
}
END_TEST

/* --- the client's errors --- */

START_TEST(the_client_tells_its_failures_apart)
{
    struct desk desk;
    struct buf reply;
    desk_new(&desk);
    buf_init(&reply, 64);
    struct span line = span_text("x");
    ck_assert_int_eq(local_call(desk.path, line, 500, &reply), ERR_UNREACHABLE);
    file_write_text(desk.path, "no socket");
    ck_assert_int_eq(local_call(desk.path, line, 500, &reply), ERR_UNREACHABLE);
    ck_assert_int_eq(unlink(desk.path), 0);
    ck_assert_int_eq(local_call("", line, 500, &reply), ERR_INVALID);

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, desk.path, strlen(desk.path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(local_call(desk.path, line, 500, &reply), ERR_UNREACHABLE); /* a leftover */
    ck_assert_int_eq(listen(fd, 1), 0);
    uint64_t start_ms = now_ms();
    ck_assert_int_eq(local_call(desk.path, line, 200, &reply), ERR_TIMEOUT); /* nobody accepts */
    ck_assert_uint_ge(now_ms() - start_ms, 190);
    struct local_stream *stream = NULL;
    ck_assert_int_eq(local_open(desk.path, 500, &stream), OK);
    int taken = accept(fd, NULL, NULL); /* the one that gave up */
    ck_assert_int_eq(close(taken), 0);
    taken = accept(fd, NULL, NULL);
    ck_assert_int_eq(send(taken, "one\ntwo\nhal", 11, MSG_NOSIGNAL), 11);
    ck_assert_int_eq(close(taken), 0);
    ck_assert_int_eq(local_receive(stream, 500, &reply), OK);
    ck_assert_int_eq(local_receive(stream, 500, &reply), OK);
    ck_assert(span_equal(span_buf(&reply), span_text("onetwo")));
    ck_assert_int_eq(local_receive(stream, 500, &reply), ERR_CLOSED);
    ck_assert_int_eq(local_send(stream, line, 500), ERR_CLOSED);
    local_close(stream);
    ck_assert_int_eq(close(fd), 0);
    buf_free(&reply);
    desk_close(&desk);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.local");
    TCase *tests = tcase_create("local");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_line_goes_there_and_one_comes_back);
    tcase_add_test(tests, the_longest_line_passes_and_a_longer_one_is_told);
    tcase_add_test(tests, lines_come_whole_however_they_are_cut);
    tcase_add_test(tests, a_peer_without_line_ends_is_dismissed_at_the_bound);
    tcase_add_test(tests, clients_over_the_maximum_are_told_and_places_come_back);
    tcase_add_test(tests, a_peer_that_does_not_read_is_closed_not_waited_for);
    tcase_add_test(tests, who_is_silent_makes_room_for_the_same_user);
    tcase_add_test(tests, who_is_silent_makes_room_for_others_when_all_places_are_taken);
    tcase_add_test(tests, who_sends_no_more_is_answered_to_the_end);
    tcase_add_test(tests, who_sends_no_more_waits_for_a_later_answer);
    tcase_add_test(tests, answers_that_are_not_taken_stop_the_reading);
    tcase_add_test(tests, closing_with_clients_connected_is_clean);
    tcase_add_test(tests, a_living_server_is_not_replaced_and_a_leftover_is);
    tcase_add_test(tests, a_path_that_does_not_serve_is_refused);
    tcase_add_test(tests, the_client_tells_its_failures_apart);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}

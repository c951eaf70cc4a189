/* sd_notify(3), spoken directly: one datagram a message to a unix socket. See sd_notify.h. */
#include "io/sd_notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io/number.h"

#define NOTIFY_MESSAGE_BYTES 512
#define NOTIFY_WAIT_S        5 /* for room: a manager that reads nothing so long is none */

static uint64_t watchdog_interval_ms(void)
{
    const char *interval = getenv("WATCHDOG_USEC");
    const char *whom = getenv("WATCHDOG_PID");
    uint64_t interval_us = 0;
    uint64_t pid = 0;
    if (interval == NULL || !number_parse(interval, UINT64_MAX, &interval_us)) {
        return 0;
    }
    if (whom != NULL && (!number_parse(whom, INT32_MAX, &pid) || pid != (uint64_t)getpid())) {
        return 0; /* meant for another process */
    }
    return interval_us / 1000;
}

void sd_notify_init(struct sd_notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    memset(notify, 0, sizeof *notify);
    if (path != NULL && (path[0] == '/' || path[0] == '@') && path[1] != '\0' &&
        strlen(path) < sizeof notify->path) {
        memcpy(notify->path, path, strlen(path));
    }
    notify->watchdog_ms = watchdog_interval_ms();
}

/* Status and watchdog come again; what is said once waits for room in the manager's socket, which
 * holds ten datagrams of all services. */
enum room { ROOM_NOW, ROOM_WAIT };

/* One datagram; with a descriptor in it unless that is -1. */
static enum err datagram_send(const struct sd_notify *notify, const char *text, size_t len,
                              int descriptor, enum room room)
{
    const struct timeval wait = {.tv_sec = NOTIFY_WAIT_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t path_len = strlen(notify->path);
    _Static_assert(sizeof notify->path <= sizeof address.sun_path, "the path fits the address");
    union { /* the room of one descriptor, aligned as its header */
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = ""};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)text, .iov_len = len}; /* only read */
    struct msghdr message = {.msg_name = &address,
                             .msg_namelen =
                                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len),
                             .msg_iov = &piece,
                             .msg_iovlen = 1};
    if (path_len == 0) {
        return OK;
    }
    memcpy(address.sun_path, notify->path, path_len);
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0'; /* abstract: no file, and no trailing NUL in its length */
    }
    if (descriptor >= 0) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return ERR_IO;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | (room == ROOM_NOW ? MSG_DONTWAIT : 0));
    (void)close(fd); /* nothing is buffered in it */
    return sent == (ssize_t)len ? OK : ERR_IO;
}

/* Sends `first`, and STATUS= when there is one. Line ends within the status would begin another
 * assignment: they become spaces. */
static enum err message_send(const struct sd_notify *notify, const char *first, const char *status,
                             enum room room)
{
    char text[NOTIFY_MESSAGE_BYTES];
    int len = snprintf(text, sizeof text, "%s%s%s", first,
                       status == NULL ? "" : "STATUS=", status == NULL ? "" : status);
    if (len < 0) {
        return ERR_IO;
    }
    size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    for (size_t i = strlen(first); i < used; i++) {
        if (text[i] == '\n' || text[i] == '\r') {
            text[i] = ' ';
        }
    }
    return datagram_send(notify, text, used, -1, room);
}

enum err sd_notify_ready(const struct sd_notify *notify, const char *status)
{
    return message_send(notify, "READY=1\n", status, ROOM_WAIT);
}

enum err sd_notify_reloading(const struct sd_notify *notify)
{
    struct timespec now;
    char text[64];
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        return ERR_IO;
    }
    int len = snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
                       (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    return len < 0 ? ERR_IO : message_send(notify, text, NULL, ROOM_WAIT);
}

enum err sd_notify_stopping(const struct sd_notify *notify)
{
    return message_send(notify, "STOPPING=1\n", NULL, ROOM_WAIT);
}

enum err sd_notify_status(const struct sd_notify *notify, const char *status)
{
    return message_send(notify, "", status, ROOM_NOW);
}

enum err sd_notify_watchdog(const struct sd_notify *notify)
{
    return message_send(notify, "WATCHDOG=1\n", NULL, ROOM_NOW);
}

bool sd_notify_keep(const struct sd_notify *notify, const char *name, int descriptor)
{
    char text[NOTIFY_MESSAGE_BYTES];
    int len = snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=%s\n", name);
    if (notify->path[0] == '\0' || len < 0 || (size_t)len >= sizeof text ||
        datagram_send(notify, text, (size_t)len, -1, ROOM_WAIT) != OK) {
        return false;
    }
    len = snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s\n", name);
    return len > 0 && datagram_send(notify, text, (size_t)len, descriptor, ROOM_WAIT) == OK;
}

/* Is somebody still accepting behind our own listener? A connection to a port succeeds even when
 * nng has stopped: the kernel's backlog takes it. So the probe waits for bytes.
 *
 * tcp and ipc: both sides of SP send eight bytes first; the probe sends a REQ peer's, so that the
 * negotiation succeeds and costs the listener nothing. tls: a close_notify instead of a hello,
 * which the server answers by closing. Blocking; a pool thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/link_internal.h"

union probe_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

/* The listener's address as one can dial it: wildcards become loopback. Names are "localhost" or
 * the operator's; a name that is no literal is probed on loopback too, which a listener on one
 * address only would not answer, so such a listener is not probed (length 0). */
static socklen_t address_of(const struct link_url *url, union probe_address *address)
{
    memset(address, 0, sizeof *address);
    if (url->scheme == LINK_IPC) {
        address->un.sun_family = AF_UNIX;
        memcpy(address->un.sun_path, url->host, strlen(url->host));
        return sizeof address->un;
    }
    const char *host = strcmp(url->host, "localhost") == 0 ? "127.0.0.1" : url->host;
    if (inet_pton(AF_INET, host, &address->in.sin_addr) == 1) {
        address->in.sin_family = AF_INET;
        address->in.sin_port = htons(url->port);
        if (address->in.sin_addr.s_addr == htonl(INADDR_ANY)) {
            address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
        return sizeof address->in;
    }
    if (inet_pton(AF_INET6, host, &address->in6.sin6_addr) == 1) {
        address->in6.sin6_family = AF_INET6;
        address->in6.sin6_port = htons(url->port);
        if (IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr)) {
            address->in6.sin6_addr = in6addr_loopback;
        }
        return sizeof address->in6;
    }
    return 0;
}

/* Anything that comes, an end or a reset included, was done by nng. */
static bool answered(int fd, enum link_scheme scheme)
{
    static const uint8_t sp_hello[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    static const uint8_t tls_goodbye[7] = {0x15, 3, 3, 0, 2, 1, 0};
    uint8_t answer[8];
    const uint8_t *hello = scheme == LINK_TLS ? tls_goodbye : sp_hello;
    size_t len = scheme == LINK_TLS ? sizeof tls_goodbye : sizeof sp_hello;
    if (send(fd, hello, len, MSG_NOSIGNAL) < 0) {
        return true; /* closed by the other side: alive */
    }
    return recv(fd, answer, sizeof answer, MSG_WAITALL) >= 0 || (errno != EAGAIN && errno != EINTR);
}

bool link_probe(const struct link_url *url, uint64_t wait_ms)
{
    union probe_address address;
    struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000),
                           .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000};
    socklen_t len = address_of(url, &address);
    if (len == 0) {
        return true;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return true; /* out of descriptors says nothing about the listener */
    }
    bool alive = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
                 setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0;
    if (!alive && connect(fd, &address.any, len) == 0) {
        alive = answered(fd, url->scheme);
    }
    (void)close(fd); /* nothing is buffered in it */
    return alive;
}

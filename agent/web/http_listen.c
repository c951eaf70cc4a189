/* Where the server listens: an address as text, and its socket. Our own socket, since
 * libmicrohttpd says of a failure only that there was one. */
#include "agent/web/http_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/inherited.h"

#define INHERITED_NAME "web"

struct place {
    struct sockaddr_storage address;
    socklen_t len;
};

/* The port behind the last colon; 1 to 5 digits. */
static enum err port_read(const char *text, uint16_t *ret_port)
{
    size_t len = strspn(text, "0123456789");
    unsigned long port = 0;
    if (len == 0 || len > 5 || text[len] != '\0') {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < len; i++) {
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    if (port > UINT16_MAX) {
        return ERR_INVALID;
    }
    *ret_port = (uint16_t)port;
    return OK;
}

/* "127.0.0.1:8601" or "[::1]:8601". */
static enum err place_read(const char *text, struct place *ret)
{
    char host[INET6_ADDRSTRLEN + 2] = "";
    uint16_t port = 0;
    const char *colon = text == NULL ? NULL : strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        port_read(colon + 1, &port) != OK) {
        return ERR_INVALID;
    }
    size_t len = (size_t)(colon - text);
    memcpy(host, text, len);
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, host, &four.sin_addr) == 1) {
        memcpy(&ret->address, &four, sizeof four);
        ret->len = sizeof four;
        return OK;
    }
    if (len < 4 || host[0] != '[' || host[len - 1] != ']') {
        return ERR_INVALID;
    }
    host[len - 1] = '\0';
    if (inet_pton(AF_INET6, host + 1, &six.sin6_addr) != 1) {
        return ERR_INVALID;
    }
    memcpy(&ret->address, &six, sizeof six);
    ret->len = sizeof six;
    return OK;
}

bool http_is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0;
}

static uint16_t port_of(int descriptor)
{
    struct place place = {.len = sizeof place.address};
    struct sockaddr_in four; /* the port lies at the same place in both */
    if (getsockname(descriptor, (struct sockaddr *)&place.address, &place.len) != 0) {
        return 0;
    }
    memcpy(&four, &place.address, sizeof four);
    return ntohs(four.sin_port);
}

static enum err listen_failed(const char *address, int why, struct fault *fault)
{
    fault_set(fault, "web.listen", address, "cannot listen there: %s", strerror(why));
    switch (why) {
    case EADDRINUSE:
        fault_hint(fault, "another program has this port: choose another, or stop that program");
        return ERR_BUSY;
    case EADDRNOTAVAIL:
        fault_hint(fault, "this machine has no such address: `ip address` lists those it has");
        return ERR_INVALID;
    case EACCES:
    case EPERM:
        fault_hint(fault, "ports below 1024 are opened by the service manager: enable "
                          "referral-agent@ID.socket with this address, or choose a higher one");
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

/* A new socket that listens at the place. */
static enum err place_listen(const char *address, const struct place *place, int *ret_descriptor,
                             struct fault *fault)
{
    int on = 1;
    int family = place->address.ss_family;
    int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return listen_failed(address, errno, fault);
    }
    /* A restart must not wait for the old connections' ends; without it bind says so. */
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) {
        (void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(descriptor, (const struct sockaddr *)&place->address, place->len) != 0 ||
        listen(descriptor, LIMIT_WEB_BACKLOG) != 0) {
        int why = errno;
        (void)close(descriptor); /* nothing was sent */
        return listen_failed(address, why, fault);
    }
    *ret_descriptor = descriptor;
    return OK;
}

/* The socket of the run before or of a socket unit, which listens at the place; or -1. */
static int place_inherit(struct inherited *inherited, const struct place *place)
{
    if (inherited == NULL) {
        return -1;
    }
    int descriptor = inherited_take(inherited, INHERITED_NAME,
                                    (const struct sockaddr *)&place->address, place->len);
    if (descriptor >= 0 && (fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 ||
                            listen(descriptor, LIMIT_WEB_BACKLOG) != 0)) {
        (void)close(descriptor); /* nothing was sent */
        return -1;
    }
    return descriptor;
}

enum err http_listen(const struct http_options *options, int *ret_descriptor, uint16_t *ret_port,
                     struct fault *fault)
{
    const char *address = options->address;
    struct place place;
    if (place_read(address, &place) != OK) {
        fault_set(fault, "web.address", address == NULL ? "" : address,
                  "is no address with a port");
        fault_hint(fault, "write numbers, as in 127.0.0.1:8601 or [::1]:8601");
        return ERR_INVALID;
    }
    int descriptor = place_inherit(options->inherited, &place);
    if (descriptor < 0) {
        enum err error = place_listen(address, &place, &descriptor, fault);
        if (error != OK) {
            return error;
        }
    }
    if (options->inherited != NULL) {
        (void)inherited_keep(options->inherited, INHERITED_NAME,
                             descriptor); /* or it ends with us */
    }
    *ret_port = port_of(descriptor);
    *ret_descriptor = descriptor;
    return OK;
}

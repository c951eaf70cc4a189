/* A REQ socket and its dialer. See link_dial.h. */
#include "io/link_dial.h"

#include <nng/protocol/reqrep0/req.h>
#include <string.h>

#include "base/limits.h"

#define REDIAL_MIN_MS 100
#define REDIAL_MAX_MS 2000

static enum err socket_open(struct link_dial *dial, size_t bytes_max, struct fault *fault)
{
    int result = nng_req0_open(&dial->socket);
    if (result != 0) {
        dial->socket = (nng_socket)NNG_SOCKET_INITIALIZER;
        return link_refuse(result, dial->url, "open a socket", fault);
    }
    /* Before contexts and dialers: they take these over when they are made. */
    result = nng_socket_set_size(dial->socket, NNG_OPT_RECVMAXSZ,
                                 bytes_max == 0 ? LIMIT_REQUEST_BYTES : bytes_max);
    if (result == 0) {
        result = nng_socket_set_ms(dial->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    }
    if (result == 0) {
        result = nng_socket_set_ms(dial->socket, NNG_OPT_RECONNMINT, REDIAL_MIN_MS);
    }
    if (result == 0) {
        result = nng_socket_set_ms(dial->socket, NNG_OPT_RECONNMAXT, REDIAL_MAX_MS);
    }
    return link_refuse(result, dial->url, "set up the socket", fault);
}

enum err link_dial_open(struct link_dial *dial, const struct link_client_options *options,
                        struct fault *fault)
{
    struct link_url url;
    enum err error = link_check(fault);
    if (error == OK) {
        error = link_url_parse(options->url, options->laboratory, &url, fault);
    }
    if (error != OK) {
        return error;
    }
    link_url_format(&url, dial->url);
    if (url.scheme == LINK_TLS) {
        const char *given = options->tls.server_name;
        const char *name = given == NULL || given[0] == '\0' ? url.host : given;
        memcpy(dial->name, name, strnlen(name, sizeof(dial->name) - 1)); /* zeroed before */
        error = link_tls_config(&options->tls, NNG_TLS_MODE_CLIENT, dial->name, fault, &dial->tls);
    }
    return error == OK ? socket_open(dial, options->reply_bytes_max, fault) : error;
}

enum err link_dial_start(struct link_dial *dial, struct fault *fault)
{
    int result = nng_dialer_create(&dial->dialer, dial->socket, dial->url);
    if (result != 0) {
        return link_refuse(result, dial->url, "dial", fault);
    }
    if (dial->tls.nng != NULL) {
        result = nng_dialer_set_ptr(dial->dialer, NNG_OPT_TLS_CONFIG, dial->tls.nng);
    }
    if (result == 0) {
        result = nng_dialer_start(dial->dialer, NNG_FLAG_NONBLOCK);
    }
    if (result != 0) {
        (void)nng_dialer_close(dial->dialer); /* made above, so it is there to close */
    }
    dial->dialing = result == 0;
    return link_refuse(result, dial->url, "dial", fault);
}

void link_dial_renew(struct link_dial *dial)
{
    if (dial->dialing) {
        (void)nng_dialer_close(dial->dialer); /* closed by nobody else */
        dial->dialing = false;
    }
    enum err error = link_dial_start(dial, NULL);
    (void)error; /* the next renewal tries again */
}

enum err link_dial_reload(struct link_dial *dial, const struct link_tls *tls, struct fault *fault)
{
    struct tls_config fresh;
    if (dial->tls.nng == NULL) {
        return OK;
    }
    enum err error = link_tls_config(tls, NNG_TLS_MODE_CLIENT, dial->name, fault, &fresh);
    if (error != OK) {
        return error;
    }
    if (dial->tls.own != NULL) {
        tls_config_take(&dial->tls, &fresh);
        tls_config_free(&fresh);
        return OK;
    }
    tls_config_free(&dial->tls); /* the running dialer holds it; the next one has the other */
    dial->tls = fresh;
    link_dial_renew(dial);
    return OK;
}

void link_dial_close(struct link_dial *dial)
{
    if (nng_socket_id(dial->socket) > 0) {
        (void)nng_close(dial->socket); /* closed once, here */
    }
    tls_config_free(&dial->tls);
    memset(dial, 0, sizeof *dial);
}

/* Addresses, TLS files, results and the bounded close, for both ends of a link. */
#include "io/link_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/limits.h"
#include "io/nng_compat.h"
#include "io/number.h"

static const struct {
    const char *prefix;
    enum link_scheme scheme;
} schemes[] = {
    {"tls+tcp://", LINK_TLS},
    {"tcp://", LINK_TCP},
    {"ipc://", LINK_IPC},
};
_Static_assert(sizeof schemes / sizeof schemes[0] == LINK_SCHEME_COUNT, "every scheme has a row");

enum err link_check(struct fault *fault)
{
    return nng_compat_check(fault);
}

/* --- addresses --- */

static bool host_is_loopback(const char *host)
{
    struct in_addr address;
    return (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127) ||
           strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

/* HOST:PORT or [HOST]:PORT. */
static bool host_port_parse(const char *text, struct link_url *url)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || !number_parse(colon + 1, UINT16_MAX, &port)) {
        return false;
    }
    const char *host = text;
    size_t len = (size_t)(colon - text);
    if (text[0] == '[') {
        if (len < 3 || colon[-1] != ']') {
            return false;
        }
        host++;
        len -= 2;
        url->bracketed = true;
    }
    if (len == 0 || len >= sizeof url->host || memchr(host, '/', len) != NULL ||
        (!url->bracketed && memchr(host, ':', len) != NULL)) {
        return false;
    }
    memcpy(url->host, host, len);
    url->port = (uint16_t)port;
    return true;
}

static bool path_parse(const char *text, struct link_url *url)
{
    size_t len = strlen(text);
    if (text[0] != '/' || len >= 108 || len >= sizeof url->host) {
        return false; /* an address of a unix socket holds 107 bytes */
    }
    memcpy(url->host, text, len);
    return true;
}

static enum err url_refuse_plain(const char *text, struct fault *fault)
{
    fault_set(fault, "link.plain-refused", text,
              "tcp:// on loopback and ipc:// are for laboratory mode only");
    fault_hint(fault, "use tls+tcp://HOST:PORT");
    return ERR_REFUSED;
}

enum err link_url_parse(const char *text, bool laboratory, struct link_url *ret_url,
                        struct fault *fault)
{
    struct link_url url = {.scheme = LINK_SCHEME_COUNT};
    bool good = false;
    for (size_t i = 0; i < LINK_SCHEME_COUNT && url.scheme == LINK_SCHEME_COUNT; i++) {
        size_t len = strlen(schemes[i].prefix);
        if (strncmp(text, schemes[i].prefix, len) == 0) {
            url.scheme = schemes[i].scheme;
            good = url.scheme == LINK_IPC ? path_parse(text + len, &url)
                                          : host_port_parse(text + len, &url);
        }
    }
    if (!good) {
        fault_set(fault, "link.bad-url", text, "expected tls+tcp://HOST:PORT%s",
                  laboratory ? ", tcp://HOST:PORT or ipc:///PATH (at most 107 bytes)" : "");
        return ERR_INVALID;
    }
    if (url.scheme != LINK_TLS &&
        (!laboratory || (url.scheme == LINK_TCP && !host_is_loopback(url.host)))) {
        return url_refuse_plain(text, fault);
    }
    *ret_url = url;
    return OK;
}

void link_url_format(const struct link_url *url, char out[LINK_URL_BYTES])
{
    int len = url->scheme == LINK_IPC
                  ? snprintf(out, LINK_URL_BYTES, "ipc://%s", url->host)
                  : snprintf(out, LINK_URL_BYTES, "%s%s%s%s:%u", schemes[url->scheme].prefix,
                             url->bracketed ? "[" : "", url->host, url->bracketed ? "]" : "",
                             (unsigned)url->port);
    assert(len > 0 && len < LINK_URL_BYTES);
}

/* --- results --- */

enum err link_err(int nng_code)
{
    switch (nng_code) {
    case 0:
        return OK;
    case NNG_ENOMEM:
        return ERR_MEMORY;
    case NNG_ETIMEDOUT:
        return ERR_TIMEOUT;
    case NNG_EMSGSIZE:
        return ERR_TOO_LARGE;
    case NNG_EADDRINUSE:
        return ERR_BUSY;
    case NNG_EADDRINVAL:
    case NNG_ECRYPTO:
        return ERR_INVALID;
    case NNG_ECLOSED:
    case NNG_ECANCELED:
    case NNG_ECONNRESET:
    case NNG_ECONNABORTED:
    case NNG_ECONNSHUT:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

enum err link_refuse(int nng_code, const char *url, const char *action, struct fault *fault)
{
    if (nng_code != 0) {
        fault_set(fault, "link.failed", url, "cannot %s: %s", action, nng_strerror(nng_code));
    }
    return link_err(nng_code);
}

nng_msg *link_message(struct span bytes)
{
    nng_msg *message = NULL;
    if (nng_msg_alloc(&message, bytes.len) != 0) {
        return NULL;
    }
    if (bytes.len > 0) {
        memcpy(nng_msg_body(message), bytes.data, bytes.len);
    }
    return message;
}

/* --- TLS files --- */

/* A PEM file as text with its NUL, in `ret_text`, which the caller wipes and frees. */
static enum err pem_read(const char *path, const char *what, struct buf *ret_text,
                         struct fault *fault)
{
    buf_init(ret_text, LIMIT_CONFIG_BYTES);
    if (path == NULL) {
        fault_set(fault, "link.tls-missing", what, "no file is configured");
        return ERR_INVALID;
    }
    enum err error = file_read(path, ret_text, fault);
    return error == OK ? buf_append(ret_text, "", 1) : error;
}

static void pem_wipe(struct buf *text)
{
    if (text->data != NULL) {
        explicit_bzero(text->data, text->len);
    }
    buf_free(text);
}

static enum err tls_refuse(int nng_code, const char *path, const char *what, struct fault *fault)
{
    if (nng_code == 0) {
        return OK;
    }
    fault_set(fault, "link.tls-file", path, "not usable as %s: %s", what, nng_strerror(nng_code));
    fault_hint(fault, tls_engine_is_own()
                          ? "expected PEM; a key without a passphrase, that of the certificate"
                          : "expected PEM with a P-256 or RSA key; mbedTLS knows no Ed25519");
    return nng_code == NNG_ENOMEM ? ERR_MEMORY : ERR_INVALID;
}

static enum err tls_own(const struct tls_config *config, const struct link_tls *tls,
                        struct fault *fault)
{
    struct buf cert;
    struct buf key;
    buf_init(&key, LIMIT_CONFIG_BYTES);
    enum err error = pem_read(tls->cert_file, "tls.cert", &cert, fault);
    if (error == OK) {
        error = pem_read(tls->key_file, "tls.key", &key, fault);
    }
    if (error == OK) {
        int result = nng_tls_config_own_cert(config->nng, (const char *)cert.data,
                                             (const char *)key.data, NULL);
        error = tls_refuse(result, tls->cert_file, "certificate and key", fault);
    }
    pem_wipe(&cert);
    pem_wipe(&key);
    return error;
}

/* Of two texts that were refused together, is it the other one? */
static bool ca_is_usable(const char *text)
{
    struct tls_config alone = {.nng = NULL};
    bool usable = tls_config_new(NNG_TLS_MODE_SERVER, &alone) == OK &&
                  nng_tls_config_ca_chain(alone.nng, text, NULL) == 0;
    tls_config_free(&alone);
    return usable;
}

static enum err tls_peers(const struct tls_config *config, const struct link_tls *tls,
                          struct fault *fault)
{
    bool revokes = tls->crl_file != NULL && tls->crl_file[0] != '\0';
    struct buf ca;
    struct buf crl;
    buf_init(&crl, LIMIT_CONFIG_BYTES);
    enum err error = pem_read(tls->ca_file, "tls.ca", &ca, fault);
    if (error == OK && revokes) {
        error = pem_read(tls->crl_file, "tls.crl", &crl, fault);
    }
    if (error == OK) {
        const char *text = (const char *)ca.data;
        int result =
            nng_tls_config_ca_chain(config->nng, text, revokes ? (const char *)crl.data : NULL);
        bool blame_crl = result != 0 && revokes && ca_is_usable(text);
        error =
            tls_refuse(result, blame_crl ? tls->crl_file : tls->ca_file,
                       blame_crl ? "list of revoked certificates" : "certificate authority", fault);
    }
    if (error == OK) {
        error = link_err(nng_tls_config_auth_mode(config->nng, NNG_TLS_AUTH_MODE_REQUIRED));
    }
    pem_wipe(&ca);
    buf_free(&crl);
    return error;
}

enum err link_tls_config(const struct link_tls *tls, nng_tls_mode mode, const char *server_name,
                         struct fault *fault, struct tls_config *ret_config)
{
    struct tls_config config = {.nng = NULL};
    enum err error = tls_engine_ready(fault);
    if (error == OK) {
        error = tls_config_new(mode, &config);
    }
    if (error == OK) {
        error = tls_own(&config, tls, fault);
    }
    if (error == OK) {
        error = tls_peers(&config, tls, fault);
    }
    if (error == OK && server_name != NULL) {
        error = link_err(nng_tls_config_server_name(config.nng, server_name));
    }
    if (error != OK) {
        tls_config_free(&config);
    }
    *ret_config = config;
    return error;
}

enum err link_tls_check(const struct link_tls *tls, struct fault *fault)
{
    struct tls_config config;
    enum err error = link_tls_config(tls, NNG_TLS_MODE_SERVER, NULL, fault, &config);
    tls_config_free(&config);
    return error;
}

/* --- bounded run --- */

struct bounded_run {
    pthread_mutex_t lock;
    pthread_cond_t ended_change;
    bool ended;
    bool left; /* the waiter gave up: the thread frees this */
    void (*fn)(void *ctx);
    void *ctx;
};

static void bounded_free(struct bounded_run *run)
{
    if (run == NULL) {
        return;
    }
    (void)pthread_cond_destroy(&run->ended_change); /* nobody waits any more */
    (void)pthread_mutex_destroy(&run->lock);
    free(run);
}

static void *bounded_thread(void *argument)
{
    struct bounded_run *run = argument;
    run->fn(run->ctx);
    (void)pthread_mutex_lock(&run->lock);
    run->ended = true;
    bool left = run->left;
    (void)pthread_cond_signal(&run->ended_change);
    (void)pthread_mutex_unlock(&run->lock);
    if (left) {
        bounded_free(run);
    }
    return NULL;
}

static bool bounded_wait(struct bounded_run *run, uint64_t wait_ms)
{
    struct timespec until;
    int result = clock_gettime(CLOCK_MONOTONIC, &until);
    assert(result == 0);
    uint64_t nanoseconds = (uint64_t)until.tv_nsec + (wait_ms % 1000) * 1000000u;
    until.tv_sec += (time_t)(wait_ms / 1000 + nanoseconds / 1000000000u);
    until.tv_nsec = (long)(nanoseconds % 1000000000u);
    (void)pthread_mutex_lock(&run->lock);
    while (!run->ended && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&run->ended_change, &run->lock, &until);
    }
    bool ended = run->ended;
    run->left = !ended;
    (void)pthread_mutex_unlock(&run->lock);
    return ended;
}

static struct bounded_run *bounded_new(void (*fn)(void *ctx), void *ctx)
{
    pthread_condattr_t attributes;
    struct bounded_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return NULL;
    }
    run->fn = fn;
    run->ctx = ctx;
    (void)pthread_mutex_init(&run->lock, NULL); /* none of these fails on Linux */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&run->ended_change, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return run;
}

bool link_run_bounded(void (*fn)(void *ctx), void *ctx, uint64_t wait_ms)
{
    pthread_t thread;
    struct bounded_run *run = bounded_new(fn, ctx);
    if (run == NULL || pthread_create(&thread, NULL, bounded_thread, run) != 0) {
        bounded_free(run);
        fn(ctx); /* no memory for a thread: unbounded, but done */
        return true;
    }
    bool ended = bounded_wait(run, wait_ms);
    if (!ended) {
        (void)pthread_detach(thread); /* ours and joinable, so it cannot fail */
        return false;
    }
    (void)pthread_join(thread, NULL);
    bounded_free(run);
    return true;
}

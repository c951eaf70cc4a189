/* Listeners of a link server. See link_listener.h.
 *
 * A listener cannot be given another TLS configuration while it runs (nng answers success and goes
 * on with the old one), so our engine exchanges what is in the configuration; nng's own one has no
 * such thing, and a reload closes the listener and makes it anew on the same port, as a failed
 * probe does. When that fails - somebody took the port - the next tick tries again. */
#include "io/link_listener.h"

#include <stdlib.h>
#include <string.h>

#include "io/nng_compat.h"

/* A probe of a tls listener is a whole handshake with itself, 15 ms of a core: rare enough that an
 * idle broker stays idle. A listener that has stopped costs nobody who is connected. */
#define PROBE_MS        30000u
#define PROBE_ANSWER_MS 5000u
#define IPC_MODE        0660
#define STUCK_PROBES    2 /* so many in a row are no coincidence */

static int listener_set_up(const struct link_listeners *listeners, struct link_listener *listener)
{
    if (listener->url.scheme == LINK_TLS) {
        return nng_listener_set_ptr(listener->handle, NNG_OPT_TLS_CONFIG, listeners->tls.nng);
    }
    if (listener->url.scheme == LINK_IPC) {
        return nng_listener_set_int(listener->handle, NNG_OPT_IPC_PERMISSIONS, IPC_MODE);
    }
    return 0;
}

/* The port that the kernel chose, when it was left to it. */
static int port_learn(struct link_listener *listener)
{
    int port = 0;
    if (listener->url.scheme == LINK_IPC || listener->url.port != 0) {
        return 0;
    }
    int result = nng_listener_get_int(listener->handle, NNG_OPT_TCP_BOUND_PORT, &port);
    listener->url.port = (uint16_t)port;
    return result;
}

static int listener_start(const struct link_listeners *listeners, struct link_listener *listener)
{
    char text[LINK_URL_BYTES];
    link_url_format(&listener->url, text);
    int result = nng_listener_create(&listener->handle, listeners->socket, text);
    if (result != 0) {
        return result;
    }
    atomic_store(&listener->id, (uint32_t)nng_listener_id(listener->handle));
    result = listener_set_up(listeners, listener);
    if (result == 0) {
        result = nng_listener_start(listener->handle, 0);
    }
    if (result == 0) {
        result = port_learn(listener);
    }
    if (result != 0) {
        (void)nng_listener_close(listener->handle); /* made above, so it is there to close */
    }
    listener->listening = result == 0;
    return result;
}

static int listener_renew(const struct link_listeners *listeners, struct link_listener *listener)
{
    if (listener->listening) {
        (void)nng_listener_close(listener->handle); /* closed by nobody else */
        listener->listening = false;
    }
    return listener_start(listeners, listener);
}

/* --- the self-probe --- */

void link_listeners_accepted(struct link_listeners *listeners, nng_listener handle)
{
    for (size_t i = 0; i < listeners->count && listeners->watch != NULL; i++) {
        if (atomic_load(&listeners->each[i].id) == (uint32_t)nng_listener_id(handle)) {
            atomic_fetch_add(&listeners->watch->accepted[i], 1);
        }
    }
}

void link_listeners_removed(struct link_listeners *listeners)
{
    if (listeners->watch != NULL) {
        atomic_fetch_add(&listeners->watch->removed, 1);
    }
}

static void watch_free(struct link_watch *watch)
{
    for (size_t i = 0; watch != NULL && i < LINK_WATCH_FILES; i++) {
        free(watch->tls_files[i]);
    }
    free(watch);
}

static void probe_work(void *ctx)
{
    struct link_watch *watch = ctx;
    uint64_t removed = atomic_load(&watch->removed);
    bool connected = false;
    for (size_t i = 0; i < LINK_LISTENERS_MAX; i++) {
        struct link_probe_target target = {.url = watch->urls[i],
                                           .cert_file = watch->tls_files[0],
                                           .key_file = watch->tls_files[1],
                                           .accepted = &watch->accepted[i],
                                           .stop = &watch->stop};
        watch->found[i] =
            watch->asked[i] ? link_probe(&target, PROBE_ANSWER_MS) : LINK_PROBE_UNKNOWN;
        connected = connected || watch->found[i] == LINK_PROBE_ALIVE;
    }
    watch->reaper_stuck = connected && !link_probe_count_moves(&watch->removed, removed,
                                                               &watch->stop, PROBE_ANSWER_MS);
}

static void reaper_judge(struct link_listeners *listeners)
{
    if (!listeners->watch->reaper_stuck) {
        listeners->stuck_probes = 0;
        return;
    }
    listeners->reaps_failed++;
    if (++listeners->stuck_probes == STUCK_PROBES && listeners->on_stuck != NULL) {
        listeners->on_stuck(listeners->ctx);
        listeners->on_stuck = NULL;
    }
}

static void probe_judge(struct link_listeners *listeners)
{
    listeners->probes++;
    reaper_judge(listeners);
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->watch->found[i] == LINK_PROBE_DEAD) {
            listeners->probes_failed++;
            if (listener_renew(listeners, &listeners->each[i]) == 0) {
                listeners->renewed++;
            }
        }
    }
    loop_timer_after(&listeners->timer, listeners->probe_ms);
}

static void probe_done(void *ctx)
{
    struct link_watch *watch = ctx;
    watch->busy = false;
    if (watch->listeners == NULL) {
        watch_free(watch);
    } else if (!atomic_load(&watch->stop)) {
        probe_judge(watch->listeners);
    }
}

/* A failure to begin is no news about the listeners: the next tick tries again. */
static bool probe_begin(struct link_listeners *listeners)
{
    struct link_watch *watch = listeners->watch;
    for (size_t i = 0; i < listeners->count; i++) {
        watch->urls[i] = listeners->each[i].url;
        watch->asked[i] = listeners->each[i].listening;
    }
    watch->busy = loop_work(listeners->loop, probe_work, probe_done, watch) == OK;
    return watch->busy;
}

static void tick_cb(void *ctx)
{
    struct link_listeners *listeners = ctx;
    for (size_t i = 0; i < listeners->count; i++) {
        if (!listeners->each[i].listening) {
            (void)listener_renew(listeners, &listeners->each[i]); /* or at the next tick */
        }
    }
    if (!nng_compat_needs_cure() || !probe_begin(listeners)) {
        loop_timer_after(&listeners->timer, listeners->probe_ms);
    }
}

/* --- life --- */

/* For the probe, which may be reading them now: then it goes on with the old ones. */
static enum err tls_files_keep(struct link_watch *watch, const struct link_tls *tls)
{
    const char *const files[] = {tls->cert_file, tls->key_file};
    if (watch->busy) {
        return OK;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *copy = files[i] == NULL ? NULL : strdup(files[i]);
        if (files[i] != NULL && copy == NULL) {
            return ERR_MEMORY;
        }
        free(watch->tls_files[i]);
        watch->tls_files[i] = copy;
    }
    return OK;
}

static enum err urls_parse(struct link_listeners *listeners,
                           const struct link_server_options *options, struct fault *fault)
{
    bool tls = false;
    for (size_t i = 0; i < options->url_count; i++) {
        enum err error =
            link_url_parse(options->urls[i], options->laboratory, &listeners->each[i].url, fault);
        if (error != OK) {
            return error;
        }
        tls = tls || listeners->each[i].url.scheme == LINK_TLS;
    }
    if (!tls) {
        return OK;
    }
    enum err error = tls_files_keep(listeners->watch, &options->tls);
    return error == OK
               ? link_tls_config(&options->tls, NNG_TLS_MODE_SERVER, NULL, fault, &listeners->tls)
               : error;
}

enum err link_listeners_open(struct link_listeners *listeners, struct loop *loop, nng_socket socket,
                             const struct link_server_options *options, struct fault *fault)
{
    listeners->loop = loop;
    listeners->socket = socket;
    listeners->count = options->url_count;
    listeners->on_stuck = options->on_stuck;
    listeners->ctx = options->ctx;
    listeners->probe_ms = options->probe_ms == 0 ? PROBE_MS : options->probe_ms;
    loop_timer_init(loop, &listeners->timer, tick_cb, listeners);
    listeners->watch = calloc(1, sizeof *listeners->watch);
    if (listeners->watch == NULL) {
        return ERR_MEMORY;
    }
    listeners->watch->listeners = listeners;
    enum err error = urls_parse(listeners, options, fault);
    for (size_t i = 0; i < listeners->count && error == OK; i++) {
        int result = listener_start(listeners, &listeners->each[i]);
        error = link_refuse(result, options->urls[i], "listen", fault);
    }
    if (error == OK) {
        loop_timer_after(&listeners->timer, listeners->probe_ms);
    }
    return error;
}

uint16_t link_listeners_port(const struct link_listeners *listeners, size_t index)
{
    return index < listeners->count ? listeners->each[index].url.port : 0;
}

/* nng's own engine has to be given listeners that are new. */
static enum err listeners_renew(struct link_listeners *listeners, struct fault *fault)
{
    enum err error = OK;
    for (size_t i = 0; i < listeners->count; i++) {
        struct link_listener *listener = &listeners->each[i];
        char text[LINK_URL_BYTES];
        link_url_format(&listener->url, text);
        if (listener->url.scheme == LINK_TLS) {
            int result = listener_renew(listeners, listener);
            error = error == OK ? link_refuse(result, text, "listen", fault) : error;
        }
    }
    return error;
}

enum err link_listeners_reload(struct link_listeners *listeners, const struct link_tls *tls,
                               struct fault *fault)
{
    struct tls_config fresh;
    if (listeners->tls.nng == NULL) {
        return OK;
    }
    enum err error = link_tls_config(tls, NNG_TLS_MODE_SERVER, NULL, fault, &fresh);
    error = error == OK ? tls_files_keep(listeners->watch, tls) : error;
    if (error == OK && listeners->tls.own != NULL) {
        tls_config_take(&listeners->tls, &fresh);
    } else if (error == OK) {
        struct tls_config old = listeners->tls;
        listeners->tls = fresh;
        fresh = old;
        error = listeners_renew(listeners, fault);
    }
    tls_config_free(&fresh);
    return error;
}

void link_listeners_stop(struct link_listeners *listeners)
{
    loop_timer_clear(&listeners->timer);
    if (listeners->watch != NULL) {
        atomic_store(&listeners->watch->stop, true);
    }
}

void link_listeners_fini(struct link_listeners *listeners)
{
    if (listeners->watch != NULL && listeners->watch->busy) {
        listeners->watch->listeners = NULL;
    } else {
        watch_free(listeners->watch);
    }
    listeners->watch = NULL;
    tls_config_free(&listeners->tls);
}

/* The engine's connections: OpenSSL between nng's two ends. See tls_engine.h.
 *
 * nng calls these under the connection's lock, and calls send and recv before the handshake is
 * over, so each first drives that. Nobody asks the engine to go on by itself: bytes are reported as
 * taken when they are within OpenSSL, or when more of the same message must follow (tls_hold.h).
 * A failure is kept and answered for ever, since to ask again would hang the caller. NNG_ECLOSED
 * and NNG_ECRYPTO are never answered: nng would stop accepting. OpenSSL's queue of errors is the
 * thread's, which serves many connections: it is emptied before each call. */
#include "io/tls_engine.h"

#include <assert.h>
#include <nng/nng.h>
#include <nng/supplemental/tls/engine.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "io/nng_compat.h"
#include "io/tls_context.h"
#include "io/tls_deadline.h"
#include "io/tls_hold.h"

#if NNG_MINOR_VERSION >= 6 && NNG_MINOR_VERSION < 9
#error "nng 1.6 to 1.8 have a larger table of functions under the number of the smaller one"
#endif

struct nng_tls_engine_conn {
    void *stream;                         /* nng's end */
    SSL *ssl;                             /* owned; NULL: init did not get so far */
    struct nng_tls_engine_config *config; /* borrowed: nng keeps it as long as this */
    struct tls_hold *hold;                /* owned */
    struct tls_deadline deadline;
    size_t heard;          /* bytes of the peer's hello */
    bool ready;            /* the handshake is done, the peer verified */
    bool told;             /* of our end */
    int failure;           /* 0: none */
    struct link_peer peer; /* once ready */
};

/* --- the bytes below --- */

static int below_write(BIO *bio, const char *bytes, int len)
{
    struct nng_tls_engine_conn *conn = BIO_get_data(bio);
    size_t count = (size_t)len;
    int result = nng_tls_engine_send(conn->stream, (const uint8_t *)bytes, &count);

    BIO_clear_retry_flags(bio);
    if (result == NNG_EAGAIN) {
        BIO_set_retry_write(bio);
    }
    return result == 0 ? (int)count : -1;
}

/* nng reads on this thread the first time, which is how the descriptor is learnt. */
static int receive(struct nng_tls_engine_conn *conn, uint8_t *bytes, size_t *count)
{
    int fd = -1, result;

    nng_compat_learn_fd(&fd);
    result = nng_tls_engine_recv(conn->stream, bytes, count);
    nng_compat_learn_fd(NULL);
    if (conn->deadline.fd < 0 && fd >= 0) {
        tls_deadline_learn(&conn->deadline, fd);
    }
    return result;
}

static int below_read(BIO *bio, char *bytes, int len)
{
    struct nng_tls_engine_conn *conn = BIO_get_data(bio);
    size_t count = (size_t)len;
    int result = conn->deadline.watched
                     ? receive(conn, (uint8_t *)bytes, &count)
                     : nng_tls_engine_recv(conn->stream, (uint8_t *)bytes, &count);

    BIO_clear_retry_flags(bio);
    if (result == NNG_EAGAIN) {
        BIO_set_retry_read(bio);
    }
    return result == 0 ? (int)count : -1;
}

static long below_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nng sends by itself */
}

static BIO_METHOD *below; /* made once, by the registration */

static BIO_METHOD *below_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nng");

    if (method != NULL && BIO_meth_set_write(method, below_write) == 1 &&
        BIO_meth_set_read(method, below_read) == 1 && BIO_meth_set_ctrl(method, below_ctrl) == 1) {
        return method;
    }
    BIO_meth_free(method);
    return NULL;
}

/* --- failing --- */

static int fail(struct nng_tls_engine_conn *conn, int code)
{
    conn->failure = code;
    return code;
}

/* What a call of OpenSSL that did not go through means. */
static int judge(struct nng_tls_engine_conn *conn, int result)
{
    switch (SSL_get_error(conn->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return tls_deadline_hung_up(&conn->deadline) ? fail(conn, NNG_ECONNRESET) : NNG_EAGAIN;
    case SSL_ERROR_SSL:
        return fail(conn, conn->ready ? NNG_ECONNRESET : NNG_EPEERAUTH);
    default:
        return fail(conn, NNG_ECONNRESET);
    }
}

/* --- the handshake --- */

/* Whose certificate it is: its one common name, which is an agency's id. */
static void peer_learn(struct nng_tls_engine_conn *conn)
{
    X509 *certificate = SSL_get0_peer_certificate(conn->ssl);
    X509_NAME *name = X509_get_subject_name(certificate);
    unsigned len = 0;

    if (X509_NAME_get_index_by_NID(name, NID_commonName,
                                   X509_NAME_get_index_by_NID(name, NID_commonName, -1)) < 0) {
        char text[sizeof(conn->peer.agency) + 1];
        int count = X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text));

        if (count > 0 && (size_t)count < sizeof(conn->peer.agency) &&
            strlen(text) == (size_t)count) {
            memcpy(conn->peer.agency, text, (size_t)count);
        }
    }
    (void)X509_pubkey_digest(certificate, EVP_sha256(), conn->peer.key.bytes, &len);
}

static int handshake(struct nng_tls_engine_conn *conn)
{
    int result;

    if (conn->failure != 0) {
        return conn->failure;
    }
    if (conn->ready) {
        return 0;
    }
    ERR_clear_error();
    result = SSL_do_handshake(conn->ssl);
    if (result != 1) {
        return judge(conn, result);
    }
    if (SSL_get0_peer_certificate(conn->ssl) == NULL ||
        SSL_get_verify_result(conn->ssl) != X509_V_OK) {
        return fail(conn, NNG_EPEERAUTH); /* OpenSSL has refused it before; never without */
    }
    conn->ready = true;
    peer_learn(conn);
    return 0;
}

/* --- sending --- */

static int flush(struct nng_tls_engine_conn *conn)
{
    struct tls_hold *hold = conn->hold;

    while (hold->flushed < hold->len) {
        size_t count = 0;
        int result;

        ERR_clear_error();
        result =
            SSL_write_ex(conn->ssl, hold->bytes + hold->flushed, hold->len - hold->flushed, &count);
        if (result != 1) {
            return judge(conn, result);
        }
        hold->flushed += count;
    }
    hold->len = 0;
    hold->flushed = 0;
    return 0;
}

static int conn_send(nng_tls_engine_conn *conn, const uint8_t *piece, size_t *len)
{
    struct tls_hold *hold = conn->hold;
    int result = handshake(conn);

    if (result == 0 && hold->taken == 0 && tls_hold_is_full(hold)) {
        result = flush(conn);
    }
    if (result == 0 && hold->taken == 0) {
        hold->taken = tls_hold_take(hold, piece, *len);
    }
    if (result == 0 && tls_hold_at_end(hold)) {
        result = flush(conn);
    }
    if (result == 0) {
        *len = hold->taken;
        hold->taken = 0;
    }
    return result;
}

/* --- receiving --- */

static void hear(struct nng_tls_engine_conn *conn, size_t count)
{
    if (conn->heard < TLS_HELLO_BYTES) {
        conn->heard += count;
        if (conn->heard >= TLS_HELLO_BYTES) {
            tls_deadline_end(&conn->deadline);
        }
    }
}

/* As much as there is: fewer calls of nng's. A failure behind some bytes comes with the next. */
static int conn_recv(nng_tls_engine_conn *conn, uint8_t *bytes, size_t *len)
{
    size_t total = 0;
    int result = handshake(conn);

    while (result == 0 && total < *len) {
        size_t count = 0;
        int read;

        ERR_clear_error();
        read = SSL_read_ex(conn->ssl, bytes + total, *len - total, &count);
        total += read == 1 ? count : 0;
        result = read == 1 ? 0 : judge(conn, read);
    }
    if (total == 0) {
        return result;
    }
    hear(conn, total);
    *len = total;
    return 0;
}

/* --- life --- */

static void conn_fini(nng_tls_engine_conn *conn)
{
    tls_deadline_end(&conn->deadline); /* nng has not closed the descriptor yet */
    SSL_free(conn->ssl);
    free(conn->hold);
}

static int conn_init(nng_tls_engine_conn *conn, void *stream, nng_tls_engine_config *config)
{
    BIO *bio = BIO_new(below);

    conn->stream = stream;
    conn->config = config;
    conn->hold = malloc(sizeof(*conn->hold));
    conn->ssl = tls_context_connect(config);
    if (bio == NULL || conn->hold == NULL || conn->ssl == NULL ||
        !tls_deadline_start(&conn->deadline)) {
        BIO_free(bio);
        return NNG_ENOMEM; /* nng calls fini */
    }
    tls_hold_init(conn->hold);
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(conn->ssl, bio, bio);
    return 0;
}

/* Said once, and only where the peer would believe it. */
static void conn_close(nng_tls_engine_conn *conn)
{
    if (conn->ready && conn->failure == 0 && !conn->told) {
        conn->told = true;
        ERR_clear_error();
        (void)SSL_shutdown(conn->ssl); /* whether it leaves or not: the stream is closed next */
    }
}

/* --- who a peer is --- */

/* nng answers its one option of a TLS connection by calling `verified` for exactly that one, on the
 * caller's thread: what else is asked travels beside it. */
static _Thread_local struct {
    bool answered, trusted;
    bool looks; /* at what the configuration says now */
    struct link_peer peer;
} asked;

static bool conn_verified(nng_tls_engine_conn *conn)
{
    asked.answered = conn->ready;
    asked.peer = conn->peer;
    asked.trusted = conn->ready && asked.looks && tls_context_trusts(conn->config, conn->ssl);
    return conn->ready;
}

static bool ask(nng_pipe pipe, bool looks)
{
    bool verified = false;

    memset(&asked, 0, sizeof(asked));
    asked.looks = looks;
    return tls_engine_is_own() && nng_pipe_get_bool(pipe, NNG_OPT_TLS_VERIFIED, &verified) == 0 &&
           verified && asked.answered;
}

bool tls_peer_of(nng_pipe pipe, struct link_peer *ret_peer)
{
    bool known = ask(pipe, false);

    if (known) {
        *ret_peer = asked.peer;
    }
    return known;
}

bool tls_peer_is_trusted(nng_pipe pipe)
{
    return ask(pipe, true) && asked.trusted;
}

/* --- the engine --- */

#if NNG_MINOR_VERSION >= 9
static char *conn_peer_cn(nng_tls_engine_conn *conn)
{
    return conn->peer.agency[0] != '\0' ? strdup(conn->peer.agency) : NULL;
}

static char **conn_peer_alt_names(nng_tls_engine_conn *conn)
{
    (void)conn;
    return NULL;
}
#endif

static nng_tls_engine_conn_ops conn_ops = {
    .size = sizeof(struct nng_tls_engine_conn),
    .init = conn_init,
    .fini = conn_fini,
    .close = conn_close,
    .handshake = handshake,
    .recv = conn_recv,
    .send = conn_send,
    .verified = conn_verified,
#if NNG_MINOR_VERSION >= 9
    .peer_cn = conn_peer_cn,
    .peer_alt_names = conn_peer_alt_names,
#endif
};

static const nng_tls_engine our_engine = {
    .version = NNG_TLS_ENGINE_VERSION,
    .config_ops = &tls_context_ops,
    .conn_ops = &conn_ops,
    .name = "openssl",
    .description = OPENSSL_VERSION_TEXT,
    .fips_mode = false,
};

const char *const link_engine_names[] = {"openssl", "mbedtls", NULL};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the next three */
static enum link_engine chosen = LINK_ENGINE_OPENSSL;
static bool registered; /* or it is nng's own one that is used */
static int register_result;

/* OpenSSL's clean-up at exit would race with nng's threads, which never end. */
static int engine_register(void)
{
    (void)nng_tls_engine_name(); /* nng's own start would put its engine in the place again */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) != 1) {
        return NNG_ECRYPTO;
    }
    below = below_new();
    return below == NULL ? NNG_ENOMEM : nng_tls_engine_register(&our_engine);
}

enum err tls_engine_ready(struct fault *fault)
{
    int result;

    (void)pthread_mutex_lock(&lock);
    if (!registered) {
        registered = true;
        register_result = chosen == LINK_ENGINE_OPENSSL ? engine_register() : 0;
    }
    result = register_result;
    (void)pthread_mutex_unlock(&lock);
    if (result != 0) {
        fault_set(fault, "link.engine", "tls-engine",
                  "nng %s does not take the TLS engine of this program: %s", nng_version(),
                  nng_strerror(result));
        fault_hint(fault, "install the package built for this system; `tls-engine: mbedtls` uses "
                          "nng's own one");
        return ERR_VERSION;
    }
    return OK;
}

bool tls_engine_is_own(void)
{
    bool own;

    (void)pthread_mutex_lock(&lock);
    own = registered && register_result == 0 && chosen == LINK_ENGINE_OPENSSL;
    (void)pthread_mutex_unlock(&lock);
    return own;
}

enum err link_engine_choose(enum link_engine engine, struct fault *fault)
{
    bool late;

    (void)pthread_mutex_lock(&lock);
    late = registered && engine != chosen;
    if (!late) {
        chosen = engine;
    }
    (void)pthread_mutex_unlock(&lock);
    if (late) {
        fault_set(fault, "link.engine", "tls-engine", "is chosen once for the life of a process");
        fault_hint(fault, "restart the daemon to change it");
        return ERR_REFUSED;
    }
    return tls_engine_ready(fault);
}

const char *link_engine_name(void)
{
    return tls_engine_is_own() ? OpenSSL_version(OPENSSL_VERSION) : nng_tls_engine_description();
}

/* --- configurations --- */

enum err tls_config_new(nng_tls_mode mode, struct tls_config *ret_config)
{
    int result = nng_tls_config_alloc(&ret_config->nng, mode);

    ret_config->own = result == 0 && tls_engine_is_own() ? tls_context_made() : NULL;
    return result == 0 ? OK : result == NNG_ENOMEM ? ERR_MEMORY : ERR_IO;
}

void tls_config_free(struct tls_config *config)
{
    if (config->nng != NULL) {
        nng_tls_config_free(config->nng);
    }
    memset(config, 0, sizeof(*config));
}

void tls_config_take(const struct tls_config *running, const struct tls_config *fresh)
{
    assert(running->own != NULL && fresh->own != NULL);
    tls_context_exchange(running->own, fresh->own);
}

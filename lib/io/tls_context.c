/* PEM texts to an SSL_CTX, and connections from it. See tls_context.h, tls_engine.h.
 *
 * nng calls own_cert, ca_chain and auth on a configuration that nobody uses yet, and reads it from
 * then on without a lock of its own; the lock here is for the exchange of the context. */
#include "io/tls_context.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 256u

struct nng_tls_engine_config {
    pthread_mutex_t lock;
    SSL_CTX *context; /* owned: one reference */
    bool server;
    char name[NAME_BYTES]; /* of the server, for a client; empty: none is asked for */
};

static _Thread_local struct nng_tls_engine_config *made;

struct nng_tls_engine_config *tls_context_made(void)
{
    return made;
}

/* --- life --- */

/* A resumed session would skip certificate and revocation, so there is none. */
static int context_set_up(SSL_CTX *context)
{
    const uint64_t options = SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;

    SSL_CTX_set_options(context, options);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return SSL_CTX_set_num_tickets(context, 0) == 1 &&
                   SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1
               ? 0
               : NNG_ECRYPTO;
}

static int config_init(nng_tls_engine_config *config, nng_tls_mode mode)
{
    int result;

    config->server = mode == NNG_TLS_MODE_SERVER;
    config->context = SSL_CTX_new(config->server ? TLS_server_method() : TLS_client_method());
    if (config->context == NULL) {
        ERR_clear_error();
        return NNG_ENOMEM;
    }
    result = context_set_up(config->context);
    if (result != 0) {
        SSL_CTX_free(config->context);
        ERR_clear_error();
        return result;
    }
    (void)pthread_mutex_init(&config->lock, NULL); /* does not fail on Linux */
    made = config;
    return 0;
}

static void config_fini(nng_tls_engine_config *config)
{
    SSL_CTX_free(config->context);
    (void)pthread_mutex_destroy(&config->lock); /* nobody else has it any more */
}

static SSL_CTX *context_hold(struct nng_tls_engine_config *config)
{
    SSL_CTX *context;

    (void)pthread_mutex_lock(&config->lock);
    context = config->context;
    (void)SSL_CTX_up_ref(context); /* counts only */
    (void)pthread_mutex_unlock(&config->lock);
    return context;
}

void tls_context_exchange(struct nng_tls_engine_config *running,
                          struct nng_tls_engine_config *fresh)
{
    SSL_CTX *context = context_hold(fresh), *old;

    assert(running->server == fresh->server);
    (void)pthread_mutex_lock(&running->lock);
    old = running->context;
    running->context = context;
    (void)pthread_mutex_unlock(&running->lock);
    SSL_CTX_free(old); /* connections hold it for themselves */
}

/* --- what nng sets --- */

static int config_server(nng_tls_engine_config *config, const char *name)
{
    if (strlen(name) >= sizeof(config->name)) {
        return NNG_EINVAL;
    }
    (void)snprintf(config->name, sizeof(config->name), "%s", name);
    return 0;
}

/* Both ends show a certificate, whatever is asked for: nng asks for less at each listener that it
 * makes, before it is given our configuration. */
static int config_auth(nng_tls_engine_config *config, nng_tls_auth_mode mode)
{
    (void)config;
    (void)mode;
    return 0;
}

static int config_version(nng_tls_engine_config *config, nng_tls_version lowest,
                          nng_tls_version highest)
{
    (void)config;
    return lowest <= NNG_TLS_1_3 && highest >= NNG_TLS_1_3 ? 0 : NNG_ENOTSUP;
}

/* A key that needs a passphrase is refused: nobody is there to type one. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return 0;
}

/* Was the text read to its end? One that was cut, or damaged, gives fewer than it had. */
static bool pem_ended(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static int authorities_add(const struct nng_tls_engine_config *config, BIO *pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(config->context);
    int count = 0, good = 1;
    X509 *one;

    while (good == 1 && (one = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)) != NULL) {
        good = X509_STORE_add_cert(store, one) == 1 &&
               (!config->server || SSL_CTX_add_client_CA(config->context, one) == 1);
        X509_free(one);
        count++;
    }
    return good == 1 && count > 0 && pem_ended() ? 0 : NNG_ECRYPTO;
}

/* Of the peer's own certificate; who issues is the operator's to keep. */
static int revoked_add(const struct nng_tls_engine_config *config, BIO *pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(config->context);
    int count = 0, good = 1;
    X509_CRL *one;

    while (good == 1 && (one = PEM_read_bio_X509_CRL(pem, NULL, no_passphrase, NULL)) != NULL) {
        good = X509_STORE_add_crl(store, one);
        X509_CRL_free(one);
        count++;
    }
    good = good == 1 && count > 0 && pem_ended() &&
           X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1;
    return good == 1 ? 0 : NNG_ECRYPTO;
}

static int with_pem(const struct nng_tls_engine_config *config, const char *text,
                    int (*fn)(const struct nng_tls_engine_config *config, BIO *pem))
{
    BIO *pem = BIO_new_mem_buf(text, -1);
    int result;

    ERR_clear_error();
    result = pem == NULL ? NNG_ENOMEM : fn(config, pem);
    BIO_free(pem);
    ERR_clear_error(); /* the end of a PEM text is an error, too */
    return result;
}

static int config_ca_chain(nng_tls_engine_config *config, const char *authorities,
                           const char *revoked)
{
    int result = with_pem(config, authorities, authorities_add);

    return result == 0 && revoked != NULL ? with_pem(config, revoked, revoked_add) : result;
}

/* The own certificate, then those up to the authority. */
static int chain_use(const struct nng_tls_engine_config *config, BIO *pem)
{
    X509 *one = PEM_read_bio_X509_AUX(pem, NULL, no_passphrase, NULL);
    int good = one != NULL && SSL_CTX_use_certificate(config->context, one) == 1;

    X509_free(one);
    while (good == 1 && (one = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)) != NULL) {
        good = SSL_CTX_add0_chain_cert(config->context, one) == 1;
        if (good != 1) {
            X509_free(one);
        }
    }
    return good == 1 && pem_ended() ? 0 : NNG_ECRYPTO;
}

static int key_use(const struct nng_tls_engine_config *config, BIO *pem)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    int good = key != NULL && SSL_CTX_use_PrivateKey(config->context, key) == 1 &&
               SSL_CTX_check_private_key(config->context) == 1;

    EVP_PKEY_free(key);
    return good == 1 ? 0 : NNG_ECRYPTO;
}

static int config_own_cert(nng_tls_engine_config *config, const char *certificate, const char *key,
                           const char *passphrase)
{
    int result = passphrase != NULL ? NNG_ENOTSUP : with_pem(config, certificate, chain_use);

    return result == 0 ? with_pem(config, key, key_use) : result;
}

#if NNG_MINOR_VERSION >= 9
static int config_psk(nng_tls_engine_config *config, const char *identity, const uint8_t *key,
                      size_t len)
{
    (void)config;
    (void)identity;
    (void)key;
    (void)len;
    return NNG_ENOTSUP;
}
#endif

nng_tls_engine_config_ops tls_context_ops = {
    .size = sizeof(struct nng_tls_engine_config),
    .init = config_init,
    .fini = config_fini,
    .server = config_server,
    .auth = config_auth,
    .ca_chain = config_ca_chain,
    .own_cert = config_own_cert,
#if NNG_MINOR_VERSION >= 9
    .psk = config_psk,
#endif
    .version = config_version,
};

/* --- connections --- */

/* The name, or address, that must be in the server's certificate. */
static bool name_set(SSL *ssl, const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

SSL *tls_context_connect(struct nng_tls_engine_config *config)
{
    SSL_CTX *context = context_hold(config);
    SSL *ssl = SSL_new(context);

    SSL_CTX_free(context);
    if (ssl != NULL && config->name[0] != '\0' && !name_set(ssl, config->name)) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl != NULL && config->server) {
        SSL_set_accept_state(ssl);
    } else if (ssl != NULL) {
        SSL_set_connect_state(ssl);
    }
    ERR_clear_error();
    return ssl;
}

bool tls_context_trusts(struct nng_tls_engine_config *config, SSL *ssl)
{
    SSL_CTX *context = context_hold(config);
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    X509 *peer = SSL_get0_peer_certificate(ssl);
    bool good =
        check != NULL && peer != NULL &&
        X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(context), peer,
                            SSL_get_peer_cert_chain(ssl)) == 1 &&
        X509_STORE_CTX_set_default(check, config->server ? "ssl_client" : "ssl_server") == 1 &&
        X509_verify_cert(check) == 1;

    X509_STORE_CTX_free(check);
    SSL_CTX_free(context);
    ERR_clear_error();
    return good;
}

/* What a TLS configuration of our engine is made of, for tls_engine.c and tls_context.c. */
#ifndef REFERRAL_IO_TLS_CONTEXT_H
#define REFERRAL_IO_TLS_CONTEXT_H

#include <nng/nng.h>
#include <nng/supplemental/tls/engine.h>
#include <openssl/ssl.h>

/* nng's table for configurations. Each of its functions makes or changes a context that no
 * connection uses yet; a context in use is exchanged, never changed. */
extern nng_tls_engine_config_ops tls_context_ops;

/* The configuration that this thread made last: nng hides where it put it. */
struct nng_tls_engine_config *tls_context_made(void);

/* A connection's beginning by the context in force: mode, name and all. NULL: no memory. */
SSL *tls_context_connect(struct nng_tls_engine_config *config);
/* Is the peer's certificate one that the context in force takes? */
bool tls_context_trusts(struct nng_tls_engine_config *config, SSL *ssl);
/* The context of `fresh` takes the place of that of `running`. */
void tls_context_exchange(struct nng_tls_engine_config *running,
                          struct nng_tls_engine_config *fresh);

#endif

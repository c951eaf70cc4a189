/* Which TLS library the links of this process use, its configurations, and who a peer is.
 *
 * The engine of our own, on OpenSSL: TLS 1.3 only, both ends show a certificate, no resumption,
 * nothing that falls back. nng's own one on mbedTLS (TLS 1.2 on Debian 12) is an explicit setting;
 * with it nobody knows whose certificate a connection has, and a reload closes the listeners.
 *
 * For link_* alone. Any thread; nothing here blocks but the reading of PEM texts. */
#ifndef REFERRAL_IO_TLS_ENGINE_H
#define REFERRAL_IO_TLS_ENGINE_H

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "io/link.h"

/* Registers what was chosen (link_engine_choose), or OpenSSL, at the first call of the process.
 * ERR_VERSION with a fault: this nng does not take it; nothing may go on without. */
enum err tls_engine_ready(struct fault *fault) MUST_CHECK;
/* Are configurations and connections those of our own engine? */
bool tls_engine_is_own(void);

struct nng_tls_engine_config; /* the engine's part of a configuration: tls_context.c */

struct tls_config {
    nng_tls_config *nng;               /* owned; NULL: there is none */
    struct nng_tls_engine_config *own; /* within it; NULL with another engine */
};

enum err tls_config_new(nng_tls_mode mode, struct tls_config *ret_config) MUST_CHECK;
void tls_config_free(struct tls_config *config); /* zeroed afterwards, and allowed */
/* Handshakes that begin from now on go by `fresh`; connections that are there stay as they are.
 * Both are our engine's, and of one mode. `fresh` remains the caller's. */
void tls_config_take(const struct tls_config *running, const struct tls_config *fresh);

/* Whose certificate the connection's peer has shown, verified. False: not one of our engine. */
bool tls_peer_of(nng_pipe pipe, struct link_peer *ret_peer);
/* Would that certificate be taken today, by what its configuration says now? */
bool tls_peer_is_trusted(nng_pipe pipe);

#endif

/* The dialling half of link_client and link_caller: a REQ socket and its one dialer. For these two
 * only; any thread, one at a time. */
#ifndef REFERRAL_IO_LINK_DIAL_H
#define REFERRAL_IO_LINK_DIAL_H

#include "io/link_internal.h"

struct link_dial {
    nng_socket socket;
    nng_dialer dialer;
    bool dialing;
    char url[LINK_URL_BYTES];
    char name[LINK_HOST_BYTES]; /* that the server's certificate must have */
    struct tls_config tls;      /* owned; zeroed for a plain url */
};

/* The socket with its bounds, not yet dialling. */
enum err link_dial_open(struct link_dial *dial, const struct link_client_options *options,
                        struct fault *fault) MUST_CHECK;
enum err link_dial_start(struct link_dial *dial, struct fault *fault) MUST_CHECK;
/* Another dialer in place of this one; a failure leaves none until the next renewal. */
void link_dial_renew(struct link_dial *dial);
/* The next connection is made by the files as they are now. With mbedTLS by another dialer: the
 * connection that is there ends. On failure nothing changes. */
enum err link_dial_reload(struct link_dial *dial, const struct link_tls *tls,
                          struct fault *fault) MUST_CHECK;
void link_dial_close(
    struct link_dial *dial); /* once; all operations have been stopped; zeroed ok */

#endif

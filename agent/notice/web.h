/* One request of the outside world: an HTTP POST or a mail. libcurl, wrapped: nothing outside this
 * file's .c sees its header.
 *
 * Certificates are always verified, redirects never followed, proxies and passwords of the
 * environment never used, and no other protocol spoken than the one asked for. A mail goes over TLS
 * or not at all. Blocks until the timeout at most: on a thread of the pool, never on the loop. */
#ifndef REFERRAL_AGENT_NOTICE_WEB_H
#define REFERRAL_AGENT_NOTICE_WEB_H

#include <stdatomic.h>

#include "base/bytes.h"

#define WEB_REASON_BYTES 160u
#define WEB_ANSWER_BYTES 4096u
#define WEB_HEADERS_MAX  12u

struct web_request {                          /* all borrowed */
    const char *url;                          /* http, https: a POST; smtp, smtps: a mail */
    const char *from, *to;                    /* of a mail */
    const char *user, *password;              /* "": none */
    const char *proxy, *authority;            /* "": none; "": the system's authorities */
    const char *headers[WEB_HEADERS_MAX + 1]; /* NULL-terminated */
    struct span body;
    uint64_t timeout_ms;
    const atomic_bool *stop; /* give up now */
};

struct web_answer {
    enum err error;          /* OK: there is an answer, whatever it says; else why there is none */
    long code;               /* HTTP's or SMTP's; 0: none */
    bool recipient_refused;  /* SMTP: this address, for good */
    uint64_t retry_after_ms; /* HTTP: come again then; 0: nothing said */
    char reason[WEB_REASON_BYTES]; /* one line, when the error is set */
    char body[WEB_ANSWER_BYTES];   /* the beginning of it, NUL-terminated */
    size_t len;
};

/* Once, before there are threads. ERR_IO. */
enum err web_init(void) MUST_CHECK;
void web_perform(const struct web_request *request, struct web_answer *ret_answer);

#endif

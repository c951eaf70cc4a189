/* The officers' web inbox: what main.c opens and closes.
 *
 * Runs in the agent's process on its loop thread, over the agent core (agent/state.h): it reads the
 * copies, opens bodies on demand and sends messages exactly as the socket does, so that no rule
 * lives here. Its own rows (officers, acts, drafts) lie sealed in the agent's store. Off when not
 * configured. Pages are in page_*.c, each a view and a template; web_parts.h is what they share. */
#ifndef REFERRAL_AGENT_WEB_WEB_H
#define REFERRAL_AGENT_WEB_WEB_H

#include "agent/agent.h"
#include "store/cases.h"

struct inherited;
struct loop;
struct web;

struct web_setup {
    struct loop *loop;
    struct agent *agent;     /* borrowed; outlives the web */
    const char *address;     /* "127.0.0.1:8601"; port 0: a free one */
    const char *certificate; /* "" : plain HTTP, for loopback or behind a proxy */
    const char *key;
    struct inherited *inherited; /* its socket "web" goes from run to run; NULL: it does not */
    /* A reverse proxy that has checked who it is: the header with the officer's name, believed only
     * with the secret in X-Proxy-Secret. "" : none. */
    const char *proxy_header;
    const char *proxy_secret;
    bool demo; /* says on every page that persons and numbers are invented */
};

enum err web_open(const struct web_setup *setup, struct web **ret_web,
                  struct fault *fault) MUST_CHECK;
uint16_t web_port(const struct web *web);
/* A copy changed, or will: after the commit. */
void web_changed(struct web *web, const struct case_key *key);
void web_close(struct web *web); /* NULL allowed */

#endif

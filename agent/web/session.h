/* Who is logged in: sessions in memory, gone with the process (drafts are rows and stay).
 *
 * The cookie holds 32 random bytes; here lies only their keyed digest, so that memory that leaks
 * opens nothing. A session ends after ten idle minutes of the machine's clock; a page that only
 * polls does not keep it alive. A new one is made at each login, so none can be fixed beforehand.
 * Loop thread. */
#ifndef REFERRAL_AGENT_WEB_SESSION_H
#define REFERRAL_AGENT_WEB_SESSION_H

#include "agent/web/officer.h"

#define SESSION_IDLE_MS     (10u * 60u * 1000u)
#define SESSION_MAX         1024u
#define SESSION_TOKEN_BYTES 65u /* hexadecimal, with the NUL */
#define SESSION_REVEALS_MAX 16u

struct session {
    uint8_t digest[16]; /* of the cookie; all zero: free */
    char csrf[SESSION_TOKEN_BYTES];
    struct officer officer; /* as of the login; roles are looked up again at each request */
    uint64_t used_ms;       /* machine time */
    char notice[256];       /* for the next page, then gone: what just happened */
    struct { /* identity details that this officer has revealed, with a reason, for a minute */
        struct uuid message_id;
        uint64_t until_ms; /* machine time */
    } reveals[SESSION_REVEALS_MAX];
};

struct sessions;

enum err sessions_new(struct sessions **ret_sessions) MUST_CHECK;
void sessions_free(struct sessions *sessions); /* NULL allowed */
/* The token goes into the cookie. The longest idle one gives way when there are too many. */
struct session *session_begin(struct sessions *sessions, const struct officer *officer,
                              uint64_t now_ms, char ret_token[SESSION_TOKEN_BYTES]);
/* NULL: none, or idle too long. `touch`: it is used, not only polled. */
struct session *session_find(struct sessions *sessions, const char *token, uint64_t now_ms,
                             bool touch);
/* The same by the digest that it had; NULL: it ended meanwhile. */
struct session *session_by_digest(struct sessions *sessions, const uint8_t digest[16]);
void session_end(struct sessions *sessions, struct session *session);
/* All of an officer: after a new password, or when disabled; `but` stays. */
void session_end_all(struct sessions *sessions, const char *officer, const struct session *but);
bool session_csrf_matches(const struct session *session, const char *token);

#endif

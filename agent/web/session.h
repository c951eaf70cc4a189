/* Who is logged in: sessions in memory, gone with the process (drafts are rows and stay).
 *
 * The cookie holds 32 random bytes; here lies only their keyed digest, so that memory that leaks
 * opens nothing. A session ends after ten idle minutes of the machine's clock; a page that only
 * polls does not keep it alive. A new one is made at each login, so none can be fixed beforehand.
 * Loop thread. */
#ifndef REFERRAL_AGENT_WEB_SESSION_H
#define REFERRAL_AGENT_WEB_SESSION_H

#include "agent/web/officer.h"

#define SESSION_IDLE_MS        (10u * 60u * 1000u)
#define SESSION_MAX            1024u
#define SESSION_TOKEN_BYTES    65u /* hexadecimal, with the NUL */
#define SESSION_REVEALS_MAX    16u
#define SESSION_ONCE_BYTES     33u /* the token of one shown form, with the NUL */
#define SESSION_LOCATION_BYTES 48u /* where its sending led */
#define SESSION_ONCES_MAX      64u

struct session_once { /* a form that was sent: a second sending leads to the same place */
    char token[SESSION_ONCE_BYTES];
    char location[SESSION_LOCATION_BYTES];
};

struct session {
    uint8_t digest[16]; /* of the cookie; all zero: free */
    char csrf[SESSION_TOKEN_BYTES];
    bool by_proxy;          /* a reverse proxy said who it is: no password was typed */
    struct digest password; /* of the hash that let in: another password ends the session */
    struct officer officer; /* as of the login; roles are looked up again at each request */
    uint64_t used_ms;       /* machine time */
    char notice[256];       /* for the next page, then gone: what just happened */
    struct uuid sent;       /* the message that was sent last, until a page said what came of it */
    struct { /* identity details that this officer has revealed, with a reason, for a minute */
        struct uuid message_id;
        uint64_t until_ms; /* machine time */
    } reveals[SESSION_REVEALS_MAX];
    struct session_once *onces; /* owned; SESSION_ONCES_MAX of them, in a circle; NULL: none yet */
    uint32_t once_count;
};

/* A session that ended by idling, for an hour: whose it was, so that a form that comes too late is
 * kept as that officer's draft. Nothing can be done with it. */
#define SESSION_ENDED_MS  (60u * 60u * 1000u)
#define SESSION_ENDED_MAX 256u

struct session_ended {
    uint8_t digest[16];
    char csrf[SESSION_TOKEN_BYTES];
    char officer[OFFICER_NAME_BYTES];
    uint64_t ended_ms; /* machine time */
};

struct sessions;

enum err sessions_new(struct sessions **ret_sessions) MUST_CHECK;
void sessions_free(struct sessions *sessions); /* NULL allowed */
/* What `password` of a session of this officer is. */
struct digest session_password(const struct officer *officer);
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
/* NULL: none, or longer than an hour ago. */
const struct session_ended *session_ended_find(const struct sessions *sessions, const char *token,
                                               uint64_t now_ms);
/* Where the form of this token led; NULL: it was not sent, or long ago. */
const char *session_once_find(const struct session *session, const char *token);
/* Without memory for it nothing is kept. */
void session_once_put(struct session *session, const char *token, const char *location);
bool session_csrf_matches(const struct session *session, const char *token);

#endif

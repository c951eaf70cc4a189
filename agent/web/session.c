/* A small table that is searched whole: a thousand digests are compared in a microsecond or ten,
 * and there is no order that an outsider could shape. */
#include "agent/web/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

struct sessions {
    struct mac_key key; /* of this run */
    struct session table[SESSION_MAX];
    struct session_ended ended[SESSION_ENDED_MAX]; /* in a circle */
    uint32_t ended_count;
};

enum err sessions_new(struct sessions **ret_sessions)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    if (sessions == NULL) {
        return ERR_MEMORY;
    }
    crypto_random(sessions->key.bytes, sizeof(sessions->key.bytes));
    *ret_sessions = sessions;
    return OK;
}

void sessions_free(struct sessions *sessions)
{
    if (sessions != NULL) {
        for (size_t i = 0; i < SESSION_MAX; i++) {
            free(sessions->table[i].onces);
        }
        crypto_wipe(sessions, sizeof(*sessions));
        free(sessions);
    }
}

static bool is_free(const struct session *session)
{
    static const uint8_t zero[sizeof(session->digest)];

    return memcmp(session->digest, zero, sizeof(zero)) == 0;
}

static void digest_of(const struct sessions *sessions, const char *token,
                      uint8_t out[sizeof(((struct session *)0)->digest)])
{
    const struct span piece = span_text(token);
    const struct mac mac = crypto_mac(&sessions->key, &piece, 1);

    memcpy(out, mac.bytes, sizeof(mac.bytes));
}

static void token_new(char out[SESSION_TOKEN_BYTES])
{
    uint8_t random[(SESSION_TOKEN_BYTES - 1) / 2];

    crypto_random(random, sizeof(random));
    hex_encode(span_of(random, sizeof(random)), out);
    crypto_wipe(random, sizeof(random));
}

void session_end(struct sessions *sessions, struct session *session)
{
    (void)sessions;
    free(session->onces);
    crypto_wipe(session, sizeof(*session));
}

static void idled_out(struct sessions *sessions, struct session *session, uint64_t now_ms)
{
    struct session_ended *ended = &sessions->ended[sessions->ended_count++ % SESSION_ENDED_MAX];

    memcpy(ended->digest, session->digest, sizeof(ended->digest));
    memcpy(ended->csrf, session->csrf, sizeof(ended->csrf));
    text_copy(ended->officer, sizeof(ended->officer), session->officer.name);
    ended->ended_ms = now_ms;
    session_end(sessions, session);
}

/* A free place, or that of the one that was idle for longest. */
static struct session *place_for_one(struct sessions *sessions)
{
    struct session *oldest = &sessions->table[0];

    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *session = &sessions->table[i];

        if (is_free(session)) {
            return session;
        }
        if (session->used_ms < oldest->used_ms) {
            oldest = session;
        }
    }
    session_end(sessions, oldest);
    return oldest;
}

struct digest session_password(const struct officer *officer)
{
    return crypto_digest(span_text(officer->password));
}

struct session *session_begin(struct sessions *sessions, const struct officer *officer,
                              uint64_t now_ms, char ret_token[SESSION_TOKEN_BYTES])
{
    struct session *session = place_for_one(sessions);

    token_new(ret_token);
    digest_of(sessions, ret_token, session->digest);
    token_new(session->csrf);
    session->officer = *officer;
    session->password = session_password(officer);
    crypto_wipe(session->officer.password, sizeof(session->officer.password));
    session->used_ms = now_ms;
    return session;
}

struct session *session_find(struct sessions *sessions, const char *token, uint64_t now_ms,
                             bool touch)
{
    uint8_t digest[sizeof(((struct session *)0)->digest)];

    if (token == NULL || strlen(token) != SESSION_TOKEN_BYTES - 1) {
        return NULL;
    }
    digest_of(sessions, token, digest);
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *session = &sessions->table[i];

        if (is_free(session) || !crypto_equal(session->digest, digest, sizeof(digest))) {
            continue;
        }
        if (now_ms - session->used_ms > SESSION_IDLE_MS) {
            idled_out(sessions, session, now_ms);
            return NULL;
        }
        session->used_ms = touch ? now_ms : session->used_ms;
        return session;
    }
    return NULL;
}

struct session *session_by_digest(struct sessions *sessions, const uint8_t digest[16])
{
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *session = &sessions->table[i];

        if (!is_free(session) && crypto_equal(session->digest, digest, sizeof(session->digest))) {
            return session;
        }
    }
    return NULL;
}

void session_end_all(struct sessions *sessions, const char *officer, const struct session *but)
{
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *session = &sessions->table[i];

        if (session != but && !is_free(session) && strcmp(session->officer.name, officer) == 0) {
            session_end(sessions, session);
        }
    }
}

bool session_csrf_matches(const struct session *session, const char *token)
{
    return token != NULL && strlen(token) == SESSION_TOKEN_BYTES - 1 &&
           crypto_equal(session->csrf, token, SESSION_TOKEN_BYTES - 1);
}

const struct session_ended *session_ended_find(const struct sessions *sessions, const char *token,
                                               uint64_t now_ms)
{
    uint8_t digest[sizeof(((struct session *)0)->digest)];

    if (token == NULL || strlen(token) != SESSION_TOKEN_BYTES - 1) {
        return NULL;
    }
    digest_of(sessions, token, digest);
    for (size_t i = 0; i < SESSION_ENDED_MAX; i++) {
        const struct session_ended *ended = &sessions->ended[i];

        if (ended->officer[0] != '\0' && now_ms - ended->ended_ms <= SESSION_ENDED_MS &&
            crypto_equal(ended->digest, digest, sizeof(digest))) {
            return ended;
        }
    }
    return NULL;
}

const char *session_once_find(const struct session *session, const char *token)
{
    if (token == NULL || strlen(token) != SESSION_ONCE_BYTES - 1 || session->onces == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < SESSION_ONCES_MAX; i++) {
        if (strcmp(session->onces[i].token, token) == 0) {
            return session->onces[i].location;
        }
    }
    return NULL;
}

void session_once_put(struct session *session, const char *token, const char *location)
{
    struct session_once *once;

    if (token == NULL || strlen(token) != SESSION_ONCE_BYTES - 1) {
        return;
    }
    if (session->onces == NULL) {
        session->onces = calloc(SESSION_ONCES_MAX, sizeof(*session->onces));
    }
    if (session->onces != NULL) {
        once = &session->onces[session->once_count++ % SESSION_ONCES_MAX];
        text_copy(once->token, sizeof(once->token), token);
        text_copy(once->location, sizeof(once->location), location);
    }
}

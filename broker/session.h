/* Sessions: what makes a captured request worthless to whoever captured it.
 *
 * A session is a value that only this run of the broker can have made for this agency; each request
 * counts up inside it, and each counter is taken once, within a window behind the newest. The same
 * row counts how many refusals of the agency wrote a leaf in this minute. Nothing here is durable:
 * after a restart every agency says HELLO again. Not for the identity of messages: that is the
 * dedupe table. Loop thread only. */
#ifndef REFERRAL_BROKER_SESSION_H
#define REFERRAL_BROKER_SESSION_H

#include "base/bytes.h"
#include "base/limits.h"
#include "wire/codec.h"

struct session {
    uint8_t id[SESSION_BYTES];
    uint64_t newest;                         /* the highest counter taken */
    uint64_t seen[LIMIT_REPLAY_WINDOW / 64]; /* bit (counter % window) */
    uint64_t refusal_minute;                 /* minute of broker time that refusals count in */
    uint32_t refusals;                       /* leaves that they wrote in that minute */
};

/* `run_secret` is fresh random bytes of this run; `number` is the agency's. */
void session_init(struct session *session, const uint8_t run_secret[32], uint16_t number);
/* False: not the session of this run, the peer must say HELLO. */
bool session_is(const struct session *session, struct span id);
/* Takes a counter. False: it was taken before, or lies behind the window. */
bool session_take(struct session *session, uint64_t counter);
/* The first counter that a client should use now. */
uint64_t session_next(const struct session *session);
/* Counts one refusal that would write a leaf. False: this minute's share is spent. */
bool session_may_refuse(struct session *session, uint64_t now_ms);

#endif

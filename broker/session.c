/* Sessions: a keyed hash for the id, a sliding bit window for the counters (as IPsec does, RFC 4303
 * section 3.4.3): constant memory an agency, constant time a request. */
#include "broker/session.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"

#define WINDOW LIMIT_REPLAY_WINDOW
_Static_assert(WINDOW % 64 == 0, "the window is whole words");

void session_init(struct session *session, const uint8_t run_secret[32], uint16_t number)
{
    static const char label[] = "referral.v1.session";
    uint8_t context[sizeof(label) + 2];
    uint8_t derived[32];

    memcpy(context, label, sizeof(label));
    be16_put(context + sizeof(label), number);
    crypto_derive(run_secret, span_of(context, sizeof(context)), derived);
    memset(session, 0, sizeof(*session));
    memcpy(session->id, derived, SESSION_BYTES);
    crypto_wipe(derived, sizeof(derived));
}

bool session_is(const struct session *session, struct span id)
{
    return id.len == SESSION_BYTES && crypto_equal(session->id, id.data, SESSION_BYTES);
}

static bool bit_get(const struct session *session, uint64_t counter)
{
    uint64_t at = counter % WINDOW;

    return (session->seen[at / 64] >> (at % 64)) & 1u;
}

static void bit_set(struct session *session, uint64_t counter, bool value)
{
    uint64_t at = counter % WINDOW;
    uint64_t bit = (uint64_t)1 << (at % 64);

    session->seen[at / 64] = value ? session->seen[at / 64] | bit : session->seen[at / 64] & ~bit;
}

/* Moves the newest up; what enters the window was not seen. */
static void advance(struct session *session, uint64_t counter)
{
    assert(counter > session->newest);
    if (counter - session->newest >= WINDOW) {
        memset(session->seen, 0, sizeof(session->seen));
    } else {
        for (uint64_t skipped = session->newest + 1; skipped < counter; skipped++) {
            bit_set(session, skipped, false);
        }
    }
    session->newest = counter;
    bit_set(session, counter, true);
}

bool session_take(struct session *session, uint64_t counter)
{
    if (counter == 0 || counter > UINT64_MAX - WINDOW) {
        return false;
    }
    if (counter > session->newest) {
        advance(session, counter);
        return true;
    }
    if (session->newest - counter >= WINDOW || bit_get(session, counter)) {
        return false;
    }
    bit_set(session, counter, true);
    return true;
}

uint64_t session_next(const struct session *session)
{
    return session->newest + 1;
}

bool session_may_refuse(struct session *session, uint64_t now_ms)
{
    uint64_t minute = now_ms / 60000;

    if (minute != session->refusal_minute) {
        session->refusal_minute = minute;
        session->refusals = 0;
    }
    if (session->refusals >= LIMIT_REFUSALS_MINUTE) {
        return false;
    }
    session->refusals++;
    return true;
}

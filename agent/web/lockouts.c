/* How: a short list, searched whole; see lockouts.h. */
#include "agent/web/lockouts.h"

#include <string.h>

#include "agent/web/officer.h"

void lockouts_init(struct lockouts *lockouts)
{
    memset(lockouts, 0, sizeof(*lockouts));
    crypto_random(lockouts->key.bytes, sizeof(lockouts->key.bytes));
}

static uint64_t digest_of(const struct lockouts *lockouts, const char *name)
{
    const struct span piece = span_text(name);
    const struct mac mac = crypto_mac(&lockouts->key, &piece, 1);

    return be64_get(mac.bytes) | 1u; /* never that of a free place */
}

static struct lockout *find(struct lockouts *lockouts, uint64_t name)
{
    for (size_t i = 0; i < LOCKOUTS_MAX; i++) {
        if (lockouts->list[i].name == name) {
            return &lockouts->list[i];
        }
    }
    return NULL;
}

static struct lockout *place_for(struct lockouts *lockouts, uint64_t name)
{
    struct lockout *place = find(lockouts, name);

    if (place != NULL) {
        return place;
    }
    place = &lockouts->list[0];
    for (size_t i = 1; i < LOCKOUTS_MAX; i++) {
        if (lockouts->list[i].failed_ms < place->failed_ms) {
            place = &lockouts->list[i];
        }
    }
    *place = (struct lockout){.name = name};
    return place;
}

uint64_t lockouts_failed(struct lockouts *lockouts, const char *name, uint64_t now_ms)
{
    struct lockout *lockout = place_for(lockouts, digest_of(lockouts, name));

    lockout->failed_ms = now_ms;
    if (lockout->until_ms > now_ms) { /* what is tried meanwhile does not count */
        return lockout->until_ms;
    }
    lockout->until_ms = 0;
    lockout->failures++;
    if (lockout->failures >= OFFICER_FAILURES_MAX) {
        lockout->failures = 0;
        lockout->until_ms = now_ms + OFFICER_LOCKED_MS;
    }
    return lockout->until_ms;
}

void lockouts_entered(struct lockouts *lockouts, const char *name)
{
    struct lockout *lockout = find(lockouts, digest_of(lockouts, name));

    if (lockout != NULL) {
        memset(lockout, 0, sizeof(*lockout));
    }
}

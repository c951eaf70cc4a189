/* How: by going through all keys; there are a few hundred at the most. See key_expiry.h. */
#include "wire/key_expiry.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"

bool key_is_last(const struct keyring *keyring, const struct key_entry *entry)
{
    if (entry->retired || key_is_revoked(entry) || entry->to_ms == UINT64_MAX) {
        return false;
    }
    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *other = keyring_entry(keyring, i);

        if (!other->retired && !key_is_revoked(other) && other->use == entry->use &&
            strcmp(other->owner, entry->owner) == 0 && other->to_ms > entry->to_ms &&
            other->from_ms <= entry->to_ms) {
            return false;
        }
    }
    return true;
}

bool key_ending_next(const struct key_ends *ends, size_t *at, struct key_ending *ret_ending)
{
    assert(ends->keyring != NULL && ends->calendar != NULL && at != NULL);
    while (*at < keyring_count(ends->keyring)) {
        const struct key_entry *entry = keyring_entry(ends->keyring, (*at)++);

        if ((ends->owner != NULL && strcmp(ends->owner, entry->owner) != 0) ||
            !key_is_last(ends->keyring, entry)) {
            continue;
        }
        uint32_t days =
            entry->to_ms <= ends->now_ms
                ? 0
                : calendar_count_working_days(ends->calendar, civil_day_at(ends->now_ms),
                                              civil_day_at(entry->to_ms));
        if (days <= KEY_EXPIRY_NOTICE) {
            *ret_ending = (struct key_ending){.entry = entry, .working_days = days};
            return true;
        }
    }
    return false;
}

void key_endings_tell(const struct key_ends *ends)
{
    struct key_ending ending;
    size_t at = 0;

    while (key_ending_next(ends, &at, &ending)) {
        char day[CIVIL_TEXT_BYTES];

        civil_format(civil_day_at(ending.entry->to_ms - 1), day);
        log_event(EVENT_KEY_ENDS,
                  "the %s key of %s ends with %s, in %" PRIu32 " working days%s: make its next key "
                  "and have the registry signed with it",
                  key_use_name(ending.entry->use), ending.entry->owner, day, ending.working_days,
                  ending.working_days <= KEY_EXPIRY_BAD     ? " (now)"
                  : ending.working_days <= KEY_EXPIRY_HURRY ? " (hurry)"
                                                            : "");
    }
}

/* The fewest days of the owner's keys, where `at` is behind the first of them. */
static bool fewest(const struct key_ends *ends, const struct key_ending *first, size_t at,
                   uint32_t *ret_days)
{
    struct key_ends own = *ends;
    struct key_ending ending;
    size_t from = 0;

    own.owner = first->entry->owner;
    *ret_days = first->working_days;
    while (key_ending_next(&own, &from, &ending)) {
        if (from < at) {
            return false;
        }
        if (ending.working_days < *ret_days) {
            *ret_days = ending.working_days;
        }
    }
    return true;
}

void key_endings_write(const struct key_ends *ends, const char *name, struct metrics *metrics)
{
    struct key_ending ending;
    size_t at = 0;

    metrics_head(metrics, name, "gauge",
                 "Working days until a key ends that no other follows, of 30 at the most");
    while (key_ending_next(ends, &at, &ending)) {
        uint32_t days;

        if (fewest(ends, &ending, at, &days)) {
            metrics_value(metrics, name, "agency", ending.entry->owner, days);
        }
    }
}

/* What counts as silent, waiting or late is decided by the constants of lights.h. */
#include "cli/lights.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "model/calendar.h"

static const struct {
    const char *id;
    enum style style;
} lights[LIGHT_COUNT] = {
    [LIGHT_GOOD] = {"ok", STYLE_GOOD},
    [LIGHT_UNKNOWN] = {"unknown", STYLE_FAINT},
    [LIGHT_WARN] = {"warn", STYLE_WARN},
    [LIGHT_BAD] = {"bad", STYLE_BAD},
};

const char *light_id(enum light light)
{
    return lights[light].id;
}

enum style light_style(enum light light)
{
    return lights[light].style;
}

void light_age(uint64_t age_ms, char out[LIGHT_AGE_BYTES])
{
    static const struct {
        uint64_t below_s, unit_s;
        const char *unit;
    } units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {UINT64_MAX, 86400, "d"}};
    uint64_t seconds = age_ms / 1000;
    size_t at = 0;

    while (seconds >= units[at].below_s) {
        at++;
    }
    (void)snprintf(out, LIGHT_AGE_BYTES, "%" PRIu64 " %s", seconds / units[at].unit_s,
                   units[at].unit);
}

static uint64_t age_of(uint64_t since_ms, uint64_t now_ms)
{
    return now_ms > since_ms ? now_ms - since_ms : 0;
}

/* An answer without `up` is of a broker that does not say it: then its last word counts. */
static bool is_up(const struct json_value *agency, uint64_t now_ms)
{
    struct json_value up = json_member(agency, "up");
    uint64_t heard_ms = value_u64(agency, "heard_ms");

    return json_absent(&up) ? heard_ms != 0 && age_of(heard_ms, now_ms) < LIGHT_SILENT_MS
                            : value_bool(agency, "up");
}

enum light light_agency(const struct json_value *agency, uint64_t now_ms,
                        char words[LIGHT_WORDS_BYTES])
{
    uint64_t heard_ms = value_u64(agency, "heard_ms");
    uint64_t oldest_ms = value_u64(agency, "oldest_ms");
    char age[LIGHT_AGE_BYTES];

    if (strcmp(value_text(agency, "state"), "suspended") == 0) {
        (void)snprintf(words, LIGHT_WORDS_BYTES, "suspended");
        return LIGHT_WARN;
    }
    if (strcmp(value_text(agency, "state"), "left") == 0) {
        (void)snprintf(words, LIGHT_WORDS_BYTES, "left");
        return LIGHT_GOOD;
    }
    if (!is_up(agency, now_ms)) {
        light_age(age_of(heard_ms, now_ms), age);
        (void)snprintf(words, LIGHT_WORDS_BYTES, heard_ms == 0 ? "DOWN, never%s" : "DOWN %s",
                       heard_ms == 0 ? "" : age);
        return LIGHT_BAD;
    }
    if (value_u64(agency, "waiting") > 0 && age_of(oldest_ms, now_ms) >= LIGHT_WAITS_MS) {
        light_age(age_of(oldest_ms, now_ms), age);
        (void)snprintf(words, LIGHT_WORDS_BYTES, "waits %s", age);
        return LIGHT_WARN;
    }
    (void)snprintf(words, LIGHT_WORDS_BYTES, "up");
    return LIGHT_GOOD;
}

enum light light_clock(const struct json_value *clock, uint64_t now_ms)
{
    int32_t today = civil_day_at(now_ms), due = 0;

    if (civil_parse(value_text(clock, "due"), &due) != OK) {
        return LIGHT_WARN;
    }
    return due < today ? LIGHT_BAD : due <= today + 1 ? LIGHT_WARN : LIGHT_GOOD;
}

/* Crash points. See fault_point.h. SIGKILL to oneself leaves no handler, no flush and no exit code
 * of ours: what the next start finds is what a power cut would have left in the page cache. */
#include "io/fault_point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/number.h"

static const struct {
    const char *suffix;
    enum fault_effect effect;
} effects[] = {{":hang", FAULT_HANG}, {":omit", FAULT_OMIT}};

/* Takes the effect's word off the end, if there is one; answers what is left. */
static size_t effect_take(const char *text, enum fault_effect *ret_effect)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++) {
        size_t tail = strlen(effects[i].suffix);
        if (len > tail && strcmp(text + len - tail, effects[i].suffix) == 0) {
            *ret_effect = effects[i].effect;
            return len - tail;
        }
    }
    *ret_effect = FAULT_KILL;
    return len;
}

enum err fault_point_init(struct fault_point *point, bool laboratory, struct fault *fault)
{
    const char *text = laboratory ? getenv("REFERRAL_FAULT") : NULL;
    uint64_t count = 0;
    point->name[0] = '\0';
    atomic_init(&point->left, 0);
    if (text == NULL || text[0] == '\0') {
        return OK;
    }
    char setting[sizeof point->name + 16] = "";
    size_t whole = effect_take(text, &point->effect);
    if (whole < sizeof setting) {
        memcpy(setting, text, whole);
    }
    const char *colon = strrchr(setting, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - setting);
    if (len == 0 || len >= sizeof point->name || !number_parse(colon + 1, UINT32_MAX, &count) ||
        count == 0) {
        fault_set(
            fault, "fault-point.malformed", "REFERRAL_FAULT",
            "expected NAME:COUNT, with :hang or :omit or neither, a name of at most %zu bytes "
            "and a count from 1",
            sizeof point->name - 1);
        return ERR_INVALID;
    }
    memcpy(point->name, setting, len);
    point->name[len] = '\0';
    atomic_store(&point->left, count);
    return OK;
}

bool fault_point_pass(struct fault_point *point, const char *name)
{
    if (point->name[0] == '\0' || strcmp(point->name, name) != 0) {
        return false;
    }
    uint64_t left = atomic_load(&point->left);
    while (left > 0 && !atomic_compare_exchange_weak(&point->left, &left, left - 1)) {
    }
    if (point->effect == FAULT_OMIT) {
        return left <= 1;
    }
    if (left == 1) {
        if (point->effect == FAULT_KILL) {
            (void)kill(getpid(), SIGKILL); /* cannot fail on oneself */
        }
        for (;;) {
            (void)pause(); /* a signal's handler ends it, and it waits again */
        }
    }
    return false;
}

/* Crash points. See fault_point.h. SIGKILL to oneself leaves no handler, no flush and no exit code
 * of ours: what the next start finds is what a power cut would have left in the page cache. */
#include "io/fault_point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/number.h"

enum err fault_point_init(struct fault_point *point, bool laboratory, struct fault *fault)
{
    const char *text = laboratory ? getenv("REFERRAL_FAULT") : NULL;
    uint64_t count = 0;
    point->name[0] = '\0';
    atomic_init(&point->left, 0);
    if (text == NULL || text[0] == '\0') {
        return OK;
    }
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    if (len == 0 || len >= sizeof point->name || !number_parse(colon + 1, UINT32_MAX, &count) ||
        count == 0) {
        fault_set(fault, "fault-point.malformed", "REFERRAL_FAULT",
                  "expected NAME:COUNT with a name of at most %zu bytes and a count from 1",
                  sizeof point->name - 1);
        return ERR_INVALID;
    }
    memcpy(point->name, text, len);
    point->name[len] = '\0';
    atomic_store(&point->left, count);
    return OK;
}

void fault_point_pass(struct fault_point *point, const char *name)
{
    if (point->name[0] == '\0' || strcmp(point->name, name) != 0) {
        return;
    }
    if (atomic_fetch_sub(&point->left, 1) == 1) {
        (void)kill(getpid(), SIGKILL); /* cannot fail on oneself */
        (void)pause();
    }
}

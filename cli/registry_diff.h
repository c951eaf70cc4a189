/* What differs between two registries: agencies and public keys, one row a difference. Pure; the
 * rows come agencies first, in the order of the newer one. */
#ifndef REFERRAL_CLI_REGISTRY_DIFF_H
#define REFERRAL_CLI_REGISTRY_DIFF_H

#include "model/registry.h"
#include "wire/keyring.h"

struct registry_change {
    const char *what;           /* "agency", "key" */
    const char *owner;          /* the agency, or "broker" */
    const char *value;          /* the member that differs, or "row"; of a key its use and id */
    const char *before, *after; /* "" where there is none */
};
typedef void (*registry_change_fn)(void *arg, const struct registry_change *change);

struct registry_side {
    const struct registry *registry;
    const struct keyring *keyring;
};
/* `before` NULL members: everything is new. Answers how many differ. */
size_t registry_diff(const struct registry_side *before, const struct registry_side *after,
                     registry_change_fn change_fn, void *arg);

#endif

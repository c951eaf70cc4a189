/* Roles on the status socket: who may ask what, by the groups of the process that asks.
 *
 * An observer asks, an operator changes, an auditor reads the log with the reasons. Whoever has a
 * role may ask what observers ask. Nobody is operator and auditor at once: whose groups say so has
 * neither. root and the daemon's own user are observer and operator always, and auditor as long as
 * no group is (`status-auditors`). Pure but for roles_check, which asks the user database. */
#ifndef REFERRAL_BROKER_ROLES_H
#define REFERRAL_BROKER_ROLES_H

#include "broker/config.h"

enum role {
    ROLE_OF_OBSERVERS = 1, /* bits */
    ROLE_OF_OPERATORS = 2,
    ROLE_OF_AUDITORS = 4,
};
#define ROLES_ALL  7u
#define ROLE_COUNT 3u /* in the order of the bits */

struct status_peer { /* who asks */
    uint64_t handle; /* of the local server; 0 in tests */
    uint32_t uid;
    unsigned roles; /* bits */
    bool divided;   /* its groups make it operator and auditor */
};

/* A group that is there and, of operators and auditors, that nobody is in both of, as far as the
 * database lists members. ERR_INVALID; the fault's place is left to the caller. */
enum err roles_check(const struct broker_config *config, enum role role,
                     struct fault *fault) MUST_CHECK;
/* The ids of the configured groups, 0 where there is none; after roles_check. */
void roles_groups(const struct broker_config *config, uint32_t ret_groups[ROLE_COUNT]);
/* `member` as local_peer_groups answered it for those groups. */
struct status_peer roles_of(const struct broker_config *config, uint32_t uid, uint32_t own_uid,
                            const bool member[ROLE_COUNT]);
/* "observer", "operator", "auditor". */
const char *role_name(enum role role);
/* `status-operators` ... */
const char *role_option(enum role role);
/* The configured group, or "". */
const char *role_group(const struct broker_config *config, enum role role);

#endif

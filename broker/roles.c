/* Roles by groups: a table of three rows. See roles.h. */
#include "broker/roles.h"

#include <grp.h>
#include <string.h>

static const struct {
    enum role role;
    const char *name;
    const char *option;
} rows[ROLE_COUNT] = {{ROLE_OF_OBSERVERS, "observer", "status-observers"},
                      {ROLE_OF_OPERATORS, "operator", "status-operators"},
                      {ROLE_OF_AUDITORS, "auditor", "status-auditors"}};

static size_t place_of(enum role role)
{
    return role == ROLE_OF_OBSERVERS ? 0 : role == ROLE_OF_OPERATORS ? 1 : 2;
}

const char *role_name(enum role role)
{
    return rows[place_of(role)].name;
}

const char *role_option(enum role role)
{
    return rows[place_of(role)].option;
}

const char *role_group(const struct broker_config *config, enum role role)
{
    return config->status_groups[place_of(role)];
}

void roles_groups(const struct broker_config *config, uint32_t ret_groups[ROLE_COUNT])
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        const char *name = config->status_groups[i];
        const struct group *group = name[0] != '\0' ? getgrnam(name) : NULL;

        /* An id that no group has: a peer's is never it. */
        ret_groups[i] = group != NULL ? (uint32_t)group->gr_gid : UINT32_MAX;
    }
}

/* One whom the database lists in both; what is not listed there is seen when somebody asks. */
static bool share_a_member(const char *one, const char *other)
{
    const struct group *group = getgrnam(one);
    bool shared = false;

    /* getgrnam has one answer at a time, so the other group is asked for each member. */
    for (size_t i = 0; group != NULL && group->gr_mem[i] != NULL && !shared; i++) {
        char member[64];
        const struct group *second;

        if (strlen(group->gr_mem[i]) >= sizeof(member)) {
            continue;
        }
        memcpy(member, group->gr_mem[i], strlen(group->gr_mem[i]) + 1);
        second = getgrnam(other);
        for (size_t j = 0; second != NULL && second->gr_mem[j] != NULL && !shared; j++) {
            shared = strcmp(second->gr_mem[j], member) == 0;
        }
        group = getgrnam(one);
    }
    return shared;
}

enum err roles_check(const struct broker_config *config, enum role role, struct fault *fault)
{
    const char *name = role_group(config, role);
    const char *operators = role_group(config, ROLE_OF_OPERATORS);

    if (name[0] == '\0') {
        return OK;
    }
    if (getgrnam(name) == NULL) {
        fault_set(fault, "config.group", "", "there is no group \"%s\" on this machine", name);
        fault_hint(fault,
                   "groupadd --system %s, or leave %s out: then root and the daemon's own "
                   "user have the role",
                   name, role_option(role));
        return ERR_INVALID;
    }
    if (role == ROLE_OF_AUDITORS && (strcmp(name, operators) == 0 ||
                                     (operators[0] != '\0' && share_a_member(operators, name)))) {
        fault_set(fault, "config.roles", "", "somebody is operator and auditor: %s and %s",
                  operators, name);
        fault_hint(fault, "who changes things must not audit them: give the roles to two groups "
                          "without a common member");
        return ERR_INVALID;
    }
    return OK;
}

struct status_peer roles_of(const struct broker_config *config, uint32_t uid, uint32_t own_uid,
                            const bool member[ROLE_COUNT])
{
    struct status_peer peer = {.uid = uid};

    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (config->status_groups[i][0] != '\0' && member[i]) {
            peer.roles |= (unsigned)rows[i].role;
        }
    }
    if (uid == 0 || uid == own_uid) {
        peer.roles |= ROLE_OF_OBSERVERS | ROLE_OF_OPERATORS;
        if (role_group(config, ROLE_OF_AUDITORS)[0] == '\0') {
            peer.roles = ROLES_ALL;
            return peer;
        }
    }
    peer.divided = (peer.roles & ROLE_OF_OPERATORS) != 0 && (peer.roles & ROLE_OF_AUDITORS) != 0;
    if (peer.divided) {
        peer.roles = ROLE_OF_OBSERVERS;
    }
    return peer;
}

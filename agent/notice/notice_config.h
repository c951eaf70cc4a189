/* Channels, officers and office hours of the agent's configuration file. Every fault has
 * file:line:column. Secrets are read from the files that it names, which nobody else may read. Main
 * thread, before the loop runs. */
#ifndef REFERRAL_AGENT_NOTICE_NOTICE_CONFIG_H
#define REFERRAL_AGENT_NOTICE_NOTICE_CONFIG_H

#include "agent/notice/notice.h"
#include "base/yaml.h"

struct notice_nodes { /* values of the file; NULL: absent */
    const struct yaml_node *channels, *officers, *office_hours;
    const char *hook; /* `notice-hook`: one more channel of that name; "": none */
    uint64_t hook_timeout_ms;
};

enum err notice_config_read(const struct notice_nodes *nodes, struct notice_setup **ret_setup,
                            struct fault *fault) MUST_CHECK;

#endif

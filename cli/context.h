/* Saved contexts: names for the sockets of several brokers and agents, in one file of the user,
 * $XDG_CONFIG_HOME/referralctl/contexts.yaml ($HOME/.config where that is not set). A file that is
 * wrong is refused with its place and never half used. Main thread; a change is durable on return.
 */
#ifndef REFERRAL_CLI_CONTEXT_H
#define REFERRAL_CLI_CONTEXT_H

#include "cli/command.h"

#define CONTEXT_PATH_BYTES 512

enum context_member { CONTEXT_SOCKET, CONTEXT_AGENT_SOCKET, CONTEXT_CONFIG, CONTEXT_MEMBER_COUNT };

/* The member of the context that --context names, or of the one in use. "" when there is neither.
 * EXIT_OK, or what output_fault answered: no such context, one without this member, a wrong file.
 */
int context_find(const struct invocation *invocation, enum context_member member,
                 char out[CONTEXT_PATH_BYTES]);

#endif

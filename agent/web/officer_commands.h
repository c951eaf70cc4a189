/* Officers by the agent's socket (docs/agent-socket.md): rows of the table in commands.c. */
#ifndef REFERRAL_AGENT_WEB_OFFICER_COMMANDS_H
#define REFERRAL_AGENT_WEB_OFFICER_COMMANDS_H

#include "agent/state.h"

enum err officer_answer_add(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err officer_answer_reset(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err officer_answer_disable(struct agent *agent, const struct json_value *request,
                                struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err officer_answer_enable(struct agent *agent, const struct json_value *request,
                               struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err officer_answer_list(struct agent *agent, const struct json_value *request,
                             struct json_writer *out, struct fault *fault) MUST_CHECK;

#endif

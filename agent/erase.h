/* Erasing a case at this agency: the socket's command, and its end after a crash. See erase.c. */
#ifndef REFERRAL_AGENT_ERASE_H
#define REFERRAL_AGENT_ERASE_H

#include "base/json.h"

struct agent;

enum err erase_answer(struct agent *agent, const struct json_value *request,
                      struct json_writer *out, struct fault *fault) MUST_CHECK;
/* Before anything else is done with the store. */
enum err erase_resume(struct agent *agent, struct fault *fault) MUST_CHECK;

#endif

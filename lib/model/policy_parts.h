/* What the files of model/policy share. Nobody else includes it. Pure; any thread. */
#ifndef REFERRAL_MODEL_POLICY_PARTS_H
#define REFERRAL_MODEL_POLICY_PARTS_H

#include "base/yaml.h"
#include "model/policy.h"

/* The first of a rung's repeats, due-3.k and undelivered-2.k; RUNG_COUNT when it has none. */
enum rung policy_rung_repeats(enum rung rung);
bool policy_rung_is_repeat(enum rung rung);
/* "liaison" ...: the file's word for one of enum rung_target. */
const char *policy_target_id(uint32_t target);

/* `suggest`: NEED: [agency, ...]; NULL: nothing is said. */
enum err policy_suggestions_read(struct policy *policy, const struct yaml_node *mapping,
                                 const struct registry *registry, struct fault *fault) MUST_CHECK;

#endif

/* What the files of model/policy share. Nobody else includes it. Pure; any thread. */
#ifndef REFERRAL_MODEL_POLICY_PARTS_H
#define REFERRAL_MODEL_POLICY_PARTS_H

#include "base/yaml.h"
#include "model/policy.h"

/* `suggest`: NEED: [agency, ...]; NULL: nothing is said. */
enum err policy_suggestions_read(struct policy *policy, const struct yaml_node *mapping,
                                 const struct registry *registry, struct fault *fault) MUST_CHECK;

#endif

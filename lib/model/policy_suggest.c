/* How: each need asked for adds its bit to every agency that takes it, in a table by the registry's
 * order, which is then sorted by how many bits an agency has: insertion, since an agency's place
 * must not depend on a library's sort, and a city has a few at the most. */
#include <assert.h>
#include <string.h>

#include "base/nearest.h"
#include "model/calendar.h"
#include "model/policy_parts.h"
#include "model/vocabulary.h"

/* ---- the file ---- */

static enum err agencies_read(struct policy_suggestion *suggestion, const struct yaml_node *list,
                              const struct registry *registry, struct fault *fault)
{
    if (!yaml_is_sequence(list) || yaml_count(list) == 0 || yaml_count(list) > POLICY_SUGGEST_MAX) {
        return yaml_refuse(list, fault, "policy.suggest", "expected a list of 1 to %u agencies",
                           POLICY_SUGGEST_MAX);
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        const struct yaml_node *item = yaml_item(list, i);
        const char *id = yaml_is_scalar(item) ? yaml_text(item) : "";
        const struct agency *agency = registry_find(registry, id);
        if (agency == NULL || agency->class == CLASS_ASSOCIATE) {
            return yaml_refuse(item, fault, "policy.suggest",
                               "\"%s\" is no agency of the registry that takes referrals", id);
        }
        suggestion->agencies[suggestion->count++] = agency->number;
    }
    return OK;
}

enum err policy_suggestions_read(struct policy *policy, const struct yaml_node *mapping,
                                 const struct registry *registry, struct fault *fault)
{
    if (mapping == NULL) {
        return OK;
    }
    if (!yaml_is_mapping(mapping)) {
        return yaml_refuse(mapping, fault, "policy.suggest", "expected NEED: [agency, ...]");
    }
    for (size_t i = 0; i < yaml_count(mapping); i++) {
        const struct yaml_node *key = yaml_key(mapping, i);
        const struct word *need = vocabulary_parse(VOCABULARY_NEED, yaml_text(key));
        if (need == NULL) {
            const char *ids[VOCABULARY_IDS_MAX];
            vocabulary_ids(VOCABULARY_NEED, ids);
            (void)yaml_refuse(key, fault, "policy.need",
                              "\"%s\" is no need: see the table of needs in docs/messages.md",
                              yaml_text(key));
            nearest_hint(fault, yaml_text(key), ids);
            return ERR_INVALID;
        }
        enum err error = agencies_read(&policy->suggestions[need->value], yaml_value(mapping, i),
                                       registry, fault);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* ---- the question ---- */

static uint32_t count_of(uint64_t bits)
{
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

static bool takes(const struct policy_suggestion *suggestion, const struct agency *agency,
                  uint32_t need)
{
    if (suggestion->count == 0) {
        return (agency->duties >> need & 1) != 0;
    }
    for (uint32_t i = 0; i < suggestion->count; i++) {
        if (suggestion->agencies[i] == agency->number) {
            return true;
        }
    }
    return false;
}

/* Adds to the row of an agency, or to its successor's. */
static size_t suggested_add(struct policy_suggested *list, size_t count, uint16_t agency,
                            uint64_t needs)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].agency == agency) {
            list[i].needs |= needs;
            return count;
        }
    }
    assert(count < LIMIT_AGENCIES);
    list[count] = (struct policy_suggested){.agency = agency, .needs = needs};
    return count + 1;
}

static void most_first(struct policy_suggested *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct policy_suggested row = list[i];
        size_t at = i;
        for (; at > 0 && count_of(list[at - 1].needs) < count_of(row.needs); at--) {
            list[at] = list[at - 1];
        }
        list[at] = row;
    }
}

size_t policy_suggest(const struct policy *policy, const struct registry *registry, uint64_t needs,
                      int32_t today, struct policy_suggested ret_list[LIMIT_AGENCIES])
{
    size_t count = 0;
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        uint64_t taken = 0;
        for (uint32_t need = 0; need < POLICY_NEEDS; need++) {
            bool asked = (needs >> need & 1) != 0;
            if (asked && takes(&policy->suggestions[need], agency, need)) {
                taken |= UINT64_C(1) << need;
            }
        }
        if (taken != 0) {
            uint16_t acting = registry_acting(registry, agency->number, civil_start_ms(today));
            count = suggested_add(ret_list, count, acting, taken);
        }
    }
    most_first(ret_list, count);
    return count;
}

uint64_t policy_needs_for(const struct policy *policy, const struct registry *registry,
                          const struct policy_asking *asking, uint16_t agency)
{
    struct policy_suggested list[LIMIT_AGENCIES];
    size_t count = policy_suggest(policy, registry, asking->needs, asking->today, list);
    uint64_t taken = 0, own = 0;
    for (size_t i = 0; i < count; i++) {
        if (agency_set_has(&asking->recipients, list[i].agency)) {
            taken |= list[i].needs;
            own = list[i].agency == agency ? list[i].needs : own;
        }
    }
    own |= asking->needs & ~taken;
    return own != 0 ? own : asking->needs;
}

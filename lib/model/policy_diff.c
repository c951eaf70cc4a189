/* How: each policy is written down as lines of path and value, by one function; two lists of lines
 * are then compared by path. The lists are short, so that each path is looked for from the top. */
#include "model/policy_diff.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/policy_parts.h"
#include "model/vocabulary.h"

#define PATH_BYTES  192 /* a kind and four agencies */
#define VALUE_BYTES 640 /* POLICY_SUGGEST_MAX ids */
/* Rows and their order, clocks, three lines and two names a rung, two checklists, a line a need,
 * single values. */
#define LINES_MAX                                                                                  \
    (2 * POLICY_RULES_MAX + CLOCK_KIND_COUNT + 5 * RUNG_COUNT + 2 * POLICY_MATERIALS_MAX +         \
     POLICY_NEEDS + 32u)

struct line {
    char path[PATH_BYTES];
    char value[VALUE_BYTES];
};

struct lines {
    const struct registry *registry;
    struct line *list; /* owned; LINES_MAX */
    size_t count;
};

static struct line *line_find(const struct lines *lines, const char *path)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (strcmp(lines->list[i].path, path) == 0) {
            return &lines->list[i];
        }
    }
    return NULL;
}

/* The line of a path that a later call fills: its value is "" until then. */
static struct line *line_add(struct lines *lines, const char *fmt, ...) FORMAT(2, 3);
static struct line *line_add(struct lines *lines, const char *fmt, ...)
{
    assert(lines->count < LINES_MAX);
    struct line *line = &lines->list[lines->count++];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line->path, sizeof(line->path), fmt, args);
    va_end(args);
    line->value[0] = '\0';
    return line;
}

static void value_set(struct line *line, const char *fmt, ...) FORMAT(2, 3);
static void value_set(struct line *line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line->value, sizeof(line->value), fmt, args);
    va_end(args);
}

/* One more of a list. */
static void value_append(struct line *line, const char *word)
{
    size_t len = strlen(line->value);
    (void)snprintf(line->value + len, sizeof(line->value) - len, "%s%s", len == 0 ? "" : ", ",
                   word);
}

/* ---- what a policy says ---- */

/* Whoever is `narrow` is `wide` too. */
static bool party_covers(const struct registry *registry, const char *wide, const char *narrow)
{
    const struct agency *agency = registry_find(registry, narrow);
    return strcmp(wide, narrow) == 0 ||
           (agency != NULL && strcmp(wide, agency_class_id(agency->class)) == 0);
}

static bool rule_covers(const struct registry *registry, const struct policy_rule *wide,
                        const struct policy_rule *narrow)
{
    return wide->kind == narrow->kind && party_covers(registry, wide->from, narrow->from) &&
           party_covers(registry, wide->to, narrow->to);
}

/* Is there a pair of agencies that both rows are about? */
static bool rules_meet(const struct registry *registry, const struct policy_rule *a,
                       const struct policy_rule *b)
{
    bool from =
        party_covers(registry, a->from, b->from) || party_covers(registry, b->from, a->from);
    bool to = party_covers(registry, a->to, b->to) || party_covers(registry, b->to, a->to);
    return a->kind == b->kind && from && to;
}

/* A row that an earlier one covers never decides. */
static bool rule_decides(const struct lines *lines, const struct policy *policy, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (rule_covers(lines->registry, &policy->rules[i], &policy->rules[index])) {
            return false;
        }
    }
    return true;
}

static void write_rules(struct lines *lines, const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (!rule_decides(lines, policy, i)) {
            continue;
        }
        struct line *line = line_add(lines, "may-send.%s.%s.%s", message_kind_name(rule->kind),
                                     rule->from, rule->to);
        value_set(line, "%s%s", rule->allow ? "allow" : "refuse",
                  rule->copy_office ? ", copy-office" : "");
    }
}

/* Two rows of which neither covers the other may meet in some pair, and say different things of it:
 * then it matters which comes first. */
static bool order_matters(const struct registry *registry, const struct policy_rule *first,
                          const struct policy_rule *second)
{
    bool differ = first->allow != second->allow || first->copy_office != second->copy_office;
    return differ && rules_meet(registry, first, second) && !rule_covers(registry, first, second) &&
           !rule_covers(registry, second, first);
}

/* The rows below one that it must stay above. Answers how many lines there is still room for. */
static size_t write_order_of(struct lines *lines, const struct policy *policy, size_t index,
                             size_t room)
{
    const struct policy_rule *first = &policy->rules[index];
    for (size_t i = index + 1; i < policy->rule_count && room > 0; i++) {
        const struct policy_rule *second = &policy->rules[i];
        if (!order_matters(lines->registry, first, second)) {
            continue;
        }
        struct line *line =
            line_add(lines, "may-send.order.%s.%s.%s.%s.%s", message_kind_name(first->kind),
                     first->from, first->to, second->from, second->to);
        value_set(line, "this order");
        room--;
    }
    return room;
}

static void write_order(struct lines *lines, const struct policy *policy)
{
    size_t room = POLICY_RULES_MAX;
    for (size_t i = 0; i < policy->rule_count; i++) {
        room = write_order_of(lines, policy, i, room);
    }
    if (room == 0) {
        value_set(line_add(lines, "may-send.order"), "more pairs than are compared");
    }
}

static void write_ladder(struct lines *lines, const struct policy *policy)
{
    for (size_t kind = 0; kind < CLOCK_KIND_COUNT; kind++) {
        if (policy->ladder.days[kind] != 0) {
            value_set(line_add(lines, "clocks.%s", clock_kind_id((enum clock_kind)kind)),
                      "%" PRIu32, policy->ladder.days[kind]);
        }
    }
    for (size_t i = 0; i < RUNG_COUNT; i++) {
        enum rung rung = (enum rung)i;
        const struct ladder_rung *row = &policy->ladder.rungs[i];
        enum rung first = policy_rung_repeats(rung);
        if (policy_rung_is_repeat(rung)) {
            continue;
        }
        value_set(line_add(lines, "rungs.%s.offset", rung_id(rung)), "%" PRId32, row->offset);
        if (first != RUNG_COUNT) {
            value_set(line_add(lines, "rungs.%s.every", rung_id(rung)), "%" PRId32,
                      policy->ladder.rungs[first].offset - row->offset);
        }
        struct line *to = line_add(lines, "rungs.%s.to", rung_id(rung));
        for (uint32_t bit = 0; bit < 32; bit++) {
            if ((row->targets >> bit & 1) != 0) {
                value_append(to, policy_target_id(UINT32_C(1) << bit));
            }
        }
    }
}

static void write_materials(struct lines *lines, const struct policy *policy)
{
    static const enum message_kind kinds[] = {MESSAGE_OUTBOUND_REFERRAL, MESSAGE_INBOUND_REFERRAL};
    for (size_t i = 0; i < 2; i++) {
        size_t count = 0;
        const struct policy_material *list = policy_materials(policy, kinds[i], &count);
        for (size_t k = 0; k < count; k++) {
            const struct word *word = vocabulary_find(VOCABULARY_MATERIAL, list[k].kind);
            value_set(line_add(lines, "materials.%s.%s", message_kind_name(kinds[i]), word->id),
                      "%s", list[k].mandatory ? "mandatory" : "optional");
        }
    }
}

static void write_numbers(struct lines *lines, const struct policy *policy)
{
    const struct {
        const char *path;
        uint64_t value;
        const char *unit;
    } numbers[] = {
        {"outage-grace", policy->claimed_grace_ms / 1000, "s"},
        {"clock-jump", policy->clock_jump_ms / 1000, "s"},
        {"clock-confirm-agencies", policy->clock_confirm_agencies, ""},
        {"witness-quorum", policy->witness_quorum, ""},
        {"hop-limit", policy->hop_limit, ""},
        {"case-limit", policy->case_limit, ""},
        {"follow-up-days", policy->follow_up_days, ""},
        {"follow-up-minor-days", policy->follow_up_minor_days, ""},
        {"follow-up-reports", policy->follow_up_reports, ""},
        {"follow-up-minor-reports", policy->follow_up_minor_reports, ""},
        {"retention-years", policy->retention_years, ""},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        value_set(line_add(lines, "%s", numbers[i].path), "%" PRIu64 "%s", numbers[i].value,
                  numbers[i].unit);
    }
    value_set(line_add(lines, "attachments"), "%s",
              policy->attachments_required ? "required" : "optional");
    value_set(line_add(lines, "minors.guardian"), "%s", policy->minor_guardian ? "true" : "false");
    value_set(line_add(lines, "minors.need"), "%s", policy->minor_need ? "true" : "false");
}

static void write_words(struct lines *lines, const struct policy *policy)
{
    for (size_t i = 0; i < RUNG_COUNT; i++) {
        if (!policy_rung_is_repeat((enum rung)i)) {
            value_set(line_add(lines, "names.%s.zh", rung_id((enum rung)i)), "%s",
                      policy->names[i].zh);
            value_set(line_add(lines, "names.%s.en", rung_id((enum rung)i)), "%s",
                      policy->names[i].en);
        }
    }
    for (uint32_t need = 0; need < POLICY_NEEDS; need++) {
        const struct policy_suggestion *suggestion = &policy->suggestions[need];
        if (suggestion->count == 0) {
            continue;
        }
        struct line *line =
            line_add(lines, "suggest.%s", vocabulary_find(VOCABULARY_NEED, need)->id);
        for (uint32_t i = 0; i < suggestion->count; i++) {
            value_append(line, registry_by_number(lines->registry, suggestion->agencies[i])->id);
        }
    }
}

static enum err lines_write(struct lines *lines, const struct policy *policy)
{
    lines->list = calloc(LINES_MAX, sizeof(lines->list[0]));
    if (lines->list == NULL) {
        return ERR_MEMORY;
    }
    write_rules(lines, policy);
    write_order(lines, policy);
    write_ladder(lines, policy);
    write_materials(lines, policy);
    write_numbers(lines, policy);
    write_words(lines, policy);
    return OK;
}

/* ---- the difference ---- */

static void compare(const struct lines *from, const struct lines *to, policy_change_cb *found,
                    void *arg)
{
    for (size_t i = 0; i < to->count; i++) {
        const struct line *now = &to->list[i];
        const struct line *old = line_find(from, now->path);
        if (old == NULL || strcmp(old->value, now->value) != 0) {
            found(arg, &(struct policy_change){.path = now->path,
                                               .before = old == NULL ? "" : old->value,
                                               .after = now->value});
        }
    }
    for (size_t i = 0; i < from->count; i++) {
        const struct line *old = &from->list[i];
        if (line_find(to, old->path) == NULL) {
            found(arg,
                  &(struct policy_change){.path = old->path, .before = old->value, .after = ""});
        }
    }
}

enum err policy_diff(const struct policy *before, const struct policy *after,
                     const struct registry *registry, policy_change_cb *found, void *arg)
{
    struct lines from = {.registry = registry};
    struct lines to = {.registry = registry};
    enum err error = lines_write(&from, before);
    if (error == OK) {
        error = lines_write(&to, after);
    }
    if (error == OK) {
        compare(&from, &to, found, arg);
    }
    free(from.list);
    free(to.list);
    return error;
}

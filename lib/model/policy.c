/* How: `may-send` becomes a list in the file's order, the first row that fits decides. Clocks and
 * rungs start as ladder_default() and are overwritten by what the file says; ladder_check then
 * judges the whole, and its fault is placed at the file's line. */
#include "model/policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/nearest.h"
#include "base/yaml.h"
#include "model/policy_parts.h"
#include "model/vocabulary.h"

#define DURATION_MAX_MS UINT64_C(86400000)
#define OFFSET_MAX      400

static const struct {
    const char *id;
    uint32_t target;
} target_rows[] = {
    {"liaison", TARGET_LIAISON}, {"leader", TARGET_LEADER},
    {"sender", TARGET_SENDER},   {"sender-leader", TARGET_SENDER_LEADER},
    {"office", TARGET_OFFICE},   {"administrators", TARGET_ADMINISTRATORS},
    {"duty", TARGET_DUTY},       {"agenda", TARGET_AGENDA},
};

#define TARGET_ROWS (sizeof(target_rows) / sizeof(target_rows[0]))

/* The parts of the file, each read by its own function. */
struct policy_file {
    const struct yaml_node *may_send;
    const struct yaml_node *clocks;
    const struct yaml_node *rungs;
    const struct yaml_node *materials;
    const struct yaml_node *names;
    const struct yaml_node *minors;
    const struct yaml_node *suggest;
    uint64_t hop_limit;
    uint64_t case_limit;
    uint64_t follow_up_days;
    uint64_t follow_up_minor_days;
    uint64_t follow_up_reports;
    uint64_t follow_up_minor_reports;
    uint64_t retention_years;
    uint64_t claimed_grace_ms;
    uint64_t clock_jump_ms;
    uint64_t clock_confirm_agencies;
    uint64_t witness_quorum;
    char attachments[16];
};

#define FILE_NUMBER(id, member, least, most)                                                       \
    {                                                                                              \
        .name = (id), .type = YAML_UNSIGNED, .offset = offsetof(struct policy_file, member),       \
        .min = (least), .max = (most)                                                              \
    }

static const struct yaml_option file_options[] = {
    {.name = "may-send",
     .type = YAML_NODE,
     .offset = offsetof(struct policy_file, may_send),
     .required = true},
    {.name = "clocks", .type = YAML_NODE, .offset = offsetof(struct policy_file, clocks)},
    {.name = "rungs", .type = YAML_NODE, .offset = offsetof(struct policy_file, rungs)},
    {.name = "materials",
     .type = YAML_NODE,
     .offset = offsetof(struct policy_file, materials),
     .required = true},
    {.name = "names", .type = YAML_NODE, .offset = offsetof(struct policy_file, names)},
    {.name = "minors", .type = YAML_NODE, .offset = offsetof(struct policy_file, minors)},
    {.name = "suggest", .type = YAML_NODE, .offset = offsetof(struct policy_file, suggest)},
    FILE_NUMBER("hop-limit", hop_limit, 0, 100),
    FILE_NUMBER("case-limit", case_limit, 1, LIMIT_CASE_PARTS),
    FILE_NUMBER("follow-up-days", follow_up_days, 1, 3660),
    FILE_NUMBER("follow-up-minor-days", follow_up_minor_days, 1, 3660),
    FILE_NUMBER("follow-up-reports", follow_up_reports, 1, 100),
    FILE_NUMBER("follow-up-minor-reports", follow_up_minor_reports, 1, 100),
    FILE_NUMBER("retention-years", retention_years, 1, 1000),
    {.name = "outage-grace",
     .type = YAML_DURATION,
     .offset = offsetof(struct policy_file, claimed_grace_ms),
     .min = 0,
     .max = DURATION_MAX_MS},
    {.name = "clock-jump",
     .type = YAML_DURATION,
     .offset = offsetof(struct policy_file, clock_jump_ms),
     .min = 1000,
     .max = DURATION_MAX_MS},
    {.name = "clock-confirm-agencies",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct policy_file, clock_confirm_agencies),
     .min = 1,
     .max = LIMIT_AGENCIES},
    {.name = "witness-quorum",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct policy_file, witness_quorum),
     .min = 1,
     .max = LIMIT_AGENCIES},
    {.name = "attachments",
     .type = YAML_TEXT,
     .offset = offsetof(struct policy_file, attachments),
     .size = sizeof(((struct policy_file *)NULL)->attachments)},
    {.name = NULL},
};

/* ---- may-send ---- */

struct rule_row {
    char kind[32];
    char from[LIMIT_AGENCY_ID_BYTES];
    char to[LIMIT_AGENCY_ID_BYTES];
    bool allow;
    bool copy_office;
};

#define RULE_TEXT(member, bytes)                                                                   \
    .type = YAML_TEXT, .offset = offsetof(struct rule_row, member), .size = (bytes),               \
    .required = true

static const struct yaml_option rule_options[] = {
    {.name = "kind", RULE_TEXT(kind, 32)},
    {.name = "from", RULE_TEXT(from, LIMIT_AGENCY_ID_BYTES)},
    {.name = "to", RULE_TEXT(to, LIMIT_AGENCY_ID_BYTES)},
    {.name = "allow", .type = YAML_BOOL, .offset = offsetof(struct rule_row, allow)},
    {.name = "copy-office", .type = YAML_BOOL, .offset = offsetof(struct rule_row, copy_office)},
    {.name = NULL},
};

static bool party_known(const struct registry *registry, const char *party)
{
    for (enum agency_class class = CLASS_PROCURATORATE; class < CLASS_COUNT; class ++) {
        if (strcmp(party, agency_class_id(class)) == 0) {
            return true;
        }
    }
    return registry_find(registry, party) != NULL;
}

static enum err party_refuse(const struct yaml_node *row, const char *member, const char *party,
                             struct fault *fault)
{
    return yaml_refuse(yaml_find(row, member), fault, "policy.party",
                       "\"%s\" is neither P, S or A nor an agency of the registry", party);
}

/* The line of a node: the number between the last two colons of its place. */
static uint32_t line_of(const struct yaml_node *node)
{
    char place[256];
    uint32_t line = 0;
    yaml_place(node, place);
    char *column = strrchr(place, ':');
    if (column == NULL) {
        return 0;
    }
    *column = '\0';
    const char *digits = strrchr(place, ':');
    for (digits = digits == NULL ? "" : digits + 1; *digits >= '0' && *digits <= '9'; digits++) {
        line = line * 10 + (uint32_t)(*digits - '0');
    }
    return line;
}

static enum err rule_read(struct policy *policy, const struct yaml_node *node,
                          const struct registry *registry, struct fault *fault)
{
    struct rule_row row = {.allow = true};
    enum err error = yaml_read(node, rule_options, &row, fault);
    if (error != OK) {
        return error;
    }
    enum message_kind kind = message_kind_parse(row.kind);
    if (!message_kind_from_agency(kind)) {
        return yaml_refuse(yaml_find(node, "kind"), fault, "policy.kind",
                           "\"%s\" is no kind that agencies send: see docs/messages.md", row.kind);
    }
    if (!party_known(registry, row.from)) {
        return party_refuse(node, "from", row.from, fault);
    }
    if (!party_known(registry, row.to)) {
        return party_refuse(node, "to", row.to, fault);
    }
    struct policy_rule *rule = &policy->rules[policy->rule_count++];
    rule->kind = kind;
    memcpy(rule->from, row.from, sizeof(rule->from));
    memcpy(rule->to, row.to, sizeof(rule->to));
    rule->allow = row.allow;
    rule->copy_office = row.copy_office;
    rule->line = line_of(node);
    return OK;
}

static enum err rules_read(struct policy *policy, const struct yaml_node *list,
                           const struct registry *registry, struct fault *fault)
{
    if (!yaml_is_sequence(list) || yaml_count(list) > POLICY_RULES_MAX) {
        return yaml_refuse(list, fault, "policy.may-send", "expected a list of at most %u rows",
                           POLICY_RULES_MAX);
    }
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < yaml_count(list); i++) {
        go_on = fault_go_on(rule_read(policy, yaml_item(list, i), registry, fault), fault, &result);
    }
    return result;
}

/* ---- clocks and rungs ---- */

#define CLOCK_DAYS(id, kind)                                                                       \
    {                                                                                              \
        .name = (id), .type = YAML_UNSIGNED, .offset = (kind) * sizeof(uint64_t), .min = 1,        \
        .max = OFFSET_MAX                                                                          \
    }

static const struct yaml_option clock_options[] = {
    CLOCK_DAYS("feedback-outbound", CLOCK_FEEDBACK_OUTBOUND),
    CLOCK_DAYS("feedback-inbound", CLOCK_FEEDBACK_INBOUND),
    CLOCK_DAYS("tell-applicant", CLOCK_TELL_APPLICANT),
    CLOCK_DAYS("papers", CLOCK_PAPERS),
    CLOCK_DAYS("information", CLOCK_INFORMATION),
    {.name = NULL},
};

static enum err clocks_read(struct ladder *ladder, const struct yaml_node *mapping,
                            struct fault *fault)
{
    uint64_t days[CLOCK_KIND_COUNT];
    for (size_t kind = 0; kind < CLOCK_KIND_COUNT; kind++) {
        days[kind] = ladder->days[kind];
    }
    enum err error = mapping == NULL ? OK : yaml_read(mapping, clock_options, days, fault);
    for (size_t kind = 0; error == OK && kind < CLOCK_KIND_COUNT; kind++) {
        ladder->days[kind] = (uint32_t)days[kind];
    }
    return error;
}

struct rung_row {
    char offset[8]; /* "-5", "0", "10" */
    uint64_t every; /* due-3 and undelivered-2: between their repeats; 0: as it was */
    const struct yaml_node *to;
};

static const struct yaml_option rung_options[] = {
    {.name = "offset",
     .type = YAML_TEXT,
     .offset = offsetof(struct rung_row, offset),
     .size = 8,
     .required = true},
    {.name = "every",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct rung_row, every),
     .min = 1,
     .max = OFFSET_MAX / RUNG_REPEAT_COUNT},
    {.name = "to", .type = YAML_NODE, .offset = offsetof(struct rung_row, to), .required = true},
    {.name = NULL},
};

static bool offset_parse(const char *text, int32_t *ret_offset)
{
    bool negative = *text == '-';
    int32_t value = 0;
    const char *digits = negative ? text + 1 : text;
    if (*digits == '\0') {
        return false;
    }
    for (; *digits != '\0'; digits++) {
        if (*digits < '0' || *digits > '9') {
            return false;
        }
        value = value * 10 + (*digits - '0');
    }
    *ret_offset = negative ? -value : value;
    return value <= OFFSET_MAX;
}

static uint32_t target_of(const char *id)
{
    for (size_t i = 0; i < TARGET_ROWS; i++) {
        if (strcmp(target_rows[i].id, id) == 0) {
            return target_rows[i].target;
        }
    }
    return 0;
}

const char *policy_target_id(uint32_t target)
{
    for (size_t i = 0; i < TARGET_ROWS; i++) {
        if (target_rows[i].target == target) {
            return target_rows[i].id;
        }
    }
    return "unknown";
}

static enum err targets_read(const struct yaml_node *list, uint32_t *ret_targets,
                             struct fault *fault)
{
    uint32_t targets = 0;
    if (!yaml_is_sequence(list) || yaml_count(list) == 0) {
        return yaml_refuse(list, fault, "policy.to", "expected a list of recipients");
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        const struct yaml_node *item = yaml_item(list, i);
        uint32_t target = yaml_is_scalar(item) ? target_of(yaml_text(item)) : 0;
        if (target == 0) {
            return yaml_refuse(item, fault, "policy.to",
                               "no such recipient: liaison, leader, sender, sender-leader, office, "
                               "administrators, duty, agenda");
        }
        targets |= target;
    }
    *ret_targets = targets;
    return OK;
}

enum rung policy_rung_repeats(enum rung rung)
{
    if (rung == RUNG_DUE_3) {
        return RUNG_DUE_3_FIRST;
    }
    return rung == RUNG_UNDELIVERED_2 ? RUNG_UNDELIVERED_2_FIRST : RUNG_COUNT;
}

static void rung_set(struct ladder *ladder, enum rung rung, const struct ladder_rung *value,
                     int32_t every)
{
    enum rung first = policy_rung_repeats(rung);
    if (first != RUNG_COUNT) {
        int32_t step =
            every != 0 ? every : ladder->rungs[first].offset - ladder->rungs[rung].offset;
        for (int32_t k = 0; k < RUNG_REPEAT_COUNT; k++) {
            struct ladder_rung *repeat = &ladder->rungs[(int32_t)first + k];
            repeat->offset = value->offset + step * (k + 1);
            repeat->targets = value->targets;
        }
    }
    ladder->rungs[rung] = *value;
}

bool policy_rung_is_repeat(enum rung rung)
{
    return (rung >= RUNG_DUE_3_FIRST && rung <= RUNG_DUE_3_LAST) ||
           (rung >= RUNG_UNDELIVERED_2_FIRST && rung <= RUNG_UNDELIVERED_2_LAST);
}

/* The rung that a key names; its repeats follow it. */
static enum err rung_of_key(const struct yaml_node *key, enum rung *ret_rung, struct fault *fault)
{
    enum rung rung = RUNG_COUNT;
    if (rung_parse(yaml_text(key), &rung) != OK || policy_rung_is_repeat(rung)) {
        return yaml_refuse(key, fault, "policy.rung",
                           "\"%s\" is no rung: remind-5, remind-2, due-1, due-2, due-3, "
                           "undelivered-1, undelivered-2, urgent-1, urgent-2, unsigned-1, "
                           "unsigned-2",
                           yaml_text(key));
    }
    *ret_rung = rung;
    return OK;
}

static enum err rung_read(struct ladder *ladder, const struct yaml_node *key,
                          const struct yaml_node *node, struct fault *fault)
{
    struct rung_row row = {.every = 0};
    struct ladder_rung value = {.offset = 0};
    enum rung rung = RUNG_COUNT;
    enum err error = rung_of_key(key, &rung, fault);
    if (error == OK) {
        error = yaml_read(node, rung_options, &row, fault);
    }
    if (error != OK) {
        return error;
    }
    if (row.every != 0 && policy_rung_repeats(rung) == RUNG_COUNT) {
        return yaml_refuse(yaml_find(node, "every"), fault, "policy.every",
                           "only due-3 and undelivered-2 are repeated");
    }
    if (!offset_parse(row.offset, &value.offset)) {
        return yaml_refuse(yaml_find(node, "offset"), fault, "policy.offset",
                           "\"%s\" is no offset: a whole number from -%d to %d", row.offset,
                           OFFSET_MAX, OFFSET_MAX);
    }
    error = targets_read(row.to, &value.targets, fault);
    if (error == OK) {
        rung_set(ladder, rung, &value, (int32_t)row.every);
    }
    return error;
}

static enum err rungs_read(struct ladder *ladder, const struct yaml_node *mapping,
                           struct fault *fault)
{
    if (mapping == NULL) {
        return OK;
    }
    if (!yaml_is_mapping(mapping)) {
        return yaml_refuse(mapping, fault, "policy.rungs", "expected RUNG: {offset, to}");
    }
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < yaml_count(mapping); i++) {
        enum err error = rung_read(ladder, yaml_key(mapping, i), yaml_value(mapping, i), fault);
        go_on = fault_go_on(error, fault, &result);
    }
    if (result != OK) {
        return result;
    }
    struct fault inner = {.code = ""};
    if (ladder_check(ladder, &inner) != OK) {
        const struct yaml_node *row = yaml_find(mapping, inner.place);
        return yaml_refuse(row == NULL ? mapping : row, fault, "policy.ladder", "%s: %s",
                           inner.place, inner.message);
    }
    return OK;
}

/* ---- materials ---- */

struct material_row {
    char kind[48];
    bool mandatory;
};

static const struct yaml_option material_options[] = {
    {.name = "kind",
     .type = YAML_TEXT,
     .offset = offsetof(struct material_row, kind),
     .size = 48,
     .required = true},
    {.name = "mandatory", .type = YAML_BOOL, .offset = offsetof(struct material_row, mandatory)},
    {.name = NULL},
};

static enum err material_read(const struct yaml_node *node, struct policy_material *ret_material,
                              struct fault *fault)
{
    struct material_row row = {.mandatory = false};
    enum err error = yaml_read(node, material_options, &row, fault);
    if (error != OK) {
        return error;
    }
    const struct word *word = vocabulary_parse(VOCABULARY_MATERIAL, row.kind);
    if (word == NULL) {
        const char *ids[VOCABULARY_IDS_MAX];
        vocabulary_ids(VOCABULARY_MATERIAL, ids);
        (void)yaml_refuse(yaml_find(node, "kind"), fault, "policy.material",
                          "\"%s\" is no material: see docs/messages.md", row.kind);
        nearest_hint(fault, row.kind, ids);
        return ERR_INVALID;
    }
    *ret_material = (struct policy_material){.kind = word->value, .mandatory = row.mandatory};
    return OK;
}

static enum err checklist_read(const struct yaml_node *list, struct policy_material *materials,
                               size_t *ret_count, struct fault *fault)
{
    if (!yaml_is_sequence(list) || yaml_count(list) > POLICY_MATERIALS_MAX) {
        return yaml_refuse(list, fault, "policy.materials", "expected a list of at most %u",
                           POLICY_MATERIALS_MAX);
    }
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < yaml_count(list); i++) {
        go_on =
            fault_go_on(material_read(yaml_item(list, i), &materials[i], fault), fault, &result);
    }
    *ret_count = yaml_count(list);
    return result;
}

static enum err materials_read(struct policy *policy, const struct yaml_node *mapping,
                               struct fault *fault)
{
    struct {
        const struct yaml_node *outbound;
        const struct yaml_node *inbound;
    } row = {NULL, NULL};
    const struct yaml_option options[] = {
        {.name = "outbound-referral", .type = YAML_NODE, .offset = 0, .required = true},
        {.name = "inbound-referral",
         .type = YAML_NODE,
         .offset = sizeof(row.outbound),
         .required = true},
        {.name = NULL},
    };
    enum err result = yaml_read(mapping, options, &row, fault);
    if (result != OK) {
        return result;
    }
    enum err error = checklist_read(row.outbound, policy->outbound, &policy->outbound_count, fault);
    if (fault_go_on(error, fault, &result)) {
        error = checklist_read(row.inbound, policy->inbound, &policy->inbound_count, fault);
        (void)fault_go_on(error, fault, &result);
    }
    return result;
}

/* ---- what rungs are called ---- */

static const struct {
    enum rung rung;
    struct policy_name name;
} default_names[] = {
    {RUNG_REMIND_5, {"提醒", "reminder"}},
    {RUNG_REMIND_2, {"预警", "early warning"}},
    {RUNG_DUE_1, {"黄牌", "yellow card"}},
    {RUNG_DUE_2, {"黄牌（报办公室）", "yellow card, to the office"}},
    {RUNG_DUE_3, {"红牌", "red card"}},
    {RUNG_UNDELIVERED_1, {"未送达提示", "not delivered"}},
    {RUNG_UNDELIVERED_2, {"未送达督办", "still not delivered"}},
    {RUNG_URGENT_1, {"紧急催办", "urgent call"}},
    {RUNG_URGENT_2, {"紧急督办", "urgent call to the leader"}},
    {RUNG_UNSIGNED_1, {"签收催办", "not signed for"}},
    {RUNG_UNSIGNED_2, {"签收督办", "still not signed for"}},
};

/* A rung's repeats are called as it is. */
static void name_set(struct policy *policy, enum rung rung, const struct policy_name *name)
{
    enum rung first = policy_rung_repeats(rung);
    policy->names[rung] = *name;
    for (uint32_t k = 0; first != RUNG_COUNT && k < RUNG_REPEAT_COUNT; k++) {
        policy->names[(uint32_t)first + k] = *name;
    }
}

static const struct yaml_option name_options[] = {
    {.name = "zh",
     .type = YAML_TEXT,
     .offset = offsetof(struct policy_name, zh),
     .size = POLICY_NAME_BYTES,
     .required = true},
    {.name = "en",
     .type = YAML_TEXT,
     .offset = offsetof(struct policy_name, en),
     .size = POLICY_NAME_BYTES,
     .required = true},
    {.name = NULL},
};

static enum err names_read(struct policy *policy, const struct yaml_node *mapping,
                           struct fault *fault)
{
    for (size_t i = 0; i < sizeof(default_names) / sizeof(default_names[0]); i++) {
        name_set(policy, default_names[i].rung, &default_names[i].name);
    }
    if (mapping == NULL) {
        return OK;
    }
    if (!yaml_is_mapping(mapping)) {
        return yaml_refuse(mapping, fault, "policy.names", "expected RUNG: {zh, en}");
    }
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < yaml_count(mapping); i++) {
        struct policy_name name = {.zh = ""};
        enum rung rung = RUNG_COUNT;
        enum err error = rung_of_key(yaml_key(mapping, i), &rung, fault);
        if (error == OK) {
            error = yaml_read(yaml_value(mapping, i), name_options, &name, fault);
        }
        if (error == OK) {
            name_set(policy, rung, &name);
        }
        go_on = fault_go_on(error, fault, &result);
    }
    return result;
}

/* ---- minors: what Art. 17-20 leave open ---- */

static const struct yaml_option minor_options[] = {
    {.name = "guardian", .type = YAML_BOOL, .offset = offsetof(struct policy, minor_guardian)},
    {.name = "need", .type = YAML_BOOL, .offset = offsetof(struct policy, minor_need)},
    {.name = NULL},
};

static enum err minors_read(struct policy *policy, const struct yaml_node *mapping,
                            struct fault *fault)
{
    policy->minor_guardian = true;
    policy->minor_need = true;
    return mapping == NULL ? OK : yaml_read(mapping, minor_options, policy, fault);
}

/* ---- attachments ---- */

static enum err attachments_read(struct policy *policy, const struct policy_file *file,
                                 const struct yaml_node *root, struct fault *fault)
{
    policy->attachments_required = strcmp(file->attachments, "required") == 0;
    if (!policy->attachments_required && strcmp(file->attachments, "optional") != 0) {
        return yaml_refuse(yaml_find(root, "attachments"), fault, "policy.attachments",
                           "expected \"required\" or \"optional\"");
    }
    return OK;
}

/* ---- the whole ---- */

static enum err parts_read(struct policy *policy, const struct yaml_node *root,
                           const struct registry *registry, struct fault *fault)
{
    struct policy_file file = {
        .hop_limit = 3,
        .case_limit = 256,
        .follow_up_days = 120,
        .follow_up_minor_days = 60,
        .follow_up_reports = 1,
        .follow_up_minor_reports = 2,
        .retention_years = 30,
        .claimed_grace_ms = UINT64_C(600000),
        .clock_jump_ms = UINT64_C(300000),
        .clock_confirm_agencies = 3,
        .witness_quorum = 7,
        .attachments = "required",
    };
    enum err result = OK;
    bool go_on = fault_go_on(yaml_read(root, file_options, &file, fault), fault, &result);
    if (go_on) {
        go_on = fault_go_on(attachments_read(policy, &file, root, fault), fault, &result);
    }
    if (go_on && file.may_send != NULL) {
        go_on = fault_go_on(rules_read(policy, file.may_send, registry, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(clocks_read(&policy->ladder, file.clocks, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(rungs_read(&policy->ladder, file.rungs, fault), fault, &result);
    }
    if (go_on && file.materials != NULL) {
        go_on = fault_go_on(materials_read(policy, file.materials, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(names_read(policy, file.names, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(minors_read(policy, file.minors, fault), fault, &result);
    }
    if (go_on) {
        (void)fault_go_on(policy_suggestions_read(policy, file.suggest, registry, fault), fault,
                          &result);
    }
    policy->hop_limit = (uint32_t)file.hop_limit;
    policy->case_limit = (uint32_t)file.case_limit;
    policy->follow_up_days = (uint32_t)file.follow_up_days;
    policy->follow_up_minor_days = (uint32_t)file.follow_up_minor_days;
    policy->follow_up_reports = (uint32_t)file.follow_up_reports;
    policy->follow_up_minor_reports = (uint32_t)file.follow_up_minor_reports;
    policy->retention_years = (uint32_t)file.retention_years;
    policy->claimed_grace_ms = file.claimed_grace_ms;
    policy->clock_jump_ms = file.clock_jump_ms;
    policy->clock_confirm_agencies = file.clock_confirm_agencies;
    policy->witness_quorum = file.witness_quorum;
    return result;
}

enum err policy_read(const char *name, struct span text, const struct registry *registry,
                     struct policy **ret_policy, struct fault *fault)
{
    struct yaml *yaml = NULL;
    struct policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL) {
        return ERR_MEMORY;
    }
    policy->ladder = *ladder_default();
    enum err error = yaml_open_text(name, text, &yaml, fault);
    if (error == OK) {
        error = parts_read(policy, yaml_root(yaml), registry, fault);
    }
    yaml_free(yaml);
    if (error != OK) {
        free(policy);
        return error;
    }
    policy->digest = crypto_digest(text);
    *ret_policy = policy;
    return OK;
}

struct digest policy_rules(const struct policy *policy, const struct calendar *calendar)
{
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_add(&hasher, policy->digest.bytes, DIGEST_BYTES);
    hasher_add(&hasher, calendar_digest(calendar)->bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

void policy_free(struct policy *policy)
{
    free(policy);
}

static bool party_fits(const char *party, const struct agency *agency)
{
    return strcmp(party, agency->id) == 0 || strcmp(party, agency_class_id(agency->class)) == 0;
}

const struct policy_rule *policy_find(const struct policy *policy, enum message_kind kind,
                                      const struct agency *from, const struct agency *to)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (rule->kind == kind && party_fits(rule->from, from) && party_fits(rule->to, to)) {
            return rule;
        }
    }
    return NULL;
}

bool policy_may_send(const struct policy *policy, enum message_kind kind, const struct agency *from,
                     const struct agency *to)
{
    const struct policy_rule *rule = policy_find(policy, kind, from, to);
    return rule != NULL && rule->allow;
}

const struct policy_material *policy_materials(const struct policy *policy, enum message_kind kind,
                                               size_t *ret_count)
{
    assert(kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_REFERRAL);
    bool outbound = kind == MESSAGE_OUTBOUND_REFERRAL;
    *ret_count = outbound ? policy->outbound_count : policy->inbound_count;
    return outbound ? policy->outbound : policy->inbound;
}

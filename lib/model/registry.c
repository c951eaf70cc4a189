/* How: one row at a time by a table of options into a plain array; look-ups walk it, except the one
 * by number, which has an index, since every stored key and decision asks it. */
#include "model/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/nearest.h"
#include "base/yaml.h"
#include "model/calendar.h"
#include "model/vocabulary.h"

struct registry {
    struct agency *agencies;     /* owned */
    struct agency_label *former; /* owned: the former names of all agencies, one after another */
    size_t former_count;
    size_t count;
    size_t office; /* index of the one with the joint-meeting office */
    uint16_t by_number[REGISTRY_NUMBER_MAX + 1]; /* index + 1; 0: nobody */
    struct digest digest;
};

static const char *const class_ids[] = {"P", "S", "A", NULL};

/* What a row says before it is checked. */
struct agency_row {
    char id[LIMIT_AGENCY_ID_BYTES];
    uint64_t number;
    int class;
    char prefix[NUMBER_PREFIX_BYTES];
    const struct yaml_node *name;
    const struct yaml_node *office;
    bool joint_meeting_office;
    bool suspended;
    const struct yaml_node *leader;
    const struct yaml_node *duties;
    const struct yaml_node *former_names;
    char successor[LIMIT_AGENCY_ID_BYTES];
    char left[CIVIL_TEXT_BYTES];
    char letter_code[AGENCY_LETTER_CODE_BYTES];
};

/* The name of an agency has a third script for letterheads. */
struct agency_name {
    struct agency_label label;
    char mn[AGENCY_MONGOLIAN_BYTES];
};

static const struct yaml_option agency_options[] = {
    {.name = "id",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_row, id),
     .size = LIMIT_AGENCY_ID_BYTES,
     .required = true},
    {.name = "number",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct agency_row, number),
     .min = 1,
     .max = REGISTRY_NUMBER_MAX,
     .required = true},
    {.name = "class",
     .type = YAML_CHOICE,
     .offset = offsetof(struct agency_row, class),
     .choices = class_ids,
     .required = true},
    {.name = "prefix",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_row, prefix),
     .size = NUMBER_PREFIX_BYTES,
     .required = true},
    {.name = "name",
     .type = YAML_NODE,
     .offset = offsetof(struct agency_row, name),
     .required = true},
    {.name = "office",
     .type = YAML_NODE,
     .offset = offsetof(struct agency_row, office),
     .required = true},
    {.name = "joint_meeting_office",
     .type = YAML_BOOL,
     .offset = offsetof(struct agency_row, joint_meeting_office)},
    {.name = "suspended", .type = YAML_BOOL, .offset = offsetof(struct agency_row, suspended)},
    {.name = "leader", .type = YAML_NODE, .offset = offsetof(struct agency_row, leader)},
    {.name = "duties", .type = YAML_NODE, .offset = offsetof(struct agency_row, duties)},
    {.name = "former-names",
     .type = YAML_NODE,
     .offset = offsetof(struct agency_row, former_names)},
    {.name = "successor",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_row, successor),
     .size = LIMIT_AGENCY_ID_BYTES},
    {.name = "left",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_row, left),
     .size = CIVIL_TEXT_BYTES},
    {.name = "letter-code",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_row, letter_code),
     .size = AGENCY_LETTER_CODE_BYTES},
    {.name = NULL},
};

static const struct yaml_option name_options[] = {
    {.name = "zh",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_name, label.zh),
     .size = AGENCY_LABEL_BYTES,
     .required = true},
    {.name = "en",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_name, label.en),
     .size = AGENCY_LABEL_BYTES,
     .required = true},
    {.name = "mn",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_name, mn),
     .size = AGENCY_MONGOLIAN_BYTES},
    {.name = NULL},
};

static const struct yaml_option label_options[] = {
    {.name = "zh",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_label, zh),
     .size = AGENCY_LABEL_BYTES,
     .required = true},
    {.name = "en",
     .type = YAML_TEXT,
     .offset = offsetof(struct agency_label, en),
     .size = AGENCY_LABEL_BYTES,
     .required = true},
    {.name = NULL},
};

bool agency_id_valid(const char *id)
{
    size_t len = strlen(id);
    for (size_t i = 0; i < len; i++) {
        bool letter = id[i] >= 'a' && id[i] <= 'z';
        bool digit = id[i] >= '0' && id[i] <= '9';
        bool dash = id[i] == '-' && i > 0 && i + 1 < len;
        if (!letter && !(digit && i > 0) && !dash) {
            return false;
        }
    }
    return len >= 2 && len < LIMIT_AGENCY_ID_BYTES && strcmp(id, BROKER_ID) != 0;
}

static enum err duties_read(const struct yaml_node *duties, uint64_t *ret_duties,
                            struct fault *fault)
{
    uint64_t bits = 0;
    if (duties != NULL && !yaml_is_sequence(duties)) {
        return yaml_refuse(duties, fault, "registry.duties", "expected a list of needs");
    }
    for (size_t i = 0; duties != NULL && i < yaml_count(duties); i++) {
        const struct yaml_node *item = yaml_item(duties, i);
        const char *id = yaml_is_scalar(item) ? yaml_text(item) : "";
        const struct word *need = vocabulary_parse(VOCABULARY_NEED, id);
        if (need == NULL) {
            const char *ids[VOCABULARY_IDS_MAX];
            vocabulary_ids(VOCABULARY_NEED, ids);
            (void)yaml_refuse(item, fault, "registry.need",
                              "\"%s\" is no need: see the table of needs in docs/messages.md", id);
            nearest_hint(fault, id, ids);
            return ERR_INVALID;
        }
        bits |= UINT64_C(1) << need->value;
    }
    *ret_duties = bits;
    return OK;
}

/* The row against what the rows before it took. */
static enum err row_check(const struct registry *registry, const struct yaml_node *node,
                          const struct agency_row *row, struct fault *fault)
{
    const struct yaml_node *id = yaml_find(node, "id");
    const struct yaml_node *prefix = yaml_find(node, "prefix");
    if (!agency_id_valid(row->id)) {
        return yaml_refuse(id, fault, "registry.id",
                           "\"%s\" is no agency id: a-z, 0-9 and \"-\", a letter first, and not "
                           "\"" BROKER_ID "\"",
                           row->id);
    }
    if (registry_find(registry, row->id) != NULL) {
        return yaml_refuse(id, fault, "registry.id", "\"%s\" is listed twice", row->id);
    }
    if (registry_by_number(registry, (uint16_t)row->number) != NULL) {
        return yaml_refuse(yaml_find(node, "number"), fault, "registry.number",
                           "the number %u belongs to \"%s\"", (unsigned)row->number,
                           registry_by_number(registry, (uint16_t)row->number)->id);
    }
    if (!number_prefix_valid(row->prefix)) {
        return yaml_refuse(prefix, fault, "registry.prefix",
                           "\"%s\" is no prefix: 2 to 4 capital letters, not DB, not DJ",
                           row->prefix);
    }
    if (registry_by_prefix(registry, row->prefix) != NULL) {
        return yaml_refuse(prefix, fault, "registry.prefix", "the prefix %s belongs to \"%s\"",
                           row->prefix, registry_by_prefix(registry, row->prefix)->id);
    }
    return OK;
}

static void label_copy(const char *from, char to[AGENCY_LABEL_BYTES])
{
    size_t len = strnlen(from, AGENCY_LABEL_BYTES - 1);
    memcpy(to, from, len);
    to[len] = '\0';
}

/* ---- agencies change ---- */

/* The array has room: former_room counted every list. */
static enum err former_read(struct registry *registry, const struct yaml_node *list,
                            struct agency *agency, struct fault *fault)
{
    struct agency_label *first = registry->former + registry->former_count;
    for (size_t i = 0; list != NULL && i < yaml_count(list); i++) {
        enum err error = yaml_read(yaml_item(list, i), label_options, &first[i], fault);
        if (error != OK) {
            return error;
        }
        registry->former_count++;
        agency->former_names = first;
        agency->former_count++;
    }
    return OK;
}

/* Room for all former names, so that agencies can point into one array. */
static enum err former_room(struct registry *registry, const struct yaml_node *agencies,
                            struct fault *fault)
{
    size_t count = 0;
    for (size_t i = 0; i < yaml_count(agencies); i++) {
        const struct yaml_node *row = yaml_item(agencies, i);
        const struct yaml_node *list = yaml_is_mapping(row) ? yaml_find(row, "former-names") : NULL;
        if (list == NULL) {
            continue;
        }
        if (!yaml_is_sequence(list) || yaml_count(list) > AGENCY_FORMER_MAX) {
            return yaml_refuse(list, fault, "registry.former-names",
                               "expected a list of at most %u names {zh, en}", AGENCY_FORMER_MAX);
        }
        count += yaml_count(list);
    }
    registry->former = calloc(count + 1, sizeof(registry->former[0]));
    return registry->former == NULL ? ERR_MEMORY : OK;
}

/* Follows the successors, whatever their dates, for as many steps as there are agencies. */
static bool succession_ends(const struct registry *registry, const struct agency *agency)
{
    for (size_t step = 0; step < registry->count; step++) {
        if (agency->successor == 0) {
            return true;
        }
        agency = registry_by_number(registry, agency->successor);
    }
    return false;
}

/* The successor's number, and the day. Rows may name agencies that stand further below, so this
 * comes when all are read. */
static enum err successor_read(struct registry *registry, const struct yaml_node *node,
                               struct agency *agency, struct fault *fault)
{
    const struct yaml_node *id = yaml_find(node, "successor");
    const struct yaml_node *left = yaml_find(node, "left");
    if (id == NULL && left == NULL) {
        return OK;
    }
    if (left == NULL) {
        return yaml_refuse(id, fault, "registry.successor",
                           "a \"successor\" needs \"left\", the day from which it acts");
    }
    const struct agency *successor = id != NULL ? registry_find(registry, yaml_text(id)) : NULL;
    if (id != NULL &&
        (successor == NULL || successor == agency || successor->class != agency->class)) {
        return yaml_refuse(id, fault, "registry.successor", "\"%s\" is no other agency of class %s",
                           yaml_text(id), agency_class_id(agency->class));
    }
    if (agency->joint_meeting_office) {
        return yaml_refuse(left, fault, "registry.successor",
                           "the joint-meeting office is with an agency that stays");
    }
    if (civil_parse(yaml_text(left), &agency->left_day) != OK) {
        return yaml_refuse(left, fault, "registry.left", "\"%s\" is no date: 2027-03-01",
                           yaml_text(left));
    }
    agency->successor = successor != NULL ? successor->number : 0;
    return OK;
}

static enum err successors_read(struct registry *registry, const struct yaml_node *list,
                                struct fault *fault)
{
    for (size_t i = 0; i < registry->count; i++) {
        enum err error =
            successor_read(registry, yaml_item(list, i), &registry->agencies[i], fault);
        if (error != OK) {
            return error;
        }
    }
    for (size_t i = 0; i < registry->count; i++) {
        if (!succession_ends(registry, &registry->agencies[i])) {
            return yaml_refuse(yaml_find(yaml_item(list, i), "successor"), fault,
                               "registry.successor", "\"%s\" succeeds itself in the end",
                               registry->agencies[i].id);
        }
    }
    return OK;
}

bool agency_has_left(const struct agency *agency, uint64_t now_ms)
{
    return agency->left_day != 0 && now_ms >= civil_start_ms(agency->left_day);
}

uint16_t registry_acting(const struct registry *registry, uint16_t number, uint64_t now_ms)
{
    const struct agency *agency = registry_by_number(registry, number);
    for (size_t step = 0;
         agency != NULL && agency->successor != 0 && agency_has_left(agency, now_ms); step++) {
        assert(step < registry->count);
        number = agency->successor;
        agency = registry_by_number(registry, number);
    }
    return number;
}

/* ---- rows ---- */

/* The row as an agency, in the place where the next one belongs. */
static void agency_fill(const struct agency_row *row, const struct agency_name *name,
                        const struct agency_label *office, struct agency *ret_agency)
{
    *ret_agency = (struct agency){
        .number = (uint16_t)row->number,
        .class = (enum agency_class)row->class,
        .joint_meeting_office = row->joint_meeting_office,
        .suspended = row->suspended,
    };
    memcpy(ret_agency->id, row->id, sizeof(ret_agency->id));
    memcpy(ret_agency->prefix, row->prefix, sizeof(ret_agency->prefix));
    label_copy(name->label.zh, ret_agency->name_zh);
    label_copy(name->label.en, ret_agency->name_en);
    memcpy(ret_agency->name_mn, name->mn, sizeof(ret_agency->name_mn));
    memcpy(ret_agency->letter_code, row->letter_code, sizeof(ret_agency->letter_code));
    label_copy(office->zh, ret_agency->office_zh);
    label_copy(office->en, ret_agency->office_en);
}

static enum err leader_read(const struct yaml_node *node, struct agency *agency,
                            struct fault *fault)
{
    struct agency_label leader = {.zh = ""};
    enum err error = node != NULL ? yaml_read(node, label_options, &leader, fault) : OK;

    if (error == OK) {
        label_copy(leader.zh, agency->leader_zh);
        label_copy(leader.en, agency->leader_en);
    }
    return error;
}

static enum err agency_read(struct registry *registry, const struct yaml_node *node,
                            struct fault *fault)
{
    struct agency_row row = {.class = 0};
    struct agency_name name = {.mn = ""};
    struct agency_label office = {.zh = ""};
    enum err result = yaml_read(node, agency_options, &row, fault);
    if (result != OK) {
        return result;
    }
    bool go_on = fault_go_on(row_check(registry, node, &row, fault), fault, &result);
    if (go_on) {
        go_on = fault_go_on(yaml_read(row.name, name_options, &name, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(yaml_read(row.office, label_options, &office, fault), fault, &result);
    }
    struct agency *agency = &registry->agencies[registry->count];
    agency_fill(&row, &name, &office, agency);
    if (go_on) {
        go_on = fault_go_on(leader_read(row.leader, agency, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(duties_read(row.duties, &agency->duties, fault), fault, &result);
    }
    if (go_on) {
        (void)fault_go_on(former_read(registry, row.former_names, agency, fault), fault, &result);
    }
    if (result == OK) {
        registry->count++;
        registry->by_number[agency->number] = (uint16_t)registry->count;
    }
    return result;
}

static enum err office_find(struct registry *registry, const struct yaml_node *list,
                            struct fault *fault)
{
    size_t found = 0;
    for (size_t i = 0; i < registry->count; i++) {
        if (!registry->agencies[i].joint_meeting_office) {
            continue;
        }
        found++;
        registry->office = i;
        if (found > 1) {
            return yaml_refuse(yaml_item(list, i), fault, "registry.office",
                               "a second agency has joint_meeting_office: exactly one may");
        }
    }
    if (found == 0) {
        return yaml_refuse(list, fault, "registry.office",
                           "no agency has joint_meeting_office: true; exactly one must");
    }
    return OK;
}

static enum err agencies_read(struct registry *registry, const struct yaml_node *list,
                              struct fault *fault)
{
    if (!yaml_is_sequence(list) || yaml_count(list) == 0 || yaml_count(list) > LIMIT_AGENCIES) {
        return yaml_refuse(list, fault, "registry.agencies", "expected a list of 1 to %u agencies",
                           LIMIT_AGENCIES);
    }
    registry->agencies = calloc(yaml_count(list), sizeof(registry->agencies[0]));
    if (registry->agencies == NULL) {
        return ERR_MEMORY;
    }
    enum err result = former_room(registry, list, fault);
    bool go_on = result == OK;
    for (size_t i = 0; go_on && i < yaml_count(list); i++) {
        enum err error = agency_read(registry, yaml_item(list, i), fault);
        go_on = fault_go_on(error, fault, &result);
    }
    if (result == OK) {
        result = successors_read(registry, list, fault);
    }
    return result != OK ? result : office_find(registry, list, fault);
}

enum err registry_read(const char *name, struct span text, struct registry **ret_registry,
                       struct fault *fault)
{
    static const struct yaml_option options[] = {
        {.name = "agencies", .type = YAML_NODE, .offset = 0, .required = true},
        {.name = NULL},
    };
    const struct yaml_node *list = NULL;
    struct yaml *yaml = NULL;
    struct registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL) {
        return ERR_MEMORY;
    }
    enum err error = yaml_open_text(name, text, &yaml, fault);
    if (error == OK) {
        error = yaml_read(yaml_root(yaml), options, &list, fault);
    }
    if (error == OK) {
        error = agencies_read(registry, list, fault);
    }
    yaml_free(yaml);
    if (error != OK) {
        registry_free(registry);
        return error;
    }
    registry->digest = crypto_digest(text);
    *ret_registry = registry;
    return OK;
}

void registry_free(struct registry *registry)
{
    if (registry != NULL) {
        free(registry->agencies);
        free(registry->former);
        free(registry);
    }
}

static enum err agency_follows(const struct agency *before, const struct agency *after,
                               const char *name, struct fault *fault)
{
    if (after == NULL) {
        fault_set(fault, "registry.removed", name, "\"%s\" is not in it any more", before->id);
        fault_hint(fault, "an agency that leaves keeps its row and gets `successor` and `left`");
        return ERR_INVALID;
    }
    if (after->number != before->number || after->class != before->class) {
        fault_set(fault, "registry.changed", name, "\"%s\" has another number or class",
                  before->id);
        fault_hint(fault, "both are for ever: an agency that became another is a new row");
        return ERR_INVALID;
    }
    return OK;
}

enum err registry_follows(const struct registry *before, const struct registry *after,
                          const char *name, struct fault *fault)
{
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < before->count; i++) {
        const struct agency *agency = &before->agencies[i];
        go_on = fault_go_on(agency_follows(agency, registry_find(after, agency->id), name, fault),
                            fault, &result);
    }
    return result;
}

size_t registry_count(const struct registry *registry)
{
    return registry->count;
}

const struct agency *registry_at(const struct registry *registry, size_t index)
{
    assert(index < registry->count);
    return &registry->agencies[index];
}

const struct agency *registry_find(const struct registry *registry, const char *id)
{
    for (size_t i = 0; i < registry->count; i++) {
        if (strcmp(registry->agencies[i].id, id) == 0) {
            return &registry->agencies[i];
        }
    }
    return NULL;
}

const struct agency *registry_by_number(const struct registry *registry, uint16_t number)
{
    if (number > REGISTRY_NUMBER_MAX || registry->by_number[number] == 0) {
        return NULL;
    }
    return &registry->agencies[registry->by_number[number] - 1];
}

const struct agency *registry_by_prefix(const struct registry *registry, const char *prefix)
{
    for (size_t i = 0; i < registry->count; i++) {
        if (strcmp(registry->agencies[i].prefix, prefix) == 0) {
            return &registry->agencies[i];
        }
    }
    return NULL;
}

const struct agency *registry_office(const struct registry *registry)
{
    assert(registry->office < registry->count);
    return &registry->agencies[registry->office];
}

const struct digest *registry_digest(const struct registry *registry)
{
    return &registry->digest;
}

const char *agency_class_id(enum agency_class class)
{
    assert(class < CLASS_COUNT);
    return class_ids[class];
}

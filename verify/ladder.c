/* See ladder.h. The agreement's values stand in a table and are replaced by what the file has. */
#include "ladder.h"

#include <string.h>

#include "base/yaml.h"

#define HOUR_MS    UINT64_C(3600000)
#define FLOOR_DAYS 2
#define OFFSET_MAX 2000
#define DAYS_MAX   400

static const struct ladder_read agreement = {
    .outbound = 20,
    .inbound = 10,
    .tell = 5,
    .papers = 20,
    .information = 5,
    .steps =
        {
            {"remind-5", COUNTED_FROM_END, -5, 0, TOLD_HOLDER},
            {"remind-2", COUNTED_FROM_END, -2, 0, TOLD_HOLDER},
            {"due-1", COUNTED_FROM_END, 0, 0, TOLD_HOLDER | TOLD_WAITING},
            {"due-2", COUNTED_FROM_END, 3, 0, TOLD_HOLDER | TOLD_WAITING | TOLD_OFFICE},
            {"due-3", COUNTED_FROM_END, 10, 10, TOLD_HOLDER | TOLD_WAITING | TOLD_OFFICE},
            {"undelivered-1", COUNTED_FROM_START, 1, 0, TOLD_WAITING | TOLD_OFFICE},
            {"undelivered-2", COUNTED_FROM_START, 3, 5, TOLD_HOLDER | TOLD_WAITING | TOLD_OFFICE},
            {"urgent-1", COUNTED_HOURS, 2, 0, TOLD_HOLDER},
            {"urgent-2", COUNTED_HOURS, 6, 0, TOLD_HOLDER | TOLD_OFFICE},
            {"unsigned-1", COUNTED_FROM_START, 3, 0, TOLD_HOLDER},
            {"unsigned-2", COUNTED_FROM_START, 5, 0, TOLD_HOLDER},
        },
};

/* One to four digits. */
static bool take_digits(const char *text, int32_t *ret)
{
    size_t len = strlen(text);
    int32_t value = 0;

    for (size_t i = 0; i < len && i < 5; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = 10 * value + (text[i] - '0');
    }
    *ret = value;
    return len > 0 && len < 5;
}

static bool read_number(const struct yaml_node *node, int32_t min, int32_t max, int32_t *ret)
{
    const char *text = node != NULL && yaml_is_scalar(node) ? yaml_text(node) : "";
    bool negative = text[0] == '-';
    int32_t value = 0;

    if (!take_digits(negative ? text + 1 : text, &value)) {
        return false;
    }
    *ret = negative ? -value : value;
    return *ret >= min && *ret <= max;
}

static enum err read_clocks(const struct yaml_node *clocks, struct ladder_read *ladder,
                            struct fault *fault)
{
    const struct {
        const char *name;
        uint32_t *days;
    } rows[] = {{"feedback-outbound", &ladder->outbound},
                {"feedback-inbound", &ladder->inbound},
                {"tell-applicant", &ladder->tell},
                {"papers", &ladder->papers},
                {"information", &ladder->information}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct yaml_node *node = yaml_find(clocks, rows[i].name);
        int32_t value = 0;

        if (node != NULL && !read_number(node, 1, DAYS_MAX, &value)) {
            return yaml_refuse(node, fault, "evidence.policy", "expected a number of days");
        }
        *rows[i].days = node != NULL ? (uint32_t)value : *rows[i].days;
    }
    return OK;
}

static unsigned told_of(const char *target)
{
    static const struct {
        const char *name;
        unsigned told;
    } rows[] = {{"liaison", TOLD_HOLDER},        {"leader", TOLD_HOLDER},
                {"duty", TOLD_HOLDER},           {"sender", TOLD_WAITING},
                {"sender-leader", TOLD_WAITING}, {"office", TOLD_OFFICE},
                {"administrators", TOLD_OFFICE}, {"agenda", TOLD_OFFICE}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, target) == 0) {
            return rows[i].told;
        }
    }
    return 0;
}

static enum err read_step(const struct yaml_node *node, struct step *step, struct fault *fault)
{
    const struct yaml_node *to = yaml_is_mapping(node) ? yaml_find(node, "to") : NULL;
    const struct yaml_node *every = yaml_is_mapping(node) ? yaml_find(node, "every") : NULL;

    if (to == NULL || !yaml_is_sequence(to) ||
        !read_number(yaml_find(node, "offset"), -OFFSET_MAX, OFFSET_MAX, &step->offset) ||
        (every != NULL && !read_number(every, 1, OFFSET_MAX, &step->every))) {
        return yaml_refuse(node, fault, "evidence.policy", "expected {offset, every, to}");
    }
    step->told = 0;
    for (size_t i = 0; i < yaml_count(to); i++) {
        const struct yaml_node *item = yaml_item(to, i);

        step->told |= yaml_is_scalar(item) ? told_of(yaml_text(item)) : 0;
    }
    return OK;
}

static enum err read_root(const struct yaml_node *root, struct ladder_read *ladder,
                          struct fault *fault)
{
    const struct yaml_node *clocks = yaml_is_mapping(root) ? yaml_find(root, "clocks") : NULL;
    const struct yaml_node *rungs = yaml_is_mapping(root) ? yaml_find(root, "rungs") : NULL;
    enum err error = OK;

    if (!yaml_is_mapping(root) || (clocks != NULL && !yaml_is_mapping(clocks)) ||
        (rungs != NULL && !yaml_is_mapping(rungs))) {
        return yaml_refuse(root, fault, "evidence.policy", "this is no policy");
    }
    if (clocks != NULL) {
        error = read_clocks(clocks, ladder, fault);
    }
    for (size_t i = 0; error == OK && rungs != NULL && i < STEP_COUNT; i++) {
        const struct yaml_node *node = yaml_find(rungs, ladder->steps[i].name);

        error = node != NULL ? read_step(node, &ladder->steps[i], fault) : OK;
    }
    return error;
}

enum err ladder_read_text(struct span text, struct ladder_read *ret, struct fault *fault)
{
    struct ladder_read ladder = agreement;
    struct yaml *yaml = NULL;
    enum err error = yaml_open_text("policy.yaml", text, &yaml, fault);

    if (error == OK) {
        error = read_root(yaml_root(yaml), &ladder, fault);
    }
    if (error == OK) {
        *ret = ladder;
    }
    yaml_free(yaml);
    return error;
}

const struct step *ladder_step(const struct ladder_read *ladder, const char *rung,
                               int32_t *ret_repeat)
{
    for (size_t i = 0; i < STEP_COUNT; i++) {
        const struct step *step = &ladder->steps[i];
        size_t len = strlen(step->name);
        int32_t repeat;

        *ret_repeat = 0;
        if (strcmp(rung, step->name) == 0) {
            return step;
        }
        if (strncmp(rung, step->name, len) != 0 || rung[len] != '.' || step->every == 0 ||
            rung[len + 1] == '0' || !take_digits(rung + len + 1, &repeat)) {
            continue;
        }
        if (repeat >= 1 && repeat <= STEP_REPEATS) {
            *ret_repeat = repeat;
            return step;
        }
    }
    return NULL;
}

bool ladder_due(const struct step *step, int32_t repeat, const struct days *days,
                const struct window_read *window, uint64_t *ret_due_ms)
{
    int32_t offset = step->offset + repeat * step->every;
    int32_t from;

    if (step->from == COUNTED_HOURS) {
        *ret_due_ms = window->start_ms + (uint64_t)(offset > 0 ? offset : 0) * HOUR_MS;
        return offset > 0;
    }
    if (step->from == COUNTED_FROM_END) {
        if (window->working_days == 0 || window->due_before_ms == 0 ||
            (int32_t)window->working_days + offset < 1) {
            return false;
        }
        from = day_of(window->due_before_ms - 1);
    } else {
        from = day_of(window->start_ms);
    }
    *ret_due_ms = day_end_ms(days_step(days, from, offset));
    return true;
}

uint64_t window_counted(const struct days *days, uint64_t start_ms, uint32_t working_days)
{
    return day_end_ms(days_step(days, day_of(start_ms), (int32_t)working_days));
}

uint64_t window_redated(const struct days *days, const struct window_read *before, uint64_t at_ms)
{
    uint64_t fresh = window_counted(days, before->start_ms, before->working_days);
    uint64_t floor = day_end_ms(days_step(days, day_of(at_ms), FLOOR_DAYS));
    uint64_t earliest = fresh > floor ? fresh : floor;

    if (fresh >= before->due_before_ms) {
        return fresh;
    }
    return earliest < before->due_before_ms ? earliest : before->due_before_ms;
}

/* Agencies and a policy that change while things are open: their files are edited as an
 * administrator would, and the broker is started again with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/world.h"

/* The same agencies in the same order: their keys stay. */
static void use(struct world *world, struct registry *fresh, struct policy *policy)
{
    for (size_t i = 0; i < world->actor_count; i++) {
        world->actors[i].agency = registry_at(fresh, i);
    }
    policy_free(world->policy);
    registry_free(world->registry);
    world->registry = fresh;
    world->policy = policy;
}

/* Puts the lines at the head of the agency's row. */
static bool edit(struct buf *text, const char *id, const char *lines, struct buf *out)
{
    char row[64];
    struct span all = span_buf(text);
    size_t len = (size_t)snprintf(row, sizeof(row), "  - id: %s\n", id);

    for (size_t at = 0; at + len <= all.len; at++) {
        if (memcmp(all.data + at, row, len) == 0) {
            return buf_append(out, all.data, at + len) == OK && buf_append_text(out, lines) == OK &&
                   buf_append(out, all.data + at + len, all.len - at - len) == OK;
        }
    }
    return false;
}

bool world_change_agency(struct world *world, const char *id, const char *lines)
{
    bool ran = !world->down;
    struct registry *registry = NULL;
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    bool good;

    if (ran) {
        world_stop(world);
    }
    buf_init(&text, LIMIT_CONFIG_BYTES);
    good =
        edit(&world->registry_text, id, lines, &text) &&
        registry_read("agencies.yaml", span_buf(&text), &registry, &fault) == OK &&
        policy_read("policy.yaml", span_buf(&world->policy_text), registry, &policy, &fault) == OK;
    if (good) {
        policy->attachments_required = world->policy->attachments_required;
        use(world, registry, policy);
        buf_free(&world->registry_text);
        world->registry_text = text;
    } else {
        (void)fprintf(stderr, "%s: %s\n", fault.place, fault.message);
        registry_free(registry);
        buf_free(&text);
    }
    if (ran) {
        world_start(world);
    }
    return good;
}

static bool edit_policy(struct buf *text, const char *option, const char *value, struct buf *out)
{
    char row[64];
    struct span all = span_buf(text);
    size_t len = (size_t)snprintf(row, sizeof(row), "\n%.40s: ", option);

    for (size_t at = 0; at + len <= all.len; at++) {
        if (memcmp(all.data + at, row, len) == 0) {
            const uint8_t *end = memchr(all.data + at + len, '\n', all.len - at - len);

            return end != NULL && buf_append(out, all.data, at + len) == OK &&
                   buf_append_text(out, value) == OK &&
                   buf_append(out, end, (size_t)(all.data + all.len - end)) == OK;
        }
    }
    return false;
}

bool world_change_policy(struct world *world, const char *option, const char *value)
{
    bool ran = !world->down;
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    bool good;

    if (ran) {
        world_stop(world);
    }
    buf_init(&text, LIMIT_CONFIG_BYTES);
    good = edit_policy(&world->policy_text, option, value, &text) &&
           policy_read("policy.yaml", span_buf(&text), world->registry, &policy, &fault) == OK;
    if (good) {
        policy->attachments_required = world->policy->attachments_required;
        policy_free(world->policy);
        world->policy = policy;
        buf_free(&world->policy_text);
        world->policy_text = text;
    } else {
        (void)fprintf(stderr, "%s: %s\n", fault.place, fault.message);
        buf_free(&text);
    }
    if (ran) {
        world_start(world);
    }
    return good;
}

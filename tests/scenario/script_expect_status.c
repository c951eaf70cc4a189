/* Expectations on what the broker answers its administrators: the status socket's own code over the
 * scenario's store. */
#include <stdio.h>
#include <string.h>

#include "broker/status.h"
#include "model/why.h"
#include "scenario/script.h"
#include "store/audit.h"

struct asking_status {
    struct buf reply;
    struct json *json;
    struct json_value root;
};

static bool ask(struct world *world, struct step *step, const char *line,
                struct asking_status *ret_asked)
{
    const struct status_peer peer = {.roles = ROLES_ALL};
    const struct status_context ctx = {.broker = world->broker, .peer = &peer};
    struct fault fault = {.code = ""};
    struct json_value good;
    bool ok = false;

    buf_init(&ret_asked->reply, LIMIT_LOCAL_LINE_BYTES);
    if (status_answer(&ctx, span_text(line), &ret_asked->reply) != OK ||
        json_open("status", span_buf(&ret_asked->reply), &ret_asked->json, &fault) != OK) {
        return step_fail(step, "no answer: %s", fault.message);
    }
    ret_asked->root = json_root(ret_asked->json);
    good = json_member(&ret_asked->root, "ok");
    return (json_get_bool(&good, &ok, &fault) == OK && ok) ||
           step_fail(step, "refused: %.150s", (const char *)ret_asked->reply.data);
}

static const char *text_of(const struct json_value *object, const char *name)
{
    struct json_value value = json_member(object, name);
    const char *text = "";

    return json_get_text(&value, LIMIT_LOCAL_LINE_BYTES, &text, NULL) == OK ? text : "";
}

static uint64_t number_of(const struct json_value *object, const char *name)
{
    struct json_value value = json_member(object, name);
    uint64_t number = 0;

    return json_get_u64(&value, 0, INT64_MAX, &number, NULL) == OK ? number : 0;
}

static bool flag_of(const struct json_value *object, const char *name)
{
    struct json_value value = json_member(object, name);
    bool flag = false;

    return json_get_bool(&value, &flag, NULL) == OK && flag;
}

static bool wanted_text(struct step *step, const char *name, const struct json_value *row)
{
    const char *wanted = step_option(step, name);

    return wanted == NULL || strcmp(wanted, text_of(row, name)) == 0 ||
           step_fail(step, "its %s is %s", name, text_of(row, name));
}

static bool wanted_days(struct step *step, const struct json_value *row)
{
    const char *wanted = step_option(step, "days");
    uint64_t days = 0, is = number_of(row, "late_days");

    return wanted == NULL || (step_number(wanted, &days) && days == is) ||
           step_fail(step, "it is %llu working days late", (unsigned long long)is);
}

/* expect late-clock NAME CLOCK [holder=A] [waiting=A] [rung=ID] [rung_zh=NAME]
 * [days=N] */
static bool expect_late_clock(struct world *world, struct step *step, struct asking_status *asked)
{
    struct json_value rows;
    struct named named;

    if (!world_named(world, step_word(step, 2), &named)) {
        return step_fail(step, "no such referral or matter: %s", step_word(step, 2));
    }
    if (!ask(world, step, "{\"cmd\":\"late\"}", asked)) {
        return false;
    }
    rows = json_member(&asked->root, "late");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        if (strcmp(text_of(&row, "number"), named.number) == 0 &&
            strcmp(text_of(&row, "clock"), step_word(step, 3)) == 0) {
            return wanted_text(step, "holder", &row) && wanted_text(step, "waiting", &row) &&
                   wanted_text(step, "rung", &row) && wanted_text(step, "rung_zh", &row) &&
                   wanted_days(step, &row);
        }
    }
    return step_fail(step, "no such clock of it is late");
}

static bool counts(struct step *step, size_t at, uint64_t is)
{
    uint64_t wanted;

    return (step_number(step_word(step, at), &wanted) && wanted == is) ||
           step_fail(step, "there are %llu", (unsigned long long)is);
}

/* The dead letter of a referral or matter, or of what was `refused`; false: none. */
static bool find_dead(struct world *world, struct step *step, struct asking_status *asked,
                      struct json_value *ret_row)
{
    bool refused = strcmp(step_word(step, 2), "refused") == 0;
    struct json_value rows;
    struct named named;

    if (!refused && !world_named(world, step_word(step, 2), &named)) {
        return step_fail(step, "no such referral or matter: %s", step_word(step, 2));
    }
    if (!ask(world, step, "{\"cmd\":\"dead-list\",\"all\":true}", asked)) {
        return false;
    }
    rows = json_member(&asked->root, "dead");
    for (size_t i = 0; i < json_count(&rows); i++) {
        *ret_row = json_item(&rows, i);
        if (refused ? strcmp(text_of(ret_row, "cause"), "hops") == 0
                    : strcmp(text_of(ret_row, "number"), named.number) == 0) {
            return true;
        }
    }
    return step_fail(step, "no dead letter of it");
}

/* expect dead NAME CAUSE [retried | dropped] */
static bool expect_dead(struct world *world, struct step *step, struct asking_status *asked)
{
    struct json_value row;

    return find_dead(world, step, asked, &row) &&
           ((strcmp(text_of(&row, "cause"), step_word(step, 3)) == 0 &&
             strcmp(text_of(&row, "settled"), step_word(step, 4)) == 0) ||
            step_fail(step, "it is %s %s", text_of(&row, "cause"), text_of(&row, "settled")));
}

/* expect dead-letters N: that nobody settled, as the list and the count have it */
static bool expect_dead_letters(struct world *world, struct step *step, struct asking_status *asked)
{
    struct json_value rows;
    uint64_t counted;

    if (!ask(world, step, "{\"cmd\":\"status\"}", asked)) {
        return false;
    }
    counted = number_of(&asked->root, "dead");
    json_free(asked->json);
    buf_free(&asked->reply);
    if (!ask(world, step, "{\"cmd\":\"dead-list\"}", asked)) {
        return false;
    }
    rows = json_member(&asked->root, "dead");
    return json_count(&rows) == counted ? counts(step, 2, counted)
                                        : step_fail(step, "the count is %llu, the list has %zu",
                                                    (unsigned long long)counted, json_count(&rows));
}

/* `administrator retries NAME`, `drops NAME` */
bool script_settle(struct world *world, struct step *step)
{
    bool retry = strcmp(step_word(step, 1), "retries") == 0;
    struct asking_status listed = {.json = NULL}, done = {.json = NULL};
    struct json_value row;
    char line[128];
    bool held = find_dead(world, step, &listed, &row);

    (void)snprintf(line, sizeof(line), "{\"cmd\":\"dead-%s\",\"id\":%llu,\"reason\":\"scenario\"}",
                   retry ? "retry" : "drop",
                   (unsigned long long)(held ? number_of(&row, "id") : 0));
    held = held && ask(world, step, line, &done);
    json_free(listed.json);
    json_free(done.json);
    buf_free(&listed.reply);
    buf_free(&done.reply);
    return held;
}

/* expect late-clocks N [of NAME]: of the case of this one */
static bool expect_late_clocks(struct world *world, struct step *step, struct asking_status *asked)
{
    char line[96] = "{\"cmd\":\"late\"}";
    struct json_value rows;
    struct named named;

    if (strcmp(step_word(step, 3), "of") == 0) {
        if (!world_named(world, step_word(step, 4), &named)) {
            return step_fail(step, "no such referral or matter: %s", step_word(step, 4));
        }
        (void)snprintf(line, sizeof(line), "{\"cmd\":\"late\",\"id\":\"%s\"}", named.number);
    }
    if (!ask(world, step, line, asked)) {
        return false;
    }
    rows = json_member(&asked->root, "late");
    return counts(step, 2, json_count(&rows));
}

/* expect agenda N: documents that belong on that of the next joint meeting */
static bool expect_agenda(struct world *world, struct step *step, struct asking_status *asked)
{
    struct json_value rows;
    uint64_t count = 0;

    if (!ask(world, step, "{\"cmd\":\"documents\"}", asked)) {
        return false;
    }
    rows = json_member(&asked->root, "documents");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        count += flag_of(&row, "agenda");
    }
    return counts(step, 2, count);
}

/* expect void NUMBER refused|left-out, expect voids N */
static bool expect_voids(struct world *world, struct step *step, struct asking_status *asked)
{
    struct json_value rows;

    if (!ask(world, step, "{\"cmd\":\"voids\"}", asked)) {
        return false;
    }
    rows = json_member(&asked->root, "voids");
    if (strcmp(step_word(step, 1), "voids") == 0) {
        return counts(step, 2, json_count(&rows));
    }
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        if (strcmp(text_of(&row, "number"), step_word(step, 2)) == 0) {
            return strcmp(text_of(&row, "why"), step_word(step, 3)) == 0 ||
                   step_fail(step, "it is %s", text_of(&row, "why"));
        }
    }
    return step_fail(step, "it is not listed as void");
}

/* What `why` answers about the leaf of the last refusal. Not `ret_known`: none was written. */
static bool ask_why(struct world *world, struct step *step, struct asking_status *asked,
                    bool *ret_known)
{
    struct json_value refused;
    char line[64];

    *ret_known = world->last_leaf != AUDIT_NONE;
    if (!*ret_known) {
        return true;
    }
    (void)snprintf(line, sizeof(line), "{\"cmd\":\"why\",\"leaf\":%llu}",
                   (unsigned long long)world->last_leaf);
    if (!ask(world, step, line, asked)) {
        return false;
    }
    refused = json_member(&asked->root, "refused");
    return strcmp(text_of(&refused, "code"), refusal_name(world->refusal)) == 0 ||
           step_fail(step, "the leaf says %s", text_of(&refused, "code"));
}

/* expect rule ID: the rule of the last refusal, and the same by the leaf that recorded it */
static bool expect_rule(struct world *world, struct step *step, struct asking_status *asked)
{
    const struct why_refused by = {
        .refusal = world->refusal, .kind = world->last_kind, .detail = world->detail};
    const char *rule = why_refusal(&by)->rule;
    struct json_value refused;
    bool known;

    if (world->refusal == REFUSAL_NONE) {
        return step_fail(step, "it was accepted");
    }
    if (!ask_why(world, step, asked, &known)) {
        return false;
    }
    refused = json_member(&asked->root, "refused");
    if (known && strcmp(text_of(&refused, "rule"), rule) != 0) {
        return step_fail(step, "`why` says %s, not %s", text_of(&refused, "rule"), rule);
    }
    return strcmp(rule, step_word(step, 2)) == 0 ||
           step_fail(step, "the rule is %s (%s)", rule, world->detail);
}

/* expect dated NAME RULE: by which one of its dates was made */
static bool expect_dated(struct world *world, struct step *step, struct asking_status *asked)
{
    struct json_value clocks;
    struct named named;
    char line[96];

    if (!world_named(world, step_word(step, 2), &named)) {
        return step_fail(step, "no such referral or matter: %s", step_word(step, 2));
    }
    (void)snprintf(line, sizeof(line), "{\"cmd\":\"why\",\"referral\":\"%s\"}", named.number);
    if (!ask(world, step, line, asked)) {
        return false;
    }
    clocks = json_member(&asked->root, "clocks");
    for (size_t i = 0; i < json_count(&clocks); i++) {
        struct json_value clock = json_item(&clocks, i);

        if (strcmp(text_of(&clock, "rule"), step_word(step, 3)) == 0) {
            return true;
        }
    }
    return step_fail(step, "`why` names no such rule");
}

/* expect shown NAME: `case` and `why` answer about it */
static bool expect_shown(struct world *world, struct step *step, struct asking_status *asked)
{
    char line[96];
    struct json_value rows, row;
    struct named named;

    if (!world_named(world, step_word(step, 2), &named)) {
        return step_fail(step, "no such referral or matter: %s", step_word(step, 2));
    }
    (void)snprintf(line, sizeof(line), "{\"cmd\":\"case\",\"id\":\"%s\"}", named.number);
    if (!ask(world, step, line, asked)) {
        return false;
    }
    rows = json_member(&asked->root, named.affair != NULL ? "matters" : "referrals");
    row = json_item(&rows, 0);
    return (json_count(&rows) == 1 &&
            strcmp(text_of(&row, named.affair != NULL ? "matter" : "referral"), named.number) ==
                0) ||
           step_fail(step, "it is not shown: %.150s", (const char *)asked->reply.data);
}

static const struct {
    const char *word;
    bool (*expect)(struct world *, struct step *, struct asking_status *);
} expectations[] = {
    {"late-clock", expect_late_clock},
    {"late-clocks", expect_late_clocks},
    {"agenda", expect_agenda},
    {"void", expect_voids},
    {"voids", expect_voids},
    {"rule", expect_rule},
    {"shown", expect_shown},
    {"dated", expect_dated},
    {"dead", expect_dead},
    {"dead-letters", expect_dead_letters},
};

bool script_expect_status(struct world *world, struct step *step, bool *ret_holds)
{
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        if (strcmp(expectations[i].word, step_word(step, 1)) == 0) {
            struct asking_status asked = {.json = NULL};

            *ret_holds = expectations[i].expect(world, step, &asked);
            json_free(asked.json);
            buf_free(&asked.reply);
            return true;
        }
    }
    return false;
}

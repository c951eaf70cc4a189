/* Expectations on matters and their duties, on documents that ask for a reply, and on the field
 * that a refusal names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/matter.h"
#include "model/vocabulary.h"
#include "scenario/script.h"
#include "store/cases.h"

/* What is stored of a name: one of the two. */
struct stored {
    struct matter *matter; /* owned, or NULL */
    struct referral referral;
};

static bool load(const struct world *world, struct step *step, const char *name,
                 struct stored *ret_stored)
{
    struct named named;
    struct store_txn *read;
    struct span packed;
    struct case_key key;
    enum err error;

    if (!world_named(world, name, &named)) {
        return step_fail(step, "no such referral or matter: %s", name);
    }
    key = (struct case_key){.case_id = named.case_id, .referral_id = named.referral_id};
    error = store_read_begin(world->store, &read);
    if (error != OK) {
        return step_fail(step, "the store cannot be read");
    }
    ret_stored->matter = named.affair != NULL ? calloc(1, sizeof(*ret_stored->matter)) : NULL;
    error = cases_get(read, &key, &packed);
    if (error == OK) {
        error = named.affair != NULL ? matter_unpack(packed, ret_stored->matter)
                                     : referral_unpack(packed, &ret_stored->referral);
    }
    store_read_end(read);
    if (error != OK) {
        (void)step_fail(step, "%s is not stored: %s", name, err_text(error));
    }
    return error == OK;
}

static bool load_matter(const struct world *world, struct step *step, const char *name,
                        struct stored *ret_stored)
{
    if (!load(world, step, name, ret_stored)) {
        return false;
    }
    if (ret_stored->matter == NULL) {
        (void)step_fail(step, "%s is no matter", name);
        return false;
    }
    return true;
}

static bool number_at(struct step *step, size_t index, uint64_t *ret_number)
{
    return step_number(step_word(step, index), ret_number) ||
           step_fail(step, "expected a number: %s", step_word(step, index));
}

/* expect matter c1 open|closed|cancelled */
static bool expect_matter(struct world *world, struct step *step, struct stored *stored)
{
    return load_matter(world, step, step_word(step, 2), stored) &&
           (strcmp(matter_state_name(stored->matter->state), step_word(step, 3)) == 0 ||
            step_fail(step, "it is %s", matter_state_name(stored->matter->state)));
}

static const char *duty_state(const struct duty *duty)
{
    if (matter_duty_open(duty)) {
        return "open";
    }
    return duty->cancelled ? "cancelled" : "done";
}

static bool holds(struct step *step, const char *option, const char *is)
{
    const char *wanted = step_option(step, option);

    return wanted == NULL || strcmp(wanted, is) == 0 || step_fail(step, "its %s is %s", option, is);
}

/* expect duty 2 of c1 open|done|cancelled [kind=promise] [holder=A] [due=DATE] [days=N] */
static bool expect_duty(struct world *world, struct step *step, struct stored *stored)
{
    const struct duty *duty = NULL;
    const struct word *kind = NULL;
    const struct agency *holder = NULL;
    char due[CIVIL_TEXT_BYTES], days[16];
    uint64_t number;

    if (!number_at(step, 2, &number) || !load_matter(world, step, step_word(step, 4), stored)) {
        return false;
    }
    duty = matter_duty(stored->matter, (uint32_t)number);
    if (duty == NULL) {
        return step_fail(step, "there is no such duty");
    }
    kind = vocabulary_find(VOCABULARY_TASK, (uint32_t)duty->kind);
    holder = registry_by_number(world->registry, duty->holder);
    civil_format(duty->window.due_day, due);
    (void)snprintf(days, sizeof(days), "%u", duty->window.n);
    return (strcmp(duty_state(duty), step_word(step, 5)) == 0 ||
            step_fail(step, "it is %s", duty_state(duty))) &&
           holds(step, "kind", kind != NULL ? kind->id : "?") &&
           holds(step, "holder", holder != NULL ? holder->id : "?") && holds(step, "due", due) &&
           holds(step, "days", days);
}

/* expect duties c1 N: how many are open */
static bool expect_duties(struct world *world, struct step *step, struct stored *stored)
{
    uint64_t wanted, open = 0;

    if (!number_at(step, 3, &wanted) || !load_matter(world, step, step_word(step, 2), stored)) {
        return false;
    }
    for (uint32_t i = 0; i < stored->matter->duty_count; i++) {
        open += matter_duty_open(&stored->matter->duties[i]);
    }
    return open == wanted || step_fail(step, "%llu duties are open", (unsigned long long)open);
}

/* expect attends m1 education yes|deputy|no|nothing */
static bool expect_attends(struct world *world, struct step *step, struct stored *stored)
{
    const struct agency *agency = registry_find(world->registry, step_word(step, 3));

    if (!load_matter(world, step, step_word(step, 2), stored)) {
        return false;
    }
    for (uint32_t i = 0; agency != NULL && i < stored->matter->member_count; i++) {
        const struct matter_member *member = &stored->matter->members[i];
        const struct word *word = vocabulary_find(VOCABULARY_ATTENDS, member->answers);
        const char *is = word != NULL ? word->id : "nothing";

        if (member->agency == agency->number) {
            return strcmp(is, step_word(step, 4)) == 0 || step_fail(step, "it said %s", is);
        }
    }
    return step_fail(step, "no such member: %s", step_word(step, 3));
}

/* expect balance f1 FEN: what is left of supervised money */
static bool expect_balance(struct world *world, struct step *step, struct stored *stored)
{
    uint64_t wanted;

    if (!number_at(step, 3, &wanted) || !load_matter(world, step, step_word(step, 2), stored)) {
        return false;
    }
    return stored->matter->balance_fen == wanted ||
           step_fail(step, "it is %llu", (unsigned long long)stored->matter->balance_fen);
}

/* expect documents NAME N: whose cause is not gone; expect replied NAME N: of them, replied to */
static bool expect_documents(struct world *world, struct step *step, struct stored *stored)
{
    bool replied = strcmp(step_word(step, 1), "replied") == 0;
    uint64_t wanted, count = 0;

    if (!number_at(step, 3, &wanted) || !load(world, step, step_word(step, 2), stored)) {
        return false;
    }
    if (stored->matter != NULL) {
        for (uint32_t i = 0; i < stored->matter->document_count; i++) {
            count += !replied || stored->matter->documents[i].answer != 0;
        }
    } else {
        for (uint32_t i = 0; i < stored->referral.document_count; i++) {
            count += !replied || stored->referral.documents[i].answer != 0;
        }
    }
    return count == wanted || step_fail(step, "%llu documents are so", (unsigned long long)count);
}

/* expect field PATH: what the last refusal says begins with it */
static bool expect_field(struct world *world, struct step *step, struct stored *stored)
{
    const char *wanted = step_word(step, 2);

    (void)stored;
    return strncmp(world->detail, wanted, strlen(wanted)) == 0 ||
           step_fail(step, "it says: %s", world->detail);
}

static const struct {
    const char *word;
    bool (*expect)(struct world *, struct step *, struct stored *);
} expectations[] = {
    {"matter", expect_matter},     {"duty", expect_duty},       {"duties", expect_duties},
    {"attends", expect_attends},   {"balance", expect_balance}, {"documents", expect_documents},
    {"replied", expect_documents}, {"field", expect_field},
};

bool script_expect_matter(struct world *world, struct step *step, bool *ret_holds)
{
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        if (strcmp(expectations[i].word, step_word(step, 1)) == 0) {
            struct stored stored = {.matter = NULL};

            *ret_holds = expectations[i].expect(world, step, &stored);
            free(stored.matter);
            return true;
        }
    }
    return false;
}

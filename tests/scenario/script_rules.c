/* `expect applied RULE of NAME`: by which rules things happened to a referral or matter, told from
 * the log and the store alone. (Those that refused are asked of `why`: script_expect_status.c.) */
#include <stdlib.h>
#include <string.h>

#include "model/lanes.h"
#include "model/rules.h"
#include "scenario/script.h"
#include "store/audit.h"
#include "store/cases.h"

struct search { /* of one rule, in all that happened to one referral or matter */
    const char *id;
    struct named named;
    enum message_kind referral; /* its kind; MESSAGE_NONE: a matter */
    bool minor;
    bool found;
};

static void try_act(struct search *search, const struct rule_act *act)
{
    for (size_t i = 0; i < rule_count() && !search->found; i++) {
        search->found = strcmp(rule_at(i)->id, search->id) == 0 && rule_applies(i, act);
    }
}

/* ---- the log ---- */

static const struct {
    enum leaf_kind leaf;
    enum rule_deed deed;
} deeds[] = {
    {LEAF_MESSAGE, DEED_TAKEN},          {LEAF_WINDOW_OPENED, DEED_OPENED},
    {LEAF_TASK_OPENED, DEED_OPENED},     {LEAF_WINDOW_STOPPED, DEED_STOPPED},
    {LEAF_TASK_CLOSED, DEED_DONE},       {LEAF_WINDOW_CANCELLED, DEED_CANCELLED},
    {LEAF_WINDOW_REDATED, DEED_REDATED}, {LEAF_RUNG_RAISED, DEED_RAISED},
    {LEAF_RUNG_RESOLVED, DEED_RESOLVED},
};

static void try_leaf(struct search *search, const struct leaf_record *record)
{
    struct rule_act act = {.message = (enum message_kind)record->message_kind,
                           .lane = record->has_stream ? record->stream.lane : LANE_COUNT,
                           .referral = search->referral,
                           .task = record->window.task,
                           .number = record->window.number,
                           .late = record->window.late,
                           .minor = search->minor,
                           .rung = RUNG_COUNT};

    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        bool rung = deeds[i].deed == DEED_RAISED;

        act.deed = deeds[i].deed;
        if (record->kind == deeds[i].leaf &&
            (!rung || rung_parse(record->rung.rung, &act.rung) == OK)) {
            try_act(search, &act);
        }
    }
}

static void try_entry(struct search *search, struct span bytes)
{
    struct leaf_record record;
    struct region region;

    region_init(&region, LIMIT_PARSE_BYTES(bytes.len));
    if (leaf_record_decode(bytes, &region, &record, NULL) == OK &&
        uuid_equal(&record.referral_id, &search->named.referral_id)) {
        try_leaf(search, &record);
    }
    region_free(&region);
}

static bool search_log(struct search *search, struct store_txn *read)
{
    struct audit_walk walk;
    struct audit_entry entry;
    enum err error = audit_walk_open(read, 0, &walk);

    while (error == OK && (error = audit_walk_next(&walk, &entry)) == OK) {
        try_entry(search, entry.record);
    }
    audit_walk_close(&walk);
    return error == ERR_NOT_FOUND;
}

/* ---- the store ---- */

static bool load_referral(struct search *search, struct span packed)
{
    struct referral referral;

    if (referral_unpack(packed, &referral) != OK) {
        return false;
    }
    search->referral = referral.kind;
    search->minor = referral.minor;
    try_act(search, &(struct rule_act){.deed = DEED_STATED,
                                       .lane = LANE_COUNT,
                                       .statements = rule_statements(&referral),
                                       .rung = RUNG_COUNT});
    return true;
}

static bool load_matter(struct search *search, struct span packed)
{
    struct matter *matter = malloc(sizeof(*matter)); /* too large for the stack */
    bool good = matter != NULL && matter_unpack(packed, matter) == OK;

    search->minor = good && matter->minor;
    free(matter);
    return good;
}

static bool search_store(struct search *search, struct store_txn *read)
{
    struct case_key key = {.case_id = search->named.case_id,
                           .referral_id = search->named.referral_id};
    struct span packed;

    if (cases_get(read, &key, &packed) != OK) {
        return false;
    }
    return search->named.affair != NULL ? load_matter(search, packed)
                                        : load_referral(search, packed);
}

bool script_expect_applied(struct world *world, struct step *step)
{
    struct search search = {.id = step_word(step, 2)};
    struct store_txn *read;
    bool good;

    if (step->count != 5 || strcmp(step->words[3], "of") != 0) {
        return step_fail(step, "expected `applied RULE of NAME`");
    }
    if (!world_named(world, step_word(step, 4), &search.named)) {
        return step_fail(step, "no such referral or matter: %s", step_word(step, 4));
    }
    if (store_read_begin(world->store, &read) != OK) {
        return step_fail(step, "the store cannot be read");
    }
    good = search_store(&search, read) && search_log(&search, read);
    store_read_end(read);
    if (!good) {
        return step_fail(step, "store or log cannot be read");
    }
    return search.found ||
           step_fail(step, "nothing that happened to %s applied it", step_word(step, 4));
}

/* The language of the scenario files: one line, one step. See README.md in this folder.
 * For the scenario runner only; one thread. */
#ifndef REFERRAL_SCENARIO_SCRIPT_H
#define REFERRAL_SCENARIO_SCRIPT_H

#include "scenario/world.h"

#define SCRIPT_WORDS 32

struct step { /* one line, split at spaces */
    const char *file;
    unsigned line;
    char text[512];
    char *words[SCRIPT_WORDS + 1];
    size_t count;
    char problem[256]; /* why it failed; empty while it holds */
};

/* Says why the step fails; answers false so that a caller can return it. */
bool step_fail(struct step *step, const char *fmt, ...) FORMAT(2, 3);
/* Cuts the text into words, up to a `#`. False: there are none. */
bool step_split(struct step *step);
/* The word at `index`, or "" beyond the end. */
const char *step_word(const struct step *step, size_t index);
/* Decimal digits alone, up to ten of them. */
bool step_number(const char *text, uint64_t *ret_value);
/* Cuts the part off that ends before `mark`; `rest` is then what follows, "" at the end. */
char *step_cut(char **rest, char mark);
bool step_has(const struct step *step, const char *word); /* after the first */
/* The value of `name=`; NULL when it is not there. */
const char *step_option(const struct step *step, const char *name);
/* script_facts.c: the facts that the step names, as docs/messages.md calls them, into the message
 * of this kind: words, sets and lists with commas, the cells of a row with slashes in the order of
 * docs/messages.md, dates, instants to the minute, names of referrals and matters for their numbers
 * and ids. `more` are such words too, "asked=income why=error", for what the step leaves open; or
 * NULL. Arrays lie in the region. */
bool step_facts(const struct world *world, struct step *step, const char *more,
                struct region *region, struct message *message);
/* Plays one step. False: it failed, and step->problem says why. */
bool script_play(struct world *world, struct step *step);
/* script_acts.c: what an agency does; words[0] is its id. */
bool script_act(struct world *world, struct actor *actor, struct step *step);
/* script_matters.c: `A sends KIND NAME ...`: every other message of the agreement. */
bool script_sends(struct world *world, struct actor *actor, struct step *step);
/* A header about this, with the ids and numbers of it, and officer and text in the body. */
void script_head(const struct world *world, const struct named *named, const struct actor *from,
                 enum message_kind kind, struct message *message);
struct uuid script_new_id(const struct world *world);
/* script_foul.c: what no good agent sends, where the step asks for it. Not `ret_send`: it was
 * judged before it was sealed, and is not sent. */
bool script_foul(struct world *world, struct step *step, struct message *message, bool *ret_send);
/* script_attachments.c: the sealed bytes of a material of `submits`, and their digest. */
#define SCRIPT_MATERIAL_BYTES 1000
struct digest script_material(uint32_t index, uint8_t bytes[SCRIPT_MATERIAL_BYTES]);
bool script_uploads(struct world *world, struct actor *actor, struct step *step);
bool script_downloads(struct world *world, struct actor *actor, struct step *step);
/* script_recovery.c: the broker's disk is lost; an agency that was not there hands back later. */
bool script_snapshot(struct world *world, struct step *step);
bool script_restore(struct world *world, struct step *step);
bool script_hands_back(struct world *world, struct actor *actor, struct step *step);
/* Sends it. True: answered, or no answer could come. */
bool script_send(struct world *world, struct actor *actor, struct step *step,
                 struct message *message);

/* script_expect.c: words[0] is "expect". */
bool script_expect(struct world *world, struct step *step);
/* script_expect_matters.c: the same of matters and documents. False: the word is none of it. */
bool script_expect_matter(struct world *world, struct step *step, bool *ret_holds);
/* script_rules.c: `applied`: a rule by which something happened to a referral or matter. */
bool script_expect_applied(struct world *world, struct step *step);
/* script_expect_status.c: the same of what administrators are answered. */
bool script_expect_status(struct world *world, struct step *step, bool *ret_holds);
/* `administrator retries NAME`, `drops NAME`: its dead letter. */
bool script_settle(struct world *world, struct step *step);

struct leaf_count { /* the leaves of the log that fit */
    enum leaf_kind kind;
    const char *number;    /* of a referral or matter, or NULL */
    const char *rung;      /* or NULL */
    uint32_t window;       /* of a rung: number of window or duty; or 0 */
    uint32_t message_kind; /* or 0 */
    const char *recipient; /* or NULL */
    unsigned found;
    uint64_t earliest_ms;              /* at_ms of the first that fits */
    char document[LIMIT_NUMBER_BYTES]; /* of the last that fits */
};
/* False: the log cannot be read. */
bool script_count_leaves(const struct world *world, struct leaf_count *count);

#endif

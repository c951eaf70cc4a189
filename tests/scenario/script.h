/* The language of the scenario files: one line, one step. See README.md in this folder.
 * For the scenario runner only; one thread. */
#ifndef REFERRAL_SCENARIO_SCRIPT_H
#define REFERRAL_SCENARIO_SCRIPT_H

#include "scenario/world.h"

#define SCRIPT_WORDS 24

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
/* The word at `index`, or "" beyond the end. */
const char *step_word(const struct step *step, size_t index);
/* Decimal digits alone, up to ten of them. */
bool step_number(const char *text, uint64_t *ret_value);
/* Plays one step. False: it failed, and step->problem says why. */
bool script_play(struct world *world, struct step *step);
/* script_acts.c: what an agency does; words[0] is its id. */
bool script_act(struct world *world, struct actor *actor, struct step *step);
/* script_expect.c: words[0] is "expect". */
bool script_expect(struct world *world, struct step *step);

#endif

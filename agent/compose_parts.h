/* What the two files of composing share. Private to agent/compose*.c. */
#ifndef REFERRAL_AGENT_COMPOSE_PARTS_H
#define REFERRAL_AGENT_COMPOSE_PARTS_H

#include "agent/state.h"
#include "model/message_form.h"
#include "model/message_json.h"

struct making { /* one message */
    struct agent *agent;
    struct store_txn *txn;
    struct composing *composing;
    struct message_draft *draft;
    struct case_key key;
    struct copy *copy; /* of what it is about, as it will be when this message arrives */
    struct fault *fault;
};

/* --- compose.c --- */

/* "facts.ground: 7 is no ground" as a fault; answers ERR_INVALID. */
enum err making_refuse(struct making *making, enum refusal refusal, const char *detail);
/* The next free number of this agency: "JZ-2026-0031", "MZ-DJ-2026-0007", "JZ-SX-2026-0007". */
enum err making_number(struct making *making, enum number_kind kind,
                       char out[LIMIT_NUMBER_BYTES]) MUST_CHECK;
/* Of a case that this agency knows by this number: its id becomes the key's. */
enum err making_case(struct making *making, const char *number) MUST_CHECK;
/* A referral by number or id, as it will be. A fault at `place` otherwise. */
enum err making_referral(struct making *making, const char *text, const char *place,
                         struct copy *ret_copy) MUST_CHECK;
/* The draft's recipient of this index; NULL with a fault. */
const struct agency *making_agency(struct making *making, size_t index);
/* The other party, or who acts for it now; this agency may itself act for the one that referred.
 * NULL: it left the registry. */
const struct agency *making_other_party(const struct agent *agent, const struct referral *referral);
/* Header and body, once key, numbers and copies are there. */
void making_fill(struct making *making, const char *recipient);
/* Judges, seals and puts the row. */
enum err making_finish(struct making *making) MUST_CHECK;

/* --- compose_matter.c --- */

/* A message that opens a matter, goes on in one, or answers a numbered document. */
enum err compose_matter(struct making *making) MUST_CHECK;

#endif

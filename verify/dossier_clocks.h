/* What the files that count the clocks of a dossier share: whose a message is, and the rows of
 * clocks. See dossier_windows.c and dossier_clocks.c. */
#ifndef REFERRAL_VERIFY_DOSSIER_CLOCKS_H
#define REFERRAL_VERIFY_DOSSIER_CLOCKS_H

#include "dossier.h"

enum { /* of `task` */
       TASK_NUMBER_FEEDBACK = 0,
       TASK_NUMBER_TELL = 1,
       TASK_NUMBER_PAPERS = 2,
       TASK_NUMBER_INFORMATION = 17,
       TASK_NUMBER_FIRST_DATED = 18, /* follow-ups, promises, payments, letters, invitations */
};

static inline bool told_is_of(const struct told_message *told, const struct uuid *referral_id)
{
    return !told->refused && uuid_equal(&told->message->header.referral_id, referral_id);
}

static inline bool told_is_kind(const struct told_message *told, enum message_kind first,
                                enum message_kind last)
{
    return !told->refused && told->message->header.kind >= first &&
           told->message->header.kind <= last;
}

/* --- dossier_windows.c --- */

/* When the receiver had it, as the log has that; 0: this file does not show it. */
uint64_t dossier_delivered(struct dossier *dossier, struct told_message *opening);
/* NULL: there is no room for one more. */
struct told_clock *dossier_add_clock(struct dossier *dossier, const struct told_message *told,
                                     uint32_t task, uint32_t window);

/* --- dossier_clocks.c --- */

/* The tasks that answers to this referral open, and their ends. */
void dossier_open_tasks(struct dossier *dossier, const struct told_message *opening);
/* An information request that arrived runs until its reply. */
void dossier_open_request(struct dossier *dossier, struct told_message *opening);
/* What should have been raised and is not here, of all clocks. */
void dossier_find_missing(struct dossier *dossier);

#endif

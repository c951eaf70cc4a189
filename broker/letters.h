/* Dead letters: which there are, and what an administrator does about one (docs/adr/0016).
 *
 * One that its receiver could not read, or that was referred on too often, has a row of
 * lib/store/dead from the transaction in which it happened; what waits for an agency that has left
 * is dead as long as it waits, and gets a row when it is settled. Nothing is erased. Loop thread.
 */
#ifndef REFERRAL_BROKER_LETTERS_H
#define REFERRAL_BROKER_LETTERS_H

#include "broker/acts.h"
#include "broker/broker.h"
#include "store/dead.h"
#include "store/queue.h"
#include "wire/codec.h"

struct letter {
    struct dead_row row; /* row.leaf is its id */
    char from[LIMIT_AGENCY_ID_BYTES], to[LIMIT_AGENCY_ID_BYTES];
    char number[LIMIT_NUMBER_BYTES];
    uint32_t kind;
    struct uuid message_id, case_id, referral_id;
    bool queued; /* it waits for one that has left */
    struct queue_item item;
};

typedef enum err letter_visit(void *arg, const struct letter *letter, bool *ret_more);
/* Those that nobody settled, and those that somebody did, newest first; *ret_more false ends the
 * walk. */
enum err letters_open(const struct broker *broker, struct store_txn *read, letter_visit *visit,
                      void *arg) MUST_CHECK;
enum err letters_settled(struct store_txn *read, letter_visit *visit, void *arg) MUST_CHECK;
/* ERR_NOT_FOUND: this leaf is none. */
enum err letter_find(const struct broker *broker, struct store_txn *read, uint64_t id,
                     struct letter *ret_letter) MUST_CHECK;
/* Is there a referral or matter about which its sender can be told? */
bool letter_is_told(const struct letter *letter);
/* An act: its sender is asked to send it again, or it is set aside; what is queued is returned. The
 * letter must be open. */
enum err broker_letter_settle(struct broker *broker, struct act *act, const struct letter *letter,
                              enum dead_settled settled) MUST_CHECK;

/* --- as it happens, within a turn --- */
struct turn;
enum err letters_add(struct turn *turn, uint64_t leaf, enum dead_cause cause,
                     const char *detail) MUST_CHECK;

#endif

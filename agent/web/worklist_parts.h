/* What the files of the worklist share. Private to agent/web/worklist*.c. */
#ifndef REFERRAL_AGENT_WEB_WORKLIST_PARTS_H
#define REFERRAL_AGENT_WEB_WORKLIST_PARTS_H

#include "agent/web/worklist.h"
#include "base/crypto.h"

#define WORK_LINES_MAX 512u /* of one item: every duty of a matter, and what they led to */

struct work_entry {
    struct work_item item; /* what others see; its lines and names are owned by the entry */
    struct work_line *lines;
    struct uuid message_id; /* that opened it */
    struct uuid about;      /* of a matter: the referral whose persons it concerns; or zero */
    char *names;            /* of all persons, each with its NUL, then one more; NULL: not read */
    size_t names_len;
    uint64_t *digests; /* of their identity numbers */
    size_t digest_count;
    bool persons_read;
    struct statistics_referral *counted; /* of a referral; NULL: nothing is counted */
    struct statistics_duty *duties;      /* of a matter; NULL: none */
    uint32_t duty_count;
    uint32_t next_of_case; /* index in entries + 1; 0: the last */
};

struct work_hit { /* a row that fits a query, with what it is sorted by */
    uint8_t group;
    uint64_t due;
    uint64_t order;
    struct work_entry *entry;
    const struct work_line *line; /* NULL in lists of items */
};

struct work_hits {
    struct work_hit *rows; /* owned; kept from query to query */
    size_t count, room;
};

struct worklist {
    struct agent *agent;
    struct mac_key key; /* of this run: digests of identity numbers */
    uint64_t salt;      /* of this run: places in the table */
    struct work_entry **entries;
    size_t count, room;
    uint32_t *table;   /* place -> index in entries + 1; 0: free */
    uint32_t *cases;   /* the same by case: its newest entry, which leads to the others */
    size_t table_size; /* of both: a power of two */
    struct work_hits hits;
    struct agency_set acting; /* for whom this agency acts, */
    int32_t acting_day;       /* on that day */
    /* reading in */
    enum { FILL_COPIES, FILL_OUTBOX, FILL_INBOX, FILL_PERSONS, FILL_DONE } phase;
    struct case_key at;
    bool at_any;
    uint64_t at_seq;
    size_t at_entry;
    uint64_t expected; /* rows of STORE_CASE when it began */
    struct work_line scratch[WORK_LINES_MAX];
    struct work_counts counts;
    bool counted;
    uint64_t counted_ms, counts_until_ms; /* the counts hold from and till then */
    int32_t counts_day;
};

/* --- worklist_item.c --- */

/* What a copy, as it is or as it will be, says; `lines` gets at most WORK_LINES_MAX. */
void work_item_of(const struct agent *agent, const struct copy *copy, struct work_entry *entry,
                  struct work_line *lines, uint32_t *ret_count);
/* A referral or matter whose first message was refused. */
void work_item_of_refused(const struct agent *agent, const struct row *row,
                          struct work_entry *entry);
/* Adds a line for each message about it that was refused or came back, until an officer says that
 * it is dealt with, and for each that came in answer, until an officer was shown it. */
enum err work_add_unsettled(struct store_txn *read, const struct uuid *about,
                            struct work_line *lines, uint32_t *count) MUST_CHECK;
/* What statistics count of it; nothing while it waits. ERR_MEMORY. */
enum err work_keep_figures(const struct agent *agent, const struct copy *copy, bool waiting,
                           struct work_entry *entry) MUST_CHECK;
/* Names and digests of the persons of the message that opened it. What cannot be read has none. */
enum err work_read_persons(struct worklist *list, struct work_entry *entry) MUST_CHECK;
/* Wipes them where the case was erased, and the message with it. */
enum err work_forget_erased(struct worklist *list, struct store_txn *read,
                            const struct case_key *key) MUST_CHECK;
uint64_t work_identity_digest(const struct worklist *list, const char *number);

/* --- worklist.c --- */

struct work_entry *work_entry_find(struct worklist *list, const struct uuid *referral_id);
/* The first of a case, NULL for none, and the one behind. */
struct work_entry *work_case_first(struct worklist *list, const struct uuid *case_id);
struct work_entry *work_case_next(const struct worklist *list, const struct work_entry *entry);
/* The day may have come from which this agency acts for another, or another for it: then all is
 * read anew, by worklist_fill. */
void work_follow_day(struct worklist *list);

#endif

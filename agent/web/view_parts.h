/* What pages of messages and of matters share beside web_parts.h: a message's content, money, and
 * what a message is about. Private to agent/web. */
#ifndef REFERRAL_AGENT_WEB_VIEW_PARTS_H
#define REFERRAL_AGENT_WEB_VIEW_PARTS_H

#include "agent/web/web_parts.h"

/* Members `fields` (label, text, href, wide, code) and `tables` (title, head, rows of cells): each
 * fact and each field of the body but the persons. `body` NULL: there is none, or it is not read.
 */
void view_fields(struct page *page, struct store_txn *read, const struct message *message,
                 const struct body *body);

#define PAGE_MONEY_BYTES 48
/* "1,200.00 元" */
void page_money(const struct page *page, uint64_t fen, char out[PAGE_MONEY_BYTES]);
const char *page_rung(const struct page *page, enum rung rung); /* as the city calls it */

/* view_amendments.c: member `amendments`, what was said later of a paper that this agency has. */
void view_amendments(struct page *page, struct store_txn *read, const struct row *paper);

/* view_persons.c: what identifies a person, as pages show it until it is revealed. */
void page_mask_identity(const char *text, char *out, size_t size);
void page_mask_phone(const char *text, char *out, size_t size);
void page_mask_address(const char *text, char *out, size_t size);

struct about { /* a referral or a matter, as a link */
    bool of_matter;
    char number[LIMIT_NUMBER_BYTES];
    char href[64];
};
/* False: this agency has nothing of it. */
bool page_about(struct store_txn *read, const struct uuid *id, struct about *ret_about);
bool page_number_is_matter(const char *number); /* or it is a referral's or a case's */

struct opened_row { /* a message of this agency, read */
    struct row row;
    struct message message;
    struct body body;
    bool has_body;
    bool erased;          /* the body was, with its case */
    struct region region; /* holds both; wiped by row_close */
};
/* False: it is not there, or cannot be read. row_close afterwards in both cases. */
bool row_open(const struct page *page, struct store_txn *read, const struct row *row,
              struct opened_row *opened);
void row_close(struct opened_row *opened);

/* page_meetings.c: the newest edition of the roster. False: there is none; row_close in both cases.
 */
bool page_open_roster(struct page *page, struct store_txn *read, struct opened_row *opened);

/* The copy of a matter in agent->copy, as it will be when what waits here has arrived. False: there
 * is none. */
bool page_load_matter(struct page *page, struct store_txn *read, const struct case_key *key);

#endif

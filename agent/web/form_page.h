/* One form while it is opened, judged or sent: what page_form.c, page_draft.c and the
 * form_*.c beside form.h share. Private to agent/web. */
#ifndef REFERRAL_AGENT_WEB_FORM_PAGE_H
#define REFERRAL_AGENT_WEB_FORM_PAGE_H

#include "agent/web/form.h"
#include "agent/web/web_parts.h"

/* A kind of message for one purpose, as a form of its own: what is asked or said is filled in. */
struct form_purpose {
    const char *word; /* of its address: "/send/urge/JZ-2026-0031-01" */
    enum message_kind kind;
    const char *title;
    const char *choice[2]; /* a path, and the word that is chosen */
    const char *text;      /* of body.text, to begin with */
    bool of_opening;       /* refers to the message that opened the referral */
};

struct form_page {
    struct page *page;
    const struct form_purpose *purpose; /* NULL: the kind's own form */
    const struct form_layout *layout;
    struct form_rules rules;
    struct form_address address;
    struct form_values values;
    struct form_values whole;  /* with what a carrying form masks, for the rules */
    struct form_faults faults; /* of what was posted */
    struct form_faults mandatory[OUTCOME_COUNT]; /* by outcome; 0: whatever it is */
    char
        path[DRAFT_ADDRESS_MAX]; /* of the form, and of its draft: "/send/papers/JZ-2026-0031-01" */
    char number[LIMIT_NUMBER_BYTES]; /* of what it is about; empty: a form of its own */
    struct case_key key;             /* of that; no referral_id: a case */
    struct copy *copy;               /* owned; what it is about; not `known`: a case, or nothing */
    struct copy *about;              /* owned; the referral that a matter is about, or *copy's */
    const struct work_item *item;    /* the worklist's; NULL */
    struct agency_set usual;         /* to whom it goes when nobody is named */
    struct agency_set members;       /* of the matter that goes on, without this agency */
    struct region region;            /* of `message` and `body`; wiped */
    struct message message;          /* that opened the referral or matter */
    struct body body;
    bool opened;          /* they are there */
    bool carries;         /* a referral more of a case: begins with what `message` and `body` say */
    uint64_t restored_ms; /* when the draft that is shown was saved; 0: none */
    bool checked;         /* form_check has judged what was typed, now */
    bool is_focused;      /* a control has the focus already */
};

/* A referral, to whom it may concern; not a word about one. */
static inline bool form_refers(const struct form_page *form)
{
    return form->layout != NULL && message_form_address(form->layout->kind) == ADDRESS_NEW_REFERRAL;
}

/* form_open.c: a form of this request, NULL without memory, and what its address is. */
struct form_page *form_page_new(struct page *page);
void form_page_free(struct form_page *form); /* NULL allowed */
/* The path, with what tells forms of one kind and number apart. */
void form_address_of(const struct http_request *request, char out[DRAFT_ADDRESS_MAX]);
bool form_is_address(const char *address);
/* False: the page was answered. */
bool form_open(struct form_page *form, const char *address);
const char *form_title_of(const struct form_page *form); /* to be translated */
/* What a form of this address is called, and its number, ""; "" for no form. */
const char *form_title(const struct page *page, const char *address,
                       char ret_number[LIMIT_NUMBER_BYTES]);

/* page_form.c: takes what was posted of this form. */
enum err form_take_posted(struct form_page *form) MUST_CHECK;
/* page_draft.c: keeps it, and the files that it names. */
enum err form_save_draft(struct form_page *form) MUST_CHECK;

/* form_about.c: finds what it is about and whom it goes to. False: the page was answered. */
bool form_about_open(struct form_page *form, const char *number);
/* Case number, other party, persons, lamp, and the clock that this message stops. */
void form_about_view(struct form_page *form);
/* The window that this message ends; NULL: none runs. */
const struct window *form_clock(const struct form_page *form);
bool form_is_late(const struct form_page *form); /* it has ended already */
/* What this form would do is done, or can no more be done: why, to be translated. NULL: it waits.
 */
const char *form_is_settled(const struct form_page *form);
/* Which duties of this agency the message can end. */
enum duty_kind form_duty_kind(enum message_kind kind);

/* The last edition of the roster, to be changed where it has changed. */
enum err form_default_roster(struct form_page *form) MUST_CHECK;

/* form_carry.c: a referral more of a case. Opens the referral that it begins with: the one of the
 * form's number, or the newest of that case; none is no fault. */
enum err form_carry_open(struct form_page *form, struct store_txn *read) MUST_CHECK;
/* Fills an empty form: all that is of the case, and not of whom it went to. */
enum err form_carry(struct form_page *form) MUST_CHECK;
/* `values` to `whole`: what was masked and left so is what the referral before said. */
enum err form_carry_whole(struct form_page *form) MUST_CHECK;

/* form_view.c: the sections and their controls, the faults on top. */
void form_view(struct form_page *form);
/* "facts.measures[0].unit" -> "facts-measures-0-unit" */
void form_id(const char *name, char out[FORM_NAME_BYTES]);
/* form_choices.c: `options` of a control. */
void form_view_options(struct form_page *form, const struct form_item *item, const char *name);
/* The needs in groups, with whom the policy suggests; whom it goes to, and when each must answer.
 */
void form_view_needs(struct form_page *form);
void form_view_recipients(struct form_page *form);
/* form_attachments.c, the one place for attachments: where the digest and size of a row come from,
 * and what it shows of them. */
void form_view_attachment(struct form_page *form, const struct form_section *section, uint32_t row);
/* Sizes by the digests; a digest of nothing that was attached here goes, with a fault. */
enum err form_take_attachments(struct form_page *form) MUST_CHECK;
/* The files that came with the form itself are attached; a refused one is a fault. */
enum err form_take_uploads(struct form_page *form) MUST_CHECK;
/* What a draft names is kept as long as it is. */
enum err form_keep_attachments(const struct form_page *form) MUST_CHECK;
void form_detach(struct form_page *form, const struct form_section *section, uint32_t row);

#endif

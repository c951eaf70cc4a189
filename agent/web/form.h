/* The forms of the inbox: every message that an officer may send, laid out as a table per kind.
 *
 * A layout says where each field of a message stands on its form and what it is called; what a
 * field is, which words it takes and whether it is mandatory is said once, in the tables and rules
 * of lib/model. Posted fields are named by their path ("facts.measures[0].amount_fen"), so that a
 * fault of a rule leads back to its field. Pure but for page_form*.c: no session, no store, no
 * clock. What was typed is personal data: values are wiped. */
#ifndef REFERRAL_AGENT_WEB_FORM_H
#define REFERRAL_AGENT_WEB_FORM_H

#include "agent/web/http.h"
#include "base/json.h"
#include "model/message_form.h"
#include "model/policy.h"

/* --- layouts --- */

enum form_widget {
    FORM_PLAIN,      /* as the field's type asks */
    FORM_LONG,       /* several lines of text */
    FORM_RADIO,      /* a word, all of them shown */
    FORM_OUTCOME,    /* the word that decides which sections count */
    FORM_MONEY,      /* typed in yuan, sent in fen */
    FORM_IDENTITY,   /* GB 11643 */
    FORM_AGENCY,     /* a member agency */
    FORM_ASSOCIATE,  /* class A */
    FORM_RECIPIENTS, /* whom the policy allows; several where the kind may go to several */
    FORM_PERSON,     /* one of the referral's persons, by index */
    FORM_DUTY,       /* an open duty of the matter */
    FORM_MESSAGE,    /* a message of the referral */
    FORM_FIXED,      /* said by the layout, or by the row: form_fix puts it there */
    FORM_FILE, /* an attachment's digest, put there by the upload; what else is of it is looked
                * up again (form_take_attachments) */
    FORM_AGENT /* found by the agent or counted; has no control */
};

struct form_item {
    const char *path; /* "facts.measures[].unit"; "recipients", "previous" ... of the address */
    const char *label;
    const char *hint; /* NULL: none */
    enum form_widget widget;
    const char *fixed; /* FORM_FIXED: the value; NULL: the row's */
    uint32_t under;    /* so many items behind this one are shown only when it is ticked */
    bool more;         /* seldom needed: folded away */
};

enum form_style {
    FORM_GRID,
    FORM_TABLE,
    FORM_BLOCKS,
    FORM_NEEDS,
    FORM_MATERIALS, /* the checklist of the policy, a file or a reason each */
    FORM_FILES      /* any number of files */
};

struct form_section {
    const char *title; /* NULL: goes on in the card of the one before */
    const char *hint;
    const char *rows;  /* "body.persons": repeated; NULL */
    const char *one;   /* what a row is called: "人员" */
    uint32_t outcomes; /* bits of enum feedback_outcome that it belongs to; 0: to all */
    enum form_style style;
    const struct form_item *items;
    size_t count;
};

struct form_layout {
    enum message_kind kind;
    const char *title;
    const char *button;
    const char *lead; /* what happens then; NULL */
    const struct form_section *sections;
    size_t count;
};

/* NULL: people send no such message. */
const struct form_layout *form_layout_of(enum message_kind kind);
const struct form_layout *form_layout_at(size_t index); /* NULL beyond the last */

/* The needs of a referral, grouped for people. */
struct form_need_group {
    const char *title;
    const char *needs[10]; /* NULL-terminated ids */
};
const struct form_need_group *form_need_groups(size_t *ret_count);

/* The field that a path of a layout means ("facts.measures[].unit"); NULL: of the address, or an
 * item of a list of dates. */
const struct field *form_field(enum message_kind kind, const char *path);

#define FORM_NAME_BYTES 96u

struct form_place { /* where a posted name, or a path, stands in a layout */
    const struct form_section *section;
    const struct form_item *item; /* NULL: the whole of a row, or of all rows */
    uint32_t row;                 /* of a repeated section */
};
/* False: no field of this form. */
bool form_find(const struct form_layout *layout, const char *name, struct form_place *ret_place);
/* "facts.measures[].unit" and 2 -> "facts.measures[2].unit". */
void form_name(const char *path, uint32_t row, char out[FORM_NAME_BYTES]);
size_t form_rows_max(enum message_kind kind, const struct form_section *section);

/* --- what was typed --- */

struct form_value {
    const char *name, *value; /* the region's */
};
struct form_values {
    struct form_value *list; /* owned; several of one name: a list of choices */
    size_t count, room;
    struct region texts;
};

void form_values_init(struct form_values *values);
void form_values_free(struct form_values *values); /* wipes; NULL allowed */
enum err form_values_add(struct form_values *values, const char *name,
                         const char *value) MUST_CHECK;
/* In place of all of that name. */
enum err form_values_set(struct form_values *values, const char *name,
                         const char *value) MUST_CHECK;
void form_values_remove(struct form_values *values, const char *name);
enum err form_values_copy(struct form_values *to, const struct form_values *from) MUST_CHECK;
const char *form_value(const struct form_values *values, const char *name); /* ""; never NULL */
bool form_chosen(const struct form_values *values, const char *name, const char *value);
/* Takes the posted fields that this form has; strangers are passed over. */
enum err form_values_take(struct form_values *values, const struct form_layout *layout,
                          const struct http_field *fields, size_t count) MUST_CHECK;
/* As a draft keeps them: {"name": ["value", ...]}. Reading passes over strangers, too. */
enum err form_values_write(const struct form_values *values, struct buf *json) MUST_CHECK;
enum err form_values_read(struct form_values *values, const struct form_layout *layout,
                          struct span json) MUST_CHECK;
/* The highest row that was posted, and one; at most as many as a message may hold. */
uint32_t form_rows(const struct form_values *values, enum message_kind kind,
                   const struct form_section *section);
/* Takes a row out; those behind it move up. */
enum err form_drop_row(struct form_values *values, const struct form_section *section,
                       uint32_t row) MUST_CHECK;
/* Does it hold nothing but what is always there? */
bool form_row_empty(const struct form_values *values, const struct form_section *section,
                    uint32_t row);

/* --- the message --- */

struct form_address { /* what the page knows; empty: not named */
    char referral[LIMIT_NUMBER_BYTES];
    char matter[LIMIT_NUMBER_BYTES];
    char about[LIMIT_NUMBER_BYTES];
    char case_number[LIMIT_NUMBER_BYTES];
    char previous[LIMIT_NUMBER_BYTES];
    const char *officer; /* the shown name */
};

#define FORM_FAULTS_MAX 64u

struct form_fault {
    char name[FORM_NAME_BYTES]; /* of the control; "": of the whole */
    const char *text;           /* to be translated; NULL: `said` is in the officer's language */
    char said[384];
};
struct form_faults {
    struct form_fault list[FORM_FAULTS_MAX];
    size_t count;
};
void form_fault_add(struct form_faults *faults, const char *name, const char *text);
const struct form_fault *form_fault_of(const struct form_faults *faults, const char *name);

#define FORM_GROUPS_MAX 4u

struct form_map { /* from rows of the message to rows of the form: empty ones are left out */
    struct form_map_group {
        const char *path;
        uint16_t rows[LIMIT_ROSTER];
        size_t count;
    } groups[FORM_GROUPS_MAX];
    size_t count;
};

struct form {
    const struct form_layout *layout;
    const struct form_address *address;
    const struct form_values *values;
};

/* The message as JSON (docs/messages.md). What cannot be read (an amount, a date) is a fault, and
 * left out. */
enum err form_write(const struct form *form, struct buf *out, struct form_map *map,
                    struct form_faults *faults) MUST_CHECK;
/* The control that a fault's place means. False: none of this form's. */
bool form_locate(const struct form *form, const struct form_map *map, const char *place,
                 char ret_name[FORM_NAME_BYTES]);

struct form_rules {
    const struct policy *policy;
    const struct registry *registry;
    const struct agency *self;
    int32_t today;
};
/* Judges by the rules of lib/model, which stop at the first fault: what is at fault is noted, put
 * right in a copy, and the copy judged again, until nothing is left. */
enum err form_check(const struct form *form, const struct form_rules *rules,
                    struct form_faults *faults) MUST_CHECK;
/* Puts what no control says: the layout's words, the checklist of the policy, one's own agency. */
enum err form_fix(const struct form_layout *layout, const struct form_rules *rules,
                  struct form_values *values) MUST_CHECK;
/* The controls of an empty form that are mandatory, with `outcome` chosen (0: none). */
enum err form_mandatory(const struct form *form, const struct form_rules *rules, uint32_t outcome,
                        struct form_faults *faults) MUST_CHECK;
/* May this agency send this kind to that one, or (NULL) to anybody? */
bool form_may_send(const struct form_rules *rules, enum message_kind kind,
                   const struct agency *recipient);
bool form_goes_to_several(enum message_kind kind);
/* "1,200.50" -> 120050. */
enum err form_money_parse(const char *text, uint64_t *ret_fen) MUST_CHECK;
/* 2026-3-2, 2026/03/02, 20260302, 2026年3月2日 -> "2026-03-02". */
enum err form_date_parse(const char *text, char out[CIVIL_TEXT_BYTES]) MUST_CHECK;

#endif

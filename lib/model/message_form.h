/* The fields of messages as JSON, as tables: what message_json reads and writes, what a form asks
 * for and what a page shows. For lib/model/message_*.c and agent/web. Const data, and readers of
 * one member; any thread. */
#ifndef REFERRAL_MODEL_MESSAGE_FORM_H
#define REFERRAL_MODEL_MESSAGE_FORM_H

#include "model/message.h"
#include "model/vocabulary.h"

#define FIELDS_MAX 32u
#define NAME_BYTES 255u /* names, addresses, numbers of persons */

enum field_type {
    FIELD_TEXT,    /* const char *, borrowed from the document */
    FIELD_CHARS,   /* char[size] */
    FIELD_WORD,    /* uint32_t or enum: a word's id */
    FIELD_SET,     /* uint32_t or uint64_t bits: a list of ids */
    FIELD_ROLES,   /* uint32_t of enum notice_role: a list of ids; written only */
    FIELD_BOOL,    /* bool */
    FIELD_U32,     /* uint32_t */
    FIELD_U64,     /* uint64_t */
    FIELD_DATE,    /* uint32_t YYYYMMDD: "2026-03-02" */
    FIELD_INSTANT, /* uint64_t milliseconds: "2026-03-02T09:30:00+08:00" */
    FIELD_DIGEST,  /* struct digest: 64 hexadecimal digits */
    FIELD_UUID,    /* struct uuid */
    FIELD_WORDS,   /* const uint32_t * and a count: a list of ids */
    FIELD_DATES,   /* the same of YYYYMMDD: a list of dates */
    FIELD_ROWS,    /* pointer to structures and a count: a list of objects */
};

struct field;

struct rows {
    const struct field *fields;
    size_t row_bytes;
    size_t max;
};

struct field {
    const char *name; /* NULL ends a table */
    enum field_type type;
    size_t offset;
    size_t size;             /* bytes of the member; of TEXT: the longest text */
    size_t count_offset;     /* WORDS, ROWS */
    enum vocabulary which;   /* WORD, SET, WORDS */
    bool required;           /* absent is refused */
    bool zero;               /* written even when zero */
    const struct rows *rows; /* ROWS */
};

/* The facts of a kind, as members of a struct message; NULL for a kind that is none. */
const struct field *message_form_of(enum message_kind kind);
/* What the file of a kind names beside facts and body. */
enum message_address {
    ADDRESS_NEW_REFERRAL, /* recipients, case_number, previous */
    ADDRESS_REFERRAL,     /* referral, refers_to */
    ADDRESS_DOCUMENT,     /* referral or matter, recipients */
    ADDRESS_NEW_MATTER,   /* recipients, case_number, about */
    ADDRESS_MATTER,       /* matter, recipients, refers_to */
    ADDRESS_TALK,         /* a new matter or, with `matter`, one that goes on */
};
enum message_address message_form_address(enum message_kind kind);
/* An integer member of 4 or 8 bytes. */
uint64_t message_field_number(const uint8_t *member, size_t size);
/* Is nothing in that member of the structure at `source`? */
bool message_field_empty(const struct field *field, const uint8_t *source);
/* The fields of a struct body. */
const struct field *message_form_body(void);

#endif

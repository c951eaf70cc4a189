/* Tables on a terminal: columns as wide as their widest cell, where a Chinese character takes two
 * places. Texts are UTF-8; what would move a terminal is taken out. Main thread; prints on standard
 * output, after main.c has set a UTF-8 locale. */
#ifndef REFERRAL_CLI_TABLE_H
#define REFERRAL_CLI_TABLE_H

#include <stddef.h>

#include "base/bytes.h"

#define TABLE_COLUMNS_MAX 16

struct table {
    size_t columns;
    const char *const *heads; /* borrowed: `columns` of them; NULL: no line of heads */
    const char *align;        /* one letter a column: 'l' or 'r' */
    const char *margin;       /* before each line; "" at first */
    struct buf cells;         /* owned: texts, each with its NUL, row after row */
    enum err error;           /* sticks */
};

/* Places that a text takes on a terminal; a byte that is no UTF-8 takes one. */
size_t text_places(const char *text);
size_t text_places_of(const char *text, size_t len); /* of its first bytes */
/* The bytes of the longest beginning that takes at most so many places; no character is cut. */
size_t text_fit(const char *text, size_t places);

void table_begin(struct table *table, const char *const *heads, const char *align);
void table_cell(struct table *table, const char *text);
void table_cellf(struct table *table, const char *fmt, ...) FORMAT(2, 3); /* at most 511 bytes */
void table_cell_u64(struct table *table, uint64_t value);                 /* 0 is shown as "." */
/* Prints and frees; rows are whole. Nothing but `empty` for a table without rows. EXIT_FAILED, said
 * on standard error, when there is more than a table holds: nothing else is printed then. */
int table_end(struct table *table, const char *empty) MUST_CHECK;
void table_free(struct table *table); /* instead of table_end: prints nothing */

#endif

/* See table.h. All cells are kept until the end, since the last may be the widest. */
#include "cli/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "cli/output.h"

#define TABLE_BYTES (64u * 1024u * 1024u)

/* The bytes of the first character, and its places. */
static size_t first_character(const char *text, size_t left, mbstate_t *state, size_t *ret_places)
{
    wchar_t wide = L'\0';
    size_t len = mbrtowc(&wide, text, left, state);
    int width = 1;

    if (len == 0 || len > left) {
        memset(state, 0, sizeof(*state));
        len = 1;
    } else {
        width = wcwidth(wide);
    }
    *ret_places = width > 0 ? (size_t)width : 0;
    return len;
}

size_t text_places_of(const char *text, size_t len)
{
    mbstate_t state;
    size_t places = 0;

    memset(&state, 0, sizeof(state));
    for (size_t at = 0; at < len;) {
        size_t its = 0;

        at += first_character(text + at, len - at, &state, &its);
        places += its;
    }
    return places;
}

size_t text_places(const char *text)
{
    return text_places_of(text, strlen(text));
}

size_t text_fit(const char *text, size_t places)
{
    mbstate_t state;
    size_t at = 0, len = strlen(text), taken = 0;

    memset(&state, 0, sizeof(state));
    while (at < len) {
        size_t its = 0, bytes = first_character(text + at, len - at, &state, &its);

        if (taken + its > places) {
            break;
        }
        taken += its;
        at += bytes;
    }
    return at;
}

void table_begin(struct table *table, const char *const *heads, const char *align)
{
    table->columns = strlen(align);
    table->heads = heads;
    table->align = align;
    table->margin = "";
    table->error = OK;
    assert(table->columns > 0 && table->columns <= TABLE_COLUMNS_MAX);
    buf_init(&table->cells, TABLE_BYTES);
}

void table_cell(struct table *table, const char *text)
{
    if (table->error == OK) {
        table->error = output_clean(text, &table->cells);
    }
    if (table->error == OK) {
        table->error = buf_append(&table->cells, "", 1);
    }
}

void table_cellf(struct table *table, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    table_cell(table, text);
}

void table_cell_u64(struct table *table, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    table_cell(table, value == 0 ? "." : text);
}

/* The text after this one; NULL behind the last. */
static const char *next_cell(const struct table *table, const char *cell)
{
    const char *end = (const char *)table->cells.data + table->cells.len;

    cell += strlen(cell) + 1;
    return cell < end ? cell : NULL;
}

/* Prints the text behind the blanks that are due; blanks at the end of a line never are. */
static void print_behind(size_t *blanks, const char *text)
{
    if (text[0] != '\0') {
        printf("%*s%s", (int)*blanks, "", text);
        *blanks = 0;
    }
}

static void print_cell(const struct table *table, size_t column, const char *text, size_t width,
                       size_t *blanks)
{
    size_t pad = width - text_places(text);
    bool right = table->align[column] == 'r';

    if (column == 0) {
        *blanks = 0;
        print_behind(blanks, table->margin);
    }
    *blanks += right ? pad : 0;
    print_behind(blanks, text);
    *blanks += (right ? 0 : pad) + 2;
    if (column + 1 == table->columns) {
        printf("\n");
    }
}

static void print_rows(const struct table *table, const size_t widths[TABLE_COLUMNS_MAX])
{
    const char *cell = (const char *)table->cells.data;
    size_t blanks = 0;

    for (size_t i = 0; table->heads != NULL && i < table->columns; i++) {
        print_cell(table, i, table->heads[i], widths[i], &blanks);
    }
    for (size_t i = 0; cell != NULL; i = (i + 1) % table->columns) {
        print_cell(table, i, cell, widths[i], &blanks);
        cell = next_cell(table, cell);
    }
}

static void measure(const struct table *table, size_t widths[TABLE_COLUMNS_MAX])
{
    const char *cell = (const char *)table->cells.data;

    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = table->heads != NULL ? text_places(table->heads[i]) : 0;
    }
    for (size_t i = 0; cell != NULL; i = (i + 1) % table->columns) {
        size_t places = text_places(cell);

        widths[i] = places > widths[i] ? places : widths[i];
        cell = next_cell(table, cell);
    }
}

int table_end(struct table *table, const char *empty)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};

    assert(table->columns > 0);
    if (table->error != OK) {
        fprintf(stderr, "referralctl: cannot draw the table: %s; --json prints without one\n",
                err_text(table->error));
    } else if (table->cells.len == 0) {
        printf("%s%s\n", table->margin, empty);
    } else {
        measure(table, widths);
        print_rows(table, widths);
    }
    buf_free(&table->cells);
    return table->error == OK ? EXIT_OK : EXIT_FAILED;
}

void table_free(struct table *table)
{
    buf_free(&table->cells);
}

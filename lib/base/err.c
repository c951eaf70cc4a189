/* Names of results, and filling of faults. See err.h. No allocation, no I/O; any thread. */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const err_texts[ERR_COUNT] = {
    [OK] = "ok",
    [ERR_MEMORY] = "out of memory",
    [ERR_IO] = "input or output failed",
    [ERR_FULL] = "full",
    [ERR_BUSY] = "busy",
    [ERR_TIMEOUT] = "timed out",
    [ERR_UNREACHABLE] = "unreachable",
    [ERR_CLOSED] = "closed",
    [ERR_INVALID] = "invalid",
    [ERR_TOO_LARGE] = "too large",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "exists already",
    [ERR_REFUSED] = "refused",
    [ERR_FORGED] = "forged",
    [ERR_CORRUPT] = "corrupt",
    [ERR_VERSION] = "unknown version",
};

const char *err_text(enum err error)
{
    size_t index = (size_t)error;
    if (index >= ERR_COUNT || err_texts[index] == NULL) {
        return "unknown result";
    }
    return err_texts[index];
}

/* Cuts a UTF-8 character that the end of the field left incomplete. */
static void fault_trim(char *text)
{
    size_t len = strlen(text);
    size_t tail = 0; /* continuation bytes at the end */
    while (tail < len && tail < 3 && ((unsigned char)text[len - 1 - tail] & 0xC0u) == 0x80u) {
        tail++;
    }
    if (tail == len) {
        return;
    }
    unsigned char lead = (unsigned char)text[len - 1 - tail];
    size_t wanted = lead >= 0xF0u ? 3 : lead >= 0xE0u ? 2 : lead >= 0xC0u ? 1 : 0;
    if (tail < wanted) {
        text[len - 1 - tail] = '\0';
    }
}

static void fault_copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from == NULL ? "" : from);
    fault_trim(to);
}

void fault_set(struct fault *fault, const char *code, const char *place, const char *fmt, ...)
{
    assert(code != NULL);
    assert(fmt != NULL);
    if (fault == NULL) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(fault->message, sizeof(fault->message), fmt, args);
    va_end(args);
    fault_trim(fault->message);
    fault_copy(fault->code, sizeof(fault->code), code);
    fault_copy(fault->place, sizeof(fault->place), place);
    fault->hint[0] = '\0';
    fault->line[0] = '\0';
}

void fault_hint(struct fault *fault, const char *fmt, ...)
{
    assert(fmt != NULL);
    if (fault == NULL) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(fault->hint, sizeof(fault->hint), fmt, args);
    va_end(args);
    fault_trim(fault->hint);
}

/* The first byte of the `column`th character, or the end. */
static size_t column_at(const char *line, size_t len, unsigned column)
{
    size_t at = 0;
    for (unsigned i = 1; i < column && at < len; i++) {
        do {
            at++;
        } while (at < len && ((unsigned char)line[at] & 0xC0u) == 0x80u);
    }
    return at;
}

void fault_line(struct fault *fault, const char *line, size_t len, unsigned column)
{
    const size_t before = 80; /* of a long line so much is shown before the place */
    assert(line != NULL);
    if (fault == NULL) {
        return;
    }
    size_t caret = column_at(line, len, column);
    size_t from = caret > before ? caret - before : 0;
    while (from > 0 && from < caret && ((unsigned char)line[from] & 0xC0u) == 0x80u) {
        from++;
    }
    size_t shown = len - from < sizeof(fault->line) - 1 ? len - from : sizeof(fault->line) - 1;
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)line[from + i];
        if (byte < 0x20u || byte == 0x7F) {
            fault->line[i] = ' ';
        } else {
            fault->line[i] = line[from + i];
        }
    }
    fault->line[shown] = '\0';
    fault_trim(fault->line);
    fault->caret = (unsigned)(caret - from);
}

static bool fault_equal(const struct fault *a, const struct fault *b)
{
    return strcmp(a->code, b->code) == 0 && strcmp(a->place, b->place) == 0 &&
           strcmp(a->message, b->message) == 0;
}

bool fault_keep(const struct fault *fault)
{
    if (fault == NULL || fault->all == NULL) {
        return false;
    }
    struct faults *all = fault->all;
    for (size_t i = 0; i < all->count; i++) {
        if (fault_equal(&all->rows[i], fault)) {
            return true;
        }
    }
    if (all->count == FAULTS_MAX) {
        all->left_out++;
        return true;
    }
    all->rows[all->count] = *fault;
    all->rows[all->count].all = NULL;
    all->count++;
    return true;
}

bool fault_go_on(enum err error, const struct fault *fault, enum err *result)
{
    assert(result != NULL);
    if (error == OK) {
        return true;
    }
    *result = error;
    return fault_keep(fault);
}

void faults_hint(struct faults *faults, const char *hint)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (faults->rows[i].hint[0] == '\0') {
            fault_hint(&faults->rows[i], "%s", hint);
        }
    }
}

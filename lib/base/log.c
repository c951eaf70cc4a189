/* Log lines on standard error, one write a line so that threads do not mix. See log.h.
 * The program's name and level are the only globals: set once by main, read by all threads. */
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_LINE_BYTES 1024u

static struct {
    char program[32];
    enum log_level level;
    bool journal; /* standard error is the journal: prefix the priority, leave out the name */
} log_state = {.program = "referral", .level = LOG_INFO_LEVEL};

/* systemd states the device and inode of the stream that it connected to the journal. */
static bool log_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat info;
    char ours[64];
    if (stream == NULL || fstat(STDERR_FILENO, &info) != 0) {
        return false;
    }
    (void)snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)info.st_dev,
                   (unsigned long long)info.st_ino);
    return strcmp(stream, ours) == 0;
}

void log_init(const char *program, enum log_level level)
{
    assert(program != NULL);
    (void)snprintf(log_state.program, sizeof(log_state.program), "%s", program);
    log_state.level = level;
    log_state.journal = log_is_journal();
}

/* A line ends where the call ends: control characters inside cannot forge another line. */
static void log_flatten(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20u || text[i] == 0x7F) {
            text[i] = ' ';
        }
    }
}

static const char *log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR_LEVEL:
        return "error: ";
    case LOG_WARN_LEVEL:
        return "warning: ";
    case LOG_DEBUG_LEVEL:
        return "debug: ";
    case LOG_INFO_LEVEL:
        break;
    }
    return "";
}

static void log_line(enum log_level level, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

static void log_line(enum log_level level, const char *fmt, va_list args)
{
    if (level > log_state.level) {
        return;
    }
    char line[LOG_LINE_BYTES + 64];
    int head = log_state.journal
                   ? snprintf(line, 64, "<%d>", (int)level)
                   : snprintf(line, 64, "%s: %s", log_state.program, log_level_name(level));
    assert(head > 0 && head < 64);
    int len = vsnprintf(line + head, LOG_LINE_BYTES, fmt, args);
    size_t used = len < 0 ? 0 : (size_t)len;
    if (used > LOG_LINE_BYTES - 1) {
        used = LOG_LINE_BYTES - 1;
    }
    log_flatten(line + head, used);
    line[(size_t)head + used] = '\n';
    /* Nobody can be told that the log itself failed. */
    ssize_t written = write(STDERR_FILENO, line, (size_t)head + used + 1);
    (void)written;
}

void log_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_ERROR_LEVEL, fmt, args);
    va_end(args);
}

void log_warn(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_WARN_LEVEL, fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_INFO_LEVEL, fmt, args);
    va_end(args);
}

void log_debug(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_DEBUG_LEVEL, fmt, args);
    va_end(args);
}

static void log_at(enum log_level level, const char *fmt, ...) FORMAT(2, 3);

static void log_at(enum log_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(level, fmt, args);
    va_end(args);
}

/* Two columns for what a terminal shows in two. */
static unsigned column_width(const char *at)
{
    return (unsigned char)at[0] >= 0xE1u ? 2 : 1;
}

static void log_excerpt(const struct fault *fault)
{
    char text[2 * sizeof(fault->line) + 2 * sizeof(fault->line) + 16];
    unsigned columns = 0;
    for (unsigned i = 0; i < fault->caret && fault->line[i] != '\0'; i++) {
        bool first = ((unsigned char)fault->line[i] & 0xC0u) != 0x80u;
        columns += first ? column_width(&fault->line[i]) : 0;
    }
    int len = snprintf(text, sizeof(text), "    %s\n    %*s^\n", fault->line, (int)columns, "");
    assert(len > 0 && (size_t)len < sizeof(text));
    ssize_t written = write(STDERR_FILENO, text, (size_t)len);
    (void)written;
}

void log_fault(enum log_level level, const struct fault *fault)
{
    assert(fault != NULL);
    const char *colon = fault->place[0] == '\0' ? "" : ": ";
    const char *open = fault->hint[0] == '\0' ? "" : " (";
    const char *close = fault->hint[0] == '\0' ? "" : ")";
    log_at(level, "%s%s%s%s%s%s [%s]", fault->place, colon, fault->message, open, fault->hint,
           close, fault->code);
    if (fault->line[0] != '\0' && !log_state.journal && level <= log_state.level) {
        log_excerpt(fault);
    }
}

void log_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        log_fault(LOG_ERROR_LEVEL, &faults->rows[i]);
    }
    if (faults->left_out > 0) {
        log_error("%zu more mistakes were found and left out", faults->left_out);
    }
}

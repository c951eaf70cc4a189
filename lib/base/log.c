/* Log lines: one write or one datagram a line, so that threads do not mix. See log.h. What is
 * static here is the only global state: set once by main, and counters of what is left out. */
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/journal.h"

#define LOG_LINE_BYTES 1024u
#define MINUTE_MS      60000u

static struct {
    char program[32];
    enum log_level level;
    bool journal;   /* standard error is the journal: prefix the priority, leave out the name */
    int journal_fd; /* for fields; -1: there is none */
    uint64_t (*now_ms)(void);
} log_state = {.program = "referral", .level = LOG_INFO_LEVEL, .journal_fd = -1};

static struct { /* of each event, in the minute that is counted */
    _Atomic uint64_t minute;
    _Atomic unsigned count, left_out;
} log_counts[LOG_EVENT_COUNT];

static const struct {
    const char *name;
    enum log_level level;
    const char *id;
} log_events[] = {
#define LOG_EVENT_ROW(constant, name, level, id)                                                   \
    [EVENT_##constant] = {name, LOG_##level##_LEVEL, id},
    LOG_EVENTS(LOG_EVENT_ROW)
#undef LOG_EVENT_ROW
};

const char *log_event_name(enum log_event event)
{
    return log_events[event].name;
}

const char *log_event_id(enum log_event event)
{
    return log_events[event].id;
}

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

void log_init(const char *program, enum log_level level, uint64_t (*now_ms)(void))
{
    assert(program != NULL);
    (void)snprintf(log_state.program, sizeof(log_state.program), "%s", program);
    log_state.level = level;
    log_state.now_ms = now_ms;
    log_state.journal = log_is_journal();
    if (log_state.journal) {
        (void)log_to_journal(JOURNAL_SOCKET);
    }
}

bool log_to_journal(const char *socket_path)
{
    if (log_state.journal_fd >= 0) {
        (void)close(log_state.journal_fd);
    }
    log_state.journal_fd = journal_open(socket_path);
    return log_state.journal_fd >= 0;
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
    case LOG_NOTICE_LEVEL:
    case LOG_INFO_LEVEL:
        break;
    }
    return "";
}

/* One entry: what it says, and of what. */
struct log_entry {
    enum log_level level;
    int event; /* LOG_EVENT_COUNT: none, a debug line */
    struct log_subject subject;
    char text[LOG_LINE_BYTES];
};

/* False: the journal did not take it, or there is none. */
static bool log_to_fields(const struct log_entry *entry)
{
    char priority[2] = {(char)('0' + (int)entry->level), '\0'};
    bool known = entry->event != (int)LOG_EVENT_COUNT;
    const struct {
        const char *key, *value;
    } fields[] = {{"MESSAGE", entry->text},
                  {"PRIORITY", priority},
                  {"SYSLOG_IDENTIFIER", log_state.program},
                  {"MESSAGE_ID", known ? log_events[entry->event].id : NULL},
                  {"EVENT", known ? log_events[entry->event].name : NULL},
                  {"CASE_ID", entry->subject.case_id},
                  {"AGENCY", entry->subject.agency},
                  {"CODE", entry->subject.code}};
    struct journal_entry out;
    if (log_state.journal_fd < 0) {
        return false;
    }
    out.len = 0;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        journal_field(&out, fields[i].key, fields[i].value);
    }
    return journal_send(log_state.journal_fd, &out);
}

static void log_to_stderr(const struct log_entry *entry)
{
    char line[LOG_LINE_BYTES + 64];
    int len = log_state.journal
                  ? snprintf(line, sizeof(line), "<%d>%s\n", (int)entry->level, entry->text)
                  : snprintf(line, sizeof(line), "%s: %s%s\n", log_state.program,
                             log_level_name(entry->level), entry->text);
    assert(len > 0 && (size_t)len < sizeof(line));
    /* Nobody can be told that the log itself failed. */
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written;
}

static void log_write(struct log_entry *entry)
{
    log_flatten(entry->text, strlen(entry->text));
    if (!log_to_fields(entry)) {
        log_to_stderr(entry);
    }
}

static void log_left_out(size_t event)
{
    unsigned left_out = atomic_exchange(&log_counts[event].left_out, 0);
    struct log_entry entry = {.level = log_events[event].level, .event = (int)event};
    if (left_out > 0) {
        (void)snprintf(entry.text, sizeof(entry.text), "%u more of the event %s were left out",
                       left_out, log_events[event].name);
        log_write(&entry);
    }
}

/* May a line of this event be written? Also says what minutes that are over have left out. */
static bool log_may(enum log_event event)
{
    if (log_state.now_ms == NULL) {
        return true;
    }
    uint64_t minute = log_state.now_ms() / MINUTE_MS;
    for (size_t i = 0; i < LOG_EVENT_COUNT; i++) {
        if (atomic_load(&log_counts[i].left_out) > 0 &&
            atomic_load(&log_counts[i].minute) != minute) {
            log_left_out(i);
        }
    }
    if (atomic_exchange(&log_counts[event].minute, minute) != minute) {
        atomic_store(&log_counts[event].count, 0);
    }
    if (atomic_fetch_add(&log_counts[event].count, 1) < LOG_EACH_MINUTE) {
        return true;
    }
    atomic_fetch_add(&log_counts[event].left_out, 1);
    return false;
}

void log_flush(void)
{
    for (size_t i = 0; i < LOG_EVENT_COUNT; i++) {
        log_left_out(i);
    }
}

static bool log_take(enum log_event event, const struct log_subject *subject,
                     struct log_entry *ret_entry)
{
    assert(event < LOG_EVENT_COUNT);
    ret_entry->level = log_events[event].level;
    ret_entry->event = (int)event;
    ret_entry->subject = subject != NULL ? *subject : (struct log_subject){.code = NULL};
    return ret_entry->level <= log_state.level && log_may(event);
}

void log_event(enum log_event event, const char *fmt, ...)
{
    struct log_entry entry;
    if (log_take(event, NULL, &entry)) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(entry.text, sizeof(entry.text), fmt, args);
        va_end(args);
        log_write(&entry);
    }
}

void log_about(enum log_event event, const struct log_subject *subject, const char *fmt, ...)
{
    struct log_entry entry;
    if (log_take(event, subject, &entry)) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(entry.text, sizeof(entry.text), fmt, args);
        va_end(args);
        log_write(&entry);
    }
}

static void log_plain(enum log_level level, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

static void log_plain(enum log_level level, const char *fmt, va_list args)
{
    struct log_entry entry = {.level = level, .event = (int)LOG_EVENT_COUNT};
    if (level <= log_state.level) {
        (void)vsnprintf(entry.text, sizeof(entry.text), fmt, args);
        log_write(&entry);
    }
}

void log_debug(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_plain(LOG_DEBUG_LEVEL, fmt, args);
    va_end(args);
}

void log_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_plain(LOG_ERROR_LEVEL, fmt, args);
    va_end(args);
}

void log_warn(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_plain(LOG_WARN_LEVEL, fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_plain(LOG_INFO_LEVEL, fmt, args);
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

/* An excerpt belongs to a terminal. */
static void log_one_fault(enum log_event event, const struct fault *fault)
{
    const struct log_subject subject = {.code = fault->code};
    const char *colon = fault->place[0] == '\0' ? "" : ": ";
    const char *open = fault->hint[0] == '\0' ? "" : " (";
    const char *close = fault->hint[0] == '\0' ? "" : ")";
    struct log_entry entry = {.level = log_events[event].level, .event = (int)event};
    entry.subject = subject;
    (void)snprintf(entry.text, sizeof(entry.text), "%s%s%s%s%s%s [%s]", fault->place, colon,
                   fault->message, open, fault->hint, close, fault->code);
    log_write(&entry);
    if (fault->line[0] != '\0' && !log_state.journal && log_state.journal_fd < 0) {
        log_excerpt(fault);
    }
}

void log_fault(enum log_event event, const struct fault *fault)
{
    struct log_entry unused;
    assert(fault != NULL);
    if (log_take(event, NULL, &unused)) {
        log_one_fault(event, fault);
    }
}

/* What is wrong with one reading is bounded already, and none of it is left out. */
void log_faults(enum log_event event, const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        log_one_fault(event, &faults->rows[i]);
    }
    if (faults->left_out > 0) {
        log_event(event, "%zu more mistakes were found and left out", faults->left_out);
    }
}

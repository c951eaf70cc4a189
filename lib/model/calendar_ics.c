/* How: days are walked once; a run ends where reason, name or source changes. Lines end with CRLF
 * and are folded at 75 octets, never inside a character. */
#include "model/calendar_ics.h"

#include <stdio.h>
#include <string.h>

#define LINE_OCTETS 75u

/* One content line is collected here, then folded into the file. */
struct ics {
    struct buf *out;
    struct buf line; /* owned */
    enum err error;  /* sticks */
};

static void add(struct ics *ics, const char *text)
{
    if (ics->error == OK) {
        ics->error = buf_append(&ics->line, text, strlen(text));
    }
}

/* TEXT of the form: backslash, comma, semicolon and line end are escaped. */
static void add_text(struct ics *ics, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        char one[3] = {text[i], '\0', '\0'};
        if (strchr("\\,;", text[i]) != NULL) {
            one[0] = '\\';
            one[1] = text[i];
        } else if (text[i] == '\n') {
            memcpy(one, "\\n", 3);
        } else if ((unsigned char)text[i] < ' ') {
            one[0] = ' ';
        }
        add(ics, one);
    }
}

/* So many octets of what is left go on one line. A fold's own blank counts. */
static size_t fold(struct span left, size_t room)
{
    size_t len = left.len < room ? left.len : room;
    while (len > 0 && len < left.len && (left.data[len] & 0xC0) == 0x80) {
        len--; /* inside a character of UTF-8 */
    }
    return len;
}

static void line_end(struct ics *ics)
{
    struct span left = span_buf(&ics->line);
    for (bool first = true; ics->error == OK && (first || left.len > 0); first = false) {
        size_t len = fold(left, first ? LINE_OCTETS : LINE_OCTETS - 1);
        ics->error =
            buf_printf(ics->out, "%s%.*s\r\n", first ? "" : " ", (int)len, (const char *)left.data);
        left = span_of(left.data + len, left.len - len);
    }
    buf_clear(&ics->line);
}

static void line(struct ics *ics, const char *text)
{
    add(ics, text);
    line_end(ics);
}

/* "20260214", for a property of the type DATE. */
static void line_date(struct ics *ics, const char *property, int32_t day)
{
    char date[64];
    (void)snprintf(date, sizeof(date), "%s;VALUE=DATE:%u", property, (unsigned)civil_yyyymmdd(day));
    line(ics, date);
}

/* An instant in UTC, as DTSTAMP has it. */
static void line_stamp(struct ics *ics, uint64_t now_ms)
{
    char stamp[64];
    uint64_t seconds = now_ms / 1000 % 86400;
    int32_t day = (int32_t)(now_ms / CIVIL_DAY_MS);
    (void)snprintf(stamp, sizeof(stamp), "DTSTAMP:%uT%02u%02u%02uZ", (unsigned)civil_yyyymmdd(day),
                   (unsigned)(seconds / 3600), (unsigned)(seconds / 60 % 60),
                   (unsigned)(seconds % 60));
    line(ics, stamp);
}

struct run { /* days that are one event */
    struct calendar_day first;
    int32_t last;
    bool provisional;
};

static void write_event(struct ics *ics, const struct run *run, uint64_t now_ms)
{
    bool off = run->first.reason == DAY_HOLIDAY;
    char uid[64];
    (void)snprintf(uid, sizeof(uid), "UID:%u-%s@calendar.referral",
                   (unsigned)civil_yyyymmdd(run->first.day), off ? "off" : "work");
    line(ics, "BEGIN:VEVENT");
    line(ics, uid);
    line_stamp(ics, now_ms);
    line_date(ics, "DTSTART", run->first.day);
    line_date(ics, "DTEND", run->last + 1);
    add(ics, "SUMMARY:");
    add_text(ics, run->first.name);
    add(ics, off ? " 休" : " 班");
    line(ics, run->provisional ? "（暂定）" : "");
    add(ics, "DESCRIPTION:");
    add_text(ics, run->first.notice);
    add(ics, run->first.notice[0] != '\0' && run->first.source[0] != '\0' ? " " : "");
    add_text(ics, run->first.source);
    line_end(ics);
    line(ics, off ? "CATEGORIES:休" : "CATEGORIES:班");
    line(ics, "TRANSP:TRANSPARENT");
    line(ics, "END:VEVENT");
}

static bool same_run(const struct calendar_day *a, const struct calendar_day *b)
{
    return a->reason == b->reason && strcmp(a->name, b->name) == 0 &&
           strcmp(a->source, b->source) == 0 && strcmp(a->notice, b->notice) == 0;
}

static void write_events(struct ics *ics, const struct calendar *calendar, int32_t year,
                         uint64_t now_ms)
{
    int32_t day = 0;
    enum err error = civil_day_of((struct civil_date){.year = year, .month = 1, .day = 1}, &day);
    while (error == OK && ics->error == OK && civil_date_of(day).year == year) {
        struct run run = {.first = calendar_day_reason(calendar, day),
                          .last = day,
                          .provisional = calendar_is_provisional(calendar, day)};
        struct calendar_day next = run.first;
        while (same_run(&run.first, &next) && civil_date_of(run.last).year == year) {
            next = calendar_day_reason(calendar, ++run.last);
        }
        run.last--;
        if (run.first.reason == DAY_HOLIDAY || run.first.reason == DAY_MAKE_UP) {
            write_event(ics, &run, now_ms);
        }
        day = run.last + 1;
    }
}

enum err calendar_ics_write(const struct calendar *calendar, int32_t year, uint64_t now_ms,
                            struct buf *out)
{
    struct ics ics = {.out = out, .error = OK};
    int32_t first = 0;
    int32_t last = -1;
    (void)calendar_years(calendar, &first, &last); /* without any: no year fits */
    if (year < first || year > last) {
        return ERR_INVALID;
    }
    buf_init(&ics.line, out->max);
    line(&ics, "BEGIN:VCALENDAR");
    line(&ics, "VERSION:2.0");
    line(&ics, "PRODID:-//referral//calendar//ZH");
    line(&ics, "CALSCALE:GREGORIAN");
    line(&ics, "METHOD:PUBLISH");
    add(&ics, "X-WR-CALNAME:");
    add_text(&ics, "工作日历 ");
    add_text(&ics, calendar_version(calendar));
    line_end(&ics);
    line(&ics, "X-WR-TIMEZONE:Asia/Shanghai");
    write_events(&ics, calendar, year, now_ms);
    line(&ics, "END:VCALENDAR");
    buf_free(&ics.line);
    return ics.error;
}

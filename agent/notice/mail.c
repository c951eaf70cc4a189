/* See mail.h. Lines end with CRLF and have at most 76 characters; a line of base64 cannot begin
 * with a dot. Addresses were checked by the configuration: nothing in a head can end its line. */
#include "agent/notice/mail.h"

#include <string.h>

#include "model/calendar.h"

#define WORD_BYTES                                                                                 \
    39u /* 52 characters of base64: with its frame and "Subject:" below RFC 2047's 76 */
#define LINE_BYTES 57u /* 76 characters of base64 */

static enum err write_date(uint64_t wall_ms, struct buf *out)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int32_t day = civil_day_at(wall_ms);
    struct civil_date date = civil_date_of(day);
    uint32_t second = (uint32_t)((wall_ms + CIVIL_OFFSET_MS) % CIVIL_DAY_MS / 1000);

    return buf_printf(out, "Date: %s, %d %s %d %02u:%02u:%02u +0800\r\n",
                      days[civil_weekday(day) - 1], (int)date.day, months[date.month - 1],
                      (int)date.year, second / 3600, second / 60 % 60, second % 60);
}

/* The bytes of the text that fit, cut between characters. */
static size_t cut(const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len <= max) {
        return len;
    }
    len = max;
    while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

static enum err write_subject(const char *subject, struct buf *out)
{
    enum err error = buf_append_text(out, "Subject:");

    while (error == OK && *subject != '\0') {
        size_t len = cut(subject, WORD_BYTES);

        error = buf_append_text(out, " =?UTF-8?B?");
        if (error == OK) {
            error = base64_encode(span_of(subject, len), out);
        }
        subject += len;
        if (error == OK) {
            error = buf_append_text(out, *subject != '\0' ? "?=\r\n" : "?=");
        }
    }
    return error == OK ? buf_append_text(out, "\r\n") : error;
}

static enum err write_body(const char *text, struct buf *out)
{
    size_t len = strlen(text);
    enum err error = OK;

    for (size_t at = 0; error == OK && at < len; at += LINE_BYTES) {
        size_t count = len - at < LINE_BYTES ? len - at : LINE_BYTES;

        error = base64_encode(span_of(text + at, count), out);
        if (error == OK) {
            error = buf_append_text(out, "\r\n");
        }
    }
    return error;
}

enum err mail_write(const struct notice_channel *channel, const struct notice_sending *sending,
                    struct buf *out)
{
    const char *domain = strchr(channel->from, '@');
    enum err error = write_date(sending->wall_ms, out);

    if (error == OK) {
        error = buf_printf(out,
                           "From: <%s>\r\nTo: <%s>\r\nMessage-ID: <%s.%s%s>\r\n"
                           "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                           "Content-Type: text/plain; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: base64\r\n",
                           channel->from, sending->address, sending->id, sending->officer,
                           domain != NULL ? domain : "@localhost");
    }
    if (error == OK) {
        error = write_subject(sending->subject, out);
    }
    if (error == OK) {
        error = buf_append_text(out, "\r\n");
    }
    return error == OK ? write_body(sending->text, out) : error;
}

/* What an officer reads, in Chinese: number, light, date, "log in to see". Never a name, never what
 * is in a body, never an agency's reasons. Pure; any thread. */
#ifndef REFERRAL_AGENT_NOTICE_TEXT_H
#define REFERRAL_AGENT_NOTICE_TEXT_H

#include "agent/notice/note.h"
#include "model/policy.h"

/* The broker was restored from a copy: officers have nothing to do. */
#define NOTICE_NEW_LOG_TEXT                                                                        \
    "转介平台已从备份恢复，已收发的内容正在自动核对补全，工作照常，无需处理。"

#define NOTICE_RED         "红灯"
#define NOTICE_LINE_BYTES  512u
#define NOTICE_LIGHT_BYTES 16u
#define NOTICE_DATE_BYTES  32u

/* What is wrong with the broker: of an alarm. Ends a sentence. */
const char *notice_alarm_text(enum note_kind kind);

/* The name of a kind of message, and its line without the tag; NULL, false: none. */
const char *notice_kind_name(enum message_kind kind);
bool notice_message_line(enum message_kind kind, const char *number, char out[NOTICE_LINE_BYTES]);

/* "黄灯"; "" where a note has no light. Reminders far ahead are green, near ones yellow. */
const char *notice_light(const struct note *note);
void notice_date(uint32_t yyyymmdd, char out[NOTICE_DATE_BYTES]); /* "2026年10月10日"; "" for 0 */

struct notice_bound { /* 0: none */
    size_t bytes, characters;
};
/* One note, or a digest of several: as many lines as fit, the rest is counted. Most urgent first as
 * the caller has them. ERR_TOO_LARGE when not even one fits. */
enum err notice_text(const struct policy *policy, const struct note *notes, size_t count,
                     struct notice_bound bound, struct buf *out) MUST_CHECK;
/* One line for the head of a mail. */
void notice_subject(const struct policy *policy, const struct note *notes, size_t count,
                    char out[NOTICE_LINE_BYTES]);

#endif

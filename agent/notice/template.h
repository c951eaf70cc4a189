/* Templates of a gateway's request: text with {{TERM ... | FILTER ...}}. Terms are joined: a
 * variable (address, text, number, light, due, officer, id, time, timestamp, timestamp-ms, user,
 * key) or a "literal"; filters take the result: md5, hmac-sha256 (with the channel's key), base64,
 * hex. What comes out is escaped for its place, so that no value can break out of it.
 * Pure; any thread. */
#ifndef REFERRAL_AGENT_NOTICE_TEMPLATE_H
#define REFERRAL_AGENT_NOTICE_TEMPLATE_H

#include "agent/notice/notice.h"

#define TEMPLATE_FAULT_BYTES 160

enum template_place { TEMPLATE_PLAIN, TEMPLATE_URL, TEMPLATE_JSON, TEMPLATE_HEADER };

/* ERR_INVALID with what is wrong: an unknown word, an open bracket. */
enum err template_check(const char *text, char ret_why[TEMPLATE_FAULT_BYTES]) MUST_CHECK;
/* A template that was checked. ERR_INVALID: a value may not stand in a header. ERR_TOO_LARGE. */
enum err template_fill(const char *text, enum template_place place,
                       const struct notice_channel *channel, const struct notice_sending *sending,
                       struct buf *out) MUST_CHECK;

#endif

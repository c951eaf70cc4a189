/* A notice as a mail (RFC 5322, 2045, 2047, 3834): plain text, UTF-8 in base64, the same Message-ID
 * when it is sent again. Pure; any thread. */
#ifndef REFERRAL_AGENT_NOTICE_MAIL_H
#define REFERRAL_AGENT_NOTICE_MAIL_H

#include "agent/notice/notice.h"

enum err mail_write(const struct notice_channel *channel, const struct notice_sending *sending,
                    struct buf *out) MUST_CHECK;

#endif

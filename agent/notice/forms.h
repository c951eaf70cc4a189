/* What each kind of channel is asked, and what its answer means. Writing needs memory only; judging
 * is pure. Any thread. */
#ifndef REFERRAL_AGENT_NOTICE_FORMS_H
#define REFERRAL_AGENT_NOTICE_FORMS_H

#include "agent/notice/notice.h"
#include "agent/notice/web.h"

struct form { /* owned: what a web_request borrows; secrets may be in it */
    struct buf url;
    struct buf body;
    struct buf headers; /* texts, each with its NUL */
};

void form_init(struct form *form);
void form_free(struct form *form); /* wipes */

/* By the channel's kind, a hook excepted. ERR_INVALID: a value that its place does not take. */
enum err channel_form_write(const struct notice_channel *channel,
                            const struct notice_sending *sending, struct form *form) MUST_CHECK;
/* The reason never holds a secret of the channel. */
void form_judge(const struct notice_channel *channel, const struct web_answer *answer,
                struct notice_outcome *ret_outcome);

#endif

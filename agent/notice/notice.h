/* What the parts of the notices share: channels, officers, office hours, what is sent and what came
 * of it. Officers of this agency are told by mail, chat robot or short message that something waits
 * in their inbox: a number, a light, a date, and "log in to see", never what is in it.
 *
 *   message stored -> notify_add: one row (note) for each officer and channel, same transaction
 *   loop's turn    -> notify_start: hours, rate, digest -> ops->notify -> sender: a pool thread
 *   outcome        -> agent_notified: the row leaves, waits for another try, or is a dead letter
 *
 * Made once from the configuration, then only read, on any thread. Holds secrets: free wipes. */
#ifndef REFERRAL_AGENT_NOTICE_NOTICE_H
#define REFERRAL_AGENT_NOTICE_NOTICE_H

#include "agent/notice/hours.h"
#include "base/bytes.h"
#include "model/window.h"

#define NOTICE_CHANNELS_MAX  16u
#define NOTICE_OFFICERS_MAX  64u
#define NOTICE_HEADERS_MAX   8u
#define NOTICE_RATE_MAX      120u /* a minute: what is remembered of one */
#define NOTICE_NAME_BYTES    32u  /* of a channel, an officer */
#define NOTICE_ADDRESS_BYTES 128u
#define NOTICE_URL_BYTES     512u
#define NOTICE_SECRET_BYTES  256u
#define NOTICE_BODY_BYTES    2048u /* of a template */
#define NOTICE_REASON_BYTES  200u
#define NOTICE_BATCH         256u /* notes that one digest takes at the most */
#define NOTICE_TEXT_BYTES    16384u

enum channel_kind { /* in the order of channel_kinds */
                    CHANNEL_SMTP,
                    CHANNEL_WECOM,
                    CHANNEL_DINGTALK,
                    CHANNEL_HTTP,
                    CHANNEL_HOOK,
                    CHANNEL_KIND_COUNT
};

enum notice_encoding { ENCODING_NONE, ENCODING_BASE64 }; /* of a whole body */

struct notice_channel {
    char name[NOTICE_NAME_BYTES];
    int kind; /* enum channel_kind */
    char url[NOTICE_URL_BYTES];
    char user[NOTICE_ADDRESS_BYTES];
    char from[NOTICE_ADDRESS_BYTES];
    char proxy[NOTICE_URL_BYTES];
    char authority[NOTICE_URL_BYTES]; /* a CA file; empty: the system's */
    char program[NOTICE_URL_BYTES];   /* of a hook */
    char password_file[NOTICE_URL_BYTES], token_file[NOTICE_URL_BYTES], key_file[NOTICE_URL_BYTES];
    char password[NOTICE_SECRET_BYTES];
    char token[NOTICE_SECRET_BYTES]; /* of a robot: part of its address */
    char key[NOTICE_SECRET_BYTES];   /* signs */
    uint64_t rate;                   /* sends a minute; 0: any number (a hook) */
    uint64_t timeout_ms;
    /* http */
    char content_type[64];
    char headers[NOTICE_HEADERS_MAX][NOTICE_URL_BYTES]; /* templates: "Name: value" */
    size_t header_count;
    char body[NOTICE_BODY_BYTES]; /* a template */
    int encoding;                 /* enum notice_encoding */
    char accept[64];              /* the answer must hold this; empty: any 2xx */
    uint64_t characters;          /* a text has at most so many; 0: no bound */
};

struct notice_officer {
    char id[NOTICE_NAME_BYTES];
    uint32_t role;         /* one of enum notice_role */
    bool messages;         /* is told of messages that are no rung, too */
    struct rung_set rungs; /* of which rungs; a repeat is its first */
    char addresses[NOTICE_CHANNELS_MAX][NOTICE_ADDRESS_BYTES]; /* empty: not by that channel */
};

struct notice_setup {
    struct notice_channel channels[NOTICE_CHANNELS_MAX];
    size_t channel_count;
    struct notice_officer officers[NOTICE_OFFICERS_MAX];
    size_t officer_count;
    struct office_hours hours;
};

extern const char *const channel_kinds[]; /* "smtp" ..., then NULL */

/* One sending: everything in it is borrowed for the call. */
struct notice_sending {
    const char *address; /* of the officer; "" for a hook */
    const char *officer; /* id */
    const char *subject; /* one line, of a mail */
    const char *text;    /* what the officer reads */
    const char *id;      /* the same when it is sent again: of a message or of a new event */
    const char *number, *light, *due; /* of the first note, or "" */
    uint64_t wall_ms;                 /* now, by the agent's clock */
    struct span json;                 /* for a hook */
};

enum notice_result {
    NOTICE_SENT,
    NOTICE_FAILED,  /* try again later */
    NOTICE_REFUSED, /* this one will never be taken */
    NOTICE_BLOCKED, /* nothing was taken: the channel wants to be left alone for wait_ms */
};

struct notice_outcome {
    enum notice_result result;
    uint64_t wait_ms;
    char reason[NOTICE_REASON_BYTES]; /* unless SENT; without secrets */
};

void notice_setup_free(struct notice_setup *setup); /* wipes; NULL allowed */

#endif

/* Why a request or a message is not taken: stable codes, the same on the wire, in the log, in
 * `--json` and on sockets. A number is never reused. The names are in refusal.c and in
 * docs/protocol.md; docs/refusals.md is printed from here; tests compare all three. Pure; any
 * thread. */
#ifndef REFERRAL_MODEL_REFUSAL_H
#define REFERRAL_MODEL_REFUSAL_H

#include <stdbool.h>

enum refusal {
    REFUSAL_NONE = 0,
    /* the request as a whole; nothing is recorded for 1 to 9, which strangers can cause */
    REFUSAL_MALFORMED = 1,      /* not a request within the bounds */
    REFUSAL_VERSION = 2,        /* unknown protocol version */
    REFUSAL_SUITE = 3,          /* not the suite of this deployment */
    REFUSAL_AGENCY_UNKNOWN = 4, /* no such agency in the registry */
    REFUSAL_KEY_UNKNOWN = 5,    /* no such key of that agency, or not valid now */
    REFUSAL_SIGNATURE = 6,      /* the signature does not verify */
    REFUSAL_BROKER_OTHER = 7,   /* addressed to another broker */
    REFUSAL_SESSION = 8,        /* say HELLO first: the session is not of this run */
    REFUSAL_REPLAYED = 9,       /* this counter was seen */
    REFUSAL_BLOB_SIZE = 10,     /* BLOB-PUT: not a size of sealed bytes, or not as announced */
    REFUSAL_BLOB_DIGEST = 11,   /* BLOB-PUT: the bytes have another digest */
    REFUSAL_BLOB_UNKNOWN = 12,  /* BLOB-GET: nothing that this agency may have */
    REFUSAL_CERTIFICATE = 14,   /* the connection's certificate is not the signer's */
    REFUSAL_LOG_OTHER = 13,     /* the log goes on under another origin; the reply has its proof */
    /* retryable: nothing was decided */
    REFUSAL_STORE_FULL = 20, /* above the share of the store kept for acknowledgements */
    REFUSAL_QUEUE_FULL = 21, /* the receiver's queue is at its maximum */
    REFUSAL_RATE = 22,       /* too many refusals of this signer in a minute, or more than a */
                             /* turn writes in one request */
    REFUSAL_SUPERSEDED = 23, /* a newer FETCH of the same agency took the place */
    REFUSAL_STOPPING = 24,   /* the broker is shutting down */
    REFUSAL_CLOCK = 25,      /* the agency's clock is too far off to be recorded */
    REFUSAL_UPLOADS = 26,    /* too many uploads that no message refers to yet */
    REFUSAL_SUSPENDED = 27,  /* an administrator suspended the agency */
    REFUSAL_RECOVERING = 28, /* what was lost is being handed back, or the store is too old */
    /* a message of a verified signer: one leaf each */
    REFUSAL_PAYLOAD = 40,   /* payload, header or facts malformed or with unknown fields */
    REFUSAL_SENDER = 41,    /* the header's sender is not the signer */
    REFUSAL_RECIPIENT = 42, /* no such recipient, or the sender itself */
    REFUSAL_KIND = 43,      /* unknown kind, or not one that agencies send */
    REFUSAL_POLICY = 44,    /* this class may not send this kind to that class */
    REFUSAL_ID_REUSED = 45, /* same message id, another payload */
    REFUSAL_NUMBER = 46,    /* case or referral number malformed, foreign or taken */
    REFUSAL_REFERRAL_UNKNOWN = 47,
    REFUSAL_REFERRAL_EXISTS = 48,
    REFUSAL_NOT_PARTY = 49,        /* the sender is not the party who may do this */
    REFUSAL_STATE = 50,            /* not possible in this state of the referral */
    REFUSAL_FACT_MISSING = 51,     /* a mandatory fact or body field is missing */
    REFUSAL_FACT_INVALID = 52,     /* a fact is out of range or contradicts another */
    REFUSAL_MATERIAL_MISSING = 53, /* a mandatory material without a reason, Art. 7 */
    REFUSAL_ADVANCE_REASON = 54,   /* advance referral without a reason, Art. 8 */
    REFUSAL_ALREADY = 55,          /* done already: signed for, answered, withdrawn */
    REFUSAL_TASK_UNKNOWN = 56,     /* no such open task */
    REFUSAL_REFERS_TO = 57,        /* refers to a message that is not of this referral */
    REFUSAL_DELIVERY = 58,         /* acknowledges what is not queued for this agency */
    REFUSAL_SEALING = 59,          /* body sealed to the wrong readers, padding or suite */
    REFUSAL_REGISTER_NUMBER = 60,  /* register number malformed or foreign */
    REFUSAL_CASE_ARCHIVED = 61,    /* the case is archived: re-open it first */
    REFUSAL_CASE_NOT_ARCHIVED = 62,
    REFUSAL_CASE_CLOCKS = 63,  /* windows or tasks of the case are open */
    REFUSAL_CASE_UNKNOWN = 64, /* no such case, or none of the sender's */
    REFUSAL_MATTER_UNKNOWN = 65,
    REFUSAL_MATTER_EXISTS = 66,
    REFUSAL_MATTER_CLOSED = 67,
    REFUSAL_MATTER_MEMBER = 68, /* sender or addressee is not a member of the matter */
    REFUSAL_DUTY = 69,          /* no such open duty of the sender's */
    REFUSAL_DATE = 70,          /* a date is past, or not in order */
    REFUSAL_PREVIOUS = 71,      /* the referral that it follows does not allow that */
    REFUSAL_HOPS = 72,          /* referred again too often: the joint-meeting office decides */
    REFUSAL_DOCUMENT = 73,      /* no such open document asked of the sender */
    REFUSAL_MINOR = 74,         /* what Art. 17-20 demand for a minor is missing */
    REFUSAL_OFFICE = 75,        /* only the joint-meeting office may send this */
    REFUSAL_AGENCY_LEFT = 76,   /* the agency has handed over its work: its successor acts */
    REFUSAL_ATTACHMENT = 77,    /* a digest whose bytes the sender has not uploaded whole */
    REFUSAL_CASE_FULL = 78,     /* the case has as many referrals and matters as it may have */
};

/* "request.malformed", "policy.not-allowed" ...: never NULL; "unknown" for a stranger. */
const char *refusal_name(enum refusal refusal);
/* What was found, in English, one sentence. Never NULL. */
const char *refusal_meaning(enum refusal refusal);
/* What the other side should do, in English, one sentence. Never NULL. */
const char *refusal_hint(enum refusal refusal);
/* Nothing was decided: the same bytes may be sent again later. */
bool refusal_retryable(enum refusal refusal);
/* A verified signer's refusal that leaves one leaf and is answered the same way ever after. */
bool refusal_recorded(enum refusal refusal);

#endif

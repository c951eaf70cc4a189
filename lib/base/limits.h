/* Every bound of the system, in one place, each with its reason. A bound that a peer can meet is
 * also in docs/protocol.md. Sizes are bytes unless the name says otherwise. */
#ifndef REFERRAL_BASE_LIMITS_H
#define REFERRAL_BASE_LIMITS_H

/* The wire. A request must hold a full batch of ordinary messages, and 60 peers that only announce
 * such a request must not cost more than 64 MiB. */
#define LIMIT_REQUEST_BYTES  ((1024u + 64u) * 1024u)
#define LIMIT_ENVELOPE_BYTES (272u * 1024u) /* header, facts and body sealed to all its readers */
#define LIMIT_HEADER_BYTES   2048u
#define LIMIT_FACTS_BYTES    (32u * 1024u) /* 100 materials of 64 bytes, the trace of a window */
#define LIMIT_BATCH_COUNT    256u          /* messages in one request: path of at most 9 hashes */
#define LIMIT_READER_COUNT   128u          /* readers of one body: sender, recipient, all copies */
#define LIMIT_NESTING        16u           /* depth of sub-messages before parsing */
#define LIMIT_FIELD_COUNT    4096u         /* fields in one message before parsing */
#define LIMIT_REPLY_FIELDS   65536u        /* the same for a reply: 256 deliveries with proofs */
#define LIMIT_ORIGIN_BYTES   128u          /* the broker's name in checkpoints, with the NUL */
#define LIMIT_DETAIL_BYTES   160u          /* the field path of a refusal, with the NUL */
/* Memory that parsing one message of n bytes may take: protobuf-c grows hostile input up to 87x. */
#define LIMIT_PARSE_BYTES(n) (8u * (size_t)(n) + 64u * 1024u)
#define LIMIT_COSIGNATURES   256u /* countersignatures of a reply, each with its path: 600 KiB */
#define LIMIT_PATH_COUNT     63u  /* hashes in an inclusion or consistency proof: C2SP tlog bound */

/* People and papers. */
#define LIMIT_AGENCIES        1024u /* registry rows; eleven today, 110 with the banners */
#define LIMIT_AGENCY_ID_BYTES 32u   /* with the NUL */
#define LIMIT_NUMBER_BYTES    32u /* case, referral, register and document numbers, with the NUL */
#define LIMIT_MATERIALS       100u
#define LIMIT_MEASURES        64u
#define LIMIT_DOCUMENTS       64u
#define LIMIT_PERSONS         64u
#define LIMIT_ROSTER          256u /* persons of a roster: two for each of 110 units */
#define LIMIT_DUTIES          128u /* of one matter: monthly payments for ten years, replies */
#define LIMIT_MEMBERS         128u /* agencies in one matter: a city with its banners */
#define LIMIT_AGENDA          200u
#define LIMIT_CASE_PARTS      1000u /* of one case by any policy: what is opened is judged by all */
#define LIMIT_TEXT_BYTES      (64u * 1024u) /* one free text in a body */
#define LIMIT_BODY_BYTES      (200u * 1024u)

/* Attachments. */
#define LIMIT_ATTACHMENT_BYTES (20u * 1024u * 1024u) /* plain: a scanned file of a whole case */
#define LIMIT_NAME_BYTES       201u                  /* of a file, with the NUL */
#define LIMIT_BLOB_CHUNK_BYTES (512u * 1024u) /* of one BLOB-PUT or BLOB-GET, within a request */
#define LIMIT_BLOBS_WAITING    400u /* uploads of one agency that no message refers to yet */
#define LIMIT_BLOB_KEEP_MS     (UINT64_C(7) * 86400000) /* which are collected after so long */

/* The broker. */
#define LIMIT_FETCH_WAIT_MS    25000u /* long poll: below every proxy's and nng's 60 s */
#define LIMIT_FETCH_COUNT      256u
#define LIMIT_FETCH_BYTES      (1024u * 1024u) /* payload of one fetch reply, within a request */
#define LIMIT_CONTEXTS_SPARE   64u             /* contexts = 2 x agencies + this */
#define LIMIT_STORE_PERCENT    85u /* new submissions are refused above; the rest is for the rest */
#define LIMIT_QUEUE_COUNT      100000u /* messages that wait for one agency */
#define LIMIT_TURN_COUNT       1024u   /* requests decided in one transaction */
#define LIMIT_TURN_RUNGS       1000u   /* rungs raised in one transaction: 7 ms at the most */
#define LIMIT_REFUSALS_MINUTE  600u    /* leaves a minute that one signer's refusals may write */
#define LIMIT_REPLAY_WINDOW    4096u   /* request counters remembered behind the newest */
#define LIMIT_IDLE_MS          180000u /* a connection without a request: several long polls */
#define LIMIT_CONNECTIONS_EACH 16u     /* connections a listener keeps per agency */

/* Files and local sockets. */
/* An evidence file: a case of 256 referrals with their receipts. */
#define LIMIT_EVIDENCE_BYTES   (64u * 1024u * 1024u)
#define LIMIT_EVIDENCE_PARTS   8192u
#define LIMIT_CONFIG_BYTES     (1024u * 1024u)
#define LIMIT_JSON_BYTES       (1024u * 1024u)
#define LIMIT_LOCAL_LINE_BYTES (1024u * 1024u) /* one JSON line on a unix socket */
#define LIMIT_LOCAL_CLIENTS    64u

/* The officers' inbox, on HTTP. A stranger who can reach the port may meet all of these. */
/* Six of each of 40 browsers, of 1024 descriptors; one other machine may be a proxy for all. */
#define LIMIT_WEB_CONNECTIONS      256u
#define LIMIT_WEB_CONNECTIONS_EACH 192u
#define LIMIT_WEB_BACKLOG          1024 /* that wait for one of them to end */
/* Request line and headers, 256 times at most: 16 MiB. Above 32 KiB libmicrohttpd maps this memory,
 * so that what was in it goes back to the kernel and not into our heap. */
#define LIMIT_WEB_HEADER_BYTES    (64u * 1024u)
#define LIMIT_WEB_TARGET_BYTES    4096u /* path and query: a search typed in words, escaped */
#define LIMIT_WEB_COOKIES         64u   /* those of others on the same host included */
#define LIMIT_WEB_FIELDS          1024u /* a filed letter: 100 materials of several fields */
#define LIMIT_WEB_NAME_BYTES      128u
#define LIMIT_WEB_VALUE_BYTES     LIMIT_TEXT_BYTES
#define LIMIT_WEB_UPLOADS         32u   /* files chosen at once */
#define LIMIT_WEB_FILE_NAME_BYTES 256u  /* 85 Chinese characters: a file system's own limit */
#define LIMIT_WEB_PART_BYTES      2048u /* headers of one part of a form: both names, escaped */
#define LIMIT_WEB_FORM_BYTES      (1024u * 1024u)
#define LIMIT_WEB_UPLOAD_BYTES    (20u * 1024u * 1024u)  /* a scanned file of 40 pages */
#define LIMIT_WEB_BODIES_BYTES    (128u * 1024u * 1024u) /* all bodies together: six such files */
#define LIMIT_WEB_ANSWERS_BYTES                                                                    \
    (256u * 1024u * 1024u) /* answers that are being fetched; a page always */
/* A body that is refused is read on and thrown away, since a browser shows no answer before it has
 * sent all; beyond this the connection is cut. */
#define LIMIT_WEB_DISCARD_BYTES (64u * 1024u * 1024u)
#define LIMIT_WEB_REFUSAL_BYTES (64u * 1024u) /* the page of a refusal */
#define LIMIT_WEB_IDLE_S        30u           /* silence on a connection */
#define LIMIT_WEB_REQUEST_S     300u          /* a body, or an answer: 20 MiB at 600 kbit/s */

#endif

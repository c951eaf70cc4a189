/* Bytes of the wire and structures, both ways: heads of requests and replies, messages, records of
 * the audit log.
 *
 * Every decode function takes outside bytes: it scans them against the schema first (prescan.h),
 * then decodes within the region's budget (LIMIT_PARSE_BYTES of the whole input), and answers a
 * fault with the field's path; it never asserts on input. Spans and arrays that it fills are
 * borrowed from the region. Every encode function appends to `out` the bytes that are then signed
 * or hashed; fields stand in the order of their numbers. Nothing here verifies a signature: that
 * is envelope.h. Any thread. */
#ifndef REFERRAL_WIRE_CODEC_H
#define REFERRAL_WIRE_CODEC_H

#include "base/crypto.h"
#include "base/limits.h"
#include "model/message.h"

#define WIRE_VERSION       1u
#define SESSION_BYTES      16
#define SALT_BYTES         16
#define PING_BYTES         16
#define SOFTWARE_BYTES     64 /* name and version of a program, with the NUL */
#define BROKER_AGENCY      "broker"
#define ADMINISTRATOR_NAME "administrator"

/* One message in three parts, as signed. Borrowed from the bytes that were split. */
struct payload {
    struct span header;
    struct span facts;
    struct span body; /* sealed; empty where the kind has none */
};

/* Where a digest stands in a tree that was signed (request.proto, BatchProof). */
struct batch_proof {
    uint32_t suite;
    struct key_id key;
    uint32_t index;
    uint32_t size;
    const struct digest *path; /* borrowed */
    size_t path_count;
    uint8_t signature[SIGNATURE_BYTES];
};

enum request_kind { /* numbers are the fields of RequestHead */
                    REQUEST_HELLO = 10,
                    REQUEST_SUBMIT = 11,
                    REQUEST_FETCH = 12,
                    REQUEST_ACK = 13,
                    REQUEST_BLOB_PUT = 14,
                    REQUEST_BLOB_GET = 15,
                    REQUEST_REGISTRY = 16,
                    REQUEST_WITNESS = 17,
                    REQUEST_PING = 18,
                    REQUEST_HAND_BACK = 19,
};

struct position { /* of one message in its stream */
    uint32_t lane;
    uint64_t stream_seq;
    bool held; /* of an ACK: it is noted that it is held, and stays */
};

/* One message of a log that was lost, by somebody who has it. */
struct handed_back {
    struct span envelope;
    struct span receipt; /* empty: a delivery receipt that was never recorded */
};

struct witness {
    uint64_t size;
    struct digest root;
    uint8_t signature[SIGNATURE_BYTES];
    struct key_id key;
};

struct request_head {
    uint32_t version;
    char agency[LIMIT_AGENCY_ID_BYTES];
    char broker[LIMIT_ORIGIN_BYTES];
    uint8_t session[SESSION_BYTES]; /* zeros: none */
    uint64_t counter;
    uint64_t time_ms;
    uint64_t known_size;
    enum request_kind kind;
    union {
        struct {
            char software[SOFTWARE_BYTES];
            struct digest registry_digest; /* zeros: none known */
            struct span checkpoint;        /* the newest note that is kept; empty: none */
            bool streams;                  /* asks where its streams stand */
        } hello;
        struct {
            uint32_t count;
        } submit;
        struct {
            uint32_t max_count;
            uint32_t max_bytes;
            uint32_t wait_ms;
            uint64_t registry_mark; /* of the registry and keys that it was told of; 0: not said */
        } fetch;
        struct {
            uint32_t count;
            const struct position *plain; /* borrowed */
            size_t plain_count;
        } ack;
        struct witness witness;
        struct {
            struct digest digest;
            uint64_t size; /* of all sealed bytes */
            uint64_t offset;
            struct span data; /* borrowed; empty: only asks */
        } blob_put;
        struct {
            struct digest digest;
            uint64_t offset;
            uint32_t max_bytes; /* 0: the most */
        } blob_get;
        struct {
            uint8_t word[PING_BYTES]; /* zeros: it answers nothing */
        } ping;
        struct {
            const struct handed_back *items; /* borrowed */
            size_t item_count;
            bool all; /* nothing follows */
        } hand_back;
    };
};

enum reply_kind { /* numbers are the fields of ReplyHead */
                  REPLY_NONE = 0,
                  REPLY_HELLO = 20,
                  REPLY_SUBMIT = 21, /* of SUBMIT and of ACK */
                  REPLY_FETCH = 22,
                  REPLY_REGISTRY = 23,
                  REPLY_BLOB_PUT = 24,
                  REPLY_BLOB_GET = 25,
                  REPLY_HAND_BACK = 26,
                  REPLY_WITNESS = 27,
};

enum hand_back_phase { HAND_BACK_AWAITING = 1, HAND_BACK_APPLYING = 2, HAND_BACK_DONE = 3 };

/* A receipt as a reply carries it; path holds indices into the nodes of the reply. */
struct shared_receipt {
    struct uuid message_id;
    uint64_t leaf_index;
    struct span record;
    uint8_t salt[SALT_BYTES];
    const uint32_t *path;
    size_t path_count;
    struct span checkpoint; /* empty: the one of the reply */
    uint32_t code;          /* enum refusal */
    char detail[LIMIT_DETAIL_BYTES];
    uint32_t retry_after_ms;
};

enum hold { /* of a message whose key was revoked while it waited, and of what follows in its case
             */
            HOLD_NONE,
            HOLD_HELD, /* its place in the stream is taken; it comes again */
            HOLD_OVER, /* it was shown as held, and comes now */
            HOLD_COUNT
};

struct delivery {
    uint32_t hold;       /* enum hold */
    struct span payload; /* Payload */
    struct batch_proof proof;
    uint64_t leaf_index;
    struct span record;
    uint8_t salt[SALT_BYTES];
    const uint32_t *path; /* indices into the nodes of the reply */
    size_t path_count;
};

/* What came last in a stream before the first message that still waits there. */
struct stream_base {
    uint32_t lane;
    uint64_t seq; /* 0: nothing */
    struct digest hash;
};

/* What another agency countersigned, and that it is a beginning of the log of the reply. */
struct cosignature {
    char agency[LIMIT_AGENCY_ID_BYTES];
    struct witness seen;
    const struct digest *consistency; /* from there to the reply's checkpoint */
    size_t consistency_count;
};

/* The broker's word that its log goes on under another origin; see recovery.h. */
struct signed_recovery {
    struct span statement; /* borrowed */
    struct key_id key;
    uint8_t signature[SIGNATURE_BYTES];
};

/* All pointers borrowed: from the caller to encode, from the region when decoded. */
struct recorded_statement { /* of an agency's root on a key (key_statement.h) */
    struct span text;
    uint64_t leaf; /* from which on it holds */
};

/* The first leaf that names the registry's version, in the tree of the reply's checkpoint. */
struct registry_leaf {
    uint64_t index;
    struct span record;
    uint8_t salt[SALT_BYTES];
    const struct digest *path;
    size_t path_count;
};

/* By which days are counted now: since that leaf, which is before all that it counted. */
struct calendar_in_force {
    char version[64]; /* as long as CALENDAR_VERSION_BYTES; empty: not said */
    uint64_t leaf;
    uint64_t since_ms; /* broker time */
};

struct reply_head {
    uint32_t version;
    uint32_t code; /* enum refusal */
    char detail[LIMIT_DETAIL_BYTES];
    struct digest request_digest;
    uint64_t time_ms;
    bool clock_held;
    int64_t laboratory_offset_ms;
    uint32_t retry_after_ms;
    struct span checkpoint;
    uint64_t registry_version; /* 0: the registry is not signed */
    uint32_t key_statements;   /* how many the log has */
    const struct digest *consistency;
    size_t consistency_count;
    const struct signed_recovery *recoveries; /* with REFUSAL_LOG_OTHER */
    size_t recovery_count;
    enum reply_kind kind;
    union {
        struct {
            uint8_t session[SESSION_BYTES];
            uint64_t next_counter;
            struct digest registry_digest;
            struct digest policy_digest;
            struct calendar_in_force calendar;
            const struct stream_base *streams;
            size_t stream_count;
        } hello;
        struct {
            const struct shared_receipt *receipts;
            size_t receipt_count;
            const struct digest *nodes;
            size_t node_count;
        } submit;
        struct {
            const struct delivery *deliveries;
            size_t delivery_count;
            const struct digest *nodes;
            size_t node_count;
            uint64_t waiting;
            uint8_t ping[PING_BYTES];    /* zeros: none */
            struct digest policy_digest; /* by which rungs are counted; zeros: not said */
            uint64_t policy_since_ms;
            struct calendar_in_force calendar;
        } fetch;
        struct {
            struct span registry;
            struct span keys;
            struct span statement; /* empty: it is not signed */
            const struct recorded_statement *statements;
            size_t statement_count;
            bool has_leaf; /* of a signed one: where the log has this version first */
            struct registry_leaf leaf;
        } registry;
        struct {
            uint64_t have;
            bool complete;
        } blob_put;
        struct {
            uint64_t size;
            struct span data;
        } blob_get;
        struct {
            enum hand_back_phase phase;
            const uint32_t *codes;
            size_t code_count;
        } hand_back;
        struct {
            const struct cosignature *cosignatures;
            size_t cosignature_count;
        } witness;
    };
};

/* What a leaf of the audit log records. Numbers are stored for ever. */
enum leaf_kind {
    LEAF_MESSAGE = 1,   /* accepted: of an agency, or the broker's own */
    LEAF_REFUSED = 2,   /* of a verified signer */
    LEAF_STRANGERS = 3, /* how many refusals of strangers in a minute */
    LEAF_WINDOW_OPENED = 10,
    LEAF_WINDOW_STOPPED = 11,
    LEAF_WINDOW_REDATED = 12,
    LEAF_WINDOW_CANCELLED = 13,
    LEAF_TASK_OPENED = 14,
    LEAF_TASK_CLOSED = 15,
    LEAF_RUNG_RAISED = 20,
    LEAF_RUNG_RESOLVED = 21,
    LEAF_CLOCK = 30,
    LEAF_CONFIGURATION = 31,
    LEAF_START = 32,
    LEAF_STOP = 33,
    LEAF_COMMAND = 34,  /* an administrator's */
    LEAF_KEY = 35,      /* an agency's root revoked one of its keys */
    LEAF_RESIGNED = 36, /* a message that waits, signed anew after its key was revoked */
    LEAF_RECOVERY = 40, /* the log goes on under another origin */
    LEAF_GAP = 41,      /* what was handed back, and what not */
};

struct leaf_stream {
    uint32_t lane;
    uint64_t seq;           /* from 1 */
    struct digest previous; /* leaf hash of the one before; zeros first */
};

struct leaf_window {
    uint32_t task;
    uint32_t number;
    char holder[LIMIT_AGENCY_ID_BYTES];
    uint64_t arrival_ms;
    uint32_t working_days;
    uint64_t due_before_ms;
    bool provisional;
    char calendar_version[64]; /* as long as CALENDAR_VERSION_BYTES */
    uint64_t old_due_before_ms;
    uint64_t agent_received_ms;
    bool late;
    uint32_t lateness_days;
    uint32_t outcome;
    char annotated[640]; /* as long as RUNG_SET_TEXT_BYTES */
    char reason[32];
};

struct leaf_rung {
    uint32_t task;
    uint32_t window;
    char rung[24];
    uint64_t fell_due_ms;
    char document_number[LIMIT_NUMBER_BYTES];
    char responsible[LIMIT_AGENCY_ID_BYTES];
};

struct leaf_clock {
    uint32_t event;
    uint64_t wall_ms;
    uint64_t broker_ms;
    int64_t departure_ms;
    uint64_t from_ms;
    uint64_t to_ms;
    char by[LIMIT_AGENCY_ID_BYTES];
};

struct leaf_configuration {
    struct digest registry, keys, policy; /* SHA-256 of the files; zeros: none */
    char calendar_version[64];            /* as long as CALENDAR_VERSION_BYTES */
    struct digest calendar;
    char software[SOFTWARE_BYTES];
    uint64_t registry_version; /* of the signed registry; 0: it is not signed */
    struct digest registry_document;
};

struct leaf_command {
    char name[32];
    uint32_t uid;
    char role[16];
    char about[LIMIT_AGENCY_ID_BYTES];
};

/* The record stands for one of a log that was lost. */
struct leaf_recovered {
    uint64_t log; /* when that log was opened, in seconds; 0: the first */
    uint64_t leaf;
    uint64_t at_ms; /* the broker time that counts */
    bool late;      /* after all others */
    uint32_t code;  /* enum refusal: kept, but not applied */
};

struct leaf_gap { /* borrowed, as decoded from the region */
    uint64_t log, from, to;
    uint64_t handed_back, applied, kept, notices_left;
    uint64_t missing;
    const uint32_t *ranges; /* offset and count, in turns */
    size_t range_count;
    char without[LIMIT_DETAIL_BYTES]; /* ids, by blanks */
};
#define LEAF_GAP_RANGES 128u

struct leaf_record {
    uint32_t version;
    enum leaf_kind kind;
    uint64_t at_ms;
    char actor[LIMIT_AGENCY_ID_BYTES];
    struct uuid message_id; /* zero uuids and digests: absent */
    struct digest message_digest;
    struct uuid case_id;
    struct uuid referral_id;
    uint32_t message_kind;
    char recipient[LIMIT_AGENCY_ID_BYTES];
    bool has_stream, has_window, has_rung, has_clock, has_configuration, has_command;
    struct leaf_stream stream;
    uint32_t refusal;
    char detail[LIMIT_DETAIL_BYTES];
    uint64_t claimed_ms;
    struct leaf_window window;
    struct leaf_rung rung;
    struct leaf_clock clock;
    struct leaf_configuration configuration;
    uint64_t count;
    char referral_number[LIMIT_NUMBER_BYTES];
    struct leaf_command command;
    bool has_recovered, has_recovery, has_gap;
    struct leaf_recovered recovered;
    struct signed_recovery recovery;
    struct leaf_gap gap;
    struct span key_statement; /* LEAF_KEY */
};

/* The three parts of encoded Payload bytes, borrowed from them; bounds checked, nothing decoded. */
enum err payload_split(struct span bytes, struct payload *ret_payload,
                       struct fault *fault) MUST_CHECK;
enum err payload_encode(const struct payload *payload, struct buf *out) MUST_CHECK;

/* Header alone: routing and refusals need no more. */
enum err header_decode(struct span bytes, struct region *region, struct message_header *ret_header,
                       struct fault *fault) MUST_CHECK;
enum err header_encode(const struct message_header *header, struct buf *out) MUST_CHECK;
/* The facts, into a message whose header was decoded before. ERR_INVALID when they are not exactly
 * those that the kind demands, or the kind is unknown. body_present says whether the payload has a
 * body; the body is not opened. */
enum err facts_decode(const struct payload *payload, struct region *region, struct message *message,
                      struct fault *fault) MUST_CHECK;
/* Header and facts. */
enum err message_decode(const struct payload *payload, struct region *region,
                        struct message *ret_message, struct fault *fault) MUST_CHECK;
/* The facts that message->header.kind selects. */
enum err facts_encode(const struct message *message, struct buf *out) MUST_CHECK;

enum err request_head_decode(struct span bytes, struct region *region,
                             struct request_head *ret_head, struct fault *fault) MUST_CHECK;
enum err request_head_encode(const struct request_head *head, struct buf *out) MUST_CHECK;
enum err reply_head_decode(struct span bytes, struct region *region, struct reply_head *ret_head,
                           struct fault *fault) MUST_CHECK;
enum err reply_head_encode(const struct reply_head *head, struct buf *out) MUST_CHECK;

enum err leaf_record_decode(struct span bytes, struct region *region,
                            struct leaf_record *ret_record, struct fault *fault) MUST_CHECK;
enum err leaf_record_encode(const struct leaf_record *record, struct buf *out) MUST_CHECK;

#endif

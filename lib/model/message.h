/* A message as the rules see it: header and facts, decoded, and what is known of the body.
 *
 * lib/wire fills these from bytes, lib/model judges them, and nobody else keeps a second form.
 * Arrays are borrowed from the region or structure that decoding used. Texts are bounded and
 * NUL-terminated. Holds no personal data: that is in struct body. Pure; any thread. */
#ifndef REFERRAL_MODEL_MESSAGE_H
#define REFERRAL_MODEL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/limits.h"

enum message_kind { /* numbers are the wire's */
                    MESSAGE_NONE = 0,
                    MESSAGE_OUTBOUND_REFERRAL = 1,  /* 社会救助线索移送, Art. 5-9 */
                    MESSAGE_INBOUND_REFERRAL = 2,   /* 司法救助线索移送, Art. 10-11 */
                    MESSAGE_SIGN_FOR = 3,           /* 签收 */
                    MESSAGE_OUTBOUND_FEEDBACK = 4,  /* answer to an outbound referral, Art. 9 */
                    MESSAGE_INBOUND_FEEDBACK = 5,   /* answer to an inbound referral, Art. 11 */
                    MESSAGE_APPLICANT_INFORMED = 6, /* 告知申请人 */
                    MESSAGE_PAPERS = 7,             /* 补充材料 after procedure-required */
                    MESSAGE_WITHDRAWAL = 8,         /* 撤回 */
                    MESSAGE_DELIVERY = 9, /* the receiver's agent has it: signed delivery receipt */
                    MESSAGE_REJECTION = 10, /* the receiver's agent found the body malformed */
                    MESSAGE_INFORMATION_REQUEST = 11, /* 请求提供信息, Art. 7 (6), 11 */
                    MESSAGE_INFORMATION_REPLY = 12,
                    MESSAGE_ASSISTANCE_REPORT = 13, /* 救助落实情况 */
                    MESSAGE_ESCALATION_REPLY = 14,  /* 督办回复 */
                    MESSAGE_ARCHIVE = 15,           /* 归档, Art. 16 */
                    MESSAGE_REOPEN = 16,            /* 重新启动 */
                    MESSAGE_FOLLOW_UP_PLAN = 17,    /* 回访计划, Art. 16 */
                    MESSAGE_FOLLOW_UP_REPORT = 18,  /* 回访报告 */
                    MESSAGE_CONSULTATION = 19,      /* 工作会商, Art. 14 */
                    MESSAGE_CONFERENCE = 20,        /* 个案会商, with promises, Art. 13, 14 */
                    MESSAGE_PROMISE_REPORT = 21,    /* 承诺事项办理 */
                    MESSAGE_MEETING_NOTICE = 22,    /* 联席会议通知, Art. 13 */
                    MESSAGE_MEETING_REPLY = 23,
                    MESSAGE_HEARING_INVITATION = 24, /* 听证邀请, Art. 12 */
                    MESSAGE_HEARING_REPLY = 25,
                    MESSAGE_HEARING_OPINION = 26,
                    MESSAGE_ROSTER_CHANGE = 27,     /* 人员调整告知, Art. 13 */
                    MESSAGE_ROSTER = 28,            /* 联络员名册 */
                    MESSAGE_FUND_PLAN = 29,         /* 救助金监管计划 */
                    MESSAGE_FUND_PAYMENT = 30,      /* 救助金支付 */
                    MESSAGE_LETTER = 31,            /* 致协作单位函 */
                    MESSAGE_LETTER_ANSWER = 32,     /* 协作单位回函 */
                    MESSAGE_CORRECTION = 33,        /* 更正 */
                    MESSAGE_AGENCY_KIND_COUNT = 34, /* below: what agencies send */
                    MESSAGE_DELIVERY_NOTICE = 40,   /* the broker's own from here on */
                    MESSAGE_REMINDER = 41,
                    MESSAGE_ESCALATION = 42,
                    MESSAGE_RESOLVED = 43,
                    MESSAGE_REDATING = 44,
                    MESSAGE_RETURNED = 45, /* to the sender: the body was rejected */
};

enum feedback_outcome {
    OUTCOME_NONE = 0,
    OUTCOME_GRANTED = 1,            /* outbound, final */
    OUTCOME_PROCEDURE_REQUIRED = 2, /* outbound, Art. 9: opens tasks, not final */
    OUTCOME_NOT_ELIGIBLE = 3,       /* outbound, final */
    OUTCOME_NOT_MY_DUTY = 4,        /* outbound, final, with the agency suggested */
    OUTCOME_SUITABLE = 5,           /* inbound, Art. 11 */
    OUTCOME_NOT_SUITABLE = 6,       /* inbound, Art. 11: reason mandatory */
    OUTCOME_COUNT
};

enum referral_task { /* what runs a clock in a referral */
                     TASK_FEEDBACK = 0,
                     TASK_TELL_APPLICANT = 1, /* 5 working days: Art. 9, Art. 11 "promptly" */
                     TASK_PAPERS = 2,         /* 20 working days, held by whoever tells */
                     TASK_COUNT
};

/* What runs a clock beside a referral's own: duties of matters (model/matter.h). The numbers follow
 * enum referral_task in notices and leaves, with room between. */
enum duty_kind {
    DUTY_INFORMATION = 17, /* answer an information request */
    DUTY_FOLLOW_UP = 18,   /* report a follow-up visit */
    DUTY_PROMISE = 19,     /* do what was promised */
    DUTY_PAYMENT = 20,     /* pay and report supervised money */
    DUTY_LETTER = 21,      /* bring an associate's answer */
    DUTY_ATTENDANCE = 22,  /* answer an invitation */
    DUTY_KIND_END = 23
};

/* Bits of `body_fields`: that a mandatory body field is filled is itself a fact. */
enum body_field {
    BODY_PERSONS = 1 << 0,
    BODY_CIRCUMSTANCES = 1 << 1,
    BODY_REASONS = 1 << 2,
    BODY_ADVANCE_REASON = 1 << 3,
    BODY_OPINION = 1 << 4,
    BODY_TEXT = 1 << 5,
    BODY_OUTCOMES = 1 << 6,
    BODY_TOLD = 1 << 7,
    BODY_OFFICER = 1 << 8,
    BODY_ATTACHMENTS = 1 << 9,
};

/* Bits of `roles` in a notice: who in the agency is told. */
enum notice_role {
    ROLE_LIAISON = 1 << 0,
    ROLE_LEADER = 1 << 1,
    ROLE_OFFICE = 1 << 2, /* the joint-meeting office, an attribute of one agency */
    ROLE_ADMINISTRATORS = 1 << 3,
    ROLE_DUTY_CONTACT = 1 << 4,
    ROLE_SENDER = 1 << 5, /* the agency that referred is told */
};

/* Agencies by their stable number: bit n % 8 of byte n / 8. */
#define AGENCY_SET_BYTES 128
struct agency_set {
    uint8_t bits[AGENCY_SET_BYTES];
};

struct message_header {
    uint32_t version;
    uint32_t suite;
    enum message_kind kind;
    struct uuid message_id;
    struct uuid case_id;
    struct uuid referral_id;
    struct uuid refers_to; /* zero: none */
    char sender[LIMIT_AGENCY_ID_BYTES];
    char recipient[LIMIT_AGENCY_ID_BYTES];
    char case_number[LIMIT_NUMBER_BYTES];
    char referral_number[LIMIT_NUMBER_BYTES];
    struct key_id sender_key;
    uint64_t created_ms;
};

struct material {
    uint32_t kind;
    struct digest digest; /* of the sealed bytes; zero when missing */
    uint32_t missing_reason;
    uint64_t sealed_bytes;
};

struct attached { /* a file that goes with a message */
    struct digest digest;
    uint64_t sealed_bytes;
};

struct measure {
    uint32_t measure;
    uint32_t shape;
    uint64_t amount_fen;
    uint32_t unit;
    uint32_t start_date; /* YYYYMMDD, or 0 */
    uint32_t end_date;
    bool existing_kept;
    uint32_t person_index;
};

struct document {
    uint32_t kind;
    char supplier[LIMIT_AGENCY_ID_BYTES]; /* empty: the applicant */
};

struct referral_facts {
    uint32_t ground;
    uint64_t priority_groups, needs, measures; /* bit sets */
    const struct material *materials;          /* borrowed */
    size_t material_count;
    bool advance, urgent, life_danger, no_publicity;
    uint32_t minor_marks;
    uint32_t lead_channel;
    uint32_t relation;
    uint32_t told;
    uint32_t person_count;
    struct uuid previous;      /* the referral that this one follows; zero: none */
    struct uuid previous_case; /* its case, where that is another one; zero: this case */
    uint32_t link;             /* how it follows */
};

struct feedback_facts {
    enum feedback_outcome outcome;
    const struct measure *measures; /* borrowed */
    size_t measure_count;
    const struct document *documents; /* borrowed */
    size_t document_count;
    uint32_t tell_by; /* enum tell_by */
    char suggested_agency[LIMIT_AGENCY_ID_BYTES];
    char register_number[LIMIT_NUMBER_BYTES];
};

enum tell_by { TELL_BY_NONE = 0, TELL_BY_PROCURATORATE = 1, TELL_BY_SOCIAL_AGENCY = 2 };

struct papers_facts {
    const uint32_t *documents; /* borrowed */
    size_t document_count;
    uint64_t received_ms;
};

struct information_facts { /* of MESSAGE_INFORMATION_REQUEST */
    uint64_t asked;
    struct uuid about; /* the referral */
};

struct assistance_facts {
    uint32_t stage, measure, shape;
    uint64_t amount_fen;
    uint32_t instalment, instalments; /* 0: none; 0: not known */
    uint32_t date;                    /* YYYYMMDD */
    uint32_t person_index;
};

struct promise {
    char agency[LIMIT_AGENCY_ID_BYTES];
    uint32_t code;
    uint32_t by_date; /* YYYYMMDD */
};

struct conference_facts {
    uint32_t topic;
    uint64_t held_ms;
    const struct promise *promises; /* borrowed */
    size_t promise_count;
    struct uuid about; /* a referral; zero: none */
};

struct hearing_opinion_facts {
    uint32_t opinion;
    const struct promise *promises; /* borrowed */
    size_t promise_count;
};

struct follow_up_plan_facts {
    const uint32_t *dates; /* borrowed */
    size_t date_count;
};

struct follow_up_report_facts {
    uint32_t duty; /* 0: not planned */
    uint32_t hardship, effect, risk;
    uint32_t next_date; /* YYYYMMDD; 0: as planned, or none */
};

struct agenda_item {
    char number[LIMIT_NUMBER_BYTES];
    uint32_t why;
};

struct meeting_facts {
    uint64_t at_ms;
    uint32_t reply_by;                /* YYYYMMDD; 0: none */
    const struct agenda_item *agenda; /* borrowed */
    size_t agenda_count;
};

struct hearing_facts {
    uint32_t purpose;
    uint64_t at_ms;
    uint32_t roles; /* bit set */
    uint32_t reply_by;
    struct uuid about;
};

struct payment {
    uint32_t date;
    uint64_t amount_fen;
};

struct fund_plan_facts {
    uint32_t custodian;
    uint64_t amount_fen;
    const struct payment *payments; /* borrowed */
    size_t payment_count;
};

struct fund_payment_facts {
    uint32_t duty;
    uint64_t amount_fen, balance_fen;
    uint32_t date;
};

struct letter_facts {
    char associate[LIMIT_AGENCY_ID_BYTES];
    uint32_t answer_by;
    struct uuid about;
};

struct delivery_facts { /* of MESSAGE_DELIVERY and MESSAGE_REJECTION */
    uint32_t lane;
    uint64_t stream_seq;
    uint64_t leaf_index;
    struct digest leaf_hash;
    uint64_t received_ms;
    uint32_t reason; /* rejection only */
    char field[160]; /* rejection only: path, never content */
};

enum trace_kind { /* what a day is in the count of a window; a plain working day is not listed */
                  TRACE_DAY_0 = 1,
                  TRACE_WEEKEND = 2,
                  TRACE_HOLIDAY = 3,
                  TRACE_MAKE_UP = 4, /* a make-up workday (调休上班) */
                  TRACE_DAY_N = 5,   /* of the calendar */
};

struct trace_day {
    uint32_t date;    /* YYYYMMDD */
    uint32_t kind;    /* enum trace_kind */
    const char *name; /* borrowed; may be empty */
};

struct notice_facts {
    char rung[24];
    enum referral_task task;
    uint32_t window;
    uint32_t roles;
    char responsible[LIMIT_AGENCY_ID_BYTES];
    uint64_t due_before_ms;
    uint32_t due_date;
    bool provisional;
    uint64_t fell_due_ms;
    uint64_t old_due_before_ms;
    uint32_t lateness_days;
    bool late;
    char document_number[LIMIT_NUMBER_BYTES];
    char calendar_version[64]; /* as long as CALENDAR_VERSION_BYTES */
    uint64_t arrival_ms;
    uint32_t working_days;
    const struct trace_day *trace; /* borrowed */
    size_t trace_count;
    struct span evidence; /* borrowed: the receiver's signed receipt */
    char reason[48];
    char annotated[640];        /* as long as RUNG_SET_TEXT_BYTES */
    struct digest rules_digest; /* of a rung: policy_rules it was counted by; zeros: not said */
};

struct message {
    struct message_header header;
    uint32_t body_fields;
    struct agency_set copies;           /* who gets it beside the recipient */
    const struct attached *attachments; /* borrowed; a referral's are its materials */
    size_t attachment_count;
    bool body_present;
    union {
        struct referral_facts referral;
        struct {
            char register_number[LIMIT_NUMBER_BYTES];
        } sign_for;
        struct feedback_facts feedback;
        struct {
            enum referral_task task;
            uint32_t how;
        } informed;
        struct papers_facts papers;
        struct {
            uint32_t reason;
        } withdrawal;
        struct delivery_facts delivery;
        struct information_facts information;
        struct {
            uint64_t answered;
            bool partly;
        } information_reply;
        struct assistance_facts assistance;
        struct {
            char document_number[LIMIT_NUMBER_BYTES];
            uint32_t answer;
        } escalation_reply;
        struct {
            uint32_t why;
        } archive;
        struct {
            uint32_t why;
        } reopen;
        struct follow_up_plan_facts follow_up_plan;
        struct follow_up_report_facts follow_up_report;
        struct {
            uint32_t topic;
            struct uuid about; /* a referral; zero: none */
        } consultation;
        struct conference_facts conference;
        struct {
            uint32_t duty;
            uint32_t result;
        } promise_report;
        struct meeting_facts meeting;
        struct {
            uint32_t attends;
        } attendance;
        struct hearing_facts hearing;
        struct hearing_opinion_facts hearing_opinion;
        struct {
            uint32_t role;
            uint32_t change;
        } roster_change;
        struct {
            uint32_t edition;
            uint32_t persons;
        } roster;
        struct fund_plan_facts fund_plan;
        struct fund_payment_facts fund_payment;
        struct letter_facts letter;
        struct {
            uint32_t answer;
        } letter_answer;
        struct {
            uint64_t corrects;
        } correction;
        struct notice_facts notice;
    };
};

/* The plain body, after opening or before sealing. Personal data: never logged, wiped after use.
 * Texts are borrowed from the decoding region or the caller; NULL and "" both mean absent. */
struct body_person {
    const char *name, *identity_number, *phone, *address;
    uint32_t relation;
    uint64_t priority_groups, needs;
    bool minor;
    const char *guardian;
    uint32_t may_be_told;
    const char *receives_already;
    const char *agency; /* roster messages: whose officer it is, an agency's id */
    uint32_t role;      /* roster messages: VOCABULARY_ROSTER_ROLE */
};

struct body_outcome {
    uint32_t person_index, outcome;
    uint64_t amount_fen;
    const char *text;
};

struct body_attachment { /* what opens a file that the facts name */
    uint32_t material;   /* its place in the facts' list */
    const char *name;
    uint32_t type; /* VOCABULARY_ATTACHMENT */
    uint64_t plain_bytes;
    uint8_t key[AEAD_KEY_BYTES]; /* secret */
};

struct body {
    char sender[LIMIT_AGENCY_ID_BYTES];
    char recipient[LIMIT_AGENCY_ID_BYTES];
    struct uuid message_id, case_id;
    const char *officer, *circumstances, *reasons, *advance_reason, *opinion, *text;
    const char *told_whom, *told_by;
    const struct body_person *persons;
    size_t person_count;
    const struct body_outcome *outcomes;
    size_t outcome_count;
    const struct body_attachment *attachments;
    size_t attachment_count;
};

/* "outbound-referral" and so on; "unknown" for a stranger. Never NULL. */
/* A number beyond the set is in none. */
bool agency_set_has(const struct agency_set *set, uint16_t number);
void agency_set_add(struct agency_set *set, uint16_t number); /* below 8 * AGENCY_SET_BYTES */
bool agency_set_empty(const struct agency_set *set);

const char *message_kind_name(enum message_kind kind);
/* MESSAGE_NONE when there is no such name. */
enum message_kind message_kind_parse(const char *name);
bool message_kind_from_agency(enum message_kind kind);
bool message_kind_from_broker(enum message_kind kind);
/* The referral that the facts name beside the header's (`previous`, `about`), and its case. Zero
 * ids: none is named. */
struct message_reference {
    struct uuid case_id;
    struct uuid referral_id;
};
struct message_reference message_reference(const struct message *message);
/* Writes that id where the facts of this kind name a referral; nothing where they name none. */
void message_name_referral(struct message *message, const struct uuid *referral_id);
/* About a matter (model/matter.h): header.referral_id is then the matter's id. The others of an
 * agency are about a referral. */
bool message_kind_of_matter(enum message_kind kind);

#endif

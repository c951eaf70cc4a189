/* How: a const table of the kinds' names; which side sends a kind follows from its number. */
#include "model/message.h"

#include <assert.h>
#include <string.h>

static const struct {
    enum message_kind kind;
    const char *name;
} kind_rows[] = {
    {MESSAGE_OUTBOUND_REFERRAL, "outbound-referral"},
    {MESSAGE_INBOUND_REFERRAL, "inbound-referral"},
    {MESSAGE_SIGN_FOR, "sign-for"},
    {MESSAGE_OUTBOUND_FEEDBACK, "outbound-feedback"},
    {MESSAGE_INBOUND_FEEDBACK, "inbound-feedback"},
    {MESSAGE_APPLICANT_INFORMED, "applicant-informed"},
    {MESSAGE_PAPERS, "papers"},
    {MESSAGE_WITHDRAWAL, "withdrawal"},
    {MESSAGE_DELIVERY, "delivery"},
    {MESSAGE_REJECTION, "rejection"},
    {MESSAGE_INFORMATION_REQUEST, "information-request"},
    {MESSAGE_INFORMATION_REPLY, "information-reply"},
    {MESSAGE_ASSISTANCE_REPORT, "assistance-report"},
    {MESSAGE_ESCALATION_REPLY, "escalation-reply"},
    {MESSAGE_ARCHIVE, "archive"},
    {MESSAGE_REOPEN, "re-open"},
    {MESSAGE_FOLLOW_UP_PLAN, "follow-up-plan"},
    {MESSAGE_FOLLOW_UP_REPORT, "follow-up-report"},
    {MESSAGE_CONSULTATION, "consultation"},
    {MESSAGE_CONFERENCE, "case-conference"},
    {MESSAGE_PROMISE_REPORT, "promise-report"},
    {MESSAGE_MEETING_NOTICE, "meeting-notice"},
    {MESSAGE_MEETING_REPLY, "meeting-reply"},
    {MESSAGE_HEARING_INVITATION, "hearing-invitation"},
    {MESSAGE_HEARING_REPLY, "hearing-reply"},
    {MESSAGE_HEARING_OPINION, "hearing-opinion"},
    {MESSAGE_ROSTER_CHANGE, "roster-change"},
    {MESSAGE_ROSTER, "roster"},
    {MESSAGE_FUND_PLAN, "fund-plan"},
    {MESSAGE_FUND_PAYMENT, "fund-payment"},
    {MESSAGE_LETTER, "letter"},
    {MESSAGE_LETTER_ANSWER, "letter-answer"},
    {MESSAGE_CORRECTION, "correction"},
    {MESSAGE_DELIVERY_NOTICE, "delivery-notice"},
    {MESSAGE_REMINDER, "reminder"},
    {MESSAGE_ESCALATION, "escalation"},
    {MESSAGE_RESOLVED, "resolved"},
    {MESSAGE_REDATING, "re-dating"},
    {MESSAGE_RETURNED, "returned"},
};

#define KIND_ROWS (sizeof(kind_rows) / sizeof(kind_rows[0]))

const char *message_kind_name(enum message_kind kind)
{
    for (size_t i = 0; i < KIND_ROWS; i++) {
        if (kind_rows[i].kind == kind) {
            return kind_rows[i].name;
        }
    }
    return "unknown";
}

enum message_kind message_kind_parse(const char *name)
{
    for (size_t i = 0; i < KIND_ROWS; i++) {
        if (strcmp(kind_rows[i].name, name) == 0) {
            return kind_rows[i].kind;
        }
    }
    return MESSAGE_NONE;
}

bool message_kind_from_agency(enum message_kind kind)
{
    return kind > MESSAGE_NONE && kind < MESSAGE_AGENCY_KIND_COUNT;
}

bool message_kind_from_broker(enum message_kind kind)
{
    return kind >= MESSAGE_DELIVERY_NOTICE && kind <= MESSAGE_RETURNED;
}

/* Where the facts of a kind name a referral; 0: nowhere. */
static size_t about_offset(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_OUTBOUND_REFERRAL:
    case MESSAGE_INBOUND_REFERRAL:
        return offsetof(struct message, referral.previous);
    case MESSAGE_INFORMATION_REQUEST:
        return offsetof(struct message, information.about);
    case MESSAGE_CONSULTATION:
        return offsetof(struct message, consultation.about);
    case MESSAGE_CONFERENCE:
        return offsetof(struct message, conference.about);
    case MESSAGE_HEARING_INVITATION:
        return offsetof(struct message, hearing.about);
    case MESSAGE_LETTER:
        return offsetof(struct message, letter.about);
    default:
        return 0;
    }
}

static struct uuid about_of(const struct message *message)
{
    size_t offset = about_offset(message->header.kind);
    struct uuid about = {{0}};
    if (offset != 0) {
        memcpy(&about, (const uint8_t *)message + offset, sizeof(about));
    }
    return about;
}

void message_name_referral(struct message *message, const struct uuid *referral_id)
{
    size_t offset = about_offset(message->header.kind);
    if (offset != 0) {
        memcpy((uint8_t *)message + offset, referral_id, sizeof(*referral_id));
    }
}

struct message_reference message_reference(const struct message *message)
{
    bool referral = message->header.kind == MESSAGE_OUTBOUND_REFERRAL ||
                    message->header.kind == MESSAGE_INBOUND_REFERRAL;
    struct message_reference reference = {.referral_id = about_of(message)};
    if (uuid_is_zero(&reference.referral_id)) {
        return reference;
    }
    reference.case_id = referral && !uuid_is_zero(&message->referral.previous_case)
                            ? message->referral.previous_case
                            : message->header.case_id;
    return reference;
}

bool message_kind_of_matter(enum message_kind kind)
{
    return kind >= MESSAGE_INFORMATION_REQUEST && kind < MESSAGE_AGENCY_KIND_COUNT &&
           kind != MESSAGE_ASSISTANCE_REPORT && kind != MESSAGE_ESCALATION_REPLY &&
           kind != MESSAGE_CORRECTION;
}

bool agency_set_has(const struct agency_set *set, uint16_t number)
{
    return number < 8u * AGENCY_SET_BYTES && (set->bits[number / 8] >> number % 8 & 1) != 0;
}

void agency_set_add(struct agency_set *set, uint16_t number)
{
    assert(number < 8u * AGENCY_SET_BYTES);
    set->bits[number / 8] |= (uint8_t)(1u << number % 8);
}

bool agency_set_empty(const struct agency_set *set)
{
    static const struct agency_set none;
    return memcmp(set, &none, sizeof(none)) == 0;
}

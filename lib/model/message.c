/* How: a const table of the kinds' names; which side sends a kind follows from its number. */
#include "model/message.h"

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

/* How: one const table from number to name, hint and class. A stranger's number has a row of its
 * own, so that no caller meets NULL. */
#include "model/refusal.h"

#include <stddef.h>

enum refusal_class { CLASS_REQUEST, CLASS_RETRY, CLASS_RECORDED };

struct refusal_row {
    enum refusal refusal;
    enum refusal_class class;
    const char *name;
    const char *hint;
};

static const struct refusal_row refusal_rows[] = {
    {REFUSAL_NONE, CLASS_REQUEST, "ok", "Nothing is to be done."},
    {REFUSAL_MALFORMED, CLASS_REQUEST, "request.malformed",
     "Send a request within the bounds of docs/protocol.md."},
    {REFUSAL_VERSION, CLASS_REQUEST, "request.version", "Use protocol version 1."},
    {REFUSAL_SUITE, CLASS_REQUEST, "request.suite", "Use the suite of this deployment."},
    {REFUSAL_AGENCY_UNKNOWN, CLASS_REQUEST, "request.agency-unknown",
     "Ask the administrator to add the agency to the registry."},
    {REFUSAL_KEY_UNKNOWN, CLASS_REQUEST, "request.key-unknown",
     "Sign with a key that the broker knows and that is valid now."},
    {REFUSAL_SIGNATURE, CLASS_REQUEST, "request.signature",
     "Sign the root over the head and all payloads, as docs/protocol.md says."},
    {REFUSAL_BROKER_OTHER, CLASS_REQUEST, "request.broker-other",
     "Address the request to this broker's origin."},
    {REFUSAL_SESSION, CLASS_REQUEST, "request.session", "Say HELLO and send the request again."},
    {REFUSAL_REPLAYED, CLASS_REQUEST, "request.replayed", "Use each counter once, counting up."},
    {REFUSAL_STORE_FULL, CLASS_RETRY, "busy.store-full",
     "Send the same again later; the administrator must make room."},
    {REFUSAL_QUEUE_FULL, CLASS_RETRY, "busy.queue-full",
     "Send the same again when the receiver has fetched."},
    {REFUSAL_RATE, CLASS_RETRY, "busy.rate", "Wait a minute and mend what is refused."},
    {REFUSAL_SUPERSEDED, CLASS_RETRY, "busy.superseded", "Keep one FETCH at a time."},
    {REFUSAL_STOPPING, CLASS_RETRY, "busy.stopping", "Send the same again shortly."},
    {REFUSAL_CLOCK, CLASS_RETRY, "busy.clock", "Set the agency's clock and send again."},
    {REFUSAL_PAYLOAD, CLASS_RECORDED, "message.malformed",
     "Encode the payload as docs/protocol.md says, without unknown fields."},
    {REFUSAL_SENDER, CLASS_RECORDED, "message.sender", "Name the signing agency as the sender."},
    {REFUSAL_RECIPIENT, CLASS_RECORDED, "message.recipient",
     "Name another agency of the registry as the recipient."},
    {REFUSAL_KIND, CLASS_RECORDED, "message.kind", "Send one of the kinds that agencies send."},
    {REFUSAL_POLICY, CLASS_RECORDED, "policy.not-allowed",
     "The policy file says who may send what to whom; its administrator can allow it."},
    {REFUSAL_ID_REUSED, CLASS_RECORDED, "message.id-reused",
     "Give every message an id of its own."},
    {REFUSAL_NUMBER, CLASS_RECORDED, "message.number",
     "Use the next free number of your own agency."},
    {REFUSAL_REFERRAL_UNKNOWN, CLASS_RECORDED, "referral.unknown",
     "Name a referral that the broker has accepted."},
    {REFUSAL_REFERRAL_EXISTS, CLASS_RECORDED, "referral.exists",
     "Give a new referral an id of its own."},
    {REFUSAL_NOT_PARTY, CLASS_RECORDED, "referral.not-party",
     "Only the party that this is due from may send it."},
    {REFUSAL_STATE, CLASS_RECORDED, "referral.state",
     "Look at the referral: this is not possible in its present state."},
    {REFUSAL_FACT_MISSING, CLASS_RECORDED, "fact.missing", "Fill the named field."},
    {REFUSAL_FACT_INVALID, CLASS_RECORDED, "fact.invalid",
     "Correct the named field; docs/messages.md lists what is allowed."},
    {REFUSAL_MATERIAL_MISSING, CLASS_RECORDED, "material.missing",
     "Add the named material, or say by a code why it is missing (Art. 7)."},
    {REFUSAL_ADVANCE_REASON, CLASS_RECORDED, "advance.reason",
     "Say why the referral is made before the procedure ends (Art. 8)."},
    {REFUSAL_ALREADY, CLASS_RECORDED, "referral.already", "It was done before; nothing changes."},
    {REFUSAL_TASK_UNKNOWN, CLASS_RECORDED, "task.unknown", "Name a task that is open."},
    {REFUSAL_REFERS_TO, CLASS_RECORDED, "message.refers-to",
     "Refer to a message of the same referral."},
    {REFUSAL_DELIVERY, CLASS_RECORDED, "delivery.unknown",
     "Acknowledge what was fetched and was not acknowledged before."},
    {REFUSAL_SEALING, CLASS_RECORDED, "message.sealing",
     "Seal the body to the sender's and the recipient's keys, padded to a class."},
    {REFUSAL_REGISTER_NUMBER, CLASS_RECORDED, "register-number",
     "Use the next register number of your own agency."},
    {REFUSAL_CASE_ARCHIVED, CLASS_RECORDED, "case.archived",
     "Re-open the case first, or open a new case and link it."},
    {REFUSAL_CASE_NOT_ARCHIVED, CLASS_RECORDED, "case.not-archived",
     "Archive the case first (Art. 16)."},
    {REFUSAL_CASE_CLOCKS, CLASS_RECORDED, "case.open-clocks",
     "Wait until every window and task of the case has ended, or withdraw the referral."},
    {REFUSAL_CASE_UNKNOWN, CLASS_RECORDED, "case.unknown", "Name a case that the broker knows."},
    {REFUSAL_MATTER_UNKNOWN, CLASS_RECORDED, "matter.unknown",
     "Name a matter that the broker has accepted."},
    {REFUSAL_MATTER_EXISTS, CLASS_RECORDED, "matter.exists",
     "Give a new matter an id and a number of its own."},
    {REFUSAL_MATTER_CLOSED, CLASS_RECORDED, "matter.closed",
     "Open a new matter: this one has ended."},
    {REFUSAL_MATTER_MEMBER, CLASS_RECORDED, "matter.not-member",
     "Only its owner and its members speak in a matter, and to each other."},
    {REFUSAL_DUTY, CLASS_RECORDED, "duty.unknown", "Name an open duty of your own agency."},
    {REFUSAL_DATE, CLASS_RECORDED, "fact.date", "Give dates that lie ahead, in rising order."},
    {REFUSAL_PREVIOUS, CLASS_RECORDED, "referral.previous",
     "Name a referral of the same household to which this link is possible."},
    {REFUSAL_HOPS, CLASS_RECORDED, "referral.hops",
     "Ask the joint-meeting office: it was sent on as often as the policy allows."},
    {REFUSAL_DOCUMENT, CLASS_RECORDED, "document.unknown",
     "Name an open document that asks your own agency."},
    {REFUSAL_MINOR, CLASS_RECORDED, "minor.required",
     "Add what Art. 17-20 demand for a minor: the field says which."},
    {REFUSAL_OFFICE, CLASS_RECORDED, "office.only",
     "Ask the joint-meeting office to send it (Art. 13)."},
    {REFUSAL_AGENCY_LEFT, CLASS_RECORDED, "agency.left",
     "Turn to its successor, which acts for it: the field names it."},
};

static const struct refusal_row stranger = {REFUSAL_NONE, CLASS_REQUEST, "unknown",
                                            "Update this program: it does not know the code."};

static const struct refusal_row *row_of(enum refusal refusal)
{
    for (size_t i = 0; i < sizeof(refusal_rows) / sizeof(refusal_rows[0]); i++) {
        if (refusal_rows[i].refusal == refusal) {
            return &refusal_rows[i];
        }
    }
    return &stranger;
}

const char *refusal_name(enum refusal refusal)
{
    return row_of(refusal)->name;
}

const char *refusal_hint(enum refusal refusal)
{
    return row_of(refusal)->hint;
}

bool refusal_retryable(enum refusal refusal)
{
    return row_of(refusal)->class == CLASS_RETRY;
}

bool refusal_recorded(enum refusal refusal)
{
    return row_of(refusal)->class == CLASS_RECORDED;
}

/* How: one const table from number to name, hint and class. A stranger's number has a row of its
 * own, so that no caller meets NULL. */
#include "model/refusal.h"

#include <stddef.h>

enum refusal_class { CLASS_REQUEST, CLASS_RETRY, CLASS_RECORDED };

struct refusal_row {
    enum refusal refusal;
    enum refusal_class class;
    const char *name;
    const char *meaning;
    const char *hint;
};

static const struct refusal_row refusal_rows[] = {
    {REFUSAL_NONE, CLASS_REQUEST, "ok", "It was taken.", "Nothing is to be done."},
    {REFUSAL_MALFORMED, CLASS_REQUEST, "request.malformed",
     "The bytes are no request within the bounds.",
     "Send a request within the bounds of docs/protocol.md."},
    {REFUSAL_VERSION, CLASS_REQUEST, "request.version", "The protocol version is not known here.",
     "Use protocol version 1."},
    {REFUSAL_SUITE, CLASS_REQUEST, "request.suite",
     "The cryptographic suite is not that of this deployment.",
     "Use the suite of this deployment."},
    {REFUSAL_AGENCY_UNKNOWN, CLASS_REQUEST, "request.agency-unknown",
     "No agency of the registry has this id.",
     "Ask the administrator to add the agency to the registry."},
    {REFUSAL_KEY_UNKNOWN, CLASS_REQUEST, "request.key-unknown",
     "The agency has no such key, or it is not valid now.",
     "Sign with a key that the broker knows and that is valid now."},
    {REFUSAL_SIGNATURE, CLASS_REQUEST, "request.signature", "The signature does not verify.",
     "Sign the root over the head and all payloads, as docs/protocol.md says."},
    {REFUSAL_BROKER_OTHER, CLASS_REQUEST, "request.broker-other",
     "The request is addressed to another broker.", "Address the request to this broker's origin."},
    {REFUSAL_SESSION, CLASS_REQUEST, "request.session",
     "The session is not of this run of the broker.", "Say HELLO and send the request again."},
    {REFUSAL_REPLAYED, CLASS_REQUEST, "request.replayed",
     "This counter was seen before, or is too old.", "Use each counter once, counting up."},
    {REFUSAL_BLOB_SIZE, CLASS_REQUEST, "attachment.size",
     "The size is none of an attachment's, another than was announced, or goes beyond it.",
     "Announce the size of all sealed bytes, the same each time, at most that of 20 MiB."},
    {REFUSAL_BLOB_DIGEST, CLASS_REQUEST, "attachment.digest",
     "The uploaded bytes have another digest; they were discarded.",
     "Send the bytes that have this digest, from the beginning."},
    {REFUSAL_BLOB_UNKNOWN, CLASS_REQUEST, "attachment.unknown",
     "No message from or to this agency refers to complete bytes of this digest.",
     "Ask for what a message that this agency sent or got refers to."},
    {REFUSAL_CERTIFICATE, CLASS_REQUEST, "request.certificate",
     "The certificate of the connection is another's than the signature, or not the one "
     "registered.",
     "Dial with the agency's own certificate: its common name is the agency's id; where the public "
     "keys have a row of use tls, it is that one."},
    {REFUSAL_LOG_OTHER, CLASS_REQUEST, "request.log-other",
     "The broker's log goes on under another origin.",
     "Check the recoveries in the reply, accept the new log, hand back what it lacks."},
    {REFUSAL_STORE_FULL, CLASS_RETRY, "busy.store-full",
     "The broker keeps the rest of its store for receipts and the log.",
     "Send the same again later; the administrator must make room."},
    {REFUSAL_QUEUE_FULL, CLASS_RETRY, "busy.queue-full",
     "As many messages wait for the agency that the detail names as may wait.",
     "Send the same again when it has fetched."},
    {REFUSAL_RATE, CLASS_RETRY, "busy.rate",
     "Too many of this signer were refused within a minute, or one request went to too many.",
     "Send the same again later, and mend what is refused."},
    {REFUSAL_SUPERSEDED, CLASS_RETRY, "busy.superseded",
     "A newer FETCH of the same agency took the place of this one.", "Keep one FETCH at a time."},
    {REFUSAL_STOPPING, CLASS_RETRY, "busy.stopping", "The broker is shutting down.",
     "Send the same again shortly."},
    {REFUSAL_CLOCK, CLASS_RETRY, "busy.clock", "The agency's clock is too far off to be recorded.",
     "Set the agency's clock and send again."},
    {REFUSAL_UPLOADS, CLASS_RETRY, "busy.uploads",
     "As many uploads of this agency wait for a message that refers to them as may wait.",
     "Send the messages that refer to them; what none refers to is collected after 7 days."},
    {REFUSAL_SUSPENDED, CLASS_RETRY, "agency.suspended",
     "The agency is suspended: it sends nothing new, and what is for it waits.",
     "Ask the administrator why; the same goes out when the agency is resumed."},
    {REFUSAL_RECOVERING, CLASS_RETRY, "busy.recovering",
     "The broker was restored from an old copy, and what it lacks is not all handed back.",
     "Send the same again later; nothing that was acknowledged is lost."},
    {REFUSAL_PAYLOAD, CLASS_RECORDED, "message.malformed",
     "Payload, header or facts are malformed or have unknown fields.",
     "Encode the payload as docs/protocol.md says, without unknown fields."},
    {REFUSAL_SENDER, CLASS_RECORDED, "message.sender",
     "The header's sender is not the agency that signed.",
     "Name the signing agency as the sender."},
    {REFUSAL_RECIPIENT, CLASS_RECORDED, "message.recipient",
     "A recipient or copy is no agency, has no system, is the sender or named twice, or may not be "
     "there.",
     "Name another agency of the registry as the recipient."},
    {REFUSAL_KIND, CLASS_RECORDED, "message.kind",
     "The kind is unknown, or none that agencies send.",
     "Send one of the kinds that agencies send."},
    {REFUSAL_POLICY, CLASS_RECORDED, "policy.not-allowed",
     "The policy does not let this agency send this kind to that one.",
     "The policy file says who may send what to whom; its administrator can allow it."},
    {REFUSAL_ID_REUSED, CLASS_RECORDED, "message.id-reused",
     "The message id was used for another message.", "Give every message an id of its own."},
    {REFUSAL_NUMBER, CLASS_RECORDED, "message.number",
     "A number is malformed, another agency's, or belongs to something else.",
     "Use the next free number of your own agency."},
    {REFUSAL_REFERRAL_UNKNOWN, CLASS_RECORDED, "referral.unknown", "There is no such referral.",
     "Name a referral that the broker has accepted."},
    {REFUSAL_REFERRAL_EXISTS, CLASS_RECORDED, "referral.exists",
     "A referral with this id is there already.", "Give a new referral an id of its own."},
    {REFUSAL_NOT_PARTY, CLASS_RECORDED, "referral.not-party",
     "The sender is not the party that may do this.",
     "Only the party that this is due from may send it."},
    {REFUSAL_STATE, CLASS_RECORDED, "referral.state",
     "The referral is in a state in which this is not possible.",
     "Look at the referral: this is not possible in its present state."},
    {REFUSAL_FACT_MISSING, CLASS_RECORDED, "fact.missing",
     "A mandatory fact or field of the body is missing.", "Fill the named field."},
    {REFUSAL_FACT_INVALID, CLASS_RECORDED, "fact.invalid",
     "A fact is out of range, no word of the agreement, or contradicts another.",
     "Correct the named field; docs/messages.md lists what is allowed."},
    {REFUSAL_MATERIAL_MISSING, CLASS_RECORDED, "material.missing",
     "A mandatory material is neither there nor has a reason.",
     "Add the named material, or say by a code why it is missing (Art. 7)."},
    {REFUSAL_ADVANCE_REASON, CLASS_RECORDED, "advance.reason",
     "A referral in advance does not say why.",
     "Say why the referral is made before the procedure ends (Art. 8)."},
    {REFUSAL_ALREADY, CLASS_RECORDED, "referral.already",
     "It was signed for, answered, withdrawn or reported before.",
     "It was done before; nothing changes."},
    {REFUSAL_TASK_UNKNOWN, CLASS_RECORDED, "task.unknown", "The referral has no such open task.",
     "Name a task that is open."},
    {REFUSAL_REFERS_TO, CLASS_RECORDED, "message.refers-to",
     "The message that it refers to is not of the same referral or matter, or is not named.",
     "Refer to a message of the same referral."},
    {REFUSAL_DELIVERY, CLASS_RECORDED, "delivery.unknown",
     "It acknowledges what is not queued for this agency.",
     "Acknowledge what was fetched and was not acknowledged before."},
    {REFUSAL_SEALING, CLASS_RECORDED, "message.sealing",
     "The body is sealed to other readers than its addressees and its sender, or its padding, "
     "suite or presence is wrong.",
     "Seal the body to the keys of the sender, the recipient and all copies, padded to a class."},
    {REFUSAL_REGISTER_NUMBER, CLASS_RECORDED, "register-number",
     "The register number is malformed or another agency's.",
     "Use the next register number of your own agency."},
    {REFUSAL_CASE_ARCHIVED, CLASS_RECORDED, "case.archived",
     "The case is archived and takes no referral.",
     "Re-open the case first, or open a new case and link it."},
    {REFUSAL_CASE_NOT_ARCHIVED, CLASS_RECORDED, "case.not-archived", "The case is not archived.",
     "Archive the case first (Art. 16)."},
    {REFUSAL_CASE_CLOCKS, CLASS_RECORDED, "case.open-clocks",
     "A window or a task of the case is open.",
     "Wait until every window and task of the case has ended, or withdraw the referral."},
    {REFUSAL_CASE_UNKNOWN, CLASS_RECORDED, "case.unknown",
     "There is no such case, or the sender has no part in it.",
     "Name a case that the broker knows."},
    {REFUSAL_MATTER_UNKNOWN, CLASS_RECORDED, "matter.unknown", "There is no such matter.",
     "Name a matter that the broker has accepted."},
    {REFUSAL_MATTER_EXISTS, CLASS_RECORDED, "matter.exists",
     "A matter with this id or number is there already.",
     "Give a new matter an id and a number of its own."},
    {REFUSAL_MATTER_CLOSED, CLASS_RECORDED, "matter.closed", "The matter has ended.",
     "Open a new matter: this one has ended."},
    {REFUSAL_MATTER_MEMBER, CLASS_RECORDED, "matter.not-member",
     "The sender or an addressee is not a member of the matter.",
     "Only its owner and its members speak in a matter, and to each other."},
    {REFUSAL_DUTY, CLASS_RECORDED, "duty.unknown",
     "The sender has no such open duty in the matter.", "Name an open duty of your own agency."},
    {REFUSAL_DATE, CLASS_RECORDED, "fact.date", "A date is past, or not in order.",
     "Give dates that lie ahead, in rising order."},
    {REFUSAL_PREVIOUS, CLASS_RECORDED, "referral.previous",
     "The referral that it follows is not known, or does not allow this link.",
     "Name a referral of the same household to which this link is possible."},
    {REFUSAL_HOPS, CLASS_RECORDED, "referral.hops",
     "The household was referred on as often as the policy allows.",
     "Ask the joint-meeting office: it was sent on as often as the policy allows."},
    {REFUSAL_DOCUMENT, CLASS_RECORDED, "document.unknown",
     "No open document with this number asks the sender.",
     "Name an open document that asks your own agency."},
    {REFUSAL_MINOR, CLASS_RECORDED, "minor.required",
     "What Art. 17-20 demand for a minor is missing.",
     "Add what Art. 17-20 demand for a minor: the field says which."},
    {REFUSAL_OFFICE, CLASS_RECORDED, "office.only",
     "Only the joint-meeting office may send this, or be sent it.",
     "Ask the joint-meeting office to send it (Art. 13)."},
    {REFUSAL_AGENCY_LEFT, CLASS_RECORDED, "agency.left",
     "The agency has handed over its work; its successor acts for it.",
     "Turn to its successor, which acts for it: the field names it."},
    {REFUSAL_ATTACHMENT, CLASS_RECORDED, "attachment.missing",
     "A digest names sealed bytes that the sender has not uploaded whole, or of another size.",
     "Upload them with BLOB-PUT before the message, or say by a code why they are missing."},
    {REFUSAL_CASE_FULL, CLASS_RECORDED, "case.full",
     "The case has as many referrals and matters as the policy allows.",
     "Go on in a matter that is open, or open a new case and link it."},
};

static const struct refusal_row stranger = {REFUSAL_NONE, CLASS_REQUEST, "unknown",
                                            "This code is not known here.",
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

const char *refusal_meaning(enum refusal refusal)
{
    return row_of(refusal)->meaning;
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

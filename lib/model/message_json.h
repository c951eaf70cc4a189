/* The JSON form of messages: what `referralctl agent send FILE.json` takes and `show` prints.
 *
 * docs/messages.md is the contract, with an example of each; a test parses every example. Reading
 * gives exact field paths, reasons and allowed values in faults. Bodies are personal data: nothing
 * here logs or keeps them. Pure; any thread. */
#ifndef REFERRAL_MODEL_MESSAGE_JSON_H
#define REFERRAL_MODEL_MESSAGE_JSON_H

#include "base/json.h"
#include "model/message.h"

#define DRAFT_RECIPIENTS_MAX LIMIT_MEMBERS

/* What a file says. The agent makes the ids, the header and what is left empty. */
struct message_draft {
    struct message message; /* kind, refers_to, facts and body_fields; the rest is zero */
    struct body body;
    char recipients[DRAFT_RECIPIENTS_MAX][LIMIT_AGENCY_ID_BYTES]; /* may be empty where the agent */
    size_t recipient_count;               /* knows them; referrals: 1 or more */
    char case_number[LIMIT_NUMBER_BYTES]; /* new referrals and matters: empty for a new case, or
                                             none */
    char referral[UUID_TEXT_BYTES]; /* a referral's number or id; may be empty where the command */
                                    /* names it */
    char matter[UUID_TEXT_BYTES];   /* a matter's number or id; likewise */
    char about[UUID_TEXT_BYTES]; /* a referral's number or id: what a matter is about, or what a new
                                  */
                                 /* referral follows; may be empty */
};

/* Reads a message of `kind` (MESSAGE_NONE: the file's "kind" says; when both are there they must
 * agree). Texts are borrowed from the document, arrays from the region. */
enum err message_json_read(const struct json_value *root, enum message_kind kind,
                           struct region *region, struct message_draft *ret_draft,
                           struct fault *fault) MUST_CHECK;

/* Writes one object each; the names and ids are those that are read. */
void message_json_write_header(struct json_writer *writer, const struct message_header *header);
void message_json_write_facts(struct json_writer *writer, const struct message *message);
void message_json_write_body(struct json_writer *writer, const struct body *body);

#endif

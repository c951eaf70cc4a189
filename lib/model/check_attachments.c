/* How: attachments of a body stand in the order of the files that they open, so that one walk over
 * both finds what is missing, twice there, or of nothing. Only agencies see them; the broker sees
 * that there are any (facts.body_fields) and whether the sealed bytes were uploaded (decide). */
#include "check_parts.h"
#include "model/attachment.h"

/* The largest sealed form that the broker takes fits what the formula says of the largest file. */
_Static_assert(ATTACHMENT_SEALED_MAX < UINT32_MAX, "sizes of attachments fit 32 bits");

bool check_attached(struct check *check)
{
    static const struct digest none = {{0}};
    const struct message *message = check->message;
    if (message->attachment_count != 0 && !message_kind_attaches(message->header.kind)) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.attachments: %s has none",
                            message_kind_name(message->header.kind));
    }
    if (message->attachment_count > LIMIT_MATERIALS) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.attachments: expected at most %u",
                            LIMIT_MATERIALS);
    }
    for (size_t i = 0; i < message->attachment_count; i++) {
        const struct attached *attached = &message->attachments[i];
        if (digest_equal(&attached->digest, &none)) {
            return check_refuse(check, REFUSAL_FACT_INVALID,
                                "facts.attachments[%zu].digest: expected a digest", i);
        }
        if (attached->sealed_bytes == 0 || attached->sealed_bytes > ATTACHMENT_SEALED_MAX) {
            return check_refuse(check, REFUSAL_FACT_INVALID,
                                "facts.attachments[%zu].sealed_bytes: expected the size", i);
        }
    }
    return true;
}

static bool check_one(struct check *check, const struct body_attachment *attachment,
                      const struct blob_ref *ref)
{
    if (attachment->material != ref->material) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.attachments: not those of %s, in their order",
                            message_blob_list(check->message->header.kind));
    }
    if (attachment_sealed_bytes(attachment->plain_bytes) != ref->sealed_bytes) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.attachments: a size that %s contradicts",
                            message_blob_list(check->message->header.kind));
    }
    if (!attachment_name_valid(attachment->name) ||
        vocabulary_find(VOCABULARY_ATTACHMENT, attachment->type) == NULL ||
        attachment_type_of_name(attachment->name) != attachment->type) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.attachments: no name or type of a file");
    }
    return true;
}

bool check_attachments(struct check *check, const struct body *body)
{
    bool required = check->ctx->policy->attachments_required;
    struct blob_ref ref;
    size_t at = 0;
    size_t done = 0;
    while (message_blob_next(check->message, &at, &ref)) {
        bool there = done < body->attachment_count;
        bool skipped = there && body->attachments[done].material > ref.material;
        if ((!there || skipped) && required) {
            return check_reject(check, REJECTION_MISSING, REFUSAL_FACT_MISSING,
                                "body.attachments: nothing opens %s[%zu]",
                                message_blob_list(check->message->header.kind), ref.material);
        }
        if (!there || skipped) {
            continue;
        }
        if (!check_one(check, &body->attachments[done], &ref)) {
            return false;
        }
        done++;
    }
    return done == body->attachment_count ||
           check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                        "body.attachments: of no file that is there");
}

/* How: attachments stand in the order of the materials that they open, so that one walk over both
 * finds what is missing, twice there, or of nothing. Only agencies see them; the broker sees that
 * there are any (facts.body_fields) and whether the sealed bytes were uploaded (decide). */
#include "check_parts.h"
#include "model/attachment.h"

/* The largest sealed form that the broker takes fits what the formula says of the largest file. */
_Static_assert(ATTACHMENT_SEALED_MAX < UINT32_MAX, "sizes of attachments fit 32 bits");

static bool check_one(struct check *check, const struct body_attachment *attachment,
                      const struct blob_ref *ref)
{
    if (attachment->material != ref->material) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.attachments: not those of facts.materials, in their order");
    }
    if (attachment_sealed_bytes(attachment->plain_bytes) != ref->sealed_bytes) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.attachments: a size that facts.materials contradicts");
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
                                "body.attachments: nothing opens facts.materials[%zu]",
                                ref.material);
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
                        "body.attachments: of no material that is there");
}

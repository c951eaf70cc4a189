/* A rung that the broker raised before its time, by what it signed itself: the record of the notice
 * has the time at which it was raised, the notice when the rung fell due, and by which policy and
 * calendar that was counted. So it contradicts itself where the first is before the second; and
 * where the file has that very policy and calendar, by their digests, also where the day that is
 * counted from them and from the window in the notice is later. That a rung was never raised is not
 * seen here: nobody can show what he was not given. See dossier.h. */
#include <string.h>

#include "dossier.h"
#include "wire/envelope.h"

static bool is_raised(struct dossier *dossier, const struct delivery *delivery,
                      const struct leaf_record *record, struct message *ret_notice)
{
    struct payload payload;
    struct digest digest;

    if (strcmp(record->actor, BROKER_AGENCY) != 0 ||
        payload_split(delivery->payload, &payload, NULL) != OK) {
        return false;
    }
    digest = message_digest(&payload);
    return digest_equal(&digest, &record->message_digest) &&
           header_decode(payload.header, &dossier->region, &ret_notice->header, NULL) == OK &&
           (ret_notice->header.kind == MESSAGE_REMINDER ||
            ret_notice->header.kind == MESSAGE_ESCALATION) &&
           message_decode(&payload, &dossier->region, ret_notice, NULL) == OK;
}

/* Are those in the file the ones that the notice was counted by? */
static bool has_rules(const struct dossier *dossier, const struct notice_facts *facts)
{
    const struct evidence_part *policy = evidence_find(&dossier->evidence, "policy", "policy.yaml");
    struct hasher hasher;
    struct digest digest;

    if (!dossier->has_ladder || dossier->days.version[0] == '\0') {
        return false;
    }
    hasher_init(&hasher);
    hasher_add(&hasher, policy->bytes.data, policy->bytes.len);
    digest = hasher_end(&hasher);
    hasher_init(&hasher);
    hasher_add(&hasher, digest.bytes, DIGEST_BYTES);
    hasher_add(&hasher, dossier->days.digest.bytes, DIGEST_BYTES);
    digest = hasher_end(&hasher);
    return digest_equal(&digest, &facts->rules_digest);
}

static uint64_t counted_ms(const struct dossier *dossier, const struct notice_facts *facts)
{
    const struct window_read window = {facts->arrival_ms, facts->working_days,
                                       facts->due_before_ms};
    int32_t repeat = 0;
    const struct step *step = ladder_step(&dossier->ladder, facts->rung, &repeat);
    uint64_t due_ms = 0;

    return step != NULL && ladder_due(step, repeat, &dossier->days, &window, &due_ms) ? due_ms : 0;
}

void dossier_judge_rung(struct dossier *dossier, const struct delivery *delivery,
                        const struct leaf_record *record)
{
    struct message *notice = region_take(&dossier->region, sizeof *notice);
    uint64_t due_ms;

    if (notice == NULL || !is_raised(dossier, delivery, record, notice)) {
        return;
    }
    due_ms = notice->notice.fell_due_ms;
    if (record->at_ms >= due_ms && has_rules(dossier, &notice->notice)) {
        due_ms = counted_ms(dossier, &notice->notice);
    }
    if (record->at_ms < due_ms) {
        dossier_prove(dossier, "lie.early", "reply", "%s, %s", notice->notice.rung,
                      notice->header.referral_number);
    }
}

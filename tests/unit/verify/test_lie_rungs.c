/* verify/lie_rungs: a rung that the broker raised before its time is proven by the notice and its
 * record; by the count, only where the file has the very policy and calendar that the notice names.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_start.h"
#include "model/calendar.h"
#include "unit/suite.h"
#include "verify/dossier.h"
#include "wire/envelope.h"

#define START_MS UINT64_C(1772413200000) /* 2026-03-02 09:00 +08:00, a Monday */
#define DAY_MS   UINT64_C(86400000)
#define POLICY   "hop-limit: 3\n" /* the rest as the agreement has it */

static struct calendar *calendar;
static struct buf days;
static uint64_t due_ms; /* of due-1: 24:00 of the 20th working day */

static void setup(void)
{
    struct due_date due;

    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(calendar_new(&calendar), OK);
    calendar_seal(calendar);
    buf_init(&days, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(calendar_write(calendar, &days), OK);
    calendar_due(calendar, START_MS, 20, &due);
    due_ms = due.due_before_ms;
}

static void teardown(void)
{
    calendar_free(calendar);
    buf_free(&days);
}

static struct digest rules(void)
{
    const struct digest policy = crypto_digest(span_text(POLICY));
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, policy.bytes, DIGEST_BYTES);
    hasher_add(&hasher, calendar_digest(calendar)->bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

struct story {              /* zeroed: due-1, when it is due */
    uint64_t early_ms;      /* that it is raised before that */
    bool covered;           /* the notice says that it fell due when it was raised */
    bool other_rules;       /* by which it was counted; the file has not those */
    bool without_rules;     /* the file has none */
    bool other_record;      /* of another message */
    bool by_agency;         /* the record says so */
    enum message_kind kind; /* 0: an escalation */
};

static struct message notice_of(const struct story *story)
{
    struct message notice = {.header = {.version = WIRE_VERSION,
                                        .suite = crypto_suite(),
                                        .kind = story->kind != 0 ? story->kind : MESSAGE_ESCALATION,
                                        .message_id = {.bytes = {1}},
                                        .case_id = {.bytes = {2}},
                                        .referral_id = {.bytes = {3}},
                                        .created_ms = due_ms - story->early_ms,
                                        .sender = BROKER_AGENCY,
                                        .recipient = "education",
                                        .referral_number = "JZ-2026-0001-01"}};
    struct notice_facts *facts = &notice.notice;

    text_copy(facts->rung, sizeof(facts->rung), "due-1");
    text_copy(facts->calendar_version, sizeof(facts->calendar_version), calendar_version(calendar));
    facts->window = 1;
    facts->arrival_ms = START_MS;
    facts->working_days = 20;
    facts->due_before_ms = due_ms;
    facts->fell_due_ms = story->covered ? due_ms - story->early_ms : due_ms;
    facts->rules_digest = rules();
    facts->rules_digest.bytes[0] ^= story->other_rules ? 1 : 0;
    return notice;
}

static void judge(const struct story *story, struct dossier *dossier)
{
    const struct message notice = notice_of(story);
    struct evidence_part parts[] = {
        {.kind = "calendar", .name = "days", .bytes = span_buf(&days)},
        {.kind = "policy", .name = "policy.yaml", .bytes = span_text(POLICY)}};
    struct leaf_record record = {.kind = LEAF_MESSAGE, .at_ms = due_ms - story->early_ms};
    struct delivery delivery = {.leaf_index = 8};
    struct buf header, facts, payload;

    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    buf_init(&payload, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(header_encode(&notice.header, &header), OK);
    ck_assert_int_eq(facts_encode(&notice, &facts), OK);
    const struct payload split = {.header = span_buf(&header), .facts = span_buf(&facts)};
    ck_assert_int_eq(payload_encode(&split, &payload), OK);
    delivery.payload = span_buf(&payload);
    record.message_digest = message_digest(&split);
    record.message_digest.bytes[0] ^= story->other_record ? 1 : 0;
    text_copy(record.actor, sizeof(record.actor), story->by_agency ? "education" : BROKER_AGENCY);

    region_init(&dossier->region, 1u << 20);
    dossier->evidence =
        (struct evidence){.parts = parts, .part_count = story->without_rules ? 0 : 2};
    if (!story->without_rules) {
        dossier_read_days(dossier);
        dossier_read_policy(dossier);
    }
    dossier_judge_rung(dossier, &delivery, &record);
    days_free(&dossier->days);
    region_free(&dossier->region);
    buf_free(&header);
    buf_free(&facts);
    buf_free(&payload);
}

START_TEST(test_what_is_proven)
{
    static const struct {
        struct story story;
        bool proven;
    } rows[] = {
        {{.early_ms = 0}, false},
        {{.early_ms = 1}, true},
        {{.early_ms = DAY_MS, .without_rules = true}, true},
        {{.early_ms = DAY_MS, .other_rules = true}, true},
        {{.early_ms = DAY_MS, .covered = true}, true},
        {{.early_ms = 1, .covered = true}, true},
        {{.early_ms = DAY_MS, .covered = true, .other_rules = true}, false},
        {{.early_ms = DAY_MS, .covered = true, .without_rules = true}, false},
        {{.early_ms = DAY_MS, .other_record = true}, false},
        {{.early_ms = DAY_MS, .by_agency = true}, false},
        {{.early_ms = DAY_MS, .kind = MESSAGE_REMINDER}, true},
        {{.early_ms = DAY_MS, .kind = MESSAGE_RESOLVED}, false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct dossier *dossier = calloc(1, sizeof(*dossier));

        ck_assert_ptr_nonnull(dossier);
        judge(&rows[i].story, dossier);
        ck_assert_msg(dossier->finding_count == (rows[i].proven ? 1u : 0u), "row %zu: %zu", i,
                      dossier->finding_count);
        if (rows[i].proven) {
            ck_assert_str_eq(dossier->findings[0].code, "lie.early");
            ck_assert_int_eq(dossier->findings[0].verdict, VERDICT_PASS);
        }
        free(dossier);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lie_rungs");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_what_is_proven);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

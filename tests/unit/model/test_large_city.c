/* A city of 110 units: the same rules, by configuration alone. Its registry and the shipped policy
 * are read, needs find the units whose duty they are, referrals run between the units of a banner,
 * and the office of the city hears of what is late there and acknowledges what is sent to it. */
#include "large_city.h"

#include "decide_support.h"

static void large_open(struct city *city)
{
    city_open(city, 2026, false);
    policy_free(city->policy);
    registry_free(city->registry);
    city->registry = large_registry();
    city->policy = shipped_policy(city->registry);
    city->ctx.registry = city->registry;
    city->ctx.policy = city->policy;
}

START_TEST(one_hundred_and_ten_units)
{
    struct registry *registry = large_registry();
    struct policy *policy = shipped_policy(registry);
    unsigned classes[CLASS_COUNT] = {0};
    unsigned pairs = 0;
    ck_assert_uint_eq(registry_count(registry), 110);
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *from = registry_at(registry, i);
        classes[from->class]++;
        ck_assert_ptr_eq(registry_by_prefix(registry, from->prefix), from);
        ck_assert_ptr_eq(registry_by_number(registry, from->number), from);
        for (size_t k = 0; k < registry_count(registry); k++) {
            pairs +=
                policy_may_send(policy, MESSAGE_OUTBOUND_REFERRAL, from, registry_at(registry, k))
                    ? 1
                    : 0;
        }
    }
    ck_assert_uint_eq(classes[CLASS_PROCURATORATE], 10);
    ck_assert_uint_eq(classes[CLASS_SOCIAL], 100);
    ck_assert_uint_eq(pairs, 10 * 100);
    ck_assert_str_eq(registry_office(registry)->id, "procuratorate-0");
    policy_free(policy);
    registry_free(registry);
}
END_TEST

/* Whose duties cover more of the needs comes first, at every level. */
START_TEST(needs_find_the_units_of_every_level)
{
    static struct policy_suggested list[LIMIT_AGENCIES];
    struct registry *registry = large_registry();
    struct policy *policy = shipped_policy(registry);
    uint64_t student = UINT64_C(1) << 1;
    uint64_t school = UINT64_C(1) << 2;
    uint64_t legal = UINT64_C(1) << 12;
    size_t count =
        policy_suggest(policy, registry, student | school | legal, day_of("2026-03-02"), list);
    ck_assert_uint_eq(count, 2 * LARGE_LEVELS);
    for (size_t i = 0; i < count; i++) {
        const char *id = registry_by_number(registry, list[i].agency)->id;
        const char *kind = i < LARGE_LEVELS ? "education-" : "justice-";
        ck_assert_msg(strncmp(id, kind, strlen(kind)) == 0, "%zu: %s", i, id);
        ck_assert_int_eq(id[strlen(kind)] - '0', (int)(i % LARGE_LEVELS));
        ck_assert_uint_eq(list[i].needs, i < LARGE_LEVELS ? student | school : legal);
    }
    policy_free(policy);
    registry_free(registry);
}
END_TEST

/* Between the procuratorate and the education bureau of the third banner. */
static void of_banner(const struct city *city, struct message *message)
{
    const struct agency *procuratorate = registry_find(city->registry, "procuratorate-3");
    bool sends = strcmp(message->header.sender, "procuratorate") == 0;
    SET(message->header.sender, sends ? "procuratorate-3" : "education-3");
    SET(message->header.recipient, sends ? "education-3" : "procuratorate-3");
    (void)snprintf(message->header.case_number, LIMIT_NUMBER_BYTES, "%s-2026-0031",
                   procuratorate->prefix);
    (void)snprintf(message->header.referral_number, LIMIT_NUMBER_BYTES, "%s-2026-0031-01",
                   procuratorate->prefix);
}

static void deliver_in_banner(struct city *city)
{
    struct message referral = outbound_referral();
    of_banner(city, &referral);
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    memcpy(delivery.header.case_number, referral.header.case_number, LIMIT_NUMBER_BYTES);
    memcpy(delivery.header.referral_number, referral.header.referral_number, LIMIT_NUMBER_BYTES);
    ck_assert_int_eq(city_send(city, &referral), REFUSAL_NONE);
    ck_assert_int_eq(city_send(city, &delivery), REFUSAL_NONE);
}

static struct message reply_to_office(const struct city *city)
{
    struct message reply = message_of(MESSAGE_ESCALATION_REPLY, "education", "procuratorate");
    of_banner(city, &reply);
    SET(reply.header.recipient, "procuratorate-0");
    SET(reply.escalation_reply.document_number, "DB-2026-0004");
    reply.escalation_reply.answer = 1;
    reply.body_fields |= BODY_TEXT;
    return reply;
}

START_TEST(the_office_hears_of_a_banner_and_is_answered)
{
    struct city city;
    large_open(&city);
    deliver_in_banner(&city);
    city.ctx.now_ms = noon_of("2026-04-03"); /* 4 working days after day 20 */
    city_look(&city);
    ck_assert_str_eq(city.story,
                     "raised:unsigned/unsigned-1=DB-2026-0001 escalation>education-3[liaison] "
                     "raised:unsigned/unsigned-2=DB-2026-0002 escalation>education-3[leader] "
                     "raised:feedback/remind-5 reminder>education-3[liaison] "
                     "raised:feedback/remind-2 reminder>education-3[liaison] "
                     "raised:feedback/due-1=DB-2026-0003 escalation>education-3[liaison,leader] "
                     "escalation>procuratorate-3[sender] "
                     "raised:feedback/due-2=DB-2026-0004 escalation>education-3[liaison,leader] "
                     "escalation>procuratorate-3[sender] escalation>procuratorate-0[office]");
    struct message reply = reply_to_office(&city);
    city_accept(&city, &reply, "queue>procuratorate-0");
    ck_assert_uint_eq(city.referral.documents[3].answer, 1);
    struct message taken = receipt(MESSAGE_DELIVERY, &reply);
    memcpy(taken.header.case_number, reply.header.case_number, LIMIT_NUMBER_BYTES);
    memcpy(taken.header.referral_number, reply.header.referral_number, LIMIT_NUMBER_BYTES);
    city_accept(&city, &taken, "unqueue");
    taken.header.kind = MESSAGE_REJECTION;
    taken.delivery.reason = REJECTION_UNREADABLE;
    city_accept(&city, &taken, "unqueue returned>education-3[liaison,sender]");
    /* a procuratorate that is neither a party nor the office */
    SET(reply.header.recipient, "procuratorate-4");
    city_refuse(&city, &reply, REFUSAL_RECIPIENT);
    SET(taken.header.sender, "procuratorate-4");
    city_refuse(&city, &taken, REFUSAL_NOT_PARTY);
    city_close(&city);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("large_city");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, one_hundred_and_ten_units);
    tcase_add_test(cases, needs_find_the_units_of_every_level);
    tcase_add_test(cases, the_office_hears_of_a_banner_and_is_answered);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

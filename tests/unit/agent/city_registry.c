/* See city_registry.h. What desks take is freed by them; what is signed lives until the end. */
#include "city_registry.h"

#include <stdio.h>

#include "agent/state.h"
#include "base/file.h"
#include "wire/registry_document.h"

#define VERSIONS_MAX 4u

static struct {
    struct sign_key root;
    struct digest pin;
    struct buf texts[VERSIONS_MAX], policy;
    struct registry_document documents[VERSIONS_MAX];
    size_t count;
} office;

/* Agents read the policy anew with each version: as the realm's is for this city. */
static void put_value(const char *name, const char *value)
{
    struct buf edited;
    char *at = memmem(office.policy.data, office.policy.len, name, strlen(name));
    ck_assert_ptr_nonnull(at);
    size_t before = (size_t)(at - (char *)office.policy.data) + strlen(name);
    const char *end = memchr(at + strlen(name), '\n', office.policy.len - before);
    ck_assert_ptr_nonnull(end);
    size_t behind = (size_t)(end - (const char *)office.policy.data);
    buf_init(&edited, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(buf_append(&edited, office.policy.data, before), OK);
    ck_assert_int_eq(buf_append_text(&edited, value), OK);
    ck_assert_int_eq(buf_append(&edited, office.policy.data + behind, office.policy.len - behind),
                     OK);
    buf_free(&office.policy);
    office.policy = edited;
}

static void read_policy(void)
{
    struct fault fault = {.code = ""};
    char quorum[16];
    buf_init(&office.policy, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(file_read("config/policy.yaml", &office.policy, &fault), OK);
    (void)snprintf(quorum, sizeof(quorum), "%u", (unsigned)city.realm.policy->witness_quorum);
    put_value("\nwitness-quorum: ", quorum);
    put_value("\nattachments: ", "optional");
}

static void sign_next(void)
{
    struct registry_document *made = &office.documents[office.count];
    struct registry_making making = {.before = office.count > 0 ? made - 1 : NULL,
                                     .made_ms = city.wall_ms,
                                     .agencies = span_buf(&city.realm.registry_text),
                                     .keys = keyring_text(city.realm.keyring)};
    struct buf *text = &office.texts[office.count];
    ck_assert_uint_lt(office.count, VERSIONS_MAX);
    buf_init(text, REGISTRY_DOCUMENT_BYTES);
    ck_assert_int_eq(registry_document_sign(&making, &office.root, text), OK);
    ck_assert_int_eq(registry_document_open("signed", span_buf(text), &office.pin, made, NULL), OK);
    office.count++;
}

static void work_by_the_newest(void)
{
    city.document = office.documents[office.count - 1];
    const struct broker_rules rules = {.registry = city.realm.registry,
                                       .policy = city.realm.policy,
                                       .calendar = city.calendar,
                                       .keyring = city.realm.keyring,
                                       .registry_text = span_buf(&city.realm.registry_text),
                                       .document = city.document};
    ck_assert_int_eq(broker_exchange(city.broker, &rules), OK);
    broker_settle();
}

void city_registry_begin(void)
{
    memset(&office, 0, sizeof(office));
    sign_key_new(&office.root);
    office.pin = registry_root_fingerprint(office.root.public_key);
    read_policy();
    sign_next();
    for (size_t i = 0; i < DESKS; i++) {
        struct agent_setup *setup = &city.desks[i].agent->setup;
        setup->document = office.documents[0];
        setup->policy_text = span_buf(&office.policy);
    }
    work_by_the_newest();
}

void city_registry_publish(void)
{
    sign_next();
    work_by_the_newest();
}

uint64_t city_registry_at(size_t desk)
{
    return city.desks[desk].agent->setup.document.version;
}

void city_registry_end(void)
{
    for (size_t i = 0; i < office.count; i++) {
        buf_free(&office.texts[i]);
    }
    buf_free(&office.policy);
    office.count = 0;
}

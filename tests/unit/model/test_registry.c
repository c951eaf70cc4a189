/* lib/model/registry: the shipped eleven, and every way in which a registry can be wrong, with its
 * place. */
#include "model_support.h"

#define ROW(id, number, prefix)                                                                    \
    "  - {id: " id ", number: " number ", class: S, prefix: " prefix                               \
    ", name: {zh: 甲, en: A}, office: {zh: 乙, en: B}}\n"
#define OFFICE                                                                                     \
    "  - {id: office, number: 1, class: P, prefix: JZ, name: {zh: 甲, en: A}, "                   \
    "office: {zh: 乙, en: B}, joint_meeting_office: true}\n"

static const struct {
    const char *text;
    const char *place; /* "line:" */
    const char *code;
} wrong_rows[] = {
    {"agencies: []\n", "r.yaml:1:", "registry.agencies"},
    {"agencies: many\n", "r.yaml:1:", "registry.agencies"},
    {"agencys: []\n", "r.yaml:1:", NULL},
    {"agencies:\n" ROW("ok", "2", "MZ"), "r.yaml:2:", "registry.office"},
    {"agencies:\n" OFFICE OFFICE, "r.yaml:3:", "registry.id"},
    {"agencies:\n" OFFICE ROW("Bad", "2", "MZ"), "r.yaml:3:", "registry.id"},
    {"agencies:\n" OFFICE ROW("broker", "2", "MZ"), "r.yaml:3:", "registry.id"},
    {"agencies:\n" OFFICE ROW("-a", "2", "MZ"), "r.yaml:3:", "registry.id"},
    {"agencies:\n" OFFICE ROW("ok", "1", "MZ"), "r.yaml:3:", "registry.number"},
    {"agencies:\n" OFFICE ROW("ok", "0", "MZ"), "r.yaml:3:", NULL},
    {"agencies:\n" OFFICE ROW("ok", "1024", "MZ"), "r.yaml:3:", NULL},
    {"agencies:\n" OFFICE ROW("ok", "2", "JZ"), "r.yaml:3:", "registry.prefix"},
    {"agencies:\n" OFFICE ROW("ok", "2", "DB"), "r.yaml:3:", "registry.prefix"},
    {"agencies:\n" OFFICE ROW("ok", "2", "m"), "r.yaml:3:", "registry.prefix"},
    {"agencies:\n" OFFICE "  - {id: ok}\n", "r.yaml:3:", NULL},
    {"agencies:\n  - {id: ok, number: 2, class: X, prefix: MZ, name: {zh: a, en: b}, "
     "office: {zh: a, en: b}}\n",
     "r.yaml:2:", NULL},
    {"agencies:\n  - {id: ok, number: 2, class: S, prefix: MZ, name: {zh: a, en: b}, "
     "office: {zh: a, en: b}, duties: [legal-ait]}\n",
     "r.yaml:2:", "registry.need"},
    {"agencies:\n  - {id: ok, number: 2, class: S, prefix: MZ, name: {zh: a, en: b}, "
     "office: {zh: a, en: b}, leader: somebody}\n",
     "r.yaml:2:", NULL},
};

START_TEST(wrong_registries_are_refused_with_their_place)
{
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_init(), OK);
    ck_assert_int_eq(registry_read("r.yaml", span_text(wrong_rows[_i].text), &registry, &fault),
                     ERR_INVALID);
    ck_assert_ptr_null(registry);
    ck_assert_msg(strncmp(fault.place, wrong_rows[_i].place, strlen(wrong_rows[_i].place)) == 0,
                  "%s: %s: %s", fault.place, fault.code, fault.message);
    if (wrong_rows[_i].code != NULL) {
        ck_assert_str_eq(fault.code, wrong_rows[_i].code);
    }
}
END_TEST

START_TEST(the_eleven)
{
    struct registry *registry = shipped_registry();
    struct buf text;
    ck_assert_uint_eq(registry_count(registry), 11);
    ck_assert_str_eq(registry_office(registry)->id, "procuratorate");
    unsigned classes[CLASS_COUNT] = {0};
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        ck_assert_ptr_eq(registry_find(registry, agency->id), agency);
        ck_assert_ptr_eq(registry_by_number(registry, agency->number), agency);
        ck_assert_ptr_eq(registry_by_prefix(registry, agency->prefix), agency);
        ck_assert_uint_ne(agency->duties, 0);
        ck_assert_str_ne(agency->office_zh, "");
        classes[agency->class]++;
    }
    ck_assert_uint_eq(classes[CLASS_PROCURATORATE], 1);
    ck_assert_uint_eq(classes[CLASS_SOCIAL], 10);
    ck_assert_str_eq(registry_find(registry, "justice")->office_zh, "法律援助中心");
    ck_assert_ptr_null(registry_find(registry, "court"));
    ck_assert_ptr_null(registry_by_number(registry, 0));
    ck_assert_ptr_null(registry_by_number(registry, 12));
    ck_assert_ptr_null(registry_by_number(registry, 65535));
    shipped_text("config/agencies.yaml", &text);
    struct digest digest = crypto_sha256(span_buf(&text));
    ck_assert(digest_equal(registry_digest(registry), &digest));
    buf_free(&text);
    registry_free(registry);
    registry_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, wrong_registries_are_refused_with_their_place, 0,
                        (int)COUNT_OF(wrong_rows));
    tcase_add_test(cases, the_eleven);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

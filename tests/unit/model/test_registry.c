/* lib/model/registry: the shipped eleven, and every way in which a registry can be wrong, with its
 * place. */
#include "crypto_start.h"
#include "model_support.h"

#define ROW(id, number, prefix)                                                                    \
    "  - {id: " id ", number: " number ", class: S, prefix: " prefix                               \
    ", name: {zh: 甲, en: A}, office: {zh: 乙, en: B}}\n"
#define OFFICE                                                                                     \
    "  - {id: office, number: 1, class: P, prefix: JZ, name: {zh: 甲, en: A}, "                   \
    "office: {zh: 乙, en: B}, joint_meeting_office: true}\n"

#define LEFT(id, number, prefix, rest)                                                             \
    "  - {id: " id ", number: " number ", class: S, prefix: " prefix                               \
    ", name: {zh: 甲, en: A}, office: {zh: 乙, en: B}, " rest "}\n"
#define TO(id) "successor: " id ", left: 2027-03-01"

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
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", "successor: office"),
     "r.yaml:3:", "registry.successor"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", TO("nobody")), "r.yaml:3:", "registry.successor"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", TO("aa")), "r.yaml:3:", "registry.successor"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", TO("office")), "r.yaml:3:", "registry.successor"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", "successor: bb, left: 2027-02-29")
         ROW("bb", "3", "BB"),
     "r.yaml:3:", "registry.left"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", "successor: bb, left: soon") ROW("bb", "3", "BB"),
     "r.yaml:3:", "registry.left"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", TO("bb")) LEFT("bb", "3", "BB", TO("aa")),
     "r.yaml:3:", "registry.successor"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", TO("bb")) LEFT("bb", "3", "BB", TO("cc"))
         LEFT("cc", "4", "CC", TO("bb")),
     "r.yaml:3:", "registry.successor"},
    {"agencies:\n" ROW("aa", "2", "AA") "  - {id: office, number: 1, class: P, prefix: JZ, name: "
                                        "{zh: 甲, en: A}, office: {zh: 乙, "
                                        "en: B}, joint_meeting_office: true, " TO(
                                            "other") "}\n"
                                                     "  - {id: other, number: 3, class: P, prefix: "
                                                     "JY, name: {zh: 甲, en: A}, office: {zh: 乙, "
                                                     "en: B}}\n",
     "r.yaml:3:", "registry.successor"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", "former-names: 扶贫办"),
     "r.yaml:3:", "registry.former-names"},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", "former-names: [扶贫办]"), "r.yaml:3:", NULL},
    {"agencies:\n" OFFICE LEFT("aa", "2", "AA", "former-names: [{zh: 扶贫办}]"), "r.yaml:3:", NULL},
};

START_TEST(wrong_registries_are_refused_with_their_place)
{
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_start(), OK);
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
    struct digest digest = crypto_digest(span_buf(&text));
    ck_assert(digest_equal(registry_digest(registry), &digest));
    buf_free(&text);
    registry_free(registry);
    registry_free(NULL);
}
END_TEST

START_TEST(a_letterhead_may_have_a_third_script_and_a_code)
{
    static const char text[] =
        "agencies:\n" OFFICE
        "  - {id: banner, number: 2, class: S, prefix: MZ, letter-code: 鄂民救, "
        "name: {zh: 甲, en: A, mn: \"ᠠ\\nᠡ\"}, office: {zh: 乙, en: B}}\n";
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_msg(registry_read("r.yaml", span_text(text), &registry, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    ck_assert_str_eq(registry_find(registry, "banner")->letter_code, "鄂民救");
    ck_assert_str_eq(registry_find(registry, "banner")->name_mn, "ᠠ\nᠡ");
    ck_assert_str_eq(registry_find(registry, "office")->letter_code, "");
    ck_assert_str_eq(registry_find(registry, "office")->name_mn, "");
    registry_free(registry);
}
END_TEST

/* ---- agencies change ---- */

START_TEST(one_that_leaves_may_have_no_successor)
{
    static const char text[] = "agencies:\n" OFFICE LEFT("aa", "2", "AA", "left: 2027-03-01");
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_msg(registry_read("r.yaml", span_text(text), &registry, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    int32_t left;
    ck_assert_int_eq(civil_parse("2027-03-01", &left), OK);
    uint64_t day = civil_start_ms(left);
    const struct agency *agency = registry_find(registry, "aa");
    ck_assert(!agency_has_left(agency, day - 1));
    ck_assert(agency_has_left(agency, day));
    ck_assert_uint_eq(registry_acting(registry, 2, day), 2);
    registry_free(registry);
}
END_TEST

START_TEST(a_successor_acts_from_its_day_on)
{
    static const char text[] = "agencies:\n" OFFICE LEFT(
        "poverty", "7", "XC",
        "former-names: [{zh: 扶贫办, en: Poverty Office}, "
        "{zh: 振兴局, en: Revitalisation}], successor: farming, left: 2027-03-01")
        LEFT("farming", "12", "NM", "successor: country, left: 2028-01-01")
            ROW("country", "13", "NC");
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_msg(registry_read("r.yaml", span_text(text), &registry, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    const struct agency *poverty = registry_find(registry, "poverty");
    uint64_t day = civil_start_ms(day_of("2027-03-01"));
    uint64_t later = civil_start_ms(day_of("2028-01-01"));
    ck_assert(!agency_has_left(poverty, day - 1));
    ck_assert(agency_has_left(poverty, day));
    ck_assert(!agency_has_left(registry_find(registry, "country"), UINT64_MAX));
    ck_assert_uint_eq(registry_acting(registry, 7, day - 1), 7);
    ck_assert_uint_eq(registry_acting(registry, 7, day), 12);
    ck_assert_uint_eq(registry_acting(registry, 7, later - 1), 12);
    ck_assert_uint_eq(registry_acting(registry, 7, later), 13);
    ck_assert_uint_eq(registry_acting(registry, 13, later), 13);
    ck_assert_uint_eq(registry_acting(registry, 99, later), 99);
    ck_assert_uint_eq(poverty->former_count, 2);
    ck_assert_str_eq(poverty->former_names[0].zh, "扶贫办");
    ck_assert_str_eq(poverty->former_names[1].en, "Revitalisation");
    ck_assert_uint_eq(registry_find(registry, "farming")->former_count, 0);
    registry_free(registry);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, wrong_registries_are_refused_with_their_place, 0,
                        (int)COUNT_OF(wrong_rows));
    tcase_add_test(cases, the_eleven);
    tcase_add_test(cases, a_letterhead_may_have_a_third_script_and_a_code);
    tcase_add_test(cases, one_that_leaves_may_have_no_successor);
    tcase_add_test(cases, a_successor_acts_from_its_day_on);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

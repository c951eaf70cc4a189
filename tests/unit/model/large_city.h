/* A city with the units of its nine banners, generated: ten procuratorates and a hundred social
 * agencies, by configuration alone. Tests only. */
#ifndef REFERRAL_TESTS_LARGE_CITY_H
#define REFERRAL_TESTS_LARGE_CITY_H

#include "model_support.h"

#define LARGE_LEVELS 10 /* the city and nine banners */
#define LARGE_KINDS  11 /* the eleven agencies of each */

/* What the eleven are, as in the shipped registry. */
static inline void large_row(struct buf *text, const struct agency *kind, int level, int index)
{
    int number = level * LARGE_KINDS + index + 1;
    ck_assert_int_eq(
        buf_printf(text,
                   "  - id: %s-%d\n    number: %d\n    class: %s\n    prefix: %c%c\n"
                   "    name: {zh: %d旗%s, en: Banner %d %s}\n    office: {zh: %s, en: %s}\n%s",
                   kind->id, level, number, agency_class_id(kind->class), 'E' + number / 26,
                   'A' + number % 26, level, kind->name_zh, level, kind->name_en, kind->office_zh,
                   kind->office_en, number == 1 ? "    joint_meeting_office: true\n" : ""),
        OK);
    size_t count = 0;
    const char *separator = "    duties: [";
    const struct word *words = vocabulary_words(VOCABULARY_NEED, &count);
    for (size_t i = 0; i < count; i++) {
        if ((kind->duties >> words[i].value & 1) != 0) {
            ck_assert_int_eq(buf_printf(text, "%s%s", separator, words[i].id), OK);
            separator = ", ";
        }
    }
    ck_assert_int_eq(buf_append_text(text, "]\n"), OK);
}

/* Of level 0 is the city's; "civil-affairs-3" is a banner's. */
static inline struct registry *large_registry(void)
{
    struct registry *shipped = shipped_registry();
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(buf_append_text(&text, "agencies:\n"), OK);
    for (int at = 0; at < LARGE_LEVELS * LARGE_KINDS; at++) {
        large_row(&text, registry_at(shipped, (size_t)(at % LARGE_KINDS)), at / LARGE_KINDS,
                  at % LARGE_KINDS);
    }
    ck_assert_msg(registry_read("large.yaml", span_buf(&text), &registry, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    buf_free(&text);
    registry_free(shipped);
    return registry;
}

#endif

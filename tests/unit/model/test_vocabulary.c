/* lib/model/vocabulary, message and refusal names: every word is unique, labelled in both languages
 * and listed in docs/messages.md with its number; every refusal has a name and a hint. */
#include "model_support.h"

static char *page_of(const char *path, struct buf *text)
{
    shipped_text(path, text);
    ck_assert_int_eq(buf_append(text, "", 1), OK);
    return (char *)text->data;
}

START_TEST(words_are_unique_and_labelled)
{
    enum vocabulary which = (enum vocabulary)_i;
    const char *ids[VOCABULARY_IDS_MAX];
    size_t count = 0;
    const struct word *words = vocabulary_words(which, &count);
    vocabulary_ids(which, ids);
    ck_assert_uint_ge(count, 2);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(ids[i], words[i].id);
        ck_assert_ptr_eq(vocabulary_find(which, words[i].value), &words[i]);
        ck_assert_ptr_eq(vocabulary_parse(which, words[i].id), &words[i]);
        ck_assert_uint_ge(strlen(words[i].zh), 3); /* one character: 无 */
        ck_assert_uint_ge(strlen(words[i].en), 3);
        ck_assert_uint_eq(strspn(words[i].id, "abcdefghijklmnopqrstuvwxyz0123456789-"),
                          strlen(words[i].id));
        if (vocabulary_is_set(which)) {
            ck_assert_uint_lt(words[i].value, 64);
            ck_assert(vocabulary_mask(which) >> words[i].value & 1);
        }
    }
    ck_assert_ptr_null(ids[count]);
    ck_assert_ptr_null(vocabulary_find(which, 9999));
    ck_assert_ptr_null(vocabulary_parse(which, ""));
}
END_TEST

START_TEST(the_page_lists_every_word)
{
    struct buf text;
    const char *page = page_of("docs/messages.md", &text);
    char heading[64];
    size_t count = 0;
    const struct word *words = vocabulary_words((enum vocabulary)_i, &count);
    (void)snprintf(heading, sizeof(heading), "\n### %s", vocabulary_name((enum vocabulary)_i));
    const char *section = strstr(page, heading);
    ck_assert_msg(section != NULL, "no section%s", heading);
    const char *end = strstr(section + 1, "\n### ");
    for (size_t i = 0; i < count; i++) {
        char row[256];
        (void)snprintf(row, sizeof(row), "| %u | `%s` | %s | %s |", words[i].value, words[i].id,
                       words[i].zh, words[i].en);
        const char *found = strstr(section, row);
        ck_assert_msg(found != NULL && (end == NULL || found < end), "%s", row);
    }
    buf_free(&text);
}
END_TEST

START_TEST(the_page_lists_every_kind)
{
    struct buf text;
    const char *page = page_of("docs/messages.md", &text);
    unsigned kinds = 0;
    for (int kind = 0; kind < 64; kind++) {
        const char *name = message_kind_name((enum message_kind)kind);
        bool known = message_kind_from_agency((enum message_kind)kind) ||
                     message_kind_from_broker((enum message_kind)kind);
        char row[64];
        ck_assert_int_eq(known, strcmp(name, "unknown") != 0);
        ck_assert_int_eq(message_kind_parse(name), known ? kind : MESSAGE_NONE);
        (void)snprintf(row, sizeof(row), "| %d | `%s` |", kind, name);
        ck_assert_msg(!known || strstr(page, row) != NULL, "%s", row);
        kinds += known ? 1 : 0;
    }
    ck_assert_uint_eq(kinds, 39);
    buf_free(&text);
}
END_TEST

START_TEST(refusals_are_named_and_classed)
{
    struct buf text;
    const char *page = page_of("docs/protocol.md", &text);
    unsigned named = 0;
    for (int code = 0; code < 256; code++) {
        enum refusal refusal = (enum refusal)code;
        if (strcmp(refusal_name(refusal), "unknown") == 0) {
            ck_assert(!refusal_retryable(refusal) && !refusal_recorded(refusal));
            continue;
        }
        named++;
        ck_assert_int_eq(refusal_retryable(refusal), code >= 20 && code < 40);
        ck_assert_int_eq(refusal_recorded(refusal), code >= 40);
        ck_assert_uint_ge(strlen(refusal_hint(refusal)), 10);
        ck_assert_uint_ge(strlen(refusal_meaning(refusal)), 10);
        char row[96];
        (void)snprintf(row, sizeof(row), "| %d | `%s` |", code, refusal_name(refusal));
        ck_assert_msg(code == 0 || strstr(page, row) != NULL, "%s", row);
    }
    ck_assert_uint_eq(named, 63);
    buf_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vocabulary");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, words_are_unique_and_labelled, 0, VOCABULARY_COUNT);
    tcase_add_loop_test(cases, the_page_lists_every_word, 0, VOCABULARY_COUNT);
    tcase_add_test(cases, the_page_lists_every_kind);
    tcase_add_test(cases, refusals_are_named_and_classed);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

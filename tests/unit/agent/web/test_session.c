/* agent/web/session: who is in, for how long, and who gives way. */
#include <stdio.h>
#include <string.h>

#include "crypto_start.h"
#include "agent/web/session.h"
#include "unit/suite.h"

#define T_MS UINT64_C(5000000) /* machine time */

static struct sessions *sessions;
static const struct officer gaowa = {.name = "gaowa", .password = "$argon2id$secret"};

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(sessions_new(&sessions), OK);
}

static void teardown(void)
{
    sessions_free(sessions);
}

START_TEST(test_found_by_its_token_alone)
{
    char token[SESSION_TOKEN_BYTES], other[SESSION_TOKEN_BYTES], wrong[SESSION_TOKEN_BYTES];
    struct session *session = session_begin(sessions, &gaowa, T_MS, token);
    struct session *second = session_begin(sessions, &gaowa, T_MS, other);
    ck_assert_uint_eq(strlen(token), SESSION_TOKEN_BYTES - 1);
    ck_assert_ptr_ne(session, second);
    ck_assert_str_ne(token, other);
    ck_assert_str_ne(token, session->csrf);
    ck_assert_ptr_eq(session_find(sessions, token, T_MS, true), session);
    ck_assert_ptr_eq(session_find(sessions, other, T_MS, true), second);
    ck_assert_str_eq(session->officer.name, "gaowa");
    ck_assert_str_eq(session->officer.password, ""); /* it is not needed here */
    memcpy(wrong, token, sizeof(wrong));
    wrong[10] = wrong[10] == 'a' ? 'b' : 'a';
    ck_assert_ptr_null(session_find(sessions, wrong, T_MS, true));
    ck_assert_ptr_null(session_find(sessions, "", T_MS, true));
    ck_assert_ptr_null(session_find(sessions, NULL, T_MS, true));
    ck_assert_ptr_null(session_find(sessions, token + 1, T_MS, true));
    ck_assert_ptr_eq(session_by_digest(sessions, session->digest), session);
    session_end(sessions, session);
    ck_assert_ptr_null(session_find(sessions, token, T_MS, true));
    ck_assert_ptr_eq(session_find(sessions, other, T_MS, true), second);
}
END_TEST

START_TEST(test_ended_has_no_digest)
{
    static const uint8_t zero[16];
    ck_assert_ptr_null(session_by_digest(sessions, zero)); /* that of every free place */
}
END_TEST

START_TEST(test_ten_idle_minutes)
{
    const uint64_t idle_ms = UINT64_C(10) * 60 * 1000;
    char token[SESSION_TOKEN_BYTES];
    struct session *session = session_begin(sessions, &gaowa, T_MS, token);
    ck_assert_ptr_eq(session_find(sessions, token, T_MS + idle_ms, true), session);
    ck_assert_ptr_eq(session_find(sessions, token, T_MS + 2 * idle_ms, true), session);
    ck_assert_ptr_null(session_find(sessions, token, T_MS + 3 * idle_ms + 1, true));
    ck_assert_ptr_null(session_find(sessions, token, T_MS + 2 * idle_ms, true)); /* it is gone */
}
END_TEST

START_TEST(test_a_poll_does_not_touch)
{
    char token[SESSION_TOKEN_BYTES];
    struct session *session = session_begin(sessions, &gaowa, T_MS, token);
    for (uint64_t at_ms = 0; at_ms <= SESSION_IDLE_MS; at_ms += 30000) {
        ck_assert_ptr_eq(session_find(sessions, token, T_MS + at_ms, false), session);
    }
    ck_assert_ptr_null(session_find(sessions, token, T_MS + SESSION_IDLE_MS + 1, false));
}
END_TEST

START_TEST(test_the_longest_idle_gives_way)
{
    static char tokens[SESSION_MAX][SESSION_TOKEN_BYTES];
    char token[SESSION_TOKEN_BYTES];
    for (size_t i = 0; i < SESSION_MAX; i++) {
        (void)session_begin(sessions, &gaowa, T_MS + i, tokens[i]);
    }
    ck_assert_ptr_nonnull(session_find(sessions, tokens[0], T_MS + SESSION_MAX, true));
    ck_assert_ptr_nonnull(session_find(sessions, tokens[1], T_MS + SESSION_MAX, false));
    struct session *session = session_begin(sessions, &gaowa, T_MS + SESSION_MAX + 1, token);
    ck_assert_ptr_eq(session_find(sessions, token, T_MS + SESSION_MAX + 1, true), session);
    ck_assert_ptr_nonnull(session_find(sessions, tokens[0], T_MS + SESSION_MAX + 1, false));
    ck_assert_ptr_null(session_find(sessions, tokens[1], T_MS + SESSION_MAX + 1, false));
    for (size_t i = 2; i < SESSION_MAX; i++) {
        ck_assert_ptr_nonnull(session_find(sessions, tokens[i], T_MS + SESSION_MAX + 1, false));
    }
}
END_TEST

/* What the one before revealed, was told and held is not the next one's. */
START_TEST(test_a_place_is_taken_clean)
{
    char token[SESSION_TOKEN_BYTES];
    struct session *session = session_begin(sessions, &gaowa, T_MS, token);
    session->reveals[0].until_ms = UINT64_MAX;
    memset(session->reveals[0].message_id.bytes, 7, 16);
    text_copy(session->notice, sizeof(session->notice), "secret");
    session_end(sessions, session);
    ck_assert_ptr_eq(session_begin(sessions, &gaowa, T_MS, token), session);
    ck_assert_uint_eq(session->reveals[0].until_ms, 0);
    ck_assert_str_eq(session->notice, "");
}
END_TEST

START_TEST(test_end_all_of_one_officer)
{
    const struct officer gao = {.name = "gao"};
    char tokens[4][SESSION_TOKEN_BYTES];
    struct session *kept = session_begin(sessions, &gaowa, T_MS, tokens[0]);
    (void)session_begin(sessions, &gaowa, T_MS, tokens[1]);
    struct session *other = session_begin(sessions, &gao, T_MS, tokens[2]);
    (void)session_begin(sessions, &gaowa, T_MS, tokens[3]);
    session_end_all(sessions, "gaowa", kept);
    ck_assert_ptr_eq(session_find(sessions, tokens[0], T_MS, true), kept);
    ck_assert_ptr_null(session_find(sessions, tokens[1], T_MS, true));
    ck_assert_ptr_eq(session_find(sessions, tokens[2], T_MS, true), other);
    ck_assert_ptr_null(session_find(sessions, tokens[3], T_MS, true));
    session_end_all(sessions, "gaowa", NULL);
    ck_assert_ptr_null(session_find(sessions, tokens[0], T_MS, true));
    ck_assert_ptr_eq(session_find(sessions, tokens[2], T_MS, true), other);
}
END_TEST

/* For an hour it is known whose session idled out; of one that was ended, nothing. */
START_TEST(test_ended_by_idling_is_remembered)
{
    const uint64_t later_ms = T_MS + SESSION_IDLE_MS + 1;
    char token[SESSION_TOKEN_BYTES], left[SESSION_TOKEN_BYTES], csrf[SESSION_TOKEN_BYTES];
    text_copy(csrf, sizeof(csrf), session_begin(sessions, &gaowa, T_MS, token)->csrf);
    session_end(sessions, session_begin(sessions, &gaowa, T_MS, left));
    ck_assert_ptr_null(session_ended_find(sessions, token, T_MS));
    ck_assert_ptr_null(session_find(sessions, token, later_ms, true));
    const struct session_ended *ended = session_ended_find(sessions, token, later_ms);
    ck_assert_ptr_nonnull(ended);
    ck_assert_str_eq(ended->officer, "gaowa");
    ck_assert_str_eq(ended->csrf, csrf);
    ck_assert_ptr_nonnull(session_ended_find(sessions, token, later_ms + SESSION_ENDED_MS));
    ck_assert_ptr_null(session_ended_find(sessions, token, later_ms + SESSION_ENDED_MS + 1));
    ck_assert_ptr_null(session_ended_find(sessions, left, later_ms));
    ck_assert_ptr_null(session_ended_find(sessions, "", later_ms));
    ck_assert_ptr_null(session_ended_find(sessions, NULL, later_ms));
}
END_TEST

/* The newest forms that were sent are known by their tokens, and where each led. */
START_TEST(test_sent_once)
{
    char token[SESSION_TOKEN_BYTES], once[SESSION_ONCE_BYTES];
    struct session *session = session_begin(sessions, &gaowa, T_MS, token);
    for (unsigned i = 0; i <= SESSION_ONCES_MAX; i++) {
        (void)snprintf(once, sizeof(once), "%032u", i);
        ck_assert_ptr_null(session_once_find(session, once));
        session_once_put(session, once, i == 0 ? "/case/FIRST" : "/case/NEXT");
        ck_assert_str_eq(session_once_find(session, once), i == 0 ? "/case/FIRST" : "/case/NEXT");
    }
    ck_assert_ptr_null(session_once_find(session, "00000000000000000000000000000000"));
    ck_assert_str_eq(session_once_find(session, "00000000000000000000000000000001"), "/case/NEXT");
    ck_assert_ptr_null(session_once_find(session, ""));
    ck_assert_ptr_null(session_once_find(session, NULL));
    session_once_put(session, "short", "/x");
    ck_assert_ptr_null(session_once_find(session, "short"));
}
END_TEST

START_TEST(test_csrf)
{
    char token[SESSION_TOKEN_BYTES], wrong[SESSION_TOKEN_BYTES];
    struct session *session = session_begin(sessions, &gaowa, T_MS, token);
    memcpy(wrong, session->csrf, sizeof(wrong));
    ck_assert(session_csrf_matches(session, wrong));
    wrong[SESSION_TOKEN_BYTES - 2] ^= 1;
    ck_assert(!session_csrf_matches(session, wrong));
    ck_assert(!session_csrf_matches(session, token));
    ck_assert(!session_csrf_matches(session, ""));
    ck_assert(!session_csrf_matches(session, NULL));
    ck_assert(!session_csrf_matches(session, session->csrf + 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_session");
    TCase *tcase = tcase_create("session");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_found_by_its_token_alone);
    tcase_add_test(tcase, test_ended_has_no_digest);
    tcase_add_test(tcase, test_ten_idle_minutes);
    tcase_add_test(tcase, test_a_poll_does_not_touch);
    tcase_add_test(tcase, test_the_longest_idle_gives_way);
    tcase_add_test(tcase, test_a_place_is_taken_clean);
    tcase_add_test(tcase, test_end_all_of_one_officer);
    tcase_add_test(tcase, test_ended_by_idling_is_remembered);
    tcase_add_test(tcase, test_sent_once);
    tcase_add_test(tcase, test_csrf);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}

/* Tests of base/log.h: one line a call, the journal's fields as a stand-in for journald gets them,
 * how many lines a minute, and that every event is explained in both languages. */
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "unit/suite.h"

static char folder[64];
static uint64_t now_ms;

static uint64_t clock_ms(void)
{
    return now_ms;
}

static void make_folder(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/test-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
}

static void remove_folder(void)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/lines", folder);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* What the calls of `speak` put on standard error; the buf is the caller's. */
static void listen_to(void (*speak)(void), struct buf *ret_lines)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/lines", folder);
    int kept = dup(STDERR_FILENO);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(file, 0);
    (void)fflush(stderr);
    ck_assert_int_ge(dup2(file, STDERR_FILENO), 0);
    speak();
    ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
    (void)close(file);
    (void)close(kept);
    buf_init(ret_lines, 1024 * 1024);
    ck_assert_int_eq(file_read(path, ret_lines, NULL), OK);
    ck_assert_int_eq(buf_append(ret_lines, "", 1), OK);
}

static void ck_lines(void (*speak)(void), const char *expected)
{
    struct buf lines;
    listen_to(speak, &lines);
    ck_assert_str_eq((const char *)lines.data, expected);
    buf_free(&lines);
}

static void speak_plainly(void)
{
    struct fault fault = {.code = ""};
    fault_set(&fault, "config.range", "b.yaml:4:9", "too many");
    log_init("broker", LOG_WARN_LEVEL, NULL);
    log_event(EVENT_STORE_FAILED, "one\ntwo\x1b[31m");
    log_event(EVENT_READY, "not shown");
    log_fault(EVENT_SOCKET_FOLDER, &fault);
    fault_hint(&fault, "take fewer");
    fault.place[0] = '\0';
    log_fault(EVENT_CONFIG_REFUSED, &fault);
    log_error("a tool's own");
}

static void speak_with_a_line(void)
{
    struct fault fault = {.code = ""};
    fault_set(&fault, "config.range", "b.yaml:4:9", "too many");
    fault_line(&fault, "名称: \"x\"", strlen("名称: \"x\""), 5);
    log_init("broker", LOG_WARN_LEVEL, NULL);
    log_fault(EVENT_CONFIG_REFUSED, &fault);
}

START_TEST(a_call_is_one_line_and_a_place_has_its_caret)
{
    ck_lines(speak_plainly, "broker: error: one two [31m\n"
                            "broker: warning: b.yaml:4:9: too many [config.range]\n"
                            "broker: error: too many (take fewer) [config.range]\n"
                            "broker: error: a tool's own\n");
    ck_lines(speak_with_a_line, "broker: error: b.yaml:4:9: too many [config.range]\n"
                                "    名称: \"x\"\n"
                                "          ^\n");
}
END_TEST

static void pretend_journal(void)
{
    struct stat info;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &info), 0);
    (void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)info.st_dev,
                   (unsigned long long)info.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_init("broker", LOG_DEBUG_LEVEL, NULL);
}

static void speak_without_journald(void)
{
    pretend_journal();
    ck_assert(!log_to_journal("/no/such/socket"));
    log_event(EVENT_SOCKET_FOLDER, "w");
    log_debug("%s", "d");
}

START_TEST(without_journald_the_priority_stands_in_front)
{
    ck_lines(speak_without_journald, "<4>w\n<7>d\n");
}
END_TEST

static int journald;

static void speak_to_journald(void)
{
    const struct log_subject subject = {
        .case_id = "5f0c", .agency = "education", .code = "queue-full"};
    char path[96];
    pretend_journal();
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    ck_assert(log_to_journal(path));
    log_about(EVENT_MESSAGE_REFUSED, &subject, "refused\nMESSAGE=forged");
}

START_TEST(journald_gets_fields)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char got[4096], expected[512];
    journald = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    ck_assert_int_eq(bind(journald, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_lines(speak_to_journald, "");
    ssize_t len = recv(journald, got, sizeof(got) - 1, MSG_DONTWAIT);
    ck_assert_int_gt(len, 0);
    got[len] = '\0';
    (void)snprintf(expected, sizeof(expected),
                   "MESSAGE=refused MESSAGE=forged\nPRIORITY=6\nSYSLOG_IDENTIFIER=broker\n"
                   "MESSAGE_ID=%s\nEVENT=message-refused\nCASE_ID=5f0c\nAGENCY=education\n"
                   "CODE=queue-full\n",
                   log_event_id(EVENT_MESSAGE_REFUSED));
    ck_assert_str_eq(got, expected);
    (void)close(journald);
}
END_TEST

static void speak_too_much(void)
{
    log_init("b", LOG_INFO_LEVEL, clock_ms);
    now_ms = 60000;
    for (unsigned i = 0; i < LOG_EACH_MINUTE + 5; i++) {
        log_event(EVENT_CHANNEL_FAILED, "x");
    }
    log_event(EVENT_READY, "another kind");
    now_ms = 120000;
    log_event(EVENT_READY, "the next minute");
    for (unsigned i = 0; i < LOG_EACH_MINUTE + 2; i++) {
        log_event(EVENT_CHANNEL_FAILED, "y");
    }
    log_flush();
    log_flush();
}

START_TEST(a_kind_of_event_has_so_many_lines_a_minute)
{
    struct buf lines;
    char expected[4096] = "";
    size_t used = 0;
    listen_to(speak_too_much, &lines);
    for (unsigned i = 0; i < LOG_EACH_MINUTE; i++) {
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "b: warning: x\n");
    }
    used += (size_t)snprintf(expected + used, sizeof(expected) - used,
                             "b: another kind\n"
                             "b: warning: 5 more of the event channel-failed were left out\n"
                             "b: the next minute\n");
    for (unsigned i = 0; i < LOG_EACH_MINUTE; i++) {
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "b: warning: y\n");
    }
    (void)snprintf(expected + used, sizeof(expected) - used,
                   "b: warning: 2 more of the event channel-failed were left out\n");
    ck_assert_str_eq((const char *)lines.data, expected);
    buf_free(&lines);
}
END_TEST

/* The catalogue's entries begin with "-- ID" or "-- ID zh_CN". */
static unsigned entries_of(const char *catalogue, const char *head)
{
    unsigned count = 0;
    size_t len = strlen(head);
    for (const char *at = strstr(catalogue, head); at != NULL; at = strstr(at + 1, head)) {
        const char *end = at + len;
        bool whole = at[-1] == '\n' && strncmp(end, "\nSubject: ", 10) == 0;
        const char *body = whole ? strstr(end, "\n\n@MESSAGE@\n\n") : NULL;
        const char *next = strstr(end, "\n-- ");
        count += body != NULL && (next == NULL || body < next) && body[13] != '\0';
    }
    return count;
}

START_TEST(every_event_is_explained_in_both_languages_and_no_other)
{
    struct buf text;
    unsigned all = 0;
    buf_init(&text, 1024 * 1024);
    ck_assert_int_eq(file_read("deploy/referral.catalog", &text, NULL), OK);
    ck_assert_int_eq(buf_append(&text, "", 1), OK);
    const char *catalogue = (const char *)text.data;
    for (size_t i = 0; i < LOG_EVENT_COUNT; i++) {
        char head[64];
        ck_assert_uint_eq(strspn(log_event_id((enum log_event)i), "0123456789abcdef"), 32);
        (void)snprintf(head, sizeof(head), "-- %s", log_event_id((enum log_event)i));
        ck_assert_msg(entries_of(catalogue, head) == 1, "%s: not once in English",
                      log_event_name((enum log_event)i));
        (void)snprintf(head, sizeof(head), "-- %s zh_CN", log_event_id((enum log_event)i));
        ck_assert_msg(entries_of(catalogue, head) == 1, "%s: not once in Chinese",
                      log_event_name((enum log_event)i));
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(log_event_name((enum log_event)i), log_event_name((enum log_event)k));
        }
    }
    for (const char *at = strstr(catalogue, "\n-- "); at != NULL; at = strstr(at + 1, "\n-- ")) {
        all++;
    }
    ck_assert_uint_eq(all, 2u * LOG_EVENT_COUNT);
    buf_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *cases = tcase_create("log");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, a_call_is_one_line_and_a_place_has_its_caret);
    tcase_add_test(cases, without_journald_the_priority_stands_in_front);
    tcase_add_test(cases, journald_gets_fields);
    tcase_add_test(cases, a_kind_of_event_has_so_many_lines_a_minute);
    tcase_add_test(cases, every_event_is_explained_in_both_languages_and_no_other);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

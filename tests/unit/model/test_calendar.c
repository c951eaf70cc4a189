/* lib/model/calendar and calendar_load: refusals of wrong files, civil dates against a walk through
 * the years, named days of the notices of 2023 to 2026, layers, versions, provisional dates. The
 * day-by-day comparison with another language is tests/oracle. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_start.h"
#include "shipped_calendar.h"

#define HEAD             "{\"year\":2026,\"papers\":[\"p\"],\"days\":["
#define DAY(d)           "{\"name\":\"x\",\"date\":\"" d "\",\"isOffDay\":true}"
#define WORK(d)          "{\"name\":\"x\",\"date\":\"" d "\",\"isOffDay\":false}"
#define TAIL             "]}"
#define STAT             "{\"year\":2026,\"provisional\":true,\"papers\":[],\"days\":["
#define OF_2026          "{\"year\":2026,\"local\":true,"
#define OF_2026          "{\"year\":2026,\"local\":true,"
#define LOCAL            OF_2026 "\"papers\":[\"p\"],\"notice\":\"n\",\"days\":["
#define BARE             OF_2026 "\"papers\":[],\"days\":["
#define SOURCED(d, rest) "{\"name\":\"x\",\"date\":\"" d "\",\"isOffDay\":true" rest "}"

static enum err load(struct calendar *calendar, const char *text, struct fault *fault)
{
    return calendar_load_text(calendar, "f.json", span_text(text), fault);
}

static const struct {
    const char *text;
    const char *code;
    const char *place;
} refused[] = {
    {"", "json.syntax", "f.json:"},
    {"{\"year\":2026,\n \"days\": [}", "json.syntax", "f.json:2:"},
    {"[]", "calendar.form", "f.json"},
    {"{\"papers\":[],\"days\":[]}", NULL, "f.json:year"},
    {"{\"year\":2026.5,\"papers\":[],\"days\":[]}", NULL, "f.json:year"},
    {"{\"year\":1969,\"papers\":[],\"days\":[]}", NULL, "f.json:year"},
    {"{\"year\":2170,\"papers\":[],\"days\":[]}", "calendar.year", "f.json"},
    {"{\"year\":2026,\"papers\":\"p\",\"days\":[]}", "calendar.papers", "f.json:papers"},
    {"{\"year\":2026,\"papers\":[],\"days\":{}}", "calendar.days", "f.json:days"},
    {"{\"year\":2026,\"papers\":[],\"days\":[],\"dayz\":1}", NULL, "f.json:"},
    {"{\"year\":2026,\"papers\":[],\"days\":[],\"local\":true,\"provisional\":true}",
     "calendar.layer", "f.json"},
    {HEAD DAY("2026-02-29") TAIL, "calendar.date", "f.json:days[0].date"},
    {HEAD DAY("2026-2-01") TAIL, "calendar.date", "f.json:days[0].date"},
    {HEAD DAY("2026/02/01") TAIL, "calendar.date", "f.json:days[0].date"},
    {HEAD DAY("2026-13-01") TAIL, "calendar.date", "f.json:days[0].date"},
    {HEAD DAY("2026-00-10") TAIL, "calendar.date", "f.json:days[0].date"},
    {HEAD DAY("2026-04-31") TAIL, "calendar.date", "f.json:days[0].date"},
    {HEAD DAY("2026-01-01") "," DAY("2025-12-24") TAIL, "calendar.wrong-year",
     "f.json:days[1].date"},
    {HEAD DAY("2027-01-01") TAIL, "calendar.wrong-year", "f.json:days[0].date"},
    {HEAD DAY("2026-01-01") "," DAY("2026-01-02") "," DAY("2026-01-01") TAIL, "calendar.twice",
     "f.json:days[2].date"},
    {HEAD DAY("2026-01-03") "," WORK("2026-01-03") TAIL, "calendar.twice", "f.json:days[1].date"},
    {HEAD WORK("2026-01-05") TAIL, "calendar.work-on-weekday", "f.json:days[0].date"},
    {BARE DAY("2026-03-04") TAIL, "calendar.no-source", "f.json:days[0].date"},
    {BARE SOURCED("2026-03-04", ",\"source\":\"s\"") TAIL, "calendar.no-source",
     "f.json:days[0].date"},
    {BARE SOURCED("2026-03-04", ",\"notice\":\"n\"") TAIL, "calendar.no-source",
     "f.json:days[0].date"},
    {LOCAL DAY("2026-03-04") "," DAY("2026-03-04") TAIL, "calendar.twice", "f.json:days[1].date"},
    {STAT WORK("2026-01-04") TAIL, "calendar.statutory-work", "f.json:days[0].date"},
    {HEAD "{\"name\":\"\",\"date\":\"2026-01-01\",\"isOffDay\":true}" TAIL, NULL, "f.json:days[0]"},
    {HEAD "{\"name\":\"x\",\"date\":\"2026-01-01\",\"isOffDay\":1}" TAIL, NULL,
     "f.json:days[0].isOffDay"},
    {HEAD "{\"name\":\"x\",\"date\":\"2026-01-01\",\"isOffDay\":true,\"hint\":true}" TAIL,
     "calendar.hint", "f.json:days[0]"},
    {HEAD "{\"date\":\"2026-01-01\",\"isOffDay\":true}" TAIL, NULL, "f.json:days[0].name"},
};

START_TEST(test_refuses_wrong_file)
{
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(calendar_new(&calendar), OK);
    ck_assert_int_eq(load(calendar, refused[_i].text, &fault), ERR_INVALID);
    ck_assert_msg(strncmp(fault.place, refused[_i].place, strlen(refused[_i].place)) == 0,
                  "place %s", fault.place);
    ck_assert_msg(fault.message[0] != '\0', "no message");
    if (refused[_i].code != NULL) {
        ck_assert_str_eq(fault.code, refused[_i].code);
    }
    ck_assert_int_eq(load(calendar, refused[_i].text, NULL), ERR_INVALID);
    /* Nothing of the file stayed: the right one is taken, and New Year's Day is off. */
    ck_assert_int_eq(load(calendar, HEAD DAY("2026-01-01") TAIL, &fault), OK);
    calendar_seal(calendar);
    ck_assert(!calendar_is_working_day(calendar, day_of("2026-01-01")));
    ck_assert(calendar_is_working_day(calendar, day_of("2026-01-02")));
    calendar_free(calendar);
}
END_TEST

START_TEST(test_refuses_second_file)
{
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(calendar_new(&calendar), OK);
    ck_assert_int_eq(load(calendar, HEAD DAY("2025-12-31") TAIL, &fault), OK);
    ck_assert_int_eq(load(calendar, HEAD TAIL, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "calendar.file-twice");
    /* A late December day may stand in one of two notices only. */
    ck_assert_int_eq(
        load(calendar, "{\"year\":2025,\"papers\":[],\"days\":[" DAY("2025-12-31") "]}", &fault),
        ERR_INVALID);
    ck_assert_str_eq(fault.code, "calendar.twice");
    calendar_free(calendar);
    calendar_free(NULL);
}
END_TEST

/* Walks from 1970 to 2199 by the rules of the Gregorian calendar, one day at a time. */
START_TEST(test_civil_dates_against_walk)
{
    static const int32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t day = 0;
    int32_t weekday = 4; /* Thursday */
    for (int32_t year = 1970; year < 2200; year++) {
        bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        for (int32_t month = 1; month <= 12; month++) {
            int32_t length = lengths[month - 1] + (month == 2 && leap ? 1 : 0);
            for (int32_t of_month = 1; of_month <= length; of_month++, day++) {
                struct civil_date date = civil_date_of(day);
                int32_t back = -1;
                ck_assert(date.year == year && date.month == month && date.day == of_month);
                ck_assert_int_eq(civil_day_of(date, &back), OK);
                ck_assert_int_eq(back, day);
                ck_assert_int_eq(civil_weekday(day), weekday);
                weekday = weekday == 7 ? 1 : weekday + 1;
            }
            struct civil_date over = {year, month, length + 1};
            int32_t none = -7;
            ck_assert_int_eq(civil_day_of(over, &none), ERR_INVALID);
            ck_assert_int_eq(none, -7);
        }
    }
}
END_TEST

START_TEST(test_civil_texts_and_instants)
{
    static const char *const wrong[] = {
        "",           "2026-01-1",  "2026-1-010",  "20260101",    "2026-01-011", "1969-12-31",
        "0000-00-00", "2026-01-0a", " 2026-01-01", "2026-01-01 ", "+026-01-01",  "2025-02-29"};
    int32_t day = -7;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(civil_parse(wrong[i], &day) == ERR_INVALID, "%s", wrong[i]);
        ck_assert_int_eq(day, -7);
    }
    ck_assert_int_eq(civil_from_yyyymmdd(20260230, &day), ERR_INVALID);
    ck_assert_int_eq(civil_from_yyyymmdd(UINT32_MAX, &day), ERR_INVALID);
    ck_assert_int_eq(day, -7);
    char text[CIVIL_TEXT_BYTES];
    civil_format(CIVIL_DAY_MAX, text);
    ck_assert_str_eq(text, "9999-12-31");
    civil_format(0, text);
    ck_assert_str_eq(text, "1970-01-01");
    ck_assert_int_eq(civil_from_yyyymmdd(20240229, &day), OK);
    ck_assert_uint_eq(civil_yyyymmdd(day), 20240229);
    /* 2026-10-22T16:00:00Z is 24:00 of the 22nd and 00:00 of the 23rd in China. */
    ck_assert_uint_eq(civil_end_ms(day_of("2026-10-22")), UINT64_C(1792684800000));
    ck_assert_uint_eq(civil_start_ms(day_of("2026-10-23")), UINT64_C(1792684800000));
    ck_assert_int_eq(civil_day_at(UINT64_C(1792684800000)), day_of("2026-10-23"));
    ck_assert_int_eq(civil_day_at(UINT64_C(1792684799999)), day_of("2026-10-22"));
    ck_assert_int_eq(civil_day_at(0), 0);
    ck_assert_int_eq(civil_day_at(UINT64_MAX), CIVIL_DAY_MAX);
    ck_assert_uint_eq(civil_start_ms(0), 0);
}
END_TEST

static const struct {
    const char *date;
    enum day_reason reason;
    const char *name;
} named_days[] = {
    {"2022-12-30", DAY_WORKING, ""},
    {"2022-12-31", DAY_HOLIDAY, "元旦"}, /* a row of the notice of 2023 */
    {"2023-01-28", DAY_MAKE_UP, "春节"},
    {"2023-06-23", DAY_HOLIDAY, "端午节"},
    {"2023-12-30", DAY_HOLIDAY, "元旦"},
    {"2024-02-09", DAY_WORKING, ""}, /* New Year's Eve was no holiday in 2024 */
    {"2024-02-29", DAY_WORKING, ""},
    {"2025-10-08", DAY_HOLIDAY, "国庆节、中秋节"},
    {"2025-10-12", DAY_WEEKEND, ""},
    {"2026-01-04", DAY_MAKE_UP, "元旦"},
    {"2026-09-20", DAY_MAKE_UP, "国庆节"},
    {"2026-11-21", DAY_WEEKEND, ""},
    {"2027-02-05", DAY_HOLIDAY, "春节(除夕)"},
    {"2027-02-09", DAY_WORKING, ""}, /* projected only */
    {"2031-10-01", DAY_WORKING, ""}, /* beyond all data: the week alone */
    {"2031-10-04", DAY_WEEKEND, ""},
    {"9999-12-31", DAY_WORKING, ""},
};

START_TEST(test_named_days)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    int32_t day = day_of(named_days[_i].date);
    struct calendar_day answer = calendar_day_reason(calendar, day);
    ck_assert_int_eq(answer.day, day);
    ck_assert_msg(answer.reason == named_days[_i].reason, "%s", named_days[_i].date);
    ck_assert_str_eq(answer.name, named_days[_i].name);
    bool works = answer.reason == DAY_WORKING || answer.reason == DAY_MAKE_UP;
    ck_assert(calendar_is_working_day(calendar, day) == works);
    calendar_free(calendar);
}
END_TEST

static const struct {
    const char *arrival;
    uint32_t n;
    const char *due;
    bool provisional;
} due_cases[] = {
    {"2026-09-18", 20, "2026-10-22", false}, /* make-up Sunday and Saturday count */
    {"2026-09-19", 20, "2026-10-22", false}, /* arrival on a free Saturday */
    {"2026-09-20", 20, "2026-10-23", false}, /* arrival on a make-up Sunday: not counted itself */
    {"2026-10-03", 1, "2026-10-08", false},
    {"2022-12-30", 1, "2023-01-03", true}, /* 2022 has no notice here */
    {"2026-02-13", 1, "2026-02-14", false},
    {"2026-11-26", 20, "2026-12-24", false},
    {"2026-11-27", 20, "2026-12-25", true},
    {"2026-12-24", 5, "2026-12-31", true},
    {"2026-12-31", 1, "2027-01-04", true},
    {"2027-02-04", 1, "2027-02-09", true}, /* 9 February is projected only: it counts */
};

START_TEST(test_due_dates)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    int32_t arrival = day_of(due_cases[_i].arrival);
    const uint64_t at_ms[] = {civil_start_ms(arrival), civil_end_ms(arrival) - 1};
    for (size_t i = 0; i < 2; i++) {
        struct due_date due;
        char text[CIVIL_TEXT_BYTES];
        calendar_due(calendar, at_ms[i], due_cases[_i].n, &due);
        civil_format(due.day_n, text);
        ck_assert_str_eq(text, due_cases[_i].due);
        ck_assert_int_eq(due.day_0, arrival);
        ck_assert_uint_eq(due.due_before_ms, civil_end_ms(day_of(due_cases[_i].due)));
        ck_assert(due.provisional == due_cases[_i].provisional);
    }
    calendar_free(calendar);
}
END_TEST

/* Counting forward, back and between agree with one another, also at the end of the bitmap. */
START_TEST(test_counting_agrees)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    const int32_t starts[] = {0, day_of("2022-11-01"), day_of("2026-09-01"), day_of("2169-11-20"),
                              day_of("2170-01-01")};
    for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        uint32_t counted = 0;
        for (int32_t day = starts[s] + 1; day < starts[s] + 300; day++) {
            counted += calendar_is_working_day(calendar, day) ? 1 : 0;
            ck_assert_uint_eq(calendar_count_working_days(calendar, starts[s], day), counted);
            if (calendar_is_working_day(calendar, day)) {
                int32_t count = (int32_t)counted;
                ck_assert_int_eq(calendar_add_working_days(calendar, starts[s], count), day);
                int32_t first = calendar_next_working_day(calendar, starts[s]);
                ck_assert_int_eq(calendar_add_working_days(calendar, day, 1 - count), first);
            }
        }
        ck_assert_uint_eq(calendar_count_working_days(calendar, starts[s] + 9, starts[s]), 0);
        ck_assert_int_eq(calendar_add_working_days(calendar, starts[s], 0), starts[s]);
    }
    ck_assert_int_eq(calendar_next_working_day(calendar, CIVIL_DAY_MAX), CIVIL_DAY_MAX);
    ck_assert_int_eq(calendar_add_working_days(calendar, 0, -3), 0);
    calendar_free(calendar);
}
END_TEST

/* The notice takes the place of the statutory rows; a local row wins over both. */
START_TEST(test_layers)
{
    static const char stat[] = STAT DAY("2026-03-02") "," DAY("2026-03-03") TAIL;
    static const char notice[] = HEAD DAY("2026-03-03") "," DAY("2026-03-04") TAIL;
    static const char local[] = LOCAL WORK("2026-03-04") "," DAY("2026-03-05") TAIL;
    static const char *const orders[][3] = {{stat, notice, local}, {local, notice, stat}};
    struct digest digests[2];
    for (size_t i = 0; i < 2; i++) {
        struct calendar *calendar = NULL;
        struct fault fault = {.code = ""};
        ck_assert_int_eq(calendar_new(&calendar), OK);
        for (size_t k = 0; k < 3; k++) {
            ck_assert_int_eq(load(calendar, orders[i][k], &fault), OK);
        }
        calendar_seal(calendar);
        ck_assert(calendar_is_working_day(calendar, day_of("2026-03-02")));
        ck_assert_int_eq(calendar_day_reason(calendar, day_of("2026-03-02")).reason, DAY_WORKING);
        ck_assert(!calendar_is_working_day(calendar, day_of("2026-03-03")));
        ck_assert(calendar_is_working_day(calendar, day_of("2026-03-04")));
        ck_assert(!calendar_is_working_day(calendar, day_of("2026-03-05")));
        ck_assert_str_eq(calendar_source(calendar, 2026), "p");
        digests[i] = *calendar_digest(calendar);
        calendar_free(calendar);
    }
    ck_assert(digest_equal(&digests[0], &digests[1]));
}
END_TEST

static struct calendar *sealed_of(const char *first, const char *second)
{
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(calendar_new(&calendar), OK);
    ck_assert_int_eq(load(calendar, first, &fault), OK);
    if (second != NULL) {
        ck_assert_int_eq(load(calendar, second, &fault), OK);
    }
    calendar_seal(calendar);
    return calendar;
}

/* Each pair is told apart by the digest and by the version's text. */
START_TEST(test_digest_tells_apart)
{
    static const char *const texts[] = {
        HEAD TAIL,
        HEAD DAY("2026-03-03") TAIL,
        HEAD DAY("2026-03-04") TAIL,
        STAT DAY("2026-03-03") TAIL,
        HEAD "{\"name\":\"y\",\"date\":\"2026-03-03\",\"isOffDay\":true}" TAIL,
        HEAD DAY("2026-03-07") TAIL,
        HEAD WORK("2026-03-07") TAIL,
        HEAD DAY("2026-03-03") "," DAY("2026-03-04") TAIL,
        HEAD SOURCED("2026-03-03", ",\"source\":\"s\"") TAIL,
        HEAD SOURCED("2026-03-03", ",\"notice\":\"s\"") TAIL,
        "{\"year\":2025,\"papers\":[],\"days\":[]}",
    };
    enum { COUNT = sizeof(texts) / sizeof(texts[0]) };
    struct calendar *calendars[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        calendars[i] = sealed_of(texts[i], NULL);
        for (size_t k = 0; k < i; k++) {
            ck_assert(!digest_equal(calendar_digest(calendars[i]), calendar_digest(calendars[k])));
            ck_assert_str_ne(calendar_version(calendars[i]), calendar_version(calendars[k]));
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        calendar_free(calendars[i]);
    }
}
END_TEST

/* Several local files of a year stand beside each other; a row's own source wins over its file's.
 */
START_TEST(test_sources_of_days)
{
    static const char region[] =
        LOCAL SOURCED("2026-03-04", ",\"source\":\"r\",\"notice\":\"7\"") TAIL;
    static const char league[] = LOCAL WORK("2026-03-07") TAIL;
    struct fault fault = {.code = ""};
    struct calendar *calendar = sealed_of(region, league);
    struct calendar_day day = calendar_day_reason(calendar, day_of("2026-03-04"));
    ck_assert(day.by_row);
    ck_assert_int_eq(day.layer, CALENDAR_LOCAL);
    ck_assert_str_eq(day.source, "r");
    ck_assert_str_eq(day.notice, "7");
    day = calendar_day_reason(calendar, day_of("2026-03-07"));
    ck_assert_int_eq(day.reason, DAY_MAKE_UP);
    ck_assert_str_eq(day.source, "p");
    ck_assert_str_eq(day.notice, "n");
    day = calendar_day_reason(calendar, day_of("2026-03-08"));
    ck_assert(!day.by_row);
    ck_assert_str_eq(day.source, "");
    calendar_free(calendar);
    ck_assert_int_eq(calendar_new(&calendar), OK);
    ck_assert_int_eq(load(calendar, region, &fault), OK);
    ck_assert_int_eq(load(calendar, LOCAL WORK("2026-03-04") TAIL, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "calendar.twice");
    calendar_free(calendar);
}
END_TEST

/* Statutory rows that a notice replaces are changes only where the two differ. */
START_TEST(test_changes_between_two)
{
    struct calendar *old = sealed_of(STAT DAY("2026-01-01") "," DAY("2026-03-03") TAIL, NULL);
    struct calendar *new = sealed_of(HEAD DAY("2026-03-04") "," WORK("2026-03-07") TAIL,
                                     STAT DAY("2026-01-01") "," DAY("2026-03-03") TAIL);
    static const char *const days[] = {"2026-01-01", "2026-03-03", "2026-03-04", "2026-03-07"};
    int32_t day = -1;
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        ck_assert(calendar_next_change(old, new, day, &day));
        ck_assert_int_eq(day, day_of(days[i]));
    }
    ck_assert(!calendar_next_change(old, new, day, &day));
    ck_assert(!calendar_next_change(new, new, -1, &day));
    calendar_free(old);
    calendar_free(new);
}
END_TEST

START_TEST(test_missing_year)
{
    static const struct {
        const char *today;
        int32_t year;
    } cases[] = {{"2026-01-01", 0},
                 {"2026-10-31", 0},
                 {"2026-11-01", 2027},
                 {"2026-12-31", 2027},
                 {"2027-01-01", 2027}};
    struct calendar *calendar = calendar_shipped(2026, true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(calendar_missing_year(calendar, day_of(cases[i].today)), cases[i].year);
    }
    calendar_free(calendar);
}
END_TEST

START_TEST(test_version_and_years)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    int32_t first = 0;
    int32_t last = 0;
    ck_assert(strncmp(calendar_version(calendar), "2023-2026+2027s#", 16) == 0);
    ck_assert_uint_eq(strlen(calendar_version(calendar)), 24);
    ck_assert(calendar_years(calendar, &first, &last));
    ck_assert_int_eq(first, 2023);
    ck_assert_int_eq(last, 2027);
    ck_assert(calendar_has_notice(calendar, 2026));
    ck_assert(!calendar_has_notice(calendar, 2027));
    ck_assert(!calendar_has_notice(calendar, -5));
    ck_assert(strstr(calendar_source(calendar, 2023), "国办发明电〔2022〕16号") != NULL);
    ck_assert_str_eq(calendar_source(calendar, 2035), "");
    calendar_free(calendar);
    ck_assert_int_eq(calendar_new(&calendar), OK);
    ck_assert(!calendar_years(calendar, &first, &last));
    calendar_seal(calendar);
    ck_assert(strncmp(calendar_version(calendar), "weekends#", 9) == 0);
    calendar_free(calendar);
}
END_TEST

/* The version keeps its digest when more ranges than fit are there. */
START_TEST(test_version_with_many_gaps)
{
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(calendar_new(&calendar), OK);
    for (int year = 1972; year < 2170; year += 2) {
        char text[96];
        (void)snprintf(text, sizeof(text), "{\"year\":%d,\"papers\":[],\"days\":[]}", year);
        ck_assert_int_eq(load(calendar, text, &fault), OK);
    }
    calendar_seal(calendar);
    const char *version = calendar_version(calendar);
    const char *mark = strchr(version, '#');
    ck_assert_ptr_nonnull(mark);
    ck_assert_uint_eq(strlen(mark), 9);
    ck_assert_uint_lt(strlen(version), CALENDAR_VERSION_BYTES);
    calendar_free(calendar);
}
END_TEST

static void same_counting(const struct calendar *one, const struct calendar *other)
{
    ck_assert_str_eq(calendar_version(one), calendar_version(other));
    ck_assert(digest_equal(calendar_digest(one), calendar_digest(other)));
    for (int32_t day = 0; day < day_of("2170-03-01"); day++) {
        ck_assert(calendar_is_working_day(one, day) == calendar_is_working_day(other, day));
        ck_assert(calendar_is_provisional(one, day) == calendar_is_provisional(other, day));
    }
}

/* What was packed counts alike; what was cut, or has anything behind it, is no calendar. */
START_TEST(test_packed_counts_alike)
{
    static uint8_t packed[CALENDAR_PACKED_MAX + 1];
    struct calendar *calendars[] = {
        calendar_shipped(2026, true), sealed_of(HEAD TAIL, NULL),
        sealed_of(HEAD DAY("2026-03-03") TAIL, LOCAL WORK("2026-03-07") TAIL)};
    for (size_t i = 0; i < sizeof(calendars) / sizeof(calendars[0]); i++) {
        struct calendar *unpacked = NULL;
        size_t len = calendar_pack(calendars[i], packed);
        ck_assert_int_eq(calendar_unpack(span_of(packed, len), &unpacked), OK);
        same_counting(calendars[i], unpacked);
        calendar_free(unpacked);
        for (size_t cut = 0; cut < len; cut++) {
            ck_assert_int_eq(calendar_unpack(span_of(packed, cut), &unpacked), ERR_CORRUPT);
        }
        packed[len] = 0;
        ck_assert_int_eq(calendar_unpack(span_of(packed, len + 1), &unpacked), ERR_CORRUPT);
        calendar_free(calendars[i]);
    }
}
END_TEST

/* The last two days are of 2026-03-03 and 2026-03-07: not in that order, not twice, and no day
 * behind those that a calendar knows. */
START_TEST(test_packed_days_rise)
{
    static const uint32_t bad[] = {0, 20515, 0x80000000u, 73049};
    static uint8_t packed[CALENDAR_PACKED_MAX];
    struct calendar *unpacked = NULL;
    struct calendar *calendar =
        sealed_of(HEAD DAY("2026-03-03") TAIL, LOCAL WORK("2026-03-07") TAIL);
    size_t len = calendar_pack(calendar, packed);
    ck_assert_uint_eq(be32_get(packed + len - 8), (uint32_t)day_of("2026-03-03"));
    ck_assert_uint_eq(be32_get(packed + len - 4), (uint32_t)day_of("2026-03-07"));
    ck_assert_uint_eq(be32_get(packed + len - 8), bad[1]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        be32_put(packed + len - 4, bad[i]);
        ck_assert_int_eq(calendar_unpack(span_of(packed, len), &unpacked), ERR_CORRUPT);
    }
    calendar_free(calendar);
}
END_TEST

static Suite *calendar_suite(void)
{
    Suite *suite = suite_create("calendar");
    TCase *files = tcase_create("files");
    tcase_add_loop_test(files, test_refuses_wrong_file, 0,
                        (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(files, test_refuses_second_file);
    tcase_add_test(files, test_layers);
    tcase_add_test(files, test_digest_tells_apart);
    tcase_add_test(files, test_sources_of_days);
    tcase_add_test(files, test_changes_between_two);
    tcase_add_test(files, test_missing_year);
    tcase_add_test(files, test_version_and_years);
    tcase_add_test(files, test_version_with_many_gaps);
    suite_add_tcase(suite, files);
    TCase *days = tcase_create("days");
    tcase_add_test(days, test_civil_dates_against_walk);
    tcase_add_test(days, test_civil_texts_and_instants);
    tcase_add_loop_test(days, test_named_days, 0,
                        (int)(sizeof(named_days) / sizeof(named_days[0])));
    tcase_add_loop_test(days, test_due_dates, 0, (int)(sizeof(due_cases) / sizeof(due_cases[0])));
    tcase_add_test(days, test_counting_agrees);
    tcase_add_test(days, test_packed_counts_alike);
    tcase_add_test(days, test_packed_days_rise);
    suite_add_tcase(suite, days);
    return suite;
}

int main(void)
{
    if (crypto_start() != OK) {
        return EXIT_FAILURE;
    }
    SRunner *runner = srunner_create(calendar_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

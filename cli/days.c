/* See days.h. The words for what the broker says are one table. */
#include "cli/days.h"

#include <string.h>

#include "model/calendar.h"

static const struct {
    const char *what;
    const char *words;
} day_words[] = {
    {"weekend", "weekend, skipped"},
    {"holiday", "holiday, skipped"},
    {"make-up", "make-up workday (调休上班), counted"},
};

const char *days_weekday(const char *date)
{
    static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    int32_t day = 0;

    return civil_parse(date, &day) == OK ? names[civil_weekday(day) - 1] : "";
}

bool days_shaped(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    size_t at = 0;

    while (form[at] != '\0' &&
           (form[at] == 'd' ? text[at] >= '0' && text[at] <= '9' : text[at] == form[at])) {
        at++;
    }
    return form[at] == '\0' && text[at] == '\0';
}

void days_begin(struct table *table)
{
    table_begin(table, NULL, "llll");
    table->margin = "  ";
}

void days_row(struct table *table, const char *date, const char *what, const char *name)
{
    const char *words = what;

    for (size_t i = 0; i < sizeof(day_words) / sizeof(day_words[0]); i++) {
        if (strcmp(what, day_words[i].what) == 0) {
            words = day_words[i].words;
        }
    }
    table_cell(table, date);
    table_cell(table, days_weekday(date));
    table_cell(table, words);
    table_cell(table, name);
}

/* How: strict by construction: a text is taken apart and formatted again, and only an equal text is
 * a number. So there is one spelling of each. */
#include "model/numbers.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "model/calendar.h"

#define PREFIX_MIN 2
#define PREFIX_MAX 4

bool number_prefix_valid(const char *prefix)
{
    size_t len = strnlen(prefix, NUMBER_PREFIX_BYTES);
    if (len < PREFIX_MIN || len > PREFIX_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (prefix[i] < 'A' || prefix[i] > 'Z') {
            return false;
        }
    }
    return strcmp(prefix, "DB") != 0 && strcmp(prefix, "DJ") != 0 && strcmp(prefix, "SX") != 0;
}

void number_format(const struct number *number, char out[LIMIT_NUMBER_BYTES])
{
    assert(number->counter >= 1 && number->counter <= NUMBER_COUNTER_MAX);
    int len = 0;
    switch (number->kind) {
    case NUMBER_CASE:
        len = snprintf(out, LIMIT_NUMBER_BYTES, "%s-%04u-%04u", number->prefix, number->year,
                       number->counter);
        break;
    case NUMBER_REFERRAL:
        len = snprintf(out, LIMIT_NUMBER_BYTES, "%s-%04u-%04u-%02u", number->prefix, number->year,
                       number->counter, number->suffix);
        break;
    case NUMBER_REGISTER:
        len = snprintf(out, LIMIT_NUMBER_BYTES, "%s-DJ-%04u-%04u", number->prefix, number->year,
                       number->counter);
        break;
    case NUMBER_MATTER:
        len = snprintf(out, LIMIT_NUMBER_BYTES, "%s-SX-%04u-%04u", number->prefix, number->year,
                       number->counter);
        break;
    case NUMBER_DOCUMENT:
        len = snprintf(out, LIMIT_NUMBER_BYTES, "DB-%04u-%04u", number->year, number->counter);
        break;
    }
    assert(len > 0 && (size_t)len < LIMIT_NUMBER_BYTES);
}

/* Reads "-" and decimal digits up to `max`; NULL when there are none or too many. */
static const char *read_part(const char *text, uint32_t max, uint32_t *ret_value)
{
    uint32_t value = 0;
    if (text == NULL || *text != '-') {
        return NULL;
    }
    text++;
    const char *first = text;
    while (*text >= '0' && *text <= '9') {
        value = value * 10 + (uint32_t)(*text - '0');
        if (value > max) {
            return NULL;
        }
        text++;
    }
    if (text == first) {
        return NULL;
    }
    *ret_value = value;
    return text;
}

static const char *read_prefix(const char *text, struct number *number)
{
    size_t len = 0;
    while (len < PREFIX_MAX && text[len] >= 'A' && text[len] <= 'Z') {
        number->prefix[len] = text[len];
        len++;
    }
    number->prefix[len] = '\0';
    bool document = number->kind == NUMBER_DOCUMENT;
    bool valid = document ? strcmp(number->prefix, "DB") == 0 : number_prefix_valid(number->prefix);
    return valid ? text + len : NULL;
}

enum err number_parse(enum number_kind kind, const char *text, struct number *ret)
{
    struct number number = {.kind = kind};
    if (strnlen(text, LIMIT_NUMBER_BYTES) >= LIMIT_NUMBER_BYTES) {
        return ERR_INVALID;
    }
    const char *rest = read_prefix(text, &number);
    if (rest != NULL && (kind == NUMBER_REGISTER || kind == NUMBER_MATTER)) {
        const char *mark = kind == NUMBER_REGISTER ? "-DJ" : "-SX";
        rest = strncmp(rest, mark, 3) == 0 ? rest + 3 : NULL;
    }
    rest = read_part(rest, NUMBER_YEAR_MAX, &number.year);
    rest = read_part(rest, NUMBER_COUNTER_MAX, &number.counter);
    if (kind == NUMBER_REFERRAL) {
        rest = read_part(rest, NUMBER_SUFFIX_MAX, &number.suffix);
        if (number.suffix == 0) {
            return ERR_INVALID;
        }
    }
    if (rest == NULL || *rest != '\0' || number.counter == 0 || number.year < NUMBER_YEAR_MIN) {
        return ERR_INVALID;
    }
    char again[LIMIT_NUMBER_BYTES];
    number_format(&number, again);
    if (strcmp(again, text) != 0) {
        return ERR_INVALID;
    }
    *ret = number;
    return OK;
}

enum err number_next(enum number_kind kind, const char *prefix, uint64_t now_ms,
                     struct number_counter *counter, char out[LIMIT_NUMBER_BYTES])
{
    assert(kind != NUMBER_REFERRAL);
    struct number number = {.kind = kind};
    uint32_t year = (uint32_t)civil_date_of(civil_day_at(now_ms)).year;
    if (year > counter->year) {
        counter->year = year;
        counter->last = 0;
    }
    if (counter->last >= NUMBER_COUNTER_MAX) {
        return ERR_FULL;
    }
    if (kind == NUMBER_DOCUMENT) {
        prefix = "DB";
    } else {
        assert(number_prefix_valid(prefix));
    }
    (void)snprintf(number.prefix, sizeof(number.prefix), "%s", prefix);
    counter->last++;
    number.year = counter->year;
    number.counter = counter->last;
    number_format(&number, out);
    return OK;
}

enum err number_of_referral(const char *case_number, uint32_t suffix, char out[LIMIT_NUMBER_BYTES])
{
    struct number number;
    enum err error = number_parse(NUMBER_CASE, case_number, &number);
    if (error != OK || suffix == 0 || suffix > NUMBER_SUFFIX_MAX) {
        return ERR_INVALID;
    }
    number.kind = NUMBER_REFERRAL;
    number.suffix = suffix;
    number_format(&number, out);
    return OK;
}

bool number_belongs(const char *referral_number, const char *case_number)
{
    struct number number;
    char of_case[LIMIT_NUMBER_BYTES];
    if (number_parse(NUMBER_REFERRAL, referral_number, &number) != OK) {
        return false;
    }
    number.kind = NUMBER_CASE;
    number_format(&number, of_case);
    return strcmp(of_case, case_number) == 0;
}

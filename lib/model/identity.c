/* How: the weights of GB 11643 are 2^(17 - i) mod 11; the check character is looked up by the
 * weighted sum mod 11. */
#include "model/identity.h"

#include <string.h>

#define IDENTITY_DIGITS 18
#define BIRTH_FIRST     6
#define FIRST_YEAR      1800

static const uint32_t weights[IDENTITY_DIGITS - 1] = {7, 9, 10, 5,  8, 4, 2, 1, 6,
                                                      3, 7, 9,  10, 5, 8, 4, 2};
static const char check_characters[] = "10X98765432";
static const uint32_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

/* The calendar begins in 1970; people are older. */
static bool date_exists(uint32_t year, uint32_t month, uint32_t day)
{
    if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    uint32_t days = month_days[month - 1] + (month == 2 && leap ? 1 : 0);
    return day <= days;
}

static uint32_t read_digits(const char *text, size_t count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    return value;
}

bool identity_valid(const char *number)
{
    uint32_t sum = 0;
    if (strnlen(number, IDENTITY_DIGITS + 1) != IDENTITY_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < IDENTITY_DIGITS - 1; i++) {
        if (number[i] < '0' || number[i] > '9') {
            return false;
        }
        sum += weights[i] * (uint32_t)(number[i] - '0');
    }
    if (number[0] == '0' || number[IDENTITY_DIGITS - 1] != check_characters[sum % 11]) {
        return false;
    }
    return date_exists(read_digits(number + BIRTH_FIRST, 4),
                       read_digits(number + BIRTH_FIRST + 4, 2),
                       read_digits(number + BIRTH_FIRST + 6, 2));
}

uint32_t identity_birth_date(const char *number)
{
    return identity_valid(number) ? read_digits(number + BIRTH_FIRST, 8) : 0;
}

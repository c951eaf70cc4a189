/* Decimal numbers from the environment and from addresses, strictly: digits only, no sign, no white
 * space, no leading zero but in "0". For lib/io and for options of command lines. Any thread. */
#ifndef REFERRAL_IO_NUMBER_H
#define REFERRAL_IO_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* True when the whole text is a number of at most `max`. */
static inline bool number_parse(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0')) {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(*at - '0');
        if (digit > max || number > (max - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

#endif

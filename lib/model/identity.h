/* Citizen identity numbers: the check of GB 11643 (18 characters, birth date, ISO 7064 mod 11-2).
 * Judges form only; keeps and logs nothing. Pure; any thread. */
#ifndef REFERRAL_MODEL_IDENTITY_H
#define REFERRAL_MODEL_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

/* 17 digits, a digit or capital X, a real birth date from 1800 on, and the right check digit. */
bool identity_valid(const char *number);

/* YYYYMMDD of a valid number's birth date; 0 for an invalid number. */
uint32_t identity_birth_date(const char *number);

#endif

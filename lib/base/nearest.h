/* The nearest known name to a mistyped one, for "did you mean". For messages to people only, never
 * to decide anything. Pure; any thread. */
#ifndef REFERRAL_BASE_NEAREST_H
#define REFERRAL_BASE_NEAREST_H

#include <stddef.h>

#include "base/err.h"

/* One of the NULL-terminated names, when at most a third of its letters (and at least one) differ;
 * otherwise NULL. Ties go to the first. */
const char *nearest_name(const char *name, const char *const *names);

/* Adds the hint `did you mean "NAME"?` when there is a nearest name; NULL fault allowed. */
void nearest_hint(struct fault *fault, const char *name, const char *const *names);

/* "a, b, c", ending in "..." where it does not fit. */
void nearest_list(const char *const *names, char *out, size_t size);

#endif

/* Reads the log out of a broker's store, without its key and without writing. A damaged store can
 * crash the reading: call it in a process of its own. */
#ifndef REFERRAL_VERIFY_STORE_READ_H
#define REFERRAL_VERIFY_STORE_READ_H

#include "export.h"

/* Verifies the log; the report says everything, an unreadable store too. */
void store_verify(const char *folder, const struct known *known, struct report *report);
/* Writes all that can be read into an export, without judging it; PASS when that worked. */
void store_export(const char *folder, const char *path, struct report *report);

#endif

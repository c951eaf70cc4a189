/* Instants as people and files write them: "2026-03-02T09:30:00+08:00", with ".250" before the zone
 * when there are milliseconds. Always +08:00. Pure; any thread. */
#ifndef REFERRAL_MODEL_INSTANT_TEXT_H
#define REFERRAL_MODEL_INSTANT_TEXT_H

#include "model/calendar.h"

#define INSTANT_TEXT_BYTES 40 /* with the NUL */

void instant_format(uint64_t instant_ms, char out[INSTANT_TEXT_BYTES]);
/* Exactly what instant_format writes; ERR_INVALID otherwise. Not before 1970-01-01T08:00:00+08:00.
 */
enum err instant_parse(const char *text, uint64_t *ret_instant_ms) MUST_CHECK;

#endif

/* What a broker's answers mean for the person on watch: a light for each agency and each open
 * clock, and the words that go with it. One place for `watch`, `agency ls` and `doctor`, so that
 * they never disagree. Pure. */
#ifndef REFERRAL_CLI_LIGHTS_H
#define REFERRAL_CLI_LIGHTS_H

#include "base/json.h"
#include "cli/frame.h"

#define LIGHT_WORDS_BYTES 96u
#define LIGHT_AGE_BYTES   24u

enum light { /* from well to grave */ LIGHT_GOOD,
             LIGHT_UNKNOWN,
             LIGHT_WARN,
             LIGHT_BAD,
             LIGHT_COUNT };

/* "ok", "unknown", "warn", "bad": in JSON, and beside the colour, which is never the only sign. */
const char *light_id(enum light light);
enum style light_style(enum light light);

#define LIGHT_SILENT_MS (UINT64_C(90) * 1000)   /* an agent asks again within 25 s */
#define LIGHT_WAITS_MS  (UINT64_C(3600) * 1000) /* an agent that is up takes within seconds */

/* Of a row of the answer `agencies`, at the broker's time: up, down since when, what waits. */
enum light light_agency(const struct json_value *agency, uint64_t now_ms,
                        char words[LIGHT_WORDS_BYTES]);
/* Of an open clock of the answer `due`: past its day, ends today or tomorrow, or later. */
enum light light_clock(const struct json_value *clock, uint64_t now_ms);

/* "3 s", "12 min", "5 h", "9 d". */
void light_age(uint64_t age_ms, char out[LIGHT_AGE_BYTES]);

#endif

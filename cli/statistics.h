/* The figures that `referralctl stats` has gathered, and how they are shown: a table on the
 * terminal, CSV for a spreadsheet, one JSON object. statistics.c gathers them from a broker,
 * statistics_show.c shows them. docs/statistics.md defines each figure. Main thread. */
#ifndef REFERRAL_CLI_STATISTICS_H
#define REFERRAL_CLI_STATISTICS_H

#include "base/json.h"
#include "cli/command.h"
#include "model/statistics.h"

struct gathered {
    struct statistics *statistics; /* owned */
    struct statistics_period period;
    struct json_value agencies; /* rows {id, name_zh, name_en}; the n-th is agency n + 1 */
    size_t agency_count;
    size_t only; /* show this agency alone; 0: all, and their sum */
    bool english;
    char calendar[CALENDAR_VERSION_BYTES];
    uint64_t records; /* referrals and duties that were read, of any period */
};

/* Each answers the exit status, after saying what went wrong. */
int statistics_draw(const struct gathered *gathered);
int statistics_json(const struct gathered *gathered);
/* "-" is standard output. */
int statistics_csv(const struct gathered *gathered, const struct invocation *invocation,
                   const char *path);

#endif

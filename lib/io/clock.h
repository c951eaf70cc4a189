/* The two clocks of a daemon: the wall (UTC) and the boot clock (CLOCK_BOOTTIME, counts suspend),
 * each with the laboratory's offsets.
 *
 * Not for timers of the transport: those run on the machine's own boot clock (loop.h), so that
 * moving laboratory time by a week ends no connection. Readable on any thread; the offsets are set
 * on the loop thread. Nothing is durable: a daemon that restarts is told its offsets again. */
#ifndef REFERRAL_IO_CLOCK_H
#define REFERRAL_IO_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct clock {
    bool laboratory;         /* without it both offsets are and stay 0 */
    _Atomic int64_t both_ms; /* moves wall and boot together; never falls */
    _Atomic int64_t wall_ms; /* moves the wall alone, either way */
};

void clock_init(struct clock *clock, bool laboratory);
uint64_t clock_wall_ms(const struct clock *clock); /* UTC milliseconds, never below 0 */
uint64_t clock_boot_ms(const struct clock *clock); /* never falls within one boot */

/* The machine's own boot clock, without offsets: the time of loop timers. */
uint64_t clock_machine_ms(void);
/* The machine's time at which clock_boot_ms will be `boot_ms`, as the offset is now; UINT64_MAX
 * stays. After a change of the offset whatever was translated must be translated again. */
uint64_t clock_machine_at(const struct clock *clock, uint64_t boot_ms);

int64_t clock_both_offset_ms(const struct clock *clock);
int64_t clock_wall_offset_ms(const struct clock *clock);
/* Both set the whole offset, not a step. ERR_REFUSED outside laboratory mode; ERR_INVALID when wall
 * and boot together would go back, or an offset is beyond 100 years. */
enum err clock_set_both_offset(struct clock *clock, int64_t offset_ms) MUST_CHECK;
enum err clock_set_wall_offset(struct clock *clock, int64_t offset_ms) MUST_CHECK;

#endif

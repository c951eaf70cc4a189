/* The clocks, read from the kernel and moved by the laboratory's offsets. See clock.h. */
#include "io/clock.h"

#include <assert.h>
#include <stddef.h>
#include <time.h>

#define CLOCK_OFFSET_MAX_MS (100LL * 366 * 24 * 3600 * 1000)

static int64_t kernel_ms(clockid_t id)
{
    struct timespec now;
    int result = clock_gettime(id, &now);
    assert(result == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_init(struct clock *clock, bool laboratory)
{
    clock->laboratory = laboratory;
    atomic_init(&clock->both_ms, 0);
    atomic_init(&clock->wall_ms, 0);
}

uint64_t clock_wall_ms(const struct clock *clock)
{
    int64_t now_ms =
        kernel_ms(CLOCK_REALTIME) + clock_both_offset_ms(clock) + clock_wall_offset_ms(clock);
    return now_ms < 0 ? 0 : (uint64_t)now_ms;
}

uint64_t clock_boot_ms(const struct clock *clock)
{
    return clock_machine_ms() + (uint64_t)clock_both_offset_ms(clock);
}

uint64_t clock_machine_ms(void)
{
    return (uint64_t)kernel_ms(CLOCK_BOOTTIME);
}

uint64_t clock_machine_at(const struct clock *clock, uint64_t boot_ms)
{
    uint64_t offset_ms = (uint64_t)clock_both_offset_ms(clock);
    if (boot_ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    return boot_ms < offset_ms ? 0 : boot_ms - offset_ms;
}

int64_t clock_both_offset_ms(const struct clock *clock)
{
    return atomic_load(&clock->both_ms);
}

int64_t clock_wall_offset_ms(const struct clock *clock)
{
    return atomic_load(&clock->wall_ms);
}

enum err clock_set_both_offset(struct clock *clock, int64_t offset_ms)
{
    if (!clock->laboratory) {
        return ERR_REFUSED;
    }
    if (offset_ms < clock_both_offset_ms(clock) || offset_ms > CLOCK_OFFSET_MAX_MS) {
        return ERR_INVALID;
    }
    atomic_store(&clock->both_ms, offset_ms);
    return OK;
}

enum err clock_set_wall_offset(struct clock *clock, int64_t offset_ms)
{
    if (!clock->laboratory) {
        return ERR_REFUSED;
    }
    if (offset_ms < -CLOCK_OFFSET_MAX_MS || offset_ms > CLOCK_OFFSET_MAX_MS) {
        return ERR_INVALID;
    }
    atomic_store(&clock->wall_ms, offset_ms);
    return OK;
}

/* The seam between the broker core and the world: time, randomness, wake-ups, replies, crash
 * points.
 *
 * The broker is the same code in the daemon (the daemon fills the table from clock, loop, link and
 * fault_point) and in scenario tests (a simulated clock and link fill it). What comes in -
 * requests, gone connections, "it is time" - is called on the broker, not through this table. Loop
 * thread only; every function returns at once and none calls back into the broker. Nothing is
 * durable. */
#ifndef REFERRAL_IO_IO_H
#define REFERRAL_IO_IO_H

#include "base/bytes.h"

struct io_ops {
    /* UTC milliseconds, laboratory offsets included. May jump either way. */
    uint64_t (*wall_ms)(void *ctx);
    /* Milliseconds of the boot clock (counts suspend), laboratory offset included. Never falls. */
    uint64_t (*boot_ms)(void *ctx);
    /* Unpredictable bytes in the daemon, a seeded stream in a simulation. */
    void (*random)(void *ctx, void *out, size_t len);
    /* Asks for one "it is time" call at or after `boot_ms`. Replaces the wake-up asked before;
     * UINT64_MAX asks for none. A time in the past means: in the next turn. */
    void (*wake_at)(void *ctx, uint64_t boot_ms);
    /* Answers the request of `handle`. Takes the bytes: the buf is empty afterwards, also when the
     * requester is gone (which nobody can know) or the handle was answered before. */
    void (*reply)(void *ctx, uint64_t handle, struct buf *bytes);
    /* Releases the request of `handle` without an answer, e.g. when its connection is gone. */
    void (*drop)(void *ctx, uint64_t handle);
    /* A named place where a test may end the process, or have the work left out: true. */
    bool (*fault)(void *ctx, const char *point);
};

struct io {
    const struct io_ops *ops; /* borrowed, static */
    void *ctx;                /* borrowed, longer-lived than the io */
};

static inline uint64_t io_wall_ms(const struct io *io)
{
    return io->ops->wall_ms(io->ctx);
}

static inline uint64_t io_boot_ms(const struct io *io)
{
    return io->ops->boot_ms(io->ctx);
}

static inline void io_random(const struct io *io, void *out, size_t len)
{
    io->ops->random(io->ctx, out, len);
}

static inline void io_wake_at(const struct io *io, uint64_t boot_ms)
{
    io->ops->wake_at(io->ctx, boot_ms);
}

static inline void io_reply(const struct io *io, uint64_t handle, struct buf *bytes)
{
    io->ops->reply(io->ctx, handle, bytes);
}

static inline void io_drop(const struct io *io, uint64_t handle)
{
    io->ops->drop(io->ctx, handle);
}

static inline void io_fault(const struct io *io, const char *point)
{
    (void)io->ops->fault(io->ctx, point); /* only io_omits leaves anything out */
}

static inline bool io_omits(const struct io *io, const char *point)
{
    return io->ops->fault(io->ctx, point);
}

#endif

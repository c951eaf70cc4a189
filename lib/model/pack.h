/* The cursors of packed records (model/referral, model/matter): big-endian numbers, and texts with
 * their length before them. A reader that meets anything wrong is bad from there on and reads
 * zeros, so that one question at the end suffices. Pure; any thread. */
#ifndef REFERRAL_MODEL_PACK_H
#define REFERRAL_MODEL_PACK_H

#include "base/bytes.h"
#include "model/window.h"

struct pack_writer {
    uint8_t *to; /* borrowed */
    size_t len;
    size_t max; /* asserted: the caller's bound holds for every value */
};

void pack_put(struct pack_writer *writer, uint64_t value, size_t bytes); /* must fit them */
void pack_put_bytes(struct pack_writer *writer, const void *data, size_t len);
void pack_put_text(struct pack_writer *writer, const char *text); /* at most 255 bytes */
void pack_put_window(struct pack_writer *writer, const struct window *window);

struct pack_reader {
    struct span from;
    size_t at;
    bool bad;
};

uint64_t pack_get(struct pack_reader *reader, size_t bytes);
/* A number that must be at most `max`. */
uint32_t pack_get_max(struct pack_reader *reader, size_t bytes, uint32_t max);
void pack_get_bytes(struct pack_reader *reader, void *out, size_t len);
void pack_get_text(struct pack_reader *reader, char *out, size_t size);
/* Only what window_open, window_open_dated and what follows them make. */
void pack_get_window(struct pack_reader *reader, struct window *window);

#endif

/* Borrowed bytes (span), owned growing bytes (buf), fixed-size values (digest, uuid), and the
 * explicit big-endian packing that every disk key uses.
 *
 * For every floor; no I/O. A span never owns; a buf has a maximum from its birth and fails with
 * ERR_TOO_LARGE beyond it. Callable on any thread; no object here is shared between threads. */
#ifndef REFERRAL_BASE_BYTES_H
#define REFERRAL_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct span {
    const uint8_t *data; /* borrowed; may be NULL when len is 0 */
    size_t len;
};

struct buf {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
    size_t max; /* never grows beyond; set by buf_init */
};

#define DIGEST_BYTES 32
#define UUID_BYTES   16

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

struct uuid {
    uint8_t bytes[UUID_BYTES];
};

#define UUID_TEXT_BYTES   37 /* with the NUL */
#define DIGEST_TEXT_BYTES 65 /* lower-case hexadecimal with the NUL */

struct span span_of(const void *data, size_t len);
struct span span_text(const char *text); /* without the NUL */
struct span span_buf(const struct buf *buf);
bool span_equal(struct span a, struct span b); /* not constant time: never for secrets */

/* Copies a text into a field of `size` bytes, cut where it does not fit, always terminated. */
void text_copy(char *to, size_t size, const char *from);

/* No allocation until the first append. */
void buf_init(struct buf *buf, size_t max);
void buf_free(struct buf *buf);  /* NULL and unused allowed; the buf is as after buf_init */
void buf_clear(struct buf *buf); /* keeps the memory */
enum err buf_append(struct buf *buf, const void *data, size_t len) MUST_CHECK;
enum err buf_append_text(struct buf *buf, const char *text) MUST_CHECK;
enum err buf_printf(struct buf *buf, const char *fmt, ...) MUST_CHECK FORMAT(2, 3);
/* Adds `len` uninitialised bytes and lends them until the next call on the buf. */
enum err buf_extend(struct buf *buf, size_t len, uint8_t **ret_bytes) MUST_CHECK;

void be16_put(uint8_t *to, uint16_t value);
void be32_put(uint8_t *to, uint32_t value);
void be64_put(uint8_t *to, uint64_t value);
uint16_t be16_get(const uint8_t *from);
uint32_t be32_get(const uint8_t *from);
uint64_t be64_get(const uint8_t *from);

/* `out` holds 2 * len + 1 bytes. */
void hex_encode(struct span in, char *out);
/* Exactly 2 * len digits of either case; ERR_INVALID otherwise. */
enum err hex_decode(const char *text, uint8_t *out, size_t len) MUST_CHECK;
/* Standard base64 with padding (RFC 4648 section 4), as signed notes use it. */
enum err base64_encode(struct span in, struct buf *out) MUST_CHECK;
/* Strict: no white space, canonical padding; ERR_INVALID otherwise. */
enum err base64_decode(struct span in, struct buf *out) MUST_CHECK;

/* Well-formed UTF-8 (RFC 3629): shortest forms, no surrogates, at most U+10FFFF. */
bool utf8_valid(struct span text);

bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_zero(const struct uuid *id);
/* RFC 9562 version 7 from a time in UTC milliseconds and 10 random bytes. */
struct uuid uuid_v7(uint64_t time_ms, const uint8_t random[10]);
bool uuid_is_v7(const struct uuid *id);
void uuid_format(const struct uuid *id, char out[UUID_TEXT_BYTES]);
enum err uuid_parse(const char *text, struct uuid *ret) MUST_CHECK; /* the canonical form only */
bool digest_equal(const struct digest *a, const struct digest *b);
void digest_format(const struct digest *digest, char out[DIGEST_TEXT_BYTES]);

/* A region: many small allocations, one free. For decoded messages of one request. The budget is
 * the most it will ever hold; beyond it region_take answers NULL. */
struct region {
    struct region_block *blocks; /* owned */
    size_t used;
    size_t budget;
};

void region_init(struct region *region, size_t budget);
void *region_take(struct region *region, size_t size); /* zeroed, aligned for any type; or NULL */
void region_free(struct region *region);               /* NULL allowed; reusable afterwards */
void region_wipe(struct region *region); /* zeroes what was taken, then frees: personal data */

#endif

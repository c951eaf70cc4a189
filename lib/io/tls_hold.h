/* Joins the pieces in which nng hands a message over - length, header, body - so that a message
 * becomes one TLS record and one system call, not three: half of the cost of a small one.
 *
 * It follows nng's framing on the way out: eight bytes of hello, then be64 length and so many
 * bytes, again and again; how these are cut into pieces does not matter. Bytes are kept here only
 * while more of the same message is certain to come. Pure: for tls_engine alone, under the
 * connection's lock. */
#ifndef REFERRAL_IO_TLS_HOLD_H
#define REFERRAL_IO_TLS_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_HOLD_BYTES  16384u /* of one record */
#define TLS_HELLO_BYTES 8u

struct tls_hold {
    uint8_t bytes[TLS_HOLD_BYTES];
    size_t len;      /* in `bytes` */
    size_t flushed;  /* of these, in the TLS library */
    size_t head_len; /* of the length that is coming in */
    uint64_t left;   /* of the message, or of the hello */
    uint8_t head[8]; /* be64 length */
    bool within;     /* of a message's bytes, or of the hello; false: of its length */
    size_t taken;    /* of a piece that is offered again until all is flushed; 0: none is */
};

void tls_hold_init(struct tls_hold *hold);
/* Takes what there is room for of a piece; at least one byte where there is any room. */
size_t tls_hold_take(struct tls_hold *hold, const uint8_t *piece, size_t len);
/* All of a message, or of the hello, has been taken: nothing may be left in here. */
bool tls_hold_at_end(const struct tls_hold *hold);
static inline bool tls_hold_is_full(const struct tls_hold *hold)
{
    return hold->len == TLS_HOLD_BYTES;
}

#endif

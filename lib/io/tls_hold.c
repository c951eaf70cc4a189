/* How: the bytes go by one after the other, and the length is read as they do. See tls_hold.h. */
#include "io/tls_hold.h"

#include <assert.h>
#include <string.h>

void tls_hold_init(struct tls_hold *hold)
{
    memset(hold, 0, sizeof(*hold));
    hold->left = TLS_HELLO_BYTES;
    hold->within = true;
}

static size_t smaller(size_t a, uint64_t b)
{
    return b < a ? (size_t)b : a;
}

/* The length itself, up to its end. */
static size_t take_head(struct tls_hold *hold, const uint8_t *piece, size_t len)
{
    size_t count = smaller(len, sizeof(hold->head) - hold->head_len);

    memcpy(hold->head + hold->head_len, piece, count);
    hold->head_len += count;
    if (hold->head_len == sizeof(hold->head)) {
        hold->left = 0;
        for (size_t i = 0; i < sizeof(hold->head); i++) {
            hold->left = hold->left << 8 | hold->head[i];
        }
        hold->head_len = 0;
        hold->within = hold->left > 0;
    }
    return count;
}

static size_t take_body(struct tls_hold *hold, size_t len)
{
    size_t count = smaller(len, hold->left);

    hold->left -= count;
    hold->within = hold->left > 0;
    return count;
}

size_t tls_hold_take(struct tls_hold *hold, const uint8_t *piece, size_t len)
{
    size_t room = sizeof(hold->bytes) - hold->len, taken = 0;

    len = smaller(len, room);
    while (taken < len) {
        taken += hold->within ? take_body(hold, len - taken)
                              : take_head(hold, piece + taken, len - taken);
    }
    memcpy(hold->bytes + hold->len, piece, taken);
    hold->len += taken;
    return taken;
}

bool tls_hold_at_end(const struct tls_hold *hold)
{
    return !hold->within && hold->head_len == 0;
}

/* lib/io/tls_hold: whatever the pieces, the bytes come out as they went in, and they are asked for
 * at the end of each message and nowhere else. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "io/tls_hold.h"
#include "io_support.h"

#define MESSAGES 300u
#define MOST     40000u

static const uint8_t hello[TLS_HELLO_BYTES] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};

static uint64_t seed;

static uint32_t number(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* A hello, then messages; `ends` are the places behind each. */
static size_t stream_make(uint8_t *bytes, size_t *ends, size_t *ret_count)
{
    static const size_t sizes[] = {0, 1, 4, 8, 100, 1200, 16371, 16376, 16384, 40000};
    size_t len = TLS_HELLO_BYTES, count = 0;

    memcpy(bytes, hello, sizeof(hello));
    ends[count++] = len;
    for (size_t i = 0; i < MESSAGES / 10; i++) {
        size_t size = sizes[number(sizeof(sizes) / sizeof(sizes[0]))];

        be64_put(bytes + len, size);
        for (size_t k = 0; k < size; k++) {
            bytes[len + 8 + k] = (uint8_t)number(256);
        }
        len += 8 + size;
        ends[count++] = len;
    }
    *ret_count = count;
    return len;
}

/* As the engine does: full before it takes more, and at each end. */
static size_t drain(struct tls_hold *hold, uint8_t *out, size_t at)
{
    memcpy(out + at, hold->bytes, hold->len);
    at += hold->len;
    hold->len = 0;
    return at;
}

START_TEST(whatever_the_pieces_the_bytes_are_the_same)
{
    uint8_t *in = malloc((MESSAGES + 1) * (MOST + 8)), *out = malloc((MESSAGES + 1) * (MOST + 8));
    size_t ends[MESSAGES + 1], count, next = 0, at = 0, done = 0;
    struct tls_hold hold;

    seed = (uint64_t)_i + 1;
    ck_assert(in != NULL && out != NULL);
    const size_t len = stream_make(in, ends, &count);
    tls_hold_init(&hold);
    ck_assert(!tls_hold_at_end(&hold));
    while (at < len) {
        /* nng's pieces never go beyond the end of a message */
        size_t most = ends[next] - at, piece = _i % 2 == 0 ? most : 1 + number((uint32_t)most);

        if (tls_hold_is_full(&hold)) {
            done = drain(&hold, out, done);
        }
        size_t taken = tls_hold_take(&hold, in + at, piece);
        ck_assert_uint_ge(taken, 1);
        ck_assert_uint_le(taken, piece);
        at += taken;
        ck_assert_int_eq(tls_hold_at_end(&hold), at == ends[next]);
        if (at == ends[next]) {
            done = drain(&hold, out, done);
            next++;
        }
    }
    ck_assert_uint_eq(next, count);
    ck_assert_uint_eq(done, len);
    ck_assert_int_eq(memcmp(in, out, len), 0);
    free(in);
    free(out);
}
END_TEST

/* A length that nobody can mean is not believed and waited for in here: it only never ends. */
START_TEST(the_longest_length_is_only_a_number)
{
    struct tls_hold hold;
    uint8_t head[8];

    memset(head, 0xff, sizeof(head));
    tls_hold_init(&hold);
    ck_assert_uint_eq(tls_hold_take(&hold, hello, sizeof(hello)), 8);
    ck_assert(tls_hold_at_end(&hold));
    ck_assert_uint_eq(tls_hold_take(&hold, head, sizeof(head)), 8);
    ck_assert(!tls_hold_at_end(&hold));
    ck_assert_uint_eq(hold.left, UINT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.tls_hold");
    TCase *tests = tcase_create("hold");

    tcase_add_loop_test(tests, whatever_the_pieces_the_bytes_are_the_same, 0, 20);
    tcase_add_test(tests, the_longest_length_is_only_a_number);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}

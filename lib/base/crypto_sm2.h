/* SM2 on libcrypto, for crypto_sm.c: signatures with the user id 1234567812345678 (GB/T 32918.2),
 * and a shared x coordinate on the curve of GB/T 32918.5. A point is one byte, 02 or 03, and x.
 * Any thread after sm2_open; where libcrypto fails for want of memory, that is asserted. */
#ifndef REFERRAL_BASE_CRYPTO_SM2_H
#define REFERRAL_BASE_CRYPTO_SM2_H

#include "base/bytes.h"

#define SM2_POINT_BYTES 33
#define SM2_EVEN        0x02 /* y is even */
#define SM2_ODD         0x03
#define SM2_USER_ID     "1234567812345678"

/* ERR_IO: this libcrypto has no SM2. */
enum err sm2_open(void) MUST_CHECK;

/* The secret number of 32 random bytes, 1 to n - 2, whose point has an even y; and its x. */
void sm2_key_from_seed(const uint8_t seed[32], uint8_t ret_scalar[32], uint8_t ret_x[32]);
/* r and s, 32 bytes each. */
void sm2_sign(const uint8_t scalar[32], const uint8_t x[32], struct span message, uint8_t out[64]);
bool sm2_verify(const uint8_t point[SM2_POINT_BYTES], struct span message,
                const uint8_t signature[64]);
/* x of the seed's number times the point of that x. False: there is no such point. */
bool sm2_exchange(const uint8_t seed[32], const uint8_t x[32], uint8_t out[32]);

#endif

/* Cryptography behind one small interface: hashes, signatures, sealing, and secrets.
 *
 * The suite is chosen by deployment, never by a message, once for a process. `intl` is libsodium:
 * Ed25519, X25519, XChaCha20-Poly1305, keyed BLAKE2b; its SHA-256 is libcrypto's. `sm` is SM2, SM3,
 * SM4 in counter mode with HMAC-SM3. Keys, digests and signatures of both have the same lengths.
 * This header is the only door to them; no other floor includes their headers. crypto_init() once
 * per process before anything else; all functions are then callable on any thread. Nothing here
 * does I/O except crypto_random. */
#ifndef REFERRAL_BASE_CRYPTO_H
#define REFERRAL_BASE_CRYPTO_H

#include "base/bytes.h"

enum crypto_suite {
    SUITE_INTL = 1, /* libsodium */
    SUITE_SM = 2,   /* SM2, SM3, SM4 */
};

#define SIGN_SEED_BYTES   32
#define SIGN_PUBLIC_BYTES 32
#define SIGNATURE_BYTES   64
#define SEAL_SECRET_BYTES 32
#define SEAL_PUBLIC_BYTES 32
#define AEAD_KEY_BYTES    32
#define AEAD_NONCE_BYTES  24
#define AEAD_TAG_BYTES    16
#define MAC_KEY_BYTES     32
#define MAC_BYTES         16
#define KEY_ID_BYTES      8

struct sign_key { /* secret: wipe with crypto_wipe */
    uint8_t seed[SIGN_SEED_BYTES];
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    uint8_t expanded[64]; /* libsodium's form, seed and public key; or SM2's number */
};

struct seal_key { /* secret */
    uint8_t secret[SEAL_SECRET_BYTES];
    uint8_t public_key[SEAL_PUBLIC_BYTES];
    const struct seal_key *older; /* borrowed: the key before, which opens what was sealed to it */
};

struct key_id {
    uint8_t bytes[KEY_ID_BYTES]; /* the first bytes of the hash of the public key */
};

enum err crypto_init(void) MUST_CHECK;
/* The suite of this process: `intl` until it is chosen. Before any key is read, and before there
 * are threads. ERR_REFUSED: another one was chosen before; ERR_IO: this libcrypto has it not. */
enum err crypto_choose(enum crypto_suite suite) MUST_CHECK;
/* What a file states: it is chosen where nothing was, else compared. ERR_INVALID (suite.differs)
 * with a fault at `place`. */
enum err crypto_claim(enum crypto_suite suite, const char *place, struct fault *fault) MUST_CHECK;
enum crypto_suite crypto_suite(void);
const char *crypto_suite_name(enum crypto_suite suite); /* "intl", "sm" */
extern const char *const crypto_suite_names[];          /* by number - 1, for options */
void crypto_random(void *out, size_t len); /* never fails: aborts if the kernel has no entropy */
void crypto_wipe(void *secret, size_t len);
/* Zeroed memory for secrets: on pages of its own that no core image has and, as far as the limits
 * of the process allow, none that are swapped. NULL: there is none. Freed, it is wiped. */
void *crypto_secret_new(size_t size);
void crypto_secret_free(void *secret);                       /* NULL allowed */
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */

/* The suite's hash in pieces: SHA-256 or SM3. It may be copied, and thrown away. */
struct hasher {
    _Alignas(8) uint8_t state[128]; /* opaque; large enough, asserted in crypto.c */
};
void hasher_init(struct hasher *hasher);
void hasher_add(struct hasher *hasher, const void *data, size_t len);
struct digest hasher_end(struct hasher *hasher);
struct digest crypto_digest(struct span data);

/* 16 bytes of keyed BLAKE2b or HMAC-SM3: MACs of stored records. */
struct mac {
    uint8_t bytes[MAC_BYTES];
};
struct mac_key { /* secret */
    uint8_t bytes[MAC_KEY_BYTES];
};
/* The pieces are hashed one after the other; the caller makes their borders unambiguous. */
struct mac crypto_mac(const struct mac_key *key, const struct span *pieces, size_t piece_count);
/* 32 bytes of the same over `context`. Key derivation and key commitment. */
void crypto_derive(const uint8_t key[32], struct span context, uint8_t out[32]);

void sign_key_new(struct sign_key *ret_key);
void sign_key_from_seed(const uint8_t seed[SIGN_SEED_BYTES], struct sign_key *ret_key);
/* Not `crypto_sign`: libsodium exports that name. */
void crypto_sign_message(const struct sign_key *key, struct span message,
                         uint8_t out[SIGNATURE_BYTES]);
/* ERR_FORGED when the signature is not that key's over that message. */
enum err crypto_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct span message,
                       const uint8_t signature[SIGNATURE_BYTES]) MUST_CHECK;
struct key_id key_id_of(const uint8_t public_key[32]);

void seal_key_new(struct seal_key *ret_key);
void seal_key_from_secret(const uint8_t secret[SEAL_SECRET_BYTES], struct seal_key *ret_key);
/* X25519, or x on the curve of SM2; ERR_FORGED for a public key that is no good point. */
enum err crypto_exchange(const uint8_t secret[32], const uint8_t public_key[32],
                         uint8_t out[32]) MUST_CHECK;

/* XChaCha20-Poly1305 (IETF), or SM4-CTR with HMAC-SM3. `out` gets plain.len + AEAD_TAG_BYTES. */
enum err aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span associated, struct span plain, struct buf *out) MUST_CHECK;
/* ERR_FORGED when anything was changed; nothing is appended then. */
enum err aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span associated, struct span sealed, struct buf *out) MUST_CHECK;

#endif

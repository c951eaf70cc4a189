/* The layout of sealed files, shared by the writer and the reader of sealed_file.h. Nobody else
 * includes it. All numbers are big-endian.
 *
 *   magic 16 | version u8 | suite u8 | head bytes u16 | recipient 32 | ephemeral 32 | signer 32 |
 * head chunk, once or more: sealed bytes u32, the top bit on the last | sealed foot | foot bytes
 * u16 | signature 64
 *
 * The content is one zstd frame, cut into chunks of SEALED_CHUNK_BYTES; the last may be shorter.
 * Chunk i has i as its nonce and (i, last) as associated data, under a key of this file alone. The
 * signature is over SEALED_SIGN_DOMAIN and the SHA-256 of all that lies before it. */
#ifndef REFERRAL_BASE_SEALED_PRIVATE_H
#define REFERRAL_BASE_SEALED_PRIVATE_H

#include "base/sealed_file.h"

#define SEALED_MAGIC        "referral-sealed" /* 16 bytes with the NUL */
#define SEALED_MAGIC_BYTES  16u
#define SEALED_VERSION      1u
#define SEALED_CHUNK_BYTES  (256u * 1024u)
#define SEALED_LAST         0x80000000u
#define SEALED_LEVEL        3  /* of zstd: what is sealed already passes it nearly untouched */
#define SEALED_WINDOW_LOG   23 /* the most memory that a frame may ask its reader for: 8 MiB */
#define SEALED_SIGN_DOMAIN  "referral-sealed-file-1" /* with its NUL */
#define SEALED_KEY_DOMAIN   "referral-sealed-key-1"  /* with its NUL */
#define SEALED_AT_VERSION   16u
#define SEALED_AT_SUITE     17u
#define SEALED_AT_HEAD      18u
#define SEALED_AT_RECIPIENT 20u
#define SEALED_AT_EPHEMERAL 52u
#define SEALED_AT_SIGNER    84u
#define SEALED_FRONT_BYTES  116u
#define SEALED_BACK_BYTES   (2u + SIGNATURE_BYTES) /* behind the foot */

/* sealed_file.c */
/* The key of a file's chunks: of the exchanged secret and all of the front and the head. */
void sealed_key(const uint8_t shared[32], struct span front_and_head, uint8_t ret_key[32]);
struct sealed_chunk_place {
    uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t associated[9];
};
struct sealed_chunk_place sealed_chunk_at(uint64_t index, bool last);
/* What the signature is over: SEALED_SIGN_DOMAIN | digest. */
struct sealed_statement {
    uint8_t bytes[sizeof(SEALED_SIGN_DOMAIN) + DIGEST_BYTES];
};
struct sealed_statement sealed_statement_of(const struct digest *digest);

#endif

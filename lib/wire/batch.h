/* The tree and signature of a batch, for the two files that use them (envelope.c, request.c). */
#ifndef REFERRAL_WIRE_BATCH_H
#define REFERRAL_WIRE_BATCH_H

#include "model/merkle.h"

/* Leaves SHA-256(0x00 || digest); the nodes are the region's. */
enum err batch_tree_make(const struct digest *digests, size_t count, struct region *region,
                         struct merkle_batch *ret_tree) MUST_CHECK;
/* ERR_FORGED unless the key signed this root of that size in this suite. */
enum err batch_root_verify(const struct merkle_head *root, uint32_t suite,
                           const uint8_t signature[SIGNATURE_BYTES],
                           const uint8_t public_key[SIGN_PUBLIC_BYTES]) MUST_CHECK;

#endif

/* How: a path is climbed from the leaf; each bit of its place says on which side the brother
 * stands. Called by the judge of dossiers and by the checker of logs. See proof.h. */
#include "proof.h"

#include <string.h>

#define PATH_MAX_HASHES 63u

struct digest proof_message(struct span header, struct span facts, const struct digest *body)
{
    static const char domain[] = "referral.v1.message"; /* with its NUL */
    struct digest first = crypto_digest(header), second = crypto_digest(facts);
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, domain, sizeof domain);
    hasher_add(&hasher, first.bytes, DIGEST_BYTES);
    hasher_add(&hasher, second.bytes, DIGEST_BYTES);
    hasher_add(&hasher, body->bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

struct digest proof_body(struct span body, bool *ret_rests)
{
    const size_t head = 2 + DIGEST_BYTES; /* a zero byte, a generation, the hash */
    const bool rests = body.len > head && body.data[0] == 0;
    struct digest hash;

    if (ret_rests != NULL) {
        *ret_rests = rests;
    }
    if (!rests) {
        return crypto_digest(body);
    }
    memcpy(hash.bytes, body.data + 2, DIGEST_BYTES);
    return hash;
}

static struct digest node_of(const struct digest *left, const struct digest *right)
{
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, "\x01", 1);
    hasher_add(&hasher, left->bytes, DIGEST_BYTES);
    hasher_add(&hasher, right->bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

/* From the leaf upwards: `at` and `last` are its and the last leaf's place in the present row. A
 * last node without a brother goes up unchanged. */
enum err proof_root(const struct proof_path *path, const struct digest *leaf,
                    struct digest *ret_root)
{
    uint64_t at = path->index, last = path->size - 1;
    struct digest hash = *leaf;
    size_t used = 0;

    if (path->size == 0 || at > last || path->count > PATH_MAX_HASHES) {
        return ERR_INVALID;
    }
    for (; last > 0; at >>= 1, last >>= 1) {
        if ((at & 1u) == 0 && at == last) {
            continue;
        }
        if (used == path->count) {
            return ERR_INVALID;
        }
        hash = (at & 1u) != 0 ? node_of(&path->hashes[used], &hash)
                              : node_of(&hash, &path->hashes[used]);
        used++;
    }
    *ret_root = hash;
    return used == path->count ? OK : ERR_INVALID;
}

/* Both roots are climbed to at once: `at` is the last node of the first tree, `last` that of the
 * second. A first tree of a power of two is itself the first hash. */
enum err proof_extends(const struct proof_head *first, const struct proof_head *second,
                       const struct digest *hashes, size_t count)
{
    bool whole = (first->size & (first->size - 1)) == 0;
    uint64_t at = first->size - 1, last = second->size - 1;
    struct digest old_root, new_root;

    if (first->size == 0 || first->size > second->size || count > PATH_MAX_HASHES) {
        return ERR_FORGED;
    }
    if (first->size == second->size) {
        return count == 0 && digest_equal(&first->root, &second->root) ? OK : ERR_FORGED;
    }
    if (!whole && count == 0) {
        return ERR_FORGED;
    }
    for (; (at & 1u) != 0; at >>= 1) {
        last >>= 1;
    }
    old_root = new_root = whole ? first->root : hashes[0];
    for (size_t i = whole ? 0 : 1; i < count; i++) {
        if (last == 0) {
            return ERR_FORGED;
        }
        if ((at & 1u) != 0 || at == last) {
            old_root = node_of(&hashes[i], &old_root);
            new_root = node_of(&hashes[i], &new_root);
            for (; (at & 1u) == 0 && at != 0; at >>= 1) {
                last >>= 1;
            }
        } else {
            new_root = node_of(&new_root, &hashes[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && digest_equal(&old_root, &first->root) &&
                   digest_equal(&new_root, &second->root)
               ? OK
               : ERR_FORGED;
}

/* "referral.v1.batch" 0 || suite || be64 n || root, over leaves SHA-256(0 || digest). */
enum err proof_signed(const struct batch_proof *proof, const struct digest *digest,
                      const uint8_t key[SIGN_PUBLIC_BYTES])
{
    static const char domain[] = "referral.v1.batch"; /* with its NUL */
    const struct proof_path path = {proof->index, proof->size, proof->path, proof->path_count};
    uint8_t message[sizeof domain + 1 + 8 + DIGEST_BYTES], *at = message;
    struct digest leaf, root;
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, "\x00", 1);
    hasher_add(&hasher, digest->bytes, DIGEST_BYTES);
    leaf = hasher_end(&hasher);
    if (proof_root(&path, &leaf, &root) != OK) {
        return ERR_FORGED;
    }
    memcpy(at, domain, sizeof domain);
    at += sizeof domain;
    *at = (uint8_t)proof->suite;
    be64_put(at + 1, proof->size);
    memcpy(at + 9, root.bytes, DIGEST_BYTES);
    return crypto_verify(key, span_of(message, sizeof message), proof->signature);
}

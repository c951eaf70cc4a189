/* How: the signed text is written from the entry, so it has one form only. See
 * key_endorsement.h. */
#include "wire/key_endorsement.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DOMAIN     "referral.v1.key-row"
#define TEXT_BYTES (LIMIT_AGENCY_ID_BYTES + 192)

static struct digest signed_digest(const struct key_entry *entry)
{
    char text[TEXT_BYTES], key[2 * sizeof(entry->public_key) + 1];
    struct hasher hasher;

    hex_encode(span_of(entry->public_key, sizeof(entry->public_key)), key);
    const int len =
        snprintf(text, sizeof(text), "owner %s\nuse %s\nkey %s\nfrom %" PRIu64 "\nto %" PRIu64 "\n",
                 entry->owner, key_use_name(entry->use), key, entry->from_ms, entry->to_ms);

    assert(len > 0 && (size_t)len < sizeof(text));
    hasher_init(&hasher);
    hasher_add(&hasher, DOMAIN, sizeof(DOMAIN)); /* with its NUL */
    hasher_add(&hasher, text, (size_t)len);
    return hasher_end(&hasher);
}

void key_endorse(struct key_entry *entry, const struct sign_key *root)
{
    const struct digest digest = signed_digest(entry);

    crypto_sign_message(root, span_of(digest.bytes, DIGEST_BYTES), entry->endorsement);
    entry->endorsed = true;
}

static bool is_root_of(const struct key_entry *root, const struct key_entry *entry)
{
    return root->use == KEY_ROOT && !root->retired && strcmp(root->owner, entry->owner) == 0;
}

enum endorsement key_endorsement_check(const struct key_entry *entries, size_t count, size_t index)
{
    const struct key_entry *entry = &entries[index];
    const size_t end = entry->use == KEY_ROOT ? index : count;
    enum endorsement found = ENDORSEMENT_FINE;

    assert(index < count);
    for (size_t i = 0; !entry->retired && i < end; i++) {
        if (!is_root_of(&entries[i], entry)) {
            continue;
        }
        if (!entry->endorsed) {
            return ENDORSEMENT_MISSING;
        }
        const struct digest digest = signed_digest(entry);

        if (crypto_verify(entries[i].public_key, span_of(digest.bytes, DIGEST_BYTES),
                          entry->endorsement) == OK) {
            return ENDORSEMENT_FINE;
        }
        found = ENDORSEMENT_FORGED;
    }
    return found;
}

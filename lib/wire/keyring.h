/* The public keys of the agencies and of the broker: who may sign and to whom is sealed, and when.
 *
 * Read from public-keys.yaml or a signed registry (registry_document.h) at start and at reload, on
 * the thread that calls; immutable but for keyring_revoke afterwards, so any thread may look up.
 * Holds no secret. Validity is from (inclusive) to `to` (exclusive); a key marked retired signs
 * nothing new, and still verifies what it signed then. */
#ifndef REFERRAL_WIRE_KEYRING_H
#define REFERRAL_WIRE_KEYRING_H

#include "base/crypto.h"
#include "base/limits.h"

enum key_use {
    KEY_SIGN,
    KEY_SEAL,
    KEY_TLS,  /* of a certificate: SHA-256 of its public key (SubjectPublicKeyInfo) */
    KEY_ROOT, /* of an agency's own offline root: it revokes the agency's other keys */
    KEY_USE_COUNT
};
const char *key_use_name(enum key_use use); /* "sign": as in the file */

struct key_entry {
    char owner[LIMIT_AGENCY_ID_BYTES]; /* agency id, or "broker" */
    enum key_use use;
    struct key_id id;
    uint8_t public_key[32];
    uint64_t from_ms; /* 0: always */
    uint64_t to_ms;   /* exclusive; UINT64_MAX: no end */
    bool retired;
    uint64_t revoked_leaf; /* of the log: from there on it signs nothing; KEY_NOT_REVOKED */
    bool endorsed;         /* the agency's root has signed the row: key_endorsement.h */
    uint8_t endorsement[SIGNATURE_BYTES];
};
#define KEY_NOT_REVOKED UINT64_MAX
static inline bool key_is_revoked(const struct key_entry *entry)
{
    return entry->revoked_leaf != KEY_NOT_REVOKED;
}

/* May it be used for something new then? */
static inline bool key_is_in_force(const struct key_entry *entry, uint64_t at_ms)
{
    return !entry->retired && !key_is_revoked(entry) && at_ms >= entry->from_ms &&
           at_ms < entry->to_ms;
}

struct keyring; /* opaque */

enum err keyring_load(const char *path, struct keyring **ret_keyring,
                      struct fault *fault) MUST_CHECK;
/* The same from memory; `name` stands for the file in faults. For REGISTRY replies and tests. */
enum err keyring_load_text(const char *name, struct span text, struct keyring **ret_keyring,
                           struct fault *fault) MUST_CHECK;
/* The bytes of a file: public keys, or a signed registry, whose root nobody compares here. */
enum err keyring_load_file(const char *path, struct span text, struct keyring **ret_keyring,
                           struct fault *fault) MUST_CHECK;
/* What a person pins: a public keys file, or the one line of broker.pub, which becomes a keyring
 * with the broker's key alone. */
#define KEYRING_PIN_FORM "referral-broker-key-1 "
enum err keyring_load_pin(const char *path, struct keyring **ret_keyring,
                          struct fault *fault) MUST_CHECK;
void keyring_free(struct keyring *keyring); /* NULL allowed */

/* Rows alone, as `keys generate` writes them, or those of a whole file; what one needs of another
 * (a root's word) is not looked at. At most `max`, else ERR_TOO_LARGE (keys.many). */
enum err key_rows_load(const char *path, struct key_entry *entries, size_t max, size_t *ret_count,
                       struct fault *fault) MUST_CHECK;

/* The broker's name in checkpoints and request heads. */
const char *keyring_origin(const struct keyring *keyring);
/* The file as loaded (borrowed), and its SHA-256. */
struct span keyring_text(const struct keyring *keyring);
struct digest keyring_digest(const struct keyring *keyring);

/* An agency's (or "broker") signing key by id, to take something new that it signs: the key is
 * valid at at_ms and not retired. ERR_NOT_FOUND: no such owner or key; ERR_REFUSED: known, and may
 * not sign then. The entry is borrowed. */
enum err keyring_find(const struct keyring *keyring, const char *owner, struct key_id id,
                      uint64_t at_ms, const struct key_entry **ret_entry) MUST_CHECK;
/* The same to check what was signed before: a retired key will do, when it was valid at at_ms, the
 * time at which the log has the message (never the signer's own word). */
enum err keyring_find_past(const struct keyring *keyring, const char *owner, struct key_id id,
                           uint64_t at_ms, const struct key_entry **ret_entry) MUST_CHECK;
/* Why keyring_find did not answer OK, as the fault's place, within LIMIT_DETAIL_BYTES: "key
 * 834750f98bd59fcf: revoked at leaf 4711", "expired", "not valid yet", "retired", "not a signing
 * key", "unknown". */
void keyring_explain(const struct keyring *keyring, const char *owner, struct key_id id,
                     uint64_t at_ms, struct fault *fault);
/* The newest key of that use that is valid then and not retired. */
enum err keyring_current(const struct keyring *keyring, const char *owner, enum key_use use,
                         uint64_t at_ms, const struct key_entry **ret_entry) MUST_CHECK;
/* Does the keyring know this owner at all? */
bool keyring_knows(const struct keyring *keyring, const char *owner);
/* All signing keys of the broker, retired ones too: for checkpoints and replies. Borrowed. */
const uint8_t (*keyring_broker_keys(const struct keyring *keyring,
                                    size_t *ret_count))[SIGN_PUBLIC_BYTES];
size_t keyring_count(const struct keyring *keyring);
const struct key_entry *keyring_entry(const struct keyring *keyring, size_t index);

/* May `after` follow `before`? It has every key of it under the same owner and use, retired ones
 * still retired: what they signed must stay verifiable. ERR_INVALID with a fault for each that is
 * not so. */
enum err keyring_follows(const struct keyring *before, const struct keyring *after,
                         const char *name, struct fault *fault) MUST_CHECK;

/* Marks a key (of any use) as revoked at that leaf; KEY_NOT_REVOKED takes it back, where the leaf
 * was not written after all. ERR_NOT_FOUND. Not while another thread looks anything up. */
enum err keyring_revoke(struct keyring *keyring, const char *owner, struct key_id id,
                        uint64_t leaf) MUST_CHECK;

/* How long a key stays in force beside the one that takes its place, where nobody says otherwise.
 */
#define KEY_OVERLAP_DAYS 30u
struct key_overlap {
    const struct keyring *before, *after;
    uint64_t before_ms, now_ms; /* when the version before was made, and this one is */
    unsigned days;              /* 0: none is asked for */
};
/* Does every key that `after` ends sooner than `before` have a successor that has been in force
 * for those days by then? ERR_REFUSED (keys.overlap) with a fault for each that has not. Owners
 * without any key that goes on are leaving, and need none. */
enum err keyring_overlap_check(const struct key_overlap *overlap, const char *name,
                               struct fault *fault) MUST_CHECK;

/* One row under `keys:`. */
enum err key_row_write(const struct key_entry *entry, struct buf *out) MUST_CHECK;
/* The text of a key file with these entries, in their order. Validity is written in whole days.
 * Ids are computed. For `referralctl keys`. */
enum err keyring_write(const char *origin, const struct key_entry *entries, size_t entry_count,
                       struct buf *out) MUST_CHECK;

#endif

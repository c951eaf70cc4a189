/* What an agency's own offline root says of one of its keys: that it is revoked. A text of one
 * form,
 *
 *     referral-key-1
 *     owner education
 *     revoke HEX              the public key
 *     made 2026-11-26T22:40:00+08:00
 *     root HEX                the agency's root, which stands in the public keys
 *     signature BASE64
 *
 * It takes effect by the place in the log at which the broker recorded it, whatever time it names.
 * Pure; any thread. */
#ifndef REFERRAL_WIRE_KEY_STATEMENT_H
#define REFERRAL_WIRE_KEY_STATEMENT_H

#include "wire/codec.h"
#include "wire/keyring.h"

#define KEY_STATEMENT_BYTES 512u
/* So long what waits under a key that was revoked meanwhile is held, from the leaf's time on. */
#define REVOKED_HOLD_MS (UINT64_C(72) * 3600 * 1000)

#define KEY_STATEMENTS_MAX 1024u /* of one log: more than all keys of all agencies in a decade */

struct key_statement {
    char owner[LIMIT_AGENCY_ID_BYTES];
    uint8_t key[SIGN_PUBLIC_BYTES];
    uint8_t root[SIGN_PUBLIC_BYTES];
    uint64_t made_ms; /* the signer's word */
    struct key_id id; /* of the key */
};

/* `statement` without root and id: they are those of the arguments. */
enum err key_statement_sign(const struct key_statement *statement, const struct sign_key *root,
                            struct buf *out) MUST_CHECK;
/* Verifies form and signature. ERR_INVALID (key.statement), ERR_FORGED (key.signature). Whether the
 * root is that agency's says key_statement_judge. */
enum err key_statement_open(const char *name, struct span text, struct key_statement *ret_statement,
                            struct fault *fault) MUST_CHECK;
/* Against the keyring: the root is the owner's (key.root), the key as well (key.unknown), it is
 * none of use root (key.use), and it is not revoked yet (key.revoked: ERR_EXISTS). */
enum err key_statement_judge(const char *name, const struct key_statement *statement,
                             const struct keyring *keyring, struct fault *fault) MUST_CHECK;

/* A list as it is kept in stores: be64 leaf, be16 length, the text; one after another. */
struct key_statements {
    struct buf packed; /* owned */
    size_t count;
};
void key_statements_init(struct key_statements *list);
void key_statements_free(struct key_statements *list);
/* ERR_FULL beyond KEY_STATEMENTS_MAX. */
enum err key_statements_add(struct key_statements *list,
                            const struct recorded_statement *one) MUST_CHECK;
/* Takes over a packed list. ERR_CORRUPT: it is none. */
enum err key_statements_load(struct key_statements *list, struct span packed) MUST_CHECK;
/* From *at (0 first) on: the next one, borrowed; false behind the last. */
bool key_statements_next(const struct key_statements *list, size_t *at,
                         struct recorded_statement *ret_one);
/* Marks all that the keyring has. What it does not have was removed with a registry that is not
 * signed. */
void key_statements_mark(const struct key_statements *list, struct keyring *keyring);

#endif

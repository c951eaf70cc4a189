/* What an agency's own offline root says of one of its keys: that it is the agency's, for that use
 * and those days. It stands in the key's row as `root-signature`, so nobody, not the office whose
 * signature is over the whole registry, can give an agency a key that it never made.
 *
 * Asked for once a root of the agency is among the public keys. Revoking has its own way
 * (key_statement.h). Pure; any thread. */
#ifndef REFERRAL_WIRE_KEY_ENDORSEMENT_H
#define REFERRAL_WIRE_KEY_ENDORSEMENT_H

#include "wire/keyring.h"

/* Signs owner, use, key and validity of the entry; `retired` is not among them: an office may end a
 * key, and never lengthen one. */
void key_endorse(struct key_entry *entry, const struct sign_key *root);

enum endorsement {
    ENDORSEMENT_FINE,    /* or none is asked for */
    ENDORSEMENT_MISSING, /* the owner has a root, and the row no signature */
    ENDORSEMENT_FORGED,  /* it is not that of a root of the owner over this row */
};

/* A key of an owner with a root that is not retired needs the word of such a root; retired keys
 * need none. A further root needs that of one that stands before it: only when all those are
 * retired, which is how an office says that they are lost, it needs none. */
enum endorsement key_endorsement_check(const struct key_entry *entries, size_t count, size_t index);

#endif

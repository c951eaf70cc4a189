/* Small secrets of an agent's store that are not bodies: what opens an attachment, its name, a
 * draft. Sealed under the key of the case that they belong to, or under the desk's key as long as
 * they belong to none (store/case_keys.h), so that erasing the case ends them wherever they lie.
 *
 * Nothing here reads or writes a row. Any thread that has the transaction. */
#ifndef REFERRAL_AGENT_SECRETS_H
#define REFERRAL_AGENT_SECRETS_H

#include "store/store.h"
#include "wire/codec.h"

#define SECRET_HEAD_BYTES (1u + 4u + AEAD_NONCE_BYTES) /* whose key, its number, nonce */
#define SECRET_MORE_BYTES (SECRET_HEAD_BYTES + AEAD_TAG_BYTES)

/* Whose secret a message's is: its case's, and of one without a case its own. Never zero. */
struct uuid secret_owner(const struct message_header *header);
/* `place`: the row's key, to which it is bound. `case_id` zero: the desk's. Appends. */
enum err secret_seal(const struct store *store, const struct uuid *case_id, struct span place,
                     struct span plain, struct buf *out) MUST_CHECK;
/* Appends: wipe it. ERR_NOT_FOUND: the key was destroyed; ERR_CORRUPT. */
enum err secret_open(const struct store *store, const struct uuid *case_id, struct span place,
                     struct span sealed, struct buf *out) MUST_CHECK;

#endif

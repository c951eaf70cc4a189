/* The keys under which a store keeps what is personal, one for each case, so that a case can be
 * erased: its key is destroyed, and nothing that was sealed under it opens again, wherever it lies
 * (free pages, copies, older backups).
 *
 * All keys come from one small file beside the store, a tree of seeds of which a case is a leaf. An
 * erasure replaces the seeds on the way to that leaf by those beside it: what is left gives every
 * other key and not this one. The file changes at erasures only: written anew, synced, renamed, and
 * the bytes of the old one written over. A key takes the store's own key too, so that the file
 * alone opens nothing; and the store knows its file by an id, so that it never opens with another.
 *
 * A case that was erased gets the key of a next generation for whatever comes to it afterwards.
 * The desk's key is for what belongs to no case yet (drafts): an erasure lets the older ones go,
 * after its caller has sealed what is still wanted under the new one (docs/adr/0028). Any thread.
 * Not for what a message's body is at rest: wire/body_rest.h. */
#ifndef REFERRAL_STORE_CASE_KEYS_H
#define REFERRAL_STORE_CASE_KEYS_H

#include "base/bytes.h"
#include "base/crypto.h"

#define CASE_KEYS_ENDING         "-case-keys" /* of the store's folder: the file beside it */
#define CASE_KEYS_COPY_BYTES     43u          /* of a copy's name, with the NUL */
#define CASE_KEYS_GENERATION_MAX 255u
#define CASE_KEYS_DESKS_MAX      2u

struct case_keys;

/* New seeds, in memory. ERR_MEMORY. */
enum err case_keys_new(const uint8_t store_key[32], struct case_keys **ret_keys) MUST_CHECK;
/* Reads and checks a file; touches nothing, others may be writing it. ERR_NOT_FOUND; ERR_FORGED:
 * not this store key's, or changed; ERR_INVALID: no such file; the fault says the next step. */
enum err case_keys_read(const char *path, const uint8_t store_key[32], struct case_keys **ret_keys,
                        struct fault *fault) MUST_CHECK;
/* Ends what a writer of that file that was killed left beside it. For those who write it, when it
 * was read well: until then it may be all there is. */
enum err case_keys_tidy(const char *path, struct fault *fault) MUST_CHECK;
/* Durable under that name on return; what it replaces is written over. */
enum err case_keys_write(struct case_keys *keys, const char *path, struct fault *fault) MUST_CHECK;
void case_keys_free(struct case_keys *keys); /* wiped; NULL allowed */
struct uuid case_keys_id(const struct case_keys *keys);
/* Its copy beside backups: "case-keys-" and the id. Each backup writes it anew. */
void case_keys_copy_name(const struct uuid *id, char out[CASE_KEYS_COPY_BYTES]);

/* --- a case's key --- */

struct case_key_secret { /* secret: wipe it */
    uint8_t bytes[AEAD_KEY_BYTES];
    uint8_t generation;
};
/* What is sealed now. ERR_FULL: erased CASE_KEYS_GENERATION_MAX times. */
enum err case_keys_current(struct case_keys *keys, const struct uuid *case_id,
                           struct case_key_secret *ret_key) MUST_CHECK;
/* What was sealed in that generation. ERR_NOT_FOUND: it was erased. */
enum err case_keys_past(struct case_keys *keys, const struct uuid *case_id, uint8_t generation,
                        struct case_key_secret *ret_key) MUST_CHECK;
/* Is there room for one more erasure? There is for some 5,500. */
bool case_keys_have_room(struct case_keys *keys);
/* Destroys the keys of all generations up to this one, in memory; OK also where they are. */
enum err case_keys_destroy(struct case_keys *keys, const struct uuid *case_id,
                           uint8_t generation) MUST_CHECK;

/* --- the desk's --- */

struct desk_key_secret { /* secret: wipe it */
    uint8_t bytes[AEAD_KEY_BYTES];
    uint32_t number; /* from 1 */
};
void case_keys_desk(struct case_keys *keys, struct desk_key_secret *ret_key);
/* ERR_NOT_FOUND: it was let go. */
enum err case_keys_desk_past(struct case_keys *keys, uint32_t number,
                             struct desk_key_secret *ret_key) MUST_CHECK;
/* Draws a new one, in memory. ERR_FULL where the older ones were not let go. */
enum err case_keys_desk_renew(struct case_keys *keys) MUST_CHECK;
/* Takes the newest back: it could not be written, and nothing was sealed under it. */
void case_keys_desk_undo(struct case_keys *keys);
/* All but the newest. */
void case_keys_desk_let_go(struct case_keys *keys);

#endif

/* Secret keys in files: one line of text, "referral-sign-key-1 BASE64" and the like, mode 0600.
 * Read at start and by command-line programs; blocking. The kind in the line keeps a key from
 * being used for another purpose. Of public keys only the one that backups are sealed to is here;
 * the others are in public-keys.yaml. */
#ifndef REFERRAL_BASE_KEY_FILE_H
#define REFERRAL_BASE_KEY_FILE_H

#include "base/bytes.h"

#define KEY_FILE_SECRET_BYTES 32

enum key_file_kind {
    KEY_FILE_SIGN,     /* Ed25519 seed */
    KEY_FILE_SEAL,     /* X25519 secret */
    KEY_FILE_STORE,    /* key of the store's MACs or of its sealing */
    KEY_FILE_RECOVERY, /* X25519 secret that opens backups; kept away from every daemon */
    KEY_FILE_ROOT,     /* Ed25519 seed of an offline root; kept away from every daemon */
    KEY_FILE_KIND_COUNT
};

/* Durable on return. ERR_EXISTS when there is such a file: a key is never overwritten. */
enum err key_file_write(const char *path, enum key_file_kind kind,
                        const uint8_t secret[KEY_FILE_SECRET_BYTES],
                        struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND; ERR_REFUSED when group or others can reach the file; ERR_INVALID for another kind
 * or form. The fault names the file and the next step, never the content. */
enum err key_file_read(const char *path, enum key_file_kind kind,
                       uint8_t ret_secret[KEY_FILE_SECRET_BYTES], struct fault *fault) MUST_CHECK;

/* The public half of a KEY_FILE_RECOVERY, "referral-recovery-public-1 BASE64", mode 0644. Results
 * as above. */
enum err key_file_write_public(const char *path, const uint8_t public_key[KEY_FILE_SECRET_BYTES],
                               struct fault *fault) MUST_CHECK;
enum err key_file_read_public(const char *path, uint8_t ret_public_key[KEY_FILE_SECRET_BYTES],
                              struct fault *fault) MUST_CHECK;

#endif

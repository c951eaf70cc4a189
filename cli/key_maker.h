/* Makes keys as files: the laboratory set of a whole city, and one agency's own.
 *
 * For `referralctl keys` and the demo city; blocking, main thread. Nothing that exists is ever
 * overwritten: every name is looked at before the first file is made. Files are durable on return;
 * secrets have mode 0600, folders that are made 0700. When the disk fails half way, what was made
 * stays, and the fault says so. */
#ifndef REFERRAL_CLI_KEY_MAKER_H
#define REFERRAL_CLI_KEY_MAKER_H

#include "model/registry.h"

struct key_set {
    const struct registry *registry;
    const char *origin; /* the broker's name in checkpoints */
    const char *out;    /* the folder */
    uint64_t now_ms;    /* certificates are valid from now on */
};

/* OUT/{ca.crt,ca.key,public-keys.yaml,broker.pub}, OUT/broker/{sign,store,tls}.key, tls.crt, and
 * OUT/ID/{sign,seal,store,tls}.key, tls.crt for every agency. Keys are valid without an end, so
 * that a laboratory clock may be anywhere. ERR_EXISTS, ERR_INVALID (origin), ERR_IO. */
enum err key_set_make(const struct key_set *set, struct fault *fault) MUST_CHECK;

struct key_own {
    const char *agency;    /* its id, or BROKER_ID: the broker seals nothing and has no such key */
    const char *out;       /* the folder */
    const char *authority; /* a folder with ca.crt and ca.key; NULL: no certificate is made */
    uint64_t now_ms;
};

#define KEY_OWN_PUBLIC "public-keys-rows.yaml"

/* OUT/{sign,seal,store}.key, with an authority also tls.key, tls.crt and a copy of its ca.crt, and
 * the rows for everybody's public-keys.yaml, in OUT/KEY_OWN_PUBLIC and appended to `ret_rows`. */
enum err key_own_make(const struct key_own *own, struct buf *ret_rows,
                      struct fault *fault) MUST_CHECK;

#endif

/* The registry as one signed document: a statement, then the exact bytes of agencies.yaml and of
 * public-keys.yaml, under one signature of the joint-meeting office's offline root key.
 *
 *     referral-registry-1
 *     version 2
 *     made 2026-11-26T22:40:00+08:00
 *     previous HEX            the digest of the version before; zeros for version 1
 *     agencies HEX BYTES      SHA-256 and length of the first text
 *     keys HEX BYTES          of the second
 *     root HEX                the root's public key
 *     signature BASE64
 *     (an empty line, then the two texts)
 *
 * Whoever opens one pins the root's fingerprint, the SHA-256 of its public key; nothing of it is
 * parsed before the signature and both digests have been verified. What takes a file of agencies or
 * of public keys takes a document, too. Pure but for registry_load and registry_document_load,
 * which read a file; any thread. */
#ifndef REFERRAL_WIRE_REGISTRY_DOCUMENT_H
#define REFERRAL_WIRE_REGISTRY_DOCUMENT_H

#include "model/registry.h"
#include "wire/keyring.h"

#define REGISTRY_STATEMENT_BYTES 1024u
#define REGISTRY_DOCUMENT_BYTES  (2 * LIMIT_CONFIG_BYTES + REGISTRY_STATEMENT_BYTES)

struct registry_document {
    uint64_t version; /* from 1; 0: there is no document */
    uint64_t made_ms; /* the signer's word */
    struct digest previous;
    struct digest root;    /* the fingerprint of the key that signed */
    struct digest digest;  /* of the signed lines: names this version */
    struct span statement; /* all before the texts; borrowed, as the next two */
    struct span agencies, keys;
};

struct digest registry_root_fingerprint(const uint8_t public_key[SIGN_PUBLIC_BYTES]);

/* Does the text begin as a document does? */
bool registry_is_document(struct span text);

/* `before` is the version that this one follows; NULL: it is version 1. Both texts are taken as
 * they are: registry_document_open and registry_document_read say whether they are right. */
struct registry_making {
    const struct registry_document *before;
    uint64_t made_ms;
    struct span agencies, keys;
};
enum err registry_document_sign(const struct registry_making *making, const struct sign_key *root,
                                struct buf *out) MUST_CHECK;

/* Verifies form, signature and both digests. `pin`: the root's fingerprint; NULL: whoever signed,
 * for who only shows it. ERR_INVALID (registry.form, registry.digest), ERR_REFUSED (registry.root:
 * another root) or ERR_FORGED (registry.signature). */
enum err registry_document_open(const char *name, struct span text, const struct digest *pin,
                                struct registry_document *ret_document,
                                struct fault *fault) MUST_CHECK;

/* Parses the two texts of an opened document; the caller frees both. */
enum err registry_document_read(const char *name, const struct registry_document *document,
                                struct registry **ret_registry, struct keyring **ret_keyring,
                                struct fault *fault) MUST_CHECK;

/* May `after` take the place of `before`? A higher version by the same root that, where it is the
 * next one, names `before` as its previous. OK; ERR_EXISTS: it is the same version; ERR_REFUSED
 * (registry.older, registry.fork, registry.root). Version 0 is followed by any. */
enum err registry_document_follows(const struct registry_document *before,
                                   const struct registry_document *after, const char *name,
                                   struct fault *fault) MUST_CHECK;

/* What `registry-root` of a configuration says: a fingerprint, or "none" for a deployment that
 * works without a signed registry. ERR_INVALID: neither. */
#define REGISTRY_ROOT_BYTES 72 /* of the option, with the NUL */
#define REGISTRY_ROOT_NONE  "none"
enum err registry_root_parse(const char *text, struct digest *ret_root,
                             bool *ret_pinned) MUST_CHECK;

/* All that a daemon's configuration names: the signed registry where a root is pinned, and both
 * options name it; else the two plain files. Everything is the caller's to free, after an error,
 * too. */
struct registry_files {
    const char *registry, *public_keys; /* paths; "": not named, and not read */
    const char *root;                   /* of registry-root; "": none */
};
struct registry_loaded {
    struct registry_document document; /* version 0: not signed; borrows from `text` */
    struct buf text;                   /* of the document, or of agencies.yaml */
    struct registry *registry;
    struct keyring *keyring;
};
void registry_loaded_init(struct registry_loaded *loaded);
void registry_loaded_free(struct registry_loaded *loaded);
/* The bytes of the agencies alone. Borrowed. */
struct span registry_loaded_agencies(const struct registry_loaded *loaded);
enum err registry_files_load(const struct registry_files *files, struct registry_loaded *ret_loaded,
                             struct fault *fault) MUST_CHECK;

/* Reads the agencies of a file: a document (whoever signed it) or an agencies.yaml. */
enum err registry_load(const char *path, struct registry **ret_registry,
                       struct fault *fault) MUST_CHECK;
/* Reads a file into `text` and opens it; the document borrows from `text`. */
enum err registry_document_load(const char *path, const struct digest *pin, struct buf *text,
                                struct registry_document *ret_document,
                                struct fault *fault) MUST_CHECK;

#endif

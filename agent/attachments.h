/* Attachments at an agency: what its officers attach, and what came to it.
 *
 * An attached file is checked, sealed under a key of its own while it comes in, and kept sealed in
 * the folder beside the store, under the digest of its sealed bytes. `send` takes it up where
 * facts.materials names that digest; the message waits in the outbox until the broker has the
 * sealed bytes. What a received message names is fetched in the background, verified and kept as it
 * came. Nothing is ever written that is not sealed; a file is opened in memory, for who asks. What
 * no message names within 31 days since it was attached, or a draft with it was saved, is removed,
 * as is an upload that was begun a week ago.
 *
 * All functions: loop thread, for the socket (attachment_commands.c) and the pages (web/). They
 * answer ERR_INVALID, ERR_TOO_LARGE, ERR_NOT_FOUND, ERR_FORGED or ERR_FULL with a fault whose code
 * begins with "attachment."; other errors are of the environment. Durable on return. */
#ifndef REFERRAL_AGENT_ATTACHMENTS_H
#define REFERRAL_AGENT_ATTACHMENTS_H

#include "model/attachment.h"

struct agent;

enum attachment_state {                               /* stored: never renumbered */
                        ATTACHMENT_ATTACHED = 1,      /* by this agency; its sealed file is here */
                        ATTACHMENT_ON_THE_WAY = 2,    /* named by a message that came */
                        ATTACHMENT_HERE = 3,          /* and fetched, and it opens */
                        ATTACHMENT_DOES_NOT_OPEN = 4, /* what the digest names is no such file */
                        ATTACHMENT_ERASED = 5         /* its cases were; shown only, never stored */
};

struct attachment { /* as it is shown; the key stays inside */
    struct digest digest;
    enum attachment_state state;
    uint32_t type; /* VOCABULARY_ATTACHMENT */
    uint64_t plain_bytes;
    uint64_t sealed_bytes;
    uint64_t at_ms;    /* attached, or named by a message that came */
    uint32_t material; /* attachments_of: its place in the facts */
    char name[LIMIT_NAME_BYTES];
};

const char *attachment_state_name(enum attachment_state state); /* "attached", "on-the-way" ... */

/* --- adding --- */

struct attachment_declared {
    const char *name;
    uint32_t type; /* 0: what the name's ending says */
    uint64_t plain_bytes;
};
struct attachment_progress {
    uint64_t have; /* plain bytes that are kept; go on there */
    bool complete;
    struct attachment attachment; /* when complete */
};

/* Begins; the id is for the other two. Refuses by name, type, size and room, before any byte:
 * attachment.name, attachment.type, attachment.empty, attachment.too-large, attachment.full. */
enum err attachments_begin(struct agent *agent, const struct attachment_declared *declared,
                           struct uuid *ret_upload, struct fault *fault) MUST_CHECK;
struct attachment_piece {
    struct uuid upload;
    uint64_t offset;
    struct span bytes; /* borrowed */
};
/* The next bytes; the last ones complete it, and one that is complete answers so again for a week,
 * whatever is asked. What was answered is kept over a restart but for the
 * last piece that is no full chunk: ask attachments_progress. attachment.offset: not where it
 * stands; attachment.type: the bytes are not of the declared type, and all of it is forgotten. */
enum err attachments_append(struct agent *agent, const struct attachment_piece *piece,
                            struct attachment_progress *ret_progress,
                            struct fault *fault) MUST_CHECK;
enum err attachments_progress(struct agent *agent, const struct uuid *upload,
                              struct attachment_progress *ret_progress,
                              struct fault *fault) MUST_CHECK;
enum err attachments_cancel(struct agent *agent, const struct uuid *upload) MUST_CHECK;
/* All at once. */
enum err attachments_add(struct agent *agent, const struct attachment_declared *declared,
                         struct span bytes, struct attachment *ret_attachment,
                         struct fault *fault) MUST_CHECK;

/* --- looking --- */

/* ERR_NOT_FOUND: attachment.unknown. */
enum err attachments_find(struct agent *agent, const struct digest *digest,
                          struct attachment *ret_attachment, struct fault *fault) MUST_CHECK;
/* Those of a message, sent or received, in the order of its materials; at most LIMIT_MATERIALS. */
enum err attachments_of(struct agent *agent, const struct uuid *message_id,
                        struct attachment ret_list[LIMIT_MATERIALS], size_t *ret_count) MUST_CHECK;

/* It is wanted still (a draft names it): begins anew to be kept, where no message names it yet.
 * Nothing when there is none. */
enum err attachments_keep(struct agent *agent, const struct digest *digest) MUST_CHECK;

/* --- opening --- */

/* Appends the plain bytes: wipe them after use. attachment.not-here: on the way still;
 * attachment.erased: its case was; attachment.damaged: the file in the folder is not what it was.
 */
enum err attachments_open(struct agent *agent, const struct digest *digest, struct buf *out,
                          struct fault *fault) MUST_CHECK;
struct attachment_range {
    uint64_t offset;
    size_t max;
};
/* The same for up to `max` bytes from `offset`; nothing beyond the end. */
enum err attachments_open_part(struct agent *agent, const struct digest *digest,
                               struct attachment_range range, struct buf *out,
                               struct fault *fault) MUST_CHECK;

#endif

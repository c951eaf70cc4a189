/* What the commands `registry ...` share: a document with what was read of it, and how one is
 * shown. Main thread; blocking. */
#ifndef REFERRAL_CLI_REGISTRY_FILES_H
#define REFERRAL_CLI_REGISTRY_FILES_H

#include "cli/output.h"
#include "wire/registry_document.h"

struct registry_file {
    struct buf text;
    struct registry_document document; /* version 0: nothing was read */
    struct registry *registry;
    struct keyring *keyring;
};
void registry_file_init(struct registry_file *file);
void registry_file_free(struct registry_file *file);
/* Opens and parses `file->text`. `pin` NULL: whoever signed. */
enum err registry_file_parse(const char *name, const struct digest *pin, struct registry_file *file,
                             struct fault *fault) MUST_CHECK;
enum err registry_file_read(const char *path, const struct digest *pin, struct registry_file *file,
                            struct fault *fault) MUST_CHECK;
/* May `after` follow `before`: its version, agencies and keys? ERR_EXISTS: it is the same one. */
enum err registry_file_follows(const struct registry_file *before,
                               const struct registry_file *after, const char *name,
                               struct fault *fault) MUST_CHECK;

/* Of --root: the fingerprint, or EXIT_USAGE. */
int registry_root_option(const struct invocation *invocation, struct digest *ret_root,
                         bool *ret_pinned);

struct registry_report {
    const struct invocation *invocation;
    const char *path;
    const char *done; /* the sentence about it; NULL: only what differs is shown */
    const struct registry_file *before,
        *after; /* version 0 of `before`: no differences are shown */
    bool trial; /* --dry-run */
    bool has_leaf;
    uint64_t leaf; /* that recorded it */
};
/* Answers the status, or EXIT_FAILED. */
int registry_report(const struct registry_report *report, int status);
/* What the disk did is a failure, what was read is refused. */
int registry_refused(const struct invocation *invocation, enum err error,
                     const struct fault *fault);

#endif

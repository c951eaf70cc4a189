/* `registry sign`, `registry verify` and `registry diff`: the registry as one signed document, on
 * the joint-meeting office's machine that has the root key, and wherever somebody looks at one.
 * Nothing here talks to a broker; that is registry_publish.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/key_file.h"
#include "cli/input.h"
#include "cli/registry_files.h"
#include "io/clock.h"

static uint64_t now_ms(void)
{
    struct clock clock;

    clock_init(&clock, false);
    return clock_wall_ms(&clock);
}

/* --- sign --- */

struct signing {
    const struct invocation *invocation;
    struct registry_file before, after;
    struct buf agencies, keys;
    struct sign_key root;
    uint64_t overlap_days;
};

static enum err read_root(struct signing *signing, struct fault *fault)
{
    uint8_t seed[KEY_FILE_SECRET_BYTES];
    enum err error =
        key_file_read(signing->invocation->value[OPTION_ROOT_KEY], KEY_FILE_ROOT, seed, fault);

    if (error == OK) {
        sign_key_from_seed(seed, &signing->root);
    }
    crypto_wipe(seed, sizeof(seed));
    return error;
}

static enum err read_texts(struct signing *signing, struct fault *fault)
{
    const struct invocation *invocation = signing->invocation;
    enum err error = file_read(invocation->value[OPTION_REGISTRY], &signing->agencies, fault);

    if (error == OK) {
        error = file_read(invocation->value[OPTION_PUBLIC_KEYS], &signing->keys, fault);
    }
    return error;
}

static enum err check_follows(const struct signing *signing, struct fault *fault)
{
    const struct invocation *invocation = signing->invocation;
    const struct key_overlap overlap = {.before = signing->before.keyring,
                                        .after = signing->after.keyring,
                                        .before_ms = signing->before.document.made_ms,
                                        .now_ms = signing->after.document.made_ms,
                                        .days = (unsigned)signing->overlap_days};
    enum err error = registry_file_follows(&signing->before, &signing->after,
                                           invocation->value[OPTION_REGISTRY], fault);

    return error == OK
               ? keyring_overlap_check(&overlap, invocation->value[OPTION_PUBLIC_KEYS], fault)
               : error;
}

/* It is opened and read again as every daemon will, and must follow the version before. */
static enum err make(struct signing *signing, struct fault *fault)
{
    const struct invocation *invocation = signing->invocation;
    const char *previous = invocation->value[OPTION_PREVIOUS];
    const struct digest fingerprint = registry_root_fingerprint(signing->root.public_key);
    struct registry_making making = {.made_ms = now_ms(),
                                     .agencies = span_buf(&signing->agencies),
                                     .keys = span_buf(&signing->keys)};
    enum err error = OK;

    if (previous != NULL) {
        error = registry_file_read(previous, &fingerprint, &signing->before, fault);
        making.before = &signing->before.document;
    }
    if (error == OK) {
        error = registry_document_sign(&making, &signing->root, &signing->after.text);
    }
    if (error == OK) {
        error = registry_file_parse("the new version", &fingerprint, &signing->after, fault);
    }
    return error == OK && previous != NULL ? check_follows(signing, fault) : error;
}

static int sign_done(const struct signing *signing)
{
    const struct invocation *invocation = signing->invocation;
    const bool trial = invocation_has(invocation, OPTION_DRY_RUN);
    const struct registry_report report = {.invocation = invocation,
                                           .path = invocation->value[OPTION_OUT],
                                           .done = trial ? "would be signed; nothing was written"
                                                         : "signed",
                                           .trial = trial,
                                           .before = &signing->before,
                                           .after = &signing->after};

    return registry_report(&report, EXIT_OK);
}

int registry_sign_run(const struct invocation *invocation)
{
    const struct input_range range = {.max = 400, .otherwise = KEY_OVERLAP_DAYS};
    struct signing signing = {.invocation = invocation};
    struct fault fault = {.code = ""};
    enum err error;
    int status = input_number(invocation, OPTION_OVERLAP, range, &signing.overlap_days);

    if (status != EXIT_OK) {
        return status;
    }
    registry_file_init(&signing.before);
    registry_file_init(&signing.after);
    buf_init(&signing.agencies, LIMIT_CONFIG_BYTES);
    buf_init(&signing.keys, LIMIT_CONFIG_BYTES);
    error = read_root(&signing, &fault);
    if (error == OK) {
        error = read_texts(&signing, &fault);
    }
    if (error == OK) {
        error = make(&signing, &fault);
    }
    if (error == OK && !invocation_has(invocation, OPTION_DRY_RUN)) {
        error = file_write_new(invocation->value[OPTION_OUT], span_buf(&signing.after.text), 0644,
                               &fault);
    }
    crypto_wipe(&signing.root, sizeof(signing.root));
    status = error == OK ? sign_done(&signing) : registry_refused(invocation, error, &fault);
    registry_file_free(&signing.before);
    registry_file_free(&signing.after);
    buf_free(&signing.agencies);
    buf_free(&signing.keys);
    return status;
}

/* --- verify --- */

int registry_root_option(const struct invocation *invocation, struct digest *ret_root,
                         bool *ret_pinned)
{
    const char *text = invocation->value[OPTION_ROOT];

    *ret_pinned = text != NULL;
    if (text != NULL && hex_decode(text, ret_root->bytes, DIGEST_BYTES) != OK) {
        return output_misused(invocation, OPTION_ROOT,
                              "expected the 64 hexadecimal digits of a root's fingerprint");
    }
    return EXIT_OK;
}

int registry_verify_run(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0], *previous = invocation->value[OPTION_PREVIOUS];
    struct registry_report report = {.invocation = invocation, .path = path};
    struct registry_file before, after;
    struct fault fault = {.code = ""};
    struct digest root;
    bool pinned;
    int status = registry_root_option(invocation, &root, &pinned);

    if (status != EXIT_OK) {
        return status;
    }
    registry_file_init(&before);
    registry_file_init(&after);
    report.before = &before;
    report.after = &after;
    report.done = pinned ? "whole, and signed by the root that is pinned"
                         : "whole, but nobody compared the root's fingerprint: --root";
    enum err error = registry_file_read(path, pinned ? &root : NULL, &after, &fault);
    if (error == OK && previous != NULL) {
        error = registry_file_read(previous, pinned ? &root : NULL, &before, &fault);
        error = error == OK ? registry_file_follows(&before, &after, path, &fault) : error;
    }
    status = error == OK ? registry_report(&report, pinned ? EXIT_OK : EXIT_WARNING)
                         : registry_refused(invocation, error, &fault);
    registry_file_free(&before);
    registry_file_free(&after);
    return status;
}

/* --- diff --- */

int registry_diff_run(const struct invocation *invocation)
{
    struct registry_report report = {.invocation = invocation, .path = invocation->arguments[1]};
    struct registry_file before, after;
    struct fault fault = {.code = ""};
    enum err error;
    int status;

    registry_file_init(&before);
    registry_file_init(&after);
    report.before = &before;
    report.after = &after;
    error = registry_file_read(invocation->arguments[0], NULL, &before, &fault);
    if (error == OK) {
        error = registry_file_read(invocation->arguments[1], NULL, &after, &fault);
    }
    status = error == OK ? registry_report(&report, EXIT_OK)
                         : registry_refused(invocation, error, &fault);
    registry_file_free(&before);
    registry_file_free(&after);
    return status;
}

/* `registry publish`: puts a signed registry into force at the broker of this host, without a
 * restart. The file that the broker's configuration names is replaced and the broker reloads; what
 * it refuses is taken back, so that the file is again what is in force. The broker's log records
 * the version, and agents fetch it within a minute. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/call.h"
#include "cli/change.h"
#include "cli/registry_files.h"

struct publishing {
    const struct invocation *invocation;
    char path[PATH_MAX]; /* of the broker's file */
    char root[REGISTRY_ROOT_BYTES];
    struct registry_file before, after;
    struct buf reason;
    uint64_t leaf;
};

/* --- what the broker says --- */

static const char *option_value(const struct json_value *root, const char *name)
{
    struct json_value options = json_member(root, "options");

    for (size_t i = 0; i < json_count(&options); i++) {
        struct json_value option = json_item(&options, i);

        if (strcmp(value_text(&option, "name"), name) == 0) {
            return value_text(&option, "value");
        }
    }
    return "";
}

static int ask_broker(struct publishing *publishing)
{
    struct call call;
    int status;

    call_begin(&call, "config");
    status = call_end(&call, publishing->invocation, BROKER_SOCKET);
    if (status == EXIT_OK) {
        text_copy(publishing->path, sizeof(publishing->path), option_value(&call.root, "registry"));
        text_copy(publishing->root, sizeof(publishing->root),
                  option_value(&call.root, "registry-root"));
    }
    call_free(&call);
    return status;
}

static int reload(struct publishing *publishing)
{
    struct call call;
    int status;

    call_begin(&call, "config-reload");
    call_text(&call, "reason", (const char *)publishing->reason.data);
    status = call_end(&call, publishing->invocation, BROKER_SOCKET);
    if (status == EXIT_OK) {
        publishing->leaf = value_u64(&call.root, "leaf");
    }
    call_free(&call);
    return status;
}

/* --- judging --- */

static enum err judge(struct publishing *publishing, struct fault *fault)
{
    const char *path = publishing->invocation->arguments[0];
    struct digest root;
    bool pinned;
    enum err error = registry_root_parse(publishing->root, &root, &pinned);

    if (error != OK || !pinned) {
        fault_set(fault, "registry.root", "registry-root",
                  "the broker of this host pins no root: it works without a signed registry");
        fault_hint(fault,
                   "name the signed file in `registry` and `public-keys` and the fingerprint "
                   "in `registry-root`, then restart the broker");
        return ERR_REFUSED;
    }
    error = registry_file_read(path, &root, &publishing->after, fault);
    if (error == OK) {
        error = registry_file_read(publishing->path, &root, &publishing->before, fault);
        if (error != OK) {
            fault_hint(fault, "publish on the broker's own host, as who may write its registry");
        }
    }
    if (error == OK) {
        error = registry_file_follows(&publishing->before, &publishing->after, path, fault);
    }
    if (error == ERR_EXISTS) {
        fault_set(fault, "registry.published", path, "is in force already");
        fault_hint(fault, "sign the next version with `registry sign --previous`");
    }
    return error;
}

/* --- doing --- */

static int put_back(struct publishing *publishing, int status)
{
    struct fault fault = {.code = ""};

    if (file_write(publishing->path, span_buf(&publishing->before.text), 0644, &fault) != OK) {
        fault_hint(&fault,
                   "the broker refused the new version: put version %" PRIu64
                   " back there before it is restarted",
                   publishing->before.document.version);
        return output_fault(publishing->invocation, EXIT_FAILED, &fault);
    }
    return status;
}

static int publish(struct publishing *publishing)
{
    struct fault fault = {.code = ""};
    enum err error = file_write(publishing->path, span_buf(&publishing->after.text), 0644, &fault);
    int status;

    if (error != OK) {
        return registry_refused(publishing->invocation, error, &fault);
    }
    status = reload(publishing);
    return status == EXIT_REFUSED ? put_back(publishing, status) : status;
}

static int done(const struct publishing *publishing, bool trial)
{
    const struct registry_report report = {
        .invocation = publishing->invocation,
        .path = publishing->invocation->arguments[0],
        .done = trial ? "would be published; nothing was changed"
                      : "in force at the broker; agents fetch it within a minute",
        .before = &publishing->before,
        .after = &publishing->after,
        .trial = trial,
        .has_leaf = !trial,
        .leaf = publishing->leaf};

    return registry_report(&report, EXIT_OK);
}

static int run(struct publishing *publishing)
{
    const bool trial = invocation_has(publishing->invocation, OPTION_DRY_RUN);
    struct fault fault = {.code = ""};
    int status = ask_broker(publishing);
    enum err error;

    if (status != EXIT_OK) {
        return status;
    }
    error = judge(publishing, &fault);
    if (error != OK) {
        return registry_refused(publishing->invocation, error, &fault);
    }
    if (!trial) {
        status = change_reason(publishing->invocation, &publishing->reason);
        status = status == EXIT_OK ? publish(publishing) : status;
    }
    return status == EXIT_OK ? done(publishing, trial) : status;
}

int registry_publish_run(const struct invocation *invocation)
{
    struct publishing *publishing = calloc(1, sizeof(*publishing));
    int status;

    if (publishing == NULL) {
        return EXIT_FAILED;
    }
    publishing->invocation = invocation;
    registry_file_init(&publishing->before);
    registry_file_init(&publishing->after);
    buf_init(&publishing->reason, LIMIT_TEXT_BYTES);
    status = run(publishing);
    registry_file_free(&publishing->before);
    registry_file_free(&publishing->after);
    buf_free(&publishing->reason);
    free(publishing);
    return status;
}

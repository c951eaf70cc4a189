/* --open-new-log: opens the store, has the core write what is to be written, and says what was
 * done. See open_log.h. */
#include "broker/open_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "io/clock.h"
#include "store/reasons.h"

#define MIB (UINT64_C(1024) * 1024)

/* --- the seam: a clock and randomness; nothing travels --- */

static uint64_t seam_wall_ms(void *ctx)
{
    return clock_wall_ms(ctx);
}

static void seam_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    crypto_random(out, len);
}

static const struct io_ops seam = {.wall_ms = seam_wall_ms, .random = seam_random};

static enum err open_store(struct loaded *loaded, struct store **ret_store, struct fault *fault)
{
    struct store_options options = {.kind = STORE_BROKER,
                                    .map_bytes = loaded->config.store_mib * MIB};
    enum err error;

    memcpy(options.mac_key.bytes, loaded->store_key, sizeof(options.mac_key.bytes));
    error = store_open(loaded->config.store, &options, ret_store, fault);
    crypto_wipe(&options, sizeof(options));
    return error;
}

static void say(const struct broker_new_log *log, bool done)
{
    printf("%s %s behind record %" PRIu64 " as %s\n",
           done ? "the log goes on from" : "the log would go on from", log->old_origin, log->anchor,
           log->new_origin);
    if (done) {
        printf("start the broker now: agents accept the new log and hand back what it lacks; "
               "nothing is taken or delivered before all of them have\n");
    } else {
        fputs("nothing was changed: say it again with --yes when no newer copy is left\n", stderr);
    }
}

int open_log_run(struct loaded *loaded, const struct open_log_request *request)
{
    struct fault fault = {.code = ""};
    struct broker_new_log log;
    struct store *store = NULL;
    struct clock clock;
    struct broker_setup setup = {
        .io = {.ops = &seam, .ctx = &clock}, .keyring = loaded->keyring, .key = &loaded->key};
    enum err error;

    if (request->reason == NULL || request->reason[0] == '\0' ||
        strlen(request->reason) > REASON_BYTES_MAX) {
        (void)fprintf(stderr,
                      "--open-new-log needs --reason TEXT of at most %u bytes, without "
                      "anybody's name: auditors read it, its digest is in the log\n",
                      REASON_BYTES_MAX);
        return 2;
    }
    clock_init(&clock, loaded->config.laboratory);
    error = open_store(loaded, &store, &fault);
    setup.store = store;
    if (error == OK) {
        error = request->yes ? broker_open_log(&setup, span_text(request->reason), &log, &fault)
                             : broker_preview_log(&setup, &log, &fault);
    }
    store_close(store);
    if (error != OK) {
        if (fault.code[0] == '\0') {
            fault_set(&fault, "recovery.failed", loaded->config.store, "%s", err_text(error));
        }
        log_fault(EVENT_START_FAILED, &fault);
        return 1;
    }
    say(&log, request->yes);
    return request->yes ? 0 : 2;
}

/* `keys revoke`: on an agency's offline machine, a statement that one of its keys is revoked,
 * signed by the agency's own root; and `registry revoke`, which hands it to the broker. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/key_file.h"
#include "cli/call.h"
#include "cli/change.h"
#include "cli/input.h"
#include "cli/output.h"
#include "io/clock.h"
#include "wire/key_statement.h"

static uint64_t now_ms(void)
{
    struct clock clock;

    clock_init(&clock, false);
    return clock_wall_ms(&clock);
}

/* --- keys revoke --- */

struct revoking {
    const struct invocation *invocation;
    struct keyring *keyring; /* owned */
    struct sign_key root;
    struct key_statement statement;
    struct buf text;
};

static int refused(const struct invocation *invocation, enum err error, const struct fault *fault)
{
    return output_fault(invocation,
                        error == ERR_IO || error == ERR_MEMORY ? EXIT_FAILED : EXIT_REFUSED, fault);
}

static enum err find_key(struct revoking *revoking, struct fault *fault)
{
    const char *given = revoking->invocation->arguments[0];

    for (size_t i = 0; i < keyring_count(revoking->keyring); i++) {
        const struct key_entry *entry = keyring_entry(revoking->keyring, i);
        char id[2 * KEY_ID_BYTES + 1];

        hex_encode(span_of(entry->id.bytes, KEY_ID_BYTES), id);
        if (strcmp(id, given) == 0) {
            text_copy(revoking->statement.owner, sizeof(revoking->statement.owner), entry->owner);
            memcpy(revoking->statement.key, entry->public_key, sizeof(revoking->statement.key));
            return OK;
        }
    }
    fault_set(fault, "key.unknown", revoking->invocation->value[OPTION_PUBLIC_KEYS],
              "no key has the id \"%.32s\"", given);
    fault_hint(fault, "the id stands beside each key; an agency's programs name it, too");
    return ERR_NOT_FOUND;
}

static enum err make(struct revoking *revoking, struct fault *fault)
{
    const struct invocation *invocation = revoking->invocation;
    uint8_t seed[KEY_FILE_SECRET_BYTES];
    struct key_statement again;
    enum err error = keyring_load(invocation->value[OPTION_PUBLIC_KEYS], &revoking->keyring, fault);

    if (error == OK) {
        error = find_key(revoking, fault);
    }
    if (error == OK) {
        error = key_file_read(invocation->value[OPTION_ROOT_KEY], KEY_FILE_ROOT, seed, fault);
    }
    if (error != OK) {
        return error;
    }
    sign_key_from_seed(seed, &revoking->root);
    crypto_wipe(seed, sizeof(seed));
    revoking->statement.made_ms = now_ms();
    error = key_statement_sign(&revoking->statement, &revoking->root, &revoking->text);
    if (error == OK) {
        error = key_statement_open("the statement", span_buf(&revoking->text), &again, fault);
    }
    return error == OK ? key_statement_judge(invocation->value[OPTION_ROOT_KEY], &again,
                                             revoking->keyring, fault)
                       : error;
}

static int revoke_done(const struct revoking *revoking, bool trial)
{
    const struct invocation *invocation = revoking->invocation;
    const char *out = invocation->value[OPTION_OUT];
    struct answer answer;

    if (invocation_has(invocation, OPTION_JSON)) {
        answer_begin(&answer, true);
        answer_bool(&answer, "dry_run", trial);
        answer_text(&answer, "out", out);
        answer_text(&answer, "owner", revoking->statement.owner);
        answer_text(&answer, "key", invocation->arguments[0]);
        return answer_end(&answer, EXIT_OK);
    }
    printf(trial ? "%s: would say that the key %s of %s is revoked; nothing was written\n"
                 : "%s: says that the key %s of %s is revoked\n"
                   "next: `referralctl registry revoke FILE` on the broker's host; it holds from "
                   "then on\n",
           out, invocation->arguments[0], revoking->statement.owner);
    return EXIT_OK;
}

int keys_revoke_run(const struct invocation *invocation)
{
    const bool trial = invocation_has(invocation, OPTION_DRY_RUN);
    struct revoking revoking = {.invocation = invocation};
    struct fault fault = {.code = ""};
    enum err error;
    int status;

    buf_init(&revoking.text, KEY_STATEMENT_BYTES);
    error = make(&revoking, &fault);
    if (error == OK && !trial) {
        error =
            file_write_new(invocation->value[OPTION_OUT], span_buf(&revoking.text), 0644, &fault);
    }
    crypto_wipe(&revoking.root, sizeof(revoking.root));
    status = error == OK ? revoke_done(&revoking, trial) : refused(invocation, error, &fault);
    keyring_free(revoking.keyring);
    buf_free(&revoking.text);
    return status;
}

/* --- registry revoke --- */

/* `reason` NULL: only what would be done. */
static int send(const struct invocation *invocation, const char *statement, const char *reason)
{
    struct call call;
    int status;

    call_begin(&call, "key-revoke");
    call_text(&call, "statement", statement);
    if (reason != NULL) {
        call_text(&call, "reason", reason);
    } else {
        json_name(&call.writer, "dry_run");
        json_bool(&call.writer, true);
    }
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        printf("the key %.16s of %.31s %s; %" PRIu64 " messages that it signed wait and are held "
               "until they are signed anew%s\n",
               value_text(&call.root, "key"), value_text(&call.root, "owner"),
               reason != NULL ? "is revoked from here on" : "would be revoked",
               value_u64(&call.root, "waiting"), reason != NULL ? "" : "; nothing was changed");
    }
    call_free(&call);
    return status;
}

int registry_revoke_run(const struct invocation *invocation)
{
    struct buf statement, reason;
    int status;

    buf_init(&statement, KEY_STATEMENT_BYTES + 1);
    buf_init(&reason, LIMIT_TEXT_BYTES);
    status = input_file(invocation, invocation->arguments[0], &statement);
    if (status == EXIT_OK && buf_append(&statement, "", 1) != OK) {
        status = EXIT_FAILED;
    }
    if (status == EXIT_OK && !invocation_has(invocation, OPTION_DRY_RUN)) {
        status = change_reason(invocation, &reason);
    }
    if (status == EXIT_OK) {
        status = send(invocation, (const char *)statement.data,
                      reason.len > 0 ? (const char *)reason.data : NULL);
    }
    buf_free(&statement);
    buf_free(&reason);
    return status;
}

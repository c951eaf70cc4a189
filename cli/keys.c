/* The commands `keys ...`: see key_maker.h for what they make. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/key_file.h"
#include "cli/key_maker.h"
#include "cli/output.h"
#include "io/clock.h"
#include "wire/registry_document.h"

#define ORIGIN_DEFAULT  "laboratory/broker"
#define RECOVERY_SECRET "recovery.key"
#define RECOVERY_PUBLIC "recovery.pub"
#define ROOT_SECRET     "root.key"

static uint64_t now_ms(void)
{
    struct clock clock;

    clock_init(&clock, false);
    return clock_wall_ms(&clock);
}

/* What the disk did is a failure, what an option says is wrong usage, what files hold is refused.
 */
static int refuse(const struct invocation *invocation, enum err error, const struct fault *fault)
{
    int status = EXIT_REFUSED;

    if (error == ERR_IO || error == ERR_MEMORY) {
        status = EXIT_FAILED;
    } else if (strncmp(fault->place, "--", 2) == 0) {
        status = EXIT_USAGE;
    }
    return output_fault(invocation, status, fault);
}

static int init_done(const struct invocation *invocation, const struct key_set *set)
{
    struct answer answer;

    if (invocation_has(invocation, OPTION_JSON)) {
        answer_begin(&answer, true);
        answer_text(&answer, "out", set->out);
        answer_text(&answer, "origin", set->origin);
        answer_u64(&answer, "agencies", registry_count(set->registry));
        return answer_end(&answer, EXIT_OK);
    }
    printf("%s: keys and certificates of the broker and of %zu agencies\n"
           "  ca.crt, ca.key     the authority of the TLS certificates\n"
           "  public-keys.yaml   everybody's public keys: the same file for all\n"
           "  broker.pub         what `audit verify --key` pins\n"
           "  broker/, ID/       each one's own secrets, for its own machine only\n"
           "next: name them in broker.yaml and agent.yaml, then `referral-broker --config FILE "
           "--check`\n",
           set->out, registry_count(set->registry));
    return EXIT_OK;
}

int keys_init_run(const struct invocation *invocation)
{
    const char *origin = invocation->value[OPTION_ORIGIN];
    struct key_set set = {.origin = origin != NULL ? origin : ORIGIN_DEFAULT,
                          .out = invocation->value[OPTION_OUT],
                          .now_ms = now_ms()};
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    enum err error = registry_load(invocation->value[OPTION_REGISTRY], &registry, &fault);
    int status;

    set.registry = registry;
    if (error == OK) {
        error = key_set_make(&set, &fault);
    }
    status = error == OK ? init_done(invocation, &set) : refuse(invocation, error, &fault);
    registry_free(registry);
    return status;
}

static int generate_done(const struct invocation *invocation, const struct key_own *own,
                         const char *rows)
{
    struct answer answer;

    if (invocation_has(invocation, OPTION_JSON)) {
        answer_begin(&answer, true);
        answer_text(&answer, "agency", own->agency);
        answer_text(&answer, "out", own->out);
        answer_bool(&answer, "certificate", own->authority != NULL);
        answer_text(&answer, "public_rows", rows);
        return answer_end(&answer, EXIT_OK);
    }
    printf("%s: secret keys of %s; they stay on this machine\n\n%s\n"
           "next: add these rows (%s/%s) under `keys:` of the city's public-keys.yaml,\n"
           "give that file to the broker and to every agent, and restart each\n",
           own->out, own->agency, rows, own->out, KEY_OWN_PUBLIC);
    if (own->authority == NULL) {
        printf("next: have the city's authority issue a TLS certificate, and put it and its key "
               "beside them, as tls.crt and tls.key (docs/operations.md, \"The key ceremony\")\n");
    }
    return EXIT_OK;
}

int keys_generate_run(const struct invocation *invocation)
{
    const struct key_own own = {.agency = invocation->value[OPTION_AGENCY],
                                .out = invocation->value[OPTION_OUT],
                                .authority = invocation->value[OPTION_AUTHORITY],
                                .now_ms = now_ms()};
    struct fault fault = {.code = ""};
    struct buf rows;
    enum err error;
    int status;

    buf_init(&rows, LIMIT_CONFIG_BYTES);
    error = key_own_make(&own, &rows, &fault);
    if (error == OK) {
        error = buf_append(&rows, "", 1);
    }
    status = error == OK ? generate_done(invocation, &own, (const char *)rows.data)
                         : refuse(invocation, error, &fault);
    buf_free(&rows);
    return status;
}

/* --- keys root --- */

struct root_made {
    struct digest fingerprint;
    struct buf row; /* owned: of an agency's; with its NUL */
};

/* The row of an agency's root, for public-keys.yaml. */
static enum err root_row(const char *agency, const uint8_t public_key[SIGN_PUBLIC_BYTES],
                         struct buf *row, struct fault *fault)
{
    struct key_entry entry = {.use = KEY_ROOT, .to_ms = UINT64_MAX};

    if (!agency_id_valid(agency)) {
        fault_set(fault, "keys.agency", "--agency", "expected an agency's id as in agencies.yaml");
        return ERR_INVALID;
    }
    text_copy(entry.owner, sizeof(entry.owner), agency);
    memcpy(entry.public_key, public_key, sizeof(entry.public_key));
    return key_row_write(&entry, row);
}

static enum err root_make(const char *out, const char *agency, struct root_made *ret,
                          struct fault *fault)
{
    char secret[PATH_MAX];
    struct sign_key key;
    int length = snprintf(secret, sizeof(secret), "%s/" ROOT_SECRET, out);
    enum err error = folder_make(out, 0700, fault);

    if (error == OK && (length < 0 || (size_t)length >= sizeof(secret))) {
        fault_set(fault, "keys.path", "--out", "the path is too long");
        error = ERR_INVALID;
    }
    if (error != OK) {
        return error;
    }
    sign_key_new(&key);
    ret->fingerprint = registry_root_fingerprint(key.public_key);
    if (agency != NULL) {
        error = root_row(agency, key.public_key, &ret->row, fault);
        error = error == OK ? buf_append(&ret->row, "", 1) : error;
    }
    if (error == OK) {
        error = key_file_write(secret, KEY_FILE_ROOT, key.seed, fault);
    }
    crypto_wipe(&key, sizeof(key));
    return error;
}

static int root_done(const struct invocation *invocation, const struct root_made *made)
{
    const char *out = invocation->value[OPTION_OUT];
    const char *row = made->row.len > 0 ? (const char *)made->row.data : "";
    char text[DIGEST_TEXT_BYTES];
    struct answer answer;

    digest_format(&made->fingerprint, text);
    if (invocation_has(invocation, OPTION_JSON)) {
        answer_begin(&answer, true);
        answer_text(&answer, "out", out);
        answer_text(&answer, "fingerprint", text);
        answer_text(&answer, "public_rows", row);
        return answer_end(&answer, EXIT_OK);
    }
    printf("%s/" ROOT_SECRET ": it never leaves this offline machine, but for a second copy in a "
           "safe\n"
           "fingerprint: %s\n",
           out, text);
    if (row[0] != '\0') {
        printf("\n%s\nnext: send this row to the joint-meeting office, and have it compared by "
               "telephone;\nwith `keys revoke` this root revokes the agency's other keys\n",
               row);
    } else {
        printf("next: `referralctl registry sign`; every agency pins the fingerprint as "
               "`registry-root`,\n"
               "compared by telephone (docs/operations.md, \"The key ceremony\")\n");
    }
    return EXIT_OK;
}

int keys_root_run(const struct invocation *invocation)
{
    struct root_made made;
    struct fault fault = {.code = ""};
    enum err error;
    int status;

    buf_init(&made.row, LIMIT_TEXT_BYTES);
    error =
        root_make(invocation->value[OPTION_OUT], invocation->value[OPTION_AGENCY], &made, &fault);
    status = error == OK ? root_done(invocation, &made) : refuse(invocation, error, &fault);
    buf_free(&made.row);
    return status;
}

/* --- keys recovery --- */

static enum err recovery_make(const char *out, struct fault *fault)
{
    char secret[PATH_MAX], public_key[PATH_MAX];
    struct seal_key key;
    enum err error = folder_make(out, 0700, fault);
    int longest = snprintf(secret, sizeof(secret), "%s/" RECOVERY_SECRET, out);

    (void)snprintf(public_key, sizeof(public_key), "%s/" RECOVERY_PUBLIC, out);
    if (error == OK && (longest < 0 || (size_t)longest >= sizeof(secret))) {
        fault_set(fault, "keys.path", "--out", "the path is too long");
        error = ERR_INVALID;
    }
    if (error == OK && access(public_key, F_OK) == 0) {
        fault_set(fault, "file.failed", public_key, "is there already");
        fault_hint(fault, "a key is never overwritten: move the old file away first");
        error = ERR_EXISTS;
    }
    if (error != OK) {
        return error;
    }
    seal_key_new(&key);
    error = key_file_write(secret, KEY_FILE_RECOVERY, key.secret, fault);
    if (error == OK) {
        error = key_file_write_public(public_key, key.public_key, fault);
    }
    crypto_wipe(&key, sizeof(key));
    return error;
}

int keys_recovery_run(const struct invocation *invocation)
{
    const char *out = invocation->value[OPTION_OUT];
    struct fault fault = {.code = ""};
    enum err error = recovery_make(out, &fault);
    struct answer answer;

    if (error != OK) {
        return refuse(invocation, error, &fault);
    }
    if (invocation_has(invocation, OPTION_JSON)) {
        answer_begin(&answer, true);
        answer_text(&answer, "out", out);
        return answer_end(&answer, EXIT_OK);
    }
    printf("%s/" RECOVERY_PUBLIC "    seals backups: name it as `recovery-key` in broker.yaml and "
           "agent.yaml\n"
           "%s/" RECOVERY_SECRET "    opens them: take it off this machine now, in two places, on "
           "paper or a\n"
           "                     medium in a safe; without it no backup can be restored\n",
           out, out);
    return EXIT_OK;
}

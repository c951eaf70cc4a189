/* `keys endorse`: on an agency's offline machine, its own root signs the rows of its keys, for the
 * office to put into the public keys. Talks to nobody. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/key_file.h"
#include "cli/command.h"
#include "cli/output.h"
#include "model/calendar.h"
#include "wire/key_endorsement.h"

#define ROWS_MAX 64u /* of one agency */

struct endorsing {
    const struct invocation *invocation;
    struct sign_key root; /* secret */
    struct key_entry rows[ROWS_MAX];
    size_t count;
    uint64_t from_ms, to_ms; /* 0 and UINT64_MAX: as the rows have it */
    struct buf text;
};

static enum err read_day(const struct invocation *invocation, enum option_id option,
                         int32_t *ret_day, struct fault *fault)
{
    const char *text = invocation->value[option];

    if (text != NULL && civil_parse(text, ret_day) != OK) {
        fault_set(fault, "keys.day", option == OPTION_FROM ? "--from" : "--to",
                  "expected a date, YYYY-MM-DD");
        return ERR_INVALID;
    }
    return OK;
}

static enum err read_validity(struct endorsing *endorsing, struct fault *fault)
{
    const struct invocation *invocation = endorsing->invocation;
    int32_t from = 0, to = 0;
    enum err error = read_day(invocation, OPTION_FROM, &from, fault);

    error = error == OK ? read_day(invocation, OPTION_TO, &to, fault) : error;
    if (error != OK) {
        return error;
    }
    endorsing->from_ms = invocation->value[OPTION_FROM] != NULL ? civil_start_ms(from) : 0;
    endorsing->to_ms = invocation->value[OPTION_TO] != NULL ? civil_end_ms(to) : UINT64_MAX;
    return OK;
}

static enum err read_root(struct endorsing *endorsing, struct fault *fault)
{
    uint8_t seed[KEY_FILE_SECRET_BYTES];
    enum err error =
        key_file_read(endorsing->invocation->value[OPTION_ROOT_KEY], KEY_FILE_ROOT, seed, fault);

    if (error == OK) {
        sign_key_from_seed(seed, &endorsing->root);
    }
    crypto_wipe(seed, sizeof(seed));
    return error;
}

/* Rows of one agency only: whoever signs the rows of all has not looked at his own. */
static enum err check_owner(const struct endorsing *endorsing, struct fault *fault)
{
    for (size_t i = 1; i < endorsing->count; i++) {
        if (strcmp(endorsing->rows[i].owner, endorsing->rows[0].owner) != 0) {
            fault_set(fault, "keys.agency", endorsing->invocation->arguments[0],
                      "has keys of \"%s\" and of \"%s\"", endorsing->rows[0].owner,
                      endorsing->rows[i].owner);
            fault_hint(fault, "a root signs its own agency's rows: take the file that `keys "
                              "generate` wrote");
            return ERR_INVALID;
        }
    }
    return OK;
}

static enum err endorse_row(struct endorsing *endorsing, struct key_entry *row, struct fault *fault)
{
    if (endorsing->from_ms != 0) {
        row->from_ms = endorsing->from_ms;
    }
    if (endorsing->to_ms != UINT64_MAX) {
        row->to_ms = endorsing->to_ms;
    }
    if (row->to_ms <= row->from_ms) {
        fault_set(fault, "keys.day", "--to", "the key would end before it begins");
        fault_hint(fault, "give a last day behind the first one: --from, or valid-from of the row");
        return ERR_INVALID;
    }
    key_endorse(row, &endorsing->root);
    return key_row_write(row, &endorsing->text);
}

static enum err endorse(struct endorsing *endorsing, struct fault *fault)
{
    const char *path = endorsing->invocation->arguments[0];
    enum err error = read_validity(endorsing, fault);

    error = error == OK ? read_root(endorsing, fault) : error; /* which says the suite, too */
    error = error == OK ? key_rows_load(path, endorsing->rows, ROWS_MAX, &endorsing->count, fault)
                        : error;
    error = error == OK ? check_owner(endorsing, fault) : error;
    for (size_t i = 0; error == OK && i < endorsing->count; i++) {
        error = endorse_row(endorsing, &endorsing->rows[i], fault);
    }
    return error == OK ? file_write_new(endorsing->invocation->value[OPTION_OUT],
                                        span_buf(&endorsing->text), 0644, fault)
                       : error;
}

static int done(struct endorsing *endorsing)
{
    const struct invocation *invocation = endorsing->invocation;
    const char *out = invocation->value[OPTION_OUT];
    struct answer answer;

    if (invocation_has(invocation, OPTION_JSON)) {
        if (buf_append(&endorsing->text, "", 1) != OK) {
            return EXIT_FAILED;
        }
        answer_begin(&answer, true);
        answer_text(&answer, "out", out);
        answer_text(&answer, "agency", endorsing->rows[0].owner);
        answer_u64(&answer, "keys", endorsing->count);
        answer_text(&answer, "public_rows", (const char *)endorsing->text.data);
        return answer_end(&answer, EXIT_OK);
    }
    printf("%s: %zu rows of %s, signed by its root\n"
           "next: send the file to the joint-meeting office, which puts these rows into the public "
           "keys\n"
           "instead of those without `root-signature`, signs the registry and publishes it\n",
           out, endorsing->count, endorsing->rows[0].owner);
    return EXIT_OK;
}

int keys_endorse_run(const struct invocation *invocation)
{
    struct endorsing endorsing = {.invocation = invocation};
    struct fault fault = {.code = ""};
    enum err error;
    int status;

    buf_init(&endorsing.text, LIMIT_CONFIG_BYTES);
    error = endorse(&endorsing, &fault);
    crypto_wipe(&endorsing.root, sizeof(endorsing.root));
    status = error == OK
                 ? done(&endorsing)
                 : output_fault(invocation,
                                error == ERR_IO || error == ERR_MEMORY ? EXIT_FAILED : EXIT_REFUSED,
                                &fault);
    buf_free(&endorsing.text);
    return status;
}

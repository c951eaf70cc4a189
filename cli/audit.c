/* The commands `audit ...` and `evidence verify`: they become the program referral-verify, which
 * lies beside this one, so that its words and its exit status are its own (docs/audit-export.md,
 * docs/evidence-format.md). It shares nothing with the broker but libraries; nothing of it is
 * repeated here. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/beside.h"
#include "cli/output.h"

#define VERIFIER      "/referral-verify"
#define ARGUMENTS_ALL 16u

struct line {
    char *words[ARGUMENTS_ALL]; /* borrowed; execv changes none, though its type says so */
    size_t count;
};

static void add(struct line *line, const char *word)
{
    memcpy(&line->words[line->count], &word, sizeof(word));
    line->count++;
}

static void add_option(struct line *line, const char *name, const char *value)
{
    if (value != NULL) {
        add(line, name);
        add(line, value);
    }
}

static int become(const struct invocation *invocation, struct line *line)
{
    struct fault fault = {.code = ""};
    char path[PATH_MAX] = VERIFIER;

    add_option(line, "--key", invocation->value[OPTION_KEY]);
    if (invocation_has(invocation, OPTION_JSON)) {
        add(line, "--json");
    }
    line->words[line->count] = NULL;
    errno = ENOENT;
    if (beside_path(VERIFIER, path) == OK) {
        (void)execv(path, line->words); /* answers only when it failed */
    }
    fault_set(&fault, "audit.verifier", path, "cannot be started: %s", strerrordesc_np(errno));
    fault_hint(&fault, "install referral-verify beside referralctl");
    return output_fault(invocation, EXIT_UNREACHABLE, &fault);
}

int audit_verify_run(const struct invocation *invocation)
{
    const char *store = invocation->value[OPTION_STORE];
    const char *export = invocation->value[OPTION_EXPORT];
    struct line line = {.count = 0};

    if ((store == NULL) == (export == NULL)) {
        return output_misused(invocation, OPTION_STORE,
                              "expected either --store DIR or --export FILE");
    }
    if ((invocation->value[OPTION_CALENDARS] == NULL) != (invocation->value[OPTION_FILE] == NULL)) {
        return output_misused(invocation, OPTION_FILE,
                              "--calendars DIR and --file POLICY go together");
    }
    add(&line, "referral-verify");
    add_option(&line, "--store", store);
    add_option(&line, "--export", export);
    add_option(&line, "--calendars", invocation->value[OPTION_CALENDARS]);
    add_option(&line, "--policy", invocation->value[OPTION_FILE]);
    return become(invocation, &line);
}

int audit_export_run(const struct invocation *invocation)
{
    struct line line = {.count = 0};

    add(&line, "referral-verify");
    add_option(&line, "--write-export", invocation->value[OPTION_OUT]);
    add_option(&line, "--store", invocation->value[OPTION_STORE]);
    return become(invocation, &line);
}

int evidence_verify_run(const struct invocation *invocation)
{
    struct line line = {.count = 0};

    add(&line, "referral-verify");
    add_option(&line, "--evidence", invocation->arguments[0]);
    add_option(&line, "--root", invocation->value[OPTION_ROOT]);
    add_option(&line, "--lang", invocation->value[OPTION_LANG]);
    return become(invocation, &line);
}

/* referralctl: one row of a table for each command (commands.c); parse.c turns the command line
 * into an invocation of one of them. Ends with the exit status of command.h. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "cli/output.h"

/* A short write to a full disk or a closed pipe must not look like success. */
static int flushed(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "referralctl: cannot write the answer to standard output\n");
        return EXIT_FAILED;
    }
    return status;
}

static int misused(const struct invocation *invocation, struct fault *fault)
{
    if (fault->hint[0] == '\0' && invocation->command == NULL) {
        /* the first word alone: it has commands of its own, or it is wrong */
        int len = (int)strcspn(invocation->group, " ");

        fault_hint(fault, "`referralctl %.*s%s--help` has examples", len, invocation->group,
                   len > 0 ? " " : "");
    } else if (fault->hint[0] == '\0') {
        fault_hint(fault, "`referralctl %s%s--help` has examples", invocation->group,
                   invocation->group[0] != '\0' ? " " : "");
    }
    return output_fault(invocation, EXIT_USAGE, fault);
}

/* For who makes keys; whoever reads one is told by the file. */
static int suite_option(const struct invocation *invocation)
{
    const char *name = invocation->value[OPTION_SUITE];

    for (unsigned i = 0; crypto_suite_names[i] != NULL; i++) {
        if (strcmp(name, crypto_suite_names[i]) == 0 &&
            crypto_choose((enum crypto_suite)(SUITE_INTL + i)) == OK) {
            return EXIT_OK;
        }
    }
    return output_misused(invocation, OPTION_SUITE, "expected intl or sm");
}

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct fault fault = {.code = ""};

    /* Widths of Chinese text do not depend on the caller's settings. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    if (invocation_parse(argc, argv, &invocation, &fault) != OK) {
        return flushed(misused(&invocation, &fault));
    }
    if (invocation_has(&invocation, OPTION_VERSION)) {
        printf("%s\n", SOFTWARE);
        return flushed(EXIT_OK);
    }
    if (invocation_has(&invocation, OPTION_HELP)) {
        help_print(&invocation);
        return flushed(EXIT_OK);
    }
    if (crypto_init() != OK) {
        fprintf(stderr, "referralctl: libsodium cannot start\n");
        return EXIT_FAILED;
    }
    if (invocation_has(&invocation, OPTION_SUITE) && suite_option(&invocation) != EXIT_OK) {
        return flushed(EXIT_USAGE);
    }
    if (invocation_has(&invocation, OPTION_QUIET) && !invocation_has(&invocation, OPTION_JSON) &&
        freopen("/dev/null", "w", stdout) == NULL) {
        fprintf(stderr, "referralctl: /dev/null cannot be opened: it is where --quiet writes\n");
        return EXIT_FAILED;
    }
    return flushed(invocation.command->run(&invocation));
}

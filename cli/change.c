/* See change.h. What is asked for comes from an option, a file or the terminal, in this order. */
#include "cli/change.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/input.h"
#include "cli/output.h"

/* A line of the terminal without its end; false at the end of input. */
static bool ask_line(const char *question, char *out, size_t size)
{
    fprintf(stderr, "%s ", question);
    (void)fflush(stderr); /* standard error: unbuffered but for libraries */
    if (fgets(out, (int)size, stdin) == NULL) {
        fprintf(stderr, "\n");
        return false;
    }
    out[strcspn(out, "\r\n")] = '\0';
    return true;
}

static bool is_reason(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > CHANGE_REASON_BYTES || !utf8_valid(span_text(text)) ||
        text[strspn(text, " \t\r\n")] == '\0') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') {
            return false;
        }
    }
    return true;
}

int change_reason(const struct invocation *invocation, struct buf *ret_reason)
{
    const char *given = invocation->value[OPTION_REASON];
    char line[CHANGE_REASON_BYTES + 3];

    if (given != NULL && invocation_has(invocation, OPTION_REASON_FILE)) {
        return output_misused(invocation, OPTION_REASON,
                              "expected either --reason or --reason-file");
    }
    if (invocation_has(invocation, OPTION_REASON_FILE)) {
        return input_text(invocation, OPTION_REASON_FILE, ret_reason);
    }
    if (given == NULL && isatty(STDIN_FILENO) &&
        ask_line("Reason (goes into the log; nothing about persons):", line, sizeof(line))) {
        given = line;
    }
    if (given == NULL) {
        return output_misused(invocation, OPTION_REASON,
                              "a change needs a reason: --reason TEXT, or a terminal to ask on");
    }
    if (!is_reason(given)) {
        return output_misused(invocation, OPTION_REASON,
                              "expected 1 to 500 bytes of text in UTF-8");
    }
    if (buf_append(ret_reason, given, strlen(given) + 1) != OK) {
        return output_misused(invocation, OPTION_REASON, "expected a shorter text");
    }
    ret_reason->len--; /* the NUL stands behind the text */
    return EXIT_OK;
}

int change_confirm(const struct invocation *invocation, const char *what)
{
    struct fault fault = {.code = ""};
    char question[256], line[32];

    if (invocation_has(invocation, OPTION_YES) || invocation_has(invocation, OPTION_DRY_RUN)) {
        return EXIT_OK;
    }
    if (!isatty(STDIN_FILENO)) {
        fault_set(&fault, "change.confirm", "--yes", "to %s needs --yes where no terminal is",
                  what);
        fault_hint(&fault, "--dry-run shows what it would do");
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    (void)snprintf(question, sizeof(question), "Really %s? [y/N]", what);
    if (ask_line(question, line, sizeof(line)) &&
        (strcmp(line, "y") == 0 || strcmp(line, "yes") == 0)) {
        return EXIT_OK;
    }
    fault_set(&fault, "change.declined", "", "nothing was changed: the answer was not \"y\"");
    return output_fault(invocation, EXIT_REFUSED, &fault);
}

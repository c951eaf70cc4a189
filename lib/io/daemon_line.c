/* How: argp, with the table of both daemons and a child made from the switches. See daemon_line.h.
 */
#include "io/daemon_line.h"

#include <argp.h>
#include <assert.h>
#include <stdio.h>

#define BASE_OPTIONS 5u /* of both daemons */
#define SWITCHES_MAX 8u
#define SWITCH_KEY   256 /* beyond every letter */

static error_t take(int key, char *value, struct argp_state *state)
{
    struct daemon_line *line = state->input;

    switch (key) {
    case 'c':
        line->config = value;
        return 0;
    case 'k':
        line->check = true;
        return 0;
    case 'e':
        line->effective = true;
        return 0;
    case 's':
        line->check_store = true;
        return 0;
    case 'j':
        line->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument: %s", value);
        return 0;
    case ARGP_KEY_END:
        if (line->config == NULL) {
            argp_error(state, "--config FILE is missing");
        } else if (line->check + line->effective + line->check_store > 1) {
            argp_error(state, "--check, --effective and --check-store: one of them");
        } else if (line->json && !line->check && !line->effective && !line->check_store) {
            argp_error(state, "--json goes with --check, --effective or --check-store");
        }
        return 0;
    default:
        if (key < SWITCH_KEY || key >= SWITCH_KEY + (int)SWITCHES_MAX) {
            return ARGP_ERR_UNKNOWN;
        }
        if (line->switches[key - SWITCH_KEY].text != NULL) {
            *line->switches[key - SWITCH_KEY].text = value;
        } else {
            *line->switches[key - SWITCH_KEY].on = true;
        }
        return 0;
    }
}

void daemon_line_read(struct daemon_line *line, int argc, char **argv)
{
    struct argp_option options[BASE_OPTIONS + SWITCHES_MAX + 1] = {
        {"config", 'c', "FILE", 0, line->sample, 0},
        {"check", 'k', NULL, 0,
         "Read configuration, rules and keys, say everything that is wrong, and end", 0},
        {"check-store", 's', NULL, 0,
         "Look through every page and row of the store, say what is damaged, and end: 0 whole, 4 "
         "damaged. Beside a running daemon, too",
         0},
        {"effective", 'e', NULL, 0, "Print every option, its value and where that comes from", 0},
        {"json", 'j', NULL, 0,
         "Print what --check, --check-store or --effective finds as one JSON object", 0}};
    char text[2048];
    const struct argp parser = {.options = options, .parser = take, .doc = text};

    (void)snprintf(text, sizeof(text),
                   "%s\vExamples:\n%s\nExit codes: 0 stopped, 1 the environment failed, 2 usage, "
                   "78 wrong configuration.",
                   line->about, line->examples);
    for (size_t i = 0; line->switches != NULL && line->switches[i].name != NULL; i++) {
        assert(i < SWITCHES_MAX);
        options[BASE_OPTIONS + i] = (struct argp_option){.name = line->switches[i].name,
                                                         .key = SWITCH_KEY + (int)i,
                                                         .arg = line->switches[i].argument,
                                                         .doc = line->switches[i].help};
    }
    argp_err_exit_status = 2;
    argp_program_version = line->version;
    (void)argp_parse(&parser, argc, argv, 0, NULL, line); /* exits by itself */
}

/* The command line of a daemon: --config FILE, --check, --effective, --json, --help, --version, and
 * the switches that only one of them has. Both daemons read it here, so that what holds for one
 * holds for the other. Main thread, first thing; ends the process for --help, --version (0) and
 * misuse (2). */
#ifndef REFERRAL_IO_DAEMON_LINE_H
#define REFERRAL_IO_DAEMON_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define DAEMON_EXIT_CONFIGURATION 78

struct daemon_switch {
    const char *name;
    const char *help;
    bool *on;             /* without a value; */
    const char *argument; /* or with one, of this name: */
    const char **text;
};

struct daemon_line {
    /* given */
    const char *version; /* "referral-broker 0.1.0" */
    const char *about;   /* one sentence */
    const char *examples;
    const char *sample;                   /* "config/broker.yaml" */
    const struct daemon_switch *switches; /* ends with a NULL name; NULL: none */
    /* read */
    const char *config;
    bool check, effective, check_store, json;
};

void daemon_line_read(struct daemon_line *line, int argc, char **argv);

#endif

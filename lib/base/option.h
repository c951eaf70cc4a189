/* A daemon's configuration file as one table: options with their defaults, where each value came
 * from, what a person is shown of them, and what a change of them needs.
 *
 * broker/config and agent/config have the tables; the readers of both, `--check`, `--effective`,
 * the status sockets and the manual pages go by them. Secrets are files: only their paths are
 * values. Pure but for options_open, which reads the file; on the thread that calls. */
#ifndef REFERRAL_BASE_OPTION_H
#define REFERRAL_BASE_OPTION_H

#include "base/json.h"
#include "base/yaml.h"

struct option_origin {
    char file[512];
    unsigned lines[YAML_OPTIONS_MAX]; /* by row of the table; 0: the default, or nothing */
};

struct option_target { /* where the values of a table go */
    const struct yaml_option *table;
    void *values;
    struct option_origin *origin;
};

/* Parses the file, sets all defaults and reads what it says. The document stays for further checks
 * and is the caller's (yaml_free), also after an error, NULL when it could not be parsed. */
enum err options_open(const char *path, const struct option_target *target, struct yaml **ret_yaml,
                      struct fault *fault) MUST_CHECK;

/* Is this option absent or right? A check that goes by one that is wrong would add a second mistake
 * that is none. */
bool options_readable(const struct yaml_option *table, const struct yaml_node *root,
                      const char *name);

/* [{"name","value","origin","live"} ...]: a value is a text, a list of them, or null. */
void options_show(const struct yaml_option *table, const void *target,
                  const struct option_origin *origin, struct json_writer *out);
/* All options for `--effective`: a line each, "name: value    # file:line", or one JSON object. */
enum err options_report(const struct yaml_option *table, const void *target,
                        const struct option_origin *origin, bool json, struct buf *out) MUST_CHECK;

/* Writes the faults as [{"code","place","message","hint","line","caret"} ...]. */
void faults_show(const struct faults *faults, struct json_writer *out);
/* {"ok":false,"errors":[...],"left_out":N} in one line, for `--check --json`. */
enum err faults_report(const struct faults *faults, struct buf *out) MUST_CHECK;

/* Adds one fault for each option that differs and needs a restart. True: there is none. What an
 * option of the type YAML_NODE holds is the caller's to compare. */
bool options_may_change(const struct yaml_option *table, const void *before, const void *after,
                        struct fault *fault);

/* What stands in the place of @OPTIONS@ in the source of a manual page (scdoc). */
enum err options_manual(const struct yaml_option *table, struct buf *out) MUST_CHECK;

#endif

/* The reader of configuration files (YAML, every scalar taken as text). libfyaml stays behind it.
 *
 * A table of options says what a mapping may hold; everything else is refused with
 * file:line:column, what was expected, and the nearest known name. Used at start, at reload and by
 * `check` commands, on the thread that calls. Nothing is kept: a document is read, copied out of
 * and freed. */
#ifndef REFERRAL_BASE_YAML_H
#define REFERRAL_BASE_YAML_H

#include "base/bytes.h"

struct yaml;      /* a parsed document */
struct yaml_node; /* borrowed from its document */

/* Parses a file of at most LIMIT_CONFIG_BYTES: one document, UTF-8, nested at most LIMIT_NESTING
 * deep. Duplicate keys, keys that are not scalars, anchors, aliases and tags are refused. */
enum err yaml_open(const char *path, struct yaml **ret_yaml, struct fault *fault) MUST_CHECK;
/* The same from memory; `name` stands for the file in messages. */
enum err yaml_open_text(const char *name, struct span text, struct yaml **ret_yaml,
                        struct fault *fault) MUST_CHECK;
void yaml_free(struct yaml *yaml);                /* NULL allowed */
struct span yaml_source(const struct yaml *yaml); /* the text, valid with the document */
const struct yaml_node *yaml_root(const struct yaml *yaml);

/* Sets the fault at this node's line and column; answers ERR_INVALID so that a caller can
 * `return yaml_refuse(...)`. */
enum err yaml_refuse(const struct yaml_node *node, struct fault *fault, const char *code,
                     const char *fmt, ...) FORMAT(4, 5);
unsigned yaml_line(const struct yaml_node *node); /* from 1 */
/* "file:line:column" of a node. */
void yaml_place(const struct yaml_node *node, char out[256]);

bool yaml_is_mapping(const struct yaml_node *node);
bool yaml_is_sequence(const struct yaml_node *node);
bool yaml_is_scalar(const struct yaml_node *node);
size_t yaml_count(const struct yaml_node *node); /* items or pairs */
const struct yaml_node *yaml_item(const struct yaml_node *sequence, size_t index);
const struct yaml_node *yaml_key(const struct yaml_node *mapping, size_t index); /* in file order */
/* The value of that pair. */
const struct yaml_node *yaml_value(const struct yaml_node *mapping, size_t index);
const struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key); /* or NULL */
const char *yaml_text(const struct yaml_node *scalar); /* NUL-terminated, valid with the document */

#define YAML_CREDENTIAL "credential:"

enum yaml_type {
    YAML_TEXT,     /* char[size]: too long is refused */
    YAML_PATH,     /* char[size]: relative ones are joined to the folder of the file, those with
                    * YAML_CREDENTIAL to $CREDENTIALS_DIRECTORY */
    YAML_UNSIGNED, /* uint64_t between min and max */
    YAML_BOOL,     /* bool: true or false */
    YAML_DURATION, /* uint64_t milliseconds: "10m", "2h", "25s", "1d", between min and max */
    YAML_CHOICE,   /* int: index in `choices`, a NULL-terminated list */
    YAML_NODE,     /* const struct yaml_node *: the caller reads it further */
    YAML_LIST,     /* struct yaml_texts: a list of min to max texts or paths */
};

#define YAML_TEXTS_MAX  8u
#define YAML_TEXT_BYTES 512u
struct yaml_texts {
    size_t count;
    char at[YAML_TEXTS_MAX][YAML_TEXT_BYTES];
};

struct yaml_option {
    const char *name;
    enum yaml_type type;
    size_t offset; /* of the member in the target structure */
    size_t size;   /* of that member, for text; of a list: not 0 where its items are paths */
    uint64_t min, max;
    const char *const *choices;
    bool required;
    /* for people and for lib/base/option; yaml_read does not look at these */
    const char *initial; /* what counts when it is left out, as one would write it; NULL: nothing */
    const char *unit;    /* "MiB"; NULL: none */
    const char *help;    /* what it is for: sentences */
    bool live;           /* a reload applies it; otherwise it needs a restart */
    bool hidden;         /* of a laboratory: not for a city's manual */
};
#define YAML_OPTIONS_MAX 64u

/* Reads a mapping into a structure by a table that ends with a NULL name and has at most
 * YAML_OPTIONS_MAX rows. Members whose key is absent keep what they had (the defaults). Unknown
 * keys are refused. On failure the structure is partly filled: do not use it. */
enum err yaml_read(const struct yaml_node *mapping, const struct yaml_option *options, void *target,
                   struct fault *fault) MUST_CHECK;
/* Sets a member to what the option's `initial` says: our own text, so a wrong one is a bug. Not for
 * paths, lists and nodes. */
void yaml_set_initial(const struct yaml_option *option, void *target);
/* The value of a member as one would write it in a file. Not for lists and nodes. */
void yaml_write_value(const struct yaml_option *option, const void *target, char *out, size_t size);
/* One value by one option, for items of lists and for mappings with free keys. */
enum err yaml_read_value(const struct yaml_node *value, const struct yaml_option *option,
                         void *target, struct fault *fault) MUST_CHECK;

#endif

/* The tree that yaml.c builds and yaml_read.c reads: inside lib/base only, everybody else uses
 * yaml.h. Made once by yaml_open, never changed afterwards; no I/O. */
#ifndef REFERRAL_BASE_YAML_NODE_H
#define REFERRAL_BASE_YAML_NODE_H

#include "base/yaml.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    const struct yaml *yaml;
    enum yaml_kind kind;
    bool quoted;                       /* a scalar in quotes or as a block: "" is then a value */
    unsigned line, column;             /* from 1 */
    const char *text;                  /* of a scalar */
    size_t child_count;                /* a mapping's children are key, value, key, value ... */
    const struct yaml_node **children; /* set when the node is complete */
    struct yaml_node *first, *last;    /* the children while building */
    struct yaml_node *next;            /* the next child of the same parent */
};

struct yaml {
    char *name;             /* owned; the file in messages */
    struct span text;       /* in the region: its lines are shown */
    struct region region;   /* all nodes and texts */
    struct yaml_node *root; /* set when the document is complete */
};

#endif

/* A compiled template: a row of nodes, walked by template_render.c. Made by template_compile.c and
 * never changed afterwards. Inside the template module only. */
#ifndef REFERRAL_AGENT_WEB_TEMPLATE_NODE_H
#define REFERRAL_AGENT_WEB_TEMPLATE_NODE_H

#include "agent/web/template.h"
#include "agent/web/template_html.h"

/* Sections and partials inside one another, on one page. */
#define TEMPLATE_DEPTH_MAX 32u
/* Of one set: an index fits, and a mistake in building does not eat the memory. */
#define TEMPLATE_NODES_MAX 200000u

enum node_kind {
    NODE_MARKUP,   /* text, as it is */
    NODE_WORDS,    /* text for people: escaped */
    NODE_VALUE,    /* text names it; by filter */
    NODE_SECTION,  /* text names it; `to` is its close */
    NODE_INVERTED, /* alike */
    NODE_CLOSE,    /* `to` is its section */
    NODE_LANGUAGE, /* up to `to`, for that language alone */
    NODE_PARTIAL,  /* `to` is the other template */
    NODE_END,      /* of the template */
    NODE_KINDS
};

struct node {
    enum node_kind kind;
    enum html_filter filter;
    enum language language;
    uint32_t to;
    struct span text; /* borrowed: from the source or the catalogue */
};

struct template
{
    struct template_source source; /* borrowed, for the set's life */
    uint32_t first;                /* its first node */
    uint32_t depth;                /* of sections and partials below it */
};

struct template_set {
    struct template *templates; /* owned */
    size_t count;
    struct node *nodes; /* owned; of all templates, one after the other */
    size_t node_count, node_cap;
};

/* The index of a template; the count: none. */
size_t template_index(const struct template_set *set, struct span name);
/* Compiles the index-th template behind the nodes that are there. The names of all are known. */
enum err template_compile_one(struct template_set *set, size_t index,
                              struct fault *fault) MUST_CHECK;
/* Measures how deep each goes with its partials; ERR_INVALID for one that goes too deep: partials
 * that hold one another. */
enum err template_link(struct template_set *set, struct fault *fault) MUST_CHECK;

#endif

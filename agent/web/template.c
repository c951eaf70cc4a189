/* A set of templates, and the static files: tables that were compiled in, and their making and
 * unmaking. The language is in template_compile.c, the guard of the markup in template_html.c, the
 * filling in template_render.c. */
#include "agent/web/template.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/embedded.h"
#include "agent/web/template_node.h"

size_t template_index(const struct template_set *set, struct span name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (span_equal(span_text(set->templates[i].source.name), name)) {
            return i;
        }
    }
    return set->count;
}

enum err templates_compile(const struct template_source *sources, size_t count,
                           struct template_set **ret_set, struct fault *fault)
{
    assert(sources != NULL || count == 0);
    assert(ret_set != NULL);
    struct template_set *set = calloc(1, sizeof(*set));
    if (set == NULL) {
        return ERR_MEMORY;
    }
    set->templates = calloc(count + 1, sizeof(*set->templates));
    enum err error = set->templates == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < count && error == OK; i++) {
        set->templates[i].source = sources[i];
        set->count = i + 1;
    }
    for (size_t i = 0; i < count && error == OK; i++) {
        error = template_compile_one(set, i, fault);
    }
    if (error == OK) {
        error = template_link(set, fault);
    }
    if (error != OK) {
        templates_free(set);
        return error;
    }
    *ret_set = set;
    return OK;
}

enum err templates_new(struct template_set **ret_set, struct fault *fault)
{
    struct template_source *sources = calloc(embedded_templates_count + 1, sizeof(*sources));
    if (sources == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < embedded_templates_count; i++) {
        const struct asset *file = &embedded_templates[i];
        sources[i] = (struct template_source){.name = file->name, .text = file->bytes};
    }
    enum err error = templates_compile(sources, embedded_templates_count, ret_set, fault);
    free(sources);
    return error;
}

void templates_free(struct template_set *set)
{
    if (set == NULL) {
        return;
    }
    free(set->templates);
    free(set->nodes);
    free(set);
}

const struct asset *asset_find(const char *name)
{
    assert(name != NULL);
    for (size_t i = 0; i < embedded_static_count; i++) {
        if (strcmp(embedded_static[i].name, name) == 0) {
            return &embedded_static[i];
        }
    }
    return NULL;
}

/* Pages from templates: HTML files of their own, compiled in, filled from a JSON view.
 *
 * A page is a view (what there is to say, as a JSON value) and a template (how it looks). What
 * comes out of a view is always escaped; there is no way to put raw markup in. Pure: no clock, no
 * I/O, no session. Any thread. The language of the templates, agent/web/templates, one file each:
 *
 *   {{name}}  {{a.b}}  {{.}}       the value, escaped; looked up in the innermost section first,
 *                                  then outwards; numbers as they are; absent, null, false: nothing
 *   {{#name}} ... {{/name}}        for each item of an array; for an object or any other value that
 *                                  is not empty (absent, null, false, 0, "", []) once, inside it
 *   {{^name}} ... {{/name}}        when it is empty
 *   {{>name}}                      another template here, with the same view
 *   {{_ 共 {count} 件}}            a text for people, on one line: translated, then {name}
 *                                  filled in, escaped
 *   {{! remark }}                  nothing
 *
 * true is shown as "true". A name that is there and null hides the same name further out. A line
 * with nothing but one section tag, partial or remark is left out. Control characters other than
 * line ends and tabs are dropped from values.
 *
 * Where a value may stand is decided when a template is compiled (template_html.h): in text, and in
 * attributes, which all have double quotes. Not in scripts, styles, names, comments, or the sources
 * of scripts and links. In an address (href, src, action, formaction) it is either the first thing
 * (then it must be on this site: "/...", "?..." or "#..."; the page gets "#" for any other) or one
 * part of what has begun ("/case/{{number}}?tab={{tab}}": percent-encoded). A section inside a tag
 * holds whole attributes with the blank before them: <tr{{#late}} class="late"{{/late}}>.
 *
 * Texts in view values that a program wrote for people are translated by it (catalogue_text). */
#ifndef REFERRAL_AGENT_WEB_TEMPLATE_H
#define REFERRAL_AGENT_WEB_TEMPLATE_H

#include "agent/web/catalogue.h"
#include "base/json.h"

struct template_set;

/* Compiles all that were built in. ERR_INVALID with name:line:column is our own bug: a test loads
 * them. ERR_MEMORY. */
enum err templates_new(struct template_set **ret_set, struct fault *fault) MUST_CHECK;
/* The same from a table, for tests. Texts are borrowed for the set's life. */
struct template_source {
    const char *name;
    struct span text;
};
enum err templates_compile(const struct template_source *sources, size_t count,
                           struct template_set **ret_set, struct fault *fault) MUST_CHECK;
void templates_free(struct template_set *set); /* NULL allowed */

/* Appends the page; `name` is the file's, without ".html". ERR_NOT_FOUND: no such template;
 * ERR_TOO_LARGE: the buf's bound; ERR_MEMORY. What an error leaves in `out` is no page. */
enum err template_render(const struct template_set *set, const char *name,
                         const struct json_value *view, enum language language,
                         struct buf *out) MUST_CHECK;

/* A file of agent/web/static/ that was built in (style.css, app.js ...); empty data: none. `etag`
 * is of its content. */
struct asset {
    const char *name, *type, *etag;
    struct span bytes;
};
const struct asset *asset_find(const char *name); /* NULL: none */

#endif

/* Templates to nodes: one pass from tag to tag, with the scan of the HTML between them asked at
 * each tag whether it may stand there (template_html.h). A text is compiled once for each language,
 * so that rendering looks nothing up in the catalogue. */
#include "agent/web/template_node.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct open_section {
    uint32_t node;
    struct html html; /* where it began */
};

struct compiler {
    struct template_set *set;
    const struct template *template;
    struct span text;
    size_t at; /* up to here it is compiled */
    struct html html;
    struct open_section open[TEMPLATE_DEPTH_MAX];
    size_t open_count;
    struct fault *fault;
};

struct tag {
    size_t from, end;    /* offsets of the first brace and behind the last */
    char kind;           /* '#', '^', '/', '>', '_', '!'; 0: a value */
    struct span content; /* without blanks around it */
};

static enum err refuse(struct compiler *compiler, size_t offset, const char *fmt, ...) FORMAT(3, 4);

/* The fault at an offset, as name:line:column; columns count characters. */
static enum err refuse(struct compiler *compiler, size_t offset, const char *fmt, ...)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < offset && i < compiler->text.len; i++) {
        uint8_t c = compiler->text.data[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    struct fault unused = {.code = ""};
    struct fault *fault = compiler->fault != NULL ? compiler->fault : &unused;
    char place[sizeof(fault->place)];
    char message[sizeof(fault->message)];
    (void)snprintf(place, sizeof(place), "%s:%zu:%zu", compiler->template->source.name, line,
                   column);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    fault_set(fault, "template.syntax", place, "%s", message);
    return ERR_INVALID;
}

static size_t find(struct span text, size_t from, const char *what)
{
    const void *found =
        from >= text.len ? NULL : memmem(text.data + from, text.len - from, what, 2);
    return found == NULL ? text.len : (size_t)((const uint8_t *)found - text.data);
}

static enum err emit(struct compiler *compiler, struct node node)
{
    struct template_set *set = compiler->set;
    if (set->node_count == set->node_cap) {
        size_t cap = set->node_cap == 0 ? 256 : set->node_cap * 2;
        struct node *more =
            cap > TEMPLATE_NODES_MAX ? NULL : realloc(set->nodes, cap * sizeof(*more));
        if (more == NULL) {
            return ERR_MEMORY;
        }
        set->nodes = more;
        set->node_cap = cap;
    }
    set->nodes[set->node_count++] = node;
    return OK;
}

/* The index that the next node gets. */
static uint32_t next_node(const struct compiler *compiler)
{
    return (uint32_t)compiler->set->node_count;
}

static enum err compile_markup(struct compiler *compiler, size_t from, size_t to)
{
    struct span markup = span_of(compiler->text.data + from, to - from);
    size_t wrong_at = 0;
    const char *wrong = html_pass(&compiler->html, markup, &wrong_at);
    if (wrong != NULL) {
        return refuse(compiler, from + wrong_at, "%s", wrong);
    }
    return markup.len == 0 ? OK : emit(compiler, (struct node){NODE_MARKUP, .text = markup});
}

/* "name", "a.b" or "." */
static bool is_path(struct span text)
{
    bool part_due = true;
    if (span_equal(text, span_text("."))) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
        if (!is_word && (c != '.' || part_due)) {
            return false;
        }
        part_due = !is_word;
    }
    return !part_due;
}

static enum err compile_value(struct compiler *compiler, size_t offset, struct span name)
{
    enum html_filter filter = FILTER_ESCAPE;
    const char *wrong = html_value(&compiler->html, &filter);
    if (wrong != NULL) {
        return refuse(compiler, offset, "%s", wrong);
    }
    if (!is_path(name)) {
        return refuse(compiler, offset, "a name is of letters, digits, - and _, with dots between");
    }
    return emit(compiler, (struct node){NODE_VALUE, .filter = filter, .text = name});
}

/* --- texts for people --- */

/* One language's text: words, and names in braces. A text in an address would need the filters of
 * an address and means nothing there. */
static enum err compile_words(struct compiler *compiler, size_t offset, struct span text)
{
    enum err error = OK;
    for (size_t at = 0; at < text.len && error == OK;) {
        const uint8_t *brace = memchr(text.data + at, '{', text.len - at);
        size_t end = brace == NULL ? text.len : (size_t)(brace - text.data);
        if (end > at) {
            error = emit(compiler,
                         (struct node){NODE_WORDS, .text = span_of(text.data + at, end - at)});
        }
        if (brace == NULL || error != OK) {
            return error;
        }
        const uint8_t *closing = memchr(brace, '}', text.len - end);
        if (closing == NULL) {
            return refuse(compiler, offset, "a { without its } in: %.*s", (int)text.len,
                          (const char *)text.data);
        }
        error = compile_value(compiler, offset, span_of(brace + 1, (size_t)(closing - brace) - 1));
        at = (size_t)(closing - text.data) + 1;
    }
    return error;
}

static enum err compile_text(struct compiler *compiler, const struct tag *tag)
{
    enum html_filter filter = FILTER_ESCAPE;
    struct html html = compiler->html;
    const char *wrong = html_value(&html, &filter);
    if (wrong == NULL && filter != FILTER_ESCAPE) {
        wrong = "no text for people in an address";
    }
    if (wrong == NULL && tag->content.len == 0) {
        wrong = "no text behind {{_";
    }
    if (wrong == NULL && memchr(tag->content.data, '\n', tag->content.len) != NULL) {
        wrong = "a text for people is on one line";
    }
    if (wrong != NULL) {
        return refuse(compiler, tag->from, "%s", wrong);
    }
    enum err error = OK;
    for (enum language language = 0; language < LANGUAGE_COUNT && error == OK; language++) {
        uint32_t head = next_node(compiler);
        error = emit(compiler, (struct node){NODE_LANGUAGE, .language = language});
        if (error == OK) {
            error = compile_words(compiler, tag->from, catalogue_find(language, tag->content));
        }
        if (error == OK) {
            compiler->set->nodes[head].to = next_node(compiler);
        }
    }
    return error;
}

/* --- sections and partials --- */

static enum err compile_open(struct compiler *compiler, const struct tag *tag)
{
    if (!is_path(tag->content)) {
        return refuse(compiler, tag->from, "a section has a name");
    }
    if (compiler->open_count == TEMPLATE_DEPTH_MAX) {
        return refuse(compiler, tag->from, "more than %u sections inside one another",
                      TEMPLATE_DEPTH_MAX);
    }
    struct open_section *open = &compiler->open[compiler->open_count++];
    *open = (struct open_section){next_node(compiler), compiler->html};
    html_enter(&compiler->html);
    enum node_kind kind = tag->kind == '#' ? NODE_SECTION : NODE_INVERTED;
    return emit(compiler, (struct node){kind, .text = tag->content});
}

static enum err compile_close(struct compiler *compiler, const struct tag *tag)
{
    if (compiler->open_count == 0) {
        return refuse(compiler, tag->from, "closes a section that is not open");
    }
    const struct open_section *open = &compiler->open[--compiler->open_count];
    struct span name = compiler->set->nodes[open->node].text;
    if (!span_equal(name, tag->content)) {
        return refuse(compiler, tag->from, "the section to close here is %.*s", (int)name.len,
                      (const char *)name.data);
    }
    const char *wrong = html_leave(&compiler->html, &open->html);
    if (wrong != NULL) {
        return refuse(compiler, tag->from, "%s", wrong);
    }
    compiler->set->nodes[open->node].to = next_node(compiler);
    return emit(compiler, (struct node){NODE_CLOSE, .to = open->node});
}

/* Each template begins and ends in text, so a partial changes nothing for the scan. */
static enum err compile_partial(struct compiler *compiler, const struct tag *tag)
{
    size_t index = template_index(compiler->set, tag->content);
    if (compiler->html.place != HTML_TEXT) {
        return refuse(compiler, tag->from, "another template stands in text, not in a tag");
    }
    if (index == compiler->set->count) {
        return refuse(compiler, tag->from, "no template of this name");
    }
    return emit(compiler, (struct node){NODE_PARTIAL, .to = (uint32_t)index, .text = tag->content});
}

/* --- tags --- */

static struct span trimmed(struct span text)
{
    static const char blanks[] = " \t\r\n";
    while (text.len > 0 && strchr(blanks, text.data[0]) != NULL) {
        text = span_of(text.data + 1, text.len - 1);
    }
    while (text.len > 0 && strchr(blanks, text.data[text.len - 1]) != NULL) {
        text.len--;
    }
    return text;
}

/* Reads the tag that begins at `from`. */
static enum err read_tag(struct compiler *compiler, size_t from, struct tag *ret_tag)
{
    struct span text = compiler->text;
    size_t begin = from + 2;
    size_t end = find(text, begin, "}}");
    if (end == text.len) {
        return refuse(compiler, from, "a {{ without its }}");
    }
    char sigil = (char)text.data[begin];
    if (sigil == '{' || sigil == '&') {
        return refuse(compiler, from, "there is no way to put markup in: all values are escaped");
    }
    struct tag tag = {.from = from};
    if (strchr("#^/>_!", sigil) != NULL) {
        tag.kind = sigil;
        begin++;
    }
    /* "{count}}}": the first brace belongs to the text. */
    while (tag.kind == '_' && end + 2 < text.len && text.data[end + 2] == '}') {
        end++;
    }
    tag.content = trimmed(span_of(text.data + begin, end - begin));
    tag.end = end + 2;
    *ret_tag = tag;
    return OK;
}

static bool is_blank_between(struct span text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (text.data[i] != ' ') {
            return false;
        }
    }
    return true;
}

/* A tag that shows nothing and has its line alone takes the whole line away. */
static void take_line(const struct compiler *compiler, const struct tag *tag, size_t *from,
                      size_t *end)
{
    struct span text = compiler->text;
    size_t line = tag->from;
    while (line > compiler->at && text.data[line - 1] != '\n') {
        line--;
    }
    const uint8_t *newline = memchr(text.data + tag->end, '\n', text.len - tag->end);
    bool begins = line == 0 || text.data[line - 1] == '\n';
    if (tag->kind == 0 || tag->kind == '_' || !begins || newline == NULL) {
        return;
    }
    size_t next = (size_t)(newline - text.data);
    if (is_blank_between(text, line, tag->from) && is_blank_between(text, tag->end, next)) {
        *from = line;
        *end = next + 1;
    }
}

static enum err compile_tag(struct compiler *compiler, const struct tag *tag)
{
    if (tag->kind == '!') {
        return OK;
    }
    if (tag->kind == 0) {
        return compile_value(compiler, tag->from, tag->content);
    }
    if (tag->kind == '_') {
        return compile_text(compiler, tag);
    }
    const char *wrong = html_border(&compiler->html);
    if (wrong != NULL) {
        return refuse(compiler, tag->from, "%s", wrong);
    }
    switch (tag->kind) {
    case '/':
        return compile_close(compiler, tag);
    case '>':
        return compile_partial(compiler, tag);
    default:
        return compile_open(compiler, tag);
    }
}

static enum err compile_end(struct compiler *compiler)
{
    if (compiler->open_count > 0) {
        const struct node *node =
            &compiler->set->nodes[compiler->open[compiler->open_count - 1].node];
        return refuse(compiler, (size_t)(node->text.data - compiler->text.data),
                      "the section %.*s is not closed", (int)node->text.len,
                      (const char *)node->text.data);
    }
    if (compiler->html.place != HTML_TEXT) {
        return refuse(compiler, compiler->text.len, "the template ends inside a tag");
    }
    return emit(compiler, (struct node){.kind = NODE_END});
}

enum err template_compile_one(struct template_set *set, size_t index, struct fault *fault)
{
    struct template *template = &set->templates[index];
    struct compiler compiler = {
        .set = set, .template = template, .text = template->source.text, .fault = fault};
    template->first = next_node(&compiler);
    enum err error = OK;
    while (error == OK && compiler.at < compiler.text.len) {
        struct tag tag = {0};
        size_t from = find(compiler.text, compiler.at, "{{");
        if (from == compiler.text.len) {
            error = compile_markup(&compiler, compiler.at, from);
            compiler.at = from;
            break;
        }
        error = read_tag(&compiler, from, &tag);
        if (error != OK) {
            break;
        }
        size_t end = tag.end;
        take_line(&compiler, &tag, &from, &end);
        error = compile_markup(&compiler, compiler.at, from);
        if (error == OK) {
            error = compile_tag(&compiler, &tag);
        }
        compiler.at = end;
    }
    return error == OK ? compile_end(&compiler) : error;
}

/* --- depth --- */

/* How deep a template goes, by what is known of its partials; *ret_deepest is the node that does.
 */
static uint32_t depth_of(const struct template_set *set, const struct template *template,
                         const struct node **ret_deepest)
{
    uint32_t depth = 0;
    uint32_t deepest = 0;
    for (const struct node *node = &set->nodes[template->first]; node->kind != NODE_END; node++) {
        uint32_t below = 0;
        if (node->kind == NODE_CLOSE) {
            depth--;
            continue;
        }
        if (node->kind == NODE_SECTION || node->kind == NODE_INVERTED) {
            below = ++depth;
        } else if (node->kind == NODE_PARTIAL) {
            below = depth + 1 + set->templates[node->to].depth;
        }
        if (below > deepest) {
            deepest = below;
            *ret_deepest = node;
        }
    }
    return deepest;
}

enum err template_link(struct template_set *set, struct fault *fault)
{
    /* Each round knows the partials of one level more; those in a circle grow for ever. */
    for (size_t round = 0; round <= TEMPLATE_DEPTH_MAX; round++) {
        for (size_t i = 0; i < set->count; i++) {
            struct template *template = &set->templates[i];
            const struct node *deepest = NULL;
            template->depth = depth_of(set, template, &deepest);
            if (template->depth > TEMPLATE_DEPTH_MAX) {
                struct compiler compiler = {
                    .template = template, .text = template->source.text, .fault = fault};
                return refuse(&compiler, (size_t)(deepest->text.data - compiler.text.data),
                              "more than %u sections and partials inside one another",
                              TEMPLATE_DEPTH_MAX);
            }
        }
    }
    return OK;
}

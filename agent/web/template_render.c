/* Nodes and a view to a page. A loop with a stack of its own: sections and partials are frames, as
 * many as the compiler found at most. The bound of the work is the buf's: each turn of a section
 * that writes nothing is bounded by the view. */
#include <assert.h>
#include <string.h>

#include "agent/web/template_node.h"

/* What is open: a section with its value, or a partial with the way back. */
struct frame {
    const void *value; /* what names are looked up in; NULL in a partial */
    const void *list;  /* the array whose item that is, or NULL */
    size_t index;
    uint32_t back; /* of a partial */
};

struct renderer {
    const struct template_set *set;
    const void *root;
    enum language language;
    struct buf *out;
    uint32_t at;
    bool ended;
    struct frame frames[TEMPLATE_DEPTH_MAX];
    size_t depth;
};

/* --- names --- */

static const void *innermost(const struct renderer *renderer)
{
    for (size_t i = renderer->depth; i > 0; i--) {
        if (renderer->frames[i - 1].value != NULL) {
            return renderer->frames[i - 1].value;
        }
    }
    return renderer->root;
}

/* Found from the inside outwards; a null that is there hides what is outside. */
static const void *look_up_first(const struct renderer *renderer, struct span name)
{
    for (size_t i = renderer->depth; i > 0; i--) {
        const void *found = json_node_member(renderer->frames[i - 1].value, name);
        if (found != NULL) {
            return found;
        }
    }
    return json_node_member(renderer->root, name);
}

static const void *look_up(const struct renderer *renderer, struct span path)
{
    const uint8_t *dot = memchr(path.data, '.', path.len);
    if (dot == NULL) {
        return look_up_first(renderer, path);
    }
    if (path.len == 1) {
        return innermost(renderer);
    }
    const void *value = look_up_first(renderer, span_of(path.data, (size_t)(dot - path.data)));
    while (dot != NULL) {
        const uint8_t *part = dot + 1;
        size_t left = path.len - (size_t)(part - path.data);
        dot = memchr(part, '.', left);
        value = json_node_member(value, span_of(part, dot == NULL ? left : (size_t)(dot - part)));
    }
    return value;
}

/* "0", "-0.0", "0.0e5" */
static bool is_zero(struct span digits)
{
    for (size_t i = 0; i < digits.len && digits.data[i] != 'e'; i++) {
        if (digits.data[i] >= '1' && digits.data[i] <= '9') {
            return false;
        }
    }
    return true;
}

static bool is_empty(const void *value)
{
    char digits[JSON_DIGITS_BYTES];
    switch (json_node_kind(value)) {
    case JSON_YES:
        return false;
    case JSON_DIGITS:
        return is_zero(json_node_text(value, digits));
    default:
        return json_node_count(value) == 0;
    }
}

/* --- filters --- */

/* What stands for a byte; NULL: itself; "": nothing. */
static const char *escape_of(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\t':
        return NULL;
    default:
        return c < 0x20 || c == 0x7F ? "" : NULL;
    }
}

static enum err put_escaped(struct buf *out, struct span text)
{
    enum err error = OK;
    size_t plain = 0; /* the start of what is not yet put */
    for (size_t i = 0; i < text.len && error == OK; i++) {
        /* U+0080 to U+009F, controls as well, are 0xC2 and one byte more. */
        bool is_c1 = text.data[i] == 0xC2 && i + 1 < text.len && text.data[i + 1] < 0xA0;
        const char *other = is_c1 ? "" : escape_of(text.data[i]);
        if (other == NULL) {
            continue;
        }
        error = buf_append(out, text.data + plain, i - plain);
        if (error == OK) {
            error = buf_append_text(out, other);
        }
        i += is_c1 ? 1 : 0;
        plain = i + 1;
    }
    return error == OK ? buf_append(out, text.data + plain, text.len - plain) : error;
}

/* An address on this site: of the path, query or fragment that a browser would find in it. White
 * space and controls are dropped or trimmed by browsers, and a backslash is a slash to them. */
static bool is_own_address(struct span text)
{
    if (text.len == 0 || strchr("/?#", text.data[0]) == NULL) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7F || text.data[i] == '\\') {
            return false;
        }
    }
    return text.len < 2 || text.data[0] != '/' || text.data[1] != '/';
}

static enum err put_address(struct buf *out, struct span text)
{
    return put_escaped(out, is_own_address(text) ? text : span_text("#"));
}

/* RFC 3986: all but the unreserved characters are encoded, so a value is one part and no more. */
static enum err put_part(struct buf *out, struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    enum err error = OK;
    for (size_t i = 0; i < text.len && error == OK; i++) {
        uint8_t c = text.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL);
        char coded[3] = {'%', digits[c >> 4], digits[c & 15]};
        error =
            is_plain ? buf_append(out, &text.data[i], 1) : buf_append(out, coded, sizeof(coded));
    }
    return error;
}

static enum err put_value(struct renderer *renderer, const struct node *node)
{
    char digits[JSON_DIGITS_BYTES];
    const void *value = look_up(renderer, node->text);
    struct span text =
        json_node_kind(value) == JSON_YES ? span_text("true") : json_node_text(value, digits);
    switch (node->filter) {
    case FILTER_ADDRESS:
        return put_address(renderer->out, text);
    case FILTER_PART:
        return put_part(renderer->out, text);
    case FILTER_ESCAPE:
        break;
    }
    return put_escaped(renderer->out, text);
}

/* --- nodes --- */

static void push(struct renderer *renderer, struct frame frame)
{
    assert(renderer->depth < TEMPLATE_DEPTH_MAX); /* template_link measured it */
    renderer->frames[renderer->depth++] = frame;
}

static void open_section(struct renderer *renderer, const struct node *node)
{
    const void *value = look_up(renderer, node->text);
    bool is_list = json_node_kind(value) == JSON_LIST;
    if (is_empty(value)) {
        renderer->at = node->to + 1;
        return;
    }
    push(renderer, (struct frame){.value = is_list ? json_node_item(value, 0) : value,
                                  .list = is_list ? value : NULL});
    renderer->at++;
}

static void close_section(struct renderer *renderer, const struct node *node)
{
    renderer->at++;
    if (renderer->set->nodes[node->to].kind == NODE_INVERTED) {
        return;
    }
    assert(renderer->depth > 0);
    struct frame *frame = &renderer->frames[renderer->depth - 1];
    if (frame->list != NULL && ++frame->index < json_node_count(frame->list)) {
        frame->value = json_node_item(frame->list, frame->index);
        renderer->at = node->to + 1;
        return;
    }
    renderer->depth--;
}

static void enter_partial(struct renderer *renderer, const struct node *node)
{
    push(renderer, (struct frame){.back = renderer->at + 1});
    renderer->at = renderer->set->templates[node->to].first;
}

static void end_template(struct renderer *renderer)
{
    if (renderer->depth == 0) {
        renderer->ended = true;
        return;
    }
    renderer->at = renderer->frames[--renderer->depth].back;
}

static enum err render_node(struct renderer *renderer)
{
    const struct node *node = &renderer->set->nodes[renderer->at];
    switch (node->kind) {
    case NODE_MARKUP:
        renderer->at++;
        return buf_append(renderer->out, node->text.data, node->text.len);
    case NODE_WORDS:
        renderer->at++;
        return put_escaped(renderer->out, node->text);
    case NODE_VALUE:
        renderer->at++;
        return put_value(renderer, node);
    case NODE_SECTION:
        open_section(renderer, node);
        break;
    case NODE_INVERTED:
        renderer->at = is_empty(look_up(renderer, node->text)) ? renderer->at + 1 : node->to + 1;
        break;
    case NODE_CLOSE:
        close_section(renderer, node);
        break;
    case NODE_LANGUAGE:
        renderer->at = node->language == renderer->language ? renderer->at + 1 : node->to;
        break;
    case NODE_PARTIAL:
        enter_partial(renderer, node);
        break;
    default:
        end_template(renderer);
        break;
    }
    return OK;
}

enum err template_render(const struct template_set *set, const char *name,
                         const struct json_value *view, enum language language, struct buf *out)
{
    assert(set != NULL);
    assert(view != NULL);
    assert(language < LANGUAGE_COUNT);
    size_t index = template_index(set, span_text(name));
    if (index == set->count) {
        return ERR_NOT_FOUND;
    }
    struct renderer renderer = {.set = set,
                                .root = view->node,
                                .language = language,
                                .out = out,
                                .at = set->templates[index].first};
    enum err error = OK;
    while (error == OK && !renderer.ended) {
        error = render_node(&renderer);
    }
    return error;
}

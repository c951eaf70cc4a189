/* The scan of template_html.h: one step a character, by place. Names are kept in lower case, as
 * browsers compare them. */
#include "agent/web/template_html.h"

#include <assert.h>
#include <string.h>

typedef const char *html_step(struct html *html, char c);

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static char lower(char c)
{
    if (c < 'A' || c > 'Z') {
        return c;
    }
    return (char)(c - 'A' + 'a');
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_name(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == ':' || c == '_';
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds a character to a name; false: it is too long for one of ours. */
static bool name_add(char name[HTML_NAME_BYTES], char c)
{
    size_t len = strlen(name);
    if (len + 1 >= HTML_NAME_BYTES) {
        return false;
    }
    name[len] = lower(c);
    name[len + 1] = '\0';
    return true;
}

/* --- text and tags --- */

static const char *step_text(struct html *html, char c)
{
    if (c == '<') {
        html->place = HTML_OPENED;
    }
    return NULL;
}

static const char *step_opened(struct html *html, char c)
{
    html->tag[0] = '\0';
    html->is_end_tag = false;
    if (c == '!') {
        html->place = HTML_DOCTYPE;
    } else if (c == '/') {
        html->place = HTML_TAG;
        html->is_end_tag = true;
    } else if (is_letter(c)) {
        html->place = HTML_TAG;
        (void)name_add(html->tag, c);
    } else {
        return "write &lt; for the character";
    }
    return NULL;
}

static const char *step_doctype(struct html *html, char c)
{
    if (c == '-' || c == '[') {
        return "no HTML comments: write {{! remark }}";
    }
    if (c == '>') {
        html->place = HTML_TEXT;
    }
    return NULL;
}

/* The ">" of a tag. */
static const char *tag_end(struct html *html)
{
    static const char *const plain[] = {"script", "textarea", "title", NULL};
    static const char *const refused[] = {"style", "iframe",  "object",   "embed",     "base",
                                          "xmp",   "noembed", "noframes", "plaintext", NULL};
    if (is_one_of(html->tag, refused)) {
        return "no style, base or embedded element in our pages";
    }
    bool holds_plain = is_one_of(html->tag, plain) && !html->is_end_tag;
    html->place = holds_plain ? HTML_PLAIN : HTML_TEXT;
    return NULL;
}

static const char *step_tag(struct html *html, char c)
{
    if (is_name(c)) {
        return name_add(html->tag, c) ? NULL : "the tag's name is too long";
    }
    if (html->tag[0] == '\0') {
        return "a tag without a name";
    }
    if (c == '>') {
        return tag_end(html);
    }
    html->place = HTML_BLANK;
    return is_blank(c) || c == '/' ? NULL : "no such character in a tag's name";
}

/* --- attributes --- */

static const char *step_blank(struct html *html, char c)
{
    if (c == '>') {
        return tag_end(html);
    }
    if (is_blank(c) || c == '/') {
        return NULL;
    }
    html->name[0] = '\0';
    html->place = HTML_ATTRIBUTE;
    (void)name_add(html->name, c);
    return is_letter(c) ? NULL : "an attribute begins with a letter";
}

static const char *step_closed(struct html *html, char c)
{
    html->place = HTML_BLANK;
    if (c == '>') {
        return tag_end(html);
    }
    return is_blank(c) || c == '/' ? NULL : "white space or the end of the tag is due";
}

/* What the attribute's value means. */
static enum html_attribute attribute_kind(const struct html *html)
{
    static const char *const addresses[] = {"href", "src",    "action", "formaction", "xlink:href",
                                            "cite", "poster", "data",   "background", NULL};
    static const char *const fixed[] = {"srcdoc",   "srcset", "content", "http-equiv",    "ping",
                                        "manifest", "rel",    "is",      "attributename", NULL};
    static const char *const loaders[] = {"script", "link", NULL};
    if (is_one_of(html->name, addresses)) {
        return is_one_of(html->tag, loaders) ? ATTRIBUTE_FIXED : ATTRIBUTE_ADDRESS;
    }
    return is_one_of(html->name, fixed) ? ATTRIBUTE_FIXED : ATTRIBUTE_WORDS;
}

static const char *attribute_refused(const struct html *html)
{
    if (strncmp(html->name, "on", 2) == 0) {
        return "no script in an attribute";
    }
    return strcmp(html->name, "style") == 0 ? "no style in an attribute: give it a class" : NULL;
}

static const char *step_attribute(struct html *html, char c)
{
    if (is_name(c)) {
        return name_add(html->name, c) ? NULL : "the attribute's name is too long";
    }
    const char *refused = attribute_refused(html);
    if (refused != NULL) {
        return refused;
    }
    if (c == '=') {
        html->place = HTML_EQUALS;
        html->attribute = attribute_kind(html);
        html->address = ADDRESS_START;
        return NULL;
    }
    return step_closed(html, c);
}

static const char *step_equals(struct html *html, char c)
{
    html->place = HTML_VALUE;
    return c == '"' ? NULL : "an attribute's value stands in double quotes";
}

/* Browsers drop line ends and tabs from addresses: "/", a line end and "/" are "//" to them. */
static enum html_address address_step(enum html_address address, char c)
{
    if (address != ADDRESS_BEGUN && (c == '\n' || c == '\r' || c == '\t')) {
        return ADDRESS_FOREIGN;
    }
    switch (address) {
    case ADDRESS_START:
    case ADDRESS_UNSURE:
        if (c == '?' || c == '#' || (c == '&' && address == ADDRESS_UNSURE)) {
            return ADDRESS_BEGUN;
        }
        return c == '/' ? ADDRESS_SLASH : ADDRESS_FOREIGN;
    case ADDRESS_SLASH:
        return c == '/' || c == '\\' ? ADDRESS_FOREIGN : ADDRESS_BEGUN;
    case ADDRESS_VALUE:
        return c == '/' ? ADDRESS_SLASH : ADDRESS_BEGUN;
    case ADDRESS_BEGUN:
    case ADDRESS_FOREIGN:
        break;
    }
    return address;
}

static const char *step_value(struct html *html, char c)
{
    if (c == '"') {
        html->place = HTML_CLOSED;
    } else {
        html->address = address_step(html->address, c);
    }
    return NULL;
}

/* --- elements without tags inside --- */

static const char *step_plain(struct html *html, char c)
{
    if (c == '<') {
        html->place = HTML_PLAIN_END;
    } else if (strcmp(html->tag, "script") == 0 && !is_blank(c)) {
        return "no script in a page: name its file";
    }
    return NULL;
}

/* Only the element's own end tag ends it in a browser, so anything else behind "<" is refused where
 * it begins to differ. */
static const char *step_plain_end(struct html *html, char c)
{
    char *seen = html->name; /* "/tit": what was seen of the end tag */
    if (seen[0] != '/') {
        seen[0] = '\0';
        (void)name_add(seen, c);
        return c == '/' ? NULL : "only text stands here";
    }
    size_t len = strlen(seen);
    bool is_whole = strcmp(seen + 1, html->tag) == 0;
    if (is_whole && c == '>') {
        html->name[0] = '\0';
        html->place = HTML_TEXT;
        return NULL;
    }
    bool fits = !is_whole && lower(c) == html->tag[len - 1];
    (void)name_add(seen, c);
    return fits ? NULL : "only text stands here, up to its end tag";
}

const char *html_pass(struct html *html, struct span markup, size_t *ret_at)
{
    static html_step *const steps[HTML_PLACES] = {
        [HTML_TEXT] = step_text,           [HTML_OPENED] = step_opened,
        [HTML_DOCTYPE] = step_doctype,     [HTML_TAG] = step_tag,
        [HTML_BLANK] = step_blank,         [HTML_ATTRIBUTE] = step_attribute,
        [HTML_CLOSED] = step_closed,       [HTML_EQUALS] = step_equals,
        [HTML_VALUE] = step_value,         [HTML_PLAIN] = step_plain,
        [HTML_PLAIN_END] = step_plain_end,
    };
    for (size_t i = 0; i < markup.len; i++) {
        assert(html->place < HTML_PLACES);
        if (html->place == HTML_PLAIN) {
            html->name[0] = '\0';
        }
        const char *wrong = steps[html->place](html, (char)markup.data[i]);
        if (wrong != NULL) {
            *ret_at = i;
            return wrong;
        }
    }
    return NULL;
}

/* --- values --- */

static const char *value_in_address(struct html *html, enum html_filter *ret_filter)
{
    switch (html->address) {
    case ADDRESS_START:
        html->address = ADDRESS_VALUE;
        *ret_filter = FILTER_ADDRESS;
        return NULL;
    case ADDRESS_BEGUN:
        *ret_filter = FILTER_PART;
        return NULL;
    case ADDRESS_FOREIGN:
        return "no value in the address of another site";
    default:
        return "a value begins an address or is a part of one that has begun: write more before it";
    }
}

const char *html_value(struct html *html, enum html_filter *ret_filter)
{
    *ret_filter = FILTER_ESCAPE;
    switch (html->place) {
    case HTML_TEXT:
        return NULL;
    case HTML_PLAIN:
        return strcmp(html->tag, "script") == 0 ? "no value in a script" : NULL;
    case HTML_VALUE:
        if (html->attribute == ATTRIBUTE_FIXED) {
            return "no value in this attribute: it is no text for people";
        }
        return html->attribute == ATTRIBUTE_ADDRESS ? value_in_address(html, ret_filter) : NULL;
    case HTML_EQUALS:
        return "a value in an attribute without double quotes";
    case HTML_OPENED:
    case HTML_TAG:
        return "a value as the name of a tag";
    default:
        return "a value stands in text or in an attribute with double quotes";
    }
}

/* --- sections --- */

static bool in_address(const struct html *html)
{
    return html->place == HTML_VALUE && html->attribute == ATTRIBUTE_ADDRESS;
}

const char *html_border(struct html *html)
{
    switch (html->place) {
    case HTML_TEXT:
    case HTML_BLANK:
    case HTML_CLOSED:
        return NULL;
    case HTML_PLAIN:
        return strcmp(html->tag, "script") == 0 ? "nothing stands in a script" : NULL;
    case HTML_TAG:
        html->place = HTML_CLOSED;
        return html->tag[0] != '\0' ? NULL : "a section in the name of a tag";
    case HTML_ATTRIBUTE:
        html->place = HTML_CLOSED;
        return attribute_refused(html);
    case HTML_VALUE:
        if (in_address(html) && html->address == ADDRESS_SLASH) {
            return "a section behind the first / of an address: write more before it";
        }
        return NULL;
    default:
        return "a section may not begin or end here: put it around the whole tag or attribute";
    }
}

void html_enter(struct html *html)
{
    assert(html != NULL);
    if (in_address(html) && (html->address == ADDRESS_START || html->address == ADDRESS_VALUE)) {
        html->address = ADDRESS_UNSURE;
    }
}

static bool same_place(const struct html *html, const struct html *begun)
{
    if (html->place != begun->place) {
        return false;
    }
    switch (html->place) {
    case HTML_TEXT:
        return true;
    case HTML_VALUE:
        return strcmp(html->tag, begun->tag) == 0 && strcmp(html->name, begun->name) == 0;
    default:
        return strcmp(html->tag, begun->tag) == 0 && html->is_end_tag == begun->is_end_tag;
    }
}

const char *html_leave(struct html *html, const struct html *begun)
{
    if (!same_place(html, begun)) {
        return "the section ends at another place of the HTML than it began: in tags, the blank "
               "before an attribute is inside";
    }
    if (!in_address(html) || html->address == begun->address) {
        return NULL;
    }
    if (html->address == ADDRESS_FOREIGN) {
        return "a section may not hold the address of another site";
    }
    html->address = ADDRESS_UNSURE;
    return NULL;
}

/* Where in an HTML page is this character? The templates' guard: whether a view's value may stand
 * at a place, and how it has to be written there, is decided from the template alone.
 *
 * For our own templates, not for any HTML: what our pages do not need (comments, inline scripts and
 * styles, attributes without double quotes) is refused, so that the scan can be short and right.
 * Called by template_compile.c. Pure; any thread. */
#ifndef REFERRAL_AGENT_WEB_TEMPLATE_HTML_H
#define REFERRAL_AGENT_WEB_TEMPLATE_HTML_H

#include "base/bytes.h"

enum html_place {
    HTML_TEXT,
    HTML_OPENED,    /* behind "<" */
    HTML_DOCTYPE,   /* behind "<!" */
    HTML_TAG,       /* in a tag's name */
    HTML_BLANK,     /* in a tag, behind white space: an attribute may begin */
    HTML_ATTRIBUTE, /* in an attribute's name */
    HTML_CLOSED,    /* in a tag, where white space or its end is due */
    HTML_EQUALS,    /* behind "=": a double quote is due */
    HTML_VALUE,     /* in an attribute's value */
    HTML_PLAIN,     /* in title, textarea or script, which hold no tags */
    HTML_PLAIN_END, /* behind "<" there: "/" is due */
    HTML_PLACES
};

/* How far an address (the value of href, src, action ...) has come. */
enum html_address {
    ADDRESS_START,   /* nothing yet */
    ADDRESS_UNSURE,  /* a section may have begun it */
    ADDRESS_SLASH,   /* "/": another would name a machine */
    ADDRESS_VALUE,   /* a value began it */
    ADDRESS_BEGUN,   /* on this site for certain */
    ADDRESS_FOREIGN, /* another site's */
};

enum html_attribute {
    ATTRIBUTE_WORDS,   /* text */
    ATTRIBUTE_ADDRESS, /* an address */
    ATTRIBUTE_FIXED,   /* means more than text: no value from a view */
};

#define HTML_NAME_BYTES 24u

struct html {
    enum html_place place;
    enum html_attribute attribute;
    enum html_address address;
    bool is_end_tag;
    char tag[HTML_NAME_BYTES];  /* of the tag that is open, or of the element of HTML_PLAIN */
    char name[HTML_NAME_BYTES]; /* of the attribute */
};

/* How a value is written. */
enum html_filter {
    FILTER_ESCAPE,
    FILTER_ADDRESS, /* begins an address: "/", "?" or "#" first, never "//" */
    FILTER_PART,    /* one part of an address: percent-encoded */
};

/* Passes over markup. Answers NULL, or what is wrong with the character at *ret_at. */
const char *html_pass(struct html *html, struct span markup, size_t *ret_at);
/* A value is to stand here. NULL, or why it may not. */
const char *html_value(struct html *html, enum html_filter *ret_filter);
/* A section begins or ends here, or a partial stands here. NULL, or why it may not. */
const char *html_border(struct html *html);
/* A section has begun: its markup may follow what was before it, or itself. */
void html_enter(struct html *html);
/* A section that began at `begun` (as html_border left it) ends here: it may be absent or repeated,
 * so both places must be one. NULL, or what differs. */
const char *html_leave(struct html *html, const struct html *begun);

#endif

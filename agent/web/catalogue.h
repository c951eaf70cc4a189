/* What officers read, in their language: Chinese is the source, English comes from a gettext
 * catalogue (agent/web/po/en.po) that is compiled in.
 *
 * A text without a translation stays Chinese; a test finds those. The language is the officer's
 * choice, never the process's locale. Pure, const data; any thread. */
#ifndef REFERRAL_AGENT_WEB_CATALOGUE_H
#define REFERRAL_AGENT_WEB_CATALOGUE_H

#include "base/bytes.h"

enum language { LANGUAGE_ZH, LANGUAGE_EN, LANGUAGE_COUNT };

/* Marks a text of a table that is translated later, where it is shown; the test of the catalogue
 * finds it. A call of tr(..., "text") is found, too. */
#define N_(text) text

/* "zh-CN", "en": of the html element. */
const char *language_tag(enum language language);
/* "zh", "en"; anything else, and NULL, is Chinese. */
enum language language_parse(const char *text);
/* The text in that language; the text itself where there is none. Never NULL. */
const char *catalogue_text(enum language language, const char *chinese);
/* The same for a text without a NUL at its end. What was found has one behind it. */
struct span catalogue_find(enum language language, struct span chinese);

/* A compiled catalogue: a .mo file, its integers in little-endian order. Borrowed bytes. The text
 * of `msgid`, or an empty span: not there, or the file is damaged. For tests of the reader. */
struct span catalogue_look_up(struct span mo, struct span msgid);

#endif

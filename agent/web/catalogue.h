/* What officers read, in their language: Chinese is the source, English comes from a gettext
 * catalogue (agent/web/po/en.po) that is compiled in.
 *
 * A text without a translation stays Chinese; a test finds those. The language is the officer's
 * choice, never the process's locale. Pure, const data; any thread. */
#ifndef REFERRAL_AGENT_WEB_CATALOGUE_H
#define REFERRAL_AGENT_WEB_CATALOGUE_H

#include "base/bytes.h"

enum language { LANGUAGE_ZH, LANGUAGE_EN };

/* "zh-CN", "en": of the html element. */
const char *language_tag(enum language language);
/* "zh", "en"; anything else is Chinese. */
enum language language_parse(const char *text);
/* The text in that language; the text itself where there is none. Never NULL. */
const char *catalogue_text(enum language language, const char *chinese);

#endif

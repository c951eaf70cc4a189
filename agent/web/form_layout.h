/* How the tables of layouts are written down. Private to agent/web/form_layout*.c. */
#ifndef REFERRAL_AGENT_WEB_FORM_LAYOUT_H
#define REFERRAL_AGENT_WEB_FORM_LAYOUT_H

#include "agent/web/catalogue.h"
#include "agent/web/form.h"

#define ITEMS(array)    .items = (array), .count = sizeof(array) / sizeof((array)[0])
#define SECTIONS(array) .sections = (array), .count = sizeof(array) / sizeof((array)[0])

/* The layouts beside a referral's own life; NULL for others. */
const struct form_layout *form_layout_of_matter(enum message_kind kind);

#endif

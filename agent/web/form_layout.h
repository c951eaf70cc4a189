/* How the tables of layouts are written down. Private to agent/web/form_layout*.c. */
#ifndef REFERRAL_AGENT_WEB_FORM_LAYOUT_H
#define REFERRAL_AGENT_WEB_FORM_LAYOUT_H

#include "agent/web/catalogue.h"
#include "agent/web/form.h"

#define ITEMS(array)    .items = (array), .count = sizeof(array) / sizeof((array)[0])
#define SECTIONS(array) .sections = (array), .count = sizeof(array) / sizeof((array)[0])

/* The last section of every form but a referral's: its files are its materials. */
#define FILES                                                                                      \
    {                                                                                              \
        N_("附件（选填）"), N_("加密传送，只有收件单位能打开。"), "facts.attachments", N_("附件"), \
            0, FORM_FILES, .items = form_file_items, .count = FORM_FILE_ITEMS                      \
    }
#define FORM_FILE_ITEMS 2u
extern const struct form_item form_file_items[FORM_FILE_ITEMS];

/* The layouts beside a referral's own life; NULL for others. */
const struct form_layout *form_layout_of_matter(enum message_kind kind);

#endif

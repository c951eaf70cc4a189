/* What each field of a message is called on a page: one table for all kinds, by the field's name in
 * model/message_form. A test walks those tables, so that no field is without its words. Pure. */
#ifndef REFERRAL_AGENT_WEB_LABELS_H
#define REFERRAL_AGENT_WEB_LABELS_H

#include "base/bytes.h"

/* The Chinese label, also the key of the English one. `list`: the field whose rows it is in, NULL
 * for none ("materials", "kind"); "body" for a field of the body itself. NULL: no such field is
 * known. */
const char *label_of_field(const char *list, const char *field);

/* How a value reads beyond its type. */
enum label_form {
    LABEL_PLAIN,
    LABEL_MONEY,    /* fen */
    LABEL_BYTES,    /* a size */
    LABEL_PERSON,   /* counts the persons of the body from 0 */
    LABEL_MATERIAL, /* counts the materials from 0 */
    LABEL_DUTY,     /* the number of a duty; 0: none that was planned */
    LABEL_AGENCY,   /* an agency's id */
    LABEL_RUNG,     /* ids of rungs, a blank between */
    LABEL_DOCUMENT, /* the number of a 督办单 */
    LABEL_NUMBER,   /* of a case, a referral or a matter */
    LABEL_REASON,   /* of a notice: a word of its kind */
    LABEL_LANE,     /* enum lane */
    LABEL_LONG,     /* text of several lines */
    LABEL_CODE,     /* for machines: digests and the like */
};
enum label_form label_form_of(const char *list, const char *field);

#endif

/* Draws any JSON value for people: a member a line, lists with dashes, depth as indentation. Texts
 * lose what would move a terminal; their lines stay lines. Main thread. */
#ifndef REFERRAL_CLI_TREE_H
#define REFERRAL_CLI_TREE_H

#include "base/json.h"

/* The members of an object or the items of a list, `indent` places from the left. Values nested
 * deeper than LIMIT_NESTING are named as such. A member `except` of the value itself is left out;
 * NULL: none. */
void tree_print(const struct json_value *value, unsigned indent, const char *except);

#endif

/* Edit distance over short names. See nearest.h. Pure. */
#include "base/nearest.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 48u /* longer names are not compared */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t least_two = a < b ? a : b;
    return least_two < c ? least_two : c;
}

/* Optimal string alignment: insert, delete, replace, or swap two neighbours. */
static size_t name_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b_len; j++) {
        before[j] = 0;
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + change);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_len];
}

const char *nearest_name(const char *name, const char *const *names)
{
    assert(name != NULL);
    assert(names != NULL);
    size_t len = strnlen(name, NAME_BYTES_MAX + 1);
    const char *nearest = NULL;
    size_t nearest_distance = NAME_BYTES_MAX;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t other_len = strnlen(names[i], NAME_BYTES_MAX + 1);
        if (len == 0 || len > NAME_BYTES_MAX || other_len > NAME_BYTES_MAX) {
            continue;
        }
        size_t allowed = other_len < 3 ? 1 : other_len / 3;
        size_t distance = name_distance(name, len, names[i], other_len);
        if (distance <= allowed && distance < other_len && distance < nearest_distance) {
            nearest = names[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}

void nearest_hint(struct fault *fault, const char *name, const char *const *names)
{
    const char *nearest = nearest_name(name, names);
    if (nearest != NULL) {
        fault_hint(fault, "did you mean \"%s\"?", nearest);
    }
}

void nearest_list(const char *const *names, char *out, size_t size)
{
    static const char more[] = "...";
    assert(size > sizeof(more));
    size_t room = size - sizeof(more);
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        int added = snprintf(out + used, room - used, "%s%s", i == 0 ? "" : ", ", names[i]);
        assert(added >= 0);
        if ((size_t)added >= room - used) {
            memcpy(out + used, more, sizeof(more));
            return;
        }
        used += (size_t)added;
    }
}

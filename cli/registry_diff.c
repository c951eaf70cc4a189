/* How: the members of an agency, and those of a key, are tables of functions that write them as
 * text; texts are compared. See registry_diff.h. */
#include "cli/registry_diff.h"

#include <stdio.h>
#include <string.h>

#include "model/calendar.h"
#include "model/vocabulary.h"

#define VALUE_BYTES 512u

struct telling {
    registry_change_fn tell;
    void *arg;
    size_t count;
};

static void tell(struct telling *telling, const struct registry_change *change)
{
    if (strcmp(change->before, change->after) != 0) {
        telling->count++;
        telling->tell(telling->arg, change);
    }
}

/* --- agencies --- */

struct agency_of { /* its registry says who a number is */
    const struct registry *registry;
    const struct agency *agency;
};

static void write_text(char out[VALUE_BYTES], const char *text)
{
    (void)snprintf(out, VALUE_BYTES, "%s", text);
}

static void write_class(const struct agency_of *of, char out[VALUE_BYTES])
{
    write_text(out, agency_class_id(of->agency->class));
}

static void write_number(const struct agency_of *of, char out[VALUE_BYTES])
{
    (void)snprintf(out, VALUE_BYTES, "%u", (unsigned)of->agency->number);
}

static void write_prefix(const struct agency_of *of, char out[VALUE_BYTES])
{
    write_text(out, of->agency->prefix);
}

static void write_letter_code(const struct agency_of *of, char out[VALUE_BYTES])
{
    write_text(out, of->agency->letter_code);
}

static void write_name(const struct agency_of *of, char out[VALUE_BYTES])
{
    (void)snprintf(out, VALUE_BYTES, "%s / %s", of->agency->name_zh, of->agency->name_en);
}

static void write_leader(const struct agency_of *of, char out[VALUE_BYTES])
{
    (void)snprintf(out, VALUE_BYTES, "%s%s%s", of->agency->leader_zh,
                   of->agency->leader_zh[0] != '\0' ? " / " : "", of->agency->leader_en);
}

static void write_office(const struct agency_of *of, char out[VALUE_BYTES])
{
    (void)snprintf(out, VALUE_BYTES, "%s / %s", of->agency->office_zh, of->agency->office_en);
}

static void write_joint(const struct agency_of *of, char out[VALUE_BYTES])
{
    write_text(out, of->agency->joint_meeting_office ? "yes" : "no");
}

static void write_duties(const struct agency_of *of, char out[VALUE_BYTES])
{
    const char *ids[VOCABULARY_IDS_MAX];
    size_t len = 0;

    out[0] = '\0';
    vocabulary_ids(VOCABULARY_NEED, ids);
    for (size_t i = 0; ids[i] != NULL; i++) {
        const struct word *need = vocabulary_parse(VOCABULARY_NEED, ids[i]);

        if ((of->agency->duties >> need->value & 1) != 0 && len < VALUE_BYTES) {
            len +=
                (size_t)snprintf(out + len, VALUE_BYTES - len, "%s%s", len > 0 ? ", " : "", ids[i]);
        }
    }
}

static void write_state(const struct agency_of *of, char out[VALUE_BYTES])
{
    const struct agency *agency = of->agency;
    const struct agency *successor = registry_by_number(of->registry, agency->successor);
    char day[CIVIL_TEXT_BYTES];

    if (agency->left_day == 0) {
        write_text(out, agency->suspended ? "suspended" : "registered");
        return;
    }
    civil_format(agency->left_day, day);
    (void)snprintf(out, VALUE_BYTES, "left %s%s%s%s", day, successor != NULL ? ", then " : "",
                   successor != NULL ? successor->id : "", agency->suspended ? ", suspended" : "");
}

static const struct {
    const char *name;
    void (*write)(const struct agency_of *of, char out[VALUE_BYTES]);
} members[] = {
    {"number", write_number}, {"class", write_class},
    {"prefix", write_prefix}, {"letter-code", write_letter_code},
    {"name", write_name},     {"leader", write_leader},
    {"office", write_office}, {"joint_meeting_office", write_joint},
    {"duties", write_duties}, {"state", write_state},
};

static void compare_agencies(const struct agency_of *before, const struct agency_of *after,
                             struct telling *telling)
{
    char old[VALUE_BYTES], new[VALUE_BYTES];

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        members[i].write(before, old);
        members[i].write(after, new);
        tell(telling,
             &(struct registry_change){"agency", after->agency->id, members[i].name, old, new});
    }
}

static void diff_agencies(const struct registry *before, const struct registry *after,
                          struct telling *telling)
{
    for (size_t i = 0; i < registry_count(after); i++) {
        const struct agency_of now = {after, registry_at(after, i)};
        const struct agency_of old = {before, before != NULL ? registry_find(before, now.agency->id)
                                                             : NULL};
        char name[VALUE_BYTES];

        if (old.agency != NULL) {
            compare_agencies(&old, &now, telling);
        } else {
            write_name(&now, name);
            tell(telling, &(struct registry_change){"agency", now.agency->id, "row", "", name});
        }
    }
    for (size_t i = 0; before != NULL && i < registry_count(before); i++) {
        const struct agency *old = registry_at(before, i);

        if (registry_find(after, old->id) == NULL) {
            tell(telling, &(struct registry_change){"agency", old->id, "row", old->name_en, ""});
        }
    }
}

/* --- keys --- */

static const struct key_entry *key_find(const struct keyring *keyring, const struct key_entry *key)
{
    for (size_t i = 0; keyring != NULL && i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (memcmp(entry->public_key, key->public_key, sizeof(entry->public_key)) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void write_validity(const struct key_entry *key, char out[VALUE_BYTES])
{
    char from[CIVIL_TEXT_BYTES] = "...", to[CIVIL_TEXT_BYTES] = "...";

    if (key == NULL) {
        out[0] = '\0';
        return;
    }
    if (key->from_ms != 0) {
        civil_format(civil_day_at(key->from_ms), from);
    }
    if (key->to_ms != UINT64_MAX) {
        civil_format(civil_day_at(key->to_ms - 1), to);
    }
    (void)snprintf(out, VALUE_BYTES, "%s to %s%s", from, to, key->retired ? ", retired" : "");
}

static void tell_key(const struct key_entry *before, const struct key_entry *after,
                     struct telling *telling)
{
    const struct key_entry *key = after != NULL ? after : before;
    char id[2 * KEY_ID_BYTES + 1], value[64], old[VALUE_BYTES], new[VALUE_BYTES];

    hex_encode(span_of(key->id.bytes, KEY_ID_BYTES), id);
    (void)snprintf(value, sizeof(value), "%s %s", key_use_name(key->use), id);
    write_validity(before, old);
    write_validity(after, new);
    tell(telling, &(struct registry_change){"key", key->owner, value, old, new});
}

static void diff_keys(const struct keyring *before, const struct keyring *after,
                      struct telling *telling)
{
    for (size_t i = 0; i < keyring_count(after); i++) {
        const struct key_entry *entry = keyring_entry(after, i);

        tell_key(key_find(before, entry), entry, telling);
    }
    for (size_t i = 0; before != NULL && i < keyring_count(before); i++) {
        const struct key_entry *entry = keyring_entry(before, i);

        if (key_find(after, entry) == NULL) {
            tell_key(entry, NULL, telling);
        }
    }
}

size_t registry_diff(const struct registry_side *before, const struct registry_side *after,
                     registry_change_fn change_fn, void *arg)
{
    struct telling telling = {change_fn, arg, 0};

    diff_agencies(before->registry, after->registry, &telling);
    diff_keys(before->keyring, after->keyring, &telling);
    return telling.count;
}

/* JSON in and out. Reading goes through jansson, which stays behind this header, and through
 * typed getters that answer a fault with the field's path ("facts.materials[2].kind"). Writing is
 * a small streaming writer into a buf: no tree, no allocation besides the buf.
 * Any thread; objects are not shared between threads. */
#ifndef REFERRAL_BASE_JSON_H
#define REFERRAL_BASE_JSON_H

#include "base/bytes.h"

struct json; /* a parsed document */

/* A value inside a document, with the path that led to it. Borrowed from the document. */
struct json_value {
    const void *node; /* NULL: absent */
    char path[160];
};

/* Parses one value of at most LIMIT_JSON_BYTES; duplicate keys refused; the fault has
 * "name:line:column". `name` is a file name or a word for the source. */
enum err json_open(const char *name, struct span text, struct json **ret_json,
                   struct fault *fault) MUST_CHECK;
void json_free(struct json *json); /* NULL allowed */
struct json_value json_root(const struct json *json);
/* Puts what `rewrite` appends in the place of each text; names of members stay. ERR_MEMORY, or what
 * rewrite answers: then some are written anew and some are not. */
enum err json_rewrite(struct json *json, enum err (*rewrite)(const char *text, struct buf *out),
                      size_t text_max) MUST_CHECK;

bool json_absent(const struct json_value *value); /* absent or null */
bool json_is_object(const struct json_value *value);
bool json_is_array(const struct json_value *value);
bool json_is_text(const struct json_value *value);
size_t json_count(const struct json_value *value);                         /* items or members */
struct json_value json_item(const struct json_value *array, size_t index); /* path[index] */
struct json_value json_member(const struct json_value *object, const char *key); /* path.key */
/* The name of the index-th member, in the document's order; borrowed. NULL beyond the last. */
const char *json_member_name(const struct json_value *object, size_t index);

/* Reading without paths, for those that refuse nothing and show much (pages): a node is what
 * json_value.node is, borrowed alike; NULL is absent everywhere. */
enum json_kind {
    JSON_ABSENT,
    JSON_NOTHING,
    JSON_NO,
    JSON_YES,
    JSON_DIGITS,
    JSON_WORDS,
    JSON_LIST,
    JSON_MEMBERS
};
enum json_kind json_node_kind(const void *node);
const void *json_node_member(const void *node, struct span key);
const void *json_node_item(const void *node, size_t index);
size_t json_node_count(const void *node); /* items, members, or bytes of a text */
#define JSON_DIGITS_BYTES 32
/* The text, or the number as JSON has it, written to `digits`; empty for all else. */
struct span json_node_text(const void *node, char digits[JSON_DIGITS_BYTES]);

/* Sets the fault at this value's path and answers ERR_INVALID. */
enum err json_refuse(const struct json_value *value, struct fault *fault, const char *code,
                     const char *fmt, ...) FORMAT(4, 5);
/* Each getter refuses an absent or mistyped value, saying what was expected. Whole numbers are at
 * most 2^63 - 1. Texts have no NUL inside; max_bytes does not count the one at the end. */
enum err json_get_text(const struct json_value *value, size_t max_bytes, const char **ret_text,
                       struct fault *fault) MUST_CHECK;
enum err json_get_u64(const struct json_value *value, uint64_t min, uint64_t max, uint64_t *ret,
                      struct fault *fault) MUST_CHECK;
enum err json_get_i64(const struct json_value *value, int64_t *ret, struct fault *fault) MUST_CHECK;
enum err json_get_bool(const struct json_value *value, bool *ret, struct fault *fault) MUST_CHECK;
/* One of a NULL-terminated list; the fault lists the allowed values. */
enum err json_get_choice(const struct json_value *value, const char *const *choices,
                         size_t *ret_index, struct fault *fault) MUST_CHECK;
/* Refuses members outside the NULL-terminated list, naming the stranger and the allowed ones. */
enum err json_only(const struct json_value *object, const char *const *allowed,
                   struct fault *fault) MUST_CHECK;

/* The writer. Errors stick: write everything, then ask json_writer_end. */
struct json_writer {
    struct buf *out; /* borrowed */
    enum err error;
    unsigned depth;
    bool comma; /* a separator is due before the next value */
};

void json_writer_init(struct json_writer *writer, struct buf *out);
void json_object_begin(struct json_writer *writer);
void json_object_end(struct json_writer *writer);
void json_array_begin(struct json_writer *writer);
void json_array_end(struct json_writer *writer);
void json_name(struct json_writer *writer, const char *name);
void json_text(struct json_writer *writer, const char *text); /* NULL writes null; UTF-8 checked */
void json_u64(struct json_writer *writer, uint64_t value);
void json_i64(struct json_writer *writer, int64_t value);
void json_bool(struct json_writer *writer, bool value);
/* A number with three decimals, for rates and latencies; null for what has none. */
void json_milli(struct json_writer *writer, double value);
/* Copies a JSON value that is already text (borrowed; trusted to be well formed). */
void json_raw(struct json_writer *writer, struct span text);
enum err json_writer_end(struct json_writer *writer) MUST_CHECK;

#endif

/* The streaming JSON writer of json.h (RFC 8259). It keeps commas and nesting; the caller keeps
 * names inside objects. Not for reading. One writer, one thread. */
#include "base/json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Texts are appended as they are, up to the next character that needs an escape. */
static void json_put(struct json_writer *writer, const void *data, size_t len)
{
    if (writer->error == OK) {
        writer->error = buf_append(writer->out, data, len);
    }
}

static void json_put_text(struct json_writer *writer, const char *text)
{
    json_put(writer, text, strlen(text));
}

/* Before each value: the separator; after it, one is due. */
static void json_separate(struct json_writer *writer)
{
    assert(writer != NULL);
    if (writer->comma) {
        json_put(writer, ",", 1);
    }
    writer->comma = true;
}

static void json_begin(struct json_writer *writer, const char *bracket)
{
    json_separate(writer);
    json_put(writer, bracket, 1);
    writer->depth++;
    writer->comma = false;
}

static void json_end(struct json_writer *writer, const char *bracket)
{
    assert(writer != NULL);
    assert(writer->depth > 0);
    json_put(writer, bracket, 1);
    writer->depth--;
    writer->comma = true;
}

void json_writer_init(struct json_writer *writer, struct buf *out)
{
    assert(writer != NULL);
    assert(out != NULL);
    *writer = (struct json_writer){.out = out};
}

void json_object_begin(struct json_writer *writer)
{
    json_begin(writer, "{");
}

void json_object_end(struct json_writer *writer)
{
    json_end(writer, "}");
}

void json_array_begin(struct json_writer *writer)
{
    json_begin(writer, "[");
}

void json_array_end(struct json_writer *writer)
{
    json_end(writer, "]");
}

/* The escape of a character that may not stand for itself, or NULL. */
static const char *json_escape(unsigned char c, char other[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (c >= 0x20 && c != 0x7F) {
        return NULL;
    }
    (void)snprintf(other, 8, "\\u%04x", c);
    return other;
}

static void json_put_quoted(struct json_writer *writer, const char *text)
{
    size_t len = strlen(text);
    if (!utf8_valid(span_of(text, len)) && writer->error == OK) {
        writer->error = ERR_INVALID;
    }
    json_put(writer, "\"", 1);
    size_t plain = 0; /* the start of what is not yet put */
    for (size_t i = 0; i < len; i++) {
        char other[8];
        const char *escape = json_escape((unsigned char)text[i], other);
        if (escape != NULL) {
            json_put(writer, text + plain, i - plain);
            json_put_text(writer, escape);
            plain = i + 1;
        }
    }
    json_put(writer, text + plain, len - plain);
    json_put(writer, "\"", 1);
}

void json_name(struct json_writer *writer, const char *name)
{
    assert(name != NULL);
    json_separate(writer);
    assert(writer->depth > 0);
    json_put_quoted(writer, name);
    json_put(writer, ":", 1);
    writer->comma = false;
}

void json_text(struct json_writer *writer, const char *text)
{
    json_separate(writer);
    if (text == NULL) {
        json_put_text(writer, "null");
        return;
    }
    json_put_quoted(writer, text);
}

void json_u64(struct json_writer *writer, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    json_separate(writer);
    json_put_text(writer, digits);
}

void json_i64(struct json_writer *writer, int64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%lld", (long long)value);
    json_separate(writer);
    json_put_text(writer, digits);
}

void json_bool(struct json_writer *writer, bool value)
{
    json_separate(writer);
    json_put_text(writer, value ? "true" : "false");
}

/* Through whole thousandths: printf's decimals would follow the locale. */
void json_milli(struct json_writer *writer, double value)
{
    const double bound = 9e15; /* thousandths beyond do not fit */
    json_separate(writer);
    if (!(value > -bound && value < bound)) {
        json_put_text(writer, "null");
        return;
    }
    bool negative = value < 0;
    uint64_t thousandths = (uint64_t)((negative ? -value : value) * 1000 + 0.5);
    char digits[32];
    (void)snprintf(digits, sizeof(digits), "%s%llu.%03u", negative && thousandths > 0 ? "-" : "",
                   (unsigned long long)(thousandths / 1000), (unsigned)(thousandths % 1000));
    json_put_text(writer, digits);
}

void json_raw(struct json_writer *writer, struct span text)
{
    assert(text.len > 0);
    json_separate(writer);
    json_put(writer, text.data, text.len);
}

enum err json_writer_end(struct json_writer *writer)
{
    assert(writer != NULL);
    assert(writer->depth == 0 || writer->error != OK);
    return writer->error;
}

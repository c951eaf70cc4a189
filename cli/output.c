/* See output.h. Nothing is printed on standard output before it is whole. */
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES (64u * 1024u * 1024u) /* 100,000 deadlines of a calendar's import */

/* The bytes of the character at the start of the text; 0 when that is no UTF-8. */
static size_t character_bytes(const char *text)
{
    size_t left = strnlen(text, 4);

    for (size_t len = 1; len <= left; len++) {
        if (utf8_valid(span_of(text, len))) {
            return len;
        }
    }
    return 0;
}

/* C0, DEL, C1 in its two-byte form, and what turns the direction of writing round. */
static bool is_control(const char *text, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)text;

    return (len == 1 && (bytes[0] < 0x20 || bytes[0] == 0x7f)) ||
           (len == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0) ||
           (len == 3 && bytes[0] == 0xe2 &&
            ((bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae) ||
             (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9)));
}

/* How much of the text is printable ASCII: most of it, mostly. */
static size_t plain_bytes(const char *text)
{
    size_t len = 0;

    while (text[len] >= 0x20 && text[len] < 0x7f) {
        len++;
    }
    return len;
}

static enum err replace_controls(const char *text, const char *kept, struct buf *out)
{
    enum err error = OK;

    while (error == OK && *text != '\0') {
        size_t plain = plain_bytes(text);
        size_t len = plain > 0 ? plain : character_bytes(text);

        if (len == 0) {
            error = buf_append(out, "?", 1);
        } else if (is_control(text, len) && strchr(kept, *text) == NULL) {
            error = buf_append(out, " ", 1);
        } else {
            error = buf_append(out, text, len);
        }
        text += len > 0 ? len : 1;
    }
    return error;
}

enum err output_clean(const char *text, struct buf *out)
{
    return replace_controls(text, "", out);
}

enum err output_clean_lines(const char *text, struct buf *out)
{
    return replace_controls(text, "\n\t", out);
}

void answer_begin(struct answer *answer, bool ok)
{
    buf_init(&answer->text, ANSWER_BYTES);
    json_writer_init(&answer->json, &answer->text);
    json_object_begin(&answer->json);
    answer_bool(answer, "ok", ok);
}

void answer_text(struct answer *answer, const char *name, const char *value)
{
    struct buf clean;

    json_name(&answer->json, name);
    if (utf8_valid(span_text(value))) {
        json_text(&answer->json, value);
        return;
    }
    buf_init(&clean, ANSWER_BYTES);
    if (output_clean(value, &clean) != OK || buf_append(&clean, "", 1) != OK) {
        answer->json.error = ERR_MEMORY;
    } else {
        json_text(&answer->json, (const char *)clean.data);
    }
    buf_free(&clean);
}

void answer_u64(struct answer *answer, const char *name, uint64_t value)
{
    json_name(&answer->json, name);
    json_u64(&answer->json, value);
}

void answer_bool(struct answer *answer, const char *name, bool value)
{
    json_name(&answer->json, name);
    json_bool(&answer->json, value);
}

int answer_end(struct answer *answer, int status)
{
    enum err error;

    json_object_end(&answer->json);
    error = json_writer_end(&answer->json);
    if (error == OK) {
        (void)fwrite(answer->text.data, 1, answer->text.len, stdout); /* main asks ferror */
        printf("\n");
    } else {
        fprintf(stderr, "referralctl: cannot write the answer: %s\n", err_text(error));
    }
    buf_free(&answer->text);
    return error == OK ? status : EXIT_FAILED;
}

/* A hint is a sentence of its own in JSON, and behind a semicolon goes on in small letters. */
static const char *go_on(const char *hint, char out[sizeof(((struct fault *)0)->hint)])
{
    text_copy(out, sizeof(((struct fault *)0)->hint), hint);
    if (out[0] >= 'A' && out[0] <= 'Z' && (out[1] == ' ' || (out[1] >= 'a' && out[1] <= 'z'))) {
        out[0] = (char)(out[0] - 'A' + 'a');
    }
    return out;
}

static void print_fault(const struct fault *fault)
{
    char hint[sizeof(fault->hint)];
    struct buf line;
    enum err error;

    buf_init(&line, sizeof(*fault) * 2);
    error = output_clean(fault->place, &line);
    if (error == OK && fault->place[0] != '\0') {
        error = buf_append_text(&line, ": ");
    }
    if (error == OK) {
        error = output_clean(fault->message, &line);
    }
    if (error == OK && fault->hint[0] != '\0') {
        error = buf_append_text(&line, "; ");
    }
    if (error == OK) {
        error = output_clean(go_on(fault->hint, hint), &line);
    }
    fprintf(stderr, "referralctl: %.*s\n", (int)line.len,
            error == OK && line.len > 0 ? (const char *)line.data : "");
    buf_free(&line);
}

int output_fault(const struct invocation *invocation, int status, const struct fault *fault)
{
    struct answer answer;

    print_fault(fault);
    if (invocation_has(invocation, OPTION_JSON)) {
        answer_begin(&answer, false);
        answer_text(&answer, "code", fault->code);
        answer_text(&answer, "place", fault->place);
        answer_text(&answer, "message", fault->message);
        answer_text(&answer, "hint", fault->hint);
        return answer_end(&answer, status);
    }
    return status;
}

int output_misused(const struct invocation *invocation, enum option_id option, const char *expected)
{
    struct fault fault = {.code = ""};
    char place[64];

    (void)snprintf(place, sizeof(place), "--%s", option_table[option].name);
    fault_set(&fault, "usage.value", place, "%s", expected);
    fault_hint(&fault, "`referralctl %s --help` has examples", invocation->command->path);
    return output_fault(invocation, EXIT_USAGE, &fault);
}

int output_warn(const char *fmt, ...)
{
    char text[512];
    struct buf line;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_init(&line, 2 * sizeof(text));
    if (output_clean(text, &line) == OK) {
        fprintf(stderr, "referralctl: warning: %.*s\n", (int)line.len, (const char *)line.data);
    }
    buf_free(&line);
    return EXIT_WARNING;
}

void output_instant(uint64_t instant_ms, char out[INSTANT_TEXT_BYTES])
{
    if (instant_ms == 0) {
        (void)snprintf(out, INSTANT_TEXT_BYTES, "-");
        return;
    }
    instant_format(instant_ms / 1000 * 1000, out);
}

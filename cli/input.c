/* See input.h. Content is never quoted in a message: it may be personal. */
#include "cli/input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "cli/output.h"
#include "io/number.h"

#define PIECE_BYTES 4096u

int input_number(const struct invocation *invocation, enum option_id option,
                 struct input_range range, uint64_t *ret_number)
{
    const char *text = invocation->value[option];
    uint64_t number = range.otherwise;
    char expected[96];

    if (text != NULL && (!number_parse(text, range.max, &number) || number < range.min)) {
        (void)snprintf(expected, sizeof(expected),
                       "expected a whole number, %" PRIu64 " to %" PRIu64, range.min, range.max);
        return output_misused(invocation, option, expected);
    }
    *ret_number = number;
    return EXIT_OK;
}

const char *input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static enum err read_standard_input(struct buf *bytes, struct fault *fault)
{
    uint8_t piece[PIECE_BYTES];
    enum err error = OK;
    size_t len = PIECE_BYTES;

    while (error == OK && len == sizeof(piece)) {
        len = fread(piece, 1, sizeof(piece), stdin);
        error = buf_append(bytes, piece, len);
    }
    if (error == OK && ferror(stdin) != 0) {
        error = ERR_IO;
    }
    if (error == ERR_TOO_LARGE) {
        fault_set(fault, "file.too-large", input_name("-"),
                  "larger than the %zu bytes that it may have", bytes->max);
    } else if (error != OK) {
        fault_set(fault, "file.failed", input_name("-"), "cannot be read: %s", err_text(error));
    }
    return error;
}

int input_file(const struct invocation *invocation, const char *path, struct buf *ret_bytes)
{
    struct fault fault = {.code = ""};
    enum err error = strcmp(path, "-") == 0 ? read_standard_input(ret_bytes, &fault)
                                            : file_read(path, ret_bytes, &fault);

    return error == OK ? EXIT_OK : output_fault(invocation, EXIT_REFUSED, &fault);
}

static bool is_blank(uint8_t byte)
{
    return byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t';
}

int input_text(const struct invocation *invocation, enum option_id option, struct buf *ret_text)
{
    const char *path = invocation->value[option];
    struct fault fault = {.code = ""};
    int status = input_file(invocation, path, ret_text);

    if (status != EXIT_OK) {
        return status;
    }
    while (ret_text->len > 0 && is_blank(ret_text->data[ret_text->len - 1])) {
        ret_text->len--;
    }
    if (ret_text->len == 0) {
        fault_set(&fault, "input.empty", input_name(path), "is empty");
        fault_hint(&fault, "write the text for --%s into it", option_table[option].name);
    } else if (!utf8_valid(span_buf(ret_text)) ||
               memchr(ret_text->data, '\0', ret_text->len) != NULL) {
        fault_set(&fault, "input.text", input_name(path), "is no text in UTF-8");
    } else if (buf_append(ret_text, "", 1) != OK) {
        fault_set(&fault, "input.too-large", input_name(path), "is longer than %zu bytes",
                  ret_text->max - 1);
    } else {
        ret_text->len--; /* the NUL stands behind the text */
        return EXIT_OK;
    }
    return output_fault(invocation, EXIT_REFUSED, &fault);
}

void input_wipe(struct buf *bytes)
{
    if (bytes->data != NULL) {
        crypto_wipe(bytes->data, bytes->cap);
    }
    buf_free(bytes);
}

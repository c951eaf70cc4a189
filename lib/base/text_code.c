/* Hexadecimal, base64 (RFC 4648) and UTF-8 (RFC 3629), as bytes.h declares them. Strict: one text
 * for one value, so that a decoded and encoded text is the same text. Not for secrets where timing
 * matters. No I/O; any thread. */
#include "base/bytes.h"

#include <assert.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(struct span in, char *out)
{
    assert(out != NULL);
    for (size_t i = 0; i < in.len; i++) {
        out[2 * i] = hex_digits[in.data[i] >> 4];
        out[2 * i + 1] = hex_digits[in.data[i] & 0x0Fu];
    }
    out[2 * in.len] = '\0';
}

/* 0 to 15, or 16 for what is no digit. */
static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return 16;
}

enum err hex_decode(const char *text, uint8_t *out, size_t len)
{
    assert(text != NULL);
    assert(out != NULL || len == 0);
    if (strnlen(text, 2 * len + 1) != 2 * len) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < 2 * len; i++) {
        if (hex_value(text[i]) > 15) {
            return ERR_INVALID;
        }
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    }
    return OK;
}

enum err base64_encode(struct span in, struct buf *out)
{
    assert(out != NULL);
    assert(in.len < SIZE_MAX / 2);
    uint8_t *to = NULL;
    enum err error = buf_extend(out, (in.len + 2) / 3 * 4, &to);
    if (error != OK) {
        return error;
    }
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t bits = (uint32_t)in.data[i] << 16;
        bits |= left > 1 ? (uint32_t)in.data[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)in.data[i + 2] : 0;
        *to++ = (uint8_t)base64_digits[bits >> 18];
        *to++ = (uint8_t)base64_digits[bits >> 12 & 63u];
        *to++ = left > 1 ? (uint8_t)base64_digits[bits >> 6 & 63u] : '=';
        *to++ = left > 2 ? (uint8_t)base64_digits[bits & 63u] : '=';
    }
    return OK;
}

/* 0 to 63, or 64 for what is no digit. */
static uint32_t base64_value(uint8_t c)
{
    const char *at = c == 0 ? NULL : strchr(base64_digits, c);
    return at == NULL ? 64 : (uint32_t)(at - base64_digits);
}

/* Four digits to three bytes; `pad` of the last digits are '='. The bits that padding drops must
 * be zero. */
static enum err base64_decode_four(const uint8_t *from, size_t pad, uint8_t bytes[3])
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = i >= 4 - pad ? 0 : base64_value(from[i]);
        if (value > 63) {
            return ERR_INVALID;
        }
        bits = bits << 6 | value;
    }
    if ((pad == 1 && (bits & 0xFFu) != 0) || (pad == 2 && (bits & 0xFFFFu) != 0)) {
        return ERR_INVALID;
    }
    bytes[0] = (uint8_t)(bits >> 16);
    bytes[1] = (uint8_t)(bits >> 8);
    bytes[2] = (uint8_t)bits;
    return OK;
}

enum err base64_decode(struct span in, struct buf *out)
{
    assert(out != NULL);
    if (in.len % 4 != 0) {
        return ERR_INVALID;
    }
    size_t start = out->len;
    for (size_t i = 0; i < in.len; i += 4) {
        bool last = i + 4 == in.len;
        size_t pad = 0;
        if (last && in.data[i + 3] == '=') {
            pad = in.data[i + 2] == '=' ? 2 : 1;
        }
        uint8_t bytes[3];
        enum err error = base64_decode_four(in.data + i, pad, bytes);
        if (error == OK) {
            error = buf_append(out, bytes, 3 - pad);
        }
        if (error != OK) {
            out->len = start;
            return error;
        }
    }
    return OK;
}

/* The length of the well-formed character at `at`, or 0. */
static size_t utf8_character(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t lead_min, lead_max, second_min, second_max, len;
    } forms[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (at[0] < forms[i].lead_min || at[0] > forms[i].lead_max) {
            continue;
        }
        size_t len = forms[i].len;
        if (len > left ||
            (len > 1 && (at[1] < forms[i].second_min || at[1] > forms[i].second_max))) {
            return 0;
        }
        for (size_t j = 2; j < len; j++) {
            if ((at[j] & 0xC0u) != 0x80u) {
                return 0;
            }
        }
        return len;
    }
    return 0;
}

bool utf8_valid(struct span text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = utf8_character(text.data + at, text.len - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

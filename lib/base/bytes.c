/* Spans, growing buffers, packing, uuids and digests. See bytes.h. No I/O; any thread. */
#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_BYTES 64u

struct span span_of(const void *data, size_t len)
{
    assert(data != NULL || len == 0);
    return (struct span){.data = data, .len = len};
}

struct span span_text(const char *text)
{
    assert(text != NULL);
    return span_of(text, strlen(text));
}

struct span span_buf(const struct buf *buf)
{
    assert(buf != NULL);
    return span_of(buf->data, buf->len);
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void text_copy(char *to, size_t size, const char *from)
{
    size_t len;

    assert(size > 0);
    len = strnlen(from, size - 1);
    memcpy(to, from, len);
    to[len] = '\0';
}

void buf_init(struct buf *buf, size_t max)
{
    assert(buf != NULL);
    *buf = (struct buf){.max = max};
}

void buf_free(struct buf *buf)
{
    if (buf == NULL) {
        return;
    }
    free(buf->data);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    assert(buf != NULL);
    buf->len = 0;
}

/* Makes room for `more` bytes behind the present ones. */
static enum err buf_reserve(struct buf *buf, size_t more)
{
    assert(buf->len <= buf->max);
    if (more > buf->max - buf->len) {
        return ERR_TOO_LARGE;
    }
    size_t wanted = buf->len + more;
    if (wanted <= buf->cap) {
        return OK;
    }
    size_t cap = buf->cap == 0 ? BUF_FIRST_BYTES : buf->cap;
    while (cap < wanted) {
        cap = cap > buf->max / 2 ? buf->max : cap * 2;
    }
    if (cap > buf->max) {
        cap = buf->max;
    }
    uint8_t *data = realloc(buf->data, cap);
    if (data == NULL) {
        return ERR_MEMORY;
    }
    buf->data = data;
    buf->cap = cap;
    return OK;
}

enum err buf_extend(struct buf *buf, size_t len, uint8_t **ret_bytes)
{
    assert(buf != NULL);
    assert(ret_bytes != NULL);
    enum err error = buf_reserve(buf, len);
    if (error != OK) {
        return error;
    }
    *ret_bytes = buf->data == NULL ? NULL : buf->data + buf->len;
    buf->len += len;
    return OK;
}

enum err buf_append(struct buf *buf, const void *data, size_t len)
{
    assert(data != NULL || len == 0);
    uint8_t *to = NULL;
    enum err error = buf_extend(buf, len, &to);
    if (error == OK && len > 0) {
        assert(to != NULL);
        memcpy(to, data, len);
    }
    return error;
}

enum err buf_append_text(struct buf *buf, const char *text)
{
    assert(text != NULL);
    return buf_append(buf, text, strlen(text));
}

enum err buf_printf(struct buf *buf, const char *fmt, ...)
{
    assert(buf != NULL);
    assert(fmt != NULL);
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0) {
        return ERR_MEMORY;
    }
    enum err error = buf_append(buf, text, (size_t)len);
    free(text);
    return error;
}

void be16_put(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

void be32_put(uint8_t *to, uint32_t value)
{
    be16_put(to, (uint16_t)(value >> 16));
    be16_put(to + 2, (uint16_t)value);
}

void be64_put(uint8_t *to, uint64_t value)
{
    be32_put(to, (uint32_t)(value >> 32));
    be32_put(to + 4, (uint32_t)value);
}

uint16_t be16_get(const uint8_t *from)
{
    return (uint16_t)(((unsigned)from[0] << 8) | from[1]);
}

uint32_t be32_get(const uint8_t *from)
{
    return ((uint32_t)be16_get(from) << 16) | be16_get(from + 2);
}

uint64_t be64_get(const uint8_t *from)
{
    return ((uint64_t)be32_get(from) << 32) | be32_get(from + 4);
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, UUID_BYTES) == 0;
}

bool uuid_is_zero(const struct uuid *id)
{
    static const struct uuid zero = {{0}};
    return uuid_equal(id, &zero);
}

/* RFC 9562 section 5.7: 48 bits of time, version, 12 random bits, variant, 62 random bits. */
struct uuid uuid_v7(uint64_t time_ms, const uint8_t random[10])
{
    assert(time_ms < (1ull << 48));
    struct uuid id;
    be16_put(id.bytes, (uint16_t)(time_ms >> 32));
    be32_put(id.bytes + 2, (uint32_t)time_ms);
    memcpy(id.bytes + 6, random, 10);
    id.bytes[6] = (uint8_t)(0x70u | (id.bytes[6] & 0x0Fu));
    id.bytes[8] = (uint8_t)(0x80u | (id.bytes[8] & 0x3Fu));
    return id;
}

bool uuid_is_v7(const struct uuid *id)
{
    return (id->bytes[6] & 0xF0u) == 0x70u && (id->bytes[8] & 0xC0u) == 0x80u;
}

/* Bytes in each group between the hyphens. */
static const size_t uuid_groups[] = {4, 2, 2, 2, 6};
#define UUID_GROUP_COUNT (sizeof(uuid_groups) / sizeof(uuid_groups[0]))

void uuid_format(const struct uuid *id, char out[UUID_TEXT_BYTES])
{
    const uint8_t *from = id->bytes;
    for (size_t i = 0; i < UUID_GROUP_COUNT; i++) {
        hex_encode(span_of(from, uuid_groups[i]), out);
        from += uuid_groups[i];
        out += 2 * uuid_groups[i];
        *out++ = '-';
    }
    out[-1] = '\0';
}

enum err uuid_parse(const char *text, struct uuid *ret)
{
    assert(text != NULL);
    assert(ret != NULL);
    if (strnlen(text, UUID_TEXT_BYTES) != UUID_TEXT_BYTES - 1) {
        return ERR_INVALID;
    }
    struct uuid id;
    const char *from = text;
    uint8_t *to = id.bytes;
    for (size_t i = 0; i < UUID_GROUP_COUNT; i++) {
        char digits[13] = {0};
        memcpy(digits, from, 2 * uuid_groups[i]);
        if (hex_decode(digits, to, uuid_groups[i]) != OK) {
            return ERR_INVALID;
        }
        from += 2 * uuid_groups[i] + 1;
        to += uuid_groups[i];
    }
    /* One text for one id: the hyphens' places and lower case are part of the form. */
    char canonical[UUID_TEXT_BYTES];
    uuid_format(&id, canonical);
    if (memcmp(canonical, text, UUID_TEXT_BYTES) != 0) {
        return ERR_INVALID;
    }
    *ret = id;
    return OK;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

void digest_format(const struct digest *digest, char out[DIGEST_TEXT_BYTES])
{
    hex_encode(span_of(digest->bytes, DIGEST_BYTES), out);
}

/* How: numbers go through eight big-endian bytes, of which the last ones are taken. */
#include "model/pack.h"

#include <assert.h>
#include <string.h>

void pack_put(struct pack_writer *writer, uint64_t value, size_t bytes)
{
    uint8_t wide[8];
    be64_put(wide, value);
    assert(bytes == 8 || value >> (8 * bytes) == 0);
    pack_put_bytes(writer, wide + 8 - bytes, bytes);
}

void pack_put_bytes(struct pack_writer *writer, const void *data, size_t len)
{
    assert(writer->len + len <= writer->max);
    memcpy(writer->to + writer->len, data, len);
    writer->len += len;
}

void pack_put_text(struct pack_writer *writer, const char *text)
{
    size_t len = strlen(text);
    pack_put(writer, len, 1);
    pack_put_bytes(writer, text, len);
}

void pack_put_window(struct pack_writer *writer, const struct window *window)
{
    pack_put(writer, (uint64_t)window->kind, 1);
    pack_put(writer, window->number, 2);
    pack_put(writer, window->n, 2);
    pack_put(writer, window->start_ms, 8);
    pack_put(writer, (uint32_t)window->due_day, 4);
    pack_put(writer, window->due_before_ms, 8);
    pack_put(writer, (window->provisional ? 1u : 0u) | (uint64_t)window->basis << 1, 1);
    pack_put(writer, window->stopped_ms, 8);
    pack_put(writer, window->raised.bits, 8);
    pack_put(writer, window->skipped.bits, 8);
}

uint64_t pack_get(struct pack_reader *reader, size_t bytes)
{
    uint64_t value = 0;
    if (reader->bad || reader->from.len - reader->at < bytes) {
        reader->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | reader->from.data[reader->at + i];
    }
    reader->at += bytes;
    return value;
}

uint32_t pack_get_max(struct pack_reader *reader, size_t bytes, uint32_t max)
{
    uint64_t value = pack_get(reader, bytes);
    if (value > max) {
        reader->bad = true;
        return 0;
    }
    return (uint32_t)value;
}

void pack_get_bytes(struct pack_reader *reader, void *out, size_t len)
{
    if (reader->bad || reader->from.len - reader->at < len) {
        reader->bad = true;
        return;
    }
    memcpy(out, reader->from.data + reader->at, len);
    reader->at += len;
}

void pack_get_text(struct pack_reader *reader, char *out, size_t size)
{
    size_t len = (size_t)pack_get(reader, 1);
    if (reader->bad || len >= size) {
        reader->bad = true;
        return;
    }
    pack_get_bytes(reader, out, len);
    if (!reader->bad && memchr(out, '\0', len) != NULL) {
        reader->bad = true;
    }
}

void pack_get_window(struct pack_reader *reader, struct window *window)
{
    window->kind = (enum clock_kind)pack_get_max(reader, 1, CLOCK_KIND_COUNT - 1);
    window->number = (uint32_t)pack_get(reader, 2);
    window->n = (uint32_t)pack_get(reader, 2);
    window->start_ms = pack_get(reader, 8);
    window->due_day = (int32_t)pack_get_max(reader, 4, CIVIL_DAY_MAX);
    window->due_before_ms = pack_get(reader, 8);
    uint32_t marks = pack_get_max(reader, 1, 1 | BASIS_GIVEN << 1);
    window->provisional = (marks & 1) != 0;
    window->basis = (enum window_basis)(marks >> 1);
    window->stopped_ms = pack_get(reader, 8);
    window->raised.bits = pack_get(reader, 8);
    window->skipped.bits = pack_get(reader, 8);
    uint64_t rungs = (UINT64_C(1) << RUNG_COUNT) - 1;
    bool given = window->basis == BASIS_GIVEN;
    if (window->number == 0 || (given && window->kind != CLOCK_DATED) ||
        ((window->raised.bits | window->skipped.bits) & ~rungs) != 0) {
        reader->bad = true;
    }
}

/* The reader of compiled gettext catalogues: two tables of (length, offset), the first sorted, so a
 * binary search; every number is checked against the file before it is followed. The file is ours
 * and compiled in: the checks are against a broken build, not an attacker. */
#include "agent/web/catalogue.h"

#include <assert.h>
#include <string.h>

#include "agent/web/embedded.h"

#define MO_MAGIC        0x950412deu
#define MO_HEADER_BYTES 20u
#define MO_ROW_BYTES    8u

const char *language_tag(enum language language)
{
    return language == LANGUAGE_EN ? "en" : "zh-CN";
}

enum language language_parse(const char *text)
{
    return text != NULL && strcmp(text, "en") == 0 ? LANGUAGE_EN : LANGUAGE_ZH;
}

/* The word at that offset, which the caller has checked. */
static uint32_t word_at(struct span mo, size_t offset)
{
    assert(offset + 4 <= mo.len);
    const uint8_t *from = mo.data + offset;
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

/* Does a table of `count` rows lie within the file? */
static bool table_fits(struct span mo, uint32_t offset, uint32_t count)
{
    return offset <= mo.len && count <= (mo.len - offset) / MO_ROW_BYTES;
}

/* The text of a row; no data: it does not lie within the file, or has no NUL behind it. */
static struct span row_text(struct span mo, uint32_t table, uint32_t row)
{
    size_t at = (size_t)table + (size_t)row * MO_ROW_BYTES;
    uint32_t len = word_at(mo, at);
    uint32_t offset = word_at(mo, at + 4);
    if (offset >= mo.len || len >= mo.len - offset || mo.data[offset + len] != 0) {
        return (struct span){0};
    }
    return span_of(mo.data + offset, len);
}

/* As msgfmt sorts: by bytes, the shorter first. */
static int compare(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

struct span catalogue_look_up(struct span mo, struct span msgid)
{
    const struct span none = {0};
    if (mo.len < MO_HEADER_BYTES || word_at(mo, 0) != MO_MAGIC || word_at(mo, 4) >> 16 != 0) {
        return none;
    }
    uint32_t count = word_at(mo, 8);
    uint32_t keys = word_at(mo, 12);
    uint32_t texts = word_at(mo, 16);
    if (!table_fits(mo, keys, count) || !table_fits(mo, texts, count)) {
        return none;
    }
    uint32_t low = 0;
    for (uint32_t high = count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        struct span key = row_text(mo, keys, middle);
        if (key.data == NULL) {
            return none;
        }
        int order = compare(msgid, key);
        if (order == 0) {
            return row_text(mo, texts, middle);
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return none;
}

struct span catalogue_find(enum language language, struct span chinese)
{
    /* The empty text would find the catalogue's own header. */
    if (language != LANGUAGE_EN || chinese.len == 0 || embedded_catalogues_count == 0) {
        return chinese;
    }
    struct span found = catalogue_look_up(embedded_catalogues[0].bytes, chinese);
    return found.len == 0 ? chinese : found;
}

const char *catalogue_text(enum language language, const char *chinese)
{
    assert(chinese != NULL);
    return (const char *)catalogue_find(language, span_text(chinese)).data;
}

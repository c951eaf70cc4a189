/* See sheet.h. ZIP by APPNOTE 6.3 4.3: local headers, a central directory, its end. */
#include "agent/web/sheet.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define SHEET_BYTES_MAX (64u * 1024u * 1024u)

static void keep(struct sheet *sheet, enum err error)
{
    if (sheet->error == OK) {
        sheet->error = error;
    }
}

static void put(struct sheet *sheet, struct buf *to, const void *bytes, size_t len)
{
    keep(sheet, buf_append(to, bytes, len));
}

static void put_text(struct sheet *sheet, struct buf *to, const char *text)
{
    put(sheet, to, text, strlen(text));
}

void sheet_begin(struct sheet *sheet, enum sheet_kind kind, struct buf *out)
{
    memset(sheet, 0, sizeof(*sheet));
    sheet->kind = kind;
    sheet->out = out;
    buf_init(&sheet->cells, SHEET_BYTES_MAX);
    if (kind == SHEET_CSV) {
        put_text(sheet, out, "\xef\xbb\xbf");
    } else {
        put_text(sheet, &sheet->cells,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
                 "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">"
                 "<sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\""
                 " activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>"
                 "<sheetData><row>");
    }
}

/* A spreadsheet must not compute what somebody wrote into a name. */
static bool looks_like_formula(const char *text)
{
    return text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
}

static void csv_cell(struct sheet *sheet, const char *text)
{
    put_text(sheet, sheet->out, sheet->column > 0 ? ",\"" : "\"");
    if (looks_like_formula(text)) {
        put_text(sheet, sheet->out, "'");
    }
    for (const char *at = text; *at != '\0'; at++) {
        put(sheet, sheet->out, at, 1);
        if (*at == '"') {
            put(sheet, sheet->out, at, 1);
        }
    }
    put_text(sheet, sheet->out, "\"");
}

static void xml_text(struct sheet *sheet, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '&':
            put_text(sheet, &sheet->cells, "&amp;");
            break;
        case '<':
            put_text(sheet, &sheet->cells, "&lt;");
            break;
        case '>':
            put_text(sheet, &sheet->cells, "&gt;");
            break;
        default:
            if ((unsigned char)*at >= 0x20 || *at == '\n' || *at == '\t') {
                put(sheet, &sheet->cells, at, 1);
            }
        }
    }
}

void sheet_cell(struct sheet *sheet, const char *text)
{
    const char *shown = text != NULL ? text : "";

    if (sheet->kind == SHEET_CSV) {
        csv_cell(sheet, shown);
    } else if (shown[0] != '\0') { /* an inline string is never a formula */
        put_text(sheet, &sheet->cells, "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
        xml_text(sheet, shown);
        put_text(sheet, &sheet->cells, "</t></is></c>");
    } else {
        put_text(sheet, &sheet->cells, "<c/>");
    }
    sheet->column++;
}

void sheet_row_end(struct sheet *sheet)
{
    if (sheet->kind == SHEET_CSV) {
        put_text(sheet, sheet->out, "\r\n");
    } else {
        put_text(sheet, &sheet->cells, "</row><row>");
    }
    sheet->row++;
    sheet->column = 0;
}

/* --- the ZIP --- */

struct part {
    const char *name;
    struct span bytes;
    uint32_t crc, offset;
};

/* ISO 3309, as ZIP has it. */
static uint32_t crc_of(struct span bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static void put_le(struct sheet *sheet, uint32_t value, size_t len)
{
    uint8_t bytes[4];

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    put(sheet, sheet->out, bytes, len);
}

/* What local and central headers have in common: version, flags (UTF-8 names), stored, 1980-01-01.
 */
static void put_common(struct sheet *sheet, const struct part *part)
{
    put_le(sheet, 20, 2);
    put_le(sheet, 0x0800, 2);
    put_le(sheet, 0, 2);
    put_le(sheet, 0x00210000, 4);
    put_le(sheet, part->crc, 4);
    put_le(sheet, (uint32_t)part->bytes.len, 4);
    put_le(sheet, (uint32_t)part->bytes.len, 4);
    put_le(sheet, (uint32_t)strlen(part->name), 2);
    put_le(sheet, 0, 2);
}

static void put_part(struct sheet *sheet, struct part *part, size_t start)
{
    part->crc = crc_of(part->bytes);
    part->offset = (uint32_t)(sheet->out->len - start);
    put_text(sheet, sheet->out, "PK\x03\x04");
    put_common(sheet, part);
    put_text(sheet, sheet->out, part->name);
    put(sheet, sheet->out, part->bytes.data, part->bytes.len);
}

static void put_central(struct sheet *sheet, const struct part *part)
{
    put_text(sheet, sheet->out, "PK\x01\x02");
    put_le(sheet, 20, 2);
    put_common(sheet, part);
    put_le(sheet, 0, 2); /* no remark */
    put_le(sheet, 0, 2);
    put_le(sheet, 0, 2);
    put_le(sheet, 0, 4);
    put_le(sheet, part->offset, 4);
    put_text(sheet, sheet->out, part->name);
}

static void put_end(struct sheet *sheet, size_t parts, size_t central, size_t start)
{
    put_text(sheet, sheet->out, "PK\x05\x06");
    put_le(sheet, 0, 4);
    put_le(sheet, (uint32_t)parts, 2);
    put_le(sheet, (uint32_t)parts, 2);
    put_le(sheet, (uint32_t)(sheet->out->len - 12 - central), 4);
    put_le(sheet, (uint32_t)(central - start), 4);
    put_le(sheet, 0, 2);
}

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define OOXML    "http://schemas.openxmlformats.org/"

static const char content_types[] =
    XML_HEAD "<Types xmlns=\"" OOXML "package/2006/content-types\">"
             "<Default Extension=\"rels\" "
             "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
             "<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/"
             "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>"
             "<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/"
             "vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/></Types>";
static const char root_rels[] = XML_HEAD
    "<Relationships xmlns=\"" OOXML "package/2006/relationships\">"
    "<Relationship Id=\"rId1\" Type=\"" OOXML "officeDocument/2006/relationships/officeDocument\" "
    "Target=\"xl/workbook.xml\"/></Relationships>";
static const char workbook[] =
    XML_HEAD "<workbook xmlns=\"" OOXML "spreadsheetml/2006/main\" xmlns:r=\"" OOXML
             "officeDocument/2006/relationships\"><sheets><sheet name=\"台账\" sheetId=\"1\" "
             "r:id=\"rId1\"/></sheets></workbook>";
static const char workbook_rels[] = XML_HEAD
    "<Relationships xmlns=\"" OOXML "package/2006/relationships\">"
    "<Relationship Id=\"rId1\" Type=\"" OOXML "officeDocument/2006/relationships/worksheet\" "
    "Target=\"worksheets/sheet1.xml\"/></Relationships>";

static void put_zip(struct sheet *sheet)
{
    struct part parts[] = {
        {.name = "[Content_Types].xml", .bytes = span_text(content_types)},
        {.name = "_rels/.rels", .bytes = span_text(root_rels)},
        {.name = "xl/workbook.xml", .bytes = span_text(workbook)},
        {.name = "xl/_rels/workbook.xml.rels", .bytes = span_text(workbook_rels)},
        {.name = "xl/worksheets/sheet1.xml", .bytes = span_buf(&sheet->cells)}};
    const size_t count = sizeof(parts) / sizeof(parts[0]);
    const size_t start = sheet->out->len;
    size_t central;

    for (size_t i = 0; i < count; i++) {
        put_part(sheet, &parts[i], start);
    }
    central = sheet->out->len;
    for (size_t i = 0; i < count; i++) {
        put_central(sheet, &parts[i]);
    }
    put_end(sheet, count, central, start);
}

enum err sheet_end(struct sheet *sheet)
{
    if (sheet->kind == SHEET_XLSX) {
        put_text(sheet, &sheet->cells, "</row></sheetData></worksheet>");
        put_zip(sheet);
    }
    if (sheet->cells.cap > 0) {
        crypto_wipe(sheet->cells.data, sheet->cells.cap);
    }
    buf_free(&sheet->cells);
    return sheet->error;
}

const char *sheet_type(enum sheet_kind kind)
{
    return kind == SHEET_CSV ? "text/csv; charset=utf-8"
                             : "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
}

/* How: a table of types with the bytes that a file begins with, the bytes that must and must not
 * be found in it, and its names' endings. See attachment.h. */
#include "model/attachment.h"

#include <assert.h>
#include <string.h>

_Static_assert(LIMIT_ATTACHMENT_BYTES % ATTACHMENT_CHUNK_BYTES == 0 &&
                   ATTACHMENT_CHUNK_BYTES % ATTACHMENT_FILL_BYTES == 0,
               "the largest attachment is whole chunks, a chunk is whole fills");

struct mark {
    const char *bytes;
    size_t len;
};
#define MARK(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

struct type_row {
    uint32_t type;
    struct mark begins;
    struct mark holds;      /* somewhere in it; none: NULL */
    const char *endings[3]; /* of names, lower case, NULL-terminated */
};

/* The names of a package's parts stand in it as they are, packed or not. */
static const struct type_row types[] = {
    {ATTACHMENT_PDF, MARK("%PDF-"), {NULL, 0}, {".pdf"}},
    {ATTACHMENT_JPEG, MARK("\xff\xd8\xff"), {NULL, 0}, {".jpg", ".jpeg"}},
    {ATTACHMENT_PNG, MARK("\x89PNG\r\n\x1a\n"), {NULL, 0}, {".png"}},
    {ATTACHMENT_OFD, MARK("PK\x03\x04"), MARK("OFD.xml"), {".ofd"}},
    {ATTACHMENT_DOCX, MARK("PK\x03\x04"), MARK("word/"), {".docx"}},
    {ATTACHMENT_XLSX, MARK("PK\x03\x04"), MARK("xl/"), {".xlsx"}},
    {ATTACHMENT_ZIP, MARK("PK\x03\x04"), {NULL, 0}, {".zip"}},
    {ATTACHMENT_TEXT, {NULL, 0}, {NULL, 0}, {".txt"}},
};

/* Macros: a .docx that has them is none, and runs what nobody asked for. */
static const struct mark macros = MARK("vbaProject.bin");
_Static_assert(sizeof("vbaProject.bin") <= sizeof(((struct attachment_scan *)NULL)->tail),
               "a mark fits into the tail");

static const struct type_row *row_of(uint32_t type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type == type) {
            return &types[i];
        }
    }
    return NULL;
}

uint64_t attachment_filled_bytes(uint64_t plain_bytes)
{
    if (plain_bytes == 0 || plain_bytes > LIMIT_ATTACHMENT_BYTES) {
        return 0;
    }
    return (plain_bytes + ATTACHMENT_FILL_BYTES - 1) / ATTACHMENT_FILL_BYTES *
           ATTACHMENT_FILL_BYTES;
}

uint64_t attachment_sealed_bytes(uint64_t plain_bytes)
{
    uint64_t filled = attachment_filled_bytes(plain_bytes);
    uint64_t chunks = (filled + ATTACHMENT_CHUNK_BYTES - 1) / ATTACHMENT_CHUNK_BYTES;
    return filled == 0 ? 0 : ATTACHMENT_COMMITMENT_BYTES + filled + chunks * AEAD_TAG_BYTES;
}

/* ---- names ---- */

/* U+202A to U+202E and U+2066 to U+2069 make "fdp.exe" look like "exe.pdf". */
static bool turns_direction(const char *at)
{
    return memcmp(at, "\xe2\x80", 2) == 0
               ? (uint8_t)at[2] >= 0xaa && (uint8_t)at[2] <= 0xae
               : memcmp(at, "\xe2\x81", 2) == 0 && (uint8_t)at[2] >= 0xa6 && (uint8_t)at[2] <= 0xa9;
}

bool attachment_name_valid(const char *name)
{
    size_t len = name == NULL ? 0 : strnlen(name, LIMIT_NAME_BYTES);
    if (len == 0 || len >= LIMIT_NAME_BYTES || name[0] == '.' || !utf8_valid(span_of(name, len))) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)name[i];
        if (byte < 0x20 || byte == 0x7f || strchr("/\\:*?\"<>|", byte) != NULL ||
            (i + 2 < len && turns_direction(name + i))) {
            return false;
        }
    }
    return true;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t len = strlen(name);
    size_t tail = strlen(ending);
    for (size_t i = 0; i < tail; i++) {
        int byte = len > tail ? name[len - tail + i] : '\0';
        byte = byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
        if (byte != ending[i]) {
            return false;
        }
    }
    return true;
}

uint32_t attachment_type_of_name(const char *name)
{
    assert(name != NULL);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        for (size_t k = 0; k < 3 && types[i].endings[k] != NULL; k++) {
            if (ends_with(name, types[i].endings[k])) {
                return types[i].type;
            }
        }
    }
    return 0;
}

/* ---- content ---- */

void attachment_scan_begin(struct attachment_scan *scan, uint32_t type)
{
    const struct type_row *row = row_of(type);
    memset(scan, 0, sizeof(*scan));
    scan->type = type;
    scan->wrong = row == NULL;
    scan->marked = row != NULL && row->holds.bytes == NULL;
}

static bool found_in(struct span piece, const struct mark *mark)
{
    for (size_t i = 0; i + mark->len <= piece.len; i++) {
        const uint8_t *at = memchr(piece.data + i, mark->bytes[0], piece.len - mark->len - i + 1);
        if (at == NULL) {
            return false;
        }
        if (memcmp(at, mark->bytes, mark->len) == 0) {
            return true;
        }
        i = (size_t)(at - piece.data);
    }
    return false;
}

/* Is it in this piece, or across the end of the one before? */
static bool found(const struct attachment_scan *scan, struct span piece, const struct mark *mark)
{
    uint8_t seam[2 * sizeof(scan->tail)];
    size_t head = piece.len < sizeof(scan->tail) ? piece.len : sizeof(scan->tail);
    memcpy(seam, scan->tail, scan->tail_bytes);
    if (head > 0) {
        memcpy(seam + scan->tail_bytes, piece.data, head);
    }
    return found_in(piece, mark) || found_in(span_of(seam, scan->tail_bytes + head), mark);
}

static void tail_keep(struct attachment_scan *scan, struct span piece)
{
    uint8_t joined[2 * sizeof(scan->tail)];
    size_t take = piece.len < sizeof(scan->tail) ? piece.len : sizeof(scan->tail);
    size_t len = scan->tail_bytes + take;
    memcpy(joined, scan->tail, scan->tail_bytes);
    if (take > 0) {
        memcpy(joined + scan->tail_bytes, piece.data + piece.len - take, take);
    }
    size_t keep = len < sizeof(scan->tail) ? len : sizeof(scan->tail);
    memcpy(scan->tail, joined + len - keep, keep);
    scan->tail_bytes = keep;
}

/* The first bytes, however small the pieces are. */
static void check_beginning(struct attachment_scan *scan, const struct mark *begins,
                            struct span piece)
{
    for (size_t i = 0; i < piece.len && scan->seen + i < begins->len; i++) {
        scan->wrong = scan->wrong || piece.data[i] != (uint8_t)begins->bytes[scan->seen + i];
    }
}

static bool is_of_text(struct span piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        uint8_t byte = piece.data[i];
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f') ||
            byte == 0x7f) {
            return false;
        }
    }
    return true;
}

void attachment_scan_add(struct attachment_scan *scan, struct span piece)
{
    const struct type_row *row = row_of(scan->type);
    bool office = scan->type == ATTACHMENT_DOCX || scan->type == ATTACHMENT_XLSX;
    if (scan->wrong || row == NULL) {
        return;
    }
    check_beginning(scan, &row->begins, piece);
    scan->marked = scan->marked || found(scan, piece, &row->holds);
    scan->wrong = scan->wrong || (office && found(scan, piece, &macros)) ||
                  (scan->type == ATTACHMENT_TEXT && !is_of_text(piece));
    tail_keep(scan, piece);
    scan->seen += piece.len;
}

bool attachment_scan_fits(const struct attachment_scan *scan)
{
    const struct type_row *row = row_of(scan->type);
    return row != NULL && !scan->wrong && scan->marked && scan->seen >= row->begins.len;
}

/* ---- what a message names ---- */

static bool is_referral(enum message_kind kind)
{
    return kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_REFERRAL;
}

bool message_kind_attaches(enum message_kind kind)
{
    return message_kind_from_agency(kind) && !is_referral(kind) && kind != MESSAGE_DELIVERY &&
           kind != MESSAGE_REJECTION;
}

const char *message_blob_list(enum message_kind kind)
{
    return is_referral(kind) ? "facts.materials" : "facts.attachments";
}

static bool next_material(const struct referral_facts *facts, size_t *at, struct blob_ref *ret_ref)
{
    static const struct digest none = {{0}};
    for (; *at < facts->material_count; (*at)++) {
        const struct material *material = &facts->materials[*at];
        if (!digest_equal(&material->digest, &none)) {
            *ret_ref = (struct blob_ref){.digest = material->digest,
                                         .sealed_bytes = material->sealed_bytes,
                                         .material = (*at)++};
            return true;
        }
    }
    return false;
}

bool message_blob_next(const struct message *message, size_t *at, struct blob_ref *ret_ref)
{
    if (is_referral(message->header.kind)) {
        return next_material(&message->referral, at, ret_ref);
    }
    if (!message_kind_attaches(message->header.kind) || *at >= message->attachment_count) {
        return false;
    }
    const struct attached *attached = &message->attachments[*at];
    *ret_ref = (struct blob_ref){
        .digest = attached->digest, .sealed_bytes = attached->sealed_bytes, .material = (*at)++};
    return true;
}

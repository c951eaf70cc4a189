/* Reads an export and hands each record to the checker; see export.h. Every length is checked
 * before it is believed, and the last 32 bytes are the digest of all before them. */
#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "export_form.h"

struct reader {
    FILE *file;
    struct hasher hasher;
    uint64_t at;    /* bytes taken */
    uint64_t bytes; /* of the file */
    uint64_t stated_bytes;
    struct report *report; /* borrowed */
    uint8_t *memory;       /* owned: the parts of one record */
};

/* ERR_CLOSED at the end of the file: cut, if it is shorter than it says. */
static enum err take(struct reader *reader, void *out, size_t len)
{
    if (fread(out, 1, len, reader->file) != len) {
        return ferror(reader->file) != 0 ? ERR_IO : ERR_CLOSED;
    }
    hasher_add(&reader->hasher, out, len);
    reader->at += len;
    return OK;
}

static enum err take_number(struct reader *reader, size_t width, uint64_t *ret)
{
    uint8_t bytes[8] = {0};
    enum err error = take(reader, bytes + 8 - width, width);

    if (error == OK) {
        *ret = be64_get(bytes);
    }
    return error;
}

/* A length of this width, and as many bytes into `memory`. */
static enum err take_span(struct reader *reader, size_t width, struct span *ret, uint8_t *memory,
                          size_t max_bytes)
{
    uint64_t len;
    enum err error = take_number(reader, width, &len);

    if (error == OK && len > max_bytes) {
        return ERR_INVALID;
    }
    if (error == OK) {
        error = take(reader, memory, (size_t)len);
    }
    if (error == OK) {
        *ret = span_of(memory, (size_t)len);
    }
    return error;
}

static enum err take_shown(struct reader *reader, struct item *item)
{
    uint64_t shown;
    uint8_t *header = reader->memory + EXPORT_RECORD_MAX;
    uint8_t *facts = header + LIMIT_HEADER_BYTES;
    enum err error = take_number(reader, 1, &shown);

    item->shown = error == OK && shown == 1;
    if (error != OK || shown == 0) {
        return error;
    }
    if (shown > 1) {
        return ERR_INVALID;
    }
    error = take_span(reader, 2, &item->header, header, LIMIT_HEADER_BYTES);
    if (error == OK) {
        error = take_span(reader, 4, &item->facts, facts, LIMIT_FACTS_BYTES);
    }
    return error == OK ? take(reader, item->body.bytes, DIGEST_BYTES) : error;
}

static enum err take_item(struct reader *reader, struct item *item, uint8_t salt[16])
{
    uint8_t *note = reader->memory + EXPORT_RECORD_MAX + LIMIT_HEADER_BYTES + LIMIT_FACTS_BYTES;
    enum err error;

    memset(item, 0, sizeof *item);
    item->salt = salt;
    if ((error = take_number(reader, 8, &item->index)) != OK ||
        (error = take(reader, salt, 16)) != OK ||
        (error = take(reader, item->hash.bytes, DIGEST_BYTES)) != OK ||
        (error = take_span(reader, 2, &item->record, reader->memory, EXPORT_RECORD_MAX)) != OK ||
        (error = take_shown(reader, item)) != OK) {
        return error;
    }
    return take_span(reader, 2, &item->note, note, EXPORT_NOTE_MAX);
}

static enum err take_trailer(struct reader *reader)
{
    struct digest expected, stated;
    enum err error;

    expected = hasher_end(&reader->hasher);
    hasher_init(&reader->hasher);
    error = take(reader, stated.bytes, DIGEST_BYTES);
    if (error == OK && !digest_equal(&expected, &stated)) {
        report_find(reader->report, VERDICT_FAIL, NO_INDEX,
                    "the file was changed: its own digest does not match");
        return ERR_REFUSED;
    }
    if (error == OK && (reader->at != reader->stated_bytes || reader->bytes != reader->at)) {
        report_find(reader->report, VERDICT_FAIL, NO_INDEX, "there are bytes behind the end");
        return ERR_REFUSED;
    }
    return error;
}

static enum err take_witnesses(struct reader *reader, struct checker *checker, uint64_t count)
{
    enum err error = OK;

    for (uint64_t i = 0; i < count && error == OK; i++) {
        struct span note;

        error = take_span(reader, 2, &note, reader->memory, EXPORT_NOTE_MAX);
        if (error == OK) {
            error = checker_witness(checker, note);
        }
    }
    return error;
}

static enum err take_records(struct reader *reader, struct checker *checker)
{
    enum err error = OK;

    while (error == OK && checker->tree.size < reader->report->expected) {
        struct item item;
        uint8_t salt[16];

        error = take_item(reader, &item, salt);
        if (error == OK) {
            error = checker_add(checker, &item);
        }
    }
    return error;
}

/* Why the reading ended early, unless the report says so already. */
static void explain(struct reader *reader, uint64_t index, enum err error)
{
    bool cut = error == ERR_CLOSED && reader->bytes < reader->stated_bytes;

    if (cut) {
        report_find(reader->report, VERDICT_INCOMPLETE, index,
                    "the file is cut: it has %" PRIu64 " of %" PRIu64 " bytes", reader->bytes,
                    reader->stated_bytes);
    } else if (error == ERR_INVALID || error == ERR_CLOSED) {
        report_find(reader->report, VERDICT_FAIL, index, "the export is malformed from here on");
    } else if (error != OK) {
        report_find(reader->report, VERDICT_UNREADABLE, index, "cannot read on: %s",
                    err_text(error));
    }
}

/* Before anything is hashed: of which suite the export is. What is none of them is found later. */
static enum err suite_take(struct reader *reader)
{
    char magic[sizeof EXPORT_MAGIC - 1] = "";
    struct fault fault = {.code = ""};
    size_t len = fread(magic, 1, sizeof magic, reader->file);
    bool sm = len == sizeof magic && memcmp(magic, EXPORT_MAGIC_SM, len) == 0;
    enum err error = crypto_claim(sm ? SUITE_SM : SUITE_INTL, "the export", &fault);

    rewind(reader->file);
    if (error != OK) {
        report_find(reader->report, VERDICT_UNREADABLE, NO_INDEX, "%s: %s", fault.place,
                    fault.message);
    }
    return error;
}

static void verify(struct reader *reader, const struct known *known)
{
    uint8_t key[32], magic[sizeof EXPORT_MAGIC - 1], name[ORIGIN_BYTES];
    struct report *report = reader->report;
    uint64_t witness_count;
    struct span origin;
    struct checker checker = {0};
    enum err error;

    if (take(reader, magic, sizeof magic) != OK ||
        memcmp(magic, crypto_suite() == SUITE_SM ? EXPORT_MAGIC_SM : EXPORT_MAGIC, sizeof magic) !=
            0 ||
        take_number(reader, 8, &reader->stated_bytes) != OK ||
        take_number(reader, 8, &report->expected) != OK || take(reader, key, sizeof key) != OK ||
        take_number(reader, 2, &witness_count) != OK ||
        take_span(reader, 1, &origin, name, sizeof name - 1) != OK) {
        report_find(report, VERDICT_UNREADABLE, NO_INDEX, "this is no audit export of version 1");
        return;
    }
    error = checker_init(&checker, report, known, origin, key);
    if (error == OK) {
        error = take_witnesses(reader, &checker, witness_count);
    }
    if (error == OK) {
        error = take_records(reader, &checker);
    }
    if (error == OK) {
        error = take_trailer(reader);
    }
    explain(reader, checker.tree.size, error);
    checker_end(&checker);
    checker_free(&checker);
    if (report->expected == 0) {
        report_find(report, VERDICT_UNREADABLE, NO_INDEX, "the log is empty");
    }
}

void export_verify(const char *path, const struct known *known, struct report *report)
{
    struct reader reader = {.report = report, .file = fopen(path, "rbe")};
    struct stat state;

    if (reader.file == NULL || fstat(fileno(reader.file), &state) != 0 || !S_ISREG(state.st_mode)) {
        report_find(report, VERDICT_UNREADABLE, NO_INDEX, "cannot open %s: %s", path,
                    reader.file == NULL ? strerror(errno) : "not a regular file");
    } else if (state.st_size == 0) {
        report_find(report, VERDICT_UNREADABLE, NO_INDEX, "the file is empty");
    } else if (suite_take(&reader) == OK) {
        reader.bytes = (uint64_t)state.st_size;
        hasher_init(&reader.hasher);
        reader.memory =
            malloc(EXPORT_RECORD_MAX + LIMIT_HEADER_BYTES + LIMIT_FACTS_BYTES + EXPORT_NOTE_MAX);
        if (reader.memory != NULL) {
            verify(&reader, known);
        } else {
            report_find(report, VERDICT_UNREADABLE, NO_INDEX, "out of memory");
        }
    }
    free(reader.memory);
    if (reader.file != NULL) {
        (void)fclose(reader.file);
    }
}

/* See store_read.h. The walk is the same for both; only what is done with each part differs. */
#include "store_read.h"

#include <inttypes.h>
#include <string.h>

#include "fields.h"
#include "store/audit.h"
#include "store/witness.h"

struct source {
    struct store *store;
    struct store_txn *txn;
    struct report *report;
    struct export_head head;
    struct checker *checker;      /* one of the two */
    struct export_writer *writer; /* the other */
};

static void unreadable(struct source *source, const char *what, enum err error)
{
    report_find(source->report, VERDICT_UNREADABLE, NO_INDEX, "%s: %s", what, err_text(error));
}

/* A log that was opened anew begins under the origin that its first statement leaves: each has its
 * length (be16) before it, its key id and signature behind it. */
static enum err first_origin(struct store_txn *txn, struct span *origin)
{
    struct span chain;
    struct fields statement;
    enum err error = store_meta_get(txn, "recoveries", &chain);

    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (chain.len < 2 || be16_get(chain.data) > chain.len - 2 ||
        fields_read(span_of(chain.data + 2, be16_get(chain.data)), SHAPE_RECOVERY, &statement) !=
            OK) {
        return ERR_CORRUPT;
    }
    *origin = statement.bytes[2];
    return OK;
}

/* Names in the table `meta`: the broker's name, and its public key. */
static enum err read_head(struct source *source)
{
    struct span key;
    struct witness_row row;
    uint32_t agency = 0;
    enum err error = audit_size(source->txn, &source->head.record_count);

    if (error == OK && source->head.record_count == 0) {
        report_find(source->report, VERDICT_UNREADABLE, NO_INDEX, "the log is empty");
        return ERR_NOT_FOUND;
    }
    if (error == OK) {
        error = store_meta_get(source->txn, "origin", &source->head.origin);
    }
    if (error == OK) {
        error = first_origin(source->txn, &source->head.origin);
    }
    if (error == OK) {
        error = store_meta_get(source->txn, "broker-key", &key);
    }
    if (error != OK || key.len != 32) {
        unreadable(source, "the store does not say whose it is", error);
        return ERR_CORRUPT;
    }
    source->head.key = key.data;
    source->report->expected = source->head.record_count;
    while (witness_next(source->txn, agency, &row) == OK) {
        source->head.witness_count++;
        agency = (uint32_t)row.agency + 1;
    }
    return OK;
}

static enum err each_witness(struct source *source)
{
    struct witness_row row;
    uint32_t agency = 0;
    enum err error = OK;

    while (error == OK && witness_next(source->txn, agency, &row) == OK) {
        if (source->checker != NULL) {
            error = checker_witness(source->checker, row.note);
        } else {
            export_write_witness(source->writer, row.note);
        }
        agency = (uint32_t)row.agency + 1;
    }
    return error;
}

/* Header, facts and body of the message that the leaf is about; nothing when there is none. */
static void show(struct span envelope, struct item *item)
{
    struct fields outer, parts;

    if (envelope.len == 0 || fields_read(envelope, SHAPE_ENVELOPE, &outer) != OK ||
        fields_read(outer.bytes[1], SHAPE_PAYLOAD, &parts) != OK ||
        parts.bytes[1].len > LIMIT_HEADER_BYTES || parts.bytes[2].len > LIMIT_FACTS_BYTES) {
        return;
    }
    item->shown = true;
    item->header = parts.bytes[1];
    item->facts = parts.bytes[2];
    item->body = crypto_digest(parts.bytes[3]);
}

static enum err each_entry(struct source *source, const struct audit_entry *entry)
{
    struct item item = {.index = entry->index,
                        .commit_size = entry->commit_size,
                        .salt = entry->salt,
                        .hash = entry->hash,
                        .record = entry->record,
                        .note = entry->note,
                        .nodes = entry->nodes,
                        .node_count = entry->node_count};

    show(entry->envelope, &item);
    if (source->checker == NULL) {
        export_write_item(source->writer, &item);
        return source->writer->error;
    }
    if (entry->envelope.len > 0 && !item.shown) {
        report_find(source->report, VERDICT_FAIL, entry->index,
                    "the message stored with it is malformed");
        return ERR_REFUSED;
    }
    return checker_add(source->checker, &item);
}

static enum err each_record(struct source *source)
{
    struct audit_walk walk;
    struct audit_entry entry;
    enum err error = audit_walk_open(source->txn, 0, &walk);

    if (error != OK) {
        unreadable(source, "cannot read the log", error);
        return error;
    }
    while (error == OK) {
        error = audit_walk_next(&walk, &entry);
        if (error == OK) {
            error = each_entry(source, &entry);
        } else if (error == ERR_CORRUPT && source->writer != NULL) {
            error = OK; /* an export takes what is left; verifying it finds the gap */
        } else if (error != ERR_NOT_FOUND) {
            report_find(source->report, VERDICT_FAIL, walk.next - 1,
                        "it is damaged or missing in the store");
        }
    }
    audit_walk_close(&walk);
    return error == ERR_NOT_FOUND ? OK : error;
}

static bool open_store(struct source *source, const char *folder)
{
    struct fault fault = {0};
    enum err error = store_open_reader(folder, &source->store, &fault);

    if (error != OK) {
        report_find(source->report, VERDICT_UNREADABLE, NO_INDEX, "%s: %s",
                    fault.place[0] != '\0' ? fault.place : folder,
                    fault.message[0] != '\0' ? fault.message : err_text(error));
        return false;
    }
    error = store_read_begin(source->store, &source->txn);
    if (error != OK) {
        unreadable(source, "cannot read the store", error);
        return false;
    }
    return read_head(source) == OK;
}

static void close_store(struct source *source)
{
    store_read_end(source->txn);
    store_close(source->store);
}

void store_verify(const char *folder, const struct known *known, struct report *report)
{
    struct checker checker = {0};
    struct source source = {.report = report, .checker = &checker};
    enum err error = ERR_IO;

    if (open_store(&source, folder)) {
        error = checker_init(&checker, report, known, source.head.origin, source.head.key);
        if (error == OK) {
            error = each_witness(&source);
        }
        if (error == OK) {
            error = each_record(&source);
        }
        if (error != OK) {
            unreadable(&source, "cannot read on", error);
        }
        checker_end(&checker);
    }
    checker_free(&checker);
    close_store(&source);
}

void store_export(const char *folder, const char *path, struct report *report)
{
    struct export_writer writer;
    struct source source = {.report = report, .writer = &writer};

    if (open_store(&source, folder)) {
        export_write_begin(&writer, path, &source.head);
        (void)each_witness(&source);
        (void)each_record(&source);
        if (export_write_end(&writer, report->verdict == VERDICT_PASS) != OK) {
            report_find(report, VERDICT_UNREADABLE, NO_INDEX, "cannot write %s: %s", path,
                        writer.reason != 0 ? strerrordesc_np(writer.reason) : "it failed");
        }
    }
    close_store(&source);
}

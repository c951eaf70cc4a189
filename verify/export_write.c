/* Writes an export; see export.h. The file's size and the digest over all of it are known at the
 * end only: the size is then put into the head, and the digest made by reading the file again. */
#include "export.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "export_form.h"

static void fail(struct export_writer *writer)
{
    if (writer->reason == 0) {
        writer->reason = errno;
    }
    writer->error = ERR_IO;
}

static void put(struct export_writer *writer, const void *data, size_t len)
{
    if (writer->error == OK && fwrite(data, 1, len, writer->file) != len) {
        fail(writer);
    }
}

static void put_number(struct export_writer *writer, size_t width, uint64_t value)
{
    uint8_t bytes[8];

    be64_put(bytes, value);
    put(writer, bytes + 8 - width, width);
}

static void put_span(struct export_writer *writer, size_t width, struct span bytes)
{
    put_number(writer, width, bytes.len);
    put(writer, bytes.data, bytes.len);
}

void export_write_begin(struct export_writer *writer, const char *path,
                        const struct export_head *head)
{
    int len = snprintf(writer->path, sizeof writer->path, "%s.part", path);

    writer->error = OK;
    writer->reason = 0;
    errno = ENAMETOOLONG; /* unless opening says otherwise */
    writer->file =
        len > 0 && (size_t)len < sizeof writer->path ? fopen(writer->path, "w+be") : NULL;
    if (writer->file == NULL) {
        fail(writer);
        return;
    }
    put(writer, crypto_suite() == SUITE_SM ? EXPORT_MAGIC_SM : EXPORT_MAGIC,
        sizeof EXPORT_MAGIC - 1);
    put_number(writer, 8, 0); /* the size of the file, later */
    put_number(writer, 8, head->record_count);
    put(writer, head->key, 32);
    put_number(writer, 2, head->witness_count);
    put_span(writer, 1, head->origin);
}

void export_write_witness(struct export_writer *writer, struct span note)
{
    put_span(writer, 2, note);
}

void export_write_item(struct export_writer *writer, const struct item *item)
{
    put_number(writer, 8, item->index);
    put(writer, item->salt, 16);
    put(writer, item->hash.bytes, DIGEST_BYTES);
    put_span(writer, 2, item->record);
    put_number(writer, 1, item->shown ? 1 : 0);
    if (item->shown) {
        put_span(writer, 2, item->header);
        put_span(writer, 4, item->facts);
        put(writer, item->body.bytes, DIGEST_BYTES);
    }
    put_span(writer, 2, item->note);
}

/* Size and digest. */
static enum err finish(struct export_writer *writer)
{
    struct hasher hasher;
    struct digest digest;
    uint8_t block[16384];
    size_t len;
    long end = ftell(writer->file);

    if (end < 0 || fseek(writer->file, sizeof EXPORT_MAGIC - 1, SEEK_SET) != 0) {
        return ERR_IO;
    }
    put_number(writer, 8, (uint64_t)end + DIGEST_BYTES);
    rewind(writer->file);
    hasher_init(&hasher);
    while ((len = fread(block, 1, sizeof block, writer->file)) > 0) {
        hasher_add(&hasher, block, len);
    }
    digest = hasher_end(&hasher);
    if (fseek(writer->file, end, SEEK_SET) != 0) {
        return ERR_IO;
    }
    put(writer, digest.bytes, DIGEST_BYTES);
    return writer->error == OK && fflush(writer->file) == 0 && ferror(writer->file) == 0 &&
                   fsync(fileno(writer->file)) == 0
               ? OK
               : ERR_IO;
}

enum err export_write_end(struct export_writer *writer, bool keep)
{
    char path[sizeof writer->path];

    if (writer->file == NULL) {
        return writer->error;
    }
    errno = 0;
    if (keep && writer->error == OK && finish(writer) != OK) {
        fail(writer);
    }
    if (fclose(writer->file) != 0 && writer->error == OK) {
        fail(writer);
    }
    writer->file = NULL;
    memcpy(path, writer->path, strlen(writer->path) - strlen(".part"));
    path[strlen(writer->path) - strlen(".part")] = '\0';
    if (keep && writer->error == OK && rename(writer->path, path) != 0) {
        fail(writer);
    }
    if (!keep || writer->error != OK) {
        (void)unlink(writer->path); /* whatever it says, the first failure is told */
    }
    return writer->error;
}

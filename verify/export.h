/* Audit exports: one file with everything an auditor needs, no body and no secret. The form is in
 * docs/audit-export.md. Reading and writing stream; neither holds the file in memory. */
#ifndef REFERRAL_VERIFY_EXPORT_H
#define REFERRAL_VERIFY_EXPORT_H

#include <stdio.h>

#include "checker.h"

/* Verifies the file; the report says everything, an unreadable file too. */
void export_verify(const char *path, const struct known *known, struct report *report);

/* Writes a file: begin, all witnesses, all records, end. Any failure spoils it: only
 * export_write_end tells. The finished file takes its name at the end, durable on return. */
struct export_writer {
    FILE *file;
    char path[4096]; /* of the unfinished file: the name and ".part" */
    enum err error;
    int reason; /* errno of the first failure; 0: it has none */
};

struct export_head {
    struct span origin;
    const uint8_t *key; /* the broker's, 32 bytes */
    uint64_t record_count;
    size_t witness_count;
};

void export_write_begin(struct export_writer *writer, const char *path,
                        const struct export_head *head);
void export_write_witness(struct export_writer *writer, struct span note);
void export_write_item(struct export_writer *writer, const struct item *item);
/* `keep` false: removes the unfinished file. */
enum err export_write_end(struct export_writer *writer, bool keep) MUST_CHECK;

#endif

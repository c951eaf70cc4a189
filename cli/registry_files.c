/* How: one report for all, as JSON or as a head with a table of what differs. See
 * registry_files.h. */
#include "cli/registry_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/registry_diff.h"
#include "cli/table.h"

void registry_file_init(struct registry_file *file)
{
    *file = (struct registry_file){.registry = NULL};
    buf_init(&file->text, REGISTRY_DOCUMENT_BYTES);
}

void registry_file_free(struct registry_file *file)
{
    registry_free(file->registry);
    keyring_free(file->keyring);
    buf_free(&file->text);
}

enum err registry_file_parse(const char *name, const struct digest *pin, struct registry_file *file,
                             struct fault *fault)
{
    enum err error =
        registry_document_open(name, span_buf(&file->text), pin, &file->document, fault);

    return error == OK ? registry_document_read(name, &file->document, &file->registry,
                                                &file->keyring, fault)
                       : error;
}

enum err registry_file_read(const char *path, const struct digest *pin, struct registry_file *file,
                            struct fault *fault)
{
    enum err error = file_read(path, &file->text, fault);

    return error == OK ? registry_file_parse(path, pin, file, fault) : error;
}

enum err registry_file_follows(const struct registry_file *before,
                               const struct registry_file *after, const char *name,
                               struct fault *fault)
{
    enum err error = registry_document_follows(&before->document, &after->document, name, fault);

    if (error == OK) {
        error = registry_follows(before->registry, after->registry, name, fault);
    }
    if (error == OK &&
        strcmp(keyring_origin(before->keyring), keyring_origin(after->keyring)) != 0) {
        fault_set(fault, "registry.origin", name, "is of the broker %s, not of %s",
                  keyring_origin(after->keyring), keyring_origin(before->keyring));
        fault_hint(fault, "keep the `origin` of the public keys");
        error = ERR_REFUSED;
    }
    return error == OK ? keyring_follows(before->keyring, after->keyring, name, fault) : error;
}

int registry_refused(const struct invocation *invocation, enum err error, const struct fault *fault)
{
    bool environment = error == ERR_MEMORY || error == ERR_IO;

    return output_fault(invocation, environment ? EXIT_FAILED : EXIT_REFUSED, fault);
}

/* --- showing --- */

static void row_cb(void *arg, const struct registry_change *change)
{
    struct table *table = arg;

    table_cell(table, change->what);
    table_cell(table, change->owner);
    table_cell(table, change->value);
    table_cell(table, change->before);
    table_cell(table, change->after);
}

static void object_cb(void *arg, const struct registry_change *change)
{
    struct json_writer *out = arg;
    const struct {
        const char *name, *value;
    } members[] = {{"what", change->what},
                   {"owner", change->owner},
                   {"value", change->value},
                   {"before", change->before},
                   {"after", change->after}};

    json_object_begin(out);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_name(out, members[i].name);
        json_text(out, members[i].value);
    }
    json_object_end(out);
}

static size_t differences(const struct registry_report *report, registry_change_fn fn, void *arg)
{
    const struct registry_side before = {report->before->registry, report->before->keyring};
    const struct registry_side after = {report->after->registry, report->after->keyring};

    return report->before->document.version != 0 ? registry_diff(&before, &after, fn, arg) : 0;
}

static void answer_digest(struct answer *answer, const char *name, const struct digest *digest)
{
    char text[DIGEST_TEXT_BYTES];

    digest_format(digest, text);
    answer_text(answer, name, text);
}

static int report_json(const struct registry_report *report, int status)
{
    const struct registry_document *document = &report->after->document;
    char made[INSTANT_TEXT_BYTES];
    struct answer answer;

    instant_format(document->made_ms, made);
    answer_begin(&answer, true);
    if (report->trial) {
        answer_bool(&answer, "dry_run", true);
    }
    answer_text(&answer, "file", report->path);
    answer_u64(&answer, "version", document->version);
    answer_text(&answer, "made", made);
    answer_digest(&answer, "digest", &document->digest);
    answer_digest(&answer, "previous", &document->previous);
    answer_digest(&answer, "root", &document->root);
    answer_u64(&answer, "agencies", registry_count(report->after->registry));
    answer_u64(&answer, "keys", keyring_count(report->after->keyring));
    if (report->has_leaf) {
        answer_u64(&answer, "leaf", report->leaf);
    }
    json_name(&answer.json, "changes");
    json_array_begin(&answer.json);
    (void)differences(report, object_cb, &answer.json);
    json_array_end(&answer.json);
    return answer_end(&answer, status);
}

static void print_head(const struct registry_report *report)
{
    const struct registry_document *document = &report->after->document;
    char made[INSTANT_TEXT_BYTES], digest[DIGEST_TEXT_BYTES], root[DIGEST_TEXT_BYTES];

    instant_format(document->made_ms, made);
    digest_format(&document->digest, digest);
    digest_format(&document->root, root);
    printf("%s: version %" PRIu64 " of %s: %s\n"
           "  %zu agencies, %zu public keys\n"
           "  digest  %s\n"
           "  root    %s\n",
           report->path, document->version, made, report->done,
           registry_count(report->after->registry), keyring_count(report->after->keyring), digest,
           root);
    if (report->has_leaf) {
        printf("  leaf    %" PRIu64 "\n", report->leaf);
    }
}

int registry_report(const struct registry_report *report, int status)
{
    static const char *const heads[] = {"WHAT", "OWNER", "VALUE", "BEFORE", "AFTER"};
    struct table table;

    if (invocation_has(report->invocation, OPTION_JSON)) {
        return report_json(report, status);
    }
    if (report->done != NULL) {
        print_head(report);
    }
    if (report->before->document.version == 0) {
        return status;
    }
    table_begin(&table, heads, "lllll");
    (void)differences(report, row_cb, &table);
    return table_end(&table, "nothing differs") == EXIT_OK ? status : EXIT_FAILED;
}

/* A file that an agency attaches, and whether the one that it went to opens the same bytes. See
 * demo.h. Letters name what was attached last by "{attached}", and are sent with its digest. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/demo.h"

const struct demo_file *demo_letter(const char *file_name)
{
    const struct demo_file *file = demo_files;
    char name[64];

    (void)snprintf(name, sizeof(name), "letters/%s", file_name);
    while (file->name != NULL && strcmp(file->name, name) != 0) {
        file++;
    }
    assert(file->name != NULL);
    return file;
}

static enum err begin(struct demo *demo, const struct step *step, size_t bytes,
                      char upload[UUID_TEXT_BYTES])
{
    char request[DEMO_VALUE_BYTES];
    struct said said;
    enum err error;

    said_init(&said);
    (void)snprintf(request, sizeof(request), "{\"cmd\":\"attach\",\"name\":\"%s\",\"bytes\":%zu}",
                   step->value, bytes);
    error = talk_ask(demo, step->who, request, &said);
    if (error == OK) {
        text_copy(upload, UUID_TEXT_BYTES, value_text(&said.root, "upload"));
    }
    said_free(&said);
    return error;
}

static enum err give(struct demo *demo, const struct step *step, struct span bytes,
                     const char *upload)
{
    struct json_value attachment;
    struct buf request;
    struct said said;
    enum err error;

    said_init(&said);
    buf_init(&request, LIMIT_LOCAL_LINE_BYTES);
    error = buf_printf(
        &request, "{\"cmd\":\"attach-data\",\"upload\":\"%s\",\"offset\":0,\"data\":\"", upload);
    error = error == OK ? base64_encode(bytes, &request) : error;
    error = error == OK ? buf_append(&request, "\"}", 3) : error; /* with its NUL */
    error = error == OK ? talk_ask(demo, step->who, (const char *)request.data, &said) : error;
    attachment = json_member(&said.root, "attachment");
    if (error == OK) {
        text_copy(demo->attached, sizeof(demo->attached), value_text(&attachment, "digest"));
    }
    buf_free(&request);
    said_free(&said);
    return error;
}

enum err attach_file(struct demo *demo, const struct step *step)
{
    const struct demo_file *file = demo_letter(step->letter);
    char upload[UUID_TEXT_BYTES];
    enum err error = begin(demo, step, file->size, upload);

    return error == OK ? give(demo, step, span_of(file->bytes, file->size), upload) : error;
}

/* What the agency opens, beside what was attached. */
static enum err compare(struct demo *demo, const struct said *said, const struct demo_file *file)
{
    struct said *opened = &demo->opened;
    struct buf plain;
    enum err error;
    bool same;

    buf_init(&plain, LIMIT_ATTACHMENT_BYTES);
    error = base64_decode(span_text(value_text(&said->root, "data")), &plain);
    same = span_equal(span_buf(&plain), span_of(file->bytes, file->size));
    buf_clear(&opened->text);
    error = error == OK
                ? buf_printf(&opened->text, "{\"name\":\"%s\",\"bytes\":%zu,\"same\":%s}",
                             value_text(&said->root, "name"), plain.len, same ? "true" : "false")
                : error;
    buf_free(&plain);
    return error == OK ? said_read(demo, "the opened file", opened) : error;
}

enum err attach_open(struct demo *demo, const struct step *step)
{
    const struct demo_file *file = demo_letter(step->letter);
    char request[DEMO_VALUE_BYTES];
    struct said said;
    enum err error;

    said_init(&said);
    (void)snprintf(request, sizeof(request), "{\"cmd\":\"attachment\",\"digest\":\"%s\"}",
                   demo->attached);
    error = talk_until(demo, step->who, request, "state", "here");
    (void)snprintf(request, sizeof(request),
                   "{\"cmd\":\"attachment\",\"digest\":\"%s\",\"count\":%zu}", demo->attached,
                   file->size + 1);
    error = error == OK ? talk_ask(demo, step->who, request, &said) : error;
    error = error == OK ? compare(demo, &said, file) : error;
    said_free(&said);
    return error;
}

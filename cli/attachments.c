/* The commands `agent attach`, `agent attachments` and `agent fetch`: files to the agent and back,
 * in pieces over its socket. Plain bytes are wiped here when they are through. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/call.h"
#include "cli/input.h"
#include "cli/table.h"

#define PIECE_BYTES (384u * 1024u)

/* --- attach --- */

static int attach_begin(const struct invocation *invocation, const char *path, size_t bytes,
                        char upload[UUID_TEXT_BYTES])
{
    const char *slash = strrchr(path, '/');
    struct call call;
    int status;

    call_begin(&call, "attach");
    call_text(&call, "name", slash != NULL ? slash + 1 : path);
    call_u64(&call, "bytes", bytes);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK) {
        text_copy(upload, UUID_TEXT_BYTES, value_text(&call.root, "upload"));
    }
    call_free(&call);
    return status;
}

static void print_attached(const struct invocation *invocation, struct call *call)
{
    struct json_value attachment = json_member(&call->root, "attachment");

    if (invocation_has(invocation, OPTION_JSON)) {
        call_print(call);
    } else {
        (void)printf("digest        %s\nsealed_bytes  %" PRIu64 "\n",
                     value_text(&attachment, "digest"), value_u64(&attachment, "sealed_bytes"));
    }
}

/* The piece at `offset`; the answer to the last one is printed. */
static int attach_piece(const struct invocation *invocation, const char *upload,
                        const struct buf *bytes, size_t *offset)
{
    size_t left = bytes->len - *offset;
    size_t len = left < PIECE_BYTES ? left : PIECE_BYTES;
    struct buf text;
    struct call call;
    int status = EXIT_FAILED;

    buf_init(&text, LIMIT_LOCAL_LINE_BYTES);
    if (base64_encode(span_of(bytes->data + *offset, len), &text) != OK ||
        buf_append(&text, "", 1) != OK) {
        input_wipe(&text);
        return status;
    }
    call_begin(&call, "attach-data");
    call_text(&call, "upload", upload);
    call_u64(&call, "offset", *offset);
    call_text(&call, "data", (const char *)text.data);
    input_wipe(&text);
    status = call_end(&call, invocation, AGENT_SOCKET);
    *offset += len;
    if (status == EXIT_OK && *offset == bytes->len) {
        print_attached(invocation, &call);
    }
    call_free(&call);
    return status;
}

int agent_attach_run(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    char upload[UUID_TEXT_BYTES] = "";
    size_t offset = 0;
    struct buf bytes;
    int status;

    buf_init(&bytes, LIMIT_ATTACHMENT_BYTES);
    status = input_file(invocation, path, &bytes);
    if (status == EXIT_OK) {
        status = attach_begin(invocation, path, bytes.len, upload);
    }
    while (status == EXIT_OK && offset < bytes.len) {
        status = attach_piece(invocation, upload, &bytes, &offset);
    }
    input_wipe(&bytes);
    return status;
}

/* --- attachments --- */

static int draw(const struct json_value *root)
{
    static const char *const heads[] = {"MESSAGE", "FROM",  "NAME",  "TYPE",
                                        "BYTES",   "STATE", "DIGEST"};
    static const char *const names[] = {"message", "sender", "name", "type"};
    struct json_value list = json_member(root, "attachments");
    struct table table;

    table_begin(&table, heads, "llllrll");
    for (size_t i = 0; i < json_count(&list); i++) {
        struct json_value row = json_item(&list, i);

        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            table_cell(&table, value_text(&row, names[k]));
        }
        table_cell_u64(&table, value_u64(&row, "plain_bytes"));
        table_cell(&table, value_text(&row, "state"));
        table_cell(&table, value_text(&row, "digest"));
    }
    return table_end(&table, "no attachments");
}

int agent_attachments_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "attachments");
    call_text(&call, "id", invocation->arguments[0]);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        status = draw(&call.root);
    }
    call_free(&call);
    return status;
}

/* --- fetch --- */

/* The next piece, which is none only behind the last. */
static int take_piece(const struct invocation *invocation, const struct json_value *root,
                      struct buf *bytes)
{
    struct json_value data = json_member(root, "data");
    uint64_t plain_bytes = value_u64(root, "plain_bytes");
    struct fault fault = {.code = ""};
    size_t before = bytes->len;
    const char *text = "";
    enum err error = json_get_text(&data, LIMIT_LOCAL_LINE_BYTES, &text, &fault);

    if (error == OK && (base64_decode(span_text(text), bytes) != OK || bytes->len > plain_bytes ||
                        (bytes->len == before && before < plain_bytes))) {
        error = json_refuse(&data, &fault, "agent.answer", "is not the next piece of the file");
    }
    return error == OK ? EXIT_OK : output_fault(invocation, EXIT_REFUSED, &fault);
}

static int fetch_piece(const struct invocation *invocation, struct buf *bytes, bool *ret_more)
{
    struct call call;
    int status;

    call_begin(&call, "attachment");
    call_text(&call, "digest", invocation->arguments[0]);
    call_u64(&call, "offset", bytes->len);
    call_u64(&call, "count", PIECE_BYTES);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK) {
        status = take_piece(invocation, &call.root, bytes);
        *ret_more = bytes->len < value_u64(&call.root, "plain_bytes");
    }
    if (status == EXIT_OK && !*ret_more && invocation_has(invocation, OPTION_JSON)) {
        (void)printf("{\"ok\":true,\"plain_bytes\":%zu}\n", bytes->len);
    }
    call_free(&call);
    return status;
}

int agent_fetch_run(const struct invocation *invocation)
{
    struct fault fault = {.code = ""};
    struct buf bytes;
    bool more = true;
    int status = EXIT_OK;

    buf_init(&bytes, LIMIT_ATTACHMENT_BYTES);
    while (status == EXIT_OK && more) {
        status = fetch_piece(invocation, &bytes, &more);
    }
    if (status == EXIT_OK &&
        file_write_new(invocation->value[OPTION_OUT], span_buf(&bytes), 0600, &fault) != OK) {
        status = output_fault(invocation, EXIT_REFUSED, &fault);
    }
    input_wipe(&bytes);
    return status;
}

/* The command `evidence export`: an agent hands out what it has of a case part by part, and this
 * program puts the parts into one file (wire/evidence_file.h). What is in them proves itself; here
 * nothing is judged. `evidence verify` is in audit.c. Main thread, blocking; the file is durable on
 * return, readable by its owner alone, and there whole or not at all. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/call.h"
#include "cli/input.h"
#include "wire/evidence_file.h"

#define PARTS_FIRST    64u
#define LINKS_AGAIN_MS 20
#define LINKS_TRIES    250u

struct gathered {
    struct evidence_part *parts; /* owned, and the bytes of each */
    size_t count, room;
    struct buf part; /* owned: of the one that is coming */
    uint64_t step, offset;
    size_t messages, bytes;
    bool end;
};

static void gathered_free(struct gathered *gathered)
{
    for (size_t i = 0; i < gathered->count; i++) {
        struct buf bytes;

        buf_init(&bytes, gathered->parts[i].bytes.len);
        memcpy(&bytes.data, &gathered->parts[i].bytes.data, sizeof(bytes.data));
        bytes.cap = gathered->parts[i].bytes.len;
        input_wipe(&bytes);
    }
    free(gathered->parts);
    input_wipe(&gathered->part);
}

static enum err make_room(struct gathered *gathered)
{
    size_t room = gathered->room == 0 ? PARTS_FIRST : 2 * gathered->room;
    struct evidence_part *larger;

    if (gathered->count < gathered->room) {
        return OK;
    }
    larger = reallocarray(gathered->parts, room, sizeof(*larger));
    if (larger == NULL) {
        return ERR_MEMORY;
    }
    gathered->parts = larger;
    gathered->room = room;
    return OK;
}

/* The part is whole: its bytes are the list's from now on. */
static enum err take_part(struct gathered *gathered, const struct json_value *root)
{
    struct evidence_part *part;
    const struct evidence before = {.parts = gathered->parts, .part_count = gathered->count};
    enum err error = gathered->count == LIMIT_EVIDENCE_PARTS ? ERR_TOO_LARGE : make_room(gathered);

    if (error == OK &&
        evidence_find(&before, value_text(root, "kind"), value_text(root, "name")) != NULL) {
        error = ERR_EXISTS; /* no agent says a part twice */
    }
    if (error != OK) {
        return error;
    }
    part = &gathered->parts[gathered->count];
    text_copy(part->kind, sizeof(part->kind), value_text(root, "kind"));
    text_copy(part->name, sizeof(part->name), value_text(root, "name"));
    part->bytes = span_buf(&gathered->part);
    gathered->bytes += part->bytes.len;
    gathered->messages += strcmp(part->kind, "message") == 0;
    gathered->count++;
    buf_init(&gathered->part, LIMIT_EVIDENCE_BYTES);
    return gathered->bytes <= LIMIT_EVIDENCE_BYTES ? OK : ERR_TOO_LARGE;
}

static enum err take_piece(struct gathered *gathered, const struct json_value *root,
                           struct fault *fault)
{
    struct json_value data = json_member(root, "data");
    const char *text = "";
    enum err error;

    gathered->end = value_bool(root, "end");
    if (gathered->end) {
        return OK;
    }
    error = crypto_claim(strcmp(value_text(root, "suite"), "sm") == 0 ? SUITE_SM : SUITE_INTL,
                         "the agent", fault);
    if (error == OK) {
        error = json_get_text(&data, LIMIT_LOCAL_LINE_BYTES, &text, fault);
    }
    if (error == OK && base64_decode(span_text(text), &gathered->part) != OK) {
        error = json_refuse(&data, fault, "agent.answer", "is no piece of evidence");
    }
    gathered->step = value_u64(root, "step");
    gathered->offset = value_u64(root, "offset");
    if (error == OK && !value_bool(root, "more")) {
        error = take_part(gathered, root);
        if (error != OK) {
            fault_set(fault, "evidence.size", "evidence", "%s", err_text(error));
            fault_hint(fault, "export single referrals in place of the whole case");
        }
    }
    return error;
}

static int ask(const struct invocation *invocation, struct gathered *gathered)
{
    struct fault fault = {.code = ""};
    struct call call;
    int status;

    call_begin(&call, "evidence");
    call_text(&call, "id", invocation->arguments[0]);
    json_name(&call.writer, "bodies");
    json_bool(&call.writer, invocation_has(invocation, OPTION_WITH_BODIES));
    call_u64(&call, "step", gathered->step);
    call_u64(&call, "offset", gathered->offset);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && take_piece(gathered, &call.root, &fault) != OK) {
        status = output_fault(invocation, EXIT_REFUSED, &fault);
    }
    call_free(&call);
    return status;
}

static int tell(const struct invocation *invocation, const struct gathered *gathered, size_t bytes)
{
    const char *path = invocation->value[OPTION_OUT];
    struct answer answer;

    if (!invocation_has(invocation, OPTION_JSON)) {
        if (!invocation_has(invocation, OPTION_QUIET)) {
            (void)printf("%s: %zu messages in %zu parts, %zu bytes%s\n", path, gathered->messages,
                         gathered->count, bytes,
                         invocation_has(invocation, OPTION_WITH_BODIES) ? "; it holds personal data"
                                                                        : "");
        }
        return EXIT_OK;
    }
    answer_begin(&answer, true);
    answer_text(&answer, "file", path);
    answer_u64(&answer, "bytes", bytes);
    answer_u64(&answer, "parts", gathered->count);
    answer_u64(&answer, "messages", gathered->messages);
    answer_bool(&answer, "bodies", invocation_has(invocation, OPTION_WITH_BODIES));
    return answer_end(&answer, EXIT_OK);
}

static int write_out(const struct invocation *invocation, const struct gathered *gathered)
{
    const struct evidence evidence = {.suite = crypto_suite(),
                                      .about = EVIDENCE_CASE,
                                      .parts = gathered->parts,
                                      .part_count = gathered->count};
    const char *path = invocation->value[OPTION_OUT];
    struct fault fault = {.code = ""};
    struct buf file;
    enum err error;

    buf_init(&file, LIMIT_EVIDENCE_BYTES);
    error = evidence_encode(&evidence, &file);
    if (error != OK) {
        fault_set(&fault, "evidence.size", path, "%s", err_text(error));
        fault_hint(&fault, "export single referrals in place of the whole case");
    } else if (invocation_has(invocation, OPTION_FORCE)) {
        error = file_write(path, span_buf(&file), 0600, &fault);
    } else {
        error = file_write_new(path, span_buf(&file), 0600, &fault);
    }
    if (error == ERR_EXISTS) {
        fault_hint(&fault, "name another file, or write over it with --force");
    }
    const size_t bytes = file.len;

    input_wipe(&file);
    return error == OK ? tell(invocation, gathered, bytes)
                       : output_fault(invocation, EXIT_REFUSED, &fault);
}

/* --- links --- */

static int ask_links(const struct invocation *invocation, bool begin, bool *ret_waiting)
{
    struct call call;
    int status;

    call_begin(&call, "evidence-links");
    call_text(&call, "id", invocation->arguments[0]);
    json_name(&call.writer, "begin");
    json_bool(&call.writer, begin);
    status = call_end(&call, invocation, AGENT_SOCKET);
    *ret_waiting = status == EXIT_OK && value_bool(&call.root, "waiting");
    call_free(&call);
    return status;
}

/* The agent asks the broker to connect the receipts with its newest checkpoint. Without a broker
 * the evidence is exported as it is, and the report says what is not connected. */
static int gather_links(const struct invocation *invocation)
{
    bool waiting = false;
    int status = ask_links(invocation, true, &waiting);

    for (unsigned i = 0; i < LINKS_TRIES && status == EXIT_OK && waiting; i++) {
        (void)poll(NULL, 0, LINKS_AGAIN_MS); /* an early end only asks sooner */
        status = ask_links(invocation, false, &waiting);
    }
    return status;
}

int evidence_export_run(const struct invocation *invocation)
{
    struct gathered gathered = {.parts = NULL};
    int status = gather_links(invocation);

    buf_init(&gathered.part, LIMIT_EVIDENCE_BYTES);
    while (status == EXIT_OK && !gathered.end) {
        status = ask(invocation, &gathered);
    }
    if (status == EXIT_OK) {
        status = write_out(invocation, &gathered);
    }
    gathered_free(&gathered);
    return status;
}

/* See call.h. Whatever comes back that is no answer is told as such, never drawn. */
#include "cli/call.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "cli/input.h"
#include "io/local.h"

#define CALL_TIMEOUT_MS 15000u
#define AGENT_SOCKETS   "/run/referral-agent/*/agent.sock" /* of the package's units */

void call_begin(struct call *call, const char *cmd)
{
    memset(call, 0, sizeof(*call));
    call->timeout_ms = CALL_TIMEOUT_MS;
    buf_init(&call->request, LIMIT_LOCAL_LINE_BYTES);
    buf_init(&call->reply, LIMIT_LOCAL_LINE_BYTES);
    json_writer_init(&call->writer, &call->request);
    json_object_begin(&call->writer);
    call_text(call, "cmd", cmd);
}

void call_text(struct call *call, const char *name, const char *value)
{
    json_name(&call->writer, name);
    json_text(&call->writer, value);
}

void call_u64(struct call *call, const char *name, uint64_t value)
{
    json_name(&call->writer, name);
    json_u64(&call->writer, value);
}

void call_free(struct call *call)
{
    json_free(call->json);
    input_wipe(&call->request);
    input_wipe(&call->reply);
}

void call_print(const struct call *call)
{
    (void)fwrite(call->reply.data, 1, call->reply.len, stdout); /* main asks ferror */
    printf("\n");
}

const char *value_text(const struct json_value *object, const char *name)
{
    struct json_value value = json_member(object, name);
    const char *text = "";

    return json_get_text(&value, LIMIT_TEXT_BYTES, &text, NULL) == OK ? text : "";
}

uint64_t value_u64(const struct json_value *object, const char *name)
{
    struct json_value value = json_member(object, name);
    uint64_t number = 0;

    return json_get_u64(&value, 0, INT64_MAX, &number, NULL) == OK ? number : 0;
}

bool value_bool(const struct json_value *object, const char *name)
{
    struct json_value value = json_member(object, name);
    bool yes = false;

    return json_get_bool(&value, &yes, NULL) == OK && yes;
}

static int cannot_ask(const struct invocation *invocation, enum err error)
{
    struct fault fault = {.code = ""};

    if (error == ERR_INVALID) {
        fault_set(&fault, "usage.arguments", "", "an argument is no text in UTF-8");
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    fault_set(&fault, "socket.too-large", "", "the question is larger than the %u bytes of a line",
              LIMIT_LOCAL_LINE_BYTES);
    return output_fault(invocation, EXIT_REFUSED, &fault);
}

const char *call_silence(const char *path, enum err error)
{
    struct stat found;

    if (error == ERR_CLOSED) {
        return "the daemon ended";
    }
    if (error == ERR_TIMEOUT) {
        return "the daemon is there and does not answer";
    }
    if (error != ERR_UNREACHABLE) {
        return err_text(error);
    }
    if (stat(path, &found) != 0) {
        return "there is no such file";
    }
    return S_ISSOCK(found.st_mode) ? "a daemon was here, and has ended" : "this is not a socket";
}

static int no_answer(const struct invocation *invocation, const char *path, enum err error)
{
    struct fault fault = {.code = ""};
    int status = EXIT_REFUSED;

    switch (error) {
    case ERR_REFUSED:
        fault_set(&fault, "socket.permission", path, "no permission to use this socket");
        fault_hint(&fault, "it belongs to the daemon's user and group");
        break;
    case ERR_TOO_LARGE:
        fault_set(&fault, "socket.too-large", path, "the answer is larger than %u bytes",
                  LIMIT_LOCAL_LINE_BYTES);
        fault_hint(&fault, "ask for less: a referral instead of its case, a smaller --count");
        break;
    case ERR_INVALID:
        fault_set(&fault, "usage.value", "--socket", "expected a path of at most 107 bytes");
        status = EXIT_USAGE;
        break;
    default:
        fault_set(&fault, "socket.unreachable", path, "no answer: %s", call_silence(path, error));
        fault_hint(&fault, "is the daemon running, and is this its socket (--socket PATH)?");
        status = EXIT_UNREACHABLE;
    }
    return output_fault(invocation, status, &fault);
}

int call_refused(const struct invocation *invocation, const char *path,
                 const struct json_value *root)
{
    struct json_value ok = json_member(root, "ok");
    struct fault fault = {.code = ""};

    if (json_absent(&ok) || value_text(root, "message")[0] == '\0') {
        fault_set(&fault, "socket.answer", path, "the answer has no \"ok\", or no reason");
        fault_hint(&fault, "is this the socket of the right daemon?");
        return output_fault(invocation, EXIT_REFUSED, &fault);
    }
    fault_set(&fault, value_text(root, "code"), value_text(root, "place"), "%s",
              value_text(root, "message"));
    fault_hint(&fault, "%s", value_text(root, "hint"));
    return output_fault(invocation, EXIT_REFUSED, &fault);
}

/* All daemons know `status`: whose answer it is stands in it. What is asked of a standby may be
 * asked of the broker, too, and each says what it knows. */
static bool is_other(const struct call *call, const char *default_socket)
{
    static const char of_standby[] = "{\"cmd\":\"standby-";
    const char *daemon = value_text(&call->root, "daemon");

    if (strcmp(daemon, "standby") == 0 && call->request.len > strlen(of_standby) &&
        memcmp(call->request.data, of_standby, strlen(of_standby)) == 0) {
        return false;
    }
    return daemon[0] != '\0' &&
           strcmp(daemon, strcmp(default_socket, AGENT_SOCKET) == 0 ? "agent" : "broker") != 0;
}

static int other_daemon(const struct invocation *invocation, const char *path, const char *daemon)
{
    static const struct {
        const char *daemon, *hint;
    } rows[] = {
        {"broker", "an agent's is its `socket`; a broker is asked by `referralctl status`"},
        {"agent", "the broker's is its `status-socket`; an agent is asked by `referralctl agent "
                  "status`"},
        {"standby", "a standby is asked by `referralctl standby show`"},
    };
    struct fault fault = {.code = ""};

    fault_set(&fault, "socket.other-daemon", path, "this is the socket of %s %.16s",
              daemon[0] == 'a' ? "an" : "a", daemon);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(daemon, rows[i].daemon) == 0) {
            fault_hint(&fault, "%s", rows[i].hint);
        }
    }
    return output_fault(invocation, EXIT_REFUSED, &fault);
}

/* The usual socket of an agent, or that of the only unit on this host: with several, somebody must
 * say which. */
static int agent_socket(const struct invocation *invocation, char out[CONTEXT_PATH_BYTES])
{
    struct fault fault = {.code = ""};
    struct stat info;
    glob_t found;
    int status = EXIT_OK;

    text_copy(out, CONTEXT_PATH_BYTES, AGENT_SOCKET);
    if (stat(AGENT_SOCKET, &info) == 0 || glob(AGENT_SOCKETS, 0, NULL, &found) != 0) {
        return EXIT_OK;
    }
    if (found.gl_pathc == 1 && strlen(found.gl_pathv[0]) < CONTEXT_PATH_BYTES) {
        text_copy(out, CONTEXT_PATH_BYTES, found.gl_pathv[0]);
    } else {
        fault_set(&fault, "usage.several", "", "%zu agents are on this host", found.gl_pathc);
        fault_hint(&fault, "say which: --socket %s, or a saved context", found.gl_pathv[0]);
        status = output_fault(invocation, EXIT_USAGE, &fault);
    }
    globfree(&found);
    return status;
}

int call_socket_named(const struct invocation *invocation, const char *default_socket,
                      char out[CONTEXT_PATH_BYTES])
{
    const char *given = invocation->value[OPTION_SOCKET];
    bool agent = strcmp(default_socket, AGENT_SOCKET) == 0;

    out[0] = '\0';
    if (given != NULL && invocation_has(invocation, OPTION_CONTEXT)) {
        return output_misused(invocation, OPTION_CONTEXT, "expected either --socket or --context");
    }
    if (given != NULL && strlen(given) >= CONTEXT_PATH_BYTES) {
        return output_misused(invocation, OPTION_SOCKET, "expected a path of at most 107 bytes");
    }
    if (given != NULL) {
        text_copy(out, CONTEXT_PATH_BYTES, given);
        return EXIT_OK;
    }
    return context_find(invocation, agent ? CONTEXT_AGENT_SOCKET : CONTEXT_SOCKET, out);
}

int call_socket(const struct invocation *invocation, const char *default_socket,
                char out[CONTEXT_PATH_BYTES])
{
    int status = call_socket_named(invocation, default_socket, out);

    if (status != EXIT_OK || out[0] != '\0') {
        return status;
    }
    if (strcmp(default_socket, AGENT_SOCKET) == 0) {
        return agent_socket(invocation, out);
    }
    text_copy(out, CONTEXT_PATH_BYTES, default_socket);
    return EXIT_OK;
}

int call_end(struct call *call, const struct invocation *invocation, const char *default_socket)
{
    char path[CONTEXT_PATH_BYTES];
    struct fault fault = {.code = ""};
    int status = call_socket(invocation, default_socket, path);
    enum err error;

    if (status != EXIT_OK) {
        return status;
    }
    json_object_end(&call->writer);
    error = json_writer_end(&call->writer);
    if (error != OK) {
        return cannot_ask(invocation, error);
    }
    error = local_call(path, span_buf(&call->request), call->timeout_ms, &call->reply);
    if (error != OK) {
        return no_answer(invocation, path, error);
    }
    if (json_open(path, span_buf(&call->reply), &call->json, &fault) != OK) {
        fault_hint(&fault, "the answer is not a daemon's: is this the right socket?");
        return output_fault(invocation, EXIT_REFUSED, &fault);
    }
    /* People see it: what others wrote must not move their terminal. */
    if (!invocation_has(invocation, OPTION_JSON) &&
        json_rewrite(call->json, output_clean_lines, LIMIT_JSON_BYTES) != OK) {
        return cannot_ask(invocation, ERR_MEMORY);
    }
    call->root = json_root(call->json);
    if (is_other(call, default_socket)) {
        return other_daemon(invocation, path, value_text(&call->root, "daemon"));
    }
    return value_bool(&call->root, "ok") ? EXIT_OK : call_refused(invocation, path, &call->root);
}

/* One question to a daemon over its unix socket: a JSON line there, a JSON line back. Main thread,
 * blocking, with a limit of time. */
#ifndef REFERRAL_CLI_CALL_H
#define REFERRAL_CLI_CALL_H

#include "cli/context.h"
#include "cli/output.h"

#define BROKER_SOCKET "/run/referral-broker/status.sock"
#define AGENT_SOCKET  "/run/referral-agent/agent.sock"

struct call {
    struct buf request;        /* owned: the line that is sent */
    struct json_writer writer; /* its members, after `cmd` */
    struct buf reply;          /* owned */
    struct json *json;         /* owned: the parsed reply */
    struct json_value root;    /* of the reply */
    uint64_t timeout_ms;       /* to wait for it: 15 s after call_begin */
};

/* Begins {"cmd":...; add members with call_text, call_u64, or on call->writer. */
void call_begin(struct call *call, const char *cmd);
void call_text(struct call *call, const char *name, const char *value);
void call_u64(struct call *call, const char *name, uint64_t value);
/* Sends, waits, parses. EXIT_OK: the daemon answered ok. Otherwise it has been said why:
 * EXIT_UNREACHABLE, EXIT_USAGE for words that are no UTF-8, or EXIT_REFUSED with the daemon's
 * fault, or for an answer that is none. */
int call_end(struct call *call, const struct invocation *invocation, const char *default_socket);
/* Where that is: --socket, else the context's, else the usual one, of an agent also the only one
 * that a unit of the package has made. EXIT_USAGE when there are several. */
int call_socket(const struct invocation *invocation, const char *default_socket,
                char out[CONTEXT_PATH_BYTES]);
/* --socket or the context's; empty where neither says. */
int call_socket_named(const struct invocation *invocation, const char *default_socket,
                      char out[CONTEXT_PATH_BYTES]);
/* Why there is no answer, from the error and from what the file says; a borrowed text. */
const char *call_silence(const char *path, enum err error);
/* Tells a refusal in the daemon's own words, or that these are none of its words. */
int call_refused(const struct invocation *invocation, const char *path,
                 const struct json_value *root);
/* The good answer as it came, for --json. */
void call_print(const struct call *call);
void call_free(struct call *call); /* also wipes: answers of an agent hold personal data */

/* Members of answers; "" and 0 where one is absent or of another type. */
const char *value_text(const struct json_value *object, const char *name);
uint64_t value_u64(const struct json_value *object, const char *name);
bool value_bool(const struct json_value *object, const char *name);

#endif

/* The city's folder. See demo.h.
 *
 *   DIR/{agencies,policy}.yaml, registry.signed, calendars/, keys/
 *   DIR/broker/{broker.yaml,store,status.sock,log}
 *   DIR/agents/ID/{agent.yaml,store,agent.sock,log}
 *
 * Paths inside configurations are relative, so that a kept folder can be moved. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/demo.h"
#include "cli/key_maker.h"
#include "base/key_file.h"
#include "io/clock.h"
#include "wire/registry_document.h"

#define STORY_BEGINS     "2026-09-18 09:00"
#define CONFIG_BYTES     4096u
#define INBOX_PORT_FIRST 8601u
#define SOCKET_PATH_MAX  107u /* of sockaddr_un */
#define LONGEST_IN_DIR   "/agents/rural-revitalization/agent.sock"
#define DAYS_SUPPRESSED  '9' /* in place of the 3: far behind the story's last look */

static const char broker_yaml[] = "# The broker of the demo city.\n"
                                  "listen:\n"
                                  "  - tls+tcp://127.0.0.1:%u\n"
                                  "tls-certificate: ../keys/broker/tls.crt\n"
                                  "tls-key: ../keys/broker/tls.key\n"
                                  "tls-authority: ../keys/ca.crt\n"
                                  "sign-key: ../keys/broker/sign.key\n"
                                  "store-key: ../keys/broker/store.key\n"
                                  "public-keys: ../registry.signed\n"
                                  "registry: ../registry.signed\n"
                                  "registry-root: %s\n"
                                  "policy: ../policy.yaml\n"
                                  "calendars: ../calendars\n"
                                  "store: store\n"
                                  "store-mib: 64\n"
                                  "status-socket: status.sock\n"
                                  "laboratory: true\n"
                                  "laboratory-behind-ms: %" PRIu64 "\n";

static const char agent_yaml[] = "# The agent of one agency of the demo city.\n"
                                 "agency: %s\n"
                                 "broker: tls+tcp://127.0.0.1:%u\n"
                                 "broker-name: broker\n"
                                 "tls-certificate: ../../keys/%s/tls.crt\n"
                                 "tls-key: ../../keys/%s/tls.key\n"
                                 "tls-authority: ../../keys/ca.crt\n"
                                 "sign-key: ../../keys/%s/sign.key\n"
                                 "seal-key: ../../keys/%s/seal.key\n"
                                 "store-key: ../../keys/%s/store.key\n"
                                 "public-keys: ../../registry.signed\n"
                                 "registry: ../../registry.signed\n"
                                 "registry-root: %s\n"
                                 "policy: ../../policy.yaml\n"
                                 "calendars: ../../calendars\n"
                                 "store: store\n"
                                 "store-mib: 64\n"
                                 "socket: agent.sock\n"
                                 "web: 127.0.0.1:%u\n"
                                 "witness-every: 1s\n" /* its days are short */
                                 "laboratory: true\n"
                                 "laboratory-behind-ms: %" PRIu64 "\n";

void demo_path(const struct demo *demo, char out[DEMO_PATH_BYTES], const char *fmt, ...)
{
    size_t len = strlen(demo->folder);
    va_list args;
    int added;

    assert(len + 1 < DEMO_PATH_BYTES);
    memcpy(out, demo->folder, len);
    out[len] = '/';
    va_start(args, fmt);
    added = vsnprintf(out + len + 1, DEMO_PATH_BYTES - len - 1, fmt, args);
    va_end(args);
    assert(added > 0 && (size_t)added < DEMO_PATH_BYTES - len - 1);
}

void city_socket(const struct demo *demo, const char *who, char out[DEMO_PATH_BYTES])
{
    if (strcmp(who, BROKER_ID) == 0) {
        demo_path(demo, out, "broker/status.sock");
    } else {
        demo_path(demo, out, "agents/%s/agent.sock", who);
    }
}

static enum err make_folder(struct demo *demo, const char *name)
{
    char path[DEMO_PATH_BYTES];

    demo_path(demo, path, "%s", name);
    return folder_make(path, 0700, &demo->fault);
}

static enum err write_text(struct demo *demo, const char *name, struct span text)
{
    char path[DEMO_PATH_BYTES];

    demo_path(demo, path, "%s", name);
    return file_write(path, text, 0600, &demo->fault);
}

/* --- the rules: as shipped, but for the mutation --- */

static enum err suppress_rung(struct demo *demo, struct buf *policy)
{
    uint8_t *at = memmem(policy->data, policy->len, DEMO_RUNG_ROW, strlen(DEMO_RUNG_ROW));

    if (at == NULL) {
        return demo_fail(demo, "demo.mutation", "policy.yaml", "has no row `%s ...`",
                         DEMO_RUNG_ROW);
    }
    at[strlen(DEMO_RUNG_ROW) - strlen("3,")] = DAYS_SUPPRESSED;
    return OK;
}

static enum err write_file(struct demo *demo, const struct demo_file *file)
{
    bool mutated = demo->mutation == MUTATION_NO_RUNG && strcmp(file->name, "policy.yaml") == 0;
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = buf_append(&text, file->bytes, file->size);
    if (error == OK && mutated) {
        error = suppress_rung(demo, &text);
    }
    if (error == OK) {
        error = write_text(demo, file->name, span_buf(&text));
    }
    buf_free(&text);
    return error;
}

static enum err write_rules(struct demo *demo)
{
    enum err error = make_folder(demo, "calendars");

    if (error == OK) {
        error = make_folder(demo, "letters");
    }
    for (const struct demo_file *file = demo_files; error == OK && file->name != NULL; file++) {
        error = write_file(demo, file);
        if (error == OK && strcmp(file->name, "agencies.yaml") == 0) {
            error = registry_read(file->name, span_of(file->bytes, file->size), &demo->registry,
                                  &demo->fault);
        }
    }
    if (error == OK && registry_count(demo->registry) >= DEMO_PROCESSES_MAX) {
        error = demo_fail(demo, "demo.agencies", "agencies.yaml", "has more than %u agencies",
                          DEMO_PROCESSES_MAX - 1);
    }
    return error;
}

/* --- the signed registry --- */

static enum err read_part(struct demo *demo, const char *name, struct buf *out)
{
    char path[DEMO_PATH_BYTES];

    demo_path(demo, path, "%s", name);
    return file_read(path, out, &demo->fault);
}

static enum err sign_parts(struct demo *demo, struct registry_making *making, struct buf *out)
{
    char path[DEMO_PATH_BYTES];
    struct sign_key root;
    struct digest fingerprint;
    enum err error;

    sign_key_new(&root);
    fingerprint = registry_root_fingerprint(root.public_key);
    digest_format(&fingerprint, demo->root);
    demo_path(demo, path, "keys/root.key");
    error = key_file_write(path, KEY_FILE_ROOT, root.seed, &demo->fault);
    error = error == OK ? registry_document_sign(making, &root, out) : error;
    crypto_wipe(&root, sizeof(root));
    return error;
}

/* As the joint-meeting office does it with `registry sign`; only that here its root is on the same
 * machine. */
static enum err sign_registry(struct demo *demo, uint64_t made_ms)
{
    struct registry_making making = {.made_ms = made_ms};
    struct buf agencies, keys, document;
    enum err error;

    buf_init(&agencies, LIMIT_CONFIG_BYTES);
    buf_init(&keys, LIMIT_CONFIG_BYTES);
    buf_init(&document, REGISTRY_DOCUMENT_BYTES);
    error = read_part(demo, "agencies.yaml", &agencies);
    error = error == OK ? read_part(demo, "keys/public-keys.yaml", &keys) : error;
    making.agencies = span_buf(&agencies);
    making.keys = span_buf(&keys);
    error = error == OK ? sign_parts(demo, &making, &document) : error;
    error = error == OK ? write_text(demo, "registry.signed", span_buf(&document)) : error;
    buf_free(&agencies);
    buf_free(&keys);
    buf_free(&document);
    return error;
}

/* --- configurations --- */

static uint64_t now_ms(void)
{
    struct clock clock;

    clock_init(&clock, false);
    return clock_wall_ms(&clock);
}

static enum err write_broker(struct demo *demo, uint64_t behind_ms)
{
    char text[CONFIG_BYTES];
    enum err error = make_folder(demo, "broker");

    (void)snprintf(text, sizeof(text), broker_yaml, demo->port, demo->root, behind_ms);
    return error == OK ? write_text(demo, "broker/broker.yaml", span_text(text)) : error;
}

/* 8601 and on, where they are free: an address that can be remembered. Programs are told it, and
 * make several cities at once, each of which found the same port free: beside the broker's own. */
static uint16_t inbox_port(const struct demo *demo)
{
    const bool remembered = !demo->json && !demo->check;
    unsigned port =
        (remembered ? INBOX_PORT_FIRST - 1u : demo->port) + (unsigned)demo->process_count;

    return port <= UINT16_MAX && demo_port_is_free((uint16_t)port) ? (uint16_t)port
                                                                   : demo_free_port();
}

static enum err write_agent(struct demo *demo, const char *id, uint64_t behind_ms)
{
    char text[CONFIG_BYTES], name[DEMO_PATH_BYTES];
    enum err error;

    (void)snprintf(name, sizeof(name), "agents/%s", id);
    error = make_folder(demo, name);
    (void)snprintf(name, sizeof(name), "agents/%s/agent.yaml", id);
    (void)snprintf(text, sizeof(text), agent_yaml, id, demo->port, id, id, id, id, id, demo->root,
                   inbox_port(demo), behind_ms);
    return error == OK ? write_text(demo, name, span_text(text)) : error;
}

static void add_process(struct demo *demo, const char *id)
{
    struct demo_process *process = &demo->processes[demo->process_count];

    assert(demo->process_count < DEMO_PROCESSES_MAX);
    memset(process, 0, sizeof(*process));
    text_copy(process->id, sizeof(process->id), id);
    process->pidfd = -1;
    demo->process_count++;
}

enum err city_make(struct demo *demo)
{
    char keys[DEMO_PATH_BYTES];
    struct key_set set = {.origin = DEMO_ORIGIN, .out = keys, .now_ms = now_ms()};
    uint64_t begins_ms = civil_instant(STORY_BEGINS);
    /* A machine whose clock is before the story begins at its own time: the story moves it on. */
    uint64_t behind_ms = set.now_ms > begins_ms ? set.now_ms - begins_ms : 0;
    enum err error;

    if (strlen(demo->folder) + strlen(LONGEST_IN_DIR) > SOCKET_PATH_MAX) {
        return demo_fail(demo, "demo.folder", demo->folder,
                         "the folder's path is too long for unix sockets: at most %zu bytes",
                         SOCKET_PATH_MAX - strlen(LONGEST_IN_DIR));
    }
    error = write_rules(demo);
    if (error == OK) {
        demo_path(demo, keys, "keys");
        set.registry = demo->registry;
        error = key_set_make(&set, &demo->fault);
    }
    if (error == OK) {
        error = sign_registry(demo, set.now_ms);
    }
    if (error == OK) {
        error = write_broker(demo, behind_ms);
        add_process(demo, BROKER_ID);
    }
    for (size_t i = 0; error == OK && i < registry_count(demo->registry); i++) {
        error = write_agent(demo, registry_at(demo->registry, i)->id, behind_ms);
        add_process(demo, registry_at(demo->registry, i)->id);
    }
    return error;
}

void city_free(struct demo *demo)
{
    said_free(&demo->opened);
    said_free(&demo->wire);
    said_free(&demo->verifier);
    registry_free(demo->registry);
    demo->registry = NULL;
}

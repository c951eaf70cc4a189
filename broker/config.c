/* The broker's configuration: the table of options and the checks that a table cannot say:
 * listeners that only a laboratory may have, what tls+tcp needs, and groups that divide the roles.
 */
#include "broker/config.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/yaml.h"
#include "broker/roles.h"

#define LABORATORY_OFFSET_MAX_MS (UINT64_C(86400000) * 365 * 20)

struct reading {
    struct broker_config config;
    const struct yaml_node *listen;
};

#define PATH(key, member, need)                                                                    \
    {                                                                                              \
        .name = (key), .type = YAML_PATH, .offset = offsetof(struct reading, config.member),       \
        .size = CONFIG_PATH_BYTES, .required = (need)                                              \
    }

#define GROUP(key, place)                                                                          \
    {                                                                                              \
        .name = (key), .type = YAML_TEXT,                                                          \
        .offset = offsetof(struct reading, config.status_groups[place]),                           \
        .size = CONFIG_GROUP_BYTES                                                                 \
    }

static const struct yaml_option options[] = {
    {.name = "listen",
     .type = YAML_NODE,
     .offset = offsetof(struct reading, listen),
     .required = true},
    PATH("tls-certificate", tls_certificate, false),
    PATH("tls-key", tls_key, false),
    PATH("tls-authority", tls_authority, false),
    PATH("sign-key", sign_key, true),
    PATH("store-key", store_key, true),
    PATH("public-keys", public_keys, true),
    PATH("registry", registry, true),
    PATH("policy", policy, true),
    PATH("calendars", calendars, true),
    PATH("store", store, true),
    {.name = "store-mib",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct reading, config.store_mib),
     .min = 16,
     .max = UINT64_C(1024) * 1024},
    {.name = "store-reserve",
     .type = YAML_BOOL,
     .offset = offsetof(struct reading, config.store_reserve)},
    PATH("attachments", attachments, false),
    {.name = "attachments-percent",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct reading, config.attachments_percent),
     .min = 1,
     .max = 100},
    PATH("backup-folder", backup_folder, false),
    PATH("recovery-key", recovery_key, false),
    {.name = "backup-keep",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct reading, config.backup_keep),
     .max = 1000},
    PATH("status-socket", status_socket, true),
    GROUP("status-observers", 0),
    GROUP("status-operators", 1),
    GROUP("status-auditors", 2),
    {.name = "connections-max",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct reading, config.connections_max),
     .max = 65536},
    {.name = "laboratory",
     .type = YAML_BOOL,
     .offset = offsetof(struct reading, config.laboratory)},
    {.name = "laboratory-behind-ms",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct reading, config.laboratory_behind_ms),
     .max = LABORATORY_OFFSET_MAX_MS},
    {.name = NULL},
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_loopback(const char *url)
{
    return starts_with(url, "tls+tcp://127.") || starts_with(url, "tcp://127.") ||
           starts_with(url, "ipc://");
}

static enum err check_listener(const struct yaml_node *node, const struct broker_config *config,
                               struct fault *fault)
{
    const char *url = yaml_text(node);

    if (strlen(url) >= CONFIG_PATH_BYTES) {
        return yaml_refuse(node, fault, "config.too-long", "a listener has at most %d bytes",
                           CONFIG_PATH_BYTES - 1);
    }
    if (!config->laboratory && !starts_with(url, "tls+tcp://")) {
        return yaml_refuse(node, fault, "config.listener",
                           "expected tls+tcp://HOST:PORT; tcp:// and ipc:// are for a laboratory");
    }
    if (config->laboratory && !is_loopback(url)) {
        return yaml_refuse(node, fault, "config.listener",
                           "a laboratory listens on 127.0.0.1 or ipc:// only");
    }
    if (starts_with(url, "tls+tcp://") &&
        (config->tls_certificate[0] == '\0' || config->tls_key[0] == '\0' ||
         config->tls_authority[0] == '\0')) {
        return yaml_refuse(node, fault, "config.missing",
                           "tls+tcp needs tls-certificate, tls-key and tls-authority");
    }
    return OK;
}

static enum err read_listeners(const struct yaml_node *list, struct broker_config *config,
                               struct fault *fault)
{
    if (!yaml_is_sequence(list) || yaml_count(list) == 0 || yaml_count(list) > CONFIG_LISTEN_MAX) {
        return yaml_refuse(list, fault, "config.listener", "expected a list of 1 to %d addresses",
                           CONFIG_LISTEN_MAX);
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        const struct yaml_node *node = yaml_item(list, i);
        enum err error;

        if (!yaml_is_scalar(node)) {
            return yaml_refuse(node, fault, "config.listener", "expected an address");
        }
        error = check_listener(node, config, fault);
        if (error != OK) {
            return error;
        }
        memcpy(config->listen[i], yaml_text(node), strlen(yaml_text(node)) + 1);
        config->listen_count = i + 1;
    }
    return OK;
}

/* Groups that are there, and nobody who is operator and auditor. */
static enum err check_roles(const struct yaml_node *root, const struct broker_config *config,
                            struct fault *fault)
{
    static const enum role roles[] = {ROLE_OF_OBSERVERS, ROLE_OF_OPERATORS, ROLE_OF_AUDITORS};

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        struct fault found = {.code = ""};

        if (roles_check(config, roles[i], &found) != OK) {
            (void)yaml_refuse(yaml_find(root, role_option(roles[i])), fault, found.code, "%s",
                              found.message);
            fault_hint(fault, "%s", found.hint);
            return ERR_INVALID;
        }
    }
    return OK;
}

enum err broker_config_read(const char *path, struct broker_config *ret_config, struct fault *fault)
{
    struct reading reading = {.config = {.store_mib = 16384,
                                         .attachments_percent = LIMIT_STORE_PERCENT,
                                         .backup_keep = 14}};
    struct yaml *yaml;
    enum err error = yaml_open(path, &yaml, fault);

    if (error != OK) {
        return error;
    }
    error = yaml_read(yaml_root(yaml), options, &reading, fault);
    if (error == OK) {
        error = read_listeners(reading.listen, &reading.config, fault);
    }
    if (error == OK) {
        error = check_roles(yaml_root(yaml), &reading.config, fault);
    }
    if (error == OK) {
        text_copy(reading.config.file, sizeof(reading.config.file), path);
        *ret_config = reading.config;
    }
    yaml_free(yaml);
    return error;
}

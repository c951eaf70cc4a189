/* The agent's configuration: the table of options and the checks that a table cannot say. */
#include "agent/config.h"

#include <stddef.h>
#include <string.h>

#include "agent/notice/notice_config.h"
#include "base/yaml.h"

#define LABORATORY_OFFSET_MAX_MS (UINT64_C(86400000) * 365 * 20)
#define STORE_MIB_DEFAULT        16384u
#define HOOK_TIMEOUT_MS          30000u
#define WITNESS_MS               60000u

#define PATH(key, member, need)                                                                    \
    {                                                                                              \
        .name = (key), .type = YAML_PATH, .offset = offsetof(struct agent_config, member),         \
        .size = CONFIG_PATH_BYTES, .required = (need)                                              \
    }
#define TEXT(key, member, need)                                                                    \
    {                                                                                              \
        .name = (key), .type = YAML_TEXT, .offset = offsetof(struct agent_config, member),         \
        .size = sizeof(((struct agent_config *)0)->member), .required = (need)                     \
    }
#define DURATION(key, member, least, most)                                                         \
    {                                                                                              \
        .name = (key), .type = YAML_DURATION, .offset = offsetof(struct agent_config, member),     \
        .min = (least), .max = (most)                                                              \
    }

struct reading { /* the options, and what of them the notices read by themselves */
    struct agent_config config;
    const struct yaml_node *channels, *officers, *office_hours;
};

#define NODE(key, member)                                                                          \
    {                                                                                              \
        .name = (key), .type = YAML_NODE, .offset = offsetof(struct reading, member)               \
    }

static const struct yaml_option options[] = {
    TEXT("agency", agency, true),
    TEXT("broker", broker, true),
    TEXT("broker-name", broker_name, false),
    PATH("tls-certificate", tls_certificate, false),
    PATH("tls-key", tls_key, false),
    PATH("tls-authority", tls_authority, false),
    PATH("sign-key", sign_key, true),
    PATH("seal-key", seal_key, true),
    PATH("store-key", store_key, true),
    PATH("public-keys", public_keys, true),
    PATH("registry", registry, true),
    PATH("policy", policy, true),
    PATH("calendars", calendars, true),
    PATH("store", store, true),
    {.name = "store-mib",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct agent_config, store_mib),
     .min = 16,
     .max = UINT64_C(1024) * 1024},
    PATH("attachments", attachments, false),
    {.name = "attachments-percent",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct agent_config, attachments_percent),
     .min = 1,
     .max = 100},
    PATH("socket", socket, true),
    PATH("notice-hook", notice_hook, false),
    DURATION("notice-timeout", notice_timeout_ms, 1000, 600000),
    TEXT("web", web, false),
    PATH("web-certificate", web_certificate, false),
    PATH("web-key", web_key, false),
    TEXT("web-proxy-header", web_proxy_header, false),
    PATH("web-proxy-secret", web_proxy_secret, false),
    NODE("channels", channels),
    NODE("officers", officers),
    NODE("office-hours", office_hours),
    DURATION("witness-every", witness_ms, 1000, UINT64_C(86400000)),
    {.name = "accept-gaps",
     .type = YAML_BOOL,
     .offset = offsetof(struct agent_config, accept_gaps)},
    {.name = "laboratory", .type = YAML_BOOL, .offset = offsetof(struct agent_config, laboratory)},
    {.name = "laboratory-behind-ms",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct agent_config, laboratory_behind_ms),
     .max = LABORATORY_OFFSET_MAX_MS},
    {.name = NULL},
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum err check_broker(const struct yaml_node *root, const struct agent_config *config,
                             struct fault *fault)
{
    const struct yaml_node *node = yaml_find(root, "broker");
    bool tls = starts_with(config->broker, "tls+tcp://");
    bool plain = starts_with(config->broker, "tcp://127.") || starts_with(config->broker, "ipc://");

    if (!tls && !(config->laboratory && plain)) {
        return yaml_refuse(node, fault, "config.broker",
                           "expected tls+tcp://HOST:PORT; tcp://127.… and ipc:// are for a "
                           "laboratory");
    }
    if (tls && (config->tls_certificate[0] == '\0' || config->tls_key[0] == '\0' ||
                config->tls_authority[0] == '\0')) {
        return yaml_refuse(node, fault, "config.missing",
                           "tls+tcp needs tls-certificate, tls-key and tls-authority");
    }
    return OK;
}

static enum err check_laboratory(const struct yaml_node *root, const struct agent_config *config,
                                 struct fault *fault)
{
    if (config->laboratory_behind_ms != 0 && !config->laboratory) {
        return yaml_refuse(yaml_find(root, "laboratory-behind-ms"), fault, "config.laboratory",
                           "is for a laboratory only");
    }
    return OK;
}

static bool is_loopback(const char *address)
{
    return starts_with(address, "127.") || starts_with(address, "[::1]:");
}

static enum err check_web(const struct yaml_node *root, const struct agent_config *config,
                          struct fault *fault)
{
    bool tls = config->web_certificate[0] != '\0' && config->web_key[0] != '\0';

    if (config->web[0] != '\0' && !is_loopback(config->web) && !tls) {
        return yaml_refuse(yaml_find(root, "web"), fault, "config.web",
                           "beyond loopback the inbox needs web-certificate and web-key");
    }
    if ((config->web_certificate[0] != '\0') != (config->web_key[0] != '\0')) {
        return yaml_refuse(yaml_find(root, "web"), fault, "config.web",
                           "web-certificate and web-key go together");
    }
    if ((config->web_proxy_header[0] != '\0') != (config->web_proxy_secret[0] != '\0')) {
        return yaml_refuse(yaml_find(root, "web"), fault, "config.web",
                           "web-proxy-header and web-proxy-secret go together");
    }
    return OK;
}

static enum err read_notices(struct reading *reading, struct fault *fault)
{
    const struct notice_nodes nodes = {.channels = reading->channels,
                                       .officers = reading->officers,
                                       .office_hours = reading->office_hours,
                                       .hook = reading->config.notice_hook,
                                       .hook_timeout_ms = reading->config.notice_timeout_ms};

    return notice_config_read(&nodes, &reading->config.notices, fault);
}

enum err agent_config_read(const char *path, struct agent_config *ret_config, struct fault *fault)
{
    struct reading reading = {.config = {.broker_name = "broker",
                                         .store_mib = STORE_MIB_DEFAULT,
                                         .attachments_percent = LIMIT_STORE_PERCENT,
                                         .notice_timeout_ms = HOOK_TIMEOUT_MS,
                                         .witness_ms = WITNESS_MS}};
    struct yaml *yaml;
    enum err error = yaml_open(path, &yaml, fault);

    if (error != OK) {
        return error;
    }
    error = yaml_read(yaml_root(yaml), options, &reading, fault);
    if (error == OK) {
        error = check_broker(yaml_root(yaml), &reading.config, fault);
    }
    if (error == OK) {
        error = check_laboratory(yaml_root(yaml), &reading.config, fault);
    }
    if (error == OK) {
        error = check_web(yaml_root(yaml), &reading.config, fault);
    }
    if (error == OK) {
        error = read_notices(&reading, fault);
    }
    if (error == OK) {
        *ret_config = reading.config;
    }
    yaml_free(yaml);
    return error;
}

/* Finds options by their names alone, whatever else the file holds. See host_config.h. */
#include "cli/host_config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum err host_config_open(const char *path, struct host_config *ret_config, struct fault *fault)
{
    struct yaml *yaml = NULL;
    enum err error = yaml_open(path, &yaml, fault);

    text_copy(ret_config->path, sizeof(ret_config->path), path);
    if (error == OK && !yaml_is_mapping(yaml_root(yaml))) {
        error = yaml_refuse(yaml_root(yaml), fault, "config.form", "expected options with values");
        yaml_free(yaml);
        yaml = NULL;
    }
    ret_config->yaml = yaml;
    return error;
}

void host_config_close(struct host_config *config)
{
    yaml_free(config->yaml);
    config->yaml = NULL;
}

static const struct yaml_node *find(const struct host_config *config, const char *option)
{
    return config->yaml != NULL ? yaml_find(yaml_root(config->yaml), option) : NULL;
}

const char *host_config_text(const struct host_config *config, const char *option)
{
    const struct yaml_node *node = find(config, option);

    return node != NULL && yaml_is_scalar(node) ? yaml_text(node) : "";
}

bool host_config_path(const struct host_config *config, const char *option,
                      char out[HOST_PATH_BYTES])
{
    const char *text = host_config_text(config, option), *slash = strrchr(config->path, '/');
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    size_t mark = strlen(YAML_CREDENTIAL);
    int folder = text[0] != '/' && slash != NULL ? (int)(slash - config->path) + 1 : 0;
    int len = strncmp(text, YAML_CREDENTIAL, mark) == 0
                  ? snprintf(out, HOST_PATH_BYTES, "%s/%s", credentials != NULL ? credentials : "",
                             text + mark)
                  : snprintf(out, HOST_PATH_BYTES, "%.*s%s", folder, config->path, text);
    char real[PATH_MAX];

    if (text[0] == '\0' || len < 0 || (size_t)len >= HOST_PATH_BYTES) {
        return false;
    }
    if (realpath(out, real) != NULL && strlen(real) < HOST_PATH_BYTES) {
        text_copy(out, HOST_PATH_BYTES, real); /* without "..": people read it */
    }
    return true;
}

void host_config_credentials(const struct host_config *config, bool agent)
{
    const char *slash = strrchr(config->path, '/');
    const char *owner = agent ? host_config_text(config, "agency") : "broker";
    char folder[HOST_PATH_BYTES];
    int len = snprintf(folder, sizeof(folder), "%.*skeys/%s",
                       slash != NULL ? (int)(slash - config->path) + 1 : 0, config->path, owner);

    if (len > 0 && (size_t)len < sizeof(folder) && folder[0] == '/' && owner[0] != '\0' &&
        access(folder, F_OK) == 0) {
        (void)setenv("CREDENTIALS_DIRECTORY", folder, 0); /* else it is said what is missing */
    }
}

const char *host_config_item(const struct host_config *config, const char *option, size_t index)
{
    const struct yaml_node *node = find(config, option);
    const struct yaml_node *item =
        node != NULL && yaml_is_sequence(node) && index < yaml_count(node) ? yaml_item(node, index)
                                                                           : NULL;

    return item != NULL && yaml_is_scalar(item) ? yaml_text(item) : "";
}

const char *host_config_daemon(const char *path)
{
    struct host_config config = {.yaml = NULL};
    bool agent = host_config_open(path, &config, NULL) == OK &&
                 host_config_text(&config, "agency")[0] != '\0';

    host_config_credentials(&config, agent); /* for the daemon that is run */
    host_config_close(&config);
    return agent ? "referral-agent" : "referral-broker";
}

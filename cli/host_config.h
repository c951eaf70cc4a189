/* A daemon's configuration file as `doctor` reads it: leniently, option by option, for the daemon
 * may be down because the file is wrong. Whether it is right says the daemon's own --check. Main
 * thread. */
#ifndef REFERRAL_CLI_HOST_CONFIG_H
#define REFERRAL_CLI_HOST_CONFIG_H

#include "base/yaml.h"

#define HOST_PATH_BYTES 1024u

struct host_config {
    char path[HOST_PATH_BYTES]; /* of the file */
    struct yaml *yaml;          /* owned; NULL: it could not be read */
};

enum err host_config_open(const char *path, struct host_config *ret_config,
                          struct fault *fault) MUST_CHECK;
void host_config_close(struct host_config *config); /* unopened allowed */
/* The text of an option; "" where it is absent or no text. Borrowed from the document. */
const char *host_config_text(const struct host_config *config, const char *option);
/* The same as a path, joined to the file's folder. False: absent, no text, too long. */
bool host_config_path(const struct host_config *config, const char *option,
                      char out[HOST_PATH_BYTES]);
/* Where this host keeps what the service manager hands to the daemon as credentials: keys/OWNER
 * beside the file, as the package's units say. For this process and those that it starts, unless
 * the environment names another folder. Before threads begin. */
void host_config_credentials(const struct host_config *config, bool agent);
/* An item of an option that is a list; "" behind the last. */
const char *host_config_item(const struct host_config *config, const char *option, size_t index);

/* The daemon that a file is for; its credentials are this process's from then on. A file that
 * cannot be read as YAML is the broker's to complain of. */
const char *host_config_daemon(const char *path);

#endif

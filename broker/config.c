/* The broker's configuration: the table of options and the checks that a table cannot say:
 * listeners that only a laboratory may have, what tls+tcp needs, and groups that divide the roles.
 */
#include "broker/config.h"

#include <string.h>

#include "base/limits.h"
#include "base/crypto.h"
#include "io/link.h"
#include "broker/roles.h"
#include "io/metrics_http.h"

#define LABORATORY_OFFSET_MAX_MS (UINT64_C(86400000) * 365 * 20)

#define MEMBER(key, member_type, member)                                                           \
    .name = (key), .type = (member_type), .offset = offsetof(struct broker_config, member)
#define PATH(key, member) MEMBER(key, YAML_PATH, member), .size = CONFIG_PATH_BYTES
#define GROUP(key, place) MEMBER(key, YAML_TEXT, status_groups[place]), .size = CONFIG_GROUP_BYTES

const struct yaml_option broker_option_table[] = {
    {MEMBER("listen", YAML_LIST, listen), .min = 1, .max = CONFIG_LISTEN_MAX, .required = true,
     .help = "Where agents dial: tls+tcp://HOST:PORT, with certificates on both sides. 0.0.0.0 is "
             "every address of this machine."},
    {PATH("tls-certificate", tls_certificate),
     .help =
         "The broker's certificate (PEM) with its chain. A reload takes what the file holds then, "
         "and agents dial anew."},
    {PATH("tls-key", tls_key),
     .help = "The private key of that certificate; nobody else may read it."},
    {PATH("tls-authority", tls_authority),
     .help = "Agents are let in whose certificate one of these authorities (PEM) signed."},
    {PATH("tls-crl", tls_crl), .live = true,
     .help =
         "Lists of revoked certificates (PEM), of each of these authorities. A reload takes what "
         "the file holds then and closes the connections of those that it names; a list that "
         "has ended refuses everybody."},
    {MEMBER("suite", YAML_CHOICE, suite), .initial = "intl", .choices = crypto_suite_names,
     .help =
         "The cryptography of this city, the same everywhere: intl (Ed25519, X25519, SHA-256) or "
         "sm (SM2, SM3, SM4). All keys, stores and backups are of one suite."},
    {MEMBER("tls-engine", YAML_CHOICE, tls_engine), .initial = "openssl",
     .choices = link_engine_names,
     .help = "The TLS library: openssl (TLS 1.3, a certificate must be the signer's) or mbedtls "
             "(nng's own one; no check of the certificate's agency, no list of revoked ones)."},
    {PATH("sign-key", sign_key), .required = true,
     .help = "The key that signs checkpoints, replies and notices; mode 0600. Its public half "
             "stands in public-keys under the owner broker."},
    {PATH("store-key", store_key), .required = true,
     .help = "The key that binds each stored record to its place; mode 0600. Keep a copy apart "
             "from the store: without it the store cannot be read."},
    {PATH("public-keys", public_keys), .required = true, .live = true,
     .help = "The public keys of all agencies and of the broker: the same file as `registry` where "
             "that is signed."},
    {PATH("registry", registry), .required = true, .live = true,
     .help =
         "The agencies: the signed registry, which has their public keys, too. A reload takes a "
         "new agency in; one that leaves keeps its row and names its successor."},
    {MEMBER("registry-root", YAML_TEXT, registry_root), .size = REGISTRY_ROOT_BYTES,
     .help = "The fingerprint of the joint-meeting office's root, whose signature the registry "
             "must have: 64 hexadecimal digits, compared by telephone. \"none\": the registry is "
             "not signed, and whoever can write the file decides who the agencies are."},
    {PATH("policy", policy), .required = true, .live = true,
     .help = "What the city decided: who may send what, materials, rungs, limits."},
    {PATH("calendars", calendars), .required = true, .live = true,
     .help = "The folder of calendars: every *.json in it, in the holiday-cn form."},
    {PATH("store", store), .required = true, .help = "The folder of the store."},
    {MEMBER("store-mib", YAML_UNSIGNED, store_mib), .min = 16, .max = UINT64_C(1024) * 1024,
     .initial = "16384", .unit = "MiB",
     .help = "The most that the store can grow to; above 85 % of it new messages wait at the "
             "agencies."},
    {MEMBER("store-reserve", YAML_BOOL, store_reserve), .initial = "false",
     .help = "Takes that disk space when the store is made, so that no other program can."},
    {PATH("attachments", attachments),
     .help = "The folder of attachments, sealed files; left out: beside the store."},
    {MEMBER("attachments-percent", YAML_UNSIGNED, attachments_percent), .min = 1, .max = 100,
     .initial = "85", .unit = "% of its disk",
     .help = "New attachments are refused from there on."},
    {PATH("backup-folder", backup_folder),
     .help =
         "Where `referralctl backup` writes: best another disk. Left out: it is named with each "
         "backup."},
    {PATH("recovery-key", recovery_key),
     .help = "The public half of the recovery key, to which backups are sealed; `referralctl keys "
             "recovery` makes the pair. Left out: there are no backups."},
    {MEMBER("backup-keep", YAML_UNSIGNED, backup_keep), .max = 1000, .initial = "14",
     .help = "The newest so many stay in that folder; 0 is all."},
    {MEMBER("standby-journal-mib", YAML_UNSIGNED, standby_journal_mib), .max = 65536,
     .initial = "0", .unit = "MiB",
     .help = "Of the last changes so much is kept in the store for a standby, which must not be "
             "away for longer than that lasts; 0: there is no standby."},
    {PATH("standby-of", standby_of),
     .help = "With --standby: the status socket of the broker to follow; of another host one that "
             "ssh forwards."},
    {PATH("status-socket", status_socket), .required = true,
     .help = "The unix socket for administrators and referralctl."},
    {GROUP("status-observers", 0),
     .help = "The group whose members may ask; left out: root and the daemon's own user alone."},
    {GROUP("status-operators", 1),
     .help = "The group whose members may change what runs, each time with a reason that becomes a "
             "leaf of the log; left out: root and the daemon's own user alone."},
    {GROUP("status-auditors", 2),
     .help = "The group whose members may read the log with the reasons, and change nothing; left "
             "out: root and the daemon's own user. Nobody may be operator and auditor."},
    {MEMBER("metrics-listen", YAML_TEXT, metrics_listen),
     .size = sizeof(((struct broker_config *)0)->metrics_listen),
     .help =
         "127.0.0.1:PORT for Prometheus, which asks /metrics there; left out: there is none. Any "
         "user of this machine may read it; there is nothing personal in it."},
    {MEMBER("connections-max", YAML_UNSIGNED, connections_max), .max = 65536, .initial = "0",
     .help = "Connections at once; 0 is 16 for each agency of the registry at the start."},
    {MEMBER("laboratory", YAML_BOOL, laboratory), .initial = "false",
     .help = "Loopback only, tcp:// and ipc:// allowed, clocks can be moved. Never for real cases.",
     .hidden = true},
    {MEMBER("laboratory-behind-ms", YAML_UNSIGNED, laboratory_behind_ms),
     .max = LABORATORY_OFFSET_MAX_MS, .initial = "0", .unit = "ms",
     .help = "The wall clock starts so far in the past.", .hidden = true},
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

/* `list` was read as texts. */
static enum err check_listeners(const struct yaml_node *list, const struct broker_config *config,
                                struct fault *fault)
{
    enum err result = OK;

    for (size_t i = 0; i < config->listen.count; i++) {
        const struct yaml_node *node = yaml_item(list, i);
        enum err error = yaml_is_scalar(node) ? check_listener(node, config, fault) : OK;

        if (!fault_go_on(error, fault, &result)) {
            break;
        }
    }
    return result;
}

static enum err check_laboratory(const struct yaml_node *root, const struct broker_config *config,
                                 struct fault *fault)
{
    if (config->laboratory_behind_ms != 0 && !config->laboratory) {
        return yaml_refuse(yaml_find(root, "laboratory-behind-ms"), fault, "config.laboratory",
                           "is for a laboratory only");
    }
    return OK;
}

/* What says who the agencies are is signed, unless somebody said that it is not. */
static enum err check_root(const struct yaml_node *root, const struct broker_config *config,
                           struct fault *fault)
{
    const struct yaml_node *node = yaml_find(root, "registry-root");
    struct digest fingerprint;
    bool pinned;

    if (node == NULL && !config->laboratory && config->registry[0] != '\0') {
        return yaml_refuse(yaml_find(root, "registry"), fault, "config.registry-root",
                           "needs `registry-root`: the fingerprint of the joint-meeting office's "
                           "root, or \"none\" to work without a signed registry");
    }
    if (registry_root_parse(config->registry_root, &fingerprint, &pinned) != OK) {
        return yaml_refuse(node, fault, "config.registry-root",
                           "expected the 64 hexadecimal digits of the root's fingerprint, or none");
    }
    return OK;
}

/* A group that is there, and nobody who is operator and auditor. */
static enum err check_role(const struct yaml_node *root, const struct broker_config *config,
                           enum role role, struct fault *fault)
{
    struct fault found = {.code = ""};

    if (roles_check(config, role, &found) == OK) {
        return OK;
    }
    (void)yaml_refuse(yaml_find(root, role_option(role)), fault, found.code, "%s", found.message);
    fault_hint(fault, "%s", found.hint);
    return ERR_INVALID;
}

static enum err check_metrics(const struct yaml_node *root, const struct broker_config *config,
                              struct fault *fault)
{
    if (config->metrics_listen[0] != '\0' && !metrics_http_address(config->metrics_listen)) {
        return yaml_refuse(yaml_find(root, "metrics-listen"), fault, "config.metrics",
                           "expected 127.0.0.1:PORT: figures stay on this machine");
    }
    return OK;
}

static enum err check_all(const struct yaml_node *root, const struct broker_config *config,
                          struct fault *fault)
{
    static const enum role roles[] = {ROLE_OF_OBSERVERS, ROLE_OF_OPERATORS, ROLE_OF_AUDITORS};
    enum err result = OK;
    bool go_on =
        fault_go_on(check_listeners(yaml_find(root, "listen"), config, fault), fault, &result);

    if (go_on) {
        go_on = fault_go_on(check_laboratory(root, config, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(check_root(root, config, fault), fault, &result);
    }
    if (go_on) {
        go_on = fault_go_on(check_metrics(root, config, fault), fault, &result);
    }
    for (size_t i = 0; go_on && i < sizeof(roles) / sizeof(roles[0]); i++) {
        go_on = fault_go_on(check_role(root, config, roles[i], fault), fault, &result);
    }
    return result;
}

enum err broker_config_read(const char *path, struct broker_config *ret_config, struct fault *fault)
{
    const struct option_target target = {broker_option_table, ret_config, &ret_config->origin};
    struct yaml *yaml = NULL;
    enum err result = options_open(path, &target, &yaml, fault);

    if (yaml != NULL && (result == OK || fault_keep(fault)) &&
        options_readable(broker_option_table, yaml_root(yaml), "laboratory")) {
        (void)fault_go_on(check_all(yaml_root(yaml), ret_config, fault), fault, &result);
    }
    if (result == OK) { /* before anything is hashed, and before any key is read */
        result = crypto_claim((enum crypto_suite)(SUITE_INTL + ret_config->suite),
                              "the option suite", fault);
    }
    yaml_free(yaml);
    return result;
}

/* The agent's configuration: the table of options and the checks that a table cannot say. */
#include "agent/config.h"

#include <string.h>

#include "agent/notice/notice_config.h"
#include "base/crypto.h"
#include "io/link.h"

#define LABORATORY_OFFSET_MAX_MS (UINT64_C(86400000) * 365 * 20)

struct reading { /* the options, and what of them the notices read by themselves */
    struct agent_config config;
    const struct yaml_node *channels, *officers, *office_hours;
};

#define MEMBER(key, member_type, member)                                                           \
    .name = (key), .type = (member_type), .offset = offsetof(struct agent_config, member)
#define PATH(key, member) MEMBER(key, YAML_PATH, member), .size = CONFIG_PATH_BYTES
#define TEXT(key, member)                                                                          \
    MEMBER(key, YAML_TEXT, member), .size = sizeof(((struct agent_config *)0)->member)
#define NODE(key, member)                                                                          \
    .name = (key), .type = YAML_NODE, .offset = offsetof(struct reading, member)

const struct yaml_option agent_option_table[] = {
    {TEXT("agency", agency), .required = true,
     .help = "Whose agent this is: an id of the registry."},
    {TEXT("broker", broker), .required = true,
     .help = "Where the broker listens: tls+tcp://HOST:PORT."},
    {TEXT("broker-name", broker_name), .initial = "broker",
     .help = "The name in the broker's certificate."},
    {PATH("tls-certificate", tls_certificate),
     .help = "This agent's certificate (PEM) with its chain."},
    {PATH("tls-key", tls_key),
     .help = "The private key of that certificate; nobody else may read it."},
    {PATH("tls-authority", tls_authority),
     .help = "The broker is believed to be the broker when one of these authorities (PEM) signed "
             "its certificate."},
    {PATH("tls-crl", tls_crl), .live = true,
     .help =
         "Lists of revoked certificates (PEM), of each of these authorities, for the broker's; a "
         "reload takes what the file holds then."},
    {MEMBER("suite", YAML_CHOICE, suite), .initial = "intl", .choices = crypto_suite_names,
     .help =
         "The cryptography of this city, the same everywhere: intl (Ed25519, X25519, SHA-256) or "
         "sm (SM2, SM3, SM4). All keys, stores and backups are of one suite."},
    {MEMBER("tls-engine", YAML_CHOICE, tls_engine), .initial = "openssl",
     .choices = link_engine_names,
     .help = "The TLS library: openssl (TLS 1.3) or mbedtls (nng's own one)."},
    {PATH("sign-key", sign_key), .required = true,
     .help = "The key that signs every message and request; mode 0600."},
    {PATH("seal-key", seal_key), .required = true,
     .help = "The key that opens the bodies sealed to this agency; mode 0600."},
    {PATH("sign-key-next", sign_key_next),
     .help =
         "The next signing key, once the public keys have it: the agent goes over to it by itself "
         "when the broker takes the first one no more, and signs anew what still waits."},
    {MEMBER("seal-keys-old", YAML_LIST, seal_keys_old), .min = 1, .max = YAML_TEXTS_MAX,
     .size = CONFIG_PATH_BYTES,
     .help =
         "The sealing keys of before, the newest first: they open what was sealed to them, which "
         "seal-key cannot. Keep each for as long as its messages."},
    {PATH("store-key", store_key), .required = true,
     .help = "The key that encrypts this agent's store; mode 0600. Keep a copy apart from the "
             "store: without it nothing in the store can be read."},
    {PATH("public-keys", public_keys), .required = true,
     .help =
         "The public keys of all agencies and of the broker: whom this agent believes. The same "
         "file as `registry` where that is signed."},
    {PATH("registry", registry), .required = true,
     .help = "The agencies: the signed registry that the joint-meeting office gave out first. "
             "Newer versions come from the broker and are kept in the store."},
    {MEMBER("registry-root", YAML_TEXT, registry_root), .size = REGISTRY_ROOT_BYTES,
     .help = "The fingerprint of the joint-meeting office's root, whose signature the registry "
             "must have: 64 hexadecimal digits, compared by telephone. \"none\": the registry is "
             "not signed, and whoever can write the file decides who the agencies are."},
    {PATH("policy", policy), .required = true,
     .help = "What the city decided; the same as the broker's."},
    {PATH("calendars", calendars), .required = true, .live = true,
     .help = "The folder of calendars: every *.json in it, in the holiday-cn form."},
    {PATH("store", store), .required = true,
     .help = "The folder of the store, which is encrypted."},
    {MEMBER("store-mib", YAML_UNSIGNED, store_mib), .min = 16, .max = UINT64_C(1024) * 1024,
     .initial = "16384", .unit = "MiB", .help = "The most that the store can grow to."},
    {PATH("attachments", attachments),
     .help = "The folder of attachments, sealed files; left out: beside the store."},
    {PATH("evidence", evidence),
     .help = "The folder of what the broker was caught with, for others to judge; left out: beside "
             "the store. Never more than 99 files."},
    {MEMBER("attachments-percent", YAML_UNSIGNED, attachments_percent), .min = 1, .max = 100,
     .initial = "85", .unit = "% of its disk",
     .help = "Nothing is attached or fetched from there on."},
    {PATH("backup-folder", backup_folder),
     .help = "Where `referralctl agent backup` writes: best another disk. Left out: it is named "
             "with each backup."},
    {PATH("recovery-key", recovery_key),
     .help = "The public half of the agency's recovery key, to which backups are sealed; "
             "`referralctl keys recovery` makes the pair. Left out: there are no backups."},
    {MEMBER("backup-keep", YAML_UNSIGNED, backup_keep), .max = 1000, .initial = "14",
     .help = "The newest so many stay in that folder; 0 is all."},
    {PATH("socket", socket), .required = true,
     .help = "The unix socket for officers' scripts and referralctl: who may open it reads cases."},
    {PATH("notice-hook", notice_hook),
     .help = "A program that is run for every notice, with JSON on its standard input."},
    {MEMBER("notice-timeout", YAML_DURATION, notice_timeout_ms), .min = 1000, .max = 600000,
     .initial = "30s", .help = "How long that program may run."},
    {TEXT("web", web),
     .help = "ADDRESS:PORT of the officers' pages; left out: there are none. Beyond loopback they "
             "need web-certificate and web-key."},
    {PATH("web-certificate", web_certificate), .help = "The certificate (PEM) of these pages."},
    {PATH("web-key", web_key), .help = "The private key of that certificate."},
    {TEXT("web-proxy-header", web_proxy_header),
     .help = "The header by which a reverse proxy on this machine proves that it is it."},
    {PATH("web-proxy-secret", web_proxy_secret),
     .help = "The file with what that header must hold, 16 characters or more."},
    {NODE("channels", channels), .help = "By what officers are told: mail, chat robots, short "
                                         "messages, programs."},
    {NODE("officers", officers), .help = "Who is told, of what, by which channel."},
    {NODE("office-hours", office_hours), .initial = "08:30-12:00, 14:30-18:00",
     .help = "When officers are told, as a list of HH:MM-HH:MM; [] is any time."},
    {MEMBER("witness-every", YAML_DURATION, witness_ms), .min = 1000, .max = UINT64_C(86400000),
     .initial = "1m", .help = "How often this agent countersigns the broker's log while it grows."},
    {MEMBER("accept-gaps", YAML_BOOL, accept_gaps), .initial = "false",
     .help = "After the loss of this agent's store: go on where the broker stands."},
    {MEMBER("laboratory", YAML_BOOL, laboratory), .initial = "false",
     .help = "Plain connections, and a clock that follows the broker's. Never for real cases.",
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

static enum err check_broker(const struct yaml_node *root, const struct agent_config *config,
                             struct fault *fault)
{
    const struct yaml_node *node = yaml_find(root, "broker");
    bool tls = starts_with(config->broker, "tls+tcp://");
    bool plain = starts_with(config->broker, "tcp://127.") || starts_with(config->broker, "ipc://");

    if (node == NULL) {
        return OK; /* the table has refused that */
    }
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

/* What says who the agencies are is signed, unless somebody said that it is not. */
static enum err check_root(const struct yaml_node *root, const struct agent_config *config,
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

static bool is_loopback(const char *address)
{
    return starts_with(address, "127.") || starts_with(address, "[::1]:");
}

/* The first of the two that is given. */
static const struct yaml_node *given(const struct yaml_node *root, const char *one,
                                     const char *other)
{
    const struct yaml_node *node = yaml_find(root, one);

    return node != NULL ? node : yaml_find(root, other);
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
        return yaml_refuse(given(root, "web-certificate", "web-key"), fault, "config.web",
                           "web-certificate and web-key go together");
    }
    if ((config->web_proxy_header[0] != '\0') != (config->web_proxy_secret[0] != '\0')) {
        return yaml_refuse(given(root, "web-proxy-header", "web-proxy-secret"), fault, "config.web",
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

/* What the table's rows cannot judge one by one. `root` was read. */
static enum err check_all(struct reading *reading, const struct yaml_node *root,
                          struct fault *fault)
{
    static enum err (*const checks[])(const struct yaml_node *, const struct agent_config *,
                                      struct fault *) = {check_broker, check_laboratory, check_root,
                                                         check_web};
    enum err result = OK;
    bool go_on = true;

    for (size_t i = 0; go_on && i < sizeof(checks) / sizeof(checks[0]); i++) {
        go_on = fault_go_on(checks[i](root, &reading->config, fault), fault, &result);
    }
    if (go_on) {
        (void)fault_go_on(read_notices(reading, fault), fault, &result);
    }
    return result;
}

enum err agent_config_read(const char *path, struct agent_config *ret_config, struct fault *fault)
{
    struct reading reading = {.config = {.notices = NULL}};
    const struct option_target target = {agent_option_table, &reading, &reading.config.origin};
    struct yaml *yaml = NULL;
    enum err result = options_open(path, &target, &yaml, fault);

    if (yaml != NULL && (result == OK || fault_keep(fault)) &&
        options_readable(agent_option_table, yaml_root(yaml), "laboratory")) {
        (void)fault_go_on(check_all(&reading, yaml_root(yaml), fault), fault, &result);
    }
    if (result == OK) { /* before anything is hashed, and before any key is read */
        result = crypto_claim((enum crypto_suite)(SUITE_INTL + reading.config.suite),
                              "the option suite", fault);
    }
    if (result != OK) {
        notice_setup_free(reading.config.notices);
        reading.config.notices = NULL;
    }
    if (yaml != NULL) {
        reading.config.text_digest = crypto_digest(yaml_source(yaml));
    }
    *ret_config = reading.config;
    yaml_free(yaml);
    return result;
}

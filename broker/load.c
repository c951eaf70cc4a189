/* How: each file is read whether or not the others are right; what needs two of them waits for
 * both.
 */
#include "broker/load.h"

#include "base/certificate.h"
#include "base/crypto.h"
#include "base/file.h"
#include "io/calendar_folder.h"
#include "store/blobs.h"

struct link_tls loaded_tls(const struct broker_config *config)
{
    return (struct link_tls){.cert_file = config->tls_certificate,
                             .key_file = config->tls_key,
                             .ca_file = config->tls_authority,
                             .crl_file = config->tls_crl};
}

static bool is_named(const char *path)
{
    return path[0] != '\0';
}

/* The agencies, and their public keys. */
static enum err read_registry(struct loaded *loaded, struct fault *fault)
{
    const struct broker_config *config = &loaded->config;
    const struct registry_files files = {config->registry, config->public_keys,
                                         config->registry_root};
    enum err error = registry_files_load(&files, &loaded->agencies, fault);

    loaded->registry = loaded->agencies.registry;
    loaded->keyring = loaded->agencies.keyring;
    return error;
}

/* It names agencies. */
static enum err read_policy(struct loaded *loaded, struct fault *fault)
{
    const char *path = loaded->config.policy;
    bool may = is_named(path) && loaded->registry != NULL;
    enum err error = may ? file_read(path, &loaded->policy_text, fault) : OK;

    return error == OK && may ? policy_read(path, span_buf(&loaded->policy_text), loaded->registry,
                                            &loaded->policy, fault)
                              : error;
}

static enum err read_calendars(struct loaded *loaded, struct fault *fault)
{
    const char *path = loaded->config.calendars;

    return is_named(path) ? calendar_folder_load(path, &loaded->calendar, fault) : OK;
}

static enum err read_sign_key(struct loaded *loaded, struct fault *fault)
{
    uint8_t seed[KEY_FILE_SECRET_BYTES];
    enum err error;

    if (!is_named(loaded->config.sign_key)) {
        return OK;
    }
    error = key_file_read(loaded->config.sign_key, KEY_FILE_SIGN, seed, fault);
    if (error == OK) {
        sign_key_from_seed(seed, &loaded->key);
    }
    crypto_wipe(seed, sizeof(seed));
    return error == OK && loaded->keyring != NULL
               ? broker_check_key(loaded->keyring, &loaded->key, fault)
               : error;
}

static enum err read_store_key(struct loaded *loaded, struct fault *fault)
{
    const char *path = loaded->config.store_key;

    enum err error =
        is_named(path) ? key_file_read(path, KEY_FILE_STORE, loaded->store_key, fault) : OK;

    if (error == OK) { /* the key itself is wiped when the store is open */
        loaded->store_key_digest =
            crypto_digest(span_of(loaded->store_key, sizeof(loaded->store_key)));
    }
    return error;
}

/* Public, and only looked at here. */
static enum err read_recovery_key(struct loaded *loaded, struct fault *fault)
{
    const char *path = loaded->config.recovery_key;
    uint8_t key[KEY_FILE_SECRET_BYTES];

    return is_named(path) ? key_file_read_public(path, key, fault) : OK;
}

static enum err read_tls(struct loaded *loaded, struct fault *fault)
{
    const struct link_tls tls = loaded_tls(&loaded->config);
    const struct certificate_files files = {tls.cert_file, tls.key_file};
    enum err error;

    if (!is_named(tls.cert_file) || !is_named(tls.key_file) || !is_named(tls.ca_file)) {
        return OK;
    }
    error = link_engine_choose((enum link_engine)loaded->config.tls_engine, fault);
    if (error == OK) {
        error = certificate_files_check(&files, &loaded->tls_expiry_ms, fault);
    }
    return error == OK ? link_tls_check(&tls, fault) : error;
}

/* So that it is the same at a reload, and people see where they are. */
static enum err place_attachments(struct loaded *loaded, struct fault *fault)
{
    struct broker_config *config = &loaded->config;

    if (is_named(config->store) && !is_named(config->attachments) &&
        blobs_folder_beside(config->store, config->attachments, sizeof(config->attachments)) !=
            OK) {
        fault_set(fault, "config.too-long", "store", "no room for the path beside it");
        return ERR_TOO_LARGE;
    }
    return OK;
}

static enum err read_all(const char *path, struct loaded *loaded, struct fault *fault)
{
    static enum err (*const parts[])(struct loaded *, struct fault *) = {
        place_attachments, read_registry,  read_policy,       read_calendars,
        read_sign_key,     read_store_key, read_recovery_key, read_tls};
    enum err result = OK;
    bool go_on = fault_go_on(broker_config_read(path, &loaded->config, fault), fault, &result);

    for (size_t i = 0; go_on && i < sizeof(parts) / sizeof(parts[0]); i++) {
        go_on = fault_go_on(parts[i](loaded, fault), fault, &result);
    }
    return result;
}

enum err loaded_read(const char *path, struct loaded **ret_loaded, struct faults *faults)
{
    struct fault fault = {.code = "", .all = faults};
    struct loaded *loaded = crypto_secret_new(sizeof(*loaded));
    enum err error;

    faults->count = 0;
    faults->left_out = 0;
    if (loaded == NULL) {
        fault_set(&fault, "config.memory", path, "no memory to read the files");
        (void)fault_keep(&fault);
        return ERR_MEMORY;
    }
    registry_loaded_init(&loaded->agencies);
    buf_init(&loaded->policy_text, LIMIT_CONFIG_BYTES);
    error = read_all(path, loaded, &fault);
    faults_hint(faults, "mend this, then try --check again; the files in config/ explain each "
                        "setting");
    if (error != OK) {
        loaded_free(loaded);
        return error;
    }
    *ret_loaded = loaded;
    return OK;
}

void loaded_free(struct loaded *loaded)
{
    if (loaded == NULL) {
        return;
    }
    calendar_free(loaded->calendar);
    policy_free(loaded->policy);
    registry_loaded_free(&loaded->agencies);
    buf_free(&loaded->policy_text);
    crypto_secret_free(loaded);
}

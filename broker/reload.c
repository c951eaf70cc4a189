/* How: what is in force and what is fresh change places within the same structure, so that who
 * borrowed the configuration or the broker's key goes on with it. See reload.h. */
#include "broker/reload.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void needs_restart(const char *what, struct fault *fault, enum err *result)
{
    fault_set(fault, "config.restart", what, "has changed and needs a restart");
    fault_hint(fault, "put back what it was and reload the rest, or restart the service");
    (void)fault_go_on(ERR_REFUSED, fault, result);
}

/* Both are of one root, for that cannot be exchanged. */
static enum err judge_document(const struct loaded *old, const struct loaded *fresh,
                               struct fault *fault)
{
    const char *name = fresh->config.registry;
    enum err error =
        registry_document_follows(&old->agencies.document, &fresh->agencies.document, name, fault);

    if (error != OK || fresh->agencies.document.version == 0) {
        return error == ERR_EXISTS ? OK : error;
    }
    return keyring_follows(old->keyring, fresh->keyring, name, fault);
}

/* What a running broker cannot exchange. */
static enum err judge(const struct reload *reload, const struct loaded *fresh, struct fault *fault)
{
    const struct loaded *old = reload->loaded;
    enum err result = OK;

    if (!options_may_change(broker_option_table, &old->config, &fresh->config, fault)) {
        result = ERR_REFUSED;
    }
    if (memcmp(old->key.public_key, fresh->key.public_key, SIGN_PUBLIC_BYTES) != 0) {
        needs_restart("the key in sign-key", fault, &result);
    }
    if (!digest_equal(&old->store_key_digest, &fresh->store_key_digest)) {
        needs_restart("the key in store-key", fault, &result);
    }
    if (strcmp(keyring_origin(old->keyring), keyring_origin(fresh->keyring)) != 0) {
        needs_restart("the origin in public-keys", fault, &result);
    }
    (void)fault_go_on(judge_document(old, fresh, fault), fault, &result);
    if (registry_count(fresh->registry) > reload->agencies_max) {
        needs_restart("the number of agencies in registry", fault, &result);
    }
    (void)fault_go_on(
        registry_follows(old->registry, fresh->registry, fresh->config.registry, fault), fault,
        &result);
    return result;
}

static enum err refused(struct reload *reload, uint64_t now_ms, enum err error)
{
    reload->refused_ms = now_ms;
    log_faults(EVENT_CONFIG_REFUSED, &reload->faults);
    log_event(EVENT_CONFIG_KEPT,
              "mistakes: %zu; nothing was reloaded, the old configuration stays in force",
              reload->faults.count + reload->faults.left_out);
    return error;
}

enum err reload_read(struct reload *reload, uint64_t now_ms, struct loaded **ret_fresh)
{
    struct fault fault = {.code = "", .all = &reload->faults};
    struct loaded *fresh = NULL;
    enum err error = loaded_read(reload->path, &fresh, &reload->faults);

    if (error == OK) {
        error = judge(reload, fresh, &fault);
    }
    if (error != OK) {
        loaded_free(fresh);
        return refused(reload, now_ms, error);
    }
    *ret_fresh = fresh;
    return OK;
}

static void change_places(struct loaded *one, struct loaded *other)
{
    struct loaded kept = *one;

    *one = *other;
    *other = kept;
    crypto_wipe(&kept, sizeof(kept));
}

static void tell(const struct reload *reload, const struct loaded *old)
{
    const struct loaded *now = reload->loaded;

    if (!digest_equal(calendar_digest(old->calendar), calendar_digest(now->calendar))) {
        log_event(EVENT_CALENDAR_CHANGED,
                  "calendar %s takes the place of %s: open windows are re-dated",
                  calendar_version(now->calendar), calendar_version(old->calendar));
    }
    log_event(EVENT_CONFIG_RELOADED, "a new configuration is in force: %zu agencies, calendar %s",
              registry_count(now->registry), calendar_version(now->calendar));
}

/* The certificates are the one thing that can still fail. */
static enum err reload_tls(const struct reload *reload, const struct loaded *fresh,
                           struct fault *fault)
{
    const struct link_tls tls = loaded_tls(&fresh->config);

    return reload->link != NULL && tls.cert_file[0] != '\0'
               ? link_server_reload_tls(reload->link, &tls, fault)
               : OK;
}

enum err reload_apply(struct reload *reload, uint64_t now_ms, struct loaded *fresh)
{
    struct fault fault = {.code = "", .all = &reload->faults};
    const struct broker_rules rules = {.registry = fresh->registry,
                                       .policy = fresh->policy,
                                       .calendar = fresh->calendar,
                                       .keyring = fresh->keyring,
                                       .registry_text = registry_loaded_agencies(&fresh->agencies),
                                       .document = fresh->agencies.document,
                                       .policy_text = span_buf(&fresh->policy_text)};
    enum err error = reload_tls(reload, fresh, &fault);

    if (error == OK) {
        error = broker_exchange(reload->broker, &rules);
    }
    if (error != OK) {
        if (fault.code[0] == '\0') {
            fault_set(&fault, "config.memory", "", "no memory for it");
        }
        (void)fault_keep(&fault);
        loaded_free(fresh);
        return refused(reload, now_ms, error);
    }
    change_places(reload->loaded, fresh);
    tell(reload, fresh);
    loaded_free(fresh);
    reload->done_ms = now_ms;
    reload->faults.count = 0;
    return OK;
}

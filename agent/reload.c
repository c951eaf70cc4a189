/* How: what differs from what is in force is found by digests and by the table of options. */
#include "agent/reload.h"

#include <stdlib.h>
#include <string.h>

#include "agent/notice/notice.h"
#include "base/log.h"

/* The secrets of the channels are files that may have changed by themselves. */
static bool same_secrets(const struct notice_setup *before, const struct notice_setup *after)
{
    bool same = before->channel_count == after->channel_count;

    for (size_t i = 0; same && i < before->channel_count; i++) {
        const struct notice_channel *one = &before->channels[i], *other = &after->channels[i];

        same = strcmp(one->password, other->password) == 0 &&
               strcmp(one->token, other->token) == 0 && strcmp(one->key, other->key) == 0;
    }
    return same;
}

static enum err judge(const struct loaded *before, const struct loaded *after, struct fault *fault)
{
    const struct digest keys_before = keyring_digest(before->keyring);
    const struct digest keys_after = keyring_digest(after->keyring);
    /* What runs follows the broker's newest; the file counts at a start. */
    const bool is_signed = before->agencies.document.version != 0;
    const struct {
        const char *what;
        bool same;
    } parts[] = {
        {"the agencies in registry", is_signed || digest_equal(registry_digest(before->registry),
                                                               registry_digest(after->registry))},
        {"the policy", digest_equal(&before->policy->digest, &after->policy->digest)},
        {"the keys in public-keys", is_signed || digest_equal(&keys_before, &keys_after)},
        {"the key in sign-key",
         memcmp(before->sign_key.public_key, after->sign_key.public_key, SIGN_PUBLIC_BYTES) == 0},
        {"the key in sign-key-next",
         memcmp(before->sign_key_next.public_key, after->sign_key_next.public_key,
                SIGN_PUBLIC_BYTES) == 0},
        {"the key in seal-key",
         memcmp(before->seal_key.public_key, after->seal_key.public_key, SEAL_PUBLIC_BYTES) == 0},
        {"the key in store-key", digest_equal(&before->store_key_digest, &after->store_key_digest)},
        {"the secret of a channel", same_secrets(before->config.notices, after->config.notices)},
        {"something of channels, officers or office-hours, or a comment,",
         digest_equal(&before->config.text_digest, &after->config.text_digest)},
    };
    enum err result = options_may_change(agent_option_table, &before->config, &after->config, fault)
                          ? OK
                          : ERR_REFUSED;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        bool told = i + 1 == sizeof(parts) / sizeof(parts[0]) && result != OK;

        if (!parts[i].same && !told) { /* the text differs with any option */
            fault_set(fault, "config.restart", parts[i].what, "has changed and needs a restart");
            fault_hint(fault, "put back what it was and reload the rest, or restart the service");
            (void)fault_go_on(ERR_REFUSED, fault, &result);
        }
    }
    return result;
}

static enum err refuse(const struct faults *faults, enum err error, struct fault *fault)
{
    struct faults *all = fault->all;

    log_faults(EVENT_CONFIG_REFUSED, faults);
    *fault = faults->rows[0];
    fault->all = all;
    if (faults->count > 1) {
        fault_hint(fault, "%.200s; %zu more are in the agent's log", faults->rows[0].hint,
                   faults->count + faults->left_out - 1);
    }
    return error;
}

enum err reload_calendar(const struct loaded *loaded, struct calendar **ret_calendar,
                         struct fault *fault)
{
    struct faults *faults = calloc(1, sizeof(*faults));
    struct fault found = {.code = "", .all = faults};
    struct loaded *fresh = NULL;
    enum err error;

    if (faults == NULL) {
        fault_set(fault, "config.memory", "", "no memory to read the files");
        return ERR_MEMORY;
    }
    error = loaded_read(loaded->config.origin.file, &fresh, faults);
    if (error == OK) {
        error = judge(loaded, fresh, &found);
    }
    if (error == OK) {
        *ret_calendar = fresh->calendar;
        fresh->calendar = NULL;
    } else {
        error = refuse(faults, error, fault);
    }
    loaded_free(fresh);
    free(faults);
    return error;
}

/* What the agent's files say, read and checked as one: the configuration, and the registry, policy,
 * calendars, keys and certificates that it names. At the start, for --check, and for a reload,
 * which reads everything anew beside what is in force. It has the secret keys, and so lies in
 * memory that no core image has. Main thread; nothing is kept open. */
#ifndef REFERRAL_AGENT_LOAD_H
#define REFERRAL_AGENT_LOAD_H

#include "agent/agent.h"
#include "agent/config.h"
#include "base/key_file.h"
#include "io/link.h"

struct loaded {
    struct agent_config config;
    struct buf policy_text;
    struct registry_loaded agencies; /* the next two are its own */
    struct registry *registry;
    struct policy *policy;
    struct calendar *calendar;
    struct keyring *keyring;
    struct sign_key sign_key;
    struct sign_key sign_key_next; /* has_next */
    struct seal_key seal_key;
    struct seal_key seal_keys_old[YAML_TEXTS_MAX]; /* seal_key.older leads to them */
    bool has_next;
    uint8_t store_key[KEY_FILE_SECRET_BYTES];
    struct digest store_key_digest;
    uint64_t tls_expiry_ms; /* of the certificate; 0: there is none */
};

/* Reads all that can be read and says all that is wrong: OK with everything in `ret_loaded`, the
 * caller's (loaded_free); otherwise `faults` has one row or more. */
enum err loaded_read(const char *path, struct loaded **ret_loaded,
                     struct faults *faults) MUST_CHECK;
void loaded_free(struct loaded *loaded); /* wipes; NULL allowed */

struct link_tls loaded_tls(const struct agent_config *config);

#endif

/* The agent's configuration file: one table of options, read at start and at a reload, never kept
 * open.
 *
 * Paths are joined to the file's own folder. Main thread. agent.yaml(5) is printed from the table.
 */
#ifndef REFERRAL_AGENT_CONFIG_H
#define REFERRAL_AGENT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/option.h"
#include "wire/registry_document.h"

#define CONFIG_PATH_BYTES 512

struct notice_setup;

struct agent_config {
    char agency[LIMIT_AGENCY_ID_BYTES];
    char broker[CONFIG_PATH_BYTES]; /* nng url */
    char broker_name[64];           /* in its certificate */
    char tls_certificate[CONFIG_PATH_BYTES];
    char tls_key[CONFIG_PATH_BYTES];
    char tls_authority[CONFIG_PATH_BYTES];
    char tls_crl[CONFIG_PATH_BYTES]; /* "": none */
    int suite;                       /* in the order of crypto_suite_names */
    int tls_engine;                  /* enum link_engine */
    char sign_key[CONFIG_PATH_BYTES];
    char seal_key[CONFIG_PATH_BYTES];
    char sign_key_next[CONFIG_PATH_BYTES]; /* empty: there is none */
    struct yaml_texts seal_keys_old;       /* paths, the newest first */
    char store_key[CONFIG_PATH_BYTES];
    char public_keys[CONFIG_PATH_BYTES];
    char registry[CONFIG_PATH_BYTES];
    char registry_root[REGISTRY_ROOT_BYTES]; /* fingerprint, "none"; empty: a laboratory's */
    char policy[CONFIG_PATH_BYTES];
    char calendars[CONFIG_PATH_BYTES];     /* folder */
    char store[CONFIG_PATH_BYTES];         /* folder */
    char attachments[CONFIG_PATH_BYTES];   /* folder; empty: beside the store */
    char backup_folder[CONFIG_PATH_BYTES]; /* empty: named with each backup */
    char recovery_key[CONFIG_PATH_BYTES];  /* the public half; empty: no backups */
    uint64_t backup_keep;                  /* in that folder; 0: all */
    char evidence[CONFIG_PATH_BYTES];      /* folder; empty: beside the store */
    uint64_t attachments_percent;          /* of its disk: nothing is attached or fetched above */
    uint64_t store_mib;
    char socket[CONFIG_PATH_BYTES];
    char notice_hook[CONFIG_PATH_BYTES]; /* empty: none */
    uint64_t notice_timeout_ms;
    struct notice_setup *notices; /* owned: notice_setup_free; the hook is one of its channels */
    uint64_t witness_ms;
    char web[64];                            /* address and port of the inbox; empty: none */
    char web_certificate[CONFIG_PATH_BYTES]; /* empty: plain HTTP */
    char web_key[CONFIG_PATH_BYTES];
    char web_proxy_header[64];                /* of a reverse proxy that says who it is */
    char web_proxy_secret[CONFIG_PATH_BYTES]; /* file */
    struct option_origin origin;
    struct digest text_digest; /* of the whole file */
    bool accept_gaps;
    bool laboratory;
    uint64_t laboratory_behind_ms;
};

extern const struct yaml_option agent_option_table[];

/* Reads and checks the file; the fault has file:line:column. On failure the paths that could be
 * read are there, for who looks for more mistakes; nothing is owned then. */
enum err agent_config_read(const char *path, struct agent_config *ret_config,
                           struct fault *fault) MUST_CHECK;

#endif

/* The broker's configuration file: one table of options, read at start and at a reload, never kept
 * open.
 *
 * Everything that a city sets and that is not an agency, a rule or a calendar day. Paths are
 * joined to the file's own folder. Main thread. broker.yaml(5) is printed from the table. */
#ifndef REFERRAL_BROKER_CONFIG_H
#define REFERRAL_BROKER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/option.h"
#include "wire/registry_document.h"

#define CONFIG_PATH_BYTES  512
#define CONFIG_LISTEN_MAX  4
#define CONFIG_GROUP_BYTES 33 /* a group's name, with the NUL */

struct broker_config {
    struct yaml_texts listen; /* nng urls */
    char tls_certificate[CONFIG_PATH_BYTES];
    char tls_key[CONFIG_PATH_BYTES];
    char tls_authority[CONFIG_PATH_BYTES];
    char tls_crl[CONFIG_PATH_BYTES]; /* "": none */
    int suite;                       /* in the order of crypto_suite_names */
    int tls_engine;                  /* enum link_engine */
    char sign_key[CONFIG_PATH_BYTES];
    char store_key[CONFIG_PATH_BYTES];
    char public_keys[CONFIG_PATH_BYTES];
    char registry[CONFIG_PATH_BYTES];
    char registry_root[REGISTRY_ROOT_BYTES]; /* fingerprint, "none"; empty: a laboratory's */
    char policy[CONFIG_PATH_BYTES];
    char calendars[CONFIG_PATH_BYTES];     /* folder */
    char store[CONFIG_PATH_BYTES];         /* folder */
    char attachments[CONFIG_PATH_BYTES];   /* folder; empty: beside the store */
    uint64_t attachments_percent;          /* of its disk: new ones are refused from there on */
    uint64_t store_mib;                    /* the whole map, from the start */
    bool store_reserve;                    /* its disk space is taken when the store is created */
    char backup_folder[CONFIG_PATH_BYTES]; /* empty: named with each backup */
    char recovery_key[CONFIG_PATH_BYTES];  /* the public half; empty: no backups */
    uint64_t backup_keep;                  /* in that folder; 0: all */
    uint64_t standby_journal_mib;          /* of the last changes, for a standby; 0: none */
    char standby_of[CONFIG_PATH_BYTES];    /* a standby's: the other broker's status socket */
    char status_socket[CONFIG_PATH_BYTES];
    char status_groups[3][CONFIG_GROUP_BYTES]; /* of observers, operators, auditors; or empty */
    char metrics_listen[64];                   /* address and port on the loopback; empty: none */
    uint64_t connections_max;                  /* 0: LIMIT_CONNECTIONS_EACH for each agency */
    uint64_t laboratory_behind_ms; /* the wall clock starts so far in the past; laboratory only */
    struct option_origin origin;
    bool laboratory; /* plain listeners, loopback only, clocks that can be moved */
};

extern const struct yaml_option broker_option_table[];

/* Reads and checks the file; the fault has file:line:column. On failure the paths that could be
 * read are there, for who looks for more mistakes. */
enum err broker_config_read(const char *path, struct broker_config *ret_config,
                            struct fault *fault) MUST_CHECK;

#endif

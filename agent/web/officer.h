/* The officers of this agency who may use the inbox: rows of the agent's store.
 *
 * A password is kept as an Argon2id hash only. Five wrong passwords in a row lock an officer for
 * fifteen minutes; whether an officer exists is never told. Hashing takes some 60 ms and 64 MiB: on
 * the thread pool, by login.c; the rest here is for the loop thread. Durable on return. */
#ifndef REFERRAL_AGENT_WEB_OFFICER_H
#define REFERRAL_AGENT_WEB_OFFICER_H

#include "agent/web/catalogue.h"
#include "base/json.h"
#include "base/password.h"
#include "store/store.h"

#define OFFICER_NAME_BYTES      33u /* by which one logs in, with the NUL */
#define OFFICER_SHOWN_BYTES     97u /* the name that people read, with the NUL */
#define OFFICER_FAILURES_MAX    5u
#define OFFICER_LOCKED_MS       (15u * 60u * 1000u)
#define OFFICER_PASSWORD_LENGTH 10u /* characters, at the least */

enum officer_role {                           /* stored bits */
                    OFFICER_MEMBER = 1u << 0, /* 经办人: refers, signs for, feeds back */
                    OFFICER_LEADER = 1u << 1, /* 分管领导: reads, supervises */
                    OFFICER_MANAGER = 1u << 2, /* 管理员: officers and their passwords; no cases */
};

struct officer {
    char name[OFFICER_NAME_BYTES];    /* a-z, 0-9, "-", "." and "_"; a letter first */
    char shown[OFFICER_SHOWN_BYTES];  /* 高娃 */
    char office[OFFICER_SHOWN_BYTES]; /* 社会救助科; empty: the agency's liaison office */
    uint32_t roles;
    char password[PASSWORD_HASH_BYTES]; /* empty: cannot log in by password */
    bool must_change;                   /* the password was given by somebody else */
    bool disabled;
    uint32_t failures;        /* in a row */
    uint64_t locked_until_ms; /* wall time */
    uint64_t last_login_ms;
    enum language language;
    bool large;
};

bool officer_name_valid(const char *name);
/* Comma-separated ids of roles: "member,leader". 0: one of them is none. */
uint32_t officer_roles_parse(const char *text);
/* ERR_NOT_FOUND. */
enum err officer_get(struct store *store, const char *name, struct officer *ret_officer) MUST_CHECK;
/* Adds or replaces. */
enum err officer_put(struct store *store, const struct officer *officer) MUST_CHECK;
/* The one behind `after` ("": from the first) by name. ERR_NOT_FOUND at the end. */
enum err officer_next(struct store *store, const char *after,
                      struct officer *ret_officer) MUST_CHECK;
bool officer_locked(const struct officer *officer, uint64_t now_ms);
/* What a wrong or a right password does; the caller writes the row. */
void officer_failed(struct officer *officer, uint64_t now_ms);
void officer_entered(struct officer *officer, uint64_t now_ms);
/* What is written when nobody of the name may log in: the answer takes as long as a wrong
 * password's.
 */
enum err officer_nobody(struct store *store, uint64_t now_ms) MUST_CHECK;
/* A password that can be read out: 4 groups of 4, no look-alikes. */
#define OFFICER_GIVEN_BYTES 20u
void officer_password_new(char out[OFFICER_GIVEN_BYTES]);

#endif

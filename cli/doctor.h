/* The checks of `doctor` and `agent doctor`: a table of functions, each of which looks at one thing
 * and says how it stands, by what evidence, and what to do next. They go by the daemon's own
 * answers where it can be asked, and by its files and addresses where it cannot: a daemon that is
 * down must be understood, too. Nothing is changed. Main thread. */
#ifndef REFERRAL_CLI_DOCTOR_H
#define REFERRAL_CLI_DOCTOR_H

#include "base/json.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/host_config.h"
#include "cli/lights.h"
#include "model/calendar.h"

#define FINDINGS_MAX   64u
#define EVIDENCE_BYTES 512u
#define NEXT_BYTES     320u

struct finding {
    enum light light;
    char evidence[EVIDENCE_BYTES];
    char next[NEXT_BYTES]; /* "": nothing is to be done */
};

struct findings { /* of one check */
    struct finding rows[FINDINGS_MAX];
    size_t count;
    size_t left_out; /* there was no room for these */
};

struct doctor { /* what checks look at */
    const struct invocation *invocation;
    bool agent;                      /* of an agency's host; else of the broker's */
    char socket[CONTEXT_PATH_BYTES]; /* of the daemon */
    struct host_config config;
    struct fault config_fault;              /* why the file was not read; "": it was */
    enum err reached;                       /* OK: the daemon answered with `status` */
    struct fault refusal;                   /* why not, where it answered something else */
    struct json *status, *agencies, *queue; /* owned; NULL: not answered */
    struct calendar *calendar;              /* owned; of the configured folder; NULL: none */
    uint64_t wall_ms;                       /* of this host */
    uint64_t disk_percent;                  /* where a disk begins to be a warning */
};

enum check_needs {
    NEEDS_NOTHING,
    NEEDS_CONFIG,
    NEEDS_DAEMON, /* that answers */
    NEEDS_BROKER, /* and is no standby of one */
};

struct check {
    const char *name; /* stable */
    const char *what; /* for help: what it looks at */
    enum check_needs needs;
    void (*run)(const struct doctor *doctor, struct findings *findings);
};

/* The tables; both end with a NULL name. */
extern const struct check broker_checks[];
extern const struct check agent_checks[];

/* Adds a finding; `next` NULL: nothing is to be done. */
void doctor_found(struct findings *findings, enum light light, const char *next, const char *fmt,
                  ...) FORMAT(4, 5);
/* The gravest of a check's findings. */
enum light doctor_light(const struct findings *findings);
/* The broker's time where it answers, else this host's. */
uint64_t doctor_now_ms(const struct doctor *doctor);
/* Working days from this host's today to that instant by the city's calendar, 0 when it is past;
 * without a calendar five of seven. */
uint64_t doctor_working_days(const struct doctor *doctor, uint64_t until_ms);

/* --- doctor_host.c: what both daemons have on their hosts --- */

void check_reach(const struct doctor *doctor, struct findings *findings);
void check_configuration(const struct doctor *doctor, struct findings *findings);
void check_rights(const struct doctor *doctor, struct findings *findings);
void check_certificates(const struct doctor *doctor, struct findings *findings);
void check_keys(const struct doctor *doctor, struct findings *findings);
void check_disk(const struct doctor *doctor, struct findings *findings);
void check_store(const struct doctor *doctor, struct findings *findings);
void check_backup(const struct doctor *doctor, struct findings *findings); /* doctor_broker.c */
void check_calendar_files(const struct doctor *doctor, struct findings *findings);
/* Connects to "scheme://HOST:PORT" within two seconds; ERR_INVALID: no such address. */
enum err doctor_connect(const char *url) MUST_CHECK;

#endif

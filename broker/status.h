/* The status socket: what administrators ask a running broker, one JSON object a line each way.
 *
 * {"cmd":"status"} answers {"schema":1,"ok":true,...}; a refusal is {"ok":false,"code":...,
 * "message":...,"hint":...}. Questions read only committed rows; a change is an act (acts.h), done
 * when it is answered. No personal data is known here. Readable with socat; referralctl draws the
 * tables. Loop thread. docs/status-socket.md lists the commands, docs/status.schema.json each
 * answer.
 */
#ifndef REFERRAL_BROKER_STATUS_H
#define REFERRAL_BROKER_STATUS_H

#include "base/json.h"
#include "broker/backup.h"
#include "broker/broker.h"
#include "broker/roles.h"
#include "broker/standby_watch.h"
#include "io/clock.h"
#include "io/link.h"

struct reload;
struct subscriptions;

#define STATUS_SCHEMA 1u /* of docs/status.schema.json; a higher one breaks old readers */

struct status_context {
    struct broker *broker;
    const struct status_peer *peer;      /* who asks */
    const struct broker_config *config;  /* whose groups are named in refusals; NULL in tests */
    struct backups *backup;              /* NULL in tests */
    struct reload *reload;               /* NULL in tests */
    struct standby_watch *standby;       /* who follows; NULL in tests */
    struct clock *clock;                 /* whose offsets a laboratory moves */
    struct link_server *link;            /* NULL in tests */
    const struct store_check *check;     /* NULL in tests */
    struct subscriptions *subscriptions; /* likewise */
    void (*turn)(void *ctx);             /* asks for a turn, after a command that needs one */
    void *ctx;
    /* filled by status_answer */
    bool *later; /* set: the answer comes by another way, this one is empty */
    const char *command;
    const char *role; /* by which it may be asked */
};

/* Answers one line into `out`, without a newline; empty: the answer comes later. */
enum err status_answer(const struct status_context *ctx, struct span line,
                       struct buf *out) MUST_CHECK;

/* The id of whoever acts for this number now: itself, or its successor; "" for a stranger. */
const char *status_acting_id(const struct status_context *ctx, uint16_t number);

/* Each of these writes members into an open object, or refuses with a fault. */

/* --- status_overview.c --- */

enum err status_status(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_agencies(const struct status_context *ctx, const struct json_value *request,
                         struct json_writer *out, struct fault *fault) MUST_CHECK;
/* How old what waits is, by agency. */
enum err status_queue(const struct status_context *ctx, const struct json_value *request,
                      struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_audit.c --- */

enum err status_audit_tail(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_dead.c --- */

enum err status_dead_list(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_dead_show(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_dead_retry(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_dead_drop(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;
/* Those that nobody settled. */
enum err status_dead_count(const struct status_context *ctx, struct store_txn *read,
                           uint64_t *ret_count) MUST_CHECK;

/* --- status_agency.c --- */

enum err status_agency_suspend(const struct status_context *ctx, const struct json_value *request,
                               struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_agency_resume(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_key_revoke(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_ping(const struct status_context *ctx, const struct json_value *request,
                     struct json_writer *out, struct fault *fault) MUST_CHECK;
/* The line that answers `ping`, whose tag is the peer's handle. */
enum err status_ping_answer(const struct status_context *ctx, const struct ping_result *result,
                            struct buf *out) MUST_CHECK;

/* --- status_metrics.c --- */

enum err status_metrics(const struct status_context *ctx, const struct json_value *request,
                        struct json_writer *out, struct fault *fault) MUST_CHECK;
/* The text alone, of at most 512 KiB. */
enum err status_metrics_text(const struct status_context *ctx, struct buf *out) MUST_CHECK;

/* --- status_config.c --- */

enum err status_config(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_config_reload(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_subscribe.c --- */

enum err status_recovery_show(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_recovery_go_on(const struct status_context *ctx, const struct json_value *request,
                               struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_subscribe(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_clock.c --- */

void status_clock_write(const struct status_context *ctx, struct json_writer *out);
enum err status_clock_show(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_clock_confirm(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_clock_reset(const struct status_context *ctx, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_lab_clock(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_case.c, status_due.c, status_why.c, status_documents.c, status_voids.c: referrals and
 * matters --- */

enum err status_case(const struct status_context *ctx, const struct json_value *request,
                     struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_due(const struct status_context *ctx, const struct json_value *request,
                    struct json_writer *out, struct fault *fault) MUST_CHECK;
/* Every clock that is past its day, of a case or of all, and who holds it. */
enum err status_late(const struct status_context *ctx, const struct json_value *request,
                     struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_why(const struct status_context *ctx, const struct json_value *request,
                    struct json_writer *out, struct fault *fault) MUST_CHECK;
/* Numbers that were refused or left out, by agency. */
enum err status_voids(const struct status_context *ctx, const struct json_value *request,
                      struct json_writer *out, struct fault *fault) MUST_CHECK;
/* status_policy.c: the policies that the broker worked by. */
enum err status_policy(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_documents(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_backup.c --- */

void status_recovery_write(const struct status_context *ctx, struct json_writer *out);
void status_backup_write(const struct status_context *ctx, struct json_writer *out);
enum err status_backup(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_backup_show(const struct status_context *ctx, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_standby.c: what a standby asks, and what is shown of it --- */

void status_standby_write(const struct status_context *ctx, struct json_writer *out);
enum err status_standby_show(const struct status_context *ctx, const struct json_value *request,
                             struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_standby_hello(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_standby_read(const struct status_context *ctx, const struct json_value *request,
                             struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_standby_rows(const struct status_context *ctx, const struct json_value *request,
                             struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err status_standby_attachment(const struct status_context *ctx,
                                   const struct json_value *request, struct json_writer *out,
                                   struct fault *fault) MUST_CHECK;
enum err status_standby_hand_over(const struct status_context *ctx,
                                  const struct json_value *request, struct json_writer *out,
                                  struct fault *fault) MUST_CHECK;

/* --- status_calendar.c --- */

/* The year whose holiday notice is missed today, 0 none. */
uint64_t status_missing_year(const struct status_context *ctx);
enum err status_calendar(const struct status_context *ctx, const struct json_value *request,
                         struct json_writer *out, struct fault *fault) MUST_CHECK;
/* Every open clock that a calendar can move, some an answer: what `calendar import` previews. */
enum err status_windows(const struct status_context *ctx, const struct json_value *request,
                        struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- status_statistics.c --- */

enum err status_referrals(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;

#endif

/* Work done in a process of its own, because hostile data may crash it. The parent must have no
 * threads. Nothing is durable but what the work makes so. */
#ifndef REFERRAL_VERIFY_APART_H
#define REFERRAL_VERIFY_APART_H

#include "report.h"

/* May fill the report as it likes; the report is what the parent gets. */
typedef void (*apart_fn)(void *ctx, struct report *report);

/* Runs `work` and hands on its report; a crash is reported as VERDICT_UNREADABLE. */
void apart_run(apart_fn work, void *ctx, struct report *ret_report);

/* The same for work that prints by itself, all at once at its end, and answers the exit status. A
 * crash before that is VERDICT_UNREADABLE, and said. */
typedef int (*apart_print_fn)(void *ctx);
int apart_print(apart_print_fn work, void *ctx, bool json);

#endif

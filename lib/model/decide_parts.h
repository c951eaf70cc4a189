/* What the files of model/decide share: a decision while it is made. Nobody else includes it.
 * Pure; any thread. */
#ifndef REFERRAL_MODEL_DECIDE_PARTS_H
#define REFERRAL_MODEL_DECIDE_PARTS_H

#include "model/decide.h"

struct deciding {
    const struct decide_context *ctx;
    const struct message *message; /* NULL: the time or a new calendar is what is decided */
    struct decision *decision;
    struct referral *after; /* the decision's; of a matter: unused */
    struct matter *matter;  /* the decision's; of a referral: unused */
};

/* ---- of referrals and of matters ---- */

bool deciding_check_signer(struct deciding *deciding);
bool deciding_check_message(struct deciding *deciding);
/* The sender's files come before the message that names them. */
bool deciding_check_attachments(struct deciding *deciding);
/* The receipt must name exactly what is queued there. */
bool deciding_check_item(struct deciding *deciding);

/* Adds a copy of an effect, for each agency whoever acts for it now, and lends it. What is about
 * one clock starts from one effect that describes it: window, agency that must act, agency that
 * waits, lane. */
struct effect *deciding_add(struct deciding *deciding, const struct effect *base);
/* Adds a notice about the clock of an effect to one agency and lends it. */
struct effect *deciding_notify(struct deciding *deciding, const struct effect *about,
                               enum message_kind notice, uint16_t agency, uint32_t roles);
/* Tells those whom the ladder names for the effect's rung. */
void deciding_tell(struct deciding *deciding, const struct effect *about, enum message_kind notice);
/* Raises base.rung: the effect, its number where it is a document, and who is told. The caller
 * keeps the document by the number that is answered. */
struct number_counter deciding_raise(struct deciding *deciding, const struct effect *base);
/* The clock of an effect, as notices name it: tasks and duties share one numbering. */
enum referral_task deciding_task_of(const struct effect *effect);
/* The document's cause is gone: the effect, and who is told. */
void deciding_resolved(struct deciding *deciding, const struct effect *base, uint32_t year,
                       uint32_t counter);
/* The clock has a new date, or is no longer provisional: the effect, and both sides are told. */
void deciding_redated(struct deciding *deciding, const struct effect *base,
                      const struct redating *redating);
/* The signer's rejection goes back to the one whose message it was. */
void deciding_sent_back(struct deciding *deciding, const struct effect *base, uint16_t agency);

/* The broker's dates of a window, as a notice tells them. False: no such date. */
bool deciding_window_take(struct window *window, enum clock_kind kind,
                          const struct notice_facts *facts);

/* ---- of referrals ---- */

/* Begins: the state before (NULL: none), no effects, no refusal. */
void deciding_begin(struct deciding *deciding, const struct decide_context *ctx,
                    const struct referral *before, struct decision *decision);
/* Ends: computes the next due instant. */
void deciding_end(struct deciding *deciding);
/* Refuses: the state is as before, no effects. Answers false. */
bool deciding_refuse(struct deciding *deciding, enum refusal refusal, const char *fmt, ...)
    FORMAT(3, 4);

/* Who acts for this agency at the turn's now: itself, or its successor. */
uint16_t deciding_acting(const struct deciding *deciding, uint16_t agency);
/* Does the signer speak for this agency: is it that agency, or one of the successors whose day has
 * come? Whoever has left since still finishes and acknowledges what came to it. */
bool deciding_speaks_for(const struct deciding *deciding, uint16_t agency);
/* Refuses to write to an agency that has left, and names who acts for it. NULL: has not. */
bool deciding_has_stayed(struct deciding *deciding, const char *path, const struct agency *agency);
/* Refuses a message that opens something when its sender or an addressee has left. */
bool deciding_nobody_left(struct deciding *deciding);
/* Is there room for another referral or matter in the case? What is `reserved` for a procuratorate
 * finds a quarter more. */
bool deciding_room_in_case(struct deciding *deciding, bool reserved);

/* The effect that describes a clock of the referral as it is now. */
struct effect deciding_clock(const struct deciding *deciding, enum effect_kind kind,
                             enum referral_clock clock);
/* Adds an effect about a clock, filled with the clock as it is now, and lends it. */
struct effect *deciding_effect(struct deciding *deciding, enum effect_kind kind,
                               enum referral_clock clock);
/* Adds a notice to one agency about a clock and lends it. */
struct effect *deciding_notice(struct deciding *deciding, enum message_kind notice, uint16_t agency,
                               uint32_t roles, enum referral_clock clock);
/* The message itself goes on to this agency. */
void deciding_queue(struct deciding *deciding, uint16_t agency);

/* Starts a clock with this number at now. */
void deciding_clock_open(struct deciding *deciding, enum referral_clock clock, uint32_t number);
/* Stops it, if it is running. Its documents are resolved by deciding_resolve_all. */
void deciding_clock_stop(struct deciding *deciding, enum referral_clock clock);
/* `resolved` for every open document of the clock, and they are open no longer. */
void deciding_resolve_all(struct deciding *deciding, enum referral_clock clock);
/* The same for the documents of these rungs only. */
void deciding_resolve(struct deciding *deciding, enum referral_clock clock, struct rung_set rungs);

/* Opens the next feedback window at now, with its leaf and the notice to the agency that waits. */
void deciding_window_open(struct deciding *deciding, uint64_t agent_received_ms);

/* The handlers of decide_answers.c, one per kind of event. False: refused. */
bool decide_sign_for(struct deciding *deciding);
bool decide_feedback(struct deciding *deciding);
bool decide_informed(struct deciding *deciding);
bool decide_papers_sent(struct deciding *deciding);
bool decide_papers_reported(struct deciding *deciding);
bool decide_papers_delivery(struct deciding *deciding);
bool decide_papers_rejection(struct deciding *deciding);
/* Those of decide_reports.c. */
bool decide_assistance(struct deciding *deciding);
bool decide_escalation_reply(struct deciding *deciding);
bool decide_correction(struct deciding *deciding);
/* May a new referral follow the one that it names, and how often was it sent on then? */
bool decide_link(struct deciding *deciding);

/* The signer's rejection goes back to the one whose message it was. */
void deciding_returned(struct deciding *deciding, uint16_t agency);

#endif

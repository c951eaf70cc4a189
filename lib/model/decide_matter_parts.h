/* What the files of model/decide_matter share: a matter while it is decided, and its duties. Nobody
 * else includes it. Pure; any thread. */
#ifndef REFERRAL_MODEL_DECIDE_MATTER_PARTS_H
#define REFERRAL_MODEL_DECIDE_MATTER_PARTS_H

#include "model/decide_matter.h"
#include "model/decide_parts.h"

/* Begins: the matter before (NULL: none), no effects, no refusal. */
void matter_begin(struct deciding *deciding, const struct decide_context *ctx,
                  const struct matter *before, struct decision *decision);
/* Ends: computes the next due instant. */
void matter_end(struct deciding *deciding);
/* By rule, or cancelled. Its duties are ended by the caller. */
void matter_close(struct deciding *deciding, enum matter_state state);
/* An effect about the matter and none of its clocks. */
struct effect matter_effect(const struct deciding *deciding, enum effect_kind kind);
/* Does the signer speak for its owner; for one of its members? */
bool matter_by_owner(const struct deciding *deciding);
struct matter_member *matter_by_member(const struct deciding *deciding);
/* May this agency be written to in the matter: its owner or a member, or who acts for one now? */
bool matter_has_addressee(const struct deciding *deciding, uint16_t agency);
/* The message's recipient. Known: message_check ran. */
uint16_t matter_recipient(const struct deciding *deciding);
/* Calls `each` with the recipient and every copy until one call answers false. */
bool matter_each_addressee(struct deciding *deciding,
                           bool (*each)(struct deciding *deciding, uint16_t agency));

/* ---- duties: model/decide_matter_duties.c ---- */

/* An effect about the duty as it is now. */
struct effect duty_effect(const struct deciding *deciding, enum effect_kind kind,
                          const struct duty *duty);
/* Is there room for so many new ones? Refuses when there is none. */
bool duty_room(struct deciding *deciding, size_t count);
/* The duty that `what` describes (kind, holder, waiting, code, amount), with the next number and an
 * open CLOCK_DATED that ends with `day`. Room was asked for. */
struct duty *duty_open_dated(struct deciding *deciding, const struct duty *what, int32_t day);
/* The same without a date yet: the clock says that a member does not fetch the matter. */
void duty_open_undelivered(struct deciding *deciding, const struct duty *what);
/* It arrived: the policy's days begin. */
void duty_arrived(struct deciding *deciding, struct duty *duty);
void duty_done(struct deciding *deciding, struct duty *duty);
void duty_cancel(struct deciding *deciding, struct duty *duty);
void duty_cancel_all(struct deciding *deciding, enum duty_kind kind); /* 0: whatever they are */
uint32_t duty_count_open(const struct deciding *deciding, enum duty_kind kind); /* 0: any kind */
/* An open duty of this kind and number (0: the oldest) that the signer holds; NULL after a refusal.
 */
struct duty *duty_of_signer(struct deciding *deciding, enum duty_kind kind, uint32_t number);
/* `resolved` for the open documents of these rungs of the duty, which are open no longer. */
void duty_resolve(struct deciding *deciding, const struct duty *duty, struct rung_set rungs);
/* A date that people gave: refused when it is past or further away than anybody plans. */
bool duty_date(struct deciding *deciding, uint32_t yyyymmdd, const char *path, int32_t *ret_day);

/* ---- what each message does: model/decide_matter_acts.c ---- */

/* False: refused. Called after members and owner are filled or were compared. */
bool act_information_request(struct deciding *deciding);
bool act_information_reply(struct deciding *deciding);
bool act_archive(struct deciding *deciding);
bool act_reopen(struct deciding *deciding);
bool act_follow_up_plan(struct deciding *deciding);
bool act_follow_up_report(struct deciding *deciding);
bool act_consultation(struct deciding *deciding);
bool act_conference(struct deciding *deciding);
bool act_promise_report(struct deciding *deciding);
bool act_meeting_notice(struct deciding *deciding);
bool act_attendance(struct deciding *deciding);
bool act_hearing_invitation(struct deciding *deciding);
bool act_hearing_opinion(struct deciding *deciding);
bool act_roster_change(struct deciding *deciding);
bool act_roster(struct deciding *deciding);
bool act_fund_plan(struct deciding *deciding);
bool act_fund_payment(struct deciding *deciding);
bool act_letter(struct deciding *deciding);
bool act_letter_answer(struct deciding *deciding);
bool act_escalation_reply(struct deciding *deciding);
bool act_delivery(struct deciding *deciding);
bool act_rejection(struct deciding *deciding);

#endif

/* How: one const table; a row fits an act by its deed and by what the deed is of. Of one act
 * several rows may be true: a message is taken by one rule and goes first by another. */
#include "model/rules.h"

#include <assert.h>

#include "model/lanes.h"
#include "model/vocabulary.h"

#define ANY UINT32_MAX

enum { FIRST = 1, AGAIN = 2, LATE = 4, OF_MINOR = 8 }; /* what a row asks for besides */

struct rule_row {
    enum rule_deed deed;
    uint32_t what;              /* message, statement, task or rung's step; ANY */
    enum message_kind referral; /* clocks: MESSAGE_NONE: of either, or of a matter */
    uint32_t lane;              /* TAKEN: LANE_COUNT: any */
    unsigned only;
    struct rule rule;
};

#define TAKEN(kind)     DEED_TAKEN, MESSAGE_##kind, MESSAGE_NONE, LANE_COUNT, 0
#define LANE(name)      DEED_TAKEN, ANY, MESSAGE_NONE, LANE_##name, 0
#define STATED(what)    DEED_STATED, STATES_##what, MESSAGE_NONE, LANE_COUNT, 0
#define OPENED(what)    DEED_OPENED, what, MESSAGE_NONE, LANE_COUNT
#define OF(deed, what)  DEED_##deed, what
#define RAISED(step)    DEED_RAISED, STEP_##step, MESSAGE_NONE, LANE_COUNT, 0
#define ALWAYS(deed)    DEED_##deed, ANY, MESSAGE_NONE, LANE_COUNT, 0
#define OUTBOUND(flags) MESSAGE_OUTBOUND_REFERRAL, LANE_COUNT, flags
#define INBOUND(flags)  MESSAGE_INBOUND_REFERRAL, LANE_COUNT, flags

static const struct rule_row rows[] = {
    /* messages */
    {TAKEN(OUTBOUND_REFERRAL),
     {"art-6.refer-out", "Art. 6", "the procuratorate refers a household to a social agency"}},
    {TAKEN(INBOUND_REFERRAL),
     {"art-10.refer-in", "Art. 10", "a social agency refers a lead to the procuratorate"}},
    {TAKEN(SIGN_FOR), {"art-10.sign-for", "Art. 10", "the receiver signs and registers it"}},
    {TAKEN(OUTBOUND_FEEDBACK), {"art-9.feedback", "Art. 9", "the social agency answers"}},
    {TAKEN(INBOUND_FEEDBACK), {"art-11.feedback", "Art. 11", "the procuratorate answers"}},
    {TAKEN(APPLICANT_INFORMED),
     {"art-9.applicant-told", "Art. 9, 11",
      "whose task it is reports that the applicant was told"}},
    {TAKEN(PAPERS), {"art-9.papers-brought", "Art. 9", "the papers that a procedure wants came"}},
    {TAKEN(WITHDRAWAL), {"d.withdrawal", "(d)", "the sender takes its referral back"}},
    {TAKEN(DELIVERY),
     {"d.delivery-receipt", "(d)", "the receiver's system has it: a signed receipt"}},
    {TAKEN(REJECTION), {"d.rejection", "(d)", "a malformed body comes back; no window opens"}},
    {TAKEN(INFORMATION_REQUEST),
     {"art-7.information-asked", "Art. 7 (6), 11", "a party asks the other for more"}},
    {TAKEN(INFORMATION_REPLY),
     {"art-11.information-given", "Art. 11 (2)", "who referred co-operates"}},
    {TAKEN(ASSISTANCE_REPORT),
     {"art-5.help-reported", "Art. 5, 19", "what was approved, paid or delivered is reported"}},
    {TAKEN(ESCALATION_REPLY),
     {"d.document-replied", "(d)", "the one asked replies to a numbered document"}},
    {TAKEN(ARCHIVE), {"art-16.archive", "Art. 16", "a case enters the archive"}},
    {TAKEN(REOPEN), {"d.re-open", "(d)", "an archived case is taken up again"}},
    {TAKEN(FOLLOW_UP_PLAN), {"art-16.visits-planned", "Art. 16", "dates of visits are set"}},
    {TAKEN(FOLLOW_UP_REPORT),
     {"art-16.visit-reported", "Art. 16", "hardship, effect of the help, and risk are reported"}},
    {TAKEN(CONSULTATION), {"art-14.consultation", "Art. 14", "members consult one another"}},
    {TAKEN(CONFERENCE), {"art-14.conference", "Art. 13, 14", "members confer on one case"}},
    {TAKEN(PROMISE_REPORT),
     {"art-14.promise-reported", "Art. 13, 14", "what was promised is reported"}},
    {TAKEN(MEETING_NOTICE), {"art-13.meeting", "Art. 13", "the office convenes the joint meeting"}},
    {TAKEN(MEETING_REPLY), {"art-13.meeting-answered", "Art. 13", "a member says who comes"}},
    {TAKEN(HEARING_INVITATION),
     {"art-12.hearing", "Art. 12", "the procuratorate invites to an open review"}},
    {TAKEN(HEARING_REPLY), {"art-12.hearing-answered", "Art. 12", "an agency says who comes"}},
    {TAKEN(HEARING_OPINION), {"art-12.hearing-opinion", "Art. 12", "what the review found"}},
    {TAKEN(ROSTER_CHANGE),
     {"art-13.roster-changed", "Art. 13", "a member tells the office of a change"}},
    {TAKEN(ROSTER), {"art-13.roster-published", "Art. 13", "the office publishes the roster"}},
    {TAKEN(FUND_PLAN), {"art-20.fund-planned", "Art. 20", "a minor's money is paid by a plan"}},
    {TAKEN(FUND_PAYMENT), {"art-20.fund-paid", "Art. 20", "one payment was approved and made"}},
    {TAKEN(LETTER), {"d.letter", "(d)", "a member writes to an associate on paper"}},
    {TAKEN(LETTER_ANSWER), {"d.letter-answered", "(d)", "it brings the associate's answer"}},
    {TAKEN(CORRECTION), {"d.correction", "(d)", "a message is corrected, not deleted"}},
    {TAKEN(DELIVERY_NOTICE),
     {"d.delivery-told", "(d)", "the sender is told when its window began"}},
    {TAKEN(REMINDER), {"d.reminder-sent", "(d)", "the one that must act is reminded"}},
    {TAKEN(ESCALATION), {"d.document-sent", "(d)", "a numbered document goes to whom it names"}},
    {TAKEN(RESOLVED), {"d.resolved-told", "(d)", "all who were told hear that its cause is gone"}},
    {TAKEN(REDATING), {"art-21.re-dating-told", "Art. 21", "both sides are told of a new date"}},
    {TAKEN(RETURNED), {"d.return-told", "(d)", "the sender is told that it came back"}},

    /* which goes first */
    {LANE(LIFE_DANGER), {"d.first-life-danger", "(d)", "life in danger goes before all"}},
    {LANE(MINORS), {"art-17.first-minors", "Art. 17", "minors go before other households"}},
    {LANE(PRIORITY), {"art-3.first-priority", "Art. 3", "priority groups go before the rest"}},

    /* what referrals and answers say */
    {STATED(GROUND_4), {"art-4.ground-stated", "Art. 4", "the ground, of seven"}},
    {STATED(GROUND_18), {"art-18.ground-stated", "Art. 18", "a minor's ground, of eight"}},
    {STATED(REFUSED),
     {"d.refused-referred", "(d)", "a household that got no judicial money is referred, too"}},
    {STATED(GROUP_3), {"art-3.group-stated", "Art. 3", "priority groups of the household"}},
    {STATED(GROUP_18), {"art-18.group-stated", "Art. 18", "children that need more care"}},
    {STATED(ADVANCE), {"art-8.in-advance", "Art. 8", "before the judicial procedure has ended"}},
    {STATED(MINOR), {"art-17.minor-marked", "Art. 17", "it concerns a minor"}},
    {STATED(EX_OFFICIO), {"art-19.ex-officio", "Art. 19", "started without an application"}},
    {STATED(OVER_LIMIT), {"art-20.over-limit", "Art. 20", "over the amount limit, approved"}},
    {STATED(NEEDS), {"art-6.needs-stated", "Art. 6, 18, 19", "what the household needs"}},
    {STATED(MEASURES), {"art-5.measures-named", "Art. 5, 18, 19", "which measures were granted"}},
    {STATED(HELP), {"d.help-known", "(d)", "what of it really arrived is known"}},
    {STATED(NO_PUBLIC), {"art-15.no-publicity", "Art. 15", "nothing of it may become public"}},
    {STATED(CHANNEL), {"d.lead-channel", "(d)", "by which channel the lead came"}},
    {STATED(HOUSEHOLD), {"d.household", "(d)", "several persons of one household"}},
    {STATED(SENT_ON), {"art-6.sent-on", "Art. 6", "sent on to the agency whose duty it is"}},
    {STATED(OF_VISIT), {"art-16.found-at-visit", "Art. 16", "a visit found it: referred again"}},
    {STATED(BOTH_WAYS), {"art-3.both-ways", "Art. 3, 10", "the two directions of one household"}},
    {STATED(SUPPLEMENT),
     {"d.supplement", "(d)", "another need, or a proof that another agency waits for"}},
    {STATED(AGAIN), {"d.procedure-again", "(d)", "a procedure was required more than once"}},

    /* clocks begin */
    {OF(OPENED, TASK_FEEDBACK),
     OUTBOUND(FIRST),
     {"art-9.window-20", "Art. 9, 21", "20 working days from delivery"}},
    {OF(OPENED, TASK_FEEDBACK),
     OUTBOUND(AGAIN),
     {"art-9.window-again", "Art. 9", "20 working days anew, from the papers"}},
    {OF(OPENED, TASK_FEEDBACK),
     INBOUND(0),
     {"art-11.window-10", "Art. 11, 21", "10 working days from delivery"}},
    {OF(OPENED, TASK_TELL_APPLICANT),
     OUTBOUND(0),
     {"art-9.tell", "Art. 9", "who tells the applicant of the procedure: 5 working days (d)"}},
    {OF(OPENED, TASK_TELL_APPLICANT),
     INBOUND(0),
     {"art-11.tell-promptly", "Art. 11", "the applicant is told promptly: 5 working days (d)"}},
    {OF(OPENED, TASK_PAPERS),
     OUTBOUND(0),
     {"d.papers-20", "(d)", "whoever tells brings the papers in 20 working days"}},
    {OPENED(DUTY_INFORMATION),
     0,
     {"d.information-5", "(d)", "5 working days to give what is asked"}},
    {OPENED(DUTY_FOLLOW_UP), 0, {"art-16.visit-due", "Art. 16", "a visit falls due on its day"}},
    {OPENED(DUTY_FOLLOW_UP),
     OF_MINOR,
     {"art-17.visit-due-minor", "Art. 16, 17", "a minor is visited sooner"}},
    {OPENED(DUTY_PROMISE), 0, {"art-14.promise-due", "Art. 13, 14", "a promise is a clock"}},
    {OPENED(DUTY_PAYMENT), 0, {"art-20.payment-due", "Art. 20", "a planned payment is a clock"}},
    {OPENED(DUTY_LETTER), 0, {"d.letter-due", "(d)", "its sponsor answers for the reply"}},
    {OPENED(DUTY_ATTENDANCE), 0, {"art-13.reply-due", "Art. 12, 13", "an invitation is answered"}},

    /* and end */
    {OF(STOPPED, TASK_FEEDBACK),
     OUTBOUND(0),
     {"art-9.window-stops", "Art. 9", "the answer stops the window"}},
    {OF(STOPPED, TASK_FEEDBACK),
     INBOUND(0),
     {"art-11.window-stops", "Art. 11", "the answer stops the window"}},
    {OF(STOPPED, ANY),
     MESSAGE_NONE,
     LANE_COUNT,
     LATE,
     {"art-21.late-counted", "Art. 21", "a late answer is taken; its working days are counted"}},
    {ALWAYS(DONE), {"d.task-done", "(d)", "a task ends when it is done"}},
    {ALWAYS(CANCELLED), {"d.clocks-cancelled", "(d)", "a clock ends with what it was of"}},
    {ALWAYS(REDATED),
     {"art-21.re-dated", "Art. 21", "holidays are not counted, whenever announced"}},

    /* rungs */
    {RAISED(REMIND), {"d.remind", "(d)", "five and two working days before day N"}},
    {RAISED(DUE_1), {"d.due-1", "(d)", "day N has passed: liaison officer and leader"}},
    {RAISED(DUE_2), {"d.due-2", "(d)", "three working days later: the office as well"}},
    {RAISED(DUE_3), {"art-13.due-3", "Art. 13 (d)", "ten later: both leaders, the next agenda"}},
    {RAISED(UNDELIVERED_1), {"d.undelivered-1", "(d)", "nobody fetched it for a working day"}},
    {RAISED(UNDELIVERED_2), {"d.undelivered-2", "(d)", "for three, and every five more"}},
    {RAISED(URGENT_1), {"d.urgent-1", "(d)", "two hours: the duty contact"}},
    {RAISED(URGENT_2), {"d.urgent-2", "(d)", "six hours: the leader and the office"}},
    {RAISED(UNSIGNED_1), {"art-10.unsigned-1", "Art. 10 (d)", "nobody signed for three days"}},
    {RAISED(UNSIGNED_2), {"art-10.unsigned-2", "Art. 10 (d)", "for five: the leader"}},
    {ALWAYS(RESOLVED), {"d.resolved", "(d)", "each document is resolved when its cause is gone"}},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

size_t rule_count(void)
{
    return ROWS;
}

const struct rule *rule_at(size_t index)
{
    assert(index < ROWS);
    return &rows[index].rule;
}

/* What the deed is of, as the rows say it. */
static bool fits_what(const struct rule_row *row, const struct rule_act *act)
{
    switch (act->deed) {
    case DEED_TAKEN:
        return row->what == ANY || row->what == act->message;
    case DEED_STATED:
        return (act->statements & row->what) != 0;
    case DEED_RAISED:
        return row->what == (uint32_t)rung_step_of(act->rung);
    default:
        return row->what == ANY || row->what == act->task;
    }
}

bool rule_applies(size_t index, const struct rule_act *act)
{
    assert(index < ROWS);
    const struct rule_row *row = &rows[index];

    return row->deed == act->deed && fits_what(row, act) &&
           (row->referral == MESSAGE_NONE || row->referral == act->referral) &&
           (row->lane == LANE_COUNT || row->lane == act->lane) &&
           ((row->only & FIRST) == 0 || act->number == 1) &&
           ((row->only & AGAIN) == 0 || act->number > 1) &&
           ((row->only & LATE) == 0 || act->late) && ((row->only & OF_MINOR) == 0 || act->minor);
}

const struct rule *rule_of(const struct rule_act *act)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rule_applies(i, act)) {
            return &rows[i].rule;
        }
    }
    return NULL;
}

/* ---- what a referral states ---- */

#define GROUPS_3  ((UINT64_C(1) << GROUP_ORPHAN) - 1)
#define GROUPS_18 (((UINT64_C(2) << GROUP_MIGRANT_CHILD) - 1) & ~GROUPS_3)

static uint32_t ground_statement(uint32_t ground)
{
    if (ground == GROUND_REFUSED) {
        return STATES_REFUSED;
    }
    return ground / 100 == 4 ? STATES_GROUND_4 : STATES_GROUND_18;
}

static uint32_t link_statement(uint32_t link)
{
    static const uint32_t links[] = {[LINK_RE_REFERRAL] = STATES_SENT_ON,
                                     [LINK_FOLLOW_UP] = STATES_OF_VISIT,
                                     [LINK_OTHER_DIRECTION] = STATES_BOTH_WAYS,
                                     [LINK_SUPPLEMENT] = STATES_SUPPLEMENT};

    return link < sizeof(links) / sizeof(links[0]) ? links[link] : 0;
}

uint32_t rule_statements(const struct referral *referral)
{
    const struct {
        bool holds;
        uint32_t statement;
    } all[] = {
        {(referral->priority_groups & GROUPS_3) != 0, STATES_GROUP_3},
        {(referral->priority_groups & GROUPS_18) != 0, STATES_GROUP_18},
        {referral->advance, STATES_ADVANCE},
        {referral->minor, STATES_MINOR},
        {(referral->minor_marks >> MINOR_EX_OFFICIO & 1u) != 0, STATES_EX_OFFICIO},
        {(referral->minor_marks >> MINOR_OVER_LIMIT & 1u) != 0, STATES_OVER_LIMIT},
        {referral->needs != 0, STATES_NEEDS},
        {referral->granted != 0, STATES_MEASURES},
        {referral->help_count != 0, STATES_HELP},
        {referral->no_publicity, STATES_NO_PUBLIC},
        {referral->lead_channel != 0, STATES_CHANNEL},
        {referral->person_count > 1, STATES_HOUSEHOLD},
        {referral->procedure_count > 1, STATES_AGAIN},
    };
    uint32_t set = ground_statement(referral->ground) | link_statement(referral->link);

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        set |= all[i].holds ? all[i].statement : 0;
    }
    return set;
}

/* How: one row per message says what it opens or continues, who may say it, whether it needs a case
 * and whether it fits an archived one; then the handler of decide_matter_acts.c. A handler that
 * refuses leaves the matter before. */
#include <assert.h>
#include <string.h>

#include "model/decide_matter_parts.h"
#include "model/lanes.h"

/* ---- the table ---- */

enum said_by { BY_OWNER, BY_MEMBER, BY_HOLDER, BY_EITHER };
enum may_open { OPENS_NOT, OPENS_ANY, OPENS_PROCURATORATE, OPENS_OFFICE };

#define IN(kind) (1u << MATTER_##kind)

static const struct act {
    enum matter_kind opens;
    enum may_open may_open;
    uint32_t continues;   /* of IN(kind) */
    enum said_by said_by; /* when it continues; a member, and a holder that is one, writes to the */
                          /* owner, the owner to whom it wishes */
    bool of_case;         /* opens in a case only */
    bool in_archived;     /* may be said while the case is archived: no clock runs for it, or one */
                          /* of those that outlive the case */
    bool (*handle)(struct deciding *deciding);
} acts[MESSAGE_AGENCY_KIND_COUNT] = {
    [MESSAGE_INFORMATION_REQUEST] = {MATTER_INFORMATION, OPENS_ANY, 0, BY_OWNER, true, false,
                                     act_information_request},
    [MESSAGE_INFORMATION_REPLY] = {MATTER_NONE, OPENS_NOT, IN(INFORMATION), BY_MEMBER, true, true,
                                   act_information_reply},
    [MESSAGE_ARCHIVE] = {MATTER_ARCHIVE, OPENS_PROCURATORATE, 0, BY_OWNER, true, false,
                         act_archive},
    [MESSAGE_REOPEN] = {MATTER_NONE, OPENS_NOT, IN(ARCHIVE), BY_OWNER, true, true, act_reopen},
    [MESSAGE_FOLLOW_UP_PLAN] = {MATTER_NONE, OPENS_NOT, IN(ARCHIVE), BY_OWNER, true, true,
                                act_follow_up_plan},
    [MESSAGE_FOLLOW_UP_REPORT] = {MATTER_NONE, OPENS_NOT, IN(ARCHIVE), BY_OWNER, true, true,
                                  act_follow_up_report},
    [MESSAGE_CONSULTATION] = {MATTER_CONSULTATION, OPENS_ANY, IN(CONSULTATION), BY_EITHER, false,
                              true, act_consultation},
    [MESSAGE_CONFERENCE] = {MATTER_CONFERENCE, OPENS_ANY, 0, BY_OWNER, false, false,
                            act_conference},
    [MESSAGE_PROMISE_REPORT] = {MATTER_NONE, OPENS_NOT, IN(CONFERENCE) | IN(HEARING), BY_HOLDER,
                                false, true, act_promise_report},
    [MESSAGE_MEETING_NOTICE] = {MATTER_MEETING, OPENS_OFFICE, 0, BY_OWNER, false, false,
                                act_meeting_notice},
    [MESSAGE_MEETING_REPLY] = {MATTER_NONE, OPENS_NOT, IN(MEETING), BY_MEMBER, false, true,
                               act_attendance},
    [MESSAGE_HEARING_INVITATION] = {MATTER_HEARING, OPENS_PROCURATORATE, 0, BY_OWNER, true, false,
                                    act_hearing_invitation},
    [MESSAGE_HEARING_REPLY] = {MATTER_NONE, OPENS_NOT, IN(HEARING), BY_MEMBER, true, true,
                               act_attendance},
    [MESSAGE_HEARING_OPINION] = {MATTER_NONE, OPENS_NOT, IN(HEARING), BY_OWNER, true, false,
                                 act_hearing_opinion},
    [MESSAGE_ROSTER_CHANGE] = {MATTER_ROSTER, OPENS_ANY, 0, BY_OWNER, false, true,
                               act_roster_change},
    [MESSAGE_ROSTER] = {MATTER_ROSTER, OPENS_OFFICE, 0, BY_OWNER, false, true, act_roster},
    [MESSAGE_FUND_PLAN] = {MATTER_FUND, OPENS_PROCURATORATE, 0, BY_OWNER, true, true,
                           act_fund_plan},
    [MESSAGE_FUND_PAYMENT] = {MATTER_NONE, OPENS_NOT, IN(FUND), BY_OWNER, true, true,
                              act_fund_payment},
    [MESSAGE_LETTER] = {MATTER_LETTER, OPENS_ANY, 0, BY_OWNER, false, false, act_letter},
    [MESSAGE_LETTER_ANSWER] = {MATTER_NONE, OPENS_NOT, IN(LETTER), BY_OWNER, false, true,
                               act_letter_answer},
};

/* ---- a matter while it is decided ---- */

void matter_begin(struct deciding *deciding, const struct decide_context *ctx,
                  const struct matter *before, struct decision *decision)
{
    deciding_begin(deciding, ctx, NULL, decision);
    decision->of_matter = true;
    if (before != NULL) {
        decision->matter = *before;
    } else {
        memset(&decision->matter, 0, sizeof(decision->matter));
        decision->matter.last_leaf = REFERRAL_NO_LEAF;
    }
}

void matter_end(struct deciding *deciding)
{
    struct matter_rung next;
    bool found = matter_next_rung(deciding->matter, &deciding->ctx->policy->ladder,
                                  deciding->ctx->calendar, &next);
    deciding->matter->next_due_ms = found ? next.due_ms : 0;
}

void matter_close(struct deciding *deciding, enum matter_state state)
{
    deciding->matter->state = state;
    deciding->matter->closed_ms = deciding->ctx->now_ms;
}

struct effect matter_effect(const struct deciding *deciding, enum effect_kind kind)
{
    return (struct effect){
        .kind = kind,
        .agency = deciding->matter->owner,
        .lane = deciding->matter->lane,
        .rung = RUNG_COUNT,
        .responsible = deciding->matter->owner,
        .waiting = deciding->matter->owner,
    };
}

bool matter_by_owner(const struct deciding *deciding)
{
    return deciding_speaks_for(deciding, deciding->matter->owner);
}

/* Its own place, where a successor takes part for others as well. */
struct matter_member *matter_by_member(const struct deciding *deciding)
{
    struct matter *matter = deciding->matter;
    struct matter_member *found = NULL;
    for (uint32_t i = 0; i < matter->member_count; i++) {
        struct matter_member *member = &matter->members[i];
        bool own = member->agency == deciding->ctx->signer;
        if (own || (found == NULL && deciding_speaks_for(deciding, member->agency))) {
            found = member;
        }
    }
    return found;
}

/* An agent that reads what was taken before an agency changed finds the old name, and a receipt
 * names the author as the message did. */
static bool is_now(const struct deciding *deciding, uint16_t agency, uint16_t member)
{
    enum message_kind kind = deciding->message->header.kind;
    bool old_name = deciding->ctx->replica || kind == MESSAGE_DELIVERY || kind == MESSAGE_REJECTION;
    return agency == deciding_acting(deciding, member) || (old_name && agency == member);
}

bool matter_has_addressee(const struct deciding *deciding, uint16_t agency)
{
    const struct matter *matter = deciding->matter;
    bool is = is_now(deciding, agency, matter->owner);
    for (uint32_t i = 0; i < matter->member_count && !is; i++) {
        is = is_now(deciding, agency, matter->members[i].agency);
    }
    return is;
}

uint16_t matter_recipient(const struct deciding *deciding)
{
    return registry_find(deciding->ctx->registry, deciding->message->header.recipient)->number;
}

bool matter_each_addressee(struct deciding *deciding,
                           bool (*each)(struct deciding *deciding, uint16_t agency))
{
    const struct agency_set *copies = &deciding->message->copies;
    if (!each(deciding, matter_recipient(deciding))) {
        return false;
    }
    for (uint16_t number = 0; number < 8 * AGENCY_SET_BYTES; number++) {
        if (agency_set_has(copies, number) && !each(deciding, number)) {
            return false;
        }
    }
    return true;
}

/* ---- a message that opens one ---- */

static bool may_open(struct deciding *deciding, const struct act *act)
{
    const struct agency *signer =
        registry_by_number(deciding->ctx->registry, deciding->ctx->signer);
    if (act->may_open == OPENS_OFFICE && !signer->joint_meeting_office) {
        return deciding_refuse(deciding, REFUSAL_OFFICE,
                               "header.sender: %s comes from the joint-meeting office only",
                               message_kind_name(deciding->message->header.kind));
    }
    if (act->may_open == OPENS_PROCURATORATE && signer->class != CLASS_PROCURATORATE) {
        return deciding_refuse(deciding, REFUSAL_NOT_PARTY,
                               "header.sender: %s comes from a procuratorate only",
                               message_kind_name(deciding->message->header.kind));
    }
    return true;
}

/* The number is of the one that opens; what it claims is the broker's to know. */
static bool check_number(struct deciding *deciding)
{
    const struct decide_context *ctx = deciding->ctx;
    const struct agency *signer = registry_by_number(ctx->registry, ctx->signer);
    struct number number;
    if (number_parse(NUMBER_MATTER, deciding->message->header.referral_number, &number) != OK ||
        strcmp(number.prefix, signer->prefix) != 0) {
        return deciding_refuse(deciding, REFUSAL_NUMBER,
                               "header.referral_number: expected %s-SX-YYYY-NNNN", signer->prefix);
    }
    if (ctx->referral_known) {
        return deciding_refuse(deciding, REFUSAL_MATTER_EXISTS,
                               "header.referral_id: of another case");
    }
    if (ctx->number_taken) {
        return deciding_refuse(deciding, REFUSAL_NUMBER,
                               "header.case_number, .referral_number: taken");
    }
    return true;
}

static bool is_party(const struct deciding *deciding, const struct case_facts *facts)
{
    const struct registry *registry = deciding->ctx->registry;
    for (size_t i = 0; i < registry_count(registry); i++) {
        uint16_t party = registry_at(registry, i)->number;
        if (agency_set_has(&facts->parties, party) && deciding_speaks_for(deciding, party)) {
            return true;
        }
    }
    return false;
}

/* The case that it names is one of the sender's, or the sender is the office; and only what runs no
 * clock of its own, or outlives the case, is opened while the case is archived. */
static bool check_case(struct deciding *deciding, const struct act *act)
{
    const struct case_facts *facts = deciding->ctx->whole_case;
    const struct agency *office = registry_office(deciding->ctx->registry);
    bool named = deciding->message->header.case_number[0] != '\0';
    bool known = facts != NULL && facts->known;
    if (!named && act->of_case) {
        return deciding_refuse(deciding, REFUSAL_CASE_UNKNOWN,
                               "header.case_number: expected the case that it is about");
    }
    if (deciding->ctx->replica && !known) {
        return true;
    }
    if (!named) {
        return !known || deciding_refuse(deciding, REFUSAL_NUMBER,
                                         "header.case_number: expected the number of this case");
    }
    if (!known || (!is_party(deciding, facts) && !deciding_speaks_for(deciding, office->number))) {
        return deciding_refuse(deciding, REFUSAL_CASE_UNKNOWN,
                               "header.case_id: no such case, or none of the sender's");
    }
    if (facts->archived && !act->in_archived) {
        return deciding_refuse(deciding, REFUSAL_CASE_ARCHIVED,
                               "header.case_id: the case is archived");
    }
    return deciding_room_in_case(deciding, act->may_open != OPENS_ANY);
}

static bool check_about(struct deciding *deciding)
{
    const struct message_header *header = &deciding->message->header;
    const struct referral *about = deciding->ctx->about;
    struct uuid named = message_reference(deciding->message).referral_id;
    if (uuid_is_zero(&named) || (about == NULL && deciding->ctx->replica)) {
        return true;
    }
    if (about == NULL || !uuid_equal(&about->referral_id, &named)) {
        return deciding_refuse(deciding, REFUSAL_REFERRAL_UNKNOWN, "facts.about: no such referral");
    }
    if (!uuid_equal(&about->case_id, &header->case_id) ||
        strcmp(about->case_number, header->case_number) != 0) {
        return deciding_refuse(deciding, REFUSAL_NUMBER,
                               "facts.about: not a referral of the case that the header names");
    }
    return true;
}

static bool member_add(struct deciding *deciding, uint16_t agency)
{
    struct matter *matter = deciding->matter;
    if (matter->member_count == LIMIT_MEMBERS) {
        return deciding_refuse(deciding, REFUSAL_MATTER_MEMBER,
                               "facts.copies: expected at most %u agencies", LIMIT_MEMBERS);
    }
    matter->members[matter->member_count++] = (struct matter_member){.agency = agency};
    return true;
}

static void lane_fill(struct deciding *deciding)
{
    struct matter *matter = deciding->matter;
    const struct referral *about = uuid_is_zero(&matter->about) ? NULL : deciding->ctx->about;
    const struct case_facts *facts = deciding->ctx->whole_case;
    matter->minor = (about != NULL && about->minor) || (facts != NULL && facts->minor);
    matter->lane = (uint8_t)(matter->minor ? LANE_MINORS : LANE_REST);
    if (about != NULL) {
        matter->lane = about->lane;
    }
}

static bool matter_fill(struct deciding *deciding, const struct act *act)
{
    const struct message_header *header = &deciding->message->header;
    struct matter *matter = deciding->matter;
    matter->case_id = header->case_id;
    matter->matter_id = header->referral_id;
    matter->message_id = header->message_id;
    matter->about = message_reference(deciding->message).referral_id;
    memcpy(matter->case_number, header->case_number, sizeof(matter->case_number));
    memcpy(matter->number, header->referral_number, sizeof(matter->number));
    matter->kind = act->opens;
    matter->state = MATTER_OPEN;
    matter->owner = deciding->ctx->signer;
    matter->opened_ms = deciding->ctx->now_ms;
    lane_fill(deciding);
    return matter_each_addressee(deciding, member_add);
}

static void number_effect(struct deciding *deciding, const char *number)
{
    struct effect effect = matter_effect(deciding, EFFECT_NUMBER);
    text_copy(effect.number, sizeof(effect.number), number);
    if (number[0] != '\0') {
        (void)deciding_add(deciding, &effect);
    }
}

/* What continues an archive has nothing to continue when the case is not archived. */
static bool refuse_unknown(struct deciding *deciding, const struct act *act)
{
    const struct case_facts *facts = deciding->ctx->whole_case;
    bool archive = act->continues == IN(ARCHIVE) && facts != NULL && facts->known;
    if (archive && !facts->archived) {
        return deciding_refuse(deciding, REFUSAL_CASE_NOT_ARCHIVED,
                               "header.case_id: the case is not archived");
    }
    return deciding_refuse(deciding, REFUSAL_MATTER_UNKNOWN, "header.referral_id: no such matter");
}

static bool open_matter(struct deciding *deciding)
{
    const struct act *act = &acts[deciding->message->header.kind];
    if (act->may_open == OPENS_NOT) {
        return refuse_unknown(deciding, act);
    }
    if (!may_open(deciding, act) || !deciding_nobody_left(deciding) || !check_number(deciding) ||
        !check_case(deciding, act) || !check_about(deciding) || !matter_fill(deciding, act)) {
        return false;
    }
    number_effect(deciding, deciding->matter->case_number);
    number_effect(deciding, deciding->matter->number);
    return act->handle(deciding);
}

/* ---- a message that continues one ---- */

static bool check_same(struct deciding *deciding)
{
    const struct message_header *header = &deciding->message->header;
    const struct matter *matter = deciding->matter;
    if (!uuid_equal(&header->case_id, &matter->case_id) ||
        !uuid_equal(&header->referral_id, &matter->matter_id) ||
        strcmp(header->case_number, matter->case_number) != 0 ||
        strcmp(header->referral_number, matter->number) != 0) {
        return deciding_refuse(deciding, REFUSAL_NUMBER,
                               "header: case and matter are not those of the matter");
    }
    if (deciding->ctx->refers_to_foreign) {
        return deciding_refuse(deciding, REFUSAL_REFERS_TO,
                               "header.refers_to: no message of this matter");
    }
    return true;
}

static bool may_continue(struct deciding *deciding, enum said_by said_by)
{
    bool owner = matter_by_owner(deciding);
    bool member = matter_by_member(deciding) != NULL;
    if (!owner && !member) {
        return deciding_refuse(deciding, REFUSAL_MATTER_MEMBER,
                               "header.sender: does not take part in this matter");
    }
    if ((said_by == BY_OWNER && !owner) || (said_by == BY_MEMBER && !member)) {
        return deciding_refuse(deciding, REFUSAL_NOT_PARTY,
                               "header.sender: %s of this matter is not due from it",
                               message_kind_name(deciding->message->header.kind));
    }
    bool to_owner = said_by == BY_MEMBER || (said_by == BY_HOLDER && !owner);
    uint16_t to = matter_recipient(deciding);
    if (to_owner && !is_now(deciding, to, deciding->matter->owner)) {
        return deciding_has_stayed(deciding, "header.recipient",
                                   registry_by_number(deciding->ctx->registry, to)) &&
               deciding_refuse(deciding, REFUSAL_RECIPIENT,
                               "header.recipient: not the owner of this matter");
    }
    return true;
}

static bool takes_part(struct deciding *deciding, uint16_t agency)
{
    static const char path[] = "header.recipient, facts.copies";
    return matter_has_addressee(deciding, agency) ||
           (deciding_has_stayed(deciding, path,
                                registry_by_number(deciding->ctx->registry, agency)) &&
            deciding_refuse(deciding, REFUSAL_MATTER_MEMBER,
                            "%s: does not take part in this matter", path));
}

static bool check_open(struct deciding *deciding, const struct act *act)
{
    const struct matter *matter = deciding->matter;
    const struct case_facts *facts = deciding->ctx->whole_case;
    if (matter->state != MATTER_OPEN && matter->kind == MATTER_ARCHIVE) {
        return deciding_refuse(deciding, REFUSAL_CASE_NOT_ARCHIVED, "state: this archive is %s",
                               matter_state_name(matter->state));
    }
    if (matter->state != MATTER_OPEN) {
        return deciding_refuse(deciding, REFUSAL_MATTER_CLOSED, "state: the matter is %s",
                               matter_state_name(matter->state));
    }
    if (!act->in_archived && facts != NULL && facts->archived && !deciding->ctx->replica) {
        return deciding_refuse(deciding, REFUSAL_CASE_ARCHIVED,
                               "header.case_id: the case is archived");
    }
    return true;
}

static bool continue_matter(struct deciding *deciding)
{
    const struct act *act = &acts[deciding->message->header.kind];
    const struct matter *matter = deciding->matter;
    if (act->may_open != OPENS_NOT && act->continues == 0) {
        return deciding_refuse(deciding, REFUSAL_MATTER_EXISTS,
                               "header.referral_id: there is such a matter");
    }
    if ((act->continues & 1u << matter->kind) == 0) {
        return deciding_refuse(deciding, REFUSAL_STATE, "state: a matter of kind %s takes no %s",
                               matter_kind_name(matter->kind),
                               message_kind_name(deciding->message->header.kind));
    }
    return check_same(deciding) && may_continue(deciding, act->said_by) &&
           matter_each_addressee(deciding, takes_part) && check_open(deciding, act) &&
           act->handle(deciding);
}

/* ---- receipts, and replies to documents ---- */

/* The office takes part in what is overdue: it is told, and is written to. */
static bool takes_part_or_office(struct deciding *deciding, uint16_t agency)
{
    return agency == registry_office(deciding->ctx->registry)->number ||
           takes_part(deciding, agency);
}

/* Of several who take part, the author is the one who learns that it arrived, or why it came back.
 */
static bool check_author(struct deciding *deciding)
{
    const struct decide_item *item = deciding->ctx->item;
    bool fits = deciding->ctx->replica ||
                (item->author != 0 && is_now(deciding, matter_recipient(deciding), item->author));
    return fits || deciding_refuse(deciding, REFUSAL_RECIPIENT,
                                   "header.recipient: not the author of what is queued there");
}

static bool apply_beside(struct deciding *deciding)
{
    enum message_kind kind = deciding->message->header.kind;
    bool takes = matter_by_owner(deciding) || matter_by_member(deciding) != NULL ||
                 deciding->ctx->signer == registry_office(deciding->ctx->registry)->number;
    if (!check_same(deciding)) {
        return false;
    }
    if (!takes) {
        return deciding_refuse(deciding, REFUSAL_MATTER_MEMBER,
                               "header.sender: does not take part in this matter");
    }
    if (!matter_each_addressee(deciding, takes_part_or_office)) {
        return false;
    }
    if (kind == MESSAGE_ESCALATION_REPLY) {
        return act_escalation_reply(deciding);
    }
    return deciding_check_item(deciding) && check_author(deciding) &&
           (kind == MESSAGE_DELIVERY ? act_delivery(deciding) : act_rejection(deciding));
}

/* ---- the decision ---- */

static bool apply(struct deciding *deciding, bool known)
{
    enum message_kind kind = deciding->message->header.kind;
    if (message_kind_of_matter(kind)) {
        return known ? continue_matter(deciding) : open_matter(deciding);
    }
    if (kind != MESSAGE_DELIVERY && kind != MESSAGE_REJECTION && kind != MESSAGE_ESCALATION_REPLY) {
        return deciding_refuse(deciding, REFUSAL_STATE, "header.kind: %s is of referrals",
                               message_kind_name(kind));
    }
    return known ? apply_beside(deciding)
                 : deciding_refuse(deciding, REFUSAL_MATTER_UNKNOWN,
                                   "header.referral_id: no such matter");
}

void decide_matter_message(const struct decide_context *ctx, const struct matter *before,
                           const struct message *message, struct decision *ret_decision)
{
    struct deciding deciding;
    matter_begin(&deciding, ctx, before, ret_decision);
    deciding.message = message;
    bool taken = deciding_check_signer(&deciding) && deciding_check_message(&deciding) &&
                 apply(&deciding, before != NULL) && deciding_check_attachments(&deciding);
    if (!taken) {
        enum refusal refusal = ret_decision->refusal;
        char detail[CHECK_DETAIL_BYTES];
        memcpy(detail, ret_decision->detail, sizeof(detail));
        matter_begin(&deciding, ctx, before, ret_decision);
        ret_decision->refusal = refusal;
        memcpy(ret_decision->detail, detail, sizeof(detail));
        return;
    }
    matter_end(&deciding);
}

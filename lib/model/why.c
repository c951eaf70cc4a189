/* How: one const table, searched from the top: the first row with the refusal's code whose kind and
 * field are those of the refused message, or are left open. The last row of each code leaves both
 * open. */
#include "model/why.h"

#include <assert.h>
#include <string.h>

struct why_row {
    enum refusal refusal;
    enum message_kind kind; /* MESSAGE_NONE: any */
    const char *field;      /* the detail begins so; NULL: any */
    struct why why;
};

#define BY(code, kind, field) REFUSAL_##code, MESSAGE_##kind, field

static const struct why_row rows[] = {
    {BY(PAYLOAD, NONE, NULL),
     {"d.form", "(d)", "a message as docs/protocol.md describes it, without unknown fields",
      "符合报文规范、不含未知字段的报文"}},
    {BY(SENDER, NONE, NULL),
     {"art-15.signed-by-sender", "Art. 15", "the signing agency as the sender",
      "由发送单位本身签名"}},
    {BY(RECIPIENT, NONE, NULL),
     {"art-15.to-a-party", "Art. 15", "another agency of the registry, a party of the referral",
      "收件单位为登记在册且属本移送当事方的另一单位"}},
    {BY(KIND, NONE, NULL),
     {"d.kinds", "(d)", "one of the kinds that agencies send", "成员单位可以发送的文书种类"}},

    /* who may send what */
    {BY(POLICY, OUTBOUND_REFERRAL, NULL),
     {"art-6.procuratorate-refers", "Art. 6, 8",
      "an outbound referral from the procuratorate to a social agency",
      "由检察院向社会化救助成员单位移送"}},
    {BY(POLICY, INBOUND_REFERRAL, NULL),
     {"art-10.social-agency-refers", "Art. 10",
      "an inbound referral from a social agency to the procuratorate",
      "由社会化救助成员单位向检察院移送"}},
    {BY(POLICY, OUTBOUND_FEEDBACK, NULL),
     {"art-9.receiver-answers", "Art. 9", "the answer of the social agency that received it",
      "由接收线索的对口成员单位反馈"}},
    {BY(POLICY, INBOUND_FEEDBACK, NULL),
     {"art-11.procuratorate-answers", "Art. 11", "the answer of the procuratorate",
      "由检察院反馈"}},
    {BY(POLICY, HEARING_INVITATION, NULL),
     {"art-12.procuratorate-invites", "Art. 12", "an invitation by the procuratorate",
      "由检察院邀请听证"}},
    {BY(POLICY, HEARING_OPINION, NULL),
     {"art-12.procuratorate-invites", "Art. 12", "the opinion sent by the procuratorate",
      "由检察院发送听证意见"}},
    {BY(POLICY, ARCHIVE, NULL),
     {"art-16.procuratorate-archives", "Art. 16", "the archiving by the procuratorate",
      "由检察院归档"}},
    {BY(POLICY, REOPEN, NULL),
     {"art-16.procuratorate-archives", "Art. 16", "the re-opening by the procuratorate",
      "由检察院重新启动"}},
    {BY(POLICY, FOLLOW_UP_PLAN, NULL),
     {"art-16.procuratorate-visits", "Art. 16", "a plan of the procuratorate",
      "由检察院制定回访计划"}},
    {BY(POLICY, FOLLOW_UP_REPORT, NULL),
     {"art-16.procuratorate-visits", "Art. 16", "a report of the procuratorate",
      "由检察院报告回访情况"}},
    {BY(POLICY, NONE, NULL),
     {"d.may-send", "(d)", "what the policy's `may-send` allows between these two",
      "策略文件允许这两个单位之间发送的文书"}},

    /* ids and numbers */
    {BY(ID_REUSED, NONE, NULL),
     {"d.one-id-one-message", "(d)", "an id of its own for every message",
      "每份文书使用各自的标识"}},
    {BY(NUMBER, NONE, NULL),
     {"d.numbers", "(d)", "the next free number of the sender's own prefix, or the case's",
      "本单位的下一个编号，或该案件已有的编号"}},
    {BY(REFERRAL_UNKNOWN, NONE, NULL),
     {"d.known-referral", "(d)", "a referral that the broker has accepted", "已受理的移送"}},
    {BY(REFERRAL_EXISTS, NONE, NULL),
     {"d.one-id-one-referral", "(d)", "a referral id of its own", "新的移送使用新的标识"}},

    /* who may do what in a referral */
    {BY(NOT_PARTY, SIGN_FOR, NULL),
     {"art-10.receiver-signs", "Art. 10", "the sign-for of the receiver", "由接收单位签收"}},
    {BY(NOT_PARTY, OUTBOUND_FEEDBACK, NULL),
     {"art-9.receiver-answers", "Art. 9", "the answer of the social agency that received it",
      "由接收线索的对口成员单位反馈"}},
    {BY(NOT_PARTY, INBOUND_FEEDBACK, NULL),
     {"art-11.procuratorate-answers", "Art. 11", "the answer of the procuratorate",
      "由检察院反馈"}},
    {BY(NOT_PARTY, INFORMATION_REQUEST, NULL),
     {"art-11.parties-ask", "Art. 7 (6), 11", "a request between the two parties",
      "由移送双方相互请求提供情况"}},
    {BY(NOT_PARTY, WITHDRAWAL, NULL),
     {"d.sender-withdraws", "(d)", "the withdrawal of the agency that referred", "由移送单位撤回"}},
    {BY(NOT_PARTY, ASSISTANCE_REPORT, NULL),
     {"d.receiver-reports", "(d)", "the report of the agency that helps", "由实施救助的单位报告"}},
    {BY(NOT_PARTY, NONE, NULL),
     {"art-15.parties-only", "Art. 15", "a message of the party from whom it is due",
      "由负有该事项的当事方发送"}},

    /* the life of a referral */
    {BY(STATE, WITHDRAWAL, NULL),
     {"d.withdrawal-before-answer", "(d)", "a withdrawal before a final answer",
      "在最终反馈之前撤回"}},
    {BY(STATE, ASSISTANCE_REPORT, NULL),
     {"d.assistance-after-grant", "(d)", "a report after \"granted\" or \"suitable\"",
      "在给予救助或可以救助的反馈之后报告"}},
    {BY(STATE, PAPERS, NULL),
     {"art-9.papers-after-procedure", "Art. 9", "papers while a procedure waits for them",
      "在需按程序办理期间补充材料"}},
    {BY(STATE, OUTBOUND_FEEDBACK, NULL),
     {"art-9.answer-after-delivery", "Art. 9",
      "an answer after delivery, and after the papers where a procedure wants them",
      "材料送达后反馈；需补充材料的，补齐后反馈"}},
    {BY(STATE, INBOUND_FEEDBACK, NULL),
     {"art-11.answer-after-delivery", "Art. 11", "an answer after delivery", "线索送达后反馈"}},
    {BY(STATE, SIGN_FOR, NULL),
     {"art-10.sign-after-delivery", "Art. 10", "a sign-for after delivery", "送达后签收"}},
    {BY(STATE, NONE, NULL),
     {"d.life-of-a-referral", "(d)", "what is possible in the referral's present state",
      "移送当前状态下可以办理的事项"}},

    /* what must be there */
    {BY(FACT_MISSING, OUTBOUND_REFERRAL, "facts.ground"),
     {"art-4.ground", "Art. 4, 18", "a ground of Art. 4 or Art. 18, or `refused`",
      "写明第四条或第十八条的情形，或司法救助未获支持"}},
    {BY(FACT_MISSING, INBOUND_REFERRAL, "facts.ground"),
     {"art-10.ground", "Art. 10, 4", "a ground of Art. 4 or Art. 18",
      "写明可能符合的司法救助情形"}},
    {BY(FACT_MISSING, INBOUND_FEEDBACK, "body.opinion"),
     {"art-11.opinion-mandatory", "Art. 11", "\"suitable\" with the opinion",
      "可以救助的，附救助意见"}},
    {BY(FACT_MISSING, INBOUND_FEEDBACK, "body.reasons"),
     {"art-11.reason-mandatory", "Art. 11", "\"not-suitable\" with its reason",
      "不适宜救助的，说明理由"}},
    {BY(FACT_MISSING, OUTBOUND_FEEDBACK, "body.reasons"),
     {"art-9.reason-mandatory", "Art. 9", "a refusal with its reasons", "不予救助的，说明理由"}},
    {BY(FACT_MISSING, OUTBOUND_FEEDBACK, "facts.measures"),
     {"art-9.granted-names-measures", "Art. 9", "\"granted\" with its measures",
      "给予救助的，写明救助措施"}},
    {BY(FACT_MISSING, OUTBOUND_FEEDBACK, "facts.documents"),
     {"art-9.procedure-names-papers", "Art. 9",
      "\"procedure-required\" with the papers that are wanted",
      "需按程序办理的，写明申请人需要准备的材料"}},
    {BY(FACT_MISSING, OUTBOUND_FEEDBACK, "facts.tell_by"),
     {"art-9.procedure-names-teller", "Art. 9",
      "\"procedure-required\" with who tells the applicant", "需按程序办理的，写明由谁告知申请人"}},
    {BY(FACT_MISSING, OUTBOUND_FEEDBACK, "facts.suggested_agency"),
     {"art-6.not-my-duty-suggests", "Art. 6", "\"not-my-duty\" with the agency suggested",
      "不属本单位职责的，提出应由哪个单位承担"}},
    {BY(FACT_MISSING, NONE, "facts.register_number"),
     {"art-10.register", "Art. 10", "an answer with a register number where nobody signed for it",
      "未签收的，反馈时写明登记号"}},
    {BY(FACT_MISSING, APPLICANT_INFORMED, "body.told"),
     {"art-11.told-by-whom", "Art. 9, 11", "who was told, and by whom", "写明告知对象和告知人"}},
    {BY(FACT_MISSING, NONE, "body.officer"),
     {"art-13.officer", "Art. 13", "the officer in charge", "写明承办人"}},
    {BY(FACT_MISSING, NONE, NULL),
     {"d.mandatory", "(d)", "the field that the detail names, filled", "填写所指明的必填项"}},

    /* what must be right */
    {BY(FACT_INVALID, NONE, "facts.previous"),
     {"art-6.trail", "Art. 6", "a link together with the referral that is followed",
      "同时写明所承接的移送及承接方式"}},
    {BY(FACT_INVALID, INBOUND_REFERRAL, "facts.advance"),
     {"art-8.advance-is-outbound", "Art. 8", "`advance` in outbound referrals only",
      "先行移送仅适用于检察院移送的线索"}},
    {BY(FACT_INVALID, OUTBOUND_REFERRAL, "facts.relation"),
     {"art-10.relation-is-inbound", "Art. 10", "relation and told in inbound referrals only",
      "申请人关系和告知情况仅用于司法救助线索"}},
    {BY(FACT_INVALID, OUTBOUND_FEEDBACK, "header.kind"),
     {"art-11.procuratorate-answers", "Art. 11", "an inbound referral answered by inbound feedback",
      "司法救助线索以司法救助反馈答复"}},
    {BY(FACT_INVALID, INBOUND_FEEDBACK, "header.kind"),
     {"art-9.receiver-answers", "Art. 9", "an outbound referral answered by outbound feedback",
      "社会救助线索以社会救助反馈答复"}},
    {BY(FACT_INVALID, OUTBOUND_FEEDBACK, "facts."),
     {"art-9.parts-of-the-outcome", "Art. 9", "the parts of the stated outcome, and no others",
      "仅填写该审查结果应有的内容"}},
    {BY(FACT_INVALID, INBOUND_FEEDBACK, "facts."),
     {"art-11.parts-of-the-outcome", "Art. 11", "\"suitable\" or \"not-suitable\" and its parts",
      "仅填写可以救助或不适宜救助及其应有的内容"}},
    {BY(FACT_INVALID, FUND_PLAN, NULL),
     {"d.fund-balances", "(d)", "payments that add up to the amount", "各期支付合计等于总额"}},
    {BY(FACT_INVALID, FUND_PAYMENT, NULL),
     {"d.fund-balances", "(d)", "a balance that is the amount less what was paid",
      "余额等于总额减去已支付数额"}},
    {BY(FACT_INVALID, ROSTER, NULL),
     {"d.roster-editions", "(d)", "the edition that follows the newest", "名册版次逐次递增"}},
    {BY(FACT_INVALID, NONE, NULL),
     {"d.words", "(d)", "a value of docs/messages.md, within its bounds",
      "取值在规定的词表和范围内"}},
    {BY(MATERIAL_MISSING, NONE, NULL),
     {"art-7.materials", "Art. 7", "every mandatory material, or a code for why it is missing",
      "必备材料齐全，或注明缺少的原因"}},
    {BY(ATTACHMENT, NONE, NULL),
     {"art-7.attachments-first", "Art. 7", "a digest whose sealed bytes the sender has uploaded",
      "所列附件已由本单位完整上传"}},
    {BY(ADVANCE_REASON, NONE, NULL),
     {"art-8.advance-reason", "Art. 8", "an advance referral with its reason",
      "先行移送的，说明理由"}},

    /* once */
    {BY(ALREADY, SIGN_FOR, NULL), {"art-10.signed-once", "Art. 10", "one sign-for", "签收一次"}},
    {BY(ALREADY, OUTBOUND_FEEDBACK, NULL),
     {"art-9.answered-once", "Art. 9", "one answer for each window", "每个期限内反馈一次"}},
    {BY(ALREADY, INBOUND_FEEDBACK, NULL),
     {"art-11.answered-once", "Art. 11", "one answer", "反馈一次"}},
    {BY(ALREADY, ASSISTANCE_REPORT, NULL),
     {"d.instalment-once", "(d)", "each instalment of a measure once for each stage",
      "同一措施同一环节的每期只报告一次"}},
    {BY(ALREADY, ESCALATION_REPLY, NULL),
     {"d.document-answered-once", "(d)", "one reply to each document", "每份督办单回复一次"}},
    {BY(ALREADY, NONE, NULL), {"d.once", "(d)", "what was not done before", "尚未办理的事项"}},

    {BY(TASK_UNKNOWN, NONE, NULL),
     {"art-9.tell-applicant", "Art. 9, 11", "an open task of the agency that holds it",
      "本单位尚未完成的告知事项"}},
    {BY(REFERS_TO, CORRECTION, NULL),
     {"d.correction-names-message", "(d)", "a correction that names the message it corrects",
      "更正写明所更正的文书"}},
    {BY(REFERS_TO, NONE, NULL),
     {"d.refers-to", "(d)", "a message of the same referral or matter", "同一移送或事项的文书"}},
    {BY(DELIVERY, NONE, NULL),
     {"d.receipt-names-item", "(d)", "a receipt of exactly what was fetched",
      "与所收取文书一致的回执"}},
    {BY(SEALING, NONE, NULL),
     {"art-15.sealed-to-parties", "Art. 15", "a body sealed to its parties and nobody else",
      "正文仅对当事方加密"}},
    {BY(REGISTER_NUMBER, NONE, NULL),
     {"art-10.register", "Art. 10", "the next register number of the receiver",
      "接收单位的下一个登记号"}},

    /* cases */
    {BY(CASE_ARCHIVED, NONE, NULL),
     {"art-16.archived-takes-nothing", "Art. 16", "a re-opened case, or a new one that is linked",
      "先重新启动案件，或新立案件并关联"}},
    {BY(CASE_NOT_ARCHIVED, NONE, NULL),
     {"art-16.archive-first", "Art. 16", "an archived case", "已归档的案件"}},
    {BY(CASE_CLOCKS, NONE, NULL),
     {"art-16.nothing-runs-on", "Art. 16", "a case in which no window and no task is open",
      "期限和任务均已结束的案件"}},
    {BY(CASE_FULL, NONE, NULL),
     {"d.case-limit", "(d)", "fewer referrals and matters in one case: open a new one and link it",
      "案件中的移送和事项已达上限，请新立案件并关联"}},
    {BY(CASE_UNKNOWN, NONE, NULL),
     {"d.known-case", "(d)", "a case that the broker knows and the sender is party to",
      "已登记且本单位为当事方的案件"}},

    /* matters */
    {BY(MATTER_UNKNOWN, NONE, NULL),
     {"d.known-matter", "(d)", "a matter that the broker has accepted", "已受理的事项"}},
    {BY(MATTER_EXISTS, NONE, NULL),
     {"d.one-id-one-matter", "(d)", "a matter with an id and a number of its own",
      "新的事项使用新的标识和编号"}},
    {BY(MATTER_CLOSED, NONE, NULL),
     {"d.matter-ended", "(d)", "a message to an open matter", "尚未办结的事项"}},
    {BY(MATTER_MEMBER, NONE, NULL),
     {"art-15.members-only", "Art. 15", "a message between the owner and the members",
      "发起单位与参与单位之间的文书"}},
    {BY(DUTY, FOLLOW_UP_REPORT, NULL),
     {"art-16.follow-up", "Art. 16", "a report of an open follow-up, or one that nobody planned",
      "尚未报告的回访，或计划外回访"}},
    {BY(DUTY, FUND_PAYMENT, NULL),
     {"art-20.supervised-payment", "Art. 20", "an open payment of the plan",
      "监管计划中尚未支付的一期"}},
    {BY(DUTY, NONE, NULL),
     {"art-14.promise", "Art. 13, 14", "an open promise, or another open duty, of one's own",
      "本单位尚未办结的承诺或其他事项"}},
    {BY(DATE, FOLLOW_UP_PLAN, NULL),
     {"art-16.plan-dates", "Art. 16", "dates ahead, in rising order", "日期在今日之后且依次递增"}},
    {BY(DATE, NONE, NULL),
     {"d.dates-ahead", "(d)", "dates ahead, in rising order", "日期在今日之后且依次递增"}},

    /* one referral after another */
    {BY(PREVIOUS, NONE, NULL),
     {"art-6.trail", "Art. 6", "a known referral of the sender's to which this link is possible",
      "本单位为当事方且可以这样承接的移送"}},
    {BY(HOPS, NONE, NULL),
     {"d.hop-limit", "(d)", "fewer re-referrals: the joint-meeting office decides now",
      "改送次数已达上限，请联席会议办公室协调"}},
    {BY(DOCUMENT, NONE, NULL),
     {"d.document-asks-you", "(d)", "an open document that asks the sender",
      "要求本单位回复且尚未解除的督办单"}},

    /* minors */
    {BY(MINOR, NONE, "facts.minor_marks"),
     {"art-20.marks-of-a-minor", "Art. 19, 20", "ex-officio and over-limit together with \"minor\"",
      "依职权启动、突破限额仅与涉未成年人并用"}},
    {BY(MINOR, NONE, "facts.needs"),
     {"art-19.needs", "Art. 19", "at least one need for a ground of Art. 18",
      "第十八条情形至少写明一项需求"}},
    {BY(MINOR, NONE, NULL),
     {"art-17.guardian", "Art. 17", "who guards the minor, or that the guardian must not be told",
      "写明未成年人的监护人，或不得告知监护人"}},

    /* the office, and agencies that change */
    {BY(OFFICE, ROSTER, NULL),
     {"art-13.roster", "Art. 13", "the roster published by the joint-meeting office",
      "由联席会议办公室发布名册"}},
    {BY(OFFICE, ROSTER_CHANGE, NULL),
     {"art-13.roster", "Art. 13", "a change told to the joint-meeting office",
      "人员调整告知联席会议办公室"}},
    {BY(OFFICE, NONE, NULL),
     {"art-13.office-convenes", "Art. 13", "what the joint-meeting office sends",
      "由联席会议办公室召集"}},
    {BY(AGENCY_LEFT, NONE, NULL),
     {"d.successor", "(d)", "the successor that the detail names", "改由承接其职责的单位办理"}},

    /* the request, not the message */
    {BY(NONE, NONE, NULL),
     {"d.transport", "(d)", "a request as docs/protocol.md describes it", "符合通信规范的请求"}},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool row_fits(const struct why_row *row, const struct why_refused *refused)
{
    bool kind = row->kind == MESSAGE_NONE || row->kind == refused->kind;
    bool field =
        row->field == NULL || strncmp(refused->detail, row->field, strlen(row->field)) == 0;
    return row->refusal == refused->refusal && kind && field;
}

const struct why *why_refusal(const struct why_refused *refused)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (row_fits(&rows[i], refused)) {
            return &rows[i].why;
        }
    }
    return &rows[ROWS - 1].why;
}

uint32_t why_policy_line(const struct policy *policy, enum message_kind kind,
                         const struct agency *from, const struct agency *to)
{
    const struct policy_rule *rule = policy_find(policy, kind, from, to);
    return rule == NULL ? 0 : rule->line;
}

size_t why_count(void)
{
    return ROWS;
}

const struct why *why_at(size_t index)
{
    assert(index < ROWS);
    return &rows[index].why;
}

struct why_refused why_refused_at(size_t index)
{
    assert(index < ROWS);
    const struct why_row *row = &rows[index];
    return (struct why_refused){row->refusal, row->kind, row->field == NULL ? "" : row->field};
}

/* The tables behind dossier_words.h: one row a kind, a task, a finding. Whoever adds a finding to
 * the judge adds its row here, and its meaning to docs/evidence-format.md. */
#include "dossier_words.h"

#include <string.h>

static const struct {
    enum message_kind kind;
    struct words words;
} kinds[] = {
    {MESSAGE_OUTBOUND_REFERRAL, {"移送社会救助线索", "outbound referral"}},
    {MESSAGE_INBOUND_REFERRAL, {"移送司法救助线索", "inbound referral"}},
    {MESSAGE_SIGN_FOR, {"签收", "signed for"}},
    {MESSAGE_OUTBOUND_FEEDBACK, {"反馈审查结果", "feedback"}},
    {MESSAGE_INBOUND_FEEDBACK, {"反馈救助意见", "feedback"}},
    {MESSAGE_APPLICANT_INFORMED, {"已告知申请人", "applicant informed"}},
    {MESSAGE_PAPERS, {"补充材料", "papers"}},
    {MESSAGE_WITHDRAWAL, {"撤回", "withdrawal"}},
    {MESSAGE_DELIVERY, {"送达回执", "receipt of delivery"}},
    {MESSAGE_REJECTION, {"退回补正", "rejection"}},
    {MESSAGE_INFORMATION_REQUEST, {"请求提供信息", "information request"}},
    {MESSAGE_INFORMATION_REPLY, {"提供信息", "information reply"}},
    {MESSAGE_ASSISTANCE_REPORT, {"救助落实情况", "assistance report"}},
    {MESSAGE_ESCALATION_REPLY, {"督办回复", "reply to an escalation"}},
    {MESSAGE_ARCHIVE, {"归档", "archive"}},
    {MESSAGE_REOPEN, {"重新启动", "re-opening"}},
    {MESSAGE_FOLLOW_UP_PLAN, {"回访计划", "follow-up plan"}},
    {MESSAGE_FOLLOW_UP_REPORT, {"回访报告", "follow-up report"}},
    {MESSAGE_CONSULTATION, {"工作会商", "consultation"}},
    {MESSAGE_CONFERENCE, {"个案会商", "case conference"}},
    {MESSAGE_PROMISE_REPORT, {"承诺事项办理", "promise report"}},
    {MESSAGE_MEETING_NOTICE, {"联席会议通知", "meeting notice"}},
    {MESSAGE_MEETING_REPLY, {"会议回执", "meeting reply"}},
    {MESSAGE_HEARING_INVITATION, {"听证邀请", "hearing invitation"}},
    {MESSAGE_HEARING_REPLY, {"听证回执", "hearing reply"}},
    {MESSAGE_HEARING_OPINION, {"听证意见", "hearing opinion"}},
    {MESSAGE_ROSTER_CHANGE, {"人员调整告知", "roster change"}},
    {MESSAGE_ROSTER, {"联络员名册", "roster"}},
    {MESSAGE_FUND_PLAN, {"救助金监管计划", "fund plan"}},
    {MESSAGE_FUND_PAYMENT, {"救助金支付", "fund payment"}},
    {MESSAGE_LETTER, {"致协作单位函", "letter to an associate"}},
    {MESSAGE_LETTER_ANSWER, {"协作单位回函", "answer of an associate"}},
    {MESSAGE_CORRECTION, {"更正", "correction"}},
    {MESSAGE_DELIVERY_NOTICE, {"送达通知", "notice of delivery"}},
    {MESSAGE_REMINDER, {"期限提醒", "reminder"}},
    {MESSAGE_ESCALATION, {"督办通知", "escalation"}},
    {MESSAGE_RESOLVED, {"督办办结", "escalation resolved"}},
    {MESSAGE_REDATING, {"期限调整通知", "re-dating"}},
    {MESSAGE_RETURNED, {"退件通知", "notice of return"}},
};

struct words kind_words(enum message_kind kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].words;
        }
    }
    return (struct words){"其他", "other"};
}

struct words task_words(uint32_t task)
{
    static const struct {
        uint32_t task;
        struct words words;
    } tasks[] = {
        {0, {"反馈期限", "feedback"}},
        {1, {"告知申请人", "tell the applicant"}},
        {2, {"补充材料", "papers"}},
        {17, {"提供信息", "information"}},
        {18, {"回访", "follow-up"}},
        {19, {"承诺事项", "promise"}},
        {20, {"监管资金支付", "payment"}},
        {21, {"协作单位回函", "associate's answer"}},
        {22, {"答复邀请", "answer an invitation"}},
    };

    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        if (tasks[i].task == task) {
            return tasks[i].words;
        }
    }
    return (struct words){"其他期限", "another clock"};
}

static const struct {
    const char *code;
    struct words words;
} findings[] = {
    {"evidence.unreadable", {"文件读不了", "the file cannot be read"}},
    {"evidence.form",
     {"不是证据文件，或格式不对", "this is no evidence file, or its form is wrong"}},
    {"evidence.digest",
     {"文件在导出后被改动", "the file was changed after it was exported: a digest does not match"}},
    {"evidence.behind", {"文件末尾有多余的内容", "there are bytes behind the last part"}},
    {"evidence.cut", {"文件不完整，后面的部分缺失", "the file is cut: its end is missing"}},
    {"evidence.about", {"文件首部不合格式", "the part that says what this is about is malformed"}},
    {"evidence.part", {"含有不认识的部分", "there is a part of an unknown kind"}},
    {"evidence.origin", {"中枢与名册所列不同", "the broker is not the one of the registry"}},
    {"evidence.alone", {"有回执而没有消息", "a receipt or key without its message"}},
    {"evidence.subject", {"混入了别的案件的消息", "a message of another case was put in"}},
    {"evidence.party",
     {"消息既不是导出单位发出的，也不是它收到的",
      "a message that the exporter neither sent nor got"}},
    {"registry.root",
     {"名册不是由所给指纹的根密钥签名",
      "the registry is signed by another root than the one named"}},
    {"registry.signature", {"名册的签名不成立", "the registry's signature is wrong"}},
    {"registry.digest", {"名册内容被改动", "the registry was changed"}},
    {"registry.form", {"名册不合格式", "the registry is malformed"}},
    {"registry.name",
     {"名册的版本号与部分名称不符", "the registry is not the version that its part names"}},
    {"key.statement", {"密钥吊销声明不成立", "a statement about a key does not hold"}},
    {"registry.leaf",
     {"名册版本在日志中的证明不成立",
      "the proof of a version of the registry does not lead to the log"}},
    {"registry.order",
     {"名册版本在日志中的先后不对（前、后）",
      "versions of the registry stand in the log in another order (before, after)"}},
    {"registry.fork",
     {"名册版本不衔接（前、后）",
      "a version of the registry does not follow the one before (before, after)"}},
    {"registry.removed",
     {"名册的后一版缺少前一版的单位（前、后）",
      "a version of the registry lacks an agency of the one before (before, after)"}},
    {"keys.lost",
     {"名册的后一版缺少前一版的密钥（前、后）",
      "a version of the registry lacks a key of the one before (before, after)"}},
    {"key.early",
     {"签名密钥不在记录当时有效的名册中",
      "signed by a key that the registry in force at its record did not have"}},
    {"key.unknown", {"签名密钥不在名册中", "signed by a key that the registry does not have"}},
    {"key.revoked",
     {"签名密钥此前已被吊销", "signed by a key that was revoked before (key, leaf)"}},
    {"key.validity", {"签名密钥当时不在有效期内", "signed by a key that was not valid then"}},
    {"key.other", {"签名密钥与消息所写不同", "signed by another key than the message names"}},
    {"key.body", {"正文不能用所附密钥打开", "the body does not open by the key given"}},
    {"message.form", {"消息不合格式", "a message is malformed"}},
    {"message.name", {"消息与部分名称不符", "a message is not the one that its part names"}},
    {"message.signature", {"发出单位的签名不成立", "the sender's signature is wrong"}},
    {"receipt.form", {"回执不合格式", "a receipt is malformed"}},
    {"receipt.checkpoint",
     {"回执的检查点不是中枢签名的", "a receipt's checkpoint is not signed by the broker"}},
    {"receipt.inclusion",
     {"记录不在中枢签名的日志里", "the record is not in the log that the broker signed"}},
    {"receipt.other", {"回执不是这件消息的", "the receipt is of another message"}},
    {"receipt.time", {"记录时间晚于检查点", "the record is later than its checkpoint"}},
    {"checkpoint.signature",
     {"检查点不是中枢签名的", "the checkpoint is not signed by the broker"}},
    {"log.split",
     {"中枢出示了两份不同的日志", "the broker showed two different logs (size or leaf)"}},
    {"witness.form", {"见证签名不合格式", "a countersignature is malformed"}},
    {"witness.signature",
     {"见证签名不是该单位的", "a countersignature is not that agency's, or its key was revoked"}},
    {"log.consistency",
     {"两个检查点不属于同一份日志", "a proof that two checkpoints are of one log does not hold"}},
    {"log.stream", {"收件顺序前后矛盾", "what was received contradicts its numbering"}},
    {"calendar.form", {"日历内容与其版本不符", "the calendar is not what its version says (line)"}},
    {"calendar.other",
     {"期限按另一版日历计算，本文件没有该版日历（版本、所称日期、重算日期）",
      "counted by a calendar that is not in the file, and the one here gives another day (version, "
      "stated, counted)"}},
    {"policy.form", {"规则文件不合格式", "the policy is malformed"}},
    {"delivery.signature",
     {"送达回执的签名不成立", "the receipt of delivery is not the receiver's"}},
    {"window.start",
     {"期限的起算时间或天数不对", "a window does not start where it did, or has another length"}},
    {"window.date",
     {"期限日期与重算不符（所称、重算）",
      "a window's date is not that of the count (stated, counted)"}},
    {"window.trace",
     {"所列的休息日或调休日不对", "a day is listed as skipped or worked that was not"}},
    {"window.redated", {"期限调整前的日期不对", "a re-dating names another date before it"}},
    {"rung.unknown", {"没有这一级督办", "a rung that this clock does not have"}},
    {"rung.date",
     {"督办应发日期与重算不符（级次、所称、重算）",
      "a rung fell due on another day (rung, stated, counted)"}},
    {"rung.early", {"督办发早了", "a rung was raised before it fell due"}},
    {"rung.ended", {"期限已经结束仍发督办", "a rung was raised after its window had ended"}},
    {"rung.twice", {"同一级督办发了两次", "a rung was raised twice"}},
    {"lie.reply",
     {"回复不是中枢签名的，不能作证", "the reply is not the broker's word: it proves nothing"}},
    {"lie.request", {"这不是对该请求的回复", "the reply answers another request"}},
    {"lie.checkpoint",
     {"已证明：中枢签名的回复中，检查点不是它签名的",
      "proven: in a reply that it signed, the broker shows a checkpoint that it did not sign"}},
    {"lie.back",
     {"已证明：中枢的日志倒退了（之前、之后）",
      "proven: the broker's log went back (before, after)"}},
    {"lie.denied",
     {"已证明：中枢签过名的日志，来见证时却不认（条数）",
      "proven: the broker does not know a log that it had signed (records)"}},
    {"lie.split",
     {"已证明：中枢出示了两份互相矛盾的日志",
      "proven: the broker showed two logs that contradict each other"}},
    {"lie.longer",
     {"已证明：该单位见证过更长的日志，中枢没有出示（单位、见证的、出示的）",
      "proven: an agency countersigned a longer log than the broker shows (agency, its size, "
      "shown)"}},
    {"lie.witness",
     {"已证明：中枢转交的见证签名不是该单位的",
      "proven: the broker handed on a countersignature that is not that agency's"}},
    {"lie.receipt",
     {"已证明：中枢给出的回执或送达，在它所签的日志里并不成立（记录、日志条数）",
      "proven: the broker's receipt or delivery is not in the log that it signed (record, size)"}},
    {"lie.order",
     {"已证明：中枢在一次回复中颠倒了同一通道的消息（通道、前、后）",
      "proven: in one reply the broker delivered messages of one lane in the wrong order (lane, "
      "first, then)"}},
    {"lie.registry",
     {"已证明：中枢下发的名册版本，在它所签的日志里并不成立（版本、日志条数）",
      "proven: the broker answered with a version of the registry that is not in the log that it "
      "signed (version, size)"}},
    {"lie.early",
     {"已证明：中枢在期限届满之前就发出了催办或督办（级次、编号）",
      "proven: the broker raised a rung before it fell due (rung, number)"}},
    {"lie.unproven",
     {"回复确是中枢签名的，但单凭本文件看不出矛盾：要看该单位自己的记录",
      "the reply is the broker's, and nothing in this file contradicts it: the agency's own "
      "records must judge"}},
    {"missing.reply", {"没有中枢的回复", "the broker's reply is not there"}},
    {"missing.request", {"没有所回复的请求", "the request that was answered is not there"}},
    {"missing.registry",
     {"没有联席会议办公室签名的名册：无法证明密钥属于谁",
      "there is no registry signed by the office: nobody vouches for the keys"}},
    {"missing.version",
     {"记录当时有效的名册版本不在文件中，密钥只见于后来的版本",
      "the registry in force at its record is not there, and only a later one has the key"}},
    {"missing.registry-leaf",
     {"没有名册版本在日志中的证明（版本）",
      "nothing shows from where in the log a version of the registry was in force (version)"}},
    {"missing.receipt", {"消息没有回执", "a message without its receipt"}},
    {"missing.calendar", {"没有日历：期限没有重算", "no calendar: the windows were not counted"}},
    {"missing.policy", {"没有规则文件：期限没有重算", "no policy: the windows were not counted"}},
    {"missing.checkpoint",
     {"没有导出单位最新的检查点", "the exporter's newest checkpoint is not there"}},
    {"missing.messages", {"没有一件可以核实的消息", "there is no message that holds"}},
    {"missing.delivery", {"没有送达的证明", "nothing shows that it was delivered"}},
    {"missing.body", {"没有打开正文的密钥", "the key of a body is not there"}},
    {"erased.body", {"正文已依法删除", "the body was erased by order"}},
    {"missing.rung",
     {"应发的督办不在文件中（级次、应发日期）",
      "a rung that fell due is not in the file (rung, day)"}},
};

struct words finding_words(const char *code)
{
    for (size_t i = 0; i < sizeof findings / sizeof findings[0]; i++) {
        if (strcmp(findings[i].code, code) == 0) {
            return findings[i].words;
        }
    }
    return (struct words){code, code};
}

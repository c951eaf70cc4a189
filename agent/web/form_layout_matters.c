/* The forms beside a referral's own life: information, assistance reports, documents, archives and
 * visits, talks, meetings, hearings, the roster, supervised money, letters, corrections. */
#include "agent/web/form_layout.h"

#define OFFICER                                                                                    \
    {                                                                                              \
        "body.officer", NULL, NULL, FORM_AGENT, NULL, 0, false                                     \
    }
#define ABOUT                                                                                      \
    {                                                                                              \
        "facts.about", NULL, NULL, FORM_AGENT, NULL, 0, false                                      \
    }
#define RECIPIENTS(label, hint)                                                                    \
    {                                                                                              \
        "recipients", label, hint, FORM_RECIPIENTS, NULL, 0, false                                 \
    }
#define TEXT_OF(label, hint)                                                                       \
    {                                                                                              \
        "body.text", label, hint, FORM_LONG, NULL, 0, false                                        \
    }
#define ONE(title, items)                                                                          \
    {                                                                                              \
        title, NULL, NULL, NULL, 0, FORM_GRID, ITEMS(items)                                        \
    }
#define TABLE(title, hint, path, one, items)                                                       \
    {                                                                                              \
        title, hint, path, one, 0, FORM_TABLE, ITEMS(items)                                        \
    }
#define TO_PARTIES N_("默认发给本案全部参与单位")
#define TO_MEMBERS N_("默认发给该事项全部参与单位")

static const struct form_item information_items[] = {
    RECIPIENTS(N_("请哪个单位提供"), NULL),
    {"facts.asked", N_("需要的信息（可多选）"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("具体问题"), N_("请求提供信息不停止反馈期限。")),
    ABOUT,
    OFFICER,
};
static const struct form_section information_sections[] = {
    ONE(N_("请求内容"), information_items),
    FILES,
};

static const struct form_item information_reply_items[] = {
    {"facts.answered", N_("已提供的信息（可多选）"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.partly", N_("部分信息无法提供"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("答复内容"), NULL),
    RECIPIENTS(N_("发给"), N_("默认发给请求单位")),
    OFFICER,
};
static const struct form_section information_reply_sections[] = {
    ONE(N_("答复"), information_reply_items),
    FILES,
};

static const struct form_item assistance_items[] = {
    {"facts.stage", N_("进展"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.measure", N_("措施"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.shape", N_("形式"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.amount_fen", N_("金额（元）"), NULL, FORM_MONEY, NULL, 0, false},
    {"facts.date", N_("日期"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.person_index", N_("受助人"), NULL, FORM_PERSON, NULL, 0, false},
    {"facts.instalment", N_("第几期"), N_("分期的才填"), FORM_PLAIN, NULL, 0, false},
    {"facts.instalments", N_("共几期"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    OFFICER,
};
static const struct form_section assistance_sections[] = {
    ONE(N_("落实情况"), assistance_items),
    FILES,
};

static const struct form_item escalation_items[] = {
    {"facts.document_number", N_("督办单编号"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.answer", N_("回复"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("说明"), N_("写明原因、已采取的措施和预计完成时间。")),
    RECIPIENTS(N_("发给"), N_("默认发给等待反馈的单位")),
    OFFICER,
};
static const struct form_section escalation_sections[] = {
    ONE(N_("督办回复"), escalation_items),
    FILES,
};

/* --- Art. 16 --- */

static const struct form_item archive_items[] = {
    {"facts.why", N_("归档原因"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), TO_PARTIES),
    OFFICER,
};
static const struct form_section archive_sections[] = {
    ONE(N_("归档"), archive_items),
    FILES,
};

static const struct form_item reopen_items[] = {
    {"facts.why", N_("重新启动原因"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), TO_MEMBERS),
    OFFICER,
};
static const struct form_section reopen_sections[] = {
    ONE(N_("重新启动"), reopen_items),
    FILES,
};

static const struct form_item plan_date_items[] = {
    {"facts.dates[]", N_("回访日期"), NULL, FORM_PLAIN, NULL, 0, false},
};
static const struct form_item plan_items[] = {
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), TO_MEMBERS),
    OFFICER,
};
static const struct form_section plan_sections[] = {
    TABLE(N_("回访日期"), N_("由近到远，每次一行；代替尚未进行的回访。"), "facts.dates", N_("回访"),
          plan_date_items),
    ONE(N_("其他"), plan_items),
    FILES,
};

static const struct form_item report_items[] = {
    {"facts.duty", N_("哪一次回访"), NULL, FORM_DUTY, NULL, 0, false},
    {"facts.hardship", N_("困难情况"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.effect", N_("救助措施落实"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.risk", N_("风险"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.next_date", N_("下次回访日期"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("回访情况"), NULL),
    RECIPIENTS(N_("发给"), TO_MEMBERS),
    OFFICER,
};
static const struct form_section report_sections[] = {
    ONE(N_("回访报告（第十六条）"), report_items),
    FILES,
};

/* --- Art. 13, 14 --- */

static const struct form_item consultation_items[] = {
    {"facts.topic", N_("主题"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("内容"), NULL),
    RECIPIENTS(N_("发给"), NULL),
    ABOUT,
    OFFICER,
};
static const struct form_section consultation_sections[] = {
    ONE(N_("会商内容"), consultation_items),
    FILES,
};

static const struct form_item promise_items[] = {
    {"facts.promises[].agency", N_("单位"), NULL, FORM_AGENCY, NULL, 0, false},
    {"facts.promises[].code", N_("事项"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.promises[].by_date", N_("完成日期"), NULL, FORM_PLAIN, NULL, 0, false},
};
static const struct form_item conference_items[] = {
    {"facts.topic", N_("主题"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.held", N_("会商时间"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("商定的方案"), NULL),
    RECIPIENTS(N_("参加单位"), TO_PARTIES),
    ABOUT,
    OFFICER,
};
static const struct form_section conference_sections[] = {
    ONE(N_("会商情况"), conference_items),
    TABLE(N_("承诺事项"), N_("每项到期前提醒，超期督办。"), "facts.promises", N_("承诺"),
          promise_items),
    FILES,
};

static const struct form_item promise_report_items[] = {
    {"facts.duty", N_("承诺事项"), NULL, FORM_DUTY, NULL, 0, false},
    {"facts.result", N_("办理结果"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), N_("默认发给召集单位")),
    OFFICER,
};
static const struct form_section promise_report_sections[] = {
    ONE(N_("办理情况"), promise_report_items),
    FILES,
};

static const struct form_item meeting_items[] = {
    {"facts.at", N_("会议时间"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.reply_by", N_("请在此日前回执"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("地点和事项"), NULL),
    RECIPIENTS(N_("参加单位"), N_("默认发给全部成员单位")),
    OFFICER,
};
static const struct form_item agenda_items[] = {
    {"facts.agenda[].number", N_("编号"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.agenda[].why", N_("列入原因"), NULL, FORM_PLAIN, NULL, 0, false},
};
static const struct form_section meeting_sections[] = {
    ONE(N_("会议"), meeting_items),
    TABLE(N_("议题"), N_("留空则自动列入达到三次督办且尚未解决的事项。"), "facts.agenda",
          N_("议题"), agenda_items),
    FILES,
};

static const struct form_item attendance_items[] = {
    {"facts.attends", N_("是否参加"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("参加人员和说明"), NULL),
    RECIPIENTS(N_("发给"), N_("默认发给邀请单位")),
    OFFICER,
};
static const struct form_section attendance_sections[] = {
    ONE(N_("回执"), attendance_items),
    FILES,
};

static const struct form_item hearing_items[] = {
    {"facts.purpose", N_("听证事项"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.at", N_("听证时间"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.reply_by", N_("请在此日前回执"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.roles", N_("邀请人员（第十二条，可多选）"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("地点和事项"), NULL),
    RECIPIENTS(N_("邀请单位"), TO_PARTIES),
    ABOUT,
    OFFICER,
};
static const struct form_section hearing_sections[] = {
    ONE(N_("听证邀请"), hearing_items),
    FILES,
};

static const struct form_item hearing_opinion_items[] = {
    {"facts.opinion", N_("听证结论"), NULL, FORM_RADIO, NULL, 0, false},
    {"body.opinion", N_("听证意见"), NULL, FORM_LONG, NULL, 0, false},
    {"body.text", N_("说明"), NULL, FORM_LONG, NULL, 0, true},
    RECIPIENTS(N_("发给"), TO_MEMBERS),
    OFFICER,
};
static const struct form_section hearing_opinion_sections[] = {
    ONE(N_("听证意见"), hearing_opinion_items),
    TABLE(N_("承诺事项"), N_("每项到期前提醒，超期督办。"), "facts.promises", N_("承诺"),
          promise_items),
    FILES,
};

/* --- the roster --- */

static const struct form_item roster_change_items[] = {
    {"facts.role", N_("职务"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.change", N_("调整"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), N_("默认发给联席会议办公室")),
    OFFICER,
};
static const struct form_item own_person_items[] = {
    {"body.persons[].name", N_("姓名"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.persons[].phone", N_("联系电话"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.persons[].agency", NULL, NULL, FORM_FIXED, NULL, 0, false},
    {"body.persons[].role", N_("职务"), NULL, FORM_PLAIN, NULL, 0, false},
};
static const struct form_section roster_change_sections[] = {
    ONE(N_("调整内容"), roster_change_items),
    TABLE(N_("人员"), NULL, "body.persons", N_("人员"), own_person_items),
    FILES,
};

static const struct form_item roster_items[] = {
    {"facts.edition", N_("第几版"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.persons", NULL, NULL, FORM_AGENT, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), N_("默认发给全部成员单位")),
    OFFICER,
};
static const struct form_item roster_person_items[] = {
    {"body.persons[].agency", N_("单位"), NULL, FORM_AGENCY, NULL, 0, false},
    {"body.persons[].name", N_("姓名"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.persons[].role", N_("职务"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.persons[].phone", N_("联系电话"), NULL, FORM_PLAIN, NULL, 0, false},
};
static const struct form_section roster_sections[] = {
    ONE(N_("名册"), roster_items),
    TABLE(N_("人员"), N_("可从表格中复制多行，粘贴到第一格。"), "body.persons", N_("人员"),
          roster_person_items),
    FILES,
};

/* --- Art. 20, associates, corrections --- */

static const struct form_item fund_items[] = {
    {"facts.custodian", N_("监管方"), NULL, FORM_RADIO, NULL, 0, false},
    {"facts.amount_fen", N_("总额（元）"), NULL, FORM_MONEY, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), TO_PARTIES),
    OFFICER,
};
static const struct form_item payment_items[] = {
    {"facts.payments[].date", N_("支付日期"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.payments[].amount_fen", N_("金额（元）"), NULL, FORM_MONEY, NULL, 0, false},
};
static const struct form_section fund_sections[] = {
    ONE(N_("救助金监管（第二十条）"), fund_items),
    TABLE(N_("支付计划"), N_("由近到远，各笔之和等于总额。"), "facts.payments", N_("支付"),
          payment_items),
    FILES,
};

static const struct form_item fund_payment_items[] = {
    {"facts.duty", N_("哪一笔"), NULL, FORM_DUTY, NULL, 0, false},
    {"facts.amount_fen", N_("金额（元）"), NULL, FORM_MONEY, NULL, 0, false},
    {"facts.balance_fen", N_("支付后余额（元）"), NULL, FORM_MONEY, NULL, 0, false},
    {"facts.date", N_("支付日期"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("说明"), NULL),
    RECIPIENTS(N_("发给"), TO_MEMBERS),
    OFFICER,
};
static const struct form_section fund_payment_sections[] = {
    ONE(N_("支付情况"), fund_payment_items),
    FILES,
};

static const struct form_item letter_items[] = {
    {"facts.associate", N_("协作单位"), NULL, FORM_ASSOCIATE, NULL, 0, false},
    {"facts.answer_by", N_("请在此日前回函"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("函的内容"), N_("提交后打印，由本单位送达并跟踪回函。")),
    RECIPIENTS(N_("同时告知"), NULL),
    ABOUT,
    OFFICER,
};
static const struct form_section letter_sections[] = {
    ONE(N_("函"), letter_items),
    FILES,
};

static const struct form_item letter_answer_items[] = {
    {"facts.answer", N_("回函结果"), NULL, FORM_RADIO, NULL, 0, false},
    TEXT_OF(N_("回函内容"), NULL),
    RECIPIENTS(N_("发给"), TO_MEMBERS),
    OFFICER,
};
static const struct form_section letter_answer_sections[] = {
    ONE(N_("协作单位回函"), letter_answer_items),
    FILES,
};

static const struct form_item correction_items[] = {
    {"refers_to", N_("更正哪一份"), NULL, FORM_MESSAGE, NULL, 0, false},
    {"facts.corrects", N_("更正的内容（可多选）"), NULL, FORM_PLAIN, NULL, 0, false},
    TEXT_OF(N_("正确的内容"), N_("原件保留，更正附在其后。")),
    OFFICER,
};
static const struct form_section correction_sections[] = {
    ONE(N_("更正"), correction_items),
    FILES,
};

static const struct form_layout layouts[] = {
    {MESSAGE_INFORMATION_REQUEST, N_("请求提供信息"), N_("发出请求"),
     N_("对方应在 5 个工作日内答复"), SECTIONS(information_sections)},
    {MESSAGE_INFORMATION_REPLY, N_("答复信息请求"), N_("提交答复"), NULL,
     SECTIONS(information_reply_sections)},
    {MESSAGE_ASSISTANCE_REPORT, N_("登记救助落实情况"), N_("提交登记"), NULL,
     SECTIONS(assistance_sections)},
    {MESSAGE_ESCALATION_REPLY, N_("回复督办单"), N_("提交回复"), NULL,
     SECTIONS(escalation_sections)},
    {MESSAGE_ARCHIVE, N_("归档"), N_("确认归档"), N_("归档后开始案后回访（第十六条）"),
     SECTIONS(archive_sections)},
    {MESSAGE_REOPEN, N_("重新启动案件"), N_("确认重新启动"), NULL, SECTIONS(reopen_sections)},
    {MESSAGE_FOLLOW_UP_PLAN, N_("制定回访计划"), N_("提交计划"), NULL, SECTIONS(plan_sections)},
    {MESSAGE_FOLLOW_UP_REPORT, N_("填写回访报告"), N_("提交报告"), NULL, SECTIONS(report_sections)},
    {MESSAGE_CONSULTATION, N_("工作会商"), N_("发出"), NULL, SECTIONS(consultation_sections)},
    {MESSAGE_CONFERENCE, N_("个案会商纪要"), N_("提交纪要"), NULL, SECTIONS(conference_sections)},
    {MESSAGE_PROMISE_REPORT, N_("填报承诺办理"), N_("提交"), NULL,
     SECTIONS(promise_report_sections)},
    {MESSAGE_MEETING_NOTICE, N_("发出联席会议通知"), N_("发出通知"), NULL,
     SECTIONS(meeting_sections)},
    {MESSAGE_MEETING_REPLY, N_("会议回执"), N_("提交回执"), NULL, SECTIONS(attendance_sections)},
    {MESSAGE_HEARING_INVITATION, N_("发出听证邀请"), N_("发出邀请"), NULL,
     SECTIONS(hearing_sections)},
    {MESSAGE_HEARING_REPLY, N_("听证回执"), N_("提交回执"), NULL, SECTIONS(attendance_sections)},
    {MESSAGE_HEARING_OPINION, N_("听证意见"), N_("提交意见"), NULL,
     SECTIONS(hearing_opinion_sections)},
    {MESSAGE_ROSTER_CHANGE, N_("告知人员调整"), N_("提交"), NULL, SECTIONS(roster_change_sections)},
    {MESSAGE_ROSTER, N_("发布人员名册"), N_("发布名册"), NULL, SECTIONS(roster_sections)},
    {MESSAGE_FUND_PLAN, N_("制定救助金监管计划"), N_("提交计划"), NULL, SECTIONS(fund_sections)},
    {MESSAGE_FUND_PAYMENT, N_("登记救助金支付"), N_("提交登记"), NULL,
     SECTIONS(fund_payment_sections)},
    {MESSAGE_LETTER, N_("致协作单位函"), N_("提交"), NULL, SECTIONS(letter_sections)},
    {MESSAGE_LETTER_ANSWER, N_("登记协作单位回函"), N_("提交登记"), NULL,
     SECTIONS(letter_answer_sections)},
    {MESSAGE_CORRECTION, N_("更正"), N_("提交更正"), NULL, SECTIONS(correction_sections)},
};

const struct form_layout *form_layout_of_matter(enum message_kind kind)
{
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        if (layouts[i].kind == kind) {
            return &layouts[i];
        }
    }
    return NULL;
}

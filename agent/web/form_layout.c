/* The forms of a referral's own life: referring, signing for, feedback, informing, papers,
 * withdrawing; and how a path of a layout is found in the tables of fields. */
#include "agent/web/form_layout.h"

#include <stdio.h>
#include <string.h>

/* --- referrals --- */

static const struct form_item person_items[] = {
    {"body.persons[].name", N_("姓名"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.persons[].identity_number", N_("身份证号"), N_("18 位，末位可以是 X"), FORM_IDENTITY,
     NULL, 0, false},
    {"body.persons[].relation", N_("与申请人的关系"), N_("申请人选“本人”"), FORM_PLAIN, NULL, 0,
     false},
    {"body.persons[].phone", N_("联系电话"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.persons[].address", N_("住址"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.persons[].may_be_told", N_("能否告知此人"),
     N_("监护人与未成年人有利益冲突的，选“不得告知”"), FORM_PLAIN, NULL, 0, false},
    {"body.persons[].minor", N_("此人是未成年人"), NULL, FORM_PLAIN, NULL, 1, false},
    {"body.persons[].guardian", N_("监护人"), N_("姓名和关系；无人监护的，写明情况（第十七条）"),
     FORM_PLAIN, NULL, 0, false},
    {"body.persons[].priority_groups", N_("此人属于的重点救助对象"), NULL, FORM_PLAIN, NULL, 0,
     true},
    {"body.persons[].needs", N_("此人的需要"), NULL, FORM_PLAIN, NULL, 0, true},
    {"body.persons[].receives_already", N_("已享受的救助和补贴"), N_("避免重复救助，也避免减损"),
     FORM_LONG, NULL, 0, true},
};

static const struct form_item mark_items[] = {
    {"facts.priority_groups", N_("重点救助对象（第三条，可多选）"), NULL, FORM_PLAIN, NULL, 0,
     false},
    {"facts.minor_marks", N_("未成年人案件标记（第十七至二十条）"), NULL, FORM_PLAIN, NULL, 0,
     false},
    {"facts.urgent", N_("急件（接收单位列表中提前）"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.life_danger", N_("危及生命（按小时督办，同时请电话联系接收单位）"), NULL, FORM_PLAIN,
     NULL, 0, false},
    {"facts.no_publicity", N_("不得宣传报道"), NULL, FORM_PLAIN, NULL, 0, false},
};

static const struct form_item outbound_case_items[] = {
    {"facts.ground", N_("救助情形（第四条、第十八条）"),
     N_("涉及未成年人的，从第十八条的八种情形中选择。"), FORM_PLAIN, NULL, 0, false},
    {"facts.lead_channel", N_("线索来源"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.circumstances", N_("困难情况"), N_("家庭、收入、伤病和已获赔偿、救助的情况"), FORM_LONG,
     NULL, 0, false},
    {"body.reasons", N_("移送理由"), NULL, FORM_LONG, NULL, 0, false},
    {"facts.advance", N_("司法救助程序尚未结束，先行移送（第八条）"), NULL, FORM_PLAIN, NULL, 1,
     false},
    {"body.advance_reason", N_("先行移送理由"), N_("写明急迫、正当的现实需求。"), FORM_LONG, NULL,
     0, false},
    {"facts.relation", NULL, NULL, FORM_AGENT, NULL, 0, false}, /* of inbound referrals only, */
    {"facts.told", NULL, NULL, FORM_AGENT, NULL, 0, false},     /* as this one */
    {"body.text", N_("备注"), NULL, FORM_LONG, NULL, 0, true},
};

static const struct form_item inbound_case_items[] = {
    {"facts.ground", N_("救助情形（第四条、第十八条）"),
     N_("涉及未成年人的，从第十八条的八种情形中选择。"), FORM_PLAIN, NULL, 0, false},
    {"facts.lead_channel", N_("线索来源"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.relation", N_("申请人与被救助人的关系（第十条）"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.told", N_("是否已告知申请人可以申请（第十条）"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.circumstances", N_("困难情况"), N_("家庭、收入、伤病和已获赔偿、救助的情况"), FORM_LONG,
     NULL, 0, false},
    {"body.reasons", N_("移送理由"), NULL, FORM_LONG, NULL, 0, false},
    {"facts.advance", NULL, NULL, FORM_AGENT, NULL, 0, false}, /* of outbound referrals only */
    {"body.text", N_("备注"), NULL, FORM_LONG, NULL, 0, true},
};

static const struct form_item need_items[] = {
    {"facts.needs", N_("需要"), NULL, FORM_PLAIN, NULL, 0, false},
    {"recipients", N_("接收单位"), NULL, FORM_RECIPIENTS, NULL, 0, false},
    {"facts.measures", N_("建议的救助方式（可多选）"), NULL, FORM_PLAIN, NULL, 0, true},
};

static const struct form_item material_items[] = {
    {"facts.materials[].kind", N_("材料"), NULL, FORM_FIXED, NULL, 0, false},
    {"facts.materials[].digest", N_("文件"), NULL, FORM_FILE, NULL, 0, false},
    {"facts.materials[].sealed_bytes", N_("大小"), NULL, FORM_FILE, NULL, 0, false},
    {"facts.materials[].missing", N_("缺少的原因"), NULL, FORM_PLAIN, NULL, 0, false},
};

static const struct form_item link_items[] = {
    {"case_number", N_("并入已有案件（案件编号）"), N_("留空则新立案件，编号提交后生成"),
     FORM_PLAIN, NULL, 0, true},
    {"previous", N_("承接的线索编号"), N_("改送、补充移送等，填原线索编号"), FORM_PLAIN, NULL, 0,
     true},
    {"facts.link", N_("与原线索的关系"), NULL, FORM_PLAIN, NULL, 0, true},
    {"facts.person_count", NULL, NULL, FORM_AGENT, NULL, 0, false},
    {"facts.previous", NULL, NULL, FORM_AGENT, NULL, 0, false},
    {"facts.previous_case", NULL, NULL, FORM_AGENT, NULL, 0, false},
    {"body.officer", NULL, NULL, FORM_AGENT, NULL, 0, false},
};

#define REFERRAL_SECTIONS(case_items, materials_title)                                             \
    {N_("申请人和家庭成员"),                                                                       \
     N_("以家庭为单位，每人一栏。"),                                                               \
     "body.persons",                                                                               \
     N_("人员"),                                                                                   \
     0,                                                                                            \
     FORM_BLOCKS,                                                                                  \
     ITEMS(person_items)},                                                                         \
        {NULL, NULL, NULL, NULL, 0, FORM_GRID, ITEMS(mark_items)},                                 \
        {N_("救助情形"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(case_items)},                       \
        {N_("需要什么帮助，移送给谁"), NULL, NULL, NULL, 0, FORM_NEEDS, ITEMS(need_items)},        \
        {materials_title,                                                                          \
         N_("材料加密传送，只有接收单位能打开。"),                                                 \
         "facts.materials",                                                                        \
         N_("材料"),                                                                               \
         0,                                                                                        \
         FORM_MATERIALS,                                                                           \
         ITEMS(material_items)},                                                                   \
    {                                                                                              \
        NULL, NULL, NULL, NULL, 0, FORM_GRID, ITEMS(link_items)                                    \
    }

static const struct form_section outbound_sections[] = {
    REFERRAL_SECTIONS(outbound_case_items, N_("材料清单（第七条）")),
};
static const struct form_section inbound_sections[] = {
    REFERRAL_SECTIONS(inbound_case_items, N_("材料清单")),
};

/* --- files --- */

const struct form_item form_file_items[FORM_FILE_ITEMS] = {
    {"facts.attachments[].digest", N_("文件"), NULL, FORM_FILE, NULL, 0, false},
    {"facts.attachments[].sealed_bytes", N_("大小"), NULL, FORM_FILE, NULL, 0, false},
};

/* --- sign-for and feedback --- */

static const struct form_item sign_for_items[] = {
    {"facts.register_number", N_("登记号"), N_("留空则按本单位顺序自动编号"), FORM_PLAIN, NULL, 0,
     false},
    {"body.text", N_("备注"), NULL, FORM_LONG, NULL, 0, false},
    {"body.officer", NULL, NULL, FORM_AGENT, NULL, 0, false},
};
static const struct form_section sign_for_sections[] = {
    {N_("签收登记"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(sign_for_items)},
    FILES,
};

#define OF(outcome) (1u << (outcome))

static const struct form_item outcome_items[] = {
    {"facts.outcome", N_("审查结果"), NULL, FORM_OUTCOME, NULL, 0, false},
};
static const struct form_item measure_items[] = {
    {"facts.measures[].measure", N_("措施"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.measures[].shape", N_("形式"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.measures[].amount_fen", N_("金额（元）"), NULL, FORM_MONEY, NULL, 0, false},
    {"facts.measures[].unit", N_("期间"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.measures[].start_date", N_("开始日期"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.measures[].end_date", N_("结束日期"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.measures[].person_index", N_("受助人"), NULL, FORM_PERSON, NULL, 0, false},
    {"facts.measures[].existing_kept", N_("原有、继续"), NULL, FORM_PLAIN, NULL, 0, false},
};
static const struct form_item result_items[] = {
    {"body.outcomes[].person_index", N_("受助人"), NULL, FORM_PERSON, NULL, 0, false},
    {"body.outcomes[].outcome", N_("结果"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.outcomes[].amount_fen", N_("金额（元）"), NULL, FORM_MONEY, NULL, 0, false},
    {"body.outcomes[].text", N_("说明"), NULL, FORM_PLAIN, NULL, 0, false},
};
static const struct form_item document_items[] = {
    {"facts.documents[].kind", N_("材料"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.documents[].supplier", N_("由谁提供"), NULL, FORM_AGENCY, NULL, 0, false},
};
static const struct form_item tell_items[] = {
    {"facts.tell_by", N_("由谁告知申请人"),
     N_("提交后，告知一方增加“告知申请人”待办，期限 5 个工作日。"), FORM_RADIO, NULL, 0, false},
};
static const struct form_item suggest_items[] = {
    {"facts.suggested_agency", N_("建议改送的单位"), NULL, FORM_AGENCY, NULL, 0, false},
};
static const struct form_item reason_items[] = {
    {"body.reasons", N_("理由和依据"), N_("写明依据的文件和核查情况，移送单位据此答复申请人。"),
     FORM_LONG, NULL, 0, false},
};
static const struct form_item opinion_items[] = {
    {"body.opinion", N_("救助意见"), N_("写明拟采取的救助和下一步安排（第十一条）。"), FORM_LONG,
     NULL, 0, false},
};
static const struct form_item handling_items[] = {
    {"facts.register_number", N_("登记号"), N_("尚未签收的，反馈即签收；留空则自动编号"),
     FORM_PLAIN, NULL, 0, false},
    {"body.text", N_("备注"), N_("实际发放后，请在案件中登记落实情况。"), FORM_LONG, NULL, 0,
     false},
    {"body.officer", NULL, NULL, FORM_AGENT, NULL, 0, false},
};
static const struct form_item unasked_items[] = {
    /* of the other direction's feedback */
    {"facts.measures", NULL, NULL, FORM_AGENT, NULL, 0, false},
    {"facts.documents", NULL, NULL, FORM_AGENT, NULL, 0, false},
    {"facts.tell_by", NULL, NULL, FORM_AGENT, NULL, 0, false},
    {"facts.suggested_agency", NULL, NULL, FORM_AGENT, NULL, 0, false},
};

static const struct form_section outbound_feedback_sections[] = {
    {N_("审查结果"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(outcome_items)},
    {N_("救助措施"), NULL, "facts.measures", N_("措施"), OF(OUTCOME_GRANTED), FORM_BLOCKS,
     ITEMS(measure_items)},
    {N_("各人结果（家庭有多人且结果不同时填写）"), NULL, "body.outcomes", N_("人员"),
     OF(OUTCOME_GRANTED), FORM_TABLE, ITEMS(result_items)},
    {N_("申请人需准备的材料"), NULL, "facts.documents", N_("材料"), OF(OUTCOME_PROCEDURE_REQUIRED),
     FORM_TABLE, ITEMS(document_items)},
    {N_("告知"), NULL, NULL, NULL, OF(OUTCOME_PROCEDURE_REQUIRED), FORM_GRID, ITEMS(tell_items)},
    {N_("建议改送"), NULL, NULL, NULL, OF(OUTCOME_NOT_MY_DUTY), FORM_GRID, ITEMS(suggest_items)},
    {N_("理由"), NULL, NULL, NULL, OF(OUTCOME_NOT_ELIGIBLE) | OF(OUTCOME_NOT_MY_DUTY), FORM_GRID,
     ITEMS(reason_items)},
    {N_("经办"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(handling_items)},
    FILES,
};
static const struct form_section inbound_feedback_sections[] = {
    {N_("审查结果"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(outcome_items)},
    {N_("意见"), NULL, NULL, NULL, OF(OUTCOME_SUITABLE), FORM_GRID, ITEMS(opinion_items)},
    {N_("理由"), NULL, NULL, NULL, OF(OUTCOME_NOT_SUITABLE), FORM_GRID, ITEMS(reason_items)},
    {N_("经办"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(handling_items)},
    {NULL, NULL, NULL, NULL, 0, FORM_GRID, ITEMS(unasked_items)},
    FILES,
};

/* --- tasks --- */

static const struct form_item informed_items[] = {
    {"facts.task", NULL, NULL, FORM_FIXED, "tell-applicant", 0, false},
    {"facts.how", N_("告知方式"), NULL, FORM_RADIO, NULL, 0, false},
    {"body.told_whom", N_("告知对象"), N_("不得告知名单上的人员除外"), FORM_PLAIN, NULL, 0, false},
    {"body.told_by", N_("告知人"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.text", N_("告知内容"), NULL, FORM_LONG, NULL, 0, false},
    {"body.officer", NULL, NULL, FORM_AGENT, NULL, 0, false},
};
static const struct form_section informed_sections[] = {
    {N_("告知情况"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(informed_items)},
    FILES,
};

static const struct form_item papers_items[] = {
    {"facts.documents", N_("已收齐的材料（可多选）"), NULL, FORM_PLAIN, NULL, 0, false},
    {"facts.received", N_("收到时间"), NULL, FORM_PLAIN, NULL, 0, false},
    {"body.text", N_("说明"), NULL, FORM_LONG, NULL, 0, false},
    {"body.officer", NULL, NULL, FORM_AGENT, NULL, 0, false},
};
static const struct form_section papers_sections[] = {
    {N_("补充的材料"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(papers_items)},
    FILES,
};

static const struct form_item withdrawal_items[] = {
    {"facts.reason", N_("撤回原因"), NULL, FORM_RADIO, NULL, 0, false},
    {"body.text", N_("说明"), NULL, FORM_LONG, NULL, 0, false},
    {"body.officer", NULL, NULL, FORM_AGENT, NULL, 0, false},
};
static const struct form_section withdrawal_sections[] = {
    {N_("撤回"), NULL, NULL, NULL, 0, FORM_GRID, ITEMS(withdrawal_items)},
    FILES,
};

static const struct form_layout layouts[] = {
    {MESSAGE_OUTBOUND_REFERRAL, N_("移送社会救助线索"), N_("提交并移送"),
     N_("提交后不能修改，更正须另行补充"), SECTIONS(outbound_sections)},
    {MESSAGE_INBOUND_REFERRAL, N_("移送司法救助线索"), N_("提交并移送"),
     N_("提交后不能修改，更正须另行补充"), SECTIONS(inbound_sections)},
    {MESSAGE_SIGN_FOR, N_("签收"), N_("签收"), NULL, SECTIONS(sign_for_sections)},
    {MESSAGE_OUTBOUND_FEEDBACK, N_("反馈审查结果"), N_("提交反馈"),
     N_("提交后不能修改，更正须另行补充"), SECTIONS(outbound_feedback_sections)},
    {MESSAGE_INBOUND_FEEDBACK, N_("反馈救助意见"), N_("提交反馈"),
     N_("提交后不能修改，更正须另行补充"), SECTIONS(inbound_feedback_sections)},
    {MESSAGE_APPLICANT_INFORMED, N_("登记告知申请人"), N_("提交登记"), NULL,
     SECTIONS(informed_sections)},
    {MESSAGE_PAPERS, N_("补充材料"), N_("提交材料"), N_("提交后重新起算反馈期限（第九条）"),
     SECTIONS(papers_sections)},
    {MESSAGE_WITHDRAWAL, N_("撤回移送"), N_("确认撤回"), N_("撤回后期限和待办终止，记录保留"),
     SECTIONS(withdrawal_sections)},
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

const struct form_layout *form_layout_of(enum message_kind kind)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        if (layouts[i].kind == kind) {
            return &layouts[i];
        }
    }
    return form_layout_of_matter(kind);
}

const struct form_layout *form_layout_at(size_t index)
{
    size_t count = 0;

    for (int kind = 1; kind < MESSAGE_AGENCY_KIND_COUNT; kind++) {
        const struct form_layout *layout = form_layout_of((enum message_kind)kind);

        if (layout != NULL && count++ == index) {
            return layout;
        }
    }
    return NULL;
}

/* --- needs --- */

static const struct form_need_group need_groups[] = {
    {N_("司法救助"), {"judicial-assistance", NULL}},
    {N_("医疗救治、康复"),
     {"urgent-treatment", "medical-fees", "rehabilitation", "psychological-treatment",
      "assistive-devices", NULL}},
    {N_("基本生活"),
     {"living-allowance", "destitute-support", "temporary-aid", "disability-allowance",
      "poverty-monitoring", "housing", NULL}},
    {N_("未成年人保护"),
     {"children-in-difficulty", "guardianship", "temporary-care", "youth-care", NULL}},
    {N_("就学"), {"student-aid", "return-to-school", "school-transfer", "orphan-schooling", NULL}},
    {N_("心理疏导"), {"psychological-support", NULL}},
    {N_("就业、社保"),
     {"employment", "skills-training", "start-up", "social-insurance", "disabled-employment",
      NULL}},
    {N_("法律援助"), {"legal-aid", NULL}},
    {N_("妇女和家庭"), {"women-in-difficulty", "womens-rights", "family-support", NULL}},
    {N_("优抚"), {"veterans-support", NULL}},
    {N_("其他"), {"other", NULL}},
};

const struct form_need_group *form_need_groups(size_t *ret_count)
{
    *ret_count = sizeof(need_groups) / sizeof(need_groups[0]);
    return need_groups;
}

/* --- fields --- */

static const struct field *field_in(const struct field *fields, const char *name, size_t len)
{
    for (const struct field *field = fields; field != NULL && field->name != NULL; field++) {
        if (strlen(field->name) == len && strncmp(field->name, name, len) == 0) {
            return field;
        }
    }
    return NULL;
}

const struct field *form_field(enum message_kind kind, const char *path)
{
    const struct field *field;
    const char *rest = strchr(path, '.');
    const char *bracket = strstr(path, "[]");
    size_t len;

    if (rest == NULL) {
        return NULL;
    }
    rest++;
    len = bracket != NULL ? (size_t)(bracket - rest) : strlen(rest);
    field = strncmp(path, "body.", 5) == 0 ? field_in(message_form_body(), rest, len)
                                           : field_in(message_form_of(kind), rest, len);
    if (field != NULL && bracket != NULL && field->type == FIELD_ROWS && bracket[2] == '.') {
        return field_in(field->rows->fields, bracket + 3, strlen(bracket + 3));
    }
    return field;
}

size_t form_rows_max(enum message_kind kind, const struct form_section *section)
{
    const struct field *field = form_field(kind, section->rows);

    return field != NULL && field->type == FIELD_ROWS ? field->rows->max : LIMIT_DUTIES;
}

/* The table of labels. A field that means another thing in a list of rows stands there by itself,
 * with the list before it; else its name is enough. */
#include "agent/web/labels.h"

#include <string.h>

#include "agent/web/catalogue.h"

struct label {
    const char *list; /* NULL: wherever it stands */
    const char *field, *text;
    enum label_form form;
};

static const struct label labels[] = {
    /* lists and what means something else in them */
    {NULL, "materials", N_("移送材料"), LABEL_PLAIN},
    {"materials", "kind", N_("材料"), LABEL_PLAIN},
    {"materials", "digest", N_("密文摘要"), LABEL_CODE},
    {"materials", "sealed_bytes", N_("大小"), LABEL_BYTES},
    {"materials", "missing", N_("未附原因"), LABEL_PLAIN},
    {NULL, "measures", N_("救助措施"), LABEL_PLAIN},
    {NULL, "documents", N_("所需材料"), LABEL_PLAIN},
    {"documents", "kind", N_("材料"), LABEL_PLAIN},
    {"documents", "supplier", N_("由谁提供"), LABEL_AGENCY},
    {NULL, "promises", N_("承诺事项"), LABEL_PLAIN},
    {"promises", "agency", N_("承诺单位"), LABEL_AGENCY},
    {"promises", "code", N_("承诺内容"), LABEL_PLAIN},
    {"promises", "by_date", N_("完成期限"), LABEL_PLAIN},
    {NULL, "agenda", N_("议题"), LABEL_PLAIN},
    {"agenda", "number", N_("编号"), LABEL_NUMBER},
    {"agenda", "why", N_("列入原因"), LABEL_PLAIN},
    {NULL, "payments", N_("支付计划"), LABEL_PLAIN},
    {"payments", "date", N_("支付日期"), LABEL_PLAIN},
    {NULL, "trace", N_("期限推算"), LABEL_PLAIN},
    {"trace", "date", N_("日期"), LABEL_PLAIN},
    {"trace", "kind", N_("说明"), LABEL_PLAIN},
    {"trace", "name", N_("节假日"), LABEL_PLAIN},
    {NULL, "outcomes", N_("每人审查结果"), LABEL_PLAIN},
    {"outcomes", "text", N_("说明"), LABEL_PLAIN},
    {NULL, "attachments", N_("附件"), LABEL_PLAIN},
    {"attachments", "digest", N_("密文摘要"), LABEL_CODE},
    {"attachments", "sealed_bytes", N_("大小"), LABEL_BYTES},
    {"attachments", "material", N_("对应材料"), LABEL_MATERIAL},
    {"attachments", "name", N_("文件名"), LABEL_PLAIN},
    {"attachments", "type", N_("文件类型"), LABEL_PLAIN},
    {"attachments", "plain_bytes", N_("大小"), LABEL_BYTES},
    {NULL, "persons", N_("人员"), LABEL_PLAIN},
    {"persons", "name", N_("姓名"), LABEL_PLAIN},
    {"persons", "agency", N_("单位"), LABEL_AGENCY},
    {"persons", "role", N_("职责"), LABEL_PLAIN},
    {"persons", "relation", N_("关系"), LABEL_PLAIN},
    /* referrals */
    {NULL, "ground", N_("救助情形"), LABEL_PLAIN},
    {NULL, "priority_groups", N_("重点救助对象"), LABEL_PLAIN},
    {NULL, "needs", N_("救助需要"), LABEL_PLAIN},
    {NULL, "advance", N_("先行移送（第八条）"), LABEL_PLAIN},
    {NULL, "urgent", N_("急件"), LABEL_PLAIN},
    {NULL, "life_danger", N_("危及生命"), LABEL_PLAIN},
    {NULL, "no_publicity", N_("不得公开报道"), LABEL_PLAIN},
    {NULL, "minor_marks", N_("未成年人标记"), LABEL_PLAIN},
    {NULL, "lead_channel", N_("线索来源"), LABEL_PLAIN},
    {NULL, "relation", N_("申请人身份"), LABEL_PLAIN},
    {NULL, "told", N_("权利告知"), LABEL_PLAIN},
    {NULL, "person_count", N_("人数"), LABEL_PLAIN},
    {NULL, "previous", N_("承接的线索"), LABEL_PLAIN},
    {NULL, "previous_case", N_("承接的案件"), LABEL_PLAIN},
    {NULL, "link", N_("承接关系"), LABEL_PLAIN},
    {NULL, "register_number", N_("登记号"), LABEL_PLAIN},
    /* answers */
    {NULL, "outcome", N_("审查结果"), LABEL_PLAIN},
    {NULL, "measure", N_("救助措施"), LABEL_PLAIN},
    {NULL, "shape", N_("救助形式"), LABEL_PLAIN},
    {NULL, "amount_fen", N_("金额"), LABEL_MONEY},
    {NULL, "unit", N_("发放方式"), LABEL_PLAIN},
    {NULL, "start_date", N_("开始日期"), LABEL_PLAIN},
    {NULL, "end_date", N_("结束日期"), LABEL_PLAIN},
    {NULL, "existing_kept", N_("原有待遇继续"), LABEL_PLAIN},
    {NULL, "person_index", N_("受助人"), LABEL_PERSON},
    {NULL, "tell_by", N_("由谁告知申请人"), LABEL_PLAIN},
    {NULL, "suggested_agency", N_("建议移送单位"), LABEL_AGENCY},
    {NULL, "task", N_("事项"), LABEL_PLAIN},
    {NULL, "how", N_("告知方式"), LABEL_PLAIN},
    {NULL, "received", N_("收到时间"), LABEL_PLAIN},
    {NULL, "asked", N_("请求提供"), LABEL_PLAIN},
    {NULL, "about", N_("涉及线索"), LABEL_PLAIN},
    {NULL, "answered", N_("已提供"), LABEL_PLAIN},
    {NULL, "partly", N_("仅能部分提供"), LABEL_PLAIN},
    {NULL, "stage", N_("落实阶段"), LABEL_PLAIN},
    {NULL, "instalment", N_("第几期"), LABEL_PLAIN},
    {NULL, "instalments", N_("共几期"), LABEL_PLAIN},
    {NULL, "date", N_("日期"), LABEL_PLAIN},
    {NULL, "document_number", N_("督办单"), LABEL_DOCUMENT},
    {NULL, "answer", N_("答复"), LABEL_PLAIN},
    /* matters */
    {NULL, "why", N_("事由"), LABEL_PLAIN},
    {NULL, "dates", N_("回访日期"), LABEL_PLAIN},
    {NULL, "duty", N_("对应事项"), LABEL_DUTY},
    {NULL, "hardship", N_("困难状况"), LABEL_PLAIN},
    {NULL, "effect", N_("措施落实"), LABEL_PLAIN},
    {NULL, "risk", N_("风险"), LABEL_PLAIN},
    {NULL, "next_date", N_("下次回访"), LABEL_PLAIN},
    {NULL, "topic", N_("会商主题"), LABEL_PLAIN},
    {NULL, "held", N_("召开时间"), LABEL_PLAIN},
    {NULL, "result", N_("办理结果"), LABEL_PLAIN},
    {NULL, "at", N_("时间"), LABEL_PLAIN},
    {NULL, "reply_by", N_("回复截止"), LABEL_PLAIN},
    {NULL, "attends", N_("是否参加"), LABEL_PLAIN},
    {NULL, "purpose", N_("听证事项"), LABEL_PLAIN},
    {NULL, "roles", N_("人员范围"), LABEL_PLAIN},
    {NULL, "role", N_("职责"), LABEL_PLAIN},
    {NULL, "change", N_("变动"), LABEL_PLAIN},
    {NULL, "edition", N_("版次"), LABEL_PLAIN},
    {NULL, "custodian", N_("监管方"), LABEL_PLAIN},
    {NULL, "balance_fen", N_("余额"), LABEL_MONEY},
    {NULL, "associate", N_("协作单位"), LABEL_AGENCY},
    {NULL, "answer_by", N_("回函期限"), LABEL_PLAIN},
    {NULL, "corrects", N_("更正内容"), LABEL_PLAIN},
    /* what programs write */
    {NULL, "lane", N_("优先级"), LABEL_LANE},
    {NULL, "stream_seq", N_("收件序号"), LABEL_PLAIN},
    {NULL, "leaf_index", N_("记录序号"), LABEL_PLAIN},
    {NULL, "leaf_hash", N_("记录摘要"), LABEL_CODE},
    {NULL, "reason", N_("原因"), LABEL_REASON},
    {NULL, "field", N_("有误之处"), LABEL_CODE},
    {NULL, "rung", N_("提醒或督办"), LABEL_RUNG},
    {NULL, "window", N_("第几次期限"), LABEL_PLAIN},
    {NULL, "responsible", N_("责任单位"), LABEL_AGENCY},
    {NULL, "arrival", N_("起算"), LABEL_PLAIN},
    {NULL, "working_days", N_("期限（工作日）"), LABEL_PLAIN},
    {NULL, "due", N_("届满日"), LABEL_PLAIN},
    {NULL, "due_before", N_("截止时间"), LABEL_PLAIN},
    {NULL, "provisional", N_("暂定"), LABEL_PLAIN},
    {NULL, "fell_due", N_("应发出时间"), LABEL_PLAIN},
    {NULL, "old_due_before", N_("原截止时间"), LABEL_PLAIN},
    {NULL, "late", N_("超期"), LABEL_PLAIN},
    {NULL, "lateness_days", N_("超期工作日"), LABEL_PLAIN},
    {NULL, "calendar_version", N_("日历版本"), LABEL_CODE},
    {NULL, "annotated", N_("此前已发提醒或督办"), LABEL_RUNG},
    /* the body */
    {NULL, "officer", N_("承办"), LABEL_PLAIN},
    {NULL, "circumstances", N_("基本情况"), LABEL_LONG},
    {NULL, "reasons", N_("理由"), LABEL_LONG},
    {NULL, "advance_reason", N_("先行移送理由（第八条）"), LABEL_LONG},
    {"body", "opinion", N_("意见"), LABEL_LONG},
    {NULL, "opinion", N_("听证结论"), LABEL_PLAIN},
    {NULL, "text", N_("正文"), LABEL_LONG},
    {NULL, "told_whom", N_("告知对象"), LABEL_PLAIN},
    {NULL, "told_by", N_("告知人"), LABEL_PLAIN},
    {NULL, "identity_number", N_("身份证号"), LABEL_PLAIN},
    {NULL, "phone", N_("联系电话"), LABEL_PLAIN},
    {NULL, "address", N_("住址"), LABEL_PLAIN},
    {NULL, "minor", N_("未成年人"), LABEL_PLAIN},
    {NULL, "guardian", N_("监护人"), LABEL_PLAIN},
    {NULL, "may_be_told", N_("可否告知"), LABEL_PLAIN},
    {NULL, "receives_already", N_("已享受"), LABEL_PLAIN},
};

static const struct label *find(const char *list, const char *field)
{
    const struct label *anywhere = NULL;

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const struct label *label = &labels[i];

        if (strcmp(label->field, field) != 0) {
            continue;
        }
        if (label->list == NULL) {
            anywhere = label;
        } else if (list != NULL && strcmp(label->list, list) == 0) {
            return label;
        }
    }
    return anywhere;
}

const char *label_of_field(const char *list, const char *field)
{
    const struct label *label = find(list, field);

    return label != NULL ? label->text : NULL;
}

enum label_form label_form_of(const char *list, const char *field)
{
    const struct label *label = find(list, field);

    return label != NULL ? label->form : LABEL_PLAIN;
}

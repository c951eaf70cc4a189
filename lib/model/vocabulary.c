/* How: one const table a vocabulary and one row each that names it. The needs are the offices'
 * words for what an agency takes referrals for (Art. 5, 6, 18, 19); the measures are what is given.
 */
#include "model/vocabulary.h"

#include <assert.h>
#include <string.h>

#include "model/message.h"

static const struct word grounds[] = {
    {GROUND_REFUSED, "refused", "司法救助未获支持后移送", "referred after a judicial refusal"},
    {401, "art-4-1", "重伤或严重残疾", "injured gravely or disabled by a crime"},
    {402, "art-4-2", "急需救治", "urgent treatment that cannot be paid"},
    {403, "art-4-3", "被害人死亡或丧失劳动能力", "dependant of a victim killed or disabled"},
    {404, "art-4-4", "财产重大损失", "grave loss of property by a crime"},
    {405, "art-4-5", "举报人、证人、鉴定人受打击报复",
     "informer, witness or expert retaliated against"},
    {406, "art-4-6", "民事侵权人身伤害", "injured by a civil wrong"},
    {407, "art-4-7", "其他情形", "other case that needs help"},
    {1801, "art-18-1", "未成年人伤残或心理创伤", "minor: injured, disabled or traumatised"},
    {1802, "art-18-2", "未成年人急需救治", "minor: urgent treatment"},
    {1803, "art-18-3", "未成年人的抚养人死亡", "minor: who raised it was killed"},
    {1804, "art-18-4", "未成年人家庭财产重大损失", "minor: the household lost its property"},
    {1805, "art-18-5", "未成年人因举报、作证受打击报复", "minor: retaliated against"},
    {1806, "art-18-6", "追索抚育费执行不能", "minor: support that cannot be enforced"},
    {1807, "art-18-7", "未成年人民事侵权人身伤害", "minor: injured by a civil wrong"},
    {1808, "art-18-8", "未成年人其他情形", "minor: other case"},
};

static const struct word priority_groups[] = {
    {0, "fell-back-into-poverty", "因案致贫返贫的脱贫享受政策户",
     "fell back into poverty by the case"},
    {1, "monitored-household", "防止返贫监测帮扶对象", "monitored against return to poverty"},
    {2, "veteran", "退役军人", "veteran"},
    {GROUP_MINOR, "minor", "未成年人", "minor"},
    {4, "disabled", "残疾人", "disabled person"},
    {5, "woman-in-difficulty", "困难妇女", "woman in difficulty"},
    {6, "minimum-allowance", "低保对象", "receives the minimum living allowance"},
    {7, "destitute-support", "特困供养人员", "receives destitute support"},
    {8, "other", "其他重点救助对象", "other group"},
    {GROUP_ORPHAN, "orphan", "孤儿", "orphan"},
    {10, "left-behind-child", "农村留守儿童", "left-behind child"},
    {11, "child-in-difficulty", "困境儿童", "child in difficulty"},
    {12, "child-without-care", "事实无人抚养儿童", "child without care in fact"},
    {GROUP_MIGRANT_CHILD, "migrant-child", "进城务工人员子女", "child of migrant workers"},
};

static const struct word needs[] = {
    {0, "judicial-assistance", "国家司法救助", "judicial assistance"},
    {1, "student-aid", "学生资助", "student aid"},
    {2, "return-to-school", "重返校园", "return to school"},
    {3, "school-transfer", "转学", "transfer to another school"},
    {4, "orphan-schooling", "孤儿就学", "schooling of orphans"},
    {5, "psychological-support", "心理疏导", "psychological support"},
    {6, "living-allowance", "最低生活保障", "minimum living allowance"},
    {7, "destitute-support", "特困人员供养", "destitute support"},
    {8, "temporary-aid", "临时救助", "temporary aid"},
    {9, "children-in-difficulty", "困境儿童保障", "support of children in difficulty"},
    {10, "guardianship", "监护", "guardianship"},
    {11, "temporary-care", "临时照料", "temporary care"},
    {12, "legal-aid", "法律援助", "legal aid"},
    {13, "employment", "就业帮扶", "employment"},
    {14, "skills-training", "技能培训", "skills training"},
    {15, "start-up", "创业扶持", "help to start a business"},
    {16, "social-insurance", "社会保险", "social insurance"},
    {17, "urgent-treatment", "紧急救治", "urgent treatment"},
    {18, "medical-fees", "医疗费用", "medical fees"},
    {19, "rehabilitation", "康复", "rehabilitation"},
    {20, "psychological-treatment", "心理治疗", "psychological treatment"},
    {21, "poverty-monitoring", "防返贫监测帮扶", "monitoring against return to poverty"},
    {22, "veterans-support", "退役军人帮扶", "support of veterans and their families"},
    {23, "youth-care", "青少年关爱", "care of minors and youth"},
    {24, "women-in-difficulty", "困难妇女帮扶", "support of women in difficulty"},
    {25, "womens-rights", "妇女维权", "women's rights"},
    {26, "family-support", "家庭关爱", "support of the family"},
    {27, "assistive-devices", "残疾辅具", "aids for the disabled"},
    {28, "disabled-employment", "残疾人就业", "employment of disabled persons"},
    {29, "disability-allowance", "残疾人补贴", "disability allowance"},
    {30, "housing", "生活安置", "a place to live"},
    {31, "other", "其他需求", "other need"},
};

static const struct word measures[] = {
    {1, "economic-aid", "经济救助", "economic aid"},
    {2, "medical-fees", "医疗费用支付", "payment of medical fees"},
    {3, "minimum-allowance", "纳入最低生活保障", "minimum living allowance"},
    {4, "employment", "帮助就业", "help to find work"},
    {5, "psychological-counselling", "心理辅导", "psychological counselling"},
    {6, "psychological-treatment", "心理治疗", "psychological treatment"},
    {7, "placement", "生活安置", "a place to live"},
    {8, "temporary-care", "提供临时照料", "temporary care"},
    {9, "guardian-appointed", "指定监护人", "appointment of a guardian"},
    {10, "return-to-school", "帮助重返学校", "return to school"},
    {11, "student-aid", "学生资助", "student aid"},
    {12, "school-transfer", "协调转学", "transfer to another school"},
    {13, "school-fees-waived", "减免学杂费", "school fees waived"},
    {14, "medical-institution", "落实医疗、康复机构", "a place in treatment or rehabilitation"},
    {15, "medical-fees-waived", "减免医药费", "medical fees waived"},
    {16, "legal-aid", "法律援助", "legal aid"},
    {17, "court-fees-waived", "减免诉讼费用", "court fees waived"},
    {18, "skills-training", "技能培训", "skills training"},
    {19, "start-up", "创业帮助", "help to start a business"},
    {20, "policy-advice", "政策咨询、帮扶转介", "advice and referral"},
    {21, "social-assistance", "纳入社会救助", "inclusion in social assistance"},
    {22, "destitute-support", "特困人员供养", "destitute support"},
    {23, "temporary-aid", "临时救助", "temporary aid"},
    {24, "child-allowance", "困境儿童基本生活补贴", "allowance for children in difficulty"},
    {25, "disability-allowance", "残疾人补贴", "disability allowance"},
    {26, "aids", "辅具", "aids for the disabled"},
    {27, "certificate", "办理证件", "a certificate or status"},
    {28, "judicial-money", "司法救助金", "judicial assistance money"},
    {29, "other", "其他方式", "other measure"},
};

static const struct word materials[] = {
    {1, "transfer-letter", "移送函", "transfer letter"},
    {2, "application-approval", "申请及审批材料", "application and approval papers"},
    {3, "identity-household", "身份及户籍材料", "identity and household papers"},
    {4, "hardship-proof", "生活困难证明", "proof of hardship"},
    {5, "investigation-record", "调查笔录", "investigation record"},
    {6, "other", "其他材料", "other"},
    {7, "harm-proof", "损害证明或裁判文书", "proof of harm, or judgment"},
    {8, "prior-aid", "已获赔偿、救助情况说明", "compensation and aid already received"},
    {9, "relation-authority", "关系证明或授权", "proof of relation or authority"},
    {10, "issuer-proof", "村（居）或单位证明", "proof issued by village, township or employer"},
};

static const struct word missing_reasons[] = {
    {1, "not-issued-yet", "尚未出具", "not issued yet"},
    {2, "procedure-open", "司法程序尚未结束", "the judicial procedure has not ended"},
    {3, "later-urgent", "情况紧急，后补", "urgent: follows later"},
    {4, "held-elsewhere", "由其他单位持有", "held by another agency"},
    {5, "cannot-obtain", "客观上无法取得", "cannot be obtained"},
    {6, "not-applicable", "不适用", "does not apply"},
    {7, "on-paper", "纸质材料另行移送", "goes on paper"},
};

static const struct word shapes[] = {
    {SHAPE_MONEY, "money", "资金", "money"},
    {2, "waiver", "费用减免或缓交", "fee waiver or deferral"},
    {3, "goods", "实物", "goods"},
    {4, "status", "证件或资格", "certificate or status"},
    {5, "sessions", "分次服务", "service in sessions"},
    {6, "placement", "安置", "placement"},
    {7, "job", "就业岗位", "job"},
};

static const struct word units[] = {
    {1, "once", "一次性", "once"},
    {2, "month", "按月", "each month"},
    {3, "term", "按学期", "each school term"},
};

static const struct word relations[] = {
    {1, "self", "本人", "the person itself"},
    {2, "spouse", "配偶", "spouse"},
    {3, "parent", "父母", "parent"},
    {4, "child", "子女", "child"},
    {5, "sibling", "兄弟姐妹", "brother or sister"},
    {6, "grandparent", "祖父母、外祖父母", "grandparent"},
    {7, "grandchild", "孙子女、外孙子女", "grandchild"},
    {8, "dependant", "被赡养、扶养、抚养人", "other dependant"},
    {9, "guardian", "监护人", "guardian"},
    {10, "other", "其他", "other"},
};

static const struct word minor_marks[] = {
    {MINOR_CONCERNED, "minor", "涉未成年人", "concerns a minor"},
    {MINOR_EX_OFFICIO, "ex-officio", "依职权启动", "started ex officio"},
    {MINOR_OVER_LIMIT, "over-limit", "突破限额已报批", "over the amount limit, approved"},
};

static const struct word lead_channels[] = {
    {1, "own-department", "本院业务部门", "own department"},
    {2, "12309", "12309检察服务", "12309 service"},
    {3, "petition", "信访", "petition"},
    {4, "data-model", "大数据模型", "data model"},
    {5, "member-agency", "成员单位", "member agency"},
    {6, "other", "其他", "other"},
};

static const struct word tolds[] = {
    {1, "told", "已告知", "told"},
    {2, "not-told", "未告知", "not told"},
};

static const struct word outcomes[] = {
    {OUTCOME_GRANTED, "granted", "给予救助", "granted"},
    {OUTCOME_PROCEDURE_REQUIRED, "procedure-required", "需按程序办理", "a procedure is required"},
    {OUTCOME_NOT_ELIGIBLE, "not-eligible", "不符合条件", "not eligible"},
    {OUTCOME_NOT_MY_DUTY, "not-my-duty", "不属本单位职责", "not this agency's duty"},
    {OUTCOME_SUITABLE, "suitable", "可以救助", "suitable"},
    {OUTCOME_NOT_SUITABLE, "not-suitable", "不适宜救助", "not suitable"},
};

static const struct word tell_bys[] = {
    {TELL_BY_PROCURATORATE, "procuratorate", "由检察院告知", "the procuratorate tells"},
    {TELL_BY_SOCIAL_AGENCY, "social-agency", "由对口单位直接告知", "the social agency tells"},
};

static const struct word tasks[] = {
    {TASK_FEEDBACK, "feedback", "反馈", "feedback"},
    {TASK_TELL_APPLICANT, "tell-applicant", "告知申请人", "tell the applicant"},
    {TASK_PAPERS, "papers", "补充材料", "papers"},
    {DUTY_INFORMATION, "information", "提供信息", "answer an information request"},
    {DUTY_FOLLOW_UP, "follow-up", "回访", "report a follow-up visit"},
    {DUTY_PROMISE, "promise", "承诺事项", "do what was promised"},
    {DUTY_PAYMENT, "payment", "监管资金支付", "pay supervised money"},
    {DUTY_LETTER, "letter", "协作单位回函", "bring an associate's answer"},
    {DUTY_ATTENDANCE, "attendance", "答复邀请", "answer an invitation"},
};

static const struct word hows[] = {
    {1, "in-person", "当面", "in person"},
    {2, "telephone", "电话", "by telephone"},
    {3, "letter", "书面", "by letter"},
    {4, "electronic", "电子送达", "electronically"},
    {5, "guardian", "通过监护人", "through the guardian"},
};

static const struct word documents[] = {
    {1, "application-form", "申请表", "application form"},
    {2, "identity", "身份证明", "identity papers"},
    {3, "household-register", "户口簿", "household register"},
    {4, "income-proof", "收入证明", "proof of income"},
    {5, "medical-proof", "诊断或医疗票据", "diagnosis or medical bills"},
    {6, "disability-certificate", "残疾人证", "disability certificate"},
    {7, "school-proof", "就读证明", "proof of school attendance"},
    {8, "guardianship-proof", "监护关系证明", "proof of guardianship"},
    {9, "judgment", "裁判文书", "judgment"},
    {10, "bank-account", "银行账户", "bank account"},
    {11, "consent", "授权或同意书", "authority or consent"},
    {12, "household-check", "家庭经济状况核对授权", "consent to a check of the household's means"},
    {13, "veteran-proof", "退役军人证明", "proof of service"},
    {14, "employment-proof", "就业失业登记", "employment registration"},
    {15, "other", "其他材料", "other"},
};

static const struct word withdrawals[] = {
    {1, "wrong-agency", "移送单位有误", "sent to the wrong agency"},
    {2, "wrong-content", "内容有误", "wrong content; a new one follows"},
    {3, "applicant-wishes", "申请人撤回", "the applicant wishes so"},
    {4, "settled", "困难已解决", "the hardship is settled"},
    {5, "duplicate", "重复移送", "referred twice"},
    {6, "other", "其他", "other"},
};

static const struct word rejections[] = {
    {REJECTION_UNREADABLE, "unreadable", "无法解密或解析", "cannot be opened or decoded"},
    {REJECTION_IDENTITY, "identity", "身份证号码有误", "an identity number is wrong"},
    {REJECTION_MISSING, "missing", "缺少必填内容", "a mandatory field is missing"},
    {REJECTION_CONTRADICTS, "contradicts", "正文与首部或要素不一致", "contradicts header or facts"},
    {REJECTION_SEND_AGAIN, "send-again", "未能送达，请重新报送", "not delivered: send it again"},
    {REJECTION_SET_ASIDE, "set-aside", "未能送达，已由管理员移出", "not delivered: set aside"},
};

static const struct word may_be_tolds[] = {
    {1, "yes", "可以告知", "may be told"},
    {MAY_BE_TOLD_NO, "no", "不得告知", "must not be told"},
};

static const struct word roles[] = {
    {ROLE_LIAISON, "liaison", "联络员", "liaison officer"},
    {ROLE_LEADER, "leader", "分管领导", "leader"},
    {ROLE_OFFICE, "office", "联席会议办公室", "joint-meeting office"},
    {ROLE_ADMINISTRATORS, "administrators", "系统管理员", "administrators"},
    {ROLE_DUTY_CONTACT, "duty-contact", "值班人员", "duty contact"},
    {ROLE_SENDER, "sender", "移送单位", "the agency that waits"},
};

static const struct word traces[] = {
    {TRACE_DAY_0, "day-0", "收到当日，不计入", "day of arrival, not counted"},
    {TRACE_WEEKEND, "weekend", "周末", "weekend"},
    {TRACE_HOLIDAY, "holiday", "节假日", "holiday"},
    {TRACE_MAKE_UP, "make-up", "调休上班", "make-up workday, counted"},
    {TRACE_DAY_N, "day-n", "期限届满日", "last day"},
};

static const struct word informations[] = {
    {0, "identity", "身份、户籍", "identity and household register"},
    {1, "household", "家庭成员", "members of the household"},
    {2, "income", "收入、财产、债务", "income, property, debts"},
    {3, "judgment", "案情、裁判与执行", "the case, judgment and enforcement"},
    {4, "treatment", "伤情、诊疗与费用", "injury, treatment and its cost"},
    {5, "prior-aid", "已获赔偿、救助", "compensation and aid already received"},
    {6, "whereabouts", "现住址、联系方式", "where the applicant is"},
    {7, "guardian", "监护情况", "who guards the minor"},
    {8, "school", "就学情况", "schooling"},
    {9, "progress", "办理进展", "how far the matter is"},
    {10, "other", "其他", "other"},
};

static const struct word stages[] = {
    {STAGE_APPROVED, "approved", "已审批", "approved"},
    {STAGE_PAID, "paid", "已发放", "paid"},
    {STAGE_DELIVERED, "delivered", "已落实", "delivered"},
};

static const struct word escalation_answers[] = {
    {1, "answered", "已反馈", "answered meanwhile"},
    {2, "will-answer", "即将反馈", "will answer"},
    {3, "waits-for-papers", "等待材料", "waits for papers"},
    {4, "waits-for-approval", "等待审批", "waits for approval"},
    {5, "not-ours", "不属本单位", "not this agency's"},
    {6, "technical", "系统故障", "a technical fault"},
    {7, "other", "其他", "other"},
};

static const struct word archive_whys[] = {
    {1, "assisted", "救助到位", "assistance was delivered"},
    {2, "not-assisted", "未予救助", "no assistance was given"},
    {3, "withdrawn", "已撤回", "withdrawn"},
    {4, "other", "其他", "other"},
};

static const struct word reopen_whys[] = {
    {1, "late-reply", "迟到的反馈", "a late reply"},
    {2, "new-fact", "新情况", "a new fact"},
    {3, "risk-found", "回访发现风险", "a follow-up visit found a risk"},
    {4, "error", "归档有误", "archived by mistake"},
    {5, "other", "其他", "other"},
};

static const struct word hardships[] = {
    {HARDSHIP_RESOLVED, "resolved", "已解决", "resolved"},
    {2, "eased", "有所缓解", "eased"},
    {3, "unchanged", "未改善", "unchanged"},
    {4, "worse", "加重", "worse"},
};

static const struct word effects[] = {
    {1, "full", "全部落实", "delivered in full"},
    {2, "part", "部分落实", "delivered in part"},
    {3, "none", "未落实", "not delivered"},
};

static const struct word risks[] = {
    {RISK_NONE, "none", "无", "none"},
    {2, "low", "较低", "low"},
    {3, "fall-back", "可能返贫", "may fall back into poverty"},
    {4, "safety", "人身安全", "safety of persons"},
    {5, "petition", "信访风险", "may petition"},
    {6, "other", "其他", "other"},
};

static const struct word topics[] = {
    {1, "plan", "救助方案", "plan of assistance"},
    {2, "policy", "政策适用", "which policy applies"},
    {3, "information", "信息共享", "sharing of information"},
    {4, "procedure", "办理程序", "procedure"},
    {5, "emergency", "紧急救助", "emergency"},
    {6, "funds", "资金统筹", "pooling of funds"},
    {7, "other", "其他", "other"},
};

static const struct word promises[] = {
    {1, "provide", "提供救助", "provide assistance"},
    {2, "verify", "调查核实", "verify"},
    {3, "visit", "走访", "visit"},
    {4, "issue-proof", "出具证明", "issue a proof"},
    {5, "coordinate", "协调其他单位", "coordinate with others"},
    {6, "refer", "移送线索", "refer"},
    {7, "pay", "拨付资金", "pay"},
    {8, "other", "其他", "other"},
};

static const struct word promise_results[] = {
    {1, "kept", "已完成", "kept"},
    {2, "in-part", "部分完成", "in part"},
    {3, "not-possible", "无法完成", "not possible"},
};

static const struct word attendances[] = {
    {1, "yes", "参加", "attends"},
    {2, "deputy", "委派他人参加", "sends a deputy"},
    {3, "no", "不参加", "does not attend"},
};

static const struct word hearing_purposes[] = {
    {1, "eligibility", "是否救助", "whether to assist"},
    {2, "payment", "救助金发放方式", "how to pay"},
    {3, "emergency", "紧急救助", "emergency"},
    {4, "effect", "救助效果", "effect of the assistance"},
    {5, "other", "其他", "other"},
};

static const struct word hearing_roles[] = {
    {0, "congress-deputy", "人大代表", "deputy to the people's congress"},
    {1, "consultative-member", "政协委员", "member of the consultative conference"},
    {2, "supervisor", "人民监督员", "people's supervisor"},
    {3, "hearing-officer", "听证员", "hearing officer"},
    {4, "department", "相关职能部门人员", "officer of a department"},
    {5, "grassroots", "基层组织人员", "grass-roots organisation"},
    {6, "other", "其他", "other"},
};

static const struct word opinions[] = {
    {1, "assist", "同意救助", "assist"},
    {2, "assist-conditions", "附条件同意", "assist on conditions"},
    {3, "not-assist", "不同意救助", "do not assist"},
    {4, "undecided", "未形成意见", "no opinion was reached"},
};

static const struct word roster_roles[] = {
    {1, "leader", "分管领导", "leader, member of the joint meeting"},
    {2, "liaison", "联络员", "liaison officer"},
};

static const struct word roster_changes[] = {
    {1, "joins", "到任", "joins"},
    {2, "leaves", "离任", "leaves"},
    {3, "changes", "信息变更", "particulars change"},
};

static const struct word custodians[] = {
    {1, "procuratorate", "检察院专户", "account of the procuratorate"},
    {2, "township", "苏木乡镇", "township"},
    {3, "village", "嘎查村（居）", "village"},
    {4, "school", "学校", "school"},
    {5, "civil-affairs", "民政部门", "civil affairs"},
    {6, "notary", "公证机构", "notary"},
    {7, "joint-account", "共管账户", "joint account"},
    {8, "governance-centre", "综治中心", "governance centre"},
    {9, "guardian", "监护人", "guardian"},
    {10, "other", "其他", "other"},
};

static const struct word letter_answers[] = {
    {1, "done", "已办理", "done"},
    {2, "partly", "部分办理", "partly"},
    {3, "refused", "未办理", "refused"},
    {4, "no-answer", "无回复", "no answer"},
};

static const struct word correcteds[] = {
    {0, "persons", "人员信息", "persons"}, {1, "circumstances", "情况说明", "circumstances"},
    {2, "facts", "要素", "facts"},         {3, "amounts", "金额", "amounts"},
    {4, "contact", "联系方式", "contact"}, {5, "other", "其他", "other"},
};

static const struct word links[] = {
    {LINK_RE_REFERRAL, "re-referral", "改送", "referred again after not-my-duty"},
    {LINK_FOLLOW_UP, "follow-up", "回访发现", "found at a follow-up visit"},
    {LINK_OTHER_DIRECTION, "other-direction", "双向衔接", "the other direction"},
    {LINK_SUPPLEMENT, "supplement", "补充移送", "another need of the household"},
};

static const struct word agenda_whys[] = {
    {AGENDA_THIRD_RUNG, "third-rung", "三次督办", "reached the third rung"},
    {2, "proposed", "提请讨论", "proposed"},
};

static const struct word attachments[] = {
    {1, "pdf", "PDF 文件", "PDF"},
    {2, "jpeg", "JPEG 图片", "JPEG picture"},
    {3, "png", "PNG 图片", "PNG picture"},
    {4, "ofd", "OFD 版式文件", "OFD"},
    {5, "docx", "Word 文档", "Word document"},
    {6, "xlsx", "Excel 表格", "Excel table"},
    {7, "zip", "ZIP 压缩包", "ZIP archive"},
    {8, "text", "纯文本", "plain text"},
};

#define TABLE(words) words, sizeof(words) / sizeof((words)[0])

static const struct vocabulary_row {
    const char *name;
    const struct word *words;
    size_t count;
    bool set;
} vocabulary_rows[VOCABULARY_COUNT] = {
    [VOCABULARY_GROUND] = {"ground", TABLE(grounds), false},
    [VOCABULARY_PRIORITY_GROUP] = {"priority-group", TABLE(priority_groups), true},
    [VOCABULARY_NEED] = {"need", TABLE(needs), true},
    [VOCABULARY_MEASURE] = {"measure", TABLE(measures), true},
    [VOCABULARY_MATERIAL] = {"material", TABLE(materials), false},
    [VOCABULARY_MISSING_REASON] = {"missing-reason", TABLE(missing_reasons), false},
    [VOCABULARY_SHAPE] = {"shape", TABLE(shapes), false},
    [VOCABULARY_UNIT] = {"unit", TABLE(units), false},
    [VOCABULARY_RELATION] = {"relation", TABLE(relations), false},
    [VOCABULARY_MINOR_MARK] = {"minor-mark", TABLE(minor_marks), true},
    [VOCABULARY_LEAD_CHANNEL] = {"lead-channel", TABLE(lead_channels), false},
    [VOCABULARY_TOLD] = {"told", TABLE(tolds), false},
    [VOCABULARY_OUTCOME] = {"outcome", TABLE(outcomes), false},
    [VOCABULARY_TELL_BY] = {"tell-by", TABLE(tell_bys), false},
    [VOCABULARY_TASK] = {"task", TABLE(tasks), false},
    [VOCABULARY_HOW_TOLD] = {"how-told", TABLE(hows), false},
    [VOCABULARY_DOCUMENT] = {"document", TABLE(documents), false},
    [VOCABULARY_WITHDRAWAL] = {"withdrawal", TABLE(withdrawals), false},
    [VOCABULARY_REJECTION] = {"rejection", TABLE(rejections), false},
    [VOCABULARY_MAY_BE_TOLD] = {"may-be-told", TABLE(may_be_tolds), false},
    [VOCABULARY_ROLE] = {"role", TABLE(roles), false},
    [VOCABULARY_TRACE] = {"trace", TABLE(traces), false},
    [VOCABULARY_INFORMATION] = {"information", TABLE(informations), true},
    [VOCABULARY_STAGE] = {"stage", TABLE(stages), false},
    [VOCABULARY_ESCALATION_ANSWER] = {"escalation-answer", TABLE(escalation_answers), false},
    [VOCABULARY_ARCHIVE_WHY] = {"archive-why", TABLE(archive_whys), false},
    [VOCABULARY_REOPEN_WHY] = {"reopen-why", TABLE(reopen_whys), false},
    [VOCABULARY_HARDSHIP] = {"hardship", TABLE(hardships), false},
    [VOCABULARY_EFFECT] = {"effect", TABLE(effects), false},
    [VOCABULARY_RISK] = {"risk", TABLE(risks), false},
    [VOCABULARY_TOPIC] = {"topic", TABLE(topics), false},
    [VOCABULARY_PROMISE] = {"promise", TABLE(promises), false},
    [VOCABULARY_PROMISE_RESULT] = {"promise-result", TABLE(promise_results), false},
    [VOCABULARY_ATTENDS] = {"attends", TABLE(attendances), false},
    [VOCABULARY_HEARING_PURPOSE] = {"hearing-purpose", TABLE(hearing_purposes), false},
    [VOCABULARY_HEARING_ROLE] = {"hearing-role", TABLE(hearing_roles), true},
    [VOCABULARY_OPINION] = {"opinion", TABLE(opinions), false},
    [VOCABULARY_ROSTER_ROLE] = {"roster-role", TABLE(roster_roles), false},
    [VOCABULARY_ROSTER_CHANGE] = {"roster-change", TABLE(roster_changes), false},
    [VOCABULARY_CUSTODIAN] = {"custodian", TABLE(custodians), false},
    [VOCABULARY_LETTER_ANSWER] = {"letter-answer", TABLE(letter_answers), false},
    [VOCABULARY_CORRECTED] = {"corrected", TABLE(correcteds), true},
    [VOCABULARY_LINK] = {"link", TABLE(links), false},
    [VOCABULARY_AGENDA_WHY] = {"agenda-why", TABLE(agenda_whys), false},
    [VOCABULARY_ATTACHMENT] = {"attachment", TABLE(attachments), false},
};

static const struct vocabulary_row *row_of(enum vocabulary which)
{
    assert(which < VOCABULARY_COUNT);
    return &vocabulary_rows[which];
}

const char *vocabulary_name(enum vocabulary which)
{
    return row_of(which)->name;
}

bool vocabulary_is_set(enum vocabulary which)
{
    return row_of(which)->set;
}

const struct word *vocabulary_words(enum vocabulary which, size_t *ret_count)
{
    *ret_count = row_of(which)->count;
    return row_of(which)->words;
}

const struct word *vocabulary_find(enum vocabulary which, uint32_t value)
{
    const struct vocabulary_row *row = row_of(which);
    for (size_t i = 0; i < row->count; i++) {
        if (row->words[i].value == value) {
            return &row->words[i];
        }
    }
    return NULL;
}

const struct word *vocabulary_parse(enum vocabulary which, const char *id)
{
    const struct vocabulary_row *row = row_of(which);
    for (size_t i = 0; i < row->count; i++) {
        if (strcmp(row->words[i].id, id) == 0) {
            return &row->words[i];
        }
    }
    return NULL;
}

void vocabulary_ids(enum vocabulary which, const char *ret_ids[VOCABULARY_IDS_MAX])
{
    const struct vocabulary_row *row = row_of(which);
    assert(row->count < VOCABULARY_IDS_MAX);
    for (size_t i = 0; i < row->count; i++) {
        ret_ids[i] = row->words[i].id;
    }
    ret_ids[row->count] = NULL;
}

uint64_t vocabulary_mask(enum vocabulary which)
{
    const struct vocabulary_row *row = row_of(which);
    uint64_t mask = 0;
    assert(row->set);
    for (size_t i = 0; i < row->count; i++) {
        mask |= UINT64_C(1) << row->words[i].value;
    }
    return mask;
}

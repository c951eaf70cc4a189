/* The story, as a table: what happens when, and what must then be so. See demo.h. Its cases are
 * told after published ones, without their names and places.
 *
 * It begins on a Friday before two holidays of 2026: of the twenty working days that follow, two
 * are make-up days at a weekend (20 September, 10 October), and ten days off lie between them.
 * Assertions stand where what they ask about has just happened. */
#include "cli/demo.h"

#define P       "procuratorate"
#define EDU     "education"
#define CIVIL   "civil-affairs"
#define YOUTH   "youth-league"
#define WOMEN   "womens-federation"
#define ABSENT  "disabled-federation"
#define MINOR   "JZ-2026-0001"
#define TO_EDU  MINOR "-01"
#define TO_CIV  MINOR "-02"
#define SILENT  MINOR "-03" /* the referral that is never answered in time */
#define AIDS    "JZ-2026-0002-01"
#define WOMAN   "FL-2026-0001-01"
#define VETERAN "TY-2026-0001-01"
#define PATIENT "WJ-2026-0001-01"
#define INJURED "SF-2026-0001-01"
#define FARMER  "XC-2026-0001-01"
#define WOUNDED "JZ-2026-0003"
#define ORPHAN  "JZ-2026-0004"
#define ASKED   "MZ-SX-2026-0001" /* the information request about WOUNDED */
#define MEETING "JZ-SX-2026-0001" /* the joint meeting about SILENT */
#define HEARING "JZ-SX-2026-0002" /* about the money of ORPHAN, */
#define FUND    "JZ-SX-2026-0003" /* which is supervised, */
#define ARCHIVE "JZ-SX-2026-0004" /* and its archive */

#define STATUS               "{\"cmd\":\"status\"}"
#define INBOX                "{\"cmd\":\"inbox\",\"count\":500}"
#define CASE(id)             "{\"cmd\":\"case\",\"id\":\"" id "\"}"
#define WHY(id)              "{\"cmd\":\"why\",\"referral\":\"" id "\"}"
#define SHOW(id)             "{\"cmd\":\"show\",\"id\":\"" id "\"}"
#define RAISED(id)           "referrals.trail[what=rung-raised][rung=" id "]"
#define WINDOW               "clocks[clock=feedback-outbound]"
#define SENT(kind_of, about) "rows[kind=" kind_of "][referral=" about "]"

#define SCENE(words)                                                                               \
    {                                                                                              \
        .act = ACT_SCENE, .text = (words)                                                          \
    }
#define TELL(words)                                                                                \
    {                                                                                              \
        .act = ACT_TELL, .text = (words)                                                           \
    }
#define AT(time)                                                                                   \
    {                                                                                              \
        .act = ACT_CLOCK, .at = (time)                                                             \
    }
#define DO(what, agency, words)                                                                    \
    {                                                                                              \
        .act = (what), .who = (agency), .text = (words)                                            \
    }
#define ATTACK(name_of, words)                                                                     \
    {                                                                                              \
        .act = ACT_FORGE, .letter = (name_of), .text = (words)                                     \
    }
#define VERIFY(name_of, words)                                                                     \
    {                                                                                              \
        .act = ACT_VERIFY, .letter = (name_of), .text = (words)                                    \
    }
#define EVIDENCE(agency, about, name_of, words)                                                    \
    {                                                                                              \
        .act = ACT_VERIFY, .who = (agency), .referral = (about), .letter = (name_of),              \
        .text = (words)                                                                            \
    }
#define STORE(which, words)                                                                        \
    {                                                                                              \
        .act = ACT_STORE, .letter = (which), .text = (words)                                       \
    }
#define SEND(agency, id, words, source)                                                            \
    {                                                                                              \
        .act = ACT_SEND, .who = (agency), .letter = (id), .text = (words), .article = (source)     \
    }
#define POST(agency, id, words)                                                                    \
    {                                                                                              \
        .act = ACT_POST, .who = (agency), .letter = (id), .text = (words)                          \
    }
/* The agency has received the broker's notice: a reminder or a numbered document. */
#define NOTICE(agency, about, id, words, source)                                                   \
    {                                                                                              \
        .act = ACT_NOTICE, .who = (agency), .referral = (about), .rung = (id), .text = (words),    \
        .article = (source)                                                                        \
    }
/* The agency has received a message of this kind. */
#define RECEIVED(agency, about, sort, words)                                                       \
    {                                                                                              \
        .act = ACT_NOTICE, .who = (agency), .referral = (about), .letter = (sort), .text = (words) \
    }
#define UNTIL(asked, question, where, what)                                                        \
    {                                                                                              \
        .act = ACT_UNTIL, .who = (asked), .ask = (question), .path = (where), .value = (what)      \
    }
#define EXPECT(title, asked, question, where, what, words)                                         \
    {                                                                                              \
        .act = ACT_EXPECT, .name = (title), .who = (asked), .ask = (question), .path = (where),    \
        .value = (what), .text = (words)                                                           \
    }

const struct step story[] = {
    SCENE("一、一案三转：同一名未成年人，同时移送三家单位"),
    AT("2026-09-18 09:30"),
    {.act = ACT_ATTACH, .who = P, .letter = "household.pdf", .value = "户口簿.pdf"},
    SEND(P, "minor",
         "人民检察院移送社会救助线索：抚养人死亡的未成年人，先行移送，同时送教育、民政、团委",
         "第八、十八条"),
    EXPECT("fan-out-three-referrals", "broker", CASE(MINOR), "referrals#", "3",
           "一个案件 " MINOR "，三条线索 -01 教育、-02 民政、-03 团委，各算各的期限"),
    {.act = ACT_OPEN, .who = EDU, .letter = "household.pdf"},
    EXPECT("file-arrived-as-it-was", "file", NULL, "same", "true",
           "随附的户口簿加密传送，教育体育局打开的与检察院附上的逐字节相同〔第十五条〕"),
    EXPECT("fan-out-all-delivered", "broker", CASE(MINOR), "referrals[state=delivered]#", "3",
           "三家都已送达（对方系统签名回执），二十个工作日开始计算〔第九条〕"),
    EXPECT("window-last-day", "broker", WHY(SILENT), WINDOW ".day_n", "2026-10-22",
           "期限届满日：10月22日24时。收到当日不算〔第二十一条〕"),
    EXPECT("window-make-up-days", "broker", WHY(SILENT), WINDOW ".days[what=make-up]#", "2",
           "其中调休上班2天（9月20日、10月10日）算工作日"),
    EXPECT("window-holidays", "broker", WHY(SILENT), WINDOW ".days[what=holiday]#", "10",
           "中秋、国庆放假10天不算"),
    EXPECT("window-receiver-agrees", YOUTH, SHOW(SILENT), "referral." WINDOW ".due", "2026-10-22",
           "共青团市委自己的系统算出同一天"),
    AT("2026-09-18 10:30"),
    SEND(EDU, "education-signs", "教育体育局签收，登记编号由本单位自编", NULL),
    AT("2026-09-20 10:00"),
    SEND(CIVIL, "civil-signs", "民政局签收（星期日，调休上班）", NULL),

    SCENE("二、各有各的答复：教育给予救助，民政按程序办理；一家断网"),
    AT("2026-09-21 09:00"),
    DO(ACT_STOP, ABSENT, "残疾人联合会的系统停机（进程真的退出）"),
    {.act = ACT_QUEUE,
     .who = P,
     .letter = "disabled",
     .text = "人民检察院向残疾人联合会移送线索：肢体一级残疾，急需康复器材",
     .article = "第六、八条"},
    EXPECT("absent-agent-queued", "broker", CASE(AIDS), "referrals.state", "queued",
           "对方未上线，线索在中枢排队：期限不开始，但有人盯着"),
    AT("2026-09-21 10:00"),
    SEND(EDU, "education-grants", "教育体育局反馈：给予救助（协调转学；学生资助每学期1200元）",
         "第九条"),
    EXPECT("education-answered", "broker", CASE(TO_EDU), "referrals.state", "answered",
           "第2个工作日即答复，线索 -01 办结"),
    EXPECT("education-in-time", P, SHOW(TO_EDU), "referral.outcome", "granted",
           "检察院收到：给予救助"),
    AT("2026-09-21 11:00"),
    SEND(WOMEN, "women", "妇女联合会移送司法救助线索：遭受家庭暴力的困难妇女", "第十条"),
    EXPECT("inbound-last-day", "broker", WHY(WOMAN), "clocks[clock=feedback-inbound].day_n",
           "2026-10-12", "检察院须在10个工作日内反馈：10月12日24时届满〔第十一条〕"),
    AT("2026-09-21 11:30"),
    SEND(P, "women-signed", "人民检察院签收登记", "第十条"),
    AT("2026-09-21 14:00"),
    SEND(CIVIL, "civil-procedure", "民政局反馈：需按程序办理，列明所需材料，由检察院告知申请人",
         "第九条"),
    EXPECT("procedure-opens-tasks", "broker", CASE(TO_CIV), "referrals.state", "procedure",
           "线索 -02 转入按程序办理：告知申请人、补充材料两项任务同时计时"),
    AT("2026-09-22 09:00"),
    SEND(P, "minor-told", "人民检察院告知申请人需补哪些材料", "第九条"),
    AT("2026-09-23 00:00"),
    NOTICE(YOUTH, SILENT, "unsigned-1", "3个工作日未签收 → 共青团市委联络员", NULL),
    NOTICE(P, AIDS, "undelivered-1", "1个工作日未送达 → 联席会议办公室、移送单位", NULL),
    AT("2026-09-24 09:30"),
    {.act = ACT_ATTACH, .who = P, .letter = "household.pdf", .value = "监护证明.pdf"},
    SEND(P, "minor-papers", "人民检察院补送材料：民政局的第二个二十个工作日开始", "第九条"),
    {.act = ACT_OPEN, .who = CIVIL, .letter = "household.pdf"},
    EXPECT("papers-arrived-as-they-were", "file", NULL, "same", "true", NULL),
    UNTIL("broker", CASE(TO_CIV), "referrals.clocks[clock=feedback-outbound].window", "2"),
    AT("2026-09-25 00:00"),
    NOTICE(YOUTH, SILENT, "unsigned-2", "5个工作日未签收 → 共青团市委分管领导", NULL),
    NOTICE(P, AIDS, "undelivered-2", "3个工作日未送达 → 再报联席会议办公室", NULL),
    AT("2026-09-28 08:30"),
    DO(ACT_START, ABSENT, "残疾人联合会的系统恢复：积压的线索自动补收"),
    RECEIVED(ABSENT, AIDS, "outbound-referral", NULL),
    RECEIVED(P, AIDS, "resolved", "未送达的督办自动销号"),
    EXPECT("absent-agent-caught-up", "broker", CASE(AIDS), "referrals.state", "delivered",
           "送达，期限从今天（而不是移送那天）起算"),
    EXPECT("absent-agent-window", "broker", CASE(AIDS),
           "referrals.clocks[clock=feedback-outbound].start_ms@", "2026-09-28 08:30", NULL),
    UNTIL("broker", "{\"cmd\":\"queue\"}", "queues[id=" ABSENT "].waiting", "0"),
    AT("2026-09-28 09:00"),
    SEND(ABSENT, "disabled-signs", "残疾人联合会签收", NULL),

    AT("2026-09-30 00:00"),
    NOTICE(P, WOMAN, "remind-5", "催办：离期限还有5个工作日 → 检察院自己也一样被催", "第十一条"),

    SCENE("三、节后：检察院按期答复妇联；有人冒名、有人重放"),
    AT("2026-10-09 10:00"),
    SEND(P, "women-suitable", "人民检察院反馈救助意见：符合条件，拟予救助", "第十一条"),
    EXPECT("inbound-answered-in-time", WOMEN, SHOW(WOMAN), "referral.state", "answered",
           "第8个工作日答复"),
    EXPECT("inbound-not-late", "broker", CASE(WOMAN), "referrals.late", "false",
           "在10个工作日之内"),
    AT("2026-10-12 09:00"),
    SEND(P, "women-told", "人民检察院告知申请人", "第十一条"),
    AT("2026-10-13 10:00"),
    SEND(ABSENT, "disabled-grants", "残疾人联合会反馈：给予救助（康复器材及床具，上门安装）",
         "第九条"),
    AT("2026-10-13 22:00"),
    TELL("攻击者拿到一台内网机器和卫生健康委员会的证书："),
    ATTACK("wrong-key", "① 用自制的密钥冒充卫生健康委员会"),
    EXPECT("wrong-key-refused", "wire", NULL, "code", "request.key-unknown",
           "拒绝：没有登记过这把钥匙；对陌生人的答复不签名"),
    ATTACK("changed-byte", "② 截下一条合法请求，改动一个字母"),
    EXPECT("changed-byte-refused", "wire", NULL, "code", "request.signature", "拒绝：签名对不上"),
    ATTACK("foreign-sender", "③ 再偷来卫健委的签名密钥，替共青团市委“反馈”那条沉默的线索"),
    EXPECT("foreign-sender-refused", "wire", NULL, "leaf.refusal", "message.sender",
           "拒绝：发件单位不是签名单位"),
    EXPECT("foreign-sender-leaf", "wire", NULL, "leaf.actor", "health",
           "审计日志留下一条：谁的密钥干的（回执附默克尔证明）"),
    EXPECT("foreign-sender-changed-nothing", "broker", CASE(SILENT), "referrals.state", "delivered",
           "那条线索原样未动"),
    ATTACK("replay", "④ 一条合法请求，原样再发一遍"),
    EXPECT("replay-first-taken", "wire", NULL, "first", "taken", "第一遍是合法的"),
    EXPECT("replay-refused", "wire", NULL, "code", "request.replayed", "第二遍拒绝：重放"),
    AT("2026-10-13 22:05"),
    EXPECT("strangers-counted", "broker", STATUS, "counts.strangers", "2",
           "①②是陌生人：不逐条记日志，按分钟计数，共2次"),

    SCENE("四、沉默的线索：催办"),
    AT("2026-10-15 23:59"),
    EXPECT("remind-5-not-before", "broker", CASE(SILENT), RAISED("remind-5") "#", "0",
           "第15个工作日23时59分：还不催"),
    AT("2026-10-16 00:00"),
    NOTICE(YOUTH, SILENT, "remind-5", "催办：离期限还有5个工作日 → 共青团市委联络员", "第九条"),
    EXPECT("remind-5-instant", "broker", CASE(SILENT), RAISED("remind-5") ".fell_due_ms@",
           "2026-10-16 00:00", "第15个工作日24时整到点"),
    AT("2026-10-16 10:00"),
    SEND(CIVIL, "civil-grants",
         "民政局反馈：材料齐备，给予救助（基本生活补贴每月1700元；临时照料）", "第九条"),
    EXPECT("second-window-answered", "broker", CASE(TO_CIV), "referrals.state", "answered",
           "线索 -02 在第二个期限内办结"),

    SCENE("五、中枢断电：kill -9，消息在途"),
    AT("2026-10-20 17:50"),
    SEND("veterans-affairs", "veterans", "退役军人事务局移送司法救助线索，中枢已出回执", "第十条"),
    DO(ACT_FREEZE, "broker", "中枢卡死，不再答复"),
    POST("health", "health", "卫生健康委员会移送线索：发不出去，先存在本单位发件箱"),
    POST("justice", "justice", "司法局移送线索：同上"),
    POST("rural-revitalization", "rural", "乡村振兴局移送线索：同上"),
    EXPECT("in-flight-health", "health", STATUS, "outbox.waiting", "1", NULL),
    EXPECT("in-flight-justice", "justice", STATUS, "outbox.waiting", "1", NULL),
    EXPECT("in-flight-rural", "rural-revitalization", STATUS, "outbox.waiting", "1",
           "三条消息在途，没有一条得到回执"),
    DO(ACT_KILL, "broker", "断电（kill -9）。当晚24时，第二次催办本该发出"),
    DO(ACT_START, "broker", NULL),
    AT("2026-10-21 08:30"),
    TELL("第二天早上，中枢重启"),
    {.act = ACT_CONFIRMED, .text = "三家单位的签名时间与中枢的时钟一致，才放行催办督办"},
    {.act = ACT_ACCEPTED, .who = "health", .referral = PATIENT},
    {.act = ACT_ACCEPTED, .who = "justice", .referral = INJURED},
    {.act = ACT_ACCEPTED,
     .who = "rural-revitalization",
     .referral = FARMER,
     .text = "三家的系统自动续发，各得回执"},
    RECEIVED(P, PATIENT, "inbound-referral", NULL),
    RECEIVED(P, INJURED, "inbound-referral", NULL),
    RECEIVED(P, FARMER, "inbound-referral", NULL),
    EXPECT("nothing-lost-acknowledged", "broker", CASE(VETERAN),
           "referrals.trail[what=message][kind=inbound-referral]#", "1",
           "断电前有回执的：还在，且只有一条"),
    EXPECT("nothing-lost-health", "broker", CASE(PATIENT),
           "referrals.trail[what=message][kind=inbound-referral]#", "1", NULL),
    EXPECT("nothing-lost-justice", "broker", CASE(INJURED),
           "referrals.trail[what=message][kind=inbound-referral]#", "1", NULL),
    EXPECT("nothing-lost-rural", "broker", CASE(FARMER),
           "referrals.trail[what=message][kind=inbound-referral]#", "1",
           "断电时在途的三条：都到了，各只有一条"),
    EXPECT("nothing-lost-nothing-refused", "health", STATUS, "outbox.refused", "0", NULL),
    EXPECT("nothing-twice-at-receiver", P, INBOX, "rows[kind=inbound-referral]#", "5",
           "检察院收件箱：司法救助线索共5条，无重复"),
    EXPECT("same-log", P, STATUS, "alarm", "absent",
           "检察院的系统核对：日志是断电前那本的延续，没有被改写"),
    NOTICE(YOUTH, SILENT, "remind-2", "催办：离期限还有2个工作日（迟发，注明本应何时）", "第九条"),
    EXPECT("remind-2-says-when", "broker", CASE(SILENT), RAISED("remind-2") ".fell_due_ms@",
           "2026-10-21 00:00", "本应：10月21日零时；补发：重启之后"),
    EXPECT("remind-5-not-again", "broker", CASE(SILENT), RAISED("remind-5") "#", "1",
           "断电前发过的催办没有再发"),
    AT("2026-10-21 09:30"),
    SEND(P, "veterans-signed", "人民检察院签收四条线索", "第十条"),
    SEND(P, "health-signed", NULL, NULL),
    SEND(P, "justice-signed", NULL, NULL),
    SEND(P, "rural-signed", NULL, NULL),

    SCENE("六、期限届满：督办"),
    AT("2026-10-22 23:59"),
    EXPECT("due-1-not-before", "broker", CASE(SILENT), RAISED("due-1") "#", "0",
           "第20个工作日23时59分：还不督办"),
    AT("2026-10-23 00:00"),
    EXPECT("due-1-raised", "broker", CASE(SILENT), RAISED("due-1") ".fell_due_ms@",
           "2026-10-23 00:00", "第20个工作日24时：期限届满，第一次督办〔第九条〕"),
    NOTICE(YOUTH, SILENT, "due-1", "督办 → 共青团市委联络员、分管领导", "第九条"),
    NOTICE(P, SILENT, "due-1", "同时告知移送单位人民检察院", NULL),
    AT("2026-10-28 00:00"),
    EXPECT("due-2-raised", "broker", CASE(SILENT), RAISED("due-2") ".fell_due_ms@",
           "2026-10-28 00:00", "再过3个工作日仍无答复：第二次督办"),
    NOTICE(YOUTH, SILENT, "due-2", "督办 → 共青团市委", NULL),
    NOTICE(P, SILENT, "due-2", "督办 → 联席会议办公室（设在检察院）", "第十三条"),
    EXPECT("documents-open", YOUTH, SHOW(SILENT), "referral.documents#", "4",
           "共青团市委名下4张督办单未销（未签收2张、逾期2张）"),
    AT("2026-10-28 15:00"),
    SEND(YOUTH, "youth-late", "共青团市委终于反馈：给予救助（每月心理疏导）", "第九条"),
    EXPECT("late-is-marked", "broker", CASE(SILENT), "referrals.late", "true", "照收，标明迟到"),
    EXPECT("late-days", "broker", CASE(SILENT), "referrals.lateness_days", "4",
           "迟4个工作日（10月23、26、27、28日）"),
    EXPECT("late-seen-by-sender", P, SHOW(SILENT), "referral.late", "true", NULL),
    RECEIVED(YOUTH, SILENT, "resolved", "督办自动销号"),
    EXPECT("documents-closed", "broker", CASE(SILENT), "referrals.open_documents", "0",
           "4张督办单全部销号"),
    EXPECT("once-remind-5", "broker", CASE(SILENT), RAISED("remind-5") "#", "1", NULL),
    EXPECT("once-remind-2", "broker", CASE(SILENT), RAISED("remind-2") "#", "1", NULL),
    EXPECT("once-due-1", "broker", CASE(SILENT), RAISED("due-1") "#", "1", NULL),
    EXPECT("once-due-2", "broker", CASE(SILENT), RAISED("due-2") "#", "1",
           "两次催办、两次督办，各恰好一次"),
    EXPECT("once-at-the-agency", YOUTH, INBOX,
           "rows[kind=escalation][referral=" SILENT "][rung=due-1]#", "1", NULL),
    EXPECT("once-at-the-office", P, INBOX,
           "rows[kind=escalation][referral=" SILENT "][rung=due-2]#", "1",
           "共青团市委、联席会议办公室收件箱里也各只有一份"),

    AT("2026-10-29 09:00"),
    SEND(P, "veterans-suitable", "人民检察院按期答复其余四条司法救助线索，并一一告知申请人",
         "第十一条"),
    SEND(P, "veterans-told", NULL, NULL),
    SEND(P, "health-suitable", NULL, NULL),
    SEND(P, "health-told", NULL, NULL),
    SEND(P, "justice-suitable", NULL, NULL),
    SEND(P, "justice-told", NULL, NULL),
    SEND(P, "rural-suitable", NULL, NULL),
    SEND(P, "rural-told", NULL, NULL),
    AT("2026-10-29 09:30"),
    SEND(P, "meeting", "联席会议办公室通知开会：那条逾期的线索列入议题", "第十三条"),
    RECEIVED(CIVIL, MEETING, "meeting-notice", NULL),
    EXPECT("meeting-has-its-agenda", CIVIL, SHOW("{sent}"), "message.facts.agenda.number", SILENT,
           "通知里写明议题：" SILENT),
    EXPECT("meeting-replies-are-owed", P, SHOW(MEETING), "matter.duties[due=2026-11-03]#", "2",
           "参会与否也是一项期限：11月3日前回执"),
    SEND(YOUTH, "meeting-youth", "共青团市委回执：参加", "第十三条"),
    SEND(CIVIL, "meeting-civil", "民政局回执：派员代为参加", NULL),
    EXPECT("meeting-who-comes", P, SHOW(MEETING), "matter.members[agency=" CIVIL "].attends",
           "deputy", NULL),
    EXPECT("meeting-all-replied", P, SHOW(MEETING), "matter.state", "closed", "回执齐了"),

    SCENE("七、送错了单位：改送、补问、撤回，一步一步改正"),
    AT("2026-10-29 10:00"),
    SEND(P, "wound", "人民检察院先行移送：外来务工人员被害重伤，送乡村振兴局", "第八条"),
    EXPECT("advance-before-the-judgment", "broker", CASE(WOUNDED), "referrals.state", "delivered",
           "诉讼未结也可以先送，写明了理由"),
    AT("2026-10-30 10:00"),
    SEND("rural-revitalization", "wound-declined",
         "乡村振兴局反馈：户籍不在本市，不属本单位职责，建议民政局", "第九条"),
    EXPECT("declined-is-an-answer", P, SHOW(WOUNDED "-01"), "referral.outcome", "not-my-duty",
           "不属职责也是答复：期限停止，附建议单位"),
    AT("2026-10-30 14:00"),
    SEND(P, "wound-again", "人民检察院改送民政局", "第六条"),
    EXPECT("sent-on-in-the-same-case", "broker", CASE(WOUNDED), "referrals#", "2",
           "同一案件 " WOUNDED "，编号 -02"),
    EXPECT("sent-on-with-its-trail", CIVIL, SHOW(WOUNDED "-02"), "referral.link", "re-referral",
           "民政局看得出是改送来的"),
    EXPECT("sent-on-from-which", CIVIL, SHOW(WOUNDED "-02"), "referral.previous", "*", NULL),
    EXPECT("sent-on-has-its-own-window", "broker", WHY(WOUNDED "-02"), WINDOW ".day_n",
           "2026-11-27", "改送重新计算二十个工作日：11月27日届满"),
    AT("2026-11-02 09:00"),
    SEND(CIVIL, "wound-asked", "民政局请检察院补充：家庭收入、是否已获赔偿", "第七条"),
    RECEIVED(CIVIL, ASKED, "delivery-notice", "请求送达，五个工作日内答复"),
    EXPECT("asked-has-a-clock", P, SHOW(ASKED), "matter.duties[duty=1].due", "2026-11-09",
           "事项 " ASKED "：检察院自己的时钟，11月9日届满"),
    EXPECT("asked-stops-nothing", CIVIL, SHOW(WOUNDED "-02"), "referral." WINDOW ".due",
           "2026-11-27", "民政局的期限照走，不因提问而停"),
    AT("2026-11-03 09:00"),
    SEND(P, "wound-twice", "人民检察院补充移送人社局：帮助就业", NULL),
    AT("2026-11-03 16:00"),
    SEND(P, "wound-withdrawn", "当事人要求伤愈后再说：撤回这一条", NULL),
    EXPECT("withdrawn-alone", "broker", CASE(WOUNDED), "referrals[state=withdrawn]#", "1",
           "只撤这一条，其余照办"),
    EXPECT("withdrawn-deletes-nothing", "human-resources", INBOX,
           SENT("outbound-referral", WOUNDED "-03") "#", "1", "撤回不是删除：来往都还在"),
    AT("2026-11-06 00:00"),
    NOTICE(P, ASKED, "remind-2", "催办：答复期限还有2个工作日 → 检察院自己", NULL),
    AT("2026-11-06 09:00"),
    SEND(P, "wound-answered", "人民检察院提供信息（第4个工作日）", "第七条"),
    EXPECT("asked-and-answered", CIVIL, SHOW(ASKED), "matter.state", "closed", "事项办结"),
    AT("2026-11-12 10:00"),
    SEND(CIVIL, "wound-grants", "民政局反馈：给予临时救助6000元", "第九条"),
    EXPECT("repaired", P, SHOW(WOUNDED "-02"), "referral.late", "false",
           "绕了一圈，仍在期限之内：第9个工作日"),

    SCENE("八、办到底：审批、发放、到手；归档、回访、重新启动"),
    AT("2026-11-13 09:00"),
    SEND(P, "orphan", "人民检察院移送线索：母亲被害、父亲重残的未成年人，送民政局", "第十八条"),
    AT("2026-11-16 10:00"),
    SEND(CIVIL, "orphan-grants", "民政局反馈：给予救助（基本生活补贴每月1700元）", "第九条"),
    SEND(P, "hearing", "人民检察院就救助金如何发放邀请民政、教育听证", "第十二条"),
    RECEIVED(EDU, HEARING, "hearing-invitation", NULL),
    EXPECT("hearing-is-about-the-referral", EDU, SHOW("{sent}"), "message.facts.purpose", "payment",
           "邀请写明听证事由、时间和哪些人参加"),
    SEND(CIVIL, "hearing-civil", "民政局回执：参加", NULL),
    AT("2026-11-18 10:00"),
    SEND(CIVIL, "orphan-approved", "救助落实：已审批", NULL),
    AT("2026-11-20 00:00"),
    NOTICE(EDU, HEARING, "remind-2", "催办：听证回执还有2个工作日 → 教育体育局", "第十二条"),
    AT("2026-11-25 16:00"),
    SEND(P, "hearing-opinion", "听证意见：同意救助，救助金监管发放；民政局承诺核实监护情况",
         "第十二条"),
    EXPECT("hearing-excuses-who-was-silent", P, SHOW(HEARING), "matter.duties[duty=2].cancelled",
           "true", "会已开过，没回执的不必再回"),
    EXPECT("hearing-promise-has-a-clock", CIVIL, SHOW(HEARING), "matter.duties[duty=3].due",
           "2026-12-04", "承诺也是期限：12月4日"),
    SEND(P, "fund", "人民检察院定救助金监管计划：三万元，分两期", "第二十条"),
    EXPECT("fund-seen-by-both", CIVIL, SHOW(FUND), "matter.balance_fen", "3000000",
           "民政局同样看到计划与余额"),
    AT("2026-12-01 10:00"),
    SEND(CIVIL, "orphan-paid-1", "救助落实：第一期已发放", NULL),
    SEND(CIVIL, "hearing-kept", "民政局报告：听证时的承诺已兑现", "第十四条"),
    EXPECT("hearing-ends-with-the-promise", P, SHOW(HEARING), "matter.state", "closed", NULL),
    AT("2026-12-21 10:00"),
    SEND(CIVIL, "orphan-paid-2", "救助落实：第二期已发放", NULL),
    SEND(CIVIL, "orphan-delivered", "救助落实：祖母确认收到", NULL),
    EXPECT("granted-approved-paid-delivered", P, INBOX, SENT("assistance-report", ORPHAN "-01") "#",
           "4", "答应、审批、发放、到手是四件事，件件有据"),
    AT("2026-12-22 09:00"),
    SEND(P, "orphan-archived", "人民检察院归档：全案没有未了的期限", "第十六条"),
    EXPECT("archived", CIVIL, SHOW(ARCHIVE), "matter.kind", "archive", "民政局同时得知"),
    EXPECT("first-visit-by-the-calendar", P, SHOW(ARCHIVE), "matter.duties[duty=1].due",
           "2027-02-22", "未成年人：60天后第一次回访；2月20日是星期六，顺延到22日"),
    AT("2026-12-31 10:00"),
    SEND(P, "fund-paid", "归档以后，监管的救助金照计划支付第一期", "第二十条"),
    EXPECT("fund-balance", CIVIL, SHOW(FUND), "matter.balance_fen", "2000000", "余额两万元"),
    EXPECT("fund-outlives-the-archive", P, SHOW(FUND), "matter.duties[duty=2].due", "2027-08-31",
           "第二期的期限还在走：2027年8月31日"),
    AT("2027-02-19 00:00"),
    NOTICE(P, ARCHIVE, "remind-2", "催办：回访期限还有2个工作日 → 检察院自己", "第十六条"),
    AT("2027-02-22 10:00"),
    SEND(P, "orphan-visit-1", "第一次回访：困难缓解，没有风险", "第十六条"),
    EXPECT("second-visit-by-the-calendar", P, SHOW(ARCHIVE), "matter.duties[duty=2].due",
           "2027-04-23", "困难还没解除，下一次回访自动排定"),
    AT("2027-04-22 10:00"),
    SEND(P, "orphan-visit-2", "第二次回访：祖母病重，孩子辍学，有风险", "第十六条"),
    EXPECT("risk-is-a-fact", CIVIL, SHOW(ARCHIVE), "matter.risk", "safety", "民政局也看得到"),
    SEND(P, "orphan-reopened", "人民检察院重新启动", "第十六条"),
    EXPECT("visits-end", P, SHOW(ARCHIVE), "matter.state", "cancelled", "回访到此为止"),
    AT("2027-04-22 11:00"),
    SEND(P, "orphan-again", "同一案件再移送教育体育局：返校、资助", "第十八条"),
    EXPECT("linked-to-the-first", EDU, SHOW(ORPHAN "-02"), "referral.link", "follow-up",
           "编号 " ORPHAN "-02，注明由回访发现"),
    EXPECT("linked-window", "broker", CASE(ORPHAN), "referrals[state=delivered]#", "1",
           "新的二十个工作日开始计算"),

    SCENE("九、审计：日志有没有被动过"),
    VERIFY("store", "验证程序只凭公钥核对中枢的存储"),
    EXPECT("audit-store-passes", "verifier", NULL, "report.verdict", "PASS",
           "通过：每条记录都在，且未改动"),
    EXPECT("audit-key-pinned", "verifier", NULL, "report.pinned", "true", "中枢的公钥已钉住"),
    VERIFY("witnesses", "再凭各单位的公钥核对见证"),
    EXPECT("audit-witnessed", "verifier", NULL, "report.witnesses", "11",
           "11家单位都签名见证过：见证过的部分，中枢自己也删改不了"),
    VERIFY("export", "导出成一个文件，任何人都能核对"),
    EXPECT("audit-export-passes", "verifier", NULL, "report.verdict", "PASS", "通过"),
    VERIFY("tampered", "把副本里那张督办单的一个字母改掉（due-2）"),
    EXPECT("audit-flip-found", "verifier", NULL, "report.verdict", "FAIL", "查出来了"),
    EXPECT("audit-flip-exit", "verifier", NULL, "exit", "1", NULL),
    EXPECT("audit-flip-named", "verifier", NULL, "report.first_bad", "*", "并指出是哪一条记录"),

    SCENE("十、证据：一件移送，没有中枢也说得清"),
    EVIDENCE(P, SILENT, "evidence",
             "人民检察院导出这件移送的证据；另一个进程只拿着文件和根指纹来核验"),
    EXPECT("evidence-passes", "verifier", NULL, "report.verdict", "PASS",
           "通过：谁发给谁、何时送达、期限哪天止、督办了什么，全都重新算过"),
    EXPECT("evidence-window", "verifier", NULL, "report.windows[window=1].late", "true", NULL),
    EXPECT("evidence-rung", "verifier", NULL, "report.rungs[rung=due-2]#", "1", NULL),
    EVIDENCE(P, SILENT, "evidence-changed", "把文件里的一个字改掉（due-1 改成 due-2）"),
    EXPECT("evidence-change-found", "verifier", NULL, "report.verdict", "FAIL", "查出来了"),

    SCENE("十一、中枢说谎：换上一本旧账"),
    STORE("copied", "有人私下留了一份中枢数据的副本"),
    {.act = ACT_CONFIRMED},
    AT("2027-04-23 09:30"),
    SEND(P, "roster", "联席会议办公室发布人员名册：各单位的分管领导和联络员", "第十三条"),
    RECEIVED(CIVIL, "JZ-SX-2027-0001", "roster", NULL),
    STORE("old", "旧副本被悄悄换上：名册好像从未发过"),
    EXPECT("lie-caught", P, STATUS, "alarm", "*", "人民检察院的系统当场发现：日志倒退了，停止收发"),
    EXPECT("lie-caught-by-others", EDU, STATUS, "alarm", "*", "教育体育局也发现了"),
    EXPECT("lie-evidence-kept", P, STATUS, "evidence", "*", NULL),
    EVIDENCE(P, NULL, "lie", "中枢自己签了名的答复存成证据；另一个进程只凭文件和根指纹来核验"),
    EXPECT("lie-proven", "verifier", NULL, "report.verdict", "PASS", "谎话坐实：中枢无法抵赖"),
    STORE("own", "换回真的数据"),
    {.act = ACT_CONFIRMED},
    UNTIL(P, STATUS, "alarm", "absent"),
    UNTIL(EDU, STATUS, "alarm", "absent"),
    EXPECT("believed-again", P, INBOX, "ok", "true", "日志又接得上了，各单位继续收发"),

    SCENE("十二、在办的案件：留给收件箱"),
    SEND(P, "live-late", "人民检察院移送民政局：受伤后不能劳动", "第五条"),
    AT("2027-05-04 10:00"),
    SEND(P, "live-near", "人民检察院移送退役军人事务局、民政局：急件", "第五条"),
    AT("2027-05-20 09:30"),
    SEND(P, "live-minor", "人民检察院先行移送三家：未成年人", "第八条"),
    SEND(P, "live-calm", "人民检察院移送残疾人联合会、人社局", "第五条"),
    AT("2027-05-21 10:00"),
    SEND(WOMEN, "live-inbound", "妇女联合会移送司法救助线索", "第十条"),
    AT("2027-05-26 09:00"),
    NOTICE(CIVIL, "JZ-2027-0001-01", "due-1", "期限届满，民政局收到督办单；其余各件各有各的灯",
           "第九条"),
    {.act = ACT_END},
};

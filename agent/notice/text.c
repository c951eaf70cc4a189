/* See text.h. A long form for screens and mails, a brief one for short messages: where the long one
 * does not fit, the city's name of the rung is left out first. */
#include "agent/notice/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TAG          "【救助衔接】"
#define LOG_IN       "请登录收件箱查看。"
#define LOG_IN_BRIEF "请登录查看。"
#define LINES_MAX    40u /* of a digest */

static const struct {
    enum message_kind kind;
    const char *zh;   /* its name */
    const char *text; /* one line for an officer; %s is "线索" or "事项" and its number */
} words[] = {
    {MESSAGE_OUTBOUND_REFERRAL, "社会救助线索移送", "收到新的社会救助%s，请登录签收。"},
    {MESSAGE_INBOUND_REFERRAL, "司法救助线索移送", "收到新的司法救助%s，请登录签收。"},
    {MESSAGE_SIGN_FOR, "签收", "对方已签收%s。"},
    {MESSAGE_OUTBOUND_FEEDBACK, "反馈审查结果", "%s 已有反馈，请登录查看。"},
    {MESSAGE_INBOUND_FEEDBACK, "反馈救助意见", "%s 已有救助意见，请登录查看。"},
    {MESSAGE_APPLICANT_INFORMED, "已告知申请人", "%s 的申请人已被告知。"},
    {MESSAGE_PAPERS, "补充材料", "%s 收到补充材料，请登录查看。"},
    {MESSAGE_WITHDRAWAL, "撤回", "%s 已被移送单位撤回。"},
    {MESSAGE_INFORMATION_REQUEST, "请求提供信息", "对方请求提供信息：%s，请按期答复。"},
    {MESSAGE_INFORMATION_REPLY, "提供信息", "所请求的信息已经提供：%s，请登录查看。"},
    {MESSAGE_ASSISTANCE_REPORT, "救助落实情况", "%s 的救助落实情况已更新，请登录查看。"},
    {MESSAGE_ESCALATION_REPLY, "督办回复", "%s 的督办单已有回复，请登录查看。"},
    {MESSAGE_ARCHIVE, "归档", "案件已归档：%s，今后按计划回访。"},
    {MESSAGE_REOPEN, "重新启动", "已归档的案件重新启动：%s。"},
    {MESSAGE_FOLLOW_UP_PLAN, "回访计划", "回访计划已排定：%s，请登录查看。"},
    {MESSAGE_FOLLOW_UP_REPORT, "回访报告", "收到回访报告：%s，请登录查看。"},
    {MESSAGE_CONSULTATION, "工作会商", "收到工作会商：%s，请登录查看。"},
    {MESSAGE_CONFERENCE, "个案会商", "收到个案会商结果：%s，请登录查看本单位承诺的事项。"},
    {MESSAGE_PROMISE_REPORT, "承诺事项办理", "承诺事项已有办理结果：%s，请登录查看。"},
    {MESSAGE_MEETING_NOTICE, "联席会议通知", "收到联席会议通知：%s，请按期回执。"},
    {MESSAGE_MEETING_REPLY, "会议回执", "收到会议回执：%s。"},
    {MESSAGE_HEARING_INVITATION, "听证邀请", "收到听证邀请：%s，请按期回执。"},
    {MESSAGE_HEARING_REPLY, "听证回执", "收到听证回执：%s。"},
    {MESSAGE_HEARING_OPINION, "听证意见", "收到听证意见：%s，请登录查看。"},
    {MESSAGE_ROSTER_CHANGE, "人员调整告知", "成员单位人员有调整：%s，请更新名册。"},
    {MESSAGE_ROSTER, "联络员名册", "收到新的联络员名册：%s。"},
    {MESSAGE_FUND_PLAN, "救助金监管计划", "收到救助金监管计划：%s，请登录查看。"},
    {MESSAGE_FUND_PAYMENT, "救助金支付", "监管的救助金已支付一期：%s。"},
    {MESSAGE_LETTER, "致协作单位函", "已致函协作单位：%s，请登录查看。"},
    {MESSAGE_LETTER_ANSWER, "协作单位回函", "协作单位已有回函：%s，请登录查看。"},
    {MESSAGE_CORRECTION, "更正", "%s 有一处更正，请登录查看。"},
    {MESSAGE_DELIVERY_NOTICE, "送达通知", "%s 的期限开始计算，请登录查看。"},
    {MESSAGE_REMINDER, "催办", "%s 的期限将至，请及时办理。"},
    {MESSAGE_ESCALATION, "督办", "%s 已被督办，请登录查看督办单。"},
    {MESSAGE_RESOLVED, "督办销号", "%s 的督办事项已销号。"},
    {MESSAGE_REDATING, "期限调整", "%s 的期限已按新的日历调整。"},
    {MESSAGE_RETURNED, "退回通知", "%s 的内容对方无法读取，已被退回，请登录查看。"},
};

const char *notice_kind_name(enum message_kind kind)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].kind == kind) {
            return words[i].zh;
        }
    }
    return NULL;
}

static const char *sort_of(const char *number)
{
    struct number parsed;

    return number_parse(NUMBER_MATTER, number, &parsed) == OK ? "事项" : "线索";
}

bool notice_message_line(enum message_kind kind, const char *number, char out[NOTICE_LINE_BYTES])
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].kind == kind) {
            size_t front = strcspn(words[i].text, "%");

            (void)snprintf(out, NOTICE_LINE_BYTES, "%.*s%s %s%s", (int)front, words[i].text,
                           sort_of(number), number, words[i].text + front + 2);
            return true;
        }
    }
    return false;
}

/* --- lights and dates --- */

const char *notice_light(const struct note *note)
{
    static const struct {
        enum rung rung;
        const char *light;
    } lights[] = {
        {RUNG_REMIND_5, "绿灯"},          {RUNG_REMIND_2, "黄灯"},
        {RUNG_DUE_1, NOTICE_RED},         {RUNG_DUE_2, NOTICE_RED},
        {RUNG_DUE_3, NOTICE_RED},         {RUNG_UNDELIVERED_1, "黄灯"},
        {RUNG_UNDELIVERED_2, NOTICE_RED}, {RUNG_URGENT_1, NOTICE_RED},
        {RUNG_URGENT_2, NOTICE_RED},      {RUNG_UNSIGNED_1, "黄灯"},
        {RUNG_UNSIGNED_2, NOTICE_RED},
    };

    for (size_t i = 0; i < sizeof(lights) / sizeof(lights[0]); i++) {
        if (note_rung(note->cause.rung) == lights[i].rung) {
            return lights[i].light;
        }
    }
    return "";
}

void notice_date(uint32_t yyyymmdd, char out[NOTICE_DATE_BYTES])
{
    out[0] = '\0';
    if (yyyymmdd != 0) {
        (void)snprintf(out, NOTICE_DATE_BYTES, "%" PRIu32 "年%" PRIu32 "月%" PRIu32 "日",
                       yyyymmdd / 10000, yyyymmdd / 100 % 100, yyyymmdd % 100);
    }
}

/* --- one note --- */

const char *notice_alarm_text(enum note_kind kind)
{
    if (kind == NOTE_RUNG_EARLY) {
        return "转介平台的督办通知早于期限发出，收发已暂停，请立即联系系统管理员。";
    }
    return kind == NOTE_RUNG_MISSING ? "期限已过而应发的督办通知未到，收发已暂停，请立即联系系统管"
                                       "理员，并致电对方单位核实。"
                                     : "转介平台的记录出现异常，收发已暂停，请立即联系系统管理员。";
}

/* What the rung says: until when, and how near or late. */
static void write_matter(const struct note *note, char out[NOTICE_LINE_BYTES])
{
    static const struct {
        enum rung rung;
        const char *text;
    } texts[] = {
        {RUNG_UNDELIVERED_1, "材料尚未送达"},  {RUNG_UNDELIVERED_2, "材料仍未送达"},
        {RUNG_URGENT_1, "紧急事项请立即办理"}, {RUNG_URGENT_2, "紧急事项仍未办理"},
        {RUNG_UNSIGNED_1, "尚未签收"},         {RUNG_UNSIGNED_2, "仍未签收"},
    };
    const char *what = note->cause.task == TASK_FEEDBACK ? "反馈期限" : "办理期限";
    char date[NOTICE_DATE_BYTES];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (note_rung(note->cause.rung) == texts[i].rung) {
            (void)snprintf(out, NOTICE_LINE_BYTES, "%s", texts[i].text);
            return;
        }
    }
    notice_date(note->due_date, date);
    if (note->resolved) {
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s %s", what, date);
    } else if (!note->late) {
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s %s，剩 %" PRIu32 " 个工作日", what, date,
                       note->days);
    } else if (note->days == 0) {
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s %s，已到期", what, date);
    } else {
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s %s，已超 %" PRIu32 " 个工作日", what, date,
                       note->days);
    }
}

static void write_rung(const struct policy *policy, const struct note *note, bool brief,
                       char out[NOTICE_LINE_BYTES])
{
    const char *name = policy->names[note->cause.rung].zh;
    char matter[NOTICE_LINE_BYTES], light[2 * POLICY_NAME_BYTES];

    write_matter(note, matter);
    (void)snprintf(light, sizeof(light), "%s%s%s", notice_light(note),
                   brief || name[0] == '\0' ? "" : "·", brief ? "" : name);
    if (note->kind == NOTE_RESOLVED) {
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s %s：已解除", note->number, light);
    } else {
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s %s：%.300s%s", note->number, light, matter,
                       note->resolved ? "，现已解除" : "");
    }
}

/* Without tag, without "log in". True: it says itself what to do. */
static bool write_line(const struct policy *policy, const struct note *note, bool brief,
                       char out[NOTICE_LINE_BYTES])
{
    switch (note->kind) {
    case NOTE_RAISED:
    case NOTE_RESOLVED:
        if (note->cause.rung < RUNG_COUNT) {
            write_rung(policy, note, brief, out);
            return false;
        }
        break;
    case NOTE_ALARM:
    case NOTE_RUNG_EARLY:
    case NOTE_RUNG_MISSING:
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s", notice_alarm_text(note->kind));
        return true;
    case NOTE_NEW_LOG:
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s", NOTICE_NEW_LOG_TEXT);
        return true;
    case NOTE_TEST:
        (void)snprintf(out, NOTICE_LINE_BYTES, "测试通知：渠道 %s 可用，无需处理。", note->channel);
        return true;
    case NOTE_MESSAGE:
        break;
    }
    if (!notice_message_line(note->message_kind, note->number, out)) {
        (void)snprintf(out, NOTICE_LINE_BYTES, "%s 有新消息，", note->number);
        return false;
    }
    return true;
}

/* A line that ends a sentence by itself is left as it is. */
static const char *ending(const char *line, bool whole, bool brief)
{
    size_t len = strlen(line);

    if (whole) {
        return "";
    }
    if (len >= 3 && strcmp(line + len - 3, "，") == 0) {
        return brief ? LOG_IN_BRIEF : LOG_IN;
    }
    return brief ? "。" LOG_IN_BRIEF : "。" LOG_IN;
}

/* --- what fits --- */

static size_t characters_of(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += (text.data[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

static bool fits(const struct buf *text, struct notice_bound bound)
{
    return (bound.bytes == 0 || text->len <= bound.bytes) &&
           (bound.characters == 0 || characters_of(span_buf(text)) <= bound.characters);
}

static enum err write_one(const struct policy *policy, const struct note *note, bool brief,
                          struct buf *out)
{
    char line[NOTICE_LINE_BYTES];
    bool whole = write_line(policy, note, brief, line);

    buf_clear(out);
    return buf_printf(out, TAG "%s%s", line, ending(line, whole, brief));
}

/* A digest of which `shown` notes stand there, one in a line where there is room for lines. */
static enum err write_digest(const struct policy *policy, const struct note *notes,
                             const size_t counts[2], bool brief, struct buf *out)
{
    size_t shown = counts[0], rest = counts[1] - counts[0];
    char line[NOTICE_LINE_BYTES];
    enum err error = OK;

    buf_clear(out);
    error = brief ? buf_append_text(out, TAG) : buf_printf(out, TAG "共 %zu 件：\n", counts[1]);
    for (size_t i = 0; error == OK && i < shown; i++) {
        bool whole = write_line(policy, &notes[i], brief, line);

        error = buf_printf(out, "%s%s%s", line, ending(line, true, brief), whole ? "" : "。");
        if (error == OK && !brief) {
            error = buf_append_text(out, "\n");
        }
    }
    if (error == OK && rest > 0) {
        error = buf_printf(out, "今日另有 %zu 件。", rest);
    }
    return error == OK ? buf_append_text(out, brief ? LOG_IN_BRIEF : LOG_IN) : error;
}

enum err notice_text(const struct policy *policy, const struct note *notes, size_t count,
                     struct notice_bound bound, struct buf *out)
{
    enum err error = OK;

    for (int brief = 0; brief < 2 && error == OK && count == 1; brief++) {
        error = write_one(policy, &notes[0], brief == 1, out);
        if (error == OK && fits(out, bound)) {
            return OK;
        }
    }
    for (int brief = 0; brief < 2 && count > 1; brief++) {
        for (size_t shown = count < LINES_MAX ? count : LINES_MAX; shown > 0; shown--) {
            const size_t counts[] = {shown, count};

            error = write_digest(policy, notes, counts, brief == 1, out);
            if (error == OK && fits(out, bound)) {
                return OK;
            }
        }
    }
    return error == OK ? ERR_TOO_LARGE : error;
}

void notice_subject(const struct policy *policy, const struct note *notes, size_t count,
                    char out[NOTICE_LINE_BYTES])
{
    char line[NOTICE_LINE_BYTES];

    if (count > 1) {
        (void)snprintf(out, NOTICE_LINE_BYTES, TAG "%zu 件待查看", count);
        return;
    }
    (void)write_line(policy, &notes[0], true, line);
    (void)snprintf(out, NOTICE_LINE_BYTES, TAG "%.400s", line);
}

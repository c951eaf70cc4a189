/* Notices to officers: one row for each message that came and each alarm, one start of the hook for
 * each row, one at a time, in order. A row leaves when the hook ended with 0, or after the last
 * try. A notice says which number, from whom and until when, in Chinese: never what is in a body.
 *
 * STORE_NOTICE: be64 seq -> tries u8 | JSON. */
#include <stdio.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "model/backoff.h"
#include "model/lanes.h"
#include "model/message_json.h"

#define TRIES_MAX    12u
#define NOTICE_BYTES (8u * LIMIT_FACTS_BYTES) /* JSON writes a byte of a notice as six at most */

/* Twelve tries: half a minute, doubling up to four hours: about a day. */
static const struct backoff hook_backoff = {.base_ms = 30000, .max_ms = 4u * 3600u * 1000u};

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

static struct span notice_key(uint64_t seq, uint8_t out[8])
{
    be64_put(out, seq);
    return span_of(out, 8);
}

/* --- what a notice says --- */

static void named(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

static const char *sort_of(const struct row *row)
{
    struct number number;

    return number_parse(NUMBER_MATTER, row->header.referral_number, &number) == OK ? "事项"
                                                                                   : "线索";
}

static void write_text(const struct row *row, struct json_writer *out)
{
    char line[256];

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].kind == row->header.kind) {
            size_t front = strcspn(words[i].text, "%");

            (void)snprintf(line, sizeof(line), "%.*s%s %s%s", (int)front, words[i].text,
                           sort_of(row), row->header.referral_number, words[i].text + front + 2);
            named(out, "kind_zh", words[i].zh);
            named(out, "text_zh", line);
        }
    }
}

/* What this city calls the rung: 黄牌. */
static void write_rung_name(const struct agent *agent, const struct notice_facts *facts,
                            struct json_writer *out)
{
    enum rung rung = RUNG_COUNT;

    if (rung_parse(facts->rung, &rung) == OK) {
        named(out, "rung_zh", agent->setup.policy->names[rung].zh);
        named(out, "rung_en", agent->setup.policy->names[rung].en);
    }
}

static void write_message(struct agent *agent, struct store_txn *txn, const struct row *row,
                          const struct message *message, struct json_writer *out)
{
    const struct case_key key = {.case_id = row->header.case_id,
                                 .referral_id = row->header.referral_id};
    struct copy *copy = agent->copy;

    named(out, "event", row_state_name(row->state));
    named(out, "kind", message_kind_name(row->header.kind));
    named(out, "sender", row->header.sender);
    named(out, "referral", row->header.referral_number);
    named(out, "case_number", row->header.case_number);
    if (copy_load(txn, &key, copy) == OK && copy->known) {
        named(out, "lane",
              lane_name((enum lane)(copy->of_matter ? copy->matter.lane : copy->referral.lane)));
    }
    if (message != NULL && message_kind_from_broker(row->header.kind)) {
        json_name(out, "facts");
        message_json_write_facts(out, message);
        write_rung_name(agent, &message->notice, out);
    }
    write_text(row, out);
}

static enum err write_notice(struct agent *agent, struct store_txn *txn, const struct row *row,
                             const struct message *message, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_object_begin(&writer);
    named(&writer, "agency", agent->setup.self->id);
    if (row != NULL) {
        write_message(agent, txn, row, message, &writer);
    } else {
        named(&writer, "event", "alarm");
        named(&writer, "message", agent->alarm);
        named(&writer, "text_zh", "转介平台的记录出现异常，收发已暂停，请立即联系系统管理员。");
    }
    json_object_end(&writer);
    return json_writer_end(&writer);
}

enum err notify_add(struct agent *agent, struct store_txn *txn, const struct row *row,
                    const struct message *message)
{
    uint8_t key[8], tries = 0;
    struct buf value;
    uint64_t seq;
    enum err error;

    if (agent->setup.ops->hook == NULL) {
        return OK;
    }
    buf_init(&value, NOTICE_BYTES);
    error = number_count(txn, "notices", &seq);
    if (error == OK) {
        error = buf_append(&value, &tries, 1);
    }
    if (error == OK) {
        error = write_notice(agent, txn, row, message, &value);
    }
    if (error == OK) {
        error = store_add(txn, STORE_NOTICE, notice_key(seq, key), span_buf(&value));
    }
    buf_free(&value);
    if (error == OK && agent->hook_at_ms == UINT64_MAX) {
        agent->hook_at_ms = 0;
    }
    return error;
}

/* --- the hook --- */

/* The oldest notice; ERR_NOT_FOUND: none. The span is borrowed. */
static enum err first_notice(struct store_txn *txn, uint64_t *ret_seq, struct span *ret_value)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    uint8_t bytes[8];
    enum err error = store_cursor_open(txn, STORE_NOTICE, span_of(NULL, 0), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    if (error == OK && key.len != 8) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        *ret_seq = be64_get(key.data);
    }
    store_cursor_close(cursor);
    return error == OK ? store_get(txn, STORE_NOTICE, notice_key(*ret_seq, bytes), ret_value)
                       : error;
}

static enum err start_first(struct agent *agent)
{
    struct store_txn *read;
    struct span value;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = first_notice(read, &agent->hook_seq, &value);
    if (error == OK) {
        error = value.len > 1 ? agent->setup.ops->hook(agent->setup.ctx,
                                                       span_of(value.data + 1, value.len - 1))
                              : ERR_CORRUPT;
        agent->hook_busy = error == OK;
    }
    store_read_end(read);
    return error;
}

static void settle_last(struct agent *agent);

void notify_start(struct agent *agent)
{
    enum err error;

    if (agent->setup.ops->hook == NULL || agent->hook_busy ||
        agent->hook_at_ms > agent_machine_ms(agent)) {
        return;
    }
    if (agent->hook_unsettled) {
        settle_last(agent);
    }
    if (agent->hook_unsettled || agent->hook_at_ms > agent_machine_ms(agent)) {
        return;
    }
    error = start_first(agent);
    if (error == ERR_NOT_FOUND && !agent->hook_busy) {
        agent->hook_at_ms = UINT64_MAX;
    } else if (error != OK) {
        log_error("the notice hook cannot be started: %s", err_text(error));
        agent->hook_at_ms = agent_machine_ms(agent) + hook_backoff.base_ms;
    }
}

/* Takes the notice away, or counts the try. ret_left: tries left, 0 when it was given up. */
static enum err settle(struct agent *agent, struct store_txn *txn, bool told, unsigned *ret_tries)
{
    uint8_t key[8];
    struct span value;
    struct buf copy;
    enum err error = store_get(txn, STORE_NOTICE, notice_key(agent->hook_seq, key), &value);

    if (error != OK) {
        return error;
    }
    *ret_tries = value.data[0] + 1u;
    if (told || *ret_tries >= TRIES_MAX) {
        return store_remove(txn, STORE_NOTICE, notice_key(agent->hook_seq, key));
    }
    buf_init(&copy, NOTICE_BYTES);
    error = buf_append(&copy, value.data, value.len);
    if (error == OK) {
        copy.data[0] = (uint8_t)*ret_tries;
        error = store_put(txn, STORE_NOTICE, notice_key(agent->hook_seq, key), span_buf(&copy));
    }
    buf_free(&copy);
    return error;
}

static enum err settle_in(struct agent *agent, unsigned *ret_tries)
{
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = settle(agent, txn, agent->hook_told, ret_tries);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

/* Writes down how the hook ended. What cannot be written now is tried again before the next start:
 * an officer who was told is not told again for want of room. */
static void settle_last(struct agent *agent)
{
    unsigned tries = 0;
    enum err error = settle_in(agent, &tries);

    agent->hook_unsettled = error != OK;
    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
        agent->hook_at_ms = agent_machine_ms(agent) + hook_backoff.base_ms;
        return;
    }
    if (agent->hook_told) {
        agent->hook_ok_ms = agent_wall_ms(agent);
        agent->hook_failures = 0;
        agent->hook_at_ms = 0;
    } else {
        uint32_t random;

        agent->setup.ops->random(agent->setup.ctx, &random, sizeof(random));
        agent->hook_failures++;
        agent->hook_at_ms = agent_machine_ms(agent) + backoff_ms(&hook_backoff, tries, random);
        log_warn("the notice hook failed, try %u of %u%s", tries, TRIES_MAX,
                 tries < TRIES_MAX ? "" : ": this notice is given up");
    }
}

void agent_hook_ended(struct agent *agent, bool told)
{
    agent->hook_busy = false;
    agent->hook_told = told;
    settle_last(agent);
    agent_pump(agent);
}

enum err notify_load(struct agent *agent)
{
    if (agent->setup.ops->hook != NULL) {
        agent->hook_at_ms = 0; /* the first look finds what is left, or nothing */
    }
    return OK;
}

enum err notify_waiting(struct store_txn *txn, uint64_t *ret_count)
{
    return store_count(txn, STORE_NOTICE, ret_count);
}

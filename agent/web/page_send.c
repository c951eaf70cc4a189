/* Sending from a page: the message and the act of its officer in one transaction, and reasons that
 * people understand. */
#include <string.h>

#include "agent/web/web_parts.h"
#include "base/log.h"
#include "model/why.h"

#define ANSWER_BYTES_MAX (4u * LIMIT_LOCAL_LINE_BYTES)

/* --- asking as the socket does --- */

enum err page_ask(struct page *page, struct span line, struct json **ret_answer)
{
    struct buf answer;
    enum err error;

    buf_init(&answer, ANSWER_BYTES_MAX);
    error = agent_answer(page->agent, 0, line, &answer);
    if (error == OK) {
        error = json_open("answer", span_buf(&answer), ret_answer, NULL);
    }
    if (answer.cap > 0) {
        crypto_wipe(answer.data, answer.cap); /* bodies may be in it */
    }
    buf_free(&answer);
    return error;
}

/* --- reasons --- */

/* What the reader of a message's JSON finds, and the agent itself: no rule, but a form. */
static const struct {
    const char *code, *zh;
} form_reasons[] = {
    {"message.recipient", N_("没有这个单位，请从列表中选择。")},
    {"case.unknown", N_("本单位没有这个编号的案件；留空则新立案件。")},
    {"case.full", N_("该案件移送次数已达上限，请另立案件。")},
    {"referral.case-number", N_("这是案件编号，请填线索编号（末尾有 -01）。")},
    {"agent.unknown", N_("本单位没有这个编号。")},
    {"referral.state", N_("线索目前的状态不能办理这一步（可能已撤回、已反馈，或者尚未送达）。")},
    {"agent.store-full", N_("本单位存储空间将满，暂不能提交，请联系管理员。")},
};

static enum refusal refusal_of(const char *code)
{
    for (unsigned i = 1; i < 256; i++) {
        if (strcmp(refusal_name((enum refusal)i), code) == 0) {
            return (enum refusal)i;
        }
    }
    return REFUSAL_NONE;
}

static const char *reason_of(const struct page *page, enum message_kind kind,
                             const struct fault *fault)
{
    const struct why_refused refused = {
        .refusal = refusal_of(fault->code), .kind = kind, .detail = fault->place};

    for (size_t i = 0; i < sizeof(form_reasons) / sizeof(form_reasons[0]); i++) {
        if (strcmp(form_reasons[i].code, fault->code) == 0) {
            return tr(page, form_reasons[i].zh);
        }
    }
    if (refused.refusal != REFUSAL_NONE && refused.refusal != REFUSAL_PAYLOAD) {
        const struct why *why = why_refusal(&refused);

        return page->language == LANGUAGE_EN ? why->accepted : why->accepted_zh;
    }
    return tr(page, N_("这一项没有填好，请按提示填写。"));
}

void page_reason(const struct page *page, enum message_kind kind, struct fault *fault)
{
    text_copy(fault->message, sizeof(fault->message), reason_of(page, kind, fault));
}

/* --- acts --- */

static struct act act_of(const struct page *page, enum act_kind kind)
{
    const struct officer *officer = page_officer(page);
    struct act act = {.at_ms = page->now_ms, .kind = kind};

    text_copy(act.officer, sizeof(act.officer), officer->name);
    text_copy(act.shown, sizeof(act.shown), officer->shown);
    return act;
}

enum err page_act(struct page *page, const struct act *act)
{
    struct act whole = act_of(page, act->kind);
    struct store_txn *txn;
    enum err error = store_begin(page->agent->setup.store, &txn);

    whole.about = act->about;
    whole.message_id = act->message_id;
    text_copy(whole.reason, sizeof(whole.reason), act->reason);
    if (error != OK) {
        return error;
    }
    error = act_add(txn, &whole);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

/* --- what was shown --- */

#define NEWS_MAX 32u /* of one page; what is left stays in the list until the next look */

/* Those that wait to be looked at. */
static enum err find_news(struct page *page, const struct case_key *key, const struct uuid *only,
                          struct uuid found[NEWS_MAX], size_t *ret_count)
{
    struct store_txn *read;
    struct row row = {.seq = 0};
    enum err error = store_read_begin(page->agent->setup.store, &read);

    *ret_count = 0;
    if (error != OK) {
        return error;
    }
    while (*ret_count < NEWS_MAX &&
           (error = row_of_referral(read, &key->referral_id, row.seq, &row)) == OK) {
        bool unsettled = false;

        if (work_is_news(&row) && (only == NULL || uuid_equal(only, &row.header.message_id))) {
            error = work_is_unsettled(read, &row, &unsettled);
        }
        if (error != OK) {
            break;
        }
        if (unsettled) {
            found[(*ret_count)++] = row.header.message_id;
        }
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

void page_saw(struct page *page, const struct case_key *key, const struct uuid *only)
{
    struct act act = {.about = key->referral_id, .kind = ACT_SEEN};
    struct uuid found[NEWS_MAX];
    size_t count = 0;
    enum err error = OK;

    if ((page_officer(page)->roles & OFFICER_MEMBER) == 0) {
        return;
    }
    error = find_news(page, key, only, found, &count);
    for (size_t i = 0; error == OK && i < count; i++) {
        act.message_id = found[i];
        error = page_act(page, &act);
    }
    if (count > 0) {
        web_changed(page->web, key);
    }
    if (error != OK) {
        log_event(EVENT_PAGE_FAILED, "what an officer was shown stays in the to-do list: %s",
                  err_text(error));
    }
}

/* --- sending --- */

struct sent { /* what was made */
    struct page *page;
    struct uuid first;
    enum message_kind kind;
};

static enum err add_acts(void *ctx, struct store_txn *txn, const struct composing *composing)
{
    struct sent *sent = ctx;
    struct act act = act_of(sent->page, ACT_SENT);
    enum err error = OK;

    for (size_t i = 0; error == OK && i < composing->row_count; i++) {
        const struct message_header *header = &composing->rows[i].header;

        act.about = header->referral_id;
        act.message_id = header->message_id;
        error = act_add(txn, &act);
        if (i == 0) {
            sent->first = header->message_id;
        }
    }
    return error;
}

static enum message_kind kind_in(const struct json_value *message)
{
    struct json_value value = json_member(message, "kind");
    const char *text;

    return json_get_text(&value, 64, &text, NULL) == OK ? message_kind_parse(text) : MESSAGE_NONE;
}

enum err page_send(struct page *page, struct span message, struct uuid *ret_id, struct fault *fault)
{
    struct sent sent = {.page = page};
    struct sending sending = {.also = add_acts, .ctx = &sent};
    struct json_writer out;
    struct json *json;
    struct buf answer;
    enum err error;

    memset(fault, 0, sizeof(*fault));
    error = json_open("form", message, &json, fault);
    if (error != OK) {
        return error;
    }
    sending.message = json_root(json);
    sent.kind = kind_in(&sending.message);
    buf_init(&answer, LIMIT_LOCAL_LINE_BYTES);
    json_writer_init(&out, &answer);
    json_object_begin(&out);
    error = agent_send(page->agent, &sending, &out, fault);
    buf_free(&answer);
    json_free(json);
    if (error == OK && ret_id != NULL) {
        *ret_id = sent.first;
    }
    if (error != OK) {
        page_reason(page, sent.kind, fault);
    }
    return error;
}

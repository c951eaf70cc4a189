/* The rules of lib/model over a whole form: they stop at the first fault, so that fault is noted,
 * put right in a copy, and the copy is judged again. What "put right" means is a stand-in of the
 * field's type; where it does not help, the judgement ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/catalogue.h"
#include "agent/web/form.h"
#include "base/crypto.h"
#include "model/check.h"
#include "model/check_parts.h"
#include "model/identity.h"
#include "model/message_json.h"

#define ROUNDS_MAX   (2u * FORM_FAULTS_MAX)
#define JUDGE_REGION LIMIT_PARSE_BYTES(LIMIT_JSON_BYTES)
#define STAND_IN_ID  "019a0b7c-1d2e-7f30-8a4b-5c6d7e8f9012"
#define STAND_IN_MAN "11010519491231002X"

struct judging {
    const struct form *form; /* over `scratch` */
    const struct form_rules *rules;
    struct policy policy; /* as far as a form can know */
    struct form_values scratch;
    struct form_map map;
    struct form_faults *faults;
    struct message_draft draft;
    struct fault fault;         /* of reading */
    struct check_result result; /* of the rules */
};

/* --- who may --- */

bool form_goes_to_several(enum message_kind kind)
{
    const struct kind_rule *rule = check_matter_rule(kind);

    return kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_REFERRAL ||
           (rule != NULL && rule->several);
}

static bool may_send_to(const struct form_rules *rules, enum message_kind kind,
                        const struct agency *recipient)
{
    bool office_only = kind == MESSAGE_MEETING_NOTICE || kind == MESSAGE_ROSTER;

    return (!office_only || rules->self->joint_meeting_office) && recipient != rules->self &&
           recipient->class != CLASS_ASSOCIATE &&
           !agency_has_left(recipient, civil_start_ms(rules->today)) &&
           policy_may_send(rules->policy, kind, rules->self, recipient);
}

static const struct agency *any_recipient(const struct form_rules *rules, enum message_kind kind)
{
    for (size_t i = 0; i < registry_count(rules->registry); i++) {
        const struct agency *agency = registry_at(rules->registry, i);

        if (may_send_to(rules, kind, agency)) {
            return agency;
        }
    }
    return NULL;
}

bool form_may_send(const struct form_rules *rules, enum message_kind kind,
                   const struct agency *recipient)
{
    return recipient != NULL ? may_send_to(rules, kind, recipient)
                             : any_recipient(rules, kind) != NULL;
}

/* --- why, in plain words --- */

static const struct {
    const char *path;
    enum refusal refusal; /* REFUSAL_NONE: whichever */
    const char *text;
} reasons[] = {
    {"body.persons[].guardian", REFUSAL_MINOR,
     N_("请填写监护人；监护人与未成年人有利益冲突的，选“不得告知”（第十七条）")},
    {"body.persons[].name", REFUSAL_MINOR,
     N_("涉及未成年人的，请在相应人员一栏勾选“此人是未成年人”（第十七条）")},
    {"body.persons[].role", REFUSAL_FACT_INVALID, N_("应与上面的“职务”一致")},
    {"facts.needs", REFUSAL_MINOR, N_("第十八条的情形，至少选择一项需要（第十九条）")},
    {"facts.minor_marks", REFUSAL_MINOR, N_("请同时勾选“涉未成年人”（第十九、二十条）")},
    {"facts.materials[].missing", REFUSAL_NONE, N_("请选择缺少的原因（第七条）")},
    {"body.advance_reason", REFUSAL_NONE, N_("先行移送的，写明理由（第八条）")},
    {"facts.measures[].measure", REFUSAL_FACT_MISSING,
     N_("给予救助的，至少填写一项措施（第九条）")},
    {"facts.measures[].amount_fen", REFUSAL_FACT_INVALID, N_("资金救助请填写金额")},
    {"facts.measures[].end_date", REFUSAL_FACT_INVALID, N_("结束日期早于开始日期")},
    {"facts.documents[].kind", REFUSAL_FACT_MISSING,
     N_("至少填写一项申请人需准备的材料（第九条）")},
    {"facts.suggested_agency", REFUSAL_FACT_INVALID, N_("请选择另一个单位")},
    {"facts.register_number", REFUSAL_REGISTER_NUMBER,
     N_("应为本单位登记号，例如 MZ-DJ-2026-0007；留空则自动编号")},
    {"previous", REFUSAL_NONE, N_("线索编号和与原线索的关系，两项都填或都不填")},
    {"facts.link", REFUSAL_NONE, N_("线索编号和与原线索的关系，两项都填或都不填")},
    {"facts.dates[]", REFUSAL_DATE, N_("日期应晚于上一行")},
    {"facts.payments[].date", REFUSAL_DATE, N_("日期应晚于上一行")},
    {"facts.payments[].date", REFUSAL_FACT_INVALID, N_("各笔金额之和应等于总额")},
    {"facts.reply_by", REFUSAL_DATE, N_("回执日期不能晚于会议日期")},
    {"facts.promises[].agency", REFUSAL_FACT_INVALID, N_("请选择成员单位；同一承诺不要重复填写")},
    {"facts.agenda[].number", REFUSAL_FACT_INVALID,
     N_("请填写案件、线索或事项的编号，每个编号只填一次")},
    {"facts.document_number", REFUSAL_NONE, N_("请填写督办单编号，例如 DB-2026-0012")},
    {"facts.instalment", REFUSAL_FACT_INVALID, N_("期次应在 1 和总期数之间")},
    {"refers_to", REFUSAL_NONE, N_("请选择更正哪一份")},
    {"recipients", REFUSAL_NONE, N_("请至少选择一个接收单位")},
    {"facts.edition", REFUSAL_NONE, N_("请填写版次，从 1 起，逐版加一")},
};

static const char *identity_reason(const char *value)
{
    size_t digits = 0, others = 0;

    for (const char *at = value; *at != '\0'; at++) {
        bool last = digits == 17 && (*at == 'X' || *at == 'x');

        if ((*at >= '0' && *at <= '9') || last) {
            digits++;
        } else if (*at != ' ') {
            others++;
        }
    }
    if (others > 0) {
        return N_("只能是数字，末位可以是 X");
    }
    return digits != 18 ? N_("应为 18 位，请核对位数") : N_("校验位不符，请核对身份证号的每一位");
}

static bool is_choice(const struct form_item *item, const struct field *field)
{
    return item->widget == FORM_AGENCY || item->widget == FORM_ASSOCIATE ||
           item->widget == FORM_RECIPIENTS || item->widget == FORM_MESSAGE ||
           item->widget == FORM_DUTY || item->widget == FORM_PERSON ||
           (field != NULL &&
            (field->type == FIELD_WORD || field->type == FIELD_SET || field->type == FIELD_WORDS));
}

static const char *reason_of(const struct judging *judging, const struct form_item *item,
                             const char *name)
{
    const char *value = form_value(&judging->scratch, name);
    const struct field *field = form_field(judging->form->layout->kind, item->path);

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].path, item->path) == 0 &&
            (reasons[i].refusal == REFUSAL_NONE || reasons[i].refusal == judging->result.refusal)) {
            return reasons[i].text;
        }
    }
    if (item->widget == FORM_IDENTITY && value[0] != '\0') {
        return identity_reason(value);
    }
    if (value[0] == '\0') {
        return is_choice(item, field) ? N_("请选择") : N_("请填写");
    }
    if (item->widget == FORM_MONEY) {
        return N_("金额填写有误，单位为元，例如 1,200.50");
    }
    return field != NULL && (field->type == FIELD_TEXT || field->type == FIELD_CHARS)
               ? N_("内容过长，或有不能使用的字符")
               : N_("这一项填写有误，请核对");
}

/* --- stand-ins --- */

static const char *word_for(const struct form_item *item, const struct field *field)
{
    size_t count;
    const struct word *words = vocabulary_words(field->which, &count);

    (void)count;
    return field->which == VOCABULARY_GROUND                       ? "art-4-7"
           : field->which == VOCABULARY_TASK                       ? "tell-applicant"
           : strcmp(item->path, "body.persons[].may_be_told") == 0 ? "no"
                                                                   : words[0].id;
}

static const char *agency_for(const struct judging *judging, const struct form_item *item)
{
    enum agency_class class = item->widget == FORM_ASSOCIATE ? CLASS_ASSOCIATE : CLASS_SOCIAL;

    for (size_t i = 0; i < registry_count(judging->rules->registry); i++) {
        const struct agency *agency = registry_at(judging->rules->registry, i);

        if (agency != judging->rules->self && agency->class == class) {
            return agency->id;
        }
    }
    return "";
}

static void stand_in(const struct judging *judging, const struct form_place *place,
                     char text[FORM_NAME_BYTES])
{
    const struct form_item *item = place->item;
    const struct field *field = form_field(judging->form->layout->kind, item->path);
    const struct agency *recipient = any_recipient(judging->rules, judging->form->layout->kind);
    enum field_type type = field != NULL ? field->type : FIELD_TEXT;
    char date[CIVIL_TEXT_BYTES];

    civil_format(judging->rules->today + 1 + (int32_t)place->row, date);
    if (item->widget == FORM_IDENTITY) {
        text_copy(text, FORM_NAME_BYTES, STAND_IN_MAN);
    } else if (item->widget == FORM_RECIPIENTS) {
        text_copy(text, FORM_NAME_BYTES, recipient != NULL ? recipient->id : "");
    } else if (item->widget == FORM_AGENCY || item->widget == FORM_ASSOCIATE) {
        text_copy(text, FORM_NAME_BYTES, agency_for(judging, item));
    } else if (item->widget == FORM_MESSAGE) {
        text_copy(text, FORM_NAME_BYTES, STAND_IN_ID);
    } else if (strcmp(item->path, "facts.document_number") == 0) {
        text_copy(text, FORM_NAME_BYTES, "DB-2026-0001");
    } else if (strcmp(item->path, "facts.agenda[].number") == 0) {
        (void)snprintf(text, FORM_NAME_BYTES, "QQ-2000-%04u", place->row + 1);
    } else if (strcmp(item->path, "facts.register_number") == 0) {
        text[0] = '\0';
    } else if (type == FIELD_WORD || type == FIELD_SET || type == FIELD_WORDS) {
        text_copy(text, FORM_NAME_BYTES, word_for(item, field));
    } else if (type == FIELD_DATE || type == FIELD_DATES) {
        text_copy(text, FORM_NAME_BYTES, date);
    } else if (type == FIELD_INSTANT) {
        (void)snprintf(text, FORM_NAME_BYTES, "%sT09:00", date);
    } else {
        text_copy(text, FORM_NAME_BYTES, "1");
    }
}

/* False: a stand-in stands there already. */
static bool put_right(struct judging *judging, const char *name, enum err *ret_error)
{
    struct form_place place;
    char text[FORM_NAME_BYTES];

    *ret_error = OK;
    if (!form_find(judging->form->layout, name, &place) || place.item == NULL) {
        return false;
    }
    stand_in(judging, &place, text);
    if (strcmp(form_value(&judging->scratch, name), text) == 0) {
        return false;
    }
    *ret_error = form_values_set(&judging->scratch, name, text);
    return *ret_error == OK;
}

/* --- one round --- */

/* A header with which nothing is wrong. */
static void fill_header(struct judging *judging)
{
    struct message *message = &judging->draft.message;
    struct message_header *header = &message->header;
    struct body *body = &judging->draft.body;
    const struct form_rules *rules = judging->rules;
    const struct agency *recipient = registry_find(
        rules->registry, judging->draft.recipient_count > 0 ? judging->draft.recipients[0] : "");
    struct uuid id;

    (void)!uuid_parse(STAND_IN_ID, &id);
    recipient = recipient != NULL ? recipient : any_recipient(rules, header->kind);
    header->version = 1;
    header->message_id = id;
    header->case_id = id;
    header->referral_id = id;
    text_copy(header->sender, sizeof(header->sender), rules->self->id);
    text_copy(header->recipient, sizeof(header->recipient), recipient != NULL ? recipient->id : "");
    if (message_kind_of_matter(header->kind)) {
        text_copy(header->referral_number, sizeof(header->referral_number), "QQ-SX-2000-0001");
        header->case_number[0] = '\0';
    } else {
        text_copy(header->referral_number, sizeof(header->referral_number), "QQ-2000-0001-01");
        text_copy(header->case_number, sizeof(header->case_number), "QQ-2000-0001");
    }
    if (judging->draft.about[0] != '\0' || header->kind == MESSAGE_INFORMATION_REQUEST) {
        id.bytes[15] ^= 1;
        message_name_referral(message, &id);
    }
    if (header->kind == MESSAGE_SIGN_FOR && message->sign_for.register_number[0] == '\0') {
        (void)snprintf(message->sign_for.register_number, sizeof(message->sign_for.register_number),
                       "%s-DJ-2000-0001", rules->self->prefix);
    }
    text_copy(body->sender, sizeof(body->sender), header->sender);
    text_copy(body->recipient, sizeof(body->recipient), header->recipient);
    body->message_id = header->message_id;
    body->case_id = header->case_id;
}

static enum err judge(struct judging *judging, struct span json)
{
    const struct check_context ctx = {&judging->policy, judging->rules->registry};
    struct region region;
    struct json *document;
    struct json_value root;
    enum err error = json_open("form", json, &document, &judging->fault);

    memset(&judging->result, 0, sizeof(judging->result));
    if (error != OK) {
        return error;
    }
    region_init(&region, JUDGE_REGION);
    root = json_root(document);
    memset(&judging->draft, 0, sizeof(judging->draft));
    error = message_json_read(&root, MESSAGE_NONE, &region, &judging->draft, &judging->fault);
    if (error == OK) {
        fill_header(judging);
        message_check(&ctx, &judging->draft.message, &judging->draft.body, &judging->result);
        text_copy(judging->fault.place, sizeof(judging->fault.place), judging->result.detail);
        judging->fault.place[strcspn(judging->fault.place, ":")] = '\0'; /* what was expected */
    }
    region_wipe(&region);
    json_free(document);
    return error == OK && judging->result.refusal != REFUSAL_NONE ? ERR_REFUSED : error;
}

/* The row of the checklist that a refusal names by its word. */
static bool locate_material(const struct judging *judging, char name[FORM_NAME_BYTES])
{
    const char *detail = judging->result.detail;
    const char *word = strchr(detail, ' ');
    size_t len = word != NULL ? strcspn(word + 1, " ") : 0;

    if (judging->result.refusal != REFUSAL_MATERIAL_MISSING || len == 0) {
        return false;
    }
    for (uint32_t row = 0; row < LIMIT_MATERIALS; row++) {
        const char *kind;

        form_name("facts.materials[].kind", row, name);
        kind = form_value(&judging->scratch, name);
        if (strlen(kind) == len && strncmp(kind, word + 1, len) == 0) {
            form_name("facts.materials[].missing", row, name);
            return true;
        }
    }
    return false;
}

/* A place may name two fields: "body.told_whom, body.told_by". */
static void note_second(struct judging *judging)
{
    const char *comma = strchr(judging->fault.place, ',');
    char name[FORM_NAME_BYTES];
    enum err error;

    if (comma != NULL && form_locate(judging->form, &judging->map, comma + 2, name) &&
        form_value(&judging->scratch, name)[0] == '\0') {
        form_fault_add(judging->faults, name, N_("请填写"));
        (void)put_right(judging, name, &error);
    }
}

/* False: there is no more to find. */
static bool note(struct judging *judging, enum err *ret_error)
{
    struct form_place place;
    char name[FORM_NAME_BYTES];
    bool first_filled;

    if (!locate_material(judging, name) &&
        !form_locate(judging->form, &judging->map, judging->fault.place, name)) {
        form_fault_add(judging->faults, "", N_("这张表还有内容没有填好，请核对后再提交"));
        return false;
    }
    if (!form_find(judging->form->layout, name, &place) || place.item == NULL) {
        return false;
    }
    first_filled =
        strchr(judging->fault.place, ',') != NULL && form_value(&judging->scratch, name)[0] != '\0';
    if (!first_filled) {
        form_fault_add(judging->faults, name, reason_of(judging, place.item, name));
    }
    note_second(judging);
    if (place.item->widget == FORM_OUTCOME) {
        return false; /* what else is mandatory depends on it */
    }
    return first_filled || put_right(judging, name, ret_error);
}

/* What could not be read at all; true: something was put right. */
static enum err put_unreadable_right(struct judging *judging, const struct form_faults *found,
                                     bool *ret_any)
{
    enum err error = OK;

    *ret_any = false;
    for (size_t i = 0; error == OK && i < found->count; i++) {
        form_fault_add(judging->faults, found->list[i].name, found->list[i].text);
        *ret_any = put_right(judging, found->list[i].name, &error) || *ret_any;
    }
    return error;
}

static enum err run(struct judging *judging, struct form_faults *unread, struct buf *json)
{
    for (size_t round = 0; round < ROUNDS_MAX; round++) {
        enum err error;
        bool any;

        buf_clear(json);
        unread->count = 0;
        memset(&judging->fault, 0, sizeof(judging->fault));
        error = form_write(judging->form, json, &judging->map, unread);
        if (error == OK) {
            error = put_unreadable_right(judging, unread, &any);
        }
        if (error != OK) {
            return error;
        }
        if (any) {
            continue;
        }
        error = judge(judging, span_buf(json));
        if (error != ERR_INVALID && error != ERR_REFUSED && error != ERR_TOO_LARGE) {
            return error;
        }
        if (!note(judging, &error)) {
            return error == ERR_MEMORY ? error : OK;
        }
        if (judging->faults->count == FORM_FAULTS_MAX) {
            return OK;
        }
    }
    return OK;
}

enum err form_check(const struct form *form, const struct form_rules *rules,
                    struct form_faults *faults)
{
    struct form over = *form;
    struct judging *judging = calloc(1, sizeof(*judging));
    struct form_faults *unread = calloc(1, sizeof(*unread));
    struct buf json;
    enum err error = judging == NULL || unread == NULL ? ERR_MEMORY : OK;

    buf_init(&json, LIMIT_JSON_BYTES);
    faults->count = 0;
    if (error == OK) {
        judging->form = &over;
        judging->rules = rules;
        judging->faults = faults;
        judging->policy = *rules->policy;
        judging->policy.attachments_required = false; /* what opens them is written by the agent */
        form_values_init(&judging->scratch);
        over.values = &judging->scratch;
        error = form_values_copy(&judging->scratch, form->values);
    }
    if (error == OK) {
        error = run(judging, unread, &json);
    }
    if (error == ERR_TOO_LARGE) {
        form_fault_add(faults, "", N_("内容过长，请删减后再提交"));
        error = OK;
    }
    if (json.cap > 0) {
        crypto_wipe(json.data, json.cap);
    }
    buf_free(&json);
    if (judging != NULL) {
        form_values_free(&judging->scratch);
    }
    free(judging);
    free(unread);
    return error;
}

/* --- what nobody types --- */

static enum err fix_materials(enum message_kind kind, const struct form_rules *rules,
                              struct form_values *values)
{
    size_t count;
    const struct policy_material *list = policy_materials(rules->policy, kind, &count);
    enum err error = OK;

    for (size_t i = 0; error == OK && i < count; i++) {
        char name[FORM_NAME_BYTES];

        form_name("facts.materials[].kind", (uint32_t)i, name);
        error =
            form_values_set(values, name, vocabulary_find(VOCABULARY_MATERIAL, list[i].kind)->id);
    }
    return error;
}

static enum err fix_agency(const struct form_section *section, const struct form_rules *rules,
                           struct form_values *values)
{
    uint32_t rows = form_rows(values, MESSAGE_ROSTER_CHANGE, section);
    enum err error = OK;

    for (uint32_t row = 0; error == OK && row < (rows > 0 ? rows : 1); row++) {
        char name[FORM_NAME_BYTES];

        form_name("body.persons[].agency", row, name);
        error = form_values_set(values, name, rules->self->id);
    }
    return error;
}

enum err form_fix(const struct form_layout *layout, const struct form_rules *rules,
                  struct form_values *values)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < layout->count; i++) {
        const struct form_section *section = &layout->sections[i];

        for (size_t k = 0; error == OK && k < section->count; k++) {
            const struct form_item *item = &section->items[k];

            if (item->widget == FORM_FIXED && item->fixed != NULL) {
                error = form_values_set(values, item->path, item->fixed);
            } else if (strcmp(item->path, "facts.materials[].kind") == 0) {
                error = fix_materials(layout->kind, rules, values);
            } else if (item->widget == FORM_FIXED) {
                error = fix_agency(section, rules, values);
            }
        }
    }
    return error;
}

enum err form_mandatory(const struct form *form, const struct form_rules *rules, uint32_t outcome,
                        struct form_faults *faults)
{
    const struct word *word = vocabulary_find(VOCABULARY_OUTCOME, outcome);
    struct form_values values;
    struct form empty = *form;
    enum err error = OK;

    form_values_init(&values);
    empty.values = &values;
    if (word != NULL) {
        error = form_values_add(&values, "facts.outcome", word->id);
    }
    if (error == OK) {
        error = form_fix(form->layout, rules, &values);
    }
    if (error == OK) {
        error = form_check(&empty, rules, faults);
    }
    form_values_free(&values);
    return error;
}

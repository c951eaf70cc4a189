/* lib/model/message_json: every example of docs/messages.md is read, accepted by the rules, written
 * and read again to the same text; and wrong files are refused with path, reason and what is
 * allowed. */
#include "model/message_json.h"
#include "matter_messages.h"

struct file {
    struct json *json;
    struct region region;
    struct message_draft draft;
    struct fault fault;
};

static enum err file_open(struct file *file, const char *text, size_t len, enum message_kind kind)
{
    memset(file, 0, sizeof(*file));
    region_init(&file->region, 1024u * 1024u);
    ck_assert_int_eq(json_open("file.json", span_of(text, len), &file->json, &file->fault), OK);
    struct json_value root = json_root(file->json);
    return message_json_read(&root, kind, &file->region, &file->draft, &file->fault);
}

static void file_close(struct file *file)
{
    region_free(&file->region);
    json_free(file->json);
}

static void same_in_body(struct message_draft *draft)
{
    const struct message_header *header = &draft->message.header;
    memcpy(draft->body.sender, header->sender, sizeof(header->sender));
    memcpy(draft->body.recipient, header->recipient, sizeof(header->recipient));
    draft->body.message_id = header->message_id;
    draft->body.case_id = header->case_id;
}

/* The same beside a referral's own life: the others that are named get copies. */
static void complete_matter(struct message_draft *draft, const struct registry *registry)
{
    struct message *message = &draft->message;
    const struct matter_way *way = &matter_ways[matter_way_of(message->header.kind)];
    message->header.version = 1;
    message->header.message_id = id_of(3);
    message->header.case_id = id_of(4);
    message->header.referral_id = id_of(5);
    SET(message->header.sender, way->from);
    SET(message->header.recipient, draft->recipient_count != 0 ? draft->recipients[0] : way->to);
    for (size_t i = 1; i < draft->recipient_count; i++) {
        agency_set_add(&message->copies, registry_find(registry, draft->recipients[i])->number);
    }
    if (message_kind_of_matter(message->header.kind)) {
        SET(message->header.referral_number,
            draft->matter[0] != '\0' ? draft->matter : "JZ-SX-2026-0007");
        SET(message->header.case_number, draft->case_number);
    } else {
        SET(message->header.case_number, "JZ-2026-0031");
        SET(message->header.referral_number, draft->referral);
    }
    if (message->header.kind == MESSAGE_INFORMATION_REQUEST) {
        message->information.about = id_of(6); /* of draft->about */
    }
    same_in_body(draft);
}

/* What the agent adds before it checks. */
static void complete(struct message_draft *draft)
{
    struct message_header *header = &draft->message.header;
    enum message_kind kind = header->kind;
    const char *number = draft->referral[0] != '\0' ? draft->referral : "JZ-2026-0031-01";
    bool inbound = kind == MESSAGE_INBOUND_REFERRAL || kind == MESSAGE_INBOUND_FEEDBACK;
    bool from_p = kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_FEEDBACK ||
                  kind == MESSAGE_APPLICANT_INFORMED || kind == MESSAGE_PAPERS ||
                  kind == MESSAGE_WITHDRAWAL;
    const char *social = inbound ? "womens-federation" : "civil-affairs";
    if (kind == MESSAGE_INBOUND_REFERRAL) {
        number = "FL-2026-0003-01";
    }
    if (kind == MESSAGE_OUTBOUND_FEEDBACK &&
        strncmp(draft->message.feedback.register_number, "JY", 2) == 0) {
        social = "education";
    } else if (kind == MESSAGE_OUTBOUND_FEEDBACK &&
               strncmp(draft->message.feedback.register_number, "TW", 2) == 0) {
        social = "youth-league";
    }
    header->version = 1;
    header->message_id = id_of(3);
    header->case_id = id_of(4);
    header->referral_id = id_of(5);
    SET(header->sender, from_p ? "procuratorate" : social);
    SET(header->recipient, from_p ? social : "procuratorate");
    SET(header->referral_number, number);
    memcpy(header->case_number, number, strlen(number) - 3);
    same_in_body(draft);
}

static void write_again(const struct message_draft *draft, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_name(&writer, "kind");
    json_text(&writer, message_kind_name(draft->message.header.kind));
    if (draft->recipient_count != 0) {
        json_name(&writer, "recipients");
        json_array_begin(&writer);
        for (size_t i = 0; i < draft->recipient_count; i++) {
            json_text(&writer, draft->recipients[i]);
        }
        json_array_end(&writer);
    }
    if (draft->matter[0] != '\0') {
        json_name(&writer, "matter");
        json_text(&writer, draft->matter);
    }
    json_name(&writer, "facts");
    message_json_write_facts(&writer, &draft->message);
    json_name(&writer, "body");
    message_json_write_body(&writer, &draft->body);
    json_object_end(&writer);
    ck_assert_int_eq(json_writer_end(&writer), OK);
}

static void judge_example(const char *text, size_t len, const struct check_context *ctx,
                          uint64_t *kinds)
{
    struct file first;
    struct file second;
    struct buf once;
    struct buf twice;
    struct check_result result;
    ck_assert_msg(file_open(&first, text, len, MESSAGE_NONE) == OK, "%s: %s", first.fault.place,
                  first.fault.message);
    buf_init(&once, LIMIT_JSON_BYTES);
    buf_init(&twice, LIMIT_JSON_BYTES);
    write_again(&first.draft, &once);
    ck_assert_msg(file_open(&second, (const char *)once.data, once.len, MESSAGE_NONE) == OK,
                  "%s: %s", second.fault.place, second.fault.message);
    write_again(&second.draft, &twice);
    ck_assert(span_equal(span_buf(&once), span_buf(&twice)));
    enum message_kind kind = first.draft.message.header.kind;
    if (kind > MESSAGE_REJECTION) {
        complete_matter(&first.draft, ctx->registry);
    } else {
        complete(&first.draft);
    }
    message_check(ctx, &first.draft.message, &first.draft.body, &result);
    ck_assert_msg(result.refusal == REFUSAL_NONE, "%.*s\n%s: %s", (int)len, text,
                  refusal_name(result.refusal), result.detail);
    *kinds |= UINT64_C(1) << kind;
    if (kind == MESSAGE_OUTBOUND_FEEDBACK || kind == MESSAGE_INBOUND_FEEDBACK) {
        *kinds |= UINT64_C(1) << (40 + (unsigned)first.draft.message.feedback.outcome);
    }
    buf_free(&once);
    buf_free(&twice);
    file_close(&first);
    file_close(&second);
}

START_TEST(every_example_of_the_page)
{
    struct buf page;
    struct registry *registry = registry_with_associate();
    struct policy *policy = shipped_policy(registry);
    policy->attachments_required = false; /* the agent writes what opens them */
    struct check_context ctx = {.policy = policy, .registry = registry};
    uint64_t kinds = 0;
    shipped_text("docs/messages.md", &page);
    ck_assert_int_eq(buf_append(&page, "", 1), OK);
    const char *at = (const char *)page.data;
    while ((at = strstr(at, "```json\n")) != NULL) {
        const char *text = at + strlen("```json\n");
        const char *end = strstr(text, "\n```");
        ck_assert_ptr_nonnull(end);
        judge_example(text, (size_t)(end - text), &ctx, &kinds);
        at = end;
    }
    for (int kind = 1; kind < MESSAGE_AGENCY_KIND_COUNT; kind++) {
        bool of_people = kind != MESSAGE_DELIVERY && kind != MESSAGE_REJECTION;
        ck_assert_msg((kinds >> kind & 1) == of_people, "%s has no example",
                      message_kind_name((enum message_kind)kind));
    }
    ck_assert_uint_eq(kinds >> 40, 0x7eu); /* every outcome */
    buf_free(&page);
    policy_free(policy);
    registry_free(registry);
}
END_TEST

static const struct {
    const char *text;
    const char *place;
    const char *words; /* in the message */
} wrong_rows[] = {
    {"[]", "the document", "object"},
    {"{}", "kind", "one of"},
    {"{\"kind\":\"parcel\"}", "kind", "outbound-referral"},
    {"{\"kind\":\"delivery\"}", "kind", "outbound-referral"},
    {"{\"kind\":\"withdrawal\",\"recipients\":[\"a\"]}", "recipients", NULL},
    {"{\"kind\":\"withdrawal\",\"facts\":{},\"body\":{}}", "facts.reason", "wrong-agency"},
    {"{\"kind\":\"withdrawal\",\"facts\":{\"reason\":\"tired\"},\"body\":{}}", "facts.reason",
     "wrong-agency"},
    {"{\"kind\":\"withdrawal\",\"facts\":{\"reason\":\"other\"}}", "body", "object"},
    {"{\"kind\":\"withdrawal\",\"facts\":{\"reason\":\"other\",\"name\":\"x\"},\"body\":{}}",
     "facts.name", NULL},
    {"{\"kind\":\"withdrawal\",\"facts\":{\"reason\":\"other\"},\"body\":{\"officer\":7}}",
     "body.officer", "text"},
    {"{\"kind\":\"outbound-referral\",\"facts\":{},\"body\":{}}", "recipients", "list"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[],\"facts\":{},\"body\":{}}", "recipients",
     "1 to 128"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[\"a\",\"a\"],\"facts\":{},\"body\":{}}",
     "recipients[1]", "already"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[\"a\"],\"facts\":{},\"body\":{}}",
     "facts.ground", "art-4-1"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[\"a\"],\"facts\":{\"ground\":\"art-4-1\","
     "\"needs\":[\"legal-aid\",\"legal-aid\"]},\"body\":{}}",
     "facts.needs[1]", "already"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[\"a\"],\"facts\":{\"ground\":\"art-4-1\","
     "\"materials\":[{\"kind\":\"other\"},{\"kind\":\"letter\"}]},\"body\":{}}",
     "facts.materials[1].kind", "transfer-letter"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[\"a\"],\"facts\":{\"ground\":\"art-4-1\","
     "\"materials\":[{\"kind\":\"other\",\"digest\":\"12\"}]},\"body\":{}}",
     "facts.materials[0].digest", "64 hexadecimal"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[\"a\"],\"facts\":{\"ground\":\"art-4-1\","
     "\"person_count\":2},\"body\":{\"persons\":[{\"name\":\"x\"}]}}",
     "facts.person_count", "left out"},
    {"{\"kind\":\"outbound-referral\",\"recipients\":[\"a\"],\"facts\":{\"ground\":\"art-4-1\"},"
     "\"body\":{\"persons\":[{}]}}",
     "body.persons[0].name", "mandatory"},
    {"{\"kind\":\"papers\",\"facts\":{\"documents\":[\"other\"],\"received\":\"today\"},"
     "\"body\":{}}",
     "facts.received", "2026-03-02T09:30:00+08:00"},
    {"{\"kind\":\"papers\",\"facts\":{\"documents\":[\"letter\"],\"received\":\"x\"},"
     "\"body\":{}}",
     "facts.documents[0]", "identity"},
    {"{\"kind\":\"outbound-feedback\",\"facts\":{\"outcome\":\"granted\",\"measures\":[{"
     "\"measure\":\"other\",\"shape\":\"money\",\"unit\":\"once\",\"start_date\":\"2026-02-30\"}]},"
     "\"body\":{}}",
     "facts.measures[0].start_date", "date"},
    {"{\"kind\":\"outbound-feedback\",\"facts\":{\"outcome\":\"granted\",\"measures\":[{"
     "\"measure\":\"other\",\"shape\":\"money\",\"unit\":\"once\",\"amount_fen\":-1}]},"
     "\"body\":{}}",
     "facts.measures[0].amount_fen", NULL},
    {"{\"kind\":\"outbound-feedback\",\"referral\":\"JZ-2026-0031-01-and-much-more-than-fits\"}",
     "referral", NULL},
    {"{\"kind\":\"archive\",\"referral\":\"JZ-2026-0031-01\"}", "referral", NULL},
    {"{\"kind\":\"re-open\",\"case_number\":\"JZ-2026-0031\"}", "case_number", NULL},
    {"{\"kind\":\"papers\",\"matter\":\"JZ-SX-2026-0007\"}", "matter", NULL},
    {"{\"kind\":\"consultation\",\"matter\":\"JZ-SX-2026-0007\",\"about\":\"JZ-2026-0031-01\"}",
     "matter", "beside a matter"},
    {"{\"kind\":\"escalation-reply\",\"matter\":\"JZ-SX-2026-0007\",\"referral\":\"x\"}", "matter",
     "beside a matter"},
    {"{\"kind\":\"correction\",\"refers_to\":\"7\"}", "refers_to", "36 characters"},
    {"{\"kind\":\"archive\",\"recipients\":[\"a\",\"a\"]}", "recipients[1]", "already"},
    {"{\"kind\":\"archive\",\"facts\":{},\"body\":{}}", "facts.why", "assisted"},
    {"{\"kind\":\"follow-up-plan\",\"facts\":{\"dates\":[\"2027-02-29\"]},\"body\":{}}",
     "facts.dates[0]", "date"},
    {"{\"kind\":\"follow-up-plan\",\"facts\":{\"dates\":\"2027-02-28\"},\"body\":{}}",
     "facts.dates", "list"},
    {"{\"kind\":\"case-conference\",\"facts\":{\"topic\":\"plan\",\"held\":\"2026-11-02T09:30:00+"
     "08:00\","
     "\"promises\":[{\"agency\":\"education\",\"code\":\"hope\"}]},\"body\":{}}",
     "facts.promises[0].code", "provide"},
    {"{\"kind\":\"case-conference\",\"facts\":{\"topic\":\"plan\",\"held\":\"yesterday\"},\"body\":"
     "{}}",
     "facts.held", "2026-03-02T09:30:00+08:00"},
    {"{\"kind\":\"meeting-notice\",\"facts\":{\"at\":\"2026-11-02T09:30:00+08:00\",\"agenda\":[{"
     "\"number\":\"JZ-2026-0031-01-and-much-more-than-fits\"}]},\"body\":{}}",
     "facts.agenda[0].number", NULL},
    {"{\"kind\":\"fund-plan\",\"facts\":{\"custodian\":\"school\",\"amount_fen\":1.5},\"body\":{}}",
     "facts.amount_fen", NULL},
    {"{\"kind\":\"fund-plan\",\"facts\":{\"custodian\":\"school\",\"amount_fen\":1},\"body\":{}}",
     "facts.payments", "mandatory"},
    {"{\"kind\":\"roster\",\"facts\":{\"edition\":1,\"persons\":1},\"body\":{\"persons\":[{"
     "\"name\":\"x\",\"role\":\"chief\"}]}}",
     "body.persons[0].role", "leader"},
};

START_TEST(wrong_files_are_refused_with_path_and_reason)
{
    struct file file;
    const char *text = wrong_rows[_i].text;
    ck_assert_int_ne(file_open(&file, text, strlen(text), MESSAGE_NONE), OK);
    ck_assert_msg(strcmp(file.fault.place, wrong_rows[_i].place) == 0, "%s: %s", file.fault.place,
                  file.fault.message);
    ck_assert_msg(wrong_rows[_i].words == NULL ||
                      strstr(file.fault.message, wrong_rows[_i].words) != NULL,
                  "%s", file.fault.message);
    file_close(&file);
}
END_TEST

START_TEST(the_command_may_say_the_kind)
{
    static const char without[] =
        "{\"facts\":{\"reason\":\"other\"},\"body\":{\"officer\":\"甲\"}}";
    static const char other[] = "{\"kind\":\"papers\"}";
    static const char bare[] = "{\"body\":{\"officer\":\"甲\"}}";
    struct file file;
    ck_assert_int_eq(file_open(&file, without, strlen(without), MESSAGE_WITHDRAWAL), OK);
    ck_assert_int_eq(file.draft.message.header.kind, MESSAGE_WITHDRAWAL);
    ck_assert_uint_eq(file.draft.message.body_fields, BODY_OFFICER);
    file_close(&file);
    ck_assert_int_eq(file_open(&file, other, strlen(other), MESSAGE_WITHDRAWAL), ERR_INVALID);
    ck_assert_str_eq(file.fault.place, "kind");
    file_close(&file);
    ck_assert_int_eq(file_open(&file, bare, strlen(bare), MESSAGE_SIGN_FOR), OK);
    ck_assert_str_eq(file.draft.message.sign_for.register_number, "");
    file_close(&file);
}
END_TEST

START_TEST(a_notice_is_written_with_its_trace)
{
    struct message message;
    struct buf out;
    struct json_writer writer;
    const struct trace_day trace[] = {{20260930, TRACE_DAY_0, ""},
                                      {20261001, TRACE_HOLIDAY, "国庆节"}};
    memset(&message, 0, sizeof(message));
    message.header.kind = MESSAGE_ESCALATION;
    SET(message.notice.rung, "due-1");
    SET(message.notice.document_number, "DB-2026-0001");
    message.notice.roles = ROLE_LIAISON | ROLE_LEADER;
    message.notice.due_date = 20261103;
    message.notice.trace = trace;
    message.notice.trace_count = 2;
    buf_init(&out, LIMIT_JSON_BYTES);
    json_writer_init(&writer, &out);
    message_json_write_facts(&writer, &message);
    ck_assert_int_eq(json_writer_end(&writer), OK);
    ck_assert_int_eq(buf_append(&out, "", 1), OK);
    ck_assert_str_eq((const char *)out.data,
                     "{\"rung\":\"due-1\",\"task\":\"feedback\",\"roles\":[\"liaison\",\"leader\"],"
                     "\"due\":\"2026-11-03\",\"document_number\":\"DB-2026-0001\",\"trace\":[{"
                     "\"date\":\"2026-09-30\",\"kind\":\"day-0\"},{\"date\":\"2026-10-01\","
                     "\"kind\":\"holiday\",\"name\":\"国庆节\"}]}");
    buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("message_json");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, every_example_of_the_page);
    tcase_add_loop_test(cases, wrong_files_are_refused_with_path_and_reason, 0,
                        (int)COUNT_OF(wrong_rows));
    tcase_add_test(cases, the_command_may_say_the_kind);
    tcase_add_test(cases, a_notice_is_written_with_its_trace);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

/* lib/model/attachment and check_attachments: types, names, sizes, and what a body must say. */
#include "model/attachment.h"
#include "model/message_form.h"
#include "model_support.h"

static const struct {
    uint32_t type;
    const char *bytes;
    size_t len;
    bool fits;
} contents[] = {
    {ATTACHMENT_PDF, "%PDF-1.7\n...", 12, true},
    {ATTACHMENT_PDF, "MZ\x90\x00 %PDF-", 10, false},
    {ATTACHMENT_PDF, "%PDF", 4, false},
    {ATTACHMENT_JPEG, "\xff\xd8\xff\xe0 JFIF", 9, true},
    {ATTACHMENT_JPEG, "\x89PNG\r\n\x1a\n", 8, false},
    {ATTACHMENT_PNG, "\x89PNG\r\n\x1a\n....", 12, true},
    {ATTACHMENT_OFD, "PK\x03\x04 ... OFD.xml <>", 18, true},
    {ATTACHMENT_OFD, "PK\x03\x04 ... word/document.xml", 26, false},
    {ATTACHMENT_DOCX, "PK\x03\x04 ... word/document.xml", 26, true},
    {ATTACHMENT_DOCX, "PK\x03\x04 word/document.xml word/vbaProject.bin", 42, false},
    {ATTACHMENT_DOCX, "PK\x03\x04 xl/workbook.xml", 20, false},
    {ATTACHMENT_XLSX, "PK\x03\x04 xl/workbook.xml", 20, true},
    {ATTACHMENT_ZIP, "PK\x03\x04 anything", 13, true},
    {ATTACHMENT_ZIP, "Rar!\x1a\x07", 6, false},
    {ATTACHMENT_TEXT, "\xe7\xbb\x8f\xe8\xbf\x87\r\n\tabc", 12, true},
    {ATTACHMENT_TEXT, "\xbe\xad\xb9\xfd", 4, true}, /* GB 18030 */
    {ATTACHMENT_TEXT, "MZ\0\1", 4, false},
    {ATTACHMENT_TEXT, "\x1b[2J", 4, false},
    {99, "%PDF-", 5, false},
};

/* In pieces of every size: a mark may lie across any two. */
START_TEST(test_contents)
{
    for (size_t piece = 1; piece <= 20; piece++) {
        struct attachment_scan scan;
        attachment_scan_begin(&scan, contents[_i].type);
        for (size_t at = 0; at < contents[_i].len; at += piece) {
            size_t left = contents[_i].len - at;
            attachment_scan_add(&scan,
                                span_of(contents[_i].bytes + at, left < piece ? left : piece));
        }
        ck_assert_msg(attachment_scan_fits(&scan) == contents[_i].fits, "pieces of %zu", piece);
    }
}
END_TEST

/* U+202E: shown as "aexe.pdf", or so. */
static const char turned[] = {'a', '\xe2', '\x80', '\xae', '.', 't', 'x', 't', '\0'};

static const struct {
    const char *name;
    bool valid;
    uint32_t type;
} names[] = {
    {"\xe5\x8f\xb8\xe6\xb3\x95.PDF", true, ATTACHMENT_PDF},
    {"a.jpeg", true, ATTACHMENT_JPEG},
    {"a.jpg", true, ATTACHMENT_JPEG},
    {"b.tar.gz", true, 0},
    {"pdf", true, 0},
    {".pdf", false, 0},
    {"", false, 0},
    {"../a.pdf", false, ATTACHMENT_PDF},
    {"a\\b.pdf", false, ATTACHMENT_PDF},
    {"a\nb.pdf", false, ATTACHMENT_PDF},
    {turned, false, ATTACHMENT_TEXT},
    {"\xff.pdf", false, ATTACHMENT_PDF},
};

START_TEST(test_names)
{
    ck_assert_int_eq(attachment_name_valid(names[_i].name), names[_i].valid);
    ck_assert_uint_eq(attachment_type_of_name(names[_i].name), names[_i].type);
}
END_TEST

/* --- a body and its facts --- */

static struct registry *registry;
static struct policy *policy;

static void setup(void)
{
    registry = shipped_registry();
    policy = shipped_policy(registry);
    ck_assert(policy->attachments_required);
}

static void teardown(void)
{
    policy_free(policy);
    registry_free(registry);
}

static const struct material two[] = {
    {.kind = 1, .digest = {{1}}, .sealed_bytes = 32 + 4096 + 16},
    {.kind = 2, .missing_reason = 7}, /* on paper */
    {.kind = 3, .digest = {{3}}, .sealed_bytes = 32 + 8192 + 16},
    {.kind = 4, .missing_reason = 7},
    {.kind = 5, .missing_reason = 7},
};

static struct body_attachment right[] = {
    {.material = 0, .name = "a.pdf", .type = ATTACHMENT_PDF, .plain_bytes = 100},
    {.material = 2, .name = "b.jpg", .type = ATTACHMENT_JPEG, .plain_bytes = 5000},
};

static struct check_result check_with(const struct body_attachment *attachments, size_t count)
{
    const struct check_context ctx = {.policy = policy, .registry = registry};
    const struct body_person person = {.name = "x"};
    struct message message = outbound_referral();
    struct body body = {.officer = "x",
                        .circumstances = "x",
                        .reasons = "x",
                        .persons = &person,
                        .person_count = 1,
                        .attachments = attachments,
                        .attachment_count = count};
    struct check_result result;
    message.referral.materials = two;
    message.referral.material_count = COUNT_OF(two);
    SET(body.sender, message.header.sender);
    SET(body.recipient, message.header.recipient);
    body.message_id = message.header.message_id;
    body.case_id = message.header.case_id;
    message.body_fields = body_fields_of(&body);
    message_check(&ctx, &message, &body, &result);
    return result;
}

START_TEST(test_bodies)
{
    struct check_result result = check_with(right, 2);
    ck_assert_msg(result.refusal == REFUSAL_NONE, "%s", result.detail);
    ck_assert_uint_eq(check_with(right, 1).rejection, REJECTION_MISSING);
    ck_assert_uint_eq(check_with(right + 1, 1).rejection, REJECTION_MISSING);
    ck_assert_uint_eq(check_with(right, 0).rejection, REJECTION_MISSING);
    policy->attachments_required = false;
    ck_assert_uint_eq(check_with(right + 1, 1).rejection, 0);
    ck_assert_uint_eq(check_with(right, 0).rejection, 0);
    policy->attachments_required = true;
    struct body_attachment wrong[3];
    for (unsigned i = 0; i < 6; i++) {
        memcpy(wrong, right, sizeof(right));
        wrong[2] = right[1];
        wrong[1].material = i == 0 ? 1 : i == 1 ? 0 : 2;
        wrong[1].plain_bytes = i == 2 ? 4000 : 5000;
        wrong[1].type = i == 3 ? ATTACHMENT_PDF : ATTACHMENT_JPEG;
        wrong[1].name = i == 4 ? "x/y.jpg" : "b.jpg";
        result = check_with(wrong, i == 5 ? 3 : 2);
        ck_assert_msg(result.rejection == REJECTION_CONTRADICTS, "%u: %s", i, result.detail);
    }
}
END_TEST

/* --- files of the other kinds --- */

/* The table of a kind's fields has the list where the rule says that files may go with it. */
START_TEST(test_which_kinds_attach)
{
    size_t count = 0;
    for (int i = 0; i <= MESSAGE_RETURNED; i++) {
        enum message_kind kind = (enum message_kind)i;
        const struct field *field = message_form_of(kind);
        while (field != NULL && field->name != NULL && strcmp(field->name, "attachments") != 0) {
            field++;
        }
        bool listed = field != NULL && field->name != NULL;
        ck_assert_msg(listed == message_kind_attaches(kind), "%s", message_kind_name(kind));
        count += listed;
    }
    ck_assert_uint_eq(count, MESSAGE_AGENCY_KIND_COUNT - 5); /* none, referrals, receipts */
    ck_assert(message_kind_attaches(MESSAGE_PAPERS));
    ck_assert(!message_kind_attaches(MESSAGE_OUTBOUND_REFERRAL));
    ck_assert(!message_kind_attaches(MESSAGE_DELIVERY));
    ck_assert(!message_kind_attaches(MESSAGE_ESCALATION));
}
END_TEST

static const struct attached files[] = {
    {.digest = {{1}}, .sealed_bytes = 32 + 4096 + 16},
    {.digest = {{2}}, .sealed_bytes = 32 + 8192 + 16},
};

static struct check_result check_papers(const struct attached *attached, size_t count,
                                        const struct body_attachment *opens, size_t opened)
{
    const struct check_context ctx = {.policy = policy, .registry = registry};
    struct message message = papers("procuratorate", "education");
    struct body body = {.officer = "x", .attachments = opens, .attachment_count = opened};
    struct check_result result;
    message.attachments = attached;
    message.attachment_count = count;
    SET(body.sender, message.header.sender);
    SET(body.recipient, message.header.recipient);
    body.message_id = message.header.message_id;
    body.case_id = message.header.case_id;
    message.body_fields = body_fields_of(&body);
    message_check(&ctx, &message, &body, &result);
    return result;
}

START_TEST(test_files_beside_the_facts)
{
    struct body_attachment opens[] = {
        {.material = 0, .name = "a.pdf", .type = ATTACHMENT_PDF, .plain_bytes = 100},
        {.material = 1, .name = "b.jpg", .type = ATTACHMENT_JPEG, .plain_bytes = 5000},
    };
    struct check_result result = check_papers(files, 2, opens, 2);
    ck_assert_msg(result.refusal == REFUSAL_NONE, "%s", result.detail);
    ck_assert_int_eq(check_papers(NULL, 0, NULL, 0).refusal, REFUSAL_NONE);
    result = check_papers(files, 2, opens, 1);
    ck_assert_uint_eq(result.rejection, REJECTION_MISSING);
    ck_assert_str_eq(result.detail, "body.attachments: nothing opens facts.attachments[1]");
    ck_assert_uint_eq(check_papers(files, 1, opens, 2).rejection, REJECTION_CONTRADICTS);
    opens[1].plain_bytes = 100;
    ck_assert_uint_eq(check_papers(files, 2, opens, 2).rejection, REJECTION_CONTRADICTS);
}
END_TEST

START_TEST(test_files_that_are_none)
{
    const struct check_context ctx = {.policy = policy, .registry = registry};
    struct attached wrong[2] = {files[0], files[1]};
    struct message referral = outbound_referral();
    struct check_result result;
    wrong[1].sealed_bytes = 0;
    result = check_papers(wrong, 2, NULL, 0);
    ck_assert_int_eq(result.refusal, REFUSAL_FACT_INVALID);
    ck_assert_ptr_nonnull(strstr(result.detail, "facts.attachments[1].sealed_bytes"));
    wrong[1].sealed_bytes = (uint64_t)ATTACHMENT_SEALED_MAX + 1;
    ck_assert_int_eq(check_papers(wrong, 2, NULL, 0).refusal, REFUSAL_FACT_INVALID);
    wrong[1] = files[1];
    memset(&wrong[0].digest, 0, sizeof(wrong[0].digest));
    result = check_papers(wrong, 2, NULL, 0);
    ck_assert_ptr_nonnull(strstr(result.detail, "facts.attachments[0].digest"));
    ck_assert_int_eq(check_papers(files, LIMIT_MATERIALS + 1, NULL, 0).refusal,
                     REFUSAL_FACT_INVALID);
    referral.attachments = files; /* its files are its materials */
    referral.attachment_count = 1;
    message_check(&ctx, &referral, NULL, &result);
    ck_assert_int_eq(result.refusal, REFUSAL_FACT_INVALID);
    ck_assert_ptr_nonnull(strstr(result.detail, "facts.attachments"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attachment");
    TCase *tests = tcase_create("attachment");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_contents, 0, COUNT_OF(contents));
    tcase_add_loop_test(tests, test_names, 0, COUNT_OF(names));
    tcase_add_test(tests, test_bodies);
    tcase_add_test(tests, test_which_kinds_attach);
    tcase_add_test(tests, test_files_beside_the_facts);
    tcase_add_test(tests, test_files_that_are_none);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

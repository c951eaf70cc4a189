/* agent/web/page_attach, form_attachments: files as an officer gives and takes them, without a
 * browser between: by pieces with a break, with the form itself, refused, sent, listed, downloaded,
 * and by whom not. */
#include <stdio.h>

#include "agent/attachments.h"
#include "page_support.h"

static uint8_t pdf[1300000];

static void setup(void)
{
    visit_open("procuratorate");
    realm.policy->attachments_required = true;
    for (size_t i = 0; i < sizeof(pdf); i++) {
        pdf[i] = i < 5 ? (uint8_t) "%PDF-"[i] : (uint8_t)(i / 13);
    }
}

static void teardown(void)
{
    visit_close();
}

/* --- one request --- */

static struct http_upload uploads[4];
static size_t upload_count;

static void choose(const char *field, const char *file, struct span bytes)
{
    ck_assert_uint_lt(upload_count, COUNT_OF(uploads));
    uploads[upload_count++] = (struct http_upload){field, file, "", bytes};
}

static const char *form_path = "/refer";

static void post(void)
{
    const struct http_request asked = {.method = HTTP_POST,
                                       .path = form_path,
                                       .form = posted,
                                       .form_count = posted_count,
                                       .uploads = uploads,
                                       .upload_count = upload_count};

    visit(&asked, "", page_form);
    posted_count = 0;
    upload_count = 0;
}

static void get(const char *path, const char *tail, void (*show)(struct page *page))
{
    const struct http_request asked = {.method = HTTP_GET, .path = path};

    visit(&asked, tail, show);
}

static void attach(const struct http_field *query, size_t count, struct span bytes)
{
    const struct http_request asked = {.method = HTTP_POST,
                                       .path = "/attach",
                                       .query = query,
                                       .query_count = count,
                                       .body = bytes};

    visit(&asked, "", page_attach);
}

/* The text behind `before`, up to a quote. */
static void cut(const char *before, char *out, size_t size)
{
    const char *at = strstr((const char *)got.body.data, before);

    ck_assert_msg(at != NULL, "%s: %.300s", before, (const char *)got.body.data);
    at += strlen(before);
    size_t len = strcspn(at, "\"");
    ck_assert_uint_lt(len, size);
    memcpy(out, at, len);
    out[len] = '\0';
}

static void begin(const char *name, const char *bytes)
{
    const struct http_field form[] = {{"name", name}, {"bytes", bytes}};
    const struct http_request asked = {
        .method = HTTP_POST, .path = "/attach", .form = form, .form_count = 2};

    visit(&asked, "", page_attach);
}

static void piece(const char *upload, size_t from, size_t len)
{
    char offset[24];
    const struct http_field query[] = {{"upload", upload}, {"offset", offset}};

    (void)snprintf(offset, sizeof(offset), "%zu", from);
    attach(query, 2, span_of(pdf + from, len));
}

/* --- by pieces --- */

static void attach_whole(char digest[DIGEST_TEXT_BYTES])
{
    char upload[UUID_TEXT_BYTES];

    begin("诊断证明.pdf", "1300000");
    ck_assert_msg(got.status == 200, "%s", (char *)got.body.data);
    cut("\"upload\":\"", upload, sizeof(upload));
    for (size_t at = 0; at < sizeof(pdf); at += ATTACH_PIECE_BYTES) {
        size_t left = sizeof(pdf) - at;

        piece(upload, at, left < ATTACH_PIECE_BYTES ? left : ATTACH_PIECE_BYTES);
        ck_assert_uint_eq(got.status, 200);
    }
    ck_assert(says("\"complete\":true"));
    ck_assert(says("诊断证明.pdf"));
    ck_assert(says("1.2 MB"));
    cut("\"digest\":\"", digest, DIGEST_TEXT_BYTES);
}

START_TEST(the_name_of_a_file_stood_in_an_address)
{
    const struct http_field query[] = {{"name", "某某的诊断证明.pdf"}, {"bytes", "1300000"}};

    attach(query, COUNT_OF(query), span_of(NULL, 0));
    ck_assert_uint_eq(got.status, 400);
    ck_assert(!says("\"upload\""));
}
END_TEST

/* Those that are open keep what they have in memory; one that gave its place is read anew from the
 * disk for each piece. */
START_TEST(nine_uploads_at_once_took_each_other_s_place)
{
    enum { UPLOADS = 40 };
    static char ids[UPLOADS][UUID_TEXT_BYTES];
    const struct adding *kept[AGENT_ADDINGS];

    for (size_t i = 0; i < UPLOADS; i++) {
        begin("a.pdf", "1300000");
        cut("\"upload\":\"", ids[i], sizeof(ids[i]));
        piece(ids[i], 0, 1000);
        ck_assert_uint_eq(got.status, 200);
    }
    memcpy(kept, desk.agent->addings, sizeof(kept));
    for (size_t i = 0; i < UPLOADS; i++) {
        piece(ids[i], 1000, 1000);
        ck_assert(says("\"have\":2000"));
    }
    ck_assert_int_eq(memcmp(kept, desk.agent->addings, sizeof(kept)), 0);
}
END_TEST

START_TEST(an_upload_goes_on_after_a_break)
{
    char upload[UUID_TEXT_BYTES], digest[DIGEST_TEXT_BYTES];

    begin("a.pdf", "1300000");
    cut("\"upload\":\"", upload, sizeof(upload));
    const struct http_field query[] = {{"upload", upload}};
    piece(upload, 0, ATTACH_PIECE_BYTES);
    piece(upload, 0, ATTACH_PIECE_BYTES); /* its answer was lost */
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("\"attachment.offset\""));
    desk_restart(&desk);
    web.setup.agent = desk.agent;
    attach(query, 1, span_of(NULL, 0));
    ck_assert(says("\"have\":524288"));
    piece(upload, 524288, ATTACH_PIECE_BYTES);
    ck_assert(says("\"complete\":false"));
    piece(upload, 1048576, sizeof(pdf) - 1048576);
    ck_assert(says("\"complete\":true"));
    cut("\"digest\":\"", digest, sizeof(digest));
    attach(query, 1, span_of(NULL, 0)); /* the answer to the last piece was lost */
    ck_assert(says("\"complete\":true"));
    ck_assert(says(digest));
    piece(upload, 1048576, sizeof(pdf) - 1048576); /* and it is sent once more */
    ck_assert(says("\"complete\":true"));
    ck_assert(says(digest));
}
END_TEST

START_TEST(an_upload_is_cancelled)
{
    char upload[UUID_TEXT_BYTES];

    begin("a.pdf", "1300000");
    cut("\"upload\":\"", upload, sizeof(upload));
    const struct http_field query[] = {{"upload", upload}, {"cancel", "1"}};
    piece(upload, 0, ATTACH_PIECE_BYTES);
    attach(query, 2, span_of(NULL, 0));
    ck_assert_uint_eq(got.status, 200);
    attach(query, 1, span_of(NULL, 0));
    ck_assert_uint_eq(got.status, 422); /* nothing is left of it */
    attach(query, 2, span_of(NULL, 0)); /* pressed twice */
    ck_assert_uint_eq(got.status, 200);
}
END_TEST

START_TEST(what_is_no_attachment_is_refused)
{
    static const struct {
        const char *name, *bytes, *why;
    } refused[] = {{"a.exe", "100", "不能附这种文件"},
                   {"a.pdf", "0", "文件是空的"},
                   {"a.pdf", "", "文件是空的"},
                   {"a.pdf", "20971521", "文件超过 20 MB"},
                   {".pdf", "100", "请改名后再附"}};
    char upload[UUID_TEXT_BYTES];

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        begin(refused[i].name, refused[i].bytes);
        ck_assert_uint_ge(got.status, 413);
        ck_assert_msg(says(refused[i].why), "%zu: %s", i, (char *)got.body.data);
        ck_assert(says("\"ok\":false"));
    }
    begin("a.png", "1000"); /* a PDF that is called so */
    cut("\"upload\":\"", upload, sizeof(upload));
    piece(upload, 0, 1000);
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("不能附这种文件"));
    attach(NULL, 0, span_of(NULL, 0));
    ck_assert_uint_eq(got.status, 400);
}
END_TEST

START_TEST(only_members_attach)
{
    session->officer.roles = OFFICER_LEADER | OFFICER_MANAGER;
    begin("a.pdf", "100");
    ck_assert_uint_eq(got.status, 403);
}
END_TEST

/* --- in a form --- */

static void type_with_materials(size_t attached)
{
    static const char *const missing[] = {
        "facts.materials[0].missing", "facts.materials[1].missing", "facts.materials[2].missing",
        "facts.materials[3].missing", "facts.materials[4].missing"};

    type("recipients", "education");
    type("facts.ground", "art-4-2");
    type("facts.needs", "student-aid");
    type("body.persons[0].name", "巴图");
    type("body.persons[0].identity_number", "11010519491231002x");
    type("body.circumstances", "困难");
    type("body.reasons", "理由");
    for (size_t i = attached; i < COUNT_OF(missing); i++) {
        type(missing[i], "not-issued-yet");
    }
}

START_TEST(a_file_comes_with_the_form_and_is_not_lost)
{
    char digest[DIGEST_TEXT_BYTES];

    choose("facts.materials[0].digest", "判决书.pdf", span_of(pdf, 5000));
    choose("facts.materials[1].digest", "", span_of(NULL, 0)); /* nothing chosen */
    choose("facts.ground", "a.pdf", span_of(pdf, 5000));       /* no place for it */
    type("body.circumstances", "困难");
    post(); /* much is missing */
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("判决书.pdf"));
    ck_assert(says("4.9 KB"));
    cut("name=\"facts.materials[0].digest\" value=\"", digest, sizeof(digest));
    ck_assert_uint_eq(strlen(digest), DIGEST_TEXT_BYTES - 1);
    type("facts.materials[0].digest", digest);
    type("do", "draft");
    post();
    ck_assert_uint_eq(got.status, 303);
    get("/refer", "", page_form);
    ck_assert(says(digest));
    type("facts.materials[0].digest", digest);
    type("do", "detach:facts.materials[0].digest");
    post();
    ck_assert_uint_eq(got.status, 200);
    ck_assert(!says(digest));
    ck_assert(!says("判决书.pdf"));
}
END_TEST

/* As long as the draft that names it, though it was attached long before. */
START_TEST(a_file_is_kept_with_its_draft)
{
    char digest[DIGEST_TEXT_BYTES];

    agent_wake(desk.agent); /* as at a start */
    attach_whole(digest);
    desk_pass(&desk, 20 * UINT64_C(86400000));
    type("facts.materials[0].digest", digest);
    type("do", "draft");
    post();
    ck_assert_uint_eq(got.status, 303);
    desk_pass(&desk, 29 * UINT64_C(86400000));
    get("/refer", "", page_form);
    ck_assert(says(digest));
    ck_assert(says("诊断证明.pdf"));
    desk_pass(&desk, 3 * UINT64_C(86400000));
    get("/refer", "", page_form);
    ck_assert(!says(digest));
    ck_assert(says("这个文件已不在"));
}
END_TEST

START_TEST(a_refused_file_is_said_at_its_row)
{
    type_with_materials(0);
    choose("facts.materials[2].digest", "a.exe", span_of(pdf, 5000));
    choose("facts.materials[3].digest", "b.png", span_of(pdf, 5000));
    post();
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("href=\"#facts-materials-2-digest\""));
    ck_assert(says("href=\"#facts-materials-3-digest\""));
    ck_assert(says("不能附这种文件"));
    ck_assert(says("巴图"));
    ck_assert_uint_eq(number_at(desk_must(&desk, "{'cmd':'status'}"), "outbox.waiting"), 0);
}
END_TEST

START_TEST(a_digest_of_nothing_is_refused)
{
    type_with_materials(1);
    type("facts.materials[0].digest",
         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    post();
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("这个文件已不在"));
    ck_assert(!says("00112233"));
}
END_TEST

/* --- sent, shown, downloaded --- */

/* About the referral that this download's message opened. */
static unsigned acts_of(const char *tail, enum act_kind kind)
{
    struct uuid id;
    struct row row;
    struct store_txn *read;
    struct act act;
    uint64_t position = 0;
    unsigned count = 0;

    ck_assert_int_eq(store_read_begin(desk.store, &read), OK);
    ck_assert_int_eq(uuid_parse(tail + DIGEST_TEXT_BYTES, &id), OK);
    ck_assert_int_eq(row_find(read, &id, &row), OK);
    while (act_next(read, &row.header.referral_id, position, &position, &act) == OK) {
        count += act.kind == kind;
    }
    store_read_end(read);
    return count;
}

/* Sends it; the path of its download behind /attachment/. */
static void send_one(char tail[160])
{
    char digest[DIGEST_TEXT_BYTES];

    attach_whole(digest);
    type_with_materials(1);
    type("facts.materials[0].digest", digest);
    type("facts.materials[0].missing", "not-issued-yet"); /* the file counts */
    post();
    ck_assert_msg(got.status == 303, "%u: %.2000s", got.status,
                  strstr((char *)got.body.data, "id=\"faults\""));
    while (worklist_fill(web.worklist)) {
    }
    get("/case/", got.location + strlen("/case/"), page_case);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("诊断证明.pdf"));
    ck_assert(says("已附"));
    cut("href=\"/attachment/", tail, 160);
}

START_TEST(what_was_sent_can_be_downloaded)
{
    char tail[160];

    send_one(tail);
    get("/message/", tail + DIGEST_TEXT_BYTES, page_message);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says(tail));
    ck_assert_uint_eq(acts_of(tail, ACT_DOWNLOADED), 0);
    get("/attachment/", tail, page_attachment);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(span_equal(span_of(got.body.data, got.body.len - 1), span_of(pdf, sizeof(pdf))));
    ck_assert_str_eq(got.type, "application/octet-stream");
    ck_assert_int_eq(strncmp(got.disposition, "attachment;", 11), 0);
    ck_assert_uint_eq(acts_of(tail, ACT_DOWNLOADED), 1);
    session->officer.roles = OFFICER_LEADER;
    get("/attachment/", tail, page_attachment);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_uint_eq(acts_of(tail, ACT_DOWNLOADED), 2);
}
END_TEST

/* Of a form that is no referral's: any number of files, kept while anything is at fault. */
START_TEST(files_go_with_any_message)
{
    char tail[160], path[96], first[DIGEST_TEXT_BYTES], second[DIGEST_TEXT_BYTES];
    struct json_value outbox;

    send_one(tail);
    outbox = desk_must(&desk, "{'cmd':'outbox'}");
    (void)snprintf(path, sizeof(path), "/send/withdrawal/%s", text_at(outbox, "rows.0.referral"));
    form_path = path;
    get(path, "", page_form);
    ck_assert(says("name=\"facts.attachments[0].digest\""));
    ck_assert(says("enctype=\"multipart/form-data\""));
    choose("facts.attachments[0].digest", "说明.pdf", span_of(pdf, 5000));
    type("facts.attachments[0].digest", "");
    type("do", "add:facts.attachments");
    post();
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("说明.pdf"));
    ck_assert(says("name=\"facts.attachments[1].digest\""));
    cut("name=\"facts.attachments[0].digest\" value=\"", first, sizeof(first));
    type("facts.attachments[0].digest", first);
    choose("facts.attachments[1].digest", "a.exe", span_of(pdf, 5000));
    post(); /* and the reason is missing */
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("href=\"#facts-attachments-1-digest\""));
    ck_assert(says("附件 2：文件"));
    type("facts.attachments[0].digest", first);
    choose("facts.attachments[1].digest", "清单.pdf", span_of(pdf, 100000));
    post();
    ck_assert_uint_eq(got.status, 422);
    cut("name=\"facts.attachments[1].digest\" value=\"", second, sizeof(second));
    type("facts.attachments[0].digest", first);
    type("facts.attachments[1].digest", second);
    type("do", "drop:facts.attachments[0]");
    post();
    ck_assert_uint_eq(got.status, 200);
    ck_assert(!says(first) && says(second));
    type("facts.reason", "duplicate");
    type("facts.attachments[0].digest", "");
    type("facts.attachments[1].digest", second);
    post();
    ck_assert_msg(got.status == 303, "%u: %.2000s", got.status,
                  strstr((char *)got.body.data, "id=\"faults\""));
    outbox = desk_must(&desk, "{'cmd':'outbox'}");
    get("/message/", text_at(outbox, "rows.1.id"), page_message);
    ck_assert(says("清单.pdf") && !says("说明.pdf"));
    cut("href=\"/attachment/", tail, sizeof(tail));
    get("/attachment/", tail, page_attachment);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(span_equal(span_of(got.body.data, got.body.len - 1), span_of(pdf, 100000)));
    get("/case/", text_at(outbox, "rows.1.referral"), page_case);
    ck_assert(says("诊断证明.pdf")); /* in its place among the materials, */
    ck_assert(says("后续文书的附件"));
    ck_assert(says("清单.pdf")); /* and what came later below */
    ck_assert(says(tail));
    form_path = "/refer";
}
END_TEST

START_TEST(others_and_other_addresses_get_nothing)
{
    static const char other[] = "0190a000-0000-7000-8000-000000000000";
    char tail[160], wrong[160];

    send_one(tail);
    text_copy(wrong, sizeof(wrong), tail);
    wrong[0] = wrong[0] == 'a' ? 'b' : 'a';
    get("/attachment/", wrong, page_attachment);
    ck_assert_uint_eq(got.status, 404);
    ck_assert(says("本单位没有这个附件"));
    text_copy(wrong, sizeof(wrong), tail);
    text_copy(wrong + DIGEST_TEXT_BYTES, sizeof(wrong) - DIGEST_TEXT_BYTES, other);
    get("/attachment/", wrong, page_attachment);
    ck_assert_uint_eq(got.status, 404);
    get("/attachment/", "", page_attachment);
    ck_assert_uint_eq(got.status, 404);
    get("/attachment/", "../../etc/passwd", page_attachment);
    ck_assert_uint_eq(got.status, 404);
    session->officer.roles = OFFICER_MANAGER;
    get("/attachment/", tail, page_attachment);
    ck_assert_uint_eq(got.status, 403);
    ck_assert_uint_eq(acts_of(tail, ACT_DOWNLOADED), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("web_page_attach");
    TCase *tests = tcase_create("pages");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_name_of_a_file_stood_in_an_address);
    tcase_add_test(tests, nine_uploads_at_once_took_each_other_s_place);
    tcase_add_test(tests, an_upload_goes_on_after_a_break);
    tcase_add_test(tests, an_upload_is_cancelled);
    tcase_add_test(tests, what_is_no_attachment_is_refused);
    tcase_add_test(tests, only_members_attach);
    tcase_add_test(tests, a_file_comes_with_the_form_and_is_not_lost);
    tcase_add_test(tests, a_file_is_kept_with_its_draft);
    tcase_add_test(tests, a_refused_file_is_said_at_its_row);
    tcase_add_test(tests, a_digest_of_nothing_is_refused);
    tcase_add_test(tests, what_was_sent_can_be_downloaded);
    tcase_add_test(tests, files_go_with_any_message);
    tcase_add_test(tests, others_and_other_addresses_get_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

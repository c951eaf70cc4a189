/* How: the realm and the desk of agent_support, a web without a server, and a page that answers
 * into `got`. See page_support.h. */
#include "page_support.h"

struct realm realm;
struct desk desk;
struct web web;
struct officer officer;
struct session *session;
char cookie_value[SESSION_TOKEN_BYTES];
struct answer got;
struct http_field posted[FIELDS_OF_TEST];
size_t posted_count;

void __wrap_http_answer(struct http_exchange *exchange, const struct http_response *response);

static void keep_text(char *out, size_t size, const char *text)
{
    text_copy(out, size, text != NULL ? text : "");
}

void __wrap_http_answer(struct http_exchange *exchange, const struct http_response *response)
{
    (void)exchange;
    got.status = response->status;
    keep_text(got.location, sizeof(got.location), response->location);
    keep_text(got.type, sizeof(got.type), response->type);
    keep_text(got.disposition, sizeof(got.disposition), response->disposition);
    buf_clear(&got.body);
    ck_assert_int_eq(buf_append(&got.body, response->body.data, response->body.len), OK);
    ck_assert_int_eq(buf_append(&got.body, "", 1), OK);
}

void visit_open(const char *agency)
{
    struct fault fault = {.code = ""};

    realm_open(&realm);
    desk_open(&desk, &realm, agency);
    buf_init(&got.body, LIMIT_ATTACHMENT_BYTES);
    memset(&web, 0, sizeof(web));
    web.setup.agent = desk.agent;
    ck_assert_int_eq(templates_new(&web.templates, &fault), OK);
    ck_assert_int_eq(sessions_new(&web.sessions), OK);
    ck_assert_int_eq(worklist_new(desk.agent, &web.worklist), OK);
    officer = (struct officer){.name = "gaowa", .shown = "高娃", .roles = OFFICER_MEMBER};
    session = session_begin(web.sessions, &officer, desk.machine_ms, cookie_value);
    posted_count = 0;
}

void visit_close(void)
{
    worklist_free(web.worklist);
    sessions_free(web.sessions);
    templates_free(web.templates);
    buf_free(&got.body);
    desk_close(&desk);
    realm_close(&realm);
}

void visit(const struct http_request *asked, const char *tail, void (*show)(struct page *page))
{
    struct page page = {.web = &web,
                        .agent = desk.agent,
                        .request = asked,
                        .session = session,
                        .tail = tail,
                        .now_ms = desk.wall_ms};

    got.status = 0;
    buf_init(&page.text, WEB_VIEW_BYTES);
    show(&page);
    ck_assert(page.answered);
    buf_free(&page.text);
}

void type(const char *name, const char *value)
{
    ck_assert_uint_lt(posted_count, FIELDS_OF_TEST);
    posted[posted_count++] = (struct http_field){name, value};
}

void type_referral(void)
{
    static const char *const missing[] = {
        "facts.materials[0].missing", "facts.materials[1].missing", "facts.materials[2].missing",
        "facts.materials[3].missing", "facts.materials[4].missing"};

    type("recipients", "education");
    type("recipients", "civil-affairs");
    type("facts.ground", "art-4-2");
    type("facts.needs", "student-aid");
    type("body.persons[0].name", "巴图");
    type("body.persons[0].identity_number", "11010519491231002x");
    type("body.circumstances", "困难");
    type("body.reasons", "理由");
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        type(missing[i], "not-issued-yet");
    }
}

bool says(const char *text)
{
    return strstr((const char *)got.body.data, text) != NULL;
}

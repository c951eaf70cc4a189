/* Logging in and out, and an officer's own settings: language, size of letters, password.
 *
 * Passwords are hashed on the thread pool while the request waits. A page that is answered later
 * has a job that owns copies of what it needs; a job whose web was closed meanwhile only ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/web_parts.h"
#include "base/log.h"

#define HASHINGS_MAX 32u /* that wait or run; each that runs takes 64 MiB */

struct hashing {
    struct web *web; /* NULL: closed meanwhile */
    struct hashing *next;
    struct http_exchange *exchange;
    struct http_request request; /* only what the answer needs */
    char name[OFFICER_NAME_BYTES];
    char hash[PASSWORD_HASH_BYTES];
    char password[PASSWORD_BYTES_MAX + 1];
    char wanted[PASSWORD_BYTES_MAX + 1]; /* a new password; "" : only log in */
    char new_hash[PASSWORD_HASH_BYTES];
    uint8_t session[16]; /* whose password is changed */
    enum language language;
    bool matches;
    enum err error;
};

static void job_work(void *ctx)
{
    struct hashing *job = ctx;

    job->matches = password_matches(span_text(job->password), job->hash);
    if (job->matches && job->wanted[0] != '\0') {
        job->error = password_hash(span_text(job->wanted), job->new_hash);
    }
}

static void job_forget(struct hashing *job)
{
    struct hashing **at = &job->web->hashings;

    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    job->web->hashing--;
}

static void job_free(struct hashing *job)
{
    crypto_wipe(job, sizeof(*job));
    free(job);
}

void hashings_abandon(struct web *web)
{
    for (struct hashing *job = web->hashings; job != NULL; job = job->next) {
        job->web = NULL;
    }
    web->hashings = NULL;
    web->hashing = 0;
}

static bool job_start(struct page *page, struct hashing *job, loop_work_fn done)
{
    struct web *web = page->web;

    if (web->hashing >= HASHINGS_MAX || loop_work(web->setup.loop, job_work, done, job) != OK) {
        return false;
    }
    job->web = web;
    job->next = web->hashings;
    job->exchange = page->exchange;
    job->request = (struct http_request){.secure = page->request->secure};
    job->language = page->language;
    web->hashings = job;
    web->hashing++;
    page->answered = true; /* later */
    return true;
}

/* The page of an answer that was put off. */
static struct page page_of_job(struct hashing *job)
{
    struct page page = {.web = job->web,
                        .agent = job->web->setup.agent,
                        .exchange = job->exchange,
                        .request = &job->request,
                        .language = job->language,
                        .tail = ""};

    page.now_ms = agent_wall_ms(page.agent);
    buf_init(&page.text, WEB_VIEW_BYTES);
    return page;
}

/* --- the login page --- */

static void show_login(struct page *page, unsigned status, const char *error)
{
    page_begin(page, "", N_("登录"));
    if (error != NULL) {
        named_text(&page->view, "error", tr(page, error));
    }
    page_show(page, status, "login");
}

static void show_locked(struct page *page, uint64_t until_ms)
{
    char until[PAGE_DAY_BYTES];

    page_instant_text(page, until_ms + 59999, until); /* of the next whole minute */
    page_begin(page, "", N_("登录"));
    named_text(&page->view, "locked_until", until);
    page_show(page, 403, "login");
}

/* Browsers do not tell the ports of one host apart: each agency's cookie has its own name. */
void web_cookie_name(const struct web *web, char out[WEB_COOKIE_BYTES])
{
    (void)snprintf(out, WEB_COOKIE_BYTES, "sid-%s", web->setup.agent->setup.self->id);
}

static void answer_with_session(struct page *page, const struct officer *officer, bool by_proxy)
{
    char token[SESSION_TOKEN_BYTES], name[WEB_COOKIE_BYTES], cookie[256];

    session_begin(page->web->sessions, officer, agent_machine_ms(page->agent), token)->by_proxy =
        by_proxy;
    web_cookie_name(page->web, name);
    (void)snprintf(cookie, sizeof(cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", name,
                   token, page->request->secure ? "; Secure" : "");
    page->answered = true;
    http_answer(page->exchange,
                &(struct http_response){.status = 303,
                                        .location = officer->must_change ? "/settings" : "/",
                                        .cookie = cookie});
    crypto_wipe(token, sizeof(token));
    crypto_wipe(cookie, sizeof(cookie));
}

static const char wrong[] = N_("用户名或密码不正确。连续输错 5 次，账号锁定 15 分钟。");

/* The same for names that nobody has. */
static void show_wrong(struct page *page, const char *name)
{
    uint64_t until_ms =
        name[0] != '\0' ? lockouts_failed(&page->web->lockouts, name, page->now_ms) : 0;

    if (until_ms != 0) {
        show_locked(page, until_ms);
    } else {
        show_login(page, 403, wrong);
    }
}

/* What the password did is written before anybody is let in. */
static void finish_login(struct page *page, const struct hashing *job)
{
    struct store *store = page->agent->setup.store;
    struct officer officer;
    enum err error = officer_get(store, job->name, &officer);
    bool may = error == OK && !officer.disabled && !officer_locked(&officer, page->now_ms);
    bool enters = may && job->matches && strcmp(officer.password, job->hash) == 0;

    if (may && enters) {
        officer_entered(&officer, page->now_ms);
    } else if (may) {
        officer_failed(&officer, page->now_ms);
    }
    if (may) {
        error = officer_put(store, &officer);
    } else if (error == OK || error == ERR_NOT_FOUND) {
        error = officer_nobody(store, page->now_ms);
    }
    if (error != OK) {
        show_login(page, 503, N_("暂时无法登录，请稍后再试。"));
    } else if (!enters) {
        show_wrong(page, job->name);
    } else {
        lockouts_entered(&page->web->lockouts, job->name);
        answer_with_session(page, &officer, false);
    }
    crypto_wipe(&officer, sizeof(officer));
}

static void login_done(void *ctx)
{
    struct hashing *job = ctx;

    if (job->web != NULL) {
        struct page page = page_of_job(job);

        job_forget(job);
        finish_login(&page, job);
        buf_free(&page.text);
    }
    job_free(job);
}

static void try_login(struct page *page)
{
    const char *name = http_form(page->request, "name");
    const char *password = http_form(page->request, "password");
    struct hashing *job = calloc(1, sizeof(*job));
    struct officer officer;

    if (job == NULL) {
        show_login(page, 503, N_("暂时无法登录，请稍后再试。"));
        return;
    }
    if (name == NULL || password == NULL || strlen(password) > PASSWORD_BYTES_MAX) {
        job_free(job);
        show_login(page, 403, wrong);
        return;
    }
    if (officer_name_valid(name)) {
        text_copy(job->name, sizeof(job->name), name);
    }
    text_copy(job->password, sizeof(job->password), password);
    if (officer_get(page->agent->setup.store, job->name, &officer) == OK && !officer.disabled) {
        memcpy(job->hash, officer.password, sizeof(job->hash));
    }
    crypto_wipe(&officer, sizeof(officer));
    if (!job_start(page, job, login_done)) {
        job_free(job);
        show_login(page, 503, N_("登录的人较多，请稍后再试。"));
    }
}

/* A reverse proxy that has checked a certificate or a key in a socket says who it is. */
static bool enter_by_proxy(struct page *page)
{
    const struct web_setup *setup = &page->web->setup;
    const char *secret = http_header(page->exchange, "X-Proxy-Secret");
    const char *name;
    struct officer officer;

    if (setup->proxy_header[0] == '\0' || secret == NULL ||
        strlen(secret) != strlen(setup->proxy_secret) ||
        !crypto_equal(secret, setup->proxy_secret, strlen(secret))) {
        return false;
    }
    name = http_header(page->exchange, setup->proxy_header);
    if (name == NULL || officer_get(page->agent->setup.store, name, &officer) != OK ||
        officer.disabled) {
        return false;
    }
    officer.must_change = false;
    answer_with_session(page, &officer, true);
    crypto_wipe(&officer, sizeof(officer));
    return true;
}

void page_login(struct page *page)
{
    if (page->request->method == HTTP_POST) {
        try_login(page);
    } else if (page->session != NULL) {
        page_go(page, "/");
    } else if (!enter_by_proxy(page)) {
        show_login(page, 200,
                   http_query(page->request, "again") != NULL
                       ? N_("登录已超时，请重新登录；已填写的内容已存为草稿。")
                       : NULL);
    }
}

void page_logout(struct page *page)
{
    char name[WEB_COOKIE_BYTES], cookie[128];

    session_end(page->web->sessions, page->session);
    web_cookie_name(page->web, name);
    (void)snprintf(cookie, sizeof(cookie), "%s=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
                   name);
    page->answered = true;
    http_answer(page->exchange,
                &(struct http_response){.status = 303, .location = "/login", .cookie = cookie});
}

/* --- settings --- */

static void show_settings(struct page *page, unsigned status, const char *field, const char *error)
{
    page_begin(page, "", N_("我的设置"));
    named_bool(&page->view, "must_change", page_officer(page)->must_change);
    named_text(&page->view, "name", page_officer(page)->name);
    if (error != NULL) {
        named_text(&page->view, field, tr(page, error));
        named_bool(&page->view, "wrong", true);
    }
    page_show(page, status, "settings");
}

static enum err change(struct page *page, void (*how)(struct officer *, const char *),
                       const char *value)
{
    struct store *store = page->agent->setup.store;
    struct officer officer;
    enum err error = officer_get(store, page_officer(page)->name, &officer);

    if (error == OK) {
        how(&officer, value);
        error = officer_put(store, &officer);
    }
    crypto_wipe(&officer, sizeof(officer));
    return error;
}

static void set_language(struct officer *officer, const char *value)
{
    officer->language = language_parse(value);
}

static void set_size(struct officer *officer, const char *value)
{
    officer->large = strcmp(value, "large") == 0;
}

enum err page_prefer(struct page *page, const char *language, const char *size)
{
    enum err error = language != NULL ? change(page, set_language, language) : OK;

    return error == OK && size != NULL ? change(page, set_size, size) : error;
}

/* Another password may have been given meanwhile; a wrong one counts as at the login. */
static void finish_password(struct page *page, struct hashing *job)
{
    struct store *store = page->agent->setup.store;
    struct officer officer;
    enum err error = officer_get(store, job->name, &officer);
    const bool may = error == OK && !officer.disabled && !officer_locked(&officer, page->now_ms);

    job->matches = job->matches && may && strcmp(officer.password, job->hash) == 0;
    if (may && !job->matches) {
        officer_failed(&officer, page->now_ms);
        error = officer_put(store, &officer);
    }
    if (error == OK && job->matches && job->error == OK) {
        memcpy(officer.password, job->new_hash, sizeof(officer.password));
        officer.must_change = false;
        error = officer_put(store, &officer);
    }
    if (error == OK && job->matches && job->error == OK) {
        page->session->password = session_password(&officer);
    }
    crypto_wipe(&officer, sizeof(officer));
    if (error == OK && job->matches && job->error == OK) {
        session_end_all(page->web->sessions, job->name, page->session);
        page->session->officer.must_change = false;
        page_notice(page, N_("密码已修改。"));
        page_go(page, "/");
    } else if (!job->matches) {
        show_settings(page, 400, "error_old", N_("现在的密码不正确。"));
    } else {
        show_settings(page, 503, "error_old", N_("暂时无法修改，请稍后再试。"));
    }
}

static void password_done(void *ctx)
{
    struct hashing *job = ctx;

    if (job->web != NULL) {
        struct page page = page_of_job(job);

        job_forget(job);
        page.session = session_by_digest(page.web->sessions, job->session);
        if (page.session == NULL) {
            page_go(&page, "/login?again=1");
        } else {
            finish_password(&page, job);
        }
        buf_free(&page.text);
    }
    job_free(job);
}

static const char *password_fault(const char *new_one, const char *again)
{
    size_t characters = 0;

    for (const char *at = new_one; *at != '\0'; at++) {
        characters += ((unsigned char)*at & 0xc0u) != 0x80u;
    }
    if (characters < OFFICER_PASSWORD_LENGTH) {
        return N_("新密码至少 10 个字符。");
    }
    if (strlen(new_one) > PASSWORD_BYTES_MAX) {
        return N_("新密码太长。");
    }
    return strcmp(new_one, again) != 0 ? N_("两次输入的新密码不一致。") : NULL;
}

static void try_password(struct page *page)
{
    const char *old = http_form(page->request, "old");
    const char *new_one = http_form(page->request, "new");
    const char *again = http_form(page->request, "again");
    struct hashing *job;
    struct officer officer;
    const char *fault;

    if (old == NULL || new_one == NULL || again == NULL || strlen(old) > PASSWORD_BYTES_MAX) {
        show_settings(page, 400, "error_old", N_("请填写现在的密码和新密码。"));
        return;
    }
    fault = password_fault(new_one, again);
    if (fault != NULL) {
        show_settings(page, 400, "error_new", fault);
        return;
    }
    job = calloc(1, sizeof(*job));
    if (job != NULL &&
        officer_get(page->agent->setup.store, page_officer(page)->name, &officer) == OK) {
        text_copy(job->name, sizeof(job->name), officer.name);
        memcpy(job->hash, officer.password, sizeof(job->hash));
        text_copy(job->password, sizeof(job->password), old);
        text_copy(job->wanted, sizeof(job->wanted), new_one);
        memcpy(job->session, page->session->digest, sizeof(job->session));
        crypto_wipe(&officer, sizeof(officer));
        if (job_start(page, job, password_done)) {
            return;
        }
    }
    if (job != NULL) {
        job_free(job);
    }
    show_settings(page, 503, "error_old", N_("暂时无法修改，请稍后再试。"));
}

void page_settings(struct page *page)
{
    if (page->request->method == HTTP_GET) {
        show_settings(page, 200, NULL, NULL);
    } else {
        try_password(page);
    }
}

/* The inbox as a whole: what a request must be before a page sees it, and which page that is.
 *
 * A request is known by its path in the table of routes; then, in this order: is the host one of
 * ours (a page elsewhere must not reach loopback by a name of its own), is the officer logged in,
 * does a form carry the session's token and come from here. Only then the page runs. */
#include "agent/web/web.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/counted.h"
#include "agent/web/web_parts.h"
#include "base/log.h"

#define TIDY_MS         3600000u
#define REFER_BYTES_MAX (LIMIT_WEB_UPLOAD_BYTES + LIMIT_WEB_FORM_BYTES)

/* --- routes --- */

enum route_flag {
    ROUTE_PUBLIC = 1u << 0, /* nobody need be logged in */
    ROUTE_GET = 1u << 1,
    ROUTE_POST = 1u << 2,
    ROUTE_TREE = 1u << 3,  /* and all below: the rest is page->tail */
    ROUTE_QUIET = 1u << 4, /* a poll: does not keep the session alive */
    ROUTE_FILES = 1u << 5, /* a member may post files, too */
    ROUTE_PIECE = 1u << 6, /* a member may post a piece of a file, and nobody anything else */
};

struct route {
    const char *path;
    unsigned flags;
    void (*show)(struct page *page);
};

static void show_asset(struct page *page);

static const struct route routes[] = {
    {"/static/", ROUTE_PUBLIC | ROUTE_GET | ROUTE_TREE, show_asset},
    {"/login", ROUTE_PUBLIC | ROUTE_GET | ROUTE_POST, page_login},
    {"/logout", ROUTE_POST, page_logout},
    {"/settings", ROUTE_GET | ROUTE_POST, page_settings},
    {"/", ROUTE_GET | ROUTE_POST, page_list},
    {"/list/", ROUTE_GET | ROUTE_POST | ROUTE_TREE, page_list},
    {"/case/", ROUTE_GET | ROUTE_TREE, page_case},
    {"/matter/", ROUTE_GET | ROUTE_TREE, page_matter},
    {"/message/", ROUTE_GET | ROUTE_TREE, page_message},
    {"/handled/", ROUTE_POST | ROUTE_TREE, page_handled},
    {"/meetings", ROUTE_GET, page_meetings},
    {"/statistics", ROUTE_GET, page_statistics},
    {"/statistics.csv", ROUTE_GET, page_statistics_csv},
    {"/reveal/", ROUTE_POST | ROUTE_TREE, page_reveal},
    {"/export/", ROUTE_POST | ROUTE_TREE, page_export},
    {"/officers", ROUTE_GET | ROUTE_POST, page_officers},
    {"/refer", ROUTE_GET | ROUTE_POST | ROUTE_FILES, page_form},
    {"/refer/", ROUTE_GET | ROUTE_POST | ROUTE_TREE | ROUTE_FILES, page_form},
    {"/send/", ROUTE_GET | ROUTE_POST | ROUTE_TREE | ROUTE_FILES, page_form},
    {"/draft", ROUTE_POST, page_draft},
    {"/draft/discard", ROUTE_POST, page_draft},
    {"/drafts", ROUTE_GET, page_drafts},
    {"/attach", ROUTE_POST | ROUTE_PIECE, page_attach},
    {"/attachment/", ROUTE_GET | ROUTE_TREE, page_attachment},
    {"/letter/", ROUTE_GET | ROUTE_TREE, page_letter},
    {"/verify", ROUTE_GET | ROUTE_POST, page_verify},
    {"/document/", ROUTE_GET | ROUTE_TREE, page_document},
    {"/counts", ROUTE_GET | ROUTE_QUIET, page_counts},
};

static const struct route *route_of(const char *path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const struct route *route = &routes[i];
        bool fits = (route->flags & ROUTE_TREE) != 0
                        ? strncmp(path, route->path, strlen(route->path)) == 0
                        : strcmp(path, route->path) == 0;

        if (fits) {
            return route;
        }
    }
    return NULL;
}

static void show_asset(struct page *page)
{
    const struct asset *asset = asset_find(page->tail);

    if (asset == NULL) {
        page_refuse(page, 404, N_("没有这个页面。"));
        return;
    }
    page->answered = true;
    http_answer(page->exchange, &(struct http_response){.status = 200,
                                                        .type = asset->type,
                                                        .etag = asset->etag,
                                                        .fresh_s = 3600,
                                                        .body = asset->bytes});
}

/* --- what a request must be --- */

static bool is_loopback_host(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);

        if (strncmp(host, names[i], len) == 0 && (host[len] == '\0' || host[len] == ':')) {
            return true;
        }
    }
    return false;
}

/* Bound to loopback the inbox is reached by a loopback name only, or through its proxy. */
static bool host_fits(const struct page *page)
{
    const struct web_setup *setup = &page->web->setup;
    const char *host = http_header(page->exchange, "Host");

    return host != NULL && (!is_loopback_host(setup->address) || is_loopback_host(host) ||
                            setup->proxy_header[0] != '\0');
}

/* "http://host:port" of a form that was sent from a page of ours. Browsers too old to say it are
 * held by the token and the cookie's SameSite. */
static bool origin_fits(const struct page *page)
{
    const char *host = http_header(page->exchange, "Host");
    const char *origin = http_header(page->exchange, "Origin");
    const char *rest;

    if (origin == NULL) {
        return true;
    }
    rest = strstr(origin, "://");
    return rest != NULL && host != NULL && strcmp(rest + 3, host) == 0;
}

static bool token_fits(const struct page *page)
{
    const char *token = http_form(page->request, "csrf");

    if (token == NULL) {
        token = http_header(page->exchange, "X-Csrf-Token");
    }
    return session_csrf_matches(page->session, token);
}

/* What the officer may has changed since the login, or the officer was shut out. */
static bool refresh_officer(struct page *page)
{
    struct officer officer;
    struct digest password;
    enum err error = officer_get(page->agent->setup.store, page->session->officer.name, &officer);

    password = error == OK ? session_password(&officer) : page->session->password;
    if (error != OK || officer.disabled || !digest_equal(&password, &page->session->password)) {
        crypto_wipe(&officer, sizeof(officer));
        session_end(page->web->sessions, page->session);
        page->session = NULL;
        return false;
    }
    crypto_wipe(officer.password, sizeof(officer.password));
    officer.must_change = officer.must_change && !page->session->by_proxy;
    page->session->officer = officer;
    page->language = officer.language;
    return true;
}

static void to_login(struct page *page, const struct route *route)
{
    if ((route->flags & ROUTE_QUIET) != 0) {
        page->answered = true;
        http_answer(page->exchange, &(struct http_response){.status = 401});
        return;
    }
    bool form = route->show == page_form || route->show == page_draft;

    page_go(page, page->request->method == HTTP_POST && (!form || page_keep(page))
                      ? "/login?again=1" /* says that what was typed is kept */
                      : "/login");
}

/* A new password comes first when somebody else gave the old one. */
static bool must_settle(const struct page *page, const struct route *route)
{
    return page->session->officer.must_change && route->show != page_settings &&
           route->show != page_logout && (route->flags & ROUTE_PUBLIC) == 0;
}

/* Language and size of letters, from any page: "?lang=en", "?size=large". Kept with the officer;
 * before the login a cookie keeps the language. */
static bool set_preference(struct page *page)
{
    const char *language = http_query(page->request, "lang");
    const char *size = http_query(page->request, "size");
    char cookie[64];

    if (page->request->method != HTTP_GET || (language == NULL && size == NULL)) {
        return false;
    }
    if (page->session != NULL && page_prefer(page, language, size) != OK) {
        page_refuse(page, 503, N_("暂时无法保存，请稍后再试。"));
        return true;
    }
    (void)snprintf(cookie, sizeof(cookie), "lang=%s; Path=/; SameSite=Strict",
                   language_parse(language) == LANGUAGE_EN ? "en" : "zh");
    page->answered = true;
    http_answer(page->exchange,
                &(struct http_response){.status = 303,
                                        .location = page->request->path,
                                        .cookie = language != NULL ? cookie : NULL});
    return true;
}

static void show(struct page *page, const struct route *route)
{
    bool is_post = page->request->method == HTTP_POST;

    if ((route->flags & (is_post ? ROUTE_POST : ROUTE_GET)) == 0) {
        page_refuse(page, 405, N_("这个页面不能这样打开。"));
    } else if (!host_fits(page) || (is_post && !origin_fits(page))) {
        page_refuse(page, 403, N_("请求不是从本系统页面发出的，没有处理。"));
    } else if (page->session == NULL && (route->flags & ROUTE_PUBLIC) == 0) {
        to_login(page, route);
    } else if (is_post && page->session != NULL && !token_fits(page)) {
        page_refuse(page, 403, N_("页面已失效，没有处理。请返回、刷新页面后再提交。"));
    } else if (page->session != NULL && must_settle(page, route)) {
        page_go(page, "/settings");
    } else if (!set_preference(page)) {
        route->show(page);
    }
}

/* --- requests --- */

static void identify(struct page *page, const struct route *route)
{
    struct web *web = page->web;
    bool touch = route == NULL || (route->flags & ROUTE_QUIET) == 0;

    char cookie[WEB_COOKIE_BYTES];

    web_cookie_name(web, cookie);
    page->session = session_find(web->sessions, http_cookie(page->request, cookie),
                                 agent_machine_ms(page->agent), touch);
    page->language = language_parse(http_cookie(page->request, "lang"));
    if (page->session != NULL) {
        (void)refresh_officer(page);
    }
}

static void handle_cb(void *ctx, struct http_exchange *exchange, const struct http_request *request)
{
    struct web *web = ctx;
    const struct route *route = route_of(request->path);
    struct page page = {.web = web,
                        .agent = web->setup.agent,
                        .exchange = exchange,
                        .request = request,
                        .tail = ""};

    page.now_ms = agent_wall_ms(page.agent);
    buf_init(&page.text, WEB_VIEW_BYTES);
    identify(&page, route);
    if (route == NULL) {
        page_refuse(&page, 404, N_("没有这个页面。"));
    } else {
        page.tail = request->path + strlen(route->path);
        show(&page, route);
    }
    assert(page.answered);
    if (worklist_progress(web->worklist) < 100) {
        loop_timer_after(&web->fill, 0); /* it found that all must be read anew */
    }
    if (page.text.cap > 0) {
        crypto_wipe(page.text.data, page.text.cap);
    }
    buf_free(&page.text);
}

/* Before the body is here: does this request come from a member's session? */
static bool from_member(struct web *web, const struct http_request *request)
{
    char cookie[WEB_COOKIE_BYTES];
    const struct session *session;

    web_cookie_name(web, cookie);
    session = session_find(web->sessions, http_cookie(request, cookie),
                           agent_machine_ms(web->setup.agent), false);
    return session != NULL && (session->officer.roles & OFFICER_MEMBER) != 0;
}

static size_t body_max_cb(void *ctx, const struct http_request *request)
{
    const struct route *route = route_of(request->path);

    if (request->method != HTTP_POST || route == NULL || (route->flags & ROUTE_POST) == 0) {
        return 0;
    }
    if ((route->flags & ROUTE_PIECE) != 0) {
        return from_member(ctx, request) ? ATTACH_PIECE_BYTES : LIMIT_WEB_VALUE_BYTES;
    }
    return (route->flags & ROUTE_FILES) != 0 && from_member(ctx, request) ? REFER_BYTES_MAX
                                                                          : LIMIT_WEB_FORM_BYTES;
}

/* Nothing is known of who asked, nor in which language. */
static void refusal_cb(void *ctx, unsigned status, struct buf *page)
{
    static const char head[] = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">"
                               "<title>没有处理</title><p>";
    const char *text =
        status == 413   ? "提交的内容过大，或者登录已超时，没有处理。请返回，附件每次最多 20 MB。"
        : status == 503 ? "系统正忙，没有处理，请稍后再试。"
                        : "请求有误，没有处理。请返回后重试。";

    (void)ctx;
    if (buf_append(page, head, sizeof(head) - 1) != OK ||
        buf_append(page, text, strlen(text)) != OK) {
        log_event(EVENT_PAGE_FAILED, "a refusal of the inbox has no text: no memory");
    }
}

/* --- life --- */

static void fill_cb(void *ctx)
{
    struct web *web = ctx;

    if (worklist_fill(web->worklist)) {
        loop_timer_after(&web->fill, 0);
    }
}

/* At the start, and then each hour: nobody sees when, only that none is older than a month. */
static void tidy_cb(void *ctx)
{
    struct web *web = ctx;
    enum err error = draft_tidy(web->setup.agent->setup.store, agent_wall_ms(web->setup.agent));

    if (error != OK) {
        log_event(EVENT_PAGE_FAILED, "old drafts of the inbox are not removed: %s",
                  err_text(error));
    }
    loop_timer_after(&web->tidy, TIDY_MS);
}

static enum err listen(struct web *web, struct fault *fault)
{
    const struct http_options options = {.address = web->setup.address,
                                         .certificate = web->setup.certificate,
                                         .key = web->setup.key,
                                         .inherited = web->setup.inherited,
                                         .body_max = body_max_cb,
                                         .handle = handle_cb,
                                         .refusal = refusal_cb,
                                         .ctx = web};

    return http_open(web->setup.loop, &options, &web->http, fault);
}

enum err web_open(const struct web_setup *setup, struct web **ret_web, struct fault *fault)
{
    struct web *web = calloc(1, sizeof(*web));
    enum err error;

    if (web == NULL) {
        return ERR_MEMORY;
    }
    web->setup = *setup;
    loop_timer_init(setup->loop, &web->fill, fill_cb, web);
    loop_timer_init(setup->loop, &web->tidy, tidy_cb, web);
    error = templates_new(&web->templates, fault);
    if (error == OK) {
        lockouts_init(&web->lockouts);
        error = sessions_new(&web->sessions);
    }
    if (error == OK) {
        error = worklist_new(setup->agent, &web->worklist);
    }
    if (error == OK) {
        error = listen(web, fault);
    }
    if (error != OK) {
        web_close(web);
        return error;
    }
    loop_timer_after(&web->fill, 0);
    loop_timer_after(&web->tidy, 0);
    *ret_web = web;
    return OK;
}

uint16_t web_port(const struct web *web)
{
    return http_port(web->http);
}

void web_changed(struct web *web, const struct case_key *key)
{
    enum err error = worklist_changed(web->worklist, key);

    if (error != OK) {
        log_event(EVENT_PAGE_FAILED, "a list of the inbox is not up to date: %s", err_text(error));
    }
}

void web_close(struct web *web)
{
    if (web == NULL) {
        return;
    }
    http_close(web->http);
    hashings_abandon(web); /* its last rounds may have begun some */
    exports_abandon(web);
    loop_timer_clear(&web->fill);
    loop_timer_clear(&web->tidy);
    counted_free(web->counted);
    worklist_free(web->worklist);
    sessions_free(web->sessions);
    templates_free(web->templates);
    free(web);
}

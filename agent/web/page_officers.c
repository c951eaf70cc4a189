/* The administrator's page: who may use this inbox, new passwords, locks, and the log of who looked
 * at what. An administrator as such sees no case. What is done here goes through the same commands
 * as `referralctl agent officer`. */
#include <stdio.h>
#include <string.h>

#include "agent/web/web_parts.h"

static void view_officer_row(struct page *page, const struct officer *officer)
{
    json_object_begin(&page->view);
    named_text(&page->view, "name", officer->name);
    named_text(&page->view, "shown", officer->shown);
    named_text(&page->view, "office", officer->office);
    named_bool(&page->view, "member", (officer->roles & OFFICER_MEMBER) != 0);
    named_bool(&page->view, "leader", (officer->roles & OFFICER_LEADER) != 0);
    named_bool(&page->view, "manager", (officer->roles & OFFICER_MANAGER) != 0);
    named_bool(&page->view, "disabled", officer->disabled);
    named_bool(&page->view, "locked", officer_locked(officer, page->now_ms));
    named_bool(&page->view, "self", strcmp(officer->name, page_officer(page)->name) == 0);
    view_instant(page, "last_login", officer->last_login_ms);
    json_object_end(&page->view);
}

static enum err view_officers(struct page *page)
{
    struct officer officer = {.roles = 0};
    enum err error = OK;

    json_name(&page->view, "officers");
    json_array_begin(&page->view);
    while (error == OK) {
        error = officer_next(page->agent->setup.store, officer.name, &officer);
        if (error == OK) {
            view_officer_row(page, &officer);
        }
    }
    json_array_end(&page->view);
    crypto_wipe(&officer, sizeof(officer));
    return error == ERR_NOT_FOUND ? OK : error;
}

struct outcome { /* of what was asked */
    const char *field, *error;
    char name[OFFICER_NAME_BYTES];
    char password[OFFICER_GIVEN_BYTES]; /* shown once */
};

static void show(struct page *page, unsigned status, const struct outcome *outcome)
{
    static const char *const kept[] = {"name", "shown", "office", "roles"};

    page_begin(page, "admin", N_("账号管理"));
    for (size_t i = 0; outcome->error != NULL && i < sizeof(kept) / sizeof(kept[0]); i++) {
        const char *value = http_form(page->request, kept[i]);
        char name[32];

        (void)snprintf(name, sizeof(name), "typed_%s", kept[i]);
        named_text(&page->view, name, value != NULL ? value : "");
    }
    if (outcome->error != NULL) {
        named_text(&page->view, outcome->field, tr(page, outcome->error));
    }
    if (outcome->password[0] != '\0') {
        named_text(&page->view, "given_name", outcome->name);
        named_text(&page->view, "given_password", outcome->password);
    }
    if (view_officers(page) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    page_show(page, status, "officers");
}

/* --- what is done --- */

static const struct {
    const char *action, *command;
} actions[] = {{"add", "officer-add"},
               {"reset", "officer-reset"},
               {"disable", "officer-disable"},
               {"enable", "officer-enable"}};

static const struct {
    const char *code, *field, *zh;
} reasons[] = {
    {"officer.name", "error_name",
     N_("用户名用小写字母、数字和 - . _，字母开头，不超过 32 个字符。")},
    {"officer.exists", "error_name", N_("已有这个用户名。")},
    {"officer.roles", "error_roles", N_("请选择角色。")},
    {"officer.unknown", "error_name", N_("没有这个用户。")},
};

static const char *asked(const struct page *page, const char *name)
{
    const char *value = http_form(page->request, name);

    return value != NULL ? value : "";
}

static enum err ask(struct page *page, const char *command, struct json **ret_answer)
{
    static const char *const members[] = {"name", "shown", "office", "roles"};
    struct json_writer out;
    struct buf line;
    enum err error;

    buf_init(&line, 4096);
    json_writer_init(&out, &line);
    json_object_begin(&out);
    named_text(&out, "cmd", command);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        some_text(&out, members[i], asked(page, members[i]));
    }
    json_object_end(&out);
    error = json_writer_end(&out);
    if (error == OK) {
        error = page_ask(page, span_buf(&line), ret_answer);
    }
    buf_free(&line);
    return error;
}

static void read_answer(const struct json *answer, struct outcome *outcome)
{
    const struct json_value root = json_root(answer);
    const struct json_value code = json_member(&root, "code");
    const struct json_value password = json_member(&root, "password");
    const char *text;

    outcome->field = "flash_error";
    if (json_get_text(&password, sizeof(outcome->password) - 1, &text, NULL) == OK) {
        text_copy(outcome->password, sizeof(outcome->password), text);
    }
    if (json_get_text(&code, 64, &text, NULL) != OK) {
        return;
    }
    outcome->error = N_("没有保存，请检查填写的内容。");
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].code, text) == 0) {
            outcome->field = reasons[i].field;
            outcome->error = reasons[i].zh;
        }
    }
}

static const char *command_of(const char *action)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].action, action) == 0) {
            return actions[i].command;
        }
    }
    return NULL;
}

static void act(struct page *page)
{
    const char *command = command_of(asked(page, "do"));
    const bool self = strcmp(asked(page, "name"), page_officer(page)->name) == 0;
    struct outcome outcome = {.field = "flash_error"};
    struct json *answer = NULL;

    text_copy(outcome.name, sizeof(outcome.name), asked(page, "name"));
    if (command == NULL || (self && strcmp(command, "officer-disable") == 0)) {
        outcome.error = N_("不能停用自己的账号。");
    } else if (ask(page, command, &answer) != OK) {
        outcome.error = N_("暂时无法保存，请稍后再试。");
    } else {
        read_answer(answer, &outcome);
    }
    json_free(answer);
    if (outcome.error == NULL && strcmp(command, "officer-add") != 0 &&
        strcmp(command, "officer-enable") != 0) { /* who holds an old password is out */
        session_end_all(page->web->sessions, outcome.name, page->session);
    }
    show(page, outcome.error != NULL ? 400 : 200, &outcome);
    crypto_wipe(&outcome, sizeof(outcome));
}

void page_officers(struct page *page)
{
    const struct outcome none = {.error = NULL};

    if (!page_needs(page, OFFICER_MANAGER)) {
        return;
    }
    if (page->request->method == HTTP_POST) {
        act(page);
    } else {
        show(page, 200, &none);
    }
}

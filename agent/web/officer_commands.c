/* Officers by the agent's socket: how the first of them comes to be, and what an administrator does
 * without a browser. Called by commands.c on the loop thread; durable on return. A given password
 * is hashed here and now: the loop waits its 60 ms, an administrator's command is rare. */
#include <string.h>

#include "agent/show_parts.h"
#include "agent/web/officer.h"
#include "agent/web/officer_commands.h"

static enum err read_text(const struct json_value *request, const char *name, char *to, size_t size,
                          struct fault *fault)
{
    struct json_value value = json_member(request, name);
    const char *text = "";
    enum err error = json_absent(&value) ? OK : json_get_text(&value, size - 1, &text, fault);

    if (error == OK && !json_absent(&value)) {
        text_copy(to, size, text);
    }
    return error;
}

static enum err read_name(const struct json_value *request, struct officer *officer,
                          struct fault *fault)
{
    struct json_value value = json_member(request, "name");
    const char *text;
    enum err error = json_get_text(&value, OFFICER_NAME_BYTES - 1, &text, fault);

    if (error == OK && !officer_name_valid(text)) {
        error = json_refuse(&value, fault, "officer.name",
                            "expected 1 to 32 of a-z, 0-9, '-', '.' and '_', a letter first");
    }
    if (error == OK) {
        text_copy(officer->name, sizeof(officer->name), text);
    }
    return error;
}

static enum err find(struct agent *agent, const struct json_value *request, struct officer *officer,
                     struct fault *fault)
{
    enum err error = read_name(request, officer, fault);

    if (error == OK) {
        error = officer_get(agent->setup.store, officer->name, officer);
    }
    if (error == ERR_NOT_FOUND) {
        fault_set(fault, "officer.unknown", "name", "there is no officer of this name");
        fault_hint(fault, "`referralctl agent officer list` lists them");
    }
    return error;
}

/* A new password that whoever asked hands over, and that must be changed at the first login, unless
 * a laboratory says otherwise. */
static enum err give_password(struct agent *agent, const struct json_value *request,
                              struct officer *officer, struct json_writer *out)
{
    struct json_value keep = json_member(request, "keep");
    char password[OFFICER_GIVEN_BYTES];
    bool kept = false;
    enum err error;

    if (agent->setup.laboratory && !json_absent(&keep)) {
        (void)!json_get_bool(&keep, &kept, NULL);
    }
    officer_password_new(password);
    error = password_hash(span_text(password), officer->password);
    officer->must_change = !kept;
    officer->failures = 0;
    officer->locked_until_ms = 0;
    if (error == OK) {
        error = officer_put(agent->setup.store, officer);
    }
    if (error == OK) {
        named_text(out, "name", officer->name);
        named_text(out, "password", password);
    }
    crypto_wipe(password, sizeof(password));
    return error;
}

enum err officer_answer_add(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    struct json_value value = json_member(request, "roles");
    struct officer officer = {.roles = 0}, old;
    const char *roles;
    enum err error = read_name(request, &officer, fault);

    if (error == OK) {
        error = json_get_text(&value, 64, &roles, fault);
    }
    if (error == OK) {
        officer.roles = officer_roles_parse(roles);
    }
    if (error == OK && officer.roles == 0) {
        error = json_refuse(&value, fault, "officer.roles",
                            "expected some of member, leader and manager, with commas");
    }
    error = error == OK ? read_text(request, "shown", officer.shown, sizeof(officer.shown), fault)
                        : error;
    error = error == OK
                ? read_text(request, "office", officer.office, sizeof(officer.office), fault)
                : error;
    if (error != OK) {
        return error;
    }
    if (officer.shown[0] == '\0') {
        text_copy(officer.shown, sizeof(officer.shown), officer.name);
    }
    if (officer_get(agent->setup.store, officer.name, &old) == OK) {
        fault_set(fault, "officer.exists", "name", "there is an officer of this name already");
        fault_hint(fault, "`referralctl agent officer reset` gives a new password");
        return ERR_EXISTS;
    }
    return give_password(agent, request, &officer, out);
}

enum err officer_answer_reset(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    struct officer officer;
    enum err error = find(agent, request, &officer, fault);

    return error == OK ? give_password(agent, request, &officer, out) : error;
}

static enum err set_disabled(struct agent *agent, const struct json_value *request, bool disabled,
                             struct json_writer *out, struct fault *fault)
{
    struct officer officer;
    enum err error = find(agent, request, &officer, fault);

    if (error == OK) {
        officer.disabled = disabled;
        error = officer_put(agent->setup.store, &officer);
    }
    if (error == OK) {
        named_text(out, "name", officer.name);
        named_bool(out, "disabled", disabled);
    }
    return error;
}

enum err officer_answer_disable(struct agent *agent, const struct json_value *request,
                                struct json_writer *out, struct fault *fault)
{
    return set_disabled(agent, request, true, out, fault);
}

enum err officer_answer_enable(struct agent *agent, const struct json_value *request,
                               struct json_writer *out, struct fault *fault)
{
    return set_disabled(agent, request, false, out, fault);
}

enum err officer_answer_list(struct agent *agent, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    struct officer officer = {.roles = 0};
    enum err error = OK;

    (void)request;
    (void)fault;
    json_name(out, "officers");
    json_array_begin(out);
    while (error == OK) {
        error = officer_next(agent->setup.store, officer.name, &officer);
        if (error == OK) {
            json_object_begin(out);
            named_text(out, "name", officer.name);
            named_bool(out, "member", (officer.roles & OFFICER_MEMBER) != 0);
            named_bool(out, "leader", (officer.roles & OFFICER_LEADER) != 0);
            named_bool(out, "manager", (officer.roles & OFFICER_MANAGER) != 0);
            named_bool(out, "disabled", officer.disabled);
            named_bool(out, "locked", officer_locked(&officer, agent_wall_ms(agent)));
            named_instant(out, "last_login", officer.last_login_ms);
            json_object_end(out);
        }
    }
    json_array_end(out);
    return error == ERR_NOT_FOUND ? OK : error;
}

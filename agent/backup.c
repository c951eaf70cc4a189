/* The socket's commands about this agency's own backups: `backup` starts one, `backup-show` says
 * how far it is, what was made last and what failed. The work is lib/store/backups'; an answer
 * never waits for it. */
#include "agent/state.h"

static enum err refuse_none(struct fault *fault)
{
    fault_set(fault, "backup.none", "cmd", "this agent makes no backups");
    return ERR_REFUSED;
}

static enum err read_request(const struct json_value *request, const char **ret_out,
                             bool *ret_dry_run, struct fault *fault)
{
    struct json_value out = json_member(request, "out"), dry_run = json_member(request, "dry_run");
    enum err error = OK;

    *ret_out = NULL;
    *ret_dry_run = false;
    if (!json_absent(&out)) {
        error = json_get_text(&out, 512, ret_out, fault);
    }
    if (error == OK && !json_absent(&dry_run)) {
        error = json_get_bool(&dry_run, ret_dry_run, fault);
    }
    return error;
}

enum err backup_answer(struct agent *agent, const struct json_value *request,
                       struct json_writer *out, struct fault *fault)
{
    struct backups *backups = agent->setup.backups;
    struct backups_plan plan;
    const char *folder = NULL;
    bool dry_run = false;
    enum err error = read_request(request, &folder, &dry_run, fault);

    if (error == OK && backups == NULL) {
        return refuse_none(fault);
    }
    if (error == OK) {
        plan = *agent->setup.backups_plan;
        plan.now_ms = agent_wall_ms(agent);
        error = backups_check(backups, &plan, folder, fault);
    }
    if (error == OK && !dry_run) {
        error = backups_start(backups, agent->setup.store, &plan, folder, fault);
    }
    if (error == OK) {
        backups_write(backups, plan.folder, out);
        json_name(out, "dry_run");
        json_bool(out, dry_run);
    }
    return error;
}

enum err backup_answer_show(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    (void)request;
    if (agent->setup.backups == NULL) {
        return refuse_none(fault);
    }
    backups_write(agent->setup.backups, agent->setup.backups_plan->folder, out);
    return OK;
}

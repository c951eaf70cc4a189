/* What no good agent sends, so that it is seen who stops it: words that any message may have.
 *
 *     as=AGENCY           it says that this one sends it, signed by another
 *     id=NAME, id=new     about the referral of that name, or about none that is known
 *     without-case        it names no case
 *     sealed-to=AGENCY    one more can open it than is addressed
 *     without-guardian    of a minor; what an agent checks before it seals and signs */
#include <string.h>

#include "model/check.h"
#include "scenario/script.h"
#include "store/audit.h"

static bool fill_header(const struct world *world, struct step *step, struct message *message)
{
    const char *as = step_option(step, "as");
    const char *id = step_option(step, "id");
    struct named named = {.referral_id = script_new_id(world)};

    if (as != NULL) {
        text_copy(message->header.sender, LIMIT_AGENCY_ID_BYTES, as);
    }
    if (id != NULL) {
        if (strcmp(id, "new") != 0 && !world_named(world, id, &named)) {
            return step_fail(step, "no such referral or matter: %s", id);
        }
        message->header.referral_id = named.referral_id;
    }
    if (step_has(step, "without-case")) {
        memset(&message->header.case_id, 0, sizeof(message->header.case_id));
    }
    return true;
}

/* The rules that the sender's agent runs over the open body; refused, it is never sent. */
static void check_draft(struct world *world, const struct message *message)
{
    const struct check_context ctx = {.policy = world->policy, .registry = world->registry};
    const struct body_person minor = {.name = "某某", .minor = true};
    struct body body = {.officer = "某",
                        .circumstances = "家庭困难",
                        .reasons = "符合条件",
                        .persons = &minor,
                        .person_count = 1};
    struct message draft = *message;
    struct check_result result;

    draft.header.version = WIRE_VERSION;
    text_copy(body.sender, sizeof(body.sender), message->header.sender);
    text_copy(body.recipient, sizeof(body.recipient), message->header.recipient);
    body.message_id = message->header.message_id;
    body.case_id = message->header.case_id;
    message_check(&ctx, &draft, &body, &result);
    world->refusal = result.refusal;
    world->last_kind = message->header.kind;
    world->last_leaf = AUDIT_NONE;
    text_copy(world->detail, sizeof(world->detail), result.detail);
}

bool script_foul(struct world *world, struct step *step, struct message *message, bool *ret_send)
{
    const char *reader = step_option(step, "sealed-to");

    world->stowaway = reader != NULL ? world_actor(world, reader) : NULL;
    *ret_send = !step_has(step, "without-guardian");
    if (reader != NULL && world->stowaway == NULL) {
        return step_fail(step, "no such agency: %s", reader);
    }
    if (!fill_header(world, step, message)) {
        return false;
    }
    if (!*ret_send) {
        check_draft(world, message);
    }
    return true;
}

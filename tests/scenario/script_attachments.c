/* Steps about attachments: what `submits` names as its materials is sealed bytes that an agency can
 * upload and another fetch. */
#include <string.h>

#include "scenario/script.h"

#define MATERIALS 5u /* those of `submits` */

struct digest script_material(uint32_t index, uint8_t bytes[SCRIPT_MATERIAL_BYTES])
{
    memset(bytes, (int)index + 1, SCRIPT_MATERIAL_BYTES);
    return crypto_digest(span_of(bytes, SCRIPT_MATERIAL_BYTES));
}

static bool ask(struct world *world, struct actor *actor, struct asking *asking, bool *ret_good)
{
    struct region region;
    struct reply reply;
    bool answered;

    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    answered = actor_request(world, actor, asking, &region, &reply);
    *ret_good = answered && (reply.head.kind == REPLY_BLOB_PUT
                                 ? reply.head.blob_put.complete
                                 : reply.head.kind == REPLY_BLOB_GET &&
                                       reply.head.blob_get.data.len == SCRIPT_MATERIAL_BYTES);
    region_free(&region);
    return answered;
}

/* `A uploads`: all five. */
bool script_uploads(struct world *world, struct actor *actor, struct step *step)
{
    for (uint32_t i = 0; i < MATERIALS; i++) {
        struct asking asking = {.head = {.kind = REQUEST_BLOB_PUT}};
        uint8_t bytes[SCRIPT_MATERIAL_BYTES];
        bool good = false;

        asking.head.blob_put.digest = script_material(i, bytes);
        asking.head.blob_put.size = sizeof(bytes);
        asking.head.blob_put.data = span_of(bytes, sizeof(bytes));
        if (!ask(world, actor, &asking, &good)) {
            return step_fail(step, "no answer");
        }
        if (!good) {
            return step_fail(step, "material %u is not complete", (unsigned)i);
        }
    }
    return true;
}

/* `A downloads`: all five, or the first refusal is that of the step. */
bool script_downloads(struct world *world, struct actor *actor, struct step *step)
{
    for (uint32_t i = 0; i < MATERIALS; i++) {
        struct asking asking = {.head = {.kind = REQUEST_BLOB_GET}};
        uint8_t bytes[SCRIPT_MATERIAL_BYTES];
        bool good = false;

        asking.head.blob_get.digest = script_material(i, bytes);
        if (!ask(world, actor, &asking, &good)) {
            return step_fail(step, "no answer");
        }
        if (!good) {
            return world->refusal != REFUSAL_NONE || step_fail(step, "not the whole of it");
        }
    }
    return true;
}

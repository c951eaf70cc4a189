/* A broker whose disk is lost and restored from an old copy (docs/adr/0020): agencies keep what
 * they send and get with its proofs, and hand it back to the new log. What agents do of it beside
 * that, such as to prove the new log first, is tests/unit/agent/test_recovery.c's matter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scenario/world.h"

#define BATCH 32u

#define MUST(truth)                                                                                \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #truth);                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* --- what agencies keep --- */

struct kept *actor_kept(struct actor *actor, const struct uuid *message_id)
{
    for (size_t i = 0; i < actor->kept_count; i++) {
        if (uuid_equal(&actor->kept[i].message_id, message_id)) {
            return &actor->kept[i];
        }
    }
    return NULL;
}

void actor_keep(struct world *world, struct actor *actor, const struct uuid *message_id,
                struct span envelope, struct span receipt)
{
    struct kept *more, *kept;

    if (!world->keeping || actor_kept(actor, message_id) != NULL) {
        return;
    }
    more = realloc(actor->kept, (actor->kept_count + 1) * sizeof(*more));
    MUST(more != NULL);
    actor->kept = more;
    kept = &more[actor->kept_count++];
    *kept = (struct kept){.message_id = *message_id};
    buf_init(&kept->envelope, 2 * LIMIT_ENVELOPE_BYTES);
    buf_init(&kept->receipt, LIMIT_REQUEST_BYTES);
    MUST(buf_append(&kept->envelope, envelope.data, envelope.len) == OK);
    MUST(buf_append(&kept->receipt, receipt.data, receipt.len) == OK);
}

void actor_forget(struct actor *actor)
{
    for (size_t i = 0; i < actor->kept_count; i++) {
        buf_free(&actor->kept[i].envelope);
        buf_free(&actor->kept[i].receipt);
    }
    free(actor->kept);
    actor->kept = NULL;
    actor->kept_count = 0;
}

/* --- the store --- */

static void path_in(const struct world *world, const char *name, char out[128])
{
    MUST(snprintf(out, 128, "%s/%s", world->folder, name) < 128);
}

void world_snapshot(struct world *world, const char *name)
{
    struct fault fault = {.message = ""};
    char path[128], copy[64];

    (void)snprintf(copy, sizeof(copy), "copy-%.40s", name);
    path_in(world, copy, path);
    MUST(mkdir(path, 0700) == 0);
    MUST(store_copy(world->store, path, &fault) == OK);
    world->keeping = true;
}

void world_restore(struct world *world, const char *name)
{
    struct store_options options = {.kind = STORE_BROKER, .map_bytes = STORE_MAP_TEST_BYTES};
    struct broker_setup setup = {.io = broker_setup(world->broker)->io,
                                 .keyring = world->keyring,
                                 .key = &world->key,
                                 .software = "scenario"};
    char store[128], lost[128], copy[128], word[64];
    struct fault fault = {.message = ""};
    struct broker_new_log log;

    world_crash(world);
    path_in(world, "store", store);
    (void)snprintf(word, sizeof(word), "lost-%.40s", name);
    path_in(world, word, lost);
    (void)snprintf(word, sizeof(word), "copy-%.40s", name);
    path_in(world, word, copy);
    MUST(rename(store, lost) == 0);
    MUST(rename(copy, store) == 0);
    memset(options.mac_key.bytes, 7, sizeof(options.mac_key.bytes)); /* as in world_start */
    MUST(store_open(store, &options, &setup.store, &fault) == OK);
    MUST(broker_open_log(&setup, span_text("the disk was lost"), &log, &fault) == OK);
    store_close(setup.store);
    world_start(world);
}

/* --- handing back --- */

static bool hand_back_some(struct world *world, struct actor *actor, size_t from, size_t count)
{
    struct handed_back items[BATCH];
    struct asking asking = {.head = {.kind = REQUEST_HAND_BACK}};
    struct region region;
    struct reply reply;
    bool taken;

    for (size_t i = 0; i < count; i++) {
        items[i] = (struct handed_back){.envelope = span_buf(&actor->kept[from + i].envelope),
                                        .receipt = span_buf(&actor->kept[from + i].receipt)};
    }
    asking.head.hand_back.items = items;
    asking.head.hand_back.item_count = count;
    asking.head.hand_back.all = from + count == actor->kept_count;
    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    taken = actor_request(world, actor, &asking, &region, &reply) &&
            reply.head.kind == REPLY_HAND_BACK && reply.head.hand_back.code_count == count;
    for (size_t i = 0; taken && i < count; i++) {
        world->refusal = (enum refusal)reply.head.hand_back.codes[i];
        taken = world->refusal == REFUSAL_NONE;
    }
    region_free(&region);
    return taken;
}

bool world_hand_back(struct world *world, struct actor *actor)
{
    size_t from = 0;
    bool taken;

    do {
        size_t count = actor->kept_count - from < BATCH ? actor->kept_count - from : BATCH;

        taken = hand_back_some(world, actor, from, count);
        from += count;
    } while (taken && from < actor->kept_count);
    world_settle(world);
    return taken;
}

void world_take_again(struct world *world, struct actor *actor)
{
    size_t again;

    do {
        again = 0;
        (void)actor_fetch(world, actor, BATCH);
        for (size_t i = 0; i < actor->held_count; i++) {
            if (actor->held[i].again) {
                actor->held[again++] = actor->held[i];
            }
        }
        actor->held_count = again;
        actor_acknowledge(world, actor);
    } while (again > 0);
}

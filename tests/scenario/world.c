/* The simulated city: clocks that move when told, a link that is a function call. */
#include "crypto_start.h"
#include "scenario/world.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "broker/intake.h"
#include "io/calendar_folder.h"
#include "store/blobs.h"

#define DIE(...)                                                                                   \
    do {                                                                                           \
        (void)fprintf(stderr, __VA_ARGS__);                                                        \
        abort();                                                                                   \
    } while (0)

static uint64_t io_wall(void *ctx)
{
    return ((struct world *)ctx)->wall_ms;
}

static uint64_t io_boot(void *ctx)
{
    return ((struct world *)ctx)->boot_ms;
}

/* A seeded stream (splitmix64): a scenario is the same every time. */
static void io_seeded(void *ctx, void *out, size_t len)
{
    struct world *world = ctx;
    uint8_t *at = out;

    for (size_t i = 0; i < len; i++) {
        uint64_t z = (world->seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        at[i] = (uint8_t)(z >> 56);
    }
}

static void io_wake(void *ctx, uint64_t boot_ms)
{
    ((struct world *)ctx)->wake_boot_ms = boot_ms;
}

static void io_answer(void *ctx, uint64_t handle, struct buf *bytes)
{
    struct world *world = ctx;

    if (handle == world->handle && !world->cut) {
        buf_free(&world->reply);
        world->reply = *bytes;
        buf_init(bytes, 0);
    } else {
        buf_free(bytes);
    }
}

static void io_forget(void *ctx, uint64_t handle)
{
    (void)ctx;
    (void)handle;
}

static bool io_point(void *ctx, const char *point)
{
    (void)ctx;
    (void)point;
    return false;
}

static const struct io_ops seam = {.wall_ms = io_wall,
                                   .boot_ms = io_boot,
                                   .random = io_seeded,
                                   .wake_at = io_wake,
                                   .reply = io_answer,
                                   .drop = io_forget,
                                   .fault = io_point};

static void must(enum err error, const struct fault *fault, const char *what)
{
    if (error != OK) {
        DIE("%s: %s: %s: %s\n", what, err_text(error), fault->place, fault->message);
    }
}

/* The city's own folder begins with what is shipped. */
static void load_calendar(struct world *world, struct fault *fault)
{
    static const char *const shipped[] = {"2023", "2024", "2025", "2026", "2027-statutory"};
    struct calendar_installation done;
    struct buf text;

    (void)snprintf(world->calendars, sizeof(world->calendars), "%s/calendars", world->folder);
    must(folder_make(world->calendars, 0700, fault), fault, "calendar");
    for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
        struct calendar_candidate candidate;
        char path[64];

        (void)snprintf(path, sizeof(path), "config/calendars/%s.json", shipped[i]);
        buf_init(&text, LIMIT_CONFIG_BYTES);
        must(file_read(path, &text, fault), fault, "calendar");
        must(calendar_candidate_name(path, span_buf(&text), &candidate, fault), fault, "calendar");
        must(calendar_folder_install(world->calendars, &candidate, &done, fault), fault,
             "calendar");
        buf_free(&text);
    }
    must(calendar_folder_load(world->calendars, &world->calendar, fault), fault, "calendar");
}

bool world_calendar(struct world *world, const char *name)
{
    struct fault fault = {.code = ""};
    struct calendar_candidate candidate;
    struct calendar_installation done;
    struct calendar *fresh = NULL;
    char path[128];
    struct buf text;
    enum err error;

    (void)snprintf(path, sizeof(path), "tests/scenario/calendars/%s", name);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = file_read(path, &text, &fault);
    if (error == OK) {
        error = calendar_candidate_name(path, span_buf(&text), &candidate, &fault);
    }
    if (error == OK) {
        error = calendar_folder_install(world->calendars, &candidate, &done, &fault);
    }
    if (error == OK) {
        error = calendar_folder_load(world->calendars, &fresh, &fault);
    }
    buf_free(&text);
    if (error != OK) {
        return false;
    }
    if (!world->down) {
        broker_use_calendar(world->broker, fresh);
    }
    calendar_free(world->calendar);
    world->calendar = fresh;
    world_settle(world);
    return true;
}

/* The city of the scenarios has an associate as well: a hospital, reached by letter. */
static const char associate[] =
    "\n  - id: hospital\n    number: 900\n    class: A\n    prefix: YY\n"
    "    name: {zh: 示例医院, en: Example Hospital}\n"
    "    office: {zh: 医务科, en: Medical Office}\n    duties: []\n";

static void load_rules(struct world *world)
{
    struct fault fault = {.code = ""};

    buf_init(&world->registry_text, LIMIT_CONFIG_BYTES);
    buf_init(&world->policy_text, LIMIT_CONFIG_BYTES);
    must(file_read("config/agencies.yaml", &world->registry_text, &fault), &fault, "registry");
    must(buf_append_text(&world->registry_text, associate), &fault, "registry");
    must(registry_read("agencies.yaml", span_buf(&world->registry_text), &world->registry, &fault),
         &fault, "registry");
    must(file_read("config/policy.yaml", &world->policy_text, &fault), &fault, "policy");
    must(policy_read("policy.yaml", span_buf(&world->policy_text), world->registry, &world->policy,
                     &fault),
         &fault, "policy");
    world->policy->attachments_required = false; /* until a scenario says otherwise */
    load_calendar(world, &fault);
}

static void add_key(struct key_entry *entry, const char *owner, enum key_use use,
                    const uint8_t public_key[32])
{
    memset(entry, 0, sizeof(*entry));
    text_copy(entry->owner, sizeof(entry->owner), owner);
    entry->use = use;
    memcpy(entry->public_key, public_key, 32);
    entry->to_ms = UINT64_MAX;
}

static void make_keys(struct world *world)
{
    struct key_entry entries[2 * WORLD_AGENCIES + 1];
    struct fault fault = {.code = ""};
    struct buf text;
    size_t count = 0;

    sign_key_new(&world->key);
    add_key(&entries[count++], "broker", KEY_SIGN, world->key.public_key);
    world->actor_count = registry_count(world->registry);
    assert(world->actor_count <= WORLD_AGENCIES);
    for (size_t i = 0; i < world->actor_count; i++) {
        struct actor *actor = &world->actors[i];

        actor->agency = registry_at(world->registry, i);
        sign_key_new(&actor->sign);
        seal_key_new(&actor->seal);
        add_key(&entries[count++], actor->agency->id, KEY_SIGN, actor->sign.public_key);
        add_key(&entries[count++], actor->agency->id, KEY_SEAL, actor->seal.public_key);
    }
    buf_init(&text, LIMIT_CONFIG_BYTES);
    must(keyring_write("broker.scenario", entries, count, &text), &fault, "keys");
    must(keyring_load_text("keys", span_buf(&text), &world->keyring, &fault), &fault, "keys");
    buf_free(&text);
}

void world_open(struct world *world)
{
    memset(world, 0, sizeof(*world));
    must(crypto_start(), NULL, "crypto");
    memcpy(world->folder, "/tmp/referral-scenario-XXXXXX", 30);
    if (mkdtemp(world->folder) == NULL) {
        DIE("no temporary folder\n");
    }
    world->seed = 20230508;
    world->blobs_percent = 100;
    world->boot_ms = 5000000;
    world->wake_boot_ms = UINT64_MAX;
    buf_init(&world->reply, LIMIT_REQUEST_BYTES);
    buf_init(&world->last_request, LIMIT_REQUEST_BYTES);
    buf_init(&world->last_receipt, LIMIT_REQUEST_BYTES);
    load_rules(world);
    make_keys(world);
    world->down = true;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void world_close(struct world *world)
{
    if (!world->down) {
        world_crash(world);
    }
    for (size_t i = 0; i < world->actor_count; i++) {
        actor_forget(&world->actors[i]);
    }
    keyring_free(world->keyring);
    calendar_free(world->calendar);
    policy_free(world->policy);
    registry_free(world->registry);
    buf_free(&world->registry_text);
    buf_free(&world->policy_text);
    buf_free(&world->reply);
    buf_free(&world->last_request);
    buf_free(&world->last_receipt);
    (void)nftw(world->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void world_start(struct world *world)
{
    struct store_options options = {
        .kind = STORE_BROKER, .map_bytes = STORE_MAP_TEST_BYTES, .create = true};
    struct broker_setup setup = {.io = {.ops = &seam, .ctx = world},
                                 .registry = world->registry,
                                 .policy = world->policy,
                                 .calendar = world->calendar,
                                 .keyring = world->keyring,
                                 .key = &world->key,
                                 .registry_text = span_buf(&world->registry_text),
                                 .policy_text = span_buf(&world->policy_text),
                                 .software = "scenario",
                                 .queue_max = world->queue_max};
    struct fault fault = {.code = ""};
    char folder[96];

    (void)snprintf(folder, sizeof(folder), "%s/store", world->folder);
    memset(options.mac_key.bytes, 7, sizeof(options.mac_key.bytes));
    must(store_open(folder, &options, &world->store, &fault), &fault, "store");
    setup.store = world->store;
    (void)snprintf(folder, sizeof(folder), "%s/attachments", world->folder);
    must(blobs_open(folder, &(struct blobs_options){.refuse_percent = world->blobs_percent},
                    &world->blobs, &fault),
         &fault, "attachments");
    setup.blobs = world->blobs;
    must(broker_new(&setup, &world->broker, &fault), &fault, "broker");
    world->down = false;
    for (size_t i = 0; i < world->actor_count; i++) {
        world->actors[i].counter = 0; /* sessions end with the run */
    }
    world_settle(world);
}

void world_stop(struct world *world)
{
    broker_stop(world->broker);
    broker_turn(world->broker);
    world_crash(world);
}

void world_crash(struct world *world)
{
    broker_free(world->broker);
    store_close(world->store);
    blobs_close(world->blobs);
    world->broker = NULL;
    world->store = NULL;
    world->down = true;
    world->wake_boot_ms = UINT64_MAX;
}

void world_settle(struct world *world)
{
    unsigned turns = 0;

    if (world->down) {
        return;
    }
    do {
        broker_turn(world->broker);
        if (broker_failure(world->broker) != OK) {
            DIE("the broker failed: %s\n", err_text(broker_failure(world->broker)));
        }
        if (++turns > 10000) {
            DIE("the broker never has enough\n");
        }
    } while (broker_has_work(world->broker));
}

void world_pass(struct world *world, uint64_t ms)
{
    uint64_t end_ms = world->boot_ms + ms;

    while (!world->down && world->wake_boot_ms <= end_ms) {
        uint64_t wake_ms =
            world->wake_boot_ms > world->boot_ms ? world->wake_boot_ms : world->boot_ms;

        world->wall_ms += wake_ms - world->boot_ms;
        world->boot_ms = wake_ms;
        world->wake_boot_ms = UINT64_MAX;
        world_settle(world);
        if (world->wake_boot_ms <= world->boot_ms) {
            DIE("the broker asks to be woken in the past, for ever\n");
        }
    }
    world->wall_ms += end_ms - world->boot_ms;
    world->boot_ms = end_ms;
}

struct actor *world_actor(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->actor_count; i++) {
        if (strcmp(world->actors[i].agency->id, id) == 0) {
            return &world->actors[i];
        }
    }
    return NULL;
}

struct tale *world_tale(struct world *world, const char *name)
{
    for (size_t i = 0; i < world->tale_count; i++) {
        if (strcmp(world->tales[i].name, name) == 0) {
            return &world->tales[i];
        }
    }
    return NULL;
}

static void name_tale(const struct tale *tale, struct named *ret_named)
{
    *ret_named = (struct named){.tale = tale,
                                .message_id = tale->message_id,
                                .case_id = tale->case_id,
                                .referral_id = tale->referral_id,
                                .case_number = tale->case_number,
                                .number = tale->number};
}

static void name_affair(const struct affair *affair, struct named *ret_named)
{
    *ret_named = (struct named){.affair = affair,
                                .message_id = affair->message_id,
                                .case_id = affair->case_id,
                                .referral_id = affair->matter_id,
                                .case_number = affair->case_number,
                                .number = affair->number};
}

bool world_named(const struct world *world, const char *name, struct named *ret_named)
{
    for (size_t i = 0; i < world->tale_count; i++) {
        if (strcmp(world->tales[i].name, name) == 0) {
            name_tale(&world->tales[i], ret_named);
            return true;
        }
    }
    for (size_t i = 0; i < world->affair_count; i++) {
        if (strcmp(world->affairs[i].name, name) == 0) {
            name_affair(&world->affairs[i], ret_named);
            return true;
        }
    }
    return false;
}

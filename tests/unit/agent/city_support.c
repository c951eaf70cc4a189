/* The broker's side, and what travels between. See city_support.h. For tests only. */
#include "city_support.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/acts.h"
#include "broker/intake.h"

struct city city;
const char *const city_names[DESKS] = {"procuratorate", "education", "civil-affairs"};

/* --- the broker's world --- */

static uint64_t io_wall_cb(void *ctx)
{
    return ((struct city *)ctx)->wall_ms;
}

static uint64_t io_boot_cb(void *ctx)
{
    return ((struct city *)ctx)->boot_ms;
}

uint64_t chance(uint64_t below)
{
    uint64_t z = (city.seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static void io_random_cb(void *ctx, void *out, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)out)[i] = (uint8_t)chance(256);
    }
}

static void io_wake_cb(void *ctx, uint64_t boot_ms)
{
    ((struct city *)ctx)->wake_ms = boot_ms;
}

static struct flight *flight_of(uint64_t handle)
{
    for (size_t i = 0; i < FLIGHTS; i++) {
        if (city.flights[i].used && city.flights[i].handle == handle) {
            return &city.flights[i];
        }
    }
    return NULL;
}

static void io_reply_cb(void *ctx, uint64_t handle, struct buf *bytes)
{
    struct flight *flight = flight_of(handle);
    (void)ctx;
    ck_assert_ptr_nonnull(flight);
    ck_assert(!flight->answered);
    flight->reply = *bytes;
    flight->answered = true;
    buf_init(bytes, 0);
}

static void io_drop_cb(void *ctx, uint64_t handle)
{
    struct flight *flight = flight_of(handle);
    (void)ctx;
    ck_assert_ptr_nonnull(flight);
    flight->answered = true;
}

static bool io_point_cb(void *ctx, const char *point)
{
    (void)ctx;
    (void)point;
    return false;
}

static const struct io_ops broker_ops = {.wall_ms = io_wall_cb,
                                         .boot_ms = io_boot_cb,
                                         .random = io_random_cb,
                                         .wake_at = io_wake_cb,
                                         .reply = io_reply_cb,
                                         .drop = io_drop_cb,
                                         .fault = io_point_cb};

void broker_settle(void)
{
    unsigned turns = 0;
    do {
        broker_turn(city.broker);
        ck_assert_int_eq(broker_failure(city.broker), OK);
        ck_assert_uint_lt(++turns, 10000);
    } while (broker_has_work(city.broker));
}

static struct store *open_store(const char *name)
{
    struct store_options options = {
        .kind = STORE_BROKER, .map_bytes = STORE_MAP_TEST_BYTES, .create = true};
    struct fault fault = {.code = ""};
    struct store *store = NULL;
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/%s", city.folder, name);
    memset(options.mac_key.bytes, 7, sizeof(options.mac_key.bytes));
    ck_assert_msg(store_open(path, &options, &store, &fault) == OK, "%s", fault.message);
    return store;
}

void broker_begin(void)
{
    struct fault fault = {.code = ""};
    city.store = open_store("store");
    struct broker_setup setup = {.io = {.ops = &broker_ops, .ctx = &city},
                                 .store = city.store,
                                 .registry = city.realm.registry,
                                 .policy = city.realm.policy,
                                 .calendar = city.calendar,
                                 .keyring = city.realm.keyring,
                                 .key = &city.realm.broker,
                                 .registry_text = span_buf(&city.realm.registry_text),
                                 .document = city.document,
                                 .software = "test"};
    ck_assert_msg(broker_new(&setup, &city.broker, &fault) == OK, "%s", fault.message);
    broker_settle();
}

/* --- a store that is lost --- */

static int remove_cb(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static void path_in(char out[80], const char *name)
{
    (void)snprintf(out, 80, "%s/%s", city.folder, name);
}

void broker_snapshot(const char *name)
{
    struct fault fault = {.code = ""};
    char path[80];
    path_in(path, name);
    (void)nftw(path, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_msg(store_copy(city.store, path, &fault) == OK, "%s", fault.message);
}

void broker_lose(const char *copy)
{
    char from[80], to[80];
    broker_free(city.broker);
    store_close(city.store);
    city.broker = NULL;
    for (size_t i = 0; i < FLIGHTS; i++) {
        city.flights[i].answered = true;
    }
    city.wake_ms = UINT64_MAX;
    path_in(from, "store");
    path_in(to, "lost");
    (void)nftw(to, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
    ck_assert_int_eq(rename(from, to), 0);
    path_in(to, copy);
    ck_assert(rename(to, from) == 0 || errno == ENOENT); /* without a copy an empty store is made */
}

struct store *broker_lost_store(void)
{
    return open_store("lost");
}

void broker_open_new_log(void)
{
    struct broker_new_log log;
    struct fault fault = {.code = ""};
    struct broker_setup setup = {.io = {.ops = &broker_ops, .ctx = &city},
                                 .store = open_store("store"),
                                 .keyring = city.realm.keyring,
                                 .key = &city.realm.broker};
    ck_assert_msg(broker_open_log(&setup, span_text("disk lost"), &log, &fault) == OK, "%s",
                  fault.message);
    store_close(setup.store);
}

void broker_go_on_without(size_t place)
{
    struct act act = {.name = "recovery-go-on", .role = "operator", .reason = span_text("away")};
    ck_assert_int_eq(broker_recovery_go_on(city.broker, place, &act), OK);
}

void broker_go_on_without_others(void)
{
    for (size_t i = 0; i < registry_count(city.realm.registry); i++) {
        bool desk = false;
        for (size_t j = 0; j < DESKS; j++) {
            desk = desk || strcmp(registry_at(city.realm.registry, i)->id, city_names[j]) == 0;
        }
        if (!desk) {
            broker_go_on_without(i);
        }
    }
    broker_settle();
}

/* As by a power cut: what was asked gets no answer, sessions end. */
void broker_restart(void)
{
    broker_free(city.broker);
    store_close(city.store);
    for (size_t i = 0; i < FLIGHTS; i++) {
        city.flights[i].answered = true;
    }
    city.wake_ms = UINT64_MAX;
    broker_begin();
}

void city_open(void)
{
    city_open_edited(NULL, NULL);
}

void city_open_edited(const char *agency, const char *line)
{
    realm_open_edited(&city.realm, agency, line);
    city.realm.policy->witness_quorum = DESKS; /* all who countersign */
    city.calendar = city.realm.calendar;
    city.document = (struct registry_document){.version = 0};
    city.wall_ms = DESK_START_MS;
    city.boot_ms = 1000000;
    city.wake_ms = UINT64_MAX;
    folder_new(city.folder);
    broker_begin();
    for (size_t i = 0; i < DESKS; i++) {
        desk_open(&city.desks[i], &city.realm, city_names[i]);
        city.desks[i].seed += i;
        agent_connected(city.desks[i].agent, true);
    }
}

static void flight_end(struct flight *flight)
{
    buf_free(&flight->bytes);
    buf_free(&flight->reply);
    flight->used = false;
}

void city_close(void)
{
    broker_free(city.broker);
    store_close(city.store);
    for (size_t i = 0; i < FLIGHTS; i++) {
        if (city.flights[i].used) {
            flight_end(&city.flights[i]);
        }
    }
    for (size_t i = 0; i < DESKS; i++) {
        desk_close(&city.desks[i]);
    }
    calendar_free(city.newer);
    realm_close(&city.realm);
    (void)nftw(city.folder, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- what travels --- */

/* A request that no broker has seen leaves the agent. */
bool hand_over(size_t place, enum agent_slot slot)
{
    struct desk *desk = &city.desks[place];
    struct flight *flight = NULL;
    struct intake *intake = NULL;
    if (!desk->asks[slot].open || city.handed[place][slot] == desk->asked[slot]) {
        return false;
    }
    for (size_t i = 0; i < FLIGHTS && flight == NULL; i++) {
        flight = city.flights[i].used ? NULL : &city.flights[i];
    }
    if (flight == NULL) {
        return false;
    }
    const struct buf *bytes = &desk->asks[slot].bytes;
    *flight = (struct flight){.used = true,
                              .handle = ++city.handles,
                              .desk = place,
                              .slot = slot,
                              .number = desk->asked[slot]};
    city.handed[place][slot] = desk->asked[slot];
    buf_init(&flight->bytes, LIMIT_REQUEST_BYTES);
    buf_init(&flight->reply, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(buf_append(&flight->bytes, bytes->data, bytes->len), OK);
    ck_assert_int_eq(
        intake_open(broker_intake(city.broker), span_buf(&flight->bytes), &intake, &flight->reply),
        OK);
    intake->handle = flight->handle;
    intake->pipe = (uint32_t)place + 1;
    broker_take(city.broker, intake);
    broker_settle();
    return true;
}

/* A reply arrives, or is lost. */
bool arrive(struct flight *flight, bool lost)
{
    struct desk *desk = &city.desks[flight->desk];
    if (!flight->used || !flight->answered) {
        return false;
    }
    bool awaited = desk->asks[flight->slot].open && desk->asked[flight->slot] == flight->number;
    if (awaited && lost) {
        desk_fail(desk, flight->slot, ERR_TIMEOUT);
    } else if (awaited && flight->reply.len > 0) {
        desk_reply(desk, flight->slot, span_buf(&flight->reply));
    } else if (awaited) {
        desk_fail(desk, flight->slot, ERR_CLOSED);
    }
    flight_end(flight);
    return true;
}

void city_pass(uint64_t ms)
{
    uint64_t end_ms = city.boot_ms + ms;
    while (city.wake_ms <= end_ms) {
        uint64_t at_ms = city.wake_ms > city.boot_ms ? city.wake_ms : city.boot_ms;
        city.wall_ms += at_ms - city.boot_ms;
        city.boot_ms = at_ms;
        city.wake_ms = UINT64_MAX;
        broker_settle();
    }
    city.wall_ms += end_ms - city.boot_ms;
    city.boot_ms = end_ms;
    for (size_t i = 0; i < DESKS; i++) {
        desk_pass(&city.desks[i], ms);
    }
}

/* Everything that travels arrives, until nobody has anything to send or to get. */
void settle_city(void)
{
    unsigned quiet = 0;
    for (unsigned round = 0; quiet < 30; round++) { /* longer than any wait after a failure */
        bool moved = false;
        ck_assert_msg(round < 3000, "the city never comes to rest");
        for (size_t i = 0; i < DESKS * SLOT_COUNT; i++) {
            moved |= hand_over(i / SLOT_COUNT, (enum agent_slot)(i % SLOT_COUNT));
        }
        for (size_t i = 0; i < FLIGHTS; i++) {
            moved |= arrive(&city.flights[i], false);
        }
        quiet = moved ? quiet : quiet + 1;
        city_pass(moved ? 10 : 500);
    }
}

void city_add_lives(TCase *tcase, const TTest *test, int seed, int count)
{
    const char *one = getenv("REFERRAL_SEED");
    int wanted = 0;
    for (const char *at = one; at != NULL && *at >= '0' && *at <= '9' && wanted < 100000; at++) {
        wanted = wanted * 10 + (*at - '0');
    }
    if (one == NULL) {
        tcase_add_loop_test(tcase, test, 0, count);
    } else if (wanted / 1000 == seed / 1000) {
        tcase_add_loop_test(tcase, test, wanted - seed, wanted - seed + 1);
    }
}

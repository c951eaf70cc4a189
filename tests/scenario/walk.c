/* A random walk over all messages: `walk SEED STEPS`. It makes up lines of the scenarios' language,
 * sensible ones and others, with crashes, days that pass, jumps of the clock and new calendars
 * between, and looks after each at what must hold whatever happens:
 *
 *   - what was receipted is in the log, and each who is addressed has it or it waits for him
 *   - a referral goes from state to state as domain section 4 has it, and nowhere else
 *   - each rung is raised once for its clock, and not before it fell due
 *   - what the statistics count in the store is what the log tells
 *
 * Every date and rung is printed for walk.py, which computes it again. Ends with 1 at the first
 * thing that does not hold, with the seed and the last lines. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/statistics.h"
#include "scenario/script.h"
#include "store/audit.h"
#include "store/cases.h"
#include "store/queue.h"

#define RUNGS_MAX  8192u
#define TRACE_ROWS 12u

struct counted { /* of one agency, from the log; in the store the same is statistics */
    uint64_t received, delivered, is_signed, answers, late_answers, documents, resolved;
};

struct walk {
    struct world world;
    uint64_t dice;
    uint64_t seen;                               /* leaves looked at */
    uint64_t streamed[WORLD_AGENCIES];           /* leaves that were queued to it */
    uint64_t taken[WORLD_AGENCIES];              /* and that it acknowledged */
    enum referral_state states[WORLD_REFERRALS]; /* when last seen */
    struct digest raised[RUNGS_MAX];             /* each rung by its key */
    size_t raised_count;
    struct counted counted[WORLD_AGENCIES];
    bool kinds[MESSAGE_AGENCY_KIND_COUNT]; /* taken at least once */
    uint64_t receipted;                    /* the newest leaf that a receipt proved */
    unsigned sent, refused, names;
    char trace[TRACE_ROWS][256]; /* the last lines */
    size_t at;
};

static bool wrong(const struct walk *walk, const char *what, const char *about)
{
    for (size_t i = 0; i < TRACE_ROWS; i++) {
        (void)printf("# %s\n", walk->trace[(walk->at + i) % TRACE_ROWS]);
    }
    (void)printf("wrong %s: %s\n", what, about);
    return false;
}

static uint64_t throw_dice(struct walk *walk, uint64_t sides)
{
    uint64_t z = (walk->dice += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % sides;
}

/* ---- the log ---- */

static size_t place_of(const struct walk *walk, const char *agency)
{
    size_t i = 0;

    while (i < walk->world.actor_count && strcmp(walk->world.actors[i].agency->id, agency) != 0) {
        i++;
    }
    return i;
}

static const struct tale *tale_of(const struct walk *walk, const struct leaf_record *record)
{
    for (size_t i = 0; i < walk->world.tale_count; i++) {
        if (uuid_equal(&walk->world.tales[i].referral_id, &record->referral_id)) {
            return &walk->world.tales[i];
        }
    }
    return NULL;
}

static bool see_rung(struct walk *walk, const struct leaf_record *record)
{
    const struct leaf_rung *rung = &record->rung;
    char key[160];
    struct digest digest;

    (void)snprintf(key, sizeof(key), "%s %" PRIu32 " %" PRIu32 " %s", record->referral_number,
                   rung->task, rung->window, rung->rung);
    digest = crypto_digest(span_text(key));
    for (size_t i = 0; i < walk->raised_count; i++) {
        if (digest_equal(&walk->raised[i], &digest)) {
            return wrong(walk, "raised twice", key);
        }
    }
    if (walk->raised_count == RUNGS_MAX) {
        return wrong(walk, "too many rungs", key);
    }
    walk->raised[walk->raised_count++] = digest;
    (void)printf("rung %s %" PRIu64 " %" PRIu64 "\n", key, record->at_ms, rung->fell_due_ms);
    return record->at_ms >= rung->fell_due_ms || wrong(walk, "raised early", key);
}

/* For walk.py: of a window or task, all that its date is made of. */
static void tell_window(const struct leaf_record *record)
{
    const struct leaf_window *window = &record->window;

    (void)printf("%s %s %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu64 " %" PRIu64
                 " %" PRIu64 " %d\n",
                 record->kind == LEAF_WINDOW_REDATED ? "redated" : "opened",
                 record->referral_number, window->task, window->number, window->arrival_ms,
                 window->working_days, window->due_before_ms, window->old_due_before_ms,
                 record->at_ms, window->provisional);
}

/* What the statistics count, from the leaves of a referral. */
static void count_leaf(struct walk *walk, const struct tale *tale, const struct leaf_record *record)
{
    struct counted *counted = &walk->counted[place_of(walk, tale->receiver->agency->id)];
    bool referral = record->message_kind == MESSAGE_OUTBOUND_REFERRAL ||
                    record->message_kind == MESSAGE_INBOUND_REFERRAL;

    switch (record->kind) {
    case LEAF_MESSAGE:
        counted->received += referral;
        break;
    case LEAF_WINDOW_OPENED:
        counted->delivered += record->window.number == 1;
        break;
    case LEAF_WINDOW_STOPPED:
        counted->answers++;
        counted->late_answers += record->window.late;
        break;
    case LEAF_RUNG_RAISED:
        counted->documents += record->rung.document_number[0] != '\0';
        break;
    case LEAF_RUNG_RESOLVED:
        counted->resolved++;
        break;
    default:
        break;
    }
}

static bool see_leaf(struct walk *walk, const struct leaf_record *record)
{
    const struct tale *tale = tale_of(walk, record);

    if (record->kind == LEAF_MESSAGE && record->message_kind < MESSAGE_AGENCY_KIND_COUNT) {
        walk->kinds[record->message_kind] = true;
    }
    if (record->kind == LEAF_MESSAGE && record->has_stream) {
        walk->streamed[place_of(walk, record->recipient)]++;
    }
    if (record->has_window && record->kind != LEAF_WINDOW_STOPPED &&
        record->kind != LEAF_TASK_CLOSED && record->kind != LEAF_WINDOW_CANCELLED) {
        tell_window(record);
    }
    if (tale != NULL) {
        count_leaf(walk, tale, record);
    }
    return record->kind != LEAF_RUNG_RAISED || see_rung(walk, record);
}

static bool see_log(struct walk *walk, struct store_txn *read)
{
    struct audit_walk leaves;
    struct audit_entry entry;
    enum err error = audit_walk_open(read, walk->seen, &leaves);
    bool good = true;

    while (good && error == OK && (error = audit_walk_next(&leaves, &entry)) == OK) {
        struct leaf_record record;
        struct region region;

        region_init(&region, LIMIT_PARSE_BYTES(entry.record.len));
        good = leaf_record_decode(entry.record, &region, &record, NULL) == OK
                   ? see_leaf(walk, &record)
                   : wrong(walk, "leaf", "cannot be decoded");
        region_free(&region);
        walk->seen++;
    }
    audit_walk_close(&leaves);
    if (good && error != ERR_NOT_FOUND) {
        return wrong(walk, "log", err_text(error));
    }
    return good && (walk->receipted < walk->seen || wrong(walk, "log", "a receipted leaf is gone"));
}

/* ---- queues ---- */

static bool see_queues(const struct walk *walk, struct store_txn *read)
{
    for (size_t i = 0; i < walk->world.actor_count; i++) {
        const struct agency *agency = walk->world.actors[i].agency;
        uint64_t waiting = 0, oldest_ms;

        if (queue_waiting(read, agency->number, &waiting, &oldest_ms) != OK ||
            waiting + walk->taken[i] != walk->streamed[i]) {
            (void)printf("# %" PRIu64 " wait, %" PRIu64 " were taken, %" PRIu64 " were queued\n",
                         waiting, walk->taken[i], walk->streamed[i]);
            return wrong(walk, "queue of", agency->id);
        }
    }
    return true;
}

/* ---- states ---- */

static bool may_follow(enum referral_state from, enum referral_state to)
{
    static const struct {
        enum referral_state from, to;
    } steps[] = {{REFERRAL_SUBMITTED, REFERRAL_QUEUED},    {REFERRAL_QUEUED, REFERRAL_DELIVERED},
                 {REFERRAL_QUEUED, REFERRAL_RETURNED},     {REFERRAL_QUEUED, REFERRAL_WITHDRAWN},
                 {REFERRAL_DELIVERED, REFERRAL_ANSWERED},  {REFERRAL_DELIVERED, REFERRAL_PROCEDURE},
                 {REFERRAL_DELIVERED, REFERRAL_WITHDRAWN}, {REFERRAL_PROCEDURE, REFERRAL_DELIVERED},
                 {REFERRAL_PROCEDURE, REFERRAL_WITHDRAWN}};
    bool found = from == to;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        found = found || (steps[i].from == from && steps[i].to == to);
    }
    return found;
}

static bool see_referral(struct walk *walk, struct store_txn *read, size_t at,
                         struct counted counted[WORLD_AGENCIES])
{
    const struct tale *tale = &walk->world.tales[at];
    struct case_key key = {.case_id = tale->case_id, .referral_id = tale->referral_id};
    struct counted *sum = &counted[place_of(walk, tale->receiver->agency->id)];
    struct statistics_referral row;
    struct referral referral;
    struct span packed;

    if (cases_get(read, &key, &packed) != OK || referral_unpack(packed, &referral) != OK) {
        return wrong(walk, "lost", tale->number);
    }
    if (!may_follow(walk->states[at], referral.state)) {
        (void)printf("# %s -> %s\n", referral_state_name(walk->states[at]),
                     referral_state_name(referral.state));
        return wrong(walk, "state of", tale->number);
    }
    walk->states[at] = referral.state;
    statistics_referral_of(&referral, walk->world.calendar, &row);
    sum->received++;
    sum->delivered += row.delivered_ms != 0;
    sum->answers += row.answers;
    sum->late_answers += row.late_answers;
    for (unsigned step = STEP_DUE_1; step < RUNG_STEP_COUNT; step++) {
        sum->documents += row.raised[step];
    }
    sum->resolved -= row.open_documents; /* of those raised, added below */
    return true;
}

static bool see_store(struct walk *walk, struct store_txn *read)
{
    struct counted counted[WORLD_AGENCIES];

    memset(counted, 0, sizeof(counted));
    for (size_t i = 0; i < walk->world.tale_count; i++) {
        if (!see_referral(walk, read, i, counted)) {
            return false;
        }
    }
    for (size_t i = 0; i < walk->world.actor_count; i++) {
        counted[i].resolved += counted[i].documents;
        if (memcmp(&counted[i], &walk->counted[i], sizeof(counted[i])) != 0) {
            return wrong(walk, "statistics of", walk->world.actors[i].agency->id);
        }
    }
    return true;
}

static bool look(struct walk *walk)
{
    struct store_txn *read;
    bool good;

    if (walk->world.down) {
        return true;
    }
    if (store_read_begin(walk->world.store, &read) != OK) {
        return wrong(walk, "store", "cannot be read");
    }
    good = see_log(walk, read) && see_queues(walk, read) && see_store(walk, read);
    store_read_end(read);
    return good;
}

/* ---- lines ---- */

static const char *any_agency(struct walk *walk)
{
    return walk->world.actors[throw_dice(walk, 11)].agency->id;
}

/* The name of a referral: "r1" ...; of a matter whose name begins with `letter`; "" for none. */
static const char *any_referral(struct walk *walk)
{
    return walk->world.tale_count == 0
               ? "r0"
               : walk->world.tales[throw_dice(walk, walk->world.tale_count)].name;
}

static const char *any_matter(struct walk *walk, char letter)
{
    const struct affair *found = NULL;

    for (size_t i = 0; i < walk->world.affair_count; i++) {
        const struct affair *affair = &walk->world.affairs[i];

        if (affair->name[0] == letter && (found == NULL || throw_dice(walk, 2) == 0)) {
            found = affair;
        }
    }
    return found != NULL ? found->name : "";
}

/* What may be said, and how likely. In a template, %A is any agency, %S the sender of the referral
 * at hand, %R its receiver, %r its name, %N a new name, %n that name again, %D a day ahead, %d a
 * small number, and %m, with a letter behind, the name of a matter that began with it. */
static const struct {
    unsigned weight;
    const char *line;
} templates[] = {
    {8, "procuratorate submits outbound r%N to %A needs=student-aid"},
    {4, "procuratorate submits outbound r%N to %A case=%r minor"},
    {2, "procuratorate submits outbound r%N to %A urgent advance"},
    {1, "procuratorate submits outbound r%N to %A life-danger"},
    {1, "procuratorate submits outbound r%N to %A without-material"},
    {4, "%A submits inbound r%N to procuratorate"},
    {2, "procuratorate submits outbound r%N to %A case=%r previous=%r link=re-referral"},
    {2, "procuratorate submits outbound r%N to %A case=%r previous=%r link=supplement"},
    {1, "procuratorate submits outbound r%N to %A previous=%r link=other-direction"},
    {14, "%R signs %r"},
    {12, "%R answers %r granted"},
    {8, "%R answers %r procedure-required"},
    {3, "%R answers %r procedure-required by-social"},
    {3, "%R answers %r not-eligible"},
    {3, "%R answers %r not-my-duty"},
    {6, "%R answers %r suitable"},
    {2, "%R answers %r not-suitable"},
    {1, "%A answers %r granted"},
    {4, "%S tells %r"},
    {2, "%R tells %r"},
    {6, "%S brings %r"},
    {2, "%R brings %r"},
    {2, "%S withdraws %r"},
    {3, "%R sends information-request i%N about %r to %S"},
    {2, "%S sends information-request i%N about %r to %R"},
    {4, "%S sends information-reply %mi"},
    {2, "%R sends information-reply %mi"},
    {5, "%R sends assistance-report %r stage=paid instalment=%d"},
    {2, "%R sends assistance-report %r stage=delivered instalment=%d"},
    {3, "%R sends escalation-reply %r document_number=due-1"},
    {2, "%R sends escalation-reply %r document_number=unsigned-1"},
    {3, "procuratorate sends archive a%N about %r to %R"},
    {2, "procuratorate sends re-open %ma"},
    {3, "procuratorate sends follow-up-plan %ma dates=%D"},
    {4, "procuratorate sends follow-up-report %ma duty=%d next_date=%D"},
    {2, "procuratorate sends follow-up-report %ma"},
    {2, "%R sends consultation k%N in %r to %S,%A"},
    {3, "procuratorate sends case-conference c%N about %r to %R,%A promises=%R/visit/%D"},
    {4, "%R sends promise-report %mc duty=%d"},
    {2, "procuratorate sends meeting-notice m%N to all at=%DT09:00 reply_by=%D"},
    {5, "%A sends meeting-reply %mm"},
    {2, "procuratorate sends hearing-invitation h%N about %r to %R,%A at=%DT09:00 reply_by=%D"},
    {3, "%R sends hearing-reply %mh"},
    {2, "procuratorate sends hearing-opinion %mh promises=%R/pay/%D"},
    {1, "%A sends roster-change n%N to procuratorate"},
    {1, "procuratorate sends roster o%N to all edition=%d"},
    {2, "procuratorate sends fund-plan f%N about %r to %R amount_fen=500 payments=%D/500"},
    {3, "procuratorate sends fund-payment %mf duty=%d amount_fen=500 balance_fen=0"},
    {2, "%R sends letter l%N about %r to %S associate=hospital answer_by=%D"},
    {2, "%R sends letter-answer %ml"},
    {2, "%S sends correction %r"},
    {4, "%R rejects %r"},
    {2, "procuratorate submits outbound r%N to health;health receives;health answers r%n granted;"
        "procuratorate sends archive a%n about r%n to health;"
        "procuratorate sends follow-up-plan a%n dates=%D;"
        "procuratorate sends follow-up-report a%n duty=2 next_date=%D"},
    {2, "procuratorate submits outbound r%N to justice;justice receives;justice answers r%n "
        "not-eligible;procuratorate sends archive a%n about r%n to justice;"
        "procuratorate sends re-open a%n;procuratorate submits outbound q%N to %A case=r%n"},
    {3,
     "womens-federation submits inbound r%N to procuratorate;procuratorate receives;procuratorate "
     "answers r%n suitable;procuratorate tells r%n"},
    {2, "procuratorate submits outbound r%N to health;health receives;"
        "health sends letter l%n about r%n to procuratorate associate=hospital answer_by=%D;"
        "health sends letter-answer l%n"},
    {3,
     "procuratorate submits outbound r%N to education;education receives;"
     "procuratorate sends case-conference c%n about r%n to education promises=education/visit/%D;"
     "education sends promise-report c%n duty=1;procuratorate sends hearing-invitation h%n about "
     "r%n to education at=2029-01-08T09:00 reply_by=%D;education sends hearing-reply h%n;"
     "procuratorate sends hearing-opinion h%n"},
    {3, "procuratorate submits outbound r%N to civil-affairs;civil-affairs receives;"
        "civil-affairs answers r%n procedure-required;procuratorate brings r%n;"
        "procuratorate sends fund-plan f%n about r%n to civil-affairs amount_fen=500 "
        "payments=%D/500;procuratorate sends fund-payment f%n duty=1 amount_fen=500 balance_fen=0"},
    {2, "procuratorate sends roster o%N to all edition=1"},
    {24, "%A receives"},
    {30, "%R receives"},
    {16, "%S receives"},
    {6, "pass 3h"},
    {12, "pass 1d"},
    {6, "pass 5d"},
    {1, "pass 20d"},
    {2, "crash"},
    {2, "restart"},
    {6, "confirm"},
    {1, "jump +40d"},
    {1, "jump -2h"},
    {1, "administrator confirms"},
    {3, "calendar 2027.json"},
    {2, "calendar local-2026-day-off.json"},
    {2, "calendar local-2026-weekends-worked.json"},
};

struct line { /* under way */
    struct walk *walk;
    const struct tale *tale; /* at hand */
    char *at, *end;
};

static void put(struct line *line, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(line->end - line->at) > len) {
        memcpy(line->at, text, len + 1);
        line->at += len;
    }
}

static void put_number(struct line *line, uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    put(line, text);
}

static void put_day(struct line *line)
{
    int32_t ahead = 2 + (int32_t)throw_dice(line->walk, 60);
    char day[CIVIL_TEXT_BYTES];

    civil_format(civil_day_at(line->walk->world.wall_ms) + ahead, day);
    put(line, day);
}

static const char *fill_mark(struct line *line, const char *mark)
{
    const struct tale *tale = line->tale;

    switch (*mark) {
    case 'A':
        put(line, any_agency(line->walk));
        break;
    case 'S':
        put(line, tale != NULL ? tale->sender->agency->id : any_agency(line->walk));
        break;
    case 'R':
        put(line, tale != NULL ? tale->receiver->agency->id : any_agency(line->walk));
        break;
    case 'r':
        put(line, tale != NULL ? tale->name : "r0");
        break;
    case 'N':
        put_number(line, ++line->walk->names);
        break;
    case 'n':
        put_number(line, line->walk->names);
        break;
    case 'D':
        put_day(line);
        break;
    case 'd':
        put_number(line, 1 + throw_dice(line->walk, 3));
        break;
    default: /* m and a letter */
        put(line, any_matter(line->walk, *++mark));
        break;
    }
    return mark + 1;
}

static void make_line(struct walk *walk, const char *template, char *out, size_t size)
{
    struct line line = {.walk = walk,
                        .tale = world_tale(&walk->world, any_referral(walk)),
                        .at = out,
                        .end = out + size};

    out[0] = '\0';
    while (*template != '\0') {
        char one[2] = {*template, '\0'};

        if (*template == '%') {
            template = fill_mark(&line, template + 1);
        } else {
            put(&line, one);
            template ++;
        }
    }
}

static const char *any_template(struct walk *walk)
{
    uint64_t sum = 0, at;
    size_t i = 0;

    for (size_t k = 0; k < sizeof(templates) / sizeof(templates[0]); k++) {
        sum += templates[k].weight;
    }
    at = throw_dice(walk, sum);
    while (at >= templates[i].weight) {
        at -= templates[i++].weight;
    }
    return templates[i].line;
}

/* ---- one step ---- */

/* All that waits is fetched and receipted; what was held is then no longer queued. */
static void receive(struct walk *walk, struct actor *actor)
{
    size_t place = (size_t)(actor - walk->world.actors);

    for (unsigned round = 0; round < 100 && actor_fetch(&walk->world, actor, 32) > 0; round++) {
        walk->taken[place] += actor->held_count;
        actor_acknowledge(&walk->world, actor);
    }
}

/* What comes back is no longer queued either. */
static void reject(struct walk *walk, struct actor *actor, struct step *step)
{
    (void)actor_fetch(&walk->world, actor, 32);
    if (script_play(&walk->world, step) && walk->world.refusal == REFUSAL_NONE) {
        walk->taken[actor - walk->world.actors]++;
    }
}

static void note(struct walk *walk, const char *line)
{
    text_copy(walk->trace[walk->at], sizeof(walk->trace[0]), line);
    walk->at = (walk->at + 1) % TRACE_ROWS;
    if (strncmp(line, "calendar ", 9) == 0) {
        (void)printf("%s\n", line);
    }
}

/* A line that cannot be said, of a matter that is not there, changes nothing. */
static void say(struct walk *walk, const char *line)
{
    struct step step = {.file = "walk"};
    struct actor *actor;
    uint64_t before = walk->world.last_leaf;

    text_copy(step.text, sizeof(step.text), line);
    if (!step_split(&step)) {
        return;
    }
    actor = world_actor(&walk->world, step.words[0]);
    if (actor != NULL && strcmp(step_word(&step, 1), "receives") == 0) {
        receive(walk, actor);
    } else if (actor != NULL && strcmp(step_word(&step, 1), "rejects") == 0) {
        reject(walk, actor, &step);
    } else if (script_play(&walk->world, &step) && walk->world.last_leaf != before) {
        walk->refused += walk->world.refusal != REFUSAL_NONE;
        walk->sent++;
        walk->receipted =
            walk->world.last_leaf > walk->receipted ? walk->world.last_leaf : walk->receipted;
    }
}

static bool walk_line(struct walk *walk, const char *line)
{
    note(walk, line);
    say(walk, line);
    return look(walk);
}

static bool walk_step(struct walk *walk)
{
    char line[1024];
    char *rest = line;
    bool good = true;

    if (walk->world.down) {
        text_copy(line, sizeof(line), "start");
    } else {
        make_line(walk, any_template(walk), line, sizeof(line));
    }
    while (good && rest[0] != '\0') {
        good = walk_line(walk, step_cut(&rest, ';'));
    }
    return good;
}

static bool walk_all(struct walk *walk, uint64_t seed, uint64_t steps)
{
    static const char *const begin[] = {"time 2026-11-23 09:00", "start", "confirm"};

    walk->dice = seed;
    for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++) {
        say(walk, begin[i]);
    }
    for (uint64_t i = 0; i < steps; i++) {
        if (!walk_step(walk)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    uint64_t seed = 0, steps = 0;
    bool good =
        walk != NULL && argc == 3 && step_number(argv[1], &seed) && step_number(argv[2], &steps);

    log_init("walk", LOG_ERROR_LEVEL, NULL);
    if (good) {
        world_open(&walk->world);
        good = walk_all(walk, seed, steps);
        for (uint32_t kind = 1; kind < MESSAGE_AGENCY_KIND_COUNT; kind++) {
            (void)printf("%s %s\n", walk->kinds[kind] ? "taken" : "never",
                         message_kind_name((enum message_kind)kind));
        }
        (void)printf("done seed %" PRIu64 ": %u messages, %u of them refused, %zu rungs, %" PRIu64
                     " leaves\n",
                     seed, walk->sent, walk->refused, walk->raised_count, walk->seen);
        world_close(&walk->world);
    } else {
        (void)fprintf(stderr, "usage: walk SEED STEPS\n");
    }
    free(walk);
    return good ? 0 : 1;
}

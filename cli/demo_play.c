/* The acts of the story's table, one function each, and how they are told. See demo.h.
 *
 * A line bears the broker's time, asked from it; a new day has a line of its own. */
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/call.h"
#include "cli/demo.h"

#define AGAIN_MS 20
#define COPY_MS  5000u       /* for an agent's copy to follow */
#define MARGIN   "         " /* under the text of a line with its time */

/* --- telling --- */

static enum err broker_now(struct demo *demo, uint64_t *ret_ms)
{
    struct json_value clock;
    struct said said;
    enum err error;

    said_init(&said);
    error = talk_ask(demo, BROKER_ID, "{\"cmd\":\"clock-show\"}", &said);
    clock = json_member(&said.root, "clock");
    *ret_ms = error == OK ? value_u64(&clock, "broker_ms") : 0;
    said_free(&said);
    return error;
}

static void tell_day(struct demo *demo, int32_t day)
{
    static const char *const names[] = {"一", "二", "三", "四", "五", "六", "日"};
    struct civil_date date = civil_date_of(day);

    if (day != demo->told_day) {
        printf("%d年%d月%d日（星期%s）\n", date.year, date.month, date.day,
               names[civil_weekday(day) - 1]);
        demo->told_day = day;
    }
}

/* One line with the time that the broker says it is, or said last while it cannot be asked. */
static enum err tell(struct demo *demo, const struct step *step, const char *more)
{
    uint64_t now_ms = demo->told_ms, minute;
    enum err error = OK;

    if (demo->json || step->text == NULL) {
        return OK;
    }
    if (!demo->frozen) {
        error = broker_now(demo, &now_ms);
    }
    if (error == OK) {
        demo->told_ms = now_ms;
        minute = (now_ms + CIVIL_OFFSET_MS) / 60000 % 1440;
        tell_day(demo, civil_day_at(now_ms));
        printf("  %02" PRIu64 ":%02" PRIu64 "  %s", minute / 60, minute % 60, step->text);
        printf("%s%s", more, step->article != NULL ? "〔" : "");
        printf("%s%s\n", step->article != NULL ? step->article : "",
               step->article != NULL ? "〕" : "");
    }
    return error;
}

static enum err act_scene(struct demo *demo, const struct step *step)
{
    if (!demo->json) {
        printf("\n━━ %s\n", step->text);
        demo->told_day = 0;
    }
    return OK;
}

static enum err act_tell(struct demo *demo, const struct step *step)
{
    return tell(demo, step, "");
}

/* --- the clock --- */

static enum err act_clock(struct demo *demo, const struct step *step)
{
    enum err error = talk_clock_move(demo, step->at);

    if (error == OK && !demo->json) {
        error = broker_now(demo, &demo->told_ms);
        tell_day(demo, civil_day_at(demo->told_ms));
    }
    return error;
}

static enum err act_confirmed(struct demo *demo, const struct step *step)
{
    enum err error = talk_clock_confirmed(demo);

    return error == OK ? tell(demo, step, "") : error;
}

/* --- messages --- */

static enum err letter_request(const struct demo *demo, const char *letter, struct buf *out)
{
    static const char mark[] = "{attached}";
    const size_t mark_bytes = sizeof(mark) - 1;
    const struct demo_file *file;
    char name[64];
    enum err error;

    (void)snprintf(name, sizeof(name), "%s.json", letter);
    file = demo_letter(name);
    error = buf_append_text(out, "{\"cmd\":\"send\",\"message\":");
    for (size_t i = 0; error == OK && i < file->size; i++) { /* a request is one line */
        if (file->size - i >= mark_bytes && memcmp(file->bytes + i, mark, mark_bytes) == 0) {
            error = buf_append_text(out, demo->attached);
            i += mark_bytes - 1;
        } else {
            error =
                buf_append(out, file->bytes[i] == '\n' ? " " : (const char *)&file->bytes[i], 1);
        }
    }
    return error == OK ? buf_append(out, "}", 2) : error; /* with its NUL */
}

/* Sends the letter by its agent's socket; `ret_said` lists the messages made of it. */
static enum err post(struct demo *demo, const struct step *step, struct said *ret_said)
{
    struct json_value messages;
    struct buf request;
    enum err error;

    buf_init(&request, LIMIT_LOCAL_LINE_BYTES);
    error = letter_request(demo, step->letter, &request);
    error = error == OK ? talk_ask(demo, step->who, (const char *)request.data, ret_said) : error;
    buf_free(&request);
    messages = json_member(&ret_said->root, "messages");
    if (error == OK && json_count(&messages) == 0) {
        return demo_fail(demo, "demo.send", step->letter, "%s answered without a message",
                         step->who);
    }
    return error;
}

static enum err await_accepted(struct demo *demo, const char *who, const char *id)
{
    struct row_want want = {.box = "outbox", .id = id};
    struct json_value row = {.node = NULL};
    struct said said;
    enum err error;

    said_init(&said);
    want.state = "accepted";
    error = talk_await(demo, who, &want, &said, &row);
    said_free(&said);
    return error;
}

static enum err await_row(struct demo *demo, const char *who, const struct row_want *want)
{
    struct json_value row = {.node = NULL};
    struct said said;
    enum err error;

    said_init(&said);
    error = talk_await(demo, who, want, &said, &row);
    said_free(&said);
    return error;
}

/* One message that was made: accepted, received, and its referral's delivery known to the sender.
 */
static enum err follow(struct demo *demo, const struct step *step, const struct json_value *message)
{
    const char *id = value_text(message, "id"), *to = value_text(message, "recipient");
    const struct row_want received = {.box = "inbox", .id = id};
    const struct row_want delivered = {
        .box = "inbox", .kind = "delivery-notice", .referral = value_text(message, "referral")};
    const char *kind = value_text(message, "kind");
    enum err error = await_accepted(demo, step->who, id);

    if (error == OK && step->act == ACT_SEND) {
        error = await_row(demo, to, &received);
    }
    if (error == OK && step->act == ACT_SEND &&
        (strcmp(kind, "outbound-referral") == 0 || strcmp(kind, "inbound-referral") == 0)) {
        error = await_row(demo, step->who, &delivered);
    }
    return error;
}

static enum err act_send(struct demo *demo, const struct step *step)
{
    struct json_value messages;
    struct said said;
    enum err error;

    said_init(&said);
    error = post(demo, step, &said);
    error = error == OK ? tell(demo, step, "") : error;
    messages = json_member(&said.root, "messages");
    for (size_t i = 0; error == OK && step->act != ACT_POST && i < json_count(&messages); i++) {
        struct json_value message = json_item(&messages, i);

        (void)snprintf(demo->sent, sizeof(demo->sent), "%s", value_text(&message, "id"));
        error = follow(demo, step, &message);
    }
    said_free(&said);
    return error;
}

static enum err act_attach(struct demo *demo, const struct step *step)
{
    enum err error = attach_file(demo, step);

    return error == OK ? tell(demo, step, "") : error;
}

static enum err act_open(struct demo *demo, const struct step *step)
{
    enum err error = attach_open(demo, step);

    return error == OK ? tell(demo, step, "") : error;
}

static enum err act_accepted(struct demo *demo, const struct step *step)
{
    const struct row_want want = {.box = "outbox", .referral = step->referral, .state = "accepted"};
    enum err error = await_row(demo, step->who, &want);

    return error == OK ? tell(demo, step, "") : error;
}

static enum err act_notice(struct demo *demo, const struct step *step)
{
    const struct row_want want = {
        .box = "inbox", .kind = step->letter, .referral = step->referral, .rung = step->rung};
    struct json_value row = {.node = NULL};
    char more[64] = "";
    struct said said;
    enum err error;

    said_init(&said);
    error = talk_await(demo, step->who, &want, &said, &row);
    if (error == OK && value_text(&row, "document_number")[0] != '\0' && step->rung != NULL) {
        (void)snprintf(more, sizeof(more), "，督办单 %s", value_text(&row, "document_number"));
    }
    error = error == OK ? tell(demo, step, more) : error;
    said_free(&said);
    return error;
}

/* --- processes --- */

static enum err act_stop(struct demo *demo, const struct step *step)
{
    enum err error = process_signal(demo, step->who, SIGTERM);

    return error == OK ? tell(demo, step, "") : error;
}

static enum err act_start(struct demo *demo, const struct step *step)
{
    enum err error = process_start(demo, step->who);

    if (error == OK) {
        error = strcmp(step->who, BROKER_ID) == 0 ? talk_clock_again(demo)
                                                  : talk_connected(demo, step->who);
    }
    return error == OK ? tell(demo, step, "") : error;
}

static enum err act_freeze(struct demo *demo, const struct step *step)
{
    enum err error = tell(demo, step, "");

    demo->frozen = true;
    return error == OK ? process_signal(demo, step->who, SIGSTOP) : error;
}

static enum err act_kill(struct demo *demo, const struct step *step)
{
    enum err error = process_signal(demo, step->who, SIGKILL);

    error = error == OK ? tell(demo, step, "") : error;
    demo->frozen = false;
    return error;
}

static enum err act_store(struct demo *demo, const struct step *step)
{
    enum err error = lie_store(demo, step->letter);

    return error == OK ? tell(demo, step, "") : error;
}

/* --- the attacker and the verifier --- */

static enum err act_forge(struct demo *demo, const struct step *step)
{
    enum err error = tell(demo, step, "");

    return error == OK ? forge_send(demo, step->letter) : error;
}

static enum err act_verify(struct demo *demo, const struct step *step)
{
    enum err error = tell(demo, step, "");

    return error == OK ? verify_step(demo, step) : error;
}

/* --- assertions --- */

/* The question, with the id of the message that was sent last in its place. */
static const char *question(const struct demo *demo, const struct step *step,
                            char out[DEMO_VALUE_BYTES])
{
    static const char mark[] = "{sent}";
    const char *at = strstr(step->ask, mark);

    if (at == NULL) {
        return step->ask;
    }
    (void)snprintf(out, DEMO_VALUE_BYTES, "%.*s%s%s", (int)(at - step->ask), step->ask, demo->sent,
                   at + strlen(mark));
    return out;
}

static enum err evaluate(struct demo *demo, const struct step *step, char out[DEMO_VALUE_BYTES])
{
    char asked[DEMO_VALUE_BYTES];
    struct said said;
    enum err error;

    if (strcmp(step->who, "wire") == 0) {
        check_evaluate(&demo->wire.root, step->path, out);
        return OK;
    }
    if (strcmp(step->who, "file") == 0) {
        check_evaluate(&demo->opened.root, step->path, out);
        return OK;
    }
    if (strcmp(step->who, "verifier") == 0) {
        check_evaluate(&demo->verifier.root, step->path, out);
        return OK;
    }
    said_init(&said);
    error = talk_ask(demo, step->who, question(demo, step, asked), &said);
    if (error == OK) {
        check_evaluate(&said.root, step->path, out);
    }
    said_free(&said);
    return error;
}

/* The broker has decided before it answers. An agent's copy follows when the broker's word has
 * come, so that it may be asked again for a while. */
static enum err act_expect(struct demo *demo, const struct step *step)
{
    uint64_t due_ms = demo_machine_ms() + COPY_MS;
    bool follows = process_find(demo, step->who) != NULL && strcmp(step->who, BROKER_ID) != 0;
    char answered[DEMO_VALUE_BYTES];
    enum err error = evaluate(demo, step, answered);

    while (error == OK && follows && !check_fits(step->value, answered) &&
           demo_machine_ms() < due_ms) {
        (void)poll(NULL, 0, AGAIN_MS); /* an early end only asks sooner */
        error = evaluate(demo, step, answered);
    }

    error = error == OK ? check_record(demo, step, answered) : error;
    if (error == OK && step->text != NULL && !demo->json) {
        printf(MARGIN "✓ %s\n", step->text);
    }
    return error;
}

static enum err act_until(struct demo *demo, const struct step *step)
{
    enum err error = talk_until(demo, step->who, step->ask, step->path, step->value);

    return error == OK ? tell(demo, step, "") : error;
}

/* --- the table --- */

static enum err (*const acts[ACT_COUNT])(struct demo *, const struct step *) = {
    [ACT_SCENE] = act_scene,         [ACT_TELL] = act_tell,     [ACT_CLOCK] = act_clock,
    [ACT_CONFIRMED] = act_confirmed, [ACT_SEND] = act_send,     [ACT_QUEUE] = act_send,
    [ACT_ATTACH] = act_attach,       [ACT_OPEN] = act_open,     [ACT_POST] = act_send,
    [ACT_ACCEPTED] = act_accepted,   [ACT_NOTICE] = act_notice, [ACT_UNTIL] = act_until,
    [ACT_STOP] = act_stop,           [ACT_START] = act_start,   [ACT_FREEZE] = act_freeze,
    [ACT_KILL] = act_kill,           [ACT_FORGE] = act_forge,   [ACT_VERIFY] = act_verify,
    [ACT_STORE] = act_store,         [ACT_EXPECT] = act_expect,
};

enum err story_play(struct demo *demo)
{
    enum err error = OK;

    for (size_t i = 1; error == OK && i < demo->process_count; i++) {
        error = talk_connected(demo, demo->processes[i].id);
    }
    if (error == OK) {
        error = talk_clock_confirmed(demo);
    }
    for (const struct step *step = story; error == OK && step->act != ACT_END; step++) {
        error = acts[step->act](demo, step);
    }
    return error;
}

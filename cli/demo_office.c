/* The officers of the demo city: one for each agency, with an inbox in the browser, and the clock
 * that goes on under them when the story is over. See demo.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/demo.h"
#include "io/clock.h"
#include "model/calendar.h"

#define DAY_SECONDS     180u /* of this machine's clock, for one day of the city's */
#define DAY_SECONDS_MAX 86400u
#define REQUEST_BYTES   256u

/* "jz" for JZ: what one types at the login. */
static void name_of(const struct agency *agency, char out[NUMBER_PREFIX_BYTES])
{
    size_t len = strlen(agency->prefix);

    for (size_t i = 0; i <= len; i++) {
        char sign = agency->prefix[i];

        out[i] = (char)(sign >= 'A' && sign <= 'Z' ? sign - 'A' + 'a' : sign);
    }
}

static enum err add_officer(struct demo *demo, const struct agency *agency,
                            struct demo_process *process)
{
    char request[REQUEST_BYTES], name[NUMBER_PREFIX_BYTES];
    struct said said;
    enum err error;

    name_of(agency, name);
    (void)snprintf(request, sizeof(request),
                   "{\"cmd\":\"officer-add\",\"name\":\"%s\",\"shown\":\"联络员（化名）\","
                   "\"roles\":\"member,manager\",\"keep\":true}",
                   name);
    said_init(&said);
    error = talk_ask(demo, agency->id, request, &said);
    if (error == OK) {
        text_copy(process->password, sizeof(process->password), value_text(&said.root, "password"));
        error = talk_ask(demo, agency->id, "{\"cmd\":\"status\"}", &said);
    }
    if (error == OK) {
        text_copy(process->web, sizeof(process->web), value_text(&said.root, "web"));
    }
    said_free(&said);
    if (error == OK && (process->web[0] == '\0' || process->password[0] == '\0')) {
        error = demo_fail(demo, "demo.office", agency->id, "has no inbox");
    }
    return error;
}

enum err office_open(struct demo *demo)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < registry_count(demo->registry); i++) {
        const struct agency *agency = registry_at(demo->registry, i);

        error = add_officer(demo, agency, process_find(demo, agency->id));
    }
    return error;
}

void office_print(struct demo *demo)
{
    printf("  收件箱（浏览器打开；用户名和密码只在这座城市里有效）：\n");
    for (size_t i = 0; i < registry_count(demo->registry); i++) {
        const struct agency *agency = registry_at(demo->registry, i);
        const struct demo_process *process = process_find(demo, agency->id);
        char name[NUMBER_PREFIX_BYTES];

        name_of(agency, name);
        printf("    %-24s 用户名 %-4s 密码 %s  %s\n", process->web, name, process->password,
               agency->name_zh);
    }
}

void office_write(struct demo *demo, struct json_writer *out)
{
    json_name(out, "inboxes");
    json_array_begin(out);
    for (size_t i = 0; i < registry_count(demo->registry); i++) {
        const struct agency *agency = registry_at(demo->registry, i);
        const struct demo_process *process = process_find(demo, agency->id);
        char name[NUMBER_PREFIX_BYTES];

        name_of(agency, name);
        json_object_begin(out);
        json_name(out, "agency");
        json_text(out, agency->id);
        json_name(out, "address");
        json_text(out, process->web);
        json_name(out, "name");
        json_text(out, name);
        json_name(out, "password");
        json_text(out, process->password);
        json_object_end(out);
    }
    json_array_end(out);
}

/* One day on, at nine in the morning. */
static enum err next_day(struct demo *demo)
{
    char civil[CIVIL_TEXT_BYTES + sizeof(" 09:00")];
    struct json_value clock;
    struct said said;
    uint64_t wall_ms;
    enum err error;

    said_init(&said);
    error = talk_ask(demo, BROKER_ID, "{\"cmd\":\"clock-show\"}", &said);
    clock = json_member(&said.root, "clock");
    wall_ms = error == OK ? value_u64(&clock, "wall_ms") : 0;
    said_free(&said);
    if (error != OK) {
        return error;
    }
    civil_format(civil_day_at(wall_ms) + 1, civil);
    text_copy(civil + CIVIL_TEXT_BYTES - 1, sizeof(" 09:00"), " 09:00");
    return talk_clock_move(demo, civil);
}

int office_read_day(struct demo *demo)
{
    const char *text = demo->invocation->value[OPTION_DAY];
    unsigned seconds = 0;

    demo->day_seconds = DAY_SECONDS;
    for (size_t i = 0; text != NULL && text[i] != '\0' && seconds <= DAY_SECONDS_MAX; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        seconds = digit ? seconds * 10 + (unsigned)(text[i] - '0') : DAY_SECONDS_MAX + 1;
    }
    if (seconds > DAY_SECONDS_MAX || (text != NULL && text[0] == '\0')) {
        return output_misused(demo->invocation, OPTION_DAY, "seconds, 0 to 86400");
    }
    if (text != NULL) {
        demo->day_seconds = seconds;
    }
    return EXIT_OK;
}

void office_live(struct demo *demo)
{
    for (;;) { /* ends with the supervisor's signal */
        const struct timespec wait = {.tv_sec = (time_t)demo->day_seconds};

        if (demo->day_seconds == 0) {
            (void)pause();
        } else if (nanosleep(&wait, NULL) == 0 && next_day(demo) != OK) {
            demo->day_seconds = 0; /* the broker was stopped by hand: the city stands */
        }
    }
}

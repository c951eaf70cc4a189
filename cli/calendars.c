/* Where the folder is looked for is folder_candidates. See calendars.h. */
#include "cli/calendars.h"

#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "cli/beside.h"
#include "io/calendar_folder.h"

/* Without --calendars the first of these that is a folder: of the source tree that the program was
 * built in (build/release/bin), of an installed city, of the folder one stands in. */
static const char *const folder_candidates[] = {
    "/../../../config/calendars", /* behind the program's own folder */
    "/etc/referral/calendars",
    "config/calendars",
};

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum err calendars_find(const struct invocation *invocation, char out[PATH_MAX],
                        struct fault *fault)
{
    const char *given = invocation->value[OPTION_CALENDARS];

    if (given != NULL) {
        text_copy(out, PATH_MAX, given);
        return OK;
    }
    if (beside_path(folder_candidates[0], out) == OK && is_folder(out)) {
        return OK;
    }
    for (size_t i = 1; i < sizeof(folder_candidates) / sizeof(folder_candidates[0]); i++) {
        text_copy(out, PATH_MAX, folder_candidates[i]);
        if (is_folder(out)) {
            return OK;
        }
    }
    fault_set(fault, "calendar.folder", "--calendars", "no folder of calendar files was found");
    fault_hint(fault, "name it: --calendars DIR; %s is the usual place", folder_candidates[1]);
    return ERR_NOT_FOUND;
}

int calendars_load(const struct invocation *invocation, struct calendars *ret_loaded)
{
    struct fault fault = {.code = ""};
    enum err error = calendars_find(invocation, ret_loaded->folder, &fault);

    ret_loaded->calendar = NULL;
    if (error == OK) {
        error = calendar_folder_load(ret_loaded->folder, &ret_loaded->calendar, &fault);
    }
    return error == OK ? EXIT_OK : output_fault(invocation, EXIT_REFUSED, &fault);
}

static const char *const reason_names[] = {[DAY_WORKING] = "working",
                                           [DAY_WEEKEND] = "weekend",
                                           [DAY_HOLIDAY] = "holiday",
                                           [DAY_MAKE_UP] = "make-up"};

void answer_day(struct answer *answer, const char *name, int32_t day)
{
    char date[CIVIL_TEXT_BYTES];

    civil_format(day, date);
    answer_text(answer, name, date);
}

const char *calendars_reason(enum day_reason reason)
{
    return reason_names[reason];
}

void answer_source(struct answer *answer, const struct calendar_day *day)
{
    if (day->by_row) {
        answer_text(answer, "layer", calendar_layer_name(day->layer));
        answer_text(answer, "source", day->source);
        answer_text(answer, "notice", day->notice);
    }
}

void answer_days(struct answer *answer, const struct calendar *calendar, int32_t first,
                 int32_t last)
{
    json_name(&answer->json, "days");
    json_array_begin(&answer->json);
    for (int32_t day = first; day <= last; day++) {
        struct calendar_day is = calendar_day_reason(calendar, day);

        if (is.reason != DAY_WORKING) {
            json_object_begin(&answer->json);
            answer_day(answer, "date", day);
            answer_text(answer, "what", calendars_reason(is.reason));
            answer_text(answer, "name", is.name);
            answer_source(answer, &is);
            json_object_end(&answer->json);
        }
    }
    json_array_end(&answer->json);
}

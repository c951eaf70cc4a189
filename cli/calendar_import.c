/* The command `calendar import`: a file is looked at as it would stand in the folder, every day and
 * every deadline that it changes is told, and only then, and without --dry-run, it is put there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/calendar_moves.h"
#include "cli/calendars.h"
#include "cli/input.h"
#include "cli/table.h"
#include "io/calendar_folder.h"

struct import {
    const struct invocation *invocation;
    char folder[PATH_MAX];
    struct buf text; /* owned, as all of these */
    struct calendar_candidate candidate;
    struct calendar_installation plan;
    struct calendar *old, *new;
    struct moves moves;
    bool installed;
};

static const char *const install_words[] = {[CALENDAR_INSTALL_NEW] = "new",
                                            [CALENDAR_INSTALL_SAME] = "same",
                                            [CALENDAR_INSTALL_REPLACES] = "replaces"};

/* --- what it would be --- */

/* A folder without a file yet: the week alone. */
static enum err load_old(struct import *import, struct fault *fault)
{
    enum err error = calendar_folder_load(import->folder, &import->old, fault);

    if (error != ERR_NOT_FOUND) {
        return error;
    }
    memset(fault, 0, sizeof(*fault));
    error = calendar_new(&import->old);
    if (error == OK) {
        calendar_seal(import->old);
    }
    return error;
}

static int look(struct import *import)
{
    const char *path = import->invocation->arguments[0];
    struct fault fault = {.code = ""};
    int status = input_file(import->invocation, path, &import->text);
    enum err error;

    if (status != EXIT_OK) {
        return status;
    }
    error = calendars_find(import->invocation, import->folder, &fault);
    if (error == OK) {
        error = calendar_candidate_name(path, span_buf(&import->text), &import->candidate, &fault);
    }
    if (error == OK) {
        error = calendar_folder_preview(import->folder, &import->candidate, &import->new, &fault);
    }
    if (error == OK) {
        error = load_old(import, &fault);
    }
    if (error == OK) {
        error = calendar_folder_plan(import->folder, &import->candidate, &import->plan, &fault);
    }
    return error == OK ? EXIT_OK : output_fault(import->invocation, EXIT_REFUSED, &fault);
}

static int install(struct import *import)
{
    struct fault fault = {.code = ""};

    if (invocation_has(import->invocation, OPTION_DRY_RUN)) {
        return EXIT_OK;
    }
    if (calendar_folder_install(import->folder, &import->candidate, &import->plan, &fault) != OK) {
        return output_fault(import->invocation, EXIT_FAILED, &fault);
    }
    import->installed = true;
    return EXIT_OK;
}

/* --- drawing --- */

static void cell_day(struct table *table, int32_t day, bool provisional)
{
    char date[CIVIL_TEXT_BYTES];

    civil_format(day, date);
    table_cellf(table, "%s%s", date, provisional ? " (暂定)" : "");
}

static void cell_kind(struct table *table, const struct calendar_day *day)
{
    table_cellf(table, "%s%s%s", calendars_reason(day->reason), day->name[0] != '\0' ? " " : "",
                day->name);
}

static int draw_changes(const struct import *import)
{
    static const char *const heads[] = {"DAY", "WAS", "IS", "LAYER", "NOTICE", "SOURCE"};
    struct table table;
    int32_t day = -1;

    table_begin(&table, heads, "llllll");
    while (calendar_next_change(import->old, import->new, day, &day)) {
        struct calendar_day was = calendar_day_reason(import->old, day);
        struct calendar_day is = calendar_day_reason(import->new, day);

        cell_day(&table, day, false);
        cell_kind(&table, &was);
        cell_kind(&table, &is);
        table_cell(&table, is.by_row ? calendar_layer_name(is.layer) : "-");
        table_cell(&table, is.notice[0] != '\0' ? is.notice : "-");
        table_cell(&table, is.source[0] != '\0' ? is.source : "-");
    }
    return table_end(&table, "no day changes");
}

static int draw_moves(const struct import *import)
{
    static const char *const heads[] = {"NUMBER",  "CLOCK",   "WINDOW", "RESPONSIBLE",
                                        "OLD DAY", "NEW DAY", "REASON"};
    const struct moves *moves = &import->moves;
    struct table table;

    if (!moves->asked) {
        printf("deadlines were not looked at: name a broker's --socket or its --store\n");
        return EXIT_OK;
    }
    printf("%zu of %" PRIu64 " open deadlines change\n", moves->count, moves->looked_at);
    table_begin(&table, heads, "llrllll");
    for (size_t i = 0; i < moves->count; i++) {
        const struct move *move = &moves->rows[i];

        table_cell(&table, move->number);
        table_cell(&table, clock_kind_id(move->kind));
        table_cell_u64(&table, move->window);
        table_cell(&table, move->responsible);
        cell_day(&table, move->old_day, move->old_provisional);
        cell_day(&table, move->to.due_day, move->to.provisional);
        table_cell(&table, move->to.reason);
    }
    return table_end(&table, "");
}

static void say_next(const struct import *import)
{
    static const char *const done[] = {
        [CALENDAR_INSTALL_NEW] = "would be", [CALENDAR_INSTALL_REPLACES] = "would replace"};

    if (import->plan.what == CALENDAR_INSTALL_SAME) {
        printf("%s/%s holds these bytes already: nothing to do\n", import->folder,
               import->candidate.name);
    } else if (!import->installed) {
        printf("dry run: it %s %s/%s\nnext: the same without --dry-run\n", done[import->plan.what],
               import->folder, import->candidate.name);
    } else {
        printf("installed: %s/%s\n", import->folder, import->candidate.name);
        if (import->plan.what == CALENDAR_INSTALL_REPLACES) {
            printf("the file that it replaced is kept: %s/%s\n", import->folder, import->plan.kept);
        }
        printf("next: `systemctl reload referral-broker`; then the same file at each agency, and "
               "restart its agent\n");
    }
}

static int draw(const struct import *import)
{
    int status;

    printf("calendar %s becomes %s\n", calendar_version(import->old),
           calendar_version(import->new));
    status = draw_changes(import);
    if (status == EXIT_OK) {
        status = draw_moves(import);
    }
    say_next(import);
    return status;
}

/* --- JSON --- */

static void answer_kind(struct answer *answer, const char *what, const char *name,
                        const struct calendar_day *day)
{
    answer_text(answer, what, calendars_reason(day->reason));
    answer_text(answer, name, day->name);
}

static void answer_changes(struct answer *answer, const struct import *import)
{
    int32_t day = -1;

    json_name(&answer->json, "changes");
    json_array_begin(&answer->json);
    while (calendar_next_change(import->old, import->new, day, &day)) {
        struct calendar_day was = calendar_day_reason(import->old, day);
        struct calendar_day is = calendar_day_reason(import->new, day);

        json_object_begin(&answer->json);
        answer_day(answer, "date", day);
        answer_kind(answer, "was", "was_name", &was);
        answer_kind(answer, "is", "name", &is);
        answer_source(answer, &is);
        json_object_end(&answer->json);
    }
    json_array_end(&answer->json);
}

static void answer_moves(struct answer *answer, const struct moves *moves)
{
    answer_bool(answer, "asked", moves->asked);
    answer_u64(answer, "open", moves->looked_at);
    json_name(&answer->json, "moves");
    json_array_begin(&answer->json);
    for (size_t i = 0; i < moves->count; i++) {
        const struct move *move = &moves->rows[i];

        json_object_begin(&answer->json);
        answer_text(answer, "number", move->number);
        answer_text(answer, "clock", clock_kind_id(move->kind));
        answer_u64(answer, "window", move->window);
        answer_text(answer, "responsible", move->responsible);
        answer_day(answer, "old_due", move->old_day);
        answer_bool(answer, "old_provisional", move->old_provisional);
        answer_day(answer, "due", move->to.due_day);
        answer_bool(answer, "provisional", move->to.provisional);
        answer_bool(answer, "moved", move->to.moved);
        answer_text(answer, "reason", move->to.reason);
        json_object_end(&answer->json);
    }
    json_array_end(&answer->json);
}

static int answer(const struct import *import)
{
    struct answer answer;

    answer_begin(&answer, true);
    answer_text(&answer, "folder", import->folder);
    answer_text(&answer, "file", import->candidate.name);
    answer_text(&answer, "what", install_words[import->plan.what]);
    answer_text(&answer, "kept", import->plan.kept);
    answer_bool(&answer, "installed", import->installed);
    answer_text(&answer, "old_calendar", calendar_version(import->old));
    answer_text(&answer, "calendar", calendar_version(import->new));
    answer_changes(&answer, import);
    answer_moves(&answer, &import->moves);
    return answer_end(&answer, EXIT_OK);
}

int calendar_import_run(const struct invocation *invocation)
{
    struct import import = {.invocation = invocation};
    int status;

    buf_init(&import.text, LIMIT_CONFIG_BYTES);
    status = look(&import);
    if (status == EXIT_OK) {
        status = moves_gather(invocation, import.new, &import.moves);
    }
    if (status == EXIT_OK) {
        status = install(&import);
    }
    if (status == EXIT_OK) {
        status = invocation_has(invocation, OPTION_JSON) ? answer(&import) : draw(&import);
    }
    moves_free(&import.moves);
    calendar_free(import.old);
    calendar_free(import.new);
    buf_free(&import.text);
    return status;
}

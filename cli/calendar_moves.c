/* How: a broker answers its open clocks page by page, so that its turns stay short; a store is
 * walked in one snapshot. Both become struct movable. */
#include "cli/calendar_moves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/call.h"
#include "io/clock.h"
#include "store/cases.h"

#define NEXT_BYTES 65u
#define PAGES_MAX  100000u /* more is a broker that goes round in circles */
#define ROWS_FIRST 1024u

struct gathering {
    const struct invocation *invocation;
    const struct calendar *calendar; /* the other one */
    uint64_t now_ms;                 /* the broker's, else this machine's */
    struct moves *moves;
};

/* --- rows --- */

static enum err moves_add(struct moves *moves, const struct move *move)
{
    if (moves->count == moves->cap) {
        size_t cap = moves->cap == 0 ? ROWS_FIRST : 2 * moves->cap;
        struct move *rows = realloc(moves->rows, cap * sizeof(*rows));

        if (rows == NULL) {
            return ERR_MEMORY;
        }
        moves->rows = rows;
        moves->cap = cap;
    }
    moves->rows[moves->count++] = *move;
    return OK;
}

void moves_free(struct moves *moves)
{
    free(moves->rows);
    moves->rows = NULL;
}

static enum err consider(struct gathering *gathering, const struct movable *movable,
                         const char *responsible)
{
    const struct window *window = &movable->window;
    struct move move = {.kind = window->kind,
                        .window = window->number,
                        .old_day = window->due_day,
                        .old_provisional = window->provisional};

    gathering->moves->looked_at++;
    if (!movable_move(gathering->calendar, gathering->now_ms, movable, &move.to)) {
        return OK;
    }
    text_copy(move.number, sizeof(move.number), movable->number);
    text_copy(move.responsible, sizeof(move.responsible), responsible);
    return moves_add(gathering->moves, &move);
}

static int no_memory(void)
{
    fprintf(stderr, "referralctl: no memory for the list of deadlines\n");
    return EXIT_FAILED;
}

/* --- a store --- */

static enum err walk_store(struct gathering *gathering, struct store_txn *read,
                           struct movables *movables)
{
    struct case_key at = {.case_id = {{0}}}, key;
    bool first = true;

    while (true) { /* as many steps as there are records */
        struct span packed;
        enum err error = cases_next(read, NULL, first ? NULL : &at, &key, &packed);

        if (error == OK) {
            error = movables_read(packed, movables);
        }
        for (size_t i = 0; error == OK && i < movables->count; i++) {
            char number[12];

            (void)snprintf(number, sizeof(number), "%u", movables->rows[i].responsible);
            error = consider(gathering, &movables->rows[i], number);
        }
        if (error != OK) {
            return error;
        }
        at = key;
        first = false;
    }
}

static int read_store(struct gathering *gathering, const char *folder)
{
    struct movables *movables = malloc(sizeof(*movables));
    struct fault fault = {.code = ""};
    struct store *store = NULL;
    struct store_txn *read = NULL;
    struct clock clock;
    enum err error = movables == NULL ? ERR_MEMORY : OK;

    clock_init(&clock, false);
    gathering->now_ms = clock_wall_ms(&clock);
    if (error == OK) {
        error = store_open_reader(folder, &store, &fault);
    }
    if (error == OK) {
        error = store_read_begin(store, &read);
    }
    if (error == OK) {
        error = walk_store(gathering, read, movables);
    }
    store_read_end(read);
    store_close(store);
    free(movables);
    if (error == ERR_MEMORY) {
        return no_memory();
    }
    if (error != ERR_NOT_FOUND || fault.code[0] != '\0') {
        if (fault.code[0] == '\0') {
            fault_set(&fault, "store.records", folder, "its records cannot be read: %s",
                      err_text(error));
            fault_hint(&fault, "is it a broker's store, of this version?");
        }
        return output_fault(gathering->invocation, EXIT_REFUSED, &fault);
    }
    gathering->moves->asked = true;
    return EXIT_OK;
}

/* --- a broker --- */

/* What a good broker writes; anything else is told as an answer that is none. */
static enum err read_row(const struct json_value *row, struct movable *ret_movable)
{
    struct window *window = &ret_movable->window;
    enum err error = clock_kind_parse(value_text(row, "clock"), &window->kind);

    if (error == OK) {
        error = window_basis_parse(value_text(row, "basis"), &window->basis);
    }
    if (error == OK) {
        error = civil_parse(value_text(row, "due"), &window->due_day);
    }
    if (error != OK) {
        return ERR_INVALID;
    }
    ret_movable->number = value_text(row, "number");
    window->number = (uint32_t)value_u64(row, "window");
    window->n = (uint32_t)value_u64(row, "working_days");
    window->start_ms = value_u64(row, "start_ms");
    window->due_before_ms = civil_end_ms(window->due_day);
    window->provisional = value_bool(row, "provisional");
    return window->n >= 1 && window->n <= CALENDAR_COUNT_MAX &&
                   window->start_ms < civil_end_ms(CIVIL_DAY_MAX - CALENDAR_COUNT_MAX * 2)
               ? OK
               : ERR_INVALID;
}

static enum err read_page(struct gathering *gathering, const struct json_value *root,
                          char next[NEXT_BYTES])
{
    struct json_value rows = json_member(root, "windows");
    enum err error = json_is_array(&rows) ? OK : ERR_INVALID;

    gathering->now_ms = value_u64(root, "broker_ms");
    for (size_t i = 0; error == OK && i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        struct movable movable = {.responsible = 0};

        error = read_row(&row, &movable);
        if (error == OK) {
            error = consider(gathering, &movable, value_text(&row, "responsible"));
        }
    }
    text_copy(next, NEXT_BYTES, value_text(root, "next"));
    return error;
}

static int ask_page(struct gathering *gathering, char next[NEXT_BYTES])
{
    struct fault fault = {.code = ""};
    struct call call;
    enum err error = OK;
    int status;

    call_begin(&call, "windows");
    if (next[0] != '\0') {
        call_text(&call, "after", next);
    }
    status = call_end(&call, gathering->invocation, BROKER_SOCKET);
    if (status == EXIT_OK) {
        error = read_page(gathering, &call.root, next);
    }
    if (error == ERR_MEMORY) {
        status = no_memory();
    } else if (error != OK) {
        fault_set(&fault, "socket.answer", "windows", "the answer is not what a broker writes");
        fault_hint(&fault, "is it a broker of the same version?");
        status = output_fault(gathering->invocation, EXIT_REFUSED, &fault);
    }
    call_free(&call);
    return status;
}

static int ask_broker(struct gathering *gathering)
{
    char next[NEXT_BYTES] = "";
    int status = EXIT_OK;

    for (unsigned page = 0; status == EXIT_OK && page < PAGES_MAX; page++) {
        status = ask_page(gathering, next);
        if (next[0] == '\0') {
            break;
        }
    }
    gathering->moves->asked = status == EXIT_OK;
    return status;
}

int moves_gather(const struct invocation *invocation, const struct calendar *calendar,
                 struct moves *ret_moves)
{
    struct gathering gathering = {
        .invocation = invocation, .calendar = calendar, .moves = ret_moves};
    char socket[CONTEXT_PATH_BYTES];
    int status;

    memset(ret_moves, 0, sizeof(*ret_moves));
    if (invocation_has(invocation, OPTION_STORE)) {
        return read_store(&gathering, invocation->value[OPTION_STORE]);
    }
    status = call_socket(invocation, BROKER_SOCKET, socket);
    if (status == EXIT_OK &&
        (strcmp(socket, BROKER_SOCKET) != 0 || access(BROKER_SOCKET, F_OK) == 0)) {
        status = ask_broker(&gathering);
    }
    return status;
}

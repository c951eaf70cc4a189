/* The command `case`: a case with its referrals and matters, their clocks and the trail of their
 * leaves. The contract is docs/status-socket.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/broker_parts.h"
#include "model/lanes.h"
#include "model/vocabulary.h"

static int draw_clocks(const struct json_value *record, const char *name)
{
    static const char *const heads[] = {"CLOCK", "WINDOW", "DAYS",   "RESPONSIBLE",
                                        "SINCE", "DAY N",  "RAISED", "STOPPED"};
    struct json_value clocks = json_member(record, name);
    struct table table;

    table_begin(&table, heads, "lrrlllll");
    table.margin = "  ";
    for (size_t i = 0; i < json_count(&clocks); i++) {
        struct json_value clock = json_item(&clocks, i);

        table_cell(&table, value_text(&clock, "clock"));
        table_cell_u64(&table, value_u64(&clock, "window"));
        table_cell_u64(&table, value_u64(&clock, "working_days"));
        table_cell(&table, value_text(&clock, "responsible"));
        cell_instant(&table, value_u64(&clock, "start_ms"));
        cell_due(&table, &clock);
        cell_raised(&table, &clock);
        cell_instant(&table, value_u64(&clock, "stopped_ms"));
    }
    return table_end(&table, "no clock runs yet");
}

/* What a leaf is about, in a few words. */
static void cell_leaf(struct table *table, const struct json_value *leaf)
{
    uint64_t due_before_ms = value_u64(leaf, "due_before_ms");
    char due[INSTANT_TEXT_BYTES];

    output_instant(due_before_ms, due);
    if (value_text(leaf, "kind")[0] != '\0') {
        table_cellf(table, "%s to %s", value_text(leaf, "kind"), value_text(leaf, "recipient"));
    } else if (value_text(leaf, "rung")[0] != '\0') {
        table_cellf(table, "window %" PRIu64 ": %s %s", value_u64(leaf, "window"),
                    value_text(leaf, "rung"), value_text(leaf, "document"));
    } else if (due_before_ms != 0) {
        table_cellf(table, "window %" PRIu64 " due before %s%s", value_u64(leaf, "window"), due,
                    value_bool(leaf, "late") ? ", late" : "");
    } else {
        table_cell(table, "");
    }
}

static int draw_trail(const struct json_value *referral)
{
    static const char *const heads[] = {"LEAF", "TIME", "WHAT", "BY", ""};
    struct json_value trail = json_member(referral, "trail");
    struct table table;

    table_begin(&table, heads, "rllll");
    table.margin = "  ";
    for (size_t i = 0; i < json_count(&trail); i++) {
        struct json_value leaf = json_item(&trail, i);

        table_cellf(&table, "%" PRIu64, value_u64(&leaf, "leaf"));
        cell_instant(&table, value_u64(&leaf, "at_ms"));
        table_cell(&table, value_text(&leaf, "what"));
        table_cell(&table, value_text(&leaf, "actor"));
        cell_leaf(&table, &leaf);
    }
    return table_end(&table, "no leaves");
}

static int draw_facts(const struct json_value *referral)
{
    const struct word *outcome =
        vocabulary_find(VOCABULARY_OUTCOME, (uint32_t)value_u64(referral, "outcome"));
    uint64_t lane = value_u64(referral, "lane");
    struct table table;

    table_begin(&table, NULL, "l");
    table_cellf(&table, "%s  %s from %s to %s", value_text(referral, "referral"),
                value_text(referral, "kind"), value_text(referral, "from"),
                value_text(referral, "to"));
    table_cellf(&table, "  %s%s%s, lane %s%s%s%s%s", value_text(referral, "state"),
                value_bool(referral, "signed") ? ", signed for" : "",
                value_bool(referral, "informed") ? ", applicant informed" : "",
                lane < LANE_COUNT ? lane_name((enum lane)lane) : "?",
                outcome != NULL ? ", outcome " : "", outcome != NULL ? outcome->id : "",
                value_text(referral, "register_number")[0] != '\0' ? ", register " : "",
                value_text(referral, "register_number"));
    if (value_bool(referral, "late")) {
        table_cellf(&table, "  late by %" PRIu64 " working days",
                    value_u64(referral, "lateness_days"));
    }
    if (value_u64(referral, "open_documents") > 0) {
        table_cellf(&table, "  open 督办单: %" PRIu64, value_u64(referral, "open_documents"));
    }
    return table_end(&table, "");
}

static int draw_referral(const struct json_value *referral)
{
    int status = draw_facts(referral);

    if (status == EXIT_OK) {
        status = draw_clocks(referral, "clocks");
    }
    return status == EXIT_OK ? draw_trail(referral) : status;
}

static int draw_matter_facts(const struct json_value *matter)
{
    struct json_value members = json_member(matter, "members");
    struct table table;

    table_begin(&table, NULL, "l");
    table_cellf(&table, "%s  %s of %s", value_text(matter, "matter"), value_text(matter, "kind"),
                value_text(matter, "owner"));
    table_cellf(&table, "  %s", value_text(matter, "state"));
    for (size_t i = 0; i < json_count(&members); i++) {
        struct json_value member = json_item(&members, i);
        const char *attends = value_text(&member, "attends");

        table_cellf(&table, "  with %s%s%s%s", value_text(&member, "id"),
                    value_bool(&member, "delivered") ? ", delivered" : "",
                    attends[0] != '\0' ? ", attends: " : "", attends);
    }
    if (strcmp(value_text(matter, "kind"), "fund") == 0) {
        table_cellf(&table, "  paid %" PRIu64 " of %" PRIu64 " fen", value_u64(matter, "paid_fen"),
                    value_u64(matter, "fund_fen"));
    }
    if (value_u64(matter, "open_documents") > 0) {
        table_cellf(&table, "  open 督办单: %" PRIu64, value_u64(matter, "open_documents"));
    }
    return table_end(&table, "");
}

static int draw_matter(const struct json_value *matter)
{
    int status = draw_matter_facts(matter);

    if (status == EXIT_OK) {
        status = draw_clocks(matter, "duties");
    }
    return status == EXIT_OK ? draw_trail(matter) : status;
}

struct kind { /* what a case holds, and how it is called and drawn */
    const char *rows, *number;
    int (*draw)(const struct json_value *record);
};

struct numbered {
    const char *number; /* borrowed from the answer */
    size_t index;
};

static int by_number(const void *a, const void *b)
{
    return strcmp(((const struct numbered *)a)->number, ((const struct numbered *)b)->number);
}

/* The broker has them in the order of their ids. */
static int draw_rows(const struct json_value *root, const struct kind *kind, bool *between)
{
    struct json_value rows = json_member(root, kind->rows);
    size_t count = json_count(&rows);
    struct numbered *order = calloc(count + 1, sizeof(*order));
    int status = EXIT_OK;

    if (order == NULL) {
        fprintf(stderr, "referralctl: no memory to draw the case\n");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_value row = json_item(&rows, i);

        order[i] = (struct numbered){value_text(&row, kind->number), i};
    }
    qsort(order, count, sizeof(*order), by_number);
    for (size_t i = 0; status == EXIT_OK && i < count; i++) {
        struct json_value row = json_item(&rows, order[i].index);

        printf("%s", *between ? "\n" : "");
        *between = true;
        status = kind->draw(&row);
    }
    free(order);
    return status;
}

static const struct kind kinds[] = {{"referrals", "referral", draw_referral},
                                    {"matters", "matter", draw_matter}};

static int draw_case(const struct json_value *root)
{
    bool between = false;
    int status = EXIT_OK;

    if (value_bool(root, "archived")) {
        printf("the case is archived\n");
    }
    for (size_t i = 0; status == EXIT_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        status = draw_rows(root, &kinds[i], &between);
    }
    return status;
}

static int judge_kind(const struct json_value *root, const struct kind *kind)
{
    struct json_value rows = json_member(root, kind->rows);
    int status = EXIT_OK;

    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        if (value_bool(&row, "trail_truncated")) {
            status = output_warn("%s has older leaves than these: `audit export` has them all",
                                 value_text(&row, kind->number));
        }
    }
    return status;
}

static int judge_case(const struct json_value *root)
{
    int status = EXIT_OK;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int one = judge_kind(root, &kinds[i]);

        status = one != EXIT_OK ? one : status;
    }
    return status;
}

int broker_case_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "case");
    call_text(&call, "id", invocation->arguments[0]);
    return broker_finish(&call, invocation, draw_case, judge_case);
}

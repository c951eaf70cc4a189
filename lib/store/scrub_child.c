/* `--check-store` of both daemons: the look, and what is to be printed of it. See scrub.h. */
#include <inttypes.h>

#include "base/json.h"
#include "store/scrub.h"

static void write_report(const struct scrub_report *report, struct json_writer *out)
{
    json_object_begin(out);
    json_name(out, "ok");
    json_bool(out, report->damages == 0);
    json_name(out, "live");
    json_bool(out, report->live);
    json_name(out, "rows");
    json_u64(out, report->rows);
    json_name(out, "leaves");
    json_u64(out, report->log_size);
    json_name(out, "damages");
    json_u64(out, report->damages);
    json_name(out, "damaged");
    json_array_begin(out);
    for (size_t i = 0; i < report->listed; i++) {
        json_object_begin(out);
        json_name(out, "where");
        json_text(out, report->damage[i].where);
        json_name(out, "what");
        json_text(out, report->damage[i].what);
        json_object_end(out);
    }
    json_array_end(out);
    json_object_end(out);
}

static void write_fault(const struct fault *fault, struct json_writer *out)
{
    json_object_begin(out);
    json_name(out, "ok");
    json_bool(out, false);
    json_name(out, "code");
    json_text(out, fault->code);
    json_name(out, "place");
    json_text(out, fault->place);
    json_name(out, "message");
    json_text(out, fault->message);
    json_name(out, "hint");
    json_text(out, fault->hint);
    json_object_end(out);
}

static void report_text(const char *folder, const struct scrub_report *report, struct buf *out)
{
    enum err error = OK;
    for (size_t i = 0; i < report->listed && error == OK; i++) {
        error = buf_printf(out, "%s: %s\n", report->damage[i].where, report->damage[i].what);
    }
    if (error == OK) {
        error =
            buf_printf(out, "%s: %" PRIu64 " rows, %" PRIu64 " leaves%s: ", folder, report->rows,
                       report->log_size, report->live ? ", beside its daemon" : "");
    }
    if (error == OK && report->damages == 0) {
        error = buf_printf(out, "whole\n");
    } else if (error == OK) {
        error = buf_printf(out, "%" PRIu64 " damages; restore the store's last copy\n",
                           report->damages);
    }
    (void)error; /* a text that is cut short: the exit status says it all */
}

int scrub_child(const char *folder, const struct store_options *options, bool json, struct buf *out)
{
    static struct scrub_report report; /* too large for a stack */
    struct fault fault = {.code = ""};
    struct json_writer writer;

    json_writer_init(&writer, out);
    if (scrub_run(folder, options, &report, &fault) != OK) {
        write_fault(&fault, &writer);
        return SCRUB_EXIT_FAILED;
    }
    if (json) {
        write_report(&report, &writer);
    } else {
        report_text(folder, &report, out);
    }
    return report.damages == 0 ? 0 : SCRUB_EXIT_DAMAGED;
}

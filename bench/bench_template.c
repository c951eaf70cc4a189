/* How long a page takes: a list of 50 rows with 30 fields each, as the inbox has them, rendered
 * over and over. Prints one JSON line: microseconds a page (the median), bytes of the page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/web/template.h"

#define ROWS   50u
#define FIELDS 30u
#define ROUNDS 2000u

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum err make_template(struct buf *text)
{
    enum err error = buf_append_text(text, "{{>layout_head}}<table>{{#rows}}<tr>");
    for (unsigned i = 0; i < FIELDS && error == OK; i++) {
        error = buf_printf(text,
                           i % 3 == 0 ? "<td{{#late}} class=\"r-late\"{{/late}}>{{f%u}}</td>"
                           : i % 3 == 1
                               ? "<td title=\"{{_ 期限}}\"><a href=\"/case/{{f%u}}\">x</a></td>"
                               : "<td><span class=\"sub\">{{f%u}}</span></td>",
                           i);
    }
    return error == OK ? buf_append_text(text, "</tr>{{/rows}}</table>") : error;
}

static enum err make_view(struct buf *text)
{
    struct json_writer writer;
    json_writer_init(&writer, text);
    json_object_begin(&writer);
    json_name(&writer, "title");
    json_text(&writer, "待办");
    json_name(&writer, "rows");
    json_array_begin(&writer);
    for (unsigned row = 0; row < ROWS; row++) {
        json_object_begin(&writer);
        json_name(&writer, "late");
        json_bool(&writer, row % 5 == 0);
        for (unsigned i = 0; i < FIELDS; i++) {
            char name[8];
            (void)snprintf(name, sizeof(name), "f%u", i);
            json_name(&writer, name);
            json_text(&writer, i % 4 == 0 ? "其其格（化名）<JZ-2026-0031>" : "10月10日（周六）止");
        }
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    return json_writer_end(&writer);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static enum err measure(const struct template_set *set, const struct json_value *view)
{
    static uint64_t times[ROUNDS];
    struct buf page;
    enum err error = OK;
    buf_init(&page, 1u << 20);
    for (size_t i = 0; i < ROUNDS && error == OK; i++) {
        uint64_t from = now_ns();
        buf_clear(&page);
        error = template_render(set, "page", view, LANGUAGE_EN, &page);
        times[i] = now_ns() - from;
    }
    qsort(times, ROUNDS, sizeof(times[0]), compare);
    (void)printf("{\"case\":\"page\",\"rows\":%u,\"fields\":%u,\"page_bytes\":%zu,"
                 "\"median_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 "}\n",
                 ROWS, FIELDS, page.len, times[ROUNDS / 2] / 1000, times[ROUNDS / 100 * 99] / 1000);
    buf_free(&page);
    return error;
}

int main(void)
{
    struct buf text, view_text;
    struct template_set *set = NULL;
    struct json *json = NULL;
    struct fault fault = {0};
    buf_init(&text, 1u << 20);
    buf_init(&view_text, 1u << 20);
    enum err error = make_template(&text);
    if (error == OK) {
        error = make_view(&view_text);
    }
    if (error == OK) {
        struct template_source sources[] = {{"page", span_buf(&text)},
                                            {"layout_head", span_text("<h1>{{title}}</h1>")}};
        error = templates_compile(sources, 2, &set, &fault);
    }
    if (error == OK) {
        error = json_open("view", span_buf(&view_text), &json, &fault);
    }
    if (error == OK) {
        struct json_value view = json_root(json);
        error = measure(set, &view);
    }
    if (error != OK) {
        (void)fprintf(stderr, "bench_template: %s: %s %s\n", err_text(error), fault.place,
                      fault.message);
    }
    json_free(json);
    templates_free(set);
    buf_free(&text);
    buf_free(&view_text);
    return error == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

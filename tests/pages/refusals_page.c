/* docs/refusals.md, printed from the tables of lib/model/refusal and lib/model/why. Without an
 * argument: on standard output, to be redirected into the page. With the page's path: exit status 1
 * and the first line that differs when it is not what would be printed. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "model/why.h"

#define PAGE_BYTES (256u * 1024u)
#define CODE_MAX   255

static const struct {
    int first;
    int last;
    const char *heading;
    const char *text;
} classes[] = {
    {1, 19, "The request as a whole",
     "Nothing of the request was looked at. 1 to 7 are usually answered without a signature."},
    {20, 39, "Later",
     "Nothing was decided. The same messages may be sent again, after `retry_after_ms`."},
    {40, CODE_MAX, "A message",
     "For good: one leaf of the log and a receipt that proves the refusal. Nothing else changed."},
};

static bool known(int code)
{
    return strcmp(refusal_name((enum refusal)code), "unknown") != 0;
}

static enum err print_classes(struct buf *page)
{
    enum err error = OK;
    for (size_t i = 0; error == OK && i < sizeof(classes) / sizeof(classes[0]); i++) {
        error = buf_printf(page,
                           "\n## %s\n\n%s\n\n| code | name | meaning | next step |\n"
                           "|---|---|---|---|\n",
                           classes[i].heading, classes[i].text);
        for (int code = classes[i].first; error == OK && code <= classes[i].last; code++) {
            enum refusal refusal = (enum refusal)code;
            if (known(code)) {
                error = buf_printf(page, "| %d | `%s` | %s | %s |\n", code, refusal_name(refusal),
                                   refusal_meaning(refusal), refusal_hint(refusal));
            }
        }
    }
    return error;
}

static enum err print_rules(struct buf *page)
{
    enum err error = buf_printf(
        page,
        "\n## Rules\n\nOf one code, the first row whose message and field are those of what was "
        "refused. A rule that begins\nwith `d.` is ours where the source is silent; "
        "articles are those of 鄂检会字〔2023〕2号.\n\n"
        "| code | message | field | rule | article | accepted is | 可以受理的是 |\n"
        "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; error == OK && i < why_count(); i++) {
        const struct why *why = why_at(i);
        struct why_refused of = why_refused_at(i);
        if (of.refusal == REFUSAL_NONE) {
            continue; /* of requests: the first table says it */
        }
        error = buf_printf(page, "| %d | %s | %s%s%s | `%s` | %s | %s | %s |\n", (int)of.refusal,
                           of.kind == MESSAGE_NONE ? "any" : message_kind_name(of.kind),
                           of.detail[0] == '\0' ? "" : "`", of.detail,
                           of.detail[0] == '\0' ? "any" : "`", why->rule, why->article,
                           why->accepted, why->accepted_zh);
    }
    return error;
}

static enum err print_page(struct buf *page)
{
    enum err error = buf_printf(
        page, "# Refusals: every code, what it means, what to do, and by which rule\n\n"
              "Printed by `refusals_page` (tests/pages) from lib/model/refusal.c and why.c; a test "
              "compares. The codes are\nthe same on the wire, in the log, in `--json` and on "
              "sockets; a refusal also names the field and what\nwas expected there. A number is "
              "never reused.\n");
    error = error == OK ? print_classes(page) : error;
    return error == OK ? print_rules(page) : error;
}

/* The number of the first line that differs; 0: none. */
static size_t first_difference(struct span a, struct span b)
{
    size_t line = 1;
    size_t i = 0;
    for (; i < a.len && i < b.len && a.data[i] == b.data[i]; i++) {
        line += a.data[i] == '\n' ? 1 : 0;
    }
    return i == a.len && i == b.len ? 0 : line;
}

static int compare(const char *path, struct span page)
{
    struct buf kept;
    struct fault fault = {.code = ""};
    buf_init(&kept, PAGE_BYTES);
    if (file_read(path, &kept, &fault) != OK) {
        (void)fprintf(stderr, "%s: %s\n", path, fault.message);
        return 2;
    }
    size_t line = first_difference(page, span_buf(&kept));
    if (line != 0) {
        (void)fprintf(stderr, "%s:%zu: differs from what is printed: refusals_page >%s\n", path,
                      line, path);
    }
    buf_free(&kept);
    return line == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct buf page;
    int status = 2;
    buf_init(&page, PAGE_BYTES);
    if (argc > 2 || print_page(&page) != OK) {
        (void)fprintf(stderr, "usage: refusals_page [PAGE]\n");
    } else if (argc == 2) {
        status = compare(argv[1], span_buf(&page));
    } else {
        status = fwrite(page.data, 1, page.len, stdout) == page.len ? 0 : 1;
    }
    buf_free(&page);
    return status;
}

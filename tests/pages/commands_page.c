/* The source (scdoc) of referralctl(1): the page's text with the commands and the options of the
 * program's own tables in the place of @COMMANDS@ and @OPTIONS@, so that `--help` and the page say
 * the same. Usage: commands_page PAGE */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/command.h"

#define PAGE_BYTES (256u * 1024u)

static int fail(const char *path, const char *why)
{
    (void)fprintf(stderr, "commands_page: %s: %s\n", path, why);
    return 1;
}

/* Text of the tables means itself: what scdoc would take for a mark is escaped. */
static void print_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("\\*_`#[]|.", text[i]) != NULL && text[i] != '\0') {
            (void)fputc('\\', stdout);
        }
        (void)fputc(text[i], stdout);
    }
}

static void print_options_of(const struct command *row)
{
    const uint64_t everywhere = OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION) |
                                OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_QUIET) |
                                OPTION_BIT(OPTION_CONTEXT);

    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];
        bool must = (row->required & OPTION_BIT(id)) != 0;

        if (((row->options & ~everywhere) & OPTION_BIT(id)) != 0) {
            printf(must ? " *--%s*" : " [*--%s*", option->name);
            if (option->value != NULL) {
                printf(" _%s_", option->value);
            }
            (void)fputs(must ? "" : "]", stdout);
        }
    }
}

/* The lines before the first empty one are commands, those behind it are prose. */
static void print_examples(const char *examples)
{
    const char *prose = strstr(examples, "\n\n");
    size_t len = prose != NULL ? (size_t)(prose - examples) + 1 : strlen(examples);

    (void)fputs("\n\t```\n", stdout);
    for (size_t at = 0; at < len;) {
        size_t line = strcspn(examples + at, "\n");

        printf("\t%.*s\n", (int)line, examples + at);
        at += line + 1;
    }
    (void)fputs("\t```\n", stdout);
    if (prose != NULL) {
        (void)fputs("\n\t", stdout);
        for (const char *line = prose + 2; *line != '\0'; line += strcspn(line, "\n") + 1) {
            print_plain(line, strcspn(line, "\n"));
            (void)fputc(line[strcspn(line, "\n") + 1] != '\0' ? ' ' : '\n', stdout);
        }
    }
}

static void print_command(const struct command *row)
{
    printf("*%s*", row->path);
    if (row->arguments[0] != '\0') {
        (void)fputc(' ', stdout);
        print_plain(row->arguments, strlen(row->arguments));
    }
    print_options_of(row);
    (void)fputs("\n\t", stdout);
    print_plain(row->summary, strlen(row->summary));
    (void)fputc('\n', stdout);
    print_examples(row->examples);
    (void)fputc('\n', stdout);
}

static void print_commands(void)
{
    for (const struct command *row = command_table; row->path != NULL; row++) {
        print_command(row);
    }
}

static bool is_taken(unsigned id)
{
    bool taken = false;

    for (const struct command *row = command_table; row->path != NULL && !taken; row++) {
        taken = (command_options(row) & OPTION_BIT(id)) != 0;
    }
    return taken || id == OPTION_VERSION;
}

static void print_options(void)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];

        if (!is_taken(id)) {
            continue;
        }
        printf("*--%s*", option->name);
        if (option->value != NULL) {
            printf(" _%s_", option->value);
        }
        (void)fputs("\n\t", stdout);
        print_plain(option->help, strlen(option->help));
        (void)fputs("\n\n", stdout);
    }
}

/* Prints up to the mark, and then what stands for it; answers what is left. */
static const char *print_part(const char *text, const char *mark, void (*part)(void))
{
    const char *at = text != NULL ? strstr(text, mark) : NULL;

    if (at == NULL) {
        return NULL;
    }
    (void)fwrite(text, 1, (size_t)(at - text), stdout);
    part();
    return at + strlen(mark);
}

int main(int argc, char **argv)
{
    struct fault fault = {.code = ""};
    struct buf page;
    const char *rest;

    if (argc != 2) {
        return fail("usage", "commands_page PAGE");
    }
    buf_init(&page, PAGE_BYTES);
    if (file_read(argv[1], &page, &fault) != OK || buf_append(&page, "", 1) != OK) {
        return fail(argv[1], fault.message);
    }
    rest = print_part((const char *)page.data, "@COMMANDS@\n", print_commands);
    rest = print_part(rest, "@OPTIONS@\n", print_options);
    if (rest != NULL) {
        (void)fputs(rest, stdout);
    }
    buf_free(&page);
    return rest != NULL ? 0
                        : fail(argv[1], "@COMMANDS@ and @OPTIONS@ are not there, in this order");
}

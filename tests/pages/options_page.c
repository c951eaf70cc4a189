/* The source (scdoc) of broker.yaml(5) or agent.yaml(5): the page's text with the options of the
 * daemon's table in the place of @OPTIONS@. With --sample instead: exit status 1 and the lines that
 * are wrong unless the sample file names each option of the table, and no other, by default as the
 * table has it. Usage: options_page broker|agent PAGE, options_page broker|agent --sample FILE */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/option.h"

#define PAGE_BYTES (256u * 1024u)
#define MARK       "@OPTIONS@\n"

extern const struct yaml_option broker_option_table[];
extern const struct yaml_option agent_option_table[];

static int fail(const char *path, const char *why)
{
    (void)fprintf(stderr, "options_page: %s: %s\n", path, why);
    return 1;
}

static int print_page(const struct yaml_option *table, const char *path, const char *text)
{
    const char *mark = strstr(text, MARK);
    struct buf options;
    int status = 0;

    buf_init(&options, PAGE_BYTES);
    if (mark == NULL) {
        status = fail(path, "there is no line " MARK);
    } else if (options_manual(table, &options) != OK) {
        status = fail(path, "no memory");
    } else {
        (void)fwrite(text, 1, (size_t)(mark - text), stdout);
        (void)fwrite(options.data, 1, options.len, stdout);
        (void)fputs(mark + strlen(MARK), stdout);
    }
    buf_free(&options);
    return status;
}

/* "name: ..." or "# name: ..." at the start of a line. */
static size_t named(const char *line, const char **ret_name)
{
    if (line[0] == '#' && line[1] == ' ') {
        line += 2;
    }
    size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyz-");

    *ret_name = line;
    return len > 0 && line[len] == ':' ? len : 0;
}

static const char *find(const char *text, const char *name)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        const char *found;

        line += line != text;
        if (named(line, &found) == strlen(name) && strncmp(found, name, strlen(name)) == 0) {
            return line;
        }
    }
    return NULL;
}

static bool is_option(const struct yaml_option *table, const char *name, size_t len)
{
    for (size_t i = 0; table[i].name != NULL; i++) {
        if (strlen(table[i].name) == len && strncmp(table[i].name, name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* What is commented out shows the default, where there is one of one word. */
static bool shows_default(const struct yaml_option *option, const char *line)
{
    const char *value = strchr(line, ':') + 1;

    value += strspn(value, " ");
    return line[0] != '#' || option->hidden || option->initial == NULL ||
           option->type == YAML_NODE || option->type == YAML_BOOL ||
           (strncmp(value, option->initial, strlen(option->initial)) == 0 &&
            strchr(" \n", value[strlen(option->initial)]) != NULL);
}

static int check_sample(const struct yaml_option *table, const char *path, const char *text)
{
    int status = 0;

    for (size_t i = 0; table[i].name != NULL; i++) {
        const char *line = find(text, table[i].name);

        if (line == NULL) {
            status = fail(table[i].name, "is not in the sample");
        } else if (!shows_default(&table[i], line)) {
            status = fail(table[i].name, "has another default in the sample");
        }
    }
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        const char *name;

        line += line != text;
        size_t len = named(line, &name);
        if (len > 0 && !is_option(table, name, len)) {
            char word[64];

            (void)snprintf(word, sizeof(word), "%.*s", (int)len, name);
            status = fail(path, word);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    struct fault fault = {.code = ""};
    struct buf text;
    int status = 2;

    buf_init(&text, PAGE_BYTES);
    if (argc < 3 || argc > 4) {
        (void)fputs("usage: options_page broker|agent [--sample] FILE\n", stderr);
    } else if (file_read(argv[argc - 1], &text, &fault) != OK || buf_append(&text, "", 1) != OK) {
        status = fail(fault.place, fault.message);
    } else {
        const struct yaml_option *table =
            strcmp(argv[1], "broker") == 0 ? broker_option_table : agent_option_table;
        const char *all = (const char *)text.data;

        status = argc == 3 ? print_page(table, argv[2], all) : check_sample(table, argv[3], all);
    }
    buf_free(&text);
    return status;
}

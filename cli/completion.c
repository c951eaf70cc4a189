/* The command `completion`: a script that completes the words of the command table, its options,
 * and files where a file is due. It is made from the tables and holds all that it knows: while one
 * types, no program runs and no daemon is asked. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/output.h"

#define PATH_WORDS_MAX 4u
#define SCRIPT_BYTES   (256u * 1024u)

static const char script_head[] =
    "# Completion of referralctl for bash, made by `referralctl completion bash`.\n"
    "_referralctl() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local path= words= files= word i\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        case $word in\n";

static const char script_path[] = "        -*) ;;\n"
                                  "        *) path=\"${path:+$path }$word\" ;;\n"
                                  "        esac\n"
                                  "    done\n"
                                  "    case $prev in\n";

static const char script_tail[] =
    "    if [[ -n $files ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "    elif [[ -n $words ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "    fi\n"
    "}\n"
    "complete -F _referralctl referralctl\n";

/* --- options --- */

static bool names_file(const char *value)
{
    return strncmp(value, "FILE", 4) == 0 || strcmp(value, "PATH") == 0 ||
           strcmp(value, "DIR") == 0;
}

/* "--socket|--out": those whose value is a file, or is none. False when there are none. */
static enum err add_valued(bool files, struct buf *out)
{
    const char *before = "";
    enum err error = OK;

    for (size_t id = 0; error == OK && id < OPTION_COUNT; id++) {
        const char *value = option_table[id].value;

        if (value != NULL && names_file(value) == files) {
            error = buf_printf(out, "%s--%s", before, option_table[id].name);
            before = "|";
        }
    }
    return error;
}

static enum err add_options(const struct command *command, struct buf *out)
{
    enum err error =
        buf_printf(out, "        \"%s\" | \"%s \"*) words=\"", command->path, command->path);

    for (size_t id = 0; error == OK && id < OPTION_COUNT; id++) {
        if ((command_options(command) & OPTION_BIT(id)) != 0) {
            error = buf_printf(out, "--%s ", option_table[id].name);
        }
    }
    return error == OK ? buf_append_text(out, "\" ;;\n") : error;
}

/* --- words --- */

/* Does the path go on behind these words? `len` 0: every path does. */
static bool goes_on(const char *path, const char *words, size_t len)
{
    return len == 0 || (strncmp(path, words, len) == 0 && path[len] == ' ');
}

static const char *word_behind(const char *path, size_t len)
{
    return path + len + (len > 0 ? 1 : 0);
}

/* Is this row the first whose path goes on behind these words, and with this next word? */
static bool is_first(const struct command *row, const char *words, size_t len, bool same_next)
{
    const char *next = word_behind(row->path, len);
    size_t next_len = strcspn(next, " ");

    for (const struct command *other = command_table; other != row; other++) {
        const char *its = word_behind(other->path, len);

        if (goes_on(other->path, words, len) &&
            (!same_next || (strncmp(its, next, next_len) == 0 && strcspn(its, " ") == next_len))) {
            return false;
        }
    }
    return true;
}

/* All words that may follow the first `len` bytes of this path. */
static enum err add_next(const char *path, size_t len, struct buf *out)
{
    enum err error = buf_printf(out, "        \"%.*s\") words=\"", (int)len, path);

    for (const struct command *row = command_table; error == OK && row->path != NULL; row++) {
        if (goes_on(row->path, path, len) && is_first(row, path, len, true)) {
            const char *next = word_behind(row->path, len);

            error = buf_printf(out, "%.*s ", (int)strcspn(next, " "), next);
        }
    }
    return error == OK ? buf_append_text(out, "\" ;;\n") : error;
}

static enum err add_words(const struct command *row, struct buf *out)
{
    enum err error = OK;
    size_t len = 0;

    while (error == OK) { /* as often as the path has words */
        size_t next = strcspn(word_behind(row->path, len), " ");

        if (is_first(row, row->path, len, false)) {
            error = add_next(row->path, len, out);
        }
        len += next + (len > 0 ? 1 : 0);
        if (row->path[len] == '\0') {
            break;
        }
    }
    if (error == OK && strstr(row->arguments, "FILE") != NULL) {
        error = buf_printf(out, "        \"%s\" | \"%s \"*) files=1 ;;\n", row->path, row->path);
    }
    return error;
}

/* --- the script --- */

static unsigned count_words(const char *path)
{
    unsigned count = 1;

    for (const char *at = strchr(path, ' '); at != NULL; at = strchr(at + 1, ' ')) {
        count++;
    }
    return count;
}

/* Longer paths come first: "backup" takes no options of "backup ls". */
static enum err add_case(enum err (*add)(const struct command *, struct buf *), struct buf *out)
{
    enum err error = buf_append_text(out, "        case $path in\n");

    for (unsigned words = PATH_WORDS_MAX; words > 0; words--) {
        for (const struct command *row = command_table; error == OK && row->path != NULL; row++) {
            error = count_words(row->path) == words ? add(row, out) : OK;
        }
    }
    return error == OK ? buf_append_text(out, "        esac\n") : error;
}

static enum err add_values(struct buf *out)
{
    enum err error = buf_append_text(out, "    ");

    if (error == OK) {
        error = add_valued(true, out);
    }
    if (error == OK) {
        error = buf_append_text(out, ") files=1 ;;\n    ");
    }
    if (error == OK) {
        error = add_valued(false, out);
    }
    return error == OK ? buf_append_text(out, ") return ;;\n    esac\n") : error;
}

static enum err write_script(struct buf *out)
{
    enum err error = buf_append_text(out, script_head);

    if (error == OK) {
        error = buf_append_text(out, "        ");
    }
    if (error == OK) {
        error = add_valued(true, out);
    }
    if (error == OK) {
        error = buf_append_text(out, "|");
    }
    if (error == OK) {
        error = add_valued(false, out);
    }
    if (error == OK) {
        error = buf_append_text(out, ") ((i++)) ;;\n");
    }
    if (error == OK) {
        error = buf_append_text(out, script_path);
    }
    if (error == OK) {
        error = add_values(out);
    }
    if (error == OK) {
        error = buf_append_text(out, "    if [[ -n $files ]]; then\n        :\n"
                                     "    elif [[ $cur == -* ]]; then\n");
    }
    if (error == OK) {
        error = add_case(add_options, out);
    }
    if (error == OK) {
        error = buf_append_text(out, "    else\n");
    }
    if (error == OK) {
        error = add_case(add_words, out);
    }
    return error == OK ? buf_append_text(out, "    fi\n") : error;
}

static int print(const struct invocation *invocation, struct buf *script)
{
    struct answer answer;

    if (!invocation_has(invocation, OPTION_JSON)) {
        (void)fwrite(script->data, 1, script->len, stdout); /* main asks ferror */
        return EXIT_OK;
    }
    answer_begin(&answer, true);
    answer_text(&answer, "shell", invocation->arguments[0]);
    answer_text(&answer, "script", (const char *)script->data);
    return answer_end(&answer, EXIT_OK);
}

int completion_run(const struct invocation *invocation)
{
    const char *const shells[] = {"bash", NULL};
    struct fault fault = {.code = ""};
    struct buf script;
    int status;

    if (strcmp(invocation->arguments[0], shells[0]) != 0) {
        fault_set(&fault, "usage.value", invocation->arguments[0], "expected bash");
        nearest_hint(&fault, invocation->arguments[0], shells);
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    buf_init(&script, SCRIPT_BYTES);
    if (write_script(&script) == OK && buf_append_text(&script, script_tail) == OK &&
        buf_append(&script, "", 1) == OK) {
        script.len--; /* the NUL stands behind the text */
        status = print(invocation, &script);
    } else {
        fprintf(stderr, "referralctl: no memory for the script\n");
        status = EXIT_FAILED;
    }
    buf_free(&script);
    return status;
}

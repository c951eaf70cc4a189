/* See tree.h. A walk with its own bounded stack. */
#include "cli/tree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/output.h"

#define STEP 2u /* places a level */

struct level {
    struct json_value value;
    size_t next;     /* the child that is printed next */
    unsigned indent; /* of the children */
};

struct tree {
    struct level levels[LIMIT_NESTING];
    size_t depth;
    bool begun; /* the line has its dash already */
};

/* One line of a text, cleaned. */
static void print_line(const char *text, size_t len)
{
    struct buf raw, clean;

    buf_init(&raw, LIMIT_TEXT_BYTES + 1);
    buf_init(&clean, LIMIT_TEXT_BYTES + 1);
    if (buf_append(&raw, text, len) == OK && buf_append(&raw, "", 1) == OK &&
        output_clean((const char *)raw.data, &clean) == OK) {
        printf("%.*s", (int)clean.len, clean.len > 0 ? (const char *)clean.data : "");
    } else {
        printf("(too long for this form: see --json)");
    }
    buf_free(&raw);
    buf_free(&clean);
}

/* Its later lines stand under the first. */
static void print_text(const char *text, unsigned indent)
{
    while (true) {
        size_t len = strcspn(text, "\n");

        print_line(text, len);
        printf("\n");
        if (text[len] == '\0') {
            return;
        }
        text += len + 1;
        printf("%*s", (int)(indent + STEP), "");
    }
}

static void print_scalar(const struct json_value *value, unsigned indent)
{
    const char *text = "";
    int64_t number = 0;
    bool yes = false;

    if (json_get_text(value, LIMIT_TEXT_BYTES, &text, NULL) == OK) {
        print_text(text, indent);
    } else if (json_get_i64(value, &number, NULL) == OK) {
        printf("%" PRId64 "\n", number);
    } else if (json_get_bool(value, &yes, NULL) == OK) {
        printf("%s\n", yes ? "yes" : "no");
    } else {
        printf("%s\n", json_absent(value) ? "-" : "(not for this form: see --json)");
    }
}

static void enter(struct tree *tree, const struct json_value *value, unsigned indent)
{
    assert(tree->depth < LIMIT_NESTING);
    tree->levels[tree->depth] = (struct level){.value = *value, .indent = indent};
    tree->depth++;
}

/* A member: "name: scalar", or its name alone and its children below. An item: "- scalar", or a
 * dash on the line of its first child. */
static void print_child(struct tree *tree, const struct json_value *child, const char *name,
                        unsigned indent)
{
    bool nested = json_count(child) > 0;

    printf("%*s", tree->begun ? 0 : (int)indent, "");
    tree->begun = false;
    if (name != NULL) {
        print_line(name, strlen(name));
        printf("%s", nested ? ":\n" : ": ");
    } else {
        printf("- ");
        tree->begun = nested;
    }
    if (nested && tree->depth < LIMIT_NESTING) {
        enter(tree, child, indent + STEP);
    } else if (json_is_object(child) || json_is_array(child)) {
        printf("%s\n", nested ? "(nested too deep: see --json)" : "(none)");
        tree->begun = false;
    } else {
        print_scalar(child, indent);
    }
}

void tree_print(const struct json_value *value, unsigned indent, const char *except)
{
    struct tree tree = {.depth = 0};

    enter(&tree, value, indent);
    while (tree.depth > 0) {
        struct level *level = &tree.levels[tree.depth - 1];
        const char *name = NULL;
        struct json_value child;

        if (level->next == json_count(&level->value)) {
            tree.depth--;
            continue;
        }
        if (json_is_object(&level->value)) {
            name = json_member_name(&level->value, level->next);
            child = json_member(&level->value, name);
        } else {
            child = json_item(&level->value, level->next);
        }
        level->next++;
        if (tree.depth > 1 || name == NULL || except == NULL || strcmp(name, except) != 0) {
            print_child(&tree, &child, name, level->indent);
        }
    }
}

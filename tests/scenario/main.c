/* scenario: plays text stories on the real broker core. `scenario FILE...` prints the first line of
 * each file that does not hold, as file:line: what, and exits with 1 when there was any. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "scenario/script.h"

static bool play_lines(struct world *world, FILE *file, const char *name)
{
    struct step step = {.file = name};
    unsigned steps = 0;

    while (fgets(step.text, sizeof(step.text), file) != NULL) {
        step.line++;
        if (!step_split(&step)) {
            continue;
        }
        steps++;
        if (!script_play(world, &step)) {
            (void)printf("%s:%u: %s\n", name, step.line, step.problem);
            return false;
        }
    }
    if (steps == 0) {
        (void)printf("%s: nothing to play\n", name);
    }
    return steps > 0;
}

static bool play(const char *name)
{
    static struct world world; /* too large for the stack */
    FILE *file = fopen(name, "r");
    bool good;

    if (file == NULL) {
        (void)printf("%s: cannot be read\n", name);
        return false;
    }
    world_open(&world);
    good = play_lines(&world, file, name);
    world_close(&world);
    (void)fclose(file);
    return good;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;

    log_init("scenario", LOG_ERROR_LEVEL, NULL);
    for (int i = 1; i < argc; i++) {
        failed |= !play(argv[i]);
    }
    return failed;
}

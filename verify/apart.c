/* See apart.h. The report travels through a pipe as it is; a short one means that the child died.
 */
#include "apart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's whole life. */
static void work_and_tell(apart_fn work, void *ctx, int to)
{
    struct rlimit none = {0, 0};
    struct report report;

    (void)setrlimit(RLIMIT_CORE, &none);
    report_init(&report);
    work(ctx, &report);
    _exit(write(to, &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
}

static size_t read_all(int from, void *out, size_t len)
{
    size_t have = 0;

    while (have < len) {
        ssize_t got = read(from, (uint8_t *)out + have, len - have);

        if (got == 0 || (got < 0 && errno != EINTR)) {
            break;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    return have;
}

void apart_run(apart_fn work, void *ctx, struct report *ret_report)
{
    struct report report;
    int ends[2], status = 0;
    pid_t child;

    report_init(ret_report);
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        report_find(ret_report, VERDICT_UNREADABLE, NO_INDEX, "cannot start: %s", strerror(errno));
        return;
    }
    if (child == 0) {
        work_and_tell(work, ctx, ends[1]);
    }
    (void)close(ends[1]);
    if (read_all(ends[0], &report, sizeof report) == sizeof report) {
        *ret_report = report;
    } else {
        report_find(ret_report, VERDICT_UNREADABLE, NO_INDEX,
                    "reading it crashed: it is damaged so that it cannot be read");
    }
    (void)close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
}

int apart_print(apart_print_fn work, void *ctx, bool json)
{
    struct rlimit none = {0, 0};
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &none);
        _exit(work(ctx));
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child > 0 && WIFEXITED(status)) {
        return WEXITSTATUS(status);
    }
    fprintf(stderr, "referral-verify: the file could not be judged: reading it crashed\n");
    if (json) {
        printf("{\"ok\":false,\"verdict\":\"UNREADABLE\"}\n");
    }
    return VERDICT_UNREADABLE;
}

/* See program.h. The child has its own group, so that all of it ends where the time does. */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/beside.h"
#include "io/clock.h"

/* In the child; comes back only when it cannot be started. */
static void become(const char *const words[PROGRAM_WORDS_MAX], int output)
{
    char path[PATH_MAX], tail[64];
    char *argv[PROGRAM_WORDS_MAX];
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    memcpy(argv, words, sizeof(argv)); /* execv changes none, though its type says so */
    (void)setpgid(0, 0);
    if (nowhere < 0 || dup2(nowhere, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(nowhere, STDERR_FILENO) < 0) {
        return;
    }
    (void)snprintf(tail, sizeof(tail), "/%s", words[0]);
    if (beside_path(tail, path) == OK) {
        (void)execv(path, argv); /* answers only when it failed */
    }
    (void)execvp(words[0], argv);
}

static enum err read_until(int from, uint64_t due_ms, struct buf *output)
{
    uint8_t piece[4096];

    for (;;) { /* until its end, the time, or the bound of the buf */
        struct pollfd ready = {.fd = from, .events = POLLIN};
        uint64_t now_ms = clock_machine_ms();
        ssize_t got;

        if (now_ms >= due_ms || poll(&ready, 1, (int)(due_ms - now_ms)) == 0) {
            return ERR_TIMEOUT;
        }
        got = read(from, piece, sizeof(piece));
        if (got == 0) {
            return OK;
        }
        if (got < 0 && errno != EINTR) {
            return ERR_IO;
        }
        if (got > 0 && buf_append(output, piece, (size_t)got) != OK) {
            return ERR_TOO_LARGE;
        }
    }
}

int program_run(const char *const words[PROGRAM_WORDS_MAX], unsigned limit_ms,
                struct buf *ret_output)
{
    uint64_t due_ms = clock_machine_ms() + limit_ms;
    int ends[2], status = 0;
    enum err error;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    child = fork();
    if (child == 0) {
        become(words, ends[1]);
        _exit(127);
    }
    (void)close(ends[1]);
    error = child > 0 ? read_until(ends[0], due_ms, ret_output) : ERR_MEMORY;
    (void)close(ends[0]);
    if (child > 0 && error != OK) {
        (void)kill(child, SIGKILL);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
        status = 0;
    }
    return error == OK && WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status)
                                                                          : -1;
}

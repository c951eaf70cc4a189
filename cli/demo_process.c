/* The city's processes. See demo.h.
 *
 * A daemon says READY=1 on one datagram socket, as to a service manager; the kernel tells whose
 * word it is. Ends are seen on pidfds, so that nothing is waited for by sleeping. Each daemon has a
 * process group of its own, so that Ctrl-C reaches the supervisor alone, and dies with the player.
 * Between fork and exec only what is safe after threads were made. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/demo.h"
#include "io/local.h"

#define STOP_MS        10000u
#define LOG_BYTES      (4u * 1024u * 1024u)
#define LOG_TAIL_LINES 12u
#define EXEC_FAILED    127
#define NO_STATUS      (-1)

struct demo_process *process_find(struct demo *demo, const char *who)
{
    for (size_t i = 0; i < demo->process_count; i++) {
        if (strcmp(demo->processes[i].id, who) == 0) {
            return &demo->processes[i];
        }
    }
    return NULL;
}

static bool is_broker(const struct demo_process *process)
{
    return strcmp(process->id, BROKER_ID) == 0;
}

static const char *program_of(const struct demo_process *process)
{
    return is_broker(process) ? "referral-broker" : "referral-agent";
}

static void log_path(const struct demo *demo, const struct demo_process *process,
                     char out[DEMO_PATH_BYTES])
{
    if (is_broker(process)) {
        demo_path(demo, out, "broker/log");
    } else {
        demo_path(demo, out, "agents/%s/log", process->id);
    }
}

/* --- the ready socket --- */

enum err process_open(struct demo *demo)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[DEMO_PATH_BYTES];
    int on = 1;

    demo_path(demo, path, "ready.sock");
    text_copy(address.sun_path, sizeof(address.sun_path), path);
    demo->ready_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (demo->ready_fd < 0 ||
        setsockopt(demo->ready_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
        bind(demo->ready_fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        setenv("NOTIFY_SOCKET", path, 1) != 0) {
        return demo_fail(demo, "demo.socket", path, "cannot make this socket: %s", strerror(errno));
    }
    return OK;
}

/* The next word: whose, and is it that the process is ready? 0 when there is none. */
static pid_t take_word(int fd, bool *ret_ready)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    char text[256];
    struct iovec piece = {.iov_base = text, .iov_len = sizeof(text) - 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, 0);
    const struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    struct ucred sender = {.pid = 0};

    if (header == NULL || header->cmsg_type != SCM_CREDENTIALS) {
        return 0;
    }
    text[got] = '\0';
    memcpy(&sender, CMSG_DATA(header), sizeof(sender));
    *ret_ready = strstr(text, "READY=1") != NULL;
    return sender.pid;
}

/* --- starting --- */

/* In the child: nothing here allocates or locks. */
static void become(const char *const *argv, int out, pid_t from)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)sigemptyset(&none);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != from || setpgid(0, 0) != 0 ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(out, STDOUT_FILENO) < 0) {
        _exit(EXEC_FAILED);
    }
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(EXEC_FAILED);
}

static enum err spawn(struct demo *demo, struct demo_process *process)
{
    char program[DEMO_PATH_BYTES + 32], config[DEMO_PATH_BYTES], log[DEMO_PATH_BYTES];
    const char *const argv[] = {program, "--config", config, NULL};
    pid_t self = getpid();
    int out;

    (void)snprintf(program, sizeof(program), "%s/%s", demo->programs, program_of(process));
    if (is_broker(process)) {
        demo_path(demo, config, "broker/broker.yaml");
    } else {
        demo_path(demo, config, "agents/%s/agent.yaml", process->id);
    }
    if (access(program, X_OK) != 0) {
        return demo_fail(demo, "demo.program", program, "is not there or cannot be run");
    }
    log_path(demo, process, log);
    out = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    process->pid = out >= 0 ? fork() : -1;
    if (process->pid == 0) {
        if (dup2(out, STDERR_FILENO) < 0) {
            _exit(EXEC_FAILED);
        }
        become(argv, out, self);
    }
    if (out >= 0) {
        (void)close(out); /* the child has its own */
    }
    if (process->pid < 0) {
        process->pid = 0;
        return demo_fail(demo, "demo.start", process->id, "cannot be started: %s", strerror(errno));
    }
    atomic_store(&demo->shared->pids[process - demo->processes], process->pid);
    process->pidfd = pidfd_open(process->pid, 0);
    return process->pidfd >= 0 ? OK
                               : demo_fail(demo, "demo.start", process->id, "cannot be watched: %s",
                                           strerror(errno));
}

/* --- ends --- */

/* Reaps an ended process. Answers its wait status. */
static int reap(struct demo *demo, struct demo_process *process)
{
    int status = NO_STATUS;

    if (waitpid(process->pid, &status, 0) != process->pid) {
        status = NO_STATUS;
    }
    atomic_store(&demo->shared->pids[process - demo->processes], 0);
    (void)close(process->pidfd);
    local_close(process->watch);
    process->watch = NULL;
    process->pidfd = -1;
    process->pid = 0;
    return status;
}

/* The last lines of a daemon's log, on standard error: what it said about its own end. */
static void show_log(const struct demo *demo, const struct demo_process *process)
{
    char path[DEMO_PATH_BYTES];
    struct fault fault = {.code = ""};
    struct buf text;
    size_t at, lines = 0;

    log_path(demo, process, path);
    buf_init(&text, LOG_BYTES);
    if (file_read(path, &text, &fault) == OK && buf_append(&text, "", 1) == OK) {
        for (at = text.len - 1; at > 0 && lines < LOG_TAIL_LINES; at--) {
            lines += text.data[at - 1] == '\n' && at < text.len - 1;
        }
        at += at > 0 ? 1 : 0;
        fprintf(stderr, "the last lines of %s:\n%s", path, (const char *)text.data + at);
    }
    buf_free(&text);
}

static enum err ended_early(struct demo *demo, struct demo_process *process)
{
    int status;

    show_log(demo, process);
    status = reap(demo, process);
    if (WIFSIGNALED(status)) {
        return demo_fail(demo, "demo.start", process->id, "%s ended by signal %d",
                         program_of(process), WTERMSIG(status));
    }
    return demo_fail(demo, "demo.start", process->id, "%s ended with status %d",
                     program_of(process), WEXITSTATUS(status));
}

/* --- awaiting readiness --- */

struct waiting {
    struct demo_process *at[DEMO_PROCESSES_MAX];
    size_t count;
};

static void drop_waiting(struct waiting *waiting, pid_t pid)
{
    for (size_t i = 0; i < waiting->count; i++) {
        if (waiting->at[i]->pid == pid) {
            waiting->count--;
            waiting->at[i] = waiting->at[waiting->count];
            return;
        }
    }
}

/* Takes all words that have come: a full socket would lose the next one. */
static void hear(const struct demo *demo, struct waiting *waiting)
{
    bool ready = false;
    pid_t pid;

    while ((pid = take_word(demo->ready_fd, &ready)) != 0) {
        if (ready) {
            drop_waiting(waiting, pid);
        }
    }
}

static enum err await_ready(struct demo *demo, struct waiting *waiting)
{
    uint64_t due_ms = demo_machine_ms() + DEMO_START_MS;

    while (waiting->count > 0) { /* each turn waits for an event, until the time is over */
        struct pollfd events[DEMO_PROCESSES_MAX + 1] = {{.fd = demo->ready_fd, .events = POLLIN}};
        uint64_t now_ms = demo_machine_ms();

        for (size_t i = 0; i < waiting->count; i++) {
            events[i + 1] = (struct pollfd){.fd = waiting->at[i]->pidfd, .events = POLLIN};
        }
        if (now_ms >= due_ms) {
            show_log(demo, waiting->at[0]);
            return demo_fail(demo, "demo.start", waiting->at[0]->id,
                             "did not say that it is ready within %u s", DEMO_START_MS / 1000);
        }
        if (poll(events, waiting->count + 1, (int)(due_ms - now_ms)) < 0 && errno != EINTR) {
            return demo_fail(demo, "demo.start", "poll", "%s", strerror(errno));
        }
        for (size_t i = 0; i < waiting->count; i++) {
            if (events[i + 1].revents != 0) {
                return ended_early(demo, waiting->at[i]);
            }
        }
        if (events[0].revents != 0) {
            hear(demo, waiting);
        }
    }
    return OK;
}

static enum err start_one(struct demo *demo, struct demo_process *process)
{
    struct waiting waiting = {.at = {process}, .count = 1};
    enum err error;

    assert(process->pid == 0);
    error = spawn(demo, process);
    return error == OK ? await_ready(demo, &waiting) : error;
}

enum err process_start(struct demo *demo, const char *who)
{
    struct waiting waiting = {.count = 0};
    enum err error = OK;

    if (who != NULL) {
        return start_one(demo, process_find(demo, who));
    }
    error = start_one(demo, &demo->processes[0]);
    for (size_t i = 1; error == OK && i < demo->process_count; i++) {
        error = spawn(demo, &demo->processes[i]);
        waiting.at[waiting.count] = &demo->processes[i];
        waiting.count++;
        hear(demo, &waiting);
    }
    return error == OK ? await_ready(demo, &waiting) : error;
}

/* --- stopping --- */

/* Whoever stops says so first, and waits for room in the socket. */
static bool ends_within(const struct demo *demo, const struct demo_process *process,
                        uint64_t wait_ms)
{
    struct pollfd events[2] = {{.fd = process->pidfd, .events = POLLIN},
                               {.fd = demo->ready_fd, .events = POLLIN}};
    struct waiting nobody = {.count = 0};
    uint64_t due_ms = demo_machine_ms() + wait_ms;

    for (;;) { /* ends with the process or the time */
        uint64_t now_ms = demo_machine_ms();
        int count = poll(events, 2, now_ms < due_ms ? (int)(due_ms - now_ms) : 0);

        if (count > 0 && events[0].revents != 0) {
            return true;
        }
        if (count > 0) {
            hear(demo, &nobody);
        }
        if (now_ms >= due_ms) {
            return false;
        }
    }
}

enum err process_signal(struct demo *demo, const char *who, int signal_number)
{
    struct demo_process *process = process_find(demo, who);

    assert(process != NULL && process->pid != 0);
    if (kill(process->pid, signal_number) != 0) {
        return demo_fail(demo, "demo.signal", who, "%s", strerror(errno));
    }
    if (signal_number == SIGSTOP) {
        return OK;
    }
    if (!ends_within(demo, process, STOP_MS)) {
        show_log(demo, process);
        return demo_fail(demo, "demo.stop", who, "did not end within %u s", STOP_MS / 1000);
    }
    (void)reap(demo, process);
    return OK;
}

void process_stop_all(struct demo *demo)
{
    for (size_t i = demo->process_count; i-- > 0;) {
        if (demo->processes[i].pid != 0 && i > 0) {
            (void)kill(demo->processes[i].pid, SIGTERM);
        }
    }
    for (size_t i = demo->process_count; i-- > 0;) { /* the broker is the first: last here */
        struct demo_process *process = &demo->processes[i];

        if (process->pid == 0) {
            continue;
        }
        (void)kill(process->pid, SIGCONT);
        (void)kill(process->pid, SIGTERM);
        if (!ends_within(demo, process, STOP_MS)) {
            fprintf(stderr, "referralctl: %s did not end within %u s: killed\n", process->id,
                    STOP_MS / 1000);
            (void)kill(process->pid, SIGKILL);
        }
        (void)reap(demo, process);
    }
    if (demo->ready_fd >= 0) {
        char path[DEMO_PATH_BYTES];

        demo_path(demo, path, "ready.sock");
        (void)unlink(path); /* nothing lives there any more */
        (void)close(demo->ready_fd);
        demo->ready_fd = -1;
    }
}

/* --- a program that answers and ends --- */

static enum err read_all(int fd, struct buf *out)
{
    uint8_t piece[4096];

    for (;;) { /* ends with the pipe, or with the buf's maximum */
        ssize_t got = read(fd, piece, sizeof(piece));

        if (got == 0) {
            return OK;
        }
        if (got < 0 && errno != EINTR) {
            return ERR_IO;
        }
        if (got > 0 && buf_append(out, piece, (size_t)got) != OK) {
            return ERR_TOO_LARGE;
        }
    }
}

enum err process_run(struct demo *demo, const char *const *argv, struct buf *ret_out,
                     int *ret_status)
{
    pid_t self = getpid(), pid;
    int ends[2], status = 0;
    enum err error;

    if (access(argv[0], X_OK) != 0) {
        return demo_fail(demo, "demo.program", argv[0], "is not there or cannot be run");
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return demo_fail(demo, "demo.start", argv[0], "%s", strerror(errno));
    }
    pid = fork();
    if (pid == 0) {
        become(argv, ends[1], self);
    }
    (void)close(ends[1]); /* the child's end */
    error = pid > 0 ? read_all(ends[0], ret_out) : ERR_IO;
    (void)close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || error != OK || !WIFEXITED(status)) {
        return demo_fail(demo, "demo.start", argv[0], "could not be run to its end");
    }
    *ret_status = WEXITSTATUS(status);
    return OK;
}

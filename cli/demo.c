/* `referralctl demo`: the supervisor and the player. See demo.h.
 *
 * The supervisor owns the folder and waits for signals; the player starts the daemons and plays. So
 * a signal is handled in one place and at any moment: the player and what it started are ended,
 * orphans fall to the supervisor (it is their subreaper), and the folder goes last. Should the
 * supervisor itself be killed, the kernel ends the player, and with it the daemons. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "cli/beside.h"
#include "cli/demo.h"

#define END_MS      12000u /* for what is asked to end: longer than the player gives the daemons */
#define NFTW_OPEN   16
#define PORT_DIGITS 5u
#define PORT_FIRST  17000u
#define PORT_COUNT  15000u
#define PORT_TRIES  100u

enum err demo_fail(struct demo *demo, const char *code, const char *place, const char *fmt, ...)
{
    char message[sizeof(demo->fault.message)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    fault_set(&demo->fault, code, place, "%s", message);
    return ERR_INVALID;
}

/* --- options --- */

static int read_mutation(struct demo *demo)
{
    const char *name = demo->invocation->value[OPTION_MUTATION];

    if (name == NULL) {
        return EXIT_OK;
    }
    demo->mutation = strcmp(name, "no-rung") == 0   ? MUTATION_NO_RUNG
                     : strcmp(name, "no-flip") == 0 ? MUTATION_NO_FLIP
                                                    : MUTATION_NONE;
    if (demo->mutation == MUTATION_NONE || !demo->check) {
        return output_misused(demo->invocation, OPTION_MUTATION,
                              "no-rung or no-flip, together with --check");
    }
    return EXIT_OK;
}

bool demo_port_is_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0) {
        (void)close(fd); /* nothing was sent */
    }
    return is;
}

/* A port that is free now, below those that the kernel gives to connections: an agent that dials
 * while the broker is down must not be given the broker's own. */
uint16_t demo_free_port(void)
{
    uint16_t port = 0;

    for (unsigned i = 0; i < PORT_TRIES; i++) {
        crypto_random(&port, sizeof(port));
        port = (uint16_t)(PORT_FIRST + port % PORT_COUNT);
        if (demo_port_is_free(port)) {
            break;
        }
    }
    return port;
}

static int read_port(struct demo *demo)
{
    const char *text = demo->invocation->value[OPTION_PORT];
    unsigned port = 0;

    if (text == NULL) {
        demo->port = demo_free_port();
        return EXIT_OK;
    }
    for (size_t i = 0; i <= PORT_DIGITS && text[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9' && i < PORT_DIGITS;

        port = digit ? port * 10 + (unsigned)(text[i] - '0') : UINT16_MAX + 1u;
        if (port > UINT16_MAX) {
            break;
        }
    }
    if (port < 1024 || port > UINT16_MAX) {
        return output_misused(demo->invocation, OPTION_PORT, "a port from 1024 to 65535");
    }
    demo->port = (uint16_t)port;
    return EXIT_OK;
}

/* --- the folder --- */

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool empty = folder != NULL;

    while (empty && (entry = readdir(folder)) != NULL) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    if (folder != NULL) {
        (void)closedir(folder); /* only read */
    }
    return empty;
}

static enum err keep_folder(struct demo *demo, const char *path)
{
    char real[PATH_MAX];
    enum err error = folder_make(path, 0700, &demo->fault);

    if (error != OK) {
        return error;
    }
    if (realpath(path, real) == NULL || strlen(real) >= sizeof(demo->folder)) {
        return demo_fail(demo, "demo.folder", path, "is no usable folder");
    }
    if (!is_empty(real)) {
        (void)demo_fail(demo, "demo.folder", path, "is not empty");
        fault_hint(&demo->fault, "give a new folder: a city is not played into another's files");
        return ERR_EXISTS;
    }
    text_copy(demo->folder, sizeof(demo->folder), real);
    return OK;
}

static enum err make_folder(struct demo *demo)
{
    const char *keep = demo->invocation->value[OPTION_KEEP];
    const char *base = getenv("TMPDIR");
    char path[DEMO_PATH_BYTES];

    if (keep != NULL) {
        demo->keep = true;
        return keep_folder(demo, keep);
    }
    base = base != NULL && base[0] == '/' ? base : "/tmp";
    if (snprintf(path, sizeof(path), "%s/referral-city-XXXXXX", base) >= (int)sizeof(path) ||
        mkdtemp(path) == NULL) {
        return demo_fail(demo, "demo.folder", base, "no temporary folder can be made here: %s",
                         strerror(errno));
    }
    text_copy(demo->folder, sizeof(demo->folder), path);
    return OK;
}

static int remove_cb(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_folder(const struct demo *demo)
{
    if (demo->folder[0] != '\0' && !demo->keep &&
        nftw(demo->folder, remove_cb, NFTW_OPEN, FTW_DEPTH | FTW_PHYS) != 0) {
        fprintf(stderr, "referralctl: cannot remove %s: %s\n", demo->folder, strerror(errno));
    }
}

/* --- the player --- */

static void print_next(struct demo *demo)
{
    char broker[DEMO_PATH_BYTES], agent[DEMO_PATH_BYTES];

    city_socket(demo, BROKER_ID, broker);
    city_socket(demo, "procuratorate", agent);
    printf("\n━━ 城市还在运行（%zu个进程，127.0.0.1:%u），可以试试：\n", demo->process_count,
           demo->port);
    office_print(demo);
    if (demo->day_seconds > 0) {
        printf("  城市的时钟每%u秒走一天（--day 可调，0为不拨快）\n", demo->day_seconds);
    }
    printf("  看各单位积压      %s/referralctl --socket %s queue\n", demo->programs, broker);
    printf("  看案件全过程      %s/referralctl --socket %s case JZ-2026-0001\n", demo->programs,
           broker);
    printf("  期限怎么算出来    %s/referralctl --socket %s why JZ-2026-0001-03\n", demo->programs,
           broker);
    printf("  检察院收到的消息  %s/referralctl agent --socket %s inbox\n", demo->programs, agent);
    printf(
        "  再移送一件        %s/referralctl agent --socket %s send %s/letters/try-justice.json\n",
        demo->programs, agent, demo->folder);
    printf("  核对审计日志      %s/referralctl audit verify --store %s/broker/store --key "
           "%s/keys/broker.pub\n",
           demo->programs, demo->folder, demo->folder);
    printf("  核验一件案的证据  %s/referralctl evidence verify %s/case.evidence --root %s\n",
           demo->programs, demo->folder, demo->root);
    printf("按 Ctrl-C 结束，%s\n", demo->keep ? "文件留在文件夹里。" : "不留进程，也不留文件。");
}

static int report(struct demo *demo, enum err error, uint64_t took_ms)
{
    struct answer answer;

    if (error != OK) {
        fprintf(stderr, "referralctl: demo: %s%s%s%s%s\n", demo->fault.place,
                demo->fault.place[0] != '\0' ? ": " : "",
                demo->fault.message[0] != '\0' ? demo->fault.message : err_text(error),
                demo->fault.hint[0] != '\0' ? "; " : "", demo->fault.hint);
    }
    if (demo->json) {
        answer_begin(&answer, error == OK);
        answer_text(&answer, "code", demo->fault.code);
        answer_text(&answer, "place", demo->fault.place);
        answer_text(&answer, "message", demo->fault.message);
        answer_text(&answer, "hint", demo->fault.hint);
        answer_text(&answer, "folder", demo->folder);
        answer_u64(&answer, "took_ms", took_ms);
        check_write(demo, &answer.json);
        if (error == OK) {
            office_write(demo, &answer.json);
        }
        return answer_end(&answer, error == OK ? EXIT_OK : EXIT_FAILED);
    }
    if (error == OK) {
        printf("\n%zu 项核对全部通过，用时 %u.%u 秒。\n", demo->result_count,
               (unsigned)(took_ms / 1000), (unsigned)(took_ms % 1000 / 100));
    }
    return error == OK ? EXIT_OK : EXIT_FAILED;
}

static void print_line(const struct demo *demo, const char *text)
{
    if (!demo->json) {
        printf("%s\n", text);
    }
}

/* In the child. The city stays up until the supervisor ends this process. */
static int play(struct demo *demo, pid_t supervisor, const sigset_t *before)
{
    uint64_t start_ms = demo_machine_ms();
    enum err error;
    int status;

    (void)signal(SIGINT, SIG_IGN); /* of the terminal: the supervisor's affair */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, before, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != supervisor) {
        return EXIT_FAILED;
    }
    said_init(&demo->opened);
    said_init(&demo->wire);
    said_init(&demo->verifier);
    print_line(demo, "建一座城市：生成密钥、证书、配置……");
    error = city_make(demo);
    print_line(demo,
               "启动：1个中枢（只转办、计时、督办，看不到正文），各成员单位一个系统，双向TLS……");
    error = error == OK ? process_open(demo) : error;
    error = error == OK ? process_start(demo, NULL) : error;
    if (error == OK && !demo->json) {
        printf(
            "共%zu个真实进程。案情取材于公开案例，人和单位都是虚构的；时钟是实验室的，可以拨快。\n",
            demo->process_count);
    }
    error = error == OK ? story_play(demo) : error;
    error = error == OK ? office_open(demo) : error;
    status = report(demo, error, demo_machine_ms() - start_ms);
    if (error == OK && !demo->check) {
        if (!demo->json) {
            print_next(demo);
        }
        (void)fflush(stdout);
        atomic_store(&demo->shared->played, true);
        office_live(demo);
    }
    process_stop_all(demo);
    city_free(demo);
    return status;
}

/* --- the supervisor --- */

static void signal_all(struct demo *demo, int signal_number)
{
    for (size_t i = 0; i < DEMO_PROCESSES_MAX; i++) {
        pid_t pid = atomic_load(&demo->shared->pids[i]);

        if (pid > 0) {
            (void)kill(pid, SIGCONT);
            (void)kill(pid, signal_number);
        }
    }
}

/* Reaps what has ended. False: no child is left. */
static bool reap_ended(struct demo *demo, pid_t player, int *ret_status)
{
    for (;;) { /* one turn for each that has ended */
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid <= 0) {
            return pid == 0 || errno == EINTR;
        }
        for (size_t i = 0; i < DEMO_PROCESSES_MAX; i++) {
            pid_t gone = pid;

            (void)atomic_compare_exchange_strong(&demo->shared->pids[i], &gone, 0);
        }
        if (pid == player) {
            *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
        }
    }
}

/* Waits until no child is left, or the time is over. */
static bool all_end(struct demo *demo, pid_t player, const sigset_t *signals, int *ret_status)
{
    uint64_t due_ms = demo_machine_ms() + END_MS;

    while (reap_ended(demo, player, ret_status)) {
        uint64_t now_ms = demo_machine_ms();
        struct timespec left;

        if (now_ms >= due_ms) {
            return false;
        }
        left = (struct timespec){.tv_sec = (time_t)((due_ms - now_ms) / 1000),
                                 .tv_nsec = (long)((due_ms - now_ms) % 1000 * 1000000)};
        (void)sigtimedwait(signals, NULL, &left); /* SIGCHLD; another one changes nothing */
    }
    return true;
}

/* Until the player ends or a signal comes. Answers the exit status. */
static int supervise(struct demo *demo, pid_t player, const sigset_t *signals)
{
    int status = -1, ignored = 0;

    while (status < 0) { /* each turn takes one signal */
        int taken = sigwaitinfo(signals, NULL);

        if (taken == SIGCHLD) {
            (void)reap_ended(demo, player, &status);
        } else if (taken > 0) {
            status = atomic_load(&demo->shared->played) ? EXIT_OK : EXIT_FAILED;
            (void)kill(player, SIGTERM);
        }
    }
    signal_all(demo, SIGTERM);
    if (!all_end(demo, player, signals, &ignored)) {
        (void)kill(player, SIGKILL);
        signal_all(demo, SIGKILL);
        (void)all_end(demo, player, signals, &ignored);
    }
    return status;
}

static int prepare(struct demo *demo)
{
    char programs[PATH_MAX];
    int status = read_mutation(demo);

    status = status == EXIT_OK ? read_port(demo) : status;
    status = status == EXIT_OK ? office_read_day(demo) : status;
    if (status != EXIT_OK) {
        return status;
    }
    demo->shared = mmap(NULL, sizeof(*demo->shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (demo->shared == MAP_FAILED || beside_path("", programs) != OK ||
        strlen(programs) >= sizeof(demo->programs)) {
        fprintf(stderr, "referralctl: demo: no memory, or a program path that is too long\n");
        return EXIT_FAILED;
    }
    text_copy(demo->programs, sizeof(demo->programs), programs);
    return EXIT_OK;
}

int demo_run(const struct invocation *invocation)
{
    struct demo demo = {.invocation = invocation,
                        .check = invocation_has(invocation, OPTION_CHECK),
                        .json = invocation_has(invocation, OPTION_JSON),
                        .ready_fd = -1};
    sigset_t signals, before;
    pid_t self = getpid(), player;
    int status = prepare(&demo);

    if (status != EXIT_OK) {
        return status;
    }
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || make_folder(&demo) != OK) {
        return output_fault(invocation, EXIT_FAILED, &demo.fault);
    }
    player = fork();
    if (player == 0) {
        return play(&demo, self, &before);
    }
    if (player > 0) {
        status = supervise(&demo, player, &signals);
    } else {
        fprintf(stderr, "referralctl: demo: no process can be made: %s\n", strerror(errno));
        status = EXIT_FAILED;
    }
    remove_folder(&demo);
    if (!demo.json && atomic_load(&demo.shared->played)) {
        printf("已结束，%s\n", demo.keep ? "文件留在文件夹里。" : "没有留下进程和文件。");
    }
    (void)munmap(demo.shared, sizeof(*demo.shared));
    return status;
}

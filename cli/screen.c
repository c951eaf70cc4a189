/* See screen.h. What must be undone lies in one static structure, because a signal handler may be
 * the one that undoes it; it only writes and sets the terminal's attributes, which handlers may. */
#include "cli/screen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"

#define ENTER "\x1b[?1049h\x1b[?25l\x1b[2J" /* the alternate page, no cursor, empty */
#define LEAVE "\x1b[0m\x1b[?25h\x1b[?1049l"

#define SHOWN_BYTES (2u * 1024u * 1024u)

static struct {
    volatile sig_atomic_t taken;
    struct termios before;
    sigset_t mask_before;
    int signals; /* signalfd */
} screen = {.signals = -1};

static const int told[] = {SIGWINCH, SIGTERM, SIGINT, SIGHUP, SIGTSTP, SIGQUIT};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

bool screen_possible(void)
{
    const char *term = getenv("TERM");

    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' &&
           strcmp(term, "dumb") != 0;
}

bool screen_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return (no == NULL || no[0] == '\0') && isatty(STDOUT_FILENO) && term != NULL &&
           strcmp(term, "dumb") != 0;
}

static unsigned bounded(unsigned value, unsigned otherwise)
{
    value = value == 0 ? otherwise : value;
    return value > FRAME_COLUMNS_MAX ? FRAME_COLUMNS_MAX : value;
}

void screen_size(unsigned *ret_columns, unsigned *ret_rows)
{
    struct winsize size = {.ws_col = 0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        size.ws_col = size.ws_row = 0; /* no terminal */
    }
    *ret_columns = bounded(size.ws_col, 80);
    *ret_rows = bounded(size.ws_row, 24);
}

/* All of it, however little the terminal takes at a time. */
static bool write_all(const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t written = write(STDOUT_FILENO, at, len);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        at += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* Async-signal-safe. */
static void give_back(void)
{
    if (screen.taken != 0) {
        screen.taken = 0;
        (void)write_all(LEAVE, sizeof(LEAVE) - 1); /* nothing can be done about a failure */
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.before);
    }
}

static void crashed(int number)
{
    give_back();
    (void)raise(number); /* the handler is gone: SA_RESETHAND */
}

static enum err take(void)
{
    struct termios keys = screen.before;

    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &keys) != 0) {
        return ERR_IO;
    }
    screen.taken = 1;
    return write_all(ENTER, sizeof(ENTER) - 1) ? OK : ERR_IO;
}

static enum err watch_signals(void)
{
    struct sigaction crash = {.sa_handler = crashed, .sa_flags = (int)SA_RESETHAND};
    sigset_t wanted;

    (void)sigemptyset(&wanted);
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        (void)sigaddset(&wanted, told[i]);
    }
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
        (void)sigaction(crashes[i], &crash, NULL); /* of a known signal: cannot fail */
    }
    if (sigprocmask(SIG_BLOCK, &wanted, &screen.mask_before) != 0) {
        return ERR_IO;
    }
    screen.signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    return screen.signals >= 0 ? OK : ERR_IO;
}

enum err screen_open(void)
{
    enum err error = OK;

    if (tcgetattr(STDIN_FILENO, &screen.before) != 0 || atexit(screen_close) != 0) {
        return ERR_IO;
    }
    error = watch_signals();
    if (error == OK) {
        error = take();
    }
    if (error != OK) {
        screen_close();
    }
    return error;
}

void screen_close(void)
{
    give_back();
    if (screen.signals >= 0) {
        (void)close(screen.signals);
        screen.signals = -1;
        (void)sigprocmask(SIG_SETMASK, &screen.mask_before, NULL);
    }
}

int screen_signals(void)
{
    return screen.signals;
}

/* Ctrl-Z: the shell gets its terminal, and this program goes on where it is continued. */
static int stop(void)
{
    give_back();
    (void)raise(SIGSTOP);
    return take() == OK ? SIGWINCH : SIGHUP;
}

int screen_signal(void)
{
    struct signalfd_siginfo info;
    ssize_t got = read(screen.signals, &info, sizeof(info));

    if (got != (ssize_t)sizeof(info)) {
        return 0;
    }
    return info.ssi_signo == SIGTSTP ? stop() : (int)info.ssi_signo;
}

/* Each line ends where its text does: what stood behind it is wiped. The last has no line end, for
 * that would move the page. */
static enum err place_lines(const struct frame *frame, unsigned rows, struct buf *out)
{
    const char *at = (const char *)frame->text.data;
    enum err error = buf_append_text(out, "\x1b[H");

    for (unsigned row = 0; error == OK && row < rows && row < frame->lines; row++) {
        const char *end = strchr(at, '\n');

        error = row > 0 ? buf_append_text(out, "\r\n") : OK;
        if (error == OK) {
            error = buf_append(out, at, (size_t)(end - at));
        }
        if (error == OK) {
            error = buf_append_text(out, "\x1b[K");
        }
        at = end + 1;
    }
    return error == OK ? buf_append_text(out, "\x1b[J") : error;
}

enum err screen_show(const struct frame *frame, unsigned rows)
{
    struct buf out;
    enum err error = frame->error;

    buf_init(&out, SHOWN_BYTES);
    if (error == OK) {
        error = place_lines(frame, rows, &out);
    }
    if (error == OK && !write_all(out.data, out.len)) {
        error = ERR_IO;
    }
    buf_free(&out);
    return error;
}

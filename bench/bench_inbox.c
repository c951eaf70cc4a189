/* How long an officer waits for a page of an agent that has many referrals: each list, a page deep
 * in the ledger, searches, a case, over loopback HTTP as a browser asks. One JSON line a page on
 * standard output: milliseconds until the answer is here, and of the agent's processor time alone,
 * which other work on the machine hardly moves.
 *
 *     bench_inbox [REFERRALS] [REQUESTS] [WITHIN]   (default: 100000 referrals, 200 requests each)
 *
 * With WITHIN it ends with 1 when the processor time of a page is more than so many milliseconds at
 * the 95th percentile. The agent runs in this process, its reader in a child of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/web/web_parts.h"
#include "bench_ledger.h"

#define ANSWER_BYTES (4u * 1024u * 1024u)
#define REQUESTS_MAX 10000u
#define OFFICER      "gaowa"
#define PASSWORD     "kuku-namur-1947"

static void stop(const char *what)
{
    (void)fprintf(stderr, "bench_inbox: %s\n", what);
    exit(EXIT_FAILURE);
}

static uint64_t now_us(clockid_t clock)
{
    struct timespec at;
    (void)clock_gettime(clock, &at);
    return (uint64_t)at.tv_sec * 1000000u + (uint64_t)at.tv_nsec / 1000u;
}

/* --- a browser --- */

struct browser {
    uint16_t port;
    int socket;
    clockid_t server; /* its processor time */
    char cookie[160], csrf[SESSION_TOKEN_BYTES];
    char *answer; /* headers and body, with a NUL */
    size_t answer_len, body_at;
    unsigned requests;
    double within; /* 0: whatever it takes */
    int failed;
};

static void reach(struct browser *browser)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(browser->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    browser->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (browser->socket < 0 ||
        connect(browser->socket, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        stop("no connection to the inbox");
    }
}

static size_t number_behind(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    size_t value = 0;
    for (at = at != NULL ? at + strlen(name) : ""; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (size_t)(*at - '0');
    }
    return value;
}

static void receive(struct browser *browser)
{
    size_t wanted = ANSWER_BYTES;
    browser->answer_len = 0;
    browser->body_at = 0;
    while (browser->answer_len < wanted) {
        ssize_t got = recv(browser->socket, browser->answer + browser->answer_len,
                           ANSWER_BYTES - browser->answer_len, 0);
        if (got <= 0) {
            stop("the inbox hung up");
        }
        browser->answer_len += (size_t)got;
        browser->answer[browser->answer_len] = '\0';
        const char *end = strstr(browser->answer, "\r\n\r\n");
        if (end != NULL && browser->body_at == 0) {
            browser->body_at = (size_t)(end - browser->answer) + 4;
            wanted = browser->body_at + number_behind(browser->answer, "Content-Length: ");
        }
    }
}

/* `form` NULL: a GET. Answers the status. */
static size_t ask(struct browser *browser, const char *path, const char *form)
{
    char text[4096];
    int len = snprintf(text, sizeof(text),
                       "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nCookie: %s\r\n"
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       form != NULL ? "POST" : "GET", path, browser->port, browser->cookie,
                       form != NULL ? strlen(form) : 0, form != NULL ? form : "");
    if (len < 0 || (size_t)len >= sizeof(text) ||
        send(browser->socket, text, (size_t)len, MSG_NOSIGNAL) != len) {
        stop("cannot ask the inbox");
    }
    receive(browser);
    return number_behind(browser->answer, "HTTP/1.1 ");
}

/* What stands between two texts in the last answer. */
static void take(const struct browser *browser, const char *before, const char *after,
                 char out[160])
{
    const char *at = strstr(browser->answer, before);
    const char *end = at != NULL ? strstr(at + strlen(before), after) : NULL;
    if (end == NULL || end - at - (ptrdiff_t)strlen(before) >= 160) {
        stop(browser->answer);
        return;
    }
    at += strlen(before);
    (void)snprintf(out, 160, "%.*s", (int)(end - at), at);
}

static void log_in(struct browser *browser)
{
    char csrf[160];
    if (ask(browser, "/login", "name=" OFFICER "&password=" PASSWORD) != 303) {
        stop(browser->answer);
    }
    take(browser, "Set-Cookie: ", ";", browser->cookie);
    if (ask(browser, "/", NULL) != 200) {
        stop(browser->answer);
    }
    take(browser, "name=\"csrf\" value=\"", "\"", csrf);
    text_copy(browser->csrf, sizeof(browser->csrf), csrf);
}

/* --- measuring --- */

struct asked { /* one page */
    const char *what, *path;
    const char *form;  /* without its token; NULL: a GET */
    const char *shows; /* what must be on it */
};

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static double percentile(uint64_t *times, unsigned count, unsigned percent)
{
    qsort(times, count, sizeof(*times), compare);
    const size_t place = (size_t)(count - 1) * percent / 100;

    return (double)times[place] / 1000.0;
}

static void measure(struct browser *browser, const struct asked *asked)
{
    static uint64_t waited[REQUESTS_MAX], worked[REQUESTS_MAX];
    char form[1024];
    const unsigned count = browser->requests;
    (void)snprintf(form, sizeof(form), "csrf=%s&%s", browser->csrf,
                   asked->form != NULL ? asked->form : "");
    for (unsigned i = 0; i < count; i++) {
        uint64_t from = now_us(CLOCK_MONOTONIC), cpu = now_us(browser->server);
        size_t status = ask(browser, asked->path, asked->form != NULL ? form : NULL);
        waited[i] = now_us(CLOCK_MONOTONIC) - from;
        worked[i] = now_us(browser->server) - cpu;
        if (status != 200 || strstr(browser->answer, asked->shows) == NULL) {
            (void)fprintf(stderr, "bench_inbox: %s: no \"%s\" in\n", asked->what, asked->shows);
            stop(browser->answer);
        }
    }
    double cpu_95 = percentile(worked, count, 95);
    (void)printf("{\"bench\":\"inbox\",\"page\":\"%s\",\"requests\":%u,\"bytes\":%zu,"
                 "\"median_ms\":%.1f,\"p95_ms\":%.1f,\"cpu_median_ms\":%.1f,\"cpu_p95_ms\":%.1f}\n",
                 asked->what, count, browser->answer_len - browser->body_at,
                 percentile(waited, count, 50), percentile(waited, count, 95),
                 percentile(worked, count, 50), cpu_95);
    (void)fflush(stdout);
    if (browser->within > 0 && cpu_95 > browser->within) {
        (void)fprintf(stderr, "bench_inbox: %s takes %.1f ms, more than %.1f\n", asked->what,
                      cpu_95, browser->within);
        browser->failed = 1;
    }
}

/* A text in a form: every byte escaped. */
static void escape(const char *text, char out[512])
{
    size_t len = (size_t)snprintf(out, 512, "q=");
    for (; *text != '\0' && len + 4 < 512; text++) {
        len += (size_t)snprintf(out + len, 512 - len, "%%%02X", (unsigned char)*text);
    }
}

static int browse(struct browser *browser, const struct ledger *ledger)
{
    char name[512], number[512], identity[512], deep[64], path[64];
    escape(ledger->name, name);
    escape(ledger->number, number);
    escape(ledger->identity, identity);
    (void)snprintf(deep, sizeof(deep), "page=%u", ledger->count / 100);
    (void)snprintf(path, sizeof(path), "/case/%s", ledger->number);
    const struct asked all[] = {
        {"todo", "/", NULL, "class=\"inbox\""},
        {"sent", "/list/sent", NULL, "class=\"inbox\""},
        {"soon", "/list/soon", NULL, "class=\"inbox\""},
        {"late", "/list/late", NULL, "class=\"inbox\""},
        {"supervised", "/list/supervised", NULL, "class=\"inbox\""},
        {"done", "/list/done", NULL, "class=\"inbox\""},
        {"ledger", "/list/ledger", NULL, "class=\"inbox\""},
        {"ledger, middle page", "/list/ledger", deep, "class=\"inbox\""},
        {"ledger, minors", "/list/ledger", "minor=1", "class=\"inbox\""},
        {"search by name", "/list/ledger", name, ledger->name},
        {"search by number", "/list/ledger", number, ledger->number},
        {"search by identity number", "/list/ledger", identity, ledger->number},
        {"case", path, NULL, ledger->number},
        {"counts", "/counts", NULL, "generation"},
    };
    browser->answer = malloc(ANSWER_BYTES + 1);
    if (browser->answer == NULL) {
        stop("no memory");
    }
    reach(browser);
    log_in(browser);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        measure(browser, &all[i]);
    }
    free(browser->answer);
    (void)close(browser->socket);
    return browser->failed;
}

/* --- the agent --- */

static void add_officer(struct store *store)
{
    struct officer officer = {.name = OFFICER, .shown = "高娃", .roles = OFFICER_MEMBER};
    if (password_hash(span_text(PASSWORD), officer.password) != OK ||
        officer_put(store, &officer) != OK) {
        stop("cannot add an officer");
    }
}

static void ended_cb(void *ctx)
{
    loop_stop(ctx);
}

/* The agent answers until the reader, who holds the other end of the pipe, is done. */
static int serve(struct loop *loop, struct browser *browser, const struct ledger *ledger)
{
    struct loop_watch *watch = NULL;
    int ends[2], status = 1;
    (void)fflush(stdout);
    if (pipe(ends) != 0 || clock_getcpuclockid(getpid(), &browser->server) != 0) {
        stop("no pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        _exit(browse(browser, ledger));
    }
    (void)close(ends[1]);
    if (child < 0 || loop_watch_start(loop, ends[0], ended_cb, loop, &watch) != OK) {
        stop("no child");
    }
    loop_run(loop);
    loop_watch_stop(watch);
    (void)close(ends[0]);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static unsigned read_in(struct loop *loop, const struct web *web)
{
    uint64_t from = now_us(CLOCK_PROCESS_CPUTIME_ID);
    while (worklist_progress(web->worklist) < 100) {
        loop_turn(loop, 10);
    }
    return (unsigned)((now_us(CLOCK_PROCESS_CPUTIME_ID) - from) / 1000);
}

static double argument(int argc, char **argv, int index, double otherwise)
{
    double value = otherwise;
    if (argc > index && (sscanf(argv[index], "%lf", &value) != 1 || value <= 0)) {
        (void)fprintf(stderr, "usage: bench_inbox [REFERRALS] [REQUESTS] [WITHIN]\n");
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static struct ledger ledger;
    struct browser browser = {.requests = (unsigned)argument(argc, argv, 2, 200),
                              .within = argument(argc, argv, 3, 0)};
    const unsigned count = (unsigned)argument(argc, argv, 1, 100000);
    struct fault fault = {.code = ""};
    struct web *web = NULL;
    struct loop *loop;
    if (browser.requests > REQUESTS_MAX || loop_new(&loop) != OK) {
        stop("too many requests");
        return 1;
    }
    uint64_t from = now_us(CLOCK_PROCESS_CPUTIME_ID);
    ledger_open(&ledger, count);
    add_officer(ledger.store);
    const struct web_setup setup = {.loop = loop,
                                    .agent = ledger.agent,
                                    .address = "127.0.0.1:0",
                                    .certificate = "",
                                    .key = "",
                                    .proxy_header = "",
                                    .proxy_secret = ""};
    uint64_t made = now_us(CLOCK_PROCESS_CPUTIME_ID);
    if (web_open(&setup, &web, &fault) != OK) {
        stop(fault.message);
    }
    browser.port = web_port(web);
    unsigned filled_ms = read_in(loop, web);
    (void)printf("{\"bench\":\"inbox\",\"referrals\":%u,\"made_cpu_ms\":%" PRIu64
                 ",\"read_in_cpu_ms\":%u}\n",
                 count, (made - from) / 1000, filled_ms);
    int status = serve(loop, &browser, &ledger);
    web_close(web);
    ledger_close(&ledger);
    loop_free(loop);
    return status;
}

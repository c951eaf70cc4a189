/* How: a list in the order of time, and a thread that sleeps while it is empty. See
 * tls_deadline.h. */
#include "io/tls_deadline.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

#include "io/clock.h"

#define LOOK_MS 1000u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static struct tls_deadline *first, *last;
static bool thread_runs;
static _Atomic uint64_t shut_count;
static _Atomic uint64_t wait_for_ms = TLS_NEGOTIATION_MS;

static void look(uint64_t now_ms)
{
    for (struct tls_deadline *one = first; one != NULL; one = one->next) {
        if (one->due_ms <= now_ms && one->fd >= 0) {
            one->due_ms = UINT64_MAX;           /* once */
            atomic_fetch_add(&shut_count, 1);   /* first: who sees it closed finds it counted */
            (void)shutdown(one->fd, SHUT_RDWR); /* gone already: what was wanted */
        }
    }
}

static void *watch(void *argument)
{
    (void)argument;
    (void)pthread_mutex_lock(&lock);
    for (;;) {
        struct timespec until;

        while (first == NULL) {
            (void)pthread_cond_wait(&change, &lock);
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &until); /* the wall clock may be set back */
        until.tv_sec += LOOK_MS / 1000;
        (void)pthread_cond_clockwait(&change, &lock, CLOCK_MONOTONIC, &until);
        look(clock_machine_ms());
    }
    return NULL;
}

static bool thread_start(void)
{
    pthread_t thread;

    if (!thread_runs && pthread_create(&thread, NULL, watch, NULL) == 0) {
        (void)pthread_detach(thread); /* for the life of the process */
        thread_runs = true;
    }
    return thread_runs;
}

bool tls_deadline_start(struct tls_deadline *deadline)
{
    bool runs;

    (void)pthread_mutex_lock(&lock);
    runs = thread_start();
    if (runs) {
        *deadline = (struct tls_deadline){.before = last,
                                          .due_ms = clock_machine_ms() + atomic_load(&wait_for_ms),
                                          .fd = -1,
                                          .watched = true};
        if (last != NULL) {
            last->next = deadline;
        } else {
            first = deadline;
            (void)pthread_cond_signal(&change);
        }
        last = deadline;
    }
    (void)pthread_mutex_unlock(&lock);
    return runs;
}

void tls_deadline_learn(struct tls_deadline *deadline, int fd)
{
    (void)pthread_mutex_lock(&lock);
    deadline->fd = fd;
    (void)pthread_mutex_unlock(&lock);
}

void tls_deadline_end(struct tls_deadline *deadline)
{
    (void)pthread_mutex_lock(&lock);
    if (deadline->watched) {
        *(deadline->before != NULL ? &deadline->before->next : &first) = deadline->next;
        *(deadline->next != NULL ? &deadline->next->before : &last) = deadline->before;
        deadline->watched = false;
    }
    (void)pthread_mutex_unlock(&lock);
}

bool tls_deadline_hung_up(const struct tls_deadline *deadline)
{
    struct pollfd look_at = {.fd = deadline->fd, .events = POLLIN};

    return deadline->watched && deadline->fd >= 0 && poll(&look_at, 1, 0) > 0 &&
           (look_at.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

uint64_t tls_deadline_count(void)
{
    return atomic_load(&shut_count);
}

void tls_deadline_set_for_test(uint64_t wait_ms)
{
    atomic_store(&wait_for_ms, wait_ms);
}

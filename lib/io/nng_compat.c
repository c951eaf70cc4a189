/* Version check and the interposers of sendmsg and readv. See nng_compat.h.
 *
 * They go to the kernel directly: dlsym for the next sendmsg would need a cached
 * pointer and would find a sanitizer's. Adding MSG_NOSIGNAL changes nothing for others in the
 * process, since the loop ignores SIGPIPE. EPIPE becomes ECONNRESET for all callers; libuv, the
 * only other one, treats both as the end of the connection. */
#include "io/nng_compat.h"

#include <dlfcn.h>
#include <errno.h>
#include <nng/nng.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if NNG_MAJOR_VERSION != 1
#error "this program is written for nng 1.5 to 1.10; nng 2 has another interface"
#endif

#define NNG_NEEDS_CURE (NNG_MINOR_VERSION < 6)

/* libnng's call resolves to the first definition in the global scope: is it the program's? */
static bool first_is(const char *name, const void *ours)
{
    void *first = dlsym(RTLD_DEFAULT, name);

    return first != NULL && memcmp(&first, ours, sizeof first) == 0;
}

static _Thread_local int *learns_fd;

void nng_compat_learn_fd(int *ret_fd)
{
    learns_fd = ret_fd;
}

__attribute__((visibility("default"))) ssize_t readv(int fd, const struct iovec *iovec, int count)
{
    if (learns_fd != NULL) {
        *learns_fd = fd;
    }
    return syscall(SYS_readv, fd, iovec, count);
}

static bool reader_in_force(void)
{
    ssize_t (*ours)(int, const struct iovec *, int) = readv;
    return first_is("readv", &ours);
}

#if NNG_NEEDS_CURE
/* For one test only; every program leaves it false. */
static atomic_bool cure_disabled;

/* The C library's own declaration, so that the symbol has its type. */
__attribute__((visibility("default"))) ssize_t sendmsg(int fd, const struct msghdr *message,
                                                       int flags)
{
    ssize_t sent = syscall(SYS_sendmsg, fd, message, flags | MSG_NOSIGNAL);
    if (sent < 0 && errno == EPIPE && !atomic_load_explicit(&cure_disabled, memory_order_relaxed)) {
        errno = ECONNRESET;
    }
    return sent;
}

static bool interposer_in_force(void)
{
    ssize_t (*ours)(int, const struct msghdr *, int) = sendmsg;
    return first_is("sendmsg", &ours);
}
#else
static bool interposer_in_force(void)
{
    return true;
}
#endif

bool nng_compat_needs_cure(void)
{
    return NNG_NEEDS_CURE;
}

enum err nng_compat_check(struct fault *fault)
{
    char expected[32];
    int len = snprintf(expected, sizeof expected, "%d.%d.", NNG_MAJOR_VERSION, NNG_MINOR_VERSION);
    if (len < 0 || strncmp(nng_version(), expected, (size_t)len) != 0) {
        fault_set(fault, "link.nng-version", "libnng", "built with nng %sx, found %s", expected,
                  nng_version());
        fault_hint(fault, "install the package built for this system");
        return ERR_VERSION;
    }
    if (!interposer_in_force()) {
        fault_set(fault, "link.nng-interposer", "libnng",
                  "the sendmsg cure for nng %s is not in force", nng_version());
        fault_hint(fault, "link libnng as a shared library and export the program's sendmsg");
        return ERR_VERSION;
    }
    if (!reader_in_force()) {
        fault_set(fault, "link.nng-interposer", "libnng",
                  "the program's own readv is not in force: silent TLS peers could not be ended");
        fault_hint(fault, "link libnng as a shared library and export the program's readv");
        return ERR_VERSION;
    }
    return OK;
}

void nng_compat_disable_for_test(bool disabled)
{
#if NNG_NEEDS_CURE
    atomic_store(&cure_disabled, disabled);
#else
    (void)disabled;
#endif
}

/* Sockets from the service manager and for it. See inherited.h; the protocol is sd_listen_fds(3)
 * and sd_notify(3), spoken directly. */
#include "io/inherited.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/number.h"

#define FIRST_DESCRIPTOR 3

/* How many there are for this process, at most INHERITED_MAX. */
static size_t descriptors_count(void)
{
    const char *whom = getenv("LISTEN_PID");
    const char *how_many = getenv("LISTEN_FDS");
    uint64_t pid = 0;
    uint64_t count = 0;
    if (whom == NULL || how_many == NULL || !number_parse(whom, INT32_MAX, &pid) ||
        pid != (uint64_t)getpid() || !number_parse(how_many, INT16_MAX, &count)) {
        return 0;
    }
    return count < INHERITED_MAX ? (size_t)count : INHERITED_MAX;
}

/* The next name of a list with colons; a long one is cut, and then fits no name of ours. */
static const char *name_next(const char *names, char ret_name[INHERITED_NAME_BYTES])
{
    size_t len = strcspn(names, ":");
    size_t kept = len < INHERITED_NAME_BYTES ? len : INHERITED_NAME_BYTES - 1;
    memcpy(ret_name, names, kept);
    ret_name[kept] = '\0';
    return names[len] == ':' ? names + len + 1 : names + len;
}

void inherited_init(struct inherited *inherited, const struct sd_notify *notify)
{
    const char *names = getenv("LISTEN_FDNAMES");
    memset(inherited, 0, sizeof *inherited);
    inherited->notify = notify;
    inherited->count = descriptors_count();
    names = names == NULL ? "" : names;
    for (size_t i = 0; i < inherited->count; i++) {
        inherited->rows[i].descriptor = FIRST_DESCRIPTOR + (int)i;
        (void)fcntl(inherited->rows[i].descriptor, F_SETFD,
                    FD_CLOEXEC); /* or it is none, see take */
        names = name_next(names, inherited->rows[i].name);
    }
}

static bool is_bound_to(int descriptor, const struct sockaddr *address, size_t address_len)
{
    struct sockaddr_storage found;
    socklen_t len = sizeof found;
    int type = 0;
    socklen_t type_len = sizeof type;
    memset(&found, 0, sizeof found);
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 &&
           type == SOCK_STREAM && getsockname(descriptor, (struct sockaddr *)&found, &len) == 0 &&
           len >= address_len && memcmp(&found, address, address_len) == 0;
}

int inherited_take(struct inherited *inherited, const char *name, const struct sockaddr *address,
                   size_t address_len)
{
    int taken = -1;
    for (size_t i = 0; i < inherited->count; i++) {
        int *descriptor = &inherited->rows[i].descriptor;
        if (*descriptor < 0 || strcmp(inherited->rows[i].name, name) != 0) {
            continue;
        }
        if (taken < 0 && is_bound_to(*descriptor, address, address_len)) {
            taken = *descriptor;
        } else {
            (void)close(*descriptor); /* only listens */
        }
        *descriptor = -1;
    }
    return taken;
}

bool inherited_keep(const struct inherited *inherited, const char *name, int descriptor)
{
    return sd_notify_keep(inherited->notify, name, descriptor);
}

void inherited_close(struct inherited *inherited)
{
    for (size_t i = 0; i < inherited->count; i++) {
        if (inherited->rows[i].descriptor >= 0) {
            (void)close(inherited->rows[i].descriptor); /* only listens */
        }
    }
    inherited->count = 0;
}

/* How: see systemd's "Journal Native Protocol"; values of one line need no length. */
#include "base/journal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int journal_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(address.sun_path)) {
        return -1;
    }
    memcpy(address.sun_path, path, len + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

void journal_field(struct journal_entry *entry, const char *key, const char *value)
{
    size_t room = sizeof(entry->bytes) - entry->len;
    if (value == NULL || value[0] == '\0') {
        return;
    }
    assert(strchr(value, '\n') == NULL);
    int len = snprintf(entry->bytes + entry->len, room, "%s=%s\n", key, value);
    if (len > 0 && (size_t)len < room) {
        entry->len += (size_t)len;
    }
}

bool journal_send(int fd, const struct journal_entry *entry)
{
    ssize_t sent = send(fd, entry->bytes, entry->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == (ssize_t)entry->len;
}

/* The journal's own protocol: one datagram an entry, its fields as KEY=value lines, to the socket
 * of systemd-journald. Used by lib/base/log alone. Never blocks: a full socket loses the entry to
 * the caller's other form. Any thread. */
#ifndef REFERRAL_BASE_JOURNAL_H
#define REFERRAL_BASE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL_SOCKET      "/run/systemd/journal/socket"
#define JOURNAL_ENTRY_BYTES 4096u

struct journal_entry { /* begins empty */
    size_t len;
    char bytes[JOURNAL_ENTRY_BYTES];
};

/* A descriptor for journal_send, or -1: there is none there. Closed with the process. */
int journal_open(const char *path);
/* One field more; NULL, "" and what has no room leave it out. The value is one line: the caller has
 * taken control characters out. */
void journal_field(struct journal_entry *entry, const char *key, const char *value);
/* False: it was not taken. */
bool journal_send(int fd, const struct journal_entry *entry);

#endif

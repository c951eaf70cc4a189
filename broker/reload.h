/* Reloading: all files are read and checked anew beside what is in force, and either everything of
 * them counts from one turn on, or nothing does. SIGHUP and `config-reload` of the status socket.
 * Loop thread, between turns: it reads small files and blocks meanwhile. Nothing is durable but the
 * leaf that the next turn writes. */
#ifndef REFERRAL_BROKER_RELOAD_H
#define REFERRAL_BROKER_RELOAD_H

#include "broker/load.h"

struct reload {
    const char *path;      /* of the configuration; borrowed, as the next three */
    struct loaded *loaded; /* in force: its place stays, its contents are exchanged */
    struct broker *broker;
    struct link_server *link;
    size_t agencies_max;          /* what the transport has room for */
    struct faults faults;         /* of the last one that was refused */
    uint64_t done_ms, refused_ms; /* wall time; 0: never in this run */
};

/* Reads and judges. OK: `ret_fresh` is the caller's, for reload_apply or loaded_free. Otherwise
 * reload->faults says everything that is wrong or needs a restart. */
enum err reload_read(struct reload *reload, uint64_t now_ms, struct loaded **ret_fresh) MUST_CHECK;
/* Takes it over (and frees it) in any case. After an error all is as before. */
enum err reload_apply(struct reload *reload, uint64_t now_ms, struct loaded *fresh) MUST_CHECK;

#endif

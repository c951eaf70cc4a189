/* The lie of the demo: the broker's administrators put an old copy of its store in place, as if
 * what came later had never been. Programs and keys are the true ones. Main thread of the player.
 * See demo.h. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/demo.h"

#define STORE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define OWN             "broker/store"
#define OLD             "broker/store.old"
#define ASIDE           "broker/store.aside"

/* While no broker runs; its locks are made anew. */
static enum err copy_store(struct demo *demo)
{
    char from[DEMO_PATH_BYTES], to[DEMO_PATH_BYTES];
    struct buf bytes;
    enum err error;

    demo_path(demo, from, OLD);
    error = folder_make(from, 0700, &demo->fault);
    demo_path(demo, from, OWN "/data.mdb");
    demo_path(demo, to, OLD "/data.mdb");
    buf_init(&bytes, STORE_BYTES_MAX);
    error = error == OK ? file_read(from, &bytes, &demo->fault) : error;
    error = error == OK ? file_write(to, span_buf(&bytes), 0600, &demo->fault) : error;
    buf_free(&bytes);
    return error;
}

static enum err move(struct demo *demo, const char *from_name, const char *to_name)
{
    char from[DEMO_PATH_BYTES], to[DEMO_PATH_BYTES];

    demo_path(demo, from, "%s", from_name);
    demo_path(demo, to, "%s", to_name);
    return rename(from, to) == 0
               ? OK
               : demo_fail(demo, "demo.store", to, "cannot be put in place: %s", strerror(errno));
}

/* `first` takes the place of the store, which is kept as `second`. */
static enum err change_store(struct demo *demo, const char *first, const char *second)
{
    enum err error = move(demo, OWN, second);

    return error == OK ? move(demo, first, OWN) : error;
}

static enum err begin(struct demo *demo)
{
    enum err error = process_start(demo, BROKER_ID);

    return error == OK ? talk_clock_again(demo) : error;
}

/* A greeting shows each agent the log as it is: who had not looked since the copy was made would
 * believe the copy. */
static enum err greet_all(struct demo *demo)
{
    enum err error = begin(demo);

    for (size_t i = 1; error == OK && i < demo->process_count; i++) {
        error = talk_connected(demo, demo->processes[i].id);
    }
    return error;
}

enum err lie_store(struct demo *demo, const char *what)
{
    enum err error = process_signal(demo, BROKER_ID, SIGTERM);

    if (error == OK && strcmp(what, "copied") == 0) {
        error = copy_store(demo);
        return error == OK ? greet_all(demo) : error;
    }
    if (error == OK && strcmp(what, "old") == 0) {
        error = greet_all(demo);
        error = error == OK ? process_signal(demo, BROKER_ID, SIGTERM) : error;
        error = error == OK ? change_store(demo, OLD, ASIDE) : error;
        return error == OK ? begin(demo) : error;
    }
    assert(strcmp(what, "own") == 0);
    error = error == OK ? change_store(demo, ASIDE, OLD) : error;
    return error == OK ? greet_all(demo) : error;
}

enum err lie_evidence(struct demo *demo, const char *who, char out[DEMO_VALUE_BYTES])
{
    struct said said;
    enum err error;

    said_init(&said);
    error = talk_ask(demo, who, "{\"cmd\":\"status\"}", &said);
    if (error == OK) {
        check_evaluate(&said.root, "evidence", out);
        error = out[0] == '/' ? OK
                              : demo_fail(demo, "demo.evidence", who, "keeps no evidence: %s", out);
    }
    said_free(&said);
    return error;
}

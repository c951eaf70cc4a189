/* How: one digit in a file; what cannot be counted is taken for a good start. */
#include "store/starts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "store/scrub.h"

#define COUNT_MAX 9u /* one digit */

/* False: the path is too long to be one. */
static bool name_file(const char *folder, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/starts", folder);

    return len > 0 && len < PATH_MAX;
}

unsigned starts_begin(const char *folder)
{
    char path[PATH_MAX], digit = '0';
    int file = -1;

    if (!name_file(folder, path)) {
        return 0;
    }
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return 0; /* no store yet, or no room: not a reason to doubt it */
    }
    if (pread(file, &digit, 1, 0) != 1 || digit < '0' || digit > '9') {
        digit = '0';
    }
    if (digit < '0' + (int)COUNT_MAX) {
        char more = (char)(digit + 1);

        if (pwrite(file, &more, 1, 0) != 1) {
            log_debug("the count of starts cannot be written: %s is doubted later", folder);
        }
    }
    (void)close(file);
    return (unsigned)(digit - '0');
}

void starts_good(const char *folder)
{
    char path[PATH_MAX];

    if (name_file(folder, path)) {
        (void)unlink(path);
    }
}

static enum err look(const char *folder, const struct store_options *options, struct fault *fault)
{
    struct scrub_report *report = calloc(1, sizeof(*report));
    struct fault trouble = {.code = ""};
    enum err error;

    if (report == NULL) {
        return OK; /* the opening will say so */
    }
    error = scrub_run(folder, options, report, &trouble);
    if (error == OK && report->damages > 0) {
        fault_set(fault, "store.damaged", folder,
                  "%" PRIu64 " places are damaged; the first: %s %s", report->damages,
                  report->damage[0].where, report->damage[0].what);
        fault_hint(fault, "keep a copy of it, restore the newest backup or promote the standby, "
                          "then start again");
        error = ERR_CORRUPT;
    } else {
        error = OK; /* whole, or what could not be looked at: the opening decides */
    }
    free(report);
    return error;
}

enum err starts_check(const char *folder, const struct store_options *options, struct fault *fault)
{
    unsigned failed = starts_begin(folder);

    if (failed < STARTS_DOUBT) {
        return OK;
    }
    log_event(EVENT_STORE_DOUBTED,
              "the last %u starts did not get through: the store is looked "
              "through before it is opened",
              failed);
    return look(folder, options, fault);
}

/* How: names are collected and sorted first, so that the same folder always gives the same faults
 * in the same order. */
#include "io/calendar_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/limits.h"
#include "model/calendar_load.h"

#define PATH_TEXT_BYTES 4096
#define FILE_MODE       0644 /* nothing in it is secret */

static bool is_calendar_name(const char *name)
{
    static const char suffix[] = ".json";
    size_t len = strlen(name);
    return name[0] != '.' && len >= sizeof(suffix) &&
           strcmp(name + len - (sizeof(suffix) - 1), suffix) == 0;
}

static int is_calendar_file(const struct dirent *entry)
{
    return is_calendar_name(entry->d_name);
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err path_make(const char *folder, const char *name, char out[PATH_TEXT_BYTES],
                          struct fault *fault)
{
    int len = snprintf(out, PATH_TEXT_BYTES, "%s/%s", folder, name);
    if (len < 0 || len >= PATH_TEXT_BYTES) {
        fault_set(fault, "calendar.path", name, "the path is over %d bytes", PATH_TEXT_BYTES - 1);
        return ERR_TOO_LARGE;
    }
    return OK;
}

static enum err file_load(struct calendar *calendar, const char *folder, const char *name,
                          struct fault *fault)
{
    char path[PATH_TEXT_BYTES];
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum err error = path_make(folder, name, path, fault);
    if (error == OK) {
        error = file_read(path, &text, fault);
    }
    if (error == OK) {
        error = calendar_load_text(calendar, name, span_buf(&text), fault);
    }
    buf_free(&text);
    return error;
}

/* The files of a folder in the order of their names; the candidate, if any, in place of its own. */
struct folder {
    const char *path;
    struct dirent **names; /* owned */
    int count;
    const struct calendar_candidate *candidate; /* NULL: none */
};

static enum err files_load(struct calendar *calendar, const struct folder *folder,
                           struct fault *fault)
{
    const struct calendar_candidate *candidate = folder->candidate;
    enum err error = OK;
    for (int i = 0; error == OK && i < folder->count; i++) {
        const char *name = folder->names[i]->d_name;
        if (candidate == NULL || strcmp(name, candidate->name) != 0) {
            error = file_load(calendar, folder->path, name, fault);
        }
    }
    if (error == OK && candidate != NULL) { /* last: what does not fit together is its fault */
        error = calendar_load_text(calendar, candidate->name, candidate->text, fault);
    }
    return error;
}

static enum err names_refuse(const char *folder, int count, struct fault *fault)
{
    if (count < 0 && errno != ENOENT) {
        fault_set(fault, "calendar.folder", folder, "the folder cannot be read");
        return ERR_IO;
    }
    fault_set(fault, "calendar.folder", folder,
              count < 0 ? "no such folder" : "no calendar in it: expected files like 2026.json");
    fault_hint(fault, "put the State Council's notices there in the holiday-cn form");
    return ERR_NOT_FOUND;
}

static enum err folder_load(struct folder *folder, struct calendar **ret_calendar,
                            struct fault *fault)
{
    folder->count = scandir(folder->path, &folder->names, is_calendar_file, name_order);
    if (folder->count < (folder->candidate != NULL ? 0 : 1)) {
        enum err refused = names_refuse(folder->path, folder->count, fault);
        free(folder->names);
        return refused;
    }
    struct calendar *calendar = NULL;
    enum err error = calendar_new(&calendar);
    if (error == OK) {
        error = files_load(calendar, folder, fault);
    }
    for (int i = 0; i < folder->count; i++) {
        free(folder->names[i]);
    }
    free(folder->names);
    if (error != OK) {
        calendar_free(calendar);
        return error;
    }
    calendar_seal(calendar);
    *ret_calendar = calendar;
    return OK;
}

enum err calendar_folder_load(const char *folder, struct calendar **ret_calendar,
                              struct fault *fault)
{
    struct folder all = {.path = folder};
    return folder_load(&all, ret_calendar, fault);
}

enum err calendar_folder_preview(const char *folder, const struct calendar_candidate *candidate,
                                 struct calendar **ret_calendar, struct fault *fault)
{
    struct folder all = {.path = folder, .candidate = candidate};
    return folder_load(&all, ret_calendar, fault);
}

/* ---- installing ---- */

/* A local file keeps the name that people gave it: there may be several of a year. */
static enum err local_name(const char *path, struct calendar_candidate *candidate,
                           struct fault *fault)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    static const char prefix[] = "local-";
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = strlen(name);
    if (len >= sizeof(candidate->name) || strncmp(name, prefix, sizeof(prefix) - 1) != 0 ||
        !is_calendar_name(name) || strspn(name, letters) != len) {
        fault_set(fault, "calendar.name", name, "expected a name like local-2027-league.json");
        fault_hint(fault, "small letters, digits, dots and dashes; at most %zu of them",
                   sizeof(candidate->name) - 1);
        return ERR_INVALID;
    }
    memcpy(candidate->name, name, len + 1);
    return OK;
}

enum err calendar_candidate_name(const char *path, struct span text,
                                 struct calendar_candidate *ret_candidate, struct fault *fault)
{
    static const char *const forms[CALENDAR_LAYER_COUNT] = {
        [CALENDAR_STATUTORY] = "-statutory", [CALENDAR_NOTICE] = "", [CALENDAR_LOCAL] = NULL};
    enum calendar_layer layer = CALENDAR_NOTICE;
    int32_t year = 0;
    enum err error = calendar_load_head(path, text, &year, &layer, fault);
    if (error != OK) {
        return error;
    }
    ret_candidate->text = text;
    if (forms[layer] == NULL) {
        return local_name(path, ret_candidate, fault);
    }
    (void)snprintf(ret_candidate->name, sizeof(ret_candidate->name), "%d%s.json", (int)year,
                   forms[layer]);
    return OK;
}

/* Reads the file that is there, if any, and says what installing means. */
static enum err plan_make(const char *path, const struct calendar_candidate *candidate,
                          struct buf *old, struct calendar_installation *ret_plan,
                          struct fault *fault)
{
    enum err error = file_read(path, old, fault);
    memset(ret_plan, 0, sizeof(*ret_plan));
    if (error == ERR_NOT_FOUND) {
        ret_plan->what = CALENDAR_INSTALL_NEW;
        return OK;
    }
    if (error == OK && span_equal(span_buf(old), candidate->text)) {
        ret_plan->what = CALENDAR_INSTALL_SAME;
    } else if (error == OK) {
        struct digest digest = crypto_digest(span_buf(old));
        char hex[DIGEST_TEXT_BYTES];
        digest_format(&digest, hex);
        ret_plan->what = CALENDAR_INSTALL_REPLACES;
        (void)snprintf(ret_plan->kept, sizeof(ret_plan->kept), "%s.before-%.8s", candidate->name,
                       hex);
    }
    return error;
}

enum err calendar_folder_plan(const char *folder, const struct calendar_candidate *candidate,
                              struct calendar_installation *ret_plan, struct fault *fault)
{
    char path[PATH_TEXT_BYTES];
    struct buf old;
    buf_init(&old, LIMIT_CONFIG_BYTES);
    enum err error = path_make(folder, candidate->name, path, fault);
    if (error == OK) {
        error = plan_make(path, candidate, &old, ret_plan, fault);
    }
    buf_free(&old);
    return error;
}

/* The name holds the digest: a file that is there already holds these bytes. */
static enum err old_keep(const char *folder, const char *name, struct span old, struct fault *fault)
{
    char path[PATH_TEXT_BYTES];
    enum err error = path_make(folder, name, path, fault);
    if (error == OK) {
        error = file_write_new(path, old, FILE_MODE, fault);
    }
    return error == ERR_EXISTS ? OK : error;
}

enum err calendar_folder_install(const char *folder, const struct calendar_candidate *candidate,
                                 struct calendar_installation *ret_done, struct fault *fault)
{
    char path[PATH_TEXT_BYTES];
    struct buf old;
    buf_init(&old, LIMIT_CONFIG_BYTES);
    enum err error = path_make(folder, candidate->name, path, fault);
    if (error == OK) {
        error = plan_make(path, candidate, &old, ret_done, fault);
    }
    if (error == OK && ret_done->what == CALENDAR_INSTALL_REPLACES) {
        error = old_keep(folder, ret_done->kept, span_buf(&old), fault);
    }
    if (error == OK && ret_done->what != CALENDAR_INSTALL_SAME) {
        error = file_write(path, candidate->text, FILE_MODE, fault);
    }
    buf_free(&old);
    return error;
}

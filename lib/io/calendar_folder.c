/* How: names are collected and sorted first, so that the same folder always gives the same faults
 * in the same order. */
#include "io/calendar_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "model/calendar_load.h"

#define PATH_TEXT_BYTES 4096

static int is_calendar_file(const struct dirent *entry)
{
    static const char suffix[] = ".json";
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len >= sizeof(suffix) &&
           strcmp(entry->d_name + len - (sizeof(suffix) - 1), suffix) == 0;
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err file_load(struct calendar *calendar, const char *folder, const char *name,
                          struct fault *fault)
{
    char path[PATH_TEXT_BYTES];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        fault_set(fault, "calendar.path", name, "the path is over %d bytes", PATH_TEXT_BYTES - 1);
        return ERR_TOO_LARGE;
    }
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum err error = file_read(path, &text, fault);
    if (error == OK) {
        error = calendar_load_text(calendar, name, span_buf(&text), fault);
    }
    buf_free(&text);
    return error;
}

static enum err files_load(struct calendar *calendar, const char *folder,
                           struct dirent *const *names, int count, struct fault *fault)
{
    for (int i = 0; i < count; i++) {
        enum err error = file_load(calendar, folder, names[i]->d_name, fault);
        if (error != OK) {
            return error;
        }
    }
    return OK;
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

enum err calendar_folder_load(const char *folder, struct calendar **ret_calendar,
                              struct fault *fault)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_calendar_file, name_order);
    if (count < 1) {
        enum err refused = names_refuse(folder, count, fault);
        free(names);
        return refused;
    }
    struct calendar *calendar = NULL;
    enum err error = calendar_new(&calendar);
    if (error == OK) {
        error = files_load(calendar, folder, names, count, fault);
    }
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    if (error != OK) {
        calendar_free(calendar);
        return error;
    }
    calendar_seal(calendar);
    *ret_calendar = calendar;
    return OK;
}

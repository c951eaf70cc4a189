/* What a log is counted by: calendar files are parsed as the programs parse them, and only their
 * canonical text is counted with, whose digest the log must name. See recount.h. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "model/calendar_load.h"
#include "recount.h"

static int is_calendar(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static enum err add_file(struct calendar *calendar, const char *folder, const char *name,
                         struct fault *fault)
{
    struct buf path, text;
    enum err error;

    buf_init(&path, 4096);
    buf_init(&text, LIMIT_JSON_BYTES);
    error = buf_printf(&path, "%s/%s", folder, name);
    if (error == OK) {
        error = buf_append(&path, "", 1);
    }
    if (error == OK) {
        error = file_read((const char *)path.data, &text, fault);
    }
    if (error == OK) {
        error = calendar_load_text(calendar, name, span_buf(&text), fault);
    }
    buf_free(&path);
    buf_free(&text);
    return error;
}

static enum err add_folder(struct calendar *calendar, const char *folder, struct fault *fault)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_calendar, alphasort);
    enum err error = OK;

    if (count <= 0) {
        fault_set(fault, "calendar.folder", folder, "there are no calendar files");
        fault_hint(fault, "give the folder of the broker's calendars, or a copy of it");
        error = ERR_NOT_FOUND;
    }
    for (int i = 0; i < count; i++) {
        error = error == OK ? add_file(calendar, folder, names[i]->d_name, fault) : error;
        free(names[i]);
    }
    free(names);
    return error;
}

static enum err load_days(const char *folder, struct days *ret, struct fault *fault)
{
    struct calendar *calendar = NULL;
    unsigned line;
    struct buf text;
    enum err error = calendar_new(&calendar);

    buf_init(&text, LIMIT_JSON_BYTES);
    if (error == OK) {
        error = add_folder(calendar, folder, fault);
    }
    if (error == OK) {
        calendar_seal(calendar);
        error = calendar_write(calendar, &text);
    }
    if (error == OK) {
        error = days_read(span_buf(&text), ret, &line);
    }
    calendar_free(calendar);
    buf_free(&text);
    return error;
}

static enum err load_policy(const char *path, struct basis *basis, struct fault *fault)
{
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = file_read(path, &text, fault);
    if (error == OK) {
        basis->policy = crypto_digest(span_buf(&text));
        error = ladder_read_text(span_buf(&text), &basis->ladder, fault);
    }
    buf_free(&text);
    return error;
}

enum err basis_load(const char *calendars, const char *policy, struct basis *ret,
                    struct fault *fault)
{
    enum err error;

    memset(ret, 0, sizeof *ret);
    error = load_days(calendars, &ret->days, fault);
    if (error == OK) {
        error = load_policy(policy, ret, fault);
    }
    if (error != OK) {
        basis_free(ret);
    }
    return error;
}

void basis_free(struct basis *basis)
{
    days_free(&basis->days);
}

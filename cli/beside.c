/* See beside.h. The folder is the one of the running file, whatever PATH and links say. */
#include "cli/beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum err beside_path(const char *tail, char out[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    char *slash;
    int written;

    if (len <= 0) {
        return ERR_NOT_FOUND;
    }
    own[len] = '\0';
    slash = strrchr(own, '/');
    if (slash == NULL) {
        return ERR_NOT_FOUND;
    }
    *slash = '\0';
    written = snprintf(out, PATH_MAX, "%s%s", own, tail);
    return written > 0 && written < PATH_MAX ? OK : ERR_TOO_LARGE;
}

/* The calendar of a folder: every *.json in it, read by model/calendar_load.h and sealed.
 *
 * For daemons at their start or on a reload, and for command lines that look at a file before they
 * put it there; blocking. What was installed is durable, and what it replaced lies beside it. */
#ifndef REFERRAL_IO_CALENDAR_FOLDER_H
#define REFERRAL_IO_CALENDAR_FOLDER_H

#include "model/calendar.h"

/* The caller frees the sealed calendar with calendar_free. ERR_NOT_FOUND when the folder is absent
 * or holds no *.json; ERR_INVALID with the file and the field of the first fault. Files are read in
 * the order of their names; names that begin with a dot are left out. */
enum err calendar_folder_load(const char *folder, struct calendar **ret_calendar,
                              struct fault *fault) MUST_CHECK;

#define CALENDAR_FILE_NAME_BYTES 128

/* A file that is to stand in the folder: in place of the one with its name, or beside the others.
 */
struct calendar_candidate {
    char name[CALENDAR_FILE_NAME_BYTES];
    struct span text; /* borrowed */
};

/* Reads the head of a file and gives it its name in a folder: "2027.json" for a notice,
 * "2027-statutory.json", and for a local one the last part of `path`, which must be like
 * "local-NAME.json". ERR_INVALID with the place in the file. */
enum err calendar_candidate_name(const char *path, struct span text,
                                 struct calendar_candidate *ret_candidate,
                                 struct fault *fault) MUST_CHECK;
/* The calendar as it would be with the candidate installed. As calendar_folder_load, but a folder
 * without any file is none of its faults. */
enum err calendar_folder_preview(const char *folder, const struct calendar_candidate *candidate,
                                 struct calendar **ret_calendar, struct fault *fault) MUST_CHECK;

enum calendar_install { CALENDAR_INSTALL_NEW, CALENDAR_INSTALL_SAME, CALENDAR_INSTALL_REPLACES };

/* What installing would do, and under which name the file of that name would be kept: its own with
 * ".before-" and the first digits of its SHA-256. Such names are no calendar files. */
struct calendar_installation {
    enum calendar_install what;
    char kept[CALENDAR_FILE_NAME_BYTES + 32]; /* REPLACES */
};
enum err calendar_folder_plan(const char *folder, const struct calendar_candidate *candidate,
                              struct calendar_installation *ret_plan,
                              struct fault *fault) MUST_CHECK;
/* Does it: first the copy of the old file, then the new one in its place, each durable and at once.
 */
enum err calendar_folder_install(const char *folder, const struct calendar_candidate *candidate,
                                 struct calendar_installation *ret_done,
                                 struct fault *fault) MUST_CHECK;

#endif

/* The calendar of a folder: every *.json in it, read by model/calendar_load.h and sealed.
 *
 * For daemons at their start or on a reload, and for command lines; blocking, so never in the turn
 * of a running loop. Reads only; nothing is durable. */
#ifndef REFERRAL_IO_CALENDAR_FOLDER_H
#define REFERRAL_IO_CALENDAR_FOLDER_H

#include "model/calendar.h"

/* The caller frees the sealed calendar with calendar_free. ERR_NOT_FOUND when the folder is absent
 * or holds no *.json; ERR_INVALID with the file and the field of the first fault. Files are read in
 * the order of their names; names that begin with a dot are left out. */
enum err calendar_folder_load(const char *folder, struct calendar **ret_calendar,
                              struct fault *fault) MUST_CHECK;

#endif

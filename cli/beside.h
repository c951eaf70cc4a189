/* Files that lie beside this program: its sibling programs, and the tree that it was built in.
 * Main thread; reads /proc/self/exe. */
#ifndef REFERRAL_CLI_BESIDE_H
#define REFERRAL_CLI_BESIDE_H

#include <limits.h>

#include "base/err.h"

/* The program's own folder with `tail` behind it ("/referral-verify"). ERR_NOT_FOUND, or
 * ERR_TOO_LARGE for a longer path than PATH_MAX. What it names need not exist. */
enum err beside_path(const char *tail, char out[PATH_MAX]) MUST_CHECK;

#endif

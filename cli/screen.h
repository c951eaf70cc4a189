/* The terminal of a full-screen command: taken at the start, given back whatever happens. On an
 * alternate page, so that what stood there stands there again; keys come one by one without echo.
 *
 * The terminal is given back by screen_close, at exit, and by SIGTERM, SIGINT and SIGHUP (which
 * screen_signal hands to the caller) as well as by a crash. Main thread; one screen in a process.
 */
#ifndef REFERRAL_CLI_SCREEN_H
#define REFERRAL_CLI_SCREEN_H

#include "cli/frame.h"

/* A terminal on both standard input and output that can do more than lines? */
bool screen_possible(void);
/* Colours are wanted: a terminal that has them, and no NO_COLOR. */
bool screen_colour(void);
/* As the terminal says; 80 x 24 where it does not. */
void screen_size(unsigned *ret_columns, unsigned *ret_rows);

/* Takes the terminal. ERR_IO. */
enum err screen_open(void) MUST_CHECK;
void screen_close(void); /* nothing where it is not open */
/* A descriptor to poll: signals wait there. Only while it is open. */
int screen_signals(void);
/* The next signal that waits, 0 none. A stop (Ctrl-Z) is handled here: it answers SIGWINCH when the
 * program goes on, for the page must be drawn anew. */
int screen_signal(void);
/* Shows the frame in place of the one before. Lines beyond the last row are not shown. ERR_IO. */
enum err screen_show(const struct frame *frame, unsigned rows) MUST_CHECK;

#endif

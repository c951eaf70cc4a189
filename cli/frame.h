/* A page of text of a given width: lines that are cut where the terminal ends, parts with a style,
 * columns counted in places of the terminal, where a Chinese character takes two. Pure: it fills a
 * buf; screen.c or standard output shows it. Texts lose what would move a terminal. */
#ifndef REFERRAL_CLI_FRAME_H
#define REFERRAL_CLI_FRAME_H

#include "base/bytes.h"

#define FRAME_COLUMNS_MAX 500u

enum style { STYLE_PLAIN, STYLE_STRONG, STYLE_FAINT, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_BAR };

struct frame {
    struct buf text;  /* owned: lines, each with its newline */
    unsigned columns; /* of the terminal */
    unsigned column;  /* where the line under way has come to */
    unsigned lines;   /* that are whole */
    bool colour;
    enum err error; /* sticks */
};

void frame_begin(struct frame *frame, unsigned columns, bool colour);
/* At most 1023 bytes; what does not fit into the line is cut, whole characters at a time. */
void frame_put(struct frame *frame, enum style style, const char *fmt, ...) FORMAT(3, 4);
/* The same at the right end of a field of so many places. */
void frame_put_right(struct frame *frame, enum style style, unsigned places, const char *text);
/* Blanks up to this column; one at least where the line has text that reaches it. */
void frame_to(struct frame *frame, unsigned column);
void frame_end_line(struct frame *frame);
void frame_free(struct frame *frame);

#endif

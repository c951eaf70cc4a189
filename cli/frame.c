/* See frame.h. Styles are the plainest of ANSI: every terminal since the VT100 knows them, and
 * without colour nothing but text is written. */
#include "cli/frame.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/table.h"

#define FRAME_BYTES (1024u * 1024u)
#define PIECE_BYTES 1024u

static const char *const style_codes[] = {
    [STYLE_PLAIN] = NULL,  [STYLE_STRONG] = "1", [STYLE_FAINT] = "2", [STYLE_GOOD] = "32",
    [STYLE_WARN] = "1;33", [STYLE_BAD] = "1;31", [STYLE_BAR] = "7",
};

void frame_begin(struct frame *frame, unsigned columns, bool colour)
{
    assert(columns > 0 && columns <= FRAME_COLUMNS_MAX);
    buf_init(&frame->text, FRAME_BYTES);
    frame->columns = columns;
    frame->column = 0;
    frame->lines = 0;
    frame->colour = colour;
    frame->error = OK;
}

static void add(struct frame *frame, const void *bytes, size_t len)
{
    if (frame->error == OK) {
        frame->error = buf_append(&frame->text, bytes, len);
    }
}

static void add_code(struct frame *frame, const char *code)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "\x1b[%sm", code);

    assert(len > 0 && (size_t)len < sizeof(text));
    add(frame, text, (size_t)len);
}

static void put_clean(struct frame *frame, enum style style, const char *text)
{
    const char *code = frame->colour ? style_codes[style] : NULL;
    size_t len = text_fit(text, frame->columns - frame->column);

    if (len == 0) {
        return;
    }
    if (code != NULL) {
        add_code(frame, code);
    }
    add(frame, text, len);
    frame->column += (unsigned)text_places_of(text, len);
    if (code != NULL) {
        add_code(frame, "0");
    }
}

static void put_text(struct frame *frame, enum style style, const char *text)
{
    struct buf clean;

    buf_init(&clean, 4 * PIECE_BYTES);
    if (output_clean(text, &clean) == OK && buf_append(&clean, "", 1) == OK) {
        put_clean(frame, style, (const char *)clean.data);
    } else {
        frame->error = frame->error == OK ? ERR_MEMORY : frame->error;
    }
    buf_free(&clean);
}

void frame_put(struct frame *frame, enum style style, const char *fmt, ...)
{
    char text[PIECE_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put_text(frame, style, text);
}

void frame_put_right(struct frame *frame, enum style style, unsigned places, const char *text)
{
    size_t taken = text_places(text);

    for (size_t i = taken; i < places; i++) {
        put_clean(frame, STYLE_PLAIN, " ");
    }
    put_text(frame, style, text);
}

void frame_to(struct frame *frame, unsigned column)
{
    unsigned least = frame->column > 0 ? frame->column + 1 : 0;
    unsigned until = column > least ? column : least;

    while (frame->column < until && frame->column < frame->columns) {
        add(frame, " ", 1);
        frame->column++;
    }
}

void frame_end_line(struct frame *frame)
{
    add(frame, "\n", 1);
    frame->column = 0;
    frame->lines++;
}

void frame_free(struct frame *frame)
{
    buf_free(&frame->text);
}

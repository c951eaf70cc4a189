/* Results and faults: the three kinds of error, kept apart.
 *
 * `enum err` is what a function answers when the environment (disk, link, memory) or its input does
 * not allow it to go on. `struct fault` carries the explanation of bad input to the person or peer
 * who can mend it: what is wrong, where, and the next step. Our own bugs are neither: they are
 * assert(), which every build keeps. Nothing here allocates or logs; callable on any thread. */
#ifndef REFERRAL_BASE_ERR_H
#define REFERRAL_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK         __attribute__((warn_unused_result))
#define FORMAT(fmt, first) __attribute__((format(printf, fmt, first)))

enum err {
    OK = 0,
    /* the environment: wait, retry or stop */
    ERR_MEMORY,      /* an allocation failed, or a budget is spent */
    ERR_IO,          /* a read, write or sync failed */
    ERR_FULL,        /* a stated bound is reached: retry later */
    ERR_BUSY,        /* held by somebody else */
    ERR_TIMEOUT,     /* no answer in time */
    ERR_UNREACHABLE, /* no connection */
    ERR_CLOSED,      /* shut down, or the end of a stream */
    /* the input */
    ERR_INVALID,   /* malformed or out of range; a fault says what */
    ERR_TOO_LARGE, /* over a bound of limits.h */
    ERR_NOT_FOUND, /* no such row, file, agency or key */
    ERR_EXISTS,    /* there already */
    ERR_REFUSED,   /* understood, and not allowed */
    ERR_FORGED,    /* a signature, MAC, proof or commitment does not verify */
    ERR_CORRUPT,   /* stored data is not what was stored */
    ERR_VERSION,   /* made by a version that this program does not know */
    ERR_COUNT
};

/* The English name of a result, for logs: "ok", "disk full" ... Never NULL. */
const char *err_text(enum err error);

struct faults;

/* Why an input was not taken. All fields are NUL-terminated and never hold personal data. Begin
 * with
 * {.code = ""}: `all` is read. */
struct fault {
    char code[48];      /* stable, for programs: "config.unknown-key" */
    char place[256];    /* "broker.yaml:4:9", or a field path "facts.materials[2].kind" */
    char message[384];  /* what is wrong, and what was expected */
    char hint[256];     /* the next step; may be empty */
    char line[120];     /* what stands at `place`, where that is a line of a file; may be empty */
    unsigned caret;     /* the byte of `line` that is meant */
    struct faults *all; /* of a caller who wants more than the first; NULL: nobody does */
};

/* Everything that is wrong with some files, in the order in which it was found. */
#define FAULTS_MAX 32u
struct faults {
    size_t count;
    size_t left_out; /* found when there was no room */
    struct fault rows[FAULTS_MAX];
};

/* Fills a fault; NULL is allowed and ignored. Hint and line are emptied. */
void fault_set(struct fault *fault, const char *code, const char *place, const char *fmt, ...)
    FORMAT(4, 5);

/* Adds the next step; NULL is allowed and ignored. */
void fault_hint(struct fault *fault, const char *fmt, ...) FORMAT(2, 3);

/* Shows the line of a file, from its first byte, with the place in it counted in characters from 1;
 * a long one is cut around the place. NULL is allowed and ignored. */
void fault_line(struct fault *fault, const char *line, size_t len, unsigned column);

/* Has the caller asked for all that is wrong? Then what the fault says now is kept, once, and the
 * reader goes on to find more, but answers its error in the end. Otherwise the reader stops. */
bool fault_keep(const struct fault *fault);
/* One step of such a reader: true, go on; else it stops and answers `*result`, the newest error. */
bool fault_go_on(enum err error, const struct fault *fault, enum err *result);

/* Whatever has no next step yet gets this one. */
void faults_hint(struct faults *faults, const char *hint);

#endif

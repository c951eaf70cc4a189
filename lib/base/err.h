/* Results and faults: the three kinds of error, kept apart.
 *
 * `enum err` is what a function answers when the environment (disk, link, memory) or its input does
 * not allow it to go on. `struct fault` carries the explanation of bad input to the person or peer
 * who can mend it: what is wrong, where, and the next step. Our own bugs are neither: they are
 * assert(), which every build keeps. Nothing here allocates or logs; callable on any thread. */
#ifndef REFERRAL_BASE_ERR_H
#define REFERRAL_BASE_ERR_H

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

/* Why an input was not taken. All fields are NUL-terminated and never hold personal data. */
struct fault {
    char code[48];     /* stable, for programs: "config.unknown-key" */
    char place[256];   /* "broker.yaml:4:9", or a field path "facts.materials[2].kind" */
    char message[384]; /* what is wrong, and what was expected */
    char hint[256];    /* the next step; may be empty */
};

/* Fills a fault; NULL is allowed and ignored. The hint is emptied. */
void fault_set(struct fault *fault, const char *code, const char *place, const char *fmt, ...)
    FORMAT(4, 5);

/* Adds the next step; NULL is allowed and ignored. */
void fault_hint(struct fault *fault, const char *fmt, ...) FORMAT(2, 3);

#endif

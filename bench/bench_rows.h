/* What one message writes into a broker's store (log entry, queue row, dedupe row, referral, due
 * row, number), some of them a transaction, as the broker does it. For benchmarks; ends the program
 * where a call fails. One thread. */
#ifndef REFERRAL_BENCH_ROWS_H
#define REFERRAL_BENCH_ROWS_H

#include "store/audit.h"

#define ROWS_MAP_BYTES ((uint64_t)8 * 1024 * 1024 * 1024)

struct rows {
    struct store *store;
    struct sign_key key;
    uint64_t messages;
    uint64_t time_ms; /* of the ids: they are ordered by time */
};

/* Says what failed and ends the program. */
void rows_need(enum err error, const char *what);
double rows_seconds(void); /* of the machine's clock */
/* A new store in the folder. */
void rows_open(struct rows *rows, const char *folder);
void rows_write(struct rows *rows, struct store_txn *txn, uint64_t number);
/* Signs the root and seals the leaves; *ret_signed is when the first of the two was done. */
void rows_seal(struct rows *rows, struct store_txn *txn, double *ret_signed);
/* One transaction of `batch` messages. */
void rows_turn(struct rows *rows, unsigned batch);

#endif

/* What the store's suites share: a temporary folder a test, options, ids, leaves, and a raw way
 * into the data file that goes around the store. For tests only. */
#ifndef REFERRAL_TESTS_STORE_SUPPORT_H
#define REFERRAL_TESTS_STORE_SUPPORT_H

#include "store/audit.h"
#include "store/store.h"
#include "unit/suite.h"

/* A fresh folder before each test; removed with all in it after. */
void folder_setup(void);
void folder_teardown(void);
/* "FOLDER/name"; valid until the next call with the same slot (0 to 3). */
const char *folder_path(int slot, const char *name);

struct store_options broker_options(void);
struct store_options agent_options(void);
/* Opens (and makes) FOLDER/store; fails the test with the fault. */
struct store *open_store(const struct store_options *options);
struct store_txn *begin(struct store *store);
void commit(struct store_txn *txn);
struct store_txn *snapshot(struct store *store);

struct uuid make_id(uint64_t number);
/* Appends one leaf with a record and salt made from `number`; answers its index. */
uint64_t add_leaf(struct store_txn *txn, uint64_t number, struct span envelope);
/* The leaf hash of that record, by SHA-256 alone. */
struct digest expected_leaf(uint64_t number);
/* "note NUMBER" as the checkpoint of the commit. */
void seal(struct store_txn *txn, uint64_t number);

/* Every byte of a file; freed by the caller. */
uint8_t *file_bytes(const char *path, size_t *ret_len);
void file_put(const char *path, const uint8_t *bytes, size_t len);

/* Flips bits in the value of a raw row of FOLDER/store (which is closed): LMDB's own way, no store
 * code. Answers the length of the value; at >= length flips nothing. */
size_t raw_flip(const char *table, struct span key, size_t at, uint8_t mask);
void raw_put(const char *table, struct span key, struct span value);
void raw_remove(const char *table, struct span key);
struct span raw_get(const char *table, struct span key, uint8_t *out, size_t max);

#endif

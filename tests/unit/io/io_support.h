/* What the suites of lib/io share: a temporary folder, certificates made by the openssl program,
 * and turning a loop until something became true. Every set-up runs inside a test: nng must not
 * have been used before Check forks. */
#ifndef REFERRAL_TESTS_IO_SUPPORT_H
#define REFERRAL_TESTS_IO_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct link_tls;

#define PATH_BYTES 128

/* A new empty folder under TMPDIR or /tmp; removed with its files by folder_remove. */
void folder_new(char out[PATH_BYTES]);
void folder_remove(const char *folder);
void path_in(char out[PATH_BYTES], const char *folder, const char *name);
void file_write_text(const char *path, const char *text);

/* In `folder`: NAME-ca.pem, and per certificate NAME.pem and NAME.key, signed by that authority.
 * P-256; the subject name is the file's. */
void authority_make(const char *folder, const char *name);
void certificate_make(const char *folder, const char *authority, const char *name);

/* By the openssl program, in that folder; its arguments end with NULL. */
void openssl_run(const char *folder, const char *const *arguments);

/* The files of one end, in memory that lives as long as the struct. */
struct tls_paths {
    char cert[PATH_BYTES];
    char key[PATH_BYTES];
    char ca[PATH_BYTES];
};
struct link_tls tls_of(struct tls_paths *paths, const char *folder, const char *name,
                       const char *authority, const char *server_name);

typedef bool (*until_fn)(void *ctx);
/* Turns the loop until fn(ctx), at most `limit_ms`; true when it came true. */
bool loop_until(struct loop *loop, until_fn fn, void *ctx, uint64_t limit_ms);
uint64_t now_ms(void);

/* Runs a Check suite as main does; the exit code. */
int suite_main(Suite *suite);

#endif

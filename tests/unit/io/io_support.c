/* Shared by the suites of lib/io. See io_support.h. */
#include "io_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/link.h"
#include "io/loop.h"

void folder_new(char out[PATH_BYTES])
{
    const char *base = getenv("TMPDIR");
    int len = snprintf(out, PATH_BYTES, "%s/referral-io.XXXXXX", base == NULL ? "/tmp" : base);
    ck_assert(len > 0 && len < PATH_BYTES);
    ck_assert_ptr_nonnull(mkdtemp(out));
}

void path_in(char out[PATH_BYTES], const char *folder, const char *name)
{
    int len = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    ck_assert(len > 0 && len < PATH_BYTES);
}

void folder_remove(const char *folder)
{
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            ck_assert_int_eq(unlinkat(dirfd(listing), entry->d_name, 0), 0);
        }
    }
    ck_assert_int_eq(closedir(listing), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

void file_write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Runs the openssl program in `folder`, silent, and expects success. */
void openssl_run(const char *folder, const char *const *arguments)
{
    char *argv[32] = {NULL};
    size_t count = 0;
    for (; arguments[count] != NULL; count++) {
        ck_assert_uint_lt(count, 31);
        argv[count] = strdup(arguments[count]);
    }
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || chdir(folder) != 0) {
            _exit(126);
        }
        execvp("openssl", argv);
        _exit(127);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "openssl %s failed", argv[1]);
    for (size_t i = 0; i < count; i++) {
        free(argv[i]);
    }
}

void authority_make(const char *folder, const char *name)
{
    char key[64];
    char pem[64];
    char subject[64];
    (void)snprintf(key, sizeof key, "%s-ca.key", name);
    (void)snprintf(pem, sizeof pem, "%s-ca.pem", name);
    (void)snprintf(subject, sizeof subject, "/CN=%s authority", name);
    openssl_run(folder,
                (const char *const[]){"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                      "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                                      pem, "-days", "2", "-subj", subject, NULL});
}

void certificate_make(const char *folder, const char *authority, const char *name)
{
    char key[64];
    char pem[64];
    char request[64];
    char subject[64];
    char ca[64];
    char ca_key[64];
    (void)snprintf(key, sizeof key, "%s.key", name);
    (void)snprintf(pem, sizeof pem, "%s.pem", name);
    (void)snprintf(request, sizeof request, "%s.csr", name);
    (void)snprintf(subject, sizeof subject, "/CN=%s", name);
    (void)snprintf(ca, sizeof ca, "%s-ca.pem", authority);
    (void)snprintf(ca_key, sizeof ca_key, "%s-ca.key", authority);
    openssl_run(folder, (const char *const[]){"openssl", "req", "-newkey", "ec", "-pkeyopt",
                                              "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                                              "-out", request, "-subj", subject, NULL});
    openssl_run(folder, (const char *const[]){"openssl", "x509", "-req", "-in", request, "-CA", ca,
                                              "-CAkey", ca_key, "-CAcreateserial", "-out", pem,
                                              "-days", "2", NULL});
}

struct link_tls tls_of(struct tls_paths *paths, const char *folder, const char *name,
                       const char *authority, const char *server_name)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s.pem", name);
    path_in(paths->cert, folder, file);
    (void)snprintf(file, sizeof file, "%s.key", name);
    path_in(paths->key, folder, file);
    (void)snprintf(file, sizeof file, "%s-ca.pem", authority);
    path_in(paths->ca, folder, file);
    return (struct link_tls){.cert_file = paths->cert,
                             .key_file = paths->key,
                             .ca_file = paths->ca,
                             .server_name = server_name};
}

uint64_t now_ms(void)
{
    struct timespec now;
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool loop_until(struct loop *loop, until_fn fn, void *ctx, uint64_t limit_ms)
{
    uint64_t end_ms = now_ms() + limit_ms;
    while (!fn(ctx)) {
        uint64_t at_ms = now_ms();
        if (at_ms >= end_ms) {
            return false;
        }
        loop_turn(loop, end_ms - at_ms);
    }
    return true;
}

int suite_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

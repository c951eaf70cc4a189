/* store: starts that do not get through are counted; a folder that is none, and a file that is not
 * a count, are no reason to doubt. */
#include "store/starts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/suite.h"

START_TEST(counted_until_one_gets_through)
{
    char folder[] = "/tmp/starts-test-XXXXXX", path[64], letter = 'x';
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (unsigned i = 0; i < 15; i++) {
        ck_assert_uint_eq(starts_begin(folder), i < 9 ? i : 9);
    }
    starts_good(folder);
    ck_assert_uint_eq(starts_begin(folder), 0);
    ck_assert_uint_eq(starts_begin(folder), 1);
    (void)snprintf(path, sizeof(path), "%s/starts", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(&letter, 1, 1, file), 1);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_eq(starts_begin(folder), 0);
    starts_good(folder);
    starts_good(folder);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_uint_eq(starts_begin(folder), 0);
    starts_good(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("starts");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, counted_until_one_gets_through);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

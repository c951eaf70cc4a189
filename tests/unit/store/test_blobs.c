/* lib/store/blobs and uploads: what is answered is there after any break, and nothing else is. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto_start.h"
#include "store/blobs.h"
#include "store/uploads.h"
#include "store_support.h"

static const char *die_at; /* the point at which a child ends, as by a power cut of the process */

static void point(void *owner, const char *name)
{
    (void)owner;
    if (die_at != NULL && strcmp(name, die_at) == 0) {
        _exit(9);
    }
}

static struct blobs *open_blobs(unsigned percent)
{
    struct blobs_options options = {.refuse_percent = percent, .pass_point = point};
    struct blobs *blobs = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_msg(blobs_open(folder_path(0, "blobs"), &options, &blobs, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    return blobs;
}

static uint8_t bytes[200000];

static struct digest digest_of_bytes(void)
{
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i / 7);
    }
    return crypto_digest(span_of(bytes, sizeof(bytes)));
}

static uint64_t have(struct blobs *blobs)
{
    uint64_t count = 0;
    ck_assert_int_eq(blobs_part_bytes(blobs, "part-1", &count), OK);
    return count;
}

static void append(struct blobs *blobs, size_t from, size_t to)
{
    ck_assert_int_eq(blobs_part_append(blobs, "part-1", from, span_of(bytes + from, to - from)),
                     OK);
}

START_TEST(test_grows_and_finishes)
{
    struct digest digest = digest_of_bytes();
    struct blobs *blobs = open_blobs(100);
    struct digest found;
    struct buf back;
    uint64_t size = 0;
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", &digest, &found), ERR_NOT_FOUND);
    append(blobs, 0, 1000);
    ck_assert_int_eq(blobs_part_append(blobs, "part-1", 999, span_of(bytes, 5)), ERR_INVALID);
    ck_assert_int_eq(blobs_part_append(blobs, "part-1", 1001, span_of(bytes, 5)), ERR_INVALID);
    ck_assert_uint_eq(have(blobs), 1000);
    append(blobs, 1000, sizeof(bytes));
    ck_assert_int_eq(blobs_size(blobs, &digest, &size), ERR_NOT_FOUND);
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", &digest, &found), OK);
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", NULL, &found), OK); /* again is fine */
    ck_assert(digest_equal(&found, &digest));
    ck_assert_int_eq(blobs_part_discard(blobs, "part-1"), OK);
    ck_assert_int_eq(blobs_size(blobs, &digest, &size), OK);
    ck_assert_uint_eq(size, sizeof(bytes));
    buf_init(&back, sizeof(bytes));
    ck_assert_int_eq(blobs_read(blobs, &digest, 150000, 60000, &back), OK);
    ck_assert_uint_eq(back.len, 50000);
    ck_assert_mem_eq(back.data, bytes + 150000, back.len);
    buf_free(&back);
    ck_assert_int_eq(blobs_remove(blobs, &digest), OK);
    ck_assert_int_eq(blobs_remove(blobs, &digest), ERR_NOT_FOUND);
    blobs_close(blobs);
}
END_TEST

START_TEST(test_wrong_bytes_are_thrown_away)
{
    struct digest digest = digest_of_bytes();
    struct blobs *blobs = open_blobs(100);
    struct digest found;
    uint64_t size = 0;
    bytes[77] ^= 1;
    append(blobs, 0, sizeof(bytes));
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", &digest, &found), ERR_FORGED);
    ck_assert_uint_eq(have(blobs), 0);
    ck_assert_int_eq(blobs_size(blobs, &digest, &size), ERR_NOT_FOUND);
    bytes[77] ^= 1;
    append(blobs, 0, sizeof(bytes)); /* the digest begins anew, too */
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", &digest, &found), OK);
    blobs_close(blobs);
}
END_TEST

/* A damaged file of the same name, cut by somebody, gives way to what was uploaded anew. */
START_TEST(test_a_cut_blob_is_replaced)
{
    struct digest digest = digest_of_bytes();
    struct blobs *blobs = open_blobs(100);
    struct digest found;
    char name[200], hex[DIGEST_TEXT_BYTES];
    uint64_t size = 0;
    append(blobs, 0, sizeof(bytes));
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", &digest, &found), OK);
    ck_assert_int_eq(blobs_part_discard(blobs, "part-1"), OK);
    digest_format(&digest, hex);
    (void)snprintf(name, sizeof(name), "%s/%.2s/%s", folder_path(0, "blobs"), hex, hex + 2);
    ck_assert_int_eq(truncate(name, 10), 0);
    append(blobs, 0, sizeof(bytes));
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", &digest, &found), OK);
    ck_assert_int_eq(blobs_size(blobs, &digest, &size), OK);
    ck_assert_uint_eq(size, sizeof(bytes));
    blobs_close(blobs);
}
END_TEST

static const char *const points[] = {"blobs.after-append", "blobs.before-link", "blobs.after-link"};

/* A process that ends at each point leaves what the next one finishes, without a byte sent again.
 */
START_TEST(test_crash_points)
{
    struct digest digest = digest_of_bytes();
    struct blobs *blobs = open_blobs(100);
    struct digest found;
    uint64_t size = 0;
    int status = 0;
    append(blobs, 0, 1000);
    blobs_close(blobs);
    pid_t child = fork();
    if (child == 0) {
        blobs = open_blobs(100);
        die_at = points[_i];
        (void)!blobs_part_append(blobs, "part-1", 1000,
                                 span_of(bytes + 1000, sizeof(bytes) - 1000));
        (void)!blobs_part_finish(blobs, "part-1", &digest, &found);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    blobs = open_blobs(100);
    ck_assert_uint_eq(have(blobs), sizeof(bytes));
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", &digest, &found), OK);
    ck_assert_int_eq(blobs_size(blobs, &digest, &size), OK);
    ck_assert_uint_eq(size, sizeof(bytes));
    blobs_close(blobs);
}
END_TEST

START_TEST(test_disk_share)
{
    struct blobs *blobs = open_blobs(1);
    ck_assert(!blobs_accept(blobs)); /* no disk is that empty */
    ck_assert_uint_le(blobs_disk_percent(blobs), 100);
    blobs_close(blobs);
}
END_TEST

static bool wants(void *owner, const char *part, const struct digest *digest)
{
    const struct digest *kept = owner;
    return part != NULL ? strcmp(part, "part-2") == 0 : digest_equal(digest, kept);
}

START_TEST(test_sweep)
{
    struct digest digest = digest_of_bytes();
    struct blobs *blobs = open_blobs(100);
    struct blobs_visitor visitor = {.wants = wants, .owner = &digest};
    struct digest found;
    uint64_t removed = 0, size = 0;
    append(blobs, 0, 10);
    ck_assert_int_eq(blobs_part_finish(blobs, "part-1", NULL, &found), OK);
    ck_assert_int_eq(blobs_part_append(blobs, "part-2", 0, span_of(bytes, sizeof(bytes))), OK);
    struct digest other = found;
    ck_assert_int_eq(blobs_part_finish(blobs, "part-2", &digest, &found), OK);
    ck_assert_int_eq(blobs_sweep(blobs, &visitor, &removed), OK);
    ck_assert_uint_eq(removed, 2);
    ck_assert_int_eq(blobs_size(blobs, &other, &size), ERR_NOT_FOUND);
    ck_assert_int_eq(blobs_size(blobs, &digest, &size), OK);
    ck_assert_uint_eq(have(blobs), 0);
    blobs_close(blobs);
}
END_TEST

/* --- rows --- */

static struct upload upload_of(uint8_t n, uint16_t agency, uint64_t touched_ms)
{
    return (struct upload){
        .digest = {{n}}, .agency = agency, .size = 100u + n, .touched_ms = touched_ms};
}

START_TEST(test_uploads)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    struct upload one = upload_of(1, 7, 500), two = upload_of(2, 7, 300), back;
    uint64_t waiting = 9;
    ck_assert_int_eq(upload_oldest(txn, &back), ERR_NOT_FOUND);
    ck_assert_int_eq(upload_put(txn, &one), OK);
    ck_assert_int_eq(upload_put(txn, &two), OK);
    ck_assert_int_eq(upload_oldest(txn, &back), OK);
    ck_assert_uint_eq(back.touched_ms, 300);
    two.touched_ms = 900;
    ck_assert_int_eq(upload_put(txn, &two), OK); /* moves */
    ck_assert_int_eq(upload_oldest(txn, &back), OK);
    ck_assert_uint_eq(back.touched_ms, 500);
    ck_assert_int_eq(upload_waiting(txn, 7, &waiting), OK);
    ck_assert_uint_eq(waiting, 2);
    ck_assert_int_eq(upload_any(txn, &one.digest), ERR_NOT_FOUND); /* not complete */
    one.complete = true;
    one.referred = true;
    ck_assert_int_eq(upload_put(txn, &one), OK);
    ck_assert_int_eq(upload_any(txn, &one.digest), OK);
    ck_assert_int_eq(upload_waiting(txn, 7, &waiting), OK);
    ck_assert_uint_eq(waiting, 1);
    ck_assert_int_eq(upload_oldest(txn, &back), OK);
    ck_assert_uint_eq(back.digest.bytes[0], 2);
    ck_assert_int_eq(upload_remove(txn, &two), OK);
    ck_assert_int_eq(upload_oldest(txn, &back), ERR_NOT_FOUND);
    ck_assert_int_eq(upload_get(txn, &one.digest, 8, &back), ERR_NOT_FOUND); /* another's */
    ck_assert_int_eq(upload_get(txn, &one.digest, 7, &back), OK);
    ck_assert(back.complete && back.referred && back.size == 101);
    ck_assert_int_eq(upload_allowed(txn, &one.digest, 8), ERR_NOT_FOUND);
    ck_assert_int_eq(upload_allow(txn, &one.digest, 8), OK);
    ck_assert_int_eq(upload_allowed(txn, &one.digest, 8), OK);
    commit(txn);
    store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("blobs");
    TCase *tests = tcase_create("blobs");
    tcase_add_checked_fixture(tests, folder_setup, folder_teardown);
    tcase_add_test(tests, test_grows_and_finishes);
    tcase_add_test(tests, test_wrong_bytes_are_thrown_away);
    tcase_add_test(tests, test_a_cut_blob_is_replaced);
    tcase_add_loop_test(tests, test_crash_points, 0, COUNT_OF(points));
    tcase_add_test(tests, test_disk_share);
    tcase_add_test(tests, test_sweep);
    tcase_add_test(tests, test_uploads);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

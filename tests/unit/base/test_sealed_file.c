/* lib/base/sealed_file: what was added comes back, for lengths around every border; and whatever is
 * changed, cut off, added or opened with another key is refused before a byte is handed out. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sealed_file.h"
#include "unit/suite.h"

#define CHUNK (256u * 1024u)

static char path[96];
static struct sign_key signer;
static struct seal_key recovery;

static void setup(void)
{
    ck_assert_int_eq(crypto_init(), OK);
    (void)snprintf(path, sizeof(path), "/tmp/sealed-test-%ld", (long)getpid());
    sign_key_new(&signer);
    seal_key_new(&recovery);
}

static void teardown(void)
{
    (void)unlink(path);
}

/* Bytes that do not compress, the same for a length. */
static void fill(uint8_t *to, size_t len)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        to[i] = (uint8_t)(state >> 24);
    }
}

static struct sealed_written write_file(struct span bytes, size_t piece)
{
    struct sealed_writer_options options = {.path = path,
                                            .head = span_text("a head"),
                                            .recipient = recovery.public_key,
                                            .signer = &signer};
    struct sealed_writer *writer = NULL;
    struct sealed_written written;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(sealed_writer_open(&options, &writer, &fault), OK);
    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        ck_assert_int_eq(sealed_writer_add(writer, span_of(bytes.data + at, len)), OK);
    }
    ck_assert_int_ne(access(path, F_OK), 0); /* not under its name before it is whole */
    ck_assert_int_eq(sealed_writer_finish(writer, span_text("{\"a\":\"foot\"}"), &written, &fault),
                     OK);
    sealed_writer_free(writer);
    return written;
}

static struct sealed_reader *open_file(void)
{
    struct sealed_reader *reader = NULL;
    struct fault fault = {.code = ""};
    enum err error = sealed_reader_open(path, &reader, &fault);
    ck_assert_msg(error == OK, "%s", fault.message);
    return reader;
}

static const size_t lengths[] = {0, 1, 1000, CHUNK - 64, CHUNK, CHUNK + 1, 3 * CHUNK + 17};

START_TEST(test_comes_back)
{
    size_t len = lengths[_i];
    uint8_t *bytes = malloc(len + 1), *back = malloc(len + 1);
    fill(bytes, len);
    struct sealed_written written = write_file(span_of(bytes, len), 7000);
    struct sealed_reader *reader = open_file();
    const struct sealed_info *info = sealed_reader_info(reader);
    ck_assert(span_equal(info->head, span_text("a head")));
    ck_assert(span_equal(info->foot, span_text("{\"a\":\"foot\"}")));
    ck_assert_mem_eq(info->signer, signer.public_key, SIGN_PUBLIC_BYTES);
    ck_assert_uint_eq(info->bytes, written.bytes);
    ck_assert(digest_equal(&info->digest, &written.digest));
    ck_assert_int_eq(sealed_reader_unlock(reader, recovery.secret, NULL), OK);
    for (size_t at = 0; at < len;) {
        size_t piece = len - at < 1009 ? len - at : 1009;
        ck_assert_int_eq(sealed_reader_take(reader, back + at, piece), OK);
        at += piece;
    }
    ck_assert_mem_eq(bytes, back, len);
    ck_assert_int_eq(sealed_reader_take(reader, back, 1), ERR_CLOSED);
    ck_assert_int_eq(sealed_reader_take(reader, back, 1), ERR_CLOSED);
    sealed_reader_free(reader);
    free(bytes);
    free(back);
}
END_TEST

START_TEST(test_says_the_digest_that_the_file_has)
{
    uint8_t bytes[5000];
    struct buf whole;
    fill(bytes, sizeof(bytes));
    struct sealed_written written = write_file(span_of(bytes, sizeof(bytes)), 5000);
    buf_init(&whole, 100000);
    ck_assert_int_eq(file_read(path, &whole, NULL), OK);
    struct digest digest = crypto_digest(span_buf(&whole));
    ck_assert(digest_equal(&digest, &written.digest));
    buf_free(&whole);
}
END_TEST

static enum err open_of(const uint8_t *bytes, size_t len, struct fault *fault)
{
    struct sealed_reader *reader = NULL;
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
    enum err error = sealed_reader_open(path, &reader, fault);
    sealed_reader_free(reader);
    return error;
}

START_TEST(test_every_byte_counts)
{
    uint8_t content[300];
    struct buf whole;
    fill(content, sizeof(content));
    (void)write_file(span_of(content, sizeof(content)), 300);
    buf_init(&whole, 100000);
    ck_assert_int_eq(file_read(path, &whole, NULL), OK);
    for (size_t i = 0; i < whole.len; i++) {
        struct fault fault = {.code = ""};
        whole.data[i] ^= 0x20;
        enum err error = open_of(whole.data, whole.len, &fault);
        ck_assert_msg(error == ERR_FORGED || error == ERR_CORRUPT || error == ERR_INVALID ||
                          error == ERR_VERSION,
                      "byte %zu: %s", i, err_text(error));
        ck_assert_msg(fault.message[0] != '\0', "byte %zu", i);
        whole.data[i] ^= 0x20;
    }
    for (size_t len = 0; len < whole.len; len++) {
        ck_assert_msg(open_of(whole.data, len, NULL) != OK, "cut to %zu bytes", len);
    }
    ck_assert_int_eq(buf_append(&whole, "x", 1), OK);
    ck_assert_int_ne(open_of(whole.data, whole.len, NULL), OK);
    ck_assert_int_eq(open_of(whole.data, whole.len - 1, NULL), OK); /* the check can pass */
    buf_free(&whole);
}
END_TEST

START_TEST(test_another_key_opens_nothing)
{
    struct seal_key other;
    struct fault fault = {.code = ""};
    seal_key_new(&other);
    (void)write_file(span_text("secret"), 6);
    struct sealed_reader *reader = open_file();
    ck_assert_int_eq(sealed_reader_unlock(reader, other.secret, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "sealed.other-key");
    sealed_reader_free(reader);
}
END_TEST

START_TEST(test_never_over_a_file)
{
    struct sealed_writer_options options = {
        .path = path, .recipient = recovery.public_key, .signer = &signer};
    struct sealed_writer *writer = NULL;
    ck_assert_int_eq(file_write(path, span_text("mine"), 0600, NULL), OK);
    ck_assert_int_eq(sealed_writer_open(&options, &writer, NULL), ERR_EXISTS);
    (void)unlink(path);
    /* also when it came while we wrote */
    struct sealed_written written;
    ck_assert_int_eq(sealed_writer_open(&options, &writer, NULL), OK);
    ck_assert_int_eq(file_write(path, span_text("mine"), 0600, NULL), OK);
    ck_assert_int_eq(sealed_writer_finish(writer, span_of(NULL, 0), &written, NULL), ERR_EXISTS);
    sealed_writer_free(writer);
}
END_TEST

START_TEST(test_an_unfinished_file_goes)
{
    struct sealed_writer_options options = {
        .path = path, .recipient = recovery.public_key, .signer = &signer};
    struct sealed_writer *writer = NULL;
    char part[128];
    (void)snprintf(part, sizeof(part), "%s.part", path);
    ck_assert_int_eq(sealed_writer_open(&options, &writer, NULL), OK);
    ck_assert_int_eq(access(part, F_OK), 0);
    sealed_writer_free(writer);
    ck_assert_int_ne(access(part, F_OK), 0);
}
END_TEST

/* Nobody writes into it: opening it as a file waits for ever, and a backup thread with it. */
START_TEST(test_a_fifo_is_refused_and_not_waited_for)
{
    struct sealed_reader *reader = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(sealed_reader_peek(path, &reader, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "sealed.not-one");
    ck_assert_int_eq(sealed_reader_open(path, &reader, &fault), ERR_INVALID);
}
END_TEST

START_TEST(test_refuses_a_key_of_low_order)
{
    static const uint8_t zero[SEAL_PUBLIC_BYTES];
    struct sealed_writer_options options = {.path = path, .recipient = zero, .signer = &signer};
    struct sealed_writer *writer = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(sealed_writer_open(&options, &writer, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "sealed.recovery-key");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sealed_file");
    TCase *tests = tcase_create("sealed_file");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_comes_back, 0, (int)COUNT_OF(lengths));
    tcase_add_test(tests, test_says_the_digest_that_the_file_has);
    tcase_add_test(tests, test_every_byte_counts);
    tcase_add_test(tests, test_another_key_opens_nothing);
    tcase_add_test(tests, test_never_over_a_file);
    tcase_add_test(tests, test_an_unfinished_file_goes);
    tcase_add_test(tests, test_a_fifo_is_refused_and_not_waited_for);
    tcase_add_test(tests, test_refuses_a_key_of_low_order);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}

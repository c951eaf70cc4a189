/* One signed thing is never taken for another: what each signature is over is written down here
 * from docs/protocol.md, is proved to be what is signed, and is handed to every verifier of the
 * code. All are signed with one key, the worst case. A label that is in the sources and not in this
 * table fails the suite: whoever adds one says here what it separates. */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sealed_file.h"
#include "sample.h"
#include "wire/checkpoint.h"
#include "wire/envelope.h"
#include "wire/key_endorsement.h"
#include "wire/key_statement.h"
#include "wire/keyring.h"
#include "wire/receipt.h"
#include "wire/recovery.h"
#include "wire/registry_document.h"

#define ORIGIN "city.example/broker"

/* --- every label of the code --- */

enum use { SIGNED, DIGESTED, KEYED, FILED };

static const struct label {
    const char *text;
    enum use use;
} labels[] = {
    {"referral.v1.batch", SIGNED},
    {"referral.v1.witness", SIGNED},
    {"referral.v1.recovery", SIGNED},
    {"referral.v1.registry", SIGNED},
    {"referral.v1.key", SIGNED},
    {"referral-sealed-file-1", SIGNED},
    {"referral.v1.key-row", SIGNED},
    {"referral.v1.message", DIGESTED},
    {"referral.v1.request", DIGESTED},
    {"referral.v1.reply", DIGESTED},
    {"referral.v1.body-key", KEYED},
    {"referral.v1.key-commitment", KEYED},
    {"referral.v1.wrap", KEYED},
    {"referral.v1.attachment-key", KEYED},
    {"referral.v1.attachment-commitment", KEYED},
    {"referral.v1.session", KEYED},
    {"referral-sealed-key-1", KEYED},
    {"referral.v1.case-key", KEYED},
    {"referral.v1.case-keys-file", KEYED},
    {"referral-sign-key-1", FILED}, /* kinds of files, not of bytes that are signed */
    {"referral-seal-key-1", FILED},
    {"referral-store-key-1", FILED},
    {"referral-recovery-key-1", FILED},
    {"referral-recovery-public-1", FILED},
    {"referral-root-key-1", FILED},
    {"referral-broker-key-1", FILED},
    {"referral-registry-1", FILED},
    {"referral-key-1", FILED},
    {"referral-evidence-1", FILED},
};

static bool label_is_listed(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        if (strcmp(labels[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static size_t labels_met;

/* "referral.v1.NAME or "referral-NAME-1 behind a quote. */
static void line_scan(const char *path, const char *line)
{
    for (const char *at = strstr(line, "\"referral"); at != NULL;
         at = strstr(at + 1, "\"referral")) {
        char text[64];
        size_t len = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789.-");
        if (len >= sizeof(text)) {
            continue;
        }
        memcpy(text, at + 1, len);
        text[len] = '\0';
        bool numbered = len > 2 && strcmp(text + len - 2, "-1") == 0;
        if (strncmp(text, "referral.v1.", 12) == 0 || (text[8] == '-' && numbered)) {
            ck_assert_msg(label_is_listed(text), "%s: the label %s is not in test_domains.c", path,
                          text);
            labels_met++;
        }
    }
}

static void file_scan(const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        line_scan(path, line);
    }
    (void)fclose(file);
}

static int path_scan(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    size_t len = strlen(path);
    (void)info;
    (void)at;
    if (kind == FTW_F && len > 2 &&
        (strcmp(path + len - 2, ".c") == 0 || strcmp(path + len - 2, ".h") == 0)) {
        file_scan(path);
    }
    return 0;
}

START_TEST(every_label_of_the_sources_is_in_the_table)
{
    static const char *const folders[] = {"lib", "broker", "agent", "cli", "verify"};
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        ck_assert_msg(nftw(folders[i], path_scan, 16, FTW_PHYS) == 0,
                      "%s: run in the source folder", folders[i]);
    }
    ck_assert_uint_ge(labels_met, COUNT_OF(labels));
}
END_TEST

/* With the zero byte behind each none is the beginning of another, and none is two things. */
START_TEST(no_label_begins_as_another)
{
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        for (size_t k = 0; k < COUNT_OF(labels); k++) {
            ck_assert(i == k || strcmp(labels[i].text, labels[k].text) != 0);
        }
        ck_assert_str_ne(labels[i].text, ORIGIN); /* what a checkpoint's text begins with */
    }
}
END_TEST

/* --- what is signed --- */

struct thing {
    const char *name;
    struct buf bytes;    /* as it travels */
    struct buf preimage; /* what the signature is over, from docs/protocol.md */
    uint8_t signature[SIGNATURE_BYTES];
};

enum {
    REQUEST,
    REPLY,
    ENVELOPE,
    CHECKPOINT,
    WITNESS,
    RECEIPT,
    RECOVERY,
    REGISTRY,
    STATEMENT,
    BACKUP,
    ROW,
    THINGS
};

static struct thing things[THINGS];
static struct sign_key key;
static struct keyring *keyring;
static struct region region;
static struct checkpoint seen;
static struct digest reply_asked, message_said, registry_pin;
static char folder[32];

static void add(struct buf *buf, const void *data, size_t len)
{
    ck_assert_int_eq(buf_append(buf, data, len), OK);
}

static struct thing *thing_new(int which, const char *name)
{
    struct thing *thing = &things[which];
    thing->name = name;
    buf_init(&thing->bytes, 4u << 20);
    buf_init(&thing->preimage, 4u << 20);
    return thing;
}

/* "label" 0 || SHA-256 or its like; both of one leaf: the root is the leaf's hash. */
static void batch_preimage(struct thing *thing, const struct digest *digests, size_t count)
{
    struct hasher hasher;
    struct digest leaves[2];
    uint8_t size[8];
    for (size_t i = 0; i < count; i++) {
        hasher_init(&hasher);
        hasher_add(&hasher, "\0", 1);
        hasher_add(&hasher, digests[i].bytes, DIGEST_BYTES);
        leaves[i] = hasher_end(&hasher);
    }
    if (count == 2) {
        hasher_init(&hasher);
        hasher_add(&hasher, "\1", 1);
        hasher_add(&hasher, leaves, sizeof(leaves));
        leaves[0] = hasher_end(&hasher);
    }
    const uint8_t suite = (uint8_t)crypto_suite();
    be64_put(size, count);
    add(&thing->preimage, "referral.v1.batch", 18);
    add(&thing->preimage, &suite, 1);
    add(&thing->preimage, size, 8);
    add(&thing->preimage, leaves[0].bytes, DIGEST_BYTES);
}

static void make_request(void)
{
    struct thing *thing = thing_new(REQUEST, "request"), *envelope = thing_new(ENVELOPE, "message");
    struct request_head head = {.version = 1,
                                .agency = "procuratorate",
                                .broker = ORIGIN,
                                .session = {1},
                                .counter = 1,
                                .kind = REQUEST_SUBMIT};
    struct buf head_bytes, payload;
    struct request request;
    struct payload parts;
    head.submit.count = 1;
    buf_init(&head_bytes, 4096);
    ck_assert_int_eq(request_head_encode(&head, &head_bytes), OK);
    sample_payload(5, span_text("sealed body"), &payload);
    struct span span = span_buf(&payload);
    ck_assert_int_eq(request_build(&key, span_buf(&head_bytes), &span, 1, &thing->bytes), OK);
    ck_assert_int_eq(request_parse(span_buf(&thing->bytes), &region, &request, NULL), OK);
    memcpy(thing->signature, request.signature, SIGNATURE_BYTES);
    memcpy(envelope->signature, request.signature, SIGNATURE_BYTES);
    ck_assert_int_eq(payload_split(span, &parts, NULL), OK);
    message_said = message_digest(&parts);
    struct digest digests[2] = {request_digest(span_buf(&head_bytes)), message_said};
    batch_preimage(thing, digests, 2);
    batch_preimage(envelope, digests, 2);
    ck_assert_int_eq(request_envelope(&request, 0, &envelope->bytes), OK);
    buf_free(&head_bytes);
    buf_free(&payload);
}

static void make_reply(void)
{
    struct thing *thing = thing_new(REPLY, "reply");
    struct reply_head head = {.version = 1, .kind = REPLY_HELLO};
    struct buf head_bytes;
    struct sign_batch batch;
    struct batch_proof proof;
    reply_asked = crypto_digest(span_text("a request"));
    head.request_digest = reply_asked;
    buf_init(&head_bytes, 8192);
    ck_assert_int_eq(reply_head_encode(&head, &head_bytes), OK);
    struct digest digest = reply_digest(span_buf(&head_bytes));
    ck_assert_int_eq(sign_batch_make(&key, &digest, 1, &region, &batch), OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 0, &region, &proof), OK);
    ck_assert_int_eq(reply_encode(span_buf(&head_bytes), &proof, &thing->bytes), OK);
    memcpy(thing->signature, batch.signature, SIGNATURE_BYTES);
    batch_preimage(thing, &digest, 1);
    buf_free(&head_bytes);
}

/* From the base64 that ends there: its last 64 bytes. */
static void signature_read(const char *end, size_t len, uint8_t out[SIGNATURE_BYTES])
{
    struct buf bytes;
    buf_init(&bytes, 128);
    ck_assert_int_eq(base64_decode(span_of(end - len, len), &bytes), OK);
    ck_assert_uint_ge(bytes.len, SIGNATURE_BYTES);
    memcpy(out, bytes.data + bytes.len - SIGNATURE_BYTES, SIGNATURE_BYTES);
    buf_free(&bytes);
}

/* A leaf, the checkpoint over it, a witness of that, and the receipt: which is a checkpoint's. */
static void make_log(void)
{
    static const uint8_t salt[SALT_BYTES] = {7};
    struct thing *note = thing_new(CHECKPOINT, "checkpoint"),
                 *witness = thing_new(WITNESS, "witness");
    struct thing *receipt = thing_new(RECEIPT, "receipt");
    struct leaf_record record = {.version = 1, .kind = LEAF_MESSAGE};
    struct buf record_bytes;
    record.message_id = sample_uuid(5);
    buf_init(&record_bytes, 2048);
    ck_assert_int_eq(leaf_record_encode(&record, &record_bytes), OK);
    seen = (struct checkpoint){.origin = ORIGIN, .size = 1, .time_ms = 5};
    seen.root = leaf_hash(salt, span_buf(&record_bytes));
    ck_assert_int_eq(checkpoint_make(&seen, &key, &note->bytes), OK);
    const char *text = (const char *)note->bytes.data;
    const char *end = memmem(text, note->bytes.len, "\n\n", 2);
    ck_assert_ptr_nonnull(end);
    add(&note->preimage, text, (size_t)(end - text) + 1);
    signature_read(text + note->bytes.len - 1, 92, note->signature);

    struct digest origin = crypto_digest(span_text(ORIGIN));
    uint8_t size[8];
    be64_put(size, seen.size);
    witness_sign(&key, &seen, witness->signature);
    add(&witness->preimage, "referral.v1.witness", 20);
    add(&witness->preimage, origin.bytes, DIGEST_BYTES);
    add(&witness->preimage, size, 8);
    add(&witness->preimage, seen.root.bytes, DIGEST_BYTES);
    add(&witness->bytes, witness->signature, SIGNATURE_BYTES);

    struct receipt made = {.message_id = record.message_id,
                           .record = span_buf(&record_bytes),
                           .checkpoint = span_buf(&note->bytes)};
    memcpy(made.salt, salt, SALT_BYTES);
    ck_assert_int_eq(receipt_encode(&made, &receipt->bytes), OK);
    add(&receipt->preimage, note->preimage.data, note->preimage.len);
    memcpy(receipt->signature, note->signature, SIGNATURE_BYTES);
    buf_free(&record_bytes);
}

static void digest_preimage(struct thing *thing, const char *label, const struct digest *inner)
{
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_add(&hasher, label, strlen(label) + 1);
    hasher_add(&hasher, inner->bytes, DIGEST_BYTES);
    struct digest digest = hasher_end(&hasher);
    add(&thing->preimage, digest.bytes, DIGEST_BYTES);
}

static void make_recovery(void)
{
    struct thing *thing = thing_new(RECOVERY, "recovery");
    struct recovery recovery = {.old_origin = ORIGIN,
                                .new_origin = ORIGIN "/1795682712",
                                .anchor = span_buf(&things[CHECKPOINT].bytes),
                                .at_ms = UINT64_C(1795682712000)};
    struct signed_recovery made;
    struct buf statement;
    buf_init(&statement, 8192);
    ck_assert_int_eq(recovery_make(&recovery, &key, &statement, &made), OK);
    struct digest digest = crypto_digest(made.statement);
    digest_preimage(thing, "referral.v1.recovery", &digest);
    memcpy(thing->signature, made.signature, SIGNATURE_BYTES);
    ck_assert_int_eq(recovery_pack(&made, &thing->bytes), OK);
    buf_free(&statement);
}

static void make_registry(void)
{
    struct thing *thing = thing_new(REGISTRY, "registry");
    struct registry_making making = {.agencies = span_text("agencies"), .keys = span_text("keys")};
    struct registry_document document;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(registry_document_sign(&making, &key, &thing->bytes), OK);
    registry_pin = registry_root_fingerprint(key.public_key);
    ck_assert_msg(registry_document_open("r", span_buf(&thing->bytes), &registry_pin, &document,
                                         &fault) == OK,
                  "%s", fault.message);
    digest_preimage(thing, "referral.v1.registry", &document.digest);
    const char *line = memmem(thing->bytes.data, thing->bytes.len, "\nsignature ", 11);
    ck_assert_ptr_nonnull(line);
    signature_read(line + 11 + 88, 88, thing->signature);
}

static void make_statement(void)
{
    struct thing *thing = thing_new(STATEMENT, "key statement");
    struct key_statement statement = {.owner = "education", .made_ms = UINT64_C(1795704000000)};
    memset(statement.key, 5, sizeof(statement.key));
    ck_assert_int_eq(key_statement_sign(&statement, &key, &thing->bytes), OK);
    const char *text = (const char *)thing->bytes.data,
               *line = memmem(text, thing->bytes.len, "\nsignature ", 11);
    ck_assert_ptr_nonnull(line);
    struct digest lines = crypto_digest(span_of(thing->bytes.data, (size_t)(line + 1 - text)));
    digest_preimage(thing, "referral.v1.key", &lines);
    signature_read(line + 11 + 88, 88, thing->signature);
}

/* Of a row what is no word: the key and the root's signature. */
static void make_row(void)
{
    struct thing *thing = thing_new(ROW, "row of a key");
    struct key_entry row = {.owner = "education", .use = KEY_SEAL, .to_ms = UINT64_MAX};
    char text[512], hex[2 * 32 + 1];
    memset(row.public_key, 6, sizeof(row.public_key));
    key_endorse(&row, &key);
    add(&thing->bytes, row.public_key, sizeof(row.public_key));
    add(&thing->bytes, row.endorsement, SIGNATURE_BYTES);
    hex_encode(span_of(row.public_key, sizeof(row.public_key)), hex);
    int len = snprintf(text, sizeof(text),
                       "owner education\nuse seal\nkey %s\nfrom 0\nto 18446744073709551615\n", hex);
    struct buf whole;
    buf_init(&whole, 1024);
    add(&whole, "referral.v1.key-row", 20);
    add(&whole, text, (size_t)len);
    struct digest digest = crypto_digest(span_buf(&whole));
    add(&thing->preimage, digest.bytes, DIGEST_BYTES);
    memcpy(thing->signature, row.endorsement, SIGNATURE_BYTES);
    buf_free(&whole);
}

static const char *path_of(int which)
{
    static char path[64];
    (void)snprintf(path, sizeof(path), "%s/%d", folder, which);
    return path;
}

static void make_backup(void)
{
    struct thing *thing = thing_new(BACKUP, "backup");
    struct seal_key recovery = sample_seal_key(3);
    struct sealed_writer_options options = {.path = path_of(BACKUP),
                                            .head = span_text("head"),
                                            .recipient = recovery.public_key,
                                            .signer = &key};
    struct sealed_writer *writer = NULL;
    struct sealed_written written;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(sealed_writer_open(&options, &writer, &fault), OK);
    ck_assert_int_eq(sealed_writer_add(writer, span_text("content")), OK);
    ck_assert_int_eq(sealed_writer_finish(writer, span_text("foot"), &written, &fault), OK);
    sealed_writer_free(writer);
    ck_assert_int_eq(file_read(options.path, &thing->bytes, &fault), OK);
    size_t signed_bytes = thing->bytes.len - SIGNATURE_BYTES;
    struct digest digest = crypto_digest(span_of(thing->bytes.data, signed_bytes));
    add(&thing->preimage, "referral-sealed-file-1", 23);
    add(&thing->preimage, digest.bytes, DIGEST_BYTES);
    memcpy(thing->signature, thing->bytes.data + signed_bytes, SIGNATURE_BYTES);
}

static void setup(void)
{
    struct key_entry entries[] = {{.owner = "broker", .use = KEY_SIGN, .to_ms = UINT64_MAX}};
    struct buf text;
    sample_setup();
    region_init(&region, 64u << 20);
    key = sample_sign_key(4);
    memcpy(entries[0].public_key, key.public_key, SIGN_PUBLIC_BYTES);
    buf_init(&text, 4096);
    ck_assert_int_eq(keyring_write(ORIGIN, entries, 1, &text), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&text), &keyring, NULL), OK);
    buf_free(&text);
    memcpy(folder, "/tmp/domains-XXXXXX", 20);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    make_request();
    make_reply();
    make_log();
    make_recovery();
    make_registry();
    make_statement();
    make_row();
    make_backup();
}

static void teardown(void)
{
    for (int i = 0; i < THINGS; i++) {
        (void)unlink(path_of(i));
        buf_free(&things[i].bytes);
        buf_free(&things[i].preimage);
    }
    (void)rmdir(folder);
    keyring_free(keyring);
    region_free(&region);
}

/* --- who believes what --- */

/* The verifiers of the code, each as its callers use it: of bytes that came from somewhere. */

static enum err believe_request(struct span bytes)
{
    struct request request;
    enum err error = request_parse(bytes, &region, &request, NULL);
    return error == OK ? request_verify(&request, key.public_key) : error;
}

static enum err believe_reply(struct span bytes)
{
    const struct reply_check check = {.broker_keys =
                                          (const uint8_t(*)[SIGN_PUBLIC_BYTES])key.public_key,
                                      .broker_key_count = 1,
                                      .request_digest = reply_asked};
    struct reply reply;
    enum err error = reply_open(bytes, &check, &region, &reply, NULL);
    return error == OK && !reply.authentic ? ERR_FORGED : error;
}

static enum err believe_envelope(struct span bytes)
{
    struct span payload;
    struct batch_proof proof;
    struct payload parts;
    enum err error = envelope_decode(bytes, &region, &payload, &proof, NULL);
    if (error == OK) {
        error = payload_split(payload, &parts, NULL);
    }
    if (error == OK) {
        struct digest digest = message_digest(&parts);
        error = batch_proof_verify(&proof, &digest, key.public_key);
    }
    return error;
}

static enum err believe_checkpoint(struct span bytes)
{
    struct checkpoint checkpoint;
    return checkpoint_verify(bytes, ORIGIN, (const uint8_t(*)[SIGN_PUBLIC_BYTES])key.public_key, 1,
                             &checkpoint);
}

static enum err believe_witness(struct span bytes)
{
    return bytes.len != SIGNATURE_BYTES ? ERR_INVALID
                                        : witness_verify(key.public_key, &seen, bytes.data);
}

static enum err believe_receipt(struct span bytes)
{
    struct receipt receipt;
    struct receipt_facts facts;
    enum err error = receipt_decode(bytes, &region, &receipt, NULL);
    return error == OK ? receipt_verify(&receipt, keyring, &region, &facts, NULL) : error;
}

static enum err believe_recovery(struct span bytes)
{
    struct signed_recovery chain[RECOVERIES_MAX];
    struct recovery recovery;
    struct checkpoint anchor;
    size_t count = 0;
    enum err error = recovery_unpack(bytes, chain, &count);
    if (error == OK && count == 0) {
        return ERR_INVALID;
    }
    for (size_t i = 0; error == OK && i < count; i++) {
        error = recovery_verify(&chain[i], keyring, &recovery, &anchor);
    }
    return error;
}

static enum err believe_registry(struct span bytes)
{
    struct registry_document document;
    struct fault fault = {.code = ""};
    return registry_document_open("r", bytes, &registry_pin, &document, &fault);
}

static enum err believe_statement(struct span bytes)
{
    struct key_statement statement;
    struct fault fault = {.code = ""};
    enum err error = key_statement_open("s", bytes, &statement, &fault);
    bool own = error == OK && memcmp(statement.root, key.public_key, SIGN_PUBLIC_BYTES) == 0;
    return error == OK && !own ? ERR_FORGED : error;
}

static enum err believe_row(struct span bytes)
{
    struct key_entry rows[2] = {
        {.owner = "education", .use = KEY_ROOT, .to_ms = UINT64_MAX},
        {.owner = "education", .use = KEY_SEAL, .to_ms = UINT64_MAX, .endorsed = true}};
    if (bytes.len != sizeof(rows[1].public_key) + SIGNATURE_BYTES) {
        return ERR_INVALID;
    }
    memcpy(rows[0].public_key, key.public_key, sizeof(rows[0].public_key));
    memcpy(rows[1].public_key, bytes.data, sizeof(rows[1].public_key));
    memcpy(rows[1].endorsement, bytes.data + sizeof(rows[1].public_key), SIGNATURE_BYTES);
    return key_endorsement_check(rows, 2, 1) == ENDORSEMENT_FINE ? OK : ERR_FORGED;
}

static enum err believe_backup(struct span bytes)
{
    struct sealed_reader *reader = NULL;
    struct fault fault = {.code = ""};
    FILE *file = fopen(path_of(REQUEST), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    ck_assert_int_eq(fclose(file), 0);
    enum err error = sealed_reader_open(path_of(REQUEST), &reader, &fault);
    if (error == OK &&
        memcmp(sealed_reader_info(reader)->signer, key.public_key, SIGN_PUBLIC_BYTES) != 0) {
        error = ERR_FORGED;
    }
    sealed_reader_free(reader);
    return error;
}

static enum err (*const believers[THINGS])(struct span bytes) = {
    [REQUEST] = believe_request,
    [REPLY] = believe_reply,
    [ENVELOPE] = believe_envelope,
    [CHECKPOINT] = believe_checkpoint,
    [WITNESS] = believe_witness,
    [RECEIPT] = believe_receipt,
    [RECOVERY] = believe_recovery,
    [REGISTRY] = believe_registry,
    [STATEMENT] = believe_statement,
    [BACKUP] = believe_backup,
    [ROW] = believe_row,
};

START_TEST(each_believes_its_own_and_nothing_else)
{
    for (int who = 0; who < THINGS; who++) {
        for (int what = 0; what < THINGS; what++) {
            enum err error = believers[who](span_buf(&things[what].bytes));
            ck_assert_msg((error == OK) == (who == what), "a %s as a %s: %s", things[what].name,
                          things[who].name, err_text(error));
        }
    }
}
END_TEST

/* Each bit of each thing, as it travels: signature, proof and all. */
START_TEST(each_changed_bit_is_refused)
{
    struct thing *thing = &things[_i];
    uint64_t budget = 0;
    for (size_t bit = 0; bit < thing->bytes.len * 8; bit++) {
        thing->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(believers[_i](span_buf(&thing->bytes)) != OK, "bit %zu of a %s", bit,
                      thing->name);
        thing->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (++budget % 256 == 0) { /* what was decoded so far is not needed any more */
            region_free(&region);
            region_init(&region, 64u << 20);
        }
    }
    ck_assert_int_eq(believers[_i](span_buf(&thing->bytes)), OK);
}
END_TEST

/* Finds a signature in the bytes of a thing, as they are or in base64. */
static bool signature_replace(struct buf *bytes, const uint8_t old[SIGNATURE_BYTES],
                              const uint8_t new[SIGNATURE_BYTES])
{
    struct buf was, is;
    uint8_t *at = memmem(bytes->data, bytes->len, old, SIGNATURE_BYTES);
    if (at != NULL) {
        memcpy(at, new, SIGNATURE_BYTES);
        return true;
    }
    buf_init(&was, 128);
    buf_init(&is, 128);
    ck_assert_int_eq(base64_encode(span_of(old, SIGNATURE_BYTES), &was), OK);
    ck_assert_int_eq(base64_encode(span_of(new, SIGNATURE_BYTES), &is), OK);
    at = memmem(bytes->data, bytes->len, was.data, was.len);
    if (at != NULL) {
        memcpy(at, is.data, is.len);
    }
    buf_free(&was);
    buf_free(&is);
    return at != NULL;
}

/* The signature of each, which is by the right key, in the place of each other's. */
START_TEST(a_signature_of_another_thing_is_none)
{
    unsigned tried = 0;
    for (int who = 0; who < THINGS; who++) {
        for (int what = 0; what < THINGS; what++) {
            const struct thing *own = &things[who], *other = &things[what];
            struct buf bytes;
            if (memcmp(own->signature, other->signature, SIGNATURE_BYTES) == 0) {
                continue; /* one signature over both: a request and its message */
            }
            buf_init(&bytes, 4u << 20);
            add(&bytes, own->bytes.data, own->bytes.len);
            if (signature_replace(&bytes, own->signature, other->signature)) {
                ck_assert_msg(believers[who](span_buf(&bytes)) != OK, "%s with the signature of %s",
                              own->name, other->name);
                tried++;
            }
            buf_free(&bytes);
        }
    }
    ck_assert_uint_ge(tried, 48); /* but a note's, which has 4 bytes before it in its base64 */
}
END_TEST

/* The bytes under each signature are those that this suite wrote down, and no two are alike. */
START_TEST(what_is_signed_is_what_is_written_here)
{
    for (int i = 0; i < THINGS; i++) {
        ck_assert_msg(
            crypto_verify(key.public_key, span_buf(&things[i].preimage), things[i].signature) == OK,
            "%s", things[i].name);
        for (int k = 0; k < THINGS; k++) {
            struct span a = span_buf(&things[i].preimage), b = span_buf(&things[k].preimage);
            bool same = memcmp(things[i].signature, things[k].signature, SIGNATURE_BYTES) == 0;
            ck_assert(span_equal(a, b) == same);
            if (!same && a.len == DIGEST_BYTES) { /* a hash of a label: no text has its length */
                ck_assert(b.len != DIGEST_BYTES || !span_equal(a, b));
            }
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("domains");
    TCase *table = tcase_create("labels"), *cases = tcase_create("things");
    tcase_add_test(table, every_label_of_the_sources_is_in_the_table);
    tcase_add_test(table, no_label_begins_as_another);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, each_believes_its_own_and_nothing_else);
    tcase_add_test(cases, a_signature_of_another_thing_is_none);
    tcase_add_loop_test(cases, each_changed_bit_is_refused, 0, THINGS);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, what_is_signed_is_what_is_written_here);
    suite_add_tcase(suite, table);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}

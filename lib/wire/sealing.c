/* docs/protocol.md, "Sealed bodies". All secrets of a sealing stand in one structure that is wiped
 * before return; the padded plain text lies in a buffer that is wiped too. */
#include "wire/sealing.h"

#include <assert.h>
#include <string.h>

#include "message.pb-c.h"
#include "model/registry.h"
#include "wire/tables.h"

#define WRAP_DOMAIN     "referral.v1.wrap"
#define WRAP_TEXT_BYTES (sizeof(WRAP_DOMAIN) + 2 * SEAL_PUBLIC_BYTES + DIGEST_BYTES)
#define WRAPPED_BYTES   (AEAD_KEY_BYTES + AEAD_TAG_BYTES)
#define CIPHER_BYTES    (208u * 1024u + AEAD_TAG_BYTES)
#define FRAME_BYTES     8u /* number and length of a field, at the most */
#define READER_BYTES                                                                               \
    (5u * FRAME_BYTES + LIMIT_AGENCY_ID_BYTES + KEY_ID_BYTES + SEAL_PUBLIC_BYTES + WRAPPED_BYTES)

/* The largest message to the most readers fits. */
_Static_assert(LIMIT_HEADER_BYTES + LIMIT_FACTS_BYTES + CIPHER_BYTES + AEAD_NONCE_BYTES +
                       DIGEST_BYTES + 9u * FRAME_BYTES + LIMIT_READER_COUNT * READER_BYTES <=
                   LIMIT_ENVELOPE_BYTES,
               "a message with all its readers does not fit");

struct sealed_reader {
    char agency[LIMIT_AGENCY_ID_BYTES];
    struct key_id key;
    uint8_t ephemeral[SEAL_PUBLIC_BYTES];
    uint8_t wrapped[WRAPPED_BYTES];
};

struct sealed_body {
    uint32_t suite;
    uint32_t padding_class;
    uint8_t nonce[AEAD_NONCE_BYTES];
    struct span ciphertext;
    struct digest commitment;
    const struct sealed_reader *readers;
    size_t reader_count;
};

static const struct bind reader_binds[] = {
    TEXT(1, struct sealed_reader, agency),
    FIXED(2, struct sealed_reader, key),
    FIXED(3, struct sealed_reader, ephemeral),
    FIXED(4, struct sealed_reader, wrapped),
};
static const struct bind_table reader_table =
    TABLE(&referral__v1__reader__descriptor, struct sealed_reader, reader_binds);

static const struct bind sealed_binds[] = {
    NUMBER(1, struct sealed_body, suite),
    NUMBER(2, struct sealed_body, padding_class),
    FIXED(3, struct sealed_body, nonce),
    SPAN(4, struct sealed_body, ciphertext, CIPHER_BYTES),
    FIXED(5, struct sealed_body, commitment),
    MANY(6, struct sealed_body, readers, reader_count, LIMIT_READER_COUNT, &reader_table),
};
static const struct bind_table sealed_table =
    TABLE(&referral__v1__sealed_body__descriptor, struct sealed_body, sealed_binds);

size_t padding_bytes(uint32_t padding_class)
{
    static const size_t classes[PADDING_CLASS_COUNT] = {1024, 4096, 16384, 65536, 208 * 1024};
    return padding_class >= 1 && padding_class <= PADDING_CLASS_COUNT ? classes[padding_class - 1]
                                                                      : 0;
}

/* The smallest class that holds `len` bytes and the 0x80 mark; 0 when none does. */
static uint32_t padding_class_for(size_t len)
{
    for (uint32_t class = 1; class <= PADDING_CLASS_COUNT; class ++) {
        if (len < padding_bytes(class)) {
            return class;
        }
    }
    return 0;
}

static void buf_wipe(struct buf *buf)
{
    if (buf->data != NULL) {
        crypto_wipe(buf->data, buf->cap);
    }
    buf_free(buf);
}

/* Plain bytes, 0x80, zeros (ISO/IEC 7816-4). The buffer is as large as it will be from the start:
 * growing would leave copies behind. */
static enum err body_pad(const struct body *body, struct buf *plain, uint32_t *ret_class)
{
    uint8_t *reserve = NULL;
    enum err error = buf_extend(plain, padding_bytes(PADDING_CLASS_COUNT), &reserve);
    if (error != OK) {
        return error;
    }
    buf_clear(plain);
    error = body_encode(body, plain);
    if (error != OK) {
        return error;
    }
    if (plain->len > LIMIT_BODY_BYTES) {
        return ERR_TOO_LARGE;
    }
    uint32_t class = padding_class_for(plain->len);
    assert(class != 0);
    size_t pad = padding_bytes(class) - plain->len;
    uint8_t *to = NULL;
    error = buf_extend(plain, pad, &to);
    if (error == OK) {
        memset(to, 0, pad);
        to[0] = 0x80;
        *ret_class = class;
    }
    return error;
}

/* The key that wraps the content key for one reader. */
static enum err wrap_key(const uint8_t secret[32], const uint8_t theirs[32],
                         const uint8_t text[WRAP_TEXT_BYTES], uint8_t out[AEAD_KEY_BYTES])
{
    uint8_t shared[32];
    enum err error = crypto_exchange(secret, theirs, shared);
    if (error == OK) {
        crypto_derive(shared, span_of(text, WRAP_TEXT_BYTES), out);
    }
    crypto_wipe(shared, sizeof(shared));
    return error;
}

static void wrap_text(const uint8_t ephemeral[32], const uint8_t reader[32],
                      const struct digest *header, uint8_t out[WRAP_TEXT_BYTES])
{
    memcpy(out, WRAP_DOMAIN, sizeof(WRAP_DOMAIN));
    uint8_t *at = out + sizeof(WRAP_DOMAIN);
    memcpy(at, ephemeral, SEAL_PUBLIC_BYTES);
    memcpy(at + SEAL_PUBLIC_BYTES, reader, SEAL_PUBLIC_BYTES);
    memcpy(at + 2 * SEAL_PUBLIC_BYTES, header->bytes, DIGEST_BYTES);
}

static const uint8_t zero_nonce[AEAD_NONCE_BYTES]; /* each wrapping key is used once */

static enum err reader_wrap(const struct seal_reader *reader, const uint8_t ephemeral_secret[32],
                            const uint8_t content_key[32], const struct digest *header,
                            struct sealed_reader *ret_reader)
{
    struct seal_key ephemeral;
    uint8_t text[WRAP_TEXT_BYTES];
    uint8_t key[AEAD_KEY_BYTES];
    struct buf wrapped;
    buf_init(&wrapped, WRAPPED_BYTES);
    seal_key_from_secret(ephemeral_secret, &ephemeral);
    wrap_text(ephemeral.public_key, reader->public_key, header, text);
    enum err error = wrap_key(ephemeral.secret, reader->public_key, text, key);
    if (error == OK) {
        error = aead_seal(key, zero_nonce, span_of(header->bytes, DIGEST_BYTES),
                          span_of(content_key, AEAD_KEY_BYTES), &wrapped);
    }
    if (error == OK) {
        memcpy(ret_reader->agency, reader->agency, sizeof(reader->agency));
        ret_reader->key = key_id_of(reader->public_key);
        memcpy(ret_reader->ephemeral, ephemeral.public_key, SEAL_PUBLIC_BYTES);
        memcpy(ret_reader->wrapped, wrapped.data, WRAPPED_BYTES);
    }
    buf_free(&wrapped);
    crypto_wipe(key, sizeof(key));
    crypto_wipe(&ephemeral, sizeof(ephemeral));
    return error;
}

static void content_keys(const uint8_t content_key[32], uint8_t ret_body_key[AEAD_KEY_BYTES],
                         struct digest *ret_commitment)
{
    crypto_derive(content_key, span_text("referral.v1.body-key"), ret_body_key);
    crypto_derive(content_key, span_text("referral.v1.key-commitment"), ret_commitment->bytes);
}

enum err body_seal_with(const struct seal_job *job, const struct seal_entropy *entropy,
                        struct buf *out)
{
    assert(job != NULL && entropy != NULL && out != NULL);
    assert(job->reader_count >= 1 && job->reader_count <= LIMIT_READER_COUNT);
    struct digest header = crypto_digest(job->header);
    struct sealed_reader readers[LIMIT_READER_COUNT];
    struct sealed_body sealed = {
        .suite = crypto_suite(), .readers = readers, .reader_count = job->reader_count};
    uint8_t key[AEAD_KEY_BYTES];
    struct buf plain, cipher;
    buf_init(&plain, padding_bytes(PADDING_CLASS_COUNT));
    buf_init(&cipher, CIPHER_BYTES);
    enum err error = body_pad(job->body, &plain, &sealed.padding_class);
    content_keys(entropy->content_key, key, &sealed.commitment);
    memcpy(sealed.nonce, entropy->nonce, AEAD_NONCE_BYTES);
    if (error == OK) {
        error = aead_seal(key, sealed.nonce, job->header, span_buf(&plain), &cipher);
    }
    for (size_t i = 0; error == OK && i < job->reader_count; i++) {
        error = reader_wrap(&job->readers[i], entropy->ephemeral[i], entropy->content_key, &header,
                            &readers[i]);
    }
    if (error == OK) {
        sealed.ciphertext = span_buf(&cipher);
        error = bind_encode(&sealed_table, &sealed, 0, out);
    }
    crypto_wipe(key, sizeof(key));
    buf_wipe(&plain);
    buf_free(&cipher);
    return error;
}

enum err body_seal(const struct seal_job *job, struct buf *out)
{
    struct seal_entropy entropy;
    crypto_random(&entropy, sizeof(entropy));
    enum err error = body_seal_with(job, &entropy, out);
    crypto_wipe(&entropy, sizeof(entropy));
    return error;
}

static enum err sealed_decode(struct span bytes, struct region *region,
                              struct sealed_body *ret_sealed, struct fault *fault)
{
    struct sealed_body sealed;
    struct bind_target target = {
        .region = region, .structure = &sealed, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&sealed_table, bytes, &target, fault);
    if (error != OK) {
        return error;
    }
    size_t padded = padding_bytes(sealed.padding_class);
    if (sealed.suite != crypto_suite()) {
        fault_set(fault, "body.sealing", "body.suite", "must be %u here", (unsigned)crypto_suite());
        return ERR_INVALID;
    }
    if (padded == 0 || sealed.ciphertext.len != padded + AEAD_TAG_BYTES) {
        fault_set(fault, "body.sealing", "body.padding_class",
                  "the ciphertext has not the length of its padding class");
        return ERR_INVALID;
    }
    *ret_sealed = sealed;
    return OK;
}

/* The content key, by the entry for this key. */
static enum err reader_unwrap(const struct sealed_body *sealed, const struct seal_key *key,
                              struct span header_bytes, uint8_t ret_content_key[AEAD_KEY_BYTES])
{
    struct key_id id = key_id_of(key->public_key);
    struct digest header = crypto_digest(header_bytes);
    for (size_t i = 0; i < sealed->reader_count; i++) {
        const struct sealed_reader *reader = &sealed->readers[i];
        if (memcmp(reader->key.bytes, id.bytes, KEY_ID_BYTES) != 0) {
            continue;
        }
        uint8_t text[WRAP_TEXT_BYTES];
        uint8_t wrapping[AEAD_KEY_BYTES];
        struct buf plain;
        buf_init(&plain, AEAD_KEY_BYTES);
        wrap_text(reader->ephemeral, key->public_key, &header, text);
        enum err error = wrap_key(key->secret, reader->ephemeral, text, wrapping);
        if (error == OK) {
            error = aead_open(wrapping, zero_nonce, span_of(header.bytes, DIGEST_BYTES),
                              span_of(reader->wrapped, WRAPPED_BYTES), &plain);
        }
        if (error == OK) {
            assert(plain.len == AEAD_KEY_BYTES);
            memcpy(ret_content_key, plain.data, AEAD_KEY_BYTES);
        }
        crypto_wipe(wrapping, sizeof(wrapping));
        buf_wipe(&plain);
        return error;
    }
    return ERR_NOT_FOUND;
}

/* Where the plain bytes end; ERR_FORGED when the padding is not 0x80 and zeros, or would have
 * fitted a smaller class. */
static enum err padding_strip(struct span padded, uint32_t class, struct span *ret_plain)
{
    size_t len = padded.len;
    while (len > 0 && padded.data[len - 1] == 0) {
        len--;
    }
    if (len == 0 || padded.data[len - 1] != 0x80 || padding_class_for(len - 1) != class) {
        return ERR_FORGED;
    }
    *ret_plain = span_of(padded.data, len - 1);
    return OK;
}

static bool body_is_of(const struct body *body, const struct message_header *header)
{
    return strcmp(body->sender, header->sender) == 0 &&
           strcmp(body->recipient, header->recipient) == 0 &&
           uuid_equal(&body->message_id, &header->message_id) &&
           uuid_equal(&body->case_id, &header->case_id);
}

/* By the key of the reader, or one that it had before. */
static enum err content_key_find(const struct sealed_body *sealed, const struct seal_key *key,
                                 struct span header, uint8_t ret_content_key[AEAD_KEY_BYTES])
{
    enum err error = ERR_NOT_FOUND;
    for (; key != NULL && error == ERR_NOT_FOUND; key = key->older) {
        error = reader_unwrap(sealed, key, header, ret_content_key);
    }
    return error;
}

/* Decrypts into `plain`, under the key that the body commits to and no other. */
static enum err sealed_open(const struct sealed_body *sealed,
                            const uint8_t content_key[AEAD_KEY_BYTES], struct span header,
                            struct buf *plain)
{
    uint8_t body_key[AEAD_KEY_BYTES];
    struct digest commitment;
    content_keys(content_key, body_key, &commitment);
    bool committed = crypto_equal(&commitment, &sealed->commitment, DIGEST_BYTES);
    enum err error = committed
                         ? aead_open(body_key, sealed->nonce, header, sealed->ciphertext, plain)
                         : ERR_FORGED;
    crypto_wipe(body_key, sizeof(body_key));
    return error;
}

enum err body_key(const struct payload *payload, const struct seal_key *key, struct region *region,
                  uint8_t ret_content_key[AEAD_KEY_BYTES])
{
    struct sealed_body sealed;
    enum err error = sealed_decode(payload->body, region, &sealed, NULL);
    return error == OK ? content_key_find(&sealed, key, payload->header, ret_content_key) : error;
}

enum err body_open_by_key(const struct payload *payload, const uint8_t content_key[AEAD_KEY_BYTES],
                          struct region *region, struct body *ret_body, struct fault *fault)
{
    struct message_header header;
    struct sealed_body sealed;
    struct body body;
    struct buf padded;
    struct span plain;
    enum err error = header_decode(payload->header, region, &header, fault);
    error = error == OK ? sealed_decode(payload->body, region, &sealed, fault) : error;
    if (error != OK) {
        return error;
    }
    buf_init(&padded, padding_bytes(PADDING_CLASS_COUNT));
    error = sealed_open(&sealed, content_key, payload->header, &padded);
    error = error == OK ? padding_strip(span_buf(&padded), sealed.padding_class, &plain) : error;
    if (error != OK) {
        fault_set(fault, "body.sealing", "body", "does not open");
        goto out;
    }
    error = body_decode(plain, region, &body, fault);
    if (error == OK && !body_is_of(&body, &header)) {
        fault_set(fault, "body.sealing", "body", "belongs to another header");
        error = ERR_FORGED;
    }
    if (error == OK) {
        *ret_body = body;
    }
out:
    buf_wipe(&padded);
    return error;
}

enum err body_open(const struct payload *payload, const struct seal_key *key, struct region *region,
                   struct body *ret_body, struct fault *fault)
{
    assert(payload != NULL && key != NULL && ret_body != NULL);
    uint8_t content_key[AEAD_KEY_BYTES];
    struct message_header header;
    struct sealed_body sealed;
    enum err error = header_decode(payload->header, region, &header, fault);
    error = error == OK ? sealed_decode(payload->body, region, &sealed, fault) : error;
    if (error != OK) {
        return error;
    }
    error = content_key_find(&sealed, key, payload->header, content_key);
    if (error == OK) {
        error = body_open_by_key(payload, content_key, region, ret_body, fault);
    } else {
        fault_set(fault, "body.sealing", "body",
                  error == ERR_NOT_FOUND ? "not sealed to this key" : "does not open");
    }
    crypto_wipe(content_key, sizeof(content_key));
    return error;
}

static bool reads(const struct sealed_body *sealed, const char *agency)
{
    bool found = false;
    for (size_t i = 0; i < sealed->reader_count; i++) {
        found = found || strcmp(sealed->readers[i].agency, agency) == 0;
    }
    return found;
}

/* As many readers as there must be, and each of these among them: so nobody else and nobody twice.
 * A number that is no agency has no reader. */
static bool readers_right(const struct sealed_body *sealed, const struct message *message,
                          const struct registry *registry)
{
    size_t wanted = 2;
    if (!reads(sealed, message->header.sender) || !reads(sealed, message->header.recipient)) {
        return false;
    }
    for (uint16_t number = 0; !agency_set_empty(&message->copies) && number < 8 * AGENCY_SET_BYTES;
         number++) {
        if (!agency_set_has(&message->copies, number)) {
            continue;
        }
        const struct agency *agency = registry_by_number(registry, number);
        if (agency == NULL || !reads(sealed, agency->id)) {
            return false;
        }
        wanted++;
    }
    return sealed->reader_count == wanted;
}

enum err sealed_check(struct span bytes, const struct message *message,
                      const struct registry *registry, struct region *region, struct fault *fault)
{
    assert(message != NULL && registry != NULL);
    struct sealed_body sealed;
    enum err error = sealed_decode(bytes, region, &sealed, fault);
    if (error == OK && !readers_right(&sealed, message, registry)) {
        fault_set(fault, "body.sealing", "body.readers",
                  "must name the sender, the recipient and each copy once, and nobody else");
        error = ERR_INVALID;
    }
    return error;
}

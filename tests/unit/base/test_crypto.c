/* Tests of base/crypto.h: the published vectors of each algorithm, and that any changed bit is
 * found. Vectors whose source is "hashlib" come from Python's BLAKE2 (the authors' code). */
#include "base/crypto.h"

#include <stdio.h>
#include <string.h>

#include "unit/suite.h"

static void start(void)
{
    ck_assert_int_eq(crypto_init(), OK);
}

/* The bytes of a hexadecimal text; its length is known to fit. */
static struct span unhex(const char *text, uint8_t *out)
{
    size_t len = strlen(text) / 2;
    ck_assert_int_eq(hex_decode(text, out, len), OK);
    return span_of(out, len);
}

static void ck_hex(const uint8_t *bytes, const char *expected)
{
    char text[513];
    ck_assert_uint_le(strlen(expected), 512);
    hex_encode(span_of(bytes, strlen(expected) / 2), text);
    ck_assert_str_eq(text, expected);
}

/* FIPS 180-4, examples of NIST. */
static const struct {
    const char *text;
    size_t times;
    const char *digest;
} sha256_vectors[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

START_TEST(sha256_whole_and_in_pieces)
{
    struct hasher hasher;
    hasher_init(&hasher);
    for (size_t i = 0; i < sha256_vectors[_i].times; i++) {
        hasher_add(&hasher, sha256_vectors[_i].text, strlen(sha256_vectors[_i].text));
    }
    struct digest digest = hasher_end(&hasher);
    ck_hex(digest.bytes, sha256_vectors[_i].digest);
    if (sha256_vectors[_i].times == 1) {
        struct digest whole = crypto_digest(span_text(sha256_vectors[_i].text));
        ck_assert(digest_equal(&whole, &digest));
    }
}
END_TEST

START_TEST(digest_text_is_lower_case)
{
    struct digest digest = crypto_digest(span_text("abc"));
    char text[DIGEST_TEXT_BYTES];
    digest_format(&digest, text);
    ck_assert_str_eq(text, sha256_vectors[1].digest);
}
END_TEST

/* Key 00 01 .. 1f; by hashlib. */
static const struct {
    size_t len; /* of 00 01 02 .. */
    const char *mac, *derived;
} blake2b_vectors[] = {
    {0, "3daf97bce7888fd59773c66bf647459c",
     "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d"},
    {256, "c7eca2c1ae35a1e0f627b8ebbe105c94",
     "b42be36ea26392f67d1d3706ffa72b6c61c2ff38e1fabd9a49e154d54b967d83"},
};

START_TEST(mac_and_derivation_are_keyed_blake2b)
{
    struct mac_key key;
    uint8_t bytes[256];
    uint8_t derived[32];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    memcpy(key.bytes, bytes, sizeof(key.bytes));
    struct span whole = span_of(bytes, blake2b_vectors[_i].len);
    const struct span pieces[] = {
        span_of(whole.data, whole.len / 3),
        span_of(NULL, 0),
        span_of(whole.data + whole.len / 3, whole.len - whole.len / 3),
    };
    struct mac mac = crypto_mac(&key, pieces, COUNT_OF(pieces));
    ck_hex(mac.bytes, blake2b_vectors[_i].mac);
    crypto_derive(key.bytes, whole, derived);
    ck_hex(derived, blake2b_vectors[_i].derived);
    key.bytes[31] ^= 0x80;
    struct mac other = crypto_mac(&key, pieces, COUNT_OF(pieces));
    ck_assert(!crypto_equal(mac.bytes, other.bytes, MAC_BYTES));
}
END_TEST

/* RFC 8032 section 7.1, tests 1 to 3. */
static const struct {
    const char *seed, *public_key, *message, *signature;
} ed25519_vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

START_TEST(ed25519_vectors_and_every_flipped_bit)
{
    uint8_t seed[32];
    uint8_t message[8];
    uint8_t signature[SIGNATURE_BYTES];
    struct sign_key key;
    (void)unhex(ed25519_vectors[_i].seed, seed);
    struct span text = unhex(ed25519_vectors[_i].message, message);
    sign_key_from_seed(seed, &key);
    ck_hex(key.public_key, ed25519_vectors[_i].public_key);
    crypto_sign_message(&key, text, signature);
    ck_hex(signature, ed25519_vectors[_i].signature);
    ck_assert_int_eq(crypto_verify(key.public_key, text, signature), OK);
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(crypto_verify(key.public_key, text, signature), ERR_FORGED);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(crypto_verify(key.public_key, text, signature), ERR_FORGED);
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    struct span longer = span_of(message, text.len + 1);
    message[text.len] = 0;
    ck_assert_int_eq(crypto_verify(key.public_key, longer, signature), ERR_FORGED);
    struct sign_key other;
    sign_key_new(&other);
    ck_assert_int_eq(crypto_verify(other.public_key, text, signature), ERR_FORGED);
}
END_TEST

START_TEST(ed25519_refuses_the_key_of_low_order)
{
    /* The neutral point as key and as R, S = 0: "valid" for every message by the bare equation. */
    uint8_t key[32] = {1};
    uint8_t signature[SIGNATURE_BYTES] = {1};
    ck_assert_int_eq(crypto_verify(key, span_text("anything"), signature), ERR_FORGED);
}
END_TEST

START_TEST(key_id_begins_the_digest)
{
    uint8_t key[32];
    (void)unhex(ed25519_vectors[0].public_key, key);
    struct key_id id = key_id_of(key);
    struct digest digest = crypto_digest(span_of(key, 32));
    ck_assert_mem_eq(id.bytes, digest.bytes, KEY_ID_BYTES);
    ck_hex(id.bytes, "21fe31dfa154a261");
}
END_TEST

START_TEST(x25519_of_rfc_7748)
{
    /* Section 6.1. */
    uint8_t secret[32];
    uint8_t peer[32];
    uint8_t shared[32];
    struct seal_key alice;
    (void)unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", secret);
    seal_key_from_secret(secret, &alice);
    ck_hex(alice.public_key, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    (void)unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", peer);
    ck_assert_int_eq(crypto_exchange(alice.secret, peer, shared), OK);
    ck_hex(shared, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    /* Section 5.2, the first vector. */
    (void)unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", secret);
    (void)unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", peer);
    ck_assert_int_eq(crypto_exchange(secret, peer, shared), OK);
    ck_hex(shared, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}
END_TEST

START_TEST(exchange_agrees_and_refuses_low_order)
{
    struct seal_key a;
    struct seal_key b;
    uint8_t one[32];
    uint8_t two[32];
    seal_key_new(&a);
    seal_key_new(&b);
    ck_assert_int_eq(crypto_exchange(a.secret, b.public_key, one), OK);
    ck_assert_int_eq(crypto_exchange(b.secret, a.public_key, two), OK);
    ck_assert(crypto_equal(one, two, 32));
    const uint8_t zero[32] = {0};
    const uint8_t unit[32] = {1};
    ck_assert_int_eq(crypto_exchange(a.secret, zero, one), ERR_FORGED);
    ck_assert_int_eq(crypto_exchange(a.secret, unit, one), ERR_FORGED);
    ck_assert_mem_eq(one, two, 32);
}
END_TEST

static const char sunscreen_text[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you "
    "only one tip for the future, sunscreen would be it.";

/* draft-irtf-cfrg-xchacha-03 appendix A.3.1. */
struct sunscreen {
    uint8_t key[AEAD_KEY_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t associated[12];
    struct buf sealed; /* owned */
};

static void sunscreen_seal(struct sunscreen *it)
{
    for (size_t i = 0; i < sizeof(it->key); i++) {
        it->key[i] = (uint8_t)(0x80 + i);
    }
    for (size_t i = 0; i < sizeof(it->nonce); i++) {
        it->nonce[i] = (uint8_t)(0x40 + i);
    }
    struct span associated = unhex("50515253c0c1c2c3c4c5c6c7", it->associated);
    buf_init(&it->sealed, 1000);
    ck_assert_int_eq(
        aead_seal(it->key, it->nonce, associated, span_text(sunscreen_text), &it->sealed), OK);
}

static enum err sunscreen_open(const struct sunscreen *it, struct span sealed, struct buf *plain)
{
    struct span associated = span_of(it->associated, sizeof(it->associated));
    return aead_open(it->key, it->nonce, associated, sealed, plain);
}

START_TEST(aead_vector)
{
    struct sunscreen it;
    sunscreen_seal(&it);
    ck_assert_uint_eq(it.sealed.len, strlen(sunscreen_text) + AEAD_TAG_BYTES);
    ck_hex(
        it.sealed.data,
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4e"
        "da"
        "7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b238"
        "3565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
    struct buf plain;
    buf_init(&plain, 1000);
    ck_assert_int_eq(sunscreen_open(&it, span_buf(&it.sealed), &plain), OK);
    ck_assert(span_equal(span_buf(&plain), span_text(sunscreen_text)));
    buf_free(&plain);
    buf_free(&it.sealed);
}
END_TEST

/* Opens with one bit of `part` flipped, for every bit: each time forged, and nothing appended. */
static void ck_flips(uint8_t *part, size_t len, const struct sunscreen *it)
{
    struct buf plain;
    buf_init(&plain, 1000);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        part[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(sunscreen_open(it, span_buf(&it->sealed), &plain), ERR_FORGED);
        ck_assert_uint_eq(plain.len, 0);
        part[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_free(&plain);
}

START_TEST(aead_finds_every_flipped_bit)
{
    struct sunscreen it;
    sunscreen_seal(&it);
    ck_flips(it.key, sizeof(it.key), &it);
    ck_flips(it.nonce, sizeof(it.nonce), &it);
    ck_flips(it.associated, sizeof(it.associated), &it);
    ck_flips(it.sealed.data, it.sealed.len, &it);
    struct buf plain;
    buf_init(&plain, 1000);
    for (size_t len = 0; len < it.sealed.len; len++) {
        ck_assert_int_eq(sunscreen_open(&it, span_of(it.sealed.data, len), &plain), ERR_FORGED);
    }
    struct span shorter = span_of(it.associated, sizeof(it.associated) - 1);
    ck_assert_int_eq(aead_open(it.key, it.nonce, shorter, span_buf(&it.sealed), &plain),
                     ERR_FORGED);
    buf_free(&plain);
    buf_free(&it.sealed);
}
END_TEST

START_TEST(aead_of_nothing_and_without_room)
{
    const uint8_t key[32] = {1};
    const uint8_t nonce[24] = {2};
    struct buf sealed;
    struct buf plain;
    buf_init(&sealed, AEAD_TAG_BYTES);
    buf_init(&plain, 0);
    ck_assert_int_eq(aead_seal(key, nonce, span_of(NULL, 0), span_text("x"), &sealed),
                     ERR_TOO_LARGE);
    ck_assert_uint_eq(sealed.len, 0);
    ck_assert_int_eq(aead_seal(key, nonce, span_of(NULL, 0), span_of(NULL, 0), &sealed), OK);
    ck_assert_uint_eq(sealed.len, AEAD_TAG_BYTES);
    ck_assert_int_eq(aead_open(key, nonce, span_of(NULL, 0), span_buf(&sealed), &plain), OK);
    ck_assert_uint_eq(plain.len, 0);
    buf_free(&sealed);
    buf_free(&plain);
}
END_TEST

START_TEST(random_differs_and_wiping_wipes)
{
    uint8_t one[32];
    uint8_t two[32];
    const uint8_t zero[32] = {0};
    crypto_random(one, sizeof(one));
    crypto_random(two, sizeof(two));
    ck_assert(!crypto_equal(one, two, 32));
    crypto_wipe(one, sizeof(one));
    ck_assert_mem_eq(one, zero, 32);
}
END_TEST

/* Of a line of smaps: "7f0c1000-7f0c4000 rw-p ..." */
static uintptr_t map_address(const char **at)
{
    uintptr_t address = 0;

    for (; strchr("0123456789abcdef", **at) != NULL && **at != '\0'; (*at)++) {
        address = address * 16 + (uintptr_t)(**at <= '9' ? **at - '0' : **at - 'a' + 10);
    }
    return address;
}

/* The kernel says so itself: dd, not in a core image; and the guard behind it has no access. */
START_TEST(secrets_are_in_no_core_image)
{
    uint8_t *secret = crypto_secret_new(5000);
    char line[512];
    bool here = false, found = false;
    FILE *maps = fopen("/proc/self/smaps", "re");

    ck_assert_ptr_nonnull(secret);
    ck_assert_ptr_nonnull(maps);
    for (size_t i = 0; i < 5000; i++) {
        ck_assert_uint_eq(secret[i], 0);
    }
    while (!found && fgets(line, sizeof(line), maps) != NULL) {
        const char *at = line;
        uintptr_t from = map_address(&at), to = 0;

        if (*at == '-') {
            at++;
            to = map_address(&at);
            here = from <= (uintptr_t)secret && (uintptr_t)secret < to;
        }
        found = here && strncmp(line, "VmFlags:", 8) == 0;
    }
    (void)fclose(maps);
    ck_assert(found);
    ck_assert_msg(strstr(line, " dd") != NULL, "%s", line);
    crypto_secret_free(secret);
    crypto_secret_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crypto");
    TCase *cases = tcase_create("crypto");
    tcase_add_unchecked_fixture(cases, start, NULL);
    tcase_add_loop_test(cases, sha256_whole_and_in_pieces, 0, (int)COUNT_OF(sha256_vectors));
    tcase_add_test(cases, digest_text_is_lower_case);
    tcase_add_loop_test(cases, mac_and_derivation_are_keyed_blake2b, 0,
                        (int)COUNT_OF(blake2b_vectors));
    tcase_add_loop_test(cases, ed25519_vectors_and_every_flipped_bit, 0,
                        (int)COUNT_OF(ed25519_vectors));
    tcase_add_test(cases, ed25519_refuses_the_key_of_low_order);
    tcase_add_test(cases, key_id_begins_the_digest);
    tcase_add_test(cases, x25519_of_rfc_7748);
    tcase_add_test(cases, exchange_agrees_and_refuses_low_order);
    tcase_add_test(cases, aead_vector);
    tcase_add_test(cases, aead_finds_every_flipped_bit);
    tcase_add_test(cases, aead_of_nothing_and_without_room);
    tcase_add_test(cases, random_differs_and_wiping_wipes);
    tcase_add_test(cases, secrets_are_in_no_core_image);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}

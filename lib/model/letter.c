/* How: the code is 30 bytes, 240 bits, which are exactly 48 characters of 5 bits. */
#include "model/letter.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define CODE_BYTES      30u
#define CODE_CHARACTERS 48u
#define CODE_GROUP      4u

/* --- numbers --- */

static const char *const kind_characters[] = {[LETTER_TRANSFER] = "移", [LETTER_FEEDBACK] = "复"};

/* 2 ... 9999 as people count: 二, 十二, 一百零三. */
static void chinese_number(uint32_t value, char *out, size_t size)
{
    static const char *const digits[] = {"零", "一", "二", "三", "四",
                                         "五", "六", "七", "八", "九"};
    static const char *const places[] = {"千", "百", "十", ""};
    size_t len = 0;
    bool zero = false;
    uint32_t unit = 1000;

    out[0] = '\0';
    for (unsigned i = 0; i < 4; i++, unit /= 10) {
        const uint32_t digit = value / unit % 10;

        if (digit == 0) {
            zero = len > 0;
            continue;
        }
        len += (size_t)snprintf(out + len, size - len, "%s%s%s", zero ? digits[0] : "",
                                i == 2 && digit == 1 && len == 0 ? "" : digits[digit], places[i]);
        zero = false;
    }
}

static void format_number(const char *code, const char *prefix, const struct number *number,
                          uint32_t ordinal, char out[LETTER_NUMBER_BYTES])
{
    char again[48] = "", count[32];

    if (ordinal > 1) {
        chinese_number(ordinal, count, sizeof(count));
        (void)snprintf(again, sizeof(again), "之%s", count);
    }
    (void)snprintf(out, LETTER_NUMBER_BYTES, "%s%s〔%u〕%u号%s", code, prefix, number->year,
                   number->counter, again);
}

enum err letter_number(const struct agency *agency, enum letter_kind kind, const char *number,
                       uint32_t ordinal, char out[LETTER_NUMBER_BYTES])
{
    const enum number_kind of = kind == LETTER_TRANSFER ? NUMBER_REFERRAL : NUMBER_REGISTER;
    struct number parsed;
    char code[AGENCY_LETTER_CODE_BYTES + 8];

    out[0] = '\0';
    if (number_parse(of, number, &parsed) != OK) {
        return ERR_INVALID;
    }
    (void)snprintf(code, sizeof(code), "%s%s",
                   agency->letter_code[0] != '\0' ? agency->letter_code : agency->prefix,
                   kind_characters[kind]);
    format_number(code, strcmp(parsed.prefix, agency->prefix) != 0 ? parsed.prefix : "", &parsed,
                  kind == LETTER_TRANSFER ? parsed.suffix : ordinal, out);
    return OK;
}

enum err letter_document_number(const char *code, const char *number, char out[LETTER_NUMBER_BYTES])
{
    struct number parsed;

    out[0] = '\0';
    if (number_parse(NUMBER_DOCUMENT, number, &parsed) != OK) {
        return ERR_INVALID;
    }
    format_number(code, "", &parsed, 1, out);
    return OK;
}

/* --- codes --- */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The last two bytes find a slip of the hand. */
static void seal_slip(const uint8_t bytes[CODE_BYTES], uint8_t out[2])
{
    const struct digest digest = crypto_digest(span_of(bytes, CODE_BYTES - 2));

    memcpy(out, digest.bytes, 2);
}

void letter_code_of(const struct uuid *message_id, const struct digest *digest,
                    struct letter_code *ret_code)
{
    ret_code->message_id = *message_id;
    memcpy(ret_code->digest, digest->bytes, LETTER_DIGEST_BYTES);
}

void letter_code_format(const struct letter_code *code, char out[LETTER_CODE_BYTES])
{
    uint8_t bytes[CODE_BYTES];
    size_t at = 0;

    memcpy(bytes, code->message_id.bytes, UUID_BYTES);
    memcpy(bytes + UUID_BYTES, code->digest, LETTER_DIGEST_BYTES);
    seal_slip(bytes, bytes + CODE_BYTES - 2);
    for (unsigned i = 0; i < CODE_CHARACTERS; i++) {
        uint32_t value = 0;

        for (unsigned bit = i * 5; bit < i * 5 + 5; bit++) {
            value = value << 1 | ((uint32_t)bytes[bit / 8] >> (7 - bit % 8) & 1u);
        }
        if (i > 0 && i % CODE_GROUP == 0) {
            out[at++] = '-';
        }
        out[at++] = alphabet[value];
    }
    out[at] = '\0';
}

/* The next character as ASCII: input methods write full-width ones. 0: the end; '?': no ASCII. */
static char next_character(const char **at)
{
    const unsigned char *text = (const unsigned char *)*at;

    if (text[0] < 0x80u) {
        *at += text[0] != '\0' ? 1 : 0;
        return (char)text[0];
    }
    if (text[0] == 0xefu && text[1] == 0xbcu && text[2] >= 0x81u && text[2] <= 0xbfu) {
        *at += 3;
        return (char)(text[2] - 0x81u + 0x21u);
    }
    if (text[0] == 0xefu && text[1] == 0xbdu && text[2] >= 0x80u && text[2] <= 0x9eu) {
        *at += 3;
        return (char)(text[2] - 0x80u + 0x60u);
    }
    if ((text[0] == 0xe3u && text[1] == 0x80u && text[2] == 0x80u) ||
        (text[0] == 0xe2u && text[1] == 0x80u && text[2] >= 0x90u && text[2] <= 0x95u)) {
        *at += 3; /* a wide blank; dashes of any length */
        return '-';
    }
    return '?';
}

/* Which of the 32; -1: a blank or dash between groups; -2: none. */
static int value_of(char character)
{
    const char *found;

    if (character == ' ' || character == '-' || character == '\t' || character == '\r' ||
        character == '\n') {
        return -1;
    }
    if (character >= 'a' && character <= 'z') {
        character = (char)(character - 'a' + 'A');
    }
    if (character == 'O') {
        character = '0';
    } else if (character == 'I' || character == 'L') {
        character = '1';
    }
    found = strchr(alphabet, character);
    return found != NULL ? (int)(found - alphabet) : -2;
}

enum err letter_code_parse(const char *text, struct letter_code *ret_code)
{
    uint8_t bytes[CODE_BYTES] = {0}, slip[2];
    unsigned count = 0;
    char character;

    while ((character = next_character(&text)) != '\0') {
        const int value = value_of(character);

        if (value == -2 || (value >= 0 && count == CODE_CHARACTERS)) {
            return ERR_INVALID;
        }
        for (unsigned i = 0; value >= 0 && i < 5; i++) {
            const unsigned bit = count * 5 + i;

            bytes[bit / 8] |= (uint8_t)(((unsigned)value >> (4 - i) & 1u) << (7 - bit % 8));
        }
        count += value >= 0 ? 1 : 0;
    }
    seal_slip(bytes, slip);
    if (count != CODE_CHARACTERS || memcmp(slip, bytes + CODE_BYTES - 2, 2) != 0) {
        return ERR_INVALID;
    }
    memcpy(ret_code->message_id.bytes, bytes, UUID_BYTES);
    memcpy(ret_code->digest, bytes + UUID_BYTES, LETTER_DIGEST_BYTES);
    return OK;
}

enum letter_verdict letter_judge(const struct letter_code *code, const struct digest *held)
{
    if (held == NULL) {
        return LETTER_UNKNOWN;
    }
    return memcmp(code->digest, held->bytes, LETTER_DIGEST_BYTES) == 0 ? LETTER_MATCHES
                                                                       : LETTER_DIFFERS;
}

/* See template.h. One pass over the text; within brackets words separated by blanks, no nesting, so
 * that neither depth nor recursion needs a bound. */
#include "agent/notice/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/web_hash.h"
#include "model/instant_text.h"

#define WORD_BYTES 64u

static const char *const variables[] = {"address", "text",    "number",    "light",
                                        "due",     "officer", "id",        "time",
                                        "user",    "key",     "timestamp", "timestamp-ms"};
static const char *const filters[] = {"md5", "hmac-sha256", "base64", "hex"};

#define VARIABLE_COUNT (sizeof(variables) / sizeof(variables[0]))
#define FILTER_COUNT   (sizeof(filters) / sizeof(filters[0]))

struct template_reader {
    const char *at;
    char *why; /* of TEMPLATE_FAULT_BYTES; NULL: it was checked */
};

struct word_read {
    char text[WORD_BYTES];
    bool literal;
};

static enum err wrong(struct template_reader *reader, const char *what, const char *word)
{
    if (reader->why != NULL) {
        (void)snprintf(reader->why, TEMPLATE_FAULT_BYTES, "template: %s%.60s", what, word);
    }
    return ERR_INVALID;
}

/* The next word within brackets; ERR_NOT_FOUND at their end, which is passed. */
static enum err read_word(struct template_reader *reader, struct word_read *ret_word)
{
    size_t len;

    reader->at += strspn(reader->at, " ");
    if (strncmp(reader->at, "}}", 2) == 0) {
        reader->at += 2;
        return ERR_NOT_FOUND;
    }
    ret_word->literal = *reader->at == '"';
    reader->at += ret_word->literal ? 1 : 0;
    len = strcspn(reader->at, ret_word->literal ? "\"" : " \"|}");
    if (len == 0 && *reader->at == '|') {
        len = 1;
    }
    if (reader->at[len] == '\0' || len >= WORD_BYTES || (len == 0 && !ret_word->literal)) {
        return wrong(reader, "expected a word and \"}}\" behind ", "{{");
    }
    memcpy(ret_word->text, reader->at, len);
    ret_word->text[len] = '\0';
    reader->at += len + (ret_word->literal ? 1 : 0);
    return OK;
}

static size_t place_of(const char *word, const char *const *list, size_t count)
{
    size_t place = 0;

    while (place < count && strcmp(list[place], word) != 0) {
        place++;
    }
    return place;
}

/* --- checking --- */

static enum err check_brackets(struct template_reader *reader)
{
    struct word_read word;
    bool filtered = false;
    unsigned count = 0;
    enum err error;

    while ((error = read_word(reader, &word)) == OK) {
        bool bar = !word.literal && strcmp(word.text, "|") == 0;

        if (bar && count == 0) {
            return wrong(reader, "nothing before ", "|");
        }
        filtered = filtered || bar;
        if (filtered && !bar &&
            (word.literal || place_of(word.text, filters, FILTER_COUNT) == FILTER_COUNT)) {
            return wrong(reader, "md5, hmac-sha256, base64 and hex are known, not ", word.text);
        }
        if (!filtered && !word.literal &&
            place_of(word.text, variables, VARIABLE_COUNT) == VARIABLE_COUNT) {
            return wrong(reader, "there is no value ", word.text);
        }
        count++;
    }
    if (error == ERR_NOT_FOUND && count == 0) {
        return wrong(reader, "empty brackets", "");
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err template_check(const char *text, char ret_why[TEMPLATE_FAULT_BYTES])
{
    struct template_reader reader = {.at = text, .why = ret_why};
    enum err error = OK;

    while (error == OK && (reader.at = strstr(reader.at, "{{")) != NULL) {
        reader.at += 2;
        error = check_brackets(&reader);
    }
    return error;
}

/* --- filling --- */

struct filling {
    const struct notice_channel *channel;
    const struct notice_sending *sending;
    enum template_place place;
    struct buf value; /* of the brackets so far */
    struct buf *out;
};

static enum err add_time(struct filling *filling, const char *name)
{
    uint64_t now_ms = filling->sending->wall_ms;
    char text[INSTANT_TEXT_BYTES];

    if (strcmp(name, "time") == 0) {
        instant_format(now_ms - now_ms % 1000, text);
        return buf_append_text(&filling->value, text);
    }
    return buf_printf(&filling->value, "%" PRIu64,
                      strcmp(name, "timestamp") == 0 ? now_ms / 1000 : now_ms);
}

static enum err add_variable(struct filling *filling, const char *name)
{
    const struct notice_sending *sending = filling->sending;
    const char *const values[] = {sending->address,      sending->text, sending->number,
                                  sending->light,        sending->due,  sending->officer,
                                  sending->id,           NULL,          filling->channel->user,
                                  filling->channel->key, NULL,          NULL};
    size_t place = place_of(name, variables, VARIABLE_COUNT);

    _Static_assert(sizeof(values) / sizeof(values[0]) == VARIABLE_COUNT, "one value a variable");
    if (place == VARIABLE_COUNT) {
        return ERR_INVALID;
    }
    return values[place] != NULL ? buf_append_text(&filling->value, values[place])
                                 : add_time(filling, name);
}

static enum err replace(struct buf *value, struct span with)
{
    buf_clear(value);
    return buf_append(value, with.data, with.len);
}

static enum err encode(struct buf *value, const char *filter)
{
    struct buf text;
    uint8_t *room = NULL;
    enum err error = OK;

    buf_init(&text, 2 * NOTICE_TEXT_BYTES);
    if (strcmp(filter, "base64") == 0) {
        error = base64_encode(span_buf(value), &text);
    } else {
        error = buf_extend(&text, 2 * value->len + 1, &room);
        if (error == OK) {
            hex_encode(span_buf(value), (char *)room);
            text.len--;
        }
    }
    if (error == OK) {
        error = replace(value, span_buf(&text));
    }
    buf_free(&text);
    return error;
}

static enum err apply(struct filling *filling, const char *filter)
{
    struct buf *value = &filling->value;
    uint8_t digest[WEB_SHA256_BYTES];
    enum err error = OK;

    if (strcmp(filter, "md5") == 0) {
        error = web_md5(span_buf(value), digest);
        return error == OK ? replace(value, span_of(digest, WEB_MD5_BYTES)) : error;
    }
    if (strcmp(filter, "hmac-sha256") == 0) {
        web_hmac_sha256(span_text(filling->channel->key), span_buf(value), digest);
        return replace(value, span_of(digest, sizeof(digest)));
    }
    return encode(value, filter);
}

/* Without the quotes around it. */
static enum err write_json(const struct buf *value, struct buf *out)
{
    enum err error = OK;

    if (!utf8_valid(span_buf(value))) {
        return ERR_INVALID;
    }
    for (size_t i = 0; error == OK && i < value->len; i++) {
        uint8_t byte = value->data[i];

        if (byte == '"' || byte == '\\') {
            error = buf_append(out, "\\", 1);
        }
        if (error == OK) {
            error =
                byte < ' ' ? buf_printf(out, "\\u%04x", (unsigned)byte) : buf_append(out, &byte, 1);
        }
    }
    return error;
}

static enum err write_value(struct filling *filling)
{
    const struct buf *value = &filling->value;

    switch (filling->place) {
    case TEMPLATE_URL:
        return web_percent(span_buf(value), filling->out);
    case TEMPLATE_JSON:
        return write_json(value, filling->out);
    case TEMPLATE_HEADER:
        for (size_t i = 0; i < value->len; i++) {
            if (value->data[i] < ' ' || value->data[i] == 0x7f) {
                return ERR_INVALID;
            }
        }
        break;
    case TEMPLATE_PLAIN:
        break;
    }
    return buf_append(filling->out, value->data, value->len);
}

static enum err fill_brackets(struct template_reader *reader, struct filling *filling)
{
    struct word_read word;
    bool filtered = false;
    enum err error;

    buf_clear(&filling->value);
    while ((error = read_word(reader, &word)) == OK) {
        if (!word.literal && strcmp(word.text, "|") == 0) {
            filtered = true;
        } else if (filtered) {
            error = apply(filling, word.text);
        } else if (word.literal) {
            error = buf_append_text(&filling->value, word.text);
        } else {
            error = add_variable(filling, word.text);
        }
        if (error != OK) {
            return error;
        }
    }
    return error == ERR_NOT_FOUND ? write_value(filling) : error;
}

static enum err fill(struct template_reader *reader, struct filling *filling)
{
    enum err error = OK;

    while (error == OK && *reader->at != '\0') {
        const char *next = strstr(reader->at, "{{");
        size_t len = next != NULL ? (size_t)(next - reader->at) : strlen(reader->at);

        error = buf_append(filling->out, reader->at, len);
        reader->at += len;
        if (error == OK && next != NULL) {
            reader->at += 2;
            error = fill_brackets(reader, filling);
        }
    }
    return error;
}

enum err template_fill(const char *text, enum template_place place,
                       const struct notice_channel *channel, const struct notice_sending *sending,
                       struct buf *out)
{
    struct template_reader reader = {.at = text};
    struct filling filling = {.channel = channel, .sending = sending, .place = place, .out = out};
    enum err error;

    buf_init(&filling.value, 4 * NOTICE_TEXT_BYTES);
    error = fill(&reader, &filling);
    if (filling.value.data != NULL) {
        crypto_wipe(filling.value.data, filling.value.cap); /* the key may be in it */
    }
    buf_free(&filling.value);
    return error;
}

/* See fields.h. Called by the checker and by the reader of stores. */
#include "fields.h"

#include <string.h>

static enum err take_varint(struct span *rest, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 10 && i < rest->len; i++) {
        uint64_t seven = rest->data[i] & 0x7fu;

        if (i == 9 && seven > 1) {
            return ERR_INVALID;
        }
        value |= seven << (7 * i);
        if ((rest->data[i] & 0x80u) == 0) {
            if (i > 0 && seven == 0) {
                return ERR_INVALID;
            }
            *rest = span_of(rest->data + i + 1, rest->len - i - 1);
            *ret = value;
            return OK;
        }
    }
    return ERR_INVALID;
}

static enum err take_bytes(struct span *rest, struct span *ret)
{
    uint64_t len;

    if (take_varint(rest, &len) != OK || len > rest->len) {
        return ERR_INVALID;
    }
    *ret = span_of(rest->data, (size_t)len);
    *rest = span_of(rest->data + len, rest->len - (size_t)len);
    return OK;
}

static enum err take_field(struct span *rest, const char *shape, struct fields *fields)
{
    uint64_t tag;
    size_t number;

    if (take_varint(rest, &tag) != OK || tag >> 3 >= strlen(shape)) {
        return ERR_INVALID;
    }
    number = (size_t)(tag >> 3);
    if ((fields->present & (1u << number)) != 0) {
        return ERR_INVALID;
    }
    fields->present |= 1u << number;
    if (shape[number] == 'v' && (tag & 7u) == 0) {
        return take_varint(rest, &fields->value[number]);
    }
    if (shape[number] == 'b' && (tag & 7u) == 2) {
        return take_bytes(rest, &fields->bytes[number]);
    }
    return ERR_INVALID;
}

enum err fields_read(struct span message, const char *shape, struct fields *ret)
{
    struct fields fields;

    memset(&fields, 0, sizeof fields);
    while (message.len > 0) {
        if (take_field(&message, shape, &fields) != OK) {
            return ERR_INVALID;
        }
    }
    *ret = fields;
    return OK;
}

enum err fields_find(struct span message, uint64_t number, struct span *ret)
{
    while (message.len > 0) {
        struct span bytes = span_of(NULL, 0);
        uint64_t tag, value;

        if (take_varint(&message, &tag) != OK) {
            return ERR_INVALID;
        }
        if ((tag & 7u) == 2 ? take_bytes(&message, &bytes) != OK
                            : (tag & 7u) != 0 || take_varint(&message, &value) != OK) {
            return ERR_INVALID;
        }
        if (tag == (number << 3 | 2)) {
            *ret = bytes;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

enum err fields_next(struct span *rest, struct field *ret)
{
    struct field field = {.value = 0};
    uint64_t tag;

    if (rest->len == 0) {
        return ERR_CLOSED;
    }
    if (take_varint(rest, &tag) != OK || ((tag & 7u) != 0 && (tag & 7u) != 2)) {
        return ERR_INVALID;
    }
    field.number = tag >> 3;
    field.is_bytes = (tag & 7u) == 2;
    *ret = field;
    return field.is_bytes ? take_bytes(rest, &ret->bytes) : take_varint(rest, &ret->value);
}

/* The scanner of prescan.h: one loop over the bytes, a stack of LIMIT_NESTING messages being inside
 * one another, and the generated descriptors as the schema. Fields "once only" are remembered as
 * bits per open message, by their position in the descriptor. */
#include "wire/prescan.h"

#include <assert.h>
#include <stdio.h>
#include <protobuf-c/protobuf-c.h>

#include "base/limits.h"

struct frame {
    const ProtobufCMessageDescriptor *type;
    const char *name; /* of the field that holds this message; NULL for the outermost */
    bool repeated;    /* that field is */
    uint32_t index;   /* which repetition this is */
    uint64_t seen;    /* bit i: field i of the descriptor was there */
    uint32_t counted; /* number of the repeated field met last */
    uint32_t count;   /* how often in a row */
    struct span rest; /* of this message */
};

struct scan {
    size_t fields_left;
    size_t depth; /* frames in use */
    struct frame stack[LIMIT_NESTING];
    struct fault *fault;
};

/* A varint as short as it can be, below 2^64. */
static enum err varint_take(struct span *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 10 && i < rest->len; i++) {
        uint8_t byte = rest->data[i];
        if (i == 9 && byte > 1) {
            return ERR_INVALID;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            if (byte == 0 && i > 0) {
                return ERR_INVALID;
            }
            *rest = span_of(rest->data + i + 1, rest->len - i - 1);
            *ret_value = value;
            return OK;
        }
    }
    return ERR_INVALID;
}

static enum err fixed_take(struct span *rest, size_t len, uint64_t *ret_value)
{
    if (rest->len < len) {
        return ERR_INVALID;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value |= (uint64_t)rest->data[i] << (8 * i);
    }
    *rest = span_of(rest->data + len, rest->len - len);
    *ret_value = value;
    return OK;
}

enum err wire_field_next(struct span *rest, struct wire_field *ret_field)
{
    assert(rest != NULL && ret_field != NULL);
    struct span at = *rest;
    uint64_t key = 0;
    if (varint_take(&at, &key) != OK || key > UINT32_MAX || key >> 3 == 0) {
        return ERR_INVALID;
    }
    struct wire_field field = {.number = (uint32_t)(key >> 3), .wire_type = (uint32_t)(key & 7)};
    enum err error = ERR_INVALID; /* groups, and types 6 and 7 */
    if (field.wire_type == 0) {
        error = varint_take(&at, &field.value);
    } else if (field.wire_type == 1) {
        error = fixed_take(&at, 8, &field.value);
    } else if (field.wire_type == 5) {
        error = fixed_take(&at, 4, &field.value);
    } else if (field.wire_type == 2) {
        error = varint_take(&at, &field.value);
        if (error == OK && field.value > at.len) {
            error = ERR_INVALID;
        }
        if (error == OK) {
            field.bytes = span_of(at.data, (size_t)field.value);
            at = span_of(at.data + field.value, at.len - (size_t)field.value);
        }
    }
    if (error == OK) {
        *rest = at;
        *ret_field = field;
    }
    return error;
}

/* "head.fetch" or "materials[3].kind" from the open messages and the field in question. */
static void scan_refuse(const struct scan *scan, const char *field, const char *what)
{
    char place[sizeof(((struct fault *)NULL)->place)];
    size_t used = 0;
    place[0] = '\0';
    for (size_t i = 1; i < scan->depth; i++) {
        const struct frame *frame = &scan->stack[i];
        int wrote = frame->repeated
                        ? snprintf(place + used, sizeof(place) - used, "%s[%u].", frame->name,
                                   (unsigned)frame->index)
                        : snprintf(place + used, sizeof(place) - used, "%s.", frame->name);
        used = wrote < 0 || used + (size_t)wrote >= sizeof(place) ? used : used + (size_t)wrote;
    }
    (void)snprintf(place + used, sizeof(place) - used, "%s", field); /* cut when too long */
    fault_set(scan->fault, "wire.malformed", place, "%s", what);
}

/* The length of the UTF-8 sequence at `at` (RFC 3629: shortest form, no surrogates); 0 when bad. */
static size_t utf8_take(const uint8_t *at, size_t len)
{
    static const struct {
        uint8_t mask, lead, low, high; /* bounds of the second byte */
        size_t len;
    } forms[] = {
        {0xff, 0xe0, 0xa0, 0xbf, 3}, {0xff, 0xed, 0x80, 0x9f, 3}, {0xff, 0xf0, 0x90, 0xbf, 4},
        {0xff, 0xf4, 0x80, 0x8f, 4}, {0xf0, 0xe0, 0x80, 0xbf, 3}, {0xfc, 0xf0, 0x80, 0xbf, 4},
        {0xe0, 0xc0, 0x80, 0xbf, 2},
    };
    if (at[0] < 0x80) {
        return at[0] == 0 ? 0 : 1;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((at[0] & forms[i].mask) != forms[i].lead) {
            continue;
        }
        if (len < forms[i].len || at[1] < forms[i].low || at[1] > forms[i].high || at[0] < 0xc2) {
            return 0;
        }
        for (size_t k = 2; k < forms[i].len; k++) {
            if ((at[k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return forms[i].len;
    }
    return 0;
}

static bool text_valid(struct span text)
{
    size_t i = 0;
    while (i < text.len) {
        size_t step = utf8_take(text.data + i, text.len - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

/* What a varint of this type may be. */
static bool value_fits(ProtobufCType type, uint64_t value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return value <= 1;
    case PROTOBUF_C_TYPE_UINT32:
        return value <= UINT32_MAX;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
        return true;
    default:
        assert(!"a type that the schema does not use");
        return false;
    }
}

/* NULL, or what is wrong with the numbers of a packed field; takes them off the budget. */
static const char *packed_scan(struct scan *scan, ProtobufCType type, struct span packed)
{
    while (packed.len > 0) {
        uint64_t value = 0;
        if (scan->fields_left == 0) {
            return "too many fields";
        }
        scan->fields_left--;
        if (varint_take(&packed, &value) != OK || !value_fits(type, value)) {
            return "a number is malformed or out of range";
        }
    }
    return NULL;
}

/* NULL, or what is wrong with a field that is no sub-message. */
static const char *value_scan(struct scan *scan, const ProtobufCFieldDescriptor *field,
                              const struct wire_field *got)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return got->wire_type != 2       ? "wrong wire type"
               : !text_valid(got->bytes) ? "not UTF-8, or a NUL in it"
                                         : NULL;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return got->wire_type != 2 ? "wrong wire type" : NULL;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0) {
        return got->wire_type != 2 ? "wrong wire type" : packed_scan(scan, field->type, got->bytes);
    }
    return got->wire_type != 0                    ? "wrong wire type"
           : !value_fits(field->type, got->value) ? "number out of range"
                                                  : NULL;
}

/* Counts a field of the innermost message; false when a singular one comes again. A packed field
 * must be in one piece. */
static bool field_count(struct frame *frame, const ProtobufCFieldDescriptor *field)
{
    size_t position = (size_t)(field - frame->type->fields);
    assert(position < 64);
    uint64_t bit = UINT64_C(1) << position;
    bool many = field->label == PROTOBUF_C_LABEL_REPEATED &&
                (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) == 0;
    if ((frame->seen & bit) != 0 && !many) {
        return false;
    }
    frame->seen |= bit;
    frame->count = frame->counted == field->id ? frame->count + 1 : 0;
    frame->counted = field->id;
    return true;
}

static enum err message_enter(struct scan *scan, const ProtobufCFieldDescriptor *field,
                              const struct wire_field *got)
{
    struct frame *frame = &scan->stack[scan->depth - 1];
    if (got->wire_type != 2) {
        scan_refuse(scan, field->name, "wrong wire type");
        return ERR_INVALID;
    }
    if (scan->depth == LIMIT_NESTING) {
        scan_refuse(scan, field->name, "nested too deep");
        return ERR_TOO_LARGE;
    }
    scan->stack[scan->depth++] = (struct frame){
        .type = field->descriptor,
        .name = field->name,
        .repeated = field->label == PROTOBUF_C_LABEL_REPEATED,
        .index = frame->count,
        .rest = got->bytes,
    };
    return OK;
}

/* One field of the innermost message. */
static enum err field_scan(struct scan *scan)
{
    struct frame *frame = &scan->stack[scan->depth - 1];
    struct wire_field got;
    if (wire_field_next(&frame->rest, &got) != OK) {
        scan_refuse(scan, "", "cut off, or not in the shortest form");
        return ERR_INVALID;
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(frame->type, got.number);
    if (field == NULL) {
        char what[48];
        (void)snprintf(what, sizeof(what), "unknown field %u", (unsigned)got.number); /* fits */
        scan_refuse(scan, "", what);
        return ERR_INVALID;
    }
    if (scan->fields_left == 0) {
        scan_refuse(scan, field->name, "too many fields");
        return ERR_TOO_LARGE;
    }
    scan->fields_left--;
    if (!field_count(frame, field)) {
        scan_refuse(scan, field->name, "stands twice");
        return ERR_INVALID;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return message_enter(scan, field, &got);
    }
    const char *wrong = value_scan(scan, field, &got);
    if (wrong != NULL) {
        scan_refuse(scan, field->name, wrong);
    }
    return wrong == NULL ? OK : ERR_INVALID;
}

/* Each pass takes a field or closes a message, and each field costs at least one byte: bounded. */
enum err prescan(const struct ProtobufCMessageDescriptor *type, struct span bytes,
                 size_t max_fields, struct fault *fault)
{
    assert(type != NULL);
    struct scan scan = {.fields_left = max_fields, .depth = 1, .fault = fault};
    scan.stack[0] = (struct frame){.type = type, .rest = bytes};
    while (scan.depth > 0) {
        if (scan.stack[scan.depth - 1].rest.len == 0) {
            scan.depth--;
            continue;
        }
        enum err error = field_scan(&scan);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* Both directions walk a list of jobs, one for each set of sub-messages, instead of calling
 * themselves. A job knows its parent, so that a fault can name its path. Generated structures are
 * read and written through the offsets in their descriptors, with memcpy. */
#include "wire/bind.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <protobuf-c/protobuf-c.h>

#include "base/limits.h"
#include "wire/prescan.h"

#define ENCODE_BUDGET (8u * 1024u * 1024u)
#define PATH_DEPTH    8

/* Messages of one type: generated ones, and the structures that belong to them. */
struct job {
    struct job *next;
    const struct bind_table *table;
    ProtobufCMessage **messages;
    size_t count;
    uint8_t *structures; /* count of them, one after the other */
    const struct job *parent;
    size_t parent_item; /* which of the parent's messages holds these */
    const char *name;   /* of the field that holds these */
    bool repeated;
};

struct walk {
    struct region *region;
    struct job *jobs; /* still to do */
    uint32_t which;
    struct fault *fault;
};

/* One field of one message. */
struct spot {
    struct walk *walk;
    const struct job *job;
    size_t item;
    const struct bind *bind;
    const ProtobufCFieldDescriptor *field;
    uint8_t *message;   /* the generated structure */
    uint8_t *structure; /* ours */
};

static enum err spot_refuse(const struct spot *spot, enum err error, const char *what)
{
    const struct job *jobs[PATH_DEPTH];
    size_t items[PATH_DEPTH];
    size_t depth = 0;
    size_t item = spot->item;
    for (const struct job *job = spot->job; job->parent != NULL; job = job->parent) {
        assert(depth < PATH_DEPTH);
        jobs[depth] = job;
        items[depth++] = item;
        item = job->parent_item;
    }
    char place[sizeof(((struct fault *)NULL)->place)];
    size_t used = 0;
    while (depth-- > 0) {
        int wrote = jobs[depth]->repeated
                        ? snprintf(place + used, sizeof(place) - used, "%s[%zu].",
                                   jobs[depth]->name, items[depth])
                        : snprintf(place + used, sizeof(place) - used, "%s.", jobs[depth]->name);
        assert(wrote > 0 && used + (size_t)wrote < sizeof(place));
        used += (size_t)wrote;
    }
    (void)snprintf(place + used, sizeof(place) - used, "%s", spot->field->name); /* names fit */
    fault_set(spot->walk->fault, "wire.value", place, "%s", what);
    return error;
}

static enum err job_add(struct walk *walk, const struct job *job)
{
    struct job *added = region_take(walk->region, sizeof(*added));
    if (added == NULL) {
        return ERR_MEMORY;
    }
    *added = *job;
    added->next = walk->jobs;
    walk->jobs = added;
    return OK;
}

static struct job job_below(const struct spot *spot, ProtobufCMessage **messages, size_t count,
                            uint8_t *structures)
{
    return (struct job){
        .table = spot->bind->sub,
        .messages = messages,
        .count = count,
        .structures = structures,
        .parent = spot->job,
        .parent_item = spot->item,
        .name = spot->field->name,
        .repeated = spot->bind->kind == BIND_MANY,
    };
}

/* Reading members by offset. */

static size_t load_count(const struct spot *spot)
{
    size_t count;
    memcpy(&count, spot->message + spot->field->quantifier_offset, sizeof(count));
    return count;
}

static void *load_pointer(const uint8_t *from)
{
    void *pointer;
    memcpy(&pointer, from, sizeof(pointer));
    return pointer;
}

static void store_pointer(uint8_t *to, const void *pointer)
{
    memcpy(to, &pointer, sizeof(pointer));
}

/* Decoding. */

static enum err decode_number(const struct spot *spot)
{
    const uint8_t *from = spot->message + spot->field->offset;
    uint8_t *to = spot->structure + spot->bind->offset;
    if (spot->field->type == PROTOBUF_C_TYPE_BOOL) {
        protobuf_c_boolean value;
        memcpy(&value, from, sizeof(value));
        bool truth = value != 0;
        assert(spot->bind->size == sizeof(truth));
        memcpy(to, &truth, sizeof(truth));
        return OK;
    }
    size_t size = spot->field->type == PROTOBUF_C_TYPE_UINT32 ? 4 : 8;
    assert(spot->bind->size == size);
    memcpy(to, from, size);
    return OK;
}

static enum err decode_bytes(const struct spot *spot)
{
    ProtobufCBinaryData data;
    memcpy(&data, spot->message + spot->field->offset, sizeof(data));
    uint8_t *to = spot->structure + spot->bind->offset;
    if (spot->bind->kind == BIND_SPAN) {
        if (data.len > spot->bind->max) {
            return spot_refuse(spot, ERR_TOO_LARGE, "too long");
        }
        struct span lent = span_of(data.data, data.len);
        memcpy(to, &lent, sizeof(lent));
        return OK;
    }
    if (data.len == 0 && spot->bind->kind == BIND_ID) {
        return OK;
    }
    if (data.len != spot->bind->size) {
        return spot_refuse(spot, ERR_INVALID, "wrong length");
    }
    memcpy(to, data.data, data.len);
    return OK;
}

static enum err decode_text(const struct spot *spot)
{
    const char *text = load_pointer(spot->message + spot->field->offset);
    assert(text != NULL);
    size_t len = strlen(text);
    uint8_t *to = spot->structure + spot->bind->offset;
    bool lent = spot->bind->kind == BIND_STRING;
    if (lent ? len > spot->bind->max : len >= spot->bind->size) {
        return spot_refuse(spot, ERR_TOO_LARGE, "too long");
    }
    if (lent) {
        store_pointer(to, text);
    } else {
        memcpy(to, text, len + 1);
    }
    return OK;
}

static enum err decode_one(const struct spot *spot)
{
    ProtobufCMessage *message = load_pointer(spot->message + spot->field->offset);
    if (message == NULL) {
        return OK;
    }
    ProtobufCMessage **messages = region_take(spot->walk->region, sizeof(message));
    if (messages == NULL) {
        return ERR_MEMORY;
    }
    messages[0] = message;
    if (spot->bind->kind == BIND_CHOICE) {
        if (spot->walk->which != 0) {
            return spot_refuse(spot, ERR_INVALID, "one too many: exactly one may be there");
        }
        spot->walk->which = spot->bind->number;
    } else if (spot->bind->aux != BIND_ALWAYS) {
        const bool truth = true;
        memcpy(spot->structure + spot->bind->aux, &truth, sizeof(truth));
    }
    struct job job = job_below(spot, messages, 1, spot->structure + spot->bind->offset);
    return job_add(spot->walk, &job);
}

/* The array of ours for `count` items of a repeated field; its pointer and count are stored. */
static enum err decode_array(const struct spot *spot, size_t item_size, void **ret_items)
{
    size_t count = load_count(spot);
    if (count > spot->bind->max) {
        return spot_refuse(spot, ERR_TOO_LARGE, "too many");
    }
    void *items = region_take(spot->walk->region, count * item_size);
    if (items == NULL) {
        return ERR_MEMORY;
    }
    store_pointer(spot->structure + spot->bind->offset, items);
    memcpy(spot->structure + spot->bind->aux, &count, sizeof(count));
    *ret_items = items;
    return OK;
}

static enum err decode_many(const struct spot *spot)
{
    size_t count = load_count(spot);
    if (count == 0) {
        return OK;
    }
    void *items = NULL;
    void *from = load_pointer(spot->message + spot->field->offset);
    if (spot->bind->kind == BIND_MANY) {
        enum err error = decode_array(spot, spot->bind->sub->size, &items);
        struct job job = job_below(spot, from, count, items);
        return error != OK ? error : job_add(spot->walk, &job);
    }
    if (spot->bind->kind == BIND_NUMBERS) {
        enum err error = decode_array(spot, sizeof(uint32_t), &items);
        if (error == OK) {
            assert(items != NULL && from != NULL);
            memcpy(items, from, count * sizeof(uint32_t));
        }
        return error;
    }
    assert(spot->bind->kind == BIND_DIGESTS);
    enum err error = decode_array(spot, sizeof(struct digest), &items);
    if (error != OK) {
        return error;
    }
    assert(items != NULL && from != NULL);
    const ProtobufCBinaryData *data = from;
    struct digest *digests = items;
    for (size_t i = 0; i < count; i++) {
        if (data[i].len != DIGEST_BYTES) {
            return spot_refuse(spot, ERR_INVALID, "a hash of the wrong length");
        }
        memcpy(digests[i].bytes, data[i].data, DIGEST_BYTES);
    }
    return OK;
}

/* Encoding. */

static enum err encode_number(const struct spot *spot)
{
    const uint8_t *from = spot->structure + spot->bind->offset;
    uint8_t *to = spot->message + spot->field->offset;
    if (spot->field->type == PROTOBUF_C_TYPE_BOOL) {
        bool truth;
        assert(spot->bind->size == sizeof(truth));
        memcpy(&truth, from, sizeof(truth));
        protobuf_c_boolean value = truth;
        memcpy(to, &value, sizeof(value));
        return OK;
    }
    size_t size = spot->field->type == PROTOBUF_C_TYPE_UINT32 ? 4 : 8;
    assert(spot->bind->size == size);
    memcpy(to, from, size);
    return OK;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static enum err encode_bytes(const struct spot *spot)
{
    uint8_t *from = spot->structure + spot->bind->offset;
    struct span lent = span_of(from, spot->bind->size);
    if (spot->bind->kind == BIND_SPAN) {
        memcpy(&lent, from, sizeof(lent));
        assert(lent.len <= spot->bind->max);
    } else if (spot->bind->kind == BIND_ID && all_zero(from, spot->bind->size)) {
        lent.len = 0;
    }
    uint8_t *to = spot->message + spot->field->offset;
    memcpy(to + offsetof(ProtobufCBinaryData, len), &lent.len, sizeof(lent.len));
    store_pointer(to + offsetof(ProtobufCBinaryData, data), lent.data);
    return OK;
}

static enum err encode_text(const struct spot *spot)
{
    const uint8_t *from = spot->structure + spot->bind->offset;
    const void *text = from;
    if (spot->bind->kind == BIND_STRING) {
        text = load_pointer(from);
    }
    if (text != NULL) {
        store_pointer(spot->message + spot->field->offset, text);
    }
    return OK;
}

/* `count` generated messages, initialised. */
static enum err encode_messages(const struct spot *spot, size_t count,
                                ProtobufCMessage ***ret_messages)
{
    const ProtobufCMessageDescriptor *type = spot->field->descriptor;
    ProtobufCMessage **messages = region_take(spot->walk->region, count * sizeof(*messages));
    for (size_t i = 0; messages != NULL && i < count; i++) {
        messages[i] = region_take(spot->walk->region, type->sizeof_message);
        if (messages[i] == NULL) {
            return ERR_MEMORY;
        }
        type->message_init(messages[i]);
    }
    *ret_messages = messages;
    return messages == NULL ? ERR_MEMORY : OK;
}

static enum err encode_one(const struct spot *spot)
{
    bool there = true;
    if (spot->bind->kind == BIND_CHOICE) {
        there = spot->walk->which == spot->bind->number;
    } else if (spot->bind->aux != BIND_ALWAYS) {
        memcpy(&there, spot->structure + spot->bind->aux, sizeof(there));
    }
    if (!there) {
        return OK;
    }
    ProtobufCMessage **messages = NULL;
    enum err error = encode_messages(spot, 1, &messages);
    if (error != OK) {
        return error;
    }
    store_pointer(spot->message + spot->field->offset, messages[0]);
    struct job job = job_below(spot, messages, 1, spot->structure + spot->bind->offset);
    return job_add(spot->walk, &job);
}

/* An array of ProtobufCBinaryData over digests or spans. */
static enum err encode_datas(const struct spot *spot, const uint8_t *items, size_t count)
{
    uint8_t *datas = region_take(spot->walk->region, count * sizeof(ProtobufCBinaryData));
    if (datas == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct span lent = span_of(items + i * DIGEST_BYTES, DIGEST_BYTES);
        if (spot->bind->kind == BIND_SPANS) {
            memcpy(&lent, items + i * sizeof(lent), sizeof(lent));
        }
        uint8_t *to = datas + i * sizeof(ProtobufCBinaryData);
        memcpy(to + offsetof(ProtobufCBinaryData, len), &lent.len, sizeof(lent.len));
        store_pointer(to + offsetof(ProtobufCBinaryData, data), lent.data);
    }
    store_pointer(spot->message + spot->field->offset, datas);
    return OK;
}

static enum err encode_many(const struct spot *spot)
{
    size_t count;
    memcpy(&count, spot->structure + spot->bind->aux, sizeof(count));
    if (count == 0) {
        return OK;
    }
    assert(count <= spot->bind->max);
    memcpy(spot->message + spot->field->quantifier_offset, &count, sizeof(count));
    void *items = load_pointer(spot->structure + spot->bind->offset);
    assert(items != NULL);
    if (spot->bind->kind == BIND_NUMBERS) {
        store_pointer(spot->message + spot->field->offset, items);
        return OK;
    }
    if (spot->bind->kind != BIND_MANY) {
        return encode_datas(spot, items, count);
    }
    ProtobufCMessage **messages = NULL;
    enum err error = encode_messages(spot, count, &messages);
    if (error != OK) {
        return error;
    }
    store_pointer(spot->message + spot->field->offset, messages);
    struct job job = job_below(spot, messages, count, items);
    return job_add(spot->walk, &job);
}

typedef enum err (*step_fn)(const struct spot *spot);

static const struct {
    step_fn decode;
    step_fn encode;
} steps[] = {
    [BIND_NUMBER] = {decode_number, encode_number}, [BIND_FIXED] = {decode_bytes, encode_bytes},
    [BIND_ID] = {decode_bytes, encode_bytes},       [BIND_TEXT] = {decode_text, encode_text},
    [BIND_STRING] = {decode_text, encode_text},     [BIND_SPAN] = {decode_bytes, encode_bytes},
    [BIND_ONE] = {decode_one, encode_one},          [BIND_CHOICE] = {decode_one, encode_one},
    [BIND_MANY] = {decode_many, encode_many},       [BIND_NUMBERS] = {decode_many, encode_many},
    [BIND_DIGESTS] = {decode_many, encode_many},    [BIND_SPANS] = {NULL, encode_many},
};

/* All jobs, those that come up too. */
static enum err walk_run(struct walk *walk, bool encode)
{
    while (walk->jobs != NULL) {
        const struct job *job = walk->jobs;
        walk->jobs = job->next;
        for (size_t i = 0; i < job->count * job->table->bind_count; i++) {
            size_t item = i / job->table->bind_count;
            const struct bind *bind = &job->table->binds[i % job->table->bind_count];
            struct spot spot = {
                .walk = walk,
                .job = job,
                .item = item,
                .bind = bind,
                .field = protobuf_c_message_descriptor_get_field(job->table->type, bind->number),
                .message = (uint8_t *)job->messages[item],
                .structure = job->structures + item * job->table->size,
            };
            assert(spot.field != NULL);
            enum err error =
                encode ? steps[bind->kind].encode(&spot) : steps[bind->kind].decode(&spot);
            if (error != OK) {
                return error;
            }
        }
    }
    return OK;
}

static void *region_alloc_cb(void *data, size_t size)
{
    return region_take(data, size);
}

/* A region is freed as a whole. */
static void region_release_cb(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

enum err bind_decode(const struct bind_table *table, struct span bytes, struct bind_target *target,
                     struct fault *fault)
{
    assert(table != NULL && target != NULL && target->region != NULL);
    enum err error = prescan(table->type, bytes, target->max_fields, fault);
    if (error != OK) {
        return error;
    }
    ProtobufCAllocator allocator = {region_alloc_cb, region_release_cb, target->region};
    const uint8_t nothing = 0;
    ProtobufCMessage *message = protobuf_c_message_unpack(table->type, &allocator, bytes.len,
                                                          bytes.len == 0 ? &nothing : bytes.data);
    if (message == NULL) {
        fault_set(fault, "wire.memory", "", "takes too much memory to parse");
        return ERR_MEMORY;
    }
    memset(target->structure, 0, table->size);
    struct walk walk = {.region = target->region, .fault = fault};
    struct job root = {
        .table = table, .messages = &message, .count = 1, .structures = target->structure};
    walk.jobs = &root;
    error = walk_run(&walk, false);
    if (error == ERR_MEMORY) {
        fault_set(fault, "wire.memory", "", "takes too much memory to parse");
    }
    target->which = walk.which;
    return error;
}

enum err bind_encode(const struct bind_table *table, const void *structure, uint32_t which,
                     struct buf *out)
{
    assert(table != NULL && structure != NULL && out != NULL);
    struct region region;
    region_init(&region, ENCODE_BUDGET);
    uint8_t *source; /* only read: struct job serves both directions */
    memcpy(&source, &structure, sizeof(source));
    ProtobufCMessage *message = region_take(&region, table->type->sizeof_message);
    enum err error = message == NULL ? ERR_MEMORY : OK;
    if (error == OK) {
        table->type->message_init(message);
        struct walk walk = {.region = &region, .which = which};
        struct job root = {.table = table, .messages = &message, .count = 1, .structures = source};
        walk.jobs = &root;
        error = walk_run(&walk, true);
    }
    if (error == OK) {
        size_t len = protobuf_c_message_get_packed_size(message);
        uint8_t *to = NULL;
        error = buf_extend(out, len, &to);
        if (error == OK && len > 0) {
            size_t wrote = protobuf_c_message_pack(message, to);
            assert(wrote == len);
        }
    }
    region_free(&region);
    return error;
}

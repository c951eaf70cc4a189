/* Between the structures that protoc-c generates and ours: one table per message type says which
 * field is which member, with its bounds. Decoding = prescan, protobuf-c within a region's budget,
 * then copying by the table; encoding the other way round. For lib/wire only; any thread. */
#ifndef REFERRAL_WIRE_BIND_H
#define REFERRAL_WIRE_BIND_H

#include "base/bytes.h"

struct ProtobufCMessageDescriptor;

enum bind_kind {
    BIND_NUMBER,  /* bool, uint32_t or an enum, uint64_t, int64_t */
    BIND_FIXED,   /* bytes of exactly `size`, always there */
    BIND_ID,      /* bytes of exactly `size`, or absent: zeros */
    BIND_TEXT,    /* char[size] with its NUL */
    BIND_STRING,  /* const char *, at most `max` bytes; borrowed */
    BIND_SPAN,    /* struct span, at most `max` bytes; borrowed */
    BIND_ONE,     /* a structure within; `aux` is the offset of its bool, or BIND_ALWAYS */
    BIND_CHOICE,  /* a structure within a union: the one that `which` names */
    BIND_MANY,    /* pointer to structures, at most `max`; `aux` is the offset of their size_t */
    BIND_NUMBERS, /* pointer to uint32_t, likewise */
    BIND_DIGESTS, /* pointer to struct digest, likewise */
    BIND_SPANS,   /* pointer to struct span, likewise; encoding only */
};

#define BIND_ALWAYS SIZE_MAX

struct bind_table;

struct bind {
    uint32_t number; /* of the field */
    enum bind_kind kind;
    size_t offset; /* of the member */
    size_t size;   /* of the member */
    size_t aux;
    size_t max;
    const struct bind_table *sub;
};

struct bind_table {
    const struct ProtobufCMessageDescriptor *type;
    size_t size; /* of the structure */
    const struct bind *binds;
    size_t bind_count;
};

/* Where decoding puts things. */
struct bind_target {
    struct region *region;
    void *structure;   /* zeroed by bind_decode */
    size_t max_fields; /* of prescan */
    uint32_t which;    /* out: the field number of the BIND_CHOICE that was there; 0 none */
};

/* ERR_INVALID and ERR_TOO_LARGE with a fault; ERR_MEMORY when the region's budget is spent. More
 * than one BIND_CHOICE is ERR_INVALID. */
enum err bind_decode(const struct bind_table *table, struct span bytes, struct bind_target *target,
                     struct fault *fault) MUST_CHECK;
/* Appends. `which` as above. */
enum err bind_encode(const struct bind_table *table, const void *structure, uint32_t which,
                     struct buf *out) MUST_CHECK;

#endif

/* The first look at outside bytes: is this a message of that type, within the bounds?
 *
 * Walks protobuf wire bytes against the schema (the descriptors that protoc-c generates) with an
 * explicit stack and no allocation, before anything is parsed: nesting, number of fields, minimal
 * varints, values within their type, known fields with the right wire type, singular fields once,
 * UTF-8 without NUL in strings, nothing cut off or left over. Bytes fields are opaque here; each is
 * scanned when it is parsed itself. For lib/wire only; any thread. */
#ifndef REFERRAL_WIRE_PRESCAN_H
#define REFERRAL_WIRE_PRESCAN_H

#include "base/bytes.h"

struct ProtobufCMessageDescriptor;

/* ERR_INVALID or ERR_TOO_LARGE; the fault's place is the path of the field ("head.fetch"), its
 * message what is wrong; never content. */
enum err prescan(const struct ProtobufCMessageDescriptor *type, struct span bytes,
                 size_t max_fields, struct fault *fault) MUST_CHECK;

/* One field as it stands in the bytes. */
struct wire_field {
    uint32_t number;
    uint32_t wire_type; /* 0 varint, 1 fixed 64, 2 bytes, 5 fixed 32 */
    uint64_t value;     /* varint or fixed */
    struct span bytes;  /* wire type 2; borrowed */
};
/* Takes the next field off `rest`. ERR_INVALID when it is not well formed. */
enum err wire_field_next(struct span *rest, struct wire_field *ret_field) MUST_CHECK;

#endif

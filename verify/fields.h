/* A bounds-checked reader of the few protobuf messages that a log holds. Its own, so that it shares
 * nothing with the code that wrote them. No allocation; any thread; spans are borrowed. */
#ifndef REFERRAL_VERIFY_FIELDS_H
#define REFERRAL_VERIFY_FIELDS_H

#include "base/bytes.h"

#define FIELDS_MAX 25

struct fields {
    uint64_t value[FIELDS_MAX]; /* by field number; 0 when absent */
    struct span bytes[FIELDS_MAX];
    uint32_t present; /* bit set of field numbers */
};

/* `shape` has one letter a field number, from 0: 'v' a varint, 'b' bytes, '.' no such field.
 * ERR_INVALID for anything else: another wire type, an unknown number, a field twice, a varint that
 * is not minimal, a length beyond the end. */
enum err fields_read(struct span message, const char *shape, struct fields *ret) MUST_CHECK;
/* The first field of this number that holds bytes, whatever else is in the message; ERR_NOT_FOUND,
 * or ERR_INVALID where the message cannot be read up to there. */
enum err fields_find(struct span message, uint64_t number, struct span *ret) MUST_CHECK;

/* The next field of a message that may repeat fields: its number, and its varint or its bytes. The
 * rest is moved behind it. ERR_CLOSED at the end; ERR_INVALID as above. */
struct field {
    uint64_t number, value;
    struct span bytes;
    bool is_bytes;
};
enum err fields_next(struct span *rest, struct field *ret) MUST_CHECK;

#define SHAPE_RECORD    ".vvvbbbbbvbbvbvbbbbvbbbbb" /* as proto/audit.proto numbers it */
#define SHAPE_STREAM    ".vvb"
#define SHAPE_RECOVERED ".vvvvv"
#define SHAPE_SIGNED    ".bbb" /* SignedRecovery */
#define SHAPE_RECOVERY  ".vbbbbv"
#define SHAPE_GAP       ".vvvvvvvvbb"
#define SHAPE_RUNG      ".vvbvbb"
#define SHAPE_CLOCK     ".vvvvvvb"
#define SHAPE_HEADER    ".vvbvbbbvbbbbb" /* Header, as proto/message.proto numbers it */
#define FACTS_COPIES    33u              /* of Facts, likewise */
#define SHAPE_PAYLOAD   ".bbb"
#define SHAPE_ENVELOPE  ".bb"

#endif

/* The shorthand of the codec's tables, and the tables that several files of lib/wire use. For
 * lib/wire only. */
#ifndef REFERRAL_WIRE_TABLES_H
#define REFERRAL_WIRE_TABLES_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

#include "base/limits.h"
#include "wire/bind.h"
#include "wire/codec.h"

#define MEMBER_SIZE(type, member) sizeof(((type *)NULL)->member)

/* {field number, kind, offset and size of the member, ...} */
#define NUMBER(n, type, member)                                                                    \
    {                                                                                              \
        .number = (n), .kind = BIND_NUMBER, .offset = offsetof(type, member),                      \
        .size = MEMBER_SIZE(type, member)                                                          \
    }
#define FIXED(n, type, member)                                                                     \
    {                                                                                              \
        .number = (n), .kind = BIND_FIXED, .offset = offsetof(type, member),                       \
        .size = MEMBER_SIZE(type, member)                                                          \
    }
#define ID(n, type, member)                                                                        \
    {                                                                                              \
        .number = (n), .kind = BIND_ID, .offset = offsetof(type, member),                          \
        .size = MEMBER_SIZE(type, member)                                                          \
    }
#define TEXT(n, type, member)                                                                      \
    {                                                                                              \
        .number = (n), .kind = BIND_TEXT, .offset = offsetof(type, member),                        \
        .size = MEMBER_SIZE(type, member)                                                          \
    }
#define STRING(n, type, member, bytes)                                                             \
    {                                                                                              \
        .number = (n), .kind = BIND_STRING, .offset = offsetof(type, member), .max = (bytes)       \
    }
#define SPAN(n, type, member, bytes)                                                               \
    {                                                                                              \
        .number = (n), .kind = BIND_SPAN, .offset = offsetof(type, member), .max = (bytes)         \
    }
#define ONE(n, type, member, has, table)                                                           \
    {                                                                                              \
        .number = (n), .kind = BIND_ONE, .offset = offsetof(type, member),                         \
        .aux = offsetof(type, has), .sub = (table)                                                 \
    }
#define ALWAYS(n, type, member, table)                                                             \
    {                                                                                              \
        .number = (n), .kind = BIND_ONE, .offset = offsetof(type, member), .aux = BIND_ALWAYS,     \
        .sub = (table)                                                                             \
    }
#define CHOICE(n, type, member, table)                                                             \
    {                                                                                              \
        .number = (n), .kind = BIND_CHOICE, .offset = offsetof(type, member), .sub = (table)       \
    }
#define MANY(n, type, member, count_member, most, table)                                           \
    {                                                                                              \
        .number = (n), .kind = BIND_MANY, .offset = offsetof(type, member),                        \
        .aux = offsetof(type, count_member), .max = (most), .sub = (table)                         \
    }
#define NUMBERS(n, type, member, count_member, most)                                               \
    {                                                                                              \
        .number = (n), .kind = BIND_NUMBERS, .offset = offsetof(type, member),                     \
        .aux = offsetof(type, count_member), .max = (most)                                         \
    }
#define DIGESTS(n, type, member, count_member, most)                                               \
    {                                                                                              \
        .number = (n), .kind = BIND_DIGESTS, .offset = offsetof(type, member),                     \
        .aux = offsetof(type, count_member), .max = (most)                                         \
    }
#define SPANS(n, type, member, count_member, most)                                                 \
    {                                                                                              \
        .number = (n), .kind = BIND_SPANS, .offset = offsetof(type, member),                       \
        .aux = offsetof(type, count_member), .max = (most)                                         \
    }
#define TABLE(descriptor, structure, list)                                                         \
    {                                                                                              \
        .type = (descriptor), .size = sizeof(structure), .binds = (list),                          \
        .bind_count = sizeof(list) / sizeof((list)[0])                                             \
    }

/* The small facts have no type of their own: their members count from the union's start. */
#define FACTS_OFFSET(member) (offsetof(struct message, member) - offsetof(struct message, sign_for))
#define FACTS_NUMBER(n, member)                                                                    \
    {                                                                                              \
        .number = (n), .kind = BIND_NUMBER, .offset = FACTS_OFFSET(member),                        \
        .size = MEMBER_SIZE(struct message, member)                                                \
    }
#define FACTS_TEXT(n, member)                                                                      \
    {                                                                                              \
        .number = (n), .kind = BIND_TEXT, .offset = FACTS_OFFSET(member),                          \
        .size = MEMBER_SIZE(struct message, member)                                                \
    }
#define FACTS_ID(n, member)                                                                        \
    {                                                                                              \
        .number = (n), .kind = BIND_ID, .offset = FACTS_OFFSET(member),                            \
        .size = MEMBER_SIZE(struct message, member)                                                \
    }

extern const struct bind_table batch_proof_table;     /* struct batch_proof */
extern const struct bind_table payload_table;         /* struct payload */
extern const struct bind_table signed_recovery_table; /* struct signed_recovery */

/* The facts of everything beside a referral's own life: matter_codec.c. */
extern const struct bind_table information_table;
extern const struct bind_table information_reply_table;
extern const struct bind_table assistance_table;
extern const struct bind_table escalation_reply_table;
extern const struct bind_table archive_table;
extern const struct bind_table reopen_table;
extern const struct bind_table follow_up_plan_table;
extern const struct bind_table follow_up_report_table;
extern const struct bind_table consultation_table;
extern const struct bind_table conference_table;
extern const struct bind_table promise_report_table;
extern const struct bind_table meeting_table;
extern const struct bind_table attendance_table;
extern const struct bind_table hearing_table;
extern const struct bind_table hearing_opinion_table;
extern const struct bind_table roster_change_table;
extern const struct bind_table roster_table;
extern const struct bind_table fund_plan_table;
extern const struct bind_table fund_payment_table;
extern const struct bind_table letter_table;
extern const struct bind_table letter_answer_table;
extern const struct bind_table correction_table;

#endif

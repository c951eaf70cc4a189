/* A broker that lies: the broker's own code, whose replies are bent on their way to being signed.
 *
 * The linker puts lies.c between the broker and request_parse, audit_append, checkpoint_make and
 * reply_head_encode (--wrap): it notes who asks, each leaf, and the key, and shows one agency, the
 * victim, another log or other contents, signed as the truth is. Four more functions are there for
 * what is raised too early, never told, never delivered. Everything else is honest, and so is all
 * without a lie. For tests only: in one process (test_hostile.c), and as the program
 * referral-broker-lying, which reads what to say from the file that REFERRAL_LIE_FILE names. */
#ifndef REFERRAL_TESTS_LIES_H
#define REFERRAL_TESTS_LIES_H

#include "wire/codec.h"

#define LIES_MAX 16u

struct lie_told { /* by this name, for the table of the tests */
    const char *name;
    const char *what;
};
extern const struct lie_told lies_known[];
extern const size_t lies_count;

/* From the next reply on; NULL: the truth. What the victim is shown parts from the log here.
 * `keeps_back`: it is shown no countersignatures. */
void lies_set(const char *lie, const char *victim, bool keeps_back);

#endif

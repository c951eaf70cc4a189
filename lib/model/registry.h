/* The registry: the agencies of a deployment, read from config/agencies.yaml.
 *
 * The number of agencies is data; rules speak of classes, never of an id. An agency's `number` is
 * stable for ever: keys on disk use it. An agency that was merged or handed over keeps its row; its
 * successor acts for it, so that what is open stays open and what is past stays signed. Built once
 * from text (the caller reads the file), then only read, on any thread. Holds no names of people.
 */
#ifndef REFERRAL_MODEL_REGISTRY_H
#define REFERRAL_MODEL_REGISTRY_H

#include "base/bytes.h"
#include "base/limits.h"
#include "model/numbers.h"

#define AGENCY_LABEL_BYTES       128 /* a name or an office, with the NUL */
#define AGENCY_MONGOLIAN_BYTES   384 /* three bytes a letter, and lines */
#define AGENCY_LETTER_CODE_BYTES 48
#define BROKER_ID                "broker"

enum agency_class {
    CLASS_PROCURATORATE, /* P */
    CLASS_SOCIAL,        /* S */
    CLASS_ASSOCIATE,     /* A: reached by letter, no agent */
    CLASS_COUNT
};

/* A name in both languages. */
struct agency_label {
    char zh[AGENCY_LABEL_BYTES];
    char en[AGENCY_LABEL_BYTES];
};

struct agency {
    char id[LIMIT_AGENCY_ID_BYTES]; /* "civil-affairs" */
    uint16_t number;                /* 1 ... 65535, stable */
    enum agency_class class;
    char prefix[NUMBER_PREFIX_BYTES]; /* of its case and register numbers; unique */
    char name_zh[AGENCY_LABEL_BYTES];
    char name_en[AGENCY_LABEL_BYTES];
    char name_mn[AGENCY_MONGOLIAN_BYTES]; /* for letterheads, lines by '\n'; empty: none is given */
    char letter_code[AGENCY_LETTER_CODE_BYTES]; /* 鄂检救; empty: the prefix */
    char office_zh[AGENCY_LABEL_BYTES];         /* where its liaison officer sits */
    char office_en[AGENCY_LABEL_BYTES];
    char leader_zh[AGENCY_LABEL_BYTES]; /* the post of its leader in charge; empty: not given */
    char leader_en[AGENCY_LABEL_BYTES];
    bool joint_meeting_office; /* exactly one agency has it */
    bool suspended;  /* sends nothing new and fetches nothing until the registry says otherwise */
    uint64_t duties; /* bits of VOCABULARY_NEED that it takes referrals for */
    uint16_t successor; /* number of the agency that takes its place; 0: nobody does */
    int32_t left_day;   /* civil day from whose 00:00 on it has left; 0: it stays a member */
    const struct agency_label *former_names; /* the registry's, oldest first; NULL: none */
    size_t former_count;
};

#define AGENCY_FORMER_MAX 16u
/* An administrator's mistyped number should be seen, not stored. */
#define REGISTRY_NUMBER_MAX 1023u

struct registry;

/* Reads a registry from the text of its file; `name` is the file's name in faults, which have
 * file:line:column. ERR_INVALID for: an unknown or missing member, an id or prefix that is
 * malformed or taken, a number that is taken or 0, not exactly one joint-meeting office, an unknown
 * class or need, more than LIMIT_AGENCIES; a successor without a date, a
 * successor that is no other agency of the same class, successors in a circle. */
enum err registry_read(const char *name, struct span text, struct registry **ret_registry,
                       struct fault *fault) MUST_CHECK;
void registry_free(struct registry *registry); /* NULL allowed */

/* May `after` take the place of `before` while a broker runs? It has every agency of it, with the
 * same number and class: rows on disk use them. ERR_INVALID with a fault for the first that is not
 * so. */
enum err registry_follows(const struct registry *before, const struct registry *after,
                          const char *name, struct fault *fault) MUST_CHECK;

size_t registry_count(const struct registry *registry);
const struct agency *registry_at(const struct registry *registry, size_t index); /* file order */
const struct agency *registry_find(const struct registry *registry, const char *id); /* or NULL */
const struct agency *registry_by_number(const struct registry *registry,
                                        uint16_t number); /* or NULL */
const struct agency *registry_by_prefix(const struct registry *registry,
                                        const char *prefix);           /* or NULL */
const struct agency *registry_office(const struct registry *registry); /* never NULL */
/* Has it handed over its work? It opens nothing new then, and nothing new is sent to it. */
bool agency_has_left(const struct agency *agency, uint64_t now_ms);
/* Who acts for this number now: itself, or the last of its successors whose day has come. The
 * number itself where it is none of the registry's. */
uint16_t registry_acting(const struct registry *registry, uint16_t number, uint64_t now_ms);
/* SHA-256 of the text. */
const struct digest *registry_digest(const struct registry *registry);
/* a-z, 0-9 and "-" inside, a letter first, 2 to 31 bytes, and not the broker's. */
bool agency_id_valid(const char *id);
/* "P", "S", "A". */
const char *agency_class_id(enum agency_class class);

#endif

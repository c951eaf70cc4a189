/* Attachments as the rules see them: what may be attached, how large its sealed form is, and
 * whether bytes are what their sender says they are.
 *
 * The check of the content is for honest mistakes and crude tricks (a program called scan.pdf): it
 * looks at marks that every file of the type has, and is no proof that a file is harmless; so pages
 * offer attachments for download only. Sealing is wire/attachment_seal. Pure; any thread. */
#ifndef REFERRAL_MODEL_ATTACHMENT_H
#define REFERRAL_MODEL_ATTACHMENT_H

#include "model/message.h"

/* The sealed form: a commitment, then the plain bytes, filled up with zeros so that their exact
 * size stays with the readers, in chunks with a tag each. */
#define ATTACHMENT_COMMITMENT_BYTES 32u
#define ATTACHMENT_CHUNK_BYTES      (64u * 1024u) /* of plain bytes; the last may have fewer */
#define ATTACHMENT_FILL_BYTES       4096u         /* filled up to a multiple of this */

enum attachment_type { /* numbers are the wire's: VOCABULARY_ATTACHMENT */
                       ATTACHMENT_PDF = 1,
                       ATTACHMENT_JPEG = 2,
                       ATTACHMENT_PNG = 3,
                       ATTACHMENT_OFD = 4, /* GB/T 33190 */
                       ATTACHMENT_DOCX = 5,
                       ATTACHMENT_XLSX = 6,
                       ATTACHMENT_ZIP = 7,
                       ATTACHMENT_TEXT = 8,
};

/* The plain bytes with what fills them up; 0 for a size that no attachment has. */
uint64_t attachment_filled_bytes(uint64_t plain_bytes);
/* The bytes of the sealed form; 0 likewise. */
uint64_t attachment_sealed_bytes(uint64_t plain_bytes);
#define ATTACHMENT_SEALED_MAX                                                                      \
    (ATTACHMENT_COMMITMENT_BYTES + LIMIT_ATTACHMENT_BYTES +                                        \
     LIMIT_ATTACHMENT_BYTES / ATTACHMENT_CHUNK_BYTES * AEAD_TAG_BYTES)

/* A name that a file may be given: 1 to LIMIT_NAME_BYTES - 1 bytes of UTF-8 without control
 * characters, slashes, a dot in front, or marks that turn the direction of writing. */
bool attachment_name_valid(const char *name);
/* The type that a name's ending says; 0: none of those that are taken. */
uint32_t attachment_type_of_name(const char *name);

/* Content against type, piece by piece. */
struct attachment_scan {
    uint32_t type;
    uint64_t seen;
    uint8_t tail[16]; /* the last bytes: a mark may lie across two pieces */
    size_t tail_bytes;
    bool marked; /* what tells this type from its kin was seen */
    bool wrong;
};
void attachment_scan_begin(struct attachment_scan *scan, uint32_t type);
void attachment_scan_add(struct attachment_scan *scan, struct span piece);
/* All pieces were added: is it what it is called? False also as soon as it cannot be. */
bool attachment_scan_fits(const struct attachment_scan *scan);

/* May files go with a message of this kind, named in its facts' `attachments`? With every one that
 * people write but referrals: each of theirs is one of the materials of Art. 7. */
bool message_kind_attaches(enum message_kind kind);

/* The sealed bytes that a message names: a referral's materials that are there, the attachments of
 * any other. */
struct blob_ref {
    struct digest digest;
    uint64_t sealed_bytes;
    size_t material; /* its place in that list */
};
/* "facts.materials" or "facts.attachments". */
const char *message_blob_list(enum message_kind kind);
/* The next at or behind `*at`, which moves on; false: no more. Begin with 0. */
bool message_blob_next(const struct message *message, size_t *at, struct blob_ref *ret_ref);

#endif

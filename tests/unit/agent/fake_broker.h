/* A broker in memory that can sign anything: it grows a log (one tree, or another one beside it)
 * and answers a desk's requests with the truth, or with one lie at a time. It decides nothing; what
 * it says is the test's. For tests only. */
#ifndef REFERRAL_TESTS_FAKE_BROKER_H
#define REFERRAL_TESTS_FAKE_BROKER_H

#include "agent_support.h"
#include "wire/receipt.h"

#define FAKE_LEAVES 4096u

struct tree {
    uint64_t size;
    struct digest leaves[FAKE_LEAVES];
};

struct fake {
    struct realm *realm;
    struct desk *desk;
    struct tree *tree; /* owned: the honest log */
    uint64_t now_ms;
    uint64_t streams[4]; /* last number of each lane to the desk's agency */
    struct digest stream_hashes[4];
    struct region region; /* what replies are built of */
    unsigned made;        /* parcels so far */
    uint32_t statements;  /* about keys, of which its replies tell */
};

void fake_open(struct fake *fake, struct desk *desk);
void fake_close(struct fake *fake);
/* A leaf of somebody else. */
void tree_grow(struct tree *tree, unsigned leaves);
struct digest tree_root(const struct tree *tree, uint64_t size);

struct lie { /* all zero: the truth */
    bool no_proof, other_request, garbage;
    const struct sign_key *reply_key, *note_key;
    const char *origin;
    const struct tree *tree; /* the log shown is this one */
    uint64_t size;           /* the checkpoint is of so many leaves */
    bool no_checkpoint, other_root;
    bool proof_cut, proof_longer, proof_bent;
};

/* Answers the open request of a slot with this head; checkpoint, digest and proof are filled in. */
void fake_answer(struct fake *fake, enum agent_slot slot, struct reply_head *head,
                 const struct lie *lie);
/* A signed refusal of the whole request; an unsigned one with lie->no_proof. */
void fake_refuse(struct fake *fake, enum agent_slot slot, enum refusal code, uint32_t retry_ms);
void fake_hello(struct fake *fake, const struct lie *lie);
/* Answers whatever is open in SLOT_SESSION until nothing is: HELLO, WITNESS. */
void fake_settle_session(struct fake *fake);
struct seen { /* what another agency countersigned, in the answer to a WITNESS */
    const char *agency;
    const struct tree *tree; /* NULL: the honest log */
    uint64_t size;
    /* lies */
    const struct sign_key *key; /* NULL: its own */
    bool bend_signature, proof_cut;
};
/* Answers the open WITNESS. */
void fake_witnessed(struct fake *fake, const struct seen *seen, size_t count,
                    const struct lie *lie);
/* A fetch of nothing. */
void fake_nothing(struct fake *fake, const struct lie *lie);

struct slip { /* the receipt of one message of a SUBMIT or ACK, before it is written */
    struct leaf_record record;
    uint8_t salt[SALT_BYTES];
    uint32_t code, retry_ms; /* code set: not recorded now */
    const char *detail;      /* borrowed, or NULL: then with it */
    /* lies */
    bool bend_path, bend_record, bend_salt, short_path, of_nobody;
    uint64_t index_shift;
    /* set when written */
    uint64_t leaf;
    struct buf bytes;
};

/* What an honest broker would write for message `index` of the open request. */
void fake_slip(struct fake *fake, enum agent_slot slot, size_t index, struct slip *ret_slip);
/* Appends what is not appended yet and answers with these receipts. */
void fake_receipts(struct fake *fake, enum agent_slot slot, struct slip *slips, size_t count,
                   const struct lie *lie);
/* Accepts all; answers how many there were. */
size_t fake_accept(struct fake *fake, enum agent_slot slot);

struct parcel { /* a message on its way to the desk's agency, before it is written */
    struct message message;
    struct body body;
    struct body_person person;
    bool with_body;
    const struct sign_key *signer;
    uint32_t hold; /* enum hold: how it is shown this time */
    struct leaf_record record;
    bool own_digest, own_stream; /* the record's digest, stream are the test's */
    bool bend_path, bend_signature, bend_payload;
    uint64_t index_shift;
    /* set when written */
    bool written;
    uint64_t leaf;
    struct digest hash;
    struct buf payload, record_bytes;
    struct batch_proof proof;
};

/* A referral from a social agency to the procuratorate, or a notice when `sender` is the broker. */
void fake_parcel(struct fake *fake, const char *sender, struct parcel *ret_parcel);
/* A message that another desk submits, as it will come to this one. */
void fake_forward(struct fake *fake, const struct request_message *sent, struct parcel *ret_parcel);
void fake_deliver(struct fake *fake, struct parcel *parcels, size_t count, const struct lie *lie);
void parcel_free(struct parcel *parcel);

struct belief { /* what is believed at a moment, to compare with later */
    struct digest stored;
    uint64_t known;
};
/* Forgets events and hook calls so far, too. */
struct belief fake_belief(struct fake *fake);
/* An alarm with this text was told once, nothing changed, and nothing is asked for half a minute;
 * then a HELLO is open. */
void fake_expect_alarm(struct fake *fake, const struct belief *before, const char *name,
                       const char *text);
/* The truth is told in the open HELLO, and where that does not do, an administrator clears it. */
void fake_mend(struct fake *fake);
void fake_end_hooks(struct fake *fake);       /* all that wait end well */
unsigned fake_asked(const struct fake *fake); /* requests in all */

/* Connects the desk and brings it to where it waits in a fetch. */
void fake_begin(struct fake *fake);

#endif

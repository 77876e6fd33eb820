/*
 * Erasures: what a recipe says of a mailbox whose key is destroyed (Act 2 in FORMATS.md), and the
 * tombstone that stands as its last version.
 *
 * An act is made while the key still is there, and has all that its epoch needs, so that the epoch
 * comes to the same bytes when a crash has let the key go before it.  It has no address.
 *
 * Pure but for the buffers' memory.  Uses codec, commitment, hash.
 */
#ifndef LOG_DIRECTORY_ERASURE_H
#define LOG_DIRECTORY_ERASURE_H

#include "merkle/base/buf.h"
#include "merkle/base/codec.h"
#include "merkle/keytrans/commitment.h"
#include "merkle/tree/hash.h"

/* The number in the LabelText of a tombstone: no key belongs to it. */
#define ERASURE_NUMBER ((UINT64_C(1) << 40) - 1)
/* First bytes of the keys under which a tombstone stands in the index: of (label, version), and of
 * the label, with those that are its rows' print. */
#define ERASURE_VERSION_KEY 8
#define ERASURE_LABEL_KEY 16
#define ERASURE_TEXT_SIZE (ERASURE_VERSION_KEY + ERASURE_LABEL_KEY)
#define ERASURE_VERSION_SIZE (8 + 2 * HASH_SIZE)
/* Bytes of the State of a tombstone. */
#define ERASURE_STATE_SIZE (1 + COMMITMENT_OPENING_SIZE + 8 + 1 + 4)

/* What follows from a mailbox's label while it is known. */
struct erasure_text {
    uint8_t version_key[ERASURE_VERSION_KEY];
    uint8_t label_key[ERASURE_LABEL_KEY];
};

struct erasure {
    uint64_t number;                /* of the label */
    uint64_t newest;                /* row of its newest version, which the tombstone follows */
    struct hash output, commitment; /* of the tombstone */
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    struct erasure_text text;
    uint8_t reason;
    uint32_t count;       /* certificates that were known of the mailbox */
    struct span versions; /* Erased, those before it, oldest first; borrowed */
    uint32_t bodies_n;
    struct span bodies; /* ErasedBody, in ascending order; borrowed */
};

/* One version that was there: where, and what of it stays. */
struct erasure_version {
    uint64_t entry;
    struct hash output, commitment;
};

/* One entry of the certificate log whose body goes, and the domains that it had entered: their
 * LabelTexts as they stand in the shelf. */
struct erasure_body {
    uint64_t index;
    uint8_t domains_n;
    struct span domains; /* borrowed */
};

void erasure_get(struct reader *r, struct erasure *ret);
void erasure_put(struct writer *w, const struct erasure *e);
void erasure_version_get(struct reader *r, struct erasure_version *ret);
void erasure_version_put(struct writer *w, const struct erasure_version *v);
void erasure_body_get(struct reader *r, struct erasure_body *ret);
void erasure_body_put(struct writer *w, const struct erasure_body *b);

/* What a tombstone's row holds. */
struct tombstone {
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    uint64_t time; /* seconds */
    uint8_t reason;
    uint32_t count;
};

/* Of an erasure in an epoch of that timestamp, milliseconds. */
struct tombstone tombstone_of(const struct erasure *e, uint64_t timestamp);

/* Reads or appends the State (form 4), and appends the MailboxState.  RES_VALUE, RES_TRUNCATED,
 * RES_TRAILING; errors of buf_add. */
MUST_CHECK enum result tombstone_load(struct span bytes, struct tombstone *ret);
MUST_CHECK enum result tombstone_write(const struct tombstone *t, struct buf *out);
MUST_CHECK enum result tombstone_value(const struct tombstone *t, struct buf *out);

#endif

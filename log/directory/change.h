/*
 * One label's new version in an epoch: what it holds now, and what must be written for it.
 *
 * One thread at a time for each struct changes.  Uses gather, held, versions.
 */
#ifndef LOG_DIRECTORY_CHANGE_H
#define LOG_DIRECTORY_CHANGE_H

#include "log/directory/gather.h"
#include "log/directory/held.h"
#include "log/directory/versions.h"

struct change {
    struct label label;
    bool fresh;        /* the label is new */
    uint64_t number;   /* of the label */
    uint64_t text;     /* offset of its LabelText, unless fresh */
    uint64_t previous; /* seq, or VERSION_NONE */
    uint32_t version;
    size_t state, state_n; /* State: place and length in bytes; encrypted by changes_seal */
    size_t sealed_text;    /* the label, encrypted: place in bytes; of fresh labels */
    struct hash commitment;
    struct hash output; /* the VRF's */
    bool has_output;
    bool tombstone;           /* then label is not known, and number nobody's */
    struct erasure_text keys; /* in the index; changes_seal's, or the act's of a tombstone */
};

struct changes {
    struct change *at;
    size_t n, cap;
    uint64_t labels;  /* labels there are, with the fresh ones */
    struct buf bytes; /* of all States */
    struct buf value; /* scratch */
};

/* Makes room for n more, so that they come into the array without its being moved.  RES_MEMORY. */
MUST_CHECK enum result changes_reserve(struct changes *c, size_t n);

/* What is read to make them; all borrowed. */
struct change_parts {
    struct shelf_view *view; /* begun */
    uint64_t rows;           /* VersionRows in it */
    struct versions *versions;
    struct keyring *keys;
    struct held *held; /* over view and keys */
};

void changes_init(struct changes *c);
void changes_release(struct changes *c);
/* Empties it for an epoch that begins with so many labels. */
void changes_clear(struct changes *c, uint64_t labels);

/*
 * Adds the new version that n touches of one label make, in an epoch of that timestamp
 * (milliseconds); nothing when they change nothing, or the label was erased: a tombstone is the
 * last.  Fresh labels get the next number.  Errors of
 * versions_newest, held_*, keyring_*; RES_STORE_FULL when no version is left; RES_MEMORY.
 */
MUST_CHECK enum result changes_add(struct changes *c, const struct change_parts *p,
                                   struct touch *const *touches, size_t n, uint64_t timestamp);

/* Encrypts what the change writes of its label, and makes its keys: once for each change, the last
 * thing before it is written.  Errors of keyring_crypt; RES_MEMORY. */
MUST_CHECK enum result changes_seal(struct changes *c, struct keyring *k, size_t i);

/*
 * Adds the tombstone of an erasure whose key is gone.  RES_STORE_DAMAGED when it does not follow
 * its label's newest version; errors of shelf_get_version, versions_label; RES_MEMORY.
 */
MUST_CHECK enum result changes_erase(struct changes *c, const struct change_parts *p,
                                     const struct erasure *e, uint64_t timestamp);

#endif

/*
 * The label that a request is about, in one snapshot: its versions, where they stand, and the steps
 * of its ladders.
 *
 * One thread.  Uses versions, proofs, record (whose label it can be).
 */
#ifndef LOG_DIRECTORY_TARGET_H
#define LOG_DIRECTORY_TARGET_H

#include "log/directory/proofs.h"
#include "log/directory/versions.h"
#include "merkle/keytrans/record.h"

/* Rows and proof records of one label that are remembered. */
#define TARGET_ROWS 32
#define TARGET_RECORDS 8

struct target_parts {
    struct shelf_view *view; /* borrowed, as all; begun while it is used */
    struct versions *versions;
    struct keyring *keys;
    struct proofs *proofs;
    /* Takes a proof record that was made now, so that it comes to disk. */
    void (*made)(void *arg, uint64_t seq, struct span record);
    void *arg;
};

struct target_row {
    bool filled;
    uint64_t seq;
    struct version_row row;
};

struct target_record {
    bool filled;
    uint32_t owner;
    unsigned n;
    uint32_t steps[LADDER_STEPS_MAX];
    uint8_t bytes[PROOF_RECORD_MAX];
};

struct target {
    const struct target_parts *parts;
    uint64_t rows; /* of the snapshot that count */
    struct span label;
    bool present;
    bool erased;                   /* present, and its greatest version is a tombstone */
    uint64_t number;               /* of the label, when present; of one erased, nobody's */
    uint32_t greatest;             /* version, when present */
    uint64_t last_seq, last_entry; /* of that */
    struct target_row row[TARGET_ROWS];
    struct target_record record[TARGET_RECORDS];
    uint8_t absent[2][STEP_SIZE]; /* of versions 0 and 1, when it is not present */
    bool has_absent[2];           /* and they were asked for */
};

/* Finds the label among the first rows of the view.  RES_OK also when it is not present or was
 * erased; RES_BUSY while it is being erased. */
MUST_CHECK enum result target_find(struct target *t, const struct target_parts *parts,
                                   uint64_t rows, struct span label);

/* The row of a version <= greatest. */
MUST_CHECK enum result target_row(struct target *t, uint32_t version, uint64_t *ret_seq,
                                  struct version_row *ret);

/* The greatest version at entry x into *ret, -1 for none. */
MUST_CHECK enum result target_greatest_at(struct target *t, uint64_t x, int64_t *ret);

/* The Step of a version that some ladder of a version <= greatest asks for; of versions 0 and 1
 * when it is not present.  Borrowed until the next call.  RES_BUSY as proofs_absent. */
MUST_CHECK enum result target_step(struct target *t, uint32_t version, const uint8_t **ret);

/* Whether it is this label's, for a recorder; borrows t. */
struct record_label target_label(struct target *t);

#endif

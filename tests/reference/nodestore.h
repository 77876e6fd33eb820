/*
 * A store of complete nodes in memory, filled by range_append's callback: what a log does on disk,
 * for tests of ranges, proofs and tiles.
 */
#ifndef TESTS_REFERENCE_NODESTORE_H
#define TESTS_REFERENCE_NODESTORE_H

#include "merkle/tree/proof.h"
#include "merkle/tree/range.h"
#include "tests/reference/refmerkle.h"

#define NODESTORE_HEIGHTS 24

struct nodestore {
    struct hash *rows[NODESTORE_HEIGHTS]; /* owned */
    uint64_t n[NODESTORE_HEIGHTS];        /* complete nodes of each height */
    struct range range;
    const struct ref_tree *tree; /* borrowed */
};

/* Appends all leaves of *tree (fewer than 2^23), checking that each node comes once and in order.
 */
void nodestore_init(struct nodestore *s, const struct ref_tree *tree);
void nodestore_release(struct nodestore *s);

/* The hash of a node; asserts that it is there. */
const struct hash *nodestore_get(const struct nodestore *s, struct node n);

/* Fetches a plan's nodes and folds them; returns the proof's length. */
unsigned nodestore_prove(const struct nodestore *s, const struct proof_plan *plan,
                         struct hash ret[static PROOF_HASHES_MAX]);

#endif

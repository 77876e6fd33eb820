/*
 * The verifier's source: a CombinedTreeProof taken apart in the order in which an algorithm asks.
 * KEYTRANS, "Tree Proofs / Combined Tree".
 *
 * Nothing that comes out of a proof is worth anything before consume_finish has said so and the
 * signature over the root has been verified.
 *
 * Pure; no allocation.  Uses proof, transcript, view.
 */
#ifndef MERKLE_KEYTRANS_CONSUME_H
#define MERKLE_KEYTRANS_CONSUME_H

#include "merkle/keytrans/proof.h"
#include "merkle/keytrans/transcript.h"
#include "merkle/keytrans/view.h"

/* What the verifier knows of one version of the label before the proof is taken apart. */
struct consume_version {
    uint32_t version;
    struct hash key; /* VRF output, verified */
    bool has_commitment;
    struct hash commitment;
};

/* Versions of which one consumer tells whether they were shown. */
#define CONSUME_SHOWN_MAX 512

struct consumer {
    struct reader timestamps, prefix_proofs; /* what is left of the queues */
    struct span prefix_roots, inclusion;
    unsigned proofs_left;
    const struct consume_version *versions; /* ascending; borrowed */
    size_t versions_n;
    uint8_t shown[CONSUME_SHOWN_MAX / 8]; /* a bit for each of versions: it was there */
    bool cut; /* an owner's walk ended at an entry for which no proof was left */
    /* the PrefixProof being consumed */
    struct reader results;
    struct span elements;
    struct prefix_lookup lookups[PREFIX_RESULTS_MAX];
    unsigned n;
};

/* Begins to take proof apart (borrowed); versions, n of them and ascending, are what may be looked
 * up (borrowed). */
void consume_init(struct consumer *c, const struct combined_proof *proof,
                  const struct consume_version *versions, size_t n);

/*
 * The source over c.  Its errors: RES_KT_COUNT when a queue is empty, RES_KT_UNKNOWN when a version
 * is looked up whose VRF output, or whose commitment when it is there, is not known; those of
 * prefix_root.
 */
struct transcript_source consume_source(struct consumer *c);

/*
 * After the algorithms: checks that all was used up, computes the root of the tree of t->size
 * entries and what is to be kept.
 *
 * Returns
 *   RES_OK            *ret_root is what the signature must be over, *ret_view what to keep once it
 * is RES_KT_COUNT      timestamps, prefix proofs or prefix roots are left over or missing
 *   RES_PROOF_LENGTH, RES_ROOT_DIFFERS  as logtree_fold
 */
MUST_CHECK enum result consume_finish(const struct consumer *c, struct transcript *t,
                                      struct hash *ret_root, struct kt_view *ret_view);

/*
 * After consume_finish: whether versions[i] was found in some entry, with its commitment.  The
 * commitment of one that was not found is worth nothing, whatever the answer said.
 */
bool consume_shown(const struct consumer *c, size_t i);

/*
 * After consume_finish: what somebody would keep who had seen the tree of earlier entries, for a
 * distinguished entry that was walked over (heads.h): its position + 1.  RES_RANGE, RES_BUG for a
 * tree whose last entry was not inspected.
 */
MUST_CHECK enum result consume_earlier(const struct consumer *c, const struct transcript *t,
                                       uint64_t earlier, struct kt_view *ret_view);

#endif

/*
 * The prover's source: answers an algorithm from a tree and records what it gave as a
 * CombinedTreeProof.  KEYTRANS, "Tree Proofs / Combined Tree" and its appendix.
 *
 * The tree is whatever can give log entries, heads of balanced subtrees and nodes of prefix trees;
 * the label whatever can say where its versions are.  Allocates the proof only.  Uses prefix_tree,
 * proof, transcript.
 */
#ifndef MERKLE_KEYTRANS_RECORD_H
#define MERKLE_KEYTRANS_RECORD_H

#include "merkle/base/buf.h"
#include "merkle/keytrans/prefix_tree.h"
#include "merkle/keytrans/proof.h"
#include "merkle/keytrans/transcript.h"

/* Largest CombinedTreeProof that is recorded, in bytes */
#define RECORD_PROOF_MAX (4u << 20)

struct record_tree {
    void *arg;
    /* Entry position of the log. */
    enum result (*entry)(void *arg, uint64_t position, struct log_entry *ret);
    /* The root of the prefix tree as of that entry. */
    enum result (*prefix)(void *arg, uint64_t position, struct prefix_ref *ret);
    /* The head of a balanced subtree of the log tree. */
    enum result (*head)(void *arg, struct node n, struct hash *ret);
    struct prefix_store store; /* get and leaf; put may be NULL */
    /* Tells which heads will be asked for next; may be NULL. */
    void (*expect)(void *arg, const struct node *nodes, size_t n);
};

struct record_label {
    void *arg;
    /* The VRF output of a version, whether it is there or not. */
    enum result (*key)(void *arg, uint32_t version, struct hash *ret);
    /* The entry that a version first stands in; *ret_there false when there is no such version. */
    enum result (*inserted)(void *arg, uint32_t version, uint64_t *ret, bool *ret_there);
};

struct recorder {
    const struct record_tree *tree;   /* borrowed */
    const struct record_label *label; /* borrowed; may be NULL for walks that look up nothing */
    unsigned steps_max; /* distinguished entries an owner's walk may look at; 0: no limit */
    unsigned steps;
    uint64_t position; /* of the open proof */
    struct prefix_lookup lookups[PREFIX_RESULTS_MAX];
    unsigned n;
    unsigned timestamps_n, prefix_proofs_n, prefix_roots_n;
    struct buf timestamps, prefix_proofs, prefix_roots, inclusion, elements, results;
};

/* What a client keeps who has seen the tree of size entries.  Requires 0 < size; errors of the
 * tree. */
MUST_CHECK enum result record_view(const struct record_tree *tree, uint64_t size,
                                   struct kt_view *ret);

/* Begins to record.  release frees what was recorded, also after failure. */
void record_init(struct recorder *r, const struct record_tree *tree,
                 const struct record_label *label);
void record_release(struct recorder *r);

/* Begins anew about label, with the memory that r has. */
void record_again(struct recorder *r, const struct record_label *label);

/* The source over r.  Its errors are the tree's and label's; RES_TOO_LARGE when a queue is longer
 * than the format allows; RES_STORE_DAMAGED when tree and label contradict each other. */
struct transcript_source record_source(struct recorder *r);

/* After the algorithms: completes the proof, borrowed from r.  Errors of the tree; RES_TOO_LARGE,
 * RES_MEMORY. */
MUST_CHECK enum result record_finish(struct recorder *r, struct transcript *t,
                                     struct combined_proof *ret);

#endif

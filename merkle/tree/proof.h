/*
 * Which nodes a proof is made of, and how their hashes fold into the proof: RFC 6962
 * sections 2.1.1, 2.1.2.
 *
 * A plan names perfect subtrees only, so that any store of complete nodes can serve it; one run of
 * them, [fold_begin, fold_end), stands for the single hash of the tree's ragged right edge.
 * Fetching the nodes is somebody else's work: plan, fetch and fold do not know each other. Pure; no
 * allocation.  Uses hash, node, result.
 */
#ifndef MERKLE_TREE_PROOF_H
#define MERKLE_TREE_PROOF_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"
#include "merkle/tree/node.h"

/* No proof has more hashes. */
#define PROOF_HASHES_MAX (NODE_HEIGHT_MAX + 1)
/* No plan names more nodes. */
#define PROOF_NODES_MAX (2 * (NODE_HEIGHT_MAX + 1))

struct proof_plan {
    struct node nodes[PROOF_NODES_MAX];
    unsigned n;
    /*
     * nodes[fold_begin, fold_end) fold into one hash of the proof, the LAST of the run being the
     * rightmost, smallest subtree: h = last; h = hash_node(previous, h) and so on.  Empty when
     * fold_begin == fold_end.
     */
    unsigned fold_begin, fold_end;
};

/* Plans the path of leaf index in the tree of size leaves.  RES_RANGE unless index < size <= max.
 */
MUST_CHECK enum result proof_plan_inclusion(uint64_t index, uint64_t size, struct proof_plan *ret);

/* Plans the proof that first leaves are a prefix of second leaves.  RES_RANGE unless 0 < first <=
 * second. */
MUST_CHECK enum result proof_plan_consistency(uint64_t first, uint64_t second,
                                              struct proof_plan *ret);

/*
 * Folds the hashes of plan->nodes, in that order, into the proof.  ret has room for
 * PROOF_HASHES_MAX. Returns the number of hashes of the proof.
 */
unsigned proof_fold(const struct proof_plan *plan, const struct hash *hashes, struct hash *ret);

#endif

/*
 * The compact range [0, size): the roots of the perfect subtrees that a tree of that size is made
 * of, from which the root follows and to which leaves can be appended.  At most 62 hashes whatever
 * the size.
 *
 * Pure; no allocation.  Uses hash, node, span, result.
 */
#ifndef MERKLE_TREE_RANGE_H
#define MERKLE_TREE_RANGE_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"
#include "merkle/tree/node.h"

struct range {
    uint64_t size;
    struct hash peaks[NODE_HEIGHT_MAX + 1]; /* popcount(size) of them, the largest subtree first */
};

/* Called once for each node that an append completes, the leaf itself first, then upwards. */
typedef void range_node_fn(void *arg, struct node n, const struct hash *h);

/* The empty range. */
void range_init(struct range *r);

/* How many peaks r has: the number of one bits of its size. */
unsigned range_peaks(const struct range *r);

/* The node of peak k.  Requires 0 <= k < range_peaks(r). */
struct node range_peak_node(const struct range *r, unsigned k);

/* Appends a leaf by its hash.  Requires r->size < NODE_LEAVES_MAX.  completed may be NULL. */
void range_append(struct range *r, const struct hash *leaf, range_node_fn *completed, void *arg);

/* The root of the tree, RFC 6962 section 2.1: the empty hash at size 0. */
void range_root(const struct range *r, struct hash *ret);

/*
 * Makes *ret the range of the given size from its peaks, largest first.
 * RES_RANGE when size > NODE_LEAVES_MAX, RES_PROOF_LENGTH when n is not the number of one bits of
 * size.
 */
MUST_CHECK enum result range_from_peaks(uint64_t size, const struct hash *peaks, size_t n,
                                        struct range *ret);

#endif

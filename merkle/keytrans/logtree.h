/*
 * The log tree of KEYTRANS: hashing that differs from RFC 6962, and batch proofs in which inclusion
 * and consistency are one.  KEYTRANS, "Cryptographic Computations / Log Tree", "Tree Proofs / Log
 * Tree".
 *
 * A proof is made from three functions that do not know each other: logtree_plan says which nodes,
 * somebody fetches them, logtree_fold computes the root.
 *
 * Pure; no allocation.  Uses hash, node, result.
 */
#ifndef MERKLE_KEYTRANS_LOGTREE_H
#define MERKLE_KEYTRANS_LOGTREE_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/tree/hash.h"
#include "merkle/tree/node.h"

/* Most leaves in one proof: timestamps<0..2^8-1> of each of the algorithms' entries. */
#define LOGTREE_LEAVES_MAX 255
/* elements<0..2^16-1>; LOGTREE_LEAVES_MAX leaves and 62 peaks need fewer: 255 * 62 */
#define LOGTREE_ELEMENTS_MAX 15810

/* LogEntry: when the entry was made, and the prefix tree as of it. */
struct log_entry {
    uint64_t timestamp; /* milliseconds since 1970 */
    struct hash prefix_root;
};

/* SHA-256(uint64 timestamp || prefix_root): 40 bytes, no tag. */
void logtree_leaf(const struct log_entry *e, struct hash *ret);

/* SHA-256(tag || left || tag || right), each tag 0x00 when that child is a leaf, 0x01 when it is a
 * parent. */
void logtree_parent(const struct hash *left, bool left_is_leaf, const struct hash *right,
                    bool right_is_leaf, struct hash *ret);

/* The full subtrees of a tree of that size: "the balanced subtrees which are as large as possible",
 * the largest first. */
struct logtree_peaks {
    uint64_t size;
    struct hash heads[NODE_HEIGHT_MAX + 1]; /* popcount(size) of them */
};

/* The root of the tree; requires 0 < size. */
void logtree_root(const struct logtree_peaks *p, struct hash *ret);

/* Called for each balanced subtree that an append completes, the leaf first, then upwards. */
typedef void logtree_node_fn(void *arg, struct node n, const struct hash *h);

/* Appends a leaf.  Requires size < NODE_LEAVES_MAX.  completed may be NULL. */
void logtree_append(struct logtree_peaks *p, const struct hash *leaf, logtree_node_fn *completed,
                    void *arg);

/*
 * The balanced subtrees whose heads a verifier needs to compute the root of the tree of size
 * entries when it has the leaves (ascending, none twice, each < size) and the full subtrees of a
 * tree of last entries (0: none).  Left to right into ret, which has room for max; their number
 * into *ret_n. RES_RANGE unless last <= size, 0 < size <= NODE_LEAVES_MAX and leaves are as said;
 * RES_TOO_LARGE when max is too small.
 */
MUST_CHECK enum result logtree_plan(uint64_t size, uint64_t last, const uint64_t *leaves, size_t n,
                                    struct node *ret, size_t max, size_t *ret_n);

/*
 * The full subtrees of the tree of size entries, from the values of leaves, the full subtrees of an
 * earlier tree (last; NULL: none) and the heads that logtree_plan names (32 bytes each).  Where
 * leaves lie under a retained head, the head is computed again and compared.
 *
 * Returns
 *   RES_OK            *ret holds the full subtrees; logtree_root gives the root
 *   RES_RANGE         as logtree_plan
 *   RES_PROOF_LENGTH  elements are missing or left over
 *   RES_ROOT_DIFFERS  a retained head is not what the leaves under it lead to
 */
MUST_CHECK enum result logtree_fold(uint64_t size, const struct logtree_peaks *last,
                                    const uint64_t *leaves, const struct hash *values, size_t n,
                                    struct span elements, struct logtree_peaks *ret);

/*
 * As logtree_fold, and the full subtrees of the tree of earlier entries into *ret.  Its last entry
 * must be one of leaves, or last must have it on its frontier (search_tree.h); RES_RANGE when not.
 */
MUST_CHECK enum result logtree_fold_earlier(uint64_t size, const struct logtree_peaks *last,
                                            const uint64_t *leaves, const struct hash *values,
                                            size_t n, struct span elements, uint64_t earlier,
                                            struct logtree_peaks *ret);

#endif

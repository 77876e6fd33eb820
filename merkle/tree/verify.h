/*
 * Inclusion and consistency proofs: compute the root, then compare.  RFC 6962 sections 2.1.1
 * and 2.1.2; the algorithms are those of RFC 9162 sections 2.1.3.2 and 2.1.4.2.
 *
 * Pure: no allocation, no I/O, no clock.  Uses hash, result.
 */
#ifndef MERKLE_TREE_VERIFY_H
#define MERKLE_TREE_VERIFY_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/*
 * The root that the proof leads to from the leaf hash at index in a tree of size leaves.
 * RES_RANGE unless index < size; RES_PROOF_LENGTH when n is not what (index, size) demands.
 */
MUST_CHECK enum result inclusion_root(const struct hash *leaf, uint64_t index, uint64_t size,
                                      const struct hash *proof, size_t n, struct hash *ret);

/*
 * Checks that the entry with hash leaf stands at index in the tree of size leaves whose root is
 * root. Errors of inclusion_root; RES_ROOT_DIFFERS when the hashes lead to another root.
 */
MUST_CHECK enum result inclusion_verify(const struct hash *leaf, uint64_t index, uint64_t size,
                                        const struct hash *proof, size_t n,
                                        const struct hash *root);

/*
 * Checks that the tree (first, root1) is a prefix of the tree (second, root2).
 * RES_RANGE when first > second.  first == 0: the proof must be empty and root1 the empty hash.
 * first == second: the proof must be empty and the roots equal.
 * RES_PROOF_LENGTH when n is wrong; RES_ROOT_DIFFERS when either root does not follow.
 */
MUST_CHECK enum result consistency_verify(uint64_t first, uint64_t second, const struct hash *root1,
                                          const struct hash *root2, const struct hash *proof,
                                          size_t n);

#endif

/*
 * RFC 6962 section 2.1 as it is written there: recursive, slow, with its own SHA-256 by way of EVP.
 *
 * PATH and PROOF are given as the ranges D[begin:end] whose MTH they list, so that they can be
 * compared at any size without a tree; with a tree, ref_mth turns them into hashes. For tests only.
 * Uses hash for its type.
 */
#ifndef TESTS_REFERENCE_REFMERKLE_H
#define TESTS_REFERENCE_REFMERKLE_H

#include "merkle/tree/hash.h"

/* No list of ranges is longer. */
#define REF_RANGES_MAX 128

/* D[begin:end]: the leaves begin, ..., end - 1. */
struct ref_range {
    uint64_t begin, end;
};

/*
 * The list D of a test tree: leaf i is the 16 bytes of seed and i, big-endian.  Trees of up to 512
 * leaves remember each MTH they have computed; the recursion is the same.
 */
struct ref_tree {
    uint64_t seed;
    uint64_t n;
    struct hash *memo; /* owned; n * (n + 1) of them, all zero when not known */
};

void ref_tree_init(struct ref_tree *t, uint64_t seed, uint64_t n);
void ref_tree_release(struct ref_tree *t);

/* Writes d(i). */
void ref_leaf(const struct ref_tree *t, uint64_t i, uint8_t out[static 16]);

/* MTH(D[begin:end]).  Requires begin <= end <= n. */
void ref_mth(const struct ref_tree *t, uint64_t begin, uint64_t end, struct hash *ret);

/* PATH(m, D[n]); returns its length.  Requires m < n. */
size_t ref_path(uint64_t m, uint64_t n, struct ref_range out[static REF_RANGES_MAX]);

/* PROOF(m, D[n]); returns its length.  Requires 0 < m <= n. */
size_t ref_proof(uint64_t m, uint64_t n, struct ref_range out[static REF_RANGES_MAX]);

/* MTH of each range. */
void ref_hashes(const struct ref_tree *t, const struct ref_range *ranges, size_t n,
                struct hash *ret);

/* PATH read backwards: the root of D[n] from the hash of leaf m and the path. */
void ref_path_root(uint64_t m, uint64_t n, const struct hash *leaf, const struct hash *path,
                   size_t length, struct hash *ret);

/*
 * PROOF read backwards: MTH(D[0:m]) and MTH(D[n]) from the proof.  When the proof does not carry
 * the first, because m is a power of two or m = n, known is taken for it.
 */
void ref_proof_roots(uint64_t m, uint64_t n, const struct hash *known, const struct hash *proof,
                     size_t length, struct hash *ret_first, struct hash *ret_second);

#endif

/*
 * The prefix tree of KEYTRANS: hashes of its nodes, and roots computed from proofs.
 *
 * A binary trie over 256-bit search keys (VRF outputs), most significant bit first, 0 to the left.
 * A leaf stands at the first depth where no other leaf shares its prefix; the tree of one leaf is
 * that leaf, at depth 0; the empty tree's root is 32 zero bytes, as is a child that is not there.
 *
 * KEYTRANS, "Cryptographic Computations / Prefix Tree" and "Tree Proofs / Prefix Tree".
 * Pure; no allocation.  Uses hash, result, span.
 */
#ifndef MERKLE_KEYTRANS_PREFIX_H
#define MERKLE_KEYTRANS_PREFIX_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* Bits of a key.  A node's depth is a uint8, so two leaves differ in their first 255 bits. */
#define PREFIX_KEY_BITS 256
#define PREFIX_DEPTH_MAX 255
/* results<0..2^8-1> */
#define PREFIX_RESULTS_MAX 255
/* elements<0..2^16-1> */
#define PREFIX_ELEMENTS_MAX 65535

struct prefix_leaf {
    struct hash key; /* vrf_output */
    struct hash commitment;
};

enum prefix_result_type {
    PREFIX_INCLUSION = 1,
    PREFIX_NON_INCLUSION_LEAF = 2,   /* the search ended at another key's leaf */
    PREFIX_NON_INCLUSION_PARENT = 3, /* the search ended where a child is missing */
};

/* PrefixSearchResult, with the key that was searched for. */
struct prefix_lookup {
    struct hash key;
    enum prefix_result_type type;
    uint8_t depth; /* of the terminal node; the missing node's for PREFIX_NON_INCLUSION_PARENT */
    struct prefix_leaf leaf; /* the key's own for PREFIX_INCLUSION (commitment given by the caller),
                                the other for PREFIX_NON_INCLUSION_LEAF */
};

/* SHA-256(0x02 || key || commitment). */
void prefix_leaf_hash(const struct prefix_leaf *leaf, struct hash *ret);

/* SHA-256(0x03 || left || right).  ret may be left or right. */
void prefix_parent_hash(const struct hash *left, const struct hash *right, struct hash *ret);

/* Bit depth of key, 0 the most significant.  Requires depth < 256. */
bool prefix_bit(const struct hash *key, unsigned depth);

/* How many leading bits a and b share: 0 to 256. */
unsigned prefix_common(const struct hash *a, const struct hash *b);

/*
 * The root that n lookups and the copath hashes in elements (32 bytes each, left to right) lead to.
 * n may be 0: then elements is the root alone.
 *
 * Returns
 *   RES_OK
 *   RES_PROOF_LENGTH  elements are missing or left over, or elements.n is no multiple of 32
 *   RES_KT_PREFIX     the lookups contradict each other: two terminals in one place, a terminal
 * above another, a key twice, a non-inclusion leaf that is the key itself or does not share its
 * first depth bits
 */
MUST_CHECK enum result prefix_root(const struct prefix_lookup *lookups, unsigned n,
                                   struct span elements, struct hash *ret);

#endif

/*
 * Prefix trees that never change: inserting makes new nodes and leaves the old tree whole, so that
 * every version of the tree stays searchable for as long as its nodes are kept.
 *
 * Nodes live in a store that the caller hands in: "give me the node behind this reference", "keep
 * this node and tell me its reference".  Nothing is ever removed from a tree (FORMATS.md says why).
 *
 * Pure but for what the store does; no globals.  Uses prefix, result.
 */
#ifndef MERKLE_KEYTRANS_PREFIX_TREE_H
#define MERKLE_KEYTRANS_PREFIX_TREE_H

#include "merkle/base/buf.h"
#include "merkle/keytrans/prefix.h"

/* A node and where it is.  What ref means is the store's affair. */
struct prefix_ref {
    enum { PREFIX_EMPTY, PREFIX_LEAF, PREFIX_PARENT } kind;
    struct hash hash; /* zero when empty */
    uint64_t ref;     /* parents: the store's; leaves: the caller's, kept as it was given */
};

struct prefix_store {
    void *arg;
    /* The children of a parent. */
    enum result (*get)(void *arg, const struct prefix_ref *parent, struct prefix_ref *ret_left,
                       struct prefix_ref *ret_right);
    /* The key and commitment of a leaf. */
    enum result (*leaf)(void *arg, const struct prefix_ref *leaf, struct prefix_leaf *ret);
    /* Keeps a new parent; fills in ret->ref.  ret->kind and ret->hash are set.  Called children
     * first. */
    enum result (*put)(void *arg, const struct prefix_ref *left, const struct prefix_ref *right,
                       struct prefix_ref *ret);
};

/* One leaf to be inserted. */
struct prefix_addition {
    struct prefix_leaf leaf;
    uint64_t ref; /* given back in struct prefix_ref */
};

/*
 * Inserts n leaves, sorted by key, into the tree at root; the tree behind root stays as it was.
 * Each new parent is put once, whatever n is.  RES_KT_PREFIX when a key is there already, stands
 * twice, is out of order or shares PREFIX_DEPTH_MAX bits with another; RES_STORE_DAMAGED when the
 * tree is deeper than any can be; errors of the store.
 */
MUST_CHECK enum result prefix_insert(const struct prefix_store *store,
                                     const struct prefix_ref *root,
                                     const struct prefix_addition *add, size_t n,
                                     struct prefix_ref *ret);

/*
 * Looks up n keys (each lookups[i].key, in any order, none twice) in the tree at root: fills in
 * type, depth and leaf of each, and appends the copath to elements, left to right: what prefix_root
 * takes.  RES_TOO_LARGE when n > PREFIX_RESULTS_MAX; RES_STORE_DAMAGED as prefix_insert; errors of
 * the store; RES_MEMORY.
 */
MUST_CHECK enum result prefix_prove(const struct prefix_store *store, const struct prefix_ref *root,
                                    struct prefix_lookup *lookups, unsigned n,
                                    struct buf *elements);

#endif

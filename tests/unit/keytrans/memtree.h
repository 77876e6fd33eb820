/*
 * A combined tree in memory, of one label or several, to record proofs from: the simplest thing
 * that can be a struct record_tree.  Search keys are SHA-256 of label and version, no VRF.
 *
 * For tests.  Memory that cannot be had ends the test.
 */
#ifndef TESTS_UNIT_KEYTRANS_MEMTREE_H
#define TESTS_UNIT_KEYTRANS_MEMTREE_H

#include "merkle/keytrans/consume.h"
#include "merkle/keytrans/record.h"

struct memtree_node {
    struct prefix_ref left, right;
};

struct memtree {
    struct log_entry *entries;
    struct prefix_ref *roots;    /* the prefix tree as of each entry */
    struct logtree_peaks *peaks; /* the log tree of each size, from size 1 on */
    size_t n, cap;
    struct memtree_node *nodes;
    size_t nodes_n, nodes_cap;
    struct prefix_leaf *leaves;
    size_t leaves_n, leaves_cap;
    struct hash **heads; /* of balanced subtrees, by height */
    size_t heads_n[NODE_HEIGHT_MAX + 1], heads_cap[NODE_HEIGHT_MAX + 1];
};

/* One label: where its versions are. */
struct memlabel {
    uint32_t name;
    uint64_t *inserted; /* by version */
    size_t n, cap;
};

void memtree_init(struct memtree *t);
void memtree_release(struct memtree *t);

/* Appends an entry in which each of n labels gets new[i] versions more. */
void memtree_append(struct memtree *t, uint64_t timestamp, struct memlabel *labels,
                    const unsigned *new, size_t n);

/* Appends an entry with n new leaves, in any order. */
void memtree_append_leaves(struct memtree *t, uint64_t timestamp, const struct prefix_leaf *leaves,
                           size_t n);

void memlabel_release(struct memlabel *l);

/* The search key and the commitment of a version, whether it is there or not. */
void memlabel_leaf(const struct memlabel *l, uint32_t version, struct prefix_leaf *ret);

/* The faces of both that a recorder takes; borrowed. */
struct record_tree memtree_tree(struct memtree *t);
struct record_label memlabel_label(struct memlabel *l);

/* What a consumer knows of versions 0 to n - 1: keys, and commitments of those that are there.  ret
 * has room for n. */
void memlabel_versions(const struct memlabel *l, uint32_t n, struct consume_version *ret);

/* What a client of the tree of that size keeps. */
void memtree_view(const struct memtree *t, uint64_t size, struct kt_view *ret);

#endif

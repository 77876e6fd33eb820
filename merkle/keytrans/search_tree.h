/*
 * The implicit binary search tree over the entries of a log: KEYTRANS, "Implicit Binary Search
 * Tree" and its appendix.
 *
 * The tree over n entries has no nodes of its own: entry x is a node, its level is the number of
 * its trailing one bits, and its children follow from arithmetic.
 *
 *                 7                 n = 13: the root is 7, the frontier 7, 11, 12
 *             /       \
 *           3          11
 *         /   \       /  \
 *        1     5     9    12
 *       / \   / \   / \
 *      0   2 4   6 8  10
 *
 * Pure; no allocation.  Uses nothing.
 */
#ifndef MERKLE_KEYTRANS_SEARCH_TREE_H
#define MERKLE_KEYTRANS_SEARCH_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* A log has at most 2^62 entries (merkle/tree/node.h), so no path is longer. */
#define SEARCH_TREE_HEIGHT_MAX 63

/* Entries from the root towards somewhere, in walking order. */
struct search_path {
    uint64_t at[SEARCH_TREE_HEIGHT_MAX];
    unsigned n;
};

/* The root of the tree over n entries.  Requires 0 < n. */
uint64_t search_tree_root(uint64_t n);

/* The number of levels below x: trailing one bits. */
unsigned search_tree_level(uint64_t x);

/* The left child of x into *ret; false when it has none (x is even). */
bool search_tree_left(uint64_t x, uint64_t *ret);

/* The right child of x in the tree over n entries into *ret; false when it has none.  Requires x <
 * n. */
bool search_tree_right(uint64_t x, uint64_t n, uint64_t *ret);

/* All entries from the root to x, both included.  Requires x < n. */
void search_tree_path(uint64_t x, uint64_t n, struct search_path *ret);

/* The frontier: the root, its right child and so on to n - 1.  Requires 0 < n. */
void search_tree_frontier(uint64_t n, struct search_path *ret);

#endif

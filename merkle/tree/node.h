/*
 * Nodes of a Merkle tree by height and index: the node (h, i) is the root over the leaves
 * [i * 2^h, (i+1) * 2^h).  Leaves are nodes of height 0.
 *
 * Pure.  Uses nothing.
 */
#ifndef MERKLE_TREE_NODE_H
#define MERKLE_TREE_NODE_H

#include <stdbool.h>
#include <stdint.h>

/* Trees hold at most 2^62 leaves, so that no sum of two positions overflows. */
#define NODE_LEAVES_MAX (UINT64_C(1) << 62)
#define NODE_HEIGHT_MAX 62

struct node {
    unsigned height; /* 0 <= height <= NODE_HEIGHT_MAX */
    uint64_t index;
};

/* The node above n.  Requires n.height < NODE_HEIGHT_MAX. */
static inline struct node
node_parent(struct node n)
{
    return (struct node){n.height + 1, n.index >> 1};
}

/* The other child of n's parent. */
static inline struct node
node_sibling(struct node n)
{
    return (struct node){n.height, n.index ^ 1};
}

/* Whether n is a right child. */
static inline bool
node_is_right(struct node n)
{
    return (n.index & 1) != 0;
}

/* The first leaf under n. */
static inline uint64_t
node_begin(struct node n)
{
    return n.index << n.height;
}

/* One past the last leaf under n. */
static inline uint64_t
node_end(struct node n)
{
    return (n.index + 1) << n.height;
}

#endif

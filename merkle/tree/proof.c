#include "merkle/tree/proof.h"

#include <assert.h>

static void
add_node(struct proof_plan *plan, unsigned height, uint64_t index)
{
    assert(plan->n < PROOF_NODES_MAX);
    plan->nodes[plan->n++] = (struct node){height, index};
}

/* The perfect subtrees of [begin, size), largest first.  Requires size - begin <= begin's
 * alignment. */
static void
add_edge(struct proof_plan *plan, uint64_t begin, uint64_t size)
{
    uint64_t left = size - begin;
    unsigned height;

    plan->fold_begin = plan->n;
    while (left != 0) {
        height = 63 - (unsigned)__builtin_clzll(left);
        add_node(plan, height, (size - left) >> height);
        left ^= UINT64_C(1) << height;
    }
    plan->fold_end = plan->n;
}

/*
 * The siblings from n up to the root of the tree of size leaves.
 *
 *             root
 *            /    \           last is the last node of n's height, complete or not.  Below the node
 * where the o       ..         ways to n and to last part, n's siblings are complete; at it, the
 * sibling is /   \                the ragged right edge; above it, both ways are the right edge and
 * only left n     edge .. last    siblings stand beside it.
 */
static void
add_siblings(struct proof_plan *plan, struct node n, uint64_t size)
{
    uint64_t last = (size - 1) >> n.height;

    for (; n.index != last; n = node_parent(n), last >>= 1) {
        if ((n.index ^ last) == 1)
            add_edge(plan, node_end(n), size);
        else
            add_node(plan, n.height, n.index ^ 1);
    }
    for (; n.index != 0; n = node_parent(n))
        if (node_is_right(n))
            add_node(plan, n.height, n.index ^ 1);
}

static void
plan_init(struct proof_plan *plan)
{
    plan->n = 0;
    plan->fold_begin = 0;
    plan->fold_end = 0;
}

enum result
proof_plan_inclusion(uint64_t index, uint64_t size, struct proof_plan *ret)
{
    if (index >= size || size > NODE_LEAVES_MAX)
        return RES_RANGE;
    plan_init(ret);
    add_siblings(ret, (struct node){0, index}, size);
    return RES_OK;
}

enum result
proof_plan_consistency(uint64_t first, uint64_t second, struct proof_plan *ret)
{
    struct node n;

    if (first == 0 || first > second || second > NODE_LEAVES_MAX)
        return RES_RANGE;
    plan_init(ret);
    if (first == second)
        return RES_OK;
    /* The smallest, rightmost subtree of the first tree; the second tree holds it as a node. */
    n.height = (unsigned)__builtin_ctzll(first);
    n.index = (first >> n.height) - 1;
    /* When it is the whole first tree, the verifier knows its hash: RFC 6962 2.1.2, b = true. */
    if (n.index != 0)
        add_node(ret, n.height, n.index);
    add_siblings(ret, n, second);
    return RES_OK;
}

unsigned
proof_fold(const struct proof_plan *plan, const struct hash *hashes, struct hash *ret)
{
    unsigned n = 0;
    struct hash h;

    for (unsigned i = 0; i < plan->n; i++) {
        if (i != plan->fold_begin || plan->fold_begin == plan->fold_end) {
            ret[n++] = hashes[i];
            continue;
        }
        i = plan->fold_end - 1;
        h = hashes[i];
        for (unsigned k = i; k > plan->fold_begin; k--)
            hash_node(&hashes[k - 1], &h, &h);
        ret[n++] = h;
    }
    return n;
}

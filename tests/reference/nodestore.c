#include "tests/reference/nodestore.h"

#include <assert.h>
#include <stdlib.h>

static void
completed(void *arg, struct node n, const struct hash *h)
{
    struct nodestore *s = arg;

    assert(n.height < NODESTORE_HEIGHTS);
    assert(n.index == s->n[n.height]);
    s->rows[n.height][s->n[n.height]++] = *h;
}

void
nodestore_init(struct nodestore *s, const struct ref_tree *tree)
{
    uint8_t d[16];
    struct hash h;

    memset(s, 0, sizeof(*s));
    s->tree = tree;
    for (unsigned k = 0; k < NODESTORE_HEIGHTS; k++)
        s->rows[k] = calloc((size_t)(tree->n >> k) + 1, sizeof(struct hash));
    range_init(&s->range);
    for (uint64_t i = 0; i < tree->n; i++) {
        ref_leaf(tree, i, d);
        hash_leaf(span_of(d, sizeof(d)), &h);
        range_append(&s->range, &h, completed, s);
    }
    for (unsigned k = 0; k < NODESTORE_HEIGHTS; k++)
        assert(s->n[k] == tree->n >> k);
}

void
nodestore_release(struct nodestore *s)
{
    for (unsigned k = 0; k < NODESTORE_HEIGHTS; k++)
        free(s->rows[k]);
    memset(s, 0, sizeof(*s));
}

const struct hash *
nodestore_get(const struct nodestore *s, struct node n)
{
    assert(n.height < NODESTORE_HEIGHTS && n.index < s->n[n.height]);
    return &s->rows[n.height][n.index];
}

unsigned
nodestore_prove(const struct nodestore *s, const struct proof_plan *plan,
                struct hash ret[static PROOF_HASHES_MAX])
{
    struct hash hashes[PROOF_NODES_MAX];

    for (unsigned i = 0; i < plan->n; i++)
        hashes[i] = *nodestore_get(s, plan->nodes[i]);
    return proof_fold(plan, hashes, ret);
}

#include "merkle/tree/range.h"

#include <assert.h>

void
range_init(struct range *r)
{
    memset(r, 0, sizeof(*r));
}

unsigned
range_peaks(const struct range *r)
{
    return (unsigned)__builtin_popcountll(r->size);
}

struct node
range_peak_node(const struct range *r, unsigned k)
{
    uint64_t bits = r->size;
    unsigned height;

    assert(k < range_peaks(r));
    for (; k > 0; k--)
        bits ^= UINT64_C(1) << (63 - __builtin_clzll(bits));
    height = 63 - (unsigned)__builtin_clzll(bits);
    /* That bit of the size is set: one subtree of this height more than the subtree's index. */
    return (struct node){height, (r->size >> height) - 1};
}

void
range_append(struct range *r, const struct hash *leaf, range_node_fn *completed, void *arg)
{
    struct node n = {0, r->size};
    unsigned top = range_peaks(r);

    assert(r->size < NODE_LEAVES_MAX);
    r->peaks[top] = *leaf;
    if (completed != NULL)
        completed(arg, n, &r->peaks[top]);
    /* Like a carry: every right child completes its parent. */
    while (node_is_right(n)) {
        hash_node(&r->peaks[top - 1], &r->peaks[top], &r->peaks[top - 1]);
        top--;
        n = node_parent(n);
        if (completed != NULL)
            completed(arg, n, &r->peaks[top]);
    }
    r->size++;
}

void
range_root(const struct range *r, struct hash *ret)
{
    unsigned k = range_peaks(r);
    struct hash h;

    if (k == 0) {
        hash_empty(ret);
        return;
    }
    h = r->peaks[--k];
    while (k > 0)
        hash_node(&r->peaks[--k], &h, &h);
    *ret = h;
}

enum result
range_from_peaks(uint64_t size, const struct hash *peaks, size_t n, struct range *ret)
{
    if (size > NODE_LEAVES_MAX)
        return RES_RANGE;
    if (n != (size_t)__builtin_popcountll(size))
        return RES_PROOF_LENGTH;
    range_init(ret);
    ret->size = size;
    if (n > 0)
        memcpy(ret->peaks, peaks, n * sizeof(*peaks));
    return RES_OK;
}

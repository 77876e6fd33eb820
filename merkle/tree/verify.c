#include "merkle/tree/verify.h"

/*
 * The way from a node up to the root along the tree's right edge: fn is the node's index, sn that
 * of the last node of the same height (RFC 9162 2.1.3.2 and 2.1.4.2).
 */
struct walk {
    uint64_t fn, sn;
};

/* Whether the next hash of the proof stands on the left. */
static bool
walk_from_right(const struct walk *w)
{
    return (w->fn & 1) != 0 || w->fn == w->sn;
}

/* One step up; from the right edge as many as it takes to where the node has a left sibling. */
static void
walk_up(struct walk *w)
{
    if (walk_from_right(w)) {
        while ((w->fn & 1) == 0 && w->fn != 0) {
            w->fn >>= 1;
            w->sn >>= 1;
        }
    }
    w->fn >>= 1;
    w->sn >>= 1;
}

/* The number of hashes between the walk's node and the root. */
static size_t
walk_length(struct walk w)
{
    size_t n = 0;

    for (; w.fn != w.sn; w.fn >>= 1, w.sn >>= 1)
        n++;
    return n + (size_t)__builtin_popcountll(w.fn);
}

enum result
inclusion_root(const struct hash *leaf, uint64_t index, uint64_t size, const struct hash *proof,
               size_t n, struct hash *ret)
{
    struct walk w = {index, size - 1};
    struct hash r = *leaf;

    if (index >= size)
        return RES_RANGE;
    if (n != walk_length(w))
        return RES_PROOF_LENGTH;
    for (size_t i = 0; i < n; i++, walk_up(&w)) {
        if (walk_from_right(&w))
            hash_node(&proof[i], &r, &r);
        else
            hash_node(&r, &proof[i], &r);
    }
    *ret = r;
    return RES_OK;
}

enum result
inclusion_verify(const struct hash *leaf, uint64_t index, uint64_t size, const struct hash *proof,
                 size_t n, const struct hash *root)
{
    struct hash h;
    enum result rc;

    rc = inclusion_root(leaf, index, size, proof, n, &h);
    if (rc != RES_OK)
        return rc;
    return hash_equal(&h, root) ? RES_OK : RES_ROOT_DIFFERS;
}

/* Nothing lies between the two trees, or the first is empty: only the roots are compared. */
static enum result
verify_trivial(uint64_t first, uint64_t second, const struct hash *root1, const struct hash *root2,
               size_t n)
{
    struct hash empty;

    if (n != 0)
        return RES_PROOF_LENGTH;
    hash_empty(&empty);
    if (first == 0 && !hash_equal(root1, &empty))
        return RES_ROOT_DIFFERS;
    if (first == second && !hash_equal(root1, root2))
        return RES_ROOT_DIFFERS;
    return RES_OK;
}

enum result
consistency_verify(uint64_t first, uint64_t second, const struct hash *root1,
                   const struct hash *root2, const struct hash *proof, size_t n)
{
    struct hash fr, sr;
    struct walk w;
    unsigned shift;
    size_t i = 0;

    if (first > second)
        return RES_RANGE;
    if (first == 0 || first == second)
        return verify_trivial(first, second, root1, root2, n);
    shift = (unsigned)__builtin_ctzll(first);
    w = (struct walk){(first - 1) >> shift, (second - 1) >> shift};
    /* "If first is an exact power of 2, then prepend first_hash": RFC 9162 2.1.4.2. */
    if (n != walk_length(w) + (w.fn != 0))
        return RES_PROOF_LENGTH;
    fr = w.fn == 0 ? *root1 : proof[i++];
    sr = fr;
    for (; i < n; i++, walk_up(&w)) {
        if (walk_from_right(&w)) {
            hash_node(&proof[i], &fr, &fr);
            hash_node(&proof[i], &sr, &sr);
        } else {
            hash_node(&sr, &proof[i], &sr);
        }
    }
    if (!hash_equal(&fr, root1) || !hash_equal(&sr, root2))
        return RES_ROOT_DIFFERS;
    return RES_OK;
}

#include "tests/reference/refmerkle.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define MEMO_LEAVES_MAX 512

static void
sha256(const uint8_t *p, size_t n, struct hash *ret)
{
    int ok = EVP_Digest(p, n, ret->b, NULL, EVP_sha256(), NULL);

    assert(ok == 1);
}

/* SHA-256(0x01 || a || b) */
static void
node(const struct hash *a, const struct hash *b, struct hash *ret)
{
    uint8_t in[65];

    in[0] = 0x01;
    memcpy(in + 1, a->b, 32);
    memcpy(in + 33, b->b, 32);
    sha256(in, sizeof(in), ret);
}

/* "let k be the largest power of two smaller than n (i.e., k < n <= 2k)" */
static uint64_t
split(uint64_t n)
{
    uint64_t k = 1;

    assert(n > 1);
    while (k * 2 < n)
        k *= 2;
    return k;
}

void
ref_tree_init(struct ref_tree *t, uint64_t seed, uint64_t n)
{
    *t = (struct ref_tree){.seed = seed, .n = n, .memo = NULL};
    if (n <= MEMO_LEAVES_MAX)
        t->memo = calloc((size_t)(n * (n + 1) + 1), sizeof(*t->memo));
}

void
ref_tree_release(struct ref_tree *t)
{
    free(t->memo);
    t->memo = NULL;
}

void
ref_leaf(const struct ref_tree *t, uint64_t i, uint8_t out[static 16])
{
    for (unsigned k = 0; k < 8; k++) {
        out[k] = (uint8_t)(t->seed >> (56 - 8 * k));
        out[8 + k] = (uint8_t)(i >> (56 - 8 * k));
    }
}

/* MTH({d(0)}) = SHA-256(0x00 || d(0)) */
static void
mth_leaf(const struct ref_tree *t, uint64_t i, struct hash *ret)
{
    uint8_t in[17];

    in[0] = 0x00;
    ref_leaf(t, i, in + 1);
    sha256(in, sizeof(in), ret);
}

void
ref_mth(const struct ref_tree *t, uint64_t begin, uint64_t end, struct hash *ret)
{
    static const struct hash unknown;
    struct hash left, right, *memo = NULL;
    uint64_t n = end - begin, k;

    assert(begin <= end && end <= t->n);
    if (n == 0) {
        sha256((const uint8_t *)"", 0, ret);
        return;
    }
    if (n == 1) {
        mth_leaf(t, begin, ret);
        return;
    }
    if (t->memo != NULL)
        memo = &t->memo[begin * (t->n + 1) + end];
    if (memo != NULL && !hash_equal(memo, &unknown)) {
        *ret = *memo;
        return;
    }
    /* MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])) */
    k = split(n);
    ref_mth(t, begin, begin + k, &left);
    ref_mth(t, begin + k, end, &right);
    node(&left, &right, ret);
    if (memo != NULL)
        *memo = *ret;
}

static size_t
add(struct ref_range *out, size_t length, uint64_t begin, uint64_t end)
{
    assert(length < REF_RANGES_MAX);
    out[length] = (struct ref_range){begin, end};
    return length + 1;
}

/* PATH(m, D[n]) of the n leaves from begin. */
static size_t
path(uint64_t m, uint64_t begin, uint64_t n, struct ref_range *out)
{
    uint64_t k;

    /* PATH(0, {d(0)}) = {} */
    if (n == 1)
        return 0;
    k = split(n);
    /* PATH(m, D[n]) = PATH(m, D[0:k]) : MTH(D[k:n]) for m < k */
    if (m < k)
        return add(out, path(m, begin, k, out), begin + k, begin + n);
    /* PATH(m, D[n]) = PATH(m - k, D[k:n]) : MTH(D[0:k]) for m >= k */
    return add(out, path(m - k, begin + k, n - k, out), begin, begin + k);
}

size_t
ref_path(uint64_t m, uint64_t n, struct ref_range out[static REF_RANGES_MAX])
{
    assert(m < n);
    return path(m, 0, n, out);
}

/* SUBPROOF(m, D[n], b) of the n leaves from begin. */
static size_t
subproof(uint64_t m, uint64_t begin, uint64_t n, bool b, struct ref_range *out)
{
    uint64_t k;

    /* SUBPROOF(m, D[m], true) = {}; SUBPROOF(m, D[m], false) = {MTH(D[m])} */
    if (m == n)
        return b ? 0 : add(out, 0, begin, begin + n);
    k = split(n);
    /* If m <= k: SUBPROOF(m, D[n], b) = SUBPROOF(m, D[0:k], b) : MTH(D[k:n]) */
    if (m <= k)
        return add(out, subproof(m, begin, k, b, out), begin + k, begin + n);
    /* If m > k: SUBPROOF(m, D[n], b) = SUBPROOF(m - k, D[k:n], false) : MTH(D[0:k]) */
    return add(out, subproof(m - k, begin + k, n - k, false, out), begin, begin + k);
}

size_t
ref_proof(uint64_t m, uint64_t n, struct ref_range out[static REF_RANGES_MAX])
{
    assert(0 < m && m <= n);
    return subproof(m, 0, n, true, out);
}

void
ref_hashes(const struct ref_tree *t, const struct ref_range *ranges, size_t n, struct hash *ret)
{
    for (size_t i = 0; i < n; i++)
        ref_mth(t, ranges[i].begin, ranges[i].end, &ret[i]);
}

void
ref_path_root(uint64_t m, uint64_t n, const struct hash *leaf, const struct hash *path_,
              size_t length, struct hash *ret)
{
    struct hash h;
    uint64_t k;

    if (n == 1) {
        assert(length == 0);
        *ret = *leaf;
        return;
    }
    k = split(n);
    assert(length > 0);
    if (m < k) {
        ref_path_root(m, k, leaf, path_, length - 1, &h);
        node(&h, &path_[length - 1], ret);
    } else {
        ref_path_root(m - k, n - k, leaf, path_, length - 1, &h);
        node(&path_[length - 1], &h, ret);
    }
}

static void
subproof_roots(uint64_t m, uint64_t n, const struct hash *known, bool b, const struct hash *proof,
               size_t length, struct hash *ret_first, struct hash *ret_second)
{
    struct hash first, second;
    uint64_t k;

    if (m == n) {
        assert(length == (b ? 0 : 1));
        *ret_first = b ? *known : proof[0];
        *ret_second = *ret_first;
        return;
    }
    k = split(n);
    assert(length > 0);
    if (m <= k) {
        subproof_roots(m, k, known, b, proof, length - 1, ret_first, &second);
        node(&second, &proof[length - 1], ret_second);
    } else {
        subproof_roots(m - k, n - k, known, false, proof, length - 1, &first, &second);
        node(&proof[length - 1], &first, ret_first);
        node(&proof[length - 1], &second, ret_second);
    }
}

void
ref_proof_roots(uint64_t m, uint64_t n, const struct hash *known, const struct hash *proof,
                size_t length, struct hash *ret_first, struct hash *ret_second)
{
    assert(0 < m && m <= n);
    subproof_roots(m, n, known, true, proof, length, ret_first, ret_second);
}

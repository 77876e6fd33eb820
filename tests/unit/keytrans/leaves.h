/*
 * Random leaves for tests of prefix trees: keys that share prefixes of every length.
 */
#ifndef TESTS_UNIT_KEYTRANS_LEAVES_H
#define TESTS_UNIT_KEYTRANS_LEAVES_H

#include <string.h>

#include "merkle/keytrans/prefix.h"
#include "tests/vectors/rng.h"

/* A key, or one that differs from *near first in bit 0 to 254. */
static inline struct hash
random_key(struct rng *r, const struct hash *near)
{
    struct hash k;
    unsigned differs;

    rng_fill(r, k.b, HASH_SIZE);
    if (near == NULL)
        return k;
    differs = (unsigned)rng_scaled(r, PREFIX_DEPTH_MAX);
    for (unsigned i = 0; i <= differs; i++) {
        uint8_t bit = (uint8_t)(0x80 >> i % 8);

        k.b[i / 8] =
            (uint8_t)((k.b[i / 8] & ~bit) | ((near->b[i / 8] ^ (i == differs ? bit : 0)) & bit));
    }
    return k;
}

/* Whether key is that of one of n leaves. */
static inline bool
is_leaf(const struct prefix_leaf *leaves, size_t n, const struct hash *key)
{
    for (size_t i = 0; i < n; i++)
        if (hash_equal(&leaves[i].key, key))
            return true;
    return false;
}

/* n leaves, no key twice. */
static inline void
random_leaves(struct rng *r, struct prefix_leaf *ret, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool near = i > 0 && rng_next(r) % 3 == 0;

        ret[i].key = random_key(r, near ? &ret[rng_next(r) % i].key : NULL);
        rng_fill(r, ret[i].commitment.b, HASH_SIZE);
        if (is_leaf(ret, i, &ret[i].key))
            i--;
    }
}

/* n keys to look up, none twice: leaves, neighbours of leaves, strangers. */
static inline void
random_lookups(struct rng *r, const struct prefix_leaf *leaves, size_t leaves_n,
               struct prefix_lookup *ret, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t what = leaves_n == 0 ? 2 : rng_next(r) % 3;
        const struct hash *near = what == 2 ? NULL : &leaves[rng_next(r) % leaves_n].key;
        bool again = false;

        memset(&ret[i], 0, sizeof(ret[i]));
        ret[i].key = what == 0 ? *near : random_key(r, near);
        for (unsigned k = 0; k < i; k++)
            again = again || hash_equal(&ret[k].key, &ret[i].key);
        if (again)
            ret[i].key = random_key(r, NULL);
    }
}

#endif

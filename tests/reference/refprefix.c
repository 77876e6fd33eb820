#include "tests/reference/refprefix.h"

#include <openssl/evp.h>
#include <stdlib.h>

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
sha256(uint8_t tag, const struct hash *a, const struct hash *b, struct hash *ret)
{
    uint8_t bytes[1 + 2 * HASH_SIZE];

    bytes[0] = tag;
    memcpy(bytes + 1, a->b, HASH_SIZE);
    memcpy(bytes + 1 + HASH_SIZE, b->b, HASH_SIZE);
    must(EVP_Digest(bytes, sizeof(bytes), ret->b, NULL, EVP_sha256(), NULL) == 1);
}

static bool
bit(const struct hash *key, unsigned depth)
{
    return key->b[depth / 8] & 0x80 >> depth % 8;
}

/* The leaves whose bit depth is side, in memory of their own. */
static struct prefix_leaf *
half(const struct prefix_leaf *leaves, size_t n, unsigned depth, bool side, size_t *ret_n)
{
    struct prefix_leaf *ret = calloc(n + 1, sizeof(*ret));

    must(ret != NULL);
    *ret_n = 0;
    for (size_t i = 0; i < n; i++)
        if (bit(&leaves[i].key, depth) == side)
            ret[(*ret_n)++] = leaves[i];
    return ret;
}

static void
value(const struct prefix_leaf *leaves, size_t n, unsigned depth, struct hash *ret)
{
    struct hash child[2];

    memset(ret, 0, sizeof(*ret));
    if (n == 1)
        sha256(2, &leaves[0].key, &leaves[0].commitment, ret);
    if (n < 2)
        return;
    for (unsigned side = 0; side < 2; side++) {
        size_t m;
        struct prefix_leaf *part = half(leaves, n, depth, side == 1, &m);

        value(part, m, depth + 1, &child[side]);
        free(part);
    }
    sha256(3, &child[0], &child[1], ret);
}

void
ref_prefix_root(const struct prefix_leaf *leaves, size_t n, struct hash *ret)
{
    value(leaves, n, 0, ret);
}

/* The lookup ends here: at the one leaf, or at nothing. */
static void
terminal(const struct prefix_leaf *leaf, unsigned depth, struct prefix_lookup *l)
{
    l->depth = (uint8_t)depth;
    l->type = PREFIX_NON_INCLUSION_PARENT;
    if (leaf == NULL)
        return;
    l->leaf = *leaf;
    l->type = memcmp(leaf->key.b, l->key.b, HASH_SIZE) == 0 ? PREFIX_INCLUSION
                                                            : PREFIX_NON_INCLUSION_LEAF;
}

static void
prove(const struct prefix_leaf *leaves, size_t n, struct prefix_lookup **lookups, unsigned count,
      unsigned depth, struct buf *elements)
{
    struct prefix_lookup *part[PREFIX_RESULTS_MAX];
    struct hash h;

    if (count == 0) {
        value(leaves, n, depth, &h);
        must(buf_add(elements, hash_span(&h)) == RES_OK);
        return;
    }
    if (n < 2) {
        for (unsigned i = 0; i < count; i++)
            terminal(n == 0 ? NULL : leaves, depth, lookups[i]);
        return;
    }
    for (unsigned side = 0; side < 2; side++) {
        size_t m;
        unsigned k = 0;
        struct prefix_leaf *below = half(leaves, n, depth, side == 1, &m);

        for (unsigned i = 0; i < count; i++)
            if (bit(&lookups[i]->key, depth) == (side == 1))
                part[k++] = lookups[i];
        prove(below, m, part, k, depth + 1, elements);
        free(below);
    }
}

void
ref_prefix_prove(const struct prefix_leaf *leaves, size_t n, struct prefix_lookup *lookups,
                 unsigned count, struct buf *elements)
{
    struct prefix_lookup *all[PREFIX_RESULTS_MAX];

    must(count <= PREFIX_RESULTS_MAX);
    for (unsigned i = 0; i < count; i++)
        all[i] = &lookups[i];
    prove(leaves, n, all, count, 0, elements);
}

#include "merkle/keytrans/prefix.h"

#include <string.h>

#define TAG_LEAF 0x02
#define TAG_PARENT 0x03

static const struct hash nothing;

static void
tagged(uint8_t tag, const struct hash *a, const struct hash *b, struct hash *ret)
{
    uint8_t bytes[1 + 2 * HASH_SIZE];

    bytes[0] = tag;
    memcpy(bytes + 1, a->b, HASH_SIZE);
    memcpy(bytes + 1 + HASH_SIZE, b->b, HASH_SIZE);
    hash_sha256(span_of(bytes, sizeof(bytes)), ret);
}

void
prefix_leaf_hash(const struct prefix_leaf *leaf, struct hash *ret)
{
    tagged(TAG_LEAF, &leaf->key, &leaf->commitment, ret);
}

void
prefix_parent_hash(const struct hash *left, const struct hash *right, struct hash *ret)
{
    tagged(TAG_PARENT, left, right, ret);
}

bool
prefix_bit(const struct hash *key, unsigned depth)
{
    return (key->b[depth / 8] >> (7 - depth % 8) & 1) != 0;
}

unsigned
prefix_common(const struct hash *a, const struct hash *b)
{
    unsigned i = 0, differ;

    while (i < HASH_SIZE && a->b[i] == b->b[i])
        i++;
    if (i == HASH_SIZE)
        return PREFIX_KEY_BITS;
    differ = a->b[i] ^ b->b[i];
    return 8 * i + (unsigned)__builtin_clz(differ) - 24;
}

/* A proof on its way to the root. */
struct evaluation {
    const struct prefix_lookup *sorted[PREFIX_RESULTS_MAX]; /* by key */
    struct span elements;
    enum result rc;
};

/* Sorts by key: insertion, for at most 255 lookups that often come sorted by chance of a handful.
 */
static void
sort(struct evaluation *e, const struct prefix_lookup *lookups, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned k = i;

        while (k > 0 && memcmp(e->sorted[k - 1]->key.b, lookups[i].key.b, HASH_SIZE) > 0) {
            e->sorted[k] = e->sorted[k - 1];
            k--;
        }
        e->sorted[k] = &lookups[i];
    }
}

static bool
terminal_well_formed(const struct prefix_lookup *l)
{
    switch (l->type) {
    case PREFIX_INCLUSION:
        return hash_equal(&l->key, &l->leaf.key);
    case PREFIX_NON_INCLUSION_LEAF:
        /* The leaf stands where the search for the key went: they share the depth, and are not the
         * same. */
        return !hash_equal(&l->key, &l->leaf.key) &&
               prefix_common(&l->key, &l->leaf.key) >= l->depth;
    case PREFIX_NON_INCLUSION_PARENT:
        return true;
    }
    return false;
}

static void
terminal_hash(const struct prefix_lookup *l, struct hash *ret)
{
    if (l->type == PREFIX_NON_INCLUSION_PARENT)
        *ret = nothing;
    else
        prefix_leaf_hash(&l->leaf, ret);
}

static void
take_element(struct evaluation *e, struct hash *ret)
{
    if (e->elements.n < HASH_SIZE) {
        e->rc = RES_PROOF_LENGTH;
        return;
    }
    memcpy(ret->b, e->elements.p, HASH_SIZE);
    e->elements = span_of(e->elements.p + HASH_SIZE, e->elements.n - HASH_SIZE);
}

/* The terminal that all lookups [begin, end) must share: one node has one value. */
static void
same_terminal(struct evaluation *e, unsigned begin, unsigned end, struct hash *ret)
{
    const struct prefix_lookup *first = e->sorted[begin];

    for (unsigned i = begin + 1; i < end; i++) {
        const struct prefix_lookup *l = e->sorted[i];
        bool both_nothing =
            l->type == PREFIX_NON_INCLUSION_PARENT && first->type == PREFIX_NON_INCLUSION_PARENT;
        bool both_leaf = l->type != PREFIX_NON_INCLUSION_PARENT &&
                         first->type != PREFIX_NON_INCLUSION_PARENT &&
                         hash_equal(&l->leaf.key, &first->leaf.key) &&
                         hash_equal(&l->leaf.commitment, &first->leaf.commitment);

        if (l->depth != first->depth || !(both_nothing || both_leaf)) {
            e->rc = RES_KT_PREFIX;
            return;
        }
    }
    terminal_hash(first, ret);
}

/* The node at depth above lookups [begin, end), which share that many bits; at most 256 deep. */
static void
node(struct evaluation *e, unsigned begin, unsigned end, unsigned depth, struct hash *ret)
{
    unsigned middle = begin;
    struct hash left = {0}, right = {0};

    if (e->rc != RES_OK)
        return;
    if (begin == end) {
        take_element(e, ret);
        return;
    }
    for (unsigned i = begin; i < end; i++) {
        if (e->sorted[i]->depth == depth) {
            same_terminal(e, begin, end, ret);
            return;
        }
    }
    if (depth == PREFIX_DEPTH_MAX) {
        e->rc = RES_KT_PREFIX;
        return;
    }
    while (middle < end && !prefix_bit(&e->sorted[middle]->key, depth))
        middle++;
    node(e, begin, middle, depth + 1, &left);
    node(e, middle, end, depth + 1, &right);
    prefix_parent_hash(&left, &right, ret);
}

enum result
prefix_root(const struct prefix_lookup *lookups, unsigned n, struct span elements, struct hash *ret)
{
    struct evaluation e = {.elements = elements};
    struct hash root = {0};

    if (n > PREFIX_RESULTS_MAX || elements.n % HASH_SIZE != 0)
        return RES_PROOF_LENGTH;
    sort(&e, lookups, n);
    for (unsigned i = 0; i < n; i++)
        if (!terminal_well_formed(e.sorted[i]) ||
            (i > 0 && hash_equal(&e.sorted[i]->key, &e.sorted[i - 1]->key)))
            return RES_KT_PREFIX;
    node(&e, 0, n, 0, &root);
    if (e.rc == RES_OK && e.elements.n > 0)
        e.rc = RES_PROOF_LENGTH;
    if (e.rc == RES_OK)
        *ret = root;
    return e.rc;
}

#include "merkle/keytrans/prefix_tree.h"

#include <string.h>

static const struct prefix_ref empty = {.kind = PREFIX_EMPTY};

/* Additions on their way down, and perhaps a leaf that they push before them. */
struct insertion {
    const struct prefix_store *store;
    const struct prefix_addition *add; /* sorted */
};

struct pushed {
    const struct prefix_ref *ref; /* NULL: none */
    struct hash key;
};

/* The first of [begin, end) whose bit depth is one. */
static size_t
additions_middle(const struct insertion *in, size_t begin, size_t end, unsigned depth)
{
    while (begin < end && !prefix_bit(&in->add[begin].leaf.key, depth))
        begin++;
    return begin;
}

static enum result
join(const struct prefix_store *store, const struct prefix_ref *left,
     const struct prefix_ref *right, struct prefix_ref *ret)
{
    struct prefix_ref made = {.kind = PREFIX_PARENT};
    enum result rc;

    prefix_parent_hash(&left->hash, &right->hash, &made.hash);
    rc = store->put(store->arg, left, right, &made);
    if (rc == RES_OK)
        *ret = made;
    return rc;
}

/* The subtree at depth that holds the additions [begin, end) and the pushed leaf, and nothing else.
 */
static enum result
grow(const struct insertion *in, size_t begin, size_t end, struct pushed old, unsigned depth,
     struct prefix_ref *ret)
{
    size_t middle;
    struct pushed none = {.ref = NULL};
    struct prefix_ref left, right;
    bool old_right;
    enum result rc;

    if (begin == end) {
        *ret = old.ref == NULL ? empty : *old.ref;
        return RES_OK;
    }
    if (end - begin == 1 && old.ref == NULL) {
        ret->kind = PREFIX_LEAF;
        ret->ref = in->add[begin].ref;
        prefix_leaf_hash(&in->add[begin].leaf, &ret->hash);
        return RES_OK;
    }
    if (depth >= PREFIX_DEPTH_MAX)
        return RES_KT_PREFIX;
    middle = additions_middle(in, begin, end, depth);
    old_right = old.ref != NULL && prefix_bit(&old.key, depth);
    rc = grow(in, begin, middle, old_right ? none : old, depth + 1, &left);
    if (rc == RES_OK)
        rc = grow(in, middle, end, old_right ? old : none, depth + 1, &right);
    return rc == RES_OK ? join(in->store, &left, &right, ret) : rc;
}

/* Additions that meet a leaf push it down until they part. */
static enum result
push(const struct insertion *in, size_t begin, size_t end, const struct prefix_ref *at,
     unsigned depth, struct prefix_ref *ret)
{
    struct prefix_leaf leaf;
    enum result rc = in->store->leaf(in->store->arg, at, &leaf);

    if (rc != RES_OK)
        return rc;
    for (size_t i = begin; i < end; i++)
        if (hash_equal(&in->add[i].leaf.key, &leaf.key))
            return RES_KT_PREFIX;
    return grow(in, begin, end, (struct pushed){at, leaf.key}, depth, ret);
}

static enum result
insert(const struct insertion *in, size_t begin, size_t end, const struct prefix_ref *at,
       unsigned depth, struct prefix_ref *ret)
{
    size_t middle;
    struct prefix_ref left, right;
    enum result rc;

    if (begin == end) {
        *ret = *at;
        return RES_OK;
    }
    if (at->kind == PREFIX_EMPTY)
        return grow(in, begin, end, (struct pushed){.ref = NULL}, depth, ret);
    if (at->kind == PREFIX_LEAF)
        return push(in, begin, end, at, depth, ret);
    if (depth == PREFIX_DEPTH_MAX)
        return RES_STORE_DAMAGED;
    rc = in->store->get(in->store->arg, at, &left, &right);
    if (rc != RES_OK)
        return rc;
    middle = additions_middle(in, begin, end, depth);
    rc = insert(in, begin, middle, &left, depth + 1, &left);
    if (rc == RES_OK)
        rc = insert(in, middle, end, &right, depth + 1, &right);
    return rc == RES_OK ? join(in->store, &left, &right, ret) : rc;
}

enum result
prefix_insert(const struct prefix_store *store, const struct prefix_ref *root,
              const struct prefix_addition *add, size_t n, struct prefix_ref *ret)
{
    struct insertion in = {store, add};
    struct prefix_ref made;
    enum result rc;

    for (size_t i = 1; i < n; i++)
        if (memcmp(add[i - 1].leaf.key.b, add[i].leaf.key.b, HASH_SIZE) >= 0)
            return RES_KT_PREFIX;
    rc = insert(&in, 0, n, root, 0, &made);
    if (rc == RES_OK)
        *ret = made;
    return rc;
}

/* Lookups on their way down, by key. */
struct search {
    const struct prefix_store *store;
    struct prefix_lookup *sorted[PREFIX_RESULTS_MAX];
    struct buf *elements;
};

/* The first of [begin, end) whose bit depth is one. */
static unsigned
lookups_middle(const struct search *s, unsigned begin, unsigned end, unsigned depth)
{
    while (begin < end && !prefix_bit(&s->sorted[begin]->key, depth))
        begin++;
    return begin;
}

static enum result
end_at_leaf(const struct search *s, unsigned begin, unsigned end, const struct prefix_ref *at,
            unsigned depth)
{
    struct prefix_leaf leaf;
    enum result rc = s->store->leaf(s->store->arg, at, &leaf);

    if (rc != RES_OK)
        return rc;
    for (unsigned i = begin; i < end; i++) {
        struct prefix_lookup *l = s->sorted[i];

        l->type = hash_equal(&l->key, &leaf.key) ? PREFIX_INCLUSION : PREFIX_NON_INCLUSION_LEAF;
        l->depth = (uint8_t)depth;
        l->leaf = leaf;
    }
    return RES_OK;
}

static enum result
look(const struct search *s, unsigned begin, unsigned end, const struct prefix_ref *at,
     unsigned depth)
{
    unsigned middle;
    struct prefix_ref left, right;
    enum result rc;

    if (begin == end)
        return buf_add(s->elements, hash_span(&at->hash));
    if (at->kind == PREFIX_LEAF)
        return end_at_leaf(s, begin, end, at, depth);
    if (at->kind == PREFIX_EMPTY) {
        for (unsigned i = begin; i < end; i++) {
            s->sorted[i]->type = PREFIX_NON_INCLUSION_PARENT;
            s->sorted[i]->depth = (uint8_t)depth;
        }
        return RES_OK;
    }
    if (depth == PREFIX_DEPTH_MAX)
        return RES_STORE_DAMAGED;
    rc = s->store->get(s->store->arg, at, &left, &right);
    if (rc != RES_OK)
        return rc;
    middle = lookups_middle(s, begin, end, depth);
    rc = look(s, begin, middle, &left, depth + 1);
    return rc == RES_OK ? look(s, middle, end, &right, depth + 1) : rc;
}

enum result
prefix_prove(const struct prefix_store *store, const struct prefix_ref *root,
             struct prefix_lookup *lookups, unsigned n, struct buf *elements)
{
    struct search s = {.store = store, .elements = elements};

    if (n > PREFIX_RESULTS_MAX)
        return RES_TOO_LARGE;
    for (unsigned i = 0; i < n; i++) {
        unsigned k = i;

        while (k > 0 && memcmp(s.sorted[k - 1]->key.b, lookups[i].key.b, HASH_SIZE) > 0) {
            s.sorted[k] = s.sorted[k - 1];
            k--;
        }
        s.sorted[k] = &lookups[i];
    }
    return look(&s, 0, n, root, 0);
}

#include "merkle/keytrans/logtree.h"

#include <string.h>

#define TAG_LEAF 0x00
#define TAG_PARENT 0x01

void
logtree_leaf(const struct log_entry *e, struct hash *ret)
{
    uint8_t bytes[8 + HASH_SIZE];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(e->timestamp >> (56 - 8 * i));
    memcpy(bytes + 8, e->prefix_root.b, HASH_SIZE);
    hash_sha256(span_of(bytes, sizeof(bytes)), ret);
}

void
logtree_parent(const struct hash *left, bool left_is_leaf, const struct hash *right,
               bool right_is_leaf, struct hash *ret)
{
    uint8_t bytes[2 * (1 + HASH_SIZE)];

    bytes[0] = left_is_leaf ? TAG_LEAF : TAG_PARENT;
    memcpy(bytes + 1, left->b, HASH_SIZE);
    bytes[1 + HASH_SIZE] = right_is_leaf ? TAG_LEAF : TAG_PARENT;
    memcpy(bytes + 2 + HASH_SIZE, right->b, HASH_SIZE);
    hash_sha256(span_of(bytes, sizeof(bytes)), ret);
}

/* The height of the smallest full subtree of a tree of size entries. */
static unsigned
lowest(uint64_t size)
{
    return (unsigned)__builtin_ctzll(size);
}

static unsigned
peak_count(uint64_t size)
{
    return (unsigned)__builtin_popcountll(size);
}

void
logtree_root(const struct logtree_peaks *p, struct hash *ret)
{
    unsigned k = peak_count(p->size) - 1;
    uint64_t rest = p->size;
    bool leaf = lowest(rest) == 0;
    struct hash h = p->heads[k];

    while (k > 0) {
        rest &= rest - 1;
        k--;
        /* A full subtree to the left of another is no leaf: it is the larger one. */
        logtree_parent(&p->heads[k], false, &h, leaf, &h);
        leaf = false;
    }
    *ret = h;
}

void
logtree_append(struct logtree_peaks *p, const struct hash *leaf, logtree_node_fn *completed,
               void *arg)
{
    struct node n = {0, p->size};
    unsigned k = peak_count(p->size);
    struct hash h = *leaf;

    if (completed != NULL)
        completed(arg, n, &h);
    while (node_is_right(n)) {
        logtree_parent(&p->heads[--k], n.height == 0, &h, n.height == 0, &h);
        n = node_parent(n);
        if (completed != NULL)
            completed(arg, n, &h);
    }
    p->heads[k] = h;
    p->size++;
}

/* Leaves that a walk has before it: at[0..n) ascending. */
struct leaves {
    const uint64_t *at;
    const struct hash *values; /* NULL when planning */
    size_t n;
};

/* What the verifier has, and what the walk makes of it. */
struct walk {
    const struct logtree_peaks *last; /* NULL: none */
    uint64_t last_size;
    struct leaves left; /* those not passed yet */
    /* planning */
    struct node *nodes;
    size_t max, n;
    /* folding */
    struct span elements;
    struct logtree_peaks *earlier; /* full subtrees to be remembered on the way; NULL: none */
    unsigned remembered;
    enum result rc;
};

/* Whether n is a full subtree of the tree of size entries; which one into *ret. */
static bool
full_subtree(uint64_t size, struct node n, unsigned *ret)
{
    uint64_t end = node_end(n);

    if ((size >> n.height & 1) == 0 || end > size || size >> n.height << n.height != end)
        return false;
    *ret = peak_count(size >> n.height) - 1;
    return true;
}

static void
remember(struct walk *w, struct node n, const struct hash *h)
{
    unsigned k;

    if (w->earlier != NULL && full_subtree(w->earlier->size, n, &k)) {
        w->earlier->heads[k] = *h;
        w->remembered++;
    }
}

/* Whether leaves that are still before the walk lie under n. */
static bool
holds_leaf(const struct walk *w, struct node n)
{
    return w->left.n > 0 && w->left.at[0] < node_end(n);
}

static void
pass_leaf(struct walk *w)
{
    w->left.at++;
    w->left.n--;
    if (w->left.values != NULL)
        w->left.values++;
}

/* Takes the next element of a proof. */
static void
take_element(struct walk *w, struct hash *ret)
{
    if (w->elements.n < HASH_SIZE) {
        w->rc = RES_PROOF_LENGTH;
        memset(ret, 0, sizeof(*ret));
        return;
    }
    memcpy(ret->b, w->elements.p, HASH_SIZE);
    w->elements = span_of(w->elements.p + HASH_SIZE, w->elements.n - HASH_SIZE);
}

/* A head that has to come with the proof: named when planning, taken when folding. */
static void
needed(struct walk *w, struct node n, struct hash *ret)
{
    if (w->nodes == NULL)
        take_element(w, ret);
    else if (w->n == w->max)
        w->rc = RES_TOO_LARGE;
    else
        w->nodes[w->n++] = n;
}

/* Whether the walk must go below n: a leaf it has lies there, or the last tree ends inside. */
static bool
divided(const struct walk *w, struct node n)
{
    return holds_leaf(w, n) || (node_begin(n) < w->last_size && w->last_size < node_end(n));
}

static void head(struct walk *w, struct node n, struct hash *ret);

/* The head of n from its two halves, or from the leaf that it is. */
static void
head_from_below(struct walk *w, struct node n, struct hash *ret)
{
    struct hash left = {0}, right = {0};

    if (n.height == 0) {
        if (w->left.values != NULL)
            *ret = w->left.values[0];
        pass_leaf(w);
        return;
    }
    head(w, (struct node){n.height - 1, n.index << 1}, &left);
    head(w, (struct node){n.height - 1, n.index << 1 | 1}, &right);
    if (w->nodes == NULL)
        logtree_parent(&left, n.height == 1, &right, n.height == 1, ret);
}

/*
 * The head of n.  Planning and folding take the same way, so that the elements of a proof stand
 * where its plan put them.  The recursion is at most NODE_HEIGHT_MAX deep.
 */
static void
head(struct walk *w, struct node n, struct hash *ret)
{
    unsigned k = 0;
    bool kept = full_subtree(w->last_size, n, &k);

    if (divided(w, n)) {
        head_from_below(w, n, ret);
        /* "Users MUST verify that the computed value for the head of any such subtree matches the
         * retained value" */
        if (kept && w->last != NULL && w->rc == RES_OK && !hash_equal(ret, &w->last->heads[k]))
            w->rc = RES_ROOT_DIFFERS;
    } else if (!kept) {
        needed(w, n, ret);
    } else if (w->last != NULL) {
        *ret = w->last->heads[k];
    }
    remember(w, n, ret);
}

/* The heads of all full subtrees of a tree of size entries. */
static void
heads(struct walk *w, uint64_t size, struct hash *ret)
{
    uint64_t begin = 0;

    for (unsigned h = NODE_HEIGHT_MAX + 1; h-- > 0;) {
        if ((size >> h & 1) == 1) {
            head(w, (struct node){h, begin >> h}, ret++);
            begin += UINT64_C(1) << h;
        }
    }
}

static enum result
check_request(uint64_t size, uint64_t last, const uint64_t *leaves, size_t n)
{
    if (size == 0 || size > NODE_LEAVES_MAX || last > size)
        return RES_RANGE;
    for (size_t i = 0; i < n; i++)
        if (leaves[i] >= size || (i > 0 && leaves[i] <= leaves[i - 1]))
            return RES_RANGE;
    return RES_OK;
}

enum result
logtree_plan(uint64_t size, uint64_t last, const uint64_t *leaves, size_t n, struct node *ret,
             size_t max, size_t *ret_n)
{
    struct walk w = {.last_size = last, .left = {leaves, NULL, n}, .nodes = ret, .max = max};
    struct hash unused[NODE_HEIGHT_MAX + 1];
    enum result rc = check_request(size, last, leaves, n);

    if (rc != RES_OK)
        return rc;
    heads(&w, size, unused);
    if (w.rc == RES_OK)
        *ret_n = w.n;
    return w.rc;
}

static enum result
fold(struct walk *w, uint64_t size, struct logtree_peaks *ret)
{
    enum result rc = check_request(size, w->last_size, w->left.at, w->left.n);

    if (rc != RES_OK)
        return rc;
    ret->size = size;
    heads(w, size, ret->heads);
    if (w->rc == RES_OK && w->elements.n > 0)
        w->rc = RES_PROOF_LENGTH;
    return w->rc;
}

enum result
logtree_fold(uint64_t size, const struct logtree_peaks *last, const uint64_t *leaves,
             const struct hash *values, size_t n, struct span elements, struct logtree_peaks *ret)
{
    struct walk w = {.last = last,
                     .last_size = last == NULL ? 0 : last->size,
                     .left = {leaves, values, n},
                     .elements = elements};
    struct logtree_peaks made = {0};
    enum result rc = fold(&w, size, &made);

    if (rc == RES_OK)
        *ret = made;
    return rc;
}

enum result
logtree_fold_earlier(uint64_t size, const struct logtree_peaks *last, const uint64_t *leaves,
                     const struct hash *values, size_t n, struct span elements, uint64_t earlier,
                     struct logtree_peaks *ret)
{
    struct logtree_peaks made = {0}, kept = {.size = earlier};
    struct walk w = {.last = last,
                     .last_size = last == NULL ? 0 : last->size,
                     .left = {leaves, values, n},
                     .elements = elements,
                     .earlier = &kept};
    enum result rc = earlier == 0 ? RES_RANGE : fold(&w, size, &made);

    if (rc == RES_OK && w.remembered != peak_count(earlier))
        rc = RES_RANGE;
    if (rc == RES_OK)
        *ret = kept;
    return rc;
}

#include "tests/unit/keytrans/memtree.h"

#include <stdlib.h>
#include <string.h>

#include "tests/vectors/check.h"

static void *
grow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n == *cap) {
        *cap = *cap == 0 ? 16 : *cap * 2;
        p = realloc(p, *cap * size);
        assert_non_null(p);
    }
    return p;
}

void
memtree_init(struct memtree *t)
{
    memset(t, 0, sizeof(*t));
    t->heads = calloc(NODE_HEIGHT_MAX + 1, sizeof(*t->heads));
    assert_non_null(t->heads);
}

void
memtree_release(struct memtree *t)
{
    for (unsigned h = 0; h <= NODE_HEIGHT_MAX; h++)
        free(t->heads[h]);
    free(t->heads);
    free(t->entries);
    free(t->roots);
    free(t->peaks);
    free(t->nodes);
    free(t->leaves);
    memset(t, 0, sizeof(*t));
}

void
memlabel_release(struct memlabel *l)
{
    free(l->inserted);
    l->inserted = NULL;
    l->n = l->cap = 0;
}

void
memlabel_leaf(const struct memlabel *l, uint32_t version, struct prefix_leaf *ret)
{
    uint8_t bytes[9];

    memcpy(bytes, &l->name, 4);
    memcpy(bytes + 4, &version, 4);
    bytes[8] = 0;
    hash_sha256(span_of(bytes, sizeof(bytes)), &ret->key);
    bytes[8] = 1;
    hash_sha256(span_of(bytes, sizeof(bytes)), &ret->commitment);
}

static enum result
get_children(void *arg, const struct prefix_ref *parent, struct prefix_ref *left,
             struct prefix_ref *right)
{
    struct memtree *t = arg;

    *left = t->nodes[parent->ref].left;
    *right = t->nodes[parent->ref].right;
    return RES_OK;
}

static enum result
get_leaf(void *arg, const struct prefix_ref *leaf, struct prefix_leaf *ret)
{
    struct memtree *t = arg;

    *ret = t->leaves[leaf->ref];
    return RES_OK;
}

static enum result
put_parent(void *arg, const struct prefix_ref *left, const struct prefix_ref *right,
           struct prefix_ref *ret)
{
    struct memtree *t = arg;

    t->nodes = grow(t->nodes, t->nodes_n, &t->nodes_cap, sizeof(*t->nodes));
    t->nodes[t->nodes_n] = (struct memtree_node){*left, *right};
    ret->ref = t->nodes_n++;
    return RES_OK;
}

static const struct prefix_store store_functions = {
    .get = get_children, .leaf = get_leaf, .put = put_parent};

static int
by_key(const void *a, const void *b)
{
    const struct prefix_addition *x = a, *y = b;

    return memcmp(x->leaf.key.b, y->leaf.key.b, HASH_SIZE);
}

static void
keep_head(void *arg, struct node n, const struct hash *h)
{
    struct memtree *t = arg;

    t->heads[n.height] =
        grow(t->heads[n.height], t->heads_n[n.height], &t->heads_cap[n.height], sizeof(*h));
    t->heads[n.height][t->heads_n[n.height]++] = *h;
}

static void
push_entry(struct memtree *t, uint64_t timestamp, const struct prefix_ref *root)
{
    struct logtree_peaks peaks = {.size = 0};
    struct hash leaf;
    size_t cap = t->cap;

    t->entries = grow(t->entries, t->n, &t->cap, sizeof(*t->entries));
    t->roots = grow(t->roots, t->n, &(size_t){cap}, sizeof(*t->roots));
    t->peaks = grow(t->peaks, t->n, &(size_t){cap}, sizeof(*t->peaks));
    if (t->n > 0)
        peaks = t->peaks[t->n - 1];
    t->entries[t->n] = (struct log_entry){timestamp, root->hash};
    t->roots[t->n] = *root;
    logtree_leaf(&t->entries[t->n], &leaf);
    logtree_append(&peaks, &leaf, keep_head, t);
    t->peaks[t->n++] = peaks;
}

void
memtree_append_leaves(struct memtree *t, uint64_t timestamp, const struct prefix_leaf *leaves,
                      size_t n)
{
    struct prefix_store store = store_functions;
    struct prefix_ref root = {.kind = PREFIX_EMPTY};
    struct prefix_addition *add = calloc(n + 1, sizeof(*add));

    assert_non_null(add);
    for (size_t i = 0; i < n; i++) {
        add[i] = (struct prefix_addition){leaves[i], t->leaves_n};
        t->leaves = grow(t->leaves, t->leaves_n, &t->leaves_cap, sizeof(*t->leaves));
        t->leaves[t->leaves_n++] = leaves[i];
    }
    qsort(add, n, sizeof(*add), by_key);
    if (t->n > 0)
        root = t->roots[t->n - 1];
    store.arg = t;
    assert_int_equal(prefix_insert(&store, &root, add, n, &root), RES_OK);
    free(add);
    push_entry(t, timestamp, &root);
}

void
memtree_append(struct memtree *t, uint64_t timestamp, struct memlabel *labels, const unsigned *new,
               size_t n)
{
    struct prefix_leaf *leaves;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += new[i];
    leaves = calloc(count + 1, sizeof(*leaves));
    assert_non_null(leaves);
    count = 0;
    for (size_t i = 0; i < n; i++) {
        struct memlabel *l = &labels[i];

        for (unsigned k = 0; k < new[i]; k++) {
            memlabel_leaf(l, (uint32_t)l->n, &leaves[count++]);
            l->inserted = grow(l->inserted, l->n, &l->cap, sizeof(*l->inserted));
            l->inserted[l->n++] = t->n;
        }
    }
    memtree_append_leaves(t, timestamp, leaves, count);
    free(leaves);
}

static enum result
give_entry(void *arg, uint64_t position, struct log_entry *ret)
{
    struct memtree *t = arg;

    assert_true(position < t->n);
    *ret = t->entries[position];
    return RES_OK;
}

static enum result
give_prefix(void *arg, uint64_t position, struct prefix_ref *ret)
{
    struct memtree *t = arg;

    *ret = t->roots[position];
    return RES_OK;
}

static enum result
give_head(void *arg, struct node n, struct hash *ret)
{
    struct memtree *t = arg;

    assert_true(n.index < t->heads_n[n.height]);
    *ret = t->heads[n.height][n.index];
    return RES_OK;
}

struct record_tree
memtree_tree(struct memtree *t)
{
    struct record_tree face = {t, give_entry, give_prefix, give_head, store_functions, NULL};

    face.store.arg = t;
    return face;
}

static enum result
give_key(void *arg, uint32_t version, struct hash *ret)
{
    struct prefix_leaf leaf;

    memlabel_leaf(arg, version, &leaf);
    *ret = leaf.key;
    return RES_OK;
}

static enum result
give_inserted(void *arg, uint32_t version, uint64_t *ret, bool *ret_there)
{
    struct memlabel *l = arg;

    *ret_there = version < l->n;
    if (*ret_there)
        *ret = l->inserted[version];
    return RES_OK;
}

struct record_label
memlabel_label(struct memlabel *l)
{
    return (struct record_label){l, give_key, give_inserted};
}

void
memlabel_versions(const struct memlabel *l, uint32_t n, struct consume_version *ret)
{
    for (uint32_t v = 0; v < n; v++) {
        struct prefix_leaf leaf;

        memlabel_leaf(l, v, &leaf);
        ret[v] = (struct consume_version){v, leaf.key, v < l->n, leaf.commitment};
    }
}

void
memtree_view(const struct memtree *t, uint64_t size, struct kt_view *ret)
{
    struct search_path path;

    search_tree_frontier(size, &path);
    ret->peaks = t->peaks[size - 1];
    ret->n = path.n;
    for (unsigned i = 0; i < path.n; i++)
        ret->frontier[i] = (struct kt_kept){path.at[i], t->entries[path.at[i]]};
}

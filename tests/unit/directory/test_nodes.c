/* Prefix trees on the shelf, over many epochs, against the slow twin. */
#include "log/directory/nodes.h"

#include <stdlib.h>

#include "tests/reference/refprefix.h"
#include "tests/unit/directory/shelfdata.h"
#include "tests/unit/keytrans/leaves.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"

#define LEAVES 600
#define EPOCHS 40
#define LOOKUPS 12

struct history {
    struct shelf *shelf;
    struct prefix_leaf leaves[LEAVES]; /* by seq */
    size_t counts[EPOCHS + 1];         /* leaves before epoch i */
    unsigned epochs;
};

static int
by_key(const void *a, const void *b)
{
    const struct prefix_addition *x = a, *y = b;

    return memcmp(x->leaf.key.b, y->leaf.key.b, HASH_SIZE);
}

/* The root as of the newest epoch of the view; the empty tree's before the first. */
static struct prefix_ref
newest_root(struct shelf_view *v, unsigned epochs)
{
    struct entry_row row = {.root = {.kind = PREFIX_EMPTY}};

    if (epochs > 0)
        assert_int_equal(shelf_get_entry(v, epochs - 1, &row), RES_OK);
    return row.root;
}

/* An entry with that root; its hashes are any. */
static void
add_entry(struct shelf_txn *t, unsigned i, const struct prefix_ref *root)
{
    static const uint8_t any[64 * 64];
    struct entry_row row = shelfdata_entry(i);
    size_t n = (size_t)__builtin_ctz(i + 1) * 64;

    row.root = *root;
    row.feed.prefix_root = root->hash;
    if (n > 0)
        assert_int_equal(shelf_add_bytes(t, span_of(any, n), &row.hashes), RES_OK);
    assert_int_equal(shelf_add_entry(t, &row), RES_OK);
}

/* Commits an epoch with n leaves more. */
static void
add_epoch(struct history *h, size_t n)
{
    struct shelf_view *v = shelfdata_view(h->shelf);
    struct nodes nodes = {.view = v};
    struct prefix_store store = nodes_store(&nodes);
    struct prefix_ref root = newest_root(v, h->epochs);
    struct prefix_addition add[LEAVES];
    size_t before = h->counts[h->epochs];
    struct directory_head head = shelfdata_head(h->epochs + 1);
    uint64_t offset;

    assert_int_equal(shelf_begin(h->shelf, &nodes.txn), RES_OK);
    assert_int_equal(shelf_add_bytes(nodes.txn, span_str("label"), &offset), RES_OK);
    for (size_t i = 0; i < n; i++) {
        struct version_row row = shelfdata_version(before + i, h->epochs);

        row.leaf = h->leaves[before + i];
        add[i].leaf = row.leaf;
        assert_int_equal(shelf_add_version(nodes.txn, &row, &add[i].ref), RES_OK);
    }
    qsort(add, n, sizeof(add[0]), by_key);
    assert_int_equal(prefix_insert(&store, &root, add, n, &root), RES_OK);
    add_entry(nodes.txn, h->epochs, &root);
    assert_int_equal(shelf_put_head(nodes.txn, &head), RES_OK);
    assert_int_equal(shelf_commit(nodes.txn), RES_OK);
    h->counts[++h->epochs] = before + n;
    shelf_view_free(v);
}

/* The tree as of epoch i is the twin's of the leaves up to it, and so are its proofs. */
static void
same_as_twin(struct rng *r, const struct history *h, struct shelf_view *v, unsigned i)
{
    struct nodes nodes = {.view = v};
    struct prefix_store store = nodes_store(&nodes);
    struct prefix_lookup ours[LOOKUPS], theirs[LOOKUPS];
    struct buf a = BUF_INIT(1u << 20), b = BUF_INIT(1u << 20);
    size_t n = h->counts[i + 1];
    struct entry_row row;
    struct hash root;

    assert_int_equal(shelf_get_entry(v, i, &row), RES_OK);
    ref_prefix_root(h->leaves, n, &root);
    assert_true(hash_equal(&row.root.hash, &root));
    random_lookups(r, h->leaves, n, ours, LOOKUPS);
    memcpy(theirs, ours, sizeof(ours));
    assert_int_equal(prefix_prove(&store, &row.root, ours, LOOKUPS, &a), RES_OK);
    ref_prefix_prove(h->leaves, n, theirs, LOOKUPS, &b);
    assert_true(span_equal(buf_span(&a), buf_span(&b)));
    for (unsigned k = 0; k < LOOKUPS; k++) {
        assert_int_equal(ours[k].type, theirs[k].type);
        assert_int_equal(ours[k].depth, theirs[k].depth);
        assert_memory_equal(&ours[k].leaf, &theirs[k].leaf, sizeof(ours[k].leaf));
    }
    buf_release(&a);
    buf_release(&b);
}

static void
every_epoch_s_tree_is_the_twin_s(void **state)
{
    struct rng r = rng_start("every_epoch_s_tree_is_the_twin_s");
    struct history *h = calloc(1, sizeof(*h));
    struct shelf_view *v;

    assert_non_null(h);
    h->shelf = shelfdata_create(*state);
    random_leaves(&r, h->leaves, LEAVES);
    while (h->epochs < EPOCHS) {
        size_t most = LEAVES - h->counts[h->epochs];
        size_t n = h->epochs == 0 || h->epochs % 7 == 3 ? 0 : 1 + rng_scaled(&r, 30);

        add_epoch(h, n < most ? n : most);
        if (h->epochs % 10 != 0)
            continue;
        shelf_close(h->shelf);
        h->shelf = shelfdata_open(*state);
        v = shelfdata_view(h->shelf);
        for (unsigned i = 0; i < h->epochs; i++)
            same_as_twin(&r, h, v, i);
        shelf_view_free(v);
    }
    assert_true(h->counts[EPOCHS] > 100);
    shelf_close(h->shelf);
    free(h);
}

static void
what_is_not_there_is_damage(void **state)
{
    struct rng r = rng_start("what_is_not_there_is_damage");
    struct history *h = calloc(1, sizeof(*h));
    struct nodes nodes = {0};
    struct prefix_store store = nodes_store(&nodes);
    struct prefix_ref at = {.kind = PREFIX_PARENT, .ref = UINT64_C(1) << 40}, left, right;
    struct prefix_leaf leaf;

    assert_non_null(h);
    h->shelf = shelfdata_create(*state);
    random_leaves(&r, h->leaves, LEAVES);
    add_epoch(h, 10);
    nodes.view = shelfdata_view(h->shelf);
    assert_int_equal(store.get(store.arg, &at, &left, &right), RES_STORE_DAMAGED);
    at = (struct prefix_ref){.kind = PREFIX_LEAF, .ref = 10};
    assert_int_equal(store.leaf(store.arg, &at, &leaf), RES_STORE_DAMAGED);
    at.ref = 9;
    assert_int_equal(store.leaf(store.arg, &at, &leaf), RES_OK);
    assert_memory_equal(&leaf, &h->leaves[9], sizeof(leaf));
    shelf_view_free(nodes.view);
    shelf_close(h->shelf);
    free(h);
}

/* A node that leads to a later one, or to itself, would be a circle. */
static void
no_node_leads_forwards(void **state)
{
    struct shelf *s = shelfdata_create(*state);
    struct nodes nodes = {0};
    struct prefix_store store = nodes_store(&nodes);
    struct prefix_ref self = {.kind = PREFIX_PARENT, .ref = 0}, left, right;
    struct prefix_ref made = {.kind = PREFIX_PARENT};
    struct directory_head head = shelfdata_head(1);
    struct prefix_ref none = {.kind = PREFIX_EMPTY};

    assert_int_equal(shelf_begin(s, &nodes.txn), RES_OK);
    assert_int_equal(store.put(store.arg, &self, &self, &made), RES_OK);
    assert_int_equal(made.ref, 0);
    assert_int_equal(store.put(store.arg, &made, &made, &made), RES_OK);
    add_entry(nodes.txn, 0, &none);
    assert_int_equal(shelf_put_head(nodes.txn, &head), RES_OK);
    assert_int_equal(shelf_commit(nodes.txn), RES_OK);
    nodes.view = shelfdata_view(s);
    assert_int_equal(store.get(store.arg, &made, &left, &right), RES_OK);
    assert_int_equal(left.ref, 0);
    assert_int_equal(store.get(store.arg, &self, &left, &right), RES_STORE_DAMAGED);
    shelf_view_free(nodes.view);
    shelf_close(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_epoch_s_tree_is_the_twin_s, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_damage, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(no_node_leads_forwards, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "merkle/keytrans/prefix_tree.h"

#include <stdlib.h>

#include "tests/fault/failalloc.h"
#include "tests/reference/refprefix.h"
#include "tests/unit/keytrans/leaves.h"
#include "tests/vectors/check.h"

#define LEAVES 80
#define LOOKUPS 12
#define NODES 40000

/* A store in memory, of which one operation can be made to fail. */
struct store {
    struct {
        struct prefix_ref left, right;
    } nodes[NODES];
    uint64_t n;
    const struct prefix_leaf *leaves;
    unsigned operations, fail; /* fail: 0 never */
    bool circle;               /* every parent is its own child */
};

static bool
fails(struct store *s)
{
    return ++s->operations == s->fail;
}

static enum result
get(void *arg, const struct prefix_ref *parent, struct prefix_ref *left, struct prefix_ref *right)
{
    struct store *s = arg;

    if (fails(s))
        return RES_IO;
    assert_true(parent->kind == PREFIX_PARENT && parent->ref < s->n);
    *left = s->circle ? *parent : s->nodes[parent->ref].left;
    *right = s->circle ? *parent : s->nodes[parent->ref].right;
    return RES_OK;
}

static enum result
leaf(void *arg, const struct prefix_ref *at, struct prefix_leaf *ret)
{
    struct store *s = arg;

    if (fails(s))
        return RES_IO;
    *ret = s->leaves[at->ref];
    return RES_OK;
}

static enum result
put(void *arg, const struct prefix_ref *left, const struct prefix_ref *right,
    struct prefix_ref *ret)
{
    struct store *s = arg;

    if (fails(s))
        return RES_IO;
    assert_true(s->n < NODES);
    s->nodes[s->n].left = *left;
    s->nodes[s->n].right = *right;
    ret->ref = s->n++;
    return RES_OK;
}

static struct prefix_store
face(struct store *s)
{
    return (struct prefix_store){s, get, leaf, put};
}

static int
by_key(const void *a, const void *b)
{
    const struct prefix_addition *x = a, *y = b;

    return memcmp(x->leaf.key.b, y->leaf.key.b, HASH_SIZE);
}

/* The leaves [begin, end) as sorted additions. */
static void
additions(const struct prefix_leaf *leaves, size_t begin, size_t end, struct prefix_addition *ret)
{
    for (size_t i = begin; i < end; i++)
        ret[i - begin] = (struct prefix_addition){leaves[i], i};
    qsort(ret, end - begin, sizeof(*ret), by_key);
}

static void
same_as_twin(struct rng *r, struct store *s, const struct prefix_ref *root, size_t n)
{
    struct prefix_store f = face(s);
    struct prefix_lookup a[LOOKUPS], b[LOOKUPS];
    struct buf ours = BUF_INIT(1u << 20), theirs = BUF_INIT(1u << 20);
    unsigned count = (unsigned)(rng_next(r) % (LOOKUPS + 1));
    struct hash expected;

    ref_prefix_root(s->leaves, n, &expected);
    assert_true(hash_equal(&root->hash, &expected));
    random_lookups(r, s->leaves, n, a, count);
    memcpy(b, a, sizeof(a));
    assert_int_equal(prefix_prove(&f, root, a, count, &ours), RES_OK);
    ref_prefix_prove(s->leaves, n, b, count, &theirs);
    assert_true(span_equal(buf_span(&ours), buf_span(&theirs)));
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(a[i].type, b[i].type);
        assert_int_equal(a[i].depth, b[i].depth);
        assert_memory_equal(&a[i].leaf, &b[i].leaf, sizeof(a[i].leaf));
    }
    buf_release(&ours);
    buf_release(&theirs);
}

/* One by one, in batches, all at once: one tree.  And every tree there was stays as it was. */
static void
batches_make_no_difference(void **state)
{
    struct rng r = rng_start("batches_make_no_difference");
    struct store *s = calloc(1, sizeof(*s));
    struct prefix_store f = face(s);

    (void)state;
    assert_non_null(s);
    for (unsigned round = 0; round < 60; round++) {
        struct prefix_leaf leaves[LEAVES];
        struct prefix_addition add[LEAVES];
        struct prefix_ref roots[LEAVES + 1] = {{.kind = PREFIX_EMPTY}};
        size_t sizes[LEAVES + 1] = {0}, total = rng_scaled(&r, LEAVES) + 1, trees = 0;

        s->n = 0;
        s->leaves = leaves;
        random_leaves(&r, leaves, total);
        while (sizes[trees] < total) {
            size_t n = round % 3 == 0   ? 1
                       : round % 3 == 1 ? total
                                        : 1 + rng_next(&r) % (total - sizes[trees]);

            additions(leaves, sizes[trees], sizes[trees] + n, add);
            assert_int_equal(prefix_insert(&f, &roots[trees], add, n, &roots[trees + 1]), RES_OK);
            sizes[trees + 1] = sizes[trees] + n;
            trees++;
        }
        for (size_t i = 0; i <= trees; i++)
            same_as_twin(&r, s, &roots[i], sizes[i]);
    }
    free(s);
}

static void
what_cannot_be_inserted_is_refused(void **state)
{
    struct prefix_leaf leaves[3] = {{{{1}}, {{1}}}, {{{2}}, {{1}}}, {{{1}}, {{1}}}};
    struct prefix_addition add[2] = {{leaves[0], 0}, {leaves[1], 1}}, swapped[2], twice[2], near[2];
    struct store *s = calloc(1, sizeof(*s));
    struct prefix_store f = face(s);
    struct prefix_ref root = {.kind = PREFIX_EMPTY}, out = {.ref = 4711};

    (void)state;
    assert_non_null(s);
    s->leaves = leaves;
    swapped[0] = add[1];
    swapped[1] = add[0];
    twice[0] = twice[1] = add[0];
    near[0] = add[0];
    near[1] = add[0];
    near[1].leaf.key.b[31] = 1; /* 255 bits in common: no depth would tell them apart */
    assert_int_equal(prefix_insert(&f, &root, swapped, 2, &out), RES_KT_PREFIX);
    assert_int_equal(prefix_insert(&f, &root, twice, 2, &out), RES_KT_PREFIX);
    assert_int_equal(prefix_insert(&f, &root, near, 2, &out), RES_KT_PREFIX);
    assert_int_equal(out.ref, 4711);
    assert_int_equal(prefix_insert(&f, &root, add, 2, &root), RES_OK);
    assert_int_equal(prefix_insert(&f, &root, add, 1, &out), RES_KT_PREFIX);
    assert_int_equal(prefix_insert(&f, &root, near + 1, 1, &out), RES_KT_PREFIX);
    assert_int_equal(out.ref, 4711);
    assert_int_equal(prefix_insert(&f, &root, NULL, 0, &out), RES_OK);
    assert_true(hash_equal(&out.hash, &root.hash));
    free(s);
}

/* Each operation of the store failing once: the error comes out, nothing is written. */
static void
every_failure_comes_out(void **state)
{
    struct rng r = rng_start("every_failure_comes_out");
    struct store *s = calloc(1, sizeof(*s));
    struct prefix_store f = face(s);
    struct prefix_leaf leaves[40];
    struct prefix_addition add[40];
    struct prefix_ref before = {.kind = PREFIX_EMPTY}, out;
    struct prefix_lookup lookups[LOOKUPS];
    size_t kept;

    (void)state;
    assert_non_null(s);
    s->leaves = leaves;
    random_leaves(&r, leaves, 40);
    additions(leaves, 0, 20, add);
    assert_int_equal(prefix_insert(&f, &before, add, 20, &before), RES_OK);
    kept = s->n;
    additions(leaves, 20, 40, add);
    for (s->fail = 1;; s->fail++) {
        out = (struct prefix_ref){.ref = 4711};
        s->n = kept; /* nobody refers to what a failed insertion put */
        s->operations = 0;
        if (prefix_insert(&f, &before, add, 20, &out) == RES_OK)
            break;
        assert_int_equal(s->operations, s->fail);
        assert_int_equal(out.ref, 4711);
    }
    assert_true(s->fail > 20 && s->operations == s->fail - 1);
    random_lookups(&r, leaves, 40, lookups, LOOKUPS);
    for (s->fail = 1;; s->fail++) {
        struct buf elements = BUF_INIT(1u << 20);
        enum result rc;

        s->operations = 0;
        rc = prefix_prove(&f, &out, lookups, LOOKUPS, &elements);
        buf_release(&elements);
        if (rc == RES_OK)
            break;
        assert_int_equal(rc, RES_IO);
    }
    assert_true(s->fail > LOOKUPS);
    s->fail = 0;
    same_as_twin(&r, s, &before, 20);
    same_as_twin(&r, s, &out, 40);
    free(s);
}

static void
no_memory_for_a_proof(void **state)
{
    struct rng r = rng_start("no_memory_for_a_proof");
    struct store *s = calloc(1, sizeof(*s));
    struct prefix_store f = face(s);
    struct prefix_leaf leaves[LEAVES];
    struct prefix_addition add[LEAVES];
    struct prefix_ref root = {.kind = PREFIX_EMPTY};
    size_t n;

    (void)state;
    assert_non_null(s);
    s->leaves = leaves;
    random_leaves(&r, leaves, LEAVES);
    additions(leaves, 0, LEAVES, add);
    assert_int_equal(prefix_insert(&f, &root, add, LEAVES, &root), RES_OK);
    failalloc_at(0);
    n = 1;
    for (size_t i = 0; i <= n; i++) {
        struct prefix_lookup lookups[2] = {{.key = leaves[0].key}, {.key = leaves[1].key}};
        struct buf elements = BUF_INIT(1u << 20);
        enum result rc;

        failalloc_at(i);
        rc = prefix_prove(&f, &root, lookups, 2, &elements);
        if (i == 0)
            n = failalloc_count();
        failalloc_at(0);
        assert_int_equal(rc, i == 0 ? RES_OK : RES_MEMORY);
        buf_release(&elements);
    }
    assert_true(n > 0);
    free(s);
}

/* A damaged store that leads in a circle leads nowhere, and not out of the key. */
static void
a_circle_is_damage(void **state)
{
    struct store *s = calloc(1, sizeof(*s));
    struct prefix_store f = face(s);
    struct prefix_leaf leaves[3] = {{{{1}}, {{1}}}, {{{2}}, {{1}}}, {{{3}}, {{1}}}};
    struct prefix_addition add[3];
    struct prefix_ref root = {.kind = PREFIX_EMPTY}, out = {.ref = 4711};
    struct prefix_lookup l = {.key = leaves[0].key};
    struct buf elements = BUF_INIT(1u << 20);

    (void)state;
    assert_non_null(s);
    s->leaves = leaves;
    additions(leaves, 0, 2, add);
    assert_int_equal(prefix_insert(&f, &root, add, 2, &root), RES_OK);
    s->circle = true;
    additions(leaves, 2, 3, add);
    assert_int_equal(prefix_insert(&f, &root, add, 1, &out), RES_STORE_DAMAGED);
    assert_int_equal(out.ref, 4711);
    assert_int_equal(prefix_prove(&f, &root, &l, 1, &elements), RES_STORE_DAMAGED);
    buf_release(&elements);
    free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_make_no_difference),
        cmocka_unit_test(what_cannot_be_inserted_is_refused),
        cmocka_unit_test(every_failure_comes_out),
        cmocka_unit_test(no_memory_for_a_proof),
        cmocka_unit_test(a_circle_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

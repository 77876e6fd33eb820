#include "merkle/keytrans/prefix.h"

#include <stdlib.h>

#include "tests/reference/refprefix.h"
#include "tests/unit/keytrans/leaves.h"
#include "tests/vectors/check.h"

#define LEAVES 60
#define LOOKUPS 12

static void
bits_count_from_the_most_significant(void **state)
{
    struct hash a = {{0x80, 0x01}}, b = {{0x80, 0x00, 0x01}};

    (void)state;
    assert_true(prefix_bit(&a, 0));
    assert_false(prefix_bit(&a, 1));
    assert_true(prefix_bit(&a, 15));
    assert_int_equal(prefix_common(&a, &b), 15);
    assert_int_equal(prefix_common(&a, &a), 256);
    a.b[31] = 1;
    b = a;
    b.b[31] = 0;
    assert_int_equal(prefix_common(&a, &b), 255);
}

/* A proof of the slow twin, and the tree it is from. */
struct made {
    struct prefix_leaf leaves[LEAVES];
    size_t leaves_n;
    struct prefix_lookup lookups[LOOKUPS];
    unsigned n;
    struct buf elements;
    struct hash root;
};

static void
make(struct rng *r, struct made *m)
{
    m->leaves_n = rng_scaled(r, LEAVES + 1);
    m->n = (unsigned)(rng_next(r) % (LOOKUPS + 1));
    m->elements = BUF_INIT(1u << 20);
    random_leaves(r, m->leaves, m->leaves_n);
    random_lookups(r, m->leaves, m->leaves_n, m->lookups, m->n);
    ref_prefix_root(m->leaves, m->leaves_n, &m->root);
    ref_prefix_prove(m->leaves, m->leaves_n, m->lookups, m->n, &m->elements);
}

/* Whether what stands in *m leads to the root of the tree. */
static bool
holds(const struct made *m)
{
    struct hash root;

    return prefix_root(m->lookups, m->n, buf_span(&m->elements), &root) == RES_OK &&
           hash_equal(&root, &m->root);
}

static void
proofs_lead_to_the_root(void **state)
{
    struct rng r = rng_start("proofs_lead_to_the_root");

    (void)state;
    for (unsigned round = 0; round < 1500; round++) {
        struct made m;

        make(&r, &m);
        assert_true(holds(&m));
        buf_release(&m.elements);
    }
}

/* One lookup that does not say what it said. */
static void
tamper(struct rng *r, struct made *m)
{
    struct prefix_lookup *l = &m->lookups[rng_next(r) % m->n];

    switch (rng_next(r) % 5) {
    case 0:
        l->depth = (uint8_t)(l->depth + 1 + rng_next(r) % 255);
        break;
    case 1:
        l->type = l->type % 3 + 1;
        if (l->type == PREFIX_INCLUSION)
            l->leaf.key = l->key;
        break;
    case 2:
        l->leaf.key.b[rng_next(r) % HASH_SIZE] ^= 1;
        l->type = l->type == PREFIX_NON_INCLUSION_PARENT ? PREFIX_NON_INCLUSION_LEAF : l->type;
        break;
    case 3:
        l->leaf.commitment.b[rng_next(r) % HASH_SIZE] ^= 1;
        l->type = l->type == PREFIX_NON_INCLUSION_PARENT ? PREFIX_NON_INCLUSION_LEAF : l->type;
        break;
    default:
        l->type = (enum prefix_result_type)(rng_next(r) % 2 * 4);
        break;
    }
}

static void
a_lookup_that_lies_is_refused(void **state)
{
    struct rng r = rng_start("a_lookup_that_lies_is_refused");

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct made m;

        make(&r, &m);
        if (m.n > 0) {
            tamper(&r, &m);
            assert_false(holds(&m));
        }
        buf_release(&m.elements);
    }
}

static void
the_copath_is_used_up(void **state)
{
    struct rng r = rng_start("the_copath_is_used_up");

    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        struct made m;
        struct hash root, more = {{1}};

        make(&r, &m);
        if (m.elements.n > 0) {
            size_t i = rng_next(&r) % m.elements.n;

            m.elements.p[i] ^= 0x10;
            assert_false(holds(&m));
            m.elements.p[i] ^= 0x10;
            assert_int_equal(
                prefix_root(m.lookups, m.n, span_of(m.elements.p, m.elements.n - 32), &root),
                RES_PROOF_LENGTH);
            assert_int_equal(
                prefix_root(m.lookups, m.n, span_of(m.elements.p, m.elements.n - 1), &root),
                RES_PROOF_LENGTH);
        }
        assert_int_equal(buf_add(&m.elements, hash_span(&more)), RES_OK);
        assert_int_equal(prefix_root(m.lookups, m.n, buf_span(&m.elements), &root),
                         RES_PROOF_LENGTH);
        buf_release(&m.elements);
    }
}

/* The tree of two leaves 0… and 1…, and lookups that contradict each other in it. */
static void
contradictions_are_refused(void **state)
{
    const struct prefix_leaf zero = {{{0x00}}, {{1}}}, one = {{{0x80}}, {{2}}};
    const struct hash near_zero = {{0x00, 1}};
    const struct {
        const char *says;
        struct prefix_lookup l[2];
    } rows[] = {
        {"a key twice",
         {{zero.key, PREFIX_INCLUSION, 1, zero}, {zero.key, PREFIX_INCLUSION, 1, zero}}},
        {"a terminal above another",
         {{zero.key, PREFIX_INCLUSION, 1, zero}, {one.key, PREFIX_NON_INCLUSION_PARENT, 0, zero}}},
        {"one place, two leaves",
         {{zero.key, PREFIX_INCLUSION, 1, zero},
          {near_zero, PREFIX_NON_INCLUSION_LEAF, 1, {{{0x01}}, {{1}}}}}},
        {"one place, two commitments",
         {{zero.key, PREFIX_INCLUSION, 1, zero},
          {near_zero, PREFIX_NON_INCLUSION_LEAF, 1, {zero.key, {{9}}}}}},
        {"one place, a leaf and nothing",
         {{zero.key, PREFIX_INCLUSION, 1, zero},
          {near_zero, PREFIX_NON_INCLUSION_PARENT, 1, zero}}},
        {"one place, two depths",
         {{zero.key, PREFIX_INCLUSION, 1, zero}, {near_zero, PREFIX_NON_INCLUSION_LEAF, 2, zero}}},
        {"not there, by its own leaf",
         {{one.key, PREFIX_INCLUSION, 1, one}, {zero.key, PREFIX_NON_INCLUSION_LEAF, 1, zero}}},
        {"not there, by a leaf that stands elsewhere",
         {{one.key, PREFIX_INCLUSION, 1, one}, {near_zero, PREFIX_NON_INCLUSION_LEAF, 1, one}}},
        {"there, with another's leaf",
         {{one.key, PREFIX_INCLUSION, 1, one}, {zero.key, PREFIX_INCLUSION, 1, one}}},
    };
    struct prefix_lookup good[2] = {{zero.key, PREFIX_INCLUSION, 1, zero},
                                    {near_zero, PREFIX_NON_INCLUSION_LEAF, 1, zero}};
    struct hash root, expected, other;

    (void)state;
    ref_prefix_root((const struct prefix_leaf[]){zero, one}, 2, &expected);
    prefix_leaf_hash(&one, &other);
    assert_int_equal(prefix_root(good, 2, hash_span(&other), &root), RES_OK);
    assert_true(hash_equal(&root, &expected));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum result rc = prefix_root(rows[i].l, 2, span_of(NULL, 0), &root);

        if (rc != RES_KT_PREFIX)
            fail_msg("%s: %s", rows[i].says, result_name(rc));
        assert_true(hash_equal(&root, &expected));
    }
}

static void
the_deepest_place_is_255(void **state)
{
    struct prefix_leaf leaves[2] = {{{{7}}, {{1}}}, {{{7}}, {{2}}}};
    struct prefix_lookup l = {.key = leaves[0].key};
    struct buf elements = BUF_INIT(1u << 20);
    struct hash root, expected;

    (void)state;
    leaves[1].key.b[31] = 2; /* differ in bit 254 */
    ref_prefix_root(leaves, 2, &expected);
    ref_prefix_prove(leaves, 2, &l, 1, &elements);
    assert_int_equal(l.depth, 255);
    assert_int_equal(prefix_root(&l, 1, buf_span(&elements), &root), RES_OK);
    assert_true(hash_equal(&root, &expected));
    buf_release(&elements);
}

static void
more_results_than_a_proof_has_are_refused(void **state)
{
    static struct prefix_lookup l[PREFIX_RESULTS_MAX + 1];
    struct hash root;

    (void)state;
    assert_int_equal(prefix_root(l, PREFIX_RESULTS_MAX + 1, span_of(NULL, 0), &root),
                     RES_PROOF_LENGTH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_count_from_the_most_significant),
        cmocka_unit_test(proofs_lead_to_the_root),
        cmocka_unit_test(a_lookup_that_lies_is_refused),
        cmocka_unit_test(the_copath_is_used_up),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(the_deepest_place_is_255),
        cmocka_unit_test(more_results_than_a_proof_has_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "merkle/tree/proof.h"
#include "tests/reference/nodestore.h"
#include "tests/reference/refmerkle.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define ALL_LEAVES 300

/* Whether the plan's nodes, the run taken as one, are exactly these ranges of leaves. */
static bool
plan_is(const struct proof_plan *plan, const struct ref_range *ranges, size_t n)
{
    size_t k = 0;

    if (plan->fold_begin > plan->fold_end || plan->fold_end > plan->n)
        return false;
    for (unsigned i = 0; i < plan->n; i++, k++) {
        uint64_t begin = node_begin(plan->nodes[i]), end = node_end(plan->nodes[i]);

        if (plan->fold_begin <= i && i < plan->fold_end) {
            for (; i + 1 < plan->fold_end; i++) {
                if (node_begin(plan->nodes[i + 1]) != end ||
                    plan->nodes[i + 1].height >= plan->nodes[i].height)
                    return false;
                end = node_end(plan->nodes[i + 1]);
            }
        }
        if (k >= n || ranges[k].begin != begin || ranges[k].end != end)
            return false;
    }
    return k == n && n <= PROOF_HASHES_MAX;
}

static void
check_inclusion(uint64_t index, uint64_t size)
{
    struct ref_range ranges[REF_RANGES_MAX];
    struct proof_plan plan;

    assert_int_equal(proof_plan_inclusion(index, size, &plan), RES_OK);
    if (!plan_is(&plan, ranges, ref_path(index, size, ranges)))
        fail_msg("another plan for leaf %llu of %llu", (unsigned long long)index,
                 (unsigned long long)size);
}

static void
check_consistency(uint64_t first, uint64_t second)
{
    struct ref_range ranges[REF_RANGES_MAX];
    struct proof_plan plan;

    assert_int_equal(proof_plan_consistency(first, second, &plan), RES_OK);
    if (!plan_is(&plan, ranges, ref_proof(first, second, ranges)))
        fail_msg("another plan for %llu in %llu", (unsigned long long)first,
                 (unsigned long long)second);
}

static void
all_small_plans_are_those_of_the_rfc(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= ALL_LEAVES; size++) {
        for (uint64_t k = 0; k < size; k++) {
            check_inclusion(k, size);
            check_consistency(k + 1, size);
        }
    }
}

static void
random_plans_up_to_the_largest_tree(void **state)
{
    struct rng rng = rng_start("random_plans_up_to_the_largest_tree");

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t size = 1 + rng_scaled(&rng, NODE_LEAVES_MAX);
        uint64_t near = size - 1 - rng_scaled(&rng, size), low = rng_scaled(&rng, size);

        check_inclusion(near, size);
        check_inclusion(low, size);
        check_consistency(near + 1, size);
        check_consistency(low + 1, size);
    }
    check_inclusion(0, NODE_LEAVES_MAX);
    check_inclusion(NODE_LEAVES_MAX - 1, NODE_LEAVES_MAX);
    check_inclusion(0, NODE_LEAVES_MAX - 1);
    check_inclusion(NODE_LEAVES_MAX - 2, NODE_LEAVES_MAX - 1);
    check_inclusion(NODE_LEAVES_MAX / 2 - 1, NODE_LEAVES_MAX - 1);
    check_consistency(1, NODE_LEAVES_MAX - 1);
    check_consistency(NODE_LEAVES_MAX - 1, NODE_LEAVES_MAX);
    check_consistency(NODE_LEAVES_MAX, NODE_LEAVES_MAX);
}

static void
positions_outside_the_tree_are_refused(void **state)
{
    static const struct {
        const char *says;
        uint64_t a, b;
        enum result inclusion, consistency;
    } rows[] = {
        {"an empty tree", 0, 0, RES_RANGE, RES_RANGE},
        {"the empty tree as a prefix; the first leaf", 0, 1, RES_OK, RES_RANGE},
        {"a tree of itself; one past the last leaf", 1, 1, RES_RANGE, RES_OK},
        {"beyond", 2, 1, RES_RANGE, RES_RANGE},
        {"the largest tree", 1, NODE_LEAVES_MAX, RES_OK, RES_OK},
        {"a tree too large", 1, NODE_LEAVES_MAX + 1, RES_RANGE, RES_RANGE},
        {"the largest number", 1, UINT64_MAX, RES_RANGE, RES_RANGE},
        {"the largest numbers", UINT64_MAX, UINT64_MAX, RES_RANGE, RES_RANGE},
    };
    struct proof_plan plan;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        plan.n = 77;
        if (proof_plan_inclusion(rows[i].a, rows[i].b, &plan) != rows[i].inclusion)
            fail_msg("inclusion: %s", rows[i].says);
        assert_int_equal(plan.n == 77, rows[i].inclusion != RES_OK);
        plan.n = 77;
        if (proof_plan_consistency(rows[i].a, rows[i].b, &plan) != rows[i].consistency)
            fail_msg("consistency: %s", rows[i].says);
        assert_int_equal(plan.n == 77, rows[i].consistency != RES_OK);
    }
}

/* The proof of that plan from the store, against MTH of the ranges. */
static void
check_hashes(const struct nodestore *s, const struct proof_plan *plan,
             const struct ref_range *ranges, size_t n)
{
    struct hash proof[PROOF_HASHES_MAX], expected[REF_RANGES_MAX];

    assert_int_equal(nodestore_prove(s, plan, proof), n);
    ref_hashes(s->tree, ranges, n, expected);
    for (size_t i = 0; i < n; i++)
        assert_true(hash_equal(&proof[i], &expected[i]));
}

static void
check_both(const struct nodestore *s, uint64_t k, uint64_t size)
{
    struct ref_range ranges[REF_RANGES_MAX];
    struct proof_plan plan;

    assert_int_equal(proof_plan_inclusion(k, size, &plan), RES_OK);
    check_hashes(s, &plan, ranges, ref_path(k, size, ranges));
    assert_int_equal(proof_plan_consistency(k + 1, size, &plan), RES_OK);
    check_hashes(s, &plan, ranges, ref_proof(k + 1, size, ranges));
}

static void
all_small_proofs_are_those_of_the_rfc(void **state)
{
    struct nodestore s;
    struct ref_tree t;

    (void)state;
    ref_tree_init(&t, 3, ALL_LEAVES);
    nodestore_init(&s, &t);
    for (uint64_t size = 1; size <= ALL_LEAVES; size++)
        for (uint64_t k = 0; k < size; k++)
            check_both(&s, k, size);
    nodestore_release(&s);
    ref_tree_release(&t);
}

static void
random_proofs_of_big_trees(void **state)
{
    struct rng rng = rng_start("random_proofs_of_big_trees");
    struct nodestore s;
    struct ref_tree t;

    (void)state;
    ref_tree_init(&t, rng_next(&rng), 5000 + rng_next(&rng) % 15000);
    nodestore_init(&s, &t);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t size = 1 + rng_next(&rng) % t.n;

        check_both(&s, rng_scaled(&rng, size), size);
    }
    nodestore_release(&s);
    ref_tree_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_small_plans_are_those_of_the_rfc),
        cmocka_unit_test(random_plans_up_to_the_largest_tree),
        cmocka_unit_test(positions_outside_the_tree_are_refused),
        cmocka_unit_test(all_small_proofs_are_those_of_the_rfc),
        cmocka_unit_test(random_proofs_of_big_trees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

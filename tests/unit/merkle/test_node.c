#include "merkle/tree/node.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

static void
nodes_cover_their_leaves(void **state)
{
    static const struct {
        const char *says;
        struct node n;
        uint64_t begin, end;
    } rows[] = {
        {"the first leaf", {0, 0}, 0, 1},
        {"a leaf", {0, 41}, 41, 42},
        {"a pair", {1, 3}, 6, 8},
        {"a tile's root", {8, 2}, 512, 768},
        {"the largest tree", {62, 0}, 0, NODE_LEAVES_MAX},
        {"its last leaf", {0, NODE_LEAVES_MAX - 1}, NODE_LEAVES_MAX - 1, NODE_LEAVES_MAX},
        {"its right half", {61, 1}, NODE_LEAVES_MAX / 2, NODE_LEAVES_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (node_begin(rows[i].n) != rows[i].begin || node_end(rows[i].n) != rows[i].end)
            fail_msg("%s", rows[i].says);
}

static void
siblings_halve_their_parent(void **state)
{
    struct rng rng = rng_start("siblings_halve_their_parent");

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        unsigned height = (unsigned)(rng_next(&rng) % NODE_HEIGHT_MAX);
        struct node n = {height, rng_scaled(&rng, NODE_LEAVES_MAX >> height)};
        struct node s = node_sibling(n), p = node_parent(n);
        struct node left = node_is_right(n) ? s : n, right = node_is_right(n) ? n : s;

        assert_true(node_is_right(n) != node_is_right(s));
        assert_true(node_begin(left) == node_begin(p));
        assert_true(node_end(left) == node_begin(right));
        assert_true(node_end(right) == node_end(p));
        assert_true(node_sibling(s).index == n.index && node_parent(s).index == p.index);
        assert_int_equal(p.height, height + 1);
        assert_int_equal(s.height, height);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_cover_their_leaves),
        cmocka_unit_test(siblings_halve_their_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "merkle/keytrans/search_tree.h"

#include <stdlib.h>

#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

/* The tree over [begin, end) is split at the entry behind the largest perfect tree that leaves
 * something: its root.  Writes the way from the root to x, x included. */
static unsigned
slow_path(uint64_t begin, uint64_t end, uint64_t x, uint64_t *ret)
{
    unsigned n = 0;

    for (;;) {
        uint64_t size = 1, at;

        while (size * 2 <= end - begin)
            size *= 2;
        at = begin + size - 1;
        ret[n++] = at;
        if (x == at)
            return n;
        if (x < at)
            end = at;
        else
            begin = at + 1;
    }
}

static void
same_path(uint64_t x, uint64_t n)
{
    uint64_t slow[64];
    unsigned slow_n = slow_path(0, n, x, slow);
    struct search_path path;

    search_tree_path(x, n, &path);
    assert_int_equal(path.n, slow_n);
    assert_memory_equal(path.at, slow, slow_n * sizeof(slow[0]));
}

static void
small_trees_are_as_drawn(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 300; n++) {
        struct search_path frontier;
        uint64_t slow[64];

        for (uint64_t x = 0; x < n; x++)
            same_path(x, n);
        search_tree_frontier(n, &frontier);
        assert_int_equal(frontier.n, slow_path(0, n, n - 1, slow));
        assert_memory_equal(frontier.at, slow, frontier.n * sizeof(slow[0]));
        assert_int_equal(search_tree_root(n), slow[0]);
    }
}

static void
children_are_one_step_down(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 100; n++)
        for (uint64_t x = 0; x < n; x++) {
            struct search_path path;
            uint64_t child;
            unsigned children = 0;

            for (uint64_t y = 0; y < n; y++) {
                search_tree_path(y, n, &path);
                if (path.n < 2 || path.at[path.n - 2] != x)
                    continue;
                children++;
                assert_true(y < x ? search_tree_left(x, &child) : search_tree_right(x, n, &child));
                assert_int_equal(child, y);
            }
            assert_int_equal(children,
                             search_tree_left(x, &child) + search_tree_right(x, n, &child));
        }
}

static void
levels_are_trailing_ones(void **state)
{
    static const struct {
        uint64_t x;
        unsigned level;
    } rows[] = {
        {0, 0}, {1, 1}, {2, 0}, {3, 2}, {7, 3}, {11, 2}, {UINT64_C(0x3fffffffffffffff), 62}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(search_tree_level(rows[i].x), rows[i].level);
}

static void
large_trees_too(void **state)
{
    struct rng r = rng_start("large_trees_too");

    (void)state;
    same_path(UINT64_C(0x3fffffffffffffff), UINT64_C(1) << 62);
    same_path(0, UINT64_C(1) << 62);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t n = 1 + rng_scaled(&r, UINT64_C(1) << 62);

        same_path(rng_next(&r) % n, n);
        same_path(n - 1, n);
    }
}

static void
the_drafts_own_numbers(void **state)
{
    cJSON *file;
    const cJSON *row;

    (void)state;
    TESTDATA_OR_SKIP();
    file = testdata_json("vectors/3-keytrans/derived-ladders-and-bst.json");
    cJSON_ArrayForEach(row, testdata_member(file, "implicit_bst"))
    {
        uint64_t n = strtoull(row->string, NULL, 10);
        const cJSON *paths = testdata_member(row, "search_path_from_root"), *entry, *at;
        struct search_path path;
        unsigned i = 0;

        assert_int_equal(search_tree_root(n), testdata_u64(row, "root"));
        search_tree_frontier(n, &path);
        cJSON_ArrayForEach(at, testdata_member(row, "frontier"))
            assert_int_equal(path.at[i++], (uint64_t)at->valuedouble);
        assert_int_equal(path.n, i);
        cJSON_ArrayForEach(entry, paths)
        {
            search_tree_path(strtoull(entry->string, NULL, 10), n, &path);
            i = 0;
            cJSON_ArrayForEach(at, entry) assert_int_equal(path.at[i++], (uint64_t)at->valuedouble);
            assert_int_equal(path.n, i + 1);
        }
    }
    cJSON_Delete(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_trees_are_as_drawn), cmocka_unit_test(children_are_one_step_down),
        cmocka_unit_test(levels_are_trailing_ones), cmocka_unit_test(large_trees_too),
        cmocka_unit_test(the_drafts_own_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

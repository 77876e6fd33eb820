#include "merkle/keytrans/ladder.h"

#include <stdlib.h>

#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

/* Walks a search ladder over a label whose greatest version is greatest (-1: none); how it ended
 * into *ret_end.  Returns how many lookups. */
static unsigned
walk(uint32_t target, int64_t greatest, uint32_t *ret, enum ladder_end *ret_end)
{
    struct ladder l = ladder_search(target);
    unsigned n = 0;

    while (ladder_next(&l, &ret[n])) {
        ladder_feed(&l, ret[n] <= greatest);
        n++;
        assert_true(n <= LADDER_STEPS_MAX);
    }
    *ret_end = l.end;
    return n;
}

static void
same_versions(const cJSON *list, const uint32_t *versions, unsigned n)
{
    const cJSON *v;
    unsigned i = 0;

    assert_int_equal(cJSON_GetArraySize(list), n);
    cJSON_ArrayForEach(v, list) assert_int_equal((uint64_t)v->valuedouble, versions[i++]);
}

static void
the_drafts_own_ladders(void **state)
{
    cJSON *file;
    const cJSON *all, *row;
    uint32_t versions[LADDER_STEPS_MAX + 1];
    enum ladder_end end;

    (void)state;
    TESTDATA_OR_SKIP();
    file = testdata_json("vectors/3-keytrans/derived-ladders-and-bst.json");
    all = testdata_member(file, "binary_ladders");
    cJSON_ArrayForEach(row, testdata_member(all, "base"))
    {
        unsigned n = ladder_base((uint32_t)strtoull(row->string, NULL, 10), versions);

        same_versions(row, versions, n);
    }
    cJSON_ArrayForEach(row, testdata_member(all, "monitoring"))
    {
        unsigned n = ladder_monitoring((uint32_t)strtoull(row->string, NULL, 10), versions);

        same_versions(row, versions, n);
    }
    for (unsigned k = 0; k < 2; k++)
        cJSON_ArrayForEach(row, testdata_member(all, k == 0 ? "search" : "search_edges"))
        {
            uint32_t target = (uint32_t)cJSON_GetArrayItem(row, 0)->valuedouble;
            unsigned n =
                walk(target, (int64_t)cJSON_GetArrayItem(row, 1)->valuedouble, versions, &end);

            same_versions(cJSON_GetArrayItem(row, 2), versions, n);
        }
    cJSON_Delete(file);
}

static bool
listed(const cJSON *list, uint32_t version)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, list) if ((uint32_t)v->valuedouble == version) return true;
    return false;
}

/* What is known from elsewhere takes its place in the walk without being looked up. */
static void
the_drafts_own_omissions(void **state)
{
    cJSON *file;
    const cJSON *row;

    (void)state;
    TESTDATA_OR_SKIP();
    file = testdata_json("vectors/3-keytrans/derived-ladders-and-bst.json");
    cJSON_ArrayForEach(
        row, testdata_member(testdata_member(file, "binary_ladders"), "search_with_omission"))
    {
        struct ladder l = ladder_search((uint32_t)testdata_u64(row, "target"));
        uint64_t greatest = testdata_u64(row, "greatest");
        uint32_t looked[LADDER_STEPS_MAX], v;
        unsigned n = 0;

        while (ladder_next(&l, &v)) {
            if (!listed(testdata_member(row, "left_inclusion"), v) &&
                !listed(testdata_member(row, "right_non_inclusion"), v))
                looked[n++] = v;
            ladder_feed(&l, v <= greatest);
        }
        same_versions(testdata_member(row, "ladder"), looked, n);
    }
    cJSON_Delete(file);
}

static void
ends_tell_which_is_greater(uint32_t target, int64_t greatest)
{
    uint32_t versions[LADDER_STEPS_MAX + 1];
    enum ladder_end end;

    (void)walk(target, greatest, versions, &end);
    assert_int_equal(end, greatest < target    ? LADDER_LESS
                          : greatest == target ? LADDER_EQUAL
                                               : LADDER_GREATER);
}

static void
ends_are_verdicts(void **state)
{
    struct rng r = rng_start("ends_are_verdicts");

    (void)state;
    for (uint32_t target = 0; target < 150; target++)
        for (int64_t greatest = -1; greatest < 150; greatest++)
            ends_tell_which_is_greater(target, greatest);
    for (uint32_t target = UINT32_MAX; target > UINT32_MAX - 40; target--)
        for (int64_t greatest = UINT32_MAX; greatest > (int64_t)UINT32_MAX - 40; greatest--)
            ends_tell_which_is_greater(target, greatest);
    for (unsigned i = 0; i < 20000; i++)
        ends_tell_which_is_greater((uint32_t)rng_scaled(&r, UINT64_C(1) << 32),
                                   (int64_t)rng_scaled(&r, UINT64_C(1) << 32) - 1);
}

/* A base ladder shows its target to be the greatest: whoever knows the outcomes knows that. */
static void
base_ladders_hold_what_they_need(void **state)
{
    struct rng r = rng_start("base_ladders_hold_what_they_need");

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t target = (uint32_t)rng_scaled(&r, UINT64_C(1) << 32);
        uint32_t base[LADDER_STEPS_MAX], low[LADDER_STEPS_MAX];
        unsigned n = ladder_base(target, base), k = 0;
        bool self = false, above = target == UINT32_MAX;

        for (unsigned j = 0; j < n; j++) {
            self = self || base[j] == target;
            above = above || base[j] == target + 1;
            for (unsigned m = 0; m < j; m++)
                assert_int_not_equal(base[m], base[j]);
        }
        assert_true(self && above);
        assert_true(ladder_monitoring(target, low) <= n);
        for (unsigned j = 0; j < n; j++)
            if (base[j] <= target)
                assert_int_equal(low[k++], base[j]);
        assert_int_equal(k, ladder_monitoring(target, low));
    }
}

/* An answer that could not be given ends the walk, it does not lead it out of its bounds. */
static void
ended_ladders_ask_nothing(void **state)
{
    struct ladder l = ladder_search(5);
    uint32_t v = 77;

    (void)state;
    ladder_feed(&l, false);
    assert_int_equal(l.end, LADDER_LESS);
    assert_false(ladder_next(&l, &v));
    assert_int_equal(v, 77);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_drafts_own_ladders),
        cmocka_unit_test(the_drafts_own_omissions),
        cmocka_unit_test(ends_are_verdicts),
        cmocka_unit_test(base_ladders_hold_what_they_need),
        cmocka_unit_test(ended_ladders_ask_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

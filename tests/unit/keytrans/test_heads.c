#include "merkle/keytrans/heads.h"

#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

static void
heads_are_few_and_recent(void **state)
{
    struct rng r = rng_start("heads_are_few_and_recent");

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {.tree = &tree,
                              .label = &labels[0],
                              .size = 1 + rng_next(&r) % 200,
                              .window = &asked_windows[round % ASKED_WINDOWS]};
        struct asked a = {.kind = ASK_HEADS}, out;

        asked_log(&r, &tree, labels, of.size, 5, false);
        for (unsigned i = 0; i < 10; i++) {
            of.last = rng_next(&r) % (of.size + 1);
            a.position = rng_next(&r) % of.size;
            assert_int_equal(asked_both(&of, &a, &out), RES_OK);
            assert_true(out.heads.n <= HEADS_RECENT_MAX);
            for (unsigned k = 0; k < out.heads.n; k++)
                assert_true((a.position == 0 || out.heads.at[k] > a.position) &&
                            (k == 0 || out.heads.at[k] < out.heads.at[k - 1]));
            if (of.window->monitoring == 0 && a.position == 0)
                assert_int_equal(out.heads.n,
                                 of.size < HEADS_RECENT_MAX ? of.size : HEADS_RECENT_MAX);
        }
        asked_drop(&tree, labels);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_few_and_recent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

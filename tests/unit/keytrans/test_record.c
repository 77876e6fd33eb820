#include "merkle/keytrans/record.h"

#include "tests/fault/failalloc.h"
#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

/* Each allocation failing once, while an answer of any kind is recorded: it says so, and what was
 * recorded is freed. */
static void
every_allocation_fails_once(void **state)
{
    struct rng r = rng_start("every_allocation_fails_once");
    static const enum asked_kind kinds[] = {ASK_NOTHING, ASK_GREATEST, ASK_FIXED, ASK_HEADS};
    struct memtree tree;
    struct memlabel labels[2];
    struct asked_of of = {
        .tree = &tree, .label = &labels[0], .size = 60, .last = 7, .window = &asked_windows[1]};

    (void)state;
    asked_log(&r, &tree, labels, 60, 1, true);
    for (unsigned k = 0; k < 4; k++) {
        size_t n = 1;

        for (size_t i = 0; i <= n; i++) {
            struct asked a = {.kind = kinds[k], .version = (uint32_t)labels[0].n - 1};
            struct buf bytes = BUF_INIT(1u << 20);
            enum result rc;

            failalloc_at(i);
            rc = asked_prove(&of, &a, &bytes);
            if (i == 0)
                n = failalloc_count();
            failalloc_at(0);
            assert_int_equal(rc, i == 0 ? RES_OK : RES_MEMORY);
            buf_release(&bytes);
        }
        assert_true(n > 2);
    }
    asked_drop(&tree, labels);
}

/* A label that says a version is where the tree has none: the store contradicts itself, and nothing
 * is answered. */
static void
tree_and_label_must_agree(void **state)
{
    struct rng r = rng_start("tree_and_label_must_agree");
    struct memtree tree;
    struct memlabel labels[2];
    struct asked_of of = {
        .tree = &tree, .label = &labels[0], .size = 30, .window = &asked_windows[0]};
    struct asked a = {.kind = ASK_GREATEST};
    struct buf bytes = BUF_INIT(1u << 20);

    (void)state;
    asked_log(&r, &tree, labels, 30, 1, false);
    a.version = (uint32_t)labels[0].n - 1;
    labels[0].inserted[0] = 30; /* later than it is */
    assert_int_equal(asked_prove(&of, &a, &bytes), RES_STORE_DAMAGED);
    labels[0].inserted[0] = 0;
    labels[0].name = 5; /* other keys */
    assert_int_equal(asked_prove(&of, &a, &bytes), RES_STORE_DAMAGED);
    buf_release(&bytes);
    asked_drop(&tree, labels);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_once),
        cmocka_unit_test(tree_and_label_must_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "merkle/keytrans/search.h"

#include <string.h>

#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

static void
fixed_search_agrees(const struct asked_of *of, uint32_t version, bool there)
{
    struct asked a = {.kind = ASK_FIXED, .version = version}, out;
    enum result rc = asked_both(of, &a, &out);
    bool expired = of->window->has_lifetime && rc == RES_KT_EXPIRED;

    if (!there) {
        assert_true(rc == RES_KT_NO_VERSION || expired);
        return;
    }
    assert_true(rc == RES_OK || expired || (of->window->has_lifetime && rc == RES_KT_NO_VERSION));
    if (rc == RES_OK)
        assert_true(out.terminal >= of->label->inserted[version]);
}

static void
every_version_is_found_and_no_other(void **state)
{
    struct rng r = rng_start("every_version_is_found_and_no_other");

    (void)state;
    for (unsigned round = 0; round < 48; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {.tree = &tree,
                              .label = &labels[0],
                              .size = 1 + rng_next(&r) % 60,
                              .window = &asked_windows[round % ASKED_WINDOWS]};
        uint32_t n;

        asked_log(&r, &tree, labels, of.size, 1 + (unsigned)(rng_next(&r) % 5), round % 2 == 0);
        n = asked_versions(&labels[0], of.size);
        for (of.last = 0; of.last <= of.size; of.last++) {
            struct asked a = {.kind = ASK_GREATEST, .version = n - 1}, out;

            if (n > 0)
                assert_int_equal(asked_both(&of, &a, &out), RES_OK);
            for (uint32_t v = 0; v <= n; v++)
                fixed_search_agrees(&of, v, v < n);
        }
        asked_drop(&tree, labels);
    }
}

static void
long_logs_and_many_versions(void **state)
{
    struct rng r = rng_start("long_logs_and_many_versions");

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {.tree = &tree,
                              .label = &labels[0],
                              .size = round % 4 == 0 ? 1000 : 300,
                              .window = &asked_windows[1 + rng_next(&r) % 5]};
        uint32_t n;

        asked_log(&r, &tree, labels, of.size, round % 4 == 0 ? 7 : round % 4, true);
        while (labels[0].n > 300 && labels[0].inserted[300] < of.size)
            of.size = labels[0].inserted[300];
        n = asked_versions(&labels[0], of.size);
        for (unsigned i = 0; i < 40; i++) {
            struct asked a = {.kind = ASK_GREATEST, .version = n - 1}, out;

            of.last = rng_next(&r) % (of.size + 1);
            assert_int_equal(asked_both(&of, &a, &out), RES_OK);
            fixed_search_agrees(&of, (uint32_t)(rng_next(&r) % n), true);
            fixed_search_agrees(&of, n, false);
        }
        asked_drop(&tree, labels);
    }
}

/* A log in which the version searched for is in the last entry alone, and one in which there is
 * none. */
static void
a_label_without_versions_is_absent(void **state)
{
    struct rng r = rng_start("a_label_without_versions_is_absent");

    (void)state;
    for (unsigned round = 0; round < 18; round++) {
        struct memtree tree;
        struct memlabel labels[2], nobody = {.name = 7};
        struct asked_of of = {.tree = &tree,
                              .label = &nobody,
                              .size = 1 + rng_next(&r) % 60,
                              .window = &asked_windows[round % ASKED_WINDOWS]};
        struct asked a = {.kind = ASK_ABSENT}, out;

        asked_log(&r, &tree, labels, of.size, 3, true);
        for (of.last = 0; of.last <= of.size; of.last++)
            assert_int_equal(asked_both(&of, &a, &out), RES_OK);
        of.label = &labels[0];
        of.last = rng_next(&r) % (of.size + 1);
        assert_int_equal(asked_both(&of, &a, &out),
                         asked_versions(&labels[0], of.size) > 0 ? RES_KT_LADDER : RES_OK);
        asked_drop(&tree, labels);
    }
}

/* Who proves one version must not be believed about another. */
static void
another_greatest_version_is_refused(void **state)
{
    struct rng r = rng_start("another_greatest_version_is_refused");

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {.tree = &tree,
                              .label = &labels[0],
                              .size = 50,
                              .window = &asked_windows[round % ASKED_WINDOWS]};
        uint32_t n;

        asked_log(&r, &tree, labels, of.size, 3, true);
        n = asked_versions(&labels[0], of.size);
        for (uint32_t v = 0; n > 0 && v < n + 3; v++) {
            struct buf bytes = BUF_INIT(1u << 20);
            struct asked a = {.kind = ASK_GREATEST, .version = n - 1}, b = a;
            struct hash root;
            struct kt_view view;

            assert_int_equal(asked_prove(&of, &a, &bytes), RES_OK);
            b.version = v;
            assert_true((asked_check(&of, &b, buf_span(&bytes), &root, &view) == RES_OK) ==
                        (v == n - 1));
            buf_clear(&bytes);
            assert_true((asked_prove(&of, &b, &bytes) == RES_OK) == (v == n - 1));
            buf_release(&bytes);
        }
        asked_drop(&tree, labels);
    }
}

/* Behind an expired root, the entry that was found vouches for itself when it is distinguished. */
static void
an_entry_vouches_for_itself(void **state)
{
    static const struct kt_window window = {
        .monitoring = 250, .has_lifetime = true, .lifetime = 300};
    struct memtree tree;
    struct memlabel label = {.name = 3};
    struct asked_of of = {.tree = &tree, .label = &label, .size = 13, .window = &window};
    struct asked a = {.kind = ASK_FIXED, .version = 2}, out;

    (void)state;
    memtree_init(&tree);
    for (unsigned i = 0; i < 13; i++)
        memtree_append(&tree, 1000 + 50 * i + (i > 7 ? 200 : 0), &label,
                       &(unsigned){i == 1 || i == 5 || i == 9}, 1);
    assert_int_equal(asked_both(&of, &a, &out), RES_OK);
    assert_int_equal(out.terminal, 11);
    memlabel_release(&label);
    memtree_release(&tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_found_and_no_other),
        cmocka_unit_test(long_logs_and_many_versions),
        cmocka_unit_test(a_label_without_versions_is_absent),
        cmocka_unit_test(another_greatest_version_is_refused),
        cmocka_unit_test(an_entry_vouches_for_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

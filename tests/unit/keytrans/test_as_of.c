#include "merkle/keytrans/as_of.h"

#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

/* The truth about a time. */
static struct as_of
truth(const struct asked_of *of, uint64_t time)
{
    struct as_of a = {.has_version = false};
    uint32_t n = asked_versions(of->label, of->size), v = 0;

    while (v < n && of->tree->entries[of->label->inserted[v]].timestamp <= time)
        v++;
    a.has_version = v > 0;
    a.version = v > 0 ? v - 1 : 0;
    a.first = v > 0 ? of->label->inserted[v - 1] : 0;
    a.followed = v < n;
    a.next = v < n ? of->label->inserted[v] : 0;
    return a;
}

static void
lies_about_a_time_are_refused(const struct asked_of *of, const struct asked *a)
{
    struct as_of lies[8];
    struct asked out, b = *a;

    for (unsigned i = 0; i < 8; i++)
        lies[i] = a->as_of;
    lies[0].version++;
    lies[1].version--;
    lies[2].first++;
    lies[3].first--;
    lies[4].next++;
    lies[5].next--;
    lies[6].followed = !lies[6].followed;
    lies[7].has_version = !lies[7].has_version;
    for (unsigned i = 0; i < 8; i++) {
        bool idle = (i < 4 && !a->as_of.has_version) || ((i == 4 || i == 5) && !a->as_of.followed);

        b.as_of = lies[i];
        if (!idle)
            assert_int_not_equal(asked_both(of, &b, &out), RES_OK);
    }
    b.as_of = a->as_of;
    if (a->as_of.has_version && of->tree->entries[a->as_of.first].timestamp > 0) {
        b.time = of->tree->entries[a->as_of.first].timestamp - 1;
        assert_int_equal(asked_both(of, &b, &out), RES_KT_TIME);
    }
    if (a->as_of.followed) {
        b.time = of->tree->entries[a->as_of.next].timestamp;
        assert_int_equal(asked_both(of, &b, &out), RES_KT_TIME);
    }
}

static void
the_past_is_what_it_was(void **state)
{
    struct rng r = rng_start("the_past_is_what_it_was");

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {.tree = &tree,
                              .label = &labels[0],
                              .size = 1 + rng_next(&r) % 80,
                              .window = &asked_windows[round % ASKED_WINDOWS]};

        asked_log(&r, &tree, labels, of.size, 1 + (unsigned)(rng_next(&r) % 12), round % 2 == 0);
        for (unsigned i = 0; i < 20; i++) {
            struct asked a = {.kind = ASK_AS_OF, .time = 900 + rng_next(&r) % 1500}, out;
            enum result rc;

            of.last = rng_next(&r) % (of.size + 1);
            a.as_of = truth(&of, a.time);
            rc = asked_both(&of, &a, &out);
            assert_true(rc == RES_OK || (of.window->has_lifetime &&
                                         (rc == RES_KT_EXPIRED || rc == RES_KT_NO_VERSION)));
            lies_about_a_time_are_refused(&of, &a);
        }
        asked_drop(&tree, labels);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_past_is_what_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

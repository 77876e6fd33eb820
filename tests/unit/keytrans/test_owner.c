#include "merkle/keytrans/owner.h"

#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

/* What an owner who started at start knows before version v. */
static struct owner_state
owner_before(const struct memlabel *l, uint64_t start, size_t v)
{
    uint32_t at_start = asked_versions(l, start + 1);

    return (struct owner_state){.start = start,
                                .at_start = (int64_t)at_start - 1,
                                .upcoming = l->inserted + at_start,
                                .upcoming_n = v - at_start};
}

/* Every update after start, then a look at everything; what differs from the truth is refused. */
static void
owner_lives(struct rng *r, struct asked_of *of, uint64_t start)
{
    const struct memlabel *l = of->label;
    struct asked a = {.kind = ASK_OWNER_INIT, .position = start}, out;

    assert_int_equal(asked_both(of, &a, &out), RES_OK);
    a = (struct asked){.kind = ASK_UPDATE};
    for (size_t v = asked_versions(l, start + 1); v < l->n; v += a.count) {
        a.owner = owner_before(l, start, v);
        a.position = l->inserted[v];
        for (a.count = 1; v + a.count < l->n && l->inserted[v + a.count] == a.position; a.count++)
            ;
        of->last = rng_next(r) % (of->size + 1);
        assert_int_equal(asked_both(of, &a, &out), RES_OK);
        a.map = out.map;
        a.position = a.owner.start;
        assert_int_equal(asked_both(of, &a, &out), RES_KT_POSITION);
        a.position = of->size;
        assert_int_equal(asked_both(of, &a, &out), RES_KT_POSITION);
    }
    a.kind = ASK_OWNER_MONITOR;
    a.owner = owner_before(l, start, l->n);
    do {
        of->ladders = (unsigned)(rng_next(r) % 4);
        assert_int_equal(asked_both(of, &a, &out), RES_OK);
        assert_true(out.terminal > start || out.terminal == a.owner.start);
        a.map = out.map;
    } while (of->ladders != 0);
}

static void
owners_see_every_version(void **state)
{
    struct rng r = rng_start("owners_see_every_version");

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {.tree = &tree,
                              .label = &labels[0],
                              .size = 1 + rng_next(&r) % 150,
                              .window = &asked_windows[round % ASKED_WINDOWS]};
        struct asked a = {.kind = ASK_HEADS}, out;

        asked_log(&r, &tree, labels, of.size, 1 + (unsigned)(rng_next(&r) % 8), round % 2 == 0);
        assert_int_equal(asked_both(&of, &a, &out), RES_OK);
        if (out.heads.n > 0)
            owner_lives(&r, &of, out.heads.at[rng_next(&r) % out.heads.n]);
        asked_drop(&tree, labels);
    }
}

/* A server knows every insertion and no owner's start; an owner knows only what came after his.
 * Both ask for the same. */
static void
a_server_needs_no_start(void **state)
{
    struct rng r = rng_start("a_server_needs_no_start");
    unsigned updates = 0;

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {.tree = &tree,
                              .label = &labels[0],
                              .size = 100,
                              .window = &asked_windows[round % ASKED_WINDOWS]};
        struct asked a = {.kind = ASK_HEADS}, out;
        uint64_t start;

        asked_log(&r, &tree, labels, of.size, 4, false);
        assert_int_equal(asked_both(&of, &a, &out), RES_OK);
        start = out.heads.n == 0 ? of.size : out.heads.at[out.heads.n - 1];
        for (size_t v = asked_versions(&labels[0], start + 1); v < labels[0].n; v++) {
            struct asked server = {
                .kind = ASK_UPDATE, .position = labels[0].inserted[v], .count = 1};
            struct asked owner = server;
            struct buf bytes = BUF_INIT(1u << 20);
            struct hash root, expected;
            struct kt_view view;

            server.owner = (struct owner_state){
                .at_start = -1, .upcoming = labels[0].inserted, .upcoming_n = v};
            owner.owner = owner_before(&labels[0], start, v);
            assert_int_equal(asked_prove(&of, &server, &bytes), RES_OK);
            assert_int_equal(asked_check(&of, &owner, buf_span(&bytes), &root, &view), RES_OK);
            logtree_root(&tree.peaks[of.size - 1], &expected);
            assert_true(hash_equal(&root, &expected));
            buf_release(&bytes);
            updates++;
        }
        asked_drop(&tree, labels);
    }
    assert_true(updates > 0);
}

/* A version that the owner does not know of stops the walk on the prover's side, and is a
 * contradiction on the owner's. */
static void
a_version_that_is_not_the_owners_is_found(void **state)
{
    struct rng r = rng_start("a_version_that_is_not_the_owners_is_found");
    unsigned found = 0;

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {
            .tree = &tree, .label = &labels[0], .size = 90, .window = &asked_windows[round % 3]};
        struct buf bytes = BUF_INIT(1u << 20);
        struct asked a = {.kind = ASK_OWNER_MONITOR}, b;
        struct hash root;
        struct kt_view view;
        enum result rc;

        asked_log(&r, &tree, labels, 90, 6, true);
        a.owner = owner_before(&labels[0], 0, labels[0].n);
        b = a;
        assert_int_equal(asked_prove(&of, &a, &bytes), RES_OK);
        if (b.owner.upcoming_n > 0 && labels[0].inserted[labels[0].n - 1] <= a.terminal) {
            b.owner.upcoming_n--;
            rc = asked_check(&of, &b, buf_span(&bytes), &root, &view);
            assert_true(rc == RES_KT_LADDER || rc == RES_KT_COUNT);
            found++;
        }
        buf_release(&bytes);
        asked_drop(&tree, labels);
    }
    assert_true(found > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_see_every_version),
        cmocka_unit_test(a_server_needs_no_start),
        cmocka_unit_test(a_version_that_is_not_the_owners_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

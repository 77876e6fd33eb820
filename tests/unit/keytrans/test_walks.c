/*
 * The walks of users who come back: contacts, owners, heads, and what was at a time.  Both sides of
 * each on random logs; lies are refused.
 */
#include <string.h>

#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

static void
contacts_follow_to_a_distinguished_entry(void **state)
{
    struct rng r = rng_start("contacts_follow_to_a_distinguished_entry");

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {
            .tree = &tree, .label = &labels[0], .window = &asked_windows[round % 5]};

        asked_log(&r, &tree, labels, 120, 4, round % 2 == 0);
        for (uint64_t size = 1; size < 60; size++) {
            uint32_t n = asked_versions(&labels[0], size);
            struct asked a = {.kind = ASK_GREATEST, .version = n - 1}, out;

            of.size = size;
            of.last = 0;
            if (n == 0)
                continue;
            assert_int_equal(asked_both(&of, &a, &out), RES_OK);
            a = (struct asked){.kind = ASK_CONTACT,
                               .map = {.entries = {{out.terminal, n - 1}}, .n = 1}};
            while (a.map.n > 0 && of.size < 120) {
                of.last = of.size == size ? 0 : of.size;
                of.size += 1 + rng_next(&r) % 20;
                of.size = of.size > 120 ? 120 : of.size;
                assert_int_equal(asked_both(&of, &a, &out), RES_OK);
                a.map = out.map;
            }
        }
        asked_drop(&tree, labels);
    }
}

/* A map of several versions, each at its entry: what is left of it is a map again. */
static void
maps_stay_maps(void **state)
{
    struct rng r = rng_start("maps_stay_maps");

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct memtree tree;
        struct memlabel labels[2];
        struct asked_of of = {
            .tree = &tree, .label = &labels[0], .size = 90, .window = &asked_windows[round % 5]};
        struct asked a = {.kind = ASK_CONTACT}, out;

        asked_log(&r, &tree, labels, 90, 3, false);
        for (uint32_t v = 0; v < labels[0].n; v++)
            if (rng_next(&r) % 3 == 0)
                assert_int_equal(contact_add(&a.map, labels[0].inserted[v], v), RES_OK);
        assert_true(contact_map_valid(&a.map, 90));
        of.last = rng_next(&r) % 91;
        assert_int_equal(asked_both(&of, &a, &out), RES_OK);
        assert_true(contact_map_valid(&out.map, 90) && out.map.n <= a.map.n);
        a.map.entries[0].version = (uint32_t)labels[0].n;
        if (a.map.n > 0 && out.map.n == a.map.n && a.map.entries[0].position < 63)
            assert_int_equal(asked_both(&of, &a, &out), RES_KT_LADDER);
        asked_drop(&tree, labels);
    }
}

static void
maps_that_no_user_has(void **state)
{
    static const struct {
        const char *says;
        struct contact_map map;
        bool valid;
    } rows[] = {
        {"an empty map", {.n = 0}, true},
        {"ascending", {{{1, 5}, {3, 2}}, 2}, true},
        {"outside the tree", {{{1, 5}, {10, 2}}, 2}, false},
        {"a position twice", {{{3, 5}, {3, 2}}, 2}, false},
        {"descending", {{{4, 5}, {3, 2}}, 2}, false},
        {"a version twice", {{{1, 5}, {3, 5}}, 2}, false},
    };
    struct contact_map m = {.n = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (contact_map_valid(&rows[i].map, 10) != rows[i].valid)
            fail_msg("%s", rows[i].says);
    assert_int_equal(contact_add(&m, 7, 3), RES_OK);
    assert_int_equal(contact_add(&m, 5, 4), RES_OK);
    assert_int_equal(contact_add(&m, 7, 2), RES_OK); /* the greater version stays */
    assert_int_equal(contact_add(&m, 9, 4), RES_OK); /* and the entry that is there */
    assert_true(m.n == 2 && m.entries[0].position == 5 && m.entries[1].version == 3);
    assert_int_equal(contact_add(&m, 7, 9), RES_OK);
    assert_int_equal(m.entries[1].version, 9);
    for (uint32_t i = m.n; i < CONTACT_ENTRIES_MAX; i++)
        assert_int_equal(contact_add(&m, 100 + i, 100 + i), RES_OK);
    assert_int_equal(contact_add(&m, 1000, 1000), RES_TOO_LARGE);
}

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
        cmocka_unit_test(contacts_follow_to_a_distinguished_entry),
        cmocka_unit_test(maps_stay_maps),
        cmocka_unit_test(maps_that_no_user_has),
        cmocka_unit_test(owners_see_every_version),
        cmocka_unit_test(a_version_that_is_not_the_owners_is_found),
        cmocka_unit_test(heads_are_few_and_recent),
        cmocka_unit_test(the_past_is_what_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

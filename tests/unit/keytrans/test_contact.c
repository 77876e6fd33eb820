#include "merkle/keytrans/contact.h"

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
    assert_int_equal(contact_add(&m, 9, 4), RES_OK); /* and the entry that is there, ... */
    assert_int_equal(contact_add(&m, 2, 4), RES_OK); /* ... on whichever side of it */
    assert_true(m.n == 2 && m.entries[0].position == 5 && m.entries[1].version == 3);
    assert_int_equal(contact_add(&m, 7, 9), RES_OK);
    assert_int_equal(m.entries[1].version, 9);
    for (uint32_t i = m.n; i < CONTACT_ENTRIES_MAX; i++)
        assert_int_equal(contact_add(&m, 100 + i, 100 + i), RES_OK);
    assert_int_equal(contact_add(&m, 1000, 1000), RES_TOO_LARGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contacts_follow_to_a_distinguished_entry),
        cmocka_unit_test(maps_stay_maps),
        cmocka_unit_test(maps_that_no_user_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

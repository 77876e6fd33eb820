/* The right edge, the guard over it, and the tables of what is new and what is known. */
#include "log/edge.h"
#include "log/fresh.h"
#include "log/guard.h"
#include "log/known.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#include <stdlib.h>

#define LEAVES 66000

static struct hash leaf[LEAVES];

/* MTH of RFC 6962 section 2.1, over leaf hashes. */
static void
mth(const struct hash *d, uint64_t n, struct hash *ret)
{
    uint64_t k = 1;
    struct hash left, right;
    if (n == 1) {
        *ret = d[0];
        return;
    }
    while (2 * k < n)
        k *= 2;
    mth(d, k, &left);
    mth(d + k, n - k, &right);
    hash_node(&left, &right, ret);
}

struct taken {
    uint64_t full[EDGE_LEVELS];
    unsigned partial;
    uint64_t size;
};

static enum result
on_tile(void *arg, unsigned level, uint64_t index, bool full, const struct hash *nodes)
{
    struct taken *t = arg;
    if (full) {
        assert_int_equal(index, t->full[level]);
        assert_true(guard_record(nodes, TILE_WIDTH));
        t->full[level]++;
    } else {
        assert_int_equal(index, tile_full_count(level, t->size));
        assert_true(guard_record(nodes, tile_partial_width(level, t->size)));
        t->partial++;
    }
    /* The bottom row is the tree's. */
    if (level == 0)
        assert_memory_equal(nodes, &leaf[index * TILE_WIDTH], HASH_SIZE);
    return RES_OK;
}

static enum result
no_room(void *arg, unsigned level, uint64_t index, bool full, const struct hash *nodes)
{
    (void)arg, (void)level, (void)index, (void)full, (void)nodes;
    return RES_STORE_FULL;
}

static void
test_edge(void **state)
{
    static const uint64_t LOOKED_AT[] = {1,   2,   3,    255,   256,   257,
                                         511, 512, 4000, 65535, 65536, 65537};
    struct edge *e = malloc(sizeof(*e));
    struct taken t = {{0}, 0, 0};
    size_t at = 0;
    (void)state;
    edge_init(e);
    for (uint64_t i = 0; i < 65537; i++) {
        struct hash root, want;
        assert_int_equal(edge_append(e, &leaf[i], on_tile, &t), RES_OK);
        if (i + 1 != LOOKED_AT[at])
            continue;
        at++;
        t.size = i + 1;
        t.partial = 0;
        assert_int_equal(edge_partials(e, on_tile, &t), RES_OK);
        assert_true(t.partial > 0);
        for (unsigned level = 0; level < EDGE_LEVELS; level++)
            assert_int_equal(t.full[level], tile_full_count(level, i + 1));
        t.partial = 0;
        assert_int_equal(edge_partials(e, on_tile, &t), RES_OK);
        assert_int_equal(t.partial, 0); /* nothing changed */
        range_root(&e->range, &root);
        mth(leaf, i + 1, &want);
        assert_true(hash_equal(&root, &want));
    }
    assert_int_equal(at, sizeof(LOOKED_AT) / sizeof(LOOKED_AT[0]));
    edge_init(e);
    for (uint64_t i = 0; i < 255; i++)
        assert_int_equal(edge_append(e, &leaf[i], no_room, NULL), RES_OK);
    assert_int_equal(edge_append(e, &leaf[255], no_room, NULL), RES_STORE_FULL);
    assert_int_equal(edge_partials(e, no_room, NULL), RES_STORE_FULL);
    free(e);
}

/* Every bit of a record is looked at, also where it must be zero. */
static void
test_record(void **state)
{
    static const unsigned WIDTHS[] = {1, 2, 3, 100, 128, 255, 256};
    struct rng rng = rng_start("test_record");
    (void)state;
    for (size_t w = 0; w < sizeof(WIDTHS) / sizeof(WIDTHS[0]); w++) {
        struct hash record[TILE_NODES];
        unsigned width = WIDTHS[w];
        memset(record, 0, sizeof(record));
        for (unsigned slot = 0; slot < TILE_NODES; slot++) {
            struct node n = tile_slot_node(0, 0, slot);
            if (node_end(n) <= width)
                mth(&leaf[n.index << n.height], UINT64_C(1) << n.height, &record[slot]);
        }
        assert_true(guard_record(record, width));
        for (unsigned i = 0; i < 400; i++) {
            uint64_t bit = rng_next(&rng) % (8 * sizeof(record));
            /* The bottom row of one leaf is held by nothing above it: its entry is. */
            if (width % 2 && bit / 256 == width - 1)
                continue;
            ((uint8_t *)record)[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(guard_record(record, width));
            ((uint8_t *)record)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void
test_fold(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= TILE_WIDTH; n *= 2) {
        struct hash row[TILE_WIDTH], got, want;
        memcpy(row, leaf, sizeof(row));
        guard_fold(row, n, &got);
        mth(leaf, n, &want);
        assert_true(hash_equal(&got, &want));
    }
}

static void
test_fresh(void **state)
{
    struct fresh *f;
    uint64_t got[4];
    (void)state;
    assert_int_equal(fresh_new(1000, &f), RES_OK);
    assert_int_equal(fresh_from(f), 1000);
    for (uint64_t i = 0; i < LEAVES; i++) {
        fresh_add(f, &leaf[i], 1000 + i);
        if (i % 997 != 0)
            continue;
        /* At least the last FRESH_KEPT are known, all from fresh_from on, none forgotten before. */
        uint64_t from = fresh_from(f);
        assert_true(from <= 1000 + (i < FRESH_KEPT ? 0 : i - FRESH_KEPT + 1));
        uint64_t asked[] = {from - 1000, i, (from - 1000 + i) / 2};
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(fresh_find(f, &leaf[asked[k]], got, 4), 1);
            assert_int_equal(got[0], 1000 + asked[k]);
        }
    }
    assert_int_equal(fresh_find(f, &leaf[0], got, 4), 0);
    /* The same first 8 bytes: candidates, as many as there is room for. */
    struct hash twin = leaf[LEAVES - 1];
    for (uint64_t i = 0; i < 4; i++) {
        twin.b[20]++;
        fresh_add(f, &twin, 1000 + LEAVES + i);
    }
    assert_int_equal(fresh_find(f, &twin, got, 4), 4);
    assert_int_equal(fresh_find(f, &twin, got, 2), 2);
    fresh_reset(f, 5);
    assert_int_equal(fresh_from(f), 5);
    assert_int_equal(fresh_find(f, &twin, got, 4), 0);
    fresh_free(f);
    fresh_free(NULL);
}

static void
test_known(void **state)
{
    struct known *k;
    (void)state;
    assert_int_equal(known_new(&k), RES_OK);
    for (unsigned i = 0; i < 1000; i++) {
        assert_false(known_has(k, &leaf[i]));
        assert_int_equal(known_add(k, &leaf[i]), RES_OK);
        assert_int_equal(known_add(k, &leaf[i]), RES_OK);
        assert_true(known_has(k, &leaf[i]));
        assert_true(known_has(k, &leaf[i / 2]));
    }
    assert_false(known_has(k, &leaf[1000]));
    known_free(k);
    known_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edge),  cmocka_unit_test(test_record), cmocka_unit_test(test_fold),
        cmocka_unit_test(test_fresh), cmocka_unit_test(test_known),
    };
    struct rng rng = {.state = 17};
    rng_fill(&rng, leaf, sizeof(leaf));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Records, chunks and the units in memory, against plain walks over the same records. */
#include "storedata.h"

#include "log/store/recent.h"
#include "log/store/run.h"
#include "log/store/runs.h"
#include "merkle/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define N 5000

/* Kinds of prefixes: even, few, one, all in the upper half, all low. */
static uint64_t
prefix_of(unsigned kind, size_t i)
{
    uint64_t r = (uint64_t)random() << 33 ^ (uint64_t)random() << 2 ^ i;
    switch (kind) {
    case 0:
        return r;
    case 1:
        return (r % 7) << 61;
    case 2:
        return 42;
    case 3:
        return r | UINT64_C(1) << 63;
    default:
        return r >> 50;
    }
}

static bool
sorted(const struct record *r, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (r[i - 1].prefix > r[i].prefix ||
            (r[i - 1].prefix == r[i].prefix && r[i - 1].index >= r[i].index))
            return false;
    return true;
}

static void
sorting_and_merging_keep_every_record(void **state)
{
    static struct record r[N], out[N];
    (void)state;
    srandom(2);
    for (unsigned kind = 0; kind < 5; kind++)
        for (size_t split = 0; split <= N; split += 1250) {
            uint64_t sum = 0;
            for (size_t i = 0; i < N; i++) {
                r[i] = (struct record){.prefix = prefix_of(kind, i), .index = (i * 7919) % N};
                sum += r[i].prefix * 31 + r[i].index;
            }
            records_sort(r, split);
            records_sort(r + split, N - split);
            records_merge(r, split, r + split, N - split, out);
            assert_true(sorted(out, N));
            for (size_t i = 0; i < N; i++)
                sum -= out[i].prefix * 31 + out[i].index;
            assert_int_equal(sum, 0);
        }
}

static void
a_place_is_found_however_the_prefixes_lie(void **state)
{
    static struct record r[N];
    static uint8_t bytes[N * RECORD_SIZE + CHUNK_CHECK_SIZE];
    (void)state;
    srandom(3);
    for (unsigned kind = 0; kind < 5; kind++)
        for (size_t n = 0; n <= N; n = n < 20 ? n + 1 : n + 1245) {
            for (size_t i = 0; i < n; i++)
                r[i] = (struct record){.prefix = prefix_of(kind, i), .index = i};
            records_sort(r, n);
            chunk_write(r, n, bytes);
            struct chunk c;
            assert_int_equal(chunk_open(span_of(bytes, chunk_size(n)), &c), RES_OK);
            assert_int_equal(chunk_verify(&c), RES_OK);
            assert_int_equal(c.n, n);
            for (unsigned k = 0; k < 300; k++) {
                uint64_t prefix = k == 0 ? 0 : k == 1 ? UINT64_MAX : prefix_of(kind, k) + k % 3 - 1;
                if (n > 0 && k % 2 == 1)
                    prefix = r[k * 17 % n].prefix;
                size_t want = 0;
                while (want < n && r[want].prefix < prefix)
                    want++;
                assert_int_equal(records_lower(r, n, prefix), want);
                for (unsigned level = 0; level < 4; level++)
                    assert_int_equal(chunk_lower(&c, level, prefix), want);
                if (want < n) {
                    struct record got = chunk_record(&c, want);
                    assert_true(got.prefix == r[want].prefix && got.index == r[want].index);
                }
            }
        }
}

static void
a_chunk_is_the_example_of_the_format(void **state)
{
    (void)state;
    static const char text[] = "01020304050607080000000009714baea1576dec2d";
    struct record r = {.prefix = UINT64_C(0x0102030405060708), .index = 9};
    uint8_t out[RECORD_SIZE + CHUNK_CHECK_SIZE], want[sizeof(out)];
    assert_int_equal(text_unhex(span_str(text), want, sizeof(want)), RES_OK);
    assert_int_equal(chunk_size(1), sizeof(out));
    chunk_write(&r, 1, out);
    assert_memory_equal(out, want, sizeof(out));
    struct chunk c;
    for (size_t bit = 0; bit < sizeof(out) * 8; bit++) {
        out[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(chunk_open(span_of(out, sizeof(out)), &c), RES_OK);
        assert_int_equal(chunk_verify(&c), RES_STORE_DAMAGED);
        out[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t n = 0; n < sizeof(out); n++)
        assert_int_equal(chunk_open(span_of(out, n), &c), n == 8 ? RES_OK : RES_STORE_DAMAGED);
}

static void
what_is_found_is_ascending_once_and_the_smallest(void **state)
{
    uint64_t at[4];
    struct found f = {.at = at, .cap = 4};
    static const uint64_t adds[] = {50, 10, 50, 30, 10, 20, 40, 5, 60, 5};
    static const uint64_t want[] = {5, 10, 20, 30};
    (void)state;
    for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
        found_add(&f, adds[i]);
        assert_int_equal(f.more, i >= 6);
    }
    assert_int_equal(f.n, 4);
    assert_memory_equal(at, want, sizeof(want));
}

static void
units_wait_in_order(void **state)
{
    struct recent q = RECENT_INIT;
    uint64_t at[8];
    (void)state;
    uint64_t first = 5 * INDEX_UNIT;
    for (uint64_t i = first; i < first + 2 * INDEX_UNIT + 3; i++) {
        struct hash keys[INDEX_MAPS] = {0};
        keys[INDEX_ENTRY_KEY].b[7] = (uint8_t)(i % 2 + 1);
        keys[INDEX_LEAF_HASH].b[0] = (uint8_t)i;
        keys[INDEX_LEAF_HASH].b[1] = (uint8_t)(i >> 8);
        keys[INDEX_LEAF_HASH].b[2] = (uint8_t)(i >> 16);
        assert_int_equal(recent_add(&q, i, keys), RES_OK);
        assert_int_equal(recent_full(&q) != NULL, i >= first + INDEX_UNIT - 1);
    }
    assert_int_equal(q.count, 3);
    struct found f = {.at = at, .cap = 8};
    recent_find(&q, INDEX_ENTRY_KEY, 2, &f);
    assert_true(f.n == 8 && f.more && at[0] == first + 1 && at[7] == first + 15);
    f = (struct found){.at = at, .cap = 8};
    recent_find(&q, INDEX_ENTRY_KEY, 3, &f);
    assert_int_equal(f.n, 0);
    uint64_t i = first + INDEX_UNIT + 77;
    f = (struct found){.at = at, .cap = 8};
    recent_find(&q, INDEX_LEAF_HASH, (i & 0xff) << 56 | (i >> 8 & 0xff) << 48 | (i >> 16) << 40,
                &f);
    assert_true(f.n == 1 && at[0] == i);
    assert_int_equal(recent_full(&q)->number, 5);
    recent_drop_first(&q);
    assert_int_equal(recent_full(&q)->number, 6);
    recent_drop_first(&q);
    assert_null(recent_full(&q));
    recent_release(&q);
    recent_release(&q);
}

static void
live_runs_are_the_one_bits(void **state)
{
    (void)state;
    for (uint64_t units = 0; units < 300; units++) {
        uint64_t next = 0; /* the runs, from the highest level down, cover [0, units) without gap */
        uint32_t number;
        for (unsigned level = RUNS_LEVEL_MAX + 1; level-- > 0;)
            if (runs_live(units, level, &number)) {
                assert_int_equal((uint64_t)number << level, next);
                next += UINT64_C(1) << level;
            }
        assert_int_equal(next, units);
        assert_false(runs_live(UINT64_MAX, RUNS_LEVEL_MAX + 1, &number));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting_and_merging_keep_every_record),
        cmocka_unit_test(a_place_is_found_however_the_prefixes_lie),
        cmocka_unit_test(a_chunk_is_the_example_of_the_format),
        cmocka_unit_test(what_is_found_is_ascending_once_and_the_smallest),
        cmocka_unit_test(units_wait_in_order),
        cmocka_unit_test(live_runs_are_the_one_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

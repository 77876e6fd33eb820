/* Token buckets: each key has its own, fills with time, and a full table forgets the oldest. */
#include "log/rate.h"
#include "tests/fault/failalloc.h"
#include "tests/vectors/check.h"

static struct hash
key(unsigned n)
{
    struct hash h = {{0}};
    h.b[0] = (uint8_t)n;
    h.b[1] = (uint8_t)(n >> 8);
    return h;
}

/* How many of tries the key gets at that moment. */
static unsigned
got(struct rate *r, unsigned k, uint64_t now, unsigned tries)
{
    struct hash h = key(k);
    unsigned n = 0;
    while (tries-- > 0)
        n += rate_take(r, &h, now) == RES_OK;
    return n;
}

static void
test_rows(void **state)
{
    static const struct {
        const char *says;
        unsigned rate, burst, key;
        uint64_t now;
        unsigned tries, want;
    } ROWS[] = {
        {"a fresh key has its burst and no more", 2, 5, 1, 1000, 9, 5},
        {"nothing comes in without time", 2, 5, 1, 1000, 9, 0},
        {"another key is not held back", 2, 5, 2, 1000, 9, 5},
        {"half a second gives one of two a second", 2, 5, 1, 1500, 9, 1},
        {"a quarter gives none", 2, 5, 1, 1750, 9, 0},
        {"and with the next quarter one", 2, 5, 1, 2000, 9, 1},
        {"a long pause fills to the burst only", 2, 5, 1, UINT64_MAX / 2, 9, 5},
        {"a clock that stands still gives nothing", 2, 5, 1, UINT64_MAX / 2, 9, 0},
    };
    struct rate *r;
    (void)state;
    assert_int_equal(rate_new(2, 5, 8, &r), RES_OK);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        unsigned n = got(r, ROWS[i].key, ROWS[i].now, ROWS[i].tries);
        if (n != ROWS[i].want)
            fail_msg("%s: got %u, want %u", ROWS[i].says, n, ROWS[i].want);
    }
    rate_free(r);
}

/* A token takes less than a millisecond, or no whole number of them: still none comes for free. */
static void
test_fast_rates(void **state)
{
    static const struct {
        const char *says;
        unsigned rate, tries, want; /* tries in each of ten thousand milliseconds */
    } ROWS[] = {
        {"two tokens a millisecond, of which a burst of one keeps one", 2000, 9, 10000},
        {"a token in 1.67 ms, which is there at every second look", 600, 1, 5000},
        {"more looks make no more tokens", 600, 9, 5000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct rate *r;
        unsigned n = 0;
        assert_int_equal(rate_new(ROWS[i].rate, 1, 8, &r), RES_OK);
        for (uint64_t now = 1000; now < 11000; now++)
            n += got(r, 1, now, ROWS[i].tries);
        rate_free(r);
        if (n != ROWS[i].want)
            fail_msg("%s: got %u, want %u", ROWS[i].says, n, ROWS[i].want);
    }
}

static void
test_no_limit(void **state)
{
    struct rate *r;
    (void)state;
    assert_int_equal(rate_new(0, 1, 8, &r), RES_OK);
    assert_int_equal(got(r, 1, 0, 100000), 100000);
    assert_int_equal(rate_keys(r), 0);
    rate_free(r);
}

static void
test_full_table(void **state)
{
    struct rate *r;
    (void)state;
    assert_int_equal(rate_new(1, 1, RATE_KEYS_MAX, &r), RES_OK);
    for (unsigned k = 0; k < RATE_KEYS_MAX; k++)
        assert_int_equal(got(r, k, 1000 + k, 2), 1);
    /* One key more takes the place of key 0; the others are still remembered as empty. */
    assert_int_equal(got(r, RATE_KEYS_MAX, 1000 + RATE_KEYS_MAX, 2), 1);
    assert_int_equal(got(r, RATE_KEYS_MAX - 1, 1000 + RATE_KEYS_MAX, 2), 0);
    assert_int_equal(got(r, 0, 1000 + RATE_KEYS_MAX, 2), 1);
    assert_int_equal(rate_keys(r), RATE_KEYS_MAX);
    rate_free(r);
}

/* Every allocation fails once: nothing is made, and nothing lost. */
static void
test_no_memory(void **state)
{
    struct rate *r = NULL;
    (void)state;
    failalloc_at(0);
    assert_int_equal(rate_new(1, 1, 100, &r), RES_OK);
    size_t n = failalloc_count();
    rate_free(r);
    assert_true(n >= 3);
    for (size_t i = 1; i <= n; i++) {
        r = NULL;
        failalloc_at(i);
        enum result rc = rate_new(1, 1, 100, &r);
        failalloc_at(0);
        assert_int_equal(rc, RES_MEMORY);
        assert_null(r);
    }
}

/* Which key makes room is a matter of its last use, not of when it came. */
static void
test_use_keeps(void **state)
{
    static const struct {
        const char *says;
        unsigned key, want;
        size_t keys;
    } ROWS[] = {
        {"the first of three comes", 1, 1, 1},
        {"the second comes", 2, 1, 2},
        {"the third comes and fills the table", 3, 1, 3},
        {"the first is used again, in vain", 1, 0, 3},
        {"a fourth takes the place of the second", 4, 1, 3},
        {"the first is still known", 1, 0, 3},
        {"the third too", 3, 0, 3},
        {"the second is as new, in the fourth's place", 2, 1, 3},
        {"which is as new as well, in the first's", 4, 1, 3},
        {"the third is still known", 3, 0, 3},
    };
    struct rate *r;
    (void)state;
    assert_int_equal(rate_new(1, 1, 3, &r), RES_OK);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        unsigned n = got(r, ROWS[i].key, 1000, 1);
        if (n != ROWS[i].want || rate_keys(r) != ROWS[i].keys)
            fail_msg("%s: got %u of %zu keys", ROWS[i].says, n, rate_keys(r));
    }
    rate_free(r);
}

/* Against a slow twin: a list in the order of use. */
static void
test_random_against_a_list(void **state)
{
    enum { KEYS = 50, ROOM = 17 };
    unsigned order[ROOM], count = 0, seed = 1;
    uint64_t used[KEYS] = {0};
    struct rate *r;
    (void)state;
    assert_int_equal(rate_new(1, 1, ROOM, &r), RES_OK);
    for (uint64_t now = 1; now < 20000; now++) {
        seed = seed * 1103515245u + 12345u;
        unsigned k = (seed >> 16) % KEYS, at = 0;
        while (at < count && order[at] != k)
            at++;
        bool known = at < count;
        /* A token a second: one that is known has one when it was last given one that long ago. */
        bool want = !known || now - used[k] >= 1000;
        if (want)
            used[k] = now;
        if (!known)
            at = count < ROOM ? count++ : ROOM - 1;
        memmove(order + 1, order, at * sizeof(*order));
        order[0] = k;
        assert_int_equal(got(r, k, now, 1), want);
    }
    rate_free(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_fast_rates),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_full_table),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_use_keeps),
        cmocka_unit_test(test_random_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

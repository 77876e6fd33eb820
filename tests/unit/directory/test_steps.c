/* Which proof record has which step of which ladder. */
#include "log/directory/steps.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define ALL 5000

static bool
asks_for(uint32_t u, uint32_t x)
{
    uint32_t ladder[LADDER_STEPS_MAX];
    unsigned n = ladder_base(u, ladder);

    for (unsigned i = 0; i < n; i++)
        if (ladder[i] == x)
            return true;
    return false;
}

/* The definition: the smallest version whose ladder asks for x. */
static uint32_t
slow_owner(uint32_t x)
{
    uint32_t u = 0;

    while (!asks_for(u, x))
        u++;
    return u;
}

static void
test_owner(void **state)
{
    (void)state;
    for (uint32_t x = 0; x < ALL; x++)
        if (steps_owner(x) != slow_owner(x))
            fail_msg("version %u belongs to %u, not to %u", x, slow_owner(x), steps_owner(x));
}

/* Each version belongs to one, and stands in its record. */
static void
test_of(void **state)
{
    uint32_t steps[LADDER_STEPS_MAX];
    unsigned found[ALL] = {0};

    (void)state;
    for (uint32_t u = 0; u < ALL; u++) {
        unsigned n = steps_of(u, steps);

        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(steps_owner(steps[i]), u);
            assert_true(i == 0 || steps[i - 1] < steps[i]);
            if (steps[i] < ALL)
                found[steps[i]]++;
        }
    }
    for (uint32_t x = 0; x < ALL; x++)
        assert_int_equal(found[x], 1);
}

/* What a ladder asks for belongs to versions that are not greater: they are there, and their
 * records can be. */
static void
check_ladder(uint32_t greatest)
{
    uint32_t ladder[LADDER_STEPS_MAX], steps[LADDER_STEPS_MAX];
    unsigned n = ladder_base(greatest, ladder);

    for (unsigned i = 0; i < n; i++) {
        uint32_t owner = steps_owner(ladder[i]);
        unsigned k = 0, all = steps_of(owner, steps);

        assert_true(owner <= greatest);
        while (k < all && steps[k] != ladder[i])
            k++;
        assert_true(k < all);
    }
}

static void
test_ladders(void **state)
{
    struct rng r = rng_start("steps: ladders");

    (void)state;
    for (uint32_t u = 0; u < ALL; u++)
        check_ladder(u);
    for (unsigned i = 0; i < 20000; i++)
        check_ladder((uint32_t)rng_scaled(&r, UINT64_C(1) << 32));
    check_ladder(UINT32_MAX);
    check_ladder(UINT32_MAX - 1);
    check_ladder(UINT32_C(1) << 31);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_of),
        cmocka_unit_test(test_ladders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

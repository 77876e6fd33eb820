/* log/headtime: clocks that go back, stand still, and leap. */
#include "log/headtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BEGIN UINT64_C(1700000000000)
#define LEAP 300000

static uint64_t now;

static uint64_t
tell_now(void)
{
    return now;
}

/* A clock that goes on by itself, behind the last head by so much at first. */
static double began;

static uint64_t
tell_running(void)
{
    return now + (uint64_t)(headtime_steady_ms() - began);
}

static const struct {
    const char *says;
    int64_t last; /* the head before, from BEGIN */
    enum result want;
} rows[] = {
    {"a head a millisecond ago", -1, RES_OK},
    {"none before", -(int64_t)BEGIN, RES_OK},
    {"a head more than a second ahead", 1001, RES_CLOCK},
    {"a head of next year", INT64_C(31536000000), RES_CLOCK},
};

static void
against_the_last_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct headtime t = {.now_ms = tell_now};
        uint64_t got = 7;
        now = BEGIN;
        enum result r = headtime_next(&t, BEGIN + (uint64_t)rows[i].last, &got);
        if (r != rows[i].want || got != (r == RES_OK ? BEGIN : 7))
            fail_msg("%s: %s", rows[i].says, result_name(r));
    }
}

/* Of the same millisecond, or a little behind: waited for, and later than the last. */
static void
a_little_behind_is_waited_for(void **state)
{
    struct headtime t = {.now_ms = tell_running};
    uint64_t got;
    (void)state;
    for (unsigned ahead = 0; ahead < 100; ahead += 30) {
        now = BEGIN;
        began = headtime_steady_ms();
        assert_int_equal(headtime_next(&t, BEGIN + ahead, &got), RES_OK);
        assert_true(got > BEGIN + ahead);
        assert_true(got <= tell_running());
        t.wall = 0;
    }
}

/* What leaps ahead is not believed, however often it is asked; what comes back is. */
static void
a_leap_is_not_signed(void **state)
{
    struct headtime t = {.now_ms = tell_now};
    uint64_t got;
    (void)state;
    now = BEGIN;
    assert_int_equal(headtime_next(&t, 0, &got), RES_OK); /* the first of a process is believed */
    now = BEGIN + LEAP + 60000;
    assert_int_equal(headtime_next(&t, BEGIN, &got), RES_CLOCK);
    assert_int_equal(headtime_next(&t, BEGIN, &got), RES_CLOCK);
    now = BEGIN + LEAP - 60000;
    assert_int_equal(headtime_next(&t, BEGIN, &got), RES_OK);
    assert_int_equal(got, now);
    /* From there it is counted anew. */
    now += LEAP - 60000;
    assert_int_equal(headtime_next(&t, got, &got), RES_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_the_last_head),
        cmocka_unit_test(a_little_behind_is_waited_for),
        cmocka_unit_test(a_leap_is_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

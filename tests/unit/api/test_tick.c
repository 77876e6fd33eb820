/* api/http/tick: once for each time it is armed, never before a multiple of its period. */
#include "api/http/tick.h"

#include "tests/vectors/check.h"

#define PERIOD 3000000u /* nanoseconds */
#define TICKS 20

struct seen {
    struct tick tick;
    uint64_t armed_at;
    unsigned n, want;
    bool stays; /* on_tick only counts */
};

static void
arm(struct seen *s)
{
    s->armed_at = uv_hrtime();
    assert_int_equal(tick_arm(&s->tick), RES_OK);
    assert_int_equal(tick_arm(&s->tick), RES_OK); /* is armed */
}

static void
on_tick(void *arg, uint64_t now)
{
    struct seen *s = arg;

    assert_true(now >= (s->armed_at / PERIOD + 1) * PERIOD);
    if (++s->n < s->want)
        arm(s);
    else if (!s->stays)
        tick_close(&s->tick);
}

static void
each_comes_at_a_multiple(void **state)
{
    struct seen s = {.want = TICKS};
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(tick_open(&s.tick, &loop, PERIOD, on_tick, &s), RES_OK);
    arm(&s);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(s.n, TICKS);
    assert_int_equal(uv_loop_close(&loop), 0);
    tick_release(&s.tick);
    tick_release(&s.tick); /* nothing */
}

static void
on_time(uv_timer_t *t)
{
    struct seen *s = t->data;

    assert_int_equal(s->n, s->want);
    tick_close(&s->tick);
    tick_close(&s->tick); /* nothing */
    uv_close((uv_handle_t *)t, NULL);
}

/* Nobody armed it, or once only: the loop is not woken for nothing. */
static void
none_comes_unasked(void **state)
{
    (void)state;
    for (unsigned armed = 0; armed < 2; armed++) {
        struct seen s = {.want = armed, .stays = true};
        uv_timer_t timer = {.data = &s};
        uv_loop_t loop;

        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(tick_open(&s.tick, &loop, PERIOD, on_tick, &s), RES_OK);
        if (armed)
            arm(&s);
        assert_int_equal(uv_timer_init(&loop, &timer), 0);
        assert_int_equal(uv_timer_start(&timer, on_time, 30, 0), 0);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(s.n, armed);
        assert_int_equal(uv_loop_close(&loop), 0);
        tick_release(&s.tick);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_comes_at_a_multiple),
        cmocka_unit_test(none_comes_unasked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

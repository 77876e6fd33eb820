#include "log/headtime.h"

#include <time.h>

/* How far the clock may stand before the last head: less is waited for, more is a clock that went
 * back. */
#define CLOCK_SLACK_MS 1000
/* How far the clock may run ahead of the one that never jumps: what is farther ahead, clients
 * refuse, and a signed time cannot be taken back. */
#define CLOCK_LEAP_MS 300000

double
headtime_steady_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
sleep_ms(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

enum result
headtime_next(struct headtime *t, uint64_t last, uint64_t *ret)
{
    for (;;) {
        uint64_t now = t->now_ms();
        double steady = headtime_steady_ms();
        if (t->wall && (double)now > (double)t->wall + (steady - t->steady) + CLOCK_LEAP_MS)
            return RES_CLOCK;
        if (now > last) {
            t->wall = now;
            t->steady = steady;
            *ret = now;
            return RES_OK;
        }
        if (last - now > CLOCK_SLACK_MS)
            return RES_CLOCK;
        sleep_ms(last - now + 1);
    }
}

/*
 * A tick: calls back at multiples of a period of the monotonic clock.
 *
 * A loop's own timers count whole milliseconds from when the loop last went to sleep, so that what
 * woke it before shows in when they fire: a tick that is to hide how long something took needs a
 * clock that does not know (timerfd, Linux).
 *
 * Thread: the loop's.  Uses libuv.
 */
#ifndef API_HTTP_TICK_H
#define API_HTTP_TICK_H

#include <stdbool.h>
#include <uv.h>

#include "merkle/base/result.h"

struct tick {
    uv_poll_t poll;
    int fd;
    bool opened, armed;
    uint64_t period; /* nanoseconds */
    void (*on)(void *arg, uint64_t now);
    void *arg;
};

/* Makes one that is not armed, on the loop; period in nanoseconds, above 0.  on is called once for
 * each time it was armed, with uv_hrtime of then.  RES_IO: no descriptor; then only tick_release
 * may follow.  *t is zeros before. */
MUST_CHECK enum result tick_open(struct tick *t, uv_loop_t *loop, uint64_t period,
                                 void (*on)(void *arg, uint64_t now), void *arg);

/* Once, at the next multiple of the period that is not over; nothing when it is armed.  RES_IO when
 * the clock refuses. */
MUST_CHECK enum result tick_arm(struct tick *t);

/* Begins to close its handle, unless somebody has. */
void tick_close(struct tick *t);

/* Gives the descriptor back, when the loop has closed the handle. */
void tick_release(struct tick *t);

#endif

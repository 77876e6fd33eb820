#include "api/http/tick.h"

#include <assert.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static void
on_readable(uv_poll_t *p, int status, int events)
{
    struct tick *t = p->data;
    uint64_t times;

    (void)status;
    (void)events;
    if (read(t->fd, &times, sizeof times) != sizeof times)
        return; /* it was not time */
    t->armed = false;
    t->on(t->arg, uv_hrtime());
}

enum result
tick_open(struct tick *t, uv_loop_t *loop, uint64_t period, void (*on)(void *arg, uint64_t now),
          void *arg)
{
    *t = (struct tick){.period = period, .on = on, .arg = arg};
    t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (t->fd < 0)
        return RES_IO;
    t->opened = true;
    if (uv_poll_init(loop, &t->poll, t->fd) != 0)
        return RES_IO;
    t->poll.data = t;
    return uv_poll_start(&t->poll, UV_READABLE, on_readable) == 0 ? RES_OK : RES_IO;
}

enum result
tick_arm(struct tick *t)
{
    uint64_t at = (uv_hrtime() / t->period + 1) * t->period;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at / SECOND), .tv_nsec = (long)(at % SECOND)}};

    assert(t->opened);
    if (t->armed)
        return RES_OK;
    t->armed = timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0;
    return t->armed ? RES_OK : RES_IO;
}

void
tick_close(struct tick *t)
{
    if (!uv_is_closing((uv_handle_t *)&t->poll))
        uv_close((uv_handle_t *)&t->poll, NULL);
}

void
tick_release(struct tick *t)
{
    if (t->opened)
        (void)close(t->fd);
    t->opened = false;
}

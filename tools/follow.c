#include "tools/follow.h"

#include "tools/engine.h"

static void
ask(void *arg, struct ask *ret)
{
    monitor_ask(arg, ret);
}

static void
answer(void *arg, const struct answer *a, uint64_t now)
{
    monitor_answer(arg, a, now);
}

int
follow_run(struct transport *t, const struct policy_log *log, struct monitor *m)
{
    const struct engine e = {m, ask, answer};
    return engine_run(t, log, &e);
}

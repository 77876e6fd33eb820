#include "tools/engine.h"

#include <unistd.h>

struct run {
    const struct engine *e;
    bool answered;
};

static void
on_answer(void *arg, const struct answer *a)
{
    struct run *run = arg;
    run->e->answer(run->e->arg, a, app_now());
    run->answered = true;
}

int
engine_run(struct transport *t, const struct policy_log *log, const struct engine *e)
{
    for (;;) {
        struct run run = {.e = e};
        const struct answer waited = {.transport = RES_OK};
        struct ask ask;
        enum result r = RES_OK;
        e->ask(e->arg, &ask);
        if (ask.kind == ASK_DONE)
            return EXIT_YES;
        if (ask.kind == ASK_WAIT) {
            (void)usleep((useconds_t)ask.wait_ms * 1000);
            e->answer(e->arg, &waited, app_now());
            continue;
        }
        r = transport_start(t, log->url, &ask, on_answer, &run);
        while (r == RES_OK && !run.answered)
            r = transport_run(t, 1000);
        if (r != RES_OK) {
            app_say("%s: %s", log->url, result_sentence(r));
            return EXIT_FAULT;
        }
    }
}

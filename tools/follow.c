#include "tools/follow.h"

#include <unistd.h>

#include "client/io/transport_curl.h"

struct run {
    struct monitor *m;
    bool answered;
};

static void
on_answer(void *arg, const struct answer *a)
{
    struct run *run = arg;
    monitor_answer(run->m, a, app_now());
    run->answered = true;
}

int
follow_run(struct transport *t, const struct policy_log *log, struct monitor *m)
{
    for (;;) {
        struct run run = {.m = m};
        const struct answer waited = {.transport = RES_OK};
        struct ask ask;
        enum result r = RES_OK;
        monitor_ask(m, &ask);
        if (ask.kind == ASK_DONE)
            return EXIT_YES;
        if (ask.kind == ASK_WAIT) {
            (void)usleep((useconds_t)ask.wait_ms * 1000);
            monitor_answer(m, &waited, app_now());
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

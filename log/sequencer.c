#include "log/sequencer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "log/batch.h"
#include "log/headtime.h"

#define WAIT_MAX_MS 3600000

struct sequencer {
    struct sequencer_parts parts;
    pthread_t thread;
    bool started;
    _Atomic bool stopped; /* for good */
    struct batch *batch;
};

static void
answer(struct sequencer *s, struct pending *list, enum result rc)
{
    while (list) {
        struct pending *p = list;
        p->result = rc;
        if (rc == RES_OK && p->same) {
            p->receipt = p->same->receipt;
            p->receipt.duplicate = true;
        }
        s->parts.answered(s->parts.arg, p->receipt.duplicate, rc);
        p->done(p->arg, rc, rc == RES_OK ? &p->receipt : NULL);
        list = p->next;
    }
}

static void
free_list(struct pending *list)
{
    while (list) {
        struct pending *p = list;
        list = p->next;
        pending_free(p);
    }
}

enum result
sequencer_turn(struct sequencer *s, struct pending *list)
{
    const char *halt = NULL;
    enum result rc = atomic_load(&s->stopped) ? RES_HALTED : batch_run(s->batch, list, &halt);
    if (halt) {
        atomic_store(&s->stopped, true);
        s->parts.halted(s->parts.arg, rc, halt);
    }
    answer(s, list, rc);
    free_list(list);
    return rc;
}

void
sequencer_halt(struct sequencer *s)
{
    atomic_store(&s->stopped, true);
}

static void *
loop(void *arg)
{
    struct sequencer *s = arg;
    struct pending *list;
    double next = 0;
    for (;;) {
        double left = next - headtime_steady_ms();
        uint64_t wait = left <= 0 ? 0 : left < WAIT_MAX_MS ? (uint64_t)left + 1 : WAIT_MAX_MS;
        if (!pool_take(s->parts.pool, SEQUENCER_BATCH_MAX, wait, &list))
            return NULL;
        if (!list && (s->stopped || headtime_steady_ms() < next))
            continue;
        enum result rc = sequencer_turn(s, list);
        /* A fresh head is due one heartbeat after the last; sooner again when it could not be
         * signed. */
        next =
            headtime_steady_ms() +
            (double)(rc == RES_OK || s->parts.heartbeat_ms < 1000 ? s->parts.heartbeat_ms : 1000);
        if (s->stopped)
            next += WAIT_MAX_MS;
    }
}

enum result
sequencer_new(const struct sequencer_parts *parts, struct sequencer **ret)
{
    struct sequencer *s = calloc(1, sizeof(*s));
    if (!s)
        return RES_MEMORY;
    s->parts = *parts;
    enum result rc = batch_new(parts, &s->batch);
    if (rc != RES_OK) {
        free(s);
        return rc;
    }
    *ret = s;
    return RES_OK;
}

enum result
sequencer_start(struct sequencer *s)
{
    if (pthread_create(&s->thread, NULL, loop, s) != 0)
        return RES_MEMORY;
    s->started = true;
    return RES_OK;
}

void
sequencer_join(struct sequencer *s)
{
    if (s->started)
        (void)pthread_join(s->thread, NULL);
    s->started = false;
}

void
sequencer_free(struct sequencer *s)
{
    if (!s)
        return;
    assert(!s->started);
    batch_free(s->batch);
    free(s);
}

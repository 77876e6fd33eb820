#include "tools/crew.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/io/transport_curl.h"
#include "tools/seen.h"

#define TICK_MS 200

struct crew;

struct slot {
    struct crew *crew;
    struct session *s;
    void *tag;
    bool fetching;
    uint64_t until; /* not 0: waiting until then */
};

struct crew {
    struct crew_config c;
    struct transport *t;
    struct slot *slots;
    struct view *view;
    bool exhausted; /* next has given NULL */
    /* the one monitor */
    struct monitor *m;
    bool m_fetching;
    uint64_t m_until;
    /* a monitor is not started more often than this, so that many waiting sessions cost few heads
     */
    uint64_t m_again;
    int exit;
};

static void
on_session_answer(void *arg, const struct answer *a)
{
    struct slot *slot = arg;
    slot->fetching = false;
    session_answer(slot->s, a, app_now());
}

static void
on_monitor_answer(void *arg, const struct answer *a)
{
    struct crew *crew = arg;
    crew->m_fetching = false;
    monitor_answer(crew->m, a, app_now());
}

static void
fault(struct crew *crew, const char *what)
{
    app_say("%s", what);
    crew->exit = EXIT_FAULT;
}

/* Gives the monitor's outcome to all who wait for a head. */
static void
monitor_ended(struct crew *crew)
{
    const struct verdict *v = monitor_verdict(crew->m);
    const struct view_head *h = view_newest(crew->view);
    if (v->kind == VERDICT_YES) {
        int e = seen_save(crew->c.app, crew->c.log);
        crew->exit = e != EXIT_YES ? e : crew->exit;
    } else if (v->kind == VERDICT_REFUSED) {
        app_say("%s", v->detail);
        crew->exit = seen_save_evidence(crew->c.app, crew->c.log, v);
    }
    for (unsigned i = 0; i < crew->c.parallel; i++) {
        struct ask ask;
        if (crew->slots[i].s == NULL || crew->slots[i].fetching || crew->slots[i].until != 0)
            continue;
        session_ask(crew->slots[i].s, &ask);
        if (ask.kind != ASK_HEAD)
            continue;
        if (v->kind == VERDICT_YES)
            session_head(crew->slots[i].s, h, app_now());
        else
            session_no_head(crew->slots[i].s, v);
    }
    monitor_free(crew->m);
    crew->m = NULL;
    crew->m_again = app_now() + TICK_MS / 4;
}

static void
step_monitor(struct crew *crew)
{
    const struct answer waited = {.transport = RES_OK};
    struct ask ask;
    if (crew->m == NULL || crew->m_fetching || crew->m_until > app_now())
        return;
    if (crew->m_until != 0) {
        crew->m_until = 0;
        monitor_answer(crew->m, &waited, app_now());
    }
    monitor_ask(crew->m, &ask);
    if (ask.kind == ASK_DONE) {
        monitor_ended(crew);
    } else if (ask.kind == ASK_WAIT) {
        crew->m_until = app_now() + ask.wait_ms;
    } else {
        crew->m_fetching = true;
        if (transport_start(crew->t, crew->c.log->url, &ask, on_monitor_answer, crew) != RES_OK)
            fault(crew, "cannot start a request");
    }
}

static void
want_head(struct crew *crew, struct slot *slot)
{
    const struct view_head *h = view_newest(crew->view);
    const struct promise *p = session_promise(slot->s);
    uint64_t now = app_now();
    /* What was fetched for another session of this run may do. */
    if (h != NULL && p->has_index && h->head.size > p->index &&
        now < h->head.timestamp + MONITOR_STALE_MS) {
        session_head(slot->s, h, now);
        return;
    }
    if (crew->m != NULL || crew->m_again > now)
        return;
    const struct monitor_config c = {
        .log = crew->c.log, .policy = crew->c.app->policy, .view = crew->view, .seed = now};
    if (monitor_new(&c, &crew->m) != RES_OK)
        fault(crew, "no memory");
}

static void
step_slot(struct crew *crew, struct slot *slot)
{
    const struct answer waited = {.transport = RES_OK};
    struct ask ask;
    if (slot->s == NULL && !crew->exhausted) {
        slot->s = crew->c.next(crew->c.arg, &slot->tag);
        crew->exhausted = slot->s == NULL;
    }
    if (slot->s == NULL || slot->fetching || slot->until > app_now())
        return;
    if (slot->until != 0) {
        slot->until = 0;
        session_answer(slot->s, &waited, app_now());
    }
    session_ask(slot->s, &ask);
    switch (ask.kind) {
    case ASK_DONE:
        crew->c.ended(crew->c.arg, slot->tag, slot->s);
        session_free(slot->s);
        slot->s = NULL;
        return;
    case ASK_WAIT:
        slot->until = app_now() + ask.wait_ms;
        return;
    case ASK_HEAD:
        want_head(crew, slot);
        return;
    case ASK_FETCH:
        slot->fetching = true;
        if (transport_start(crew->t, crew->c.log->url, &ask, on_session_answer, slot) != RES_OK)
            fault(crew, "cannot start a request");
        return;
    }
}

static bool
busy(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->c.parallel; i++)
        if (crew->slots[i].s != NULL)
            return true;
    return !crew->exhausted;
}

static void
work(struct crew *crew)
{
    while (busy(crew) && crew->exit != EXIT_FAULT) {
        /* Evidence against the log: take in nothing new, let the others end. */
        crew->exhausted = crew->exhausted || crew->exit != EXIT_YES;
        for (unsigned i = 0; i < crew->c.parallel; i++)
            step_slot(crew, &crew->slots[i]);
        step_monitor(crew);
        if (transport_pending(crew->t) == 0)
            (void)usleep(1000);
        else if (transport_run(crew->t, TICK_MS / 4) != RES_OK)
            fault(crew, "libcurl failed");
    }
}

int
crew_run(const struct crew_config *c)
{
    struct crew crew = {.c = *c, .exit = EXIT_YES};
    const struct transport_config tc = {.connections = c->parallel};
    assert(c->parallel >= 1 && c->parallel <= CREW_PARALLEL_MAX);
    crew.view = seen_view(c->app, c->log, &crew.exit);
    if (crew.view == NULL)
        return crew.exit;
    struct slot *slots = calloc(c->parallel, sizeof *slots);
    if (slots == NULL || transport_new(&tc, &crew.t) != RES_OK) {
        fault(&crew, "no memory");
        free(slots);
        return crew.exit;
    }
    crew.slots = slots;
    for (unsigned i = 0; i < c->parallel; i++)
        slots[i].crew = &crew;
    work(&crew);
    transport_free(crew.t);
    monitor_free(crew.m);
    for (unsigned i = 0; i < c->parallel; i++)
        session_free(slots[i].s);
    free(slots);
    return crew.exit;
}

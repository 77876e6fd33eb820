#include "client/directory/landmarks.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/judge.h"
#include "client/exchange.h"

/* Of the last entry of the tree, milliseconds. */
static uint64_t
time_of(const struct kt_view *v)
{
    return v->frontier[v->n - 1].entry.timestamp;
}

bool
landmarks_due(const struct memory *m, const struct policy_log *log, uint64_t now)
{
    return m->recent_n == 0 || now >= time_of(&m->recent[0]) + log->directory.window.monitoring;
}

bool
landmarks_stale(const struct memory *m, const struct policy_log *log, uint64_t now)
{
    uint64_t window = log->directory.window.monitoring;

    return !m->has_view || m->recent_n == 0 ||
           now > time_of(&m->view) + LANDMARKS_STALE_WINDOWS * window ||
           now > time_of(&m->recent[0]) + (LANDMARKS_STALE_WINDOWS + 1) * window;
}

enum result
landmarks_write(const struct memory *m, struct buf *out)
{
    const struct distinguished_request q = {
        .last = {m->has_view, m->has_view ? m->view.peaks.size : 0}, .stop = memory_stop(m)};
    struct writer w = writer_to(out);

    distinguished_request_put(&w, &q);
    return writer_end(&w);
}

enum result
landmarks_take(struct memory *m, const struct policy_log *log, struct span answer, uint64_t now)
{
    const struct proved_by by = {&log->directory, &log->vrf, memory_last(m), now};
    struct kt_optional stop = memory_stop(m);
    struct proved_heads *h = malloc(sizeof(*h));
    enum result r;

    if (h == NULL)
        return RES_MEMORY;
    r = proved_distinguished_since(&by, stop.has ? &stop.value : NULL, answer, h);
    if (r == RES_OK && h->heads.n == 0 && !stop.has) /* the root of the search tree always is one */
        r = RES_KT_COUNT;
    if (r == RES_OK)
        memory_heads(m, h);
    free(h);
    return r;
}

struct landmarks {
    struct landmarks_config c;
    struct exchange x;
    struct buf body;
};

enum result
landmarks_new(const struct landmarks_config *c, struct landmarks **ret)
{
    struct landmarks *l = calloc(1, sizeof(*l));

    assert(c->log->has_directory);
    if (l == NULL)
        return RES_MEMORY;
    l->c = *c;
    exchange_init(&l->x, c->log, c->tries == 0 ? LANDMARKS_TRIES : c->tries, c->seed);
    buf_init(&l->body, KT_REQUEST_MAX);
    *ret = l;
    return RES_OK;
}

void
landmarks_free(struct landmarks *l)
{
    if (l == NULL)
        return;
    buf_release(&l->body);
    exchange_release(&l->x);
    free(l);
}

void
landmarks_ask(struct landmarks *l, struct ask *ret)
{
    if (!exchange_ask(&l->x, ret))
        return;
    (void)snprintf(ret->path, sizeof(ret->path), LANDMARKS_PATH);
    buf_clear(&l->body);
    enum result r = landmarks_write(l->c.memory, &l->body);
    ret->octets = true;
    ret->body = buf_span(&l->body);
    if (r != RES_OK) {
        exchange_fault(&l->x, r);
        ret->kind = ASK_DONE;
    }
}

void
landmarks_answer(struct landmarks *l, const struct answer *a, uint64_t now)
{
    if (!exchange_take(&l->x, a, LANDMARKS_PATH))
        return;
    if (a->status != 200 && !answer_is_refusal(a)) {
        exchange_no_log(&l->x, a, LANDMARKS_PATH);
        return;
    }
    enum result r =
        a->status == 200 ? landmarks_take(l->c.memory, l->c.log, a->body, now) : RES_KT_NO_VERSION;
    if (r != RES_OK)
        judge(&l->x, a, LANDMARKS_PATH, r, "the distinguished entries");
    else
        verdict_end(&l->x.verdict, VERDICT_YES, RES_OK, "%u distinguished entries are known",
                    l->c.memory->recent_n);
}

const struct verdict *
landmarks_verdict(const struct landmarks *l)
{
    return &l->x.verdict;
}

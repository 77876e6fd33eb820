#include "client/directory/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/directory/judge.h"
#include "client/exchange.h"

#define PATH "/kt/v1/search"

struct history {
    struct history_config c;
    struct exchange x;
    struct buf body;
    struct history_version *at;
    size_t n;     /* verified */
    size_t count; /* to be */
    uint32_t first;
};

enum result
history_new(const struct history_config *c, struct history **ret)
{
    struct history *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return RES_MEMORY;
    h->c = *c;
    h->count = (size_t)c->greatest + 1 > HISTORY_MAX ? HISTORY_MAX : (size_t)c->greatest + 1;
    if (c->erased)
        h->count = 1;
    h->first = (uint32_t)(c->greatest + 1 - h->count);
    h->at = calloc(h->count, sizeof(*h->at));
    exchange_init(&h->x, c->log, c->tries == 0 ? HISTORY_TRIES : c->tries, c->seed);
    buf_init(&h->body, KT_REQUEST_MAX);
    if (h->at == NULL) {
        history_free(h);
        return RES_MEMORY;
    }
    *ret = h;
    return RES_OK;
}

void
history_free(struct history *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->n; i++)
        buf_release(&h->at[i].value);
    free(h->at);
    buf_release(&h->body);
    exchange_release(&h->x);
    free(h);
}

void
history_ask(struct history *h, struct ask *ret)
{
    const struct memory *m = h->c.memory;
    struct search_request q = {.last = {m->has_view, m->has_view ? m->view.peaks.size : 0},
                               .label = span_of(h->c.label.b, h->c.label.n),
                               .version = {true, h->first + h->n}};
    struct writer w = writer_to(&h->body);

    if (!exchange_ask(&h->x, ret))
        return;
    buf_clear(&h->body);
    search_request_put(&w, &q);
    (void)snprintf(ret->path, sizeof(ret->path), PATH);
    ret->octets = true;
    ret->body = buf_span(&h->body);
    if (writer_end(&w) != RES_OK) {
        exchange_fault(&h->x, RES_MEMORY);
        ret->kind = ASK_DONE;
    }
}

static enum result
take(struct history *h, const struct answer *a, uint64_t now)
{
    const struct proved_by by = {&h->c.log->directory, &h->c.log->vrf, memory_last(h->c.memory),
                                 now};
    struct history_version *v = &h->at[h->n];
    struct proved_search s;
    enum result r = RES_KT_NO_VERSION;

    if (a->status == 200)
        r = proved_search(&by, span_of(h->c.label.b, h->c.label.n),
                          (struct kt_optional){true, h->first + h->n}, a->body, &s);
    if (r != RES_OK)
        return r;
    buf_init(&v->value, s.value.n);
    r = buf_add(&v->value, s.value);
    if (r != RES_OK)
        return r;
    v->version = s.version;
    v->seen_from = s.terminal_ms;
    memory_advance(h->c.memory, &s.head);
    h->n++;
    return RES_OK;
}

void
history_answer(struct history *h, const struct answer *a, uint64_t now)
{
    if (!exchange_take(&h->x, a, PATH))
        return;
    if (a->status != 200 && !answer_is_refusal(a)) {
        exchange_no_log(&h->x, a, PATH);
        return;
    }
    enum result r = take(h, a, now);
    if (r != RES_OK)
        judge(&h->x, a, PATH, r, "a version of the label");
    else if (h->n == h->count)
        verdict_end(&h->x.verdict, VERDICT_YES, RES_OK, "%zu versions verified", h->n);
}

const struct verdict *
history_verdict(const struct history *h)
{
    return &h->x.verdict;
}

const struct history_version *
history_versions(const struct history *h, size_t *ret_n)
{
    *ret_n = h->n;
    return h->at;
}

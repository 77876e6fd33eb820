#include "api/http/answer.h"

#include <stddef.h>
#include <stdio.h>

#include "api/http/client_private.h"
#include "api/http/outlet.h"

#define CONTAINER(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* What went wrong here, not with the peer, is a line for the operator. */
static void
tell_broken(const struct server *s, const struct exchange *x)
{
    enum result_class cls = result_class(x->why);
    char fields[128];

    if (s->options.hooks.line == NULL || cls == CLASS_OK || cls == CLASS_INPUT ||
        cls == CLASS_ABSENT || cls == CLASS_LATER)
        return;
    snprintf(fields, sizeof fields, "route=%s reason=%s",
             x->route == NULL ? "none" : x->route->label, result_name(x->why));
    s->options.hooks.line(s->options.hooks.app, "request-failed", fields);
}

static void
answer(struct client *c)
{
    struct server *s = c->server;
    struct exchange *x = &c->x;

    if (s->drain != DRAIN_NOT)
        x->reply.close = true;
    tell_broken(s, x);
    metrics_count(&s->metrics, x->route == NULL ? -1 : (int)(x->route - s->options.routes.rows),
                  x->reply.status, x->why);
    conn_answer(&c->conn, &x->reply, s->date, client_now(c));
}

static void
done_on_loop(struct exchange *x)
{
    struct client *c = CONTAINER(x, struct client, x);

    answer(c);
    /* At once: what the body borrows is gone when this returns. */
    (void)outlet_flush(c);
}

static void
done_elsewhere(struct exchange *x)
{
    struct client *c = CONTAINER(x, struct client, x);
    struct span body = x->reply.body;

    if (x->on_loop == NULL && body.n > 0 &&
        (x->out.p == NULL || body.p < x->out.p || body.p >= x->out.p + x->out.cap)) {
        x->out.n = 0;
        if (buf_add(&x->out, body) == RES_OK)
            x->reply.body = buf_span(&x->out);
        else {
            x->why = RES_MEMORY;
            x->reply = (struct reply){.status = 500};
        }
    }
    server_finish(c->server, x);
}

/* The rest of answer_resume, when nothing is waited for any more. */
static void
resume_now(struct exchange *x)
{
    struct client *c = CONTAINER(x, struct client, x);

    c->in_flight = false;
    if (c->gone) {
        client_free(c);
        return;
    }
    if (uv_is_closing(&c->u.handle))
        return;
    if (x->on_loop != NULL) {
        x->thread = &c->server->threads[c->server->thread_count - 1];
        x->done = done_on_loop;
        x->on_loop(x);
    } else {
        answer(c);
    }
    client_pump(c);
}

void
answer_resume(struct exchange *x)
{
    struct server *s = CONTAINER(x, struct client, x)->server;

    if (x->route == NULL || !x->route->lookup || x->on_loop != NULL) {
        resume_now(x);
        return;
    }
    /* It stays another thread's until then: its connection may end meanwhile. */
    struct exchange **at = &s->ticking;
    while (*at != NULL && (*at)->due > x->due)
        at = &(*at)->next;
    x->next = *at;
    *at = x;
    server_tick(s);
}

/* Those that are due, taken out, the first asked first: which was ready first does not show. */
static struct exchange *
take_due(struct server *s, uint64_t now)
{
    struct exchange **at = &s->ticking, *ret = NULL;

    while (*at != NULL && (*at)->due > now)
        at = &(*at)->next;
    for (struct exchange *x = *at, *next; x != NULL; x = next) {
        next = x->next;
        x->next = ret;
        ret = x;
    }
    *at = NULL;
    return ret;
}

void
answer_ticking(struct server *s, uint64_t now)
{
    for (struct exchange *x = take_due(s, now), *next; x != NULL; x = next) {
        next = x->next;
        resume_now(x);
    }
    if (s->ticking != NULL)
        server_tick(s);
}

static void
begin_exchange(struct client *c)
{
    struct exchange *x = &c->x;

    if (x->out.cap > HTTP_BUFFER_KEPT)
        buf_release(&x->out);
    x->out.n = 0;
    x->rq = &c->conn.message.rq;
    x->route = c->route;
    x->app = c->server->options.hooks.app;
    x->thread = &c->server->threads[c->server->thread_count - 1];
    x->why = RES_OK;
    x->on_loop = NULL;
    x->due = uv_hrtime() + HTTP_TICK_NS;
    x->reply = (struct reply){.status = 500};
    x->done = done_on_loop;
}

static void
refuse(struct client *c, enum result why, unsigned status, const char *allow)
{
    struct exchange *x = &c->x;

    x->why = why;
    reply_refusal(why, NULL, &x->out, &x->reply);
    x->reply.allow = allow;
    if (status != 0) {
        /* RFC 9457 3.1.2: the document's status is the answer's. */
        x->out.n = 0;
        if (reply_problem_body(why, status, NULL, &x->out) == RES_OK)
            x->reply.body = buf_span(&x->out);
        x->reply.status = status;
    }
    exchange_done(x);
}

/* RFC 9110 9.3.7, and what a browser asks before it lets a page read. */
static void
answer_options(struct client *c)
{
    bool cors = c->route != NULL && c->route->cors;

    c->x.reply = (struct reply){
        .status = 204, .cache = REPLY_NO_STORE, .cors = cors, .preflight = cors, .allow = c->allow};
    exchange_done(&c->x);
}

/* Whether the client's network may have a worker's time now, and ask about an address. */
static enum result
take_token(struct client *c)
{
    struct server *s = c->server;
    bool looks_up = c->route->lookup && s->options.lookup_rate != 0;
    struct ip origin;
    struct hash key;

    if (s->options.client_rate == 0 && !looks_up)
        return RES_OK;
    origin = origin_of(&c->peer, &s->options.trust, &c->conn.message.fields.forwarded);
    ip_client_key(&origin, &key);
    if (s->options.client_rate != 0 && rate_take(s->rate, &key, client_now(c)) != RES_OK)
        return RES_CLIENT_RATE;
    if (looks_up && rate_take(s->lookups, &key, client_now(c) / 60) != RES_OK)
        return RES_LOOKUP_RATE;
    return RES_OK;
}

size_t
answer_body_max(struct conn *conn)
{
    struct client *c = CONTAINER(conn, struct client, conn);

    c->route = NULL;
    c->allow = NULL;
    c->route_why = route_find(&c->server->options.routes, &conn->message.rq, &c->route, &c->allow);
    if (c->route_why != RES_OK || c->route == NULL)
        return CONN_BODY_NOW;
    if (c->route->where != ROUTE_LOOP)
        c->route_why = take_token(c);
    return c->route_why == RES_OK ? c->route->body_max : CONN_BODY_NOW;
}

void
answer_request(struct client *c)
{
    struct exchange *x = &c->x;
    enum result r = c->route_why;

    begin_exchange(c);
    if (x->rq->method == METHOD_OPTIONS &&
        (r == RES_HTTP_METHOD || span_equal(x->rq->path, span_str("*")))) {
        answer_options(c);
    } else if (r != RES_OK) {
        refuse(c, r, 0, c->allow);
    } else if (c->route->where == ROUTE_LOOP) {
        c->route->handler(x);
    } else {
        x->done = done_elsewhere;
        c->in_flight = true;
        r = workers_add(c->server->workers, x);
        if (r == RES_OK)
            return;
        c->in_flight = false;
        x->done = done_on_loop;
        refuse(c, r, 0, NULL);
    }
}

void
answer_refusal(struct client *c)
{
    c->route = NULL;
    begin_exchange(c);
    refuse(c, c->conn.why, c->conn.why_status, NULL);
}

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/server_private.h"

struct client {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct server *server;
    struct client *next;
    struct client **link;
    struct exchange x;
    const struct route *route;
    enum result route_why;
    const char *allow;
    bool reading;
    bool writing;   /* a uv_write is under way */
    bool in_flight; /* x is with another thread */
    bool gone;      /* the handle is closed; the memory waits for x */
    bool lingering;
    size_t write_n;
    size_t held;         /* of server.held */
    uint64_t held_since; /* when the answer began to wait */
    size_t queue_seen;   /* bytes waiting when a slow reader was last looked at */
    uint64_t patience;   /* until when lingering or a slow reader is borne */
    size_t lingered;
    struct conn conn; /* last: its buffers are not cleared */
};

#define CONTAINER(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

static uint64_t
now_of(const struct client *c)
{
    return uv_now(&c->server->loop);
}

/* ---- end ---- */

static void
free_client(struct client *c)
{
    conn_release(&c->conn);
    buf_release(&c->x.out);
    buf_release(&c->x.later);
    free(c);
}

static void
on_closed(uv_handle_t *h)
{
    struct client *c = h->data;

    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    c->server->metrics.open--;
    listener_closed(c->server->listener);
    c->gone = true;
    /* The other thread reads the request's bytes: they stay until it has let go. */
    if (!c->in_flight)
        free_client(c);
}

void
client_close(struct client *c)
{
    if (!c->gone && !uv_is_closing(&c->u.handle))
        uv_close(&c->u.handle, on_closed);
}

static void
on_shutdown(uv_shutdown_t *rq, int status)
{
    (void)status;
    (void)rq;
}

/* The last answer has gone.  A peer that still sends would get a reset for it, which may overtake
 * the answer. */
static void
end_connection(struct client *c)
{
    if (!c->conn.refused || c->conn.eof ||
        uv_shutdown(&c->shutdown, &c->u.stream, on_shutdown) != 0) {
        client_close(c);
        return;
    }
    c->lingering = true;
    c->patience = now_of(c) + HTTP_LINGER_MS;
}

/* ---- writing ---- */

static void pump(struct client *c);

static void
let_go(struct client *c)
{
    c->server->held -= c->held;
    c->held = 0;
}

/*
 * What a peer does not take is memory that stands.  When all of it together is too much, those go
 * that have waited longest: who reads is done soon, who does not pays.
 */
static void
hold(struct client *c, size_t n)
{
    struct server *s = c->server;

    while (s->held > 0 && s->held + n > s->options.held_max) {
        struct client *oldest = NULL;

        for (struct client *o = s->clients; o != NULL; o = o->next)
            if (o->held > 0 && (oldest == NULL || o->held_since < oldest->held_since))
                oldest = o;
        if (oldest == NULL)
            break;
        let_go(oldest);
        client_close(oldest);
    }
    c->held = n;
    c->held_since = now_of(c);
    s->held += n;
}

static void
on_written(uv_write_t *rq, int status)
{
    struct client *c = rq->data;

    c->writing = false;
    let_go(c);
    if (status != 0) {
        client_close(c);
        return;
    }
    c->server->metrics.sent += c->write_n;
    conn_wrote(&c->conn, c->write_n, now_of(c));
    pump(c);
}

static unsigned
buffers_of(const struct client *c, uv_buf_t bufs[static 2], size_t *ret_n)
{
    struct span out[2];
    unsigned n = conn_output(&c->conn, out);

    *ret_n = 0;
    for (unsigned i = 0; i < n; i++) {
        bufs[i] = uv_buf_init((char *)(uintptr_t)out[i].p, (unsigned)out[i].n);
        *ret_n += out[i].n;
    }
    return n;
}

/* The body is borrowed from a handler that is about to return: keep what is left of it. */
static enum result
keep_body(struct client *c)
{
    struct conn *k = &c->conn;
    struct buf *out = &c->x.out;
    const uint8_t *left = k->out_body.p + k->body_done;
    size_t n = k->out_body.n - k->body_done;
    enum result r;

    if (n == 0 || (out->p != NULL && left >= out->p && left < out->p + out->cap))
        return RES_OK;
    out->n = 0;
    r = buf_add(out, span_of(left, n));
    if (r == RES_OK)
        conn_rebody(k, out->p);
    return r;
}

/* Writes what there is; false: not all of it yet, or the connection has ended. */
static bool
flush(struct client *c)
{
    uv_buf_t bufs[2];
    size_t all;
    unsigned n = buffers_of(c, bufs, &all);
    int wrote;

    if (n == 0)
        return true;
    wrote = uv_try_write(&c->u.stream, bufs, n);
    if (wrote > 0) {
        c->server->metrics.sent += (uint64_t)wrote;
        conn_wrote(&c->conn, (size_t)wrote, now_of(c));
        if ((size_t)wrote == all)
            return true;
    } else if (wrote != UV_EAGAIN) {
        client_close(c);
        return false;
    }
    if (keep_body(c) != RES_OK) {
        client_close(c);
        return false;
    }
    n = buffers_of(c, bufs, &c->write_n);
    c->write.data = c;
    if (uv_write(&c->write, &c->u.stream, bufs, n, on_written) != 0) {
        client_close(c);
        return false;
    }
    c->writing = true;
    /* A buffer that has grown is up to twice what it holds. */
    hold(c, c->x.out.cap > c->write_n ? c->x.out.cap : c->write_n);
    c->queue_seen = c->write_n;
    c->patience = now_of(c) + HTTP_WRITE_MS;
    return false;
}

/* ---- answering ---- */

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
    conn_answer(&c->conn, &x->reply, s->date, now_of(c));
}

static void
done_on_loop(struct exchange *x)
{
    struct client *c = CONTAINER(x, struct client, x);

    answer(c);
    /* At once: what the body borrows is gone when this returns. */
    (void)flush(c);
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

void
client_resume(struct exchange *x)
{
    struct client *c = CONTAINER(x, struct client, x);

    c->in_flight = false;
    if (c->gone) {
        free_client(c);
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
    pump(c);
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

size_t
client_body_max(struct conn *conn)
{
    struct client *c = CONTAINER(conn, struct client, conn);

    c->route = NULL;
    c->allow = NULL;
    c->route_why = route_find(&c->server->options.routes, &conn->message.rq, &c->route, &c->allow);
    return c->route_why == RES_OK && c->route != NULL ? c->route->body_max : CONN_BODY_NOW;
}

static void
dispatch(struct client *c)
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

static void
dispatch_refused(struct client *c)
{
    c->route = NULL;
    begin_exchange(c);
    refuse(c, c->conn.why, c->conn.why_status, NULL);
}

/* ---- reading ---- */

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct client *c = h->data;
    size_t n;

    (void)suggested;
    if (c->lingering) {
        *ret = uv_buf_init(c->server->waste, sizeof c->server->waste);
        return;
    }
    ret->base = (char *)conn_space(&c->conn, &n);
    ret->len = n;
}

static void
pause_reading(struct client *c)
{
    if (c->reading)
        uv_read_stop(&c->u.stream);
    c->reading = false;
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;
    size_t space;

    (void)buf;
    if (n == 0)
        return;
    if (n < 0 && (n != UV_EOF || c->lingering)) {
        client_close(c);
        return;
    }
    if (n == UV_EOF) {
        pause_reading(c);
        conn_eof(&c->conn);
        pump(c);
        return;
    }
    c->server->metrics.received += (uint64_t)n;
    if (c->lingering) {
        c->lingered += (size_t)n;
        if (c->lingered > HTTP_LINGER_BYTES)
            client_close(c);
        return;
    }
    conn_fed(&c->conn, (size_t)n, now_of(c));
    pump(c);
    conn_space(&c->conn, &space);
    if (space == 0 && !uv_is_closing(&c->u.handle))
        pause_reading(c);
}

static void
resume_reading(struct client *c)
{
    size_t space;

    conn_space(&c->conn, &space);
    if (c->reading || c->conn.eof || space == 0)
        return;
    if (uv_read_start(&c->u.stream, on_alloc, on_read) == 0)
        c->reading = true;
    else
        client_close(c);
}

/* Goes on as far as it goes without waiting. */
static void
pump(struct client *c)
{
    while (!c->writing && !c->in_flight && !c->lingering && !uv_is_closing(&c->u.handle)) {
        struct span out[2];

        if (!flush(c))
            return;
        switch (conn_next(&c->conn, now_of(c))) {
        case CONN_MORE:
            if (conn_output(&c->conn, out) > 0)
                continue;
            /* The answer has gone; a connection that rests holds none. */
            if (c->x.out.cap > HTTP_BUFFER_KEPT)
                buf_release(&c->x.out);
            if (c->server->drain != DRAIN_NOT && !conn_busy(&c->conn))
                client_close(c);
            else
                resume_reading(c);
            return;
        case CONN_REQUEST:
            dispatch(c);
            break;
        case CONN_REFUSED:
            dispatch_refused(c);
            break;
        case CONN_ENDED:
            end_connection(c);
            /* What lingers must be read. */
            if (c->lingering)
                resume_reading(c);
            return;
        }
    }
}

/* ---- from the server ---- */

enum result
client_open(struct server *s, int fd, bool unix_socket)
{
    struct client *c = malloc(sizeof *c);
    int rc;

    if (c == NULL) {
        close(fd);
        return RES_MEMORY;
    }
    memset(c, 0, offsetof(struct client, conn));
    c->server = s;
    buf_init(&c->x.out, HTTP_ANSWER_MAX);
    buf_init(&c->x.later, HTTP_ANSWER_MAX);
    conn_init(&c->conn, &s->conn_options, uv_now(&s->loop));
    if (unix_socket) {
        rc = uv_pipe_init(&s->loop, &c->u.pipe, 0);
        if (rc == 0)
            rc = uv_pipe_open(&c->u.pipe, fd);
    } else {
        rc = uv_tcp_init(&s->loop, &c->u.tcp);
        if (rc == 0)
            rc = uv_tcp_open(&c->u.tcp, fd);
        if (rc == 0)
            uv_tcp_nodelay(&c->u.tcp, 1);
    }
    c->u.handle.data = c;
    c->next = s->clients;
    c->link = &s->clients;
    if (c->next != NULL)
        c->next->link = &c->next;
    s->clients = c;
    s->metrics.open++;
    s->metrics.accepted++;
    if (rc != 0) {
        close(fd);
        client_close(c);
        return RES_IO;
    }
    resume_reading(c);
    return RES_OK;
}

void
client_sweep(struct client *c, uint64_t now)
{
    if (uv_is_closing(&c->u.handle) || c->in_flight)
        return;
    if (c->lingering) {
        if (now >= c->patience)
            client_close(c);
        return;
    }
    if (c->writing) {
        size_t waiting = uv_stream_get_write_queue_size(&c->u.stream);

        if (waiting != c->queue_seen) {
            c->queue_seen = waiting;
            c->patience = now + HTTP_WRITE_MS;
        } else if (now >= c->patience) {
            client_close(c);
        }
        return;
    }
    if (now < conn_deadline(&c->conn))
        return;
    if (conn_expire(&c->conn) == CONN_REFUSED)
        dispatch_refused(c);
    pump(c);
}

bool
client_receiving(const struct client *c)
{
    return !uv_is_closing(&c->u.handle) && !c->in_flight && !c->writing && !c->lingering &&
           conn_busy(&c->conn);
}

uint64_t
client_rests_since(const struct client *c)
{
    bool rests = !uv_is_closing(&c->u.handle) && !c->in_flight && !c->writing && !c->lingering &&
                 c->conn.state == CONN_HEAD && c->conn.in_n == 0;

    return rests ? c->conn.since : UINT64_MAX;
}

bool
client_unread(const struct client *c)
{
    uv_os_fd_t fd;
    char first;

    return uv_fileno(&c->u.handle, &fd) == 0 && recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void
client_drain(struct client *c)
{
    if (!c->in_flight && !c->writing && !c->lingering && !conn_busy(&c->conn))
        client_close(c);
}

struct client *
client_next(const struct client *c)
{
    return c->next;
}

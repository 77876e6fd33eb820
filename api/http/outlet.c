#include "api/http/outlet.h"

#include "api/http/client_private.h"

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
    c->held_since = client_now(c);
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
    conn_wrote(&c->conn, c->write_n, client_now(c));
    client_pump(c);
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

bool
outlet_flush(struct client *c)
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
        conn_wrote(&c->conn, (size_t)wrote, client_now(c));
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
    c->patience = client_now(c) + HTTP_WRITE_MS;
    return false;
}

#include "api/http/route.h"

static bool
takes_path(const struct route *row, struct span path)
{
    size_t n = strlen(row->path);

    if (row->prefix)
        return path.n >= n && memcmp(path.p, row->path, n) == 0;
    return path.n == n && memcmp(path.p, row->path, n) == 0;
}

enum result
route_find(const struct routes *t, const struct request *rq, const struct route **ret,
           const char **ret_allow)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct route *row = &t->rows[i];

        if (!takes_path(row, rq->path))
            continue;
        *ret = row;
        if (rq->method == row->method || (rq->method == METHOD_HEAD && row->method == METHOD_GET))
            return RES_OK;
        *ret_allow = row->method == METHOD_POST ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
        return RES_HTTP_METHOD;
    }
    return RES_HTTP_NOT_FOUND;
}

void
exchange_done(struct exchange *x)
{
    x->done(x);
}

void
exchange_on_loop(struct exchange *x, route_fn *fn)
{
    x->on_loop = fn;
    x->done(x);
}

/* Replaces the reply's body by its gzip form; leaves it as it is when there is no memory for that.
 */
static void
compress(struct exchange *x)
{
    struct buf *scratch = &x->thread->scratch;

    if (scratch->cap > GZIP_SCRATCH_KEPT)
        buf_release(scratch);
    scratch->n = 0;
    if (gzip_add(x->thread->gzip, x->reply.body, scratch) != RES_OK)
        return;
    /* The exchange keeps the new bytes; what it had made serves as the next scratch. */
    struct buf made = *scratch;
    *scratch = x->out;
    x->out = made;
    x->reply.body = buf_span(&x->out);
    x->reply.gzip = true;
}

void
exchange_ok(struct exchange *x, enum reply_type type, enum reply_cache cache, struct span body)
{
    x->why = RES_OK;
    x->reply = (struct reply){.status = 200,
                              .type = type,
                              .cache = cache,
                              .cors = x->route->cors,
                              .vary = x->route->gzip,
                              .body = body};
    if (x->route->gzip && body.n >= GZIP_MIN && body.n <= GZIP_MAX && x->thread != NULL &&
        gzip_accepted(x->rq->accept_encoding))
        compress(x);
    exchange_done(x);
}

void
exchange_refuse_as(struct exchange *x, enum result r, unsigned status, const char *detail)
{
    x->why = r;
    x->out.n = 0;
    reply_refusal(r, detail, &x->out, &x->reply);
    if (status != x->reply.status) {
        x->out.n = 0;
        if (reply_problem_body(r, status, detail, &x->out) == RES_OK)
            x->reply.body = buf_span(&x->out);
        x->reply.status = status;
    }
    exchange_done(x);
}

void
exchange_refuse(struct exchange *x, enum result r, const char *detail)
{
    exchange_refuse_as(x, r, reply_status(r), detail);
}

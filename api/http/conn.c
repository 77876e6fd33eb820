#include "api/http/conn.h"

#include <assert.h>
#include <string.h>

#include "api/http/head.h"

/* Makes ready for the next head; what came behind the last request moves to the front. */
static void
begin_head(struct conn *c, uint64_t now)
{
    if (c->pos > 0) {
        c->in_n -= c->pos;
        memmove(c->in, c->in + c->pos, c->in_n);
        c->pos = 0;
    }
    c->line = 0;
    c->state = CONN_HEAD;
    c->since = now;
    message_rest(&c->message);
}

void
conn_init(struct conn *c, const struct conn_options *options, uint64_t now)
{
    /* in[] and head[] are not touched: pages that are never used are never there. */
    memset(c, 0, offsetof(struct conn, head));
    c->options = options;
    message_init(&c->message, options->room);
    begin_head(c, now);
}

void
conn_release(struct conn *c)
{
    message_release(&c->message);
    c->state = CONN_CLOSED;
}

uint8_t *
conn_space(struct conn *c, size_t *ret_n)
{
    *ret_n = HTTP_IN_MAX - c->in_n;
    return c->in + c->in_n;
}

void
conn_fed(struct conn *c, size_t n, uint64_t now)
{
    assert(n <= HTTP_IN_MAX - c->in_n);
    /* An idle connection's clock begins anew with a request's first byte. */
    if (c->state == CONN_HEAD && c->in_n == 0)
        c->since = now;
    c->in_n += n;
}

void
conn_eof(struct conn *c)
{
    c->eof = true;
}

static enum conn_event
refused(struct conn *c, enum result why)
{
    c->why = why;
    c->state = CONN_WAITS;
    c->last = true;
    c->refused = true;
    c->message.rq.method = METHOD_GET; /* a refusal has a body, whatever was asked */
    message_release(&c->message);      /* what has come of the request's own is for nobody */
    return CONN_REFUSED;
}

static enum conn_event
request_ready(struct conn *c)
{
    c->state = CONN_WAITS;
    c->requests++;
    if (!c->message.keep)
        c->last = true;
    return CONN_REQUEST;
}

/* The head is complete and the parser is content: how does it go on? */
static enum conn_event
after_head(struct conn *c, uint64_t now, bool *ret_body)
{
    size_t max = c->options->body_max(c);
    enum result r;

    if (!message_has_body(&c->message))
        return request_ready(c);
    if (max == CONN_BODY_NOW) {
        c->last = c->refused = true; /* the body stays unread */
        return request_ready(c);
    }
    r = message_allow(&c->message, max);
    if (r != RES_OK)
        return refused(c, r);
    c->state = CONN_BODY;
    c->since = now;
    /* RFC 9110 10.1.1: not to HTTP/1.0, and not when the content has begun to come. */
    if (c->message.fields.expects && !c->message.rq.http10 && c->pos == c->in_n) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

        memcpy(c->head, go_on, sizeof go_on - 1);
        c->head_n = sizeof go_on - 1;
        c->head_done = 0;
        c->interim = true;
    }
    *ret_body = true;
    return CONN_MORE;
}

static enum conn_event
read_head(struct conn *c, uint64_t now, bool *ret_body)
{
    enum result r;
    size_t n;

    /* RFC 9112 2.2: an empty line before the request line is passed over. */
    while (c->in_n - c->pos >= 2 && c->in[c->pos] == '\r' && c->in[c->pos + 1] == '\n') {
        c->pos += 2;
        c->line = 0;
    }
    r = head_scan(span_of(c->in + c->pos, c->in_n - c->pos), &c->line, &n);
    if (r != RES_OK)
        return refused(c, r);
    if (n > HTTP_HEAD_MAX || (n == 0 && c->in_n >= HTTP_HEAD_MAX))
        return refused(c, RES_HTTP_HEAD);
    if (n == 0)
        return c->eof ? CONN_ENDED : CONN_MORE;
    r = message_head(&c->message, span_of(c->in + c->pos, n));
    if (r != RES_OK) {
        c->why_status = c->message.status;
        return refused(c, r);
    }
    c->pos += n;
    return after_head(c, now, ret_body);
}

static enum conn_event
read_body(struct conn *c)
{
    size_t head_end = c->pos;

    if (c->pos < c->in_n) {
        bool whole;
        size_t used;
        enum result r =
            message_body(&c->message, span_of(c->in + c->pos, c->in_n - c->pos), &used, &whole);

        if (r != RES_OK)
            return refused(c, r);
        c->pos += used;
        if (whole)
            return request_ready(c);
    }
    /* The body has been copied out; the head stays, the request's spans lie in it. */
    c->in_n = c->pos = head_end;
    return c->eof ? CONN_ENDED : CONN_MORE;
}

enum conn_event
conn_next(struct conn *c, uint64_t now)
{
    enum conn_event event = CONN_MORE;
    bool body = false;

    if (c->state == CONN_HEAD) {
        event = read_head(c, now, &body);
        if (!body)
            goto out;
    }
    if (c->state == CONN_BODY)
        event = read_body(c);
out:
    if (c->state == CONN_CLOSED)
        return CONN_ENDED;
    if (event == CONN_ENDED)
        c->state = CONN_CLOSED;
    return event;
}

void
conn_answer(struct conn *c, const struct reply *r, const char *date, uint64_t now)
{
    struct reply reply = *r;
    struct reply_form form = {
        .head = c->message.rq.method == METHOD_HEAD, .http10 = c->message.rq.http10, .date = date};

    assert(c->state == CONN_WAITS);
    if (reply.close)
        c->last = true;
    reply.close = c->last;
    /* A 100 (Continue) that the peer has not taken goes out in front, whole. */
    if (!c->interim || c->head_done == c->head_n)
        c->head_n = 0;
    if (c->head_n > 0) {
        memmove(c->head, c->head + c->head_done, c->head_n - c->head_done);
        c->head_n -= c->head_done;
    }
    assert(c->head_n <= CONN_INTERIM_MAX);
    c->head_n += reply_head(&reply, &form, c->head + c->head_n);
    c->interim = false;
    c->head_done = 0;
    c->body_done = 0;
    c->out_body = form.head ? span_of(NULL, 0) : reply.body;
    c->state = CONN_WRITES;
    c->since = now;
}

void
conn_rebody(struct conn *c, const uint8_t *p)
{
    c->out_body.p = p;
    c->out_body.n -= c->body_done;
    c->body_done = 0;
}

unsigned
conn_output(const struct conn *c, struct span ret[static 2])
{
    unsigned n = 0;

    if (c->head_done < c->head_n)
        ret[n++] = span_of(c->head + c->head_done, c->head_n - c->head_done);
    if (c->body_done < c->out_body.n)
        ret[n++] = span_of(c->out_body.p + c->body_done, c->out_body.n - c->body_done);
    return n;
}

void
conn_wrote(struct conn *c, size_t n, uint64_t now)
{
    size_t of_head = c->head_n - c->head_done;

    if (of_head > n)
        of_head = n;
    c->head_done += of_head;
    c->body_done += n - of_head;
    assert(c->body_done <= c->out_body.n);
    if (c->head_done < c->head_n || c->body_done < c->out_body.n)
        return;
    c->head_n = c->head_done = 0;
    c->out_body = span_of(NULL, 0);
    c->body_done = 0;
    c->interim = false;
    if (c->state != CONN_WRITES)
        return;
    if (c->last)
        c->state = CONN_CLOSED;
    else
        begin_head(c, now);
}

uint64_t
conn_deadline(const struct conn *c)
{
    switch (c->state) {
    case CONN_HEAD:
        /* A fresh connection owes a head; one that has been served may rest. */
        if (c->in_n == 0 && c->requests > 0)
            return c->since + c->options->idle_ms;
        return c->since + c->options->head_ms;
    case CONN_BODY:
        return c->since + c->options->body_ms;
    case CONN_WRITES:
        return c->since + HTTP_WRITE_MS;
    case CONN_WAITS:
    case CONN_CLOSED:
        break;
    }
    return UINT64_MAX;
}

enum conn_event
conn_expire(struct conn *c)
{
    if (c->state == CONN_BODY || (c->state == CONN_HEAD && c->in_n > c->pos))
        return refused(c, RES_HTTP_TIMEOUT);
    c->state = CONN_CLOSED;
    return CONN_ENDED;
}

uint64_t
conn_body_age(const struct conn *c, uint64_t now)
{
    return c->state == CONN_BODY ? now - c->since : 0;
}

enum conn_event
conn_evict(struct conn *c)
{
    assert(c->state == CONN_BODY);
    return refused(c, RES_HTTP_BODIES);
}

bool
conn_busy(const struct conn *c)
{
    return c->state == CONN_BODY || c->state == CONN_WAITS || c->state == CONN_WRITES ||
           (c->state == CONN_HEAD && c->in_n > c->pos);
}

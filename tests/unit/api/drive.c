#include "tests/unit/api/drive.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char date[] = "Thu, 01 Jan 1970 00:00:00 GMT";

/* The driver's limit; one at a time, as the tests are. */
static size_t limit;

static size_t
tell_limit(struct conn *c)
{
    return span_equal(c->message.rq.path, span_str("/now")) ? CONN_BODY_NOW : limit;
}

static void say(struct drive *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct drive *d, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(d->said + d->n, sizeof d->said - d->n, format, args);
    va_end(args);
    d->n += n < 0 ? 0 : (size_t)n;
    if (d->n >= sizeof d->said)
        d->n = sizeof d->said - 1;
}

/* Takes the output in two pieces, so that a partial write is part of every test. */
static void
drain(struct drive *d)
{
    struct span out[2];

    while (conn_output(&d->conn, out) > 0) {
        size_t n = out[0].n > 1 ? out[0].n / 2 : 1;
        size_t keep = n < sizeof d->out - 1 - d->out_n ? n : sizeof d->out - 1 - d->out_n;

        memcpy(d->out + d->out_n, out[0].p, keep);
        d->out_n += keep;
        d->out[d->out_n] = '\0';
        conn_wrote(&d->conn, n, d->now);
    }
}

static void
answer(struct drive *d, const struct reply *r)
{
    conn_answer(&d->conn, r, date, d->now);
    drain(d);
}

void
drive_pump(struct drive *d)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS", "OTHER"};
    struct reply ok = {.status = 200, .type = REPLY_TEXT, .body = span_str("ok")};
    struct reply refused = {.status = 400, .type = REPLY_TEXT};
    const struct request *rq = &d->conn.message.rq;

    for (;;) {
        drain(d);
        switch (conn_next(&d->conn, d->now)) {
        case CONN_MORE: {
            struct span out[2];

            if (conn_output(&d->conn, out) > 0)
                continue;
            return;
        }
        case CONN_REQUEST:
            say(d, "%s %.*s", methods[rq->method], (int)rq->path.n, (const char *)rq->path.p);
            if (rq->query.n > 0)
                say(d, "?%.*s", (int)rq->query.n, (const char *)rq->query.p);
            if (rq->body.n > 0) {
                assert(rq->body.p[rq->body.n] == 0);
                say(d, "[%zu]", rq->body.n);
            }
            say(d, " ");
            answer(d, &ok);
            break;
        case CONN_REFUSED:
            say(d, "!%s ", result_name(d->conn.why));
            answer(d, &refused);
            break;
        case CONN_ENDED:
            if (d->n < 2 || d->said[d->n - 2] != '$')
                say(d, "$ ");
            return;
        }
    }
}

void
drive_begin(struct drive *d, size_t body_max)
{
    limit = body_max;
    d->room = (struct room){.max = 1 << 20};
    d->options = (struct conn_options){.body_max = tell_limit,
                                       .room = &d->room,
                                       .head_ms = 1000,
                                       .body_ms = 2000,
                                       .idle_ms = 3000};
    d->now = 0;
    d->n = d->out_n = 0;
    d->said[0] = d->out[0] = '\0';
    conn_init(&d->conn, &d->options, d->now);
}

void
drive_feed(struct drive *d, struct span s, size_t step)
{
    while (s.n > 0 && !drive_ended(d)) {
        size_t space;
        uint8_t *to = conn_space(&d->conn, &space);
        size_t n = step == 0 || step > s.n ? s.n : step;

        assert(space > 0);
        if (n > space)
            n = space;
        memcpy(to, s.p, n);
        conn_fed(&d->conn, n, d->now);
        s = span_of(s.p + n, s.n - n);
        drive_pump(d);
    }
}

void
drive_eof(struct drive *d)
{
    conn_eof(&d->conn);
    drive_pump(d);
}

bool
drive_ended(const struct drive *d)
{
    return d->conn.state == CONN_CLOSED;
}

void
drive_end(struct drive *d)
{
    conn_release(&d->conn);
}

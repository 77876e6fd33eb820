#include "api/http/conn.h"

#include <assert.h>
#include <string.h>

#include "api/http/head.h"

/* ---- what llhttp calls ---- */

static struct conn *
conn_of(llhttp_t *p)
{
    return p->data;
}

/* Refuses from inside the parser. */
static int
refuse(struct conn *c, enum result why)
{
    c->why = why;
    return -1;
}

static int
on_url(llhttp_t *p, const char *at, size_t n)
{
    struct conn *c = conn_of(p);

    /* The head is fed whole: one call. */
    c->rq.path = span_of(at, n);
    return 0;
}

static int
on_field(llhttp_t *p, const char *at, size_t n)
{
    struct conn *c = conn_of(p);

    if (c->state == CONN_BODY)
        return refuse(c, RES_HTTP_SYNTAX); /* a trailer */
    if (++c->headers > HTTP_HEADERS_MAX)
        return refuse(c, RES_HTTP_HEAD);
    c->field = span_of(at, n);
    c->value = span_of(NULL, 0);
    return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
    conn_of(p)->value = span_of(at, n);
    return 0;
}

/* A field whose repetition leaves us no opinion. */
static void
take_once(struct span *to, unsigned *count, struct span value)
{
    *to = ++*count == 1 ? value : span_of(NULL, 0);
}

static int
on_value_complete(llhttp_t *p)
{
    struct conn *c = conn_of(p);
    struct span v = head_trim(c->value);

    switch (c->field.n) {
    case 4:
        if (head_is(c->field, "host"))
            take_once(&c->rq.host, &c->hosts, v);
        break;
    case 6:
        if (head_is(c->field, "expect") && head_is(v, "100-continue"))
            c->expects = true;
        break;
    case 13:
        if (head_is(c->field, "authorization"))
            take_once(&c->rq.authorization, &c->authorizations, v);
        break;
    case 15:
        if (head_is(c->field, "accept-encoding"))
            take_once(&c->rq.accept_encoding, &c->accepts, v);
        break;
    case 16:
        /* A compressed request is taken by no route. */
        if (head_is(c->field, "content-encoding") && !head_is(v, "identity"))
            return refuse(c, RES_HTTP_MEDIA);
        break;
    case 17:
        /* RFC 9112 6.1: only chunked, only once, nothing before it. */
        if (head_is(c->field, "transfer-encoding") && (++c->codings > 1 || !head_is(v, "chunked")))
            return refuse(c, RES_HTTP_TRANSFER_CODING);
        break;
    default:
        break;
    }
    return 0;
}

static enum method
method_of(uint8_t method)
{
    switch (method) {
    case HTTP_GET:
        return METHOD_GET;
    case HTTP_HEAD:
        return METHOD_HEAD;
    case HTTP_POST:
        return METHOD_POST;
    case HTTP_OPTIONS:
        return METHOD_OPTIONS;
    default:
        return METHOD_OTHER;
    }
}

/* Whether s could stand in Host: RFC 3986 3.2.2 and 3.2.3, without looking closer. */
static bool
is_host(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("/?#@\\,\"<>^`{|}", s.p[i]) != NULL)
            return false;
    return true;
}

static enum result
check_head(struct conn *c, const llhttp_t *p)
{
    struct span target = c->rq.path;

    if (p->http_major != 1 || p->http_minor > 1)
        return RES_HTTP_VERSION;
    c->rq.http10 = p->http_minor == 0;
    if (p->method == HTTP_CONNECT)
        return RES_HTTP_METHOD;
    c->rq.method = method_of(p->method);
    /* RFC 9112 3.2: 400 to HTTP/1.1 without Host, and to any request with more than one or an
     * invalid one. */
    if (c->hosts > 1 || (c->hosts == 0 && !c->rq.http10) || !is_host(c->rq.host))
        return RES_HTTP_HOST;
    /* RFC 9112 6.1: in HTTP/1.0 framing by Transfer-Encoding is faulty. */
    if (c->codings > 0 && c->rq.http10)
        return RES_HTTP_TRANSFER_CODING;
    /* RFC 6750 2: a credential that stands twice is no credential. */
    if (c->authorizations > 1)
        return RES_HTTP_SYNTAX;
    if (c->rq.method == METHOD_OPTIONS && span_equal(target, span_str("*")))
        return RES_OK;
    return head_target(target, &c->rq.path, &c->rq.query);
}

static int
on_headers_complete(llhttp_t *p)
{
    struct conn *c = conn_of(p);
    enum result r = check_head(c, p);

    if (r != RES_OK)
        return refuse(c, r);
    p->upgrade = 0; /* no protocol but this one is spoken: the offer is ignored */
    c->chunked = (p->flags & F_CHUNKED) != 0;
    c->has_length = (p->flags & F_CONTENT_LENGTH) != 0;
    if (c->has_length && p->content_length > SIZE_MAX / 2)
        return refuse(c, RES_HTTP_BODY);
    c->length = c->has_length ? (size_t)p->content_length : 0;
    c->keep = llhttp_should_keep_alive(p) != 0;
    c->headed = true;
    return 0;
}

/* What is too long is refused when it is announced, not when it has come. */
static int
on_chunk_header(llhttp_t *p)
{
    struct conn *c = conn_of(p);

    return p->content_length > c->body_max - c->body.n ? refuse(c, RES_HTTP_BODY) : 0;
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
    struct conn *c = conn_of(p);
    enum result r;

    if (n > c->body_max - c->body.n)
        return refuse(c, RES_HTTP_BODY);
    r = buf_add(&c->body, span_of(at, n));
    return r == RES_OK ? 0 : refuse(c, r);
}

static int
on_message_complete(llhttp_t *p)
{
    conn_of(p)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- states ---- */

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
    if (c->body.cap > HTTP_BUFFER_KEPT)
        buf_release(&c->body);
}

void
conn_init(struct conn *c, const struct conn_options *options, uint64_t now)
{
    /* in[] and head[] are not touched: pages that are never used are never there. */
    memset(c, 0, offsetof(struct conn, head));
    c->options = options;
    c->body = BUF_INIT(0);
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    begin_head(c, now);
}

void
conn_release(struct conn *c)
{
    buf_release(&c->body);
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
    c->rq.method = METHOD_GET; /* a refusal has a body, whatever was asked */
    return CONN_REFUSED;
}

/* What the parser's error means. */
static enum conn_event
parser_refused(struct conn *c, enum llhttp_errno e)
{
    if (c->why != RES_OK)
        return refused(c, c->why);
    switch (e) {
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
        return refused(c, RES_HTTP_LENGTH);
    case HPE_INVALID_TRANSFER_ENCODING:
        return refused(c, RES_HTTP_TRANSFER_CODING);
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        return refused(c, RES_HTTP_VERSION);
    default:
        return refused(c, RES_HTTP_SYNTAX);
    }
}

/* Whether the line begins with a token and a blank: then it is a method that nobody knows. */
static bool
unknown_method(struct span s)
{
    size_t i = 0;

    while (i < s.n && s.p[i] >= 'A' && s.p[i] <= 'Z')
        i++;
    return i > 0 && i < s.n && s.p[i] == ' ';
}

static void
begin_request(struct conn *c)
{
    c->rq = (struct request){.method = METHOD_OTHER};
    c->why = RES_OK;
    c->why_status = 0;
    c->headers = c->hosts = c->codings = c->accepts = c->authorizations = 0;
    c->expects = c->chunked = c->has_length = c->headed = c->complete = c->keep = false;
    c->length = c->framed = 0;
    c->body.n = 0;
    llhttp_reset(&c->parser);
}

static enum conn_event
request_ready(struct conn *c)
{
    if (c->body.n > 0) {
        c->body.p[c->body.n] = 0; /* there is room: see read_head */
        c->rq.body = buf_span(&c->body);
    }
    c->state = CONN_WAITS;
    c->requests++;
    if (!c->keep)
        c->last = true;
    return CONN_REQUEST;
}

/* The head is complete and the parser is content: how does it go on? */
static enum conn_event
after_head(struct conn *c, uint64_t now, bool *ret_body)
{
    bool body = c->chunked || c->length > 0;

    c->body_max = c->options->body_max(c);
    if (!body)
        return request_ready(c);
    if (c->body_max == CONN_BODY_NOW) {
        c->keep = false;
        c->refused = true; /* the body stays unread */
        return request_ready(c);
    }
    if (c->length > c->body_max)
        return refused(c, RES_HTTP_BODY);
    /* Room for the NUL behind it. */
    c->body.max = c->body_max + 1;
    if (buf_reserve(&c->body, 1) != RES_OK)
        return refused(c, RES_MEMORY);
    c->state = CONN_BODY;
    c->since = now;
    /* RFC 9110 10.1.1: not to HTTP/1.0, and not when the content has begun to come. */
    if (c->expects && !c->rq.http10 && c->pos == c->in_n) {
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
    enum llhttp_errno e;
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
    begin_request(c);
    e = llhttp_execute(&c->parser, (const char *)c->in + c->pos, n);
    if (e == HPE_INVALID_METHOD && unknown_method(span_of(c->in + c->pos, n))) {
        enum conn_event event = refused(c, RES_HTTP_METHOD);

        c->why_status = 501;
        return event;
    }
    /* Paused before the head's end: a line without version is a message of HTTP/0.9 to llhttp. */
    if (e != HPE_OK && !(e == HPE_PAUSED && c->complete && c->why == RES_OK))
        return parser_refused(c, e);
    /* The preface of HTTP/2 is the one message that goes on behind its empty line. */
    if (!c->headed)
        return refused(c, RES_HTTP_VERSION);
    if (c->complete == (c->chunked || c->length > 0))
        return refused(c, RES_HTTP_SYNTAX);
    if (c->complete && llhttp_get_error_pos(&c->parser) != (const char *)c->in + c->pos + n)
        return refused(c, RES_HTTP_SYNTAX);
    c->pos += n;
    return after_head(c, now, ret_body);
}

/* Takes what has come of a body whose length was told. */
static enum conn_event
read_length_body(struct conn *c)
{
    size_t want = c->length - c->body.n;
    size_t have = c->in_n - c->pos;
    size_t n = have < want ? have : want;
    enum result r = buf_reserve(&c->body, n + 1);

    if (r == RES_OK)
        r = buf_add(&c->body, span_of(c->in + c->pos, n));
    if (r != RES_OK)
        return refused(c, r);
    c->pos += n;
    return c->body.n == c->length ? request_ready(c) : CONN_MORE;
}

static enum conn_event
read_chunked_body(struct conn *c)
{
    const char *begin = (const char *)c->in + c->pos;
    size_t n = c->in_n - c->pos;
    enum llhttp_errno e = llhttp_execute(&c->parser, begin, n);

    if (c->complete && c->why == RES_OK) {
        n = (size_t)(llhttp_get_error_pos(&c->parser) - begin);
        /* The one bare LF that the parser takes: the empty line that ends the body. */
        if ((n >= 2 ? (uint8_t)begin[n - 2] : c->framed_last) != '\r')
            return refused(c, RES_HTTP_SYNTAX);
    } else if (e != HPE_OK) {
        return parser_refused(c, e);
    }
    c->framed_last = (uint8_t)begin[n - 1];
    c->pos += n;
    c->framed += n;
    if (c->framed > HTTP_CHUNK_FRAMING + HTTP_CHUNK_FRAMING_PER_BYTE * c->body.n)
        return refused(c, RES_HTTP_BODY);
    if (!c->complete)
        return CONN_MORE;
    if (buf_reserve(&c->body, 1) != RES_OK)
        return refused(c, RES_MEMORY);
    return request_ready(c);
}

static enum conn_event
read_body(struct conn *c)
{
    size_t head_end = c->pos;
    enum conn_event event = CONN_MORE;

    if (c->pos < c->in_n)
        event = c->chunked ? read_chunked_body(c) : read_length_body(c);
    /* The body has been copied out; the head stays, the request's spans lie in it. */
    if (event == CONN_MORE && c->pos == c->in_n)
        c->in_n = c->pos = head_end;
    if (event == CONN_MORE && c->eof)
        return CONN_ENDED;
    return event;
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
        .head = c->rq.method == METHOD_HEAD, .http10 = c->rq.http10, .date = date};

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

bool
conn_busy(const struct conn *c)
{
    return c->state == CONN_BODY || c->state == CONN_WAITS || c->state == CONN_WRITES ||
           (c->state == CONN_HEAD && c->in_n > c->pos);
}

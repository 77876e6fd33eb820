#include "api/http/message.h"

#include <assert.h>
#include <string.h>

#include "api/http/head.h"
#include "api/http/limits.h"

/* A first allocation: most submissions need two or three more doublings. */
#define BODY_FIRST 1024

/* ---- what llhttp calls ---- */

static struct message *
message_of(llhttp_t *p)
{
    return p->data;
}

/* Refuses from inside the parser. */
static int
refuse(struct message *m, enum result why)
{
    m->why = why;
    return -1;
}

static int
on_url(llhttp_t *p, const char *at, size_t n)
{
    struct message *m = message_of(p);

    /* The head is fed whole: one call. */
    m->rq.path = span_of(at, n);
    return 0;
}

static int
on_field(llhttp_t *p, const char *at, size_t n)
{
    struct message *m = message_of(p);

    if (m->headed)
        return refuse(m, RES_HTTP_SYNTAX); /* a trailer */
    if (++m->names > HTTP_HEADERS_MAX)
        return refuse(m, RES_HTTP_HEAD);
    m->name = span_of(at, n);
    m->value = span_of(NULL, 0);
    return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
    message_of(p)->value = span_of(at, n);
    return 0;
}

static int
on_value_complete(llhttp_t *p)
{
    struct message *m = message_of(p);
    enum result r = fields_take(&m->fields, m->name, m->value);

    return r == RES_OK ? 0 : refuse(m, r);
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

static enum result
check_head(struct message *m, const llhttp_t *p)
{
    struct span target = m->rq.path;
    enum result r;

    if (p->http_major != 1 || p->http_minor > 1)
        return RES_HTTP_VERSION;
    m->rq.http10 = p->http_minor == 0;
    if (p->method == HTTP_CONNECT)
        return RES_HTTP_METHOD;
    m->rq.method = method_of(p->method);
    r = fields_check(&m->fields, m->rq.http10);
    if (r != RES_OK)
        return r;
    m->rq.accept_encoding = m->fields.accept_encoding;
    m->rq.authorization = m->fields.authorization;
    if (m->rq.method == METHOD_OPTIONS && span_equal(target, span_str("*")))
        return RES_OK;
    return head_target(target, &m->rq.path, &m->rq.query);
}

static int
on_headers_complete(llhttp_t *p)
{
    struct message *m = message_of(p);
    enum result r = check_head(m, p);
    bool has_length;

    if (r != RES_OK)
        return refuse(m, r);
    p->upgrade = 0; /* no protocol but this one is spoken: the offer is ignored */
    m->chunked = (p->flags & F_CHUNKED) != 0;
    has_length = (p->flags & F_CONTENT_LENGTH) != 0;
    if (has_length && p->content_length > SIZE_MAX / 2)
        return refuse(m, RES_HTTP_BODY);
    m->length = has_length ? (size_t)p->content_length : 0;
    m->keep = llhttp_should_keep_alive(p) != 0;
    m->headed = true;
    return 0;
}

/* What is too long is refused when it is announced, not when it has come. */
static int
on_chunk_header(llhttp_t *p)
{
    struct message *m = message_of(p);

    return p->content_length > m->body_max - m->body.n ? refuse(m, RES_HTTP_BODY) : 0;
}

/* Makes room for n more bytes of body, doubling, as far as the room shared with others goes. */
static enum result
reserve(struct message *m, size_t n)
{
    struct buf *b = &m->body;
    size_t want = b->n + n;
    size_t before = b->cap;
    enum result r;

    if (want <= before)
        return RES_OK;
    if (want > b->max)
        return RES_HTTP_BODY;
    if (want < 2 * before)
        want = 2 * before;
    if (want < BODY_FIRST)
        want = BODY_FIRST;
    if (want > b->max)
        want = b->max;
    if (!room_take(m->room, want - before, m))
        return RES_HTTP_BODIES;
    r = buf_reserve(b, want - b->n);
    assert(b->cap == (r == RES_OK ? want : before));
    if (r != RES_OK)
        room_give(m->room, want - before);
    return r;
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
    struct message *m = message_of(p);
    enum result r;

    if (n > m->body_max - m->body.n)
        return refuse(m, RES_HTTP_BODY);
    r = reserve(m, n + 1);
    if (r == RES_OK)
        r = buf_add(&m->body, span_of(at, n));
    return r == RES_OK ? 0 : refuse(m, r);
}

static int
on_message_complete(llhttp_t *p)
{
    message_of(p)->complete = true;
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

/* ---- a request ---- */

void
message_init(struct message *m, struct room *room)
{
    memset(m, 0, sizeof *m);
    m->body = BUF_INIT(0);
    m->room = room;
    llhttp_init(&m->parser, HTTP_REQUEST, &settings);
    m->parser.data = m;
}

void
message_release(struct message *m)
{
    room_give(m->room, m->body.cap);
    buf_release(&m->body);
}

void
message_rest(struct message *m)
{
    if (m->body.cap > HTTP_BUFFER_KEPT || room_scarce(m->room))
        message_release(m);
}

/* What the parser's error means. */
static enum result
parser_refused(const struct message *m, enum llhttp_errno e)
{
    if (m->why != RES_OK)
        return m->why;
    switch (e) {
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
        return RES_HTTP_LENGTH;
    case HPE_INVALID_TRANSFER_ENCODING:
        return RES_HTTP_TRANSFER_CODING;
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        return RES_HTTP_VERSION;
    default:
        return RES_HTTP_SYNTAX;
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
begin(struct message *m)
{
    m->rq = (struct request){.method = METHOD_OTHER};
    m->why = RES_OK;
    m->status = 0;
    m->fields = (struct fields){.expects = false};
    m->names = 0;
    m->chunked = m->headed = m->complete = m->keep = false;
    m->length = m->framed = 0;
    m->body.n = 0;
    llhttp_reset(&m->parser);
}

enum result
message_head(struct message *m, struct span head)
{
    const char *first = (const char *)head.p;
    enum llhttp_errno e;

    begin(m);
    e = llhttp_execute(&m->parser, first, head.n);
    if (e == HPE_INVALID_METHOD && unknown_method(head)) {
        m->status = 501;
        return RES_HTTP_METHOD;
    }
    /* Paused before the head's end: a line without version is a message of HTTP/0.9 to llhttp. */
    if (e != HPE_OK && !(e == HPE_PAUSED && m->complete && m->why == RES_OK))
        return parser_refused(m, e);
    /* The preface of HTTP/2 is the one message that goes on behind its empty line. */
    if (!m->headed)
        return RES_HTTP_VERSION;
    if (m->complete == message_has_body(m))
        return RES_HTTP_SYNTAX;
    if (m->complete && llhttp_get_error_pos(&m->parser) != first + head.n)
        return RES_HTTP_SYNTAX;
    return RES_OK;
}

bool
message_has_body(const struct message *m)
{
    return m->chunked || m->length > 0;
}

enum result
message_allow(struct message *m, size_t max)
{
    m->body_max = max;
    if (m->length > max)
        return RES_HTTP_BODY;
    /* And the NUL behind it. */
    m->body.max = (m->chunked ? max : m->length) + 1;
    return reserve(m, 1);
}

/* Takes what has come of a body whose length was told. */
static enum result
take_length(struct message *m, struct span in, size_t *ret_used, bool *ret_whole)
{
    size_t want = m->length - m->body.n;
    size_t n = in.n < want ? in.n : want;
    enum result r = reserve(m, n + 1);

    if (r == RES_OK)
        r = buf_add(&m->body, span_of(in.p, n));
    if (r != RES_OK)
        return r;
    *ret_used = n;
    *ret_whole = m->body.n == m->length;
    return RES_OK;
}

static enum result
take_chunked(struct message *m, struct span in, size_t *ret_used, bool *ret_whole)
{
    const char *first = (const char *)in.p;
    size_t n = in.n;
    enum llhttp_errno e = llhttp_execute(&m->parser, first, n);

    if (m->complete && m->why == RES_OK) {
        n = (size_t)(llhttp_get_error_pos(&m->parser) - first);
        /* The one bare LF that the parser takes: the empty line that ends the body. */
        if ((n >= 2 ? in.p[n - 2] : m->framed_last) != '\r')
            return RES_HTTP_SYNTAX;
    } else if (e != HPE_OK) {
        return parser_refused(m, e);
    }
    m->framed_last = in.p[n - 1];
    m->framed += n;
    if (m->framed > HTTP_CHUNK_FRAMING + HTTP_CHUNK_FRAMING_PER_BYTE * m->body.n)
        return RES_HTTP_BODY;
    *ret_used = n;
    *ret_whole = m->complete;
    return RES_OK;
}

enum result
message_body(struct message *m, struct span in, size_t *ret_used, bool *ret_whole)
{
    bool whole = false;
    enum result r =
        m->chunked ? take_chunked(m, in, ret_used, &whole) : take_length(m, in, ret_used, &whole);

    if (r != RES_OK)
        return r;
    if (whole && m->body.n > 0) {
        m->body.p[m->body.n] = 0; /* there is room: reserved with the bytes before it */
        m->rq.body = buf_span(&m->body);
    }
    *ret_whole = whole;
    return RES_OK;
}

#include "api/http/reply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/http/json.h"

struct text {
    const char *p;
    size_t n;
};

#define TEXT(s)         \
    {                   \
        s, sizeof s - 1 \
    }

static const struct text type_line[] = {
    [REPLY_NONE] = TEXT(""),
    [REPLY_JSON] = TEXT("Content-Type: application/json\r\n"),
    [REPLY_PROBLEM] = TEXT("Content-Type: application/problem+json\r\n"),
    [REPLY_TEXT] = TEXT("Content-Type: text/plain; charset=utf-8\r\n"),
    [REPLY_METRICS] = TEXT("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
    [REPLY_OCTETS] = TEXT("Content-Type: application/octet-stream\r\n"),
    [REPLY_CERTIFICATE] = TEXT("Content-Type: application/pkix-cert\r\n"),
};

static const struct text cache_line[] = {
    [REPLY_NO_STORE] = TEXT("Cache-Control: no-store\r\n"),
    [REPLY_IMMUTABLE] = TEXT("Cache-Control: public, max-age=31536000, immutable\r\n"),
    [REPLY_DAY] = TEXT("Cache-Control: public, max-age=86400\r\n"),
    [REPLY_PRIVATE] = TEXT("Cache-Control: private, no-store\r\n"),
};

static const struct {
    unsigned status;
    struct text line;
} status_line[] = {
    {200, TEXT("HTTP/1.1 200 OK\r\nDate: ")},
    {204, TEXT("HTTP/1.1 204 No Content\r\nDate: ")},
    {400, TEXT("HTTP/1.1 400 Bad Request\r\nDate: ")},
    {403, TEXT("HTTP/1.1 403 Forbidden\r\nDate: ")},
    {404, TEXT("HTTP/1.1 404 Not Found\r\nDate: ")},
    {405, TEXT("HTTP/1.1 405 Method Not Allowed\r\nDate: ")},
    {408, TEXT("HTTP/1.1 408 Request Timeout\r\nDate: ")},
    {409, TEXT("HTTP/1.1 409 Conflict\r\nDate: ")},
    {410, TEXT("HTTP/1.1 410 Gone\r\nDate: ")},
    {413, TEXT("HTTP/1.1 413 Content Too Large\r\nDate: ")},
    {415, TEXT("HTTP/1.1 415 Unsupported Media Type\r\nDate: ")},
    {429, TEXT("HTTP/1.1 429 Too Many Requests\r\nDate: ")},
    {431, TEXT("HTTP/1.1 431 Request Header Fields Too Large\r\nDate: ")},
    {500, TEXT("HTTP/1.1 500 Internal Server Error\r\nDate: ")},
    {501, TEXT("HTTP/1.1 501 Not Implemented\r\nDate: ")},
    {503, TEXT("HTTP/1.1 503 Service Unavailable\r\nDate: ")},
    {505, TEXT("HTTP/1.1 505 HTTP Version Not Supported\r\nDate: ")},
};

static char *
put(char *to, const char *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}

#define PUT(to, s) put((to), (s), sizeof(s) - 1)

static char *
put_number(char *to, uint64_t v)
{
    char digits[20];
    size_t i = sizeof digits;

    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    return put(to, digits + i, sizeof digits - i);
}

/* RFC 9112 4: the reason phrase may be missing, the blank before it not. */
static char *
put_bare_status(char *to, unsigned status)
{
    to = PUT(to, "HTTP/1.1 ");
    to = put_number(to, status);
    return PUT(to, " \r\nDate: ");
}

static char *
put_status(char *to, unsigned status)
{
    for (size_t i = 0; i < sizeof status_line / sizeof *status_line; i++)
        if (status_line[i].status == status)
            return put(to, status_line[i].line.p, status_line[i].line.n);
    assert(status == 0); /* a status without a line */
    return to;
}

/* The headers that few answers have. */
static char *
put_rare(char *to, const struct reply *r)
{
    if (r->retry_after != 0) {
        to = PUT(to, "Retry-After: ");
        to = put_number(to, r->retry_after);
        to = PUT(to, "\r\n");
    }
    if (r->allow != NULL) {
        to = PUT(to, "Allow: ");
        to = put(to, r->allow, strlen(r->allow));
        to = PUT(to, "\r\n");
    }
    if (r->preflight)
        to = PUT(to, "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"
                     "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"
                     "Access-Control-Max-Age: 86400\r\n");
    return to;
}

size_t
reply_head(const struct reply *r, const struct reply_form *form,
           char out[static HTTP_REPLY_HEAD_MAX])
{
    char *to = r->alike ? put_bare_status(out, r->status) : put_status(out, r->status);

    to = put(to, form->date, REPLY_DATE_SIZE - 1);
    to = PUT(to, "\r\n");
    to = put(to, type_line[r->type].p, type_line[r->type].n);
    to = put(to, cache_line[r->cache].p, cache_line[r->cache].n);
    if (r->cors)
        to = PUT(to, "Access-Control-Allow-Origin: *\r\n");
    if (r->vary)
        to = PUT(to, "Vary: Accept-Encoding\r\n");
    if (r->gzip)
        to = PUT(to, "Content-Encoding: gzip\r\n");
    if (r->discreet)
        to = PUT(to, "Referrer-Policy: no-referrer\r\nX-Robots-Tag: noindex\r\n");
    to = put_rare(to, r);
    if (r->close)
        to = PUT(to, "Connection: close\r\n");
    else if (form->http10)
        to = PUT(to, "Connection: keep-alive\r\n");
    /* RFC 9110 8.6: no Content-Length in a 204. */
    if (r->status != 204) {
        to = PUT(to, "Content-Length: ");
        to = put_number(to, r->body.n);
        to = PUT(to, "\r\n");
    }
    to = PUT(to, "\r\n");
    assert((size_t)(to - out) <= HTTP_REPLY_HEAD_MAX);
    return (size_t)(to - out);
}

unsigned
reply_status(enum result r)
{
    switch (r) {
    case RES_TOO_LARGE:
    case RES_HTTP_BODY:
        return 413;
    case RES_HTTP_HEAD:
        return 431;
    case RES_HTTP_TIMEOUT:
        return 408;
    case RES_HTTP_METHOD:
        return 405;
    case RES_HTTP_MEDIA:
        return 415;
    case RES_HTTP_FORBIDDEN:
    case RES_KT_OWN_VALUES:
        return 403;
    case RES_KT_NOTHING_NEW:
        return 409;
    case RES_GONE:
    case RES_ERASED:
        return 410;
    case RES_HTTP_VERSION:
        return 505;
    case RES_RATE:
    case RES_CLIENT_RATE:
    case RES_LOOKUP_RATE:
        return 429;
    default:
        break;
    }
    switch (result_class(r)) {
    case CLASS_OK:
        return 200;
    case CLASS_INPUT:
        return 400;
    case CLASS_ABSENT:
        return 404;
    case CLASS_LATER:
        return 503;
    case CLASS_FALSE:
    case CLASS_BROKEN:
    case CLASS_BUG:
        break;
    }
    return 500;
}

unsigned
reply_retry_after(enum result r)
{
    if (result_class(r) != CLASS_LATER)
        return 0;
    switch (r) {
    case RES_BUSY:
    case RES_RATE:
    case RES_CLIENT_RATE:
    case RES_LOOKUP_RATE:
    case RES_HTTP_BODIES:
        return RETRY_BUSY;
    default:
        return RETRY_LATER;
    }
}

enum result
reply_problem_body(enum result r, unsigned status, const char *detail, struct buf *out)
{
    size_t before = out->n;
    enum result rc;
    /* What is broken here is not the peer's to know. */
    bool ours = reply_status(r) == 500;
    const char *source = ours || strcmp(result_source(r), "-") == 0 ? "" : result_source(r);

    if (detail == NULL || ours)
        detail = "";
    rc = buf_printf(out, "{\"type\":\"urn:cartulary:problem:%s\",\"title\":\"%s\",\"status\":%u",
                    result_name(r), result_sentence(r), status);
    if (rc == RES_OK && (source[0] != '\0' || detail[0] != '\0')) {
        rc = buf_printf(out, ",\"detail\":\"%s%s", source,
                        source[0] != '\0' && detail[0] != '\0' ? ": " : "");
        if (rc == RES_OK)
            rc = json_escape(span_str(detail), out);
        if (rc == RES_OK)
            rc = buf_add(out, span_str("\""));
    }
    if (rc == RES_OK)
        rc = buf_add(out, span_str("}\n"));
    if (rc != RES_OK)
        out->n = before;
    return rc;
}

void
reply_refusal(enum result r, const char *detail, struct buf *out, struct reply *ret)
{
    size_t before = out->n;
    unsigned status = reply_status(r);

    *ret = (struct reply){.status = status,
                          .type = REPLY_PROBLEM,
                          .cache = REPLY_NO_STORE,
                          .cors = true,
                          .discreet = true, /* it may refuse a question about an address */
                          .retry_after = reply_retry_after(r)};
    if (reply_problem_body(r, status, detail, out) == RES_OK)
        ret->body = span_of(out->p + before, out->n - before);
    else
        ret->type = REPLY_NONE;
}

void
reply_date(int64_t seconds, char out[static REPLY_DATE_SIZE])
{
    static const char day[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char month[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[160];

    if (gmtime_r(&t, &tm) == NULL || tm.tm_year + 1900 < 0 || tm.tm_year + 1900 > 9999)
        memset(&tm, 0, sizeof tm);
    /* strftime would speak the locale's language. */
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", day[tm.tm_wday], tm.tm_mday,
             month[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(out, text, REPLY_DATE_SIZE - 1);
    out[REPLY_DATE_SIZE - 1] = '\0';
}

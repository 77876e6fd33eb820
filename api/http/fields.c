#include "api/http/fields.h"

#include <string.h>

#include "api/http/head.h"

static void
take_once(struct span *to, unsigned *count, struct span value)
{
    *to = ++*count == 1 ? value : span_of(NULL, 0);
}

enum result
fields_take(struct fields *f, struct span name, struct span value)
{
    struct span v = head_trim(value);

    switch (name.n) {
    case 4:
        if (head_is(name, "host"))
            take_once(&f->host, &f->hosts, v);
        break;
    case 6:
        if (head_is(name, "expect") && head_is(v, "100-continue"))
            f->expects = true;
        break;
    case 13:
        if (head_is(name, "authorization"))
            take_once(&f->authorization, &f->authorizations, v);
        break;
    case 15:
        if (head_is(name, "accept-encoding"))
            take_once(&f->accept_encoding, &f->accepts, v);
        else if (head_is(name, "x-forwarded-for"))
            origin_add_line(&f->forwarded, v);
        break;
    case 16:
        if (head_is(name, "content-encoding") && !head_is(v, "identity"))
            return RES_HTTP_MEDIA;
        break;
    case 17:
        /* RFC 9112 6.1: only chunked, only once, nothing before it. */
        if (head_is(name, "transfer-encoding") && (++f->codings > 1 || !head_is(v, "chunked")))
            return RES_HTTP_TRANSFER_CODING;
        break;
    default:
        break;
    }
    return RES_OK;
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

enum result
fields_check(const struct fields *f, bool http10)
{
    /* RFC 9112 3.2: 400 to HTTP/1.1 without Host, and to any request with more than one or an
     * invalid one. */
    if (f->hosts > 1 || (f->hosts == 0 && !http10) || !is_host(f->host))
        return RES_HTTP_HOST;
    if (f->codings > 0 && http10)
        return RES_HTTP_TRANSFER_CODING;
    if (f->authorizations > 1)
        return RES_HTTP_SYNTAX;
    return RES_OK;
}

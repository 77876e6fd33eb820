#include "merkle/base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A first allocation below this would soon be followed by the next. */
#define CAP_FIRST 64

void
buf_init(struct buf *b, size_t max)
{
    *b = BUF_INIT(max);
}

void
buf_release(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT(b->max);
}

void
buf_clear(struct buf *b)
{
    b->n = 0;
}

/* Makes cap at least want, which may pass the ceiling by printf's NUL. */
static enum result
grow(struct buf *b, size_t want)
{
    uint8_t *p;
    size_t cap;

    if (want <= b->cap)
        return RES_OK;
    /* Doubling keeps appending linear; near the ceiling the wanted size is enough. */
    cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : 2 * b->cap;
    if (cap < CAP_FIRST)
        cap = CAP_FIRST;
    if (cap > b->max)
        cap = b->max;
    if (cap < want)
        cap = want;
    p = realloc(b->p, cap);
    if (p == NULL)
        return RES_MEMORY;
    b->p = p;
    b->cap = cap;
    return RES_OK;
}

enum result
buf_reserve(struct buf *b, size_t n)
{
    assert(b->n <= b->max);
    if (n > b->max - b->n)
        return RES_TOO_LARGE;
    return grow(b, b->n + n);
}

enum result
buf_add(struct buf *b, struct span s)
{
    enum result rc;

    rc = buf_reserve(b, s.n);
    if (rc != RES_OK || s.n == 0)
        return rc;
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return RES_OK;
}

enum result
buf_printf(struct buf *b, const char *format, ...)
{
    enum result rc;
    va_list ap;
    size_t n;
    int len;

    va_start(ap, format);
    len = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (len < 0)
        return errno == ENOMEM ? RES_MEMORY : RES_TOO_LARGE;
    n = (size_t)len;
    rc = buf_reserve(b, n);
    if (rc != RES_OK)
        return rc;
    if (b->n + n == SIZE_MAX)
        return RES_MEMORY;
    rc = grow(b, b->n + n + 1);
    if (rc != RES_OK)
        return rc;
    va_start(ap, format);
    len = vsnprintf((char *)b->p + b->n, n + 1, format, ap);
    va_end(ap);
    if (len < 0 || (size_t)len != n)
        return RES_MEMORY;
    b->n += n;
    return RES_OK;
}

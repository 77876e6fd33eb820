#include "merkle/base/codec.h"

#include <assert.h>
#include <string.h>

struct reader
reader_of(struct span s)
{
    /* Pointer arithmetic is not defined on NULL, not even by zero. */
    static const uint8_t nothing[1] = {0};

    if (s.n == 0)
        s.p = nothing;
    return (struct reader){.p = s.p, .end = s.p + s.n, .err = RES_OK};
}

void
reader_fail(struct reader *r, enum result err)
{
    if (r->err == RES_OK)
        r->err = err;
}

bool
reader_done(const struct reader *r)
{
    return r->err != RES_OK || r->p == r->end;
}

enum result
reader_end(const struct reader *r)
{
    if (r->err != RES_OK)
        return r->err;
    return r->p == r->end ? RES_OK : RES_TRAILING;
}

struct span
get_bytes(struct reader *r, size_t n)
{
    struct span s;

    if (r->err == RES_OK && n > (size_t)(r->end - r->p))
        reader_fail(r, RES_TRUNCATED);
    if (r->err != RES_OK)
        return span_of(NULL, 0);
    s = span_of(r->p, n);
    r->p += n;
    return s;
}

/* "The integer consists of the concatenation of its bytes, most significant first": RFC 8446 3.3.
 */
static uint64_t
get_int(struct reader *r, size_t bytes)
{
    struct span s = get_bytes(r, bytes);
    uint64_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

uint8_t
get_u8(struct reader *r)
{
    return (uint8_t)get_int(r, 1);
}

uint16_t
get_u16(struct reader *r)
{
    return (uint16_t)get_int(r, 2);
}

uint32_t
get_u24(struct reader *r)
{
    return (uint32_t)get_int(r, 3);
}

uint32_t
get_u32(struct reader *r)
{
    return (uint32_t)get_int(r, 4);
}

uint64_t
get_u40(struct reader *r)
{
    return get_int(r, 5);
}

/* The most common one, and so without a loop. */
uint64_t
get_u64(struct reader *r)
{
    struct span s = get_bytes(r, 8);
    uint64_t v;

    if (s.n == 0)
        return 0;
    memcpy(&v, s.p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* "the length ... in the form of a number consuming as many bytes as required": RFC 8446 3.4. */
static struct span
get_vec(struct reader *r, size_t bytes, size_t min, size_t max)
{
    size_t n = (size_t)get_int(r, bytes);

    if (n < min || n > max)
        reader_fail(r, RES_VALUE);
    return get_bytes(r, n);
}

struct span
get_vec8(struct reader *r, size_t min, size_t max)
{
    return get_vec(r, 1, min, max);
}

struct span
get_vec16(struct reader *r, size_t min, size_t max)
{
    return get_vec(r, 2, min, max);
}

struct span
get_vec24(struct reader *r, size_t min, size_t max)
{
    return get_vec(r, 3, min, max);
}

struct writer
writer_to(struct buf *out)
{
    return (struct writer){.out = out, .err = RES_OK};
}

enum result
writer_end(const struct writer *w)
{
    return w->err;
}

enum result
writer_end_or_cut(const struct writer *w, size_t mark)
{
    if (w->err != RES_OK)
        w->out->n = mark;
    return w->err;
}

void
put_bytes(struct writer *w, struct span s)
{
    if (w->err == RES_OK)
        w->err = buf_add(w->out, s);
}

static bool
fits(uint64_t v, size_t bytes)
{
    return bytes == 8 || v >> (8 * bytes) == 0;
}

static void
store_int(uint8_t *p, uint64_t v, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        p[i - 1] = (uint8_t)v;
        v >>= 8;
    }
}

static void
put_int(struct writer *w, uint64_t v, size_t bytes)
{
    uint8_t b[8];

    if (w->err == RES_OK && !fits(v, bytes))
        w->err = RES_VALUE;
    store_int(b, v, bytes);
    put_bytes(w, span_of(b, bytes));
}

void
put_u8(struct writer *w, uint64_t v)
{
    put_int(w, v, 1);
}

void
put_u16(struct writer *w, uint64_t v)
{
    put_int(w, v, 2);
}

void
put_u24(struct writer *w, uint64_t v)
{
    put_int(w, v, 3);
}

void
put_u32(struct writer *w, uint64_t v)
{
    put_int(w, v, 4);
}

void
put_u40(struct writer *w, uint64_t v)
{
    put_int(w, v, 5);
}

void
put_u64(struct writer *w, uint64_t v)
{
    put_int(w, v, 8);
}

void
put_vec8(struct writer *w, struct span s)
{
    put_int(w, s.n, 1);
    put_bytes(w, s);
}

void
put_vec16(struct writer *w, struct span s)
{
    put_int(w, s.n, 2);
    put_bytes(w, s);
}

void
put_vec24(struct writer *w, struct span s)
{
    put_int(w, s.n, 3);
    put_bytes(w, s);
}

size_t
put_open(struct writer *w, unsigned bytes)
{
    size_t mark = w->out->n;

    assert(1 <= bytes && bytes <= 3);
    put_int(w, 0, bytes);
    return mark;
}

void
put_close(struct writer *w, size_t mark, unsigned bytes)
{
    size_t n;

    assert(1 <= bytes && bytes <= 3);
    if (w->err != RES_OK)
        return;
    assert(mark <= w->out->n && bytes <= w->out->n - mark);
    n = w->out->n - mark - bytes;
    if (!fits(n, bytes)) {
        w->err = RES_VALUE;
        return;
    }
    store_int(w->out->p + mark, n, bytes);
}

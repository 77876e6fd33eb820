#include "api/http/gzip.h"

#include <libdeflate.h>
#include <string.h>

#include "api/http/head.h"
#include "api/http/limits.h"

/* The weight of a coding's parameters ("q=0.5") in thousandths; 1000 without one; -1 when
 * malformed. */
static int
weight_of(struct span params)
{
    int weight = 0;
    int place = 1000;

    if (params.n == 0)
        return 1000;
    if (params.n < 3 || (params.p[0] != 'q' && params.p[0] != 'Q') || params.p[1] != '=')
        return -1;
    /* qvalue: "0" or "1", then "." and up to three digits. */
    for (size_t i = 2; i < params.n; i++) {
        if (i == 3 && params.p[i] == '.')
            continue;
        if (params.p[i] < '0' || params.p[i] > '9' || place == 0 || i == 3)
            return -1;
        weight += (params.p[i] - '0') * place;
        place /= 10;
    }
    return weight <= 1000 ? weight : -1;
}

/* Cuts s at the first c; *rest is what follows it. */
static struct span
cut(struct span s, int c, struct span *rest)
{
    const uint8_t *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
    size_t n = at == NULL ? s.n : (size_t)(at - s.p);

    *rest = at == NULL ? span_of(NULL, 0) : span_of(at + 1, s.n - n - 1);
    return head_trim(span_of(s.p, n));
}

bool
gzip_accepted(struct span accept_encoding)
{
    int gzip = -1;
    int any = -1;

    for (int i = 0; i < GZIP_CODINGS_MAX && accept_encoding.n > 0; i++) {
        struct span params;
        struct span waste;
        struct span coding = cut(accept_encoding, ',', &accept_encoding);

        coding = cut(coding, ';', &params);
        params = cut(params, ';', &waste);
        if (head_is(coding, "gzip") || head_is(coding, "x-gzip"))
            gzip = weight_of(params);
        else if (head_is(coding, "*"))
            any = weight_of(params);
    }
    return gzip > 0 || (gzip < 0 && any > 0);
}

enum result
gzip_new(struct gzip **ret)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(GZIP_LEVEL);

    if (c == NULL)
        return RES_MEMORY;
    *ret = (struct gzip *)c;
    return RES_OK;
}

void
gzip_free(struct gzip *g)
{
    if (g != NULL)
        libdeflate_free_compressor((struct libdeflate_compressor *)g);
}

enum result
gzip_add(struct gzip *g, struct span s, struct buf *out)
{
    struct libdeflate_compressor *c = (struct libdeflate_compressor *)g;
    size_t bound = libdeflate_gzip_compress_bound(c, s.n);
    enum result r = buf_reserve(out, bound);
    size_t n;

    if (r != RES_OK)
        return r;
    n = libdeflate_gzip_compress(c, s.p, s.n, out->p + out->n, bound);
    if (n == 0)
        return RES_TOO_LARGE;
    out->n += n;
    return RES_OK;
}

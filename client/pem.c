#include "client/pem.h"

#include <stdlib.h>

#include "merkle/base/text.h"

static const char BEGIN[] = "-----BEGIN CERTIFICATE-----";
static const char END[] = "-----END CERTIFICATE-----";

void
pem_release(struct pem *p)
{
    buf_release(&p->der);
    free(p->certs);
    p->certs = NULL;
    p->n = 0;
}

/* Where needle begins in s, or s.n. */
static size_t
find(struct span s, const char *needle)
{
    const uint8_t *p = s.n == 0 ? NULL : memmem(s.p, s.n, needle, strlen(needle));
    return p == NULL ? s.n : (size_t)(p - s.p);
}

static struct span
from(struct span s, size_t at)
{
    return span_of(s.p + at, s.n - at);
}

/* RFC 7468 section 3: white space inside the block means nothing. */
static enum result
decode(struct span body, struct buf *out)
{
    struct buf packed = BUF_INIT(PEM_FILE_MAX);
    enum result r = buf_reserve(&packed, body.n);
    for (size_t i = 0; r == RES_OK && i < body.n; i++) {
        uint8_t c = body.p[i];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            r = buf_add(&packed, span_of(&c, 1));
    }
    if (r == RES_OK)
        r = packed.n > 0 ? text_unbase64(buf_span(&packed), out) : RES_ENCODING;
    buf_release(&packed);
    return r;
}

static enum result
parse_blocks(struct span text, size_t *ends, struct pem *ret)
{
    for (size_t at = find(text, BEGIN); at < text.n; at = find(text, BEGIN)) {
        text = from(text, at + sizeof BEGIN - 1);
        size_t end = find(text, END);
        if (end == text.n)
            return RES_ENCODING;
        if (ret->n == PEM_CERTS_MAX)
            return RES_TOO_LARGE;
        enum result r = decode(span_of(text.p, end), &ret->der);
        if (r != RES_OK)
            return r;
        ends[ret->n++] = ret->der.n;
        text = from(text, end + sizeof END - 1);
    }
    return ret->n == 0 ? RES_ABSENT : RES_OK;
}

enum result
pem_parse(struct span text, struct pem *ret)
{
    if (text.n > PEM_FILE_MAX)
        return RES_TOO_LARGE;
    size_t *ends = calloc(PEM_CERTS_MAX, sizeof *ends);
    enum result r = RES_MEMORY;
    if (ends == NULL)
        return r;
    if (text.n > 0 && text.p[0] == 0x30) {
        r = buf_add(&ret->der, text);
        ret->n = 1;
        ends[0] = text.n;
    } else {
        r = parse_blocks(text, ends, ret);
    }
    if (r == RES_OK) {
        ret->certs = calloc(ret->n, sizeof *ret->certs);
        r = ret->certs == NULL ? RES_MEMORY : RES_OK;
    }
    /* The buffer has stopped moving: now spans into it hold. */
    for (size_t i = 0, begin = 0; r == RES_OK && i < ret->n; begin = ends[i++])
        ret->certs[i] = span_of(ret->der.p + begin, ends[i] - begin);
    free(ends);
    if (r != RES_OK)
        pem_release(ret);
    return r;
}

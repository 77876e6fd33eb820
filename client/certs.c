#include "client/certs.h"

#include <stdlib.h>

#include "merkle/base/pem.h"

void
certs_release(struct certs *p)
{
    buf_release(&p->der);
    free(p->certs);
    p->certs = NULL;
    p->n = 0;
}

static enum result
parse_blocks(struct span text, size_t *ends, struct certs *ret)
{
    struct pem pem = pem_of(text, PEM_OTHERS_PASSED);
    struct buf one = BUF_INIT(CERTS_FILE_MAX);
    enum result r;
    while ((r = pem_next(&pem, &one)) == RES_OK) {
        r = ret->n == CERTS_MAX ? RES_TOO_LARGE : buf_add(&ret->der, buf_span(&one));
        if (r != RES_OK)
            break;
        ends[ret->n++] = ret->der.n;
    }
    buf_release(&one);
    return r == RES_ABSENT && ret->n > 0 ? RES_OK : r;
}

enum result
certs_parse(struct span text, struct certs *ret)
{
    if (text.n > CERTS_FILE_MAX)
        return RES_TOO_LARGE;
    size_t *ends = calloc(CERTS_MAX, sizeof *ends);
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
        certs_release(ret);
    return r;
}

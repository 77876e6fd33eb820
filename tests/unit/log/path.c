#include "tests/unit/log/path.h"

#include <assert.h>
#include <stdlib.h>

/* Whether child's signature verifies with parent's key: 1, 0, or -1 when the key or algorithm
 * cannot be used. */
static int
vouches(const struct cert *parent, const struct cert *child)
{
    struct issuer *i;
    enum result r = issuer_new(parent->spki, &i);

    if (r != RES_OK) {
        return -1;
    }
    r = issuer_verify(i, child);
    issuer_unref(i);
    return r == RES_OK ? 1 : r == RES_CHAIN_SIGNATURE_ALGORITHM ? -1 : 0;
}

void
path_add(struct path_heap *h, const char *name, struct span der)
{
    struct path_cert *c;
    enum result r;

    for (size_t i = 0; i < h->n; i++) {
        if (span_equal(buf_span(&h->item[i].der), der)) {
            return;
        }
    }
    if (h->n == h->cap) {
        h->cap = h->cap == 0 ? 64 : 2 * h->cap;
        h->item = realloc(h->item, h->cap * sizeof h->item[0]);
        assert(h->item != NULL);
    }
    c = &h->item[h->n++];
    *c = (struct path_cert){.name = strdup(name), .der = BUF_INIT(SIZE_MAX / 2)};
    r = buf_add(&c->der, der);
    assert(c->name != NULL && r == RES_OK);
    c->parsed = cert_parse(buf_span(&c->der), &c->cert);
    c->is_root = c->parsed == RES_OK && span_equal(c->cert.subject, c->cert.issuer) &&
                 (c->cert.is_ca || !c->cert.has_basic_constraints) &&
                 vouches(&c->cert, &c->cert) != 0;
}

/*
 * Extends the chain of n certificates, whose last is c, to a root; the length of the whole, or 0.
 * Strict: only by issuers that vouch.
 */
static size_t
extend(const struct path_heap *h, const struct path_cert *c, struct span *chain, size_t n,
       bool strict)
{
    if (c->is_root || c->parsed != RES_OK) {
        return c->is_root ? n : 0;
    }
    for (size_t i = 0; i < h->n && n <= CHAIN_MAX; i++) {
        const struct path_cert *up = &h->item[i];
        bool used = false;
        size_t whole;

        for (size_t j = 0; j < n; j++) {
            used |= chain[j].p == up->der.p;
        }
        if (used || up->parsed != RES_OK || !span_equal(up->cert.subject, c->cert.issuer) ||
            (strict ? vouches(&up->cert, &c->cert) != 1 : !up->cert.is_ca && !up->is_root)) {
            continue;
        }
        chain[n] = buf_span(&up->der);
        whole = extend(h, up, chain, n + 1, strict);
        if (whole > 0) {
            return whole;
        }
    }
    return 0;
}

size_t
path_build(const struct path_heap *h, size_t start, struct span chain[static CHAIN_MAX + 1])
{
    size_t n;

    chain[0] = buf_span(&h->item[start].der);
    n = extend(h, &h->item[start], chain, 1, true);
    return n > 0 ? n : extend(h, &h->item[start], chain, 1, false);
}

void
path_release(struct path_heap *h)
{
    for (size_t i = 0; i < h->n; i++) {
        free(h->item[i].name);
        buf_release(&h->item[i].der);
    }
    free(h->item);
    *h = (struct path_heap){0};
}

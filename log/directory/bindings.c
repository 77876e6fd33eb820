#include "log/directory/bindings.h"

#include <stdlib.h>
#include <string.h>

#include "merkle/base/codec.h"

void
bindings_release(struct bindings *b)
{
    buf_release(&b->body);
}

/* Reads the next domain of a binding. */
static struct span
domain_get(struct reader *r)
{
    return get_vec8(r, 1, 253);
}

/* Goes through all; *ret_bound and *ret_listed say what stands of the root and the domain. */
static enum result
walk(struct span body, const struct hash *root, struct span domain, bool *ret_bound,
     bool *ret_listed)
{
    struct reader r = reader_of(body);
    unsigned n = body.n > 0 ? get_u16(&r) : 0;

    *ret_bound = *ret_listed = false;
    for (unsigned i = 0; i < n && r.err == RES_OK; i++) {
        struct span sha256 = get_bytes(&r, HASH_SIZE);
        bool this = r.err == RES_OK && memcmp(sha256.p, root->b, HASH_SIZE) == 0;
        unsigned domains = get_u16(&r);
        for (unsigned k = 0; k < domains && r.err == RES_OK; k++)
            *ret_listed = (span_equal(domain_get(&r), domain) && this) || *ret_listed;
        *ret_bound = this || *ret_bound;
    }
    return reader_end(&r);
}

enum result
bindings_read(struct bindings *b, struct span body)
{
    static const struct hash nobody;
    struct buf copy = BUF_INIT(BINDINGS_MAX);
    bool bound, listed;
    enum result rc = walk(body, &nobody, span_of(NULL, 0), &bound, &listed);

    if (rc == RES_OK)
        rc = buf_add(&copy, body);
    if (rc != RES_OK) {
        buf_release(&copy);
        return rc;
    }
    buf_release(&b->body);
    b->body = copy;
    return RES_OK;
}

static int
by_sha256(const void *a, const void *b)
{
    const struct root *const *x = a, *const *y = b;

    return memcmp((*x)->sha256.b, (*y)->sha256.b, HASH_SIZE);
}

static void
root_put(struct writer *w, const struct root *root)
{
    size_t n = 0;

    put_bytes(w, hash_span(&root->sha256));
    while (root->domains[n] != NULL)
        n++;
    put_u16(w, n);
    for (size_t i = 0; i < n; i++)
        put_vec8(w, span_str(root->domains[i]));
}

enum result
bindings_of(struct bindings *b, const struct roots *roots)
{
    size_t n = 0, count = roots_count(roots);
    const struct root **bound = calloc(count + 1, sizeof(const struct root *));
    struct buf body = BUF_INIT(BINDINGS_MAX);
    struct writer w = writer_to(&body);
    enum result rc = RES_OK;

    if (bound == NULL)
        return RES_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (roots_at(roots, i)->domains != NULL)
            bound[n++] = roots_at(roots, i);
    qsort(bound, n, sizeof(*bound), by_sha256);
    if (n > 0)
        put_u16(&w, n);
    for (size_t i = 0; i < n; i++)
        root_put(&w, bound[i]);
    rc = writer_end(&w);
    free(bound);
    if (rc != RES_OK) {
        buf_release(&body);
        return rc == RES_VALUE ? RES_TOO_LARGE : rc;
    }
    buf_release(&b->body);
    b->body = body;
    return RES_OK;
}

bool
bindings_equal(const struct bindings *a, const struct bindings *b)
{
    return span_equal(buf_span(&a->body), buf_span(&b->body));
}

bool
bindings_allow(const struct bindings *b, const struct hash *root, struct span domain)
{
    bool bound, listed;

    if (b->body.n == 0)
        return true;
    /* What is malformed was refused when it was read. */
    return walk(buf_span(&b->body), root, domain, &bound, &listed) == RES_OK && (!bound || listed);
}

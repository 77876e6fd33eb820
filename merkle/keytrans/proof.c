#include "merkle/keytrans/proof.h"

#include <string.h>

#include "merkle/keytrans/wire.h"

void
prefix_result_get(struct reader *r, struct prefix_lookup *ret)
{
    uint8_t type = get_u8(r);

    memset(ret, 0, sizeof(*ret));
    if (r->err == RES_OK && (type < PREFIX_INCLUSION || type > PREFIX_NON_INCLUSION_PARENT)) {
        reader_fail(r, RES_VALUE);
        return;
    }
    ret->type = type;
    if (type == PREFIX_NON_INCLUSION_LEAF) {
        get_hash(r, &ret->leaf.key);
        get_hash(r, &ret->leaf.commitment);
    }
    ret->depth = get_u8(r);
}

void
prefix_result_put(struct writer *w, const struct prefix_lookup *l)
{
    put_u8(w, l->type);
    if (l->type == PREFIX_NON_INCLUSION_LEAF) {
        put_bytes(w, hash_span(&l->leaf.key));
        put_bytes(w, hash_span(&l->leaf.commitment));
    }
    put_u8(w, l->depth);
}

/* What r went through since begin. */
static struct span
passed(const struct reader *r, const uint8_t *begin)
{
    return r->err == RES_OK ? span_of(begin, (size_t)(r->p - begin)) : span_of(NULL, 0);
}

void
prefix_proof_get(struct reader *r, struct prefix_proof *ret)
{
    unsigned n = get_u8(r);
    const uint8_t *begin = r->p;
    struct prefix_lookup unused;

    for (unsigned i = 0; i < n && r->err == RES_OK; i++)
        prefix_result_get(r, &unused);
    ret->results = (struct proof_queue){passed(r, begin), n};
    ret->elements = get_bytes(r, (size_t)get_u16(r) * HASH_SIZE);
}

void
prefix_proof_put(struct writer *w, const struct prefix_proof *p)
{
    put_u8(w, p->results.n);
    put_bytes(w, p->results.bytes);
    put_u16(w, p->elements.n / HASH_SIZE);
    put_bytes(w, p->elements);
}

/* A queue of elements of one size. */
static struct proof_queue
get_queue(struct reader *r, size_t size)
{
    unsigned n = get_u8(r);

    return (struct proof_queue){get_bytes(r, n * size), n};
}

void
combined_proof_get(struct reader *r, struct combined_proof *ret)
{
    struct prefix_proof unused;
    const uint8_t *begin;
    unsigned n;

    ret->timestamps = get_queue(r, sizeof(uint64_t));
    n = get_u8(r);
    begin = r->p;
    for (unsigned i = 0; i < n && r->err == RES_OK; i++)
        prefix_proof_get(r, &unused);
    ret->prefix_proofs = (struct proof_queue){passed(r, begin), n};
    ret->prefix_roots = get_queue(r, HASH_SIZE);
    ret->inclusion = get_bytes(r, (size_t)get_u16(r) * HASH_SIZE);
}

static void
put_queue(struct writer *w, const struct proof_queue *q)
{
    put_u8(w, q->n);
    put_bytes(w, q->bytes);
}

void
combined_proof_put(struct writer *w, const struct combined_proof *p)
{
    put_queue(w, &p->timestamps);
    put_queue(w, &p->prefix_proofs);
    put_queue(w, &p->prefix_roots);
    put_u16(w, p->inclusion.n / HASH_SIZE);
    put_bytes(w, p->inclusion);
}

#include "merkle/keytrans/consume.h"

#include <string.h>

void
consume_init(struct consumer *c, const struct combined_proof *proof,
             const struct consume_version *versions, size_t n)
{
    c->timestamps = reader_of(proof->timestamps.bytes);
    c->prefix_proofs = reader_of(proof->prefix_proofs.bytes);
    c->proofs_left = proof->prefix_proofs.n;
    c->prefix_roots = proof->prefix_roots.bytes;
    c->inclusion = proof->inclusion;
    c->versions = versions;
    c->versions_n = n;
    memset(c->shown, 0, sizeof(c->shown));
    c->cut = false;
    c->results = reader_of(span_of(NULL, 0));
    c->elements = span_of(NULL, 0);
    c->n = 0;
}

static enum result
take_timestamp(void *arg, uint64_t position, uint64_t *ret)
{
    struct consumer *c = arg;
    uint64_t timestamp = get_u64(&c->timestamps);

    (void)position;
    if (c->timestamps.err != RES_OK)
        return RES_KT_COUNT;
    *ret = timestamp;
    return RES_OK;
}

static enum result
open_proof(void *arg, uint64_t position)
{
    struct consumer *c = arg;
    struct prefix_proof p;

    (void)position;
    if (c->proofs_left == 0)
        return RES_KT_COUNT;
    c->proofs_left--;
    prefix_proof_get(&c->prefix_proofs, &p);
    c->results = reader_of(p.results.bytes);
    c->elements = p.elements;
    c->n = 0;
    return c->prefix_proofs.err;
}

static const struct consume_version *
find_version(const struct consumer *c, uint32_t version)
{
    size_t low = 0, high = c->versions_n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c->versions[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->versions_n && c->versions[low].version == version ? &c->versions[low] : NULL;
}

static void
mark_shown(struct consumer *c, const struct consume_version *v)
{
    size_t i = (size_t)(v - c->versions);

    if (i < CONSUME_SHOWN_MAX)
        c->shown[i / 8] |= (uint8_t)(1u << i % 8);
}

bool
consume_shown(const struct consumer *c, size_t i)
{
    return i < CONSUME_SHOWN_MAX && (c->shown[i / 8] >> i % 8 & 1) != 0;
}

static enum result
take_lookup(void *arg, uint32_t version, bool *ret)
{
    struct consumer *c = arg;
    const struct consume_version *v = find_version(c, version);
    struct prefix_lookup *l = &c->lookups[c->n];

    if (v == NULL)
        return RES_KT_UNKNOWN;
    if (reader_done(&c->results) || c->n == PREFIX_RESULTS_MAX)
        return RES_KT_COUNT;
    prefix_result_get(&c->results, l);
    l->key = v->key;
    if (l->type == PREFIX_INCLUSION) {
        if (!v->has_commitment)
            return RES_KT_UNKNOWN;
        l->leaf = (struct prefix_leaf){v->key, v->commitment};
        mark_shown(c, v);
    }
    c->n++;
    *ret = l->type == PREFIX_INCLUSION;
    return c->results.err;
}

static enum result
close_proof(void *arg, struct hash *ret_root)
{
    struct consumer *c = arg;

    if (!reader_done(&c->results))
        return RES_KT_COUNT;
    return prefix_root(c->lookups, c->n, c->elements, ret_root);
}

/* From a user's perspective, the only stop condition is having consumed all of the response. */
static enum result
at_end(void *arg, uint64_t position, int64_t expected, bool *ret)
{
    struct consumer *c = arg;

    (void)position;
    (void)expected;
    *ret = c->cut = c->proofs_left == 0;
    return RES_OK;
}

struct transcript_source
consume_source(struct consumer *c)
{
    return (struct transcript_source){c,           take_timestamp, open_proof,
                                      take_lookup, close_proof,    at_end};
}

/* The roots of entries of which only the timestamp was needed. */
static enum result
fill_roots(const struct consumer *c, struct transcript *t, unsigned wanted)
{
    struct hash roots[LOGTREE_LEAVES_MAX];

    if (c->prefix_roots.n != (size_t)wanted * HASH_SIZE)
        return RES_KT_COUNT;
    for (unsigned i = 0; i < wanted; i++)
        memcpy(roots[i].b, c->prefix_roots.p + (size_t)i * HASH_SIZE, HASH_SIZE);
    transcript_fill(t, roots, wanted);
    return RES_OK;
}

/* The leaves of the inclusion proof, all of whose roots are known. */
struct proved {
    uint64_t leaves[LOGTREE_LEAVES_MAX];
    struct hash values[LOGTREE_LEAVES_MAX];
    unsigned n;
};

static void
hash_leaves(const struct transcript *t, struct proved *p)
{
    for (unsigned i = 0; i < p->n; i++)
        logtree_leaf(&transcript_find(t, p->leaves[i])->entry, &p->values[i]);
}

enum result
consume_finish(const struct consumer *c, struct transcript *t, struct hash *ret_root,
               struct kt_view *ret_view)
{
    struct proved p;
    struct logtree_peaks peaks;
    unsigned missing;
    enum result rc = transcript_leaves(t, p.leaves, &p.n, &missing);

    if (rc == RES_OK && (!reader_done(&c->timestamps) || c->proofs_left > 0))
        rc = RES_KT_COUNT;
    if (rc == RES_OK)
        rc = fill_roots(c, t, missing);
    if (rc != RES_OK)
        return rc;
    hash_leaves(t, &p);
    rc = logtree_fold(t->size, t->last == NULL ? NULL : &t->last->peaks, p.leaves, p.values, p.n,
                      c->inclusion, &peaks);
    if (rc == RES_OK)
        rc = view_keep(t, &peaks, ret_view);
    if (rc == RES_OK)
        logtree_root(&peaks, ret_root);
    return rc;
}

enum result
consume_earlier(const struct consumer *c, const struct transcript *t, uint64_t earlier,
                struct kt_view *ret_view)
{
    struct proved p;
    struct logtree_peaks peaks;
    unsigned missing;
    enum result rc = transcript_leaves(t, p.leaves, &p.n, &missing);

    if (rc == RES_OK && missing > 0)
        rc = RES_BUG;
    if (rc != RES_OK)
        return rc;
    hash_leaves(t, &p);
    rc = logtree_fold_earlier(t->size, t->last == NULL ? NULL : &t->last->peaks, p.leaves, p.values,
                              p.n, c->inclusion, earlier, &peaks);
    return rc == RES_OK ? view_keep(t, &peaks, ret_view) : rc;
}

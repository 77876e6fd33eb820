#include "merkle/keytrans/record.h"

#include <stdlib.h>

enum result
record_view(const struct record_tree *tree, uint64_t size, struct kt_view *ret)
{
    struct kt_view view = {.peaks = {.size = size}};
    struct search_path path;
    uint64_t end = 0;
    enum result rc = RES_OK;

    /* The entries of the frontier are the ends of the full subtrees. */
    search_tree_frontier(size, &path);
    for (unsigned i = 0; rc == RES_OK && i < path.n; i++) {
        unsigned height = 63 - (unsigned)__builtin_clzll(size - end);

        rc = tree->head(tree->arg, (struct node){height, end >> height}, &view.peaks.heads[i]);
        end += UINT64_C(1) << height;
        view.frontier[i].position = path.at[i];
        if (rc == RES_OK)
            rc = tree->entry(tree->arg, path.at[i], &view.frontier[i].entry);
    }
    view.n = path.n;
    if (rc == RES_OK)
        *ret = view;
    return rc;
}

void
record_init(struct recorder *r, const struct record_tree *tree, const struct record_label *label)
{
    *r = (struct recorder){.tree = tree, .label = label};
    buf_init(&r->timestamps, RECORD_PROOF_MAX);
    buf_init(&r->prefix_proofs, RECORD_PROOF_MAX);
    buf_init(&r->prefix_roots, RECORD_PROOF_MAX);
    buf_init(&r->inclusion, RECORD_PROOF_MAX);
    buf_init(&r->elements, RECORD_PROOF_MAX);
    buf_init(&r->results, RECORD_PROOF_MAX);
}

void
record_release(struct recorder *r)
{
    buf_release(&r->timestamps);
    buf_release(&r->prefix_proofs);
    buf_release(&r->prefix_roots);
    buf_release(&r->inclusion);
    buf_release(&r->elements);
    buf_release(&r->results);
}

void
record_again(struct recorder *r, const struct record_label *label)
{
    r->label = label;
    r->steps_max = r->steps = r->n = 0;
    r->timestamps_n = r->prefix_proofs_n = r->prefix_roots_n = 0;
    buf_clear(&r->timestamps);
    buf_clear(&r->prefix_proofs);
    buf_clear(&r->prefix_roots);
    buf_clear(&r->inclusion);
    buf_clear(&r->elements);
    buf_clear(&r->results);
}

static enum result
give_timestamp(void *arg, uint64_t position, uint64_t *ret)
{
    struct recorder *r = arg;
    struct writer w = writer_to(&r->timestamps);
    struct log_entry e;
    enum result rc;

    if (r->timestamps_n == PROOF_QUEUE_MAX)
        return RES_TOO_LARGE;
    rc = r->tree->entry(r->tree->arg, position, &e);
    if (rc != RES_OK)
        return rc;
    put_u64(&w, e.timestamp);
    rc = writer_end(&w);
    if (rc == RES_OK) {
        r->timestamps_n++;
        *ret = e.timestamp;
    }
    return rc;
}

static enum result
open_proof(void *arg, uint64_t position)
{
    struct recorder *r = arg;

    r->position = position;
    r->n = 0;
    return r->prefix_proofs_n == PROOF_QUEUE_MAX ? RES_TOO_LARGE : RES_OK;
}

static enum result
give_lookup(void *arg, uint32_t version, bool *ret)
{
    struct recorder *r = arg;
    struct prefix_lookup *l = &r->lookups[r->n];
    uint64_t inserted = 0;
    bool there = false;
    enum result rc;

    if (r->n == PREFIX_RESULTS_MAX)
        return RES_TOO_LARGE;
    rc = r->label->key(r->label->arg, version, &l->key);
    if (rc == RES_OK)
        rc = r->label->inserted(r->label->arg, version, &inserted, &there);
    if (rc == RES_OK) {
        there = there && inserted <= r->position;
        l->type = there ? PREFIX_INCLUSION : PREFIX_NON_INCLUSION_PARENT;
        r->n++;
        *ret = there;
    }
    return rc;
}

/* The results in the order in which they were asked for, and the copath. */
static enum result
put_proof(struct recorder *r)
{
    struct writer results = writer_to(&r->results), w = writer_to(&r->prefix_proofs);
    struct prefix_proof p;
    enum result rc;

    buf_clear(&r->results);
    for (unsigned i = 0; i < r->n; i++)
        prefix_result_put(&results, &r->lookups[i]);
    rc = writer_end(&results);
    if (rc != RES_OK)
        return rc;
    p.results = (struct proof_queue){buf_span(&r->results), r->n};
    p.elements = buf_span(&r->elements);
    prefix_proof_put(&w, &p);
    rc = writer_end(&w);
    r->prefix_proofs_n += rc == RES_OK;
    return rc;
}

static enum result
close_proof(void *arg, struct hash *ret_root)
{
    struct recorder *r = arg;
    bool there[PREFIX_RESULTS_MAX] = {false};
    struct prefix_ref root;
    enum result rc = r->tree->prefix(r->tree->arg, r->position, &root);

    for (unsigned i = 0; i < r->n; i++)
        there[i] = r->lookups[i].type == PREFIX_INCLUSION;
    buf_clear(&r->elements);
    if (rc == RES_OK)
        rc = prefix_prove(&r->tree->store, &root, r->lookups, r->n, &r->elements);
    for (unsigned i = 0; rc == RES_OK && i < r->n; i++)
        if (there[i] != (r->lookups[i].type == PREFIX_INCLUSION))
            rc = RES_STORE_DAMAGED;
    if (rc == RES_OK)
        rc = put_proof(r);
    if (rc == RES_OK)
        *ret_root = root.hash;
    return rc;
}

/* "If the greatest version of the label present at this log entry is greater than the version
 * advertised by the user, or if a maximum output size has been reached." */
static enum result
enough(void *arg, uint64_t position, int64_t expected, bool *ret)
{
    struct recorder *r = arg;
    uint64_t inserted = 0;
    bool there = false;
    enum result rc = RES_OK;

    if (expected < (int64_t)UINT32_MAX)
        rc = r->label->inserted(r->label->arg, (uint32_t)(expected + 1), &inserted, &there);
    if (rc == RES_OK) {
        *ret = (there && inserted <= position) || (r->steps_max > 0 && r->steps == r->steps_max);
        r->steps++;
    }
    return rc;
}

struct transcript_source
record_source(struct recorder *r)
{
    return (struct transcript_source){r,           give_timestamp, open_proof,
                                      give_lookup, close_proof,    enough};
}

static enum result
give_roots(struct recorder *r, struct transcript *t, const uint64_t *leaves, unsigned n)
{
    struct hash roots[LOGTREE_LEAVES_MAX];

    for (unsigned i = 0; i < n; i++) {
        struct log_entry e;
        enum result rc;

        if (transcript_find(t, leaves[i])->has_root)
            continue;
        rc = r->tree->entry(r->tree->arg, leaves[i], &e);
        if (rc == RES_OK)
            rc = buf_add(&r->prefix_roots, hash_span(&e.prefix_root));
        if (rc != RES_OK)
            return rc;
        roots[r->prefix_roots_n++] = e.prefix_root;
    }
    transcript_fill(t, roots, r->prefix_roots_n);
    return RES_OK;
}

static enum result
give_inclusion(struct recorder *r, const struct transcript *t, const uint64_t *leaves, unsigned n)
{
    struct node *nodes = malloc(LOGTREE_ELEMENTS_MAX * sizeof(*nodes));
    size_t count = 0;
    enum result rc = nodes == NULL ? RES_MEMORY : RES_OK;

    if (rc == RES_OK) {
        rc = logtree_plan(t->size, t->last == NULL ? 0 : t->last->peaks.size, leaves, n, nodes,
                          LOGTREE_ELEMENTS_MAX, &count);
    }
    if (rc == RES_OK && r->tree->expect != NULL)
        r->tree->expect(r->tree->arg, nodes, count);
    for (size_t i = 0; rc == RES_OK && i < count; i++) {
        struct hash h;

        rc = r->tree->head(r->tree->arg, nodes[i], &h);
        if (rc == RES_OK)
            rc = buf_add(&r->inclusion, hash_span(&h));
    }
    free(nodes);
    return rc;
}

enum result
record_finish(struct recorder *r, struct transcript *t, struct combined_proof *ret)
{
    uint64_t leaves[LOGTREE_LEAVES_MAX];
    unsigned n, missing;
    enum result rc = transcript_leaves(t, leaves, &n, &missing);

    if (rc == RES_OK)
        rc = give_roots(r, t, leaves, n);
    if (rc == RES_OK)
        rc = give_inclusion(r, t, leaves, n);
    if (rc == RES_OK) {
        ret->timestamps = (struct proof_queue){buf_span(&r->timestamps), r->timestamps_n};
        ret->prefix_proofs = (struct proof_queue){buf_span(&r->prefix_proofs), r->prefix_proofs_n};
        ret->prefix_roots = (struct proof_queue){buf_span(&r->prefix_roots), r->prefix_roots_n};
        ret->inclusion = buf_span(&r->inclusion);
    }
    return rc;
}

#include "log/reader.h"

#include <stdlib.h>

#include "log/log_private.h"
#include "log/stored.h"

#define CANDIDATES_MAX 64

struct log_reader {
    struct log *log;
    struct store_view *view;
    struct store_head head; /* the one published when the snapshot was taken */
};

enum result
log_reader_new(struct log *l, struct log_reader **ret)
{
    struct log_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return RES_MEMORY;
    r->log = l;
    enum result rc = store_view_new(l->store, &r->view);
    if (rc != RES_OK) {
        free(r);
        return rc;
    }
    *ret = r;
    return RES_OK;
}

void
log_reader_free(struct log_reader *r)
{
    if (!r)
        return;
    store_view_free(r->view);
    free(r);
}

enum result
log_reader_begin(struct log_reader *r, struct store_head *ret_head)
{
    /* Asked for before the snapshot is taken, so that the snapshot holds it.  The snapshot's own
     * head may be newer: committed, but its high-water mark not written yet. */
    log_head(r->log, &r->head, NULL);
    if (r->head.timestamp == 0)
        return RES_ABSENT;
    enum result rc = store_view_begin(r->view);
    if (rc == RES_OK && ret_head)
        *ret_head = r->head;
    return rc;
}

void
log_reader_end(struct log_reader *r)
{
    store_view_end(r->view);
}

enum result
log_reader_find_leaf(struct log_reader *r, const struct hash *leaf, uint64_t size, uint64_t *ret)
{
    uint64_t candidate[CANDIDATES_MAX];
    size_t n;
    enum result rc =
        index_find(r->log->index, INDEX_LEAF_HASH, leaf, candidate, CANDIDATES_MAX, &n);
    if (rc != RES_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        struct hash h;
        if (candidate[i] >= size || candidate[i] >= r->head.size)
            continue;
        rc = store_get_node(r->view, (struct node){0, candidate[i]}, &h);
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
        if (hash_equal(&h, leaf)) {
            *ret = candidate[i];
            return RES_OK;
        }
    }
    return RES_UNKNOWN_HASH;
}

/* Fetches the plan's nodes; those of one tile follow each other, so a tile is looked up once. */
static enum result
fetch(struct log_reader *r, const struct proof_plan *plan, struct hash *ret)
{
    const struct hash *nodes = NULL;
    struct tile_slot last = {0, 0, 0};
    for (unsigned i = 0; i < plan->n; i++) {
        struct tile_slot at = tile_slot_of(plan->nodes[i]);
        if (!nodes || at.level != last.level || at.index != last.index) {
            enum result rc = store_get_tile(r->view, at.level, at.index, &nodes);
            if (rc != RES_OK)
                return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
            last = at;
        }
        ret[i] = nodes[at.slot];
    }
    return RES_OK;
}

static enum result
prove(struct log_reader *r, const struct proof_plan *plan, struct hash *ret, unsigned *ret_n)
{
    struct hash hashes[PROOF_NODES_MAX];
    enum result rc = fetch(r, plan, hashes);
    if (rc == RES_OK)
        *ret_n = proof_fold(plan, hashes, ret);
    return rc;
}

enum result
log_reader_inclusion(struct log_reader *r, uint64_t index, uint64_t size, struct hash *ret,
                     unsigned *ret_n)
{
    struct proof_plan plan;
    if (size > r->head.size)
        return RES_RANGE;
    enum result rc = proof_plan_inclusion(index, size, &plan);
    return rc == RES_OK ? prove(r, &plan, ret, ret_n) : rc;
}

enum result
log_reader_consistency(struct log_reader *r, uint64_t first, uint64_t second, struct hash *ret,
                       unsigned *ret_n)
{
    struct proof_plan plan;
    if (first > second || second > r->head.size)
        return RES_RANGE;
    if (first == 0 || first == second) {
        *ret_n = 0;
        return RES_OK;
    }
    enum result rc = proof_plan_consistency(first, second, &plan);
    return rc == RES_OK ? prove(r, &plan, ret, ret_n) : rc;
}

enum result
log_reader_leaf(struct log_reader *r, uint64_t index, struct tile_leaf *ret)
{
    struct span signature;
    if (index >= r->head.size)
        return RES_RANGE;
    enum result rc = stored_leaf(r->view, index, ret, &signature);
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

enum result
log_reader_entry(struct log_reader *r, uint64_t index, struct buf *leaf_input,
                 struct buf *extra_data)
{
    struct tile_leaf l;
    struct span signature, chain[DATATILE_CHAIN_MAX];
    if (index >= r->head.size)
        return RES_RANGE;
    enum result rc = stored_leaf(r->view, index, &l, &signature);
    for (size_t i = 0; rc == RES_OK && i < l.chain_count; i++)
        rc = store_get_issuer(r->view, &l.chain[i], &chain[i]);
    if (rc == RES_ABSENT)
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK)
        rc = entry_leaf_write(&l.timestamped, leaf_input);
    if (rc == RES_OK)
        rc = entry_extra_data(l.timestamped.entry.type, l.precertificate, chain, l.chain_count,
                              extra_data);
    return rc;
}

enum result
log_reader_tile(struct log_reader *r, const struct tile *t, struct buf *room, struct span *ret)
{
    if (t->kind == TILE_ENTRIES || !tile_within(t, r->head.size))
        return RES_ABSENT;
    if (t->kind == TILE_DATA)
        return store_get_data_tile(r->view, t->index, t->width, room, ret);
    const struct hash *nodes;
    enum result rc = store_get_tile(r->view, t->level, t->index, &nodes);
    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    *ret = span_of(nodes, (size_t)t->width * HASH_SIZE);
    return RES_OK;
}

enum result
log_reader_issuer(struct log_reader *r, const struct hash *sha256, struct span *ret)
{
    return store_get_issuer(r->view, sha256, ret);
}

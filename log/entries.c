#include "log/entries.h"

#include <stddef.h>
#include <string.h>

#include "log/batch_private.h"
#include "log/flip.h"
#include "log/stored.h"
#include "merkle/leaf/datatile.h"

/* Entries looked at for one key: it is a SHA-256 cut short at most, so more than one is rare. */
#define CANDIDATES_MAX 16

/* Compares p with a candidate of this batch or of the store; on a match p is answered by it. */
static enum result
try_candidate(struct batch *b, struct pending *p, uint64_t index)
{
    if (index < b->head.size) {
        enum result rc = stored_receipt(b->view, index, &p->entry, &p->receipt);
        return rc;
    }
    if (index - b->head.size >= b->count)
        return RES_ABSENT;
    struct pending *other = b->entry[index - b->head.size];
    if (!hash_equal(&other->key, &p->key) || other->entry.type != p->entry.type ||
        !span_equal(other->entry.body, p->entry.body))
        return RES_ABSENT;
    p->same = other;
    return RES_OK;
}

/* RES_OK: p is a duplicate and has its receipt or its twin.  RES_ABSENT: it is new. */
static enum result
find_duplicate(struct batch *b, struct pending *p)
{
    uint64_t candidate[CANDIDATES_MAX];
    size_t n = fresh_find(b->fresh, &p->key, candidate, CANDIDATES_MAX);
    enum result rc = RES_ABSENT;
    for (size_t i = 0; i < n && rc == RES_ABSENT; i++)
        rc = try_candidate(b, p, candidate[i]);
    /* What lies between the worker's look and what is remembered here: only after a long wait. */
    if (rc != RES_ABSENT || p->checked >= fresh_from(b->fresh))
        return rc;
    rc = index_find(b->parts.index, INDEX_ENTRY_KEY, &p->key, candidate, CANDIDATES_MAX, &n);
    if (rc != RES_OK)
        return rc;
    rc = RES_ABSENT;
    for (size_t i = 0; i < n && rc == RES_ABSENT; i++)
        rc = try_candidate(b, p, candidate[i]);
    return rc;
}

static enum result
put_tile(void *arg, unsigned level, uint64_t index, bool full, const struct hash *nodes)
{
    struct batch *b = arg;
    flip_point("tile-record", (void *)(uintptr_t)nodes, TILE_RECORD_SIZE);
    return store_put_tile(b->txn, level, index, full, nodes);
}

static enum result
put_issuers(struct batch *b, const struct pending *p)
{
    for (size_t i = 0; i < p->issuer_count; i++) {
        if (p->issuer[i].n == 0)
            continue;
        flip_point("issuer", (void *)(uintptr_t)p->issuer[i].p, p->issuer[i].n);
        enum result rc = store_put_issuer(b->txn, &p->issuer_sha256[i], p->issuer[i]);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

/* Gives p its index and time, signs it, and appends it to store and tree. */
static enum result
append(struct batch *b, struct pending *p, uint64_t now)
{
    uint64_t index = b->head.size + b->count;
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    if (index > ENTRY_LEAF_INDEX_MAX)
        return RES_STORE_FULL;
    entry_leaf_index(index, extensions);
    struct tile_leaf l = {.timestamped = {.timestamp = now,
                                          .entry = p->entry,
                                          .extensions = span_of(extensions, sizeof(extensions))},
                          .precertificate = p->precertificate,
                          .chain_count = p->issuer_count};
    memcpy(l.chain, p->issuer_sha256, p->issuer_count * sizeof(*l.chain));
    flip_point("entry", p->bytes, p->entry.body.n);
    flip_point("precertificate", (void *)(uintptr_t)p->precertificate.p, p->precertificate.n);
    struct hash *leaf_hash = &b->leaf_hash[b->count];
    entry_leaf_hash(&l.timestamped, leaf_hash);
    flip_point("leaf-hash", leaf_hash, sizeof(*leaf_hash));
    struct log_receipt *r = &p->receipt;
    r->timestamp = now;
    r->index = index;
    enum result rc = signer_sct(b->parts.signer, &l.timestamped, r->signature, &r->signature_n);
    buf_clear(&b->leaf);
    if (rc == RES_OK)
        rc = tile_leaf_write(&l, &b->leaf);
    if (rc != RES_OK)
        return rc;
    flip_point("sct-signature", r->signature, r->signature_n);
    flip_point("tile-leaf", b->leaf.p, b->leaf.n);
    rc = store_append(b->txn, index, buf_span(&b->leaf), span_of(r->signature, r->signature_n));
    if (rc == RES_OK)
        rc = put_issuers(b, p);
    if (rc == RES_OK)
        rc = edge_append(b->edge, leaf_hash, put_tile, b);
    if (rc != RES_OK)
        return rc;
    flip_point("receipt", r, offsetof(struct log_receipt, duplicate));
    b->entry[b->count] = p;
    b->claim[b->count] = (struct guard_claim){
        .key = &p->key,
        .precertificate_sha256 = p->entry.type == ENTRY_PRECERT ? &p->precertificate_sha256 : NULL,
        .receipt = r};
    b->count++;
    fresh_add(b->fresh, &p->key, index);
    return RES_OK;
}

static enum result
append_new(struct batch *b, struct pending *list, uint64_t now)
{
    for (struct pending *p = list; p; p = p->next) {
        enum result rc = find_duplicate(b, p);
        if (rc == RES_OK)
            continue;
        if (rc == RES_ABSENT)
            rc = append(b, p, now);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

enum result
entries_write(struct batch *b, struct pending *list, uint64_t now)
{
    enum result rc = append_new(b, list, now);
    if (rc == RES_OK)
        rc = store_flush(b->txn);
    return rc == RES_OK ? edge_partials(b->edge, put_tile, b) : rc;
}

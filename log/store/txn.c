/* The store's transactions: begun, written to, committed or dropped. */
#include "log/store/bundle.h"
#include "log/store/head.h"
#include "log/store/store.h"
#include "log/store/store_private.h"

#include <assert.h>
#include <stdlib.h>

/* Memory of pending entries that is kept for the next transaction. */
#define PENDING_KEEP ((size_t)8 << 20)

enum result
store_begin(struct store *s, struct store_txn **ret)
{
    struct lmdb_txn *txn;
    enum result r = lmdb_begin_write(s->env, &txn);
    if (r != RES_OK)
        return r;
    struct store_txn *t = &s->txn;
    *t = (struct store_txn){.store = s, .view = {.txn = txn}};
    r = view_know_size(&t->view);
    if (r != RES_OK) {
        lmdb_abort(txn);
        return r;
    }
    t->base = t->next = t->view.size;
    buf_clear(&s->bytes);
    *ret = t;
    return RES_OK;
}

struct store_view *
store_txn_view(struct store_txn *t)
{
    return &t->view;
}

/* A record that stands where only new ones may come contradicts the head. */
static enum result
result_of_append(enum result r)
{
    return r == RES_EXISTS ? RES_STORE_DAMAGED : r;
}

/* ---- entries ---- */

static enum result
reserve_pending(struct store *s, size_t count)
{
    if (count < s->pending_cap)
        return RES_OK;
    size_t cap = s->pending_cap == 0 ? STORE_BUNDLE : 2 * s->pending_cap;
    struct pending *p = realloc(s->pending, cap * sizeof(*p));
    if (p == NULL)
        return RES_MEMORY;
    s->pending = p;
    s->pending_cap = cap;
    return RES_OK;
}

enum result
store_append(struct store_txn *t, uint64_t index, struct span leaf, struct span sct_signature)
{
    struct store *s = t->store;
    assert(index == t->next && index < NODE_LEAVES_MAX && !t->flushed);
    assert(sct_signature.n >= 1 && sct_signature.n <= STORE_SCT_SIGNATURE_MAX);
    if (leaf.n < 1 || leaf.n > STORE_LEAF_MAX)
        return RES_TOO_LARGE;
    size_t count = (size_t)(t->next - t->base);
    enum result r = reserve_pending(s, count);
    if (r == RES_OK)
        r = buf_reserve(&s->bytes, leaf.n + sct_signature.n);
    if (r != RES_OK)
        return RES_MEMORY;
    s->pending[count] =
        (struct pending){.at = s->bytes.n, .leaf_n = leaf.n, .signature_n = sct_signature.n};
    r = buf_add(&s->bytes, leaf);
    if (r == RES_OK)
        r = buf_add(&s->bytes, sct_signature);
    if (r != RES_OK)
        return r;
    t->next++;
    return RES_OK;
}

/* The entry at index before it is where it belongs: in the old tail, or pending. */
static enum result
entry_to_pack(struct store_txn *t, uint64_t index, struct store_entry *ret)
{
    if (index < t->base) {
        uint8_t key[8];
        struct span record;
        enum result r = lmdb_get(t->view.txn, TABLE_TAIL, key_u64(index, key), &record);
        if (r != RES_OK)
            return r == RES_ABSENT ? RES_STORE_DAMAGED : r;
        return slot_read(record, ret);
    }
    const struct store *s = t->store;
    const struct pending *p = &s->pending[index - t->base];
    ret->leaf = span_of(s->bytes.p + p->at, p->leaf_n);
    ret->sct_signature = span_of(s->bytes.p + p->at + p->leaf_n, p->signature_n);
    return RES_OK;
}

static enum result
pack_bundle(struct store_txn *t, uint64_t n)
{
    uint64_t first = n * STORE_BUNDLE;
    struct store_entry e;
    enum result r;
    /* Below 2^32: STORE_BUNDLE * STORE_LEAF_MAX. */
    uint32_t leaves_n = 0;
    for (unsigned i = 0; i < STORE_BUNDLE; i++) {
        if ((r = entry_to_pack(t, first + i, &e)) != RES_OK)
            return r;
        leaves_n += (uint32_t)e.leaf.n;
    }
    uint8_t key[8];
    uint8_t *out;
    r = lmdb_reserve(t->view.txn, TABLE_BUNDLE, key_u64(n, key), bundle_size(leaves_n), true, &out);
    if (r != RES_OK)
        return result_of_append(r);
    struct bundle_writer w;
    bundle_writer_init(&w, out, leaves_n);
    for (unsigned i = 0; i < STORE_BUNDLE; i++) {
        /* Asked again, because what was borrowed went with the write of the record. */
        if ((r = entry_to_pack(t, first + i, &e)) != RES_OK ||
            (r = bundle_writer_add(&w, &e)) != RES_OK)
            return r;
    }
    return bundle_writer_whole(&w) ? RES_OK : RES_STORE_DAMAGED;
}

static enum result
put_slot(struct store_txn *t, uint64_t index)
{
    struct store_entry e;
    enum result r = entry_to_pack(t, index, &e);
    if (r != RES_OK)
        return r;
    uint8_t key[8];
    uint8_t *out;
    r = lmdb_reserve(t->view.txn, TABLE_TAIL, key_u64(index, key), slot_size(&e), true, &out);
    if (r != RES_OK)
        return result_of_append(r);
    slot_write(&e, out);
    return RES_OK;
}

enum result
store_flush(struct store_txn *t)
{
    assert(!t->flushed);
    t->flushed = true;
    uint64_t bundles = t->base / STORE_BUNDLE;
    uint64_t bundles_next = t->next / STORE_BUNDLE;
    enum result r;
    for (uint64_t n = bundles; n < bundles_next; n++)
        if ((r = pack_bundle(t, n)) != RES_OK)
            return r;

    /* All of the old tail went into the first of these bundles. */
    if (bundles < bundles_next && t->base % STORE_BUNDLE != 0)
        if ((r = lmdb_drop(t->view.txn, TABLE_TAIL)) != RES_OK)
            return r;
    uint64_t tail = bundles_next * STORE_BUNDLE;
    for (uint64_t i = tail > t->base ? tail : t->base; i < t->next; i++)
        if ((r = put_slot(t, i)) != RES_OK)
            return r;
    t->view.size = t->next;
    return RES_OK;
}

/* Puts the record of that key anew with zeros in the place of leaf, which borrows from it.  The new
 * record is as long as the old, so that no byte of that is left beside it. */
static enum result
blank(struct store_txn *t, unsigned table, struct span key, struct span leaf)
{
    struct span record;
    enum result r = lmdb_get(t->view.txn, table, key, &record);
    if (r != RES_OK)
        return r;
    struct buf copy = BUF_INIT(record.n);
    r = buf_add(&copy, record);
    if (r == RES_OK) {
        memset(copy.p + (leaf.p - record.p), 0, leaf.n);
        r = lmdb_put(t->view.txn, table, key, buf_span(&copy), false);
    }
    buf_release(&copy);
    return r;
}

enum result
store_erase(struct store_txn *t, uint64_t index)
{
    uint8_t key[8];
    struct span record;
    struct store_entry e;
    enum result r = store_get_entry(&t->view, index, &e);
    if (r != RES_OK)
        return r == RES_ERASED ? RES_OK : r;
    struct span at = key_u64(index / STORE_BUNDLE, key);
    r = lmdb_get(t->view.txn, TABLE_BUNDLE, at, &record);
    if (r == RES_ABSENT)
        return blank(t, TABLE_TAIL, key_u64(index, key), e.leaf);
    return r == RES_OK ? blank(t, TABLE_BUNDLE, at, e.leaf) : r;
}

/* ---- tiles, issuers, head ---- */

static enum result
put_full_tile(struct store_txn *t, unsigned level, uint64_t index, struct span record)
{
    uint8_t key[9];
    struct span at = key_tile(level, index, key);
    struct span there;
    enum result r = lmdb_get(t->view.txn, TABLE_TILE, at, &there);
    if (r == RES_OK)
        return span_equal(there, record) ? RES_OK : RES_STORE_DAMAGED;
    if (r == RES_ABSENT)
        r = lmdb_put(t->view.txn, TABLE_TILE, at, record, false);
    if (r != RES_OK)
        return r;
    r = lmdb_delete(t->view.txn, TABLE_EDGE, key_level(level, key));
    if (r != RES_OK && r != RES_ABSENT)
        return r;
    t->view.edge[level] = EDGE_NONE;
    return RES_OK;
}

enum result
store_put_tile(struct store_txn *t, unsigned level, uint64_t index, bool full,
               const struct hash *nodes)
{
    assert(level <= TILE_LEVEL_MAX);
    struct span record = span_of(nodes, TILE_RECORD_SIZE);
    if (full)
        return put_full_tile(t, level, index, record);
    uint8_t key[1];
    enum result r = lmdb_put(t->view.txn, TABLE_EDGE, key_level(level, key), record, false);
    if (r == RES_OK)
        t->view.edge[level] = index;
    return r;
}

enum result
store_put_issuer(struct store_txn *t, const struct hash *sha256, struct span der)
{
    struct span there;
    enum result r = lmdb_get(t->view.txn, TABLE_ISSUER, hash_span(sha256), &there);
    if (r != RES_ABSENT)
        return r;
    return lmdb_put(t->view.txn, TABLE_ISSUER, hash_span(sha256), der, false);
}

enum result
store_put_head(struct store_txn *t, const struct store_head *h)
{
    assert(h->size == t->next && (t->flushed || t->next == t->base));
    struct buf record = BUF_INIT(1024);
    enum result r = head_write(h, &record);
    if (r == RES_OK)
        r = lmdb_put(t->view.txn, TABLE_META, span_str(META_HEAD), buf_span(&record), false);
    buf_release(&record);
    t->headed = r == RES_OK;
    return r;
}

/* ---- the end ---- */

/* A large batch's memory is not held for ever. */
static void
forget_pending(struct store *s)
{
    if (s->bytes.cap <= PENDING_KEEP)
        return;
    buf_release(&s->bytes);
    free(s->pending);
    s->pending = NULL;
    s->pending_cap = 0;
}

enum result
store_commit(struct store_txn *t)
{
    assert(t->next == t->base || t->headed);
    enum result r = lmdb_commit(t->view.txn);
    forget_pending(t->store);
    return r;
}

void
store_abort(struct store_txn *t)
{
    if (t == NULL)
        return;
    lmdb_abort(t->view.txn);
    forget_pending(t->store);
}

#include "log/batch.h"

#include <stdlib.h>
#include <string.h>

#include "log/batch_private.h"
#include "log/entries.h"
#include "log/flip.h"
#include "merkle/leaf/datatile.h"
#include "merkle/note/checkpoint.h"

#define TILE_LEAF_MAX (4 * CERT_MAX)

/* The head over what the edge now holds. */
static enum result
sign_head(struct batch *b, uint64_t now, struct store_head *h)
{
    memset(h, 0, sizeof(*h));
    h->timestamp = now;
    h->size = b->edge->range.size;
    flip_point("peaks", b->edge->range.peaks, range_peaks(&b->edge->range) * HASH_SIZE);
    range_root(&b->edge->range, &h->root);
    flip_point("root", &h->root, sizeof(h->root));
    struct buf text = BUF_INIT(1024);
    enum result rc = checkpoint_write(b->parts.origin, h->size, &h->root, &text);
    if (rc == RES_OK)
        rc = signer_sth(b->parts.signer, now, h->size, &h->root, h->sth_signature,
                        &h->sth_signature_n);
    if (rc == RES_OK)
        rc = signer_checkpoint(b->parts.signer, buf_span(&text), h->note_signature);
    buf_release(&text);
    flip_point("sth-signature", h->sth_signature, h->sth_signature_n);
    flip_point("note-signature", h->note_signature, sizeof(h->note_signature));
    return rc;
}

/* Everything up to the commit point.  Nothing outside the transaction has changed but the edge and
 * the fresh keys. */
static enum result
prepare(struct batch *b, struct pending *list, uint64_t now, struct store_head *h)
{
    enum result rc = entries_write(b, list, now);
    if (rc == RES_OK)
        rc = sign_head(b, now, h);
    if (rc != RES_OK)
        return rc;
    flip_point("head", h, sizeof(*h));
    rc = store_put_head(b->txn, h);
    flip_point("head-to-publish", h, sizeof(*h));
    return rc;
}

/* Back to the last commit: the batch failed before its own. */
static enum result
undo(struct batch *b, enum result why, const char **ret_halt)
{
    store_abort(b->txn);
    b->txn = NULL;
    b->count = 0;
    store_view_end(b->view);
    enum result rc = store_view_begin(b->view);
    if (rc == RES_OK) {
        rc = edge_load(b->edge, b->view, b->head.size);
        store_view_end(b->view);
    }
    fresh_reset(b->fresh, b->head.size);
    if (rc != RES_OK) {
        *ret_halt = "undo";
        return rc;
    }
    return why;
}

/* After the commit: nothing may fail for the submitter any more. */
static enum result
settle(struct batch *b, const struct store_head *h, double began, const char **ret_halt)
{
    struct highwater_mark mark = {h->size, h->timestamp, h->root};
    if (b->parts.highwater && highwater_append(b->parts.highwater, &mark) != RES_OK) {
        *ret_halt = "highwater";
        return RES_IO;
    }
    for (unsigned i = 0; i < b->count; i++) {
        const struct pending *p = b->entry[i];
        struct hash keys[INDEX_MAPS];
        keys[INDEX_ENTRY_KEY] = p->key;
        keys[INDEX_LEAF_HASH] = b->leaf_hash[i];
        flip_point("index-keys", keys, sizeof(keys));
        if (index_add(b->parts.index, b->head.size + i, keys) != RES_OK) {
            *ret_halt = "index";
            return RES_IO;
        }
        for (size_t k = 0; k < p->issuer_count; k++)
            if (known_add(b->parts.known, &p->issuer_sha256[k]) != RES_OK)
                break; /* only a shortcut */
    }
    unsigned entries = b->count;
    b->head = *h;
    b->count = 0;
    b->parts.published(b->parts.arg, h, entries, headtime_steady_ms() - began);
    return RES_OK;
}

/* From the open transaction to the commit; the view is open, and closed afterwards. */
static enum result
write_batch(struct batch *b, struct pending *list, uint64_t now, struct store_head *h,
            const char **ret_halt)
{
    const char *what = "";
    enum result rc = prepare(b, list, now, h);
    if (rc != RES_OK)
        return undo(b, rc, ret_halt);
    rc = guard_check(&b->guard, store_txn_view(b->txn), b->head.size, h, b->claim, &what);
    store_view_end(b->view);
    if (rc != RES_OK) {
        store_abort(b->txn);
        *ret_halt = what;
        return rc;
    }
    /*
     * The commit point.  A crash before it: the batch never was, and nobody has heard of it.  A
     * crash after it: the entries and the head over them are on disk, and whoever submits again
     * gets the SCTs that are stored.
     */
    rc = store_commit(b->txn);
    b->txn = NULL;
    if (rc != RES_OK)
        *ret_halt = "commit";
    return rc;
}

/* The store's head is the one that this process signed last, and so nobody else writes.  What
 * another has signed after it would be signed over. */
static enum result
check_alone(struct batch *b)
{
    struct store_head h;
    enum result rc = store_get_head(store_txn_view(b->txn), &h);
    if (rc == RES_ABSENT) {
        memset(&h, 0, sizeof(h));
        rc = RES_OK;
    }
    if (rc == RES_OK && (h.size != b->head.size || h.timestamp != b->head.timestamp ||
                         !hash_equal(&h.root, &b->head.root)))
        rc = RES_STORE_DAMAGED;
    return rc;
}

/* The transaction, and in it the look whether the store is still ours. */
static enum result
begin(struct batch *b, const char **ret_halt)
{
    enum result rc = store_begin(b->parts.store, &b->txn);
    if (rc != RES_OK)
        return rc;
    rc = check_alone(b);
    if (rc != RES_OK) {
        store_abort(b->txn);
        b->txn = NULL;
        if (rc == RES_STORE_DAMAGED)
            *ret_halt = "other-writer";
    }
    return rc;
}

enum result
batch_run(struct batch *b, struct pending *list, const char **ret_halt)
{
    double began = headtime_steady_ms();
    uint64_t now;
    struct store_head h;
    *ret_halt = NULL;
    b->count = 0;
    enum result rc = headtime_next(&b->time, b->head.timestamp, &now);
    b->parts.clock(b->parts.arg, rc == RES_CLOCK);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(b->view);
    if (rc != RES_OK)
        return rc;
    rc = begin(b, ret_halt);
    if (rc != RES_OK)
        store_view_end(b->view);
    else
        rc = write_batch(b, list, now, &h, ret_halt);
    /* A write that failed before the commit latches the store just as well. */
    if (rc != RES_OK && !*ret_halt && store_latched(b->parts.store))
        *ret_halt = "write";
    return rc == RES_OK ? settle(b, &h, began, ret_halt) : rc;
}

/* The head and the edge as they are on disk. */
static enum result
load(struct batch *b)
{
    enum result rc = store_view_begin(b->view);
    if (rc != RES_OK)
        return rc;
    rc = store_get_head(b->view, &b->head);
    if (rc == RES_ABSENT) {
        memset(&b->head, 0, sizeof(b->head));
        rc = RES_OK;
    }
    if (rc == RES_OK)
        rc = edge_load(b->edge, b->view, b->head.size);
    store_view_end(b->view);
    return rc;
}

enum result
batch_new(const struct sequencer_parts *parts, struct batch **ret)
{
    struct batch *b = calloc(1, sizeof(*b));
    if (!b)
        return RES_MEMORY;
    b->parts = *parts;
    b->time.now_ms = parts->now_ms;
    b->leaf = BUF_INIT(TILE_LEAF_MAX);
    b->guard = (struct guard){.origin = parts->origin,
                              .key = signer_public(parts->signer),
                              .note_public = signer_note_public(parts->signer),
                              .scratch = BUF_INIT(CERT_MAX)};
    b->edge = malloc(sizeof(*b->edge));
    enum result rc = b->edge ? known_new(&b->guard.issuers) : RES_MEMORY;
    if (rc == RES_OK)
        rc = store_view_new(parts->store, &b->view);
    if (rc == RES_OK)
        rc = load(b);
    if (rc == RES_OK)
        rc = fresh_new(b->head.size, &b->fresh);
    if (rc != RES_OK) {
        batch_free(b);
        return rc;
    }
    *ret = b;
    return RES_OK;
}

void
batch_free(struct batch *b)
{
    if (!b)
        return;
    store_view_free(b->view);
    fresh_free(b->fresh);
    known_free(b->guard.issuers);
    free(b->edge);
    buf_release(&b->leaf);
    buf_release(&b->guard.scratch);
    free(b);
}

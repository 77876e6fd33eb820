#include "log/batch.h"

#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "log/edge.h"
#include "log/flip.h"
#include "log/fresh.h"
#include "log/guard.h"
#include "log/stored.h"
#include "merkle/leaf/datatile.h"
#include "merkle/note/checkpoint.h"

/* How far the clock may stand before the last head: less is waited for, more is a clock that went
 * back. */
#define CLOCK_SLACK_MS 1000
/* How far the clock may run ahead of the one that never jumps: what is farther ahead, clients
 * refuse, and a signed time cannot be taken back. */
#define CLOCK_LEAP_MS 300000
#define CANDIDATES_MAX 16
#define TILE_LEAF_MAX (4 * CERT_MAX)

struct batch {
    struct sequencer_parts parts;
    struct store_view *view; /* of committed entries, for duplicates */
    struct store_head head;  /* the newest signed and committed */
    uint64_t wall;           /* the clock at the last batch of this process, 0 before it, */
    double steady;           /* and the one that never goes back then */
    struct edge *edge;
    struct fresh *fresh;
    struct guard guard;
    struct buf leaf; /* scratch */
    /* the one under way: its new entries */
    struct pending *entry[SEQUENCER_BATCH_MAX];
    struct guard_claim claim[SEQUENCER_BATCH_MAX];
    struct hash leaf_hash[SEQUENCER_BATCH_MAX];
    unsigned count;
    struct store_txn *txn;
};

double
batch_clock_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
sleep_ms(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

/* A time for the next head: later than the last one's, never ahead of the clock.  RES_CLOCK, also
 * when the clock has leapt. */
static enum result
next_time(struct batch *b, uint64_t *ret)
{
    for (;;) {
        uint64_t now = b->parts.now_ms();
        double steady = batch_clock_ms();
        if (b->wall && (double)now > (double)b->wall + (steady - b->steady) + CLOCK_LEAP_MS)
            return RES_CLOCK;
        if (now > b->head.timestamp) {
            b->wall = now;
            b->steady = steady;
            *ret = now;
            return RES_OK;
        }
        if (b->head.timestamp - now > CLOCK_SLACK_MS)
            return RES_CLOCK;
        sleep_ms(b->head.timestamp - now + 1);
    }
}

/* ---- duplicates ---- */

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

/* ---- writing ---- */

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
    enum result rc = append_new(b, list, now);
    if (rc == RES_OK)
        rc = store_flush(b->txn);
    if (rc == RES_OK)
        rc = edge_partials(b->edge, put_tile, b);
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
    b->parts.published(b->parts.arg, h, entries, batch_clock_ms() - began);
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
    double began = batch_clock_ms();
    uint64_t now;
    struct store_head h;
    *ret_halt = NULL;
    b->count = 0;
    enum result rc = next_time(b, &now);
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

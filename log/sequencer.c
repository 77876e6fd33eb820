#include "log/sequencer.h"

#include <assert.h>
#include <pthread.h>
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
#define CANDIDATES_MAX 16
#define WAIT_MAX_MS 3600000
#define TILE_LEAF_MAX (4 * CERT_MAX)

struct sequencer {
    struct sequencer_parts parts;
    pthread_t thread;
    bool started, stopped;
    struct store_view *view; /* of committed entries, for duplicates */
    struct store_head head;  /* the newest signed and committed */
    struct edge *edge;
    struct fresh *fresh;
    struct guard guard;
    struct buf leaf; /* scratch */
    /* the batch under way */
    struct pending *fresh_entry[SEQUENCER_BATCH_MAX];
    const struct hash *key[SEQUENCER_BATCH_MAX];
    struct hash leaf_hash[SEQUENCER_BATCH_MAX];
    unsigned count;
    struct store_txn *txn;
};

static double
monotonic_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
sleep_ms(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

/* A time for the next head: later than the last one's, never ahead of the clock.  RES_CLOCK. */
static enum result
next_time(struct sequencer *s, uint64_t *ret)
{
    for (;;) {
        uint64_t now = s->parts.now_ms();
        if (now > s->head.timestamp) {
            *ret = now;
            return RES_OK;
        }
        if (s->head.timestamp - now > CLOCK_SLACK_MS)
            return RES_CLOCK;
        sleep_ms(s->head.timestamp - now + 1);
    }
}

/* ---- duplicates ---- */

/* Compares p with a candidate of this batch or of the store; on a match p is answered by it. */
static enum result
try_candidate(struct sequencer *s, struct pending *p, uint64_t index)
{
    if (index < s->head.size) {
        enum result rc = stored_receipt(s->view, index, &p->entry, &p->receipt);
        return rc;
    }
    if (index - s->head.size >= s->count)
        return RES_ABSENT;
    struct pending *other = s->fresh_entry[index - s->head.size];
    if (!hash_equal(&other->key, &p->key) || other->entry.type != p->entry.type ||
        !span_equal(other->entry.body, p->entry.body))
        return RES_ABSENT;
    p->same = other;
    return RES_OK;
}

/* RES_OK: p is a duplicate and has its receipt or its twin.  RES_ABSENT: it is new. */
static enum result
find_duplicate(struct sequencer *s, struct pending *p)
{
    uint64_t candidate[CANDIDATES_MAX];
    size_t n = fresh_find(s->fresh, &p->key, candidate, CANDIDATES_MAX);
    enum result rc = RES_ABSENT;
    for (size_t i = 0; i < n && rc == RES_ABSENT; i++)
        rc = try_candidate(s, p, candidate[i]);
    /* What lies between the worker's look and what is remembered here: only after a long wait. */
    if (rc != RES_ABSENT || p->checked >= fresh_from(s->fresh))
        return rc;
    rc = index_find(s->parts.index, INDEX_ENTRY_KEY, &p->key, candidate, CANDIDATES_MAX, &n);
    if (rc != RES_OK)
        return rc;
    rc = RES_ABSENT;
    for (size_t i = 0; i < n && rc == RES_ABSENT; i++)
        rc = try_candidate(s, p, candidate[i]);
    return rc;
}

/* ---- one batch ---- */

static enum result
put_tile(void *arg, unsigned level, uint64_t index, bool full, const struct hash *nodes)
{
    struct sequencer *s = arg;
    return store_put_tile(s->txn, level, index, full, nodes);
}

static enum result
put_issuers(struct sequencer *s, const struct pending *p)
{
    for (size_t i = 0; i < p->issuer_count; i++) {
        if (p->issuer[i].n == 0)
            continue;
        enum result rc = store_put_issuer(s->txn, &p->issuer_sha256[i], p->issuer[i]);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

/* Gives p its index and time, signs it, and appends it to store and tree. */
static enum result
append(struct sequencer *s, struct pending *p, uint64_t now)
{
    uint64_t index = s->head.size + s->count;
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
    struct hash *leaf_hash = &s->leaf_hash[s->count];
    entry_leaf_hash(&l.timestamped, leaf_hash);
    flip_point("leaf-hash", leaf_hash, sizeof(*leaf_hash));
    struct log_receipt *r = &p->receipt;
    r->timestamp = now;
    r->index = index;
    enum result rc = signer_sct(s->parts.signer, &l.timestamped, r->signature, &r->signature_n);
    buf_clear(&s->leaf);
    if (rc == RES_OK)
        rc = tile_leaf_write(&l, &s->leaf);
    if (rc != RES_OK)
        return rc;
    flip_point("tile-leaf", s->leaf.p, s->leaf.n);
    rc = store_append(s->txn, index, buf_span(&s->leaf), span_of(r->signature, r->signature_n));
    if (rc == RES_OK)
        rc = put_issuers(s, p);
    if (rc == RES_OK)
        rc = edge_append(s->edge, leaf_hash, put_tile, s);
    if (rc != RES_OK)
        return rc;
    s->fresh_entry[s->count] = p;
    s->key[s->count] = &p->key;
    s->count++;
    fresh_add(s->fresh, &p->key, index);
    return RES_OK;
}

static enum result
append_new(struct sequencer *s, struct pending *list, uint64_t now)
{
    for (struct pending *p = list; p; p = p->next) {
        enum result rc = find_duplicate(s, p);
        if (rc == RES_OK)
            continue;
        if (rc == RES_ABSENT)
            rc = append(s, p, now);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

/* The head over what the edge now holds. */
static enum result
sign_head(struct sequencer *s, uint64_t now, struct store_head *h)
{
    memset(h, 0, sizeof(*h));
    h->timestamp = now;
    h->size = s->edge->range.size;
    flip_point("peaks", s->edge->range.peaks, range_peaks(&s->edge->range) * HASH_SIZE);
    range_root(&s->edge->range, &h->root);
    flip_point("root", &h->root, sizeof(h->root));
    struct buf text = BUF_INIT(1024);
    enum result rc = checkpoint_write(s->parts.origin, h->size, &h->root, &text);
    if (rc == RES_OK)
        rc = signer_sth(s->parts.signer, now, h->size, &h->root, h->sth_signature,
                        &h->sth_signature_n);
    if (rc == RES_OK)
        rc = signer_checkpoint(s->parts.signer, buf_span(&text), h->note_signature);
    buf_release(&text);
    flip_point("sth-signature", h->sth_signature, h->sth_signature_n);
    flip_point("note-signature", h->note_signature, sizeof(h->note_signature));
    return rc;
}

/* Everything up to the commit point.  Nothing outside the transaction has changed but the edge and
 * the fresh keys. */
static enum result
prepare(struct sequencer *s, struct pending *list, uint64_t now, struct store_head *h)
{
    enum result rc = append_new(s, list, now);
    if (rc == RES_OK)
        rc = store_flush(s->txn);
    if (rc == RES_OK)
        rc = edge_partials(s->edge, put_tile, s);
    if (rc == RES_OK)
        rc = sign_head(s, now, h);
    if (rc == RES_OK)
        rc = store_put_head(s->txn, h);
    return rc;
}

static enum result
halt(struct sequencer *s, enum result why, const char *what)
{
    s->stopped = true;
    s->parts.halted(s->parts.arg, why, what);
    return why;
}

/* Back to the last commit: the batch failed before its own. */
static enum result
undo(struct sequencer *s, enum result why)
{
    store_abort(s->txn);
    s->txn = NULL;
    s->count = 0;
    store_view_end(s->view);
    enum result rc = store_view_begin(s->view);
    if (rc == RES_OK)
        rc = edge_load(s->edge, s->view, s->head.size);
    fresh_reset(s->fresh, s->head.size);
    if (rc != RES_OK)
        return halt(s, rc, "undo");
    return why;
}

/* After the commit: nothing may fail for the submitter any more. */
static enum result
settle(struct sequencer *s, const struct store_head *h, double began)
{
    struct highwater_mark mark = {h->size, h->timestamp, h->root};
    if (s->parts.highwater && highwater_append(s->parts.highwater, &mark) != RES_OK)
        return halt(s, RES_IO, "highwater");
    for (unsigned i = 0; i < s->count; i++) {
        struct hash keys[INDEX_MAPS];
        keys[INDEX_ENTRY_KEY] = *s->key[i];
        keys[INDEX_LEAF_HASH] = s->leaf_hash[i];
        if (index_add(s->parts.index, s->head.size + i, keys) != RES_OK)
            return halt(s, RES_IO, "index");
        for (size_t k = 0; k < s->fresh_entry[i]->issuer_count; k++)
            if (known_add(s->parts.known, &s->fresh_entry[i]->issuer_sha256[k]) != RES_OK)
                break; /* only a shortcut */
    }
    unsigned entries = s->count;
    s->head = *h;
    s->count = 0;
    s->parts.published(s->parts.arg, h, entries, monotonic_ms() - began);
    return RES_OK;
}

static enum result
run_batch(struct sequencer *s, struct pending *list)
{
    double began = monotonic_ms();
    uint64_t now;
    struct store_head h;
    const char *what = "";
    s->count = 0;
    enum result rc = next_time(s, &now);
    s->parts.clock(s->parts.arg, rc == RES_CLOCK);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(s->view);
    if (rc != RES_OK)
        return rc;
    rc = store_begin(s->parts.store, &s->txn);
    if (rc != RES_OK) {
        store_view_end(s->view);
        return rc;
    }
    rc = prepare(s, list, now, &h);
    if (rc != RES_OK) {
        rc = undo(s, rc);
        store_view_end(s->view);
        return rc;
    }
    rc = guard_check(&s->guard, store_txn_view(s->txn), s->head.size, &h, s->key, &what);
    store_view_end(s->view);
    if (rc != RES_OK) {
        store_abort(s->txn);
        return halt(s, rc, what);
    }
    /*
     * The commit point.  A crash before it: the batch never was, and nobody has heard of it.  A
     * crash after it: the entries and the head over them are on disk, and whoever submits again
     * gets the SCTs that are stored.
     */
    rc = store_commit(s->txn);
    s->txn = NULL;
    if (rc != RES_OK)
        return halt(s, rc, "commit");
    return settle(s, &h, began);
}

static void
answer(struct sequencer *s, struct pending *list, enum result rc)
{
    while (list) {
        struct pending *p = list;
        p->result = rc;
        if (rc == RES_OK && p->same) {
            p->receipt = p->same->receipt;
            p->receipt.duplicate = true;
        }
        s->parts.answered(s->parts.arg, p->receipt.duplicate, rc);
        p->done(p->arg, rc, rc == RES_OK ? &p->receipt : NULL);
        list = p->next;
    }
}

static void
free_list(struct pending *list)
{
    while (list) {
        struct pending *p = list;
        list = p->next;
        pending_free(p);
    }
}

enum result
sequencer_turn(struct sequencer *s, struct pending *list)
{
    enum result rc = s->stopped ? RES_HALTED : run_batch(s, list);
    answer(s, list, rc);
    free_list(list);
    return rc;
}

static void *
loop(void *arg)
{
    struct sequencer *s = arg;
    struct pending *list;
    double next = 0;
    for (;;) {
        double left = next - monotonic_ms();
        uint64_t wait = left <= 0 ? 0 : left < WAIT_MAX_MS ? (uint64_t)left + 1 : WAIT_MAX_MS;
        if (!pool_take(s->parts.pool, SEQUENCER_BATCH_MAX, wait, &list))
            return NULL;
        if (!list && (s->stopped || monotonic_ms() < next))
            continue;
        enum result rc = sequencer_turn(s, list);
        /* A fresh head is due one heartbeat after the last; sooner again when it could not be
         * signed. */
        next =
            monotonic_ms() +
            (double)(rc == RES_OK || s->parts.heartbeat_ms < 1000 ? s->parts.heartbeat_ms : 1000);
        if (s->stopped)
            next += WAIT_MAX_MS;
    }
}

enum result
sequencer_new(const struct sequencer_parts *parts, struct sequencer **ret)
{
    struct sequencer *s = calloc(1, sizeof(*s));
    if (!s)
        return RES_MEMORY;
    s->parts = *parts;
    s->leaf = BUF_INIT(TILE_LEAF_MAX);
    s->guard = (struct guard){.origin = parts->origin,
                              .key = signer_public(parts->signer),
                              .note_public = signer_note_public(parts->signer),
                              .scratch = BUF_INIT(CERT_MAX)};
    s->edge = malloc(sizeof(*s->edge));
    enum result rc = s->edge ? store_view_new(parts->store, &s->view) : RES_MEMORY;
    if (rc == RES_OK)
        rc = store_view_begin(s->view);
    if (rc == RES_OK) {
        rc = store_get_head(s->view, &s->head);
        if (rc == RES_ABSENT) {
            memset(&s->head, 0, sizeof(s->head));
            rc = RES_OK;
        }
        if (rc == RES_OK)
            rc = edge_load(s->edge, s->view, s->head.size);
        store_view_end(s->view);
    }
    if (rc == RES_OK)
        rc = fresh_new(s->head.size, &s->fresh);
    if (rc != RES_OK) {
        sequencer_free(s);
        return rc;
    }
    *ret = s;
    return RES_OK;
}

enum result
sequencer_start(struct sequencer *s)
{
    if (pthread_create(&s->thread, NULL, loop, s) != 0)
        return RES_MEMORY;
    s->started = true;
    return RES_OK;
}

void
sequencer_join(struct sequencer *s)
{
    if (s->started)
        (void)pthread_join(s->thread, NULL);
    s->started = false;
}

void
sequencer_free(struct sequencer *s)
{
    if (!s)
        return;
    assert(!s->started);
    store_view_free(s->view);
    fresh_free(s->fresh);
    free(s->edge);
    buf_release(&s->leaf);
    buf_release(&s->guard.scratch);
    free(s);
}

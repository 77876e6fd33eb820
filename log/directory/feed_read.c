/* Reading the feed: checkpoint, tiles, bundles of entries, additions, anchors. */
#include <string.h>

#include "log/directory/reader_private.h"
#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "merkle/tree/proof.h"

/* Appends the signed checkpoint of head h. */
static enum result
checkpoint_of(const struct directory *d, const struct directory_head *h, struct buf *out)
{
    struct note_key key;
    size_t mark = out->n;
    enum result rc = checkpoint_write(d->feed_origin, h->size, &h->feed_root, out);

    if (rc == RES_OK)
        rc = buf_printf(out, "\n");
    if (rc == RES_OK)
        rc = note_key_ed25519(d->feed_origin, KEY_ED25519, signer_feed_public(d->signer), &key);
    if (rc == RES_OK)
        rc = note_signature_line(d->feed_origin, key.id,
                                 span_of(h->feed_signature, sizeof(h->feed_signature)), out);
    if (rc != RES_OK)
        out->n = mark;
    return rc;
}

enum result
directory_feed_checkpoint(struct directory_reader *r, struct buf *out)
{
    struct directory_head head;

    directory_published(r->d, &head);
    return head.size == 0 ? RES_BUSY : checkpoint_of(r->d, &head, out);
}

/* The bottom row of a hash tile: nodes of height 8 * level. */
static enum result
hash_tile(struct directory_reader *r, const struct tile *t, struct buf *out)
{
    enum result rc = RES_OK;

    for (unsigned i = 0; i < t->width && rc == RES_OK; i++) {
        struct node n = {8 * t->level, t->index * 256 + i};
        struct hash h;

        if (n.height > NODE_HEIGHT_MAX || n.index >= r->head.size >> n.height)
            return RES_ABSENT;
        rc = shelf_get_feed_node(r->view, n, &h);
        if (rc == RES_OK)
            rc = buf_add(out, hash_span(&h));
    }
    return rc;
}

static enum result
entry_tile(struct directory_reader *r, const struct tile *t, struct buf *out)
{
    struct writer w = writer_to(out);
    enum result rc = RES_OK;

    for (unsigned i = 0; i < t->width && rc == RES_OK; i++) {
        uint64_t at = t->index * 256 + i;
        struct entry_row row;

        if (at >= r->head.size)
            return RES_ABSENT;
        rc = shelf_get_entry(r->view, at, &row);
        put_u16(&w, FEED_ENTRY_SIZE);
        feed_entry_put(&w, &row.feed);
    }
    return rc == RES_OK ? writer_end(&w) : rc;
}

enum result
directory_feed_tile(struct directory_reader *r, const struct tile *t, struct buf *out)
{
    size_t mark = out->n;
    enum result rc = snapshot_begin(r);

    if (rc != RES_OK)
        return rc;
    if (t->index > r->head.size) /* nor could it be multiplied */
        rc = RES_ABSENT;
    else
        rc = t->kind == TILE_HASHES    ? hash_tile(r, t, out)
             : t->kind == TILE_ENTRIES ? entry_tile(r, t, out)
                                       : RES_ABSENT;
    snapshot_end(r);
    if (rc != RES_OK)
        out->n = mark;
    return rc;
}

/* The first row of an entry that is not before `entry`: rows stand in the order of entries. */
static enum result
first_row(struct directory_reader *r, uint64_t entry, uint64_t *ret)
{
    uint64_t lo = 0, hi = r->head.versions;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct version_row row;
        enum result rc = shelf_get_version(r->view, mid, &row);
        if (rc != RES_OK)
            return rc;
        if (row.entry < entry)
            lo = mid + 1;
        else
            hi = mid;
    }
    *ret = lo;
    return RES_OK;
}

static enum result
additions(struct directory_reader *r, uint64_t i, struct buf *out)
{
    struct writer w = writer_to(out);
    struct entry_row entry;
    uint64_t first;

    if (i >= r->head.size)
        return RES_ABSENT;
    enum result rc = shelf_get_entry(r->view, i, &entry);
    if (rc == RES_OK)
        rc = first_row(r, i, &first);
    for (uint64_t k = 0; rc == RES_OK && k < entry.feed.additions; k++) {
        struct version_row row;
        rc = shelf_get_version(r->view, first + k, &row);
        if (rc == RES_OK && row.entry != i)
            rc = RES_STORE_DAMAGED;
        feed_addition_put(&w, &row.leaf);
    }
    return rc == RES_OK ? writer_end(&w) : rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

enum result
directory_feed_additions(struct directory_reader *r, uint64_t i, struct buf *out)
{
    size_t mark = out->n;
    enum result rc = snapshot_begin(r);

    if (rc != RES_OK)
        return rc;
    rc = additions(r, i, out);
    snapshot_end(r);
    if (rc != RES_OK)
        out->n = mark;
    return rc;
}

/* The inclusion proof of entry index in the feed of the head that is answered in. */
static enum result
prove(struct directory_reader *r, uint64_t index, struct hash *ret, unsigned *ret_n)
{
    struct hash hashes[PROOF_NODES_MAX];
    struct proof_plan plan;
    enum result rc = proof_plan_inclusion(index, r->head.size, &plan);

    for (unsigned i = 0; i < plan.n && rc == RES_OK; i++)
        rc = shelf_get_feed_node(r->view, plan.nodes[i], &hashes[i]);
    if (rc == RES_OK)
        *ret_n = proof_fold(&plan, hashes, ret);
    return rc;
}

enum result
directory_feed_anchor(struct directory_reader *r, uint64_t size, struct feed_entry *ret_entry,
                      struct hash *ret, unsigned *ret_n, struct buf *note)
{
    struct entry_row row;
    size_t mark = note->n;
    enum result rc = snapshot_begin(r);

    if (rc != RES_OK)
        return rc;
    if (size == 0 || size > r->head.size)
        rc = RES_RANGE;
    if (rc == RES_OK)
        rc = shelf_get_entry(r->view, size - 1, &row);
    if (rc == RES_OK)
        rc = prove(r, size - 1, ret, ret_n);
    if (rc == RES_OK)
        rc = checkpoint_of(r->d, &r->head, note);
    snapshot_end(r);
    if (rc == RES_OK)
        *ret_entry = row.feed;
    else
        note->n = mark;
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

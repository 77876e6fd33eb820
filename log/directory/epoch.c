#include "log/directory/epoch.h"

#include <stdlib.h>
#include <string.h>

#include "log/directory/bindings.h"
#include "log/directory/nodes.h"
#include "log/directory/outputs.h"
#include "log/opening.h"
#include "merkle/keytrans/logtree.h"
#include "merkle/note/checkpoint.h"

#define TEXT_MAX 1024

struct epoch {
    struct epoch_parts parts;
    struct shelf_view *view;
    struct store_view *entries;
    struct held held;
    struct gather gather;
    struct changes changes;
    struct bindings bindings;
    struct directory_head head; /* size 0: none stands */
    struct entry_row newest;
    struct logtree_peaks kt;
    struct range feed;
    struct buf hashes[2]; /* of nodes that the entry at hand completes: KEYTRANS, feed */
    struct buf bytes;     /* scratch */
};

/* ---- what stands ---- */

static enum result
load_peaks(struct epoch *e)
{
    struct hash feed[NODE_HEIGHT_MAX + 1];
    uint64_t size = e->head.size;
    unsigned n = 0;
    enum result rc = RES_OK;

    for (int h = NODE_HEIGHT_MAX; h >= 0 && rc == RES_OK; h--) {
        if (!(size >> h & 1))
            continue;
        struct node peak = {(unsigned)h, (size >> h) - 1};
        rc = shelf_get_kt_node(e->view, peak, &e->kt.heads[n]);
        if (rc == RES_OK)
            rc = shelf_get_feed_node(e->view, peak, &feed[n++]);
    }
    e->kt.size = size;
    if (rc == RES_OK)
        rc = range_from_peaks(size, feed, n, &e->feed);
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

/* The trees' roots are those of the head. */
static enum result
check_roots(const struct epoch *e)
{
    struct hash kt, feed;

    logtree_root(&e->kt, &kt);
    range_root(&e->feed, &feed);
    return hash_equal(&kt, &e->head.root) && hash_equal(&feed, &e->head.feed_root) &&
                   hash_equal(&kt, &e->newest.feed.root)
               ? RES_OK
               : RES_STORE_DAMAGED;
}

static enum result
load(struct epoch *e)
{
    struct span body;
    enum result rc = shelf_view_begin(e->view);

    if (rc != RES_OK)
        return rc;
    rc = shelf_get_head(e->view, &e->head);
    if (rc == RES_OK)
        rc = shelf_get_entry(e->view, e->head.size - 1, &e->newest);
    if (rc == RES_OK)
        rc = load_peaks(e);
    if (rc == RES_OK)
        rc = check_roots(e);
    else if (rc == RES_ABSENT && e->head.size == 0)
        rc = RES_OK;
    if (rc == RES_OK) {
        rc = shelf_get_bindings(e->view, &body);
        if (rc == RES_OK && bindings_read(&e->bindings, body) != RES_OK)
            rc = RES_STORE_DAMAGED;
        else if (rc == RES_ABSENT)
            rc = RES_OK;
    }
    shelf_view_end(e->view);
    return rc;
}

enum result
epoch_new(const struct epoch_parts *parts, struct epoch **ret)
{
    struct epoch *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return RES_MEMORY;
    e->parts = *parts;
    e->bindings = BINDINGS_INIT;
    e->hashes[0] = e->hashes[1] = BUF_INIT(NODE_HEIGHT_MAX * 2 * HASH_SIZE);
    e->bytes = BUF_INIT(HELD_STATE_MAX);
    e->newest.root.kind = PREFIX_EMPTY;
    range_init(&e->feed);
    gather_init(&e->gather);
    changes_init(&e->changes);
    enum result rc = shelf_view_new(parts->shelf, &e->view);
    if (rc == RES_OK)
        rc = store_view_new(parts->store, &e->entries);
    if (rc == RES_OK)
        rc = held_init(&e->held, e->view, parts->keys);
    if (rc == RES_OK)
        rc = load(e);
    if (rc != RES_OK) {
        epoch_free(e);
        return rc;
    }
    *ret = e;
    return RES_OK;
}

void
epoch_free(struct epoch *e)
{
    if (e == NULL)
        return;
    held_release(&e->held);
    shelf_view_free(e->view);
    store_view_free(e->entries);
    gather_release(&e->gather);
    changes_release(&e->changes);
    bindings_release(&e->bindings);
    buf_release(&e->hashes[0]);
    buf_release(&e->hashes[1]);
    buf_release(&e->bytes);
    free(e);
}

uint64_t
epoch_size(const struct epoch *e)
{
    return e->head.size;
}

const struct feed_entry *
epoch_newest(const struct epoch *e)
{
    return &e->newest.feed;
}

struct span
epoch_bindings(const struct epoch *e)
{
    return buf_span(&e->bindings.body);
}

/* ---- what changes ---- */

static enum result
take_acts(struct epoch *e, const struct recipe *q, bool *ret_bound)
{
    struct reader r = reader_of(q->acts);

    *ret_bound = false;
    for (unsigned i = 0; i < q->acts_n; i++) {
        struct act act;

        act_get(&r, &act);
        if (r.err != RES_OK)
            return r.err;
        if (act.kind != ACT_BINDINGS)
            continue;
        enum result rc = bindings_read(&e->bindings, act.body);
        if (rc != RES_OK)
            return rc;
        *ret_bound = true;
    }
    return reader_end(&r);
}

/* Overwrites the bodies of the certificate log that go with the mailbox, in one transaction. */
static enum result
erase_bodies(struct epoch *e, const struct erasure *erasure)
{
    struct reader r = reader_of(erasure->bodies);
    struct store_txn *t;

    if (erasure->bodies_n == 0)
        return RES_OK;
    enum result rc = store_begin(e->parts.store, &t);
    if (rc != RES_OK)
        return rc;
    for (uint32_t i = 0; i < erasure->bodies_n && rc == RES_OK; i++) {
        struct erasure_body body;

        erasure_body_get(&r, &body);
        rc = store_erase(t, body.index);
    }
    if (rc == RES_OK)
        return store_commit(t);
    store_abort(t);
    return rc;
}

/* One erasure: bodies and key go first, and the tombstone follows from the act alone, so that it
 * makes no difference whether a crash comes between them. */
static enum result
erase(struct epoch *e, const struct change_parts *p, const struct act *act, uint64_t timestamp)
{
    struct reader r = reader_of(act->body);
    struct erasure erasure;

    erasure_get(&r, &erasure);
    enum result rc = reader_end(&r);
    if (rc == RES_OK)
        rc = erase_bodies(e, &erasure);
    if (rc == RES_OK)
        rc = keyring_erase(e->parts.keys, erasure.number);
    if (rc == RES_OK)
        rc = changes_erase(&e->changes, p, &erasure, timestamp);
    return rc == RES_OK || result_class(rc) == CLASS_BROKEN ? rc : RES_STORE_DAMAGED;
}

/* Bodies of a mailbox that has its tombstone. */
static enum result
erase_later(struct epoch *e, const struct act *act)
{
    struct reader r = reader_of(act->body);
    struct erasure erasure = {0};

    erasure_bodies_get(&r, &erasure.bodies_n, &erasure.bodies);
    enum result rc = reader_end(&r);
    if (rc == RES_OK)
        rc = erase_bodies(e, &erasure);
    return rc == RES_OK || result_class(rc) == CLASS_BROKEN ? rc : RES_STORE_DAMAGED;
}

static enum result
take_erasures(struct epoch *e, const struct change_parts *p, const struct recipe *q)
{
    struct reader r = reader_of(q->acts);
    enum result rc = RES_OK;

    for (unsigned i = 0; i < q->acts_n && rc == RES_OK; i++) {
        struct act act;

        act_get(&r, &act);
        if (act.kind == ACT_ERASE)
            rc = erase(e, p, &act, q->timestamp);
        else if (act.kind == ACT_BODIES)
            rc = erase_later(e, &act);
    }
    return rc;
}

/* The certificate log has what the recipe speaks of. */
static enum result
check_log(struct epoch *e, const struct recipe *q)
{
    struct store_head head;
    struct hash root;
    enum result rc = store_get_head(e->entries, &head);

    if (rc == RES_ABSENT && q->certificates == 0)
        rc = RES_OK;
    else if (rc == RES_OK && head.size < q->certificates)
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK)
        rc = opening_root_at(e->entries, q->certificates, &root);
    if (rc == RES_OK && !hash_equal(&root, &q->certificates_root))
        rc = RES_STORE_DAMAGED;
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

/* What the certificates change; outputs are made of the first while the others are collected. */
static enum result
collect_changes(struct epoch *e, const struct change_parts *p, uint64_t timestamp)
{
    struct changes *c = &e->changes;
    struct outputs outputs;
    enum result rc = changes_reserve(c, e->gather.n), made;

    outputs_begin(&outputs, e->parts.signer, c->at, rc == RES_OK ? e->gather.n : 0,
                  e->parts.threads);
    outputs_offer(&outputs, c->n); /* tombstones; they have theirs */
    for (size_t i = 0; i < c->n && rc == RES_OK; i++)
        rc = changes_seal(c, p->keys, i);
    for (size_t at = 0, n; at < e->gather.n && rc == RES_OK; at += n) {
        size_t before = c->n;
        n = gather_same(&e->gather, at);
        rc = changes_add(c, p, e->gather.at + at, n, timestamp);
        if (rc == RES_OK && c->n > before)
            rc = changes_seal(c, p->keys, before);
        if (rc == RES_OK)
            outputs_offer(&outputs, c->n);
    }
    made = outputs_end(&outputs, rc != RES_OK);
    return rc == RES_OK ? made : rc;
}

static enum result
collect(struct epoch *e, const struct recipe *q)
{
    struct change_parts p = {.view = e->view,
                             .rows = e->head.versions,
                             .versions = e->parts.versions,
                             .keys = e->parts.keys,
                             .held = &e->held};
    enum result rc = check_log(e, q);

    gather_clear(&e->gather);
    changes_clear(&e->changes, e->head.labels);
    if (rc == RES_OK)
        rc = take_erasures(e, &p, q);
    for (uint64_t i = e->newest.feed.certificates; i < q->certificates && rc == RES_OK; i++)
        rc = gather_entry(&e->gather, e->entries, i, &e->bindings);
    gather_sort(&e->gather);
    if (rc == RES_OK)
        rc = collect_changes(e, &p, q->timestamp);
    gather_clear(&e->gather);
    return rc;
}

static int
by_output(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return memcmp(x->output.b, y->output.b, HASH_SIZE);
}

/* ---- what is written ---- */

static enum result
write_text(struct epoch *e, struct shelf_txn *t, struct change *c)
{
    struct span text = c->tombstone ? span_of(&c->keys, ERASURE_TEXT_SIZE)
                                    : span_of(e->changes.bytes.p + c->sealed_text, c->label.n);
    struct writer w = writer_to(&e->bytes);

    buf_clear(&e->bytes);
    put_u40(&w, c->number);
    put_vec8(&w, text);
    enum result rc = writer_end(&w);
    return rc == RES_OK ? shelf_add_bytes(t, buf_span(&e->bytes), &c->text) : rc;
}

static enum result
write_version(struct epoch *e, struct shelf_txn *t, struct change *c, uint64_t *ret_seq)
{
    struct version_row row = {.leaf = {c->output, c->commitment},
                              .entry = e->head.size,
                              .version = c->version,
                              .previous = c->previous,
                              .state_n = (uint32_t)c->state_n};
    enum result rc = c->state_n > UINT32_MAX ? RES_TOO_LARGE : RES_OK;

    if (rc == RES_OK && (c->fresh || c->tombstone))
        rc = write_text(e, t, c);
    if (rc == RES_OK)
        rc = shelf_add_bytes(t, span_of(e->changes.bytes.p + c->state, c->state_n), &row.state);
    if (rc != RES_OK)
        return rc;
    row.label = c->text;
    memcpy(row.print, c->keys.label_key + 8, sizeof(row.print));
    return shelf_add_version(t, &row, ret_seq);
}

/* Rows in the order of the additions; the new tree's root into *ret. */
static enum result
write_changes(struct epoch *e, struct shelf_txn *t, struct prefix_ref *ret,
              struct hash *ret_additions)
{
    struct changes *c = &e->changes;
    struct nodes nodes = {.view = e->view, .txn = t};
    struct prefix_store store = nodes_store(&nodes);
    struct prefix_addition *add = calloc(c->n + 1, sizeof(*add));
    struct span *parts = calloc(c->n + 1, sizeof(*parts));
    enum result rc = add != NULL && parts != NULL ? RES_OK : RES_MEMORY;

    if (c->n > 0)
        qsort(c->at, c->n, sizeof(*c->at), by_output);
    for (size_t i = 0; i < c->n && rc == RES_OK; i++) {
        add[i].leaf = (struct prefix_leaf){c->at[i].output, c->at[i].commitment};
        rc = write_version(e, t, &c->at[i], &add[i].ref);
        parts[i] = span_of(&add[i].leaf, sizeof(add[i].leaf));
    }
    if (rc == RES_OK)
        hash_sha256_parts(parts, c->n, ret_additions);
    *ret = e->newest.root;
    if (rc == RES_OK && c->n > 0)
        rc = prefix_insert(&store, &e->newest.root, add, c->n, ret);
    free(add);
    free(parts);
    return rc == RES_KT_PREFIX ? RES_STORE_DAMAGED : rc;
}

static void
kt_node(void *arg, struct node n, const struct hash *h)
{
    struct epoch *e = arg;

    /* There is room: one hash for each height. */
    if (n.height > 0 && buf_add(&e->hashes[0], hash_span(h)) != RES_OK)
        e->hashes[0].max = 0;
}

static void
feed_node(void *arg, struct node n, const struct hash *h)
{
    struct epoch *e = arg;

    if (n.height > 0 && buf_add(&e->hashes[1], hash_span(h)) != RES_OK)
        e->hashes[1].max = 0;
}

/* Appends the entry to both trees, which are copies until the commit. */
static enum result
grow_trees(struct epoch *e, struct logtree_peaks *kt, struct range *feed, struct feed_entry *f)
{
    struct log_entry entry = {f->timestamp, f->prefix_root};
    struct writer w = writer_to(&e->bytes);
    struct hash leaf;

    buf_clear(&e->hashes[0]);
    buf_clear(&e->hashes[1]);
    logtree_leaf(&entry, &leaf);
    logtree_append(kt, &leaf, kt_node, e);
    logtree_root(kt, &f->root);
    buf_clear(&e->bytes);
    feed_entry_put(&w, f);
    enum result rc = writer_end(&w);
    if (rc != RES_OK)
        return rc;
    hash_leaf(buf_span(&e->bytes), &leaf);
    range_append(feed, &leaf, feed_node, e);
    if (e->hashes[0].n != e->hashes[1].n) /* memory ran out */
        return RES_MEMORY;
    return buf_add(&e->hashes[0], buf_span(&e->hashes[1]));
}

static enum result
sign(struct epoch *e, struct directory_head *h)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    enum result rc = signer_directory_head(e->parts.signer, shelf_config(e->parts.shelf), h->size,
                                           &h->root, h->signature);

    if (rc == RES_OK)
        rc = checkpoint_write(e->parts.feed_origin, h->size, &h->feed_root, &text);
    if (rc == RES_OK)
        rc = signer_feed(e->parts.signer, buf_span(&text), h->feed_signature);
    buf_release(&text);
    return rc;
}

static enum result
put_proofs(struct shelf_txn *t, const struct epoch_proof *proofs, size_t n)
{
    enum result rc = RES_OK;

    for (size_t i = 0; i < n && rc == RES_OK; i++)
        rc = shelf_put_proofs(t, proofs[i].seq, proofs[i].steps);
    return rc;
}

/* What the epoch will be once it is committed. */
struct next {
    struct directory_head head;
    struct entry_row row;
    struct logtree_peaks kt;
    struct range feed;
};

static enum result
write_epoch(struct epoch *e, struct shelf_txn *t, const struct recipe *q, bool bound,
            struct next *n)
{
    struct feed_entry *f = &n->row.feed;
    enum result rc = write_changes(e, t, &n->row.root, &f->additions_hash);

    if (rc != RES_OK)
        return rc;
    f->timestamp = q->timestamp;
    f->prefix_root = n->row.root.hash;
    f->certificates = q->certificates;
    f->certificates_root = q->certificates_root;
    f->crls = q->crls;
    f->crls_root = q->crls_root;
    f->additions = (uint32_t)e->changes.n;
    n->kt = e->kt;
    n->feed = e->feed;
    rc = grow_trees(e, &n->kt, &n->feed, f);
    if (rc == RES_OK && e->hashes[0].n > 0)
        rc = shelf_add_bytes(t, buf_span(&e->hashes[0]), &n->row.hashes);
    if (rc == RES_OK)
        rc = shelf_add_entry(t, &n->row);
    if (rc == RES_OK && bound)
        rc = shelf_put_bindings(t, epoch_bindings(e));
    n->head.size = n->kt.size;
    n->head.labels = e->changes.labels;
    n->head.root = f->root;
    range_root(&n->feed, &n->head.feed_root);
    if (rc == RES_OK)
        rc = sign(e, &n->head);
    return rc == RES_OK ? shelf_put_head(t, &n->head) : rc;
}

/* Everything is durable: now it is found. */
static enum result
settle(struct epoch *e, const struct next *n)
{
    uint64_t seq = e->head.versions;
    enum result rc = RES_OK;

    for (size_t i = 0; i < e->changes.n && rc == RES_OK; i++)
        rc = versions_add_keys(e->parts.versions, seq + i, &e->changes.at[i].keys);
    e->head = n->head;
    e->newest = n->row;
    e->kt = n->kt;
    e->feed = n->feed;
    return rc;
}

static enum result
commit(struct epoch *e, const struct recipe *q, bool bound, const struct epoch_proof *proofs,
       size_t proofs_n, struct next *n, bool *ret_committed)
{
    struct shelf_txn *t;
    enum result rc = shelf_begin(e->parts.shelf, &t);

    if (rc != RES_OK)
        return rc;
    rc = put_proofs(t, proofs, proofs_n);
    if (rc == RES_OK)
        rc = write_epoch(e, t, q, bound, n);
    if (rc != RES_OK) {
        shelf_abort(t);
        return rc;
    }
    /* The commit point.  A crash before it: the recipe stands, and the epoch is made from it again,
     * to the same bytes.  A crash after it: the epoch stands. */
    *ret_committed = true;
    return shelf_commit(t);
}

enum result
epoch_run(struct epoch *e, const struct recipe *q, uint64_t recipes_end,
          const struct epoch_proof *proofs, size_t proofs_n, bool *ret_committed)
{
    struct next n = {.head.recipes = recipes_end};
    bool bound = false;

    *ret_committed = false;
    if (q->number != e->head.size || q->timestamp < e->newest.feed.timestamp ||
        q->certificates < e->newest.feed.certificates)
        return RES_BUG;
    enum result rc = shelf_view_begin(e->view);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(e->entries);
    if (rc == RES_OK) {
        rc = take_acts(e, q, &bound);
        if (rc == RES_OK)
            rc = collect(e, q);
        store_view_end(e->entries);
    }
    if (rc == RES_OK)
        rc = commit(e, q, bound, proofs, proofs_n, &n, ret_committed);
    shelf_view_end(e->view);
    return rc == RES_OK ? settle(e, &n) : rc;
}

enum result
epoch_proofs(struct epoch *e, const struct epoch_proof *proofs, size_t proofs_n,
             bool *ret_committed)
{
    struct shelf_txn *t;
    enum result rc = shelf_begin(e->parts.shelf, &t);

    *ret_committed = false;
    if (rc != RES_OK)
        return rc;
    rc = put_proofs(t, proofs, proofs_n);
    if (rc != RES_OK) {
        shelf_abort(t);
        return rc;
    }
    *ret_committed = true;
    return shelf_commit(t);
}

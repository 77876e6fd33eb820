/* Checking a directory: its epochs, followed as they were made, and what they append to the stream.
 */
#include <stdlib.h>
#include <string.h>

#include "log/directory/check_private.h"
#include "log/directory/nodes.h"

/* Epochs between two calls of progress. */
#define PROGRESS 64

/* ---- the stream ---- */

static bool
is_zero(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != 0)
            return false;
    return true;
}

enum result
check_next(struct checking *k, size_t n, uint64_t *ret)
{
    size_t room = SHELF_PAGE - (size_t)(k->at % SHELF_PAGE);
    struct span zeros;

    if (n <= SHELF_WHOLE_MAX && n > room) {
        enum result rc = shelf_get_bytes(k->view, k->at, room, NULL, &zeros);

        if (rc != RES_OK)
            return rc;
        if (!is_zero(zeros))
            check_tell(k, "page", k->at / SHELF_PAGE, "is not filled with zeros");
        k->at += room;
    }
    *ret = k->at;
    k->at += n;
    return RES_OK;
}

enum result
check_place(struct checking *k, const char *kind, uint64_t number, uint64_t offset, size_t n)
{
    uint64_t want = offset;

    if (!k->lost) {
        enum result rc = check_next(k, n, &want);

        if (check_ends(rc))
            return rc;
        if (rc != RES_OK)
            want = UINT64_MAX;
    }
    if (offset != want)
        check_tell(k, kind, number, "names another place in the stream than its own");
    k->at = offset + n;
    k->lost = false;
    return RES_OK;
}

/* ---- the prefix tree ---- */

static enum result
get(void *arg, const struct prefix_ref *parent, struct prefix_ref *ret_left,
    struct prefix_ref *ret_right)
{
    struct checking *k = arg;

    return k->stored.get(k->stored.arg, parent, ret_left, ret_right);
}

static enum result
leaf(void *arg, const struct prefix_ref *at, struct prefix_leaf *ret)
{
    struct checking *k = arg;

    return k->stored.leaf(k->stored.arg, at, ret);
}

/* Instead of putting a node: it stands already, and is this one. */
static enum result
put(void *arg, const struct prefix_ref *left, const struct prefix_ref *right,
    struct prefix_ref *ret)
{
    struct checking *k = arg;
    uint8_t bytes[NODE_SIZE_MAX];
    struct buf out = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct writer w = writer_to(&out);
    struct span stands;

    node_put(&w, left, right);
    enum result rc = writer_end(&w);
    if (rc == RES_OK)
        rc = check_next(k, out.n, &ret->ref);
    if (rc == RES_OK)
        rc = shelf_get_bytes(k->view, ret->ref, out.n, NULL, &stands);
    if (rc != RES_OK || span_equal(stands, buf_span(&out)))
        return rc;
    k->said.prefix = true;
    check_tell(k, "node", ret->ref, "is not the one that its entry's rows make");
    return RES_STORE_DAMAGED;
}

static bool
same_root(const struct prefix_ref *a, const struct prefix_ref *b)
{
    return a->kind == b->kind && a->ref == b->ref && hash_equal(&a->hash, &b->hash);
}

/* Follows the insertion of the entry's rows into the tree before it. */
static enum result
check_prefix(struct checking *k, uint64_t i, const struct entry_row *e,
             const struct prefix_addition *add, size_t n)
{
    const struct prefix_store store = {.arg = k, .get = get, .leaf = leaf, .put = put};
    struct prefix_ref root = k->before.root;
    bool follow = !k->said.prefix && !k->lost;
    enum result rc = follow && n > 0 ? prefix_insert(&store, &root, add, n, &root) : RES_OK;

    if (check_ends(rc))
        return rc;
    if (follow && rc == RES_OK && same_root(&root, &e->root))
        return RES_OK;
    if (follow && !k->said.prefix)
        check_tell(k, "entry", i,
                   rc == RES_KT_PREFIX ? "adds what the prefix tree before it cannot take"
                   : rc == RES_OK      ? "has another prefix tree than its rows make"
                                       : "has a prefix tree that cannot be followed");
    /* What is made from it differs too: once is enough.  Where it ends is not known. */
    k->said.prefix = k->said.prefix || follow;
    k->lost = k->lost || n > 0;
    return RES_OK;
}

/* ---- the trees over the entries ---- */

static void
kt_node(void *arg, struct node n, const struct hash *h)
{
    struct checking *k = arg;

    /* There is room: one hash for each height. */
    if (n.height > 0 && buf_add(&k->hashes[0], hash_span(h)) != RES_OK)
        k->hashes[0].max = 0;
}

static void
feed_node(void *arg, struct node n, const struct hash *h)
{
    struct checking *k = arg;

    if (n.height > 0 && buf_add(&k->hashes[1], hash_span(h)) != RES_OK)
        k->hashes[1].max = 0;
}

/* The hashes of the nodes that the entry completes, as they stand. */
static enum result
check_hashes(struct checking *k, uint64_t i, const struct entry_row *e)
{
    size_t n = k->hashes[0].n;
    struct span stand;

    if (n != k->hashes[1].n) /* memory ran out */
        return RES_MEMORY;
    if (n == 0)
        return RES_OK;
    enum result rc = check_place(k, "entry", i, e->hashes, 2 * n);
    if (rc == RES_OK)
        rc = shelf_get_bytes(k->view, e->hashes, 2 * n, &k->bytes, &stand);
    if (rc != RES_OK)
        return check_ends(rc) ? rc : RES_OK;
    if (memcmp(stand.p, k->hashes[0].p, n) != 0 && !k->said.kt) {
        k->said.kt = true;
        check_tell(k, "entry", i, "has other nodes of the log tree than the entries give");
    }
    if (memcmp(stand.p + n, k->hashes[1].p, n) != 0 && !k->said.feed) {
        k->said.feed = true;
        check_tell(k, "entry", i, "has other nodes of the feed's tree than the entries give");
    }
    return RES_OK;
}

static enum result
check_trees(struct checking *k, uint64_t i, const struct entry_row *e)
{
    struct log_entry entry = {e->feed.timestamp, e->feed.prefix_root};
    struct hash leaf_hash, root;

    buf_clear(&k->hashes[0]);
    buf_clear(&k->hashes[1]);
    logtree_leaf(&entry, &leaf_hash);
    logtree_append(&k->kt, &leaf_hash, kt_node, k);
    logtree_root(&k->kt, &root);
    if (!hash_equal(&root, &e->feed.root) && !k->said.kt) {
        k->said.kt = true;
        check_tell(k, "entry", i, "has another root of the log tree than the entries give");
    }
    buf_clear(&k->bytes);
    struct writer w = writer_to(&k->bytes);
    feed_entry_put(&w, &e->feed);
    enum result rc = writer_end(&w);
    if (rc != RES_OK)
        return rc;
    hash_leaf(buf_span(&k->bytes), &leaf_hash);
    range_append(&k->feed, &leaf_hash, feed_node, k);
    return check_hashes(k, i, e);
}

/* ---- entries ---- */

/* The entry's rows, into add; *ret_n of them could be read. */
static enum result
check_rows(struct checking *k, uint64_t i, const struct entry_row *e, struct prefix_addition *add,
           size_t *ret_n)
{
    enum result rc = RES_OK;

    *ret_n = 0;
    k->fresh = 0;
    for (uint64_t n = 0; rc == RES_OK && n < e->feed.additions; n++) {
        uint64_t seq = k->rows + n;

        add[n].ref = seq;
        rc = check_row(k, seq, i, e->feed.timestamp, &add[n].leaf);
        if (rc == RES_OK)
            *ret_n = n + 1;
    }
    if (rc != RES_OK && !check_ends(rc)) {
        check_tell(k, "row", k->rows + *ret_n, "cannot be read");
        return RES_STORE_DAMAGED;
    }
    if (rc == RES_OK && k->told && k->erasures > 0)
        check_tell(k, "entry", i, "leaves out an erasure of its recipe");
    return rc == RES_OK ? check_fresh(k, i) : rc;
}

static enum result
check_additions(struct checking *k, uint64_t i, const struct entry_row *e,
                const struct prefix_addition *add, size_t n)
{
    struct span *parts = calloc(n + 1, sizeof(*parts));
    struct hash hash;

    if (parts == NULL)
        return RES_MEMORY;
    for (size_t a = 0; a < n; a++)
        parts[a] = span_of(&add[a].leaf, sizeof(add[a].leaf));
    hash_sha256_parts(parts, n, &hash);
    free(parts);
    if (!hash_equal(&hash, &e->feed.additions_hash))
        check_tell(k, "entry", i, "has another hash of its additions than its rows give");
    return RES_OK;
}

/* RES_STORE_DAMAGED when what follows cannot be found. */
static enum result
check_entry(struct checking *k, uint64_t i, const struct entry_row *e)
{
    struct prefix_addition *add;
    size_t n = 0;

    if (e->feed.additions > k->head.versions - k->rows) {
        check_tell(k, "entry", i, "has more additions than there are rows");
        return RES_STORE_DAMAGED;
    }
    if (i > 0 && e->feed.timestamp < k->before.feed.timestamp)
        check_tell(k, "entry", i, "is older than the one before");
    add = calloc((size_t)e->feed.additions + 1, sizeof(*add));
    if (add == NULL)
        return RES_MEMORY;
    enum result rc = check_rows(k, i, e, add, &n);
    if (rc == RES_OK)
        rc = check_additions(k, i, e, add, n);
    if (rc == RES_OK)
        rc = check_prefix(k, i, e, add, n);
    free(add);
    return rc == RES_OK ? check_trees(k, i, e) : rc;
}

static enum result
check_epoch(struct checking *k, uint64_t i)
{
    struct entry_row e;
    enum result rc = shelf_get_entry(k->view, i, &e);

    if (rc != RES_OK && !check_ends(rc)) {
        check_tell(k, "entry", i, "cannot be read");
        return RES_STORE_DAMAGED;
    }
    if (rc == RES_OK)
        rc = check_recipe(k, i, &e.feed);
    if (rc == RES_OK)
        rc = check_entry(k, i, &e);
    if (rc != RES_OK)
        return rc;
    k->rows += e.feed.additions;
    k->labels += k->fresh;
    k->before = e;
    return RES_OK;
}

/* The head counts what was gone through. */
static void
check_counts(struct checking *k)
{
    const struct directory_head *h = &k->head;
    struct hash root;

    if (k->rows != h->versions || k->labels != h->labels || (!k->lost && k->at != h->stream))
        check_tell(k, "head", CHECK_NO_ROW, "counts other rows, labels or bytes than stand");
    logtree_root(&k->kt, &root);
    if (!k->said.kt && !hash_equal(&root, &h->root))
        check_tell(k, "head", CHECK_NO_ROW, "has another root than the entries give");
    range_root(&k->feed, &root);
    if (!k->said.feed && !hash_equal(&root, &h->feed_root))
        check_tell(k, "head", CHECK_NO_ROW, "has another root of the feed than the entries give");
}

enum result
check_epochs(struct checking *k)
{
    const struct check_parts *p = k->parts;

    for (uint64_t i = 0; i < k->head.size; i++) {
        enum result rc = check_epoch(k, i);

        if (rc == RES_STORE_DAMAGED || check_full(k)) {
            check_tell(k, "entry", i, "is the last that was checked");
            return rc == RES_STORE_DAMAGED ? RES_OK : rc;
        }
        if (rc != RES_OK)
            return rc;
        if (p->progress != NULL && ((i + 1) % PROGRESS == 0 || i + 1 == k->head.size))
            p->progress(p->arg, "epochs", i + 1, k->head.size);
    }
    check_counts(k);
    return RES_OK;
}

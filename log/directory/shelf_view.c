/* The directory's store, reading: rows, bytes and nodes of one snapshot, straight from its pages.
 */
#include "log/directory/shelf.h"

#include <assert.h>
#include <stdlib.h>

#include "log/directory/shelf_private.h"
#include "merkle/keytrans/logtree.h"

/*
 * Where full pages are in the map.  A full page is written once, into pages of LMDB of its own, and
 * neither deleted nor replaced; so its place is the same in every snapshot that has it.  64 KB for
 * the stream, where a look-up reads about a hundred nodes.
 */
#define PLACES_BITS 12
#define PLACES (1U << PLACES_BITS)

struct place {
    uint64_t page; /* + 1; 0: none */
    const uint8_t *p;
};

struct shelf_view {
    struct lmdb_txn *txn;
    bool begun;
    bool headed;
    struct directory_head head; /* zeros before the first epoch */
    struct {
        const uint8_t *p; /* of this snapshot; NULL when not looked up yet */
        struct place places[PLACES];
    } tables[SHELF_PAGED];
};

/* ---- snapshots ---- */

enum result
shelf_view_new(struct shelf *s, struct shelf_view **ret)
{
    struct shelf_view *v = calloc(1, sizeof(*v));
    enum result rc;

    if (v == NULL)
        return RES_MEMORY;
    rc = lmdb_reader_new(s->env, &v->txn);
    if (rc != RES_OK) {
        free(v);
        return rc;
    }
    *ret = v;
    return RES_OK;
}

void
shelf_view_free(struct shelf_view *v)
{
    if (v == NULL)
        return;
    lmdb_reader_free(v->txn);
    free(v);
}

enum result
shelf_view_begin(struct shelf_view *v)
{
    enum result rc;

    assert(!v->begun);
    rc = lmdb_reader_renew(v->txn);
    if (rc != RES_OK)
        return rc;
    memset(&v->head, 0, sizeof(v->head));
    rc = shelf_read_head(v->txn, &v->head);
    v->headed = rc == RES_OK;
    if (rc != RES_OK && rc != RES_ABSENT) {
        lmdb_reader_reset(v->txn);
        return rc;
    }
    for (int table = 0; table < SHELF_PAGED; table++)
        v->tables[table].p = NULL;
    v->begun = true;
    return RES_OK;
}

void
shelf_view_end(struct shelf_view *v)
{
    assert(v->begun);
    v->begun = false;
    lmdb_reader_reset(v->txn);
}

enum result
shelf_get_head(struct shelf_view *v, struct directory_head *ret)
{
    assert(v->begun);
    if (!v->headed)
        return RES_ABSENT;
    *ret = v->head;
    return RES_OK;
}

enum result
shelf_get_bindings(struct shelf_view *v, struct span *ret)
{
    assert(v->begun);
    return lmdb_get(v->txn, SHELF_META, span_str(SHELF_META_BINDINGS), ret);
}

/* ---- pages ---- */

static enum result
look_up(struct shelf_view *v, enum shelf_table table, uint64_t page, size_t n, const uint8_t **ret)
{
    uint8_t key[SHELF_KEY_SIZE];
    struct span value;
    enum result rc = lmdb_get(v->txn, table, shelf_key(page, key), &value);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    if (value.n != n)
        return RES_STORE_DAMAGED;
    *ret = value.p;
    return RES_OK;
}

/* The bytes of a table from offset to the end of its page or of the table: at least one.
 * RES_STORE_DAMAGED when offset lies behind the end. */
static enum result
at(struct shelf_view *v, enum shelf_table table, uint64_t offset, struct span *ret)
{
    uint64_t length = shelf_length(&v->head, table);
    uint64_t page = offset / SHELF_PAGE;
    size_t skip = (size_t)(offset % SHELF_PAGE);
    struct place *place = &v->tables[table].places[page % PLACES];
    enum result rc;

    assert(v->begun);
    if (offset >= length)
        return RES_STORE_DAMAGED;
    if (page == length / SHELF_PAGE) { /* the last, which the next commit writes anew */
        size_t n = (size_t)(length % SHELF_PAGE);
        const uint8_t **p = &v->tables[table].p;

        rc = *p != NULL ? RES_OK : look_up(v, table, page, n, p);
        if (rc == RES_OK)
            *ret = span_of(*p + skip, n - skip);
        return rc;
    }
    if (place->page != page + 1) {
        rc = look_up(v, table, page, SHELF_PAGE, &place->p);
        if (rc != RES_OK)
            return rc;
        place->page = page + 1;
    }
    *ret = span_of(place->p + skip, SHELF_PAGE - skip);
    return RES_OK;
}

/* Copies n bytes of the stream, in as many pages as they lie. */
static enum result
copy(struct shelf_view *v, uint64_t offset, size_t n, uint8_t *ret)
{
    while (n > 0) {
        struct span s;
        enum result rc = at(v, SHELF_STREAM, offset, &s);

        if (rc != RES_OK)
            return rc;
        if (s.n > n)
            s.n = n;
        memcpy(ret, s.p, s.n);
        ret += s.n;
        offset += s.n;
        n -= s.n;
    }
    return RES_OK;
}

enum result
shelf_get_bytes(struct shelf_view *v, uint64_t offset, size_t n, struct buf *scratch,
                struct span *ret)
{
    struct span s = {NULL, 0};
    enum result rc = RES_OK;

    if (offset > v->head.stream || n > v->head.stream - offset)
        return RES_STORE_DAMAGED;
    if (n > 0)
        rc = at(v, SHELF_STREAM, offset, &s);
    if (rc != RES_OK)
        return rc;
    if (n <= s.n) {
        *ret = span_of(s.p, n);
        return RES_OK;
    }
    if (scratch == NULL)
        return RES_STORE_DAMAGED;
    buf_clear(scratch);
    rc = buf_reserve(scratch, n);
    if (rc == RES_OK)
        rc = copy(v, offset, n, scratch->p);
    if (rc != RES_OK)
        return rc;
    scratch->n = n;
    *ret = buf_span(scratch);
    return RES_OK;
}

/* ---- rows ---- */

static enum result
row_at(struct shelf_view *v, enum shelf_table table, uint64_t i, uint64_t count, size_t size,
       struct span *ret)
{
    struct span s;
    enum result rc;

    if (i >= count)
        return RES_ABSENT;
    rc = at(v, table, i * size, &s);
    if (rc != RES_OK)
        return rc;
    *ret = span_of(s.p, size); /* a page holds whole rows */
    return RES_OK;
}

static enum result
entry_at(struct shelf_view *v, uint64_t i, struct span *ret)
{
    return row_at(v, SHELF_ENTRIES, i, v->head.size, ENTRY_ROW_SIZE, ret);
}

/* Whether a child of the node at offset, or a root when that is the stream's end, can be there. */
static bool
ref_possible(const struct shelf_view *v, const struct prefix_ref *ref, uint64_t offset)
{
    return ref->kind == PREFIX_EMPTY ||
           ref->ref < (ref->kind == PREFIX_LEAF ? v->head.versions : offset);
}

/* Nodes above its leaf that entry i completes. */
static unsigned
completes(uint64_t i)
{
    return (unsigned)__builtin_ctzll(i + 1);
}

static bool
hashes_possible(const struct shelf_view *v, uint64_t i, uint64_t offset)
{
    uint64_t n = (uint64_t)completes(i) * 2 * HASH_SIZE;

    return n == 0 ? offset == 0 : offset <= v->head.stream && n <= v->head.stream - offset;
}

enum result
shelf_get_entry(struct shelf_view *v, uint64_t i, struct entry_row *ret)
{
    struct entry_row row;
    struct reader in;
    struct span s;
    enum result rc = entry_at(v, i, &s);

    if (rc != RES_OK)
        return rc;
    in = reader_of(s);
    entry_row_get(&in, &row);
    if (reader_end(&in) != RES_OK || !ref_possible(v, &row.root, v->head.stream) ||
        !hashes_possible(v, i, row.hashes))
        return RES_STORE_DAMAGED;
    *ret = row;
    return RES_OK;
}

enum result
shelf_get_version(struct shelf_view *v, uint64_t seq, struct version_row *ret)
{
    struct version_row row;
    struct reader in;
    struct span s;
    enum result rc = row_at(v, SHELF_VERSIONS, seq, v->head.versions, VERSION_ROW_SIZE, &s);

    if (rc != RES_OK)
        return rc;
    in = reader_of(s);
    version_row_get(&in, &row);
    if (reader_end(&in) != RES_OK || row.entry >= v->head.size || row.label >= v->head.stream ||
        (row.previous != VERSION_NONE && row.previous >= seq) || row.state > v->head.stream ||
        row.state_n > v->head.stream - row.state)
        return RES_STORE_DAMAGED;
    *ret = row;
    return RES_OK;
}

/* Member by member, as it was written: a load of two members that were stored one by one waits for
 * both, and an answer reads some hundred nodes. */
static void
give_ref(const struct prefix_ref *from, struct prefix_ref *ret)
{
    ret->kind = from->kind;
    ret->hash = from->hash;
    ret->ref = from->ref;
}

enum result
shelf_get_node(struct shelf_view *v, uint64_t offset, struct prefix_ref *ret_left,
               struct prefix_ref *ret_right)
{
    struct prefix_ref left, right;
    struct reader in;
    struct span s;
    enum result rc = at(v, SHELF_STREAM, offset, &s);

    if (rc != RES_OK)
        return rc;
    in = reader_of(s); /* behind the node other objects follow */
    node_get(&in, &left, &right);
    /* Children are put before their parents: so no path is a circle. */
    if (in.err != RES_OK || !ref_possible(v, &left, offset) || !ref_possible(v, &right, offset))
        return RES_STORE_DAMAGED;
    give_ref(&left, ret_left);
    give_ref(&right, ret_right);
    return RES_OK;
}

enum result
shelf_get_proofs(struct shelf_view *v, uint64_t seq, struct span *ret)
{
    uint8_t key[SHELF_KEY_SIZE];
    struct span value;
    enum result rc;

    assert(v->begun);
    if (seq >= v->head.versions)
        return RES_ABSENT;
    rc = lmdb_get(v->txn, SHELF_PROOFS, shelf_key(seq, key), &value);
    if (rc != RES_OK)
        return rc;
    if (value.n % STEP_SIZE != 0)
        return RES_STORE_DAMAGED;
    *ret = value;
    return RES_OK;
}

/* ---- ends ---- */

/* The number that the greatest key of a table is, and its value.  RES_ABSENT in an empty one. */
static enum result
last_of(struct shelf_view *v, enum shelf_table table, uint64_t *ret, struct span *ret_value)
{
    struct span key;
    enum result rc = lmdb_last(v->txn, table, &key, ret_value);

    if (rc != RES_OK)
        return rc;
    struct reader in = reader_of(key);
    *ret = get_u64(&in);
    return reader_end(&in) == RES_OK ? RES_OK : RES_STORE_DAMAGED;
}

enum result
shelf_check_ends(struct shelf_view *v)
{
    struct span value;
    uint64_t last;

    assert(v->begun);
    for (int table = 0; table < SHELF_PAGED; table++) {
        uint64_t length = shelf_length(&v->head, (enum shelf_table)table);
        uint64_t page = length == 0 ? 0 : (length - 1) / SHELF_PAGE;
        enum result rc = last_of(v, (enum shelf_table)table, &last, &value);

        if (rc == RES_ABSENT && length == 0)
            continue;
        if (rc == RES_OK && (length == 0 || last != page || value.n != length - page * SHELF_PAGE))
            rc = RES_STORE_DAMAGED;
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    }
    enum result rc = last_of(v, SHELF_PROOFS, &last, &value);
    if (rc == RES_OK && last >= v->head.versions)
        rc = RES_STORE_DAMAGED;
    return rc == RES_ABSENT ? RES_OK : rc;
}

/* ---- nodes over the entries ---- */

enum over { OVER_KEYTRANS, OVER_FEED };

static enum result
leaf_of(struct shelf_view *v, uint64_t i, enum over over, struct hash *ret)
{
    struct log_entry entry;
    struct feed_entry feed;
    struct reader in;
    struct span s;
    enum result rc = entry_at(v, i, &s);

    if (rc != RES_OK)
        return rc;
    s.n = FEED_ENTRY_SIZE;
    if (over == OVER_FEED) {
        hash_leaf(s, ret);
        return RES_OK;
    }
    in = reader_of(s);
    feed_entry_get(&in, &feed);
    if (reader_end(&in) != RES_OK)
        return RES_STORE_DAMAGED;
    entry.timestamp = feed.timestamp;
    entry.prefix_root = feed.prefix_root;
    logtree_leaf(&entry, ret);
    return RES_OK;
}

static enum result
node_of(struct shelf_view *v, struct node n, enum over over, struct hash *ret)
{
    struct entry_row row;
    uint64_t last;
    unsigned place;
    enum result rc;

    if (n.height > NODE_HEIGHT_MAX || n.index >= v->head.size >> n.height)
        return RES_ABSENT;
    if (n.height == 0)
        return leaf_of(v, n.index, over, ret);
    last = node_end(n) - 1;
    rc = shelf_get_entry(v, last, &row);
    if (rc != RES_OK)
        return rc;
    place = n.height - 1 + (over == OVER_FEED ? completes(last) : 0);
    return copy(v, row.hashes + (uint64_t)place * HASH_SIZE, HASH_SIZE, ret->b);
}

enum result
shelf_get_kt_node(struct shelf_view *v, struct node n, struct hash *ret)
{
    return node_of(v, n, OVER_KEYTRANS, ret);
}

enum result
shelf_get_feed_node(struct shelf_view *v, struct node n, struct hash *ret)
{
    return node_of(v, n, OVER_FEED, ret);
}

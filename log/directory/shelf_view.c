/* The directory's store, reading: rows, bytes and nodes of one snapshot, straight from its pages.
 */
#include "log/directory/shelf.h"

#include <assert.h>
#include <stdlib.h>

#include "log/directory/shelf_private.h"
#include "merkle/keytrans/logtree.h"

/* What is remembered of a full page: the high bits of its number, and its address without the
 * lowest bits, which are those of LMDB's page header in each. */
#define ADDRESS_BITS 48
#define HEADER 16
#define MAP_PAGE_BITS 12
#define CACHE_LINE 64

/*
 * Nodes of the KEYTRANS log tree that were read last, by their number modulo this.  Some two
 * hundred are in all answers of one tree; a user who comes back after any time needs a hundred
 * others, of which most lie high: there are a hundred thousand such in 2^25 entries.  40 bytes
 * each, of memory that is taken when it is used.
 */
#define KEPT_BITS 17
#define KEPT (UINT64_C(1) << KEPT_BITS)

struct kept {
    uint64_t key; /* 0: none */
    struct hash hash;
};

struct shelf_view {
    struct shelf *shelf;
    struct lmdb_txn *txn;
    bool begun;
    bool headed;
    struct directory_head head;                      /* zeros before the first epoch */
    uint64_t length[SHELF_PAGED], full[SHELF_PAGED]; /* of each table: bytes, full pages */
    bool tailed;                                     /* tails are looked up */
    struct span tails[SHELF_PAGED];                  /* what follows the full pages */
    struct kept kept[KEPT];
};

/* ---- snapshots ---- */

enum result
shelf_view_new(struct shelf *s, struct shelf_view **ret)
{
    struct shelf_view *v = calloc(1, sizeof(*v));
    enum result rc;

    if (v == NULL)
        return RES_MEMORY;
    v->shelf = s;
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
    for (int table = 0; table < SHELF_PAGED; table++) {
        v->length[table] = shelf_length(&v->head, (enum shelf_table)table);
        v->full[table] = v->length[table] / SHELF_PAGE;
    }
    v->tailed = false;
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

static const uint8_t *
recall(struct shelf *s, enum shelf_table table, uint64_t page)
{
    uint64_t place = atomic_load_explicit(&s->places[table][page % PLACES], memory_order_relaxed);
    uint64_t address = place & ((UINT64_C(1) << (ADDRESS_BITS - MAP_PAGE_BITS)) - 1);

    if (place == 0 || place >> (ADDRESS_BITS - MAP_PAGE_BITS) != page >> PLACES_BITS)
        return NULL;
    return (const uint8_t *)(uintptr_t)(address << MAP_PAGE_BITS | HEADER);
}

static void
remember(struct shelf *s, enum shelf_table table, uint64_t page, const uint8_t *p)
{
    uint64_t address = (uintptr_t)p, tag = page >> PLACES_BITS;

    if (address >> ADDRESS_BITS != 0 || (address & ((1U << MAP_PAGE_BITS) - 1)) != HEADER ||
        tag >> (64 - (ADDRESS_BITS - MAP_PAGE_BITS)) != 0)
        return;
    atomic_store_explicit(&s->places[table][page % PLACES],
                          tag << (ADDRESS_BITS - MAP_PAGE_BITS) | address >> MAP_PAGE_BITS,
                          memory_order_relaxed);
}

/* A full page that is not remembered. */
static enum result
find_page(struct shelf_view *v, enum shelf_table table, uint64_t page, const uint8_t **ret)
{
    uint8_t key[SHELF_KEY_SIZE];
    struct span value;
    enum result rc = lmdb_get(v->txn, table, shelf_key(page, key), &value);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    if (value.n != SHELF_PAGE)
        return RES_STORE_DAMAGED;
    remember(v->shelf, table, page, value.p);
    *ret = value.p;
    return RES_OK;
}

/* What follows a table's full pages: at least one byte where the table has any. */
static enum result
find_tail(struct shelf_view *v, enum shelf_table table, const uint8_t **ret)
{
    if (!v->tailed) {
        enum result rc = shelf_read_tails(v->txn, &v->head, v->tails);
        if (rc != RES_OK)
            return rc;
        v->tailed = true;
    }
    *ret = v->tails[table].p;
    return RES_OK;
}

/* The bytes of a table from offset to the end of its page or of the table: at least one.
 * RES_STORE_DAMAGED when offset lies behind the end. */
static inline enum result
at(struct shelf_view *v, enum shelf_table table, uint64_t offset, struct span *ret)
{
    uint64_t page = offset / SHELF_PAGE;
    size_t skip = (size_t)(offset % SHELF_PAGE), n = SHELF_PAGE;
    const uint8_t *p = NULL;

    assert(v->begun);
    if (offset >= v->length[table])
        return RES_STORE_DAMAGED;
    if (page < v->full[table])
        p = recall(v->shelf, table, page);
    else
        n = (size_t)(v->length[table] % SHELF_PAGE);
    if (p == NULL) {
        enum result rc = n < SHELF_PAGE ? find_tail(v, table, &p) : find_page(v, table, page, &p);
        if (rc != RES_OK)
            return rc;
    }
    *ret = span_of(p + skip, n - skip);
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

enum result
shelf_get_node(struct shelf_view *v, uint64_t offset, struct prefix_ref *ret_left,
               struct prefix_ref *ret_right)
{
    struct span s;
    enum result rc = at(v, SHELF_STREAM, offset, &s);

    if (rc != RES_OK)
        return rc;
    /* Children are put before their parents: so no path is a circle. */
    if (!node_read(s, ret_left, ret_right) || !ref_possible(v, ret_left, offset) ||
        !ref_possible(v, ret_right, offset))
        return RES_STORE_DAMAGED;
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
    struct span value, tails[SHELF_PAGED];
    uint64_t last;

    assert(v->begun);
    for (int table = 0; table < SHELF_PAGED; table++) {
        uint64_t pages = v->full[table];
        enum result rc = last_of(v, (enum shelf_table)table, &last, &value);

        if (rc == RES_ABSENT && pages == 0)
            continue;
        if (rc == RES_OK && (pages == 0 || last != pages - 1 || value.n != SHELF_PAGE))
            rc = RES_STORE_DAMAGED;
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    }
    enum result rc = v->headed ? shelf_read_tails(v->txn, &v->head, tails) : RES_OK;
    if (rc != RES_OK)
        return rc;
    rc = last_of(v, SHELF_PROOFS, &last, &value);
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

/* Of the row of entry i its `hashes` alone: an answer needs some hundred nodes. */
static enum result
hashes_of(struct shelf_view *v, uint64_t i, uint64_t *ret)
{
    struct reader in;
    struct span s;
    enum result rc = entry_at(v, i, &s);

    if (rc != RES_OK)
        return rc;
    in = reader_of(span_of(s.p + ENTRY_ROW_HASHES, s.n - ENTRY_ROW_HASHES));
    *ret = get_u64(&in);
    return reader_end(&in) == RES_OK && hashes_possible(v, i, *ret) ? RES_OK : RES_STORE_DAMAGED;
}

static enum result
node_of(struct shelf_view *v, struct node n, enum over over, struct hash *ret)
{
    uint64_t last, hashes;
    unsigned place;
    enum result rc;

    if (n.height > NODE_HEIGHT_MAX || n.index >= v->head.size >> n.height)
        return RES_ABSENT;
    if (n.height == 0)
        return leaf_of(v, n.index, over, ret);
    last = node_end(n) - 1;
    rc = hashes_of(v, last, &hashes);
    if (rc != RES_OK)
        return rc;
    place = n.height - 1 + (over == OVER_FEED ? completes(last) : 0);
    return copy(v, hashes + (uint64_t)place * HASH_SIZE, HASH_SIZE, ret->b);
}

/* A number for each node, never 0: the places of nodes in a walk from left to right. */
static uint64_t
number_of(struct node n)
{
    return (2 * n.index + 1) << n.height;
}

static struct kept *
place_of(struct shelf_view *v, uint64_t number)
{
    return &v->kept[(number * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - KEPT_BITS)];
}

enum result
shelf_get_kt_node(struct shelf_view *v, struct node n, struct hash *ret)
{
    uint64_t number;
    struct kept *k;
    enum result rc;

    if (n.height > NODE_HEIGHT_MAX || n.index >= v->head.size >> n.height)
        return RES_ABSENT;
    number = number_of(n);
    k = place_of(v, number);
    if (k->key == number) {
        *ret = k->hash;
        return RES_OK;
    }
    rc = node_of(v, n, OVER_KEYTRANS, &k->hash);
    k->key = rc == RES_OK ? number : 0;
    if (rc == RES_OK)
        *ret = k->hash;
    return rc;
}

/* The row of entry i as far as it is known without a search. */
static const uint8_t *
row_near(struct shelf_view *v, uint64_t i)
{
    uint64_t offset = i * ENTRY_ROW_SIZE, page = offset / SHELF_PAGE;
    const uint8_t *p = page < v->full[SHELF_ENTRIES] ? recall(v->shelf, SHELF_ENTRIES, page) : NULL;

    return p == NULL ? NULL : p + offset % SHELF_PAGE;
}

static void
fetch_hash(struct shelf_view *v, struct node n)
{
    uint64_t last = node_end(n) - 1, offset;
    const uint8_t *p = row_near(v, last);
    struct reader in;

    if (p == NULL)
        return;
    in = reader_of(span_of(p + ENTRY_ROW_HASHES, ENTRY_ROW_SIZE - ENTRY_ROW_HASHES));
    offset = get_u64(&in) + (uint64_t)(n.height - 1) * HASH_SIZE;
    if (offset / SHELF_PAGE >= v->full[SHELF_STREAM])
        return;
    p = recall(v->shelf, SHELF_STREAM, offset / SHELF_PAGE);
    if (p != NULL)
        __builtin_prefetch(p + offset % SHELF_PAGE);
}

void
shelf_expect_kt_nodes(struct shelf_view *v, const struct node *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p;

        if (place_of(v, number_of(nodes[i]))->key == number_of(nodes[i]))
            continue;
        p = row_near(v, node_end(nodes[i]) - 1);
        if (p != NULL)
            __builtin_prefetch(nodes[i].height > 0 ? p + ENTRY_ROW_HASHES : p);
    }
    for (size_t i = 0; i < n; i++)
        if (nodes[i].height > 0 && place_of(v, number_of(nodes[i]))->key != number_of(nodes[i]))
            fetch_hash(v, nodes[i]);
}

void
shelf_expect_entry(struct shelf_view *v, uint64_t i)
{
    const uint8_t *p = row_near(v, i);

    if (p == NULL)
        return;
    for (size_t at = 0; at < ENTRY_ROW_SIZE; at += CACHE_LINE)
        __builtin_prefetch(p + at);
}

enum result
shelf_get_feed_node(struct shelf_view *v, struct node n, struct hash *ret)
{
    return node_of(v, n, OVER_FEED, ret);
}

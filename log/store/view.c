/* Views of the store: what one snapshot holds. */
#include "log/store/bundle.h"
#include "log/store/head.h"
#include "log/store/store.h"
#include "log/store/store_private.h"

#include <assert.h>
#include <stdlib.h>

struct span
key_u64(uint64_t v, uint8_t out[static 8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
    return span_of(out, 8);
}

struct span
key_tile(unsigned level, uint64_t index, uint8_t out[static 9])
{
    out[0] = (uint8_t)level;
    (void)key_u64(index, out + 1);
    return span_of(out, 9);
}

struct span
key_level(unsigned level, uint8_t out[static 1])
{
    out[0] = (uint8_t)level;
    return span_of(out, 1);
}

/* ---- snapshots ---- */

enum result
store_view_new(struct store *s, struct store_view **ret)
{
    struct store_view *v = calloc(1, sizeof(*v));
    if (v == NULL)
        return RES_MEMORY;
    enum result r = lmdb_reader_new(s->env, &v->txn);
    if (r != RES_OK) {
        free(v);
        return r;
    }
    *ret = v;
    return RES_OK;
}

void
store_view_free(struct store_view *v)
{
    if (v == NULL)
        return;
    lmdb_reader_free(v->txn);
    free(v);
}

enum result
store_view_begin(struct store_view *v)
{
    v->sized = false;
    return lmdb_reader_renew(v->txn);
}

void
store_view_end(struct store_view *v)
{
    lmdb_reader_reset(v->txn);
}

/* A store that never had a head is empty; one that holds entries or tiles has lost it, and must not
 * be taken for a new log. */
static enum result
no_head(struct store_view *v)
{
    static const unsigned tables[] = {TABLE_TAIL, TABLE_BUNDLE, TABLE_TILE, TABLE_EDGE};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct span key, value;
        enum result r = lmdb_last(v->txn, tables[i], &key, &value);
        if (r != RES_ABSENT)
            return r == RES_OK ? RES_STORE_DAMAGED : r;
    }
    return RES_ABSENT;
}

enum result
store_get_head(struct store_view *v, struct store_head *ret)
{
    struct span record;
    enum result r = lmdb_get(v->txn, TABLE_META, span_str(META_HEAD), &record);
    if (r == RES_ABSENT)
        return no_head(v);
    return r == RES_OK ? head_read(record, ret) : r;
}

enum result
view_know_size(struct store_view *v)
{
    if (v->sized)
        return RES_OK;
    struct store_head head = {0}; /* stays so when there is none */
    enum result r = store_get_head(v, &head);
    if (r != RES_OK && r != RES_ABSENT)
        return r;
    v->size = head.size;
    for (unsigned level = 0; level <= TILE_LEVEL_MAX; level++)
        v->edge[level] = tile_partial_width(level, head.size) == 0
                             ? EDGE_NONE
                             : tile_full_count(level, head.size);
    v->sized = true;
    return RES_OK;
}

/* What it means that a record is missing: damage if the head says that it is there. */
static enum result
missing(struct store_view *v, uint64_t end)
{
    enum result r = view_know_size(v);
    if (r != RES_OK)
        return r;
    return end <= v->size ? RES_STORE_DAMAGED : RES_ABSENT;
}

/* ---- entries ---- */

/* A leaf begins with a time, so the first bytes decide. */
bool
view_erased(struct span leaf)
{
    for (size_t i = 0; i < leaf.n; i++)
        if (leaf.p[i] != 0)
            return false;
    return true;
}

static enum result
get_bundle(struct store_view *v, uint64_t n, struct bundle *ret)
{
    uint8_t key[8];
    struct span record;
    enum result r = lmdb_get(v->txn, TABLE_BUNDLE, key_u64(n, key), &record);
    return r == RES_OK ? bundle_read(record, ret) : r;
}

static enum result
get_slot(struct store_view *v, uint64_t index, struct store_entry *ret)
{
    uint8_t key[8];
    struct span record;
    enum result r = lmdb_get(v->txn, TABLE_TAIL, key_u64(index, key), &record);
    if (r == RES_OK)
        return slot_read(record, ret);
    return r == RES_ABSENT ? missing(v, index + 1) : r;
}

enum result
store_get_entry(struct store_view *v, uint64_t index, struct store_entry *ret)
{
    if (index >= NODE_LEAVES_MAX)
        return RES_ABSENT;
    struct bundle b;
    enum result r = get_bundle(v, index / STORE_BUNDLE, &b);
    if (r == RES_OK)
        r = bundle_entry(&b, (unsigned)(index % STORE_BUNDLE), ret);
    else if (r == RES_ABSENT)
        r = get_slot(v, index, ret);
    return r == RES_OK && view_erased(ret->leaf) ? RES_ERASED : r;
}

/* RES_ERASED when one of the first width entries is. */
static enum result
check_whole(const struct bundle *b, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        struct store_entry e;
        enum result r = bundle_entry(b, i, &e);
        if (r != RES_OK)
            return r;
        if (view_erased(e.leaf))
            return RES_ERASED;
    }
    return RES_OK;
}

enum result
store_get_data_tile(struct store_view *v, uint64_t n, unsigned width, struct buf *scratch,
                    struct span *ret)
{
    assert(width >= 1 && width <= STORE_BUNDLE);
    if (n >= NODE_LEAVES_MAX / STORE_BUNDLE)
        return RES_ABSENT;
    struct bundle b;
    enum result r = get_bundle(v, n, &b);
    if (r == RES_OK)
        r = check_whole(&b, width);
    if (r == RES_OK)
        return bundle_leaves(&b, width, ret);
    if (r != RES_ABSENT)
        return r;

    size_t begin = scratch->n;
    for (unsigned i = 0; i < width; i++) {
        struct store_entry e;
        r = get_slot(v, n * STORE_BUNDLE + i, &e);
        if (r == RES_OK && view_erased(e.leaf))
            r = RES_ERASED;
        if (r == RES_OK)
            r = buf_add(scratch, e.leaf);
        if (r != RES_OK) {
            scratch->n = begin;
            return r;
        }
    }
    *ret = span_of(scratch->p + begin, scratch->n - begin);
    return RES_OK;
}

/* ---- tiles ---- */

static enum result
tile_record(struct span record, const struct hash **ret)
{
    if (record.n != TILE_RECORD_SIZE)
        return RES_STORE_DAMAGED;
    *ret = (const struct hash *)record.p;
    return RES_OK;
}

static enum result
get_edge(struct store_view *v, unsigned level, uint64_t index, const struct hash **ret)
{
    enum result r = view_know_size(v);
    if (r != RES_OK)
        return r;
    if (v->edge[level] != index)
        return index < tile_full_count(level, v->size) ? RES_STORE_DAMAGED : RES_ABSENT;
    uint8_t key[1];
    struct span record;
    r = lmdb_get(v->txn, TABLE_EDGE, key_level(level, key), &record);
    if (r == RES_ABSENT)
        return RES_STORE_DAMAGED;
    return r == RES_OK ? tile_record(record, ret) : r;
}

enum result
store_get_tile(struct store_view *v, unsigned level, uint64_t index, const struct hash **ret)
{
    if (level > TILE_LEVEL_MAX)
        return RES_ABSENT;
    uint8_t key[9];
    struct span record;
    enum result r = lmdb_get(v->txn, TABLE_TILE, key_tile(level, index, key), &record);
    if (r == RES_ABSENT)
        return get_edge(v, level, index, ret);
    return r == RES_OK ? tile_record(record, ret) : r;
}

enum result
store_get_node(struct store_view *v, struct node n, struct hash *ret)
{
    static const struct hash incomplete;
    struct tile_slot at = tile_slot_of(n);
    const struct hash *nodes;
    enum result r = store_get_tile(v, at.level, at.index, &nodes);
    if (r != RES_OK)
        return r;
    if (hash_equal(&nodes[at.slot], &incomplete))
        return missing(v, node_end(n));
    *ret = nodes[at.slot];
    return RES_OK;
}

/* ---- issuers ---- */

enum result
store_get_issuer(struct store_view *v, const struct hash *sha256, struct span *ret)
{
    return lmdb_get(v->txn, TABLE_ISSUER, hash_span(sha256), ret);
}

enum result
store_each_issuer(struct store_view *v, store_issuer_fn *fn, void *arg)
{
    /* After the first, the least key greater than the last: the last with a zero byte behind it. */
    uint8_t from[HASH_SIZE + 1] = {0};
    size_t from_n = HASH_SIZE;
    for (;;) {
        struct span key, der;
        enum result r = lmdb_seek(v->txn, TABLE_ISSUER, span_of(from, from_n), &key, &der);
        if (r != RES_OK)
            return r == RES_ABSENT ? RES_OK : r;
        if (key.n != HASH_SIZE)
            return RES_STORE_DAMAGED;
        struct hash sha256;
        memcpy(sha256.b, key.p, HASH_SIZE);
        memcpy(from, key.p, HASH_SIZE);
        from_n = HASH_SIZE + 1;
        r = fn(arg, &sha256, der);
        if (r != RES_OK)
            return r;
    }
}

#include "storedata.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
die(const char *what)
{
    perror(what);
    abort();
}

/* ---- the data ---- */

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct store_entry
data_entry(uint64_t i)
{
    static uint8_t bytes[4096];
    /* Sizes around those of LMDB's pages, and now and then one byte or more than half a page. */
    size_t leaf_n = i % 97 == 0 ? 1 : i % 31 == 0 ? 3000 : 200 + mix(i) % 1200;
    size_t signature_n = 70 + i % 3;
    for (size_t k = 0; k < leaf_n + signature_n; k += 8) {
        uint64_t v = mix(i * 1024 + k);
        memcpy(bytes + k, &v, 8);
    }
    bytes[0] |= 1; /* zeros alone are an erased one */
    return (struct store_entry){.leaf = span_of(bytes, leaf_n),
                                .sct_signature = span_of(bytes + leaf_n, signature_n)};
}

/* rows[h][i]: the complete nodes computed so far. */
#define ROWS 24
static struct hash *rows[ROWS];
static uint64_t rows_n[ROWS];

static void
push_node(unsigned h, struct hash hash)
{
    if ((rows_n[h] & (rows_n[h] - 1)) == 0) {
        size_t cap = rows_n[h] == 0 ? 1 : 2 * (size_t)rows_n[h];
        struct hash *p = realloc(rows[h], cap * sizeof(*p));
        if (p == NULL)
            die("realloc");
        rows[h] = p;
    }
    rows[h][rows_n[h]++] = hash;
    if (rows_n[h] % 2 == 0) {
        hash_node(&rows[h][rows_n[h] - 2], &rows[h][rows_n[h] - 1], &hash);
        push_node(h + 1, hash);
    }
}

struct hash
data_node(struct node n)
{
    while (rows_n[n.height] <= n.index) {
        struct hash hash;
        hash_leaf(data_entry(rows_n[0]).leaf, &hash);
        push_node(0, hash);
    }
    return rows[n.height][n.index];
}

void
data_tile(unsigned level, uint64_t index, uint64_t size, struct hash nodes[static TILE_NODES])
{
    memset(nodes, 0, TILE_RECORD_SIZE);
    for (unsigned slot = 0; slot < TILE_NODES; slot++) {
        struct node n = tile_slot_node(level, index, slot);
        if (node_end(n) <= size)
            nodes[slot] = data_node(n);
    }
}

struct store_head
data_head(uint64_t size)
{
    struct store_head h = {.timestamp = 1000 + size, .size = size};
    hash_sha256(span_of(&size, sizeof(size)), &h.root);
    h.sth_signature_n = (uint8_t)(70 + size % 3);
    memset(h.sth_signature, (int)(size & 0xff), h.sth_signature_n);
    memset(h.note_signature, (int)(size >> 8 & 0xff), sizeof(h.note_signature));
    return h;
}

struct span
data_issuer(uint64_t i, struct hash *ret_sha256)
{
    static uint8_t bytes[1500];
    for (size_t k = 0; k < sizeof(bytes); k++)
        bytes[k] = (uint8_t)(mix(i * 1024 + k / 8) >> k % 8 * 8);
    struct span der = span_of(bytes, 900 + i % 600);
    hash_sha256(der, ret_sha256);
    return der;
}

/* ---- writing ---- */

static enum result
put_tiles(struct store_txn *t, uint64_t from, uint64_t to)
{
    struct hash nodes[TILE_NODES];
    for (unsigned level = 0; level <= TILE_LEVEL_MAX; level++) {
        enum result r = RES_OK;
        uint64_t full = tile_full_count(level, to);
        for (uint64_t i = tile_full_count(level, from); r == RES_OK && i < full; i++) {
            data_tile(level, i, to, nodes);
            r = store_put_tile(t, level, i, true, nodes);
        }
        if (r == RES_OK && tile_partial_width(level, to) != 0) {
            data_tile(level, full, to, nodes);
            r = store_put_tile(t, level, full, false, nodes);
        }
        if (r != RES_OK)
            return r;
    }
    return RES_OK;
}

enum result
data_put(struct store_txn *t, uint64_t from, uint64_t to)
{
    enum result r;
    for (uint64_t i = from; i < to; i++) {
        struct store_entry e = data_entry(i);
        if ((r = store_append(t, i, e.leaf, e.sct_signature)) != RES_OK)
            return r;
        if (i % 100 == 0) {
            struct hash sha256;
            struct span der = data_issuer(i, &sha256);
            if ((r = store_put_issuer(t, &sha256, der)) != RES_OK)
                return r;
        }
    }
    if ((r = store_flush(t)) != RES_OK || (r = put_tiles(t, from, to)) != RES_OK)
        return r;
    struct store_head h = data_head(to);
    return store_put_head(t, &h);
}

enum result
data_commit(struct store *s, uint64_t from, uint64_t to)
{
    struct store_txn *t;
    enum result r = store_begin(s, &t);
    if (r != RES_OK)
        return r;
    r = data_put(t, from, to);
    if (r != RES_OK) {
        store_abort(t);
        return r;
    }
    return store_commit(t);
}

/* ---- the audit ---- */

#define SAME(condition, what, number)                                                           \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            fprintf(stderr, "audit of %llu entries: %s %llu\n", (unsigned long long)size, what, \
                    (unsigned long long)(number));                                              \
            return false;                                                                       \
        }                                                                                       \
    } while (0)

static bool
audit_entries(struct store_view *v, uint64_t size)
{
    struct store_entry got;
    for (uint64_t i = 0; i < size; i++) {
        SAME(store_get_entry(v, i, &got) == RES_OK, "no entry", i);
        struct store_entry want = data_entry(i);
        SAME(span_equal(got.leaf, want.leaf), "leaf of", i);
        SAME(span_equal(got.sct_signature, want.sct_signature), "signature of", i);
    }
    SAME(store_get_entry(v, size, &got) == RES_ABSENT, "an entry too many", size);
    SAME(store_get_entry(v, size + 256, &got) == RES_ABSENT, "an entry too many", size + 256);
    return true;
}

static bool
audit_data_tile(struct store_view *v, uint64_t size, uint64_t n, unsigned width)
{
    struct buf scratch = BUF_INIT(1 << 24);
    struct span got = {0};
    bool ok = store_get_data_tile(v, n, width, &scratch, &got) == RES_OK;
    size_t at = 0;
    for (unsigned i = 0; ok && i < width; i++) {
        struct span leaf = data_entry(n * STORE_BUNDLE + i).leaf;
        ok = got.n - at >= leaf.n && memcmp(got.p + at, leaf.p, leaf.n) == 0;
        at += leaf.n;
    }
    ok = ok && at == got.n;
    buf_release(&scratch);
    SAME(ok, "data tile", n);
    return true;
}

static bool
audit_data_tiles(struct store_view *v, uint64_t size)
{
    for (uint64_t n = 0; n < size / STORE_BUNDLE; n++)
        if (!audit_data_tile(v, size, n, STORE_BUNDLE) || !audit_data_tile(v, size, n, 1) ||
            !audit_data_tile(v, size, n, 1 + (unsigned)(mix(n) % STORE_BUNDLE)))
            return false;
    unsigned width = (unsigned)(size % STORE_BUNDLE);
    uint64_t n = size / STORE_BUNDLE;
    if (width != 0 && (!audit_data_tile(v, size, n, width) || !audit_data_tile(v, size, n, 1) ||
                       !audit_data_tile(v, size, n, (width + 1) / 2)))
        return false;
    struct buf scratch = BUF_INIT(1 << 24);
    struct span got;
    enum result r = store_get_data_tile(v, n, width + 1, &scratch, &got);
    bool untouched = scratch.n == 0;
    buf_release(&scratch);
    SAME(r == RES_ABSENT && untouched, "a data tile too wide", n);
    return true;
}

static bool
audit_tiles(struct store_view *v, uint64_t size)
{
    struct hash want[TILE_NODES];
    const struct hash *got;
    for (unsigned level = 0; level <= TILE_LEVEL_MAX; level++) {
        uint64_t n = tile_full_count(level, size) + (tile_partial_width(level, size) != 0);
        for (uint64_t i = 0; i < n; i++) {
            data_tile(level, i, size, want);
            SAME(store_get_tile(v, level, i, &got) == RES_OK, "no tile", i);
            SAME(memcmp(got, want, sizeof(want)) == 0, "tile", i);
        }
        SAME(store_get_tile(v, level, n, &got) == RES_ABSENT, "a tile too many", n);
    }
    SAME(store_get_tile(v, TILE_LEVEL_MAX + 1, 0, &got) == RES_ABSENT, "a level too high", 8);
    for (unsigned h = 0; h <= 20; h++) {
        uint64_t n = size >> h;
        struct hash node;
        for (uint64_t i = n > 5 ? n - 5 : 0; i < n; i++) {
            struct hash expected = data_node((struct node){h, i});
            SAME(store_get_node(v, (struct node){h, i}, &node) == RES_OK, "no node", i);
            SAME(hash_equal(&node, &expected), "node", i);
        }
        SAME(store_get_node(v, (struct node){h, n}, &node) == RES_ABSENT, "a node too many", h);
    }
    return true;
}

static enum result
count_issuer(void *arg, const struct hash *sha256, struct span der)
{
    struct hash again;
    hash_sha256(der, &again);
    ++*(uint64_t *)arg;
    return hash_equal(&again, sha256) ? RES_OK : RES_STORE_DAMAGED;
}

static bool
audit_issuers(struct store_view *v, uint64_t size)
{
    uint64_t count = 0;
    SAME(store_each_issuer(v, count_issuer, &count) == RES_OK, "issuers after", count);
    SAME(count == (size + 99) / 100, "count of issuers", count);
    for (uint64_t i = 0; i < size; i += 100) {
        struct hash sha256;
        struct span want = data_issuer(i, &sha256);
        struct span got;
        SAME(store_get_issuer(v, &sha256, &got) == RES_OK && span_equal(got, want), "issuer", i);
    }
    return true;
}

bool
data_audit(struct store_view *v, uint64_t size)
{
    struct store_head got;
    enum result r = store_get_head(v, &got);
    if (size == 0)
        SAME(r == RES_ABSENT, "a head", 0);
    else {
        struct store_head want = data_head(size);
        SAME(r == RES_OK && memcmp(&got, &want, sizeof(got)) == 0, "head", size);
    }
    return audit_entries(v, size) && audit_data_tiles(v, size) && audit_tiles(v, size) &&
           audit_issuers(v, size);
}

/* ---- the store ---- */

struct store *
data_create(const char *path)
{
    struct store_options o = {.path = path, .map_size = TEST_MAP};
    enum result r = store_create(&o, "log.example/test");
    struct store *s = r == RES_OK ? data_open(path, false, &r) : NULL;
    if (s == NULL) {
        fprintf(stderr, "%s: %s\n", path, result_sentence(r));
        abort();
    }
    return s;
}

struct store *
data_open(const char *path, bool read_only, enum result *ret)
{
    struct store_options o = {.path = path, .map_size = TEST_MAP, .read_only = read_only};
    struct store *s = NULL;
    uint32_t format;
    *ret = store_open(&o, &format, &s);
    return s;
}

bool
data_audit_store(struct store *s, uint64_t *ret_size)
{
    struct store_view *v;
    struct store_head h;
    if (store_view_new(s, &v) != RES_OK)
        return false;
    bool ok = false;
    if (store_view_begin(v) == RES_OK) {
        enum result r = store_get_head(v, &h);
        if (r == RES_ABSENT)
            h.size = 0;
        ok = (r == RES_OK || r == RES_ABSENT) && data_audit(v, h.size);
        store_view_end(v);
    }
    store_view_free(v);
    if (ok)
        *ret_size = h.size;
    return ok;
}

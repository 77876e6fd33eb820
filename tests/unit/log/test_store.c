/* The store: commits of every shape, snapshots, refusals, damage, killed processes. */
#include "storedata.h"

#include "log/store/store_private.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
assert_holds(struct store *s, uint64_t want)
{
    uint64_t size = UINT64_MAX;
    assert_true(data_audit_store(s, &size));
    assert_int_equal(size, want);
}

static struct store *
reopen(struct store *s, const char *path)
{
    enum result r;
    store_close(s);
    s = data_open(path, false, &r);
    assert_int_equal(r, RES_OK);
    return s;
}

static void
a_new_store_is_empty(void **state)
{
    struct store *s = data_create(*state);
    assert_string_equal(store_origin(s), "log.example/test");
    assert_holds(s, 0);
    s = reopen(s, *state);
    assert_holds(s, 0);
    store_close(s);
    store_close(NULL);
}

/* Batches whose borders fall at, before and behind those of bundles, tiles, and of nothing. */
static const struct {
    const char *says;
    unsigned batches[16]; /* ends with 0; the last before it is repeated */
    uint64_t upto;
} shapes[] = {
    {"one by one over two bundles", {1}, 530},
    {"to the border exactly, and over it", {256, 1, 255, 256}, 1100},
    {"one short of the border", {255, 1, 1, 254, 2}, 700},
    {"over one border", {200, 100, 300}, 1400},
    {"several bundles in one commit", {600, 3, 777}, 2600},
    {"growing by one: 1, 2, 3, …", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 700},
    {"many bundles at once from a ragged edge", {100, 5000}, 5100},
    {"a commit of nothing but a head", {10}, 10},
};

static void
batches_of_every_shape_are_found_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        print_message("    %s\n", shapes[i].says);
        char *path = scratch_new();
        struct store *s = data_create(path);
        uint64_t size = 0;
        for (unsigned k = 0; size < shapes[i].upto;) {
            uint64_t to = size + shapes[i].batches[k];
            assert_int_equal(data_commit(s, size, to), RES_OK);
            size = to;
            if (k + 1 < 16 && shapes[i].batches[k + 1] != 0)
                k++;
            if (size % 7 == 0 || size % 256 < 2 || shapes[i].batches[0] > 50)
                assert_holds(s, size);
        }
        assert_int_equal(data_commit(s, size, size), RES_OK);
        s = reopen(s, path);
        assert_holds(s, size);
        store_close(s);
        scratch_free(path);
    }
}

static void
every_batch_from_1_to_600_is_found_again(void **state)
{
    struct store *s = data_create(*state);
    uint64_t size = 0;
    for (unsigned n = 1; n <= 600; n++) {
        assert_int_equal(data_commit(s, size, size + n), RES_OK);
        size += n;
        struct store_view *v;
        struct store_entry e;
        struct store_head h;
        assert_int_equal(store_view_new(s, &v), RES_OK);
        assert_int_equal(store_view_begin(v), RES_OK);
        assert_int_equal(store_get_head(v, &h), RES_OK);
        assert_int_equal(h.size, size);
        for (uint64_t i = size - n; i < size; i++) {
            assert_int_equal(store_get_entry(v, i, &e), RES_OK);
            struct store_entry want = data_entry(i);
            assert_true(span_equal(e.leaf, want.leaf));
            assert_true(span_equal(e.sct_signature, want.sct_signature));
        }
        assert_int_equal(store_get_entry(v, size, &e), RES_ABSENT);
        store_view_end(v);
        store_view_free(v);
    }
    s = reopen(s, *state);
    assert_holds(s, 600 * 601 / 2);
    struct lmdb_sizes z;
    assert_int_equal(store_sizes(s, &z), RES_OK);
    assert_int_equal(z.entries[TABLE_TAIL], size % 256);
    assert_int_equal(z.entries[TABLE_BUNDLE], size / 256);
    assert_int_equal(store_bytes(s), z.file);
    store_close(s);
}

static void
a_view_keeps_what_it_began_with(void **state)
{
    struct store *s = data_create(*state);
    struct store_view *v;
    assert_int_equal(data_commit(s, 0, 200), RES_OK);
    assert_int_equal(store_view_new(s, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    assert_true(data_audit(v, 200));
    /* The tail it reads is dropped, its edges are replaced, and the pages would be used again. */
    for (uint64_t size = 200; size < 1400; size += 100)
        assert_int_equal(data_commit(s, size, size + 100), RES_OK);
    assert_true(data_audit(v, 200));
    store_view_end(v);
    assert_int_equal(store_view_begin(v), RES_OK);
    assert_true(data_audit(v, 1400));
    store_view_end(v);
    store_view_free(v);
    store_view_free(NULL);
    store_close(s);
}

struct watcher {
    struct store *s;
    atomic_bool stop;
    atomic_uint wrong;
    atomic_ulong looked;
};

/* Each snapshot is one commit: its head, its last entry, its last leaf hash; and heads never go
 * back. */
static void *
watch(void *arg)
{
    struct watcher *w = arg;
    struct store_view *v;
    uint64_t last = 0;
    if (store_view_new(w->s, &v) != RES_OK) {
        atomic_fetch_add(&w->wrong, 1);
        return NULL;
    }
    while (!atomic_load(&w->stop)) {
        struct store_head h;
        struct store_entry e;
        struct hash leaf, node;
        if (store_view_begin(v) != RES_OK)
            break;
        enum result r = store_get_head(v, &h);
        bool right = r == RES_ABSENT;
        if (r == RES_OK && h.size >= last) {
            last = h.size;
            right = store_get_entry(v, h.size, &e) == RES_ABSENT &&
                    store_get_entry(v, h.size - 1, &e) == RES_OK &&
                    store_get_node(v, (struct node){0, h.size - 1}, &node) == RES_OK;
            if (right) {
                hash_leaf(e.leaf, &leaf);
                right = hash_equal(&leaf, &node);
            }
        }
        store_view_end(v);
        atomic_fetch_add(&w->wrong, !right);
        atomic_fetch_add(&w->looked, 1);
    }
    store_view_free(v);
    return NULL;
}

static void
threads_see_whole_commits_only(void **state)
{
    static struct watcher w;
    pthread_t thread[3];
    w.s = data_create(*state);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, watch, &w), 0);
    uint64_t size = 0;
    /* Until enough was looked at: on a busy machine the watchers may come to it late. */
    for (; size < 4000 || atomic_load(&w.looked) < 100; size += 25)
        assert_int_equal(data_commit(w.s, size, size + 25), RES_OK);
    atomic_store(&w.stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&w.wrong), 0);
    assert_holds(w.s, size);
    store_close(w.s);
}

static void
the_open_transaction_reads_itself_and_nobody_else_does(void **state)
{
    struct store *s = data_create(*state);
    static const uint64_t sizes[] = {100, 300, 511, 513, 1300};
    uint64_t from = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct store_txn *t;
        struct store_entry e;
        assert_int_equal(store_begin(s, &t), RES_OK);
        assert_int_equal(data_put(t, from, sizes[i]), RES_OK);
        assert_true(data_audit(store_txn_view(t), sizes[i]));
        assert_int_equal(store_get_entry(store_txn_view(t), sizes[i], &e), RES_ABSENT);
        assert_holds(s, from);
        if (i % 2 == 1) { /* once thrown away, then again */
            store_abort(t);
            assert_holds(s, from);
            assert_int_equal(data_commit(s, from, sizes[i]), RES_OK);
        } else
            assert_int_equal(store_commit(t), RES_OK);
        assert_holds(s, sizes[i]);
        from = sizes[i];
    }
    store_abort(NULL);
    store_close(s);
}

static void
what_stands_is_not_replaced(void **state)
{
    struct store *s = data_create(*state);
    struct store_txn *t;
    struct hash nodes[TILE_NODES];
    assert_int_equal(data_commit(s, 0, 300), RES_OK);
    assert_int_equal(store_begin(s, &t), RES_OK);
    data_tile(0, 0, 300, nodes);
    assert_int_equal(store_put_tile(t, 0, 0, true, nodes), RES_OK); /* the same again */
    nodes[17].b[3] ^= 1;
    assert_int_equal(store_put_tile(t, 0, 0, true, nodes), RES_STORE_DAMAGED);
    struct hash sha256;
    struct span der = data_issuer(0, &sha256);
    struct span got;
    assert_int_equal(store_put_issuer(t, &sha256, span_str("other")), RES_OK);
    assert_int_equal(store_get_issuer(store_txn_view(t), &sha256, &got), RES_OK);
    assert_true(span_equal(got, data_issuer(0, &sha256)));
    assert_int_equal(got.n, der.n);
    sha256.b[0] ^= 1;
    assert_int_equal(store_get_issuer(store_txn_view(t), &sha256, &got), RES_ABSENT);
    store_abort(t);
    assert_holds(s, 300);
    store_close(s);
}

static void
large_leaves_have_a_limit(void **state)
{
    struct store *s = data_create(*state);
    struct store_txn *t;
    uint8_t *big = calloc(1, STORE_LEAF_MAX + 1);
    assert_non_null(big);
    struct span signature = span_str("0123456789");
    assert_int_equal(store_begin(s, &t), RES_OK);
    assert_int_equal(store_append(t, 0, span_of(big, STORE_LEAF_MAX + 1), signature),
                     RES_TOO_LARGE);
    assert_int_equal(store_append(t, 0, span_of(big, 0), signature), RES_TOO_LARGE);
    for (uint64_t i = 0; i < 260; i++) {
        big[0] = (uint8_t)i;
        size_t n = i == 7 ? STORE_LEAF_MAX : 600000;
        assert_int_equal(store_append(t, i, span_of(big, n), signature), RES_OK);
    }
    assert_int_equal(store_flush(t), RES_OK);
    struct store_head h = data_head(260);
    assert_int_equal(store_put_head(t, &h), RES_OK);
    assert_int_equal(store_commit(t), RES_OK);
    struct store_view *v;
    struct store_entry e;
    assert_int_equal(store_view_new(s, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    assert_int_equal(store_get_entry(v, 7, &e), RES_OK);
    assert_int_equal(e.leaf.n, STORE_LEAF_MAX);
    assert_int_equal(store_get_entry(v, 259, &e), RES_OK);
    assert_true(e.leaf.n == 600000 && e.leaf.p[0] == 3);
    store_view_free(v);
    free(big);
    store_close(s);
}

static void
a_full_store_says_so_and_keeps_the_last_commit(void **state)
{
    struct store_options o = {.path = *state, .map_size = 4 << 20};
    struct store *s;
    uint32_t format;
    uint64_t size = 0;
    enum result r;
    assert_int_equal(store_create(&o, "x"), RES_OK);
    assert_int_equal(store_open(&o, &format, &s), RES_OK);
    while ((r = data_commit(s, size, size + 100)) == RES_OK)
        size += 100;
    assert_int_equal(r, RES_STORE_FULL);
    assert_true(size > 1000);
    assert_holds(s, size);
    store_close(s);
    s = data_open(*state, false, &r); /* with a larger map it goes on */
    assert_int_equal(r, RES_OK);
    assert_int_equal(data_commit(s, size, size + 1000), RES_OK);
    assert_holds(s, size + 1000);
    store_close(s);
}

/* ---- opening ---- */

static void
set_meta(const char *path, const char *key, struct span value)
{
    struct lmdb_options o = {
        .path = path, .tables = {"meta"}, .map_size = TEST_MAP, .readers = 256};
    struct lmdb *env;
    struct lmdb_txn *t;
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    if (value.p == NULL)
        assert_int_equal(lmdb_delete(t, 0, span_str(key)), RES_OK);
    else
        assert_int_equal(lmdb_put(t, 0, span_str(key), value, false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
}

static void
only_a_store_of_this_format_is_opened(void **state)
{
    static const struct {
        const char *says;
        const char *key;
        const char *value; /* NULL: deleted */
        size_t n;
        enum result want;
    } rows[] = {
        {"the next format", "format", "\0\0\0\2", 4, RES_STORE_FORMAT},
        {"format 0", "format", "\0\0\0\0", 4, RES_STORE_FORMAT},
        {"a format number of three bytes", "format", "\0\0\1", 3, RES_STORE_DAMAGED},
        {"one of five bytes", "format", "\0\0\0\1\0", 5, RES_STORE_DAMAGED},
        {"none", "format", NULL, 0, RES_STORE_DAMAGED},
        {"an empty origin", "origin", "", 0, RES_STORE_DAMAGED},
        {"an origin with a zero byte", "origin", "a\0b", 3, RES_STORE_DAMAGED},
        {"no origin", "origin", NULL, 0, RES_STORE_DAMAGED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("    %s\n", rows[i].says);
        char *path = scratch_new();
        struct store_options o = {.path = path, .map_size = TEST_MAP};
        struct store *s = NULL;
        uint32_t format = 77;
        store_close(data_create(path));
        set_meta(path, rows[i].key, span_of(rows[i].value, rows[i].n));
        assert_int_equal(store_open(&o, &format, &s), rows[i].want);
        assert_null(s);
        if (rows[i].want == RES_STORE_FORMAT)
            assert_int_equal(format, (unsigned char)rows[i].value[3]);
        o.read_only = true;
        assert_int_equal(store_open(&o, &format, &s), rows[i].want);
        scratch_free(path);
    }
}

static void
a_store_is_made_once_and_only_where_none_is(void **state)
{
    struct store_options o = {.path = *state, .map_size = TEST_MAP};
    struct store *s = NULL;
    uint32_t format;
    char name[300];
    assert_int_equal(store_open(&o, &format, &s), RES_ABSENT);
    memset(name, 'x', sizeof(name));
    name[STORE_ORIGIN_MAX + 1] = '\0';
    assert_int_equal(store_create(&o, name), RES_VALUE);
    assert_int_equal(store_create(&o, ""), RES_VALUE);
    assert_int_equal(store_open(&o, &format, &s), RES_ABSENT);
    name[STORE_ORIGIN_MAX] = '\0';
    assert_int_equal(store_create(&o, name), RES_OK);
    assert_int_equal(store_create(&o, name), RES_EXISTS);
    assert_int_equal(store_open(&o, &format, &s), RES_OK);
    assert_string_equal(store_origin(s), name);
    store_close(s);
    o.path = "/nonexistent/directory";
    assert_int_equal(store_create(&o, "x"), RES_IO);
}

static void
a_copy_is_a_store(void **state)
{
    struct store *s = data_create(*state);
    assert_int_equal(data_commit(s, 0, 700), RES_OK);
    char *dest = scratch_new();
    assert_int_equal(store_copy(s, dest), RES_OK);
    assert_int_equal(data_commit(s, 700, 900), RES_OK);
    enum result r;
    struct store *copy = data_open(dest, true, &r);
    assert_int_equal(r, RES_OK);
    assert_holds(copy, 700);
    store_close(copy);
    store_close(s);
    scratch_free(dest);
}

/* ---- damage ---- */

/* Opens the tables below the store and overwrites a value. */
static void
overwrite(const char *path, unsigned table, struct span key, struct span value)
{
    struct lmdb_options o = {.path = path,
                             .tables = {"meta", "tail", "bundle", "tile", "edge", "issuer"},
                             .map_size = TEST_MAP,
                             .readers = 256};
    struct lmdb *env;
    struct lmdb_txn *t;
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    if (value.p == NULL)
        assert_int_equal(lmdb_delete(t, table, key), RES_OK);
    else
        assert_int_equal(lmdb_put(t, table, key, value, false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
}

/* Copies a value, to be freed. */
static uint8_t *
value_of(const char *path, unsigned table, struct span key, size_t *ret_n)
{
    struct lmdb_options o = {.path = path,
                             .tables = {"meta", "tail", "bundle", "tile", "edge", "issuer"},
                             .map_size = TEST_MAP,
                             .readers = 256};
    struct lmdb *env;
    struct lmdb_txn *t;
    struct span v;
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    assert_int_equal(lmdb_get(t, table, key, &v), RES_OK);
    uint8_t *copy = malloc(v.n + 1);
    assert_non_null(copy);
    memcpy(copy, v.p, v.n);
    *ret_n = v.n;
    lmdb_reader_free(t);
    lmdb_close(env);
    return copy;
}

/* Reads everything there is, whatever comes; returns how many reads told of damage. */
static unsigned
read_all(struct store *s, uint64_t size)
{
    unsigned damaged = 0;
    struct store_view *v;
    struct store_head h;
    struct store_entry e;
    struct buf scratch = BUF_INIT(1 << 24);
    struct span tile;
    const struct hash *nodes;
    struct hash node;
    uint64_t sum = 0; /* touches the bytes, so that a sanitizer sees */
    assert_int_equal(store_view_new(s, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    damaged += store_get_head(v, &h) == RES_STORE_DAMAGED;
    for (uint64_t i = 0; i < size; i++) {
        enum result r = store_get_entry(v, i, &e);
        damaged += r == RES_STORE_DAMAGED;
        for (size_t k = 0; r == RES_OK && k < e.leaf.n; k++)
            sum += e.leaf.p[k];
        for (size_t k = 0; r == RES_OK && k < e.sct_signature.n; k++)
            sum += e.sct_signature.p[k];
    }
    for (unsigned width = 1; width <= 256; width++)
        for (uint64_t n = 0; n < 3; n++) {
            buf_clear(&scratch);
            enum result r = store_get_data_tile(v, n, width, &scratch, &tile);
            damaged += r == RES_STORE_DAMAGED;
            if (r == RES_OK && tile.n > 0)
                sum += tile.p[0] + tile.p[tile.n - 1];
        }
    for (unsigned level = 0; level <= TILE_LEVEL_MAX; level++)
        for (uint64_t i = 0; i < 4; i++) {
            enum result r = store_get_tile(v, level, i, &nodes);
            damaged += r == RES_STORE_DAMAGED;
            if (r == RES_OK)
                sum += nodes[TILE_NODES - 1].b[31];
        }
    for (unsigned height = 0; height < 12; height++)
        for (uint64_t i = 0; i < 8; i++)
            damaged += store_get_node(v, (struct node){height, (UINT64_C(256) >> height) + i},
                                      &node) == RES_STORE_DAMAGED;
    store_view_end(v);
    store_view_free(v);
    buf_release(&scratch);
    return damaged + (sum == 1);
}

static const struct damage {
    const char *says;
    unsigned table;
    const char *key;
    size_t key_n;
    int cut;   /* bytes taken off the end; -1: the record is deleted; -2: nothing is left of it */
    size_t at; /* else set[0..] stands there */
    const char *set;
    size_t set_n;
} damages[] = {
#define HEAD_KEY TABLE_META, "head", 4
#define BUNDLE_KEY TABLE_BUNDLE, "\0\0\0\0\0\0\0\1", 8
#define SLOT_KEY TABLE_TAIL, "\0\0\0\0\0\0\2\5", 8
#define TILE_KEY TABLE_TILE, "\0\0\0\0\0\0\0\0\1", 9
#define EDGE_KEY TABLE_EDGE, "\0", 1
    {"a head cut short", HEAD_KEY, 1, 0, "", 0},
    {"a head of a tree too large", HEAD_KEY, 0, 8, "\xff", 1},
    {"a head whose signature is empty", HEAD_KEY, 0, 48, "\0", 1},
    {"a head whose signature is too long", HEAD_KEY, 0, 48, "\xff", 1},
    {"no head bytes", HEAD_KEY, -2, 0, "", 0},
    {"a bundle cut by one byte", BUNDLE_KEY, 1, 0, "", 0},
    {"a bundle of nothing", BUNDLE_KEY, -2, 0, "", 0},
    {"a bundle gone", BUNDLE_KEY, -1, 0, "", 0},
    {"a bundle's first offset is not zero", BUNDLE_KEY, 0, 3, "\1", 1},
    {"its last offset is beyond the leaves", BUNDLE_KEY, 0, 1024, "\xff\xff\xff\xff", 4},
    {"an offset in between beyond the leaves", BUNDLE_KEY, 0, 400, "\xff\xff\xff\xff", 4},
    {"an offset just beyond the leaves", BUNDLE_KEY, 0, 400, "\0\4\0\0", 4},
    {"an offset before the one before it", BUNDLE_KEY, 0, 404, "\0\0\0\0", 4},
    {"a slot whose signature passes its end", SLOT_KEY, 0, 0, "\x49", 1},
    {"a slot without signature", SLOT_KEY, 0, 0, "\0", 1},
    {"an empty slot", SLOT_KEY, -2, 0, "", 0},
    {"a slot gone", SLOT_KEY, -1, 0, "", 0},
    {"a tile cut by one byte", TILE_KEY, 1, 0, "", 0},
    {"a tile gone", TILE_KEY, -1, 0, "", 0},
    {"an empty tile", TILE_KEY, -2, 0, "", 0},
    {"a zero hash in a full tile", TILE_KEY, 0, 0,
     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32},
    {"an edge cut by a hash", EDGE_KEY, 32, 0, "", 0},
    {"an edge gone", EDGE_KEY, -1, 0, "", 0},
};

static void
damage_is_told_and_never_followed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        const struct damage *d = &damages[i];
        print_message("    %s\n", d->says);
        char *path = scratch_new();
        struct store *s = data_create(path);
        assert_int_equal(data_commit(s, 0, 520), RES_OK);
        assert_int_equal(read_all(s, 520), 0);
        store_close(s);
        struct span key = span_of(d->key, d->key_n);
        size_t n;
        uint8_t *value = value_of(path, d->table, key, &n);
        if (d->cut == -1)
            overwrite(path, d->table, key, span_of(NULL, 0));
        else if (d->cut == -2)
            overwrite(path, d->table, key, span_of(value, 0));
        else {
            memcpy(value + d->at, d->set, d->set_n);
            overwrite(path, d->table, key, span_of(value, n - (size_t)d->cut));
        }
        free(value);
        enum result r;
        s = data_open(path, false, &r);
        assert_int_equal(r, RES_OK);
        assert_true(read_all(s, 520) > 0);
        uint64_t size;
        print_message("    audit: ");
        assert_false(data_audit_store(s, &size));
        store_close(s);
        scratch_free(path);
    }
}

static void
garbage_is_never_followed(void **state)
{
    char *path = *state;
    struct store *s = data_create(path);
    assert_int_equal(data_commit(s, 0, 520), RES_OK);
    store_close(s);
    srandom(1);
    for (unsigned round = 0; round < 300; round++) {
        const struct damage *d = &damages[(unsigned)random() % (sizeof(damages) / sizeof(*d))];
        struct span key = span_of(d->key, d->key_n);
        size_t n;
        uint8_t *value = value_of(path, d->table, key, &n);
        uint8_t *broken = malloc(n);
        assert_non_null(broken);
        memcpy(broken, value, n);
        unsigned flips = 1 + (unsigned)random() % 40;
        size_t within = random() % 2 == 0 ? n : n < 1100 ? n : 1100;
        for (unsigned k = 0; k < flips; k++)
            broken[(size_t)random() % within] = (uint8_t)random();
        overwrite(path, d->table, key, span_of(broken, n));
        enum result r;
        s = data_open(path, round % 2 == 0, &r);
        assert_int_equal(r, RES_OK);
        (void)read_all(s, 530);
        store_close(s);
        overwrite(path, d->table, key, span_of(value, n));
        free(value);
        free(broken);
    }
    enum result r;
    s = data_open(path, false, &r);
    assert_int_equal(r, RES_OK);
    assert_holds(s, 520);
    store_close(s);
}

static void
a_commit_over_a_damaged_tail_is_refused(void **state)
{
    static const struct {
        const char *says;
        const char *key;
        bool gone;
    } rows[] = {
        {"an entry of the tail is gone", "\0\0\0\0\0\0\0\7", true},
        {"an entry of the tail is no slot", "\0\0\0\0\0\0\0\7", false},
        {"an entry stands where the next belongs", "\0\0\0\0\0\0\0\310", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *path = scratch_new();
        struct store *s = data_create(path);
        assert_int_equal(data_commit(s, 0, 200), RES_OK);
        store_close(s);
        overwrite(path, TABLE_TAIL, span_of(rows[i].key, 8),
                  rows[i].gone ? span_of(NULL, 0) : span_of("\0", 1));
        enum result r;
        s = data_open(path, false, &r);
        print_message("    %s\n", rows[i].says);
        assert_int_equal(data_commit(s, 200, i == 2 ? 201 : 300), RES_STORE_DAMAGED);
        store_close(s);
        scratch_free(path);
    }
}

/* The file itself spoilt: LMDB takes the size of its pages from the file and reads there. */
static void
a_page_size_that_cannot_be(void **state)
{
    static const uint8_t SIZES[][4] = {{0, 0, 0, 0xb3}, {0xff, 0xff, 0xff, 0xff}};
    char *path = *state;
    char name[512];
    struct store *s = data_create(path);
    assert_int_equal(data_commit(s, 0, 10), RES_OK);
    store_close(s);
    (void)snprintf(name, sizeof(name), "%s/data.mdb", path);
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        FILE *f = fopen(name, "r+");
        assert_non_null(f);
        assert_int_equal(fseek(f, 16 + 24, SEEK_SET), 0); /* behind the page's head */
        assert_int_equal(fwrite(SIZES[i], 4, 1, f), 1);
        assert_int_equal(fclose(f), 0);
        enum result r;
        assert_null(data_open(path, true, &r));
        assert_int_equal(r, RES_STORE_DAMAGED);
    }
}

/* ---- killed processes ---- */

/* Runs in a child: commits upto, then puts what would follow, and waits to be killed. */
static void
put_and_wait(const char *path, uint64_t from, uint64_t to, int ready)
{
    enum result r;
    struct store_txn *t;
    struct store *s = data_open(path, false, &r);
    if (s == NULL || store_begin(s, &t) != RES_OK || data_put(t, from, to) != RES_OK ||
        write(ready, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void
a_process_killed_before_its_commit_leaves_the_last_one(void **state)
{
    static const uint64_t sizes[] = {10, 300, 512, 700};
    struct store *s = data_create(*state);
    uint64_t from = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        store_close(s);
        int ready[2];
        char c;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            put_and_wait(*state, from, sizes[i], ready[1]);
        close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);

        /* While it lives and holds the write lock, another process reads. */
        enum result r;
        s = data_open(*state, true, &r);
        assert_int_equal(r, RES_OK);
        assert_holds(s, from);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        store_close(s);

        s = data_open(*state, false, &r);
        assert_int_equal(r, RES_OK);
        assert_holds(s, from);
        assert_int_equal(data_commit(s, from, sizes[i]), RES_OK);
        assert_holds(s, sizes[i]);
        from = sizes[i];
    }
    store_close(s);
}

static void
a_process_killed_at_any_moment_leaves_a_whole_commit(void **state)
{
    struct store *s = data_create(*state);
    store_close(s);
    uint64_t size = 0;
    for (unsigned round = 0; round < 25; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            enum result r;
            s = data_open(*state, false, &r);
            while (s != NULL && data_commit(s, size, size + 37) == RES_OK)
                size += 37;
            _exit(1);
        }
        usleep(3000 + round * 700);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        enum result r;
        s = data_open(*state, false, &r);
        assert_int_equal(r, RES_OK);
        uint64_t now;
        assert_true(data_audit_store(s, &now));
        assert_true(now >= size && now % 37 == 0);
        size = now;
        store_close(s);
    }
    assert_true(size > 0);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ROW(a_new_store_is_empty),
        ROW(batches_of_every_shape_are_found_again),
        ROW(every_batch_from_1_to_600_is_found_again),
        ROW(a_view_keeps_what_it_began_with),
        ROW(threads_see_whole_commits_only),
        ROW(the_open_transaction_reads_itself_and_nobody_else_does),
        ROW(what_stands_is_not_replaced),
        ROW(large_leaves_have_a_limit),
        ROW(a_full_store_says_so_and_keeps_the_last_commit),
        ROW(only_a_store_of_this_format_is_opened),
        ROW(a_store_is_made_once_and_only_where_none_is),
        ROW(a_copy_is_a_store),
        ROW(damage_is_told_and_never_followed),
        ROW(garbage_is_never_followed),
        ROW(a_commit_over_a_damaged_tail_is_refused),
        ROW(a_page_size_that_cannot_be),
        ROW(a_process_killed_before_its_commit_leaves_the_last_one),
        ROW(a_process_killed_at_any_moment_leaves_a_whole_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

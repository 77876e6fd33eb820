/* bench_store FOLDER: what a durable commit of many entries takes in the store, and what the index
 * takes; FOLDER is made and removed. */
#include "log/store/index.h"
#include "log/store/store.h"
#include "merkle/leaf/datatile.h"
#include "tests/bench/bench.h"

#include <limits.h>
#include <sys/stat.h>

#define BATCH 256

static struct store *store;
static struct store_view *view;
static struct index *index_of_hashes;
static uint64_t size, indexed, at;
static uint8_t body[1200], signature[71];
static struct buf leaf;

static void
append_one(struct store_txn *t)
{
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    struct tile_leaf l = {
        .timestamped = {.timestamp = size,
                        .entry = {.type = ENTRY_X509, .body = span_of(body, sizeof body)},
                        .extensions = span_of(extensions, sizeof extensions)},
        .chain_count = 2};
    entry_leaf_index(size, extensions);
    buf_clear(&leaf);
    BENCH_NEED(tile_leaf_write(&l, &leaf) == RES_OK);
    BENCH_NEED(store_append(t, size++, buf_span(&leaf), span_of(signature, sizeof signature)) ==
               RES_OK);
}

static void
commit(void *arg)
{
    struct store_txn *t;
    (void)arg;
    BENCH_NEED(store_begin(store, &t) == RES_OK);
    for (int i = 0; i < BATCH; i++)
        append_one(t);
    struct store_head h = {.timestamp = size, .size = size, .sth_signature_n = 2};
    BENCH_NEED(store_flush(t) == RES_OK && store_put_head(t, &h) == RES_OK &&
               store_commit(t) == RES_OK);
}

static void
get_entry(void *arg)
{
    struct store_entry e;
    (void)arg;
    at = (at + 7919) % size;
    BENCH_NEED(store_view_begin(view) == RES_OK && store_get_entry(view, at, &e) == RES_OK);
    store_view_end(view);
}

/* A key that is spread as hashes are, and can be made again. */
static struct hash
key_of(uint64_t i)
{
    struct hash h;
    hash_sha256(span_of(&i, sizeof i), &h);
    return h;
}

static void
add(void *arg)
{
    struct hash keys[INDEX_MAPS] = {key_of(indexed), key_of(~indexed)};
    (void)arg;
    BENCH_NEED(index_add(index_of_hashes, indexed++, keys) == RES_OK);
}

static void
find(void *arg)
{
    uint64_t found[4];
    size_t n;
    (void)arg;
    at = (at + 7919) % indexed;
    struct hash key = key_of(at);
    BENCH_NEED(index_find(index_of_hashes, INDEX_ENTRY_KEY, &key, found, 4, &n) == RES_OK &&
               n == 1 && found[0] == at);
}

int
main(int argc, char **argv)
{
    char path[PATH_MAX], index_path[PATH_MAX + 8], command[PATH_MAX + 16];
    uint32_t format;
    uint64_t covered;
    BENCH_NEED(argc == 2 && mkdir(argv[1], 0700) == 0);
    snprintf(path, sizeof path, "%s", argv[1]);
    snprintf(index_path, sizeof index_path, "%s/index", path);
    buf_init(&leaf, 1 << 20);
    struct store_options o = {.path = path, .map_size = UINT64_C(1) << 36};
    struct index_options x = {.path = index_path, .map_size = UINT64_C(1) << 36};
    BENCH_NEED(store_create(&o, "bench") == RES_OK && store_open(&o, &format, &store) == RES_OK);
    BENCH_NEED(store_view_new(store, &view) == RES_OK);
    BENCH_NEED(index_open(&x, &covered, &index_of_hashes) == RES_OK);
    bench("store_commit_per_entry", commit, NULL, BATCH);
    bench("store_get_entry", get_entry, NULL, 1);
    bench("index_add", add, NULL, 1);
    bench("index_find", find, NULL, 1);
    index_close(index_of_hashes);
    store_view_free(view);
    store_close(store);
    buf_release(&leaf);
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    return system(command) == 0 ? 0 : 1;
}

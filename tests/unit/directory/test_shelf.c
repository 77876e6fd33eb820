/* The shelf: what is committed is read as it was added, and damage is told as damage. */
#include "tests/unit/directory/shelfdata.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "merkle/keytrans/logtree.h"
#include "merkle/tree/range.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define OBJECTS 4000

/* What was added, beside the shelf. */
struct twin {
    struct {
        uint64_t offset;
        size_t n;
        uint64_t seed; /* its bytes */
    } objects[OBJECTS];
    size_t objects_n;
    uint64_t size, versions;
    struct logtree_peaks kt;
    struct range feed;
    struct {
        struct node n;
        struct hash kt, feed;
    } nodes[2048];
    size_t nodes_n;
    struct buf completed; /* by the entry under way */
    size_t kt_n, feed_n;
};

static void
object_bytes(uint64_t seed, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static void
add_object(struct shelf_txn *t, struct twin *w, size_t n, uint64_t seed)
{
    uint8_t *p = malloc(n + 1);
    uint64_t offset;

    assert_non_null(p);
    assert_true(w->objects_n < OBJECTS);
    object_bytes(seed, p, n);
    assert_int_equal(shelf_add_bytes(t, span_of(p, n), &offset), RES_OK);
    free(p);
    w->objects[w->objects_n].offset = offset;
    w->objects[w->objects_n].n = n;
    w->objects[w->objects_n++].seed = seed;
}

static void
kt_completed(void *arg, struct node n, const struct hash *h)
{
    struct twin *w = arg;

    w->nodes[w->nodes_n + w->kt_n].n = n;
    w->nodes[w->nodes_n + w->kt_n++].kt = *h;
}

static void
feed_completed(void *arg, struct node n, const struct hash *h)
{
    struct twin *w = arg;

    assert_int_equal(w->nodes[w->nodes_n + w->feed_n].n.height, n.height);
    assert_int_equal(w->nodes[w->nodes_n + w->feed_n].n.index, n.index);
    w->nodes[w->nodes_n + w->feed_n++].feed = *h;
}

/* Appends the next entry to both trees, and its hashes to the stream. */
static void
add_entry(struct shelf_txn *t, struct twin *w)
{
    struct entry_row row = shelfdata_entry(w->size);
    struct log_entry entry = {row.feed.timestamp, row.feed.prefix_root};
    struct buf hashes = BUF_INIT(1 << 16), feed = BUF_INIT(FEED_ENTRY_SIZE);
    struct writer out = writer_to(&feed);
    struct hash leaf;

    w->kt_n = w->feed_n = 0;
    logtree_leaf(&entry, &leaf);
    logtree_append(&w->kt, &leaf, kt_completed, w);
    feed_entry_put(&out, &row.feed);
    assert_int_equal(writer_end(&out), RES_OK);
    hash_leaf(buf_span(&feed), &leaf);
    range_append(&w->feed, &leaf, feed_completed, w);
    assert_int_equal(w->kt_n, w->feed_n);
    for (size_t i = 1; i < w->kt_n; i++)
        assert_int_equal(buf_add(&hashes, hash_span(&w->nodes[w->nodes_n + i].kt)), RES_OK);
    for (size_t i = 1; i < w->kt_n; i++)
        assert_int_equal(buf_add(&hashes, hash_span(&w->nodes[w->nodes_n + i].feed)), RES_OK);
    if (hashes.n > 0)
        assert_int_equal(shelf_add_bytes(t, buf_span(&hashes), &row.hashes), RES_OK);
    assert_int_equal(shelf_add_entry(t, &row), RES_OK);
    w->nodes_n += w->kt_n;
    w->size++;
    buf_release(&hashes);
    buf_release(&feed);
}

static size_t
random_size(struct rng *r)
{
    switch (rng_next(r) % 8) {
    case 0:
        return SHELF_WHOLE_MAX - 1 + rng_next(r) % 3;
    case 1:
        return SHELF_PAGE - 2 + rng_next(r) % 4;
    case 2:
        return rng_next(r) % 20000;
    default:
        return rng_next(r) % 300;
    }
}

static void
add_epoch(struct shelf_txn *t, struct twin *w, struct rng *r)
{
    for (uint64_t n = rng_next(r) % 20; n > 0; n--)
        add_object(t, w, random_size(r), rng_next(r));
    add_object(t, w, 1, w->size); /* where labels point to */
    add_entry(t, w);
    for (uint64_t n = rng_next(r) % 90; n > 0; n--) {
        struct version_row row = shelfdata_version(w->versions, w->size - 1);
        uint64_t seq;

        assert_int_equal(shelf_add_version(t, &row, &seq), RES_OK);
        assert_int_equal(seq, w->versions++);
    }
}

static void
put_head(struct shelf_txn *t, const struct twin *w)
{
    struct directory_head h = shelfdata_head(w->size);

    assert_int_equal(shelf_put_head(t, &h), RES_OK);
    assert_int_equal(h.versions, w->versions);
}

static void
same_objects(struct shelf_view *v, const struct twin *w)
{
    struct buf scratch = BUF_INIT(1 << 20);
    struct span got;

    for (size_t i = 0; i < w->objects_n; i++) {
        uint64_t offset = w->objects[i].offset;
        size_t n = w->objects[i].n;
        uint8_t *want = malloc(n + 1);
        bool crosses = n > 0 && offset / SHELF_PAGE != (offset + n - 1) / SHELF_PAGE;

        assert_non_null(want);
        object_bytes(w->objects[i].seed, want, n);
        assert_int_equal(shelf_get_bytes(v, offset, n, &scratch, &got), RES_OK);
        assert_int_equal(got.n, n);
        assert_true(n == 0 || memcmp(got.p, want, n) == 0);
        assert_false(crosses && n <= SHELF_WHOLE_MAX);
        assert_int_equal(shelf_get_bytes(v, offset, n, NULL, &got),
                         crosses ? RES_STORE_DAMAGED : RES_OK);
        free(want);
    }
    buf_release(&scratch);
}

static void
same_rows(struct shelf_view *v, const struct twin *w)
{
    struct entry_row entry;
    struct version_row version;
    struct directory_head head, want = shelfdata_head(w->size);

    assert_int_equal(shelf_get_head(v, &head), RES_OK);
    assert_int_equal(head.size, w->size);
    assert_int_equal(head.versions, w->versions);
    assert_true(hash_equal(&head.root, &want.root));
    for (uint64_t i = 0; i < w->size; i++) {
        struct entry_row row = shelfdata_entry(i);

        assert_int_equal(shelf_get_entry(v, i, &entry), RES_OK);
        assert_int_equal(entry.feed.timestamp, row.feed.timestamp);
        assert_true(hash_equal(&entry.feed.additions_hash, &row.feed.additions_hash));
    }
    for (uint64_t seq = 0; seq < w->versions; seq++) {
        struct version_row row = shelfdata_version(seq, 0);

        assert_int_equal(shelf_get_version(v, seq, &version), RES_OK);
        assert_true(hash_equal(&version.leaf.key, &row.leaf.key));
        assert_true(hash_equal(&version.leaf.commitment, &row.leaf.commitment));
    }
    assert_int_equal(shelf_get_entry(v, w->size, &entry), RES_ABSENT);
    assert_int_equal(shelf_get_entry(v, UINT64_MAX, &entry), RES_ABSENT);
    assert_int_equal(shelf_get_version(v, w->versions, &version), RES_ABSENT);
    assert_int_equal(shelf_get_version(v, UINT64_MAX, &version), RES_ABSENT);
}

static void
same_nodes(struct shelf_view *v, const struct twin *w)
{
    struct hash h;

    /* What is expected need not be there, and nothing else becomes of it. */
    for (size_t i = 0; i < w->nodes_n; i++)
        shelf_expect_kt_nodes(v, &w->nodes[i].n, 1);
    shelf_expect_kt_nodes(v, &(struct node){3, w->size}, 1);
    for (uint64_t i = 0; i <= w->size; i++)
        shelf_expect_entry(v, i);
    for (size_t i = 0; i < w->nodes_n; i++) {
        assert_int_equal(shelf_get_kt_node(v, w->nodes[i].n, &h), RES_OK);
        assert_true(hash_equal(&h, &w->nodes[i].kt));
        assert_int_equal(shelf_get_feed_node(v, w->nodes[i].n, &h), RES_OK);
        assert_true(hash_equal(&h, &w->nodes[i].feed));
    }
    for (unsigned height = 0; height <= NODE_HEIGHT_MAX; height++) {
        struct node next = {height, w->size >> height};

        assert_int_equal(shelf_get_kt_node(v, next, &h), RES_ABSENT);
        assert_int_equal(shelf_get_feed_node(v, next, &h), RES_ABSENT);
    }
    assert_int_equal(shelf_get_kt_node(v, (struct node){NODE_HEIGHT_MAX + 1, 0}, &h), RES_ABSENT);
    assert_int_equal(shelf_get_kt_node(v, (struct node){3, UINT64_MAX}, &h), RES_ABSENT);
}

static void
same_as_twin(struct shelf_view *v, const struct twin *w)
{
    same_objects(v, w);
    same_rows(v, w);
    same_nodes(v, w);
}

static struct twin *
twin_new(void)
{
    struct twin *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    range_init(&w->feed);
    return w;
}

/* Commits n epochs; before each, one is begun and thrown away. */
static void
commit_epochs(struct shelf *s, struct twin *w, struct rng *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct twin *aborted = twin_new();
        struct shelf_txn *t;

        *aborted = *w;
        assert_int_equal(shelf_begin(s, &t), RES_OK);
        add_epoch(t, aborted, r);
        shelf_abort(t);
        free(aborted);
        assert_int_equal(shelf_begin(s, &t), RES_OK);
        add_epoch(t, w, r);
        put_head(t, w);
        assert_int_equal(shelf_commit(t), RES_OK);
    }
}

static void
random_histories_are_read_as_added(void **state)
{
    struct rng r = rng_start("random_histories_are_read_as_added");
    struct shelf *s = shelfdata_create(*state);
    struct twin *w = twin_new(), *early = NULL;
    struct shelf_view *v = shelfdata_view(s), *old = NULL;
    struct directory_head head;

    assert_int_equal(shelf_get_head(v, &head), RES_ABSENT);
    same_nodes(v, w);
    for (unsigned round = 0; round < 12; round++) {
        shelf_view_end(v);
        commit_epochs(s, w, &r, 1 + round % 3 * 4);
        assert_int_equal(shelf_view_begin(v), RES_OK); /* places are kept from before */
        same_as_twin(v, w);
        if (round % 4 == 3) {
            shelf_view_free(v);
            if (old != NULL)
                shelf_view_free(old);
            old = NULL;
            shelf_close(s);
            s = shelfdata_open(*state);
            v = shelfdata_view(s);
            same_as_twin(v, w);
        }
        if (old != NULL)
            same_as_twin(old, early); /* what it began with */
        else {
            free(early);
            early = twin_new();
            *early = *w;
            old = shelfdata_view(s);
        }
    }
    assert_true(w->size > 40 && w->versions > 400);
    shelf_view_free(v);
    shelf_view_free(old);
    shelf_view_free(NULL);
    shelf_close(s);
    shelf_close(NULL);
    free(w);
    free(early);
}

static void
an_epoch_before_any_byte_has_hashes(void **state)
{
    /* Entry 1 completes a node; nothing else was ever added, so its hashes stand at offset 0. */
    struct shelf *s = shelfdata_create(*state);
    struct twin *w = twin_new();
    struct shelf_view *v;

    for (unsigned i = 0; i < 9; i++) {
        struct shelf_txn *t;

        assert_int_equal(shelf_begin(s, &t), RES_OK);
        add_entry(t, w);
        put_head(t, w);
        assert_int_equal(shelf_commit(t), RES_OK);
    }
    v = shelfdata_view(s);
    same_as_twin(v, w);
    shelf_view_free(v);
    shelf_close(s);
    free(w);
}

static void
full_pages_are_written_once_and_never_move(void **state)
{
    struct rng r = rng_start("full_pages_are_written_once_and_never_move");
    struct shelf *s = shelfdata_create(*state);
    struct twin *w = twin_new();
    struct shelf_view *v;
    struct directory_head head;
    struct span page;
    const uint8_t *places[3];

    commit_epochs(s, w, &r, 12);
    v = shelfdata_view(s);
    assert_int_equal(shelf_get_head(v, &head), RES_OK);
    assert_true(head.stream > 3 * SHELF_PAGE);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(shelf_get_bytes(v, i * SHELF_PAGE, SHELF_PAGE, NULL, &page), RES_OK);
        places[i] = page.p;
    }
    shelf_view_free(v);
    commit_epochs(s, w, &r, 30);
    v = shelfdata_view(s); /* knows nothing from before */
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(shelf_get_bytes(v, i * SHELF_PAGE, SHELF_PAGE, NULL, &page), RES_OK);
        assert_ptr_equal(page.p, places[i]);
    }
    shelf_view_free(v);
    shelf_close(s);
    free(w);
}

static void
what_lies_outside_is_damage(void **state)
{
    struct rng r = rng_start("what_lies_outside_is_damage");
    struct shelf *s = shelfdata_create(*state);
    struct twin *w = twin_new();
    struct shelf_view *v;
    struct directory_head head;
    struct buf scratch = BUF_INIT(1 << 20), little = BUF_INIT(5000);
    struct span got;
    struct prefix_ref left, right;

    commit_epochs(s, w, &r, 8);
    v = shelfdata_view(s);
    assert_int_equal(shelf_get_head(v, &head), RES_OK);
    assert_int_equal(shelf_get_bytes(v, head.stream, 0, NULL, &got), RES_OK);
    assert_int_equal(shelf_get_bytes(v, head.stream, 1, &scratch, &got), RES_STORE_DAMAGED);
    assert_int_equal(shelf_get_bytes(v, head.stream + 1, 0, &scratch, &got), RES_STORE_DAMAGED);
    assert_int_equal(shelf_get_bytes(v, 5, (size_t)head.stream - 5, &scratch, &got), RES_OK);
    assert_int_equal(shelf_get_bytes(v, 6, (size_t)head.stream - 5, &scratch, &got),
                     RES_STORE_DAMAGED);
    assert_int_equal(shelf_get_bytes(v, UINT64_MAX, 2, &scratch, &got), RES_STORE_DAMAGED);
    assert_int_equal(shelf_get_bytes(v, 5, SIZE_MAX, &scratch, &got), RES_STORE_DAMAGED);
    assert_int_equal(shelf_get_bytes(v, 5, 6000, &little, &got), RES_TOO_LARGE);
    assert_int_equal(shelf_get_node(v, head.stream, &left, &right), RES_STORE_DAMAGED);
    assert_int_equal(shelf_get_node(v, head.stream - 1, &left, &right), RES_STORE_DAMAGED);
    assert_int_equal(shelf_get_node(v, UINT64_MAX, &left, &right), RES_STORE_DAMAGED);
    shelf_view_free(v);
    shelf_close(s);
    buf_release(&scratch);
    buf_release(&little);
    free(w);
}

static void
proofs_are_put_once(void **state)
{
    struct shelf *s = shelfdata_create(*state);
    struct twin *w = twin_new();
    struct shelf_txn *t;
    struct shelf_view *v;
    struct version_row row = shelfdata_version(0, 0);
    uint8_t steps[2 * STEP_SIZE] = {1, 2, 3}, others[STEP_SIZE] = {4};
    struct span got;
    uint64_t seq;

    assert_int_equal(shelf_begin(s, &t), RES_OK);
    add_object(t, w, 3, 1);
    add_entry(t, w);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(shelf_add_version(t, &row, &seq), RES_OK);
    w->versions = 3;
    put_head(t, w);
    assert_int_equal(shelf_commit(t), RES_OK);
    v = shelfdata_view(s);
    assert_int_equal(shelf_get_proofs(v, 1, &got), RES_ABSENT);
    shelf_view_end(v);

    assert_int_equal(shelf_begin(s, &t), RES_OK);
    assert_int_equal(shelf_put_proofs(t, 1, span_of(steps, sizeof(steps))), RES_OK);
    assert_int_equal(shelf_put_proofs(t, 2, span_of(NULL, 0)), RES_OK); /* none belong to it */
    assert_int_equal(shelf_put_proofs(t, 1, span_of(others, sizeof(others))), RES_OK);
    assert_int_equal(shelf_commit(t), RES_OK);

    assert_int_equal(shelf_view_begin(v), RES_OK);
    assert_int_equal(shelf_get_proofs(v, 1, &got), RES_OK);
    assert_true(span_equal(got, span_of(steps, sizeof(steps))));
    assert_int_equal(shelf_get_proofs(v, 2, &got), RES_OK);
    assert_int_equal(got.n, 0);
    assert_int_equal(shelf_get_proofs(v, 0, &got), RES_ABSENT);
    assert_int_equal(shelf_get_proofs(v, 3, &got), RES_ABSENT);
    shelf_view_free(v);
    shelf_close(s);
    free(w);
}

static void
bindings_hold_from_their_epoch_on(void **state)
{
    struct shelf *s = shelfdata_create(*state);
    struct twin *w = twin_new();
    struct shelf_view *v = shelfdata_view(s), *old;
    struct shelf_txn *t;
    struct span got;

    assert_int_equal(shelf_get_bindings(v, &got), RES_ABSENT);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(shelf_begin(s, &t), RES_OK);
        assert_int_equal(shelf_put_bindings(t, span_str("thrown away")), RES_OK);
        shelf_abort(t);
        assert_int_equal(shelf_begin(s, &t), RES_OK);
        if (i != 1)
            assert_int_equal(shelf_put_bindings(t, span_str(i == 0 ? "first" : "second")), RES_OK);
        add_entry(t, w);
        put_head(t, w);
        assert_int_equal(shelf_commit(t), RES_OK);
        old = v;
        v = shelfdata_view(s);
        assert_int_equal(shelf_get_bindings(v, &got), RES_OK);
        assert_true(span_equal(got, span_str(i < 2 ? "first" : "second")));
        assert_int_equal(shelf_get_bindings(old, &got), i == 0 ? RES_ABSENT : RES_OK);
        assert_true(i == 0 || span_equal(got, span_str("first")));
        shelf_view_free(old);
    }
    shelf_view_free(v);
    shelf_close(s);
    free(w);
}

static void
making_and_opening(void **state)
{
    struct shelf_options o = {.path = *state, .map_size = SHELF_TEST_MAP}, r = o;
    char longest[SHELF_ORIGIN_MAX + 2], copy[600];
    struct kt_config config;
    struct reader in;
    struct shelf *s;
    struct twin *w = twin_new();
    struct rng rng = rng_start("making_and_opening");
    struct shelf_view *v;

    r.read_only = true;
    memset(longest, 'a', sizeof(longest));
    longest[SHELF_ORIGIN_MAX + 1] = '\0';
    assert_int_equal(shelf_open(&o, &s), RES_ABSENT);
    assert_int_equal(shelf_open(&r, &s), RES_ABSENT);
    assert_int_equal(shelf_create(&o, "", shelfdata_configuration()), RES_VALUE);
    assert_int_equal(shelf_create(&o, longest, shelfdata_configuration()), RES_VALUE);
    assert_int_equal(shelf_create(&o, "a", span_str("no configuration")), RES_VALUE);
    longest[SHELF_ORIGIN_MAX] = '\0';
    assert_int_equal(shelf_create(&o, longest, shelfdata_configuration()), RES_OK);
    assert_int_equal(shelf_create(&o, "a", shelfdata_configuration()), RES_EXISTS);
    assert_int_equal(shelf_open(&o, &s), RES_OK);
    assert_string_equal(shelf_origin(s), longest);
    in = reader_of(shelfdata_configuration());
    kt_config_get(&in, &config);
    assert_int_equal(reader_end(&in), RES_OK);
    assert_memory_equal(shelf_config(s)->vrf_key, config.vrf_key, KT_KEY_SIZE);
    assert_int_equal(shelf_config(s)->window.monitoring, config.window.monitoring);
    commit_epochs(s, w, &rng, 5);
    snprintf(copy, sizeof(copy), "%s/copy", (char *)*state);
    assert_int_equal(mkdir(copy, 0700), 0);
    assert_int_equal(shelf_copy(s, copy), RES_OK);
    assert_int_equal(shelf_copy(s, copy), RES_EXISTS);
    assert_true(shelf_bytes(s) > 5 * SHELF_PAGE);
    shelf_close(s);
    r.path = copy;
    assert_int_equal(shelf_open(&r, &s), RES_OK);
    v = shelfdata_view(s);
    same_as_twin(v, w);
    shelf_view_free(v);
    shelf_close(s);
    free(w);
}

/* ---- damage ---- */

/* Replaces the value under key in a table, or takes it out (value NULL), behind the shelf's back.
 */
static void
tamper(const char *path, const char *table, const void *key, size_t key_n, const void *value,
       size_t n)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val k = {key_n, (void *)(uintptr_t)key}, v = {n, (void *)(uintptr_t)value};

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_set_mapsize(env, (size_t)SHELF_TEST_MAP), 0);
    assert_int_equal(mdb_env_open(env, path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
    if (value == NULL)
        assert_int_equal(mdb_del(txn, dbi, &k, NULL), 0);
    else
        assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* A shelf of 50 rows of either kind and three pages of stream; closed. */
static void
make_for_damage(const char *path)
{
    struct shelf *s = shelfdata_create(path);
    struct twin *w = twin_new();
    struct version_row row = shelfdata_version(0, 0);
    struct shelf_txn *t;
    uint64_t seq;

    assert_int_equal(shelf_begin(s, &t), RES_OK);
    for (unsigned i = 0; i < 50; i++) {
        add_object(t, w, 250, i);
        add_entry(t, w);
        assert_int_equal(shelf_add_version(t, &row, &seq), RES_OK);
        w->versions++;
    }
    put_head(t, w);
    assert_int_equal(shelf_commit(t), RES_OK);
    shelf_close(s);
    free(w);
}

static enum result
read_everything(const char *path)
{
    struct shelf_options o = {.path = path, .map_size = SHELF_TEST_MAP, .read_only = true};
    struct buf scratch = BUF_INIT(1 << 20);
    struct directory_head head;
    struct version_row version;
    struct entry_row entry;
    struct shelf_view *v;
    struct span bytes;
    struct shelf *s;
    struct hash h;
    enum result rc = shelf_open(&o, &s);

    if (rc != RES_OK)
        return rc;
    assert_int_equal(shelf_view_new(s, &v), RES_OK);
    rc = shelf_view_begin(v);
    if (rc == RES_OK)
        rc = shelf_get_head(v, &head);
    for (uint64_t i = 0; rc == RES_OK && i < head.size; i++)
        rc = shelf_get_entry(v, i, &entry);
    for (uint64_t i = 0; rc == RES_OK && i < head.size / 2; i++)
        rc = shelf_get_kt_node(v, (struct node){1, i}, &h);
    for (uint64_t i = 0; rc == RES_OK && i < head.versions; i++)
        rc = shelf_get_version(v, i, &version);
    if (rc == RES_OK)
        rc = shelf_get_bytes(v, 0, (size_t)head.stream, &scratch, &bytes);
    shelf_view_free(v);
    shelf_close(s);
    buf_release(&scratch);
    return rc;
}

#define ZEROS ((const uint8_t[3 *SHELF_PAGE]){0})
#define ONES "\xff\xff\xff\xff\xff\xff\xff\xff"

static const struct damage {
    const char *says;
    const char *table, *key;
    size_t key_n;
    const char *value; /* NULL with n > 0: zeros; NULL with n == 0: taken out */
    size_t n;
    enum result want;
} damages[] = {
    {"no page of the stream", "page", "\0\0\0\0\0\0\0\1", 8, NULL, 0, RES_STORE_DAMAGED},
    {"a full page too short", "page", "\0\0\0\0\0\0\0\1", 8, NULL, 4079, RES_STORE_DAMAGED},
    {"a full page too long", "page", "\0\0\0\0\0\0\0\1", 8, NULL, 4081, RES_STORE_DAMAGED},
    {"no tails", "meta", "tails", 5, NULL, 0, RES_STORE_DAMAGED},
    {"tails too short", "meta", "tails", 5, NULL, 1, RES_STORE_DAMAGED},
    {"tails too long", "meta", "tails", 5, NULL, 3 * SHELF_PAGE, RES_STORE_DAMAGED},
    {"no page of entries", "entry", "\0\0\0\0\0\0\0\0", 8, NULL, 0, RES_STORE_DAMAGED},
    {"a page of entries with half a row", "entry", "\0\0\0\0\0\0\0\1", 8, NULL, 2000,
     RES_STORE_DAMAGED},
    {"no page of versions", "version", "\0\0\0\0\0\0\0\0", 8, NULL, 0, RES_STORE_DAMAGED},
    {"versions of zeros", "version", "\0\0\0\0\0\0\0\0", 8, NULL, SHELF_PAGE, RES_STORE_DAMAGED},
    {"a head of zeros", "meta", "head", 4, NULL, 232, RES_STORE_DAMAGED},
    {"a head too short", "meta", "head", 4, NULL, 231, RES_STORE_DAMAGED},
    {"no head: no epoch yet", "meta", "head", 4, NULL, 0, RES_ABSENT},
    {"no format", "meta", "format", 6, NULL, 0, RES_STORE_DAMAGED},
    {"a format of another length", "meta", "format", 6, "\1", 1, RES_STORE_DAMAGED},
    {"an earlier format", "meta", "format", 6, "\0\0\0\1", 4, RES_STORE_FORMAT},
    {"a later format", "meta", "format", 6, "\0\0\0\3", 4, RES_STORE_FORMAT},
    {"no origin", "meta", "origin", 6, NULL, 0, RES_STORE_DAMAGED},
    {"an origin that is too long", "meta", "origin", 6, NULL, 256, RES_STORE_DAMAGED},
    {"an origin with a zero byte", "meta", "origin", 6, "a\0b", 3, RES_STORE_DAMAGED},
    {"no configuration", "meta", "configuration", 13, NULL, 0, RES_STORE_DAMAGED},
    {"a configuration that is none", "meta", "configuration", 13, ONES, 8, RES_STORE_DAMAGED},
};

static void
damaged_pages_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        const struct damage *d = &damages[i];
        char *path = scratch_new();

        print_message("    %s\n", d->says);
        make_for_damage(path);
        assert_int_equal(read_everything(path), RES_OK);
        tamper(path, d->table, d->key, d->key_n,
               d->value != NULL ? (const void *)d->value
               : d->n > 0       ? ZEROS
                                : NULL,
               d->n);
        assert_int_equal(read_everything(path), d->want);
        scratch_free(path);
    }
}

static void
no_transaction_over_a_damaged_end(void **state)
{
    struct shelf *s;
    struct shelf_txn *t;

    make_for_damage(*state);
    tamper(*state, "meta", "tails", 5, ZEROS, 3);
    s = shelfdata_open(*state);
    assert_int_equal(shelf_begin(s, &t), RES_STORE_DAMAGED);
    assert_int_equal(shelf_begin(s, &t), RES_STORE_DAMAGED); /* and it is over */
    shelf_close(s);
}

/* Any byte of the file may be another: nothing is read that is not there, and no call goes astray.
 */
static void
flipped_bytes_do_no_harm(void **state)
{
    struct rng r = rng_start("flipped_bytes_do_no_harm");
    char name[600];
    uint8_t *whole;
    struct stat st;
    unsigned told = 0;
    int fd;

    make_for_damage(*state);
    snprintf(name, sizeof(name), "%s/data.mdb", (char *)*state);
    fd = open(name, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    whole = malloc((size_t)st.st_size);
    assert_non_null(whole);
    assert_int_equal(pread(fd, whole, (size_t)st.st_size, 0), st.st_size);
    for (unsigned i = 0; i < 400; i++) {
        /* Rows and stream: LMDB's own pages are not proof against every byte. */
        off_t at = 0;
        uint8_t b;

        do
            at = (off_t)(rng_next(&r) % (uint64_t)st.st_size);
        while ((whole[at / 4096 * 4096 + 10] & 4) == 0 || at % 4096 < 16); /* overflow pages */
        b = (uint8_t)(whole[at] ^ (1 + rng_next(&r) % 255));
        assert_int_equal(pwrite(fd, &b, 1, at), 1);
        enum result rc = read_everything(*state);
        assert_true(rc == RES_OK || rc == RES_STORE_DAMAGED);
        told += rc != RES_OK;
        assert_int_equal(pwrite(fd, &whole[at], 1, at), 1);
    }
    assert_true(told > 0);
    assert_int_equal(read_everything(*state), RES_OK);
    free(whole);
    close(fd);
}

/* ---- memory ---- */

static enum result
one_epoch(const char *path)
{
    struct shelf_options o = {.path = path, .map_size = SHELF_TEST_MAP};
    struct shelf *s = NULL;
    struct shelf_view *v = NULL;
    struct shelf_txn *t = NULL;
    struct directory_head head;
    struct buf scratch = BUF_INIT(1 << 20);
    struct span got;
    uint8_t bytes[5000] = {1};
    uint64_t offset;
    enum result rc = shelf_open(&o, &s);

    if (rc == RES_OK)
        rc = shelf_begin(s, &t);
    if (rc == RES_OK) {
        struct entry_row row = shelfdata_entry(0); /* completes nothing */

        rc = shelf_add_bytes(t, span_of(bytes, sizeof(bytes)), &offset);
        if (rc == RES_OK)
            rc = shelf_add_entry(t, &row);
        head = shelfdata_head(1);
        if (rc == RES_OK)
            rc = shelf_put_head(t, &head);
        if (rc == RES_OK)
            rc = shelf_commit(t);
        else
            shelf_abort(t);
    }
    if (rc == RES_OK)
        rc = shelf_view_new(s, &v);
    if (rc == RES_OK)
        rc = shelf_view_begin(v);
    if (rc == RES_OK)
        rc = shelf_get_bytes(v, offset, sizeof(bytes), &scratch, &got);
    if (rc == RES_OK)
        assert_memory_equal(got.p, bytes, sizeof(bytes));
    shelf_view_free(v);
    shelf_close(s);
    buf_release(&scratch);
    return rc;
}

static void
memory_that_fails_is_told(void **state)
{
    size_t n = 1;

    (void)state;
    for (size_t i = 0; i <= n; i++) {
        char *path = scratch_new();
        enum result rc;

        shelf_close(shelfdata_create(path));
        failalloc_at(i);
        rc = one_epoch(path);
        if (i == 0)
            n = failalloc_count();
        failalloc_at(0);
        assert_int_equal(rc, i == 0 ? RES_OK : RES_MEMORY);
        scratch_free(path);
    }
    assert_true(n >= 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_histories_are_read_as_added, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(an_epoch_before_any_byte_has_hashes, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(full_pages_are_written_once_and_never_move, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_lies_outside_is_damage, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(proofs_are_put_once, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(bindings_hold_from_their_epoch_on, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(making_and_opening, scratch_setup, scratch_teardown),
        cmocka_unit_test(damaged_pages_are_told),
        cmocka_unit_test_setup_teardown(no_transaction_over_a_damaged_end, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(flipped_bytes_do_no_harm, scratch_setup, scratch_teardown),
        cmocka_unit_test(memory_that_fails_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/directory/testdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log/accept/roots.h"
#include "log/directory/nodes.h"
#include "merkle/keytrans/commitment.h"
#include "merkle/note/checkpoint.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"

#define MAX_AHEAD_MS 300000
#define MAX_BEHIND_MS 3600000
#define TEXT_MAX 512
#define STATE_MAX (1u << 24)
#define ANSWER_MAX (8u << 20)
/* A MailboxState that is one. */
#define TOMBSTONE_SIZE 15

static uint64_t now;

static void *
grow(void *p, size_t n, size_t cap, size_t size)
{
    if (n == cap)
        p = realloc(p, (cap == 0 ? 16 : 2 * cap) * size);
    assert_non_null(p);
    return p;
}

static const char *
path_of(const struct testdir *t, const char *name)
{
    static char path[CONFIG_TEXT_MAX];

    assert_true(snprintf(path, sizeof(path), "%s/%s", t->path, name) < (int)sizeof(path));
    return path;
}

static void
make_dir(const struct testdir *t, const char *name)
{
    assert_int_equal(mkdir(path_of(t, name), 0700), 0);
}

/* ---- making ---- */

static void
name_labels(struct testdir *t)
{
    for (unsigned i = 0; i <= TESTDIR_LABELS; i++) {
        struct label *l = &t->label[i].name;
        bool domain = i == TESTDIR_DOMAIN;
        int n = domain ? snprintf((char *)l->b + 1, LABEL_MAX - 1, "example.org")
                       : snprintf((char *)l->b + 1, LABEL_MAX - 1, "user%u@example.org", i);

        l->b[0] = domain ? LABEL_DOMAIN : LABEL_MAILBOX;
        l->n = (size_t)n + 1;
        assert_true(label_is(span_of(l->b, l->n)));
    }
}

static void
make_store(struct testdir *t)
{
    char path[CONFIG_TEXT_MAX];
    struct store_options o = {.path = path, .map_size = TESTDIR_MAP};
    uint32_t format;

    make_dir(t, "store");
    (void)snprintf(path, sizeof(path), "%s", path_of(t, "store"));
    assert_int_equal(store_create(&o, TESTDIR_ORIGIN), RES_OK);
    assert_int_equal(store_open(&o, &format, &t->store), RES_OK);
}

static void
make_shelf(struct testdir *t, const struct kt_window *window)
{
    struct buf bytes = BUF_INIT(256);
    struct writer w = writer_to(&bytes);
    struct shelf_options o = {.path = path_of(t, "directory"), .map_size = TESTDIR_MAP};

    t->kt = (struct kt_config){
        .max_ahead = MAX_AHEAD_MS, .max_behind = MAX_BEHIND_MS, .window = *window};
    memcpy(t->kt.signature_key, signer_directory_public(t->signer), KT_KEY_SIZE);
    memcpy(t->kt.vrf_key, signer_vrf_public(t->signer), KT_KEY_SIZE);
    kt_config_put(&w, &t->kt);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(shelf_create(&o, TESTDIR_ORIGIN, buf_span(&bytes)), RES_OK);
    buf_release(&bytes);
}

void
testdir_init(struct testdir *t, const struct kt_window *window)
{
    memset(t, 0, sizeof(*t));
    t->path = scratch_new();
    config_defaults(&t->config);
    (void)snprintf(t->config.dir, sizeof(t->config.dir), "%s", t->path);
    (void)snprintf(t->config.origin, sizeof(t->config.origin), "%s", TESTDIR_ORIGIN);
    t->config.map_size = TESTDIR_MAP;
    name_labels(t);
    make_dir(t, "keys");
    make_dir(t, "directory");
    make_store(t);
    assert_int_equal(signer_create(t->path), RES_OK);
    assert_int_equal(signer_open(t->path, &t->signer), RES_OK);
    assert_int_equal(keyring_create(path_of(t, "directory/keys")), RES_OK);
    assert_int_equal(recipes_create(path_of(t, "directory/recipes")), RES_OK);
    make_shelf(t, window);
    assert_int_equal(roots_new(&t->roots), RES_OK);
    range_init(&t->feed_range);
    changes_init(&t->changes);
    t->hashes[0] = t->hashes[1] = BUF_INIT(4096);
    t->root.kind = PREFIX_EMPTY;
    testdir_fill(t);
}

static void
end_filling(struct testdir *t)
{
    if (t->shelf == NULL)
        return;
    held_release(&t->held);
    shelf_view_free(t->view);
    recipes_close(t->recipes);
    versions_close(t->versions);
    keyring_close(t->keys);
    shelf_close(t->shelf);
    t->shelf = NULL;
}

static void
end_reading(struct testdir *t)
{
    directory_reader_free(t->r);
    directory_close(t->d);
    t->r = NULL;
    t->d = NULL;
}

void
testdir_release(struct testdir *t)
{
    end_filling(t);
    end_reading(t);
    store_close(t->store);
    signer_close(t->signer);
    roots_unref(t->roots);
    changes_release(&t->changes);
    buf_release(&t->hashes[0]);
    buf_release(&t->hashes[1]);
    for (unsigned i = 0; i <= TESTDIR_LABELS; i++) {
        for (size_t v = 0; v < t->label[i].n; v++)
            free(t->label[i].at[v].value);
        free(t->label[i].at);
    }
    free(t->entries);
    free(t->peaks);
    free(t->feed);
    scratch_free(t->path);
}

void
testdir_fill(struct testdir *t)
{
    char path[CONFIG_TEXT_MAX];
    struct shelf_options o = {.path = path, .map_size = TESTDIR_MAP};
    struct directory_head head = {.size = 0};

    end_reading(t);
    (void)snprintf(path, sizeof(path), "%s", path_of(t, "directory"));
    assert_int_equal(shelf_open(&o, &t->shelf), RES_OK);
    assert_int_equal(keyring_open(path_of(t, "directory/keys"), &t->keys), RES_OK);
    assert_int_equal(
        versions_open(path_of(t, "directory/index"), TESTDIR_MAP, t->shelf, t->keys, &t->versions),
        RES_OK);
    assert_int_equal(shelf_view_new(t->shelf, &t->view), RES_OK);
    assert_int_equal(held_init(&t->held, t->view, t->keys), RES_OK);
    assert_int_equal(shelf_view_begin(t->view), RES_OK);
    if (t->n > 0)
        assert_int_equal(shelf_get_head(t->view, &head), RES_OK);
    shelf_view_end(t->view);
    assert_int_equal(
        recipes_open(path_of(t, "directory/recipes"), head.size, head.recipes, false, &t->recipes),
        RES_OK);
}

/* ---- what the directory asks ---- */

static void
no_head(void *arg, struct store_head *ret)
{
    (void)arg;
    memset(ret, 0, sizeof(*ret));
}

static struct roots *
no_roots(void *arg)
{
    const struct testdir *t = arg;

    return roots_ref(t->roots);
}

static void
no_halt(void *arg, enum result why, const char *what)
{
    (void)arg;
    fail_msg("halted: %s, %s", what, result_name(why));
}

static uint64_t
same_time(void)
{
    return now;
}

void
testdir_open(struct testdir *t)
{
    struct directory_hooks hooks = {
        .head = no_head, .roots = no_roots, .halted = no_halt, .arg = t, .now_ms = same_time};
    struct log_trouble why = {{0}};

    end_filling(t);
    now = t->entries[t->n - 1].timestamp;
    enum result rc = directory_open(&t->config, t->signer, t->store, &hooks, &t->d, &why);
    if (rc != RES_OK)
        fail_msg("%s", why.text);
    assert_int_equal(directory_reader_new(t->d, &t->r), RES_OK);
}

/* ---- one entry ---- */

/* One record that nothing but its version has; every third has expired. */
static void
touch_of(const struct testdir *t, unsigned label, uint64_t timestamp, struct touch *ret)
{
    const struct testdir_label *l = &t->label[label];
    uint64_t n = l->n;
    uint8_t bytes[] = {(uint8_t)label, (uint8_t)n, (uint8_t)(n >> 8), 0};

    *ret = (struct touch){.label = l->name, .index = n};
    if (t->record != NULL && label != TESTDIR_DOMAIN) {
        ret->record = *t->record;
        return;
    }
    hash_sha256(span_of(bytes, sizeof(bytes)), &ret->record.key_id);
    ret->leaf_hash = ret->record.key_id;
    ret->record.precert_index = n;
    ret->record.final_index = MAILBOX_NO_INDEX;
    ret->record.not_before = n;
    ret->record.not_after = n % 3 == 2 ? timestamp / 1000 : timestamp / 1000 + 1000000;
    ret->record.purpose = MAILBOX_BOTH;
    ret->record.source = 1;
    ret->record.status = MAILBOX_GOOD;
    ret->record.address = span_of(l->name.b + 1, l->name.n - 1);
}

static void
remember(struct testdir *t, unsigned label)
{
    struct testdir_label *l = &t->label[label];
    const struct change *c = &t->changes.at[t->changes.n - 1];
    struct span value = span_of(t->changes.value.p + 4, t->changes.value.n - 4);

    l->at = grow(l->at, l->n, l->cap, sizeof(*l->at));
    l->cap = l->n == l->cap ? (l->cap == 0 ? 16 : 2 * l->cap) : l->cap;
    l->at[l->n] = (struct testdir_version){
        .entry = t->n, .commitment = c->commitment, .value = malloc(value.n), .value_n = value.n};
    assert_non_null(l->at[l->n].value);
    memcpy(l->at[l->n].value, value.p, value.n);
    l->n++;
}

/* In the place of the version that was just made. */
static void
make_tombstone(struct testdir *t, uint64_t timestamp)
{
    const struct mailbox_state state = {
        .tombstone = true, .time = timestamp / 1000, .reason = MAILBOX_ERASED_REQUEST, .count = 1};
    struct change *c = &t->changes.at[t->changes.n - 1];
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    struct writer w = writer_to(&t->changes.value);

    buf_clear(&t->changes.value);
    put_u32(&w, TOMBSTONE_SIZE);
    mailbox_state_put(&w, &state);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(t->changes.value.n, 4 + TOMBSTONE_SIZE);
    assert_int_equal(keyring_opening(t->keys, c->number, c->version, opening), RES_OK);
    assert_int_equal(commitment_make(opening, span_of(c->label.b, c->label.n), c->version,
                                     buf_span(&t->changes.value), &c->commitment),
                     RES_OK);
}

static void
make_changes(struct testdir *t, uint64_t timestamp, unsigned labels)
{
    struct change_parts parts = {.view = t->view,
                                 .rows = t->rows,
                                 .versions = t->versions,
                                 .keys = t->keys,
                                 .held = &t->held};

    changes_clear(&t->changes, t->labels);
    for (unsigned i = 0; i < TESTDIR_LABELS; i++) {
        struct touch touch, *at = &touch;

        if (!(labels >> i & 1))
            continue;
        touch_of(t, i, timestamp, &touch);
        assert_int_equal(changes_add(&t->changes, &parts, &at, 1, timestamp), RES_OK);
        struct change *c = &t->changes.at[t->changes.n - 1];
        assert_int_equal(c->version, t->label[i].n);
        assert_int_equal(signer_vrf_output(t->signer, testdir_name(t, i), c->version, &c->output),
                         RES_OK);
        if (i == 0 && c->version > 0 && c->version == t->tombstone)
            make_tombstone(t, timestamp);
        remember(t, i);
    }
    t->labels = t->changes.labels;
}

static int
by_output(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return memcmp(x->output.b, y->output.b, HASH_SIZE);
}

static void
put_row(struct testdir *t, struct shelf_txn *txn, struct change *c, uint64_t *ret_seq)
{
    struct version_row row = {.leaf = {c->output, c->commitment},
                              .entry = t->n,
                              .version = c->version,
                              .previous = c->previous,
                              .state_n = (uint32_t)c->state_n};
    struct buf bytes = BUF_INIT(STATE_MAX);
    struct writer w = writer_to(&bytes);
    struct hash key;

    if (c->fresh) {
        uint8_t text[LABEL_MAX];

        assert_int_equal(
            keyring_crypt(t->keys, c->number, KEYRING_TEXT, 0, c->label.b, c->label.n, text),
            RES_OK);
        put_u40(&w, c->number);
        put_vec8(&w, span_of(text, c->label.n));
        assert_int_equal(writer_end(&w), RES_OK);
        assert_int_equal(shelf_add_bytes(txn, buf_span(&bytes), &c->text), RES_OK);
    }
    buf_clear(&bytes);
    assert_int_equal(buf_reserve(&bytes, c->state_n), RES_OK);
    assert_int_equal(keyring_crypt(t->keys, c->number, KEYRING_STATE, c->version,
                                   t->changes.bytes.p + c->state, c->state_n, bytes.p),
                     RES_OK);
    assert_int_equal(shelf_add_bytes(txn, span_of(bytes.p, c->state_n), &row.state), RES_OK);
    row.label = c->text;
    keyring_label_key(t->keys, span_of(c->label.b, c->label.n), &key);
    memcpy(row.print, key.b + 8, sizeof(row.print));
    assert_int_equal(shelf_add_version(txn, &row, ret_seq), RES_OK);
    buf_release(&bytes);
}

static void
put_rows(struct testdir *t, struct shelf_txn *txn, struct feed_entry *f)
{
    struct nodes nodes = {.view = t->view, .txn = txn};
    struct prefix_store store = nodes_store(&nodes);
    struct prefix_addition add[TESTDIR_LABELS];
    struct buf bytes = BUF_INIT(TESTDIR_LABELS * FEED_ADDITION_SIZE);
    struct writer w = writer_to(&bytes);
    size_t n = t->changes.n;

    if (n > 0)
        qsort(t->changes.at, n, sizeof(t->changes.at[0]), by_output);
    for (size_t i = 0; i < n; i++) {
        struct change *c = &t->changes.at[i];

        add[i].leaf = (struct prefix_leaf){c->output, c->commitment};
        put_row(t, txn, c, &add[i].ref);
        feed_addition_put(&w, &add[i].leaf);
    }
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(prefix_insert(&store, &t->root, add, n, &t->root), RES_OK);
    f->additions = (uint32_t)n;
    hash_sha256(buf_span(&bytes), &f->additions_hash);
    buf_release(&bytes);
}

static void
keep_kt(void *arg, struct node n, const struct hash *h)
{
    struct testdir *t = arg;

    if (n.height > 0)
        assert_int_equal(buf_add(&t->hashes[0], hash_span(h)), RES_OK);
}

static void
keep_feed(void *arg, struct node n, const struct hash *h)
{
    struct testdir *t = arg;

    if (n.height > 0)
        assert_int_equal(buf_add(&t->hashes[1], hash_span(h)), RES_OK);
}

static void
grow_trees(struct testdir *t, struct feed_entry *f, struct logtree_peaks *peaks)
{
    struct log_entry e = {f->timestamp, f->prefix_root};
    struct buf bytes = BUF_INIT(FEED_ENTRY_SIZE);
    struct writer w = writer_to(&bytes);
    struct hash leaf;

    buf_clear(&t->hashes[0]);
    buf_clear(&t->hashes[1]);
    logtree_leaf(&e, &leaf);
    logtree_append(peaks, &leaf, keep_kt, t);
    logtree_root(peaks, &f->root);
    feed_entry_put(&w, f);
    assert_int_equal(writer_end(&w), RES_OK);
    hash_leaf(buf_span(&bytes), &leaf);
    range_append(&t->feed_range, &leaf, keep_feed, t);
    assert_int_equal(buf_add(&t->hashes[0], buf_span(&t->hashes[1])), RES_OK);
    buf_release(&bytes);
}

static void
put_head(struct testdir *t, struct shelf_txn *txn, const struct hash *root)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct directory_head h = {
        .size = t->n + 1, .labels = t->labels, .recipes = recipes_offset(t->recipes)};

    h.root = *root;
    range_root(&t->feed_range, &h.feed_root);
    assert_int_equal(signer_directory_head(t->signer, &t->kt, h.size, &h.root, h.signature),
                     RES_OK);
    assert_int_equal(checkpoint_write(TESTDIR_ORIGIN "/feed", h.size, &h.feed_root, &text), RES_OK);
    assert_int_equal(signer_feed(t->signer, buf_span(&text), h.feed_signature), RES_OK);
    assert_int_equal(shelf_put_head(txn, &h), RES_OK);
    buf_release(&text);
}

static void
put_recipe(struct testdir *t, uint64_t timestamp)
{
    struct recipe q = {.number = t->n, .timestamp = timestamp};
    struct buf bytes = BUF_INIT(RECIPE_MAX);

    hash_empty(&q.certificates_root);
    hash_empty(&q.crls_root);
    assert_int_equal(recipes_append(t->recipes, &q), RES_OK);
    assert_int_equal(recipes_next(t->recipes, &bytes, &q), RES_OK);
    buf_release(&bytes);
}

static void
push_entry(struct testdir *t, const struct feed_entry *f, const struct logtree_peaks *peaks)
{
    t->entries = grow(t->entries, t->n, t->cap, sizeof(*t->entries));
    t->peaks = grow(t->peaks, t->n, t->cap, sizeof(*t->peaks));
    t->feed = grow(t->feed, t->n, t->cap, sizeof(*t->feed));
    t->cap = t->n == t->cap ? (t->cap == 0 ? 16 : 2 * t->cap) : t->cap;
    t->entries[t->n] = (struct log_entry){f->timestamp, f->prefix_root};
    t->peaks[t->n] = *peaks;
    t->feed[t->n] = *f;
    t->n++;
}

void
testdir_append(struct testdir *t, uint64_t timestamp, unsigned labels)
{
    struct logtree_peaks peaks = {.size = 0};
    struct entry_row row = {.feed = {.timestamp = timestamp}};
    struct shelf_txn *txn;

    if (t->n > 0)
        peaks = t->peaks[t->n - 1];
    put_recipe(t, timestamp);
    assert_int_equal(shelf_view_begin(t->view), RES_OK);
    make_changes(t, timestamp, labels);
    assert_int_equal(shelf_begin(t->shelf, &txn), RES_OK);
    put_rows(t, txn, &row.feed);
    row.root = t->root;
    row.feed.prefix_root = t->root.hash;
    hash_empty(&row.feed.certificates_root);
    hash_empty(&row.feed.crls_root);
    grow_trees(t, &row.feed, &peaks);
    if (t->hashes[0].n > 0)
        assert_int_equal(shelf_add_bytes(txn, buf_span(&t->hashes[0]), &row.hashes), RES_OK);
    assert_int_equal(shelf_add_entry(txn, &row), RES_OK);
    put_head(t, txn, &row.feed.root);
    assert_int_equal(shelf_commit(txn), RES_OK);
    shelf_view_end(t->view);
    assert_int_equal(recipes_pass(t->recipes), RES_OK);
    for (size_t i = 0; i < t->changes.n; i++) {
        const struct change *c = &t->changes.at[i];
        assert_int_equal(
            versions_add(t->versions, t->rows++, span_of(c->label.b, c->label.n), c->version),
            RES_OK);
    }
    push_entry(t, &row.feed, &peaks);
}

/* The value of the newest version, by a search that another test believes or does not. */
static void
take_version(struct testdir *t, unsigned label)
{
    struct testdir_label *l = &t->label[label];
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct directory_found found;
    struct version_row row;
    uint64_t seq;

    assert_int_equal(shelf_view_begin(t->d->view), RES_OK);
    assert_int_equal(versions_newest(t->d->versions, t->d->view, t->d->head.versions,
                                     testdir_name(t, label), &seq, &row),
                     RES_OK);
    shelf_view_end(t->d->view);
    assert_int_equal(row.version, l->n);
    assert_int_equal(row.entry, t->n);
    assert_int_equal(directory_lookup(t->r, &l->name, (struct kt_optional){false, 0},
                                      (struct kt_optional){false, 0}, &out, &found),
                     RES_OK);
    l->at = grow(l->at, l->n, l->cap, sizeof(*l->at));
    l->cap = l->n == l->cap ? (l->cap == 0 ? 16 : 2 * l->cap) : l->cap;
    l->at[l->n] = (struct testdir_version){.entry = t->n,
                                           .commitment = row.leaf.commitment,
                                           .value = malloc(found.value.n),
                                           .value_n = found.value.n};
    assert_non_null(l->at[l->n].value);
    memcpy(l->at[l->n++].value, found.value.p, found.value.n);
    t->rows++;
    buf_release(&out);
}

void
testdir_take_epoch(struct testdir *t, unsigned label)
{
    struct logtree_peaks peaks = t->peaks[t->n - 1];
    struct entry_row row;
    struct feed_entry f;

    assert_int_equal(shelf_view_begin(t->d->view), RES_OK);
    assert_int_equal(shelf_get_entry(t->d->view, t->n, &row), RES_OK);
    shelf_view_end(t->d->view);
    take_version(t, label);
    t->root = row.root;
    f = row.feed;
    grow_trees(t, &f, &peaks);
    assert_true(hash_equal(&f.root, &row.feed.root));
    push_entry(t, &f, &peaks);
}

void
testdir_clock(uint64_t timestamp)
{
    now = timestamp;
}

enum result
testdir_erase(struct testdir *t, unsigned label, uint64_t timestamp)
{
    testdir_clock(timestamp);
    enum result rc = directory_erase(t->d, &t->label[label].name, MAILBOX_ERASED_REQUEST);
    if (rc == RES_OK)
        testdir_take_epoch(t, label);
    return rc;
}

void
testdir_random(struct testdir *t, struct rng *r, size_t n)
{
    uint64_t timestamp = 1000000;

    testdir_append(t, timestamp, 0);
    for (size_t i = 1; i < n; i++) {
        unsigned labels = 0;

        timestamp += rng_next(r) % 20;
        for (unsigned k = 0; k < TESTDIR_LABELS; k++)
            if (rng_next(r) % (1u << k) == 0)
                labels |= 1u << k;
        testdir_append(t, timestamp, labels);
    }
}

/* ---- the model ---- */

struct span
testdir_name(const struct testdir *t, unsigned label)
{
    return span_of(t->label[label].name.b, t->label[label].name.n);
}

uint32_t
testdir_versions(const struct testdir *t, unsigned label, uint64_t size)
{
    const struct testdir_label *l = &t->label[label];
    uint32_t n = 0;

    while (n < l->n && l->at[n].entry < size)
        n++;
    return n;
}

const struct hash *
testdir_key(struct testdir *t, unsigned label, uint32_t version)
{
    struct testdir_label *l = &t->label[label];

    assert_true(version < TESTDIR_KEYS);
    if (!l->has_key[version])
        assert_int_equal(
            signer_vrf_output(t->signer, testdir_name(t, label), version, &l->key[version]),
            RES_OK);
    l->has_key[version] = true;
    return &l->key[version];
}

void
testdir_view(const struct testdir *t, uint64_t size, struct kt_view *ret)
{
    struct search_path path;

    search_tree_frontier(size, &path);
    ret->peaks = t->peaks[size - 1];
    ret->n = path.n;
    for (unsigned i = 0; i < path.n; i++)
        ret->frontier[i] = (struct kt_kept){path.at[i], t->entries[path.at[i]]};
}

/*
 * bench_directory FOLDER [LABELS]: what an answer of the key directory takes; FOLDER is made and
 * removed.
 *
 * Each label has one version with one record.  VRF outputs and proofs are stand-ins of their
 * length, for a million real ones would take ten minutes: the directory takes them as they stand.
 */
#include "log/directory/directory_private.h"
#include "log/directory/nodes.h"
#include "log/directory/state.h"
#include "merkle/keytrans/logtree.h"
#include "merkle/tree/range.h"
#include "tests/bench/bench.h"

#include <string.h>
#include <sys/stat.h>

#define ORIGIN "bench.example/log"
#define MAP (UINT64_C(1) << 36)
#define EPOCH_LABELS 1000
#define EPOCH_MS 1000
#define HOUR_MS 3600000
#define FIRST_MS UINT64_C(1770000000000)
#define OUT_MAX (8u << 20)

static char dir[200];
static uint64_t labels = 1000000, size, now = FIRST_MS;
static struct signer *signer;
static struct store *store;
static struct shelf *shelf;
static struct keyring *keys;
static struct versions *versions;
static struct shelf_view *view;
static struct state *state;
static struct prefix_ref root = {.kind = PREFIX_EMPTY};
static struct logtree_peaks kt;
static struct range feed;
static struct buf node_hashes[2], bytes, request, out;
static struct directory *directory;
static struct directory_reader *reader;
static struct kt_optional last;

static const char *
in_dir(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct label
label_at(uint64_t n)
{
    struct label l = {.b = {LABEL_MAILBOX}};

    l.n = 1 + (size_t)snprintf((char *)l.b + 1, LABEL_MAX - 1, "user%llu@bench.example",
                               (unsigned long long)n);
    return l;
}

/* ---- filling ---- */

struct added {
    struct prefix_addition add;
    uint64_t number;
};

static int
by_key(const void *a, const void *b)
{
    const struct added *x = a, *y = b;

    return memcmp(x->add.leaf.key.b, y->add.leaf.key.b, HASH_SIZE);
}

static void
write_state(const struct label *l, uint64_t number)
{
    struct mailbox_record m = {.precert_index = number,
                               .final_index = MAILBOX_NO_INDEX,
                               .not_before = now / 1000,
                               .not_after = now / 1000 + 100000000,
                               .purpose = MAILBOX_BOTH,
                               .source = 1,
                               .status = MAILBOX_GOOD,
                               .address = span_of(l->b + 1, l->n - 1)};
    bool changed, whole;

    memcpy(m.key_id.b, &number, sizeof number);
    state_clear(state);
    buf_clear(&bytes);
    BENCH_NEED(state_merge(state, &m, &changed) == RES_OK);
    BENCH_NEED(state_write(state, 0, 0, true, &bytes, &whole) == RES_OK);
}

/* A label's text, state and row; the index is told after the commit. */
static void
put_version(struct shelf_txn *t, struct added *a)
{
    struct label l = label_at(a->number);
    struct version_row row = {.leaf = a->add.leaf, .entry = size, .previous = VERSION_NONE};
    struct span name = span_of(l.b, l.n);
    uint8_t text[LABEL_MAX], steps[2 * STEP_SIZE] = {0};
    struct writer w = writer_to(&bytes);
    struct hash key;

    BENCH_NEED(keyring_prepare(keys, a->number + 1) == RES_OK);
    BENCH_NEED(keyring_crypt(keys, a->number, KEYRING_TEXT, 0, l.b, l.n, text) == RES_OK);
    buf_clear(&bytes);
    put_u40(&w, a->number);
    put_vec8(&w, span_of(text, l.n));
    BENCH_NEED(shelf_add_bytes(t, buf_span(&bytes), &row.label) == RES_OK);
    write_state(&l, a->number);
    row.state_n = (uint32_t)bytes.n;
    BENCH_NEED(keyring_crypt(keys, a->number, KEYRING_STATE, 0, bytes.p, bytes.n, bytes.p) ==
               RES_OK);
    BENCH_NEED(shelf_add_bytes(t, buf_span(&bytes), &row.state) == RES_OK);
    keyring_label_key(keys, name, &key);
    memcpy(row.print, key.b + 8, sizeof row.print);
    BENCH_NEED(shelf_add_version(t, &row, &a->add.ref) == RES_OK);
    /* The ladder of version 0 asks for 0 and 1. */
    memcpy(steps, a->add.leaf.key.b, HASH_SIZE);
    hash_sha256(span_of(key.b, HASH_SIZE), &key);
    memcpy(steps + STEP_SIZE, key.b, HASH_SIZE);
    BENCH_NEED(shelf_put_proofs(t, a->add.ref, span_of(steps, sizeof steps)) == RES_OK);
}

static void
keep(void *arg, struct node n, const struct hash *h)
{
    if (n.height > 0)
        BENCH_NEED(buf_add(arg, hash_span(h)) == RES_OK);
}

static void
put_entry(struct shelf_txn *t, uint32_t additions)
{
    struct entry_row row = {.feed = {.timestamp = now, .additions = additions}, .root = root};
    struct log_entry e = {now, root.hash};
    struct directory_head head = {.size = size + 1};
    struct writer w = writer_to(&bytes);
    struct hash leaf;

    buf_clear(&node_hashes[0]);
    buf_clear(&node_hashes[1]);
    buf_clear(&bytes);
    row.feed.prefix_root = root.hash;
    logtree_leaf(&e, &leaf);
    logtree_append(&kt, &leaf, keep, &node_hashes[0]);
    logtree_root(&kt, &row.feed.root);
    feed_entry_put(&w, &row.feed);
    hash_leaf(buf_span(&bytes), &leaf);
    range_append(&feed, &leaf, keep, &node_hashes[1]);
    BENCH_NEED(buf_add(&node_hashes[0], buf_span(&node_hashes[1])) == RES_OK);
    if (node_hashes[0].n > 0)
        BENCH_NEED(shelf_add_bytes(t, buf_span(&node_hashes[0]), &row.hashes) == RES_OK);
    BENCH_NEED(shelf_add_entry(t, &row) == RES_OK);
    head.root = row.feed.root;
    range_root(&feed, &head.feed_root);
    BENCH_NEED(signer_directory_head(signer, shelf_config(shelf), head.size, &head.root,
                                     head.signature) == RES_OK);
    BENCH_NEED(shelf_put_head(t, &head) == RES_OK);
}

static void
epoch(uint64_t first, size_t n)
{
    static struct added added[EPOCH_LABELS];
    static struct prefix_addition add[EPOCH_LABELS];
    struct nodes nodes = {.view = view};
    struct prefix_store nodes_of = nodes_store(&nodes);
    struct shelf_txn *t;

    BENCH_NEED(shelf_view_begin(view) == RES_OK && shelf_begin(shelf, &t) == RES_OK);
    nodes.txn = t;
    for (size_t i = 0; i < n; i++) {
        added[i].number = first + i;
        hash_sha256(span_of(&added[i].number, sizeof added[i].number), &added[i].add.leaf.key);
        added[i].add.leaf.commitment = added[i].add.leaf.key;
    }
    qsort(added, n, sizeof added[0], by_key);
    for (size_t i = 0; i < n; i++) {
        put_version(t, &added[i]);
        add[i] = added[i].add;
    }
    BENCH_NEED(prefix_insert(&nodes_of, &root, add, n, &root) == RES_OK);
    put_entry(t, (uint32_t)n);
    BENCH_NEED(shelf_commit(t) == RES_OK);
    shelf_view_end(view);
    for (size_t i = 0; i < n; i++) {
        struct label l = label_at(added[i].number);
        BENCH_NEED(versions_add(versions, added[i].add.ref, span_of(l.b, l.n), 0) == RES_OK);
    }
    size++;
    now += EPOCH_MS;
}

static void
make_files(void)
{
    struct store_options s = {.map_size = MAP};
    struct shelf_options o = {.map_size = MAP};
    struct kt_config c = {.window = {.monitoring = HOUR_MS}};
    struct writer w = writer_to(&bytes);
    uint32_t format;

    BENCH_NEED(mkdir(dir, 0700) == 0 && mkdir(in_dir("keys"), 0700) == 0 &&
               mkdir(in_dir("directory"), 0700) == 0 && mkdir(in_dir("store"), 0700) == 0);
    s.path = in_dir("store");
    BENCH_NEED(store_create(&s, ORIGIN) == RES_OK && store_open(&s, &format, &store) == RES_OK);
    BENCH_NEED(signer_create(dir) == RES_OK && signer_open(dir, &signer) == RES_OK);
    memcpy(c.signature_key, signer_directory_public(signer), KT_KEY_SIZE);
    memcpy(c.vrf_key, signer_vrf_public(signer), KT_KEY_SIZE);
    kt_config_put(&w, &c);
    o.path = in_dir("directory");
    BENCH_NEED(shelf_create(&o, ORIGIN, buf_span(&bytes)) == RES_OK &&
               shelf_open(&o, &shelf) == RES_OK);
    BENCH_NEED(keyring_create(in_dir("directory/keys")) == RES_OK &&
               keyring_open(in_dir("directory/keys"), &keys) == RES_OK);
    BENCH_NEED(recipes_create(in_dir("directory/recipes")) == RES_OK);
    BENCH_NEED(versions_open(in_dir("directory/index"), MAP, shelf, keys, &versions) == RES_OK);
    BENCH_NEED(shelf_view_new(shelf, &view) == RES_OK && state_new(&state) == RES_OK);
}

static void
fill(void)
{
    double begin = bench_cpu();

    make_files();
    range_init(&feed);
    epoch(0, 0);
    for (uint64_t n = 0; n < labels; n += EPOCH_LABELS)
        epoch(n, labels - n < EPOCH_LABELS ? (size_t)(labels - n) : EPOCH_LABELS);
    printf("fill_label %.1f\n", (bench_cpu() - begin) * 1e9 / (double)labels);
    printf("shelf_bytes_label %.1f\n", (double)shelf_bytes(shelf) / (double)labels);
    state_free(state);
    shelf_view_free(view);
    versions_close(versions);
    keyring_close(keys);
    shelf_close(shelf);
}

/* ---- answering ---- */

static void
no_head(void *arg, struct store_head *ret)
{
    (void)arg;
    memset(ret, 0, sizeof *ret);
}

static struct roots *
no_roots(void *arg)
{
    (void)arg;
    return NULL;
}

static void
no_halt(void *arg, enum result why, const char *what)
{
    (void)arg;
    fprintf(stderr, "%s: %s\n", what, result_name(why));
    exit(1);
}

static uint64_t
same_time(void)
{
    return now;
}

/* A label that is there, or one that is not, whose proofs are not kept. */
static enum result
ask(uint64_t number, enum directory_ask what)
{
    struct label l = label_at(number);
    struct writer w = writer_to(&request);

    buf_clear(&request);
    buf_clear(&out);
    search_request_put(&w, &(struct search_request){.last = last, .label = span_of(l.b, l.n)});
    return directory_answer(reader, what, buf_span(&request), &out);
}

static void
search(void *arg)
{
    static uint64_t at;

    (void)arg;
    at = (at + 7919 * 131) % labels;
    BENCH_NEED(ask(at, DIRECTORY_SEARCH) == RES_OK);
}

static void
same(void *arg)
{
    (void)arg;
    BENCH_NEED(ask(5, DIRECTORY_SEARCH) == RES_OK);
}

static void
absent(void *arg)
{
    (void)arg;
    BENCH_NEED(ask(labels, DIRECTORY_SEARCH) == RES_KT_NO_LABEL);
}

static void
stranger(void *arg)
{
    static uint64_t at;

    (void)arg;
    BENCH_NEED(ask(labels + ++at, DIRECTORY_SEARCH) == RES_KT_NO_LABEL);
}

static void
checkpoint(void *arg)
{
    (void)arg;
    buf_clear(&out);
    BENCH_NEED(directory_feed_checkpoint(reader, &out) == RES_OK);
}

int
main(int argc, char **argv)
{
    struct directory_hooks hooks = {
        .head = no_head, .roots = no_roots, .halted = no_halt, .now_ms = same_time};
    struct log_trouble why = {{0}};
    static struct config c;
    char command[512];

    BENCH_NEED(argc >= 2 && snprintf(dir, sizeof dir, "%s", argv[1]) < (int)sizeof dir);
    if (argc > 2)
        labels = strtoull(argv[2], NULL, 10);
    bytes = request = out = node_hashes[0] = node_hashes[1] = BUF_INIT(OUT_MAX);
    fill();
    config_defaults(&c);
    snprintf(c.dir, sizeof c.dir, "%s", dir);
    snprintf(c.origin, sizeof c.origin, ORIGIN);
    c.map_size = MAP;
    if (directory_open(&c, signer, store, &hooks, &directory, &why) != RES_OK) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    BENCH_NEED(directory_reader_new(directory, &reader) == RES_OK);
    bench("directory_search", search, NULL, 1);
    printf("directory_search_bytes %zu\n", out.n);
    bench("directory_search_same", same, NULL, 1);
    bench("directory_absent_kept", absent, NULL, 1);
    bench("directory_absent", stranger, NULL, 1);
    bench("directory_checkpoint", checkpoint, NULL, 1);
    last = (struct kt_optional){true, size};
    bench("directory_search_kept_view", search, NULL, 1);
    printf("directory_search_kept_view_bytes %zu\n", out.n);
    directory_reader_free(reader);
    directory_close(directory);
    store_close(store);
    signer_close(signer);
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command) == 0 ? 0 : 1;
}

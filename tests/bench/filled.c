/* A key directory that is filled fast: a plan of what comes in which entry, and its carrying out.
 */
#include "tests/bench/filled.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "log/directory/nodes.h"
#include "log/directory/state.h"
#include "log/directory/steps.h"
#include "merkle/keytrans/commitment.h"
#include "merkle/keytrans/logtree.h"
#include "merkle/tree/range.h"
#include "tests/bench/bench.h"

#define EPOCH_LABELS 1000
#define SLOTS 4096
/* Entries without additions that are committed together. */
#define TOGETHER 65536
#define SCRATCH_MAX (16u << 20)

static const uint32_t greatest[FILLED_GROUPS] = {0, 1, 3, 6, 4, 11};

/* One version that comes in one entry. */
struct event {
    uint32_t entry, number;
    uint32_t version;
};

struct added {
    struct prefix_addition add;
    struct event e;
};

/* What later versions of a label in a group need of the ones before. */
struct grouped {
    uint64_t text, seq;
};

struct filling {
    char dir[200];
    struct filled_size n;
    uint64_t group;
    struct event *events;
    size_t events_n;
    struct signer *signer;
    struct shelf *shelf;
    struct keyring *keys;
    struct versions *versions;
    struct shelf_view *view;
    struct state *state;
    struct grouped *grouped;
    struct prefix_ref root;
    struct logtree_peaks kt;
    struct range feed;
    struct buf hashes[2], bytes, value;
    struct added *added;
    struct prefix_addition *additions;
    size_t added_max;
    uint64_t size;
};

uint64_t
filled_random(uint64_t *seed, uint64_t n)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

struct label
filled_label(uint64_t i)
{
    struct label l = {.b = {LABEL_MAILBOX}};

    l.n = 1 + (size_t)snprintf((char *)l.b + 1, LABEL_MAX - 1, "user%012llu@bench.example",
                               (unsigned long long)i);
    return l;
}

uint64_t
filled_group(uint64_t labels)
{
    return labels / 16 < FILLED_GROUP ? labels / 16 : FILLED_GROUP;
}

uint32_t
filled_greatest(unsigned g)
{
    return greatest[g];
}

static uint64_t
time_of(const struct filling *f, uint64_t entry)
{
    return f->n.end_ms - (f->n.entries - 1 - entry) * FILLED_ENTRY_MS;
}

/* ---- the plan ---- */

static uint64_t
entry_of_slot(const struct filling *f, uint64_t slot)
{
    return f->n.entries >= FILLED_LONG ? 1 + slot * ((f->n.entries - FILLED_LAST - 1) / SLOTS)
                                       : 1 + slot;
}

static int
ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Slots for the versions of a label in a group: all different. */
static void
plan_grouped(struct filling *f, uint32_t number, uint32_t last, uint64_t slots, uint64_t *seed)
{
    uint64_t slot[16];

    for (uint32_t i = 0; i <= last; i++) {
        bool again = false;
        slot[i] = filled_random(seed, slots);
        for (uint32_t k = 0; k < i; k++)
            again = again || slot[k] == slot[i];
        i -= again;
    }
    qsort(slot, last + 1, sizeof slot[0], ascending);
    for (uint32_t i = 0; i <= last; i++)
        f->events[f->events_n++] = (struct event){(uint32_t)entry_of_slot(f, slot[i]), number, i};
}

static int
by_entry(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    return x->entry != y->entry ? (x->entry > y->entry) - (x->entry < y->entry)
                                : (x->number > y->number) - (x->number < y->number);
}

static void
plan(struct filling *f)
{
    uint64_t lengthy = f->n.entries >= FILLED_LONG, seed = 1, number = 0;
    uint64_t slots = lengthy ? SLOTS : f->n.entries - 1;
    uint64_t singles = lengthy ? FILLED_LAST / FILLED_EVERY : 0;
    uint64_t first = f->group * FILLED_GROUPS, among = f->n.labels - first - singles;

    f->events = calloc(f->n.labels + f->group * 64, sizeof *f->events);
    BENCH_NEED(f->events != NULL && f->n.labels > first + singles && slots > 16);
    for (unsigned g = 0; g < FILLED_GROUPS; g++)
        for (uint64_t i = 0; i < f->group; i++)
            plan_grouped(f, (uint32_t)number++, greatest[g], slots, &seed);
    for (uint64_t i = 0; i < among; i++)
        f->events[f->events_n++] =
            (struct event){(uint32_t)entry_of_slot(f, i * slots / among), (uint32_t)number++, 0};
    for (uint64_t i = 0; i < singles; i++)
        f->events[f->events_n++] = (struct event){
            (uint32_t)(f->n.entries - FILLED_LAST + i * FILLED_EVERY), (uint32_t)number++, 0};
    qsort(f->events, f->events_n, sizeof *f->events, by_entry);
}

/* ---- one version ---- */

static bool
is_real(const struct filling *f, uint32_t number)
{
    return number < f->group * FILLED_GROUPS;
}

static void
output_of(const struct filling *f, uint32_t number, uint32_t version, struct hash *ret)
{
    struct label l = filled_label(number);
    uint32_t both[2] = {number, version};

    if (is_real(f, number))
        BENCH_NEED(signer_vrf_output(f->signer, span_of(l.b, l.n), version, ret) == RES_OK);
    else
        hash_sha256(span_of(both, sizeof both), ret);
}

/* The State into f->bytes, the value behind its length into f->value. */
static void
make_state(struct filling *f, const struct event *e, const struct label *l)
{
    struct mailbox_record m = {.precert_index = e->number,
                               .final_index = MAILBOX_NO_INDEX,
                               .not_before = f->n.end_ms / 1000,
                               .not_after = f->n.end_ms / 1000 + 100000000,
                               .purpose = MAILBOX_BOTH,
                               .source = 1,
                               .status = MAILBOX_GOOD,
                               .address = span_of(l->b + 1, l->n - 1)};
    bool changed, whole;
    size_t n;

    memcpy(m.key_id.b, &e->number, sizeof e->number);
    memcpy(m.key_id.b + 4, &e->version, sizeof e->version);
    state_clear(f->state);
    buf_clear(&f->bytes);
    buf_clear(&f->value);
    BENCH_NEED(state_merge(f->state, &m, &changed) == RES_OK &&
               state_write(f->state, 0, 0, true, &f->bytes, &whole) == RES_OK &&
               buf_add(&f->value, span_of("\0\0\0", 4)) == RES_OK &&
               state_value(f->state, time_of(f, e->entry), &f->value) == RES_OK);
    n = f->value.n - 4;
    for (int i = 4; i-- > 0; n >>= 8)
        f->value.p[i] = (uint8_t)n;
}

static void
make_leaf(struct filling *f, struct added *a)
{
    struct label l = filled_label(a->e.number);
    uint8_t opening[COMMITMENT_OPENING_SIZE];

    make_state(f, &a->e, &l);
    output_of(f, a->e.number, a->e.version, &a->add.leaf.key);
    BENCH_NEED(keyring_opening(f->keys, a->e.number, a->e.version, opening) == RES_OK &&
               commitment_make(opening, span_of(l.b, l.n), a->e.version, buf_span(&f->value),
                               &a->add.leaf.commitment) == RES_OK);
}

static uint64_t
put_text(struct filling *f, struct shelf_txn *t, uint32_t number, const struct label *l)
{
    struct writer w = writer_to(&f->bytes);
    uint8_t text[LABEL_MAX];
    uint64_t offset;

    BENCH_NEED(keyring_crypt(f->keys, number, KEYRING_TEXT, 0, l->b, l->n, text) == RES_OK);
    buf_clear(&f->bytes);
    put_u40(&w, number);
    put_vec8(&w, span_of(text, l->n));
    BENCH_NEED(shelf_add_bytes(t, buf_span(&f->bytes), &offset) == RES_OK);
    return offset;
}

static void
put_steps(struct filling *f, struct shelf_txn *t, const struct added *a)
{
    struct label l = filled_label(a->e.number);
    uint8_t record[LADDER_STEPS_MAX * STEP_SIZE] = {0};
    uint32_t steps[LADDER_STEPS_MAX];
    unsigned n = steps_of(a->e.version, steps);
    struct hash key;

    for (unsigned i = 0; i < n; i++) {
        uint8_t *step = record + i * STEP_SIZE;
        output_of(f, a->e.number, steps[i], &key);
        memcpy(step, key.b, HASH_SIZE);
        if (is_real(f, a->e.number))
            BENCH_NEED(signer_vrf_prove(f->signer, span_of(l.b, l.n), steps[i], step + HASH_SIZE) ==
                       RES_OK);
    }
    BENCH_NEED(shelf_put_proofs(t, a->add.ref, span_of(record, n * STEP_SIZE)) == RES_OK);
}

static void
put_version(struct filling *f, struct shelf_txn *t, struct added *a)
{
    struct label l = filled_label(a->e.number);
    struct grouped none, *g = is_real(f, a->e.number) ? &f->grouped[a->e.number] : &none;
    struct version_row row = {.leaf = a->add.leaf,
                              .entry = a->e.entry,
                              .version = a->e.version,
                              .previous = a->e.version == 0 ? VERSION_NONE : g->seq};
    struct hash key;

    if (a->e.version == 0)
        g->text = put_text(f, t, a->e.number, &l);
    row.label = g->text;
    make_state(f, &a->e, &l);
    row.state_n = (uint32_t)f->bytes.n;
    BENCH_NEED(keyring_crypt(f->keys, a->e.number, KEYRING_STATE, a->e.version, f->bytes.p,
                             f->bytes.n, f->bytes.p) == RES_OK &&
               shelf_add_bytes(t, buf_span(&f->bytes), &row.state) == RES_OK);
    keyring_label_key(f->keys, span_of(l.b, l.n), &key);
    memcpy(row.print, key.b + 8, sizeof row.print);
    BENCH_NEED(shelf_add_version(t, &row, &a->add.ref) == RES_OK);
    g->seq = a->add.ref;
    put_steps(f, t, a);
}

/* ---- one entry ---- */

static void
keep(void *arg, struct node n, const struct hash *h)
{
    if (n.height > 0)
        BENCH_NEED(buf_add(arg, hash_span(h)) == RES_OK);
}

static void
put_entry(struct filling *f, struct shelf_txn *t, uint32_t additions, struct hash *ret_root)
{
    uint64_t now = time_of(f, f->size);
    struct entry_row row = {.feed = {.timestamp = now, .additions = additions}, .root = f->root};
    struct log_entry e = {now, f->root.hash};
    struct writer w = writer_to(&f->bytes);
    struct hash leaf;

    buf_clear(&f->hashes[0]);
    buf_clear(&f->hashes[1]);
    buf_clear(&f->bytes);
    row.feed.prefix_root = f->root.hash;
    logtree_leaf(&e, &leaf);
    logtree_append(&f->kt, &leaf, keep, &f->hashes[0]);
    logtree_root(&f->kt, &row.feed.root);
    feed_entry_put(&w, &row.feed);
    hash_leaf(buf_span(&f->bytes), &leaf);
    range_append(&f->feed, &leaf, keep, &f->hashes[1]);
    BENCH_NEED(buf_add(&f->hashes[0], buf_span(&f->hashes[1])) == RES_OK);
    if (f->hashes[0].n > 0)
        BENCH_NEED(shelf_add_bytes(t, buf_span(&f->hashes[0]), &row.hashes) == RES_OK);
    BENCH_NEED(shelf_add_entry(t, &row) == RES_OK);
    *ret_root = row.feed.root;
    f->size++;
}

static int
by_key(const void *a, const void *b)
{
    const struct added *x = a, *y = b;

    return memcmp(x->add.leaf.key.b, y->add.leaf.key.b, HASH_SIZE);
}

static void
put_additions(struct filling *f, struct shelf_txn *t, const struct event *at, size_t n)
{
    struct nodes nodes = {.view = f->view, .txn = t};
    struct prefix_store store = nodes_store(&nodes);

    if (n > f->added_max) {
        f->added = realloc(f->added, n * sizeof *f->added);
        f->additions = realloc(f->additions, n * sizeof *f->additions);
        f->added_max = n;
        BENCH_NEED(f->added != NULL && f->additions != NULL);
    }
    for (size_t i = 0; i < n; i++) {
        f->added[i].e = at[i];
        make_leaf(f, &f->added[i]);
    }
    qsort(f->added, n, sizeof *f->added, by_key);
    for (size_t i = 0; i < n; i++) {
        put_version(f, t, &f->added[i]);
        f->additions[i] = f->added[i].add;
    }
    BENCH_NEED(prefix_insert(&store, &f->root, f->additions, n, &f->root) == RES_OK);
}

/* Commits an entry with n additions, and those without any that follow up to `until`. */
static void
commit(struct filling *f, const struct event *at, size_t n, uint64_t until)
{
    struct directory_head head = {.labels = 1};
    struct shelf_txn *t;

    BENCH_NEED(shelf_view_begin(f->view) == RES_OK && shelf_begin(f->shelf, &t) == RES_OK);
    if (n > 0)
        put_additions(f, t, at, n);
    put_entry(f, t, (uint32_t)n, &head.root);
    while (f->size < until)
        put_entry(f, t, 0, &head.root);
    head.size = f->size;
    head.labels = f->size == f->n.entries ? f->n.labels : 0;
    range_root(&f->feed, &head.feed_root);
    BENCH_NEED(signer_directory_head(f->signer, shelf_config(f->shelf), head.size, &head.root,
                                     head.signature) == RES_OK);
    BENCH_NEED(shelf_put_head(t, &head) == RES_OK && shelf_commit(t) == RES_OK);
    shelf_view_end(f->view);
    for (size_t i = 0; i < n; i++) {
        struct label l = filled_label(f->added[i].e.number);
        BENCH_NEED(versions_add(f->versions, f->added[i].add.ref, span_of(l.b, l.n),
                                f->added[i].e.version) == RES_OK);
    }
}

static void
carry_out(struct filling *f)
{
    const struct event *at = f->events, *end = at + f->events_n;

    while (f->size < f->n.entries) {
        size_t n = 0;
        while (at + n < end && at[n].entry == f->size)
            n++;
        uint64_t until = at + n < end ? at[n].entry : f->n.entries;
        commit(f, at, n, until - f->size > TOGETHER ? f->size + TOGETHER : until);
        at += n;
    }
    BENCH_NEED(at == end);
}

/* ---- files ---- */

static const char *
in_dir(const struct filling *f, const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return path;
}

static void
make_folder(const char *path)
{
    BENCH_NEED(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void
make_log(struct filling *f)
{
    struct store_options s = {.map_size = FILLED_MAP};
    enum result rc;

    make_folder(f->dir);
    make_folder(in_dir(f, "keys"));
    make_folder(in_dir(f, "store"));
    s.path = in_dir(f, "store");
    rc = store_create(&s, FILLED_ORIGIN);
    BENCH_NEED(rc == RES_OK || rc == RES_EXISTS);
    rc = signer_create(f->dir);
    BENCH_NEED((rc == RES_OK || rc == RES_EXISTS) && signer_open(f->dir, &f->signer) == RES_OK);
}

static void
make_directory(struct filling *f)
{
    struct shelf_options o = {.map_size = FILLED_MAP};
    char command[512];

    snprintf(command, sizeof command, "rm -rf '%s/directory'", f->dir);
    BENCH_NEED(system(command) == 0);
    make_folder(in_dir(f, "directory"));
    buf_clear(&f->bytes);
    BENCH_NEED(directory_configure(f->signer, &f->bytes) == RES_OK);
    o.path = in_dir(f, "directory");
    BENCH_NEED(shelf_create(&o, FILLED_ORIGIN, buf_span(&f->bytes)) == RES_OK &&
               shelf_open(&o, &f->shelf) == RES_OK);
    BENCH_NEED(keyring_create(in_dir(f, "directory/keys")) == RES_OK &&
               keyring_open(in_dir(f, "directory/keys"), &f->keys) == RES_OK &&
               keyring_prepare(f->keys, f->n.labels) == RES_OK);
    BENCH_NEED(recipes_create(in_dir(f, "directory/recipes")) == RES_OK);
    BENCH_NEED(versions_open(in_dir(f, "directory/index"), FILLED_MAP, f->shelf, f->keys,
                             &f->versions) == RES_OK);
    BENCH_NEED(shelf_view_new(f->shelf, &f->view) == RES_OK && state_new(&f->state) == RES_OK);
}

static void
release(struct filling *f)
{
    state_free(f->state);
    shelf_view_free(f->view);
    versions_close(f->versions);
    keyring_close(f->keys);
    shelf_close(f->shelf);
    signer_close(f->signer);
    free(f->events);
    free(f->grouped);
    free(f->added);
    free(f->additions);
    buf_release(&f->hashes[0]);
    buf_release(&f->hashes[1]);
    buf_release(&f->bytes);
    buf_release(&f->value);
}

void
filled_make(const char *dir, struct filled_size n)
{
    static struct filling f;

    if (n.entries == 0)
        n.entries = 1 + (n.labels + EPOCH_LABELS - 1) / EPOCH_LABELS;
    f = (struct filling){.n = n, .group = filled_group(n.labels), .root.kind = PREFIX_EMPTY};
    BENCH_NEED(snprintf(f.dir, sizeof f.dir, "%s", dir) < (int)sizeof f.dir);
    f.hashes[0] = f.hashes[1] = f.bytes = f.value = BUF_INIT(SCRATCH_MAX);
    f.grouped = calloc(f.group * FILLED_GROUPS + 1, sizeof *f.grouped);
    BENCH_NEED(f.grouped != NULL);
    range_init(&f.feed);
    make_log(&f);
    make_directory(&f);
    plan(&f);
    carry_out(&f);
    release(&f);
}

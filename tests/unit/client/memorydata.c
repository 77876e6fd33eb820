#include "tests/unit/client/memorydata.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "client/record.h"
#include "tests/vectors/check.h"

#define LABELS_MAX 6

void
memorydata_init(struct memorydata *d)
{
    testlog_init(&d->ct);
    d->log = *d->ct.log;
    d->log.has_directory = true;
    d->log.directory = (struct kt_config){
        .max_ahead = 300000, .max_behind = 3600000, .window = {.monitoring = 86400000}};
    assert_int_equal(crypto_sign_keypair(d->log.directory.signature_key, d->secret), 0);
    memset(d->log.directory.vrf_key, 7, KT_KEY_SIZE);
}

void
memorydata_release(struct memorydata *d)
{
    testlog_release(&d->ct);
}

static void
fill_view(struct rng *r, uint64_t size, struct kt_view *ret)
{
    struct search_path path;

    *ret = (struct kt_view){.peaks = {.size = size}};
    for (int i = 0; i < __builtin_popcountll(size); i++)
        rng_fill(r, ret->peaks.heads[i].b, HASH_SIZE);
    search_tree_frontier(size, &path);
    ret->n = path.n;
    for (unsigned i = 0; i < path.n; i++) {
        ret->frontier[i].position = path.at[i];
        ret->frontier[i].entry.timestamp = rng_next(r);
        rng_fill(r, ret->frontier[i].entry.prefix_root.b, HASH_SIZE);
    }
}

void
memorydata_view(const struct memorydata *d, struct rng *r, uint64_t size, struct memory *m)
{
    struct buf tbs = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w = writer_to(&tbs);
    struct hash root;

    fill_view(r, size, &m->view);
    logtree_root(&m->view.peaks, &root);
    kt_head_tbs(&w, &d->log.directory, size, &root);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(crypto_sign_detached(m->signature, NULL, tbs.p, tbs.n, d->secret), 0);
    buf_release(&tbs);
    m->has_view = true;
}

/* Distinguished entries, up to as many as are kept, the first of them the last of the view. */
static void
fill_recent(struct rng *r, struct memory *m)
{
    uint64_t size = m->view.peaks.size, n = rng_next(r) % (HEADS_RECENT_MAX + 1);

    while (m->recent_n < n && size > 0) {
        fill_view(r, size, &m->recent[m->recent_n++]);
        size -= 1 + rng_next(r) % size;
    }
}

struct consume_version
memorydata_step(uint32_t version, bool has_commitment)
{
    struct consume_version s = {.version = version, .has_commitment = has_commitment};

    hash_sha256(span_of(&version, sizeof(version)), &s.key);
    if (has_commitment)
        hash_sha256(hash_span(&s.key), &s.commitment);
    return s;
}

struct label
memorydata_name(uint64_t number)
{
    struct label l = {.b = {LABEL_MAILBOX}};
    int n = snprintf((char *)l.b + 1, LABEL_MAX - 1, "user%ju@example.org", (uintmax_t)number);

    l.n = 1 + (size_t)n;
    assert_true(label_is(span_of(l.b, l.n)));
    return l;
}

static uint64_t
up_to(struct rng *r, size_t most)
{
    return rng_next(r) % (most + 1);
}

static void
watch(struct rng *r, size_t most, struct memory_label *l)
{
    uint64_t at = 1 + rng_scaled(r, UINT64_C(1) << 40);

    l->watched = true;
    l->start = at - 1;
    l->at_start = (int64_t)rng_scaled(r, 100000) - 1;
    l->upcoming_n = up_to(r, most < MEMORY_UPCOMING_MAX ? most : MEMORY_UPCOMING_MAX);
    for (size_t i = 0; i < l->upcoming_n; i++)
        l->upcoming[i] = at += rng_next(r) % 3; /* several in one entry too */
}

struct memory_label *
memorydata_label(struct rng *r, uint64_t number, size_t most, struct memory *m)
{
    struct label name = memorydata_name(number);
    uint64_t at = 0, entries = up_to(r, most < CONTACT_ENTRIES_MAX ? most : CONTACT_ENTRIES_MAX);
    uint32_t version = 0, steps = (uint32_t)up_to(r, most < 500 ? most : PROVED_STEPS_MAX);
    struct memory_label *l;

    assert_int_equal(memory_label(m, span_of(name.b, name.n), &l), RES_OK);
    for (uint64_t i = 0; i < entries; i++) {
        at += 1 + rng_scaled(r, 1 << 20);
        assert_int_equal(contact_add(&l->map, at, (uint32_t)(i * 7)), RES_OK);
    }
    for (uint32_t i = 0; i < steps; i++) {
        version += 1 + (uint32_t)rng_scaled(r, 1000);
        l->steps[l->steps_n++] = memorydata_step(version, rng_next(r) % 2);
    }
    if (rng_next(r) % 2)
        watch(r, most, l);
    return l;
}

void
memorydata_fill(const struct memorydata *d, struct rng *r, struct memory *m)
{
    size_t n = up_to(r, LABELS_MAX);

    memory_init(m);
    if (rng_next(r) % 4 > 0)
        memorydata_view(d, r, 1 + rng_scaled(r, UINT64_C(1) << 50), m);
    fill_recent(r, m);
    for (size_t i = 0; i < n; i++)
        (void)memorydata_label(r, i, 1 + rng_scaled(r, 20), m);
}

/* ---- comparing ---- */

static bool
same_view(const struct kt_view *x, const struct kt_view *y)
{
    bool same = x->peaks.size == y->peaks.size && x->n == y->n;

    for (int i = 0; same && i < __builtin_popcountll(x->peaks.size); i++)
        same = hash_equal(&x->peaks.heads[i], &y->peaks.heads[i]);
    for (unsigned i = 0; same && i < x->n; i++)
        same = x->frontier[i].position == y->frontier[i].position &&
               x->frontier[i].entry.timestamp == y->frontier[i].entry.timestamp &&
               hash_equal(&x->frontier[i].entry.prefix_root, &y->frontier[i].entry.prefix_root);
    return same;
}

static bool
same_step(const struct consume_version *a, const struct consume_version *b)
{
    return a->version == b->version && hash_equal(&a->key, &b->key) &&
           a->has_commitment == b->has_commitment &&
           (!a->has_commitment || hash_equal(&a->commitment, &b->commitment));
}

bool
memorydata_same_label(const struct memory_label *a, const struct memory_label *b)
{
    bool same = span_equal(span_of(a->label.b, a->label.n), span_of(b->label.b, b->label.n)) &&
                a->map.n == b->map.n && a->steps_n == b->steps_n && a->watched == b->watched &&
                (!a->watched || (a->start == b->start && a->at_start == b->at_start &&
                                 a->upcoming_n == b->upcoming_n));

    for (unsigned i = 0; same && i < a->map.n; i++)
        same = a->map.entries[i].position == b->map.entries[i].position &&
               a->map.entries[i].version == b->map.entries[i].version;
    for (size_t i = 0; same && i < a->steps_n; i++)
        same = same_step(&a->steps[i], &b->steps[i]);
    for (size_t i = 0; same && a->watched && i < a->upcoming_n; i++)
        same = a->upcoming[i] == b->upcoming[i];
    return same;
}

bool
memorydata_same(const struct memory *a, const struct memory *b)
{
    bool same = a->has_view == b->has_view && a->n == b->n && a->recent_n == b->recent_n;

    if (same && a->has_view)
        same = same_view(&a->view, &b->view) &&
               memcmp(a->signature, b->signature, sizeof(a->signature)) == 0;
    for (unsigned i = 0; same && i < a->recent_n; i++)
        same = same_view(&a->recent[i], &b->recent[i]);
    for (size_t i = 0; same && i < a->n; i++)
        same = memorydata_same_label(a->labels[i], b->labels[i]);
    return same;
}

/* ---- files ---- */

void
memorydata_write(const struct memorydata *d, const struct memory *m, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(memory_write(m, &d->log, out), RES_OK);
}

void
memorydata_write_any(const struct memorydata *d, struct rng *r, struct buf *out)
{
    struct memory m;

    memory_init(&m);
    memorydata_view(d, r, 1 + rng_next(r) % 1000, &m);
    while (m.n < 3)
        (void)memorydata_label(r, m.n, 5, &m);
    memorydata_write(d, &m, out);
    memory_release(&m);
}

void
memorydata_seal(struct span lines, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(buf_add(out, lines), RES_OK);
    assert_int_equal(record_write_digest(out), RES_OK);
}

enum result
memorydata_parse(const struct memorydata *d, struct span text)
{
    struct memory m;
    enum result r;

    memory_init(&m);
    r = memory_parse(text, &d->log, &m);
    if (r != RES_OK)
        assert_true(m.n == 0 && m.labels == NULL && !m.has_view);
    memory_release(&m);
    return r;
}

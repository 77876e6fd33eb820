#include "merkle/keytrans/search.h"

#include <stdlib.h>
#include <string.h>

#include "merkle/keytrans/contact.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/owner.h"
#include "tests/unit/keytrans/memtree.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define VERSIONS_KNOWN 700

/* One request: what is asked, and what came of it on either side. */
struct asked {
    enum { GREATEST, FIXED, CONTACT, OWNER_INIT, OWNER_MONITOR, UPDATE, HEADS } kind;
    uint32_t version;
    uint64_t position;
    unsigned count;
    struct contact_map map;
    struct owner_state owner;
    uint64_t terminal;
    struct heads heads;
    struct search_path entries;
    uint32_t greatest[SEARCH_TREE_HEIGHT_MAX];
    unsigned greatest_n;
    const struct memlabel *label; /* the prover's: to say what the greatest versions are */
};

static enum result
owner_begin(struct transcript *t, struct asked *a)
{
    enum result rc = owner_init_entries(t, a->position, &a->entries);

    if (rc != RES_OK)
        return rc;
    if (a->label != NULL) {
        a->greatest_n = 0;
        for (unsigned i = 0; i < a->entries.n; i++) {
            size_t n = 0;

            while (n < a->label->n && a->label->inserted[n] <= a->entries.at[i])
                n++;
            if (n > 0)
                a->greatest[a->greatest_n++] = (uint32_t)n - 1;
        }
    }
    return owner_init(t, &a->entries, a->greatest, a->greatest_n);
}

static enum result
ask(struct transcript *t, struct asked *a)
{
    struct contact_waiting waiting = {.start = a->owner.start};
    enum result rc = view_update(t);

    if (rc != RES_OK)
        return rc;
    switch (a->kind) {
    case GREATEST:
        return search_greatest(t, a->version, &a->terminal);
    case FIXED:
        return search_fixed(t, a->version, &a->terminal);
    case CONTACT:
        return contact_monitor(t, NULL, &a->map);
    case OWNER_INIT:
        return owner_begin(t, a);
    case OWNER_MONITOR:
        rc = contact_monitor(t, &waiting, &a->map);
        if (rc == RES_OK)
            rc = owner_monitor(t, &a->owner, &a->terminal);
        return rc == RES_OK ? contact_settle(&a->map, &waiting, a->terminal) : rc;
    case UPDATE:
        return owner_update(t, &a->owner, a->position, a->count, &a->map);
    case HEADS:
        return heads_walk(t, a->position == 0 ? NULL : &a->position, &a->heads);
    }
    return RES_BUG;
}

/* The prover's side: the proof's bytes into out. */
static enum result
prove(struct memtree *tree, struct memlabel *label, uint64_t size, uint64_t last,
      const struct kt_window *w, struct asked *a, struct buf *out)
{
    struct record_tree face = memtree_tree(tree);
    struct record_label name = memlabel_label(label);
    struct transcript *t = malloc(sizeof(*t));
    struct recorder r;
    struct transcript_source source;
    struct kt_view view;
    struct combined_proof proof;
    struct writer writer = writer_to(out);
    enum result rc;

    assert_non_null(t);
    record_init(&r, &face, &name);
    source = record_source(&r);
    if (last > 0)
        memtree_view(tree, last, &view);
    rc = transcript_init(t, size, w, last > 0 ? &view : NULL, &source);
    if (rc == RES_OK)
        rc = ask(t, a);
    if (rc == RES_OK)
        rc = record_finish(&r, t, &proof);
    if (rc == RES_OK) {
        combined_proof_put(&writer, &proof);
        rc = writer_end(&writer);
    }
    record_release(&r);
    free(t);
    return rc;
}

/* The verifier's side. */
static enum result
check(const struct memtree *tree, const struct memlabel *label, uint64_t size, uint64_t last,
      const struct kt_window *w, struct asked *a, struct span bytes, struct hash *ret_root,
      struct kt_view *ret_view)
{
    static struct consume_version versions[VERSIONS_KNOWN];
    struct transcript *t = malloc(sizeof(*t));
    struct consumer *c = malloc(sizeof(*c));
    struct transcript_source source;
    struct kt_view view;
    struct combined_proof proof;
    struct reader r = reader_of(bytes);
    enum result rc;

    assert_non_null(t);
    assert_non_null(c);
    memlabel_versions(label, VERSIONS_KNOWN, versions);
    combined_proof_get(&r, &proof);
    rc = reader_end(&r);
    if (rc == RES_OK) {
        consume_init(c, &proof, versions, VERSIONS_KNOWN);
        source = consume_source(c);
        if (last > 0)
            memtree_view(tree, last, &view);
        rc = transcript_init(t, size, w, last > 0 ? &view : NULL, &source);
    }
    if (rc == RES_OK)
        rc = ask(t, a);
    if (rc == RES_OK)
        rc = consume_finish(c, t, ret_root, ret_view);
    free(t);
    free(c);
    return rc;
}

/* Proves and checks one request; both sides must come to the same. */
static enum result
both(struct memtree *tree, struct memlabel *label, uint64_t size, uint64_t last,
     const struct kt_window *w, const struct asked *a, struct asked *ret)
{
    struct buf bytes = BUF_INIT(8u << 20);
    struct asked prover = *a, verifier = *a;
    struct hash root, expected;
    struct kt_view view, kept;
    enum result rc;

    prover.label = label;
    rc = prove(tree, label, size, last, w, &prover, &bytes);
    if (rc == RES_OK) {
        memcpy(verifier.greatest, prover.greatest, sizeof(prover.greatest));
        verifier.greatest_n = prover.greatest_n;
        rc = check(tree, label, size, last, w, &verifier, buf_span(&bytes), &root, &view);
        if (rc != RES_OK)
            fail_msg("kind %d version %u size %llu last %llu position %llu: %s", a->kind,
                     a->version, (unsigned long long)size, (unsigned long long)last,
                     (unsigned long long)a->position, result_name(rc));
        logtree_root(&tree->peaks[size - 1], &expected);
        assert_true(hash_equal(&root, &expected));
        memtree_view(tree, size, &kept);
        assert_int_equal(view.n, kept.n);
        assert_memory_equal(view.frontier, kept.frontier, view.n * sizeof(view.frontier[0]));
        assert_int_equal(verifier.terminal, prover.terminal);
        assert_int_equal(verifier.map.n, prover.map.n);
        *ret = verifier;
    }
    buf_release(&bytes);
    return rc;
}

/* A random log: entries with and without versions of the label, several in one entry, another label
 * beside. */
static void
make(struct rng *r, struct memtree *tree, struct memlabel labels[2], uint64_t entries,
     unsigned every, bool several)
{
    uint64_t now = 1000;

    memtree_init(tree);
    memset(labels, 0, 2 * sizeof(*labels));
    labels[1].name = 1;
    for (uint64_t i = 0; i < entries; i++) {
        unsigned new[2] = {
            rng_next(r) % every == 0 ? 1 + (several ? (unsigned)(rng_next(r) % 3) : 0) : 0,
            (unsigned)(rng_next(r) % 2)};

        memtree_append(tree, now, labels, new, 2);
        now += rng_next(r) % 20;
    }
}

static void
drop(struct memtree *tree, struct memlabel labels[2])
{
    memlabel_release(&labels[0]);
    memlabel_release(&labels[1]);
    memtree_release(tree);
}

static const struct kt_window windows[] = {
    {.monitoring = 0},       {.monitoring = 1},
    {.monitoring = 50},      {.monitoring = 400},
    {.monitoring = 1000000}, {.monitoring = 30, .has_lifetime = true, .lifetime = 200},
};

/* How many versions there are in the tree of that size. */
static uint32_t
versions_at(const struct memlabel *l, uint64_t size)
{
    uint32_t n = 0;

    while (n < l->n && l->inserted[n] < size)
        n++;
    return n;
}

static void
searches_agree(void **state)
{
    struct rng r = rng_start("searches_agree");

    (void)state;
    for (unsigned round = 0; round < 24; round++) {
        const struct kt_window *w = &windows[round % 6];
        struct memtree tree;
        struct memlabel labels[2];
        uint64_t size = 1 + rng_next(&r) % 60;
        uint32_t n;

        make(&r, &tree, labels, size, 1 + (unsigned)(rng_next(&r) % 5), round % 2 == 0);
        n = versions_at(&labels[0], size);
        for (uint64_t last = 0; last <= size; last++) {
            struct asked a = {.kind = GREATEST, .version = n - 1}, out;

            if (n > 0)
                assert_int_equal(both(&tree, &labels[0], size, last, w, &a, &out), RES_OK);
            for (uint32_t v = 0; v <= n; v++) {
                enum result rc;

                a = (struct asked){.kind = FIXED, .version = v};
                rc = both(&tree, &labels[0], size, last, w, &a, &out);
                if (v == n)
                    assert_true(rc == RES_KT_NO_VERSION ||
                                (w->has_lifetime && rc == RES_KT_EXPIRED));
                else
                    assert_true(rc == RES_OK || (w->has_lifetime && (rc == RES_KT_EXPIRED ||
                                                                     rc == RES_KT_NO_VERSION)));
                if (v < n && !w->has_lifetime)
                    assert_true(out.terminal >= labels[0].inserted[v]);
            }
        }
        drop(&tree, labels);
    }
}

static void
monitoring_follows_to_a_distinguished_entry(void **state)
{
    struct rng r = rng_start("monitoring");

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        const struct kt_window *w = &windows[round % 5];
        struct memtree tree;
        struct memlabel labels[2];

        make(&r, &tree, labels, 120, 4, round % 2 == 0);
        for (uint64_t size = 1; size < 60; size++) {
            uint32_t n = versions_at(&labels[0], size);
            struct asked a = {.kind = GREATEST, .version = n - 1}, out;
            uint64_t later = size, before = 0;

            if (n == 0)
                continue;
            assert_int_equal(both(&tree, &labels[0], size, 0, w, &a, &out), RES_OK);
            a = (struct asked){.kind = CONTACT,
                               .map = {.entries = {{out.terminal, n - 1}}, .n = 1}};
            while (a.map.n > 0 && later < 120) {
                later += 1 + rng_next(&r) % 20;
                if (later > 120)
                    later = 120;
                assert_int_equal(both(&tree, &labels[0], later, before, w, &a, &out), RES_OK);
                a.map = out.map;
                before = later;
            }
        }
        drop(&tree, labels);
    }
}

static void
owners_see_every_version(void **state)
{
    struct rng r = rng_start("owners");

    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        const struct kt_window *w = &windows[round % 4];
        struct memtree tree;
        struct memlabel labels[2];
        struct asked a = {.kind = HEADS}, out;
        uint64_t start;

        make(&r, &tree, labels, 90, 6, round % 2 == 0);
        assert_int_equal(both(&tree, &labels[0], 90, 0, w, &a, &out), RES_OK);
        if (out.heads.n == 0) {
            drop(&tree, labels);
            continue;
        }
        start = out.heads.at[out.heads.n - 1];
        a = (struct asked){.kind = OWNER_INIT, .position = start};
        assert_int_equal(both(&tree, &labels[0], 90, 0, w, &a, &out), RES_OK);
        a = (struct asked){
            .kind = UPDATE,
            .owner = {.start = start, .at_start = (int64_t)versions_at(&labels[0], start + 1) - 1}};
        for (size_t v = versions_at(&labels[0], start + 1); v < labels[0].n; v += a.count) {
            a.owner.upcoming = labels[0].inserted + (a.owner.at_start + 1);
            a.owner.upcoming_n = v - (size_t)(a.owner.at_start + 1);
            a.position = labels[0].inserted[v];
            for (a.count = 1;
                 v + a.count < labels[0].n && labels[0].inserted[v + a.count] == a.position;
                 a.count++)
                ;
            assert_int_equal(both(&tree, &labels[0], 90, rng_next(&r) % 91, w, &a, &out), RES_OK);
            a.map = out.map;
        }
        a.owner.upcoming_n = labels[0].n - (size_t)(a.owner.at_start + 1);
        a.owner.upcoming = labels[0].inserted + (a.owner.at_start + 1);
        a.kind = OWNER_MONITOR;
        assert_int_equal(both(&tree, &labels[0], 90, rng_next(&r) % 91, w, &a, &out), RES_OK);
        drop(&tree, labels);
    }
}

/* A flipped bit anywhere is refused, or changes nothing that anybody sees. */
static void
every_flip_is_refused(void **state)
{
    struct rng r = rng_start("flips");

    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        const struct kt_window *w = &windows[1 + round % 3];
        struct memtree tree;
        struct memlabel labels[2];
        uint64_t last = round % 2 == 0 ? 0 : 13;
        struct buf bytes = BUF_INIT(1u << 20);
        struct asked a, verifier;
        struct hash root, expected;
        struct kt_view view;

        make(&r, &tree, labels, 40, 4, true);
        a = (struct asked){.kind = round % 2 == 0 ? GREATEST : FIXED,
                           .version = versions_at(&labels[0], 40) - 1};
        verifier = a;
        assert_int_equal(prove(&tree, &labels[0], 40, last, w, &a, &bytes), RES_OK);
        logtree_root(&tree.peaks[39], &expected);
        for (size_t i = 0; i < bytes.n * 8; i++) {
            enum result rc;

            bytes.p[i / 8] ^= (uint8_t)(1u << i % 8);
            rc = check(&tree, &labels[0], 40, last, w, &verifier, buf_span(&bytes), &root, &view);
            if (rc == RES_OK && hash_equal(&root, &expected))
                fail_msg("bit %zu of %zu bytes can be changed", i, bytes.n);
            bytes.p[i / 8] ^= (uint8_t)(1u << i % 8);
        }
        buf_release(&bytes);
        drop(&tree, labels);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_agree),
        cmocka_unit_test(monitoring_follows_to_a_distinguished_entry),
        cmocka_unit_test(owners_see_every_version),
        cmocka_unit_test(every_flip_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

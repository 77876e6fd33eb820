#include "tests/unit/keytrans/asked.h"

#include <stdlib.h>
#include <string.h>

#include "tests/vectors/check.h"

const struct kt_window asked_windows[ASKED_WINDOWS] = {
    {.monitoring = 0},       {.monitoring = 1},
    {.monitoring = 50},      {.monitoring = 400},
    {.monitoring = 1000000}, {.monitoring = 30, .has_lifetime = true, .lifetime = 200},
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
owner_go_on(struct transcript *t, struct asked *a)
{
    struct contact_waiting waiting = {.start = a->owner.start};
    enum result rc = contact_monitor(t, &waiting, &a->map);

    if (rc == RES_OK)
        rc = owner_monitor(t, &a->owner, &a->terminal);
    return rc == RES_OK ? contact_settle(&a->map, &waiting, a->terminal) : rc;
}

static enum result
ask(struct transcript *t, struct asked *a)
{
    enum result rc = view_update(t);

    if (rc != RES_OK)
        return rc;
    switch (a->kind) {
    case ASK_NOTHING:
        return RES_OK;
    case ASK_GREATEST:
        return search_greatest(t, a->version, &a->terminal);
    case ASK_FIXED:
        return search_fixed(t, a->version, &a->terminal);
    case ASK_ABSENT:
        return search_absent(t);
    case ASK_AS_OF:
        return as_of_show(t, &a->as_of, a->time);
    case ASK_CONTACT:
        return contact_monitor(t, NULL, &a->map);
    case ASK_OWNER_INIT:
        return owner_begin(t, a);
    case ASK_OWNER_MONITOR:
        return owner_go_on(t, a);
    case ASK_UPDATE:
        return owner_update(t, &a->owner, a->position, a->count, &a->map);
    case ASK_HEADS:
        return heads_walk(t, a->position == 0 ? NULL : &a->position, &a->heads);
    case ASK_KINDS:
        break;
    }
    return RES_BUG;
}

enum result
asked_prove(const struct asked_of *of, struct asked *a, struct buf *out)
{
    static struct transcript t;
    static struct recorder r;
    struct record_tree face = memtree_tree(of->tree);
    struct record_label name = memlabel_label(of->label);
    struct writer writer = writer_to(out);
    struct transcript_source source;
    struct combined_proof proof;
    struct kt_view view;
    enum result rc;

    a->label = of->label;
    record_init(&r, &face, &name);
    r.steps_max = of->ladders;
    source = record_source(&r);
    if (of->last > 0)
        memtree_view(of->tree, of->last, &view);
    rc = transcript_init(&t, of->size, of->window, of->last > 0 ? &view : NULL, &source);
    if (rc == RES_OK)
        rc = ask(&t, a);
    if (rc == RES_OK)
        rc = record_finish(&r, &t, &proof);
    if (rc == RES_OK) {
        combined_proof_put(&writer, &proof);
        rc = writer_end(&writer);
    }
    record_release(&r);
    return rc;
}

/* What a verifier knows of the label: asked for so often that it is kept. */
static const struct consume_version *
known(const struct memlabel *label)
{
    static struct consume_version versions[ASKED_VERSIONS];
    static bool any;
    static uint32_t name;
    static size_t n;

    if (!any || name != label->name || n != label->n)
        memlabel_versions(label, ASKED_VERSIONS, versions);
    any = true;
    name = label->name;
    n = label->n;
    return versions;
}

enum result
asked_check(const struct asked_of *of, struct asked *a, struct span bytes, struct hash *ret_root,
            struct kt_view *ret_view)
{
    static struct transcript t;
    static struct consumer c;
    struct transcript_source source;
    struct kt_view view;
    struct combined_proof proof;
    struct reader r = reader_of(bytes);
    enum result rc;

    a->label = NULL;
    combined_proof_get(&r, &proof);
    rc = reader_end(&r);
    if (rc == RES_OK) {
        consume_init(&c, &proof, known(of->label), ASKED_VERSIONS);
        source = consume_source(&c);
        if (of->last > 0)
            memtree_view(of->tree, of->last, &view);
        rc = transcript_init(&t, of->size, of->window, of->last > 0 ? &view : NULL, &source);
    }
    if (rc == RES_OK)
        rc = ask(&t, a);
    return rc == RES_OK ? consume_finish(&c, &t, ret_root, ret_view) : rc;
}

static void
same_outcome(const struct asked *a, const struct asked *b)
{
    assert_int_equal(a->terminal, b->terminal);
    assert_int_equal(a->map.n, b->map.n);
    for (unsigned i = 0; i < a->map.n; i++) {
        assert_int_equal(a->map.entries[i].position, b->map.entries[i].position);
        assert_int_equal(a->map.entries[i].version, b->map.entries[i].version);
    }
    assert_int_equal(a->heads.n, b->heads.n);
    assert_memory_equal(a->heads.at, b->heads.at, a->heads.n * sizeof(a->heads.at[0]));
}

enum result
asked_both(const struct asked_of *of, const struct asked *a, struct asked *ret)
{
    struct buf bytes = BUF_INIT(8u << 20);
    struct asked prover = *a, verifier = *a;
    struct hash root, expected;
    struct kt_view view, kept;
    enum result rc = asked_prove(of, &prover, &bytes);

    if (rc == RES_OK) {
        memcpy(verifier.greatest, prover.greatest, sizeof(prover.greatest));
        verifier.greatest_n = prover.greatest_n;
        rc = asked_check(of, &verifier, buf_span(&bytes), &root, &view);
        if (rc != RES_OK)
            fail_msg("kind %d version %u size %llu last %llu position %llu: %s", (int)a->kind,
                     a->version, (unsigned long long)of->size, (unsigned long long)of->last,
                     (unsigned long long)a->position, result_name(rc));
        logtree_root(&of->tree->peaks[of->size - 1], &expected);
        assert_true(hash_equal(&root, &expected));
        memtree_view(of->tree, of->size, &kept);
        assert_int_equal(view.n, kept.n);
        assert_memory_equal(view.frontier, kept.frontier, view.n * sizeof(view.frontier[0]));
        same_outcome(&prover, &verifier);
        *ret = verifier;
    }
    buf_release(&bytes);
    return rc;
}

uint32_t
asked_versions(const struct memlabel *l, uint64_t size)
{
    uint32_t n = 0;

    while (n < l->n && l->inserted[n] < size)
        n++;
    return n;
}

void
asked_log(struct rng *r, struct memtree *tree, struct memlabel labels[2], uint64_t entries,
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

void
asked_drop(struct memtree *tree, struct memlabel labels[2])
{
    memlabel_release(&labels[0]);
    memlabel_release(&labels[1]);
    memtree_release(tree);
}
